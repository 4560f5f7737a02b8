"""What each pass reads and computes, row by row, in order.

A hand-written loop reads rows of its inputs and outputs rows of its results. Each of these has a
`Row`: the values of one row of places, and the source of each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from gradbook.graph.node import Node
from gradbook.targets.c.c_ops import MOVED
from gradbook.targets.c.placing import Pass, Placing
from gradbook.targets.c.rewrite import channelwise, sum_input


class From(Enum):
    """Where a row gets a value from."""

    LOOP = auto()  # the pass's own loop has just made it
    MEMORY = auto()  # a row of it is kept
    WINDOW = auto()  # what is kept of its window
    CHANNEL = auto()  # what is kept of its channel
    PLACE = auto()  # what is kept of its place, for all channels
    STEP = auto()  # an array of the step as a whole, for each channel
    PLACES = auto()  # the same, for each place
    NUMBER = auto()  # a constant
    OTHER = auto()  # another value, repeated
    FORMULA = auto()  # computed from its inputs


ELSEWHERE = {"spread": From.CHANNEL, "spread_channels": From.PLACE, "unpooled": From.WINDOW}


@dataclass(frozen=True)
class RowValue:
    node: Node
    comes: From
    of: Node  # what is looked up: the node itself, or the value that it repeats


@dataclass(frozen=True)
class BatchSum:
    """A sum over the batch in a pass; with `squares`, of (x − mean)²."""

    node: Node
    x: Node
    squares: bool
    beside: bool  # computed with its squares, not by itself


@dataclass(frozen=True)
class Row:
    """What one function computes: `values` in order, of which `stores` are kept and `sums` added
    up. A reader outputs `result`; one without values returns it in place.
    """

    values: tuple[RowValue, ...]
    result: Node | None = None
    stores: tuple[Node, ...] = ()
    sums: tuple[BatchSum, ...] = ()

    def coming(self, *origins: From) -> list[Node]:
        """The values from these sources."""
        return [value.of for value in self.values if value.comes in origins]

    @property
    def loads(self) -> list[Node]:
        """What it reads from memory."""
        if self.result is not None and not self.values:
            return [self.result]
        return self.coming(From.MEMORY, *ELSEWHERE.values())

    @property
    def arrays(self) -> list[Node]:
        """What it reads of the step as a whole."""
        return self.coming(From.STEP, From.PLACES)

    @property
    def loads_by_place(self) -> list[Node]:
        """What it reads from memory at its own places."""
        elsewhere = self.coming(From.CHANNEL, From.PLACE)
        return [node for node in self.loads if node not in elsewhere]


@dataclass(frozen=True)
class Rows:
    """The rows of a pass."""

    readers: tuple[Row, ...]  # of what the heavy op reads
    finisher: Row | None  # of what the pass makes

    @property
    def rows(self) -> list[Row]:
        return [*self.readers, *([self.finisher] if self.finisher else [])]

    @property
    def sums(self) -> list[BatchSum]:
        return [batch_sum for row in self.rows for batch_sum in row.sums]

    @property
    def loads(self) -> list[Node]:
        """What the rows read from memory; what one reader stores, the next one loads."""
        stored = [node for row in self.readers for node in row.stores]
        return [*stored, *(node for row in self.rows for node in row.loads)]


def rows_of(placing: Placing, outputs: Collection[Node]) -> dict[Pass, Rows]:
    """The rows of all passes; values that nothing reads aren't stored."""
    rows_by_pass = {walk: _rows(walk, placing) for walk in placing.passes}
    read = {*outputs, *(node for rows in rows_by_pass.values() for node in rows.loads)}
    for walk, rows in rows_by_pass.items():
        if rows.finisher:
            stores = tuple(node for node in rows.finisher.stores if node in read)
            rows_by_pass[walk] = replace(rows, finisher=replace(rows.finisher, stores=stores))
    return rows_by_pass


def _rows(walk: Pass, placing: Placing) -> Rows:
    moments = placing.timing.moments
    sums, read_sums = _sums_of(walk.sums, moments), _sums_of(walk.read_sums, moments)
    sources = [x for x in walk.heavy.inputs if x.each] if walk.heavy else []
    readers = [
        _reader(walk, source, placing.made_in, read_sums if number == 0 else [])
        for number, source in enumerate(sources)
    ]
    finishes = walk.heavy is None or walk.makes is not None
    finisher = _finisher(walk, placing.made_in, sums) if finishes else None
    return Rows(tuple(readers), finisher)


@dataclass
class _Reading:
    """The values of one row, found one after the other."""

    reader: Pass
    made_in: Mapping[Node, Pass]
    loop: Node | None = None
    values: dict[Node, RowValue] = field(default_factory=dict)

    def in_memory(self, node: Node) -> bool:
        """Whether the pass can load a value."""
        maker = self.made_in.get(node)
        return node.op.name == "leaf" if maker is None else maker.number <= self.reader.number

    def need(self, node: Node, make: bool = False) -> None:
        """Add a value and what it is computed from; `make` computes it even if it is kept."""
        if node in self.values:
            return
        value = self._value(node, make)
        if value.comes is From.OTHER:
            self.need(value.of)
        elif value.comes is From.FORMULA:
            for source in node.inputs:
                self.need(source)
        self.values[node] = value

    def _value(self, node: Node, make: bool) -> RowValue:
        if node is self.loop:
            return RowValue(node, From.LOOP, node)
        if node.op.name == "repeat":
            return RowValue(node, From.OTHER, node.inputs[0])
        if node.is_constant():
            return RowValue(node, From.NUMBER, node)
        if node.each and (not make or node.op.name == "leaf") and self.in_memory(node):
            return RowValue(node, From.MEMORY, node)
        source = channelwise(node)
        if source is not None:
            return RowValue(node, From.STEP if source is node else From.OTHER, source)
        if not node.each:
            return RowValue(node, From.PLACES, node)
        if node.op.name in MOVED:
            (source,) = node.inputs
            assert self.in_memory(source), "what is read from another place is kept"
            return RowValue(node, ELSEWHERE[node.op.name], source)
        return RowValue(node, From.FORMULA, node)


def _reader(
    walk: Pass, source: Node, made_in: Mapping[Node, Pass], sums: Sequence[BatchSum]
) -> Row:
    """One row of what a heavy op reads."""
    shared = source in walk.shared
    if source in made_in and not shared:
        return Row((), source)
    reading = _Reading(walk, made_in)
    reading.need(source, make=True)
    for batch_sum in sums:
        reading.need(batch_sum.x)
    return Row(tuple(reading.values.values()), source, (source,) if shared else (), tuple(sums))


def _finisher(walk: Pass, made_in: Mapping[Node, Pass], sums: Sequence[BatchSum]) -> Row:
    """What is done with one row of a pass's results."""
    reading = _Reading(walk, made_in, walk.makes)
    stores = sorted(walk.stores, key=lambda node: node.index)
    for node in stores:
        reading.need(node, make=True)
    for batch_sum in sums:
        if not batch_sum.beside:
            reading.need(batch_sum.x)
    return Row(tuple(reading.values.values()), None, tuple(stores), tuple(sums))


def _sums_of(reductions: Iterable[Node], moments: Mapping[Node, Node]) -> list[BatchSum]:
    """The sums of a pass; Σ x is computed with Σ(x − mean)²."""
    reductions = list(reductions)
    squared = {moments[node] for node in reductions if node in moments}
    sums = []
    for node in reductions:
        x = moments.get(node) or sum_input(node)
        assert x is not None
        sums.append(BatchSum(node, x, node in moments, node not in moments and x in squared))
    return sums
