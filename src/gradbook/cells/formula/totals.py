"""Functions of all numbers among their arguments: sums, means, spreads, lines, places in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from math import isnan
from operator import add

from gradbook.cells.formula.formula_values import (
    CellBlock,
    Meaning,
    NotUnderstood,
    OpenGraph,
    Single,
    as_block,
    error,
    has_values_only,
    number,
    pairs,
    present,
    present_number,
    whole_number,
)
from gradbook.cells.formula.operators import power
from gradbook.cells.formula.rounding import product
from gradbook.graph.node import Graph, Node
from gradbook.language.message import Message

FEW_VALUES = 3  # values that are added one by one
OfAll = Callable[[Graph, Sequence[Meaning]], Meaning]
OfNumbers = Callable[[Graph, Sequence[Node]], Node]


def numbers_of(graph: Graph, args: Sequence[Meaning], *, takes_gaps: bool = False) -> list[Node]:
    """Every number among the arguments; texts and blanks in ranges are skipped."""
    numbers: list[Node] = []
    for value in args:
        if isinstance(value, CellBlock):
            if value.has_gaps and not takes_gaps:
                raise NotUnderstood(Message("an IF without an else, in an array"))
            numbers.extend(value.numbers())
        elif value is not None:
            numbers.append(number(graph, value))
    return numbers


def total(graph: Graph, numbers: Sequence[Node]) -> Node:
    if len(numbers) > FEW_VALUES and has_values_only(graph):
        return graph.make("sum_of_all", *numbers)
    return reduce(add, numbers) if numbers else graph.constant(0)


def _of(function: OfNumbers, *, takes_gaps: bool = False) -> OfAll:
    """A function of the numbers among its arguments; whether a missing else may count as 0."""
    return lambda graph, args: function(graph, numbers_of(graph, args, takes_gaps=takes_gaps))


# Sums -----------------------------------------------------------------------------


def mean(graph: Graph, numbers: Sequence[Node]) -> Node:
    if not numbers:
        if has_values_only(graph):
            return error(graph)
        raise NotUnderstood(Message("AVERAGE without numbers"))
    return total(graph, numbers) / len(numbers)


def _with_truths(graph: Graph, args: Sequence[Meaning]) -> list[Node]:
    """The numbers for AVERAGEA, MAXA and MINA: a text in a range counts as 0."""
    singles = [x for value in args for x in as_block(value).singles() if x is not None]
    return [graph.constant(0) if isinstance(x, str) else number(graph, x) for x in singles]


def _sumproduct(graph: Graph, args: Sequence[Meaning]) -> Node:
    if len({as_block(value).shape for value in args}) > 1:
        raise NotUnderstood(Message("SUMPRODUCT of ranges of different sizes"))

    def times(x: Meaning, y: Meaning) -> Node:
        if isinstance(x, str) or isinstance(y, str):
            return graph.constant(0)  # SUMPRODUCT treats a text as 0
        return number(graph, x) * number(graph, y)

    return total(graph, list(as_block(reduce(partial(pairs, times), args)).numbers()))


def _sum_of(term: Callable[[Node, Node], Node]) -> OfAll:
    """SUMXMY2 and the like: a pair with a text or a blank is skipped."""
    return lambda graph, args: total(
        graph, [term(x, y) for x, y in zip(*_paired(graph, args), strict=True)]
    )


def _largest(graph: Graph, numbers: Sequence[Node]) -> Node:
    return graph.make("largest", *numbers) if len(numbers) > 1 else total(graph, numbers)


def _smallest(graph: Graph, numbers: Sequence[Node]) -> Node:
    return -_largest(graph, [-x for x in numbers])


# Spreads --------------------------------------------------------------------------


def _squares(graph: Graph, numbers: Sequence[Node]) -> Node:
    """DEVSQ: the squares of the distances from the mean."""
    middle = mean(graph, numbers)
    return total(graph, [(x - middle) ** 2 for x in numbers])


def _variance(less: int) -> OfNumbers:
    def variance(graph: Graph, numbers: Sequence[Node]) -> Node:
        if len(numbers) <= less:
            return error(graph)
        return _squares(graph, numbers) / (len(numbers) - less)

    return variance


def _deviation(less: int) -> OfNumbers:
    return lambda graph, numbers: graph.make("sqrt", _variance(less)(graph, numbers))


def _mean_distance(graph: Graph, numbers: Sequence[Node]) -> Node:
    """AVEDEV."""
    middle = mean(graph, numbers)
    apart = (graph.make("largest", x - middle, middle - x) for x in numbers)
    return mean(graph, list(apart))


# Lines ----------------------------------------------------------------------------


def _paired(graph: Graph, args: Sequence[Meaning]) -> tuple[list[Node], list[Node]]:
    """The pairs of numbers of two ranges; a pair with a text or a blank is skipped."""
    a, b = (as_block(value).singles() for value in args[:2])
    if len(a) != len(b):
        raise NotUnderstood(Message("ranges of different sizes in one operation"))
    kept = [
        (x, y) for x, y in zip(a, b, strict=True) if isinstance(x, Node) and isinstance(y, Node)
    ]
    return [x for x, _ in kept], [y for _, y in kept]


def _common_squares(graph: Graph, xs: Sequence[Node], ys: Sequence[Node]) -> Node:
    middle, level = mean(graph, xs), mean(graph, ys)
    return total(graph, [(x - middle) * (y - level) for x, y in zip(xs, ys, strict=True)])


def _covariance(less: int) -> OfAll:
    def covariance(graph: Graph, args: Sequence[Meaning]) -> Node:
        xs, ys = _paired(graph, args)
        if len(xs) <= less:
            return error(graph)
        return _common_squares(graph, xs, ys) / (len(xs) - less)

    return covariance


def _correlation(graph: Graph, args: Sequence[Meaning]) -> Node:
    xs, ys = _paired(graph, args)
    spread = graph.make("sqrt", _squares(graph, xs) * _squares(graph, ys))
    return _common_squares(graph, xs, ys) / spread


def _slope(graph: Graph, args: Sequence[Meaning]) -> Node:
    ys, xs = _paired(graph, args)
    return _common_squares(graph, xs, ys) / _squares(graph, xs)


def _intercept(graph: Graph, args: Sequence[Meaning]) -> Node:
    ys, xs = _paired(graph, args)
    return mean(graph, ys) - _slope(graph, args) * mean(graph, xs)


def _forecast(graph: Graph, args: Sequence[Meaning]) -> Node:
    at, line = number(graph, args[0]), args[1:]
    return _intercept(graph, line) + _slope(graph, line) * at


def _residual(graph: Graph, args: Sequence[Meaning]) -> Node:
    """STEYX: the standard deviation about the line."""
    ys, xs = _paired(graph, args)
    common = _common_squares(graph, xs, ys)
    left = _squares(graph, ys) - common**2 / _squares(graph, xs)
    return graph.make("sqrt", left / (len(xs) - 2))


# Places in order --------------------------------------------------------------------


def _in_order(numbers: Sequence[Node]) -> list[Node]:
    """From the smallest to the largest at present, which decides on the places."""
    if any(isnan(present(x)) for x in numbers):
        raise ValueError("an error among the numbers")
    return sorted(numbers, key=present)


def _median(graph: Graph, numbers: Sequence[Node]) -> Node:
    if not numbers:
        return error(graph)
    ordered = _in_order(numbers)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _kth(from_above: bool) -> OfAll:
    def pick(graph: Graph, args: Sequence[Meaning]) -> Meaning:
        ordered = _in_order(numbers_of(graph, args[:1]))
        if from_above:
            ordered = ordered[::-1]

        def one(place: Single) -> Node:
            k = -int(-present_number(graph, place) // 1)
            return ordered[k - 1] if 1 <= k <= len(ordered) else error(graph)

        return pairs(lambda place, _: one(place), args[1], None)

    return pick


def _quantile(count: float, is_inside: bool = False) -> OfAll:
    """PERCENTILE and QUARTILE: between two neighbours, in proportion."""

    def pick(graph: Graph, args: Sequence[Meaning]) -> Node:
        ordered = _in_order(numbers_of(graph, args[:1]))
        share = present_number(graph, args[1]) / count
        size = len(ordered)
        place = share * (size + 1) - 1 if is_inside else share * (size - 1)
        if not (ordered and 0 <= share <= 1 and 0 <= place <= size - 1):
            return error(graph)
        below = int(place)
        if below == size - 1:
            return ordered[-1]
        return ordered[below] + (ordered[below + 1] - ordered[below]) * (place - below)

    return pick


def _rank(is_mean: bool = False) -> OfAll:
    def rank(graph: Graph, args: Sequence[Meaning]) -> Node:
        wanted = present_number(graph, args[0])
        others = [present(x) for x in numbers_of(graph, args[1:2])]
        if wanted not in others:
            return error(graph)
        is_rising = len(args) > 2 and present_number(graph, args[2]) != 0
        before = sum(x < wanted if is_rising else x > wanted for x in others)
        same = others.count(wanted)
        return graph.constant(before + 1 + ((same - 1) / 2 if is_mean else 0))

    return rank


# Counts ---------------------------------------------------------------------------


def _count(graph: Graph, args: Sequence[Meaning]) -> Node:
    """COUNT: errors in ranges don't count, where they are known."""
    numbers = numbers_of(graph, args)
    if has_values_only(graph) and not isinstance(graph, OpenGraph):
        return graph.constant(sum(not isnan(present(x)) for x in numbers))
    return graph.constant(len(numbers))


