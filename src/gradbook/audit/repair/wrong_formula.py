"""A formula with a wrong value: the smallest edit that corrects it, or a new formula.

What it omits from the chain rule is added: a term for a path, a factor for a slope.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial, reduce, wraps
from itertools import islice
from operator import add

import numpy as np

from gradbook.audit.edits.formula_edits import (
    Substitute,
    Substitutes,
    constants,
    differences,
    edits_by_kind,
    edits_that_give,
    fill_templates,
    groupings,
    hits,
    missing_factors,
    missing_terms,
    other_references,
    pairs,
    templates,
)
from gradbook.audit.formulas.points import agree
from gradbook.audit.formulas.sampled_formulas import EvaluatedFormula
from gradbook.audit.repair.repaired_step import rank
from gradbook.audit.search.hypotheses import Cause, Hypothesis, MissingPart
from gradbook.audit.step.omissions import ChainOmission, Omissions
from gradbook.audit.step.tested_step import StepUnderTest
from gradbook.audit.training.claims import Claim
from gradbook.cells.budget import budget, spend
from gradbook.cells.formula.address import Address, column_of, row_of, sheet_of
from gradbook.cells.formula.expression import (
    Edit,
    EditKind,
    Factor,
    Path,
    factors,
    inner,
    parts,
    product,
    put,
    rebuild,
    references,
    terms,
    tidy,
    total,
    with_sign,
)
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.syntax import Expression, Infix, Number, Reference, write
from gradbook.errors import GradbookError
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node, ancestors
from gradbook.targets.excel.spellings import Speller

MOST_OFFERED = 160  # cells that may replace others
MOST_PAIRED = 48
WRITTEN = 1_000  # budget for writing a part of a formula
MOST_APART = 4  # differences from the right formula
LONGEST = 4000  # characters of a formula that someone would read
MOST_NUMBERS = 8  # of other formulas
MOST_EDITS_OF_A_KIND = 12  # edits of one kind to choose from


@dataclass(frozen=True, eq=False)
class WrongFormula:
    """A formula, of a claim or any other cell, and its right value."""

    under_test: StepUnderTest
    home: Address
    pattern: Pattern  # as written in that cell
    expression: Expression
    right_values: Array  # at the random points
    target: Node  # to be written if no edit works
    stuck: tuple[Array, Array] | None = None  # the weight, and where it wrongly stays as it is

    @classmethod
    def at(cls, tested: StepUnderTest, cell: Address, target: Node) -> WrongFormula | None:
        """Return a cell's formula with its right value; None if it has none."""
        pattern = tested.formula(cell)
        if pattern is None or pattern.expression is None:
            return None
        values = np.asarray(tested.random.of(target))
        return cls(tested, cell, pattern, pattern.expression, values, target)

    @classmethod
    def of_claim(cls, tested: StepUnderTest, weight: int, claim: Claim) -> WrongFormula | None:
        """Return a claim's formula with its right value; None if it is a value."""
        true = tested.gradients[weight]
        is_formula = claim.owner in tested.training.book.patterns
        found = cls.at(tested, claim.owner, true if claim.sign > 0 else -true)
        cell = tested.step.weights[weight]
        if found is None or not is_formula or claim.whole or cell is None:
            return found if is_formula else None
        graph, values = tested.graph, tested.random.of
        with np.errstate(all="ignore"):  # the update with the right gradient
            start = values(graph.node(cell))
            following = values(graph.expression(found.expression, claim.owner, found.pattern))
            claimed = values(tested.claim_node(claim)) * claim.sign
            wanted = start + (following - start) * found.right_values / claimed
        stays = (claimed == 0) & (following == start)
        is_right = found.right_values == 0
        wanted = np.where(stays & is_right, start, wanted)
        return replace(found, right_values=wanted, stuck=(start, stays & ~is_right))

    @cached_property
    def repair(self) -> Hypothesis | None:
        """The smallest repair."""
        found = (way(self) for way in (one_edit, two_edits, written_anew))
        return next(filter(None, found), None)

    @cached_property
    def is_slight(self) -> bool:
        """Whether a small edit corrects it."""
        return self.repair is not None and self.repair.edits[0].kind is not EditKind.FORMULA

    @cached_property
    def evaluation(self) -> EvaluatedFormula:
        return EvaluatedFormula(self.expression, self.value_of)

    def value_of(self, part: Expression) -> Array:
        tested = self.under_test
        try:
            pattern = mentioning(tested, self.pattern, part)
            return tested.random.of(tested.graph.expression(part, self.home, pattern))
        except NotUnderstood:
            return np.full(1, np.nan)

    @cached_property
    def cells(self) -> list[Substitute]:
        """The cells of the step, nearest first."""
        tested, home = self.under_test, self.home
        found: list[Substitute] = []
        for cell in tested.mentions.candidates([home])[:MOST_OFFERED]:
            try:
                node = tested.graph.node(cell)
            except NotUnderstood:
                continue
            if not node.is_constant() and cell not in tested.graph.deciding:  # blanks are constant
                reference = tested.mentions.reference(cell, home)
                found.append(Substitute(reference, tested.random.of(node)))
        return found

    @cached_property
    def substitutes(self) -> Substitutes:
        shape = self.right_values.shape
        every = [*self.cells, *constants(shape), *self._numbers_of_others(shape)]

        def factors() -> list[Substitute]:
            apart = differences(self.under_test, self.home)
            near = fill_templates(templates(self.under_test), every[:MOST_PAIRED])
            return [*every, *(Substitute(said, self.value_of(said)) for said in apart), *near]

        return Substitutes(every, every, factors, lambda: every)

    def _numbers_of_others(self, shape: tuple[int, ...]) -> list[Substitute]:
        """The numbers in the step's other formulas, which constants don't include."""
        tested, usual = self.under_test, {c.expression for c in constants(())}
        formulas = dict.fromkeys(tested.training.book.patterns.get(c) for c in tested.step.cells)
        said = (p.expression for p in formulas if p is not None and p.expression is not None)
        numbers = (part for one in said for part in parts(one) if isinstance(part, Number))
        rest = dict.fromkeys(number for number in numbers if number not in usual)
        return [Substitute(n, np.full(shape, n.value)) for n in islice(rest, MOST_NUMBERS)]

    def moves(self, *edits: Edit) -> bool:
        """Whether a formula with some edits changes the weight wherever it must."""
        if self.stuck is None or not np.any(self.stuck[1]):
            return True
        after = self.evaluation.worth(self.evaluation.changed(edits))
        return not np.any(self.stuck[1] & (after == self.stuck[0]))

    def with_edits(self, *edits: Edit) -> Hypothesis:
        return _hypothesis(self.home, self.evaluation.changed(edits), edits)


