"""NumPy's functions of nodes: NumPy itself adds, multiplies and rearranges them like any objects.

Knows no program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradbook.graph.node import Node

Number = Any  # a node, or a number of Python


def make(op: str, *inputs: Number) -> Number:
    return next(each.graph for each in inputs if isinstance(each, Node)).make(op, *inputs)


def _is(number: Number, value: float) -> bool:
    return number.is_constant(value) if isinstance(number, Node) else bool(number == value)


def _quotient(a: Number, b: Number) -> Number:
    """1 / (1 + e^-x) is the sigmoid, whose slope is short."""
    match b:
        case Node(inputs=(one, Node(inputs=(Node(inputs=(x,)) as minus,)) as power)):
            if _is(a, 1) and _is(one, 1) and (power.op.name, minus.op.name) == ("exp", "negate"):
                return make("sigmoid", x)
    return a / b


def _power(a: Number, b: Number) -> Number:
    """A computed exponent may have a slope of its own."""
    return make("exp", b * make("log", a)) if isinstance(b, Node) and b.inputs else a**b


def _larger(a: Number, b: Number) -> Number:
    if _is(a, 0) or _is(b, 0):
        return make("relu", b if _is(a, 0) else a)
    return make("largest", a, b)


def _smaller(a: Number, b: Number) -> Number:
    return make("choose", a - b, b, a)


def _above(a: Number, b: Number) -> Number:
    return make("choose", a if _is(b, 0) else a - b, 1, 0)


def _chosen(mask: Number, a: Number, b: Number) -> Number:
    return make("choose", mask, a, b) if isinstance(mask, Node) else a if mask else b


ELEMENTS: dict[str, Callable[..., Number]] = {
    **{
        name: lambda x, name=name: make(name, x)
        for name in ("exp", "log", "log2", "log10", "sqrt", "tanh", "sinh", "cosh", "sin", "cos")
    },
    "arctan": lambda x: make("atan", x),
    "expit": lambda x: make("sigmoid", x),
    "absolute": lambda x: make("choose", x, x, -x),
    "divide": _quotient,
    "power": _power,
    "maximum": _larger,
    "minimum": _smaller,
    "greater": _above,
    "less": lambda a, b: _above(b, a),
    "greater_equal": lambda a, b: make("choose", b - a, 0, 1),
    "less_equal": lambda a, b: make("choose", a - b, 0, 1),
    "equal": lambda a, b: make("choose", a - b, 0, make("choose", b - a, 0, 1)),
    "sign": lambda x: make("sign", x),
    "where": _chosen,
    "clip": lambda x, low, high: _smaller(_larger(x, low), high),
}
EXTREMES = {"max": _larger, "amax": _larger, "min": _smaller, "amin": _smaller}


def applied(function: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """The function's result; an error of NumPy's if nodes have none."""
    name = function.__name__
    if name in ELEMENTS:
        return np.frompyfunc(ELEMENTS[name], len(arguments), 1)(*arguments)
    if name in EXTREMES:
        array = arguments[0] if options.get("axis") is not None else np.ravel(arguments[0])
        return np.frompyfunc(EXTREMES[name], 2, 1).reduce(array, **{"axis": 0, **options})
    if name == "astype":
        return arguments[0]
    return function(*arguments, **{key: each for key, each in options.items() if key != "dtype"})
