"""What can be asked of a trial: plain questions, each with its threshold under a name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradbook.graph.node import Array
from gradbook.lab.rates.trial import SHUT, Gate, RateTrial
from gradbook.net import Loss, Net

ENOUGH = 0.1  # of what could be learned: training that leaves no more has learned
ROUNDING = 1e-12  # of the largest excess: what is left then is rounding
BOTTOM = 1e-6  # of the excess at the start: how a curve wobbles below that doesn't matter
LEAP = 1.05  # times the excess at the start
RISE = 1.1  # times the last low: what counts as one of several waves
HABIT = 3  # so many rises, or turns, are more than an accident
TURNING = 0.75  # of the steps turn the gradient round
FLAT, DEAD_FLAT = 0.05, 0.01  # how far the excess moves in the last quarter of the epochs
FADED, GONE = 0.1, 1e-3  # a gradient, relative to the largest of its trial
NO_GRADIENT = 1e-12  # relative to the loss at the start: as good as none


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


def last_part(values: Array, share: float, least: int) -> Array:
    """The last epochs: a share of them, and at least so many."""
    return values[-max(least, round(len(values) * share)) :]


def last_quarter(values: Array) -> Array:
    return last_part(values, 0.25, least=2)


def movement(values: Array) -> float:
    """How far the last quarter of these moves, relative to its largest."""
    part = last_quarter(values)
    largest = float(part.max())
    return float((largest - part.min()) / largest) if largest else 0.0


def rises(values: Array) -> int:
    """How many times these go up by a tenth or more after they were lower."""
    count, rising, low, high = 0, False, np.inf, 0.0
    for value in values.tolist():
        low, high = min(low, value), max(high, value)
        if not rising and value > RISE * low:
            count, rising, high = count + 1, True, value
        elif rising and RISE * value < high:
            rising, low = False, value
    return count


@dataclass(frozen=True)
class Case:
    """A trial held against the lowest loss there could be, and the lowest known to be reached.

    What its losses have above `least` is the excess: only that can be learned away.
    """

    trial: RateTrial
    least: float
    attained: float

    @cached_property
    def excess(self) -> Array:
        return np.maximum(self.trial.losses - self.least, 0)

    @property
    def start(self) -> float:
        return float(self.trial.losses[0])

    @cached_property
    def left(self) -> float:
        """How much of what could be learned is left at the end."""
        learnable = self.start - self.attained
        return max(self.trial.end - self.attained, 0.0) / learnable if learnable > 0 else 0.0

    @property
    def learned(self) -> bool:
        return self.left <= ENOUGH

    @cached_property
    def is_finite(self) -> bool:
        """Whether losses and gradients stayed finite throughout."""
        return bool(np.isfinite(self.trial.losses).all() and np.isfinite(self.trial.slopes).all())

    @property
    def frozen(self) -> bool:
        """Whether the loss never moves from where it began."""
        return bool(np.ptp(self.trial.losses) <= ROUNDING * abs(self.start))

    @property
    def no_gradient(self) -> bool:
        """Whether there is no gradient to begin with."""
        return bool(self.trial.slopes[0] <= NO_GRADIENT * abs(self.start))

    @property
    def at_bottom(self) -> bool:
        """Whether nothing but rounding is left to learn."""
        rounding = max(ROUNDING * self.excess.max(), 8 * np.spacing(self.least))
        return bool(self.excess[-1] <= rounding)

    @property
    def grows(self) -> bool:
        """Whether the loss is above its start and higher at every step of the last quarter."""
        rising = (np.diff(last_quarter(self.trial.losses)) > 0).all()
        return bool(rising) and self.trial.end > self.start

    @property
    def leaps(self) -> bool:
        """Whether the loss goes clearly above its start."""
        return bool(self.excess.max() > LEAP * self.excess[0])

    @cached_property
    def descent(self) -> slice:
        """The epochs until there is next to nothing left to learn."""
        arrived = np.flatnonzero(self.excess <= BOTTOM * self.excess[0])
        return slice(0, arrived[0] + 1 if arrived.size else self.trial.epochs)

    @cached_property
    def turned(self) -> tuple[int, int]:
        """At how many steps of the descent the gradient turned round, and of how many."""
        turns = self.trial.turns[self.descent][1:]
        return int((turns < 0).sum()), len(turns)

    @property
    def crosses(self) -> bool:
        """Whether it keeps jumping from one side of the valley to the other."""
        times, steps = self.turned
        return times >= HABIT and times >= TURNING * steps

    @cached_property
    def rises(self) -> int:
        return rises(self.excess[self.descent])

    @property
    def oscillates(self) -> bool:
        return self.crosses or self.rises >= HABIT

    @cached_property
    def shut_gate(self) -> Gate | None:
        """The activation that lets next to none of the gradient through, if there is one."""
        shut = [gate for gate in self.trial.gates if gate.openness <= SHUT]
        return min(shut, key=lambda gate: (not gate.covers, gate.openness), default=None)

    @property
    def fading(self) -> float:
        """The last gradient, relative to the largest."""
        largest = float(self.trial.slopes.max())
        return float(self.trial.slopes[-1]) / largest if largest else 0.0

    @cached_property
    def saturated(self) -> bool:
        """Whether the loss is flat because slopes let no gradient through, not because it is done.

        A loss that came down must be dead flat, for it might only be slow; and so must one whose
        activation doesn't stop every weight's gradient: then the others must be done as well.
        """
        gate = self.shut_gate
        if gate is None or not self.is_finite or self.at_bottom:
            return False
        if gate.covers and self.trial.end >= self.start:
            return movement(self.excess) <= FLAT
        return movement(self.excess) <= DEAD_FLAT and (gate.covers or self.fading <= FADED)

    @cached_property
    def settled(self) -> bool:
        """Whether it has converged: the gradient is gone, the slopes are open, the loss rests."""
        if not self.is_finite or self.saturated:
            return False
        gone = self.fading <= GONE or (self.frozen and self.no_gradient)
        return self.at_bottom or (gone and movement(self.excess) <= DEAD_FLAT)

    @cached_property
    def trains(self) -> bool:
        """Whether training works at this rate.

        It does where loss and gradient stay finite, the loss is lower than at the start in all
        of the last tenth of the epochs, and it isn't saturated.
        """
        if not self.is_finite or self.saturated:
            return False
        return bool(last_part(self.trial.losses, 0.1, least=1).max() < self.start)
