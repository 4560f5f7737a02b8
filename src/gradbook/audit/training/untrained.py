"""What a workbook without a training is: to be filled in, unfinished, frozen, something else."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from gradbook.audit.findings.findings import (
    FROZEN,
    TO_FILL_IN,
    UNFINISHED,
    SheetReport,
    finding_in,
)
from gradbook.audit.formula.address import ACROSS, DOWN, Address, sheet_of
from gradbook.audit.formula.expression import references
from gradbook.audit.formula.pattern import CellReference
from gradbook.audit.training.weight_columns import WeightColumn, change, heading, update_lines
from gradbook.audit.workbook.book import Book

WEIGHT = re.compile(r"w_?\d+(_\d+)?|b_?\d+", re.IGNORECASE)
GRADIENT = re.compile(r".*(∂|grad|d[a-z]*_?\d*/?d_?w|dw|δ).*", re.IGNORECASE)
FEW_WEIGHTS = 2
FEWEST = 3  # cells of a weight that is updated
MANY_ROWS = 3  # numbers below a weight's heading that differ
NUMBERS_ONLY = (
    "the table holds numbers only: the formulas were replaced by their values, "
    "so nothing can be checked"
)
NO_UPDATE = "no weight is updated anywhere, so there is no gradient to check"


def without_training(book: Book) -> list[SheetReport]:
    """Exercises; else sheets whose headings speak of weights and gradients, though nothing learns
    there."""
    return _exercises(book) or _with_such_headings(book)


# Updates that wait for gradients which nobody has filled in yet ------------------------


def _exercises(book: Book) -> list[SheetReport]:
    """The sheets whose weights are updated by blank cells, with those cells.

    A sheet that repeats another for the same weights with a learning rate in every row, as the one
    behind the learning rates does, isn't there to be filled in.
    """
    waiting: defaultdict[int, list[tuple[WeightColumn, list[Address]]]] = defaultdict(list)
    for line in update_lines(book):
        blank = _blank(book, line) if len(line.cells) >= FEWEST else []
        if len(blank) >= FEWEST - 1:
            waiting[sheet_of(line.start)].append((line, blank))
    found = [(_exercise(book, sheet, lines), lines[0]) for sheet, lines in sorted(waiting.items())]
    first = {report.weights: report for report, _ in reversed(found)}
    return [
        report
        for report, (line, blank) in found
        if first[report.weights] is report or not _has_rates_in_rows(book, line, blank)
    ]


def _blank(book: Book, line: WeightColumn) -> list[Address]:
    """The blank cells that a line's updates mention, each in a place of its own."""
    found = []
    for base, cell in line.steps:
        pattern = book.patterns[cell]
        for _, part in change(pattern, base, cell):
            for reference in references(part):
                place = pattern.place_of(reference)
                at = place.at(cell) if place and place.moves else None
                if at is not None and at not in book.patterns and at not in book.values:
                    found.append(at)
    return found


def _has_rates_in_rows(book: Book, line: WeightColumn, blank: Sequence[Address]) -> bool:
    """Whether the updates take a number that goes along with their rows."""
    cell = line.updates[0]
    taken = {
        place.at(cell)
        for place in book.patterns[cell].places
        if isinstance(place, CellReference) and place.moves
    }
    return bool(taken - {line.start, *blank})


def _exercise(
    book: Book, sheet: int, lines: Sequence[tuple[WeightColumn, list[Address]]]
) -> SheetReport:
    """One finding for each weight, in however many tables of the sheet it waits."""
    blanks: defaultdict[str, list[Address]] = defaultdict(list)
    for line, blank in lines:
        blanks[heading(book, line)] += blank
    findings = tuple(
        finding_in(
            book,
            cells,
            TO_FILL_IN,
            quantity=f"∂E/∂{name}",
            why=f"the gradient of {name} is still to be filled in",
            weight=name,
        )
        for name, cells in blanks.items()
    )
    return SheetReport(
        book.sheets[sheet].title, UNFINISHED, weights=tuple(blanks), findings=findings
    )


# Headings of a training without one -----------------------------------------------------


def _with_such_headings(book: Book) -> list[SheetReport]:
    found = []
    for number, sheet in enumerate(book.sheets):
        texts = {
            cell: value.strip()
            for cell, value in book.values.items()
            if isinstance(value, str) and sheet_of(cell) == number and cell not in book.patterns
        }
        weights = {cell: text for cell, text in texts.items() if WEIGHT.fullmatch(text)}
        gradients = any(GRADIENT.fullmatch(text) for text in texts.values() if len(text) < 40)
        if len(weights) >= FEW_WEIGHTS and gradients:
            frozen = any(_has_numbers(book, cell) for cell in weights)
            found.append(
                SheetReport(
                    sheet.title,
                    FROZEN if frozen else UNFINISHED,
                    weights=tuple(dict.fromkeys(weights.values())),
                    notes=(NUMBERS_ONLY if frozen else NO_UPDATE,),
                )
            )
    return found


def _has_numbers(book: Book, heading: Address) -> bool:
    """Whether different numbers stand below or beside a heading, and none is computed."""
    for axis in (DOWN, ACROSS):
        numbers = set()
        cell = heading + axis.step
        while isinstance(book.values.get(cell), float) and cell not in book.patterns:
            numbers.add(book.values[cell])
            cell += axis.step
            if axis.along(cell) == 0:  # the end of the sheet
                break
        if len(numbers) >= MANY_ROWS:
            return True
    return False
