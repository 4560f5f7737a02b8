"""Checks many books at once; what one of them does never stops the others.

Each is judged in a process that may die of it (`gradbook.work`), and then only that book goes
without a report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from gradbook.audit.check import check
from gradbook.audit.findings.findings import UNREADABLE, BookReport
from gradbook.work.crew import ProcessCrew
from gradbook.work.processes import Lost, Outcome, outcome_of

LONGEST = 120.0  # seconds for one book; the largest that are read take a tenth of it
Check = Callable[[str], BookReport]


def check_books(
    books: Sequence[str], workers: int, check: Check = check, longest: float = LONGEST
) -> Iterator[BookReport]:
    """A report for each, in their order."""
    if len(books) < 2:
        yield from (report_of(book, outcome_of(partial(check, book))) for book in books)
        return
    crew = ProcessCrew(workers, longest, most_deaths=1)
    done: dict[int, BookReport] = {}
    try:
        for number, book in enumerate(books):
            crew.give(str(number), partial(check, book))
        for number in range(len(books)):
            while number not in done:
                for name, found in crew.outcomes():
                    done[int(name)] = report_of(books[int(name)], found)
            yield done.pop(number)
    finally:
        crew.end()


def report_of(book: str, found: Outcome) -> BookReport:
    """A book's report; of a book that is lost, one that says so."""
    if found.error is None:
        report: BookReport = found.value
        return report
    lost = isinstance(found.error, Lost)
    return BookReport(book, UNREADABLE, problem=f"{'checking it ' if lost else ''}{found.error}")
