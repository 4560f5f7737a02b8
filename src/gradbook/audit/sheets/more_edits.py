"""Edits that compare a formula with others of its step: their ranges, functions and whole shapes.

Knows nothing of what is learned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, islice

import numpy as np

from gradbook.audit.edits.formula_edits import Alternatives, Substitute
from gradbook.audit.formulas.sampled_formulas import EvaluatedFormula
from gradbook.cells.formula.expression import Edit, EditKind, Path, parts, paths, put
from gradbook.cells.formula.syntax import Call, Expression, Infix, Number, Reference

OF_ONE = ("SQRT", "SIGN", "ABS", "EXP", "LN", "SIN", "COS", "TANH")
MOST_RANGES = 60
FEW_RANGES = 10
FEW_FACTORS = 64  # of which three are tried together
MOST_PARTS = 14  # that are exchanged with each other
MOST_WRAPPED = 40


def _always(new: Expression) -> Callable[[int], Expression]:
    return lambda _: new


def one_alternative(
    kind: EditKind, path: Path, old: Expression, new: Expression, values: object
) -> Alternatives:
    return Alternatives(kind, (path,), old, _always(new), np.asarray(values)[None])


def ranges_of_others(
    formula: EvaluatedFormula, ranges: Sequence[Reference]
) -> Iterator[Alternatives]:
    """A range replaced by one that another formula of the step uses."""
    for path, part in formula.parts.items():
        if not (isinstance(part, Reference) and ":" in part.text):
            continue
        above = [path[:k] for k in range(len(path))]
        call = next((each for each in above if isinstance(formula.parts[each], Call)), path)
        for new in islice((each for each in ranges if each != part), MOST_RANGES):
            value = formula.value_of(put(formula.parts[call], path[len(call) :], new))
            if np.isfinite(value).any():
                yield one_alternative(EditKind.RANGE, path, part, new, formula.with_({call: value}))


def missing_functions(
    formula: EvaluatedFormula, functions: Sequence[str]
) -> Iterator[Alternatives]:
    """A function around a part, of those that the step's formulas use."""
    wrapped = [
        (path, part)
        for path, part in formula.parts.items()
        if not isinstance(part, Number) and ":" not in getattr(part, "text", "")
    ]
    for path, part in wrapped[:MOST_WRAPPED]:
        for name in functions:
            if isinstance(part, Call) and part.function == name:
                continue
            new = Call(name, (part,))
            yield one_alternative(
                EditKind.FUNCTION, path, part, new, formula.with_({path: formula.worth(new)})
            )


def exchanged_parts(formula: EvaluatedFormula) -> Iterator[Alternatives]:
    """Two parts in each other's places."""
    spots = [
        (path, part)
        for path, part in formula.parts.items()
        if path and not isinstance(part, Reference | Number)
    ]
    small = [(path, part) for path, part in formula.parts.items() if isinstance(part, Reference)]
    for (one, a), (other, b) in combinations([*spots[:MOST_PARTS], *small[:MOST_PARTS]], 2):
        is_inside = one == other[: len(one)] or other == one[: len(other)]
        if a == b or is_inside or (isinstance(a, Reference) and isinstance(b, Reference)):
            continue
        values = formula.with_({one: formula.values[other], other: formula.values[one]})
        yield Alternatives(EditKind.EXCHANGE, (one, other), a, _always(b), np.asarray(values)[None])


def as_neighbours(
    formula: EvaluatedFormula,
    neighbours: Sequence[Expression],
    evaluated: Callable[[Expression], EvaluatedFormula],
    references: Sequence[Substitute],
    ranges: Sequence[Reference],
) -> Iterator[Alternatives]:
    """The formula of a cell beside it; perhaps with another reference or range."""
    stack = np.stack(np.broadcast_arrays(*(one.values for one in references)))
    for other in neighbours:
        copied = evaluated(other)
        yield one_alternative(EditKind.FORMULA, (), formula.expression, other, copied.whole)
        for places in _references_in(other, copied):
            values = copied.with_(dict.fromkeys(map(tuple, places), stack))
            made = _with_each(other, places, references)
            yield Alternatives(EditKind.FORMULA, ((),), formula.expression, made, values)
        for new in _with_other_ranges(other, copied, ranges[:FEW_RANGES]):
            values = evaluated(new).whole
            yield one_alternative(EditKind.FORMULA, (), formula.expression, new, values)


def _references_in(expression: Expression, copied: EvaluatedFormula) -> list[list[Path]]:
    """The places of each cell that it mentions outside functions of ranges."""
    spots: dict[Expression, list[Path]] = {}
    for path, part in paths(expression):
        is_within = any(path[:k] in copied.totals for k in range(len(path)))
        if isinstance(part, Reference) and ":" not in part.text and not is_within:
            spots.setdefault(part, []).append(path)
    return list(spots.values())


