"""The means to write a program's C: names, pieces of text, and where each value lies."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gradbook.graph.node import Node
from gradbook.layers import Role
from gradbook.targets.c.c_ops import WEIGHT_GRADIENTS
from gradbook.targets.c.convolutions import places
from gradbook.targets.c.loops import Kernel
from gradbook.targets.c.pass_plan import Plan
from gradbook.targets.c.placing import Pass
from gradbook.targets.c.rewrite import sum_input

# Names ----------------------------------------------------------------------------

GREEK = {"∂E/∂": "dE_d", "σ²": "var", "μ": "mu", "σ": "sigma", "η": "rate", "²": "2"}
GREEK |= {role: role.typed for role in Role}
RESERVED = re.compile(  # words of C, and those that the hand-written parts use
    "all|at|auto|bits|c|choose|do|e|for|h|if|int|k|mask|place|real|room|root|row|tile|to|vec|w"
)
MADE_BY = {
    "add": "{}_plus_{}",
    "subtract": "{}_less_{}",
    "multiply": "{}_times_{}",
    "divide": "{}_over_{}",
    "negate": "minus_{}",
    "exp": "exp_{}",
    "log": "log_{}",
    "sqrt": "root_{}",
    "tanh": "tanh_{}",
    "relu": "{}_or_0",
    "choose": "{1}_where_{0}",
    "reshape": "{}_flat",
    "conv_back": "{1}_through_{0}",
}
NOUNS = {"add": "sum", "subtract": "difference", "multiply": "product", "divide": "quotient"}
NOUNS |= {"sum_channels": "sum"}
SAME = {"repeat", "spread", "spread_channels", "copy"}  # the same value, repeated
LONGEST = 26  # letters of a name composed of others


def identifier(name: str) -> str:
    for letter, word in GREEK.items():
        name = name.replace(letter, word)
    name = name.replace("_layer_", "")
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if name[:1].isdigit():
        return f"_{name}"
    return f"{name}_" if RESERVED.fullmatch(name) else name


class Names:
    """One name for each key, and each name once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._of: dict[object, str] = {}

    def of(self, key: object, wish: str) -> str:
        if key not in self._of:
            base = identifier(wish)
            name, number = base, 2
            while name in self._taken:
                name, number = f"{base}_{number}", number + 1
            self._taken.add(name)
            self._of[key] = name
        return self._of[key]


def titles(labels: Mapping[Node, str], nodes: Sequence[Node]) -> dict[Node, str]:
    """A readable name for each value of a program; `nodes` come after their inputs."""
    readers: dict[Node, list[Node]] = {}
    for node in nodes:
        for source in node.inputs:
            readers.setdefault(source, []).append(node)
    named: dict[Node, str] = {}
    for node in nodes:
        named[node] = labels.get(node) or _title(node, named) or _purpose(node, labels, readers)
    return named


def _title(node: Node, known: Mapping[Node, str]) -> str | None:
    """A name that describes how a value is computed, if that is short."""
    if node.is_constant():
        return f"{node.number:g}".replace("-", "minus_")
    x = sum_input(node)
    if x is not None:
        return f"sum_{known[x]}"
    if node.op.name in SAME:
        return known[node.inputs[0]]
    if node.op.name == "power" and node.inputs[1].is_constant(2):
        words = f"{known[node.inputs[0]]}_squared"
    elif node.op.name == "divide" and node.inputs[0].is_constant(1):
        words = f"one_over_{known[node.inputs[1]]}"
    elif node.op.name in MADE_BY:
        words = MADE_BY[node.op.name].format(*(known[source] for source in node.inputs))
    else:
        return None
    return words if len(identifier(words)) <= LONGEST else None


def _purpose(node: Node, labels: Mapping[Node, str], readers: Mapping[Node, Sequence[Node]]) -> str:
    """A name that describes a value's purpose, if only one named value is computed from it."""
    reader = node
    while reader not in labels:
        if len(readers.get(reader, ())) != 1:
            return f"{node.op.name}_{node.index}"
        (reader,) = readers[reader]
    return f"{NOUNS.get(node.op.name, node.op.name)}_for_{labels[reader]}"


# Functions, blocks and loops around lines -----------------------------------------


def indent(lines: Iterable[str], by: int = 1) -> list[str]:
    return [f"{'    ' * by}{line}" for line in lines]


def block(body: Sequence[str]) -> list[str]:
    return ["{", *indent(body), "}"] if body else []


def loop(size: int, body: Sequence[str]) -> list[str]:
    """A loop over k."""
    if size == 1:
        return block(["const int k = 0;", "(void)k;", *body])
    return [f"for (int k = 0; k < {size}; k++) {{", *indent(body), "}"]


