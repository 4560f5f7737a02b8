"""What every law of updates has in common, whatever it is called: a table, tested by trial.

A rule is tried for a few steps: gradients arrive, its memories go on, and each step's change of the
weight is computed from the formulas. What isn't in the table is a choice: an ε in a root or beside
it, coefficients, a rate over time, a clipping, one mean or two. If a rule lacks something that is
in the table, the one small edit that restores it and breaks nothing else is searched for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import product

import numpy as np

from gradbook.audit.formulas.points import ENOUGH_POINTS, POINTS, Numbers, agree
from gradbook.audit.judge.weight_rules import (
    GRADIENT,
    GRADIENTS,
    OTHERS,
    OWN,
    WEIGHTS,
    OddCell,
    Role,
    WeightRules,
    drawn_for,
)
from gradbook.audit.step.step_graph import StepGraph
from gradbook.cells.budget import within_budget
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.expression import EditKind, paths, put, references, replace_parts
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.pattern import Pattern, anchor
from gradbook.cells.formula.syntax import (
    Call,
    Expression,
    Infix,
    Number,
    Prefix,
    Reference,
    write,
)
from gradbook.graph.node import Array, Node, ancestors
from gradbook.language import mark
from gradbook.language.message import Message

STEPS = 3  # of a trial
LARGE = 1e6  # gradients beside which an ε is nothing
LARGER = 1e3  # times these
TINY = 1e-30  # what memories begin with
SMALL = 1e-3  # the same, if it may have bounds
HALF = 0.5  # the least coefficient of a mean's past
ROUGHLY = 1e-4  # relative: more than an ε adds
NUDGED = 0.9  # times a coefficient
SIGNS = np.where(np.arange(POINTS) % 2, 1.0, -1.0)
TURNING = np.where(np.arange(STEPS) % 2, -1.0, 1.0)[:, None]
SIZES = np.random.default_rng(11).uniform(0.4, 1.0, (STEPS, POINTS))
MIXED = SIZES * SIGNS * np.where(SIZES > 0.7, 1.0, -1.0)


@dataclass(frozen=True)
class Mean:
    """A memory that keeps a share of its past and takes in one of the gradient, or its square."""

    cell: Address
    node: Node
    coefficient: Node  # of its past
    is_mean: bool  # whether it takes in exactly what it doesn't keep
    is_balanced: bool  # whether it takes in that, or something that has nothing to do with it


@dataclass(frozen=True)
class Course:
    """What the steps of a trial add to the weight, and its memories in the end."""

    changes: list[Array]
    memories: dict[Role, Array]

    @property
    def last(self) -> Array:
        return self.changes[-1]


class RuleGraph(StepGraph):
    """The cells of a rule as nodes: weights, gradients, memories of the step before, and what the
    gradients are computed from, are leaves."""

    def __init__(self, rules: WeightRules, instead: Mapping[Address, Pattern]) -> None:
        super().__init__(rules.training, instead)
        self.given = rules.backward.union(rules.owned)

    def formula(self, cell: Address) -> Pattern | None:
        return None if cell in self.given else super().formula(cell)


@dataclass(frozen=True)
class RuleTrial:
    """A weight's rule, perhaps with other formulas in some cells, to be tried for a few steps."""

    rules: WeightRules
    weight: int
    instead: Mapping[Address, Pattern] = field(default_factory=dict)

    # Its parts -----------------------------------------------------------------------------

    @cached_property
    def graph(self) -> RuleGraph:
        update = self.rules.updates[self.weight]
        other = {cell: p for cell, p in self.instead.items() if cell != update}
        return RuleGraph(self.rules, other)

    def node(self, cell: Address) -> Node:
        pattern = self.instead.get(cell) or self.rules.training.book.patterns[cell]
        if cell in self.rules.training.weight_cells and pattern.expression is not None:
            return self.graph.expression(pattern.expression, cell, pattern)
        return self.graph.node(cell)

    def cell(self, part: Expression, home: Address) -> Address | None:
        """The cell that a part of a formula is, as it is typed there."""
        reader = self.rules.training.book.reader
        return reader.cell(part.text, home) if isinstance(part, Reference) else None

    @cached_property
    def update(self) -> Node:
        return self.node(self.rules.updates[self.weight])

    @cached_property
    def memories(self) -> dict[Role, Node]:
        """The memories of the weight, by their roles."""
        return {role: self.node(cell) for role, cell in self.remembering.items()}

    @cached_property
    def remembering(self) -> dict[Role, Address]:
        """The cells of the memories."""
        stride, past = self.rules.training.weights[self.weight].stride, self.rules.training.past
        cells = self.rules.memories[self.weight]
        return {self.rules.owned[past(cell, stride)][1]: cell for cell in cells}

    @cached_property
    def order(self) -> list[Node]:
        return ancestors([self.update, *self.memories.values()])

    @cached_property
    def coefficients(self) -> list[Node]:
        """The settings, and the typed numbers between 0 and 1, in the rule."""
        cells, owned = self.graph.leaf_cells, self.rules.owned
        return [
            node
            for node in self.order
            if (node in cells and cells[node] not in owned)
            or (node.op.name == "constant" and 0 < float(np.max(self.known.of(node))) < 1)
        ]

    # Numbers for it -----------------------------------------------------------------------

    def drawn(self, owner: int, role: Role) -> Array:
        sign = self.rules.signs[owner] if role in GRADIENTS else 1
        return drawn_for(role, OWN if owner == self.weight else OTHERS) * sign

    def numbers(self, value: Callable[[int, Role], Array], as_typed: bool = False) -> Numbers:
        """Numbers of which weights, gradients and memories have a `value`, with random settings or
        those of the book."""
        rules = self.rules
        setting = rules.tested.constants.leaf if as_typed else rules.setting

        def leaf(cell: Address) -> Array:
            return value(*rules.owned[cell]) if cell in rules.owned else setting(cell)

        return Numbers(leaf, self.graph.leaf_cells)

    @cached_property
    def known(self) -> Numbers:
        """Random numbers for one step."""
        return self.numbers(self.drawn)

    def of(self, node: Node) -> Array:
        return np.broadcast_to(self.known.of(node), POINTS)

    def change(self, numbers: Numbers) -> Array:
        """What the update adds to its weight."""
        base, after = self.rules.step.weights[self.weight], numbers.of(self.update)
        before = 0.0 if base is None else numbers.of(self.graph.node(base))
        return np.broadcast_to(after - before, POINTS)

    def course(
        self,
        steps: Array,
        weights: float = 0.0,
        begin: float = TINY,
        instead: Mapping[Node, Array] | None = None,
    ) -> Course:
        """Steps with these gradients, times a number of each weight's own."""
        changes: list[Array] = []
        kept: dict[Role, Array] = {}
        for k in range(len(steps)):

            def value(
                owner: int, role: Role, k: int = k, kept: Mapping[Role, Array] = kept
            ) -> Array:
                draw = self.drawn(owner, GRADIENTS[1] if role in GRADIENTS else role)
                if role in GRADIENTS:
                    before = k - (role == GRADIENTS[0])
                    now = steps[before] if before >= 0 else np.zeros(POINTS)
                    return now * draw
                if role in WEIGHTS:
                    return weights * draw
                return kept[role] if owner == self.weight and role in kept else begin * draw

            numbers = self.numbers(value)
            numbers.values |= instead or {}
            changes.append(self.change(numbers))
            kept = {role: numbers.of(node) for role, node in self.memories.items()}
        return Course(changes, kept)

    # What is found by them ------------------------------------------------------------------

    @cached_property
    def is_closed(self) -> bool:
        """Whether nothing that varies is in the rule beside weights, gradients and memories."""
        training, owned = self.rules.training, self.rules.owned
        leaves = (self.graph.leaf_cells.get(node) for node in self.order)
        known = (cell for cell in leaves if cell is not None and cell not in owned)
        return not any(cell in training.varying or cell in training.weight_cells for cell in known)

    @cached_property
    def epsilons(self) -> dict[Node, Array]:
        """The settings on which the change doesn't depend where gradients are large, as 0."""
        usual = self.course(MIXED * LARGE).last
        halves = {node: self.of(node) / 2 for node in self.coefficients}
        return {
            node: np.zeros(POINTS)
            for node, half in halves.items()
            if _same(usual, self.course(MIXED * LARGE, instead={node: half}).last)
        }

    @cached_property
    def typed_epsilons(self) -> dict[Node, Array]:
        """The typed numbers that are next to nothing, as large as settings are drawn: so no
        gradient is about as large as one of them."""
        typed = (node for node in self.coefficients if node.op.name == "constant")
        return {node: np.ones(POINTS) for node in typed if np.all(self.of(node) < SMALL)}

    @cached_property
    def powers(self) -> dict[Node, Node]:
        """The powers of coefficients that the rule subtracts from 1."""
        found: dict[Node, Node] = {}
        for node in self.order:
            if node.op.name == "subtract" and node.inputs[1].op.name in ("exp", "power"):
                inside = ancestors([node.inputs[1]])
                bases = [n.inputs[0] for n in inside if n.op.name in ("log", "power")]
                found |= {base: node.inputs[1] for base in bases if base in self.coefficients}
        return found

    @cached_property
    def counts(self) -> set[Address]:
        """The cells that count steps: those in the rule's exponents, and those in the lines of
        memories that contain the number of gradients which these have taken in."""
        training, leaves = self.rules.training, self.graph.leaf_cells
        values = training.book.values
        inside = ancestors(list(self.powers.values()))
        found = {leaves[node] for node in inside if node in leaves and node not in self.powers}
        along, stride = training.axis.along, training.weights[self.weight].stride
        taken = {along(cell): self.taken(cell) for cell in self.rules.memories[self.weight]}
        for cell, value in values.items():
            number = taken.get(along(cell), 0)
            if number and value == number and values.get(cell - stride, 0.0) in (number - 1, None):
                found.add(cell)
        return found

    def taken(self, memory: Address) -> int:
        """How many gradients a memory has taken in."""
        training, number = self.rules.training, 1
        stride = training.weights[self.weight].stride
        plain, past, sources = training.plain, training.past, training.flow.sources
        while plain(past(memory, stride)) in map(plain, sources(memory)):
            memory -= stride
            if memory not in training.book.patterns:
                break
            number += 1
        return number

    @cached_property
    def means(self) -> list[Mean]:
        """The memories that keep a share of their past and take in one of the gradient, or of its
        square."""
        found = []
        for role, node in self.memories.items():
            for coefficient in self.coefficients:
                kept, new = self.kept_and_new(role, node)
                if not agree(kept, self.of(coefficient)):
                    continue
                nudged, other = self.kept_and_new(role, node, {coefficient: NUDGED})
                _, further = self.kept_and_new(role, node, power=2)
                for gradient, power in product(GRADIENTS, (1, 2)):
                    size = self.drawn(self.weight, gradient) ** power
                    taken, then = new / size, other / size
                    if agree(taken, further / size**2):
                        is_free = agree(taken, then) and not any(
                            agree(np.abs(taken), 1 - self.of(c)) for c in self.coefficients
                        )
                        is_rest = agree(taken * (1 - nudged), then * (1 - kept))
                        is_mean = agree(np.abs(taken), 1 - kept)
                        is_typed = is_mean and coefficient.op.name == "constant"
                        is_balanced = is_free or is_rest or is_typed
                        cell = self.remembering[role]
                        found.append(Mean(cell, node, coefficient, is_mean, is_balanced))
                break
        return found

    def kept_and_new(
        self,
        role: Role,
        node: Node,
        times: Mapping[Node, float] | None = None,
        power: int = 1,
        as_typed: bool = False,
        of_gradients: float = 1,
    ) -> tuple[Array, Array]:
        """The share of its past that a memory keeps, and what it takes in."""

        def value(owner: int, other: Role, past: float) -> Array:
            is_it = (owner, other) == (self.weight, role)
            drawn = self.drawn(owner, other) ** power
            times = of_gradients if other in GRADIENTS else 1
            return np.full(POINTS, past) if is_it else drawn * times

        ends = []
        for past in (0.0, 1.0):
            numbers = self.numbers(partial(value, past=past), as_typed)
            numbers.values |= {n: self.of(n) * factor for n, factor in (times or {}).items()}
            ends.append(np.broadcast_to(numbers.of(node), POINTS))
        return ends[1] - ends[0], ends[0]

    @property
    def unusual(self) -> int:
        """How many memories are, with the book's numbers, neither a mean that keeps most of its
        past nor a sum: this tells which of two rules is odd."""
        training, leaf, usual = self.rules.training, self.rules.tested.constants.leaf, 0
        sources = training.flow.sources(self.rules.updates[self.weight])
        rates = [leaf(training.plain(cell)) for cell in sources if cell not in training.varying]
        ones = np.ones(POINTS)
        for role, node in self.memories.items():
            kept, new = self.kept_and_new(role, node, as_typed=True)
            sizes = [self.drawn(self.weight, role) for role in GRADIENTS]
            plain, squared = ([np.abs(new / size**power) for size in sizes] for power in (1, 2))
            is_sum = any(agree(share, rate) for share in plain for rate in (ones, *rates))
            is_total = agree(kept, ones) and any(agree(share, ones) for share in squared)
            rest = 1 - kept if np.all(kept >= HALF) else np.full(POINTS, np.nan)
            is_mean = any(agree(share, rest) for share in (*plain, *squared))
            usual += is_mean or is_sum or is_total
        return len(self.memories) - usual

    def response(self, to: Node) -> Array | None:
        """The factor by which the change differs if a coefficient, or a mean, is nudged, and the
        means stay; None if that depends on the gradients and the means."""

        def size(times: float, power: int) -> Array:
            numbers = self.numbers(lambda owner, role: self.drawn(owner, role) ** power)
            numbers.values |= self.epsilons
            numbers.values |= {mean.node: self.of(mean.node) ** power for mean in self.means}
            numbers.values[to] = times * numbers.of(to)
            return np.abs(self.change(numbers))

        one, other = (size(NUDGED, power) / size(1, power) for power in (1, 2))
        return one if agree(one, other) else None

    @cached_property
    def corrections(self) -> dict[Mean, int | None]:
        """How each mean is corrected for its beginning."""
        return {mean: self._correction(mean) for mean in self.means}

    @property
    def corrected(self) -> int:
        """How many means are corrected for their beginning."""
        with np.errstate(all="ignore"):
            return list(self.corrections.values()).count(1)

    def _correction(self, mean: Mean) -> int | None:
        """1 if the change is divided by what corrects a mean for its beginning, so that it stays
        the same whatever share the mean keeps of gradients that are all equal; -1 if it differs,
        although it depends on that share; 0 if not at all; None if that isn't a factor, or the mean
        isn't used."""
        if mean.node in ancestors([n for n in self.memories.values() if n is not mean.node]):
            return None
        to_it, to_mean = self.response(mean.coefficient), self.response(mean.node)
        if to_it is None or to_mean is None or agree(to_mean, np.ones(POINTS)):
            return None
        if agree(to_it, np.ones(POINTS)):
            return 0
        if agree(to_it, np.full(POINTS, NUDGED)):
            return None  # it is the rate, too
        power = self.powers.get(mean.coefficient)
        return 1 if power and mean.is_mean and self._makes_up(mean, power) else -1

    def _makes_up(self, mean: Mean, power: Node) -> bool:
        """Whether the change is the same for a mean of equal gradients, whatever its share of the
        past is, and the power is that of the number of these gradients."""
        changes = []
        for times in (1.0, NUDGED):
            numbers = self.numbers(self.drawn)
            numbers.values |= self.epsilons
            numbers.values |= {other.node: self.of(other.node) for other in self.means}
            numbers.values[mean.coefficient] = times * numbers.of(mean.coefficient)
            numbers.values[mean.node] = numbers.values[mean.node] * (1 - numbers.of(power))
            changes.append(self.change(numbers))
        typed = self.numbers(self.drawn, as_typed=True)
        exponent = np.log(typed.of(power)) / np.log(typed.of(mean.coefficient))
        beyond = np.abs(exponent - self.taken(mean.cell))
        is_one_off = np.any((beyond > ROUGHLY) & (beyond < 1 + ROUGHLY))
        return agree(*changes) and not is_one_off

    @property
    def decay(self) -> Array:
        """What a step adds to a weight of 1 without gradients."""
        return self.course(np.zeros((1, POINTS)), weights=1.0, begin=0.0).last

    @cached_property
    def broken(self) -> list[str]:
        """What the rule lacks."""
        with np.errstate(all="ignore"):
            return [why for why in self.applying if not IN_COMMON[why](self)]

    @property
    def applying(self) -> list[str]:
        """What it must have: if it depends on more than the gradients, such as second slopes, only
        its direction is known."""
        return [w for w, holds in IN_COMMON.items() if self.is_closed or holds in OF_DIRECTION]

    def is_sound(self, first: Collection[str] = ()) -> bool:
        """Whether it lacks nothing, such as the `first`, and moves everywhere."""
        with np.errstate(all="ignore"):
            order = sorted(self.applying, key=lambda why: why not in first)
            change = self.course(MIXED * LARGE).last
            moves = bool(np.all(np.isfinite(change) & (change != 0)))
            return moves and all(IN_COMMON[why](self) for why in order)


