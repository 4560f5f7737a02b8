"""A derivation for the terminal: plain text, readable in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap

from gradbook.targets.algebra.notation.document import (
    Block,
    Cell,
    Code,
    Document,
    Equation,
    EquationLine,
    EquationNumber,
    Heading,
    Inline,
    Paragraph,
    TableBlock,
)
from gradbook.targets.algebra.notation.forms import Numeral
from gradbook.targets.algebra.writers.plain import TextPrinter, spell
from gradbook.targets.algebra.writers.printer import broken

WIDTH = 80
MARGIN = 7  # for an equation's number
NARROWEST = 16  # a column of words
WIDEST_LEFT = 24  # a wider left side has a line of its own
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
        case TableBlock():
            return list(_table(block, width))


def _heading(block: Heading, width: int) -> Iterator[str]:
    lines = _wrapped(block.text, width, "")
    yield from lines
    yield {1: "-", 2: "·"}[block.level] * max(map(len, lines))


def _inline(part: Inline) -> str:
    match part:
        case str():
            return part
        case EquationNumber(number):
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


def _in_one_row(lines: Sequence[EquationLine], room: int) -> list[str] | None:
    """left = this = that, where all of it fits."""
    if any(line.left is not None for line in lines[1:]):
        return None
    left = [] if lines[0].left is None else [spell(lines[0].left)]
    row = " ".join([*left, *(f"{line.sign} {spell(line.right)}" for line in lines)])
    return [row] if len(row) <= room else None


def _rows(lines: Sequence[EquationLine], room: int) -> Iterator[str]:
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


def _table(block: TableBlock, width: int) -> Iterator[str]:
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
    return not all(len(cell) == 1 and isinstance(cell[0], Numeral) for cell in column)


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
