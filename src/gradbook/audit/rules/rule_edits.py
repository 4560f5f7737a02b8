"""The edits of one formula that may put an update right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from gradbook.audit.formula.edits import Edit, EditKind, regrouped, shortened
from gradbook.audit.formula.expression import Path, part_at, paths
from gradbook.audit.rules.rule_updates import COMPARING
from gradbook.targets.excel.language.grammar import (
    Call,
    Expression,
    Infix,
    Number,
    Prefix,
    Reference,
)

INSTEAD = {
    "+": ("-", "*"),
    "-": ("+", "*"),
    "*": ("+", "-"),
    "/": ("*",),
    "^": ("*",),
    "<": (">",),
    ">": ("<",),
    "<=": (">=",),
    ">=": ("<=",),
    "=": ("<>",),
    "<>": ("=",),
}
NUMBERS = Number(0.0), Number(1.0), Prefix("-", Number(1.0))


def small_edits(
    expression: Expression, pool: Sequence[str], rates: Sequence[Number] = ()
) -> Iterator[Edit]:
    """The likely edits, with these cells to put in the place of others, and typed rates."""
    cells = [Reference(text) for text in pool]
    factors: list[Expression] = [*cells, *rates]
    for path, part in paths(expression):
        around = part_at(expression, path[:-1]) if path else None
        yield from _instead(path, part, cells)
        if isinstance(part, Infix):
            yield from _operations(path, part)
        yield from _turned(path, part)
        if not isinstance(part, Number) and _takes_factors(around):
            for factor in factors:
                yield Edit(EditKind.FACTOR, (path,), part, Infix("*", part, factor))
    for new, _ in shortened(expression):
        yield Edit(EditKind.OMISSION, ((),), expression, new)


def larger_edits(
    expression: Expression, pool: Sequence[str], pairs: Iterable[tuple[str, str]]
) -> Iterator[Edit]:
    """Edits that are less likely, two cells of each pair being multiplied where a term is added."""
    single = [(path, part) for path, part in paths(expression) if _is_one_cell(part)]
    for (p, a), (q, b) in combinations(single, 2):
        if a != b:
            yield Edit(EditKind.EXCHANGE, (p, q), a, b)
    for new in regrouped(expression):
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


def _operations(path: Path, part: Infix) -> Iterator[Edit]:
    for operator in INSTEAD.get(part.operator, ()):
        yield Edit(EditKind.OPERATOR, (path,), part, Infix(operator, part.left, part.right))
    if part.operator in "-/":
        turned = Infix(part.operator, part.right, part.left)
        yield Edit(EditKind.ORDER, (path,), part, turned)


def _turned(path: Path, part: Expression) -> Iterator[Edit]:
    match part:
        case Prefix("-", operand):
            yield Edit(EditKind.SIGN, (path,), part, operand)
        case Reference() | Call():
            yield Edit(EditKind.SIGN, (path,), part, Prefix("-", part))
    match part:
        case Call("IF", (condition, then, otherwise)):
            swapped = Call("IF", (condition, otherwise, then))
            yield Edit(EditKind.ORDER, (path,), part, swapped)


def _takes_factors(around: Expression | None) -> bool:
    """Whether a factor more here isn't the same as one of the product around."""
    return not (isinstance(around, Infix) and around.operator in ("*", "/", *COMPARING))
