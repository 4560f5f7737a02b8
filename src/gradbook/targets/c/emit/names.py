"""C names: μ1 becomes mu1, ∂E/∂w3 becomes dE_dw3; what has no name is called after its making."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gradbook.graph.node import Node
from gradbook.targets.c.emit.rows import LineFields
from gradbook.targets.c.rewrite.simplify import reduced

GREEK = {
    "∂E/∂": "dE_d",
    "σ²": "var",
    "μ": "mu",
    "σ": "sigma",
    "γ": "gamma",
    "β": "beta",
    "η": "rate",
    "²": "2",
}
RESERVED = {  # words of C, and those that the hand-written parts use
    "all",
    "at",
    "auto",
    "bits",
    "c",
    "choose",
    "do",
    "e",
    "for",
    "h",
    "if",
    "int",
    "k",
    "mask",
    "place",
    "real",
    "room",
    "root",
    "row",
    "tile",
    "to",
    "vec",
    "w",
}
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
SAME = {"repeat", "spread", "copy"}  # the same value for more of them
LONGEST = 26  # of a name made of others


def spelled(name: str) -> str:
    for letter, word in GREEK.items():
        name = name.replace(letter, word)
    name = name.replace("_layer_", "")
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if name[:1].isdigit():
        return f"_{name}"
    return f"{name}_" if name in RESERVED else name


class Names:
    """One name for each key, and each name once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._of: dict[object, str] = {}

    def of(self, key: object, wish: str) -> str:
        if key not in self._of:
            base = spelled(wish)
            name, number = base, 2
            while name in self._taken:
                name, number = f"{base}_{number}", number + 1
            self._taken.add(name)
            self._of[key] = name
        return self._of[key]


class Titles:
    """What a person would call each value of a program."""

    def __init__(self, labels: Mapping[Node, str], nodes: Iterable[Node]) -> None:
        self.labels = labels
        self._known: dict[Node, str] = {}
        self._readers: dict[Node, list[Node]] = {}
        for node in nodes:
            for source in node.inputs:
                self._readers.setdefault(source, []).append(node)

    def of(self, node: Node) -> str:
        if node not in self._known:
            self._known[node] = self._title(node)
        return self._known[node]

    def _title(self, node: Node) -> str:
        if node in self.labels:
            return self.labels[node]
        if node.is_constant():
            return f"{node.number:g}".replace("-", "minus_")
        x = reduced(node)
        if x is not None:
            return f"sum_{self.of(x)}"
        if node.op.name in SAME:
            return self.of(node.inputs[0])
        return self._made(node) or self._towards(node) or f"{node.op.name}_{node.index}"

    def _made(self, node: Node) -> str | None:
        """Of what and how, where that can be said in a few words."""
        if node.op.name == "power" and node.inputs[1].is_constant(2):
            words = f"{self.of(node.inputs[0])}_squared"
        elif node.op.name == "divide" and node.inputs[0].is_constant(1):
            words = f"one_over_{self.of(node.inputs[1])}"
        elif node.op.name in MADE_BY:
            words = MADE_BY[node.op.name].format(*map(self.of, node.inputs))
        else:
            return None
        return words if len(spelled(words)) <= LONGEST else None

    def _towards(self, node: Node) -> str | None:
        """What for, where one named value alone is made of it."""
        reader = node
        while reader not in self.labels:
            readers = self._readers.get(reader, [])
            if len(readers) != 1:
                return None
            (reader,) = readers
        return f"{NOUNS.get(node.op.name, node.op.name)}_for_{self.labels[reader]}"


@dataclass
class Fields:
    """The lines in `struct engine` and in each thread's `struct place`; `scratch` is in vectors."""

    engine: list[str] = field(default_factory=list)
    place: list[str] = field(default_factory=list)
    scratch: int = 1
    names: Names = field(default_factory=Names)
    line: LineFields = field(default_factory=LineFields)


@dataclass
class Scope:
    """The names of one program. Members and functions are called alike in all of them but for
    the prefix; the variables of a function have names of their own.
    """

    program: str
    titles: Titles
    fields: Fields
    functions: Names

    @property
    def prefix(self) -> str:
        return "" if self.program == "train" else f"{self.program}_"

    def member(self, kind: str, node: Node, ending: str = "") -> str:
        """Of the engine or a place, for what this is of the node."""
        wish = f"{self.prefix}{self.titles.of(node)}{ending}"
        return self.fields.names.of((self.program, kind, node), wish)

    def partial(self, reduction: Node) -> str:
        """What the tiles give towards a sum."""
        return self.member("partial", reduction, "_of")

    def function(self, verb: str, what: str, key: object) -> str:
        return self.functions.of((self.program, verb, key), f"{verb}_{self.prefix}{what}")


@dataclass
class Dropped:
    """A dropout mask: the scale of what is kept, and how it is drawn."""

    scale: float
    layer: int
    below: int  # of 2¹⁶: a piece below it is dropped


Masks = Mapping[Node, Dropped]
