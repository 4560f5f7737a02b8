"""A run as a list of calls, each with operands, value and place; run again with other numbers.

Knows neither how a run is recorded nor what is done with it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import CodeType
from typing import Any

import numpy as np


class CallFrame(tuple[CodeType, int]):
    """A code object of the program, and the instruction in it: one object for each place.

    Told apart by identity, since to hash a code object takes longer than a program's sum.
    """

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__
    __ne__ = object.__ne__


PARTIAL_WRITES = ("put_flat", "add_at", "subtract_at")  # changes in place, by their names here


@dataclass(slots=True, unsafe_hash=True)  # a frozen one takes five times as long to make
class Ref:
    """Stands among a call's arguments for the value of another call."""

    index: int


@dataclass(slots=True, eq=False)
class RecordedCall:
    function: Callable[..., Any] | None  # None: a number that comes from outside
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    value: Any
    frames: tuple[CallFrame, ...]  # innermost first
    is_random: bool = False
    operands: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        return getattr(self.function, "__name__", "") if self.function else ""


def split_names(text: str) -> tuple[str, ...]:
    """The names of functions in a table of them."""
    return tuple(text.split())


def references(structure: Any) -> Iterator[int]:
    if isinstance(structure, Ref):
        yield structure.index
    elif isinstance(structure, (tuple, list)):
        for part in structure:
            yield from references(part)
    elif isinstance(structure, dict):
        for part in structure.values():
            yield from references(part)
    elif isinstance(structure, slice):
        yield from references((structure.start, structure.stop, structure.step))


def operands_of(arguments: tuple[Any, ...], options: dict[str, Any]) -> tuple[int, ...]:
    """What a call takes from other calls."""
    indices = []
    for part in arguments:
        kind = type(part)
        if kind is Ref:
            indices.append(part.index)
        elif kind in (tuple, list, dict, slice):
            indices.extend(references(part))
    if options:
        indices.extend(references(options))
    return tuple(indices)


def substitute(structure: Any, value: Callable[[int], Any]) -> Any:
    """The structure with a value for each reference in it."""
    if isinstance(structure, Ref):
        return value(structure.index)
    if isinstance(structure, tuple):
        return tuple([substitute(part, value) for part in structure])
    if isinstance(structure, list):
        return [substitute(part, value) for part in structure]
    if isinstance(structure, dict):
        return {key: substitute(part, value) for key, part in structure.items()}
    if isinstance(structure, slice):
        return slice(*substitute((structure.start, structure.stop, structure.step), value))
    return structure


def item_of(values: Any, place: Any) -> Any:
    """One of several results."""
    return values[place]


def getitem(array: Any, index: Any) -> Any:
    return array[index]


def setitem(array: Any, index: Any, value: Any) -> Any:
    """A copy of the array with other numbers at some places."""
    array = np.array(array)
    if array.dtype.kind in "iu" and np.asarray(value).dtype.kind == "f":
        value = np.asarray(value).astype(array.dtype)
    array[index] = value
    return array


def put_flat(parent: Any, places: Any, value: Any) -> Any:
    """A copy of the parent with the numbers of one of its views."""
    parent = np.array(parent)
    parent.reshape(-1)[places] = value
    return parent


def refill(array: Any, value: Any) -> Any:
    """The value in the shape and the type of the array that it is written into."""
    return np.broadcast_to(value, np.shape(array)).astype(np.asarray(array).dtype)


class Masked:
    """A ufunc with `where=`: what the mask leaves out keeps the array's numbers."""

    __name__ = "masked"

    def __init__(self, ufunc: Any) -> None:
        self.ufunc = ufunc

    def __call__(self, array: Any, mask: Any, *inputs: Any, **options: Any) -> Any:
        array = np.array(array)
        self.ufunc(*inputs, out=array, where=np.asarray(mask, bool), **options)
        return array


@dataclass(slots=True)
class Tape:
    """All calls of a run so far."""

    calls: list[RecordedCall] = field(default_factory=list)
    branches: list[tuple[int, bool]] = field(default_factory=list)  # a call's truth was asked
    kept_bytes: int = 0
    used: set[int] = field(default_factory=set)  # calls whose value another one takes

    def add(
        self,
        function: Callable[..., Any] | None,
        arguments: tuple[Any, ...],
        options: dict[str, Any],
        value: Any,
        frames: tuple[CallFrame, ...],
        is_random: bool = False,
    ) -> int:
        """The call's index."""
        operands = operands_of(arguments, options) if arguments else ()
        self.used.update(operands)
        calls = self.calls
        calls.append(RecordedCall(function, arguments, options, value, frames, is_random, operands))
        self.kept_bytes += 8 if type(value) is np.float64 else getattr(value, "nbytes", 8)
        return len(calls) - 1

    def clear(self) -> None:
        for part in (self.calls, self.branches, self.used):
            part.clear()
        self.kept_bytes = 0

    def __getitem__(self, index: int) -> RecordedCall:
        return self.calls[index]

    def __len__(self) -> int:
        return len(self.calls)


