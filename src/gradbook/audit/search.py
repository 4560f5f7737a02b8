"""Tries many small edits of a formula at once: each place's alternatives are one array."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from gradbook.audit.edits import Path, places
from gradbook.audit.numbers import CLOSE, FAINT
from gradbook.audit.pattern import inner
from gradbook.graph.op import Array
from gradbook.targets.excel.grammar import (
    Call,
    Expression,
    Infix,
    Number,
    Postfix,
    Prefix,
    Reference,
    number,
)

Alternatives = list[tuple[Expression, Array]]  # what may stand at a place, and its values
Given = Mapping[Path, Array]

OPERATIONS: dict[str, Callable[[Array, Array], Array]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
}
FUNCTIONS: dict[str, Callable[..., Array]] = {
    "EXP": np.exp,
    "LN": np.log,
    "SQRT": np.sqrt,
    "TANH": np.tanh,
    "ABS": np.abs,
    "POWER": np.power,
}


@dataclass(frozen=True)
class Choice:
    """One edit: at these places, this instead."""

    paths: tuple[Path, ...]
    new: Expression


class Trial:
    """A formula at a few points: its value, and its value with other values at some places."""

    def __init__(self, expression: Expression, opaque: Callable[[Expression], Array]) -> None:
        self.expression = expression
        self.parts = dict(places(expression))
        self.opaque = opaque
        self.values: dict[Path, Array] = {}
        with np.errstate(all="ignore"):
            for path in sorted(self.parts, key=len, reverse=True):
                self.values[path] = self._own(path)

    def _own(self, path: Path) -> Array:
        part = self.parts[path]
        if isinstance(part, Number):
            return np.asarray(part.value)
        pieces = [self.values[*path, k] for k in range(len(inner(part)))]
        found = _combined(part, pieces)
        return self.opaque(part) if found is None else found

    def with_(self, given: Given) -> Array:
        """The whole formula's value with those of some places given."""
        touched = {path[:k] for path in given for k in range(len(path))}
        values: dict[Path, Array] = dict(given)
        with np.errstate(all="ignore"):
            for path in sorted(touched, key=len, reverse=True):
                if path in given:
                    continue
                part = self.parts[path]
                pieces = [
                    values.get((*path, k), self.values[*path, k]) for k in range(len(inner(part)))
                ]
                found = _combined(part, pieces)
                values[path] = self.values[path] if found is None else found
        return values.get((), self.values[()])


def _combined(part: Expression, pieces: Sequence[Array]) -> Array | None:
    match part:
        case Infix(operator, _, _) if operator in OPERATIONS:
            return OPERATIONS[operator](pieces[0], pieces[1])
        case Prefix("-", _):
            return np.negative(pieces[0])
        case Prefix("+", _):
            return pieces[0]
        case Postfix("%", _):
            return pieces[0] / 100
        case Call(function, arguments) if function in FUNCTIONS and None not in arguments:
            return FUNCTIONS[function](*pieces)
    return None


def hits(values: Array, true: Array) -> list[tuple[int, ...]]:
    """Which of the alternatives are true; the points are the last axis."""
    with np.errstate(all="ignore"):
        sure = np.isfinite(true)
        values = np.where(np.isfinite(values), values, np.nan)
        size = np.maximum(np.abs(values), np.abs(true))
        usual = np.median(np.abs(true[sure])) if sure.any() else 0.0
        good = np.abs(values - true) <= CLOSE * np.maximum(size, FAINT * usual)
    if sure.sum() < 3:
        return []
    matching = np.all(good | ~sure, axis=-1)
    return [tuple(int(k) for k in place) for place in np.argwhere(matching)]


def replacements(trial: Trial, offered: Alternatives, true: Array) -> Iterator[Choice]:
    """A reference or a number that should be another."""
    if not offered:
        return
    stack = np.stack([np.broadcast_to(values, true.shape) for _, values in offered])
    for paths in _spots(trial):
        for (k,) in hits(trial.with_(dict.fromkeys(paths, stack)), true):
            yield Choice(paths, offered[k][0])


def pairs(trial: Trial, offered: Alternatives, true: Array) -> Iterator[tuple[Choice, Choice]]:
    """Two of them, as where cells are swapped."""
    if not offered:
        return
    stack = np.stack([np.broadcast_to(values, true.shape) for _, values in offered])
    across, down = stack[:, None, :], stack[None, :, :]
    for one, other in combinations(_spots(trial), 2):
        if set(one) & set(other):
            continue
        given = {**dict.fromkeys(one, across), **dict.fromkeys(other, down)}
        for j, k in hits(trial.with_(given), true):
            yield Choice(one, offered[j][0]), Choice(other, offered[k][0])


def _spots(trial: Trial) -> list[tuple[Path, ...]]:
    """Every reference and number: all that say the same together, then one by one."""
    said: dict[Expression, list[Path]] = {}
    for path, part in trial.parts.items():
        if isinstance(part, Reference | Number):
            said.setdefault(part, []).append(path)
    together = [tuple(paths) for paths in said.values() if len(paths) > 1]
    return together + [(path,) for paths in said.values() for path in paths]


def missing_factors(trial: Trial, offered: Alternatives, true: Array) -> Iterator[Choice]:
    """A part that should be multiplied, or divided, by something."""
    if not offered:
        return
    stack = np.stack([np.broadcast_to(values, true.shape) for _, values in offered])
    for operator in "*/":
        for path, part in trial.parts.items():
            with np.errstate(all="ignore"):
                new = OPERATIONS[operator](trial.values[path], stack)
            for (k,) in hits(trial.with_({path: new}), true):
                yield Choice((path,), Infix(operator, part, offered[k][0]))


def other_operators(trial: Trial, true: Array) -> Iterator[Choice]:
    """An operator that should be another, or a sign too many or too few."""
    for path, part in trial.parts.items():
        if isinstance(part, Infix) and part.operator in OPERATIONS:
            pieces = [trial.values[*path, 0], trial.values[*path, 1]]
            for operator in "+-*/^":
                new = Infix(operator, part.left, part.right)
                if operator != part.operator and _true(trial, path, new, pieces, true):
                    yield Choice((path,), new)
            new = Infix(part.operator, part.right, part.left)
            if part.operator in "-/^" and _true(trial, path, new, pieces[::-1], true):
                yield Choice((path,), new)
        if isinstance(part, Prefix) and hits(trial.with_({path: trial.values[*path, 0]}), true):
            yield Choice((path,), part.operand)
        if hits(trial.with_({path: -trial.values[path]}), true):
            yield Choice((path,), Prefix("-", part))


def _true(trial: Trial, path: Path, new: Expression, pieces: Sequence[Array], true: Array) -> bool:
    with np.errstate(all="ignore"):
        values = _combined(new, pieces)
    return values is not None and bool(hits(trial.with_({path: values}), true))


def constants() -> Alternatives:
    """Numbers that formulas of this kind are made with."""
    return [
        (number(value), np.asarray(value)) for value in (1.0, 2.0, 0.5, -1.0, 0.0, 3.0, 4.0, 0.25)
    ]
