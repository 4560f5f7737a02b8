"""Reads a workbook: its sheets, shared strings, formulas (shared and array ones), names, values.

Only what formulas need is read. Styles aren't, because some programs write them wrongly.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from os import PathLike

from gradbook import limits
from gradbook.archives import SMALL
from gradbook.cells.book import (
    Book,
    Gaps,
    RepeatedPart,
    RowSpan,
    SheetPart,
    leave_out_widest,
    quote_title,
)
from gradbook.cells.computed_places import close_ranges, mentions_lines
from gradbook.cells.declared_tables import read_tables
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import (
    MOST_COLUMNS,
    ROW,
    Address,
    column_of,
    name_of,
    pack,
    row_of,
    sheet_of,
)
from gradbook.cells.formula.formula_values import LONGEST_TEXT
from gradbook.cells.formula.pattern import Pattern, Reader
from gradbook.cells.formula.syntax import write
from gradbook.cells.package import (
    Package,
    TextElement,
    WorkbookError,
    is_opendocument,
    local,
    package,
    relations_part,
    resolve_target,
)
from gradbook.cells.sheet_rows import BookCells, SheetRows
from gradbook.language.message import Message

PROPERTIES = ("docProps/core.xml", "meta.xml")
OTHER_WORDS = {  # OpenDocument's words for Excel's properties
    "creator": "lastModifiedBy",
    "initial-creator": "creator",
    "creation-date": "created",
    "date": "modified",
}


def read_book(path: str | PathLike[str], *, every_row: bool = False) -> Book:
    """The workbook at `path`; a WorkbookError says in one line why it can't be read.

    Rows that repeat others, in large books, are left out unless every row is needed.
    """
    with package(path) as parts:
        return book_of(parts, every_row=every_row)


def book_of(parts: Package, *, every_row: bool = False) -> Book:
    if is_opendocument(parts):
        from gradbook.cells.opendocument import read_opendocument

        book = read_opendocument(parts, every_row=every_row)
    else:
        book = _read_excel(parts, every_row=every_row)
    resolve_spills(book)
    close_lines(book)
    leave_out_widest(book)
    leave_out_unread(book)
    with suppress(WorkbookError):  # nothing depends on them
        book.properties = _properties(parts)
    return book


def _read_excel(parts: Package, *, every_row: bool = False) -> Book:
    main = main_part(parts)
    related = relations_of(parts, main)
    worksheets = {name: part for name, (kind, part) in related.items() if kind == "worksheet"}
    book = Book()
    for title, relation, hidden in _workbook(parts, main, book):
        if relation in worksheets:
            book.sheets.append(SheetPart(title, worksheets[relation], hidden))
    if not book.sheets:
        raise WorkbookError(Message("it has no sheets of cells: save it again as .xlsx"))
    numbers = {sheet.title.lower(): k for k, sheet in enumerate(book.sheets)}
    book.reader = Reader(numbers, book.names)
    for number, sheet in enumerate(book.sheets):
        names = related_parts(relations_of(parts, sheet.part), "table")
        for name, table in read_tables(parts, names, number, quote_title(sheet.title)):
            book.tables.setdefault(name, table)
    strings = _strings(parts, related_parts(related, "sharedStrings"))
    size = sum(parts.size(sheet.part) for sheet in book.sheets)
    cells = BookCells(book, strings, size, every_row=every_row)
    for number in sorted(range(len(book.sheets)), key=lambda k: book.sheets[k].is_hidden):
        part = book.sheets[number].part
        cells.next_sheet(number, parts.size(part))
        SheetRows(cells).read(parts, part)
    cells.end_row()
    return book


def main_part(parts: Package) -> str:
    """The name of the part that lists the sheets."""
    if "xl/workbook.xml" in parts:
        return "xl/workbook.xml"
    for target in related_parts(relations_of(parts, ""), "officeDocument"):
        if target.endswith("workbook.xml"):
            return target
    raise WorkbookError(Message("it isn't a workbook: save it as .xlsx"))


Relations = dict[str, tuple[str, str]]  # by id: the kind of relation, and the part it leads to


def related_parts(relations: Relations, wanted: str) -> list[str]:
    return [part for kind, part in relations.values() if kind == wanted]


def relations_of(parts: Package, of: str) -> Relations:
    """The parts inside the package to which a part is related, by id."""
    relations: Relations = {}

    def keep(element: TextElement) -> None:
        if element.tag == "Relationship" and element.attributes.get("TargetMode") != "External":
            part = resolve_target(of, element.attributes.get("Target", ""))
            if part in parts:
                kind = element.attributes.get("Type", "").rpartition("/")[2]
                relations[element.attributes.get("Id", "")] = kind, part

    if relations_part(of) in parts:
        parts.each(relations_part(of), keep)
    return relations


def _workbook(parts: Package, part: str, book: Book) -> list[tuple[str, str, bool]]:
    """The sheets' titles, relations, and whether they are hidden; also fills in the book's
    names."""
    sheets: list[tuple[str, str, bool]] = []

    def keep(element: TextElement) -> None:
        attributes = element.attributes
        match element.tag:
            case "calcPr":
                book.recalculates = attributes.get("fullCalcOnLoad", "0") in ("1", "true")
                book.iterates = attributes.get("iterate", "0") in ("1", "true")
            case "sheet":
                relation = next((v for k, v in attributes.items() if local(k) == "id"), "")
                hidden = attributes.get("state", "visible") != "visible"
                sheets.append((attributes.get("name", ""), relation, hidden))
            case "definedName" if attributes.get("name"):
                scope = f"{attributes['localSheetId']}!" if attributes.get("localSheetId") else ""
                book.names[scope + attributes["name"].lower()] = element.text.strip()

    parts.each(part, keep)
    return sheets


def _properties(parts: Package) -> dict[str, str]:
    """The author, who saved the book last, and when."""
    elements: list[TextElement] = []
    for part in PROPERTIES:
        if part in parts and parts.size(part) <= SMALL:
            parts.each(part, elements.append)
    words = OTHER_WORDS if is_opendocument(parts) else {e.tag: e.tag for e in elements}
    return {words[e.tag]: e.text.strip() for e in elements if e.tag in words}


def _strings(parts: Package, names: Sequence[str]) -> list[str]:
    strings: list[str] = []
    pieces: list[str] = []

    def keep(element: TextElement) -> None:
        if element.tag == "t" and element.around != "rPh":  # rPh: the pronunciation of a word
            pieces.append(element.text)
        elif element.tag == "si":
            strings.append("".join(pieces)[:LONGEST_TEXT])
            pieces.clear()
            if len(strings) > limits.STRINGS.most:
                what = Message(
                    "it has more than {limit} texts: too large to check", limit=str(limits.STRINGS)
                )
                raise WorkbookError(what)

    for part in names:
        parts.each(part, keep)
    return strings


# Arrays that spill --------------------------------------------------------------------

_SPILLED = re.compile(r"(?:_xlfn\.)?ANCHORARRAY\(([^()]*)\)", re.IGNORECASE)


def resolve_spills(book: Book) -> None:
    """Write A1#, the array that begins in A1, as the range that it fills."""
    if not book.spills:
        return
    spilled = {p for p in set(book.patterns.values()) if _SPILLED.search(p.text)}
    for cell, pattern in list(book.patterns.items()):
        if pattern in spilled:
            text = book.arrays.get(cell) or pattern.text_at(cell)
            anchor = _anchor(book, cell) if cell in book.arrays else cell
            resolved = _SPILLED.sub(partial(_filled_range, book, anchor), text)
            book.typed.setdefault(cell, text)
            if anchor != cell or cell in book.arrays:
                down, right = row_of(cell) - row_of(anchor), column_of(cell) - column_of(anchor)
                resolved = book.reader.element(resolved, anchor, down, right)
            book.patterns[cell] = book.reader.pattern(resolved, cell)


