"""What a formula means: Excel's functions, said with the ops of the graph.

A value is a node, a text, or a `Block` of those (a range, an array). A blank cell is None within
a block and 0 where a single value is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from gradbook.audit.pattern import inner
from gradbook.graph.node import Graph, Node
from gradbook.targets.excel.grammar import (
    Call,
    Expression,
    Infix,
    Number,
    Postfix,
    Prefix,
    Reference,
    Text,
)


class NotUnderstood(Exception):
    """Something in a formula that has no meaning here; the message names it."""


class LeadsBack(NotUnderstood):
    """A formula that is computed from itself."""

    def __init__(self, message: str, cell: int) -> None:
        super().__init__(message)
        self.cell = cell


@dataclass(frozen=True)
class Block:
    """Values side by side and one below the other."""

    rows: tuple[tuple[Node | str | None, ...], ...]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.rows), len(self.rows[0]) if self.rows else 0

    def numbers(self) -> Iterator[Node]:
        """The numbers among them: texts and blanks don't count."""
        yield from (value for row in self.rows for value in row if isinstance(value, Node))


Value = Node | str | None | Block
Look = Callable[[Reference], Value]


def meaning(graph: Graph, expression: Expression, look: Look) -> Value:
    """The value of a formula, `look` giving what its references stand for."""
    found: dict[int, Value] = {}
    waiting: list[tuple[Expression, bool]] = [(expression, False)]
    while waiting:  # no recursion: a sum may be thousands of terms deep
        part, ready = waiting.pop()
        if isinstance(part, Call) and part.function in _SPECIAL and not ready:
            found[id(part)] = _SPECIAL[part.function](graph, part, look)
        elif ready:
            found[id(part)] = _combined(graph, part, found)
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


def _combined(graph: Graph, part: Expression, found: dict[int, Value]) -> Value:
    match part:
        case Infix(operator, left, right):
            return infix(graph, operator, found[id(left)], found[id(right)])
        case Prefix("-", operand):
            return _each(lambda x: -number(graph, x), found[id(operand)])
        case Prefix(_, operand):
            return found[id(operand)]
        case Postfix(_, operand):
            return _each(lambda x: number(graph, x) / 100, found[id(operand)])
        case Call(function, arguments):
            given = [found[id(a)] if a is not None else None for a in arguments]
            return call(graph, function, given)
    raise NotUnderstood("a formula of an unknown kind")


def number(graph: Graph, value: Value) -> Node:
    """A single value as a number: a blank is 0, and so Excel reads digits in a text."""
    if isinstance(value, Node):
        return value
    if value is None:
        return graph.constant(0)
    if isinstance(value, Block):
        if value.shape == (1, 1):
            return number(graph, value.rows[0][0])
        raise NotUnderstood("a range where one value belongs")
    try:
        return graph.constant(float(value))
    except ValueError as error:
        raise NotUnderstood(f"the text {value[:30]!r} where a number belongs") from error


def _each(one: Callable[[Value], Node], value: Value) -> Value:
    if isinstance(value, Block):
        return Block(tuple(tuple(one(x) for x in row) for row in value.rows))
    return one(value)


def _pairs(one: Callable[[Value, Value], Value], a: Value, b: Value) -> Value:
    """Element by element; a single value, row or column goes with every one of the others."""
    if not isinstance(a, Block) and not isinstance(b, Block):
        return one(a, b)
    left, right = _block(a), _block(b)
    height = _common(left.shape[0], right.shape[0])
    width = _common(left.shape[1], right.shape[1])
    return Block(
        tuple(
            tuple(_single(one(_element(left, r, c), _element(right, r, c))) for c in range(width))
            for r in range(height)
        )
    )


def _single(value: Value) -> Node | str | None:
    assert not isinstance(value, Block)
    return value


def _block(value: Value) -> Block:
    return value if isinstance(value, Block) else Block(((value,),))