def _same(these: Array, those: Array) -> bool:
    """Whether numbers are about the same wherever both are known."""
    sure = np.isfinite(these) & np.isfinite(those)
    if np.count_nonzero(sure) < ENOUGH_POINTS:
        return True
    return bool(np.allclose(these[sure], those[sure], rtol=ROUGHLY, atol=0))


# What all laws have in common -------------------------------------------------------------


def _keeps_to_a_unit(trial: RuleTrial) -> bool:
    for size in (LARGE, 1 / LARGE):
        without = {**trial.typed_epsilons, **trial.epsilons} if size < 1 else {}
        usual, larger, turned = (
            trial.course(MIXED * size * times, instead=without).last for times in (1, LARGER, -1)
        )
        if not _same(turned, -usual):
            return False
        if not (_same(larger, usual) or _same(larger, usual * LARGER)):
            return False
    return True


def _goes_against_the_gradient(trial: RuleTrial) -> bool:
    every = trial.course(SIZES * SIGNS * LARGE).changes
    return not any(np.any(change * SIGNS > 0) for change in every)


def _goes_further_where_gradients_agree(trial: RuleTrial) -> bool:
    steps = SIZES[:1] * SIGNS * LARGE
    both = (trial.course(steps * signs, begin=SMALL) for signs in (TURNING**2, TURNING))
    agreeing, turning = (course.last for course in both)
    return not np.any(np.abs(agreeing) < np.abs(turning) * (1 - ROUGHLY))


