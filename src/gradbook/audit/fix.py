"""A copy of a book whose wrong formulas are corrected.

Only the corrected cells change, and what is computed from them gets its new value, or none where
that is not understood; whoever opens the copy is asked to compute it all anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from io import BytesIO
from math import isfinite
from pathlib import Path

from gradbook.audit.address import (
    Address,
    column_of,
    ranges,
    row_of,
    sheet_of,
    written,
)
from gradbook.audit.annotate import cells_of
from gradbook.audit.book import Book
from gradbook.audit.evaluate import Evaluation
from gradbook.audit.findings import BookReport
from gradbook.audit.flow import Flow
from gradbook.audit.markup import (
    Edit,
    Element,
    edited,
    outline,
    place_after,
    prefix,
    with_attributes,
    words,
)
from gradbook.audit.package import package
from gradbook.audit.patch import Patch
from gradbook.audit.pattern import Unknown, moved
from gradbook.audit.read import book_of, main_part
from gradbook.audit.sheet_xml import Cell, SheetXml, read_sheet

BEFORE_CALCULATION = {  # what the format puts before calcPr
    "fileVersion",
    "fileSharing",
    "workbookPr",
    "workbookProtection",
    "bookViews",
    "sheets",
    "functionGroups",
    "externalReferences",
    "definedNames",
}
_CDATA = re.compile(rb"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_KIND = re.compile(rb"""\st\s*=\s*(?:"[^"]*"|'[^']*')""")


@dataclass(frozen=True)
class Fixed:
    """The copy, how many cells were corrected, and which wrong ones could not be."""

    content: bytes
    cells: int
    left: tuple[str, ...]


def fixed(path: str | Path, report: BookReport) -> Fixed:
    """The workbook at `path` with the right formulas that the report knows."""
    copy = BytesIO()
    with package(path) as parts:
        patch = Patch(parts)
        book = book_of(parts)
        wanted = _wanted(book, report)
        done = _correct(patch, book, wanted)
        patch.write(copy)
    content = copy.getvalue() if done else Path(path).read_bytes()
    return Fixed(content, len(done), tuple(_left(book, report, done)))


def _wanted(book: Book, report: BookReport) -> dict[Address, str]:
    """Each cell's right formula."""
    found: dict[Address, str] = {}
    for sheet in report.sheets:
        for finding in sheet.findings:
            number = book.sheet_number(finding.sheet or sheet.sheet)
            if number is not None:
                for name, formula in finding.fixes.items():
                    for cell in cells_of(name, number):
                        found.setdefault(cell, formula.removeprefix("="))
    return found


def _left(book: Book, report: BookReport, done: set[Address]) -> Iterator[str]:
    for sheet in report.sheets:
        for finding in sheet.findings:
            number = book.sheet_number(finding.sheet or sheet.sheet)
            cells = list(cells_of(finding.cells, number or 0))
            rest = [cell for cell in cells if cell not in done]
            if rest or not cells:
                yield f"{ranges(rest) or finding.cells} ({finding.quantity})"


def _correct(patch: Patch, book: Book, wanted: Mapping[Address, str]) -> set[Address]:
    done: set[Address] = set()
    if not wanted:
        return done
    sheets = {
        number: _sheet(patch, book, number)
        for number in range(len(book.sheets))
        if any(sheet_of(cell) == number for cell in book.patterns)
        or any(sheet_of(cell) == number for cell in wanted)
    }
    for number, sheet in sheets.items():
        here = {c: f for c, f in wanted.items() if sheet_of(c) == number}
        done |= {cell for cell in here if not _is_in_array(sheet, book, cell)}
    right = {cell: book.reader.pattern(wanted[cell], cell) for cell in done}
    flow = Flow(book)
    numbers = Evaluation(book, flow, right)
    stale = _computed_from(book, flow, done) | done
    for number, sheet in sheets.items():
        values = {cell: numbers.value(cell) for cell in stale if sheet_of(cell) == number}
        edits = [*_formulas(sheet, {c: wanted[c] for c in done if sheet_of(c) == number}, values)]
        for cell in values.keys() - done:
            if cell in sheet.cells:
                edits += _with_value(sheet, sheet.cells[cell], values[cell])
        if edits:
            patch.put(book.sheets[number].part, edited(sheet.data, edits))
    if done:
        _ask_to_calculate(patch)
    return done


def _sheet(patch: Patch, book: Book, number: int) -> SheetXml:
    part = book.sheets[number].part
    cells = (cell for cell in book.patterns if sheet_of(cell) == number)
    return read_sheet(patch.text(part), part, number, cells)


def _is_in_array(sheet: SheetXml, book: Book, cell: Address) -> bool:
    """Whether a formula fills this cell together with others, or a table of what-ifs does."""
    there = sheet.cells.get(cell)
    formula = there.formula if there else None
    return cell in book.arrays or (formula is not None and formula.attribute("t") == "dataTable")


