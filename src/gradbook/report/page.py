"""The shell of every page: one self-contained file, readable on light and dark paper.

Headings, bodies and the like are HTML; `text` makes HTML of words that somebody gave us. A page
allows no style and no script but its own, so no element may have a `style` attribute. Nothing here
knows a subject.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any

from gradbook.errors import visible
from gradbook.language import ENGLISH, current_language, mark, tr
from gradbook.palette import KINDS, PAPER, QUIET
from gradbook.report.document import Chapter, PageOnly


@dataclass(frozen=True)
class WholePage:
    """What a page is made of. The script of one that `has_a_server` may ask the server that it came
    from, and nobody else; one that `computes` may compile WebAssembly of its own and run it in a
    worker.
    """

    title: str
    main: str = ""
    lead: str = ""  # what stands before and after that
    foot: str = ""
    style: str = ""
    script: str = ""
    has_a_server: bool = False
    computes: bool = False
    head: str = ""  # what else stands in the head
    is_kept: bool = (
        False  # whether a service worker beside it keeps it for when there is no network
    )
    has_parts: bool = False  # whether its script may load others that lie beside it

    def __str__(self) -> str:
        css = STYLE_ROOM.sub("", REMARK.sub("", colours() + resource("page.css") + self.style))
        spoken = current_language()
        signs = [
            ("decimal", spoken.decimal_sign, ENGLISH.decimal_sign),
            ("percent", spoken.percent_sign, ENGLISH.percent_sign),
        ]
        own = (f' data-{name}="{sign}"' for name, sign, usual in signs if sign != usual)
        return "\n".join(
            [
                "<!DOCTYPE html>",
                f'<html lang="{spoken.code}"{"".join(own)}>',
                "<head>",
                '<meta charset="utf-8">',
                f'<meta http-equiv="Content-Security-Policy" content="{self._policy(css)}">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                '<meta name="color-scheme" content="light dark">',
                f"<title>{text(self.title)}</title>",
                *([self.head] if self.head else []),
                f"<style>{css}</style>",
                "</head>",
                "<body>",
                f"<header>\n<h1>{text(self.title)}</h1>\n{self.lead}\n</header>",
                f"<main>\n{self.main}\n</main>",
                f"<footer>\n{self.foot}\n</footer>" if self.foot else "",
                f"<script>{self.script}</script>" if self.script else "",
                "</body>",
                "</html>",
                "",
            ]
        )

    def _policy(self, css: str) -> str:
        """Nothing may be loaded from anywhere else, and only these very texts are obeyed."""
        more = " 'wasm-unsafe-eval'" * self.computes + " 'self'" * self.has_parts
        allowed = {
            "default-src": "'none'",
            "img-src": "data:",
            "style-src": _digest(css),
            "script-src": _digest(self.script) + more if self.script else "'none'",
            **({"connect-src": "'self'"} if self.has_a_server else {}),
            **({"worker-src": "blob:"} if self.computes else {}),
            **({"worker-src": "'self'"} if self.is_kept else {}),
            "base-uri": "'none'",
            "form-action": "'none'",
        }
        return "; ".join(f"{what} {whose}" for what, whose in allowed.items())


REMARK = re.compile(r"/\*.*?(?:\*/\n?|\Z)|^ +", re.DOTALL | re.MULTILINE)  # of a style, and margins
STYLE_ROOM = re.compile(r"(?<=[{};,])\s+|(?<!\s)\s+(?=[{}])")  # around its signs


def text(words: str) -> str:
    """Words as HTML, whatever stands in them."""
    return escape(visible(words))


def data_element(table: Mapping[str, Any], name: str = ' id="content"') -> str:
    """A table for the script, in an element that no browser takes for a script."""
    said = json.dumps(table, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f'<script type="application/json"{name}>{ENDING.sub(BELOW, said)}</script>'


ENDING = re.compile("<(?!/?m)")  # what could end it; formulas have <mo> and </mo>
BELOW = r"\\u003c"


def resource(name: str) -> str:
    """A style or a script of `web/report/`."""
    return files("gradbook").joinpath("web", "report", name).read_text("utf-8")


def _digest(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def colours() -> str:
    """The palette as variables: --weights is an ink, --weights-fill what it stands on."""
    light, dark = _variables("fill", "ink"), _variables("dark_fill", "dark_ink")
    kinds = "".join(f".k-{kind.key}{{color:var(--{kind.key})}}" for kind in KINDS)
    return (
        f":root{{{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{kinds}\n"
    )


def _variables(fill: str, ink: str) -> str:
    tones = {kind.key: getattr(kind, ink) for kind in KINDS}
    tones |= {f"{kind.key}-fill": getattr(kind, fill) for kind in KINDS}
    tones |= {"paper": getattr(PAPER, fill), "ink": getattr(PAPER, ink)}
    tones |= {"line": getattr(QUIET, fill), "remarks": getattr(QUIET, ink)}
    return ";".join(f"--{name}:{tone}" for name, tone in tones.items())


# What is wider than a page --------------------------------------------------------

SCROLLS = mark("The drawing is wider than the screen: move it sideways to see all of it.")


def wide(inside: str, *, focusable: bool = True) -> str:
    """A box that scrolls where what it holds is wider than the page, by key as well if it is
    `focusable`; a page of many such boxes would be too many stops."""
    stop = ' tabindex="0"' if focusable else ""
    return f'<div class="wide"{stop}>{inside}</div>'


def wide_drawing(svg: str, width: float) -> tuple[str, str]:
    """A drawing in such a box, and the style that lets the page say that it scrolls: where there is
    less room than the `width` that it has at least."""
    style = (
        f".drawing{{container-type:inline-size}}"
        f".drawing svg{{min-width:{width:.0f}px;max-height:none}}"
        f"@container (min-width:{width:.0f}px){{.scrolls{{display:none}}}}"
    )
    return (
        f'<div class="drawing">{wide(svg)}<p class="scrolls">{text(tr(SCROLLS))}</p></div>',
        style,
    )


# What is written as HTML ----------------------------------------------------------

_MESSAGE = r"\[\[((?:[^\[\]]|\[(?!\[)|\](?!\]))*+)\]\]"
PIECE = re.compile(rf"<!-- ([\w-]+)(?: {_MESSAGE})? -->\n")
MESSAGE_OR_PART = re.compile(rf"{_MESSAGE}|\{{([\w-]+)\}}")
LINE_END = re.compile(rf"{_MESSAGE}|\n")


class PageTemplate:
    """A file of `web/` in which pieces of a page are written as HTML, each under its anchor and its
    heading. Messages stand in [[…]], behind them, after |, what takes the places of their {parts};
    elsewhere {…} is another piece, or what Python gives, as HTML. The ends of lines are no room.
    """

    def __init__(self, file: str, **parts: str) -> None:
        _, *found = PIECE.split(files("gradbook").joinpath("web", file).read_text("utf-8"))
        self.headings = dict(zip(found[::3], found[1::3], strict=True))
        joined = (LINE_END.sub(lambda it: " ".join(it[0].split()), html) for html in found[2::3])
        self.pieces = dict(zip(found[::3], joined, strict=True))
        self.parts = {name.replace("_", "-"): html for name, html in parts.items()}

    def html(self, name: str) -> str:
        if name in self.parts:
            return self.parts[name]
        return MESSAGE_OR_PART.sub(self._filled, self.pieces[name])

    def block(self, name: str) -> PageOnly:
        return PageOnly(lambda: self.html(name))

    def chapter(self, name: str, anchor: str = "") -> Chapter:
        return Chapter(anchor or name, tr(self.headings[name]), [self.block(name)])

    def _filled(self, place: re.Match[str]) -> str:
        if place[2]:
            return self.html(place[2])
        english, *given = place[1].split("|")
        message = " ".join(english.split())
        words = text(tr(message))
        for name, html in zip(re.findall(r"\{\w+\}", message), given, strict=bool(given)):
            words = words.replace(name, MESSAGE_OR_PART.sub(self._filled, html.strip()))
        return words


def text_box(lines: str, label: str) -> str:
    """A text to be changed, its lines counted; web/text/box.js knows its parts by their names."""
    return (
        '<div id="editor"><div id="line-numbers" aria-hidden="true"></div><div class="lines">'
        '<div id="wrong-line" hidden></div>'
        f'<textarea id="text" rows="{lines.count(chr(10)) + 2}" wrap="off" spellcheck="false" '
        f'autocapitalize="off" autocomplete="off" aria-label="{label}" '
        f'aria-describedby="text-said">{text(lines)}</textarea></div></div>'
    )
