"""A training cut off from its loss: a column of pasted values on the only way there.

No weight leads to the loss any more, and yet the gradients still say what they are of. The loss is
found behind such a column where the formulas that gave its values put every gradient right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.loss import every_step
from gradbook.audit.judge.step_under_test import StepUnderTest, Verdict
from gradbook.audit.repair.evidence import put_right
from gradbook.audit.repair.generators.pasted_columns import pasted_columns
from gradbook.audit.repair.hypotheses import Repaired
from gradbook.audit.repair.symptoms import Memory, Symptoms
from gradbook.audit.training.loss_candidates import called_a_loss
from gradbook.audit.training.steps import alike, steps_of
from gradbook.audit.training.training import Training, depending, trainings_of
from gradbook.audit.training.weight_columns import WeightColumn, update_lines
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow

FEWEST = 3  # values one below the other
MOST_LOSSES = 3
MOST_COLUMNS = 12
MOST_CELLS = 20_000  # of lines that may be weights; beyond, it is a table of something else
Loss = list[tuple[Address, ...]]


def severed_trainings(book: Book, flow: Flow) -> list[Training]:
    """Trainings none of whose weights comes back to itself, each held against its gradients."""
    lanes = [lane for lane in update_lines(book) if len(lane.cells) > FEWEST]
    if sum(len(lane.cells) for lane in lanes) > MOST_CELLS:
        return []
    found = [severed_loss(training) for training in trainings_of(book, flow, _longest(lanes))]
    return [training for training, loss in found if loss]


def _longest(lanes: Sequence[WeightColumn]) -> list[WeightColumn]:
    """Lines that run side by side, without those that share cells with others."""
    seen: set[Address] = set()
    kept = []
    for lane in sorted(lanes, key=lambda lane: -len(lane.cells)):
        if seen.isdisjoint(lane.cells):
            kept.append(lane)
            seen.update(lane.cells)
    return sorted(kept, key=lambda lane: lane.start)


def severed_loss(training: Training) -> tuple[Training, Loss]:
    """The training with what is computed from pasted values, and its loss; none where that isn't
    all that is wrong with it."""
    columns = list(_varying(training))[:MOST_COLUMNS]
    pasted = (cell for column in columns for cell in column)
    wide = replace(training, varying=depending(training.flow, training.weights, pasted))
    for column in columns:
        for loss in _losses(wide, column):
            if _explained(wide, loss):
                return wide, loss
    return training, []


def _varying(training: Training) -> Iterator[list[Address]]:
    """Columns of numbers that differ, as many as there are steps, and that formulas use."""
    book, users = training.book, training.flow.users
    line = training.axis.line
    found: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
    for cell, value in book.values.items():
        typed = isinstance(value, float) and cell not in book.patterns
        if typed and cell not in training.weight_cells and users.get(cell):
            found[line(cell)].append(cell)
    for cells in found.values():
        if len(cells) >= max(training.steps, FEWEST) and len({book.values[c] for c in cells}) > 1:
            yield sorted(cells)


def _losses(training: Training, column: Sequence[Address]) -> Iterator[Loss]:
    """What a pasted column leads to and no gradient is made of, the likeliest loss first."""
    book, flow, stop = training.book, training.flow, training.weight_cells
    below = flow.below(column, stop)
    serving = _behind(training, [lane.cells[1] for lane in training.weights])
    along = training.axis.along
    first = along(training.weights[0].start)
    cells = [
        cell
        for cell in below - serving
        if cell in book.patterns and sheet_of(cell) == training.sheet and along(cell) == first
    ]
    cells.sort(
        key=lambda cell: (not called_a_loss(training, cell), bool(flow.users.get(cell)), -cell)
    )
    for cell in cells[:MOST_LOSSES]:
        yield every_step(training, (cell,))


def _behind(training: Training, cells: Sequence[Address]) -> set[Address]:
    """All that some cells are computed from within their step, and they themselves."""
    seen = set(cells)
    waiting = list(cells)
    while waiting:
        for source in training.flow.sources(waiting.pop()):
            if source not in seen:
                seen.add(source)
                waiting += [] if source in training.weight_cells else [source]
    return seen


def _explained(training: Training, loss: Loss) -> bool:
    """Whether the formulas of one pasted column put every gradient of most steps right."""
    groups = alike(training, steps_of(training, loss))
    if not groups:
        return False
    usual = max(groups, key=len)
    tested = StepUnderTest.of(training, usual)
    try:
        found = {j: tested.best(j, some) for j, some in enumerate(usual[0].claims) if some}
        wrong = {
            j: claim for j, (verdict, claim) in found.items() if verdict != Verdict.RIGHT and claim
        }
        proposed = pasted_columns(Symptoms(tested, wrong, Memory())) if wrong else ()
        given = (Repaired(tested, hypothesis) for hypothesis in proposed if hypothesis.reproduces)
        return any(put_right(repaired, wrong) >= wrong.keys() for repaired in given)
    except NotUnderstood:
        return False
