"""What the texts of one program refer to: its plan, and the name and place of everything in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gradbook.graph.node import Node
from gradbook.targets.c.emit.names import Names
from gradbook.targets.c.kernels.loops import Kernel
from gradbook.targets.c.kernels.slides import places
from gradbook.targets.c.plan.placing import Pass
from gradbook.targets.c.plan.plan import Plan
from gradbook.targets.c.words import WEIGHT_GRADIENTS

TRAIN, PREDICT = "train", "predict"


@dataclass(frozen=True)
class DropoutMask:
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
    names: Mapping[tuple[str, object], str]  # of members and functions, by kind and node
    arrays: Mapping[Node, str]  # values of the step as a whole → their arrays
    inputs: Mapping[Node, str]  # leaves per sample: 'image' or 'target'
    masks: Mapping[Node, DropoutMask]
    kernels: Mapping[Node, Kernel]  # heavy op → the loop that computes it

    def partial(self, reduction: Node) -> str:
        """What the tiles give towards a sum."""
        return self.names["partial", reduction]

    def array(self, node: Node) -> str | None:
        """Where a value of the step lies, if it lies anywhere."""
        return f"at->e->{self.arrays[node]}" if node in self.arrays else None

    def whole(self, node: Node) -> str:
        """Where a value per sample begins in memory."""
        slot = self.plan.memory.slot_of[node]
        name = self.names["value", slot.nodes[0]]
        return f"at->e->{name}[at->tile]" if slot.lasts else f"at->{name}"

    def row(self, node: Node, h: str = "h", c: str = "c") -> str:
        """Where row h of its channel c begins."""
        channels, height, width = places(node)
        start = self.whole(node)
        if (channels, height, width) == (1, 1, 1):
            return start
        if height == 1 and width == 1:
            return f"{start} + {c}"
        return f"{start} + ({h} * {channels} + {c}) * {width}"

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
        also = f"_and_{titles[one.stores[-1]]}" if one.beside else ""
        return f"gradients_{titles[one.heavy]}{also}"
    named = one.stores[-1:] or one.sums[:1]
    return titles[named[0]] if named else f"pass{one.number}"


def names_of(
    plan: Plan,
    kernels: Mapping[Node, Kernel],
    titles: Mapping[Node, str],
    arrays: Mapping[Node, str],
    prefix: str,
    taken: tuple[Names, Names],
) -> dict[tuple[str, object], str]:
    """What the members of structs and the functions of a program are called, by kind and node.

    `arrays` have their names already; `taken` are the members and functions of other programs.
    """
    members, functions = taken
    wishes: dict[tuple[str, object], str] = {}
    for one, rows in plan.rows.items():
        what = pass_title(one, titles)
        for number, row in enumerate(rows.readers):
            several = f"{titles[row.result]}_for_" if row.result and len(rows.readers) > 1 else ""
            wishes["read", (one.number, number)] = f"{several}{what}"
        wishes |= {("finish", one.number): what, ("pass", one.number): what}
    for number, group in enumerate(plan.whole.updates):
        wishes["update", number] = min((arrays[x] for x in group.leaves if x in arrays), key=len)
    for heavy, kernel in kernels.items():
        if kernel.packing:
            wishes["pack", heavy] = arrays[kernel.packing.weights]
    found = {
        key: functions.of((prefix, key), f"{key[0]}_{prefix}{what}") for key, what in wishes.items()
    }

    wishes = {}
    for each in (each for rows in plan.rows.values() for each in rows.sums if not each.beside):
        wishes["partial", each.node] = f"{titles[each.node]}_of"
    for slot in plan.memory.slots:
        wishes["value", slot.nodes[0]] = titles[slot.nodes[0]]
    for node in plan.whole.all_arrays:
        if node not in arrays:
            wishes["array", node] = titles[node]
    for heavy, kernel in kernels.items():
        if kernel.gradients:
            wishes["partial", heavy] = f"{titles[heavy]}_of"
        if kernel.packing:
            wishes["packed", heavy] = f"{titles[heavy]}_packed"
    found |= {key: members.of(key, f"{prefix}{what}") for key, what in wishes.items()}
    return found
