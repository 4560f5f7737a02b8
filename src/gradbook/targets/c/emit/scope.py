"""What the texts of one program refer to: its plan, and the name and place of everything in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gradbook.graph.node import Node
from gradbook.targets.c.emit.names import Names
from gradbook.targets.c.kernels.loops import Kernel
from gradbook.targets.c.kernels.slides import places
from gradbook.targets.c.plan.placing import Pass
from gradbook.targets.c.plan.plan import Plan
from gradbook.targets.c.words import WEIGHT_GRADIENTS

TRAIN = "train"


@dataclass(frozen=True)
class Dropped:
    """A dropout mask: the scale of what is kept, and how it is drawn."""

    scale: float
    layer: int
    below: int  # of 2¹⁶: a piece below it is dropped


@dataclass(frozen=True)
class Members:
    """What texts need in `struct engine`, in each thread's `struct place` and in `struct line`."""

    engine: tuple[str, ...] = ()
    place: tuple[str, ...] = ()
    scratch: int = 1  # vectors
    line: Mapping[str, int] = field(default_factory=dict)  # how many of each kind

    @staticmethod
    def of_all(all_of_them: Iterable[Members]) -> Members:
        several = list(all_of_them)
        most: Counter[str] = Counter()
        for one in several:
            most |= Counter(one.line)
        return Members(
            tuple(line for one in several for line in one.engine),
            tuple(line for one in several for line in one.place),
            max((one.scratch for one in several), default=1),
            most,
        )


@dataclass(frozen=True)
class Piece:
    """A function or several, and the members that they use."""

    text: str
    members: Members = field(default_factory=Members)


@dataclass(frozen=True)
class Scope:
    """Members and functions are called alike in all programs, but for the prefix."""

    program: str
    plan: Plan
    titles: Mapping[Node, str]
    members: Mapping[tuple[str, Node], str]
    functions: Mapping[tuple[str, object], str]
    arrays: Mapping[Node, str]  # values of the step as a whole → their arrays
    inputs: Mapping[Node, str]  # leaves per sample: 'image' or 'target'
    masks: Mapping[Node, Dropped]
    kernels: Mapping[Node, Kernel]  # heavy op → the loop that computes it

    def partial(self, reduction: Node) -> str:
        """What the tiles give towards a sum."""
        return self.members["partial", reduction]

    def array(self, node: Node) -> str | None:
        """Where a value of the step lies, if it lies anywhere."""
        return f"at->e->{self.arrays[node]}" if node in self.arrays else None

    def whole(self, node: Node) -> str:
        """Where a value per sample begins in memory."""
        slot = self.plan.memory.slot_of[node]
        name = self.members["value", slot.nodes[0]]
        return f"at->e->{name}[at->tile]" if slot.lasts else f"at->{name}"

    def row(self, node: Node, h: str = "h") -> str:
        """Where row h of its channel c begins."""
        channels, height, width = places(node)
        start = self.whole(node)
        if (channels, height, width) == (1, 1, 1):
            return start
        if height == 1 and width == 1:
            return f"{start} + c"
        return f"{start} + ({h} * {channels} + c) * {width}"

    def bits_scale(self, node: Node) -> str | None:
        """What a set bit stands for, where a value lies as bits."""
        if node.op.name == "winners":
            return "1"
        return f"(real){self.masks[node].scale!r}" if node in self.masks else None


def sizes(node: Node) -> str:
    """Channels×rows×columns"""
    return "×".join(map(str, places(node)))


def pass_title(one: Pass, titles: Mapping[Node, str]) -> str:
    """What a pass is for."""
    if one.heavy is not None and one.heavy.op.name in WEIGHT_GRADIENTS:
        also = f"_and_{titles[one.kept[-1]]}" if one.beside else ""
        return f"slopes_{titles[one.heavy]}{also}"
    named = one.kept[-1:] or one.sums[:1]
    return titles[named[0]] if named else f"pass{one.number}"


def member_names(
    plan: Plan,
    kernels: Mapping[Node, Kernel],
    outside: Collection[Node],
    wish: Callable[[Node], str],
    names: Names,
) -> dict[tuple[str, Node], str]:
    """A name for each array, each sum's parts, each slot of memory, and each packing of weights.

    The arrays of values read from `outside` have theirs.
    """

    def wishes() -> Iterator[tuple[str, Node, str]]:
        for rows in plan.rows.values():
            for each in rows.sums:
                if not each.beside:
                    yield "partial", each.node, "_of"
        for slot in plan.memory.slots:
            yield "value", slot.nodes[0], ""
        for node in plan.whole.all_arrays:
            if node not in outside:
                yield "array", node, ""
        for heavy, kernel in kernels.items():
            if kernel.slopes:
                yield "partial", heavy, "_of"
            if kernel.packing:
                yield "packed", heavy, "_packed"

    return {
        (kind, node): names.of((kind, node), f"{wish(node)}{ending}")
        for kind, node, ending in wishes()
    }
