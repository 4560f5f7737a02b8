"""Forms in a line of text, which every format builds on, and the derivation for the terminal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import accumulate, pairwise, zip_longest
from math import isfinite, isnan
from typing import ClassVar

from gradbook.language import numeral, tr
from gradbook.language.columns import pad, text_width, wrap
from gradbook.targets.algebra import forms
from gradbook.targets.algebra.forms import (
    HALF,
    Block,
    Code,
    Document,
    Equation,
    EquationLine,
    EquationNumber,
    Form,
    Heading,
    Inline,
    Paragraph,
    TableBlock,
)


class Level(IntEnum):
    """How tightly a form holds together."""

    COMPARISON = 0
    SUM = 1
    MINUS = 2
    FRACTION = 3
    PRODUCT = 4
    POWER = 5
    ATOM = 6


class Printer:
    """Writes forms in one line, fractions with a slash; a format's own printer says what differs.

    Where a line may be broken stands a mark that says how badly it would break there: worse
    within brackets than outside, worse in a product than in a sum.
    """

    levels: ClassVar[dict[type, Level]] = {
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
    before_sum: ClassVar[str]  # instead of a dot
    signs: ClassVar[Mapping[str, str]]  # those that are not written as they are
    word: ClassVar[str] = "{}"  # around a sign that is a word
    decimal: ClassVar[Decimals]
    change: ClassVar[str] = "∂"

    def write(self, form: Form) -> str:
        method: Callable[[Form], str] = getattr(self, f"write_{type(form).__name__.lower()}")
        return method(form)

    def level(self, form: Form) -> Level:
        if isinstance(form, forms.Numeral):
            in_tens = "e" in forms.digits(form.value)
            return Level.MINUS if form.value < 0 else Level.PRODUCT if in_tens else Level.ATOM
        return self.levels.get(type(form), Level.ATOM)

    def part(self, form: Form, least: Level) -> str:
        """The form within another, in brackets where it holds together less than it must."""
        inside = self.write(form)
        return self.bracketed(inside) if self.level(form) < least else inside

    def bracketed(self, inside: str) -> str:
        return f"({deeper(inside)})"

    def sign(self, sign: str) -> str:
        return self.word.format(tr(sign)) if sign.isalpha() else self.signs.get(sign, sign)

    def write_numeral(self, form: forms.Numeral) -> str:
        return self.decimal(form.value)

    def write_partial(self, form: forms.Partial) -> str:
        return f"{self.change}{self.write(form.of)}/{self.change}{self.write(form.to)}"

    def write_minus(self, form: forms.Minus) -> str:
        return self.decimal.minus + self.part(form.of, Level.FRACTION)

    def write_terms(self, form: forms.Terms) -> str:
        """a + b − c."""
        first, *others = form.terms
        written = self.part(first, Level.MINUS)
        for term in others:
            sign, inner = ("−", term.of) if isinstance(term, forms.Minus) else ("+", term)
            written += f"{SUM_BREAK} {self.sign(sign)} {self.part(inner, Level.FRACTION)}"
        return written

    def write_factors(self, form: forms.Factors) -> str:
        """a·b·c; a Σ may stand last without brackets, and without a sign before it."""
        sign = self.sign(form.sign)
        *others, last = form.factors
        written = f"{PRODUCT_BREAK}{sign}".join(self._factor(factor, form) for factor in others)
        is_sum = isinstance(last, forms.BigSum)
        least = Level.FRACTION if is_sum else Level.PRODUCT
        sign = self.before_sum if is_sum else sign
        return f"{written}{PRODUCT_BREAK}{sign}{self._factor(last, form, least)}"

    def _factor(self, factor: Form, of: forms.Factors, least: Level = Level.PRODUCT) -> str:
        """Another kind of product within a product stands in brackets."""
        other = isinstance(factor, forms.Factors) and factor.sign != of.sign
        return self.part(factor, Level.POWER if other else least)

    def write_fraction(self, form: forms.Fraction) -> str:
        top, bottom = self.part(form.top, Level.PRODUCT), self.part(form.bottom, Level.POWER)
        return f"{top}{PRODUCT_BREAK}/{bottom}"

    def function(self, name: str) -> str:
        return name

    def write_function(self, form: forms.Function) -> str:
        arguments = f",{SUM_BREAK} ".join(map(self.write, form.arguments))
        return self.function(form.function) + self.bracketed(arguments)

    def write_bracket(self, form: forms.Bracket) -> str:
        return f"[{deeper(self.write(form.relation))}]"

    def write_comparison(self, form: forms.Comparison) -> str:
        left, right = self.write(form.left), self.write(form.right)
        return f"{left}{SUM_BREAK} {self.sign(form.sign)} {right}"


@dataclass(frozen=True)
class Decimals:
    """How a format writes numbers: 0.5, −0.01288082, 3.2·10⁻⁷; no more digits than can be read."""

    minus: str
    infinity: str
    undefined: str  # around the word for it
    times: str
    power_of_ten: Callable[[int], str]
    digits: str = "{}"
    comma: str = ","  # in languages that write one before the decimals

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


# Breaking lines --------------------------------------------------------------

FIRST_MARK, MARKS = 0xE000, 64  # of Unicode's private characters
SUM_BREAK, PRODUCT_BREAK = chr(FIRST_MARK), chr(FIRST_MARK + 1)
DEEPER = {FIRST_MARK + k: FIRST_MARK + min(k + 2, MARKS - 1) for k in range(MARKS)}
GONE = dict.fromkeys(range(FIRST_MARK, FIRST_MARK + MARKS))
EMPTY = 2  # an empty line is as bad as a break this much deeper


def deeper(marked: str) -> str:
    """What stands within brackets breaks less readily."""
    return marked.translate(DEEPER)


def strip_marks(marked: str) -> str:
    return marked.translate(GONE)


def break_line(marked: str, room: float, measure: Callable[[str], float] = len) -> list[str]:
    """The lines of a formula that may be `room` wide; it breaks before '+' and '·'."""
    lines = []
    while measure(strip_marks(marked)) > room:
        place = _best_break(marked, room, measure)
        if place is None:
            break
        lines.append(strip_marks(marked[:place]).rstrip())
        marked = marked[place + 1 :].lstrip()
    return [*lines, strip_marks(marked)]


def _best_break(marked: str, room: float, measure: Callable[[str], float]) -> int | None:
    """Where the line is well filled and few brackets are split; or the first place there is."""
    marks = [k for k, character in enumerate(marked) if ord(character) in GONE]
    pieces = (measure(strip_marks(marked[a:b])) for a, b in pairwise([0, *marks]))
    widths = dict(zip(marks, accumulate(pieces), strict=True))
    places = [k for k in marks if widths[k]]
    fitting = [k for k in places if widths[k] <= room]
    if not fitting:
        return places[0] if places else None

    def harm(k: int) -> float:
        return ord(marked[k]) - FIRST_MARK + EMPTY * (1 - widths[k] / room)

    return min(fitting, key=harm)


def aligned_rows(
    lines: Sequence[EquationLine],
    room: float,
    printer: Printer,
    measure: Callable[[str], float],
    quad: str,
) -> Iterator[str]:
    """The lines of an equation, with '&' where they are aligned: in one row where they fit, else
    each as many as it needs, a `quad` before what goes on.
    """
    lefts = ["" if line.left is None else strip_marks(printer.write(line.left)) for line in lines]
    signs = [printer.sign(line.sign) for line in lines]
    rights = [printer.write(line.right) for line in lines]
    room -= max(map(measure, lefts))
    whole = " ".join(f"{sign} {strip_marks(it)}" for sign, it in zip(signs, rights, strict=True))
    if not any(lefts[1:]) and measure(whole) <= room:
        yield f"{lefts[0]} &{whole}"
        return
    for left, sign, right in zip(lefts, signs, rights, strict=True):
        first, *others = break_line(right, room, measure)
        yield f"{left} &{sign} {first}"
        yield from (f" & {quad} {other}" for other in others)


# Documents -------------------------------------------------------------------


class DocumentWriter(ABC):
    """Takes a document apart; each format says how its parts are written."""

    def block(self, block: Block) -> str:
        match block:
            case Heading(text, level):
                return self.heading(self.said(text), level)
            case Paragraph(text, aside):
                return self.paragraph(self.said(text), aside)
            case Equation():
                return self.equation(block)
            case TableBlock():
                return "\n".join(self.table(block))

    def said(self, text: Iterable[Inline]) -> str:
        """Words and what stands among them."""
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
                return self.formula(part)

    @abstractmethod
    def words(self, text: str) -> str: ...

    @abstractmethod
    def code(self, text: str) -> str: ...

    @abstractmethod
    def formula(self, form: Form) -> str:
        """Within a sentence."""

    @abstractmethod
    def heading(self, text: str, level: int) -> str: ...

    @abstractmethod
    def paragraph(self, text: str, aside: bool) -> str: ...

    @abstractmethod
    def equation(self, block: Equation) -> str: ...

    @abstractmethod
    def table(self, block: TableBlock) -> Iterable[str]: ...


# Plain text: a derivation for the terminal, readable in 80 columns -------------

RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
decimal = Decimals("−", "∞", "{}", "·", lambda exponent: f"10{_raised(exponent)}")


def spell(form: Form) -> str:
    """A formula in one line."""
    return strip_marks(TextPrinter().write(form))


def sentences(text: Iterable[Inline]) -> str:
    """Words and the formulas among them, in one line."""
    return _TextWriter(WIDTH).said(text)


def _raised(number: int) -> str:
    return str(number).translate(RAISED)


class TextPrinter(Printer):
    before_sum: ClassVar[str] = "·"
    signs: ClassVar[dict[str, str]] = {"": " "} | {sign: f" {sign} " for sign in "⊙⋆∗"}
    decimal: ClassVar[Decimals] = decimal
    levels: ClassVar[dict[type, Level]] = {**Printer.levels, forms.Fraction: Level.FRACTION}

    def level(self, form: Form) -> Level:
        if isinstance(form, forms.Numeral) and form.value >= 0 and "·" not in decimal(form.value):
            return Level.ATOM
        return Level.ATOM if form == HALF else super().level(form)

    def write_symbol(self, form: forms.Symbol) -> str:
        return str(form.name)

    def write_words(self, form: forms.Words) -> str:
        return form.text

    def write_derived(self, form: forms.Derived) -> str:
        return f"∂/∂{self.write(form.to)} {self.part(form.of, Level.POWER)}"

    def write_fraction(self, form: forms.Fraction) -> str:
        return "½" if form == HALF else super().write_fraction(form)

    def write_power(self, form: forms.Power) -> str:
        base, exponent = self.part(form.base, Level.ATOM), form.exponent
        if isinstance(exponent, forms.Numeral) and float(exponent.value).is_integer():
            return base + _raised(int(exponent.value))
        return f"{base}^{self.part(exponent, Level.ATOM)}"

    def write_root(self, form: forms.Root) -> str:
        return f"√{self.part(form.of, Level.ATOM)}"

    def write_transposed(self, form: forms.Transposed) -> str:
        return f"{self.part(form.of, Level.ATOM)}ᵀ"

    def write_cases(self, form: forms.Cases) -> str:
        *conditional, (otherwise, other) = form.rows
        rows = [f"{self.write(value)} {tr('if')} {self.write(when)}" for value, when in conditional]
        rows.append(f"{self.write(other)} {self.write(otherwise)}")
        return deeper(f"{{{', '.join(rows)}}}")

    def write_bigsum(self, form: forms.BigSum) -> str:
        over = "" if form.over == "samples" else f"_{tr(form.over)}"  # what Σ alone is said to be
        return f"Σ{over} {self.part(form.of, Level.FRACTION)}"


# The whole derivation -------------------------------------------------------

WIDTH = 80
MARGIN = 7  # for an equation's number
NARROWEST = 16  # a column of words
WIDEST_LEFT = 24  # a wider left side has a line of its own
LONGEST_UNBROKEN = 40  # a formula within a sentence
FIXED_SPACE = "\u00a0"


def write_text(document: Document, width: int = WIDTH) -> str:
    """The whole derivation."""
    title = wrap(document.title, WIDTH)
    lines = [*title, "=" * max(map(text_width, title))]
    writer = _TextWriter(width)
    row_before = False
    for block in document.blocks:
        own = writer.block(block).split("\n")
        is_row = isinstance(block, Equation) and len(own) == 1
        lines += own if is_row and row_before else ["", *own]  # rows stand close together
        row_before = is_row
    return "\n".join(lines) + "\n"


class _TextWriter(DocumentWriter):
    def __init__(self, width: int) -> None:
        self.width = width
        self.room = width - MARGIN

    def words(self, text: str) -> str:
        return text

    def code(self, text: str) -> str:
        return text.replace(" ", FIXED_SPACE)

    def formula(self, form: Form) -> str:
        written = spell(form)
        return written if len(written) > LONGEST_UNBROKEN else written.replace(" ", FIXED_SPACE)

    def heading(self, text: str, level: int) -> str:
        lines = self.wrapped(text, "")
        return "\n".join([*lines, {1: "-", 2: "·"}[level] * max(map(text_width, lines))])

    def paragraph(self, text: str, aside: bool) -> str:
        return "\n".join(self.wrapped(text, " " * MARGIN if aside else ""))

    def wrapped(self, text: str, indent: str) -> list[str]:
        lines = wrap(
            text,
            self.width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return [line.replace(FIXED_SPACE, " ") for line in lines]

    def equation(self, block: Equation) -> str:
        number = f"({block.number})" if block.number is not None else ""
        rows = zip_longest([number], _rows(block.lines, self.room), fillvalue="")
        return "\n".join(f"{margin:<{MARGIN}}{row}" for margin, row in rows)

    def table(self, block: TableBlock) -> Iterator[str]:
        """Numbers below each other; what is too wide goes on below, long words in more lines."""
        cells = [[self.said(cell) for cell in row] for row in (block.head, *block.rows)]
        numeric = block.numeric
        widths = [max(map(text_width, column)) for column in zip(*cells, strict=True)]
        widths = _narrowed(widths, numeric, self.room)
        for number, columns in enumerate(_chunks(widths, self.room)):
            if number:
                yield ""
            for row in cells:
                wrapped = [wrap(row[k], widths[k]) or [""] for k in (0, *columns)]
                for parts in zip_longest(*wrapped, fillvalue=""):
                    written = "  ".join(
                        pad(part, widths[k], right=numeric[k])
                        for k, part in zip((0, *columns), parts, strict=True)
                    )
                    yield (" " * MARGIN + written).replace(FIXED_SPACE, " ").rstrip()


def _rows(lines: Sequence[EquationLine], room: int) -> Iterator[str]:
    """left = this = that, where all of it fits; else the lines with their signs below each other.

    A broken one goes on below its formula.
    """
    lefts = ["" if line.left is None else spell(line.left) for line in lines]
    row = " ".join([lefts[0], *(f"{line.sign} {spell(line.right)}" for line in lines)])
    row = row.removeprefix(" ")
    if not any(lefts[1:]) and len(row) <= room:
        yield row
        return
    column = max((len(left) for left in lefts if len(left) <= WIDEST_LEFT), default=0)
    for left, line in zip(lefts, lines, strict=True):
        start = f"{left:>{column}}{'' if line.sign == ':' else ' '}{line.sign} "
        if len(left) > WIDEST_LEFT:
            yield left
            start = f"{'':>{column}} {line.sign} "
        first, *others = break_line(TextPrinter().write(line.right), room - len(start))
        yield (start + first).rstrip()
        yield from (" " * len(start) + other for other in others)


def _narrowed(widths: Sequence[int], numeric: Sequence[bool], room: int) -> list[int]:
    """Columns of words give way where the table is too wide, the widest first."""
    narrowed = list(widths)
    shrinkable = [k for k, has_numbers in enumerate(numeric) if k and not has_numbers]
    while shrinkable and sum(narrowed) + 2 * (len(narrowed) - 1) > room:
        widest = max(shrinkable, key=lambda k: narrowed[k])
        if narrowed[widest] <= NARROWEST:
            break
        narrowed[widest] -= 1
    return narrowed


def _chunks(widths: Sequence[int], room: int) -> Iterator[list[int]]:
    """The columns after the first, as many at a time as fit beside it."""
    columns: list[int] = []
    used = widths[0]
    for column in range(1, len(widths)):
        if columns and used + 2 + widths[column] > room:
            yield columns
            columns, used = [], widths[0]
        columns.append(column)
        used += 2 + widths[column]
    yield columns
