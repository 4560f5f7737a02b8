"""What a sensor gives, as whole numbers: each channel times a number of its own, by what is usual.

Recordings mostly hold a sensor's whole numbers, as they are or in thousandths. C in whole numbers
takes those; what brings them to mean 0 and deviation 1 is part of how they become levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import ceil, floor, log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import TargetError
from gradbook.net.trained import Scaling, TrainedNet

WHOLE = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 128.0, 32_768.0)  # times which values may be whole
SLACK = 1e-6  # of a whole number
ROOM = 2  # times as large as in the recordings a value may get, where nothing tells its range
COARSE = 64  # of a deviation a whole number has to be smaller than one part, if it is rounded to
FAR = 300  # deviations from 0, where a bias of 16 bits still tells single levels
INT16, INT32 = "int16_t", "int32_t"
MOST = {INT16: 2**15 - 1, INT32: 2**27}
FINER = {INT16: 128, INT32: 1}  # parts of a whole number in which its mean is told


@dataclass(frozen=True)
class SensorNumbers:
    """Whole numbers of C's type `kind`: so many `times` each channel's value, rounded."""

    times: tuple[float, ...]
    kind: str = INT16

    @property
    def finer(self) -> int:
        return FINER[self.kind]

    @property
    def most(self) -> int:
        """The largest number that is taken; the smallest is as far below 0."""
        return MOST[self.kind]

    @property
    def size(self) -> int:
        """Bytes of each."""
        return {INT16: 2, INT32: 4}[self.kind]

    def of(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Rows of windows, (windows, steps x channels), as C is given them."""
        apart = np.asarray(rows, np.float64).reshape(len(rows), -1, len(self.times))
        whole = np.clip(np.rint(apart * self.times), -self.most, self.most)
        return whole.reshape(len(rows), -1).astype(np.int16 if self.kind == INT16 else np.int32)

    def scale(self, trained: TrainedNet) -> TrainedNet:
        """The same network for such numbers, in parts of `finer`."""
        steps = len(trained.scaling.mean) // len(self.times)
        factors = np.tile(np.array(self.times) * self.finer, steps)
        scaling = Scaling(1, trained.scaling.mean * factors, trained.scaling.deviation * factors)
        return replace(trained, scaling=scaling)

    def said(self, channels: Sequence[str]) -> str:
        """'1000 times ax, ay, az': how a channel's value becomes a whole number."""
        named = zip(self.times, channels, strict=True)
        parts = [
            (by, ", ".join(name for _, name in own))
            for by, own in groupby(named, key=lambda one: one[0])
        ]
        return "; ".join(f"{by:g} times {names}" if by != 1 else names for by, names in parts)


def sensor_numbers(rows: NDArray[Any], channels: int) -> SensorNumbers:
    """What suits such windows: 16 bits where these are fine enough, 32 elsewhere."""
    values = np.asarray(rows, np.float64).reshape(-1, channels)
    columns = [values[:, k] for k in range(channels)]
    if any(abs(column.mean()) > FAR * column.std() > 0 for column in columns):
        raise TargetError(
            f"a channel's mean is more than {FAR} times its deviation, too much for --int8: "
            "subtract it from the recordings"
        )
    short = [_whole(column) or _rounded(column, INT16) for column in columns]
    if all(short):
        return SensorNumbers(_raised(columns, short), INT16)
    return SensorNumbers(_lowered(columns, [_rounded(column, INT32) for column in columns]), INT32)


def _raised(columns: Sequence[NDArray[Any]], times: Sequence[float]) -> tuple[float, ...]:
    """Times ten and ten again as long as there is room, where a channel's numbers are much smaller
    than another's: what brings all of them to levels has few bits."""
    largest, raised = max(column.std() * by for column, by in zip(columns, times, strict=True)), []
    for column, by in zip(columns, times, strict=True):
        factor, most = by, MOST[INT16] / ROOM
        while 0 < 10 * factor * column.std() <= largest and 10 * factor * abs(column).max() <= most:
            factor *= 10
        raised.append(factor)
    return tuple(raised)


def _lowered(columns: Sequence[NDArray[Any]], times: Sequence[float]) -> tuple[float, ...]:
    """No more than ten times as fine as the coarsest channel."""
    spreads = [one.std() * by for one, by in zip(columns, times, strict=True)]
    least = max(min(spreads), COARSE / 10)
    return tuple(
        by / 10 ** max(ceil(log10(spread / (10 * least))), 0) if spread else by
        for by, spread in zip(times, spreads, strict=True)
    )


def _whole(values: NDArray[Any]) -> float:
    """Times which all of them are whole numbers of 16 bits; 0 if they aren't."""
    for by in WHOLE:
        scaled = values * by
        if abs(scaled - np.rint(scaled)).max() < SLACK and abs(scaled).max() <= MOST[INT16] + 1:
            return by
    return 0.0


def _rounded(values: NDArray[Any], kind: str) -> float:
    """The power of ten times which they fit in; 0 if that would be too coarse."""
    largest = float(abs(values).max()) or 1.0
    by = 10.0 ** floor(log10(MOST[kind] / ROOM / largest))
    return by if kind == INT32 or values.std() * by >= COARSE else 0.0
