"""Shapes: `spread` repeats each value over new last axes, `sum` adds over the last ones."""

from __future__ import annotations

import numpy as np

from gradbook.graph.node import Node
from gradbook.graph.op import define
from gradbook.graph.tensors.elements import added, array_of
from gradbook.net.wants import Shape

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


def reshape(x: Node, shape: Shape) -> Node:
    if x.shape == shape:
        return x
    return x.graph.make("reshape", x, attributes=(shape, len(x.shape)))


def spread(x: Node, tail: Shape) -> Node:
    return x.graph.make("spread", x, attributes=(tail,)) if tail else x


def sum_last(x: Node, axes: int) -> Node:
    return x.graph.make("sum", x, attributes=(axes,)) if axes else x
