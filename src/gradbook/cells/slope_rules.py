"""How the slope of a formula goes through functions of ranges, through branches and lookups.

At a tie, the first of equals has the slope: MAX, MIN, MEDIAN, LARGE, SMALL and the like return one
of their numbers, and a derivative is defined only where that is one alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product, starmap

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
    square,
    times,
)
from gradbook.cells.formula.syntax import Call, Expression, Infix, Number
from gradbook.cells.partials import (
    CONDITIONS,
    POSITIONS,
    TIES,
    FormulaDerivation,
    Rule,
    Shape,
    added,
    arguments_of,
    divided,
    guarded,
    multiplied,
    present,
    scaled,
)
from gradbook.cells.written_out import NotDerivable
from gradbook.language.message import Message

MOST_FACTORS = 60


# Sums and means -----------------------------------------------------------------------


def _sum(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    for a in present(arguments_of(part)):
        d.push(a, seed)


def _sum_of_squares(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    for a in present(arguments_of(part)):
        d.push(a, scaled(seed, times(TWO, a)))


def _average(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    counting = "COUNTA" if plain_name(part.function) == "AVERAGEA" else "COUNT"
    count = call_of(counting, *present(arguments_of(part)))
    for a in present(part.arguments):
        d.push(a, divided(seed, count))


def _spread_of(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """STDEV, VAR and DEVSQ."""
    name, arguments = plain_name(part.function), present(arguments_of(part))
    count: Expression = call_of("COUNT", *arguments)
    if not name.endswith("P"):
        count = minus(count, ONE)
    mean = call_of("AVERAGE", *arguments)
    for a in arguments:
        apart = minus(a, mean)
        if name == "DEVSQ":
            slope = times(TWO, apart)
        elif name.startswith("VAR"):
            slope = over(times(TWO, apart), count)
        else:
            slope = over(apart, times(count, d.value(part)))
        d.push(a, scaled(seed, slope))


def _skewness(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """SKEW, by the standardised z of each number: 3n/((n − 1)(n − 2)s)·(z² − (n − 1)/n − z·Σz³/(n −
    1)), where Σz³ follows from the value itself."""
    arguments = present(arguments_of(part))
    count: Expression = call_of("COUNT", *arguments)
    mean, spread = call_of("AVERAGE", *arguments), call_of("STDEV", *arguments)
    fewer = minus(count, ONE)
    factor = over(times(Number(3.0), count), times(times(fewer, minus(count, TWO)), spread))
    cubes = over(times(d.value(part), minus(count, TWO)), count)
    for a in arguments:
        z = over(minus(a, mean), spread)
        slope = minus(minus(square(z), over(fewer, count)), times(z, cubes))
        d.push(a, scaled(seed, times(factor, slope)))


def _conversion(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """CONVERT, which is straight: its slope is what 1 more makes."""
    amount, *units = present(arguments_of(part, 3, 3))
    ends = [call_of("CONVERT", Number(x), *units) for x in (1.0, 0.0)]
    d.push(amount, scaled(seed, minus(*ends)))


def _geometric_mean(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    arguments = present(arguments_of(part))
    for a in arguments:
        d.push(a, scaled(seed, over(d.value(part), times(call_of("COUNT", *arguments), a))))


def _harmonic_mean(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    arguments = present(arguments_of(part))
    count = call_of("COUNT", *arguments)
    for a in arguments:
        d.push(a, scaled(seed, over(square(d.value(part)), times(count, square(a)))))


def _product(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    arguments = present(arguments_of(part))
    for k, a in enumerate(arguments):
        others = arguments[:k] + arguments[k + 1 :]

        def slope(
            i: int, j: int, a: Expression = a, others: list[Expression] = others
        ) -> Expression:
            rest = [*_without(d, a, i, j), *others]
            if not rest:
                return seed
            alone = len(rest) == 1 and d.shape(rest[0]) == (1, 1)
            return scaled(seed, rest[0] if alone else call_of("PRODUCT", *rest))

        d.each(a, slope)


def _truth(holds: bool) -> Expression:
    return ONE if holds else ZERO


def _without(d: FormulaDerivation, a: Expression, i: int, j: int) -> Iterator[Expression]:
    """All numbers of a part but one: the ranges around a cell."""
    height, width = d.shape(a)
    if not d.cells(a):
        if height * width > MOST_FACTORS:
            raise NotDerivable(Message("a product of too many factors"))
        if height * width > 1:
            yield call_of("IF", d.table((height, width), lambda r, c: _truth((r, c) != (i, j))), a)
        return
    areas = [
        (0, 0, i - 1, width - 1),
        (i, 0, i, j - 1),
        (i, j + 1, i, width - 1),
        (i + 1, 0, height - 1, width - 1),
    ]
    for top, left, bottom, right in areas:
        if top <= bottom and left <= right:
            counting = (
                d.counts(a, r, c) for r in range(top, bottom + 1) for c in range(left, right + 1)
            )
            if any(counting):  # PRODUCT of blanks is 0
                yield d.area(a, top, left, bottom, right)


def _sumproduct(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    arguments = present(arguments_of(part))
    shape = d.common(*arguments)
    for k, a in enumerate(arguments):
        others = [_as_numbers(d, other) for n, other in enumerate(arguments) if n != k]
        d.spread(a, scaled(seed, multiplied(others)), shape)


def _as_numbers(d: FormulaDerivation, a: Expression) -> Expression:
    """A range in which texts count as 0."""
    has_texts = not d.all_count(a) or (d.shape(a) != (1, 1) and not d.is_full(a))
    return call_of("N", a) if has_texts else a


def two_full_ranges(d: FormulaDerivation, part: Call) -> tuple[Expression, Expression]:
    """Two ranges of the same shape in which every element is a number."""
    a, b = arguments_of(part, 2, 4)[:2]
    name = plain_name(part.function)
    if a is None or b is None:
        raise NotDerivable(Message("{function} with these arguments", function=name))
    d.common(a, b)
    if not (d.is_full(a) and d.is_full(b)):
        raise NotDerivable(Message("{function} of ranges that are partly blank", function=name))
    return a, b


def _sum_of_pairs(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """SUMXMY2, SUMX2MY2, SUMX2PY2."""
    x, y = two_full_ranges(d, part)
    shape = d.common(x, y)
    match plain_name(part.function):
        case "SUMXMY2":
            by_x = times(TWO, minus(x, y))
            by_y = times(TWO, minus(y, x))
        case "SUMX2MY2":
            by_x, by_y = times(TWO, x), negative(times(TWO, y))
        case _:
            by_x, by_y = times(TWO, x), times(TWO, y)
    d.spread(x, scaled(seed, by_x), shape)
    d.spread(y, scaled(seed, by_y), shape)


# Matrices -----------------------------------------------------------------------------


def _matrix_product(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    a, b = present(arguments_of(part, 2, 2))
    (height, width), (_, columns) = d.shape(a), d.shape(b)

    def by_left(i: int, k: int) -> Expression:
        seeds = (scaled(d.at(seed, i, j), d.at(b, k, j)) for j in range(columns))
        return added(seeds)

    def by_right(k: int, j: int) -> Expression:
        seeds = (scaled(d.at(seed, i, j), d.at(a, i, k)) for i in range(height))
        return added(seeds)

    d.spend(height * width * columns)
    d.each(a, by_left)
    d.each(b, by_right)


def _matrix_product_element(d: FormulaDerivation, part: Call, i: int, j: int) -> Expression:
    a, b = present(arguments_of(part, 2, 2))
    if d.cells(a) and d.cells(b):
        row = d.area(a, i, 0, i, d.shape(a)[1] - 1)
        column = d.area(b, 0, j, d.shape(b)[0] - 1, j)
        return call_of("MMULT", row, column)
    if d.is_writable(part):
        return call_of("INDEX", part, Number(i + 1.0), Number(j + 1.0))
    pairs = ((d.at(a, i, k), d.at(b, k, j)) for k in range(d.shape(a)[1]))
    return added(times(x, y) for x, y in pairs)


def _matrix_product_shape(d: FormulaDerivation, part: Call) -> Shape:
    a, b = arguments_of(part, 2, 2)
    if d.shape(a)[1] != d.shape(b)[0]:
        raise NotDerivable(Message("MMULT of ranges that don't fit each other"))
    return d.shape(a)[0], d.shape(b)[1]


def _transpose(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    (a,) = arguments_of(part, 1, 1)
    d.push(a, seed if d.shape(seed) == (1, 1) else call_of("TRANSPOSE", seed))


# Branches -----------------------------------------------------------------------------


def _if(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    condition, *branches = arguments_of(part, 2, 3)
    if condition is None:
        raise NotDerivable(Message("an IF without a condition"))
    d.hold(condition, CONDITIONS)
    shape = d.shape(part)
    for branch, holds in zip(branches, (True, False), strict=False):
        d.spread(branch, guarded(seed, condition, holds=holds), shape)


def _ifs(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    arguments = arguments_of(part, 2)
    shape = d.shape(part)
    for condition, branch in zip(arguments[::2], arguments[1::2], strict=False):
        if condition is None:
            raise NotDerivable(Message("an IF without a condition"))
        d.hold(condition, CONDITIONS)
        d.spread(branch, guarded(seed, condition), shape)
        seed = guarded(seed, condition, holds=False)


def _switch(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    value, *rest = arguments_of(part, 3)
    d.hold(value, CONDITIONS)
    shape = d.shape(part)
    for case, branch in zip(rest[::2], rest[1::2], strict=False):
        condition = Infix("=", value or ZERO, case or ZERO)
        d.hold(case, CONDITIONS)
        d.spread(branch, guarded(seed, condition), shape)
        seed = guarded(seed, condition, holds=False)
    if len(rest) % 2:
        d.spread(rest[-1], seed, shape)


def _choose(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    place, *branches = arguments_of(part, 2)
    known = constant_of(place)
    d.hold(place, CONDITIONS)
    for k, branch in enumerate(branches, 1):
        if known is None:
            is_chosen = Infix("=", call_of("INT", place), Number(float(k)))
            d.spread(branch, guarded(seed, is_chosen), d.shape(part))
        elif int(known) == k:
            d.push(branch, seed)


def _if_error(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    value, *instead = arguments_of(part, 1, 2)
    test = "ISNA" if plain_name(part.function) == "IFNA" else "ISERROR"
    is_wrong = call_of(test, value)
    d.spread(value, guarded(seed, is_wrong, holds=False), d.shape(part))
    for branch in instead:
        d.spread(branch, guarded(seed, is_wrong), d.shape(part))


# One of several -----------------------------------------------------------------------


def first_equal(
    d: FormulaDerivation, a: Expression, i: int, j: int, wanted: Expression, seed: Expression
) -> Expression:
    """The seed if an element of a part is the first that equals a value."""
    height, width = d.shape(a)
    if (height, width) == (1, 1):
        return guarded(seed, Infix("=", a, wanted))
    if 1 in (height, width):
        is_first = Infix("=", call_of("MATCH", wanted, a, ZERO), Number(float(max(i, j) + 1)))
        return guarded(seed, is_first)
    if not d.cells(a):
        raise NotDerivable(Message("the largest or smallest of computed rows and columns"))
    row = d.area(a, i, 0, i, width - 1)
    inside = Infix("=", call_of("MATCH", wanted, row, ZERO), Number(j + 1.0))
    if i:
        above = call_of("COUNTIF", d.area(a, 0, 0, i - 1, width - 1), wanted)
        seed = guarded(seed, Infix("=", above, ZERO))
    return guarded(guarded(seed, Infix(">", call_of("COUNTIF", row, wanted), ZERO)), inside)


def _extreme(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """MAX and MIN."""
    name, arguments = plain_name(part.function).removesuffix("A"), present(arguments_of(part))
    sign = ">" if name == "MAX" else "<"
    d.note(TIES)
    if len(arguments) == 2 and all(d.shape(a) == (1, 1) for a in arguments):
        a, b = arguments
        d.push(a, guarded(seed, Infix(f"{sign}=", a, b)))
        d.push(b, guarded(seed, Infix(sign, b, a)))
        return
    value = d.value(part)
    for k, a in enumerate(arguments):
        if not d.is_live(a):
            continue
        chosen = seed
        if k:
            before = arguments[0] if k == 1 and d.shape(arguments[0]) == (1, 1) else None
            earlier = before or call_of(name, *arguments[:k])
            chosen = guarded(seed, Infix("<>", earlier, value))
        if len(arguments) > 1 and d.shape(a) != (1, 1):
            chosen = guarded(chosen, Infix("=", call_of(name, a), value))
        d.each(a, lambda i, j, a=a, chosen=chosen: first_equal(d, a, i, j, value, chosen))  # type: ignore[misc]


def _ranked(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """LARGE and SMALL."""
    a, place = arguments_of(part, 2, 2)
    if a is None:
        return
    d.note(TIES)
    d.hold(place, POSITIONS)
    value = d.value(part)
    d.each(a, lambda i, j: first_equal(d, a, i, j, value, seed))


def _median(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """The middle number, or half of each of the middle two."""
    arguments = present(arguments_of(part))
    d.note(TIES)
    if len(arguments) == 1:
        a = arguments[0]
        count = call_of("COUNT", a)
        lower = call_of("SMALL", a, call_of("INT", over(plus(count, ONE), TWO)))
        upper = call_of("SMALL", a, plus(call_of("INT", over(count, TWO)), ONE))
        d.each(
            a,
            lambda i, j: plus(
                first_equal(d, a, i, j, lower, over(seed, TWO)),
                first_equal(d, a, i, j, upper, over(seed, TWO)),
            ),
        )
        return
    places = ((a, *place) for a in arguments for place in product(*map(range, d.shape(a))))
    numbers = sum(starmap(d.counts, places))
    if numbers % 2 == 0 or any(d.shape(a) != (1, 1) for a in arguments):
        raise NotDerivable(Message("MEDIAN of several ranges"))
    value = d.value(part)
    for a in arguments:
        is_middle = Infix("=", a, value)
        d.push(a, guarded(seed, is_middle))
        seed = guarded(seed, is_middle, holds=False)


STRUCTURAL: dict[str, Rule] = {
    "SUM": _sum,
    "SUMSQ": _sum_of_squares,
    "AVERAGE": _average,
    "AVERAGEA": _average,
    **dict.fromkeys(
        ("STDEV", "STDEV.S", "STDEVP", "STDEV.P", "VAR", "VAR.S", "VARP", "VAR.P", "DEVSQ"),
        _spread_of,
    ),
    "SKEW": _skewness,
    "CONVERT": _conversion,
    "GEOMEAN": _geometric_mean,
    "HARMEAN": _harmonic_mean,
    "PRODUCT": _product,
    "SUMPRODUCT": _sumproduct,
    **dict.fromkeys(("SUMXMY2", "SUMX2MY2", "SUMX2PY2"), _sum_of_pairs),
    "MMULT": _matrix_product,
    "TRANSPOSE": _transpose,
    "IF": _if,
    "IFS": _ifs,
    "SWITCH": _switch,
    "CHOOSE": _choose,
    "IFERROR": _if_error,
    "IFNA": _if_error,
    **dict.fromkeys(("MAX", "MIN", "MAXA", "MINA"), _extreme),
    **dict.fromkeys(("LARGE", "SMALL"), _ranked),
    "MEDIAN": _median,
}
SHAPES: dict[str, Callable[[FormulaDerivation, Call], Shape]] = {
    "MMULT": _matrix_product_shape,
    "TRANSPOSE": lambda d, part: d.shape(arguments_of(part, 1, 1)[0])[::-1],
}
ELEMENTS: dict[str, Callable[[FormulaDerivation, Call, int, int], Expression]] = {
    "MMULT": _matrix_product_element,
    "TRANSPOSE": lambda d, part, i, j: d.at(part.arguments[0], j, i),
}
BY_ELEMENT = frozenset(("IF", "IFS", "SWITCH", "IFERROR", "IFNA", "CHOOSE"))
FLAT_WORDS = """
NOT SIGN INT TRUNC EVEN ODD FLOOR FLOOR.MATH FLOOR.PRECISE CEILING CEILING.MATH CEILING.PRECISE
ISO.CEILING QUOTIENT ISNUMBER ISBLANK ISERROR ISERR ISNA ISTEXT ISNONTEXT ISLOGICAL ISEVEN ISODD
LEN LEFT RIGHT MID TEXT EXACT TRIM UPPER LOWER PROPER SEARCH FIND SUBSTITUTE REPLACE REPT CHAR CODE
UNICHAR UNICODE CLEAN T DOLLAR FIXED YEAR MONTH DAY WEEKDAY WEEKNUM ISOWEEKNUM HOUR MINUTE SECOND
DATE TIME DATEVALUE TIMEVALUE EDATE EOMONTH DAYS DAYS360 YEARFRAC DATEDIF FACT COMBIN PERMUT GCD
LCM BITAND BITOR BITXOR BASE DECIMAL BIN2DEC DEC2BIN HEX2DEC DEC2HEX OCT2DEC DEC2OCT BIN2HEX
HEX2BIN ROMAN ARABIC
"""
FLAT_WORDS_OF_RANGES = """
COUNT COUNTA COUNTBLANK COUNTIF COUNTIFS ROW ROWS COLUMN COLUMNS MATCH XMATCH RANK RANK.EQ RANK.AVG
PERCENTRANK PERCENTRANK.INC PERCENTRANK.EXC AND OR XOR TRUE FALSE PI TODAY NOW RAND RANDBETWEEN
RANDARRAY CONCATENATE CONCAT TEXTJOIN TEXTSPLIT TEXTBEFORE TEXTAFTER NA ADDRESS CELL INFO HYPERLINK
ISFORMULA FORMULATEXT ISREF NETWORKDAYS NETWORKDAYS.INTL WORKDAY WORKDAY.INTL ERROR.TYPE TYPE SHEET
SHEETS AREAS MODE MODE.SNGL FREQUENCY DCOUNT DCOUNTA MULTINOMIAL UNIQUE
"""
FLAT_BY_ELEMENT = frozenset(FLAT_WORDS.split())
FLAT = FLAT_BY_ELEMENT | frozenset(FLAT_WORDS_OF_RANGES.split())
