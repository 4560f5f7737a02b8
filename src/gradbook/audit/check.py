"""Checks one book: reads it, finds its trainings, judges them, says what is wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from gradbook.audit.copies.correct import loss_curve
from gradbook.audit.findings.findings import (
    BLANK_RATE,
    FROZEN,
    NO_NETWORK,
    RIGHT,
    TO_FILL_IN,
    UNFINISHED,
    UNREADABLE,
    WORST_FIRST,
    WRONG,
    BookReport,
    Finding,
    SheetReport,
)
from gradbook.audit.formula.address import Address, ranges, row_of, sheet_of, written
from gradbook.audit.formula.values import LeadsBack, NotUnderstood
from gradbook.audit.judge.loss import find_loss, loss_findings
from gradbook.audit.judge.stale import stale_findings
from gradbook.audit.judge.updates import update_findings
from gradbook.audit.repair.cut_off import cut_off_trainings, loss_behind_values
from gradbook.audit.repair.gradients import gradient_findings
from gradbook.audit.training.steps import alike, steps_of
from gradbook.audit.training.training import Training, find_trainings
from gradbook.audit.training.untrained import without_training
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.evaluate import fill_in
from gradbook.audit.workbook.flow import Flow
from gradbook.audit.workbook.package import WorkbookError
from gradbook.audit.workbook.read import read_book
from gradbook.errors import GradbookError


def check_book(path: str | Path) -> BookReport:
    """What is right and wrong in the workbook at `path`. Raises nothing but our own faults."""
    name = str(path)
    try:
        book = read_book(path)
        flow = Flow(book)
        fill_in(book, flow)
        trainings = find_trainings(book, flow) or cut_off_trainings(book, flow)
        found = [_checked(training) for training in trainings]
        sheets = [sheet for sheet in found if sheet is not None] or without_training(book)
    except GradbookError as error:
        return BookReport(name, UNREADABLE, problem=str(error))
    except (RecursionError, MemoryError):
        return BookReport(name, UNREADABLE, problem="its formulas are too deep to follow")
    return BookReport(
        name,
        min((s.verdict for s in sheets), key=WORST_FIRST.index, default=NO_NETWORK),
        tuple(sheets),
        fingerprint=_fingerprint(path),
        formulas=len(book.patterns),
    )


def check(path: str | Path) -> BookReport:
    """Audit a workbook that somebody made: is each gradient the derivative of the sheet's own loss?

    `.verdict` is "right", "wrong", "frozen", "unfinished", "no network" or "unreadable"; each of
    `.sheets` has its `.findings`, with the cells, the reason and the right formula. Printed, it is
    the report; in a notebook it shows itself.
    """
    return check_book(path)


def _fingerprint(path: str | Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]


def _checked(training: Training) -> SheetReport | None:
    """A training's report, or why there can't be one."""
    try:
        return check_training(training)
    except LeadsBack as error:
        return _not_judged(training, WRONG, str(error), [_circle(training, error.cell)])
    except NotUnderstood as error:
        return _not_judged(training, UNFINISHED, str(error), [])


def _not_judged(
    training: Training, verdict: str, why: str, findings: Sequence[Finding]
) -> SheetReport:
    return SheetReport(
        sheet=training.book.sheets[training.sheet].title,
        verdict=verdict,
        rate=_called(training.book, training, [training.rate] if training.rate else []),
        weights=tuple(training.names),
        rows=_rows(training),
        findings=tuple(findings),
        notes=(f"it can't be judged further: {why}",),
    )


def _circle(training: Training, cell: Address) -> Finding:
    """A formula that is computed from itself, with its likes."""
    book, axis = training.book, training.axis
    alike = sorted(
        c
        for c, pattern in book.patterns.items()
        if pattern is book.patterns[cell] and axis.line(c) == axis.line(cell)
    )
    first = alike[0]
    return Finding(
        kind="circular reference",
        quantity=book.label(first, axis) or written(first),
        weight="",
        cells=ranges(alike),
        formula=book.formula(first),
        expected="",
        why=f"{written(first)} is computed from itself",
        sheet=book.sheets[sheet_of(cell)].title,
    )


def check_training(training: Training) -> SheetReport | None:
    """One training's report; None of what only looks like one."""
    circle = training.flow.circle(sorted(training.computed), training.weight_cells)
    if circle is not None:
        called = training.book.called(circle)
        raise LeadsBack(f"{called}, which leads back to itself", circle)
    loss, share = find_loss(training)
    if share <= 0:
        training, found = loss_behind_values(training)
        loss = found or loss
    if not loss:
        return None
    steps = steps_of(training, loss)
    groups = alike(training, steps)
    findings = [
        *loss_findings(training, loss),
        *gradient_findings(training, groups),
        *update_findings(training, steps),
        *stale_findings(training, groups),
    ]
    book = training.book
    return SheetReport(
        sheet=book.sheets[training.sheet].title,
        verdict=_verdict(findings),
        loss=_called(book, training, loss[0]),
        rate=_called(book, training, [training.rate] if training.rate else []),
        weights=tuple(training.names),
        rows=_rows(training),
        findings=tuple(findings),
        curve=loss_curve(book, training.flow, loss, findings),
    )


def _verdict(findings: Sequence[Finding]) -> str:
    kinds = {finding.kind for finding in findings}
    if not kinds:
        return RIGHT
    if kinds == {TO_FILL_IN}:
        return UNFINISHED
    return FROZEN if kinds == {BLANK_RATE} else WRONG


def _called(book: Book, training: Training, cells: Sequence[int]) -> str:
    return "+".join(book.called(cell, training.weights[0].start) for cell in cells)


def _rows(training: Training) -> tuple[int, int]:
    cells = [cell for lane in training.weights for cell in lane.cells]
    return min(map(row_of, cells)) + 1, max(map(row_of, cells)) + 1


__all__ = ["WorkbookError", "check", "check_book", "check_training"]