def _anchor(book: Book, cell: Address) -> Address:
    """The first cell of an array formula."""
    for anchor, (rows, columns) in book.spills.items():
        down, right = row_of(cell) - row_of(anchor), column_of(cell) - column_of(anchor)
        if 0 <= down < rows and 0 <= right < columns and sheet_of(cell) == sheet_of(anchor):
            return anchor
    return cell


def _filled_range(book: Book, home: Address, match: re.Match[str]) -> str:
    start = book.reader.cell(match[1], home)
    size = book.spills.get(start) if start is not None else None
    if start is None or size is None:
        return match[0]
    last = name_of(start + (size[0] - 1) * ROW + size[1] - 1)
    return match[1] if size == (1, 1) else f"{match[1].replace('$', '')}:{last}"


# Rows that weren't kept -------------------------------------------------------
#
# Formulas that refer to them are left out too, because they would seem to refer to blank cells.


def close_lines(book: Book) -> None:
    """End the whole columns and rows that formulas mention at the last used cell of their sheet."""
    rows, columns = Counter[int](), Counter[int]()
    with_lines = {pattern for pattern in set(book.patterns.values()) if mentions_lines(pattern)}
    if not with_lines:
        return
    for cell in (*book.values, *book.patterns):
        sheet = sheet_of(cell)
        rows[sheet] = max(rows[sheet], row_of(cell) + 1)
        columns[sheet] = max(columns[sheet], column_of(cell) + 1)
    for part in book.repeated_parts:
        rows[part.sheet] = max(rows[part.sheet], part.last + 1)
    for cell, pattern in list(book.patterns.items()):
        expression = book.read_typed(cell).expression if pattern in with_lines else None
        if expression is not None:
            home = sheet_of(cell)

            def last_cell(title: str, home: int = home) -> tuple[int, int]:
                number = book.sheet_number(title.strip("'").replace("''", "'")) if title else home
                sheet = home if number is None else number
                return max(1, rows[sheet]), max(1, columns[sheet])

            closed = close_ranges(expression, last_cell)
            if closed != expression:
                book.typed.setdefault(cell, pattern.text_at(cell))
                book.patterns[cell] = book.reader.pattern(write(closed), cell)


