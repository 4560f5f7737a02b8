"""The sheets Learning rates and Rates work: the same training at other rates, side by side.

What a curve of errors is called is said twice: by a formula over its cells, and by its result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from gradbook.graph.node import Array
from gradbook.net.task import split
from gradbook.palette import ERROR, QUIET, RATE, curve_colours
from gradbook.targets.excel.language.grammar import digits as typed
from gradbook.targets.excel.plan.book import HEAD_ROWS, RATES, RATES_WORK, TRAINING, WorkbookPlan
from gradbook.targets.excel.plan.values import shown
from gradbook.targets.excel.sheets.look import BAD, GOOD, OPEN, SMALL, ChartCurve, Look, loss_chart
from gradbook.targets.excel.sheets.table import columns, write_cells, write_headings

TOP = 4  # the first row with a rate
HEADINGS = (
    ("rate η", RATE),
    ("highest error", ERROR),
    ("at the end", ERROR),
    ("epochs it rose", QUIET),
    ("so the error …", QUIET),
)
KINDS = (
    ("breaks", BAD),
    ("leaps up, then falls", OPEN),
    ("leaps", BAD),
    ("flat", OPEN),
    ("slowly", OPEN),
    ("zigzags", OPEN),
    ("falls", GOOD),
)
VERDICT, VERDICT_END, CHARTS_COLUMN = 5, 7, 9
CHART_COLUMNS = 6  # that one takes
CHART_SIZE = {"width": 520, "height": 330}
CHART_ROWS = 19


def write_rates(look: Look, book: WorkbookPlan) -> None:
    remark = (
        "Every rate below is a cell: type another and its curve and its verdict follow. "
        "All start from the same weights; η on the Network sheet plays no part here."
    )
    sheet = look.sheet(RATES, "What the learning rate does", remark, left=1)
    _Rates(sheet, look, book).write()


@dataclass(frozen=True)
class _Rates:
    sheet: Worksheet
    look: Look
    book: WorkbookPlan

    @property
    def curves_row(self) -> int:
        """The first row of the curves' values, below the overview and the charts."""
        return TOP + max(len(self.book.rates), CHART_ROWS) + 4

    def write(self) -> None:
        self.sheet.set_column(0, 0, 7)
        self.sheet.set_column(1, max(CHARTS_COLUMN + 2 * CHART_COLUMNS, len(self.book.rates)), 12)
        self.overview()
        self.curves()
        self.charts()

    def overview(self) -> None:
        for place, (words, tint) in enumerate(HEADINGS, 1):
            self.sheet.write_string(TOP - 1, place, words, self.look.heading(tint))
        for place in range(VERDICT + 1, VERDICT_END + 1):
            self.sheet.write_blank(TOP - 1, place, None, self.look.heading(QUIET))
        for number, rate in enumerate(self.book.rates):
            self.rate(number, rate)
        last = TOP + len(self.book.rates)
        self.look.colour_verdicts(self.sheet, f"F{TOP + 1}:H{last}", KINDS)

    def rate(self, number: int, rate: float) -> None:
        """One line of the overview."""
        row, cells = TOP + number, self.cells(number)
        found = CurveErrors(self.errors(number))
        error = self.look.value(ERROR, SMALL)
        said = self.look.style(indent=1, bold=True)
        verdict = cells.verdict(f"C{row + 1}", f"E{row + 1}")
        write = self.sheet.write_formula
        self.sheet.write_number(row, 1, rate, self.look.given(RATE))
        write(row, 2, f"=MAX({cells.between(0, -1)})", error, shown(found.values.max()))
        write(row, 3, f"={cells.at(-1)}", error, shown(found.values[-1]))
        write(row, 4, cells.rises(), self.look.count, shown(found.rises()))
        self.sheet.merge_range(row, VERDICT, row, VERDICT_END, "", said)
        write(row, VERDICT, verdict, said, found.verdict())

    def errors(self, number: int) -> Array:
        return self.book.rate_records[number].values[self.book.step.loss]

    def cells(self, number: int) -> CurveCells:
        return CurveCells(xl_col_to_name(number + 1), self.curves_row + 1, self.book.epochs)

    def curves(self) -> None:
        """The errors of every epoch, a column for each rate."""
        top, loss = self.curves_row, self.book.step.loss
        self.sheet.write_string(top - 2, 0, f"{loss.name} at each rate", self.look.section)
        self.sheet.write_string(top - 1, 0, "epoch", self.look.heading(QUIET))
        style = self.look.value(ERROR, SMALL)
        for epoch in range(self.book.epochs):
            self.sheet.write_number(top + epoch, 0, epoch + 1, self.look.count)
        for number, rate in enumerate(self.book.rates):
            heading = self.look.heading(RATE)
            label = f"η = {rate:.15g}"
            self.sheet.write_formula(
                top - 1, number + 1, f'="η = "&B{TOP + number + 1}', heading, label
            )
            table = self.book.at_rate(number).of_step
            for epoch, error in enumerate(self.errors(number)):
                cell = table.cell(loss, epoch).replace("$", "")
                self.sheet.write_formula(top + epoch, number + 1, f"={cell}", style, shown(error))

    def charts(self) -> None:
        gentle, violent = split(self.book.rates)
        colours = curve_colours(len(self.book.rates))
        column = CHARTS_COLUMN
        for rates, title in ((gentle, "Gentle rates"), (violent, "Violent rates")):
            own = [number for number, rate in enumerate(self.book.rates) if rate in rates]
            curves = [self.curve(number, colours[number]) for number in own]
            if curves:
                lowest = min(float(self.errors(number).min()) for number in own)
                chart = loss_chart(self.look, curves, title, self.book.epochs, lowest)
                chart.set_size(CHART_SIZE)
                self.sheet.insert_chart(TOP - 1, column, chart, {"object_position": 2})
                column += CHART_COLUMNS

    def curve(self, number: int, tint: str) -> ChartCurve:
        top, last, name = self.curves_row + 1, self.curves_row + self.book.epochs, number + 1
        letter = xl_col_to_name(name)
        return ChartCurve(
            f"='{RATES}'!${letter}${top}:${letter}${last}",
            f"='{RATES}'!$A${top}:$A${last}",
            tint,
            f"='{RATES}'!${letter}${top - 1}",
        )


