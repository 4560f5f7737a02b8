"""Values per sample: which of them lie in memory, and where."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from gradbook.graph.node import Node
from gradbook.targets.c.emit.names import Masks, Scope
from gradbook.targets.c.kernels.slides import places
from gradbook.targets.c.plan.memory import Lifetime, slots
from gradbook.targets.c.plan.placing import Pass
from gradbook.targets.c.plan.plan import Plan


class Storage:
    """First every reader says what it `loads`, then all is laid out, then places can be told."""

    def __init__(self, scope: Scope, plan: Plan, masks: Masks) -> None:
        self.scope = scope
        self.plan = plan
        self.masks = masks
        self.loads: set[tuple[Node, Pass]] = set()
        self.made_from: dict[tuple[Pass, Node], tuple[list[Node], list[Node]]] = {}
        self.longer: dict[Node, bool] = {}  # values in memory → read beyond the phase's tile
        self._slot: dict[Node, str] = {}
        self._over: dict[Node, Node] = {}  # value → the one whose place it takes

    def settle(self) -> None:
        longer = dict.fromkeys(self.plan.outputs, True)
        for node, reader in sorted(self.loads, key=lambda load: (load[0].index, load[1].number)):
            made = self.plan.made_in.get(node)
            longer[node] = longer.get(node, False) or made is None or made.phase != reader.phase
        self._over = self._in_place(longer)
        self.longer = longer
        for kind in (True, False):
            self._lay_out([node for node in longer if longer[node] is kind], kind)

    def row(self, node: Node, h: str = "h") -> str:
        """Where row h of its channel c begins."""
        channels, height, width = places(node)
        start = self.whole(node)
        if (channels, height, width) == (1, 1, 1):
            return start
        if height == 1 and width == 1:
            return f"{start} + c"
        return f"{start} + ({h} * {channels} + c) * {width}"

    def is_bits(self, node: Node) -> bool:
        """Whether it lies as one bit for each lane."""
        return node in self.masks or node.op.name == "winners"

    def whole(self, node: Node) -> str:
        """Where it begins in memory."""
        if node not in self.longer:
            return ""  # nothing is settled yet
        place = self._over.get(node, node)
        name = self._slot[place]
        return f"at->e->{name}[at->tile]" if self.longer[place] else f"at->{name}"

    def _in_place(self, stored: dict[Node, bool]) -> dict[Node, Node]:
        """Values written over one they are made from, where nobody reads that any more.

        Only what the gradient of weights reads first: it reads each row once, and what is made
        of it stays behind.
        """
        found: dict[Node, Node] = {}
        taken = set(self.plan.outputs)
        for (made, node), (sources, others) in self.made_from.items():
            for source in sources:
                last = max(reader.number for other, reader in self.loads if other is source)
                if (
                    node in stored
                    and last == made.number
                    and stored[source]
                    and source.op.name != "leaf"
                    and not self.is_bits(source)
                    and source not in {*others, *taken}
                    and _fits(node, source)
                ):
                    found[node] = found.get(source, source)
                    taken.add(source)
                    break
        return found

    def _lay_out(self, nodes: Sequence[Node], longer: bool) -> None:
        """Their places: in the engine for each tile, or in a thread's own room."""
        fields = self.scope.fields
        lines, tiles = (fields.engine, "[TILES]") if longer else (fields.place, "")
        for node in nodes:
            if self.is_bits(node):
                name = self._slot[node] = self.scope.member("value", node)
                size = prod(places(node))
                lines.append(f"bits {name}{tiles}[{size}]; /* {sizes(node)} */")
        own = [node for node in nodes if not self.is_bits(node) and node not in self._over]
        for slot in slots(map(self._lifetime, own)):
            name = self.scope.member("value", slot.nodes[0])
            self._slot.update(dict.fromkeys(slot.nodes, name))
            turns = [x for node in slot.nodes for x in [node, *self._later_in(node)]]
            held = ", then ".join(f"{self.scope.titles.of(n)} {sizes(n)}" for n in turns)
            lines.append(f"vec {name}{tiles}[{slot.size}]; /* {held} */")

    def _later_in(self, node: Node) -> list[Node]:
        """What is written over a value."""
        return [value for value, place in self._over.items() if place is node]

    def _lifetime(self, node: Node) -> Lifetime:
        held = [node, *self._later_in(node)]
        made = self.plan.made_in.get(node)
        readers = [reader.number for value, reader in self.loads if value in held]
        last = len(self.plan.passes) if node in self.plan.outputs else max(readers)
        return Lifetime(node, prod(places(node)), made.number if made else -1, last)


def _fits(node: Node, place: Node) -> bool:
    """Whether no row of it reaches beyond the same row of the other."""
    channels, height, width = places(node)
    other_channels, other_height, other_width = places(place)
    row, other_row = channels * width, other_channels * other_width
    return row <= other_row and row * height <= other_row * other_height


def sizes(node: Node) -> str:
    """Channels×rows×columns"""
    return "×".join(map(str, places(node)))
