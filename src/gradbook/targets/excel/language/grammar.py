"""The language of cells: its forms, how tightly each binds, and how they are written.

`reader` reads formulas by the same table. Excel negates before it raises, so -2^2 is 4; every
infix operator associates to the left, 2^3^2 being 64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_FORMULA = 8192  # characters, in Excel

COMPARING = 2  # and joining: what binds so loosely is read as two sides
INFIX = {
    **dict.fromkeys(("=", "<>", "<", ">", "<=", ">="), 1),
    "&": 2,
    **dict.fromkeys(("+", "-"), 3),
    **dict.fromkeys(("*", "/"), 4),
    "^": 5,
}
POSTFIX = {"%": 6}
PREFIX = {"-": 7, "+": 7}
ALONE = 8  # numbers, references, calls


@dataclass(frozen=True)
class Number:
    """A number from zero up; a negative one is a prefix before it."""

    value: float


@dataclass(frozen=True)
class Text:
    """Words between quotation marks."""

    value: str


@dataclass(frozen=True)
class Reference:
    """A cell, a range or a name as it is typed: E5, $E$5, Training!E5:E9, eta, TRUE, #N/A."""

    text: str


@dataclass(frozen=True)
class Infix:
    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Prefix:
    operator: str
    operand: Expression


@dataclass(frozen=True)
class Postfix:
    operator: str
    operand: Expression


@dataclass(frozen=True)
class Call:
    """A function and its arguments; None is one left out, as in IF(A1,,2)."""

    function: str
    arguments: tuple[Expression | None, ...]


Expression = Number | Text | Reference | Infix | Prefix | Postfix | Call


def number(value: float) -> Expression:
    """The number, with a minus before it where it is negative."""
    return Prefix("-", Number(-value)) if value < 0 else Number(abs(value))


def write(expression: Expression) -> str:
    """The formula, without its =, with the parentheses that it needs.

    And with one kind more, for people: (-x)^2 and a-(-b) could do without.
    """
    return "".join(_pieces(expression))


def _pieces(expression: Expression) -> Iterator[str]:
    match expression:
        case Number(value):
            yield digits(value)
        case Text(value):
            yield '"' + value.replace('"', '""') + '"'
        case Reference(text):
            yield text
        case Infix():
            yield from _chain(expression)
        case Prefix(operator, operand):
            yield operator
            yield from _within(operand, binding(expression))
        case Postfix(operator, operand):
            yield from _within(operand, binding(expression))
            yield operator
        case Call(function, arguments):
            yield f"{function}("
            for place, argument in enumerate(arguments):
                yield "," if place else ""
                yield from _pieces(argument) if argument is not None else ()
            yield ")"


def _chain(expression: Infix) -> Iterator[str]:
    """a+b+c…: the left side in a loop, since a sum may be thousands of terms deep."""
    links: list[Infix] = []
    first: Expression = expression
    while isinstance(first, Infix) and (not links or binding(first) >= binding(links[-1])):
        links.append(first)
        first = first.left
    yield from _within(first, binding(links[-1]), signed=links[-1].operator != "^")
    for link in reversed(links):
        yield link.operator
        yield from _within(link.right, binding(link) + 1, signed=binding(link) <= COMPARING)


def _within(part: Expression, at_least: int, signed: bool = True) -> Iterator[str]:
    """A part, in parentheses where it binds less tightly than its place asks."""
    if binding(part) >= at_least and (signed or not isinstance(part, Prefix)):
        yield from _pieces(part)
    else:
        yield "("
        yield from _pieces(part)
        yield ")"


def binding(expression: Expression) -> int:
    """How tightly an expression holds together."""
    match expression:
        case Infix(operator):
            return INFIX[operator]
        case Prefix(operator):
            return PREFIX[operator]
        case Postfix(operator):
            return POSTFIX[operator]
        case _:
            return ALONE


def digits(value: float) -> str:
    """A number from zero up, in full: 0.05, 2, 1E-08."""
    return repr(float(value)).removesuffix(".0").upper()
