"""The budget for one book: it counts work, so that the results are the same on every machine.

The unit of work is one computed number, or what takes as long; the clock, whose limit
is far beyond the usual time, only guards against what isn't counted. The search for corrections has
a budget of its own: when it is spent, everything else is still judged, and the report lists what
wasn't examined.
"""

from __future__ import annotations

import gc
import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from time import process_time
from typing import Any, TypeVar

from gradbook.system import lacks_numpy

MOST_JUDGED = 260_000_000  # numbers computed to find and judge a book's trainings
MOST_SOUGHT = 200_000_000  # … to find the mistakes in wrong ones: two to four seconds
SLOWER = 8 if lacks_numpy() else 1
LONGEST_JUDGED = 12.0 * SLOWER  # seconds since the book was opened
LONGEST_SOUGHT = 5.0 * SLOWER  # … of searching
MOST_JUDGED_AGAIN, MOST_SOUGHT_AGAIN = 200_000_000, 80_000_000  # numbers, in a corrected copy
LONGEST_JUDGED_AGAIN = 12.0 * SLOWER  # its mistakes are only counted
LONGEST_SOUGHT_AGAIN = 3.0 * SLOWER
MOST_DERIVED, LONGEST_DERIVED = 6_000_000_000, 10.0 * SLOWER  # … for derivatives of one result
MOST_TEXT = 2**26  # characters of computed texts, beyond the first ones of each
SHORT_TEXT = 32  # characters that don't count
SETTING_OUT = 600  # numbers: the overhead of each computation
LOOK_AT_CLOCK = 500_000  # numbers: up to a quarter of a second; asking takes time, too
STOPPED = 2**62  # numbers: more than any budget
A_SHARE = 0.5  # the part of the remaining budget for one of several searches
MADE_MEANWHILE = 200_000  # objects, before a search for reference cycles
IN_VAIN = 3  # failed searches before the same search is skipped


Found = TypeVar("Found")


class BudgetSpent(Exception):
    """The budget for this book is spent."""


class Account:
    """Limits of work and time, and the work done so far."""

    def __init__(self, most: int, longest: float) -> None:
        self.most = most
        self.longest = longest  # seconds that are left when it is next opened
        self.until = math.inf if longest > 0 else 0.0
        self.spent = 0
        self.was_late = False  # whether the clock ended something
        self._look_at = 0

    def start(self) -> None:
        """Let its time run."""
        self.until = process_time() + self.longest

    def stop(self) -> None:
        self.longest = self.until - process_time()
        self.until = math.inf if self.longest > 0 else 0.0

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
    """The remaining work for a book, and the searches that failed in it."""

    def __init__(self, *, again: bool = False, derives: bool = False) -> None:
        if derives:
            self.judging = self.seeking = Account(MOST_DERIVED, LONGEST_DERIVED)
        elif again:
            self.judging = Account(MOST_JUDGED_AGAIN, LONGEST_JUDGED_AGAIN)
            self.seeking = Account(MOST_SOUGHT_AGAIN, LONGEST_SOUGHT_AGAIN)
        else:
            self.judging = Account(MOST_JUDGED, LONGEST_JUDGED)
            self.seeking = Account(MOST_SOUGHT, LONGEST_SOUGHT)
        self.open = self.judging  # the current account
        self.judging.start()
        self.in_vain: Counter[object] = Counter()
        self.known: dict[object, tuple[int, Any]] = {}  # results of searches, and where
        self.left: list[str] = []  # what wasn't examined
        self.characters = 0  # of the texts that were computed

    @property
    def spent_share(self) -> float:
        """The part that is spent, from 0 to 1."""
        accounts = self.judging, self.seeking
        return min(max(account.spent / account.most for account in accounts), 1.0)

    def stop(self) -> None:
        """End the work, from any thread: nothing is left to spend."""
        self.judging.spent = self.seeking.spent = STOPPED

    def is_hopeless(self, case: object) -> bool:
        """Whether this search has failed often enough."""
        return self.in_vain[case] >= IN_VAIN


_current: ContextVar[Budget | None] = ContextVar("budget", default=None)


def budget() -> Budget:
    """The budget of the book being checked; a new one if there is none."""
    return _current.get() or Budget()


def budget_in(context: Context) -> Budget | None:
    """The budget of what runs in that context, maybe in another thread."""
    return context.get(_current)


@contextmanager
def budget_of_book(*, again: bool = False, derives: bool = False) -> Iterator[Budget]:
    """Give the block a new budget; a smaller one for a copy that is judged `again`, a larger one
    if it `derives` a result.

    A book creates many objects but few reference cycles, so cycles are collected less often.
    """
    budget = Budget(again=again, derives=derives)
    token, thresholds = _current.set(budget), gc.get_threshold()
    gc.set_threshold(MADE_MEANWHILE, *thresholds[1:])
    try:
        yield budget
    finally:
        gc.set_threshold(*thresholds)
        _current.reset(token)


def within_budget(search: Callable[[], Found], share: float = 1.0) -> Found | None:
    """Return the result of a search with a share of the remaining budget for corrections; None if
    that is too little."""
    current = budget()
    before, account = current.open, current.seeking
    if before is not account:
        account.start()
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
        if before is not account:
            account.stop()


@contextmanager
def note_if_spent(describe: Callable[[], str]) -> Iterator[None]:
    """End the block when the budget is spent, and note what wasn't examined."""
    try:
        yield
    except BudgetSpent:
        budget().left.append(describe())


@contextmanager
def forget_failures() -> Iterator[None]:
    """Within the block, repeat searches that failed before."""
    current = budget()
    known, current.in_vain = current.in_vain, Counter()
    try:
        yield
    finally:
        current.in_vain = known


def has_room_for(characters: int) -> bool:
    """Whether one more text of this length may be computed."""
    current = _current.get()
    if current is None:
        return True
    current.characters += max(characters - SHORT_TEXT, 0)
    return current.characters <= MOST_TEXT


def spend_exactly(numbers: int) -> None:
    """Charge for numbers of a computation that was charged for already."""
    current = _current.get()
    if current is not None:
        current.open.spend(numbers)


def spend(numbers: int, times: int = 1) -> None:
    """Charge for numbers that are about to be computed."""
    current = _current.get()
    if current is not None:
        current.open.spend(times * (SETTING_OUT + numbers))
