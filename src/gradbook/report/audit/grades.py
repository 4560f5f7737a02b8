"""The grades of a class as a table that any spreadsheet opens."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import chain

from gradbook.audit.classes.marks import BookScore, in_numbers
from gradbook.audit.findings import RIGHT, TO_FILL_IN, BookReport
from gradbook.errors import as_cell
from gradbook.report.audit.text import found, to_fill_in

HEAD = (
    *("file", "student", "right", "of", "points", "out of", "verdict", "first finding"),
    "kinds of mistakes",
)
UTF8_MARK = "\ufeff"  # without it Excel takes ∂ for two other letters


def grades_csv(reports: Sequence[BookReport], scores: Sequence[BookScore]) -> str:
    """A row for each book, in their order. What could not be judged has no points."""
    return "".join(grades(reports, scores))


def grades(reports: Sequence[BookReport], scores: Sequence[BookScore]) -> Iterator[str]:
    """The same, row by row."""
    yield UTF8_MARK
    text = StringIO()
    table = csv.writer(text)
    for row in chain([HEAD], map(_row, reports, scores)):
        table.writerow(row)
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _row(report: BookReport, score: BookScore) -> list[str]:
    judged = score.points is not None
    return [
        as_cell(report.book),
        as_cell(report.origin.student),
        str(score.right) if judged else "",
        str(len(score.parts)) if judged else "",
        in_numbers(score.points) if score.points is not None else "",
        in_numbers(score.out_of) if judged else "",
        report.verdict,
        as_cell(first_finding(report)),
        as_cell("; ".join(dict.fromkeys(f.kind for f in report.findings if f.kind != TO_FILL_IN))),
    ]


def first_finding(report: BookReport) -> str:
    """The first thing that is wrong in a book, else what is missing or why it isn't judged."""
    wrong = [finding for finding in report.findings if finding.kind != TO_FILL_IN]
    if wrong:
        first = wrong[0]
        return f"{first.cells} ({first.quantity}): {first.why}"
    waiting = ", ".join(filter(None, map(to_fill_in, report.sheets)))
    if waiting:
        return f"to fill in: {waiting}"
    return "" if report.verdict == RIGHT else found(report)
