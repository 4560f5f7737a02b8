"""Weight columns made whole: broken by a row, begun late, or updated in a way of their own.

Some learn only as those beside them do; some go on by no gradient at all: with a factor around the
whole, or by a bare number.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence

from gradbook.audit.formula.address import DOWN, ROW, Address, sheet_of
from gradbook.audit.formula.expression import factors, once, terms
from gradbook.audit.formula.pattern import CellReference, Pattern
from gradbook.audit.training.weight_columns import WeightColumn, heading
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.targets.excel.language.grammar import Expression, Number

WIDEST = 3  # cells that a gap may skip
FEWEST = 3  # cells of a weight that goes on by something else
NEARBY = 16  # cells from such a weight to another, or fewer
_DIGITS = re.compile(r"\d+")

Update = tuple[str, frozenset[Address | None]]  # of what it is made, and of which fixed cells


def joined(book: Book, columns: Sequence[WeightColumn]) -> list[WeightColumn]:
    """Columns that only a pasted or differing cell interrupts, whole; a new run stays one."""
    lines: defaultdict[tuple[tuple[int, int], int], list[WeightColumn]] = defaultdict(list)
    for column in sorted(columns, key=lambda column: column.start):
        lines[column.way, column.axis.beside(column.start)].append(column)
    breaks = Counter((part.way, part.first) for parts in lines.values() for part in parts[1:])
    found: list[WeightColumn] = []
    for parts in lines.values():
        whole = parts[0]
        for part in parts[1:]:
            beside = sum(
                any(other.last >= part.first for other in others)
                for (way, _), others in lines.items()
                if way == part.way
            )
            everywhere = 2 * breaks[part.way, part.first] > beside
            anew = everywhere if beside > 1 else _starts_like(book, parts[0], part)
            if not (anew or whole.carried or part.carried) and _follows(whole, part):
                between = range(whole.cells[-1] + whole.stride, part.start, whole.stride)
                whole = WeightColumn((*whole.cells, *between, *part.cells), whole.stride)
            else:
                found.append(whole)
                whole = part
        found.append(whole)
    return sorted(found, key=lambda column: column.start)


def _starts_like(book: Book, first: WeightColumn, part: WeightColumn) -> bool:
    """Whether a column goes on from the value that it began with: another run."""
    start, again = book.values.get(first.start), book.values.get(part.start)
    return part.start in book.patterns or start == again


def _follows(whole: WeightColumn, part: WeightColumn) -> bool:
    gap, rest = divmod(part.start - whole.cells[-1], whole.stride)
    return rest == 0 and 0 < gap <= WIDEST


def aligned(book: Book, columns: Sequence[WeightColumn]) -> list[WeightColumn]:
    """Columns that begin a little late or end a little early, made as long as those beside them."""
    spans: defaultdict[tuple[int, int], Counter[tuple[int, int]]] = defaultdict(Counter)
    for column in columns:
        spans[column.way][column.first, column.last] += 1
    return [_aligned(book, column, spans[column.way]) for column in columns]


def _aligned(book: Book, column: WeightColumn, spans: Counter[tuple[int, int]]) -> WeightColumn:
    """A column made to begin and end where most of those do that share some row with it."""
    if column.stride < 0 or column.carried or column.last < column.first:
        return column
    firsts: Counter[int] = Counter()
    lasts: Counter[int] = Counter()
    for (first, last), count in spans.items():
        if first <= column.last and column.first <= last:
            firsts[first] += count
            lasts[last] += count
    late = _steps(column, column.first - firsts.most_common(1)[0][0])
    early = _steps(column, lasts.most_common(1)[0][0] - column.last)
    before = _filled(book, column.start, -column.stride, late)
    after = _filled(book, column.cells[-1], column.stride, early)
    return WeightColumn((*reversed(before), *column.cells, *after), column.stride)


def _steps(column: WeightColumn, rows: int) -> int:
    """How many steps so many rows are; none where they aren't whole ones, as within a form."""
    steps, rest = divmod(rows, column.stride // column.axis.step)
    return 0 if rest else steps


def _filled(book: Book, start: Address, stride: int, count: int) -> list[Address]:
    """So many cells on from a start, where there is something in all of them."""
    cells = [start + k * stride for k in range(1, count + 1)] if count <= WIDEST else []
    filled = (c in book.patterns or isinstance(book.values.get(c), float) for c in cells)
    return cells if all(filled) else []


def companions(
    book: Book, columns: Sequence[WeightColumn], lines: Sequence[WeightColumn]
) -> list[WeightColumn]:
    """Lines that are updated as the columns are, though nothing of their own comes back to them:
    their gradients are pasted, blank or frozen."""
    taken = {cell for column in columns for cell in column.cells}
    spans = {(column.way, column.first, len(column.cells)) for column in columns}
    kinds = {
        (column.stride, column.first, len(column.cells), _update(book, cell))
        for column in columns
        for cell in column.updates[:2]
        if cell in book.patterns
    }
    makeups = {makeup for *_, (makeup, _) in kinds}
    found, known = [], dict[tuple[Pattern, int], Update]()
    for line in lines:
        first = line.updates[0]
        copies = book.patterns[first], sheet_of(first)
        update = known.get(copies) or known.setdefault(copies, _update(book, first))
        here = update[0] in makeups and (line.way, line.first, len(line.cells)) in spans
        elsewhere = (line.stride, line.first, len(line.cells), update) in kinds
        if (here or elsewhere) and taken.isdisjoint(line.cells):
            found.append(line)
            taken.update(line.cells)
    return found


def _update(book: Book, cell: Address) -> Update:
    """What an update is made of, and the cells that it mentions wherever it stands."""
    pattern = book.patterns[cell]
    fixed = (p.at(cell) for p in pattern.places if isinstance(p, CellReference) and not p.moves)
    made_of = _makeup(pattern.form.expression) if pattern.form else pattern.shape
    return made_of, frozenset(fixed)


@once
def _makeup(form: Expression) -> str:
    """Of what terms and factors a formula is made, in whatever order."""
    found = []
    for sign, term in terms(form):
        split = factors(term)
        kinds = (
            (str(f.part.value) if isinstance(f.part, Number) else type(f.part).__name__, f.above)
            for f in split.parts
        )
        found.append((sign * split.sign, sorted(kinds)))
    return str(sorted(found))


# Updated as no weight should be --------------------------------------------------------


def with_strays(
    book: Book, flow: Flow, weights: Sequence[WeightColumn], rate: Address | None
) -> list[WeightColumn]:
    """The weights, and columns that are as long as most, go on from their own cells and lead to
    what theirs lead to, and that a learning rate or their name tells to be weights, too."""
    usual = Counter((w.way, w.first, len(w.cells)) for w in weights if not w.carried)
    if not usual:
        return list(weights)
    way, first, count = max(usual, key=lambda kind: (kind[2] >= FEWEST, usual[kind], kind[2]))
    beside = [w for w in weights if (w.way, w.first, len(w.cells)) == (way, first, count)]
    cut = {w.start for w in weights if w.way == way and w.first == first} - {
        w.start for w in beside
    }
    taken = {c for w in weights if w.start not in cut for c in (*w.cells, *w.updates)}
    names = {_stem(book, weight) for weight in beside}
    columns = []
    for start in _places(beside) if count >= FEWEST else ():
        cells = tuple(range(start, start + count * way[1], way[1]))
        column = WeightColumn(cells, way[1], stray=True)
        if not taken.isdisjoint(cells) or not _goes_on(book, flow, column):
            continue
        by_rate = rate is not None and rate in map(flow.plain, flow.sources(cells[1]))
        if by_rate or _stem(book, column) in names:
            columns.append(column)
    found = {column.start: column for column in _leading(flow, columns, beside, taken)}
    rest = (weight for weight in weights if weight.start not in found)
    return sorted([*rest, *found.values()], key=lambda column: column.start)


def _places(weights: Sequence[WeightColumn]) -> Iterator[Address]:
    """Where columns among the weights or near them would start."""
    step = 1 if weights[0].axis is DOWN else ROW
    starts = {weight.start for weight in weights}
    among = range(min(starts) - NEARBY * step, max(starts) + NEARBY * step + 1, step)
    return (start for start in among if start not in starts)


def _leading(
    flow: Flow,
    columns: Sequence[WeightColumn],
    weights: Sequence[WeightColumn],
    taken: Collection[Address],
) -> Iterator[WeightColumn]:
    """The columns from which something is computed that depends on weights too, other than what
    either goes on to: a velocity leads to its weight alone."""
    stop = {*taken, *(cell for column in columns for cell in column.cells)}
    theirs = flow.below([weight.start for weight in weights], stop) if columns else set()
    for column in columns:
        if not theirs.isdisjoint(flow.below([column.start], stop)):
            yield column


def _goes_on(book: Book, flow: Flow, column: WeightColumn) -> bool:
    """Whether a number stands in the first cell, and most others have one formula that is made of
    the cell before, or each its own made of the first one, and doesn't only repeat it."""
    if not isinstance(book.values.get(column.start), float) or column.start in book.patterns:
        return False
    formulas = [book.patterns.get(cell) for cell in column.cells[1:]]
    usual, count = Counter(formulas).most_common(1)[0]
    if usual is None or usual.repeated is not None:
        return False
    if 2 * count <= len(formulas):
        return all(column.start in flow.sources(cell) for cell in column.cells[1:])
    k = len(formulas) - 1 - formulas[::-1].index(usual)
    return not {column.start, column.cells[k]}.isdisjoint(flow.sources(column.cells[k + 1]))


def _stem(book: Book, column: WeightColumn) -> str:
    """A heading without its numbers: w12 and w7 have one name."""
    return _DIGITS.sub("#", heading(book, column)).lower()
