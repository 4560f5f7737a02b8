"""Parts of a book that were not kept: rows that repeat those above, and what was too much to read.

Formulas that refer to them are left out as well, for they look like formulas that refer to blanks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from gradbook.audit.formula.address import Address, pack, row_of, sheet_of
from gradbook.audit.formula.pattern import CellReference, Pattern
from gradbook.audit.workbook.book import Book, RowSpan, StandIn
from gradbook.audit.workbook.flow import Flow
from gradbook.audit.workbook.repeated_rows import RepeatedPart

APART = 4  # periods from one row in another's place to the next


def look_at_departing(book: Book) -> None:
    """Write the cells in which single rows depart into similar rows that were kept, since the rows
    around them weren't."""
    used: Counter[RepeatedPart] = Counter()
    for departing in book.departing:
        row, sheet = departing.row, departing.sheet
        part = next(p for p in book.repeated if p.sheet == sheet and p.first <= row <= p.last)
        back = part.period * (2 + APART * used[part])
        place = part.first + (row - part.first) % part.period - back
        cells = [
            (pack(sheet, place, column), there, usual) for column, there, usual in departing.cells
        ]
        if place > 0 and all(_is_usual(book, *cell) for cell in cells):
            used[part] += 1
            book.stand_ins.append(StandIn(sheet, place, row, part.period))
            for cell, content, _ in cells:
                _put(book, cell, content)
        else:
            book.unread.append(RowSpan(sheet, row, row))


def _is_usual(book: Book, cell: Address, content: object, usual: object) -> bool:
    """Whether a cell holds what is usual, and what departs from it can stand there."""
    there = book.patterns.get(cell) or type(book.values.get(cell))
    singles = content.places if isinstance(content, Pattern) else ()
    cells = (place for place in singles if isinstance(place, CellReference))
    return there is usual and all(place.at(cell) is not None for place in cells)


def _put(book: Book, cell: Address, content: object) -> None:
    book.patterns.pop(cell, None)
    book.values.pop(cell, None)
    if isinstance(content, Pattern):
        book.patterns[cell] = content
        book.recalculates = True  # its value is none that the file has
    elif isinstance(content, float | str | bool):
        book.values[cell] = content


def leave_out_unread(book: Book) -> None:
    """Forget the formulas that refer to rows that weren't kept, and what is computed from those."""
    spans = book.not_kept
    if not spans:
        return
    direct = set(_mentioning(book, spans))
    _forget(book, direct)  # before all that they refer to is followed: often it is most of a sheet
    computed = Flow(book).below(direct) if direct else set()
    _forget(book, computed)
    _list_as_unread(book, direct | computed)


def _forget(book: Book, cells: Iterable[Address]) -> None:
    for cell in cells:
        book.patterns.pop(cell, None)
        book.values.pop(cell, None)


def _list_as_unread(book: Book, left_out: set[Address]) -> None:
    """List as unread the rows right below repeating ones that were left out because of them."""
    after = {(part.sheet, part.last + 1) for part in book.repeated}
    rows = sorted({(sheet_of(c), row_of(c)) for c in left_out} & after)
    for sheet, row in rows:
        book.unread.append(RowSpan(sheet, row, row))


def _mentioning(book: Book, spans: Sequence[RowSpan]) -> Iterator[Address]:
    """The formulas that refer to some rows themselves."""
    homes: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for cell, pattern in book.patterns.items():
        homes[pattern].append(cell)
    gaps = {sheet: _Gaps(spans, sheet) for sheet in {span.sheet for span in spans}}
    for pattern, cells in homes.items():
        for place in dict.fromkeys(pattern.places):
            ends = (place, place) if isinstance(place, CellReference) else (place.first, place.last)
            own = gaps.get(sheet_of(cells[0]) if ends[0].sheet is None else ends[0].sheet)
            if own is not None:
                yield from (cell for cell in cells if own.meets(*ends, row_of(cell)))


class _Gaps:
    """The rows of one sheet that weren't kept."""

    def __init__(self, spans: Sequence[RowSpan], sheet: int) -> None:
        here = sorted((span.first, span.last) for span in spans if span.sheet == sheet)
        self.firsts = [first for first, _ in here]
        self.lasts = [last for _, last in here]

    def meets(self, start: CellReference, end: CellReference, row: int) -> bool:
        """Whether a reference from some row leads into them."""
        one = start.row if start.row_fixed else row + start.row
        other = end.row if end.row_fixed else row + end.row
        top, bottom = (one, other) if one <= other else (other, one)
        before = bisect_right(self.firsts, bottom)
        return before > 0 and self.lasts[before - 1] >= top
