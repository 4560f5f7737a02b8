"""The ops of formulas on single numbers, without NumPy.

What a spreadsheet shows as an error is NaN.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import reduce
from math import isnan, nan
from statistics import NormalDist
from typing import Any

from gradbook.cells.formula.special_functions import SPECIAL
from gradbook.graph.node import Node

SAME = 1e-14  # relative: a spreadsheet rounds a number this near to a whole number
_STANDARD = NormalDist()


def _power(a: float, b: float) -> float:
    power = a**b
    return nan if isinstance(power, complex) else power


ON_NUMBERS: Mapping[str, Callable[..., float]] = {
    "copy": lambda x: x,
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "sum_of_all": lambda *numbers: reduce(operator.add, numbers),
    "negate": operator.neg,
    "power": _power,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "atan": math.atan,
    "normal_share": lambda x: math.erfc(-x / math.sqrt(2)) / 2,
    "normal_quantile": _STANDARD.inv_cdf,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "whole": lambda x: math.floor(near if abs(x - (near := round(x))) < SAME * abs(x) else x),
    "straight": lambda value, through: value,
    "shown": lambda exact, rounded: rounded,
    "choose": lambda condition, a, b: nan if isnan(condition) else a if condition > 0 else b,
    "largest": lambda *numbers: nan if any(map(isnan, numbers)) else max(numbers),
    "is_largest": lambda k, *numbers: float(numbers.index(max(numbers)) == k),
    **SPECIAL,
}
"""Each op that formulas and their slopes are made of."""


def settings_of(node: Node) -> tuple[Any, ...]:
    """What an op takes before its inputs' numbers: which of them may be the largest."""
    return node.attributes if node.op.name == "is_largest" else ()


def on_numbers(name: str, numbers: Sequence[Any]) -> float:
    """An op's result; NaN for a division by zero, the logarithm of 0, an overflow."""
    try:
        return ON_NUMBERS[name](*numbers)
    except (ArithmeticError, ValueError):  # StatisticsError is a ValueError
        return nan


def run(nodes: Sequence[Node], numbers: MutableMapping[Node, float]) -> None:
    """Compute nodes in their order, from numbers that are known."""
    for node in nodes:
        if node.is_constant():
            numbers[node] = node.number
        else:
            taken = [*settings_of(node), *[numbers[source] for source in node.inputs]]
            numbers[node] = on_numbers(node.op.name, taken)