def _count_all(graph: Graph, args: Sequence[Meaning]) -> Node:
    return graph.constant(sum(x is not None for v in args for x in as_block(v).singles()))


def _count_blank(graph: Graph, args: Sequence[Meaning]) -> Node:
    return graph.constant(sum(x in (None, "") for v in args for x in as_block(v).singles()))


# One of these by number -----------------------------------------------------------

_average, _sum = _of(mean), _of(total, takes_gaps=True)
_sample, _whole = _of(_variance(1)), _of(_variance(0))
_spread, _whole_spread = _of(_deviation(1)), _of(_deviation(0))
_most, _least, _median_of = _of(_largest), _of(_smallest), _of(_median)


def _product(graph: Graph, args: Sequence[Meaning]) -> Node:
    return reduce(product, numbers_of(graph, args), graph.constant(1))


_BY_NUMBER: Sequence[OfAll] = (
    *(_average, _count, _count_all, _most, _least, _product, _spread, _whole_spread, _sum),
    *(_sample, _whole, _median_of),
)


def _subtotal(graph: Graph, args: Sequence[Meaning]) -> Meaning:
    """SUBTOTAL, as if no row was hidden."""
    kind = whole_number(graph, args[0]) % 100
    if not 1 <= kind <= 11:
        raise NotUnderstood(Message("a SUBTOTAL of an unknown kind"))
    return _BY_NUMBER[kind - 1](graph, args[1:])


