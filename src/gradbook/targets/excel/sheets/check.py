"""The sheets Check and Check work: each gradient beside the slope that a nudge measures."""

from __future__ import annotations

from xlsxwriter.worksheet import Worksheet

from gradbook.graph.node import Node
from gradbook.palette import ERROR, GRADIENT, PAPER, QUIET, RATE, WEIGHT
from gradbook.targets.excel.language.grammar import digits as typed
from gradbook.targets.excel.plan import nudges
from gradbook.targets.excel.plan.book import (
    CHECK,
    CHECK_NAME,
    CHECK_WORK,
    EPOCH_NAME,
    NUDGE_NAME,
    WorkbookPlan,
)
from gradbook.targets.excel.plan.nudges import AGREES, BASE_ROW, DIFFERS, FIRST_ROW, NUDGE, OPEN
from gradbook.targets.excel.plan.values import shown
from gradbook.targets.excel.sheets.look import PLAIN, SMALL, Look, colour, digits
from gradbook.targets.excel.sheets.table import columns

TOP = 7  # the first row with a weight
HEADINGS = (
    ("weight", WEIGHT, 10),
    ("its value", WEIGHT, 13),
    ("∂E/∂w by formula", GRADIENT, 18),
    ("error, nudged down", ERROR, 19),
    ("error, nudged up", ERROR, 19),
    ("slope measured", GRADIENT, 18),
    ("apart by", QUIET, 13),
    ("verdict", QUIET, 13),
)


def write_check(look: Look, book: WorkbookPlan) -> None:
    title = "Do the gradients agree with what a nudge measures?"
    remark = (
        "Each weight is nudged down and up; how much the error changes is its slope. "
        f"No chain rule is needed for that: {CHECK_WORK} only runs forwards."
    )
    sheet = look.sheet(CHECK, title, remark, left=1, repeated=TOP - 1)
    sheet.set_column(0, 0, 2)
    for place, (_, _, width) in enumerate(HEADINGS, 1):
        sheet.set_column(place, place, width)
    _head(sheet, look, book)
    for row, weight in enumerate(book.nudges.weights, TOP):
        _row(sheet, look, book, row, weight)
    last = TOP + len(book.nudges.weights)
    look.colour_verdicts(sheet, f"I{TOP + 1}:I{last}")
    sheet.freeze_panes(TOP, 0)


def _head(sheet: Worksheet, look: Look, book: WorkbookPlan) -> None:
    settings = ((3, "nudge", NUDGE, NUDGE_NAME), (4, "epoch", 1, EPOCH_NAME))
    for row, words, value, name in settings:
        sheet.write_string(row, 1, words, look.name(RATE))
        sheet.write_number(row, 2, value, look.given(RATE))
        look.workbook.define_name(name, f"={CHECK}!$C${row + 1}")
    whole = {"validate": "integer", "criteria": "between", "minimum": 1, "maximum": book.epochs}
    complaint = f"A whole number from 1 to {book.epochs}"
    whole |= {"error_title": "No such epoch", "error_message": complaint}
    sheet.data_validation(4, 2, 4, 2, whole)
    sheet.merge_range(3, 4, 3, 6, "", look.verdict())
    checked, trained = len(book.nudges.weights), len(book.step.gradients)
    summary = _summary(checked, book.nudges.noun)
    sheet.write_formula(3, 4, summary, look.verdict(), book.check_summary)
    look.colour_verdicts(sheet, "E4")
    look.workbook.define_name(CHECK_NAME, f"={CHECK}!$E$4")
    if checked < trained:
        words = f"{checked} of the {trained} trained weights are checked."
        sheet.write_string(4, 4, words, look.remark)
    for place, (words, tint, _) in enumerate(HEADINGS, 1):
        sheet.write_string(TOP - 1, place, words, look.heading(tint))


def _summary(total: int, noun: str) -> str:
    verdicts = f"I{TOP + 1}:I{TOP + total}"
    counts = {word: f'COUNTIF({verdicts},"{word}")' for word in (AGREES, DIFFERS, OPEN)}
    return (
        f'=IF({counts[AGREES]}={total},"all {total} {noun} agree",'
        f'IF({counts[DIFFERS]}>0,{counts[DIFFERS]}&" of {total} {noun} differ",'
        f'{counts[OPEN]}&" of {total} {noun} to fill in"))'
    )


def _row(sheet: Worksheet, look: Look, book: WorkbookPlan, row: int, weight: Node) -> None:
    plan, here = book.nudges, row + 1
    gradient, slope = book.step.gradients[weight], plan.slopes[weight]
    number = 2 * plan.weights.index(weight)
    passes = plan.run(weight).of_step
    up, down = (passes.cell(book.step.loss, number + side) for side in (0, 1))
    known = gradient not in book.blank
    by_formula = float(book.record.values[gradient][0]) if known else 0.0
    chosen = _in_chosen_epoch(book, gradient)
    start = float(book.step.start[weight])
    exact = look.value(ERROR, "0.000000000000")
    apart = look.value(PAPER, "0.0E+00", align="center")
    cells: tuple[tuple[str, float | str, object], ...] = (
        (f"='{CHECK_WORK}'!{plan.base(weight)}", start, look.value(WEIGHT, PLAIN)),
        (f'=IF({chosen}="","",{chosen})', by_formula if known else "", look.value(GRADIENT, SMALL)),
        (f"={down}", slope.below, exact),
        (f"={up}", slope.above, exact),
        (f"=(F{here}-E{here})/(2*{NUDGE_NAME})", slope.value, look.value(GRADIENT, SMALL)),
        (
            f'=IF(D{here}="","",ABS(D{here}-G{here}))',
            abs(by_formula - slope.value) if known else "",
            apart,
        ),
    )
    sheet.write_string(row, 1, str(weight.name), look.name(WEIGHT))
    for place, (formula, value, style) in enumerate(cells, 2):
        result = value if isinstance(value, str) else shown(value)
        sheet.write_formula(row, place, formula, style, result)
    sheet.write_formula(row, 8, _verdict(book, here), look.verdict(), book.verdict(weight))


