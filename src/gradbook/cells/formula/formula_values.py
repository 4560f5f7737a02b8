"""What the parts of a formula are: nodes, texts and blocks of those; and what isn't understood.

A blank cell is None within a block, and 0 where a single value is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import isnan, nan

from gradbook.cells.budget import has_room_for, spend_exactly
from gradbook.cells.formula.numbers import on_numbers, run
from gradbook.cells.formula.syntax import Reference
from gradbook.graph.node import Graph, Node, ancestors
from gradbook.language.message import Message


class NotUnderstood(Exception):
    """A part of a formula that isn't supported; the message names it."""


class TooMuch(NotUnderstood):
    """More cells or values than can be followed; the formula may well have a meaning."""


class NeedsNumbers(NotUnderstood):
    """A part that depends on the present numbers of cells: a position, a key, a condition."""


class LeadsBack(NotUnderstood):
    """A formula that depends on itself."""

    def __init__(self, message: str, cell: int) -> None:
        super().__init__(message)
        self.cell = cell


class NoElse(str):
    """FALSE in an array, where an IF has no else: arithmetic takes it for 0, and what takes the
    numbers of a range skips it."""


NO_ELSE = NoElse("FALSE")
Single = Node | str | None
MOST_VALUES = 50_000  # values in one part of a formula
COST = 20  # budget for each value of an array, in numbers
MOST_NODES = 300_000  # of formulas that are computed in one graph
LONGEST_TEXT = 32_767  # characters in a cell


Key = tuple[int, float | str]  # numbers come before texts, and errors after them


@dataclass(frozen=True)
class CellBlock:
    """Values in rows and columns: a range or an array."""

    rows: tuple[tuple[Single, ...], ...]
    has_gaps: bool = False  # whether some of its numbers may be those of a missing else

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.rows), len(self.rows[0]) if self.rows else 0

    def numbers(self) -> Iterator[Node]:
        """The numbers among the values; texts and blanks are skipped."""
        yield from (value for row in self.rows for value in row if isinstance(value, Node))

    def at(self, row: int, column: int) -> Single:
        """One of the values; a single row or column is repeated as often as needed."""
        height, width = self.shape
        return self.rows[row if height > 1 else 0][column if width > 1 else 0]

    def singles(self) -> list[Single]:
        """All values, row by row."""
        return [value for row in self.rows for value in row]

    @cached_property
    def keys(self) -> list[Key | None]:
        """By what its values are compared and found, row by row: many formulas share a block."""
        known: dict[str, Key | None] = {}  # a column of long texts may be one text
        keys: list[Key | None] = []
        for value in self.singles():
            if isinstance(value, str) and value not in known:
                known[value] = key_of(value)
            keys.append(known[value] if isinstance(value, str) else key_of(value))
        return keys

    @cached_property
    def first_places(self) -> dict[Key | None, int]:
        """Where each key is first."""
        keys = self.keys
        return {keys[k]: k for k in range(len(keys) - 1, -1, -1)}

    @cached_property
    def first_column(self) -> CellBlock:
        return CellBlock(tuple(row[:1] for row in self.rows))

    @cached_property
    def first_row(self) -> CellBlock:
        return CellBlock(self.rows[:1])


Meaning = Single | CellBlock
Lookup = Callable[[Reference], Meaning]
Corners = tuple[int, int, int, int, int]  # sheet, first row, first column, last row, last column
Places = Callable[[Reference | None], Corners | None]
"""Where a reference is, or, for None, the formula itself."""
ERRORS = ("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!")


def as_block(value: Meaning) -> CellBlock:
    return value if isinstance(value, CellBlock) else CellBlock(((value,),))


# Graphs for values only ---------------------------------------------------------


class OpenGraph(Graph):
    """A graph of values whose leaves get their numbers later, and more than once: what depends on
    those numbers raises NeedsNumbers."""

    has_copies = True  # whether a formula's meaning is that of its copies, too


class OneCellGraph(OpenGraph):
    """A graph of values for the formula of one cell, whose place counts."""

    has_copies = False


