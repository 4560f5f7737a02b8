"""One step of a training under test: its cells, its claims, and the chain rule for its own loss.

It knows the positions of a step's cells, the corresponding cells of other steps, how formulas refer
to them, and every gradient, also with other formulas in some cells.
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

from gradbook.audit.formulas.points import (
    CLOSE,
    ENOUGH_POINTS,
    FAINT,
    POINTS,
    Numbers,
    agree,
    random_values,
    work,
)
from gradbook.audit.step.omissions import Chain, Omissions, chain_of_nodes
from gradbook.audit.step.step_graph import StepGraph
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.audit.training.training_steps import AssumedLoss, SheetStep, StepLoss
from gradbook.cells.book import quote_title
from gradbook.cells.budget import spend
from gradbook.cells.formula.address import LAST_COLUMN, LAST_ROW, Address, name_of, sheet_of
from gradbook.cells.formula.formula_values import NotUnderstood, as_block, number
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.syntax import Reference
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node, ancestors
from gradbook.language.message import Message

# Assumed losses as graphs -------------------------------------------------------------


def loss_node(graph: StepGraph, loss: StepLoss, numbers: Numbers) -> Node:
    """The assumed loss: every output counts once, even if its error is mentioned several times."""
    known: list[Array] = []
    terms: list[Node] = []
    for output, target in _pairs(graph, loss):
        error = numbers.of(output - target)
        if not any(agree(error, other) for other in known):
            known.append(error)
            terms.append(_term(loss.assumption, output, target))
    if not terms:
        raise NotUnderstood(Message("output errors that aren't numbers"))
    return reduce(add, terms)


def _term(kind: AssumedLoss | None, output: Node, target: Node) -> Node:
    make = output.graph.make
    if kind is AssumedLoss.SQUARED:
        from gradbook.layers.losses import Loss  # slow to load, and seldom needed

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
    """The positions of a step's cells, and the corresponding cells of other steps."""

    def __init__(self, training: SheetTraining, step: SheetStep) -> None:
        self.training = training
        self.step = step
        self._foreign: dict[Address, bool] = {}
        self.row = training.axis.crossing  # a cell's row, or its column where steps go across

    @cached_property
    def places(self) -> dict[Address, int]:
        """The step's cells, in the order that similar steps share."""
        return {cell: k for k, cell in enumerate(self.step.cells)}

    def owns(self, cell: Address) -> bool:
        """Whether a cell belongs to the step, so that its counterparts in other steps are known."""
        return cell in self.places or cell in self.step.weights

    @cached_property
    def rows(self) -> dict[tuple[int, int], list[Address]]:
        """The step's cells that belong to it alone, by row."""
        found: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
        for cell in dict.fromkeys([*self.step.own, *self.step.cells]):
            if cell in self.step.weights or cell in self.training.computed_cells:
                found[self.row(cell)].append(cell)
        return dict(found)

    def is_of_other_steps(self, cell: Address) -> bool:
        """Whether a cell is computed from another step's weights, and not from this one's."""
        if cell not in self._foreign:
            stop = self.training.weight_cells
            behind = [] if cell in stop else self.training.flow.behind([cell], stop)
            weights = [source for source in behind if source in stop]
            own = self.step.weights
            self._foreign[cell] = bool(weights) and not any(source in own for source in weights)
        return self._foreign[cell]

    @cached_property
    def unused_formulas(self) -> list[Address]:
        """The step's formulas that neither its loss nor its claims use: if a cell is wrong, the
        formula that it should use may be among them."""
        flow, stop = self.training.flow, self.training.weight_cells
        own = flow.below(self.step.own, stop) - self.places.keys()
        return sorted(cell for cell in own if self.row(cell) in self.rows)

    def there(self, cell: Address, step: SheetStep) -> Address:
        """The counterpart of a cell in another step."""
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
            users = set(self.training.flow.users.get(cell, ()))  # in its table, if there are two
            near = min(beside, key=lambda other: (other not in users, abs(other - cell)))
            return cell + self.there(near, step) - near
        if cell not in self.training.varying:
            return cell
        both = zip(self.step.weights, step.weights, strict=True)
        apart = (b - a for a, b in both if a is not None and b is not None)
        return cell + next(apart, 0)  # at the distance between the weights

    def value(self, cell: Address) -> float:
        """The number that the file gives for a cell: 0 for a blank, NaN for text."""
        value = self.training.book.values.get(cell)
        if isinstance(value, int | float):
            return float(value)
        return 0.0 if value is None else float("nan")

    def values(self, cell: Address, steps: Sequence[SheetStep]) -> Array:
        """The numbers of a cell and of its counterparts in other steps."""
        return np.array([self.value(self.there(cell, step)) for step in steps])