def _shrinks_the_weight(trial: RuleTrial) -> bool:
    return not np.any(trial.decay > 0)


def _remembers_gradients(trial: RuleTrial) -> bool:
    ends = [trial.course(steps * LARGE, begin=SMALL).memories for steps in (MIXED, SIZES**2)]
    owned, cells = trial.rules.owned, trial.graph.leaf_cells
    for role, node in trial.memories.items():
        behind = (owned.get(cells.get(leaf, -1)) for leaf in ancestors([node]))
        takes = any(each and each[1][0] == GRADIENT for each in behind)
        if takes and agree(ends[0][role], ends[1][role]):
            return False
    return True


def _forgets_gradients(trial: RuleTrial) -> bool:
    for role, node in trial.memories.items():
        kept, new = trial.kept_and_new(role, node)
        _, opposite = trial.kept_and_new(role, node, of_gradients=-1)
        if agree(kept, np.ones(POINTS)) and agree(new, -opposite) and np.any(new):
            return False
    return True


def _takes_in_the_rest(trial: RuleTrial) -> bool:
    return all(mean.is_balanced for mean in trial.means)


def _corrects_each_mean(trial: RuleTrial) -> bool:
    known = {how for mean, how in trial.corrections.items() if mean.is_mean or how}
    own = {mean.coefficient for mean in trial.means}
    for node in trial.powers.keys() - own if own else ():
        response = trial.response(node)
        if response is not None and not agree(response, np.ones(POINTS)):
            return False
    return -1 not in known and not known >= {0, 1}


