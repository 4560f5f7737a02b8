"""What a file of another program says, in one form for all formats: a graph of operators.

A format's `content.py` takes a file apart into such a graph, within bounds; its `read.py` has a
table of what each operator may be told and of what it does.
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

Told = Mapping[str, Any]  # what an operator is told, once it is checked


@dataclass(frozen=True, eq=False)
class Fixed:
    """Numbers that stand in the file, or follow from such: whatever comes in, they are these."""

    array: NDArray[Any]
    names: tuple[str, ...] = ()  # what the file calls the tensors that they come from
    is_trained: bool = True


@dataclass(frozen=True, eq=False)
class Pieces:
    """Several values in a row along a first axis of their own, of which one is taken out."""

    each: tuple[Live, ...]


@dataclass(frozen=True, eq=False)
class Missing:
    """Where numbers are missing in a value."""

    value: Live


Value = Any  # Fixed, Live, Scores, Pieces, Missing, or nothing where an input is left out


@dataclass(frozen=True)
class ValueName:
    """What an operator is told by name: a value or a tensor."""

    name: str


@dataclass(frozen=True, eq=False)
class ForeignOp:
    """An operator: the names of what it reads and makes, and what it is told."""

    word: str  # in its format's table
    name: str  # what the file calls it
    given: tuple[str, ...]  # in order; "" where one is left out
    makes: tuple[str, ...]
    settings: Told = field(default_factory=dict)  # unchecked, with a ValueName for what it reads
    weights: tuple[Fixed, ...] = ()  # of its own

    @property
    def place(self) -> str:
        return f"{self.word} '{self.name}'"

    @cached_property
    def reads(self) -> tuple[str, ...]:
        told = (name for value in self.settings.values() for name in _names(value))
        return (*filter(None, self.given), *told)


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, ValueName):
        yield value.name
    elif isinstance(value, list):
        for part in value:
            yield from _names(part)


@dataclass(frozen=True, eq=False)
class Operator:
    """What an operator may be told and does: `take(net, told, *given)` gives what it makes.

    A `take` works on numbers that stand in the file as it does on values, so that one table folds
    constants, lays weights out, and tries what several operators come to.
    """

    take: Callable[..., Any]
    settings: Schema = field(default_factory=Schema)
    each: bool = False  # it works on each value alone
    reduces: bool = False  # it may be part of a normalisation besides
    windowed: bool = False  # it may read what padding stands around
    picks: bool = False  # it may take one out of several values in a row
    asks: bool = False  # it asks about a value without reading it: for its shape, what is missing
    inputs: int | None = None  # as many as it may have


class Table(dict[str, Operator]):
    """What a format's operators may be told and do, by their words."""

    def add(self, *words: str, **told: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """What these words do: `told` are an operator's properties, and kinds of its settings."""
        own = {name: told.pop(name) for name in PROPERTIES if name in told}

        def add(take: Callable[..., Any]) -> Callable[..., Any]:
            self.update(dict.fromkeys(words, Operator(take, Schema(**told), **own)))
            return take

        return add


PROPERTIES = ("each", "reduces", "windowed", "picks", "asks", "inputs")


@dataclass(frozen=True, eq=False)
class ForeignGraph:
    """One value goes in, one comes out."""

    ops: tuple[ForeignOp, ...]  # each after those whose values it reads
    constants: Mapping[str, Fixed]
    given: str
    ways: Callable[[int], Sequence[WayIn]]  # how what comes in may be taken, for so many samples
    made: str
    usual: str  # what is wrong where it isn't said otherwise
    batch: int | None = None  # how many samples come in, if it was exported for that many
    is_bytes: bool = False
    is_whole: bool = False
    notes: Notes = NO_NOTES
    both: bool = False  # 1 − p and p are made of its output afterwards
    guesses_bytes: bool = False  # a small scale before all else is one of bytes
    maps_as_ours: bool = False  # maps that come out are taken channel by channel
    version: int = 0  # of the operators
    remark: str = ""  # where nothing in it is normalised by what training has seen
    check: Callable[[Schema, Told], Told] = Schema.read_whole  # of what an operator is told

    def needed(self) -> tuple[ForeignOp, ...]:
        """The operators that what comes out depends on."""
        wanted, chosen = {self.made}, list[ForeignOp]()
        for op in reversed(self.ops):
            if not wanted.isdisjoint(op.makes):
                wanted.update(op.reads)
                chosen.append(op)
        return tuple(chosen[::-1])


def numbers_of(values: Sequence[Value]) -> list[NDArray[Any]] | None:
    """Their arrays, if all stand in the file."""
    if not all(isinstance(value, Fixed) for value in values):
        return None
    return [value.array for value in values]


def fixed(numbers: Any, *of: Value) -> Fixed:
    """Numbers that were made of others that stand in the file."""
    names = dict.fromkeys(name for value in of if isinstance(value, Fixed) for name in value.names)
    return Fixed(np.asarray(numbers), tuple(names))
