"""Reads formulas as the terminal shows them and works them out, knowing nothing of how they arose.

`worked_out("(a_o1 − t1)·a_o1", values)` computes with whatever the values are: numbers, arrays with
a number for each sample, or SymPy's symbols (then give SymPy's functions).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import erfc, sqrt
from typing import Any

import numpy as np

NAME = "(?:σ²|[A-Za-zμαγβρησΦŵâ])[A-Za-zŵâ0-9_]*(?:σ²)?[A-Za-zαγβρŵâ0-9_]*′?"
FUNCTIONS = r"(?:σ′?|exp|ln|tanh′?|abs|sgn|max|min|where|round|floor|Φ)\("
AT_STEP = rf"(?!{FUNCTIONS}){NAME}\(\d+\)"  # h1(2), of a sequence
TOKEN = re.compile(
    rf"""\s*(?:
      (?P<partial>∂(?:{AT_STEP}|{NAME})/∂(?:{AT_STEP}|{NAME}))
    | (?P<number>\d+(?:\.\d+)?(?:e[-+]?\d+)?|π)
    | (?P<raised>[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)
    | (?P<name>{AT_STEP}|{NAME})
    | (?P<sign>[-+−·/^√Σ½()\[\]{{}},<>])
    )""",
    re.VERBOSE,
)
LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")

NUMPY: dict[str, Callable[..., Any]] = {
    "σ": lambda x: 1 / (1 + np.exp(-x)),
    "exp": np.exp,
    "ln": np.log,
    "tanh": np.tanh,
    "σ′": lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2,
    "tanh′": lambda x: 1 / np.cosh(x) ** 2,
    "√": np.sqrt,
    "abs": np.abs,
    "sgn": np.sign,
    "max": lambda *xs: np.maximum.reduce(np.broadcast_arrays(*xs)),
    "min": lambda *xs: np.minimum.reduce(np.broadcast_arrays(*xs)),
    "where": np.where,
    "floor": np.floor,
    "round": lambda x: np.floor(x + 0.5),
    "Σ": np.sum,
    "Φ": np.vectorize(lambda x: erfc(-x / sqrt(2)) / 2),
}


def worked_out(
    formula: str,
    values: Mapping[str, Any],
    functions: Mapping[str, Callable[..., Any]] = NUMPY,
    chosen: Callable[[str, str], Any] | None = None,
) -> Any:
    """The formula's value. `chosen(p, a)` says whether a is the one that p took as its largest."""
    reader = Reader(list(tokens(formula)), values, functions, chosen)
    result = reader.sum()
    assert reader.next == ("end", ""), f"{formula!r} goes on at {reader.next}"
    return result


def tokens(formula: str):
    place = 0
    while place < len(formula.rstrip()):
        found = TOKEN.match(formula, place)
        assert found, f"what is {formula[place:]!r}?"
        yield found.lastgroup, found[found.lastgroup]
        place = found.end()
    yield "end", ""


@dataclass
class Reader:
    """Σ reaches over the product that follows it; powers bind closest, then products."""

    tokens: list[tuple[str, str]]
    values: Mapping[str, Any]
    functions: Mapping[str, Callable[..., Any]]
    chosen: Callable[[str, str], Any] | None
    place: int = 0

    @property
    def next(self) -> tuple[str, str]:
        return self.tokens[self.place]

    def take(self, text: str | None = None) -> str:
        found = self.next[1]
        assert text in (None, found), f"{text!r} expected, not {found!r}"
        self.place += 1
        return found

    def sum(self) -> Any:
        value = -self._after("−") if self.next[1] == "−" else self.product()
        while self.next[1] in ("+", "−"):
            work = operator.add if self.take() == "+" else operator.sub
            value = work(value, self.product())
        return value

    def _after(self, sign: str) -> Any:
        self.take(sign)
        return self.product()

    def product(self) -> Any:
        value = self.power()
        while self.next[1] in ("·", "/"):
            work = operator.mul if self.take() == "·" else operator.truediv
            value = work(value, self.power())
        return value

    def power(self) -> Any:
        value = self.atom()
        kind, text = self.next
        if kind == "raised":
            self.take()
            return value ** int(text.translate(LOWERED))
        return value

    def atom(self) -> Any:
        kind, text = self.next
        self.take()
        if kind == "number":
            return np.pi if text == "π" else float(text)
        if kind == "partial":
            return self.values[text]
        if kind == "name" and self.next[1] == "(":
            return self.functions[text](*self._arguments())
        if kind == "name":
            return self.values[text]
        return {
            "(": self._bracketed,
            "[": self._condition,
            "{": self._cases,
            "½": lambda: 0.5,
            "√": lambda: self.functions["√"](self.atom()),
            "Σ": lambda: self.functions["Σ"](self.product()),
        }[text]()

    def _arguments(self) -> list[Any]:
        self.take("(")
        found = [self.sum()]
        while self.next[1] == ",":
            self.take()
            found.append(self.sum())
        self.take(")")
        return found

    def _bracketed(self) -> Any:
        value = self.sum()
        self.take(")")
        return value

    def _condition(self) -> Any:
        """[x > 0], [x < 6], or [p is a]."""
        if self.tokens[self.place + 1][1] == "is":
            pool, _, part = self.take(), self.take("is"), self.take()
            assert self.chosen
            value = self.chosen(pool, part)
        else:
            value = self.functions["where"](self._comparison(), 1.0, 0.0)
        self.take("]")
        return value

    def _cases(self) -> Any:
        """{a if x > 0, else b}."""
        value = self.sum()
        self.take("if")
        holds = self._comparison()
        self.take(",")
        self.take("else")
        other = self.sum()
        self.take("}")
        return self.functions["where"](holds, value, other)

    def _comparison(self) -> Any:
        left, sign, right = self.sum(), self.take(), self.sum()
        return {">": left > right, "<": left < right}[sign]
