"""Finds losses that no weight influences any longer, because of pasted values on the path.

If a column of pasted values interrupts the only path to the loss, the gradients still show which
loss it was. It is found if formulas that reproduce the values make every gradient right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gradbook.audit.judge.loss import every_step
from gradbook.audit.repair.column_repairs import pasted_columns
from gradbook.audit.repair.repaired_step import RepairedStep
from gradbook.audit.repair.symptoms import EarlierRows, Symptoms, gradients_mended
from gradbook.audit.step.tested_step import ClaimVerdict, StepUnderTest
from gradbook.audit.training.sheet_training import SheetTraining, cells_that_depend, trainings_of
from gradbook.audit.training.training_steps import StepLoss, called_a_loss, group_steps, steps_of
from gradbook.audit.training.weight_columns import WeightColumn, update_lines
from gradbook.cells.book import Book
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.formula_values import NotUnderstood

FEWEST = 3  # in a line
MOST_LOSSES = 3
MOST_COLUMNS = 12
MOST_LINE_CELLS = 20_000  # cells of possible weights; with more, it is another kind of table


def cut_off_trainings(book: Book, flow: Flow) -> list[SheetTraining]:
    """Trainings without feedback from any weight to itself, each confirmed by its gradients."""
    lines = [line for line in update_lines(book) if len(line.cells) > FEWEST]
    if sum(len(line.cells) for line in lines) > MOST_LINE_CELLS:
        return []
    kept: list[WeightColumn] = []  # none shares cells with a longer one
    taken: set[Address] = set()
    for line in sorted(lines, key=lambda line: -len(line.cells)):
        if taken.isdisjoint(line.cells):
            kept.append(line)
            taken.update(line.cells)
    columns = sorted(kept, key=lambda line: line.start)
    found = [loss_behind_values(training) for training in trainings_of(book, flow, columns)]
    return [training for training, loss in found if loss]


def loss_behind_values(training: SheetTraining) -> tuple[SheetTraining, list[StepLoss | None]]:
    """The training extended to what is computed from pasted values, and its loss; no loss if that
    doesn't explain everything."""
    columns = list(_pasted(training))[:MOST_COLUMNS]
    cells = (cell for column in columns for cell in column)
    wide = replace(training, varying=cells_that_depend(training.flow, training.weights, cells))
    for column in columns:
        for loss in _losses(wide, column):
            if _is_explained(wide, loss):
                return wide, loss
    return training, []


def _pasted(training: SheetTraining) -> Iterator[list[Address]]:
    """Columns of differing numbers, one for each step, that formulas use."""
    book, users = training.book, training.flow.users
    found: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
    for cell, value in book.values.items():
        typed = isinstance(value, float) and cell not in book.patterns
        if typed and cell not in training.weight_cells and users.get(cell):
            found[training.axis.line(cell)].append(cell)
    for cells in found.values():
        if len(cells) >= max(training.steps, FEWEST) and len({book.values[c] for c in cells}) > 1:
            yield sorted(cells)


def _losses(training: SheetTraining, column: Sequence[Address]) -> Iterator[list[StepLoss | None]]:
    """Losses that depend on a pasted column and that no gradient uses, the likeliest first."""
    book, flow, stop = training.book, training.flow, training.weight_cells
    updates = [weight.updates[0] for weight in training.weights]
    first = training.axis.along(training.weights[0].start)
    cells = [
        cell
        for cell in flow.below(column, stop) - flow.behind(updates, stop) - set(updates)
        if cell in book.patterns and training.axis.along(cell) == first
    ]
    cells.sort(
        key=lambda cell: (not called_a_loss(training, cell), bool(flow.users.get(cell)), -cell)
    )
    for cell in cells[:MOST_LOSSES]:
        yield every_step(training, StepLoss((cell,)))


def _is_explained(training: SheetTraining, loss: Sequence[StepLoss | None]) -> bool:
    """Whether the formulas of one pasted column make every gradient of most steps right."""
    usual = max(group_steps(training, steps_of(training, loss)), key=len, default=[])
    if not usual:
        return False
    tested = StepUnderTest.of(training, usual)
    try:
        found = {j: tested.best(j, some) for j, some in enumerate(usual[0].claims) if some}
        wrong = {
            j: claim
            for j, (verdict, claim) in found.items()
            if verdict is not ClaimVerdict.RIGHT and claim
        }
        proposed = pasted_columns(Symptoms(tested, wrong, EarlierRows())) if wrong else ()
        given = (
            RepairedStep(tested, hypothesis) for hypothesis in proposed if hypothesis.reproduces
        )
        return any(gradients_mended(repaired, wrong) >= wrong.keys() for repaired in given)
    except NotUnderstood:
        return False
