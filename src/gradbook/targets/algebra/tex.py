"""Formulas in TeX, broken to fit a line; documents in LaTeX and in the Markdown of code hosts.

In Markdown, formulas are fenced (```math and $`…`$): between plain dollars, a host parses Markdown
first and removes backslashes. Only commands that both KaTeX and MathJax support are used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from math import ceil
from typing import ClassVar
from unicodedata import category, east_asian_width, normalize

from gradbook.graph.names import Name
from gradbook.language import ENGLISH, current_language
from gradbook.layers import Role
from gradbook.targets.algebra import forms
from gradbook.targets.algebra.forms import (
    Block,
    Cell,
    Document,
    Equation,
    EquationLine,
    Form,
    TableBlock,
)
from gradbook.targets.algebra.printing import (
    Decimals,
    DocumentWriter,
    Line,
    LinePiece,
    Printer,
    deeper,
    equation_rows,
    joined,
    width,
)

GREEK = {
    "η": r"\eta",
    "σ": r"\sigma",
    "σ²": r"\sigma^2",
    "μ": r"\mu",
    "δ": r"\delta",
    "π": r"\pi",
} | {role: rf"\{role.typed}" for role in Role if role != role.typed}
HAT = "\N{COMBINING CIRCUMFLEX ACCENT}"  # of ŵ
FUNCTIONS = {"σ": r"\sigma", "Φ": r"\Phi", "σ′": r"\sigma'", "tanh′": r"\tanh'"} | {
    name: rf"\{name}" for name in ("tanh", "exp", "ln", "max", "min", "sinh", "cosh")
}
SIGNS = {
    "−": "-",
    ":": r"\colon",
    "≈": r"\approx",
    "←": r"\leftarrow",
    "·": r" \cdot ",
    "⊙": r" \odot ",
    "⋆": r" \star ",
    "∗": r" \ast ",
    "": r"\,",
}


decimal = Decimals(
    "-",
    r"\infty",
    r"\text{{{}}}",
    r" \cdot ",
    lambda exponent: f"10^{{{exponent}}}",
    comma="{,}",
)


class TexPrinter(Printer):
    decimal: ClassVar[Decimals] = decimal
    signs: ClassVar[dict[str, str]] = SIGNS
    word: ClassVar[str] = r"\text{{ {} }}"
    before_sum: ClassVar[str] = r"\, "
    indent: ClassVar[str] = r" \quad "
    partials: ClassVar[tuple[str, str]] = (
        r"\partial {}/\partial {}",
        r"\frac{{\partial {}}}{{\partial {}}}",
    )
    derived: ClassVar[str] = r"\frac{{\partial}}{{\partial {}}} "
    fraction: ClassVar[str] = r"\frac{{{}}}{{{}}}"
    exponent: ClassVar[str] = "^{{{}}}"
    transpose: ClassVar[str] = r"^{\mathsf{T}}"
    root: ClassVar[str] = r"\sqrt{{{}}}"
    next_case: ClassVar[str] = r" \\ "
    cases: ClassVar[str] = r"\begin{{cases}} {} \end{{cases}}"
    total: ClassVar[str] = r"\sum{} "
    over: ClassVar[tuple[str, str]] = ("", "_{{{}}}")

    def symbol(self, name: Name, bold: bool = False) -> str:
        return symbol(name, bold)

    def words(self, text: str) -> str:
        return r"\cdots" if text == "…" else rf"\text{{{escape(text)}}}"

    def function(self, name: str) -> str:
        return FUNCTIONS.get(name, rf"\mathrm{{{escape(name)}}}")

    def bracketed(self, line: Line) -> Line:
        size = r"\Big" if re.search(r"\\(frac|sum|sqrt)", joined(line)) else ""
        opening, closing = (f"{size}l(", f"{size}r)") if size else "()"
        return (self.piece(opening, 1), *deeper(line), self.piece(closing, 1))

    def write_fraction(self, form: forms.Fraction) -> Iterable[LinePiece]:
        """A fraction of two numbers is set small."""
        plain = isinstance(form.top, forms.Numeral) and isinstance(form.bottom, forms.Numeral)
        for piece in super().write_fraction(form):
            is_small = plain and self.stacks
            yield replace(piece, text=piece.text.replace("frac", "tfrac")) if is_small else piece

    def raised(self, base: Form, exponent: str, wide: float) -> Iterable[LinePiece]:
        """A symbol that itself has a raised part is grouped."""
        first, *others = super().raised(base, exponent, wide)
        grouped = isinstance(base, forms.Symbol) and "^" in first.text
        return [replace(first, text=f"{{{first.text}}}") if grouped else first, *others]


spell, spell_inline = TexPrinter().spell, TexPrinter(stacks=False).spell


def symbol(name: Name, bold: bool = False) -> str:
    """w_{5}, a_{h_{1}}, E_{\\text{total}}, c_{1,2,3}."""
    below = [symbol(name.of)] if name.of else []
    below += [rf"\text{{{escape(name.word)}}}"] if name.word else []
    below += map(str, name.numbers)
    subscript = ",".join(below) + name.mark
    return _letter(name.stem, bold) + (f"_{{{subscript}}}" if subscript else "")


def _letter(stem: str, bold: bool) -> str:
    bare, hat, _ = normalize("NFD", stem).partition(HAT)
    if hat:
        return rf"\hat{{{_letter(bare, bold)}}}"
    letter = GREEK.get(stem) or escape(stem)
    if not bold:
        return letter
    return rf"\boldsymbol{{{letter}}}" if stem in GREEK else rf"\mathbf{{{letter}}}"


# Characters that are special in TeX, or missing from its usual fonts.

ESCAPES = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "−": r"\ensuremath{-}",
    "×": r"\ensuremath{\times}",
    "…": r"\dots{}",
    "⊙": r"\ensuremath{\odot}",
    "⋆": r"\ensuremath{\star}",
    "∗": r"\ensuremath{\ast}",
    "ᵀ": r"\ensuremath{{}^{\mathsf{T}}}",
    "∂": r"\ensuremath{\partial}",
    "Σ": r"\ensuremath{\sum}",
    "σ": r"\ensuremath{\sigma}",
    "δ": r"\ensuremath{\delta}",
    "′": r"\ensuremath{'}",
    "â": r"\^{a}",
    "\u00a0": "~",
    "\u202f": r"\,",
} | {character: f"\\{character}" for character in "#$%&_{}"}


def escape(text: str) -> str:
    """Plain text; a character that few fonts have becomes a question mark."""
    code = current_language().code
    return "".join(ESCAPES.get(c, c if _is_set(c, code) else "?") for c in text)


def _is_set(character: str, code: str) -> bool:
    """Whether LaTeX can set the character in a document of that language."""
    if character.isascii():
        return character.isprintable()
    if east_asian_width(character) in "WF":
        return code in WIDE
    if "À" <= character <= "ÿ" and character not in NOT_COMPOSED:
        return True
    return code != ENGLISH.code and category(character)[0] in "LP"


NOT_COMPOSED = "×÷ÐðÞþ"  # no letters with accents, so not every encoding of fonts has them
WIDE = {"zh", "ko"}
PACKAGES = {  # for a language's letters
    "en": "",
    "zh": "\\usepackage[UTF8,scheme=plain]{ctex}\n",
    "ko": "\\usepackage{kotex}\n",
    "vi": "\\usepackage[T5]{fontenc}\n",
}
LATIN = "\\usepackage[T1]{fontenc}\n"


# Lines -----------------------------------------------------------------------


def rows(lines: Sequence[EquationLine], room: float) -> list[str]:
    """The lines of an equation: in one row if they fit, else each in as many as it needs."""
    return [f"{left} &{right}" for left, right in equation_rows(lines, TexPrinter(), room)]


# LaTeX -----------------------------------------------------------------------

LATEX_ROOM = 78  # characters in a line of formulas, approximately
WIDEST_CELL = 46  # characters; a longer text is set in several lines
TABLE_ROOM = 85  # characters in a row of a table, with GAP between two columns
GAP, LEAST_CELL = 2, 16
MOST_ROWS = 40  # lines of a table on one page

PREAMBLE = r"""\documentclass[11pt,fleqn]{article}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage[T1]{fontenc}\usepackage{lmodern}}{}
\usepackage{amsmath,amssymb,array}
\newcolumntype{P}[1]{>{\raggedright\arraybackslash}p{#1}}
\usepackage[margin=2.3cm]{geometry}
\setlength{\mathindent}{1.5em}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.5\baselineskip}
\setlength{\emergencystretch}{3em}
\allowdisplaybreaks[1]
\AtBeginDocument{\setlength{\abovedisplayskip}{6pt plus 2pt minus 2pt}%
  \setlength{\belowdisplayskip}{6pt plus 2pt minus 2pt}}
\newenvironment{why}{\list{}{\leftmargin=3em\rightmargin=3em}\item\relax\small\itshape}{\endlist}
"""


def write_latex(document: Document) -> str:
    head = f"{{\\LARGE {escape(document.title)}\\par}}"
    body = "\n".join([head, *map(_LatexWriter().block, document.blocks)])
    preamble = PREAMBLE + PACKAGES.get(current_language().code, LATIN)
    return f"{preamble}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"


def fitted(wanted: Sequence[float], fixed: Sequence[bool]) -> list[float]:
    """The widths with which all columns fit into a row: the widest of those that aren't fixed is
    made narrower, again and again."""
    widths = [
        want if is_fixed else min(want, WIDEST_CELL)
        for want, is_fixed in zip(wanted, fixed, strict=True)
    ]
    room = TABLE_ROOM - GAP * (len(widths) - 1)
    while sum(widths) > room:
        free = [k for k, is_fixed in enumerate(fixed) if not is_fixed and widths[k] > LEAST_CELL]
        if not free:
            break
        widths[max(free, key=lambda k: widths[k])] -= 1
    return widths


class _LatexWriter(DocumentWriter):
    printer: ClassVar[Printer] = TexPrinter(stacks=False)
    headings: ClassVar[tuple[str, str]] = ("\n\\section*{{{}}}", "\n\\subsection*{{{}}}")
    paragraphs: ClassVar[tuple[str, str]] = ("\n{}", "\\begin{{why}}\n{}\n\\end{{why}}")
    formulas: ClassVar[str] = "${}$"

    def words(self, text: str) -> str:
        return escape(text)

    def code(self, text: str) -> str:
        return f"\\texttt{{{escape(text).replace('--', '-{}-')}}}"

    def equation(self, block: Equation) -> str:
        first, *others = rows(block.lines, LATEX_ROOM)
        tag = f" \\tag{{{block.number}}}" if block.number is not None else ""
        body = " \\\\\n".join([first + tag, *others])
        return f"\\begin{{align*}}\n{body}\n\\end{{align*}}"

    def table(self, block: TableBlock) -> Iterator[str]:
        wanted = [max(map(self.width_of, column)) for column in block.columns]
        widths = fitted(wanted, block.numeric)
        columns = "".join(
            "r" if numeric else "l" if width <= most else f"P{{{most / 2:g}em}}"
            for most, width, numeric in zip(widths, wanted, block.numeric, strict=True)
        )
        for rows in self.pages(block.rows, widths):
            yield f"\n\\hspace*{{1.5em}}\\begin{{tabular}}{{@{{}}{columns}@{{}}}}"
            yield f"{self.cells(block.head)} \\\\ \\hline"
            yield from (f"{self.cells(row)} \\\\" for row in rows)
            yield "\\end{tabular}"

    def pages(
        self, rows: Iterable[Sequence[Cell]], widths: Sequence[float]
    ) -> Iterator[list[Sequence[Cell]]]:
        """As many rows as fit on a page; a row of several lines counts as several."""
        page: list[Sequence[Cell]] = []
        lines = 0
        for row in rows:
            pairs = zip(row, widths, strict=True)
            height = max(ceil(self.width_of(cell) / most) for cell, most in pairs) or 1
            if page and lines + height > MOST_ROWS:
                yield page
                page, lines = [], 0
            page.append(row)
            lines += height
        yield page

    def width_of(self, cell: Cell) -> float:
        return sum(
            width(self.printer.write(part)) if isinstance(part, Form) else len(self.inline(part))
            for part in cell
        )

    def cells(self, row: Iterable[Cell]) -> str:
        return " & ".join(map(self.text_of, row))


# Markdown --------------------------------------------------------------------

MARKDOWN_ROOM = 96  # characters in a line of formulas, approximately
SPECIAL = "\\`*_{}[]<>#|~$"


def write_markdown(document: Document) -> str:
    """The whole document. Consecutive equations of one row are combined into one block."""
    writer = _MarkdownWriter()
    parts = [f"# {writer.words(document.title)}"]
    for alike, group in groupby(document.blocks, _is_one_row):
        blocks = tuple(group)
        parts += [_aligned(blocks)] if alike else map(writer.block, blocks)
    return "\n\n".join(parts) + "\n"


class _MarkdownWriter(DocumentWriter):
    printer: ClassVar[Printer] = TexPrinter(stacks=False)
    headings: ClassVar[tuple[str, str]] = ("## {}", "### {}")
    paragraphs: ClassVar[tuple[str, str]] = ("{}", "> {}")
    formulas: ClassVar[str] = "$`{}`$"

    def words(self, text: str) -> str:
        return "".join(f"\\{c}" if c in SPECIAL else c for c in text)

    def code(self, text: str) -> str:
        return f"`{text}`"

    def equation(self, block: Equation) -> str:
        return _aligned([block])

    def table(self, block: TableBlock) -> Iterator[str]:
        yield self.row(block.head)
        yield "|" + "|".join("--:" if numeric else ":--" for numeric in block.numeric) + "|"
        yield from map(self.row, block.rows)

    def row(self, cells: Iterable[Cell]) -> str:
        return "| " + " | ".join(map(self.text_of, cells)) + " |"


def _is_one_row(block: Block) -> bool:
    return isinstance(block, Equation) and len(_rows(block)) == 1


def _rows(block: Equation) -> list[str]:
    """Its lines, the number after the first: in a fence, only one of them could have a tag."""
    lines = rows(block.lines, MARKDOWN_ROOM)
    if block.number is not None:
        lines[0] += f" && ({block.number})"
    return lines


def _aligned(blocks: Iterable[Block]) -> str:
    lines = [line for block in blocks if isinstance(block, Equation) for line in _rows(block)]
    return "```math\n\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}\n```"
