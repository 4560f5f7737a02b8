"""Trainings that stand still: their gradients were pasted, and no weight comes back to itself."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.formula.expression import references
from gradbook.audit.formula.pattern import CellReference
from gradbook.audit.training.training import SheetTraining, trainings_of
from gradbook.audit.training.weight_columns import WeightColumn, change, heading, update_lines
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow

GRADIENT = re.compile(r".*(∂|grad|d[a-z]*_?\d*/?d_?w|dw|δ).*", re.IGNORECASE)  # a heading
FEWEST = 3  # cells of a weight that is updated


def with_pasted_gradients(
    book: Book, flow: Flow, others: Sequence[SheetTraining]
) -> list[SheetTraining]:
    """The trainings, beside others, whose updates take numbers that stand in cells of their own."""
    sheets = {training.sheet for training in others}
    names = {name for training in others for name in training.names}
    columns = [
        line
        for line in update_lines(book)
        if len(line.cells) >= FEWEST
        and sheet_of(line.start) not in sheets
        and _takes_pasted(book, flow, line, names)
    ]
    return trainings_of(book, flow, columns) if len(columns) > 1 else []


def _takes_pasted(book: Book, flow: Flow, line: WeightColumn, names: Collection[str]) -> bool:
    """Whether a line is a weight by its heading or by that of the numbers that its updates take,
    and something else is computed from it."""
    pasted = _pasted(book, line)
    if len(pasted) < len(line.cells) - 1 or len({book.values[cell] for cell in pasted}) < 2:
        return False
    used = any(user not in line.cells for user in flow.users.get(line.start, ()))
    called = heading(book, line) in names or GRADIENT.fullmatch(book.label(pasted[0], line.axis))
    return bool(used and called)


def _pasted(book: Book, line: WeightColumn) -> list[Address]:
    """The numbers that a line's updates take, one for each."""
    return [cell for base, home in pairwise(line.cells) for cell in _taken(book, base, home)]


def _taken(book: Book, base: Address, home: Address) -> Iterator[Address]:
    """The numbers beside an update that it takes from its base."""
    pattern = book.patterns[home]
    for _, part in change(pattern, base, home):
        for reference in references(part):
            place = pattern.place_of(reference)
            at = place.at(home) if isinstance(place, CellReference) and place.moves else None
            if (
                at is not None
                and at not in book.patterns
                and isinstance(book.values.get(at), float)
            ):
                yield at
