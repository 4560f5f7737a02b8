"""A derivation as a LaTeX document that pdflatex sets."""

from __future__ import annotations

from collections.abc import Iterator

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
from gradbook.targets.algebra.writers.tex import Row, escape, rows, spell_inline, width

ROOM = 78  # characters in a line of formulas, about
WIDEST_CELL = 46  # characters; more are set in several lines
MOST_ROWS = 40  # of a table on one page

PREAMBLE = r"""\documentclass[11pt,fleqn]{article}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage[T1]{fontenc}\usepackage{lmodern}}{}
\usepackage{amsmath,amssymb}
\usepackage[margin=2.3cm]{geometry}
\setlength{\mathindent}{1.5em}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.5\baselineskip}
\setlength{\emergencystretch}{3em}
\allowdisplaybreaks[1]
\AtBeginDocument{\setlength{\abovedisplayskip}{6pt plus 2pt minus 2pt}%
  \setlength{\belowdisplayskip}{6pt plus 2pt minus 2pt}}
\newenvironment{why}{\list{}{\leftmargin=3em\rightmargin=3em}\item\relax\small\itshape}{\endlist}
"""


def write(document: Document) -> str:
    """The whole document."""
    head = f"{{\\LARGE {escape(document.title)}\\par}}"
    body = "\n".join([head, *map(_block, document.blocks)])
    return f"{PREAMBLE}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            command = "section" if level == 1 else "subsection"
            return f"\n\\{command}*{{{_said(text)}}}"
        case Paragraph(text, aside):
            said = _said(text)
            return f"\\begin{{why}}\n{said}\n\\end{{why}}" if aside else f"\n{said}"
        case Equation():
            return _equation(block)
        case TableBlock():
            return "\n".join(_table(block))


def _said(text: tuple[Inline, ...]) -> str:
    return "".join(map(_inline, text))


def _inline(part: Inline) -> str:
    match part:
        case str():
            return escape(part)
        case EquationNumber(number):
            return f"({number})"
        case Code(text):
            return f"\\texttt{{{escape(text).replace('--', '-{}-')}}}"
        case _:
            return f"${spell_inline(part)}$"


def _equation(block: Equation) -> str:
    tag = f" \\tag{{{block.number}}}" if block.number is not None else ""
    lines = [_row(row) for row in rows(block.lines, ROOM)]
    said = " \\\\\n".join([lines[0] + tag, *lines[1:]])
    return f"\\begin{{align*}}\n{said}\n\\end{{align*}}"


def _row(row: Row) -> str:
    left, sign, right = row
    return f"{left} &{sign} {right}"


def _table(block: TableBlock) -> Iterator[str]:
    columns = "".join(map(_column, zip(*block.rows, strict=True)))
    for first in range(0, len(block.rows), MOST_ROWS):
        yield f"\n\\hspace*{{1.5em}}\\begin{{tabular}}{{@{{}}{columns}@{{}}}}"
        yield f"{_cells(block.head)} \\\\ \\hline"
        for row in block.rows[first : first + MOST_ROWS]:
            yield f"{_cells(row)} \\\\"
        yield "\\end{tabular}"


def _column(cells: tuple[Cell, ...]) -> str:
    """Numbers right, words left, long words in several lines."""
    if all(len(cell) == 1 and isinstance(cell[0], Numeral) for cell in cells):
        return "r"
    longest = max(sum(width(_inline(part)) for part in cell) for cell in cells)
    return "l" if longest <= WIDEST_CELL else f"p{{{WIDEST_CELL / 2:g}em}}"


def _cells(row: tuple[Cell, ...]) -> str:
    return " & ".join(map(_said, row))
