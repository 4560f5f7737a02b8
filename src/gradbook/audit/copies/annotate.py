"""A copy of a book whose wrong cells are coloured and carry a note, and a sheet with its score."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from itertools import islice
from os import PathLike

from gradbook import limits
from gradbook.audit.classes.rubric import FREE, BookScore, in_numbers, in_points
from gradbook.audit.copies.open_copy import CellMark, OpenPart
from gradbook.audit.copies.patch import (
    OFFICE,
    SPREADSHEET,
    STRICT,
    ByteEdit,
    Element,
    Patch,
    SheetXml,
    apply_edits,
    elements,
    free_title,
    only,
    place_after,
    prefix,
    read_sheet,
    styles_used,
    tag,
    with_attributes,
    with_child,
    words,
)
from gradbook.audit.findings import CHANGED, TO_FILL_IN, BookReport, Finding
from gradbook.audit.formula.address import Address, cells_of, column_of, letters, name_of, row_of
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.opendocument import CONTENT, is_opendocument
from gradbook.audit.workbook.package import WorkbookError, package
from gradbook.audit.workbook.read import book_of, main_part
from gradbook.files import read_bytes
from gradbook.language import mark, tr
from gradbook.language.message import Message
from gradbook.language.message import said as told
from gradbook.palette import ACTIVATION, ERROR, PAPER, QUIET, SUM, WEIGHT

# Formats: of each wrong cell, and of the sheet we add -------------------------

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT_MAIN = "http://purl.oclc.org/ooxml/spreadsheetml/main"
HIGHEST = 60_000  # a number of a format that Excel still takes
NO_STYLES = f"""<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts><fills count="2"><fill>\
<patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>\
<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>\
<cellXfs count="1"><xf/></cellXfs></styleSheet>"""
LISTS = ("fonts", "fills", "cellXfs")
INSIDE = ("font", "fill", "xf")


class Styles:
    """The formats of a workbook's cells, to which others are added."""

    def __init__(self, patch: Patch, main: str, used: int) -> None:
        self.patch = patch
        self.part = _part(patch, main)
        self.data = patch.text(self.part)
        self.found = elements(self.data, self.part, _is_style)
        self.formats = only(self.found, "cellXfs", self.part)
        self.known = [e for e in self.found if _within(e, self.formats)]
        if not self.known:
            raise WorkbookError("it has no formats of cells: save it again as .xlsx")
        lists = [e for e in self.found if e.depth == 1]
        self.first = {e.tag: sum(_within(x, e) for x in self.found) for e in lists}
        if used >= len(self.known):  # never a number that a cell has in error
            self.first["cellXfs"] = max(len(self.known), min(used + 1, HIGHEST))
        self.added: dict[str, dict[bytes, int]] = {name: {} for name in LISTS}
        self.filled: dict[tuple[int, str], int] = {}

    @property
    def _prefix(self) -> bytes:
        return prefix(self.data, self.formats)

    def with_fill(self, style: int, colour: str) -> int:
        """The number of the format that is like another one, but filled."""
        style = style if style < len(self.known) else 0
        if (style, colour) not in self.filled:
            own = self.known[style]
            fill = str(self._fill(colour))
            _, _, opening = with_attributes(self.data, own, fillId=fill, applyFill="1")
            whole = opening + self.data[own.inside : own.end]
            self.filled[style, colour] = self._number("cellXfs", whole)
        return self.filled[style, colour]

    def plain(
        self, *, size: float, ink: str, bold: bool = False, fill: str = "", middle: bool = False
    ) -> int:
        """The number of a format for words, or for numbers in the middle of their cells."""
        p, weight = self._prefix, tag(self._prefix, "b") if bold else b""
        look = tag(p, "sz", val=f"{size:g}") + tag(p, "color", rgb=f"FF{ink[1:]}")
        font = tag(p, "font", weight + look + tag(p, "name", val="Calibri"))
        said = {"fontId": str(self._number("fonts", font)), "applyFont": "1"}
        if fill:
            said |= {"fillId": str(self._fill(fill)), "applyFill": "1"}
        across = {"horizontal": "center"} if middle else {"horizontal": "left", "indent": "1"}
        place = tag(p, "alignment", vertical="top", wrapText="1", **across)
        own = tag(p, "xf", place, numFmtId="0", **said, applyAlignment="1")
        return self._number("cellXfs", own)

    def save(self) -> None:
        edits = []
        ordinary = self.data[self.known[0].start : self.known[0].end]
        for name, added in self.added.items():
            if added:
                gap = self.first[name] - len(self.known) if name == "cellXfs" else 0
                content = ordinary * gap + b"".join(added)
                count = str(self.first[name] + len(added))
                listed = only(self.found, name, self.part)
                edits += with_child(self.data, listed, content, count=count)
        self.patch.put(self.part, apply_edits(self.data, edits))

    def _fill(self, colour: str) -> int:
        p = self._prefix
        colours = tag(p, "fgColor", rgb=f"FF{colour[1:]}") + tag(p, "bgColor", indexed="64")
        solid = tag(p, "patternFill", colours, patternType="solid")
        return self._number("fills", tag(p, "fill", solid))

    def _number(self, name: str, content: bytes) -> int:
        """The number in one of the lists of something that is added to it."""
        only(self.found, name, self.part)
        added = self.added[name]
        return added.setdefault(content, self.first[name] + len(added))


