"""A copy of a book whose wrong cells are coloured and carry a note, and a sheet with its score."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from os import PathLike

from gradbook import limits
from gradbook.audit.classes.rubric import FREE, BookScore, PartScore, in_numbers, in_points
from gradbook.audit.copies.open_copy import OpenMarks, OpenPart
from gradbook.audit.copies.patch import (
    OFFICE,
    SPREADSHEET,
    STRICT,
    ByteEdit,
    Element,
    Patch,
    apply_edits,
    elements,
    only,
    place_after,
    prefix,
    tag,
    with_attributes,
    with_child,
    words,
)
from gradbook.audit.copies.sheet_xml import SheetXml, read_sheet, styles_used
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
from gradbook.palette import ACTIVATION, ERROR, PAPER, QUIET, SUM, WEIGHT, Colour

# Formats: of each wrong cell, and of the sheet we add -------------------------

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT_MAIN = "http://purl.oclc.org/ooxml/spreadsheetml/main"
HIGHEST = 60_000  # a number of a format that Excel still takes
NO_STYLES = f"""<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts><fills count="2"><fill>\
<patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>\
<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>\
<cellXfs count="1"><xf/></cellXfs></styleSheet>"""
COUNTED = ("fonts", "fills", "cellXfs")
INSIDE = ("font", "fill", "xf")


class Styles:
    """The formats of a workbook's cells, to which others are added."""

    def __init__(self, patch: Patch, main: str, used: int) -> None:
        self.patch = patch
        self.part = _part(patch, main)
        self.data = patch.text(self.part)
        found = elements(self.data, self.part, _is_style)
        self.lists = {e.tag: e for e in found if e.tag in COUNTED}
        only(found, "fills", self.part)
        self.formats = only(found, "cellXfs", self.part)
        self.known = [e for e in found if e.tag == "xf" and _within(e, self.formats)]
        if not self.known:
            raise WorkbookError("it has no formats of cells: save it again as .xlsx")
        beyond = min(used + 1, HIGHEST) if used >= len(self.known) else 0
        self.first = max(len(self.known), beyond)  # never a number that a cell has in error
        self.count = {
            name: sum(e.tag == one and _within(e, self.lists[name]) for e in found)
            for name, one in zip(COUNTED, INSIDE, strict=True)
            if name in self.lists
        }
        self.added: dict[str, dict[bytes, int]] = {name: {} for name in COUNTED}
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
            self.filled[style, colour] = self._format(opening + self.data[own.inside : own.end])
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
        return self._format(tag(p, "xf", place, numFmtId="0", **said, applyAlignment="1"))

    def save(self) -> None:
        edits = []
        for name, added in self.added.items():
            content = b"".join(added)
            count = self.count.get(name, 0) + len(added)
            if name == "cellXfs":
                ordinary = self.data[self.known[0].start : self.known[0].end]
                content = ordinary * (self.first - len(self.known)) + content
                count = self.first + len(added)
            if added:
                edits += with_child(self.data, self.lists[name], content, count=str(count))
        self.patch.put(self.part, apply_edits(self.data, edits))

    def _fill(self, colour: str) -> int:
        p = self._prefix
        colours = tag(p, "fgColor", rgb=f"FF{colour[1:]}") + tag(p, "bgColor", indexed="64")
        solid = tag(p, "patternFill", colours, patternType="solid")
        return self._number("fills", tag(p, "fill", solid))

    def _format(self, content: bytes) -> int:
        added = self.added["cellXfs"]
        return added.setdefault(content, self.first + len(added))

    def _number(self, name: str, content: bytes) -> int:
        if name not in self.lists:
            raise WorkbookError(f"its part {self.part} has no <{name}>: save it again as .xlsx")
        added = self.added[name]
        return added.setdefault(content, self.count[name] + len(added))


def _is_style(depth: int, tag: str, attributes: dict[str, str]) -> bool:
    return (depth == 1 and tag in COUNTED) or (depth == 2 and tag in INSIDE)


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


@dataclass(frozen=True)
class ScoreCell:
    """A text or a number, and the format it has."""

    content: str | float
    style: int


