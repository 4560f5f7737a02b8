"""Formulas of the documents, which are written in TeX's way, as MathML.

    $a_{o1} = \\sigma(o_1)$          within a sentence
    $$\\frac{\\partial E}{\\partial w_5}$$   on lines of its own

Code hosts typeset the same signs by themselves. The few commands that the documents use are known
here; any other is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

TOKEN = re.compile(r"\\[a-zA-Z]+|\\[,;\\ {}]|\d+(?:[.,]\d+)*|[^\s]")
LETTERS = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "eta": "η",
    "mu": "μ",
    "rho": "ρ",
    "sigma": "σ",
    "Phi": "Φ",
    "infty": "∞",
    "partial": "∂",
    "pi": "π",
}
SIGNS = {
    "cdot": "·",
    "times": "×",
    "approx": "≈",
    "le": "≤",
    "ge": "≥",
    "to": "→",
    "gets": "←",
    "pm": "±",
    "dots": "…",
    "sum": "∑",
    "vert": "|",
}
FUNCTIONS = ("exp", "ln", "max", "min", "sin", "cos", "tanh")
SPACES = {",": "0.17em", ";": "0.28em", " ": "0.33em", "quad": "1em"}
FENCES = "()[]|"
ALIGNED = "\\begin{aligned}", "\\end{aligned}"
AS_TEX = {  # how help writes formulas, as TeX
    r"½": r"\\tfrac{1}{2}",
    "²": "^2",
    "³": "^3",
    "−": "-",
    "·": r" \\cdot ",
    "π": r"\\pi ",
    "σ": r"\\sigma ",
    "Φ": r"\\Phi ",
    "Σ": r"\\sum ",
    r"√\((.*?)\)": r"\\sqrt{\1}",
    r"e\^(-?\w)": r"e^{\1}",
    r"\|": r"\\vert ",
    r"\b(tanh|ln|max|min)\b ?": r"\\\1 ",
}
SYMBOLS = re.compile(r"[a-zA-ZσΦ]+")
KNOWN = {"x", "e", "t", "a", "tanh", "ln", "max", "min", "σ", "Φ"}
CODE = re.compile(r"(^```.*?^```[^\n]*\n?|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
DISPLAYED = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
INLINE = re.compile(r"(?<![\w$\\])\$(?=\S)([^$\n]+?)(?<=\S)\$(?![\w$])")


def mathml(tex: str, *, display: bool = False) -> str:
    """A formula as an element, with what was written for readers that can't show it."""
    tex = tex.strip()
    if tex.startswith(ALIGNED[0]):
        lines = tex.removeprefix(ALIGNED[0]).removesuffix(ALIGNED[1]).split("\\\\")
        rows = ("".join(f"<mtd>{_row(part)}</mtd>" for part in line.split("&")) for line in lines)
        inside = '<mtable class="aligned" displaystyle="true">{}</mtable>'.format(
            "".join(f"<mtr>{row}</mtr>" for row in rows)
        )
    else:
        inside = _row(tex)
    block = ' display="block"' if display else ""
    return f"<math{block}>{inside}</math>"


def as_tex(words: str) -> str:
    """A formula of the help in TeX's way, with its dollars; what has other words stays."""
    tail = re.search(r"(; .*)?$", words)
    assert tail
    formula = words.removesuffix(tail[0])
    if not set(SYMBOLS.findall(formula)) <= KNOWN or not re.search(r"[(^²·−]", formula):
        return words
    for sign, tex in AS_TEX.items():
        formula = re.sub(sign, tex, formula)
    return f"${' '.join(formula.split())}${tail[0]}"


def plain(tex: str) -> str:
    """The same as text, for the search."""
    text = re.sub(r"\\[td]?frac\{(.*?)\}\{(.*?)\}", r"\1/\2", tex)
    text = re.sub(
        r"\\([a-zA-Z]+)", lambda it: LETTERS.get(it[1]) or SIGNS.get(it[1]) or it[1], text
    )
    return re.sub(r"[{}&\\]", "", text)


