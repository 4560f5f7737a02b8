"""Whether each weight moves by the exact slope of the step's loss, by whatever law.

The update is cut where a value is a constant multiple of the exact slope; what remains is the
law. Knows no source, and no words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gradbook.audit.core.laws import Flaw, Law
from gradbook.audit.core.training_step import Objective, State, TrainingStep
from gradbook.audit.core.worlds import LOOSE, RandomWorlds, is_zero, ratio
from gradbook.recording.calls import PARTIAL_WRITES, CallChange, CallChanges, Ref

SAME = 1e-4  # two factors are the same
LARGE = 1e4  # times a slope: what is left of it shows a root or a bound
LINEAR = (np.add, np.subtract)
SCALING = (np.multiply, np.divide)


@dataclass(frozen=True, slots=True)
class Fit:
    """How a weight's update follows from the exact slope."""

    slot: int  # the call whose value is a multiple of the slope; the next weight: the whole change
    coefficient: float  # of the slot, by the slope
    rate: float | None  # how far the weight moves per slope; None: by no straight line
    direction: float = 0.0  # -1: against the slope, 1: along it, 0: neither
    is_unused: bool = False  # the loss doesn't depend on it


@dataclass
class Judgement:
    objective: Objective
    fits: dict[int, Fit]  # by the state's number
    wrong: list[int]
    factors: dict[int, float]  # of states whose factor differs from the others'
    rates_differ: bool = False

    @property
    def score(self) -> tuple[int, int]:
        return len(self.fits), -len(self.factors)


