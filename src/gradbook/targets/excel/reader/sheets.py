"""Writes the workbook that reads images: a grid to paint in, the layers, the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from gradbook.graph.node import Array
from gradbook.palette import ACTIVATION, INPUT, QUIET, RATE, WEIGHT
from gradbook.targets.excel.grids.blocks import BLUES, PAPERS, WHITES, Grids, coloured
from gradbook.targets.excel.reader.stages import INSIDE, LEFT, WEIGHTS, ReaderPlan
from gradbook.targets.excel.sheets.look import FormulaSheet, Look, content_of, new_workbook

READ, IMAGES = "Read", "Images"
GRID_ROW, GRID_COLUMN = 6, 1  # of the grid to paint in
SMALL, MAP, SIDE = 2.7, 2.2, 18  # widths of columns, and a height in points
OWN = "my own"
PICK_NAME, ANSWER_NAME = "picked", "answer"


@dataclass(frozen=True)
class ReaderBook:
    """All that the workbook shows: the images by their names, and what is made of the first."""

    plan: ReaderPlan
    values: Mapping[str, NDArray[Any]]  # the trained ones
    mean: float
    deviation: float
    brightest: float
    classes: tuple[str, ...]
    images: NDArray[np.uint8]  # to pick from: (images, rows, columns)
    names: tuple[str, ...]
    painted: NDArray[np.uint8]
    made: Mapping[int, Array]  # of the first image, by the number of its stage
    probabilities: Array


def written(book: ReaderBook) -> bytes:
    """The content of the workbook's file."""
    workbook = new_workbook()
    workbook.worksheet_class = FormulaSheet
    look = Look(workbook)
    name = book.plan.net.name or "a network"
    workbook.set_properties({"title": f"{name} reads", "comments": str(book.plan.net)})
    _Read(look.sheet(READ, f"{name} reads", _REMARK, left=GRID_COLUMN), look, book).write()
    _write_inside(look, book)
    _write_weights(look, book)
    _write_images(look, book)
    return content_of(workbook)


_REMARK = (
    "Pick an image, or pick 'my own' and paint in the framed grid: numbers from 0 (black) to 255 "
    "(white). Every layer on the way is a grid of formulas on the sheet Inside."
)