def _with_other_ranges(
    expression: Expression, copied: EvaluatedFormula, ranges: Sequence[Reference]
) -> Iterator[Expression]:
    spots: dict[Reference, list[Path]] = {}
    for path, part in paths(expression):
        is_within = any(path[:k] in copied.totals for k in range(len(path)))
        if isinstance(part, Reference) and is_within:
            spots.setdefault(part, []).append(path)
    for part, places in spots.items():
        for new in ranges:
            if new != part:
                yield _with(expression, places, new)


def _with_each(
    expression: Expression, places: Sequence[Path], references: Sequence[Substitute]
) -> Callable[[int], Expression]:
    return lambda k: _with(expression, places, references[k].expression)


def _with(expression: Expression, places: Sequence[Path], new: Expression) -> Expression:
    for path in places:
        expression = put(expression, path, new)
    return expression


TOTALS = ("SUM", "AVERAGE", "COUNT", "SUMSQ", "MAX", "MIN")


def other_totals(formula: EvaluatedFormula) -> Iterator[Alternatives]:
    """The sum for the count or the mean, and the like."""
    for path, part in formula.totals.items():
        if isinstance(part, Call) and part.function in TOTALS:
            for name in TOTALS:
                new = Call(name, part.arguments)
                if name != part.function:
                    values = formula.with_({path: formula.value_of(new)})
                    yield one_alternative(EditKind.FUNCTION, path, part, new, values)


def functions_in(expressions: Sequence[Expression]) -> list[str]:
    """Those of one number that formulas use."""
    names = dict.fromkeys(
        part.function
        for expression in expressions
        for part in parts(expression)
        if isinstance(part, Call) and len(part.arguments) == 1
    )
    return [name for name in OF_ONE if name in names]


# What a formula lacks to be a number ------------------------------------------------


def missing_products(
    part: Expression, value: object, wanted: np.ndarray, offered: Sequence[Substitute]
) -> Iterator[Edit]:
    """A term that is a product of up to three values: a path of the chain rule left out."""
    rest = wanted - np.broadcast_to(np.asarray(value), wanted.shape)
    for sign, product in products_that_are(rest, offered):
        new = Infix("+" if sign > 0 else "-", part, product)
        yield Edit(EditKind.TERM, ((),), part, new)


def products_that_are(
    wanted: np.ndarray, offered: Sequence[Substitute]
) -> Iterator[tuple[int, Expression]]:
    """Up to three of the values multiplied, and with which sign."""
    known = np.isfinite(wanted)
    if known.sum() < 3 or not np.abs(wanted[known]).max() > 1e-12:
        return
    wanted = wanted[known]
    values = np.stack([np.broadcast_to(one.values, known.shape)[known] for one in offered])
    usable = np.isfinite(values).all(axis=1) & (np.abs(values) > 1e-9).all(axis=1)
    places = np.flatnonzero(usable)
    values = values[usable]
    ends = np.log(np.abs(values)), np.log(np.abs(wanted))
    with np.errstate(all="ignore"):
        one = wanted / values  # what is left after each factor
    for i in range(len(values)):
        if _is_one(one[i]):
            yield int(np.sign(one[i][0])), offered[places[i]].expression
    logs, target = ends
    for i in range(len(values)):
        for j in _near(logs, target - logs[i]):
            if j >= i:
                sign = _sign(values[i] * values[j], wanted)
                if sign:
                    yield sign, _times([offered[places[k]].expression for k in (i, j)])
    few = min(len(values), FEW_FACTORS)
    for i in range(few):
        for j in range(i, few):
            rest = target - logs[i] - logs[j]
            for k in _near(logs[:few], rest):
                if k >= j:
                    sign = _sign(values[i] * values[j] * values[k], wanted)
                    if sign:
                        yield sign, _times([offered[places[m]].expression for m in (i, j, k)])


def _near(logs: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    likely = np.flatnonzero(np.abs(logs[:, 0] - wanted[0]) < 1e-7)
    if not len(likely):
        return likely
    near: np.ndarray = likely[(np.abs(logs[likely] - wanted) < 1e-6).all(axis=1)]
    return near


def _is_one(values: np.ndarray) -> bool:
    return bool(np.all(np.abs(np.abs(values) - 1) < 1e-8) and np.ptp(np.sign(values)) == 0)


def _sign(values: np.ndarray, wanted: np.ndarray) -> int:
    signs = np.sign(values) * np.sign(wanted)
    return int(signs[0]) if np.ptp(signs) == 0 else 0


def _times(factors: list[Expression]) -> Expression:
    product = factors[0]
    for factor in factors[1:]:
        product = Infix("*", product, factor)
    return product
