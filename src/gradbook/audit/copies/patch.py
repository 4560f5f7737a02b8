"""Changes to parts of a workbook's package, and to single cells and bytes of their XML; every byte
around them stays as it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape, unescape
from itertools import count
from math import isfinite
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from gradbook.archives import FIRST_DAY, PACKINGS
from gradbook.audit.formula.address import Address, column_of, name_of, pack, row_and_column, row_of
from gradbook.audit.formula.pattern import copy_formula
from gradbook.audit.workbook.opendocument import is_opendocument
from gradbook.audit.workbook.package import (
    Package,
    WorkbookError,
    local,
    parse,
    parser,
    relations_part,
    resolve_target,
)

# Elements of an XML text, and the bytes they stand in -------------------------

TAG = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""")
_NAME = re.compile(rb"<([^\s/>]+)")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

ByteEdit = tuple[int, int, bytes]  # from where to where in the text, and what belongs there


@dataclass(frozen=True, slots=True)
class Element:
    """<tag …>…</tag>, and where that is."""

    tag: str  # without its prefix
    attributes: dict[str, str] = field(repr=False)
    depth: int  # the root has 0
    start: int  # of its start tag
    _inside: int  # how far from there the rest is: small numbers, for a sheet has very many
    _close: int
    _end: int

    @property
    def inside(self) -> int:
        """Where its start tag ends."""
        return self.start + self._inside

    @property
    def close(self) -> int:
        """Where its end tag starts; `inside` where it has none."""
        return self.start + self._close

    @property
    def end(self) -> int:
        return self.start + self._end

    def is_empty(self) -> bool:
        return self.close == self.end

    def attribute(self, name: str) -> str:
        """An attribute by its name, whatever its prefix."""
        return next((v for k, v in self.attributes.items() if local(k) == name), "")


NONE: dict[str, str] = {}  # that most elements share
Wanted = Callable[[int, str, dict[str, str]], bool]  # by depth, tag and attributes


def elements(data: bytes, part: str, wanted: Wanted) -> list[Element]:
    """The wanted elements of a part's text, in the order in which they end."""
    found: list[Element] = []
    opened: list[tuple[str, dict[str, str], int] | None] = []
    made = parser()

    def begin(tag: str, attributes: dict[str, str]) -> None:
        tag = local(tag)
        keep = wanted(len(opened), tag, attributes)
        opened.append((tag, attributes, made.CurrentByteIndex) if keep else None)

    def end(_: str) -> None:
        entry = opened.pop()
        if entry is None:
            return
        tag, attributes, start = entry
        close = finish = inside = _matched(TAG, data, start).end()
        if data[inside - 2 : inside] != b"/>":
            close = made.CurrentByteIndex
            finish = _matched(TAG, data, close).end()
        places = (place - start for place in (inside, close, finish))
        found.append(Element(tag, attributes or NONE, len(opened), start, *places))

    parse(part, [data], made, begin, end)
    return found


def _matched(pattern: re.Pattern[bytes], data: bytes, start: int = 0) -> re.Match[bytes]:
    found = pattern.match(data, start)
    assert found, "the parser found a tag here"
    return found


def outline(data: bytes, part: str) -> list[Element]:
    """The root and what is directly inside it."""
    return elements(data, part, lambda depth, tag, attributes: depth <= 1)


def plain(data: bytes) -> bytes:
    """The text in an encoding that ASCII can be put into."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = _DECLARATION.sub("", data.decode("utf-16", "replace"), count=1)
        return b'<?xml version="1.0" encoding="UTF-8"?>' + text.encode()
    return data


def apply_edits(data: bytes, edits: Iterable[ByteEdit]) -> bytes:
    """The text with other bytes in some places; what is put into one place keeps its order."""
    pieces: list[bytes] = []
    done = 0
    for start, end, content in sorted(edits, key=lambda edit: edit[:2]):
        assert start >= done, "changes to the same bytes"
        pieces += [data[done:start], content]
        done = end
    return b"".join([*pieces, data[done:]])


def words(text: str) -> bytes:
    """A text as XML that holds in any encoding: what isn't ASCII becomes a reference."""
    escaped = escape(FORBIDDEN.sub("\ufffd", text), quote=False).replace('"', "&quot;")
    return escaped.encode("ascii", "xmlcharrefreplace")


