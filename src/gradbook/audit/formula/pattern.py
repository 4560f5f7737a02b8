"""A formula relative to its own cell, so that a whole column of equal ones is read once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gradbook.audit.formula.address import (
    CELL,
    LAST_COLUMN,
    LAST_ROW,
    MARKS,
    MOST_COLUMNS,
    MOST_ROWS,
    Address,
    column_number,
    column_of,
    letters,
    pack,
    row_of,
    sheet_of,
)
from gradbook.audit.formula.expression import makeup, renamed
from gradbook.audit.formula.form import FormulaForm
from gradbook.targets.excel.language.grammar import Expression, Reference

_POINTERS = re.compile(r"(?:'(?:[^']|'')+'!|[\w.\[\]]+!)?\x01[^\x02]*\x02")
SHIFTS = (*((0, k) for n in range(1, 7) for k in (n, -n)), (1, 0), (-1, 0), (2, 0), (-2, 0))
ENDS = ((1, 0), (-1, 0), (0, 1), (0, -1))


@dataclass(frozen=True)
class CellReference:
    """One cell as a formula points to it: fixed, or so many rows and columns away."""

    sheet: int | None  # None: the formula's own
    row: int
    row_fixed: bool
    column: int
    column_fixed: bool

    def at(self, home: Address) -> Address | None:
        """The cell meant from `home`; None where that lies outside the sheet."""
        kept, added, top, bottom, left, right = self._way
        inside = left <= home & LAST_COLUMN <= right and top <= home & LAST_ROW <= bottom
        return (home & kept) + added if inside else None

    def at_each(self, homes: NDArray[np.int64]) -> list[Address]:
        """The cells meant from each of many; none where one of them lies outside the sheet."""
        kept, added, top, bottom, left, right = self._way
        columns, rows = homes & LAST_COLUMN, homes & LAST_ROW
        inside = left <= columns.min() and columns.max() <= right
        inside = inside and top <= rows.min() and rows.max() <= bottom
        found: list[Address] = ((homes & kept) + added).tolist() if inside else []
        return found

    @cached_property
    def _way(self) -> tuple[int, int, int, int, int, int]:
        """Which bits of a packed address are kept, what is added to them, and from which rows
        (packed) and columns that stays on the sheet: computed once, for it is asked very often."""
        kept = 0 if self.sheet is not None else ~(LAST_ROW | LAST_COLUMN)
        kept |= 0 if self.row_fixed else LAST_ROW
        kept |= 0 if self.column_fixed else LAST_COLUMN
        top, bottom = _limits(self.row, self.row_fixed, MOST_ROWS)
        left, right = _limits(self.column, self.column_fixed, MOST_COLUMNS)
        added = pack(self.sheet or 0, self.row, self.column)
        return kept, added, pack(0, top, 0), pack(0, bottom, 0), left, right

    @property
    def moves(self) -> bool:
        """Whether it means another cell where the formula stands elsewhere."""
        return not (self.row_fixed and self.column_fixed)


def _limits(offset: int, fixed: bool, count: int) -> tuple[int, int]:
    """The first and the last row from which so many rows further still is on the sheet."""
    return (0, count - 1) if fixed else (max(0, -offset), min(count, count - offset) - 1)


@dataclass(frozen=True)
class RangeReference:
    """A range of cells, from one corner to the other."""

    first: CellReference
    last: CellReference

    @property
    def moves(self) -> bool:
        return self.first.moves or self.last.moves

    @property
    def grows(self) -> bool:
        """Whether one end stays where the other moves."""
        first, last = self.first, self.last
        return first.row_fixed != last.row_fixed or first.column_fixed != last.column_fixed

    def size(self, home: Address) -> int:
        """How many cells it has."""
        corners = self.corners(home)
        if corners is None:
            return 0
        _, top, left, bottom, right = corners
        return (bottom - top + 1) * (right - left + 1)

    def corners(self, home: Address) -> tuple[int, int, int, int, int] | None:
        """Sheet, first row, first column, last row, last column."""
        a, b = self.first.at(home), self.last.at(home)
        if a is None or b is None:
            return None
        rows, columns = sorted((row_of(a), row_of(b))), sorted((column_of(a), column_of(b)))
        return sheet_of(a), rows[0], columns[0], rows[1], columns[1]


@dataclass(frozen=True)
class UnknownReference:
    """Something a formula mentions that can't be followed, and why."""

    why: str


