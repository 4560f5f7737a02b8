"""Every formula as a function of the cells that it mentions: its value there, and its slopes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.numbers import Numbers
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.evaluate import NUMBER, as_node
from gradbook.audit.workbook.flow import Flow
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node

POINTS = 48  # so many that a ReLU is often enough open
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
        numbers = Numbers(lambda place: as_numbers(given[place]), self.leaves)
        return np.broadcast_to(numbers.of(node), (POINTS,))


def as_numbers(value: PointValue) -> Array:
    """A value's numbers, NaN where it has none."""
    return value if isinstance(value, np.ndarray) else np.full(POINTS, np.nan)


class CellFunctions:
    """The functions of a book's formulas; those that say the same of other cells share one."""

    def __init__(self, book: Book, flow: Flow) -> None:
        self.book = book
        self.flow = flow
        self.not_understood: dict[Address, str] = {}
        self._known: dict[object, CellFunction | str] = {}

    def of(
        self, cell: Address, value: Callable[[Address], PointValue], pattern: Pattern | None = None
    ) -> tuple[CellFunction, Sequence[Address]] | None:
        """The function of a cell, or of another formula there, and the cells that it is given; None
        of what isn't understood."""
        sources = self._sources(cell, pattern)
        formula = pattern or self.book.patterns[cell]
        if len(sources) > MOST_MENTIONED:
            self.not_understood[cell] = "a formula of very many cells"
            return None
        first: dict[Address, int] = {}
        same = tuple(first.setdefault(source, k) for k, source in enumerate(sources))
        given = {source: value(source) for source in first}
        kinds = tuple(NUMBER if isinstance(v, np.ndarray) else v for v in given.values())
        key = formula, kinds, same
        if key not in self._known:
            self._known[key] = self._made(formula, cell, given, first)
        found = self._known[key]
        if isinstance(found, str):
            self.not_understood.setdefault(cell, found)
            return None
        return found, sources

    def _sources(self, cell: Address, pattern: Pattern | None) -> tuple[Address, ...]:
        if pattern is None:
            return self.flow.sources(cell)
        return tuple(self.flow.mentioned(pattern.places, cell))

    def _made(
        self,
        pattern: Pattern,
        home: Address,
        given: Mapping[Address, PointValue],
        places: Mapping[Address, int],
    ) -> CellFunction | str:
        try:
            result, leaves = as_node(self.flow, pattern, home, given, _is_array)
        except (NotUnderstood, OverflowError) as error:
            return str(error)
        return CellFunction(result, {leaf: places[cell] for leaf, cell in leaves.items()})


def _is_array(value: object) -> bool:
    return isinstance(value, np.ndarray)


class PointValues:
    """Every cell's value at a few points, typed numbers drawn at random."""

    def __init__(
        self,
        functions: CellFunctions,
        order: Sequence[Address],
        leaf: Callable[[Address], PointValue],
    ) -> None:
        self.functions = functions
        self.order = order
        self.leaf = leaf
        self.known: dict[Address, PointValue] = {}
        for cell in order:
            self.known[cell] = self._computed(cell)

    def of(self, cell: Address) -> PointValue:
        if cell not in self.known:
            self.known[cell] = self.leaf(cell)
        return self.known[cell]

    def number(self, cell: Address) -> Array:
        """A cell's numbers, NaN where it has none."""
        return as_numbers(self.of(cell))

    def _computed(self, cell: Address) -> PointValue:
        made = self.functions.of(cell, self.of)
        return self.leaf(cell) if made is None else self._result(*made)

    def said_by(self, text: str, home: Address) -> Array:
        """What another formula would be worth in some cell."""
        pattern = self.functions.book.reader.typed(text, home)
        made = self.functions.of(home, self.of, pattern)
        return as_numbers(None if made is None else self._result(*made))

    def _result(self, function: CellFunction, sources: Sequence[Address]) -> PointValue:
        return function.value([self.of(source) for source in sources])

    def with_values(
        self, given: Mapping[Address, PointValue], below: Iterable[Address]
    ) -> PointValues:
        """The same with some cells' values given, and all that is computed from them."""
        other = copy(self)
        other.known = {**self.known, **given}
        affected = self._places.keys() & set(below).difference(given)
        for cell in sorted(affected, key=self._places.__getitem__):
            other.known[cell] = other._computed(cell)
        return other

    @cached_property
    def _places(self) -> dict[Address, int]:
        return {cell: k for k, cell in enumerate(self.order)}

    def slopes(self, seeds: Mapping[Address, Array]) -> dict[Address, Array]:
        """∂L/∂ every cell, given those by some of them: the chain rule, cell by cell."""
        found: dict[Address, Array] = dict(seeds)
        with np.errstate(all="ignore"):
            for cell in reversed(self.order):
                for source, slope in self.partials(cell).items() if cell in found else ():
                    share = found[cell] * slope
                    found[source] = found[source] + share if source in found else share
        return found

    def partials(self, cell: Address) -> dict[Address, Array]:
        """The slopes of a formula by the cells that it mentions."""
        made = self.functions.of(cell, self.of)
        if made is None:
            return {}
        function, sources = made
        slopes = function.slopes([self.of(source) for source in sources])
        return {sources[k]: slope for k, slope in slopes.items()}


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
