"""Checks many books at once; what happens to one of them never stops the others.

Each is judged in a separate process (`gradbook.work`): if that dies, only its book has no report.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from gradbook.audit.check_book import report_on
from gradbook.audit.findings import UNREADABLE, BookReport
from gradbook.language.message import Message, words_of
from gradbook.work import LostTask, Outcome, do

LONGEST = 120.0  # seconds for one book, ten times what the largest readable ones take
Check = Callable[[Any], BookReport]
BookPath = str | os.PathLike[str]


def check_books(
    books: Sequence[str], workers: int, check: Check = report_on, longest: float = LONGEST
) -> Iterator[BookReport]:
    """A report for each book, in order."""
    yield from in_their_order(checked(books, workers, check, longest))


def checked(
    books: Sequence[BookPath], workers: int, check: Check = report_on, longest: float = LONGEST
) -> Iterator[tuple[int, BookReport]]:
    """The index of each book and its report, as they are completed."""
    if len(books) < 2:
        yield from enumerate(report_of(book, do(partial(check, book))) for book in books)
        return
    from gradbook.work.processes import ProcessCrew  # one book needs none

    with ProcessCrew(workers, longest, most_deaths=1) as crew:
        for name, outcome in crew.do_all(
            (str(k), partial(check, book)) for k, book in enumerate(books)
        ):
            yield int(name), report_of(books[int(name)], outcome)


def in_their_order(reports: Iterator[tuple[int, BookReport]]) -> Iterator[BookReport]:
    done: dict[int, BookReport] = {}
    wanted = 0
    for number, report in reports:
        done[number] = report
        while wanted in done:
            yield done.pop(wanted)
            wanted += 1


def report_of(book: BookPath, found: Outcome) -> BookReport:
    """A book's report; if the book was lost, a report that says so."""
    if found.error is None:
        report: BookReport = found.value
        return report
    problem = words_of(found.error)
    if isinstance(found.error, LostTask):
        problem = Message("it couldn't be checked: {problem}", problem=problem)
    return BookReport(os.fspath(book), UNREADABLE, problem=problem)
