"""Weighted sums and convolution.

The weights W of a weighted sum are (outputs, inputs). Of a convolution x is (channels, height,
width), the weights (outputs, channels of one group, rows, columns); with groups, each group of
outputs reads its own group of channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from gradbook.graph.node import Node
from gradbook.graph.op import Array, Scalars, define
from gradbook.graph.tensors.elements import added, array_of
from gradbook.graph.tensors.windows import places_along, viewed
from gradbook.net.wants import Shape

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
