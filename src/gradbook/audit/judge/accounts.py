"""Checks whole updates: does each weight change by the same multiple of its slope as the others?

A gradient may be right although its update omits the learning rate, applies it twice, or adds up
where the other weights take means. So the change of each weight is computed with random numbers and
compared with the slope of the loss. A factor that all updates share is a choice of the learning
rate, and so is a separate rate for some weights; another factor with the same rate is a mistake,
and so is a missing rate if a number is labelled as the learning rate. Single updates that differ
from their column are reported as such, not here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, permutations
from itertools import product as pairs
from math import isclose

import numpy as np

from gradbook.audit.findings import NO_RATE, RATE_LEFT_OUT, WRONG_RATE, Finding, finding_in
from gradbook.audit.formulas.points import (
    CLOSE,
    ENOUGH_POINTS,
    FAINT,
    POINTS,
    Numbers,
    agree,
    constant,
)
from gradbook.audit.judge.memories import laws_of
from gradbook.audit.judge.penalties import Decay, has_penalty, penalised_cost
from gradbook.audit.judge.update_judgement import (
    KIND,
    UsualUpdate,
    usual_form,
    usual_updates,
    what_it_does,
)
from gradbook.audit.step.tested_step import StepUnderTest
from gradbook.audit.training.sheet_training import SheetTraining, named_rate
from gradbook.audit.training.training_steps import SheetStep, StepLoss, steps_of
from gradbook.audit.training.weight_columns import change as added_by
from gradbook.audit.training.weight_columns import plain_update
from gradbook.cells.book import show_value
from gradbook.cells.formula.address import Address, by_sheet
from gradbook.cells.formula.expression import (
    Factor,
    factors,
    parts,
    product,
    replace_parts,
    terms,
    total,
    with_sign,
)
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.pattern import Pattern, anchor, copy_formula, rename_cells_in
from gradbook.cells.formula.syntax import Call, Expression, Infix, Number, Reference, write
from gradbook.graph.node import Array, Node
from gradbook.language.message import Message, WrittenNumber

RARE_CHANGES = 4  # at most one change in so many counts as rare
MOST_SETTINGS = 100  # cells that may be an update's rate


@dataclass(frozen=True)
class OddFactor:
    """How the change of one weight differs from those of the others."""

    number: float = 1.0
    taken: Address | None = None  # a rate that it applies, perhaps once too often
    lacking: Address | None = None  # one that only the others apply

    @property
    def rate(self) -> Address | None:
        return self.taken if self.lacking is None else self.lacking


@dataclass(frozen=True)
class WeightChange:
    """What an update subtracts from a weight, and the slope of the loss there."""

    tested: StepUnderTest
    updates: UsualUpdate
    cell: Address
    before: Array
    taken: Array
    slope: Array

    @cached_property
    def times(self) -> Array:
        """The quotient of change and slope; NaN where the slope is too small to tell."""
        size = np.abs(self.slope)
        with np.errstate(all="ignore"):
            clear = size > FAINT * np.nanmedian(size)
            return np.where(clear, self.taken / self.slope, np.nan)

    @property
    def is_multiple(self) -> bool:
        """Whether the quotient is the same everywhere."""
        return constant(self.times, min(ENOUGH_POINTS, self.times.size)) != 0

    def may_be_like(self, other: WeightChange) -> bool:
        """Whether both have the same quotient wherever both are known."""
        common = np.isfinite(self.times) & np.isfinite(other.times)
        return int(common.sum()) < ENOUGH_POINTS or agree(self.times, other.times)

    @property
    def points(self) -> int:
        """The number of points at which the quotient is known."""
        return int(np.isfinite(self.times).sum())

    @cached_property
    def decay(self) -> Decay | None:
        """The multiple of the slope and the share of the weight that it consists of."""
        table = np.stack([self.slope, self.before], axis=-1)
        known = np.isfinite(table).all(axis=-1) & np.isfinite(self.taken)
        if np.count_nonzero(known) < ENOUGH_POINTS:
            return None
        shares, *_ = np.linalg.lstsq(table[known], self.taken[known], rcond=None)
        sums, sizes = table @ shares, np.abs(table) @ np.abs(shares)
        if not agree(self.taken, np.where(np.abs(sums) < CLOSE * sizes, 0.0, sums)):
            return None
        times, share = map(float, shares)
        is_none = abs(share) < CLOSE * abs(times)
        return Decay(self.updates.number, times, 0.0 if is_none else share, self.rates)

    @cached_property
    def rates(self) -> list[Address]:
        """The cells that don't depend on weights, in an update or in cells that compute its
        change."""
        training, step = self.tested.training, self.tested.step
        gradients = {claim.owner for options in step.claims for claim in options if claim.whole}
        sources = training.flow.sources(self.cell)
        apart = training.computed_cells.intersection(sources) - self.tested.forward - gradients
        mentioned = chain(sources, chain.from_iterable(map(training.flow.sources, apart)))
        still = (training.plain(cell) for cell in mentioned if cell not in training.varying)
        return list(dict.fromkeys(still))[:MOST_SETTINGS]

    @cached_property
    def is_textbook(self) -> bool:
        """Whether it is a rate times the slope of the loss, as in textbooks."""
        times, leaf = abs(self.tested.step.loss.scale) * self.times, self.tested.random.leaf
        return any(agree(times, leaf(cell)) for cell in self.rates)

    @property
    def rate_left_out(self) -> Address | None:
        """The learning rate, or a number with such a label that only updates use, if the update
        applies the bare slope."""
        training, book = self.tested.training, self.tested.training.book
        if not agree(self.times, np.ones(POINTS)):
            return None
        rate = named_rate(book, training.flow) or training.rate  # its own, which is idle
        if rate is None:
            rate = named_rate(book, training.flow, training.update_cells)
        value = None if rate is None or rate in self.rates else book.values.get(rate)
        return rate if isinstance(value, float) and value != 1 else None

    def factor_to(self, other: WeightChange) -> OddFactor | None:
        """The number, or rate of one of the two, that fully explains their difference."""
        leaf = self.tested.random.leaf
        with np.errstate(all="ignore"):
            ratio = self.times / other.times
            for taken, lacking in pairs([None, *self.rates], [None, *other.rates]):
                rest = ratio if taken is None else ratio / leaf(taken)
                rest = rest if lacking is None else rest * leaf(lacking)
                if number := constant(rest, min(ENOUGH_POINTS, rest.size)):
                    return OddFactor(float(f"{number:.9g}"), taken, lacking)
        return None


@dataclass(frozen=True)
class UpdateAccount:
    """What is wrong with whole updates, and which updates remain unexplained."""

    findings: list[Finding]
    unaccounted: list[UsualUpdate]
    has_other_laws: bool = False  # some update isn't a multiple of the slope

    def notes(self, told: Iterable[Finding]) -> list[Message]:
        """Notes on unexplained updates, if only other updates are wrong: otherwise a wrong gradient
        may be the reason."""
        told = list(told)
        return [
            Message(
                "not accounted for: the update of {weight} in {cells} isn't rate × gradient, "
                "unlike the others",
                cells=updates.training.place_of(*updates.cells),
                weight=updates.name,
            )
            for updates in self.unaccounted
            if all(f.quantity in updates.training.names and f.weight != updates.name for f in told)
        ]


def account_for(
    training: SheetTraining, groups: Iterable[Sequence[SheetStep]], told: Sequence[Finding]
) -> UpdateAccount:
    """Find updates that apply another multiple of the slope than most with the same rate, and those
    that apply none although most do; if a gradient is wrong, only those of other weights. Only the
    usual updates of each weight are examined."""
    every = list(usual_updates(training))
    account = UpdateAccount([], [])
    step = _usual_step(every, groups)
    tested = StepUnderTest.of(training, [step]) if step else None
    spoilt = {cell for finding in told for cell in finding.cells_in(training.book)}
    if tested is None or not spoilt.isdisjoint(tested.forward):
        return account  # a wrong forward pass makes slopes wrong
    account.findings.extend(_of_cases(tested, every))
    if account.findings:
        return account
    multiples, others = _by_multiple(tested, every)
    account = replace(account, has_other_laws=bool(others))
    count = len(multiples) + len(others)
    blamed = {name for finding in told for name in (finding.weight, *finding.spoils)}
    unblamed = [change for change in multiples if change.updates.name not in blamed]
    odd: dict[int, OddFactor] = {}
    for change, factor in _odd_changes(unblamed):
        if factor is None:
            others.append(change)
        elif odd.setdefault(change.updates.number, factor) is factor:
            like = next((c.updates for c in multiples if c.updates.number not in odd), None)
            apart = list(_rate_left_out_apart(change.updates, factor, like)) if like else []
            apart = apart or list(_rate_of_another_step(change, factor))
            account.findings.extend(apart or _findings(change.updates, factor))
    if multiples and others:
        (laws,) = laws_of(training, [[tested.step]])
        alike = {change.updates.number for change in multiples if change not in others}
        others = [c for c in others if not laws.have_one_rule(c.updates.number, alike)]
    few = 2 * len(others) < count
    forms = {change.updates.formula.makeup for change in multiples}
    usual = [change for change in multiples if change not in others]
    is_one = len(usual) >= RARE_CHANGES - 1 and len({c.updates.formula.makeup for c in usual}) == 1
    for odd_one in others:
        updates = odd_one.updates
        is_law = training.remembering or updates.formula.makeup in forms  # with memory, or clipped
        if multiples and (few or not is_law):
            models = {change.updates.number for change in usual}
            departs = len(others) == 1 and is_one and odd_one in multiples
            slip = _slip(tested, updates, models, departs)
            account.findings.extend(slip)
            account.unaccounted.extend([] if slip else [updates])
    account.findings.extend([] if account.findings else _of_penalties(tested, every))
    return account


def _of_cases(tested: StepUnderTest, every: Sequence[UsualUpdate]) -> Iterator[Finding]:
    """Findings for updates with a condition that applies another multiple than the others' in one
    of its cases, which the first steps needn't have."""
    if not any(_case(u.training, u.formula, u.cells[0], 0) for u in every):
        return
    for case in (0, 1):
        changes = [c for c in _changes(tested, every, tested.random, case) if c.times.any()]
        usual = max(changes, key=lambda c: sum(map(c.may_be_like, changes)), default=None)
        odd = [c for c in changes if usual is not None and not c.may_be_like(usual)]
        if usual is None or 2 * len(odd) >= len(changes):
            continue
        models = {c.updates.number for c in changes if c not in odd}
        for change in odd:
            if change.factor_to(usual) and not set(change.rates).isdisjoint(usual.rates):
                right = usual_form(tested, change.updates.number, models)
                cells = change.updates.cells
                yield from change.updates.findings(
                    cells, right, KIND, _another_multiple(change.updates)
                )


