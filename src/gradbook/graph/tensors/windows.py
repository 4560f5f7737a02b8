"""Windows that slide over the places of a channel: convolution and pooling.

Of a convolution x is (channels, height, width), the weights (outputs, channels of one group, rows,
columns); with groups, each group of outputs reads its own group of channels. A convolution's
padding is zeros, a pool's is none of its values; what no window reaches is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gradbook.graph.node import Array, Node, Scalars, define
from gradbook.graph.tensors.shapes import added, array_of
from gradbook.net.parameters import Shape
from gradbook.net.window import NOWHERE, Sides, Window


def viewed(x: Array, window: Window, fill: float = 0.0) -> Array:
    """Views of x of shape (…, channels, out height, out width, rows, columns)."""
    sides = [window.edges(0), window.edges(1)]
    padded = np.pad(x, [(0, 0)] * (x.ndim - 2) + sides, constant_values=fill)
    every = sliding_window_view(padded, window.span, (-2, -1))
    (down, across), (tall, wide) = window.stride, window.dilation
    return every[..., ::down, ::across, ::tall, ::wide]


def _added_back(parts: Callable[[int, int], Any], shape: tuple[int, ...], window: Window) -> Array:
    """The reverse: the sum at each place of what `parts(i, j)` has (…, out height, out width) for
    row i and column j of the windows; what falls into the padding is dropped."""
    *before, height, width = shape
    (top, below), (left, right) = window.edges(0), window.edges(1)
    x = np.zeros((*before, top + height + below, left + width + right))
    (down, across), (tall, wide) = window.stride, window.dilation
    out_height, out_width = window.places((height, width))
    for i, j in product(range(window.size[0]), range(window.size[1])):
        first, begin = i * tall, j * wide
        into = x[
            ...,
            first : first + down * out_height : down,
            begin : begin + across * out_width : across,
        ]
        into += parts(i, j)
    return x[..., top : top + height, left : left + width]


def _grouped(x: Array, axis: int, groups: int) -> Array:
    """The axis split in two: groups, and what is in one. `axis` counts from the end."""
    shape = x.shape
    return x.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[x.ndim + axis + 1 :])


def _merged(x: Array, axis: int) -> Array:
    """The reverse: this axis and the one after it as one."""
    end = x.ndim + axis
    return x.reshape(*x.shape[:end], x.shape[end] * x.shape[end + 1], *x.shape[end + 2 :])


def _conv(w: Array, x: Array, window: Window, groups: int) -> Any:
    windows = _grouped(viewed(x, window), -5, groups)
    return _merged(np.einsum("gocij,...gchwij->...gohw", _grouped(w, -4, groups), windows), -4)


def _conv_weights(d: Array, x: Array, window: Window, groups: int) -> Any:
    windows = _grouped(viewed(x, window), -5, groups)
    return _merged(np.einsum("...gohw,...gchwij->...gocij", _grouped(d, -3, groups), windows), -5)


def _conv_back(w: Array, d: Array, area: Shape, window: Window, groups: int) -> Array:
    """Every output's d goes back to the inputs of its window."""
    shape = (*d.shape[:-3], w.shape[1] * groups, *area)
    w, d = _grouped(w, -4, groups), _grouped(d, -3, groups)

    def part(i: int, j: int) -> Array:
        return _merged(np.einsum("goc,...gohw->...gchw", w[..., i, j], d), -4)

    return _added_back(part, shape, window)


def _conv_shape(w: Shape, x: Shape, window: Window, groups: int) -> Shape:
    return (w[0], *window.places(x[1:]))


def _conv_elements(w: Scalars, x: Scalars, window: Window, groups: int) -> Scalars:
    """Each output's sum over its window; places in the padding are left out."""

    def terms(o: int, *place: int) -> Iterator[Node]:
        first = o * groups // w.shape[0] * w.shape[1]
        for c in range(w.shape[1]):
            for tap, source in window.inside(place, x.shape[1:]):
                yield w[o, c, *tap] * x[first + c, *source]

    shape = _conv_shape(w.shape, x.shape, window, groups)
    return array_of(shape, lambda *at: added(terms(*at)))


