"""Many books at once: none stops the others, whatever it does to whoever checks it."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from gradbook.audit.findings import RIGHT, UNREADABLE, BookReport
from gradbook.audit.many import check_books
from tests.cases import for_each


def behave(book: str) -> BookReport:
    """Checks a book by its name, in which it says what happens."""
    match book.split(maxsplit=1)[0]:
        case "dies":
            os._exit(3)
        case "crashes":
            faulthandler.disable()  # it is meant to, and the log has no use for where
            os.kill(os.getpid(), signal.SIGSEGV)
        case "rests":
            time.sleep(4)
        case "hangs":
            time.sleep(60)
        case "fails":
            raise ValueError("two\nlines")
        case "slow":
            time.sleep(0.2)
    return BookReport(book, RIGHT)


def verdicts(books: list[str], workers: int = 2) -> list[tuple[str, str]]:
    reports = list(check_books(books, workers, behave, longest=1.5))
    return [(report.book, report.verdict) for report in reports]


def test_reports_come_in_the_order_of_the_books():
    books = ["slow 1", "2", "3", "slow 4", "5"]
    assert verdicts(books) == [(book, RIGHT) for book in books]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("kind", ["dies", "crashes", "hangs", "fails"])
def test_a_book_that_stops_its_helper_stops_no_other(kind, workers):
    books = ["1", f"{kind} 2", "3", "4", f"{kind} 5", "6"]
    expected = [(book, UNREADABLE if kind in book else RIGHT) for book in books]
    assert verdicts(books, workers) == expected


@for_each("kind", ["dies", "hangs", "fails"])
def test_what_became_of_it_is_one_line(kind):
    problems = [r.problem for r in check_books([kind, "2"], 2, behave, longest=0.5)]
    assert problems[0]
    assert not problems[1]
    assert len(problems[0].splitlines()) == 1


def test_no_helper_stays_behind():
    assert verdicts(["1", "2", "3"])
    reports = check_books(["1", "hangs 2", "3"], 2, behave)
    next(reports)
    reports.close()
    assert not active_children()


WAITING = """
import sys
from tests.audit.test_many import behave
from gradbook.audit.many import check_books
try:
    for report in check_books(["1", "rests 2", "rests 3"], 2, behave):
        print(report.book, flush=True)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def waiting():
    """A process that has one report and waits for the others."""
    with subprocess.Popen(
        [sys.executable, "-c", WAITING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "1\n"
        yield process
        process.kill()


@pytest.mark.parametrize("everybody", [True, False], ids=["as a terminal does", "to it alone"])
def test_an_interruption_ends_all_of_them_without_a_word(everybody, waiting):
    (os.killpg if everybody else os.kill)(waiting.pid, signal.SIGINT)
    said = waiting.communicate(timeout=20)
    assert (waiting.returncode, *said) == (130, "", "")
    assert not _anybody(waiting.pid)


def test_helpers_end_when_their_parent_is_killed(waiting):
    waiting.kill()
    waiting.wait()
    until = time.monotonic() + 15
    while _anybody(waiting.pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _anybody(waiting.pid)


def _anybody(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
