"""Finds and replaces single cells in a worksheet's XML, byte for byte around them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from math import isfinite

from gradbook.audit.copies.markup import (
    Edit,
    Element,
    edited,
    elements,
    outline,
    place_after,
    prefix,
    with_attributes,
    with_child,
    words,
)
from gradbook.audit.copies.patch import Patch
from gradbook.audit.formula.address import (
    Address,
    column_number,
    column_of,
    letters,
    pack,
    row_of,
    written,
)
from gradbook.audit.formula.pattern import moved
from gradbook.audit.workbook.read import main_part

_A1 = re.compile(r"([A-Za-z]{1,3})([1-9][0-9]{0,6})")
USUAL_WIDTH = 64  # of a column, in pixels
_STYLE = re.compile(rb"""\ss\s*=\s*["'](\d{1,9})["']""")


@dataclass
class Cell:
    """A <c> and what is in it."""

    element: Element
    inner: list[Element]

    @property
    def style(self) -> int:
        return _whole(self.element.attribute("s"))

    @property
    def formula(self) -> Element | None:
        return next((e for e in self.inner if e.tag == "f"), None)


@dataclass
class SheetXml:
    """A sheet's text, the cells in it that matter, and every row."""

    data: bytes
    cells: dict[Address, Cell] = field(default_factory=dict)
    rows: dict[int, Element] = field(default_factory=dict)
    others: list[Element] = field(default_factory=list)  # the root and what is directly in it
    columns: list[Element] = field(default_factory=list)

    @property
    def prefix(self) -> bytes:
        """What the sheet's own elements have before their names."""
        return prefix(self.data, self.others[-1])

    def restyled(self, cell: Address, style: int) -> list[Edit]:
        """The cell with another format, made where there is none."""
        there = self.cells.get(cell)
        if there is not None:
            return [with_attributes(self.data, there.element, s=str(style))]
        name = f"{letters(column_of(cell))}{row_of(cell) + 1}"
        return self.new_cell(cell, f' r="{name}" s="{style}"'.encode())

    def style_of(self, cell: Address) -> int:
        """The format that the cell has, its row's or its column's where it is not there."""
        if cell in self.cells:
            return self.cells[cell].style
        row = self.rows.get(row_of(cell))
        if row is not None and row.attribute("customFormat") in ("1", "true"):
            return _whole(row.attribute("s"))
        column = column_of(cell) + 1
        for element in self.columns:
            if _whole(element.attribute("min")) <= column <= _whole(element.attribute("max")):
                return _whole(element.attribute("style"))
        return 0

    def width(self, column: int) -> int:
        """How wide a column is, in pixels."""
        for element in self.columns:
            if _whole(element.attribute("min")) <= column + 1 <= _whole(element.attribute("max")):
                return _pixels(element.attribute("width"), hidden=element.attribute("hidden"))
        usual = next((e for e in self.others if e.tag == "sheetFormatPr"), None)
        return _pixels(usual.attribute("defaultColWidth") if usual else "")

    def new_cell(self, cell: Address, attributes: bytes, inside: bytes = b"") -> list[Edit]:
        name = self.prefix + b"c"
        own = b"<" + name + attributes + (b">" + inside + b"</" + name + b">" if inside else b"/>")
        row = self.rows.get(row_of(cell))
        if row is not None:
            if row.is_empty():
                return with_child(self.data, row, own)
            later = [
                c.element.start
                for at, c in self.cells.items()
                if row_of(at) == row_of(cell) and at > cell
            ]
            place = min(later, default=row.close)
            return [(place, place, own)]
        name = self.prefix + b"row"
        whole = b"<" + name + f' r="{row_of(cell) + 1}">'.encode() + own + b"</" + name + b">"
        following = [e.start for n, e in self.rows.items() if n > row_of(cell)]
        table = next(e for e in self.others if e.tag == "sheetData")
        place = min(following, default=table.close)
        return [(place, place, whole)]


KEPT = {(2, "row"), (2, "col"), (3, "c"), (4, "f"), (4, "v"), (4, "is")}


def read_sheet(data: bytes, part: str, number: int, wanted: Iterable[Address]) -> SheetXml:
    """A sheet's text, with all the cells in the rows of the wanted ones."""
    found = SheetXml(data)
    rows = {row_of(cell) for cell in wanted}
    follow = _Follower(number)

    def keep(depth: int, tag: str, attributes: dict[str, str]) -> bool:
        if depth <= 1:
            return True
        if (depth, tag) in ((2, "row"), (3, "c")):
            attributes["at"] = str(follow(tag, attributes))
        return (depth, tag) in KEPT and (depth < 3 or follow.row in rows)

    inner: list[Element] = []
    for element in elements(data, part, keep):
        if element.depth <= 1:
            found.others.append(element)
        elif element.tag == "row":
            found.rows[row_of(int(element.attributes["at"]))] = element
        elif element.tag == "col":
            found.columns.append(element)
        elif element.tag == "c":
            found.cells[int(element.attributes["at"])] = Cell(element, inner)
            inner = []
        else:
            inner.append(element)
    return found


class _Follower:
    """Where a row or a cell is; not all say so themselves."""

    def __init__(self, sheet: int) -> None:
        self.sheet = sheet
        self.row = self.column = -1

    def __call__(self, tag: str, attributes: dict[str, str]) -> Address:
        given = attributes.get("r", "")
        if tag == "row":
            self.row = int(given) - 1 if given.isdigit() and len(given) < 8 else self.row + 1
            self.column = -1
            return pack(self.sheet, max(self.row, 0), 0)
        found = _A1.fullmatch(given)
        self.column += 1
        if found:
            self.row, self.column = int(found[2]) - 1, column_number(found[1])
        return pack(self.sheet, self.row, self.column)


def _whole(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 10 else 0


def _pixels(width: str, hidden: str = "") -> int:
    """A column's width, which is given in digits of the usual size."""
    if hidden in ("1", "true"):
        return 1
    try:
        return max(1, min(int(7 * float(width) + 5), 2000))
    except (ValueError, OverflowError):
        return USUAL_WIDTH


def styles_used(data: bytes) -> int:
    """The largest number that looks like a format's, so that ours is none of those used."""
    return max((int(found) for found in _STYLE.findall(data)), default=0)


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