def _element(block: Block, row: int, column: int) -> Node | str | None:
    height, width = block.shape
    return block.rows[row if height > 1 else 0][column if width > 1 else 0]


def _common(a: int, b: int) -> int:
    if a == b or 1 in (a, b):
        return max(a, b)
    raise NotUnderstood("ranges of different sizes side by side")


def infix(graph: Graph, operator: str, a: Value, b: Value) -> Value:
    return _pairs(lambda x, y: _infix(graph, operator, x, y), a, b)


def _infix(graph: Graph, operator: str, a: Value, b: Value) -> Value:
    if operator == "&":
        return "joined text"
    if operator in _COMPARED and isinstance(a, str) | isinstance(b, str):
        return _texts(graph, operator, a, b)
    x, y = number(graph, a), number(graph, b)
    match operator:
        case "+":
            return x + y
        case "-":
            return x - y
        case "*":
            return x * y
        case "/":
            return _sigmoid(x, y) or x / y
        case "^":
            return power(x, y)
    return _COMPARED[operator](x, y)


def _sigmoid(above: Node, below: Node) -> Node | None:
    """1/(1 + e^−z), known as what it is, so that its derivative is a·(1 − a)."""
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
    """x to the n: as such where n is a number, else by way of the logarithm."""
    graph = x.graph
    if n.is_constant():
        return x**n
    if x.op.name == "exp":  # EXP(1)^n
        return graph.make("exp", n * x.inputs[0])
    return graph.make("exp", n * graph.make("log", x))


def _texts(graph: Graph, operator: str, a: Value, b: Value) -> Node:
    if operator not in ("=", "<>"):
        raise NotUnderstood("the order of texts")
    same = str(a or "").lower() == str(b or "").lower() if _both_texts(a, b) else False
    return graph.constant(float(same == (operator == "=")))


def _both_texts(a: Value, b: Value) -> bool:
    return all(value is None or isinstance(value, str) for value in (a, b))


def _positive(x: Node, then: Node | float, otherwise: Node | float) -> Node:
    return x.graph.make("choose", x, then, otherwise)


_COMPARED: dict[str, Callable[[Node, Node], Node]] = {
    ">": lambda a, b: _positive(a - b, 1, 0),
    "<": lambda a, b: _positive(b - a, 1, 0),
    ">=": lambda a, b: _positive(b - a, 0, 1),
    "<=": lambda a, b: _positive(a - b, 0, 1),
    "=": lambda a, b: _positive(a - b, 0, _positive(b - a, 0, 1)),
    "<>": lambda a, b: _positive(a - b, 1, _positive(b - a, 1, 0)),
}


def truth(graph: Graph, value: Value) -> Node:
    """A node above 0 where the condition holds."""
    condition = number(graph, value)
    if condition.op.name in ("choose", "constant"):
        return condition
    return condition * condition


def call(graph: Graph, function: str, given: Sequence[Value]) -> Value:
    """A function of its arguments."""
    word = function.removeprefix("_XLFN.").removeprefix("_XLWS.")
    if word in ELEMENTWISE and 1 <= len(given) <= 2:
        return _elementwise(graph, word, given)
    if word in GATHERING:
        try:
            return GATHERING[word](graph, given)
        except (TypeError, ValueError, IndexError) as error:
            raise NotUnderstood(f"{word} with these arguments") from error
    raise NotUnderstood(f"the function {function}")


def _elementwise(graph: Graph, word: str, given: Sequence[Value]) -> Value:
    one = ELEMENTWISE[word]
    try:
        if len(given) == 1:
            return _each(lambda x: one(number(graph, x)), given[0])
        return _pairs(lambda x, y: one(number(graph, x), number(graph, y)), given[0], given[1])
    except TypeError as error:
        raise NotUnderstood(f"{word} with {len(given)} arguments") from error


def _make(op: str) -> Callable[[Node], Node]:
    return lambda x: x.graph.make(op, x)


def _absolute(x: Node) -> Node:
    return _positive(x, x, -x)


