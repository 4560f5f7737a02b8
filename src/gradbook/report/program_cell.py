"""A checked program as Python shows it: printed, and in a notebook's cell.

Knows neither how the text nor how the page is made.
"""

from __future__ import annotations

from html import escape

from gradbook.audit.programs.program_report import ProgramReport
from gradbook.errors import one_line
from gradbook.report.notebook import FRAME
from gradbook.report.program_page import program_page
from gradbook.report.program_text import program_lines
from gradbook.report.styled_text import TEXT_WIDTH, plain

BAR, LINE, ROW = 150, 23, 34  # pixels of the page's own parts, of a line and of a gradient
LOWEST, HIGHEST = 420, 820


def program_as_text(report: ProgramReport) -> str:
    return plain(list(program_lines(report, TEXT_WIDTH))).rstrip()


def program_cell(report: ProgramReport) -> str:
    """The page within the notebook: it scrolls in its cell."""
    lines = sum(source.text.count("\n") + 1 for source in report.sources[:1])
    rows = sum(len(model.gradients) + 5 * len(model.findings) for model in report.models)
    height = min(max(LOWEST, BAR + max(LINE * lines, ROW * rows)), HIGHEST)
    page = escape(program_page(report))
    return FRAME.format(title=escape(one_line(report.file)), height=height, page=page)
