"""Takes expressions apart, puts them together again, and makes the edits between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import reduce, wraps
from itertools import chain
from typing import TypeVar

from gradbook.cells.formula.syntax import (
    Call,
    Expression,
    Infix,
    Number,
    Postfix,
    Prefix,
    Reference,
)

MOST_CACHED = 4096  # cached results
Result = TypeVar("Result")


def once(make: Callable[[Expression], Result]) -> Callable[[Expression], Result]:
    """Compute a function once for each expression, since the same few occur in every row.

    Expressions are identified by `id`, because comparing two takes as long as walking them. Each is
    kept as long as its result, so that its id isn't reused.
    """
    known: dict[int, tuple[Expression, Result]] = {}

    @wraps(make)
    def look_up(expression: Expression) -> Result:
        entry = known.get(id(expression))
        if entry is None:
            if len(known) >= MOST_CACHED:
                known.clear()
            entry = known[id(expression)] = expression, make(expression)
        return entry[1]

    return look_up


# Parts ------------------------------------------------------------------------

Path = tuple[int, ...]  # the index of a part, then of a part of that, …


def inner(part: Expression) -> list[Expression]:
    """The direct parts of an expression."""
    match part:
        case Infix(_, left, right):
            return [left, right]
        case Prefix(_, operand) | Postfix(_, operand):
            return [operand]
        case Call(_, arguments):
            return [argument for argument in arguments if argument is not None]
        case _:
            return []


def rebuild(expression: Expression, pieces: Sequence[Expression]) -> Expression:
    """The same kind of expression with other parts."""
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
    """An expression and all its parts, from the left; not recursive, since sums may be long."""
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(reversed(inner(part)))


@once
def count_parts(expression: Expression) -> int:
    return sum(1 for _ in parts(expression))


def references(expression: Expression) -> Iterator[Reference]:
    """Every reference in a formula, in the order of the text."""
    yield from (part for part in parts(expression) if isinstance(part, Reference))


def paths(expression: Expression) -> Iterator[tuple[Path, Expression]]:
    """Every part of an expression with its path, the whole first."""
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
    """The expression with another part at a path; not recursive, like all functions here."""
    passed = [expression]
    for k in path:
        passed.append(inner(passed[-1])[k])
    for k, part in zip(reversed(path), reversed(passed[:-1]), strict=True):
        pieces = inner(part)
        pieces[k] = new
        new = rebuild(part, pieces)
    return new


def replace_parts(
    expression: Expression,
    instead: Callable[[Expression], Expression | None],
    after: Callable[[Expression], Expression] = lambda part: part,
) -> Expression:
    """The expression with each part replaced for which `instead` returns another, outermost first;
    `after` may change whatever is rebuilt from its parts."""
    replaced: list[Expression] = []
    waiting = [(expression, False)]
    while waiting:
        part, opened = waiting.pop()
        pieces = inner(part)
        if opened:
            replaced[-len(pieces) :] = [after(rebuild(part, replaced[-len(pieces) :]))]
        elif (new := instead(part)) is not None:
            replaced.append(new)
        elif pieces:
            waiting.append((part, True))
            waiting += [(piece, False) for piece in reversed(pieces)]
        else:
            replaced.append(part)
    return replaced[0]


DECIMAL, NATURAL = ("LOG", "LOG10"), "LN"


def with_natural_logarithms(formula: Expression) -> Expression:
    """The same with natural logarithms instead of decimal ones."""

    def natural(part: Expression) -> Expression:
        match part:
            case Call(function, (_,) as of) if function in DECIMAL:
                return Call(NATURAL, of)
        return part

    return replace_parts(formula, lambda part: None, natural)


def rename_cells(expression: Expression, name: Callable[[Reference], str]) -> Expression:
    """The expression with other names for the cells that it mentions."""
    return replace_parts(
        expression, lambda part: Reference(name(part)) if isinstance(part, Reference) else None
    )


# Terms and factors ------------------------------------------------------------

SignedTerm = tuple[int, Expression]  # 1 or -1, and the term


@once
def terms(expression: Expression) -> tuple[SignedTerm, ...]:
    """a − (b + c) is +a, −b, −c."""
    signed: list[SignedTerm] = []
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
                signed.append((sign, part))
    return tuple(signed)


def total(parts: Sequence[SignedTerm]) -> Expression:
    """The terms added up again, in order."""
    start, *rest = parts
    return reduce(lambda a, t: Infix("+" if t[0] > 0 else "-", a, t[1]), rest, with_sign(*start))


def with_sign(sign: int, part: Expression) -> Expression:
    return Prefix("-", part) if sign < 0 else part


@dataclass(frozen=True)
class Factor:
    part: Expression
    above: bool  # False where it divides


@dataclass(frozen=True)
class FactoredProduct:
    """The sign and the factors of a product."""

    sign: int
    parts: tuple[Factor, ...]


@once
def factors(expression: Expression) -> FactoredProduct:
    """−a·b/c has a negative sign, a and b above, c below."""
    sign = 1
    collected: list[Factor] = []
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
                collected.append(factor)
    return FactoredProduct(sign, tuple(collected))


def product(parts: Sequence[Factor]) -> Expression:
    """The factors multiplied again, in order."""
    above = [factor.part for factor in parts if factor.above]
    below = [factor.part for factor in parts if not factor.above]
    start = reduce(lambda a, b: Infix("*", a, b), above) if above else Number(1.0)
    return reduce(lambda a, b: Infix("/", a, b), below, start)


@once
def makeup(expression: Expression) -> str:
    """The structure of an expression, regardless of its order and of the cells that it mentions."""
    added, split = terms(expression), factors(expression)
    if len(added) > 1:
        return f"({''.join(sorted('-+'[sign > 0] + makeup(part) for sign, part in added))})"
    if len(split.parts) > 1 or split.sign < 0:
        pieces = sorted("/*"[factor.above] + makeup(factor.part) for factor in split.parts)
        return f"{'-' * (split.sign < 0)}{''.join(pieces)}"
    match expression:
        case Postfix(operator, operand):
            return f"{makeup(operand)}{operator}"
        case Call(function, arguments):
            return f"{function}({','.join('' if a is None else makeup(a) for a in arguments)})"
    links: list[str] = []  # the links of a^b^c, or of a&b&c: maybe thousands
    while isinstance(expression, Infix) and expression.operator not in "+-*/":
        links.append(f"{expression.operator}{makeup(expression.right)}")
        expression = expression.left
    if not links:
        return str(expression.value) if isinstance(expression, Number) else "@"
    return makeup(expression) + "".join(reversed(links))


# Edits ------------------------------------------------------------------------


class EditKind(Enum):
    """What an edit changes, named after the mistake that it corrects; the likeliest first."""

    REFERENCE = "wrong reference"
    RANGE = "wrong range"
    EXCHANGE = "swapped references"
    ACTIVATION = "pre-activation"
    NUMBER = "wrong number"
    OPERATOR = "wrong operator"
    PARENTHESES = "parentheses"
    ORDER = "wrong order"
    SIGN = "wrong sign"
    FUNCTION = "wrong function"
    OMISSION = "one factor or term too many"
    FACTOR = "missing factor"
    TERM = "missing term"
    TRANSPOSITION = "transposition"
    FORMULA = "wrong formula"  # all of it

    @property
    def rank(self) -> int:
        return _RANKED[self]


_RANKED = {kind: rank for rank, kind in enumerate(EditKind)}


@dataclass(frozen=True)
class Edit:
    """At these paths of a formula, `new` replaces `old`."""

    kind: EditKind
    paths: tuple[Path, ...]
    old: Expression
    new: Expression

    @property
    def description(self) -> str:
        """A description that no other edit has."""
        return f"{self.kind.value} {self.paths}: {self.new} for {self.old}"

    def apply_to(self, expression: Expression) -> Expression:
        if self.kind is EditKind.EXCHANGE:
            first, second = self.paths
            return put(put(expression, first, self.new), second, self.old)
        for path in self.paths:
            expression = put(expression, path, self.new)
        return expression

    def with_names(self, name: Callable[[Reference], str]) -> Edit:
        """The edit with cells replaced by names, so that it is the same wherever the table is."""
        return Edit(self.kind, (), rename_cells(self.old, name), rename_cells(self.new, name))


def regroup(expression: Expression) -> Iterator[Expression]:
    """The expression with one pair of parentheses added or removed, where that changes it: each
    result once, and lazily, since a long sum has very many."""
    known: set[Expression] = set()
    for path, part in paths(expression):
        for new in chain(_embraced(part), _released(part), _raised(part)):
            regrouped = put(expression, path, new)
            if regrouped not in known:
                known.add(regrouped)
                yield regrouped


def _embraced(part: Expression) -> Iterator[Expression]:
    """a·b + c·d·e as (a·b + c·d)·e, a·(b + c·d·e) and so on."""
    if not (isinstance(part, Infix) and part.operator in "+-"):
        return
    parts = terms(part)
    for first in range(len(parts)):
        for last in range(first + 1, len(parts)):
            yield from _gathered(parts, first, last)


def _gathered(parts: Sequence[SignedTerm], first: int, last: int) -> Iterator[Expression]:
    heads, tails = factors(parts[first][1]), factors(parts[last][1])
    if heads.sign < 0 or tails.sign < 0:
        return
    for before in range(len(heads.parts)):
        for kept in range(1, len(tails.parts) + 1):
            if before == 0 and kept == len(tails.parts):
                continue
            opened = Factor(heads.parts[before].part, True)  # a divisor's slash stays outside
            inside = [
                (
                    parts[first][0] if before == 0 else 1,
                    product([opened, *heads.parts[before + 1 :]]),
                ),
                *parts[first + 1 : last],
                (parts[last][0], product(tails.parts[:kept])),
            ]
            above = before == 0 or heads.parts[before].above
            gathered = [*heads.parts[:before], Factor(total(inside), above), *tails.parts[kept:]]
            sign = parts[first][0] if before else 1
            yield total([*parts[:first], (sign, product(gathered)), *parts[last + 1 :]])


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
    """a + b^n and a^n + b as (a + b)^n, and the reverse; −(x^2) as (−x)^2, because in Excel a minus
    binds more tightly than a power, and the reverse."""
    match part:
        case Infix("+" | "-" as sign, left, Infix("^", base, n)):
            yield Infix("^", Infix(sign, left, base), n)
        case Infix("^", Infix("+" | "-" as sign, left, right), n):
            yield Infix(sign, left, Infix("^", right, n))
            yield Infix(sign, Infix("^", left, n), right)
    match part:
        case Infix(
            "+" | "-" as sign,
            left,
            Call(("POWER" | "POW") as name, (Infix() | Reference() as x, times)),
        ):
            yield Call(name, (Infix(sign, left, x), times))
        case Call(("POWER" | "POW") as name, (Infix("+" | "-" as sign, left, right), times)):
            yield Infix(sign, left, Call(name, (right, times)))
            yield Infix(sign, Call(name, (left, times)), right)
    match part:
        case Infix("+" | "-" as sign, Infix("^", base, n), right):
            yield Infix("^", Infix(sign, base, right), n)
        case Infix("^", Prefix("-", operand), n):
            yield Prefix("-", Infix("^", operand, n))
        case Prefix("-", Infix("^", operand, n)):
            yield Infix("^", Prefix("-", operand), n)


def shorten(expression: Expression) -> Iterator[tuple[Expression, Expression]]:
    """The expression without one factor or one term, and the part that was left out."""
    for path, part in paths(expression):
        around = part_at(expression, path[:-1]) if path else None
        for operators in ("*/", "+-"):
            if _is_one_of(part, operators) and not _is_one_of(around, operators):
                for rest, left_out in _without_one(part, operators):
                    yield put(expression, path, rest), left_out


def _is_one_of(part: Expression | None, operators: str) -> bool:
    return isinstance(part, Infix) and part.operator in operators


def _without_one(part: Expression, operators: str) -> Iterator[tuple[Expression, Expression]]:
    if operators == "+-":
        parts = terms(part)
        for k, (_, term) in enumerate(parts):
            yield total([*parts[:k], *parts[k + 1 :]]), term
    else:
        split = factors(part)
        for k, factor in enumerate(split.parts):
            rest = product([*split.parts[:k], *split.parts[k + 1 :]])
            yield with_sign(split.sign, rest), factor.part


def pointless_parts(expression: Expression) -> int:
    """How many parts of a formula have no effect, or are two numbers for one: x − x, x/x, 1^x,
    0·x, x·1, 4+1, −0, 1 > 0, x·x > 0."""
    return sum(_is_pointless(part) for _, part in paths(expression))


def _is_pointless(part: Expression) -> bool:
    match part:
        case Infix("*" | "/" | "^", _, Number(1.0)) | Infix("+" | "-" | "*", Number(), Number()):
            return True
        case Infix("-" | "/", left, right):
            return left == right or left == Number(0.0)
        case Infix("+", left, Prefix("-", right)):
            return left == right
        case Infix("^", left, right):
            return left == Number(1.0) or right == Number(0.0)
        case Infix("*", left, right):
            return left in (Number(0.0), Number(1.0)) or right == Number(0.0)
        case Prefix("-", Number(0.0)):
            return True
        case Infix("<" | ">" | "<=" | ">=" | "=" | "<>", left, right):
            square = isinstance(left, Infix) and left.operator == "*" and left.left == left.right
            return (square or _is_a_number(left)) and _is_a_number(right)
    return False


def _is_a_number(part: Expression) -> bool:
    return isinstance(part.operand if isinstance(part, Prefix) else part, Number)


def tidy(expression: Expression) -> Expression:
    """The formula as people would write it: numbers multiplied, −(a − b) as b − a."""
    return replace_parts(expression, lambda part: None, _tidied)


def _tidied(expression: Expression) -> Expression:
    match expression:
        case Infix("*" | "/") | Prefix("-"):
            return _tidy_product(expression)
        case Call("AND", (Infix() as only,)):
            return only
        case Infix("+", left, Prefix("-", right)) | Infix("+", Prefix("-", right), left):
            return Infix("-", left, right)
        case Infix("-", left, Prefix("-", right)):
            return Infix("+", left, right)
        case Infix("-" | "+", left, Number(0.0)) | Infix("^", left, Number(1.0)):
            return left
        case Call("EXP", (Infix("*") | Prefix("-") as exponent,)):
            return _power(exponent) or expression
    return _tidy_choice(expression)


def _tidy_choice(expression: Expression) -> Expression:
    match expression:
        case Infix(">", Call("IF", (Infix() as only, Number(1.0), Number(0.0))), Number(0.0)):
            return only
        case Infix(">", Call("IF", (above, Number(0.0), Call("IF", sides))), Number(0.0)):
            return _equality(above, sides) or expression
        case Infix(
            "+", Call("IF", (test, Number(0.0), other)), Call("IF", (again, one, Number(0.0)))
        ) if test == again:
            return Call("IF", (test, one, other))
    return expression


def _scaled_within(parts: list[Factor], scale: float) -> tuple[list[Factor], float]:
    """The factors without a number that one of them is divided by: 5·(x/5 − y/5) is x − y."""
    for k, factor in enumerate(parts if scale != 1 else ()):
        whole = _multiplied(factor.part, scale) if factor.above else None
        if whole is not None:
            return [*parts[:k], Factor(whole, True), *parts[k + 1 :]], 1.0
    return parts, scale


def _multiplied(expression: Expression | None, by: float) -> Expression | None:
    """An expression without the number by which each of its terms is divided."""
    match expression:
        case Infix("+" | "-" as sign, left, right):
            both = _multiplied(left, by), _multiplied(right, by)
            return Infix(sign, both[0], both[1]) if both[0] and both[1] else None
        case Call("IF", (test, one, other)):
            both = _multiplied(one, by), _multiplied(other, by)
            return Call("IF", (test, *both)) if both[0] and both[1] else None
        case None:
            return None
    split, share = factors(expression), Factor(Number(by), False)
    if share not in split.parts:
        return None
    whole = product([factor for factor in split.parts if factor != share])
    return Prefix("-", whole) if split.sign < 0 else whole


def _equality(above: Expression | None, sides: Sequence[Expression | None]) -> Expression | None:
    """a = b for "if a − b > 0: 0; if b − a > 0: 0; 1"."""
    match above, sides:
        case Infix(">", Infix("-", a, b), Number(0.0)), (
            Infix(">", Infix("-", c, d), Number(0.0)),
            Number(0.0),
            Number(1.0),
        ) if (a, b) == (d, c):
            return Infix("=", a, b)
    return None


def _power(exponent: Expression) -> Expression | None:
    """x^n for e^(n·ln x), which is 0 for 0, too."""
    split = factors(exponent)
    logs = [
        f for f in split.parts if f.above and isinstance(f.part, Call) and f.part.function == "LN"
    ]
    if len(logs) != 1 or not isinstance(logs[0].part, Call) or logs[0].part.arguments[0] is None:
        return None
    rest = product([factor for factor in split.parts if factor is not logs[0]])
    power = Prefix("-", rest) if split.sign < 0 else rest
    return Infix("^", logs[0].part.arguments[0], power)


def _tidy_product(expression: Expression) -> Expression:
    split = factors(expression)
    sign, scale = split.sign, 1.0
    rest: list[Factor] = []
    for factor in split.parts:
        match factor:
            case Factor(Number(value), True):
                scale *= value
            case Factor(Infix("-", left, right), True) if sign < 0:
                sign = 1
                rest.append(Factor(Infix("-", right, left), True))
            case _:
                rest.append(factor)
    for factor in [factor for factor in rest if not factor.above]:  # x·y/x
        if Factor(factor.part, True) in rest:
            rest.remove(factor)
            rest.remove(Factor(factor.part, True))
    rest, scale = _scaled_within(rest, scale)
    for k, factor in enumerate(rest):  # (1 − t/p)·p
        match factor:
            case Factor(Infix("-", Number(1.0), Infix("/", part, per)), True):
                if Factor(per, True) in rest:
                    rest[k] = Factor(Infix("-", per, part), True)
                    rest.remove(Factor(per, True))
    if Factor(Number(scale), False) in rest:  # 2·x/2
        rest.remove(Factor(Number(scale), False))
        scale = 1.0
    if scale != 1 or not any(factor.above for factor in rest):
        rest.insert(0, Factor(Number(scale), True))
    return with_sign(sign, product(rest))
