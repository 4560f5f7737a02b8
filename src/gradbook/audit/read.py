"""Reads a workbook's cells: its sheets, shared strings, shared and array formulas, names, values.

Only the parts that formulas need are read; styles, which some programs write wrongly, are not.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from gradbook.audit.address import (
    DOWN,
    MOST_COLUMNS,
    MOST_ROWS,
    Address,
    column_number,
    pack,
)
from gradbook.audit.arrays import element
from gradbook.audit.book import Book, Sheet, Value
from gradbook.audit.formulas import Reader
from gradbook.audit.package import Package, WorkbookError, local, package, parser
from gradbook.audit.pattern import Pattern

MOST_CELLS = 200_000  # with something in them, in all sheets
MOST_EMPTY = 500_000
MOST_IN_ARRAYS = 10_000  # cells that array formulas fill
MOST_FORMULAS = 20_000  # different ones
LONGEST_FORMULA = 8192
_A1 = re.compile(r"([A-Za-z]{1,3})([1-9][0-9]{0,6})")


def read_book(path: str | Path) -> Book:
    """The workbook at `path`; a WorkbookError says in one line why it can't be read."""
    with package(path) as parts:
        return book_of(parts)


def book_of(parts: Package) -> Book:
    """The workbook that a package holds."""
    main = main_part(parts)
    targets = _relations(parts, main)
    book = Book()
    titles, names = _workbook(parts, main, book)
    book.names = names
    for title, relation in titles:
        target = targets.get(relation)
        if target and target in parts and "worksheets/" in target:
            book.sheets.append(Sheet(title, target))
    if not book.sheets:
        raise WorkbookError("it has no sheets of cells: save it again as .xlsx")
    strings = _strings(parts, posixpath.join(posixpath.dirname(main), "sharedStrings.xml"))
    reader = book.reader = Reader(
        {sheet.title.lower(): k for k, sheet in enumerate(book.sheets)}, names
    )
    count = _Count()
    for number, sheet in enumerate(book.sheets):
        _SheetReader(book, number, strings, reader, count).read(parts, sheet.part)
    return book


def main_part(parts: Package) -> str:
    """The name of the part that lists the sheets."""
    if "xl/workbook.xml" in parts:
        return "xl/workbook.xml"
    for target in _relations(parts, "").values():
        if target in parts and target.endswith("workbook.xml"):
            return target
    raise WorkbookError("it is no workbook: save it as .xlsx")


def _relations(parts: Package, of: str) -> dict[str, str]:
    """Where each relation of a part leads, as a name inside the package."""
    folder, name = posixpath.split(of)
    part = posixpath.join(folder, "_rels", f"{name}.rels")
    found: dict[str, str] = {}
    if part not in parts:
        return found

    def begin(tag: str, attributes: dict[str, str]) -> None:
        if local(tag) == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "")
            inside = target.lstrip("/") if target.startswith("/") else f"{folder}/{target}"
            found[attributes.get("Id", "")] = posixpath.normpath(inside.lstrip("/"))

    made = parser()
    made.StartElementHandler = begin
    parts.parse(part, made)
    return found


def _workbook(
    parts: Package, part: str, book: Book
) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """The sheets' titles with their relations, and what each name refers to."""
    sheets: list[tuple[str, str]] = []
    names: dict[str, str] = {}
    name: str | None = None
    text: list[str] = []

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal name
        tag = local(tag)
        if tag == "calcPr":
            book.recalculates = attributes.get("fullCalcOnLoad", "0") in ("1", "true")
        elif tag == "sheet":
            relation = next((v for k, v in attributes.items() if local(k) == "id"), "")
            sheets.append((attributes.get("name", ""), relation))
        elif tag == "definedName":
            scope = attributes.get("localSheetId")
            word = attributes.get("name", "").lower()
            name = f"{scope}!{word}" if scope else word
            text.clear()

    def end(tag: str) -> None:
        nonlocal name
        if local(tag) == "definedName" and name:
            names[name] = "".join(text).strip()
            name = None

    made = parser()
    made.StartElementHandler = begin
    made.EndElementHandler = end
    made.CharacterDataHandler = text.append
    parts.parse(part, made)
    return sheets, names


def _strings(parts: Package, part: str) -> list[str]:
    strings: list[str] = []
    if part not in parts:
        return strings
    pieces: list[str] = []
    wanted = False
    aside = 0

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal wanted, aside
        tag = local(tag)
        if tag == "si":
            pieces.clear()
        aside += tag == "rPh"  # how a word is pronounced
        wanted = tag == "t" and not aside

    def end(tag: str) -> None:
        nonlocal wanted, aside
        tag = local(tag)
        wanted = False
        aside -= tag == "rPh"
        if tag == "si":
            strings.append("".join(pieces))
            if len(strings) > MOST_CELLS:
                raise WorkbookError(f"it has more than {MOST_CELLS:,} texts: too large to check")

    made = parser()
    made.StartElementHandler = begin
    made.EndElementHandler = end
    made.CharacterDataHandler = lambda piece: pieces.append(piece) if wanted else None
    parts.parse(part, made)
    return strings


