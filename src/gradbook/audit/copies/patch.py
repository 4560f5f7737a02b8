"""Puts changed parts into a workbook's package and copies every other part untouched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from gradbook.archives import PACKINGS
from gradbook.audit.copies.markup import Element, edited, outline, plain, prefix, tag, with_child
from gradbook.audit.workbook.package import Package, WorkbookError, related, relations_part

LARGEST = 256 * 2**20  # bytes of all parts, unpacked
TYPES = "[Content_Types].xml"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
MADE = (1980, 1, 1, 0, 0, 0)  # the date of what we add: the same copy comes out every time


@dataclass(frozen=True)
class PartRelation:
    """That a part uses another one, and as what."""

    id: str
    kind: str  # the last word of its type: comments
    part: str  # the other one's name in the package


class Patch:
    """A workbook's parts, and changes to some of them."""

    def __init__(self, parts: Package) -> None:
        self.parts = parts
        self.changed: dict[str, bytes] = {}
        self.dropped: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self.changed or (name in self.parts and name not in self.dropped)

    def text(self, name: str) -> bytes:
        """A part's XML as it is now, in an encoding that ASCII can be put into."""
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
                related(of, e.attribute("Target")),
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
            self.put(part, edited(data, edits))

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
        self.put(part, edited(data, with_child(data, root, child)))

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
                    entry = ZipInfo(name, MADE)
                    entry.compress_type = ZIP_DEFLATED
                    self._write(archive, entry, name)

    def _write(self, archive: ZipFile, entry: ZipInfo, name: str) -> None:
        if name in self.changed:
            archive.writestr(entry, self.changed[name])
            return
        with archive.open(entry, "w") as copy:
            for piece in self.parts.chunks(name):
                copy.write(piece)
