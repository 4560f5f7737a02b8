"""Writes each op as a cell's formula: one table of spellings, and whole values composed from it.

Knows formulas and graphs, and nothing of sheets or of the cell that holds a value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import reduce

from gradbook.cells.formula.syntax import (
    Call,
    Expression,
    Infix,
    Number,
    Prefix,
    Reference,
    number,
    write,
)
from gradbook.graph.node import Node
from gradbook.language import tr
from gradbook.lowering import Vocabulary

LARGEST_EXP = 709  # EXP of a larger number is #NUM!

Parts = Sequence[Expression]
Refer = Callable[[Node], Reference | None]
Guarded = Collection[str]  # names of ops


def infix(operator: str, *terms: Expression) -> Expression:
    """a+b+c, associated to the left."""
    return reduce(lambda left, right: Infix(operator, left, right), terms)


def call(function: str, *arguments: Expression) -> Call:
    return Call(function, arguments)


ZERO, ONE = Number(0.0), Number(1.0)


def _choose(parts: Parts, node: Node) -> Expression:
    condition, then, otherwise = parts
    return call("IF", Infix(">", condition, ZERO), then, otherwise)


def _is_largest(parts: Parts, node: Node) -> Expression:
    """The first of equal values counts as the largest."""
    (k,) = node.attributes
    assert isinstance(k, int)
    tests = [Infix(">", parts[k], part) for part in parts[:k]]
    tests += [Infix(">=", parts[k], part) for part in parts[k + 1 :]]
    return call("IF", call("AND", *tests), ONE, ZERO) if tests else ONE


def _log_sum_exp(parts: Parts, node: Node) -> Expression:
    """The largest value is subtracted first, so that no EXP overflows."""
    most = call("MAX", *parts)
    powers = (call("EXP", Infix("-", part, most)) for part in parts)
    return infix("+", most, call("LN", infix("+", *powers)))


def _softplus(parts: Parts, node: Node) -> Expression:
    (x,) = parts
    tail = call("LN", Infix("+", ONE, call("EXP", Prefix("-", call("ABS", x)))))
    return Infix("+", call("MAX", x, ZERO), tail)


def _sigmoid(parts: Parts, node: Node) -> Expression:
    return Infix("/", ONE, Infix("+", ONE, call("EXP", Prefix("-", *parts))))


def _guarded_sigmoid(parts: Parts, node: Node) -> Expression:
    """For values so far below zero that the EXP in the usual form overflows."""
    far = Infix("<", parts[0], number(-LARGEST_EXP))
    return call("IF", far, ZERO, _sigmoid(parts, node))


def _guarded_power(parts: Parts, node: Node) -> Expression:
    """Some spreadsheets give an error for a power that underflows, and 0 for such a product."""
    base, exponent = parts
    if exponent == Number(2.0):
        return Infix("*", base, base) if isinstance(base, Reference) else call("SUMSQ", base)
    if base == ZERO:
        return Infix("^", base, exponent)
    return call("EXP", Infix("*", exponent, call("LN", base)))


Phrase = Callable[[Parts, Node], Expression]


def _infix_phrase(sign: str) -> Phrase:
    return lambda parts, node: infix(sign, *parts)


def _call_phrase(word: str) -> Phrase:
    return lambda parts, node: call(word, *parts)


SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "^"}
FUNCTIONS = {
    "exp": "EXP",
    "log": "LN",
    "sqrt": "SQRT",
    "sin": "SIN",
    "cos": "COS",
    "tanh": "TANH",
    "largest": "MAX",
    "normal_share": "NORMSDIST",
    "total": "SUM",
    "floor": "INT",
    **{name: name.upper() for name in ("tan", "asin", "acos", "atan", "sinh", "cosh")},
    **{name: name.upper() for name in ("asinh", "acosh", "atanh", "log10", "abs", "sign")},
}
PHRASES: dict[str, Phrase] = {
    **{op: _infix_phrase(sign) for op, sign in SIGNS.items()},
    **{op: _call_phrase(word) for op, word in FUNCTIONS.items()},
    "constant": lambda parts, node: number(node.number),
    "copy": lambda parts, node: parts[0],
    "repeat": lambda parts, node: parts[0],
    "negate": lambda parts, node: Prefix("-", *parts),
    "relu": lambda parts, node: call("MAX", ZERO, *parts),
    "choose": _choose,
    "is_largest": _is_largest,
    "log_sum_exp": _log_sum_exp,
    "softplus": _softplus,
    "sigmoid": _sigmoid,
}

GUARDED_PHRASES: dict[str, Phrase] = {"sigmoid": _guarded_sigmoid, "power": _guarded_power}


SAYS = Vocabulary("a sheet", frozenset({*PHRASES, "leaf"}))


@dataclass(frozen=True)
class Speller:
    """Writes nodes as formulas: refers to values that have a cell and writes out all others.

    `refer` returns a node's cell, or None; `block` returns the cells that hold one value for all
    samples. The ops in `guarded` are spelled so that extreme values cause no error.
    """

    refer: Refer
    block: Callable[[Node], Reference]
    guarded: Guarded = frozenset()

    def mention(self, node: Node) -> Expression:
        """How another cell's formula includes it: as a reference, if it has a cell."""
        return self.refer(node) or self.formula(node)

    def formula(self, node: Node) -> Expression:
        """The formula of the node's own cell."""
        written: dict[Node, Expression] = {}
        waiting = [node]
        while waiting:  # no recursion: a sum may be hundreds of terms deep
            last = waiting[-1]
            cell = self.refer(last) if last is not node else None
            parts = () if cell else self._parts(last)
            missing = [part for part in parts if part not in written]
            if missing:
                waiting.extend(reversed(missing))
                continue
            written[last] = cell or self._phrase(last, [written[part] for part in parts])
            waiting.pop()
        return written[node]

    def _parts(self, node: Node) -> tuple[Node, ...]:
        """The parts of a node's phrase: its inputs, or the nodes of its expansion."""
        if node.op.name == "total":
            return ()
        return SAYS.sources(node)

    def _phrase(self, node: Node, parts: Parts) -> Expression:
        if node.op.name == "total":
            parts = [self.block(node.inputs[0])]
        phrases = GUARDED_PHRASES if node.op.name in self.guarded else PHRASES
        phrase = phrases.get(node.op.name)
        return phrase(parts, node) if phrase else parts[0]


NAMES: Speller = Speller(  # writes formulas with names in place of cells
    lambda node: Reference(str(node.name)) if node.name is not None else None,
    lambda node: Reference(tr("{value} of all samples", value=write(NAMES.mention(node)))),
)