ScoreRow = Sequence[ScoreCell]


def add_score(
    patch: Patch, main: str, styles: Styles, report: BookReport, score: BookScore
) -> None:
    """Put a sheet with the score behind the others."""
    part = patch.free_name("xl/worksheets/gradbook-score{}.xml")
    strict = STRICT_MAIN.encode() in patch.text(main)[:4000]
    rows = list(_rows(styles, report, score))
    colour = ACTIVATION if score.points == score.out_of else ERROR
    patch.put(part, _sheet(rows, STRICT_MAIN if strict else MAIN, colour))
    patch.declare(part, f"{SPREADSHEET}.worksheet+xml")
    _list_it(patch, main, patch.relate(main, "worksheet", part), STRICT if strict else OFFICE)


def _list_it(patch: Patch, main: str, relation: str, space: str) -> None:
    data = patch.text(main)
    found = elements(
        data, main, lambda depth, tag, _: (depth, tag) in {(1, "sheets"), (2, "sheet")}
    )
    listed = only(found, "sheets", main)
    there = [e for e in found if e.tag == "sheet"]
    numbers = [e.attribute("sheetId") for e in there]
    if not all(number.isdecimal() and len(number) < 9 for number in numbers):
        raise WorkbookError("its sheets have no numbers: save it again as .xlsx")
    called = {e.attribute("name").lower() for e in there}
    title = tr(TITLE)
    names = (title, *(f"{title} {k}" for k in range(2, len(there) + 3)))
    said = {
        "name": next(name for name in names if name.lower() not in called),
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
    yield [ScoreCell(told(in_points(score) or NOT_JUDGED), title)]
    if report.origin.student:
        yield [ScoreCell(report.origin.student, usual)]
    yield []
    if score.parts:
        named = (
            (tr("what"), head),
            (tr("points"), middle),
            (tr("of"), middle),
            (tr("because it is"), head),
        )
        yield [ScoreCell(*cell) for cell in named]
    for part, worth in zip(score.parts, score.worth, strict=True):
        tint = _colour(part)
        mark = styles.plain(size=11, ink=tint.ink, bold=True, fill=tint.fill, middle=True)
        name, why = part.mark.name, ScoreCell(told(part.why), usual)
        points = ScoreCell(round(part.share * worth, 2), mark)
        yield [ScoreCell(name, usual), points, ScoreCell(round(worth, 2), quiet), why]
    yield []
    findings = [finding for finding in report.findings if finding.kind != TO_FILL_IN]
    if findings:
        yield [ScoreCell(words, head) for words in (tr("where"), tr("what"), "", tr("why"))]
    for finding in findings:
        where = f"{finding.sheet}!{finding.cells}" if len(report.sheets) > 1 else finding.cells
        cells = ScoreCell(where, usual), ScoreCell(finding.quantity, usual), ScoreCell("", usual)
        yield [*cells, ScoreCell(told(finding.why), usual)]


def _colour(part: PartScore) -> Colour:
    return ACTIVATION if part.share == FULL else WEIGHT if part.share else ERROR


# As XML -----------------------------------------------------------------------


def _sheet(rows: Sequence[ScoreRow], space: str, colour: Colour) -> bytes:
    columns = b"".join(
        tag(b"", "col", b"", min=str(k), max=str(k), width=str(width), customWidth="1")
        for k, width in enumerate(WIDTHS, 1)
    )
    fitted = tag(b"", "pageSetUpPr", b"", fitToPage="1")
    look = tag(b"", "sheetPr", tag(b"", "tabColor", b"", rgb=f"FF{colour.ink[1:]}") + fitted)
    view = tag(b"", "sheetView", b"", showGridLines="0", workbookViewId="0")
    table = b"".join(_row(number, row) for number, row in enumerate(rows, 1))
    merged = tag(b"", "mergeCells", tag(b"", "mergeCell", ref="A1:D1"), count="1")
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        + f'<worksheet xmlns="{space}">'.encode()
        + look
        + tag(b"", "sheetViews", view)
        + tag(b"", "cols", columns)
        + tag(b"", "sheetData", table)
        + merged
        + tag(b"", "pageSetup", b"", orientation="landscape", fitToWidth="1", fitToHeight="0")
        + b"</worksheet>"
    )