@dataclass(frozen=True)
class _Read:
    sheet: Worksheet
    look: Look
    book: ReaderBook

    @property
    def rows(self) -> int:
        return int(self.book.painted.shape[0])

    @property
    def columns(self) -> int:
        return int(self.book.painted.shape[1])

    @property
    def seen_column(self) -> int:
        return GRID_COLUMN + self.columns + 2

    @property
    def answers_column(self) -> int:
        return self.seen_column + self.columns + 2

    def write(self) -> None:
        self.sheet.set_column(0, self.answers_column - 1, SMALL)
        self.sheet.set_column(self.answers_column, self.answers_column + 8, 11)
        self.sheet.fit_to_pages(1, 1)
        self.pick()
        self.grids()
        self.answers()
        self.chart()

    def pick(self) -> None:
        row, column = GRID_ROW - 3, GRID_COLUMN
        self.sheet.merge_range(row, column, row, column + 3, "", self.look.name(RATE))
        self.sheet.write_string(row, column, "image", self.look.name(RATE))
        first = self.book.names[0]
        self.sheet.merge_range(row, column + 4, row, column + 13, first, self.look.given(RATE))
        cell = xl_rowcol_to_cell(row, column + 4, row_abs=True, col_abs=True)
        self.look.workbook.define_name(PICK_NAME, f"={READ}!{cell}")
        names = f"={IMAGES}!$A$2:$A${len(self.book.names) + 2}"
        rule = {"validate": "list", "source": names, "error_title": "No such image"}
        rule["error_message"] = "Pick one from the list."
        self.sheet.data_validation(row, column + 4, row, column + 4, rule)

    def grids(self) -> None:
        """What can be painted, and beside it what the network is given to see."""
        titles = ((GRID_COLUMN, "paint here"), (self.seen_column, "what the network sees"))
        for column, words in titles:
            self.look.underlined(self.sheet, GRID_ROW - 1, column, self.columns, words)
        paint = self.look.style(num_format="0", font_size=6, align="center", border=4)
        seen = self.look.style(num_format="0", font_size=6, align="center")
        for y in range(self.rows):
            self.sheet.set_row(GRID_ROW + y, SIDE)
            for x in range(self.columns):
                row = GRID_ROW + y
                value = int(self.book.painted[y, x])
                self.sheet.write_number(row, GRID_COLUMN + x, value, paint)
                own = xl_rowcol_to_cell(row, GRID_COLUMN + x)
                place = xl_rowcol_to_cell(2, 1 + y * self.columns + x, row_abs=True, col_abs=True)
                last = xl_rowcol_to_cell(
                    1 + len(self.book.names), 1 + y * self.columns + x, True, True
                )
                number = f"MATCH({PICK_NAME},{IMAGES}!$A$3:$A${len(self.book.names) + 2},0)"
                formula = f'=IF({PICK_NAME}="{OWN}",{own},INDEX({IMAGES}!{place}:{last},{number}))'
                found = int(self.book.images[0, y, x])
                self.sheet.write_formula(row, self.seen_column + x, formula, seen, found)
        whole = {"validate": "decimal", "criteria": "between", "minimum": 0, "maximum": 255}
        bottom, right = GRID_ROW + self.rows - 1, GRID_COLUMN + self.columns - 1
        self.sheet.data_validation(GRID_ROW, GRID_COLUMN, bottom, right, whole)
        for column in (GRID_COLUMN, self.seen_column):
            self.sheet.conditional_format(
                GRID_ROW, column, bottom, column + self.columns - 1, GREYS
            )

    def answers(self) -> None:
        """How sure the network is of each class, and which it takes the image for."""
        column, top, look = self.answers_column, GRID_ROW, self.look
        classes, outputs = self.book.classes, self.book.plan.outputs
        for place, words in enumerate(("class", "probability")):
            self.sheet.write_string(top - 1, column + place, words, look.heading(QUIET))
        share = look.value(ACTIVATION, "0.0000 %")
        cells = f"{INSIDE}!{_absolute(outputs)}"
        ending = self.book.plan.net.ending
        for k, name in enumerate(classes):
            own = f"{INSIDE}!{outputs.cell(k, 0, 0)}"
            if ending == "sigmoid":
                formula = f"={own}/SUM({cells})"
            else:
                formula = f"=EXP({own}-MAX({cells}))/SUMPRODUCT(EXP({cells}-MAX({cells})))"
            self.sheet.write_string(top + k, column, name, look.style(align="center"))
            value = float(self.book.probabilities[k])
            self.sheet.write_formula(top + k, column + 1, formula, share, value)
        names = xl_range_abs(top, column, top + len(classes) - 1, column)
        found = xl_range_abs(top, column + 1, top + len(classes) - 1, column + 1)
        best = int(np.argmax(self.book.probabilities))
        large = look.style(bold=True, font_size=20, align="center", bg_color=ACTIVATION.fill)
        self.sheet.merge_range(top - 3, column, top - 3, column + 1, "", large)
        self.sheet.set_row(top - 3, 28)
        answer = f"=INDEX({names},MATCH(MAX({found}),{found},0))"
        self.sheet.write_formula(top - 3, column, answer, large, classes[best])
        cell = xl_rowcol_to_cell(top - 3, column, row_abs=True, col_abs=True)
        look.workbook.define_name(ANSWER_NAME, f"={READ}!{cell}")

    def chart(self) -> None:
        column, top, count = self.answers_column, GRID_ROW, len(self.book.classes)
        chart = self.look.workbook.add_chart({"type": "bar"})
        chart.add_series(
            {
                "categories": [READ, top, column, top + count - 1, column],
                "values": [READ, top, column + 1, top + count - 1, column + 1],
                "fill": {"color": ACTIVATION.ink},
                "gap": 40,
            }
        )
        chart.set_title({"name": "How sure it is", "name_font": {"size": 12}})
        chart.set_legend({"none": True})
        chart.set_x_axis({"min": 0, "max": 1, "num_format": "0 %"})
        chart.set_y_axis({"reverse": True})
        chart.set_size({"width": 420, "height": 320})
        self.sheet.insert_chart(top + count + 1, column, chart, {"object_position": 2})


