"""Changes to parts of a workbook's package, and to single cells and bytes of their XML.

Every byte around them stays the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape, unescape
from itertools import count
from math import isfinite
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from gradbook.archives import FIRST_DAY, PACKINGS
from gradbook.cells.formula.address import Address, column_of, name_of, pack, row_and_column, row_of
from gradbook.cells.formula.pattern import copy_formula
from gradbook.cells.package import (
    Package,
    WorkbookError,
    local,
    parse,
    parser,
    relations_part,
    resolve_target,
)

# Elements of an XML text, and their bytes -------------------------------------

TAG = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""")
_NAME = re.compile(rb"<([^\s/>]+)")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

ByteEdit = tuple[int, int, bytes]  # start, end, and the bytes that replace those between them


@dataclass(frozen=True, slots=True)
class Element:
    """<tag …>…</tag>, with its place."""

    data: bytes = field(repr=False)  # the whole text
    tag: str  # without its prefix
    attributes: dict[str, str] = field(repr=False)
    depth: int  # the root has 0
    start: int  # of its start tag
    inside: int  # where the start tag ends
    close: int  # of its end tag; `inside` if it has none
    end: int

    @property
    def opening(self) -> bytes:
        return self.data[self.start : self.inside]

    @property
    def content(self) -> bytes:
        return self.data[self.inside : self.close]

    @property
    def whole(self) -> bytes:
        return self.data[self.start : self.end]

    @property
    def prefix(self) -> bytes:
        """The namespace prefix of its name in the text, with the colon."""
        before, colon, _ = _name(self.opening).rpartition(b":")
        return before + colon

    def is_empty(self) -> bool:
        return self.close == self.end

    def attribute(self, name: str) -> str:
        """The value of an attribute, by its name without a prefix."""
        return next((v for k, v in self.attributes.items() if local(k) == name), "")

    def with_child(self, child: bytes, **values: str) -> list[ByteEdit]:
        """Edits that append a child, and perhaps change attributes."""
        opening = with_attributes(self.opening, **values)
        if self.is_empty():
            return [(self.start, self.end, with_content(opening, child))]
        edits = [(self.start, self.inside, opening)] if values else []
        return [*edits, (self.close, self.close, child)]


NONE: dict[str, str] = {}  # shared by most elements
Wanted = Callable[[int, str, dict[str, str]], bool]  # by depth, tag and attributes


def elements(data: bytes, part: str, wanted: Wanted) -> list[Element]:
    """The wanted elements of a part's text, in the order in which they begin."""
    ordered: list[Element | None] = []
    opened: list[tuple[str, dict[str, str], int, int] | None] = []
    expat_parser = parser()

    def begin(tag: str, attributes: dict[str, str]) -> None:
        tag = local(tag)
        if wanted(len(opened), tag, attributes):
            opened.append((tag, attributes or NONE, expat_parser.CurrentByteIndex, len(ordered)))
            ordered.append(None)
        else:
            opened.append(None)

    def end(_: str) -> None:
        entry = opened.pop()
        if entry is not None:
            tag, attributes, start, place = entry
            close = finish = inside = start + len(opening_of(data, start))
            if data[inside - 2 : inside] != b"/>":
                close = expat_parser.CurrentByteIndex
                finish = close + len(opening_of(data, close))
            here = start, inside, close, finish
            ordered[place] = Element(data, tag, attributes, len(opened), *here)

    parse(part, [data], expat_parser, begin, end)
    return [element for element in ordered if element is not None]


def opening_of(data: bytes, start: int = 0) -> bytes:
    """The tag that begins at this position."""
    match = TAG.match(data, start)
    assert match, "a tag begins here"
    return match[0]


def _name(opening: bytes) -> bytes:
    match = _NAME.match(opening)
    assert match, "a start tag has a name"
    return match[1]


def outline(data: bytes, part: str) -> list[Element]:
    """The root and its direct children."""
    return elements(data, part, lambda depth, tag, attributes: depth <= 1)


