"""What a value is made of, where that lets it be computed with fewer passes over the data."""

from __future__ import annotations

from math import prod

from gradbook.graph.node import Node
from gradbook.graph.window import Window
from gradbook.targets.c.words import WORDS


def channelwise(node: Node) -> Node | None:
    """What a node repeats: a value per channel, or one, that is the same for every sample."""
    if node.op.name == "repeat":
        return channelwise(node.inputs[0])
    if node.op.name == "spread":
        source = channelwise(node.inputs[0])
        return source if source is not None and len(source.shape) <= 1 else None
    if node.each:
        return None
    if len(node.shape) <= 1:
        return node
    if node.op.name in WORDS:
        sources = [channelwise(source) for source in node.inputs]
        if None not in sources:
            found: list[Node | float] = [source for source in sources if source is not None]
            return node.graph.make(node.op.name, *found, attributes=node.attributes)
    return None


def sum_input(node: Node) -> Node | None:
    """x where the node is the sum of x over the samples, and over its places where it has any."""
    if node.op.name == "total":
        return node.inputs[0]
    if node.op.name == "sum" and node.inputs[0].op.name == "total":
        x = node.inputs[0].inputs[0]
        return x if (len(x.shape), len(node.shape)) == (3, 1) else None
    return None


def mean_of(node: Node) -> Node | None:
    """x where the node is the mean of x over the samples and all places of a channel."""
    if node.op.name != "divide":
        return None
    total, count = node.inputs
    x = sum_input(total)
    if x is None or len(x.shape) > 1 != (total.op.name == "sum"):
        return None
    places = prod(x.shape[1:])
    counted: Node | None = count
    if places != 1:
        pairs = [count.inputs, count.inputs[::-1]] if count.op.name == "multiply" else []
        counted = next((a for a, b in pairs if b.is_constant(places)), None)
    return x if counted is not None and str(counted.name) == "N" else None


def deviation_input(node: Node) -> Node | None:
    """x where the node is x less its mean."""
    if node.op.name != "subtract":
        return None
    x, mean = node.inputs
    source = channelwise(mean)
    return x if source is not None and mean_of(source) is x else None


def is_switch(node: Node) -> bool:
    """1 where a value is positive, else 0."""
    return (
        node.op.name == "choose" and node.inputs[1].is_constant(1) and node.inputs[2].is_constant(0)
    )


def lies_side_by_side(pool_back: Node) -> bool:
    """Whether a pool's windows cover each place of the whole once."""
    (window,) = pool_back.attributes
    side, _ = window.stride if isinstance(window, Window) else (0, 0)
    plain = window == Window((side, side), (side, side))
    return plain and not any(length % side for length in pool_back.shape[1:])
