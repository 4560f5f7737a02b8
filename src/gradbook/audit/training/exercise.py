"""Exercises: updates that wait for gradients which nobody has filled in yet."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from gradbook.audit.findings.findings import TO_FILL_IN, UNFINISHED, Finding, SheetReport
from gradbook.audit.formula.address import Address, ranges, sheet_of
from gradbook.audit.formula.pattern import Place, references
from gradbook.audit.training.headings import heading
from gradbook.audit.training.lanes import Lane, chains, change
from gradbook.audit.workbook.book import Book

FEWEST = 3  # cells of a weight that is updated


def to_fill_in(book: Book) -> list[SheetReport]:
    """The sheets whose weights are updated by blank cells, with those cells.

    A sheet that repeats another for the same weights with a learning rate in every row, as the one
    behind the learning rates does, isn't there to be filled in.
    """
    waiting: defaultdict[int, list[tuple[Lane, list[Address]]]] = defaultdict(list)
    for lane in chains(book):
        blank = _blank(book, lane) if len(lane.cells) >= FEWEST else []
        if len(blank) >= FEWEST - 1:
            waiting[sheet_of(lane.start)].append((lane, blank))
    found = [(_report(book, sheet, lanes), lanes) for sheet, lanes in sorted(waiting.items())]
    first = {report.weights: report for report, _ in reversed(found)}
    return [
        report
        for report, lanes in found
        if first[report.weights] is report or not _has_rates_in_rows(book, lanes)
    ]


def _has_rates_in_rows(book: Book, lanes: list[tuple[Lane, list[Address]]]) -> bool:
    """Whether the updates take a number that goes along with their rows."""
    lane, blank = lanes[0]
    cell = lane.cells[1]
    taken = {
        place.at(cell)
        for place in book.patterns[cell].places
        if isinstance(place, Place) and place.moves
    }
    return bool(taken - {lane.cells[0], *blank})


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
