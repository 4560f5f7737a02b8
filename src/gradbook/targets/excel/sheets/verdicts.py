"""The sheet Verdicts work: what the verdict on each rate is made of, measure by measure."""

from __future__ import annotations

from xlsxwriter.worksheet import Worksheet

from gradbook.palette import ERROR, GRADIENT, PAPER, QUIET, RATE
from gradbook.rates.criteria import LEAST, NO_NUMBERS, Case, lowest_reached, rests_on, sound_low
from gradbook.targets.excel.plan.book import RATES, VERDICTS_WORK, WorkbookPlan
from gradbook.targets.excel.plan.columns import gradients
from gradbook.targets.excel.plan.layout import RunLayout
from gradbook.targets.excel.plan.values import shown
from gradbook.targets.excel.plan.verdicts import (
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
    RateRow,
    attained_formula,
    following_formulas,
    least_formula,
    lowest_formula,
)
from gradbook.targets.excel.sheets.look import Look
from gradbook.targets.excel.sheets.rates import TOP, curve_cells

Shown = float | str | bool
NUMBER = "General"


def write_verdicts_work(look: Look, book: WorkbookPlan) -> None:
    """A row for each rate, and below it what follows each rate's run epoch by epoch."""
    remark = (
        f"The words on {RATES} come from here: measures of each run first, then what holds of "
        "them. `gradbook sweep` asks the same."
    )
    sheet = look.sheet(VERDICTS_WORK, "What decides the verdicts", remark)
    sheet.set_column(0, max(len(book.verdict_cells.headings), 6 * len(book.rates)), 13)
    _shared(sheet, look, book)
    _facts(sheet, look, book)
    _following(sheet, look, book)
    sheet.freeze_panes(0, 1)


def _shared(sheet: Worksheet, look: Look, book: WorkbookPlan) -> None:
    """The losses that all rates are measured by."""
    cells, case = book.verdict_cells, book.cases[0]
    table = book.training.table(book.step.targets[0])
    first, last = book.step.targets[0], book.step.targets[-1]
    until = table.cell(last, 0, table.stride - 1).rpartition("!")[2]
    targets = f"{table.cell(first)}:{until}"
    rows = (
        (LEAST_ROW, LEAST.name, least_formula(book.step, targets, len(book.step.targets))),
        (LOWEST_ROW, "lowest loss reached", lowest_formula(cells)),
        (ATTAINED_ROW, "lowest loss known", attained_formula(cells, curve_cells(book, 0).at(0))),
    )
    found = (case.least, lowest_reached(book.cases, case.least), case.attained)
    for (row, words, formula), value in zip(rows, found, strict=True):
        sheet.write_string(row, 0, words, look.name(ERROR))
        sheet.write_formula(row, 1, formula, look.value(ERROR, NUMBER), shown(value))


def _facts(sheet: Worksheet, look: Look, book: WorkbookPlan) -> None:
    cells = book.verdict_cells
    wrapped = look.heading(QUIET, text_wrap=True, valign="top")
    sheet.set_row(HEAD, 48)
    for place, heading in enumerate(cells.headings):
        sheet.write_string(HEAD, place, heading, wrapped)
    for number, case in enumerate(book.cases):
        rate = f"'{RATES}'!$B${TOP + number + 1}"
        row = RateRow(cells, number, rate, curve_cells(book, number), book.gate_cells(number))
        values = _values(book, case)
        for place, heading in enumerate(cells.headings):
            style = look.value(RATE if not place else PAPER, NUMBER)
            value = values[heading]
            shows = value if isinstance(value, str | bool) else shown(value)
            sheet.write_formula(FACTS + number, place, row.formula(heading), style, shows)


def _values(book: WorkbookPlan, case: Case) -> dict[str, Shown]:
    """What the formulas of a rate's row come to."""
    found: dict[str, Shown] = {condition.name: case.holds(condition) for condition in CONDITIONS}
    gates = {gate.name: gate for gate in case.trial.gates}
    for measure in MEASURES:
        known = measure is NO_NUMBERS or not case.breaks
        found[measure.name] = case.number(measure) if known else ""
    for own in book.gates:
        gate = gates[own.name]
        found[own.share_heading] = "" if case.breaks else gate.openness
        steepest: Shown = "" if case.breaks else gate.steepest_of_all
        found[own.slope_heading] = steepest
    sound, rests = sound_low(case), rests_on(case, lowest_reached(book.cases, case.least))
    found |= {SOUND_LOW: "" if sound is None else sound, RESTS_ON: "" if rests is None else rests}
    return found | {VERDICT: str(case.says())}


def _following(sheet: Worksheet, look: Look, book: WorkbookPlan) -> None:
    """Epoch by epoch: what is left to learn, the gradient, and how the curve turns."""
    top = book.verdict_cells.epochs_row
    for epoch in range(book.epochs):
        sheet.write_number(top + epoch, 0, epoch + 1, look.count)
    sheet.write_string(top - 1, 0, "epoch", look.heading(QUIET))
    style = look.value(GRADIENT, NUMBER)
    for number, case in enumerate(book.cases):
        first = 1 + number * len(FOLLOWING)
        title = f"=\"η = \"&'{RATES}'!$B${TOP + number + 1}"
        label = f"η = {book.rates[number]:.15g}"
        sheet.write_formula(top - 2, first, title, look.style(bold=True), label)
        for place, words in enumerate(FOLLOWING, first):
            sheet.write_string(top - 1, place, words, look.heading(QUIET, text_wrap=True))
        values = _followed(case)
        for kind, epoch, formula in following_formulas(
            curve_cells(book, number),
            gradient_rows(book, book.at_rate(number)),
            book.verdict_cells,
            number,
        ):
            value = shown(values[kind][epoch])
            sheet.write_formula(top + epoch, first + kind, formula, style, value)


def _followed(case: Case) -> tuple[list[float], ...]:
    """The values of each kind, epoch by epoch."""
    trial, waves = case.trial, case.waves
    way = [float(epoch < case.descent) for epoch in range(trial.epochs)]
    return (
        case.excess.tolist(),
        trial.slopes.tolist(),
        trial.turns.tolist(),
        way,
        waves.rising.tolist(),
        waves.extreme.tolist(),
    )


def gradient_rows(book: WorkbookPlan, run: RunLayout) -> list[str]:
    """The cells of all gradients, an epoch each."""
    nodes = gradients(book.step)
    table = run.of_step
    ends = [table.column(node) for node in (nodes[0], nodes[-1])]
    rows = (table.row(epoch) + 1 for epoch in range(book.epochs))
    sheet = f"'{table.sheet}'!"
    return [f"{sheet}{ends[0]}{row}:{ends[1]}{row}" for row in rows]