def _case(
    training: SheetTraining, update: Pattern, cell: Address, number: int
) -> Expression | None:
    """An update in one case of its conditions that no weight decides; None if it has none."""
    said = plain_update(update.expression) if update.expression else None

    def chosen(part: Expression) -> Expression | None:
        match part:
            case Call("IF", (test, one, other)) if test and not training.varies(test, cell):
                return other if number else one
        return None

    found = replace_parts(said, chosen) if said is not None else None
    return None if found == said else found


def wrong_penalty(training: SheetTraining, loss: Sequence[StepLoss | None]) -> list[Finding]:
    """A finding for a loss with a penalty for large weights, if the updates are right but for that
    penalty."""
    if not loss or loss[0] is None or not any(has_penalty(training, c) for c in loss[0].cells):
        return []
    tested = StepUnderTest.of(training, steps_of(training, loss)[:1])
    return _of_penalties(tested, list(usual_updates(training)))


def _of_penalties(tested: StepUnderTest, every: Sequence[UsualUpdate]) -> list[Finding]:
    """Findings for a penalty and the updates, if their decay isn't its slope."""
    cost = penalised_cost(tested)
    if cost is None:
        return []
    numbers = _settled(tested, tested.random)
    decays = [change.decay for change in _changes(tested, every, numbers)]
    known = [decay for decay in decays if decay is not None]
    return list(cost.findings(known, numbers)) if len(known) == len(decays) else []


