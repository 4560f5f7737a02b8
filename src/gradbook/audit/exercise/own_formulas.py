"""What a student's formulas come to, with all else of the exercise right or as the student has it.

A formula is a function of the exercise's values; helper cells are followed to those. Formulas that
say the same of the same values, seen from their epoch and sample, are computed once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from gradbook.audit.budget import spend
from gradbook.audit.exercise.places import Place, Places
from gradbook.audit.exercise.step_numbers import ALL, StepNumbers
from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.formula.expression import references
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.judge.numbers import Numbers
from gradbook.audit.training.steps import StepGraph
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.graph.node import Array
from gradbook.targets.excel.language.grammar import Expression

MEASURED = (  # titles of sheets that tell what is asked for
    "Do the gradients agree with what a nudge measures?",
    "The forward passes behind the check",
)
Signature = tuple[object, ...]
CIRCLE = -1


@dataclass(frozen=True, eq=False)
class _Step:
    """An exercise as a step graph asks for it: what is known is a leaf."""

    book: Book
    flow: Flow
    varying: set[Address]
    weight_cells: Collection[Address]

    def plain(self, cell: Address) -> Address:
        return cell

    def before(self, cell: Address, other: Address) -> bool:
        return False

    def cells_in(
        self, expression: Expression, home: Address, pattern: Pattern | None = None
    ) -> Iterable[Address]:
        pattern = pattern or self.book.patterns[home]
        mentions = (pattern.mentions.get(part.text) for part in references(expression))
        return self.flow.mentioned(mentions, home)


class OwnFormulas:
    """The formulas of a book; `followed` are the cells that are taken as the student has them."""

    def __init__(
        self,
        book: Book,
        flow: Flow,
        places: Places,
        numbers: StepNumbers,
        followed: Collection[Address] = (),
    ) -> None:
        self.book, self.flow, self.places, self.numbers = book, flow, places, numbers
        self.followed = set(followed)
        self.known = (places.cells.keys() | places.given.keys()) - self.followed
        told = set(_telling_sheets(book))
        self.telling = {cell for cell in book.patterns if sheet_of(cell) in told} - self.known
        values = {cell: v for cell, v in book.values.items() if cell not in self.known}
        varying = set(book.patterns) - self.telling
        self.step = _Step(replace(book, values=values), flow, varying, self.known)
        self.graph = StepGraph(self.step, {})
        self.points = Numbers(self._leaf, self.graph.leaf_cells)
        self._signatures: dict[tuple[Address, int, int], int] = {}
        self._numbers: dict[object, int] = {}  # of what formulas say: no tuple holds another

    # What a formula comes to ------------------------------------------------------

    def value(self, cell: Address) -> Array:
        """What a cell's formula comes to."""
        pattern = self.book.patterns[cell]
        if pattern.expression is None:
            raise NotUnderstood(pattern.problem)
        return self.expression(pattern.expression, cell, pattern)

    def expression(self, part: Expression, home: Address, pattern: Pattern) -> Array:
        """What an expression comes to in some cell."""
        node = self.graph.expression(part, home, pattern)
        place = self.places.of(home)
        if place is not None and place.node in self.numbers.step.next:
            points = Numbers(partial(self._leaf_of_update, place), self.graph.leaf_cells)
        else:
            points = self.points
        return np.broadcast_to(points.of(node), (ALL,))

    def _leaf_of_update(self, home: Place, cell: Address) -> Array:
        """The same for an update, beside which stands what its step has made of the memory."""
        place = self.places.of(cell)
        if place is None or cell not in self.known or place.epoch != home.epoch:
            return self._leaf(cell)
        is_made = place.node in self.numbers.solution.memory and place.node is not home.node
        made = self.numbers.target(place.node, place.epoch, place.sample)
        return made if is_made else self._leaf(cell)

    def _leaf(self, cell: Address) -> Array:
        place, value = self.places.of(cell), self.book.values.get(cell)
        if place is not None and cell in self.known:
            return self.numbers.of(place.node, place.epoch, place.sample)
        if isinstance(value, float) and cell not in self.telling:
            return np.full(ALL, value)
        return np.random.default_rng(cell).uniform(0.15, 0.95, ALL)

    # Which formulas are the same --------------------------------------------------

    def signature(self, cell: Address, home: Place) -> int:
        """A number for what a cell's formula says of which values, seen from a place: equal where
        it comes to the same function of the step."""
        seen_from = home.epoch, home.sample if home.node.each else -1
        waiting = [cell]
        while waiting:  # no recursion: helper cells may follow each other by the thousand
            last = waiting[-1]
            if self._signatures.get((last, *seen_from), CIRCLE) != CIRCLE:
                waiting.pop()
                continue
            sources = self.flow.sources(last)
            helpers = [s for s in sources if self._is_helper(s)]
            missing = [s for s in helpers if (s, *seen_from) not in self._signatures]
            self._signatures[last, *seen_from] = CIRCLE  # until it is known
            waiting += missing
            if not missing:
                spend(len(sources))
                said = tuple(self._seen(source, home, seen_from) for source in sources)
                form = self.book.patterns[last].form
                whole = form and id(form), tuple(self._unplaced(last)), said
                number = self._numbers.setdefault(whole, len(self._numbers))
                self._signatures[last, *seen_from] = number
                waiting.pop()
        return self._signatures[cell, *seen_from]

    def _is_helper(self, cell: Address) -> bool:
        """Whether a cell's own formula counts."""
        here = cell in self.book.patterns and cell not in self.telling
        return here and not (cell in self.known and self.places.of(cell) is not None)

    def _unplaced(self, cell: Address) -> Iterator[str]:
        """What a formula mentions besides cells."""
        for word, mention in self.book.patterns[cell].mentions.items():
            if not hasattr(mention, "moves"):
                yield word

    def _seen(self, cell: Address, home: Place, seen_from: tuple[int, int]) -> Signature:
        place = self.places.of(cell)
        if place is not None and cell in self.known:
            step, node = self.numbers.step, place.node
            always = node in (step.rate, *step.inputs, *step.targets)
            epoch = None if always else place.epoch - home.epoch
            away = place.sample - home.sample if home.node.each else place.sample
            return (node.index, epoch, away if node.each else None)
        if self._is_helper(cell):
            return (self._signatures[cell, *seen_from],)
        return ("cell", self.book.values.get(cell), cell if cell in self.telling else None)

    def mentioned_values(self, cell: Address) -> set[Place]:
        """The exercise's values that a formula is made of, by way of helper cells too."""
        found: set[Place] = set()
        seen, waiting = {cell}, [cell]
        while waiting:
            for source in self.flow.sources(waiting.pop()):
                place = self.places.of(source)
                if place is not None and source in self.known:
                    found.add(place)
                elif source not in seen:
                    seen.add(source)
                    waiting.append(source)
        return found

    def followed_from(self, cell: Address) -> set[Address]:
        """The cells of the student's own that a formula is made of."""
        behind = self.flow.behind([cell], self.known)
        return (behind & self.followed) - {cell}


def _telling_sheets(book: Book) -> Iterator[int]:
    """The sheets that measure what is asked for: whoever takes it from there derives nothing."""
    for cell, value in book.values.items():
        if isinstance(value, str) and value in MEASURED:
            yield sheet_of(cell)
