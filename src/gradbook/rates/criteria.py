"""The verdicts on learning rates and their criteria, stated once and applied to trials.

The criteria are written in a small language of conditions on measures: a sweep applies them to
its trials (`Case`), a workbook writes them as formulas and a page as tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

import numpy as np

from gradbook.graph.node import Array
from gradbook.language import mark
from gradbook.net import Net
from gradbook.rates.trial import Gate, RateTrial


@dataclass(frozen=True)
class Measure:
    """A number that every trial has, under one name everywhere."""

    name: str

    def __mul__(self, factor: float) -> Multiple:
        return Multiple(factor, self)

    __rmul__ = __mul__

    def __lt__(self, other: Bound) -> Inequality:
        return Inequality(self, "<", other)

    def __le__(self, other: Bound) -> Inequality:
        return Inequality(self, "<=", other)

    def __gt__(self, other: Bound) -> Inequality:
        return Inequality(self, ">", other)

    def __ge__(self, other: Bound) -> Inequality:
        return Inequality(self, ">=", other)


@dataclass(frozen=True)
class Multiple:
    """A measure times a factor."""

    factor: float
    measure: Measure


Bound = Measure | Multiple | float


class Logic:
    """A condition, which can be combined by `&` and `|`, and negated by `~`."""

    def __and__(self, other: Logic) -> Every:
        return Every((*(self.parts if isinstance(self, Every) else (self,)), other))

    def __or__(self, other: Logic) -> Either:
        return Either((*(self.parts if isinstance(self, Either) else (self,)), other))

    def __invert__(self) -> Negated:
        return Negated(self)


@dataclass(frozen=True)
class Inequality(Logic):
    left: Measure
    sign: str
    right: Bound


@dataclass(frozen=True)
class Every(Logic):
    parts: tuple[Logic, ...]


@dataclass(frozen=True)
class Either(Logic):
    parts: tuple[Logic, ...]


@dataclass(frozen=True)
class Negated(Logic):
    part: Logic


@dataclass(frozen=True)
class Condition(Logic):
    """A condition with a name, by which others refer to it."""

    name: str
    meaning: Logic


def holds(condition: Logic, number: Callable[[Measure], float]) -> bool:
    """Whether a condition is true, evaluated from left to right and only as far as necessary."""
    match condition:
        case Condition(_, meaning):
            return holds(meaning, number)
        case Negated(part):
            return not holds(part, number)
        case Every(parts):
            return all(holds(part, number) for part in parts)
        case Either(parts):
            return any(holds(part, number) for part in parts)
        case Inequality(left, sign, right):
            return _compared(number(left), sign, _number(right, number))
    raise AssertionError(f"no condition: {condition}")


def _number(bound: Bound, number: Callable[[Measure], float]) -> float:
    match bound:
        case Measure():
            return number(bound)
        case Multiple(factor, measure):
            return factor * number(measure)
        case _:
            return bound


def _compared(left: float, sign: str, right: float) -> bool:
    match sign:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right


# Thresholds ------------------------------------------------------------------

LEFT_AFTER_SUCCESS = 0.1  # of what could be learned: training has succeeded if no more is left
ROUNDING = 1e-12  # of the largest excess: less is only rounding
LAST_DIGITS = 2e-15  # of the lowest loss possible: the same, if that isn't 0
BOTTOM = 1e-6  # of the excess at the start: variations of the curve below that don't matter
LEAP = 1.05  # times the excess at the start
FAR = 10  # times the excess at the start: a loss that ends so high has failed in any case
RISE = 1.1  # times the last minimum: what counts as a rise
HABIT = 3  # rises or reversals that can't be an accident
TURNING = 0.75  # of the steps reverse the gradient
FLAT, DEAD_FLAT = 0.05, 0.01  # the most the excess moves in the last quarter of the epochs
LATE, LATEST = 0.25, 0.1  # of the epochs: the last quarter, and the last tenth
LEAST_LATE = {LATE: 2, LATEST: 1}  # epochs, even if there are few
FADED, GONE = 0.1, 1e-3  # a gradient, relative to the largest of its trial
NO_GRADIENT = 1e-12  # relative to the loss at the start: practically none
SHUT = 0.01  # the share of the gradient that an activation passes on
DEAD = 1e-6  # a layer's steepest slope, below which no feasible step revives it
AS_LOW = 1e-3  # of what was learned: losses this close count as equal

# Measures of a trial ---------------------------------------------------------
# The excess is the loss minus the lowest possible one: only the excess can be learned away.

RATE = Measure("rate")
NO_NUMBERS = Measure("epochs without numbers")  # in which loss or gradient is infinite or NaN
START, END = Measure("loss at the start"), Measure("loss at the end")
START_SIZE = Measure("size of that start")  # without its sign
SPAN = Measure("span of the losses")
LATEST_HIGH = Measure("highest in the last tenth")
FIRST, LAST = Measure("excess at the start"), Measure("excess at the end")
HIGHEST = Measure("highest excess")
LATE_LOW = Measure("lowest excess in the last quarter")
MOVEMENT = Measure("movement in the last quarter")  # of the excess, relative to its largest there
LATE_STEPS = Measure("steps in the last quarter")
LATE_RISES = Measure("steps up in the last quarter")
LEAST = Measure("lowest loss possible")
LEFT = Measure("left to learn")  # of the reduction from the start to the lowest loss known
FIRST_GRADIENT = Measure("gradient at the start")
FADING = Measure("last gradient, of the largest")
TURNS, STEPS = Measure("turns of the gradient"), Measure("steps on the way down")
RISES = Measure("rises of the loss")
SHARE = Measure("least share let through")  # of the gradient, by an activation in the last epoch
SHARE_OF_ALL = Measure("by one that all gradients pass")
STEEPEST = Measure("steepest slope of a hidden layer")  # of the flattest layer

# Criteria --------------------------------------------------------------------

BROKEN = Condition("breaks", NO_NUMBERS > 0)
FROZEN = Condition("loss unchanged", SPAN <= ROUNDING * START_SIZE)
CLIMBS = Condition("climbs", (RATE < 0) & ~FROZEN)
AT_BOTTOM = Condition("at the bottom", (LAST <= ROUNDING * HIGHEST) | (LAST <= LAST_DIGITS * LEAST))
GROWS = Condition("grows", (LATE_RISES >= LATE_STEPS) & (END > START))
LOST = Condition("ends far above", (LATE_LOW > LEAP * FIRST) | (LAST > FAR * FIRST))
LEAPS = Condition("leaps", HIGHEST > LEAP * FIRST)
LEARNED = Condition("learned", LEFT <= LEFT_AFTER_SUCCESS)
CROSSES = Condition("crosses the valley", (TURNS >= HABIT) & (TURNS >= TURNING * STEPS))
OSCILLATES = Condition("swings", CROSSES | (RISES >= HABIT))
STILL = Condition("nearly constant", MOVEMENT <= DEAD_FLAT)
SLEEPS = Condition("shut and flat", (SHARE_OF_ALL <= SHUT) & (END >= START) & (MOVEMENT <= FLAT))
IDLES = Condition("part shut and still", STILL & ((SHARE_OF_ALL <= SHUT) | (FADING <= FADED)))
KEPT_BACK = Condition("slopes shut", (SHARE <= SHUT) & ~AT_BOTTOM & (SLEEPS | IDLES))
IS_DEAD = Condition("hidden units dead", (STEEPEST <= DEAD) & (FIRST > 0) & (END < START))
IS_SATURATED = Condition("saturated", ~BROKEN & (IS_DEAD | KEPT_BACK))
NO_PULL = Condition(
    "no gradient from the start", FROZEN & (FIRST_GRADIENT <= NO_GRADIENT * START_SIZE)
)
FADED_AWAY = Condition("faded away", STILL & ((FADING <= GONE) | NO_PULL))
SETTLED = Condition("at rest", ~BROKEN & ~IS_SATURATED & (AT_BOTTOM | FADED_AWAY))
TRAINS = Condition("trains", (RATE >= 0) & ~BROKEN & ~IS_SATURATED & (LATEST_HIGH < START))


class Verdict(StrEnum):
    """What a learning rate does."""

    TOO_SLOW = mark("too slow")
    GOOD = mark("good")
    RECOVERS = mark("overshoots and recovers")
    OSCILLATES = mark("oscillates")
    DIVERGES = mark("diverges")
    SATURATED = mark("saturated")
    STUCK = mark("stuck")


DECISIONS: tuple[tuple[Logic, Verdict], ...] = (  # the first that is true counts
    (BROKEN | CLIMBS, Verdict.DIVERGES),
    (IS_SATURATED, Verdict.SATURATED),
    (TRAINS & LEAPS & (LEARNED | ~OSCILLATES), Verdict.RECOVERS),
    (OSCILLATES & ~GROWS & ~LOST, Verdict.OSCILLATES),
    (LEARNED & (TRAINS | SETTLED), Verdict.GOOD),
    (SETTLED, Verdict.STUCK),
    (TRAINS | FROZEN, Verdict.TOO_SLOW),
)
OTHERWISE = Verdict.DIVERGES

MEANINGS = MappingProxyType(
    {
        Verdict.TOO_SLOW: mark(
            "The loss falls, but by less than nine tenths of the possible "
            "reduction, down to the lowest loss possible or to the one at which a "
            "rate of this sweep settled. A rate of 0 learns nothing."
        ),
        Verdict.GOOD: mark(
            "The loss has fallen by at least nine tenths of the possible reduction, "
            "or has settled as low as it can: its gradient has vanished although no "
            "activation is saturated."
        ),
        Verdict.RECOVERS: mark("The loss leaps above its start, then falls below it."),
        Verdict.OSCILLATES: mark(
            "Step after step jumps across the valley: the gradient reverses at "
            "three steps out of four, or the loss rises again three times or "
            "more. It may fall nevertheless."
        ),
        Verdict.DIVERGES: mark(
            "The loss ends above its start, where it stays for the last quarter "
            "or is ten times as high, or it is no longer a number. A rate below 0 "
            "climbs."
        ),
        Verdict.SATURATED: mark(
            "The loss stays flat because the slopes of an activation hold back "
            "nearly all of the gradient, or because a hidden layer is dead. "
            "However low it is, nothing is learned."
        ),
        Verdict.STUCK: mark(
            "The gradient has vanished although no activation is saturated, yet the "
            "loss isn't as low as it could be. Another start may help; another rate "
            "may not."
        ),
    }
)

# Criteria applied to a trial -------------------------------------------------


def least_loss(net: Net) -> float:
    """The loss of perfect outputs: 0, or for targets between 0 and 1 their entropy."""
    targets = np.array([sample.targets for sample in net.examples()])
    loss = net.objective
    if not loss.is_entropy:
        return 0.0
    if loss.of_all:
        return float(_surprise(targets).sum(axis=1).mean())
    return float((_surprise(targets) + _surprise(1 - targets)).mean())


def _surprise(chance: Array) -> Array:
    """−p·ln p, which is 0 at 0."""
    return -chance * np.log(np.where(chance > 0, chance, 1))


def last_part(epochs: int, share: float) -> int:
    """The number of last epochs: a quarter or a tenth of them, but at least one or two."""
    return max(LEAST_LATE[share], round(epochs * share))


def last_quarter(values: Array) -> Array:
    return values[-last_part(len(values), LATE) :]


def last_tenth(values: Array) -> Array:
    return values[-last_part(len(values), LATEST) :]


def movement(values: Array) -> float:
    """How far the last quarter of the values moves, relative to its largest."""
    part = last_quarter(values)
    largest = float(part.max())
    return float((largest - part.min()) / largest) if largest else 0.0


@dataclass(frozen=True)
class Waves:
    """Whether the values rise in each epoch, and the latest minimum or maximum so far."""

    rising: Array  # 1 or 0
    extreme: Array

    @staticmethod
    def of(values: Array) -> Waves:
        """A rise begins a tenth above the last minimum, and ends a tenth below the last maximum."""
        rising, extreme = False, float("inf")
        states = []
        for value in values.tolist():
            extreme = max(extreme, value) if rising else min(extreme, value)
            turned = RISE * value < extreme if rising else value > RISE * extreme
            if turned:
                rising, extreme = not rising, value
            states.append((float(rising), extreme))
        return Waves(*np.array(states).T)

    @property
    def count(self) -> int:
        return int((np.diff(self.rising, prepend=0) > 0).sum())


@dataclass(frozen=True)
class Case:
    """A trial, compared with the lowest possible loss and the lowest that is known to be reached.

    The excess of its losses is their distance from `least`: only that can be learned away.
    """

    trial: RateTrial
    least: float
    best_known: float

    def holds(self, condition: Logic) -> bool:
        """Whether a condition is true; if the trial's numbers break, only BROKEN can be."""
        if self.breaks and condition is not BROKEN:
            return False
        return holds(condition, self.number)

    def number(self, measure: Measure) -> float:
        return MEASURING[measure](self)

    @cached_property
    def breaks(self) -> bool:
        return holds(BROKEN, self.number)

    @cached_property
    def excess(self) -> Array:
        return np.maximum(self.trial.losses - self.least, 0)

    @property
    def start(self) -> float:
        return float(self.trial.losses[0])

    @property
    def left(self) -> float:
        """The share of what could be learned that is left at the end."""
        return self.number(LEFT)

    @cached_property
    def descent(self) -> int:
        """The number of epochs until almost nothing is left to learn."""
        arrived = np.flatnonzero(self.excess <= BOTTOM * self.excess[0])
        return int(arrived[0]) + 1 if arrived.size else self.trial.epochs

    @cached_property
    def turn_counts(self) -> tuple[int, int]:
        """The number of steps in the descent that reversed the gradient, and of all its steps."""
        turns = self.trial.turns[1 : self.descent]
        return int((turns < 0).sum()), len(turns)

    @cached_property
    def waves(self) -> Waves:
        return Waves.of(self.excess)

    @cached_property
    def rises(self) -> int:
        return Waves.of(self.excess[: self.descent]).count

    @cached_property
    def shut_gate(self) -> Gate | None:
        """The activation that passes on almost none of the gradient, if there is one."""
        gates = self.trial.gates
        shut = [gate for gate in gates if gate.openness <= SHUT]
        dead = [gate for gate in gates if gate.is_hidden and gate.steepest_of_all <= DEAD]
        best = min(shut, key=lambda gate: (not gate.covers, gate.openness), default=None)
        return best or (dead[0] if dead else None)

    @property
    def fading(self) -> float:
        """The last gradient, relative to the largest."""
        return self.number(FADING)

    def verdict(self) -> Verdict:
        """The verdict of the first decision that is true."""
        verdicts = (verdict for condition, verdict in DECISIONS if self._decides(condition))
        return next(verdicts, OTHERWISE)

    def _decides(self, condition: Logic) -> bool:
        return DECISIONS[0][0] is condition if self.breaks else self.holds(condition)