def prefix(data: bytes, element: Element) -> bytes:
    """The prefix that an element's name has in the text, with its colon."""
    before, colon, _ = _matched(_NAME, data, element.start)[1].rpartition(b":")
    return before + colon


def tag(before: bytes, name: str, inside: bytes = b"", /, **attributes: str) -> bytes:
    """A new element, with a prefix before its name."""
    start = before + name.encode()
    said = b"".join(_said(*attribute) for attribute in attributes.items())
    return b"<%s%s>%s</%s>" % (start, said, inside, start) if inside else b"<%s%s/>" % (start, said)


def _said(name: str, value: str) -> bytes:
    return b' %s="%s"' % (name.encode(), words(value))


def with_attributes(data: bytes, element: Element, **values: str) -> ByteEdit:
    """The element's start tag with other values of some attributes."""
    opening = data[element.start : element.inside]
    for name, value in values.items():
        there = re.search(rb"\s" + name.encode() + rb"""\s*=\s*(?:"[^"]*"|'[^']*')""", opening)
        start, end = there.span() if there else (_matched(_NAME, opening).end(),) * 2
        opening = opening[:start] + _said(name, value) + opening[end:]
    return element.start, element.inside, opening


def with_child(data: bytes, element: Element, child: bytes, **values: str) -> list[ByteEdit]:
    """One more child at an element's end; attributes may change with it."""
    start, inside, opening = with_attributes(data, element, **values)
    if not element.is_empty():
        own = [(start, inside, opening)] if values else []
        return [*own, (element.close, element.close, child)]
    name = _matched(_NAME, opening)[1]
    opening = opening[: opening.rindex(b"/")].rstrip() + b">"
    return [(start, inside, opening + child + b"</" + name + b">")]


def only(found: Iterable[Element], tag: str, part: str) -> Element:
    """The one element of that tag, without which the part can't be added to."""
    first = next((element for element in found if element.tag == tag), None)
    if first is None:
        raise WorkbookError(f"its part {part} has no <{tag}>: save it again as .xlsx")
    return first


def free_title(title: str, taken: Iterable[str]) -> str:
    """What a new sheet is called: Score, Score 2 …"""
    called = {name.lower() for name in taken}
    names = (title, *(f"{title} {k}" for k in range(2, len(called) + 3)))
    return next(name for name in names if name.lower() not in called)


def place_after(found: Sequence[Element], earlier: str) -> int:
    """Where a child of the root belongs: behind those that come earlier."""
    names = set(earlier.split())
    root = found[-1]
    return max((e.end for e in found if e.depth == 1 and e.tag in names), default=root.inside)


# Parts of a package -----------------------------------------------------------

LARGEST = 256 * 2**20  # bytes of all parts, unpacked
TYPES = "[Content_Types].xml"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"


@dataclass(frozen=True)
class PartRelation:
    """That a part uses another one, and as what."""

    id: str
    kind: str  # the last word of its type: comments
    part: str  # the other one's name in the package


