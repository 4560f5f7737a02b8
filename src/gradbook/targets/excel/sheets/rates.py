"""The same training at other rates side by side, and the measures behind the verdict on each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from xlsxwriter.utility import xl_col_to_name, xl_range
from xlsxwriter.worksheet import Worksheet

from gradbook.cells.formula.syntax import write
from gradbook.graph.node import Array
from gradbook.language import mark, tr
from gradbook.net.description import split
from gradbook.palette import ERROR, GRADIENT, PAPER, QUIET, RATE, curve_colours
from gradbook.rates.criteria import (
    LEAST,
    LEFT,
    MEANINGS,
    NO_NUMBERS,
    Case,
    Verdict,
    lowest_reached,
    rests_on,
    sound_low,
)
from gradbook.targets.excel.live import LiveValue
from gradbook.targets.excel.plan.cell_layout import cell_value
from gradbook.targets.excel.plan.column_order import gradients
from gradbook.targets.excel.plan.verdict_cells import (
    ATTAINED_ROW,
    CONDITIONS,
    FACTS,
    FOLLOWING,
    HEAD,
    LEAST_ROW,
    LOWEST_ROW,
    MEASURES,
    RESTS_ON,
    SOUND_LOW,
    VERDICT,
    EpochCells,
    RateRow,
    attained_formula,
    following_formulas,
    least_formula,
    lowest_formula,
)
from gradbook.targets.excel.plan.workbook_plan import (
    HEAD_ROWS,
    NETWORK,
    RATES,
    RATES_WORK,
    TRAINING,
    VERDICTS_WORK,
    WorkbookPlan,
)
from gradbook.targets.excel.sheets.look import (
    BAD,
    GOOD,
    SMALL,
    TO_DO,
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
    (mark("verdict"), QUIET),
)
TINTS = {Verdict.GOOD: GOOD, Verdict.DIVERGES: BAD, Verdict.SATURATED: BAD}  # others: TO_DO
WAY, VERDICT_COLUMN, VERDICT_END, CHARTS_COLUMN = 4, 5, 7, 9
MEANING, MEANING_HEIGHT = 3, 38  # first column of a meaning; height of its three lines
CHART_COLUMNS = 6  # that one chart takes
CHART_SIZE = {"width": 520, "height": 330}
CHART_ROWS = 17


def write_rates(look: Look, book: WorkbookPlan) -> None:
    remark = tr(
        "Every rate below is a cell: type another, and its curve and verdict follow. All runs "
        "start from the same weights; η on the {network} sheet is not used here.",
        network=NETWORK,
    )
    sheet = look.sheet(RATES, tr("What the learning rate does"), remark, left=1)
    _Rates(sheet, look, book).write()


def meanings_row(book: WorkbookPlan) -> int:
    return TOP + len(book.rates) + 2


def curves_row(book: WorkbookPlan) -> int:
    """The first row of the curves' values, below the overview and the charts."""
    explained = meanings_row(book) + len(MEANINGS) if book.has_verdicts else 0
    charts = sum(map(bool, split(book.rates))) * CHART_ROWS
    return max(TOP + len(book.rates), TOP + charts, explained) + 2


