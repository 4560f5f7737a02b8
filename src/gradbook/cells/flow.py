"""Which cells refer to which: the graph of a workbook's cells, followed in both directions."""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, islice

from gradbook.cells.book import WIDEST, Book
from gradbook.cells.formula.address import ROW, Address, column_of, pack, row_of, sheet_of
from gradbook.cells.formula.expression import parts, references
from gradbook.cells.formula.formula_values import (
    CellBlock,
    Corners,
    Lookup,
    Meaning,
    NotUnderstood,
    Places,
    Single,
    TooMuch,
)
from gradbook.cells.formula.pattern import CellReference, Mention, Pattern, RangeReference
from gradbook.cells.formula.syntax import Call, Reference
from gradbook.graph.node import Graph
from gradbook.language.message import Message

FEW_DEPENDENTS = 2000  # cells that depend on one
KEPT = 64  # such sets, since they are requested again
MOST_KEPT = 400_000  # cells of ranges that are kept as lists


class Flow:
    """The references of every formula, in both directions."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._sources: dict[Address, tuple[Address, ...]] = {}
        self._originals: dict[Address, Address] = {}
        self._ranges: dict[tuple[int, ...], Sequence[Sequence[Address]]] = {}
        self._kept = 0  # number of their cells
        self._below: dict[Address, set[Address] | None] = {}
        self._going_on: dict[frozenset[int], Collection[Address]] = {}

    # What a formula mentions

    def sources(self, cell: Address) -> tuple[Address, ...]:
        """The cells that a formula mentions, with ranges expanded."""
        sources = self._sources.get(cell)
        if sources is None:
            pattern = self.book.patterns.get(cell)
            sources = tuple(self.mentioned_cells(pattern.places, cell)) if pattern else ()
            if pattern and cell in sources and not _uses_value(pattern, cell):
                sources = tuple(source for source in sources if source != cell)
            self._sources[cell] = sources
        return sources

    def mentioned_cells(
        self, mentions: Iterable[Mention | None], home: Address
    ) -> Iterator[Address]:
        """The cells among the mentions of a formula, with ranges expanded."""
        for mention in mentions:
            if isinstance(mention, CellReference):
                cell = mention.at(home)
                if cell is not None:
                    yield cell
            elif isinstance(mention, RangeReference):
                yield from chain.from_iterable(self.rows(mention, home))

    def rows(self, area: RangeReference, home: Address) -> Sequence[Sequence[Address]]:
        """The cells of a range, row by row; formulas with the same range share the result."""
        corners = area.corners(home)
        if corners is None:
            return ()
        rows = self._ranges.get(corners)
        if rows is None:
            sheet, top, left, bottom, right = corners
            first, width, height = pack(sheet, top, left), right - left + 1, bottom - top + 1
            if width * height > WIDEST:
                raise TooMuch(Message("a range too wide to follow"))
            starts = range(first, first + height * ROW, ROW)
            self._kept += width * height
            if self._kept > MOST_KEPT:
                self._ranges.clear()
                self._kept = width * height
            rows = self._ranges[corners] = [tuple(range(s, s + width)) for s in starts]
        return rows

    def lookup(
        self,
        graph: Graph,
        pattern: Pattern,
        home: Address,
        single: Callable[[Address], Single],
        blocks: dict[Corners, CellBlock] | None = None,
    ) -> Lookup:
        """What a formula's references mean in a cell; `single` gives the meaning of a cell.

        Ranges that several formulas mention are kept in `blocks`, if it is given.
        """

        def look(reference: Reference) -> Meaning:
            mention = pattern.mentions.get(reference.text)
            if isinstance(mention, CellReference):
                cell = mention.at(home)
                if cell is None:
                    what = Message("{cell}, which is outside the sheet here", cell=reference.text)
                    raise NotUnderstood(what)
                if cell == home and not _uses_value(pattern, home):
                    what = Message("{cell}, which depends on itself", cell=reference.text)
                    raise NotUnderstood(what)
                return single(cell)
            if isinstance(mention, RangeReference):
                corners = mention.corners(home)
                if blocks is not None and corners in blocks:
                    return blocks[corners]
                block = CellBlock(
                    tuple(tuple(map(single, row)) for row in self.rows(mention, home))
                )
                if blocks is not None and corners is not None:
                    blocks[corners] = block
                return block
            if isinstance(mention, float):
                return graph.constant(mention)
            raise NotUnderstood(mention.why if mention else reference.text)

        return look

    def places(self, pattern: Pattern, home: Address) -> Places:
        """Where a formula's references are, and where it stands itself."""

        def place(reference: Reference | None) -> Corners | None:
            if reference is None:
                row, column = row_of(home), column_of(home)
                return sheet_of(home), row, column, row, column
            mention = pattern.mentions.get(reference.text)
            if isinstance(mention, CellReference | RangeReference):
                return mention.corners(home)
            return None

        return place

    def element(self, cell: Address, block: CellBlock) -> Single:
        """The element of an array formula's result that a cell shows; the first one elsewhere."""
        row, column = self.places_in_arrays.get(cell, (0, 0))
        height, width = block.shape
        is_beyond = (height > 1 and row >= height) or (width > 1 and column >= width)
        return block.rows[0][0] if is_beyond else block.at(row, column)

    @cached_property
    def places_in_arrays(self) -> dict[Address, tuple[int, int]]:
        """The row and column of each cell in its array formula."""
        return {
            first + row * ROW + column: (row, column)
            for first, (rows, columns) in self.book.spills.items()
            if first in self.book.arrays
            for row in range(rows)
            for column in range(columns)
        }

    @cached_property
    def users(self) -> dict[Address, list[Address]]:
        users: defaultdict[Address, list[Address]] = defaultdict(list)
        for cell in self.book.patterns:
            sources = self.sources(cell)
            for source in dict.fromkeys(sources) if len(sources) > 1 else sources:
                users[source].append(cell)
        return users

    # Longer paths, up and down

    def below(self, cells: Iterable[Address], stop: Collection[Address] = ()) -> set[Address]:
        """All cells that depend on these; paths end at the cells of `stop`, which are left out.

        The given cells are included only if one of them depends on another.
        """
        return spread(cells, lambda cell: self.users.get(cell, ()), stop).difference(stop)

    def behind(
        self,
        cells: Iterable[Address],
        stop: Collection[Address] = (),
        original: Callable[[Address], Address] | None = None,
    ) -> set[Address]:
        """All that the cells are computed from; paths end at the cells of `stop`.

        The given cells are always followed, and included only if one of them depends on another.
        Where a cell only repeats another, `original` returns the original, which is used instead.
        """
        if original is None:
            return spread(cells, self.sources, stop)
        return spread(cells, lambda cell: map(original, self.sources(cell)), stop)

    def going_on(self, strides: frozenset[int]) -> Collection[Address]:
        """The formulas that refer to a cell at one of these distances before their own; trainings
        that are side by side share the result."""
        if strides not in self._going_on:
            self._going_on[strides] = [
                cell
                for cell in self.book.patterns
                if any(cell - source in strides for source in self.sources(cell))
            ]
        return self._going_on[strides]

    def few_below(self, cell: Address) -> set[Address] | None:
        """The cell and all that depends on it, or None if there are many."""
        if cell not in self._below:
            if len(self._below) == KEPT:
                self._below.clear()
            below = set(islice(walk([cell], lambda at: self.users.get(at, ())), FEW_DEPENDENTS))
            self._below[cell] = below if len(below) < FEW_DEPENDENTS else None
        return self._below[cell]

    def reaches(
        self, start: Iterable[Address], wanted: Callable[[Address], bool], limit: int
    ) -> bool:
        """Whether a wanted cell is among these or among those that they are computed from."""
        return any(map(wanted, walk(start, self.sources, limit)))

    def depends(
        self,
        start: Iterable[Address],
        wanted: Callable[[Address], bool],
        base: Address,
        limit: int,
    ) -> bool:
        """Whether one of the cells is the base or is computed from it, within the limit; `wanted`
        accepts the base and cells that repeat it.

        A cell's sources have lower levels than the cell itself, so the search ends early.
        """
        levels = self.levels
        lowest = levels.get(base, 0)

        def further(cell: Address) -> Iterable[Address]:
            return [
                s for s in self.sources(cell) if s == base or levels.get(s, lowest + 1) > lowest
            ]

        return any(map(wanted, walk(start, further, limit)))

    @cached_property
    def levels(self) -> dict[Address, int]:
        """The length of the longest chain of formulas up to each cell; empty if there is a
        circle."""
        levels: dict[Address, int] = {}
        in_order, circle = self.in_order(self.book.patterns, ())
        for cell in in_order if circle is None else ():
            behind = [levels.get(source, 0) for source in self.sources(cell)]
            levels[cell] = 1 + max(behind, default=0)
        return levels

    def circle(self, cells: Iterable[Address], stop: Collection[Address]) -> Address | None:
        """A cell that depends on itself, among those that the cells are computed from."""
        return None if self.levels else self.in_order([*cells][::-1], stop)[1]

    def in_order(
        self, cells: Iterable[Address], stop: Collection[Address] = ()
    ) -> tuple[list[Address], Address | None]:
        """The cells and what they are computed from, each once and after all its sources; the list
        ends at the first cell that depends on itself, which is the second result."""
        patterns, done = self.book.patterns, dict[Address, bool]()
        in_order: list[Address] = []
        for start in cells:
            waiting = [] if start in done else [start]
            while waiting:
                cell = waiting[-1]
                if done.get(cell):
                    waiting.pop()  # it was needed twice
                    continue
                behind = [s for s in self.sources(cell) if s in patterns and s not in stop]
                missing = [s for s in behind if not done.get(s)]
                if missing and cell in done:  # it is one of its own sources
                    return in_order, cell
                done[cell] = not missing
                waiting += missing
                if not missing:
                    in_order.append(waiting.pop())
        return in_order, None

    def plain(self, cell: Address, stop: Collection[Address] = ()) -> Address:
        """The cell itself or, if it only repeats another, the original."""
        known = self._originals
        path: list[Address] = []
        while cell not in stop and cell not in known:
            pattern = self.book.patterns.get(cell)
            place = pattern.repeated_reference if pattern else None
            original = place.at(cell) if place else None
            if original is None or original in path or original == cell:
                break
            path.append(cell)
            cell = original
        if cell not in stop:
            cell = known.get(cell, cell)
            known.update(dict.fromkeys(path, cell))
        return cell


