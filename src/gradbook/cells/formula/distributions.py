"""Distributions beside the normal one: Poisson, binomial, gamma, χ², t, F, Weibull.

Counts and degrees of freedom are whole numbers, held fixed; a share is flat in them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from gradbook.cells.formula.formula_values import Elementwise, flat, present
from gradbook.cells.formula.operators import if_positive, power, truth
from gradbook.cells.formula.rounding import cut_off
from gradbook.cells.formula.special_functions import (
    BERNOULLI,
    FAR,
    beta_density_of,
    beta_share_of,
    gamma_density_of,
    gamma_rest_of,
    gamma_share_of,
    log_gamma_of,
)
from gradbook.graph.node import Node


def _is_true(flag: Node) -> bool:
    return present(truth(flag.graph, flag)) > 0


def _held_whole(x: Node) -> Node:
    return flat(cut_off(x))


def _exp(x: Node) -> Node:
    return x.graph.make("exp", x)


def _log(x: Node) -> Node:
    return x.graph.make("log", x)


def _above_zero(x: Node, value: Node | float) -> Node:
    """0 for a negative x, where the distribution has nothing."""
    return if_positive(x, value, 0)


# Values ---------------------------------------------------------------------------


def _gamma(x: Node) -> Node:
    """Γ; below 0 by its reflection."""
    if present(x) > 0:
        return _exp(log_gamma_of(x))
    pi = x.graph.constant(math.pi)
    return pi / (x.graph.make("sin", pi * x) * _exp(log_gamma_of(1 - x)))


def _poisson(count: Node, mean: Node, cumulative: Node) -> Node:
    count = _held_whole(count)
    if _is_true(cumulative):
        return gamma_rest_of(count + 1, mean)
    return _exp(count * _log(mean) - mean - log_gamma_of(count + 1))


def _binomial(count: Node, trials: Node, share: Node, cumulative: Node) -> Node:
    count, trials = _held_whole(count), _held_whole(trials)
    if _is_true(cumulative):
        if present(count) == present(trials):
            return share.graph.constant(1)
        return beta_share_of(1 - share, trials - count, count + 1)
    ways = log_gamma_of(trials + 1) - log_gamma_of(count + 1) - log_gamma_of(trials - count + 1)
    return _exp(ways) * power(share, count) * power(1 - share, trials - count)


def _gamma_distribution(x: Node, shape: Node, scale: Node, cumulative: Node) -> Node:
    scaled = x / scale
    if _is_true(cumulative):
        return _above_zero(x, gamma_share_of(shape, scaled))
    return _above_zero(x, gamma_density_of(shape, scaled) / scale)


def _chi_squared(x: Node, freedom: Node, cumulative: Node) -> Node:
    half = _held_whole(freedom) / 2
    if _is_true(cumulative):
        return _above_zero(x, gamma_share_of(half, x / 2))
    return _above_zero(x, gamma_density_of(half, x / 2) / 2)


def _chi_squared_rest(x: Node, freedom: Node) -> Node:
    return if_positive(x, gamma_rest_of(_held_whole(freedom) / 2, x / 2), 1)


def _student_rest(x: Node, freedom: Node) -> Node:
    """The share above x, of which the smallest keeps its digits."""
    freedom = _held_whole(freedom)
    squares = x * x
    tail = (
        beta_share_of(freedom / (freedom + squares), freedom / 2, freedom.graph.constant(0.5)) / 2
    )
    return if_positive(x, tail, 1 - tail)


def _student(x: Node, freedom: Node, cumulative: Node) -> Node:
    freedom = _held_whole(freedom)
    if _is_true(cumulative):
        return _student_rest(-x, freedom)
    constant = log_gamma_of((freedom + 1) / 2) - log_gamma_of(freedom / 2)
    constant -= _log(freedom * math.pi) / 2
    return _exp(constant - (freedom + 1) / 2 * _log(1 + x * x / freedom))


def _student_by_tails(x: Node, freedom: Node, tails: Node) -> Node:
    """TDIST, for an x that isn't negative."""
    if present(x) < 0 or present(tails) not in (1, 2):
        raise ValueError("a negative x, or neither one tail nor two")
    return _student_rest(x, freedom) * present(tails)


def _fisher(x: Node, above: Node, below: Node, cumulative: Node) -> Node:
    m, n = _held_whole(above), _held_whole(below)
    part = m * x / (m * x + n)
    if _is_true(cumulative):
        return _above_zero(x, beta_share_of(part, m / 2, n / 2))
    slope = m * n / ((m * x + n) * (m * x + n))
    return _above_zero(x, beta_density_of(part, m / 2, n / 2) * slope)


def _fisher_rest(x: Node, above: Node, below: Node) -> Node:
    m, n = _held_whole(above), _held_whole(below)
    return if_positive(x, beta_share_of(n / (m * x + n), n / 2, m / 2), 1)


def _weibull(x: Node, shape: Node, scale: Node, cumulative: Node) -> Node:
    scaled = power(x / scale, shape)
    if _is_true(cumulative):
        return 1 - _exp(-scaled)
    return shape / x * scaled * _exp(-scaled)


# Slopes ---------------------------------------------------------------------------


