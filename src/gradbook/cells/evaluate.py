"""Recalculates a workbook's cells, with other formulas in some of them.

Each different formula is compiled once (`node_functions.py`); a column of equal formulas shares it.
What Excel shows as an error is NaN here: a division by zero, the logarithm of 0, an overflow.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite, isnan, nan
from typing import Any, Generic, TypeVar

from gradbook.cells.book import Book, CellValue
from gradbook.cells.budget import A_SHARE, budget, spend, within_budget
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.expression import count_parts
from gradbook.cells.formula.formula_values import (
    MOST_NODES,
    CellBlock,
    Corners,
    LeadsBack,
    NeedsNumbers,
    NoElse,
    NotUnderstood,
    NumberedGraph,
    OpenGraph,
    Single,
    TooMuch,
    has_copies,
    number,
    typed,
)
from gradbook.cells.formula.meaning import meaning
from gradbook.cells.formula.pattern import Pattern, RangeReference
from gradbook.cells.node_functions import NodeFunction
from gradbook.graph.chain import gradients
from gradbook.graph.names import Name
from gradbook.graph.node import Graph, Node, ancestors
from gradbook.language.message import Message

MOST_FORMULAS = 30_000  # formulas; larger books come from programs that store the values
TAKEN_IN = 3_000  # budget for compiling a formula, for each of its cells
ANEW = 50  # budget for computing a formula anew, for each of its parts and cells
NUMBER = object()  # stands for any number in the key of a formula's program

Value = TypeVar("Value")


def fill_in(book: Book, flow: Flow) -> None:
    """Compute the formulas' values if the file has none, or only zeros."""
    shown = (book.values.get(cell) for cell in book.patterns)
    if len(book.patterns) > MOST_FORMULAS or any(value not in (None, 0.0) for value in shown):
        return
    cells = Evaluation(book, flow)
    computed = within_budget(lambda: {cell: cells.of(cell) for cell in book.patterns}, A_SHARE)
    if computed is None:
        budget().left.append(Message("the values of its formulas, which the file doesn't contain"))
        return
    for cell, value in computed.items():
        if isinstance(value, float) and isnan(value):
            book.values.pop(cell, None)
        else:
            book.values[cell] = value


@dataclass(frozen=True, eq=False)
class CellFunction:
    """A formula as a function of its sources' numbers; their texts and blanks are compiled in."""

    result: Node | str | None  # a text if it always returns that; None if it isn't understood
    leaves: Mapping[int, Node]  # for the numbers, by their places among the sources
    problem: str = ""
    needs_numbers: bool = False  # to be understood

    def __getstate__(self) -> dict[str, Any]:
        """What a pickle keeps: not the program, which is made again."""
        return {name: value for name, value in vars(self).items() if name != "run"}

    @cached_property
    def run(self) -> Callable[[Sequence[CellValue]], CellValue]:
        """Its value at single numbers."""
        result = self.result
        if result is None:
            raise NotUnderstood(self.problem)
        if isinstance(result, str):
            return lambda _: result
        used = set(ancestors([result]))
        leaves = {k: leaf for k, leaf in self.leaves.items() if leaf in used}
        by_leaves, places = NodeFunction([result], list(leaves.values())), list(leaves)

        def value(cells: Sequence[CellValue]) -> float:
            (number,) = by_leaves.at([cells[k] for k in places])
            return number if isfinite(number) else nan

        return value

    @cached_property
    def slopes(self) -> Mapping[int, Node]:
        """Its derivatives with respect to the numbers, by place."""
        if not isinstance(self.result, Node):
            return {}
        slopes = gradients(self.result, list(self.leaves.values()))
        return {k: slopes[leaf] for k, leaf in self.leaves.items()}