def decay_notes(
    training: SheetTraining, groups: Iterable[Sequence[SheetStep]]
) -> Iterator[Message]:
    """Say which weights decay though no cost has a penalty for them, or which cost has one though
    none decays: either is a choice."""
    every = list(usual_updates(training))
    step = _usual_step(every, groups)
    tested = StepUnderTest.of(training, [step]) if step else None
    if tested is None:
        return
    cost = penalised_cost(tested)
    numbers = _settled(tested, tested.random)
    decays = [change.decay for change in _changes(tested, every, numbers)]
    weights = [training.names[decay.number] for decay in decays if decay and decay.share]
    if weights and cost is None:
        yield Message(
            "weight decay in the updates of {weights} alone: the loss has no penalty for it",
            weights=", ".join(weights),
        )
    elif cost and not weights and all(decays) and cost.cell not in tested.step.loss.cells:
        yield Message(
            "{cell} ({name}) adds a penalty for large weights, but no update subtracts its slope",
            cell=training.place_of(cost.cell),
            name=training.name_of(cost.cell),
        )


def _usual_step(
    every: Sequence[UsualUpdate], groups: Iterable[Sequence[SheetStep]]
) -> SheetStep | None:
    """The first of the steps in which most weights have their usual updates."""
    usual = {cell for updates in every for cell in updates.cells}

    def count(step: SheetStep) -> int:
        each = (updates.weight.updates[step.number : step.number + 1] for updates in every)
        return sum(not usual.isdisjoint(cells) for cells in each)

    return max((step for group in groups for step in group), key=count, default=None)


