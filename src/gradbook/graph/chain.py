"""The chain rule: from one value back to everything it was made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import reduce
from operator import add

from gradbook.graph.node import Node, needed
from gradbook.graph.tensors import sum_last


def gradients(of: Node, wrt: Sequence[Node], stop: Collection[Node] = ()) -> dict[Node, Node]:
    """∂of/∂x for each x of `wrt` and for every value on the way to it, as nodes of the graph.

    The walk doesn't go behind the values of `stop`: so the partials of a single formula are
    found, with the values that it mentions held apart. What reaches a value over several paths
    is added in the order in which the paths were written; where nothing does, the gradient is 0.
    Where `of` is one value per sample, so are its partials.
    """
    path = _between(of, wrt, stop)
    shares: defaultdict[Node, list[Node]] = defaultdict(list)
    shares[of].append(of.graph.constant(1))
    found = {node: of.graph.constant(0) for node in wrt}
    for node in sorted(path, key=lambda node: -node.index):
        if not shares[node]:
            continue
        d = found[node] = _gathered(node, shares[node], by_sample=node.each or of.each)
        if node in stop and node is not of:
            continue
        for source, share in zip(
            reversed(node.inputs), reversed(node.op.derivative(d, node, *node.inputs)), strict=True
        ):
            if share is not None and source in path:
                shares[source].append(share)
    return found


def _between(of: Node, wrt: Sequence[Node], stop: Collection[Node]) -> set[Node]:
    """The values through which one of `wrt` reaches `of`."""
    path = set(wrt)
    within = needed([of], stop)
    for node in within:
        open_to_change = node not in stop or node is of
        if open_to_change and any(source in path for source in node.inputs):
            path.add(node)
    return path & set(within)


def _gathered(node: Node, shares: Sequence[Node], by_sample: bool) -> Node:
    """The sum of what reaches a value; they come last path first."""
    fitting = [sum_last(share, len(share.shape) - len(node.shape)) for share in reversed(shares)]
    if by_sample:
        return reduce(add, fitting)
    each = [share for share in fitting if share.each]
    once = [share for share in fitting if not share.each]
    if each:
        once.insert(0, node.graph.make("total", reduce(add, each)))
    return reduce(add, once)
