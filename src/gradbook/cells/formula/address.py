"""Cell addresses, as one number and as people write them (A1, Z33:Z100); the axes of a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

ROW_BITS, COLUMN_BITS = 20, 14
MOST_ROWS, MOST_COLUMNS = 1 << ROW_BITS, 1 << COLUMN_BITS
ROW = 1 << COLUMN_BITS  # to the next row, in a packed address
SHEET = 1 << ROW_BITS + COLUMN_BITS  # to the same place on the next sheet
LAST_COLUMN = MOST_COLUMNS - 1  # mask for the column of an address
LAST_ROW = (MOST_ROWS - 1) << COLUMN_BITS  # mask for its row

Address = int  # sheet, row and column, each counted from 0

_A1 = re.compile(r"([A-Za-z]{1,3})([1-9][0-9]{0,6})")

QUOTED = r"'(?!'(?!'))[^']*+(?:''[^']*+)*+'"
"""A sheet's title as formulas quote it. No possessive repeat has a choice within: Python before
3.11.5 gets those wrong."""

_CELL = rf"""
    (?P<sheet>(?<!'){QUOTED}!|(?<![\w.\[\]])[\w.\[\]]++!)?
    (?<![\w.])
    (?P<fix_column>\$?)(?P<column>[A-Za-z]{{1,3}})(?P<fix_row>\$?)(?P<row>[1-9][0-9]{{0,6}})
    (?![\w.(!\[])
"""
CELL = re.compile(_CELL, re.VERBOSE)
MARKS = re.compile(rf'"(?:[^"]|"")*" | {_CELL}', re.VERBOSE)  # texts are skipped


def edit_cells(text: str, change: Callable[[re.Match[str]], str]) -> str:
    """The formula with each cell reference replaced by `change`."""
    return MARKS.sub(lambda match: change(match) if match["column"] else match[0], text)


def pack(sheet: int, row: int, column: int) -> Address:
    return ((sheet << ROW_BITS) + row << COLUMN_BITS) + column


def sheet_of(cell: Address) -> int:
    return cell >> (ROW_BITS + COLUMN_BITS)


def row_of(cell: Address) -> int:
    return (cell >> COLUMN_BITS) & (MOST_ROWS - 1)


def column_of(cell: Address) -> int:
    return cell & (MOST_COLUMNS - 1)


@dataclass(frozen=True)
class Axis:
    """The direction of consecutive steps: down a table's rows, across its columns, over sheets."""

    step: int  # from one cell to the next, in packed addresses
    along: Callable[[Address], int]  # the row if steps go down, else the column or the sheet
    beside: Callable[[Address], int]  # the column if steps go down, else the row or the place

    def line(self, cell: Address) -> tuple[int, int]:
        """The sheet and column of a cell whose steps go down; the row if they go across."""
        return 0 if self is OVER else sheet_of(cell), self.beside(cell)

    def crossing(self, cell: Address) -> tuple[int, int]:
        """The sheet and row of a single step; the column if steps go across."""
        return sheet_of(cell), self.along(cell)


DOWN = Axis(ROW, row_of, column_of)
ACROSS = Axis(1, column_of, row_of)
OVER = Axis(SHEET, sheet_of, lambda cell: cell & (SHEET - 1))


def axis_of(stride: int) -> Axis:
    """The axis along which cells at this distance follow each other."""
    if abs(stride) >= SHEET:
        return OVER
    return DOWN if abs(stride) >= ROW else ACROSS


@lru_cache(maxsize=MOST_COLUMNS)
def letters(column: int) -> str:
    """The letters of a column: Z is column 25, AA column 26."""
    word = ""
    column += 1
    while column:
        column, place = divmod(column - 1, 26)
        word = chr(65 + place) + word
    return word


@lru_cache(maxsize=MOST_COLUMNS)
def column_number(word: str) -> int:
    number = 0
    for letter in word.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def name_of(cell: Address) -> str:
    """A cell's name without its sheet."""
    return f"{letters(column_of(cell))}{row_of(cell) + 1}"


def row_and_column(word: str) -> tuple[int, int] | None:
    """B3 is row 2, column 1; None for anything else. The cell may be beyond the end of a sheet."""
    match = _A1.fullmatch(word)
    return (int(match[2]) - 1, column_number(match[1])) if match else None


def ranges(cells: Iterable[Address]) -> str:
    """Cells of one sheet as ranges: Z33:Z100,AB7."""
    cells = list(cells)
    in_one_row = len(cells) > 1 and len(set(map(row_of, cells))) == 1
    axis = ACROSS if in_one_row else DOWN
    parts = [
        (name_of(run[0]), name_of(run[-1]))
        for _, line in groupby(sorted(set(cells), key=axis.line), key=axis.line)
        for run in _runs(line, axis)
    ]
    return ",".join(a if a == b else f"{a}:{b}" for a, b in parts)


def _runs(cells: Iterable[Address], axis: Axis) -> Iterator[list[Address]]:
    """The cells of one line, grouped into adjacent ones."""
    for _, run in groupby(enumerate(sorted(cells)), key=lambda pair: pair[1] - pair[0] * axis.step):
        yield [cell for _, cell in run]


def by_sheet(cells: Iterable[Address]) -> list[list[Address]]:
    """The cells in order, in a list for each sheet."""
    return [list(group) for _, group in groupby(sorted(set(cells)), key=sheet_of)]


def cells_of(ranges: str, sheet: int) -> Iterator[Address]:
    """Each cell of Z33:Z100,AB7, column by column."""
    for part in ranges.split(","):
        first, _, last = part.strip().partition(":")
        start, end = row_and_column(first), row_and_column(last or first)
        if start and end:
            (top, left), (bottom, right) = start, end
            for column in range(left, right + 1):
                for row in range(top, bottom + 1):
                    yield pack(sheet, row, column)
