"""Where values lie in memory, and which of them lie in the same place, one after the other.

What is kept decides how much has to come through the cache: a value that nobody reads any more
leaves its place to the next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from gradbook.graph.node import Node
from gradbook.targets.c.kernels.slides import places
from gradbook.targets.c.plan.placing import Pass
from gradbook.targets.c.plan.rows import Rows
from gradbook.targets.c.words import WEIGHT_GRADIENTS


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
    lasts: bool = True  # beyond a phase, so that each tile has its own; else each thread
    bits: bool = False  # one bit for each lane


def slots(lifetimes: Iterable[Lifetime], lasts: bool = True) -> list[Slot]:
    """Each value takes the free place that fits it best, or a new one."""
    found: list[Slot] = []
    for life in sorted(lifetimes, key=lambda life: (life.first, life.node.index)):
        free = [slot for slot in found if slot.free_after < life.first]
        slot = min(free, key=lambda slot: abs(slot.size - life.size), default=None)
        if slot is None or not life.size / 2 <= slot.size <= life.size * 2:
            slot = Slot(lasts=lasts)
            found.append(slot)
        slot.size = max(slot.size, life.size)
        slot.free_after = life.last
        slot.nodes.append(life.node)
    return found


@dataclass(frozen=True)
class Memory:
    """The slot of every value that is read again, and all slots in order.

    `over` has the values that are written over another one, while that is read.
    """

    slot_of: Mapping[Node, Slot]
    slots: Sequence[Slot]
    over: Mapping[Node, Node]

    def turns(self, slot: Slot) -> list[Node]:
        """Who lies there, one after the other."""
        return [x for node in slot.nodes for x in [node, *_written_over(node, self.over)]]


def laid_out(
    passes: Mapping[Pass, Rows],
    made_in: Mapping[Node, Pass],
    outputs: Sequence[Node],
    masks: Collection[Node],
) -> Memory:
    """`masks` are leaves that lie as bits."""
    lasts = dict.fromkeys(outputs, True)
    last_read = dict.fromkeys(outputs, len(passes))
    loads = {(node, reader) for reader, rows in passes.items() for node in rows.loads}
    for node, reader in sorted(loads, key=lambda load: (load[0].index, load[1].number)):
        maker = made_in.get(node)
        lasts[node] = lasts.get(node, False) or maker is None or maker.phase != reader.phase
        last_read[node] = max(last_read.get(node, 0), reader.number)
    bits = {node for node in lasts if node in masks or node.op.name == "winners"}
    durable = {node for node in lasts if lasts[node]} - bits - {*outputs}
    over = _overwriting(passes, [node for node in lasts if node not in bits], durable, last_read)

    def lifetime(node: Node) -> Lifetime:
        maker, held = made_in.get(node), [node, *_written_over(node, over)]
        last = max(last_read[value] for value in held)
        return Lifetime(node, prod(places(node)), maker.number if maker else -1, last)

    found: list[Slot] = []
    for kind in (True, False):
        nodes = [node for node in lasts if lasts[node] is kind]
        flags = [node for node in nodes if node in bits]
        found += [Slot(prod(places(n)), nodes=[n], lasts=kind, bits=True) for n in flags]
        own = [node for node in nodes if node not in bits and node not in over]
        found += slots(map(lifetime, own), kind)
    slot_of = {node: slot for slot in found for node in slot.nodes}
    return Memory({node: slot_of[over.get(node, node)] for node in lasts}, found, over)


def _overwriting(
    passes: Mapping[Pass, Rows],
    stored: Collection[Node],
    free: Collection[Node],
    last_read: Mapping[Node, int],
) -> dict[Node, Node]:
    """Values written over one they are made from, where nobody reads that any more.

    Only over what comes back to a gradient of weights: its loop reads each of these rows once, and
    what is made of a row stays behind it.
    """
    over: dict[Node, Node] = {}
    taken: set[Node] = set()
    for one, rows in passes.items():
        if one.heavy is None or one.heavy.op.name not in WEIGHT_GRADIENTS:
            continue
        back, others = rows.readers
        busy = {*others.loads, *(rows.finisher.loads if rows.finisher else ())}
        for node in [*one.shared, *one.stores]:
            for source in back.loads_by_place:
                unused = source in free and source not in taken and source not in busy
                unused = unused and source.op.name != "leaf" and last_read[source] == one.number
                if unused and node in stored and node not in over and _fits(node, source):
                    over[node] = over.get(source, source)
                    taken.add(source)
    return over


def _written_over(node: Node, over: Mapping[Node, Node]) -> list[Node]:
    return [value for value, place in over.items() if place is node]


def _fits(node: Node, place: Node) -> bool:
    """Whether no row of it reaches beyond the same row of the other."""
    channels, height, width = places(node)
    other_channels, other_height, other_width = places(place)
    row, other_row = channels * width, other_channels * other_width
    return row <= other_row and row * height <= other_row * other_height