PLACING = ("OFFSET", "ROW", "ROWS", "COLUMN", "COLUMNS")  # use only their argument's position


def _uses_value(pattern: Pattern, cell: Address) -> bool:
    """Whether a formula uses a cell's value, not only its position."""
    expression = pattern.expression
    if expression is None:
        return True
    calls = (
        part for part in parts(expression) if isinstance(part, Call) and part.function in PLACING
    )
    first = chain.from_iterable(call.arguments[:1] for call in calls)
    placed = Counter(part for part in first if isinstance(part, Reference))
    places = map(pattern.place_of, Counter(references(expression)) - placed)
    return any(place is None or place.at(cell) == cell for place in places)


def spread(
    start: Iterable[Address],
    further: Callable[[Address], Iterable[Address]],
    stop: Collection[Address],
) -> set[Address]:
    """All that `further` returns for the start, for each cell that it returned, and so on; cells of
    `stop` aren't followed."""
    reached, waiting = set[Address](), list(start)
    while waiting:
        for other in further(waiting.pop()):
            if other not in reached:
                reached.add(other)
                if other not in stop:
                    waiting.append(other)
    return reached


def walk(
    start: Iterable[Address],
    further: Callable[[Address], Iterable[Address]],
    most: float = math.inf,
) -> Iterator[Address]:
    """The start, what `further` returns for each of its cells, and so on: each once, nearest first.

    It ends when it has seen `most` cells, including those still waiting.
    """
    waiting = deque(dict.fromkeys(start))
    seen = set(waiting)
    while waiting and len(seen) < most:
        cell = waiting.popleft()
        yield cell
        for other in further(cell):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