def write_rates_work(look: Look, book: WorkbookPlan) -> None:
    """The training table once for each rate, one below the other."""
    remark = (
        f"The table of {TRAINING}, once for each rate, one below the other; column A is the rate."
    )
    title = "The runs behind the learning rates"
    sheet = look.sheet(RATES_WORK, title, remark, repeated=HEAD_ROWS - 1)
    sheet.set_row(2, 30)
    sheet.write_string(HEAD_ROWS - 1, 0, "η", look.heading(RATE))
    first = book.at_rate(0)
    for each, table in ((False, first.of_step), (True, first.of_sample)):
        write_headings(sheet, look, HEAD_ROWS - 2, book.columns(each=each), table.columns)
    width = len(first.of_step.columns) + len(first.of_sample.columns)
    sheet.set_column(0, width, 10.5)
    for number, found in enumerate(book.rate_records):
        run = book.at_rate(number)
        parts = columns(run, RATES_WORK, book.starts, book.guarded)
        write_cells(sheet, look, run, parts, found.values, book.blank)
        cell = f"='{RATES}'!$B${TOP + number + 1}"
        for epoch in range(book.epochs):
            row = run.of_step.row(epoch)
            sheet.write_formula(row, 0, cell, look.value(RATE, "General"), book.rates[number])
    rows = len(book.rates) * book.epochs * book.step.samples
    look.plain_zeros(sheet, HEAD_ROWS, 1, rows, width)
    sheet.freeze_panes(HEAD_ROWS, 1)


# What a curve is called ------------------------------------------------------

LEAP, SLOW = 1.05, 0.5  # times the first error: above it leaps, and still above it is slow
RISE, NOTHING = 1.000001, 1e-9  # times the error before, and of the first error: less is rounding
ZIGZAG = 0.1  # of the epochs: so many in which it rises
FLAT = 1e-4  # of the last error: less of a change over the last tenth is none
BREAKS = "breaks: the numbers grow too large"


@dataclass(frozen=True)
class CurveCells:
    """The cells of one curve: a column, its first row as people count, and how many they are."""

    column: str
    top: int
    count: int

    def at(self, epoch: int) -> str:
        """The error of an epoch, counted from 0, or from the end if below."""
        return f"{self.column}${self.top + epoch % self.count}"

    def between(self, first: int, last: int) -> str:
        return f"{self.at(first)}:{self.at(last)}"

    def rises(self) -> str:
        """In how many epochs the error is higher than before."""
        after, before = self.between(1, -1), self.between(0, -2)
        return f"=SUMPRODUCT(--({after}>{RISE}*{before}+{typed(NOTHING)}*{self.at(0)}))"

    def verdict(self, highest: str, rises: str) -> str:
        """The curve's name, with the cells of its highest error and of its rises."""
        first, last, before = self.at(0), self.at(-1), self.at(_before(self.count))
        gone = f"{last}<={typed(NOTHING)}*{first}"
        flat = f"ABS({before}-{last})<={typed(FLAT)}*{last}"
        tail = f'IF({gone}," to nothing",IF({flat},", then flat",""))'
        zigzag = f"{rises}>{ZIGZAG}*{self.count}"
        leaps = f'"leaps up"&IF({zigzag}," and swings","")'
        return (
            f'=IF(COUNT({self.between(0, -1)})<{self.count},"{BREAKS}",'
            f"IF({highest}>{LEAP}*{first},"
            f'IF({last}<{first},"leaps up, then falls",{leaps})&{tail},'
            f'IF({zigzag},IF({last}<{first},"falls in zigzags","swings"),'
            f'IF({last}>{SLOW}*{first},"falls slowly","falls")&{tail})))'
        )


@dataclass(frozen=True)
class CurveErrors:
    """The errors themselves, and what those formulas come to."""

    values: Array

    def rises(self) -> float:
        """Not a number where one of the errors isn't."""
        if not np.isfinite(self.values).all():
            return np.nan
        floor = NOTHING * self.values[0]
        return float(np.sum(self.values[1:] > RISE * self.values[:-1] + floor))

    def verdict(self) -> str:
        values, rises = self.values, self.rises()
        if not np.isfinite(rises):
            return BREAKS
        first, last, before = (float(values[k]) for k in (0, -1, _before(len(values))))
        flat = ", then flat" if abs(before - last) <= FLAT * last else ""
        tail = " to nothing" if last <= NOTHING * first else flat
        zigzag = rises > ZIGZAG * len(values)
        if values.max() > LEAP * first:
            leaps = "leaps up and swings" if zigzag else "leaps up"
            return ("leaps up, then falls" if last < first else leaps) + tail
        if zigzag:
            return "falls in zigzags" if last < first else "swings"
        return ("falls slowly" if last > SLOW * first else "falls") + tail


def _before(epochs: int) -> int:
    """The epoch, from 0, that the last one is compared with to see if the curve is flat."""
    return epochs - 1 - max(1, epochs // 10)
