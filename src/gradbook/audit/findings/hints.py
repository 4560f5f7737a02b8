"""What a student may be told of a mistake: where it is and of which kind, never what is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gradbook.audit.findings.findings import (
    BLANK_RATE,
    CHANGED,
    CIRCULAR,
    KINDS,
    STALE,
    TO_FILL_IN,
    BookReport,
    Finding,
)

HINTS = {
    "wrong formula": "this isn't the gradient of the loss; derive it by the chain rule",
    TO_FILL_IN: "this is still to be filled in",
}
"""What to look for, where a kind's own words don't say it."""
SEVERAL = " … "  # stands in what is wrong of all gradients: ∂E/∂w1 … ∂E/∂w8
IN_ALL = dict.fromkeys(
    ("missing factor", "one factor or term too many", "wrong number"),
    "one and the same factor is too many or too few",
)
HARMLESS = (STALE, BLANK_RATE, CHANGED, CIRCULAR)
"""Kinds of which the reason may be told: it says nothing of the right formula."""


def hint(finding: Finding) -> str:
    """What to look for."""
    if finding.kind in HARMLESS:
        return finding.why
    what = HINTS.get(finding.kind, KINDS[finding.kind])
    if SEVERAL in finding.quantity:
        what = f"all of them are wrong in the same way: {IN_ALL.get(finding.kind, what)}"
    return f"look again: {what}"


def hinted(report: BookReport) -> BookReport:
    """The report without any solution. What its findings have in common with others stays."""
    sheets = (
        replace(sheet, findings=tuple(map(_hinted, sheet.findings))) for sheet in report.sheets
    )
    return replace(report, sheets=tuple(sheets))


def _hinted(finding: Finding) -> Finding:
    return replace(finding, why=hint(finding), expected="", fixes={})


class HintedReports(Sequence[BookReport]):
    """The same of many, each when it is asked for."""

    def __init__(self, reports: Sequence[BookReport]) -> None:
        self.reports = reports

    def __len__(self) -> int:
        return len(self.reports)

    def __getitem__(self, number: Any) -> Any:
        return hinted(self.reports[number])