class Judge:
    def __init__(self, step: TrainingStep) -> None:
        self.step = step
        self.calls = step.calls
        self.worlds = RandomWorlds(step)
        self.count = len(self.worlds.inputs)
        self.old = {state.now for state in step.states}
        self.cones = {n: self.cone(state) for n, state in enumerate(step.states)}

    def cone(self, state: State) -> list[int]:
        """The calls that the next weight is computed from, nearest first."""
        seen: set[int] = set()
        todo = [state.next]
        while todo:
            index = todo.pop()
            if index in seen or index in self.old or not self.worlds.replay.depends[index]:
                continue
            seen.add(index)
            todo += self.calls[index].operands
        return sorted(seen, reverse=True)

    def change(self, state: State, world: int, values: dict[int, Any] | None = None) -> Any:
        new = values[state.next] if values else self.worlds.value(world, state.next)
        return np.asarray(new, float) - self.worlds.inputs[world][state.now]

    def slope(self, state: State, objective: Objective, world: int) -> Any:
        slope = self.worlds.slopes(objective, world).get(state.now)
        return np.zeros(np.shape(self.calls[state.now].value)) if slope is None else slope

    def fit(self, number: int, objective: Objective) -> Fit | None:
        state = self.step.states[number]
        worlds = range(self.count)
        slopes = [self.slope(state, objective, world) for world in worlds]
        changes = [self.change(state, world) for world in worlds]
        if is_zero(slopes):
            is_still = is_zero(changes) or self._is_past_or_decay(number, changes, changes)
            return Fit(state.next, 0.0, 0.0, is_unused=True) if is_still else None
        agree = LOOSE if self.step.tiny else 1e-6
        factor = ratio(changes, slopes, agree)
        if factor:
            return Fit(state.next, factor, factor, np.sign(factor))
        size = np.size(slopes[0])
        candidates = self.cones[number]
        if size == 1:
            candidates = self._multiples(number, [float(np.ravel(slope)[0]) for slope in slopes])
        for index in candidates:
            value = self.worlds.value(0, index)
            if np.size(value) != size or getattr(value, "dtype", None) is None:
                continue
            if value.dtype.kind != "f" or index == state.next:
                continue
            values = [self.worlds.value(world, index) for world in worlds]
            factor = ratio(values, slopes, agree)
            if factor and (fit := self.fit_through(number, index, factor)):
                return fit
        return None

    def fit_through(
        self, number: int, slot: int, coefficient: float, edits: CallChanges | None = None
    ) -> Fit | None:
        """How a value that is a multiple of the slope moves the weight, if by nothing else."""
        state, edits = self.step.states[number], edits or {}
        news = [self._value_after(world, state.next, edits) for world in range(self.count)]
        changes = [
            np.asarray(new, float) - world[state.now]
            for new, world in zip(news, self.worlds.inputs, strict=True)
        ]
        for index, times in self._with_decay(number, slot, edits):
            slots = [self._value_after(world, index, edits) for world in range(self.count)]
            rate = self.rate(state, index, coefficient * times, edits)
            if rate is not None:
                per = rate / (coefficient * times)
                pairs = zip(changes, slots, strict=True)
                rests = [change - per * np.reshape(part, change.shape) for change, part in pairs]
                if self._is_past_or_decay(number, rests, changes):
                    return Fit(slot, coefficient, rate, np.sign(rate))
                if self.rate(state, index, coefficient * times, edits, LARGE) is not None:
                    continue  # straight, and not only near 0
            held = {**edits, index: CallChange(_constant, (slots[0],))}
            bent = [
                np.asarray(self._value_after(w, state.next, held), float) - world[state.now]
                for w, world in enumerate(self.worlds.inputs)
            ]
            if self._is_past_or_decay(number, bent, changes, is_bent=True):
                direction = coefficient * times * self._direction(state, index, edits)
                if not direction and not self.step.memories:
                    continue  # partly down and partly up goes nowhere
                return Fit(slot, coefficient, None, np.sign(direction))
        return None

    def _with_decay(
        self, number: int, slot: int, edits: CallChanges
    ) -> Iterator[tuple[int, float]]:
        """The slot itself, and multiples of it to which a share of the weight is added."""
        yield slot, 1.0
        state, worlds = self.step.states[number], range(self.count)
        size = np.size(self.calls[state.now].value)
        if size == 1:
            return
        slopes, weights = (
            np.concatenate([np.ravel(value) for value in values])
            for values in (
                [self._value_after(w, slot, edits) for w in worlds],
                [world[state.now] for world in self.worlds.inputs],
            )
        )
        columns = np.stack([slopes, weights], axis=1)
        for index in reversed(self.cones[number]):
            if index <= slot or index == state.next or np.size(self.worlds.value(0, index)) != size:
                continue
            values = [np.ravel(self._value_after(w, index, edits)) for w in worlds]
            sums = np.concatenate(values).astype(float)
            if not np.all(np.isfinite(sums)) or not np.all(np.isfinite(columns)):
                continue
            (times, share), *_ = np.linalg.lstsq(columns, sums, rcond=None)
            apart = np.max(np.abs(sums - columns @ (times, share)))
            if apart <= 1e-9 * np.max(np.abs(sums)) and times * share > 0:
                yield index, float(times)

    @cached_property
    def _numbers(self) -> Any:
        """The values of all calls that are one number, in each world."""
        table = np.full((self.count, self.worlds.replay.last + 1), np.nan)
        for index in {i for cone in self.cones.values() for i in cone}:
            for world in range(self.count):
                value = self.worlds.value(world, index)
                if getattr(value, "size", 0) == 1 and value.dtype.kind == "f":
                    table[world, index] = value if np.ndim(value) == 0 else value.ravel()[0]
        return table

    def _multiples(self, number: int, slopes: list[float]) -> list[int]:
        """The calls that may be a constant multiple of one number's slope."""
        cone = np.array(self.cones[number])
        with np.errstate(all="ignore"):
            times = self._numbers[:, cone] / np.array(slopes)[:, None]
            apart = np.abs(times - times[0]).max(axis=0)
            near = apart <= 1e-3 * np.abs(times[0])
        return [int(index) for index in cone[near]]

    def _is_past_or_decay(
        self, number: int, rests: list[Any], changes: list[Any], is_bent: bool = False
    ) -> bool:
        """Whether what else moves a weight is the past, or a share of it that makes it smaller.

        A bent rest is the whole change by one slope; a norm may scale it in each world.
        """
        now = self.step.states[number].now
        weights = [np.ravel(np.asarray(world[now], float)) for world in self.worlds.inputs]
        rests = [np.ravel(rest) for rest in rests]
        size = max(np.max(np.abs(changes[0]), initial=0.0), 1e-300)
        if not np.all(np.isfinite(rests)):
            return False
        moves = np.concatenate([rest - rests[0] for rest in rests[1:]])
        if np.max(np.abs(moves), initial=0.0) < 1e-7 * size:
            return True
        steps = [
            np.concatenate([shape(weight) - shape(weights[0]) for weight in weights[1:]])
            for shape in ((np.positive, np.sign) if weights[0].size > 1 else (np.positive,))
        ]
        columns = np.stack([step for step in steps if np.any(step)], axis=1)
        shares, *_ = np.linalg.lstsq(columns, moves, rcond=None)
        apart = np.max(np.abs(moves - columns @ shares), initial=0.0)
        is_decay = apart <= 1e-3 * np.max(np.abs(moves)) and all(
            -1 < share <= 1e-9 for share in shares
        )
        return is_decay or (is_bent and self._is_scaled_by_norm(rests, weights))

    @staticmethod
    def _is_scaled_by_norm(changes: list[Any], weights: list[Any]) -> bool:
        if changes[0].size < 2:
            return False
        for change, weight in zip(changes[1:], weights[1:], strict=True):
            model = [changes[0], weight, weights[0]] if change.size > 3 else [changes[0]]
            columns = np.stack(model, axis=1)
            if not np.all(np.isfinite(columns)) or not np.all(np.isfinite(change)):
                return False
            shares, *_ = np.linalg.lstsq(columns, change, rcond=None)
            rest = np.max(np.abs(change - columns @ shares), initial=0.0)
            if shares[0] <= 0 or rest > 1e-5 * np.max(np.abs(change), initial=0.0):
                return False
        return True

    def _direction(self, state: State, slot: int, edits: CallChanges) -> float:
        """Whether a value moves the weight along itself or against it, everywhere the same."""
        value = np.asarray(self._value_after(0, slot, edits), float)
        ends = []
        for times in (1.0, -1.0):
            turned = {**edits, slot: CallChange(_constant, (value * times,))}
            ends.append(np.asarray(self._value_after(0, state.next, turned), float))
        products = np.ravel(ends[0] - ends[1]) * np.ravel(value)
        signs = set(np.sign(products[np.abs(products) > 1e-9 * np.max(np.abs(products))]))
        return float(signs.pop()) if len(signs) == 1 else 0.0

    def _value_after(self, world: int, index: int, edits: CallChanges) -> Any:
        if not edits:
            return self.worlds.value(world, index)
        numbers = self.worlds.run(world, [index], edits)
        return numbers[index] if index in numbers else self.calls[index].value

    def first_slot(self, number: int, judgement: Judgement) -> int:
        """The earliest value that is the slope: all that an optimiser does comes after it."""
        state = self.step.states[number]
        slopes = [self.slope(state, judgement.objective, w) for w in range(self.count)]
        forward = set(self.worlds.replay.needed(judgement.objective.ends))
        for index in reversed(self.cones[number]):
            if index in forward or np.size(self.worlds.value(0, index)) != np.size(slopes[0]):
                continue
            if ratio([self.worlds.value(0, index)], slopes[:1], LOOSE) is None:
                continue
            if ratio([self.worlds.value(w, index) for w in range(self.count)], slopes, LOOSE):
                return index
        return judgement.fits[number].slot

    def looked_ahead(self) -> set[int]:
        """Memories that the loss depends on only since slopes are taken ahead of the weights."""
        ahead: set[int] = set()
        for n, memory in enumerate(self.step.states):
            for m, state in enumerate(self.step.states):
                if n == m or m in ahead or memory.next not in self.cones[m]:
                    continue
                for objective in self.step.objectives:
                    worlds = range(self.count)
                    slopes = [self.slope(memory, objective, w) for w in worlds]
                    times = ratio(slopes, [self.slope(state, objective, w) for w in worlds], 1e-5)
                    if times and 0 < times < 1:
                        ahead.add(n)
        return ahead

    def find_unlawful(self, judgement: Judgement) -> dict[int, Flaw]:
        """Weights whose update does with an exact slope what no law does, and what it is."""
        flaws: dict[int, Flaw] = {}
        degrees: dict[int, float] = {}
        counts: set[int] = set()
        for number, fit in judgement.fits.items():
            if fit.is_unused or fit.rate is not None or not self.step.memories:
                continue
            law = Law(self.step, self.step.states[number], self.first_slot(number, judgement))
            counts.add(len(law.memories))
            if not law.memories:
                continue
            degree = law.degree()
            if flaw := law.flaw:
                flaws[number] = flaw
            elif degree is not None:
                degrees[number] = degree
        if len(counts) > 1:
            return {}  # which memory belongs to which weight isn't clear
        if degrees and max(degrees.values()) - min(degrees.values()) > 0.5:
            usual = 0.0 if sum(d < 0.5 for d in degrees.values()) * 2 >= len(degrees) else 1.0
            flaws |= {n: Flaw.SIZE for n, degree in degrees.items() if abs(degree - usual) > 0.5}
        return flaws

    def rate(
        self,
        state: State,
        slot: int,
        coefficient: float,
        changes: CallChanges | None = None,
        size: float = 1.0,
    ) -> float | None:
        """How far the weight moves per slope, if it does so by a straight line.

        The slot is looked at as it is, or as many times as large.
        """
        changes = changes or {}
        before = self.worlds.run(0, [slot], changes) if changes else self.worlds.values[0]
        value = np.asarray(before[slot], float) * size
        ends = []
        for times in (0.0, 1.0, 2.0):
            scaled = CallChange(_constant, (value * times,))
            numbers = self.worlds.run(0, [state.next], {**changes, slot: scaled})
            ends.append(np.asarray(numbers[state.next], float))
        model = np.reshape(value, ends[0].shape)
        per = ratio([ends[1] - ends[0]], [model], 1e-5)
        again = ratio([ends[2] - ends[1]], [model], 1e-5)
        if per is None or again is None or abs(per - again) > 1e-4 * abs(per):
            return None
        return per * coefficient

    def judge(self, objective: Objective) -> Judgement:
        fits: dict[int, Fit] = {}
        wrong: list[int] = []
        for number in range(len(self.step.states)):
            fit = self.fit(number, objective)
            if fit is None:
                wrong.append(number)
            else:
                fits[number] = fit
        judgement = Judgement(objective, fits, wrong, {})
        self._compare_factors(judgement)
        return judgement

    @cached_property
    def judgements(self) -> list[Judgement]:
        """For each loss that it may be, the most likely first."""
        count = len(self.step.states)
        objectives = self._without_parts()
        judged = [self.judge(objective) for objective in objectives]
        if self.step.tiny and not any(len(each.fits) == count for each in judged):
            self.worlds.without_guards = True
            again = [self.judge(objective) for objective in objectives]
            if max((each.score for each in again), default=(0, 0)) > max(
                (each.score for each in judged), default=(0, 0)
            ):
                judged = again
            else:
                self.worlds.without_guards = False

        def rank(judgement: Judgement) -> tuple[Any, ...]:
            live = [fit for fit in judgement.fits.values() if not fit.is_unused]
            whole = len(judgement.fits) == count and bool(live)
            is_assumed = judgement.objective.is_assumed
            stated = not is_assumed and bool(live)
            climbs = sum(fit.direction > 0 for fit in live) * 2 > len(live)
            # which number is the loss isn't seen by its slopes: one of the usual kinds is likely
            is_usual = not live and not is_assumed and bool(self.orientation(judgement.objective))
            return (
                *(-whole, -stated, -bool(live), -is_usual, -len(live)),
                *(climbs, len(judgement.factors), not self._has_unit_rate(judgement)),
            )

        ranks = {id(each): rank(each) for each in judged}
        ordered = sorted(judged, key=lambda each: ranks[id(each)])
        alike = [each for each in ordered if ranks[id(each)] == ranks[id(ordered[0])]]
        if len(alike) > 1 and self.step.memories:
            alike.sort(key=lambda each: bool(self.find_unlawful(each)))
        return alike + ordered[len(alike) :]

    def _has_unit_rate(self, judgement: Judgement) -> bool:
        """Whether a weight moves by exactly the slope times its learning rate."""
        return not judgement.objective.is_within and any(
            fit.rate and abs(abs(fit.rate) / self.scale_of(n) - 1) < SAME
            for n, fit in judgement.fits.items()
        )

    def _without_parts(self) -> list[Objective]:
        """The objectives but for penalties, and for losses to which later ones add a penalty."""
        stated = [objective for objective in self.step.objectives if not objective.is_assumed]
        left = [each for each in self.step.objectives if not self._is_penalty(each)]
        return [
            each
            for each in left or stated
            if not any(
                max(each.ends) < max(other.ends) and self.penalties(each, other) for other in stated
            )
        ]

    def _is_penalty(self, objective: Objective) -> bool:
        worlds = range(self.count)
        shares = []
        for state in self.step.states:
            slopes = [self.slope(state, objective, world) for world in worlds]
            weights = [np.asarray(world[state.now], float) for world in self.worlds.inputs]
            if not is_zero(slopes):
                shares.append(ratio(slopes, weights))
        return bool(shares) and None not in shares

    def penalties(self, part: Objective, whole: Objective) -> dict[int, float]:
        """How many times each weight the slope of a loss is more than that of a part of it.

        Empty if it is anything else; a part may be a penalty alone.
        """
        times: dict[int, float] = {}
        factors: list[float] = []
        for number, state in enumerate(self.step.states):
            worlds = range(self.count)
            slopes, parts = (
                np.concatenate([np.ravel(self.slope(state, each, w)) for w in worlds])
                for each in (whole, part)
            )
            if not np.all(np.isfinite(slopes)) or not np.all(np.isfinite(parts)):
                return {}
            if not np.any(slopes) and not np.any(parts):
                continue
            weights = [np.ravel(world[state.now]) for world in self.worlds.inputs]
            columns = np.stack([parts, np.concatenate(weights)], axis=1)
            (factor, share), *_ = np.linalg.lstsq(columns, slopes, rcond=None)
            apart = np.max(np.abs(slopes - columns @ (factor, share)))
            if not apart <= 1e-6 * np.max(np.abs(slopes), initial=0.0):
                return {}
            if np.any(parts):
                factors.append(float(factor))
            if abs(share) * np.max(np.abs(columns[:, 1])) > 1e-6 * np.max(np.abs(slopes)):
                times[number] = float(share)
        if not factors or max(factors) - min(factors) > SAME * abs(factors[0]):
            return {}  # of another weight it is another multiple; a likelihood's is negative
        return times

    def _compare_factors(self, judgement: Judgement) -> None:
        live = {n: fit for n, fit in judgement.fits.items() if fit.direction}
        rates = {n: fit.rate for n, fit in live.items() if fit.rate}
        turn = self.turn(judgement)
        uphill = {n: -1.0 for n, fit in live.items() if fit.direction * turn > 0}
        if uphill:
            judgement.factors = uphill
            return
        if not rates:
            return
        exact = not judgement.objective.is_assumed
        odd = outliers(rates, None)
        if not odd:
            return
        peeled = {n: rate / self.scale_of(n) for n, rate in rates.items()}
        odd = outliers(peeled, -1.0 if exact else None)
        if odd:
            judgement.factors = odd
        else:
            judgement.rates_differ = True

    def turn(self, judgement: Judgement) -> float:
        """1: weights should go down; -1: up; of a loss of no usual kind, most know the way."""
        most = -np.sign(sum(fit.direction for fit in judgement.fits.values()))
        return self.orientation(judgement.objective) or float(most)

    def orientation(self, objective: Objective) -> int:
        """1: a loss, which should fall; -1: a likelihood, which should rise; 0: not known."""
        if objective.is_assumed:
            return 1
        worlds = range(self.count)
        for other in self.step.objectives:
            if not other.is_assumed:
                continue
            for state in self.step.states:
                models = [self.slope(state, other, w) for w in worlds]
                if np.any(models[0]):
                    times = ratio([self.slope(state, objective, w) for w in worlds], models, 1e-4)
                    if times:
                        return 1 if times > 0 else -1
                    break
        return 0

    def scale_call(self, number: int) -> int | None:
        """The call that multiplies by the learning rate."""
        self._scaling: int | None = None
        self.scale_of(number)
        return self._scaling

    def scale_of(self, number: int) -> float:
        """The learning rate: the number that the gradient is multiplied by, nearest the weight."""
        state = self.step.states[number]
        index: int | None = state.next
        for _ in range(12):
            call = self.calls[index]  # type: ignore[index]
            if call.name in ("setitem", *PARTIAL_WRITES):
                part = call.arguments[2]
                index = part.index if isinstance(part, Ref) else None
            elif call.function in LINEAR:
                parts = [
                    part.index
                    for part in call.arguments
                    if isinstance(part, Ref)
                    and not self.is_weight(part.index, state)
                    and self.worlds.replay.depends[part.index]
                ]
                index = parts[-1] if parts else None
            elif call.function in SCALING:
                for place, part in enumerate(call.arguments):
                    value = self.constant(part)
                    if value is not None:
                        self._scaling = index
                        return abs(1 / value if call.function is np.divide and place else value)
                parts = [part.index for part in call.arguments if isinstance(part, Ref)]
                parts = [i for i in parts if self.worlds.replay.depends[i]]
                index = parts[0] if len(parts) == 1 else None
            elif call.function is np.negative or call.name in (
                "astype",
                "copy",
                "reshape",
                "refill",
            ):
                index = call.operands[-1] if call.operands else None
            else:
                index = None
            if index is None:
                return 1.0
        return 1.0

    def is_weight(self, index: int, state: State) -> bool:
        for _ in range(6):
            if index == state.now or index in state.updates:
                return True
            call = self.calls[index]
            if (
                call.name not in ("copy", "array", "asarray", "astype", "getitem", "multiply")
                or not call.operands
            ):
                return False
            index = call.operands[0]
        return False

    def constant(self, part: Any) -> float | None:
        """A number that doesn't depend on the weights."""
        if isinstance(part, Ref):
            if self.worlds.replay.depends[part.index]:
                return None
            part = self.calls[part.index].value
        if not isinstance(part, (int, float, np.number)) and not (
            isinstance(part, np.ndarray) and part.ndim == 0
        ):
            return None
        value = float(part)
        return value if np.isfinite(value) and value else None


def outliers(rates: dict[int, float], usual: float | None) -> dict[int, float]:
    """Those that differ from most, each as a multiple of what most are."""
    best = max(
        rates.values(),
        key=lambda rate: (
            sum(abs(other / rate - 1) < SAME for other in rates.values()),
            usual is not None and abs(rate / usual - 1) < SAME,
            rate < 0,
        ),
    )
    return {n: rate / best for n, rate in rates.items() if abs(rate / best - 1) > SAME}


def _constant(value: Any) -> Any:
    return value


__all__ = ["Fit", "Judge", "Judgement", "outliers"]
