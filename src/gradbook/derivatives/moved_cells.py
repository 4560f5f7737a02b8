"""The formulas behind a result as one graph, so that each typed number behind it can be moved.

A position or a key that moves has no op: its formula is worked out for every value at which
something changes, and the graph chooses between those cases.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import pairwise
from math import inf, isfinite, nextafter

from gradbook.cells.evaluate import value_in
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.expression import parts
from gradbook.cells.formula.formula_values import (
    MovedGraph,
    NeedsNumbers,
    NotUnderstood,
    Single,
    TooMuch,
    error,
    typed,
)
from gradbook.cells.formula.pattern import CellReference
from gradbook.cells.formula.syntax import Number
from gradbook.cells.slopes import NoDerivative, Slopes
from gradbook.errors import TargetError
from gradbook.graph.names import Name
from gradbook.graph.node import Node, ancestors
from gradbook.language.message import Message, words_of
from gradbook.targets.page.lines import sources_of

MOST_DECIDING = 300  # cells of a formula that are tried, which of them decide
POSITIONS = 40  # positions that are tried
MOST_WORK = 5_000_000  # cells that are read for all cases together
HALVINGS = 80  # of an interval in which a case ends
FAR = 1e9  # beyond all keys


class MovedCells:
    """Each cell that moves as a named node of one graph; other cells keep their values."""

    def __init__(self, slopes: Slopes) -> None:
        self.slopes, self.book, self.flow = slopes, slopes.book, slopes.flow
        self.work = 0
        self.order, _ = self.flow.in_order([slopes.result])
        self.positions: set[Address] = set()  # which are moved by whole numbers
        fixed: set[Address] = set()
        while more := self._build(fixed):
            fixed |= more

    def value(self, cell: Address) -> float:
        """What it is in the file."""
        return self.slopes.cells.value(cell)

    def _build(self, fixed: Collection[Address]) -> set[Address]:
        """Make the nodes; if that needs further keys that don't move, return these."""
        self.graph = MovedGraph()
        self.nodes: dict[Address, Node] = {}
        self.inputs: list[Address] = []
        self.formulas: list[Address] = []
        for cell in self.order:
            for source in dict.fromkeys(self.flow.sources(cell)):
                if source not in fixed and self._is_typed(source):
                    self._add(source)
            if any(source in self.nodes for source in self.flow.sources(cell)):
                try:
                    self.nodes[cell] = self.graph.named(self._formula(cell), Name(str(cell)))
                except _Keys as keys:
                    return keys.cells
                self.formulas.append(cell)
        return set()

    def _is_typed(self, cell: Address) -> bool:
        return cell not in self.book.patterns and type(self.book.values.get(cell)) is float

    def _add(self, cell: Address) -> None:
        if cell not in self.nodes:
            self.nodes[cell] = self.graph.leaf(Name(str(cell)))
            self.inputs.append(cell)

    def _formula(self, cell: Address) -> Node:
        try:
            try:
                value = self._meaning(cell)
            except NeedsNumbers:
                value = self._by_cases(cell)
            for part in ancestors([value], stop=self.graph.names):
                sources_of(part)
        except (NotUnderstood, OverflowError, TargetError) as error:
            name = self.book.name_of(cell)
            what = Message(
                "{cell} can't be shown on a page: {problem}; explain takes it",
                cell=name,
                problem=words_of(error),
            )
            raise NoDerivative(what, cell, name) from error
        return value

    def _meaning(self, cell: Address, settled: dict[Node, float] | None = None) -> Node:
        """What a formula computes, where some of its cells are settled."""
        self.graph.settled = settled or {}
        if settled:
            self.work += len(self.flow.sources(cell))
            if self.work > MOST_WORK:
                raise TooMuch(Message("more positions than a page can follow"))
        value = value_in(self.flow, self.graph, self.book.patterns[cell], cell, self._single)
        if isinstance(value, str):
            raise NotUnderstood(Message("a text"))
        return value

    def _single(self, cell: Address) -> Single:
        return self.nodes.get(cell) or typed(self.graph, self.book.values.get(cell))

    # By cases

    def _by_cases(self, cell: Address) -> Node:
        """A formula in which one cell decides on a position, a key or a kind of value. Keys in
        ranges may move as well, as long as they keep their order."""
        moving = [c for c in dict.fromkeys(self.flow.sources(cell)) if c in self.nodes]
        now = {self.nodes[c]: self.value(c) for c in moving}
        if len(moving) > MOST_DECIDING:
            raise NotUnderstood(Message("a position or condition that is computed"))
        deciding = [c for c in moving if not self._is_clear(cell, now, without=self.nodes[c])]
        places = self.book.patterns[cell].places
        alone = {place.at(cell) for place in places if isinstance(place, CellReference)}
        deciders = [c for c in deciding if c in alone]
        if len(deciders) != 1:
            self._keep_keys(deciders or deciding)
            raise NotUnderstood(Message("a position or condition that is computed"))
        keys = {self.nodes[c]: self.value(c) for c in deciding if c not in alone}
        decider = self.nodes[deciders[0]]
        if deciders[0] in self.inputs and now[decider].is_integer() and now[decider] < POSITIONS:
            self.positions.add(deciders[0])

        self._meaning(cell, now)

        def at(value: float) -> Node:
            try:
                return self._meaning(cell, {**keys, decider: value})
            except (NeedsNumbers, TooMuch):
                raise
            except NotUnderstood:  # such as a position that no table has
                return error(self.graph)

        points = sorted({*self._keys(cell), *range(POSITIONS), self.value(deciders[0])})
        between = [(a + b) / 2 for a, b in pairwise(points)]
        cases = [(point, at(point)) for point in sorted({-FAR, *points, *between, FAR})]
        nodes = {value: node for node, value in keys.items()}
        value = cases[0][1]
        for (low, before), (high, after) in pairwise(cases):
            if before is not after:
                last, first = _boundary(at, low, high, before)
                if last in nodes:
                    value = self.graph.make("choose", decider - nodes[last], after, value)
                else:
                    value = self.graph.make(
                        "choose", nodes.get(first, first) - decider, value, after
                    )
        return value

    def _is_clear(self, cell: Address, now: dict[Node, float], without: Node) -> bool:
        """Whether a formula has a meaning although one of its cells moves."""
        try:
            self._meaning(cell, {node: value for node, value in now.items() if node is not without})
        except NeedsNumbers:
            return False
        return True

    def _keep_keys(self, deciding: Sequence[Address]) -> None:
        """Have typed cells that only decide stay as they are."""
        if keys := {c for c in deciding if c in self.inputs and c not in self.slopes.inputs}:
            raise _Keys(keys)

    def _keys(self, cell: Address) -> Iterator[float]:
        """The numbers with which a formula may compare others."""
        for source in self.flow.sources(cell):
            value = self.book.values.get(source)
            if isinstance(value, float) and isfinite(value):
                yield value
        expression = self.book.patterns[cell].expression
        for part in parts(expression) if expression else ():
            if isinstance(part, Number):
                yield part.value


class _Keys(Exception):
    """Keys that have to stay as they are."""

    def __init__(self, cells: set[Address]) -> None:
        super().__init__()
        self.cells = cells


def _boundary(
    at: Callable[[float], Node], low: float, high: float, before: Node
) -> tuple[float, float]:
    """The last number of a case that holds at `low`, and the first of the next one."""
    if at(just_below := nextafter(high, -inf)) is before:  # as at a key
        return just_below, high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if at(middle) is before else (low, middle)
    return low, high
