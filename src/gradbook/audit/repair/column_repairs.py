"""Proposes corrections of a step's columns, forward or backward: edits, and formulas for values.

A gradient may be right although the loss with which it is compared is wrong: a sum with a wrong
cell, an error term without its half. If values were pasted over a forward column, the weights
before it no longer influence the loss, but their gradients still show the structure: a sum can be
reconstructed from them, and an activation is one that the sheet uses elsewhere.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, reduce
from itertools import chain

import numpy as np

from gradbook.audit.edits.formula_edits import (
    EDITS,
    Alternatives,
    Substitute,
    Substitutes,
    constants,
    differences,
    fill_template,
    fill_templates,
    templates,
)
from gradbook.audit.formulas.points import agree
from gradbook.audit.formulas.sampled_formulas import EvaluatedFormula
from gradbook.audit.repair.repaired_step import meaning_of
from gradbook.audit.repair.shares import as_seen_from, beside, unlike_others
from gradbook.audit.repair.symptoms import Symptoms
from gradbook.audit.repair.wrong_formula import mentioning
from gradbook.audit.search.hypotheses import Cause, Hypothesis, unless_not_understood
from gradbook.audit.step.tested_step import SLOPE_POINTS, StepUnderTest
from gradbook.audit.training.claims import Claim
from gradbook.cells.formula.address import Address, sheet_of
from gradbook.cells.formula.expression import Edit, EditKind, references, replace_parts
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.syntax import Expression, Infix, Number, Reference, read, write
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node
from gradbook.language.message import Message

# Edits --------------------------------------------------------------------------------

SLOPE_AXES = 2  # weights and points
MOST_COLUMNS = 60
MOST_OFFERED = 120  # cells that may replace others
MOST_DERIVED = 24  # cells of which functions may be missing


def constant_formulas(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """Edits of formulas that depend on no weight although they should, or only repeat a number."""
    adds = (False, True) if symptoms.constant_behind else (False,)
    some = {*symptoms.constant_behind, *symptoms.only_repeating}
    if some:
        yield from ColumnEdits(symptoms).hypotheses(adds, some)


def changed_columns(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """Edits that change a part of a formula."""
    yield from ColumnEdits(symptoms).hypotheses((False,))


def lacking_columns(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """Edits that add what is missing."""
    yield from ColumnEdits(symptoms).hypotheses((True,))


class ColumnEdits:
    """The columns of a step, and the edits that correct its gradients."""

    def __init__(self, symptoms: Symptoms) -> None:
        self.symptoms = symptoms
        self.under_test = symptoms.apart
        self.slopes = symptoms.slopes
        self.wrong = symptoms.wrong
        self.forward = self.under_test.forward

    def hypotheses(
        self, adds: Collection[bool], some: Collection[Address] | None = None
    ) -> Iterator[Hypothesis]:
        """Every edit of these columns that corrects some gradients and breaks none."""
        for cells in self.columns():
            if some is None or cells[0] in some:
                yield from self._column(cells, adds)

    def columns(self) -> list[tuple[Address, ...]]:
        """The cells of the step by column; samples are below each other."""
        tested, training = self.under_test, self.under_test.training
        claimed = {claim.owner for claim in self.symptoms.claims.values()}
        used = set(self.slopes.order)
        gathered: defaultdict[object, list[Address]] = defaultdict(list)
        for cell, value in tested.graph.known.items():
            pattern = training.book.patterns.get(cell)
            if (
                pattern is not None
                and isinstance(value, Node)
                and value in used
                and tested.graph.varies(cell)
                and cell not in training.weight_cells
                and cell not in claimed
                and cell not in self.symptoms.mended
                and (
                    not tested.positions.is_of_other_steps(cell)
                    # it belongs to the step by its position, and depends on another's weights
                    or (cell in self.forward and tested.positions.row(cell) in self.rows)
                )
            ):
                gathered[training.axis.line(cell), pattern.shape].append(cell)
        wrong = [self.wrong[j].owner for j in self.slopes.weights if j in self.wrong]
        serving: dict[Address, float] = {
            **Counter(cell for owner in wrong for cell in tested.made_of([owner])),
            **dict.fromkeys(self.forward, len(wrong) - 0.5),  # after those that all use
        }

        def gradients_served(cells: Iterable[Address]) -> float:
            return max(serving.get(cell, 0) for cell in cells)

        every = (tuple(sorted(cells)) for cells in gathered.values())
        found = sorted(
            (cells for cells in every if gradients_served(cells) > 0),
            key=gradients_served,
            reverse=True,
        )
        alone = [(cell,) for cells in found for cell in unlike_others(tested, cells)]
        return sorted((*found, *alone)[:MOST_COLUMNS], key=len)  # inexpensive ones first

    @cached_property
    def rows(self) -> set[tuple[int, int]]:
        """The rows that contain the step's own cells."""
        tested = self.under_test
        foreign = tested.positions.is_of_other_steps
        computed = tested.training.computed_cells
        own = (c for c in tested.step.cells if c in computed and not foreign(c))
        return {tested.positions.row(cell) for cell in chain(own, tested.step.own)}

    def _column(self, cells: tuple[Address, ...], adds: Collection[bool]) -> Iterator[Hypothesis]:
        formulas = unless_not_understood(lambda: list(map(self._evaluated, cells)))
        if formulas is None:
            return
        nodes = [self.under_test.graph.known[cell] for cell in cells]
        alternatives = [
            self._alternatives(cell, formula, some, adds)
            for cell, formula, some in zip(cells, formulas, self._offered(cells), strict=True)
        ]
        for together in zip(*alternatives, strict=False):
            count = len(together[0][1])
            if any(len(values) != count for _, values in together):
                continue
            given: dict[Node, Array] = {}
            for node, (_, values) in zip(nodes, together, strict=True):
                if isinstance(node, Node):  # with axes for weights and points, even if constant
                    missing = (1,) * (SLOPE_AXES + 1 - np.ndim(values))
                    given[node] = np.reshape(values, (count, *missing, *np.shape(values)[1:]))
            right = np.logical_and(
                self.slopes.right_gradients(given), self._are_finite(given)[:, None]
            )
            helps = right & ~self.slopes.before & np.isin(self.slopes.weights, list(self.wrong))
            spoils = np.any(np.greater(self.slopes.before, right), axis=-1)
            for k in map(int, np.flatnonzero((helps.any(axis=-1) & ~spoils)[:count])):
                edits = [choose(k) for choose, _ in together]
                said = [
                    write(e.apply_to(f.expression)) for e, f in zip(edits, formulas, strict=True)
                ]
                explains = frozenset(self.slopes.weights[int(j)] for j in np.flatnonzero(helps[k]))
                yield Hypothesis(Cause.COLUMN, cells, tuple(said), (edits[0],), explains)

    def _are_finite(self, given: Mapping[Node, Array]) -> Array:
        """Which alternatives are finite wherever the cells are: none divides by 0."""
        whole = []
        for node, values in given.items():
            fine = np.logical_or(np.isfinite(values), ~np.isfinite(self.slopes.values[node]))
            whole.append(fine.reshape(len(fine), -1).all(axis=1))
        found: Array = np.all(np.broadcast_arrays(*whole), axis=0)
        return found

    def _evaluated(self, cell: Address) -> EvaluatedFormula:
        tested, numbers, pattern = (
            self.under_test,
            self.slopes.numbers,
            self.under_test.formula(cell),
        )
        if pattern is None or pattern.expression is None:
            raise NotUnderstood(Message("no formula"))

        def value_of(part: Expression) -> Array:
            if isinstance(part, Reference) and ":" in part.text:
                return np.full(1, np.nan)  # many values, which SUM and the like combine
            mentions = mentioning(tested, pattern, part)
            return numbers.of(tested.graph.expression(part, cell, mentions))

        return EvaluatedFormula(pattern.expression, value_of)

    def _alternatives(
        self,
        cell: Address,
        formula: EvaluatedFormula,
        offered: Sequence[Substitute],
        adds: Collection[bool],
    ) -> Iterator[Choices]:
        numbers = constants((len(self.slopes.weights), SLOPE_POINTS))
        every, forward = [*offered, *numbers], cell in self.forward
        known = Substitutes(
            every,
            numbers,
            lambda: (
                every if forward else [*offered, *self._derived(cell, formula, offered), *numbers]
            ),
            lambda: [*offered, *self._products(cell, offered)] if forward else every,
            self._activations(cell) if forward else {},
        )
        for kind in EDITS:
            if kind.adds in adds:
                yield from _stacked(kind.propose(formula, known))

    # What may be used in a column's formulas ------------------------------------

    def _offered(self, cells: Sequence[Address]) -> list[list[Substitute]]:
        """The same substitutes for each cell of a column, with references from there."""
        tested, first = self.under_test, cells[0]
        on_the_way = first in self.forward
        some = {
            tested.mentions.seen_from(cell, first)
            for cell in tested.mentions.candidates(cells)
            if not (on_the_way and self._is_constant(cell) and cell not in self.forward)
        }
        near = sorted(some, key=lambda c: (sheet_of(c) != sheet_of(first), abs(c - first), c))
        rows: list[list[Substitute]] = []
        for seen in near:
            if len(rows) == MOST_OFFERED:
                break
            if len(cells) > 1 and self._is_of_another_sample(seen, cells, some):
                continue
            row = list(self._seen(seen, cells))
            if len(row) == len(cells):
                rows.append(row)
        return [[row[k] for row in rows] for k in range(len(cells))]

    def _seen(self, cell: Address, homes: Sequence[Address]) -> Iterator[Substitute]:
        """A cell, or its counterpart, for each cell of a column; fewer if one has none."""
        tested = self.under_test
        for home in homes:
            there = beside(tested, cell, home, homes[0])
            try:
                node = tested.graph.node(there)
            except NotUnderstood:
                return
            if node.is_constant():
                return
            reference = tested.mentions.reference(there, home)
            yield Substitute(reference, self.slopes.numbers.of(node))

    def _is_constant(self, cell: Address) -> bool:
        """Whether a cell's formula depends on no weight and doesn't only repeat a number: a
        gradient that lost its source."""
        training = self.under_test.training
        computed = cell in training.book.patterns and cell not in training.varying
        return computed and training.plain(cell) == cell

    def _is_of_another_sample(
        self, cell: Address, homes: Sequence[Address], some: Collection[Address]
    ) -> bool:
        """Whether a cell is another sample's counterpart to one that is offered for the first."""
        training, row, home = self.under_test.training, self.under_test.positions.row, homes[0]
        if sheet_of(cell) != sheet_of(home) or cell in training.weight_cells:
            return False
        if row(cell) == row(home):
            return False
        alike = (cell + home - other for other in homes[1:])
        return cell in training.varying or any(c in some and row(c) == row(home) for c in alike)

    def _activations(self, home: Address) -> dict[str, str]:
        """For each sum in a formula, the only cell that is a function of that sum alone."""
        flow, reference = self.under_test.training.flow, self.under_test.mentions.reference
        found = {}
        for cell in flow.sources(home):
            users = (user for user in flow.users.get(cell, ()) if user != home)
            alone = [user for user in users if flow.sources(user) == (cell,)]
            if len(alone) == 1:
                found[reference(cell, home).text] = reference(alone[0], home).text
        return found

    def _derived(
        self, cell: Address, formula: EvaluatedFormula, offered: Sequence[Substitute]
    ) -> list[Substitute]:
        """Functions of cells, first of those between the weights and the loss, since slopes are
        functions of these; and differences, such as between an output and its target."""
        apart = differences(self.under_test, cell)
        found = [Substitute(said, formula.value_of(said)) for said in apart]
        training = self.under_test.training

        def is_between(one: Substitute) -> bool:
            at = self._cell(one, cell)
            return at in self.forward and at in training.computed_cells

        some = sorted(offered, key=lambda one: not is_between(one))[:MOST_DERIVED]
        return [*found, *fill_templates(self._templates, some)]

    @cached_property
    def _templates(self) -> list[Expression]:
        return templates(self.under_test)

    def _products(self, cell: Address, offered: Sequence[Substitute]) -> list[Substitute]:
        """Terms that a sum may lack if a weight has no influence: the weight times some cell."""
        step = self.under_test.step
        idle = {step.weights[weight] for weight in self.under_test.without_influence}
        return [
            Substitute(Infix("*", weight.expression, one.expression), weight.values * one.values)
            for weight in offered
            if self._cell(weight, cell) in idle
            for one in offered
            if weight is not one
        ]

    def _cell(self, one: Substitute, home: Address) -> Address | None:
        assert isinstance(one.expression, Reference)
        return self.under_test.training.book.reader.cell(one.expression.text, home)


