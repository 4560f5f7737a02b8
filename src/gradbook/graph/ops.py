"""The ops on single values: what each means, its derivative, and how simpler ops say it.

They work element by element where they are given tensors.
"""

from __future__ import annotations

from functools import reduce
from math import erfc, pi, sqrt
from typing import Any

import numpy as np

from gradbook.graph.node import Array, Node, define


def _not_given(name: str) -> Array:
    raise AssertionError(f"no value for {name}")


define("constant", np.float64)
define("leaf", _not_given)
define("copy", lambda x, name: x, derivative=lambda d, y, x: (d,))

# Between samples: `repeat` gives a step's value to every sample, `total` adds over them.

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
define("power", np.power, derivative=lambda d, y, x, n: (d * n * x ** (n.number - 1), None))
define("exp", np.exp, derivative=lambda d, y, x: (d * y,))
define("log", np.log, derivative=lambda d, y, x: (d / x,))
define("sqrt", np.sqrt, derivative=lambda d, y, x: (d / (2 * y),))

# Choices. A tie goes to the first, and the corner of a ReLU to its flat side, as in PyTorch.

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
    "largest",
    lambda *xs: reduce(np.maximum, xs),
    derivative=lambda d, y, *xs: tuple(
        d * d.graph.make("is_largest", *xs, attributes=(k,)) for k in range(len(xs))
    ),
)


def _is_largest(*arrays: Any) -> Any:
    *xs, k = arrays
    before = [xs[k] > x for x in xs[:k]]
    after = [xs[k] >= x for x in xs[k + 1 :]]
    return np.float64(1) * reduce(np.logical_and, [*before, *after], True)


define(
    "is_largest",  # 1 for the k-th of them, else 0
    _is_largest,
    shape=lambda *shapes: (),
    derivative=lambda d, y, *xs: (None,) * len(xs),
)

# Activations.


def _sigmoid(x: Array) -> Array:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


define(
    "sigmoid",
    _sigmoid,
    derivative=lambda d, y, x: (d * y * (1 - y),),
    expansion=lambda x: 1 / (1 + x.graph.make("exp", -x)),
)


def _chance(x: Node) -> Node:
    return x.graph.make("sigmoid", x)


define("tanh", np.tanh, derivative=lambda d, y, x: (d * (1 - y**2),))
define(
    "softplus",  # ln(1 + e^x)
    lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    derivative=lambda d, y, x: (d * _chance(x),),
)
define(
    "relu",
    lambda x: np.maximum(x, 0),
    derivative=lambda d, y, x: (d * x.graph.make("choose", x, 1, 0),),
)
define(
    "leaky_relu",
    lambda x, slope: np.where(x > 0, x, slope * x),
    derivative=lambda d, y, x: (d * x.graph.make("choose", x, 1, y.attributes[0]),),
    expansion=lambda x, slope: x.graph.make("choose", x, x, slope * x),
)
GELU_SCALE, GELU_CUBE = sqrt(2 / pi), 0.044715


def _gelu_tanh(x: Node) -> Node:
    """tanh(√(2/π)·(x + 0.044715·x³)), written with squares alone, which every target has."""
    return x.graph.make("tanh", GELU_SCALE * x * (1 + GELU_CUBE * x**2))


def _gelu_derivative(d: Node, y: Node, x: Node) -> tuple[Node]:
    t = _gelu_tanh(x)
    inner = GELU_SCALE * (1 + 3 * GELU_CUBE * x**2)
    return (d * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * inner),)


define(
    "gelu",  # Hendrycks and Gimpel (2016), the tanh form: PyTorch's approximate="tanh"
    lambda x: 0.5 * x * (1 + np.tanh(GELU_SCALE * x * (1 + GELU_CUBE * x**2))),
    derivative=_gelu_derivative,
    expansion=lambda x: 0.5 * x * (1 + _gelu_tanh(x)),
)
BELL = 1 / sqrt(2 * pi)  # of the normal distribution's density, in the middle
_tails = np.vectorize(erfc, otypes=[np.float64])


