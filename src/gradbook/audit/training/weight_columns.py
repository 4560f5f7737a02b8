"""Where weights learn: lines of cells in which each is the one before, minus something of its own.

Nothing is known here of headings or of where tables stand.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gradbook.audit.formula.address import DOWN, Address, column_of, row_of, sheet_of
from gradbook.audit.formula.factors import factors
from gradbook.audit.formula.once import once
from gradbook.audit.formula.pattern import Area, Pattern, Place, references
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.targets.excel.grammar import Expression, Infix, Number, Prefix, Reference

NEAR = 4000  # cells to look through on the way from a change back to its weight
VERY_NEAR = 400
ENOUGH = 3  # lines of one formula that don't learn: the others don't either

Term = tuple[int, Expression]  # a sign, and what it stands before


@once
def terms(expression: Expression) -> tuple[Term, ...]:
    """a − (b + c) is +a, −b, −c."""
    found: list[Term] = []
    waiting: list[Term] = [(1, expression)]
    while waiting:
        sign, part = waiting.pop()
        match part:
            case Infix("+", left, right):
                waiting += [(sign, right), (sign, left)]
            case Infix("-", left, right):
                waiting += [(-sign, right), (sign, left)]
            case Prefix("-", operand):
                waiting.append((-sign, operand))
            case Prefix("+", operand):
                waiting.append((sign, operand))
            case _:
                found.append((sign, part))
    return tuple(found)


@dataclass(frozen=True)
class WeightColumn:
    """One weight's cells, from its start value on, each the next of the one before."""

    cells: tuple[Address, ...]
    stride: int  # from one to the next, in packed addresses

    @property
    def down(self) -> bool:
        """Whether its steps stand one below the other, not side by side."""
        return abs(self.stride) >= DOWN

    @property
    def start(self) -> Address:
        return self.cells[0]


def bases(pattern: Pattern) -> Iterator[Place]:
    """The cells of which a formula is one plus or minus something."""
    if pattern.expression is None or not isinstance(pattern.expression, Infix | Prefix):
        return
    parts = terms(pattern.expression)
    if len(parts) < 2:
        return
    for _, place in _kept(pattern, parts):
        yield place


def _kept(pattern: Pattern, parts: Sequence[Term]) -> Iterator[tuple[int, Place]]:
    """Which terms go on from a cell, and from which."""
    for k, (sign, part) in enumerate(parts):
        kept = part if isinstance(part, Reference) else _but_a_share(part, parts)
        mention = pattern.mentions.get(kept.text) if kept and sign > 0 else None
        if isinstance(mention, Place):
            yield k, mention


def _but_a_share(part: Expression, parts: Sequence[Term]) -> Reference | None:
    """The cell of w·(1 − ηλ) − …: weights that decay."""
    if sum(sign > 0 for sign, _ in parts) > 1:
        return None
    split = factors(part)
    shares = [f for f in split.parts if f.above and _is_share(f.part)]
    rest = [f for f in split.parts if f not in shares]
    if not shares or len(rest) != 1 or split.sign < 0 or not rest[0].above:
        return None
    return rest[0].part if isinstance(rest[0].part, Reference) else None


def _is_share(part: Expression) -> bool:
    return isinstance(part, Infix) and part.operator == "-" and part.left == Number(1.0)


def change(pattern: Pattern, base: Address, cell: Address) -> tuple[Term, ...]:
    """What is added to the base: all terms of the formula but that one."""
    assert pattern.expression is not None
    parts = terms(pattern.expression)
    for k, place in _kept(pattern, parts):
        if place.at(cell) == base:
            return parts[:k] + parts[k + 1 :]
    return parts


def weight_columns(book: Book, flow: Flow, lines: Iterable[WeightColumn]) -> list[WeightColumn]:
    """Every line of cells that learns: what is taken from a cell depends on that cell."""
    found: list[WeightColumn] = []
    taken: set[Address] = set()
    in_vain: Counter[object] = Counter()
    for lane in sorted(lines, key=lambda lane: -len(lane.cells)):
        kind = book.patterns[lane.cells[1]], lane.stride
        if in_vain[kind] < ENOUGH and taken.isdisjoint(lane.cells[1:]):
            if _learns(book, flow, lane):
                found.append(lane)
                taken.update(lane.cells)
            else:
                in_vain[kind] += 1
    return _along_with_most(_that_start(book, flow, found))


