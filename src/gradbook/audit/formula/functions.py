"""Excel's functions, said with the ops of the graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from operator import add

from gradbook.audit.formula.values import (
    Block,
    NotUnderstood,
    Value,
    as_block,
    each,
    if_positive,
    number,
    pairs,
    power,
    truth,
)
from gradbook.graph.node import Graph, Node


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
            return each(lambda x: one(number(graph, x)), given[0])
        return pairs(lambda x, y: one(number(graph, x), number(graph, y)), given[0], given[1])
    except TypeError as error:
        raise NotUnderstood(f"{word} with {len(given)} arguments") from error


def _make(op: str) -> Callable[[Node], Node]:
    return lambda x: x.graph.make(op, x)


def _absolute(x: Node) -> Node:
    return if_positive(x, x, -x)


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
    "SIGN": lambda x: if_positive(x, 1, if_positive(-x, -1, 0)),
    "NOT": lambda x: if_positive(truth(x.graph, x), 0, 1),
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
    if len({as_block(value).shape for value in given}) > 1:
        raise NotUnderstood("SUMPRODUCT of ranges of different sizes")
    product = reduce(lambda a, b: pairs(lambda x, y: _times(graph, x, y), a, b), given)
    return _total(graph, list(as_block(product).numbers()))


def _times(graph: Graph, x: Value, y: Value) -> Node:
    if isinstance(x, str) or isinstance(y, str):
        return graph.constant(0)  # SUMPRODUCT reads a text as nothing
    return number(graph, x) * number(graph, y)


def _sum_of(one: Callable[[Node, Node], Node]) -> Callable[[Graph, Sequence[Value]], Node]:
    def made(graph: Graph, given: Sequence[Value]) -> Node:
        a, b = given
        both = pairs(lambda x, y: one(number(graph, x), number(graph, y)), a, b)
        return _total(graph, list(as_block(both).numbers()))

    return made


def _largest(graph: Graph, given: Sequence[Value]) -> Node:
    numbers = _numbers(graph, given)
    return graph.make("largest", *numbers) if len(numbers) > 1 else _total(graph, numbers)


def _smallest(graph: Graph, given: Sequence[Value]) -> Node:
    return -_largest(graph, [-x for x in _numbers(graph, given)])


def _matrix_product(graph: Graph, given: Sequence[Value]) -> Block:
    a, b = (as_block(value) for value in given)
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


def _if(graph: Graph, given: Sequence[Value]) -> Value:
    condition = truth(graph, given[0])
    then = given[1] if len(given) > 1 else graph.constant(1)
    otherwise = given[2] if len(given) > 2 else graph.constant(0)
    if condition.is_constant():
        return then if condition.number > 0 else otherwise
    if isinstance(then, str) or isinstance(otherwise, str):
        raise NotUnderstood("an IF that may give a text")
    return pairs(
        lambda x, y: if_positive(condition, number(graph, x), number(graph, y)), then, otherwise
    )


def _all(graph: Graph, given: Sequence[Value]) -> Node:
    conditions = [truth(graph, value) for value in _numbers(graph, given)]
    return reduce(lambda a, b: if_positive(a, if_positive(b, 1, 0), 0), conditions)


def _any(graph: Graph, given: Sequence[Value]) -> Node:
    conditions = [truth(graph, value) for value in _numbers(graph, given)]
    return reduce(lambda a, b: if_positive(a, 1, if_positive(b, 1, 0)), conditions)


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
    "TRANSPOSE": lambda graph, given: Block(tuple(zip(*as_block(given[0]).rows, strict=True))),
    "INDEX": _index,
    "IF": _if,
    "IFERROR": lambda graph, given: given[0],
    "AND": _all,
    "OR": _any,
}
