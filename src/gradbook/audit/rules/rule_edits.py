"""The small edits of one formula that may put an update right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from gradbook.audit.formula.edits import Edit, EditKind, regrouped, shortened
from gradbook.audit.formula.expression import Path, part_at, paths
from gradbook.targets.excel.language.grammar import (
    Call,
    Expression,
    Infix,
    Number,
    Prefix,
    Reference,
)

TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
INSTEAD = {"+": "-*", "-": "+*", "*": "+-", "/": "*", "^": "*"}
ONE, ZERO = Number(1.0), Number(0.0)


def rule_edits(expression: Expression, pool: Iterable[str]) -> Iterator[Edit]:
    """The likely edits, with these cells to put in the place of others."""
    cells = [Reference(text) for text in pool]
    for path, part in paths(expression):
        yield from _references(path, part, cells)
        yield from _numbers(path, part)
        yield from _operators(path, part)
        yield from _signs(path, part)
        yield from _factors(path, part, cells, expression)
    for new, _ in shortened(expression):
        yield Edit(EditKind.OMISSION, ((),), expression, new)


def larger_edits(
    expression: Expression, pool: Iterable[str], pairs: Iterable[tuple[str, str]]
) -> Iterator[Edit]:
    """Edits that are less likely, two cells of each pair being multiplied where a term is added."""
    yield from _exchanges(expression)
    for new in regrouped(expression):
        yield Edit(EditKind.PARENTHESES, ((),), expression, new)
    more: list[Expression] = [Reference(text) for text in pool]
    more += [Infix("*", Reference(a), Reference(b)) for a, b in pairs]
    for term in more:
        yield Edit(EditKind.TERM, ((),), expression, Infix("+", expression, term))


def _references(path: Path, part: Expression, cells: list[Reference]) -> Iterator[Edit]:
    if isinstance(part, Reference) and ":" not in part.text:
        for cell in cells:
            if cell != part:
                yield Edit(EditKind.REFERENCE, (path,), part, cell)


def _numbers(path: Path, part: Expression) -> Iterator[Edit]:
    if isinstance(part, Number):
        for number in (ZERO, ONE, Prefix("-", ONE)):
            if number != part:
                yield Edit(EditKind.NUMBER, (path,), part, number)


def _operators(path: Path, part: Expression) -> Iterator[Edit]:
    if not isinstance(part, Infix):
        return
    if part.operator in TURNED:
        turned = Infix(TURNED[part.operator], part.left, part.right)
        yield Edit(EditKind.OPERATOR, (path,), part, turned)
    for operator in INSTEAD.get(part.operator, ""):
        yield Edit(EditKind.OPERATOR, (path,), part, Infix(operator, part.left, part.right))
    if part.operator in "-/":
        yield Edit(EditKind.ORDER, (path,), part, Infix(part.operator, part.right, part.left))
    if part.operator in ("=", "<>"):
        other = "<>" if part.operator == "=" else "="
        yield Edit(EditKind.OPERATOR, (path,), part, Infix(other, part.left, part.right))


def _signs(path: Path, part: Expression) -> Iterator[Edit]:
    match part:
        case Prefix("-", operand):
            yield Edit(EditKind.SIGN, (path,), part, operand)
        case Reference() | Call():
            yield Edit(EditKind.SIGN, (path,), part, Prefix("-", part))
    match part:
        case Call("IF", (condition, then, otherwise)):
            swapped = Call("IF", (condition, otherwise, then))
            yield Edit(EditKind.ORDER, (path,), part, swapped)


def _factors(
    path: Path, part: Expression, cells: list[Reference], whole: Expression
) -> Iterator[Edit]:
    """A factor that is missing."""
    around = part_at(whole, path[:-1]) if path else None
    operator = around.operator if isinstance(around, Infix) else ""
    if not isinstance(part, Number) and operator not in ("*", "/", *TURNED):
        for cell in cells:
            yield Edit(EditKind.FACTOR, (path,), part, Infix("*", part, cell))


def _exchanges(expression: Expression) -> Iterator[Edit]:
    single = [(p, r) for p, r in paths(expression) if isinstance(r, Reference)]
    for (p, a), (q, b) in combinations(single, 2):
        if a != b and ":" not in a.text + b.text:
            yield Edit(EditKind.EXCHANGE, (p, q), a, b)
