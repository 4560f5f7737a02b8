"""How many gradients of a sheet or a book are right, wrong, or still to be filled in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gradbook.audit.findings.findings import TO_FILL_IN, BookReport, SheetReport

GOOD, BAD, BLANK = "right", "wrong", "to fill in"


@dataclass(frozen=True)
class Mark:
    """What became of one gradient."""

    sheet: str
    weight: str
    state: str


@dataclass(frozen=True)
class Grade:
    """What became of all of them."""

    marks: tuple[Mark, ...]

    def count(self, state: str) -> int:
        return sum(mark.state == state for mark in self.marks)


def grade(report: BookReport) -> Grade:
    """Every gradient of a book; none where nothing could be checked."""
    return Grade(tuple(mark for sheet in report.sheets for mark in _marks(sheet)))


def _marks(sheet: SheetReport) -> Iterable[Mark]:
    blank = {f.weight for f in sheet.findings if f.kind == TO_FILL_IN}
    if not sheet.loss and not blank:
        return
    wrong = {
        weight
        for finding in sheet.findings
        if finding.kind != TO_FILL_IN and (finding.spoils or finding.quantity.startswith("∂"))
        for weight in finding.spoils or (finding.weight,)
    }
    for weight in sheet.weights:
        state = BAD if weight in wrong else BLANK if weight in blank else GOOD
        yield Mark(sheet.sheet, weight, state)