def _computed_from(book: Book, flow: Flow, cells: set[Address]) -> set[Address]:
    """What depends on the cells, and whatever may, its formula not being understood."""
    obscure = {
        cell
        for cell, pattern in book.patterns.items()
        if pattern.expression is None
        or any(isinstance(mention, Unknown) for mention in pattern.mentions.values())
        or re.search(r"\b(INDIRECT|OFFSET)\(", pattern.key, re.IGNORECASE)
    }
    return flow.below(cells | obscure) | obscure


# In the sheets' XML -----------------------------------------------------------


def _formulas(
    sheet: SheetXml, wanted: Mapping[Address, str], values: Mapping[Address, float]
) -> Iterator[Edit]:
    """The new formulas; where others shared an old one, each of them gets its own."""
    for cell, formula in wanted.items():
        there = sheet.cells.get(cell)
        if there is None:
            inside = _f(sheet, formula) + _v(sheet, values[cell])
            yield from sheet.new_cell(cell, f' r="{written(cell)}"'.encode(), inside)
        else:
            yield from _with_formula(sheet, there, formula, values[cell])
    for cell, formula in _orphans(sheet, wanted):
        element = sheet.cells[cell].formula
        assert element is not None
        yield element.start, element.end, _f(sheet, formula)


def _f(sheet: SheetXml, formula: str, attributes: bytes = b"") -> bytes:
    name = sheet.prefix + b"f"
    return b"<" + name + attributes + b">" + words(formula) + b"</" + name + b">"


def _v(sheet: SheetXml, value: float) -> bytes:
    name = sheet.prefix + b"v"
    number = repr(value).encode()
    return b"<" + name + b">" + number + b"</" + name + b">" if isfinite(value) else b""


def _with_formula(sheet: SheetXml, cell: Cell, formula: str, value: float) -> Iterator[Edit]:
    old, own = cell.formula, cell.element
    array = old is not None and old.attribute("t") == "array"
    place = f' t="array" ref="{own.attribute("r")}"'.encode() if array else b""
    new = _f(sheet, formula, place)
    if own.is_empty():
        tag = _KIND.sub(b"", sheet.data[own.start : own.inside])[:-2].rstrip()
        whole = tag + b">" + new + _v(sheet, value) + b"</" + sheet.prefix + b"c>"
        yield own.start, own.end, whole
        return
    start, end = (old.start, old.end) if old else (own.inside, own.inside)
    yield start, end, new
    yield from _with_value(sheet, cell, value)


def _with_value(sheet: SheetXml, cell: Cell, value: float) -> Iterator[Edit]:
    """The cell with another value in the place of what was computed for it."""
    own = cell.element
    tag = sheet.data[own.start : own.inside]
    if _KIND.search(tag):
        yield own.start, own.inside, _KIND.sub(b"", tag)
    for element in cell.inner:
        if element.tag in ("v", "is"):
            yield element.start, element.end, _v(sheet, value)


def _orphans(sheet: SheetXml, gone: Mapping[Address, str]) -> Iterator[tuple[Address, str]]:
    """Cells whose formula stands in a cell that gets another one, with that formula."""
    masters: dict[str, tuple[Address, str]] = {}
    for cell, there in sheet.cells.items():
        formula = there.formula
        if formula is None or formula.attribute("t") != "shared":
            continue
        index, text = formula.attribute("si"), _text(sheet.data, formula)
        if text:
            masters[index] = cell, text
        elif index in masters and masters[index][0] in gone and cell not in gone:
            home, text = masters[index]
            down, right = row_of(cell) - row_of(home), column_of(cell) - column_of(home)
            yield cell, moved(text, down, right)


def _text(data: bytes, element: Element) -> str:
    inside = _CDATA.sub(
        lambda found: words(found[1].decode()), data[element.inside : element.close]
    )
    return unescape(inside.decode("utf-8", "replace")).strip()


# In the workbook --------------------------------------------------------------


def _ask_to_calculate(patch: Patch) -> None:
    """Let the whole book be computed anew, in an order that is found anew."""
    main = main_part(patch.parts)
    for relation in patch.relations(main):
        if relation.kind == "calcChain":
            patch.drop(relation.part, main)
    data = patch.text(main)
    found = outline(data, main)
    there = next((e for e in found if e.depth == 1 and e.tag == "calcPr"), None)
    if there is not None:
        edit = with_attributes(data, there, fullCalcOnLoad="1")
    else:
        place = place_after(found, BEFORE_CALCULATION)
        said = b"<" + prefix(data, found[-1]) + b'calcPr fullCalcOnLoad="1"/>'
        edit = place, place, said
    patch.put(main, edited(data, [edit]))
