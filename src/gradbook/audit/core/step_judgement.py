"""Whether the weights of a step descend a loss of its own, all by one law.

Knows neither cells nor source, and no words.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from gradbook.audit.core.implied_losses import SQUARES, TWO_CLASSES
from gradbook.audit.core.training_step import ADDING, Objective, State, TrainingStep, adds_itself
from gradbook.audit.core.weight_laws import (
    LARGE,
    SAME,
    LawPoints,
    LawReader,
    WeightLaw,
    agreeing,
    is_same,
)
from gradbook.audit.core.worlds import RandomWorlds, is_zero, ratio

MOST_LOSSES = 60
TIMES = 4.0
STEPS = 6


@dataclass
class LossReading:
    """What a loss explains: the laws of the weights by its slopes."""

    objective: Objective
    slopes: dict[int, list[Any]]  # of each weight, in each world
    laws: dict[int, WeightLaw | None]
    agreed: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)  # states that no law uses
    ahead: frozenset[int] = frozenset()  # memories ahead of which slopes are taken

    @property
    def is_whole(self) -> bool:
        return bool(self.laws) and len(self.agreed) == len(self.laws) and not self.left

    @property
    def share(self) -> float:
        return len(self.agreed) / max(1, len(self.laws) + len(self.left))


@dataclass(frozen=True, slots=True)
class StepVerdict:
    word: str  # "right", "wrong", "unknown", "no loss"
    reading: LossReading | None = None
    why: str = ""
    stated: LossReading | None = None  # another loss than the one that is descended


class StepJudge:
    def __init__(self, step: TrainingStep) -> None:
        self.step = step
        self.worlds = RandomWorlds(step)
        if step.is_free and self._bends():
            self.worlds = RandomWorlds(step, is_wide=True)
        self.reader = LawReader(step, self.worlds)

    def readings(self) -> Iterator[LossReading]:
        """By each loss that it may be, likeliest first; a stated one that explains all is it."""
        for objective in self.step.objectives[:MOST_LOSSES]:
            reading = self.read(objective)
            if reading is None:
                continue
            yield reading
            if reading.is_whole and not objective.is_assumed:
                return

    def read(self, objective: Objective) -> LossReading | None:
        slopes = self._slopes(objective)
        ahead = frozenset(self._looked_ahead(slopes))
        weights = [n for n in slopes if n not in ahead]
        if not weights:
            return None
        laws = {n: self.reader.law(n, slopes[n], weights, ahead) for n in weights}
        if len(weights) > 1 and not all(laws.values()):
            shared = self.shared(weights)
            for n in weights:
                laws[n] = laws[n] or self.reader.law(n, slopes[n], weights, ahead, shared)
        laws = {
            n: law if law and self._follows(law, n, slopes) else None for n, law in laws.items()
        }
        reading = LossReading(objective, {n: slopes[n] for n in weights}, laws, ahead=ahead)
        lawful = {n: law for n, law in laws.items() if self._is_lawful(reading, n, ahead)}
        reading.agreed = agreeing(lawful or laws)
        reading.agreed += self._without_decay(reading)
        used = {m for n in reading.agreed for m in (laws[n].memories if laws[n] else ())}  # type: ignore[union-attr]
        reading.left = [
            n
            for n, state in enumerate(self.step.states)
            if n not in laws and n not in used and n not in self.reader.clocks
            if self.moves(state)
        ]
        return reading

    def moves(self, state: State) -> bool:
        worlds = range(len(self.worlds.inputs))
        pairs = (
            (self.worlds.inputs[w][state.now], self.worlds.value(w, state.next)) for w in worlds
        )
        return not all(is_same(old, new) for old, new in pairs)

    def _without_decay(self, reading: LossReading) -> list[int]:
        """Biases may be moved by the same law without the share of themselves, or weights with."""
        laws, agreed = reading.laws, reading.agreed
        first = laws[agreed[0]] if agreed else None
        if first is None or first.memories:
            return []
        points, more = self.reader.points, []
        for number, law in laws.items():
            if law is None or law.memories or number in agreed:
                continue
            one, other = points.shares(law.move), points.shares(first.move)
            is_alike = one and other and abs(one[0] - other[0]) <= SAME * abs(other[0])
            if is_alike and self._is_bias(reading, number) != self._is_bias(reading, agreed[0]):
                more.append(number)
        return more

    def _is_bias(self, reading: LossReading, number: int) -> bool:
        """Whether a weight is only added to what the loss depends on."""
        now = self.step.states[number].now
        forward = self.worlds.replay.needed(reading.objective.ends)
        users = [call for call in map(self.step.calls.__getitem__, forward) if now in call.operands]
        return all(call.name in ADDING for call in users)

    def _slopes(self, objective: Objective) -> dict[int, list[Any]]:
        slopes = {}
        for number, state in enumerate(self.step.states):
            if number in self.reader.clocks:
                continue
            worlds = range(len(self.worlds.inputs))
            each = [self.worlds.slopes(objective, w).get(state.now) for w in worlds]
            if all(slope is not None for slope in each):
                slopes[number] = each
        return {n: each for n, each in slopes.items() if _varies(each)}

    def _bends(self) -> bool:
        """Whether a loss has slopes that don't vary near the run, but do so for larger weights."""
        wide: RandomWorlds | None = None
        for objective in self.step.objectives:
            if not objective.is_end or objective.is_assumed:
                continue
            straight = self._straight(self.worlds, objective)
            if straight:
                wide = wide or RandomWorlds(self.step, is_wide=True)
                if straight - self._straight(wide, objective):
                    return True
        return False

    def _straight(self, worlds: RandomWorlds, objective: Objective) -> set[int]:
        """The states by which a loss has a slope that doesn't vary."""
        straight = set()
        for number, state in enumerate(self.step.states):
            slopes = [worlds.slopes(objective, w).get(state.now) for w in range(len(worlds.inputs))]
            if all(each is not None and np.any(each) for each in slopes) and not _varies(slopes):
                straight.add(number)
        return straight

    def _looked_ahead(self, slopes: dict[int, list[Any]]) -> set[int]:
        """Memories that the loss depends on only since slopes are taken ahead of the weights."""
        whole = {n for n in slopes if adds_itself(self.step.calls, self.step.states[n])}
        ahead = set()
        for n, m in product(slopes.keys() - whole, whole):
            if ratio(slopes[n], slopes[m]):
                ahead.add(n)
        return ahead

    def shared(self, weights: Sequence[int]) -> frozenset[int]:
        """Values that all updates use, such as the length of all slopes."""
        behind = [self.reader.behind(self.step.states[n].next) for n in weights]
        common = set.intersection(*behind)
        return frozenset(
            index
            for index in common
            if self.reader.moving[index]
            and self.step.is_typed(index)
            and self._original(index) not in self.reader.numbers
        )

    def _original(self, index: int) -> int:
        """What a value that only repeats another repeats."""
        while self.step.calls[index].name == "positive":
            index = self.step.calls[index].operands[0]
        return index

    def _follows(self, law: WeightLaw, number: int, slopes: dict[int, list[Any]]) -> bool:
        """Whether a weight moves by its slope alone, and the same way if it has the other sign."""
        base = self.reader.points
        if law.memories or base.shares(law.move):
            return True

        def move(weight: float, slope: float) -> Any:
            points = replace(base, weight=base.weight * weight, slope=base.slope * slope)
            each = self.reader.law(number, slopes[number], slopes, points=points)
            return each.move if each else np.nan

        with np.errstate(all="ignore"):
            if np.any(np.abs(move(1e-9, 0)) > 1e-3 * np.abs(law.move).max()):
                return False
            if self.step.states[number].sign:
                return True
            return not np.any((move(1, 1) - move(1, 0)) * (move(-1, 1) - move(-1, 0)) < 0)

    def _is_lawful(self, reading: LossReading, number: int, ahead: Collection[int]) -> bool:
        """Whether twice the slope, and memories to match, moves twice as far, or as far."""
        law = reading.laws[number]
        if law is None:
            return False
        if not law.memories:
            return True
        base = self.reader.points

        def at(size: float, powers: tuple[int, ...]) -> WeightLaw | None:
            memories = [m * size**p for m, p in zip(base.memories, powers, strict=False)]
            more = base.memories[len(powers) :]
            points = LawPoints(base.weight * 0, base.slope * size, (*memories, *more))
            slopes = reading.slopes[number]
            return self.reader.law(number, slopes, reading.laws, ahead, points=points)

        for powers in product((1, 2), repeat=len(law.memories)):
            one, more = at(LARGE, powers), at(LARGE * TIMES, powers)
            if one is None or more is None:
                return True
            fits = all(
                np.allclose(b, a * TIMES**p, rtol=1e-4, equal_nan=True)
                for a, b, p in zip(one.outputs, more.outputs, powers, strict=True)
            )
            if fits:
                return any(
                    np.allclose(more.move, one.move * TIMES**degree, rtol=1e-2, equal_nan=True)
                    for degree in (0, 1)
                )
        return False

    def effects(self, reading: LossReading) -> dict[int, tuple[float | None, ...]]:
        """By how much a slope alone moves each weight and its memories, in units of the slope."""
        base = self.reader.points
        memories = tuple(memory * 0 for memory in base.memories)
        points = LawPoints(base.weight * 0, base.slope, memories)
        effects = {}
        for n in reading.agreed:
            law = self.reader.law(n, reading.slopes[n], reading.laws, reading.ahead, points=points)
            ends = (law.move, *law.outputs) if law else ()
            effects[n] = tuple(_mean(end / points.slope) for end in ends)
        return effects

    # What the readings say ---------------------------------------------------------

    def judge(self) -> StepVerdict:
        readings = list(self.readings())
        if not readings:
            return StepVerdict("no loss")
        order = {id(reading): n for n, reading in enumerate(readings)}

        def rank(reading: LossReading) -> tuple[Any, ...]:
            is_stated = not reading.objective.is_assumed
            return reading.share, len(reading.agreed), is_stated, -order[id(reading)]

        best = max(readings, key=rank)
        if not best.agreed:
            return StepVerdict("unknown", best)
        if self._climbs(best):
            return StepVerdict("wrong", best, "climbs")
        if not best.is_whole:
            return self._of_part(best, readings)
        stated = self._other_stated(best, readings)
        if stated:
            return StepVerdict("wrong", best, "another loss", stated)
        return StepVerdict("right", best)

    def _of_part(self, best: LossReading, readings: list[LossReading]) -> StepVerdict:
        """Right all the same if the others descend a stated loss of their own."""
        others = {*best.laws, *best.left} - set(best.agreed)
        for reading in readings:
            is_own = reading is not best and reading.objective.is_end
            if is_own and others <= set(reading.agreed) and not self._climbs(reading):
                return StepVerdict("right", best)
        return StepVerdict("wrong", best, "some")

    def _other_stated(self, best: LossReading, readings: list[LossReading]) -> LossReading | None:
        """A loss that is stated, though its slopes aren't those that the weights descend."""
        if best.objective.is_end:
            return None
        for reading in readings:
            if not set(best.objective.ends).isdisjoint(reading.objective.ends):
                continue  # a part of it, such as one sample's
            is_about_all = set(best.laws) <= set(reading.slopes)
            if reading.objective.is_end and is_about_all and not self._is_parallel(best, reading):
                return reading
        return None

    def _is_parallel(self, one: LossReading, other: LossReading) -> bool:
        """Whether two losses have one direction everywhere, as a root has that of its square."""
        with np.errstate(all="ignore"):
            times = [
                np.stack(
                    [np.divide(a, b) for a, b in zip(one.slopes[n], other.slopes[n], strict=True)]
                )
                for n in one.laws
                if n in other.slopes
            ]
        every = np.stack([np.ravel(each) for each in times])
        every = every[:, np.all(np.isfinite(every), axis=0)]
        if len(every) < 2 or not every.size:
            return False
        return bool(np.ptp(every, axis=0).max() < 1e-6 * np.abs(every).max())

    def _climbs(self, reading: LossReading) -> bool:
        """Whether all weights go up a loss that falls as errors do."""
        if not all(self._is_uphill(reading, n) for n in reading.agreed):
            return False
        if reading.objective.is_assumed:
            return True
        for objective in self.step.objectives:
            if objective.is_assumed and objective.words in (SQUARES, TWO_CLASSES):
                other = self.read(objective)
                if other and set(reading.laws) <= set(other.slopes):
                    times = [ratio(reading.slopes[n], other.slopes[n]) for n in reading.laws]
                    if all(each and each > 0 for each in times):
                        return True
        return False

    def _is_uphill(self, reading: LossReading, number: int) -> bool:
        """Whether a weight rises in the end where its slope is the same, and positive."""
        base, slopes = self.reader.points, reading.slopes[number]
        total: Any = 0.0
        memories = tuple(memory * 0 for memory in base.memories)
        for _ in range(STEPS):
            points = replace(base, memories=memories)
            law = self.reader.law(number, slopes, reading.laws, reading.ahead, points=points)
            if law is None:
                return False
            total = total + law.move
            memories = (*law.outputs, *memories[len(law.outputs) :])
        total = np.asarray(total)[np.isfinite(total)]
        return bool(total.size and np.median(total) > 0)


def _mean(values: Any) -> float | None:
    values = np.asarray(values, float)
    return float(np.mean(values)) if np.all(np.isfinite(values)) else None


def _varies(slopes: list[Any]) -> bool:
    """Whether a slope depends on the numbers at all: a constant one is no slope of a loss."""
    if is_zero(slopes):
        return False
    every = np.concatenate([np.ravel(slope) for slope in slopes])
    every = every[np.isfinite(every)]
    return every.size > 1 and bool(np.ptp(every) > 1e-9 * np.abs(every).max())


__all__ = ["LossReading", "StepJudge", "StepVerdict"]
