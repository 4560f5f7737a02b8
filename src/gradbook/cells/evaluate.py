"""Recalculates a workbook's cells, with other formulas in some of them.

Each different formula is compiled once into a list of ops; a column of equal formulas shares it.
What Excel shows as an error is NaN here: a division by zero, the logarithm of 0, an overflow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from math import isfinite, isnan, nan
from typing import Any

from gradbook.cells.book import Book, CellValue
from gradbook.cells.budget import A_SHARE, budget, spend, within_budget
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.expression import count_parts
from gradbook.cells.formula.formula_values import (
    CellBlock,
    Corners,
    NeedsNumbers,
    NotUnderstood,
    NumberedGraph,
    OpenGraph,
    Single,
    number,
    typed,
)
from gradbook.cells.formula.meaning import meaning
from gradbook.cells.formula.numbers import ON_NUMBERS
from gradbook.cells.formula.pattern import Pattern, RangeReference
from gradbook.graph.names import Name
from gradbook.graph.node import Graph, Node, ancestors
from gradbook.language.message import Message

MOST_FORMULAS = 30_000  # formulas; larger books come from programs that store the values
TAKEN_IN = 3_000  # budget for compiling a formula, for each of its cells
ANEW = 50  # budget for computing a formula anew, for each of its parts and cells
MOST_NODES = 300_000  # of formulas computed anew, before the graph is made anew, too
NUMBERS = {float}
NUMBER = object()  # stands for any number in the key of a formula's program

Task = Callable[[list[float]], float]
CellProgram = Callable[[Sequence[CellValue]], float]


def fill_in(book: Book, flow: Flow) -> None:
    """Compute the formulas' values if the file has none, or only zeros."""
    shown = (book.values.get(cell) for cell in book.patterns)
    if len(book.patterns) > MOST_FORMULAS or any(value not in (None, 0.0) for value in shown):
        return
    cells = Evaluation(book, flow)
    computed = within_budget(
        lambda: {cell: cells.shown_value(cell) for cell in book.patterns}, A_SHARE
    )
    if computed is None:
        budget().left.append(Message("the values of its formulas, which the file doesn't contain"))
        return
    for cell, value in computed.items():
        if isinstance(value, float) and isnan(value):
            book.values.pop(cell, None)
        else:
            book.values[cell] = value


