"""Pages: one self-contained file each, readable on light and dark paper, and their tables.

    page("The learning rate", [Section("rates", "Rates", table)], lead=…, style=…, script=…)

Headings, bodies and the like are HTML; `text` makes HTML of words that somebody gave us. A page
allows no style and no script but its own, so no element may have a `style` attribute. Notebooks
show the same tables. Nothing here knows a subject.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from itertools import repeat
from posixpath import dirname, join, normpath

from gradbook.errors import visible
from gradbook.language import ENGLISH, Language, current_language, mark, plural, tr
from gradbook.palette import KINDS, PAPER, QUIET


@dataclass(frozen=True)
class Section:
    """A part of a page with its heading, which can be linked to as #anchor."""

    anchor: str
    heading: str
    body: str


@dataclass(frozen=True)
class Side:
    """Sections that stand in a column of their own, where the page is wide enough for two."""

    sections: tuple[Section, ...]


def page(
    title: str,
    sections: Iterable[Section | Side],
    *,
    lead: str = "",
    foot: str = "",
    style: str = "",
    script: str = "",
    has_a_server: bool = False,
    computes: bool = False,
) -> str:
    """The whole page. `lead` and `foot` are what stands before and after the sections. The script
    of one that `has_a_server` may ask the server that it came from, and nobody else; one that
    `computes` may compile WebAssembly of its own and run it in a worker.
    """
    css = STYLE_ROOM.sub("", REMARK.sub("", _own_style() + style))
    policy = _policy(css, script, has_a_server, computes)
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
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{text(title)}</title>",
            f"<style>{css}</style>",
            "</head>",
            "<body>",
            f"<header>\n<h1>{text(title)}</h1>\n{lead}\n</header>",
            "<main>",
            *map(_section, sections),
            "</main>",
            f"<footer>\n{foot}\n</footer>" if foot else "",
            f"<script>{script}</script>" if script else "",
            "</body>",
            "</html>",
            "",
        ]
    )


NO_SCRIPT = mark("The page computes with JavaScript, which is switched off here.")


def problems() -> str:
    """What is said where nothing computes, and where the script says what it can't do."""
    return f'<noscript><p>{tr(NO_SCRIPT)}</p></noscript><p id="problem" role="alert"></p>'


def text_box(lines: str, label: str) -> str:
    """A text to be changed, its lines counted; web/text/box.js knows its parts by their names."""
    return (
        '<div id="editor"><div id="line-numbers" aria-hidden="true"></div><div class="lines">'
        '<div id="wrong-line" hidden></div>'
        f'<textarea id="text" rows="{lines.count(chr(10)) + 2}" wrap="off" spellcheck="false" '
        f'autocapitalize="off" autocomplete="off" aria-label="{label}" '
        f'aria-describedby="text-said">{text(lines)}</textarea></div></div>'
    )


def text(words: str) -> str:
    """Words as HTML, whatever stands in them."""
    return escape(visible(words))


REMARK = re.compile(r"/\*.*?(?:\*/\n?|\Z)|^ +", re.DOTALL | re.MULTILINE)  # of a style, and margins
STYLE_ROOM = re.compile(r"(?<=[{};,])\s+|(?<!\s)\s+(?=[{}])")  # around its signs
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


def badge(verdict: str) -> str:
    """A verdict in the colour that the page's style gives to its first word."""
    return f'<span class="verdict v-{verdict.partition(" ")[0]}">{text(tr(verdict))}</span>'


def resource(name: str) -> str:
    """A style or a script of `web/report/`."""
    return files("gradbook").joinpath("web", "report", name).read_text("utf-8")


def _section(section: Section | Side) -> str:
    if isinstance(section, Side):
        inside = "\n".join(map(_section, section.sections))
        return f'<div class="side">\n{inside}\n</div>'
    anchor = text(section.anchor)
    return (
        f'<section id="{anchor}" aria-labelledby="{anchor}-heading">\n'
        f'<h2 id="{anchor}-heading">{section.heading}</h2>\n{section.body}\n</section>'
    )


