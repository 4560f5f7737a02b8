"""Reads an OpenDocument spreadsheet, as LibreOffice and others save it, into the same `Book`.

All its sheets are in one part. The first pass finds what formulas refer to: the sheets, and the
names, which come after them; the second pass keeps the cells, within the same limits as for Excel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from xml.parsers import expat

from gradbook.archives import SMALL
from gradbook.cells.book import Book, SheetPart
from gradbook.cells.formula.address import MOST_COLUMNS, MOST_ROWS, letters
from gradbook.cells.formula.pattern import Reader
from gradbook.cells.formula.syntax import LONGEST_FORMULA
from gradbook.cells.openformula import WHAT_IF, translate, translate_place
from gradbook.cells.package import CONTENT, ENCRYPTED, Package, WorkbookError
from gradbook.cells.sheet_rows import MOST_LETTERS, BookCells, EnoughRead
from gradbook.language.message import Message

MANIFEST = "META-INF/manifest.xml"
Attributes = Mapping[str, str]

_SPACE = "urn:oasis:names:tc:opendocument:xmlns:"
OFFICE, TABLE, TEXT, STYLE, DRAWING = (
    f"{_SPACE}{name}:1.0 " for name in ("office", "table", "text", "style", "drawing")
)
CALC = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 "
SHEET, ROW = f"{TABLE}table", f"{TABLE}table-row"
CELLS = (f"{TABLE}table-cell", f"{TABLE}covered-table-cell")
PARAGRAPH = f"{TEXT}p"
ASIDE = {  # elements with cells or texts that aren't part of the sheet
    *(OFFICE + name for name in ("annotation", "forms")),
    *(TABLE + name for name in ("shapes", "tracked-changes", "dde-links", "content-validations")),
    f"{TEXT}ruby-text",
}
ANOTHER_BOOKS = "'#$"  # in the title of a sheet that caches data from another book
FIRST_DAY = datetime(1899, 12, 30)
_TIME = re.compile(r"(-?)PT(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6}(?:[.,]\d{1,12})?)S)?")
_SPACES = {str(count) for count in range(1, 100)}  # spaces that one element may represent
WORDIER = 3  # bytes per byte of Excel's files for the same content
ONE_DAY = timedelta(days=1)
MOST_TRANSLATED = 4 * LONGEST_FORMULA  # characters: it is shorter in Excel's grammar


def read_opendocument(parts: Package, *, every_row: bool = False) -> Book:
    listed = parts.bytes_of(MANIFEST) if 0 < parts.size(MANIFEST) <= SMALL else b""
    if b"encryption-data" in listed or "encrypted-package" in parts:
        raise WorkbookError(ENCRYPTED)
    book = Book()
    outline = _SheetList(book)
    parts.parse(CONTENT, outline.begin, outline.end, reader=open_parser())
    if not book.sheets:
        raise WorkbookError(Message("it has no sheets of cells: save it again as .ods or .xlsx"))
    book.reader = Reader({s.title.lower(): k for k, s in enumerate(book.sheets)}, book.names)
    size = parts.size(CONTENT) // WORDIER
    reading = CellReading(BookCells(book, [], size, every_row=every_row), outline.first_day)
    parts.parse(CONTENT, reading.begin, reading.end, reading.characters, reader=open_parser())
    reading.cells.end_row()
    return book


def open_parser() -> expat.XMLParserType:
    """A parser that resolves namespaces: two programs may use one prefix for different ones."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    return parser


# Both passes -----------------------------------------------------------------


class _SheetWalk:
    """Follows the sheets of the stream, and skips what isn't part of them."""

    def __init__(self) -> None:
        self.number = -1  # index of the sheet
        self.is_inside = False
        self.aside = 0  # depth inside something to be skipped

    def begin(self, tag: str, attributes: Attributes) -> None:
        if self.aside or self._is_aside(tag, attributes):
            self.aside += 1
            return
        if tag == SHEET:
            self.is_inside = True
            self.number += 1
        self.on_start(tag, attributes)

    def _is_aside(self, tag: str, attributes: Attributes) -> bool:
        if tag == SHEET:
            return self.is_inside or ANOTHER_BOOKS in attributes.get(f"{TABLE}name", "")
        return tag in ASIDE or tag.startswith(DRAWING)

    def end(self, tag: str) -> None:
        if self.aside:
            self.aside -= 1
            return
        self.on_end(tag)
        if tag == SHEET:
            self.is_inside = False

    def on_start(self, tag: str, attributes: Attributes) -> None:
        """Handle the start of an element that belongs to the sheets."""

    def on_end(self, tag: str) -> None:
        """Handle its end."""


class _SheetList(_SheetWalk):
    """The first pass: the sheets, the meaning of each name, and the day from which dates count."""

    def __init__(self, book: Book) -> None:
        super().__init__()
        self.book = book
        self.first_day = FIRST_DAY
        self.style = ""  # the sheet style being read
        self.hiding: set[str] = set()  # styles that hide their sheets
        self.letters = 0  # total length of the names' expressions

    def on_start(self, tag: str, attributes: Attributes) -> None:
        match tag.rpartition(" ")[2]:
            case "table" if tag == SHEET:
                title = attributes.get(f"{TABLE}name", "")
                is_hidden = attributes.get(f"{TABLE}style-name") in self.hiding
                self.book.sheets.append(SheetPart(title, CONTENT, is_hidden))
            case "style":
                self.style = attributes.get(f"{STYLE}name", "")
            case "table-properties" if attributes.get(f"{TABLE}display") == "false":
                self.hiding.add(self.style)
            case "named-range":
                self._name(attributes, translate_place(attributes.get(_RANGE, "")))
            case "named-expression":
                expression = attributes.get(f"{TABLE}expression", "")
                self.letters += len(expression)
                if self.letters <= MOST_LETTERS:
                    self._name(attributes, translate(expression))
            case "null-date":
                self.first_day = _day(attributes.get(f"{TABLE}date-value", "")) or FIRST_DAY

    def _name(self, attributes: Attributes, definition: str) -> None:
        word = attributes.get(f"{TABLE}name", "").lower()
        self.book.names[f"{self.number}!{word}" if self.is_inside else word] = definition


