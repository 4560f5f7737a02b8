"""Corrected formulas and their values in a sheet's XML, and the wish to compute the book anew."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape
from math import isfinite

from gradbook.audit.copies.markup import (
    Edit,
    Element,
    edited,
    outline,
    place_after,
    prefix,
    with_attributes,
    words,
)
from gradbook.audit.copies.patch import Patch
from gradbook.audit.copies.sheet_xml import Cell, SheetXml
from gradbook.audit.formula.address import (
    Address,
    column_of,
    row_of,
    written,
)
from gradbook.audit.formula.pattern import moved
from gradbook.audit.workbook.read import main_part

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


def with_formulas(
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
    yield from with_value(sheet, cell, value)


def with_value(sheet: SheetXml, cell: Cell, value: float) -> Iterator[Edit]:
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


def ask_to_calculate(patch: Patch) -> None:
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
