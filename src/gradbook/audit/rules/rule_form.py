"""What an update adds, tried at random points: is it η·(t − y)·x?

x is what the weight is multiplied with in the sum that y is a step of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.rules.rule_updates import RuleUpdate
from gradbook.audit.rules.steps_in_graphs import (
    Dependence,
    activations,
    conditions,
    dependences,
    leaves_of,
    net_of,
)
from gradbook.audit.rules.worked_step import WorkedUpdate
from gradbook.graph.node import Array, Node
from gradbook.graph.reference import evaluate

POINTS = 120
RATE = 0.37  # what every cell that only scales an update is taken for
CLOSE = 1e-9
MOST_LEVELS = 4


@dataclass(frozen=True)
class RuleForm:
    """What moves a weight: rate × (target − activation) × input, or what is known of it."""

    factor: float  # the rate, every cell in it being `RATE`; below 0 where it goes the wrong way
    target: Address
    rates: frozenset[Address]
    inputs: frozenset[Address]  # of its own weight; none for a bias
    weights: frozenset[Address]  # all that are in the sum
    thresholds: frozenset[Address]  # that the sum is compared with, and no weight
    levels: tuple[float, ...]  # what the activation can be
    follows: bool  # whether the activation rises with weight times input

    def moved(self, to: Mapping[Address, Address]) -> RuleForm:
        """The same of other cells."""
        named = (self.rates, self.inputs, self.weights, self.thresholds)
        rates, inputs, weights, thresholds = (frozenset(to[c] for c in some) for some in named)
        return replace(
            self,
            target=to[self.target],
            rates=rates,
            inputs=inputs,
            weights=weights,
            thresholds=thresholds,
        )


@dataclass(frozen=True)
class _Sum:
    """An activation, what it is a step of, and what those depend on."""

    activation: Node
    net: Node
    conditions: tuple[Node, ...]
    leaves: frozenset[Node]


def form_of(worked: WorkedUpdate, update: RuleUpdate) -> RuleForm | None:
    """The form of an update; None where it has none."""
    try:
        root = worked.of(update.cell)
        base = worked.leaf(update.base)
    except NotUnderstood:
        return None
    cells = {leaf: cell for cell, leaf in worked.leaves.items()}
    weights = {leaf for leaf, cell in cells.items() if cell in worked.weights} | {base}
    depends = dependences([root, base], weights)
    if base not in leaves_of([root]):
        return None
    for found in _sums(root, depends):
        form = _tried(worked, root, base, found, weights)
        if form is not None:
            return form
    return None


def _sums(root: Node, depends: dict[Node, Dependence]) -> Iterator[_Sum]:
    for activation in activations(root, depends):
        nets = [net_of(c, depends) for c in conditions(activation, depends)]
        if nets and nets[0] is not None:
            every = tuple(conditions(activation, depends))
            yield _Sum(activation, nets[0], every, frozenset(leaves_of(every)))


def _tried(
    worked: WorkedUpdate, root: Node, base: Node, found: _Sum, weights: set[Node]
) -> RuleForm | None:
    cells = {leaf: cell for cell, leaf in worked.leaves.items()}
    leaves = leaves_of([root, found.activation])
    if base not in found.leaves:
        return None
    inputs = found.leaves - weights
    others = sorted(leaves - found.leaves - weights, key=lambda leaf: leaf.index)
    points = _Points(root, base, found, leaves, weights, inputs)
    levels = points.levels

    def named(some: Iterable[Node]) -> frozenset[Address]:
        return frozenset(cells[leaf] for leaf in some)

    if not 2 <= len(levels) <= MOST_LEVELS:
        return None
    inputs_too = [] if worked.instead else sorted(inputs, key=lambda leaf: leaf.index)
    for target in [*others, *inputs_too]:
        factor = points.factor(target)
        if factor is not None:
            return RuleForm(
                factor,
                cells[target],
                rates=named(set(others) - {target}),
                inputs=named(points.inputs_of_base()),
                weights=named(found.leaves & weights),
                thresholds=named(points.thresholds()),
                levels=levels,
                follows=points.follows,
            )
    return None


class _Points:
    """Random values of an update's leaves, and what it adds there."""

    def __init__(
        self,
        root: Node,
        base: Node,
        found: _Sum,
        leaves: Iterable[Node],
        weights: set[Node],
        inputs: frozenset[Node],
    ) -> None:
        self.root, self.base, self.sum = root, base, found
        self.draw = np.random.default_rng(7)
        self.given: dict[Node, Array] = {}
        for leaf in sorted(leaves, key=lambda leaf: leaf.index):
            if leaf in weights:
                self.given[leaf] = self.draw.normal(0, 1.2, POINTS)
            elif leaf in inputs:
                sign = self.draw.choice([-1.0, 1.0], POINTS)
                self.given[leaf] = sign * self.draw.uniform(0.3, 1.5, POINTS)
            else:
                self.given[leaf] = np.full(POINTS, RATE)
        self.inputs, self.weights = inputs, weights & found.leaves
        values = evaluate([found.activation, found.net], self.given)
        self.y, self.net = (_full(values[n]) for n in (found.activation, found.net))
        self.slope = self._slope(self.given)

    @property
    def levels(self) -> tuple[float, ...]:
        some = np.unique(np.round(self.y[np.isfinite(self.y)], 9))
        return tuple(some[: MOST_LEVELS + 1].tolist())

    @property
    def rises(self) -> bool:
        """Whether the activation rises with the sum."""
        above = self.net > np.median(self.net)
        return bool(np.mean(self.y[above]) > np.mean(self.y[~above]))

    def _slope(self, given: Mapping[Node, Array]) -> Array:
        """What the weight is multiplied with in the sum."""
        after = evaluate([self.sum.net], {**given, self.base: given[self.base] + 1})
        before = evaluate([self.sum.net], given)
        return _full(after[self.sum.net]) - _full(before[self.sum.net])

    @property
    def follows(self) -> bool:
        size = np.prod([self.given[leaf] for leaf in self.inputs_of_base()], axis=0)
        return self.rises == bool(np.mean(self.slope * size) > 0)

    def thresholds(self) -> set[Node]:
        """The leaves that are added to weight times input, or compared with it."""
        nothing = dict.fromkeys(self.weights, np.zeros(POINTS))
        values = self.inputs
        before = self._compared({**self.given, **nothing})
        return {
            leaf
            for leaf in values
            if np.any(
                self._compared({**self.given, **nothing, leaf: self.given[leaf] + 1}) != before
            )
        }

    def _compared(self, given: Mapping[Node, Array]) -> Array:
        values = evaluate(self.sum.conditions, given)
        return np.stack([_full(values[node]) for node in self.sum.conditions])

    def inputs_of_base(self) -> list[Node]:
        """The leaves that the weight is multiplied with."""
        found = []
        for leaf in sorted(self.inputs, key=lambda leaf: leaf.index):
            moved = self._slope({**self.given, leaf: self.given[leaf] + 1})
            if np.any(np.abs(moved - self.slope) > CLOSE):
                found.append(leaf)
        return found

    def factor(self, target: Node) -> float | None:
        """What (t − y)·x is multiplied with, if it is that which is added; or t·x, if only what
        was wrong is learnt from."""
        levels = self.levels
        wanted = self.draw.choice([levels[0], levels[-1]], POINTS)
        given = {**self.given, target: wanted}
        values = evaluate([self.root, self.sum.activation], given)
        y = _full(values[self.sum.activation])
        added = _full(values[self.root]) - given[self.base]
        direction = self._slope(given) * (1 if self.rises else -1)
        wrong = np.abs(wanted - y) > CLOSE
        if not np.all(np.abs(added[~wrong]) < CLOSE):
            return None
        choices = [(wanted - y) * direction]
        if levels[0] == -levels[-1]:
            choices.append(wanted * direction)
        return next(filter(None, (_ratio(added[wrong], c[wrong]) for c in choices)), None)


def _full(values: Array) -> Array:
    return np.broadcast_to(np.asarray(values, dtype=float), (POINTS,))


def _ratio(these: Array, those: Array) -> float | None:
    """How many times as large as those these are, if that is the same everywhere."""
    if not np.all(np.isfinite(these)) or not np.all(np.abs(those) > CLOSE):
        return None
    with np.errstate(all="ignore"):
        ratio = these / those
    if len(ratio) < 3 or np.ptp(ratio) > CLOSE * max(1.0, float(np.max(np.abs(ratio)))):
        return None
    return float(ratio[0]) if abs(ratio[0]) > CLOSE else None


def same_factor(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-6 * max(abs(one), abs(other))
