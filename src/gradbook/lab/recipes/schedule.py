"""How the learning rate changes while a network trains, and how that is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.arguments import hint, number, one_of, settle, whole
from gradbook.errors import UsageError, did_you_mean
from gradbook.net.text import Statement, digits, statements

GRAMMAR = """\
  schedule KIND …            how the learning rate goes, where KIND … is
    constant RATE            the same all along
    step RATE by F every N   times F after every N epochs
    plateau RATE by F patience N
                             times F once the validation loss hasn't fallen for more than N
                             epochs
    cosine RATE [to R]       half a wave down to R, or to 0
    one cycle RATE [to R]    straight up during a quarter of all steps, then straight down
                             to R, or to 0
                             'warm S' may end any of them: during that share of all steps
                             the rate rises to what it is, from a 25th of it
"""

RISE = 25.0  # a rate that rises begins with this part of itself
BETTER = 1e-4  # a validation loss that has fallen by less has not fallen

OWN_SETTINGS: dict[str, tuple[str, ...]] = {
    "constant": ("warm",),
    "step": ("factor", "every", "warm"),
    "plateau": ("factor", "patience", "warm"),
    "cosine": ("end", "warm"),
    "one cycle": ("warm", "end"),
}
WORDS = {"factor": "by", "every": "every", "patience": "patience", "warm": "warm", "end": "to"}
USUAL_WARM = {"one cycle": 0.25}

# What is said of a schedule that won't do; a page says the same of one that is written there.
WHICH_SCHEDULE = "which schedule{hint}"
UNKNOWN_SCHEDULE = "unknown schedule {word!r}{hint}"
ONE_CYCLE = "expected 'one cycle'"
TWICE = "a second {word!r}: say it once"
UNKNOWN_SETTING = "unknown {word!r}{hint}"
SETTINGS_AFTER = ": after {kind} there may stand {known}"
ASKED_FOR = "what {word!r} asks for"
RATES_FALL = "a rate falls: from {rate:g} it can't go to {end:g}"
OUT_OF_RANGE = "{what} lies {where}, not at {found:g}"


@dataclass(frozen=True)
class SettingRange:
    """What a setting may be: a number, or a whole one that is at least `least`."""

    what: str
    zero: bool = False  # whether a number may be 0
    below: float = inf
    least: int | None = None

    @property
    def where(self) -> str:
        low = "from 0 up" if self.zero else "above 0"
        return f"{low}{f' and below {self.below:g}' * (self.below < inf)}"

    def checked(self, value: object) -> float:
        if self.least is not None:
            return whole(self.what, value, self.least)
        found = number(self.what, value)
        is_above = found > 0 or (self.zero and found == 0)
        if not (isfinite(found) and is_above and found < self.below):
            said = OUT_OF_RANGE.format(what=self.what, where=self.where, found=found)
            raise UsageError(said)
        return found


RANGES = {
    "rate": SettingRange("the rate"),
    "factor": SettingRange("the factor", below=1),
    "every": SettingRange("the number of epochs", least=1),
    "patience": SettingRange("patience", least=0),
    "warm": SettingRange("the share", zero=True, below=1),
    "end": SettingRange("the last rate", zero=True),
}


@dataclass(frozen=True)
class Schedule:
    """The rate of every step. `Schedule("one cycle", 0.2)`; settings of other kinds are ignored."""

    kind: str
    rate: float
    factor: float = 0.1
    every: int = 5  # epochs
    patience: int = 1  # epochs
    warm: float | None = None  # the share of all steps in which the rate rises; none: as usual
    end: float = 0.0  # the rate towards which it falls

    def __post_init__(self) -> None:
        one_of("schedule", self.kind, OWN_SETTINGS)
        warm = USUAL_WARM.get(self.kind, 0.0) if self.warm is None else self.warm
        given = {**vars(self), "warm": warm}
        settle(self, **{name: own.checked(given[name]) for name, own in RANGES.items()})
        for setting in fields(self)[2:]:
            if setting.name not in OWN_SETTINGS[self.kind]:
                settle(self, **{setting.name: setting.default})
        if self.end > self.rate:
            raise UsageError(RATES_FALL.format(rate=self.rate, end=self.end))

    def __str__(self) -> str:
        """As it is written: 'one cycle 0.2 warm 0.25'."""
        usual = {"warm": USUAL_WARM.get(self.kind, 0.0), "end": 0.0}
        settings = ((name, getattr(self, name)) for name in OWN_SETTINGS[self.kind])
        said = [
            f"{WORDS[name]} {digits(value)}" for name, value in settings if usual.get(name) != value
        ]
        return " ".join([self.kind, digits(self.rate), *said])

    def rates(
        self, epoch: int, steps: int, epochs: int, losses: Sequence[float] = ()
    ) -> NDArray[np.float64]:
        """The rate of each of the epoch's steps. The first epoch is 0.

        `losses` are the validation losses of the epochs before, or the training losses where
        no images are held back.
        """
        at = epoch * steps + np.arange(steps, dtype=np.float64)
        end, warm = float(steps * epochs), (self.warm or 0.0) * steps * epochs
        match self.kind:
            case "step":
                rates = np.full(steps, self.rate * self.factor ** (epoch // self.every))
            case "plateau":
                rates = np.full(steps, self.rate * self.factor ** self.reductions(losses))
            case "cosine":
                way = np.clip((at - warm) / (end - warm), 0, 1)
                rates = self.end + (self.rate - self.end) * (1 + np.cos(np.pi * way)) / 2
            case "one cycle":
                rates = np.interp(at, [warm, end], [self.rate, self.end])
            case _:
                rates = np.full(steps, self.rate)
        rising = np.interp(at, [0, warm], [1 / RISE, 1]) if warm else 1.0
        return np.asarray(rates * rising)

    def reductions(self, losses: Sequence[float]) -> int:
        """How often a plateau was met."""
        best, waited, met = inf, 0, 0
        for loss in losses:
            waited += 1
            if loss < best * (1 - BETTER):
                best, waited = loss, 0
            if waited > self.patience:
                met, waited = met + 1, 0
        return met


def parse(text: str) -> Schedule:
    """A schedule by itself, such as 'one cycle 0.05'."""
    line = next(statements(text, "schedule"), None)
    if line is None:
        raise UsageError("no schedule: write one such as 'one cycle 0.05'")
    return read(line)


def read(line: Statement) -> Schedule:
    """What the words that are left of a line say: one cycle 0.2 warm 0.2."""
    start = line.used
    if line.option("one"):
        line.option("cycle") or line.fail(ONE_CYCLE)
        kind = "one cycle"
    elif line.next in OWN_SETTINGS:
        kind = line.take()
    else:
        message = UNKNOWN_SCHEDULE if line.next else WHICH_SCHEDULE
        line.fail(message.format(word=line.next, hint=hint(line.next, OWN_SETTINGS)), at=start)
    settings: dict[str, Any] = {"rate": line.value("the rate")}
    options = {WORDS[name]: name for name in OWN_SETTINGS[kind]}
    while line.next in options:
        word = line.take()
        if options[word] in settings:
            line.fail(TWICE.format(word=word), at=line.used - 1)
        counts = word in ("every", "patience")
        what = ASKED_FOR.format(word=word)
        settings[options[word]] = line.whole(what) if counts else line.value(what)
    if line.next:
        known = SETTINGS_AFTER.format(kind=kind, known=", ".join(options))
        meant = did_you_mean(line.next, options) or known
        line.fail(UNKNOWN_SETTING.format(word=line.next, hint=meant))
    return Schedule(kind, **settings)
