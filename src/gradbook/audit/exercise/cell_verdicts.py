"""Whether each cell of an exercise is right, wrong by itself, or wrong only through its inputs.

Formulas are evaluated with numbers that the network itself computes for every value of every epoch.
Each epoch has its own random weights, so that a value of another epoch is another number. The last
point is the exercise's own: its start weights, inputs and targets.

A formula is a function of the exercise's values, with helper cells traced back to them. Formulas
that are the same function, relative to their epoch and sample, are evaluated once.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from gradbook.audit.exercise.places import Place, Places
from gradbook.audit.findings import PASTED, RIGHT, TO_FILL_IN, UNJUDGED, WRONG
from gradbook.audit.formulas.points import POINTS, Numbers, agree
from gradbook.audit.step.step_graph import StepGraph
from gradbook.cells.book import Book
from gradbook.cells.budget import spend, within_budget
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address, sheet_of
from gradbook.cells.formula.formula_values import LeadsBack, NotUnderstood
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.syntax import Expression
from gradbook.errors import GradbookError
from gradbook.graph.chain import gradients
from gradbook.graph.names import Name, gradient_name
from gradbook.graph.node import Array, Node, ancestors
from gradbook.language.message import words_of
from gradbook.net.formulas import Formulas

if TYPE_CHECKING:
    from gradbook.targets.excel.plan.workbook_plan import WorkbookContents


# Numbers to try formulas with -------------------------------------------------

MOST_EPOCHS = 251  # different ones, after which the numbers repeat
ALL = POINTS + 1  # points


class StepNumbers:
    """Values as arrays over samples (if each has its own), epochs and points."""

    def __init__(self, solution: WorkbookContents, epochs: int) -> None:
        self.solution, self.step = solution, solution.step
        self.turns = min(epochs, MOST_EPOCHS)
        self.values: dict[Node, Array] = {}

    def of(self, place: Place) -> Array:
        """A value's numbers in one epoch, for one sample."""
        array, turn = self.array(place.node), place.epoch % self.turns
        found: Array = array[place.sample, turn] if place.node.each else array[turn]
        return found

    def target(self, place: Place) -> Array:
        """The numbers of a table's value: a weight is the result of the previous epoch."""
        following = self.step.next.get(place.node)
        if following is None or place.epoch == 0:
            return self.of(place)
        return self.of(Place(following, place.epoch - 1, place.sample))

    def array(self, node: Node) -> Array:
        """All numbers of a value."""
        with np.errstate(all="ignore"):
            for part in ancestors([node], self.values):
                if part not in self.values:
                    self.values[part] = self._value(part)
        return self.values[node]

    def _value(self, node: Node) -> Array:
        shape = (*((self.step.samples,) if node.each else ()), self.turns, ALL)
        spend(int(np.prod(shape)))
        if node.op.name == "leaf":
            return np.broadcast_to(self._drawn(node, shape), shape)
        inputs = (self.values[source] for source in node.inputs)
        value = np.asarray(node.op.value(*inputs, *node.attributes), dtype=float)
        return np.broadcast_to(value, shape)

    def _drawn(self, leaf: Node, shape: tuple[int, ...]) -> Array:
        """A leaf's random numbers, the same for the same name; its own at the last point."""
        step, draw = self.step, np.random.default_rng(zlib.crc32(str(leaf.name).encode()))
        if isinstance(step.source, Formulas) and leaf in step.weights + step.inputs:
            return self._drawn_near(leaf, shape, draw)
        if leaf in step.start:
            drawn = draw.normal(0, 1.1, shape)
            drawn = drawn if leaf in step.weights else np.abs(drawn) + 0.2
            drawn[..., -1] = step.start[leaf]
        elif leaf is step.rate:
            drawn = draw.uniform(0.15, 0.95, ALL)
            drawn[-1] = step.source.learning_rate
        elif leaf in step.inputs or leaf in step.targets:  # the same in every epoch
            drawn = draw.uniform(0.15, 0.95, (*shape[:-2], 1, ALL))
            drawn = self._targets.get(leaf, drawn)
            drawn[..., -1] = np.reshape(step.data[leaf], drawn.shape[:-1])
        else:
            drawn = draw.uniform(0.15, 0.95, shape)
        return drawn

    def _drawn_near(self, leaf: Node, shape: tuple[int, ...], draw: np.random.Generator) -> Array:
        """From half to one and a half of a formula's number, since its sign and size matter."""
        own = self.step.start.get(leaf)
        if own is None:  # the same in every epoch
            shape = (*shape[:-2], 1, ALL)
            own = np.reshape(self.step.data[leaf], (*shape[:-1], 1))
        drawn = np.where(own == 0, draw.normal(0, 1.1, shape), own * draw.uniform(0.5, 1.5, shape))
        drawn[..., -1:] = own
        return drawn

    @cached_property
    def _targets(self) -> dict[Node, Array]:
        """Random targets like the exercise's: one of several, yes or no, shares, numbers."""
        step = self.step
        if not step.targets:
            return {}
        own = np.stack([np.reshape(step.data[leaf], -1) for leaf in step.targets], axis=-1)
        draw = np.random.default_rng(len(step.targets))
        drawn = draw.uniform(0.15, 0.95, (ALL, step.samples, len(step.targets)))
        in_all = bool(np.allclose(own.sum(axis=-1), 1)) and len(step.targets) > 1
        if np.isin(own, (0, 1)).all():
            picked = drawn == drawn.max(axis=-1, keepdims=True) if in_all else drawn > 0.5
            drawn = picked.astype(float)
        elif in_all:
            drawn = drawn / drawn.sum(axis=-1, keepdims=True)
        by_leaf = {
            leaf: np.moveaxis(drawn[..., k], 0, -1)[:, None, :].copy()
            for k, leaf in enumerate(step.targets)
        }
        return {leaf: found if leaf.each else found[0] for leaf, found in by_leaf.items()}


