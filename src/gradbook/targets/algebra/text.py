"""Plain text: a formula in one line, and a derivation for the terminal, readable in 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import ClassVar

from gradbook.targets.algebra import forms
from gradbook.targets.algebra.forms import (
    HALF,
    Document,
    Equation,
    EquationLine,
    Form,
    Inline,
    TableBlock,
)
from gradbook.targets.algebra.printer import (
    Decimals,
    DocumentWriter,
    Level,
    Printer,
    broken,
    deeper,
    unmarked,
)

RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
decimal = Decimals("−", "∞", "undefined", "·", lambda exponent: f"10{_raised(exponent)}")


def spell(form: Form) -> str:
    """A formula in one line."""
    return unmarked(TextPrinter().write(form))


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
        *conditional, (otherwise, _) = form.rows
        said = [f"{self.write(value)} if {self.write(when)}" for value, when in conditional]
        return deeper(f"{{{', '.join(said)}, else {self.write(otherwise)}}}")

    def write_bigsum(self, form: forms.BigSum) -> str:
        over = "" if form.over == "samples" else f"_{form.over}"  # what Σ alone is said to be
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
    lines = [*title, "=" * max(map(len, title))]
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
        said = spell(form)
        return said if len(said) > LONGEST_UNBROKEN else said.replace(" ", FIXED_SPACE)

    def heading(self, text: str, level: int) -> str:
        lines = self.wrapped(text, "")
        return "\n".join([*lines, {1: "-", 2: "·"}[level] * max(map(len, lines))])

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
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        widths = _narrowed(widths, numeric, self.room)
        for number, columns in enumerate(_chunks(widths, self.room)):
            if number:
                yield ""
            for row in cells:
                wrapped = [wrap(row[k], widths[k]) or [""] for k in (0, *columns)]
                for parts in zip_longest(*wrapped, fillvalue=""):
                    said = "  ".join(
                        f"{part:{'>' if numeric[k] else '<'}{widths[k]}}"
                        for k, part in zip((0, *columns), parts, strict=True)
                    )
                    yield (" " * MARGIN + said).replace(FIXED_SPACE, " ").rstrip()


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
        first, *others = broken(TextPrinter().write(line.right), room - len(start))
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
