"""One step of a training under test: its cells, its claims, and the chain rule of its own loss.

It knows where the cells of a step stand, which cells stand there in another step, how a formula
mentions them, and what every gradient is, also with other values in the place of some.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property, reduce
from itertools import chain, product
from operator import add

import numpy as np
from numpy.typing import NDArray

from gradbook.audit.budget import spend
from gradbook.audit.formula.address import LAST_COLUMN, LAST_ROW, Address, name_of, sheet_of
from gradbook.audit.formula.meaning import NotUnderstood, as_block, number
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.step.omissions import Chain, Omissions, chain_of_nodes
from gradbook.audit.step.points import (
    CLOSE,
    ENOUGH,
    FAINT,
    POINTS,
    Numbers,
    agree,
    random_values,
    work,
)
from gradbook.audit.step.step_graph import StepGraph
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.steps import AssumedLoss, SheetStep, StepLoss
from gradbook.audit.training.training import SheetTraining
from gradbook.audit.workbook.book import quote_title
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node, ancestors
from gradbook.language.message import Message
from gradbook.targets.excel.language import Reference

# Assumed losses as graphs -------------------------------------------------------------


def loss_node(graph: StepGraph, loss: StepLoss, numbers: Numbers) -> Node:
    """The assumed loss: every output counts once, however often its error is mentioned."""
    known: list[Array] = []
    terms: list[Node] = []
    for output, target in _pairs(graph, loss):
        error = numbers.of(output - target)
        if not any(agree(error, other) for other in known):
            known.append(error)
            terms.append(_term(loss.assumption, output, target))
    if not terms:
        raise NotUnderstood(Message("errors of which none is a number"))
    return reduce(add, terms)


def _term(kind: AssumedLoss | None, output: Node, target: Node) -> Node:
    make = output.graph.make
    if kind is AssumedLoss.SQUARED:
        from gradbook.layers.losses import Loss  # slow to load, and few books hold no loss

        return make(Loss.HALF_SQUARED.op, output, target)
    term = -target * make("log", output)
    return (
        term if kind is AssumedLoss.CATEGORICAL else term - (1 - target) * make("log", 1 - output)
    )


def _pairs(graph: StepGraph, loss: StepLoss) -> Iterator[tuple[Node, Node]]:
    """Each output with its target."""
    for cell, error in zip(loss.cells, loss.errors, strict=True):
        output, target = (
            as_block(graph.meaning(part, cell, error.pattern))
            for part in (error.output, error.target)
        )
        height, width = map(max, zip(output.shape, target.shape, strict=True))
        for at in product(range(height), range(width)):
            yield number(graph.graph, output.at(*at)), number(graph.graph, target.at(*at))


# Positions of cells -------------------------------------------------------------------


class Positions:
    """Where a step's cells stand, and what stands there in other steps."""

    def __init__(self, training: SheetTraining, step: SheetStep) -> None:
        self.training = training
        self.step = step
        self.row = training.axis.crossing  # of a cell: its column where steps go across

    @cached_property
    def places(self) -> dict[Address, int]:
        """The step's cells, in the order that steps like it share."""
        return {cell: k for k, cell in enumerate(self.step.cells)}

    def owns(self, cell: Address) -> bool:
        """Whether a cell is one of the step's, so that its place in other steps is known."""
        return cell in self.places or cell in self.step.weights

    @cached_property
    def rows(self) -> dict[tuple[int, int], list[Address]]:
        """The step's cells that belong to it alone, by the rows in which they stand."""
        found: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
        for cell in dict.fromkeys([*self.step.own, *self.step.cells]):
            if cell in self.step.weights or cell in self.training.computed_cells:
                found[self.row(cell)].append(cell)
        return dict(found)

    @cached_property
    def of_other_steps(self) -> set[Address]:
        """The cells that are computed from another step's weights, and not from this one's."""
        flow, stop = self.training.flow, self.training.weight_cells
        others = [cell for cell in stop if cell not in self.step.weights]
        return flow.below(others, stop) - flow.below(self.step.own, stop)

    @cached_property
    def unused_formulas(self) -> list[Address]:
        """The formulas of the step that neither its loss nor its claims use: where a wrong cell
        stands, what belongs there may be used by nobody."""
        flow, stop = self.training.flow, self.training.weight_cells
        own = flow.below(self.step.own, stop) - self.places.keys()
        return sorted(cell for cell in own if self.row(cell) in self.rows)

    def there(self, cell: Address, step: SheetStep) -> Address:
        """The cell that stands in another step where this one stands here."""
        if step is self.step or not step.cells:
            return cell
        if cell in self.step.weights:
            return step.weights[self.step.weights.index(cell)] or cell
        if cell in self.training.weight_cells:
            j, k = self.training.weight_cells[cell]
            cells = self.training.weights[j].cells
            further = k + step.number - self.step.number
            return cells[further] if further < len(cells) else cell
        place = self.places.get(cell)
        if place is not None and place < len(step.cells):
            return step.cells[place]
        beside = self.rows.get(self.row(cell))
        if beside:
            users = set(self.training.flow.users.get(cell, ()))  # of its own table, if of two
            near = min(beside, key=lambda other: (other not in users, abs(other - cell)))
            return cell + self.there(near, step) - near
        if cell not in self.training.varying:
            return cell
        both = zip(self.step.weights, step.weights, strict=True)
        apart = (b - a for a, b in both if a is not None and b is not None)
        return cell + next(apart, 0)  # as far from it as the weights are from theirs

    def value(self, cell: Address) -> float:
        """The number that the file gives for a cell: 0 for a blank, NaN for words."""
        value = self.training.book.values.get(cell)
        if isinstance(value, int | float):
            return float(value)
        return 0.0 if value is None else float("nan")

    def values(self, cell: Address, steps: Sequence[SheetStep]) -> Array:
        """The numbers of a cell and of those that stand in its place in other steps."""
        return np.array([self.value(self.there(cell, step)) for step in steps])


