"""What an update by a rule adds to its weight, read off its behaviour: is it η·(t − y)·x?

An update is made into a graph and tried at random points. y is a part of it that jumps between a
few levels when the weights change; x is what the weight is multiplied by in the sum that y is a
step of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gradbook.audit.budget import spend
from gradbook.audit.formula.address import Address
from gradbook.audit.formula.meaning import NotUnderstood, Single
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.step.step_graph import StepGraph, Stepping
from gradbook.graph.node import Array, Node, ancestors
from gradbook.graph.reference import evaluate

POINTS = 120
RATE = 0.37  # what every cell that only scales an update is taken for
CLOSE = 1e-9
NUDGE = 1e-4  # by how much weights are moved to see what else moves
MOSTLY = 0.9  # of the points: at some an activation itself jumps
MOST_LEVELS = 4
LINEAR = ("add", "subtract", "negate", "copy")


@dataclass(frozen=True)
class RuleUpdate:
    """A weight's cell, and the cell of the weight before the update, as the formula names it."""

    cell: Address
    base: Address


@dataclass(frozen=True)
class RuleForm:
    """What an update adds to a weight: rate × (target − activation) × input."""

    factor: float  # the rate, every cell in it being `RATE`; below 0 where it goes the wrong way
    target: Address
    rates: frozenset[Address]
    inputs: frozenset[Address]  # of its own weight; none for a bias
    thresholds: frozenset[Address]  # that the sum is compared with, and no weight
    levels: tuple[float, ...]  # what the activation can be
    follows: bool  # whether the activation rises with weight times input
    apart: bool  # whether the target is no part of the sum
    scales: bool  # whether the cells in the rate do nothing but scale what is added

    def for_cells(self, to: Mapping[Address, Address]) -> RuleForm:
        """Return the same form with each cell replaced by another."""
        sets = self.rates, self.inputs, self.thresholds
        rates, inputs, thresholds = (frozenset(map(to.__getitem__, cells)) for cells in sets)
        target = to[self.target]
        return replace(self, target=target, rates=rates, inputs=inputs, thresholds=thresholds)


class UpdateGraph(StepGraph):
    """An update as a graph: weights, and whatever doesn't depend on them, are leaves."""

    def __init__(
        self, training: Stepping, instead: Mapping[Address, Pattern], inside: Iterable[Address]
    ) -> None:
        super().__init__(training, instead)
        self.varying = self.varying.union(inside)  # of the step, whatever they depend on

    def _meant(self, cell: Address) -> Address:
        return cell if cell in self.instead else self.training.flow.plain(cell, self.instead)

    def _leaf(self, cell: Address) -> Single:
        """A blank is a cell, too; and one that is TRUE or FALSE may be a target."""
        value = self.book.values.get(cell)
        is_leaf = value is None or isinstance(value, bool)
        return self._made_leaf(cell) if is_leaf else super()._leaf(cell)


def form_of(
    training: Stepping,
    update: RuleUpdate,
    instead: Mapping[Address, Pattern],
    inside: Iterable[Address] = (),
) -> RuleForm | None:
    """The form of an update, with other formulas in the place of some; None where it has none."""
    graph = UpdateGraph(training, instead, inside)
    pattern = instead.get(update.cell) or training.book.patterns.get(update.cell)
    if pattern is None or pattern.expression is None:
        return None
    try:
        root = graph.expression(pattern.expression, update.cell, pattern)
        base = graph.node(update.base)
    except NotUnderstood:
        return None
    known, leaves = training.weight_cells, graph.leaf_cells
    weights = {leaf for leaf, cell in leaves.items() if cell in known} | {base}
    trial = _Trial(root, base, weights)
    for step in trial.activations() if base in trial.given and not trial.is_smooth else ():
        for target in [*step.others, *([] if instead else step.inputs)]:
            factor = step.factor(target)
            if factor is not None:
                return step.form(target, factor, leaves)
    return None


