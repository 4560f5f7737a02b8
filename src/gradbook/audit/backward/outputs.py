"""A book's cells at random points: formulas as functions, outputs, targets and typed numbers.

Every formula is a function of the cells that it mentions, with its value there and its slopes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np

from gradbook.audit.backward.blocks import Naming, mentioned_matrices
from gradbook.audit.formula.address import Address, column_of, row_of, sheet_of
from gradbook.audit.formula.expression import parts
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import CellReference, Pattern
from gradbook.audit.step.omissions import inner_sum
from gradbook.audit.step.points import Numbers, agree
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.evaluate import NUMBER, as_node
from gradbook.audit.workbook.flow import Flow
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node, ancestors
from gradbook.targets.excel.language import Call, Infix, Reference

POINTS = 48  # so many that a ReLU is often enough open
MOST_MENTIONED = 2000  # cells in one formula

PointValue = Array | str | None  # numbers at the points, a text, nothing


@dataclass(frozen=True, eq=False)
class CellFunction:
    """What a formula makes of the values that it mentions, by their places in it."""

    result: Node | str
    leaves: Mapping[Node, int]

    def value(self, given: Sequence[PointValue]) -> PointValue:
        return self.of(self.result, given) if isinstance(self.result, Node) else self.result

    def of(self, node: Node, given: Sequence[PointValue]) -> Array:
        """What a node comes to with some values at the places."""
        numbers = Numbers(lambda place: as_numbers(given[place]), self.leaves)
        return np.broadcast_to(numbers.of(node), (POINTS,))

    @cached_property
    def slopes(self) -> Mapping[int, Node]:
        """Its derivatives by what stands at each place."""
        if not isinstance(self.result, Node):
            return {}
        found = gradients(self.result, list(self.leaves))
        return {k: found[leaf] for leaf, k in self.leaves.items()}

    @cached_property
    def slope_by_its_sum(self) -> Node | None:
        """Its derivative by the sum inside of it, as of an activation; None without one."""
        if not isinstance(self.result, Node):
            return None
        varying = set(self.leaves)
        for node in ancestors([self.result]):
            if not varying.isdisjoint(node.inputs):
                varying.add(node)
        inner = inner_sum(self.result, self.leaves, varying)
        return None if inner is None else gradients(self.result, [inner], [inner])[inner]


def as_numbers(value: PointValue) -> Array:
    """A value's numbers, NaN where it has none."""
    return value if isinstance(value, np.ndarray) else np.full(POINTS, np.nan)


class PointValues:
    """Every cell's value at a few points, typed numbers drawn at random; formulas that say the same
    of other cells share one function."""

    def __init__(
        self,
        book: Book,
        flow: Flow,
        order: Sequence[Address],
        leaf: Callable[[Address], PointValue],
    ) -> None:
        self.book, self.flow, self.leaf = book, flow, leaf
        self.places = {cell: k for k, cell in enumerate(order)}
        self.not_understood: dict[Address, str] = {}
        self._functions: dict[object, CellFunction | str] = {}
        self._partials: dict[Address, dict[Address, Array]] = {}
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

    def value_of(self, text: str, home: Address) -> Array:
        """Return what a formula would be worth in some cell."""
        function, given = self._function(home, self.book.reader.read_typed(text, home))
        return as_numbers(function.value(list(map(self.of, given))) if function else None)

    def with_values(
        self, given: Mapping[Address, PointValue], below: Iterable[Address]
    ) -> PointValues:
        """Return the same values with those of some cells given, and all that is computed from
        them."""
        other = copy(self)
        other.known, other._partials = {**self.known, **given}, {}
        affected = self.places.keys() & set(below).difference(given)
        for cell in sorted(affected, key=self.places.__getitem__):
            other.known[cell] = other._computed(cell)
        return other

    def slopes(self, seeds: Mapping[Address, Array]) -> dict[Address, Array]:
        """∂L/∂ every cell, given those by some of them: the chain rule, cell by cell."""
        found: dict[Address, Array] = dict(seeds)
        with np.errstate(all="ignore"):
            for cell in reversed(self.places):
                for source, slope in self.partials(cell).items() if cell in found else ():
                    share = found[cell] * slope
                    found[source] = found[source] + share if source in found else share
        return found

    def partials(self, cell: Address) -> Mapping[Address, Array]:
        """The slopes of a formula by the cells that it mentions."""
        if cell not in self._partials:
            function, sources = self._function(cell)
            values = list(map(self.of, sources))
            slopes = function.slopes if function else {}
            some = {sources[k]: function.of(node, values) for k, node in slopes.items() if function}
            self._partials[cell] = some
        return self._partials[cell]

    def slope_by_its_sum(self, cell: Address) -> Array | None:
        """The slope of a formula by the sum inside of it; None without one."""
        function, sources = self._function(cell) if cell in self.places else (None, ())
        node = function.slope_by_its_sum if function else None
        return function.of(node, list(map(self.of, sources))) if function and node else None

    def _computed(self, cell: Address) -> PointValue:
        function, sources = self._function(cell)
        return function.value(list(map(self.of, sources))) if function else self.leaf(cell)

    def _function(
        self, cell: Address, pattern: Pattern | None = None
    ) -> tuple[CellFunction | None, Sequence[Address]]:
        """The function of a cell, or of another formula there, and the cells that it is given; none
        of what isn't understood."""
        formula = pattern or self.book.patterns[cell]
        mentioned = self.flow.mentioned_cells(pattern.places, cell) if pattern else ()
        sources = tuple(mentioned) if pattern else self.flow.sources(cell)
        if len(sources) > MOST_MENTIONED:
            self.not_understood[cell] = "a formula of very many cells"
            return None, ()
        first: dict[Address, int] = {}
        same = tuple(first.setdefault(source, k) for k, source in enumerate(sources))
        given = {source: self.of(source) for source in first}
        kinds = tuple(NUMBER if _is_array(value) else value for value in given.values())
        key = formula, kinds, same
        if key not in self._functions:
            try:
                result, leaves = as_node(self.flow, formula, cell, given, _is_array)
                places = {leaf: first[source] for leaf, source in leaves.items()}
                self._functions[key] = CellFunction(result, places)
            except (NotUnderstood, OverflowError) as error:
                self._functions[key] = str(error)
        found = self._functions[key]
        if isinstance(found, str):
            self.not_understood.setdefault(cell, found)
            return None, ()
        return found, sources


