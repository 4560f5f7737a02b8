"""Recalculates a workbook's cells, with other formulas in some of them.

Each different formula is compiled once into a list of ops; a column of equal formulas shares it.
What Excel shows as an error is NaN here: a division by zero, the logarithm of 0, an overflow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite, isnan, nan
from typing import Any

from gradbook.cells.book import Book, CellValue
from gradbook.cells.budget import A_SHARE, budget, spend, within_budget
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.meaning import meaning
from gradbook.cells.formula.numbers import ON_NUMBERS
from gradbook.cells.formula.pattern import Pattern, RangeReference
from gradbook.cells.formula.values import CellBlock, NotUnderstood, Single, number
from gradbook.graph.names import Name
from gradbook.graph.node import Graph, Node, ancestors
from gradbook.language.message import Message

MOST = 30_000  # formulas; larger books come from programs that store the values
TAKEN_IN = 3_000  # budget for compiling a formula, for each of its cells
NUMBERS = {float}
NUMBER = object()  # stands for any number in the key of a formula's program

Task = Callable[[list[float]], float]
CellProgram = Callable[[Sequence[CellValue]], float]


def fill_in(book: Book, flow: Flow) -> None:
    """Compute the formulas' values if the file has none, or only zeros."""
    shown = (book.values.get(cell) for cell in book.patterns)
    if len(book.patterns) > MOST or any(value not in (None, 0.0) for value in shown):
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
    """Values of cells, each computed once, when it is first needed."""

    def __init__(
        self, book: Book, flow: Flow, instead: Mapping[Address, Pattern] | None = None
    ) -> None:
        self.book = book
        self.flow = flow
        self.instead = instead or {}
        self.known: dict[Address, CellValue] = {}
        self._programs: dict[object, CellProgram | str | None] = {}

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
            else:  # a missing value here depends on itself
                known[last] = nan if missing else self._computed(last, pattern, sources)
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
        given = [self.known[source] for source in sources]
        kinds: tuple[object, ...] = ()
        if not NUMBERS.issuperset(map(type, given)):
            kinds = tuple(NUMBER if type(value) is float else value for value in given)
        key = pattern, kinds, _variant(pattern, cell, sources)
        if key not in self._programs:
            self._programs[key] = self._program(pattern, cell, sources)
        program = self._programs[key]
        if program is None or isinstance(program, str):
            return nan if program is None else program
        return program(given)

    def _program(
        self, pattern: Pattern, home: Address, sources: Sequence[Address]
    ) -> CellProgram | str | None:
        """A function from the numbers of a formula's cells to its result, or the text that it
        always returns; None if it isn't understood. Texts and blanks are compiled in."""
        spend(TAKEN_IN * len(sources))
        try:
            result, leaves = as_node(self.flow, pattern, home, self.known, _is_number)
        except (NotUnderstood, OverflowError):
            return None
        places = {cell: k for k, cell in enumerate(sources)}
        given = {places[cell]: leaf for leaf, cell in leaves.items()}
        return result if isinstance(result, str) else _program(result, given)


def _variant(pattern: Pattern, home: Address, sources: Sequence[Address]) -> tuple[object, ...]:
    """Which aspects of a formula's references vary between copies: their number, as sums grow or
    references leave the sheet, and which of them are equal."""
    first: dict[Address, int] = {}
    same = tuple([first.setdefault(cell, k) for k, cell in enumerate(sources)])
    ranges = [p for p in pattern.places if isinstance(p, RangeReference) and p.grows]
    corners = [area.corners(home) for area in ranges]
    sizes = tuple([(c[3] - c[1], c[4] - c[2]) for c in corners if c])
    return len(sources), same if len(first) < len(sources) else (), sizes


def _is_number(value: object) -> bool:
    return isinstance(value, float)


def as_node(
    flow: Flow,
    pattern: Pattern,
    home: Address,
    given: Mapping[Address, Any],
    is_leaf: Callable[[object], bool],
) -> tuple[Node | str, dict[Node, Address]]:
    """What a formula computes from its cells, or the text that it always returns: numbers are
    leaves, returned with their cells; texts and blanks are compiled in."""
    if pattern.expression is None:
        raise NotUnderstood(pattern.problem)
    graph = Graph()
    leaves: dict[Address, Node] = {}

    def single(cell: Address) -> Single:
        value: Single = given[cell]
        if isinstance(value, bool):
            return graph.constant(float(value))
        if not is_leaf(value):
            return value
        if cell not in leaves:
            leaves[cell] = graph.leaf(Name(str(cell)))
        return leaves[cell]

    found = meaning(graph, pattern.expression, flow.lookup(graph, pattern, home, single))
    if isinstance(found, CellBlock):
        found = found.rows[0][0]
    result = found if isinstance(found, str) else number(graph, found)
    return result, {leaf: cell for cell, leaf in leaves.items()}


# Programs ---------------------------------------------------------------------


def _program(result: Node, leaves: Mapping[int, Node]) -> CellProgram:
    """A function that runs a formula's ops on its cells' numbers, one after the other."""
    nodes = ancestors([result])
    given = {k: leaf for k, leaf in leaves.items() if leaf in set(nodes)}
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
