"""Where values lie in memory, and which of them lie in the same place, one after the other.

What is kept decides how much has to come through the cache: a value that nobody reads any more
leaves its place to the next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from gradbook.graph.node import Node
from gradbook.targets.c.kernels.slides import places
from gradbook.targets.c.plan.passes import Pass
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
    passes: Sequence[Pass],
    made_in: Mapping[Node, Pass],
    outputs: Sequence[Node],
    masks: Collection[Node],
) -> Memory:
    """`masks` are leaves that lie as bits."""
    loads = {(node, reader) for reader in passes for node in reader.loads}
    lasts = dict.fromkeys(outputs, True)
    for node, reader in sorted(loads, key=lambda load: (load[0].index, load[1].number)):
        maker = made_in.get(node)
        lasts[node] = lasts.get(node, False) or maker is None or maker.phase != reader.phase
    bits = {node for node in lasts if node in masks or node.op.name == "winners"}
    last_read = {node: 0 for node, _ in loads}
    for node, reader in loads:
        last_read[node] = max(last_read[node], reader.number)

    over: dict[Node, Node] = {}
    taken = {*outputs, *bits}
    for walk in passes:
        for node, source in _replaced(walk):
            free = last_read[source] == walk.number and lasts[source] and source not in taken
            if free and node in lasts and node not in over and _fits(node, source):
                over[node] = over.get(source, source)
                taken.add(source)

    def lifetime(node: Node) -> Lifetime:
        held = [node, *_written_over(node, over)]
        maker = made_in.get(node)
        last = max((last_read[x] for x in held if x in last_read), default=0)
        last = len(passes) if node in outputs else last
        return Lifetime(node, prod(places(node)), maker.number if maker else -1, last)

    found: list[Slot] = []
    for kind in (True, False):
        nodes = [node for node in lasts if lasts[node] is kind]
        found += [
            Slot(prod(places(n)), nodes=[n], lasts=kind, bits=True) for n in nodes if n in bits
        ]
        found += slots((lifetime(n) for n in nodes if n not in bits and n not in over), kind)
    slot_of = {node: slot for slot in found for node in slot.nodes}
    return Memory({node: slot_of[over.get(node, node)] for node in lasts}, found, over)


def _written_over(node: Node, over: Mapping[Node, Node]) -> list[Node]:
    return [value for value, place in over.items() if place is node]


def _replaced(walk: Pass) -> Iterator[tuple[Node, Node]]:
    """What a gradient of weights keeps, and values it reads that this may be written over.

    Its loop reads each row of the slopes once, and what is made of a row stays behind it.
    """
    if walk.heavy is None or walk.heavy.op.name not in WEIGHT_GRADIENTS:
        return
    slopes, others = (row.loads_by_place for row in walk.readers)
    finished = walk.finisher.loads_by_place if walk.finisher else []
    for node in [*walk.shared, *walk.kept]:
        for source in slopes:
            if source.op.name != "leaf" and source not in others and source not in finished:
                yield node, source


def _fits(node: Node, place: Node) -> bool:
    """Whether no row of it reaches beyond the same row of the other."""
    channels, height, width = places(node)
    other_channels, other_height, other_width = places(place)
    row, other_row = channels * width, other_channels * other_width
    return row <= other_row and row * height <= other_row * other_height
