"""Which values may lie in the same place, one after the other.

What is kept decides how much has to come through the cache: a value that nobody reads any more
leaves its place to the next.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gradbook.graph.node import Node


@dataclass(frozen=True)
class Lifetime:
    """From the pass that makes a value to the last that reads it."""

    node: Node
    size: int
    first: int
    last: int


@dataclass
class Slot:
    """A place, and the values that lie there in turn."""

    size: int = 0
    free_after: int = -1
    nodes: list[Node] = field(default_factory=list)


def slots(lifetimes: Iterable[Lifetime]) -> list[Slot]:
    """Each value takes the free place that fits it best, or a new one."""
    found: list[Slot] = []
    for life in sorted(lifetimes, key=lambda life: (life.first, life.node.index)):
        free = [slot for slot in found if slot.nodes and slot.free_after < life.first]
        slot = min(free, key=lambda slot: abs(slot.size - life.size), default=None)
        if slot is None or not life.size / 2 <= slot.size <= life.size * 2:
            slot = Slot()
            found.append(slot)
        slot.size = max(slot.size, life.size)
        slot.free_after = life.last
        slot.nodes.append(life.node)
    return found
