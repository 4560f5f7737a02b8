"""The looks of cells, columns, rows and pages as OpenDocument has them, each said once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape, quoteattr

Properties = Mapping[str, Any]
LINES = {1: "0.75pt solid", 2: "1.75pt solid", 4: "0.75pt dotted"}  # by Excel's numbers for them
SIDES = ("top", "bottom", "left", "right")
VERTICAL = {"vcenter": "middle", "top": "top", "bottom": "bottom"}
HORIZONTAL = {"left": "start", "center": "center", "right": "end"}
AN_INDENT = 0.12  # inches that Excel moves a text by
PAPERS = {9: ("8.2677in", "11.6929in")}  # A4, by Excel's number


def tag(name: str, attributes: Mapping[str, object], content: str = "") -> str:
    """An element; what is said by None isn't said."""
    said = "".join(
        f" {key}={quoteattr(str(value))}" for key, value in attributes.items() if value is not None
    )
    return f"<{name}{said}>{content}</{name}>" if content else f"<{name}{said}/>"


# Numbers ---------------------------------------------------------------------

_CONDITION = re.compile(r"\[([<>=]+)(-?[0-9.E+-]+)\]")
_DIGITS = re.compile(r"(-?)(#,##)?0(?:\.(0+))?(?:E\+(0+))?( ?%)?")


def number_style(name: str, shown: str) -> str:
    """How numbers are shown: Excel's parts by sign or by conditions become styles of their own."""
    parts = shown.split(";")
    if len(parts) == 1:
        return _number_style(name, shown)
    conditions = [_CONDITION.match(part) for part in parts[:-1]]
    signs = [(">", "0"), ("<", "0")]
    told = [
        (found[1], found[2]) if found else signs[place] for place, found in enumerate(conditions)
    ]
    several = [
        _number_style(f"{name}P{place}", _CONDITION.sub("", part), volatile=True)
        for place, part in enumerate(parts[:-1])
    ]
    maps = "".join(
        tag(
            "style:map",
            {
                "style:condition": f"value(){sign}{number}",
                "style:apply-style-name": f"{name}P{place}",
            },
        )
        for place, (sign, number) in enumerate(told)
    )
    return "".join(several) + _number_style(name, parts[-1], maps)


def _number_style(name: str, shown: str, more: str = "", *, volatile: bool = False) -> str:
    named = {"style:name": name, "style:volatile": "true" if volatile else None}
    if shown == "General":
        return tag("number:number-style", named, tag("number:number", _least(1)) + more)
    found = _DIGITS.fullmatch(shown)
    if found is None:
        raise ValueError(f"no style for numbers shown as {shown}")
    minus, grouped, places, power, share = found.groups()
    digits: dict[str, object] = {"number:decimal-places": len(places or ""), **_least(1)}
    if grouped:
        digits["number:grouping"] = "true"
    kind = "number:number"
    if power:
        kind = "number:scientific-number"
        digits["number:min-exponent-digits"] = len(power)
    content = f"<number:text>{minus}</number:text>" if minus else ""
    content += tag(kind, digits)
    if share:
        content += f"<number:text>{escape(share)}</number:text>"
    whole = "number:percentage-style" if share else "number:number-style"
    return tag(whole, named, content + more)


def _least(count: int) -> dict[str, object]:
    return {"number:min-integer-digits": count}


# Cells -----------------------------------------------------------------------


def cell_style(name: str, wanted: Properties, digits: str | None) -> str:
    """A cell's look, by the words that the sheets use; `digits` is the style of its numbers."""
    named = {
        "style:name": name,
        "style:family": "table-cell",
        "style:parent-style-name": "Default",
        "style:data-style-name": digits,
    }
    parts = (
        ("style:table-cell-properties", _cell(wanted)),
        ("style:paragraph-properties", _paragraph(wanted)),
        ("style:text-properties", _letters(wanted)),
    )
    return tag("style:style", named, "".join(tag(word, said) for word, said in parts if said))


