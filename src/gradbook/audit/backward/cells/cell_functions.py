"""Every formula as a function of the cells that it mentions: its value there, and its slopes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.meaning import meaning
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.formula.values import CellBlock, NotUnderstood, Single, number
from gradbook.audit.judge.numbers import Numbers
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.graph.chain import gradients
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Graph, Node

POINTS = 48  # so many that a ReLU is often enough open
NUMBER = object()  # stands for any number where formulas are told apart by what they are given
MOST_MENTIONED = 2000  # cells in one formula

PointValue = Array | str | None  # numbers at the points, a text, nothing


@dataclass(frozen=True, eq=False)
class CellFunction:
    """What a formula makes of the values that it mentions, by their places in it."""

    result: Node | str
    leaves: Mapping[Node, int]

    def value(self, given: Sequence[PointValue]) -> PointValue:
        return self._of(self.result, given) if isinstance(self.result, Node) else self.result

    @cached_property
    def _slopes(self) -> Mapping[int, Node]:
        if not isinstance(self.result, Node):
            return {}
        found = gradients(self.result, list(self.leaves))
        return {k: found[leaf] for leaf, k in self.leaves.items()}

    def slopes(self, given: Sequence[PointValue]) -> dict[int, Array]:
        """Its derivatives by what stands at each place."""
        return {k: self._of(node, given) for k, node in self._slopes.items()}

    def _of(self, node: Node, given: Sequence[PointValue]) -> Array:
        def leaf(place: int) -> Array:
            value = given[place]
            return value if isinstance(value, np.ndarray) else np.full(POINTS, np.nan)

        return np.broadcast_to(Numbers(leaf, self.leaves).of(node), (POINTS,))


class CellFunctions:
    """The functions of a book's formulas; those that say the same of other cells share one."""

    def __init__(self, book: Book, flow: Flow) -> None:
        self.book = book
        self.flow = flow
        self.not_understood: dict[Address, str] = {}
        self._known: dict[object, CellFunction | str] = {}

    def sources(self, cell: Address, pattern: Pattern | None = None) -> tuple[Address, ...]:
        if pattern is None:
            return self.flow.sources(cell)
        return tuple(self.flow.mentioned(pattern.places, cell))

    def of(
        self, cell: Address, value: Callable[[Address], PointValue], pattern: Pattern | None = None
    ) -> tuple[CellFunction, Sequence[Address]] | None:
        """The function of a cell and what it is given; None of what isn't understood."""
        sources = self.sources(cell, pattern)
        formula = pattern or self.book.patterns[cell]
        if len(sources) > MOST_MENTIONED:
            self.not_understood[cell] = "a formula of very many cells"
            return None
        first: dict[Address, int] = {}
        same = tuple(first.setdefault(source, k) for k, source in enumerate(sources))
        given = [value(source) for source in sources]
        kinds = tuple(NUMBER if isinstance(v, np.ndarray) else v for v in given)
        key = formula, kinds, same
        if key not in self._known:
            self._known[key] = self._made(formula, cell, sources, given)
        found = self._known[key]
        if isinstance(found, str):
            self.not_understood.setdefault(cell, found)
            return None
        return found, sources

    def _made(
        self,
        pattern: Pattern,
        home: Address,
        sources: Sequence[Address],
        values: Sequence[PointValue],
    ) -> CellFunction | str:
        if pattern.expression is None:
            return pattern.problem
        graph, given = Graph(), dict(zip(sources, values, strict=True))
        leaves: dict[Address, Node] = {}

        def single(cell: Address) -> Single:
            value = given[cell]
            if not isinstance(value, np.ndarray):
                return value
            if cell not in leaves:
                leaves[cell] = graph.leaf(Name(str(cell)))
            return leaves[cell]

        try:
            found = meaning(
                graph, pattern.expression, self.flow.lookup(graph, pattern, home, single)
            )
            if isinstance(found, CellBlock):
                found = found.rows[0][0]
            result = found if isinstance(found, str) else number(graph, found)
        except (NotUnderstood, OverflowError) as error:
            return str(error)
        return CellFunction(result, {leaf: sources.index(cell) for cell, leaf in leaves.items()})


