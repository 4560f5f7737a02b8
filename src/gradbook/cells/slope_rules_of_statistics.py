"""How the slope of a formula goes through regressions, quantiles and values of payments."""

from __future__ import annotations

from collections.abc import Callable

from gradbook.cells.formula.function_table import plain_name
from gradbook.cells.formula.simplify import (
    ONE,
    TWO,
    ZERO,
    call_of,
    constant_of,
    minus,
    negative,
    over,
    plus,
    raised,
    square,
    times,
)
from gradbook.cells.formula.syntax import Call, Expression, Infix, Number
from gradbook.cells.partials import (
    TIES,
    FormulaDerivation,
    Rule,
    Shape,
    argument,
    arguments_of,
    divided,
    present,
    scaled,
)
from gradbook.cells.slope_rules import first_equal, two_full_ranges
from gradbook.cells.written_out import NotDerivable
from gradbook.language.message import Message

MOST_PAYMENTS = 120

# Pairs of ranges ----------------------------------------------------------------------


def _apart(a: Expression) -> Expression:
    """Each number's distance from the mean."""
    return minus(a, call_of("AVERAGE", a))


def _slope(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """SLOPE: by y, how far x is from its mean; by x, also the slope itself."""
    y, x = two_full_ranges(d, part)
    spread = call_of("DEVSQ", x)
    d.push(y, scaled(seed, over(_apart(x), spread)))
    steep = times(times(TWO, d.value(part)), _apart(x))
    d.push(x, scaled(seed, over(minus(_apart(y), steep), spread)))


def _intercept(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    y, x = two_full_ranges(d, part)
    steep = call_of("SLOPE", y, x)
    d.push(minus(call_of("AVERAGE", y), times(steep, call_of("AVERAGE", x))), seed)


def _forecast(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    at, y, x = arguments_of(part, 3, 3)
    if at is None or y is None or x is None:
        raise NotDerivable(Message("FORECAST with these arguments"))
    d.push(_line_at(at, y, x), seed)


def _line_at(at: Expression, y: Expression, x: Expression) -> Expression:
    """The height of a regression line."""
    mean = call_of("AVERAGE", y)
    return plus(mean, times(call_of("SLOPE", y, x), minus(at, call_of("AVERAGE", x))))


def _correlation(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    a, b = two_full_ranges(d, part)
    root = call_of("SQRT", times(call_of("DEVSQ", a), call_of("DEVSQ", b)))
    value = d.value(part)
    for side, other in ((a, b), (b, a)):
        fraction = over(times(value, _apart(side)), call_of("DEVSQ", side))
        d.push(side, scaled(seed, minus(over(_apart(other), root), fraction)))


def _determination(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    y, x = two_full_ranges(d, part)
    d.push(square(call_of("CORREL", y, x)), seed)


def _covariance(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    a, b = two_full_ranges(d, part)
    count: Expression = call_of("COUNT", a)
    if plain_name(part.function).endswith(".S"):
        count = minus(count, ONE)
    for side, other in ((a, b), (b, a)):
        d.push(side, scaled(seed, over(_apart(other), count)))


def _standard_error(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    y, x = two_full_ranges(d, part)
    rest = times(call_of("DEVSQ", y), minus(ONE, square(call_of("CORREL", y, x))))
    d.push(call_of("SQRT", over(rest, minus(call_of("COUNT", y), TWO))), seed)


def _error_function(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """ERF, whose second argument makes it a difference."""
    first, *last = present(arguments_of(part, 1, 2))
    if last:
        d.push(minus(call_of("ERF", last[0]), call_of("ERF", first)), seed)
    else:
        d.by_element("ERF", part, seed)


# LINEST and TREND of one line -----------------------------------------------------------


def _line(d: FormulaDerivation, part: Call) -> tuple[Expression, Expression]:
    """The y and x of a regression with one x and a constant."""
    arguments = arguments_of(part, 1, 4)
    name = plain_name(part.function)
    y, x = arguments[0], argument(arguments, 1)
    constant = argument(arguments, 3 if name == "TREND" else 2)
    if y is None:
        raise NotDerivable(Message("{function} with these arguments", function=name))
    height, width = d.shape(y)
    if x is None:
        x = d.table(d.shape(y), lambda i, j: Number(max(i, j) + 1.0))
    many = d.shape(x) != (height, width) or 1 not in (height, width)
    if many or not (constant is None or constant_of(constant) or str(constant).find("TRUE") >= 0):
        raise NotDerivable(Message("{function} of several x or through 0", function=name))
    return y, x


def _linest_shape(d: FormulaDerivation, part: Call) -> Shape:
    statistics = argument(arguments_of(part, 1, 4), 3)
    is_long = statistics is not None and constant_of(statistics) != 0
    return 5 if is_long and "FALSE" not in str(statistics) else 1, 2


def _linest_element(d: FormulaDerivation, part: Call, i: int, j: int) -> Expression:
    y, x = _line(d, part)
    statistics = {
        (0, 0): call_of("SLOPE", y, x),
        (0, 1): call_of("INTERCEPT", y, x),
        (2, 0): call_of("RSQ", y, x),
        (2, 1): call_of("STEYX", y, x),
    }
    if (i, j) not in statistics:
        raise NotDerivable(Message("this statistic of LINEST"))
    return statistics[i, j]


def _trend_shape(d: FormulaDerivation, part: Call) -> Shape:
    at = argument(arguments_of(part, 1, 4), 2)
    return d.shape(at) if at is not None else d.shape(part.arguments[0])


def _trend_element(d: FormulaDerivation, part: Call, i: int, j: int) -> Expression:
    y, x = _line(d, part)
    at = argument(part.arguments, 2)
    return _line_at(d.at(x if at is None else at, i, j), y, x)


def through_elements(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """Through each element of what consists of other formulas."""
    height, width = d.shape(part)
    element = d.rules.elements[plain_name(part.function)]
    d.spend(height * width)
    for i in range(height):
        for j in range(width):
            d.push(element(d, part, i, j), d.at(seed, i, j))


# Quantiles ----------------------------------------------------------------------------


def _quantile(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """PERCENTILE and QUARTILE: between two neighbours in order."""
    name = plain_name(part.function)
    a, share = arguments_of(part, 2, 2)
    if a is None or share is None or d.shape(part) != (1, 1) or name.endswith(".EXC"):
        raise NotDerivable(Message("{function} with these arguments", function=name))
    if name.startswith("QUARTILE"):
        share = over(share, Number(4.0))
    d.note(TIES)
    steps = minus(call_of("COUNT", a), ONE)
    place = times(share, steps)
    below = call_of("INT", place)
    lower = call_of("SMALL", a, plus(below, ONE))
    top = call_of("MIN", plus(below, TWO), call_of("COUNT", a))
    upper = call_of("SMALL", a, top)
    beyond = minus(place, below)
    d.each(
        a,
        lambda i, j: plus(
            first_equal(d, a, i, j, lower, scaled(seed, minus(ONE, beyond))),
            first_equal(d, a, i, j, upper, scaled(seed, beyond)),
        ),
    )
    d.push(share, scaled(seed, times(minus(upper, lower), steps)))


# Payments -----------------------------------------------------------------------------


def _payments(
    d: FormulaDerivation, arguments: list[Expression]
) -> list[tuple[Expression, int, int]]:
    """The numbers of some ranges, in order; texts and blanks don't count."""
    amounts = [
        (a, i, j)
        for a in arguments
        for i in range(d.shape(a)[0])
        for j in range(d.shape(a)[1])
        if d.counts(a, i, j)
    ]
    if len(amounts) > MOST_PAYMENTS:
        raise NotDerivable(Message("more than {limit} payments", limit=str(MOST_PAYMENTS)))
    return amounts


def _through_payments(
    d: FormulaDerivation, arguments: list[Expression], seed_at: Callable[[int], Expression]
) -> None:
    """Give each payment the seed of its place."""
    places = {(id(a), i, j): t for t, (a, i, j) in enumerate(_payments(d, arguments))}
    for a in arguments:

        def element(i: int, j: int, a: Expression = a) -> Expression:
            t = places.get((id(a), i, j))
            return ZERO if t is None else seed_at(t)

        d.each(a, element)


def _by_rate(
    d: FormulaDerivation, payments: list[Expression], rate: Expression, first: int
) -> Expression:
    """The slope of a present value by its rate: −Σ t·v/(1 + r)^(t + 1)."""
    growth = plus(ONE, rate)
    total: Expression = ZERO
    for t, (a, i, j) in enumerate(_payments(d, payments), first):
        if t:
            amount = times(Number(float(t)), d.at(a, i, j))
            total = minus(total, over(amount, raised(growth, Number(t + 1.0))))
    return total


def _net_present_value(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    rate, *values = present(arguments_of(part, 2))
    growth = plus(ONE, rate)
    if d.is_live(rate):
        d.push(rate, scaled(seed, _by_rate(d, values, rate, 1)))
    _through_payments(d, values, lambda t: divided(seed, raised(growth, Number(t + 1.0))))


def _internal_rate(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """IRR: the rate at which the present value stays 0."""
    values = present(arguments_of(part, 1, 2)[:1])
    rate = d.value(part)
    growth = plus(ONE, rate)
    steep = negative(_by_rate(d, values, rate, 0))
    _through_payments(
        d,
        values,
        lambda t: divided(divided(seed, raised(growth, Number(float(t)))), steep),
    )


def _modified_rate(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """MIRR: 1 + value is a root of what came out at last by what was paid in at first."""
    values, cost, gain = present(arguments_of(part, 3, 3))
    amounts = _payments(d, [values])
    last = len(amounts) - 1
    into, out = plus(ONE, cost), plus(ONE, gain)
    paid: Expression = ZERO
    earned, paid_by_rate, earned_by_rate = paid, paid, paid
    for t, (a, i, j) in enumerate(amounts):
        amount, k = d.at(a, i, j), last - t
        lost, won = call_of("MAX", ZERO, negative(amount)), call_of("MAX", ZERO, amount)
        paid = plus(paid, over(lost, raised(into, Number(float(t)))))
        earned = plus(earned, times(won, raised(out, Number(float(k)))))
        later = over(times(Number(float(t)), lost), raised(into, Number(t + 1.0)))
        paid_by_rate = minus(paid_by_rate, later)
        sooner = times(times(Number(float(k)), won), raised(out, Number(k - 1.0)))
        earned_by_rate = plus(earned_by_rate, sooner)
    share = over(plus(ONE, d.value(part)), Number(float(last)))
    by_paid, by_earned = negative(over(share, paid)), over(share, earned)
    d.push(cost, scaled(seed, times(by_paid, paid_by_rate)))
    d.push(gain, scaled(seed, times(by_earned, earned_by_rate)))

    def slope(t: int) -> Expression:
        a, i, j = amounts[t]
        gained = times(by_earned, raised(out, Number(float(last - t))))
        lost = over(negative(by_paid), raised(into, Number(float(t))))
        return scaled(seed, call_of("IF", Infix(">", d.at(a, i, j), ZERO), gained, lost))

    _through_payments(d, [values], slope)


def _years(d: FormulaDerivation, dates: Expression) -> Expression:
    """The years since the first date."""
    return over(minus(dates, d.at(dates, 0, 0)), Number(365.0))


def _dated_by_rate(values: Expression, years: Expression, growth: Expression) -> Expression:
    late = raised(growth, minus(negative(years), ONE))
    return negative(call_of("SUMPRODUCT", values, years, late))


def _dated_value(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """XNPV."""
    rate, values, dates = arguments_of(part, 3, 3)
    if rate is None or values is None or dates is None:
        raise NotDerivable(Message("XNPV with these arguments"))
    d.common(values, dates)
    d.hold(dates, Message("dates are held fixed"))
    growth, years = plus(ONE, rate), _years(d, dates)
    d.push(rate, scaled(seed, _dated_by_rate(values, years, growth)))
    d.push(values, scaled(seed, raised(growth, negative(years))))


def _dated_rate(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """XIRR."""
    values, dates = arguments_of(part, 2, 3)[:2]
    if values is None or dates is None:
        raise NotDerivable(Message("XIRR with these arguments"))
    d.common(values, dates)
    d.hold(dates, Message("dates are held fixed"))
    growth, years = plus(ONE, d.value(part)), _years(d, dates)
    steep = negative(_dated_by_rate(values, years, growth))
    d.push(values, divided(scaled(seed, raised(growth, negative(years))), steep))


STATISTICS: dict[str, Rule] = {
    "SLOPE": _slope,
    "INTERCEPT": _intercept,
    **dict.fromkeys(("FORECAST", "FORECAST.LINEAR"), _forecast),
    **dict.fromkeys(("CORREL", "PEARSON"), _correlation),
    "RSQ": _determination,
    **dict.fromkeys(("COVAR", "COVARIANCE.P", "COVARIANCE.S"), _covariance),
    "STEYX": _standard_error,
    "ERF": _error_function,
    **dict.fromkeys(("LINEST", "TREND"), through_elements),
    **dict.fromkeys(
        (
            "PERCENTILE",
            "PERCENTILE.INC",
            "PERCENTILE.EXC",
            "QUARTILE",
            "QUARTILE.INC",
            "QUARTILE.EXC",
        ),
        _quantile,
    ),
    "NPV": _net_present_value,
    "IRR": _internal_rate,
    "MIRR": _modified_rate,
    "XNPV": _dated_value,
    "XIRR": _dated_rate,
}
STATISTICS_SHAPES: dict[str, Callable[[FormulaDerivation, Call], Shape]] = {
    "LINEST": _linest_shape,
    "TREND": _trend_shape,
}
STATISTICS_ELEMENTS: dict[str, Callable[[FormulaDerivation, Call, int, int], Expression]] = {
    "LINEST": _linest_element,
    "TREND": _trend_element,
}
