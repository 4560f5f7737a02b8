"""Reads a workbook's cells: its sheets, shared strings, shared and array formulas, names, values.

Only the parts that formulas need are read; styles, which some programs write wrongly, are not.
"""

from __future__ import annotations

import posixpath
from contextlib import suppress
from pathlib import Path

from gradbook import limits
from gradbook.archives import SMALL
from gradbook.audit.formula.pattern import Reader
from gradbook.audit.workbook.book import Book, SheetPart
from gradbook.audit.workbook.cells import BookCells
from gradbook.audit.workbook.links import leave_out_widest
from gradbook.audit.workbook.package import (
    Package,
    WorkbookError,
    local,
    package,
    related,
    relations_part,
)
from gradbook.audit.workbook.rows import SheetRows
from gradbook.audit.workbook.unread import leave_out_unread, look_at_departing

PROPERTIES = "docProps/core.xml"


def read_book(path: str | Path) -> Book:
    """The workbook at `path`; a WorkbookError says in one line why it can't be read."""
    with package(path) as parts:
        return book_of(parts)


def book_of(parts: Package) -> Book:
    """The workbook that a package holds."""
    main = main_part(parts)
    targets = _relations(parts, main)
    book = Book()
    for title, relation, hidden in _workbook(parts, main, book):
        target = targets.get(relation)
        if target and target in parts and "worksheets/" in target:
            book.sheets.append(SheetPart(title, target, hidden))
    if not book.sheets:
        raise WorkbookError("it has no sheets of cells: save it again as .xlsx")
    numbers = {sheet.title.lower(): k for k, sheet in enumerate(book.sheets)}
    book.reader = Reader(numbers, book.names)
    strings = _strings(parts, posixpath.join(posixpath.dirname(main), "sharedStrings.xml"))
    cells = BookCells(book, strings, sum(parts.size(sheet.part) for sheet in book.sheets))
    for number in sorted(range(len(book.sheets)), key=lambda k: book.sheets[k].hidden):
        cells.next_sheet(number)
        SheetRows(cells).read(parts, book.sheets[number].part)
    cells.end_row()
    look_at_departing(book)
    leave_out_widest(book)
    leave_out_unread(book)
    with suppress(WorkbookError):  # nothing depends on them
        book.properties = _properties(parts)
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
    found: dict[str, str] = {}

    def begin(tag: str, attributes: dict[str, str]) -> None:
        if local(tag) == "Relationship" and attributes.get("TargetMode") != "External":
            found[attributes.get("Id", "")] = related(of, attributes.get("Target", ""))

    if relations_part(of) in parts:
        parts.parse(relations_part(of), begin)
    return found


def _workbook(parts: Package, part: str, book: Book) -> list[tuple[str, str, bool]]:
    """The sheets' titles with their relations, and whether they are hidden; the book gets what
    each name refers to."""
    sheets: list[tuple[str, str, bool]] = []
    name = ""
    text: list[str] = []

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal name
        tag = local(tag)
        if tag == "calcPr":
            book.recalculates = attributes.get("fullCalcOnLoad", "0") in ("1", "true")
        elif tag == "sheet":
            relation = next((v for k, v in attributes.items() if local(k) == "id"), "")
            hidden = attributes.get("state", "visible") != "visible"
            sheets.append((attributes.get("name", ""), relation, hidden))
        elif tag == "definedName":
            scope = attributes.get("localSheetId")
            word = attributes.get("name", "").lower()
            name = f"{scope}!{word}" if scope else word
            text.clear()

    def end(tag: str) -> None:
        nonlocal name
        if local(tag) == "definedName" and name:
            book.names[name] = "".join(text).strip()
            name = ""

    parts.parse(part, begin, end, text.append)
    return sheets


def _properties(parts: Package) -> dict[str, str]:
    """Who made the book, who saved it last, and when."""
    found: dict[str, str] = {}
    text: list[str] = []

    def end(tag: str) -> None:
        found[local(tag)] = "".join(text).strip()
        text.clear()

    if PROPERTIES in parts and parts.size(PROPERTIES) <= SMALL:
        parts.parse(PROPERTIES, lambda *_: text.clear(), end, text.append)
    return found


def _strings(parts: Package, part: str) -> list[str]:
    """The texts that cells share."""
    strings: list[str] = []
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
            if len(strings) > limits.STRINGS.most:
                raise WorkbookError(f"it has more than {limits.STRINGS} texts: too large to check")

    if part in parts:
        parts.parse(part, begin, end, lambda piece: pieces.append(piece) if wanted else None)
    return strings
