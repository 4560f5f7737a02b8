"""The ops on single values: each with its value, its derivative, and often an expansion.

On tensors, they work element by element.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import erfc, pi, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

from gradbook.graph.node import Array, Node, define, define_foreign


def _not_given(name: str) -> Array:
    raise AssertionError(f"no value is given for {name}")


define("constant", np.float64)
define("leaf", _not_given)
define("copy", lambda x, name: x, derivative=lambda d, y, x: (d,))

# Between samples: `repeat` gives a step's value to every sample, `total` sums over them.

define("repeat", lambda x: x, derivative=lambda d, y, x: (d.graph.make("total", d),))
define(
    "total",
    lambda x: x.sum(axis=0),
    derivative=lambda d, y, x: (d.graph.make("repeat", d),),
)

# Arithmetic.

define("add", np.add, derivative=lambda d, y, a, b: (d, d))
define("subtract", np.subtract, derivative=lambda d, y, a, b: (d, -d))
define("multiply", np.multiply, derivative=lambda d, y, a, b: (d * b, d * a))
define("divide", np.divide, derivative=lambda d, y, a, b: (d / b, -d * y / b))
define("negate", np.negative, derivative=lambda d, y, x: (-d,))


def _of(op: str, x: Node) -> Node:
    return x.graph.make(op, x)


def _one_less(n: Node) -> Node | float:
    return n.number - 1 if n.is_constant() else n - 1


def _slopes_of_power(d: Node, y: Node, x: Node, n: Node) -> tuple[Node, Node | None]:
    """By a computed exponent, only a positive number has a slope."""
    by_exponent = None if n.is_constant() else x.graph.make("choose", x, d * y * _of("log", x), 0)
    return d * n * x ** _one_less(n), by_exponent


define("power", np.power, derivative=_slopes_of_power)
define("exp", np.exp, derivative=lambda d, y, x: (d * y,))
define("log", np.log, derivative=lambda d, y, x: (d / x,))
define("sqrt", np.sqrt, derivative=lambda d, y, x: (d / (2 * y),))
define("sin", np.sin, derivative=lambda d, y, x: (d * x.graph.make("cos", x),))
define("cos", np.cos, derivative=lambda d, y, x: (-d * x.graph.make("sin", x),))


define(
    "tan",
    np.tan,
    derivative=lambda d, y, x: (d / _of("cos", x) ** 2,),
    expansion=lambda x: _of("sin", x) / _of("cos", x),
)
define("atan", np.arctan, derivative=lambda d, y, x: (d / (1 + x**2),))
define(
    "asin",
    np.arcsin,
    derivative=lambda d, y, x: (d / _of("sqrt", 1 - x**2),),
    # by the tangent of half the angle, which is finite at both ends
    expansion=lambda x: 2 * _of("atan", x / (1 + _of("sqrt", (1 - x) * (1 + x)))),
)
define(
    "acos",
    np.arccos,
    derivative=lambda d, y, x: (-d / _of("sqrt", 1 - x**2),),
    expansion=lambda x: pi / 2 - _of("asin", x),
)
define(
    "sinh",  # by tanh, which keeps the digits of a small x
    np.sinh,
    derivative=lambda d, y, x: (d * _of("cosh", x),),
    expansion=lambda x: _of("tanh", x) * _of("cosh", x),
)
define(
    "cosh",
    np.cosh,
    derivative=lambda d, y, x: (d * _of("sinh", x),),
    expansion=lambda x: (_of("exp", x) + _of("exp", -x)) / 2,
)


def _log_with_root(x: Node) -> Node:
    return _of("log", x + _of("sqrt", x**2 + 1))


define(
    "asinh",
    np.arcsinh,
    derivative=lambda d, y, x: (d / _of("sqrt", x**2 + 1),),
    expansion=lambda x: x.graph.make("choose", x, _log_with_root(x), -_log_with_root(-x)),
)
define(
    "acosh",
    np.arccosh,
    derivative=lambda d, y, x: (d / _of("sqrt", x**2 - 1),),
    expansion=lambda x: _of("log", x + _of("sqrt", x**2 - 1)),
)
define(
    "atanh",
    np.arctanh,
    derivative=lambda d, y, x: (d / (1 - x**2),),
    expansion=lambda x: _of("log", (1 + x) / (1 - x)) / 2,
)


def _logarithm(base: int) -> dict[str, Any]:
    return {
        "derivative": lambda d, y, x: (d / (x * x.graph.make("log", base)),),
        "expansion": lambda x: _of("log", x) / x.graph.make("log", base),
    }


define("log10", np.log10, **_logarithm(10))
define("log2", np.log2, **_logarithm(2))

# Choices. The first of equal values counts; at its corner, a ReLU has slope 0, as in PyTorch.

define(
    "choose",  # a where c > 0, else b
    lambda c, a, b: np.where(c > 0, a, b),
    derivative=lambda d, y, c, a, b: (
        None,
        d.graph.make("choose", c, d, 0),
        d.graph.make("choose", c, 0, d),
    ),
)
define(
    "sign",
    np.sign,
    derivative=lambda d, y, x: (None,),
    expansion=lambda x: x.graph.make("choose", x, 1, x.graph.make("choose", -x, -1, 0)),
)
define(
    "largest",
    lambda *xs: reduce(np.maximum, xs),
    derivative=lambda d, y, *xs: tuple(
        d * d.graph.make("is_largest", *xs, attributes=(k,)) for k in range(len(xs))
    ),
    expansion=lambda *xs: reduce(lambda most, x: x.graph.make("choose", x - most, x, most), xs),
)


def _is_largest(*arrays: Any) -> Any:
    *xs, k = arrays
    before = [xs[k] > x for x in xs[:k]]
    after = [xs[k] >= x for x in xs[k + 1 :]]
    return np.float64(1) * reduce(np.logical_and, [*before, *after], True)


def _expanded_is_largest(*arguments: Any) -> Node:
    *xs, k = arguments
    make = xs[k].graph.make
    before = [make("choose", xs[k] - x, 1, 0) for x in xs[:k]]
    after = [make("choose", x - xs[k], 0, 1) for x in xs[k + 1 :]]
    product: Node = reduce(lambda product, each: product * each, [*before, *after])
    return product


define(
    "is_largest",  # 1 if the k-th is the largest, else 0
    _is_largest,
    derivative=lambda d, y, *xs: (None,) * len(xs),
    expansion=_expanded_is_largest,
)

# Activations.


def sigmoid(x: Array) -> Array:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


define(
    "sigmoid",
    sigmoid,
    derivative=lambda d, y, x: (d * y * (1 - y),),
    expansion=lambda x: 1 / (1 + x.graph.make("exp", -x)),
)


def sigmoid_of(x: Node) -> Node:
    return x.graph.make("sigmoid", x)


define("tanh", np.tanh, derivative=lambda d, y, x: (d * (1 - y**2),))
define(
    "softplus",  # ln(1 + e^x)
    lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    derivative=lambda d, y, x: (d * sigmoid_of(x),),
)
define(
    "relu",
    lambda x: np.maximum(x, 0),
    derivative=lambda d, y, x: (d * x.graph.make("choose", x, 1, 0),),
)
BELL = 1 / sqrt(2 * pi)  # the maximum of the normal distribution's density
TWO_BY_ROOT_PI = 2 / sqrt(pi)


def of_each_number(function: Callable[..., float]) -> Callable[..., Array]:
    """The same function of arrays."""
    return np.vectorize(function, otypes=[np.float64])


_tails = of_each_number(erfc)


def normal_share(x: Array) -> Array:
    """Computed from the lower tail, so that tiny values aren't lost beside 1."""
    x = np.asarray(x)
    tails: Array = _tails(x / -sqrt(2)).astype(np.result_type(x, np.float32))
    return 0.5 * tails


