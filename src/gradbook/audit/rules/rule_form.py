"""What an update adds, tried at random points: is it η·(t − y)·x?

y is what an update depends on by way of conditions alone: a step of a weighted sum. x is what the
weight is multiplied with in that sum.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property

import numpy as np

from gradbook.audit.budget import spend
from gradbook.audit.formula.address import Address
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.formula.values import NotUnderstood, Single
from gradbook.audit.rules.rule_updates import RuleUpdate
from gradbook.audit.training.step_graph import StepGraph, Stepping
from gradbook.graph.node import Array, Node, needed
from gradbook.graph.reference import evaluate

POINTS = 120
RATE = 0.37  # what every cell that only scales an update is taken for
CLOSE = 1e-9
NUDGE = 1e-4  # by how much weights are moved to see whether anything else moves
MOSTLY = 0.9  # of the points: at some the activation itself jumps
MOST_LEVELS = 4
LINEAR = ("add", "subtract", "negate", "copy")


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
    apart: bool  # whether the target is no part of the sum
    scales: bool  # whether the cells in the rate do nothing but scale what is added

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


def form_of(
    training: Stepping,
    update: RuleUpdate,
    instead: Mapping[Address, Pattern],
    inside: Iterable[Address] = (),
) -> RuleForm | None:
    """The form of an update, with other formulas in the place of some; None where it has none."""
    worked = UpdateGraph(training, instead, inside)
    pattern = worked.formula(update.cell)
    if pattern is None or pattern.expression is None:
        return None
    try:
        root = worked.expression(pattern.expression, update.cell, pattern)
        base = worked.node(update.base)
    except NotUnderstood:
        return None
    weights = {n for n, cell in worked.leaf_cells.items() if cell in training.weight_cells} | {base}
    depends = _dependences([root, base], weights)
    if base not in _leaves([root]) or _slopes(root, base, weights):
        return None
    forms = (_tried(worked, root, base, found, weights) for found in _sums(root, depends))
    return next(filter(None, forms), None)


def _slopes(root: Node, base: Node, weights: Collection[Node]) -> bool:
    """Whether what is added to the base changes with every little change of the weights, as a
    gradient does: by the rule it only jumps."""
    draw = np.random.default_rng(11)
    given = {leaf: draw.normal(0, 1.2, POINTS) for leaf in _in_order(_leaves([root]))}
    moved = {leaf: x + NUDGE * draw.normal(0, 1, POINTS) for leaf, x in given.items()}
    before, after = (
        evaluate([root], some)[root] - some[base]
        for some in (given, {**given, **{leaf: moved[leaf] for leaf in weights & given.keys()}})
    )
    with np.errstate(all="ignore"):
        still = ~(np.abs(after - before) > CLOSE * np.maximum(1.0, np.abs(before)))
    return bool(np.mean(still) < MOSTLY)


class UpdateGraph(StepGraph):
    """An update as a graph: weights, and whatever doesn't depend on them, are leaves."""

    def __init__(
        self, training: Stepping, instead: Mapping[Address, Pattern], inside: Iterable[Address]
    ) -> None:
        super().__init__(training, instead)
        self.varying = self.varying.union(inside)  # of the step, whatever they depend on

    def formula(self, cell: Address) -> Pattern | None:
        return self.instead.get(cell) or self.book.patterns.get(cell)

    def _meant(self, cell: Address) -> Address:
        return cell if cell in self.instead else self.training.flow.plain(cell, self.instead)

    def _leaf(self, cell: Address) -> Single:
        if self.book.values.get(cell) is None or cell in self.training.weight_cells:
            return self._made_leaf(cell)  # a blank is a cell, too
        return super()._leaf(cell)


# Steps in graphs ---------------------------------------------------------------------


class Dependence(IntEnum):
    """How a node depends on the weights."""

    NONE = 0
    STEP = 1  # by its conditions only
    SLOPE = 2


@dataclass(frozen=True)
class _Sum:
    """An activation, what it is a step of, and the leaves of that."""

    activation: Node
    net: Node
    conditions: tuple[Node, ...]
    leaves: frozenset[Node]


