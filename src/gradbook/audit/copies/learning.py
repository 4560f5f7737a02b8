"""The loss as a book makes it and as the corrected gradients would."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import fsum, isfinite

from gradbook.audit.copies.annotate import cells_of
from gradbook.audit.findings.findings import Curve, Finding
from gradbook.audit.formula.address import Address
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.evaluate import Evaluation
from gradbook.audit.workbook.flow import Flow

FEWEST = 2  # steps that make a curve


def loss_curve(
    book: Book, flow: Flow, loss: Sequence[Sequence[Address]], findings: Iterable[Finding]
) -> Curve | None:
    """The loss of each step as it is, and with every formula that is known to be right.

    None where nothing is known to correct, or too little of either can be computed.
    """
    instead = right_formulas(book, findings)
    cells = [step for step in loss if step]
    if not instead or len(cells) < FEWEST:
        return None
    made = tuple(_given(book, step) for step in cells)
    if not all(map(isfinite, made)):
        made = _losses(Evaluation(book, flow), cells)
    corrected = _losses(Evaluation(book, flow, instead), cells)
    enough = all(sum(map(isfinite, losses)) >= FEWEST for losses in (made, corrected))
    return Curve(made, corrected) if enough else None


def right_formulas(book: Book, findings: Iterable[Finding]) -> dict[Address, Pattern]:
    """Each wrong cell with the formula that belongs there."""
    found: dict[Address, Pattern] = {}
    for finding in findings:
        number = book.sheet_number(finding.sheet)
        for name, formula in finding.fixes.items() if number is not None else ():
            for cell in cells_of(name, number or 0):
                found.setdefault(cell, book.reader.pattern(formula.removeprefix("="), cell))
    return found


def _given(book: Book, cells: Sequence[Address]) -> float:
    """What the file says the loss is."""
    values = [book.values.get(cell) for cell in cells]
    return fsum(v if isinstance(v, float) else float("nan") for v in values)


def _losses(numbers: Evaluation, steps: Sequence[Sequence[Address]]) -> tuple[float, ...]:
    return tuple(sum(numbers.value(cell) for cell in step) for step in steps)
