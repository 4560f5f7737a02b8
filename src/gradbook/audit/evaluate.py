"""A workbook's cells computed anew, some of them with other formulas.

Each different formula is turned into a list of ops once; a column of equal ones runs through it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from gradbook.audit.address import Address
from gradbook.audit.book import Book
from gradbook.audit.book import Value as Shown
from gradbook.audit.flow import Flow
from gradbook.audit.meaning import Block, Look, NotUnderstood, Value, meaning, number
from gradbook.audit.pattern import Area, Pattern, Place
from gradbook.graph.name import Name
from gradbook.graph.node import Graph, Node, needed
from gradbook.graph.op import Attribute
from gradbook.targets.excel.grammar import Reference

NUMBER = object()  # stands for any number where formulas are told apart by what they are given
Task = tuple[Callable[..., object], tuple[int, ...], tuple[Attribute, ...]]


class Evaluation:
    """Values of cells, each computed when it is asked for, and once."""

    def __init__(
        self, book: Book, flow: Flow, instead: Mapping[Address, Pattern] | None = None
    ) -> None:
        self.book = book
        self.flow = flow
        self.instead = instead or {}
        self.known: dict[Address, Shown] = {}
        self._programs: dict[object, _Program | None] = {}

    def value(self, cell: Address) -> float:
        """What a cell shows, as a number; nan where that can't be said."""
        self._settle(cell)
        found = self.known[cell]
        return float(found) if isinstance(found, int | float) else nan

    def _settle(self, cell: Address) -> None:
        """Compute a cell, after those that it is computed from."""
        waiting = [cell]
        opened: set[Address] = set()
        while waiting:
            last = waiting[-1]
            if last in self.known:
                waiting.pop()
                continue
            pattern, home = self._formula(last)
            if pattern is None:
                self.known[last] = self.book.values.get(last)
                continue
            sources = self._sources(pattern, home)
            missing = [source for source in sources if source not in self.known]
            if missing and last not in opened:
                opened.add(last)
                waiting.extend(missing)
            else:  # what is missing still leads back to itself
                self.known[last] = nan if missing else self._computed(last, pattern, sources)

    def _formula(self, cell: Address) -> tuple[Pattern | None, Address]:
        home = self.book.elements.get(cell, (cell, 0, 0))[0]
        return self.instead.get(home) or self.book.patterns.get(home), home

    def _sources(self, pattern: Pattern, home: Address) -> Sequence[Address]:
        if home in self.instead:
            return tuple(self.flow.mentioned(pattern.places, home))
        return self.flow.sources(home)

    def _computed(self, cell: Address, pattern: Pattern, sources: Sequence[Address]) -> float:
        home, down, right = self.book.elements.get(cell, (cell, 0, 0))
        given = [self.known[source] for source in sources]
        kinds = tuple(NUMBER if isinstance(value, float) else value for value in given)
        key = pattern, kinds, down, right
        if key not in self._programs:
            writer = _Writer(self, pattern, home, sources)
            self._programs[key] = writer.program(down, right)
        program = self._programs[key]
        return program.run(given) if program else nan


class _Writer:
    """Turns one formula into a program; texts and blanks become part of it."""

    def __init__(
        self, cells: Evaluation, pattern: Pattern, home: Address, sources: Sequence[Address]
    ) -> None:
        self.cells = cells
        self.pattern = pattern
        self.home = home
        self.places = {cell: k for k, cell in enumerate(sources)}
        self.graph = Graph()
        self.leaves: dict[int, Node] = {}

    def program(self, down: int, right: int) -> _Program | None:
        """What to do for one element of the formula's value; None if it isn't understood."""
        if self.pattern.expression is None:
            return None
        try:
            found = meaning(self.graph, self.pattern.expression, self._look())
            if isinstance(found, Block):
                height, width = found.shape
                found = found.rows[min(down, height - 1)][min(right, width - 1)]
            return _program(number(self.graph, found), self.leaves)
        except (NotUnderstood, OverflowError):
            return None

    def _look(self) -> Look:
        def look(reference: Reference) -> Value:
            mention = self.pattern.mentions.get(reference.text)
            if isinstance(mention, Place):
                cell = mention.at(self.home)
                return self._single(cell) if cell is not None else None
            if isinstance(mention, Area):
                rows = self.cells.flow.rows(mention, self.home)
                return Block(tuple(tuple(map(self._single, row)) for row in rows))
            if isinstance(mention, float):
                return self.graph.constant(mention)
            raise NotUnderstood(reference.text)

        return look

    def _single(self, cell: Address) -> Node | str | None:
        value = self.cells.known[cell]
        if isinstance(value, bool):
            return self.graph.constant(float(value))
        if not isinstance(value, float):
            return value
        place = self.places[cell]
        if place not in self.leaves:
            self.leaves[place] = self.graph.leaf(Name(str(place)))
        return self.leaves[place]


@dataclass(frozen=True)
class _Program:
    """What to do with the numbers of a formula's cells, one op after the other."""

    given: tuple[int, ...]  # which of the cells come first, in this order
    constants: tuple[float, ...]  # these follow
    tasks: tuple[Task, ...]  # and then what is made of them
    result: int

    def run(self, cells: Sequence[Shown]) -> float:
        values: list[object] = [np.float64(cells[k]) for k in self.given]
        values += self.constants
        with np.errstate(all="ignore"):
            for op, inputs, attributes in self.tasks:
                values.append(op(*[values[k] for k in inputs], *attributes))
        return float(values[self.result])  # type: ignore[arg-type]


def _program(result: Node, leaves: Mapping[int, Node]) -> _Program:
    nodes = needed([result])
    wanted = set(nodes)
    given = {k: leaf for k, leaf in leaves.items() if leaf in wanted}
    constants = [node for node in nodes if node.is_constant()]
    made = [n for n in nodes if not n.is_constant() and n not in set(given.values())]
    place = {node: k for k, node in enumerate([*given.values(), *constants, *made])}
    tasks = tuple((n.op.value, tuple(place[i] for i in n.inputs), n.attributes) for n in made)
    numbers = tuple(np.float64(node.number) for node in constants)
    return _Program(tuple(given), numbers, tasks, place[result])