def _normal_share(x: Array) -> Array:
    """Told by the tail below, so that little of little is not lost beside 1."""
    x = np.asarray(x)
    tails: Array = _tails(x / -sqrt(2)).astype(np.result_type(x, np.float32))
    return 0.5 * tails


def _share(x: Node) -> Node:
    return x.graph.make("normal_share", x)


def _bell(x: Node) -> Node:
    """The normal distribution's density, the slope of its share."""
    return BELL * x.graph.make("exp", -(x**2) / 2)


define(
    "normal_share",  # Φ(x): the share of a normal distribution that lies below x
    _normal_share,
    derivative=lambda d, y, x: (d * _bell(x),),
)
define(
    "exact_gelu",  # Hendrycks and Gimpel (2016): what PyTorch and Keras call GELU
    lambda x: x * _normal_share(x),
    derivative=lambda d, y, x: (d * (_share(x) + x * _bell(x)),),
    expansion=lambda x: x * _share(x),
)
define(
    "silu",  # x·σ(x); its slope is σ(x) + y·(1 − σ(x))
    lambda x: x * _sigmoid(x),
    derivative=lambda d, y, x: (d * (_chance(x) + y * (1 - _chance(x))),),
    expansion=lambda x: x * _chance(x),
)


def _up_to_6(x: Node, inside: Node | float, beyond: float) -> Node:
    """Nothing up to 0, one between 0 and 6, another from there on."""
    return x.graph.make("choose", x, x.graph.make("choose", 6 - x, inside, beyond), 0)


def _relu6(x: Node) -> Node:
    return x.graph.make("relu6", x)


define(
    "relu6",  # flat at both corners, as in PyTorch
    lambda x: np.clip(x, 0, 6),
    derivative=lambda d, y, x: (d * _up_to_6(x, 1, 0),),
    expansion=lambda x: _up_to_6(x, x, 6),
)
define(
    "elu",  # e^x − 1 below zero
    lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    derivative=lambda d, y, x: (d * x.graph.make("choose", x, 1, y + 1),),
    expansion=lambda x: x.graph.make("choose", x, x, x.graph.make("exp", x) - 1),
)
define(
    "hard_swish",  # x·relu6(x + 3)/6: SiLU in straight lines
    lambda x: x * np.clip(x + 3, 0, 6) / 6,
    derivative=lambda d, y, x: (d * (_relu6(x + 3) / 6 + x * _up_to_6(x + 3, 1, 0) / 6),),
    expansion=lambda x: x * _relu6(x + 3) / 6,
)
define(
    "log_sum_exp",  # ln Σ e^x: softmax is e^(x − that)
    lambda *xs: reduce(np.logaddexp, xs),
    derivative=lambda d, y, *xs: tuple(d * d.graph.make("exp", x - y) for x in xs),
)

# Losses, of a target t and an output a or o.


def _is_positive(x: Node) -> Node:
    return x.graph.make("choose", x, 1, 0)


define(
    "half_square",
    lambda t, a: 0.5 * (t - a) ** 2,
    derivative=lambda d, y, t, a: (d * (t - a), d * (a - t)),
    expansion=lambda t, a: 0.5 * (t - a) ** 2,
)
define(
    "square",
    lambda t, a: (t - a) ** 2,
    derivative=lambda d, y, t, a: (d * 2 * (t - a), d * 2 * (a - t)),
    expansion=lambda t, a: (t - a) ** 2,
)
define(
    "absolute_error",  # its corner, where nothing is off, is flat
    lambda t, a: np.abs(t - a),
    derivative=lambda d, y, t, a: (
        d * (_is_positive(t - a) - _is_positive(a - t)),
        d * (_is_positive(a - t) - _is_positive(t - a)),
    ),
    expansion=lambda t, a: t.graph.make("relu", t - a) + t.graph.make("relu", a - t),
)
define(
    "binary_cross_entropy",  # −t·ln σ(o) − (1−t)·ln(1 − σ(o)), said so that no logarithm overflows
    lambda t, o: np.maximum(o, 0) + np.log1p(np.exp(-np.abs(o))) - t * o,
    derivative=lambda d, y, t, o: (-d * o, d * (_chance(o) - t)),
    expansion=lambda t, o: o.graph.make("softplus", o) - t * o,
)
