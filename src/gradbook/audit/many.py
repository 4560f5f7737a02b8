"""Checks many books at once; what happens to one of them never stops the others.

Each is judged in a separate process (`gradbook.work`): if that dies, only its book has no report.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from gradbook import limits
from gradbook.audit.check_book import report_on
from gradbook.audit.findings import UNREADABLE, BookReport
from gradbook.errors import GradbookError
from gradbook.files import read_bytes, write_whole
from gradbook.folders import temporary_folder
from gradbook.language.message import Message, words_of
from gradbook.work import LostTask, Outcome, Task, do

if TYPE_CHECKING:
    from gradbook.work.processes import WorkCrew


LONGEST = 120.0  # seconds for one book, ten times what the largest readable ones take
TOGETHER = 50  # books sent to another machine at once
Check = Callable[[Any], BookReport]
BookPath = str | os.PathLike[str]


def check_books(
    books: Sequence[str], workers: int, check: Check = report_on, longest: float = LONGEST
) -> Iterator[BookReport]:
    """A report for each book, in order."""
    yield from in_their_order(checked_here(books, workers, check, longest))


def checked_here(
    books: Sequence[BookPath], workers: int, check: Check = report_on, longest: float = LONGEST
) -> Iterator[tuple[int, BookReport]]:
    """The index of each book and its report, as they are completed."""
    if len(books) < 2:
        yield from enumerate(report_of(book, do(partial(check, book))) for book in books)
        return
    from gradbook.work.processes import ProcessCrew  # one book needs none

    yield from checked_by(ProcessCrew(workers, longest, most_deaths=1), books, check)


def checked_by(
    crew: WorkCrew, books: Sequence[BookPath], check: Check = report_on
) -> Iterator[tuple[int, BookReport]]:
    """The same with a crew, which is ended."""
    own = token_hex(8)  # a cluster may also be checking other books with the same indices
    given = done = 0
    try:
        while done < len(books):
            for book in books[given : given + crew.room]:
                name = os.fspath(book)
                make_task = partial(remote_task, name, check, crew.reads(name))
                crew.give(f"{own} {given}", partial(check, book), make_task)
                given += 1
            for name, found in crew.outcomes():
                number = int(name.split()[1])
                done += 1
                yield number, report_of(books[number], found)
    finally:
        crew.end()


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


# On other machines.


def remote_task(book: str, check: Check, by_path: bool) -> Task:
    """The task of checking a book elsewhere: with its content, or its path there."""
    try:
        if by_path:
            return partial(_called, book, check, os.path.realpath(book))
        return partial(_unpacked, book, check, read_bytes(book, limits.BOOK))
    except (OSError, ValueError, GradbookError):
        pass
    return partial(replace, report_of(book, do(partial(check, book))))  # it can't be read


def _unpacked(book: str, check: Check, content: bytes) -> BookReport:
    with temporary_folder() as folder:
        path = Path(folder, f"book{Path(book).suffix}")
        write_whole(path, content)
        return _called(book, check, str(path))


def _called(book: str, check: Check, path: str) -> BookReport:
    return replace(check(path), book=book)
