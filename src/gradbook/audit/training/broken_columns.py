"""Weight columns made whole: broken by a row, begun late, or learning only as those beside them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.expression import factors, terms
from gradbook.audit.formula.pattern import CellReference, Pattern
from gradbook.audit.training.weight_columns import WeightColumn
from gradbook.audit.workbook.book import Book
from gradbook.targets.excel.language.grammar import Number

WIDEST = 3  # cells that a gap may skip


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
    found = []
    for line in lines:
        update = _update(book, line.updates[0])
        here = update[0] in makeups and (line.way, line.first, len(line.cells)) in spans
        elsewhere = (line.stride, line.first, len(line.cells), update) in kinds
        if (here or elsewhere) and taken.isdisjoint(line.cells):
            found.append(line)
            taken.update(line.cells)
    return found


def _update(book: Book, cell: Address) -> tuple[str, frozenset[Address | None]]:
    """What an update is made of, and the cells that it mentions wherever it stands."""
    pattern = book.patterns[cell]
    fixed = (p.at(cell) for p in pattern.places if isinstance(p, CellReference) and not p.moves)
    return _makeup(pattern), frozenset(fixed)


def _makeup(pattern: Pattern) -> str:
    """Of what terms and factors a formula is made, in whatever order."""
    if pattern.expression is None:
        return pattern.shape
    found = []
    for sign, term in terms(pattern.expression):
        split = factors(term)
        kinds = (
            (str(f.part.value) if isinstance(f.part, Number) else type(f.part).__name__, f.above)
            for f in split.parts
        )
        found.append((sign * split.sign, sorted(kinds)))
    return str(sorted(found))
