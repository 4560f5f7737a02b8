"""The books of a class: received as they are handed in, judged one by one, marked.

Each has a folder of its own, in which it keeps the name it was handed in with. It is judged from
there, so that messages about it are the same as those of the command run in that folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from shutil import rmtree
from threading import Lock
from typing import Any

from gradbook import limits
from gradbook.audit.check_book import check_again, report_on
from gradbook.audit.classes.scoring import BookScore
from gradbook.audit.classes.submissions import is_handed_in
from gradbook.audit.copies.annotate import annotate
from gradbook.audit.copies.correct import Correction, corrections
from gradbook.audit.findings import UNREADABLE, BookReport
from gradbook.audit.many import check_books, report_of
from gradbook.cells.package import TOO_LARGE
from gradbook.errors import steers
from gradbook.files import in_order, whole_file
from gradbook.language.message import Message, WrittenNumber
from gradbook.serve.crew import USUAL, Crew, Errand
from gradbook.serve.requests import RefusalError
from gradbook.work import Outcome

LONGEST_PART, LONGEST_NAME = 200, 800  # bytes of a file's name; with its folders
AGAIN = partial(check_books, workers=1, check=check_again)
MOST_BOOKS = 5_000  # in a class
MOST_BOOKS_TEXT = WrittenNumber(f"{MOST_BOOKS:,}")
AWAITED, WAITING, DONE, GONE = "awaited", "waiting", "done", "gone"


# What a worker does: in the book's own folder, with its own name --------------------


def judge(folder: str, name: str) -> BookReport:
    report: BookReport = _within(folder, lambda: report_on(name))
    return report


def mark(folder: str, report: BookReport, score: BookScore | None) -> bytes:
    copy: bytes = _within(folder, lambda: annotate(report.book, report, score))
    return copy


def correct(folder: str, report: BookReport) -> Correction:
    correction: Correction = _within(folder, lambda: next(corrections([report], AGAIN)))
    return correction


def _within(folder: str, work: Callable[[], Any]) -> Any:
    os.chdir(folder)
    try:
        return work()
    finally:
        os.chdir(PurePath(folder).anchor)  # a process's current folder can't always be removed


# The books ----------------------------------------------------------------------


@dataclass(eq=False)
class HandedIn:
    """A book that was announced, and its state."""

    number: int
    name: str
    original_name: str  # its name as it was handed in
    folder: Path
    state: str = AWAITED
    changed: int = 0  # the class's version at its last change
    report: BookReport | None = None
    job: Errand | None = None
    size: int = 0  # bytes

    @property
    def path(self) -> Path:
        return self.folder / self.name


class HandedInBooks:
    """A class, whose books arrive while others are being judged."""

    def __init__(self, folder: Path, crew: Crew) -> None:
        self.folder = folder
        self.crew = crew
        self.version = 0
        self._books: dict[int, HandedIn] = {}
        self._numbers: dict[str, int] = {}
        self._lock = Lock()
        folder.mkdir()

    def __len__(self) -> int:
        return len(self._books)

    @property
    def size(self) -> int:
        """The bytes of all books together."""
        return sum(book.size for book in list(self._books.values()))

    def announce(self, files: Iterable[tuple[str, int]]) -> tuple[list[HandedIn], dict[str, str]]:
        """Expect these names and sizes; return the books, and why the others can't be sent.

        A book with the name of an earlier one replaces it.
        """
        taken: dict[str, tuple[str, int]] = {}
        left: dict[str, str] = {}
        for file_name, size in files:
            name, why = _name(file_name)
            if not why and name in taken:
                why = Message("another file has the same name: drop their folders")
            if why:
                left[file_name] = why
            else:
                taken[name] = file_name, size
        named = sorted(taken.items(), key=lambda item: in_order(item[0]))
        with self._lock:
            if len(self._numbers.keys() | taken.keys()) > MOST_BOOKS:
                raise RefusalError(
                    413, Message("a class has at most {most} workbooks", most=MOST_BOOKS_TEXT)
                )
            awaited = [self._awaited(name, *announced) for name, announced in named]
        return awaited, left

    def _awaited(self, name: str, file_name: str, size: int) -> HandedIn:
        number = self._numbers.setdefault(name, len(self._numbers) + 1)
        if number in self._books:
            self._drop(self._books[number])
        book = HandedIn(number, name, file_name, self.folder / f"{number}-{self.version}")
        self._books[number] = book
        if size > limits.BOOK.most:
            book.state, book.report = DONE, BookReport(name, UNREADABLE, problem=TOO_LARGE)
        self._touch(book)
        return book

    def receive(self, number: int, pieces: Iterator[bytes], size: int) -> None:
        """Receive a book's content. If it is cut off, nothing of it is kept."""
        book = self.book(number)
        if book.state not in (AWAITED, GONE):
            raise RefusalError(409, Message("it already exists: announce it again"))
        try:
            book.path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(book.path) as part, part.open("wb") as file:
                for piece in pieces:
                    file.write(piece)
        except OSError as error:
            self._lose(book)
            why = Message("it can't be saved: {problem}", problem=error.strerror)
            raise RefusalError(507, why) from error
        except BaseException:
            self._lose(book)
            raise
        with self._lock:
            if self._books.get(number) is not book:
                rmtree(book.folder, ignore_errors=True)
                raise RefusalError(409, Message("another file with its name has replaced it"))
            book.state, book.size = WAITING, size
            task = partial(judge, str(book.folder), book.name)
            book.job = self.crew.submit(task, partial(self._settle, book), USUAL)
            self._touch(book)

    def give_up(self, number: int) -> None:
        """Stop waiting for a book that was announced."""
        book = self.book(number)
        if book.state == AWAITED:
            self._lose(book)

    def _lose(self, book: HandedIn) -> None:
        with self._lock:
            book.state = GONE
            self._touch(book)
        rmtree(book.folder, ignore_errors=True)

    def _settle(self, book: HandedIn, outcome: Outcome) -> None:
        with self._lock:
            book.state, book.report = DONE, report_of(book.name, outcome)
            self._touch(book)

    def _touch(self, book: HandedIn) -> None:
        self.version += 1
        book.changed = self.version

    def _drop(self, book: HandedIn) -> None:
        if book.job is not None:
            book.job.give_up()
        rmtree(book.folder, ignore_errors=True)

    def clear(self) -> None:
        """Remove all books and their files."""
        with self._lock:
            books, self._books, self._numbers = self._books, {}, {}
            for book in books.values():
                self._drop(book)
        rmtree(self.folder, ignore_errors=True)

    # The state of the class

    def book(self, number: int) -> HandedIn:
        if number not in self._books:
            raise RefusalError(404, Message("that workbook is no longer here"))
        return self._books[number]

    def changed_since(self, version: int) -> tuple[int, list[HandedIn]]:
        """The current version, and the books that have changed since that one."""
        with self._lock:
            books = sorted(self._books.values(), key=lambda book: book.number)
            return self.version, [book for book in books if book.changed > version]

    @property
    def pending(self) -> int:
        return sum(book.state in (AWAITED, WAITING) for book in list(self._books.values()))

    def judged_books(self) -> list[HandedIn]:
        """The judged books, in the order in which the command would list them."""
        with self._lock:
            done = [book for book in self._books.values() if book.report is not None]
        return sorted(done, key=lambda book: in_order(book.name))


def _name(file_name: str) -> tuple[str, str]:
    """The safe name for a book within its folder, or the reason why there is none."""
    path = PurePath(file_name)
    parts = [part for part in path.parts if part not in (path.anchor, "..")]
    name = str(PurePath(*parts)) if parts else ""
    try:
        longest = max((len(os.fsencode(part)) for part in parts), default=0)
        whole = len(os.fsencode(name))
    except ValueError:
        return name, Message("no file can have that name")
    if not parts or steers(name):
        return name, Message("no file can have that name")
    if longest > LONGEST_PART or whole > LONGEST_NAME:
        return name, Message("the name is too long")
    if len(parts) > 1 and not is_handed_in(name):
        return name, Message("it isn't a workbook")
    return name, ""
