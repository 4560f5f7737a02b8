"""`softsign`, an activation, and `loss log cosh`.

Each is told once: its NumPy value, its derivative and what it is made of in simpler ops. From that
follow derivations, workbooks, pages, the engine and every export.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradbook.graph.node import Node
from gradbook.layers import activation, loss


def _size_and_one(x: Node) -> Node:
    make = x.graph.make
    return 1 + make("relu", x) + make("relu", -x)


activation(
    "softsign",
    "each, divided by one more than its size (softsign)",
    "x/(1 + |x|)",
    lambda x: x / (1 + np.abs(x)),
    derivative=lambda d, y, x: (d / _size_and_one(x) ** 2,),
    expansion=lambda x: x / _size_and_one(x),
)


def _log_cosh(t: Any, a: Any) -> Any:
    off = np.abs(t - a)
    return off + np.log1p(np.exp(-2 * off)) - np.log(2)


def _as_ops(t: Node, a: Node) -> Node:
    """Without overflow: |t − a| + ln(1 + e^−2|t − a|) − ln 2."""
    make = t.graph.make
    off = make("absolute_error", t, a)
    return off + make("softplus", -2 * off) - float(np.log(2))


loss(
    "log cosh",
    "ln cosh(t − a)",
    "log_cosh",
    _log_cosh,
    derivative=lambda d, y, t, a: (
        d * t.graph.make("tanh", t - a),
        d * t.graph.make("tanh", a - t),
    ),
    expansion=_as_ops,
)
