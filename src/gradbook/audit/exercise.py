"""Exercises: updates that wait for gradients which nobody has filled in yet."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from gradbook.audit.address import Address, ranges, sheet_of
from gradbook.audit.book import Book
from gradbook.audit.findings import UNFINISHED, Finding, SheetReport
from gradbook.audit.lanes import Lane, chains, change
from gradbook.audit.pattern import Place, references
from gradbook.audit.recover import heading

FEWEST = 3  # cells of a weight that is updated


def to_fill_in(book: Book) -> list[SheetReport]:
    """The sheets whose weights are updated by blank cells, with those cells."""
    waiting: defaultdict[int, list[tuple[Lane, list[Address]]]] = defaultdict(list)
    for lane in chains(book):
        blank = _blank(book, lane) if len(lane.cells) >= FEWEST else []
        if len(blank) >= FEWEST - 1:
            waiting[sheet_of(lane.start)].append((lane, blank))
    return [_report(book, sheet, lanes) for sheet, lanes in sorted(waiting.items())]


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
    names = tuple(heading(book, lane) for lane, _ in lanes)
    title = book.sheets[sheet].title
    findings = tuple(
        Finding(
            kind="to fill in",
            quantity=f"∂E/∂{name}",
            weight=name,
            cells=ranges(blank),
            formula="",
            expected="",
            why=f"the gradient of {name} is still to be filled in",
            sheet=title,
        )
        for name, (_, blank) in zip(names, lanes, strict=True)
    )
    return SheetReport(title, UNFINISHED, weights=names, findings=findings)
