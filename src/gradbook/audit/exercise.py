"""Exercises: updates that wait for gradients which nobody has filled in yet."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from gradbook.audit.address import Address, ranges, sheet_of
from gradbook.audit.book import Book
from gradbook.audit.findings import TO_FILL_IN, UNFINISHED, Finding, SheetReport
from gradbook.audit.headings import heading
from gradbook.audit.lanes import Lane, chains, change
from gradbook.audit.pattern import Place, references

FEWEST = 3  # cells of a weight that is updated


def to_fill_in(book: Book) -> list[SheetReport]:
    """The sheets whose weights are updated by blank cells, with those cells.

    A sheet that repeats another for the same weights, as the one behind the learning rates does,
    isn't there to be filled in.
    """
    waiting: defaultdict[int, list[tuple[Lane, list[Address]]]] = defaultdict(list)
    for lane in chains(book):
        blank = _blank(book, lane) if len(lane.cells) >= FEWEST else []
        if len(blank) >= FEWEST - 1:
            waiting[sheet_of(lane.start)].append((lane, blank))
    reports = [_report(book, sheet, lanes) for sheet, lanes in sorted(waiting.items())]
    first = {report.weights: report for report in reversed(reports)}
    return [report for report in reports if first[report.weights] is report]


def _blank(book: Book, lane: Lane) -> list[Address]:
    found = []
    for base, cell in pairwise(lane.cells):
        pattern = book.patterns[cell]
        for _, part in change(pattern, base, cell):
            for reference in references(part):
                mention = pattern.mentions.get(reference.text)
                at = mention.at(cell) if isinstance(mention, Place) else None
                moves = isinstance(mention, Place) and mention.moves
                if at is not None and moves and at not in book.patterns and at not in book.values:
                    found.append(at)
    return found


def _report(book: Book, sheet: int, lanes: list[tuple[Lane, list[Address]]]) -> SheetReport:
    """One finding for each weight, in however many tables of the sheet it waits."""
    title = book.sheets[sheet].title
    blanks: defaultdict[str, list[Address]] = defaultdict(list)
    for lane, blank in lanes:
        blanks[heading(book, lane)] += blank
    findings = tuple(
        Finding(
            kind=TO_FILL_IN,
            quantity=f"∂E/∂{name}",
            weight=name,
            cells=ranges(cells),
            formula="",
            expected="",
            why=f"the gradient of {name} is still to be filled in",
            sheet=title,
        )
        for name, cells in blanks.items()
    )
    return SheetReport(title, UNFINISHED, weights=tuple(blanks), findings=findings)
