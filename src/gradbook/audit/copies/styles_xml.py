"""Formats of cells: each wrong cell's own one, with a fill."""

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
HIGHEST = 60_000  # a number of a format that Excel still takes
NONE = f"""<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts><fills count="2"><fill>\
<patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>\
<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>\
<cellXfs count="1"><xf/></cellXfs></styleSheet>"""


class Styles:
    """The formats of a workbook's cells, to which filled ones are added."""

    def __init__(self, patch: Patch, main: str, colour: str, used: int) -> None:
        self.patch = patch
        self.part = _part(patch, main)
        self.data = patch.text(self.part)
        found = elements(self.data, self.part, _is_style)
        self.fills = only(found, "fills", self.part)
        self.formats = only(found, "cellXfs", self.part)
        self.known = [e for e in found if e.tag == "xf" and _within(e, self.formats)]
        if not self.known:
            raise WorkbookError("it has no formats of cells: save it again as .xlsx")
        self.fill = sum(e.tag == "fill" and _within(e, self.fills) for e in found)
        self.colour = colour
        beyond = min(used + 1, HIGHEST) if used >= len(self.known) else 0
        self.first = max(len(self.known), beyond)  # never a number that a cell has in error
        self.filled: dict[int, int] = {}

    def with_fill(self, style: int) -> int:
        """The number of the format that is like another one, but filled."""
        style = style if style < len(self.known) else 0
        return self.filled.setdefault(style, self.first + len(self.filled))

    def save(self) -> None:
        p = prefix(self.data, self.formats)
        colours = tag(p, "fgColor", rgb=f"FF{self.colour[1:]}") + tag(p, "bgColor", indexed="64")
        fill = tag(p, "fill", tag(p, "patternFill", colours, patternType="solid"))
        ordinary = self.data[self.known[0].start : self.known[0].end]
        added = ordinary * (self.first - len(self.known)) + b"".join(map(self._filled, self.filled))
        count = self.first + len(self.filled)
        edits = with_child(self.data, self.fills, fill, count=str(self.fill + 1))
        edits += with_child(self.data, self.formats, added, count=str(count))
        self.patch.put(self.part, edited(self.data, edits))

    def _filled(self, style: int) -> bytes:
        own = self.known[style]
        _, _, opening = with_attributes(self.data, own, fillId=str(self.fill), applyFill="1")
        return opening + self.data[own.inside : own.end]


def _is_style(depth: int, tag: str, attributes: dict[str, str]) -> bool:
    return (depth, tag) in ((1, "fills"), (2, "fill"), (1, "cellXfs"), (2, "xf"))


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
