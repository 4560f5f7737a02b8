"""One step of a stranger's training as a graph, and what makes two steps the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.meaning import meaning
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.formula.values import (
    CellBlock,
    LeadsBack,
    Lookup,
    Meaning,
    NotUnderstood,
    Single,
    number,
)
from gradbook.audit.training.training import Training
from gradbook.graph.names import Name
from gradbook.graph.node import Graph, Node
from gradbook.targets.excel.language.grammar import Expression, Reference

MOST_CELLS = 20_000  # of one step


class StepGraph:
    """The cells of one step as nodes: weights and whatever doesn't depend on them are leaves."""

    def __init__(
        self, training: Training, instead: Mapping[Address, Pattern] | None = None
    ) -> None:
        self.training = training
        self.book = training.book
        self.flow = training.flow
        self.graph = Graph()
        self.known: dict[Address, Meaning] = {}
        self.leaves: dict[Address, Node] = {}
        self.leaf_cells: dict[Node, Address] = {}
        self.instead = instead or {}  # formulas to try in the place of others
        self.moving = training.varying
        if not training.varying.issuperset(self.instead):
            changed = {c for c in self.instead if c not in training.varying}
            self.moving = training.varying | training.flow.below(changed) | changed

    def node(self, cell: Address) -> Node:
        """A cell's value."""
        return number(self.graph, self.value(self._meant(cell, cell)))

    def value(self, cell: Address) -> Meaning:
        """A cell's value, after those that it is computed from."""
        waiting = [cell]
        opened: set[Address] = set()
        while waiting:
            last = waiting[-1]
            if last in self.known:
                waiting.pop()
                continue
            missing = [c for c in self._inside(last) if c not in self.known]
            if missing:
                if last in opened:
                    raise LeadsBack(f"{self.book.called(last)}, which leads back to itself", last)
                opened.add(last)
                if len(opened) > MOST_CELLS:
                    raise NotUnderstood("a step of very many cells")
                waiting.extend(missing)
                continue
            self.known[last] = self._computed(last)
            waiting.pop()
        return self.known[cell]

    def expression(
        self, expression: Expression, home: Address, pattern: Pattern | None = None
    ) -> Node:
        """What an expression says in some cell."""
        pattern = pattern or self.book.patterns[home]
        for cell in self.training.mentioned(expression, home, pattern):
            if not self.training.before(home, cell):
                self.value(self._meant(cell, home))
        return number(self.graph, meaning(self.graph, expression, self._look(home, pattern)))

    def _meant(self, cell: Address, home: Address) -> Address:
        return cell if cell in self.instead else self.training.plain(cell)

    def _is_leaf(self, cell: Address) -> bool:
        if cell in self.instead:
            return False
        formula = cell in self.book.patterns
        return cell in self.training.weight_cells or cell not in self.moving or not formula

    def _inside(self, cell: Address) -> list[Address]:
        """The cells that a cell is computed from within its step."""
        if self._is_leaf(cell):
            return []
        sources: Sequence[Address] = self.flow.sources(cell)
        if cell in self.instead:
            sources = list(self.flow.mentioned(self.instead[cell].places, cell))
        before = self.training.before
        return [self._meant(s, cell) for s in dict.fromkeys(sources) if not before(cell, s)]

    def _computed(self, cell: Address) -> Meaning:
        if self._is_leaf(cell):
            return self._leaf(cell)
        pattern = self.instead.get(cell) or self.book.patterns[cell]
        if pattern.expression is None:
            raise NotUnderstood(f"{self.book.called(cell)}: {pattern.problem}")
        try:
            found = meaning(self.graph, pattern.expression, self._look(cell, pattern))
        except NotUnderstood as error:
            if "!" in str(error):
                raise
            raise NotUnderstood(f"{self.book.called(cell)} has {error}") from error
        by_itself = cell in self.instead or isinstance(pattern.expression, Reference)
        if isinstance(found, Node) and by_itself:
            return self.graph.make("copy", found, attributes=(self.book.called(cell),))
        if isinstance(found, CellBlock):
            return found.rows[0][0]
        return found

    def _leaf(self, cell: Address) -> Meaning:
        value = self.book.values.get(cell)
        if (
            value is None
            and cell not in self.training.weight_cells
            and cell not in self.book.patterns
        ):
            return None
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return self.graph.constant(float(value))
        if cell not in self.leaves:
            leaf = self.leaves[cell] = self.graph.leaf(Name(self.book.called(cell)))
            self.leaf_cells[leaf] = cell
        return self.leaves[cell]

    def _look(self, home: Address, pattern: Pattern) -> Lookup:
        return self.flow.lookup(self.graph, pattern, home, lambda cell: self._single(cell, home))

    def _single(self, cell: Address, home: Address) -> Single:
        value = self._seen(cell, home)
        assert not isinstance(value, CellBlock)
        return value

    def _seen(self, cell: Address, home: Address) -> Meaning:
        if home not in self.training.weight_cells and self.training.before(home, cell):
            return self._leaf(cell)
        return self.known[self._meant(cell, home)]
