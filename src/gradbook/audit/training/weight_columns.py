"""Finds weights: lines of cells in which each is the previous one minus a term of its own.

Most such lines are columns; if steps are side by side they are rows. Lines that are interrupted by
a row, or begin late, are completed here. Some lines are recognised as weights only because they are
like those beside them, and some aren't updated by a gradient at all: they are multiplied by a
factor, or change by a bare number.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, chain

from gradbook.cells.book import Book, CellValue
from gradbook.cells.flow import Flow, walk
from gradbook.cells.formula.address import DOWN, OVER, ROW, SHEET, Address, Axis, axis_of, sheet_of
from gradbook.cells.formula.elementwise import ROUNDING
from gradbook.cells.formula.expression import (
    SignedTerm,
    factors,
    once,
    parts,
    product,
    references,
    terms,
    total,
)
from gradbook.cells.formula.pattern import CellReference, Pattern
from gradbook.cells.formula.syntax import (
    Call,
    Expression,
    Infix,
    Number,
    Prefix,
    Reference,
    write,
)

NEAR = 4000  # cells to search between a change and its weight
VERY_NEAR = 400
SIDES = 2  # of a comparison
SINGLE = 2  # cells of a weight that is updated once
ENOUGH_FIRST_LINES = 6  # if so many first lines of one formula don't learn, the others don't either


@dataclass(frozen=True)
class WeightColumn:
    """One weight's cells, from its initial value on, in order of steps."""

    cells: tuple[Address, ...]
    stride: int  # between consecutive cells, in packed addresses
    updates_elsewhere: tuple[Address, ...] = ()  # the updates, if the cells only repeat them
    stray: bool = False  # whether its updates don't subtract a term of its own

    @cached_property
    def updates(self) -> tuple[Address, ...]:
        """The formulas that update it, step by step: its own cells, or those that they repeat."""
        return self.updates_elsewhere or self.cells[1:]

    @cached_property
    def steps(self) -> tuple[tuple[Address, Address], ...]:
        """Each cell with the formula that updates it."""
        return tuple(zip(self.cells, self.updates, strict=False))

    @cached_property
    def every_cell(self) -> frozenset[Address]:
        return frozenset(self.cells)

    @property
    def start(self) -> Address:
        return self.cells[0]

    @property
    def axis(self) -> Axis:
        return axis_of(self.stride)

    @property
    def way(self) -> tuple[int, int]:
        """Its sheet, unless it goes through them, and its stride: parallel columns share both."""
        return (-1 if self.axis is OVER else sheet_of(self.start)), self.stride

    @property
    def first(self) -> int:
        """The row, or the column, in which it begins."""
        return self.axis.along(self.start)

    @property
    def last(self) -> int:
        """The row, or the column, in which it ends."""
        return self.axis.along(self.cells[-1])


def heading(book: Book, column: WeightColumn) -> str:
    """The text above a column of weights, to the left of a row, or beside a weight in a form."""
    return book.label(column.start, column.axis) or book.name_of(column.start, column.start)


# The expression of an update --------------------------------------------------------


def said_in(book: Book, cell: Address) -> Expression | None:
    """The expression of a cell's formula; None if it has none that can be read."""
    pattern = book.patterns.get(cell)
    return pattern.expression if pattern else None


def cell_of(book: Book, part: Expression, home: Address) -> Address | None:
    """The cell that a part of a formula refers to, if it is a reference to one cell."""
    place = book.patterns[home].place_of(part)
    return place.at(home) if place else None


def change(pattern: Pattern, base: Address, cell: Address) -> tuple[SignedTerm, ...]:
    """The terms that are added to the base: all terms of the formula except the base; none if it
    can't be read, which may happen in a line that other updates continue."""
    if pattern.expression is None:
        return ()
    parts = terms(plain_update(pattern.expression))
    for k, kept in _kept(parts):
        place = pattern.place_of(kept)
        if place is not None and place.at(cell) == base:
            return parts[:k] + parts[k + 1 :]
    return parts