def _aggregate(graph: Graph, args: Sequence[Meaning]) -> Meaning:
    """AGGREGATE, as if no row was hidden; its second number says whether errors are skipped."""
    kind, skips = (whole_number(graph, x) for x in args[:2])
    if not 1 <= kind <= len(_BY_NUMBER):
        raise NotUnderstood(Message("an AGGREGATE of an unknown kind"))
    numbers = numbers_of(graph, args[2:])
    if skips in (2, 3, 6, 7):
        numbers = [x for x in numbers if not isnan(present(x))]
    return _BY_NUMBER[kind - 1](graph, numbers)


def _series(graph: Graph, args: Sequence[Meaning]) -> Node:
    """SERIESSUM: a power series."""
    x, first, step = (number(graph, value) for value in args[:3])
    factors = numbers_of(graph, args[3:])
    return total(graph, [a * power(x, first + step * k) for k, a in enumerate(factors)])


TOTALS: Mapping[str, OfAll] = {
    "SUM": _sum,
    "PRODUCT": _product,
    "AVERAGE": _average,
    "AVERAGEA": lambda graph, args: mean(graph, _with_truths(graph, args)),
    "SUMSQ": _of(lambda graph, numbers: total(graph, [x**2 for x in numbers]), takes_gaps=True),
    "SUMPRODUCT": _sumproduct,
    "SUMXMY2": _sum_of(lambda x, y: (x - y) ** 2),
    "SUMX2MY2": _sum_of(lambda x, y: x**2 - y**2),
    "SUMX2PY2": _sum_of(lambda x, y: x**2 + y**2),
    "SERIESSUM": _series,
    "MAX": _most,
    "MIN": _least,
    "MAXA": lambda graph, args: _largest(graph, _with_truths(graph, args)),
    "MINA": lambda graph, args: _smallest(graph, _with_truths(graph, args)),
    "COUNT": _count,
    "COUNTA": _count_all,
    "COUNTBLANK": _count_blank,
    "SUBTOTAL": _subtotal,
    "AGGREGATE": _aggregate,
    "DEVSQ": _of(_squares),
    "AVEDEV": _of(_mean_distance),
    "GEOMEAN": _of(
        lambda graph, xs: graph.make("exp", mean(graph, [graph.make("log", x) for x in xs]))
    ),
    "HARMEAN": _of(lambda graph, xs: 1 / mean(graph, [1 / x for x in xs])),
    **dict.fromkeys(("VAR", "VAR.S"), _sample),
    **dict.fromkeys(("VARP", "VAR.P"), _whole),
    **dict.fromkeys(("STDEV", "STDEV.S"), _spread),
    **dict.fromkeys(("STDEVP", "STDEV.P"), _whole_spread),
    **dict.fromkeys(("COVAR", "COVARIANCE.P"), _covariance(0)),
    "COVARIANCE.S": _covariance(1),
    **dict.fromkeys(("CORREL", "PEARSON"), _correlation),
    "RSQ": lambda graph, args: _correlation(graph, args) ** 2,
    "SLOPE": _slope,
    "INTERCEPT": _intercept,
    **dict.fromkeys(("FORECAST", "FORECAST.LINEAR"), _forecast),
    "STEYX": _residual,
    "MEDIAN": _median_of,
    "LARGE": _kth(from_above=True),
    "SMALL": _kth(from_above=False),
    **dict.fromkeys(("PERCENTILE", "PERCENTILE.INC"), _quantile(1)),
    **dict.fromkeys(("QUARTILE", "QUARTILE.INC"), _quantile(4)),
    "PERCENTILE.EXC": _quantile(1, is_inside=True),
    "QUARTILE.EXC": _quantile(4, is_inside=True),
    **dict.fromkeys(("RANK", "RANK.EQ"), _rank()),
    "RANK.AVG": _rank(is_mean=True),
}
