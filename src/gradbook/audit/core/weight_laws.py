"""The update of a weight as a function of its slope, of itself and of its memories: its law.

Laws aren't known by name: those of several weights are compared by their numbers. Knows no source.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradbook.audit.core.clocks import find_clocks
from gradbook.audit.core.training_step import TrainingStep
from gradbook.audit.core.worlds import RandomWorlds, ratio
from gradbook.recording.calls import behind, substitute

MOST_MEMORIES = 6
POINTS = 16  # numbers of slope, weight and memories that laws are compared at
SAME = 1e-6
AGREE = 1e-6
SCALING = ("multiply", "divide")
CHOOSING = ("positive", "negative", "op choose", "op largest", "maximum", "minimum", "clip")
LARGE = 1e3  # a slope beside which no constant such as an ε counts


@dataclass(frozen=True)
class WeightLaw:
    """What an update does with any slope."""

    move: Any  # of the weight, at the points
    outputs: tuple[Any, ...]  # of the memories
    memories: tuple[int, ...]  # which states these are
    rates: frozenset[int]  # numbers from outside that the update itself uses
    slots: Mapping[int, float]  # where the slope enters, and how many times the slope stands there

    @property
    def share(self) -> float:
        """How many times the slope enters."""
        return max(self.slots.values(), key=abs)

    @property
    def descends(self) -> bool:
        return bool(np.nanmean(self.move) < 0)

    @property
    def is_steady(self) -> bool:
        """Whether weight and memories take in one multiple of the slope."""
        return all(
            abs(times - self.share) < SAME * abs(self.share) for times in self.slots.values()
        )

    @property
    def is_plain(self) -> bool:
        """Whether the whole slope moves the weight, down."""
        return self.descends and any(abs(times - 1) < SAME for times in self.slots.values())


@dataclass(frozen=True)
class LawPoints:
    """Slopes, weights and memories at which all laws are computed."""

    weight: Any
    slope: Any
    memories: tuple[Any, ...]
    shared: Mapping[int, Any] = field(default_factory=dict)  # what all updates use, if known

    def shares(self, move: Any) -> tuple[float, float] | None:
        """How many times the slope, and how many times the weight itself, a move is."""
        model = np.stack([self.slope, self.weight], axis=1)
        move = np.broadcast_to(move, self.slope.shape)
        if not np.all(np.isfinite(move)):
            return None
        shares, *_ = np.linalg.lstsq(model, move, rcond=None)
        is_exact = np.abs(model @ shares - move).max() <= SAME * np.abs(move).max()
        return (float(shares[0]), float(shares[1])) if is_exact else None


def draw_points(seed: int = 11) -> LawPoints:
    draws = np.random.default_rng(seed).uniform(0.2, 1.0, (MOST_MEMORIES + 2, POINTS))
    return LawPoints(draws[0], draws[1], tuple(draws[2:]))


class LawReader:
    """Reads the laws of a step's weights; all states that are no weights may be memories."""

    def __init__(self, step: TrainingStep, worlds: RandomWorlds) -> None:
        self.step, self.worlds, self.calls = step, worlds, step.calls
        self.numbers = {state.now: n for n, state in enumerate(step.states)}
        self.moving = _moving(step)
        self.points = draw_points()
        self._rows: dict[int, tuple[list[int], Any]] = {}  # of calls with as many numbers
        self.clocks = find_clocks(step.calls, step.states)

    def behind(self, index: int) -> set[int]:
        return behind(self.calls, [index])

    def _parallel(self, slope: Any) -> list[int]:
        """The calls that may be multiples of a slope, by their numbers in one world."""
        if slope.size not in self._rows:
            values = self.worlds.values[0]
            indices = [index for index, value in values.items() if np.size(value) == slope.size]
            rows = np.array([np.ravel(values[index]) for index in indices], float)
            self._rows[slope.size] = indices, rows.reshape(len(indices), slope.size)
        indices, rows = self._rows[slope.size]
        with np.errstate(all="ignore"):
            factors = rows @ slope / (slope @ slope)
            rest = np.abs(rows - factors[:, None] * slope).max(axis=1, initial=0)
            likely = rest <= 10 * AGREE * np.abs(rows).max(axis=1, initial=0)
        return [indices[place] for place in np.flatnonzero(likely)]

    def multiples(self, slopes: list[Any]) -> dict[int, float]:
        """The calls that are a constant multiple of a slope, and which."""
        multiples: dict[int, float] = {}
        for index in self._parallel(np.ravel(slopes[0])):
            value = self.worlds.value(0, index)
            if index not in self.numbers and ratio([value], slopes[:1], AGREE):
                values = [self.worlds.value(w, index) for w in range(len(slopes))]
                factor = ratio(values, slopes, AGREE)
                if factor:
                    multiples[index] = factor
        return multiples

    def law(
        self,
        number: int,
        slopes: list[Any],
        weights: Collection[int],
        ahead: Collection[int] = (),
        shared: frozenset[int] = frozenset(),
        points: LawPoints | None = None,
    ) -> WeightLaw | None:
        """The law of a weight; nothing if its update needs more than its slope and its past."""
        multiples = self.multiples(slopes)
        reading = _LawWalk(self, number, multiples, weights, shared, points or self.points)
        law = reading.law()
        if law and law.memories:  # no slope is computed from a memory, unless it looks ahead by it
            inside = set().union(*map(self.behind, law.slots))
            if any(self.step.states[m].now in inside for m in law.memories if m not in ahead):
                return None
        return law