Mention = CellReference | RangeReference | float | UnknownReference


@dataclass(frozen=True, eq=False)
class Pattern:
    """A formula read once: what it says, where it points, and how it looks from any cell."""

    key: str
    home: Address
    text: str  # as it stands in `home`, without its =
    form: FormulaForm | None  # what it says; formulas that differ in their references share it
    typed: tuple[str, ...]  # these, in order, as often as typed in `home`
    mentions: Mapping[str, Mention]
    problem: str = ""
    places: tuple[CellReference | RangeReference, ...] = ()  # in order, each as often as typed

    @cached_property
    def expression(self) -> Expression | None:
        """What it says, in its own references; made when it is asked for, for few formulas are."""
        return None if self.form is None else renamed(self.form.expression, self.word_for)

    @cached_property
    def shape(self) -> str:
        """The formula with its references left out: what copies to other places share."""
        return _POINTERS.sub("@", self.key)

    @property
    def makeup(self) -> str:
        """The same, in whatever order its terms and factors stand."""
        return self.shape if self.form is None else makeup(self.form.expression)

    def word_for(self, part: Reference) -> str:
        """How a reference of the form is typed."""
        return self._words[part.text]

    @cached_property
    def _words(self) -> dict[str, str]:
        return dict(zip(self.form.references, self.typed, strict=True)) if self.form else {}

    @cached_property
    def repeated(self) -> CellReference | None:
        """The one cell that the formula is, if it says nothing else."""
        alone = self.form is not None and isinstance(self.form.expression, Reference)
        return self.place_of(self.expression) if alone else None

    def place_of(self, part: Expression | None) -> CellReference | None:
        """Where a part of the formula points, if it is one cell's reference."""
        place = self.mentions.get(part.text) if isinstance(part, Reference) else None
        return place if isinstance(place, CellReference) else None

    def text_at(self, cell: Address) -> str:
        """The formula as it stands in another cell of the column."""
        return copied(self.text, self.home, cell)


def copied(text: str, home: Address, cell: Address) -> str:
    """A formula, or a part of one, copied from one cell to another."""
    return moved(text, row_of(cell) - row_of(home), column_of(cell) - column_of(home))


def moved(text: str, down: int, right: int) -> str:
    """A formula copied so many cells away."""
    if not down and not right:
        return text

    def shift(found: re.Match[str]) -> str:
        if not found["column"]:
            return found[0]
        return _at(found, 0 if found["fix_row"] else down, 0 if found["fix_column"] else right)

    return MARKS.sub(shift, text)


def neighbours(text: str) -> Iterator[str]:
    """A range's likes: as large and up to so many cells away, or a row or a column larger or
    smaller at one end; none of whole columns or rows, nor of what is no range of two corners."""
    corners = [found for corner in text.split(":") if (found := CELL.fullmatch(corner))]
    if len(corners) != 2 or text.count(":") != 1:
        return
    first, last = corners
    for down, right in SHIFTS:
        yield f"{_at(first, down, right)}:{_at(last, down, right)}"
    for down, right in ENDS:
        yield f"{_at(first, down, right)}:{_at(last, 0, 0)}"
        yield f"{_at(first, 0, 0)}:{_at(last, down, right)}"


def _at(corner: re.Match[str], down: int, right: int) -> str:
    """The corner of a range so many cells further, though it be fixed."""
    column, row = column_number(corner["column"]) + right, int(corner["row"]) + down
    if column < 0 or row < 1:
        return "#REF!"
    sheet, fix_column, fix_row = corner["sheet"] or "", corner["fix_column"], corner["fix_row"]
    return f"{sheet}{fix_column}{letters(column)}{fix_row}{row}"


def relaid(text: str, follow: Callable[[str], str]) -> str:
    """A formula in which `follow` says how each cell that it mentions is called."""
    return MARKS.sub(lambda found: follow(found[0]) if found["column"] else found[0], text)


def anchored(text: str) -> str:
    """A formula in which every cell stays the same wherever it is copied to."""
    return MARKS.sub(
        lambda found: (
            f"{found['sheet'] or ''}${found['column']}${found['row']}"
            if found["column"]
            else found[0]
        ),
        text,
    )
