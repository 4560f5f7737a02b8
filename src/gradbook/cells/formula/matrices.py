"""Functions of matrices: products, inverses, determinants, and lines through points.

A regression with several columns of x solves its normal equations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import mul

from gradbook.cells.budget import spend_exactly
from gradbook.cells.formula.formula_values import (
    COST,
    CellBlock,
    Meaning,
    NoElse,
    NotUnderstood,
    TooMuch,
    as_block,
    error,
    number,
    present,
    present_number,
    refuse_many,
    whole_number,
)
from gradbook.cells.formula.totals import mean, total
from gradbook.graph.node import Graph, Node
from gradbook.language.message import Message

MOST_ROWS = 40  # of a matrix that is inverted
Row = list[Node]


def _numbers(graph: Graph, value: Meaning) -> list[Row]:
    return [
        [error(graph) if isinstance(x, NoElse) else number(graph, x) for x in row]
        for row in as_block(value).rows
    ]


def _block(rows: Sequence[Sequence[Node]]) -> CellBlock:
    return CellBlock(tuple(tuple(row) for row in rows))


def _product(graph: Graph, a: Meaning, b: Meaning) -> CellBlock:
    """MMULT."""
    if as_block(a).shape[1] != as_block(b).shape[0]:
        raise NotUnderstood(Message("MMULT of ranges that don't fit each other"))
    refuse_many(as_block(a).shape[0] * as_block(a).shape[1] * as_block(b).shape[1])
    columns = list(zip(*_numbers(graph, b), strict=True))
    return _block([[_dot(graph, row, column) for column in columns] for row in _numbers(graph, a)])


def _dot(graph: Graph, row: Sequence[Node], column: Sequence[Node]) -> Node:
    return total(graph, [x * y for x, y in zip(row, column, strict=True)])


def _unit(graph: Graph, width: Meaning) -> CellBlock:
    """MUNIT."""
    size = whole_number(graph, width)
    refuse_many(size**2)
    return _block([[graph.constant(float(r == c)) for c in range(size)] for r in range(size)])


def _eliminated(matrix: list[Row], others: list[Row]) -> tuple[list[Row], list[Node], int]:
    """Gauss and Jordan: what multiplies `others` by the inverse, the pivots, and their sign.

    The pivot of each column is the largest number at present. There are fewer pivots than rows
    if the matrix has no inverse.
    """
    size, sign = len(matrix), 1
    if size > MOST_ROWS:
        raise TooMuch(Message("a matrix of more than {count} rows", count=MOST_ROWS))
    spend_exactly(COST * size**2 * (size + len(others[0])) if size else 0)
    left, right = [list(row) for row in matrix], [list(row) for row in others]
    pivots: list[Node] = []
    for k in range(size):
        best = max(range(k, size), key=lambda r: abs(present(left[r][k])))
        if not abs(present(left[best][k])) > 0:
            break
        if best != k:
            left[k], left[best], right[k], right[best] = left[best], left[k], right[best], right[k]
            sign = -sign
        pivot = left[k][k]
        pivots.append(pivot)
        left[k], right[k] = [x / pivot for x in left[k]], [x / pivot for x in right[k]]
        for r in range(size):
            factor = left[r][k]
            if r != k and not (factor.is_constant() and factor.number == 0):
                left[r] = [x - factor * y for x, y in zip(left[r], left[k], strict=True)]
                right[r] = [x - factor * y for x, y in zip(right[r], right[k], strict=True)]
    return right, pivots, sign


def _square(graph: Graph, value: Meaning) -> list[Row]:
    height, width = as_block(value).shape
    if height != width:
        raise NotUnderstood(Message("a matrix with as many rows as columns is needed"))
    return _numbers(graph, value)


def _inverse(graph: Graph, area: Meaning) -> CellBlock:
    """MINVERSE."""
    matrix = _square(graph, area)
    unit = [[graph.constant(float(r == c)) for c in range(len(matrix))] for r in range(len(matrix))]
    inverse, pivots, _ = _eliminated(matrix, unit)
    if len(pivots) < len(matrix):
        return _block([[error(graph)] * len(matrix)] * len(matrix))
    return _block(inverse)


def _determinant(graph: Graph, area: Meaning) -> Node:
    """MDETERM."""
    matrix = _square(graph, area)
    _, pivots, sign = _eliminated(matrix, [[] for _ in matrix])
    if len(pivots) < len(matrix):
        return graph.constant(0)
    return reduce(mul, pivots) * sign


# Lines through points -------------------------------------------------------------------


def _columns(graph: Graph, y: CellBlock, x: Meaning) -> list[Row]:
    """The numbers of each x; 1, 2, 3 … if no x is given."""
    count = len(y.keys)
    if x is None:
        return [[graph.constant(k + 1.0) for k in range(count)]]
    height, width = as_block(x).shape
    rows = _numbers(graph, x)
    if height * width == count:
        return [[value for row in rows for value in row]]
    if height == count and y.shape[1] == 1:
        return [list(column) for column in zip(*rows, strict=True)]
    if width == count and y.shape[0] == 1:
        return rows
    raise NotUnderstood(Message("ranges of different sizes in one operation"))


def _fitted(
    graph: Graph, y: CellBlock, columns: Sequence[Row], has_constant: bool
) -> tuple[list[Node], Node]:
    """The factor of each x, and the constant, by least squares."""
    heights = [value for row in _numbers(graph, y) for value in row]
    levels = [mean(graph, xs) if has_constant else graph.constant(0) for xs in columns]
    apart = [[x - level for x in xs] for xs, level in zip(columns, levels, strict=True)]
    height = mean(graph, heights) if has_constant else graph.constant(0)
    above = [value - height for value in heights]
    matrix = [[_dot(graph, a, b) for b in apart] for a in apart]
    right, pivots, _ = _eliminated(matrix, [[_dot(graph, a, above)] for a in apart])
    if len(pivots) < len(columns):
        raise NotUnderstood(Message("a regression whose columns depend on each other"))
    slopes = [row[0] for row in right]
    return slopes, height - _dot(graph, slopes, levels)


def _line(
    graph: Graph,
    heights: Meaning,
    x: Meaning = None,
    with_constant: Meaning = None,
    with_statistics: Meaning = None,
) -> CellBlock:
    """LINEST: the factors from the last x to the first, then the constant; its statistics below."""
    y = as_block(heights)
    columns = _columns(graph, y, x)
    has_constant = with_constant is None or present_number(graph, with_constant) != 0
    slopes, constant = _fitted(graph, y, columns, has_constant)
    first = [*reversed(slopes), constant]
    if present_number(graph, with_statistics) == 0:
        return _block([first])
    if len(columns) > 1:
        raise NotUnderstood(Message("LINEST with the statistics of several columns of x"))
    return _block([first, *_statistics(graph, y, columns[0], slopes[0], constant, has_constant)])


def _statistics(
    graph: Graph, y: CellBlock, xs: Row, slope: Node, constant: Node, has_constant: bool
) -> list[Row]:
    heights = [value for row in _numbers(graph, y) for value in row]
    count = len(heights)
    free = count - 1 - has_constant
    left = [value - (slope * x + constant) for value, x in zip(heights, xs, strict=True)]
    level = mean(graph, xs) if has_constant else graph.constant(0)
    height = mean(graph, heights) if has_constant else graph.constant(0)
    spread = total(graph, [(x - level) ** 2 for x in xs])
    squares = total(graph, [(value - height) ** 2 for value in heights])
    residual = total(graph, [x**2 for x in left])
    variance = residual / free if free > 0 else error(graph)
    of_constant = variance * (level**2 / spread + graph.constant(1) / count)
    return [
        [
            graph.make("sqrt", variance / spread),
            graph.make("sqrt", of_constant) if has_constant else error(graph),
        ],
        [1 - residual / squares, graph.make("sqrt", variance)],
        [(squares - residual) / variance, graph.constant(free)],
        [squares - residual, residual],
    ]


def _trend(
    graph: Graph,
    heights: Meaning,
    x: Meaning = None,
    at: Meaning = None,
    with_constant: Meaning = None,
) -> CellBlock:
    """TREND: the heights of the line at other x, or at its own."""
    y = as_block(heights)
    columns = _columns(graph, y, x)
    has_constant = with_constant is None or present_number(graph, with_constant) != 0
    slopes, constant = _fitted(graph, y, columns, has_constant)
    at = x if at is None else at
    if len(columns) == 1:
        points = y if at is None else as_block(at)
        rows = _numbers(graph, points) if at is not None else [columns[0]]
        if at is None and y.shape[1] == 1:
            rows = [[x] for x in columns[0]]
        return _block([[slopes[0] * x + constant for x in row] for row in rows])
    is_down = y.shape[1] == 1
    rows = _numbers(graph, at)
    points_in_rows = rows if is_down else [list(point) for point in zip(*rows, strict=True)]
    results = [[_dot(graph, slopes, point) + constant] for point in points_in_rows]
    return _block(results if is_down else list(zip(*results, strict=True)))


MATRICES: Mapping[str, Callable[..., Meaning]] = {
    "MMULT": _product,
    "MUNIT": _unit,
    "MINVERSE": _inverse,
    "MDETERM": _determinant,
    "LINEST": _line,
    "TREND": _trend,
}