@dataclass(frozen=True)
class _Rates(Page):
    book: WorkbookPlan

    def write(self) -> None:
        self.sheet.set_column(0, 0, 7)
        self.sheet.set_column(1, max(CHARTS_COLUMN + CHART_COLUMNS, len(self.book.rates)), 12)
        self.overview()
        if self.book.has_verdicts:
            self.meanings()
        self.curves()
        self.charts()

    def overview(self) -> None:
        """Write each rate with its errors, and its verdict from the working sheet."""
        book, sheet, look = self.book, self.sheet, self.look
        self.headings(TOP - 1, 1, HEADINGS if book.has_verdicts else HEADINGS[: WAY - 1])
        for number, rate in enumerate(book.rates):
            row, cells, errors = TOP + number, self.cells(number), self.errors(number)
            error = look.value(ERROR, SMALL)
            sheet.write_number(row, 1, rate, look.given(RATE))
            sheet.write_formula(row, 2, f"=MAX({cells.all})", error, cell_value(errors.max()))
            sheet.write_formula(row, 3, f"={cells.at(-1)}", error, cell_value(errors[-1]))
        if not book.has_verdicts:
            return
        for place in range(VERDICT_COLUMN + 1, VERDICT_END + 1):
            sheet.write_blank(TOP - 1, place, None, look.heading(QUIET))
        style, share = look.style(indent=1, bold=True), look.value(PAPER, "0 %", align="center")
        kinds = [(tr(word), TINTS.get(word, TO_DO)) for word in Verdict]
        for number, case in enumerate(book.cases):
            row = TOP + number
            left, verdict = (
                f"'{VERDICTS_WORK}'!{book.verdict_cells.cell(heading, number)}"
                for heading in (LEFT.name, VERDICT)
            )
            way: float | str = "" if case.breaks else max(1 - case.left, 0)
            sheet.write_formula(row, WAY, f'=IF({left}="","",MAX(1-{left},0))', share, way)
            sheet.merge_range(row, VERDICT_COLUMN, row, VERDICT_END, "", style)
            sheet.write_formula(row, VERDICT_COLUMN, f"={verdict}", style, tr(case.verdict()))
        last = TOP + len(book.rates) - 1
        verdicts = xl_range(TOP, VERDICT_COLUMN, last, VERDICT_END)
        look.colour_verdicts(sheet, verdicts, kinds)

    def meanings(self) -> None:
        """Explain the verdicts; `gradbook sweep` prints the same explanations."""
        row = meanings_row(self.book)
        self.look.underlined(self.sheet, row - 1, 1, VERDICT_END, tr("What the verdicts mean"))
        wrapped = self.look.style(text_wrap=True, font_color=QUIET.ink, font_size=9)
        for place, (verdict, meaning) in enumerate(MEANINGS.items(), row):
            self.sheet.set_row(place, MEANING_HEIGHT)
            named = self.look.style(bold=True, indent=1)
            self.sheet.merge_range(place, 1, place, MEANING - 1, tr(verdict), named)
            self.sheet.merge_range(place, MEANING, place, VERDICT_END, tr(meaning), wrapped)

    def errors(self, number: int) -> Array:
        return self.book.rate_records[number].values[self.book.step.loss]

    def cells(self, number: int) -> EpochCells:
        """The errors of a rate, referred to from this sheet."""
        return curve_cells(self.book, number, "")

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


def curve_cells(book: WorkbookPlan, number: int, sheet: str = RATES) -> EpochCells:
    """The errors of a rate on the sheet Learning rates."""
    return EpochCells(sheet, xl_col_to_name(number + 1), curves_row(book) + 1, book.epochs)


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
    _gate_headings(sheet, look, book)
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
        _write_gates(sheet, look, book, number)
    rows = len(book.rates) * book.epochs * book.step.samples
    look.plain_zeros(sheet, HEAD_ROWS, 1, rows, width)
    sheet.freeze_panes(HEAD_ROWS, 1)


def _gate_headings(sheet: Worksheet, look: Look, book: WorkbookPlan) -> None:
    style = look.heading(GRADIENT)
    for gate in book.gates:
        first = book.gate_columns[gate.name]
        title = tr("{layer} in the last epoch: slopes, gradients in and out", layer=gate.name)
        sheet.write_string(HEAD_ROWS - 2, first, title, look.style(italic=True))
        for place, words in enumerate(gate.headings, first):
            sheet.write_string(HEAD_ROWS - 1, place, words, style)
        sheet.set_column(first, first + len(gate.nodes) - 1, 10.5)


def _write_gates(sheet: Worksheet, look: Look, book: WorkbookPlan, number: int) -> None:
    """Write the share of the gradient that each activation passes on in a run's last epoch."""
    run, values = book.at_rate(number), book.rate_records[number].last
    speller, epoch = run.speller(RATES_WORK, book.guarded), book.epochs - 1
    style = look.value(GRADIENT, SMALL)
    for gate in book.gates:
        for place, node in enumerate(gate.nodes, book.gate_columns[gate.name]):
            formula_of = f"={write(speller.mention(node))}"
            for sample in range(book.step.samples):
                value = values[node][sample] if np.ndim(values[node]) else values[node]
                row = run.of_step.row(epoch) + sample
                formula = formula_of.format(**run.rows(epoch, sample))
                sheet.write_formula(row, place, formula, style, cell_value(value))


# The sheet Verdicts work -----------------------------------------------------

Shown = float | str | bool
NUMBER = "General"


def write_verdicts_work(look: Look, book: WorkbookPlan) -> None:
    """Write a row for each rate, and below, epoch by epoch, the values computed from its run."""
    remark = tr(
        "The verdicts on {rates} come from here: first the measures of each run, then the "
        "conditions that it meets. {command} uses the same ones.",
        rates=RATES,
        command="`gradbook sweep`",
    )
    sheet = look.sheet(VERDICTS_WORK, tr("What decides the verdicts"), remark)
    sheet.set_column(0, max(len(book.verdict_cells.headings), 6 * len(book.rates)), 13)
    page = Page(sheet, look)
    _shared(page, book)
    _facts(page, book)
    _following(page, book)
    sheet.freeze_panes(0, 1)