class Patch:
    """A workbook's parts, and changes to some of them."""

    def __init__(self, parts: Package, takes_opendocument: bool = False) -> None:
        self.parts, self.takes_opendocument = parts, takes_opendocument
        self.changed: dict[str, bytes] = {}
        self.dropped: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self.changed or (name in self.parts and name not in self.dropped)

    def text(self, name: str) -> bytes:
        """A part's XML as it is now, in an encoding that ASCII can be put into."""
        if is_opendocument(self.parts) and not self.takes_opendocument:
            raise WorkbookError(
                "only copies of .xlsx are made: save it as .xlsx and check that one"
            )
        return self.changed[name] if name in self.changed else plain(self.parts.bytes_of(name))

    def put(self, name: str, data: bytes) -> None:
        self.changed[name] = data

    def free_name(self, pattern: str) -> str:
        """The first of comments1.xml, comments2.xml … that no part is called."""
        taken = {name.lower() for name in (*self.parts.parts, *self.changed)}
        names = map(pattern.format, count(1))
        return next(name for name in names if name.lower() not in taken)

    # Relations and types ------------------------------------------------------

    def relations(self, of: str) -> list[PartRelation]:
        """What a part uses, inside the package."""
        part = relations_part(of)
        if part not in self:
            return []
        return [
            PartRelation(
                e.attribute("Id"),
                e.attribute("Type").rpartition("/")[2],
                resolve_target(of, e.attribute("Target")),
            )
            for e in outline(self.text(part), part)
            if e.depth == 1 and e.attribute("TargetMode") != "External"
        ]

    def relate(self, of: str, kind: str, to: str) -> str:
        """Let a part use another one; the relation's id."""
        part = relations_part(of)
        if part not in self:
            self.put(part, f'<Relationships xmlns="{PACKAGE}/relationships"/>'.encode())
        data = self.text(part)
        base = STRICT if STRICT.encode() in data + self.text(of)[:4000] else OFFICE
        taken = {e.attribute("Id") for e in outline(data, part)}
        own = next(name for name in map("rId{}".format, count(len(taken))) if name not in taken)
        self._add(part, "Relationship", Id=own, Type=f"{base}/{kind}", Target=f"/{to}")
        return own

    def drop(self, name: str, of: str) -> None:
        """Leave a part out, and what says that another one uses it."""
        if name not in self:
            return
        self.dropped.add(name)
        going = {r.id for r in self.relations(of) if r.part == name}
        self._without(relations_part(of), lambda e: e.attribute("Id") in going)
        self._without(TYPES, lambda e: e.attribute("PartName").lstrip("/") == name)

    def _without(self, part: str, unwanted: Callable[[Element], bool]) -> None:
        data = self.text(part)
        edits = [(e.start, e.end, b"") for e in outline(data, part) if e.depth and unwanted(e)]
        if edits:
            self.put(part, apply_edits(data, edits))

    def declare(self, name: str, kind: str) -> None:
        """Say of what type a part is."""
        self._add(TYPES, "Override", PartName=f"/{name}", ContentType=kind)

    def declare_ending(self, ending: str, kind: str) -> None:
        """Say of what type parts with such a name are, unless that is known."""
        known = [e.attribute("Extension").lower() for e in outline(self.text(TYPES), TYPES)]
        if ending not in known:
            self._add(TYPES, "Default", Extension=ending, ContentType=kind)

    def _add(self, part: str, name: str, **attributes: str) -> None:
        """One more child of a part's root, which has its namespace."""
        data = self.text(part)
        root = outline(data, part)[-1]
        child = tag(prefix(data, root), name, b"", **attributes)
        self.put(part, apply_edits(data, with_child(data, root, child)))

    # The copy -----------------------------------------------------------------

    def write(self, file: IO[bytes]) -> None:
        """The package, its parts in their order and new ones behind them."""
        if sum(part.file_size for part in self.parts.parts.values()) > LARGEST:
            raise WorkbookError(f"it unpacks to more than {LARGEST >> 20} MB: too large to copy")
        with ZipFile(file, "w", ZIP_DEFLATED) as archive:
            for name, part in self.parts.parts.items():
                if name not in self.dropped:
                    entry = ZipInfo(part.filename, part.date_time)
                    if part.compress_type in PACKINGS:  # what isn't can't be read either
                        entry.compress_type = part.compress_type
                    entry.external_attr = part.external_attr
                    self._write(archive, entry, name)
            for name in self.changed:
                if name not in self.parts:
                    entry = ZipInfo(name, FIRST_DAY)
                    entry.compress_type = ZIP_DEFLATED
                    self._write(archive, entry, name)

    def _write(self, archive: ZipFile, entry: ZipInfo, name: str) -> None:
        if name in self.changed:
            archive.writestr(entry, self.changed[name])
            return
        with archive.open(entry, "w") as copy:
            for piece in self.parts.chunks(name):
                copy.write(piece)


# Cells of a sheet -------------------------------------------------------------

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


# New formulas and values ----------------------------------------------------------


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
