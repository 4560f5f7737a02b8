"""Writes the whole workbook, sheet by sheet."""

from __future__ import annotations

from gradbook.language import tr
from gradbook.targets.excel.grids.grids_sheet import write_grids
from gradbook.targets.excel.plan.record import KNOWN_BY, ExerciseRecord
from gradbook.targets.excel.plan.workbook_plan import (
    CHECK,
    CHECK_WORK,
    DERIVATION,
    EXERCISE,
    GRIDS,
    NETWORK,
    RATES,
    RATES_WORK,
    SAMPLES,
    TRAINING,
    WorkbookPlan,
)
from gradbook.targets.excel.sheets.check import write_check, write_check_work
from gradbook.targets.excel.sheets.derivation import write_derivation
from gradbook.targets.excel.sheets.look import Look, content_of, new_workbook
from gradbook.targets.excel.sheets.network import write_network
from gradbook.targets.excel.sheets.rates import write_rates, write_rates_work
from gradbook.targets.excel.sheets.training import columns, write_samples, write_training

FIRST_ROW = 3
LONGEST_CELL = 30_000  # characters, of the 32,767 that fit into a cell


def write_exercise(look: Look, book: WorkbookPlan) -> None:
    """The hidden sheet Exercise: what to fill in, in cells that every spreadsheet program keeps."""
    remark = tr(
        "{command} reads from this sheet which network this is and which cells must be filled in.",
        command="gradbook check",
    )
    sheet = look.sheet(EXERCISE, tr("What to fill in"), remark)
    asked = book.exercise.kind_of(book.step) if book.exercise else {}
    record = ExerciseRecord(
        str(book.step.source),
        book.rate,
        tuple((kind, str(node.name)) for node, kind in asked.items()),
        {key: tr(words) for key, words in KNOWN_BY.items()},
        book.exercise.key if book.exercise else "",
        book.epochs,
    )
    for row, line in enumerate(record.lines(), FIRST_ROW):
        for column, start in enumerate(range(0, max(len(line), 1), LONGEST_CELL)):
            part = line[start : start + LONGEST_CELL]
            sheet.write_string(row, column, part, look.text)


SHEETS = {
    NETWORK: write_network,
    DERIVATION: write_derivation,
    TRAINING: write_training,
    SAMPLES: write_samples,
    GRIDS: write_grids,
    RATES: write_rates,
    RATES_WORK: write_rates_work,
    CHECK: write_check,
    CHECK_WORK: write_check_work,
    EXERCISE: write_exercise,
}


def workbook_content(book: WorkbookPlan) -> bytes:
    """The content of the workbook's file."""
    for name in (TRAINING, SAMPLES):  # refused before the slow work begins
        columns(book.training, name, book.starts, ())
    workbook = new_workbook()
    workbook.set_properties(_properties(book))
    look = Look(workbook)
    for name in book.sheets:
        SHEETS[name](look, book)
    for name in book.behind:
        workbook.get_worksheet_by_name(name).hide()
    return content_of(workbook)


def _properties(book: WorkbookPlan) -> dict[str, str]:
    name = book.step.source.name or tr("a network")
    return {
        "title": tr("Backpropagation worked: {network}", network=name),
        "subject": tr("Every value a cell, every step a formula, one row per epoch"),
        "keywords": tr("backpropagation, chain rule, gradient descent"),
        "comments": str(book.step.source),
    }