def plain(data: bytes) -> bytes:
    """The text in an encoding that is compatible with ASCII."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = _DECLARATION.sub("", data.decode("utf-16", "replace"), count=1)
        return b'<?xml version="1.0" encoding="UTF-8"?>' + text.encode()
    return data


def apply_edits(data: bytes, edits: Iterable[ByteEdit]) -> bytes:
    """The text with these edits; insertions at the same position keep their order."""
    pieces: list[bytes] = []
    done = 0
    for start, end, content in sorted(edits, key=lambda edit: edit[:2]):
        assert start >= done, "changes to the same bytes"
        pieces += [data[done:start], content]
        done = end
    return b"".join([*pieces, data[done:]])


def words(text: str) -> bytes:
    """A text as XML in ASCII, valid in any encoding: other characters become references."""
    escaped = escape(FORBIDDEN.sub("\ufffd", text), quote=False).replace('"', "&quot;")
    return escaped.encode("ascii", "xmlcharrefreplace")


def tag(before: bytes, name: str, inside: bytes = b"", /, **attributes: str) -> bytes:
    """A new element, with a prefix before its name."""
    written = b"".join(_attribute(*attribute) for attribute in attributes.items())
    return with_content(b"<%s%s%s/>" % (before, name.encode(), written), inside)


def _attribute(name: str, value: str) -> bytes:
    return b' %s="%s"' % (name.encode(), words(value))


def with_attributes(opening: bytes, **values: str | None) -> bytes:
    """A start tag with some attributes changed; an attribute whose value is None is removed."""
    for name, value in values.items():
        there = re.search(rb"\s" + name.encode() + rb"""\s*=\s*(?:"[^"]*"|'[^']*')""", opening)
        start, end = there.span() if there else (len(_name(opening)) + 1,) * 2
        opening = (
            opening[:start]
            + (_attribute(name, value) if value is not None else b"")
            + opening[end:]
        )
    return opening


def with_content(opening: bytes, content: bytes) -> bytes:
    """The element with this start tag and content."""
    bare = opening[:-1].removesuffix(b"/").rstrip()
    return b"%s>%s</%s>" % (bare, content, _name(opening)) if content else bare + b"/>"


def only(listed: Iterable[Element], tag: str, part: str) -> Element:
    """The element with that tag, without which nothing can be added to the part."""
    first = next((element for element in listed if element.tag == tag), None)
    if first is None:
        raise WorkbookError(f"its part {part} has no <{tag}>: save it again as .xlsx")
    return first


LONGEST_TITLE = 31  # characters of a sheet's title
NOT_IN_TITLES = str.maketrans(dict.fromkeys("[]:*?/\\", " "))


def free_title(title: str, taken: Iterable[str]) -> str:
    """An unused title that a new sheet may have: Score, Score 2 …"""
    called = {name.lower() for name in taken}
    plain = " ".join(title.translate(NOT_IN_TITLES).split())
    ends = ("", *(f" {k}" for k in range(2, len(called) + 3)))
    names = (plain[: LONGEST_TITLE - len(end)].rstrip("' ") + end for end in ends)
    return next(name for name in names if name.lower() not in called)


def place_after(listed: Sequence[Element], earlier: str) -> int:
    """The position of a new child of the root: after all those that must come earlier."""
    names, root = set(earlier.split()), listed[0]
    return max((e.end for e in listed if e.depth == 1 and e.tag in names), default=root.inside)


# Parts of a package -----------------------------------------------------------

LARGEST = 256 * 2**20  # bytes of all parts, unpacked
TYPES = "[Content_Types].xml"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"


@dataclass(frozen=True)
class PartRelation:
    """States that a part uses another one, and for what."""

    id: str
    kind: str  # the last word of its type: comments
    part: str  # the other one's name in the package


