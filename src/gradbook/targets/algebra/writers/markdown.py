"""A derivation as Markdown with the mathematics that code hosts render.

Formulas stand in fences (```math and $`…`$): in between dollars alone a host reads Markdown first
and takes away backslashes. Only what KaTeX and MathJax both know is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from gradbook.targets.algebra.notation.document import Block, Cell, Document, Equation, TableBlock
from gradbook.targets.algebra.notation.forms import Form
from gradbook.targets.algebra.writers.printer import DocumentWriter
from gradbook.targets.algebra.writers.tex import rows, spell_inline

ROOM = 96  # characters in a line of formulas, about
SPECIAL = "\\`*_{}[]<>#|~$"


def write(document: Document) -> str:
    """The whole document. Equations of one row that follow each other are set as one."""
    writer = _MarkdownWriter()
    parts = [f"# {writer.words(document.title)}"]
    for alike, group in groupby(document.blocks, _is_one_row):
        blocks = tuple(group)
        parts += [_aligned(blocks)] if alike else map(writer.block, blocks)
    return "\n\n".join(parts) + "\n"


class _MarkdownWriter(DocumentWriter):
    def words(self, text: str) -> str:
        return "".join(f"\\{c}" if c in SPECIAL else c for c in text)

    def code(self, text: str) -> str:
        return f"`{text}`"

    def formula(self, form: Form) -> str:
        return f"$`{spell_inline(form)}`$"

    def heading(self, text: str, level: int) -> str:
        return f"{'#' * (level + 1)} {text}"

    def paragraph(self, text: str, aside: bool) -> str:
        return f"{'> ' * aside}{text}"

    def equation(self, block: Equation) -> str:
        return _aligned([block])

    def table(self, block: TableBlock) -> Iterator[str]:
        yield self.row(block.head)
        yield "|" + "|".join("--:" if numeric else ":--" for numeric in block.numeric) + "|"
        yield from map(self.row, block.rows)

    def row(self, cells: Iterable[Cell]) -> str:
        return "| " + " | ".join(map(self.said, cells)) + " |"


def _is_one_row(block: Block) -> bool:
    return isinstance(block, Equation) and len(_rows(block)) == 1


def _rows(block: Equation) -> list[str]:
    """Its lines, the number behind the first: a tag would stand behind only one in a fence."""
    lines = list(rows(block.lines, ROOM))
    if block.number is not None:
        lines[0] += f" && ({block.number})"
    return lines


def _aligned(blocks: Iterable[Block]) -> str:
    lines = [line for block in blocks if isinstance(block, Equation) for line in _rows(block)]
    return "```math\n\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}\n```"
