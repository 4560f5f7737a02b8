"""The cells of one step as nodes of a graph, with other formulas in some of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from gradbook.audit.formulas.points import Numbers
from gradbook.cells.book import TOO_WIDE, Book
from gradbook.cells.budget import spend
from gradbook.cells.evaluate import CellValues
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.expression import count_parts, references
from gradbook.cells.formula.formula_values import (
    CellBlock,
    Lookup,
    Meaning,
    NotUnderstood,
    SettledGraph,
    Single,
    TooMuch,
    number,
)
from gradbook.cells.formula.meaning import meaning
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.syntax import Expression, Reference
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Node
from gradbook.language.message import Message, joined, words_of

MOST_CELLS = 20_000  # cells of one step
MOST_NODES = 120_000  # nodes of their formulas
PART = 800  # budget per part of a formula for making nodes


class Stepping(Protocol):
    """A training whose steps update weights, by any rule."""

    @property
    def book(self) -> Book: ...
    @property
    def flow(self) -> Flow: ...
    @property
    def varying(self) -> set[Address]: ...
    @property
    def weight_cells(self) -> Collection[Address]: ...
    def plain(self, cell: Address) -> Address: ...
    def before(self, cell: Address, other: Address) -> bool: ...


class StepGraph(CellValues[Single]):
    """The cells of one step as nodes: weights, and cells that don't depend on them, are leaves."""

    most = MOST_CELLS

    def __init__(self, training: Stepping, instead: Mapping[Address, Pattern]) -> None:
        super().__init__(training.book, training.flow, instead)
        self.training = training
        fresh = instead.keys() - training.varying
        below = training.flow.below(fresh, training.weight_cells) if fresh else ()
        self._fresh = fresh.union(below)  # few, so that the others needn't be copied
        self.graph = SettledGraph()
        self.leaves: dict[Address, Node] = {}
        self.leaf_cells: dict[Node, Address] = {}
        self._said: dict[tuple[int, Address], tuple[Expression, Node]] = {}
        self._numbers: dict[object, Numbers] = {}

    def decided(self, cell: Address) -> float | None:
        """The number of a cell by which a formula of the step chose among others."""
        leaf = self.leaves.get(cell)
        is_decided = leaf is not None and leaf in self.graph.decided
        return self.graph.settled[leaf] if leaf is not None and is_decided else None

    @property
    def deciding(self) -> set[Address]:
        """The cells by which formulas choose, in each step perhaps another."""
        return {self.leaf_cells[leaf] for leaf in self.graph.deciding}

    def numbers(self, kind: object, leaf: Callable[[Address], Array]) -> Numbers:
        """Values of its nodes, cached by kind."""
        return self._numbers.setdefault(kind, Numbers(leaf, self.leaf_cells))

    def node(self, cell: Address) -> Node:
        """A cell's value."""
        return number(self.graph, self.of(self.meant(cell)))

    def expression(
        self, expression: Expression, home: Address, pattern: Pattern | None = None
    ) -> Node:
        """The node of an expression in some cell."""
        key = id(expression), home
        if key not in self._said:  # the expression is kept, since ids are reused
            self._said[key] = (
                expression,
                number(self.graph, self.meaning(expression, home, pattern)),
            )
        return self._said[key][1]

    def meaning(
        self, expression: Expression, home: Address, pattern: Pattern | None = None
    ) -> Meaning:
        """Return the meaning of an expression in some cell, which may be a block of values."""
        pattern = pattern or self.book.patterns[home]
        mentions = (pattern.mentions.get(part.text) for part in references(expression))
        for cell in self.flow.mentioned_cells(mentions, home):
            if not self.training.before(home, cell):
                self.of(self.meant(cell))
        spend(PART * count_parts(expression))
        return meaning(self.graph, expression, self._look(home, pattern))

    def meant(self, cell: Address) -> Address:
        """The cell itself or, if it only repeats another, that one."""
        return cell if cell in self.instead else self.training.plain(cell)

    def varies(self, cell: Address) -> bool:
        """Whether a cell depends on a weight or, with other formulas, on one of these."""
        return cell in self.training.varying or cell in self._fresh

    def formula(self, cell: Address) -> Pattern | None:
        pattern = super().formula(cell)
        if pattern is None or cell in self.instead:
            return pattern
        is_varying = self.varies(cell) or pattern.expression is None
        return pattern if is_varying and cell not in self.training.weight_cells else None

    def sources(self, cell: Address, pattern: Pattern) -> Sequence[Address]:
        """The sources of a cell within its step."""
        before, every = self.training.before, dict.fromkeys(super().sources(cell, pattern))
        return [self.meant(source) for source in every if not before(cell, source)]

    def computed(self, cell: Address, pattern: Pattern, sources: Sequence[Address]) -> Single:
        called = self.book.name_of(cell)
        if pattern.expression is None:
            kind = TooMuch if pattern.problem == TOO_WIDE else NotUnderstood
            raise kind(joined(": ", (called, pattern.problem)))
        spend(PART * count_parts(pattern.expression))
        if len(self.graph.nodes) > MOST_NODES:
            raise TooMuch(Message("a step with too many values"))
        try:
            found = meaning(self.graph, pattern.expression, self._look(cell, pattern))
        except NotUnderstood as error:
            if "!" in str(error):  # it names a cell
                raise
            kind = TooMuch if isinstance(error, TooMuch) else NotUnderstood
            raise kind(
                Message("{cell} has {problem}", cell=called, problem=words_of(error))
            ) from error
        if isinstance(found, CellBlock):
            return self.flow.element(cell, found)
        by_itself = cell in self.instead or isinstance(pattern.expression, Reference)
        if isinstance(found, Node) and by_itself:
            return self.graph.make("copy", found, attributes=(called,))
        return found

    def typed(self, cell: Address) -> Single:
        value = self.book.values.get(cell)
        if isinstance(value, str) and not (value.startswith("#") and cell in self.book.patterns):
            return value  # an earlier step's error doesn't matter here
        is_weight = cell in self.training.weight_cells
        if value is None and not is_weight and cell not in self.book.patterns:
            return None
        if isinstance(value, bool):
            return self.graph.constant(float(value))
        return self._made_leaf(cell)

    def _made_leaf(self, cell: Address) -> Node:
        if cell not in self.leaves:
            leaf = self.leaves[cell] = self.graph.leaf(Name(self.book.name_of(cell)))
            self.leaf_cells[leaf] = cell
            value = self.book.values.get(cell)
            varies = self.varies(cell) or cell in self.training.weight_cells
            if isinstance(value, float) and not varies:
                self.graph.settled[leaf] = value
        return self.leaves[cell]

    def _look(self, home: Address, pattern: Pattern) -> Lookup:
        def single(cell: Address) -> Single:
            if home not in self.training.weight_cells and self.training.before(home, cell):
                return self.typed(cell)
            return self.known[self.meant(cell)]

        return self.flow.lookup(self.graph, pattern, home, single)
