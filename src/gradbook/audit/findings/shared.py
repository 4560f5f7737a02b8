"""What books of one class have in common: mistakes, and whole files."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gradbook.audit.findings.findings import TO_FILL_IN, BookReport, Finding

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
