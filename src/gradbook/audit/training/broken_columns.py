"""Lanes put together again where a row broke them, and lanes that others give away."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from gradbook.audit.formula.address import column_of, row_of, sheet_of
from gradbook.audit.formula.factors import factors
from gradbook.audit.formula.pattern import Pattern, Place
from gradbook.audit.training.weight_columns import WeightColumn, terms
from gradbook.audit.workbook.book import Book
from gradbook.targets.excel.grammar import Expression, Number

WIDEST = 3  # cells that a gap may skip


def joined(book: Book, lanes: Sequence[WeightColumn]) -> list[WeightColumn]:
    """Lanes that only a pasted or departing cell interrupts, whole; a new run stays one."""
    lines: defaultdict[tuple[int, int, int], list[WeightColumn]] = defaultdict(list)
    for lane in sorted(lanes, key=lambda lane: lane.start):
        lines[_line(lane)].append(lane)
    breaks: Counter[tuple[int, int, int]] = Counter()
    for parts in lines.values():
        breaks.update(_place(lane) for lane in parts[1:])
    found: list[WeightColumn] = []
    for parts in lines.values():
        whole = parts[0]
        for part in parts[1:]:
            lines_here = _parallel(lines, part)
            everywhere = 2 * breaks[_place(part)] > lines_here
            anew = everywhere if lines_here > 1 else _starts_like(book, parts[0], part)
            if not anew and _follows(whole, part):
                whole = _put_together(whole, part)
            else:
                found.append(whole)
                whole = part
        found.append(whole)
    return sorted(found, key=lambda lane: lane.start)


def _starts_like(book: Book, first: WeightColumn, part: WeightColumn) -> bool:
    """Whether a line goes on from the value that it began with: another run."""
    return part.start in book.patterns or book.values.get(first.start) == book.values.get(
        part.start
    )


def _line(lane: WeightColumn) -> tuple[int, int, int]:
    across = column_of(lane.start) if lane.down else row_of(lane.start)
    return sheet_of(lane.start), lane.stride, across


def _place(lane: WeightColumn) -> tuple[int, int, int]:
    along = row_of(lane.start) if lane.down else column_of(lane.start)
    return sheet_of(lane.start), lane.stride, along


def _parallel(lines: dict[tuple[int, int, int], list[WeightColumn]], lane: WeightColumn) -> int:
    """How many lines of the sheet run the same way and reach so far."""
    sheet, stride, _ = _line(lane)
    return sum(
        1
        for (other, step, _), parts in lines.items()
        if (other, step) == (sheet, stride)
        and _place(parts[-1])[2] + 1 >= 0
        and any(_end(part) >= _place(lane)[2] for part in parts)
    )


def _end(lane: WeightColumn) -> int:
    return row_of(lane.cells[-1]) if lane.down else column_of(lane.cells[-1])


def _follows(whole: WeightColumn, part: WeightColumn) -> bool:
    gap, rest = divmod(part.start - whole.cells[-1], whole.stride)
    return rest == 0 and 0 < gap <= WIDEST


def _put_together(whole: WeightColumn, part: WeightColumn) -> WeightColumn:
    between = range(whole.cells[-1] + whole.stride, part.start, whole.stride)
    return WeightColumn((*whole.cells, *between, *part.cells), whole.stride)


def companions(
    book: Book, lanes: Sequence[WeightColumn], lines: Sequence[WeightColumn]
) -> list[WeightColumn]:
    """Lines that are updated as the lanes are, though nothing of their own comes back to them:
    their gradients are pasted, blank or frozen."""
    taken = {cell for lane in lanes for cell in lane.cells}
    spans = {(_place(lane), len(lane.cells)) for lane in lanes}
    kinds = {
        (_place(lane)[1:], len(lane.cells), _update(book, cell))
        for lane in lanes
        for cell in lane.cells[1:3]
        if cell in book.patterns
    }
    shapes = {shape for _, _, (shape, _) in kinds}
    found = []
    for lane in lines:
        update = _update(book, lane.cells[1])
        here = update[0] in shapes and (_place(lane), len(lane.cells)) in spans
        elsewhere = (_place(lane)[1:], len(lane.cells), update) in kinds
        alike = here or (elsewhere and not _waits(book, lane))
        if alike and taken.isdisjoint(lane.cells):
            found.append(lane)
            taken.update(lane.cells)
    return found


def _update(book: Book, cell: int) -> tuple[str, frozenset[int | None]]:
    """What an update looks like, and the cells that it mentions wherever it stands."""
    pattern = book.patterns[cell]
    fixed = (p.at(cell) for p in pattern.places if isinstance(p, Place) and not p.moves)
    return _makeup(pattern), frozenset(fixed)


def _makeup(pattern: Pattern) -> str:
    """Of what terms and factors a formula is made, in whatever order."""
    if pattern.expression is None:
        return pattern.shape
    found = []
    for sign, term in terms(pattern.expression):
        split = factors(term)
        found.append((sign * split.sign, sorted((_sort(f.part), f.above) for f in split.parts)))
    return str(sorted(found))


def _sort(part: Expression) -> str:
    if isinstance(part, Number):
        return str(part.value)
    return type(part).__name__


def _waits(book: Book, lane: WeightColumn) -> bool:
    """Whether an update mentions a blank: an exercise of its own."""
    cell = lane.cells[1]
    mentioned = (p.at(cell) for p in book.patterns[cell].places if isinstance(p, Place))
    return any(at not in book.patterns and at not in book.values for at in mentioned)


def aligned(book: Book, lanes: Sequence[WeightColumn]) -> list[WeightColumn]:
    """Lanes that begin a little late or end a little early, made as long as those beside them."""
    found = []
    spans: defaultdict[tuple[int, int], Counter[tuple[int, int]]] = defaultdict(Counter)
    for lane in lanes:
        spans[_line(lane)[:2]][_place(lane)[2], _end(lane)] += 1
    for lane in lanes:
        if lane.stride < 0:
            found.append(lane)
            continue
        start, end = _place(lane)[2], _end(lane)
        firsts: Counter[int] = Counter()
        lasts: Counter[int] = Counter()
        for (first, last), count in spans[_line(lane)[:2]].items():
            if first <= end and start <= last:
                firsts[first] += count
                lasts[last] += count
        before = _cells(book, lane.start, -lane.stride, start - firsts.most_common(1)[0][0])
        after = _cells(book, lane.cells[-1], lane.stride, lasts.most_common(1)[0][0] - end)
        found.append(WeightColumn((*reversed(before), *lane.cells, *after), lane.stride))
    return found


def _cells(book: Book, start: int, stride: int, count: int) -> list[int]:
    """So many cells on from a start, where there is something in all of them."""
    if not 0 < count <= WIDEST:
        return []
    cells = [start + k * stride for k in range(1, count + 1)]
    return cells if all(c in book.patterns or _is_number(book, c) for c in cells) else []


def _is_number(book: Book, cell: int) -> bool:
    return isinstance(book.values.get(cell), float)
