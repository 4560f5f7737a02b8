"""What an exercise says of itself in cells of its own, which every program saves again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isfinite

FIRST_LINE = "gradbook exercise 1"  # the number goes up when older readers couldn't read it
RATE, BLANK, NETWORK = "rate", "blank", "network"
MOST_LINES = 20_000


@dataclass(frozen=True)
class ExerciseRecord:
    """The network of an exercise, the rate that it gives, the columns that it asks for."""

    network: str  # as a text
    rate: float | None
    asked: tuple[tuple[str, str], ...]  # kind and quantity of each

    def lines(self) -> Iterator[str]:
        """One line a cell, below each other."""
        yield FIRST_LINE
        if self.rate is not None:
            yield f"{RATE} {self.rate!r}"
        yield from (f"{BLANK} {kind} {quantity}" for kind, quantity in self.asked)
        yield NETWORK
        yield from self.network.splitlines()


def read_record(lines: Iterable[str]) -> ExerciseRecord | None:
    """The record that some lines are; None where they are none."""
    rest = iter(lines)
    if next(rest, "").strip() != FIRST_LINE:
        return None
    rate: float | None = None
    asked: list[tuple[str, str]] = []
    for line in rest:
        word, _, said = line.strip().partition(" ")
        if word == NETWORK:
            return ExerciseRecord("\n".join(rest) + "\n", rate, tuple(asked))
        if word == RATE:
            rate = _number(said)
        elif word == BLANK:
            kind, _, quantity = said.partition(" ")
            asked.append((kind, quantity))
    return None


def _number(said: str) -> float | None:
    try:
        found = float(said)
    except ValueError:
        return None
    return found if isfinite(found) else None
