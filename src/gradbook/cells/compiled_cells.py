"""Cells that are computed again and again with other numbers in some of them, and slopes by those.

Formulas that are copies of each other are compiled once and computed together, on a list with one
number for each cell. A formula whose positions, keys or conditions depend on what changes is worked
out anew at each point. This knows nothing of why the numbers change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import isfinite, nan

from gradbook.cells.book import CellValue
from gradbook.cells.evaluate import ANEW, CellFunction, Evaluation, as_node, value_in
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.expression import count_parts
from gradbook.cells.formula.formula_values import (
    LeadsBack,
    NotUnderstood,
    NumberedGraph,
    OneCellGraph,
    Single,
    typed,
)
from gradbook.cells.formula.numbers import run
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.node_functions import CopiedFormula, Row
from gradbook.graph.chain import gradients
from gradbook.graph.names import Name
from gradbook.graph.node import Node, ancestors
from gradbook.language.message import Message

CAREFUL = 20  # times that a block is computed op by op after a failure


@dataclass
class _Block:
    """Cells that contain copies of one formula, each after those of them that it takes."""

    formula: CopiedFormula
    shared: Row
    rows: Sequence[Row]
    careful: int = 0  # times for which an op is expected to fail
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = len(self.rows) * self.formula.size
        self._backwards = self.rows[::-1]

    def forward(self, values: list[float]) -> None:
        formula = self.formula
        if not self.careful:
            try:
                formula.forward(values, self.shared, self.rows)
            except (ArithmeticError, ValueError):
                self.careful = CAREFUL
        if self.careful:
            self.careful -= 1
            formula.forward_with_care(values, self.shared, self.rows)

    def backward(self, values: list[float], slopes: list[float]) -> None:
        """Raises an exception where an op fails: then all slopes have to be computed again."""
        if self.careful:
            self.formula.backward_with_care(values, slopes, self.shared, self._backwards)
            return
        try:
            self.formula.backward(values, slopes, self.shared, self._backwards)
        except (ArithmeticError, ValueError) as error:
            self.careful = CAREFUL
            raise _Again from error


@dataclass
class _Copies:
    """Cells that share a function, and the cells that each takes."""

    function: CellFunction | None = None
    active: tuple[int, ...] = ()  # the places of what changes
    cells: list[tuple[Address, Sequence[Address]]] = field(default_factory=list)


class _Again(Exception):
    """Slopes that are half added."""


class _Anew:
    """A cell whose formula is worked out at each point."""

    def __init__(
        self,
        flow: Flow,
        pattern: Pattern,
        home: Address,
        places: Mapping[Address, int],
        fixed: Mapping[Address, CellValue],
        texts: dict[Address, str],
    ) -> None:
        self.flow, self.pattern, self.home = flow, pattern, home
        self.place = places[home]
        self.sources = {c: places[c] for c in dict.fromkeys(flow.sources(home)) if c in places}
        self.fixed, self.texts = fixed, texts
        self.result: Node | None = None
        parts = 1 if pattern.expression is None else count_parts(pattern.expression)
        self.size = ANEW * (parts + len(flow.sources(home)))

    def forward(self, values: list[float]) -> None:
        graph = self.graph = NumberedGraph()
        self.leaves: dict[Address, Node] = {}

        def single(cell: Address) -> Single:
            if cell in self.texts or cell not in self.sources:
                return typed(graph, self.texts.get(cell) or self.fixed.get(cell))
            if cell not in self.leaves:
                leaf = self.leaves[cell] = graph.leaf(Name(str(cell)))
                graph.numbers[leaf] = values[self.sources[cell]]
            return self.leaves[cell]

        self.result = None
        self.texts.pop(self.home, None)
        with suppress(NotUnderstood, OverflowError):
            result = value_in(self.flow, graph, self.pattern, self.home, single)
            if isinstance(result, str):
                self.texts[self.home] = result
            else:
                self.result = result
        value = nan if self.result is None else graph.number_of(self.result)
        values[self.place] = value if isfinite(value) else nan

    def backward(self, values: list[float], slopes: list[float]) -> None:
        seed = slopes[self.place]
        if not seed:
            return
        if self.result is None and self.home not in self.texts:
            for place in self.sources.values():
                slopes[place] = nan
        if self.result is None:
            return
        leaves = list(self.leaves.values())
        by_leaf = gradients(self.result, leaves)
        wanted = [by_leaf[leaf] for leaf in leaves]
        known = dict(self.graph.numbers)
        run([n for n in ancestors(wanted, known) if n not in known], known)
        for (cell, _), slope in zip(self.leaves.items(), wanted, strict=True):
            slopes[self.sources[cell]] += seed * known[slope]


class _Moving:
    """Stands for the number of a cell that changes."""


def moving_cells(
    flow: Flow, inputs: Collection[Address], results: Sequence[Address]
) -> list[Address]:
    """The formulas between the inputs and the results, each after its sources.

    Raises:
        LeadsBack: One of those that they are computed from depends on itself.
    """
    order, circle = flow.in_order(results, stop=set(inputs))
    if circle is not None:
        raise LeadsBack(Message("it depends on itself"), circle)
    moving, between = set(inputs), list[Address]()
    for cell in order:
        if cell not in moving and not moving.isdisjoint(flow.sources(cell)):
            moving.add(cell)
            between.append(cell)
    return between


def _start(cells: Evaluation, cell: Address) -> float:
    """An input's number; 0 for a blank cell."""
    return 0.0 if cells.of(cell) is None else cells.value(cell)


