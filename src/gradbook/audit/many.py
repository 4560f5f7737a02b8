"""Checks many books at once; what one of them does never stops the others.

Each helper is a process that gets one book at a time. One that dies of its book, or works on it for
too long, is replaced, and only that book goes without a report.
"""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import Any

from gradbook import system
from gradbook.audit.check import check
from gradbook.audit.findings.findings import UNREADABLE, BookReport
from gradbook.errors import one_line
from gradbook.interruption import uninterrupted

LONGEST = 120.0  # seconds for one book; the largest that are read take a tenth of it
LOOK_ROUND = 1.0  # seconds after which a helper without work looks whether it is still wanted
Check = Callable[[str], BookReport]


def check_books(
    books: Sequence[str], workers: int, check: Check = check, longest: float = LONGEST
) -> Iterator[BookReport]:
    """A report for each, in their order."""
    if len(books) < 2:
        yield from (_safely(check, book) for book in books)
        return
    waiting = deque(enumerate(books))
    done: dict[int, BookReport] = {}
    helpers = [_Helper(check, longest) for _ in range(min(workers, len(books)))]
    try:
        for number in range(len(books)):
            while number not in done:
                for helper in helpers:
                    if helper.place is None and waiting:
                        helper.give(*waiting.popleft())
                done.update(_reports(helpers))
            yield done.pop(number)
    finally:
        for helper in helpers:
            helper.end()


def _safely(check: Check, book: str) -> BookReport:
    try:
        return check(book)
    except Exception as error:
        what = one_line(f"{type(error).__name__}: {error}")
        return BookReport(book, UNREADABLE, problem=f"a fault of gradbook's own ({what})")


def _reports(helpers: Sequence[_Helper]) -> Iterator[tuple[int, BookReport]]:
    """The next reports, once there are any; for a book that is lost, a report that says so."""
    busy = [helper for helper in helpers if helper.place is not None]
    patience = min(helper.until for helper in busy) - monotonic()
    ready = wait([helper.pipe for helper in busy], max(patience, 0))
    for helper in busy:
        place, report = helper.place, helper.report(helper.pipe in ready)
        if place is not None and report is not None:
            yield place, report


class _Helper:
    """A process that checks books, one at a time."""

    def __init__(self, check: Check, longest: float) -> None:
        self.check = check
        self.longest = longest
        self.place: int | None = None  # of the book that it works on
        self.book = ""
        self.until = 0.0
        self._start()

    def _start(self) -> None:
        context: Any = get_context("fork" if system.may_be_copied() else "spawn")
        self.pipe, theirs = context.Pipe()
        asked = theirs, self.check, os.getpid()
        self.process = context.Process(target=_work, args=asked, daemon=True)
        with uninterrupted():
            self.process.start()
        theirs.close()

    def give(self, place: int, book: str) -> None:
        self.place, self.book, self.until = place, book, monotonic() + self.longest
        with suppress(OSError):  # it is gone, which is seen when its report doesn't come
            self.pipe.send(book)

    def report(self, ready: bool) -> BookReport | None:
        """Its report, or what became of it; None while it works."""
        if not ready and monotonic() < self.until:
            return None
        lost = "reading it took more than there is"
        self.place = None
        try:
            if ready:
                found: BookReport = self.pipe.recv()
                return found
            lost = f"checking it takes longer than {self.longest:.0f} seconds"
        except (EOFError, OSError):
            pass
        self.end()
        self._start()
        return BookReport(self.book, UNREADABLE, problem=lost)

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _work(pipe: Connection, check: Check, parent: int) -> None:
    """What a helper does as long as its parent, which may be gone before it has begun, lives."""
    gc.freeze()  # what is loaded stays, and a book leaves few cycles behind
    try:
        while os.getppid() == parent:
            if pipe.poll(LOOK_ROUND):
                pipe.send(_safely(check, pipe.recv()))
    except (EOFError, OSError):
        return
