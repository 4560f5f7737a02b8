"""The meaning of a formula: its parts, from the innermost outwards, as ops of the graph.

A part is a node, a text, or a block of those. A blank cell is None within a block, and 0 where a
single value is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import add, sub

from gradbook.cells.formula.expression import inner
from gradbook.cells.formula.rounding import (
    SHOWN,
    cut_off,
    product,
    rounded,
    rounded_down,
    rounded_up,
)
from gradbook.graph.node import Graph, Node
from gradbook.language.message import Message, message_count
from gradbook.targets.excel.language import (
    Call,
    Expression,
    Infix,
    Number,
    Postfix,
    Prefix,
    Reference,
    Text,
)

# Values -----------------------------------------------------------------------


class NotUnderstood(Exception):
    """A part of a formula that isn't supported; the message names it."""


class TooMuch(NotUnderstood):
    """More cells or values than can be followed; the formula may well have a meaning."""


class LeadsBack(NotUnderstood):
    """A formula that depends on itself."""

    def __init__(self, message: str, cell: int) -> None:
        super().__init__(message)
        self.cell = cell


Single = Node | str | None
MOST_VALUES = 50_000  # values in one part of a formula
MOST_DIGITS = 15  # digits to which numbers are rounded


@dataclass(frozen=True)
class CellBlock:
    """Values in rows and columns: a range or an array."""

    rows: tuple[tuple[Single, ...], ...]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.rows), len(self.rows[0]) if self.rows else 0

    def numbers(self) -> Iterator[Node]:
        """The numbers among the values; texts and blanks are skipped."""
        yield from (value for row in self.rows for value in row if isinstance(value, Node))

    def at(self, row: int, column: int) -> Single:
        """One of the values; a single row or column is repeated as often as needed."""
        height, width = self.shape
        return self.rows[row if height > 1 else 0][column if width > 1 else 0]


Meaning = Single | CellBlock
Lookup = Callable[[Reference], Meaning]


def as_block(value: Meaning) -> CellBlock:
    return value if isinstance(value, CellBlock) else CellBlock(((value,),))


def number(graph: Graph, value: Meaning) -> Node:
    """A single value as a number: a blank is 0, and a text of digits is read, as in Excel."""
    if isinstance(value, Node):
        return value
    if value is None:
        return graph.constant(0)
    if isinstance(value, CellBlock):
        if value.shape == (1, 1):
            return number(graph, value.rows[0][0])
        raise NotUnderstood(Message("a range where one value belongs"))
    try:
        return graph.constant(float(value))
    except ValueError as error:
        what = Message("the text {text} where a number belongs", text=repr(value[:30]))
        raise NotUnderstood(what) from error


def map_values(one: Callable[[Meaning], Node], value: Meaning) -> Meaning:
    if isinstance(value, CellBlock):
        return CellBlock(tuple(tuple(one(x) for x in row) for row in value.rows))
    return one(value)


def pairs(one: Callable[[Single, Single], Single], a: Meaning, b: Meaning) -> Meaning:
    """Element by element; a single value, row or column is repeated to fit, as Excel does."""
    if not isinstance(a, CellBlock) and not isinstance(b, CellBlock):
        return one(a, b)
    left, right = as_block(a), as_block(b)
    height, width = map(_common, left.shape, right.shape)
    refuse_many(height * width)
    return CellBlock(
        tuple(
            tuple(one(left.at(r, c), right.at(r, c)) for c in range(width)) for r in range(height)
        )
    )


def refuse_many(count: int) -> None:
    """Raise TooMuch for too many values: a column times a row has their product."""
    if count > MOST_VALUES:
        raise TooMuch(f"more than {MOST_VALUES:,} values at once")


def _common(a: int, b: int) -> int:
    if a == b or 1 in (a, b):
        return max(a, b)
    raise NotUnderstood(Message("ranges of different sizes in one operation"))


# Operators --------------------------------------------------------------------