def unless_in_vain(
    way: Callable[[WrongFormula], Hypothesis | None],
) -> Callable[[WrongFormula], Hypothesis | None]:
    """Decorate a function that corrects a formula: it isn't tried again if it failed for copies in
    the same row or column."""

    @wraps(way)
    def attempt(wrong: WrongFormula) -> Hypothesis | None:
        current, home = budget(), wrong.home
        places = ("row", row_of(home)), ("column", column_of(home))
        cases = [(way.__name__, wrong.pattern.key, place) for place in places]
        found = None if any(map(current.is_hopeless, cases)) else way(wrong)
        if found is None:
            current.in_vain.update(cases)
        return found

    return attempt


@unless_in_vain
def one_edit(wrong: WrongFormula) -> Hypothesis | None:
    """A single edit of any kind: the likeliest of the first kind that works."""
    for edits in edits_by_kind(
        wrong.evaluation, wrong.substitutes, wrong.right_values, MOST_EDITS_OF_A_KIND, wrong.moves
    ):
        best = rank(wrong.under_test, map(wrong.with_edits, edits))
        if best:
            return best[0]
    return None


@unless_in_vain
def two_edits(wrong: WrongFormula) -> Hypothesis | None:
    """Two edits: a reference and parentheses, or two references."""
    some = [*wrong.cells[:MOST_PAIRED], *constants(wrong.right_values.shape)[:3]]
    regrouped = next(_regrouped(wrong, replace(wrong.substitutes, references=some)), None)
    if regrouped is not None:
        return regrouped
    every = pairs(wrong.evaluation, some, wrong.right_values)
    right = islice((two for two in every if wrong.moves(*two)), MOST_EDITS_OF_A_KIND)
    best = rank(wrong.under_test, (wrong.with_edits(*two) for two in right))
    return best[0] if best else None


