"""What a workbook without a training is: not finished, frozen to values, or something else."""

from __future__ import annotations

import re

from gradbook.audit.findings.findings import FROZEN, UNFINISHED, SheetReport
from gradbook.audit.formula.address import column_of, row_of, sheet_of
from gradbook.audit.training.exercise import to_fill_in
from gradbook.audit.workbook.book import Book

WEIGHT = re.compile(r"w_?\d+(_\d+)?|b_?\d+", re.IGNORECASE)
GRADIENT = re.compile(r".*(∂|grad|d[a-z]*_?\d*/?d_?w|dw|δ).*", re.IGNORECASE)
FEW_WEIGHTS = 2
MANY_ROWS = 3  # numbers below a weight's heading that differ


def without_training(book: Book) -> list[SheetReport]:
    """Sheets whose headings speak of weights and gradients, though nothing learns there."""
    found = to_fill_in(book)
    if found:
        return found
    for number, sheet in enumerate(book.sheets):
        texts = {
            cell: value.strip()
            for cell, value in book.values.items()
            if isinstance(value, str) and sheet_of(cell) == number and cell not in book.patterns
        }
        weights = {cell: text for cell, text in texts.items() if WEIGHT.fullmatch(text)}
        gradients = any(GRADIENT.fullmatch(text) for text in texts.values() if len(text) < 40)
        if len(weights) < FEW_WEIGHTS or not gradients:
            continue
        frozen = any(_moves(book, cell) for cell in weights)
        note = (
            "the table holds numbers only: the formulas were replaced by their values, "
            "so nothing can be checked"
            if frozen
            else "no weight is updated anywhere, so there is no gradient to check"
        )
        found.append(
            SheetReport(
                sheet.title,
                FROZEN if frozen else UNFINISHED,
                weights=tuple(dict.fromkeys(weights.values())),
                notes=(note,),
            )
        )
    return found


def _moves(book: Book, heading: int) -> bool:
    """Whether different numbers stand below or beside a heading, and none is computed."""
    for step in (1 << 14, 1):
        numbers = []
        cell = heading + step
        while isinstance(book.values.get(cell), float) and cell not in book.patterns:
            numbers.append(book.values[cell])
            cell += step
            if column_of(cell) == 0 or row_of(cell) == 0:
                break
        if len(numbers) >= MANY_ROWS and len(set(numbers)) >= MANY_ROWS:
            return True
    return False
