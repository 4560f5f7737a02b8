"""Finds the loss: what the weights lead to, and what most gradients are gradients of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradbook.audit.findings.findings import Finding
from gradbook.audit.formula.address import Address, column_of, ranges, row_of, sheet_of, written
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.step_under_test import StepUnderTest, Verdict
from gradbook.audit.training.claims import Claim, claims
from gradbook.audit.training.loss_candidates import (
    LOSS_WORDS,
    called_a_loss,
    candidates,
    inside_of,
    is_cut,
    numbers_behind,
)
from gradbook.audit.training.steps import Step
from gradbook.audit.training.training import Training

MOST_TRIED = 8
MOST_TERMS = 4  # that a loss leaves out
ENOUGH = 0.8  # of the gradients: the others are wrong


def find_loss(training: Training) -> tuple[list[tuple[Address, ...]], float]:
    """The loss of each step, and the share of the gradients that are its gradients."""
    claimed = [tuple(claims(training, lane, 0)) for lane in training.weights]
    start = [lane.cells[0] for lane in training.weights]
    tried = candidates(training)[:MOST_TRIED]
    found: tuple[float, tuple[Address, ...]] = (-1.0, ())
    tested = StepUnderTest.of(training, [Step(0, tuple(start), (), ())])
    inside: set[Address] = set()  # parts of a loss are hardly one themselves
    for cell in tried:
        if cell in inside and _counts_less(training, cell, found[1][0]):
            continue  # what the loss is made of, before the targets come in
        share = _share(tested, (cell,), claimed)
        if share > (2 * found[0] if found[0] > 0 and cell in inside else found[0]):
            found = share, (cell,)
            inside = inside_of(training, cell)
        if share > ENOUGH:
            break
    if not found[1]:
        return [], 0.0
    if found[0] <= ENOUGH:
        for _ in range(MOST_TERMS):
            other = _with_another(training, tested, claimed, found, tried)
            if other[0] <= found[0]:
                break
            found = other
    if found[0] <= 0 and not _plausible(training, start, found[1]):
        return [], 0.0
    return every_step(training, found[1]), found[0]


def _counts_less(training: Training, cell: Address, loss: Address) -> bool:
    return numbers_behind(training, cell) < numbers_behind(training, loss)


def _plausible(training: Training, start: Sequence[Address], loss: tuple[Address, ...]) -> bool:
    """Whether something that no gradient fits may be a loss: it is called one, and isn't straight
    unless a blank makes it so."""
    if training.rate is None and not any(called_a_loss(training, cell) for cell in loss):
        return False
    if any(is_cut(training, cell) for cell in loss):
        return True
    tested = StepUnderTest.of(training, [Step(0, tuple(start), loss, ())])
    try:
        slopes = [tested.random.of(node) for node in tested.gradients.values()]
    except NotUnderstood:
        return False
    finite = [slope[np.isfinite(slope)] for slope in slopes]
    return any(np.ptp(slope) > 0 for slope in finite if slope.size > 1)


def _share(
    tested: StepUnderTest,
    loss: tuple[Address, ...],
    claimed: Sequence[Sequence[Claim]],
) -> float:
    tested = tested.with_loss(loss)
    good = 0
    try:
        for j, options in enumerate(claimed):
            if not tested.has_no_influence(j):
                good += tested.best(j, options)[0] in (
                    Verdict.RIGHT,
                    Verdict.RIGHT_HERE,
                    Verdict.OPPOSITE,
                )
    except NotUnderstood:
        return -0.5
    return good / len(claimed)


def _with_another(
    training: Training,
    tested: StepUnderTest,
    claimed: Sequence[Sequence[Claim]],
    found: tuple[float, tuple[Address, ...]],
    tried: Sequence[Address],
) -> tuple[float, tuple[Address, ...]]:
    """The loss with a term that it leaves out, where more gradients are true of both."""
    inside = inside_of(training, found[1][0])
    beside = [
        c
        for c in tried
        if c not in inside and c not in found[1] and found[1][0] not in inside_of(training, c)
    ]
    options = [(_share(tested, (*found[1], c), claimed), (*found[1], c)) for c in beside[:6]]
    return max(options, default=found, key=lambda option: option[0])


def every_step(training: Training, loss: tuple[Address, ...]) -> list[tuple[Address, ...]]:
    """The loss's cells in each step: as far apart as the weights', or as their formulas say."""
    found = [loss]
    strides = [_stride(training, cell) for cell in loss]
    for k in range(1, training.steps + 1):
        cells = tuple(cell + k * stride for cell, stride in zip(loss, strides, strict=True))
        known = all(cell in training.book.patterns for cell in cells)
        found.append(cells if known else ())
    return found


def _stride(training: Training, cell: Address) -> int:
    usual = training.weights[0].stride
    if sheet_of(cell) == training.sheet:
        return usual
    follow = training.flow.below(
        [weight.cells[1] for weight in training.weights], training.weight_cells
    )
    pattern = training.book.patterns[cell]
    same = [
        c
        for c in follow
        if c > cell
        and sheet_of(c) == sheet_of(cell)
        and c in training.book.patterns
        and training.book.patterns[c].shape == pattern.shape
    ]
    along = [c for c in same if row_of(c) == row_of(cell) or column_of(c) == column_of(cell)]
    return min((c - cell for c in along or same), default=usual)


def loss_findings(training: Training, loss: Sequence[Sequence[Address]]) -> list[Finding]:
    """A loss that leaves out a term, though the gradients count it."""
    if len(loss[0]) < 2:
        return []
    book, cells = training.book, loss[0]
    place = next((k for k, c in enumerate(cells) if _named_total(training, c) is not None), 0)
    cell, left_out = cells[place], [c for c in cells if c != cells[place]]
    total = _named_total(training, cell)
    if total is None and len({book.patterns[c].shape for c in cells}) == 1:
        return []  # the errors stand side by side, and nobody added them
    cell, shift = (cell, 0) if total is None else (total, total - cell)
    where = [cells[place] + shift for cells in loss if cells]
    axis = training.axis
    terms = [book.called(term, cell) for term in left_out]
    right = "+".join([book.patterns[cell].text_at(cell), *terms])
    pattern = book.reader.typed(right, cell)
    words = [book.label(term, axis) or written(term) for term in left_out]
    return [
        Finding(
            kind="loss without a term",
            quantity=book.label(cell, axis) or written(cell),
            weight="",
            cells=ranges(where),
            formula=book.formula(cell),
            expected=f"={right}",
            why=f"the loss leaves out {' and '.join(words)}, "
            "which the gradients are right to count",
            sheet=book.sheets[sheet_of(cell)].title,
            fixes={written(at): f"={pattern.text_at(at)}" for at in where},
        )
    ]


def _named_total(training: Training, cell: Address) -> Address | None:
    """A cell of the first step that only repeats this one, to be the loss: by its name, or because
    nothing else uses it."""
    axis, users = training.axis, training.flow.users
    repeating = [
        user
        for user in users.get(cell, ())
        if user in training.varying and training.flow.plain(user, training.weight_cells) == cell
    ]
    named = [
        user
        for user in repeating
        if any(word in training.book.label(user, axis).lower() for word in LOSS_WORDS)
    ]
    unused = [user for user in repeating if not users.get(user)]
    return next(iter([*named, *unused]), None)
