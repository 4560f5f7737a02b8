"""The ops on whole tensors, and how each is taken apart into ops on single values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from itertools import product
from math import prod
from operator import add
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gradbook.graph.node import Node
from gradbook.graph.op import Array, Scalars, define
from gradbook.net.layers import Shape


def _sum(terms: Iterable[Node]) -> Node:
    """x1 + x2 + …, added from the left."""
    return reduce(add, terms)


def _array(shape: Shape, element: Any) -> Scalars:
    """The tensor of scalars whose value at each place is element(*place)."""
    made = np.empty(shape, dtype=object)
    for place in product(*map(range, shape)):
        made[place] = element(*place)
    return made


# Shapes. `spread` repeats each value over new last axes, `sum` adds over the last ones.

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
    elements=lambda x, tail: _array(x.shape + tail, lambda *place: x[place[: x.ndim]]),
)
define(
    "sum",
    lambda x, axes: x.sum(axis=tuple(range(-axes, 0))),
    shape=lambda x, axes: x[: len(x) - axes],
    derivative=lambda d, y, x: (spread(d, x.shape[len(d.shape) :]),),
    elements=lambda x, axes: _array(x.shape[: x.ndim - axes], lambda *place: _sum(x[place].flat)),
)


def reshape(x: Node, shape: Shape) -> Node:
    if x.shape == shape:
        return x
    return x.graph.make("reshape", x, attributes=(shape, len(x.shape)))


def spread(x: Node, tail: Shape) -> Node:
    return x.graph.make("spread", x, attributes=(tail,)) if tail else x


def sum_last(x: Node, axes: int) -> Node:
    return x.graph.make("sum", x, attributes=(axes,)) if axes else x


# Weighted sums: the weights W are (outputs, inputs).

define(
    "linear",
    lambda w, x: np.einsum("oi,...i->...o", w, x),
    shape=lambda w, x: w[:1],
    derivative=lambda d, y, w, x: (d.graph.make("outer", d, x), d.graph.make("linear_back", w, d)),
    elements=lambda w, x: _array(w.shape[:1], lambda o: _sum(w[o] * x)),
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

# Convolution: x is (channels, height, width), the weights (outputs, channels of one group, rows,
# columns). With groups, each group of outputs reads its own group of channels.


def _windows(x: Array, window: Shape, stride: int, pad: int) -> Array:
    """Views of x of shape (…, channels, out height, out width, rows, columns)."""
    padded = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(pad, pad)] * 2)
    return sliding_window_view(padded, window, (-2, -1))[..., ::stride, ::stride, :, :]


def _grouped(x: Array, axis: int, groups: int) -> Array:
    """The axis split in two: groups, and what is in one. `axis` counts from the end."""
    shape = x.shape
    return x.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[x.ndim + axis + 1 :])


def _merged(x: Array, axis: int) -> Array:
    """The reverse: this axis and the one after it as one."""
    end = x.ndim + axis
    return x.reshape(*x.shape[:end], x.shape[end] * x.shape[end + 1], *x.shape[end + 2 :])


def _conv(w: Array, x: Array, stride: int, pad: int, groups: int) -> Any:
    windows = _grouped(_windows(x, w.shape[2:], stride, pad), -5, groups)
    return _merged(np.einsum("gocij,...gchwij->...gohw", _grouped(w, -4, groups), windows), -4)


def _conv_weights(d: Array, x: Array, kernel: Shape, stride: int, pad: int, groups: int) -> Any:
    windows = _grouped(_windows(x, kernel, stride, pad), -5, groups)
    return _merged(np.einsum("...gohw,...gchwij->...gocij", _grouped(d, -3, groups), windows), -5)


def _conv_back(w: Array, d: Array, size: Shape, stride: int, pad: int, groups: int) -> Array:
    """Every output's d goes back to the inputs of its window."""
    (rows, columns), (height, width) = w.shape[2:], size
    out_height, out_width = d.shape[-2:]
    channels = w.shape[1] * groups
    x = np.zeros((*d.shape[:-3], channels, height + 2 * pad, width + 2 * pad))
    w, d = _grouped(w, -4, groups), _grouped(d, -3, groups)
    for i, j in product(range(rows), range(columns)):
        into = x[..., i : i + stride * out_height : stride, j : j + stride * out_width : stride]
        into += _merged(np.einsum("goc,...gohw->...gchw", w[..., i, j], d), -4)
    return x[..., pad : pad + height, pad : pad + width]


def _out(size: int, window: int, stride: int, pad: int = 0) -> int:
    return (size + 2 * pad - window) // stride + 1


def _conv_shape(w: Shape, x: Shape, stride: int, pad: int, groups: int) -> Shape:
    return (w[0], _out(x[1], w[2], stride, pad), _out(x[2], w[3], stride, pad))


