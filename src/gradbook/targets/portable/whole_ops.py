"""Ops in integers, defined once for C and for Python, which computes the same numbers.

Numbers are in units of 2^-15. The sigmoid is looked up at every sixteenth up to 8 and interpolated
between them; the hyperbolic tangent is computed from it. Powers of 2 are looked up at every 64th.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import TargetError
from gradbook.graph.node import Array, Node
from gradbook.lowering import Vocabulary
from gradbook.targets.portable.rules import number_of

Whole = NDArray[np.int64]
UNIT_BITS = 15  # fractional
MOST_SUM = 1 << 28
MOST_FACTOR_BITS, MOST_SHIFT = 30, 62
CURVE_BITS, CURVE_REACH = 4, 8  # the sigmoid's table: fractional bits of its places, and its end
CURVE: Whole = np.rint(
    2.0**UNIT_BITS / (1 + np.exp(-np.arange((CURVE_REACH << CURVE_BITS) + 1) / 2**CURVE_BITS))
).astype(np.int64)
HALVING_BITS = 6  # fractional bits of the places of halvings
HALVES: Whole = np.rint(
    2.0 ** (UNIT_BITS - np.arange((1 << HALVING_BITS) + 1) / (1 << HALVING_BITS))
).astype(np.int64)
LEAST_EXPONENT, HALVINGS = -363408, 94548  # as in runtime/work_whole.c
TOO_UNLIKE = "this network's values differ too much in size for --int8"
PASSED_ON = ("copy", "step", "spread", "spread_channels", "reshape")


def rounded(value: Any, shift: int) -> Any:
    """Divide by 2^shift and round to the nearest integer."""
    return value + (1 << shift >> 1) >> shift if shift else value


def times(a: Any, b: Any) -> Any:
    """Multiply two numbers."""
    return rounded(a * b, UNIT_BITS)


def scaled(number: Any, factor: Any, shift: int) -> Any:
    """Multiply by factor / 2^shift, limited to the available range."""
    return np.clip(rounded(number * factor, shift), -MOST_SUM, MOST_SUM)


def factors_of(exact: Array) -> tuple[Whole, int]:
    """Return integers, and a shift, such that integer / 2^shift is near each factor."""
    shift = min(MOST_FACTOR_BITS - ceil(log2(np.max(exact))), MOST_SHIFT)
    if shift < 1:
        raise TargetError(TOO_UNLIKE)
    return np.rint(exact * 2.0**shift).astype(np.int64), shift


def exp_of(number: Whole) -> Whole:
    """Raise e to a number of at most 0."""
    low = np.minimum(number, 0)
    halvings = low * -HALVINGS + (1 << UNIT_BITS) >> UNIT_BITS + 1
    rest, whole = halvings & (1 << UNIT_BITS) - 1, np.minimum(halvings >> UNIT_BITS, 31)
    fine = UNIT_BITS - HALVING_BITS
    high, after = HALVES[rest >> fine], HALVES[(rest >> fine) + 1]
    high = high - rounded((high - after) * (rest & (1 << fine) - 1), fine)
    return np.where(number < LEAST_EXPONENT, 0, high + (1 << whole >> 1) >> whole)


def _sigmoid(x: Whole) -> Whole:
    fine = UNIT_BITS - CURVE_BITS
    place = np.minimum(abs(x), (CURVE_REACH << UNIT_BITS) - 1)
    low, rest = CURVE[place >> fine], place & (1 << fine) - 1
    share = low + rounded((CURVE[(place >> fine) + 1] - low) * rest, fine)
    return np.asarray(np.where(x < 0, (1 << UNIT_BITS) - share, share))


@dataclass(frozen=True)
class WholeOp:
    """How an op is written in C, and what it computes in Python."""

    words: str
    of: Callable[..., Any]


OF_RULES = {
    "add": WholeOp("{0} + {1}", np.add),
    "subtract": WholeOp("{0} - {1}", np.subtract),
    "negate": WholeOp("-{0}", np.negative),
    "multiply": WholeOp("times({0}, {1})", times),
    "sigmoid": WholeOp("sigmoid_of({0})", _sigmoid),
    "tanh": WholeOp("tanh_of({0})", lambda x: 2 * _sigmoid(2 * x) - (1 << UNIT_BITS)),
}
SAYS = Vocabulary("C in whole numbers", frozenset(OF_RULES), "leave out --int8")


def reckon(
    node: Node,
    values: dict[Node, Whole],
    linear: Callable[[Node], Whole] | None = None,
) -> Whole:
    """Compute a value and those that it needs, and add them to `values`; `linear` computes sums."""
    if node not in values:
        result: Any
        number, simpler = number_of(node), None
        if number is not None:
            result = round(number * 2**UNIT_BITS)
        elif linear is not None and node.op.name == "linear":
            result = linear(node)
        elif node.op.name in PASSED_ON or (simpler := SAYS.simpler(node)) is not None:
            result = reckon(simpler or node.inputs[0], values, linear)
        else:
            inputs = (reckon(source, values, linear) for source in node.inputs)
            result = OF_RULES[node.op.name].of(*inputs)
        values[node] = np.asarray(result)
    return values[node]
