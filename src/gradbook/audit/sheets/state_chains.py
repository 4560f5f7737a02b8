"""The states of a workbook: cells that go on from their own past, and the step each cell is of.

Knows neither what is learned nor whether it is right.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from functools import cached_property
from itertools import pairwise

from gradbook.cells.book import Book
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.pattern import CellReference, Pattern

SHORTEST = 3  # cells that go on make a chain
MOST_SOURCES = 400  # of a formula that may go on from a cell
MOST_GAPS = 6  # distances between states that are tried for others

Run = list[Address]


class SheetChains:
    """Each chain is a number through the steps: a start, and cells that go on from it."""

    def __init__(self, book: Book, flow: Flow) -> None:
        self.book, self.flow = book, flow
        self.patterns = book.patterns
        self.order, self.circle = flow.in_order(self.patterns)
        self.past: dict[Address, Address] = {}  # of each state: the state that it goes on from
        self.late: set[Address] = set()  # starts of chains whose cells belong to the next step
        self._sources: dict[Address, tuple[Address, ...]] = {}
        self._choose_pasts(list(self._runs()))
        self._join_first()
        self._join_carried()

    def with_formulas(self, instead: Mapping[Address, Pattern]) -> SheetChains:
        """The same chains where some cells have other formulas."""
        other = copy(self)
        other.flow = self.flow.with_formulas(instead)
        other.book, other.patterns = other.flow.book, other.flow.book.patterns
        other._sources = {}
        other.__dict__.pop("_moving", None)
        return other

    # What goes on from what ------------------------------------------------------

    def _runs(self) -> Iterator[tuple[int, Run]]:
        """Cells of which each mentions the one a fixed distance before, and the distance."""
        edges: defaultdict[int, dict[Address, Address]] = defaultdict(dict)
        for cell in self.order:
            if self.flow.plain(cell) != cell or len(self.sources(cell)) > MOST_SOURCES:
                continue
            for source in self._mentioned_alone(cell):
                if source != cell and (self._is_known(source) or self.book.is_blank(source)):
                    edges[cell - source][cell] = source
        for distance, mentioned in edges.items():
            # the first of a run may be anything; the others are copies
            follow = {
                cell: source
                for cell, source in mentioned.items()
                if source not in mentioned or self._shape(source) == self._shape(cell)
            }
            runs = _joined(_paths(follow, distance), distance, mentioned, self._shape)
            yield from ((distance, run) for run in runs)

    def _mentioned_alone(self, cell: Address) -> set[Address]:
        """The cells that a formula mentions by themselves, outside ranges."""
        if cell in self.flow.places_in_arrays:
            return set(self.sources(cell))
        places = self.patterns[cell].places
        found = {m.at(cell) for m in places if isinstance(m, CellReference)}
        cells = {source for source in found if source is not None}
        typed = {source for source in cells if self.number(source) is not None}
        return {self.flow.plain(source) for source in cells} | typed

    def _is_known(self, cell: Address) -> bool:
        return cell in self.patterns or self.number(cell) is not None

    def _choose_pasts(self, runs: list[tuple[int, Run]]) -> None:
        """A cell may be in several runs: its past is in the one that most others go on by."""
        longest = max((len(run) for _, run in runs), default=0)
        options: defaultdict[Address, list[tuple[int, int, Address]]] = defaultdict(list)
        for distance, run in runs:
            if len(run) >= SHORTEST and (len(run) == longest or len(run) > longest / 2):
                for before, cell in pairwise(run):
                    options[cell].append((distance, len(run), before))
        strides = Counter(each[0][0] for each in options.values() if len(each) == 1)

        def rank(cell: Address, option: tuple[int, int, Address]) -> tuple[object, ...]:
            distance, length, before = option
            is_copy = self._shape(cell) == self._shape(before)
            usual = strides[distance]
            return usual > 0, is_copy, min(length, SHORTEST + 1), usual, -abs(distance)

        for cell, each in options.items():
            self.past[cell] = max(each, key=lambda option: rank(cell, option))[2]

    def _join_first(self) -> None:
        """A copy that a chain begins with goes on as well, from a typed number somewhere else."""
        for second, first in list(self.past.items()):
            if first in self.past or self._shape(first) is None:
                continue
            if self._shape(first) != self._shape(second):
                continue
            pairs = zip(self.patterns[first].places, self.patterns[second].places, strict=True)
            sources = {
                self.flow.plain(start)
                for one, other in pairs
                if isinstance(one, CellReference) and isinstance(other, CellReference)
                if (start := one.at(first)) is not None and (cell := other.at(second)) is not None
                if self.flow.plain(cell) == first
            }
            before = sources.pop() if len(sources) == 1 else None
            if (
                before is not None
                and before not in self.patterns
                and self.number(before) is not None
            ):
                self.past[first] = before

    def _join_carried(self) -> None:
        """States whose update mentions only another's past are carried at the same distances."""
        for _ in range(2):
            self._forget_levels()
            gaps = Counter(cell - before for cell, before in self.past.items())
            distances = [gap for gap, _ in gaps.most_common(MOST_GAPS)]
            carried = set(self._carried())
            pasts = {
                cell: before
                for cell in carried
                if (before := self._carried_from(cell, carried, distances)) is not None
            }
            if not pasts:
                return
            self.past.update(pasts)
        self._forget_levels()

    def _carried(self) -> Iterator[Address]:
        """Cells of an earlier step that the states of a later one are computed from."""
        behind = self.flow.behind(set(self.past)) | set(self.past)
        for cell in self.order:
            if cell in self.past or cell not in behind or self.flow.plain(cell) != cell:
                continue
            for source in self.sources(cell):
                is_state = source in self.past or source in self.starts
                is_earlier = self.level(source) < self.level(cell)
                if source in self.patterns and not is_state and is_earlier and self.moves(source):
                    yield source

    def _carried_from(
        self, cell: Address, carried: set[Address], distances: list[int]
    ) -> Address | None:
        for distance in distances:
            before = cell - distance
            if before in carried and self._shape(before) == self._shape(cell):
                return before
        for distance in distances:
            before = self.flow.plain(cell - distance)
            if before not in self.patterns and self.number(before) is not None:
                return before
        return None

    def delay(self, chains: set[Address]) -> None:
        """Count these chains' cells to the next step."""
        self.late = chains
        self._forget_levels()

    def delayed(self) -> set[Address]:
        """Chains that may belong to the next step: made after a state that uses their past."""
        states = self.usual_step
        behind = {state: self._behind_within_step(state) for state in states}
        return {
            self.chain[state]
            for state in states
            for other in behind[state]
            if other in behind
            and other != state
            and self.past[state] in behind[other]
            and state not in behind[other]
        }

    def _behind_within_step(self, state: Address) -> set[Address]:
        behind: set[Address] = set()
        todo = list(self.sources(state))
        while todo:
            cell = todo.pop()
            if cell in behind:
                continue
            behind.add(cell)
            is_state = cell in self.past or cell in self.starts
            if not is_state and cell in self.patterns and self.moves(cell):
                todo += self.sources(cell)
        return behind

    # Steps -----------------------------------------------------------------------

    @cached_property
    def starts(self) -> set[Address]:
        """The first of each chain."""
        return set(self.past.values()) - set(self.past)

    @cached_property
    def chain(self) -> dict[Address, Address]:
        """The start of each state's chain."""
        chains: dict[Address, Address] = {}
        for state in self.past:
            path = []
            cell = state
            while cell in self.past and cell not in chains and cell not in path:
                path.append(cell)
                cell = self.past[cell]
            chains.update(dict.fromkeys(path, chains.get(cell, cell)))
        return chains

    @cached_property
    def _levels(self) -> dict[Address, int]:
        """How often a state has gone on before each cell."""
        levels = {cell: 1 for cell in self.late if cell not in self.patterns}
        typed = [state for state in self.past if state not in self.patterns]  # pasted values
        for _ in range(1 + 2 * bool(typed)):
            for cell in sorted(typed, key=lambda cell: levels.get(self.past[cell], 0)):
                levels[cell] = levels.get(self.past[cell], 0) + 1
            for cell in self.order:
                before = self.past.get(cell)
                behind = [levels.get(s, 0) + (s == before) for s in self.sources(cell)]
                if before is not None:
                    behind.append(levels.get(before, 0) + 1)
                levels[cell] = max(behind, default=0) + (cell in self.late)
        return levels

    def level(self, cell: Address) -> int:
        return self._levels.get(cell, 0)

    @cached_property
    def _moving(self) -> set[Address]:
        """The states, and all that depends on them."""
        moving = self.starts | {state for state in self.past if state not in self.patterns}
        for cell in self.order:
            if cell in self.past or not moving.isdisjoint(self.sources(cell)):
                moving.add(cell)
        return moving

    def moves(self, cell: Address) -> bool:
        return cell in self._moving

    @cached_property
    def steps(self) -> dict[int, list[Address]]:
        """The states of each step, by its number."""
        steps: defaultdict[int, list[Address]] = defaultdict(list)
        for state in self.past:
            steps[self.level(state)].append(state)
        return dict(steps)

    @property
    def usual_step(self) -> list[Address]:
        """The states of a step in the midst, with as many as there are."""
        whole = whole_steps(self.steps)
        return self.steps[whole[len(whole) // 2]] if whole else []

    def trainings(self) -> list[dict[int, list[Address]]]:
        """The steps of each training: of states that depend on each other."""
        groups: dict[Address, set[Address]] = {}
        for state in self.usual_step:
            chain = self.chain[state]
            group = {chain}
            for other in self._behind_within_step(state):
                if other in self.past or other in self.starts:
                    group |= groups.get(self.chain.get(other, other), set())
                    group.add(self.chain.get(other, other))
            group |= groups.get(chain, set())
            groups.update(dict.fromkeys(group, group))
        seen: list[set[Address]] = []
        for group in groups.values():
            if not any(group is each for each in seen):
                seen.append(group)
        return [self._steps_of(group) for group in seen]

    def _steps_of(self, group: set[Address]) -> dict[int, list[Address]]:
        steps = {
            number: [state for state in states if self.chain[state] in group]
            for number, states in self.steps.items()
        }
        return {number: states for number, states in steps.items() if states}

    def _forget_levels(self) -> None:
        for name in ("starts", "chain", "_levels", "_moving", "steps"):
            self.__dict__.pop(name, None)

    # Cells -----------------------------------------------------------------------

    def sources(self, cell: Address) -> tuple[Address, ...]:
        """What a formula is computed from, cells that only repeat others left out."""
        if cell not in self._sources:
            plain = map(self.flow.plain, self.flow.sources(cell))
            self._sources[cell] = tuple(dict.fromkeys(plain))
        return self._sources[cell]

    def number(self, cell: Address) -> float | None:
        value = self.book.values.get(cell)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number else None  # type: ignore[arg-type]

    def _shape(self, cell: Address) -> str | None:
        pattern = self.patterns.get(cell)
        return pattern.shape if pattern else None


def whole_steps(steps: dict[int, list[Address]]) -> list[int]:
    """Those in which all states of a training go on."""
    most = max(map(len, steps.values()), default=0)
    return sorted(number for number, states in steps.items() if len(states) == most)


def _paths(follow: dict[Address, Address], distance: int) -> Iterator[Run]:
    """Each way back as far as it goes, from its first cell on."""
    for end in follow:
        if follow.get(end + distance) != end:
            run = [end]
            while run[-1] in follow:
                run.append(follow[run[-1]])
            yield run[::-1]


def _joined(
    runs: Iterable[Run],
    distance: int,
    mentioned: dict[Address, Address],
    shape: Callable[[Address], str | None],
) -> list[Run]:
    """Two runs of copies are one where a single cell between them is something else."""
    joined: list[Run] = []
    by_end: dict[Address, Run] = {}
    for run in sorted(runs, key=lambda run: run[0] * (1 if distance > 0 else -1)):
        odd = mentioned.get(run[0])  # a formula unlike the others, if it goes on as well
        between = [odd] if odd is not None and odd in mentioned else []
        before = by_end.get((between or run)[0] - distance)
        whole = run
        is_long = before is not None and max(len(before), len(run)) >= SHORTEST
        if before is not None and is_long and shape(before[-1]) == shape(run[-1]):
            del by_end[before[-1]]
            before += between + run
            whole = before
        else:
            joined.append(run)
        by_end[whole[-1]] = whole
    return [run for run in joined if len(run) >= SHORTEST]
