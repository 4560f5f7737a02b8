"""Small edits of formulas with ranges: a matrix transposed, two exchanged, one replaced."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from gradbook.audit.backward.outputs import Cells
from gradbook.audit.formula.address import Address, column_of, letters, pack, row_of, sheet_of
from gradbook.audit.formula.edits import Edit, EditKind, shortened, tidy
from gradbook.audit.formula.expression import paths
from gradbook.audit.formula.pattern import RangeReference
from gradbook.audit.workbook.book import quoted
from gradbook.targets.excel.language.grammar import (
    Call,
    Expression,
    Infix,
    Number,
    Prefix,
    Reference,
)

MOST_RANGES = 150


def matrix_edits(
    cells: Cells, expression: Expression, home: Address, array: bool
) -> Iterator[Edit]:
    """One matrix transposed, exchanged or replaced, a part left out, or the whole scaled."""
    for path, part in paths(expression):
        match part:
            case Call("TRANSPOSE", (inside,)) if inside is not None:
                yield Edit(EditKind.TRANSPOSITION, (path,), part, inside)
            case Call("MMULT", (a, b)) if a is not None and b is not None:
                yield Edit(EditKind.EXCHANGE, ((*path, 0), (*path, 1)), a, b)
                for other in _transposed_products(a, b) if array else ():
                    yield Edit(EditKind.TRANSPOSITION, (path,), part, other)
            case Reference(text) if ":" in text and array:
                yield Edit(EditKind.TRANSPOSITION, (path,), part, Call("TRANSPOSE", (part,)))
    for path, part in paths(expression):
        if isinstance(part, Reference) and ":" in part.text:
            for other in islice(_other_ranges(cells, part, home), MOST_RANGES):
                yield Edit(EditKind.REFERENCE, (path,), part, other)
    for rest, left_out in shortened(expression):
        yield Edit(EditKind.OMISSION, ((),), left_out, rest)
    yield from _scaled(expression)


def _scaled(expression: Expression) -> Iterator[Edit]:
    """The whole of a formula with the other sign, twice or half as much."""
    match expression:
        case Prefix("-", operand):
            yield Edit(EditKind.SIGN, ((),), expression, operand)
        case _:
            yield Edit(EditKind.SIGN, ((),), expression, tidy(Prefix("-", expression)))
    for number in (2.0, 0.5):
        times = Infix("*", Number(number), expression)
        yield Edit(EditKind.FACTOR, ((),), expression, times)


def _transposed_products(a: Expression, b: Expression) -> Iterator[Expression]:
    """A product of matrices with one of them transposed, in either order."""
    yield Call("MMULT", (Call("TRANSPOSE", (b,)), a))
    yield Call("MMULT", (b, Call("TRANSPOSE", (a,))))
    yield Call("MMULT", (Call("TRANSPOSE", (a,)), Call("TRANSPOSE", (b,))))


def _other_ranges(cells: Cells, part: Reference, home: Address) -> Iterator[Reference]:
    """The ranges of the same shape that other formulas mention, with this one's anchors."""
    book = cells.book
    mention = book.reader.mention(part.text, home)
    corners = mention.corners(home) if isinstance(mention, RangeReference) else None
    if corners is None or not isinstance(mention, RangeReference):
        return
    sheet, top, left, bottom, right = corners
    height, width = bottom - top + 1, right - left + 1
    title = f"{quoted(book.sheets[sheet].title)}!" if sheet != sheet_of(home) else ""
    for first in cells.matrices.get((sheet, height, width), ()):
        if first != pack(sheet, top, left):
            last = first + pack(0, height - 1, width - 1)
            yield Reference(f"{title}{_anchored(mention, first)}:{_anchored(mention, last)}")


def _anchored(mention: RangeReference, cell: Address) -> str:
    column, row = "$" * mention.first.column_fixed, "$" * mention.first.row_fixed
    return f"{column}{letters(column_of(cell))}{row}{row_of(cell) + 1}"
