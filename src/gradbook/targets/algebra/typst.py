"""Formulas and documents in Typst, which sets them as a PDF without TeX."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from gradbook.errors import FIXED_SPACES
from gradbook.graph.names import Name
from gradbook.language import ENGLISH, current_language
from gradbook.targets.algebra import forms
from gradbook.targets.algebra.forms import Document, Equation, TableBlock
from gradbook.targets.algebra.printing import Decimals, DocumentWriter, Printer, equation_rows

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


def quote(text: str) -> str:
    """A text within a formula."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'


class TypstPrinter(Printer):
    decimal: ClassVar[Decimals] = decimal
    signs: ClassVar[dict[str, str]] = SIGNS
    word: ClassVar[str] = '" {} "'
    before_sum: ClassVar[str] = " "
    indent: ClassVar[str] = " quad "
    partials: ClassVar[tuple[str, str]] = (r"∂ {}\/∂ {}", "frac(∂ {}, ∂ {})")
    derived: ClassVar[str] = "frac(∂, ∂ {}) "
    fraction: ClassVar[str] = "frac({}, {})"
    slash: ClassVar[str] = r"\/"
    exponent: ClassVar[str] = "^({})"
    transpose: ClassVar[str] = "^upright(T)"
    root: ClassVar[str] = "sqrt({})"
    next_case: ClassVar[str] = ", "
    cases: ClassVar[str] = "cases({})"
    total: ClassVar[str] = "sum{} "
    over: ClassVar[tuple[str, str]] = ("", "_{}")

    def symbol(self, name: Name, bold: bool = False) -> str:
        return symbol(name, bold)

    def words(self, text: str) -> str:
        return "dots.c" if text == "…" else quote(text)

    def function(self, name: str) -> str:
        return FUNCTIONS.get(name, f"op({quote(name)})")


spell, spell_inline = TypstPrinter().spell, TypstPrinter(stacks=False).spell


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


# Documents -------------------------------------------------------------------

ROOM = 82  # characters in a line of formulas, approximately
DRAWING = "drawing.svg"
WIDEST, HIGHEST = 16.4, 20.0  # a drawing's largest size in centimetres
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
    """The whole document. If the ratio of a drawing's width to its height is given, the picture
    `drawing.svg` is included.
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
    """The setting for the language in which Typst hyphenates and quotes; English needs none."""
    code = current_language().code
    return "" if code == ENGLISH.code else f'#set text(lang: "{code}")\n'


def escape(text: str) -> str:
    """Plain text, with all special characters escaped."""
    visible = (c if c.isprintable() or c in FIXED_SPACES else "?" for c in text)
    return "".join(f"\\{c}" if c.isascii() and not c.isalnum() and c != " " else c for c in visible)


class _TypstWriter(DocumentWriter):
    printer: ClassVar[Printer] = TypstPrinter(stacks=False)
    headings: ClassVar[tuple[str, str]] = ("= {}", "== {}")
    paragraphs: ClassVar[tuple[str, str]] = ("{}", "#why[{}]")
    formulas: ClassVar[str] = "${}$"

    def words(self, text: str) -> str:
        return escape(text)

    def code(self, text: str) -> str:
        return f"#raw({quote(text)})"

    def equation(self, block: Equation) -> str:
        rows = equation_rows(block.lines, TypstPrinter(), ROOM)
        body = " \\\n  ".join(f"{left} &{right}" for left, right in rows)
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
        return ", ".join(f"[{self.text_of(cell)}]" for cell in row)
