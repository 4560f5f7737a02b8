"""A formula at a few points, and its many alternatives there, each place's in one array."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from gradbook.audit.budget import spend
from gradbook.audit.formula.expression import Edit, Path, inner, paths
from gradbook.audit.judge.numbers import CLOSE, FAINT
from gradbook.graph.node import Array
from gradbook.targets.excel.language.grammar import (
    Call,
    Expression,
    Infix,
    Number,
    Postfix,
    Prefix,
    Reference,
)

OPERATIONS: dict[str, Callable[[Array, Array], Array]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
}


COMPARED: dict[str, Callable[[Array, Array], Array]] = {
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}
FUNCTIONS: dict[str, Callable[..., Array]] = {
    "ABS": lambda x: np.where(np.real(x) < 0, -x, x),
    "MAX": lambda *given: reduce(lambda a, b: np.where(np.real(a) < np.real(b), b, a), given),
    "MIN": lambda *given: reduce(lambda a, b: np.where(np.real(a) > np.real(b), b, a), given),
    "IF": lambda condition, a, b: np.array(np.where(np.real(condition) != 0, a, b)),
    "EXP": np.exp,
    "LN": np.log,
    "SQRT": np.sqrt,
    "TANH": np.tanh,
    "POWER": np.power,
    "POW": np.power,
    "SUM": lambda *given: reduce(np.add, given),
    "SUMSQ": lambda *given: reduce(np.add, [x * x for x in given]),
}
TAKEN = {  # how many arguments each takes; MAX, MIN and the sums take any
    **dict.fromkeys(("ABS", "EXP", "LN", "SQRT", "TANH"), 1),
    **dict.fromkeys(("POWER", "POW"), 2),
    "IF": 3,
}


@dataclass(frozen=True)
class Substitute:
    """Something that may stand in a formula, and its values."""

    said: Expression
    values: Array


Alternatives = tuple[Sequence[Edit], Array]  # edits, and the whole formula's values with each


class EvaluatedFormula:
    """A formula at a few points: its value, and its value with other values at some places."""

    def __init__(self, expression: Expression, value_of: Callable[[Expression], Array]) -> None:
        self.expression = expression
        self.parts = dict(paths(expression))
        self.value_of = value_of
        self.values: dict[Path, Array] = {}
        spend(0, len(self.parts))
        with np.errstate(all="ignore"):
            for path in sorted(self.parts, key=len, reverse=True):
                self.values[path] = self._own(path)

    @property
    def whole(self) -> Array:
        return self.values[()]

    def _own(self, path: Path) -> Array:
        part = self.parts[path]
        if isinstance(part, Number):
            return np.asarray(part.value)
        pieces = [self.values[*path, k] for k in range(len(inner(part)))]
        found = combined(part, pieces)
        return self.value_of(part) if found is None else found

    def with_(self, given: Mapping[Path, Array]) -> Array:
        """The whole formula's value with those of some places given; no number where a part of it
        can't be computed anew."""
        touched = {path[:k] for path in given for k in range(len(path))}
        values: dict[Path, Array] = dict(given)
        spend(max(value.size for value in given.values()), len(touched))
        with np.errstate(all="ignore"):
            for path in sorted(touched, key=len, reverse=True):
                if path in given:
                    continue
                part = self.parts[path]
                pieces = [
                    values.get((*path, k), self.values[*path, k]) for k in range(len(inner(part)))
                ]
                found = combined(part, pieces)
                if found is None:
                    found = np.full(np.broadcast_shapes(*map(np.shape, given.values())), np.nan)
                values[path] = found
        return values.get((), self.values[()])


def remembered(value: Callable[[Expression], Array]) -> Callable[[Expression], Array]:
    """The same function, which asks for each reference once."""
    known: dict[Expression, Array] = {}

    def found(part: Expression) -> Array:
        if not isinstance(part, Reference):
            return value(part)
        if part not in known:
            known[part] = value(part)
        return known[part]

    return found


def combined(part: Expression, pieces: Sequence[Array]) -> Array | None:
    """The value of an expression from those of its pieces; None of what isn't known here."""
    match part:
        case Infix(operator, _, _) if operator in OPERATIONS:
            return OPERATIONS[operator](pieces[0], pieces[1])
        case Infix(operator, _, _) if operator in COMPARED:
            return COMPARED[operator](np.real(pieces[0]), np.real(pieces[1])) * 1.0
        case Prefix("-", _):
            return np.negative(pieces[0])
        case Prefix("+", _):
            return pieces[0]
        case Postfix("%", _):
            return pieces[0] / 100
        case Call(function, arguments) if function in FUNCTIONS and None not in arguments:
            return FUNCTIONS[function](*pieces) if _are_single(function, arguments) else None
    return None


def _are_single(function: str, arguments: Sequence[Expression | None]) -> bool:
    """Whether a function is given what it is known with here: not a range, not two of three."""
    wanted = TAKEN.get(function, max(1, len(arguments)))
    if len(arguments) != wanted:
        return False
    return not any(isinstance(a, Reference) and ":" in a.text for a in arguments)


def matching(batches: Iterable[Alternatives], true: Array) -> Iterator[Edit]:
    """The edits with which the formula is worth what it should be."""
    for choices, values in batches:
        for (k,) in hits(values, true):
            yield choices[k]


def hits(values: Array, true: Array) -> list[tuple[int, ...]]:
    """Which of the alternatives are true; the points are the last axis."""
    sure = np.isfinite(true)
    if sure.sum() < 3:
        return []
    values = values[:, None] if values.ndim == 1 else values  # a number is the same at every point
    with np.errstate(all="ignore"):
        values = np.where(np.isfinite(values), values, np.nan)
        size = np.maximum(np.abs(values), np.abs(true))
        usual = np.max(np.abs(true[sure]))
        good = np.abs(values - true) <= CLOSE * np.maximum(size, FAINT * usual)
    return [tuple(int(k) for k in place) for place in np.argwhere(np.all(good | ~sure, axis=-1))]
