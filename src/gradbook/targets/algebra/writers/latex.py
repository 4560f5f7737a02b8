"""A derivation as a LaTeX document that pdflatex sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gradbook.targets.algebra.notation.document import Cell, Document, Equation, TableBlock
from gradbook.targets.algebra.notation.forms import Form
from gradbook.targets.algebra.writers.printer import DocumentWriter
from gradbook.targets.algebra.writers.tex import escape, rows, spell_inline, width

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
    body = "\n".join([head, *map(_LatexWriter().block, document.blocks)])
    return f"{PREAMBLE}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"


class _LatexWriter(DocumentWriter):
    def words(self, text: str) -> str:
        return escape(text)

    def code(self, text: str) -> str:
        return f"\\texttt{{{escape(text).replace('--', '-{}-')}}}"

    def formula(self, form: Form) -> str:
        return f"${spell_inline(form)}$"

    def heading(self, text: str, level: int) -> str:
        return f"\n\\{'section' if level == 1 else 'subsection'}*{{{text}}}"

    def paragraph(self, text: str, aside: bool) -> str:
        return f"\\begin{{why}}\n{text}\n\\end{{why}}" if aside else f"\n{text}"

    def equation(self, block: Equation) -> str:
        first, *others = rows(block.lines, ROOM)
        tag = f" \\tag{{{block.number}}}" if block.number is not None else ""
        said = " \\\\\n".join([first + tag, *others])
        return f"\\begin{{align*}}\n{said}\n\\end{{align*}}"

    def table(self, block: TableBlock) -> Iterator[str]:
        columns = "".join(
            "r" if numeric else self.column_of_words(column)
            for column, numeric in zip(block.columns, block.numeric, strict=True)
        )
        for first in range(0, len(block.rows), MOST_ROWS):
            yield f"\n\\hspace*{{1.5em}}\\begin{{tabular}}{{@{{}}{columns}@{{}}}}"
            yield f"{self.cells(block.head)} \\\\ \\hline"
            for row in block.rows[first : first + MOST_ROWS]:
                yield f"{self.cells(row)} \\\\"
            yield "\\end{tabular}"

    def column_of_words(self, cells: Iterable[Cell]) -> str:
        """Words stand left, long ones in several lines."""
        longest = max(sum(width(self.inline(part)) for part in cell) for cell in cells)
        return "l" if longest <= WIDEST_CELL else f"p{{{WIDEST_CELL / 2:g}em}}"

    def cells(self, row: Iterable[Cell]) -> str:
        return " & ".join(map(self.said, row))