def _slip(
    tested: StepUnderTest, updates: UsualUpdate, models: Container[int], departs: bool
) -> list[Finding]:
    """Findings for an update that combines the same cells differently from the other weights', or
    that alone `departs` from the one form that they all have."""
    (base, cell), training = updates.weight.steps[tested.step.number], updates.training
    right = usual_form(tested, updates.number, models)
    if right is None or cell not in updates.cells:
        return []
    right = training.book.reader.read_typed(right.text_at(updates.cells[0]), updates.cells[0])
    before, after = (
        (
            sorted(training.flow.mentioned_cells(pattern.places, cell)),
            Counter(
                part.function
                for part in (parts(pattern.expression) if pattern.expression else ())
                if isinstance(part, Call)
            ),
        )
        for pattern in (updates.formula, right)
    )
    if right.key == updates.formula.key or (before != after and not departs):
        return []  # an additional function may be another rule
    why: str = _another_multiple(updates)
    if before == after:
        why = what_it_does(training, base, cell, updates.name)
    return list(updates.findings(updates.cells, right, KIND, why))


def _another_multiple(updates: UsualUpdate) -> Message:
    return Message(
        "the update of {weight} multiplies its gradient by another number than the other updates "
        "do",
        weight=updates.name,
    )


# One step ----------------------------------------------------------------------------