def _is_array(value: object) -> bool:
    return isinstance(value, np.ndarray)


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


# Cells with outputs and targets -------------------------------------------------------

FEW_LEAVES = 2  # that an output depends on
SPREAD = 0.8  # of typed numbers, where they are drawn at random


@dataclass(frozen=True)
class OutputPair:
    """An output and the typed number that it is compared with."""

    output: Address
    target: Address


@dataclass(frozen=True, eq=False)
class Cells:
    """A book's cells at random points, with the outputs that its formulas compare with targets."""

    book: Book
    flow: Flow
    order: Sequence[Address]
    values: PointValues
    pairs: tuple[OutputPair, ...]
    groups: tuple[tuple[OutputPair, ...], ...]  # outputs that add to 1, as softmax's do
    not_understood: Mapping[Address, str]

    @cached_property
    def naming(self) -> Naming:
        return Naming(self.book)

    @cached_property
    def matrices(self) -> Mapping[tuple[int, int, int], Sequence[Address]]:
        """Where the ranges begin that formulas mention, by sheet, height and width."""
        return mentioned_matrices(self.book)

    @cached_property
    def targets(self) -> set[Address]:
        return {pair.target for pair in self.pairs}

    @cached_property
    def below_targets(self) -> set[Address]:
        """All that depends on a target."""
        return self.flow.below(self.targets)

    def is_leaf(self, cell: Address) -> bool:
        return cell not in self.book.patterns and isinstance(self.values.of(cell), np.ndarray)

    def behind(self, cells: Iterable[Address]) -> set[Address]:
        """Some cells and all that they are computed from."""
        cells = list(cells)
        return self.flow.behind(cells).union(cells)


def cells_of_sheet(
    book: Book, flow: Flow, sheet: int, weights: Collection[Address] | None = None
) -> Cells | None:
    """The cells with the outputs that one sheet compares with targets; None where it doesn't.

    Every typed number is drawn at random, always the same for a cell; where the weights are known,
    not a 0 or 1 elsewhere. Rates and other factors, which stand outside of the network, are above
    0.
    """
    blanks = _blanks_that_count(book)
    pairs = _pairs(book, flow, sheet, blanks)
    if not pairs:
        return None
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
    order = [cell for cell in in_order(book, flow) if cell in needed]
    values = PointValues(book, flow, order, leaf)
    groups = _groups(pairs, values)
    if groups and weights is None:
        shares = _shares(flow, groups)
        values = values.with_values(shares, flow.below(shares))
    return Cells(book, flow, order, values, tuple(pairs), groups, dict(values.not_understood))


def _blanks_that_count(book: Book) -> set[Address]:
    """The blank cells that formulas mention by themselves, or that have names: numbers that nobody
    has typed yet."""
    mentioned = {
        place.at(cell)
        for cell, pattern in book.patterns.items()
        for place in pattern.places
        if isinstance(place, CellReference)
    }
    named = {book.reader.cell(name, 0) for name in book.names if "!" not in name}
    known = book.values.keys() | book.patterns.keys()
    return {cell for cell in mentioned | named if cell is not None and cell not in known}


def _groups(pairs: Sequence[OutputPair], values: PointValues) -> tuple[tuple[OutputPair, ...], ...]:
    """The outputs that stand in one line and add to 1 whatever the numbers are."""
    lines: defaultdict[object, dict[Address, OutputPair]] = defaultdict(dict)
    for line in (column_of, row_of):
        for pair in pairs:
            lines[line, sheet_of(pair.output), line(pair.output)][pair.output] = pair
    return tuple(
        tuple(some.values())
        for some in lines.values()
        if len(some) > 1 and agree(sum(map(values.number, some), np.zeros(1)), np.ones(POINTS))
    )