def normal_share_of(x: Node) -> Node:
    return x.graph.make("normal_share", x)


def bell(x: Node) -> Node:
    """The normal distribution's density, the derivative of its distribution function."""
    return BELL * x.graph.make("exp", -(x**2) / 2)


define(
    "normal_share",  # Φ(x): the share of a normal distribution below x
    normal_share,
    derivative=lambda d, y, x: (d * bell(x),),
)
define(
    "erf",
    lambda x: 2 * normal_share(sqrt(2) * np.asarray(x)) - 1,
    derivative=lambda d, y, x: (d * (TWO_BY_ROOT_PI * x.graph.make("exp", -(x**2))),),
    expansion=lambda x: 2 * normal_share_of(sqrt(2) * x) - 1,
)
define(
    "log_sum_exp",  # ln Σ e^x: softmax is e^(x − this)
    lambda *xs: reduce(np.logaddexp, xs),
    derivative=lambda d, y, *xs: tuple(d * d.graph.make("exp", x - y) for x in xs),
)

# Ops of others' formulas only.

define_foreign(  # many values added up, where a formula isn't compared with others
    "sum_of_all", lambda *xs: reduce(np.add, xs), derivative=lambda d, y, *xs: (d,) * len(xs)
)

_quantiles = of_each_number(lambda p: NormalDist().inv_cdf(p) if 0 < p < 1 else np.nan)
define_foreign(  # the number below which this share of a normal distribution is
    "normal_quantile", _quantiles, derivative=lambda d, y, p: (d / bell(y),)
)
