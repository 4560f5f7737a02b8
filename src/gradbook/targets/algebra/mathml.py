"""Writes mathematics as MathML Core, which browsers set by themselves.

Every symbol carries the class of its kind (k-weights, k-errors …), so that a page can colour it.
What is too wide for the page is broken into lines, as in print nothing can be scrolled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from html import escape
from typing import ClassVar
from xml.etree import ElementTree

from gradbook.graph.names import Name
from gradbook.language import tr
from gradbook.palette import GRADIENT, colour_of
from gradbook.targets.algebra import forms
from gradbook.targets.algebra.forms import EquationLine, Form
from gradbook.targets.algebra.text import Decimals, Level, Printer, break_line, deeper, strip_marks

EM = 100  # widths are counted in hundredths of it
ROOM = 40 * EM  # for a line
LEFT = 5 * EM  # up to the sign, at least
SHORT = 20 * EM  # for one that holds several steps
SPACE = "\u00a0"
MINUS = '<mo form="prefix">−</mo>'
DEL = f'<mi class="k-{GRADIENT.key}" mathvariant="normal">∂</mi>'


def inline(form: Form) -> str:
    """A formula within a sentence."""
    return f"<math>{strip_marks(_Whole().write(form))}</math>"


def display(lines: Sequence[EquationLine]) -> str:
    """Lines aligned at their signs."""
    rows = "".join(
        f"<mtr><mtd><mrow>{left}</mrow></mtd><mtd><mrow>{right}</mrow></mtd></mtr>"
        for left, right in _rows(lines)
    )
    table = f'<mtable class="aligned" displaystyle="true">{rows}</mtable>'
    return f'<math display="block">{table}</math>'


def _rows(lines: Sequence[EquationLine]) -> Iterator[tuple[str, str]]:
    """What stands left and right; lines that go on share a row where it stays short."""
    lefts = [strip_marks(_Whole().write(line.left)) if line.left else "" for line in lines]
    together = "".join(_sign(line.sign) + strip_marks(_Whole().write(line.right)) for line in lines)
    if not any(lefts[1:]) and width(lefts[0] + together) <= SHORT:
        yield lefts[0], together
        return
    room = ROOM - max(LEFT, *map(width, lefts))
    for left, line in zip(lefts, lines, strict=True):
        first, *others = _fitted(line.right, room)
        yield left, _sign(line.sign) + first
        yield from (("", other) for other in others)


def _fitted(form: Form, room: int) -> list[str]:
    """The form in one line, or in several where it is too wide."""
    whole = strip_marks(_Whole().write(form))
    if width(whole) <= room:
        return [whole]
    first, *others = break_line(_Flat().write(form), room - EM, width)
    return [first, *(INDENT + other for other in others)]


class _Whole(Printer):
    """Every bracket is an element with what it holds, and stretches with it."""

    levels: ClassVar[dict[type, Level]] = {**Printer.levels, forms.Derived: Level.PRODUCT}
    before_sum: ClassVar[str] = ""
    tall: ClassVar[tuple[str, ...]] = ("<mfrac>", "<munder>", "<mtable")
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

    def level(self, form: Form) -> Level:
        if isinstance(form, forms.Symbol) and form.name.stem.endswith(SQUARE):
            return Level.POWER
        return super().level(form)

    def bracketed(self, inside: str) -> str:
        """Brackets grow with what is tall only; around the rest they would stand too far off."""
        if any(tag in inside for tag in self.tall):
            return f"<mrow><mo>(</mo>{strip_marks(inside)}<mo>)</mo></mrow>"
        return f'<mo stretchy="false">(</mo>{deeper(inside)}<mo stretchy="false">)</mo>'

    def row(self, form: Form) -> str:
        return f"<mrow>{strip_marks(self.write(form))}</mrow>"

    def base(self, form: Form) -> str:
        return f"<mrow>{strip_marks(self.part(form, Level.ATOM))}</mrow>"

    def write_symbol(self, form: forms.Symbol) -> str:
        """A letter with its subscript: the h of a_h1 slanted, its number and 'total' upright."""
        kind, letter, below = _parts(form)
        if form.name.stem.endswith(SQUARE):
            return raise_by(form, "<mn>2</mn>")
        return f'<msub class="{kind}">{letter}<mrow>{below}</mrow></msub>' if below else letter

    def write_words(self, form: forms.Words) -> str:
        return f"<mtext>{escape(form.text)}</mtext>"

    def write_partial(self, form: forms.Partial) -> str:
        top, bottom = (DEL + self.part(part, Level.ATOM) for part in (form.of, form.to))
        return strip_marks(f"<mfrac><mrow>{top}</mrow><mrow>{bottom}</mrow></mfrac>")

    def write_derived(self, form: forms.Derived) -> str:
        by = strip_marks(DEL + self.part(form.to, Level.ATOM))
        return f"<mfrac>{DEL}<mrow>{by}</mrow></mfrac>{self.part(form.of, Level.ATOM)}"

    def sign(self, sign: str) -> str:
        return f"<mo>{sign}</mo>" if sign else THIN_SPACE

    def write_fraction(self, form: forms.Fraction) -> str:
        return f"<mfrac>{self.row(form.top)}{self.row(form.bottom)}</mfrac>"

    def write_power(self, form: forms.Power) -> str:
        return self._raised(form.base, self.row(form.exponent))

    def write_root(self, form: forms.Root) -> str:
        return f"<msqrt>{self.row(form.of)}</msqrt>"

    def write_transposed(self, form: forms.Transposed) -> str:
        return self._raised(form.of, "<mo>⊤</mo>")

    def _raised(self, base: Form, exponent: str) -> str:
        if isinstance(base, forms.Symbol) and self.level(base) is Level.ATOM:
            return raise_by(base, exponent)
        return f"<msup>{self.base(base)}{exponent}</msup>"

    def write_function(self, form: forms.Function) -> str:
        if form.function == "exp":
            return f'<msup><mi mathvariant="normal">e</mi>{self.row(form.arguments[0])}</msup>'
        name = form.function.removesuffix("′")
        head = f"<mi>{escape(name)}</mi>"
        if name != form.function:
            head = f'<msup>{head}<mo lspace="0" rspace="0">′</mo></msup>'
        inside = "<mo>,</mo>".join(map(self.write, form.arguments))
        return f"{head}<mo>\u2061</mo>{self.bracketed(inside)}"

    def write_bracket(self, form: forms.Bracket) -> str:
        return f"<mrow><mo>[</mo>{strip_marks(self.write(form.relation))}<mo>]</mo></mrow>"

    def write_cases(self, form: forms.Cases) -> str:
        rows = "".join(
            f"<mtr><mtd>{self.row(value)}</mtd><mtd>{_if(when)}{self.row(when)}</mtd></mtr>"
            for value, when in form.rows
        )
        return f'<mrow><mo>{{</mo><mtable class="cases">{rows}</mtable></mrow>'

    def write_bigsum(self, form: forms.BigSum) -> str:
        over = f"<mtext>{escape(tr(form.over))}</mtext>" if form.over else "<mrow></mrow>"
        return f"<munder><mo>∑</mo>{over}</munder>{self.part(form.of, Level.FRACTION)}"

    def write_comparison(self, form: forms.Comparison) -> str:
        return f"{self.write(form.left)}{_sign(form.sign)}{self.write(form.right)}"


class _Flat(_Whole):
    """Brackets stand beside what they hold, so that a line can be broken between them."""

    tall: ClassVar[tuple[str, ...]] = ()


INDENT = '<mspace width="1em"/>'
THIN_SPACE = '<mspace width="0.17em"/>'


def _if(when: Form) -> str:
    return "" if isinstance(when, forms.Words) else f"<mtext>{escape(tr('if'))}{SPACE}</mtext>"


def _sign(sign: str) -> str:
    if sign.isalpha():
        return f"<mtext>{SPACE}{escape(tr(sign))}{SPACE}</mtext>"
    return f'<mo form="infix">{escape(sign)}</mo>' if sign else ""


# Letters with what stands below them, and numbers ----------------------------

SQUARE = "²"  # σ² is a letter with its square


def raise_by(symbol: forms.Symbol, exponent: str) -> str:
    """The exponent stands above the subscript."""
    kind, letter, below = _parts(symbol)
    if not below:
        return f"<msup>{letter}{exponent}</msup>"
    return f'<msubsup class="{kind}">{letter}<mrow>{below}</mrow>{exponent}</msubsup>'


def _parts(symbol: forms.Symbol) -> tuple[str, str, str]:
    """The class of its kind, its letter, and what stands below the line."""
    name = symbol.name
    kind = f"k-{colour_of(name.stem, owned=name.of is not None).key}"
    looks = f'class="{kind} bold" mathvariant="normal"' if symbol.bold else f'class="{kind}"'
    return kind, f"<mi {looks}>{name.stem.removesuffix(SQUARE)}</mi>", _below(name)


def _below(name: Name) -> str:
    if name.of:
        return f"<mi>{name.of.stem}</mi>{_below(name.of)}"
    word = f"<mtext>{escape(name.word)}</mtext>" if name.word else ""
    numbers = ",".join(map(str, name.numbers)) + name.mark
    return word + (f"<mn>{numbers}</mn>" if numbers else "")


# About how wide a piece will be ----------------------------------------------

SCRIPT = 0.71  # of what it belongs to
CHARACTER, WIDE_CHARACTER = 56, 75
SIGN, DOT = 125, 75  # with the room around them


@lru_cache(maxsize=4096)
def width(fragment: str) -> int:
    return round(_of(ElementTree.fromstring(f"<mrow>{fragment}</mrow>")))


def _of(element: ElementTree.Element) -> float:
    parts = [_of(child) for child in element]
    match element.tag:
        case "mfrac" | "mtable":
            return max(parts) + 0.2 * EM
        case "msub" | "msup" | "msubsup":
            return parts[0] + SCRIPT * max(parts[1:])
        case "munder":
            return max(parts[0], SCRIPT * parts[1])
        case _:
            return sum(parts) + sum(map(_of_character, (element.text or "").strip()))


def _of_character(character: str) -> int:
    if character in "+−=≈←×>":
        return SIGN
    if character in "·,":
        return DOT
    return WIDE_CHARACTER if character in "mwW∑" else CHARACTER