def plain_update(update: Expression) -> Expression:
    """An update without rounding, guards against errors, and conditions for starting."""
    match update:
        case Call("ROUND" | "IFERROR" | "IFNA", (Call() | Infix() as inside, *_)):
            return plain_update(inside)
        case Call("IF", (_, Reference() as kept, Infix() as inside)) | Call(
            "IF", (_, Infix() as inside, Reference() as kept)
        ) if (1, kept) in terms(inside):
            return inside
        case Call("MAX" | "MIN" as outer, sides):  # within bounds
            bound = next((side for side in sides if isinstance(side, Call)), None)
            if bound and {outer, bound.function} == {"MAX", "MIN"} and len(sides) == SIDES:
                updates = [side for side in bound.arguments if isinstance(side, Infix)]
                return plain_update(updates[0]) if len(updates) == 1 else update
        case Call("IF", (test, Infix() as one, Infix() as other)) if test is not None:
            return _common_weight(test, one, other) or update
        case Call("SUM", (Reference(), *_) as added) if len(added) > 1:
            split = [factors(part) for part in added if part and ":" not in write(part)]
            if len(split) == len(added):
                return total([(some.sign, product(some.parts)) for some in split])
    return update


def _common_weight(test: Expression, one: Expression, other: Expression) -> Expression | None:
    """An update with a formula for each case, w - IF(…; a; b) for IF(…; w - a; w - b)."""
    for sign, kept in terms(one):
        if sign > 0 and isinstance(kept, Reference) and (1, kept) in terms(other):
            rest = [[term for term in terms(case) if term != (1, kept)] for case in (one, other)]
            if all(rest):
                cases = [total([(-sign, part) for sign, part in case]) for case in rest]
                return Infix("-", kept, Call("IF", (test, *cases)))
    return None


def _kept(parts: Sequence[SignedTerm]) -> Iterator[tuple[int, Reference]]:
    """The terms that an update may continue from, with their positions."""
    for k, (sign, part) in enumerate(parts):
        kept = part if isinstance(part, Reference) else _decaying_weight(part, parts)
        if kept and sign > 0:
            yield k, kept


def _decaying_weight(part: Expression, parts: Sequence[SignedTerm]) -> Reference | None:
    """The cell w in w·(1 − ηλ) − …: weight decay."""
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
    """Lines of formulas that contain the previous cell as a term: w, w − …, w − … − …."""
    in_sight = book.in_sight()
    often = Counter(in_sight.values())
    bases = {pattern: bases_of(pattern) for pattern in often}
    following: defaultdict[int, dict[Address, Address]] = defaultdict(dict)
    elsewhere: list[tuple[Address, Address]] = []
    for cell, pattern in in_sight.items():
        for place in bases[pattern]:
            base = place.at(cell) if place.moves or often[pattern] == 1 else None
            if base is None or base == cell:
                continue
            if _beside(base, cell):
                following[cell - base][base] = cell
            else:
                elsewhere.append((base, cell))
    yield from _carried_lines(book, [*chain(*(s.items() for s in following.values())), *elsewhere])
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


def _carried_lines(
    book: Book, following: Iterable[tuple[Address, Address]]
) -> Iterator[WeightColumn]:
    """Lines whose cells repeat results that the previous step computed elsewhere: a column of new
    weights beside the old ones or on another sheet, or a sheet for each step."""
    bases: defaultdict[Address, list[Address]] = defaultdict(list)  # w + Δw may continue either
    going_on: defaultdict[Address, list[Address]] = defaultdict(list)  # a bias is a term of a sum
    for base, cell in following:
        bases[cell].append(base)
        going_on[base].append(cell)
    updates: dict[tuple[Address, int], Address] = {}  # by the weight, and the stride to its next
    for cell, pattern in book.in_sight().items():
        place = pattern.repeated_reference
        repeated = place.at(cell) if place else None
        for base in bases.get(repeated, ()) if repeated is not None else ():
            if base != cell and repeated is not None and _beside(base, cell):
                is_typed = _is_number(book, repeated + cell - base)  # its own update
                if cell in going_on or is_typed:
                    updates[base, cell - base] = repeated
    for start, stride in updates:
        if (start - stride, stride) not in updates:
            cells = [start]
            while (cells[-1], stride) in updates:
                cells.append(cells[-1] + stride)
            behind = [updates[cell, stride] for cell in cells[:-1]]
            last = _alike(book, going_on[cells[-1]], behind[-1], stride)
            yield WeightColumn(tuple(cells), stride, (*behind, last))


