"""Passes as they are done: what each reads and computes, row by row, in order.

A hand-written loop asks for rows of what it reads and hands on rows of what it makes. For each of
these there is a `Row`: the values of one row of places, and where each of them comes from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from gradbook.graph.node import Node
from gradbook.targets.c.kernels.slides import Places
from gradbook.targets.c.plan.placing import Walk
from gradbook.targets.c.rewrite.patterns import channelwise, reduced


class From(Enum):
    """Where a row has a value from."""

    LOOP = auto()  # the pass's own loop has just made it
    MEMORY = auto()  # a row of it is kept
    WINDOW = auto()  # what is kept of its window
    CHANNEL = auto()  # what is kept of its channel
    STEP = auto()  # an array of the step as a whole has it, for each channel
    PLACES = auto()  # the same, for each place
    NUMBER = auto()  # a constant
    OTHER = auto()  # another value, repeated
    FORMULA = auto()  # computed from its inputs


@dataclass(frozen=True)
class Value:
    node: Node
    comes: From
    of: Node  # what is looked up: the node itself, or the value that it repeats


@dataclass(frozen=True)
class Sum:
    """A sum over the batch that a pass takes; with `squares` it is that of (x − mean)²."""

    node: Node
    x: Node
    squares: bool
    beside: bool  # a sum that comes with its squares, and isn't taken by itself


@dataclass(frozen=True)
class Row:
    """What one function computes: `values` in order, of which `stores` are kept and `sums` taken.

    A reader hands on `result`; one without values gives it as it lies in memory.
    """

    values: tuple[Value, ...]
    result: Node | None = None
    stores: tuple[Node, ...] = ()
    sums: tuple[Sum, ...] = ()

    def coming(self, *origins: From) -> list[Node]:
        """What is looked up there."""
        return [value.of for value in self.values if value.comes in origins]

    @property
    def loads(self) -> list[Node]:
        """What it reads from memory."""
        if self.result is not None and not self.values:
            return [self.result]
        return self.coming(From.MEMORY, From.WINDOW, From.CHANNEL)

    @property
    def arrays(self) -> list[Node]:
        """What it reads of the step as a whole."""
        return self.coming(From.STEP, From.PLACES)

    @property
    def loads_by_place(self) -> list[Node]:
        """Of these, what it reads at its own places."""
        elsewhere = self.coming(From.CHANNEL)
        return [node for node in self.loads if node not in elsewhere]


@dataclass(frozen=True, eq=False)
class Pass:
    """One walk over a tile's places: a heavy op, or none, and what is done with each value."""

    phase: int
    number: int
    places: Places
    heavy: Node | None
    beside: Node | None  # a second heavy op in the same loop, which then makes the values
    winners: Node | None  # noted beside a maximum: where it stood
    kept: tuple[Node, ...]
    shared: tuple[Node, ...]  # read, and kept for the next reader
    readers: tuple[Row, ...]  # of what the heavy op reads
    finisher: Row | None  # of what the pass makes

    @property
    def rows(self) -> list[Row]:
        return [*self.readers, *([self.finisher] if self.finisher else [])]

    @property
    def sums(self) -> list[Sum]:
        return [one for row in self.rows for one in row.sums]

    @property
    def loads(self) -> list[Node]:
        return [*self.shared, *(node for row in self.rows for node in row.loads)]

    def storing(self, read: Collection[Node]) -> Pass:
        """The same, without keeping what nobody reads."""
        if self.finisher is None:
            return self
        stores = tuple(node for node in self.finisher.stores if node in read)
        return replace(self, finisher=replace(self.finisher, stores=stores))