def _logarithm(x: Node, base: Node | None = None) -> Node:
    """LOG: to the base of ten where none is given."""
    found = x.graph.make("log", x)
    if base is None:
        return found / math.log(10)
    return found / x.graph.make("log", base)


def _hyperbolic(sign: int) -> Callable[[Node], Node]:
    def made(x: Node) -> Node:
        up, down = x.graph.make("exp", x), x.graph.make("exp", -x)
        return (up + down) / 2 if sign > 0 else (up - down) / 2

    return made


ELEMENTWISE: dict[str, Callable[..., Node]] = {
    "EXP": _make("exp"),
    "LN": _make("log"),
    "SQRT": _make("sqrt"),
    "TANH": _make("tanh"),
    "COSH": _hyperbolic(1),
    "SINH": _hyperbolic(-1),
    "ABS": _absolute,
    "LOG": _logarithm,
    "LOG10": _logarithm,
    "POWER": power,
    "SIGN": lambda x: _positive(x, 1, _positive(-x, -1, 0)),
    "NOT": lambda x: _positive(truth(x.graph, x), 0, 1),
    "N": lambda x: x,
}


def _numbers(graph: Graph, given: Sequence[Value]) -> list[Node]:
    """Every number among the arguments; texts and blanks in ranges don't count."""
    found: list[Node] = []
    for value in given:
        if isinstance(value, Block):
            found.extend(value.numbers())
        elif value is not None:
            found.append(number(graph, value))
    return found


def _sum(graph: Graph, given: Sequence[Value]) -> Node:
    return _total(graph, _numbers(graph, given))


def _total(graph: Graph, numbers: Sequence[Node]) -> Node:
    return reduce(add, numbers) if numbers else graph.constant(0)


def _product(graph: Graph, given: Sequence[Value]) -> Node:
    return reduce(lambda a, b: a * b, _numbers(graph, given), graph.constant(1))


def _average(graph: Graph, given: Sequence[Value]) -> Node:
    numbers = _numbers(graph, given)
    if not numbers:
        raise NotUnderstood("AVERAGE of no numbers")
    return _total(graph, numbers) / len(numbers)


def _sumproduct(graph: Graph, given: Sequence[Value]) -> Node:
    if len({_block(value).shape for value in given}) > 1:
        raise NotUnderstood("SUMPRODUCT of ranges of different sizes")
    product = reduce(lambda a, b: _pairs(lambda x, y: _times(graph, x, y), a, b), given)
    return _total(graph, list(_block(product).numbers()))


def _times(graph: Graph, x: Value, y: Value) -> Node:
    if isinstance(x, str) or isinstance(y, str):
        return graph.constant(0)  # SUMPRODUCT reads a text as nothing
    return number(graph, x) * number(graph, y)


def _sum_of(one: Callable[[Node, Node], Node]) -> Callable[[Graph, Sequence[Value]], Node]:
    def made(graph: Graph, given: Sequence[Value]) -> Node:
        a, b = given
        both = _pairs(lambda x, y: one(number(graph, x), number(graph, y)), a, b)
        return _total(graph, list(_block(both).numbers()))

    return made


def _largest(graph: Graph, given: Sequence[Value]) -> Node:
    numbers = _numbers(graph, given)
    return graph.make("largest", *numbers) if len(numbers) > 1 else _total(graph, numbers)


def _smallest(graph: Graph, given: Sequence[Value]) -> Node:
    return -_largest(graph, [-x for x in _numbers(graph, given)])


def _matrix_product(graph: Graph, given: Sequence[Value]) -> Block:
    a, b = (_block(value) for value in given)
    if a.shape[1] != b.shape[0]:
        raise NotUnderstood("MMULT of ranges that don't fit each other")
    return Block(
        tuple(
            tuple(
                _total(
                    graph,
                    [
                        number(graph, a.rows[r][k]) * number(graph, b.rows[k][c])
                        for k in range(a.shape[1])
                    ],
                )
                for c in range(b.shape[1])
            )
            for r in range(a.shape[0])
        )
    )