define(
    "conv",
    _conv,
    shape=_conv_shape,
    derivative=lambda d, y, w, x: (
        d.graph.make("conv_weights", d, x, attributes=y.attributes),
        d.graph.make("conv_back", w, d, attributes=(x.shape[1:], *y.attributes)),
    ),
    elements=_conv_elements,
)
define(
    "conv_back",
    _conv_back,
    shape=lambda w, d, area, window, groups: (w[1] * groups, *area),
)
define(
    "conv_weights",
    _conv_weights,
    shape=lambda d, x, window, groups: (d[0], x[0] // groups, *window.size),
)


def _pool_shape(x: Shape, window: Window, *others: object) -> Shape:
    return (x[0], *window.places(x[1:]))


def _maxpool(x: Array, window: Window) -> Array:
    return np.asarray(viewed(x, window, -np.inf).max(axis=(-2, -1)))


def _maxpool_back(d: Array, x: Array, window: Window) -> Array:
    windows = viewed(x, window, -np.inf)
    first = windows.reshape(*windows.shape[:-2], -1).argmax(axis=-1)

    def part(i: int, j: int) -> Any:
        return d * (first == i * window.size[1] + j)

    return _added_back(part, x.shape, window)


def _winners(x: Array, window: Window) -> Array:
    """Where each window's first largest value stands: 1 there, 0 elsewhere."""
    return _maxpool_back(np.ones((*x.shape[:-2], *window.places(x.shape[-2:]))), x, window)


def _unpooled(d: Array, window: Window) -> Array:
    """Each value at all places of its window."""
    return d.repeat(window.size[0], axis=-2).repeat(window.size[1], axis=-1)


def divisors(window: Window, area: Shape, counted: Sides = NOWHERE) -> Array:
    """What the sum of a window is divided by at each place: as many values as it reads, and so
    much of its padding as is counted."""
    along = [
        [
            len(window.inside_along(axis, place, length, (counted[axis], counted[axis + 2])))
            for place in range(places)
        ]
        for axis, (length, places) in enumerate(zip(area, window.places(area), strict=True))
    ]
    return np.outer(np.array(along[0], float), np.array(along[1], float))


def _avgpool(x: Array, window: Window, counted: Sides) -> Any:
    return viewed(x, window).sum(axis=(-2, -1)) / divisors(window, x.shape[-2:], counted)


def _avgpool_back(d: Array, window: Window, counted: Sides, area: Shape) -> Array:
    share = d / divisors(window, area, counted)
    return _added_back(lambda i, j: share, (*d.shape[:-2], *area), window)


def _in_window(x: Scalars, place: Shape, window: Window) -> list[Node]:
    channel, *at = place
    return [x[channel, *source] for _, source in window.inside(at, x.shape[1:])]


def _largest(x: Scalars, window: Window) -> Scalars:
    def element(*place: int) -> Any:
        return x.item(0).graph.make("largest", *_in_window(x, place, window))

    return array_of(_pool_shape(x.shape, window), element)


def _average(x: Scalars, window: Window, counted: Sides) -> Scalars:
    counts = divisors(window, x.shape[1:], counted)

    def element(channel: int, *place: int) -> Node:
        return added(_in_window(x, (channel, *place), window)) / float(counts[place])

    return array_of(_pool_shape(x.shape, window), element)


define(
    "maxpool",
    _maxpool,
    shape=_pool_shape,
    derivative=lambda d, y, x: (d.graph.make("maxpool_back", d, x, attributes=y.attributes),),
    elements=_largest,
)
define("maxpool_back", _maxpool_back, shape=lambda d, x, window: x)
define("winners", _winners, shape=lambda x, window: x)
define(
    "unpooled",
    _unpooled,
    shape=lambda d, window: (d[0], d[1] * window.size[0], d[2] * window.size[1]),
)
define(
    "avgpool",
    _avgpool,
    shape=_pool_shape,
    derivative=lambda d, y, x: (
        d.graph.make("avgpool_back", d, attributes=(*y.attributes, x.shape[1:])),
    ),
    elements=_average,
)
define(
    "avgpool_back",
    _avgpool_back,
    shape=lambda d, window, counted, area: (d[0], *area),
)
