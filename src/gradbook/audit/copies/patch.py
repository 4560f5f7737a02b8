"""Changes to single parts of a workbook's package, and to bytes of their XML, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import count
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from gradbook.archives import FIRST_DAY, PACKINGS
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

_TAG = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""")
_NAME = re.compile(rb"<([^\s/>]+)")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

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
        close = finish = inside = _matched(_TAG, data, start).end()
        if data[inside - 2 : inside] != b"/>":
            close = made.CurrentByteIndex
            finish = _matched(_TAG, data, close).end()
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
    escaped = escape(_FORBIDDEN.sub("\ufffd", text), quote=False).replace('"', "&quot;")
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
