"""Updates of weights by a rule: which cells they are, and whether what they add is η·(t − y)·x.

y is what an update depends on by way of conditions alone: a step of a weighted sum. x is what the
weight is multiplied by in that sum. The weight before the update may stand
anywhere: above, on the left, in another table, or behind a cell that only repeats it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property

import numpy as np

from gradbook.audit.budget import spend
from gradbook.audit.formula.address import Address
from gradbook.audit.formula.expression import inner, once, parts, references, terms
from gradbook.audit.formula.meaning import NotUnderstood, Single
from gradbook.audit.formula.pattern import CellReference, Mention, Pattern
from gradbook.audit.step.step_graph import StepGraph, Stepping
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.graph.node import Array, Node, ancestors
from gradbook.graph.reference import evaluate
from gradbook.targets.excel.language import Call, Expression, Infix, Reference

LOOKED_THROUGH = 20_000  # numbers: what it costs to look for one in the other
NEAR = 3000  # cells to look through on the way from an update back to its weight
SOME = 3  # cells of a formula that are looked at, for all that have it
COMPARING = ("=", "<>", "<", ">", "<=", ">=")
STEPPING = ("SIGN", "ROUND", "INT", "TRUNC")


@dataclass(frozen=True)
class RuleUpdate:
    """A weight's cell, and the cell of the weight before the update, as the formula names it."""

    cell: Address
    base: Address


def could_step(pattern: Pattern) -> bool:
    """Whether a formula, or a part of it, could be a step."""
    return pattern.form is not None and _steps(pattern.form.expression)


@once
def _steps(form: Expression) -> bool:
    return any(map(_is_stepping, parts(form)))


def _is_stepping(part: Expression) -> bool:
    if isinstance(part, Infix):
        return part.operator in COMPARING
    return isinstance(part, Call) and part.function in STEPPING


def mentions_outside_conditions(pattern: Pattern) -> list[Mention | None]:
    """Return what a formula may change smoothly with: all it mentions except in conditions."""
    if pattern.form is None:
        return []
    return [pattern.mentions.get(pattern.word_for(r)) for r in _followed(pattern.form.expression)]


@once
def _followed(form: Expression) -> list[Reference]:
    found, waiting = [], [form]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Reference):
            found.append(part)
        elif isinstance(part, Call) and part.function == "IF":
            waiting += filter(None, part.arguments[1:])
        elif not _is_stepping(part):
            waiting += inner(part)
    return found


def rule_updates(book: Book, flow: Flow) -> list[RuleUpdate]:
    """Every cell whose change depends on the weight that it goes on from, and on some step."""
    homes: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for cell, pattern in book.in_sight().items():
        homes[pattern].append(cell)
    steps = {cell for pattern in filter(could_step, homes) for cell in homes[pattern]}
    stepped = flow.below(steps) | steps
    found = []
    for pattern, cells in homes.items():
        for place in bases(pattern) if not stepped.isdisjoint(cells) else ():
            if _learns(flow, pattern, place, cells):
                found += list(updates_at(cells, place))
                break
    return sorted(_in_chains(book, flow, found), key=lambda update: update.cell)


def _in_chains(book: Book, flow: Flow, updates: Sequence[RuleUpdate]) -> list[RuleUpdate]:
    """The updates without formulas that nothing goes on from: a target minus its output depends on
    that target too, if only by way of the steps before."""
    cells = {update.cell for update in updates}
    before = {flow.plain(update.base) for update in updates}
    chained = {
        book.patterns[update.cell]
        for update in updates
        if update.cell in before or flow.plain(update.base) in cells
    }
    kept = [update for update in updates if book.patterns[update.cell] in chained]
    return kept or list(updates)


def updates_at(cells: Iterable[Address], place: CellReference) -> Iterator[RuleUpdate]:
    """The updates of cells that go on from the one at some place."""
    for cell in cells:
        base = place.at(cell)
        if base is not None and base != cell:
            yield RuleUpdate(cell, base)


def bases(pattern: Pattern) -> list[CellReference]:
    """The cells that a formula goes on from, whichever way its conditions go."""
    ways = _ways_of(pattern.form.expression) if pattern.form else ()
    if not ways:
        return []
    first, *others = [[pattern.word_for(part) for part in way] for way in ways]
    words = [word for word in first if all(word in way for way in others)]
    places = (pattern.place_of(Reference(word)) for word in dict.fromkeys(words))
    return [place for place in places if place is not None]


@once
def _ways_of(form: Expression) -> list[list[Reference]]:
    """The cells that a formula adds as they are, for each way that its conditions may go; none of
    one that only repeats a cell, or has nothing to go on from."""
    ways = [] if isinstance(form, Reference) else _ways(form)
    alone = len(ways) == 1 and len(ways[0]) < 2
    return [] if alone else [[Reference(text) for text in way if text] for way in ways]


def _ways(expression: Expression) -> list[list[str]]:
    """The cells that are added as they are, for each way that conditions may go."""
    match expression:
        case Call("IF", (_, then, otherwise)) if then is not None and otherwise is not None:
            return [*_ways(then), *_ways(otherwise)]
        case Call("SUM", arguments) if len(arguments) > 1:
            return [[*(a.text for a in arguments if isinstance(a, Reference)), ""]]
    signed = terms(expression)
    if len(signed) == 1 and not isinstance(expression, Reference):
        return [[]]
    added = [part.text for sign, part in signed if sign > 0 and isinstance(part, Reference)]
    return [[*added, ""]] if len(signed) > 1 else [added]


