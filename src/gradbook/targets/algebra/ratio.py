"""Numbers that are written as a ratio: 1/4 of four samples, 2/3, not 0.6666667."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as Ratio

from gradbook.graph.node import Node
from gradbook.targets.algebra.math import Form, Fraction, Minus, Number


def ratio(node: Node) -> Ratio | None:
    """A formula of whole numbers alone, worked out."""
    if node.is_constant():
        return Ratio(int(node.number)) if node.number.is_integer() else None
    work = RATIOS.get(node.op.name)
    parts = [ratio(x) for x in node.inputs] if work else []
    known = [part for part in parts if part is not None]
    return work(*known) if work and len(known) == len(parts) else None


RATIOS: dict[str, Callable[..., Ratio]] = {
    "repeat": lambda x: x,
    "negate": lambda x: -x,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
}


def ratio_form(number: Ratio) -> Form:
    """As it is written, with its sign in front."""
    size = Number(abs(number.numerator))
    form: Form = size if number.denominator == 1 else Fraction(size, Number(number.denominator))
    return Minus(form) if number < 0 else form