# The results of formulas ------------------------------------------------------

CIRCLE = "circle"
UNKNOWN_YET = -1
NAN = np.full(ALL, np.nan)


@dataclass(frozen=True)
class CellVerdict:
    """The verdict on a cell. Equivalent cells share it, with the numbers of one of them."""

    state: str
    value: Array = field(default_factory=lambda: NAN)
    right_value: Array = field(default_factory=lambda: NAN)
    group: tuple[object, ...] = ()  # equal for cells of a column that are wrong in the same way
    made_of: frozenset[Address] = frozenset()  # the student's wrong cells that it uses
    problem: str = ""  # why it can't be read


@dataclass(frozen=True, eq=False)
class _Step:
    """An exercise in the form that a step graph needs: known values are leaves."""

    book: Book
    flow: Flow
    varying: set[Address]
    weight_cells: Collection[Address]

    def plain(self, cell: Address) -> Address:
        return cell

    def before(self, cell: Address, other: Address) -> bool:
        return False


class OwnFormulas:
    """The formulas of a book; the cells `followed` keep the student's values, and `taken` are the
    student's own cells with known right values."""

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
        self.followed, self.taken = set(followed), taken
        every = {**taken, **places.given_cells, **places.cells}
        self.known = {c: place for c, place in every.items() if c not in self.followed}
        titles = numbers.solution.telling  # a cell that uses these derives nothing
        told = {sheet_of(cell) for cell, v in book.values.items() if v in titles}
        self.telling = {c for c in book.patterns if sheet_of(c) in told} - self.known.keys()
        values = {cell: v for cell, v in book.values.items() if cell not in self.known}
        varying = set(book.patterns) - self.telling
        step = _Step(replace(book, values=values), flow, varying, self.known)
        self.graph = StepGraph(step, {})
        self.points = Numbers(self.leaf, self.graph.leaf_cells)
        self._signatures: dict[tuple[Address, int, int], int] = {}
        self._numbers: dict[object, int] = {}  # numbers stand for tuples, so that none is nested
        self._verdicts: dict[object, CellVerdict] = {}

    def with_taken(
        self, taken: Mapping[Address, Place], followed: Collection[Address] = ()
    ) -> OwnFormulas:
        return OwnFormulas(self.book, self.flow, self.places, self.numbers, followed, taken)

    def place(self, cell: Address) -> Place:
        """The value that belongs in a cell."""
        return self.places.cells.get(cell) or self.taken[cell]

    # Evaluation --------------------------------------------------------------------

    def value(self, cell: Address) -> Array:
        """The value of a cell's formula."""
        pattern = self.book.patterns[cell]
        if pattern.expression is None:
            raise NotUnderstood(pattern.problem)
        return self.expression(pattern.expression, cell, pattern)

    def expression(self, part: Expression, home: Address, pattern: Pattern) -> Array:
        """The value of an expression in a cell."""
        node, points = self.graph.expression(part, home, pattern), self.points
        place = self.places.cells.get(home)
        if place is not None and place.node in self.numbers.step.next:
            points = Numbers(partial(self.leaf, beside=place), self.graph.leaf_cells)
        return np.broadcast_to(points.of(node), (ALL,))

    def leaf(self, cell: Address, beside: Place | None = None) -> Array:
        """The numbers of a cell; in an update's row, a memory is the result of the same step."""
        place, value = self.known.get(cell), self.book.values.get(cell)
        if place is not None:
            is_in_row = beside is not None and place.epoch == beside.epoch
            is_memory = place.node in self.numbers.solution.memory
            is_made = is_in_row and is_memory and beside and place.node is not beside.node
            return self.numbers.target(place) if is_made else self.numbers.of(place)
        if isinstance(value, float) and cell not in self.telling:
            return np.full(ALL, value)
        return np.random.default_rng(cell).uniform(0.15, 0.95, ALL)

    def behind(self, cell: Address) -> set[Address]:
        """The cells behind a formula, back to the exercise's values."""
        return self.flow.behind([cell], self.known)

    def is_own(self, cell: Address) -> bool:
        """Whether a cell is a helper, whose formula is evaluated."""
        return cell in self.book.patterns and cell not in self.telling and cell not in self.known

    # Equivalent formulas ------------------------------------------------------------

    def _signature(self, cell: Address, home: Place) -> int:
        """A number for a cell's formula and its values, relative to a place: equal if the formula
        is the same function of the step."""
        known, seen_from = self._signatures, (home.epoch, home.sample if home.node.each else -1)
        waiting = [cell]
        while waiting:  # no recursion: a chain may have thousands of helper cells
            key, sources = (waiting[-1], *seen_from), self.flow.sources(waiting[-1])
            is_new = known.setdefault(key, UNKNOWN_YET) == UNKNOWN_YET  # before itself is asked for
            helpers = [s for s in filter(self.is_own, sources) if (s, *seen_from) not in known]
            if helpers and is_new:
                waiting += helpers
                continue
            pattern = self.book.patterns[waiting.pop()]
            if known.get(key, UNKNOWN_YET) == UNKNOWN_YET:
                spend(len(sources))
                names = tuple(w for w, m in pattern.mentions.items() if not hasattr(m, "moves"))
                said = tuple(self._seen(source, home, seen_from) for source in sources)
                whole = pattern.form and id(pattern.form), names, said
                known[key] = self._numbers.setdefault(whole, len(self._numbers))
        return known[cell, *seen_from]

    def _seen(self, cell: Address, home: Place, seen_from: tuple[int, int]) -> tuple[object, ...]:
        place = self.known.get(cell)
        if place is not None:
            step, node = self.numbers.step, place.node
            always = node in (step.rate, *step.inputs, *step.targets)
            epoch = None if always else place.epoch - home.epoch
            away = place.sample - home.sample if home.node.each else place.sample
            return (node.index, epoch, away if node.each else None)
        if self.is_own(cell):
            return (self._signatures[cell, *seen_from],)
        return ("cell", self.book.values.get(cell), cell if cell in self.telling else None)

    # Verdicts ----------------------------------------------------------------------

    def verdict(self, cell: Address) -> CellVerdict:
        """Judge a cell with all known cells right; equivalent cells are judged once."""
        if self.book.is_blank(cell):
            return CellVerdict(TO_FILL_IN)
        if cell not in self.book.patterns:
            return CellVerdict(PASTED)
        place = self.place(cell)
        key = place.node, place.epoch == 0, self._signature(cell, place)
        if key not in self._verdicts:
            self._verdicts[key] = self._judged(cell, place)
        return self._verdicts[key]

    def _judged(self, cell: Address, place: Place) -> CellVerdict:
        form = self.book.patterns[cell].form
        nodes = {self.known[c].node.index for c in self.behind(cell) if c in self.known}
        # the formula and its values, in whatever epoch
        group = (form and id(form), *sorted(nodes))
        try:
            value = self.value(cell)
        except NotUnderstood as error:
            if isinstance(error, LeadsBack) and self.followed:
                return CellVerdict(CIRCLE)
            if any(map(self.book.is_text, self.flow.sources(cell))):
                return CellVerdict(WRONG, group=group)
            return CellVerdict(UNJUDGED, group=group, problem=words_of(error))
        wanted = self.numbers.target(place)
        return CellVerdict(RIGHT if agree(value, wanted) else WRONG, value, wanted, group)