Choices = tuple[Callable[[int], Edit], Array]  # the k-th edit, and the values with each


def _stacked(every: Iterator[Alternatives]) -> Iterator[Choices]:
    """Single edits combined into one array; groups of alternatives are unchanged."""
    edits: list[Edit] = []
    values: list[Array] = []
    for some in every:
        if len(some) > 1:
            yield some.__getitem__, some.values
        else:
            edits.append(some[0])
            values.append(np.atleast_2d(np.asarray(some.values)[0]))  # also for a single number
    if edits:
        yield edits.__getitem__, np.stack(np.broadcast_arrays(*values))


# Pasted columns -----------------------------------------------------------------------

MOST_PASTED = 12
MOST_MENTIONED = 3  # cells in a formula that may be the model for another
NEARLY = 1e-9  # relative: equal, except for the last bits
NEAR = 6  # cells that may be activated
ACTIVATIONS = ("1/(1+EXP(-x))", "TANH(x)", "MAX(x,0)", "IF(x>0,x,0.01*x)", "LN(1+EXP(x))")

FEW_DIGITS = 5
ONE = Number(1.0)
Formulas = tuple[str, ...]  # one for each cell of a column


def pasted_columns(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """The formulas that columns of values may have had, and whether they reproduce the values."""
    cut_off = symptoms.under_test.without_influence
    claims = {j: c for j, c in symptoms.claims.items() if j in symptoms.wrong or j in cut_off}
    for cells in list(_pasted_columns(symptoms))[:MOST_PASTED]:
        tested = _with_free_cells(symptoms.under_test, cells)
        for texts in _formulas(tested, cells, dict(sorted(claims.items()))):
            edit = Edit(EditKind.FORMULA, ((),), Number(0.0), read(texts[0]))
            given = _reproduces(tested, cells, texts)
            if not given and _are_typed(tested, cells):
                continue
            yield Hypothesis(Cause.COLUMN, cells, texts, (edit,), reproduces=given)


def _pasted_columns(symptoms: Symptoms) -> Iterator[tuple[Address, ...]]:
    """The numbers that the loss or wrong gradients depend on, by column: those that change from
    step to step and, if some weight has no influence, zeros, at which ReLUs stay, and numbers that
    look computed."""
    tested, training = symptoms.under_test, symptoms.under_test.training
    if len(tested.alike) < 2:
        return
    book, other = training.book, tested.alike[-1]
    changing: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
    still: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
    for cell in sorted(tested.forward.union(*map(tested.behind, symptoms.wrong))):
        if cell in book.patterns or cell in training.weight_cells:
            continue
        value, later = (book.values.get(c) for c in (cell, tested.positions.there(cell, other)))
        if isinstance(value, float) and isinstance(later, float):
            some = changing if value != later else still
            some[training.axis.line(cell)].append(cell)
    for line, cells in still.items() if tested.without_influence else ():
        computed = not all(map(_has_few_digits, map(tested.positions.value, cells)))
        changing[line] += cells if computed else [c for c in cells if not book.values[c]]
    yield from (tuple(sorted(cells)) for cells in changing.values() if cells)


def _has_few_digits(value: float) -> bool:
    return float(f"{value:.{FEW_DIGITS}g}") == value


def _are_typed(tested: StepUnderTest, cells: Sequence[Address]) -> bool:
    """Whether numbers are samples or targets: they have few digits, unlike computed ones, and every
    weight influences the loss. Zeros don't count, since ReLUs stay at 0."""
    if tested.without_influence:
        return False
    values = np.ravel([tested.positions.values(cell, tested.alike) for cell in cells])
    return bool(np.any(values)) and all(map(_has_few_digits, values))


def _reproduces(tested: StepUnderTest, cells: Sequence[Address], formulas: Sequence[str]) -> bool:
    """Whether formulas reproduce the cells' values in every step, and so were probably there."""
    for home, text in zip(cells, formulas, strict=True):
        node, given = meaning_of(tested, text, home), tested.positions.values(home, tested.alike)
        if node is None or not np.allclose(tested.sheet.of(node), given, rtol=NEARLY, atol=0):
            return False
    return True


def _with_free_cells(tested: StepUnderTest, cells: Sequence[Address]) -> StepUnderTest:
    """The step with all formulas that depend on the cells as nodes, even without any weight."""
    training, instead = tested.training, tested.graph.instead
    below = training.flow.below(cells, training.weight_cells)
    formulas = {c: tested.formula(c) for c in below - training.varying if c not in instead}
    freed = tested.with_formulas({c: known for c, known in formulas.items() if known is not None})
    for cell in tested.step.cells:
        with suppress(NotUnderstood):
            freed.graph.node(cell)
    return freed


def _formulas(
    tested: StepUnderTest, cells: tuple[Address, ...], claims: Mapping[int, Claim]
) -> Iterator[Formulas]:
    """Formulas that a column may have had: a function of another column, the formula of another
    with one cell replaced, or a weighted sum."""
    first, known = cells[0], [*templates(tested), *map(read, ACTIVATIONS)]

    def all_as(said: Expression) -> Formulas:
        text = write(said)
        return tuple(as_seen_from(tested, text, first, home) for home in cells)

    for cell in _near(tested, first):
        seen = tested.mentions.reference(cell, first)
        for template in known:
            yield all_as(fill_template(template, seen))
    yield from map(all_as, _like_others(tested, first))
    total = unless_not_understood(lambda: _sum(tested, cells, claims))
    if total is not None:
        yield total


def _like_others(tested: StepUnderTest, first: Address) -> Iterator[Expression]:
    """The formula of another column with one of its cells replaced by a similar one: e^(o1 − L) if
    e^(o2 − L) is beside it."""
    training, row = tested.training, tested.positions.row
    patterns = training.book.patterns
    below = training.flow.below([first], training.weight_cells) | {first}
    beside = [
        cell
        for cell in tested.step.cells
        if cell in patterns and row(cell) == row(first) and cell not in below
    ]
    shapes = {patterns[cell].shape: cell for cell in reversed(beside)}
    for like in reversed(shapes.values()):
        said = tested.formula(like)
        if said is None or said.expression is None:
            continue
        mentioned = dict.fromkeys(references(said.expression))
        for old in mentioned if 1 < len(mentioned) <= MOST_MENTIONED else ():
            at = patterns.get(training.book.reader.cell(old.text, like) or like)
            for new in beside:
                if at is not None and patterns[new].shape == at.shape:
                    instead: dict[Expression, Expression] = {
                        old: tested.mentions.reference(new, first)
                    }
                    yield replace_parts(said.expression, instead.get)


def _near(tested: StepUnderTest, home: Address) -> list[Address]:
    """Formulas of the same line, then of the step's lines on other sheets; in each, first those
    that nothing on the path to the loss uses."""
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
    tested: StepUnderTest, cells: Sequence[Address], claims: Mapping[int, Claim]
) -> Formulas | None:
    """A sum of each weight times the factor of its gradient beside the slope of the column."""
    nodes = [tested.graph.node(cell) for cell in cells]
    found = gradients(tested.loss, nodes)
    slopes = [tested.random.of(found[node]) for node in nodes]
    terms: list[list[Expression]] = []
    for weight, claim in claims.items():
        at = tested.step.weights[weight]
        missing = tested.random.of(tested.claim_node(claim) - tested.gradients[weight])
        factors = _factor(tested, cells, slopes, missing)
        if at is not None and factors is not None:
            own = [tested.mentions.reference(at, home) for home in cells]
            both = zip(own, factors, strict=True)
            terms.append([w if x is ONE else Infix("*", w, x) for w, x in both])
    if not terms:
        return None
    sums = (reduce(lambda a, b: Infix("+", a, b), parts) for parts in zip(*terms, strict=True))
    return tuple(map(write, sums))


def _factor(
    tested: StepUnderTest, cells: Sequence[Address], slopes: Sequence[Array], missing: Array
) -> list[Expression] | None:
    """The cells of another column that, multiplied by the slopes, add up to what is missing; 1 for
    each if the slopes alone do."""
    first = cells[0]
    if agree(missing, np.sum(np.broadcast_arrays(*slopes), axis=0)):
        return [ONE for _ in cells]
    near = sorted(tested.step.cells, key=lambda c: (sheet_of(c) != sheet_of(first), abs(c - first)))
    for cell in near:
        seen = tested.mentions.seen_from(cell, first)
        there = [beside(tested, seen, home, first) for home in cells]
        with suppress(NotUnderstood):
            nodes = [tested.graph.node(c) for c in there]
            with np.errstate(all="ignore"):
                products = [s * tested.random.of(n) for s, n in zip(slopes, nodes, strict=True)]
                total = np.sum(np.broadcast_arrays(*products), axis=0)
            if not nodes[0].is_constant() and agree(total, missing):
                both = zip(there, cells, strict=True)
                return [tested.mentions.reference(c, home) for c, home in both]
    return None
