"""Where weights learn: lines of cells in which each is the one before, minus something of its own.

Most such lines are columns; where steps stand side by side they are rows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gradbook.audit.formula.address import Address, Axis, axis_of, sheet_of
from gradbook.audit.formula.expression import SignedTerm, factors, references, terms
from gradbook.audit.formula.pattern import CellReference, Pattern
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.targets.excel.language.grammar import Expression, Infix, Number, Prefix, Reference

NEAR = 4000  # cells to look through on the way from a change back to its weight
VERY_NEAR = 400
ENOUGH = 3  # lines of one formula that don't learn: the others don't either


@dataclass(frozen=True)
class WeightColumn:
    """One weight's cells, from its start value on, each the next of the one before."""

    cells: tuple[Address, ...]
    stride: int  # from one to the next, in packed addresses

    @property
    def start(self) -> Address:
        return self.cells[0]

    @property
    def axis(self) -> Axis:
        """Whether its steps go down the rows or across the columns."""
        return axis_of(self.stride)

    @property
    def way(self) -> tuple[int, int]:
        """What it has in common with those that run beside it: the sheet, and its stride."""
        return sheet_of(self.start), self.stride

    @property
    def first(self) -> int:
        """The row in which it begins, or the column."""
        return self.axis.along(self.start)

    @property
    def last(self) -> int:
        """The row in which it ends, or the column."""
        return self.axis.along(self.cells[-1])


def heading(book: Book, column: WeightColumn) -> str:
    """What stands above a column of weights, or before a row of them."""
    return book.label(column.start, column.axis) or book.called(column.start, column.start)


# What an update says ---------------------------------------------------------------


def change(pattern: Pattern, base: Address, cell: Address) -> tuple[SignedTerm, ...]:
    """What is added to the base: all terms of the formula but that one."""
    assert pattern.expression is not None
    parts = terms(pattern.expression)
    for k, place in _kept(pattern, parts):
        if place.at(cell) == base:
            return parts[:k] + parts[k + 1 :]
    return parts


def _kept(pattern: Pattern, parts: Sequence[SignedTerm]) -> Iterator[tuple[int, CellReference]]:
    """Which terms go on from a cell, and from which."""
    for k, (sign, part) in enumerate(parts):
        kept = part if isinstance(part, Reference) else _but_a_share(part, parts)
        place = pattern.place_of(kept) if kept and sign > 0 else None
        if place is not None:
            yield k, place


def _but_a_share(part: Expression, parts: Sequence[SignedTerm]) -> Reference | None:
    """The cell of w·(1 − ηλ) − …: weights that decay."""
    split = factors(part)
    rest = [factor for factor in split.parts if not (factor.above and _is_share(factor.part))]
    if sum(sign > 0 for sign, _ in parts) > 1 or len(rest) != 1 or len(rest) == len(split.parts):
        return None
    alone = rest[0].part
    return alone if split.sign > 0 and rest[0].above and isinstance(alone, Reference) else None


def _is_share(part: Expression) -> bool:
    return isinstance(part, Infix) and part.operator == "-" and part.left == Number(1.0)


# Lines of updates ------------------------------------------------------------------


def update_lines(book: Book) -> Iterator[WeightColumn]:
    """Lines of formulas that begin with the cell before: w, w − …, w − … − …."""
    bases = {pattern: _bases(pattern) for pattern in set(book.patterns.values())}
    following: defaultdict[int, dict[Address, Address]] = defaultdict(dict)
    for cell, pattern in book.patterns.items():
        for place in bases[pattern]:
            base = place.at(cell)
            if base is not None and base != cell and sheet_of(base) == sheet_of(cell):
                following[cell - base][base] = cell
    for stride, after in following.items():
        reached = set(after.values())
        for start in after:
            if start not in reached and (
                start in book.patterns or isinstance(book.values.get(start), float)
            ):
                cells = [start]
                while cells[-1] in after:
                    cells.append(after[cells[-1]])
                yield WeightColumn(tuple(cells), stride)


def _bases(pattern: Pattern) -> list[CellReference]:
    """The cells of which a formula is one plus or minus something."""
    if not isinstance(pattern.expression, Infix | Prefix):
        return []
    parts = terms(pattern.expression)
    return [place for _, place in _kept(pattern, parts)] if len(parts) > 1 else []


def learning(book: Book, flow: Flow, lines: Iterable[WeightColumn]) -> list[WeightColumn]:
    """The lines that learn: what is taken from a cell depends on that cell."""
    found: list[WeightColumn] = []
    taken: set[Address] = set()
    in_vain: Counter[object] = Counter()
    for line in sorted(lines, key=lambda line: -len(line.cells)):
        kind = book.patterns[line.cells[1]], line.stride
        if in_vain[kind] < ENOUGH and taken.isdisjoint(line.cells[1:]):
            if _learns(book, flow, line):
                found.append(line)
                taken.update(line.cells)
            else:
                in_vain[kind] += 1
    return _along_with_most(_that_start(book, flow, found))


def _learns(book: Book, flow: Flow, line: WeightColumn) -> bool:
    """Whether one of its first two updates does, or the one in the middle."""
    steps = list(zip(line.cells, line.cells[1:], strict=False))
    some = {0, 1, len(steps) // 2}
    return any(_depends(book, flow, *steps[k]) for k in some if k < len(steps))


def _depends(book: Book, flow: Flow, base: Address, cell: Address) -> bool:
    """Whether what is taken from the base depends on it."""
    pattern = book.patterns[cell]
    parts = change(pattern, base, cell)
    texts = dict.fromkeys(reference.text for _, part in parts for reference in references(part))
    places = (pattern.mentions[text] for text in texts)
    start = list(flow.mentioned(places, cell))
    if flow.reaches(start, base.__eq__, VERY_NEAR):
        return True
    below = flow.few_below(base)
    if below is not None and below.isdisjoint(start):
        return False
    return flow.depends(start, base, NEAR)


def _that_start(book: Book, flow: Flow, lines: Sequence[WeightColumn]) -> list[WeightColumn]:
    """The lines without those that begin with what is computed from other weights: an update that
    was pasted into another column."""
    varying = flow.below({cell for line in lines for cell in line.cells})

    def computed(cell: Address) -> bool:
        pattern = book.patterns.get(cell)
        repeats = pattern is not None and isinstance(pattern.expression, Reference)
        return pattern is not None and cell in varying and not repeats

    longest = max((len(line.cells) for line in lines), default=0)
    return [line for line in lines if len(line.cells) == longest or not computed(line.start)]


def _along_with_most(lines: Sequence[WeightColumn]) -> list[WeightColumn]:
    """The lines without single steps that go another way than the longer ones."""
    ways = {line.stride for line in lines if len(line.cells) > 2}
    kept = [line for line in lines if not ways or len(line.cells) > 2 or line.stride in ways]
    return sorted(kept, key=lambda line: line.start)
