"""A step's claims held against the chain rule of its own loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property, reduce
from operator import add

import numpy as np

from gradbook.audit.formula.address import LAST_COLUMN, LAST_ROW, Address
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.assumed_loss import error_cells, loss_node
from gradbook.audit.judge.mentions import Mentions
from gradbook.audit.judge.numbers import POINTS, Numbers, random_values
from gradbook.audit.judge.omissions import Chain, Omissions, chain_of_nodes
from gradbook.audit.judge.positions import Positions
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.steps import SheetStep, StepGraph, StepLoss
from gradbook.audit.training.training import SheetTraining
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node


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
    random: Numbers
    constants: Numbers  # random weights, but the sheet's own inputs, targets and other numbers
    sheet: Numbers  # the values that the file gives, one of each step like this
    positions: Positions
    mentions: Mentions

    @classmethod
    def of(cls, training: SheetTraining, alike: Sequence[SheetStep]) -> StepUnderTest:
        """The first of steps that are alike."""
        positions = Positions(training, alike[0])
        return cls._of(positions, Mentions(positions, alike), {})

    @classmethod
    def _of(
        cls, positions: Positions, mentions: Mentions, formulas: Mapping[Address, Pattern]
    ) -> StepUnderTest:
        training, alike = positions.training, mentions.alike
        graph = StepGraph(training, formulas)
        at_random = random_values(training.weight_cells)
        some = [alike[0], alike[len(alike) // 2], alike[-1]]

        book = training.book

        def constant(cell: Address) -> Array:
            unknown = cell in book.patterns and book.values.get(cell) is None
            if unknown or cell in training.weight_cells:
                return at_random(cell)
            return np.resize(positions.values(cell, some), POINTS)

        leaves = (at_random, constant, lambda cell: positions.values(cell, alike))
        random, constants, sheet = (Numbers(leaf, graph.leaf_cells) for leaf in leaves)
        return cls(training, alike[0], alike, graph, random, constants, sheet, positions, mentions)

    def with_formulas(self, formulas: Mapping[Address, Pattern]) -> StepUnderTest:
        """The same step with other formulas in more of its cells."""
        every = {**self.graph.instead, **formulas}
        return replace(self._of(self.positions, self.mentions, every), step=self.step)

    def with_loss(self, loss: StepLoss) -> StepUnderTest:
        """The same step, something else being its loss."""
        return replace(self, step=replace(self.step, loss=loss))

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
        """The cells that the loss is the sum of or, where none holds it, those of its errors."""
        loss = self.step.loss
        cells = error_cells(self.training, loss) if loss.assumption else loss.cells
        return set(map(self._meant, cells))

    @cached_property
    def gradients(self) -> dict[int, Node]:
        """∂loss/∂w of each weight, by its number."""
        cells = enumerate(self.step.weights)
        weights = {j: self.graph.node(cell) for j, cell in cells if cell is not None}
        found = gradients(self.loss, list(weights.values()))
        return {j: found[node] for j, node in weights.items()}

    @cached_property
    def held(self) -> dict[Node, Address]:
        """The values on the way to the loss, with the cell that holds each."""
        cells = sorted(self.forward, reverse=True)
        known = ((self.graph.known.get(cell), cell) for cell in cells)
        return {node: cell for node, cell in known if isinstance(node, Node)}

    @cached_property
    def slopes(self) -> dict[Node, Node]:
        """∂loss/∂ every value on the way to it that a cell holds."""
        return gradients(self.loss, list(self.held))

    @cached_property
    def chain(self) -> Chain[Node] | None:
        """The ways from the loss back to the weights; None where they are too many to follow."""
        ends = [self.graph.node(cell) for cell in self.step.weights if cell is not None]
        line, patterns = self.training.axis.line, self.training.book.patterns
        units = {
            node: (line(cell), patterns[cell].shape)
            for node, cell in self.held.items()
            if cell in patterns and node not in ends
        }
        return chain_of_nodes(self.loss, ends, units, self.random)

    def left_out(self, claim: Claim, weight: int) -> Omissions[Node]:
        """What a claim leaves out of the gradient of a weight: ways through cells, slopes; nothing
        where it is wrong in another way."""
        cell = self.step.weights[weight]
        if cell is None or self.chain is None:
            return ()
        claimed = np.atleast_1d(self.random.of(self.claimed(claim)))
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
        return self.training.book.reader.typed(pattern.text_at(cell), cell)

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

    def claimed(self, claim: Claim) -> Node:
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

    def best(self, weight: int, options: Sequence[Claim]) -> tuple[ClaimVerdict, Claim | None]:
        """The best verdict among the ways to read a claim."""
        found: tuple[ClaimVerdict, Claim | None] = (
            ClaimVerdict.WRONG,
            options[0] if options else None,
        )
        for claim in options:
            try:
                verdict = self.compare(self.claimed(claim), self.gradients[weight])
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

    def wrong_weights(self) -> set[int]:
        """The weights whose gradients aren't, not even for the sheet's own numbers."""
        return {
            weight
            for weight, options in enumerate(self.step.claims)
            if options
            and not self.is_known_right(weight)
            and not self._is_near_enough(weight, options)
        }

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
        """How far off the claim is at the sheet's values: the middle one of its rows."""
        a, b = np.broadcast_arrays(self.sheet.of(claimed), self.sheet.of(true))
        with np.errstate(all="ignore"):
            off = np.abs(a - b) / np.abs(b)
        off = off[np.isfinite(off)]
        return float(np.median(off)) if off.size else None
