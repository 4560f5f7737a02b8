"""The derivation for the terminal: plain text, readable in 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import ClassVar

from gradbook.graph.names import Name
from gradbook.language import tr
from gradbook.language.text_width import pad, text_width, wrap
from gradbook.targets.algebra import forms
from gradbook.targets.algebra.forms import (
    FIXED_SPACE,
    HALF,
    Document,
    Equation,
    EquationLine,
    Form,
    Inline,
    TableBlock,
)
from gradbook.targets.algebra.printing import (
    Decimals,
    DocumentWriter,
    Level,
    LinePiece,
    Printer,
    break_line,
    decimal,
    deeper,
    raised,
)


class TextPrinter(Printer):
    is_plain: ClassVar[bool] = True
    decimal: ClassVar[Decimals] = decimal
    signs: ClassVar[dict[str, str]] = {"": " "} | {sign: f" {sign} " for sign in "⊙⋆∗"}
    before_sum: ClassVar[str] = "·"
    partials: ClassVar[tuple[str, str]] = ("∂{}/∂{}", "")
    derived: ClassVar[str] = "∂/∂{} "
    transpose: ClassVar[str] = "ᵀ"
    total: ClassVar[str] = "Σ{} "

    def symbol(self, name: Name, bold: bool = False) -> str:
        return str(name)

    def words(self, text: str) -> str:
        return text

    def level(self, form: Form) -> Level:
        if isinstance(form, forms.Numeral) and form.value >= 0 and "·" not in decimal(form.value):
            return Level.ATOM
        return Level.ATOM if form == HALF else super().level(form)

    def write_fraction(self, form: forms.Fraction) -> Iterable[LinePiece]:
        return [self.piece("½")] if form == HALF else super().write_fraction(form)

    def write_power(self, form: forms.Power) -> Iterable[LinePiece]:
        exponent = form.exponent
        yield from self.part(form.base, Level.ATOM)
        if isinstance(exponent, forms.Numeral) and float(exponent.value).is_integer():
            yield self.piece(raised(int(exponent.value)))
        else:
            yield self.piece("^")
            yield from self.part(exponent, Level.ATOM)

    def write_root(self, form: forms.Root) -> Iterable[LinePiece]:
        return (self.piece("√"), *self.part(form.of, Level.ATOM))

    def write_cases(self, form: forms.Cases) -> Iterable[LinePiece]:
        inside: list[LinePiece] = []
        for value, when in form.rows:
            inside += [self.piece(", ")] if inside else []
            is_last = isinstance(when, forms.Words)
            first, second = (when, value) if is_last else (value, when)
            between = self.piece(" " if is_last else f" {tr('if')} ")
            inside += [*self.write(first), between, *self.write(second)]
        return (self.piece("{"), *deeper(tuple(inside)), self.piece("}"))

    def write_bigsum(self, form: forms.BigSum) -> Iterable[LinePiece]:
        over = "" if form.over in ("", "samples") else f"_{tr(form.over)}"  # the meaning of Σ alone
        return (self.piece(self.total.format(over)), *self.part(form.of, Level.FRACTION))


TEXT = TextPrinter(stacks=False)
spell = TEXT.spell


def sentences(text: Iterable[Inline]) -> str:
    """A text with its formulas, in one line."""
    return _TextWriter(WIDTH).text_of(text)


# The whole derivation --------------------------------------------------------

WIDTH = 80
MARGIN = 7  # for an equation's number
NARROWEST = 16  # a column of words
WIDEST_LEFT = 24  # a wider left side has a line of its own
LONGEST_UNBROKEN = 40  # a formula within a sentence


def write_text(document: Document, width: int = WIDTH) -> str:
    """The whole derivation."""
    title = wrap(document.title, WIDTH)
    lines = [*title, "=" * max(map(text_width, title))]
    writer = _TextWriter(width)
    row_before = False
    for block in document.blocks:
        rows = writer.block(block).split("\n")
        is_row = isinstance(block, Equation) and len(rows) == 1
        lines += rows if is_row and row_before else ["", *rows]  # no empty line between rows
        row_before = is_row
    return "\n".join(lines) + "\n"


class _TextWriter(DocumentWriter):
    printer: ClassVar[Printer] = TEXT

    def __init__(self, width: int) -> None:
        self.width = width
        self.room = width - MARGIN

    def words(self, text: str) -> str:
        return text

    def code(self, text: str) -> str:
        return text.replace(" ", FIXED_SPACE)

    def inline(self, part: Inline) -> str:
        written = super().inline(part)
        short = isinstance(part, Form) and len(written) <= LONGEST_UNBROKEN
        return written.replace(" ", FIXED_SPACE) if short else written

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
        """A table with aligned numbers; columns that don't fit follow below, long words wrap."""
        cells = [[self.text_of(cell) for cell in row] for row in (block.head, *block.rows)]
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
    """left = this = that, if all of it fits; else lines with their signs below each other.

    A broken line continues below its formula.
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
        first, *others = break_line(TEXT.write(line.right), room - len(start))
        yield (start + first).rstrip()
        yield from (" " * len(start) + other for other in others)


def _narrowed(widths: Sequence[int], numeric: Sequence[bool], room: int) -> list[int]:
    """The widths after columns of words were narrowed to fit, the widest first."""
    narrowed = list(widths)
    shrinkable = [k for k, has_numbers in enumerate(numeric) if k and not has_numbers]
    while shrinkable and sum(narrowed) + 2 * (len(narrowed) - 1) > room:
        widest = max(shrinkable, key=lambda k: narrowed[k])
        if narrowed[widest] <= NARROWEST:
            break
        narrowed[widest] -= 1
    return narrowed


def _chunks(widths: Sequence[int], room: int) -> Iterator[list[int]]:
    """The columns after the first, split into groups that fit beside it."""
    columns: list[int] = []
    used = widths[0]
    for column in range(1, len(widths)):
        if columns and used + 2 + widths[column] > room:
            yield columns
            columns, used = [], widths[0]
        columns.append(column)
        used += 2 + widths[column]
    yield columns
