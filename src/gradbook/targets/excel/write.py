"""Writes the whole workbook, sheet by sheet."""

from __future__ import annotations

from gradbook.targets.excel.grids.sheet import write_grids
from gradbook.targets.excel.plan.book import (
    ANSWERS,
    ANSWERS_WORK,
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
    VERDICTS_WORK,
    WorkbookPlan,
)
from gradbook.targets.excel.sheets.answers import write_answers, write_answers_work
from gradbook.targets.excel.sheets.check import write_check
from gradbook.targets.excel.sheets.check_work import write_check_work
from gradbook.targets.excel.sheets.derivation import write_derivation
from gradbook.targets.excel.sheets.exercise import write_exercise
from gradbook.targets.excel.sheets.look import FormulaSheet, Look, content_of, new_workbook
from gradbook.targets.excel.sheets.network import write_network
from gradbook.targets.excel.sheets.rates import write_rates, write_rates_work
from gradbook.targets.excel.sheets.table import columns
from gradbook.targets.excel.sheets.training import write_samples, write_training
from gradbook.targets.excel.sheets.verdicts import write_verdicts_work

SHEETS = {
    NETWORK: write_network,
    DERIVATION: write_derivation,
    TRAINING: write_training,
    SAMPLES: write_samples,
    GRIDS: write_grids,
    RATES: write_rates,
    RATES_WORK: write_rates_work,
    VERDICTS_WORK: write_verdicts_work,
    CHECK: write_check,
    CHECK_WORK: write_check_work,
    ANSWERS: write_answers,
    ANSWERS_WORK: write_answers_work,
    EXERCISE: write_exercise,
}


def written(book: WorkbookPlan) -> bytes:
    """The content of its file."""
    for name in (TRAINING, SAMPLES):  # refused before anything long is begun
        columns(book.training, name, book.starts, ())
    workbook = new_workbook()
    workbook.worksheet_class = FormulaSheet
    workbook.set_properties(_properties(book))
    look = Look(workbook)
    for name in book.sheets:
        SHEETS[name](look, book)
    for name in book.behind:
        workbook.get_worksheet_by_name(name).hide()
    return content_of(workbook)


def _properties(book: WorkbookPlan) -> dict[str, str]:
    name = book.step.net.name or "a network"
    return {
        "title": f"Backpropagation worked: {name}",
        "subject": "Every value a cell, every step a formula, one row per epoch",
        "keywords": "backpropagation, chain rule, gradient descent",
        "comments": str(book.step.net),
    }