def _is_style(depth: int, tag: str, attributes: dict[str, str]) -> bool:
    return (depth == 1 and tag in LISTS) or (depth == 2 and tag in INSIDE)


def _within(element: Element, parent: Element) -> bool:
    return parent.inside <= element.start < parent.close


def _part(patch: Patch, main: str) -> str:
    """The part with the formats, made where there is none."""
    for relation in patch.relations(main):
        if relation.kind == "styles" and relation.part in patch:
            return relation.part
    part = patch.free_name("xl/gradbook-styles{}.xml")
    patch.put(part, NO_STYLES.encode())
    patch.relate(main, "styles", part)
    patch.declare(part, f"{SPREADSHEET}.styles+xml")
    return part


# Notes: the comments part and its drawing -------------------------------------

AUTHOR = "gradbook"
DRAWING = "application/vnd.openxmlformats-officedocument.vmlDrawing"
SHAPES_IN_BLOCK = 1024  # the numbers of shapes come in blocks of so many
SHAPE = """<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" \
path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>\
<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>"""
EMPTY_DRAWING = """<xml xmlns:v="urn:schemas-microsoft-com:vml" \
xmlns:o="urn:schemas-microsoft-com:office:office" \
xmlns:x="urn:schemas-microsoft-com:office:excel"></xml>"""
BEFORE_DRAWING = """
sheetPr dimension sheetViews sheetFormatPr cols sheetData sheetCalcPr sheetProtection
protectedRanges scenarios autoFilter sortState dataConsolidate customSheetViews mergeCells
phoneticPr conditionalFormatting dataValidations hyperlinks printOptions pageMargins pageSetup
headerFooter rowBreaks colBreaks customProperties cellWatches ignoredErrors smartTags drawing
"""  # what stands before a sheet's legacyDrawing, says the format
WIDE, LETTER = 340, 6.2  # pixels: of a note, of a letter in it
_IDMAP = re.compile(rb"""(<o:idmap\b[^>]*?\bdata\s*=\s*["'])([^"']*)(["'])""")
_SHAPE_ID = re.compile(rb"_x0000_s(\d{1,9})")


def add_notes(
    patch: Patch, part: str, sheet: SheetXml, notes: Mapping[Address, str]
) -> list[ByteEdit]:
    """Put notes on cells of a sheet; the edits that the sheet's own text needs for them."""
    used = {relation.kind: relation.part for relation in patch.relations(part)}
    comments = used.get("comments", "")
    if comments not in patch:
        comments = _new_comments(patch, part)
    fresh = _write_texts(patch, comments, notes)
    drawing = used.get("vmlDrawing", "")
    edits: list[ByteEdit] = []
    if drawing not in patch or not any(e.tag == "legacyDrawing" for e in sheet.outline):
        drawing, edit = _new_drawing(patch, part, sheet)
        edits.append(edit)
    _draw(patch, drawing, sheet, {cell: notes[cell] for cell in fresh})
    return edits


# What the notes say -----------------------------------------------------------


def _new_comments(patch: Patch, part: str) -> str:
    name = patch.free_name("xl/comments{}.xml")
    space = STRICT_MAIN if STRICT.encode() in patch.text(part)[:4000] else MAIN
    empty = f'<comments xmlns="{space}"><authors/><commentList/></comments>'
    patch.put(name, f'<?xml version="1.0" encoding="UTF-8"?>\n{empty}'.encode())
    patch.declare(name, f"{SPREADSHEET}.comments+xml")
    patch.relate(part, "comments", name)
    return name


