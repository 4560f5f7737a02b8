"""What each cell of an exercise is: right, wrong by itself, or right but for what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gradbook.audit.exercise.own_formulas import OwnFormulas, Signature
from gradbook.audit.exercise.places import Place, Places
from gradbook.audit.exercise.step_numbers import ALL, StepNumbers
from gradbook.audit.findings import CARRIED, PASTED, RIGHT, TO_FILL_IN, UNFINISHED, WRONG
from gradbook.audit.formula.address import Address
from gradbook.audit.formula.meaning import LeadsBack, NotUnderstood
from gradbook.audit.judge.numbers import agree
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.graph.node import Array, Node

if TYPE_CHECKING:
    from gradbook.targets.excel.plan.book import Solution

CIRCLE = "circle"
NAN = np.full(ALL, np.nan)


@dataclass(frozen=True)
class OwnExercise:
    """An exercise of ours, as it was given."""

    solution: Solution
    asked: Mapping[Node, str]  # the values to be filled in, each with its kind
    rate: float | None  # that it gave


@dataclass(frozen=True)
class CellVerdict:
    """What one cell is. Cells that say the same share it, with the numbers of one of them."""

    state: str
    value: Array = field(default_factory=lambda: NAN)  # the others being right
    wanted: Array = field(default_factory=lambda: NAN)
    group: Signature = ()  # cells of a column that are wrong in the same way
    made_of: frozenset[Address] = frozenset()  # wrong cells of the student's that are in it
    problem: str = ""  # why it can't be read
    mentioned: frozenset[Node] = frozenset()  # the exercise's values that it is made of


@dataclass(frozen=True, eq=False)
class ReturnedExercise:
    """An exercise as it came back, with numbers to try its formulas."""

    book: Book
    flow: Flow
    own: OwnExercise
    places: Places

    @cached_property
    def numbers(self) -> StepNumbers:
        return StepNumbers(self.own.solution, self.places.epochs)

    @cached_property
    def columns(self) -> dict[Node, list[Address]]:
        """What is asked for, and where; a weight's first cell is given."""
        later = self.own.solution.step.next
        return {
            node: [
                c for c in self.places.over(node) if self.places.cells[c].epoch or node not in later
            ]
            for node in self.places.columns
            if node in self.own.asked
        }

    @cached_property
    def formulas(self) -> OwnFormulas:
        """The formulas with all else as it should be."""
        return OwnFormulas(self.book, self.flow, self.places, self.numbers)

    @cached_property
    def followed(self) -> OwnFormulas:
        """The formulas with the student's other cells as they are; weights always are given."""
        step = self.own.solution.step
        some = (cells for node, cells in self.columns.items() if node not in step.next)
        cells = {cell for column in some for cell in column}
        return OwnFormulas(self.book, self.flow, self.places, self.numbers, cells)

    def wanted(self, place: Place) -> Array:
        return self.numbers.target(place.node, place.epoch, place.sample)

    @cached_property
    def _own_nodes(self) -> set[Node]:
        """What is asked for and no weight, so that other columns may be made of it."""
        return self.columns.keys() - self.own.solution.step.next.keys()

    # Verdicts ----------------------------------------------------------------------

    @cached_property
    def verdicts(self) -> Mapping[Address, CellVerdict]:
        """What each cell is that is to be filled in."""
        alone = {cell: v for cells in self.columns.values() for cell, v in self._alone(cells)}
        if all(self._own_nodes.isdisjoint(verdict.mentioned) for verdict in alone.values()):
            return alone  # nothing is made of what else is asked for
        bad = {cell for cell, verdict in alone.items() if verdict.state != RIGHT}
        known: dict[object, CellVerdict] = {}
        return {cell: self._followed(cell, v, bad, known) for cell, v in alone.items()}

    def _alone(self, cells: list[Address]) -> list[tuple[Address, CellVerdict]]:
        """A column's cells, all others being right."""
        known: dict[object, CellVerdict] = {}
        return [(cell, self.judged(cell, known)) for cell in cells]

    def judged(self, cell: Address, known: dict[object, CellVerdict]) -> CellVerdict:
        """What a cell is by itself; what says the same as another is judged with it."""
        if self.book.is_blank(cell):
            return CellVerdict(TO_FILL_IN)
        if cell not in self.book.patterns:
            return CellVerdict(PASTED)
        place = self.places.cells[cell]
        key = place.node, place.epoch == 0, self.formulas.signature(cell, place)
        if key not in known:
            known[key] = self._judged(cell, place)
        return known[key]

    def _judged(self, cell: Address, place: Place) -> CellVerdict:
        pattern = self.book.patterns[cell]
        nodes = frozenset(p.node for p in self.formulas.mentioned_values(cell))
        # which formula it is, whatever the epochs that it takes its values from
        group = (pattern.form and id(pattern.form), *sorted(node.index for node in nodes))
        try:
            value = self.formulas.value(cell)
        except NotUnderstood as error:
            return CellVerdict(UNFINISHED, group=group, problem=str(error), mentioned=nodes)
        wanted = self.wanted(place)
        state = RIGHT if agree(value, wanted) else WRONG
        return CellVerdict(state, value, wanted, group, mentioned=nodes)

    def _followed(
        self,
        cell: Address,
        alone: CellVerdict,
        bad: set[Address],
        known: dict[object, CellVerdict],
    ) -> CellVerdict:
        """The same, the student's other cells being as they are."""
        if alone.state not in (RIGHT, WRONG):
            return alone
        place = self.places.cells[cell]
        key = place.node, place.epoch == 0, self.followed.signature(cell, place), alone.state
        if key not in known:
            known[key] = self._through(cell, place, alone)
        found = known[key]
        if found.state != CARRIED:
            return found
        return replace(found, made_of=frozenset(self.followed.followed_from(cell) & bad))

    def _through(self, cell: Address, place: Place, alone: CellVerdict) -> CellVerdict:
        try:
            is_right = agree(self.followed.value(cell), self.wanted(place))
        except LeadsBack:
            return replace(alone, state=CIRCLE)
        except NotUnderstood:
            is_right = False
        if is_right:  # also by another way than the columns were meant
            return replace(alone, state=RIGHT)
        return replace(alone, state=CARRIED) if alone.state == RIGHT else alone