def _dependences(roots: Sequence[Node], weights: Collection[Node]) -> dict[Node, Dependence]:
    """How each node that the roots are made of depends on the weights."""
    found: dict[Node, Dependence] = {}
    for node in needed(roots):
        inputs = [found[source] for source in node.inputs]
        if node in weights:
            found[node] = Dependence.SLOPE
        elif node.op.name == "choose":
            condition, *branches = inputs
            found[node] = max(min(condition, Dependence.STEP), *branches)
        else:
            found[node] = max(inputs, default=Dependence.NONE)
    return found


def _sums(root: Node, depends: Mapping[Node, Dependence]) -> Iterator[_Sum]:
    """The nodes that are steps of the weights and of nothing else, the outermost first."""
    pure: dict[Node, bool] = {}
    for node in needed([root]):
        values = node.inputs[1:] if _is_step(node, depends) else node.inputs
        pure[node] = node.is_constant() or (bool(values) and all(pure[v] for v in values))
    for activation in reversed(pure):
        if pure[activation] and depends[activation] is Dependence.STEP:
            spend(POINTS, len(pure))  # to look through it, and to try it
            steps = (node for node in needed([activation]) if _is_step(node, depends))
            conditions = tuple(node.inputs[0] for node in steps)
            net = _net(conditions[0], depends) if conditions else None
            if net is not None:
                yield _Sum(activation, net, conditions, frozenset(_leaves(conditions)))


def _is_step(node: Node, depends: Mapping[Node, Dependence]) -> bool:
    return node.op.name == "choose" and depends[node.inputs[0]] is Dependence.SLOPE


def _net(condition: Node, depends: Mapping[Node, Dependence]) -> Node | None:
    """The weighted sum in a condition: its largest part that is linear in the weights."""
    linear: dict[Node, bool] = {}
    for node in needed([condition]):
        sloped = [s for s in node.inputs if depends[s] is not Dependence.NONE]
        match node.op.name:
            case "multiply":
                able = len(sloped) <= 1
            case "divide":
                able = node.inputs[1] not in sloped
            case name:
                able = name in LINEAR or not sloped
        linear[node] = able and all(linear[source] for source in sloped)
    sums = (n for n in reversed(linear) if linear[n] and depends[n] is Dependence.SLOPE)
    return next(sums, None)


def _leaves(nodes: Sequence[Node]) -> set[Node]:
    return {node for node in needed(nodes) if node.op.name == "leaf"}


def _in_order(leaves: Iterable[Node]) -> list[Node]:
    return sorted(leaves, key=lambda leaf: leaf.index)


# Tried -------------------------------------------------------------------------------


def _tried(
    worked: UpdateGraph, root: Node, base: Node, found: _Sum, weights: set[Node]
) -> RuleForm | None:
    if base not in found.leaves:
        return None
    points = _Points(root, base, found, weights)
    if not 2 <= len(points.levels) <= MOST_LEVELS:
        return None
    inputs_too = [] if worked.instead else points.inputs
    for target in [*points.others, *inputs_too]:
        factor = points.factor(target)
        if factor is not None:
            rates = [leaf for leaf in points.others if leaf is not target]

            def named(some: Iterable[Node]) -> frozenset[Address]:
                return frozenset(worked.leaf_cells[leaf] for leaf in some)

            return RuleForm(
                factor,
                worked.leaf_cells[target],
                named(rates),
                named(points.inputs_of_base),
                named(found.leaves & weights),
                named(points.thresholds()),
                points.levels,
                points.follows,
                target not in points.inputs,
                all(points.scales(leaf, target) for leaf in rates),
            )
    return None


