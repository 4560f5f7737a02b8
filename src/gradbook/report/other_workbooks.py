"""Workbooks that don't train: a trained network that reads images, and the table of a summary.

Decides what they contain; `targets/excel` writes it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from gradbook.data.dataset import BRIGHTEST, Dataset
from gradbook.errors import ShapeError
from gradbook.files import write_whole
from gradbook.graph.node import Array
from gradbook.lab.models.model import Model, for_inputs
from gradbook.layers import spell
from gradbook.net.measure import NetMeasure, measure
from gradbook.net.work.at_work import values_of
from gradbook.palette import PAPER, QUIET, SUM
from gradbook.report.styled_text import TableColumn, TextTable
from gradbook.report.summary import heading, remarks, summary_table
from gradbook.report.workbook import require_excel
from gradbook.targets.excel.reader import ReaderBook, ReaderPlan, reader_content, require_room
from gradbook.targets.excel.sheets.look import Look, content_of, new_workbook, page

# A reader of images -----------------------------------------------------------

TO_PICK_FROM = 20  # test images, as many of each class as there is room for


def write_reader(model: Model, data: Dataset, path: str | os.PathLike[str]) -> None:
    """Write the workbook that reads what is painted in it, or one of the test images of `data`."""
    require_excel(path)
    net = model.net
    if len(net.input) != 3 or net.input[0] != 1:
        raise ShapeError(
            f"the network's input is {spell(net.input)}: a workbook to paint in needs one for grey "
            "pictures, such as 1x28x28"
        )
    if net.outputs < 2:
        raise ShapeError("the network has one output: a workbook that reads needs one per class")
    plan = ReaderPlan(net)
    require_room(plan, measure(net).macs)
    images, names = _chosen(data)
    mean, deviation = for_inputs(net, model.mean, model.deviation)
    stages = _stage_values(model, plan, images[0])
    book = ReaderBook(
        plan,
        model.values,
        float(np.ravel(mean)[0]),
        float(np.ravel(deviation)[0]),
        float(BRIGHTEST),
        model.classes,
        images,
        names,
        np.zeros(net.input[1:], np.uint8),
        stages,
        model.predict(images[:1])[0],
    )
    write_whole(path, reader_content(book))


def _chosen(data: Dataset) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Test images of every class in turn, and what they are called."""
    test = data.test_for_reporting
    each = max(1, TO_PICK_FROM // len(data.classes))
    places = [k for c in range(len(data.classes)) for k in np.flatnonzero(test.labels == c)[:each]]
    places = places[:TO_PICK_FROM]
    names = tuple(
        f"{number}: {data.classes[int(test.labels[k])]}" for number, k in enumerate(places, 1)
    )
    pixels = np.asarray(test.pixels[places])
    return pixels.reshape(len(places), *pixels.shape[-2:]), names


def _stage_values(model: Model, plan: ReaderPlan, image: NDArray[Any]) -> Mapping[int, Array]:
    """The values of each stage for an image."""
    kept = {name: model.values[name] for name in plan.blocks}
    values = values_of(plan.net, kept, model.prepare(image))
    return {
        number: values[stage.layers[-1] + 1].reshape(stage.grids.shape)
        for number, stage in enumerate(plan.stages)
    }


# A summary --------------------------------------------------------------------

HEAD = 2  # the row of the headings, counted from 0, under the title
WHOLE = "#,##0"
PARAMETERS = 2  # their column
NARROWEST = 10  # characters
LONGEST_PAGE = 50  # rows that are still readable when printed on one page


def write_book(measured: NetMeasure, path: str | os.PathLike[str]) -> None:
    book = new_workbook()
    _fill(book.add_worksheet("Layers"), Look(book), measured)
    write_whole(path, content_of(book))


def _fill(sheet: Worksheet, look: Look, measured: NetMeasure) -> None:
    shown = summary_table(measured)
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
    sheet.write_string(HEAD, place, title, look.heading(column.tint or SUM))
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
    if column.has_bars and column.tint:
        bar = {"type": "data_bar", "bar_color": column.tint.fill, "bar_solid": True}
        bar |= {"min_type": "num", "min_value": 0}
        sheet.conditional_format(first, place, last, place, bar)


def _style(look: Look, column: TableColumn, *, learns: bool) -> Format:
    """The look of a cell; a layer without parameters is grey."""
    line = {"bottom": 4, "bottom_color": QUIET.fill}
    ink = PAPER.ink if learns else QUIET.ink
    if column.words:
        return look.style(font_color=ink, **line)
    return look.style(font_color=ink, num_format=WHOLE, align="right", **line)
