"""Formulas that round: whole numbers, and quantised weights, with straight-through slopes.

Rounding is flat nearly everywhere, so training through it doesn't use its true slope: the slope of
the unrounded value is used instead, and the scale counts as a constant.
If s·q contains q, the whole number nearest to w/s, it has the slope of w. Rounding to decimal
places is for display only: formulas are equal if they are equal without it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradbook.graph.node import Array, Node, define_foreign

MAKING = ("whole", "copy", "negate", "add", "subtract", "multiply", "divide", "largest")
SHOWN = "shown"  # the op for rounding to decimal places
UNSURE = 1e-9  # this close to a whole number, another program may round the other way


def _sure_floor(x: Array) -> Array:
    """The floor, or NaN where another program may return the next whole number."""
    near = np.round(x)
    apart = np.abs(x - near)
    unsure = (apart > 0) & (apart < UNSURE * np.maximum(1, np.abs(near)))
    return np.where(unsure, np.nan, np.floor(x))


define_foreign("whole", _sure_floor, derivative=lambda d, y, x: (d,))
define_foreign(  # a step function that has the slope of another value
    "straight",
    lambda value, through: np.asarray(value),
    derivative=lambda d, y, value, through: (None, d),
)
define_foreign(  # a number rounded for display: formulas compute with the exact number
    SHOWN,
    lambda exact, rounded: np.asarray(exact),
    derivative=lambda d, y, exact, rounded: (d, None),
)


def rounded_up(x: Node) -> Node:
    """The next whole number away from 0."""
    above, below = -rounded_down(-x), rounded_down(x)
    return x.graph.make("straight", x.graph.make("choose", x, above, below), x)


def rounded_down(x: Node) -> Node:
    return x.graph.make("whole", x)


def rounded(x: Node) -> Node:
    """The nearest whole number; halves are rounded away from 0."""
    below, above = rounded_down(x + 0.5), -rounded_down(-x + 0.5)
    return x.graph.make("straight", x.graph.make("choose", x, below, above), x)


def cut_off(x: Node) -> Node:
    """The next whole number towards 0."""
    below, above = rounded_down(x), -rounded_down(-x)
    return x.graph.make("straight", x.graph.make("choose", x, below, above), x)


def product(a: Node, b: Node) -> Node:
    """a·b, which is a level of w if one is a scale and the other is w divided by it and rounded."""
    for scale, number in ((a, b), (b, a)):
        through = None if scale.is_constant() else _levelled(number, scale)
        if through is not None:
            return a.graph.make("straight", a * b, through)
    return a * b


@dataclass(frozen=True)
class WeightLevel:
    """A weight rounded to a multiple of a scale."""

    weight: Node
    scale: Node


def level_in(node: Node) -> WeightLevel | None:
    """The level that a node computes, even if it is 0 for a scale of 0; None for any other node."""
    while node.op.name in ("choose", "copy"):
        node = node.inputs[1 if node.op.name == "choose" else 0]
    if node.op.name != "straight" or node.inputs[0].op.name != "multiply":
        return None
    value, weight = node.inputs
    for scale, number in (value.inputs, value.inputs[::-1]):
        if not scale.is_constant() and _levelled(number, scale) is weight:
            return WeightLevel(weight, scale)
    return None


def _levelled(number: Node, scale: Node) -> Node | None:
    """The value that becomes `number` if it is divided by the scale, rounded and clipped; None if
    `number` isn't of that form."""
    level, factor, is_rounded = number, 1.0, False
    while not (level.op.name == "divide" and level.inputs[1] is scale):
        is_rounded |= level.op.name in ("whole", "straight")
        inside = _inside(level)
        if inside is None:
            return None
        level, factor = inside, factor * _times(level, inside)
    return level.inputs[0] * factor if is_rounded else None


def _inside(node: Node) -> Node | None:
    """The only non-constant input of a node, if a rounded number may contain its op."""
    if node.op.name == "straight":
        return node.inputs[1]
    moving = [part for part in node.inputs if not part.is_constant()]
    is_turned = node.op.name == "divide" and node.inputs[0].is_constant()
    return moving[0] if node.op.name in MAKING and len(moving) == 1 and not is_turned else None


def _times(node: Node, inside: Node) -> float:
    """The factor by which a node multiplies its input, apart from rounding and clipping."""
    constants = [factor.number for factor in node.inputs if factor.is_constant()]
    match node.op.name:
        case "multiply":
            return constants[0]
        case "divide":
            return 1 / constants[0] if constants[0] else 0.0
        case "negate":
            return -1.0
        case "subtract" if node.inputs[1] is inside:
            return -1.0
    return 1.0
