"""A workbook's cells at random points: each with a value and slopes at every point."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

import numpy as np

from gradbook.audit.backward.matrix_names import Naming, mentioned_matrices
from gradbook.audit.backward.output_pairs import OutputPair, blanks_that_count
from gradbook.audit.formulas.points import Numbers, agree
from gradbook.audit.step.omissions import inner_sum
from gradbook.cells.book import Book
from gradbook.cells.evaluate import CellFunction, CellValues
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address, column_of, row_of, sheet_of
from gradbook.cells.formula.pattern import Pattern
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node, ancestors

POINTS = 48  # enough for a ReLU to be open at some of them
ONES = np.ones(POINTS)
SPREAD = 0.8  # of random values for typed numbers
MOST_MENTIONED = 2000  # cells in one formula

PointValue = Array | str | None  # numbers at the points, a text, or nothing


def as_numbers(value: PointValue) -> Array:
    """A value's numbers; NaN if it has none."""
    return value if isinstance(value, np.ndarray) else np.full(POINTS, np.nan)


class Cells(CellValues[PointValue]):
    """A workbook's cells with their values at a few points, where typed numbers are random, and
    the outputs that its formulas compare with targets."""

    numeric = np.ndarray

    def __init__(
        self,
        book: Book,
        flow: Flow,
        pairs: Sequence[OutputPair],
        order: Iterable[Address],
        leaf: Callable[[Address], PointValue],
    ) -> None:
        super().__init__(book, flow)
        self.pairs, self.leaf = pairs, leaf
        self.places = {cell: k for k, cell in enumerate(order)}
        self.not_understood: dict[Address, str] = {}
        self._partials: dict[Address, Mapping[Address, Array]] = {}
        self._by_sums: dict[CellFunction, Node | None] = {}
        for cell in self.places:
            self.of(cell)

    @classmethod
    def at_random(
        cls,
        book: Book,
        flow: Flow,
        pairs: Sequence[OutputPair],
        weights: Collection[Address] | None = None,
    ) -> Cells:
        """Choose random values for all typed numbers, always the same for a cell; if the weights
        are known, a 0 or 1 that is no weight keeps its value. Rates and other factors, which are
        outside the network, get positive values."""
        blanks = blanks_that_count(book)
        inside = flow.behind(pair.output for pair in pairs).union(pair.target for pair in pairs)

        def leaf(cell: Address) -> PointValue:
            value = book.values.get(cell)
            is_kept = weights is not None and cell not in weights
            if isinstance(value, bool) or (is_kept and value in (0.0, 1.0)):
                return np.full(POINTS, float(value or 0))
            if isinstance(value, float) or cell in blanks or cell in book.patterns:
                drawn = np.random.default_rng(cell).normal(0, SPREAD, POINTS)
                return drawn if cell in inside else np.abs(drawn)
            return value

        below = flow.below(pair.target for pair in pairs)
        needed = {cell for cell in below if not book.sheets[sheet_of(cell)].is_hidden}
        needed.update(pair.output for pair in pairs)
        needed |= flow.behind(needed)
        order = (cell for cell in in_order(book, flow) if cell in needed)
        cells = cls(book, flow, pairs, order, leaf)
        shares = _shares(flow, cells.groups) if weights is None else {}
        return cells.with_values(shares, flow.below(shares)) if shares else cells

    def number(self, cell: Address) -> Array:
        """A cell's numbers; NaN if it has none."""
        return as_numbers(self.of(cell))

    def value_of(self, text: str, home: Address) -> Array:
        """Return the value that a formula would have in a cell."""
        pattern = self.book.reader.read_typed(text, home)
        sources = tuple(self.flow.mentioned_cells(pattern.places, home))
        function, given = self.function(home, pattern, sources)
        return as_numbers(_at_points(function, function.result, given))

    def with_values(self, given: Mapping[Address, Array], below: Iterable[Address]) -> Cells:
        """Return the same cells with other values for some of them, and for all that depend on
        these."""
        other = copy(self)
        other.known, other._partials = {**self.known, **given}, {}
        for cell in self.places.keys() & set(below).difference(given):
            other.known.pop(cell, None)
        return other

    def slopes(self, seeds: Mapping[Address, Array]) -> dict[Address, Array]:
        """∂L/∂ each cell, given those with respect to some: the chain rule, cell by cell."""
        found: dict[Address, Array] = dict(seeds)
        with np.errstate(all="ignore"):
            for cell in reversed(self.places):
                for source, slope in self.partials(cell).items() if cell in found else ():
                    share = found[cell] * slope
                    found[source] = found[source] + share if source in found else share
        return found

    def partials(self, cell: Address) -> Mapping[Address, Array]:
        """The slopes of a formula with respect to the cells that it mentions."""
        if cell not in self._partials:
            sources = self.flow.sources(cell)
            function, given = self.function(cell, self.book.patterns[cell], sources)
            self._partials[cell] = {
                sources[k]: as_numbers(_at_points(function, slope, given))
                for k, slope in function.slopes.items()
            }
        return self._partials[cell]

    def slope_by_its_sum(self, cell: Address) -> Array | None:
        """The slope of a formula with respect to the sum inside it; None without one."""
        if cell not in self.places:
            return None
        function, given = self.function(cell, self.book.patterns[cell], self.flow.sources(cell))
        if function not in self._by_sums:
            self._by_sums[function] = _slope_by_its_sum(function)
        node = self._by_sums[function]
        return None if node is None else as_numbers(_at_points(function, node, given))

    # The outputs and targets

    @cached_property
    def naming(self) -> Naming:
        return Naming(self.book)

    @cached_property
    def matrices(self) -> Mapping[tuple[int, int, int], Sequence[Address]]:
        """The first cells of the ranges that formulas mention, by sheet, height and width."""
        return mentioned_matrices(self.book)

    @cached_property
    def targets(self) -> set[Address]:
        return {pair.target for pair in self.pairs}

    @cached_property
    def below_targets(self) -> set[Address]:
        """All cells that depend on a target."""
        return self.flow.below(self.targets)

    def is_leaf(self, cell: Address) -> bool:
        return cell not in self.book.patterns and isinstance(self.of(cell), np.ndarray)

    @cached_property
    def groups(self) -> Sequence[Sequence[OutputPair]]:
        """The outputs that are in one line and sum to 1 at all points, as those of a softmax
        do."""
        lines: defaultdict[object, list[OutputPair]] = defaultdict(list)
        for pair in {pair.output: pair for pair in self.pairs}.values():
            for line in (column_of, row_of):
                lines[line, sheet_of(pair.output), line(pair.output)].append(pair)
        several = [some for some in lines.values() if len(some) > 1]
        sums = [np.sum([self.number(pair.output) for pair in some], axis=0) for some in several]
        return [some for some, sum_ in zip(several, sums, strict=True) if agree(sum_, ONES)]

    # Formulas as functions

    def formula(self, cell: Address) -> Pattern | None:
        return self.book.patterns[cell] if cell in self.places else None

    def typed(self, cell: Address) -> PointValue:
        return self.leaf(cell)

    def computed(self, cell: Address, pattern: Pattern, sources: Sequence[Address]) -> PointValue:
        function, given = self.function(cell, pattern, sources)
        if function.problem:
            self.not_understood[cell] = function.problem
            return self.leaf(cell)
        return _at_points(function, function.result, given)

    def function(
        self, cell: Address, pattern: Pattern, sources: Sequence[Address]
    ) -> tuple[CellFunction, Sequence[PointValue]]:
        for source in sources:
            self.of(source)
        return super().function(cell, pattern, sources)

    def compiled(self, cell: Address, pattern: Pattern, sources: Sequence[Address]) -> CellFunction:
        if len(sources) > MOST_MENTIONED:
            return CellFunction(None, {}, "a formula of very many cells")
        return super().compiled(cell, pattern, sources)