def _regrouped(wrong: WrongFormula, known: Substitutes) -> Iterator[Hypothesis]:
    """Other parentheses, together with another reference."""
    for grouping in groupings(wrong.evaluation, known):
        regrouped = grouping[0].new
        other = EvaluatedFormula(regrouped, wrong.evaluation.value_of)
        for edit in edits_that_give(other_references(other, known), wrong.right_values):
            if not wrong.evaluation.is_pointless([grouping[0], edit]):
                done = edit.apply_to(regrouped)
                whole = Edit(EditKind.PARENTHESES, ((),), wrong.expression, done)
                yield _hypothesis(wrong.home, done, [edit, whole])


def written_anew(wrong: WrongFormula) -> Hypothesis | None:
    return anew(wrong.under_test, wrong.home, wrong.expression, wrong.target)


def anew(tested: StepUnderTest, home: Address, old: Expression, target: Node) -> Hypothesis | None:
    """The target as the chain rule gives it, written with the sheet's own cells."""
    said = spell(tested, home, target, own_slopes(tested, home))
    if said is None:
        return None
    return _hypothesis(home, said, [Edit(EditKind.FORMULA, ((),), old, said)])


def few_differences(wrong: WrongFormula) -> Hypothesis | None:
    """The result of the chain rule, if it differs from the formula in a few cells and operators."""
    said = spell(wrong.under_test, wrong.home, wrong.target)
    edits = _differences(wrong.expression, said) if said else []
    if said is None or not edits or not agree(wrong.value_of(said), wrong.right_values):
        return None
    return _hypothesis(wrong.home, said, edits)


def _differences(old: Expression, right: Expression) -> list[Edit]:
    """The cells and operators in which a formula differs from the right one; none if other things
    differ, or too many."""
    found: defaultdict[tuple[EditKind, Expression, Expression], list[Path]] = defaultdict(list)
    waiting: list[tuple[Path, Expression, Expression]] = [((), old, right)]
    while waiting:
        path, a, b = waiting.pop()
        match a, b:
            case Reference(), Reference():
                if a.text.replace("$", "") != b.text.replace("$", ""):
                    found[EditKind.REFERENCE, a, b].append(path)
                continue
            case Infix(one), Infix(other) if one != other:
                if not all(isinstance(leaf, Reference) for leaf in (*inner(a), *inner(b))):
                    return []
                found[EditKind.OPERATOR, a, b].append(path)
                continue
        pieces, others = inner(a), inner(b)
        if rebuild(a, others) != b if len(pieces) == len(others) > 0 else a != b:
            return []
        each = zip(pieces, others, strict=True)
        waiting += [((*path, k), *pair) for k, pair in enumerate(each)][::-1]
    edits = [Edit(kind, tuple(paths), a, b) for (kind, a, b), paths in found.items()]
    return edits if len(edits) <= MOST_APART else []


def spell(
    tested: StepUnderTest, home: Address, target: Node, more: Mapping[Node, Address] | None = None
) -> Expression | None:
    """A node as a formula in some cell, written with cells on the path to the loss and others."""
    cells: dict[Node, Address] = {}
    for cell in sorted(tested.forward, key=lambda c: (sheet_of(c) != sheet_of(home), c)):
        value = tested.graph.known.get(cell)
        if isinstance(value, Node) and not value.is_constant():
            cells.setdefault(value, cell)
    cells.update(tested.graph.leaf_cells)
    cells.update(more or {})
    size = _spelled_size(target, cells)
    if size > LONGEST:
        return None
    spend(WRITTEN * size)
    speller = Speller(
        refer=lambda node: tested.mentions.reference(cells[node], home) if node in cells else None,
        block=lambda node: Reference("#N/A"),
    )
    try:
        expression = speller.formula(target) if target not in cells else speller.mention(target)
    except (GradbookError, AssertionError, KeyError):
        return None
    expression = tidy(expression)
    return expression if len(write(expression)) <= LONGEST else None