class PointValues:
    """Every cell's value at a few points, typed numbers drawn at random."""

    def __init__(
        self,
        functions: CellFunctions,
        order: Sequence[Address],
        leaf: Callable[[Address], PointValue],
        instead: Mapping[Address, Pattern] | None = None,
    ) -> None:
        self.functions = functions
        self.order = order
        self.leaf = leaf
        self.instead = dict(instead or {})
        self.known: dict[Address, PointValue] = {}
        for cell in order:
            self.known[cell] = self._computed(cell)

    def of(self, cell: Address) -> PointValue:
        if cell not in self.known:
            self.known[cell] = self.leaf(cell)
        return self.known[cell]

    def number(self, cell: Address) -> Array:
        """A cell's numbers, NaN where it has none."""
        value = self.of(cell)
        return value if isinstance(value, np.ndarray) else np.full(POINTS, np.nan)

    def _computed(self, cell: Address) -> PointValue:
        made = self.functions.of(cell, self.of, self.instead.get(cell))
        if made is None:
            return self.leaf(cell)
        function, sources = made
        return function.value([self.of(source) for source in sources])

    def said(self, pattern: Pattern, home: Address) -> Array:
        """What another formula would be worth in some cell."""
        made = self.functions.of(home, self.of, pattern)
        if made is None:
            return np.full(POINTS, np.nan)
        function, sources = made
        value = function.value([self.of(source) for source in sources])
        return value if isinstance(value, np.ndarray) else np.full(POINTS, np.nan)

    def with_values(
        self, given: Mapping[Address, PointValue], below: Iterable[Address]
    ) -> PointValues:
        """The same with some cells' values given, and all that is computed from them."""
        return self._again(given, below, self.instead)

    def with_formulas(
        self, formulas: Mapping[Address, Pattern], below: Iterable[Address]
    ) -> PointValues:
        """The same with other formulas in some cells."""
        return self._again({}, {*below, *formulas}, {**self.instead, **formulas})

    def _again(
        self,
        given: Mapping[Address, PointValue],
        below: Iterable[Address],
        instead: Mapping[Address, Pattern],
    ) -> PointValues:
        other = PointValues(self.functions, (), self.leaf, instead)
        other.order = self.order
        other.known = {**self.known, **given}
        affected = set(below).difference(given)
        for cell in sorted(affected & self.places.keys(), key=self.places.__getitem__):
            other.known[cell] = other._computed(cell)
        return other

    @cached_property
    def places(self) -> dict[Address, int]:
        return {cell: k for k, cell in enumerate(self.order)}

    def slopes(self, seeds: Mapping[Address, Array]) -> dict[Address, Array]:
        """∂L/∂ every cell, given those by some of them: the chain rule, cell by cell."""
        found: dict[Address, Array] = dict(seeds)
        patterns = self.functions.book.patterns
        with np.errstate(all="ignore"):
            for cell in reversed(self.order):
                if cell not in found or cell not in patterns:
                    continue
                made = self.functions.of(cell, self.of, self.instead.get(cell))
                if made is None:
                    continue
                function, sources = made
                given = [self.of(source) for source in sources]
                for k, slope in function.slopes(given).items():
                    share = found[cell] * slope
                    found[sources[k]] = found[sources[k]] + share if sources[k] in found else share
        return found


def in_order(book: Book, flow: Flow) -> list[Address]:
    """The formulas, each after those that it is computed from; none that is part of a circle, or
    computed from one."""
    waiting = {
        cell: sum(source in book.patterns for source in set(flow.sources(cell)))
        for cell in book.patterns
    }
    ready = [cell for cell, count in waiting.items() if count == 0]
    found: list[Address] = []
    while ready:
        cell = ready.pop()
        found.append(cell)
        for user in flow.users.get(cell, ()):
            waiting[user] -= 1
            if waiting[user] == 0:
                ready.append(user)
    return found
