"""How many gradients of a sheet or a book are right, wrong, or still to be filled in."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gradbook.audit.findings.findings import TO_FILL_IN, BookReport, Finding, SheetReport

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


_CELL = re.compile(r"(?<![\w.])\$?[A-Z]{1,3}\$?[1-9][0-9]{0,6}(?![\w(])")


@dataclass(frozen=True)
class Mistake:
    """One mistake, wherever it stands: the same kind, of the same weight, by the same edit."""

    kind: str
    quantity: str
    edit: str  # why it is wrong, its cells left out

    @classmethod
    def of(cls, finding: Finding) -> Mistake:
        return cls(finding.kind, finding.quantity, _CELL.sub("…", finding.why))


@dataclass(frozen=True)
class Shared:
    """Mistakes that the same books make, each with what the first of them says of it."""

    books: tuple[str, ...]
    findings: tuple[Finding, ...]


def shared_mistakes(reports: Sequence[BookReport]) -> list[Shared]:
    """What more than one book has wrong in the same way, what most have first."""
    books: defaultdict[Mistake, dict[str, None]] = defaultdict(dict)
    example: dict[Mistake, Finding] = {}
    for report in reports:
        for finding in _findings(report):
            mistake = Mistake.of(finding)
            books[mistake][report.book] = None
            example.setdefault(mistake, finding)
    together: defaultdict[tuple[str, ...], list[Finding]] = defaultdict(list)
    for mistake, names in books.items():
        if len(names) > 1:
            together[tuple(names)].append(example[mistake])
    found = [Shared(names, tuple(findings)) for names, findings in together.items()]
    return sorted(found, key=lambda shared: -len(shared.books))


def _findings(report: BookReport) -> Iterator[Finding]:
    for sheet in report.sheets:
        yield from (finding for finding in sheet.findings if finding.kind != TO_FILL_IN)


def identical_files(reports: Iterable[BookReport]) -> list[tuple[str, ...]]:
    """Books whose files are equal to the last byte."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for report in reports:
        if report.fingerprint:
            found[report.fingerprint][report.book] = None
    return [tuple(names) for names in found.values() if len(names) > 1]