def _odd_changes(
    changes: Sequence[WeightChange],
) -> Iterator[tuple[WeightChange, OddFactor | None]]:
    """The changes with another multiple of their slopes than most, and the factor between the two;
    None for a factor that nothing explains. A separate rate explains one."""
    alike: list[list[WeightChange]] = []
    for change in sorted(changes, key=lambda change: -change.points):  # the clearest ones first
        same = next((some for some in alike if all(map(change.may_be_like, some))), None)
        if same is None:
            alike.append([change])
        else:
            same.append(change)
    for some in list(alike):
        rate = some[0].rate_left_out
        if rate is not None:
            alike.remove(some)
            in_order = sorted(some, key=lambda change: change.updates.number)
            yield from ((change, OddFactor(lacking=rate)) for change in in_order)
    usual = max(alike, key=_rank, default=None)
    for some, others in permutations(alike, 2):
        factor, is_rare = some[0].factor_to(others[0]), RARE_CHANGES * len(some) <= len(changes)
        is_odd = others is usual and _rank(some) < _rank(others)
        if _is_fault(factor, some[0], others[0], is_odd, is_rare):
            yield from ((change, factor) for change in some)


def _rank(some: Sequence[WeightChange]) -> tuple[int, bool]:
    """How many changes are alike, and whether they follow the textbook rule."""
    return len(some), some[0].is_textbook


def _is_fault(
    factor: OddFactor | None,
    odd: WeightChange,
    other: WeightChange,
    is_unusual: bool,
    is_rare: bool,
) -> bool:
    """Whether a factor is a mistake rather than a choice: a rate that is missing or applied once
    too often, or another number with the same rate; but not a number typed for the rate, if it
    equals the rate."""
    match factor:
        case None:
            return is_unusual
        case OddFactor(1.0, None, int(rate)):
            return rate not in odd.rates
        case OddFactor(1.0, int(rate), None):
            return rate in other.rates
        case OddFactor(1.0, int(), int()):
            return _rate_of_the_step(odd, factor) is not None
        case OddFactor(number, None, None):  # updates that climb have findings of their own
            return is_unusual and number != -1 and not set(odd.rates).isdisjoint(other.rates)
        case OddFactor(number, None, int(rate)) if not odd.rates and other.is_textbook:
            value = odd.tested.training.book.values.get(rate)
            is_same = isinstance(value, float) and isclose(number, value)
            return is_unusual and is_rare and not is_same
    return False


def _rate_of_the_step(change: WeightChange, factor: OddFactor) -> Address | None:
    """The rate of an update's own step, in a column of rates, if it takes that of the step before
    or after, and the other updates take the right one."""
    training, taken = change.tested.training, factor.taken
    if taken is None or factor.number != 1:
        return None
    row, stride = change.tested.positions.row, change.updates.weight.stride
    own = {row(cell) for cell in change.tested.step.weights if cell is not None}
    beside = (taken + stride, taken - stride) if row(taken) not in own else ()
    return next((c for c in beside if row(c) in own and training.plain(c) == factor.lacking), None)


def _by_multiple(
    tested: StepUnderTest, every: Sequence[UsualUpdate]
) -> tuple[list[WeightChange], list[WeightChange]]:
    """The changes that are a multiple of their slopes for all weights, and those that aren't, not
    even with the book's own numbers."""
    settled = [_settled(tested, numbers) for numbers in (tested.random, tested.constants)]
    random, here = (list(_changes(tested, every, numbers)) for numbers in settled)
    plain = {change.updates.number for change in random if change.is_multiple}
    known = plain.union(  # or at too few points for a comparison, as behind a ReLU
        change.updates.number
        for change in (*random, *here)
        if change.is_multiple or change.decay or change.points < ENOUGH_POINTS
    )
    known |= {change.updates.number for change in random}.difference(
        change.updates.number for change in here
    )  # behind a mask of 0, for example, nothing is known
    changes = list(_changes(tested, every, tested.random))
    return (
        [change for change in changes if change.updates.number in plain],
        [c for c in changes if c.updates.number not in known and np.any(c.taken != 0)],
    )