# Mentions of cells --------------------------------------------------------------------


class Mentions:
    """The cells of a step as its formulas see them."""

    def __init__(self, positions: Positions, alike: Sequence[SheetStep]) -> None:
        self.positions = positions
        self.training = positions.training
        self.step = positions.step
        self.alike = alike

    def candidates(self, homes: Sequence[Address]) -> list[Address]:
        """The cells that a formula in some others may mention without leading back to them, the
        nearest to the first of those first."""
        flow, stop = self.training.flow, self.training.weight_cells
        below = flow.below(homes, stop).union(homes)
        own, home = self.step.own, homes[0]
        found = [
            cell
            for cell in dict.fromkeys([*own, *self.step.cells, *self.positions.unused_formulas])
            if cell not in below
            and (cell not in stop or cell in own)
            and cell not in self.positions.of_other_steps
        ]
        return sorted(found, key=lambda cell: (sheet_of(cell) != sheet_of(home), abs(cell - home)))

    @cached_property
    def aliases(self) -> dict[Address, list[Address]]:
        """The cells by which the step's formulas mention others, where they only repeat those."""
        found: dict[Address, list[Address]] = {}
        flow, stop = self.training.flow, self.training.weight_cells
        owners = [claim.owner for options in self.step.claims for claim in options]
        for cell in dict.fromkeys([*self.step.cells, *owners]):
            for source in flow.sources(cell) if cell not in stop or cell in owners else ():
                plain = self.training.plain(source)
                if plain != source:
                    found.setdefault(plain, []).append(source)
        return found

    def seen_from(self, cell: Address, home: Address) -> Address:
        """The cell, or another that repeats it on the sheet where it is wanted."""
        beside = [c for c in self.aliases.get(cell, ()) if sheet_of(c) == sheet_of(home)]
        return min(beside, key=lambda c: abs(c - home), default=cell)

    def reference(self, cell: Address, home: Address) -> Reference:
        """A cell as a formula in another mentions it; fixed where it serves every step, unless a
        copy of it goes along with them."""
        plain, cell = cell, self.seen_from(cell, home)
        text = name_of(cell)
        other = self.alike[-1]
        still = other is not self.step and self.positions.there(cell, other) == cell
        filled = cell + self.positions.there(home, other) - home
        if still and plain == cell and self.training.plain(filled) != plain:
            word = text.rstrip("0123456789")
            text = f"${word}${text[len(word) :]}"
        return Reference(self.on_its_sheet(text, cell, home))

    def on_its_sheet(self, text: str, cell: Address, home: Address) -> str:
        """A cell's name with its sheet's before it, where that is another than the formula's."""
        if sheet_of(cell) == sheet_of(home):
            return text
        return f"{quote_title(self.training.book.sheets[sheet_of(cell)].title)}!{text}"


# The step -----------------------------------------------------------------------------


class ClaimVerdict(IntEnum):
    """What a claim is, the best first."""

    RIGHT = 0
    RIGHT_HERE = 1  # with the sheet's own inputs and targets only
    OPPOSITE = 2
    WRONG = 3


