"""Notes and findings for rows that weren't examined: they repeat others, or there are too many."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gradbook.audit.findings import RIGHT, Finding, SheetReport
from gradbook.cells.book import Book, RepeatedPart, RowSpan
from gradbook.cells.formula.address import (
    MOST_ROWS,
    ROW,
    Address,
    cells_of,
    column_of,
    letters,
    name_of,
    ranges,
    row_of,
)
from gradbook.cells.formula.pattern import move_formula
from gradbook.language.message import Message, change_parts, joined, message_count

SHOWN = 3  # parts of a book that are listed
_NAME = re.compile(r"\b([A-Z]{1,3})([0-9]{1,7})\b")
BACK = 3  # the last rows that were examined; they may refer to the next


def not_looked_at(what: str) -> Message:
    """A note on something that wasn't examined, or why."""
    return Message("not examined further: {what}", what=what)


def extend_to_all_rows(book: Book, sheets: Iterable[SheetReport]) -> list[SheetReport]:
    """The reports, extended to the rows that repeat examined ones."""
    return [_of_all_rows(book, sheet) for sheet in sheets] if book.repeated_parts else list(sheets)


def _of_all_rows(book: Book, sheet: SheetReport) -> SheetReport:
    number, rows = book.sheet_number(sheet.sheet), sheet.rows
    places = {  # the distance from each stand-in row to the real one
        stand_in.row + further: stand_in.real - stand_in.row
        for stand_in in book.stand_ins
        if stand_in.sheet == number
        for further in range(stand_in.period + 1)
    }
    findings = [_of_real_rows(book, finding, places) for finding in sheet.findings]
    for part in book.repeated_parts:
        if part.sheet == number:
            findings = [_repeated(book, finding, part) for finding in findings]
            if rows and part.first - part.period - BACK < rows[1] <= part.first:
                rows = rows[0], part.last + 1
    return replace(sheet, rows=rows, findings=tuple(findings))


def _of_real_rows(book: Book, finding: Finding, places: Mapping[int, int]) -> Finding:
    """A finding in stand-in rows, moved to the real rows."""
    cells = finding.cells_in(book)
    if not cells or not {row_of(cell) for cell in cells} <= places.keys():
        return finding
    away = {cell: places[row_of(cell)] for cell in cells}
    first, by = row_of(cells[0]), away[cells[0]]

    def move(name: re.Match[str]) -> str:
        """The name of a nearby cell, moved down; any other name unchanged."""
        row = int(name[2])
        return f"{name[1]}{row + by}" if abs(row - 1 - first) <= BACK else name[0]

    return replace(
        finding,
        cells=ranges(cell + ROW * rows for cell, rows in away.items()),
        formula=move_formula(finding.formula, by, 0),
        expected=move_formula(finding.expected, by, 0),
        why=change_parts(finding.why, lambda text: _NAME.sub(move, text)),
        fixes={
            name_of(cell + ROW * rows): move_formula(finding.fixes[name_of(cell)], rows, 0)
            for cell, rows in away.items()
            if name_of(cell) in finding.fixes
        },
    )


def _repeated(book: Book, finding: Finding, part: RepeatedPart) -> Finding:
    """A finding extended to the cells that repeat its last ones, with their right formulas."""
    cells = set(cells_of(finding.cells, part.sheet))
    fixes = dict(finding.fixes)
    for cell in sorted(cells):
        if not _continues(book, cell, part):
            continue
        fix = finding.fixes.get(name_of(cell))
        right = book.reader.pattern(fix.removeprefix("="), cell) if fix else None
        last = part.last + (column_of(cell) in part.tail)
        for row in range(row_of(cell) + part.period, last + 1, part.period):
            other = cell + ROW * (row - row_of(cell))
            cells.add(other)
            if right is not None:
                fixes[name_of(other)] = f"={right.text_at(other)}"
    return replace(finding, cells=ranges(cells), fixes=fixes)


def _continues(book: Book, cell: Address, part: RepeatedPart) -> bool:
    """Whether the rows that weren't kept have copies of a cell: its formula is also in the last
    rows that were kept. The finding may lack the very last row, since nothing follows it."""
    first = part.first - part.period
    last = cell + ROW * part.period * -(-max(first - row_of(cell), 0) // part.period)
    patterns = book.patterns
    in_last = first - BACK <= row_of(cell) < part.first
    return in_last and (last == cell or patterns.get(last) is patterns.get(cell) is not None)


def notes_on(book: Book, verdict: str) -> tuple[str, ...]:
    """The notes on a book that wasn't examined completely. If all gradients are right, neither rows
    that repeat others nor formulas that couldn't be followed are mentioned."""
    notes: list[str] = []
    spans = [RowSpan(part.sheet, part.first, part.last) for part in book.repeated_parts]
    spans, unread = (  # others aren't judged
        [span for span in some if not book.sheets[span.sheet].is_hidden]
        for some in (spans, book.unread)
    )
    left: list[str] = []
    if spans and verdict != RIGHT:
        notes.append(
            Message(
                "examined together with the rows above that they repeat: {rows}",
                rows=_named(book, spans),
            )
        )
    if book.too_wide and verdict != RIGHT:
        first = book.name_of(book.too_wide[0])
        left.append(Message("formulas with very many cells or parts, such as {cell}", cell=first))
    if book.outside:
        cells = _outside(book)
        left.append(Message("{cells}, which are beyond the last cell of a sheet", cells=cells))
    if unread:
        rows = _named(book, unread)
        left.append(Message("{rows} and what is computed from them", rows=rows))
    return (*notes, *map(not_looked_at, left))


def _outside(book: Book) -> str:
    """Cells beyond the end of a sheet: the first few, and how many more."""
    some = ", ".join(
        f"{book.sheets[sheet].title}!{letters(column)}{row + 1}"
        for sheet, row, column in book.outside[:SHOWN]
    )
    more = len(book.outside) - SHOWN
    if more <= 0:
        return some
    return message_count(
        "{cells} and {count} more such cell",
        "{cells} and {count} more such cells",
        more,
        cells=some,
    )


def _named(book: Book, spans: Sequence[RowSpan]) -> str:
    """Rows of sheets: the first few, and how many more."""
    some = joined(", ", (_one_named(book, span) for span in spans[:SHOWN]))
    more = len(spans) - SHOWN
    if more <= 0:
        return some
    return message_count(
        "{rows} and {count} more such part", "{rows} and {count} more such parts", more, rows=some
    )


def _one_named(book: Book, span: RowSpan) -> str:
    title, first = book.sheets[span.sheet].title, f"{span.first + 1:,}"
    if span.first == span.last:
        return Message("{sheet} row {row}", sheet=title, row=first)
    if span.last == MOST_ROWS - 1:
        return Message("{sheet} from row {row}", sheet=title, row=first)
    return Message(
        "{sheet} rows {first} to {last}", sheet=title, first=first, last=f"{span.last + 1:,}"
    )
