"""Which ops C can express, and how: any other op is expanded into these before planning.

Each op of LOOPS has a loop over the data that is written by hand (`loops.py` calls it). An
op of WORDS is a formula, wherever it is needed: of vectors with one image per lane, or of the
numbers of the step as a whole. The others only say where a value lies, and compute nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradbook.graph.node import Node
from gradbook.lowering import Vocabulary
from gradbook.targets.c.loops import KERNELS
from gradbook.targets.c_words import words_in_c

WEIGHT_GRADIENTS = {"conv_weights", "outer"}  # summed over the batch by the loop itself
WEIGHED = {"scales", "levelled"}  # of weights of few bits, when these are laid out for a loop
LOOPS = {*KERNELS, "winners"}  # the loop that finds a maximum records its place
MOVED = {"spread", "spread_channels", "unpooled"}  # pointwise, but read from elsewhere
PLACED = MOVED | {"leaf", "constant", "copy", "repeat", "total"}


@dataclass(frozen=True)
class Word:
    """A formula: `{0}` is an operand as it is, vector or number; `{0.lanes}` is always a vector."""

    vectors: str
    numbers: str
    costly: bool = False  # computed once for each image and kept


FOR_VECTORS = {  # of ops for which C has no operators between vectors
    "power": "raised({0.lanes}, {1})",
    "floor": "whole_below({0.lanes})",
    "relu": "largest(all(0), {0.lanes})",
    "choose": "if_positive({0.lanes}, {1.lanes}, {2.lanes})",
}
COSTLY = {
    "exp": "exponential",
    "log": "logarithm",
    "tanh": "hyperbolic_tangent",
    "sqrt": "root",
    "sin": "sine",
    "cos": "cosine",
    "atan": "arctangent",
    "normal_share": "normal_share",
    "softplus": "soft_plus",
}
FOR_NUMBERS = words_in_c(str.upper) | {"normal_share": "NORMAL_SHARE({0})"}
WORDS = {
    op: Word(f"{COSTLY[op]}({{0.lanes}})", numbers, costly=True)
    if op in COSTLY
    else Word(FOR_VECTORS.get(op, numbers), numbers)
    for op, numbers in FOR_NUMBERS.items()
}
SQUARE = Word("{0} * {0}", "{0} * {0}")
SAYS = Vocabulary("C", frozenset({*LOOPS, *WORDS, *PLACED, *WEIGHED}))


def word(node: Node) -> Word:
    """The formula of a node whose op is in WORDS."""
    squares = node.op.name == "power" and node.inputs[1].is_constant(2)
    return SQUARE if squares else WORDS[node.op.name]


def is_loop(node: Node) -> bool:
    """Whether a node needs its own loop over the data."""
    return node.each and node.op.name in LOOPS


def is_pointwise(node: Node) -> bool:
    """Whether a node is computed place by place, wherever it is read."""
    return node.op.name in WORDS or node.op.name in MOVED or node.op.name == "repeat"


def is_costly(node: Node) -> bool:
    """Whether it is better kept than computed again; division by a number costs little."""
    if node.op.name == "divide":
        return node.inputs[1].each
    return node.op.name in WORDS and WORDS[node.op.name].costly
