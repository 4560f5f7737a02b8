"""Copies of workbooks with notes on wrong cells, which are coloured, and a sheet with the score."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from itertools import islice
from os import PathLike

from gradbook import limits
from gradbook.audit.classes.scoring import FREE, BookScore, in_points
from gradbook.audit.findings import CHANGED, TO_FILL_IN, BookReport, Finding
from gradbook.cells.added_sheets import STRICT_MAIN, NewSheet, add_sheet, sheet_titles
from gradbook.cells.book import Book
from gradbook.cells.formula.address import Address, cells_of, column_of, name_of, row_of
from gradbook.cells.open_copy import CellMark, OpenPart
from gradbook.cells.package import CONTENT, WorkbookError, is_opendocument, package
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
    words,
)
from gradbook.cells.read import book_of, main_part
from gradbook.cells.styles import MAIN, Styles
from gradbook.files import read_bytes
from gradbook.language import mark, tr
from gradbook.language.message import Message
from gradbook.language.message import translate as told
from gradbook.palette import ACTIVATION, ERROR, PAPER, QUIET, SUM, WEIGHT

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


def add_score(patch: Patch, styles: Styles, report: BookReport, score: BookScore) -> None:
    """Add a sheet with the score after the others."""
    ink = (ACTIVATION if score.points == score.out_of else ERROR).ink
    title = free_title(tr(TITLE), sheet_titles(patch))
    sheet = NewSheet(title, ink, widths=dict(enumerate(WIDTHS)), heights={0: TITLE_HEIGHT})
    sheet.merged.append("A1:D1")
    for number, row in enumerate(_rows(styles, report, score)):
        for column, (content, style) in enumerate(row):
            sheet.put(number, column, content, style)
    add_sheet(patch, sheet, "xl/worksheets/gradbook-score{}.xml")


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
        add_score(patch, styles, *scored)
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
    right = finding.expected if here == first else finding.fixes.get(here, "")
    if finding.arrays:
        areas = (area for area in finding.arrays if area.partition(":")[0] == here)
        right = "".join(f"{{={finding.arrays[area]}}}" for area in areas)
    parts = {"name": finding.quantity, "reason": told(finding.why)}
    note = (
        tr("{name}: {reason}.", **parts)
        if here == first
        else tr("{name}: as in {cell}, {reason}.", cell=first, **parts)
    )
    if right and finding.change and here == first:
        note += f"\n\n{tr('Change: {change}.', change=told(finding.change))}"
    return f"{note}\n\n{tr('Should be:')}\n{right}" if right else note
