"""The same training at other rates, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from xlsxwriter.utility import xl_col_to_name

from gradbook.graph.node import Array
from gradbook.language import mark, tr
from gradbook.net.description import split
from gradbook.palette import ERROR, PAPER, QUIET, RATE, curve_colours
from gradbook.targets.excel.live import LiveValue
from gradbook.targets.excel.plan.workbook_plan import (
    HEAD_ROWS,
    NETWORK,
    RATES,
    RATES_WORK,
    TRAINING,
    WorkbookPlan,
)
from gradbook.targets.excel.sheets.look import (
    SMALL,
    ChartCurve,
    Look,
    Page,
    loss_chart,
)
from gradbook.targets.excel.sheets.training import columns, write_cells, write_headings

TOP = 4  # the first row with a rate
HEADINGS = (
    (mark("rate η"), RATE),
    (mark("highest error"), ERROR),
    (mark("at the end"), ERROR),
    (mark("reduction"), QUIET),
)
CHARTS_COLUMN = 6
CHART_COLUMNS = 6  # that one chart takes
CHART_SIZE = {"width": 520, "height": 330}
CHART_ROWS = 17


def write_rates(look: Look, book: WorkbookPlan) -> None:
    remark = tr(
        "Every rate below is a cell: type another, and its curve follows. All runs "
        "start from the same weights; η on the {network} sheet is not used here.",
        network=NETWORK,
    )
    sheet = look.sheet(RATES, tr("What the learning rate does"), remark, left=1)
    _Rates(sheet, look, book).write()


def curves_row(book: WorkbookPlan) -> int:
    """The first row of the curves' values, below the overview and the charts."""
    charts = sum(map(bool, split(book.rates))) * CHART_ROWS
    return TOP + max(len(book.rates), charts) + 2


@dataclass(frozen=True)
class _Rates(Page):
    book: WorkbookPlan

    def write(self) -> None:
        self.sheet.set_column(0, 0, 7)
        self.sheet.set_column(1, max(CHARTS_COLUMN + CHART_COLUMNS, len(self.book.rates)), 12)
        self.overview()
        self.curves()
        self.charts()

    def overview(self) -> None:
        """Write each rate with its errors, and how much of the first one is gone at the end."""
        self.headings(TOP - 1, 1, HEADINGS)
        error = self.look.value(ERROR, SMALL)
        share = self.look.value(PAPER, "0 %", align="center")
        for number, rate in enumerate(self.book.rates):
            row, errors = TOP + number, self.errors(number)
            first, last, every = self.errors_in_cells(number)
            self.sheet.write_number(row, 1, rate, self.look.changeable(RATE))
            self.live(row, 2, LiveValue.at(f"MAX({every})", errors.max()), error)
            self.live(row, 3, LiveValue.at(last, errors[-1]), error)
            gone = f"1-{last}/{first}"
            left = errors[-1] / errors[0] if errors[0] else np.nan
            shown = "" if np.isnan(left) else max(1 - left, 0.0)
            formula = f'IF(ISERROR({gone}),"",MAX({gone},0))'
            self.live(row, 4, LiveValue.at(formula, shown), share)

    def errors(self, number: int) -> Array:
        return self.book.rate_records[number].values[self.book.step.loss]

    def errors_in_cells(self, number: int) -> tuple[str, str, str]:
        """The cells of a rate's first error, of its last one, and of all."""
        column, top = xl_col_to_name(number + 1), curves_row(self.book) + 1
        first, last = (f"${column}${row}" for row in (top, top + self.book.epochs - 1))
        return first, last, f"{first}:{last}"

    def curves(self) -> None:
        """Write the errors of every epoch, one column per rate."""
        top, loss, sheet = curves_row(self.book), self.book.step.loss, self.sheet
        sheet.set_h_pagebreaks([top - 2])
        sheet.repeat_rows(top - 1)
        title = tr("{error} at each rate", error=loss.name)
        sheet.write_string(top - 2, 0, title, self.look.section)
        self.headings(top - 1, 0, [(mark("epoch"), QUIET)])
        self.counted(top, 0, self.book.epochs)
        style = self.look.value(ERROR, SMALL)
        for number, rate in enumerate(self.book.rates):
            label = f"η = {rate:.15g}"
            heading = f'="η = "&B{TOP + number + 1}'
            sheet.write_formula(top - 1, number + 1, heading, self.look.heading(RATE), label)
            table = self.book.at_rate(number).of_step
            for epoch, error in enumerate(self.errors(number)):
                there = LiveValue.at(table.cell(loss, epoch).replace("$", ""), error)
                self.live(top + epoch, number + 1, there, style)

    def charts(self) -> None:
        gentle, violent = split(self.book.rates)
        colours = curve_colours(len(self.book.rates))
        row = TOP - 1
        for rates, title in ((gentle, tr("Gentle rates")), (violent, tr("Violent rates"))):
            numbers = [number for number, rate in enumerate(self.book.rates) if rate in rates]
            curves = [self.curve(number, colours[number]) for number in numbers]
            if curves:
                lowest = min(float(self.errors(number).min()) for number in numbers)
                chart = loss_chart(self.look, curves, title, self.book.epochs, lowest)
                chart.set_size(CHART_SIZE)
                self.sheet.insert_chart(row, CHARTS_COLUMN, chart, {"object_position": 2})
                row += CHART_ROWS

    def curve(self, number: int, tint: str) -> ChartCurve:
        letter, top = xl_col_to_name(number + 1), curves_row(self.book)
        values, epochs = (
            f"='{RATES}'!${column}${top + 1}:${column}${top + self.book.epochs}"
            for column in (letter, "A")
        )
        return ChartCurve(values, epochs, tint, f"='{RATES}'!${letter}${top}")


def write_rates_work(look: Look, book: WorkbookPlan) -> None:
    """Write the training table for each rate, one below the other."""
    remark = tr(
        "The table of {training}, repeated for each rate, one below the other; column A is the "
        "rate.",
        training=TRAINING,
    )
    title = tr("The runs behind the learning rates")
    sheet = look.sheet(RATES_WORK, title, remark, repeated=(HEAD_ROWS - 2, HEAD_ROWS - 1))
    sheet.set_row(2, 30)
    sheet.write_string(HEAD_ROWS - 1, 0, "η", look.heading(RATE))
    first = book.at_rate(0)
    for each, table in ((False, first.of_step), (True, first.of_sample)):
        write_headings(sheet, look, HEAD_ROWS - 2, book.columns(each=each), table.columns)
    width = len(first.of_step.columns) + len(first.of_sample.columns)
    sheet.set_column(0, width, 10.5)
    for number, record in enumerate(book.rate_records):
        run = book.at_rate(number)
        parts = columns(run, RATES_WORK, book.starts, book.guarded)
        write_cells(sheet, look, run, parts, record.values, book.blank)
        cell = f"='{RATES}'!$B${TOP + number + 1}"
        for epoch in range(book.epochs):
            row = run.of_step.row(epoch)
            sheet.write_formula(row, 0, cell, look.value(RATE, "General"), book.rates[number])
    rows = len(book.rates) * book.epochs * book.step.samples
    look.plain_zeros(sheet, HEAD_ROWS, 1, rows, width)
    sheet.freeze_panes(HEAD_ROWS, 1)
