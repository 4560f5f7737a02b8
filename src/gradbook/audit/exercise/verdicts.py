"""What each cell of an exercise is: right, wrong by itself, or right but for what it is made of.

Formulas are tried with numbers that the network itself computes for every value of every epoch.
Each epoch has weights of its own, drawn at random, so that a value of another epoch is another
number. The last point of all is the exercise's own: its start weights, inputs and targets.

A formula is a function of the exercise's values; helper cells are followed to those. Formulas that
say the same of the same values, seen from their epoch and sample, are computed once.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from gradbook.audit.budget import spend
from gradbook.audit.exercise.places import Place, Places
from gradbook.audit.findings import CARRIED, PASTED, RIGHT, TO_FILL_IN, UNFINISHED, WRONG
from gradbook.audit.formula.address import Address, column_of, sheet_of
from gradbook.audit.formula.expression import references
from gradbook.audit.formula.meaning import LeadsBack, NotUnderstood
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.step.points import POINTS, Numbers, agree
from gradbook.audit.step.step_graph import StepGraph
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.graph.node import Array, Node, ancestors
from gradbook.language.message import words_of
from gradbook.targets.excel.language import Expression

if TYPE_CHECKING:
    from gradbook.targets.excel.plan.book import Solution


# Numbers to try formulas with -------------------------------------------------

MOST_EPOCHS = 251  # different ones: what is so far away is hardly mistaken for the same
ALL = POINTS + 1  # points


class StepNumbers:
    """Values as arrays: sample by sample where there is one of each, epochs, points."""

    def __init__(self, solution: Solution, epochs: int) -> None:
        self.solution, self.step = solution, solution.step
        step = self.step
        self.turns = min(epochs, MOST_EPOCHS)
        self.leaves = {step.rate: self._shared(step.rate, step.net.learning_rate)}
        for leaf in step.inputs:
            self.leaves[leaf] = self._drawn_samples(leaf)
        self.leaves.update(self._targets())
        weights = set(step.weights)
        for leaf, start in step.start.items():
            drawn = _draw(leaf).normal(0, 1.1, (self.turns, ALL))
            drawn = drawn if leaf in weights else np.abs(drawn) + 0.2
            drawn[:, -1] = start
            self.leaves[leaf] = drawn
        self.values: dict[Node, Array] = {}

    # One value ------------------------------------------------------------------

    def of(self, node: Node, epoch: int, sample: int = 0) -> Array:
        """A value's numbers in one epoch, for one sample."""
        array, turn = self.array(node), epoch % self.turns
        found: Array = array[sample, turn] if node.each else array[turn]
        return found

    def target(self, node: Node, epoch: int, sample: int = 0) -> Array:
        """The same of a value that a table holds: a weight is what the epoch before has made."""
        following = self.step.next.get(node)
        if following is None or epoch == 0:
            return self.of(node, epoch, sample)
        return self.of(following, epoch - 1, sample)

    def array(self, node: Node) -> Array:
        """All of a value's numbers."""
        with np.errstate(all="ignore"):
            for part in ancestors([node], self.values):
                if part not in self.values:
                    self.values[part] = self._value(part)
        return self.values[node]

    def _value(self, node: Node) -> Array:
        samples = (self.step.samples,) if node.each else ()
        shape = (*samples, self.turns, ALL)
        spend(int(np.prod(shape)))
        if node.op.name == "leaf":
            value = self.leaves.get(node)
            value = _draw(node).uniform(0.15, 0.95, shape) if value is None else value
        else:
            inputs = (self.values[source] for source in node.inputs)
            value = np.asarray(node.op.value(*inputs, *node.attributes), dtype=float)
        return np.broadcast_to(value, shape)

    # Leaves ---------------------------------------------------------------------

    def _shared(self, leaf: Node, own: float) -> Array:
        """The same in every epoch."""
        drawn = _draw(leaf).uniform(0.15, 0.95, ALL)
        drawn[-1] = own
        return np.broadcast_to(drawn, (self.turns, ALL))

    def _drawn_samples(self, leaf: Node) -> Array:
        samples = self.step.samples
        drawn = _draw(leaf).uniform(0.15, 0.95, (samples, 1, ALL))
        return self._with_own(leaf, drawn)

    def _with_own(self, leaf: Node, drawn: Array) -> Array:
        """Samples, 1, points; the last point is the exercise's own."""
        drawn[..., -1] = np.reshape(self.step.data[leaf], (-1, 1))
        return drawn if leaf.each else drawn[0]

    def _targets(self) -> dict[Node, Array]:
        """Of the kind that the exercise has: one of several classes, yes or no, shares, numbers."""
        step = self.step
        own = np.stack([np.reshape(step.data[leaf], -1) for leaf in step.targets], axis=-1)
        draw = np.random.default_rng(len(step.targets))
        drawn = draw.uniform(0.15, 0.95, (ALL, step.samples, len(step.targets)))
        in_all = bool(np.allclose(own.sum(axis=-1), 1)) and len(step.targets) > 1
        if np.isin(own, (0, 1)).all():
            picked = drawn == drawn.max(axis=-1, keepdims=True) if in_all else drawn > 0.5
            drawn = picked.astype(float)
        elif in_all:
            drawn = drawn / drawn.sum(axis=-1, keepdims=True)
        return {
            leaf: self._with_own(leaf, np.moveaxis(drawn[..., k], 0, -1)[:, None, :].copy())
            for k, leaf in enumerate(step.targets)
        }