# Trials at random points ---------------------------------------------------------------


class _Trial:
    """All that an update is made of, at random points and with the weights nudged from there."""

    def __init__(self, root: Node, base: Node, weights: set[Node]) -> None:
        self.root, self.base, self.weights = root, base, weights
        self.order = ancestors([root])
        self.draw = np.random.default_rng(7)
        self.given = {leaf: self._drawn() for leaf in self.order if leaf.op.name == "leaf"}
        nudged = {w: self.given[w] + NUDGE * self._drawn() for w in self.given if w in weights}
        spend(2 * POINTS, len(self.order))
        self.before = evaluate([root], self.given)
        after = evaluate([root], {**self.given, **nudged})
        self.moving = {n for n in self.order if _differ(self.before[n], after[n])}
        added = (values[root] - values.get(base, 0.0) for values in (self.before, after))
        self.is_smooth = _differ(*added)  # with the weights, as a gradient is

    def _drawn(self) -> Array:
        return self.draw.normal(0, 1.2, POINTS)

    def activations(self) -> Iterator[_Activation]:
        """The parts of the update that are steps of a weighted sum and of nothing else."""
        for node in reversed(self.order):
            values = np.atleast_1d(self.before[node])
            levels = np.unique(np.round(values[np.isfinite(values)], 9))
            if node in self.moving or not 2 <= len(levels) <= MOST_LEVELS:
                continue
            below = ancestors([node])
            chosen = (n.inputs[0] for n in below if n.op.name == "choose")
            conditions = [c for c in chosen if c in self.moving]
            leaves = {n for n in ancestors(conditions) if n.op.name == "leaf"}
            net = self._net(conditions[0]) if conditions else None
            is_pure = all(n in leaves for n in below if n.op.name == "leaf")
            if net and is_pure and self.base in leaves:
                yield _Activation(self, node, net, conditions, leaves, tuple(levels.tolist()))

    def _net(self, condition: Node) -> Node | None:
        """The weighted sum in a condition: its largest part that is linear in the weights."""
        linear: dict[Node, bool] = {}
        for node in ancestors([condition]):
            sloped = [source for source in node.inputs if source in self.moving]
            match node.op.name:
                case "multiply":
                    able = len(sloped) <= 1
                case "divide":
                    able = node.inputs[1] not in sloped
                case name:
                    able = name in LINEAR or not sloped
            linear[node] = able and all(linear[source] for source in sloped)
        return next((n for n in reversed(linear) if linear[n] and n in self.moving), None)


def _differ(before: Array, after: Array) -> bool:
    """Whether a value changes with every small change of the weights."""
    with np.errstate(all="ignore"):
        still = ~(np.abs(after - before) > CLOSE * np.maximum(1.0, np.abs(before)))
    return bool(np.mean(still) < MOSTLY)


