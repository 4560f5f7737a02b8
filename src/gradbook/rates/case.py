"""A trial with its measures, held against the criteria."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradbook.graph.node import Array
from gradbook.net import Loss, Net
from gradbook.rates import criteria as c
from gradbook.rates.conditions import Logic, Measure, holds
from gradbook.rates.trial import Gate, RateTrial


def least_loss(net: Net) -> float:
    """The loss of perfect outputs: 0, or for targets between 0 and 1 their entropy."""
    targets = np.array([sample.targets for sample in net.examples()])
    if net.objective is Loss.CROSS:
        return float(_surprise(targets).sum(axis=1).mean())
    if net.objective is Loss.BINARY:
        return float((_surprise(targets) + _surprise(1 - targets)).mean())
    return 0.0


def _surprise(chance: Array) -> Array:
    """−p·ln p, which is 0 at 0."""
    return -chance * np.log(np.where(chance > 0, chance, 1))


def last_part(epochs: int, share: float) -> int:
    """How many the last epochs are: the quarter or the tenth of them, or as few as may be."""
    return max(c.LEAST_LATE[share], round(epochs * share))


def last_quarter(values: Array) -> Array:
    return values[-last_part(len(values), c.LATE) :]


def last_tenth(values: Array) -> Array:
    return values[-last_part(len(values), c.LATEST) :]


def movement(values: Array) -> float:
    """How far the last quarter of these moves, relative to its largest."""
    part = last_quarter(values)
    largest = float(part.max())
    return float((largest - part.min()) / largest) if largest else 0.0


@dataclass(frozen=True)
class Waves:
    """Epoch by epoch whether the values rise, and the last low or high until then."""

    rising: Array  # 1 or 0
    extreme: Array

    @staticmethod
    def of(values: Array) -> Waves:
        """A rise begins a tenth above the last low, and ends a tenth below the last high."""
        rising, extreme = False, float("inf")
        found = []
        for value in values.tolist():
            extreme = max(extreme, value) if rising else min(extreme, value)
            turned = c.RISE * value < extreme if rising else value > c.RISE * extreme
            if turned:
                rising, extreme = not rising, value
            found.append((float(rising), extreme))
        return Waves(*np.array(found).T)

    @property
    def count(self) -> int:
        return int((np.diff(self.rising, prepend=0) > 0).sum())


@dataclass(frozen=True)
class Case:
    """A trial held against the lowest loss there could be, and the lowest known to be reached.

    What its losses have above `least` is the excess: only that can be learned away.
    """

    trial: RateTrial
    least: float
    attained: float

    def holds(self, condition: Logic) -> bool:
        """Whether it does; of a trial whose numbers break nothing else is asked."""
        if self.breaks and condition is not c.BROKEN:
            return False
        return holds(condition, self.number)

    def number(self, measure: Measure) -> float:
        return MEASURING[measure](self)

    @cached_property
    def breaks(self) -> bool:
        return holds(c.BROKEN, self.number)

    @cached_property
    def excess(self) -> Array:
        return np.maximum(self.trial.losses - self.least, 0)

    @property
    def start(self) -> float:
        return float(self.trial.losses[0])

    @property
    def left(self) -> float:
        """How much of what could be learned is left at the end."""
        return self.number(c.LEFT)

    @cached_property
    def descent(self) -> int:
        """How many epochs until there is next to nothing left to learn."""
        arrived = np.flatnonzero(self.excess <= c.BOTTOM * self.excess[0])
        return int(arrived[0]) + 1 if arrived.size else self.trial.epochs

    @cached_property
    def turned(self) -> tuple[int, int]:
        """At how many steps of the descent the gradient turned round, and of how many."""
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
        """The activation that lets next to none of the gradient through, if there is one."""
        gates = self.trial.gates
        shut = [gate for gate in gates if gate.openness <= c.SHUT]
        dead = [gate for gate in gates if gate.is_hidden and gate.steepest_of_all <= c.DEAD]
        best = min(shut, key=lambda gate: (not gate.covers, gate.openness), default=None)
        return best or (dead[0] if dead else None)

    @property
    def fading(self) -> float:
        """The last gradient, relative to the largest."""
        return self.number(c.FADING)

    def says(self) -> c.Verdict:
        """The first decision that holds."""
        found = (verdict for condition, verdict in c.DECISIONS if self._decides(condition))
        return next(found, c.OTHERWISE)

    def _decides(self, condition: Logic) -> bool:
        return c.DECISIONS[0][0] is condition if self.breaks else self.holds(condition)


def sound_low(case: Case) -> float | None:
    """The lowest loss of a trial whose numbers hold and that isn't saturated."""
    sound = not case.breaks and not case.holds(c.IS_SATURATED)
    return case.trial.lowest if sound else None


