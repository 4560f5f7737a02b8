"""A part's XML mangled: elements doubled, dropped and nested, attributes and texts changed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from xml.sax.saxutils import escape, unescape

from tests.audit.material.mangled.formulas import ARGUMENTS, call, mangled_formula

Mangle = Callable[[str, random.Random], str]

ELEMENT = re.compile(r"<([A-Za-z0-9:]+)\b[^<>]*?(?:/>|>[^<>]*</\1>)")
TAG = re.compile(r"</?[A-Za-z][^<>]*>")
ATTRIBUTE = re.compile(r'([A-Za-z0-9:]+)="([^"]*)"')
FORMULA = re.compile(  # in Excel's package, or in OpenDocument's
    r'(<f\b[^>]*>(?=[^<]+</f>)|table:formula=")((?<=>)[^<]+|[^<"]+)(</f>|")'
)
TEXT = re.compile(r">([^<>]+)<")
ODD_NUMBERS = (
    *("0", "-1", "1", "1048576", "1048577", "99999999999", "4294967295", "2147483648", "1e999"),
    *("nan", "-inf", "", " ", "1.5", "0x10", "\u0661", "\u00b2", "1_000", "9" * 5000, "--1"),
)
ODD_PLACES = (
    *("A0", "XFD1048576", "XFE1", "A1048577", "ZZZ9999999", "a1", "$A$1", "1A", "A1:B2", "A", "1"),
    *(
        "B6:AH11",
        "A1:A1",
        "B2:A1",
        "A1:XFD1048576",
        "A1:B",
        ":",
        "A" * 3000 + "1",
        "A" + "9" * 3000,
    ),
)
ODD_WORDS = (
    *("\u202ew1\u2066", "w\u200b1", "&#xd800;", "&#0;", "&#xfffe;", "&#x9b;31m", "&nope;"),
    *("\x85", "&#27;[2J", "=cmd|'/c calc'!A0", "E_total", "w1", "&#10;", "\U0001f600"),
    *("x" * 70_000, "<![CDATA[w1]]>", "<!-- -->", "<?pi?>", "\u2202E/\u2202w1", "&#x10FFFF;", "'!"),
)  # fmt: skip
KINDS = ("s", "str", "b", "e", "d", "inlineStr", "n", "shared", "array", "dataTable", "x", "normal")


def odd(draw: random.Random) -> str:
    return draw.choice(draw.choice([ODD_NUMBERS, ODD_PLACES, ODD_WORDS, KINDS]))


def _replaced(
    pattern: re.Pattern[str], change: Callable[[re.Match[str], random.Random], str]
) -> Mangle:
    """One place that a pattern finds, changed."""

    def mangle(text: str, draw: random.Random) -> str:
        start = draw.randrange(len(text)) if text else 0
        found = pattern.search(text, start) or pattern.search(text)
        if found is None:
            return text
        return text[: found.start()] + change(found, draw) + text[found.end() :]

    return mangle


def _doubled(found: re.Match[str], draw: random.Random) -> str:
    return found[0] * int(10 ** draw.uniform(0.3, 3))


def _nested(found: re.Match[str], draw: random.Random) -> str:
    name, deep = found[1], draw.choice([1, 2, 5, 55, 200])
    return f"<{name}>" * deep + found[0] + f"</{name}>" * deep


def _attribute(found: re.Match[str], draw: random.Random) -> str:
    return f'{found[1]}="{odd(draw)}"'


def _near(found: re.Match[str], draw: random.Random) -> str:
    """The attribute with a number in it a little changed: what refers to it leads elsewhere."""
    changed = re.sub(r"\d+", lambda f: str(int(f[0][:9]) + draw.choice([-1, 1, 2, 7])), found[2])
    return f'{found[1]}="{changed}"'


def _more(found: re.Match[str], draw: random.Random) -> str:
    names = ("t", "s", "r", "si", "ref", "r:id", "xml:space", "hidden", "localSheetId", "aca", "q")
    return f'{found[0]} {draw.choice(names)}="{odd(draw)}"'


def _text(found: re.Match[str], draw: random.Random) -> str:
    return f">{odd(draw)}<"


def _formula(found: re.Match[str], draw: random.Random) -> str:
    return found[1] + escape(mangled_formula(unescape(found[2]), draw)) + found[3]


def _another_kind(found: re.Match[str], draw: random.Random) -> str:
    """A formula that is shared, or fills an area, or is a table of data."""
    kind, index = draw.choice(["shared", "shared", "array", "dataTable"]), draw.randrange(3)
    area = draw.choice([*ODD_PLACES, "B6:C9", "H6:H11", "A1:D400"])
    said = draw.choice(["", found[2], escape(mangled_formula(unescape(found[2]), draw))])
    return f'<f t="{kind}" si="{index}" ref="{area}">{said}</f>'


def _all_formulas(text: str, draw: random.Random) -> str:
    """The same change to every formula that is like one of them: a column that is mangled."""
    found = FORMULA.findall(text)
    if not found:
        return text
    shape = re.sub(r"\d+", "#", draw.choice(found)[1])
    number = draw.getrandbits(32)

    def change(one: re.Match[str]) -> str:
        same = re.sub(r"\d+", "#", one[2]) == shape
        return _formula(one, random.Random(number)) if same else one[0]

    return FORMULA.sub(change, text)


def _all_kinds(text: str, draw: random.Random) -> str:
    """Many formulas at once become shared ones or arrays."""
    return FORMULA.sub(lambda f: _another_kind(f, draw) if draw.random() < 0.2 else f[0], text)


def _names(text: str, draw: random.Random) -> str:
    """More defined names, which mean odd things or each other."""
    made = []
    for _ in range(draw.choice([1, 3, 300])):
        name = draw.choice(["eta", "w1", "x", "n1", "n2", "A1", "TRUE", "", "_xlnm.Print_Area"])
        means = draw.choice(
            [*ARGUMENTS, "n1", "n2+1", "x", call(draw), "Sheet1!$C$2", "Sheet1!$A:$A"]
        )
        made.append(f'<definedName name="{name}">{escape(means)}</definedName>')
    return text.replace("</sheets>", f"</sheets><definedNames>{''.join(made)}</definedNames>", 1)


def _exchanged(text: str, draw: random.Random) -> str:
    """Two tags in each other's place."""
    tags = list(TAG.finditer(text))
    if len(tags) < 2:
        return text
    a, b = sorted(draw.sample(tags, 2), key=lambda tag: tag.start())
    middle = text[a.end() : b.start()]
    return text[: a.start()] + b[0] + middle + a[0] + text[b.end() :]


MANGLES: tuple[Mangle, ...] = (
    _replaced(ELEMENT, _doubled),
    _replaced(ELEMENT, lambda found, draw: ""),
    _replaced(ELEMENT, _nested),
    _replaced(TAG, lambda found, draw: ""),
    _replaced(ATTRIBUTE, _attribute),
    _replaced(ATTRIBUTE, _attribute),
    _replaced(ATTRIBUTE, _near),
    _replaced(ATTRIBUTE, lambda found, draw: ""),
    _replaced(ATTRIBUTE, _more),
    _replaced(TEXT, _text),
    _replaced(TEXT, _text),
    _replaced(FORMULA, _another_kind),
    _all_kinds,
    _names,
    _exchanged,
    lambda text, draw: text[: draw.randrange(len(text) + 1)],
    lambda text, draw: text.replace("<row ", "<x:row ").replace("</row>", "</x:row>"),
    lambda text, draw: re.sub(r' r="[A-Z]+\d+"', "", text),
)
FORMULA_MANGLES: tuple[Mangle, ...] = (
    _replaced(FORMULA, _formula),
    _replaced(FORMULA, _formula),
    _all_formulas,
    _replaced(FORMULA, _another_kind),
)