OF_DIRECTION = (_goes_against_the_gradient, _shrinks_the_weight)
IN_COMMON: dict[str, Callable[[RuleTrial], bool]] = {
    mark(
        "with ten times the gradient, {weight} must move ten times as far, or just as far: a root "
        "or a square is missing or superfluous"
    ): _keeps_to_a_unit,
    mark("{weight} must move against its gradient"): _goes_against_the_gradient,
    mark(
        "{weight} moves less far where its gradients agree than where they alternate"
    ): _goes_further_where_gradients_agree,
    mark("{weight} grows by its decay, which must shrink it"): _shrinks_the_weight,
    mark("a memory of {weight} takes in no gradient"): _remembers_gradients,
    mark(
        "a memory of {weight} adds up all gradients and forgets none: its past must be multiplied "
        "by a number below 1"
    ): _forgets_gradients,
    mark(
        "a running mean of {weight} keeps a share of its past: the new gradient's share must be 1 "
        "minus the same number"
    ): _takes_in_the_rest,
    mark(
        "where running means of {weight} are corrected for their beginning, each must be divided "
        "by 1 minus its own coefficient to the power of the number of steps"
    ): _corrects_each_mean,
}


# Edits that restore it ------------------------------------------------------------------------

USUAL_SHARE = 0.9  # of the past, where no cell has one
LIKELIEST = (
    EditKind.REFERENCE,
    EditKind.EXCHANGE,
    EditKind.FUNCTION,
    EditKind.NUMBER,
    EditKind.SIGN,
    EditKind.OPERATOR,
    EditKind.OMISSION,
    EditKind.FACTOR,
)


