"""Where a cell is, packed into one number; the two ways in which a table goes on; A1, Z33:Z100."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

ROW_BITS, COLUMN_BITS = 20, 14
MOST_ROWS, MOST_COLUMNS = 1 << ROW_BITS, 1 << COLUMN_BITS
ROW = 1 << COLUMN_BITS  # one row further, in a packed address
LAST_COLUMN = MOST_COLUMNS - 1  # of an address, only its column
LAST_ROW = (MOST_ROWS - 1) << COLUMN_BITS  # only its row

Address = int  # sheet, row and column, each counted from 0


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
    """The way in which a table's steps go on: down its rows, or across its columns."""

    step: int  # from one cell to the next, in packed addresses
    along: Callable[[Address], int]  # the row where steps go down, else the column
    beside: Callable[[Address], int]  # the column where steps go down, else the row

    def line(self, cell: Address) -> tuple[int, int]:
        """The sheet and the column that a cell's steps go down, or the row that they go across."""
        return sheet_of(cell), self.beside(cell)

    def crossing(self, cell: Address) -> tuple[int, int]:
        """The sheet and the row of a single step, or its column where steps go across."""
        return sheet_of(cell), self.along(cell)


DOWN = Axis(ROW, row_of, column_of)
ACROSS = Axis(1, column_of, row_of)


def axis_of(stride: int) -> Axis:
    """The axis of cells that are so far apart."""
    return DOWN if abs(stride) >= ROW else ACROSS


@lru_cache(maxsize=MOST_COLUMNS)
def letters(column: int) -> str:
    """Z is column 25, AA column 26."""
    found = ""
    column += 1
    while column:
        column, place = divmod(column - 1, 26)
        found = chr(65 + place) + found
    return found


@lru_cache(maxsize=MOST_COLUMNS)
def column_number(word: str) -> int:
    number = 0
    for letter in word.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def written(cell: Address) -> str:
    """The cell as it is called on its own sheet."""
    return f"{letters(column_of(cell))}{row_of(cell) + 1}"


def ranges(cells: Iterable[Address]) -> str:
    """Cells of one sheet, gathered into Z33:Z100; several such parts stand side by side."""
    columns = [(column_of(cell), row_of(cell)) for cell in cells]
    if len(columns) > 1 and len({row for _, row in columns}) == 1:
        row = columns[0][1] + 1
        parts = [
            (f"{letters(a)}{row}", f"{letters(b)}{row}") for a, b in _runs(c for c, _ in columns)
        ]
    else:
        parts = [
            (f"{letters(column)}{first + 1}", f"{letters(column)}{last + 1}")
            for column, group in groupby(sorted(columns), key=lambda place: place[0])
            for first, last in _runs(row for _, row in group)
        ]
    return ",".join(a if a == b else f"{a}:{b}" for a, b in parts)


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    ordered = sorted(set(numbers))
    for _, group in groupby(enumerate(ordered), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        yield run[0], run[-1]
