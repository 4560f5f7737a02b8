"""The table of functions: each name with its meaning as ops of the graph.

Functions of single values have their slopes as formulas, too. What decides (a position, a key, a
condition, a count, a date) is held fixed: it counts at the cells' present values, where those are
known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from operator import add

from gradbook.cells.formula.elementwise import ELEMENTWISE
from gradbook.cells.formula.operators import if_positive, truth
from gradbook.cells.formula.rounding import product
from gradbook.cells.formula.values import (
    CellBlock,
    Elementwise,
    Meaning,
    NotUnderstood,
    aligned,
    as_block,
    number,
    pairs,
    refuse_many,
)
from gradbook.graph.node import Graph, Node
from gradbook.language.message import Message, message_count


def plain_name(function: str) -> str:
    """A function's name without the prefix that files give to newer ones."""
    return function.removeprefix("_XLFN.").removeprefix("_XLWS.")


def call(graph: Graph, function: str, given: Sequence[Meaning]) -> Meaning:
    """Apply a function to its arguments."""
    word = plain_name(function)
    try:
        if word in ELEMENTWISE and given:
            return _by_elements(graph, ELEMENTWISE[word], given)
        if word in FUNCTIONS:
            return FUNCTIONS[word](graph, given)
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


def _by_elements(graph: Graph, function: Elementwise, given: Sequence[Meaning]) -> Meaning:
    return aligned(lambda *one: function.meaning(*(number(graph, x) for x in one)), tuple(given))


def _by_pairs(graph: Graph, one: Callable[[Node, Node], Node], a: Meaning, b: Meaning) -> Meaning:
    return pairs(lambda x, y: one(number(graph, x), number(graph, y)), a, b)


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


FUNCTIONS: Mapping[str, Callable[[Graph, Sequence[Meaning]], Meaning]] = {
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
