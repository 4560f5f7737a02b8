"""Books that learn by the perceptron rule, clean and spoilt; and what the audit makes of each."""

from __future__ import annotations

import random
from pathlib import Path

from gradbook.audit.check_book import check
from tests.audit.material.mutants import Outcome, blamed, repaired
from tests.audit.material.perceptrons.books import TITLE, PerceptronBook, Place, perceptron_book
from tests.audit.material.perceptrons.faults import FAULTS, Planting
from tests.audit.material.tables import leads_back, same_everywhere

LEAST_STEPS = 4  # in fewer nobody can say what is usual


def judged_clean(path: Path, number: int) -> Outcome:
    """What is said of the book of this number, in which nothing is wrong."""
    book = perceptron_book(number)
    report = check(book.table().save(path))
    right = report.verdict == "right" and bool(report.sheets[0].rule)
    words = f"{report.verdict} {[(f.cells, f.kind) for f in report.findings]}"
    return Outcome(number, "clean", (str(book.style), ""), right, right, words)


def judged_spoilt(path: Path, number: int) -> Outcome | None:
    """What is said of the mutant of this number; None where its fault finds no place."""
    made = spoilt(number)
    if made is None:
        return None
    kind, book, cells = made
    table = book.table()
    report = check(table.save(path))
    found = blamed(report) == {(TITLE, *cell) for cell in cells}
    again = repaired(table, report)
    right = found and check(again.save(path)).verdict == "right"
    right = right and same_everywhere(perceptron_book(number).table(), again, book.spots())
    said = [f"{f.cells}: {f.kind} {f.expected}" for f in report.findings]
    words = f"{sorted(cells)[:2]}, said {said or report.verdict}"
    return Outcome(number, kind, (str(book.style), ""), found, right, words)


def spoilt(number: int) -> tuple[str, PerceptronBook, set[Place]] | None:
    """The mutant of this number, and its wrong cells; None where its fault finds no place."""
    draw = random.Random(f"fault {number}")
    kind = draw.choice(list(FAULTS))
    clean, book = perceptron_book(number), perceptron_book(number)
    if book.steps < LEAST_STEPS:
        return None
    cells = FAULTS[kind](Planting(book, draw))
    if not cells:
        return None
    table, spots = book.table(), [(TITLE, *cell) for cell in cells]
    if leads_back(table, spots) or same_everywhere(clean.table(), table, book.updates()):
        return None
    return kind, book, cells