@dataclass(frozen=True, eq=False)
class StepUnderTest:
    """One step worked as a graph, with numbers to try it."""

    training: SheetTraining
    step: SheetStep
    alike: Sequence[SheetStep]  # all that say the same of other cells, the step among them
    graph: StepGraph
    positions: Positions
    mentions: Mentions

    @classmethod
    def of(cls, training: SheetTraining, alike: Sequence[SheetStep]) -> StepUnderTest:
        """The first of steps that are alike."""
        positions = Positions(training, alike[0])
        graph, mentions = StepGraph(training, {}), Mentions(positions, alike)
        return cls(training, alike[0], alike, graph, positions, mentions)

    def with_formulas(self, formulas: Mapping[Address, Pattern]) -> StepUnderTest:
        """Return the same step with other formulas in more of its cells."""
        return replace(self, graph=StepGraph(self.training, {**self.graph.instead, **formulas}))

    def with_loss(self, loss: StepLoss) -> StepUnderTest:
        """Return the same step with another loss."""
        return replace(self, step=replace(self.step, loss=loss))

    # Numbers to try it with ----------------------------------------------------

    @cached_property
    def random(self) -> Numbers:
        """Numbers at random; but a typed 1 is 1 wherever the loss doesn't depend on it: a slope, as
        that of a sum by its bias."""
        ones = self.training.ones if self.step.loss.cells else set()
        ones = ones - self.forward if ones else ones

        def leaf(cell: Address) -> Array:
            return np.ones(POINTS) if cell in ones else self._at_random(cell)

        return self.graph.numbers(frozenset(ones), leaf)

    @cached_property
    def constants(self) -> Numbers:
        """Random weights, but the sheet's own inputs, targets and other numbers."""
        book, alike, weight_cells = self.training.book, self.alike, self.training.weight_cells
        some = [alike[0], alike[len(alike) // 2], alike[-1]]

        def leaf(cell: Address) -> Array:
            unknown = cell in book.patterns and book.values.get(cell) is None
            if unknown or cell in weight_cells:
                return self._at_random(cell)
            return np.resize(self.positions.values(cell, some), POINTS)

        return self.graph.numbers("constants", leaf)

    @cached_property
    def sheet(self) -> Numbers:
        """The values that the file gives, those of each step like this."""
        return self.graph.numbers("sheet", lambda cell: self.positions.values(cell, self.alike))

    @cached_property
    def _at_random(self) -> Callable[[Address], Array]:
        return random_values(self.training.weight_cells)

    # What is computed ----------------------------------------------------------

    @cached_property
    def loss(self) -> Node:
        loss = self.step.loss
        if loss.assumption is None:
            node = reduce(add, map(self.graph.node, loss.cells))
        else:
            node = loss_node(self.graph, loss, self.random)
        return node if loss.scale == 1 else node * loss.scale

    @cached_property
    def loss_cells(self) -> set[Address]:
        """The cells that add up to the loss or, where none holds it, those of its errors."""
        loss = self.step.loss
        cells: Iterable[Address] = loss.cells
        if loss.assumption:
            each = zip(loss.cells, loss.errors, strict=True)
            sides = ((side, c, e.pattern) for c, e in each for side in (e.output, e.target))
            cells = chain.from_iterable(self.training.cells_in(*side) for side in sides)
        return set(map(self._meant, cells))

    @cached_property
    def gradients(self) -> dict[int, Node]:
        """∂loss/∂w of each weight, by its number."""
        cells = enumerate(self.step.weights)
        weights = {j: self.graph.node(cell) for j, cell in cells if cell is not None}
        found = gradients(self.loss, list(weights.values()))
        return {j: found[node] for j, node in weights.items()}

    @cached_property
    def cells_of_values(self) -> dict[Node, Address]:
        """The values on the way to the loss, with the cell that holds each."""
        cells = sorted(self.forward, reverse=True)
        known = ((self.graph.known.get(cell), cell) for cell in cells)
        return {node: cell for node, cell in known if isinstance(node, Node)}

    @cached_property
    def names_of_values(self) -> dict[Node, str]:
        """What the sheet calls each of them, in small letters."""
        label = self.training.label
        return {node: label(cell).lower() for node, cell in self.cells_of_values.items()}

    @cached_property
    def slopes(self) -> dict[Node, Node]:
        """∂loss/∂ every value on the way to it that a cell holds."""
        return gradients(self.loss, list(self.cells_of_values))

    @cached_property
    def chain(self) -> Chain[Node] | None:
        """The ways from the loss back to the weights; None where they are too many to follow."""
        ends = [self.graph.node(cell) for cell in self.step.weights if cell is not None]
        line, patterns = self.training.axis.line, self.training.book.patterns
        units = {
            node: (line(cell), patterns[cell].shape)
            for node, cell in self.cells_of_values.items()
            if cell in patterns and node not in ends
        }
        return chain_of_nodes(self.loss, ends, units, self.random)

    def left_out(self, claim: Claim, weight: int) -> Omissions[Node]:
        """What a claim leaves out of the gradient of a weight: ways through cells, slopes; nothing
        where it is wrong in another way."""
        cell = self.step.weights[weight]
        if cell is None or self.chain is None:
            return ()
        claimed = np.atleast_1d(self.random.of(self.claim_node(claim)))
        return self.chain.left_out(self.graph.node(cell), claimed)

    def leads_on(self) -> bool:
        """Whether its gradients can be worked out: not where what is tried is made of itself."""
        try:
            return len(self.gradients) > 0
        except NotUnderstood:
            return False

    def has_no_influence(self, weight: int) -> bool:
        """Whether the loss doesn't depend on a weight, wherever it is."""
        return bool(np.all(self.random.of(self.gradients[weight]) == 0))

    @cached_property
    def without_influence(self) -> set[int]:
        """The weights that the loss doesn't depend on."""
        return set(filter(self.has_no_influence, self.gradients))

    @cached_property
    def forward(self) -> set[Address]:
        """The cells that the loss is computed from, and its own."""
        flow, stop = self.training.flow, self.training.weight_cells
        return flow.behind(self.loss_cells, stop, self._meant).union(self.loss_cells)

    def behind(self, weight: int) -> set[Address]:
        """The cells that the claims of a weight are computed from."""
        return self.made_of(claim.owner for claim in self.step.claims[weight] if claim.whole)

    def made_of(self, cells: Iterable[Address]) -> set[Address]:
        """The cells that some are computed from within their step."""
        training = self.training
        return training.flow.behind(cells, training.weight_cells, training.plain)

    def formula(self, cell: Address) -> Pattern | None:
        """The formula of a cell, as it stands there."""
        pattern = self.training.book.patterns.get(cell)
        if pattern is None or cell in self.graph.instead:
            return self.graph.instead.get(cell)
        return self.training.book.reader.read_typed(pattern.text_at(cell), cell)

    @cached_property
    def layout(self) -> tuple[tuple[int, str], ...]:
        """What stands where: the same for a step that is made alike on another sheet."""
        patterns = self.training.book.patterns
        return tuple(
            (cell & (LAST_ROW | LAST_COLUMN), patterns[cell].shape if cell in patterns else "")
            for cell in self.step.cells
        )

    @cached_property
    def shapes(self) -> tuple[Counter[str], Counter[str]]:
        """How many formulas of the step look the same, on the way back and on that to the loss."""
        patterns = self.training.book.patterns
        cells = [cell for cell in self.step.cells if cell in patterns]
        back, forward = (
            Counter(patterns[cell].shape for cell in cells if (cell in self.forward) == is_forward)
            for is_forward in (False, True)
        )
        return back, forward

    @cached_property
    def makeups(self) -> Counter[str]:
        """How many formulas of the step, on the way back, are made alike in whatever order."""
        patterns = self.training.book.patterns
        cells = (cell for cell in self.step.cells if cell in patterns and cell not in self.forward)
        return Counter(patterns[cell].makeup for cell in cells)

    def _meant(self, cell: Address) -> Address:
        return cell if cell in self.graph.instead else self.training.plain(cell)

    # What is claimed -----------------------------------------------------------

    def claim_node(self, claim: Claim) -> Node:
        """What is claimed, with its sign."""
        replaced = claim.owner in self.graph.instead and claim.whole
        if replaced or claim.owner not in self.training.book.patterns:
            node = self.graph.node(claim.owner)
        else:
            node = self.graph.expression(claim.expression, claim.owner)
        return node if claim.sign > 0 else -node

    def compare(self, claimed: Node, true: Node) -> ClaimVerdict:
        """Whether a claim is the gradient: everywhere, for these numbers only, or not."""
        if self.same(claimed, true):
            return ClaimVerdict.RIGHT
        if self.constants.same(claimed, true):
            return ClaimVerdict.RIGHT_HERE
        return ClaimVerdict.OPPOSITE if self.same(-claimed, true) else ClaimVerdict.WRONG

    def same(self, a: Node, b: Node) -> bool:
        """Whether two nodes are equal, whatever the numbers."""
        return self.random.same(a, b)

    def says_the_same(self, cell: Address, formula: Pattern) -> bool:
        """Whether a cell's formula says the same as another would there, in other words."""
        book = self.training.book
        both = [book.patterns[cell], book.reader.read_typed(formula.text_at(cell), cell)]
        try:
            nodes = [self.graph.expression(p.expression, cell, p) for p in both if p.expression]
        except NotUnderstood:
            return False
        return len(nodes) == len(both) and self.same(*nodes)

    def best(self, weight: int, options: Sequence[Claim]) -> tuple[ClaimVerdict, Claim | None]:
        """The best verdict among the ways to read a claim."""
        found = ClaimVerdict.WRONG, next(iter(options), None)
        for claim in options:
            try:
                verdict = self.compare(self.claim_node(claim), self.gradients[weight])
            except NotUnderstood:
                continue
            if verdict is ClaimVerdict.RIGHT:
                self._known_right.add(self._case(weight, claim))
            if verdict < found[0]:
                found = verdict, claim
        return found

    def is_known_right(self, weight: int) -> bool:
        """Whether the first way to read a claim was found right before, in another test."""
        options = self.step.claims[weight]
        return bool(options) and self._case(weight, options[0]) in self._known_right

    def is_right(self) -> bool:
        """Whether all that is claimed is the gradient, whatever the numbers."""
        claimed = ((weight, options) for weight, options in enumerate(self.step.claims) if options)
        return all(self.best(*claim)[0] is ClaimVerdict.RIGHT for claim in claimed)

    def wrong_weights(self) -> set[int]:
        """The weights whose gradients aren't, not even for the sheet's own numbers."""
        claimed = ((weight, options) for weight, options in enumerate(self.step.claims) if options)
        unsure = (one for one in claimed if not self.is_known_right(one[0]))
        return {weight for weight, options in unsure if not self._is_near_enough(weight, options)}

    def climbs(self, weight: int, claim: Claim, verdict: ClaimVerdict) -> bool:
        """Whether an update goes up the slope: it adds the gradient, or subtracts its negative,
        which others rightly add."""
        if verdict is not ClaimVerdict.OPPOSITE:
            return False
        return claim.sign < 0 or any(
            claim.owner in self.made_of([other.owner]) and self._is_near_enough(j, [other])
            for j, options in enumerate(self.step.claims)
            for other in options[:1]
            if j != weight and other.sign < 0
        )

    def _is_near_enough(self, weight: int, options: Sequence[Claim]) -> bool:
        try:
            return self.best(weight, options)[0] <= ClaimVerdict.RIGHT_HERE
        except NotUnderstood:
            return False

    def _case(self, weight: int, claim: Claim) -> object:
        return self.step.loss, self.step.weights[weight], claim

    @property
    def _known_right(self) -> set[object]:
        """What was found right of formulas as they stand: numbers at random are always the same."""
        return set() if self.graph.instead else self.training.right_claims

    def relative_error(self, claimed: Node, true: Node) -> float | None:
        """Return how far off the claim is at the sheet's values: the median over its rows."""
        a, b = np.broadcast_arrays(self.sheet.of(claimed), self.sheet.of(true))
        with np.errstate(all="ignore"):
            off = np.abs(a - b) / np.abs(b)
        off = off[np.isfinite(off)]
        return float(np.median(off)) if off.size else None


# Every gradient at once ---------------------------------------------------------------

TINY = 1e-40
NOTHING = 1e-12
SLOPE_POINTS = 8
FIRST_POINTS = 2  # of these: most alternatives fail there
NEARLY = 1e-6  # relative to the larger of the first points: more than rounding leaves
MOST_AT_ONCE = 2**20  # numbers that are kept while alternatives are compared


class Slopes:
    """A step with some of its weights nudged, each by itself, and what is claimed of those.

    Every weight has an axis of its own, with a small imaginary part in that weight; what of it
    arrives in the loss is the slope, exact to the last digit.
    """

    def __init__(
        self, tested: StepUnderTest, weights: Sequence[int], claims: Mapping[int, Claim]
    ) -> None:
        self.under_test = tested
        self.weights = weights
        self.axis = {tested.step.weights[j]: k for k, j in enumerate(weights)}
        self.numbers = Numbers(self._leaf, tested.graph.leaf_cells)
        self.values = self.numbers.values
        self._known: dict[frozenset[Node], list[Node]] = {}
        self.outputs = [tested.loss, *(tested.claim_node(claims[j]) for j in weights)]
        self.order = ancestors(self.outputs)
        for node in self.outputs:
            self.numbers.of(node)
        self.before = self.right_gradients({})[0]

    def _leaf(self, cell: Address) -> Array:
        values = np.array(self.under_test.random.leaf(cell)[:SLOPE_POINTS], dtype=complex)
        values = np.repeat(values[None], len(self.weights), axis=0)
        if cell in self.axis:
            values[self.axis[cell]] += 1j * TINY
        return values

    def _after(self, given: frozenset[Node]) -> list[Node]:
        """The nodes that are computed from some, in order."""
        if given not in self._known:
            seen = set(given)
            for node in self.order:
                if node not in seen and not seen.isdisjoint(node.inputs):
                    seen.add(node)
            self._known[given] = [n for n in self.order if n in seen and n not in given]
        return self._known[given]

    def right_gradients(self, given: Mapping[Node, Array]) -> Array:
        """Which gradients are right with other values at some nodes: (alternatives, weights). Of
        many alternatives, none of those that put nothing right at the first points."""
        after = self._after(frozenset(given))
        count = max((len(value) for value in given.values() if value.ndim > 2), default=1)
        if count == 1:
            return self._right(given, after)
        found = np.zeros((count, len(self.weights)), bool)
        at_once = max(MOST_AT_ONCE // (SLOPE_POINTS * len(self.weights) * max(len(after), 1)), 1)
        for k in range(0, count, at_once):
            places = np.arange(k, min(k + at_once, count))
            some = _of_places(given, places)
            first = {node: _first(values, FIRST_POINTS) for node, values in some.items()}
            likely = self._right(first, after, FIRST_POINTS) & ~self.before
            places = places[np.broadcast_to(likely.any(axis=-1), places.shape)]
            if len(places):
                found[places] = self._right(_of_places(given, places), after)
        return found

    def _right(
        self, given: Mapping[Node, Array], after: Sequence[Node], points: int = SLOPE_POINTS
    ) -> Array:
        spend(max((value.size for value in given.values()), default=0), len(after))
        inputs = {source for node in (*after, *self.outputs) for source in (node, *node.inputs)}
        known = inputs.difference(after, given)
        values = {**{node: _first(self.values[node], points) for node in known}, **given}
        work(after, values)
        loss, *claimed = (values[node] for node in self.outputs)
        found = []
        for k, claim in enumerate(claimed):
            with np.errstate(all="ignore"):
                slope = _at(loss, k).imag / TINY
            within = 10 * CLOSE if points == SLOPE_POINTS else NEARLY
            found.append(_equal(slope, _at(claim, k).real, within))
        return np.stack(np.broadcast_arrays(*found), axis=-1)


def _of_places(given: Mapping[Node, Array], places: NDArray[np.intp]) -> dict[Node, Array]:
    """The values of some alternatives; those that are the same in all stay."""
    return {n: v[places] if v.ndim > 2 and len(v) > 1 else v for n, v in given.items()}


def _first(values: Array, points: int) -> Array:
    found: Array = values[..., :points] if values.ndim else values
    return found


def _at(values: Array, k: int) -> Array:
    """The k-th weight's share; the last two axes are weights and points."""
    if values.ndim < 2:
        return values[None] if values.ndim == 1 else values.reshape(1, 1)
    found: Array = values[..., k, :] if values.shape[-2] > 1 else values[..., 0, :]
    return found if found.ndim > 1 else found[None]


def _equal(a: Array, b: Array, within: float) -> Array:
    """Whether two sides are equal at all of the last axis where both are numbers."""
    a, b = np.broadcast_arrays(a, b)
    sure = np.isfinite(a) & np.isfinite(b)
    a, b = np.where(sure, a, 0), np.where(sure, b, 0)
    size = np.maximum(np.abs(a), np.abs(b))
    usual = np.max(size, axis=-1, keepdims=True, initial=0)
    good: Array = np.all(np.abs(a - b) <= within * np.maximum(size, FAINT * usual), axis=-1)
    if a.shape[-1] <= FIRST_POINTS:
        return good
    something = usual[..., 0] > NOTHING  # two sides that vanish prove nothing
    found: Array = good & something & (np.sum(sure, axis=-1) >= ENOUGH)
    return found
