"""What a workbook without a training is: not finished, frozen to values, or something else."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import pairwise

from gradbook.audit.findings.findings import FROZEN, TO_FILL_IN, UNFINISHED, Finding, SheetReport
from gradbook.audit.formula.address import Address, column_of, ranges, row_of, sheet_of
from gradbook.audit.formula.expression import references
from gradbook.audit.formula.pattern import CellReference
from gradbook.audit.training.weight_columns import WeightColumn, change, heading, update_lines
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


FEWEST = 3  # cells of a weight that is updated


def to_fill_in(book: Book) -> list[SheetReport]:
    """The sheets whose weights are updated by blank cells, with those cells.

    A sheet that repeats another for the same weights with a learning rate in every row, as the one
    behind the learning rates does, isn't there to be filled in.
    """
    waiting: defaultdict[int, list[tuple[WeightColumn, list[Address]]]] = defaultdict(list)
    for lane in update_lines(book):
        blank = _blank(book, lane) if len(lane.cells) >= FEWEST else []
        if len(blank) >= FEWEST - 1:
            waiting[sheet_of(lane.start)].append((lane, blank))
    found = [(_report(book, sheet, lanes), lanes) for sheet, lanes in sorted(waiting.items())]
    first = {report.weights: report for report, _ in reversed(found)}
    return [
        report
        for report, lanes in found
        if first[report.weights] is report or not _has_rates_in_rows(book, lanes)
    ]


def _has_rates_in_rows(book: Book, lanes: list[tuple[WeightColumn, list[Address]]]) -> bool:
    """Whether the updates take a number that goes along with their rows."""
    lane, blank = lanes[0]
    cell = lane.cells[1]
    taken = {
        place.at(cell)
        for place in book.patterns[cell].places
        if isinstance(place, CellReference) and place.moves
    }
    return bool(taken - {lane.cells[0], *blank})


def _blank(book: Book, lane: WeightColumn) -> list[Address]:
    found = []
    for base, cell in pairwise(lane.cells):
        pattern = book.patterns[cell]
        for _, part in change(pattern, base, cell):
            for reference in references(part):
                mention = pattern.mentions.get(reference.text)
                at = mention.at(cell) if isinstance(mention, CellReference) else None
                moves = isinstance(mention, CellReference) and mention.moves
                if at is not None and moves and at not in book.patterns and at not in book.values:
                    found.append(at)
    return found


def _report(book: Book, sheet: int, lanes: list[tuple[WeightColumn, list[Address]]]) -> SheetReport:
    """One finding for each weight, in however many tables of the sheet it waits."""
    title = book.sheets[sheet].title
    blanks: defaultdict[str, list[Address]] = defaultdict(list)
    for lane, blank in lanes:
        blanks[heading(book, lane)] += blank
    findings = tuple(
        Finding(
            kind=TO_FILL_IN,
            quantity=f"∂E/∂{name}",
            weight=name,
            cells=ranges(cells),
            formula="",
            expected="",
            why=f"the gradient of {name} is still to be filled in",
            sheet=title,
        )
        for name, cells in blanks.items()
    )
    return SheetReport(title, UNFINISHED, weights=tuple(blanks), findings=findings)