def _index(graph: Graph, given: Sequence[Value]) -> Value:
    """One of a range's cells, counted from 1; in a single row or column one number is enough."""
    block = _block(given[0])
    wanted = [number(graph, value) for value in given[1:]]
    if not all(node.is_constant() for node in wanted) or not wanted:
        raise NotUnderstood("INDEX by what is computed")
    places = [int(node.number) - 1 for node in wanted]
    if len(places) == 1:
        places = [0, *places] if block.shape[0] == 1 else [*places, 0]
    row, column = places
    if not (0 <= row < block.shape[0] and 0 <= column < block.shape[1]):
        raise NotUnderstood("INDEX outside of its range")
    return block.rows[row][column]


def _if(graph: Graph, given: Sequence[Value]) -> Value:
    condition = truth(graph, given[0])
    then = given[1] if len(given) > 1 else graph.constant(1)
    otherwise = given[2] if len(given) > 2 else graph.constant(0)
    if condition.is_constant():
        return then if condition.number > 0 else otherwise
    if isinstance(then, str) or isinstance(otherwise, str):
        raise NotUnderstood("an IF that may give a text")
    return _pairs(
        lambda x, y: _positive(condition, number(graph, x), number(graph, y)), then, otherwise
    )


def _all(graph: Graph, given: Sequence[Value]) -> Node:
    conditions = [truth(graph, value) for value in _numbers(graph, given)]
    return reduce(lambda a, b: _positive(a, _positive(b, 1, 0), 0), conditions)


def _any(graph: Graph, given: Sequence[Value]) -> Node:
    conditions = [truth(graph, value) for value in _numbers(graph, given)]
    return reduce(lambda a, b: _positive(a, 1, _positive(b, 1, 0)), conditions)


GATHERING: dict[str, Callable[[Graph, Sequence[Value]], Value]] = {
    "SUM": _sum,
    "PRODUCT": _product,
    "AVERAGE": _average,
    "SUMSQ": lambda graph, given: _total(graph, [x**2 for x in _numbers(graph, given)]),
    "SUMPRODUCT": _sumproduct,
    "SUMXMY2": _sum_of(lambda x, y: (x - y) ** 2),
    "SUMX2MY2": _sum_of(lambda x, y: x**2 - y**2),
    "SUMX2PY2": _sum_of(lambda x, y: x**2 + y**2),
    "MAX": _largest,
    "MIN": _smallest,
    "COUNT": lambda graph, given: graph.constant(len(_numbers(graph, given))),
    "PI": lambda graph, given: graph.constant(math.pi),
    "TRUE": lambda graph, given: graph.constant(1),
    "FALSE": lambda graph, given: graph.constant(0),
    "MMULT": _matrix_product,
    "TRANSPOSE": lambda graph, given: Block(tuple(zip(*_block(given[0]).rows, strict=True))),
    "INDEX": _index,
    "IF": _if,
    "IFERROR": lambda graph, given: given[0],
    "AND": _all,
    "OR": _any,
}


def _let(graph: Graph, part: Call, look: Look) -> Value:
    """LET(name, value, …, result): each name stands for its value from there on."""
    known: dict[str, Value] = {}

    def aware(reference: Reference) -> Value:
        word = reference.text.lower()
        return known[word] if word in known else look(reference)

    *pairs, result = part.arguments
    if len(pairs) % 2 or result is None:
        raise NotUnderstood("this LET")
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        if not isinstance(name, Reference) or value is None:
            raise NotUnderstood("this LET")
        known[name.text.lower().removeprefix("_xlpm.")] = meaning(graph, value, aware)
        known[name.text.lower()] = known[name.text.lower().removeprefix("_xlpm.")]
    return meaning(graph, result, aware)


_SPECIAL: dict[str, Callable[[Graph, Call, Look], Value]] = {
    "LET": _let,
    "_XLFN.LET": _let,
}
