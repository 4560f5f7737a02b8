"""Networks worked once, with a mistake or none; and what the audit makes of the book."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from gradbook.audit.check_book import check
from gradbook.audit.findings import BookReport
from gradbook.cells.formula.address import cells_of, name_of
from tests.audit.material.layouts.planted import Judged
from tests.audit.material.mutants import is_right_once_corrected
from tests.audit.material.worked_once import matrices, plane
from tests.audit.material.worked_once.book import WorkedBook

Drawn = Callable[[int, str], WorkedBook]

LAYOUTS: dict[str, tuple[Drawn, tuple[str, ...]]] = {
    "matrices": (matrices.matrix_book, matrices.FAULTS),
    "in the plane": (plane.plane_book, plane.FAULTS),
}
"""How a network is laid out: how one is drawn, and which mistakes can be planted in it."""


def clean(path: Path, number: int, layout: str) -> Judged:
    """What is said of a network in which nothing is wrong."""
    book = LAYOUTS[layout][0](number, "")
    report = check(book.save(path))
    counted = sum(len(sheet.weights) for sheet in report.sheets)
    right = report.verdict == "right" and counted == book.gradients
    words = f"{report.verdict}, {counted} of {book.gradients} gradients {_blamed(report)}"
    return Judged(number, "clean", right, right, words)


def spoilt(path: Path, number: int, layout: str) -> Judged | None:
    """What is said of one mistake; None where there is no place for it."""
    draw, faults = LAYOUTS[layout]
    fault = random.Random(f"{number} {layout}").choice(faults)
    book = draw(number, fault)
    if not book.wrong:
        return None
    report = check(book.save(path))
    blamed = _blamed(report)
    found = len(blamed) == 1 and bool(blamed[0]) and blamed[0] <= book.wrong
    right = found and is_right_once_corrected(path, report)
    words = f"{sorted(book.wrong)[:4]}, said {[sorted(b)[:4] for b in blamed] or report.verdict}"
    return Judged(number, fault, found, right, words)


def _blamed(report: BookReport) -> list[set[str]]:
    """The cells of each finding."""
    return [{name_of(cell) for cell in cells_of(found.cells, 0)} for found in report.findings]
