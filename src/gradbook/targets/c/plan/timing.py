"""What a step needs of its graph, and in which phase each value can be read.

Between two phases the threads meet, because something was summed over the whole batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from functools import cache

from gradbook.graph.node import Node, needed
from gradbook.targets.c.kernels.tiling import go_together
from gradbook.targets.c.rewrite.patterns import deviation_input, sum_input
from gradbook.targets.c.words import WEIGHT_GRADIENTS

FIRST = 1  # phase 0 fetches the images


def batch_sum_input(node: Node) -> Node | None:
    """x where the node is the sum of x over the batch."""
    x = sum_input(node)
    return x if x is not None and x.each else None


def sources(node: Node) -> tuple[Node, ...]:
    """What it is computed from; of a sum over the batch, what is summed."""
    x = batch_sum_input(node)
    return node.inputs if x is None else (x,)


class Timing:
    """The nodes behind these, who reads them, and when."""

    def __init__(self, roots: Collection[Node]) -> None:
        self.order = needed(roots, sources=sources)
        self.consumers: defaultdict[Node, list[Node]] = defaultdict(list)
        for node in self.order:
            for source in sources(node):
                self.consumers[source].append(node)
        self.moments = self._moments()
        self.beside = self._pairs()
        self.ready_at = cache(self._ready)
        self.phase_of = cache(self._phase)

    # What goes together.

    def _moments(self) -> dict[Node, Node]:
        """Σ(x − mean of x)² is known with Σ x, if that is what the mean is made from."""
        found = {}
        for node in self.order:
            square = batch_sum_input(node)
            if square and square.op.name == "power" and square.inputs[1].is_constant(2):
                x = deviation_input(square.inputs[0])
                if x is not None:
                    found[node] = x
        return found

    def _pairs(self) -> dict[Node, Node]:
        """Gradients of weights, and those of the input that are made in the same loop."""
        return {
            weights: back
            for weights in self.order
            if weights.op.name == "conv_weights"
            for back in self.consumers[weights.inputs[0]]
            if go_together(weights, back)
        }

    def sum_beside(self, squares: Node) -> Node:
        """Σ x for a Σ(x − mean)²."""
        x = self.moments[squares]
        return next(n for n in self.order if n not in self.moments and batch_sum_input(n) is x)

    # When.

    def _ready(self, node: Node) -> int:
        if node in self.moments:
            return self.phase_of(self.moments[node]) + 1
        x = batch_sum_input(node)
        if x is not None:
            return self.phase_of(x) + 1
        return max((self.ready_at(source) for source in node.inputs), default=FIRST)

    def _phase(self, node: Node) -> int:
        return max(
            (
                self.phase_of(source) if source.each else self.ready_at(source)
                for source in node.inputs
            ),
            default=FIRST,
        )

    def due(self, node: Node) -> int:
        """The phase in which it is computed."""
        return self.ready_at(node) - 1 if batch_sum_input(node) else self.phase_of(node)

    def turn(self, node: Node) -> float:
        """In the order they were made; a sum of what a gradient of weights reads, after that."""
        x = batch_sum_input(node)
        if x is not None:
            readers = [after for after in self.consumers[x] if after.op.name in WEIGHT_GRADIENTS]
            if readers and readers[0].inputs[0] is x:
                return max(self.turn(readers[0]) + 0.5, node.index)
        return self.beside.get(node, node).index