def leave_out_unread(book: Book) -> None:
    """Forget formulas that refer to rows that weren't kept, and all that depends on them."""
    spans = book.not_kept
    if not spans:
        return
    direct = set(_mentioning(book, Gaps(spans)))
    book.repeated_parts = [replace(part, tail=_tail(book, part)) for part in book.repeated_parts]
    _forget(book, direct)  # first, since these are often most of the sheet's formulas
    computed = Flow(book).below(direct) if direct else set()
    _forget(book, computed)
    _list_as_unread(book, direct | computed)


def _forget(book: Book, cells: Iterable[Address]) -> None:
    for cell in cells:
        book.patterns.pop(cell, None)
        book.values.pop(cell, None)


def _tail(book: Book, part: RepeatedPart) -> frozenset[int]:
    """The columns that repeat in the next row as well, although the whole row doesn't."""
    up = part.period * ((part.last - part.first + 1) // part.period + 1)
    row = [pack(part.sheet, part.last + 1, column) for column in range(MOST_COLUMNS)]
    return frozenset(
        column
        for column, cell in enumerate(row)
        if (pattern := book.patterns.get(cell)) and book.patterns.get(cell - up * ROW) is pattern
    )


def _list_as_unread(book: Book, left_out: set[Address]) -> None:
    """List the rows directly below repeating ones as unread if formulas of theirs were left out."""
    after = {(part.sheet, part.last + 1): part.tail for part in book.repeated_parts}
    rows = {
        (place, column_of(cell))
        for cell in left_out
        if (place := (sheet_of(cell), row_of(cell))) in after
    }
    for sheet, row in sorted({place for place, column in rows if column not in after[place]}):
        book.unread.append(RowSpan(sheet, row, row))


def _mentioning(book: Book, gaps: Gaps) -> Iterator[Address]:
    """The formulas that refer to these rows directly."""

    @cache
    def may_refer(pattern: Pattern, sheet: int) -> bool:  # most formulas mention no sheet with gaps
        sheets = (sheet if at.sheet is None else at.sheet for at in pattern.corners)
        return not gaps.sheets.isdisjoint(sheets)

    for cell, pattern in book.patterns.items():
        if may_refer(pattern, sheet_of(cell)):
            corners = (place.corners(cell) for place in pattern.places)
            if any(gaps.meet(c[0], c[1], c[3]) for c in corners if c):
                yield cell
