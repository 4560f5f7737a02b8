"""The formats of a workbook's cells, to which new ones are added."""

from __future__ import annotations

from dataclasses import dataclass

from gradbook.cells.package import WorkbookError
from gradbook.cells.patch import (
    SPREADSHEET,
    ByteEdit,
    Element,
    Patch,
    elements,
    only,
    place_after,
    tag,
    with_attributes,
    with_content,
)
from gradbook.palette import PAPER

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
NO_STYLES = f"""<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts><fills count="2"><fill>\
<patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>\
<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>\
<cellXfs count="1"><xf/></cellXfs></styleSheet>"""
FONT = "Calibri"
LISTS = {  # with the elements that the format puts before each
    "numFmts": "",
    "fonts": "numFmts",
    "fills": "numFmts fonts",
    "borders": "numFmts fonts fills",
    "cellXfs": "numFmts fonts fills borders cellStyleXfs",
    "dxfs": "numFmts fonts fills borders cellStyleXfs cellXfs cellStyles",
}
INSIDE = ("numFmt", "font", "fill", "border", "xf", "dxf")
FIRST_NUMBER_FORMAT = 164  # those below are built in


@dataclass(frozen=True)
class CellLook:
    """How a cell looks."""

    size: float = 11
    ink: str = PAPER.ink
    bold: bool = False
    italic: bool = False
    underlined: bool = False
    fill: str = ""
    line: str = ""  # the colour of a line below
    digits: str = ""  # the number format
    across: str = ""  # left, center, right; '' as usual for texts and numbers
    down: str = "top"
    wrapped: bool = False


