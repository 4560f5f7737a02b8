"""How values become heights of a chart: by powers of ten, evenly, or by what is missing to all.

A place is a height in a scale's own units; infinite ones lie outside every chart, and NaN is
nowhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import ceil, floor, inf, isnan, log10

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DECADES_DOWN, DECADES_UP = 12, 6  # shown below and above where the curves begin
EXTREMES = (1e-290, 1e290)  # what lies beyond has no room left for arithmetic
MOST_TICKS = 7
ROOM = 1.06  # above the highest of even steps
NOTCHES = (1, 2, 5, 10)
MISSING = (1, 0.5, 0.2)  # to all, times powers of ten: 50 %, 80 %, 90 %, 95 %, 98 %, 99 %, …
FINEST = 7  # decades


class Scale(ABC):
    """What an axis is like."""

    words = ""  # for those who can't see it

    @abstractmethod
    def place(self, value: float) -> float:
        """Where a value lies."""

    @abstractmethod
    def ends(self, values: Array, firsts: Sequence[float]) -> tuple[float, float]:
        """The lowest and the highest place shown of curves that begin at `firsts`."""

    @abstractmethod
    def levels(self, low: float, high: float) -> list[float]:
        """The values that an axis between these places names."""

    @abstractmethod
    def tick(self, value: float) -> tuple[str, str]:
        """A level in words: ("0.01", ""), or a power of ten with its exponent, ("10", "−6")."""


class Log(Scale):
    """Powers of ten: a loss."""

    words = "on a log scale"

    def place(self, value: float) -> float:
        if isnan(value):
            return value
        return log10(value) if 0 < value < inf else (inf if value > 0 else -inf)

    def ends(self, values: Array, firsts: Sequence[float]) -> tuple[float, float]:
        shown = np.clip(values[np.isfinite(values) & (values > 0)], *EXTREMES)
        lowest = float(min(shown, default=1.0))
        start = next((first for first in firsts if 0 < first < inf), lowest)
        start = min(max(start, EXTREMES[0]), EXTREMES[1])
        low = max(lowest, start * 10.0**-DECADES_DOWN)
        high = min(max(shown, default=start), start * 10.0**DECADES_UP)
        return log10(notch(low, down=True)), log10(notch(high, down=False))

    def levels(self, low: float, high: float) -> list[float]:
        powers = range(ceil(low - 1e-9), floor(high + 1e-9) + 1)
        if len(powers) >= 3:
            step = ceil(len(powers) / MOST_TICKS)
            return [10.0**power for power in powers if power % step == 0]
        decades = range(floor(low), ceil(high) + 1)
        notches = (notch * 10.0**power for power in decades for notch in NOTCHES[:-1])
        return [value for value in notches if low - 1e-9 <= log10(value) <= high + 1e-9]

    def tick(self, value: float) -> tuple[str, str]:
        if 0.001 <= value < 10_000:
            return f"{value:g}", ""
        power = floor(log10(value) + 1e-9)
        lead = round(value / 10.0**power)
        return ("10" if lead == 1 else f"{lead}·10"), str(power)


class Even(Scale):
    """Even steps from 0 up: a learning rate."""

    def place(self, value: float) -> float:
        return value

    def ends(self, values: Array, firsts: Sequence[float]) -> tuple[float, float]:
        highest = float(max(values[np.isfinite(values)], default=1.0))
        return 0.0, highest * ROOM if highest > EXTREMES[0] else 1.0

    def levels(self, low: float, high: float) -> list[float]:
        step = notch((high - low) / 5, down=False)
        return [step * k for k in range(ceil(low / step), floor(high / step + 1e-9) + 1)]

    def tick(self, value: float) -> tuple[str, str]:
        return f"{value:g}", ""


class Towards(Scale):
    """Shares of all, spread out towards all of it: from 99 % to 99.9 % is as far as from 90 to 99.

    All itself lies beyond every chart.
    """

    words = "spread out towards 100 %"

    def place(self, value: float) -> float:
        if isnan(value):
            return value
        return -log10(1 - value) if value < 1 else inf

    def ends(self, values: Array, firsts: Sequence[float]) -> tuple[float, float]:
        shown = values[np.isfinite(values) & (values < 1)]
        low, high = min(shown, default=0.9), max(shown, default=0.99)
        *notches, finest = self._notches()
        below = max(level for level in notches if level <= max(low, 0.0))
        above = next((level for level in notches if level > high), finest)
        return self.place(below), self.place(above)

    def levels(self, low: float, high: float) -> list[float]:
        notches = [x for x in self._notches() if low - 1e-9 <= self.place(x) <= high + 1e-9]
        decades = [x for x in notches if abs(self.place(x) - round(self.place(x))) < 1e-6]
        return notches if len(notches) <= MOST_TICKS + 1 else decades

    def tick(self, value: float) -> tuple[str, str]:
        return f"{100 * value:.10g} %", ""

    @staticmethod
    def _notches() -> list[float]:
        return [1 - m * 10.0**-power for power in range(FINEST + 1) for m in MISSING]


LOG, EVEN, TOWARDS = Log(), Even(), Towards()


def notch(value: float, *, down: bool) -> float:
    """The next 1, 2 or 5 times a power of ten, and never the value itself."""
    unit = 10.0 ** floor(log10(value))
    notches = [unit / 2, *(unit * notch for notch in NOTCHES), unit * 20]
    if down:
        return max(notch for notch in notches if notch < value * (1 - 1e-9))
    return min(notch for notch in notches if notch > value * (1 + 1e-9))