def as_done(walk: Walk, made_in: Mapping[Node, Walk], moments: Mapping[Node, Node]) -> Pass:
    """A pass with its rows, when all passes are known."""
    sums, read_sums = _sums_of(walk.sums, moments), _sums_of(walk.read_sums, moments)
    sources = [x for x in walk.heavy.inputs if x.each] if walk.heavy else []
    readers = [
        _reader(walk, source, made_in, read_sums if number == 0 else [])
        for number, source in enumerate(sources)
    ]
    finishes = walk.heavy is None or walk.makes is not None
    return Pass(
        walk.phase,
        walk.number,
        walk.places,
        walk.heavy,
        walk.beside,
        walk.winners,
        tuple(walk.kept),
        tuple(walk.shared),
        tuple(readers),
        _finisher(walk, made_in, sums) if finishes else None,
    )


@dataclass
class _Reading:
    """The values of one row, found one after the other."""

    walk: Walk
    made_in: Mapping[Node, Walk]
    loop: Node | None = None
    values: dict[Node, Value] = field(default_factory=dict)

    @property
    def found(self) -> tuple[Value, ...]:
        return tuple(self.values.values())

    def in_memory(self, node: Node) -> bool:
        """Whether the walk can load it."""
        maker = self.made_in.get(node)
        return node.op.name == "leaf" if maker is None else maker.number <= self.walk.number

    def need_all(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            self.need(node)

    def need(self, node: Node, make: bool = False) -> None:
        """`make` computes it even where it is also kept."""
        if node in self.values:
            return
        value = self._value(node, make)
        if value.comes is From.OTHER:
            self.need(value.of)
        elif value.comes is From.FORMULA:
            for source in node.inputs:
                self.need(source)
        self.values[node] = value

    def _value(self, node: Node, make: bool) -> Value:
        if node is self.loop:
            return Value(node, From.LOOP, node)
        if not node.each or node.op.name == "repeat":
            return self._once(node)
        if (not make or node.op.name == "leaf") and self.in_memory(node):
            return Value(node, From.MEMORY, node)
        if node.op.name == "spread" and channelwise(node) is not None:
            return self._once(node)
        if node.op.name in ("spread", "unpooled"):
            (source,) = node.inputs
            assert self.in_memory(source), "what is read from another place is kept"
            return Value(node, From.CHANNEL if node.op.name == "spread" else From.WINDOW, source)
        return Value(node, From.FORMULA, node)

    def _once(self, node: Node) -> Value:
        if node.op.name == "repeat":
            return Value(node, From.OTHER, node.inputs[0])
        if node.is_constant():
            return Value(node, From.NUMBER, node)
        source = channelwise(node)
        if source is None:
            return Value(node, From.PLACES, node)
        if source is not node:
            return Value(node, From.OTHER, source)
        return Value(node, From.STEP, node)


def _reader(walk: Walk, source: Node, made_in: Mapping[Node, Walk], sums: Sequence[Sum]) -> Row:
    """One row of what a heavy op reads."""
    shared = source in walk.shared
    if source in made_in and not shared:
        return Row((), source)
    reading = _Reading(walk, made_in)
    reading.need(source, make=True)
    reading.need_all(one.x for one in sums)
    return Row(reading.found, source, (source,) if shared else (), tuple(sums))


def _finisher(walk: Walk, made_in: Mapping[Node, Walk], sums: Sequence[Sum]) -> Row:
    """What is done with one row of what a pass makes."""
    reading = _Reading(walk, made_in, walk.makes)
    stores = sorted(walk.kept, key=lambda node: node.index)
    for node in stores:
        reading.need(node, make=True)
    reading.need_all(one.x for one in sums if not one.beside)
    return Row(reading.found, None, tuple(stores), tuple(sums))


def _sums_of(reductions: Iterable[Node], moments: Mapping[Node, Node]) -> list[Sum]:
    """Σ x comes with Σ(x − mean)²."""
    reductions = list(reductions)
    squared = {moments[node] for node in reductions if node in moments}
    found = []
    for node in reductions:
        x = moments.get(node) or reduced(node)
        assert x is not None
        found.append(Sum(node, x, node in moments, node not in moments and x in squared))
    return found
