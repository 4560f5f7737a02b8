"""What an update by a rule adds to its weight, found by experiment: is it η·(t − y)·x?

An update is turned into a graph and evaluated at random points. y is a part of it that jumps
between a few levels when the weights change; x is the factor of the weight in the sum from which
y is computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gradbook.audit.step.step_graph import StepGraph, Stepping
from gradbook.cells.budget import spend
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.formula_values import NotUnderstood, Single
from gradbook.cells.formula.pattern import Pattern
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node, ancestors
from gradbook.graph.reference import evaluate, evaluate_in_order

POINTS = 120
RATE = 0.37  # the value, at half of the points, of every cell that only scales an update
AS_RATES = np.arange(POINTS) < POINTS // 2  # elsewhere such a cell is a level, as a target is
CLOSE = 1e-9
NUDGE = 1e-4  # of weights, to see which other values change
MOSTLY = 0.9  # of the points: at a few, an activation itself jumps
MOST_LEVELS = 4


@dataclass(frozen=True, order=True)
class RuleUpdate:
    """A weight's cell, and the weight's cell before the update, as the formula refers to it."""

    cell: Address
    base: Address


@dataclass(frozen=True)
class RuleForm:
    """What an update adds to a weight: rate × (target − activation) × input."""

    factor: float  # the rate, with `RATE` in each of its cells; negative in the wrong direction
    target: Address | None  # None if an input replaces it, or another cell affects it
    rates: frozenset[Address]
    inputs: frozenset[Address]  # of its own weight; empty for a bias
    thresholds: frozenset[Address]  # cells that the sum is compared with and that aren't weights
    levels: tuple[float, ...]  # possible values of the activation
    follows: bool  # whether the activation increases with weight times input

    def for_cells(self, to: Mapping[Address, Address]) -> RuleForm:
        """Return the same form with each cell replaced by another."""
        sets = self.rates, self.inputs, self.thresholds
        rates, inputs, thresholds = (frozenset(map(to.__getitem__, cells)) for cells in sets)
        target = None if self.target is None else to[self.target]
        return replace(self, target=target, rates=rates, inputs=inputs, thresholds=thresholds)


class UpdateGraph(StepGraph):
    """An update as a graph: weights, and all cells that don't depend on them, are leaves."""

    def meant(self, cell: Address) -> Address:
        return cell if cell in self.instead else self.flow.plain(cell, self.instead)

    def typed(self, cell: Address) -> Single:
        """A blank cell is also a leaf; so is TRUE or FALSE, which may be a target."""
        value = self.book.values.get(cell)
        is_leaf = value is None or isinstance(value, bool)
        return self._made_leaf(cell) if is_leaf else super().typed(cell)


def form_of(
    training: Stepping, update: RuleUpdate, instead: Mapping[Address, Pattern]
) -> RuleForm | None:
    """The form of an update, with some formulas replaced by others; None if it has none."""
    graph = UpdateGraph(training, instead)
    pattern = instead.get(update.cell) or training.book.patterns.get(update.cell)
    if pattern is None or pattern.expression is None:
        return None
    try:
        root = graph.expression(pattern.expression, update.cell, pattern)
        trial = _Trial(graph, root, graph.node(update.base))
    except NotUnderstood:
        return None
    for step in trial.activations():
        for target in [*step.others, *([] if instead else step.inputs)]:
            factor = step.factor(target)
            if factor is not None:
                return step.form(target, factor)
    return None


# Evaluation at random points -----------------------------------------------------------


class _Trial:
    """The nodes of an update, at random points and with the weights nudged from there."""

    def __init__(self, graph: UpdateGraph, root: Node, base: Node) -> None:
        self.root, self.base, self.cells = root, base, graph.leaf_cells
        self.order = ancestors([root])
        self.draw = np.random.default_rng(7)
        leaves = [node for node in self.order if node in self.cells]
        known = graph.training.weight_cells
        self.weights = {leaf for leaf in leaves if self.cells[leaf] in known or leaf is base}
        self.given = {leaf: self._drawn() for leaf in leaves}
        nudged = {w: self.given[w] + NUDGE * self._drawn() for w in leaves if w in self.weights}
        spend(2 * POINTS, len(self.order))
        self.before = evaluate([root], self.given)
        after = evaluate([root], {**self.given, **nudged})
        self.moving = {n for n in self.order if _differ(self.before[n], after[n])}
        added = (values[root] - values.get(base, 0.0) for values in (self.before, after))
        self.is_smooth = _differ(*added)  # continuous in the weights, as a gradient is

    def _drawn(self) -> Array:
        return self.draw.normal(0, 1.2, POINTS)

    def activations(self) -> Iterator[_Activation]:
        """The parts of the update that are steps of a weighted sum and of nothing else."""
        if self.is_smooth or self.base not in self.given:
            return
        for node in reversed(self.order):
            values = np.atleast_1d(self.before[node])
            levels = np.unique(np.round(values[np.isfinite(values)], 9)).tolist()
            if node in self.moving or not 2 <= len(levels) <= MOST_LEVELS:
                continue
            below = ancestors([node])
            chosen = (n.inputs[0] for n in below if n.op.name == "choose")
            conditions = [c for c in chosen if c in self.moving]
            leaves = self.given.keys() & ancestors(conditions)
            if self.base in leaves and leaves.issuperset(self.given.keys() & below):
                yield _Activation(self, node, levels, conditions)


