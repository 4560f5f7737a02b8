"""Finds the loss: what the weights lead to, and what most gradients are gradients of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from gradbook.audit.findings.findings import Finding, finding_in
from gradbook.audit.formula.address import Address, column_of, row_of, sheet_of, written
from gradbook.audit.formula.edits import Edit, EditKind
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.step_under_test import ClaimVerdict, StepUnderTest
from gradbook.audit.training.claims import Claim, claims
from gradbook.audit.training.loss_candidates import (
    LOSS_WORDS,
    called_a_loss,
    candidates,
    inside_of,
    is_cut,
)
from gradbook.audit.training.steps import SheetStep
from gradbook.audit.training.training import SheetTraining
from gradbook.targets.excel.language.grammar import Reference

MOST_TRIED = 8
MOST_TERMS = 4  # that a loss leaves out
MOST_BESIDE = 6  # cells tried as such a term
ENOUGH = 0.8  # of the gradients: the others are wrong

Loss = tuple[Address, ...]  # of one step: a cell, or several whose sum it is
Found = tuple[float, Loss]  # the share of the gradients that are its gradients


def find_loss(training: SheetTraining) -> tuple[list[Loss], float]:
    """The loss of each step, and the share of the gradients that are its gradients."""
    claimed = [tuple(claims(training, weight, 0)) for weight in training.weights]
    start = tuple(weight.start for weight in training.weights)
    tested = StepUnderTest.of(training, [SheetStep(0, start, (), ())])
    share_of = partial(_share, tested, claimed)
    tried = candidates(training)[:MOST_TRIED]
    found = _likeliest(training, tried, share_of)
    if not found[1]:
        return [], 0.0
    for _ in range(MOST_TERMS if found[0] <= ENOUGH else 0):
        other = _with_another(training, tried, share_of, found)
        if other[0] <= found[0]:
            break
        found = other
    share, loss = found
    if share <= 0 and not _is_plausible(tested.with_loss(loss)):
        return [], 0.0
    return every_step(training, loss), share


def _share(tested: StepUnderTest, claimed: Sequence[Sequence[Claim]], loss: Loss) -> float:
    """What share of the claims some cells explain by being the loss."""
    tested = tested.with_loss(loss)
    try:
        good = sum(
            tested.best(j, options)[0] is not ClaimVerdict.WRONG
            for j, options in enumerate(claimed)
            if not tested.has_no_influence(j)
        )
    except NotUnderstood:
        return -0.5
    return good / len(claimed)


def _likeliest(
    training: SheetTraining, tried: Sequence[Address], share_of: Callable[[Loss], float]
) -> Found:
    """The single cell that explains most claims; the parts of a loss are hardly one themselves."""
    best: Found = (-1.0, ())
    inside: set[Address] = set()
    for cell in tried:
        share = share_of((cell,))
        if share > (2 * best[0] if best[0] > 0 and cell in inside else best[0]):
            best = share, (cell,)
            inside = inside_of(training, cell)
        if share > ENOUGH:
            break
    return best


def _with_another(
    training: SheetTraining,
    tried: Sequence[Address],
    share_of: Callable[[Loss], float],
    found: Found,
) -> Found:
    """The loss with a term that it leaves out, where more gradients are true of both."""
    _, loss = found
    inside = inside_of(training, loss[0]).union(loss)
    beside = [c for c in tried if c not in inside and loss[0] not in inside_of(training, c)]
    options = [(share_of((*loss, cell)), (*loss, cell)) for cell in beside[:MOST_BESIDE]]
    return max(options, default=found, key=lambda option: option[0])


def _is_plausible(tested: StepUnderTest) -> bool:
    """Whether a loss that no gradient fits may be one: it is called so, and isn't straight unless
    a blank makes it so."""
    training, loss = tested.training, tested.step.loss
    if training.rate is None and not any(called_a_loss(training, cell) for cell in loss):
        return False
    if any(is_cut(training, cell) for cell in loss):
        return True
    try:
        slopes = [tested.random.of(node) for node in tested.gradients.values()]
    except NotUnderstood:
        return False
    finite = [slope[np.isfinite(slope)] for slope in slopes]
    return any(np.ptp(slope) > 0 for slope in finite if slope.size > 1)


def every_step(training: SheetTraining, loss: Loss) -> list[Loss]:
    """The loss's cells in each step: as far apart as the weights', or as their formulas say."""
    strides = [_stride(training, cell) for cell in loss]
    steps = [
        tuple(cell + k * stride for cell, stride in zip(loss, strides, strict=True))
        for k in range(training.steps + 1)
    ]
    computed = training.book.patterns.keys()
    return [loss, *(cells if computed >= set(cells) else () for cells in steps[1:])]


def _stride(training: SheetTraining, cell: Address) -> int:
    usual = training.weights[0].stride
    if sheet_of(cell) == training.sheet:
        return usual
    patterns = training.book.patterns
    second = [weight.cells[1] for weight in training.weights]
    same = [
        c
        for c in training.flow.below(second, training.weight_cells)
        if c > cell
        and sheet_of(c) == sheet_of(cell)
        and c in patterns
        and patterns[c].shape == patterns[cell].shape
    ]
    along = [c for c in same if row_of(c) == row_of(cell) or column_of(c) == column_of(cell)]
    return min((c - cell for c in along or same), default=usual)


# A loss that leaves out a term -----------------------------------------------------------


def loss_findings(training: SheetTraining, loss: Sequence[Loss]) -> list[Finding]:
    """A loss that leaves out a term, though the gradients count it."""
    if len(loss[0]) < 2:
        return []
    book, axis = training.book, training.axis
    totals = [_total(training, cell) for cell in loss[0]]
    place = next((k for k, total in enumerate(totals) if total is not None), 0)
    first, total = loss[0][place], totals[place]
    if total is None and len({book.patterns[c].shape for c in loss[0]}) == 1:
        return []  # the errors stand side by side, and nobody added them
    cell = first if total is None else total
    left_out = [term for term in loss[0] if term != first]
    terms = (book.called(term, cell) for term in left_out)
    right = book.reader.typed("+".join([book.patterns[cell].text_at(cell), *terms]), cell)
    names = [book.label(term, axis) or written(term) for term in left_out]
    words = " and ".join(names)
    quantity = book.label(cell, axis) or written(cell)
    return [
        finding_in(
            book,
            [cells[place] + cell - first for cells in loss if cells],
            "loss without a term",
            quantity=quantity,
            why=f"the loss leaves out {words}, which the gradients are right to count",
            right=right,
            edits=[Edit(EditKind.TERM, (), Reference(quantity), Reference(name)) for name in names],
        )
    ]


def _total(training: SheetTraining, cell: Address) -> Address | None:
    """A cell of the first step that only repeats this one, to be the loss: by its name, or because
    nothing else uses it."""
    users, plain = training.flow.users, training.flow.plain
    repeating = [
        user
        for user in users.get(cell, ())
        if user in training.varying and plain(user, training.weight_cells) == cell
    ]
    named = [
        user
        for user in repeating
        if any(word in training.book.label(user, training.axis).lower() for word in LOSS_WORDS)
    ]
    unused = [user for user in repeating if not users.get(user)]
    return next(iter([*named, *unused]), None)
