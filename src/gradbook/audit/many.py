"""Checks many books at once; what one of them does never stops the others.

Each is judged in a process that may die of it (`gradbook.work.processes`), and then only that
book goes without a report.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from gradbook.audit.check import check
from gradbook.audit.findings.findings import UNREADABLE, BookReport
from gradbook.work.processes import Lost, Outcome, Worker, outcome_of, outcomes

LONGEST = 120.0  # seconds for one book; the largest that are read take a tenth of it
Check = Callable[[str], BookReport]


def check_books(
    books: Sequence[str], workers: int, check: Check = check, longest: float = LONGEST
) -> Iterator[BookReport]:
    """A report for each, in their order."""
    if len(books) < 2:
        yield from (report_of(book, outcome_of(partial(check, book))) for book in books)
        return
    waiting = deque(range(len(books)))
    done: dict[int, BookReport] = {}
    helpers = [Worker(longest) for _ in range(min(workers, len(books)))]
    places: dict[Worker, int] = {}  # of the books that they work on
    try:
        for number in range(len(books)):
            while number not in done:
                for helper in helpers:
                    if not helper.is_busy and waiting:
                        places[helper] = waiting.popleft()
                        helper.give(partial(check, books[places[helper]]))
                for helper, found in outcomes(helpers):
                    done[places[helper]] = report_of(books[places[helper]], found)
            yield done.pop(number)
    finally:
        for helper in helpers:
            helper.end()


def report_of(book: str, found: Outcome) -> BookReport:
    """A book's report; of a book that is lost, one that says so."""
    if found.error is None:
        report: BookReport = found.value
        return report
    lost = isinstance(found.error, Lost)
    return BookReport(book, UNREADABLE, problem=f"{'checking it ' if lost else ''}{found.error}")
