"""Places inside a formula, and formulas changed at such a place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce

from gradbook.audit.formula.factors import Factor, factors, product
from gradbook.audit.formula.pattern import inner
from gradbook.audit.training.weight_columns import Term, terms
from gradbook.targets.excel.grammar import Call, Expression, Infix, Number, Postfix, Prefix

Path = tuple[int, ...]  # which part of which part …


def places(expression: Expression) -> Iterator[tuple[Path, Expression]]:
    """Every part of an expression with the way to it, the whole first."""
    waiting: list[tuple[Path, Expression]] = [((), expression)]
    while waiting:
        path, part = waiting.pop()
        yield path, part
        waiting.extend(((*path, k), piece) for k, piece in reversed(list(enumerate(inner(part)))))


def put(expression: Expression, path: Path, new: Expression) -> Expression:
    """The expression with another part at a place."""
    if not path:
        return new
    pieces = inner(expression)
    pieces[path[0]] = put(pieces[path[0]], path[1:], new)
    return rebuilt(expression, pieces)


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


def regrouped(expression: Expression) -> Iterator[Expression]:
    """The expression with one pair of parentheses more, or one less, where that says another."""
    for path, part in places(expression):
        for new in (*_embraced(part), *_released(part), *_raised(part), *_negated(part)):
            yield put(expression, path, new)


def _embraced(part: Expression) -> Iterator[Expression]:
    """a·b + c·d·e as (a·b + c·d)·e, a·(b + c·d·e) and so on."""
    if not (isinstance(part, Infix) and part.operator in "+-"):
        return
    parts = terms(part)
    for first in range(len(parts)):
        for last in range(first + 1, len(parts)):
            yield from _gathered(parts, first, last)


def _gathered(parts: Sequence[Term], first: int, last: int) -> Iterator[Expression]:
    heads, tails = factors(parts[first][1]), factors(parts[last][1])
    if heads.sign < 0 or tails.sign < 0:
        return
    for before in range(len(heads.parts)):
        for kept in range(1, len(tails.parts) + 1):
            if before == 0 and kept == len(tails.parts):
                continue
            inside = [
                (parts[first][0] if before == 0 else 1, _turned(heads.parts[before:])),
                *parts[first + 1 : last],
                (parts[last][0], product(tails.parts[:kept])),
            ]
            above = before == 0 or heads.parts[before].above
            whole = [*heads.parts[:before], Factor(total(inside), above), *tails.parts[kept:]]
            sign = parts[first][0] if before else 1
            yield total([*parts[:first], (sign, product(whole)), *parts[last + 1 :]])


def _turned(parts: Sequence[Factor]) -> Expression:
    """Factors that begin with a divisor, as they stand inside of parentheses after its slash."""
    if parts[0].above:
        return product(parts)
    return product([Factor(parts[0].part, True), *parts[1:]])


def _released(part: Expression) -> Iterator[Expression]:
    """(a + b)·c as a + b·c, a·(b + c) as a·b + c."""
    if not (isinstance(part, Infix) and part.operator in "*/"):
        return
    split = factors(part)
    for k, factor in enumerate(split.parts):
        inside = terms(factor.part)
        if factor.above and len(inside) > 1 and split.sign > 0:
            before, after = split.parts[:k], split.parts[k + 1 :]
            first = product([*before, Factor(inside[0][1], True)]) if before else inside[0][1]
            last = product([Factor(inside[-1][1], True), *after]) if after else inside[-1][1]
            yield total([(inside[0][0], first), *inside[1:-1], (inside[-1][0], last)])


def _raised(part: Expression) -> Iterator[Expression]:
    """a + b^n and a^n + b as (a + b)^n, and the reverse."""
    match part:
        case Infix("+" | "-" as sign, left, Infix("^", base, n)):
            yield Infix("^", Infix(sign, left, base), n)
        case Infix("^", Infix("+" | "-" as sign, left, right), n):
            yield Infix(sign, left, Infix("^", right, n))
            yield Infix(sign, Infix("^", left, n), right)
    match part:
        case Infix("+" | "-" as sign, Infix("^", base, n), right):
            yield Infix("^", Infix(sign, base, right), n)


def _negated(part: Expression) -> Iterator[Expression]:
    """Excel negates before it raises: (−x)^2 where −(x^2) is meant, and the reverse."""
    match part:
        case Infix("^", Prefix("-", operand), n):
            yield Prefix("-", Infix("^", operand, n))
        case Prefix("-", Infix("^", operand, n)):
            yield Infix("^", Prefix("-", operand), n)


def total(parts: Sequence[Term]) -> Expression:
    """The terms added again, in their order."""
    (sign, first), *rest = parts
    start = Prefix("-", first) if sign < 0 else first
    return reduce(lambda a, t: Infix("+" if t[0] > 0 else "-", a, t[1]), rest, start)


def shortened(expression: Expression) -> Iterator[tuple[Expression, Expression]]:
    """The expression without one factor or one term, and what was left out."""
    for path, part in places(expression):
        above = at(expression, path[:-1]) if path else None
        if isinstance(part, Infix) and part.operator in "*/" and not _goes_on(above, "*/"):
            split = factors(part)
            for k, factor in enumerate(split.parts):
                rest = product([*split.parts[:k], *split.parts[k + 1 :]])
                yield put(expression, path, _signed(split.sign, rest)), factor.part
        if isinstance(part, Infix) and part.operator in "+-" and not _goes_on(above, "+-"):
            parts = terms(part)
            for k, (_, term) in enumerate(parts):
                yield put(expression, path, total([*parts[:k], *parts[k + 1 :]])), term


def _goes_on(above: Expression | None, operators: str) -> bool:
    return isinstance(above, Infix) and above.operator in operators


def _signed(sign: int, part: Expression) -> Expression:
    return Prefix("-", part) if sign < 0 else part


def at(expression: Expression, path: Path) -> Expression:
    for k in path:
        expression = inner(expression)[k]
    return expression


def vain(expression: Expression) -> int:
    """How many parts of a formula come to nothing: x − x, x/x, 1^x, 0·x, 1 > 0."""
    return sum(_is_vain(part) for _, part in places(expression))


def _is_vain(part: Expression) -> bool:
    match part:
        case Infix("-" | "/", left, right):
            return left == right or left == Number(0.0)
        case Infix("+", left, Prefix("-", right)):
            return left == right
        case Infix("^", left, right):
            return left == Number(1.0) or right == Number(0.0)
        case Infix("*", left, right):
            return Number(0.0) in (left, right)
        case Infix("<" | ">" | "<=" | ">=" | "=" | "<>", Number(), Number()):
            return True
    return False


def tidy(expression: Expression) -> Expression:
    """The formula as one would write it: numbers multiplied, −(a − b) turned round."""
    expression = rebuilt(expression, [tidy(piece) for piece in inner(expression)])
    match expression:
        case Infix("*" | "/") | Prefix("-"):
            return _tidy_product(expression)
        case Infix("+", left, Prefix("-", right)):
            return Infix("-", left, right)
        case Infix("-", left, Prefix("-", right)):
            return Infix("+", left, right)
    return expression


def _tidy_product(expression: Expression) -> Expression:
    split = factors(expression)
    sign, scale = split.sign, 1.0
    rest: list[Factor] = []
    for factor in split.parts:
        if isinstance(factor.part, Number) and factor.above:
            scale *= factor.part.value
        elif sign < 0 and factor.above and _turns(factor.part):
            sign = 1
            rest.append(Factor(_turned_round(factor.part), True))
        else:
            rest.append(factor)
    if scale != 1 or not any(factor.above for factor in rest):
        rest.insert(0, Factor(Number(scale), True))
    return _signed(sign, product(rest))


def _turns(part: Expression) -> bool:
    return isinstance(part, Infix) and part.operator == "-"


def _turned_round(part: Expression) -> Expression:
    assert isinstance(part, Infix)
    return Infix("-", part.right, part.left)
