"""Formulas that round: whole numbers, and the levels of weights, whose slopes go straight through.

A rounding is flat nearly everywhere, so nobody who trains through one takes its true slope: that of
what is rounded stands in its place, and the scale whose multiples are taken counts as a constant.
Where s·q is made of q, the whole number next to w/s, it has the slope of w. Digits are cut for
reading: formulas that agree but for those agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradbook.graph.node import Array, Node, define_foreign

MAKING = ("whole", "copy", "negate", "add", "subtract", "multiply", "divide", "largest")
SHOWN = "shown"  # the op of what is rounded to digits
UNSURE = 1e-9  # so near a whole number rounding may have gone either way in another program


def _whole(x: Array) -> Array:
    """The whole number next below, and NaN where another program may have found the next one."""
    near = np.round(x)
    apart = np.abs(x - near)
    unsure = (apart > 0) & (apart < UNSURE * np.maximum(1, np.abs(near)))
    return np.where(unsure, np.nan, np.floor(x))


define_foreign("whole", _whole, derivative=lambda d, y, x: (d,))
define_foreign(  # of a value that goes by steps, whose slope is taken to be that of another
    "straight",
    lambda value, through: np.asarray(value),
    derivative=lambda d, y, value, through: (None, d),
)
define_foreign(  # of a number rounded to some digits, for reading: in formulas it counts as it is
    SHOWN,
    lambda exact, rounded: np.asarray(exact),
    derivative=lambda d, y, exact, rounded: (d, None),
)


def rounded_up(x: Node) -> Node:
    """The whole number next to it on the way from 0."""
    above, below = -rounded_down(-x), rounded_down(x)
    return x.graph.make("straight", x.graph.make("choose", x, above, below), x)


def rounded_down(x: Node) -> Node:
    return x.graph.make("whole", x)


def rounded(x: Node) -> Node:
    """The nearest whole number, a half away from 0."""
    below, above = rounded_down(x + 0.5), -rounded_down(-x + 0.5)
    return x.graph.make("straight", x.graph.make("choose", x, below, above), x)


def cut_off(x: Node) -> Node:
    """The whole number next to it on the way to 0."""
    below, above = rounded_down(x), -rounded_down(-x)
    return x.graph.make("straight", x.graph.make("choose", x, below, above), x)


def product(a: Node, b: Node) -> Node:
    """a·b, which is a level of w where one is a scale and the other a whole number next to w/a."""
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
    """The level that a node is, also where it is 0 if the scale is; None of any other node."""
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
    """What is a whole number of scales once it is rounded and kept within bounds; None if that
    isn't what a number is."""
    found, factor, is_rounded = number, 1.0, False
    while not (found.op.name == "divide" and found.inputs[1] is scale):
        is_rounded |= found.op.name in ("whole", "straight")
        inside = _inside(found)
        if inside is None:
            return None
        found, factor = inside, factor * _times(found, inside)
    return found.inputs[0] * factor if is_rounded else None


def _inside(node: Node) -> Node | None:
    """The one input that isn't a constant, of an op that a whole number is made by."""
    if node.op.name == "straight":
        return node.inputs[1]
    moving = [one for one in node.inputs if not one.is_constant()]
    is_turned = node.op.name == "divide" and node.inputs[0].is_constant()
    return moving[0] if node.op.name in MAKING and len(moving) == 1 and not is_turned else None


def _times(node: Node, inside: Node) -> float:
    """How many times its input it goes on, but for rounding and bounds."""
    constants = [one.number for one in node.inputs if one.is_constant()]
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
