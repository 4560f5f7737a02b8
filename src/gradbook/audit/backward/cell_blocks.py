"""Neighbouring cells with the same formula as blocks. Doesn't know what they compute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gradbook.cells.book import Book
from gradbook.cells.formula.address import ROW, Address, column_of, name_of, pack, ranges, row_of

Block = tuple[Address, ...]
"""Cells with one formula, or typed numbers, that fill a rectangle; row by row."""


def rectangle(first: Address, height: int, width: int) -> Block:
    return tuple(first + row * ROW + column for row in range(height) for column in range(width))


def area(cells: Iterable[Address]) -> str:
    """Cells as people write them: a rectangle by its corners, else column by column."""
    some = tuple(sorted(set(cells)))
    height, width = (of(some[-1]) - of(some[0]) + 1 for of in (row_of, column_of))
    if len(some) > 1 and some == rectangle(some[0], height, width):
        return f"{name_of(some[0])}:{name_of(some[-1])}"
    return ranges(some)


def likes(block: Block, anchor: Address) -> Iterator[Block]:
    """Yield the cells of a rectangle of the block's shape with another first cell, then those of
    its transpose."""
    first = block[0]
    away = [(row_of(c) - row_of(first), column_of(c) - column_of(first)) for c in block]
    yield tuple(anchor + pack(0, down, right) for down, right in away)
    if len(away) > 1:
        yield tuple(anchor + pack(0, right, down) for down, right in away)


def blocks(book: Book, cells: Iterable[Address]) -> Iterator[Block]:
    """The cells grouped into the largest rectangles of equal formulas, in order."""
    left: dict[Address, object] = {
        cell: book.arrays.get(cell) or book.patterns.get(cell) for cell in sorted(cells)
    }
    while left:
        first, kind = next(iter(left.items()))
        width = height = 1
        while first + width in left and left[first + width] == kind:
            width += 1
        while all(left.get(c, left) == kind for c in rectangle(first + height * ROW, 1, width)):
            height += 1
        found = rectangle(first, height, width)
        for cell in found:
            del left[cell]
        yield found
