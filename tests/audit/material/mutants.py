"""One mutant: a random network's workbook, spoilt, laid out in some style, judged, repaired."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from gradbook.audit.check_book import check
from gradbook.audit.copies.correct import correct
from gradbook.audit.findings import BookReport
from gradbook.cells.formula.address import column_number
from tests.audit.material.faults import FAULTS, OF_TRAINING
from tests.audit.material.made import Table, cells_of, known_table, random_network
from tests.audit.material.styles import PLACES, STYLES, WORDS
from tests.audit.material.tables import TRAINING, Columns

EPOCHS = 5
TOGETHER = 6  # mutants of one network


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant."""

    number: int
    kind: str
    style: tuple[str, str]
    found: bool  # the very cells, and no others
    repaired: bool
    words: str


def tried(path: Path, number: int, samples: tuple[int, ...] = (1, 1, 2)) -> Outcome | None:
    """The mutant of this number; None where the network has no place for its fault."""
    made = mutant(number, samples)
    if made is None:
        return None
    kind, style, table = made
    report = check(table.save(path))
    if report.verdict == "right" and any(
        "a factor that all share" in n for s in report.sheets for n in s.notes
    ):
        return None  # all gradients were multiplied alike, which is no mistake
    found = blamed(report) == table.marked
    right = found and is_right_once_corrected(path, report)
    return Outcome(number, kind, style, found, right, _words(table, report))


def blamed(report: BookReport) -> set[tuple[str, int, int]]:
    """The sheet, row and column of every cell that something is found in."""
    return {
        (finding.sheet, *cell)
        for sheet in report.sheets
        for finding in sheet.findings
        for cell in cells_of(finding.cells)
    }


def clean_book(path: Path, number: int, style: tuple[str, str]) -> BookReport:
    """What is said of a random network's workbook, in some style, in which nothing is wrong."""
    draw = random.Random(number // TOGETHER)
    table = known_table(random_network(draw, draw.choice([1, 1, 2, 3])), EPOCHS)
    return check(STYLES[style](table).save(path))


def mutant(number: int, samples: tuple[int, ...]) -> tuple[str, tuple[str, str], Table] | None:
    """A kind of mistake, a style, and the table that has both."""
    draw = random.Random(number)
    shape = random.Random(number // TOGETHER)
    table = known_table(random_network(shape, shape.choice(samples)), EPOCHS)
    kind = draw.choice(list(FAULTS))
    sampled = "Samples" in table.sheets and kind not in OF_TRAINING
    spoilt = FAULTS[kind](Columns(table, "Samples" if sampled else TRAINING), draw)
    if spoilt is None:
        return None
    style = drawn_style(draw)
    return kind, style, STYLES[style](spoilt)


def drawn_style(draw: random.Random) -> tuple[str, str]:
    while True:
        style = draw.choice(list(PLACES)), draw.choice(list(WORDS))
        if style in STYLES:
            return style


def is_right_once_corrected(path: Path, report: BookReport) -> bool:
    """Whether the corrected copy of a book, which takes its place, is right."""
    path.write_bytes(correct(path, report).content)
    return check(path).verdict == "right"


def repaired(table: Table, report: BookReport) -> Table:
    """The table with every formula that the report offers, to be computed anew."""
    found = table.copy()
    found.values = None
    for sheet in report.sheets:
        for finding in sheet.findings:
            for cell, formula in finding.fixes.items():
                word = cell.rstrip("0123456789")
                place = int(cell[len(word) :]) - 1, column_number(word)
                found.sheets[finding.sheet][place] = formula
    return found


def _words(planted: Table, report: BookReport) -> str:
    said = [f"{f.sheet}!{f.cells}: {f.kind}" for sheet in report.sheets for f in sheet.findings]
    return f"{sorted(planted.marked)[:2]}, said {said or report.verdict}"