# References to cells -------------------------------------------------------------------


class Mentions:
    """How a step's formulas refer to its cells."""

    def __init__(self, positions: Positions, alike: Sequence[SheetStep]) -> None:
        self.positions = positions
        self.training = positions.training
        self.step = positions.step
        self.alike = alike

    def candidates(self, homes: Sequence[Address]) -> list[Address]:
        """The cells that formulas in `homes` may refer to without a circle, those nearest to the
        first home first."""
        flow, stop = self.training.flow, self.training.weight_cells
        below = flow.below(homes, stop).union(homes)
        own, home = self.step.own, homes[0]
        found = [
            cell
            for cell in dict.fromkeys([*own, *self.step.cells, *self.positions.unused_formulas])
            if cell not in below
            and (cell not in stop or cell in own)
            and not self.positions.is_of_other_steps(cell)
        ]
        return sorted(found, key=lambda cell: (sheet_of(cell) != sheet_of(home), abs(cell - home)))

    @cached_property
    def aliases(self) -> dict[Address, list[Address]]:
        """For each cell, the cells that repeat it and that the step's formulas refer to instead."""
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
        """The cell, or one that repeats it on the sheet of `home`."""
        beside = [c for c in self.aliases.get(cell, ()) if sheet_of(c) == sheet_of(home)]
        return min(beside, key=lambda c: abs(c - home), default=cell)

    def reference(self, cell: Address, home: Address) -> Reference:
        """A reference to a cell from a formula elsewhere: absolute if all steps use the same cell,
        unless a copy of the cell moves along with them."""
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
        """A cell's name, preceded by its sheet's name if the formula is on another sheet."""
        if sheet_of(cell) == sheet_of(home):
            return text
        return f"{quote_title(self.training.book.sheets[sheet_of(cell)].title)}!{text}"


# The step -----------------------------------------------------------------------------


class ClaimVerdict(IntEnum):
    """What a claim turns out to be, the best first."""

    RIGHT = 0
    RIGHT_HERE = 1  # only for the sheet's own inputs and targets
    OPPOSITE = 2
    WRONG = 3


