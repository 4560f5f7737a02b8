"""A formula and its value, both derived from one expression.

A value is a number, a text, True or False, or an array of these; NaN stands for an error in a
sheet, "" for an empty cell.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from gradbook.cells.formula.syntax import (
    Call,
    Expression,
    Infix,
    Prefix,
    Reference,
    Text,
    quote,
    sentence,
    write,
)
from gradbook.cells.formula.syntax import number as typed
from gradbook.graph.node import Arithmetic

Value = Any


@dataclass(frozen=True, eq=False)
class LiveValue(Arithmetic):
    """A formula and its value."""

    expression: Expression
    value: Value

    @staticmethod
    def at(cells: str, value: Value) -> LiveValue:
        """A reference to cells, or a formula kept as text, with its value."""
        return LiveValue(Reference(cells), value)

    @property
    def cells(self) -> str:
        """The formula without its =: a reference where the value has cells."""
        return write(self.expression)

    @property
    def formula(self) -> str:
        return f"={self.cells}"

    def _operate(self, sign: str, a: Part, b: Part) -> LiveValue:
        return _infix(sign, a, b)

    def __neg__(self) -> LiveValue:
        return LiveValue(Prefix("-", self.expression), -_number(self.value))

    def __lt__(self, other: Part) -> LiveValue:
        return _infix("<", self, other)

    def __le__(self, other: Part) -> LiveValue:
        return _infix("<=", self, other)

    def __gt__(self, other: Part) -> LiveValue:
        return _infix(">", self, other)

    def __ge__(self, other: Part) -> LiveValue:
        return _infix(">=", self, other)


Part = LiveValue | float | str


def live(part: Part) -> LiveValue:
    """Turn a number or a text into a literal."""
    if isinstance(part, LiveValue):
        return part
    return LiveValue(Text(part) if isinstance(part, str) else typed(part), part)


def _number(value: Value) -> Any:
    """The value as a number; NaN for texts and empty cells."""
    return np.float64(np.nan) if isinstance(value, str) else np.asarray(value, np.float64)[()]


WORK: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _infix(sign: str, left: Part, right: Part) -> LiveValue:
    a, b = live(left), live(right)
    with np.errstate(all="ignore"):
        value = WORK[sign](_number(a.value), _number(b.value))
    return LiveValue(Infix(sign, a.expression, b.expression), value)


def same(left: Part, right: Part) -> LiveValue:
    """left=right"""
    a, b = live(left), live(right)
    return LiveValue(Infix("=", a.expression, b.expression), a.value == b.value)


def apart(left: Part, right: Part) -> LiveValue:
    """left<>right"""
    a, b = live(left), live(right)
    return LiveValue(Infix("<>", a.expression, b.expression), a.value != b.value)


def _all(values: tuple[Value, ...]) -> Any:
    """All numbers in the values; empty cells don't count."""
    every = (part for value in values for part in np.ravel(np.asarray(value, object)))
    return np.array([part for part in every if not isinstance(part, str)], np.float64)


def _is_number(value: Value) -> bool:
    return not isinstance(value, str) and bool(np.isfinite(value))


def _place(word: Value, cells: Value, _: Value) -> float:
    return list(cells).index(word) + 1.0 if word in list(cells) else np.nan


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "ABS": lambda x: np.abs(_number(x)),
    "SQRT": lambda x: np.sqrt(_number(x)),
    "LN": lambda x: np.log(_number(x)),
    "INT": lambda x: np.floor(_number(x)),
    "AVERAGE": lambda *xs: _all(xs).mean(),
    "MAX": lambda *xs: _all(xs).max(),
    "MIN": lambda *xs: _all(xs).min(),
    "SUM": lambda *xs: _all(xs).sum(),
    "SUMSQ": lambda *xs: np.square(_all(xs)).sum(),
    "SUMPRODUCT": lambda *xs: np.sum(reduce(operator.mul, map(_number, xs))),
    "AND": lambda *xs: all(map(bool, xs)),
    "OR": lambda *xs: any(map(bool, xs)),
    "NOT": lambda x: not x,
    "IF": lambda condition, then, otherwise: then if condition else otherwise,
    "ISNUMBER": _is_number,
    "ISERROR": lambda x: not isinstance(x, str) and not np.isfinite(x),
    "COUNT": lambda xs: sum(map(_is_number, xs)),
    "COUNTIF": lambda xs, word: list(xs).count(word),
    "MATCH": _place,
    "CHOOSE": lambda place, *xs: xs[int(place) - 1] if _is_number(place) else np.nan,
    "INDEX": lambda xs, place: xs[int(place) - 1] if _is_number(place) else np.nan,
}


def call(function: str, *arguments: Part) -> LiveValue:
    """Call a spreadsheet function by its name."""
    parts = list(map(live, arguments))
    with np.errstate(all="ignore"):
        value = FUNCTIONS[function](*(part.value for part in parts))
    return LiveValue(Call(function, tuple(part.expression for part in parts)), value)


def when(condition: LiveValue, then: Part, otherwise: Part) -> LiveValue:
    return call("IF", condition, then, otherwise)


def message_with(message: str, **parts: LiveValue) -> LiveValue:
    """A sentence with the contents of cells in place of its {names}."""
    values = {name: part.value for name, part in parts.items()}
    cells = {name: part.cells for name, part in parts.items()}
    written = {k: v if isinstance(v, str) else f"{v:g}" for k, v in values.items()}
    formula = sentence(message, **cells) if parts else quote(message)
    return LiveValue(Reference(formula), message.format(**written))