class SettledGraph(Graph):
    """A graph for comparing formulas, in which some leaves have present numbers: only positions and
    keys depend on them."""

    def __init__(self) -> None:
        super().__init__()
        self.settled: dict[Node, float] = {}
        self.decided: set[Node] = set()  # the leaves whose numbers settled a position or a key
        self.deciding: set[Node] = set()  # … on which a position depends, with all its cases


class MovedGraph(SettledGraph, OpenGraph):
    """A graph of single cells whose numbers are moved: some may be settled to find positions."""

    has_copies = False


class NumberedGraph(Graph):
    """A graph whose leaves have present numbers, at which positions, keys and conditions count."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: dict[Node, float] = {}
        self.is_doubtful = False  # whether a number is missing that isn't an error

    def number_of(self, node: Node) -> float:
        """A node's present number; NaN for an error."""
        if node.is_constant():
            return node.number
        if node not in self.numbers and all(x.is_constant() for x in node.inputs):
            self.numbers[node] = on_numbers(node.op.name, [x.number for x in node.inputs])
        elif node not in self.numbers:
            missing = ancestors([node], self.numbers)
            run([part for part in missing if part not in self.numbers], self.numbers)
        return self.numbers[node]


def error(graph: Graph) -> Node:
    """What a spreadsheet shows as an error."""
    return graph.constant(nan)


def typed(graph: Graph, value: str | float | None) -> Single:
    """A cell's value that isn't a leaf: a text, a truth, an error, a blank."""
    if isinstance(value, str):
        return error(graph) if value in ERRORS and has_values_only(graph) else value
    return None if value is None else graph.constant(float(value))


def has_values_only(graph: Graph) -> bool:
    """Whether the graph is for values, rather than for comparing formulas with each other."""
    return isinstance(graph, OpenGraph | NumberedGraph)


def has_copies(graph: Graph) -> bool:
    """Whether a formula's meaning in the graph is that of its copies elsewhere, too."""
    return isinstance(graph, OpenGraph) and graph.has_copies


def present(node: Node) -> float:
    """A node's number, where it is known; otherwise NeedsNumbers is raised."""
    if node.is_constant():
        return node.number
    if isinstance(node.graph, NumberedGraph):
        return node.graph.number_of(node)
    numbers = dict(node.graph.settled) if isinstance(node.graph, SettledGraph) else {}
    behind = [] if node in numbers else ancestors([node], numbers)
    order = [part for part in behind if part not in numbers]
    if any(part.op.name == "leaf" for part in order):
        raise NeedsNumbers(Message("a position or condition that is computed"))
    if isinstance(node.graph, SettledGraph):
        node.graph.decided |= leaves_of(node)
    run(order, numbers)
    return numbers[node]


def leaves_of(node: Node) -> set[Node]:
    """The leaves that a node depends on."""
    return {part for part in ancestors([node]) if part.op.name == "leaf"}


def has_cases(graph: Graph, position: Node, values: Iterable[Single]) -> bool:
    """Whether a position is one of several that steps have, and chooses among values that aren't
    settled: then its cases are part of the formula's meaning."""
    if not isinstance(graph, SettledGraph) or isinstance(graph, OpenGraph):
        return False
    leaves = leaves_of(position)
    if not leaves or not leaves <= graph.settled.keys():
        return False
    chosen = (value for value in values if isinstance(value, Node))
    is_open = any(not leaves_of(value) <= graph.settled.keys() for value in chosen)
    graph.deciding |= leaves if is_open else set()
    return is_open


def key_of(value: Single) -> Key | None:
    """By what a value is compared with others, at present; None for a blank."""
    if isinstance(value, Node):
        number = present(value)
        return (2, 0.0) if isnan(number) else (0, number)
    return None if value is None else (1, value.lower())


# Single values --------------------------------------------------------------------