@dataclass(frozen=True, eq=False)
class StepUnderTest:
    """One step as a graph, with numbers for testing it."""

    training: SheetTraining
    step: SheetStep
    alike: Sequence[SheetStep]  # all similar steps, including this one
    graph: StepGraph
    positions: Positions
    mentions: Mentions
    takes_own_samples: bool = False  # whether inputs and targets have the sheet's own numbers

    @classmethod
    def of(cls, training: SheetTraining, alike: Sequence[SheetStep]) -> StepUnderTest:
        positions = Positions(training, alike[0])
        graph, mentions = StepGraph(training, {}), Mentions(positions, alike)
        return cls(training, alike[0], alike, graph, positions, mentions)

    def with_formulas(self, formulas: Mapping[Address, Pattern]) -> StepUnderTest:
        """Return the same step with further formulas replaced."""
        return replace(self, graph=StepGraph(self.training, {**self.graph.instead, **formulas}))

    def with_loss(self, loss: StepLoss) -> StepUnderTest:
        return replace(self, step=replace(self.step, loss=loss))

    # Numbers for testing it ---------------------------------------------------

    @cached_property
    def random(self) -> Numbers:
        """Random numbers; but a typed 1 remains 1 if the loss doesn't depend on it, since it is a
        slope, such as that of a sum by its bias, and what decides which cell is taken remains."""
        if self.takes_own_samples:
            return self.constants
        ones = self.training.ones if self.step.loss.cells else set()
        ones = ones - self.forward if ones else ones

        def leaf(cell: Address) -> Array:
            decided = self.graph.decided(cell)
            if decided is not None:
                return np.full(POINTS, decided)
            if cell in self.graph.deciding:
                return np.resize(self.positions.values(cell, self.cases), POINTS)
            return np.ones(POINTS) if cell in ones else self._at_random(cell)

        return self.graph.numbers(frozenset(ones), leaf)

    @cached_property
    def cases(self) -> Sequence[SheetStep]:
        """Steps in which formulas choose differently, as in INDEX(…), one of each kind."""
        kinds: dict[tuple[float, ...], SheetStep] = {}
        for step in self.alike:
            cells = (self.positions.there(cell, step) for cell in sorted(self.graph.deciding))
            kinds.setdefault(tuple(map(self.positions.value, cells)), step)
        return list(kinds.values())[:POINTS]

    @cached_property
    def constants(self) -> Numbers:
        """Random weights, with the sheet's own inputs, targets and other numbers."""
        book, alike, weight_cells = self.training.book, self.alike, self.training.weight_cells
        some = [alike[round(k * (len(alike) - 1) / (POINTS - 1))] for k in range(POINTS)]

        def leaf(cell: Address) -> Array:
            unknown = cell in book.patterns and book.values.get(cell) is None
            if unknown or cell in weight_cells:
                return self._at_random(cell)
            return np.resize(self.positions.values(cell, some), POINTS)

        return self.graph.numbers("constants", leaf)

    @cached_property
    def sheet(self) -> Numbers:
        """The values in the file, for each of the similar steps."""
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
        if loss.setting is not None:
            setting = self.graph.node(loss.setting)
            node = node / setting if loss.divides else node * setting
        return node if loss.scale == 1 else node * loss.scale

    @cached_property
    def loss_cells(self) -> set[Address]:
        """The cells that add up to the loss or, if no cell contains it, those of its errors."""
        loss = self.step.loss
        cells: Iterable[Address] = loss.cells
        if loss.assumption:
            each = zip(loss.cells, loss.errors, strict=True)
            sides = ((side, c, e.pattern) for c, e in each for side in (e.output, e.target))
            cells = chain.from_iterable(self.training.cells_in(*side) for side in sides)
        return set(map(self.graph.meant, cells))

    @cached_property
    def gradients(self) -> dict[int, Node]:
        """∂loss/∂w of each weight, by index."""
        cells = enumerate(self.step.weights)
        weights = {j: self.graph.node(cell) for j, cell in cells if cell is not None}
        found = gradients(self.loss, list(weights.values()))
        return {j: found[node] for j, node in weights.items()}

    @cached_property
    def cells_of_values(self) -> dict[Node, Address]:
        """The values on the path to the loss, with the cell of each."""
        _ = self.loss  # their nodes are made with it
        cells = sorted(self.forward, reverse=True)
        known = ((self.graph.known.get(cell), cell) for cell in cells)
        return {node: cell for node, cell in known if isinstance(node, Node)}

    @cached_property
    def names_of_values(self) -> dict[Node, str]:
        """The label of each of these cells, in lower case."""
        label = self.training.label
        return {node: label(cell).lower() for node, cell in self.cells_of_values.items()}

    @cached_property
    def slopes(self) -> dict[Node, Node]:
        """∂loss/∂ every value in a cell on the path to the loss."""
        return gradients(self.loss, list(self.cells_of_values))

    @cached_property
    def chain(self) -> Chain[Node] | None:
        """The paths from the loss back to the weights; None if there are too many to follow."""
        ends = [self.graph.node(cell) for cell in self.step.weights if cell is not None]
        line, patterns = self.training.axis.line, self.training.book.patterns
        units = {
            node: (line(cell), patterns[cell].shape)
            for node, cell in self.cells_of_values.items()
            if cell in patterns and node not in ends
        }
        return chain_of_nodes(self.loss, ends, units, self.random)

    def left_out(self, claim: Claim, weight: int) -> Omissions[Node]:
        """What a claim omits from the gradient of a weight: paths through cells, or slopes; empty
        if it is wrong in another way."""
        cell = self.step.weights[weight]
        if cell is None or self.chain is None:
            return ()
        claimed = np.atleast_1d(self.random.of(self.claim_node(claim)))
        return self.chain.left_out(self.graph.node(cell), claimed)

    def leads_on(self) -> bool:
        """Whether its gradients can be computed: not if a formula tried in it creates a circle."""
        try:
            return len(self.gradients) > 0
        except NotUnderstood:
            return False

    def has_no_influence(self, weight: int) -> bool:
        """Whether the loss doesn't depend on a weight."""
        return bool(np.all(self.random.of(self.gradients[weight]) == 0))

    @cached_property
    def without_influence(self) -> set[int]:
        return set(filter(self.has_no_influence, self.gradients))

    @cached_property
    def forward(self) -> set[Address]:
        """The cells that the loss is computed from, and those of the loss."""
        flow, stop = self.training.flow, self.training.weight_cells
        return flow.behind(self.loss_cells, stop, self.graph.meant).union(self.loss_cells)

    def numbers_in(self, nodes: Iterable[Node]) -> set[Address]:
        """The cells with numbers that some nodes are computed from, without weights."""
        leaves = self.graph.leaf_cells
        cells = {leaves[node] for node in ancestors(list(nodes)) if node in leaves}
        return cells - self.training.weight_cells.keys()

    def behind(self, weight: int) -> set[Address]:
        """The cells that the claims of a weight are computed from."""
        return self.made_of(claim.owner for claim in self.step.claims[weight] if claim.whole)

    def made_of(self, cells: Iterable[Address]) -> set[Address]:
        """The cells that some are computed from within their step."""
        training = self.training
        return training.flow.behind(cells, training.weight_cells, training.plain)

    def formula(self, cell: Address) -> Pattern | None:
        """The formula of a cell, with references as typed there."""
        pattern = self.training.book.patterns.get(cell)
        if pattern is None or cell in self.graph.instead:
            return self.graph.instead.get(cell)
        return self.training.book.reader.read_typed(pattern.text_at(cell), cell)

    @cached_property
    def layout(self) -> tuple[tuple[int, str], ...]:
        """The formulas by position: equal for a step with the same layout on another sheet."""
        patterns = self.training.book.patterns
        return tuple(
            (cell & (LAST_ROW | LAST_COLUMN), patterns[cell].shape if cell in patterns else "")
            for cell in self.step.cells
        )

    @cached_property
    def shapes(self) -> tuple[Counter[str], Counter[str]]:
        """How often each shape of formula occurs, on the backward and on the forward path."""
        patterns = self.training.book.patterns
        cells = [cell for cell in self.step.cells if cell in patterns]
        back, forward = (
            Counter(patterns[cell].shape for cell in cells if (cell in self.forward) == is_forward)
            for is_forward in (False, True)
        )
        return back, forward

    @cached_property
    def makeups(self) -> Counter[str]:
        """How often each structure of formula, in any order, occurs on the backward path."""
        patterns = self.training.book.patterns
        cells = (cell for cell in self.step.cells if cell in patterns and cell not in self.forward)
        return Counter(patterns[cell].makeup for cell in cells)

    # Claims --------------------------------------------------------------------

    def claim_node(self, claim: Claim) -> Node:
        """The claimed gradient, with its sign."""
        replaced = claim.owner in self.graph.instead and claim.whole
        if replaced or claim.owner not in self.training.book.patterns:
            node = self.graph.node(claim.owner)
        else:
            node = self.graph.expression(claim.expression, claim.owner)
        return node if claim.sign > 0 else -node

    def compare(self, claimed: Node, true: Node) -> ClaimVerdict:
        """Whether a claim is the gradient: always, for these numbers only, or not."""
        if self.same(claimed, true):
            return ClaimVerdict.RIGHT
        if self.same(-claimed, true):
            return ClaimVerdict.OPPOSITE
        is_here = self.constants.same(claimed, true)
        return ClaimVerdict.RIGHT_HERE if is_here else ClaimVerdict.WRONG

    def same(self, a: Node, b: Node) -> bool:
        """Whether two nodes are equal for all numbers."""
        return self.random.same(a, b)

    def best(self, weight: int, options: Sequence[Claim]) -> tuple[ClaimVerdict, Claim | None]:
        """The best verdict among the possible readings of a claim."""
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
        """Whether the first reading of a claim was found right in an earlier test."""
        options = self.step.claims[weight]
        return bool(options) and self._case(weight, options[0]) in self._known_right

    def right_weights(self) -> set[int]:
        """The weights whose claims are their gradients for all numbers."""
        claimed = ((weight, options) for weight, options in enumerate(self.step.claims) if options)
        return {w for w, some in claimed if self.best(w, some)[0] is ClaimVerdict.RIGHT}

    def is_right(self) -> bool:
        """Whether every claim is the gradient, for all numbers."""
        return len(self.right_weights()) == sum(map(bool, self.step.claims))

    @cached_property
    def are_all_opposite(self) -> bool:
        """Whether every claim is the gradient with the other sign."""
        claimed = [(weight, options) for weight, options in enumerate(self.step.claims) if options]
        verdicts = {self.best(*claim)[0] for claim in claimed}
        return len(claimed) > 1 and verdicts == {ClaimVerdict.OPPOSITE}

    def wrong_weights(self) -> set[int]:
        """The weights with wrong gradients, even for the sheet's own numbers."""
        claimed = ((weight, options) for weight, options in enumerate(self.step.claims) if options)
        unsure = (one for one in claimed if not self.is_known_right(one[0]))
        return {weight for weight, options in unsure if not self._is_near_enough(weight, options)}

    def climbs(self, weight: int, claim: Claim, verdict: ClaimVerdict) -> bool:
        """Whether an update goes up the slope: it adds the gradient, or subtracts its negative,
        although other updates rightly add that."""
        if verdict is not ClaimVerdict.OPPOSITE:
            return False
        if self.step.loss.is_climbed:
            return claim.sign > 0  # it subtracts the gradient of what is to grow
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
        """Claims that were found right with the original formulas: random numbers never change,
        unless formulas choose otherwise in other steps."""
        is_other = self.graph.instead or self.takes_own_samples or self.graph.deciding
        return set() if is_other else self.training.right_claims

    def relative_error(self, claimed: Node, true: Node) -> float | None:
        """Return the claim's relative error at the sheet's values, in the first step that shows it:
        whoever looks at a finding looks there."""
        a, b = np.broadcast_arrays(self.sheet.of(claimed), self.sheet.of(true))
        with np.errstate(all="ignore"):
            off = np.abs(a - b) / np.abs(b)
        off = off[np.isfinite(off)]
        return float(off[np.argmax(off > CLOSE)]) if off.size else None


