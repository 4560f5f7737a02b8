"""Weights that move by the velocity of the step before, where the new one stands beside it.

Nothing that such a weight adds depends on the weight itself, so it isn't recognised as one. If all
gradients are right once it moves by the new velocity, that was meant. Something else that moves
so, such as a body in small steps of time, has no learning rate and no loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gradbook.audit.findings import Finding, finding_in
from gradbook.audit.judge.loss import find_loss
from gradbook.audit.training.sheet_training import find_trainings, is_called_rate
from gradbook.audit.training.training_steps import called_a_loss
from gradbook.audit.training.weight_columns import (
    WeightColumn,
    cell_of,
    change,
    heading,
    update_lines,
)
from gradbook.cells.book import Book
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address, by_sheet
from gradbook.cells.formula.expression import EditKind
from gradbook.cells.formula.pattern import Pattern
from gradbook.language.message import Message

FEWEST = 3  # cells of a line
Rights = dict[Address, Pattern]  # the right formulas, by cell


def without_late_velocities(book: Book, flow: Flow) -> tuple[Book, list[Finding]]:
    """The book with the new velocities in such updates, and the findings for these."""
    late = [(line, rights) for line in update_lines(book) if (rights := _rights(book, flow, line))]
    if not late:
        return book, []
    instead = {cell: right for _, rights in late for cell, right in rights.items()}
    meant = replace(book, patterns={**book.patterns, **instead}, recalculates=True)
    learning: set[Address] = set()
    for training in find_trainings(meant, Flow(meant)):
        loss, share = find_loss(training)
        cells = loss[0].cells if loss and loss[0] else ()
        if share == 1 and any(called_a_loss(training, cell) for cell in cells):
            learning.update(training.weight_cells)
    findings = [
        finding
        for line, rights in late
        if line.start in learning
        for finding in _findings(book, line, rights)
    ]
    return (meant, findings) if findings else (book, [])


def _rights(book: Book, flow: Flow, line: WeightColumn) -> Rights:
    """The updates of a line with the new velocity, if each adds only an old one, which repeats what
    the step before computed from it; and what is made of the old one depends on a learning rate
    and on the line."""
    found: Rights = {}
    for base, update in line.steps if len(line.cells) > FEWEST else ():
        added = change(book.patterns[update], base, update) if update in book.patterns else ()
        old = cell_of(book, added[0][1], update) if len(added) == 1 else None
        after = book.patterns.get(old + line.stride) if old is not None else None
        repeated = after.repeated_reference if after is not None else None
        new = repeated.at(old + line.stride) if repeated is not None and old is not None else None
        if old is None or new is None or old not in flow.sources(new):
            return {}
        rates = (cell for cell in flow.sources(new) if is_called_rate(book, cell))
        if base not in flow.behind([new]) or not any(rates):
            return {}
        found[update] = book.with_another_cell(update, old, book.name_of(new, update))
    return found


def _findings(book: Book, line: WeightColumn, rights: Rights) -> Iterator[Finding]:
    name = heading(book, line)
    why = Message("the velocity of the step before moves {weight}: use the new one", weight=name)
    for cells in by_sheet(sorted(rights)):
        yield finding_in(book, cells, EditKind.REFERENCE.value, name, why, name, rights[cells[0]])
