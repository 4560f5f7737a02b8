"""Excel's functions, in ops of the graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial, reduce
from operator import add, mul

from gradbook.audit.formula.values import (
    CellBlock,
    Meaning,
    NotUnderstood,
    as_block,
    each,
    if_positive,
    number,
    pairs,
    power,
    refuse_many,
    truth,
)
from gradbook.graph.node import Graph, Node


def call(graph: Graph, function: str, given: Sequence[Meaning]) -> Meaning:
    """A function of its arguments."""
    word = function.removeprefix("_XLFN.").removeprefix("_XLWS.")
    try:
        if word in ELEMENTWISE and len(given) == 1:
            return each(lambda x: ELEMENTWISE[word](number(graph, x)), given[0])
        if word in ELEMENTWISE and len(given) == 2:
            return _by_pairs(graph, ELEMENTWISE[word], *given)
        if word in _OF_ALL:
            return _OF_ALL[word](graph, given)
    except (TypeError, ValueError, IndexError) as error:
        these = f"{len(given)}" if word in ELEMENTWISE else "these"
        raise NotUnderstood(f"{word} with {these} arguments") from error
    raise NotUnderstood(f"the function {function}")


def _by_pairs(graph: Graph, one: Callable[[Node, Node], Node], a: Meaning, b: Meaning) -> Meaning:
    return pairs(lambda x, y: one(number(graph, x), number(graph, y)), a, b)


# Of one value at a time -------------------------------------------------------


def _op(name: str) -> Callable[[Node], Node]:
    return lambda x: x.graph.make(name, x)


def _logarithm(x: Node, base: Node | None = None) -> Node:
    """LOG: to the base of ten where none is given."""
    found = x.graph.make("log", x)
    return found / (math.log(10) if base is None else x.graph.make("log", base))


def _whole(x: Node, *digits: Node) -> Node:
    """ROUND, INT and TRUNC of what is 0 or 1 already, or between the two."""
    if x.op.name == "sigmoid" and len(digits) == 1 and digits[0].is_constant(0):
        return if_positive(0.5 - x, 0, 1)
    if x.op.name == "choose" and all(
        n.is_constant() and n.number.is_integer() for n in x.inputs[1:]
    ):
        return x
    raise NotUnderstood("a rounding of more than 0 and 1")


_exp = _op("exp")

ELEMENTWISE: dict[str, Callable[..., Node]] = {
    "EXP": _exp,
    "LN": _op("log"),
    "SQRT": _op("sqrt"),
    "TANH": _op("tanh"),
    "NORMSDIST": _op("normal_share"),
    "ERF": lambda x: 2 * x.graph.make("normal_share", x * math.sqrt(2)) - 1,
    "COSH": lambda x: (_exp(x) + _exp(-x)) / 2,
    "SINH": lambda x: (_exp(x) - _exp(-x)) / 2,
    "ABS": lambda x: if_positive(x, x, -x),
    "LOG": _logarithm,
    "LOG10": _logarithm,
    "POWER": power,
    "POW": power,
    "SIGN": lambda x: if_positive(x, 1, if_positive(-x, -1, 0)),
    "NOT": lambda x: if_positive(truth(x.graph, x), 0, 1),
    "N": lambda x: x,
    "INT": _whole,
    "TRUNC": _whole,
    "ROUND": _whole,
}


# Of everything they are given -------------------------------------------------


def _numbers(graph: Graph, given: Sequence[Meaning]) -> list[Node]:
    """Every number among the arguments; texts and blanks in ranges don't count."""
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
        raise NotUnderstood("AVERAGE of no numbers")
    return _total(graph, numbers) / len(numbers)


def _sumproduct(graph: Graph, given: Sequence[Meaning]) -> Node:
    if len({as_block(value).shape for value in given}) > 1:
        raise NotUnderstood("SUMPRODUCT of ranges of different sizes")

    def times(x: Meaning, y: Meaning) -> Node:
        if isinstance(x, str) or isinstance(y, str):
            return graph.constant(0)  # SUMPRODUCT reads a text as nothing
        return number(graph, x) * number(graph, y)

    return _total(graph, list(as_block(reduce(partial(pairs, times), given)).numbers()))


def _sum_of(one: Callable[[Node, Node], Node]) -> Callable[[Graph, Sequence[Meaning]], Node]:
    def made(graph: Graph, given: Sequence[Meaning]) -> Node:
        a, b = given
        return _total(graph, list(as_block(_by_pairs(graph, one, a, b)).numbers()))

    return made


def _largest(graph: Graph, numbers: Sequence[Node]) -> Node:
    return graph.make("largest", *numbers) if len(numbers) > 1 else _total(graph, numbers)


def _matrix_product(graph: Graph, given: Sequence[Meaning]) -> CellBlock:
    a, b = (as_block(value) for value in given)
    if a.shape[1] != b.shape[0]:
        raise NotUnderstood("MMULT of ranges that don't fit each other")

    def dot(row: Sequence[Meaning], column: Sequence[Meaning]) -> Node:
        both = zip(row, column, strict=True)
        return _total(graph, [number(graph, x) * number(graph, y) for x, y in both])

    refuse_many(a.shape[0] * a.shape[1] * b.shape[1])
    columns = list(zip(*b.rows, strict=True))
    return CellBlock(tuple(tuple(dot(row, column) for column in columns) for row in a.rows))


def _index(graph: Graph, given: Sequence[Meaning]) -> Meaning:
    """One of a range's cells, counted from 1; in a single row or column one number is enough."""
    block = as_block(given[0])
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


def _if(graph: Graph, given: Sequence[Meaning]) -> Meaning:
    condition = truth(graph, given[0])
    then = given[1] if len(given) > 1 else graph.constant(1)
    otherwise = given[2] if len(given) > 2 else graph.constant(0)
    if condition.is_constant():
        return then if condition.number > 0 else otherwise
    if isinstance(then, str) or isinstance(otherwise, str):
        raise NotUnderstood("an IF that may give a text")
    return _by_pairs(graph, partial(if_positive, condition), then, otherwise)


def _truths(graph: Graph, given: Sequence[Meaning]) -> list[Node]:
    return [truth(graph, value) for value in _numbers(graph, given)]


_OF_ALL: dict[str, Callable[[Graph, Sequence[Meaning]], Meaning]] = {
    "SUM": lambda graph, given: _total(graph, _numbers(graph, given)),
    "PRODUCT": lambda graph, given: reduce(mul, _numbers(graph, given), graph.constant(1)),
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
