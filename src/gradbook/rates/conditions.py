"""A small language for criteria: conditions on measures, said once and read by whoever asks.

`holds` answers a condition from numbers; a target that has words for comparing, and, or and not
can spell the same condition in its own language.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """A number that every trial has, under the name that everybody uses for it."""

    name: str

    def __mul__(self, factor: float) -> Multiple:
        return Multiple(factor, self)

    __rmul__ = __mul__

    def __lt__(self, other: Bound) -> Inequality:
        return Inequality(self, "<", other)

    def __le__(self, other: Bound) -> Inequality:
        return Inequality(self, "<=", other)

    def __gt__(self, other: Bound) -> Inequality:
        return Inequality(self, ">", other)

    def __ge__(self, other: Bound) -> Inequality:
        return Inequality(self, ">=", other)


@dataclass(frozen=True)
class Multiple:
    """So many times a measure."""

    factor: float
    measure: Measure


Bound = Measure | Multiple | float


class Logic:
    """What all conditions can do: be joined by `&` and `|`, and be turned round by `~`."""

    def __and__(self, other: Logic) -> Every:
        return Every((*(self.parts if isinstance(self, Every) else (self,)), other))

    def __or__(self, other: Logic) -> Either:
        return Either((*(self.parts if isinstance(self, Either) else (self,)), other))

    def __invert__(self) -> Negated:
        return Negated(self)


@dataclass(frozen=True)
class Inequality(Logic):
    left: Measure
    sign: str
    right: Bound


@dataclass(frozen=True)
class Every(Logic):
    parts: tuple[Logic, ...]


@dataclass(frozen=True)
class Either(Logic):
    parts: tuple[Logic, ...]


@dataclass(frozen=True)
class Negated(Logic):
    part: Logic


@dataclass(frozen=True)
class Condition(Logic):
    """A condition with a name, which others mention by it."""

    name: str
    meaning: Logic


def holds(condition: Logic, number: Callable[[Measure], float]) -> bool:
    """Whether a condition holds, from left to right and no further than it takes."""
    match condition:
        case Condition(_, meaning):
            return holds(meaning, number)
        case Negated(part):
            return not holds(part, number)
        case Every(parts):
            return all(holds(part, number) for part in parts)
        case Either(parts):
            return any(holds(part, number) for part in parts)
        case Inequality(left, sign, right):
            return _compared(number(left), sign, _number(right, number))
    raise AssertionError(f"no condition: {condition}")


def _number(bound: Bound, number: Callable[[Measure], float]) -> float:
    match bound:
        case Measure():
            return number(bound)
        case Multiple(factor, measure):
            return factor * number(measure)
        case _:
            return bound


def _compared(left: float, sign: str, right: float) -> bool:
    match sign:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right
