"""Copies of workbooks with notes on wrong cells, which are coloured, and a sheet with the score."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from itertools import islice
from os import PathLike

from gradbook import limits
from gradbook.audit.classes.rubric import FREE, BookScore, in_numbers, in_points
from gradbook.audit.findings import CHANGED, TO_FILL_IN, BookReport, Finding
from gradbook.cells.book import Book
from gradbook.cells.formula.address import Address, cells_of, column_of, letters, name_of, row_of
from gradbook.cells.open_copy import CellMark, OpenPart
from gradbook.cells.opendocument import CONTENT, is_opendocument
from gradbook.cells.package import WorkbookError, package
from gradbook.cells.patch import (
    OFFICE,
    SPREADSHEET,
    STRICT,
    ByteEdit,
    CellEdit,
    Element,
    Patch,
    SheetXml,
    elements,
    free_title,
    only,
    place_after,
    read_sheet,
    tag,
    with_attributes,
    with_content,
    words,
)
from gradbook.cells.read import book_of, main_part
from gradbook.files import read_bytes
from gradbook.language import mark, tr
from gradbook.language.message import Message
from gradbook.language.message import said as told
from gradbook.palette import ACTIVATION, ERROR, PAPER, QUIET, SUM, WEIGHT

# Formats of wrong cells and of the added sheet --------------------------------

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT_MAIN = "http://purl.oclc.org/ooxml/spreadsheetml/main"
NO_STYLES = f"""<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts><fills count="2"><fill>\
<patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>\
<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>\
<cellXfs count="1"><xf/></cellXfs></styleSheet>"""
LISTS = ("fonts", "fills", "cellXfs")
INSIDE = ("font", "fill", "xf")


class Styles:
    """The formats of a workbook's cells, to which new ones are added."""

    def __init__(self, patch: Patch, main: str) -> None:
        self.patch = patch
        used = (r.part for r in patch.relations(main) if r.kind == "styles" and r.part in patch)
        self.part = next(used, "") or _new_styles(patch, main)
        self.found = elements(patch.text(self.part), self.part, _is_style)
        self.formats = only(self.found, "cellXfs", self.part)
        self.known = [e for e in self.found if _within(e, self.formats)]
        if not self.known:
            raise WorkbookError("it has no formats of cells: save it again as .xlsx")
        self.count = {
            e.tag: sum(_within(x, e) for x in self.found) for e in self.found if e.depth == 1
        }
        self.added: dict[str, dict[bytes, int]] = {name: {} for name in LISTS}

    def with_fill(self, style: int, colour: str) -> str:
        """The number of the format that equals another one, with a fill."""
        own = self.known[style if style < len(self.known) else 0]
        opening = with_attributes(own.opening, fillId=self._fill(colour), applyFill="1")
        return self._number("cellXfs", with_content(opening, own.content))

    def plain(
        self, *, size: float, ink: str, bold: bool = False, fill: str = "", middle: bool = False
    ) -> str:
        """The number of a format for words, or for centred numbers."""
        p = self.formats.prefix
        weight = tag(p, "b") if bold else b""
        look = tag(p, "sz", val=f"{size:g}") + tag(p, "color", rgb=f"FF{ink[1:]}")
        font = tag(p, "font", weight + look + tag(p, "name", val="Calibri"))
        said = {"fontId": self._number("fonts", font), "applyFont": "1"}
        if fill:
            said |= {"fillId": self._fill(fill), "applyFill": "1"}
        across = {"horizontal": "center"} if middle else {"horizontal": "left", "indent": "1"}
        place = tag(p, "alignment", vertical="top", wrapText="1", **across)
        own = tag(p, "xf", place, numFmtId="0", **said, applyAlignment="1")
        return self._number("cellXfs", own)

    def save(self) -> None:
        edits: list[ByteEdit] = []
        for name, added in self.added.items():
            if added:
                listed = only(self.found, name, self.part)
                count = str(self.count[name] + len(added))
                edits += listed.with_child(b"".join(added), count=count)
        self.patch.edit(self.part, edits)

    def _fill(self, colour: str) -> str:
        p = self.formats.prefix
        colours = tag(p, "fgColor", rgb=f"FF{colour[1:]}") + tag(p, "bgColor", indexed="64")
        solid = tag(p, "patternFill", colours, patternType="solid")
        return self._number("fills", tag(p, "fill", solid))

    def _number(self, name: str, content: bytes) -> str:
        """The number in a list of an entry that is added to it."""
        only(self.found, name, self.part)
        added = self.added[name]
        return str(added.setdefault(content, self.count[name] + len(added)))