class Evaluation:
    """Values of cells, each computed once, when it is first needed.

    Any formulas may be replaced by others (`instead`), and any cells by numbers (`numbers`: a
    nudge). With `numbers`, a formula that isn't understood and doesn't depend on what is replaced
    keeps the value that the file shows.
    """

    def __init__(
        self,
        book: Book,
        flow: Flow,
        instead: Mapping[Address, Pattern] | None = None,
        numbers: Mapping[Address, float] | None = None,
    ) -> None:
        self.book = book
        self.flow = flow
        self.instead = instead or {}
        self.numbers = numbers
        self.known: dict[Address, CellValue] = dict(numbers or {})
        self.unknown: set[Address] = set()  # not understood, and what depends on those
        self._programs: dict[object, CellProgram | str | None] = {}
        self._anew: set[Pattern] = set()  # patterns that depend on the present numbers
        self._graph = NumberedGraph()
        self._blocks: dict[Corners, CellBlock] = {}

    def with_numbers(
        self, numbers: Mapping[Address, float], known: Mapping[Address, CellValue]
    ) -> Evaluation:
        """The same cells with other numbers in some of them, and with some values that are known;
        what was compiled is used again."""
        other = Evaluation(self.book, self.flow, self.instead, numbers)
        other._programs, other._anew = self._programs, self._anew
        other.known = {**known, **numbers}
        return other

    def value(self, cell: Address) -> float:
        """What a cell shows, as a number; NaN where that isn't possible."""
        found = self.shown_value(cell)
        return float(found) if isinstance(found, int | float) else nan

    def shown_value(self, cell: Address) -> CellValue:
        """What a cell shows, computed after the cells that it needs."""
        known = self.known
        waiting = [cell]
        opened: set[Address] = set()
        while waiting:
            last = waiting[-1]
            if last in known:
                waiting.pop()
                continue
            pattern = self.instead.get(last) or self.book.patterns.get(last)
            if pattern is None:
                known[last] = self.book.values.get(last)
                continue
            sources = self.flow.sources(last)
            if last in self.instead:
                sources = tuple(self.flow.mentioned_cells(pattern.places, last))
            missing = [source for source in sources if source not in known]
            if missing and last not in opened:
                opened.add(last)
                waiting.extend(missing)
            elif missing:  # it depends on itself
                known[last] = self._not_understood(last)
            else:
                known[last] = self._computed(last, pattern, sources)
        return known[cell]

    def value_of(self, pattern: Pattern, home: Address) -> float:
        """What a formula that no cell has would show in a cell, as a number; NaN where that isn't
        possible."""
        sources = tuple(self.flow.mentioned_cells(pattern.places, home))
        for source in sources:
            if source not in self.known:
                self.shown_value(source)
        found = self._computed(home, pattern, sources)
        return float(found) if isinstance(found, int | float) else nan

    def _computed(self, cell: Address, pattern: Pattern, sources: Sequence[Address]) -> CellValue:
        found: CellValue | Unknown
        if pattern in self._anew:
            found = self._computed_anew(cell, pattern, sources)
        else:
            found = self._compiled(cell, pattern, sources)
        if isinstance(found, Unknown):
            return self._not_understood(cell)
        if self.unknown and _is_error(found) and not self.unknown.isdisjoint(sources):
            self.unknown.add(cell)
        return found

    def _not_understood(self, cell: Address) -> CellValue:
        if self.numbers is not None and cell not in self._replaced:
            return self.book.values.get(cell)
        self.unknown.add(cell)
        return nan

    @cached_property
    def _replaced(self) -> set[Address]:
        """The cells that are replaced, and all that depends on them."""
        changed = {*self.instead, *(self.numbers or ())}
        return changed | self.flow.below(changed)

    def _compiled(
        self, cell: Address, pattern: Pattern, sources: Sequence[Address]
    ) -> CellValue | Unknown:
        """A formula's result by the program that it shares with its copies."""
        given = [self.known[source] for source in sources]
        kinds: tuple[object, ...] = ()
        if not NUMBERS.issuperset(map(type, given)):
            kinds = tuple(NUMBER if type(value) is float else value for value in given)
        key = pattern, kinds, _variant(pattern, cell, sources)
        if key not in self._programs:
            try:
                self._programs[key] = self._program(pattern, cell, sources)
            except NeedsNumbers:
                self._anew.add(pattern)
                return self._computed_anew(cell, pattern, sources)
        program = self._programs[key]
        if program is None:
            return UNKNOWN
        return program if isinstance(program, str) else program(given)

    def _program(
        self, pattern: Pattern, home: Address, sources: Sequence[Address]
    ) -> CellProgram | str | None:
        """A function from the numbers of a formula's cells to its result, or the text that it
        always returns; None if it isn't understood. Texts and blanks are compiled in."""
        spend(TAKEN_IN * len(sources))
        try:
            result, leaves = as_node(self.flow, pattern, home, self.known, _is_number, OpenGraph())
        except NeedsNumbers:
            raise
        except (NotUnderstood, OverflowError):
            return None
        places = {cell: k for k, cell in enumerate(sources)}
        given = {places[cell]: leaf for leaf, cell in leaves.items()}
        return result if isinstance(result, str) else _program(result, given)

    def _computed_anew(
        self, cell: Address, pattern: Pattern, sources: Sequence[Address]
    ) -> CellValue | Unknown:
        """A formula's result at the present numbers, which decide on positions, keys and
        conditions."""
        if pattern.expression is None:
            return UNKNOWN
        spend(ANEW * (count_parts(pattern.expression) + len(sources)))
        if len(self._graph.nodes) > MOST_NODES:
            self._graph, self._blocks = NumberedGraph(), {}
        graph = self._graph
        graph.is_doubtful = False
        look = self.flow.lookup(graph, pattern, cell, self._single, self._blocks)
        try:
            found = meaning(graph, pattern.expression, look, self.flow.places(pattern, cell))
            if isinstance(found, CellBlock):
                found = self.flow.element(cell, found)
            if isinstance(found, str):
                return found
            result = graph.number_of(number(graph, found))
        except (NotUnderstood, OverflowError):
            return UNKNOWN
        return result if isfinite(result) else nan

    def _single(self, cell: Address) -> Single:
        value = self.known[cell]
        if cell in self.unknown:
            self._graph.is_doubtful = True
        if isinstance(value, float):
            return self._graph.constant(nan if isnan(value) else value)
        return typed(self._graph, value)