def _differ(before: Array, after: Array) -> bool:
    """Whether a value changes with every small change of the weights."""
    with np.errstate(all="ignore"):
        still = ~(np.abs(after - before) > CLOSE * np.maximum(1.0, np.abs(before)))
    return bool(np.mean(still) < MOSTLY)


class _Activation:
    """A part of an update that is a step: its levels, the conditions in it, and the slope of their
    sum with respect to the weight. The sum is the largest part whose slope contains no weights."""

    def __init__(
        self, trial: _Trial, node: Node, levels: Sequence[float], conditions: Sequence[Node]
    ) -> None:
        self.trial, self.node, self.levels, self.conditions = trial, node, levels, conditions
        parts = (part for part in reversed(ancestors(conditions[:1])) if part in trial.moving)
        slopes = ((part, gradients(part, [trial.base])[trial.base]) for part in parts)
        linear = (both for both in slopes if trial.weights.isdisjoint(ancestors([both[1]])))
        net, self.slope = next(linear)
        leaves = ancestors(conditions)
        beside = [leaf for leaf in trial.given if leaf not in trial.weights]
        self.inputs = [leaf for leaf in beside if leaf in leaves]
        self.others = [leaf for leaf in beside if leaf not in leaves]
        setting = np.where(AS_RATES, RATE, levels[-1] or levels[0])
        self.given = {**trial.given, **dict.fromkeys(self.others, setting)}
        self.orders: dict[tuple[Node, ...], list[Node]] = {}
        y, sums = trial.before[node], trial.before[net]
        above = sums > np.median(sums)  # all False if the sum isn't a number at some point
        self.rises = bool(np.any(above) and np.mean(y[above]) > np.mean(y[~above]))

    def _at(self, given: Mapping[Node, Array], *nodes: Node) -> Array:
        """Values of nodes, with other values at some leaves."""
        order = self.orders.get(nodes) or self.orders.setdefault(nodes, ancestors(nodes))
        spend(POINTS, len(order))
        values = evaluate_in_order(order, {**self.given, **given}, POINTS)
        return np.array([np.broadcast_to(values[node], POINTS) for node in nodes])

    def factor(self, target: Node, some: NDArray[np.bool_] = AS_RATES) -> float | None:
        """The factor of (t − y)·x at some points, if that is what is added; or of t·x, if only
        misclassified samples cause updates."""
        lowest, highest = self.levels[0], self.levels[-1]
        wanted = self.trial.draw.choice([lowest, highest], POINTS)
        after, y, slope = self._at({target: wanted}, self.trial.root, self.node, self.slope)
        added, wrong = after - self.given[self.trial.base], np.abs(wanted - y) > CLOSE
        if not np.all(np.abs(added[~wrong]) < CLOSE):
            return None
        errors = [wanted - y, *([wanted] if lowest == -highest else [])]
        where, x = wrong & some, slope if self.rises else -slope
        found = (_ratio(added[where], (error * x)[where]) for error in errors)
        return next(filter(None, found), None)

    def form(self, target: Node, factor: float) -> RuleForm:
        is_sure = target in self.others and self.factor(target, ~AS_RATES) is not None
        own = [leaf for leaf in ancestors([self.slope]) if leaf in self.inputs]
        up = self._at(dict.fromkeys(own, np.ones(POINTS)), self.slope)
        still = dict.fromkeys(self.trial.weights, np.zeros(POINTS))
        before = self._at(still, *self.conditions)

        def is_compared(leaf: Node) -> bool:
            moved = {**still, leaf: self.given[leaf] + 1}
            return bool(np.any(before != self._at(moved, *self.conditions)))

        def named(some: Iterable[Node]) -> frozenset[Address]:
            return frozenset(self.trial.cells[leaf] for leaf in some)

        return RuleForm(
            factor,
            self.trial.cells[target] if is_sure else None,
            named(leaf for leaf in self.others if leaf is not target),
            named(own),
            named(filter(is_compared, self.inputs)),
            tuple(self.levels),
            follows=self.rises == bool(np.mean(up) > 0),
        )


def _ratio(these: Array, those: Array) -> float | None:
    """The factor from `those` to `these`, if it is the same everywhere and not 0."""
    if len(these) < 3 or not np.all(np.isfinite(these)) or not np.all(np.abs(those) > CLOSE):
        return None
    ratio = these / those
    if np.ptp(ratio) > CLOSE * max(1.0, float(np.max(np.abs(ratio)))):
        return None
    return float(ratio[0]) if abs(ratio[0]) > CLOSE else None
