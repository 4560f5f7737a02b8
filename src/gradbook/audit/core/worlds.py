"""Random worlds: the step computed again from other weights, with the exact slopes of its loss.

Knows no source, and no words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any

import numpy as np

from gradbook.audit.core.training_step import Objective, TrainingStep
from gradbook.recording.call_slopes import exact_slopes
from gradbook.recording.calls import CallChange, CallChanges, Replay, Values

WORLDS = 3
SIZES = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
AGREE = 1e-6  # a share of the largest entry
LOOSE = 2e-5


class RandomWorlds:
    def __init__(self, step: TrainingStep, seed: int = 7) -> None:
        self.step = step
        self.calls = step.calls
        inputs = [state.now for state in step.states]
        self.replay = Replay(step.calls, inputs, step.first, step.last)
        self.random = np.random.default_rng(seed)
        wanted = [state.next for state in step.states]
        wanted += [end for objective in step.objectives for end in objective.ends]
        self.order = self.replay.needed(wanted)
        self._beside = self.replay.moving.difference(self.order)
        self.inputs = [self._draw() for _ in range(WORLDS)]
        self.values = [self.replay.run(self.order, world) for world in self.inputs]
        self._reached: dict[tuple[int, ...], set[int]] = {}
        self._order: tuple[CallChanges, list[int], list[int]] = {}, [], []
        self._slopes: dict[tuple[int, int, bool], dict[int, Any]] = {}
        self.without_guards = False  # whether what keeps logarithms finite is left out

    def _draw(self) -> dict[int, Any]:
        """Other weights, so near that every branch is taken as in the run."""
        replay = self.replay
        truths = {
            index: truth
            for index, truth in self.step.branches
            if self.step.first <= index <= self.step.last and replay.depends[index]
        }
        order = replay.needed(truths)
        noise = {
            state.now: self.random.normal(size=np.shape(self.calls[state.now].value))
            for state in self.step.states
        }
        world: dict[int, Any] = {}
        for size in SIZES:
            for state in self.step.states:
                value = np.asarray(self.calls[state.now].value, float)
                moved = value + noise[state.now] * size * (np.std(value) + 0.3)
                world[state.now] = moved if value.ndim else np.float64(moved)
            if not truths:
                break
            numbers = replay.run(order, world)
            if all(bool(numbers[index]) == truth for index, truth in truths.items()):
                break
        return world

    def value(self, world: int, index: int) -> Any:
        return self.values[world][index]

    def run(self, world: int, wanted: Sequence[int], changes: CallChanges) -> Values:
        """Values after changes of calls; what they don't reach is as before."""
        latest, ends, order = self._order
        if latest is not changes or ends != wanted:
            stale = self._beside | self.reached(changes)
            order = self.replay.needed(wanted, changes, stale)
            self._order = changes, list(wanted), order
        return self.replay.run(order, self.values[world], changes)

    def reached(self, changes: Iterable[int]) -> set[int]:
        """All calls that these go into, themselves among them."""
        key = tuple(changes)
        if key not in self._reached:
            self._reached[key] = self.replay.reach(key)
        return self._reached[key]

    def slopes(self, objective: Objective, world: int) -> dict[int, Any]:
        """The exact slope of the objective by every value before it."""
        key = (id(objective), world, self.without_guards)
        if key not in self._slopes:
            changes = {
                index: CallChange(_first, (self.calls[index].arguments[0],))
                for index in self.step.tiny
                if self.without_guards
            }
            order = self.replay.needed(objective.ends, changes)
            numbers = self.values[world]
            if changes:
                numbers = self.replay.run(order, self.inputs[world], changes)
            ends = [numbers[end] for end in objective.ends]
            with np.errstate(all="ignore"):
                factors = objective.slopes(ends)
            seeds: dict[int, Any] = {}
            for end, factor in zip(objective.ends, factors, strict=True):
                seeds[end] = seeds[end] + factor if end in seeds else factor
            self._slopes[key] = exact_slopes(self.replay, seeds, numbers, order, changes)
        return self._slopes[key]


def _first(value: Any) -> Any:
    return value


def ratio(values: list[Any], models: list[Any], agree: float = AGREE) -> float | None:
    """The number by which all models must be multiplied to be the values; None: there is none."""
    factors: list[float] = []
    for value, model in zip(values, models, strict=True):
        if type(value) is np.float64 and type(model) is np.float64:
            factor = _number_ratio(float(value), float(model))
        elif np.size(value) != np.size(model) or np.ndim(value) != np.ndim(model):
            return None
        elif np.size(value) == 1:
            factor = _number_ratio(float(np.ravel(value)[0]), float(np.ravel(model)[0]))
        else:
            factor = _array_ratio(np.ravel(value), np.ravel(model), agree)
        if factor is None:
            return None
        if factor:
            if factors and abs(factor - factors[0]) > 20 * agree * abs(factors[0]):
                return None
            factors.append(factor)
    return sum(factors) / len(factors) if factors else None


def _number_ratio(value: float, model: float) -> float | None:
    """0 says that both are 0, so nothing is known."""
    if not model or not isfinite(model) or not isfinite(value):
        return 0.0 if not value and not model else None
    return value / model or None


def _array_ratio(value: Any, model: Any, agree: float) -> float | None:
    model = np.asarray(model, float)
    size = float(model @ model)
    if not isfinite(size) or size < 1e-200:
        return 0.0 if not value.any() else None
    value = np.asarray(value, float)
    factor = float(value @ model) / size
    rest = value - factor * model
    largest = max(float(value.max()), -float(value.min()))
    if not isfinite(factor) or not largest:
        return None
    return factor if max(float(rest.max()), -float(rest.min())) <= agree * largest else None


def is_zero(values: list[Any]) -> bool:
    return all(np.max(np.abs(value), initial=0.0) <= 1e-13 for value in values)
