"""Notes on cells: the comments part and its drawing, new or added to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gradbook.audit.copies.markup import (
    ByteEdit,
    Element,
    edited,
    elements,
    only,
    place_after,
    prefix,
    tag,
    with_child,
    words,
)
from gradbook.audit.copies.patch import OFFICE, SPREADSHEET, STRICT, Patch
from gradbook.audit.copies.sheet_xml import SheetXml
from gradbook.audit.copies.styles_xml import MAIN, STRICT_MAIN
from gradbook.audit.formula.address import Address, column_of, row_of, written
from gradbook.audit.workbook.package import WorkbookError

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
    if drawing not in patch or not any(e.tag == "legacyDrawing" for e in sheet.others):
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
        ref = written(cell)
        if ref in there:
            edits += with_child(data, there[ref], _run(p, f"\n\n{note}"))
        else:
            said = tag(p, "text", _run(p, note))
            added.append(tag(p, "comment", said, ref=ref, authorId=str(own)))
            fresh.append(cell)
    if added:
        edits += with_child(data, listed, b"".join(added))
    patch.put(part, edited(data, edits))
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
    place = place_after(sheet.others, BEFORE_DRAWING)
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