def _learns(flow: Flow, pattern: Pattern, place: CellReference, cells: Sequence[Address]) -> bool:
    """Whether what some of the cells add depends on the cell that they go on from."""
    some = {cells[0], cells[min(1, len(cells) - 1)], cells[len(cells) // 2]}
    return any(_depends(flow, pattern, place, cell) for cell in sorted(some)[:SOME])


def _depends(flow: Flow, pattern: Pattern, place: CellReference, cell: Address) -> bool:
    base = place.at(cell)
    if base is None or pattern.expression is None:
        return False
    spend(LOOKED_THROUGH)
    origin = flow.plain(base)
    others = [
        at
        for reference in references(pattern.expression)
        for at in flow.mentioned_cells([pattern.mentions.get(reference.text)], cell)
    ]
    if could_step(pattern) and others.count(base) > len(_ways(pattern.expression)):
        return True  # the formula holds the whole step
    start = [at for at in others if at != base and flow.plain(at) != origin]
    return flow.depends(start, lambda at: at == base or flow.plain(at) == origin, origin, NEAR)


# What an update adds, tried at random points ------------------------------------------

POINTS = 120
RATE = 0.37  # what every cell that only scales an update is taken for
CLOSE = 1e-9
NUDGE = 1e-4  # by how much weights are moved to see whether anything else moves
MOSTLY = 0.9  # of the points: at some the activation itself jumps
MOST_LEVELS = 4
LINEAR = ("add", "subtract", "negate", "copy")


@dataclass(frozen=True)
class RuleForm:
    """What an update adds to a weight: rate × (target − activation) × input."""

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

    def for_cells(self, to: Mapping[Address, Address]) -> RuleForm:
        """Return the same form with each cell replaced by another."""
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
    """The form of an update, with other formulas in the place of some; None where it has none.

    A cell that is TRUE or FALSE is a switch, or else a target.
    """
    worked = UpdateGraph(training, instead, inside)
    found = _form_in(worked, update)
    if found is None and worked.switches:
        found = _form_in(UpdateGraph(training, instead, inside, worked.switches), update)
    return found


def _form_in(worked: UpdateGraph, update: RuleUpdate) -> RuleForm | None:
    training = worked.training
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
    """Whether what is added to the base changes with every small change of the weights, as a
    gradient does; under the rule it only jumps."""
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
        self,
        training: Stepping,
        instead: Mapping[Address, Pattern],
        inside: Iterable[Address],
        targets: Collection[Address] = (),
    ) -> None:
        super().__init__(training, instead)
        self.targets = targets  # that are TRUE or FALSE
        self.switches: set[Address] = set()  # what else is
        self.varying = self.varying.union(inside)  # of the step, whatever they depend on

    def formula(self, cell: Address) -> Pattern | None:
        return self.instead.get(cell) or self.book.patterns.get(cell)

    def _meant(self, cell: Address) -> Address:
        return cell if cell in self.instead else self.training.flow.plain(cell, self.instead)

    def _leaf(self, cell: Address) -> Single:
        value = self.book.values.get(cell)
        is_error = isinstance(value, str) and value.startswith("#") and cell in self.book.patterns
        if value is None or is_error or cell in self.targets or cell in self.training.weight_cells:
            return self._made_leaf(cell)  # a blank is a cell, too, and an unknown function's value
        if isinstance(value, bool):
            self.switches.add(cell)
        return super()._leaf(cell)


# Steps in graphs ---------------------------------------------------------------------


class Dependence(IntEnum):
    """How a node depends on the weights."""

    NONE = 0
    STEP = 1  # by its conditions only
    SLOPE = 2


@dataclass(frozen=True)
class _Sum:
    """An activation, the weighted sum that it is a step of, and the leaves of that sum."""

    activation: Node
    net: Node
    conditions: tuple[Node, ...]
    leaves: frozenset[Node]


def _dependences(roots: Sequence[Node], weights: Collection[Node]) -> dict[Node, Dependence]:
    """How each node that the roots are made of depends on the weights."""
    found: dict[Node, Dependence] = {}
    for node in ancestors(roots):
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
    for node in ancestors([root]):
        values = node.inputs[1:] if _is_step(node, depends) else node.inputs
        pure[node] = node.is_constant() or (bool(values) and all(pure[v] for v in values))
    for activation in reversed(pure):
        if pure[activation] and depends[activation] is Dependence.STEP:
            spend(POINTS, len(pure))  # to look through it, and to try it
            steps = (node for node in ancestors([activation]) if _is_step(node, depends))
            conditions = tuple(node.inputs[0] for node in steps)
            net = _net(conditions[0], depends) if conditions else None
            if net is not None:
                yield _Sum(activation, net, conditions, frozenset(_leaves(conditions)))


def _is_step(node: Node, depends: Mapping[Node, Dependence]) -> bool:
    return node.op.name == "choose" and depends[node.inputs[0]] is Dependence.SLOPE


def _net(condition: Node, depends: Mapping[Node, Dependence]) -> Node | None:
    """The weighted sum in a condition: its largest part that is linear in the weights."""
    linear: dict[Node, bool] = {}
    for node in ancestors([condition]):
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
    return {node for node in ancestors(nodes) if node.op.name == "leaf"}


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

            def cells(some: Iterable[Node]) -> frozenset[Address]:
                return frozenset(worked.leaf_cells[leaf] for leaf in some)

            return RuleForm(
                factor,
                worked.leaf_cells[target],
                cells(rates),
                cells(points.inputs_of_base),
                cells(found.leaves & weights),
                cells(points.thresholds()),
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
        if not np.any(above):  # as where the sum is no number somewhere
            return False
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
