"""Formulas and documents in Typst, which sets them as a PDF without TeX."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from gradbook.errors import FIXED_SPACES
from gradbook.graph.names import Name
from gradbook.language import ENGLISH, current_language, tr
from gradbook.targets.algebra import forms
from gradbook.targets.algebra.forms import Document, Equation, Form, TableBlock
from gradbook.targets.algebra.text import (
    Decimals,
    DocumentWriter,
    Level,
    Printer,
    aligned_rows,
    strip_marks,
)

SIGNS = {
    "−": "-",
    ":": "colon",
    "·": " dot.op ",
    "⊙": " dot.o ",
    "⋆": " star.op ",
    "∗": " ast.op ",
    "": " thin ",
}
FUNCTIONS = {name: name for name in ("tanh", "exp", "ln", "max", "min", "sinh", "cosh")} | {
    "σ": "σ",
    "Φ": "Φ",
    "σ′": "σ'",
    "tanh′": "tanh'",
}
STEMS = {"σ²": "σ^2"}
decimal = Decimals(
    "-",
    "infinity",
    '"{}"',
    " dot.op ",
    lambda exponent: f"10^({exponent})",
    comma='","',
)


def spell(form: Form) -> str:
    """A formula in one line."""
    return strip_marks(TypstPrinter().write(form))


def spell_inline(form: Form) -> str:
    """A formula within a sentence."""
    return strip_marks(InlineTypstPrinter().write(form))


def quote(text: str) -> str:
    """Words within a formula."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'


class TypstPrinter(Printer):
    before_sum: ClassVar[str] = " "
    signs: ClassVar[dict[str, str]] = SIGNS
    word: ClassVar[str] = '" {} "'
    decimal: ClassVar[Decimals] = decimal
    change: ClassVar[str] = "∂ "

    def write_symbol(self, form: forms.Symbol) -> str:
        return symbol(form.name, form.bold)

    def write_words(self, form: forms.Words) -> str:
        return "dots.c" if form.text == "…" else quote(form.text)

    def write_partial(self, form: forms.Partial) -> str:
        return f"frac(∂ {self.write(form.of)}, ∂ {self.write(form.to)})"

    def write_derived(self, form: forms.Derived) -> str:
        return f"frac(∂, ∂ {self.write(form.to)}) {self.part(form.of, Level.POWER)}"

    def write_fraction(self, form: forms.Fraction) -> str:
        return strip_marks(f"frac({self.write(form.top)}, {self.write(form.bottom)})")

    def write_power(self, form: forms.Power) -> str:
        exponent = strip_marks(self.write(form.exponent))
        return f"{self.part(form.base, Level.ATOM)}^({exponent})"

    def write_root(self, form: forms.Root) -> str:
        return strip_marks(f"sqrt({self.write(form.of)})")

    def write_transposed(self, form: forms.Transposed) -> str:
        return f"{self.part(form.of, Level.ATOM)}^upright(T)"

    def function(self, name: str) -> str:
        return FUNCTIONS.get(name, f"op({quote(name)})")

    def write_cases(self, form: forms.Cases) -> str:
        rows = (f"{self.write(value)} & {self._condition(when)}" for value, when in form.rows)
        return strip_marks(f"cases({', '.join(rows)})")

    def _condition(self, when: Form) -> str:
        if isinstance(when, forms.Words):
            return self.write(when)
        return f"{quote(tr('if') + ' ')} {self.write(when)}"

    def write_bigsum(self, form: forms.BigSum) -> str:
        over = f"_{quote(tr(form.over))}" if form.over else ""
        return f"sum{over} {self.part(form.of, Level.FRACTION)}"


class InlineTypstPrinter(TypstPrinter):
    """Fractions with a slash, as they stand in a sentence."""

    levels: ClassVar[dict[type, Level]] = {**TypstPrinter.levels, forms.Fraction: Level.FRACTION}

    def write_partial(self, form: forms.Partial) -> str:
        return Printer.write_partial(self, form).replace("/", r"\/")

    def write_fraction(self, form: forms.Fraction) -> str:
        top, bottom = self.part(form.top, Level.PRODUCT), self.part(form.bottom, Level.POWER)
        return rf"{top}\/{bottom}"


def symbol(name: Name, bold: bool = False) -> str:
    """w_5, a_(h_1), E_"total", c_(1,2,3)."""
    below = [symbol(name.of)] if name.of else []
    below += [quote(name.word)] if name.word else []
    below += map(str, name.numbers)
    subscript = ",".join(below) + name.mark
    letter = STEMS.get(name.stem, name.stem)
    letter = quote(letter) if len(name.stem) > 2 else letter
    letter = f"bold({letter})" if bold else letter
    return letter + (f"_({subscript})" if subscript else "")