def _digamma(x: str) -> str:
    """ψ as a formula: its asymptotic series at x + 8, less the reciprocals up to there."""
    far = f"({x}+{FAR:.0f})"
    series = "".join(f"{-b:+.17g}/{far}^{2 * k}" for k, b in enumerate(BERNOULLI[:5], 1))
    below = "".join(f"-1/({x}+{k})" for k in range(int(FAR)))
    return f"LN({far})-1/(2*{far}){series}{below}"


def _nudged(formula: str, argument: str) -> str:
    """A slope that no formula of a spreadsheet has: four values beside it, right to ten digits."""
    parts = [formula.replace(argument, f"({argument}*{1 + n * 1e-3})") for n in (-2, -1, 1, 2)]
    return "({}-8*{}+8*{}-{})".format(*parts) + f"/({argument}*0.012)"


_LOG_GAMMA = Elementwise(log_gamma_of, (_digamma("x"),))
_POISSON = Elementwise(
    _poisson,
    ("", "IF(z,-POISSON(INT(x),y,FALSE),value*(INT(x)/y-1))", ""),
)
_BINOMIAL = Elementwise(
    _binomial,
    (
        "",
        "",
        "IF(u,IF(INT(x)=INT(y),0,-INT(y)*BINOMDIST(INT(x),INT(y)-1,z,FALSE)),"
        "value*(INT(x)/z-(INT(y)-INT(x))/(1-z)))",
        "",
    ),
)
_GAMMA = Elementwise(
    _gamma_distribution,
    (
        "IF(u,GAMMADIST(x,y,z,FALSE),value*((y-1)/x-1/z))",
        f"IF(u,{_nudged('GAMMADIST(x,y,z,TRUE)', 'y')},value*(LN(x/z)-({_digamma('y')})))",
        "IF(u,-GAMMADIST(x,y,z,FALSE)*x/z,value*(x/z-y)/z)",
        "",
    ),
)
_T_DENSITY = (
    "(EXP(GAMMALN((INT(y)+1)/2)-GAMMALN(INT(y)/2))/SQRT(INT(y)*PI())"
    "*(1+x^2/INT(y))^(-(INT(y)+1)/2))"
)
_CHI_DENSITY = "GAMMADIST(x,INT(y)/2,2,FALSE)"
_F_DENSITY = (
    "(EXP(GAMMALN((INT(y)+INT(z))/2)-GAMMALN(INT(y)/2)-GAMMALN(INT(z)/2))"
    "*(INT(y)/INT(z))^(INT(y)/2)*x^(INT(y)/2-1)*(1+INT(y)*x/INT(z))^(-(INT(y)+INT(z))/2))"
)
_WEIBULL = Elementwise(
    _weibull,
    (
        "IF(u,WEIBULL(x,y,z,FALSE),value*((y-1)-y*(x/z)^y)/x)",
        "IF(u,(1-value)*(x/z)^y*LN(x/z),value*(1/y+LN(x/z)*(1-(x/z)^y)))",
        "IF(u,-WEIBULL(x,y,z,FALSE)*x/z,value*y*((x/z)^y-1)/z)",
        "",
    ),
)
_CHI_REST = Elementwise(_chi_squared_rest, (f"-{_CHI_DENSITY}", ""))
_F_REST = Elementwise(_fisher_rest, (f"-{_F_DENSITY}", "", ""))

DISTRIBUTIONS: Mapping[str, Elementwise] = {
    "GAMMALN": _LOG_GAMMA,
    "GAMMALN.PRECISE": _LOG_GAMMA,
    "GAMMA": Elementwise(_gamma, (f"value*({_digamma('x')})",)),
    "POISSON": _POISSON,
    "POISSON.DIST": _POISSON,
    "BINOMDIST": _BINOMIAL,
    "BINOM.DIST": _BINOMIAL,
    "GAMMADIST": _GAMMA,
    "GAMMA.DIST": _GAMMA,
    "CHISQ.DIST": Elementwise(
        _chi_squared, (f"IF(z,{_CHI_DENSITY},value*((INT(y)/2-1)/x-1/2))", "", "")
    ),
    "CHISQ.DIST.RT": _CHI_REST,
    "CHIDIST": _CHI_REST,
    "T.DIST": Elementwise(
        _student, (f"IF(z,{_T_DENSITY},-value*(INT(y)+1)*x/(INT(y)+x^2))", "", "")
    ),
    "T.DIST.RT": Elementwise(_student_rest, (f"-{_T_DENSITY}", "")),
    "T.DIST.2T": Elementwise(
        lambda x, freedom: 2 * _student_rest(x, freedom), (f"-2*{_T_DENSITY}", "")
    ),
    "TDIST": Elementwise(_student_by_tails, (f"-z*{_T_DENSITY}", "", "")),
    "F.DIST": Elementwise(
        _fisher,
        (
            f"IF(u,{_F_DENSITY},value*((INT(y)/2-1)/x-(INT(y)+INT(z))/2*INT(y)/(INT(z)+INT(y)*x)))",
            "",
            "",
            "",
        ),
    ),
    "F.DIST.RT": _F_REST,
    "FDIST": _F_REST,
    "WEIBULL": _WEIBULL,
    "WEIBULL.DIST": _WEIBULL,
}
"""Each distribution, under its older and its newer name."""
