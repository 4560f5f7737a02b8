"""Small edits of formulas with ranges: a matrix turned, two exchanged, another in its place."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from gradbook.audit.formula.address import Address, column_of, letters, pack, row_of, sheet_of
from gradbook.audit.formula.edits import Edit, EditKind
from gradbook.audit.formula.expression import Path, paths, put, references
from gradbook.audit.formula.pattern import RangeReference
from gradbook.audit.workbook.book import Book, quoted
from gradbook.targets.excel.language.grammar import (
    Call,
    Expression,
    Infix,
    Number,
    Prefix,
    Reference,
    write,
)
from gradbook.targets.excel.language.reader import FormulaError, read

MOST_RANGES = 150
TURNED = "transposition"

Rewriting = tuple[str, Edit, str]  # kind of mistake, edit, the whole formula


def rewritten(
    book: Book, expression: Expression, home: Address, array: bool
) -> Iterator[Rewriting]:
    """A formula with one matrix turned, exchanged or replaced, or so many times itself."""
    for path, part in paths(expression):
        match part:
            case Call("TRANSPOSE", (inside,)) if inside is not None:
                yield _edited(expression, path, part, inside, TURNED)
            case Call("MMULT", (a, b)) if a is not None and b is not None:
                yield _edited(
                    expression, path, part, Call("MMULT", (b, a)), EditKind.EXCHANGE.value
                )
                if array:
                    for turned in _turnings(a, b):
                        yield _edited(expression, path, part, turned, TURNED)
            case Reference(text) if ":" in text and array:
                yield _edited(expression, path, part, Call("TRANSPOSE", (part,)), TURNED)
    for path, part in paths(expression):
        if isinstance(part, Reference) and ":" in part.text:
            for other in islice(_other_ranges(book, part, home), MOST_RANGES):
                yield _edited(expression, path, part, other, EditKind.REFERENCE.value)
    yield _edited(expression, (), expression, Prefix("-", expression), EditKind.SIGN.value)
    if isinstance(expression, Prefix):
        yield _edited(expression, (), expression, expression.operand, EditKind.SIGN.value)
    for number in (2.0, 0.5):
        times = Infix("*", Number(number), expression)
        yield _edited(expression, (), expression, times, EditKind.FACTOR.value)


def _turnings(a: Expression, b: Expression) -> Iterator[Expression]:
    """A product of matrices with both exchanged and one of them turned."""
    yield Call("MMULT", (Call("TRANSPOSE", (b,)), a))
    yield Call("MMULT", (b, Call("TRANSPOSE", (a,))))
    yield Call("MMULT", (Call("TRANSPOSE", (a,)), Call("TRANSPOSE", (b,))))


def _edited(
    expression: Expression, path: Path, old: Expression, new: Expression, kind: str
) -> Rewriting:
    edit_kind = next((k for k in EditKind if k.value == kind), EditKind.FORMULA)
    return kind, Edit(edit_kind, (path,), old, new), write(put(expression, path, new))


def _other_ranges(book: Book, part: Reference, home: Address) -> Iterator[Reference]:
    """The ranges of the same shape that other formulas mention, with this one's anchors."""
    mention = book.reader.mention(part.text, home)
    corners = mention.corners(home) if isinstance(mention, RangeReference) else None
    if corners is None or not isinstance(mention, RangeReference):
        return
    shape = corners[3] - corners[1], corners[4] - corners[2]
    for first in _first_cells(book, shape, corners[0]):
        if (row_of(first), column_of(first)) != (corners[1], corners[2]):
            last = pack(sheet_of(first), row_of(first) + shape[0], column_of(first) + shape[1])
            text = f"{_anchored(mention, first)}:{_anchored(mention, last)}"
            other = sheet_of(first) != sheet_of(home)
            sheet = f"{quoted(book.sheets[sheet_of(first)].title)}!" if other else ""
            yield Reference(sheet + text)


def _first_cells(book: Book, shape: tuple[int, int], sheet: int) -> Iterator[Address]:
    """Where ranges of a shape begin, each once."""
    seen: set[Address] = set()
    for corners in _every_range(book):
        first = pack(*corners[:3])
        size = corners[3] - corners[1], corners[4] - corners[2]
        if corners[0] == sheet and size == shape and first not in seen:
            seen.add(first)
            yield first


def _every_range(book: Book) -> Iterator[tuple[int, int, int, int, int]]:
    """The corners of the ranges that formulas mention, array formulas as they are typed first."""
    typed = {text: cell for cell, text in sorted(book.arrays.items(), reverse=True)}
    for text, home in typed.items():
        for reference in _references(text):
            mention = book.reader.mention(reference.text, home)
            corners = mention.corners(home) if isinstance(mention, RangeReference) else None
            if corners is not None:
                yield corners
    for cell, pattern in book.patterns.items():
        for place in pattern.places:
            corners = place.corners(cell) if isinstance(place, RangeReference) else None
            if corners is not None:
                yield corners


def _references(text: str) -> list[Reference]:
    try:
        return list(references(read(text)))
    except FormulaError:
        return []


def _anchored(mention: RangeReference, cell: Address) -> str:
    column, row = "$" * mention.first.column_fixed, "$" * mention.first.row_fixed
    return f"{column}{letters(column_of(cell))}{row}{row_of(cell) + 1}"
