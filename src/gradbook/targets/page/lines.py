"""A graph as a table: one line for each value, an op of the page's machine on earlier lines.

    [["leaf"], ["leaf"], ["multiply", 0, 1], ["constant", 0.5], ["add", 2, 3], …]

The machine has few words (`machine/words.js` defines them, in double precision). An op without a
word is written as its expansion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

from gradbook.graph.chain import gradients
from gradbook.graph.node import Node, named_inputs
from gradbook.lowering import Vocabulary

WORDS = frozenset(
    {
        *("leaf", "constant", "copy", "repeat", "total"),
        *("add", "subtract", "multiply", "divide", "negate", "power", "sum_of_all"),
        *("exp", "log", "sqrt", "sin", "cos", "atan", "tanh"),
        *("normal_share", "relu", "softplus", "floor", "whole", "log_sum_exp"),
        *("choose", "largest", "is_largest"),
    }
)
SAYS = Vocabulary("a page", WORDS)
SHOWN = {"straight": 0, "shown": 1}  # which input of a workbook's rounding a cell shows

Line = list[Any]


@dataclass(frozen=True)
class Lines:
    """The lines in the order of computation, and the place of each node's line."""

    lines: list[Line]
    places: Mapping[Node, int]

    @property
    def sample_lines(self) -> list[int]:
        """The lines with a value for every sample."""
        return [place for node, place in self.places.items() if node.each]


@dataclass(frozen=True)
class LinkedLines(Lines):
    """Lines of named values, and of the slope of each by every other in its formula."""

    links: list[tuple[int, int, int]]  # from and to, among the values; their slope's line


def write_linked(values: Sequence[Node]) -> LinkedLines:
    """The lines of these named values and of the slopes between them."""
    ranks = {node: k for k, node in enumerate(values)}
    slopes: list[tuple[int, int, Node]] = []
    for node in values:
        sources = [source for source in named_inputs(node) if source in ranks]
        partial = gradients(node, sources, stop=sources) if sources else {}
        slopes += [(ranks[source], ranks[node], partial[source]) for source in sources]
    table = write_lines([*values, *(slope for _, _, slope in slopes)])
    links = [(source, user, table.places[slope]) for source, user, slope in slopes]
    return LinkedLines(table.lines, table.places, links)


def write_lines(nodes: Sequence[Node]) -> Lines:
    """These nodes and all that they are computed from, as lines."""
    places: dict[Node, int] = {}
    lines: list[Line] = []
    for node in _ordered(nodes):
        places[node] = len(lines)
        lines.append(_line(node, places))
    return Lines(lines, places)


def _line(node: Node, places: Mapping[Node, int]) -> Line:
    sources = [places[source] for source in sources_of(node)]
    match node.op.name:
        case "constant":
            return ["constant", "NaN" if isnan(node.number) else node.number]
        case "is_largest":
            return ["is_largest", node.attributes[0], *sources]
        case word if word in WORDS:
            return [word, *sources]
        case _:
            return ["copy", *sources]


def sources_of(node: Node) -> Sequence[Node]:
    """The nodes that a node's line is computed from; a TargetError if a page can't compute it."""
    place = SHOWN.get(node.op.name)
    return SAYS.sources(node) if place is None else (node.inputs[place],)


def _ordered(nodes: Sequence[Node]) -> list[Node]:
    """All nodes that are needed, sources first; an expansion is younger than its node."""
    done: dict[Node, None] = {}
    waiting = list(reversed(nodes))
    while waiting:
        node = waiting[-1]
        missing = [source for source in sources_of(node) if source not in done]
        if node in done or not missing:
            done[waiting.pop()] = None
        else:
            waiting += reversed(missing)
    return list(done)
