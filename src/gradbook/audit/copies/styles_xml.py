"""Formats of cells: each wrong cell's own one, with a fill, and those of a sheet that we add."""

from __future__ import annotations

from gradbook.audit.copies.markup import (
    Element,
    edited,
    elements,
    only,
    prefix,
    tag,
    with_attributes,
    with_child,
)
from gradbook.audit.copies.patch import SPREADSHEET, Patch
from gradbook.audit.workbook.package import WorkbookError

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT_MAIN = "http://purl.oclc.org/ooxml/spreadsheetml/main"
HIGHEST = 60_000  # a number of a format that Excel still takes
NONE = f"""<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts><fills count="2"><fill>\
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
        self.patch.put(self.part, edited(self.data, edits))

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
    patch.put(part, NONE.encode())
    patch.relate(main, "styles", part)
    patch.declare(part, f"{SPREADSHEET}.styles+xml")
    return part
