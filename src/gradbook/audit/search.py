"""Tries many small edits of a formula at once: the alternatives for a place are one array."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations

import numpy as np

from gradbook.audit.edits import Path, places, put, regrouped, shortened
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

MOST_GROUPINGS = 400
MOST_EXCHANGED = 12  # references
SHORT = 60  # parts of a formula in which a term may be missing anywhere

OPERATIONS: dict[str, Callable[[Array, Array], Array]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
}


def _chosen(condition: Array, a: Array, b: Array) -> Array:
    found: Array = np.where(condition, a, b)
    return found


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
    "IF": lambda condition, a, b: _chosen(np.real(condition) != 0, a, b),
    "EXP": np.exp,
    "LN": np.log,
    "SQRT": np.sqrt,
    "TANH": np.tanh,
    "POWER": np.power,
}


@dataclass(frozen=True)
class Offer:
    """Something that may stand in a formula, and its values."""

    said: Expression
    values: Array


@dataclass(frozen=True)
class Choice:
    """One edit: at these places, this instead."""

    kind: (
        str  # reference, swapped, number, operator, order, sign, parentheses, missing, extra, term
    )
    paths: tuple[Path, ...]
    old: Expression
    new: Expression

    def applied(self, expression: Expression) -> Expression:
        if self.kind == "swapped":
            one, other = self.paths
            return put(put(expression, one, self.new), other, self.old)
        for path in self.paths:
            expression = put(expression, path, self.new)
        return expression


Batch = tuple[Sequence[Choice], Array]  # edits, and the whole formula's values with each


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

    @property
    def whole(self) -> Array:
        return self.values[()]

    def _own(self, path: Path) -> Array:
        part = self.parts[path]
        if isinstance(part, Number):
            return np.asarray(part.value)
        pieces = [self.values[*path, k] for k in range(len(inner(part)))]
        found = combined(part, pieces)
        return self.opaque(part) if found is None else found

    def with_(self, given: Mapping[Path, Array]) -> Array:
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
                found = combined(part, pieces)
                values[path] = self.values[path] if found is None else found
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
    if function == "IF" and len(arguments) != 3:
        return False
    return not any(isinstance(a, Reference) and ":" in a.text for a in arguments)


def matching(batches: Iterator[Batch], true: Array) -> Iterator[Choice]:
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


# Kinds of edits -----------------------------------------------------------------


def replacements(
    trial: Trial, offered: Sequence[Offer], of: type[Reference] | type[Number]
) -> Iterator[Batch]:
    """A reference, or a number, that should be another."""
    if of is Reference:  # nobody writes a cell for nothing
        offered = [offer for offer in offered if offer.said != Number(0.0)]
    if not offered:
        return
    stack = _stack(offered)
    for paths in _spots(trial):
        old = trial.parts[paths[0]]
        if not isinstance(old, of):
            continue
        kind = "reference" if isinstance(old, Reference) else "number"
        choices = [Choice(kind, paths, old, offer.said) for offer in offered]
        yield choices, trial.with_(dict.fromkeys(paths, stack))


def other_operators(trial: Trial) -> Iterator[Batch]:
    """An operator that should be another, sides that should be exchanged, a sign turned round."""
    for path, part in trial.parts.items():
        for kind, new, values in _turned(trial, path, part):
            yield [Choice(kind, (path,), part, new)], trial.with_({path: values})[None]


def _turned(trial: Trial, path: Path, part: Expression) -> Iterator[tuple[str, Expression, Array]]:
    if isinstance(part, Infix) and part.operator in OPERATIONS:
        left, right = trial.values[*path, 0], trial.values[*path, 1]
        with np.errstate(all="ignore"):
            for operator, operation in OPERATIONS.items():
                if operator != part.operator:
                    yield "operator", Infix(operator, part.left, part.right), operation(left, right)
            if part.operator in "-/^":
                turned = OPERATIONS[part.operator](right, left)
                yield "order", Infix(part.operator, part.right, part.left), turned
    if isinstance(part, Prefix) and part.operator == "-":
        yield "sign", part.operand, trial.values[*path, 0]
    else:
        yield "sign", Prefix("-", part), -trial.values[path]


def groupings(trial: Trial) -> Iterator[Batch]:
    """Parentheses that are missing, stand in the wrong place, or are too many."""
    for k, new in enumerate(dict.fromkeys(regrouped(trial.expression))):
        if k > MOST_GROUPINGS:
            break
        values = Trial(new, trial.opaque).whole
        yield [Choice("parentheses", ((),), trial.expression, new)], values[None]


def omissions(trial: Trial) -> Iterator[Batch]:
    """A factor or a term too many."""
    for shorter, left_out in shortened(trial.expression):
        values = Trial(shorter, trial.opaque).whole
        yield [Choice("extra", ((),), left_out, shorter)], np.asarray(values)[None]


def factors_more(trial: Trial, offered: Sequence[Offer]) -> Iterator[Batch]:
    """A part that should be multiplied, or divided, by something."""
    if not offered:
        return
    offered = [offer for offer in offered if offer.said != Number(0.0)]
    stack = _stack(offered)
    for operator in "*/":
        for path, part in trial.parts.items():
            if _is_inside_product(trial, path):
                continue  # the whole product times something is the same
            choices = [
                Choice("missing", (path,), part, Infix(operator, part, offer.said))
                for offer in offered
            ]
            with np.errstate(all="ignore"):
                values = OPERATIONS[operator](trial.values[path], stack)
            yield choices, trial.with_({path: values})


def _is_inside_product(trial: Trial, path: Path) -> bool:
    above = trial.parts[path[:-1]] if path else None
    return isinstance(above, Infix) and above.operator in "*/"


def exchanges(trial: Trial) -> Iterator[Batch]:
    """Two references, each where the other belongs."""
    spots = [(path, part) for path, part in trial.parts.items() if isinstance(part, Reference)]
    for (one, a), (other, b) in combinations(spots[:MOST_EXCHANGED], 2):
        if a != b:
            values = trial.with_({one: trial.values[other], other: trial.values[one]})
            yield [Choice("swapped", (one, other), a, b)], np.asarray(values)[None]


def terms_more(trial: Trial, offered: Sequence[Offer]) -> Iterator[Batch]:
    """A sum that lacks a term."""
    if not offered:
        return
    stack = _stack(offered)
    for operator in "+-":
        for path, part in trial.parts.items():
            if len(path) < 2 or len(trial.parts) <= SHORT:
                choices = [
                    Choice("term", (path,), part, Infix(operator, part, offer.said))
                    for offer in offered
                ]
                with np.errstate(all="ignore"):
                    values = OPERATIONS[operator](trial.values[path], stack)
                yield choices, trial.with_({path: values})


def pairs(trial: Trial, offered: Sequence[Offer], true: Array) -> Iterator[tuple[Choice, Choice]]:
    """Two references or numbers, as where cells are swapped."""
    if not offered:
        return
    stack = _stack(offered)
    across, down = stack[:, None, :], stack[None, :, :]
    for one, other in combinations(_spots(trial), 2):
        if set(one) & set(other):
            continue
        given = {**dict.fromkeys(one, across), **dict.fromkeys(other, down)}
        for j, k in hits(trial.with_(given), true):
            yield (
                Choice("reference", one, trial.parts[one[0]], offered[j].said),
                Choice("reference", other, trial.parts[other[0]], offered[k].said),
            )


def _spots(trial: Trial) -> list[tuple[Path, ...]]:
    """Every reference and number: all that say the same together, then one by one."""
    said: dict[Expression, list[Path]] = {}
    for path, part in trial.parts.items():
        if isinstance(part, Reference | Number):
            said.setdefault(part, []).append(path)
    together = [
        tuple(paths)
        for part, paths in said.items()
        if len(paths) > 1 and isinstance(part, Reference)
    ]
    return together + [(path,) for paths in said.values() for path in paths]


def _stack(offered: Sequence[Offer]) -> Array:
    return np.stack(np.broadcast_arrays(*(offer.values for offer in offered)))


def constants(shape: tuple[int, ...]) -> list[Offer]:
    """Numbers that formulas of this kind are made with."""
    usual = (1.0, 2.0, 0.5, -1.0, 0.0, 3.0, 4.0, 0.25)
    return [Offer(number(value), np.full(shape, value)) for value in usual]