class CompiledCells:
    """Results as a function of the numbers in some cells, and the slopes of a mix of results.

    What depends on a formula that isn't understood (`not_understood`) is NaN.

    Raises:
        LeadsBack: A formula depends on itself.
    """

    def __init__(
        self, cells: Evaluation, inputs: Sequence[Address], results: Sequence[Address]
    ) -> None:
        self.inputs, self.results = tuple(inputs), tuple(results)
        self._flow = cells.flow
        order = moving_cells(cells.flow, self.inputs, self.results)
        moving = {*order, *inputs}
        known = {cell: value for cell, value in cells.known.items() if cell not in moving}
        start = {cell: _start(cells, cell) for cell in inputs}
        self._cells = cells.with_numbers(start, known)
        self._places = {cell: k for k, cell in enumerate(start)}  # of what changes
        self._fixed: dict[Address, int] = {}
        self._values = list(start.values())
        self.not_understood: dict[Address, str] = {}  # formulas whose values are NaN, and why
        self.anew: set[Address] = set()  # … that are worked out at each point
        self._texts: dict[Address, str] = {}  # that some of these show now
        self._kernels: dict[object, CopiedFormula] = {}
        self._blocks: list[_Block | _Anew] = []
        self._compile(order)
        self.size = sum(block.size for block in self._blocks)  # numbers for computing it once

    # Values and slopes

    def move_to(self, numbers: Iterable[float]) -> None:
        """Compute all cells with these numbers in the inputs."""
        values = self._values
        values[: len(self.inputs)] = numbers
        for block in self._blocks:
            block.forward(values)

    def value(self, cell: Address) -> float:
        """A cell's number now; NaN for an error or a text."""
        place = self._places.get(cell)
        if place is not None:
            return self._values[place]
        return self._cells.value(cell)

    def slopes(self, seeds: Mapping[Address, float]) -> dict[Address, float]:
        """The slopes of a mix of results, by all cells between them and the inputs; `seeds` says
        how much of each result is in it."""
        slopes = self._pulled(seeds)
        return {cell: slopes[place] for cell, place in self._places.items()}

    def gradient(self, seeds: Mapping[Address, float]) -> list[float]:
        """The same by the inputs only."""
        return self._pulled(seeds)[: len(self.inputs)]

    def _pulled(self, seeds: Mapping[Address, float]) -> list[float]:
        while True:
            slopes = [0.0] * len(self._values)
            for cell, seed in seeds.items():
                if cell in self._places:
                    slopes[self._places[cell]] += seed
            try:
                for block in reversed(self._blocks):
                    block.backward(self._values, slopes)
            except _Again:
                continue
            return slopes

    # Blocks

    def _compile(self, order: Sequence[Address]) -> None:
        """Make the blocks: as many cells as possible at once, each after its sources."""
        moving = set(order)
        users: defaultdict[Address, list[Address]] = defaultdict(list)
        missing: dict[Address, int] = {}
        for cell in order:
            behind = {s for s in self._flow.sources(cell) if s in moving}
            missing[cell] = len(behind)
            for source in behind:
                users[source].append(cell)
        ready: defaultdict[Pattern, list[Address]] = defaultdict(list)
        for cell in order:
            if not missing[cell]:
                ready[self._pattern(cell)].append(cell)
        while ready:
            pattern = max(ready, key=lambda key: len(ready[key]))
            waiting, done = ready.pop(pattern), list[Address]()
            for cell in waiting:  # which grows
                done.append(cell)
                for user in users[cell]:
                    missing[user] -= 1
                    if not missing[user]:
                        same = self._pattern(user) is pattern
                        (waiting if same else ready[self._pattern(user)]).append(user)
            self._add(pattern, done)

    def _pattern(self, cell: Address) -> Pattern:
        pattern = self._cells.formula(cell)
        assert pattern is not None
        return pattern

    def _add(self, pattern: Pattern, cells: Sequence[Address]) -> None:
        """Add the blocks of cells with one formula, in their order."""
        waiting = _Copies()
        for cell in cells:
            function, sources = self._function(cell, pattern)
            if function is None:
                self._close(waiting)
                waiting = _Copies()
                continue
            active = tuple([k for k in function.leaves if sources[k] in self._places])
            if (function, active) != (waiting.function, waiting.active):
                self._close(waiting)
                waiting = _Copies(function, active)
            self._take_place(cell)
            waiting.cells.append((cell, sources))
        self._close(waiting)

    def _function(
        self, cell: Address, pattern: Pattern
    ) -> tuple[CellFunction | None, Sequence[Address]]:
        """A formula as a function; None if it has none and was added to be worked out anew, or if
        it doesn't change."""
        cells, sources = self._cells, self._cells.sources(cell, pattern)
        for source in sources:
            cells.of(source)
        cells.known[cell] = cells.computed(cell, pattern, sources)
        if self._places.keys().isdisjoint(sources):  # what it depends on is always a text
            return None, sources
        if self._texts.keys().isdisjoint(sources):
            function, _ = cells.function(cell, pattern, sources)
            if function.needs_numbers:
                function = self._in_one_place(cell, pattern, sources)
            if isinstance(function.result, Node):
                return function, sources
            if isinstance(function.result, str):
                return None, sources
            if not function.needs_numbers:
                self.not_understood[cell] = function.problem
                return None, sources
        self.anew.add(cell)
        if isinstance(text := cells.known[cell], str):
            self._texts[cell] = text
        places = {source: k for source, k in self._places.items() if source in set(sources)}
        place = self._take_place(cell)
        self._blocks.append(
            _Anew(self._flow, pattern, cell, {**places, cell: place}, cells.known, self._texts)
        )
        return None, sources

    def _in_one_place(
        self, cell: Address, pattern: Pattern, sources: Sequence[Address]
    ) -> CellFunction:
        """A formula as a function of what changes only, with the numbers of all other cells."""
        graph = OneCellGraph()
        known = self._cells.known
        values = {s: _Moving() if s in self._places else known[s] for s in sources}
        try:
            result, leaves = as_node(self._flow, pattern, cell, values, _Moving, graph)
        except (NotUnderstood, OverflowError) as error:
            return CellFunction(None, {}, str(error), needs_numbers=True)
        places = {source: k for k, source in enumerate(sources)}
        return CellFunction(result, {places[source]: leaf for leaf, source in leaves.items()})

    def _take_place(self, cell: Address) -> int:
        place = self._places[cell] = len(self._values)
        self._values.append(self._cells.value(cell))
        return place

    def _close(self, copies: _Copies) -> None:
        """Make one block of cells that share a function."""
        function, active, together = copies.function, copies.active, copies.cells
        if function is None or not isinstance(function.result, Node):
            return
        inside = {cell for cell, _ in together}
        first = together[0][1]
        shared = frozenset(
            k
            for k in function.leaves
            if all(sources[k] == first[k] for _, sources in together)
            and (len(together) == 1 or first[k] not in inside)
        )
        key = function, active, shared
        if key not in self._kernels:
            self._kernels[key] = CopiedFormula(function.result, function.leaves, active, shared)
        formula = self._kernels[key]
        at = self._place
        rows = [
            (self._places[cell], *[at(sources[k]) for k in formula.single])
            for cell, sources in together
        ]
        self._blocks.append(_Block(formula, tuple(at(first[k]) for k in formula.shared), rows))

    def _place(self, cell: Address) -> int:
        """Where a cell's number is, which gets a place if it is one that never changes."""
        return self._places[cell] if cell in self._places else self._fixed_place(cell)

    def _fixed_place(self, cell: Address) -> int:
        if cell not in self._fixed:
            self._fixed[cell] = len(self._values)
            self._values.append(self._cells.value(cell))
        return self._fixed[cell]
