"""Neighbouring cells with the same formula: a matrix, a column, a single cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gradbook.audit.formula.address import ROW, Address, column_of, pack, ranges, row_of, written
from gradbook.audit.formula.pattern import Pattern, RangeReference
from gradbook.audit.workbook.book import Book


@dataclass(frozen=True)
class MatrixBlock:
    """Cells of one formula, or typed numbers, that fill a rectangle; row by row."""

    cells: tuple[Address, ...]

    @property
    def first(self) -> Address:
        return self.cells[0]

    @property
    def written(self) -> str:
        return area(self.cells)

    def likes(self, anchor: Address) -> Iterator[tuple[Address, ...]]:
        """The cells of a rectangle of this shape that begins elsewhere, then those of its
        transpose."""
        away = [
            (row_of(cell) - row_of(self.first), column_of(cell) - column_of(self.first))
            for cell in self.cells
        ]
        yield tuple(anchor + pack(0, down, right) for down, right in away)
        if len(away) > 1:
            yield tuple(anchor + pack(0, right, down) for down, right in away)


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
    """Whether the cells below a row continue the block."""
    below = [cell + ROW for cell in above]
    return len(below) == width and all(c in left and _kind(book, c) == kind for c in below)


def _kind(book: Book, cell: Address) -> object:
    return book.arrays.get(cell) or book.patterns.get(cell)


# Ranges that formulas mention ------------------------------------------------------------


def mentioned_matrices(book: Book) -> dict[tuple[int, int, int], list[Address]]:
    """Where the ranges begin that formulas mention, by sheet, height and width; those of array
    formulas, as they are typed, first."""
    found: defaultdict[tuple[int, int, int], dict[Address, None]] = defaultdict(dict)
    for pattern, home in _formulas(book):
        for place in pattern.places:
            corners = place.corners(home) if isinstance(place, RangeReference) else None
            if corners is not None:
                sheet, top, left, bottom, right = corners
                found[sheet, bottom - top + 1, right - left + 1][pack(sheet, top, left)] = None
    return {size: list(firsts) for size, firsts in found.items()}


def _formulas(book: Book) -> Iterator[tuple[Pattern, Address]]:
    typed = {text: cell for cell, text in sorted(book.arrays.items(), reverse=True)}
    yield from ((book.reader.typed(text, home), home) for text, home in typed.items())
    yield from ((pattern, cell) for cell, pattern in book.patterns.items())
