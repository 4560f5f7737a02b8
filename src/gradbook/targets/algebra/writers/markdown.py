"""A derivation as Markdown with the mathematics that code hosts render.

Formulas stand in fences (```math and $`…`$): in between dollars alone a host reads Markdown first
and takes away backslashes. Only what KaTeX and MathJax both know is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from gradbook.targets.algebra.notation.document import (
    Block,
    Cell,
    Code,
    Document,
    Equation,
    EquationNumber,
    Heading,
    Inline,
    Paragraph,
    TableBlock,
)
from gradbook.targets.algebra.notation.forms import Numeral
from gradbook.targets.algebra.writers.tex import rows, spell_inline

ROOM = 96  # characters in a line of formulas, about
SPECIAL = "\\`*_{}[]<>#|~$"


def write(document: Document) -> str:
    """The whole document. Equations of one row that follow each other are set as one."""
    parts = [f"# {_plain(document.title)}"]
    for alike, group in groupby(document.blocks, _is_one_row):
        blocks = tuple(group)
        parts += [_equations(blocks)] if alike else map(_block, blocks)
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * (level + 1)} {_said(text)}"
        case Paragraph(text, aside):
            return f"{'> ' * aside}{_said(text)}"
        case Equation():
            return _equations([block])
        case TableBlock():
            return "\n".join(_table(block))


def _said(text: tuple[Inline, ...]) -> str:
    return "".join(map(_inline, text))


def _inline(part: Inline) -> str:
    match part:
        case str():
            return _plain(part)
        case EquationNumber(number):
            return f"({number})"
        case Code(text):
            return f"`{text}`"
        case _:
            return f"$`{spell_inline(part)}`$"


def _plain(text: str) -> str:
    return "".join(f"\\{c}" if c in SPECIAL else c for c in text)


def _is_one_row(block: Block) -> bool:
    return isinstance(block, Equation) and len(_rows(block)) == 1


def _rows(block: Equation) -> list[str]:
    """Its lines, the number behind the first: a tag would stand behind only one in a fence."""
    lines = [f"{left} &{sign} {right}" for left, sign, right in rows(block.lines, ROOM)]
    if block.number is not None:
        lines[0] += f" && ({block.number})"
    return lines


def _equations(blocks: Iterable[Block]) -> str:
    lines = [line for block in blocks if isinstance(block, Equation) for line in _rows(block)]
    aligned = " \\\\\n".join(lines)
    return f"```math\n\\begin{{aligned}}\n{aligned}\n\\end{{aligned}}\n```"


def _table(block: TableBlock) -> Iterator[str]:
    yield _row(block.head)
    columns = zip(*block.rows, strict=True)
    yield "|" + "|".join("--:" if _numeric(column) else ":--" for column in columns) + "|"
    yield from map(_row, block.rows)


def _numeric(column: tuple[Cell, ...]) -> bool:
    return all(len(cell) == 1 and isinstance(cell[0], Numeral) for cell in column)


def _row(cells: tuple[Cell, ...]) -> str:
    return "| " + " | ".join(map(_said, cells)) + " |"
