"""Cells that say the same side by side: a matrix, a column, a single cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from gradbook.audit.formula.address import ROW, Address, column_of, ranges, row_of, written
from gradbook.audit.workbook.book import Book


@dataclass(frozen=True)
class MatrixBlock:
    """Cells of one formula, or typed numbers, that fill a rectangle; row by row."""

    cells: tuple[Address, ...]

    @property
    def first(self) -> Address:
        return self.cells[0]

    @cached_property
    def shape(self) -> tuple[int, int]:
        rows, columns = {row_of(c) for c in self.cells}, {column_of(c) for c in self.cells}
        return len(rows), len(columns)

    @property
    def written(self) -> str:
        return area(self.cells)

    def like(self, anchor: Address, across: bool) -> list[Address]:
        """The cells of a rectangle of this shape that begins elsewhere, or lies across."""
        found = []
        for cell in self.cells:
            down, right = row_of(cell) - row_of(self.first), column_of(cell) - column_of(self.first)
            found.append(anchor + (right * ROW + down if across else down * ROW + right))
        return found


def area(cells: Iterable[Address]) -> str:
    """Cells as people write them: a whole rectangle by its corners, else column by column."""
    cells = sorted(set(cells))
    rows, columns = ({place(c) for c in cells} for place in (row_of, column_of))
    full = len(rows) * len(columns) == len(cells)
    wide = max(columns) - min(columns) + 1 == len(columns)
    if full and wide and max(rows) - min(rows) + 1 == len(rows) and len(cells) > 1:
        return f"{written(cells[0])}:{written(cells[-1])}"
    return ranges(cells)


def blocks(book: Book, cells: Iterable[Address]) -> Iterator[MatrixBlock]:
    """The cells gathered into the largest rectangles of equal formulas, in the order of cells."""
    left = dict.fromkeys(sorted(cells))
    while left:
        first = next(iter(left))
        kind = _kind(book, first)
        width = 1
        while first + width in left and _kind(book, first + width) == kind:
            width += 1
        rows = [range(first, first + width)]
        while _is_row(book, left, kind, rows[-1], width):
            rows.append(range(rows[-1].start + ROW, rows[-1].stop + ROW))
        found = tuple(cell for row in rows for cell in row)
        for cell in found:
            del left[cell]
        yield MatrixBlock(found)


def _is_row(
    book: Book, left: dict[Address, None], kind: object, above: Sequence[Address], width: int
) -> bool:
    """Whether the cells below a row go on with it."""
    below = [cell + ROW for cell in above]
    return len(below) == width and all(c in left and _kind(book, c) == kind for c in below)


def _kind(book: Book, cell: Address) -> object:
    return book.arrays.get(cell) or book.patterns.get(cell)