def _at_points(
    function: CellFunction, node: Node | str | None, given: Sequence[PointValue]
) -> PointValue:
    """The value of one of a function's nodes, from its sources' values."""
    if not isinstance(node, Node):
        return node
    places = {leaf: k for k, leaf in function.leaves.items()}
    numbers = Numbers(lambda place: as_numbers(given[place]), places)
    return np.broadcast_to(numbers.of(node), (POINTS,))


def _slope_by_its_sum(function: CellFunction) -> Node | None:
    """The derivative with respect to the sum inside a function, as in an activation, or None."""
    if not isinstance(function.result, Node):
        return None
    varying = {node for node in ancestors([function.result]) if not node.is_constant()}
    inner = inner_sum(function.result, set(function.leaves.values()), varying)
    return None if inner is None else gradients(function.result, [inner], [inner])[inner]


def in_order(book: Book, flow: Flow) -> Iterator[Address]:
    """The formulas, each after those that it depends on; without those that are part of a cycle
    or depend on one."""
    cells = book.patterns.keys()
    sorter = TopologicalSorter({cell: cells & set(flow.sources(cell)) for cell in cells})
    with suppress(CycleError):
        sorter.prepare()
    while ready := sorter.get_ready():
        yield from sorted(ready)
        sorter.done(*ready)


def _shares(flow: Flow, groups: Iterable[Iterable[OutputPair]]) -> dict[Address, Array]:
    """Numbers for the targets of a softmax, which sum to 1."""
    found: dict[Address, Array] = {}
    for group in groups:
        targets = list(dict.fromkeys(flow.plain(pair.target) for pair in group))
        drawn = np.array([np.random.default_rng(t).uniform(0.1, 1, POINTS) for t in targets])
        found.update(zip(targets, drawn / drawn.sum(axis=0), strict=True))
    return found