class CellValues(Generic[Value]):
    """Values of cells, each computed once, when it is first needed, also with other formulas in
    some cells (`instead`).

    What a value is, subclasses decide: a number, numbers at many points, a node of a graph.
    """

    most: float = inf  # formulas waiting for others
    numeric: type = float  # of values that aren't compiled into functions
    graph_of_functions: type[Graph] = Graph

    def __init__(
        self, book: Book, flow: Flow, instead: Mapping[Address, Pattern] | None = None
    ) -> None:
        self.book = book
        self.flow = flow
        self.instead = instead or {}
        self.known: dict[Address, Value] = {}
        self._functions: dict[object, CellFunction] = {}
        self._numeric_alone = {self.numeric}

    def of(self, cell: Address) -> Value:
        """A cell's value, computed after those that it needs."""
        known = self.known
        if cell in known:
            return known[cell]
        waiting = [cell]
        opened: set[Address] = set()
        while waiting:
            last = waiting[-1]
            if last in known:
                waiting.pop()
                continue
            pattern = self.formula(last)
            if pattern is None:
                known[last] = self.typed(last)
                continue
            sources = self.sources(last, pattern)
            missing = [source for source in sources if source not in known]
            if missing and last not in opened:
                opened.add(last)
                if len(opened) > self.most:
                    raise TooMuch(Message("a step with too many cells"))
                waiting.extend(missing)
            elif missing:
                known[last] = self.from_itself(last)
            else:
                known[last] = self.computed(last, pattern, sources)
        return known[cell]

    def formula(self, cell: Address) -> Pattern | None:
        """The formula that a cell's value follows from, if any."""
        return self.instead.get(cell) or self.book.patterns.get(cell)

    def sources(self, cell: Address, pattern: Pattern) -> Sequence[Address]:
        """The cells that a formula needs."""
        if cell in self.instead:
            return tuple(self.flow.mentioned_cells(pattern.places, cell))
        return self.flow.sources(cell)

    def typed(self, cell: Address) -> Value:
        """The value of a cell without a formula."""
        raise NotImplementedError

    def from_itself(self, cell: Address) -> Value:
        """The value of a cell that depends on itself."""
        what = Message("{cell}, which depends on itself", cell=self.book.name_of(cell))
        raise LeadsBack(what, cell)

    def computed(self, cell: Address, pattern: Pattern, sources: Sequence[Address]) -> Value:
        """The value of a formula whose sources are known."""
        raise NotImplementedError

    def function(
        self, cell: Address, pattern: Pattern, sources: Sequence[Address]
    ) -> tuple[CellFunction, Sequence[Value]]:
        """A formula as a function, which it shares with its copies, and its sources' values."""
        known, numeric = self.known, self.numeric
        values = [known[source] for source in sources]
        kinds: tuple[object, ...] = ()
        if not self._numeric_alone.issuperset(map(type, values)):
            kinds = tuple(NUMBER if type(value) is numeric else value for value in values)
        key = pattern, kinds, _variant(pattern, cell, sources)
        if key not in self._functions:
            self._functions[key] = self.compiled(cell, pattern, sources)
        return self._functions[key], values

    def compiled(self, cell: Address, pattern: Pattern, sources: Sequence[Address]) -> CellFunction:
        """A formula as a function of its own."""
        spend(TAKEN_IN * len(sources))
        graph = self.graph_of_functions()
        try:
            result, leaves = as_node(self.flow, pattern, cell, self.known, self.numeric, graph)
        except (NotUnderstood, OverflowError) as error:
            return CellFunction(None, {}, str(error), isinstance(error, NeedsNumbers))
        places = {source: k for k, source in enumerate(sources)}
        return CellFunction(result, {places[source]: leaf for leaf, source in leaves.items()})