@dataclass(frozen=True, slots=True)
class CallChange:
    """A call made otherwise: another function, other operands."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def operands(self) -> tuple[int, ...]:
        return operands_of(self.arguments, self.options)


CallChanges = Mapping[int, CallChange]


OPERATORS: dict[Any, Callable[..., Any]] = {  # the same on numbers and arrays, and faster
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.power: operator.pow,
    np.negative: operator.neg,
    np.absolute: operator.abs,
}
Move = tuple[Any, int | None, int | None]  # a function, and where its operands are


class Values(dict[int, Any]):
    """The values of calls; of those that aren't in it, the ones of the run."""

    def __init__(self, replay: Replay, known: Mapping[int, Any]) -> None:
        super().__init__(known)
        self.replay = replay

    def __missing__(self, index: int) -> Any:
        value = self[index] = self.replay.value(index)
        return value


class Replay:
    """Part of a run, computed again from other numbers of some calls.

    What doesn't depend on them keeps its value of the run.
    """

    def __init__(
        self, calls: list[RecordedCall], inputs: Iterable[int], first: int, last: int
    ) -> None:
        self.calls = calls
        self.inputs = frozenset(inputs)
        self.first = first  # calls before it keep their values, inputs aside
        self.last = last
        self.moves: dict[int, Move] = {}
        self.literals: list[Any] = [None]  # a number that stands in a call is operand -1, -2, …
        self.moving = self.reach(self.inputs)
        self.depends = [index in self.moving for index in range(last + 1)]

    def reach(self, sources: Iterable[int]) -> set[int]:
        """The sources, and all calls that they go into; inputs stay as they are."""
        reached = set(sources)
        apart, calls, inputs = reached.isdisjoint, self.calls, self.inputs
        for index in range(max(self.first, min(reached, default=0)), self.last + 1):
            if not apart(calls[index].operands) and index not in inputs:
                reached.add(index)
        return reached

    def needed(
        self,
        wanted: Iterable[int],
        changes: CallChanges | None = None,
        stale: Container[int] | None = None,
    ) -> list[int]:
        """Calls to make again for the wanted values, in order: of `stale`, or all that move."""
        changes = changes or {}
        if stale is None:
            stale = self.moving | self.reach(changes) if changes else self.moving
        seen: set[int] = set()
        todo = list(wanted)
        calls, inputs = self.calls, self.inputs
        while todo:
            index = todo.pop()
            if index in stale and index not in seen and index not in inputs:
                seen.add(index)
                todo += changes[index].operands if index in changes else calls[index].operands
        return sorted(seen)

    def value(self, index: int) -> Any:
        """Of the run."""
        return self.calls[index].value if index >= 0 else self.literals[-index]

    def run(
        self,
        order: list[int],
        numbers: Mapping[int, Any],
        changes: CallChanges | None = None,
    ) -> Values:
        """The values of the calls, made in order, beside those of the inputs."""
        values, moves = Values(self, numbers), self.moves
        with np.errstate(all="ignore"):
            for index in order:
                if changes and index in changes:
                    values[index] = _make(changes[index], values)
                    continue
                function, first, second = moves.get(index) or self._move(index)
                if second is not None:
                    values[index] = function(values[first], values[second])  # type: ignore[index]
                elif first is not None:
                    values[index] = function(values[first])
                else:
                    values[index] = function(values)
        return values

    def _move(self, index: int) -> Move:
        """How a call is made again: one of one or two operands at once, any other with care."""
        call = self.calls[index]
        places = [self._place(part) for part in call.arguments]
        if call.options or not 0 < len(places) <= 2 or None in places:
            move: Move = (partial(_make, call), None, None)
        else:
            function = OPERATORS.get(call.function, call.function)
            move = (function, places[0], places[1] if len(places) == 2 else None)
        self.moves[index] = move
        return move

    def _place(self, part: Any) -> int | None:
        if isinstance(part, Ref):
            return part.index
        if list(references(part)):
            return None
        self.literals.append(part)
        return 1 - len(self.literals)


def _make(call: RecordedCall | CallChange, values: Values) -> Any:
    value = values.__getitem__
    options = substitute(call.options, value) if call.options else {}
    return call.function(*substitute(call.arguments, value), **options)  # type: ignore[misc]