def infix(graph: Graph, operator: str, a: Meaning, b: Meaning) -> Meaning:
    return pairs(lambda x, y: _infix(graph, operator, x, y), a, b)


def _infix(graph: Graph, operator: str, a: Single, b: Single) -> Single:
    if operator == "&":
        return "joined text"
    if operator not in "+-*/^" and isinstance(a, str) | isinstance(b, str):
        return _texts(graph, operator, a, b)
    return _ON_NUMBERS[operator](number(graph, a), number(graph, b))


def _sigmoid(above: Node, below: Node) -> Node | None:
    """1/(1 + e^−z) as a sigmoid, so that its derivative is a·(1 − a); None for anything else."""
    if not above.is_constant(1) or below.op.name != "add":
        return None
    a, b = below.inputs
    one, power = (a, b) if a.is_constant(1) else (b, a)
    if not one.is_constant(1) or power.op.name != "exp":
        return None
    (exponent,) = power.inputs
    if exponent.op.name == "negate":
        return above.graph.make("sigmoid", exponent.inputs[0])
    if exponent.op.name == "multiply" and exponent.inputs[0].is_constant(-1):
        return above.graph.make("sigmoid", exponent.inputs[1])
    return None


def power(x: Node, n: Node) -> Node:
    """x to the power n: directly if n is a number, otherwise through the logarithm."""
    graph = x.graph
    if n.is_constant(-1):
        return _sigmoid(graph.constant(1.0), x) or x**n
    if n.is_constant():
        return x**n
    if x.op.name == "exp":  # EXP(1)^n
        return graph.make("exp", n * x.inputs[0])
    return graph.make("exp", n * graph.make("log", x))


def _texts(graph: Graph, operator: str, a: Single, b: Single) -> Node:
    """Compare texts; a number equals none of them."""
    if operator not in ("=", "<>"):
        raise NotUnderstood(Message("a comparison of texts by order"))
    both = not isinstance(a, Node) and not isinstance(b, Node)
    same = both and str(a or "").lower() == str(b or "").lower()
    return graph.constant(float(same == (operator == "=")))


def if_positive(x: Node, then: Node | float, otherwise: Node | float) -> Node:
    return x.graph.make("choose", x, then, otherwise)


_ON_NUMBERS: dict[str, Callable[[Node, Node], Node]] = {
    "+": add,
    "-": sub,
    "*": product,
    "/": lambda a, b: _sigmoid(a, b) or a / b,
    "^": power,
    ">": lambda a, b: if_positive(a - b, 1, 0),
    "<": lambda a, b: if_positive(b - a, 1, 0),
    ">=": lambda a, b: if_positive(b - a, 0, 1),
    "<=": lambda a, b: if_positive(a - b, 0, 1),
    "=": lambda a, b: if_positive(a - b, 0, if_positive(b - a, 0, 1)),
    "<>": lambda a, b: if_positive(a - b, 1, if_positive(b - a, 1, 0)),
}


def truth(graph: Graph, value: Meaning) -> Node:
    """A node that is above 0 if the condition is true."""
    condition = number(graph, value)
    if condition.op.name in ("choose", "constant"):
        return condition
    return condition * condition


# Functions --------------------------------------------------------------------


def call(graph: Graph, function: str, given: Sequence[Meaning]) -> Meaning:
    """Apply a function to its arguments."""
    word = function.removeprefix("_XLFN.").removeprefix("_XLWS.")
    try:
        if word in ELEMENTWISE and len(given) == 1:
            return map_values(lambda x: ELEMENTWISE[word](number(graph, x)), given[0])
        if word in ELEMENTWISE and len(given) == 2:
            return _by_pairs(graph, ELEMENTWISE[word], *given)
        if word in _OF_ALL:
            return _OF_ALL[word](graph, given)
    except (TypeError, ValueError, IndexError) as error:
        what = Message("{function} with these arguments", function=word)
        if word in ELEMENTWISE:
            what = message_count(
                "{function} with {count} argument",
                "{function} with {count} arguments",
                len(given),
                function=word,
            )
        raise NotUnderstood(what) from error
    raise NotUnderstood(Message("the function {function}", function=function))


