"""Windows that slide over the places of a channel: convolution and pooling.

Of a convolution x is (channels, height, width), the weights (outputs, channels of one group, rows,
columns); with groups, each group of outputs reads its own group of channels. Pooling windows
stand each `stride` after the last; what they don't reach is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gradbook.graph.node import Array, Node, Scalars, define
from gradbook.graph.tensors.shapes import added, array_of
from gradbook.net.layers import places_along
from gradbook.net.parameters import Shape


def viewed(x: Array, window: Shape, stride: int, pad: int) -> Array:
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
    windows = _grouped(viewed(x, w.shape[2:], stride, pad), -5, groups)
    return _merged(np.einsum("gocij,...gchwij->...gohw", _grouped(w, -4, groups), windows), -4)


def _conv_weights(d: Array, x: Array, kernel: Shape, stride: int, pad: int, groups: int) -> Any:
    windows = _grouped(viewed(x, kernel, stride, pad), -5, groups)
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


def _conv_shape(w: Shape, x: Shape, stride: int, pad: int, groups: int) -> Shape:
    return (w[0], places_along(x[1], w[2], stride, pad), places_along(x[2], w[3], stride, pad))


def _conv_elements(w: Scalars, x: Scalars, stride: int, pad: int, groups: int) -> Scalars:
    """Each output's sum over its window; places in the padding are left out."""

    def terms(o: int, row: int, column: int) -> Iterator[Node]:
        first = o * groups // w.shape[0] * w.shape[1]
        for c, i, j in product(*map(range, w.shape[1:])):
            at = (first + c, row * stride + i - pad, column * stride + j - pad)
            if 0 <= at[1] < x.shape[1] and 0 <= at[2] < x.shape[2]:
                yield w[o, c, i, j] * x[at]

    shape = _conv_shape(w.shape, x.shape, stride, pad, groups)
    return array_of(shape, lambda *at: added(terms(*at)))


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


def _pool_shape(x: Shape, window: Shape, stride: int) -> Shape:
    return (x[0], places_along(x[1], window[0], stride), places_along(x[2], window[1], stride))


def _scatter(weights: Array, shape: tuple[int, ...], stride: int) -> Array:
    """The sum of what the windows hold (…, h, w, rows, columns), each value at its place."""
    height, width, rows, columns = weights.shape[-4:]
    x = np.zeros(shape)
    for i, j in product(range(rows), range(columns)):
        into = x[..., i : i + stride * height : stride, j : j + stride * width : stride]
        into += weights[..., i, j]
    return x


def _maxpool_back(d: Array, x: Array, window: Shape, stride: int) -> Array:
    windows = viewed(x, window, stride, 0)
    first = windows.reshape(*windows.shape[:-2], -1).argmax(axis=-1)
    chosen = np.arange(prod(window)) == first[..., None]
    return _scatter((d[..., None] * chosen).reshape(windows.shape), x.shape, stride)


def _winners(x: Array, window: Shape) -> Array:
    """Where each window's first largest value stands: 1 there, 0 elsewhere."""
    windows = viewed(x, window, window[0], 0)
    return _maxpool_back(np.ones(windows.shape[:-2]), x, window, window[0])


def _unpooled(d: Array, window: Shape) -> Array:
    """Each value at all places of its window."""
    return d.repeat(window[0], axis=-2).repeat(window[1], axis=-1)


def _avgpool_back(d: Array, window: Shape, stride: int, area: Shape) -> Array:
    share = d[..., None, None] / prod(window)
    every = np.broadcast_to(share, (*d.shape, *window))
    return _scatter(every, (*d.shape[:-2], *area), stride)


def _window(x: Scalars, place: Shape, window: Shape, stride: int) -> list[Node]:
    c, top, left = place[0], place[1] * stride, place[2] * stride
    return list(x[c, top : top + window[0], left : left + window[1]].flat)


define(
    "maxpool",
    lambda x, window, stride: viewed(x, window, stride, 0).max(axis=(-2, -1)),
    shape=_pool_shape,
    derivative=lambda d, y, x: (d.graph.make("maxpool_back", d, x, attributes=y.attributes),),
    elements=lambda x, window, stride: array_of(
        _pool_shape(x.shape, window, stride),
        lambda *at: x.flat[0].graph.make("largest", *_window(x, at, window, stride)),
    ),
)
define("maxpool_back", _maxpool_back, shape=lambda d, x, window, stride: x)
define("winners", _winners, shape=lambda x, window: x)
define(
    "unpooled",
    _unpooled,
    shape=lambda d, window: (d[0], d[1] * window[0], d[2] * window[1]),
)
define(
    "avgpool",
    lambda x, window, stride: viewed(x, window, stride, 0).mean(axis=(-2, -1)),
    shape=_pool_shape,
    derivative=lambda d, y, x: (
        d.graph.make("avgpool_back", d, attributes=(*y.attributes, x.shape[1:])),
    ),
    elements=lambda x, window, stride: array_of(
        _pool_shape(x.shape, window, stride),
        lambda *at: added(_window(x, at, window, stride)) / prod(window),
    ),
)
define(
    "avgpool_back",
    _avgpool_back,
    shape=lambda d, window, stride, area: (d[0], *area),
)
