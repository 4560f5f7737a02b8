"""Checks many books at once; what one of them does never stops the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from gradbook.audit.check import check_book
from gradbook.audit.findings import UNREADABLE, BookReport
from gradbook.errors import one_line

FEW = 3  # books that are checked sooner than helpers are started


def check_books(books: Sequence[str], workers: int) -> Iterator[BookReport]:
    """A report for each, in their order."""
    if workers < 2 or len(books) < FEW:
        yield from map(_safely, books)
        return
    with ProcessPoolExecutor(min(workers, len(books)), get_context("spawn")) as pool:
        waiting: list[Future[BookReport]] = [pool.submit(_safely, book) for book in books]
        for book, future in zip(books, waiting, strict=True):
            try:
                yield future.result()
            except BrokenProcessPool:
                yield BookReport(book, UNREADABLE, problem="reading it took more than there is")


def _safely(book: str) -> BookReport:
    try:
        return check_book(book)
    except Exception as error:
        what = one_line(f"{type(error).__name__}: {error}")
        return BookReport(book, UNREADABLE, problem=f"a fault of gradbook's own ({what})")