class _Activation:
    """An activation: the weighted sum that it is a step of, what is compared there, the leaves of
    that, and the levels that it can be at."""

    def __init__(
        self,
        trial: _Trial,
        node: Node,
        net: Node,
        conditions: list[Node],
        leaves: set[Node],
        levels: tuple[float, ...],
    ) -> None:
        self.trial, self.node, self.net = trial, node, net
        self.conditions, self.levels = conditions, levels
        self.weights = leaves & trial.weights
        self.inputs = [leaf for leaf in trial.given if leaf in leaves - trial.weights]
        self.others = [leaf for leaf in trial.given if leaf not in leaves | trial.weights]
        self.given = {**trial.given, **dict.fromkeys(self.others, np.full(POINTS, RATE))}
        self.slope = self._slope({})
        y, sums = trial.before[node], trial.before[net]
        above = sums > np.median(sums)  # nowhere, as where the sum is no number somewhere
        self.rises = bool(np.any(above) and np.mean(y[above]) > np.mean(y[~above]))

    def _at(self, given: Mapping[Node, Array], *nodes: Node) -> list[Array]:
        """Values of nodes, with other values at some leaves."""
        values = evaluate(nodes, {**self.given, **given})
        return [np.broadcast_to(np.asarray(values[n], dtype=float), (POINTS,)) for n in nodes]

    def _slope(self, given: Mapping[Node, Array]) -> Array:
        """What the weight is multiplied with in the sum."""
        base = self.trial.base
        (before,) = self._at(given, self.net)
        (after,) = self._at({**given, base: self.given[base] + 1}, self.net)
        return after - before

    def _moved(self, leaf: Node) -> dict[Node, Array]:
        return {leaf: self.given[leaf] + 1}

    def _added(self, given: Mapping[Node, Array]) -> tuple[Array, Array]:
        after, y = self._at(given, self.trial.root, self.node)
        return after - self.given[self.trial.base], y

    def factor(self, target: Node) -> float | None:
        """By what (t − y)·x is multiplied, if that is what is added; or t·x, if only
        misclassified samples are learnt from."""
        lowest, highest = self.levels[0], self.levels[-1]
        wanted = self.trial.draw.choice([lowest, highest], POINTS)
        added, y = self._added({target: wanted})
        wrong = np.abs(wanted - y) > CLOSE
        if not np.all(np.abs(added[~wrong]) < CLOSE):
            return None
        slope = self._slope({target: wanted}) * (1 if self.rises else -1)
        choices = [wanted - y, *([wanted] if lowest == -highest else [])]
        return next(filter(None, (_ratio(added[wrong], (c * slope)[wrong]) for c in choices)), None)

    def form(self, target: Node, factor: float, cells: Mapping[Node, Address]) -> RuleForm:
        rates = [leaf for leaf in self.others if leaf is not target]
        own = [leaf for leaf in self.inputs if self._multiplies(leaf)]
        size = np.prod([self.given[leaf] for leaf in own], axis=0)

        def named(some: Iterable[Node]) -> frozenset[Address]:
            return frozenset(cells[leaf] for leaf in some)

        return RuleForm(
            factor,
            cells[target],
            named(rates),
            named(own),
            named(filter(self._is_threshold, self.inputs)),
            self.levels,
            follows=self.rises == bool(np.mean(self.slope * size) > 0),
            apart=target not in self.inputs,
            scales=all(self._scales(leaf, target) for leaf in rates),
        )

    def _multiplies(self, leaf: Node) -> bool:
        """Whether the weight is multiplied with a leaf."""
        return bool(np.any(np.abs(self._slope(self._moved(leaf)) - self.slope) > CLOSE))

    def _is_threshold(self, leaf: Node) -> bool:
        """Whether a leaf is added to weight times input, or compared with it."""
        still = dict.fromkeys(self.weights, np.zeros(POINTS))
        before = self._at(still, *self.conditions)
        after = self._at({**still, **self._moved(leaf)}, *self.conditions)
        return bool(np.any(np.stack(after) != np.stack(before)))

    def _scales(self, leaf: Node, target: Node) -> bool:
        """Whether a leaf beside the target does nothing but scale what is added."""
        level = self.levels[-1] or self.levels[0]
        given = {target: self.trial.draw.choice(self.levels, POINTS)}
        before, _ = self._added(given)
        size = self.trial.draw.choice([level / RATE, 2.0], POINTS)
        after, _ = self._added({**given, leaf: RATE * size})
        return any(np.allclose(after, before * way, atol=CLOSE) for way in (size, 1 / size, 1.0))


def _ratio(these: Array, those: Array) -> float | None:
    """The factor from those to these, if it is the same everywhere."""
    if len(these) < 3 or not np.all(np.isfinite(these)) or not np.all(np.abs(those) > CLOSE):
        return None
    with np.errstate(all="ignore"):
        ratio = these / those
    if np.ptp(ratio) > CLOSE * max(1.0, float(np.max(np.abs(ratio)))):
        return None
    return float(ratio[0]) if abs(ratio[0]) > CLOSE else None
