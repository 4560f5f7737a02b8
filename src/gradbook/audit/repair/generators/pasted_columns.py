"""A column of the forward part that was pasted over with its values: the formula it had.

The weights behind it lead nowhere any more, but their gradients still say what led where: a sum is
put together again from those, an activation is one that the sheet uses elsewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import reduce

import numpy as np

from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.formula.expression import Edit, EditKind, references, renamed
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.judge.numbers import agree
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.formula_edits import fill_template, templates
from gradbook.audit.repair.generators.samples import beside
from gradbook.audit.repair.hypotheses import Cause, Hypothesis
from gradbook.audit.repair.symptoms import Symptoms
from gradbook.audit.training.claims import Claim
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array
from gradbook.targets.excel.language.grammar import (
    Expression,
    Infix,
    Number,
    Reference,
    read,
    write,
)

MOST_COLUMNS = 12
MOST_MENTIONED = 3  # cells of a formula that another may be like
NEARLY = 1e-9  # equal, but for the last bits
NEAR = 6  # cells that an activation may be of
USUAL = (
    "1/(1+EXP(-x))",
    "TANH(x)",
    "MAX(x,0)",
    "IF(x>0,x,0.01*x)",
    "LN(1+EXP(x))",
)

ONE = Number(1.0)
Formulas = tuple[Expression, ...]  # one for every cell of a column


def pasted_columns(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """The formulas that columns of values may have had, and whether they give those values."""
    for cells in list(_columns(symptoms))[:MOST_COLUMNS]:
        tested = _freed(symptoms.under_test, cells)
        for formulas in _formulas(tested, cells, symptoms.wrong):
            edit = Edit(EditKind.FORMULA, ((),), Number(0.0), formulas[0])
            texts = tuple(map(write, formulas))
            given = _gives(tested, cells, texts)
            yield Hypothesis(Cause.COLUMN, cells, texts, (edit,), reproduces=given)


def _columns(symptoms: Symptoms) -> Iterator[tuple[Address, ...]]:
    """Numbers that the loss or wrong gradients are made of and that change from step to step, by
    their column; and zeros, as ReLUs stay at, where some weight leads nowhere."""
    tested, training = symptoms.under_test, symptoms.under_test.training
    if len(tested.alike) < 2:
        return
    book, other = training.book, tested.alike[-1]
    found: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
    for cell in sorted(tested.forward.union(*map(tested.behind, symptoms.wrong))):
        if cell in book.patterns or cell in training.weight_cells:
            continue
        value, later = (book.values.get(c) for c in (cell, tested.positions.there(cell, other)))
        if not (isinstance(value, float) and isinstance(later, float)):
            continue
        if value != later or (not value and tested.without_influence):
            found[training.axis.line(cell)].append(cell)
    yield from map(tuple, found.values())


def _gives(tested: StepUnderTest, cells: Sequence[Address], formulas: Sequence[str]) -> bool:
    """Whether formulas give what stands in the cells, in every step: then they were there."""
    reader = tested.training.book.reader
    for home, text in zip(cells, formulas, strict=True):
        pattern = reader.typed(text, home)
        if pattern.expression is None:
            return False
        try:
            node = tested.graph.expression(pattern.expression, home, pattern)
        except NotUnderstood:
            return False
        given = tested.positions.values(home, tested.alike)
        if not np.allclose(tested.sheet.of(node), given, rtol=NEARLY, atol=0):
            return False
    return True


def _freed(tested: StepUnderTest, cells: Sequence[Address]) -> StepUnderTest:
    """The step with all that is computed from the cells as formulas, though no weight is in it."""
    training, instead = tested.training, tested.graph.instead
    below = training.flow.below(cells, training.weight_cells)
    formulas = {c: tested.formula(c) for c in below - training.varying if c not in instead}
    freed = tested.with_formulas({c: known for c, known in formulas.items() if known is not None})
    for cell in tested.step.cells:
        with suppress(NotUnderstood):
            freed.graph.node(cell)
    return freed


def _formulas(
    tested: StepUnderTest, cells: Sequence[Address], wrong: Mapping[int, Claim]
) -> Iterator[Formulas]:
    """What may have stood in a column: a function of another, or a weighted sum."""
    known = [*templates(tested), *map(read, USUAL)]
    for cell in _near(tested, cells[0]):
        for one in known:
            yield tuple(fill_template(one, _seen(tested, cell, cells[0], home)) for home in cells)
    yield from _like_others(tested, cells)
    try:
        total = _sum(tested, cells, wrong)
    except NotUnderstood:
        return
    if total is not None:
        yield total


def _like_others(tested: StepUnderTest, cells: Sequence[Address]) -> Iterator[Formulas]:
    """The formula of another column with one of its cells exchanged for its like: e^(o1 − L) where
    e^(o2 − L) stands beside it."""
    training, first = tested.training, cells[0]
    patterns, row = training.book.patterns, tested.positions.row
    below = training.flow.below([first], training.weight_cells) | {first}
    beside = [
        cell
        for cell in tested.step.cells
        if cell in patterns and row(cell) == row(first) and cell not in below
    ]
    shapes = {patterns[cell].shape: cell for cell in reversed(beside)}
    for like in reversed(shapes.values()):
        said = tested.formula(like)
        assert said is not None
        mentioned = list(dict.fromkeys(references(said.expression))) if said.expression else []
        if not 1 < len(mentioned) <= MOST_MENTIONED:
            continue
        for old in mentioned:
            at = training.book.reader.cell(old.text, like)
            alike = (
                c for c in beside if at in patterns and patterns[c].shape == patterns[at].shape
            )
            for new in alike:
                yield tuple(_exchanged(tested, said, old, new, first, home) for home in cells)


def _exchanged(
    tested: StepUnderTest,
    said: Pattern,
    old: Reference,
    new: Address,
    first: Address,
    home: Address,
) -> Expression:
    """What a formula says as seen from another cell, another cell standing for one of its own."""

    def name(mention: Reference) -> str:
        at = tested.training.book.reader.cell(mention.text, said.home)
        meant = new if mention == old else at
        return mention.text if meant is None else _seen(tested, meant, first, home).text

    assert said.expression is not None
    return renamed(said.expression, name)


def _seen(tested: StepUnderTest, cell: Address, first: Address, home: Address) -> Reference:
    """A cell as the formula in a column's other cell mentions its like."""
    return tested.mentions.reference(beside(tested, cell, home, first), home)


