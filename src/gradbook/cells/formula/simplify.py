"""Formulas put together as a person writes them: no factors of 1, terms of 0, double signs.

Nothing is multiplied out or reordered, so that a derivative still looks like the formula from which
it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from gradbook.cells.formula.expression import replace_parts
from gradbook.cells.formula.syntax import (
    Call,
    Expression,
    Infix,
    Number,
    Prefix,
    Reference,
    number,
    read,
)

ZERO, ONE, TWO = Number(0.0), Number(1.0), Number(2.0)


def call_of(function: str, *arguments: Expression | None) -> Call:
    return Call(function, arguments)


def constant_of(part: Expression | None) -> float | None:
    """The number that a part is, maybe with a sign; None for any other part."""
    match part:
        case Number(value):
            return value
        case Prefix("-", Number(value)):
            return -value
    return None


def negative(a: Expression) -> Expression:
    if a == ZERO:
        return a
    if isinstance(a, Prefix) and a.operator == "-":
        return a.operand
    return Prefix("-", a)


def plus(a: Expression, b: Expression) -> Expression:
    if a == ZERO:
        return b
    if b == ZERO:
        return a
    if isinstance(a, Number | Reference) and a == b:
        return times(TWO, a)
    if isinstance(b, Prefix) and b.operator == "-":
        return _folded("-", a, b.operand)
    return _folded("+", a, b)


def minus(a: Expression, b: Expression) -> Expression:
    if b == ZERO:
        return a
    if isinstance(b, Prefix) and b.operator == "-":
        return plus(a, b.operand)
    return negative(b) if a == ZERO else _folded("-", a, b)


def times(a: Expression, b: Expression) -> Expression:
    if ZERO in (a, b):
        return ZERO
    if a == ONE:
        return b
    if b == ONE:
        return a
    if isinstance(a, Prefix) and a.operator == "-":
        return negative(times(a.operand, b))
    if isinstance(b, Prefix) and b.operator == "-":
        return negative(times(a, b.operand))
    if isinstance(b, Infix) and b.operator == "/":  # a·(b/c) is a·b/c
        return over(times(a, b.left), b.right)
    if isinstance(a, Infix) and a.operator == "/" and a.left == ONE:  # (1/a)·b is b/a
        return over(b, a.right)
    return _folded("*", a, b)


def over(a: Expression, b: Expression) -> Expression:
    if a == ZERO or b == ONE:
        return a
    if isinstance(a, Prefix) and a.operator == "-":
        return negative(over(a.operand, b))
    if isinstance(b, Prefix) and b.operator == "-":
        return negative(over(a, b.operand))
    return Infix("/", a, b)


def raised(a: Expression, n: Expression) -> Expression:
    if n == ZERO:
        return ONE
    return a if n == ONE else Infix("^", a, n)


def square(a: Expression) -> Expression:
    return raised(a, TWO)


def _folded(operator: str, a: Expression, b: Expression) -> Expression:
    """The sum, difference or product, computed if both are numbers."""
    x, y = constant_of(a), constant_of(b)
    if x is None or y is None:
        return Infix(operator, a, b)
    return number(x + y if operator == "+" else x - y if operator == "-" else x * y)


def simplify(part: Expression) -> Expression:
    """A part whose own parts are simple, put together again."""
    match part:
        case Infix(operator, a, b) if operator in _INFIX:
            return _INFIX[operator](a, b)
        case Prefix(sign, a):
            return negative(a) if sign == "-" else a
        case Call("IF", (condition, then, otherwise)) if then and otherwise:
            return _branch(condition, then, otherwise) or part
    return part


_INFIX: Mapping[str, Callable[[Expression, Expression], Expression]] = {
    "+": plus,
    "-": minus,
    "*": times,
    "/": over,
    "^": raised,
}


def with_sign_first(part: Expression) -> Expression:
    """−(a·b/c) as −a·b/c, which means the same in a spreadsheet, also inside an IF."""
    if isinstance(part, Call) and part.function == "IF":
        return Call("IF", (part.arguments[0], *map(_signed_branch, part.arguments[1:])))
    links: list[Infix] = []
    if not (isinstance(part, Prefix) and part.operator == "-"):
        return part
    first = part.operand
    while isinstance(first, Infix) and first.operator in "*/":
        links.append(first)
        first = first.left
    signed: Expression = Prefix("-", first)
    for link in reversed(links):
        signed = Infix(link.operator, signed, link.right)
    return signed


def _signed_branch(part: Expression | None) -> Expression | None:
    return None if part is None else with_sign_first(part)


def _branch(
    condition: Expression | None, then: Expression, otherwise: Expression
) -> Expression | None:
    """The branch that is always taken; None if that depends on cells."""
    if isinstance(condition, Call) and not condition.arguments:
        condition = Reference(condition.function)  # TRUE(), as LibreOffice writes it
    value = constant_of(condition)
    if isinstance(condition, Reference) and condition.text.upper() in ("TRUE", "FALSE"):
        value = float(condition.text.upper() == "TRUE")
    return None if value is None else then if value else otherwise


@lru_cache(maxsize=1024)
def _read_once(text: str) -> Expression:
    return read(text)


def fill_in_slope(text: str, expressions: Mapping[str, Expression]) -> Expression:
    """A slope that is written as text, with these expressions for its names."""

    def instead(part: Expression) -> Expression | None:
        return expressions.get(part.text) if isinstance(part, Reference) else None

    return replace_parts(_read_once(text), instead, simplify)


def sigmoid_of(part: Infix) -> Expression | None:
    """The x of 1/(1 + EXP(−x))."""
    match part:
        case Infix("/", Number(1.0), Infix("+", Number(1.0), Call("EXP", (Prefix("-", x),)))):
            return x
        case Infix("/", Number(1.0), Infix("+", Call("EXP", (Prefix("-", x),)), Number(1.0))):
            return x
    return None


def slope_of_base(a: Expression, n: Expression) -> Expression:
    """n·a^(n − 1)."""
    exponent = constant_of(n)
    if exponent is not None:
        return times(n, raised(a, number(exponent - 1)))
    return times(n, raised(a, minus(n, ONE)))
