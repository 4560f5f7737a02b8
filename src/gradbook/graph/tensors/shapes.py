"""Ops on whole tensors without windows: shapes, weighted sums, softmax and cross-entropy.

`spread` repeats each value over new last axes, `sum` adds over the last ones, `concat` puts
channels side by side. `sum_channels` adds the channels of each place, and `spread_channels` repeats
a value for each place in every channel. The weights W of a weighted sum are (outputs, inputs).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import product
from operator import add
from typing import Any

import numpy as np

from gradbook.graph.node import Array, Node, Scalars, define
from gradbook.net.parameters import Shape


def added(terms: Iterable[Node]) -> Node:
    """x1 + x2 + …, added from the left."""
    return reduce(add, terms)


def array_of(shape: Shape, element: Any) -> Scalars:
    """The tensor of scalars whose value at each place is element(*place)."""
    made = np.empty(shape, dtype=object)
    for place in product(*map(range, shape)):
        made[place] = element(*place)
    return made


define(
    "reshape",
    lambda x, shape, rank: x.reshape((*x.shape[: x.ndim - rank], *shape)),
    shape=lambda x, shape, rank: shape,
    derivative=lambda d, y, x: (reshape(d, x.shape),),
    elements=lambda x, shape, rank: x.reshape(shape),
)
define(
    "spread",
    lambda x, tail: np.broadcast_to(x[(..., *[None] * len(tail))], x.shape + tail),
    shape=lambda x, tail: x + tail,
    derivative=lambda d, y, x: (sum_last(d, len(d.shape) - len(x.shape)),),
    elements=lambda x, tail: array_of(x.shape + tail, lambda *place: x[place[: x.ndim]]),
)
define(
    "sum",
    lambda x, axes: x.sum(axis=tuple(range(-axes, 0))),
    shape=lambda x, axes: x[: len(x) - axes],
    derivative=lambda d, y, x: (spread(d, x.shape[len(d.shape) :]),),
    elements=lambda x, axes: array_of(
        x.shape[: x.ndim - axes], lambda *place: added(x[place].flat)
    ),
)


define(
    "spread_channels",
    lambda x, channels: np.broadcast_to(x, (*x.shape[:-3], channels, *x.shape[-2:])),
    shape=lambda x, channels: (channels, *x[1:]),
    derivative=lambda d, y, x: (sum_channels(d),),
    elements=lambda x, channels: array_of(
        (channels, *x.shape[1:]), lambda channel, *place: x[(0, *place)]
    ),
)
define(
    "sum_channels",
    lambda x: x.sum(axis=-3, keepdims=True),
    shape=lambda x: (1, *x[1:]),
    derivative=lambda d, y, x: (spread_channels(d, x.shape[0]),),
    elements=lambda x: array_of((1, *x.shape[1:]), lambda _, row, column: added(x[:, row, column])),
)
define(
    "part",  # so many channels, from the first of them on
    lambda x, first, count, axes: x[
        (..., slice(first, first + count), *[slice(None)] * (axes - 1))
    ],
    shape=lambda x, first, count, axes: (count, *x[1:]),
    elements=lambda x, first, count, axes: x[first : first + count],
)


def _concat_derivative(d: Node, y: Node, *xs: Node) -> Iterator[Node]:
    """Each gets back what its own channels are given."""
    first = 0
    for x in xs:
        yield d.graph.make("part", d, attributes=(first, x.shape[0], len(x.shape)))
        first += x.shape[0]


define(
    "concat",
    lambda *xs: np.concatenate(xs[:-1], axis=-xs[-1]),
    shape=lambda *xs: (sum(x[0] for x in xs[:-1]), *xs[0][1:]),
    derivative=lambda d, y, *xs: tuple(_concat_derivative(d, y, *xs)),
    elements=lambda *xs: np.concatenate(xs[:-1]),
)


def concat(xs: Sequence[Node]) -> Node:
    """Channels side by side; the attribute is the number of axes that a sample has."""
    return xs[0].graph.make("concat", *xs, attributes=(len(xs[0].shape),))


def reshape(x: Node, shape: Shape) -> Node:
    if x.shape == shape:
        return x
    return x.graph.make("reshape", x, attributes=(shape, len(x.shape)))


def spread(x: Node, tail: Shape) -> Node:
    return x.graph.make("spread", x, attributes=(tail,)) if tail else x


def sum_last(x: Node, axes: int) -> Node:
    return x.graph.make("sum", x, attributes=(axes,)) if axes else x


def spread_channels(x: Node, channels: int) -> Node:
    return x.graph.make("spread_channels", x, attributes=(channels,))


def sum_channels(x: Node) -> Node:
    return x.graph.make("sum_channels", x)


define(
    "linear",
    lambda w, x: np.einsum("oi,...i->...o", w, x),
    shape=lambda w, x: w[:1],
    derivative=lambda d, y, w, x: (d.graph.make("outer", d, x), d.graph.make("linear_back", w, d)),
    elements=lambda w, x: array_of(w.shape[:1], lambda o: added(w[o] * x)),
)
define(
    "linear_back",
    lambda w, d: np.einsum("oi,...o->...i", w, d),
    shape=lambda w, d: w[1:],
)
define(
    "outer",
    lambda d, x: np.einsum("...o,...i->...oi", d, x),
    shape=lambda d, x: d + x,
)


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
