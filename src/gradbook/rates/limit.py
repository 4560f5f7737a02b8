"""The largest rate that still trains: a search by probing and halving on a log scale."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf, sqrt

from gradbook.amounts import counted

DEFINITION = (
    "A rate still trains if loss and gradient stay numbers, the loss is lower than at the start "
    "in all of the last tenth of the epochs, and it isn't saturated."
)

STRIDE = 10.0  # from a rate that trains to the next one tried, until one doesn't
STRIDES = 12  # so many at most, up or down
FINE = 1.001  # the ratio of two rates that are no longer told apart
PROBES = 16  # rates tried above the border once it is found, for it may have islands before it
PATIENCE = 150  # rates tried: then the search ends, however jagged the border


@dataclass(frozen=True)
class Limit:
    """What the search found. Rates that train need not be one stretch: `failing` tells."""

    rate: float | None  # the largest that trains; none: no rate tried does
    beyond: float | None  # the next larger one tried, which doesn't; none: none was found
    failing: tuple[float, ...] = ()  # those tried that don't, though a smaller one does
    tried: int = 0

    def words(self, epochs: int) -> str:
        """The finding in a sentence or two."""
        if not self.tried:
            return "No rate was tried for being too large: there is no gradient to begin with."
        if self.rate is None:
            return f"None of the {self.tried} rates tried trains for {counted(epochs, 'epoch')}."
        if self.beyond is None:
            return f"Every rate tried trains for {counted(epochs, 'epoch')}, up to {self.rate:.4g}."
        rate, beyond = _told_apart(self.rate, self.beyond)
        found = f"The largest rate found that still trains for {counted(epochs, 'epoch')} is {rate}"
        return f"{found}; {beyond} no longer does.{self._holes()}"

    def _holes(self) -> str:
        if not self.failing:
            return ""
        where = f"from {self.failing[0]:.4g} on"
        return f" The border is jagged: {where} some rates train and some don't."


def _told_apart(one: float, other: float) -> tuple[str, str]:
    """Both with four digits, or as many more as it takes to see that they differ."""
    pairs = ((f"{one:.{digits}g}", f"{other:.{digits}g}") for digits in range(4, 18))
    return next(pair for pair in pairs if pair[0] != pair[1])


def largest(trains: Callable[[float], bool], rates: Iterable[float]) -> Limit:
    """The largest rate that trains, as far as trying tells; it begins with these rates."""
    search = _Search(trains, rates)
    if not search.good:
        search.try_until(True, 1 / STRIDE, max(search.tried, default=1.0))
    if not search.good:
        return search.limit()
    if search.beyond is None:
        search.try_until(False, STRIDE, max(search.good))
    if search.beyond is not None:
        search.halve()
        while len(search.tried) < PATIENCE and search.look_beyond():
            search.halve()
    return search.limit()


class _Search:
    """The rates tried so far, and how each went."""

    def __init__(self, trains: Callable[[float], bool], rates: Iterable[float]) -> None:
        self.trains = trains
        self.tried = {rate: trains(rate) for rate in rates if rate > 0}

    @property
    def good(self) -> list[float]:
        return [rate for rate, trains in self.tried.items() if trains]

    @property
    def beyond(self) -> float | None:
        """The smallest rate above all that train."""
        top = max(self.good)
        return min((rate for rate in self.tried if rate > top), default=None)

    def try_(self, rate: float) -> bool:
        if rate not in self.tried:
            self.tried[rate] = self.trains(rate)
        return self.tried[rate]

    def try_until(self, wanted: bool, stride: float, rate: float) -> None:
        """Stride on from this rate until one goes as wanted."""
        for _ in range(STRIDES):
            rate *= stride
            if not 0 < rate < inf or self.try_(rate) is wanted:
                return

    def look_beyond(self) -> bool:
        """Whether a rate up to twice as large trains after all; the farthest is tried first."""
        top = max(self.good)
        return any(self.try_(top * 2 ** (k / PROBES)) for k in range(PROBES, 0, -1))

    def halve(self) -> None:
        while (high := self.beyond) and high / (low := max(self.good)) > FINE:
            self.try_(sqrt(low) * sqrt(high))

    def limit(self) -> Limit:
        good = self.good
        if not good:
            return Limit(None, min(self.tried, default=None), tried=len(self.tried))
        between = (rate for rate in self.tried if min(good) < rate < max(good))
        failing = tuple(sorted(rate for rate in between if not self.tried[rate]))
        return Limit(max(good), self.beyond, failing, len(self.tried))
