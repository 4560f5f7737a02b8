"""A chart of curves over epochs: what is seen of it, and where; no way to draw it.

`characters` draws it for a terminal, `svg` as a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from math import ceil, inf, isnan

import numpy as np

from gradbook.amounts import short
from gradbook.report.chart.scale import LOG, MOST_TICKS, Array, Scale, notch

FIVE_DIGITS = partial(short, digits=5)
MOST_POINTS = 1_500  # of a curve in a picture, or to be read one by one


@dataclass(frozen=True)
class Curve:
    """One value for each epoch, the first of which is epoch 1."""

    label: str
    values: Array
    colour: str
    steps: Array | None = None  # what is drawn: as many values in each epoch, the last at its end

    def points(self, most: int) -> tuple[list[float], list[float]]:
        """Places, in epochs, and values: at most so many."""
        if self.steps is None:
            places, values = thinned(self.values, most)
            return [float(place) for place in places], values
        places, values = thinned(self.steps, most)
        return [place * len(self.values) / len(self.steps) for place in places], values


@dataclass(frozen=True)
class Chart:
    """Curves that share their axes."""

    title: str
    curves: tuple[Curve, ...]
    labels: str = ""  # what the curves' labels are
    scale: Scale = LOG
    measure: str = "loss"
    spell: Callable[[float], str] = FIVE_DIGITS

    @cached_property
    def epochs(self) -> int:
        return max(len(curve.values) for curve in self.curves)

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest place shown, in the scale's units."""
        drawn = [curve.steps for curve in self.curves if curve.steps is not None]
        values = np.concatenate([*(curve.values for curve in self.curves), *drawn])
        return self.scale.ends(values, [float(curve.values[0]) for curve in self.curves])

    @property
    def first(self) -> int:
        """The epoch at the left edge; steps begin before the first one ends."""
        return 0 if any(curve.steps is not None for curve in self.curves) else 1

    def across(self, epoch: float) -> float:
        """0 at the first epoch, 1 at the last."""
        return (epoch - self.first) / max(self.epochs - self.first, 1)

    def height(self, value: float) -> float:
        """0 at the lower edge, 1 at the upper one, beyond them outside; NaN where nothing is."""
        low, high = self.ends
        return (self.scale.place(value) - low) / (high - low)

    def end(self, curve: Curve) -> float:
        """How high a curve is where it ends, or where it was last seen."""
        heights = (self.height(value) for value in reversed(curve.values.tolist()))
        return next((height for height in heights if not isnan(height)), 1.0)

    def label(self, curve: Curve, down: str = "↓", up: str = "↑") -> str:
        """Its name, with an arrow where its end lies outside."""
        end = self.end(curve)
        arrow = down if end < 0 else up if end > 1 else ""
        return f"{curve.label} {arrow}".rstrip()

    @property
    def levels(self) -> list[float]:
        """The values that the vertical axis names."""
        return self.scale.levels(*self.ends)

    @property
    def counts(self) -> list[int]:
        """The epochs that the horizontal axis names: the first, and round ones."""
        step = ceil(notch(max(self.epochs - 1, 1) / MOST_TICKS, down=False))
        round_ones = [count for count in range(step, self.epochs + 1, step) if count > 1 + step / 3]
        return [self.first, *([1] if self.first == 0 and step == 1 else []), *round_ones]


def thinned(values: Array, most: int) -> tuple[list[int], list[float]]:
    """Epochs and values, at most so many: the lowest and highest of each stretch are kept."""
    if len(values) <= most:
        return list(range(1, len(values) + 1)), values.tolist()
    kept = {0, len(values) - 1}
    for part in np.array_split(np.arange(len(values)), max(1, most // 2 - 1)):
        heights = np.nan_to_num(values[part], nan=inf)
        kept |= {int(part[heights.argmin()]), int(part[heights.argmax()])}
    places = sorted(kept)
    return [place + 1 for place in places], values[places].tolist()


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places from `low` to `high` near the wanted ones, in their order and a gap apart."""
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    order = sorted(range(len(wanted)), key=lambda k: (wanted[k], k))
    places: list[float] = []
    for k in order:
        place = min(max(wanted[k], low), high)
        places.append(max(place, places[-1] + gap) if places else place)
    bound = high
    for k in reversed(range(len(places))):
        places[k] = bound = min(places[k], bound)
        bound -= gap
    return [places[order.index(k)] for k in range(len(wanted))]


def few(count: int, most: int) -> list[int]:
    """So many places at most out of a count, evenly, with the first and the last."""
    if count <= most:
        return list(range(count))
    return sorted({round(k * (count - 1) / max(most - 1, 1)) for k in range(most)})


SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def tick_text(scale: Scale, level: float, ascii_only: bool = False) -> str:
    """0.01, 99.5 %, 10⁻⁶, or 1e-06 in ASCII."""
    base, power = scale.tick(level)
    if ascii_only and power:
        return f"{level:.0e}"
    return base + power.translate(SUPERSCRIPTS)
