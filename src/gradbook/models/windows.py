"""What formats say of windows, as ours: sizes, padding, and frames put around a value before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from gradbook.graph.node import Array
from gradbook.graph.tensors import divisors
from gradbook.graph.window import SAME, Both, Pad, Shape, Sides, same_pad
from gradbook.models.imported import ImportedLayer, NoLayer
from gradbook.net.layers import Activation, Conv, Layer, Pool, spell
from gradbook.schema import OneOrMore, WholeNumber

LOW = -1e20  # what is added to zeros that are never to be the largest
NEVER_NEGATIVE = ("relu", "sigmoid", "softplus", "softmax")
MOST_PLACES = 2**16  # rows or columns of a window, a step or a frame
READ_BY_WINDOWS = "padding goes before a convolution or a pool"


@dataclass(frozen=True)
class Padding:
    """One value all around a map, which the window that reads it takes in as its padding."""

    sides: Sides
    value: float = 0.0


@dataclass(frozen=True)
class RowsAndColumns:
    """What a format says of rows and columns: one whole number for both, or one for each."""

    least: int = 1

    def read(self, value: object) -> Both:
        found = OneOrMore(WholeNumber(self.least, MOST_PLACES), 2).read(value)
        return found[0], found[-1]


def settled_same(size: Both, stride: Both, dilation: Both, area: Shape) -> Pad:
    """'same' as numbers where it is alike on all sides, or else by its word."""
    sides = same_pad(size, stride, dilation, area)
    return sides if len(set(sides)) == 1 else SAME


def average_by(conv: Conv, weight: Array, shape: Shape) -> Pool | None:
    """The average that a convolution with weights that nothing trains is, if it is one."""
    alone = conv.groups == conv.channels == shape[0]
    if not alone or not np.allclose(weight, 1 / weight[0].size, rtol=1e-6, atol=0):
        return None
    zeros = any(conv.window(shape).pad)
    return Pool("avg", conv.kernel, conv.stride, conv.pad, conv.dilation, zeros=zeros)


def framed_conv(conv: Conv, frame: Padding | None, shape: Shape) -> Conv:
    """A convolution that takes in the frame around what it reads, of this shape."""
    if frame is None:
        return conv
    if frame.value:
        raise NoLayer(f"around what it reads stands {frame.value:g}, and only zeros are read")
    own = conv.window((shape[0], *_framed_area(frame, shape))).pad
    return replace(conv, pad=_sum(frame.sides, own))


def framed_pool(
    pool: Pool, frame: Padding | None, shape: Shape, before: Sequence[ImportedLayer]
) -> Pool:
    """The same of a pool; `before` are the layers so far, of which the last makes what it reads."""
    if frame is not None:
        pool = _taking_in(pool, frame, shape, before)
    if pool.size == shape[1:] and not any(pool.window(shape).pad):
        return Pool(pool.kind, None)
    return pool if pool.stride != pool.size else replace(pool, stride=None)


def _taking_in(pool: Pool, frame: Padding, shape: Shape, before: Sequence[ImportedLayer]) -> Pool:
    framed = (shape[0], *_framed_area(frame, shape))
    if any(pool.window(framed).pad) and not pool.ceil:
        raise NoLayer("it is padded twice")
    last = before[-1].layer if before else None
    positive = isinstance(last, Activation) and last.kind in NEVER_NEGATIVE
    if pool.kind == "max" and frame.value != -inf and not (positive and frame.value == 0):
        raise NoLayer("what is put around it may be largest: pad the pool itself, or after ReLU")
    if pool.kind == "avg" and frame.value:
        raise NoLayer(f"around what it reads stands {frame.value:g}, and only zeros are read")
    found = replace(pool, pad=frame.sides, zeros=pool.kind == "avg")
    if found.output(shape) != pool.output(framed):
        raise NoLayer("its last window begins beyond what it reads")
    return found


def all_of(pool: Pool, frame: Padding | None) -> Pool:
    """A pool over everything, which no frame stands around."""
    if frame is not None:
        raise NoLayer(READ_BY_WINDOWS)
    return pool


def require_counted(places: Sequence[int], pool: Pool, shape: Shape) -> None:
    """Refuse a pool that a format lets end where we don't."""
    if tuple(places) != pool.output(shape)[1:]:
        raise NoLayer(
            f"its last window begins beyond what it reads: {spell(tuple(places))} places, "
            f"of which {spell(pool.output(shape)[1:])} are read"
        )


def lowered(padding: Padding, frame: Array, shape: Shape) -> Padding:
    """The same padding, below everything: a frame of very low numbers was added to its zeros."""
    top, left, below, right = padding.sides
    rows, columns = _framed_area(padding, shape)
    outside = np.ones((rows, columns), bool)
    outside[top : rows - below, left : columns - right] = False
    if frame.shape != outside.shape or frame[~outside].any() or (frame[outside] > LOW).any():
        raise NoLayer("it adds different numbers to the places of a channel")
    return replace(padding, value=-inf)


def recounted(layer: Layer, scale: Array, shape: Shape) -> Layer:
    """An average whose zeros don't count, after what makes up for them."""
    if not isinstance(layer, Pool) or not layer.zeros:
        raise NoLayer("it scales places of a channel differently")
    window = layer.window(shape)
    wanted = window.area / divisors(window, shape[1:])
    if wanted.shape != scale.shape or not np.allclose(scale, wanted, rtol=1e-6):
        raise NoLayer("it scales places of a channel differently")
    return replace(layer, zeros=False)


def joined(frame: Padding | None, further: Padding) -> Padding:
    if frame is None:
        return further
    if frame.value != further.value:
        raise NoLayer("it is padded twice, with different values")
    return replace(further, sides=_sum(frame.sides, further.sides))


def _framed_area(frame: Padding, shape: Shape) -> Both:
    top, left, below, right = frame.sides
    return shape[1] + top + below, shape[2] + left + right


def _sum(one: Sides, other: Sides) -> Sides:
    top, left, below, right = (a + b for a, b in zip(one, other, strict=True))
    return top, left, below, right
