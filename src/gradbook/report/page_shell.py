"""The shell of every page: one self-contained file, readable on light and dark paper.

Headings, bodies and the like are HTML; `text` makes HTML of words from outside. A page allows only
its own style and script, so no element may have a `style` attribute. Nothing here knows a subject.
"""

from __future__ import annotations

import json
import re
import zlib
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
    """The parts of a page. If it `has_a_server`, its script may send requests to the server that it
    came from, and to no other; if it `computes`, it may compile its own WebAssembly and run it in a
    worker.
    """

    title: str
    main: str = ""
    lead: str = ""  # before `main`, as `foot` is after it
    foot: str = ""
    style: str = ""
    script: str = ""
    has_a_server: bool = False
    computes: bool = False
    head: str = ""  # further elements of the head
    is_kept: bool = (
        False  # whether a service worker beside it keeps it for when there is no network
    )
    has_parts: bool = False  # whether its script may load others that lie beside it
    unpacking: str = ""  # a script that unpacks the other one; the policy names the text of both
    host: str = ""  # the address of the script of a program that has the page as a part of it

    def __str__(self) -> str:
        css = STYLE_ROOM.sub("", REMARK.sub("", colours() + resource("base.css") + self.style))
        spoken = current_language()
        signs = [
            ("decimal", spoken.decimal_sign, ENGLISH.decimal_sign),
            ("percent", spoken.percent_sign, ENGLISH.percent_sign),
        ]
        data = (f' data-{name}="{sign}"' for name, sign, usual in signs if sign != usual)
        return "\n".join(
            [
                "<!DOCTYPE html>",
                f'<html lang="{spoken.code}"{"".join(data)}>',
                "<head>",
                '<meta charset="utf-8">',
                f'<meta http-equiv="Content-Security-Policy" content="{self._policy(css)}">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                '<meta name="color-scheme" content="light dark">',
                f"<title>{text(self.title)}</title>",
                *([self.head] if self.head else []),
                *([f'<script src="{text(self.host)}"></script>'] if self.host else []),
                f"<style>{css}</style>",
                "</head>",
                "<body>",
                f"<header>\n<h1>{text(self.title)}</h1>\n{self.lead}\n</header>",
                f"<main>\n{self.main}\n</main>",
                f"<footer>\n{self.foot}\n</footer>" if self.foot else "",
                *self._scripts(),
                "</body>",
                "</html>",
                "",
            ]
        )

    def _scripts(self) -> list[str]:
        if not self.unpacking:
            return [f"<script>{self.script}</script>"] if self.script else []
        held = f'<script type="text/plain" id="packed">{packed(self.script)}</script>'
        return [held, f"<script>{self.unpacking}</script>"]

    def _policy(self, css: str) -> str:
        """The page's policy: it loads nothing from elsewhere, and allows only these texts."""
        more = " 'wasm-unsafe-eval'" * self.computes + " 'self'" * self.has_parts
        source = "/".join(self.host.split("/")[:3])
        more += f" {source}" * bool(source)
        scripts = [it for it in (self.script, self.unpacking) if it]
        allowed = {
            "default-src": "'none'",
            "img-src": "data:",
            "style-src": _digest(css),
            "script-src": " ".join(map(_digest, scripts)) + more if scripts else "'none'",
            **({"connect-src": "'self'"} if self.has_a_server else {}),
            **({"connect-src": source, "frame-src": source} if source else {}),
            **({"worker-src": "blob:"} if self.computes else {}),
            **({"worker-src": "'self'"} if self.is_kept else {}),
            "base-uri": "'none'",
            "form-action": "'none'",
        }
        return "; ".join(f"{what} {whose}" for what, whose in allowed.items())


REMARK = re.compile(r"/\*.*?(?:\*/\n?|\Z)|^ +", re.DOTALL | re.MULTILINE)  # of a style; indentation
STYLE_ROOM = re.compile(r"(?<=[{};,])\s+|(?<!\s)\s+(?=[{}])")  # spaces that a style doesn't need


def text(words: str) -> str:
    """Words as HTML, escaped."""
    return escape(visible(words))


def data_element(table: Mapping[str, Any], name: str = ' id="content"') -> str:
    """A table for the script, in an element that no browser takes for a script."""
    json_text = json.dumps(table, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f'<script type="application/json"{name}>{ENDING.sub(BELOW, json_text)}</script>'


ENDING = re.compile("<(?!/?m)")  # what could end the script; formulas have <mo> and </mo>
BELOW = r"\\u003c"


def resource(name: str) -> str:
    """A style or a script of `web/report/`."""
    return files("gradbook").joinpath("web", "report", name).read_text("utf-8")


def packed(content: str) -> str:
    """A text, deflated: a third of its length, or less."""
    deflating = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return b64encode(deflating.compress(content.encode()) + deflating.flush()).decode()


def _digest(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def colours() -> str:
    """The palette as variables: --weights is an ink, --weights-fill its background."""
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

SCROLLS = mark("The drawing is wider than the screen: scroll it sideways to see all of it.")


def wide(inside: str, *, focusable: bool = True) -> str:
    """A box that scrolls if its content is wider than the page, also by keyboard if it is
    `focusable`; a page with many such boxes would have too many tab stops."""
    stop = ' tabindex="0"' if focusable else ""
    return f'<div class="wide"{stop}>{inside}</div>'


def wide_drawing(svg: str, width: float) -> tuple[str, str]:
    """A drawing at least `width` wide in such a box, and the style that shows a hint to scroll if
    the box is narrower than that."""
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

_MESSAGE = r"\[\[([^\[\]]*+(?:(?:\[(?!\[)|\](?!\]))[^\[\]]*+)*)\]\]"
PIECE = re.compile(rf"<!-- ([\w-]+)(?: {_MESSAGE})? -->\n")
MESSAGE_OR_PART = re.compile(rf"{_MESSAGE}|\{{([\w-]+)\}}")
LINE_END = re.compile(rf"{_MESSAGE}|\n")


class PageTemplate:
    """A file of `web/` with pieces of a page as HTML, each under its anchor and heading. Messages
    are written in [[…]], followed by | and the HTML for each of their {parts}; elsewhere {…} is
    another piece, or HTML from Python. Line ends don't count as spaces.
    """

    def __init__(self, file: str, **parts: str) -> None:
        _, *pieces = PIECE.split(files("gradbook").joinpath("web", file).read_text("utf-8"))
        self.headings = dict(zip(pieces[::3], pieces[1::3], strict=True))
        joined = (LINE_END.sub(lambda it: " ".join(it[0].split()), html) for html in pieces[2::3])
        self.pieces = dict(zip(pieces[::3], joined, strict=True))
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
        english, *fillings = place[1].split("|")
        message = " ".join(english.split())
        words = text(tr(message))
        for name, html in zip(re.findall(r"\{\w+\}", message), fillings, strict=bool(fillings)):
            words = words.replace(name, MESSAGE_OR_PART.sub(self._filled, html.strip()))
        return words


def text_box(lines: str, label: str) -> str:
    """An editable text with line numbers; web/text/box.js finds its parts by their ids."""
    return (
        '<div id="editor"><div id="line-numbers" aria-hidden="true"></div><div class="lines">'
        '<div id="wrong-line" hidden></div>'
        f'<textarea id="text" rows="{lines.count(chr(10)) + 2}" wrap="off" spellcheck="false" '
        f'autocapitalize="off" autocomplete="off" aria-label="{label}" '
        f'aria-describedby="text-said">{text(lines)}</textarea></div></div>'
    )