def function(head: str, body: Sequence[str], parameters: Sequence[str] = ("at",)) -> str:
    """A function, without a warning for parameters that its body doesn't need."""
    text = "\n".join(body)
    unused = [f"(void){name};" for name in parameters if not re.search(rf"\b{name}\b", text)]
    return "\n".join([f"{head} {{", *indent([*unused, *body]), "}\n"])


def task(name: str, body: Sequence[str]) -> str:
    """A function that a thread calls with its place."""
    return function(f"static void {name}(struct place *at)", body)


def literal(value: float) -> str:
    """A number in C, in the program's precision."""
    return f"(real){value!r}" if value >= 0 else f"-(real){-value!r}"


# Scope ----------------------------------------------------------------------------

TRAIN, PREDICT = "train", "predict"


@dataclass(frozen=True)
class DropoutMask:
    """A dropout mask: the scale of what is kept, and how it is drawn."""

    scale: float
    layer: int
    below: int  # a piece below this, of 2¹⁶, is dropped


@dataclass(frozen=True)
class Members:
    """What texts need in `struct engine`, in each thread's `struct place` and in `struct line`."""

    engine: tuple[str, ...] = ()
    place: tuple[str, ...] = ()
    scratch: int = 1  # vectors
    line: Mapping[str, int] = field(default_factory=dict)  # how many of each kind

    @staticmethod
    def of_all(all_of_them: Iterable[Members]) -> Members:
        every = list(all_of_them)
        most: Counter[str] = Counter()
        for members in every:
            most |= Counter(members.line)
        return Members(
            tuple(line for members in every for line in members.engine),
            tuple(line for members in every for line in members.place),
            max((members.scratch for members in every), default=1),
            most,
        )


@dataclass(frozen=True)
class Piece:
    """A function or several, and the members that they use."""

    text: str
    members: Members = field(default_factory=Members)


@dataclass(frozen=True)
class Scope:
    """Where a program's values lie, and the names of its members and functions."""

    program: str
    plan: Plan
    titles: Mapping[Node, str]
    names: Mapping[tuple[str, object], str]  # of members and functions, by kind and node
    arrays: Mapping[Node, str]  # values of the step as a whole → their arrays
    inputs: Mapping[Node, str]  # leaves per sample: 'image' or 'target'
    masks: Mapping[Node, DropoutMask]
    kernels: Mapping[Node, Kernel]  # heavy op → the loop that computes it

    def partial(self, reduction: Node) -> str:
        """The array of what each tile contributes to a sum."""
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
        """The value of a set bit, if a value is stored as bits."""
        if node.op.name == "winners":
            return "1"
        return f"(real){self.masks[node].scale!r}" if node in self.masks else None


def sizes(node: Node) -> str:
    """Channels×rows×columns"""
    return "×".join(map(str, places(node)))


def pass_title(walk: Pass, titles: Mapping[Node, str]) -> str:
    """The name of a pass, from its results."""
    if walk.heavy is not None and walk.heavy.op.name in WEIGHT_GRADIENTS:
        also = f"_and_{titles[walk.stores[-1]]}" if walk.beside else ""
        return f"gradients_{titles[walk.heavy]}{also}"
    named = walk.stores[-1:] or walk.sums[:1]
    return titles[named[0]] if named else f"pass{walk.number}"


def names_of(
    plan: Plan,
    kernels: Mapping[Node, Kernel],
    titles: Mapping[Node, str],
    arrays: Mapping[Node, str],
    prefix: str,
    taken: tuple[Names, Names],
) -> dict[tuple[str, object], str]:
    """The names of a program's members of structs and functions, by kind and node.

    `arrays` have their names already; `taken` are the members and functions of other programs.
    """
    members, functions = taken
    wishes: dict[tuple[str, object], str] = {}
    for walk, rows in plan.rows.items():
        what = pass_title(walk, titles)
        for number, row in enumerate(rows.readers):
            several = f"{titles[row.result]}_for_" if row.result and len(rows.readers) > 1 else ""
            wishes["read", (walk.number, number)] = f"{several}{what}"
        wishes |= {("finish", walk.number): what, ("pass", walk.number): what}
    for number, group in enumerate(plan.whole.updates):
        wishes["update", number] = min((arrays[x] for x in group.leaves if x in arrays), key=len)
    for heavy, kernel in kernels.items():
        if kernel.packing:
            wishes["pack", heavy] = arrays[kernel.packing.weights]
    names = {
        key: functions.of((prefix, key), f"{key[0]}_{prefix}{what}") for key, what in wishes.items()
    }

    wishes = {}
    for batch_sum in (
        batch_sum for rows in plan.rows.values() for batch_sum in rows.sums if not batch_sum.beside
    ):
        wishes["partial", batch_sum.node] = f"{titles[batch_sum.node]}_of"
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
    names |= {key: members.of(key, f"{prefix}{what}") for key, what in wishes.items()}
    return names
