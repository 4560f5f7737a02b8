"""Which whole number stands for which value of a map, by what images make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradbook.graph.node import Array
from gradbook.targets.portable.row_makers import RowMaker, Work

LOWEST, HIGHEST = -128, 127
SHARES = np.linspace(0.3, 1, 36)  # of the whole range, that are tried: what lies outside is cut off
MOST_VALUES = 200_000  # of a map, that are tried with


@dataclass(frozen=True)
class Levels:
    """A number q stands for `step` · (q − `zero`); beyond a map's edge stands `edge`."""

    step: float
    zero: float
    edge: int

    def read(self, levels: Array) -> Array:
        return self.step * (levels - self.zero)


def levels_of(makers: Sequence[RowMaker], maps: Sequence[Array]) -> list[Levels]:
    """The levels of each map; maps that are added to each other have theirs in common."""
    found = []
    for members in _groups(makers):
        ours = _image_levels(makers[0]) if members == {0} else None
        values = [maps[k] for k in members]
        found.append((members, ours or _fitting(values)))
    return [next(own for members, own in found if k in members) for k in range(len(makers))]


def _groups(makers: Sequence[RowMaker]) -> list[set[int]]:
    groups = [{k} for k in range(len(makers))]
    for maker in makers:
        if maker.work is Work.BOTH:
            touched = [g for g in groups if g & set(maker.reads)]
            groups = [g for g in groups if g not in touched] + [set().union(*touched)]
    return groups


def _image_levels(image: RowMaker) -> Levels | None:
    """The pixels as they are, where all channels are normalised alike."""
    assert image.scale is not None
    assert image.shift is not None
    if np.ptp(image.scale) or np.ptp(image.shift):
        return None
    zero = LOWEST - float(image.shift[0] / image.scale[0])
    return Levels(float(image.scale[0]), zero, round(min(max(zero, LOWEST), HIGHEST)))


def _fitting(maps: Sequence[Array]) -> Levels:
    """Those of all shares of the range that are least off, squared, for these values."""
    values = np.concatenate([_some(values.ravel()) for values in maps])
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    if low == high:
        return Levels(1.0, 0.0, 0)
    tried = [_between(low * share, high * share) for share in SHARES]
    return min(tried, key=lambda levels: _square_off(levels, values))


def _some(values: Array) -> Array:
    """Of many values those at random places, always the same, and the two outermost."""
    if len(values) <= MOST_VALUES:
        return values
    places = np.random.default_rng(0).integers(len(values), size=MOST_VALUES)
    return np.concatenate([values[places], [values.min(), values.max()]])


def _between(low: float, high: float) -> Levels:
    step = (high - low) / (HIGHEST - LOWEST)
    zero = round(LOWEST - low / step)
    return Levels(step, zero, zero)


def _square_off(levels: Levels, values: Array) -> float:
    rounded = np.clip(np.rint(values / levels.step + levels.zero), LOWEST, HIGHEST)
    return float(((levels.read(rounded) - values) ** 2).mean())
