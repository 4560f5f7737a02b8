"""Functions of single values: what each means, and its slopes as formulas.

On a range they work element by element. The slopes are what a person would write: with them, a
derivative stands in a workbook as a formula.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from gradbook.cells.formula.annuities import ANNUITIES
from gradbook.cells.formula.distributions import DISTRIBUTIONS
from gradbook.cells.formula.formula_values import Elementwise, flat, has_values_only, present
from gradbook.cells.formula.operators import if_positive, power, truth
from gradbook.cells.formula.rounding import (
    SHOWN,
    cut_off,
    product,
    rounded,
    rounded_down,
    rounded_up,
)
from gradbook.graph.node import Node

MOST_DIGITS = 15  # digits to which numbers are rounded


# Values ---------------------------------------------------------------------------


def _op(name: str) -> Callable[[Node], Node]:
    return lambda x: x.graph.make(name, x)


_exp, _log, _sqrt = _op("exp"), _op("log"), _op("sqrt")
_sin, _cos, _tanh = _op("sin"), _op("cos"), _op("tanh")
_share, _quantile, _arctangent = _op("normal_share"), _op("normal_quantile"), _op("atan")


def _logarithm(x: Node, base: Node | None = None) -> Node:
    """LOG: to base 10 unless another is given."""
    logarithm = _log(x)
    return logarithm / (math.log(10) if base is None else _log(base))


def _cosh(x: Node) -> Node:
    return (_exp(x) + _exp(-x)) / 2


def _sinh(x: Node) -> Node:
    """By tanh where only values count, which keeps the digits of a small x."""
    return _tanh(x) * _cosh(x) if has_values_only(x.graph) else (_exp(x) - _exp(-x)) / 2


def _arcsine(x: Node) -> Node:
    """By the tangent of half the angle, which is finite at both ends."""
    return 2 * _arctangent(x / (1 + _sqrt((1 - x) * (1 + x))))


def _angle(x: Node, y: Node) -> Node:
    """ATAN2: the angle of a point, from its x and its y."""
    near = _arctangent(y / x)
    beside = math.pi / 2 - _arctangent(x / y)  # above
    below = -math.pi / 2 - _arctangent(x / y)
    nowhere = x.graph.constant(math.nan)
    left = if_positive(y, beside, if_positive(-y, below, if_positive(-x, math.pi, nowhere)))
    return if_positive(x, near, left)


def _density(x: Node) -> Node:
    """The density of the normal distribution."""
    return _exp(-(x * x) / 2) / math.sqrt(2 * math.pi)


def _error_function(x: Node, last: Node | None = None) -> Node:
    """ERF: from 0, or from one number to another."""
    if last is not None:
        return 2 * (_share(last * math.sqrt(2)) - _share(x * math.sqrt(2)))
    return 2 * _share(x * math.sqrt(2)) - 1


def _normal(x: Node, mean: Node, deviation: Node, cumulative: Node) -> Node:
    standard = (x - mean) / deviation
    if present(truth(x.graph, cumulative)) > 0:
        return _share(standard)
    return _density(standard) / deviation


def _standard_normal(x: Node, cumulative: Node | None = None) -> Node:
    is_share = cumulative is None or present(truth(x.graph, cumulative)) > 0
    return _share(x) if is_share else _density(x)


def _exponential(x: Node, rate: Node, cumulative: Node) -> Node:
    left = _exp(-(rate * x))
    return 1 - left if present(truth(x.graph, cumulative)) > 0 else rate * left


def _lognormal(x: Node, mean: Node, deviation: Node, cumulative: Node) -> Node:
    if present(truth(x.graph, cumulative)) > 0:
        return _share((_log(x) - mean) / deviation)
    return _density((_log(x) - mean) / deviation) / (deviation * x)


def _rounding(rounded: Callable[[Node], Node], is_flat: bool = False) -> Callable[..., Node]:
    """ROUND, INT and the like, to a number of digits if one is given. A number that is 0 or 1, or a
    sigmoid, which is between them, needs only a comparison."""

    def make(x: Node, *digits: Node) -> Node:
        graph = x.graph
        if x.op.name == "sigmoid" and len(digits) == 1 and digits[0].is_constant(0):
            return if_positive(0.5 - x, 0, 1)
        if x.op.name == "choose" and all(
            n.is_constant() and n.number.is_integer() for n in x.inputs[1:]
        ):
            return x
        if has_values_only(graph):
            digits = tuple([graph.constant(present(n)) for n in digits])
        if not all(n.is_constant() and abs(n.number) <= MOST_DIGITS for n in digits):
            raise ValueError("digits that are computed")
        power = 10.0 ** int(digits[0].number) if digits else 1.0
        if power <= 1:
            result = rounded(x) if power == 1 else rounded(x * power) / power
        else:
            result = graph.make(SHOWN, x, rounded(x * power) / power)
        return flat(result) if is_flat and has_values_only(graph) else result

    return make


def _multiple(rounded: Callable[[Node], Node], is_flat: bool = True) -> Callable[..., Node]:
    """MROUND and the like: a nearby multiple."""

    def make(x: Node, of: Node | None = None) -> Node:
        of = x.graph.constant(1) if of is None else of
        if not has_values_only(x.graph):
            return product(of, rounded(x / of))
        nearby = of * flat(rounded(x / of))
        return nearby if is_flat else x.graph.make("straight", nearby, x)

    return make


def _remainder(x: Node, of: Node) -> Node:
    """MOD, which has the sign of the divisor."""
    return x - of * flat(rounded_down(x / of))


def _up(x: Node) -> Node:
    return -rounded_down(-x)


def _odd(x: Node) -> Node:
    """The next odd number away from 0."""
    above, below = 2 * _up((x - 1) / 2) + 1, 2 * rounded_down((x + 1) / 2) - 1
    return if_positive(x, above, if_positive(-x, below, 1))


# The table ------------------------------------------------------------------------

_MULTIPLE = Elementwise(_multiple(rounded_down), ("", "value/y"), ("", "1"))
_MULTIPLE_ABOVE = Elementwise(_multiple(_up), ("", "value/y"), ("", "1"))
_NORMAL = Elementwise(
    _normal,
    (
        "IF(u,NORMDIST(x,y,z,FALSE),-value*(x-y)/z^2)",
        "IF(u,-NORMDIST(x,y,z,FALSE),value*(x-y)/z^2)",
        "IF(u,-NORMDIST(x,y,z,FALSE)*(x-y)/z,value*((x-y)^2/z^2-1)/z)",
        "",
    ),
)
_STANDARD = Elementwise(
    _standard_normal, ("IF(y,NORMDIST(x,0,1,FALSE),-x*value)", ""), ("", "TRUE")
)
_NORMAL_QUANTILE = Elementwise(
    lambda p, mean, deviation: mean + deviation * _quantile(p),
    ("1/NORMDIST(value,y,z,FALSE)", "1", "(value-y)/z"),
)
_STANDARD_QUANTILE = Elementwise(_quantile, ("1/NORMDIST(value,0,1,FALSE)",))
_POWER = Elementwise(power, ("y*x^(y-1)", "IF(x>0,value*LN(x),0)"))
_EXPONENTIAL = Elementwise(
    _exponential,
    (
        "IF(z,y*EXP(-y*x),-y*value)",
        "IF(z,x*EXP(-y*x),(1-x*y)*EXP(-y*x))",
        "",
    ),
)

ROUNDING: Mapping[str, Elementwise] = {
    "INT": Elementwise(_rounding(rounded_down, is_flat=True), ("",)),
    "TRUNC": Elementwise(_rounding(cut_off, is_flat=True), ("", ""), ("", "0")),
    "ROUND": Elementwise(_rounding(rounded), ("1", ""), ("", "0")),
    "ROUNDDOWN": Elementwise(_rounding(cut_off), ("1", ""), ("", "0")),
    "ROUNDUP": Elementwise(_rounding(rounded_up), ("1", ""), ("", "0")),
    "MROUND": Elementwise(_multiple(rounded, is_flat=False), ("1", "")),
    "FLOOR": _MULTIPLE,
    "FLOOR.MATH": _MULTIPLE,
    "CEILING": _MULTIPLE_ABOVE,
    "CEILING.MATH": _MULTIPLE_ABOVE,
}
ELEMENTWISE: Mapping[str, Elementwise] = {
    "EXP": Elementwise(_exp, ("value",)),
    "LN": Elementwise(_log, ("1/x",)),
    "LOG": Elementwise(_logarithm, ("1/(x*LN(y))", "-value/(y*LN(y))"), ("", "10")),
    "LOG10": Elementwise(_logarithm, ("1/(x*LN(10))",)),
    "SQRT": Elementwise(_sqrt, ("1/(2*value)",)),
    "SQRTPI": Elementwise(lambda x: _sqrt(x * math.pi), ("value/(2*x)",)),
    "POWER": _POWER,
    "POW": _POWER,
    "SIN": Elementwise(_sin, ("COS(x)",)),
    "COS": Elementwise(_cos, ("-SIN(x)",)),
    "TAN": Elementwise(lambda x: _sin(x) / _cos(x), ("1+value^2",)),
    "COT": Elementwise(lambda x: _cos(x) / _sin(x), ("-1-value^2",)),
    "SEC": Elementwise(lambda x: 1 / _cos(x), ("value*TAN(x)",)),
    "CSC": Elementwise(lambda x: 1 / _sin(x), ("-value/TAN(x)",)),
    "ASIN": Elementwise(_arcsine, ("1/SQRT(1-x^2)",)),
    "ACOS": Elementwise(lambda x: 2 * _arctangent(_sqrt((1 - x) / (1 + x))), ("-1/SQRT(1-x^2)",)),
    "ATAN": Elementwise(_arctangent, ("1/(1+x^2)",)),
    "ATAN2": Elementwise(_angle, ("-y/(x^2+y^2)", "x/(x^2+y^2)")),
    "SINH": Elementwise(_sinh, ("COSH(x)",)),
    "COSH": Elementwise(_cosh, ("SINH(x)",)),
    "TANH": Elementwise(_tanh, ("1-value^2",)),
    "ASINH": Elementwise(
        lambda x: if_positive(x, _log(x + _sqrt(x * x + 1)), -_log(_sqrt(x * x + 1) - x)),
        ("1/SQRT(x^2+1)",),
    ),
    "ACOSH": Elementwise(lambda x: _log(x + _sqrt(x * x - 1)), ("1/SQRT(x^2-1)",)),
    "ATANH": Elementwise(lambda x: _log((1 + x) / (1 - x)) / 2, ("1/(1-x^2)",)),
    "RADIANS": Elementwise(lambda x: x * (math.pi / 180), ("PI()/180",)),
    "DEGREES": Elementwise(lambda x: x * (180 / math.pi), ("180/PI()",)),
    "ABS": Elementwise(lambda x: if_positive(x, x, -x), ("SIGN(x)",)),
    "SIGN": Elementwise(lambda x: if_positive(x, 1, if_positive(-x, -1, 0)), ("",)),
    "MOD": Elementwise(_remainder, ("1", "-INT(x/y)")),
    "QUOTIENT": Elementwise(lambda x, of: flat(cut_off(x / of)), ("", "")),
    "EVEN": Elementwise(lambda x: flat(2 * rounded_up(x / 2)), ("",)),
    "ODD": Elementwise(lambda x: flat(_odd(x)), ("",)),
    "NOT": Elementwise(lambda x: if_positive(truth(x.graph, x), 0, 1), ("",)),
    "N": Elementwise(lambda x: x, ("1",)),
    "VALUE": Elementwise(lambda x: x, ("1",)),
    "ERF": Elementwise(_error_function, ("2/SQRT(PI())*EXP(-(x^2))",)),
    "ERFC": Elementwise(lambda x: 2 * _share(x * -math.sqrt(2)), ("-2/SQRT(PI())*EXP(-(x^2))",)),
    "NORMSDIST": Elementwise(_share, ("NORMDIST(x,0,1,FALSE)",)),
    "NORM.S.DIST": _STANDARD,
    "NORMDIST": _NORMAL,
    "NORM.DIST": _NORMAL,
    "NORMSINV": _STANDARD_QUANTILE,
    "NORM.S.INV": _STANDARD_QUANTILE,
    "NORMINV": _NORMAL_QUANTILE,
    "NORM.INV": _NORMAL_QUANTILE,
    "PHI": Elementwise(_density, ("-x*value",)),
    "GAUSS": Elementwise(lambda x: _share(x) - 0.5, ("NORMDIST(x,0,1,FALSE)",)),
    "STANDARDIZE": Elementwise(
        lambda x, mean, deviation: (x - mean) / deviation, ("1/z", "-1/z", "-value/z")
    ),
    "LOGNORM.DIST": Elementwise(
        _lognormal,
        (
            "IF(u,NORMDIST(LN(x),y,z,FALSE)/x,-value*(1+(LN(x)-y)/z^2)/x)",
            "IF(u,-NORMDIST(LN(x),y,z,FALSE),value*(LN(x)-y)/z^2)",
            "IF(u,-NORMDIST(LN(x),y,z,FALSE)*(LN(x)-y)/z,value*((LN(x)-y)^2/z^2-1)/z)",
            "",
        ),
    ),
    "EXPON.DIST": _EXPONENTIAL,
    "EXPONDIST": _EXPONENTIAL,
    **ROUNDING,
    **ANNUITIES,
    **DISTRIBUTIONS,
}
"""Each function of single values."""