def _conv_elements(w: Scalars, x: Scalars, stride: int, pad: int, groups: int) -> Scalars:
    """Each output's sum over its window; places in the padding are left out."""

    def terms(o: int, row: int, column: int) -> Iterator[Node]:
        first = o * groups // w.shape[0] * w.shape[1]
        for c, i, j in product(*map(range, w.shape[1:])):
            at = (first + c, row * stride + i - pad, column * stride + j - pad)
            if 0 <= at[1] < x.shape[1] and 0 <= at[2] < x.shape[2]:
                yield w[o, c, i, j] * x[at]

    shape = _conv_shape(w.shape, x.shape, stride, pad, groups)
    return _array(shape, lambda *at: _sum(terms(*at)))


define(
    "conv",
    _conv,
    shape=_conv_shape,
    derivative=lambda d, y, w, x: (
        d.graph.make("conv_weights", d, x, attributes=(w.shape[2:], *y.attributes)),
        d.graph.make("conv_back", w, d, attributes=(x.shape[1:], *y.attributes)),
    ),
    elements=_conv_elements,
)
define(
    "conv_back",
    _conv_back,
    shape=lambda w, d, size, stride, pad, groups: (w[1] * groups, *size),
)
define(
    "conv_weights",
    _conv_weights,
    shape=lambda d, x, kernel, stride, pad, groups: (d[0], x[0] // groups, *kernel),
)

# Pooling: windows of rows × columns, each `stride` after the last; what they don't reach is left.


def _pool_shape(x: Shape, window: Shape, stride: int) -> Shape:
    return (x[0], _out(x[1], window[0], stride), _out(x[2], window[1], stride))


def _scatter(weights: Array, shape: tuple[int, ...], stride: int) -> Array:
    """The sum of what the windows hold (…, h, w, rows, columns), each value at its place."""
    height, width, rows, columns = weights.shape[-4:]
    x = np.zeros(shape)
    for i, j in product(range(rows), range(columns)):
        into = x[..., i : i + stride * height : stride, j : j + stride * width : stride]
        into += weights[..., i, j]
    return x


def _maxpool_back(d: Array, x: Array, window: Shape, stride: int) -> Array:
    windows = _windows(x, window, stride, 0)
    first = windows.reshape(*windows.shape[:-2], -1).argmax(axis=-1)
    chosen = np.arange(prod(window)) == first[..., None]
    return _scatter((d[..., None] * chosen).reshape(windows.shape), x.shape, stride)


def _avgpool_back(d: Array, window: Shape, stride: int, area: Shape) -> Array:
    share = d[..., None, None] / prod(window)
    every = np.broadcast_to(share, (*d.shape, *window))
    return _scatter(every, (*d.shape[:-2], *area), stride)


def _window(x: Scalars, place: Shape, window: Shape, stride: int) -> list[Node]:
    c, top, left = place[0], place[1] * stride, place[2] * stride
    return list(x[c, top : top + window[0], left : left + window[1]].flat)


define(
    "maxpool",
    lambda x, window, stride: _windows(x, window, stride, 0).max(axis=(-2, -1)),
    shape=_pool_shape,
    derivative=lambda d, y, x: (d.graph.make("maxpool_back", d, x, attributes=y.attributes),),
    elements=lambda x, window, stride: _array(
        _pool_shape(x.shape, window, stride),
        lambda *at: x.flat[0].graph.make("largest", *_window(x, at, window, stride)),
    ),
)
define("maxpool_back", _maxpool_back, shape=lambda d, x, window, stride: x)
define(
    "avgpool",
    lambda x, window, stride: _windows(x, window, stride, 0).mean(axis=(-2, -1)),
    shape=_pool_shape,
    derivative=lambda d, y, x: (
        d.graph.make("avgpool_back", d, attributes=(*y.attributes, x.shape[1:])),
    ),
    elements=lambda x, window, stride: _array(
        _pool_shape(x.shape, window, stride),
        lambda *at: _sum(_window(x, at, window, stride)) / prod(window),
    ),
)
define(
    "avgpool_back",
    _avgpool_back,
    shape=lambda d, window, stride, area: (d[0], *area),
)

# Classes.


def _log_sum_exp(x: Array) -> Any:
    return np.logaddexp.reduce(x, axis=-1)


define(
    "log_sum_exp_all",
    _log_sum_exp,
    shape=lambda x: (),
    derivative=lambda d, y, x: (spread(d, x.shape) * d.graph.make("exp", x - spread(y, x.shape)),),
    elements=lambda x: _array((), lambda: x[0].graph.make("log_sum_exp", *x)),
)
define(
    "cross_entropy",  # −Σ t·ln softmax(o), for targets that sum to 1
    lambda t, o: _log_sum_exp(o) - (t * o).sum(axis=-1),
    shape=lambda t, o: (),
    derivative=lambda d, y, t, o: (
        -spread(d, o.shape) * o,
        spread(d, o.shape) * (softmax(o) - t),
    ),
    elements=lambda t, o: _array((), lambda: o[0].graph.make("cross_entropy_of", *t, *o)),
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
    return total - _sum(t * o for t, o in zip(ts, os, strict=True))


define(
    "cross_entropy_of",  # the same of single values: t1, t2, …, o1, o2, …
    _cross_entropy_of,
    derivative=_cross_entropy_of_derivative,
    expansion=_cross_entropy_of_expansion,
)