def _shared(page: Page, book: WorkbookPlan) -> None:
    """Write the losses that all rates are compared with."""
    cells, case = book.verdict_cells, book.cases[0]
    table = book.training.table(book.step.targets[0])
    first, last = book.step.targets[0], book.step.targets[-1]
    until = table.cell(last, 0, table.stride - 1).rpartition("!")[2]
    least = least_formula(book.step, f"{table.cell(first)}:{until}", len(book.step.targets))
    lowest, start = lowest_reached(book.cases, case.least), curve_cells(book, 0).at(0)
    style = page.look.value(ERROR, NUMBER)
    for row, words, formula, value in (
        (LEAST_ROW, LEAST.name, least, case.least),
        (LOWEST_ROW, mark("lowest loss reached"), lowest_formula(cells), lowest),
        (ATTAINED_ROW, mark("lowest loss known"), attained_formula(cells, start), case.best_known),
    ):
        page.sheet.write_string(row, 0, tr(words), page.look.name(ERROR))
        page.sheet.write_formula(row, 1, formula, style, cell_value(value))


def _facts(page: Page, book: WorkbookPlan) -> None:
    cells, look = book.verdict_cells, page.look
    wrapped = look.heading(QUIET, text_wrap=True, valign="top")
    page.sheet.set_row(HEAD, 48)
    for place, heading in enumerate(cells.headings):
        page.sheet.write_string(HEAD, place, cells.shown(heading), wrapped)
    for number, case in enumerate(book.cases):
        rate = f"'{RATES}'!$B${TOP + number + 1}"
        row = RateRow(cells, number, rate, curve_cells(book, number), book.gate_cells(number))
        values = _values(book, case)
        for place, heading in enumerate(cells.headings):
            style = look.value(RATE if not place else PAPER, NUMBER)
            value = values[heading]
            shows = value if isinstance(value, str | bool) else cell_value(value)
            page.sheet.write_formula(FACTS + number, place, row.formula(heading), style, shows)


def _values(book: WorkbookPlan, case: Case) -> dict[str, Shown]:
    """The results of the formulas in a rate's row."""
    values: dict[str, Shown] = {condition.name: case.holds(condition) for condition in CONDITIONS}
    gates = {gate.name: gate for gate in case.trial.gates}
    for measure in MEASURES:
        known = measure is NO_NUMBERS or not case.breaks
        values[measure.name] = case.number(measure) if known else ""
    for gate_columns in book.gates:
        gate = gates[gate_columns.name]
        values[gate_columns.share_heading] = "" if case.breaks else gate.openness
        steepest: Shown = "" if case.breaks else gate.steepest_of_all
        values[gate_columns.slope_heading] = steepest
    sound, rests = sound_low(case), rests_on(case, lowest_reached(book.cases, case.least))
    values |= {SOUND_LOW: "" if sound is None else sound, RESTS_ON: "" if rests is None else rests}
    return values | {VERDICT: tr(case.verdict())}


def _following(page: Page, book: WorkbookPlan) -> None:
    """Write, epoch by epoch, the remaining loss, the gradient, and the turns of the curve."""
    top, sheet, look = book.verdict_cells.epochs_row, page.sheet, page.look
    page.counted(top, 0, book.epochs)
    page.headings(top - 1, 0, [(mark("epoch"), QUIET)])
    style = look.value(GRADIENT, NUMBER)
    nodes = gradients(book.step)
    for number, case in enumerate(book.cases):
        first = 1 + number * len(FOLLOWING)
        title = f"=\"η = \"&'{RATES}'!$B${TOP + number + 1}"
        label = f"η = {book.rates[number]:.15g}"
        sheet.write_formula(top - 2, first, title, look.style(bold=True), label)
        for place, words in enumerate(FOLLOWING, first):
            sheet.write_string(top - 1, place, tr(words), look.heading(QUIET, text_wrap=True))
        table = book.at_rate(number).of_step
        left, right = (f"{table.column(node)}{{0}}" for node in (nodes[0], nodes[-1]))
        rows = [
            f"'{table.sheet}'!{left}:{right}".format(table.row(epoch) + 1)
            for epoch in range(book.epochs)
        ]
        trial, waves = case.trial, case.waves
        way = (np.arange(trial.epochs) < case.descent).astype(np.float64)
        values = case.excess, trial.slopes, trial.turns, way, waves.rising, waves.extreme
        losses = curve_cells(book, number)
        for kind, epoch, formula in following_formulas(losses, rows, book.verdict_cells, number):
            value = cell_value(values[kind][epoch])
            sheet.write_formula(top + epoch, first + kind, formula, style, value)
