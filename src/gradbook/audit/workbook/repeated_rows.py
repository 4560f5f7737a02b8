"""Rows that repeat those above them: a part of a long table stands for all of it.

A row repeats another where the same formulas, seen from where they stand, and the same kinds of
values are in the same columns. Where samples stand one below the other, rows repeat those of the
previous epoch, one period further up.
"""

from __future__ import annotations

from dataclasses import dataclass

FEWEST = 64  # rows, and one period, that repeat before any is left out
LONGEST_PERIOD = 1024  # rows
FEW = 4  # of so many cells of a row at most one departs
MOST_PERIODS = 16  # that are tried at a time

RowKind = tuple[object, ...]  # what is in which column


@dataclass(frozen=True)
class RepeatedPart:
    """Rows of a sheet, from the first to the last one, that repeat those a period above them."""

    sheet: int
    first: int
    last: int
    period: int


@dataclass(frozen=True)
class DepartingRow:
    """A single row that repeats others except in a few of its cells."""

    sheet: int
    row: int
    cells: tuple[tuple[int, object, object], ...]  # column, what is there, what is usual there


class RowRepeats:
    """Follows the rows of a sheet as they come and notices when they have begun to repeat."""

    def __init__(self) -> None:
        self._kinds: dict[int, RowKind] = {}  # of the last rows
        self._latest: dict[RowKind, int] = {}  # the last row of each kind
        self._runs: dict[int, int] = {}  # period → rows that have repeated so far

    def period(self, row: int, kind: RowKind) -> int:
        """How far above is the row that this one repeats, as enough before it do; 0 for none."""
        same = self._latest.get(kind)
        if same is not None and row - same <= LONGEST_PERIOD and len(self._runs) < MOST_PERIODS:
            self._runs.setdefault(row - same, 0)
        self._runs = {
            period: count + 1
            for period, count in self._runs.items()
            if self._kinds.get(row - period) == kind
        }
        self._kinds[row] = kind
        self._latest[kind] = row
        if len(self._kinds) > 2 * LONGEST_PERIOD:
            self._forget(row)
        return self.running

    @property
    def running(self) -> int:
        """The period with which rows have come to repeat; 0 for none."""
        long = (p for p, count in self._runs.items() if count >= max(FEWEST, p))
        return min(long, default=0)

    def usual(self, row: int, kind: RowKind) -> RowKind:
        """The kind that a row would have if it repeated others, where it departs in a few cells; ()
        for a row that does repeat them, and for one that is altogether different."""
        expected = self._kinds.get(row - self.running, ()) if self.running else ()
        if kind[::2] != expected[::2]:  # the columns
            return ()
        others = sum(a is not b for a, b in zip(kind[1::2], expected[1::2], strict=True))
        return expected if 0 < others <= max(1, len(kind) // 2 // FEW) else ()

    def kind(self, row: int) -> RowKind:
        """What stands in a row that was read a little before."""
        return self._kinds.get(row, ())

    def _forget(self, row: int) -> None:
        recent = row - LONGEST_PERIOD
        self._kinds = {r: kind for r, kind in self._kinds.items() if r >= recent}
        self._latest = {kind: r for kind, r in self._latest.items() if r >= recent}
