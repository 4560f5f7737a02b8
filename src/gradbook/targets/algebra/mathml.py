"""Writes mathematics as MathML Core, which browsers display by themselves.

Every symbol has the class of its kind (k-weights, k-errors …), so that a page can colour it.
Formulas too wide for the page are broken into lines, since paper can't be scrolled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import ClassVar

from gradbook.graph.names import Name
from gradbook.language import tr
from gradbook.palette import GRADIENT, colour_of
from gradbook.targets.algebra import forms
from gradbook.targets.algebra.forms import EquationLine, Form
from gradbook.targets.algebra.printing import (
    LEVELS,
    Decimals,
    Level,
    Line,
    LinePiece,
    Printer,
    deeper,
    equation_rows,
    joined,
    width,
)

ROOM = 70  # characters in a line, approximately
LEFT = 9  # before the sign, at least
SHORT = 36  # a line with several steps
SPACE = forms.FIXED_SPACE
MINUS = '<mo form="prefix">−</mo>'
DEL = f'<mi class="k-{GRADIENT.key}" mathvariant="normal">∂</mi>'
THIN_SPACE = '<mspace width="0.17em"/>'


def inline(form: Form) -> str:
    """A formula within a sentence."""
    return f"<math>{MathPrinter().spell(form)}</math>"


def display(lines: Sequence[EquationLine]) -> str:
    """Lines aligned at their signs."""
    rows = "".join(
        f"<mtr><mtd><mrow>{left}</mrow></mtd><mtd><mrow>{right}</mrow></mtd></mtr>"
        for left, right in equation_rows(lines, MathPrinter(), ROOM, SHORT, LEFT)
    )
    table = f'<mtable class="aligned" displaystyle="true">{rows}</mtable>'
    return f'<math display="block">{table}</math>'


class MathPrinter(Printer):
    """Writes brackets and their contents as one element, so that the brackets stretch."""

    decimal: ClassVar[Decimals] = Decimals(
        MINUS,
        "<mi>∞</mi>",
        "<mtext>{}</mtext>",
        "<mo>·</mo>",
        lambda exponent: (
            f"<msup><mn>10</mn><mrow>{MINUS * (exponent < 0)}<mn>{abs(exponent)}</mn></mrow></msup>"
        ),
        "<mn>{}</mn>",
    )
    levels: ClassVar[dict[type, Level]] = {**LEVELS, forms.Derived: Level.PRODUCT}
    operator: ClassVar[float] = 2.2
    dot: ClassVar[float] = 1.3
    gap: ClassVar[str] = ""
    before_sum: ClassVar[str] = ""
    indent: ClassVar[str] = '<mspace width="1em"/>'
    partials: ClassVar[tuple[str, str]] = (
        "",
        f"<mfrac><mrow>{DEL}{{}}</mrow><mrow>{DEL}{{}}</mrow></mfrac>",
    )
    inner: ClassVar[Level] = Level.ATOM
    derived: ClassVar[str] = f"<mfrac>{DEL}<mrow>{DEL}{{}}</mrow></mfrac>"
    differentiated: ClassVar[Level] = Level.ATOM
    fraction: ClassVar[str] = "<mfrac><mrow>{}</mrow><mrow>{}</mrow></mfrac>"
    exponent: ClassVar[str] = "<mrow>{}</mrow>"
    transpose: ClassVar[str] = "<mo>⊤</mo>"
    root: ClassVar[str] = "<msqrt><mrow>{}</mrow></msqrt>"
    case: ClassVar[str] = "<mtr><mtd><mrow>{}</mrow></mtd><mtd><mrow>{}</mrow></mtd></mtr>"
    cases: ClassVar[str] = '<mrow><mo>{{</mo><mtable class="cases">{}</mtable></mrow>'
    total: ClassVar[str] = "<munder><mo>∑</mo>{}</munder>"
    over: ClassVar[tuple[str, str]] = ("<mrow></mrow>", "{}")
    tall: ClassVar[tuple[str, ...]] = ("<mfrac>", "<munder>", "<mtable")

    def write_flat(self, form: Form) -> Line:
        return _FlatPrinter().write(form)

    def symbol(self, name: Name, bold: bool = False) -> str:
        """A letter with its subscript: the h of a_h1 slanted, its number and 'total' upright."""
        return _scripts(name, bold, "<mn>2</mn>" if name.stem.endswith(SQUARE) else "")

    def words(self, text: str) -> str:
        return f"<mtext>{escape(text)}</mtext>"

    def level(self, form: Form) -> Level:
        if isinstance(form, forms.Symbol) and form.name.stem.endswith(SQUARE):
            return Level.POWER
        return super().level(form)

    def bracketed(self, line: Line) -> Line:
        """Brackets stretch only around tall contents; around others they would look too large."""
        if any(tag in joined(line) for tag in self.tall):
            grown = "<mrow><mo>(</mo>{}<mo>)</mo></mrow>"
            return (self.solid(grown, line, width=2 + width(line)),)
        opening, closing = (self.piece(f'<mo stretchy="false">{c}</mo>', 1) for c in "()")
        return (opening, *deeper(line), closing)

    def sign(self, sign: str) -> str:
        return f"<mo>{sign}</mo>" if sign else THIN_SPACE

    def relation(self, sign: str) -> str:
        if sign.isalpha():
            return f"<mtext>{SPACE}{escape(tr(sign))}{SPACE}</mtext>"
        return f'<mo form="infix">{escape(sign)}</mo>' if sign else ""

    def raised(self, base: Form, exponent: str, wide: float) -> Iterable[LinePiece]:
        """The exponent of a symbol is written above its subscript."""
        line = self.part(base, Level.ATOM)
        power = f"<msup><mrow>{joined(line)}</mrow>{exponent}</msup>"
        if isinstance(base, forms.Symbol) and self.level(base) is Level.ATOM:
            power = _scripts(base.name, base.bold, exponent)
        yield self.piece(power, width(line) + wide)

    def write_function(self, form: forms.Function) -> Iterable[LinePiece]:
        inside = tuple(piece for part in form.arguments for piece in (COMMA, *self.write(part)))[1:]
        if form.function == "exp":
            power = '<msup><mi mathvariant="normal">e</mi><mrow>{}</mrow></msup>'
            return (self.solid(power, inside, width=1 + width(inside)),)
        name = form.function.removesuffix("′")
        head = f"<mi>{escape(name)}</mi>"
        if name != form.function:
            head = f'<msup>{head}<mo lspace="0" rspace="0">′</mo></msup>'
        return (self.piece(f"{head}<mo>\u2061</mo>", len(name)), *self.bracketed(inside))

    def write_bracket(self, form: forms.Bracket) -> Iterable[LinePiece]:
        line = self.write(form.relation)
        yield self.solid("<mrow><mo>[</mo>{}<mo>]</mo></mrow>", line, width=2 + width(line))

    def write_comparison(self, form: forms.Comparison) -> Iterable[LinePiece]:
        between = self.piece(self.relation(form.sign), self.operator)
        return (*self.write(form.left), between, *self.write(form.right))


COMMA = LinePiece("<mo>,</mo>", 1)


class _FlatPrinter(MathPrinter):
    """Writes brackets as siblings of their contents, so that a line can be broken between them."""

    tall: ClassVar[tuple[str, ...]] = ()


# Letters with subscripts and superscripts -------------------------------------

SQUARE = "²"  # σ² is one letter with its square


def _scripts(name: Name, bold: bool, above: str) -> str:
    """The letter in the class of its kind, with its subscript and exponent if it has
    them."""
    kind = f"k-{colour_of(name.stem, owned=name.of is not None).key}"
    looks = f'class="{kind} bold" mathvariant="normal"' if bold else f'class="{kind}"'
    letter, below = f"<mi {looks}>{name.stem.removesuffix(SQUARE)}</mi>", _below(name)
    if not below:
        return f"<msup>{letter}{above}</msup>" if above else letter
    tag = "msubsup" if above else "msub"
    return f'<{tag} class="{kind}">{letter}<mrow>{below}</mrow>{above}</{tag}>'


def _below(name: Name) -> str:
    if name.of:
        return f"<mi>{name.of.stem}</mi>{_below(name.of)}"
    word = f"<mtext>{escape(name.word)}</mtext>" if name.word else ""
    numbers = ",".join(map(str, name.numbers)) + name.mark
    return word + (f"<mn>{numbers}</mn>" if numbers else "")