# Every gradient at once ---------------------------------------------------------------

TINY = 1e-40
NOTHING = 1e-12
SLOPE_POINTS = 8
FIRST_POINTS = 2
NEARLY = 1e-6  # relative to the largest at the first points: more than rounding errors
MOST_AT_ONCE = 2**20  # numbers kept while alternatives are compared


class StepSlopes:
    """A step with each of some weights perturbed separately, and the claims about those weights.

    Every weight has its own index on one axis, where it has a small imaginary part; the imaginary
    part of the loss there is its slope, exact to the last digit.
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
        """The nodes that are computed from these, in order."""
        if given not in self._known:
            seen = set(given)
            for node in self.order:
                if node not in seen and not seen.isdisjoint(node.inputs):
                    seen.add(node)
            self._known[given] = [n for n in self.order if n in seen and n not in given]
        return self._known[given]

    def right_gradients(self, given: Mapping[Node, Array]) -> Array:
        """Which gradients are right with other values at some nodes: (alternatives, weights). If
        there are many alternatives, those that correct nothing at the first points are all
        False."""
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
    """The values of some alternatives; values shared by all are unchanged."""
    return {n: v[places] if v.ndim > 2 and len(v) > 1 else v for n, v in given.items()}


def _first(values: Array, points: int) -> Array:
    found: Array = values[..., :points] if values.ndim else values
    return found


def _at(values: Array, k: int) -> Array:
    """The values for the k-th weight; the last two axes are weights and points."""
    if values.ndim < 2:
        return values[None] if values.ndim == 1 else values.reshape(1, 1)
    found: Array = values[..., k, :] if values.shape[-2] > 1 else values[..., 0, :]
    return found if found.ndim > 1 else found[None]


def _equal(a: Array, b: Array, within: float) -> Array:
    """Whether two sides are equal along the last axis, wherever both are finite."""
    a, b = np.broadcast_arrays(a, b)
    sure = np.isfinite(a) & np.isfinite(b)
    a, b = np.where(sure, a, 0), np.where(sure, b, 0)
    size = np.maximum(np.abs(a), np.abs(b))
    usual = np.max(size, axis=-1, keepdims=True, initial=0)
    good: Array = np.all(np.abs(a - b) <= within * np.maximum(size, FAINT * usual), axis=-1)
    if a.shape[-1] <= FIRST_POINTS:
        return good
    something = usual[..., 0] > NOTHING  # two zeros prove nothing
    found: Array = good & something & (np.sum(sure, axis=-1) >= ENOUGH_POINTS)
    return found