_NOTED = {(1, "authors"), (2, "author"), (1, "commentList"), (2, "comment"), (3, "text")}


def _write_texts(patch: Patch, part: str, notes: Mapping[Address, str]) -> list[Address]:
    """Write the notes, after those that a cell has already; the cells that had none."""
    data = patch.text(part)
    found = elements(data, part, lambda depth, tag, _: (depth, tag) in _NOTED)
    authors, listed = only(found, "authors", part), only(found, "commentList", part)
    own = sum(e.tag == "author" for e in found)
    there: dict[str, Element] = {}  # the text of each note that is there already
    text = None
    for e in found:  # in the order in which they end: a note's text before the note
        if e.tag == "text":
            text = e
        elif e.tag == "comment" and text is not None and text.start >= e.inside:
            there[e.attribute("ref")] = text
    p = prefix(data, listed)
    edits = with_child(data, authors, tag(p, "author", AUTHOR.encode()))
    added: list[bytes] = []
    fresh: list[Address] = []
    for cell, note in notes.items():
        ref = name_of(cell)
        if ref in there:
            edits += with_child(data, there[ref], _run(p, f"\n\n{note}"))
        else:
            said = tag(p, "text", _run(p, note))
            added.append(tag(p, "comment", said, ref=ref, authorId=str(own)))
            fresh.append(cell)
    if added:
        edits += with_child(data, listed, b"".join(added))
    patch.put(part, apply_edits(data, edits))
    return fresh


def _run(p: bytes, note: str) -> bytes:
    look = tag(p, "rPr", tag(p, "sz", val="9") + tag(p, "rFont", val="Tahoma"))
    return tag(p, "r", look + tag(p, "t", words(note), **{"xml:space": "preserve"}))


# Where they are drawn ---------------------------------------------------------


def _new_drawing(patch: Patch, part: str, sheet: SheetXml) -> tuple[str, ByteEdit]:
    """An empty drawing, and how the sheet refers to it."""
    name = patch.free_name("xl/drawings/vmlDrawing{}.vml")
    patch.put(name, EMPTY_DRAWING.encode())
    patch.declare_ending("vml", DRAWING)
    space = STRICT if STRICT.encode() in sheet.data[:4000] else OFFICE
    used = {"xmlns:r": space, "r:id": patch.relate(part, "vmlDrawing", name)}
    place = place_after(sheet.outline, BEFORE_DRAWING)
    return name, (place, place, tag(sheet.prefix, "legacyDrawing", b"", **used))