def _by_pairs(graph: Graph, one: Callable[[Node, Node], Node], a: Meaning, b: Meaning) -> Meaning:
    return pairs(lambda x, y: one(number(graph, x), number(graph, y)), a, b)


# Functions of one value at a time ---------------------------------------------


def _op(name: str) -> Callable[[Node], Node]:
    return lambda x: x.graph.make(name, x)


def _logarithm(x: Node, base: Node | None = None) -> Node:
    """LOG: to base 10 unless another is given."""
    found = x.graph.make("log", x)
    return found / (math.log(10) if base is None else x.graph.make("log", base))


def _rounding(one: Callable[[Node], Node]) -> Callable[..., Node]:
    """ROUND, INT and the like, to a number of digits if one is given. A number that is 0 or 1, or a
    sigmoid, which is between them, needs only a comparison."""

    def make(x: Node, *digits: Node) -> Node:
        if x.op.name == "sigmoid" and len(digits) == 1 and digits[0].is_constant(0):
            return if_positive(0.5 - x, 0, 1)
        if x.op.name == "choose" and all(
            n.is_constant() and n.number.is_integer() for n in x.inputs[1:]
        ):
            return x
        if not all(n.is_constant() and abs(n.number) <= MOST_DIGITS for n in digits):
            raise ValueError("digits that are computed")
        power = 10.0 ** int(digits[0].number) if digits else 1.0
        if power <= 1:
            return one(x) if power == 1 else one(x * power) / power
        return x.graph.make(SHOWN, x, one(x * power) / power)

    return make


def _multiple(one: Callable[[Node], Node]) -> Callable[..., Node]:
    """MROUND and the like: a nearby multiple."""
    return lambda x, of=1: product(x.graph.constant(1) * of, one(x / of))


_exp = _op("exp")

ROUNDING: dict[str, Callable[..., Node]] = {
    "INT": _rounding(rounded_down),
    "TRUNC": _rounding(cut_off),
    "ROUND": _rounding(rounded),
    "ROUNDDOWN": _rounding(cut_off),
    "ROUNDUP": _rounding(rounded_up),
    "MROUND": _multiple(rounded),
    "FLOOR": _multiple(rounded_down),
    "FLOOR.MATH": _multiple(rounded_down),
    "CEILING": _multiple(lambda x: -rounded_down(-x)),
    "CEILING.MATH": _multiple(lambda x: -rounded_down(-x)),
}
ELEMENTWISE: dict[str, Callable[..., Node]] = {
    "EXP": _exp,
    "LN": _op("log"),
    "SQRT": _op("sqrt"),
    "TANH": _op("tanh"),
    "NORMSDIST": _op("normal_share"),
    "ERF": lambda x: 2 * x.graph.make("normal_share", x * math.sqrt(2)) - 1,
    "COSH": lambda x: (_exp(x) + _exp(-x)) / 2,
    "SIN": _op("sin"),
    "COS": _op("cos"),
    "TAN": lambda x: x.graph.make("sin", x) / x.graph.make("cos", x),
    "SINH": lambda x: (_exp(x) - _exp(-x)) / 2,
    "ABS": lambda x: if_positive(x, x, -x),
    "LOG": _logarithm,
    "LOG10": _logarithm,
    "POWER": power,
    "POW": power,
    "SIGN": lambda x: if_positive(x, 1, if_positive(-x, -1, 0)),
    "NOT": lambda x: if_positive(truth(x.graph, x), 0, 1),
    "N": lambda x: x,
    **ROUNDING,
}


# Functions of all their arguments ----------------------------------------------


def _numbers(graph: Graph, given: Sequence[Meaning]) -> list[Node]:
    """Every number among the arguments; texts and blanks in ranges are skipped."""
    found: list[Node] = []
    for value in given:
        if isinstance(value, CellBlock):
            found.extend(value.numbers())
        elif value is not None:
            found.append(number(graph, value))
    return found