_RANGE = f"{TABLE}cell-range-address"


CellContent = tuple[str, str | None, str | None, int, int]
"""The type of a cell's value, the value, the formula, and the rows and columns that it fills."""


class CellReading(_SheetWalk):
    """The second pass: the cells, row by row."""

    def __init__(self, cells: BookCells, first_day: datetime) -> None:
        super().__init__()
        self.cells = cells
        self.first_day = first_day
        self.is_full = False  # whether the rest of the sheet is beyond the limits
        self.row = self.rows = 0  # the current row, and how often it is repeated
        self.column = 0
        self.cell: Attributes | None = None
        self.words: list[str] = []
        self.is_listening = False
        self.waiting: list[tuple[int, int, CellContent]] = []  # first column, count, content

    def on_start(self, tag: str, attributes: Attributes) -> None:
        if tag == SHEET:
            self.cells.next_sheet(self.number)
            self.is_full, self.row = False, 0
        elif self.is_full or not self.is_inside:
            return
        elif tag == ROW:
            self.rows, self.column = _counted(attributes, "rows-repeated"), 0
            self.waiting.clear()
        elif tag in CELLS:
            self.cell = attributes
            self.words.clear()
        elif self.cell is not None and tag.startswith(TEXT):
            self._written(tag, attributes)

    def _written(self, tag: str, attributes: Attributes) -> None:
        """A paragraph begins, or an element represents white space."""
        if tag == PARAGRAPH:
            self.words += ["\n"] * bool(self.words)
            self.is_listening = True
        elif tag == f"{TEXT}s":
            count = attributes.get(f"{TEXT}c", "1")
            self.words.append(" " * (int(count) if count in _SPACES else 1))
        elif tag in (f"{TEXT}tab", f"{TEXT}line-break"):
            self.words.append("\t" if tag == f"{TEXT}tab" else "\n")

    def characters(self, piece: str) -> None:
        if self.is_listening and not self.aside:
            self.words.append(piece)

    def on_end(self, tag: str) -> None:
        if tag == PARAGRAPH:
            self.is_listening = False
        elif self.is_full or not self.is_inside:
            return
        elif tag in CELLS and self.cell is not None:
            self._end_cell(self.cell)
            self.cell = None
        elif tag == ROW:
            first, self.row = self.row, self.row + self.rows
            for row in range(first, min(self.row, MOST_ROWS)) if self.waiting else ():
                for column, alike, content in self.waiting:
                    for at in range(column, column + alike):
                        if self.is_full:
                            return
                        self._keep(row, at, content)

    def _end_cell(self, cell: Attributes) -> None:
        count = _counted(cell, "columns-repeated")
        kind, value = self.shown(cell, "".join(self.words))
        formula = cell.get(f"{TABLE}formula")
        if formula is not None and len(formula) <= MOST_TRANSLATED:
            formula = translate(formula)
        if formula is not None and formula.startswith(WHAT_IF):
            formula = None
        if formula is not None or value is not None:
            alike = min(count, max(MOST_COLUMNS - self.column, 1))
            rows, columns = (_counted(cell, f"matrix-{way}-spanned") for way in ("rows", "columns"))
            self.waiting.append((self.column, alike, (kind, value, formula, rows, columns)))
        self.column += count

    def _keep(self, row: int, column: int, content: CellContent) -> None:
        kind, value, formula, rows, columns = content
        form: Attributes | None = None if formula is None else {}
        if formula is not None and rows * columns > 1:
            last = f"{letters(column + columns - 1)}{row + rows}"
            form = {"t": "array", "ref": f"{letters(column)}{row + 1}:{last}"}
        try:
            self.cells.keep(row, column, kind, form, formula or "", value)
        except EnoughRead:
            self.cells.stop()
            self.is_full = True

    def shown(self, cell: Attributes, words: str) -> tuple[str, str | None]:
        """The type of a cell's value, in Excel's abbreviations, and the value."""
        if cell.get(f"{CALC}value-type") == "error":
            return "e", words
        match cell.get(f"{OFFICE}value-type"):
            case "float" | "percentage" | "currency":
                return "n", cell.get(f"{OFFICE}value")
            case "boolean":
                return "b", "1" if cell.get(f"{OFFICE}boolean-value") == "true" else "0"
            case "date" if day := _day(cell.get(f"{OFFICE}date-value", "")):
                return "n", repr((day - self.first_day) / ONE_DAY)
            case "time" if span := _TIME.fullmatch(cell.get(f"{OFFICE}time-value", "")):
                return "n", repr(_span(span) / ONE_DAY)
            case None if not words:
                return "n", None
        return "str", cell.get(f"{OFFICE}string-value", words)


# Values of attributes -----------------------------------------------------------


def _counted(attributes: Attributes, what: str) -> int:
    """How often an element is repeated; 1 if it has no such attribute."""
    number = attributes.get(f"{TABLE}number-{what}", "")
    return max(int(number), 1) if number.isdecimal() and len(number) <= 8 else 1


def _day(words: str) -> datetime | None:
    try:
        return datetime.fromisoformat(words).replace(tzinfo=None)
    except ValueError:
        return None


def _span(match: re.Match[str]) -> timedelta:
    hours, minutes, seconds = (
        float((part or "0").replace(",", ".")) for part in match.groups()[1:]
    )
    span = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return -span if match[1] else span