def _is_style(depth: int, tag: str, attributes: dict[str, str]) -> bool:
    return (depth == 1 and tag in LISTS) or (depth == 2 and tag in INSIDE)


def _within(element: Element, parent: Element) -> bool:
    return parent.inside <= element.start < parent.close


def _new_styles(patch: Patch, main: str) -> str:
    pattern, kind = "xl/gradbook-styles{}.xml", f"{SPREADSHEET}.styles+xml"
    return patch.add(main, "styles", pattern, NO_STYLES.encode(), kind).part


# Notes: the comments part and its drawing -------------------------------------

AUTHOR = "gradbook"
DRAWING = "application/vnd.openxmlformats-officedocument.vmlDrawing"
FIRST_SHAPE = 1025  # the number that Excel gives to the first shape
SHAPE = """<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" \
path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>\
<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>"""
EMPTY_DRAWING = """<xml xmlns:v="urn:schemas-microsoft-com:vml" \
xmlns:o="urn:schemas-microsoft-com:office:office" \
xmlns:x="urn:schemas-microsoft-com:office:excel"><o:shapelayout v:ext="edit">\
<o:idmap v:ext="edit" data="1"/></o:shapelayout></xml>"""
BEFORE_DRAWING = """
sheetPr dimension sheetViews sheetFormatPr cols sheetData sheetCalcPr sheetProtection
protectedRanges scenarios autoFilter sortState dataConsolidate customSheetViews mergeCells
phoneticPr conditionalFormatting dataValidations hyperlinks printOptions pageMargins pageSetup
headerFooter rowBreaks colBreaks customProperties cellWatches ignoredErrors smartTags drawing
"""  # the elements that the format puts before a sheet's legacyDrawing
WIDE, LETTER = 340, 6.2  # pixels: the width of a note, and of a letter in it
_SHAPE_ID = re.compile(rb"_x0000_s(\d{1,9})")


def add_notes(
    patch: Patch, part: str, sheet: SheetXml, notes: Mapping[Address, str]
) -> list[ByteEdit]:
    """Put notes on cells of a sheet; return the edits that the sheet's own text needs for them."""
    used = {relation.kind: relation.part for relation in patch.relations(part)}
    is_strict = STRICT.encode() in patch.text(part)[:4000]
    comments, drawing = used.get("comments", ""), used.get("vmlDrawing", "")
    if comments not in patch:
        space = STRICT_MAIN if is_strict else MAIN
        empty = f'<comments xmlns="{space}"><authors/><commentList/></comments>'.encode()
        kind = f"{SPREADSHEET}.comments+xml"
        comments = patch.add(part, "comments", "xl/comments{}.xml", empty, kind).part
    fresh = _write_texts(patch, comments, notes)
    edits: list[ByteEdit] = []
    if drawing not in patch or not any(e.tag == "legacyDrawing" for e in sheet.outline):
        pattern, empty = "xl/drawings/vmlDrawing{}.vml", EMPTY_DRAWING.encode()
        made = patch.add(part, "vmlDrawing", pattern, empty, DRAWING)
        relation = {"xmlns:r": STRICT if is_strict else OFFICE, "r:id": made.id}
        place, drawing = place_after(sheet.outline, BEFORE_DRAWING), made.part
        edits.append((place, place, tag(sheet.prefix, "legacyDrawing", b"", **relation)))
    _draw(patch, drawing, sheet, {cell: notes[cell] for cell in fresh})
    return edits


_NOTED = {(1, "authors"), (2, "author"), (1, "commentList"), (2, "comment"), (3, "text")}


