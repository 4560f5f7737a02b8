"""What may be spent on one book: work, counted, and the processor's seconds.

Work is counted in numbers that are computed, so that a book always gets the same answer; the clock
only guards against what isn't counted. Seeking repairs has an account of its own: when that is
spent, all else is still judged, and what wasn't looked at any further is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import process_time

MOST_JUDGED = 1_000_000_000  # numbers computed to find a book's trainings and to judge them
MOST_SOUGHT = 1_400_000_000  # … to find out what is wrong with wrong ones: some four seconds
LONGEST_JUDGED, LONGEST_SOUGHT = 9.0, 6.0  # seconds since the book was begun
SETTING_OUT = 600  # numbers: what it costs to compute any, however few
LOOK_AT_CLOCK = 2_000_000  # numbers
IN_VAIN = 3  # times that the same is sought in vain, until it isn't sought again


class Spent(Exception):
    """There is nothing left to spend on this book."""


class Account:
    """Some work that may be done until some time."""

    def __init__(self, most: int, longest: float) -> None:
        self.most = most
        self.until = process_time() + longest
        self.spent = 0
        self._look_at = 0

    @property
    def is_empty(self) -> bool:
        return self.spent > self.most or process_time() > self.until

    def spend(self, work: int) -> None:
        self.spent += work
        if self.spent > self.most:
            raise Spent
        if self.spent > self._look_at:
            self._look_at = self.spent + LOOK_AT_CLOCK
            if process_time() > self.until:
                raise Spent


class Budget:
    """What is left to spend on a book, and what was sought in it in vain."""

    def __init__(self) -> None:
        self.judging = Account(MOST_JUDGED, LONGEST_JUDGED)
        self.seeking = Account(MOST_SOUGHT, LONGEST_SOUGHT)
        self.open = self.judging  # the account that pays now
        self.in_vain: Counter[object] = Counter()

    def is_hopeless(self, case: object) -> bool:
        """Whether that was sought in vain often enough."""
        return self.in_vain[case] >= IN_VAIN


_current: ContextVar[Budget | None] = ContextVar("budget", default=None)


def budget() -> Budget:
    """The budget of the book that is looked at; one of its own for whoever looks at none."""
    return _current.get() or Budget()


@contextmanager
def budget_of_book() -> Iterator[Budget]:
    """A new budget, for all that is done within."""
    made = Budget()
    token = _current.set(made)
    try:
        yield made
    finally:
        _current.reset(token)


@contextmanager
def seeking() -> Iterator[None]:
    """What is done within is paid from the account for seeking repairs."""
    current = budget()
    before, current.open = current.open, current.seeking
    try:
        current.seeking.spend(0)
        yield
    finally:
        current.open = before


def spend(numbers: int, times: int = 1) -> None:
    """So many numbers will be computed, each of them so many times."""
    current = _current.get()
    if current is not None:
        current.open.spend(times * (SETTING_OUT + numbers))
