"""Writes formulas, breaks them into lines, and writes documents block by block, in any format.

A printer splits a line into pieces, each with the harm of breaking the line before it: greater
within brackets than outside, greater in a product than in a sum. A format defines its spellings, in
which {} stands for a part, and overrides the methods of what it writes differently.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import accumulate
from math import inf, isfinite, isnan
from typing import ClassVar

from gradbook.graph.names import Name
from gradbook.language import numeral, tr
from gradbook.targets.algebra import forms
from gradbook.targets.algebra.forms import (
    Block,
    Code,
    Equation,
    EquationLine,
    EquationNumber,
    Form,
    Heading,
    Inline,
    Paragraph,
    TableBlock,
)

# Lines of pieces -------------------------------------------------------------

SUM, PRODUCT = 0, 1  # the harm of breaking a line there
BRACKETS = 2  # added within each pair of brackets
EMPTY = 2  # the harm of an empty line


@dataclass(frozen=True)
class LinePiece:
    """A part of a line that isn't broken."""

    text: str
    width: float  # in characters, approximately
    harm: int | None = None  # of a break before it; None: no break is allowed


Line = tuple[LinePiece, ...]


def joined(line: Line) -> str:
    return "".join(piece.text for piece in line)


def width(line: Line) -> float:
    return sum(piece.width for piece in line)


def deeper(line: Line) -> Line:
    """The line within brackets, where a break does more harm."""
    return tuple(
        piece if piece.harm is None else replace(piece, harm=piece.harm + BRACKETS)
        for piece in line
    )


def break_line(line: Line, room: float) -> list[str]:
    """The lines of a formula that may be `room` wide; they break before '+' and '·'."""
    lines = []
    while width(line) > room:
        place = _best_break(line, room)
        if place is None:
            break
        lines.append(joined(line[:place]).rstrip())
        first, text = line[place], line[place].text.lstrip()
        narrower = first.width - len(first.text) + len(text)
        line = (LinePiece(text, narrower), *line[place + 1 :])
    return [*lines, joined(line)]


def _best_break(line: Line, room: float) -> int | None:
    """The place that fills the line well and splits few brackets; else the first one possible."""
    before = [0.0, *accumulate(piece.width for piece in line)]
    harms = {k: piece.harm for k, piece in enumerate(line) if piece.harm is not None and before[k]}
    fitting = [k for k in harms if before[k] <= room]
    if not fitting:
        return next(iter(harms), None)
    return min(fitting, key=lambda k: harms[k] + EMPTY * (1 - before[k] / room))


# Numbers ---------------------------------------------------------------------


@dataclass(frozen=True)
class Decimals:
    """How a format writes numbers: 0.5, −0.01288082, 3.2·10⁻⁷, with only as many digits as fit."""

    minus: str
    infinity: str
    undefined: str  # a template for the word
    times: str
    power_of_ten: Callable[[int], str]
    digits: str = "{}"
    comma: str = ","  # for languages with a decimal comma

    def __call__(self, value: float) -> str:
        minus = self.minus if value < 0 else ""
        if not isfinite(value):
            word = tr("undefined")
            return self.undefined.format(word) if isnan(value) else f"{minus}{self.infinity}"
        mantissa, _, exponent = forms.digits(abs(value)).partition("e")
        power = self.power_of_ten(int(exponent)) if exponent else ""
        if mantissa == "1" and power:
            return f"{minus}{power}"
        mantissa = numeral(mantissa).replace(",", self.comma)
        return minus + self.digits.format(mantissa) + (f"{self.times}{power}" if power else "")


RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def raised(number: int) -> str:
    """A whole number in superscript."""
    return str(number).translate(RAISED)


decimal = Decimals("−", "∞", "{}", "·", lambda exponent: f"10{raised(exponent)}")  # plain text


# Formulas --------------------------------------------------------------------

SCRIPT = 0.7  # the size of subscripts and superscripts


class Level(IntEnum):
    """The precedence of a form."""

    COMPARISON = 0
    SUM = 1
    MINUS = 2
    FRACTION = 3
    PRODUCT = 4
    POWER = 5
    ATOM = 6