def _write_texts(patch: Patch, part: str, notes: Mapping[Address, str]) -> list[Address]:
    """Write the notes after those that a cell already has; return the cells that had none."""
    found = elements(patch.text(part), part, lambda depth, tag, _: (depth, tag) in _NOTED)
    authors, listed = only(found, "authors", part), only(found, "commentList", part)
    own = sum(e.tag == "author" for e in found)
    there: dict[str, Element] = {}  # the text of each existing note
    ref = ""
    for e in found:
        ref = e.attribute("ref") if e.tag == "comment" else ref
        there |= {ref: e} if e.tag == "text" else {}
    p = listed.prefix
    edits = authors.with_child(tag(p, "author", AUTHOR.encode()))
    added: dict[Address, bytes] = {}
    for cell, note in notes.items():
        ref = name_of(cell)
        if ref in there:
            edits += there[ref].with_child(_run(p, f"\n\n{note}"))
        else:
            said = tag(p, "text", _run(p, note))
            added[cell] = tag(p, "comment", said, ref=ref, authorId=str(own))
    if added:
        edits += listed.with_child(b"".join(added.values()))
    patch.edit(part, edits)
    return list(added)


def _run(p: bytes, note: str) -> bytes:
    look = tag(p, "rPr", tag(p, "sz", val="9") + tag(p, "rFont", val="Tahoma"))
    return tag(p, "r", look + tag(p, "t", words(note), **{"xml:space": "preserve"}))


# The notes' boxes -------------------------------------------------------------


def _draw(patch: Patch, part: str, sheet: SheetXml, notes: Mapping[Address, str]) -> None:
    """Add a hidden box for each note."""
    data = patch.text(part)
    end = data.rfind(b"</xml>")
    if end < 0:
        raise WorkbookError(f"its part {part} can't be added to: save it again as .xlsx")
    first = 1 + max((FIRST_SHAPE - 1, *map(int, _SHAPE_ID.findall(data))))
    shapes = [_shape(k, cell, note, sheet) for k, (cell, note) in enumerate(notes.items(), first)]
    if b"_x0000_t202" not in data:
        shapes.insert(0, SHAPE)
    patch.edit(part, [(end, end, "".join(shapes).encode())])


def _shape(number: int, cell: Address, note: str, sheet: SheetXml) -> str:
    anchor = ", ".join(map(str, _box(cell, note, sheet)))
    return (
        f'<v:shape id="_x0000_s{number}" type="#_x0000_t202" '
        'style="position:absolute;z-index:1;visibility:hidden" '
        'fillcolor="#fdf6e3" o:insetmode="auto"><v:fill color2="#fdf6e3"/>'
        '<v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/>'
        '<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox>'
        '<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
        f"<x:Anchor>{anchor}</x:Anchor><x:AutoFill>False</x:AutoFill>"
        f"<x:Row>{row_of(cell)}</x:Row><x:Column>{column_of(cell)}</x:Column>"
        "</x:ClientData></v:shape>"
    )