def _settled(tested: StepUnderTest, numbers: Numbers) -> Numbers:
    """The numbers, with other weights at every point and everything else fixed at its first
    value, but for what chooses other weights in other steps."""

    def leaf(cell: Address) -> Array:
        values = numbers.leaf(cell)
        is_moved = tested.graph.varies(cell) or cell in tested.graph.deciding
        return values if is_moved else np.resize(values[:1], POINTS)

    return Numbers(leaf, tested.graph.leaf_cells)


def _changes(
    tested: StepUnderTest, every: Iterable[UsualUpdate], numbers: Numbers, case: int | None = None
) -> Iterator[WeightChange]:
    """What each weight's update subtracts from it in this step, if the update is a usual one and
    there is a slope to compare it with; perhaps in one `case` of its conditions."""
    graph, step = tested.graph, tested.step
    given, slopes = _given_gradients(tested)
    if given:
        numbers = Numbers(numbers.leaf, graph.leaf_cells)
        numbers.values |= given
    for updates in every:
        base = step.weights[updates.number]
        for cell in updates.weight.updates[step.number :][:1]:
            pattern = updates.training.book.patterns[cell] if cell in updates.cells else None
            if base is None or pattern is None or pattern.expression is None:
                continue
            with suppress(NotUnderstood):
                said = None if case is None else _case(updates.training, pattern, cell, case)
                said = said or plain_update(pattern.expression)
                after = graph.expression(said, cell, pattern)
                slope = slopes.get(updates.number)
                if slope is None and numbers.is_noise(tested.gradients[updates.number]):
                    continue
                before, taken = map(numbers.of, (graph.node(base), graph.node(base) - after))
                slope = numbers.of(tested.gradients[updates.number]) if slope is None else slope
                yield WeightChange(
                    tested, updates, cell, *np.broadcast_arrays(before, taken, slope)
                )


def _given_gradients(tested: StepUnderTest) -> tuple[dict[Node, Array], dict[int, Array]]:
    """Random numbers for the gradients, if all are right and in cells, by their nodes and by their
    weights: behind a ReLU, slopes are 0 in many worlds. Otherwise none."""
    options = {j: some for j, some in enumerate(tested.step.claims) if some}
    first = {j: some[0] for j, some in options.items() if tested.is_known_right(j)}
    if first.keys() != options.keys() or not all(claim.whole for claim in first.values()):
        return {}, {}
    nodes = {j: tested.graph.node(claim.owner) for j, claim in first.items()}
    draw = np.random.default_rng(POINTS)
    given = {node: draw.normal(0, 1, POINTS) for node in dict.fromkeys(nodes.values())}
    return given, {j: first[j].sign * given[node] for j, node in nodes.items()}


# Findings ----------------------------------------------------------------------------


def _findings(updates: UsualUpdate, factor: OddFactor) -> Iterator[Finding]:
    book, rate = updates.training.book, factor.rate
    named = "" if rate is None else book.name_of(rate, updates.cells[0])
    number = WrittenNumber(show_value(factor.number))
    kind: str = KIND
    if rate is None:
        why = Message(
            "the update takes its gradient {factor} times, compared with the other updates",
            factor=number,
        )
    elif factor.lacking is None:
        why = Message(
            "the update multiplies by the learning rate {rate} once too often", rate=named
        )
    elif factor.number == 1:
        kind, why = NO_RATE, RATE_LEFT_OUT
    else:
        kind = WRONG_RATE
        why = Message(
            "the update contains the typed number {number} where the other updates use the "
            "learning rate {rate}",
            number=number,
            rate=named,
        )
    right = updates.with_terms(lambda sign, part: (sign, _with_usual_factor(updates, factor, part)))
    yield from updates.findings(updates.cells, right, kind, why)


