"""Which values of a step are kept in memory; all others are computed where they are read."""

from __future__ import annotations

from collections.abc import Collection

from gradbook.errors import TargetError
from gradbook.graph.node import Node, needed
from gradbook.targets.c.kinds import COSTLY, ELSEWHERE, HEAVY, POINTWISE, WEIGHTS
from gradbook.targets.c.linear import channelwise
from gradbook.targets.c.timing import Timing, is_reduction

KNOWN = HEAVY | POINTWISE | {"leaf", "constant", "total"}


def kept(outputs: Collection[Node], timing: Timing) -> set[Node]:
    found = set(outputs)
    for node in timing.order:
        if node.op.name not in KNOWN and node.each:
            raise TargetError(f"the engine has no word for {node.op.name}")
        if not node.each or is_reduction(node):
            continue
        if node.op.name == "leaf":
            found.add(node)
        elif node.op.name in HEAVY - WEIGHTS:
            found.add(_end_of_chain(node, outputs, timing))
        elif node.op.name == "unpooled" or (node.op.name == "spread" and channelwise(node) is None):
            found.add(node.inputs[0])
        elif node.op.name in COSTLY or _divides(node):
            found.add(node)
    return found


def _divides(node: Node) -> bool:
    return node.op.name == "divide" and node.inputs[1].each


def _end_of_chain(node: Node, outputs: Collection[Node], timing: Timing) -> Node:
    """The furthest value that alone is read of what follows a heavy op, without a wait."""
    current = node
    while current not in outputs and len(timing.consumers[current]) == 1:
        (after,) = timing.consumers[current]
        if not _goes_along(after, node, timing):
            break
        current = after
    return current


def _goes_along(after: Node, node: Node, timing: Timing) -> bool:
    """Whether it is computed place by place, and waits for nothing that comes after the node."""
    phase = timing.phase_of(node)
    return (
        after.op.name in POINTWISE - ELSEWHERE
        and not is_reduction(after)
        and after.shape == node.shape
        and timing.phase_of(after) == phase
        and not any(
            other.op.name in HEAVY and other.index > node.index and timing.phase_of(other) == phase
            for other in needed([after])
            if other.each
        )
    )
