"""One update as a graph: weights, and whatever doesn't depend on them, are leaves."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.meaning import meaning
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.formula.values import CellBlock, LeadsBack, NotUnderstood, Single, number
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.graph.names import Name
from gradbook.graph.node import Graph, Node

MOST_CELLS = 400  # of one update


class WorkedUpdate:
    """What an update's cell says, down to its leaves."""

    def __init__(
        self,
        book: Book,
        flow: Flow,
        weights: Collection[Address],
        varying: Collection[Address],
        instead: Mapping[Address, Pattern] | None = None,
        inside: Collection[Address] = (),
    ) -> None:
        self.book = book
        self.flow = flow
        self.weights = weights  # plain cells
        self.varying = varying  # every cell that depends on a weight
        self.instead = instead or {}  # formulas to try in the place of others
        self.inside = inside  # cells of the step, whether they depend on a weight or not
        self.graph = Graph()
        self.known: dict[Address, Single] = {}
        self.leaves: dict[Address, Node] = {}

    def formula(self, cell: Address) -> Pattern | None:
        return self.instead.get(cell) or self.book.patterns.get(cell)

    def of(self, cell: Address) -> Node:
        """What the formula of an update says."""
        pattern = self.formula(cell)
        if pattern is None:
            raise NotUnderstood(f"{self.book.called(cell)}, which has no formula")
        for source in self.flow.mentioned(pattern.places, cell):
            self._worked(self._meant(source))
        return number(self.graph, self._meaning(cell, pattern))

    def leaf(self, cell: Address) -> Node:
        """The leaf that a cell is, or that it repeats."""
        cell = self._meant(cell)
        if cell not in self.leaves:
            self.leaves[cell] = self.graph.leaf(Name(self.book.called(cell)))
        return self.leaves[cell]

    def _meant(self, cell: Address) -> Address:
        return cell if cell in self.instead else self.flow.plain(cell, self.instead)

    def _is_leaf(self, cell: Address) -> bool:
        if cell in self.weights or self.formula(cell) is None:
            return True
        return not (cell in self.varying or cell in self.inside or cell in self.instead)

    def _worked(self, cell: Address) -> Single:
        waiting, opened = [cell], set()
        while waiting:
            last = waiting[-1]
            missing = [] if last in self.known else self._missing(last)
            if missing:
                if last in opened:
                    raise LeadsBack(f"{self.book.called(last)}, which leads back to itself", last)
                opened.add(last)
                if len(opened) > MOST_CELLS:
                    raise NotUnderstood("an update of very many cells")
                waiting.extend(missing)
                continue
            if last not in self.known:
                self.known[last] = self._computed(last)
            waiting.pop()
        return self.known[cell]

    def _missing(self, cell: Address) -> list[Address]:
        pattern = self.formula(cell)
        if self._is_leaf(cell) or pattern is None:
            return []
        sources = dict.fromkeys(self.flow.mentioned(pattern.places, cell))
        return [meant for s in sources if (meant := self._meant(s)) not in self.known]

    def _computed(self, cell: Address) -> Single:
        pattern = self.formula(cell)
        if self._is_leaf(cell) or pattern is None:
            value = self.book.values.get(cell)
            if isinstance(value, str) and cell not in self.weights:
                return value
            if isinstance(value, bool):
                return self.graph.constant(float(value))
            return self.leaf(cell)
        return self._meaning(cell, pattern)

    def _meaning(self, cell: Address, pattern: Pattern) -> Single:
        if pattern.expression is None:
            raise NotUnderstood(f"{self.book.called(cell)}: {pattern.problem}")

        def single(at: Address) -> Single:
            return self.known[self._meant(at)]

        look = self.flow.lookup(self.graph, pattern, cell, single)
        found = meaning(self.graph, pattern.expression, look)
        return found.rows[0][0] if isinstance(found, CellBlock) else found
