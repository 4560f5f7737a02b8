"""Pooling: windows each `stride` after the last; what they don't reach is left."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np

from gradbook.graph.node import Node
from gradbook.graph.op import Array, Scalars, define
from gradbook.graph.tensors.elements import added, array_of
from gradbook.graph.tensors.windows import places_along, viewed
from gradbook.net.wants import Shape


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