LEVELS: dict[type, Level] = {
    forms.Comparison: Level.COMPARISON,
    forms.Terms: Level.SUM,
    forms.Minus: Level.MINUS,
    forms.BigSum: Level.FRACTION,
    forms.Derived: Level.FRACTION,
    forms.Factors: Level.PRODUCT,
    forms.Fraction: Level.POWER,
    forms.Partial: Level.POWER,
    forms.Power: Level.POWER,
    forms.Transposed: Level.POWER,
}


class Printer(ABC):
    """Writes forms; the class attributes are the spellings of a format."""

    levels: ClassVar[Mapping[type, Level]] = LEVELS
    decimal: ClassVar[Decimals]
    is_plain: ClassVar[bool] = False  # each character takes one column, and nothing is raised
    operator: ClassVar[float] = 3  # the width of a sign with its spaces
    dot: ClassVar[float] = 3
    signs: ClassVar[Mapping[str, str]] = {}  # those that are spelled differently
    word: ClassVar[str] = "{}"  # a sign that is a word
    gap: ClassVar[str] = " "  # after a relation, and after 'if'
    before_sum: ClassVar[str]  # in place of a dot
    indent: ClassVar[str] = ""  # of continuation lines
    partials: ClassVar[tuple[str, str]]  # with a slash, stacked
    inner: ClassVar[Level] = Level.COMPARISON  # the least level without brackets after ∂
    derived: ClassVar[str]
    differentiated: ClassVar[Level] = Level.POWER  # the least level without brackets after ∂/∂x
    fraction: ClassVar[str] = ""
    exponent: ClassVar[str]
    transpose: ClassVar[str]
    root: ClassVar[str] = ""
    case: ClassVar[str] = "{} & {}"
    next_case: ClassVar[str] = ""
    cases: ClassVar[str] = ""
    total: ClassVar[str]  # Σ, with what it sums over
    over: ClassVar[tuple[str, str]]  # without words, with words

    def __init__(self, stacks: bool = True) -> None:
        self.stacks = stacks  # fractions, rather than writing a slash

    @abstractmethod
    def symbol(self, name: Name, bold: bool = False) -> str: ...

    @abstractmethod
    def words(self, text: str) -> str: ...

    def function(self, name: str) -> str:
        return name

    def write_flat(self, form: Form) -> Line:
        """Write the form as a line that can be broken."""
        return self.write(form)

    def write(self, form: Form) -> Line:
        method: Callable[[Form], Iterable[LinePiece]]
        method = getattr(self, f"write_{type(form).__name__.lower()}")
        return tuple(method(form))

    def spell(self, form: Form) -> str:
        """The form in one line."""
        return joined(self.write(form))

    def piece(self, text: str, width: float | None = None, harm: int | None = None) -> LinePiece:
        return LinePiece(text, len(text) if width is None or self.is_plain else width, harm)

    def solid(self, template: str, *lines: Line, width: float) -> LinePiece:
        """A piece in which no line is broken."""
        return self.piece(template.format(*map(joined, lines)), width)

    def level(self, form: Form) -> Level:
        if isinstance(form, forms.Numeral):
            in_tens = "e" in forms.digits(form.value)
            return Level.MINUS if form.value < 0 else Level.PRODUCT if in_tens else Level.ATOM
        if isinstance(form, forms.Fraction) and not self.stacks:
            return Level.FRACTION
        return self.levels.get(type(form), Level.ATOM)

    def part(self, form: Form, least: Level) -> Line:
        """The form within another, in brackets if it binds less tightly than required."""
        line = self.write(form)
        return self.bracketed(line) if self.level(form) < least else line

    def bracketed(self, line: Line) -> Line:
        return (self.piece("("), *deeper(line), self.piece(")"))

    def sign(self, sign: str) -> str:
        return self.word.format(tr(sign)) if sign.isalpha() else self.signs.get(sign, sign)

    def relation(self, sign: str) -> str:
        """The sign of an equation."""
        return self.sign(sign)

    # One method per form -----------------------------------------------------

    def write_symbol(self, form: forms.Symbol) -> Iterable[LinePiece]:
        below = len(str(form.name)) - 1 - bool(form.name.of or form.name.word)
        yield self.piece(self.symbol(form.name, form.bold), 1 + SCRIPT * below)

    def write_numeral(self, form: forms.Numeral) -> Iterable[LinePiece]:
        yield self.piece(self.decimal(form.value), len(decimal(form.value)))

    def write_words(self, form: forms.Words) -> Iterable[LinePiece]:
        yield self.piece(self.words(form.text), len(form.text))

    def write_partial(self, form: forms.Partial) -> Iterable[LinePiece]:
        lines = [self.part(end, self.inner) for end in (form.of, form.to)]
        wide = (max if self.stacks else sum)(map(width, lines))
        yield self.solid(self.partials[self.stacks], *lines, width=1 + wide)

    def write_derived(self, form: forms.Derived) -> Iterable[LinePiece]:
        to = self.part(form.to, self.inner)
        yield self.solid(self.derived, to, width=1 + width(to))
        yield from self.part(form.of, self.differentiated)

    def write_minus(self, form: forms.Minus) -> Iterable[LinePiece]:
        yield self.piece(self.decimal.minus, 1)
        yield from self.part(form.of, Level.FRACTION)

    def write_terms(self, form: forms.Terms) -> Iterable[LinePiece]:
        """a + b − c."""
        first, *others = form.terms
        yield from self.part(first, Level.MINUS)
        for term in others:
            sign, inner = ("−", term.of) if isinstance(term, forms.Minus) else ("+", term)
            yield self.piece(f" {self.sign(sign)} ", self.operator, SUM)
            yield from self.part(inner, Level.FRACTION)

    def write_factors(self, form: forms.Factors) -> Iterable[LinePiece]:
        """a·b·c; a Σ in last place needs no brackets and no sign before it.

        A product of another kind within a product is put in brackets.
        """
        last = len(form.factors) - 1
        for k, factor in enumerate(form.factors):
            is_sum = k == last and isinstance(factor, forms.BigSum)
            if k:
                sign = self.before_sum if is_sum else self.sign(form.sign)
                yield self.piece(sign, self.dot if form.sign and not is_sum else 1, PRODUCT)
            least = Level.FRACTION if is_sum else Level.PRODUCT
            if isinstance(factor, forms.Factors) and factor.sign != form.sign:
                least = Level.POWER
            yield from self.part(factor, least)

    def write_fraction(self, form: forms.Fraction) -> Iterable[LinePiece]:
        if self.stacks:
            top, bottom = self.write(form.top), self.write(form.bottom)
            yield self.solid(self.fraction, top, bottom, width=max(width(top), width(bottom)))
            return
        yield from self.part(form.top, Level.PRODUCT)
        yield self.piece("/", 1, PRODUCT)
        yield from self.part(form.bottom, Level.POWER)

    def write_power(self, form: forms.Power) -> Iterable[LinePiece]:
        exponent = self.write(form.exponent)
        return self.raised(form.base, self.exponent.format(joined(exponent)), width(exponent))

    def write_transposed(self, form: forms.Transposed) -> Iterable[LinePiece]:
        return self.raised(form.of, self.transpose, 1)

    def raised(self, base: Form, exponent: str, wide: float) -> Iterable[LinePiece]:
        yield from self.part(base, Level.ATOM)
        yield self.piece(exponent, SCRIPT * wide)

    def write_root(self, form: forms.Root) -> Iterable[LinePiece]:
        line = self.write(form.of)
        yield self.solid(self.root, line, width=1 + width(line))

    def write_function(self, form: forms.Function) -> Iterable[LinePiece]:
        yield self.piece(self.function(form.function), len(form.function))
        inside: list[LinePiece] = []
        for argument in form.arguments:
            inside += [self.piece(","), self.piece(" ", 1, SUM)] if inside else []
            inside += self.write(argument)
        yield from self.bracketed(tuple(inside))

    def write_bracket(self, form: forms.Bracket) -> Iterable[LinePiece]:
        return (self.piece("["), *deeper(self.write(form.relation)), self.piece("]"))

    def write_cases(self, form: forms.Cases) -> Iterable[LinePiece]:
        rows = self.next_case.join(
            self.case.format(self.spell(value), self.condition(when)) for value, when in form.rows
        )
        widest = max(width(self.write(value) + self.write(when)) for value, when in form.rows)
        yield self.piece(self.cases.format(rows), 6 + widest)

    def condition(self, when: Form) -> str:
        text = self.spell(when)
        before = self.words(tr("if") + (self.gap or forms.FIXED_SPACE)) + self.gap
        return text if isinstance(when, forms.Words) else before + text

    def write_bigsum(self, form: forms.BigSum) -> Iterable[LinePiece]:
        alone, with_words = self.over
        over = with_words.format(self.words(tr(form.over))) if form.over else alone
        yield self.piece(self.total.format(over), max(3, SCRIPT * len(form.over)))
        yield from self.part(form.of, Level.FRACTION)

    def write_comparison(self, form: forms.Comparison) -> Iterable[LinePiece]:
        yield from self.write(form.left)
        yield self.piece(f" {self.sign(form.sign)} ", self.operator, SUM)
        yield from self.write(form.right)