def _near(tested: StepUnderTest, home: Address) -> list[Address]:
    """Formulas of the same line, and then of the step's lines on other sheets: first those that
    nothing on the way to the loss uses, then those that serve something else, too."""
    training, row = tested.training, tested.positions.row
    used = {source for cell in tested.forward for source in training.flow.sources(cell)}
    below = training.flow.below([home], training.weight_cells)
    lines: tuple[list[Address], list[Address]] = [], []
    for cell in sorted(training.computed_cells & training.book.patterns.keys() - below):
        if row(cell) == row(home) or row(cell) in tested.positions.rows:
            lines[row(cell) != row(home)].append(cell)
    found: list[Address] = []
    for line in lines:
        line.sort(key=lambda cell: (abs(cell - home), cell))
        found += [cell for cell in line if cell not in used][:NEAR]
        found += [cell for cell in line if cell in used][:NEAR]
    return found


def _sum(
    tested: StepUnderTest, cells: Sequence[Address], wrong: Mapping[int, Claim]
) -> Formulas | None:
    """Each weight times what its gradient has beside the slope of the column."""
    nodes = [tested.graph.node(cell) for cell in cells]
    found = gradients(tested.loss, nodes)
    slopes = [tested.random.of(found[node]) for node in nodes]
    terms: list[Formulas] = []
    for weight, claim in wrong.items():
        at = tested.step.weights[weight]
        missing = tested.claim_node(claim) - tested.gradients[weight]
        factors = _factor(tested, cells, slopes, tested.random.of(missing))
        if at is not None and factors is not None:
            own = (tested.mentions.reference(at, home) for home in cells)
            both = zip(own, factors, strict=True)
            terms.append(tuple(w if x == ONE else Infix("*", w, x) for w, x in both))
    if not terms:
        return None
    return tuple(reduce(lambda a, b: Infix("+", a, b), parts) for parts in zip(*terms, strict=True))


def _factor(
    tested: StepUnderTest, cells: Sequence[Address], slopes: Sequence[Array], missing: Array
) -> Formulas | None:
    """The cells of another column that, times the slopes, add up to what is missing; or 1."""
    first = cells[0]
    if agree(missing, np.sum(np.broadcast_arrays(*slopes), axis=0)):
        return tuple(ONE for _ in cells)
    near = sorted(tested.step.cells, key=lambda c: (sheet_of(c) != sheet_of(first), abs(c - first)))
    for cell in near:
        seen = tested.mentions.seen_from(cell, first)
        there = [beside(tested, seen, home, first) for home in cells]
        try:
            nodes = [tested.graph.node(c) for c in there]
        except NotUnderstood:
            continue
        values = [tested.random.of(node) for node in nodes]
        with np.errstate(all="ignore"):
            total = sum(slope * value for slope, value in zip(slopes, values, strict=True))
        if not nodes[0].is_constant() and agree(np.asarray(total), missing):
            return tuple(tested.mentions.reference(c, h) for c, h in zip(there, cells, strict=True))
    return None
