"""What each value of the way back would have to be: the exact slope by a value of the forward pass.

Knows neither edits nor source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np

from gradbook.audit.core.judge import Judge
from gradbook.audit.core.pairing import orders
from gradbook.audit.core.training_step import Objective
from gradbook.audit.core.worlds import LOOSE, ratio
from gradbook.recording.call_slopes import pull
from gradbook.recording.calls import CallChange, Ref

MOST_ALONE = 12  # values of one expression that a single call is compared with
DIGITS = 4
Targets = dict[int, int]  # a call of the way back → the value of the forward pass whose slope it is


class ExactTargets:
    def __init__(self, judge: Judge, objective: Objective) -> None:
        self.judge, self.calls, self.worlds = judge, judge.calls, judge.worlds
        self.slopes = [dict(self.worlds.slopes(objective, world)) for world in range(judge.count)]
        self.random = np.random.default_rng(11)
        self.directions: dict[int, Any] = {}
        self.keys: dict[int, Hashable] = {}  # of forward values: equal if the slopes are
        self.known: dict[Hashable, list[int]] = {}
        self.expressions: dict[Hashable, list[int]] = {}
        self.times: dict[int, float | None] = {}
        self.uses: dict[int, int] = {}  # of a weight: which call it is
        self.forward = set(self.worlds.replay.needed(objective.ends))
        self._add_repeated()
        for index in sorted(self.slopes[0]):
            self._add(index)
        self._add_uses()
        self.only_weight = {1 << n: state.now for n, state in enumerate(judge.step.states)}
        self.reaches: dict[int, int] = {}  # which weights' updates a call goes into
        for n, cone in judge.cones.items():
            for index in cone:
                self.reaches[index] = self.reaches.get(index, 0) | 1 << n

    def _add_repeated(self) -> None:
        """A forward pass that is made once more for the loss: its values are the same."""
        values = {self._value_key(index): index for index in self.forward}
        values.pop(None, None)
        for index in {index for cone in self.judge.cones.values() for index in cone}:
            if index in self.forward:
                continue
            twin = values.get(self._value_key(index))
            if twin is None or self.calls[twin].name != self.calls[index].name:
                continue
            self.forward.add(index)
            for slopes in self.slopes:
                if twin in slopes:
                    slopes.setdefault(index, slopes[twin])

    def _add_uses(self) -> None:
        """What a weight's slope is by each single use of it: in a sample, or a step of time."""
        uses = [
            (use, weight)
            for use in sorted(self.forward)
            for weight in set(self.calls[use].operands) & self.judge.old
            if use in self.slopes[0]
        ]
        counts = Counter(weight for _, weight in uses)
        size = self.worlds.step.last + 1
        for use, weight in uses:
            if counts[weight] == 1:
                continue
            parts = [
                dict(pull(self.worlds.replay, self.calls[use], numbers, use, slopes[use]))
                for numbers, slopes in zip(self.worlds.values, self.slopes, strict=True)
            ]
            if any(weight not in part for part in parts):
                continue
            place = self.calls[use].operands.index(weight)
            source = use + size * (1 + place)
            for slopes, part in zip(self.slopes, parts, strict=True):
                slopes[source] = part[weight]
            self.uses[source] = use
            self._add(source)

    def _value_key(self, index: int) -> Hashable:
        values = [self.worlds.value(world, index) for world in range(self.judge.count)]
        if getattr(values[0], "dtype", np.dtype(int)).kind != "f":
            return None
        key = self._key(values)
        return (
            None if key is None else (key, np.shape(values[0]), float(f"{np.sum(values[0]):.6g}"))
        )

    def _add(self, index: int) -> None:
        values: list[Any] = [slopes[index] for slopes in self.slopes if index in slopes]
        if len(values) < len(self.slopes):
            return
        key = self._key(values)
        if key is None and index not in self.uses:  # a use of zeros is one of a loop
            return
        self.keys[index] = key
        call = self.calls[self.uses.get(index, index)]
        kind = index // (self.worlds.step.last + 1)
        self.expressions.setdefault((call.frames[:1], call.name, kind), []).append(index)
        self.known.setdefault(key, []).append(index)
        if np.ndim(values[0]) == 2:
            turned = self._key([np.transpose(value) for value in values])
            self.known.setdefault(turned, []).append(index)

    def _key(self, values: list[Any]) -> Hashable:
        """Equal for values that are multiples of each other; None: all are 0."""
        size = np.size(values[0])
        if any(np.size(value) != size for value in values):
            return None  # a mask leaves another number of them in each world
        if size not in self.directions:
            self.directions[size] = (
                np.ones((1, 1)) if size == 1 else self.random.normal(size=(2, size))
            )
        parts = [self.directions[size] @ np.ravel(np.asarray(value, float)) for value in values]
        print_ = np.concatenate(parts)
        largest = print_[np.argmax(np.abs(print_))]
        if not np.isfinite(largest) or abs(largest) < 1e-200:
            return None
        return size, tuple(np.round(print_ / largest, DIGITS) + 0.0)

    def factor(self, index: int) -> float | None:
        """How many times an exact slope a value is; None: it is none."""
        if index not in self.times:
            self.times[index] = self._factor(index)
        return self.times[index]

    def _factor(self, index: int) -> float | None:
        values = [self.worlds.value(world, index) for world in range(self.judge.count)]
        if getattr(values[0], "dtype", np.dtype(int)).kind != "f":
            return None
        for source in self.known.get(self._key(values), ())[:3]:
            models = [slopes[source] for slopes in self.slopes]
            for turn in (np.ravel, lambda model: np.ravel(np.transpose(model))):
                times = ratio([np.ravel(v) for v in values], [turn(m) for m in models], LOOSE)
                if times:
                    return times
        return None

    def change(self, call: int, source: int, times: float) -> CallChange:
        """The call's value as so many times the exact slope by a forward value, in each world."""
        place = self.worlds.step.last + 1 + source
        for world in range(self.judge.count):
            self.worlds.values[world][place] = self.slopes[world][source]
        shape = np.shape(self.calls[call].value)
        exact = np.shape(self.slopes[0][source])
        is_turned = exact == shape[::-1] != shape
        if np.prod(shape) != np.prod(exact):
            shape = exact  # such as one sum for all biases

        def make(slope: Any) -> Any:
            return times * np.reshape(np.transpose(slope) if is_turned else slope, shape)

        return CallChange(make, (Ref(place),))

    def of(self, group: list[int]) -> Iterator[Targets]:
        """Which slopes the calls of one expression may be meant to be."""
        seen: set[Hashable] = set()
        for targets in self._pairings(group):
            key = tuple((call, self.keys[source]) for call, source in targets.items())
            if key not in seen:
                seen.add(key)
                yield targets

    def _pairings(self, group: list[int]) -> Iterator[Targets]:
        own: Targets = {}
        for index in group:
            weight = self.only_weight.get(self.reaches.get(index, 0))
            if weight is None or weight not in self.keys:
                continue
            shape, whole = np.shape(self.calls[index].value), np.shape(self.calls[weight].value)
            if self._fits(index, weight) or _broadcasts(shape, whole):
                own = {call: target for call, target in own.items() if target != weight}
                own[index] = weight
        if own:
            yield own
        size, count = np.size(self.calls[group[0]].value), len(group)
        for sources in self.expressions.values():
            if len(sources) < count or all(np.size(self.slopes[0][i]) != size for i in sources):
                continue
            for chosen in self._orders(group, sources):
                if len(chosen) == len(group) and all(
                    self._fits(call, source) for call, source in zip(group, chosen, strict=True)
                ):
                    yield dict(zip(group, chosen, strict=True))

    def _fits(self, call: int, source: int) -> bool:
        shape, other = np.shape(self.calls[call].value), np.shape(self.slopes[0][source])
        squeezed = [tuple(n for n in each if n != 1) for each in (shape, other)]
        return squeezed[0] in (squeezed[1], squeezed[1][::-1])

    def _orders(self, group: list[int], sources: list[int]) -> Iterator[list[int]]:
        if len(group) > 1:
            shift = sources[0] - self.uses.get(sources[0], sources[0])
            uses = [source - shift for source in sources]
            return ([use + shift for use in chosen] for chosen in orders(group, uses))
        half = MOST_ALONE // 2
        few = sources if len(sources) <= MOST_ALONE else [*sources[:half], *sources[-half:]]
        return ([source] for source in few)


def _broadcasts(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, whole) == whole
    except ValueError:
        return False