def number(graph: Graph, value: Meaning) -> Node:
    """A single value as a number: a blank is 0, and a text of digits is read, as in Excel."""
    if isinstance(value, Node):
        return value
    if value is None:
        return graph.constant(0)
    if isinstance(value, CellBlock):
        if value.shape == (1, 1):
            return number(graph, value.rows[0][0])
        raise NotUnderstood(Message("a range where one value belongs"))
    if isinstance(value, NoElse):
        return graph.constant(0)
    try:
        return graph.constant(float(value))
    except ValueError as problem:
        if has_values_only(graph):
            return error(graph)
        what = Message("the text {text} where a number belongs", text=repr(value[:30]))
        raise NotUnderstood(what) from problem


def present_number(graph: Graph, value: Meaning) -> float:
    """A single value's number now."""
    return present(number(graph, value))


def whole_number(graph: Graph, value: Meaning) -> int:
    """A position or a count; NotUnderstood for an error."""
    count = present_number(graph, value)
    if isnan(count) or abs(count) > 1e15:
        raise NotUnderstood(Message("a position that isn't a number"))
    return int(count // 1)


def text_of(value: Single) -> str:
    """A single value as a text joins it: a number with 15 digits; an error is a ValueError."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isnan(shown := present(value)):
        raise ValueError("an error")
    return f"{shown:.15g}".upper()


def joined(graph: Graph, texts: Iterable[str]) -> Single:
    """These as one text; an error if one of them is, or if no cell could hold it."""
    try:
        pieces = list(texts)
    except ValueError:
        return error(graph)
    return error(graph) if sum(map(len, pieces)) > LONGEST_TEXT else held("".join(pieces))


def held(text: str) -> str:
    """A text that was computed; TooMuch if a book has computed more text than it may."""
    if not has_room_for(len(text)):
        raise TooMuch(Message("more text than can be kept"))
    return text


def map_values(function: Callable[[Meaning], Node], value: Meaning) -> Meaning:
    if isinstance(value, CellBlock):
        return CellBlock(tuple(tuple(function(x) for x in row) for row in value.rows))
    return function(value)


def pairs(function: Callable[[Single, Single], Single], a: Meaning, b: Meaning) -> Meaning:
    """Element by element; a single value, row or column is repeated to fit, as Excel does."""
    return aligned(function, a, b)


def aligned(function: Callable[..., Single], *values: Meaning) -> Meaning:
    """Any number of values, element by element."""
    if not any(isinstance(value, CellBlock) for value in values):
        return function(*values)
    blocks = [as_block(value) for value in values]
    height, width = 1, 1
    for block in blocks:
        height, width = map(_common, (height, width), block.shape)
    refuse_many(height * width)

    def one(row: int, column: int) -> Single:
        value = function(*(block.at(row, column) for block in blocks))
        if isinstance(value, Node) and len(value.graph.nodes) > 2 * MOST_NODES:
            raise TooMuch(f"more than {MOST_NODES:,} values at once")
        return value

    return CellBlock(tuple(tuple(one(r, c) for c in range(width)) for r in range(height)))


def refuse_many(count: int) -> None:
    """Raise TooMuch for too many values: a column times a row has their product."""
    if count > MOST_VALUES:
        raise TooMuch(f"more than {MOST_VALUES:,} values at once")
    spend_exactly(COST * count)


def _common(a: int, b: int) -> int:
    if a == b or 1 in (a, b):
        return max(a, b)
    raise NotUnderstood(Message("ranges of different sizes in one operation"))


# Functions of single values -------------------------------------------------------


@dataclass(frozen=True)
class Elementwise:
    """A function of single values, and its slope by each argument as a formula.

    In a slope, x, y, z, u, v and w are the arguments, and `value` is the result; '' means that the
    argument is held fixed, or that the function is flat. `defaults` has what omitted arguments
    are worth, as formulas; '' where one is needed.
    """

    meaning: Callable[..., Node]
    slopes: tuple[str, ...]
    defaults: tuple[str, ...] = ()


ARGUMENTS = ("x", "y", "z", "u", "v", "w")
"""What the slopes call the arguments, in order."""


def flat(node: Node) -> Node:
    """The same value without slopes: a whole number, a date, a position."""
    return node if node.is_constant() else node.graph.make("straight", node, 0)
