"""The description that an exercise contains of itself, in cells that every program keeps.

Knows nothing of networks: the audit reads it in every workbook.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite

from gradbook.language import mark

FIRST_LINE = "gradbook exercise 1"  # the number increases when older versions couldn't read it
RATE, BLANK, SAYS, KEY, EPOCHS, NETWORK = "rate", "blank", "says", "key", "epochs", "network"
MOST_LINES = 20_000


KNOWN_BY = {  # what a reader looks for in the workbook, in the language it was written in
    "epoch": mark("epoch"),
    "sample": mark("sample"),
    "rate": mark("η, the learning rate"),
    "check": mark("Do the gradients agree with what a nudge measures?"),
    "passes": mark("The forward passes behind the check"),
}


@dataclass(frozen=True)
class ExerciseRecord:
    """The network of an exercise, its learning rate, and the columns to fill in."""

    network: str  # as a text
    rate: float | None
    asked: tuple[tuple[str, str], ...]  # the kind and quantity of each column
    words: Mapping[str, str] = field(default_factory=lambda: dict(KNOWN_BY))  # by purpose
    key: str = ""  # the key of its student, if it belongs to a class
    epochs: int = 0  # rows of its training; 0: unknown

    def lines(self) -> Iterator[str]:
        """One line per cell, below each other."""
        yield FIRST_LINE
        if self.key:
            yield f"{KEY} {self.key}"
        if self.rate is not None:
            yield f"{RATE} {self.rate!r}"
        if self.epochs:
            yield f"{EPOCHS} {self.epochs}"
        yield from (f"{BLANK} {kind} {quantity}" for kind, quantity in self.asked)
        translated = ((key, words) for key, words in self.words.items() if words != KNOWN_BY[key])
        yield from (f"{SAYS} {key} {words}" for key, words in translated)
        yield NETWORK
        yield from self.network.splitlines()


def read_record(lines: Iterable[str]) -> ExerciseRecord | None:
    """The record in these lines; None if they aren't a record."""
    rest = iter(lines)
    if next(rest, "").strip() != FIRST_LINE:
        return None
    rate: float | None = None
    asked: list[tuple[str, str]] = []
    words, key, epochs = dict(KNOWN_BY), "", 0
    for line in rest:
        word, _, value = line.strip().partition(" ")
        if word == NETWORK:
            return ExerciseRecord("\n".join(rest) + "\n", rate, tuple(asked), words, key, epochs)
        if word == RATE:
            rate = _number(value)
        elif word == KEY:
            key = value
        elif word == EPOCHS:
            epochs = min(int(value), MOST_LINES) if value.isdecimal() and len(value) < 9 else 0
        elif word == BLANK:
            kind, _, quantity = value.partition(" ")
            asked.append((kind, quantity))
        elif word == SAYS:
            purpose, _, words_here = value.partition(" ")
            words |= {purpose: words_here} if purpose in KNOWN_BY else {}
    return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None