def sound_low(case: Case) -> float | None:
    """The lowest loss of a trial whose numbers don't break and that isn't saturated."""
    sound = not case.breaks and not case.holds(IS_SATURATED)
    return case.trial.lowest if sound else None


def lowest_reached(cases: Sequence[Case], least: float) -> float:
    """The lowest loss that a sound trial reaches, or the lowest possible."""
    return min((low for case in cases if (low := sound_low(case)) is not None), default=least)


def rests_on(case: Case, lowest: float) -> float | None:
    """The loss at which a trial comes to rest, if it is as low as the lowest."""
    rests = case.holds(SETTLED & ~FROZEN)
    as_low = case.trial.end - lowest <= AS_LOW * (case.start - lowest)
    return case.trial.end if rests and as_low else None


def resting_loss(cases: Sequence[Case], least: float) -> float:
    """The loss at which the best of these came to rest, or the lowest possible."""
    lowest = lowest_reached(cases, least)
    ends = [end for case in cases if (end := rests_on(case, lowest)) is not None]
    rest = min(ends, default=least)
    return rest if rest - least > AS_LOW * (cases[0].start - lowest) else least


# The measures ----------------------------------------------------------------


def _no_numbers(case: Case) -> float:
    finite = np.isfinite(case.trial.losses) & np.isfinite(case.trial.slopes)
    return float((~finite).sum())


