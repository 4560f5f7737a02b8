"""C names: μ1 becomes mu1, ∂E/∂w3 becomes dE_dw3; what has no name is called after its making."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gradbook.graph.node import Node
from gradbook.targets.c.rewrite.patterns import sum_input

GREEK = {"∂E/∂": "dE_d", "σ²": "var", "μ": "mu", "σ": "sigma", "γ": "gamma", "β": "beta"}
GREEK |= {"η": "rate", "²": "2"}
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
SAME = {"repeat", "spread", "spread_channels", "copy"}  # the same value for more of them
LONGEST = 26  # of a name made of others


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
    """What a person would call each value of a program; `nodes` come after their inputs."""
    readers: dict[Node, list[Node]] = {}
    for node in nodes:
        for source in node.inputs:
            readers.setdefault(source, []).append(node)
    found: dict[Node, str] = {}
    for node in nodes:
        found[node] = labels.get(node) or _title(node, found) or _purpose(node, labels, readers)
    return found


def _title(node: Node, known: Mapping[Node, str]) -> str | None:
    """Of what it is made and how, where that can be said in a few words."""
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
    """What for, where one named value alone is made of it."""
    reader = node
    while reader not in labels:
        if len(readers.get(reader, ())) != 1:
            return f"{node.op.name}_{node.index}"
        (reader,) = readers[reader]
    return f"{NOUNS.get(node.op.name, node.op.name)}_for_{labels[reader]}"
