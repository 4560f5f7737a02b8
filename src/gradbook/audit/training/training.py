"""Weights that learn together, what is claimed of them, and what may be asked of their cells."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from gradbook.audit.formula.address import Address, column_of, pack, row_of, sheet_of
from gradbook.audit.formula.factors import factors
from gradbook.audit.formula.once import once
from gradbook.audit.formula.pattern import Area, Pattern, Place, references
from gradbook.audit.training.broken_columns import aligned, companions, joined
from gradbook.audit.training.weight_columns import (
    WeightColumn,
    chains,
    change,
    heading,
    label,
    weight_columns,
)
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.targets.excel.grammar import Expression, Reference


@dataclass(frozen=True)
class Claim:
    """What a sheet says ∂loss/∂w is: an expression in some cell; the update subtracts sign × it."""

    owner: Address
    expression: Expression
    whole: bool  # whether it is all that the owner says
    sign: int  # +1 where the update subtracts the claim
    via: tuple[Address, ...] = ()  # the cells from the update to the one that mentions the owner


@once
def mentioned_texts(expression: Expression) -> list[str]:
    """The references in an expression, in the order they are typed."""
    return [reference.text for reference in references(expression)]


@dataclass
class Training:
    """Weights that learn together."""

    book: Book
    flow: Flow
    weights: list[WeightColumn]
    names: list[str] = field(default_factory=list)
    rate: Address | None = None
    loose: frozenset[Address] = frozenset()  # values that seem to stand where formulas were
    alike: dict[tuple[Address, int, int], tuple[Address, int | None]] = field(
        init=False, default_factory=dict
    )
    """Columns whose cells are of one kind, and what the first of them repeats."""
    right: set[object] = field(init=False, default_factory=set)  # claims, kept by `judge`
    _back: dict[Pattern, tuple[bool, list[Place | Area]]] = field(init=False, default_factory=dict)

    @cached_property
    def weight_cells(self) -> dict[Address, tuple[int, int]]:
        """Every weight's cells → which weight, and in which step."""
        return {
            cell: (j, k) for j, lane in enumerate(self.weights) for k, cell in enumerate(lane.cells)
        }

    @property
    def sheet(self) -> int:
        return Counter(sheet_of(lane.start) for lane in self.weights).most_common(1)[0][0]

    @property
    def steps(self) -> int:
        """How many updates there are."""
        return max(len(lane.cells) for lane in self.weights) - 1

    @cached_property
    def varying(self) -> set[Address]:
        """Every cell that depends on a weight."""
        cells = [cell for lane in self.weights for cell in lane.cells]
        return self.flow.below([*cells, *self.loose]) | set(cells)

    @cached_property
    def computed(self) -> set[Address]:
        """Every cell that depends on a weight and is none."""
        return self.varying.difference(self.weight_cells)

    def plain(self, cell: Address) -> Address:
        """The cell, or the one that it repeats where that depends on no weight."""
        return cell if cell in self.varying else self.flow.plain(cell, self.weight_cells)

    def varies(self, expression: Expression, home: Address) -> bool:
        return any(cell in self.varying for cell in self.mentioned(expression, home))

    def mentioned(
        self, expression: Expression, home: Address, pattern: Pattern | None = None
    ) -> Iterator[Address]:
        """The cells that a part of a cell's formula, or of another one's, mentions."""
        pattern = pattern or self.book.patterns[home]
        mentions = (pattern.mentions.get(text) for text in mentioned_texts(expression))
        places = (place for place in mentions if isinstance(place, Place | Area))
        return self.flow.mentioned(places, home)

    def cell_of(self, reference: Expression, home: Address) -> Address | None:
        """The one cell that a reference stands for."""
        if not isinstance(reference, Reference):
            return None
        mention = self.book.patterns[home].mentions.get(reference.text)
        return mention.at(home) if isinstance(mention, Place) else None

    def looks_back(self, home: Address) -> bool:
        """Whether a cell is computed from what it was one step ago."""
        pattern = self.book.patterns.get(home)
        if pattern is None or home in self.weight_cells or not self.looks_back_anywhere:
            return False
        if pattern not in self._back:
            self._back[pattern] = self._places_back(pattern)
        certain, doubtful = self._back[pattern]
        return certain or any(
            home - cell in self.strides for cell in self.flow.mentioned(doubtful, home)
        )

    @cached_property
    def looks_back_anywhere(self) -> bool:
        """Whether any cell but a weight may do so."""
        patterns = {
            pattern
            for cell in self.computed
            if (pattern := self.book.patterns.get(cell)) is not None
        }
        return any(certain or doubtful for certain, doubtful in map(self._places_back, patterns))

    def _places_back(self, pattern: Pattern) -> tuple[bool, list[Place | Area]]:
        """Whether a formula refers to the cell before its own wherever it stands, and the places of
        which only its cell can tell."""
        doubtful: list[Place | Area] = []
        for place in pattern.places:
            if isinstance(place, Area):
                doubtful.append(place)
            elif not place.moves:
                if place.at(pattern.home) in self.varying:
                    doubtful.append(place)
            elif place.row_fixed or place.column_fixed or place.sheet is not None:
                doubtful.append(place)
            elif -pack(0, place.row, place.column) in self.strides:
                return True, []
        return False, doubtful

    @cached_property
    def strides(self) -> set[int]:
        return {lane.stride for lane in self.weights}

    def before(self, cell: Address, other: Address) -> bool:
        """Whether `other` is what `cell` was one step ago: the cell above, or on the left."""
        return cell - other in self.strides and cell not in self.weight_cells