def _draw(patch: Patch, part: str, sheet: SheetXml, notes: Mapping[Address, str]) -> None:
    """A hidden box for each note."""
    data = patch.text(part)
    end = data.rfind(b"</xml>")
    if end < 0:
        raise WorkbookError(f"its part {part} can't be added to: save it again as .xlsx")
    blocks = _free_blocks(patch, -(-len(notes) // (SHAPES_IN_BLOCK - 1)))
    numbers = [block * SHAPES_IN_BLOCK + k for block in blocks for k in range(1, SHAPES_IN_BLOCK)]
    shapes = [
        _shape(number, cell, note, sheet)
        for number, (cell, note) in zip(numbers, notes.items(), strict=False)
    ]
    if b"_x0000_t202" not in data:
        shapes.insert(0, SHAPE)
    new = data[:end] + "".join(shapes).encode() + data[end:]
    patch.put(part, _with_blocks(new, blocks))


def _free_blocks(patch: Patch, count: int) -> list[int]:
    """Blocks of shapes' numbers that no drawing of the workbook has."""
    taken: set[int] = set()
    names = {*patch.parts.parts, *patch.changed}
    for name in names:
        if name.lower().endswith(".vml") and name in patch:
            data = patch.text(name)
            taken |= {int(n) // SHAPES_IN_BLOCK for n in _SHAPE_ID.findall(data)}
            for _, blocks, _ in _IDMAP.findall(data):
                taken |= {int(block) for block in blocks.split(b",") if block.strip().isdigit()}
    first = max(taken, default=0) + 1
    return list(range(first, first + count))


def _with_blocks(data: bytes, blocks: Sequence[int]) -> bytes:
    """The drawing, saying which blocks of numbers are its own."""
    own = ",".join(map(str, blocks)).encode()
    if _IDMAP.search(data):
        return _IDMAP.sub(lambda m: m[1] + m[2] + b"," + own + m[3], data, count=1)
    layout = b'<o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="%s"/></o:shapelayout>' % own
    start = data.index(b">", data.index(b"<xml")) + 1
    return data[:start] + layout + data[start:]


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
    """The first column and row of the note's box, and the last ones, each with pixels beyond."""
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


ScoreCell = tuple[str | float, int]  # a text or a number, and the number of its format
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
    """Put a sheet with the score behind the others."""
    part = patch.free_name("xl/worksheets/gradbook-score{}.xml")
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
    patch.put(part, sheet.encode())
    patch.declare(part, f"{SPREADSHEET}.worksheet+xml")
    _list_it(patch, main, patch.relate(main, "worksheet", part), STRICT if strict else OFFICE)


def _list_it(patch: Patch, main: str, relation: str, space: str) -> None:
    data, listing = patch.text(main), {(1, "sheets"), (2, "sheet")}
    found = elements(data, main, lambda depth, tag, _: (depth, tag) in listing)
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
    own = tag(prefix(data, listed), "sheet", b"", **said)
    patch.put(main, apply_edits(data, with_child(data, listed, own)))


# What it says -----------------------------------------------------------------


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


def _cell(place: str, content: str | float, style: int) -> bytes:
    said = {"r": place, "s": str(style)}
    if isinstance(content, float):
        return tag(b"", "c", tag(b"", "v", in_numbers(content).encode()), **said)
    text = tag(b"", "t", words(content), **{"xml:space": "preserve"})
    return tag(b"", "c", tag(b"", "is", text), **said, t="inlineStr")


# The copy ---------------------------------------------------------------------

MOST_NOTES = 2_000  # on one sheet; the cells beyond are coloured only


def annotate(
    path: str | PathLike[str], report: BookReport, score: BookScore | None = None
) -> bytes:
    """The workbook at `path` with what the report finds shown in it, and what it earns; nothing
    else changes."""
    copy = BytesIO()
    with package(path) as parts:
        patch, book = Patch(parts, takes_opendocument=True), book_of(parts)
        numbers = dict.fromkeys(book.sheet_number(f.sheet) for f in report.findings if f.cells)
        marks = {n: _marks(book, report, n) for n in numbers if n is not None}
        if marks or score is not None:
            show = _show_open if is_opendocument(parts) else _show
            show(patch, book, marks, None if score is None else (report, score))
        patch.write(copy)
    return copy.getvalue() if patch.changed else read_bytes(path, limits.BOOK)


def _show(patch: Patch, book: Book, marks: SheetMarks, scored: Scored | None) -> None:
    used = max(styles_used(patch.text(sheet.part)) for sheet in book.sheets)
    main = main_part(patch.parts)
    styles = Styles(patch, main, used)
    for number, marked in marks.items():
        part = book.sheets[number].part
        sheet = read_sheet(patch.text(part), part, number, marked)
        edits = add_notes(patch, part, sheet, {c: m.note for c, m in marked.items() if m.note})
        for cell, shown in marked.items():
            if shown.is_filled:
                style = styles.with_fill(sheet.style_of(cell), ERROR.dark_ink)
                edits += sheet.restyle(cell, style)
        patch.put(part, apply_edits(sheet.data, edits))
    if scored is not None:
        add_score(patch, main, styles, *scored)
    styles.save()


def _show_open(patch: Patch, book: Book, marks: SheetMarks, scored: Scored | None) -> None:
    """The same in an .ods."""
    part = OpenPart(patch.text(CONTENT), ERROR.dark_ink, len(book.sheets))
    for number, marked in marks.items():
        part.show(number, marked)
    if scored is not None:
        part.add_sheet(tr(TITLE), WIDTHS, list(_rows(part, *scored)))
    patch.put(CONTENT, part.text())


def _marks(book: Book, report: BookReport, number: int) -> dict[Address, CellMark]:
    """What there is to say of a sheet's wrong cells. Those that cost points are filled; what is
    only remarked on isn't."""
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
    return f"{note}\n\n{tr('Rather:')}\n{right}" if right else note