class Unknown:
    """The result of a formula that isn't understood."""


UNKNOWN = Unknown()


def _variant(pattern: Pattern, home: Address, sources: Sequence[Address]) -> tuple[object, ...]:
    """Which aspects of a formula's references vary between copies: their number, as sums grow or
    references leave the sheet, and which of them are equal."""
    first: dict[Address, int] = {}
    same = tuple([first.setdefault(cell, k) for k, cell in enumerate(sources)])
    ranges = [p for p in pattern.places if isinstance(p, RangeReference) and p.grows]
    corners = [area.corners(home) for area in ranges]
    sizes = tuple([(c[3] - c[1], c[4] - c[2]) for c in corners if c])
    return len(sources), same if len(first) < len(sources) else (), sizes


def _is_error(value: CellValue) -> bool:
    return isinstance(value, float) and isnan(value)


def _is_number(value: object) -> bool:
    return isinstance(value, float)


def as_node(
    flow: Flow,
    pattern: Pattern,
    home: Address,
    given: Mapping[Address, Any],
    is_leaf: Callable[[object], bool],
    graph: Graph | None = None,
) -> tuple[Node | str, dict[Node, Address]]:
    """What a formula computes from its cells, or the text that it always returns: numbers are
    leaves, returned with their cells; texts and blanks are compiled in."""
    if pattern.expression is None:
        raise NotUnderstood(pattern.problem)
    graph = Graph() if graph is None else graph
    leaves: dict[Address, Node] = {}

    def single(cell: Address) -> Single:
        value = given[cell]
        if not is_leaf(value):
            return typed(graph, value)
        if cell not in leaves:
            leaves[cell] = graph.leaf(Name(str(cell)))
        return leaves[cell]

    look = flow.lookup(graph, pattern, home, single)
    found = meaning(graph, pattern.expression, look, flow.places(pattern, home))
    if isinstance(found, CellBlock):
        if isinstance(graph, OpenGraph) and home in flow.places_in_arrays:
            raise NeedsNumbers(Message("an array formula"))  # each cell has its own element
        found = flow.element(home, found)
    result = found if isinstance(found, str) else number(graph, found)
    return result, {leaf: cell for cell, leaf in leaves.items()}


# Programs ---------------------------------------------------------------------


def _program(result: Node, leaves: Mapping[int, Node]) -> CellProgram:
    """A function that runs a formula's ops on its cells' numbers, one after the other."""
    nodes = ancestors([result])
    used = set(nodes)
    given = {k: leaf for k, leaf in leaves.items() if leaf in used}
    constants = [node for node in nodes if node.is_constant()]
    made = [node for node in nodes if node.inputs]
    place = {node: k for k, node in enumerate([*given.values(), *constants, *made])}
    numbers = [node.number for node in constants]
    tasks = [_task(node, [place[source] for source in node.inputs]) for node in made]

    def run(cells: Sequence[CellValue]) -> float:
        values: list[Any] = [cells[k] for k in given] + numbers
        for task in tasks:
            try:
                values.append(task(values))
            except (ArithmeticError, ValueError):
                values.append(nan)
        found: float = values[place[result]]
        return found if isfinite(found) else nan

    return run


def _task(node: Node, places: Sequence[int]) -> Task:
    one = ON_NUMBERS[node.op.name]
    match places:
        case [a]:
            return lambda values: one(values[a])
        case [a, b]:
            return lambda values: one(values[a], values[b])
    return lambda values: one(*[values[k] for k in places])
