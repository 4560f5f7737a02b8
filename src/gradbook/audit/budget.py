"""What may be spent on one book: work, counted, so that it gets the same answer on every machine.

Work is counted in numbers that are computed, or that could be meanwhile; the clock, which strikes
long after the work should be done, only guards against what isn't counted. Seeking repairs has an
account of its own: when that is spent, all else is still judged, and what wasn't looked at any
further is said.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import process_time
from typing import Any, TypeVar

MOST_JUDGED = 400_000_000  # numbers computed to find a book's trainings and to judge them
MOST_SOUGHT = 200_000_000  # … to find out what is wrong with wrong ones: two to four seconds
SLOWER = 8 if sys.platform == "emscripten" else 1  # in a browser, without NumPy
LONGEST_JUDGED, LONGEST_SOUGHT = 40.0 * SLOWER, 40.0 * SLOWER  # seconds since the book was begun
MOST_JUDGED_AGAIN, MOST_SOUGHT_AGAIN = 200_000_000, 80_000_000  # numbers, in a corrected copy
LONGEST_JUDGED_AGAIN = 20.0 * SLOWER  # its mistakes are counted, nobody reads them
LONGEST_SOUGHT_AGAIN = 15.0 * SLOWER
SETTING_OUT = 600  # numbers: what it costs to compute any, however few
LOOK_AT_CLOCK = 100_000  # numbers: a twentieth of a second where they are hard to come by
A_SHARE = 0.5  # of what is left to spend, for one search of several
MADE_MEANWHILE = 50_000  # objects, until circles of them are looked for
IN_VAIN = 3  # times that the same is sought in vain, until it isn't sought again


Found = TypeVar("Found")


class BudgetSpent(Exception):
    """There is nothing left to spend on this book."""


class Account:
    """Some work that may be done until some time."""

    def __init__(self, most: int, longest: float) -> None:
        self.most = most
        self.until = process_time() + longest
        self.spent = 0
        self.was_late = False  # whether the clock was what ended something
        self._look_at = 0

    @property
    def is_empty(self) -> bool:
        return self.spent > self.most or self._looks_late()

    def _looks_late(self) -> bool:
        is_late = process_time() > self.until
        self.was_late = self.was_late or is_late
        return is_late

    def spend(self, work: int) -> None:
        self.spent += work
        if self.spent > self.most:
            raise BudgetSpent
        if self.spent > self._look_at:
            self._look_at = self.spent + LOOK_AT_CLOCK
            if self._looks_late():
                raise BudgetSpent


class Budget:
    """What is left to spend on a book, and what was sought in it in vain."""

    def __init__(self, *, again: bool = False) -> None:
        if again:
            self.judging = Account(MOST_JUDGED_AGAIN, LONGEST_JUDGED_AGAIN)
            self.seeking = Account(MOST_SOUGHT_AGAIN, LONGEST_SOUGHT_AGAIN)
        else:
            self.judging = Account(MOST_JUDGED, LONGEST_JUDGED)
            self.seeking = Account(MOST_SOUGHT, LONGEST_SOUGHT)
        self.open = self.judging  # the account that pays now
        self.in_vain: Counter[object] = Counter()
        self.known: dict[object, tuple[int, Any]] = {}  # what was sought before, and where
        self.left: list[str] = []  # what wasn't looked at

    def is_hopeless(self, case: object) -> bool:
        """Whether that was sought in vain often enough."""
        return self.in_vain[case] >= IN_VAIN


_current: ContextVar[Budget | None] = ContextVar("budget", default=None)


def budget() -> Budget:
    """The budget of the book that is being checked; a new one where none is."""
    return _current.get() or Budget()


@contextmanager
def budget_of_book(*, again: bool = False) -> Iterator[Budget]:
    """Give the block a new budget; a smaller one for a copy that is judged `again`.

    A book makes very many objects and few reference cycles, so these are looked for less often.
    """
    made = Budget(again=again)
    token, thresholds = _current.set(made), gc.get_threshold()
    gc.set_threshold(MADE_MEANWHILE, *thresholds[1:])
    try:
        yield made
    finally:
        gc.set_threshold(*thresholds)
        _current.reset(token)


def within_budget(search: Callable[[], Found], share: float = 1.0) -> Found | None:
    """Return what a search finds within a share of what is left for repairs; None where that is too
    little."""
    current = budget()
    before, account = current.open, current.seeking
    most, until = account.most, account.until
    account.most -= int((1 - share) * (most - account.spent))
    account.until -= (1 - share) * max(until - process_time(), 0.0)
    current.open = account
    try:
        return None if account.is_empty else search()
    except BudgetSpent:
        return None
    finally:
        account.most, account.until = most, until
        current.open = before


@contextmanager
def note_if_spent(describe: Callable[[], str]) -> Iterator[None]:
    """End the block where nothing is left to spend, and note what wasn't looked at."""
    try:
        yield
    except BudgetSpent:
        budget().left.append(describe())


@contextmanager
def forget_failures() -> Iterator[None]:
    """Within the block, seek again what was sought in vain before."""
    current = budget()
    known, current.in_vain = current.in_vain, Counter()
    try:
        yield
    finally:
        current.in_vain = known


def spend(numbers: int, times: int = 1) -> None:
    """Charge for numbers that are about to be computed, each of them so many times."""
    current = _current.get()
    if current is not None:
        current.open.spend(times * (SETTING_OUT + numbers))