def _draw(leaf: Node) -> np.random.Generator:
    """Always the same for a value of that name."""
    return np.random.default_rng(zlib.crc32(str(leaf.name).encode()))


# What the formulas come to ----------------------------------------------------

Signature = tuple[object, ...]
UNKNOWN_YET = -1


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
        return self.flow.mentioned_cells(mentions, home)


class OwnFormulas:
    """The formulas of a book; `followed` are the cells that are taken as the student has them, and
    `taken` cells that nobody asked for, whose right values are known all the same."""

    def __init__(
        self,
        book: Book,
        flow: Flow,
        places: Places,
        numbers: StepNumbers,
        followed: Collection[Address] = (),
        taken: Mapping[Address, Place] = MappingProxyType({}),
    ) -> None:
        self.book, self.flow, self.places, self.numbers = book, flow, places, numbers
        self.followed = set(followed)
        self.taken = taken
        every = places.cells.keys() | places.given_cells.keys() | taken.keys()
        self.known = every - self.followed
        told = set(_telling_sheets(book, numbers.solution.telling))
        self.telling = {cell for cell in book.patterns if sheet_of(cell) in told} - self.known
        values = {cell: v for cell, v in book.values.items() if cell not in self.known}
        varying = set(book.patterns) - self.telling
        self.step = _Step(replace(book, values=values), flow, varying, self.known)
        self.graph = StepGraph(self.step, {})
        self.points = Numbers(self.leaf, self.graph.leaf_cells)
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
        place = self.place(cell)
        if place is None or cell not in self.known or place.epoch != home.epoch:
            return self.leaf(cell)
        is_made = place.node in self.numbers.solution.memory and place.node is not home.node
        made = self.numbers.target(place.node, place.epoch, place.sample)
        return made if is_made else self.leaf(cell)

    def place(self, cell: Address) -> Place | None:
        return self.places.of(cell) or self.taken.get(cell)

    def leaf(self, cell: Address) -> Array:
        place, value = self.place(cell), self.book.values.get(cell)
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
            if self._signatures.get((last, *seen_from), UNKNOWN_YET) != UNKNOWN_YET:
                waiting.pop()
                continue
            sources = self.flow.sources(last)
            helpers = [s for s in sources if self.is_own(s)]
            missing = [s for s in helpers if (s, *seen_from) not in self._signatures]
            self._signatures[last, *seen_from] = UNKNOWN_YET  # until it is known
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

    def is_own(self, cell: Address) -> bool:
        """Whether a cell's own formula counts."""
        here = cell in self.book.patterns and cell not in self.telling
        return here and not (cell in self.known and self.place(cell) is not None)

    def _unplaced(self, cell: Address) -> Iterator[str]:
        """What a formula mentions besides cells."""
        for word, mention in self.book.patterns[cell].mentions.items():
            if not hasattr(mention, "moves"):
                yield word

    def _seen(self, cell: Address, home: Place, seen_from: tuple[int, int]) -> Signature:
        place = self.place(cell)
        if place is not None and cell in self.known:
            step, node = self.numbers.step, place.node
            always = node in (step.rate, *step.inputs, *step.targets)
            epoch = None if always else place.epoch - home.epoch
            away = place.sample - home.sample if home.node.each else place.sample
            return (node.index, epoch, away if node.each else None)
        if self.is_own(cell):
            return (self._signatures[cell, *seen_from],)
        return ("cell", self.book.values.get(cell), cell if cell in self.telling else None)

    def mentioned_values(self, cell: Address) -> set[Place]:
        """The exercise's values that a formula is made of, by way of helper cells too."""
        found: set[Place] = set()
        seen, waiting = {cell}, [cell]
        while waiting:
            for source in self.flow.sources(waiting.pop()):
                place = self.place(source)
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