class Patch:
    """A workbook's parts, with changes to some of them."""

    def __init__(self, parts: Package) -> None:
        self.parts = parts
        self.changed: dict[str, bytes] = {}
        self.dropped: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self.changed or (name in self.parts and name not in self.dropped)

    def text(self, name: str) -> bytes:
        """A part's current XML, in an encoding that is compatible with ASCII."""
        return self.changed[name] if name in self.changed else plain(self.parts.bytes_of(name))

    def put(self, name: str, data: bytes) -> None:
        self.changed[name] = data

    def edit(self, name: str, edits: Iterable[ByteEdit]) -> None:
        """Change some bytes of a part's current text."""
        self.put(name, apply_edits(self.text(name), edits))

    def add(self, of: str, kind: str, pattern: str, data: bytes, content_type: str) -> PartRelation:
        """Add a part that another one uses."""
        name = self.free_name(pattern)
        self.put(name, data)
        if name.endswith(".xml"):
            self._add(TYPES, "Override", PartName=f"/{name}", ContentType=content_type)
        else:
            self._declare_ending(name.rpartition(".")[2], content_type)
        return PartRelation(self.relate(of, kind, name), kind, name)

    def free_name(self, pattern: str) -> str:
        """The first unused name of comments1.xml, comments2.xml …"""
        taken = {name.lower() for name in (*self.parts.parts, *self.changed)}
        names = map(pattern.format, count(1))
        return next(name for name in names if name.lower() not in taken)

    # Relations and types ------------------------------------------------------

    def relations(self, of: str) -> list[PartRelation]:
        """The parts inside the package that a part uses."""
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
        """Add a relation from one part to another; return its id."""
        part = relations_part(of)
        if part not in self:
            self.put(part, f'<Relationships xmlns="{PACKAGE}/relationships"/>'.encode())
        data = self.text(part)
        base = STRICT if STRICT.encode() in data + self.text(of)[:4000] else OFFICE
        taken = {e.attribute("Id") for e in outline(data, part)}
        free = next(id for id in map("rId{}".format, count(len(taken))) if id not in taken)
        self._add(part, "Relationship", Id=free, Type=f"{base}/{kind}", Target=f"/{to}")
        return free

    def drop(self, name: str, of: str) -> None:
        """Remove a part, and the entries that refer to it."""
        if name not in self:
            return
        self.dropped.add(name)
        going = {r.id for r in self.relations(of) if r.part == name}
        self._without(relations_part(of), lambda e: e.attribute("Id") in going)
        self._without(TYPES, lambda e: e.attribute("PartName").lstrip("/") == name)

    def _without(self, part: str, unwanted: Callable[[Element], bool]) -> None:
        listed = outline(self.text(part), part)
        self.edit(part, [(e.start, e.end, b"") for e in listed if e.depth and unwanted(e)])

    def _declare_ending(self, ending: str, kind: str) -> None:
        """Declare the type of parts with this name ending, unless it is declared."""
        known = [e.attribute("Extension").lower() for e in outline(self.text(TYPES), TYPES)]
        if ending not in known:
            self._add(TYPES, "Default", Extension=ending, ContentType=kind)

    def _add(self, part: str, name: str, **attributes: str) -> None:
        """Append a child to a part's root, in the root's namespace."""
        root = outline(self.text(part), part)[0]
        self.edit(part, root.with_child(tag(root.prefix, name, b"", **attributes)))

    # The copy -----------------------------------------------------------------

    def write(self, file: IO[bytes]) -> None:
        """Write the package with its parts in their order, and new ones after them."""
        if sum(part.file_size for part in self.parts.parts.values()) > LARGEST:
            raise WorkbookError(f"it unpacks to more than {LARGEST >> 20} MB: too large to copy")
        with ZipFile(file, "w", ZIP_DEFLATED) as archive:
            for name, part in self.parts.parts.items():
                if name not in self.dropped:
                    entry = ZipInfo(part.filename, part.date_time)
                    if part.compress_type in PACKINGS:  # a part with any other can't be read
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
KEPT = {(2, "row"), (2, "col"), (3, "c"), (4, "f")}  # depths and tags
_CDATA = re.compile(rb"<!\[CDATA\[(.*?)(?:\]\]>|\Z)", re.DOTALL)


@dataclass(frozen=True)
class NewFormula:
    """The formula to put into a cell, without its =."""

    text: str
    area: str = ""  # the cells that it fills, if it is an array formula


@dataclass(frozen=True)
class CellEdit:
    """The changes to a cell; a value is written with its formula, which may be the old one."""

    style: str | None = None  # the number of its format
    formula: NewFormula | None = None
    value: float | None = None  # no value is written if it isn't finite