def _total(graph: Graph, numbers: Sequence[Node]) -> Node:
    return reduce(add, numbers) if numbers else graph.constant(0)


def _average(graph: Graph, given: Sequence[Meaning]) -> Node:
    numbers = _numbers(graph, given)
    if not numbers:
        raise NotUnderstood(Message("AVERAGE without numbers"))
    return _total(graph, numbers) / len(numbers)


def _sumproduct(graph: Graph, given: Sequence[Meaning]) -> Node:
    if len({as_block(value).shape for value in given}) > 1:
        raise NotUnderstood(Message("SUMPRODUCT of ranges of different sizes"))

    def times(x: Meaning, y: Meaning) -> Node:
        if isinstance(x, str) or isinstance(y, str):
            return graph.constant(0)  # SUMPRODUCT treats a text as 0
        return number(graph, x) * number(graph, y)

    return _total(graph, list(as_block(reduce(partial(pairs, times), given)).numbers()))


def _sum_of(one: Callable[[Node, Node], Node]) -> Callable[[Graph, Sequence[Meaning]], Node]:
    def add_up(graph: Graph, given: Sequence[Meaning]) -> Node:
        a, b = given
        return _total(graph, list(as_block(_by_pairs(graph, one, a, b)).numbers()))

    return add_up


def _largest(graph: Graph, numbers: Sequence[Node]) -> Node:
    return graph.make("largest", *numbers) if len(numbers) > 1 else _total(graph, numbers)


def _matrix_product(graph: Graph, given: Sequence[Meaning]) -> CellBlock:
    a, b = (as_block(value) for value in given)
    if a.shape[1] != b.shape[0]:
        raise NotUnderstood(Message("MMULT of ranges that don't fit each other"))

    def dot(row: Sequence[Meaning], column: Sequence[Meaning]) -> Node:
        both = zip(row, column, strict=True)
        return _total(graph, [number(graph, x) * number(graph, y) for x, y in both])

    refuse_many(a.shape[0] * a.shape[1] * b.shape[1])
    columns = list(zip(*b.rows, strict=True))
    return CellBlock(tuple(tuple(dot(row, column) for column in columns) for row in a.rows))


def _index(graph: Graph, given: Sequence[Meaning]) -> Meaning:
    """One cell of a range, counted from 1; for a single row or column one number is enough."""
    block = as_block(given[0])
    wanted = [number(graph, value) for value in given[1:]]
    if not all(node.is_constant() for node in wanted) or not wanted:
        raise NotUnderstood(Message("INDEX with a computed position"))
    places = [int(node.number) - 1 for node in wanted]
    if len(places) == 1:
        places = [0, *places] if block.shape[0] == 1 else [*places, 0]
    row, column = places
    if not (0 <= row < block.shape[0] and 0 <= column < block.shape[1]):
        raise NotUnderstood(Message("INDEX outside its range"))
    return block.rows[row][column]


def _if(graph: Graph, given: Sequence[Meaning]) -> Meaning:
    condition = truth(graph, given[0])
    then = given[1] if len(given) > 1 else graph.constant(1)
    otherwise = given[2] if len(given) > 2 else graph.constant(0)
    if condition.is_constant():
        return then if condition.number > 0 else otherwise
    if isinstance(then, str) or isinstance(otherwise, str):
        raise NotUnderstood(Message("an IF that may give a text"))
    return _by_pairs(graph, partial(if_positive, condition), then, otherwise)


def _truths(graph: Graph, given: Sequence[Meaning]) -> list[Node]:
    return [truth(graph, value) for value in _numbers(graph, given)]