@dataclass(frozen=True)
class Mender:
    """Searches for the edits that make rules sound: what helped one weight is likely for the next,
    and in the steps in which memories begin only the same cells are suspected."""

    every: Sequence[WeightRules]  # the different ones
    blamed: frozenset[int] = frozenset()  # weights of which something is told
    helped: set[tuple[int, int]] = field(default_factory=set)  # the places of edits
    lines: set[tuple[int, Address]] = field(default_factory=set)  # the cells, by weight
    known: dict[tuple[int, int], list[str]] = field(default_factory=dict)  # by step and weight
    left: dict[Message, None] = field(default_factory=dict)  # what no such edit restores

    def broken(self, rules: WeightRules, weight: int) -> list[str]:
        """What a weight's rule lacks."""
        key = rules.step.number, weight
        if key not in self.known:
            self.known[key] = RuleTrial(rules, weight).broken
        return self.known[key]

    def _why(self, rules: WeightRules, weight: int) -> Message:
        return Message(self.broken(rules, weight)[0], weight=rules.training.names[weight])

    def likeliest(
        self, rules: WeightRules, weight: int, wanted: Callable[[Collection[OddCell]], bool] = bool
    ) -> Collection[OddCell]:
        """The likeliest small edit of one cell that makes a weight's rule sound, spoils no other
        step's that has the same formula, and is `wanted`; or one for each of two means."""
        found = within_budget(lambda: next(filter(wanted, self._sound(rules, weight)), None))
        if found is None and rules is self.every[0]:
            self.left[Message("not accounted for: {reason}", reason=self._why(rules, weight))] = (
                None
            )
        return found or ()

    def _sound(
        self, rules: WeightRules, weight: int, before: tuple[OddCell, ...] = ()
    ) -> Iterator[tuple[OddCell, ...]]:
        """The edits that make a rule sound, or the edits of the same kind as those `before`."""
        trial = RuleTrial(rules, weight, {odd.cell: odd.right for odd in before})
        why, stride = self._why(rules, weight), rules.training.weights[weight].stride
        is_first = rules is self.every[0]
        tried = []
        for place, cell in enumerate(reversed(rules.ways[weight])):
            if (is_first or (weight, cell % stride) in self.lines) and cell not in trial.instead:
                for number, (kind, right) in enumerate(_edits(trial, cell)):
                    if any(kind.value != odd.kind for odd in before):
                        continue
                    away = -place if kind is EditKind.FACTOR else place  # a square, in a memory
                    inner = -number if kind in (EditKind.SIGN, EditKind.FACTOR) else number
                    rank = LIKELIEST.index(kind), away, inner
                    key = place, number
                    odd = OddCell(weight, cell, kind.value, right, why)
                    tried.append((key not in self.helped, rank, key, odd))
        halfway = []
        for _, _, key, odd in sorted(tried, key=lambda one: one[:3]):
            with suppress(NotUnderstood):
                other = RuleTrial(rules, weight, {**trial.instead, odd.cell: odd.right})
                is_sound = other.is_sound(self.broken(rules, weight))
                is_halfway = not (is_sound or before) and other.corrected > trial.corrected
                if len(other.means) < len(trial.means) or not (is_sound or is_halfway):
                    continue
                if self._spoils(odd, rules):
                    continue
                if is_sound:
                    mends = (*before, odd)
                    self.lines.update((weight, mend.cell % stride) for mend in mends)
                    self.helped.add(key)
                    yield mends
                elif key in self.helped:
                    yield from self._sound(rules, weight, (odd,))
                else:
                    halfway.append((key, odd))
        for key, odd in halfway:
            for mends in self._sound(rules, weight, (odd,)):
                self.helped.add(key)
                yield mends

    def _spoils(self, odd: OddCell, rules: WeightRules) -> bool:
        """Whether an edit breaks the rule of another step that has the same formula."""
        training, weight = rules.training, odd.weight
        patterns, stride = training.book.patterns, training.weights[weight].stride
        for other in self.every:
            there = odd.cell + (other.step.number - rules.step.number) * stride
            if weight in other.updates and patterns.get(there) is patterns[odd.cell]:
                right = training.on_sheet_of(there, odd.right).text_at(there)
                moved = {there: training.book.reader.read_typed(right, there)}
                if RuleTrial(other, weight, moved).broken and not self.broken(other, weight):
                    return True
        return False


