"""A chart of curves over epochs on a log scale: what is seen of it, and where; no way to draw it.

`curve_text` draws it in characters, `curve_svg` as a picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor, inf, isnan, log10

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DECADES_DOWN, DECADES_UP = 12, 6  # shown below and above where the curves begin
EXTREMES = (1e-290, 1e290)  # what lies beyond has no room left for arithmetic
MOST_TICKS = 7
NOTCHES = (1, 2, 5, 10)


@dataclass(frozen=True)
class Curve:
    """One value for each epoch, the first of which is epoch 1."""

    label: str
    values: Array
    colour: str


@dataclass(frozen=True)
class Chart:
    """Curves that share their axes."""

    title: str
    curves: tuple[Curve, ...]
    labels: str = "rate"  # what the curves' labels are

    @cached_property
    def epochs(self) -> int:
        return max(len(curve.values) for curve in self.curves)

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value shown, as powers of ten."""
        values = np.concatenate([curve.values for curve in self.curves])
        shown = np.clip(values[np.isfinite(values) & (values > 0)], *EXTREMES)
        firsts = [float(curve.values[0]) for curve in self.curves]
        lowest = float(min(shown, default=1.0))
        start = next((first for first in firsts if 0 < first < inf), lowest)
        start = min(max(start, EXTREMES[0]), EXTREMES[1])
        low = max(lowest, start * 10.0**-DECADES_DOWN)
        high = min(max(shown, default=start), start * 10.0**DECADES_UP)
        return log10(_notch(low, down=True)), log10(_notch(high, down=False))

    def height(self, value: float) -> float:
        """0 at the lower edge, 1 at the upper one, beyond them outside; nan where nothing is."""
        if isnan(value):
            return value
        low, high = self.ends
        power = log10(value) if 0 < value < inf else (inf if value > 0 else -inf)
        return (power - low) / (high - low)

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
        low, high = self.ends
        powers = range(ceil(low - 1e-9), floor(high + 1e-9) + 1)
        if len(powers) >= 3:
            step = ceil(len(powers) / MOST_TICKS)
            return [10.0**power for power in powers if power % step == 0]
        notches = (
            notch * 10.0**power
            for power in range(floor(low), ceil(high) + 1)
            for notch in NOTCHES[:-1]
        )
        return [value for value in notches if low - 1e-9 <= log10(value) <= high + 1e-9]

    @property
    def counts(self) -> list[int]:
        """The epochs that the horizontal axis names: the first, and round ones."""
        step = ceil(_notch(max(self.epochs - 1, 1) / MOST_TICKS, down=False))
        round_ones = [count for count in range(step, self.epochs + 1, step) if count > 1 + step / 3]
        return [1, *round_ones]


def _notch(value: float, *, down: bool) -> float:
    """The next 1, 2 or 5 times a power of ten, and never the value itself."""
    unit = 10.0 ** floor(log10(value))
    notches = [unit / 2, *(unit * notch for notch in NOTCHES), unit * 20]
    if down:
        return max(notch for notch in notches if notch < value * (1 - 1e-9))
    return min(notch for notch in notches if notch > value * (1 + 1e-9))


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


def tick(value: float) -> tuple[str, str]:
    """A level in words: ("0.01", ""), or a power of ten with its exponent, ("10", "−6")."""
    if 0.001 <= value < 10_000:
        return f"{value:g}", ""
    power = floor(log10(value) + 1e-9)
    lead = round(value / 10.0**power)
    return ("10" if lead == 1 else f"{lead}·10"), str(power)


def tick_text(value: float, ascii_only: bool = False) -> str:
    """0.01, 20, 10⁻⁶, or 1e-06 in ASCII."""
    base, power = tick(value)
    if ascii_only:
        return f"{value:.0e}" if power else base
    return base + power.translate(SUPERSCRIPTS)