def _alike(book: Book, cells: Sequence[Address], before: Address, stride: int) -> Address:
    """The cell whose formula is likest to that of one a step before; of these, the nearest to its
    place. A number that was typed there counts, too."""
    shape = book.patterns[before].shape
    if _is_number(book, before + stride):
        return before + stride
    return min(cells, key=lambda c: (book.patterns[c].shape != shape, abs(c - before - stride)))


def _beside(base: Address, cell: Address) -> bool:
    """Whether two cells are on one sheet, or in the same place on two."""
    return sheet_of(base) == sheet_of(cell) or (cell - base) % SHEET == 0


def bases_of(pattern: Pattern) -> list[CellReference]:
    """The cells to which a formula adds something, or from which it subtracts something."""
    form = pattern.form.expression if pattern.form else None
    words = [pattern.word_for(kept) for kept in _base_references(form)] if form else []
    if isinstance(form, Call) and pattern.expression:  # a form may repeat a cell's reference
        words = [kept.text for kept in _base_references(pattern.expression)]
    places = (pattern.place_of(Reference(word)) for word in words)
    return [place for place in places if place is not None]


@once
def _base_references(form: Expression) -> list[Reference]:
    """The references to which a formula adds something, or from which it subtracts something."""
    said = plain_update(form)
    parts = terms(said) if isinstance(said, Infix | Prefix) else ()
    return [kept for _, kept in _kept(parts)] if len(parts) > 1 else []


def goes_on_by(book: Book, flow: Flow, cells: Iterable[Address]) -> bool:
    """Whether some line of updates, all with the same formula, uses these cells."""
    patterns = book.patterns
    users = {user: patterns[user] for cell in cells for user in flow.users.get(cell, ())}
    bases = {pattern: bases_of(pattern) for pattern in set(users.values())}
    return any(
        patterns.get(place.at(user) or -1) is pattern
        for user, pattern in users.items()
        for place in bases[pattern]
    )


def columns_that_learn(book: Book, flow: Flow, lines: Iterable[WeightColumn]) -> list[WeightColumn]:
    """The lines that learn: what is subtracted from a cell depends on that cell. If the first lines
    of one formula don't, the others aren't examined. A sum that adds a bias isn't its update, if a
    longer line continues from the bias."""
    found: list[WeightColumn] = []
    taken: set[Address] = set()
    longer: set[Address] = set()  # the cells of lines of several updates
    learning: Counter[object] = Counter()
    for line in sorted(lines, key=lambda line: -len(line.cells)):
        kind = book.patterns[line.updates[0]], line.way
        is_sum = len(line.cells) == SINGLE and line.start in longer
        if learning[kind] > -ENOUGH_FIRST_LINES and taken.isdisjoint(line.updates) and not is_sum:
            if any(_depends(book, flow, *step) for step in _some_steps(line)):
                found.append(line)
                taken.update(line.cells, line.updates)
                longer.update(line.cells if len(line.cells) > SINGLE else ())
                learning[kind] += len(line.cells)
            else:
                learning[kind] -= 1
    return _with_own_start(book, flow, _with_own_feedback(book, flow, _in_usual_directions(found)))


