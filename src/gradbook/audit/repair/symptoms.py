"""The wrong gradients of a step, what is known about them, and the evidence for hypotheses.

A wrong gradient is attributed to its own formula, unless there is evidence against another cell:
one edit there corrects several gradients, or the formula there resembles no similar one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, combinations

from gradbook.audit.formulas.points import is_multiple
from gradbook.audit.repair.repaired_step import RepairedStep, meaning_of, rank
from gradbook.audit.repair.shares import wrong_shares
from gradbook.audit.repair.wrong_formula import WrongFormula
from gradbook.audit.search.hypotheses import Hypothesis, Proof
from gradbook.audit.step.tested_step import ClaimVerdict, StepSlopes, StepUnderTest
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.training_steps import SheetStep
from gradbook.cells.flow import walk
from gradbook.cells.formula.address import Address, pack
from gradbook.cells.formula.expression import EditKind, factors, parts
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.syntax import Call, Expression, Infix, Number, Reference
from gradbook.graph.node import Node

TRIED = 6  # hypotheses that are tested on every gradient, if evidence is needed
ONE = Number(1.0)
MOST_WRONG = 4  # weights on which an edit of a column is tried first


@dataclass
class EarlierRows:
    """What was found in other rows of a training, for mistakes that occur again."""

    in_vain: set[object] = field(default_factory=set)  # wrong claims not caused by any column
    columns: list[tuple[SheetStep, Hypothesis]] = field(default_factory=list)
    shares: list[tuple[SheetStep, Hypothesis]] = field(default_factory=list)  # of one gradient
    climbing: set[int] = field(default_factory=set)  # weights whose updates go up the slope
    mistaken: set[int] = field(default_factory=set)  # weights updated with another's gradient
    updates: list[tuple[StepUnderTest, Hypothesis]] = field(default_factory=list)  # those updates
    formulas: dict[Pattern, Hypothesis] = field(default_factory=dict)  # the remedies of claims


@dataclass(frozen=True, eq=False)
class Symptoms:
    """Wrong gradients of similar steps, by the indices of their weights."""

    under_test: StepUnderTest
    wrong: Mapping[int, Claim]
    earlier: EarlierRows
    mended: frozenset[Address] = frozenset()  # the cells corrected so far
    weight: int | None = None  # the one whose own formula is examined
    _formulas: dict[int, WrongFormula | None] = field(default_factory=dict)

    @property
    def looked_at(self) -> int:
        """The weight whose claim is examined."""
        assert self.weight is not None
        return self.weight

    def of_weight(self, weight: int) -> Symptoms:
        """Return the same symptoms for examining one weight's claim."""
        return replace(self, weight=weight)

    def after(self, under_test: StepUnderTest) -> Symptoms:
        """Return the same wrong claims in another version of the step."""
        return replace(self, under_test=under_test, weight=None, _formulas={})

    def formula(self, weight: int) -> WrongFormula | None:
        """Return the formula of a wrong claim; None if it is a value."""
        if weight not in self._formulas:
            wrong = WrongFormula.of_claim(self.under_test, weight, self.wrong[weight])
            self._formulas[weight] = wrong
        return self._formulas[weight]

    @property
    def case(self) -> object:
        """A key that is equal for a copy of the sheet; None if there can't be one, for example
        because the sheet uses another one."""
        tested, content = self.under_test, self.under_test.training.content
        if content is None:
            return None
        corner, loss = pack(tested.training.sheet, 0, 0), tested.step.loss
        instead = tested.graph.instead.items()
        return (
            content,
            tested.step.number,
            len(tested.alike),
            (loss.assumption, loss.scale, *(cell - corner for cell in loss.cells)),
            frozenset((cell - corner, pattern.text_at(cell)) for cell, pattern in instead),
            tuple((j, claim.owner - corner, claim.expression) for j, claim in self.wrong.items()),
            frozenset(cell - corner for cell in self.mended),
            self.weight,
        )

    @cached_property
    def claims(self) -> dict[int, Claim]:
        """The wrong claims, and the best readings of the others."""
        found = dict(self.wrong)
        for weight, options in enumerate(self.under_test.step.claims):
            if weight not in found and options:
                best = self.under_test.best(weight, options)[1]
                if best is not None:
                    found[weight] = best
        return found

    @cached_property
    def needs_own_samples(self) -> bool:
        """Whether some gradient is right only for the sheet's own samples, such as p − t, which
        needs targets that add up to 1; or may be, if none is right."""
        tested, others = self.under_test, self.claims.items() - self.wrong.items()
        verdicts = [tested.best(weight, [claim])[0] for weight, claim in others]
        return ClaimVerdict.RIGHT_HERE in verdicts or (not verdicts and _has_shares(tested))

    @cached_property
    def made_of_others(self) -> dict[int, set[int]]:
        """For each wrong gradient, the other wrong ones that it uses, or whose samples' shares."""
        owners = {weight: claim.owner for weight, claim in self.wrong.items()}
        sources, found = self.under_test.training.flow.sources, dict[int, set[int]]()
        shares = {  # one of them stands for all
            weight: min(sources(claim.owner), default=claim.owner)
            for weight, claim in self.wrong.items()
            if _gathers(claim.expression)
        }
        for weight, owner in owners.items():
            cells = self.under_test.made_of([owner]) if len(owners) > 1 else set()
            used = (j for j in owners if {owners[j], shares.get(j, owners[j])} & cells)
            found[weight] = {
                j for j in used if owners[j] != owner and shares.get(j) != shares.get(weight, owner)
            }
        return found

    @cached_property
    def slopes(self) -> StepSlopes:
        """Some of the wrong gradients and a few right ones, for testing edits."""
        others = [weight for weight in sorted(self.claims) if weight not in self.wrong]
        wrong = list(self.wrong)
        spread = wrong[:: max(len(wrong) // MOST_WRONG, 1)][:MOST_WRONG]
        few = [*spread, *others[:: max(len(others) // 2, 1)][:2]]
        return StepSlopes(self.apart, sorted(few), self.claims)

    @cached_property
    def apart(self) -> StepUnderTest:
        """The step with separate nodes for cells that an edit may change: cells with equal values,
        formulas behind wrong gradients that depend on no weight and, if a weight has no influence,
        those on the path to the loss."""
        tested, training = self.under_test, self.under_test.training
        same: defaultdict[Node, list[Address]] = defaultdict(list)
        patterns, computed = training.book.patterns, training.computed_cells
        for cell, value in tested.graph.known.items():
            if isinstance(value, Node) and cell in patterns and cell in computed:
                same[value].append(cell)
        cells = [cell for alike in same.values() if len(alike) > 1 for cell in alike]
        cells += self.constant_behind
        if tested.without_influence:
            cells += [*_constant(tested, tested.forward), *self.only_repeating]
        formulas = {
            cell: tested.formula(cell) for cell in cells if cell not in tested.graph.instead
        }
        known = {
            cell: pattern
            for cell, pattern in formulas.items()
            if pattern is not None and _can_be_a_node(tested, cell, pattern)
        }
        apart = tested.with_formulas(known) if known else tested
        return replace(apart, takes_own_samples=self.needs_own_samples)

    @cached_property
    def constant_behind(self) -> list[Address]:
        """The formulas behind wrong gradients that depend on no weight: they may have lost it."""
        owners = [claim.owner for claim in self.wrong.values()]
        return _constant(self.under_test, [*owners, *self.under_test.made_of(owners)])

    @cached_property
    def only_repeating(self) -> list[Address]:
        """The step's formulas on the path to the loss that only repeat a number: they may be the
        rest of a product."""
        tested, training = self.under_test, self.under_test.training
        inside = (cell for cell in tested.forward if cell not in training.weight_cells)
        mentioned = {source for cell in inside for source in training.flow.sources(cell)}
        return sorted(
            cell
            for cell in mentioned & training.book.patterns.keys()
            if training.plain(cell) != cell and tested.positions.row(cell) in tested.positions.rows
        )

    # Accepting hypotheses ------------------------------------------------------

    @cached_property
    def is_own_fault(self) -> bool:
        """Whether the formula of the only wrong claim is odd: it refers to a blank, or a small edit
        makes it resemble the others."""
        if len(self.wrong) != 1:
            return False
        tested, (weight,) = self.under_test, self.wrong
        claim = self.wrong[weight]
        if _gathers(claim.expression) or weight in tested.without_influence:
            return False
        if any(map(tested.training.book.is_blank, tested.training.flow.sources(claim.owner))):
            return True
        wrong = self.formula(weight)
        return wrong is not None and becomes_usual(wrong)

    def prove(self, hypotheses: Sequence[Hypothesis], proof: Proof) -> Iterator[Hypothesis]:
        """The hypotheses that correct gradients and break none, with the corrected weights."""
        reasons = proof is Proof.REASONS
        tested = self.apart if reasons else self.under_test
        likely = rank(tested, hypotheses)
        for hypothesis in likely[:TRIED] if reasons else likely:
            repaired = RepairedStep(tested, hypothesis)
            explains = gradients_mended(repaired, self.wrong)
            if not explains or (len(explains) == 1 and makes_two_alike(repaired)):
                continue
            if not reasons or _has_reasons(self, repaired, explains):
                yield only_what_changes(tested, replace(hypothesis, explains=explains))

    def is_doubtful(self, hypothesis: Hypothesis) -> bool:
        """Whether an edit makes a formula unlike similar ones, is a rare one, or corrects only one
        gradient, and there is no evidence for it."""
        repaired = RepairedStep(self.apart, hypothesis)
        likely = repaired.likeness >= 0 and not repaired.is_rare
        if len(self.wrong) > 1 and likely:
            return False
        likeness = self.likeness(hypothesis)
        speaks = repaired.likeness > 0 or (likeness == 0 and _becomes_a_slope(repaired))
        return not speaks and not is_evident(repaired, min(hypothesis.explains))

    def likeness(self, hypothesis: Hypothesis) -> int:
        training, home = self.under_test.training, hypothesis.home
        after = hypothesis.patterns(training.book)[home]
        is_constant = not any(
            c in training.varying for c in training.flow.mentioned_cells(after.places, home)
        )
        lost = is_constant and home in training.varying
        return min(RepairedStep(self.apart, hypothesis).likeness, 0) - lost


def _can_be_a_node(tested: StepUnderTest, cell: Address, formula: Pattern) -> bool:
    """Whether a formula can be followed: not if it looks up a sample at a computed position."""
    with suppress(NotUnderstood):
        return tested.with_formulas({cell: formula}).graph.node(cell) is not None
    return False


def _has_shares(tested: StepUnderTest) -> bool:
    """Whether the loss is a cross-entropy of several outputs, with targets that add up to 1: t·ln p
    without (1 − t)·ln(1 − p)."""
    book, plain = tested.training.book, tested.training.plain
    targets: set[Address] = set()
    for cell in tested.forward & book.patterns.keys():
        expression = book.patterns[cell].expression
        some = list(parts(expression)) if expression is not None else []
        if any(isinstance(part, Call) and part.function == "LN" for part in some):
            if any(isinstance(p, Infix) and (p.operator, p.left) == ("-", ONE) for p in some):
                return False
            targets.update(map(plain, tested.training.flow.sources(cell)))
    values = [book.values.get(cell) for cell in targets - book.patterns.keys()]
    numbers = [value for value in values if isinstance(value, float)]
    total = sum(numbers, 0.0)
    return len(numbers) > total > 0 and total.is_integer()


def _constant(tested: StepUnderTest, cells: Iterable[Address]) -> list[Address]:
    """The formulas behind some cells that depend on no weight and don't only repeat a number."""
    training, patterns = tested.training, tested.training.book.patterns

    def is_constant(cell: Address) -> bool:
        formula = cell in patterns and cell not in training.varying
        return formula and training.plain(cell) == cell

    def onward(cell: Address) -> Iterable[Address]:
        return filter(is_constant, training.flow.sources(cell))

    behind = (onward(cell) for cell in cells if cell not in training.weight_cells)
    return list(walk(chain.from_iterable(behind), onward))


# Evidence -----------------------------------------------------------------------------

SUMS = ("SUM", "AVERAGE")  # functions that add up gradients


def gradients_mended(repaired: RepairedStep, wrong: Mapping[int, Claim]) -> frozenset[int]:
    """The gradients that a hypothesis corrects, with all of them tested; none if it breaks any."""
    tested, after = repaired.under_test, repaired.all_after
    left, vanished = after.wrong_weights(), after.without_influence
    spoilt = left - wrong.keys() or vanished - tested.without_influence
    if spoilt or vanished & wrong.keys() - left:
        return frozenset()  # also if a gradient is right only because it vanishes
    return frozenset(wrong.keys() - left)


def only_what_changes(tested: StepUnderTest, hypothesis: Hypothesis) -> Hypothesis:
    """The hypothesis restricted to cells of the column that aren't right already."""
    kept: dict[Address, str] = {}
    for cell, right in hypothesis.patterns(tested.training.book).items():
        meant, is_same = meaning_of(tested, right.text, cell), False
        with suppress(NotUnderstood):
            is_same = meant is not None and tested.same(meant, tested.graph.node(cell))
        if not is_same:
            kept[cell] = right.text
    if not kept:
        return hypothesis
    return replace(hypothesis, cells=tuple(kept), formulas=tuple(kept.values()))


# Evidence against a cell on the path to the loss -----------------------------------


def is_evident(repaired: RepairedStep, weight: int) -> bool:
    """Whether the cell to be changed is on the path to the loss and is odd, so that the gradient
    isn't at fault."""
    return repaired.is_forward and (
        repaired.leads_astray
        or weight in repaired.under_test.without_influence
        or repaired.conventions[1] > repaired.conventions[0]
        or repaired.likeness > 0
        or _belongs_beside(repaired)
    )


def _belongs_beside(repaired: RepairedStep) -> bool:
    """Whether similar formulas on the path to the loss refer to the cell that an edit inserts, and
    none of them to the cell that it removes."""
    training, home, edit = repaired.under_test.training, repaired.home, repaired.edit
    if not isinstance(edit.old, Reference) or not isinstance(edit.new, Reference):
        return False
    patterns = training.book.patterns
    shape = patterns[home].shape
    beside = [
        cell
        for cell in repaired.under_test.forward.difference(repaired.hypothesis.cells)
        if cell in patterns and patterns[cell].shape == shape
    ]
    mentioned = {source for cell in beside for source in training.flow.sources(cell)}
    old, new = (training.book.reader.cell(said.text, home) for said in (edit.old, edit.new))
    return new in mentioned and old not in mentioned


def forgets_a_number(repaired: RepairedStep) -> bool:
    """Whether an edit on the path to the loss removes a number from the loss, or from every
    gradient: if gradients omit a target, that isn't the loss's fault."""
    if not repaired.is_forward:
        return False
    before, after = repaired.under_test, repaired.all_after
    return bool(
        before.numbers_in([before.loss]) - after.numbers_in([after.loss])
        or before.numbers_in(before.gradients.values()) - after.numbers_in(after.gradients.values())
    )


def makes_two_alike(repaired: RepairedStep) -> bool:
    """Whether an edit on the path to the loss makes two of its cells, or two gradients, equal,
    which nobody needs."""
    if not repaired.is_forward or isinstance(repaired.after.expression, Reference):
        return False
    before, after, home = repaired.under_test, repaired.all_after, repaired.home
    edited, was = after.graph.node(home), before.graph.node(home)
    cells = before.forward.difference([home]) & before.graph.known.keys()
    alike = (cell for cell in cells if after.same(after.graph.node(cell), edited))
    if any(not before.same(before.graph.node(cell), was) for cell in alike):
        return True
    return any(
        after.same(after.gradients[i], after.gradients[j])
        and not before.same(before.gradients[i], before.gradients[j])
        for i, j in combinations(after.gradients, 2)
    )


# Evidence against a cell on the backward path ----------------------------------------


def is_slope(tested: StepUnderTest, cell: Address) -> bool:
    """Whether a cell is the slope of the loss with respect to a cell on its path, except for a
    factor: then it isn't wrong."""
    ends = tested.loss_cells | tested.training.weight_cells.keys()
    values = tested.random.of
    with suppress(NotUnderstood):
        said = values(tested.graph.node(cell))
        inside = (node for node, at in tested.cells_of_values.items() if at not in ends)
        return any(is_multiple(said, values(tested.slopes[node])) for node in inside)
    return False


# Evidence against a gradient's own formula --------------------------------------------


def becomes_usual(wrong: WrongFormula) -> bool:
    """Whether a small edit makes a claim's formula resemble more of the other claims."""
    before, after = _others_like(wrong)
    return after > before


def becomes_its_line(wrong: WrongFormula) -> bool:
    """Whether a small edit gives a claim the formula of most other rows."""
    if not wrong.is_slight or wrong.repair is None:
        return False
    training, line = wrong.under_test.training, wrong.under_test.training.axis.line
    patterns = training.book.patterns
    own = [c for c in training.computed_cells & patterns.keys() if line(c) == line(wrong.home)]
    after = training.book.reader.read_typed(wrong.repair.formulas[0], wrong.home)
    return 2 * sum(patterns[cell].key == after.key for cell in own) > len(own)


def _others_like(wrong: WrongFormula) -> tuple[int, int]:
    """How many other claims a claim's formula resembles, before and after a small edit."""
    if not wrong.is_slight or wrong.repair is None:
        return 0, 0
    tested, book = wrong.under_test, wrong.under_test.training.book
    owners = {option.owner for options in tested.step.claims for option in options}
    patterns = (book.patterns.get(cell) for cell in owners - {wrong.home})
    shapes = Counter(pattern.shape for pattern in patterns if pattern is not None)
    after = book.reader.read_typed(wrong.repair.formulas[0], wrong.home)
    return shapes[wrong.pattern.shape], shapes[after.shape]


def is_easily_its_own(symptoms: Symptoms, weight: int, repaired: RepairedStep) -> bool:
    """Whether a claim can be corrected by a small edit of its own formula."""
    claim = symptoms.wrong[weight]
    if isinstance(claim.expression, Reference) and not repaired.is_forward:
        return False
    wrong = symptoms.formula(weight)
    if wrong is None or not wrong.is_slight:
        return False
    is_range = wrong.repair is not None and wrong.repair.edits[0].kind is EditKind.RANGE
    if _gathers(claim.expression) and not is_range:
        return False
    if repaired.is_unlikely:
        return True
    before, after = _others_like(wrong)
    return after > 0 or before == 0  # else the edit makes a formula unique that others resemble


def _gathers(expression: Expression) -> bool:
    """Whether a claim adds up other cells: it is a sum of cells, or a fraction of one."""
    split = [factor.part for factor in factors(expression).parts]
    sums = [part for part in split if isinstance(part, Call) and part.function in SUMS]
    return isinstance(expression, Call) or bool(sums)


# Weighing the evidence ---------------------------------------------------------------


def _has_reasons(symptoms: Symptoms, repaired: RepairedStep, explains: frozenset[int]) -> bool:
    """Whether it corrects several gradients, or one whose own formula is hardly at fault."""
    if forgets_a_number(repaired):
        return False
    made_of = symptoms.made_of_others
    roots = [j for j in explains if not (repaired.is_unlikely and made_of[j] & explains)]
    if len(roots) > 1:
        return True
    if len(explains) > 1 and makes_two_alike(repaired):
        return False
    weight = min(roots or explains)
    if not repaired.is_forward and is_slope(repaired.under_test, repaired.home):
        return False
    if is_evident(repaired, weight) or _becomes_a_slope(repaired):
        return True
    if is_easily_its_own(symptoms, weight, repaired):
        return False
    shares = wrong_shares(symptoms.under_test, weight, symptoms.wrong[weight])
    if shares is None or shares.edits[0].kind is EditKind.FORMULA:
        return True
    return RepairedStep(symptoms.under_test, shares).likeness < 0  # it resembles fewer formulas


def _becomes_a_slope(repaired: RepairedStep) -> bool:
    """Whether an edit makes a cell on the backward path a slope, like other such cells."""
    return not repaired.is_forward and is_slope(repaired.all_after, repaired.home)
