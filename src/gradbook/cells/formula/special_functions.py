"""The special functions behind distributions: Γ, and the shares below a number of Γ and β.

They know single numbers and nodes; which function of a spreadsheet they are for is unknown here.
Sums whose terms are all positive are used where they keep every digit, continued fractions for the
small rest beside 1.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, isnan, lgamma, log, log1p, nan

from gradbook.graph.node import Node, define_foreign
from gradbook.graph.ops import of_each_number

MOST_TERMS = 20_000
CLOSE = 1e-16
TINIEST = 1e-300
FAR = 8.0  # from where ψ is its asymptotic series
BERNOULLI = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760)


def digamma(x: float) -> float:
    """ψ, the slope of ln Γ."""
    if x <= 0:
        return nan
    below = 0.0
    while x < FAR:
        below += 1 / x
        x += 1
    squared = 1 / (x * x)
    series = sum(b * squared ** (k + 1) for k, b in enumerate(BERNOULLI))
    return log(x) - 1 / (2 * x) - series - below


def gamma_share(shape: float, x: float) -> float:
    """The share of Γ(shape) below x, the regularised incomplete gamma function P."""
    if x <= 0 or shape <= 0:
        return 0.0 if x <= 0 < shape else nan
    return _gamma_series(shape, x) if x < shape + 1 else 1 - _gamma_fraction(shape, x)


def gamma_rest(shape: float, x: float) -> float:
    """The share above x, of which the smallest keeps its digits."""
    if x <= 0 or shape <= 0:
        return 1.0 if x <= 0 < shape else nan
    return 1 - _gamma_series(shape, x) if x < shape + 1 else _gamma_fraction(shape, x)


def gamma_share_by_shape(shape: float, x: float) -> float:
    """The slope of P by its shape, from its sum term by term."""
    if x <= 0 or shape <= 0:
        return nan
    term = 1.0
    total, slowed, steps = term, 0.0, 0.0
    for k in range(1, MOST_TERMS):
        term *= x / (shape + k)
        steps += 1 / (shape + k)
        total += term
        slowed += term * steps
        if term * steps < CLOSE * slowed and k > x:
            break
    first = exp(shape * log(x) - x - lgamma(shape + 1))
    return first * (total * (log(x) - digamma(shape + 1)) - slowed)


def _gamma_series(shape: float, x: float) -> float:
    term = total = 1.0
    for k in range(1, MOST_TERMS):
        term *= x / (shape + k)
        total += term
        if term < CLOSE * total:
            break
    return exp(shape * log(x) - x - lgamma(shape + 1)) * total


def _gamma_fraction(shape: float, x: float) -> float:
    return exp(shape * log(x) - x - lgamma(shape)) / _fraction(
        x + 1 - shape, lambda k: (-k * (k - shape), x + 2 * k + 1 - shape)
    )


def _fraction(first: float, pair: Callable[[int], tuple[float, float]]) -> float:
    """The continued fraction b0 + a1/(b1 + a2/(b2 + …)), from its pairs of a and b."""
    value = above = first or TINIEST
    below = 0.0
    for k in range(1, MOST_TERMS):
        a, b = pair(k)
        below = 1 / ((b + a * below) or TINIEST)
        above = (b + a / above) or TINIEST
        value *= above * below
        if abs(above * below - 1) < CLOSE * 4:
            break
    return value


def beta_share(x: float, a: float, b: float) -> float:
    """The share of β(a, b) below x, the regularised incomplete beta function I."""
    if isnan(x) or not (0 < a < inf and 0 < b < inf):
        return nan
    if not 0 < x < 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta_below(1 - x, b, a)
    return _beta_below(x, a, b)


def _beta_below(x: float, a: float, b: float) -> float:
    first = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a

    def pair(k: int) -> tuple[float, float]:
        m, is_odd = divmod(k, 2)
        if is_odd:
            return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), 1.0
        return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), 1.0

    return first / _fraction(1.0, pair)


# As ops ---------------------------------------------------------------------------

Numeric = Callable[..., float]
SPECIAL: dict[str, Numeric] = {}
"""Each op on single numbers, by its name."""
SlopeRule = Callable[..., tuple[Node | None, ...]]  # of d, y and the inputs; None: held fixed


def _define(name: str, function: Numeric, derivative: SlopeRule) -> Callable[..., Node]:
    def of_number(*numbers: float) -> float:
        try:
            return function(*numbers)
        except (ArithmeticError, ValueError):
            return nan

    define_foreign(name, of_each_number(of_number), derivative=derivative)
    SPECIAL[name] = of_number
    return lambda *inputs: inputs[0].graph.make(name, *inputs)


def _no_further(d: Node, y: Node, *inputs: Node) -> tuple[Node | None, ...]:
    raise ValueError("a slope by a shape has no slope here")


def gamma_density_of(shape: Node, x: Node) -> Node:
    make = x.graph.make
    return make("exp", (shape - 1) * make("log", x) - x - log_gamma_of(shape))


def beta_density_of(x: Node, a: Node, b: Node) -> Node:
    make = x.graph.make
    constant = log_gamma_of(a + b) - log_gamma_of(a) - log_gamma_of(b)
    return make("exp", constant + (a - 1) * make("log", x) + (b - 1) * make("log", 1 - x))


digamma_of = _define("digamma", digamma, _no_further)
log_gamma_of = _define(
    "log_gamma",
    lambda x: lgamma(x) if x > 0 else nan,
    lambda d, y, x: (d * digamma_of(x),),
)
_by_shape = _define("gamma_share_by_shape", gamma_share_by_shape, _no_further)
gamma_share_of = _define(
    "gamma_share",
    gamma_share,
    lambda d, y, shape, x: (d * _by_shape(shape, x), d * gamma_density_of(shape, x)),
)
gamma_rest_of = _define(
    "gamma_rest",
    gamma_rest,
    lambda d, y, shape, x: (-d * _by_shape(shape, x), -d * gamma_density_of(shape, x)),
)
beta_share_of = _define(
    "beta_share", beta_share, lambda d, y, x, a, b: (d * beta_density_of(x, a, b), None, None)
)