def _left(case: Case) -> float:
    learnable = case.start - case.best_known
    return max(case.trial.end - case.best_known, 0.0) / learnable if learnable > 0 else 0.0


def _fading(case: Case) -> float:
    largest = float(case.trial.slopes.max())
    return float(case.trial.slopes[-1]) / largest if largest else 0.0


def _least_share(gates: list[Gate]) -> float:
    return min((gate.openness for gate in gates), default=1.0)


def _steepest(case: Case) -> float:
    hidden = [gate.steepest_of_all for gate in case.trial.gates if gate.is_hidden]
    return min(hidden, default=1.0)


MEASURING: Mapping[Measure, Callable[[Case], float]] = {
    RATE: lambda case: case.trial.rate,
    NO_NUMBERS: _no_numbers,
    START: lambda case: case.start,
    START_SIZE: lambda case: abs(case.start),
    END: lambda case: case.trial.end,
    SPAN: lambda case: float(np.ptp(case.trial.losses)),
    LATEST_HIGH: lambda case: float(last_tenth(case.trial.losses).max()),
    FIRST: lambda case: float(case.excess[0]),
    LAST: lambda case: float(case.excess[-1]),
    HIGHEST: lambda case: float(case.excess.max()),
    LATE_LOW: lambda case: float(last_quarter(case.excess).min()),
    MOVEMENT: lambda case: movement(case.excess),
    LATE_STEPS: lambda case: float(len(last_quarter(case.trial.losses)) - 1),
    LATE_RISES: lambda case: float((np.diff(last_quarter(case.trial.losses)) > 0).sum()),
    LEAST: lambda case: case.least,
    LEFT: _left,
    FIRST_GRADIENT: lambda case: float(case.trial.slopes[0]),
    FADING: _fading,
    TURNS: lambda case: float(case.turn_counts[0]),
    STEPS: lambda case: float(case.turn_counts[1]),
    RISES: lambda case: float(case.rises),
    SHARE: lambda case: _least_share(list(case.trial.gates)),
    SHARE_OF_ALL: lambda case: _least_share([g for g in case.trial.gates if g.covers]),
    STEEPEST: _steepest,
}