def _some_steps(line: WeightColumn) -> list[tuple[Address, Address]]:
    """A few updates, each with the cell that it updates."""
    steps = line.steps
    return [steps[k] for k in sorted({0, 1, len(steps) // 2}) if k < len(steps)]


def _changing(book: Book, flow: Flow, base: Address, cell: Address) -> list[Address]:
    """The cells in what an update subtracts from the base."""
    pattern = book.patterns.get(cell)
    if pattern is None:  # a number was typed there
        return []
    parts = (part for _, part in change(pattern, base, cell))
    texts = dict.fromkeys(reference.text for part in parts for reference in references(part))
    return list(flow.mentioned_cells(map(pattern.mentions.get, texts), cell))


def _depends(book: Book, flow: Flow, base: Address, cell: Address) -> bool:
    """Whether what is subtracted from the base depends on it."""
    start = _changing(book, flow, base, cell)
    if flow.reaches(start, base.__eq__, VERY_NEAR):
        return True
    below = flow.few_below(base)
    if below is not None and below.isdisjoint(start):
        return False
    return flow.depends(start, base.__eq__, base, NEAR)


def _with_own_feedback(book: Book, flow: Flow, lines: Sequence[WeightColumn]) -> list[WeightColumn]:
    """The lines without those that depend on themselves only through others: Adagrad's sums of
    squares do, because the next gradient depends on the weights that they changed."""
    updates = {update for line in lines for _, update in line.steps}
    kept = [line for line in lines if not _is_velocity(flow, line, updates)]
    owner = {cell: line for line in kept for cell in line.cells}
    crossed = {cell for line in kept for cell in _continued_elsewhere(book, flow, line)} - set(
        owner
    )

    def alone(line: WeightColumn, base: Address, cell: Address) -> bool:
        def further(at: Address) -> Iterable[Address]:
            return flow.sources(at) if owner.get(at, line) is line and at not in crossed else ()

        return any(at == base for at in walk(_changing(book, flow, base, cell), further, NEAR))

    return [line for line in kept if any(alone(line, *step) for step in _some_steps(line))]


def _continued_elsewhere(book: Book, flow: Flow, line: WeightColumn) -> Iterator[Address]:
    """The cells of weights that continue from a line by mistake: beneath a number of their own,
    with the same kind of formula."""
    base, update = line.steps[0]
    patterns, stride = book.patterns, line.stride
    for cell in flow.users.get(base, ()) if update in patterns else ():
        is_alike = patterns[cell].makeup == patterns[update].makeup and cell != update
        has_base = is_alike and any(place.at(cell) == base for place in bases_of(patterns[cell]))
        if has_base and _is_number(book, cell - stride):
            yield from range(cell, cell + (len(line.cells) - 1) * stride, stride)


def _is_velocity(flow: Flow, line: WeightColumn, updates: Collection[Address]) -> bool:
    """Whether only updates of other lines use a line."""
    base, cell = line.steps[len(line.steps) // 2]
    users = [user for user in flow.users.get(base, ()) if user != cell]
    return bool(users) and all(user in updates for user in users)


def _with_own_start(book: Book, flow: Flow, lines: Sequence[WeightColumn]) -> list[WeightColumn]:
    """The lines without those that begin with a value computed from other weights: an update that
    was pasted into another column. A line that continues another one after a gap or a differing
    cell is kept."""
    varying = flow.below({cell for line in lines for cell in line.cells})
    ends = {line.cells[-1] for line in lines}

    def is_computed(line: WeightColumn) -> bool:
        pattern = book.patterns.get(line.start)
        if pattern is None or line.start not in varying:
            return False
        before = (line.start - line.stride, *(place.at(line.start) for place in bases_of(pattern)))
        return ends.isdisjoint(before)

    longest = max((len(line.cells) for line in lines), default=0)
    return [line for line in lines if len(line.cells) == longest or not is_computed(line)]


def _in_usual_directions(lines: Sequence[WeightColumn]) -> list[WeightColumn]:
    """The lines without single steps in a direction that no longer line has."""
    ways = {line.stride for line in lines if len(line.cells) > 2}
    kept = [line for line in lines if not ways or len(line.cells) > 2 or line.stride in ways]
    return sorted(kept, key=lambda line: line.start)


# Completing columns ---------------------------------------------------------------------

WIDEST = 3  # cells in a gap
FEWEST = 3  # cells of a weight that isn't updated by a gradient
IN_A_FORM = 2  # the same for a sheet for each step
NEARBY = 16  # the largest distance between such a weight and another
_DIGITS = re.compile(r"\d+")


def join_columns(book: Book, columns: Sequence[WeightColumn]) -> list[WeightColumn]:
    """Join columns that only a pasted or differing cell interrupts. A new run stays separate: all
    columns begin it, or a single one starts again from its initial value."""
    lines: defaultdict[tuple[tuple[int, int], int], list[WeightColumn]] = defaultdict(list)
    for column in sorted(columns, key=lambda column: column.start * _turn(column)):
        lines[column.way, column.axis.beside(column.start)].append(column)
    ends: defaultdict[tuple[int, int], list[int]] = defaultdict(list)  # of the lines side by side
    starts: Counter[tuple[tuple[int, int], int]] = Counter()  # of lines that begin again there
    for (way, _), segments in lines.items():
        ends[way].append(max(part.last * _turn(part) for part in segments))
        starts.update({(way, part.first) for part in segments[1:]})
    for some in ends.values():
        some.sort()
    found: list[WeightColumn] = []
    for (way, _), segments in lines.items():
        found.append(segments[0])
        for part in segments[1:]:
            going_on = len(ends[way]) - bisect_left(ends[way], part.first * _turn(part))
            begun = starts[way, part.first]
            begins = part.start in book.patterns or (
                book.values.get(part.start) == book.values.get(segments[0].start)
            )
            is_new = 2 * begun > going_on if going_on > 1 else begins
            whole = found[-1]
            steps, rest = divmod(part.start - whole.cells[-1], whole.stride)
            if is_new and going_on > 1 and not rest and steps == 1:
                is_new = _begins_anew(book, whole, part)
            if is_new or rest or not 0 < steps <= WIDEST:
                found.append(part)
            else:
                between = range(whole.cells[-1] + whole.stride, part.start, whole.stride)
                updates = (*whole.updates_elsewhere, *part.updates_elsewhere)
                cells = (*whole.cells, *between, *part.cells)
                found[-1] = WeightColumn(cells, whole.stride, () if between else updates)
    return sorted(found, key=lambda column: column.start)


def _turn(column: WeightColumn) -> int:
    """-1 if its steps go up, with the newest on top."""
    return 1 if column.stride > 0 else -1


def _begins_anew(book: Book, whole: WeightColumn, part: WeightColumn) -> bool:
    """Whether a column that directly follows another is a new run: it has other updates, a text
    says so, or it and what stands beside it begin with their initial values. Otherwise the numbers
    of one step were pasted over its formulas. A value that hasn't changed until then, such as the
    weight of a unit whose slope is 0, says nothing, nor does one that pasting may have rounded."""
    values, stride, start = book.values, part.stride, part.start
    first = book.patterns.get(start)
    if first is not None and first.repeated_reference is not None:  # of a typed new weight
        start = first.repeated_reference.at(start) or start
    if not _is_number(book, start):
        return True
    last, first = (book.patterns.get(cell) for cell in (whole.updates[0], part.updates[0]))
    if last is None or first is None or last.shape != first.shape:
        return True
    away, step = part.start - whole.start, 1 if part.axis is DOWN else ROW
    places = [(start, whole.start, whole.cells[-1])]
    for cell in range(part.start - NEARBY * step, part.start + NEARBY * step + 1, step):
        if book.is_text(cell) and not book.is_text(cell - stride):
            return True
        if cell - stride in book.patterns and _is_number(book, cell):
            places.append((cell, cell - away, cell - stride))
    digits = max(_decimals(values[cell]) for cell, *_ in places)
    changed = [place for place in places if values.get(place[1]) != values.get(place[2])]
    back = [place for place in changed if values[place[0]] == values.get(place[1])]
    is_all = bool(back) and len(back) == len(changed)
    return is_all or any(_is_apart(values[now], values.get(last), digits) for now, _, last in back)


def _decimals(number: CellValue) -> int:
    return len(f"{number:.12f}".rstrip("0").partition(".")[2])


def _is_apart(now: CellValue, last: CellValue, digits: int) -> bool:
    """Whether one number isn't the other rounded to so many digits."""
    if not (isinstance(now, float) and isinstance(last, float)):
        return True
    return abs(now - last) > 10.0**-digits


def align_columns(book: Book, columns: Sequence[WeightColumn]) -> list[WeightColumn]:
    """Columns that begin a little late or end a little early, extended to the length of most of
    those beside them."""
    spans: defaultdict[tuple[int, int], Counter[tuple[int, int]]] = defaultdict(Counter)
    for column in columns:
        spans[column.way][column.first, column.last] += 1
    ways = {way: _Overlapping(counts) for way, counts in spans.items()}
    found = []
    for column in columns:
        if column.updates_elsewhere or column.stride < 0:
            found.append(column)
            continue
        firsts, lasts = ways[column.way].most(column.first, column.last)
        late, early = column.first - firsts, lasts - column.last
        before = _filled(book, column, column.start, -1, late)
        after = _filled(book, column, column.cells[-1], 1, early)
        found.append(replace(column, cells=(*reversed(before), *column.cells, *after)))
    return found


class _Overlapping:
    """Spans of parallel columns, and how many columns have each."""

    def __init__(self, counts: Mapping[tuple[int, int], int]) -> None:
        self.counts = counts
        self.number = {span: k for k, span in enumerate(counts)}
        self.spans = sorted(counts)
        self.firsts = [first for first, _ in self.spans]
        self.ends = list(accumulate((last for _, last in self.spans), max))
        self.known: dict[tuple[int, int], tuple[int, int]] = {}

    def most(self, first: int, last: int) -> tuple[int, int]:
        """Where most of the columns begin that overlap this span, and where most of them end."""
        if (first, last) not in self.known:
            k = bisect_right(self.firsts, last)
            low = bisect_left(self.ends, first)
            beside = [span for span in self.spans[low:k] if span[1] >= first]
            firsts, lasts = Counter[int](), Counter[int]()
            for span in sorted(beside, key=self.number.__getitem__):
                firsts[span[0]] += self.counts[span]
                lasts[span[1]] += self.counts[span]
            self.known[first, last] = firsts.most_common(1)[0][0], lasts.most_common(1)[0][0]
        return self.known[first, last]


def _filled(
    book: Book, column: WeightColumn, start: Address, way: int, rows: int
) -> Sequence[Address]:
    """The missing cells of a column, if each has content and they are a few whole steps, unlike
    within a form; otherwise none."""
    steps, rest = divmod(rows, column.stride // column.axis.step)
    if rest or steps > WIDEST:
        return ()
    cells = [start + way * k * column.stride for k in range(1, steps + 1)]
    is_filled = all(c in book.patterns or isinstance(book.values.get(c), float) for c in cells)
    return cells if is_filled else ()


class LinesOfUpdates:
    """All lines of updates of a workbook, by where they are and by how they are updated."""

    def __init__(self, book: Book, lines: Sequence[WeightColumn]) -> None:
        self.book, self.lines = book, lines
        self._by_span: defaultdict[object, list[int]] = defaultdict(list)
        self._by_kind: defaultdict[object, list[int]] = defaultdict(list)
        for k, line in enumerate(lines):
            self._by_span[_span(line)].append(k)
            self._by_kind[self._kind(line, line.updates[0])].append(k)

    def beside(self, columns: Iterable[WeightColumn]) -> list[WeightColumn]:
        """The lines that have the span of one of the columns."""
        numbers = (k for span in set(map(_span, columns)) for k in self._by_span.get(span, ()))
        return [self.lines[k] for k in sorted(numbers)]

    def companions(
        self, columns: Sequence[WeightColumn], learning: Collection[Address]
    ) -> list[WeightColumn]:
        """Lines that are updated like the columns, although nothing of theirs influences them:
        their gradients are pasted, blank or frozen. Lines with cells that learn are left out."""
        patterns = self.book.patterns
        taken = {cell for column in columns for cell in column.cells}
        updates = {cell for column in columns for cell in column.updates[:2] if cell in patterns}
        makeups = {patterns[cell].makeup for cell in updates}
        kinds = {self._kind(c, at) for c in columns for at in updates.intersection(c.updates[:2])}
        alike = {k for kind in kinds for k in self._by_kind.get(kind, ())}
        for span in set(map(_span, columns)):
            numbers = self._by_span.get(span, ())
            alike.update(k for k in numbers if patterns[self.lines[k].updates[0]].makeup in makeups)
        found = []
        for line in (self.lines[k] for k in sorted(alike)):
            if taken.isdisjoint(line.cells) and not any(c in learning for c in line.cells):
                found.append(line)
                taken.update(line.cells)
        return found

    def _kind(self, line: WeightColumn, update: Address) -> object:
        """What lines have in common that are updated with the same settings, on whatever sheets."""
        pattern = self.book.patterns[update]
        places = (place for place in pattern.places if isinstance(place, CellReference))
        fixed = frozenset(place.at(update) for place in places if not place.moves)
        return line.stride, line.first, len(line.cells), pattern.makeup, fixed


def _span(line: WeightColumn) -> object:
    return line.way, line.first, len(line.cells)


# Weights without a proper update --------------------------------------------------------


def with_strays(
    book: Book,
    flow: Flow,
    weights: Sequence[WeightColumn],
    rate: Address | None,
    lines: LinesOfUpdates,
) -> list[WeightColumn]:
    """The weights, and columns of the same length that use their own cells, influence what the
    weights influence, and are recognised by a learning rate or their name."""
    weights = [*weights, *_carried_strays(flow, weights, lines)]
    usual = Counter((w.way, w.first, len(w.cells)) for w in weights if not w.updates_elsewhere)
    if not usual:
        return sorted(weights, key=lambda weight: weight.start)
    kind = max(usual, key=lambda kind: (kind[2] >= FEWEST, usual[kind], kind[2]))
    (_, stride), first, count = kind
    beside = [w for w in weights if (w.way, w.first, len(w.cells)) == kind]
    cut = {w.start for w in weights if (w.way, w.first) == (kind[0], first) and w not in beside}
    taken = {c for w in weights if w.start not in cut for c in (*w.cells, *w.updates)}
    names = {stem_of(book, weight) for weight in beside} - {""}
    starts, step = {weight.start for weight in beside}, 1 if beside[0].axis is DOWN else ROW
    near: Iterable[Address] = range(
        min(starts) - NEARBY * step, max(starts) + NEARBY * step + 1, step
    )
    if beside[0].axis is OVER:  # in a form, weights are beside and beneath each other
        steps = range(-IN_A_FORM, IN_A_FORM + 1)
        every = {s + across + down * ROW for s in starts for across in steps for down in steps}
        near = [c for c in sorted(every - starts) if _is_number(book, c)]
        near = [c for c in near if c + stride in book.patterns]
    columns = []
    for start in near if count >= FEWEST else ():
        cells = tuple(range(start, start + count * stride, stride))
        column = WeightColumn(cells, stride, stray=True)
        if start in starts or not taken.isdisjoint(cells):
            continue
        by_rate = rate is not None and rate in map(flow.plain, flow.sources(column.cells[1]))
        named = stem_of(book, column) in names
        if another_base(book, weights, column) is not None:
            is_weight = True
        elif _continues(book, flow, column):
            is_weight = by_rate or named
        else:  # has a weight's name, and is typed or contains only the change
            is_weight = named and (_is_typed(book, column) or (by_rate and _is_alone(book, column)))
        if is_weight:
            columns.append(column)
    # something other than either's next cells must depend both on it and on other weights: a
    # velocity influences only its own weight, unless that looks ahead by it
    stop = {*taken, *(cell for column in columns for cell in column.cells)}
    theirs = flow.below(starts, stop) if columns else set()
    columns = [c for c in columns if not any(_is_moved_by(book, w, c) for w in weights)]
    leading = (c for c in columns if not theirs.isdisjoint(flow.below([c.start], stop)))
    found = {column.start: column for column in leading}
    rest = (weight for weight in weights if weight.start not in found)
    return sorted([*rest, *found.values()], key=lambda column: column.start)


def _is_moved_by(book: Book, weight: WeightColumn, column: WeightColumn) -> bool:
    """Whether a weight's first update adds or subtracts the column's cell of the same step."""
    base, update = weight.steps[0]
    added = change(book.patterns[update], base, update) if update in book.patterns else ()
    return any(cell_of(book, part, update) == column.cells[1] for _, part in added)


def another_base(
    book: Book, weights: Sequence[WeightColumn], column: WeightColumn
) -> Address | None:
    """The weight of the first step from which a column goes on instead of its own, if its updates
    are made like other weights'."""
    first = column.updates[0]
    pattern = book.patterns.get(first)
    makeups = {
        book.patterns[w.updates[0]].makeup
        for w in weights
        if w.updates[0] in book.patterns and w.start != column.start
    }
    if pattern is None or pattern.makeup not in makeups or not _is_number(book, column.start):
        return None
    bases = {place.at(first) for place in bases_of(pattern)}
    starts = {w.start for w in weights if len(w.cells) == len(column.cells)} - {column.start}
    others = bases & starts
    return others.pop() if column.start not in bases and len(others) == 1 else None


def _carried_strays(
    flow: Flow, weights: Sequence[WeightColumn], lines: LinesOfUpdates
) -> Iterator[WeightColumn]:
    """Lines beside carried weights that also repeat results computed elsewhere with the same rate,
    although these don't depend on the lines."""
    carried = [weight for weight in weights if weight.updates_elsewhere]
    taken = {cell for weight in weights for cell in (*weight.cells, *weight.updates)}
    beside = [
        line
        for line in lines.beside(carried)
        if line.updates_elsewhere and taken.isdisjoint((*line.cells, *line.updates))
    ]
    varying = flow.below(taken) if beside else set()

    def settings(line: WeightColumn) -> set[Address]:
        return {flow.plain(cell) for cell in flow.sources(line.updates[0]) if cell not in varying}

    usual = set().union(*map(settings, carried)) - taken if beside else set()
    for line in beside if usual else ():
        if not usual.isdisjoint(settings(line)):
            yield replace(line, stray=True)


def _is_alone(book: Book, column: WeightColumn) -> bool:
    """Whether a column begins with a number and continues with a single product."""
    said = said_in(book, column.cells[1])
    is_product = said is not None and len(terms(said)) == 1 and len(factors(said).parts) > 1
    return is_product and _is_number(book, column.start)


def _is_typed(book: Book, column: WeightColumn) -> bool:
    """Whether all of a column's cells contain typed numbers, and not only a few different ones."""
    values = {book.values[cell] for cell in column.cells if _is_number(book, cell)}
    return len(values) >= FEWEST and all(_is_number(book, cell) for cell in column.cells)


def _is_number(book: Book, cell: Address) -> bool:
    return isinstance(book.values.get(cell), float) and cell not in book.patterns


def _continues(book: Book, flow: Flow, column: WeightColumn) -> bool:
    """Whether the first cell contains a number, and most others have one formula that uses the cell
    before, or each its own formula that uses the first one, and doesn't only repeat it.

    A formula may use a rounded copy of that cell instead, and then the first cell may be a
    reference to a number. Without rounding such a column contains a rate, copied from the usual
    one.
    """
    formulas = [book.patterns.get(cell) for cell in column.cells[1:]]
    usual, count = Counter(formulas).most_common(1)[0]
    if usual is None or usual.repeated_reference is not None:
        return False
    k = len(formulas) - 1 - formulas[::-1].index(usual)
    before, after = column.cells[k : k + 2]
    sources = flow.sources(after)
    has_rounded = any(rounds(book, s) for s in sources if before in flow.sources(s))
    may_refer = has_rounded or rounds(book, after)
    if not _is_number(book, flow.plain(column.start) if may_refer else column.start):
        return False
    if 2 * count <= len(formulas):
        return all(column.start in flow.sources(cell) for cell in column.cells[1:])
    return has_rounded or not {column.start, before}.isdisjoint(sources)


def rounds(book: Book, cell: Address) -> bool:
    pattern = book.patterns.get(cell)
    every = parts(pattern.form.expression) if pattern and pattern.form else ()
    return any(isinstance(part, Call) and part.function in ROUNDING for part in every)


def stem_of(book: Book, column: WeightColumn) -> str:
    """A heading without its numbers: w12 and w7 have the same one; "" if there is none."""
    return _DIGITS.sub("#", book.label(column.start, column.axis)).lower()
