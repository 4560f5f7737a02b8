"""OFFSET and INDIRECT whose place depends on cells: taken at the cells' present values.

Which cells such a formula uses can't be followed otherwise. Its slope is that of the cells that it
uses now.
"""

from __future__ import annotations

from math import isnan

from gradbook.cells.book import Book
from gradbook.cells.computed_places import NotFixed, moved_area
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.expression import replace_parts
from gradbook.cells.formula.function_table import plain_name
from gradbook.cells.formula.pattern import CellReference, RangeReference
from gradbook.cells.formula.syntax import (
    Call,
    Expression,
    FormulaError,
    Reference,
    write,
)

MOST_SETTLED = 20_000  # formulas
PLACING = ("OFFSET", "INDIRECT")


def is_placed(formula: str) -> bool:
    """Whether a formula computes which cells it uses."""
    return any(f"{word}(" in formula.upper() for word in PLACING)


def settle_places(book: Book) -> frozenset[Address]:
    """Put plain references in place of OFFSET and INDIRECT; returns the cells whose formulas have
    changed."""
    moving = {
        pattern
        for pattern in set(book.patterns.values())
        if pattern.form and is_placed(pattern.text)
    }
    cells = [cell for cell, pattern in book.patterns.items() if pattern in moving]
    if not cells or len(cells) > MOST_SETTLED:
        return frozenset()
    numbers = Evaluation.of_stored(book, Flow(book))
    return frozenset(cell for cell in cells if _settle(book, cell, numbers))


def _settle(book: Book, cell: Address, numbers: Evaluation) -> bool:
    expression = book.read_typed(cell).expression
    if expression is None:
        return False

    def settled(part: Expression) -> Expression:
        if isinstance(part, Call) and plain_name(part.function) in PLACING:
            try:
                return _PLACES[plain_name(part.function)](book, part, cell, numbers)
            except (NotFixed, FormulaError, ValueError):
                return part
        return part

    replaced = replace_parts(expression, lambda part: None, settled)
    if write(replaced) == write(expression):
        return False
    book.typed.setdefault(cell, book.patterns[cell].text_at(cell))
    book.patterns[cell] = book.reader.pattern(write(replaced), cell)
    return True


def _offset(book: Book, part: Call, cell: Address, numbers: Evaluation) -> Reference:
    start, *ways = part.arguments
    if not isinstance(start, Reference) or not 2 <= len(ways) <= 4:
        raise NotFixed
    moves: list[int | None] = []
    for way in ways:
        if way is None:
            moves.append(None)
            continue
        value = numbers.value_of(book.reader.pattern(write(way), cell), cell)
        if isnan(value) or abs(value) > 2**30:
            raise NotFixed
        moves.append(int(value))
    down, right = (way or 0 for way in moves[:2])
    height, width = (*moves[2:], None, None)[:2]
    return moved_area(start.text, down, right, height, width)


def _indirect(book: Book, part: Call, cell: Address, numbers: Evaluation) -> Reference:
    if len(part.arguments) != 1 or part.arguments[0] is None:
        raise NotFixed
    shown = numbers.shown_by(book.reader.pattern(write(part.arguments[0]), cell), cell)
    text = shown if isinstance(shown, str) else f"{shown or 0:.10g}"
    if not isinstance(book.reader.mention(text, cell), CellReference | RangeReference):
        raise NotFixed
    return Reference(text)


_PLACES = {"OFFSET": _offset, "INDIRECT": _indirect}