class Styles:
    """The formats of a workbook's cells; each new one is added once."""

    def __init__(self, patch: Patch, main: str) -> None:
        self.patch = patch
        used = (r.part for r in patch.relations(main) if r.kind == "styles" and r.part in patch)
        self.part = next(used, "")
        if not self.part:
            pattern, kind = "xl/gradbook-styles{}.xml", f"{SPREADSHEET}.styles+xml"
            self.part = patch.add(main, "styles", pattern, NO_STYLES.encode(), kind).part
        self.elements = elements(patch.text(self.part), self.part, _is_style)
        self.formats = only(self.elements, "cellXfs", self.part)
        self.known = [e for e in self.elements if _within(e, self.formats)]
        if not self.known:
            raise WorkbookError("it has no formats of cells: save it again as .xlsx")
        self.lists = {e.tag: e for e in reversed(self.elements) if e.depth == 1 and e.tag in LISTS}
        self.count = {
            name: sum(_within(x, e) for x in self.elements) for name, e in self.lists.items()
        }
        self.added: dict[str, dict[bytes, int]] = {name: {} for name in LISTS}
        self._formats: dict[CellLook, str] = {}
        self._numbers: dict[str, str] = {}  # of the added number formats

    def with_fill(self, style: int, colour: str) -> str:
        """The number of the format that equals another one, with a fill."""
        known_format = self.known[style if style < len(self.known) else 0]
        opening = with_attributes(known_format.opening, fillId=self._fill(colour), applyFill="1")
        return self._number("cellXfs", with_content(opening, known_format.content))

    def plain(
        self, *, size: float, ink: str, bold: bool = False, fill: str = "", middle: bool = False
    ) -> str:
        """The number of a format for words, or for centred numbers."""
        across = "center" if middle else "left"
        look = CellLook(size=size, ink=ink, bold=bold, fill=fill, across=across, wrapped=True)
        return self.format(look)

    def format(self, look: CellLook) -> str:
        """The number of a format with this look."""
        if look not in self._formats:
            self._formats[look] = self._new_format(look)
        return self._formats[look]

    def _new_format(self, look: CellLook) -> str:
        p = self.formats.prefix
        marks = (("b", look.bold), ("i", look.italic), ("u", look.underlined))
        letters = b"".join(tag(p, name) for name, is_so in marks if is_so)
        letters += tag(p, "sz", val=f"{look.size:g}") + tag(p, "color", rgb=_opaque(look.ink))
        font = tag(p, "font", letters + tag(p, "name", val=FONT))
        attributes = {"numFmtId": self._number_format(look.digits) if look.digits else "0"}
        attributes |= {"applyNumberFormat": "1"} if look.digits else {}
        attributes |= {"fontId": self._number("fonts", font), "applyFont": "1"}
        if look.fill:
            attributes |= {"fillId": self._fill(look.fill), "applyFill": "1"}
        if look.line:
            attributes |= {"borderId": self._line_below(look.line), "applyBorder": "1"}
        place = {"horizontal": look.across} if look.across else {}
        place |= {"indent": "1"} if look.across == "left" else {}
        place |= {"wrapText": "1"} if look.wrapped else {}
        aligned = tag(p, "alignment", vertical=look.down, **place)
        format_tag = tag(p, "xf", aligned, **attributes, applyAlignment="1")
        return self._number("cellXfs", format_tag)

    def by_rule(self, *, fill: str = "", ink: str = "", digits: str = "") -> str:
        """The number of a format that cells get while a rule holds."""
        p = self.formats.prefix
        look = tag(p, "font", tag(p, "color", rgb=_opaque(ink))) if ink else b""
        if digits:
            number = self._number_format(digits)
            look += tag(p, "numFmt", numFmtId=number, formatCode=digits)
        if fill:
            colour = tag(p, "bgColor", rgb=_opaque(fill))
            look += tag(p, "fill", tag(p, "patternFill", colour, patternType="solid"))
        return self._number("dxfs", tag(p, "dxf", look))

    def save(self) -> None:
        """Write the added formats into the workbook."""
        edits: list[ByteEdit] = []
        for name, added in self.added.items():
            content = b"".join(added)
            count = str(self.count.get(name, 0) + len(added))
            if added and name in self.lists:
                edits += self.lists[name].with_child(content, count=count)
            elif added:
                place = place_after(self.elements, LISTS[name])
                edits.append((place, place, tag(self.formats.prefix, name, content, count=count)))
        self.patch.edit(self.part, edits)

    def _fill(self, colour: str) -> str:
        p = self.formats.prefix
        colours = tag(p, "fgColor", rgb=_opaque(colour)) + tag(p, "bgColor", indexed="64")
        solid = tag(p, "patternFill", colours, patternType="solid")
        return self._number("fills", tag(p, "fill", solid))

    def _line_below(self, colour: str) -> str:
        p = self.formats.prefix
        line = tag(p, "bottom", tag(p, "color", rgb=_opaque(colour)), style="thin")
        sides = tag(p, "left") + tag(p, "right") + tag(p, "top") + line + tag(p, "diagonal")
        return self._number("borders", tag(p, "border", sides))

    def _number_format(self, digits: str) -> str:
        if digits not in self._numbers:
            there = [e.attribute("numFmtId") for e in self.elements if e.tag == "numFmt"]
            taken = [int(number) for number in there if number.isdecimal() and len(number) < 9]
            free = max((FIRST_NUMBER_FORMAT - 1, *taken)) + 1 + len(self._numbers)
            self._numbers[digits] = str(free)
            format_tag = tag(self.formats.prefix, "numFmt", numFmtId=str(free), formatCode=digits)
            self._number("numFmts", format_tag)
        return self._numbers[digits]

    def _number(self, name: str, content: bytes) -> str:
        """The number in a list of an entry that is added to it."""
        if name not in self.lists and name not in ("numFmts", "dxfs"):
            only(self.elements, name, self.part)
        added = self.added[name]
        return str(added.setdefault(content, self.count.get(name, 0) + len(added)))


def _opaque(colour: str) -> str:
    return f"FF{colour[1:]}"


def _is_style(depth: int, tag: str, attributes: dict[str, str]) -> bool:
    return depth <= 1 or (depth == 2 and tag in INSIDE)


def _within(element: Element, parent: Element) -> bool:
    return parent.inside <= element.start < parent.close