def _edits(trial: RuleTrial, cell: Address) -> Iterator[tuple[EditKind, Pattern]]:
    formula, reader = trial.rules.tested.formula(cell), trial.rules.training.book.reader
    said = formula.expression if formula else None
    if said is None:
        return
    weights = trial.rules.training.weight_cells
    leaves = trial.graph.leaf_cells
    shares = {leaves[node] for node in trial.coefficients if node in leaves}
    new: list[tuple[EditKind, Expression]] = []
    for path, part in paths(said):
        at = trial.cell(part, cell)
        if at in shares:
            new.append((EditKind.FACTOR, put(said, path, Infix("-", Number(1.0), part))))
        elif at not in weights:
            new += [(kind, put(said, path, other)) for kind, other in _instead(part)]
    new += _other_cells(trial, cell, said)
    new += _shares(trial, cell, said)
    new += _shares_of_the_past(trial, cell, said)
    for kind, whole in dict.fromkeys(new):
        yield kind, reader.read_typed(write(whole), cell)


def _instead(part: Expression) -> Iterator[tuple[EditKind, Expression]]:
    """What may belong in the place of a part: a root, a square, another sign, MAX for MIN."""
    two, half = Number(2.0), Number(0.5)
    match part:
        case Infix("^", x, power) if not any(references(power)):
            yield from ((EditKind.NUMBER, Infix("^", x, n)) for n in (two, half) if n != power)
        case Infix("+" | "-" as sign, left, right):
            yield EditKind.SIGN, Infix("-" if sign == "+" else "+", left, right)
            if isinstance(right, Number):
                yield EditKind.OMISSION, left
        case Infix("*" | "/" as operator, left, right):
            yield EditKind.OPERATOR, Infix("/" if operator == "*" else "*", left, right)
            if operator == "*":
                yield EditKind.OPERATOR, Infix("^", left, right)
        case Prefix("-", inside):
            yield EditKind.SIGN, inside
        case Call("MAX" | "MIN", _):
            yield EditKind.FUNCTION, _turned(part)
            yield EditKind.FUNCTION, replace_parts(part, lambda _: None, _turned)
    if isinstance(part, Reference | Infix) and not any(":" in r.text for r in references(part)):
        yield EditKind.FUNCTION, Call("SQRT", (part,))
        yield EditKind.FACTOR, Infix("^", part, two)
    if isinstance(part, Reference):
        yield EditKind.FUNCTION, Call("ABS", (part,))