class _LawWalk:
    def __init__(
        self,
        reader: LawReader,
        number: int,
        multiples: dict[int, float],
        weights: Collection[int],
        shared: frozenset[int],
        points: LawPoints,
    ) -> None:
        self.reader, self.calls, self.weights = reader, reader.calls, weights
        self.state = reader.step.states[number]
        self.multiples, self.shared, self.points = multiples, shared, points
        self.numbers: dict[int, Any] = {self.state.now: points.weight}
        self.memories: list[int] = []
        states = reader.step.states
        movers = [self.state, *(s for n, s in enumerate(states) if n not in weights)]
        self.homes = {reader.step.place(state.next) for state in movers}
        self.slots: dict[int, float] = {}
        self.rates: set[int] = set()
        self.is_closed = True  # whether nothing else moves the weight

    def law(self) -> WeightLaw | None:
        states = self.reader.step.states
        ends, results = [self.state.next], list[Any]()
        with np.errstate(all="ignore"):
            while len(results) < len(ends):
                results.append(self._value(ends[len(results)]))
                if not self.is_closed or len(self.memories) > MOST_MEMORIES:
                    return None
                ends = [self.state.next, *(states[m].next for m in self.memories)]
        if not self.slots:
            return None
        return WeightLaw(
            results[0] - self.points.weight,
            tuple(results[1:]),
            tuple(self.memories),
            frozenset(self.rates),
            self.slots,
        )

    def _value(self, end: int) -> Any:
        numbers, todo = self.numbers, [end]
        while todo:
            index = todo[-1]
            if index in numbers:
                todo.pop()
                continue
            known = self._known(index)
            if not self.is_closed:
                return None
            if known is not None:
                numbers[index] = known
                continue
            call = self.calls[index]
            missing = [operand for operand in call.operands if operand not in numbers]
            if missing:
                todo += missing
                continue
            arguments = substitute(call.arguments, numbers.__getitem__)
            options = substitute(call.options, numbers.__getitem__)
            numbers[index] = call.function(*arguments, **options)  # type: ignore[misc]
        return numbers[end]

    def _known(self, index: int) -> Any:
        """A number that isn't computed: the slope, a memory, or one from outside."""
        reader, points, call = self.reader, self.points, self.calls[index]
        times = self.multiples.get(index)
        if times is not None and not self._is_scaling(index):
            self.slots[index] = times
            return times * points.slope
        if index in self.shared:
            self.rates.add(index)
            if index in points.shared:
                return points.shared[index]
            return np.random.default_rng(index).uniform(0.3, 1, POINTS)
        number = reader.numbers.get(index)
        if number is not None:
            return self._state(number, call.value)
        if call.function is None or not reader.moving[index]:
            if call.function is None and reader.step.is_typed(index):
                self.rates.add(index)
            return _one_number(call.value)
        return None

    def _state(self, number: int, value: Any) -> Any:
        if number in self.reader.clocks:
            self.rates.add(self.reader.step.states[number].now)
            return _one_number(value)
        if number in self.weights:
            self.is_closed = False
            return self.points.weight
        if number not in self.memories:
            self.memories.append(number)
        return self.points.memories[min(self.memories.index(number), MOST_MEMORIES - 1)]

    def _is_scaling(self, index: int) -> bool:
        """Whether it is another multiple: clipped, or times a number where a weight is moved."""
        call = self.calls[index]
        is_home = self.reader.step.place(index) in self.homes
        names = CHOOSING + SCALING if is_home else CHOOSING
        if call.name not in names:
            return False
        if call.name != "op choose":
            return any(part in self.multiples for part in call.operands)
        condition, *parts = call.operands
        is_by_slope = not self.reader.behind(condition).isdisjoint(self.multiples)
        if self.reader.moving[condition] and not is_by_slope:
            return False  # a bend of the loss itself
        return any(part in self.multiples for part in parts)