def _box(cell: Address, note: str, sheet: SheetXml) -> tuple[int, ...]:
    """The box's first column and row and its last ones, each with an offset in pixels."""
    lines = sum(1 + int(len(line) * LETTER) // WIDE for line in note.split("\n"))
    left = column_of(cell) + 1
    right, room = left, WIDE
    while room > (width := sheet.width(right)):
        right, room = right + 1, room - width
    top = max(row_of(cell) - 1, 0)
    return left, 12, top, 4, right, room, top + lines + 1, 4


# The score sheet --------------------------------------------------------------

TITLE = mark("Score")
WIDTHS = (16, 10, 10, 76)  # of the columns, in letters
TITLE_HEIGHT = 34  # points
NOT_JUDGED = Message("nothing in it could be judged")
FULL = 1.0


ScoreCell = tuple[str | float, str]  # a text or a number, and its format
Scored = tuple[BookReport, BookScore]
SheetMarks = Mapping[int, Mapping[Address, CellMark]]


SHEET = """<?xml version="1.0" encoding="UTF-8"?>
<worksheet xmlns="{space}"><sheetPr><tabColor rgb="FF{ink}"/><pageSetUpPr fitToPage="1"/></sheetPr>\
<sheetViews><sheetView showGridLines="0" workbookViewId="0"/></sheetViews><cols>{columns}</cols>\
<sheetData>{rows}</sheetData><mergeCells count="1"><mergeCell ref="A1:D1"/></mergeCells>\
<pageSetup orientation="landscape" fitToWidth="1" fitToHeight="0"/></worksheet>"""


def add_score(
    patch: Patch, main: str, styles: Styles, report: BookReport, score: BookScore
) -> None:
    """Add a sheet with the score after the others."""
    strict = STRICT_MAIN.encode() in patch.text(main)[:4000]
    sizes = (
        tag(b"", "col", b"", min=str(k), max=str(k), width=str(width), customWidth="1")
        for k, width in enumerate(WIDTHS, 1)
    )
    rows = (_row(number, row) for number, row in enumerate(_rows(styles, report, score), 1))
    sheet = SHEET.format(
        space=STRICT_MAIN if strict else MAIN,
        ink=(ACTIVATION if score.points == score.out_of else ERROR).ink[1:],
        columns=b"".join(sizes).decode(),
        rows=b"".join(rows).decode(),
    )
    pattern, kind = "xl/worksheets/gradbook-score{}.xml", f"{SPREADSHEET}.worksheet+xml"
    relation = patch.add(main, "worksheet", pattern, sheet.encode(), kind).id
    _list_it(patch, main, relation, STRICT if strict else OFFICE)


def _list_it(patch: Patch, main: str, relation: str, space: str) -> None:
    listing = {(1, "sheets"), (2, "sheet")}
    found = elements(patch.text(main), main, lambda depth, tag, _: (depth, tag) in listing)
    listed = only(found, "sheets", main)
    there = [e for e in found if e.tag == "sheet"]
    numbers = [e.attribute("sheetId") for e in there]
    if not all(number.isdecimal() and len(number) < 9 for number in numbers):
        raise WorkbookError("its sheets have no numbers: save it again as .xlsx")
    said = {
        "name": free_title(tr(TITLE), [e.attribute("name") for e in there]),
        "sheetId": str(max(map(int, numbers), default=0) + 1),
        "xmlns:r": space,
        "r:id": relation,
    }
    patch.edit(main, listed.with_child(tag(listed.prefix, "sheet", b"", **said)))


# Its contents -----------------------------------------------------------------


def _rows(
    styles: Styles | OpenPart, report: BookReport, score: BookScore
) -> Iterator[list[ScoreCell]]:
    title = styles.plain(size=20, ink=PAPER.ink, bold=True)
    usual = styles.plain(size=11, ink=PAPER.ink)
    quiet = styles.plain(size=11, ink=QUIET.ink, middle=True)
    head = styles.plain(size=11, ink=SUM.ink, bold=True, fill=SUM.fill)
    middle = styles.plain(size=11, ink=SUM.ink, bold=True, fill=SUM.fill, middle=True)
    yield [(told(in_points(score) or NOT_JUDGED), title)]
    if report.origin.student:
        yield [(report.origin.student, usual)]
    yield []
    if score.parts:
        named = (tr("what"), head), (tr("points"), middle), (tr("of"), middle)
        yield [*named, (tr("because it is"), head)]
    for part, worth in zip(score.parts, score.worth, strict=True):
        tint = ACTIVATION if part.share == FULL else WEIGHT if part.share else ERROR
        mark = styles.plain(size=11, ink=tint.ink, bold=True, fill=tint.fill, middle=True)
        earned, whole = round(part.share * worth, 2), round(worth, 2)
        yield [(part.mark.name, usual), (earned, mark), (whole, quiet), (told(part.why), usual)]
    yield []
    findings = [finding for finding in report.findings if finding.kind != TO_FILL_IN]
    if findings:
        yield [(words, head) for words in (tr("where"), tr("what"), "", tr("why"))]
    for finding in findings:
        where = f"{finding.sheet}!{finding.cells}" if len(report.sheets) > 1 else finding.cells
        yield [(text, usual) for text in (where, finding.quantity, "", told(finding.why))]


# As XML -----------------------------------------------------------------------


def _row(number: int, row: Sequence[ScoreCell]) -> bytes:
    cells = b"".join(_cell(f"{letters(k)}{number}", *cell) for k, cell in enumerate(row))
    height = {"ht": str(TITLE_HEIGHT), "customHeight": "1"} if number == 1 else {}
    return tag(b"", "row", cells, r=str(number), **height)


def _cell(place: str, content: str | float, style: str) -> bytes:
    said = {"r": place, "s": style}
    if isinstance(content, float):
        return tag(b"", "c", tag(b"", "v", in_numbers(content).encode()), **said)
    text = tag(b"", "t", words(content), **{"xml:space": "preserve"})
    return tag(b"", "c", tag(b"", "is", text), **said, t="inlineStr")


# The copy ---------------------------------------------------------------------

MOST_NOTES = 2_000  # on one sheet; further cells are only coloured


def annotate(
    path: str | PathLike[str], report: BookReport, score: BookScore | None = None
) -> bytes:
    """The workbook at `path` with notes on the report's findings, and with its score; all other
    bytes stay the same."""
    copy = BytesIO()
    with package(path) as parts:
        patch, book = Patch(parts), book_of(parts)
        numbers = dict.fromkeys(book.sheet_number(f.sheet) for f in report.findings if f.cells)
        marks = {n: _marks(book, report, n) for n in numbers if n is not None}
        if marks or score is not None:
            show = _show_open if is_opendocument(parts) else _show
            show(patch, book, marks, None if score is None else (report, score))
        patch.write(copy)
    return copy.getvalue() if patch.changed else read_bytes(path, limits.BOOK)


def _show(patch: Patch, book: Book, marks: SheetMarks, scored: Scored | None) -> None:
    main = main_part(patch.parts)
    styles = Styles(patch, main)
    for number, marked in marks.items():
        part = book.sheets[number].part
        sheet = read_sheet(patch.text(part), part, number, marked)
        edits = add_notes(patch, part, sheet, {c: m.note for c, m in marked.items() if m.note})
        filled = {
            cell: CellEdit(style=styles.with_fill(sheet.style_of(cell), ERROR.dark_ink))
            for cell, shown in marked.items()
            if shown.is_filled
        }
        patch.edit(part, [*edits, *sheet.edits(filled)])
    if scored is not None:
        add_score(patch, main, styles, *scored)
    styles.save()


def _show_open(patch: Patch, book: Book, marks: SheetMarks, scored: Scored | None) -> None:
    """Add the marks and the score to an .ods file."""
    part = OpenPart(patch.text(CONTENT), ERROR.dark_ink, len(book.sheets))
    for number, marked in marks.items():
        part.show(number, marked)
    if scored is not None:
        part.add_sheet(tr(TITLE), WIDTHS, list(_rows(part, *scored)))
    patch.put(CONTENT, part.text())


def _marks(book: Book, report: BookReport, number: int) -> dict[Address, CellMark]:
    """The marks of a sheet's wrong cells. Cells that cost points are filled; cells with mere
    remarks aren't."""
    notes: dict[Address, str] = {}
    filled: set[Address] = set()
    for finding in report.findings:
        here = book.sheet_number(finding.sheet) == number
        cells = list(cells_of(finding.cells, number)) if here else []
        for cell in cells:
            note = _note(finding, name_of(cells[0]), cell)
            notes[cell] = f"{notes[cell]}\n\n{note}" if cell in notes else note
        filled.update(cells if finding.kind not in (*FREE, CHANGED) else ())
    noted = set(islice(notes, MOST_NOTES))
    return {c: CellMark(note if c in noted else "", c in filled) for c, note in notes.items()}


def _note(finding: Finding, first: str, cell: Address) -> str:
    here = name_of(cell)
    own = "" if finding.array else finding.fixes.get(here)
    right = own or (finding.expected if here == first else "")
    parts = {"name": finding.quantity, "reason": told(finding.why)}
    note = (
        tr("{name}: {reason}.", **parts)
        if here == first
        else tr("{name}: as in {cell}, {reason}.", cell=first, **parts)
    )
    return f"{note}\n\n{tr('Should be:')}\n{right}" if right else note
