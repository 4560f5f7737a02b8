"""What a curve of errors is called: as a formula over its cells, and what that comes to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradbook.graph.node import Array
from gradbook.targets.excel.grammar import digits as typed

LEAP, SLOW = 1.05, 0.5  # times the first error: above it leaps, and still above it is slow
RISE, NOTHING = 1.000001, 1e-9  # times the error before, and of the first error: less is rounding
ZIGZAG = 0.1  # of the epochs: so many in which it rises
FLAT = 1e-4  # of the last error: less of a change over the last tenth is none
BREAKS = "breaks: the numbers grow too large"


@dataclass(frozen=True)
class Cells:
    """The cells of one curve: a column, its first row as people count, and how many they are."""

    column: str
    top: int
    count: int

    def at(self, epoch: int) -> str:
        """The error of an epoch, counted from 0, or from the end if below."""
        return f"{self.column}${self.top + epoch % self.count}"

    def between(self, first: int, last: int) -> str:
        return f"{self.at(first)}:{self.at(last)}"

    def rises(self) -> str:
        """In how many epochs the error is higher than before."""
        after, before = self.between(1, -1), self.between(0, -2)
        return f"=SUMPRODUCT(--({after}>{RISE}*{before}+{typed(NOTHING)}*{self.at(0)}))"

    def verdict(self, highest: str, rises: str) -> str:
        """The curve's name, with the cells of its highest error and of its rises."""
        first, last, before = self.at(0), self.at(-1), self.at(_before(self.count))
        gone = f"{last}<={typed(NOTHING)}*{first}"
        flat = f"ABS({before}-{last})<={typed(FLAT)}*{last}"
        tail = f'IF({gone}," to nothing",IF({flat},", then flat",""))'
        zigzag = f"{rises}>{ZIGZAG}*{self.count}"
        leaps = f'"leaps up"&IF({zigzag}," and swings","")'
        return (
            f'=IF(COUNT({self.between(0, -1)})<{self.count},"{BREAKS}",'
            f"IF({highest}>{LEAP}*{first},"
            f'IF({last}<{first},"leaps up, then falls",{leaps})&{tail},'
            f'IF({zigzag},IF({last}<{first},"falls in zigzags","swings"),'
            f'IF({last}>{SLOW}*{first},"falls slowly","falls")&{tail})))'
        )


@dataclass(frozen=True)
class Errors:
    """The errors themselves, and what those formulas come to."""

    values: Array

    def rises(self) -> float:
        """Not a number where one of the errors isn't."""
        if not np.isfinite(self.values).all():
            return np.nan
        floor = NOTHING * self.values[0]
        return float(np.sum(self.values[1:] > RISE * self.values[:-1] + floor))

    def verdict(self) -> str:
        values, rises = self.values, self.rises()
        if not np.isfinite(rises):
            return BREAKS
        first, last, before = (float(values[k]) for k in (0, -1, _before(len(values))))
        flat = ", then flat" if abs(before - last) <= FLAT * last else ""
        tail = " to nothing" if last <= NOTHING * first else flat
        zigzag = rises > ZIGZAG * len(values)
        if values.max() > LEAP * first:
            leaps = "leaps up and swings" if zigzag else "leaps up"
            return ("leaps up, then falls" if last < first else leaps) + tail
        if zigzag:
            return "falls in zigzags" if last < first else "swings"
        return ("falls slowly" if last > SLOW * first else "falls") + tail


def _before(epochs: int) -> int:
    """The epoch, from 0, that the last one is compared with to see if the curve is flat."""
    return epochs - 1 - max(1, epochs // 10)