def _rate_of_another_step(change: WeightChange, factor: OddFactor) -> Iterator[Finding]:
    """Findings for an update that takes the learning rate of the step before or after."""
    updates, taken, rate = change.updates, factor.taken, _rate_of_the_step(change, factor)
    if rate is None or taken is None:
        return
    book, home, first = updates.training.book, change.cell, updates.cells[0]

    def follow(word: str) -> str:
        return copy_formula(word, taken, rate) if book.reader.cell(word, home) == taken else word

    text = rename_cells_in(book.patterns[home].text_at(home), follow)
    right = book.reader.read_typed(copy_formula(text, home, first), first)
    why = Message(
        "{taken} is the learning rate of another step: this step's is {rate}",
        taken=book.name_of(taken, home),
        rate=book.name_of(rate, home),
    )
    yield from updates.findings(updates.cells, right, WRONG_RATE, why)


def _rate_left_out_apart(
    updates: UsualUpdate, factor: OddFactor, like: UsualUpdate
) -> Iterator[Finding]:
    """Findings for the cells in which each step's change is computed, if they lack the rate that
    another weight's have."""
    training, book, rate = updates.training, updates.training.book, factor.lacking
    usual, cells = (_changes_apart(some) for some in (like, updates))
    if rate is None or factor.number != 1 or not usual or not cells:
        return
    first, last, stride = cells[0], cells[-1], updates.weight.stride
    said = book.patterns[first].expression
    if said is None or rate not in map(training.plain, training.flow.sources(usual[0])):
        return
    if training.repeats(last + stride, last):  # after which there is no update
        cells.append(last + stride)
    named = Reference(anchor(book.name_of(rate, first)))
    text = write(total([(sign, Infix("*", named, part)) for sign, part in terms(said)]))
    right, name = book.reader.read_typed(text, first), updates.name
    for own in by_sheet(cells):
        there = training.on_sheet_of(own[0], right)
        yield finding_in(book, own, NO_RATE, training.name_of(first), RATE_LEFT_OUT, name, there)


def _changes_apart(updates: UsualUpdate) -> list[Address]:
    """The cells that contain what each update adds, if it adds nothing else."""
    training, found = updates.training, []
    for cell in updates.cells:
        added = added_by(training.book.patterns[cell], updates.before(cell), cell)
        at = training.cell_of(added[0][1], cell) if len(added) == 1 else None
        if at is None or at not in training.computed_cells or at not in training.book.patterns:
            return []
        found.append(at)
    return found


def _with_usual_factor(updates: UsualUpdate, factor: OddFactor, part: Expression) -> Expression:
    """A term of an update, corrected to the usual factor."""
    training, home, rate = updates.training, updates.cells[0], factor.rate
    usual: Expression = Number(factor.number)
    if rate is not None:
        named = training.book.name_of(rate, home)
        is_fixed = training.rate in (None, rate) or not training.flow.users.get(rate)
        usual = Reference(anchor(named) if is_fixed else named)
    if factor.lacking is not None:
        if factor.number == 1:
            return Infix("*", usual, part)
        return replace_parts(part, lambda p: usual if p == Number(factor.number) else None)

    def is_it(said: Expression, above: bool) -> bool:
        if rate is None:
            times = said.value if isinstance(said, Number) else 0.0
            return isclose(times if above or not times else 1 / times, factor.number)
        cell = training.book.reader.cell(write(said), home) if above else None
        return cell is not None and training.plain(cell) == rate

    split = factors(part)
    for k, one in enumerate(split.parts):
        match one.part:
            case Infix("^", power, Number(2.0)) if is_it(power, True):
                rest = [*split.parts[:k], Factor(power, one.above), *split.parts[k + 1 :]]
            case said if is_it(said, one.above):
                rest = [*split.parts[:k], *split.parts[k + 1 :]]
            case _:
                continue
        if rest:
            return with_sign(split.sign, product(rest))
    if rate is None and factor.number < 1 and (1 / factor.number).is_integer():
        return Infix("*", Number(1 / factor.number), part)
    return Infix("/", part, usual)