def _policy(css: str, script: str, has_a_server: bool, computes: bool) -> str:
    """Nothing may be loaded from anywhere else, and only these very texts are obeyed."""
    compiling = " 'wasm-unsafe-eval'" if computes else ""
    allowed = {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": _digest(css),
        "script-src": _digest(script) + compiling if script else "'none'",
        **({"connect-src": "'self'"} if has_a_server else {}),
        **({"worker-src": "blob:"} if computes else {}),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{what} {whose}" for what, whose in allowed.items())


def _digest(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


@cache
def _own_style() -> str:
    return colours() + resource("page.css")


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


# Tables -----------------------------------------------------------------------

ON_A_PAGE = ' class="words"'
IN_A_NOTEBOOK = ' style="text-align:left"'  # notebooks put cells to the right, and know no class


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    words: Container[int] = (),
    *,
    kind: str = "",
    row_kinds: Sequence[str] = (),
    foot: Sequence[str] = (),
    headed: bool = False,
    left: str = ON_A_PAGE,
) -> str:
    """Cells are HTML; `words` are the columns of words, which stand left, as numbers stand right.

    `headed` rows begin with their heading.
    """

    def line(cells: Sequence[str], scope: str = "") -> str:
        return "".join(
            f'<th scope="{scope}"{left if k in words else ""}>{cell}</th>'
            if (scope == "col" and cell) or (scope == "row" and k == 0)
            else f"<td{left if k in words else ''}>{cell}</td>"
            for k, cell in enumerate(cells)
        )

    body = "\n".join(
        f"<tr{_class(row_kind)}>{line(row, 'row' if headed else '')}</tr>"
        for row, row_kind in zip(rows, row_kinds or repeat(""), strict=False)
    )
    above = f"<thead><tr>{line(head, 'col')}</tr></thead>\n" if head else ""
    below = f"<tfoot><tr>{line(foot)}</tr></tfoot>" if foot else ""
    return f"<table{_class(kind)}>\n{above}<tbody>\n{body}\n</tbody>{below}\n</table>"


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def bar(share: float, kind: str, *, at_the_right: bool = False) -> str:
    """A bar of that share of its room; the style says how large that is."""
    width = round(100 * share, 1)
    x = f' x="{100 - width:g}"' if at_the_right else ""
    return (
        f'<svg class="bar {kind}" viewBox="0 0 100 1" preserveAspectRatio="none" '
        f'aria-hidden="true"><rect{x} width="{width:g}" height="1"/></svg>'
    )


# The scripts of web/ ----------------------------------------------------------

IMPORT = re.compile(r'^import (\{[^}]*\}) from "([^"]+)"\n', re.MULTILINE)
COMMENT = re.compile(
    r"^ *(?://.*|/\*\*(?:[^*/]|\*(?!/)|/(?!\*\*))*\*/)\n"
    r"|/\*\* @type \{(?:(?!/\*\*).)*?\} \*/ ?|(?<! ) +// [^`'\"\n]*$",
    re.MULTILINE,
)
MARGIN = re.compile("^ +", re.MULTILINE)
SIGN_OR_TEXT = re.compile(
    r"(?P<text>\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`)"  # in which room counts
    r"| ?(?P<sign>=>|===|!==|&&|\|\||<=|>=|[=,{}:?*<>%;]|/(?= )|\+(?= [^+])|-(?= [^-])) ?"
    r"|(?<=\bif|\bof|\bin) (?=[(\[\"`])|(?<=\bfor) (?=[(])|(?<=\breturn) (?=[(\[!\"`])"
    r"|(?<=[)\]]) (?=\w)"
)  # around a sign there is room that nobody needs who runs it
PLAIN_LINE = re.compile(
    r"^(?:[^\"'`/\n]| / |\"(?:[^\"\\\n]|\\.)*\"|`[^`\n]*`(?=[^`\n]*$))*\n", re.MULTILINE
)  # without patterns, and with one text in backticks at most, in which others may stand
OPEN_LINE = re.compile(r"^((?:(?!//).)*[{,(\[;])\n", re.MULTILINE)  # that goes on in the next
SHUT_LINE = re.compile(r"^((?:(?!//).)*)\n(?=[})\].?:&|])", re.MULTILINE)
MESSAGE = re.compile(r'(?<![.\w])(mark|tr)\(("(?:[^"\\\n]|\\.)*")([),])')
COUNTED = re.compile(r'\btrCount\(("(?:[^"\\\n]|\\.)*"), ?("(?:[^"\\\n]|\\.)*")')
EXPORT = re.compile(
    r"^export (?=(?:async )?(?:function\*?|class|const|let) )"
    r"((?:async )?(?:function\*?|class|const|let) (\w+))",
    re.MULTILINE,
)


def script(main: str) -> str:
    """The script of a page, which says its messages in the reader's language."""
    return _script(main, current_language())


@cache
def _script(main: str, language: Language) -> str:
    """A module of `web/` and all that it imports as one script: a page may load nothing.

    Each module becomes a scope of its own that hands out what it exports. Modules import each other
    by name alone, at their beginning, and export where they declare. Comments and types stay
    behind, and so does room before a line and around signs: no text in a module goes over several.
    """
    scopes: dict[str, str] = {}
    _collect(main, scopes)
    body = _spoken("".join(scopes.values()))
    assert "</script" not in body
    return f'(() => {{\n"use strict"\n{body}}})()\n'


def _spoken(body: str) -> str:
    """The script with each message as the catalogue has it: a page carries one language."""
    return COUNTED.sub(_forms, MESSAGE.sub(_said, body))


def _said(message: re.Match[str]) -> str:
    call, english, end = message.groups()
    words = json.dumps(tr(json.loads(english)), ensure_ascii=False)
    return words if call == "mark" else f"{call}({words}{end}"


def _forms(message: re.Match[str]) -> str:
    """For one, and for several."""
    single, several = map(json.loads, message.groups())
    said = (json.dumps(plural(single, several, k), ensure_ascii=False) for k in (1, 2))
    return f"trCount({','.join(said)}"


def _without_room(line: str) -> str:
    """The line with what its texts say as it is."""
    return SIGN_OR_TEXT.sub(lambda found: found["text"] or found["sign"] or "", line)


def _collect(name: str, scopes: dict[str, str]) -> str:
    """Add a module's scope, after those that it needs; what the scope is called."""
    if name not in scopes:
        text = files("gradbook").joinpath("web", *name.split("/")).read_text("utf-8")
        text = MARGIN.sub("", COMMENT.sub("", text))

        def scope_of(found: re.Match[str]) -> str:
            source = _collect(normpath(join(dirname(name), found[2])), scopes)
            return f"const {found[1]} = {source}\n"

        inside = EXPORT.sub(r"\1", IMPORT.sub(scope_of, text))
        inside = PLAIN_LINE.sub(lambda line: _without_room(line[0]).lstrip(), inside)
        inside = SHUT_LINE.sub(r"\1", OPEN_LINE.sub(r"\1", inside))
        exports = ",".join(found[2] for found in EXPORT.finditer(text))
        scopes[name] = f"const ${len(scopes)}=(()=>{{\n{inside}return{{{exports}}}\n}})()\n"
    return scopes[name].removeprefix("const ").partition("=")[0]