def _turned(part: Expression) -> Expression:
    match part:
        case Call("MAX" | "MIN" as function, arguments):
            return Call("MIN" if function == "MAX" else "MAX", arguments)
    return part


def _other_cells(
    trial: RuleTrial, cell: Address, said: Expression
) -> Iterator[tuple[EditKind, Expression]]:
    """The formula with the coefficient of another mean, or with a mean's corrected value."""
    training, leaves = trial.rules.training, trial.graph.leaf_cells
    memories = trial.rules.memories[trial.weight]
    used = {*trial.powers, *(mean.coefficient for mean in trial.means)}
    settings = {leaves[node] for node in used if node in leaves}
    for old in dict.fromkeys(references(said)):
        at, others = trial.cell(old, cell), set[Address]()
        if at in settings:
            others = settings - {at}
        elif at in memories and cell not in memories:
            users = training.flow.users.get(at, ())
            others = {user for user in users if not training.flow.users.get(user)}
        for other in sorted(others):
            name = training.book.name_of(other, cell)
            new = Reference(anchor(name) if "$" in old.text else name)
            spots = [path for path, part in paths(said) if part == old]
            everywhere: dict[Expression, Expression] = {old: new}
            yield EditKind.REFERENCE, replace_parts(said, everywhere.get)
            yield from ((EditKind.REFERENCE, put(said, path, new)) for path in spots)


