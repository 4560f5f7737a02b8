"""How sure of each class: softmax and cross-entropy."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from gradbook.graph.node import Node
from gradbook.graph.op import Array, define
from gradbook.graph.tensors.elements import added, array_of
from gradbook.graph.tensors.shapes import spread


def _log_sum_exp(x: Array) -> Any:
    return np.logaddexp.reduce(x, axis=-1)


define(
    "log_sum_exp_all",
    _log_sum_exp,
    shape=lambda x: (),
    derivative=lambda d, y, x: (spread(d, x.shape) * d.graph.make("exp", x - spread(y, x.shape)),),
    elements=lambda x: array_of((), lambda: x[0].graph.make("log_sum_exp", *x)),
)
define(
    "cross_entropy",  # −Σ t·ln softmax(o), for targets that sum to 1
    lambda t, o: _log_sum_exp(o) - (t * o).sum(axis=-1),
    shape=lambda t, o: (),
    derivative=lambda d, y, t, o: (
        -spread(d, o.shape) * o,
        spread(d, o.shape) * (softmax(o) - t),
    ),
    elements=lambda t, o: array_of((), lambda: o[0].graph.make("cross_entropy_of", *t, *o)),
)


def softmax(o: Node) -> Node:
    total = o.graph.make("log_sum_exp_all", o)
    return o.graph.make("exp", o - spread(total, o.shape))


def _halves(both: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    return both[: len(both) // 2], both[len(both) // 2 :]


def _cross_entropy_of(*both: Array) -> Any:
    ts, os = _halves(both)
    return reduce(np.logaddexp, os) - sum(t * o for t, o in zip(ts, os, strict=True))


def _cross_entropy_of_derivative(d: Node, y: Node, *both: Node) -> tuple[Node, ...]:
    ts, os = _halves(both)
    total = d.graph.make("log_sum_exp", *os)
    shares = (d.graph.make("exp", o - total) - t for t, o in zip(ts, os, strict=True))
    return (*(-d * o for o in os), *(d * share for share in shares))


def _cross_entropy_of_expansion(*both: Node) -> Node:
    ts, os = _halves(both)
    total: Node = os[0].graph.make("log_sum_exp", *os)
    return total - added(t * o for t, o in zip(ts, os, strict=True))


define(
    "cross_entropy_of",  # the same of single values: t1, t2, …, o1, o2, …
    _cross_entropy_of,
    derivative=_cross_entropy_of_derivative,
    expansion=_cross_entropy_of_expansion,
)