def _in_chosen_epoch(book: WorkbookPlan, node: Node) -> str:
    return f"INDEX({book.training.of_step.over_epochs(node, book.epochs)},{EPOCH_NAME})"


def _verdict(book: WorkbookPlan, row: int) -> str:
    """agrees, differs or to fill in; at a ReLU's corner the slopes of both sides are right."""
    error = _in_chosen_epoch(book, book.step.loss)
    allowed = f"{typed(nudges.NEAR)}*MAX(ABS(D{row}),ABS(G{row}))+{typed(nudges.FLOOR)}*{error}"
    near = f"ABS(D{row}-G{row})<={allowed}"
    if book.nudges.has_corners:
        left, right = f"(({error}-E{row})/{NUDGE_NAME})", f"((F{row}-{error})/{NUDGE_NAME})"
        bend = f"ABS({right}-{left})"
        bent = f"{bend}>{typed(nudges.BEND)}*MAX(ABS({left}),ABS({right}))"
        beside = f"MIN(ABS(D{row}-{left}),ABS(D{row}-{right}))<={typed(nudges.BESIDE)}*{bend}"
        near = f"OR({near},AND({bent},{beside}))"
    return (
        f'=IF(D{row}="","{OPEN}",IF(ISNUMBER(D{row}-G{row}),'
        f'IF({near},"{AGREES}","{DIFFERS}"),"{DIFFERS}"))'
    )


# The working sheet -----------------------------------------------------------


def write_check_work(look: Look, book: WorkbookPlan) -> None:
    """The weights as they are, and below them a forward pass for each nudge."""
    plan = book.nudges
    remark = (
        f"All weights as they are in the epoch that {CHECK} asks for, then one nudged at a time."
    )
    title = "The forward passes behind the check"
    sheet = look.sheet(CHECK_WORK, title, remark, repeated=FIRST_ROW - 1)
    sheet.set_column(0, 0, 12)
    sheet.set_column(1, 1 + max(len(plan.values), len(book.step.weights)) + 1, 10.5)
    sheet.write_blank(BASE_ROW - 1, 0, None, look.heading(WEIGHT))
    sheet.write_string(BASE_ROW, 0, "as it is", look.name(WEIGHT))
    for place, weight in enumerate(book.step.weights, 2):
        sheet.write_string(BASE_ROW - 1, place, str(weight.name), look.heading(WEIGHT))
        formula, start = f"={_in_chosen_epoch(book, weight)}", float(book.step.start[weight])
        sheet.write_formula(BASE_ROW, place, formula, look.value(WEIGHT, PLAIN), start)
    _pass_headings(sheet, look, book)
    for number, weight in enumerate(plan.weights):
        _passes(sheet, look, book, number, weight)
    rows = 2 * len(plan.weights) * book.step.samples
    look.plain_zeros(sheet, FIRST_ROW, 1, rows, len(plan.values) + 2)
    sheet.freeze_panes(FIRST_ROW, 2 + book.several)


def _pass_headings(sheet: Worksheet, look: Look, book: WorkbookPlan) -> None:
    plan, row = book.nudges, FIRST_ROW - 1
    sheet.write_string(row, 0, "nudged", look.heading(WEIGHT))
    sheet.write_string(row, 1, "to", look.heading(WEIGHT))
    if book.several:
        sheet.write_string(row, 2, "sample", look.heading(QUIET))
    run = plan.run(plan.weights[0])
    for table in (run.of_step, run.of_sample):
        for node, place in table.columns.items():
            sheet.write_string(row, place, str(node.name), look.heading(colour(node.name)))


def _passes(sheet: Worksheet, look: Look, book: WorkbookPlan, number: int, weight: Node) -> None:
    """One weight nudged up, then down."""
    plan, samples = book.nudges, book.step.samples
    run = plan.run(weight)
    parts = columns(run, CHECK_WORK, {}, book.guarded)
    for side, (sign, way, step) in enumerate((("+", "up", NUDGE), ("-", "down", -NUDGE))):
        epoch = 2 * number + side
        top = run.of_step.row(epoch)
        sheet.write_string(top, 0, f"{weight.name} {way}", look.name(WEIGHT))
        nudged = float(book.step.start[weight]) + step
        formula = f"={plan.base(weight)}{sign}{NUDGE_NAME}"
        sheet.write_formula(top, 1, formula, look.value(WEIGHT, "0.00000000"), nudged)
        values = plan.passes[weight][side]
        for part in parts:
            style = look.value(colour(part.node.name), digits(part.node.name))
            for sample in range(samples if part.node.each else 1):
                found = values[part.node]
                value = shown(found[sample] if part.node.each else found)
                text = str(part.content(run, epoch, sample))
                sheet.write_formula(top + sample, part.place, text, style, value)
        for sample in range(samples if book.several else 0):
            sheet.write_number(top + sample, 2, sample + 1, look.count)