_OF_ALL: dict[str, Callable[[Graph, Sequence[Meaning]], Meaning]] = {
    "SUM": lambda graph, given: _total(graph, _numbers(graph, given)),
    "PRODUCT": lambda graph, given: reduce(product, _numbers(graph, given), graph.constant(1)),
    "AVERAGE": _average,
    "SUMSQ": lambda graph, given: _total(graph, [x**2 for x in _numbers(graph, given)]),
    "SUMPRODUCT": _sumproduct,
    "SUMXMY2": _sum_of(lambda x, y: (x - y) ** 2),
    "SUMX2MY2": _sum_of(lambda x, y: x**2 - y**2),
    "SUMX2PY2": _sum_of(lambda x, y: x**2 + y**2),
    "MAX": lambda graph, given: _largest(graph, _numbers(graph, given)),
    "MIN": lambda graph, given: -_largest(graph, [-x for x in _numbers(graph, given)]),
    "COUNT": lambda graph, given: graph.constant(len(_numbers(graph, given))),
    "PI": lambda graph, given: graph.constant(math.pi),
    "TRUE": lambda graph, given: graph.constant(1),
    "FALSE": lambda graph, given: graph.constant(0),
    "MMULT": _matrix_product,
    "TRANSPOSE": lambda graph, given: CellBlock(tuple(zip(*as_block(given[0]).rows, strict=True))),
    "INDEX": _index,
    "IF": _if,
    "IFERROR": lambda graph, given: given[0],
    "AND": lambda graph, given: reduce(
        lambda a, b: if_positive(a, if_positive(b, 1, 0), 0), _truths(graph, given)
    ),
    "OR": lambda graph, given: reduce(
        lambda a, b: if_positive(a, 1, if_positive(b, 1, 0)), _truths(graph, given)
    ),
}


# Whole formulas ---------------------------------------------------------------

_PARAMETER = "_xlpm."  # before each name of a LET, in the file


def meaning(graph: Graph, expression: Expression, look: Lookup) -> Meaning:
    """The value of a formula; `look` returns the meaning of its references."""
    found: dict[int, Meaning] = {}
    waiting: list[tuple[Expression, bool]] = [(expression, False)]
    while waiting:  # not recursive: a sum may be thousands of terms deep
        part, ready = waiting.pop()
        if ready:
            found[id(part)] = _combined(graph, part, found)
        elif isinstance(part, Call) and part.function in ("LET", "_XLFN.LET"):
            found[id(part)] = _let(graph, part, look)
        elif isinstance(part, Reference):
            found[id(part)] = look(part)
        elif isinstance(part, Number):
            found[id(part)] = graph.constant(part.value)
        elif isinstance(part, Text):
            found[id(part)] = part.value
        else:
            waiting.append((part, True))
            waiting.extend((piece, False) for piece in inner(part))
    return found[id(expression)]


def _combined(graph: Graph, part: Expression, found: dict[int, Meaning]) -> Meaning:
    match part:
        case Infix(operator, left, right):
            return infix(graph, operator, found[id(left)], found[id(right)])
        case Prefix("-", operand):
            return map_values(lambda x: -number(graph, x), found[id(operand)])
        case Prefix(_, operand):
            return found[id(operand)]
        case Postfix(_, operand):
            return map_values(lambda x: number(graph, x) / 100, found[id(operand)])
        case Call(function, arguments):
            given = [found[id(a)] if a is not None else None for a in arguments]
            return call(graph, function, given)
    raise NotUnderstood(Message("a formula of an unknown kind"))


def _let(graph: Graph, part: Call, look: Lookup) -> Meaning:
    """LET(name, value, …, result): each name means its value from there on."""
    known: dict[str, Meaning] = {}

    def aware(reference: Reference) -> Meaning:
        word = reference.text.lower()
        return known[word] if word in known else look(reference)

    if len(part.arguments) % 2 == 0:
        raise NotUnderstood(Message("a LET without pairs of names and values"))
    *pairs, result = part.arguments
    if result is None:
        raise NotUnderstood(Message("a LET without pairs of names and values"))
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        if not isinstance(name, Reference) or value is None:
            raise NotUnderstood(Message("a LET without pairs of names and values"))
        word = name.text.lower()
        known[word] = known[word.removeprefix(_PARAMETER)] = meaning(graph, value, aware)
    return meaning(graph, result, aware)
