"""Finds single cells in a worksheet's XML and replaces them, every byte around them as it was."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from math import isfinite

from gradbook.audit.copies.patch import (
    ByteEdit,
    Element,
    apply_edits,
    elements,
    only,
    prefix,
    tag,
    with_attributes,
    with_child,
    words,
)
from gradbook.audit.formula.address import Address, column_of, name_of, pack, row_and_column, row_of
from gradbook.audit.formula.pattern import copy_formula

USUAL_WIDTH = 64  # of a column, in pixels
KEPT = {(2, "row"), (2, "col"), (3, "c"), (4, "f"), (4, "v"), (4, "is")}  # depths and tags
_STYLE = re.compile(rb"""\ss\s*=\s*["'](\d{1,9})["']""")
_CDATA = re.compile(rb"<!\[CDATA\[(.*?)(?:\]\]>|\Z)", re.DOTALL)
_KIND = re.compile(rb"""\st\s*=\s*(?:"[^"]*"|'[^']*')""")


@dataclass(slots=True)
class CellXml:
    """A <c> and what is in it."""

    element: Element
    inner: tuple[Element, ...]

    @property
    def style(self) -> int:
        return _whole(self.element.attribute("s"))

    @property
    def formula(self) -> Element | None:
        return next((e for e in self.inner if e.tag == "f"), None)


@dataclass(frozen=True)
class NewFormula:
    """What is put into a cell, without its =."""

    text: str
    area: str = ""  # the cells that it fills as an array formula


@dataclass
class SheetXml:
    """A sheet's text, the cells in it that matter, and every row."""

    data: bytes
    part: str
    cells: dict[Address, CellXml] = field(default_factory=dict)
    rows: dict[int, Element] = field(default_factory=dict)
    outline: list[Element] = field(default_factory=list)  # the root and what is directly in it
    columns: list[Element] = field(default_factory=list)

    @property
    def prefix(self) -> bytes:
        """What the sheet's own elements have before their names."""
        return prefix(self.data, self.outline[-1])

    def restyle(self, cell: Address, style: int) -> list[ByteEdit]:
        """The cell with another format, made where there is none."""
        there = self.cells.get(cell)
        if there is not None:
            return [with_attributes(self.data, there.element, s=str(style))]
        return self.new_cell(cell, s=str(style))

    def style_of(self, cell: Address) -> int:
        """The format that the cell has, its row's or its column's where it is not there."""
        if cell in self.cells:
            return self.cells[cell].style
        row = self.rows.get(row_of(cell))
        if row is not None and row.attribute("customFormat") in ("1", "true"):
            return _whole(row.attribute("s"))
        column = self._column(column_of(cell))
        return _whole(column.attribute("style")) if column else 0

    def width(self, column: int) -> int:
        """How wide a column is, in pixels."""
        own = self._column(column)
        if own is not None:
            hidden = own.attribute("hidden") in ("1", "true")
            return 1 if hidden else _pixels(own.attribute("width"))
        usual = next((e for e in self.outline if e.tag == "sheetFormatPr"), None)
        return _pixels(usual.attribute("defaultColWidth") if usual else "")

    def _column(self, column: int) -> Element | None:
        """The element that says how some columns look, this one among them."""
        for element in self.columns:
            if _whole(element.attribute("min")) <= column + 1 <= _whole(element.attribute("max")):
                return element
        return None

    def new_cell(self, cell: Address, inside: bytes = b"", **attributes: str) -> list[ByteEdit]:
        """A cell where there is none, in its row, which is made where there is none."""
        own = tag(self.prefix, "c", inside, r=name_of(cell), **attributes)
        number = row_of(cell)
        row = self.rows.get(number)
        if row is not None:
            later = (c for at, c in self.cells.items() if row_of(at) == number and at > cell)
            place = min((c.element.start for c in later), default=row.close)
            return [(place, place, own)]
        table = only(self.outline, "sheetData", self.part)
        following = (e.start for n, e in self.rows.items() if n > number)
        place = min(following, default=table.close)
        return [(place, place, tag(self.prefix, "row", own, r=str(number + 1)))]


def read_sheet(data: bytes, part: str, number: int, wanted: Iterable[Address]) -> SheetXml:
    """A sheet's text, with all the cells in the rows of the wanted ones.

    Of those rows, what is written as <row/> becomes <row></row>: several cells may come into it.
    """
    rows = {row_of(cell) for cell in wanted}
    found = _read(data, part, number, rows)
    inner = [found.rows[row] for row in sorted(rows & found.rows.keys())]
    closed = [e for e in (*found.outline, *inner) if e.tag in ("sheetData", "row") and e.is_empty()]
    if not closed:
        return found
    opened = [edit for element in closed for edit in with_child(data, element, b"")]
    return _read(apply_edits(data, opened), part, number, rows)


def _read(data: bytes, part: str, number: int, rows: Collection[int]) -> SheetXml:
    found = SheetXml(data, part)
    row = column = -1  # of the last cell: not all say where they are

    def keep(depth: int, tag: str, attributes: dict[str, str]) -> bool:
        nonlocal row, column
        given = attributes.get("r", "")
        if (depth, tag) == (2, "row"):
            row = int(given) - 1 if given.isdecimal() and len(given) < 8 else row + 1
            column = -1
            attributes["at"] = str(pack(number, max(row, 0), 0))
        elif (depth, tag) == (3, "c"):
            row, column = row_and_column(given) or (row, column + 1)
            attributes["at"] = str(pack(number, row, column))
        return depth <= 1 or ((depth, tag) in KEPT and (depth < 3 or row in rows))

    inner: list[Element] = []
    for element in elements(data, part, keep):
        if element.depth <= 1:
            found.outline.append(element)
        elif element.tag == "row":
            found.rows[row_of(int(element.attributes.pop("at")))] = element
        elif element.tag == "col":
            found.columns.append(element)
        elif element.tag == "c":
            found.cells[int(element.attributes.pop("at"))] = CellXml(element, tuple(inner))
            inner = []
        else:
            inner.append(element)
    return found


def styles_used(data: bytes) -> int:
    """The largest number that looks like a format's, so that ours is none of those used."""
    return max((int(found) for found in _STYLE.findall(data)), default=0)


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _pixels(width: str) -> int:
    """A column's width, which is given in digits of the usual size."""
    try:
        return max(1, min(int(7 * float(width) + 5), 2000))
    except (ValueError, OverflowError):
        return USUAL_WIDTH


# Formulas and values ----------------------------------------------------------


def with_formulas(
    sheet: SheetXml, wanted: Mapping[Address, NewFormula], values: Mapping[Address, float]
) -> Iterator[ByteEdit]:
    """The new formulas; where others shared an old one, each of them gets its own."""
    for cell, formula in wanted.items():
        there = sheet.cells.get(cell)
        if there is None:
            inside = _f(sheet, formula) + _v(sheet, values[cell])
            yield from sheet.new_cell(cell, inside)
        else:
            yield from _with_formula(sheet, there, formula, values[cell])
    for cell, formula in _orphans(sheet, wanted):
        element = sheet.cells[cell].formula
        assert element is not None
        yield element.start, element.end, _f(sheet, formula)


def _f(sheet: SheetXml, formula: NewFormula) -> bytes:
    kind = {"t": "array", "ref": formula.area} if formula.area else {}
    return tag(sheet.prefix, "f", words(formula.text), **kind)


def _v(sheet: SheetXml, value: float) -> bytes:
    return tag(sheet.prefix, "v", repr(value).encode()) if isfinite(value) else b""


def _with_formula(
    sheet: SheetXml, cell: CellXml, formula: NewFormula, value: float
) -> Iterator[ByteEdit]:
    old, own = cell.formula, cell.element
    new = _f(sheet, formula)
    if own.is_empty():
        opening = _KIND.sub(b"", sheet.data[own.start : own.inside])[:-2].rstrip()
        whole = opening + b">" + new + _v(sheet, value) + b"</" + sheet.prefix + b"c>"
        yield own.start, own.end, whole
        return
    start, end = (old.start, old.end) if old else (own.inside, own.inside)
    yield start, end, new
    yield from with_value(sheet, cell, value)


def with_value(sheet: SheetXml, cell: CellXml, value: float) -> Iterator[ByteEdit]:
    """The cell with another value in the place of what was computed for it."""
    own = cell.element
    opening = sheet.data[own.start : own.inside]
    if _KIND.search(opening):
        yield own.start, own.inside, _KIND.sub(b"", opening)
    for element in cell.inner:
        if element.tag in ("v", "is"):
            yield element.start, element.end, _v(sheet, value)


def _orphans(sheet: SheetXml, gone: Collection[Address]) -> Iterator[tuple[Address, NewFormula]]:
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
            yield cell, NewFormula(copy_formula(text, home, cell))


def _text(data: bytes, element: Element) -> str:
    inside = data[element.inside : element.close]
    escaped = _CDATA.sub(lambda found: words(found[1].decode()), inside)
    return unescape(escaped.decode("utf-8", "replace")).strip()