def _cell(wanted: Properties) -> dict[str, object]:
    said: dict[str, object] = {}
    if "bg_color" in wanted:
        said["fo:background-color"] = wanted["bg_color"]
    for side in SIDES:
        line = wanted.get(side, wanted.get("border"))
        if line:
            ink = wanted.get(f"{side}_color", wanted.get("border_color", "#000000"))
            said[f"fo:border-{side}"] = f"{LINES[line]} {ink}"
    if "valign" in wanted:
        said["style:vertical-align"] = VERTICAL[wanted["valign"]]
    if wanted.get("text_wrap"):
        said["fo:wrap-option"] = "wrap"
    if "align" in wanted or "indent" in wanted:
        said["style:text-align-source"] = "fix"
    return said


def _paragraph(wanted: Properties) -> dict[str, object]:
    said: dict[str, object] = {}
    if "align" in wanted:
        said["fo:text-align"] = HORIZONTAL[wanted["align"]]
    elif "indent" in wanted:
        said["fo:text-align"] = "start"
    if "indent" in wanted:
        said["fo:margin-left"] = f"{AN_INDENT * wanted['indent']:g}in"
    return said


def _letters(wanted: Properties) -> dict[str, object]:
    said: dict[str, object] = {}
    if "font_name" in wanted:
        said |= {"style:font-name": wanted["font_name"], "fo:font-family": wanted["font_name"]}
    if "font_size" in wanted:
        said["fo:font-size"] = f"{wanted['font_size']:g}pt"
    if "font_color" in wanted:
        said["fo:color"] = wanted["font_color"]
    if wanted.get("bold"):
        said["fo:font-weight"] = "bold"
    if wanted.get("italic"):
        said["fo:font-style"] = "italic"
    if wanted.get("underline"):
        said["style:text-underline-style"] = "solid"
    return said


# Pages -----------------------------------------------------------------------


@dataclass
class PageSetup:
    """How a sheet prints."""

    is_wide: bool = False
    paper: int = 9
    across: int | None = None  # pages, that all its columns fit on
    down: int = 0  # pages, that all its rows fit on; 0 says nothing of them
    scale: int | None = None  # per cent
    margins: dict[str, float] = field(default_factory=dict)
    footer: str = ""

    def layout(self, name: str) -> str:
        width, height = PAPERS[self.paper]
        if self.is_wide:
            width, height = height, width
        said: dict[str, object] = {
            "fo:page-width": width,
            "fo:page-height": height,
            "style:print-orientation": "landscape" if self.is_wide else "portrait",
            **{f"fo:margin-{side}": f"{inches:g}in" for side, inches in self.margins.items()},
        }
        if self.scale is not None:
            said["style:scale-to"] = f"{self.scale}%"
        elif self.across is not None:
            said |= {"style:scale-to-X": self.across, "style:scale-to-Y": self.down}
        properties = tag("style:page-layout-properties", said)
        header = "<style:header-style/><style:footer-style/>"
        return tag("style:page-layout", {"style:name": name}, properties + header)

    def master(self, name: str, layout: str) -> str:
        named = {"style:name": name, "style:page-layout-name": layout}
        nothing = '<style:header style:display="false"><text:p/></style:header>'
        return tag("style:master-page", named, nothing + _footer(self.footer))


_FIELDS = {
    "&F": "<text:file-name/>",
    "&A": "<text:sheet-name/>",
    "&P": "<text:page-number/>",
    "&N": "<text:page-count/>",
}
_CODES = re.compile("|".join(_FIELDS))


def _footer(words: str) -> str:
    """Excel's codes: a region begins with &L, &C or &R, and &8 is a size, which isn't kept."""
    if not words:
        return '<style:footer style:display="false"><text:p/></style:footer>'
    regions = {"L": "left", "C": "center", "R": "right"}
    content = ""
    for region, text in re.findall(r"&([LCR])((?:(?!&[LCR]).)*)", words):
        plain = re.sub(r"&\d+", "", text)
        shown = _CODES.sub(lambda found: _FIELDS[found[0]], plain)
        content += f"<style:region-{regions[region]}><text:p>{shown}</text:p>"
        content += f"</style:region-{regions[region]}>"
    return f"<style:footer>{content}</style:footer>"
