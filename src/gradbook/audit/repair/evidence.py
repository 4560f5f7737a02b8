"""What speaks for a hypothesis: gradients that it puts right, and how odd its formula is.

A gradient that isn't one is its own formula's fault, unless something speaks against another cell:
one edit there puts several gradients right, or the formula there looks like none of its kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.expression import factors
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.judge.numbers import Numbers, agree
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.edits.wrong_formula import WrongFormula
from gradbook.audit.repair.hypotheses import Hypothesis, Repaired, formulas_of
from gradbook.audit.repair.symptoms import Symptoms
from gradbook.audit.training.claims import Claim
from gradbook.audit.workbook.flow import walk
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node
from gradbook.targets.excel.language.grammar import Call, Expression, Reference

SUMS = ("SUM", "AVERAGE")  # what gradients are gathered by


def put_right(repaired: Repaired, wrong: Mapping[int, Claim]) -> frozenset[int]:
    """The gradients that a hypothesis puts right, all of them tried; none where it spoils some."""
    tested, after = repaired.tested, repaired.all_after
    left, vanished = after.wrong_weights(), after.without_influence
    spoilt = left - wrong.keys() or vanished - tested.without_influence
    if spoilt or vanished & wrong.keys() - left:
        return frozenset()  # nor where a gradient is right because it vanishes
    return frozenset(wrong.keys() - left)


def only_what_changes(tested: StepUnderTest, hypothesis: Hypothesis) -> Hypothesis:
    """The hypothesis for those cells of its column only that don't say the same already."""
    every = formulas_of(tested, hypothesis).items()
    kept = {cell: right.text for cell, right in every if not _says(tested, cell, right)}
    return (
        replace(hypothesis, cells=tuple(kept), formulas=tuple(kept.values()))
        if kept
        else hypothesis
    )


def _says(tested: StepUnderTest, cell: Address, right: Pattern) -> bool:
    """Whether a cell says what a formula does."""
    assert right.expression is not None
    try:
        stands = tested.graph.node(cell)
    except NotUnderstood:
        return False
    return tested.same(tested.graph.expression(right.expression, cell, right), stands)


# Against a cell on the way to the loss -----------------------------------------


def is_evident(repaired: Repaired, weight: int) -> bool:
    """Whether the cell that would change stands on the way to the loss and is odd, so that the
    gradient isn't to blame."""
    return repaired.is_forward and (
        repaired.leads_astray
        or weight in repaired.tested.without_influence
        or repaired.conventions[1] > repaired.conventions[0]
        or repaired.likeness > 0
        or _belongs_beside(repaired)
    )


def _belongs_beside(repaired: Repaired) -> bool:
    """Whether formulas of the same shape on the way to the loss mention the cell that an edit
    brings in, and none of them the one that it takes out."""
    training, home, edit = repaired.tested.training, repaired.home, repaired.edit
    if not isinstance(edit.old, Reference) or not isinstance(edit.new, Reference):
        return False
    patterns = training.book.patterns
    shape = patterns[home].shape
    beside = [
        cell
        for cell in repaired.tested.forward.difference(repaired.hypothesis.cells)
        if cell in patterns and patterns[cell].shape == shape
    ]
    mentioned = {source for cell in beside for source in training.flow.sources(cell)}
    old, new = (training.book.reader.cell(said.text, home) for said in (edit.old, edit.new))
    return new in mentioned and old not in mentioned


def forgets_a_number(repaired: Repaired) -> bool:
    """Whether an edit on the way to the loss leaves a number out of the loss, or makes every
    gradient independent of one: gradients that forget a target aren't the loss's fault."""
    if not repaired.is_forward:
        return False
    tested, training = repaired.tested, repaired.tested.training
    if _counted(tested, {}) - _counted(tested, formulas_of(tested, repaired.hypothesis)):
        return True
    cells = repaired.hypothesis.cells
    mentioned = {training.plain(s) for cell in cells for s in training.flow.sources(cell)}
    return any(
        _is_counted(tested, cell) and not _is_counted(repaired.all_after, cell)
        for cell in mentioned
        if cell not in training.book.patterns and cell not in training.weight_cells
    )


