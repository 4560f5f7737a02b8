"""Weights that learn together, what is claimed of them, and what may be asked of their cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from gradbook.audit.formula.address import Address, Axis, pack, sheet_of
from gradbook.audit.formula.once import once
from gradbook.audit.formula.pattern import Area, Pattern, Place, references
from gradbook.audit.training.lanes import Lane
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
    lanes: list[Lane]
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
    def stop(self) -> dict[Address, tuple[int, int]]:
        """Every weight's cells → which weight, and in which step."""
        return {
            cell: (j, k) for j, lane in enumerate(self.lanes) for k, cell in enumerate(lane.cells)
        }

    @property
    def sheet(self) -> int:
        return Counter(sheet_of(lane.start) for lane in self.lanes).most_common(1)[0][0]

    @property
    def axis(self) -> Axis:
        """Whether its steps go down the rows or across the columns."""
        return self.lanes[0].axis

    @property
    def steps(self) -> int:
        """How many updates there are."""
        return max(len(lane.cells) for lane in self.lanes) - 1

    @cached_property
    def moving(self) -> set[Address]:
        """Every cell that depends on a weight."""
        cells = [cell for lane in self.lanes for cell in lane.cells]
        return self.flow.below([*cells, *self.loose]) | set(cells)

    def plain(self, cell: Address) -> Address:
        """The cell, or the one that it repeats where that depends on no weight."""
        return cell if cell in self.moving else self.flow.plain(cell, self.stop)

    def weights(self, step: int) -> list[Address]:
        return [lane.cells[step] for lane in self.lanes if step < len(lane.cells)]

    def varies(self, expression: Expression, home: Address) -> bool:
        return any(cell in self.moving for cell in self.mentioned(expression, home))

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
        if pattern is None or home in self.stop or not self.looks_back_anywhere:
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
            for cell in self.moving.difference(self.stop)
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
                if place.at(pattern.home) in self.moving:
                    doubtful.append(place)
            elif place.row_fixed or place.column_fixed or place.sheet is not None:
                doubtful.append(place)
            elif -pack(0, place.row, place.column) in self.strides:
                return True, []
        return False, doubtful

    @cached_property
    def strides(self) -> set[int]:
        return {lane.stride for lane in self.lanes}

    def before(self, cell: Address, other: Address) -> bool:
        """Whether `other` is what `cell` was one step ago: the cell above, or on the left."""
        return cell - other in self.strides and cell not in self.stop