def _moving(step: TrainingStep) -> list[bool]:
    """Which calls depend on a state."""
    moving = [False] * len(step.calls)
    for state in step.states:
        moving[state.now] = True
    for index, call in enumerate(step.calls):
        if not moving[index]:
            moving[index] = any(moving[operand] for operand in call.operands)
    return moving


def _one_number(value: Any) -> Any:
    return np.ravel(value)[0] if np.size(value) else np.nan


# Laws beside each other ---------------------------------------------------------


def is_alike(first: WeightLaw, second: WeightLaw) -> bool:
    """Whether two weights are moved by one law, perhaps each at a rate of its own."""
    if len(first.memories) != len(second.memories):
        return False
    pairs = zip(first.outputs, second.outputs, strict=True)
    if not all(is_same(one, other) for one, other in pairs):
        return False
    if is_same(first.move, second.move):
        return True
    if abs(first.share - second.share) > SAME * abs(first.share):
        return False
    factor = ratio([first.move], [second.move], AGREE)
    has_own = not (first.rates <= second.rates or second.rates <= first.rates)
    return bool(factor and factor > 0 and has_own)


def is_same(first: Any, second: Any) -> bool:
    first, second = np.broadcast_arrays(first, second)
    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < min(3, known.size):
        return False
    largest = max(np.abs(first[known]).max(), np.abs(second[known]).max(), 1e-300)
    return bool(np.abs(first - second)[known].max() <= SAME * largest)


def agreeing(laws: Mapping[int, WeightLaw | None]) -> list[int]:
    """The weights whose laws are that of most."""
    known = {n: law for n, law in laws.items() if law is not None}
    if not known:
        return []
    plain = [n for n, law in known.items() if law.is_plain]

    def rank(number: int) -> tuple[int, bool]:
        law = known[number]
        return sum(is_alike(law, other) for other in known.values()), law.is_plain

    most = max(known, key=rank)
    group = [n for n, law in known.items() if is_alike(law, known[most])]
    if len(group) == 1 and len(known) > 1 and plain != [most]:
        down = [n for n, law in known.items() if law.descends and not law.memories]
        group = down if len(known) == 2 and len(down) == 1 else []
        steady = [n for n, law in known.items() if law.is_steady]
        if not group and len(steady) == 1:
            group = steady
    uses: dict[int, int] = {}
    for number in group:
        for memory in known[number].memories:
            uses[memory] = uses.get(memory, 0) + 1
    return [n for n in group if all(uses[m] in (1, len(group)) for m in known[n].memories)]
