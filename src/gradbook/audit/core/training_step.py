"""One step of a training, as a side brings it: its calls, what moves, what may be the loss.

Knows neither cells nor source: a place is whatever the side names.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gradbook.recording.calls import RecordedCall


@dataclass(frozen=True, slots=True)
class State:
    """A number, or an array of numbers, before and after the step."""

    name: str
    now: int
    next: int
    updates: tuple[int, ...]  # the calls that move it, in order
    place: Hashable  # states of one place are moved by the same expression


@dataclass(frozen=True, slots=True)
class Objective:
    """What may be minimised: values at the end of the forward part, and their slopes."""

    words: str
    ends: tuple[int, ...]
    slopes: Callable[[Sequence[Any]], Sequence[Any]]  # of the loss, by each end's value
    is_assumed: bool
    call: int | None = None  # that computes it in the program
    is_within: bool = False  # the function that computes it goes on to a loss of it


@dataclass(slots=True)
class TrainingStep:
    calls: list[RecordedCall]
    states: list[State]
    objectives: list[Objective]
    branches: list[tuple[int, bool]]
    first: int  # calls before it are as they were
    last: int
    place: Callable[[int], Hashable]  # where a call stands; equal for calls of one expression
    memories: list[State] = field(default_factory=list)
    is_named: Callable[[int], bool] = lambda _: True  # such values are proposed first
    tiny: frozenset[int] = frozenset()  # calls that only keep logarithms finite
