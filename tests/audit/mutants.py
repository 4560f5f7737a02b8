"""One mutant: a random network's workbook, spoilt in one place, judged, repaired, judged again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from gradbook.audit.address import column_number
from gradbook.audit.check import check_book
from gradbook.audit.findings import BookReport
from tests.audit.faults import FAULTS, Columns, Spoilt, cells_of
from tests.audit.made import Table, known_table, random_network

EPOCHS = 5
TOGETHER = 6  # mutants of one network
BY_SAMPLE = {
    *("reference", "swapped", "operator", "parentheses", "sign", "factor", "number", "blank"),
    *("one row", "pre-activation", "forward reference", "pasted forward", "pasted gradient"),
}


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant."""

    number: int
    kind: str
    found: bool  # the very cells, and no others
    repaired: bool
    words: str


def tried(path: Path, number: int, samples: tuple[int, ...] = (1, 1, 2)) -> Outcome | None:
    """The mutant of this number; None where the network has no place for its fault."""
    planted = mutant(number, samples)
    if planted is None:
        return None
    report = check_book(planted.table.save(path))
    blamed = {
        (finding.sheet, *cell)
        for sheet in report.sheets
        for finding in sheet.findings
        for cell in cells_of(finding.cells)
    }
    found = blamed == {(planted.sheet, *cell) for cell in planted.cells}
    right = found and check_book(repaired(planted.table, report).save(path)).verdict == "right"
    return Outcome(number, planted.kind, found, right, _words(planted, report))


def mutant(number: int, samples: tuple[int, ...]) -> Spoilt | None:
    draw = random.Random(number)
    shape = random.Random(number // TOGETHER)
    table = known_table(random_network(shape, shape.choice(samples)), EPOCHS)
    kind = draw.choice(list(FAULTS))
    sheet = "Samples" if kind in BY_SAMPLE and "Samples" in table.sheets else "Training"
    return FAULTS[kind](Columns(table, sheet), draw, kind)


def repaired(table: Table, report: BookReport) -> Table:
    """The table with every formula that the report offers."""
    found = table.copy()
    for sheet in report.sheets:
        for finding in sheet.findings:
            for cell, formula in finding.fixes.items():
                word = cell.rstrip("0123456789")
                place = int(cell[len(word) :]) - 1, column_number(word)
                found.sheets[finding.sheet][place] = formula
    return found


def _words(planted: Spoilt, report: BookReport) -> str:
    said = [f"{f.cells}: {f.kind}" for sheet in report.sheets for f in sheet.findings]
    return (
        f"{planted.kind} in {planted.sheet} {sorted(planted.cells)[:2]}, said {said or 'nothing'}"
    )