@dataclass
class SheetXml:
    """A sheet's text, with its relevant cells and all its rows."""

    part: str
    cells: dict[Address, Element] = field(default_factory=dict)
    formulas: dict[Address, Element] = field(default_factory=dict)
    rows: dict[int, Element] = field(default_factory=dict)
    outline: list[Element] = field(default_factory=list)  # the root and its direct children
    columns: list[Element] = field(default_factory=list)

    @property
    def prefix(self) -> bytes:
        """The namespace prefix of the sheet's elements."""
        return self.outline[0].prefix

    def style_of(self, cell: Address) -> int:
        """The format of the cell, or that of its row or column if the cell isn't there."""
        if cell in self.cells:
            return _integer(self.cells[cell].attribute("s"))
        row = self.rows.get(row_of(cell))
        if row is not None and row.attribute("customFormat") in ("1", "true"):
            return _integer(row.attribute("s"))
        column = self._column(column_of(cell))
        return _integer(column.attribute("style")) if column else 0

    def width(self, column: int) -> int:
        """The width of a column in pixels."""
        element = self._column(column)
        if element is not None:
            hidden = element.attribute("hidden") in ("1", "true")
            return 1 if hidden else _pixels(element.attribute("width"))
        usual = next((e for e in self.outline if e.tag == "sheetFormatPr"), None)
        return _pixels(usual.attribute("defaultColWidth") if usual else "")

    def _column(self, column: int) -> Element | None:
        """The element with the format of some columns, including this one."""
        for element in self.columns:
            if (
                _integer(element.attribute("min"))
                <= column + 1
                <= _integer(element.attribute("max"))
            ):
                return element
        return None

    # Changes ------------------------------------------------------------------------

    def edits(self, wanted: Mapping[Address, CellEdit]) -> Iterator[ByteEdit]:
        """The edits of the text; cells and rows that don't exist are created."""
        new: defaultdict[int, dict[Address, bytes]] = defaultdict(dict)
        for cell, edit in sorted(wanted.items()):
            there, text = self.cells.get(cell), self._written(cell, edit)
            if there is not None:
                yield there.start, there.end, text
            else:
                new[row_of(cell)][cell] = text
        rows: list[ByteEdit] = []
        for number, cells in new.items():
            if number not in self.rows:
                rows.append(self._new_row(number, b"".join(cells.values())))
            elif self.rows[number].is_empty():
                yield from self.rows[number].with_child(b"".join(cells.values()))
            else:
                yield from (self._new_cell(*cell) for cell in cells.items())
        if rows and self._table.is_empty():
            yield from self._table.with_child(b"".join(row for _, _, row in rows))
        else:
            yield from rows

    @property
    def _table(self) -> Element:
        return only(self.outline, "sheetData", self.part)

    def _new_row(self, number: int, cells: bytes) -> ByteEdit:
        following = (row.start for other, row in self.rows.items() if other > number)
        place = min(following, default=self._table.close)
        return place, place, tag(self.prefix, "row", cells, r=str(number + 1))

    def _new_cell(self, cell: Address, text: bytes) -> ByteEdit:
        row = row_of(cell)
        later = (c.start for at, c in self.cells.items() if row_of(at) == row and at > cell)
        place = min(later, default=self.rows[row].close)
        return place, place, text

    def _written(self, cell: Address, edit: CellEdit) -> bytes:
        """The new XML of a cell."""
        there, old = self.cells.get(cell), self.formulas.get(cell)
        opening = there.opening if there else tag(self.prefix, "c", r=name_of(cell))
        if edit.style is not None:
            opening = with_attributes(opening, s=edit.style)
        if edit.value is None:
            return with_content(opening, there.content if there else b"")
        content = old.whole if old else b""
        if edit.formula is not None:
            kind = {"t": "array", "ref": edit.formula.area} if edit.formula.area else {}
            content = tag(self.prefix, "f", words(edit.formula.text), **kind)
        if isfinite(edit.value):
            content += tag(self.prefix, "v", repr(edit.value).encode())
        return with_content(with_attributes(opening, t=None), content)

    def orphans(self, gone: Collection[Address]) -> Iterator[tuple[Address, NewFormula]]:
        """Cells that share the formula of a cell which gets another one, each with its own copy."""
        masters: dict[str, tuple[Address, str]] = {}
        for cell, formula in self.formulas.items():
            if formula.attribute("t") != "shared":
                continue
            escaped = _CDATA.sub(lambda cdata: words(cdata[1].decode()), formula.content)
            text = unescape(escaped.decode("utf-8", "replace")).strip()
            index = formula.attribute("si")
            if text:
                masters[index] = cell, text
            elif index in masters and masters[index][0] in gone and cell not in gone:
                home, text = masters[index]
                yield cell, NewFormula(copy_formula(text, home, cell))


def read_sheet(data: bytes, part: str, number: int, wanted: Iterable[Address]) -> SheetXml:
    """Read a sheet's text, with all cells in the rows of the wanted ones."""
    rows, sheet = {row_of(cell) for cell in wanted}, SheetXml(part)
    row = column = -1  # of the last cell: the position may be omitted

    def row_after(row: int, place: str) -> int:
        return max(int(place) - 1, 0) if place.isdecimal() and len(place) < 8 else row + 1

    def keep(depth: int, tag: str, attributes: dict[str, str]) -> bool:
        nonlocal row
        if (depth, tag) == (2, "row"):
            row = row_after(row, attributes.get("r", ""))
        return depth <= 1 or ((depth, tag) in KEPT and (depth < 3 or row in rows))

    every = elements(data, part, keep)
    row = cell = -1
    for element in every:
        place = element.attribute("r")
        if element.depth <= 1:
            sheet.outline.append(element)
        elif element.tag == "col":
            sheet.columns.append(element)
        elif element.tag == "row":
            row, column = row_after(row, place), -1
            sheet.rows[row] = element
        elif element.tag == "c":
            at, column = row_and_column(place) or (row, column + 1)
            cell = pack(number, at, column)
            sheet.cells[cell] = element
        else:
            sheet.formulas[cell] = element
    return sheet


def _integer(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _pixels(width: str) -> int:
    """A column's width, which is given in digits of the default font."""
    try:
        return max(1, min(int(7 * float(width) + 5), 2000))
    except (ValueError, OverflowError):
        return USUAL_WIDTH