def equation_rows(
    lines: Sequence[EquationLine],
    printer: Printer,
    room: float,
    short: float = inf,
    least_left: float = 0,
) -> Iterator[tuple[str, str]]:
    """The parts to the left and right of an equation's alignment, row by row.

    All lines share a row if they fit and are `short`; else each has as many rows as it needs.
    """
    lefts = [() if line.left is None else printer.write(line.left) for line in lines]
    rights = [printer.write(line.right) for line in lines]
    signs = [printer.relation(line.sign) + printer.gap for line in lines]
    together = sum(map(width, rights)) + printer.operator * len(lines)
    first_left = width(lefts[0])
    room -= max(least_left, *map(width, lefts))
    if not any(lefts[1:]) and together <= min(room, short - first_left):
        row = printer.gap.join(sign + joined(x) for sign, x in zip(signs, rights, strict=True))
        yield joined(lefts[0]), row
        return
    for left, sign, right, line in zip(lefts, signs, rights, lines, strict=True):
        broken = right if width(right) <= room else printer.write_flat(line.right)
        first, *others = break_line(broken, room)
        yield joined(left), sign + first
        yield from (("", printer.indent + other) for other in others)


# Documents -------------------------------------------------------------------


class DocumentWriter(ABC):
    """Splits a document into its parts; each format defines how they are written."""

    printer: ClassVar[Printer]  # of formulas within a sentence
    headings: ClassVar[tuple[str, str]] = ("{}", "{}")  # by level
    paragraphs: ClassVar[tuple[str, str]] = ("{}", "{}")  # plain, aside
    formulas: ClassVar[str] = "{}"

    def block(self, block: Block) -> str:
        match block:
            case Heading(text, level):
                return self.heading(self.text_of(text), level)
            case Paragraph(text, aside):
                return self.paragraph(self.text_of(text), aside)
            case Equation():
                return self.equation(block)
            case TableBlock():
                return "\n".join(self.table(block))

    def heading(self, text: str, level: int) -> str:
        return self.headings[level - 1].format(text)

    def paragraph(self, text: str, aside: bool) -> str:
        return self.paragraphs[aside].format(text)

    def text_of(self, text: Iterable[Inline]) -> str:
        """A text with the formulas and other parts in it."""
        return "".join(map(self.inline, text))

    def inline(self, part: Inline) -> str:
        match part:
            case str():
                return self.words(part)
            case EquationNumber(number):
                return f"({number})"
            case Code(text):
                return self.code(text)
            case _:
                return self.formulas.format(self.printer.spell(part))

    @abstractmethod
    def words(self, text: str) -> str: ...

    @abstractmethod
    def code(self, text: str) -> str: ...

    @abstractmethod
    def equation(self, block: Equation) -> str: ...

    @abstractmethod
    def table(self, block: TableBlock) -> Iterable[str]: ...
