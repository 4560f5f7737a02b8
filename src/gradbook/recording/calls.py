"""A run as a list of calls, each with operands, value and place; run again with other numbers.

Knows neither how a run is recorded nor what is done with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

import numpy as np

Frame = tuple[CodeType, int]  # a code object of the program, and the instruction in it

PARTIAL_WRITES = ("put_flat", "add_at", "subtract_at")  # changes in place, by their names here


@dataclass(frozen=True, slots=True)
class Ref:
    """Stands among a call's arguments for the value of another call."""

    index: int


@dataclass(slots=True, eq=False)
class RecordedCall:
    function: Callable[..., Any] | None  # None: a number that comes from outside
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    value: Any
    frames: tuple[Frame, ...]  # innermost first
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
        frames: tuple[Frame, ...],
        is_random: bool = False,
    ) -> int:
        operands = operands_of(arguments, options) if function else ()
        self.used.update(operands)
        self.calls.append(
            RecordedCall(function, arguments, options, value, frames, is_random, operands)
        )
        self.kept_bytes += getattr(value, "nbytes", 8)
        return len(self.calls) - 1

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
        self.depends: list[bool] = [False] * (last + 1)
        self.last = last
        for index in self.inputs:
            self.depends[index] = True
        for index in range(first, last + 1):
            if index not in self.inputs:
                self.depends[index] = any(self.depends[i] for i in calls[index].operands)

    def needed(self, wanted: Iterable[int], changes: CallChanges | None = None) -> list[int]:
        """Calls to make again for the wanted values, in order."""
        changes = changes or {}
        seen: set[int] = set()
        todo = list(wanted)
        moved = self._moved(changes) if changes else None
        while todo:
            index = todo.pop()
            if index in seen or index in self.inputs or index > self.last:
                continue
            if not (self.depends[index] or (moved is not None and index in moved)):
                continue
            seen.add(index)
            change = changes.get(index)
            todo += change.operands if change else self.calls[index].operands
        return sorted(seen)

    def _moved(self, changes: CallChanges) -> set[int]:
        """What changes of calls reach, though the inputs don't."""
        moved = set(changes)
        for index in range(min(changes), self.last + 1):
            if index not in moved and any(i in moved for i in self.calls[index].operands):
                moved.add(index)
        return moved

    def run(
        self,
        order: list[int],
        numbers: dict[int, Any],
        changes: CallChanges | None = None,
    ) -> dict[int, Any]:
        """The values of the calls in order; numbers has those of the inputs, and is filled."""
        calls = self.calls

        def value(index: int) -> Any:
            return numbers[index] if index in numbers else calls[index].value

        with np.errstate(all="ignore"):
            for index in order:
                call = changes.get(index) if changes else None
                call = call or calls[index]  # type: ignore[assignment]
                arguments = substitute(call.arguments, value)  # type: ignore[union-attr]
                options = substitute(call.options, value) if call.options else {}  # type: ignore[union-attr]
                numbers[index] = call.function(*arguments, **options)  # type: ignore[union-attr]
        return numbers
