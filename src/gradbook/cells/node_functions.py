"""Nodes as Python functions: op by op, and as Python code where they are computed again and again.

The code of a formula runs on lists of numbers, for all cells that contain copies of it. It is made
from nodes alone: its names are made of a letter and an index, its operators and functions stand in
the tables below, and its numbers are written by `repr`. No text of a workbook gets into it, so that
a stranger's book can't say what is run.

Where an op fails (a division by zero, an overflow), the code ends with an exception, and op by op
the result is NaN, as in a spreadsheet, or another one if the failing op doesn't decide.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property, partial
from math import inf, isfinite, nan
from typing import Any

from gradbook.cells.formula.numbers import ON_NUMBERS, on_numbers, settings_of
from gradbook.graph.chain import gradients
from gradbook.graph.names import Name
from gradbook.graph.node import Node, ancestors

LONGEST = 200  # characters of an expression that isn't split
OFTEN = 100  # cells that are computed before their formula is written as code
MOST_ADDED = 50  # terms in one expression
MOST_WRITTEN = 20_000  # nodes of a function that is written as code

Task = Callable[[list[float]], float]
Row = tuple[int, ...]  # the index of a cell, and those of what it takes
Forward = Callable[[list[float], Row, Sequence[Row]], None]
Backward = Callable[[list[float], list[float], Row, Sequence[Row]], None]


class NodeFunction:
    """Some nodes as a function of the numbers of others, op by op."""

    def __init__(self, outputs: Sequence[Node], leaves: Sequence[Node]) -> None:
        open_leaves = set(leaves)
        nodes = ancestors(outputs, stop=open_leaves)
        constants = [node for node in nodes if node.is_constant()]
        self.computed = [node for node in nodes if node.inputs and node not in open_leaves]
        place = {node: k for k, node in enumerate([*leaves, *constants, *self.computed])}
        self._numbers = [node.number for node in constants]
        self._tasks = [_task(node, [place[x] for x in node.inputs]) for node in self.computed]
        self._results = [place[node] for node in outputs]

    def at(self, numbers: Sequence[Any]) -> list[float]:
        """The outputs, where the leaves have these numbers; NaN for what fails."""
        values = [*numbers, *self._numbers]
        for task in self._tasks:
            try:
                values.append(task(values))
            except (ArithmeticError, ValueError):
                values.append(nan)
        return [values[k] for k in self._results]


def _task(node: Node, places: Sequence[int]) -> Task:
    function = ON_NUMBERS[node.op.name]
    if settings := settings_of(node):
        function = partial(function, *settings)
    match places:
        case [a]:
            return lambda values: function(values[a])
        case [a, b]:
            return lambda values: function(values[a], values[b])
    return lambda values: function(*[values[k] for k in places])


# Code -------------------------------------------------------------------------

TEMPLATES: Mapping[str, str] = {
    "copy": "{0}",
    "add": "({0}+{1})",
    "subtract": "({0}-{1})",
    "multiply": "({0}*{1})",
    "divide": "({0}/{1})",
    "negate": "(-{0})",
    "exp": "exp({0})",
    "log": "log({0})",
    "sqrt": "sqrt({0})",
    "sin": "sin({0})",
    "cos": "cos({0})",
    "tanh": "tanh({0})",
    "atan": "atan({0})",
    "sigmoid": "(1/(1+exp(-{0})))",
    "straight": "{0}",
    "shown": "{1}",
    "choose": "({1} if {0}>0 else {2} if {0}<=0 else nan)",
}
"""Ops as code; all others are called as they are in ON_NUMBERS."""
SQUARE = "({0}*{0})"
FUNCTIONS: Mapping[str, Any] = {
    **{word: getattr(math, word) for word in ("exp", "log", "sqrt", "sin", "cos", "tanh", "atan")},
    **{f"op_{name}": function for name, function in ON_NUMBERS.items()},
    "nan": nan,
    "inf": inf,
}


class NodeCode:
    """The lines that compute nodes, where some nodes have names already."""

    def __init__(self, outputs: Sequence[Node], names: Mapping[Node, str]) -> None:
        self.lines: list[str] = []
        self._words = dict(names)
        nodes = ancestors(outputs, stop=names)
        uses = Counter(x for node in nodes if node not in names for x in node.inputs)
        uses.update(outputs)
        for node in nodes:
            if node not in self._words:
                self._words[node] = self._word(node, uses[node])
        self.results = [self._words[node] for node in outputs]

    def _word(self, node: Node, uses: int) -> str:
        fixed = _constant(node)
        if fixed is not None:
            return f"({fixed!r})"
        text = self._text(node)
        if uses <= 1 and len(text) <= LONGEST:
            return text
        self.lines.append(f"v{node.index}={text}")
        return f"v{node.index}"

    def _text(self, node: Node) -> str:
        name, words = node.op.name, [self._words[x] for x in node.inputs]
        if name == "power" and node.inputs[1].is_constant(2):
            return SQUARE.format(self._named(node.inputs[0]))
        if name == "choose":
            words[0] = self._named(node.inputs[0])
        if name == "sum_of_all" and len(words) <= MOST_ADDED:
            return f"({'+'.join(words)})"
        template = TEMPLATES.get(name)
        if template:
            return template.format(*words)
        settings = [repr(int(setting)) for setting in settings_of(node)]
        return f"op_{name}({','.join([*settings, *words])})"

    def _named(self, node: Node) -> str:
        """A word for a node that is mentioned more than once."""
        word = self._words[node]
        if word.isidentifier():
            return word
        self.lines.append(f"v{node.index}={word}")
        self._words[node] = f"v{node.index}"
        return self._words[node]


def _constant(node: Node) -> float | None:
    """The number that a node always is, as far as one op says it."""
    if node.is_constant():
        return node.number
    if node.inputs and all(x.is_constant() for x in node.inputs):
        return on_numbers(node.op.name, [x.number for x in node.inputs])
    return None


def _function(name: str, lines: Sequence[str]) -> Any:
    names = dict(FUNCTIONS)
    exec(compile("\n".join(lines), "<cells>", "exec"), names)  # of our own words only: see above
    return names[name]


# Formulas ---------------------------------------------------------------------


class CopiedFormula:
    """A formula for rows of cells that are copies of each other: their values, and forward and
    backward what the chain rule needs.

    `shared` are the places of the sources that are the same in all rows; `active` those by which
    slopes are sought. A row has the cell's index and those of its other sources.
    """

    def __init__(
        self,
        result: Node,
        leaves: Mapping[int, Node],
        active: Collection[int],
        shared: Collection[int],
    ) -> None:
        within = set(ancestors([result]))
        self._leaves = {k: leaf for k, leaf in leaves.items() if leaf in within}
        self._result = result
        self.shared = [k for k in self._leaves if k in shared]
        self.single = [k for k in self._leaves if k not in shared]
        self.active = [k for k in (*self.shared, *self.single) if k in active]
        self.size = len(within)
        self._until_code: float = OFTEN if self.size <= MOST_WRITTEN else inf

    def forward(self, values: list[float], shared: Row, rows: Sequence[Row]) -> None:
        """Put the rows' values among the others. An exception leaves some of them out."""
        if self._is_rare(len(rows)):
            self.forward_with_care(values, shared, rows)
        else:
            self._forward(values, shared, rows)

    def forward_with_care(self, values: list[float], shared: Row, rows: Sequence[Row]) -> None:
        """The same, op by op."""
        at = [values[k] for k in shared]
        for row in rows:
            (value,) = self._value.at([*at, *[values[k] for k in row[1:]]])
            values[row[0]] = value if isfinite(value) else nan

    def backward(
        self, values: list[float], slopes: list[float], shared: Row, rows: Sequence[Row]
    ) -> None:
        """Add to the slopes of the sources what they get from the rows', of which the last comes
        first. An exception leaves the slopes half added."""
        if self._is_rare(len(rows)):
            self.backward_with_care(values, slopes, shared, rows)
        else:
            self._backward(values, slopes, shared, rows)

    def _is_rare(self, rows: int) -> bool:
        """Whether it is still computed less often than writing its code would be worth."""
        self._until_code -= rows
        return self._until_code > 0

    def backward_with_care(
        self, values: list[float], slopes: list[float], shared: Row, rows: Sequence[Row]
    ) -> None:
        """The same, op by op."""
        at = [values[k] for k in shared]
        for row in rows:
            if seed := slopes[row[0]]:
                numbers = [seed, values[row[0]], *at, *[values[k] for k in row[1:]]]
                places = dict(zip(self.single, row[1:], strict=True))
                places |= zip(self.shared, shared, strict=True)
                for k, slope in zip(self.active, self._slopes.at(numbers), strict=True):
                    slopes[places[k]] += slope

    @property
    def _inputs(self) -> list[Node]:
        return [self._leaves[k] for k in (*self.shared, *self.single)]

    @cached_property
    def _value(self) -> NodeFunction:
        return NodeFunction([self._result], self._inputs)

    @cached_property
    def _shares(self) -> tuple[Node, list[Node]]:
        """The seed, which is the slope by the formula, and the active sources' slopes."""
        graph = self._result.graph
        seed = next((n for n in graph.nodes if n.name == SEED), None) or graph.leaf(SEED)
        active = [self._leaves[k] for k in self.active]
        slopes = gradients(seed * self._result, active)
        return seed, [slopes[leaf] for leaf in active]

    @cached_property
    def _slopes(self) -> NodeFunction:
        seed, shares = self._shares
        return NodeFunction(shares, [seed, self._result, *self._inputs])

    def _words(self) -> dict[Node, str]:
        return {leaf: f"x{k}" for k, leaf in self._leaves.items()}

    def _opening(self, arguments: str, rows: str) -> list[str]:
        together = "".join(f"x{k}," for k in self.shared)
        places = "".join(f"p{k}," for k in self.single)
        return [
            f"def run({arguments},shared,rows):",
            *([f" {together}=[values[k] for k in shared]"] if together else []),
            *([f" {''.join(f's{k},' for k in self.shared)}=shared"] if together else []),
            f" for i,{places} in {rows}:",
        ]

    @cached_property
    def _forward(self) -> Forward:
        code = NodeCode([self._result], self._words())
        inside = [
            *[f"x{k}=values[p{k}]" for k in self.single],
            *code.lines,
            f"r={code.results[0]}",
            "values[i]=r if -inf<r<inf else nan",
        ]
        lines = [*self._opening("values", "rows"), *_indented(inside, 2)]
        forward: Forward = _function("run", lines)
        return forward

    @cached_property
    def _backward(self) -> Backward:
        seed, shares = self._shares
        names = {self._result: "y", seed: "d", **self._words()}
        code = NodeCode(shares, names)
        together = [k for k in self.shared if k in self.active]
        inside = ["y=values[i]", *[f"x{k}=values[p{k}]" for k in self.single], *code.lines]
        for k, share in zip(self.active, code.results, strict=True):
            inside.append(f"g{k}+={share}" if k in together else f"slopes[p{k}]+={share}")
        lines = self._opening("values,slopes", "rows")
        lines[-1:] = [*[f" g{k}=0.0" for k in together], lines[-1]]
        lines += [
            "  d=slopes[i]",
            "  if d:",
            *_indented(inside, 3),
            *[f" slopes[s{k}]+=g{k}" for k in together],
        ]
        backward: Backward = _function("run", lines)
        return backward


SEED = Name("seed")


def _indented(lines: Sequence[str], depth: int) -> list[str]:
    return [" " * depth + line for line in lines]
