"""What is told of rows that weren't looked at one by one: they repeat others, or are too many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce

from gradbook.amounts import counted
from gradbook.audit.findings.findings import Finding, SheetReport
from gradbook.audit.formula.address import MOST_ROWS, ROW, cells_of, ranges, row_of
from gradbook.audit.workbook.book import Book, RowSpan
from gradbook.audit.workbook.repeated_rows import RepeatedPart

NOT_LOOKED_AT = "not looked at further"
SHOWN = 3  # parts of a book that are named
BACK = 3  # rows at the end of what was looked at that may refer to what follows


def told_of_all_rows(book: Book, sheets: Iterable[SheetReport]) -> list[SheetReport]:
    """The reports, said of the rows, too, that repeat those which were looked at."""
    return [_of_all_rows(book, sheet) for sheet in sheets] if book.repeated else list(sheets)


def _of_all_rows(book: Book, sheet: SheetReport) -> SheetReport:
    number = book.sheet_number(sheet.sheet)
    return reduce(_with_part, (part for part in book.repeated if part.sheet == number), sheet)


def _with_part(sheet: SheetReport, part: RepeatedPart) -> SheetReport:
    findings = tuple(_finding(finding, part) for finding in sheet.findings)
    rows = sheet.rows
    if rows and _leads_on(rows[1] - 1, part):
        rows = rows[0], part.last + 1
    return replace(sheet, rows=rows, findings=findings)


def _leads_on(last: int, part: RepeatedPart) -> bool:
    """Whether what ends in a row goes on in those that repeat."""
    return part.first - part.period - BACK <= last < part.first


def _finding(finding: Finding, part: RepeatedPart) -> Finding:
    """A finding with the cells that repeat its last ones."""
    cells = set(cells_of(finding.cells, part.sheet))
    again = {
        cell + ROW * further
        for cell in cells
        if _leads_on(row_of(cell), part)
        for further in range(part.period, part.last - row_of(cell) + 1, part.period)
    }
    return replace(finding, cells=ranges(cells | again)) if again else finding


def notes_on(book: Book) -> tuple[str, ...]:
    """What is to be said of a book that wasn't looked at cell by cell."""
    notes = []
    if book.repeated:
        spans = [RowSpan(part.sheet, part.first, part.last) for part in book.repeated]
        notes.append(
            f"looked at as one with the rows above that they repeat: {_named(book, spans)}"
        )
    if book.too_wide:
        first = book.called(book.too_wide[0])
        notes.append(f"{NOT_LOOKED_AT}: formulas of very many cells or parts, as in {first}")
    if book.unread:
        what = f"{_named(book, book.unread)} and what is computed from there"
        notes.append(f"{NOT_LOOKED_AT}: {what}")
    return tuple(notes)


def _named(book: Book, spans: Sequence[RowSpan]) -> str:
    """Rows of sheets: the first few, and how many more."""
    some = ", ".join(_one_named(book, span) for span in spans[:SHOWN])
    more = len(spans) - SHOWN
    return f"{some} and {counted(more, 'more such part')}" if more > 0 else some


def _one_named(book: Book, span: RowSpan) -> str:
    title = book.sheets[span.sheet].title
    if span.first == span.last:
        return f"{title} row {span.first + 1:,}"
    if span.last == MOST_ROWS - 1:
        return f"{title} from row {span.first + 1:,}"
    return f"{title} rows {span.first + 1:,} to {span.last + 1:,}"
