"""Edits of a formula that are tried one by one, where it isn't known what it should be worth.

A rule holds or doesn't; a product of matrices is a block of values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations, islice

from gradbook.audit.formula.expression import (
    Edit,
    EditKind,
    Path,
    part_at,
    paths,
    regroup,
    shorten,
    tidy,
)
from gradbook.targets.excel.language import Call, Expression, Infix, Number, Prefix, Reference

OPERATORS = "+-*/^"
COMPARISONS = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "<>", "<>": "="}  # turned round
NUMBERS = Number(0.0), Number(1.0), Prefix("-", Number(1.0))


# What stands there, turned --------------------------------------------------------------


def turned(path: Path, part: Expression) -> Iterator[Edit]:
    """Another operator or sign, a comparison turned round, sides or branches exchanged."""
    match part:
        case Infix(operator, left, right) if operator in OPERATORS:
            for other in OPERATORS:
                if other != operator:
                    yield Edit(EditKind.OPERATOR, (path,), part, Infix(other, left, right))
            if operator in "-/^":
                yield Edit(EditKind.ORDER, (path,), part, Infix(operator, right, left))
        case Infix(operator, left, right) if operator in COMPARISONS:
            other_way = Infix(COMPARISONS[operator], left, right)
            yield Edit(EditKind.OPERATOR, (path,), part, other_way)
        case Call("IF", (condition, then, otherwise)):
            exchanged = Call("IF", (condition, otherwise, then))
            yield Edit(EditKind.ORDER, (path,), part, exchanged)
    if isinstance(part, Prefix) and part.operator == "-":
        yield Edit(EditKind.SIGN, (path,), part, part.operand)
    else:
        yield Edit(EditKind.SIGN, (path,), part, Prefix("-", part))


# Scalars ----------------------------------------------------------------------------------


def small_edits(
    expression: Expression, pool: Sequence[str], rates: Sequence[Number] = ()
) -> Iterator[Edit]:
    """The likely edits, with these cells to put in the place of others, and typed rates."""
    cells = [Reference(text) for text in pool]
    factors: list[Expression] = [*cells, *rates]
    for path, part in paths(expression):
        around = part_at(expression, path[:-1]) if path else None
        yield from _instead(path, part, cells)
        yield from turned(path, part)
        if not isinstance(part, Number) and _takes_factors(around):
            for factor in factors:
                yield Edit(EditKind.FACTOR, (path,), part, Infix("*", part, factor))
    for new, _ in shorten(expression):
        yield Edit(EditKind.OMISSION, ((),), expression, new)


def larger_edits(
    expression: Expression, pool: Sequence[str], pairs: Iterable[tuple[str, str]]
) -> Iterator[Edit]:
    """Edits that are less likely, two cells of each pair being multiplied where a term is added."""
    single = [(path, part) for path, part in paths(expression) if _is_one_cell(part)]
    for (p, a), (q, b) in combinations(single, 2):
        if a != b:
            yield Edit(EditKind.EXCHANGE, (p, q), a, b)
    for new in regroup(expression):
        yield Edit(EditKind.PARENTHESES, ((),), expression, new)
    more: list[Expression] = [Reference(text) for text in pool]
    for term in [*more, *(Infix("*", Reference(a), Reference(b)) for a, b in pairs)]:
        yield Edit(EditKind.TERM, ((),), expression, Infix("+", expression, term))


def _is_one_cell(part: Expression) -> bool:
    return isinstance(part, Reference) and ":" not in part.text


def _instead(path: Path, part: Expression, cells: Sequence[Expression]) -> Iterator[Edit]:
    """Other cells for a cell, other numbers for a number."""
    is_number = isinstance(part, Number)
    for other in NUMBERS if is_number else cells if _is_one_cell(part) else ():
        if other != part:
            kind = EditKind.NUMBER if is_number else EditKind.REFERENCE
            yield Edit(kind, (path,), part, other)


def _takes_factors(around: Expression | None) -> bool:
    """Whether a factor more here isn't the same as one of the product around."""
    return not (isinstance(around, Infix) and around.operator in ("*", "/", *COMPARISONS))


# Matrices ---------------------------------------------------------------------------------

MOST_RANGES = 150


def matrix_edits(
    expression: Expression,
    array: bool,
    other_ranges: Callable[[Reference], Iterable[Reference]],
) -> Iterator[Edit]:
    """One matrix transposed, exchanged or replaced, a part left out, or the whole scaled."""
    for path, part in paths(expression):
        match part:
            case Call("TRANSPOSE", (inside,)) if inside is not None:
                yield Edit(EditKind.TRANSPOSITION, (path,), part, inside)
            case Call("MMULT", (a, b)) if a is not None and b is not None:
                yield Edit(EditKind.EXCHANGE, ((*path, 0), (*path, 1)), a, b)
                for other in _transposed_products(a, b) if array else ():
                    yield Edit(EditKind.TRANSPOSITION, (path,), part, other)
            case Reference(text) if ":" in text and array:
                yield Edit(EditKind.TRANSPOSITION, (path,), part, Call("TRANSPOSE", (part,)))
    for path, part in paths(expression):
        if isinstance(part, Reference) and ":" in part.text:
            for other in islice(other_ranges(part), MOST_RANGES):
                yield Edit(EditKind.REFERENCE, (path,), part, other)
    for rest, left_out in shorten(expression):
        yield Edit(EditKind.OMISSION, ((),), left_out, rest)
    yield from _scaled(expression)


def _scaled(expression: Expression) -> Iterator[Edit]:
    """The whole of a formula with the other sign, twice or half as much."""
    match expression:
        case Prefix("-", operand):
            yield Edit(EditKind.SIGN, ((),), expression, operand)
        case _:
            yield Edit(EditKind.SIGN, ((),), expression, tidy(Prefix("-", expression)))
    for number in (2.0, 0.5):
        times = Infix("*", Number(number), expression)
        yield Edit(EditKind.FACTOR, ((),), expression, times)


def _transposed_products(a: Expression, b: Expression) -> Iterator[Expression]:
    """A product of matrices with one of them transposed, in either order."""
    yield Call("MMULT", (Call("TRANSPOSE", (b,)), a))
    yield Call("MMULT", (b, Call("TRANSPOSE", (a,))))
    yield Call("MMULT", (Call("TRANSPOSE", (a,)), Call("TRANSPOSE", (b,))))
