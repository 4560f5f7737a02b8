"""The content of another program's file as a graph of operators, in one form for all formats.

A format's `content.py` converts a file to such a graph, within limits; its `read.py` has a table of
each operator's settings and of what it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.formats.imported import NO_NOTES, Notes
from gradbook.formats.layouts import Live, WayIn
from gradbook.schema import Schema

Settings = Mapping[str, Any]  # an operator's settings, once they are checked


@dataclass(frozen=True, eq=False)
class Fixed:
    """Numbers stored in the file, or computed from such: they don't depend on the input."""

    array: NDArray[Any]
    names: tuple[str, ...] = ()  # the file's names of the tensors that they are computed from
    is_trained: bool = True


@dataclass(frozen=True, eq=False)
class Pieces:
    """Several values stacked along a new first axis, from which one is selected."""

    parts: tuple[Live, ...]


@dataclass(frozen=True, eq=False)
class Missing:
    """A mask of the missing numbers in a value."""

    value: Live


Value = Any  # Fixed, Live, Scores, Pieces, Missing, or None for an input that is left out


@dataclass(frozen=True)
class ValueName:
    """A setting that names a value or a tensor."""

    name: str


@dataclass(frozen=True, eq=False)
class ForeignOp:
    """An operator: the names of the values that it reads and makes, and its settings."""

    word: str  # its name in the format's table
    name: str  # its name in the file
    inputs: tuple[str, ...]  # in order; "" for one that is left out
    makes: tuple[str, ...]
    settings: Settings = field(default_factory=dict)  # unchecked; values are ValueNames
    weights: tuple[Fixed, ...] = ()  # its own weights

    @property
    def place(self) -> str:
        return f"{self.word} '{self.name}'"

    @cached_property
    def reads(self) -> tuple[str, ...]:
        in_settings = (name for value in self.settings.values() for name in _names(value))
        return (*filter(None, self.inputs), *in_settings)


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, ValueName):
        yield value.name
    elif isinstance(value, list):
        for part in value:
            yield from _names(part)


@dataclass(frozen=True, eq=False)
class Operator:
    """An operator's settings and function: `take(net, settings, *inputs)` returns its result.

    A `take` accepts both numbers from the file and values that depend on the input, so one table
    folds constants, lays out weights and tries what several operators compute.
    """

    take: Callable[..., Any]
    settings: Schema = field(default_factory=Schema)
    elementwise: bool = False
    reduces: bool = False  # may also be part of a normalisation
    windowed: bool = False  # may read a padded value
    picks: bool = False  # may select one of several stacked values
    asks: bool = False  # reads only a property of a value: its shape, or which numbers are missing
    inputs: int | None = None  # the largest number of inputs


class Table(dict[str, Operator]):
    """A format's operators by name: their settings and functions."""

    def add(self, *words: str, **kinds: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a function by these names, with its operator's properties and settings."""
        properties = {name: kinds.pop(name) for name in PROPERTIES if name in kinds}

        def add(take: Callable[..., Any]) -> Callable[..., Any]:
            self.update(dict.fromkeys(words, Operator(take, Schema(**kinds), **properties)))
            return take

        return add


PROPERTIES = ("elementwise", "reduces", "windowed", "picks", "asks", "inputs")


@dataclass(frozen=True, eq=False)
class ForeignGraph:
    """A graph with one input and one output."""

    ops: tuple[ForeignOp, ...]  # each follows those whose values it reads
    constants: Mapping[str, Fixed]
    input: str
    ways: Callable[[int], Sequence[WayIn]]  # input layouts for a sample count
    output: str
    usual: str  # the message for an error of Python itself
    batch: int | None = None  # the number of samples, if it is fixed in the file
    is_bytes: bool = False
    is_whole: bool = False
    notes: Notes = NO_NOTES
    has_complement: bool = False  # 1 − p is put beside its output p afterwards
    guesses_bytes: bool = False  # a small scale at the start means that the input is bytes
    maps_as_ours: bool = False  # output maps are returned channel by channel
    version: int = 0  # the operators' version
    remark: str = ""  # added if the network has no normalisation by training statistics
    check: Callable[[Schema, Settings], Settings] = Schema.read_whole  # of an operator's settings

    def needed(self) -> tuple[ForeignOp, ...]:
        """List the operators on which the output depends."""
        wanted, chosen = {self.output}, list[ForeignOp]()
        for op in reversed(self.ops):
            if not wanted.isdisjoint(op.makes):
                wanted.update(op.reads)
                chosen.append(op)
        return tuple(chosen[::-1])


def numbers_of(values: Sequence[Value]) -> list[NDArray[Any]] | None:
    """Return the arrays of the values, if all are fixed."""
    if not all(isinstance(value, Fixed) for value in values):
        return None
    return [value.array for value in values]


def fixed(numbers: Any, *of: Value) -> Fixed:
    """Make a fixed value that was computed from others."""
    names = dict.fromkeys(name for value in of if isinstance(value, Fixed) for name in value.names)
    return Fixed(np.asarray(numbers), tuple(names))