def lowest_reached(cases: Sequence[Case], least: float) -> float:
    """The lowest loss that a sound one of them reaches, or the lowest there could be."""
    return min((low for case in cases if (low := sound_low(case)) is not None), default=least)


def rests_on(case: Case, lowest: float) -> float | None:
    """The loss that a trial comes to rest on, where that is as low as the lowest."""
    rests = case.holds(c.SETTLED & ~c.FROZEN)
    as_low = case.trial.end - lowest <= c.AS_LOW * (case.start - lowest)
    return case.trial.end if rests and as_low else None


def attained(cases: Sequence[Case], least: float) -> float:
    """The loss on which the best of these came to rest, or the lowest there could be."""
    lowest = lowest_reached(cases, least)
    found = [end for case in cases if (end := rests_on(case, lowest)) is not None]
    rest = min(found, default=least)
    return rest if rest - least > c.AS_LOW * (cases[0].start - lowest) else least


# What each measure is --------------------------------------------------------


def _no_numbers(case: Case) -> float:
    finite = np.isfinite(case.trial.losses) & np.isfinite(case.trial.slopes)
    return float((~finite).sum())


def _left(case: Case) -> float:
    learnable = case.start - case.attained
    return max(case.trial.end - case.attained, 0.0) / learnable if learnable > 0 else 0.0


def _fading(case: Case) -> float:
    largest = float(case.trial.slopes.max())
    return float(case.trial.slopes[-1]) / largest if largest else 0.0


def _least_share(gates: list[Gate]) -> float:
    return min((gate.openness for gate in gates), default=1.0)


def _steepest(case: Case) -> float:
    hidden = [gate.steepest_of_all for gate in case.trial.gates if gate.is_hidden]
    return min(hidden, default=1.0)


MEASURING: Mapping[Measure, Callable[[Case], float]] = {
    c.RATE: lambda case: case.trial.rate,
    c.NO_NUMBERS: _no_numbers,
    c.START: lambda case: case.start,
    c.START_SIZE: lambda case: abs(case.start),
    c.END: lambda case: case.trial.end,
    c.SPAN: lambda case: float(np.ptp(case.trial.losses)),
    c.LATEST_HIGH: lambda case: float(last_tenth(case.trial.losses).max()),
    c.FIRST: lambda case: float(case.excess[0]),
    c.LAST: lambda case: float(case.excess[-1]),
    c.HIGHEST: lambda case: float(case.excess.max()),
    c.LATE_LOW: lambda case: float(last_quarter(case.excess).min()),
    c.MOVEMENT: lambda case: movement(case.excess),
    c.LATE_STEPS: lambda case: float(len(last_quarter(case.trial.losses)) - 1),
    c.LATE_RISES: lambda case: float((np.diff(last_quarter(case.trial.losses)) > 0).sum()),
    c.LEAST: lambda case: case.least,
    c.LEFT: _left,
    c.FIRST_GRADIENT: lambda case: float(case.trial.slopes[0]),
    c.FADING: _fading,
    c.TURNS: lambda case: float(case.turned[0]),
    c.STEPS: lambda case: float(case.turned[1]),
    c.RISES: lambda case: float(case.rises),
    c.SHARE: lambda case: _least_share(list(case.trial.gates)),
    c.SHARE_OF_ALL: lambda case: _least_share([g for g in case.trial.gates if g.covers]),
    c.STEEPEST: _steepest,
}
