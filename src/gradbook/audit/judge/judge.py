"""Holds what a step claims against the chain rule of its own loss."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property

import numpy as np

from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.numbers import POINTS, Numbers, agree, at_random
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.step_graph import StepGraph
from gradbook.audit.training.steps import Step
from gradbook.audit.training.training import Training
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node

RIGHT, HERE, WRONG, OPPOSITE = "right", "right for these numbers", "wrong", "opposite"


class Bench:
    """One step worked as a graph, with numbers to try it."""

    def __init__(
        self,
        training: Training,
        step: Step,
        instead: dict[Address, Pattern] | None = None,
        like: Sequence[Step] = (),
    ) -> None:
        self.training = training
        self.step = step
        self.like = like or [step]
        self.made = StepGraph(training, instead)
        self.random = Numbers(at_random(lambda cell: cell in training.weight_cells))
        self._leaves: dict[Node, Address] = {}

    def with_loss(self, loss: tuple[Address, ...]) -> Bench:
        """The same step, something else being its loss."""
        other = copy(self)
        other.step = replace(self.step, loss=loss)
        for name in ("loss", "true"):
            other.__dict__.pop(name, None)
        return other

    @property
    def leaves(self) -> dict[Node, Address]:
        if len(self._leaves) != len(self.made.leaves):
            self._leaves = {node: cell for cell, node in self.made.leaves.items()}
        return self._leaves

    @cached_property
    def loss(self) -> Node:
        nodes = [self.made.node(cell) for cell in self.step.loss]
        total = nodes[0]
        for node in nodes[1:]:
            total = total + node
        return total

    @cached_property
    def true(self) -> dict[int, Node]:
        """∂loss/∂w of each weight, by its place."""
        weights = {j: self.made.node(cell) for j, cell in enumerate(self.step.weights) if cell}
        found = gradients(self.loss, list(weights.values()))
        return {j: found[node] for j, node in weights.items()}

    def is_idle(self, lane: int) -> bool:
        """Whether a weight has no influence on the loss, wherever it is."""
        slope = self.random.of(self.true[lane], self.leaves)
        return bool(np.all(slope == 0))

    def claimed(self, claim: Claim) -> Node:
        """What is claimed, with its sign."""
        instead = claim.owner in self.made.instead and claim.whole
        if instead or claim.owner not in self.training.book.patterns:
            node = self.made.node(claim.owner)
        else:
            node = self.made.expression(claim.expression, claim.owner)
        return node if claim.sign > 0 else -node

    def verdict(self, lane: int, claim: Claim) -> str:
        """Whether a claim is the gradient: everywhere, for these numbers only, or not."""
        return self.compare(self.claimed(claim), self.true[lane])

    def compare(self, claimed: Node, true: Node) -> str:
        if self.same(claimed, true, self.random):
            return RIGHT
        if self.same(claimed, true, self.constants):
            return HERE
        if self.same(-claimed, true, self.random):
            return OPPOSITE
        return WRONG

    def same(self, a: Node, b: Node, numbers: Numbers) -> bool:
        return agree(numbers.of(a, self.leaves), numbers.of(b, self.leaves))

    @cached_property
    def constants(self) -> Numbers:
        """Random weights, but the sheet's own inputs, targets and other numbers."""
        some = [self.like[0], self.like[len(self.like) // 2], self.like[-1]]

        def leaf(cell: Address) -> Array:
            if cell in self.training.weight_cells:
                return self.random.leaf(cell)
            return np.resize([self.value(self.there(cell, step)) for step in some], POINTS)

        return Numbers(leaf)

    @cached_property
    def sheet(self) -> Numbers:
        """The values that the file gives, one of each step like this."""
        return Numbers(
            lambda cell: np.array([self.value(self.there(cell, step)) for step in self.like])
        )

    def there(self, cell: Address, step: Step) -> Address:
        """The cell that stands in another step where this one stands here."""
        if step is self.step or not step.cells:
            return cell
        if cell in self.step.weights:
            return step.weights[self.step.weights.index(cell)] or cell
        if cell in self.training.weight_cells:
            j, k = self.training.weight_cells[cell]
            cells, further = self.training.weights[j].cells, k + step.number - self.step.number
            return cells[further] if further < len(cells) else cell
        place = self.places.get(cell)
        if place is not None and place < len(step.cells):
            return step.cells[place]
        movers = self.movers.get(self.line(cell))
        if not movers:
            return self._along(cell, step)
        users = set(
            self.training.flow.users.get(cell, ())
        )  # of one table with it, if there are two
        near = min(movers, key=lambda other: (other not in users, abs(other - cell)))
        return cell + self.there(near, step) - near

    def _along(self, cell: Address, step: Step) -> Address:
        """As far from a cell that depends on weights as those are from theirs."""
        if cell not in self.training.varying:
            return cell
        both = zip(self.step.weights, step.weights, strict=True)
        return cell + next((there - here for here, there in both if here and there), 0)

    def owns(self, cell: Address) -> bool:
        """Whether a cell is one of the step's, so that its place in other steps is known."""
        return cell in self.places or cell in self.step.weights

    def line(self, cell: Address) -> tuple[int, int]:
        """The row that a cell stands in, or the column where steps stand side by side."""
        return self.training.axis.crossing(cell)

    @cached_property
    def movers(self) -> dict[tuple[int, int], list[Address]]:
        """The cells of each row of the step that move with it."""
        training = self.training
        found: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
        for cell in dict.fromkeys([*self.step.own, *self.step.cells]):
            if cell in self.step.weights or (cell in training.computed):
                found[self.line(cell)].append(cell)
        return dict(found)

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

    @cached_property
    def foreign(self) -> set[Address]:
        """The cells that are computed from another step's weights, and not from this one's."""
        flow, stop = self.training.flow, self.training.weight_cells
        others = [cell for cell in stop if cell not in self.step.weights]
        return flow.below(others, stop) - flow.below(self.step.own, stop)

    @cached_property
    def unused(self) -> list[Address]:
        """The formulas of the step that neither its loss nor its claims use: where a wrong cell
        stands, what belongs there may be used by nobody."""
        flow, stop = self.training.flow, self.training.weight_cells
        others = flow.below(self.step.own, stop) - self.places.keys() - self.foreign
        return sorted(cell for cell in others if self.line(cell) in self.movers)

    def seen_from(self, cell: Address, home: Address) -> Address:
        """The cell, or another that repeats it on the sheet where it is wanted."""
        beside = [c for c in self.aliases.get(cell, ()) if sheet_of(c) == sheet_of(home)]
        return min(beside, key=lambda c: abs(c - home), default=cell)

    @cached_property
    def places(self) -> dict[Address, int]:
        return {cell: k for k, cell in enumerate(self.step.cells)}

    def value(self, cell: Address) -> float:
        value = self.training.book.values.get(cell)
        if isinstance(value, int | float):
            return float(value)
        return 0.0 if value is None else float("nan")

    def relative_error(self, claimed: Node, true: Node) -> float | None:
        """How far off the claim is at the sheet's values: the middle one of its rows."""
        a, b = self.sheet.of(claimed, self.leaves), self.sheet.of(true, self.leaves)
        a, b = np.broadcast_arrays(a, b)
        with np.errstate(all="ignore"):
            off = np.abs(a - b) / np.abs(b)
        off = off[np.isfinite(off)]
        return float(np.median(off)) if off.size else None


def best(bench: Bench, lane: int, options: Sequence[Claim]) -> tuple[str, Claim | None]:
    """The best verdict among the ways to read a claim."""
    order = (RIGHT, HERE, OPPOSITE, WRONG)
    found: tuple[str, Claim | None] = (WRONG, options[0] if options else None)
    for claim in options:
        try:
            verdict = bench.verdict(lane, claim)
        except NotUnderstood:
            continue
        if verdict == RIGHT:
            _known(bench).add(_case(bench, lane, claim))
        if order.index(verdict) < order.index(found[0]):
            found = verdict, claim
    return found


def known_right(bench: Bench, lane: int) -> bool:
    """Whether the first way to read a claim was found right before, on another bench."""
    options = bench.step.claims[lane]
    return bool(options) and _case(bench, lane, options[0]) in _known(bench)


def all_right(bench: Bench) -> bool:
    """Whether all of a step's claims were found right before."""
    return all(not some or known_right(bench, j) for j, some in enumerate(bench.step.claims))


def _case(bench: Bench, lane: int, claim: Claim) -> object:
    return bench.step.loss, bench.step.weights[lane], claim


def _known(bench: Bench) -> set[object]:
    """What was found right of formulas as they stand: numbers at random are the same each time."""
    return set() if bench.made.instead else bench.training.right
