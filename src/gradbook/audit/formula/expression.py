"""An expression taken apart and put together again: its parts, its terms, its factors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce, wraps
from typing import TypeVar

from gradbook.targets.excel.language.grammar import (
    Call,
    Expression,
    Infix,
    Number,
    Postfix,
    Prefix,
    Reference,
)

MOST = 4096  # results that are kept
Result = TypeVar("Result")


def once(make: Callable[[Expression], Result]) -> Callable[[Expression], Result]:
    """The function, computed once for each expression: the same few are taken apart in every row.

    Expressions are known by their identity, for comparing two takes as long as walking them. Each
    is kept as long as its result, so that no other can take its place.
    """
    known: dict[int, tuple[Expression, Result]] = {}

    @wraps(make)
    def made(expression: Expression) -> Result:
        entry = known.get(id(expression))
        if entry is None:
            if len(known) >= MOST:
                known.clear()
            entry = known[id(expression)] = expression, make(expression)
        return entry[1]

    return made


# Parts ------------------------------------------------------------------------

Path = tuple[int, ...]  # which part of which part …


def inner(part: Expression) -> list[Expression]:
    """What an expression is directly made of."""
    match part:
        case Infix(_, left, right):
            return [left, right]
        case Prefix(_, operand) | Postfix(_, operand):
            return [operand]
        case Call(_, arguments):
            return [argument for argument in arguments if argument is not None]
        case _:
            return []


def rebuilt(expression: Expression, pieces: Sequence[Expression]) -> Expression:
    """The same kind of expression, made of other pieces."""
    match expression:
        case Infix(operator, _, _):
            return Infix(operator, *pieces)
        case Prefix() | Postfix():
            return replace(expression, operand=pieces[0])
        case Call(function, arguments):
            rest = iter(pieces)
            return Call(function, tuple(None if a is None else next(rest) for a in arguments))
    return expression


def parts(expression: Expression) -> Iterator[Expression]:
    """An expression and all it is made of, from the left; no recursion, sums may be long."""
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(reversed(inner(part)))


def references(expression: Expression) -> Iterator[Reference]:
    """Every reference in a formula, in the order they are typed."""
    yield from (part for part in parts(expression) if isinstance(part, Reference))


def paths(expression: Expression) -> Iterator[tuple[Path, Expression]]:
    """Every part of an expression with the way to it, the whole first."""
    waiting: list[tuple[Path, Expression]] = [((), expression)]
    while waiting:
        path, part = waiting.pop()
        yield path, part
        waiting.extend(((*path, k), piece) for k, piece in reversed(list(enumerate(inner(part)))))


def part_at(expression: Expression, path: Path) -> Expression:
    for k in path:
        expression = inner(expression)[k]
    return expression


def put(expression: Expression, path: Path, new: Expression) -> Expression:
    """The expression with another part at the end of a path; no recursion, as in all of these."""
    passed = [expression]
    for k in path:
        passed.append(inner(passed[-1])[k])
    for k, part in zip(reversed(path), reversed(passed[:-1]), strict=True):
        pieces = inner(part)
        pieces[k] = new
        new = rebuilt(part, pieces)
    return new


def replaced(
    expression: Expression,
    instead: Callable[[Expression], Expression | None],
    after: Callable[[Expression], Expression] = lambda part: part,
) -> Expression:
    """The expression with something else for each part that `instead` has it for, the outermost
    first; `after` has the last word on what is made of the pieces."""
    made: list[Expression] = []
    waiting = [(expression, False)]
    while waiting:
        part, opened = waiting.pop()
        pieces = inner(part)
        if opened:
            made[-len(pieces) :] = [after(rebuilt(part, made[-len(pieces) :]))]
        elif (new := instead(part)) is not None:
            made.append(new)
        elif pieces:
            waiting.append((part, True))
            waiting += [(piece, False) for piece in reversed(pieces)]
        else:
            made.append(part)
    return made[0]


def renamed(expression: Expression, name: Callable[[Reference], str]) -> Expression:
    """The expression with other words for the cells that it mentions."""
    return replaced(
        expression, lambda part: Reference(name(part)) if isinstance(part, Reference) else None
    )


# Terms and factors ------------------------------------------------------------

SignedTerm = tuple[int, Expression]  # 1 or -1, and what that stands before


@once
def terms(expression: Expression) -> tuple[SignedTerm, ...]:
    """a − (b + c) is +a, −b, −c."""
    found: list[SignedTerm] = []
    waiting: list[SignedTerm] = [(1, expression)]
    while waiting:
        sign, part = waiting.pop()
        match part:
            case Infix("+", left, right):
                waiting += [(sign, right), (sign, left)]
            case Infix("-", left, right):
                waiting += [(-sign, right), (sign, left)]
            case Prefix("-", operand):
                waiting.append((-sign, operand))
            case Prefix("+", operand):
                waiting.append((sign, operand))
            case _:
                found.append((sign, part))
    return tuple(found)


def total(parts: Sequence[SignedTerm]) -> Expression:
    """The terms added again, in their order."""
    start, *rest = parts
    return reduce(lambda a, t: Infix("+" if t[0] > 0 else "-", a, t[1]), rest, signed(*start))


def signed(sign: int, part: Expression) -> Expression:
    return Prefix("-", part) if sign < 0 else part


@dataclass(frozen=True)
class Factor:
    part: Expression
    above: bool  # False where it divides


@dataclass(frozen=True)
class Factored:
    """What a product is made of."""

    sign: int
    parts: tuple[Factor, ...]


@once
def factors(expression: Expression) -> Factored:
    """−a·b/c is minus, a and b above, c below."""
    sign = 1
    found: list[Factor] = []
    waiting: list[Factor] = [Factor(expression, True)]
    while waiting:
        factor = waiting.pop()
        match factor.part:
            case Infix("*", left, right):
                waiting += [Factor(right, factor.above), Factor(left, factor.above)]
            case Infix("/", left, right):
                waiting += [Factor(right, not factor.above), Factor(left, factor.above)]
            case Prefix("-", operand):
                sign = -sign
                waiting.append(Factor(operand, factor.above))
            case Prefix("+", operand):
                waiting.append(Factor(operand, factor.above))
            case _:
                found.append(factor)
    return Factored(sign, tuple(found))


def product(parts: Sequence[Factor]) -> Expression:
    """The factors multiplied again, in their order."""
    above = [factor.part for factor in parts if factor.above]
    below = [factor.part for factor in parts if not factor.above]
    start = reduce(lambda a, b: Infix("*", a, b), above) if above else Number(1.0)
    return reduce(lambda a, b: Infix("/", a, b), below, start)


@once
def makeup(expression: Expression) -> str:
    """Of what an expression is made, in whatever order, and whatever cells it mentions."""
    added, split = terms(expression), factors(expression)
    if len(added) > 1:
        return f"({''.join(sorted('-+'[sign > 0] + makeup(part) for sign, part in added))})"
    if len(split.parts) > 1 or split.sign < 0:
        made = sorted("/*"[factor.above] + makeup(factor.part) for factor in split.parts)
        return f"{'-' * (split.sign < 0)}{''.join(made)}"
    match expression:
        case Infix():
            return _makeup_of_chain(expression)
        case Postfix(operator, operand):
            return f"{makeup(operand)}{operator}"
        case Call(function, arguments):
            return f"{function}({','.join('' if a is None else makeup(a) for a in arguments)})"
        case Number(value):
            return str(value)
    return "@"


def _makeup_of_chain(expression: Expression) -> str:
    """Of a^b^c, or of a&b&c, which may be thousands of links."""
    links: list[str] = []
    while isinstance(expression, Infix) and expression.operator not in "+-*/":
        links.append(f"{expression.operator}{makeup(expression.right)}")
        expression = expression.left
    return makeup(expression) + "".join(reversed(links))
