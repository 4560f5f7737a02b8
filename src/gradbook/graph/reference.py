"""The plain evaluation of a graph in float64, op by op: slow, obvious, and the definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gradbook.graph.node import Array, Node, ancestors
from gradbook.graph.window import Shape

Values = dict[Node, Array]


def evaluate(outputs: Sequence[Node], known: Mapping[Node, Array]) -> Values:
    """The value of each output and of everything it depends on, from the leaves' values."""
    order = ancestors(outputs)
    return evaluate_in_order(order, known, samples_in(order, known))


def samples_in(order: Sequence[Node], known: Mapping[Node, Array]) -> int:
    """The number of samples in the leaves' values."""
    return next((len(known[node]) for node in order if node.each and node in known), 1)


def evaluate_in_order(
    order: Sequence[Node],
    known: Mapping[Node, Array],
    samples: int,
    side_by_side: Shape = (),
) -> Values:
    """The values of nodes given in an order of computation, for so many samples.

    Single numbers may have several values side by side, along a last axis.
    """
    values: Values = {}
    with np.errstate(all="ignore"):  # a diverging network overflows, as its values show
        for node in order:
            if node in known:
                values[node] = known[node]
                continue
            value = node.op.value(*(values[source] for source in node.inputs), *node.attributes)
            if node.each and np.ndim(value) <= len(node.shape) + len(side_by_side):
                value = np.broadcast_to(value, (samples, *node.shape, *side_by_side))
            values[node] = value
    return values