def _spelled_size(target: Node, known: Mapping[Node, Address]) -> int:
    """The number of parts of a node's formula, down to cells: if sums are used twice again and
    again, it doubles each time."""
    size: dict[Node, int] = {}
    for node in ancestors([target], known):
        inside = node.inputs if node not in known else ()
        size[node] = 1 + sum(size.get(source, 1) for source in inside)
    return size.get(target, 1)


def mentioning(tested: StepUnderTest, pattern: Pattern, part: Expression) -> Pattern:
    """The pattern, extended by the references of another expression in the same cell."""
    missing = {r.text for r in references(part) if r.text not in pattern.mentions}
    if not missing:
        return pattern
    reader = tested.training.book.reader
    more = {text: reader.mention(text, pattern.home) for text in missing}
    return replace(pattern, mentions={**pattern.mentions, **more})


def _hypothesis(home: Address, formula: Expression, edits: Sequence[Edit]) -> Hypothesis:
    return Hypothesis(Cause.CLAIM, (home,), (write(formula),), tuple(edits))


# Adding what is omitted -----------------------------------------------------------------


def restore(
    wrong: WrongFormula,
    of: Node,
    omissions: Omissions[Node],
    cause: Cause = Cause.CLAIM,
    per: Node | None = None,
) -> Hypothesis | None:
    """Add to a formula all that it omits from ∂loss/∂ a value, divided by `per` if it is a share;
    rewrite it if the parts can't be added one by one."""
    training = wrong.under_test.training
    if any(map(training.book.is_blank, training.flow.sources(wrong.home))):
        return None  # perhaps the omission is due to the blank
    slopes_first = sorted(omissions, key=lambda one: one.is_way)
    left = [_missing_part(wrong, of, one, per) for one in slopes_first]
    known = [one for one in left if one is not None]
    if len(known) < len(left):
        return None
    expression, edits, put_in = wrong.expression, list[Edit](), list[MissingPart]()
    for k, part in enumerate(known, 1):
        done = _put_in(wrong, expression, part, _worth(wrong, of, slopes_first, k))
        if done is None:
            whole = written_anew(wrong)
            named = tuple(replace(one, is_put_in=False) for one in known)
            return None if whole is None else replace(whole, cause=cause, missing=named)
        edits.append(done[0])
        put_in.append(done[1])
        expression = done[0].apply_to(expression)
    said = (write(expression),)
    return Hypothesis(cause, (wrong.home,), said, tuple(edits), missing=tuple(put_in))


# Omissions as formulas ------------------------------------------------------------------


def _missing_part(
    wrong: WrongFormula, of: Node, one: ChainOmission[Node], per: Node | None
) -> MissingPart | None:
    """The omitted part as a formula in that cell."""
    tested, home = wrong.under_test, wrong.home
    if tested.chain is None:
        return None
    if one.is_way:
        target = _through(tested, one, of)
        target = target if per is None or per.is_constant(1.0) else target / per
    else:
        (source,) = tested.chain.partials[one.first]
        target = gradients(one.first, [source], [source])[source]
    said = spell(tested, home, target, own_slopes(tested, home))
    if said is None:
        return None
    kind = EditKind.TERM if one.is_way else EditKind.FACTOR
    return MissingPart(kind, tested.cells_of_values.get(one.first), said, is_link=bool(one.sources))


