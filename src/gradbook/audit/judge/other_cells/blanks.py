"""Columns of a table that were cleared, or never filled in, though formulas use them.

A blank cell counts as 0, and gradients of a loss with a 0 in it are easily right. So an
empty column is reported before anything is judged.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from gradbook.audit.findings.findings import (
    BLANK_REFERENCE,
    PASTED,
    TO_FILL_IN,
    Finding,
    finding_in,
)
from gradbook.audit.formula.address import ACROSS, DOWN, Address, sheet_of, written
from gradbook.audit.formula.expression import factors, terms
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.training.steps import LOSS_WORDS, inside_of
from gradbook.audit.training.training import SheetTraining
from gradbook.audit.workbook.book import Book


def blank_columns(training: SheetTraining) -> list[Finding]:
    """The blank columns of a training's own table that its formulas take for 0."""
    return [found for column in _columns(training) for found in _taken(training, *column)]


def blank_cells(training: SheetTraining) -> Iterator[Finding]:
    """Single blank cells in columns of formulas that others take for 0."""
    book = training.book
    for heading, cells in _columns(training):
        blank = [c for c in cells if book.is_blank(c) and any(_users(training, c))]
        formulas = Counter(book.patterns[cell] for cell in cells if cell in book.patterns)
        if 0 < len(blank) < formulas.total():
            ((right, _),) = formulas.most_common(1)
            why = f"{written(blank[0])} is blank where the others of its column have a formula"
            yield finding_in(book, blank, PASTED, quantity=heading, why=why, right=right)


def blank_factors(training: SheetTraining, losses: Iterable[Address]) -> Iterator[Finding]:
    """Formulas on the way to the losses that are a product with a blank cell, and so always 0:
    behind a ReLU every gradient agrees with that."""
    book = training.book
    inside = set().union(*(inside_of(training, cell) for cell in losses))
    alike: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for cell in sorted(inside & book.patterns.keys() - training.weight_cells.keys()):
        alike[book.patterns[cell]].append(cell)
    for pattern, cells in alike.items():
        blank = _blank_factor(training, pattern, cells)
        if blank is not None:
            heading = book.label(cells[0], training.axis) or written(cells[0])
            why = f"{book.called(blank, cells[0])} is blank: this product is 0 in every step"
            yield finding_in(book, cells, BLANK_REFERENCE, quantity=heading, why=why)


def _blank_factor(
    training: SheetTraining, pattern: Pattern, cells: Sequence[Address]
) -> Address | None:
    """The first of the blank cells that one factor of a product is, in all these cells. One with a
    heading may be an input that is 0."""
    book = training.book
    if pattern.expression is None or len(terms(pattern.expression)) > 1:
        return None
    parts = factors(pattern.expression).parts
    for factor in parts if len(parts) > 1 else ():
        place = pattern.place_of(factor.part)
        found = [place.at(cell) for cell in cells] if place else []
        if found and all(at is not None and _is_bare(book, at) for at in found):
            return found[0]
    return None


def _is_bare(book: Book, cell: Address) -> bool:
    """Whether nothing stands in a cell, and no heading beside or above it."""
    return book.is_blank(cell) and not any(book.label(cell, axis) for axis in (DOWN, ACROSS))


def blank_losses(training: SheetTraining) -> list[Finding]:
    """Columns that are headed as a loss and blank, which no formula takes."""
    return [
        _finding(training, cells, heading, "it is the loss")
        for heading, cells in _columns(training)
        if all(map(training.book.is_blank, cells))
        and any(word in heading.lower() for word in LOSS_WORDS)
        and not any(training.flow.users.get(cell) for cell in cells)
    ]


def _columns(training: SheetTraining) -> Iterator[tuple[str, list[Address]]]:
    """What stands under each heading beside the weights' own, from the first row to the last."""
    start, axis, book = training.weights[0].start, training.axis, training.book
    place = book.heading_place(start, axis)
    in_rows = all(abs(stride) == axis.step for stride in training.strides)
    if place is None or not in_rows or any(s.sheet == training.sheet for s in book.not_kept):
        return
    for cell, heading in book.headings(training.sheet, axis, place):
        first = cell + (axis.along(start) - place) * axis.step
        yield heading, [first + k * axis.step for k in range(training.steps + 1)]


def _taken(training: SheetTraining, heading: str, cells: Sequence[Address]) -> Iterator[Finding]:
    blank = list(filter(training.book.is_blank, cells))
    if blank == [cells[0]] and cells[0] in training.flow.sources(cells[1]):
        yield _finding(training, blank, heading, f"{heading} has no value to begin with")
    elif blank and set(blank) >= set(cells[1:-1] or cells[:1]):  # the last row may lack it
        user = next((user for cell in blank for user in _users(training, cell)), None)
        if user is not None:
            yield _finding(training, blank, heading, f"{written(user)} takes it for 0")


def _users(training: SheetTraining, cell: Address) -> Iterator[Address]:
    """The formulas on a cell's own sheet that use it, other than updates: with one gradient missing
    the rest can still be judged. Formulas on other sheets may only display it."""
    users = training.flow.users.get(cell, ())
    own = (user for user in users if sheet_of(user) == sheet_of(cell))
    return (user for user in own if user not in training.update_cells)


def _finding(training: SheetTraining, cells: Sequence[Address], heading: str, what: str) -> Finding:
    why = f"{written(cells[0])} is blank: {what}"
    return finding_in(training.book, cells, TO_FILL_IN, quantity=heading, why=why)
