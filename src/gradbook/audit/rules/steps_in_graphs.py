"""Steps in an update's graph: nodes that depend on the weights, and have no slope in them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from enum import IntEnum

from gradbook.graph.node import Node, needed

LINEAR = ("add", "subtract", "negate", "copy")


class Dependence(IntEnum):
    """How a node depends on the weights."""

    NONE = 0
    STEP = 1  # by its conditions only
    SLOPE = 2


def dependences(roots: Sequence[Node], weights: Collection[Node]) -> dict[Node, Dependence]:
    """How each node that the roots are made of depends on the weights."""
    found: dict[Node, Dependence] = {}
    for node in needed(roots):
        inputs = [found[source] for source in node.inputs]
        if node in weights:
            found[node] = Dependence.SLOPE
        elif node.op.name == "choose":
            condition, *branches = inputs
            found[node] = max(min(condition, Dependence.STEP), *branches)
        else:
            found[node] = max(inputs, default=Dependence.NONE)
    return found


def activations(root: Node, depends: dict[Node, Dependence]) -> list[Node]:
    """The nodes that are steps of the weights and of nothing else, the outermost first."""
    pure: dict[Node, bool] = {}
    for node in needed([root]):
        values = node.inputs
        if node.op.name == "choose" and depends[node.inputs[0]] is Dependence.SLOPE:
            values = node.inputs[1:]
        pure[node] = node.is_constant() or (bool(values) and all(pure[v] for v in values))
    steps = [node for node in pure if pure[node] and depends[node] is Dependence.STEP]
    return steps[::-1]


def conditions(activation: Node, depends: dict[Node, Dependence]) -> Iterator[Node]:
    """What an activation is a step of."""
    for node in needed([activation]):
        if node.op.name == "choose" and depends[node.inputs[0]] is Dependence.SLOPE:
            yield node.inputs[0]


def net_of(condition: Node, depends: dict[Node, Dependence]) -> Node | None:
    """The weighted sum in a condition: its largest part that is linear in the weights."""
    linear = _linear(condition, depends)
    waiting = [condition]
    while waiting:
        node = waiting.pop(0)
        if depends[node] is Dependence.SLOPE:
            if linear[node]:
                return node
            waiting.extend(node.inputs)
    return None


def _linear(root: Node, depends: dict[Node, Dependence]) -> dict[Node, bool]:
    found: dict[Node, bool] = {}
    for node in needed([root]):
        sloped = [s for s in node.inputs if depends[s] is not Dependence.NONE]
        match node.op.name:
            case "multiply":
                able = len(sloped) <= 1
            case "divide":
                able = node.inputs[1] not in sloped
            case name:
                able = name in LINEAR or not sloped
        found[node] = able and all(found[source] for source in sloped)
    return found


def leaves_of(nodes: Sequence[Node]) -> set[Node]:
    """The leaves that some nodes are made of."""
    return {node for node in needed(nodes) if node.op.name == "leaf"}
