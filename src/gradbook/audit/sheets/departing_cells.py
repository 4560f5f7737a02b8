"""Cells that aren't what their copies in the other steps are.

A line is one value through the steps. Lines are followed from the states to what they are computed
from: each reference of a line moves on by the same distance. Knows nothing of what is learned.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator
from itertools import pairwise

from gradbook.audit.sheets.state_chains import SheetChains
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.pattern import CellReference

SHORTEST = 4  # steps of a line that says what is usual
MOST_OF = 2 / 3  # of a line are alike, or nothing is usual
FEWEST = 3
MOST_LINES = 4000
MOST_OF_RANGE = 64  # cells of a range that are followed one by one

Line = tuple[tuple[int, Address], ...]  # the number of a step, and the cell in it


def departures(chains: SheetChains) -> dict[Address, str]:
    """Each cell that departs from its line, and how."""
    by_chain: defaultdict[Address, list[Address]] = defaultdict(list)
    for state in sorted(chains.past, key=chains.level):
        by_chain[chains.chain[state]].append(state)
    todo: list[Line] = [
        tuple(enumerate(states)) for states in by_chain.values() if len(states) >= SHORTEST
    ]
    reader = _LineReader(chains)
    seen: set[Line] = set()
    while todo and len(seen) < MOST_LINES:
        line = todo.pop()
        if line not in seen:
            seen.add(line)
            todo += reader.follow(line)
    return reader.departing


class _LineReader:
    def __init__(self, chains: SheetChains) -> None:
        self.chains, self.flow, self.book = chains, chains.flow, chains.book
        self.departing: dict[Address, str] = {}
        self.used = self.flow.behind(set(chains.past)) | set(chains.past)

    def follow(self, line: Line) -> Iterator[Line]:
        """The lines that a line is computed from; what departs in it is noted."""
        kinds = {step: self._kind(cell) for step, cell in line}
        kind, count = Counter(kinds.values()).most_common(1)[0]
        if not _is_usual(count, len(line)):
            return
        originals = {self.flow.plain(other) for _, other in line if self.flow.plain(other) != other}
        for step, cell in line:
            is_copied = cell in originals  # typed once, and repeated by each step after it
            if kinds[step] != kind and cell not in self.chains.starts and not is_copied:
                self._note(step, cell, "another formula")
        if not isinstance(kind, tuple):
            return
        references = {step: self._references(c) for step, c in line if kinds[step] == kind}
        cells = dict(line)
        self._look_after_last(references, cells)
        width = Counter(map(len, references.values())).most_common(1)[0][0]
        for step in [step for step in references if len(references[step]) != width]:
            self._note(step, cells[step], "another range")
            del references[step]
        for place in range(width):
            yield from self._moved_on({s: refs[place] for s, refs in references.items()}, cells)

    def _moved_on(self, at: dict[int, Address], cells: dict[int, Address]) -> Iterator[Line]:
        steps = sorted(at)
        paces = Counter(at[b] - at[a] for a, b in pairwise(steps) if b == a + 1)
        if not paces:
            return
        pace = paces.most_common(1)[0][0]
        start, count = Counter(at[step] - step * pace for step in steps).most_common(1)[0]
        if not _is_usual(count, len(steps)):
            return
        usual = {step: start + step * pace for step in steps}
        for step in steps:
            if at[step] != usual[step]:
                self._note(step, cells[step], "another cell")
        line = tuple((step, at[step]) for step in steps if at[step] == usual[step])
        is_state = any(c in self.chains.past or c in self.chains.starts for _, c in line)
        if pace and len(line) >= SHORTEST and not is_state:
            yield line

    def _look_after_last(
        self, references: dict[int, list[Address]], cells: dict[int, Address]
    ) -> None:
        """The cell after the last of a line, which no step follows."""
        last = max(references)
        if last - 1 not in references or last != max(cells) or cells[last] in self.chains.past:
            return
        after = 2 * cells[last] - cells[last - 1]
        before, now = references[last - 1], references[last]
        if after not in self.chains.patterns or after in self.used or len(before) != len(now):
            return
        expected = [2 * b - a for a, b in zip(before, now, strict=True)]
        found = self._references(after)
        is_copy = self._kind(after) == self._kind(cells[last])
        if is_copy and len(found) == len(expected):
            if sum(a != b for a, b in zip(found, expected, strict=True)) == 1:
                self._note(last + 1, after, "another cell")
        elif set(found) == set(expected) and not is_copy:
            self._note(last + 1, after, "another formula")

    def _note(self, step: int, cell: Address, how: str) -> None:
        if step > 0 and cell not in self.chains.starts:  # the first step may begin otherwise
            self.departing.setdefault(cell, how)

    def _kind(self, cell: Address) -> Hashable:
        pattern = self.chains.patterns.get(cell)
        if pattern is not None:
            return pattern.shape, len(list(pattern.corners))
        value = self.book.values.get(cell)
        return "blank" if value is None else "text" if isinstance(value, str) else "typed"

    def _references(self, cell: Address) -> list[Address]:
        cells: list[Address] = []
        for place in self.chains.patterns[cell].places:
            if isinstance(place, CellReference):
                cells.append(place.at(cell) or 0)
                continue
            every = [each for row in self.flow.rows(place, cell) for each in row]
            cells += every if len(every) <= MOST_OF_RANGE else [every[0], every[-1]]
        return cells


def _is_usual(count: int, of: int) -> bool:
    return count >= max(FEWEST, MOST_OF * of)