class Evaluation(CellValues[CellValue]):
    """Values as a spreadsheet shows them.

    Besides formulas, any cells may be replaced by numbers (`numbers`: a nudge). With these, a
    formula that isn't understood and doesn't depend on what is replaced keeps the value that the
    file shows.
    """

    graph_of_functions = OpenGraph

    def __init__(
        self,
        book: Book,
        flow: Flow,
        instead: Mapping[Address, Pattern] | None = None,
        numbers: Mapping[Address, float] | None = None,
    ) -> None:
        super().__init__(book, flow, instead)
        self.numbers = numbers
        self.known |= numbers or {}
        self.unknown: set[Address] = set()  # not understood, and what depends on those
        self._anew: set[Pattern] = set()  # patterns that depend on the present numbers
        self._graph = NumberedGraph()
        self._blocks: dict[Corners, CellBlock] = {}

    @classmethod
    def of_stored(cls, book: Book, flow: Flow) -> Evaluation:
        """The values as they were stored, or computed where there are none."""
        cells, values = cls(book, flow), book.values
        cells.known |= {c: v for c in book.patterns if (v := values.get(c)) is not None}
        return cells

    def with_numbers(
        self, numbers: Mapping[Address, float], known: Mapping[Address, CellValue]
    ) -> Evaluation:
        """The same cells with other numbers in some of them, and with some values that are known;
        what was compiled is used again."""
        other = Evaluation(self.book, self.flow, self.instead, numbers)
        other._functions, other._anew = self._functions, self._anew
        other.known = {**known, **numbers}
        return other

    def value_after(
        self, cell: Address, numbers: Mapping[Address, float], affected: Collection[Address]
    ) -> float:
        """What a cell would show with other numbers in some cells, on which these formulas depend;
        all others have to be known."""
        known, unknown, blocks = self.known, self.unknown, self._blocks
        kept = {at: known.pop(at) for at in (*affected, *numbers) if at in known}
        known.update(numbers)
        self.unknown, self._blocks = set(), {}
        try:
            return self.value(cell)
        finally:
            for at in (*affected, *numbers):
                known.pop(at, None)
            known.update(kept)
            self.unknown, self._blocks = unknown, blocks

    def value(self, cell: Address) -> float:
        """What a cell shows, as a number; NaN where that isn't possible."""
        value = self.of(cell)
        return float(value) if isinstance(value, int | float) else nan

    def shown_by(self, pattern: Pattern, home: Address) -> CellValue:
        """What a formula that no cell has would show in a cell."""
        sources = tuple(self.flow.mentioned_cells(pattern.places, home))
        for source in sources:
            self.of(source)
        return self.computed(home, pattern, sources)

    def value_of(self, pattern: Pattern, home: Address) -> float:
        """The same, as a number; NaN where that isn't possible."""
        value = self.shown_by(pattern, home)
        return float(value) if isinstance(value, int | float) else nan

    def typed(self, cell: Address) -> CellValue:
        return self.book.values.get(cell)

    def from_itself(self, cell: Address) -> CellValue:
        return self._not_understood(cell)

    def computed(self, cell: Address, pattern: Pattern, sources: Sequence[Address]) -> CellValue:
        try:
            value = self._shown(cell, pattern, sources)
        except (NotUnderstood, OverflowError):
            return self._not_understood(cell)
        is_error = isinstance(value, float) and isnan(value)
        if self.unknown and is_error and not self.unknown.isdisjoint(sources):
            self.unknown.add(cell)
        return value

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

    def _shown(self, cell: Address, pattern: Pattern, sources: Sequence[Address]) -> CellValue:
        """A formula's result by its function or, if the present numbers decide on positions, keys
        and conditions, computed anew."""
        if pattern not in self._anew:
            function, values = self.function(cell, pattern, sources)
            if not function.needs_numbers:
                return function.run(values)
            self._anew.add(pattern)
        if pattern.expression is not None:
            spend(ANEW * (count_parts(pattern.expression) + len(sources)))
        if len(self._graph.nodes) > MOST_NODES:
            self._graph, self._blocks = NumberedGraph(), {}
        graph = self._graph
        graph.is_doubtful = False
        value = value_in(self.flow, graph, pattern, cell, self._single, self._blocks)
        if isinstance(value, str):
            return value
        result = graph.number_of(value)
        return result if isfinite(result) else nan

    def _single(self, cell: Address) -> Single:
        value = self.known[cell]
        if cell in self.unknown:
            self._graph.is_doubtful = True
        if isinstance(value, float):
            return self._graph.constant(nan if isnan(value) else value)
        return typed(self._graph, value)


def _variant(pattern: Pattern, home: Address, sources: Sequence[Address]) -> tuple[object, ...]:
    """Which aspects of a formula's references vary between copies: their number, as sums grow or
    references leave the sheet, and which of them are equal."""
    first: dict[Address, int] = {}
    same = tuple([first.setdefault(cell, k) for k, cell in enumerate(sources)])
    ranges = [p for p in pattern.places if isinstance(p, RangeReference) and p.grows]
    corners = [area.corners(home) for area in ranges]
    sizes = tuple([(c[3] - c[1], c[4] - c[2]) for c in corners if c])
    return len(sources), same if len(first) < len(sources) else (), sizes


def as_node(
    flow: Flow,
    pattern: Pattern,
    home: Address,
    values: Mapping[Address, Any],
    numeric: type = float,
    graph: Graph | None = None,
) -> tuple[Node | str, dict[Node, Address]]:
    """What a formula computes from its cells, or the text that it always returns: numbers are
    leaves, returned with their cells; texts and blanks are compiled in."""
    graph = Graph() if graph is None else graph
    leaves: dict[Address, Node] = {}

    def single(cell: Address) -> Single:
        value = values[cell]
        if not isinstance(value, numeric):
            return typed(graph, value)
        if cell not in leaves:
            leaves[cell] = graph.leaf(Name(str(cell)))
        return leaves[cell]

    result = value_in(flow, graph, pattern, home, single)
    return result, {leaf: cell for cell, leaf in leaves.items()}


def value_in(
    flow: Flow,
    graph: Graph,
    pattern: Pattern,
    home: Address,
    single: Callable[[Address], Single],
    blocks: dict[Corners, CellBlock] | None = None,
) -> Node | str:
    """What a formula computes from its cells, of which `single` gives the meaning."""
    if pattern.expression is None:
        raise NotUnderstood(pattern.problem)
    look = flow.lookup(graph, pattern, home, single, blocks)
    value = meaning(graph, pattern.expression, look, flow.places(pattern, home))
    if isinstance(value, CellBlock):
        if has_copies(graph) and home in flow.places_in_arrays:
            raise NeedsNumbers(Message("an array formula"))  # each cell has its own element
        value = flow.element(home, value)
    if isinstance(value, str) and not isinstance(value, NoElse):
        return value
    return number(graph, value)