def _shares(flow: Flow, groups: Iterable[Iterable[OutputPair]]) -> dict[Address, PointValue]:
    """Numbers for the targets of softmax, which add to 1."""
    found: dict[Address, PointValue] = {}
    for group in groups:
        targets = list(dict.fromkeys(flow.plain(pair.target) for pair in group))
        drawn = np.array([np.random.default_rng(t).uniform(0.1, 1, POINTS) for t in targets])
        found.update(zip(targets, drawn / drawn.sum(axis=0), strict=True))
    return found


# Outputs and targets ------------------------------------------------------------------


def _pairs(book: Book, flow: Flow, sheet: int, blanks: set[Address]) -> list[OutputPair]:
    """What formulas of a sheet compare: a formula's result with a typed number that it doesn't
    depend on, nor any other such result."""
    behind: dict[Address, set[Address]] = {}

    def is_typed(cell: Address) -> bool:
        number = isinstance(book.values.get(cell), float) or cell in blanks
        return number and cell not in book.patterns

    def of(output: Address) -> set[Address]:
        if output not in behind:
            behind[output] = flow.behind([output])
        return behind[output]

    compared = (
        (flow.plain(a), flow.plain(b))
        for cell, pattern in book.patterns.items()
        if sheet_of(cell) == sheet
        for a, b in _compared(pattern, cell, flow)
    )
    found = Counter(
        OutputPair(output, target)
        for a, b in compared
        for output, target in ((a, b), (b, a))
        if output in book.patterns and is_typed(target) and target not in of(output)
    )
    known = {p: n for p, n in found.items() if sum(map(is_typed, of(p.output))) >= FEW_LEAVES}
    every = set().union(*(of(pair.output) for pair in known))
    apart = {p: n for p, n in known.items() if p.target not in every and p.output not in every}
    return _with_unused(
        _one_target_each(apart), lambda cell: is_typed(cell) and not flow.users.get(cell)
    )


def compares_only(book: Book, flow: Flow, sheet: int, some: Collection[Address]) -> bool:
    """Whether a sheet compares no outputs with targets but some that are known."""
    return all(pair.output in some for pair in _pairs(book, flow, sheet, _blanks_that_count(book)))


def comparing_sheets(book: Book, flow: Flow) -> list[int]:
    """The sheets that can be seen, on which some formula compares two cells."""
    seen = ((c, p) for c, p in book.patterns.items() if not book.sheets[sheet_of(c)].is_hidden)
    return sorted({sheet_of(cell) for cell, p in seen if any(_compared(p, cell, flow))})


def _one_target_each(counts: Mapping[OutputPair, int]) -> list[OutputPair]:
    """Give each output a target of its own: where one target is compared by mistake, the one that
    is left."""
    options: defaultdict[Address, list[Address]] = defaultdict(list)
    for pair in counts:
        options[pair.output].append(pair.target)
    taken: set[Address] = set()
    found = []
    for output, targets in sorted(options.items(), key=lambda entry: len(entry[1])):
        free = [target for target in targets if target not in taken] or targets
        chosen = max(free, key=lambda target: counts[OutputPair(output, target)])
        taken.add(chosen)
        found.append(OutputPair(output, chosen))
    return sorted(found, key=lambda pair: pair.output)


def _with_unused(
    pairs: Sequence[OutputPair], is_unused: Callable[[Address], bool]
) -> list[OutputPair]:
    """The pairs, the second output of one target with the number that nobody uses, if that stands
    beside it as the target does beside the first."""
    found = {pair.output: pair.target for pair in pairs}
    for one, other in permutations(pairs, 2):
        beside = one.output + other.target - other.output
        if found[one.output] == found[other.output] == other.target and is_unused(beside):
            found[one.output] = beside
    return [OutputPair(output, target) for output, target in found.items()]


def _compared(pattern: Pattern, home: Address, flow: Flow) -> Iterator[tuple[Address, Address]]:
    """The cells of which a formula takes the difference, or the one times the other's logarithm."""
    for part in parts(pattern.expression) if pattern.expression is not None else ():
        match part:
            case (
                Infix("-", Reference() as a, Reference() as b)
                | Call("SUMXMY2", (Reference() as a, Reference() as b))
                | Infix("*", Reference() as a, Call("LN" | "LOG", (Reference() as b, *_)))
                | Infix("*", Call("LN" | "LOG", (Reference() as b, *_)), Reference() as a)
                | Call("SUMPRODUCT", (Reference() as a, Call("LN", (Reference() as b,))))
                | Call("SUMPRODUCT", (Call("LN", (Reference() as b,)), Reference() as a))
            ):
                one, other = (
                    list(flow.mentioned_cells([pattern.mentions.get(side.text)], home))
                    for side in (a, b)
                )
                if len(one) == len(other):
                    yield from zip(one, other, strict=True)
