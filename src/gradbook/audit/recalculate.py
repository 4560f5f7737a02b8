"""Computes a book's formulas anew: for files without values, and with other formulas in place."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from gradbook.audit.address import Address
from gradbook.audit.book import Book
from gradbook.audit.flow import Flow
from gradbook.audit.meaning import Block, Look, NotUnderstood, Value, meaning
from gradbook.audit.pattern import Area, Pattern, Place
from gradbook.graph.node import Graph, Node
from gradbook.graph.reference import evaluate
from gradbook.targets.excel.grammar import (
    Call,
    Expression,
    Infix,
    Number,
    Postfix,
    Prefix,
    Reference,
)

MOST = 30_000  # formulas; larger books come from programs that keep the values

Result = float | str | None


def fill_in(book: Book, flow: Flow) -> None:
    """Give every formula its value where the file has none, or 0 for all of them."""
    shown = (book.values.get(cell) for cell in book.patterns)
    if len(book.patterns) > MOST or any(value not in (None, 0.0) for value in shown):
        return
    numbers = Recalculation(book, flow)
    for cell in [*book.patterns, *book.elements]:
        value = numbers.result(cell)
        book.values.pop(cell, None)
        if value is not None and not (isinstance(value, float) and math.isnan(value)):
            book.values[cell] = value


class Recalculation:
    """Every formula's value, from the constants on; some formulas may be replaced by others."""

    def __init__(
        self, book: Book, flow: Flow, instead: Mapping[Address, Pattern] | None = None
    ) -> None:
        self.book = book
        self.flow = flow
        self.instead = instead or {}
        self.known: dict[Address, Result] = {}

    def value(self, cell: Address) -> float:
        """A cell's number; NaN where it can't be computed."""
        found = self.result(cell)
        return found if isinstance(found, float) else 0.0 if found is None else math.nan

    def result(self, cell: Address) -> Result:
        waiting: list[Address] = [cell]
        opened: set[Address] = set()
        while waiting:
            last = waiting[-1]
            if last in self.known:
                waiting.pop()
                continue
            missing = [c for c in self._sources(last) if c not in self.known]
            if missing and last not in opened:
                opened.add(last)
                waiting.extend(missing)
                continue
            self.known[last] = math.nan if missing else self._computed(last)
            waiting.pop()
        return self.known[cell]

    def _pattern(self, cell: Address) -> Pattern | None:
        return self.instead.get(cell) or self.book.patterns.get(cell)

    def _sources(self, cell: Address) -> list[Address]:
        if cell in self.instead:
            return list(self.flow.mentioned(self.instead[cell].places, cell))
        if cell in self.book.patterns or cell in self.book.elements:
            return list(self.flow.sources(cell))
        return []

    def _computed(self, cell: Address) -> Result:
        anchor, down, right = self.book.elements.get(cell, (cell, 0, 0))
        pattern = self._pattern(anchor)
        if pattern is None:
            value = self.book.values.get(cell)
            return float(value) if isinstance(value, bool) else value
        if pattern.expression is None:
            return math.nan
        try:
            return self._plain(pattern.expression, pattern, anchor)
        except _NotPlain:
            return self._general(pattern, anchor, down, right)
        except (ArithmeticError, ValueError):
            return math.nan

    def _plain(self, part: Expression, pattern: Pattern, home: Address) -> float:
        """Arithmetic on single numbers, which is nearly everything."""
        match part:
            case Number(value):
                return value
            case Reference(text):
                return self._mentioned(text, pattern, home)
            case Infix(operator, left, right) if operator in _INFIX:
                a, b = self._plain(left, pattern, home), self._plain(right, pattern, home)
                return _INFIX[operator](a, b)
            case Prefix(sign, operand):
                value = self._plain(operand, pattern, home)
                return -value if sign == "-" else value
            case Postfix(_, operand):
                return self._plain(operand, pattern, home) / 100
            case Call(function, arguments) if function in _CALLS and None not in arguments:
                given = [self._plain(a, pattern, home) for a in arguments if a is not None]
                return _CALLS[function](*given)
        raise _NotPlain

    def _mentioned(self, text: str, pattern: Pattern, home: Address) -> float:
        mention = pattern.mentions.get(text)
        if isinstance(mention, float):
            return mention
        cell = mention.at(home) if isinstance(mention, Place) else None
        if cell is None:
            raise _NotPlain
        value = self.known.get(cell)
        if isinstance(value, str):
            raise _NotPlain
        return 0.0 if value is None else value

    def _general(self, pattern: Pattern, home: Address, down: int, right: int) -> Result:
        """Ranges, conditions and all else, by way of a graph of constants."""
        graph = Graph()
        assert pattern.expression is not None
        try:
            found = meaning(graph, pattern.expression, self._look(graph, pattern, home))
        except NotUnderstood:
            return math.nan
        if isinstance(found, Block):
            found = found.rows[min(down, len(found.rows) - 1)][min(right, found.shape[1] - 1)]
        return float(np.asarray(evaluate([found], {})[found])) if isinstance(found, Node) else found

    def _look(self, graph: Graph, pattern: Pattern, home: Address) -> Look:
        def one(cell: Address | None) -> Node | str | None:
            value = self.known.get(cell) if cell is not None else None
            return graph.constant(value) if isinstance(value, float) else value

        def look(reference: Reference) -> Value:
            mention = pattern.mentions.get(reference.text)
            if isinstance(mention, Place):
                return one(mention.at(home))
            if isinstance(mention, Area):
                rows = self.flow.rows(mention, home)
                return Block(tuple(tuple(one(c) for c in row) for row in rows))
            if isinstance(mention, float):
                return graph.constant(mention)
            raise NotUnderstood(reference.text)

        return look


class _NotPlain(Exception):
    """More than arithmetic on single numbers."""


def _power(a: float, b: float) -> float:
    found = a**b
    return math.nan if isinstance(found, complex) else float(found)


_INFIX: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": _power,
}
_CALLS: dict[str, Callable[..., float]] = {
    "EXP": math.exp,
    "LN": math.log,
    "SQRT": math.sqrt,
    "TANH": math.tanh,
    "ABS": abs,
    "POWER": _power,
    "MAX": max,
    "MIN": min,
}
