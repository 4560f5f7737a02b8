"""Columns of a table that were cleared, or never filled in, though formulas use them.

A blank cell counts as 0, and gradients of a loss with a 0 in it are easily right. So an
empty column is reported before anything is judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from gradbook.audit.findings.findings import PASTED, TO_FILL_IN, Finding, finding_in
from gradbook.audit.formula.address import Address, sheet_of, written
from gradbook.audit.training.loss_candidates import LOSS_WORDS
from gradbook.audit.training.training import SheetTraining


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
