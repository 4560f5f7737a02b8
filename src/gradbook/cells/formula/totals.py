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
    aligned,
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
FEWEST_SKEWED = 3
OfAll = Callable[..., Meaning]  # of a graph and the arguments
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
    return lambda graph, *args: function(graph, numbers_of(graph, args, takes_gaps=takes_gaps))


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


def _sumproduct(graph: Graph, *args: Meaning) -> Node:
    if len({as_block(value).shape for value in args}) > 1:
        raise NotUnderstood(Message("SUMPRODUCT of ranges of different sizes"))

    def times(x: Meaning, y: Meaning) -> Node:
        if isinstance(x, str) or isinstance(y, str):
            return graph.constant(0)  # SUMPRODUCT treats a text as 0
        return number(graph, x) * number(graph, y)

    return total(graph, list(as_block(reduce(partial(pairs, times), args)).numbers()))


def _sum_of(term: Callable[[Node, Node], Node]) -> OfAll:
    """SUMXMY2 and the like: a pair with a text or a blank is skipped."""
    return lambda graph, a, b: total(
        graph, [term(x, y) for x, y in zip(*_paired(a, b), strict=True)]
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


def _skewness(graph: Graph, numbers: Sequence[Node]) -> Node:
    """SKEW."""
    count = len(numbers)
    if count < FEWEST_SKEWED:
        return error(graph)
    middle, spread = mean(graph, numbers), _deviation(1)(graph, numbers)
    cubes = total(graph, [((x - middle) / spread) ** 3 for x in numbers])
    return cubes * (count / ((count - 1) * (count - 2)))


def _mean_distance(graph: Graph, numbers: Sequence[Node]) -> Node:
    """AVEDEV."""
    middle = mean(graph, numbers)
    apart = (graph.make("largest", x - middle, middle - x) for x in numbers)
    return mean(graph, list(apart))


# Lines ----------------------------------------------------------------------------


def _paired(a: Meaning, b: Meaning) -> tuple[list[Node], list[Node]]:
    """The pairs of numbers of two ranges; a pair with a text or a blank is skipped."""
    xs, ys = as_block(a).singles(), as_block(b).singles()
    if len(xs) != len(ys):
        raise NotUnderstood(Message("ranges of different sizes in one operation"))
    kept = [
        (x, y) for x, y in zip(xs, ys, strict=True) if isinstance(x, Node) and isinstance(y, Node)
    ]
    return [x for x, _ in kept], [y for _, y in kept]


def _common_squares(graph: Graph, xs: Sequence[Node], ys: Sequence[Node]) -> Node:
    middle, level = mean(graph, xs), mean(graph, ys)
    return total(graph, [(x - middle) * (y - level) for x, y in zip(xs, ys, strict=True)])


def _covariance(less: int) -> OfAll:
    def covariance(graph: Graph, a: Meaning, b: Meaning) -> Node:
        xs, ys = _paired(a, b)
        if len(xs) <= less:
            return error(graph)
        return _common_squares(graph, xs, ys) / (len(xs) - less)

    return covariance


def _correlation(graph: Graph, a: Meaning, b: Meaning) -> Node:
    xs, ys = _paired(a, b)
    spread = graph.make("sqrt", _squares(graph, xs) * _squares(graph, ys))
    return _common_squares(graph, xs, ys) / spread


def _slope(graph: Graph, y: Meaning, x: Meaning) -> Node:
    ys, xs = _paired(y, x)
    return _common_squares(graph, xs, ys) / _squares(graph, xs)


def _intercept(graph: Graph, y: Meaning, x: Meaning) -> Node:
    ys, xs = _paired(y, x)
    return mean(graph, ys) - _slope(graph, y, x) * mean(graph, xs)


def _forecast(graph: Graph, at: Meaning, y: Meaning, x: Meaning) -> Node:
    return _intercept(graph, y, x) + _slope(graph, y, x) * number(graph, at)


def _residual(graph: Graph, y: Meaning, x: Meaning) -> Node:
    """STEYX: the standard deviation about the line."""
    ys, xs = _paired(y, x)
    common = _common_squares(graph, xs, ys)
    left = _squares(graph, ys) - common**2 / _squares(graph, xs)
    return graph.make("sqrt", left / (len(xs) - 2))


# Places in order --------------------------------------------------------------------


def _in_order(numbers: Sequence[Node], *, falling: bool = False) -> list[Node]:
    """From the smallest to the largest at present, which decides on the places; or falling. Of
    equals, the first in the range comes first."""
    if any(isnan(present(x)) for x in numbers):
        raise ValueError("an error among the numbers")
    return sorted(numbers, key=present, reverse=falling)


def _median(graph: Graph, numbers: Sequence[Node]) -> Node:
    if not numbers:
        return error(graph)
    ordered = _in_order(numbers)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _kth(from_above: bool) -> OfAll:
    def pick(graph: Graph, area: Meaning, places: Meaning) -> Meaning:
        ordered = _in_order(numbers_of(graph, (area,)), falling=from_above)

        def one(place: Single) -> Node:
            k = -int(-present_number(graph, place) // 1)
            return ordered[k - 1] if 1 <= k <= len(ordered) else error(graph)

        return aligned(one, places)

    return pick


def _quantile(count: float, is_inside: bool = False) -> OfAll:
    """PERCENTILE and QUARTILE: between two neighbours, in proportion."""

    def pick(graph: Graph, area: Meaning, part: Meaning) -> Node:
        ordered = _in_order(numbers_of(graph, (area,)))
        share, size = number(graph, part) / count, len(ordered)
        place = share * (size + 1) - 1 if is_inside else share * (size - 1)
        at = present(place)
        if not (ordered and 0 <= present(share) <= 1 and 0 <= at <= size - 1):
            return error(graph)
        below = int(at)
        if below == size - 1:
            return ordered[-1]
        return ordered[below] + (ordered[below + 1] - ordered[below]) * (place - below)

    return pick


def _rank(is_mean: bool = False) -> OfAll:
    def rank(graph: Graph, value: Meaning, area: Meaning, order: Meaning = None) -> Node:
        wanted = present_number(graph, value)
        numbers = [present(x) for x in numbers_of(graph, (area,))]
        if wanted not in numbers:
            return error(graph)
        is_rising = present_number(graph, order) != 0
        before = sum(x < wanted if is_rising else x > wanted for x in numbers)
        same = numbers.count(wanted)
        return graph.constant(before + 1 + ((same - 1) / 2 if is_mean else 0))

    return rank


# Counts ---------------------------------------------------------------------------


def _count(graph: Graph, *args: Meaning) -> Node:
    """COUNT: errors in ranges don't count, where they are known."""
    numbers = numbers_of(graph, args)
    if has_values_only(graph) and not isinstance(graph, OpenGraph):
        return graph.constant(sum(not isnan(present(x)) for x in numbers))
    return graph.constant(len(numbers))


def _count_all(graph: Graph, *args: Meaning) -> Node:
    return graph.constant(sum(x is not None for v in args for x in as_block(v).singles()))


def _count_blank(graph: Graph, *args: Meaning) -> Node:
    return graph.constant(sum(x in (None, "") for v in args for x in as_block(v).singles()))


# One of these by number -----------------------------------------------------------

_average, _sum = _of(mean), _of(total, takes_gaps=True)
_sample, _whole = _of(_variance(1)), _of(_variance(0))
_spread, _whole_spread = _of(_deviation(1)), _of(_deviation(0))
_most, _least, _median_of = _of(_largest), _of(_smallest), _of(_median)


def _product(graph: Graph, *args: Meaning) -> Node:
    numbers = numbers_of(graph, args)
    return reduce(product, numbers, graph.constant(1 if numbers else 0))


_BY_NUMBER: Sequence[OfAll] = (
    *(_average, _count, _count_all, _most, _least, _product, _spread, _whole_spread, _sum),
    *(_sample, _whole, _median_of),
)


def _subtotal(graph: Graph, kind: Meaning, *args: Meaning) -> Meaning:
    """SUBTOTAL, as if no row was hidden."""
    place = whole_number(graph, kind) % 100
    if not 1 <= place <= 11:
        raise NotUnderstood(Message("a SUBTOTAL of an unknown kind"))
    return _BY_NUMBER[place - 1](graph, *args)


def _aggregate(graph: Graph, kind: Meaning, skips: Meaning, *args: Meaning) -> Meaning:
    """AGGREGATE, as if no row was hidden; its second number says whether errors are skipped."""
    place, skipped = whole_number(graph, kind), whole_number(graph, skips)
    if not 1 <= place <= len(_BY_NUMBER):
        raise NotUnderstood(Message("an AGGREGATE of an unknown kind"))
    numbers = numbers_of(graph, args)
    if skipped in (2, 3, 6, 7):
        numbers = [x for x in numbers if not isnan(present(x))]
    return _BY_NUMBER[place - 1](graph, *numbers)


def _series(graph: Graph, x: Meaning, first: Meaning, step: Meaning, *args: Meaning) -> Node:
    """SERIESSUM: a power series."""
    base, start, apart = (number(graph, value) for value in (x, first, step))
    factors = numbers_of(graph, args)
    return total(graph, [a * power(base, start + apart * k) for k, a in enumerate(factors)])


TOTALS: Mapping[str, OfAll] = {
    "SUM": _sum,
    "PRODUCT": _product,
    "AVERAGE": _average,
    "AVERAGEA": lambda graph, *args: mean(graph, _with_truths(graph, args)),
    "SUMSQ": _of(lambda graph, numbers: total(graph, [x**2 for x in numbers]), takes_gaps=True),
    "SUMPRODUCT": _sumproduct,
    "SUMXMY2": _sum_of(lambda x, y: (x - y) ** 2),
    "SUMX2MY2": _sum_of(lambda x, y: x**2 - y**2),
    "SUMX2PY2": _sum_of(lambda x, y: x**2 + y**2),
    "SERIESSUM": _series,
    "MAX": _most,
    "MIN": _least,
    "MAXA": lambda graph, *args: _largest(graph, _with_truths(graph, args)),
    "MINA": lambda graph, *args: _smallest(graph, _with_truths(graph, args)),
    "COUNT": _count,
    "COUNTA": _count_all,
    "COUNTBLANK": _count_blank,
    "SUBTOTAL": _subtotal,
    "AGGREGATE": _aggregate,
    "DEVSQ": _of(_squares),
    "AVEDEV": _of(_mean_distance),
    "SKEW": _of(_skewness),
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
    "RSQ": lambda graph, a, b: _correlation(graph, a, b) ** 2,
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