def _that_start(book: Book, flow: Flow, lanes: Sequence[WeightColumn]) -> list[WeightColumn]:
    """Lanes without those that begin with what is computed from other weights: an update that was
    pasted into another column."""
    weights = {cell for lane in lanes for cell in lane.cells}
    moving = flow.below(weights)

    def computed(cell: Address) -> bool:
        pattern = book.patterns.get(cell)
        repeats = pattern is not None and isinstance(pattern.expression, Reference)
        return pattern is not None and cell in moving and not repeats

    longest = max((len(lane.cells) for lane in lanes), default=0)
    return [lane for lane in lanes if len(lane.cells) == longest or not computed(lane.start)]


def _along_with_most(lanes: Sequence[WeightColumn]) -> list[WeightColumn]:
    """Lanes without single steps that go another way than the longer ones."""
    ways = {lane.stride for lane in lanes if len(lane.cells) > 2}
    kept = [lane for lane in lanes if not ways or len(lane.cells) > 2 or lane.stride in ways]
    return sorted(kept, key=lambda lane: lane.start)


def chains(book: Book) -> Iterator[WeightColumn]:
    """Lines of formulas that begin with the cell before: w, w − …, w − … − …."""
    options = {pattern: list(bases(pattern)) for pattern in set(book.patterns.values())}
    onward: defaultdict[int, dict[Address, Address]] = defaultdict(dict)
    for cell, pattern in book.patterns.items():
        for place in options[pattern]:
            base = place.at(cell)
            if base is not None and base != cell and sheet_of(base) == sheet_of(cell):
                onward[cell - base][base] = cell
    for stride, following in onward.items():
        reached = set(following.values())
        for start in following:
            if start not in reached and (
                start in book.patterns or isinstance(book.values.get(start), float)
            ):
                yield WeightColumn(_chain(start, following), stride)


def _chain(start: Address, following: dict[Address, Address]) -> tuple[Address, ...]:
    cells = [start]
    while cells[-1] in following:
        cells.append(following[cells[-1]])
    return tuple(cells)


def _learns(book: Book, flow: Flow, lane: WeightColumn) -> bool:
    steps = list(zip(lane.cells, lane.cells[1:], strict=False))
    some = {0, 1, len(steps) // 2}
    return any(_depends(book, flow, *steps[k]) for k in some if k < len(steps))


def _depends(book: Book, flow: Flow, base: Address, cell: Address) -> bool:
    """Whether what is taken from the base depends on it."""
    pattern = book.patterns[cell]
    mentioned = {ref.text for _, part in change(pattern, base, cell) for ref in references(part)}
    places = [pattern.mentions[text] for text in mentioned]
    start: list[Address] = []
    for place in places:
        if isinstance(place, Place):
            at = place.at(cell)
            start += [at] if at is not None else []
        elif isinstance(place, Area):
            start += flow.area(place, cell)
    if flow.reaches(start, base.__eq__, VERY_NEAR):
        return True
    below = flow.few_below(base)
    if below is not None and below.isdisjoint(start):
        return False
    return flow.reaches(start, base.__eq__, NEAR)


def heading(book: Book, lane: WeightColumn) -> str:
    """What stands above a column of weights, or before a row of them."""
    down = lane.down
    return label(book, lane.start, down) or book.called(lane.start, lane.start)


def label(book: Book, cell: Address, down: bool) -> str:
    """The nearest text above a cell, or to the left of it."""
    line, place = (column_of, row_of) if down else (row_of, column_of)
    texts = book.texts(down).get((sheet_of(cell), line(cell)), [])
    before = bisect_left(texts, (place(cell), ""))
    return texts[before - 1][1] if before else ""