GREYS = {
    "type": "2_color_scale",
    "min_type": "num",
    "max_type": "num",
    "min_value": 0,
    "max_value": 255,
    "min_color": "#000000",
    "max_color": "#FFFFFF",
}


def _absolute(outputs: Grids) -> str:
    row, count = outputs.top, outputs.shape[0]
    return str(xl_range_abs(row, LEFT, row, LEFT + count - 1))


def _write_inside(look: Look, book: ReaderBook) -> None:
    """What the network is given, and the maps that each stage makes of it."""
    remark = "From top to bottom, a grid for each channel. Blue is above 0, red below."
    sheet = look.sheet(INSIDE, "The way through the layers", remark, left=LEFT)
    plan = book.plan
    widest = max(grids.width for grids in (plan.given, *(s.grids for s in plan.stages)))
    sheet.set_column(0, LEFT + widest, MAP)
    sheet.set_zoom(50)
    style = look.style(num_format="0.00", font_size=5, align="center")
    title = f"given: (brightness / {book.brightest:g} − {book.mean:.6g}) / {book.deviation:.6g}"
    sheet.write_string(plan.given.top - 1, LEFT, title, look.section)
    seen = GRID_COLUMN + book.painted.shape[1] + 2
    first = (book.images[0] / book.brightest - book.mean) / book.deviation
    for c, y, x in plan.given.places():
        cell = f"{READ}!{xl_rowcol_to_cell(GRID_ROW + y, seen + x)}"
        formula = f"=({cell}/{book.brightest!r}-{book.mean!r})/{book.deviation!r}"
        sheet.write_formula(*plan.given.place(c, y, x), formula, style, float(first[y, x]))
    coloured(sheet, plan.given, PAPERS)
    for number, stage in enumerate(plan.stages):
        words = f"{number + 1}. {stage.words}"
        sheet.write_string(stage.grids.top - 1, LEFT, words, look.section)
        values = book.made[number]
        for c, y, x in stage.grids.places():
            formula = plan.formula(stage, c, y, x)
            sheet.write_formula(*stage.grids.place(c, y, x), formula, style, float(values[c, y, x]))
        coloured(sheet, stage.grids, WHITES if plan.is_positive(stage) else BLUES)


def _write_weights(look: Look, book: ReaderBook) -> None:
    remark = "As trained. A row for each channel that a layer makes; a kernel's rows follow on."
    sheet = look.sheet(WEIGHTS, "What it has learned", remark)
    sheet.set_column(0, 0, 16)
    sheet.set_column(1, 64, 9)
    style = look.value(WEIGHT, "0.0000")
    for name, block in book.plan.blocks.items():
        values = np.asarray(book.values[name], np.float64).reshape(block.shape[0], -1)
        sheet.write_string(block.top - 1, 0, name, look.name(WEIGHT))
        for channel, own in enumerate(values.tolist()):
            sheet.write_number(block.row(channel), 0, channel + 1, look.count)
            for place, value in enumerate(own):
                sheet.write_number(block.row(channel), 1 + place, value, style)
        bottom = block.top + block.shape[0] - 1
        sheet.conditional_format(block.top, 1, bottom, block.size, dict(BLUES))
    known = book.plan.norm_values(book.values)
    for (row, column, formula), value in zip(book.plan.norm_formulas(), known, strict=True):
        sheet.write_formula(row, column, formula, look.value(QUIET, "0.0000", italic=True), value)


def _write_images(look: Look, book: ReaderBook) -> None:
    """The images to pick from, one a row."""
    sheet = look.workbook.add_worksheet(IMAGES)
    sheet.write_string(0, 0, "image", look.heading(QUIET))
    sheet.write_string(0, 1, "brightness, row by row", look.heading(INPUT))
    sheet.write_string(1, 0, OWN)
    for number, (name, image) in enumerate(zip(book.names, book.images, strict=True), 2):
        sheet.write_string(number, 0, name)
        for place, value in enumerate(image.ravel().tolist(), 1):
            sheet.write_number(number, place, value)
    sheet.hide()
