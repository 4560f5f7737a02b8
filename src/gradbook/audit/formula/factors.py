"""A product taken apart into its factors, and put together again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from gradbook.audit.formula.once import once
from gradbook.targets.excel.language.grammar import Expression, Infix, Number, Prefix


@dataclass(frozen=True)
class Factor:
    part: Expression
    above: bool  # False where it divides


@dataclass(frozen=True)
class Product:
    sign: int
    parts: tuple[Factor, ...]


@once
def factors(expression: Expression) -> Product:
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
    return Product(sign, tuple(found))


def product(parts: Sequence[Factor]) -> Expression:
    """The factors multiplied again, in their order."""
    above = [factor.part for factor in parts if factor.above]
    below = [factor.part for factor in parts if not factor.above]
    start = reduce(lambda a, b: Infix("*", a, b), above) if above else Number(1.0)
    return reduce(lambda a, b: Infix("/", a, b), below, start)