def _through(tested: StepUnderTest, omission: ChainOmission[Node], of: Node) -> Node:
    """The part of ∂loss/∂ a value that comes through the nodes of a path."""
    if not omission.sources:
        return reduce(
            add, (tested.slopes[node] * gradients(node, [of])[of] for node in omission.places)
        )
    order = tested.chain.order if tested.chain is not None else ()
    shares = []
    for user, source in zip(omission.places, omission.sources, strict=True):
        share = tested.slopes[user] * gradients(user, [source], order)[source]
        shares.append(share if source is of else share * gradients(source, [of])[of])
    return reduce(add, shares)


def own_slopes(tested: StepUnderTest, home: Address) -> dict[Node, Address]:
    """The cells in the same row that contain the slope of the loss with respect to a value."""
    if tested.chain is None:
        return {}
    row, users = tested.positions.row, tested.training.flow.users
    weights = tested.training.weight_cells
    near = [c for c in tested.mentions.candidates([home]) if row(c) == row(home)]
    back = [c for c in near if c not in tested.forward and c not in weights]
    found: dict[Node, Address] = {}
    for cell in back:
        try:
            value = tested.graph.node(cell)
        except NotUnderstood:
            continue
        if weights.keys() >= set(users.get(cell, ())):
            continue  # a gradient, which only updates use
        for slope in tested.slopes.values():
            if slope not in found and tested.same(value, slope) and not slope.is_constant():
                found[slope] = cell
    return found


# Placing the parts ----------------------------------------------------------------------


def _worth(
    wrong: WrongFormula, of: Node, omissions: Sequence[ChainOmission[Node]], done: int
) -> Array:
    """The value of the formula once some parts are added: it changes in proportion to the
    derivative, from the present value to the right one."""
    chain, right, now = wrong.under_test.chain, wrong.right_values, wrong.evaluation.whole
    if done == len(omissions) or chain is None:
        return right
    true, then, before = chain.derivatives([(), (*omissions[done:],), (*omissions,)])[of]
    with np.errstate(all="ignore"):
        found: Array = now + (right - now) * (then - before) / (true - before)
    return found


def _put_in(
    wrong: WrongFormula, expression: Expression, part: MissingPart, wanted: Array
) -> tuple[Edit, MissingPart] | None:
    """Add a part: a term beside the part with the same factors, so that a·b·s and c·d·s become (a·b
    + c·d)·s."""
    formula = EvaluatedFormula(expression, wrong.evaluation.value_of)
    is_term = part.kind is EditKind.TERM
    for said in dict.fromkeys([_without_common(part.formula, expression), part.formula]):
        some = [Substitute(said, wrong.value_of(said))]
        known = Substitutes((), (), partial(list, some), partial(list, some))
        adding = missing_terms(formula, known) if is_term else missing_factors(formula, known)
        for edit in edits_that_give(adding, wanted) if is_term or said == part.formula else ():
            old, addition = edit.old, said
            if isinstance(edit.new, Infix) and edit.new.operator == "-":
                addition = total([(-sign, term) for sign, term in terms(said)])
            if is_term:
                new = total([*terms(old), *terms(addition)])
            else:
                split, more = factors(old), factors(said)
                new = with_sign(split.sign * more.sign, product([*split.parts, *more.parts]))
            whole = EvaluatedFormula(put(expression, edit.paths[0], new), formula.value_of).whole
            if hits(np.atleast_2d(whole), wanted):
                beside = old if edit.paths[0] else None
                put_in = replace(part, formula=addition, beside=beside)
                return replace(edit, new=new), put_in
    return None


def _without_common(term: Expression, expression: Expression) -> Expression:
    """A term without the factors that an expression also has."""

    def said(factor: Factor) -> tuple[str, bool]:
        return write(factor.part).replace("$", ""), factor.above

    split, common = factors(term), Counter(map(said, factors(expression).parts))
    rest: list[Factor] = []
    for factor in reversed(split.parts):
        if common[said(factor)] > 0:
            common[said(factor)] -= 1
        else:
            rest.append(factor)
    return with_sign(split.sign * factors(expression).sign, product(rest[::-1])) if rest else term