# The student's own columns, which weren't asked for ---------------------------
#
# Such a column is recognised by its users: if two wrong columns become right once it contains the
# derivative of the loss by h1, that is what it should contain, and it alone is wrong.

ENOUGH_COLUMNS = 2  # columns that must become right
MOST_CELLS = 4_000  # cells to look at
DIGITS = 6  # in the keys of values
Cells = tuple[Address, ...]  # own cells: one, or one per sample


def find_meant(plain: OwnFormulas, wrong: Mapping[Address, Place]) -> dict[Address, Place]:
    """The right value of each own cell that several columns use, if these wrong cells determine
    it."""
    found: dict[Address, Place] = {}
    known: dict[object, Node | None] = {}
    patterns, waiting = plain.book.patterns, dict(wrong)
    while waiting:
        new: dict[Address, Place] = {}
        for cells, using in _users(plain, waiting).items():
            if not found.keys().isdisjoint(cells):
                continue
            users = frozenset((p.node.index, id(patterns[cell])) for cell, p in using.items())
            key = id(patterns[cells[0]]), len(cells), users
            if key not in known:
                known[key] = within_budget(partial(_node, plain, cells, using, found))
            node = known[key]
            if node is not None:
                new |= _places(cells, replace(next(iter(using.values())), node=node))
        found |= new
        waiting = new
    return found


