"""Single edits of a step: the vocabulary of mistakes in one expression.

Each is data (which calls, made how instead), so that a side can spell it. Knows no source.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from gradbook.audit.core.judge import Judge
from gradbook.audit.core.pairing import neighbours, newest, orders
from gradbook.recording.calls import CallChange, RecordedCall, Ref, references, substitute

MOST_PLACES = 200  # expressions that an operand is tried for
MOST_NUMBERS = 12  # of the way forward
MOST_CALLS = 3000  # of one expression
PRODUCTS = ("matmul", "dot")
SUMS = ("sum", "mean")
COMPARISONS = {
    "greater": np.greater,
    "less": np.less,
    "greater_equal": np.greater_equal,
    "less_equal": np.less_equal,
}

Function = Callable[..., Any]

SLOPES: dict[str, Function] = {  # of an activation, by its value
    "y*(1-y)": lambda y: y * (1 - y),
    "1-y**2": lambda y: 1 - y * y,
    "y>0": lambda y: (np.asarray(y) > 0) * 1.0,
    "2*y": lambda y: 2 * y,
    "1-y": lambda y: 1 - y,
    "y": lambda y: y,
    "exp(y)": np.exp,
    "cos(y)": np.cos,
    "1/(1+exp(-y))": lambda y: 1 / (1 + np.exp(-y)),
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """An edit: what kind, of which calls, and how these are made instead."""

    kind: str  # "axis", "transposed", "sign", "operand", "slope", "factor", "power", "mask", …
    at: int  # one of the calls, for the place
    changes: dict[int, CallChange]
    level: int = 0  # 0: the expression itself; 1: the call of the function that it stands in
    operand: int | None = None  # which argument is another one
    detail: tuple[Any, ...] = ()  # what it becomes, for who spells it


class Edits:
    def __init__(self, judge: Judge, forward: set[int], backward: set[int]) -> None:
        self.judge = judge
        self.calls = judge.calls
        self.step = judge.step
        self.backward = backward
        self.forward = forward
        self.news = {index for state in self.step.states for index in state.updates}
        self.occurrences = self._find_occurrences()

    def groups(self, level: int = 0) -> dict[Hashable, list[int]]:
        """The calls of each expression, or of each call of a function."""
        groups: dict[Hashable, list[int]] = {}
        for index in sorted(self.backward):
            frames = self.calls[index].frames
            if len(frames) > level:
                key = frames[level]
                name = self.calls[index].name if level == 0 else ""
                groups.setdefault((key, name), []).append(index)
        return {key: part for key, part in groups.items() if len(part) <= MOST_CALLS}

    def _find_occurrences(self) -> dict[Hashable, list[int]]:
        """What may stand in an operand's place: values of the forward pass, inputs, weights."""
        wanted = {i for i in self.forward if self.calls[i].function is not None}
        fewest = min(1, *(np.ndim(self.calls[state.now].value) for state in self.step.states))
        inputs = {
            operand
            for index in self.forward
            for operand in self.calls[index].operands
            if not self.judge.worlds.replay.depends[operand]
            and np.ndim(self.calls[operand].value) >= fewest
        }
        places: dict[Hashable, list[int]] = {}
        every = {i for cone in self.judge.cones.values() for i in cone} - self.news
        for index in sorted(wanted | inputs | every):
            call = self.calls[index]
            if getattr(call.value, "dtype", None) is None or call.value.dtype.kind not in "fib":
                continue
            places.setdefault((call.frames[:1], call.name), []).append(index)
            if len(call.frames) > 1:
                places.setdefault((call.frames, call.name), []).append(index)
        for state in self.step.states:
            places.setdefault(("weight", state.now), []).append(state.now)
        return places

    def structural(self, group: list[int]) -> Iterator[Proposal]:
        """Edits of the operation: its axis, its sign, its order, its power."""
        at = group[0]
        call = self.calls[at]
        name = call.name
        if name in SUMS:
            yield from self._sums(group, at)
        if name in PRODUCTS and len(call.arguments) == 2:
            yield from self._products(group, at)
        if call.function in (np.add, np.subtract):
            flip = np.subtract if call.function is np.add else np.add
            yield self._function("sign", group, flip, ("flip",))
            if call.function is np.subtract:
                yield self._function("sign", group, lambda a, b: b - a, ("swap",))
        if call.function in (np.multiply, np.divide):
            yield from self._factors(group, at)
        if call.function is np.negative:
            yield self._function("sign", group, _same, ("drop",))
        else:
            yield self._result("sign", group, np.negative, ("negate",))
        yield from self._without_power(group)
        if name in COMPARISONS:
            for word, function in COMPARISONS.items():
                if word != name:
                    yield self._function("mask", group, function, (word,))
        if name == "where":
            yield from self._chosen_numbers(group)

    def _without_power(self, group: list[int]) -> Iterator[Proposal]:
        function = self.calls[group[0]].function
        if function in (np.power, np.square):
            yield self._function("power", group, lambda a, *b: a, ("drop",))
        if function is np.sqrt:
            yield self._function("power", group, _same, ("drop root",))

    def _chosen_numbers(self, group: list[int]) -> Iterator[Proposal]:
        """Another number in a `where`: one that the way forward uses, such as a leak."""
        for number, part in enumerate(self.calls[group[0]].arguments[1:3], 1):
            value = self.judge.constant(part)
            if value is not None:
                for other in self.forward_numbers:
                    yield self._number(group, number, other / value, ("forward",))

    @cached_property
    def forward_numbers(self) -> list[float]:
        numbers = dict.fromkeys(
            value
            for index in sorted(self.forward)
            for part in self.calls[index].arguments
            if (value := self.judge.constant(part)) is not None and 0 < abs(value) < 1
        )
        return list(numbers)[:MOST_NUMBERS]

    def constants(self, group: list[int], ratio: float) -> Iterator[Proposal]:
        """Another number in the source, or a factor that is missing or too much."""
        at = group[0]
        call = self.calls[at]
        for number, part in enumerate(call.arguments):
            value = self.judge.constant(part)
            if value is None or call.function not in (np.multiply, np.divide):
                continue
            if abs((call.function is np.multiply and value * ratio - 1) or 1.0) < 1e-6:
                keep = 1 - number
                yield self._function(
                    "extra factor", group, (lambda a, b, keep=keep: (a, b)[keep]), (keep,)
                )
            times = ratio if call.function is np.multiply or number == 0 else 1 / ratio
            yield self._number(group, number, times)
        yield self._result("factor", group, lambda x: x * ratio, (ratio,))

    def halves(self, group: list[int]) -> Iterator[Proposal]:
        """What a term lacks, or has too much, where a square's slope was mistaken."""
        for times in (2.0, 0.5):
            yield self._result("factor", group, lambda x, times=times: x * times, (times, "square"))

    def _number(
        self, group: list[int], number: int, times: float, detail: tuple[Any, ...] = ()
    ) -> Proposal:
        def scale(value: Any, _: Any) -> Any:
            return value * times

        now = self.step.states[0].now
        changes = {i: self._argument(i, number, scale, now) for i in group}
        return Proposal("constant", group[0], changes, operand=number, detail=(times, *detail))

    def of_memory(self, group: list[int], slots: dict[int, int]) -> Iterator[Proposal]:
        """The slope in the place of a memory; slots has that of each call's weight."""
        every = {index for memory in self.step.memories for index in (memory.now, memory.next)}
        at = group[0]
        for number, part in enumerate(self.calls[at].arguments):
            if not isinstance(part, Ref) or part.index not in every:
                continue
            mapping = {i: slots[i] for i in group if slots.get(i, i) < i}
            if len(mapping) == len(group):
                changes = {i: self._argument(i, number, lambda _, q: q, mapping[i]) for i in group}
                detail = (self.step.place(mapping[at]), mapping)
                yield Proposal("operand", at, changes, operand=number, detail=detail)

    def of_law(self, group: list[int]) -> Iterator[Proposal]:
        """Edits of an update: its squares and roots, and which memory it uses."""
        yield from self.powers(group)
        yield from self._without_power(group)
        call = self.calls[group[0]]
        memories: dict[Hashable, list[int]] = {}
        for memory in self.step.memories:
            for index in (memory.now, memory.next):
                memories.setdefault((index == memory.now, memory.place), []).append(index)
        every = {index for indices in memories.values() for index in indices}
        for number, part in enumerate(call.arguments):
            if not isinstance(part, Ref) or part.index not in every:
                continue
            olds = [self.calls[i].arguments[number] for i in group]
            for key, indices in memories.items():
                for chosen in (*newest(group, sorted(indices)), *orders(group, sorted(indices))):
                    mapping = dict(zip(group, chosen, strict=True))
                    if any(
                        not isinstance(old, Ref)
                        or np.shape(self.calls[old.index].value) != np.shape(self.calls[new].value)
                        or new >= index
                        for old, (index, new) in zip(olds, mapping.items(), strict=True)
                    ):
                        continue
                    changes = {
                        i: self._argument(i, number, lambda _, q: q, mapping[i]) for i in group
                    }
                    yield Proposal(
                        "operand", group[0], changes, operand=number, detail=(key, mapping)
                    )

    def powers(self, group: list[int]) -> Iterator[Proposal]:
        yield self._result("power", group, np.square, ("square",))
        yield self._result("power", group, np.sqrt, ("root",))
        for number, part in enumerate(self.calls[group[0]].arguments):
            if isinstance(part, Ref) and self._is_forward(part.index):
                changes = {i: self._argument(i, number, _square, part.index) for i in group}
                yield Proposal("power", group[0], changes, operand=number, detail=("square",))

    def _function(self, kind: str, group: list[int], function: Function, detail: Any) -> Proposal:
        changes = {
            i: CallChange(function, self.calls[i].arguments, self.calls[i].options) for i in group
        }
        return Proposal(kind, group[0], changes, detail=detail)

    def _result(self, kind: str, group: list[int], then: Function, detail: Any) -> Proposal:
        def wrap(function: Any) -> Function:
            return lambda *arguments, **options: then(function(*arguments, **options))

        changes = {
            i: CallChange(
                wrap(self.calls[i].function), self.calls[i].arguments, self.calls[i].options
            )
            for i in group
        }
        return Proposal(kind, group[0], changes, detail=detail)

    def _sums(self, group: list[int], at: int) -> Iterator[Proposal]:
        call = self.calls[at]
        part = call.arguments[0]
        value = self.calls[part.index].value if isinstance(part, Ref) else part
        dimensions = max(1, np.ndim(value))
        keep = bool(call.options.get("keepdims", False))
        axes = [
            *range(dimensions),
            *(pair for size in (2, 3) for pair in combinations(range(dimensions), size)),
            None,
        ]
        options = [(axis, kept) for kept in (keep, not keep) for axis in axes]
        for axis, kept in options:
            for name in (call.name, "mean" if call.name == "sum" else "sum"):

                def total(
                    array: Any,
                    *_: Any,
                    name: str = name,
                    axis: Any = axis,
                    kept: bool = kept,
                    **__: Any,
                ) -> Any:
                    return getattr(np, name)(np.asarray(array, float), axis=axis, keepdims=kept)

                changes = {i: CallChange(total, self.calls[i].arguments[:1], {}) for i in group}
                yield Proposal("axis", at, changes, detail=(name, axis, kept))

    def _products(self, group: list[int], at: int) -> Iterator[Proposal]:
        for detail, function in (
            ((0,), lambda a, b: np.dot(np.transpose(a), b)),
            ((1,), lambda a, b: np.dot(a, np.transpose(b))),
            (("result",), lambda a, b: np.transpose(np.dot(a, b))),
            (("swap",), lambda a, b: np.dot(b, a)),
            ((0, 1), lambda a, b: np.dot(np.transpose(a), np.transpose(b))),
        ):
            yield self._function("transposed", group, function, detail)

    def _factors(self, group: list[int], at: int) -> Iterator[Proposal]:
        call = self.calls[at]
        for place in (0, 1):
            if call.function is np.divide and place == 1:
                continue
            shape = np.shape(call.value)
            argument = call.arguments[place]
            value = self.calls[argument.index].value if isinstance(argument, Ref) else argument
            dropped = self.judge.constant(call.arguments[1 - place])
            if np.shape(value) == shape and (dropped is None or abs(dropped) != 1):
                yield self._function(
                    "extra factor", group, (lambda a, b, place=place: (a, b)[place]), (place,)
                )
        other = np.divide if call.function is np.multiply else np.multiply
        yield self._function("division", group, other, (other.__name__,))
        if call.function is np.multiply and np.ndim(call.value) == 2:
            yield self._function("product", group, np.dot, ("matmul",))

    def stale(self) -> Iterator[Proposal]:
        """Weights that were updated before they are used: with the ones of before."""
        uses: dict[int, list[int]] = {}
        for state in self.step.states:
            for index in sorted(self.backward - self.news):
                for new in state.updates:
                    if new in self.calls[index].operands:
                        uses.setdefault(state.now, []).append(index)
        everything: dict[int, CallChange] = {}
        for old, users in uses.items():
            updates = {s.now: s.updates for s in self.step.states}[old]
            changes = {i: self._other(i, dict.fromkeys(updates, old)) for i in users}
            everything.update(changes)
            yield Proposal("stale", users[0], changes, detail=(old,))
        if len(uses) > 1:
            yield Proposal("stale", min(everything), everything, detail=tuple(uses))

    def _other(self, index: int, other: dict[int, int]) -> CallChange:
        call = self.calls[index]
        return CallChange(
            call.function,  # type: ignore[arg-type]
            substitute(call.arguments, lambda i: Ref(other.get(i, i))),
            substitute(call.options, lambda i: Ref(other.get(i, i))),
        )

    def operands(self, group: list[int]) -> Iterator[Proposal]:
        """Another value in the place of an operand."""
        at = group[0]
        for number, part in enumerate(self.calls[at].arguments):
            is_factor = self.calls[at].function in (np.multiply, np.divide)
            if not isinstance(part, Ref) and not (is_factor and isinstance(part, int | float)):
                continue
            for key, mapping in self._matching(group, self._olds(group, number), None):
                for turn, use in ((False, _other), (True, _turned)):
                    if turn and np.ndim(self.calls[mapping[at]].value) != 2:
                        continue
                    changes = {i: self._argument(i, number, use, mapping[i]) for i in group}
                    detail = (key, mapping, turn)
                    yield Proposal("operand", at, changes, operand=number, detail=detail)

    def slopes(self, group: list[int]) -> Iterator[Proposal]:
        """A slope that is missing, or another activation's."""
        at = group[0]
        call = self.calls[at]
        operands = [
            (n, part.index) for n, part in enumerate(call.arguments) if isinstance(part, Ref)
        ]
        if call.function is np.multiply:
            for number, index in operands:
                if self._is_forward(index):
                    yield from self._slopes_at(group, number, "instead", _then)
        yield from self._whole_slopes(group)
        for key, mapping in self._like_result(group):
            for word, slope in self._slopes_of(mapping[at]):
                changes = {i: self._times(i, slope, mapping[i]) for i in group}
                yield Proposal("slope", at, changes, detail=("times", word, key, mapping))
        if call.name in (*PRODUCTS, *SUMS, "outer"):
            for number, index in operands:
                if self._is_error(Ref(index)):
                    yield from self._slopes_at(group, number, "operand", _scaled)

    def _slopes_of(self, index: int) -> Iterable[tuple[str, Function]]:
        """A mask is itself a factor, and nothing else."""
        is_mask = self.calls[index].value.dtype.kind == "b"
        return [("y", SLOPES["y"])] if is_mask else SLOPES.items()

    def _slopes_at(
        self, group: list[int], number: int, where: str, use: Callable[[Function], Function]
    ) -> Iterator[Proposal]:
        """Slopes in the place of an argument, or as a factor of it."""
        for key, mapping in self._stand_ins(group, number):
            for word, slope in self._slopes_of(mapping[group[0]]):
                changes = {i: self._argument(i, number, use(slope), mapping[i]) for i in group}
                detail = (where, word, key, mapping)
                yield Proposal("slope", group[0], changes, operand=number, detail=detail)

    def _whole_slopes(self, group: list[int]) -> Iterator[Proposal]:
        """`d * a * (1 - a)`: another slope in place of several factors."""
        bases = {index: self._without_slopes(index) for index in group}
        for factors in range(2, min(map(len, bases.values())) + 1):
            for key, mapping in self._like_result(group):
                for word, slope in SLOPES.items():
                    changes = {
                        i: CallChange(_scaled(slope), (Ref(bases[i][factors - 1]), Ref(mapping[i])))
                        for i in group
                    }
                    detail = ("whole", word, key, mapping, factors)
                    yield Proposal("slope", group[0], changes, detail=detail)

    def _without_slopes(self, index: int) -> list[int]:
        """A product without its last factor of the forward pass, without its last two, …"""
        rest: list[int] = []
        while self.calls[index].function is np.multiply:
            parts = [part for part in self.calls[index].arguments if isinstance(part, Ref)]
            back = [part.index for part in parts if not self._is_forward(part.index)]
            if len(parts) != 2 or len(back) != 1:
                break
            index = back[0]
            rest.append(index)
        return rest

    def weights(self, group: list[int]) -> Iterator[Proposal]:
        """A layer's weights that the way back forgets."""
        at = group[0]
        for state in self.step.states:
            if np.ndim(self.calls[state.now].value) != 2:
                continue
            for word, product in (
                ("x@W.T", lambda x, w: np.dot(x, np.transpose(w))),
                ("W.T@x", lambda x, w: np.dot(np.transpose(w), x)),
                ("x@W", np.dot),
                ("W@x", lambda x, w: np.dot(w, x)),
            ):
                for number, part in enumerate(self.calls[at].arguments):
                    if not self._is_error(part):
                        continue
                    changes = {i: self._argument(i, number, product, state.now) for i in group}
                    yield Proposal(
                        "missing weights", at, changes, operand=number, detail=(word, state.now)
                    )

    def arguments(self, group: list[int]) -> Iterator[Proposal]:
        """Another argument of a function that the program calls."""
        inside = set(group)
        slots: dict[Hashable, list[tuple[int, int]]] = {}  # who uses what comes from outside
        for index in group:
            call = self.calls[index]
            for number, operand in enumerate(call.operands):
                if operand not in inside and np.ndim(self.calls[operand].value):
                    slots.setdefault((call.frames[:1], call.name, number), []).append(
                        (index, operand)
                    )
        seen: set[tuple[int, ...]] = set()
        for pairs in slots.values():
            users, olds = [user for user, _ in pairs], [old for _, old in pairs]
            if tuple(olds) in seen:
                continue
            seen.add(tuple(olds))
            shapes = [np.shape(self.calls[old].value) for old in olds]
            for key, mapping in self._matching(users, olds, shapes):
                news = {old: mapping[user] for user, old in pairs}
                changes = {
                    i: self._other(i, news)
                    for i in group
                    if not news.keys().isdisjoint(self.calls[i].operands)
                }
                detail = (key, mapping)
                yield Proposal("operand", users[0], changes, 1, olds[0], detail)

    def _is_error(self, part: Any) -> bool:
        """Whether an operand is of the way back."""
        moves = isinstance(part, Ref) and self.judge.worlds.replay.depends[part.index]
        return moves and not self._is_forward(part.index)

    def _is_forward(self, index: int) -> bool:
        """Whether a value follows from the forward pass alone."""
        return index in self._forward_only()

    def _forward_only(self) -> set[int]:
        if not hasattr(self, "_only"):
            depends = self.judge.worlds.replay.depends
            only: set[int] = set(self.forward) | {s.now for s in self.step.states}
            for index in range(self.step.first, self.step.last + 1):
                if depends[index] and index not in only and index not in self.news:
                    moving = [i for i in self.calls[index].operands if depends[i]]
                    is_known = bool(moving) and all(i in only for i in moving)
                    if is_known and (len(moving) == 1 or self._one_source(index)):
                        only.add(index)
            self._only = only
        return self._only

    def _one_source(self, index: int) -> bool:
        """Such as `a * (1 - a)`: of one value of the forward pass."""
        sources: set[int] = set()
        todo = list(self.calls[index].operands)
        depends = self.judge.worlds.replay.depends
        while todo:
            operand = todo.pop()
            if not depends[operand]:
                continue
            if operand in self.forward or operand in self.judge.old:
                sources.add(operand)
            else:
                todo += self.calls[operand].operands
        return len(sources) <= 1

    def _stand_ins(self, group: list[int], number: int) -> Iterator[tuple[Any, dict[int, int]]]:
        """Values in the place of an argument, one for each call of the group."""
        olds = self._olds(group, number)
        shapes = [np.shape(self.calls[old].value) for old in olds]
        yield from self._matching(group, olds, shapes)
        results = [np.shape(self.calls[index].value) for index in group]
        if results != shapes:  # such as a number where a mask belongs
            yield from self._matching(group, olds, results)

    def _olds(self, group: list[int], number: int) -> list[int]:
        arguments = [self.calls[index].arguments for index in group]
        parts = [each[number] if number < len(each) else None for each in arguments]
        return [part.index if isinstance(part, Ref) else -1 for part in parts]

    def _like_result(self, group: list[int]) -> Iterator[tuple[Any, dict[int, int]]]:
        shapes = [np.shape(self.calls[index].value) for index in group]
        yield from self._matching(group, [-1] * len(group), shapes)

    def _matching(
        self, group: list[int], olds: list[int], shapes: list[Any] | None
    ) -> Iterator[tuple[Any, dict[int, int]]]:
        seen: set[tuple[int, ...]] = {tuple(olds)}
        near = sorted(
            self.occurrences.items(),
            key=lambda item: (
                not self.step.is_named(item[1][0]),
                -item[1][max(0, bisect_left(item[1], group[0]) - 1)],
            ),
        )
        for key, occurrences in near[:MOST_PLACES]:
            for chosen in (
                *newest(group, occurrences),
                *orders(group, occurrences),
                *neighbours(olds, occurrences),
            ):
                if tuple(chosen) in seen:
                    continue
                seen.add(tuple(chosen))
                news = [np.shape(self.calls[new].value) for new in chosen]
                is_before = all(new < index for new, index in zip(chosen, group, strict=True))
                if is_before and (shapes is None or news == shapes):
                    yield key, dict(zip(group, chosen, strict=True))

    def _argument(self, index: int, number: int, function: Function, new: int) -> CallChange:
        """The call with a function of its own value and of another as an argument."""
        call = self.calls[index]
        inner: Any = call.function

        def make(*arguments: Any, **options: Any) -> Any:
            *rest, other = arguments
            rest[number] = function(rest[number], other)
            return inner(*rest, **options)

        return CallChange(make, (*call.arguments, Ref(new)), call.options)

    def _times(self, index: int, slope: Function, new: int) -> CallChange:
        call: RecordedCall = self.calls[index]
        inner: Any = call.function

        def make(*arguments: Any, **options: Any) -> Any:
            *rest, other = arguments
            return inner(*rest, **options) * slope(other)

        return CallChange(make, (*call.arguments, Ref(new)), call.options)


def _same(value: Any, *rest: Any) -> Any:
    return value


def _other(_: Any, other: Any) -> Any:
    return other


def _turned(_: Any, other: Any) -> Any:
    return np.transpose(other)


def _square(value: Any, _: Any) -> Any:
    return value * value


def _then(slope: Function) -> Function:
    return lambda _, other: slope(other)


def _scaled(slope: Function) -> Function:
    return lambda value, other: value * slope(other)


__all__ = ["SLOPES", "Edits", "Proposal", "references"]