def _shares(
    trial: RuleTrial, cell: Address, said: Expression
) -> Iterator[tuple[EditKind, Expression]]:
    """The formula with a mean corrected for its beginning, or a new gradient that takes the share
    which the mean doesn't keep."""
    name_of = trial.rules.training.book.name_of
    for mean in trial.means:
        at = trial.graph.leaf_cells.get(mean.coefficient)
        typed = Number(float(np.max(trial.of(mean.coefficient))))
        share = typed if at is None else Reference(anchor(name_of(at, cell)))
        rest = Infix("-", Number(1.0), share)
        for path, part in paths(said):
            at = trial.cell(part, cell)
            if cell == mean.cell and at in trial.rules.gradients.values():
                yield EditKind.FACTOR, put(said, path, Infix("*", rest, part))
            for count in sorted(trial.counts):
                power = Infix("^", share, Reference(name_of(count, cell)))
                if cell != mean.cell and at == mean.cell:
                    corrected = Infix("/", part, Infix("-", Number(1.0), power))
                    yield EditKind.FACTOR, put(said, path, corrected)
                elif cell != mean.cell and part == share:
                    yield EditKind.FACTOR, put(said, path, power)


def _shares_of_the_past(
    trial: RuleTrial, cell: Address, said: Expression
) -> Iterator[tuple[EditKind, Expression]]:
    """The formula of a memory with a share of its past: one that the new gradient has, or one that
    no formula uses."""
    training, stride = trial.rules.training, trial.rules.training.weights[trial.weight].stride
    if cell not in trial.remembering.values():
        return
    past = training.past(cell, stride)
    own = [part for part in references(said) if trial.cell(part, cell) == past]
    gradients = trial.rules.gradients.values()
    new = [part for part in references(said) if trial.cell(part, cell) in gradients]
    if len(own) == len(new) == 1:
        exchange: dict[Expression, Expression] = {own[0]: new[0], new[0]: own[0]}
        yield EditKind.EXCHANGE, replace_parts(said, exchange.get)
    idle = (training.book.name_of(at, cell) for at in training.idle_coefficients)
    shares: list[Expression] = [Reference(anchor(name)) for name in idle]
    for share, part in product(shares or [Number(USUAL_SHARE)], own):
        with_share: dict[Expression, Expression] = {part: Infix("*", share, part)}
        yield EditKind.FACTOR, replace_parts(said, with_share.get)