class _Count:
    """How many cells were read so far, over all sheets."""

    def __init__(self) -> None:
        self.full = self.empty = 0

    def cell(self, full: bool) -> None:
        self.full += full
        self.empty += not full
        if self.full > MOST_CELLS or self.empty > MOST_EMPTY:
            raise WorkbookError(f"it has more than {MOST_CELLS:,} cells: too large to check")


class _SheetReader:
    """One sheet's XML, as it streams by."""

    def __init__(
        self, book: Book, number: int, strings: list[str], reader: Reader, count: _Count
    ) -> None:
        self.book = book
        self.number = number
        self.strings = strings
        self.reader = reader
        self.count = count
        self.shared: dict[str, Pattern] = {}
        self.row = -1
        self.column = -1
        self.kind = ""
        self.form: dict[str, str] | None = None
        self.formula = ""
        self.value: str | None = None
        self.text: list[str] = []
        self.listening = False

    def read(self, parts: Package, part: str) -> None:
        made = parser()
        made.StartElementHandler = self.begin
        made.EndElementHandler = self.end
        made.CharacterDataHandler = self.characters
        parts.parse(part, made)

    def characters(self, piece: str) -> None:
        if self.listening:
            self.text.append(piece)

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        if ":" in tag:
            tag = local(tag)
        if tag == "c":
            self.begin_cell(attributes)
        elif tag in ("v", "t", "f"):
            self.listening = True
            self.text.clear()
            if tag == "f":
                self.form = attributes
        elif tag == "row":
            self.row = _index(attributes.get("r"), self.row + 1, MOST_ROWS)
            self.column = -1

    def begin_cell(self, attributes: dict[str, str]) -> None:
        found = _A1.fullmatch(attributes.get("r", ""))
        if found:
            self.row, self.column = int(found[2]) - 1, column_number(found[1])
        else:
            self.column += 1
        if not (0 <= self.row < MOST_ROWS and 0 <= self.column < MOST_COLUMNS):
            raise WorkbookError("it has cells outside the sheet: save it again as .xlsx")
        self.kind = attributes.get("t", "n")
        self.form, self.formula, self.value = None, "", None

    def end(self, tag: str) -> None:
        if ":" in tag:
            tag = local(tag)
        if tag == "c":
            self.end_cell()
        elif tag == "f":
            self.formula = "".join(self.text)
            self.listening = False
        elif tag in ("v", "t"):
            self.value = (self.value or "") + "".join(self.text)
            self.listening = False

    def end_cell(self) -> None:
        full = self.value is not None or self.form is not None
        self.count.cell(full)
        if not full:
            return
        cell = pack(self.number, self.row, self.column)
        value = self.typed()
        if value is not None and value != "":
            self.book.values[cell] = value
        if self.form is not None:
            self.keep_formula(cell, self.form)

    def typed(self) -> Value:
        raw = self.value
        if raw is None:
            return None
        if self.kind == "s":
            place = int(raw) if raw.strip().isdigit() else -1
            return self.strings[place] if 0 <= place < len(self.strings) else ""
        if self.kind == "b":
            return raw.strip() == "1"
        if self.kind in ("str", "inlineStr", "e", "d"):
            return raw
        try:
            return float(raw)
        except ValueError:
            return raw

    def keep_formula(self, cell: Address, form: dict[str, str]) -> None:
        kind, index = form.get("t", "normal"), form.get("si", "")
        if kind == "dataTable":
            return
        if kind == "shared" and not self.formula.strip():
            if index in self.shared:
                self.book.patterns[cell] = self.shared[index]
            return
        if not self.formula.strip():
            return
        pattern = self.pattern(cell)
        self.book.patterns[cell] = pattern
        if kind == "shared":
            self.shared[index] = pattern
        elif kind == "array":
            self.keep_array(cell, form.get("ref", ""))

    def pattern(self, cell: Address) -> Pattern:
        if len(self.formula) > LONGEST_FORMULA:
            return Pattern(f"long {cell}", cell, self.formula[:200], None, {}, "it is too long")
        pattern = self.reader.pattern(self.formula, cell)
        if self.reader.count > MOST_FORMULAS:
            raise WorkbookError(f"it has more than {MOST_FORMULAS:,} different formulas")
        return pattern

    def keep_array(self, cell: Address, area: str) -> None:
        """An array formula fills several cells: each has an element of it."""
        first, _, last = area.partition(":")
        corners = [_A1.fullmatch(part) for part in (first, last or first)]
        if corners[0] is None or corners[1] is None:
            return
        rows = int(corners[1][2]) - int(corners[0][2]) + 1
        columns = column_number(corners[1][1]) - column_number(corners[0][1]) + 1
        if min(rows, columns) < 1 or rows * columns == 1:
            return
        if rows * columns + len(self.book.arrays) > MOST_IN_ARRAYS:
            raise WorkbookError("its array formulas fill too many cells: too large to check")
        for down in range(rows):
            for right in range(columns):
                at = cell + down * DOWN + right
                text = element(self.reader, self.formula, cell, down, right)
                self.book.arrays[at] = self.formula
                self.book.patterns[at] = self.reader.pattern(text, at)


def _index(text: str | None, otherwise: int, limit: int) -> int:
    if text is None or not text.isdigit() or len(text) > 8:
        return otherwise
    return min(int(text) - 1, limit)