# About how wide a formula will be --------------------------------------------

BELOW = re.compile(r"[_^]\(([^()]*)\)")
FRACTION = re.compile(r"frac\(([^(),]*),([^(),]*)\)")
PARTS = re.compile(r"(?<![_^a-z])\(([^()]*)\)")
OPERATOR = re.compile(r"(?:dot|star|ast)\.o?p?|[-+=≈←]|colon")
NAMED = re.compile(r"infinity|dots\.c|thin|sqrt|cases|sum")


def width(formula: str) -> float:
    """About how many characters wide the formula is when it is set."""
    before = ""
    while before != formula:
        before = formula
        formula = BELOW.sub(lambda found: "x" * round(0.7 * width(found[1])), formula)
        formula = FRACTION.sub(lambda found: max(found[1], found[2], key=width), formula)
        formula = PARTS.sub(r"[\1]", formula)
    return len(re.sub(r"[ \"&]", "", NAMED.sub("x", OPERATOR.sub("xxx", formula))))


# Documents -------------------------------------------------------------------

ROOM = 82  # characters in a line of formulas, about
DRAWING = "drawing.svg"
WIDEST, HIGHEST = 16.4, 20.0  # centimetres that a drawing may take of the page
PREAMBLE = """\
#set page(paper: "a4", margin: 2.3cm, numbering: "1")
#set text(size: 10.5pt)
#set par(justify: true, spacing: 0.9em)
#set math.equation(numbering: none)
#show math.equation.where(block: true): set align(left)
#show math.equation.where(block: true): set block(breakable: true, inset: (left: 1.2em))
#let why(body) = block(inset: (x: 3em), text(size: 0.92em, style: "italic", body))
#let step(number, body) = math.equation(block: true, numbering: _ => number, body)
"""


def write_typst(document: Document, proportion: float | None = None) -> str:
    """The whole document. With the proportion of a drawing's width to its height, one that is
    called `drawing.svg` is shown.
    """
    writer = _TypstWriter()
    title = writer.words(document.title)
    about = f"#set document(title: {quote(document.title)}, date: none)"
    head = [about, PREAMBLE + in_its_language(), f"#text(size: 17pt, weight: 600)[{title}]"]
    if proportion is not None:
        broad = min(WIDEST, HIGHEST * proportion)
        head.append(f'#align(center, image("{DRAWING}", width: {broad:.2f}cm))')
    return "\n\n".join([*head, *map(writer.block, document.blocks)]) + "\n"


def in_its_language() -> str:
    """Which language Typst breaks and quotes words in: English if nothing is said."""
    code = current_language().code
    return "" if code == ENGLISH.code else f'#set text(lang: "{code}")\n'


def escape(text: str) -> str:
    """Plain text, in which nothing means anything else."""
    visible = (c if c.isprintable() or c in FIXED_SPACES else "?" for c in text)
    return "".join(f"\\{c}" if c.isascii() and not c.isalnum() and c != " " else c for c in visible)


class _TypstWriter(DocumentWriter):
    def words(self, text: str) -> str:
        return escape(text)

    def code(self, text: str) -> str:
        return f"#raw({quote(text)})"

    def formula(self, form: Form) -> str:
        return f"${spell_inline(form)}$"

    def heading(self, text: str, level: int) -> str:
        return f"{'=' * level} {text}"

    def paragraph(self, text: str, aside: bool) -> str:
        return f"#why[{text}]" if aside else text

    def equation(self, block: Equation) -> str:
        body = " \\\n  ".join(aligned_rows(block.lines, ROOM, TypstPrinter(), width, "quad"))
        if block.number is None:
            return f"$ {body} $"
        return f'#step("({block.number})", $ {body} $)'

    def table(self, block: TableBlock) -> Iterator[str]:
        aligned = ", ".join("right" if numeric else "left" for numeric in block.numeric)
        yield f"#table(columns: {len(block.head)}, stroke: none, align: ({aligned},),"
        yield f"  table.header({self.cells(block.head)}), table.hline(stroke: 0.5pt),"
        yield from (f"  {self.cells(row)}," for row in block.rows)
        yield ")"

    def cells(self, row: Iterable[Iterable[forms.Inline]]) -> str:
        return ", ".join(f"[{self.said(cell)}]" for cell in row)