def _telling_sheets(book: Book, titles: Collection[str]) -> Iterator[int]:
    """The sheets that measure what is asked for: whoever takes it from there derives nothing."""
    for cell, value in book.values.items():
        if isinstance(value, str) and value in titles:
            yield sheet_of(cell)


# Verdicts ---------------------------------------------------------------------

CIRCLE = "circle"
NAN = np.full(ALL, np.nan)


@dataclass(frozen=True)
class OwnExercise:
    """An exercise of ours, as it was given."""

    solution: Solution
    questions: Mapping[Node, str]  # the values to be filled in, each with its kind
    rate: float | None  # that it gave


@dataclass(frozen=True)
class CellVerdict:
    """What one cell is. Cells that say the same share it, with the numbers of one of them."""

    state: str
    value: Array = field(default_factory=lambda: NAN)  # the others being right
    right_value: Array = field(default_factory=lambda: NAN)
    group: Signature = ()  # cells of a column that are wrong in the same way
    made_of: frozenset[Address] = frozenset()  # wrong cells of the student's that are in it
    problem: str = ""  # why it can't be read
    mentioned_nodes: frozenset[Node] = frozenset()  # the exercise's values that it is made of


@dataclass(frozen=True, eq=False)
class ReturnedExercise:
    """An exercise as it came back, with numbers to try its formulas."""

    book: Book
    flow: Flow
    own: OwnExercise
    places: Places
    meant: Callable[[OwnFormulas, Mapping[Address, Place]], Mapping[Address, Place]]

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
            if node in self.own.questions
        }

    @cached_property
    def formulas(self) -> OwnFormulas:
        """The formulas with all else as it should be."""
        plain = OwnFormulas(self.book, self.flow, self.places, self.numbers)
        own = self.own_places(plain)
        taken = OwnFormulas(self.book, self.flow, self.places, self.numbers, taken=own)
        return taken if own else plain

    def own_places(self, plain: OwnFormulas) -> Mapping[Address, Place]:
        """Of cells that nobody asked for what they should hold, as far as that is known."""
        wrong: dict[Address, Place] = {}
        for node, cells in self.columns.items():
            known: dict[object, CellVerdict] = {}
            for cell in cells if node not in self.own.solution.step.next else ():
                has_own = any(map(plain.is_own, self.flow.sources(cell)))
                if has_own and self.judge_alone(cell, known, plain).state == WRONG:
                    wrong[cell] = self.places.cells[cell]
        return self.meant(plain, wrong) if wrong else {}

    @cached_property
    def carried_formulas(self) -> OwnFormulas:
        """The formulas with the student's other cells as they are; weights always are given."""
        step = self.own.solution.step
        some = (cells for node, cells in self.columns.items() if node not in step.next)
        cells = {cell for column in some for cell in column}
        cells |= self.formulas.taken.keys()
        return OwnFormulas(
            self.book, self.flow, self.places, self.numbers, cells, self.formulas.taken
        )

    def right_value(self, place: Place) -> Array:
        return self.numbers.target(place.node, place.epoch, place.sample)

    @cached_property
    def _own_nodes(self) -> set[Node]:
        """What is asked for and no weight, and what students have besides, so that other columns
        may be made of it."""
        more = {place.node for place in self.formulas.taken.values()}
        return (self.columns.keys() - self.own.solution.step.next.keys()) | more

    def place(self, cell: Address) -> Place:
        return self.places.cells.get(cell) or self.formulas.taken[cell]

    @cached_property
    def own_columns(self) -> list[tuple[Node, list[Address]]]:
        """The columns that nobody asked for of which it is known what they should be."""
        found: defaultdict[tuple[Node, int, int], list[Address]] = defaultdict(list)
        for cell, place in sorted(self.formulas.taken.items()):
            found[place.node, sheet_of(cell), column_of(cell)].append(cell)
        return [(node, cells) for (node, _, _), cells in found.items()]

    # Verdicts ----------------------------------------------------------------------

    @cached_property
    def verdicts(self) -> Mapping[Address, CellVerdict]:
        """What each cell is that is to be filled in."""
        own = (cells for _, cells in self.own_columns)
        columns = chain(self.columns.values(), own)
        alone = {cell: v for cells in columns for cell, v in self._alone(cells)}
        if all(self._own_nodes.isdisjoint(verdict.mentioned_nodes) for verdict in alone.values()):
            return alone  # nothing is made of what else is asked for
        bad = {cell for cell, verdict in alone.items() if verdict.state != RIGHT}
        known: dict[object, CellVerdict] = {}
        return {cell: self._followed(cell, v, bad, known) for cell, v in alone.items()}

    def _alone(self, cells: list[Address]) -> list[tuple[Address, CellVerdict]]:
        """Judge a column's cells with all others right."""
        known: dict[object, CellVerdict] = {}
        return [(cell, self.judge_alone(cell, known)) for cell in cells]

    def judge_alone(
        self,
        cell: Address,
        known: dict[object, CellVerdict],
        formulas: OwnFormulas | None = None,
    ) -> CellVerdict:
        """Judge a cell with all others right; cells that say the same are judged once."""
        formulas = formulas or self.formulas
        if self.book.is_blank(cell):
            return CellVerdict(TO_FILL_IN)
        if cell not in self.book.patterns:
            return CellVerdict(PASTED)
        place = self.places.cells.get(cell) or formulas.taken[cell]
        key = place.node, place.epoch == 0, formulas.signature(cell, place)
        if key not in known:
            known[key] = self._judged(cell, place, formulas)
        return known[key]

    def _judged(self, cell: Address, place: Place, formulas: OwnFormulas) -> CellVerdict:
        pattern = self.book.patterns[cell]
        nodes = frozenset(p.node for p in formulas.mentioned_values(cell))
        # which formula it is, whatever the epochs that it takes its values from
        group = (pattern.form and id(pattern.form), *sorted(node.index for node in nodes))
        try:
            value = formulas.value(cell)
        except NotUnderstood as error:
            if any(map(self.book.is_text, self.flow.sources(cell))):
                return CellVerdict(WRONG, group=group, mentioned_nodes=nodes)
            return CellVerdict(
                UNFINISHED, group=group, problem=words_of(error), mentioned_nodes=nodes
            )
        wanted = self.right_value(place)
        state = RIGHT if agree(value, wanted) else WRONG
        return CellVerdict(state, value, wanted, group, mentioned_nodes=nodes)

    def _followed(
        self,
        cell: Address,
        alone: CellVerdict,
        bad: set[Address],
        known: dict[object, CellVerdict],
    ) -> CellVerdict:
        """Judge a cell again, with the student's other cells as they are."""
        if alone.state not in (RIGHT, WRONG):
            return alone
        place = self.place(cell)
        key = (
            place.node,
            place.epoch == 0,
            self.carried_formulas.signature(cell, place),
            alone.state,
        )
        if key not in known:
            known[key] = self._through(cell, place, alone)
        found = known[key]
        if found.state != CARRIED:
            return found
        return replace(found, made_of=frozenset(self.carried_formulas.followed_from(cell) & bad))

    def _through(self, cell: Address, place: Place, alone: CellVerdict) -> CellVerdict:
        try:
            is_right = agree(self.carried_formulas.value(cell), self.right_value(place))
        except LeadsBack:
            return replace(alone, state=CIRCLE)
        except NotUnderstood:
            is_right = False
        if is_right:  # also by another way than the columns were meant
            return replace(alone, state=RIGHT)
        return replace(alone, state=CARRIED) if alone.state == RIGHT else alone