def _row(number: int, row: ScoreRow) -> bytes:
    cells = b"".join(_cell(f"{letters(k)}{number}", cell) for k, cell in enumerate(row))
    height = {"ht": str(TITLE_HEIGHT), "customHeight": "1"} if number == 1 else {}
    return tag(b"", "row", cells, r=str(number), **height)


def _cell(place: str, cell: ScoreCell) -> bytes:
    style = str(cell.style)
    if isinstance(cell.content, float):
        return tag(b"", "c", tag(b"", "v", in_numbers(cell.content).encode()), r=place, s=style)
    text = tag(b"", "t", words(cell.content), **{"xml:space": "preserve"})
    return tag(b"", "c", tag(b"", "is", text), r=place, s=style, t="inlineStr")


# The copy ---------------------------------------------------------------------

MOST_NOTES = 2_000  # on one sheet; the cells beyond are coloured only


def annotate(
    path: str | PathLike[str], report: BookReport, score: BookScore | None = None
) -> bytes:
    """The workbook at `path` with what the report finds shown in it, and what it earns; nothing
    else changes."""
    copy = BytesIO()
    with package(path) as parts:
        patch = Patch(parts, takes_opendocument=True)
        show = _show_open if is_opendocument(parts) else _show
        show(patch, book_of(parts), report, score)
        patch.write(copy)
    return copy.getvalue() if patch.changed else read_bytes(path, limits.BOOK)


def _show(patch: Patch, book: Book, report: BookReport, score: BookScore | None) -> None:
    marked, costly = notes(book, report), costly_cells(book, report)
    if not marked and score is None:
        return
    used = max(styles_used(patch.text(sheet.part)) for sheet in book.sheets)
    main = main_part(patch.parts)
    styles = Styles(patch, main, used)
    for number, said in marked.items():
        part = book.sheets[number].part
        sheet = read_sheet(patch.text(part), part, number, said)
        few = dict(list(said.items())[:MOST_NOTES])
        edits = add_notes(patch, part, sheet, few)
        for cell in filter(costly[number].__contains__, said):
            style = styles.with_fill(sheet.style_of(cell), ERROR.dark_ink)
            edits += sheet.restyle(cell, style)
        patch.put(part, apply_edits(sheet.data, edits))
    if score is not None:
        add_score(patch, main, styles, report, score)
    styles.save()


def _show_open(patch: Patch, book: Book, report: BookReport, score: BookScore | None) -> None:
    """The same in an .ods."""
    marked, costly = notes(book, report), costly_cells(book, report)
    if not marked and score is None:
        return
    part = OpenPart(patch.text(CONTENT), ERROR.dark_ink, len(book.sheets))
    for number, said in marked.items():
        few = dict(list(said.items())[:MOST_NOTES])
        part.show(number, OpenMarks(few, frozenset(costly[number].intersection(said))))
    if score is not None:
        part.add_sheet(tr(TITLE), WIDTHS, list(_rows(part, report, score)))
    patch.put(CONTENT, part.text())


def notes(book: Book, report: BookReport) -> dict[int, dict[Address, str]]:
    """Sheet → wrong cell → what there is to say of it."""
    found: dict[int, dict[Address, str]] = {}
    for finding in report.findings:
        number = book.sheet_number(finding.sheet)
        if number is None:
            continue
        said = found.setdefault(number, {})
        cells = list(cells_of(finding.cells, number))
        for cell in cells:
            note = _note(finding, name_of(cells[0]), cell)
            said[cell] = f"{said[cell]}\n\n{note}" if cell in said else note
    return found


def costly_cells(book: Book, report: BookReport) -> dict[int, set[Address]]:
    """Sheet → the cells that cost points, which are coloured. What is only remarked on isn't."""
    found: defaultdict[int, set[Address]] = defaultdict(set)
    for finding in report.findings:
        number = book.sheet_number(finding.sheet)
        if number is not None and finding.kind not in (*FREE, CHANGED):
            found[number].update(cells_of(finding.cells, number))
    return found


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