def _counted(tested: StepUnderTest, formulas: Mapping[Address, Pattern]) -> set[Address]:
    """The numbers that the loss is computed from, with other formulas in the place of some."""
    training, book = tested.training, tested.training.book

    def meant(cell: Address) -> Address:
        return cell if cell in formulas else training.plain(cell)

    def onward(cell: Address) -> Iterable[Address]:
        if cell in training.weight_cells:
            return ()
        sources = training.flow.sources(cell)
        if cell in formulas:
            sources = tuple(training.flow.mentioned(formulas[cell].places, cell))
        return map(meant, sources)

    counted = walk(map(meant, tested.loss_cells), onward)
    typed = {c for c in counted if c not in book.patterns and c not in training.weight_cells}
    return {cell for cell in typed if isinstance(book.values.get(cell), float)}


def _is_counted(tested: StepUnderTest, cell: Address) -> bool:
    """Whether some gradient depends on a number."""

    def leaf(other: Address) -> Array:
        return tested.random.leaf(other) + (0.37 if other == cell else 0)

    moved = Numbers(leaf, tested.graph.leaf_cells)
    slopes = tested.gradients.values()
    return any(not agree(moved.of(slope), tested.random.of(slope)) for slope in slopes)


# Against a cell on the way back -------------------------------------------------


def is_slope(tested: StepUnderTest, cell: Address) -> bool:
    """Whether a cell says how the loss changes with some cell on the way to it, or so many times
    that: then nothing is wrong with it."""
    known = tested.graph.known
    cells = tested.forward - tested.loss_cells - tested.training.weight_cells.keys()
    nodes = [node for c in cells if isinstance(node := known.get(c), Node)]
    try:
        said = tested.random.of(tested.graph.node(cell))
        slopes = gradients(tested.loss, nodes)
        return any(_is_multiple(said, tested.random.of(slopes[node])) for node in nodes)
    except NotUnderstood:
        return False


def _is_multiple(a: Array, b: Array) -> bool:
    """Whether one is so many times the other, whatever the numbers."""
    with np.errstate(all="ignore"):
        ratio = np.atleast_1d(a / b)
    ratio = ratio[np.isfinite(ratio)]
    return ratio.size > 1 and ratio[0] != 0 and agree(ratio, np.full_like(ratio, ratio[0]))


# Against a gradient's own formula ----------------------------------------------


def is_own_fault(symptoms: Symptoms, weight: int) -> bool:
    """Whether a claim's own formula is odd: it mentions a blank, or a small edit makes it look like
    the others."""
    tested, claim = symptoms.tested, symptoms.wrong[weight]
    if _gathers(claim.expression) or weight in tested.without_influence:
        return False
    book = tested.training.book
    said = tested.training.flow.sources(claim.owner)
    if any(cell not in book.values and cell not in book.patterns for cell in said):
        return True
    wrong = symptoms.formula(weight)
    return wrong is not None and becomes_usual(wrong)


def becomes_usual(wrong: WrongFormula) -> bool:
    """Whether a small edit makes a claim's formula look like more of the others than it does."""
    before, after = _others_like(wrong)
    return after > before


def _becomes_unlike_all(wrong: WrongFormula) -> bool:
    """Whether a small edit makes a claim's formula, which others look like, one of a kind."""
    before, after = _others_like(wrong)
    return after == 0 < before


def _others_like(wrong: WrongFormula) -> tuple[int, int]:
    """How many other claims a claim's formula looks like, before and after a small edit."""
    if not wrong.is_slight or wrong.repair is None:
        return 0, 0
    tested, book = wrong.tested, wrong.tested.training.book
    owners = {option.owner for options in tested.step.claims for option in options}
    patterns = (book.patterns.get(cell) for cell in owners - {wrong.home})
    shapes = Counter(pattern.shape for pattern in patterns if pattern is not None)
    after = book.reader.typed(wrong.repair.formulas[0], wrong.home)
    return shapes[wrong.pattern.shape], shapes[after.shape]


def is_easily_its_own(symptoms: Symptoms, weight: int, repaired: Repaired) -> bool:
    """Whether a claim can be put right by a small edit of its own, rather than elsewhere."""
    claim = symptoms.wrong[weight]
    if _gathers(claim.expression):
        return False
    if isinstance(claim.expression, Reference) and not repaired.is_forward:
        return False
    wrong = symptoms.formula(weight)
    return wrong is not None and wrong.is_slight and not _becomes_unlike_all(wrong)


def _gathers(expression: Expression) -> bool:
    """Whether a claim gathers what stands elsewhere: it is a sum of cells, or a share of one."""
    split = [factor.part for factor in factors(expression).parts]
    sums = [part for part in split if isinstance(part, Call) and part.function in SUMS]
    return isinstance(expression, Call) or bool(sums)