def formulas(text: str) -> Iterator[tuple[str, str, bool]]:
    """Each formula of a document with its dollars, without them, and whether it stands alone."""
    for piece in CODE.split(text)[::2]:
        yield from ((found[0], found[1], True) for found in DISPLAYED.finditer(piece))
        rest = DISPLAYED.sub("", piece)
        yield from ((found[0], found[1], False) for found in INLINE.finditer(rest))


def _row(tex: str) -> str:
    tokens = TOKEN.findall(tex)
    parts = _parts(tokens)
    assert not tokens, f"{tex}: '{tokens[0]}' closes nothing"
    return parts


def _parts(tokens: list[str]) -> str:
    """Elements up to the end, or to the bracket that closes."""
    elements: list[str] = []
    while tokens and tokens[0] not in ("}", "\\right"):
        elements.append(_scripted(tokens, bool(elements)))
    return "".join(elements)


def _scripted(tokens: list[str], follows: bool) -> str:
    """An element with what stands below and above it."""
    base = _element(tokens, follows)
    scripts: dict[str, str] = {}
    while tokens and tokens[0] in ("_", "^", "'"):
        sign = tokens.pop(0)
        scripts["^" if sign == "'" else sign] = (
            "<mo>′</mo>" if sign == "'" else _element(tokens, False)
        )
    match sorted(scripts):
        case ["^"]:
            return f"<msup>{base}{scripts['^']}</msup>"
        case ["_"]:
            return f"<msub>{base}{scripts['_']}</msub>"
        case ["^", "_"]:
            return f"<msubsup>{base}{scripts['_']}{scripts['^']}</msubsup>"
    return base


def _element(tokens: list[str], follows: bool) -> str:  # noqa: PLR0911, PLR0912
    token = tokens.pop(0)
    name = token.removeprefix("\\") if token.startswith("\\") else ""
    if token == "{":
        inside = _parts(tokens)
        tokens.pop(0)
        return f"<mrow>{inside}</mrow>"
    if name in ("frac", "tfrac"):
        style = ' displaystyle="false"' if name == "tfrac" else ""
        return f"<mfrac{style}>{_element(tokens, False)}{_element(tokens, False)}</mfrac>"
    if name == "sqrt":
        return f"<msqrt>{_element(tokens, False)}</msqrt>"
    if name in ("left", "right"):
        return _stretched(tokens)
    if name in ("text", "mathrm"):
        return f"<mtext>{_words(tokens)}</mtext>"
    if name in LETTERS:
        upright = ' mathvariant="normal"' if name in ("partial", "infty") else ""
        return f"<mi{upright}>{LETTERS[name]}</mi>"
    if name in FUNCTIONS:
        return f"<mi>{name}</mi><mo>&#x2061;</mo>"
    if name in SIGNS:
        return f"<mo>{SIGNS[name]}</mo>"
    if name in SPACES:
        return f'<mspace width="{SPACES[name]}"/>'
    assert not name, f"\\{name} isn't known"
    if token[0].isdigit():
        return f"<mn>{token}</mn>"
    if token.isalpha():
        return f"<mi>{token}</mi>"
    if token == "-":
        return "<mo>−</mo>" if follows else '<mo form="prefix">−</mo>'
    if token in FENCES:
        return f'<mo stretchy="false">{token}</mo>'
    return f"<mo>{escape(token)}</mo>"


def _stretched(tokens: list[str]) -> str:
    """Brackets as high as what is in them."""
    opening = tokens.pop(0)
    inside = _parts(tokens)
    tokens.pop(0)
    return f"<mrow><mo>{opening}</mo>{inside}<mo>{tokens.pop(0)}</mo></mrow>"


def _words(tokens: list[str]) -> str:
    """What stands in braces as it is; spaces were lost, so it is one word."""
    tokens.pop(0)
    words = []
    while (token := tokens.pop(0)) != "}":
        words.append(token)
    return escape("".join(words))