NEAR = 6000


def find_trainings(book: Book, flow: Flow) -> list[Training]:
    """The trainings, in the order of the sheets."""
    lines = list(chains(book))
    lanes = aligned(book, joined(book, weight_columns(book, flow, lines)))
    groups = [group + companions(book, group, lines) for group in _together(flow, lanes)]
    return _trainings(book, flow, groups)


def trainings_of(book: Book, flow: Flow, lanes: Sequence[WeightColumn]) -> list[Training]:
    """The trainings that some lines of cells would be, if they were weights."""
    return _trainings(book, flow, _together(flow, lanes))


def _trainings(book: Book, flow: Flow, groups: Sequence[list[WeightColumn]]) -> list[Training]:
    found = [Training(book, flow, sorted(group, key=lambda g: g.start)) for group in groups]
    for training in found:
        training.names = [heading(book, lane) for lane in training.weights]
        training.rate = _common_rate(training)
    return found


def _together(flow: Flow, lanes: Sequence[WeightColumn]) -> list[list[WeightColumn]]:
    """Lanes whose changes depend on each other's cells."""
    owner = {cell: k for k, lane in enumerate(lanes) for cell in lane.cells}
    group = list(range(len(lanes)))

    def root(k: int) -> int:
        while group[k] != k:
            group[k] = group[group[k]]
            k = group[k]
        return k

    for k, lane in enumerate(lanes):
        for other in _met(flow, lane, owner):
            group[root(other)] = root(k)
    first: dict[tuple[int, int, int], int] = {}
    for k, lane in enumerate(lanes):  # those that start side by side, too
        along = row_of(lane.start) if lane.down else column_of(lane.start)
        other = first.setdefault((sheet_of(lane.start), lane.stride, along), k)
        group[root(other)] = root(k)
    gathered: defaultdict[int, list[WeightColumn]] = defaultdict(list)
    for k, lane in enumerate(lanes):
        gathered[root(k)].append(lane)
    return list(gathered.values())


def _met(flow: Flow, lane: WeightColumn, owner: dict[Address, int]) -> set[int]:
    """The lanes that a lane's first change depends on, not looking behind their cells."""
    met: set[int] = set()
    waiting = [source for cell in lane.cells[1:3] for source in flow.sources(cell)]
    seen = set(waiting)
    while waiting and len(seen) < NEAR:
        cell = waiting.pop()
        if cell in owner:
            met.add(owner[cell])
            continue
        fresh = [source for source in flow.sources(cell) if source not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
    return met


# The learning rate -----------------------------------------------------------


def _common_rate(training: Training) -> Address | None:
    """The cell that most updates multiply with, though it depends on no weight."""
    mentioned = [set(_constant_cells(training, lane)) for lane in training.weights]
    heard = [some for some in mentioned if not _are_blank(training.book, some)] or mentioned
    votes = Counter(cell for some in heard for cell, _ in some)
    fixed = {
        cell for some in heard for cell, place in some if not place.moves or place.sheet is not None
    }
    if not votes:
        return None
    cell = max(votes, key=lambda cell: (votes[cell], cell in fixed, _called_rate(training, cell)))
    if not _holds_something(training.book, cell) and not _called_rate(training, cell):
        unused = _unused_rate(training)
        if unused is not None:
            return unused
    return cell if votes[cell] * 2 > len(heard) or len(heard) == 1 else None


def _are_blank(book: Book, mentioned: Collection[tuple[Address, Place]]) -> bool:
    """Whether an update mentions some cell in the learning rate's place, and nothing is there."""
    cells = [cell for cell, _ in mentioned]
    return bool(cells) and not any(_holds_something(book, cell) for cell in cells)


def _holds_something(book: Book, cell: Address) -> bool:
    return cell in book.patterns or book.values.get(cell) is not None


def _unused_rate(training: Training) -> Address | None:
    """The one number that is called a learning rate while no formula uses it."""
    book, flow = training.book, training.flow
    called = [
        cell
        for cell, value in book.values.items()
        if isinstance(value, float)
        and cell not in book.patterns
        and not flow.users.get(cell)
        and _called_rate(training, cell)
    ]
    return called[0] if len(called) == 1 else None


def _constant_cells(training: Training, lane: WeightColumn) -> Iterator[tuple[Address, Place]]:
    """The cells that the first update multiplies with."""
    book = training.book
    base, cell = next(
        (pair for pair in pairwise(lane.cells) if pair[1] in book.patterns), lane.cells[:2]
    )
    pattern = book.patterns[cell]
    waiting = [(part, cell) for _, part in change(pattern, base, cell)]
    for part, home in waiting[:50]:
        for factor in factors(part).parts:
            at = training.cell_of(factor.part, home)
            if at is None:
                continue
            mention = book.patterns[home].mentions[factor.part.text]  # type: ignore[union-attr]
            if at not in training.varying and isinstance(mention, Place):
                yield training.flow.plain(at), mention


def _called_rate(training: Training, cell: Address) -> bool:
    """Whether a heading or a name calls a cell a learning rate."""
    book = training.book
    named = (
        name for name in book.names if "!" not in name and book.reader.cell(name, cell) == cell
    )
    words = " ".join([label(book, cell, True), label(book, cell, False), *named]).lower()
    return any(word in words for word in ("η", "eta", "rate", "lr", "alpha", "α", "learn"))