def _places(cells: Cells, like: Place) -> dict[Address, Place]:
    """The values of own cells, in one sample or in each."""
    samples = range(len(cells)) if len(cells) > 1 else [like.sample]
    return {c: replace(like, sample=sample) for c, sample in zip(cells, samples, strict=True)}


def _users(
    plain: OwnFormulas, waiting: Mapping[Address, Place]
) -> dict[Cells, dict[Address, Place]]:
    """Own cells, grouped over a step's samples, with the cells that use them."""
    users: defaultdict[Cells, dict[Address, Place]] = defaultdict(dict)
    for cell, place in waiting.items():
        alike: defaultdict[Pattern, list[Address]] = defaultdict(list)
        for source in filter(plain.is_own, dict.fromkeys(plain.flow.sources(cell))):
            alike[plain.book.patterns[source]].append(source)
        for cells in alike.values():
            if len(cells) in (1, plain.places.samples):
                users[tuple(sorted(cells))][cell] = place
    return users


def _node(
    plain: OwnFormulas, cells: Cells, using: Mapping[Address, Place], found: Mapping[Address, Place]
) -> Node | None:
    """The value that some own cells should have: the one that makes enough of their users
    right."""
    if len({place.node for place in using.values()}) < ENOUGH_COLUMNS:
        return None
    like = next(iter(using.values()))
    opened = plain.with_taken({**found, **dict.fromkeys(cells, like)})
    for node in _candidates(plain.numbers):
        right = {
            place.node
            for cell, place in using.items()
            if _is_right(opened, cell, place, _places(cells, replace(place, node=node)))
        }
        if len(right) >= ENOUGH_COLUMNS:
            return node
    return None


def _is_right(
    opened: OwnFormulas, cell: Address, place: Place, there: Mapping[Address, Place]
) -> bool:
    """Whether a cell is right with these values in own cells."""
    numbers, pattern = opened.numbers, opened.book.patterns[cell]

    def leaf(source: Address) -> Array:
        return numbers.of(there[source]) if source in there else opened.leaf(source)

    try:
        if pattern.expression is None:
            return False
        made = opened.graph.expression(pattern.expression, cell, pattern)
        value = Numbers(leaf, opened.graph.leaf_cells).of(made)
    except NotUnderstood:
        return False
    return agree(value, numbers.target(place))


def _candidates(numbers: StepNumbers) -> Iterator[Node]:
    """Values that people put into their own columns: derivatives, with either sign, and values of
    the forward pass."""
    loss, forward = numbers.step.loss, numbers.solution.forward
    slopes, names = gradients(loss, forward), loss.graph.names
    for value in forward:
        names.setdefault(slopes[value], gradient_name(value.name))
    turned = [-slopes[value] for value in forward]
    for value, minus in zip(forward, turned, strict=True):
        names.setdefault(minus, Name(f"−{slopes[value].name}"))
    yield from (slopes[value] for value in forward)
    yield from turned
    for made in numbers.solution.activations:
        for source in made.inputs:
            slope = gradients(made, [source], {source})[source]
            if source.name is not None and slope.name is not None:
                yield slope
    yield from forward


def right_elsewhere(formulas: OwnFormulas, blank: Iterable[Address]) -> dict[Address, Address]:
    """Blank cells, each with an own cell of the student that has its right formula."""
    wanted: defaultdict[str, list[tuple[Address, Array]]] = defaultdict(list)
    for cell in blank:
        target = formulas.numbers.target(formulas.place(cell))
        wanted[_about(target)].append((cell, target))
    found: dict[Address, Address] = {}
    every = filter(formulas.is_own, sorted(formulas.book.patterns))
    for own in islice(every, MOST_CELLS) if wanted else ():
        try:
            value = formulas.value(own)
        except (GradbookError, NotUnderstood):
            continue
        for cell, target in wanted.get(_about(value), ()):
            if cell not in found and agree(value, target):
                found[cell] = own
    return found


def _about(value: Array) -> str:
    return f"{value[0]:.{DIGITS}g}"
