"""Sheets that are added to a workbook's package: their text, and their entries in its list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from gradbook.cells.book import CellValue
from gradbook.cells.formula.address import letters
from gradbook.cells.package import WorkbookError
from gradbook.cells.patch import (
    OFFICE,
    SPREADSHEET,
    STRICT,
    ByteEdit,
    Element,
    Patch,
    elements,
    only,
    outline,
    place_after,
    tag,
    with_attributes,
    words,
)
from gradbook.cells.read import main_part
from gradbook.cells.styles import MAIN

STRICT_MAIN = "http://purl.oclc.org/ooxml/spreadsheetml/main"
BEFORE_NAMES = """
fileVersion fileSharing workbookPr workbookProtection bookViews sheets functionGroups
externalReferences
"""  # the elements that the format puts before definedNames
BEFORE_CALCULATION = f"{BEFORE_NAMES} definedNames"

PRINT_SCALE = "70"  # in %, of a sheet that is wider than a page
XML = b'<?xml version="1.0" encoding="UTF-8"?>\n'

Place = tuple[int, int]  # row and column, from 0


# The text of a sheet ----------------------------------------------------------


@dataclass(frozen=True)
class NewCell:
    """A cell to write: a text or number, or a formula with its value."""

    content: CellValue = None
    style: str = "0"
    formula: str = ""  # without its =
    is_array: bool = False


@dataclass(frozen=True)
class ColourRule:
    """A format that the cells of an area get while a formula is true, relative to its first."""

    area: str
    formula: str
    format: str  # its number among those by rule


@dataclass
class NewSheet:
    """A sheet to add."""

    title: str
    ink: str  # of its tab
    cells: dict[Place, NewCell] = field(default_factory=dict)
    widths: dict[int, float] = field(default_factory=dict)  # of columns, in letters
    heights: dict[int, float] = field(default_factory=dict)  # of rows, in points
    merged: list[str] = field(default_factory=list)
    rules: list[ColourRule] = field(default_factory=list)  # the first that is true counts
    links: dict[Place, str] = field(default_factory=dict)  # to places in the workbook
    frozen: Place = (0, 0)  # how many rows and columns stay in sight
    repeated: tuple[int, int] | None = None  # rows that each printed page has
    breaks: list[int] = field(default_factory=list)  # columns with which a printed page begins
    is_one_page_wide: bool = True
    has_grid: bool = False
    footer: str = ""

    def put(self, row: int, column: int, content: CellValue, style: str, formula: str = "") -> None:
        self.cells[row, column] = NewCell(content, style, formula)

    def text(self, space: str) -> bytes:
        """The sheet as XML."""
        fit = tag(b"", "pageSetUpPr", fitToPage="1") if self.is_one_page_wide else b""
        properties = tag(b"", "tabColor", rgb=f"FF{self.ink[1:]}") + fit
        pieces = [
            tag(b"", "sheetPr", properties),
            tag(b"", "sheetViews", self._view()),
            tag(b"", "sheetFormatPr", defaultRowHeight="15"),
            tag(b"", "cols", b"".join(self._columns())) if self.widths else b"",
            tag(b"", "sheetData", b"".join(self._rows())),
        ]
        if self.merged:
            areas = b"".join(tag(b"", "mergeCell", ref=area) for area in self.merged)
            pieces.append(tag(b"", "mergeCells", areas, count=str(len(self.merged))))
        pieces += self._rules()
        if self.links:
            links = b"".join(
                tag(b"", "hyperlink", ref=_name(*place), location=to, display=to)
                for place, to in self.links.items()
            )
            pieces.append(tag(b"", "hyperlinks", links))
        margins = {"left": "0.4", "right": "0.4", "top": "0.5", "bottom": "0.6"}
        pieces.append(tag(b"", "pageMargins", **margins, header="0.3", footer="0.3"))
        setup = {"paperSize": "9", "orientation": "landscape"}
        fitted = {"fitToWidth": "1", "fitToHeight": "0"}
        setup |= fitted if self.is_one_page_wide else {"scale": PRINT_SCALE}
        pieces.append(tag(b"", "pageSetup", **setup))
        if self.footer:
            pieces.append(tag(b"", "headerFooter", tag(b"", "oddFooter", words(self.footer))))
        if self.breaks:
            count = str(len(self.breaks))
            breaks = b"".join(
                tag(b"", "brk", id=str(column), max="1048575", man="1") for column in self.breaks
            )
            pieces.append(tag(b"", "colBreaks", breaks, count=count, manualBreakCount=count))
        body = b"".join(pieces)
        return XML + tag(b"", "worksheet", body, xmlns=space)

    def _view(self) -> bytes:
        rows, columns = self.frozen
        pane = b""
        if rows or columns:
            split = {"xSplit": str(columns)} if columns else {}
            split |= {"ySplit": str(rows)} if rows else {}
            side = {(True, True): "bottomRight", (True, False): "bottomLeft"}
            here = side.get((rows > 0, columns > 0), "topRight")
            first = _name(rows, columns)
            pane = tag(b"", "pane", **split, topLeftCell=first, activePane=here, state="frozen")
            pane += tag(b"", "selection", pane=here, activeCell=first, sqref=first)
        grid = {} if self.has_grid else {"showGridLines": "0"}
        return tag(b"", "sheetView", pane, **grid, workbookViewId="0")

    def _columns(self) -> Iterator[bytes]:
        for column, width in sorted(self.widths.items()):
            place = {"min": str(column + 1), "max": str(column + 1)}
            yield tag(b"", "col", **place, width=f"{width:g}", customWidth="1")

    def _rows(self) -> Iterator[bytes]:
        rows: defaultdict[int, list[bytes]] = defaultdict(list)
        for (row, column), cell in sorted(self.cells.items()):
            rows[row].append(_cell(_name(row, column), cell))
        for row in sorted({*rows, *self.heights}):
            height = self.heights.get(row)
            tall = {"ht": f"{height:g}", "customHeight": "1"} if height is not None else {}
            yield tag(b"", "row", b"".join(rows[row]), r=str(row + 1), **tall)

    def _rules(self) -> Iterator[bytes]:
        for number, rule in enumerate(self.rules, 1):
            attributes = {"type": "expression", "dxfId": rule.format, "priority": str(number)}
            inside = tag(b"", "formula", words(rule.formula))
            rule_tag = tag(b"", "cfRule", inside, **attributes, stopIfTrue="1")
            yield tag(b"", "conditionalFormatting", rule_tag, sqref=rule.area)


def _name(row: int, column: int) -> str:
    return f"{letters(column)}{row + 1}"


def _cell(place: str, cell: NewCell) -> bytes:
    attributes = {"r": place, "s": cell.style}
    formula = b""
    if cell.formula:
        kind = {"t": "array", "ref": place} if cell.is_array else {}
        formula = tag(b"", "f", words(cell.formula), **kind)
    match cell.content:
        case bool(value):
            return tag(b"", "c", formula + tag(b"", "v", b"%d" % value), **attributes, t="b")
        case int() | float() as value:
            shown = tag(b"", "v", repr(value).encode()) if isfinite(value) else b""
            return tag(b"", "c", formula + shown, **attributes)
        case str(value) if formula:
            return tag(b"", "c", formula + tag(b"", "v", words(value)), **attributes, t="str")
        case str(value) if value:
            text = tag(b"", "t", words(value), **{"xml:space": "preserve"})
            return tag(b"", "c", tag(b"", "is", text), **attributes, t="inlineStr")
    return tag(b"", "c", formula, **attributes)


# What the workbook lists ------------------------------------------------------


def add_sheet(patch: Patch, sheet: NewSheet, pattern: str, *, is_first: bool = False) -> str:
    """Add a sheet after the others, or before them; return its part."""
    main = main_part(patch.parts)
    is_strict = STRICT_MAIN.encode() in patch.text(main)[:4000]
    text = sheet.text(STRICT_MAIN if is_strict else MAIN)
    kind = f"{SPREADSHEET}.worksheet+xml"
    relation = patch.add(main, "worksheet", pattern, text, kind)
    entries = elements(patch.text(main), main, _is_listed)
    sheets = [e for e in entries if e.tag == "sheet"]
    numbers = [e.attribute("sheetId") for e in sheets]
    if not all(number.isdecimal() and len(number) < 9 for number in numbers):
        raise WorkbookError("its sheets have no numbers: save it again as .xlsx")
    listed = only(entries, "sheets", main)
    attributes = {
        "name": sheet.title,
        "sheetId": str(max(map(int, numbers), default=0) + 1),
        "xmlns:r": STRICT if is_strict else OFFICE,
        "r:id": relation.id,
    }
    entry = tag(listed.prefix, "sheet", b"", **attributes)
    if is_first and sheets:
        edits: list[ByteEdit] = [(sheets[0].start, sheets[0].start, entry)]
        patch.edit(main, [*edits, *_one_sheet_later(entries)])
    else:
        patch.edit(main, listed.with_child(entry))
    if sheet.repeated is not None:
        place = 0 if is_first else len(sheets)
        title = sheet.title.replace("'", "''")
        first, last = sheet.repeated
        rows = f"'{title}'!${first + 1}:${last + 1}"
        define_names(patch, {"_xlnm.Print_Titles": rows}, sheet=place)
    return relation.part


def sheet_titles(patch: Patch) -> list[str]:
    """The titles of all sheets, those without cells included."""
    main = main_part(patch.parts)
    listed = elements(patch.text(main), main, _is_listed)
    return [e.attribute("name") for e in listed if e.tag == "sheet"]


def _is_listed(depth: int, tag: str, attributes: Mapping[str, str]) -> bool:
    kept = {(1, "sheets"), (2, "sheet"), (2, "definedName"), (2, "workbookView")}
    return (depth, tag) in kept


def _one_sheet_later(listed: Sequence[Element]) -> Iterator[ByteEdit]:
    """The edits that let names and views refer to the same sheets, now one place later; the
    tabs begin with the new sheet."""
    for e in listed:
        attributes: dict[str, str | None] = {}
        if e.tag == "definedName":
            number = e.attribute("localSheetId")
            attributes = {"localSheetId": str(int(number) + 1)} if number.isdecimal() else {}
        elif e.tag == "workbookView":
            number = e.attribute("activeTab") or "0"
            attributes = {"activeTab": str(int(number) + 1)} if number.isdecimal() else {}
            attributes |= {"firstSheet": None} if e.attribute("firstSheet") else {}
        if attributes:
            yield e.start, e.inside, with_attributes(e.opening, **attributes)


def define_names(
    patch: Patch, names: Mapping[str, str], *, sheet: int | None = None, hidden: bool = False
) -> None:
    """Give names to places of the workbook, or of one of its sheets."""
    main = main_part(patch.parts)
    listed = outline(patch.text(main), main)
    prefix = listed[0].prefix
    attributes = {"localSheetId": str(sheet)} if sheet is not None else {}
    attributes |= {"hidden": "1"} if hidden else {}
    entries = b"".join(
        tag(prefix, "definedName", words(place), name=name, **attributes)
        for name, place in names.items()
    )
    there = next((e for e in listed if e.depth == 1 and e.tag == "definedNames"), None)
    if there is not None:
        patch.edit(main, there.with_child(entries))
    else:
        place = place_after(listed, BEFORE_NAMES)
        patch.edit(main, [(place, place, tag(prefix, "definedNames", entries))])


def ask_to_calculate(patch: Patch) -> None:
    """Make programs recalculate the workbook when they open it, in an order of their own."""
    main = main_part(patch.parts)
    for relation in patch.relations(main):
        if relation.kind == "calcChain":
            patch.drop(relation.part, main)
    listed = outline(patch.text(main), main)
    there = next((e for e in listed if e.depth == 1 and e.tag == "calcPr"), None)
    if there is not None:
        opening = with_attributes(there.opening, fullCalcOnLoad="1")
        edit = there.start, there.inside, opening
    else:
        place = place_after(listed, BEFORE_CALCULATION)
        edit = place, place, tag(listed[0].prefix, "calcPr", fullCalcOnLoad="1")
    patch.edit(main, [edit])
