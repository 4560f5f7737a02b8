"""What an audit finds: books, their sheets, and what is wrong where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RIGHT, WRONG, FROZEN, UNFINISHED = "right", "wrong", "frozen", "unfinished"
NO_NETWORK, UNREADABLE = "no network", "unreadable"
WORST_FIRST = (UNREADABLE, WRONG, FROZEN, UNFINISHED, RIGHT, NO_NETWORK)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, in all the cells where it is."""

    kind: str
    quantity: str  # ∂E/∂w3, w3, E_total, η
    weight: str
    cells: str  # Z33:Z100
    formula: str  # as it stands in the first of them
    expected: str  # the right one, in the sheet's own cells; '' where none is known
    why: str
    relative_error: float | None = None
    sheet: str = ""
    fixes: Mapping[str, str] = field(default_factory=dict)  # cell → its right formula


@dataclass(frozen=True)
class Curve:
    """The loss of each step, as the sheet is made and as it would be with the right gradients."""

    made: tuple[float, ...]
    corrected: tuple[float, ...]


@dataclass(frozen=True)
class SheetReport:
    """One training: where it stands, and what is wrong with it."""

    sheet: str
    verdict: str
    loss: str = ""
    rate: str = ""
    weights: tuple[str, ...] = ()
    rows: tuple[int, int] | None = None
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    curve: Curve | None = None


@dataclass(frozen=True)
class BookReport:
    """One file."""

    book: str
    verdict: str
    sheets: tuple[SheetReport, ...] = ()
    problem: str = ""  # why it could not be read
    fingerprint: str = ""  # equal for identical files
    formulas: int = 0


def record(reports: tuple[BookReport, ...] | list[BookReport]) -> dict[str, object]:
    """The reports as --json gives them."""
    return {"version": 1, "books": [_book(report) for report in reports]}


def _book(report: BookReport) -> dict[str, object]:
    found: dict[str, object] = {"book": report.book, "verdict": report.verdict}
    if report.problem:
        found["problem"] = report.problem
    return {**found, "sheets": [_sheet(sheet) for sheet in report.sheets]}


def _sheet(report: SheetReport) -> dict[str, object]:
    return {
        "sheet": report.sheet,
        "verdict": report.verdict,
        "loss": report.loss or None,
        "rate": report.rate or None,
        "weights": list(report.weights),
        "rows": list(report.rows) if report.rows else None,
        "findings": [_finding(finding) for finding in report.findings],
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "kind": finding.kind,
        "quantity": finding.quantity,
        "weight": finding.weight,
        "cells": finding.cells,
        "formula": finding.formula,
        "expected": finding.expected,
        "why": finding.why,
        "relative_error": finding.relative_error,
    }
