"""A network's summary as a sheet: plain numbers to sort and chart, sums as formulas."""

from __future__ import annotations

import os

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from gradbook.files import write_whole
from gradbook.net.measure import NetMeasure
from gradbook.palette import PAPER, QUIET, SUM
from gradbook.report.summary.page import BARRED, COLOURS
from gradbook.report.summary.table import heading, remarks, table
from gradbook.report.words import TableColumn, TextTable
from gradbook.targets.excel.sheets.look import Look, content_of, new_workbook, page

HEAD = 2  # the row of the headings, counted from 0, under the title
WHOLE = "#,##0"
PARAMETERS = 2  # which column they stand in
NARROWEST = 10  # characters
LONGEST_PAGE = 50  # rows that still can be read when they are printed on one page


def write_book(measured: NetMeasure, path: str | os.PathLike[str]) -> None:
    book = new_workbook()
    book.strings_to_formulas = False
    _fill(book.add_worksheet("Layers"), Look(book), measured)
    write_whole(path, content_of(book))


def _fill(sheet: Worksheet, look: Look, measured: NetMeasure) -> None:
    shown = table(measured)
    sheet.write_string(0, 0, heading(measured), look.title)
    sheet.set_row(0, 26)
    for place in range(len(shown.columns)):
        _column(sheet, look, shown, place)
    for row, remark in enumerate(remarks(measured), HEAD + len(shown.rows) + 3):
        sheet.write_string(row, 0, remark, look.remark)
    sheet.freeze_panes(HEAD + 1, 1)
    page(sheet, (0, HEAD), high=1 if len(shown.rows) < LONGEST_PAGE else 0)


def _column(sheet: Worksheet, look: Look, shown: TextTable, place: int) -> None:
    column = shown.columns[place]
    title = f"{column.title} (B)" if column.key == "memory" else column.title
    sheet.write_string(HEAD, place, title, look.heading(COLOURS.get(column.key, SUM)))
    note = column.meaning[0].upper() + column.meaning[1:] + "."
    sheet.write_comment(HEAD, place, note, {"x_scale": 2})
    first, last = HEAD + 1, HEAD + len(shown.rows)
    cells = [row[place] for row in shown.rows]
    for row, cell in enumerate(cells):
        style = _style(look, column, learns=bool(shown.rows[row][PARAMETERS]))
        sheet.write(first + row, place, cell, style)
    total = shown.total[place]
    style = look.style(bold=True, top=1, num_format=WHOLE)
    if isinstance(total, int):
        letter = xl_col_to_name(place)
        summed = f"=SUM({letter}{first + 1}:{letter}{last + 1})"
        sheet.write_formula(last + 1, place, summed, style, total)
    else:
        sheet.write(last + 1, place, total, style)
    width = max(len(str(cell or "")) for cell in [column.title, *cells])
    sheet.set_column(place, place, max(NARROWEST, 1.15 * width + 3))
    if column.key in BARRED:
        bar = {"type": "data_bar", "bar_color": COLOURS[column.key].fill, "bar_solid": True}
        bar |= {"min_type": "num", "min_value": 0}
        sheet.conditional_format(first, place, last, place, bar)


def _style(look: Look, column: TableColumn, *, learns: bool) -> Format:
    """A layer that has nothing to learn steps back."""
    line = {"bottom": 4, "bottom_color": QUIET.fill}
    ink = PAPER.ink if learns else QUIET.ink
    if column.words:
        return look.style(font_color=ink, **line)
    return look.style(font_color=ink, num_format=WHOLE, align="right", **line)