class _Points:
    """Random values of an update's leaves, and what it adds there."""

    def __init__(self, root: Node, base: Node, found: _Sum, weights: set[Node]) -> None:
        self.root, self.base, self.sum = root, base, found
        self.draw = np.random.default_rng(7)
        self.weights = weights & found.leaves
        leaves = _in_order(_leaves([root, found.activation]))
        self.inputs = [leaf for leaf in leaves if leaf in found.leaves - weights]
        self.others = [leaf for leaf in leaves if leaf not in found.leaves | weights]
        self.given = {leaf: self._drawn(leaf, weights) for leaf in leaves}
        self.y, self.net = self._at(self.given, found.activation, found.net)

    def _drawn(self, leaf: Node, weights: set[Node]) -> Array:
        if leaf in weights:
            return self.draw.normal(0, 1.2, POINTS)
        if leaf in self.inputs:
            return self.draw.choice([-1.0, 1.0], POINTS) * self.draw.uniform(0.3, 1.5, POINTS)
        return np.full(POINTS, RATE)

    def _at(self, given: Mapping[Node, Array], *nodes: Node) -> list[Array]:
        values = evaluate(list(nodes), given)
        return [np.broadcast_to(np.asarray(values[n], dtype=float), (POINTS,)) for n in nodes]

    @cached_property
    def slope(self) -> Array:
        return self._slope(self.given)

    @cached_property
    def inputs_of_base(self) -> list[Node]:
        """The leaves that the weight is multiplied with."""
        return [leaf for leaf in self.inputs if self._multiplies(leaf)]

    @cached_property
    def levels(self) -> tuple[float, ...]:
        some = np.unique(np.round(self.y[np.isfinite(self.y)], 9))
        return tuple(some[: MOST_LEVELS + 1].tolist())

    @cached_property
    def rises(self) -> bool:
        """Whether the activation rises with the sum."""
        above = self.net > np.median(self.net)
        return bool(np.mean(self.y[above]) > np.mean(self.y[~above]))

    @property
    def follows(self) -> bool:
        size = np.prod([self.given[leaf] for leaf in self.inputs_of_base], axis=0)
        return self.rises == bool(np.mean(self.slope * size) > 0)

    def _slope(self, given: Mapping[Node, Array]) -> Array:
        """What the weight is multiplied with in the sum."""
        (after,) = self._at({**given, self.base: given[self.base] + 1}, self.sum.net)
        return after - self._at(given, self.sum.net)[0]

    def _multiplies(self, leaf: Node) -> bool:
        moved = self._slope({**self.given, leaf: self.given[leaf] + 1})
        return bool(np.any(np.abs(moved - self.slope) > CLOSE))

    def thresholds(self) -> list[Node]:
        """The leaves that are added to weight times input, or compared with it."""
        still = {**self.given, **dict.fromkeys(self.weights, np.zeros(POINTS))}
        before = self._compared(still)
        return [
            leaf
            for leaf in self.inputs
            if np.any(self._compared({**still, leaf: still[leaf] + 1}) != before)
        ]

    def _compared(self, given: Mapping[Node, Array]) -> Array:
        return np.stack(self._at(given, *self.sum.conditions))

    def factor(self, target: Node) -> float | None:
        """By what (t − y)·x is multiplied, if that is what is added; or t·x, if only
        misclassified samples are learnt from."""
        levels = self.levels
        wanted = self.draw.choice([levels[0], levels[-1]], POINTS)
        given = {**self.given, target: wanted}
        added, y = self._added(given)
        wrong = np.abs(wanted - y) > CLOSE
        if not np.all(np.abs(added[~wrong]) < CLOSE):
            return None
        slope = self._slope(given) if target in self.inputs else self.slope
        direction = slope * (1 if self.rises else -1)
        choices = [(wanted - y) * direction]
        if levels[0] == -levels[-1]:
            choices.append(wanted * direction)
        return next(filter(None, (_ratio(added[wrong], c[wrong]) for c in choices)), None)

    def _added(self, given: Mapping[Node, Array]) -> tuple[Array, Array]:
        after, y = self._at(given, self.root, self.sum.activation)
        return after - given[self.base], y

    def scales(self, leaf: Node, target: Node) -> bool:
        """Whether a leaf beside the target does nothing but scale what is added."""
        level = self.levels[-1] or self.levels[0]
        given = {**self.given, target: self.draw.choice(self.levels, POINTS)}
        before, _ = self._added(given)
        size = self.draw.choice([level / RATE, 2.0], POINTS)
        after, _ = self._added({**given, leaf: RATE * size})
        return any(np.allclose(after, before * way, atol=CLOSE) for way in (size, 1 / size, 1.0))


def _ratio(these: Array, those: Array) -> float | None:
    """The factor from those to these, if it is the same everywhere."""
    if not np.all(np.isfinite(these)) or not np.all(np.abs(those) > CLOSE):
        return None
    with np.errstate(all="ignore"):
        ratio = these / those
    if len(ratio) < 3 or np.ptp(ratio) > CLOSE * max(1.0, float(np.max(np.abs(ratio)))):
        return None
    return float(ratio[0]) if abs(ratio[0]) > CLOSE else None
