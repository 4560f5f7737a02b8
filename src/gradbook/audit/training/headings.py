"""What the sheet calls its cells."""

from __future__ import annotations

from bisect import bisect_left

from gradbook.audit.formula.address import Address, column_of, row_of, sheet_of
from gradbook.audit.training.lanes import Lane
from gradbook.audit.workbook.book import Book


def heading(book: Book, lane: Lane) -> str:
    """What stands above a column of weights, or before a row of them."""
    down = lane.down
    return label(book, lane.start, down) or book.called(lane.start, lane.start)


def label(book: Book, cell: Address, down: bool) -> str:
    """The nearest text above a cell, or to the left of it."""
    line, place = (column_of, row_of) if down else (row_of, column_of)
    texts = book.texts(down).get((sheet_of(cell), line(cell)), [])
    before = bisect_left(texts, (place(cell), ""))
    return texts[before - 1][1] if before else ""
