"""A derivation for the terminal: plain text, readable in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from math import isfinite
from textwrap import wrap
from typing import ClassVar

from gradbook.targets.algebra.document import (
    Block,
    Cell,
    Code,
    Document,
    Equation,
    Heading,
    Inline,
    Line,
    Paragraph,
    Reference,
    Table,
)
from gradbook.targets.algebra.math import (
    HALF,
    BigSum,
    Bracket,
    Call,
    Cases,
    Derived,
    Form,
    Fraction,
    Minus,
    Number,
    Partial,
    Power,
    Product,
    Relation,
    Root,
    Sum,
    Symbol,
    Transposed,
    Words,
    digits,
)
from gradbook.targets.algebra.printer import (
    PRODUCT_BREAK,
    SUM_BREAK,
    Level,
    Printer,
    broken,
    deeper,
    unmarked,
)

WIDTH = 80
MARGIN = 7  # for an equation's number
NARROWEST = 16  # a column of words
WIDEST_LEFT = 24  # a wider left side has a line of its own
RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
FIXED_SPACE = "\u00a0"


def write(document: Document, width: int = WIDTH) -> str:
    """The whole derivation."""
    lines = _title(document.title)
    row_before = False
    for block in document.blocks:
        own = _block(block, width)
        is_row = isinstance(block, Equation) and len(own) == 1
        lines += own if is_row and row_before else ["", *own]  # rows stand close together
        row_before = is_row
    return "\n".join(lines) + "\n"


def spell(form: Form) -> str:
    """A formula in one line."""
    return unmarked(TextPrinter().write(form))


class TextPrinter(Printer):
    before_sum: ClassVar[str] = "·"
    levels: ClassVar[dict[type, Level]] = {
        Relation: Level.RELATION,
        Sum: Level.SUM,
        Minus: Level.MINUS,
        Fraction: Level.FRACTION,
        BigSum: Level.FRACTION,
        Derived: Level.FRACTION,
        Product: Level.PRODUCT,
        Partial: Level.POWER,
        Power: Level.POWER,
        Transposed: Level.POWER,
    }

    def level(self, form: Form) -> Level:
        if form == HALF:
            return Level.ATOM
        if isinstance(form, Number) and form.value >= 0 and "·" in decimal(form.value):
            return Level.PRODUCT
        return super().level(form)

    def write_symbol(self, form: Symbol) -> str:
        return str(form.name)

    def write_number(self, form: Number) -> str:
        return decimal(form.value)

    def write_words(self, form: Words) -> str:
        return form.text

    def write_partial(self, form: Partial) -> str:
        return f"∂{self.write(form.of)}/∂{self.write(form.to)}"

    def write_derived(self, form: Derived) -> str:
        return f"∂/∂{self.write(form.to)} {self.part(form.of, Level.POWER)}"

    def write_minus(self, form: Minus) -> str:
        return f"−{self.part(form.of, Level.FRACTION)}"

    def write_sum(self, form: Sum) -> str:
        return self.terms(form)

    def write_product(self, form: Product) -> str:
        return self.factors(form, {"·": "·", "": " "}.get(form.sign, f" {form.sign} "))

    def write_fraction(self, form: Fraction) -> str:
        if form == HALF:
            return "½"
        top, bottom = self.part(form.top, Level.PRODUCT), self.part(form.bottom, Level.POWER)
        return f"{top}{PRODUCT_BREAK}/{bottom}"

    def write_power(self, form: Power) -> str:
        base, exponent = self.part(form.base, Level.ATOM), form.exponent
        if isinstance(exponent, Number) and float(exponent.value).is_integer():
            return base + decimal(exponent.value).replace("−", "-").translate(RAISED)
        return f"{base}^{self.part(exponent, Level.ATOM)}"

    def write_root(self, form: Root) -> str:
        return f"√{self.part(form.of, Level.ATOM)}"

    def write_transposed(self, form: Transposed) -> str:
        return f"{self.part(form.of, Level.ATOM)}ᵀ"

    def write_call(self, form: Call) -> str:
        arguments = f",{SUM_BREAK} ".join(map(self.write, form.arguments))
        return f"{form.function}({deeper(arguments)})"

    def write_bracket(self, form: Bracket) -> str:
        return f"[{deeper(self.write(form.relation))}]"

    def write_cases(self, form: Cases) -> str:
        *conditional, (otherwise, _) = form.rows
        said = [f"{self.write(value)} if {self.write(when)}" for value, when in conditional]
        return deeper(f"{{{', '.join(said)}, else {self.write(otherwise)}}}")

    def write_bigsum(self, form: BigSum) -> str:
        over = "" if form.over == "samples" else f"_{form.over}"  # what Σ alone is said to be
        return f"Σ{over} {self.part(form.of, Level.FRACTION)}"

    def write_relation(self, form: Relation) -> str:
        return f"{self.write(form.left)}{SUM_BREAK} {form.sign} {self.write(form.right)}"


def decimal(value: float) -> str:
    """The number with as many digits as we print: 0.5, −0.01288082, 3.2·10⁻⁷."""
    if not isfinite(value):
        return {"inf": "∞", "-inf": "−∞"}.get(str(value), "undefined")
    mantissa, _, exponent = digits(value).partition("e")
    mantissa = mantissa.replace("-", "−")
    if not exponent:
        return mantissa
    power = f"10{str(int(exponent)).translate(RAISED)}"
    return {"1": power, "−1": f"−{power}"}.get(mantissa, f"{mantissa}·{power}")


# Blocks ----------------------------------------------------------------------


def _title(title: str) -> list[str]:
    lines = wrap(title, WIDTH)
    return [*lines, "=" * max(map(len, lines))]


def _block(block: Block, width: int) -> list[str]:
    match block:
        case Heading():
            return list(_heading(block, width))
        case Paragraph():
            indent = " " * MARGIN if block.aside else ""
            return _wrapped(block.text, width, indent)
        case Equation():
            return _equation(block, width)
        case Table():
            return list(_table(block, width))


def _heading(block: Heading, width: int) -> Iterator[str]:
    lines = _wrapped(block.text, width, "")
    yield from lines
    yield {1: "-", 2: "·"}[block.level] * max(map(len, lines))


def _inline(part: Inline) -> str:
    match part:
        case str():
            return part
        case Reference(number):
            return f"({number})"
        case Code(text):
            return text.replace(" ", FIXED_SPACE)
        case _:
            said = spell(part)
            return said if len(said) > 40 else said.replace(" ", FIXED_SPACE)


def _wrapped(text: Sequence[Inline], width: int, indent: str) -> list[str]:
    said = "".join(map(_inline, text))
    lines = wrap(
        said,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(FIXED_SPACE, " ") for line in lines]


def _equation(block: Equation, width: int) -> list[str]:
    number = f"({block.number})" if block.number is not None else ""
    rows = _in_one_row(block.lines, width - MARGIN) or list(_rows(block.lines, width - MARGIN))
    margins = [number, *[""] * len(rows)]
    return [f"{margin:<{MARGIN}}{row}" for margin, row in zip(margins, rows, strict=False)]


def _in_one_row(lines: Sequence[Line], room: int) -> list[str] | None:
    """left = this = that, where all of it fits."""
    if any(line.left is not None for line in lines[1:]):
        return None
    left = [] if lines[0].left is None else [spell(lines[0].left)]
    row = " ".join([*left, *(f"{line.sign} {spell(line.right)}" for line in lines)])
    return [row] if len(row) <= room else None


def _rows(lines: Sequence[Line], room: int) -> Iterator[str]:
    """The lines with their signs below each other."""
    lefts = ["" if line.left is None else spell(line.left) for line in lines]
    narrow = [len(left) for left in lefts if len(left) <= WIDEST_LEFT]
    column = max(narrow, default=0)
    for left, line in zip(lefts, lines, strict=True):
        start = f"{left:>{column}}{'' if line.sign == ':' else ' '}{line.sign} "
        if len(left) > WIDEST_LEFT:
            yield left
            start = f"{'':>{column}} {line.sign} "
        yield from _hanging(start, TextPrinter().write(line.right), room)


def _hanging(start: str, marked: str, room: int) -> Iterator[str]:
    """A formula broken into lines, each below the bracket that it is still in."""
    first, *others = broken(marked, room - len(start)) or [""]
    yield (start + first).rstrip()
    indent = " " * len(start)
    for line in others:
        yield indent + line


def _table(block: Table, width: int) -> Iterator[str]:
    """Numbers below each other; what is too wide goes on below, long words in more lines."""
    cells = [["".join(map(_inline, cell)) for cell in row] for row in (block.head, *block.rows)]
    words = [_has_words(column) for column in zip(*block.rows, strict=True)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    widths = _narrowed(widths, words, width - MARGIN)
    for number, columns in enumerate(_chunks(widths, width - MARGIN)):
        if number:
            yield ""
        for row in cells:
            wrapped = [wrap(row[k], widths[k]) or [""] for k in (0, *columns)]
            for parts in zip_longest(*wrapped, fillvalue=""):
                said = "  ".join(
                    f"{part:{'<' if words[k] else '>'}{widths[k]}}"
                    for k, part in zip((0, *columns), parts, strict=True)
                )
                yield (" " * MARGIN + said).replace(FIXED_SPACE, " ").rstrip()


def _narrowed(widths: Sequence[int], words: Sequence[bool], room: int) -> list[int]:
    """Columns of words give way where the table is too wide, the widest first."""
    narrowed = list(widths)
    shrinkable = [k for k, has_words in enumerate(words) if k and has_words]
    while shrinkable and sum(narrowed) + 2 * (len(narrowed) - 1) > room:
        widest = max(shrinkable, key=lambda k: narrowed[k])
        if narrowed[widest] <= NARROWEST:
            break
        narrowed[widest] -= 1
    return narrowed


def _has_words(column: Sequence[Cell]) -> bool:
    return not all(len(cell) == 1 and isinstance(cell[0], Number) for cell in column)


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
