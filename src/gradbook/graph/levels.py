"""Weights and values of few bits: the permitted whole numbers, their scales, and the ops.

A weight w of an output channel with scale s is rounded to ŵ = s·q, where q is the permitted whole
number nearest to w/s. All other ops use ŵ. ∂ŵ/∂w is taken to be 1, and s to be constant (straight-
through, after Bengio, Léonard and Courville 2013): the true derivative is 0 nearly everywhere.

A value x that a layer quantizes has a step, which is a learned range divided by the highest whole
number: y = step·q, where q is the whole number nearest to x/step, limited to the lowest and the
highest. The derivative of the rounding is taken to be 1; inside the range, y changes as x does,
beyond it not at all, and the range's derivative follows from the chain rule (Esser and others
2020). If training makes a range 0 or negative, all values become 0.

Scales are computed in double precision, in the order of the weights, so that implementations in
all languages get the same whole numbers.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradbook.graph.node import Array, Node, Scalars, define, same_shape
from gradbook.graph.tensors import array_of, sum_of
from gradbook.graph.window import Shape


class Bits(StrEnum):
    """How many levels the weights of a layer have; ALL means that they aren't rounded."""

    ALL = ""
    EIGHT = "bits 8"
    FOUR = "bits 4"
    TWO = "bits 2"
    TERNARY = "ternary"

    @property
    def step(self) -> int:
        """The distance between permitted whole numbers."""
        return 2 if self is Bits.TWO else 1

    @property
    def highest(self) -> int:
        """The largest permitted whole number; the smallest is its negative."""
        return {Bits.EIGHT: 127, Bits.FOUR: 7, Bits.TWO: 3, Bits.TERNARY: 1}[self]

    @property
    def whole_numbers(self) -> tuple[int, ...]:
        """The permitted whole numbers: -3, -1, 1, 3."""
        return tuple(range(-self.highest, self.highest + 1, self.step))

    @property
    def of_mean(self) -> float:
        """The factor of the mean |w| in the scale; 0 if the scale is the largest |w| divided by the
        highest whole number."""
        return {Bits.TWO: 0.62, Bits.TERNARY: 1.0}.get(self, 0.0)

    @property
    def stored(self) -> int:
        """The bits per weight in a packed array of such weights."""
        return {Bits.ALL: 32, Bits.EIGHT: 8, Bits.FOUR: 4}.get(self, 2)


Levels = NDArray[np.int8]
BY_ROWS = 0  # the first axis of the weights is for the output channels


def levels(weights: ArrayLike, bits: Bits, groups: int = BY_ROWS) -> tuple[Levels, Array]:
    """The whole number of each weight, and the scale of each output channel: w ≈ scale·number.

    The weights' first axis is for the output channels. With `groups`, the weights are those of a
    transposed convolution: inputs × outputs of a group × rows × columns.
    """
    w = np.asarray(weights, np.float64)
    scale = _scales(w, bits, groups)
    over = _over(scale, w.shape, groups)
    return nearest(_ratio(w, over), bits).astype(np.int8), scale


def levelled(weights: ArrayLike, bits: Bits, groups: int = BY_ROWS) -> Array:
    """The rounded values of such weights: ŵ = scale·number."""
    w = np.asarray(weights, np.float64)
    over = _over(_scales(w, bits, groups), w.shape, groups)
    return _level(w, over, bits)


def nearest(ratio: Array, bits: Bits) -> Array:
    """The nearest permitted whole number to each ratio; halfway, the larger one."""
    odd = bits.step == 2
    number = 2 * np.floor(ratio / 2) + 1 if odd else np.floor(ratio + 0.5)
    return np.asarray(np.clip(number, -bits.highest, bits.highest))


def _ratio(w: Array, s: Array) -> Array:
    """w/s, or 0 if all weights of a channel are 0."""
    return np.divide(w, s, out=np.zeros(np.broadcast(w, s).shape), where=np.asarray(s) > 0)


def _level(w: Array, s: Array, bits: str) -> Array:
    with np.errstate(invalid="ignore"):
        return np.asarray(s * nearest(_ratio(np.asarray(w), np.asarray(s)), Bits(bits)))


def _by_channel(w: Any, groups: int) -> Any:
    """A row with all weights of each output channel, in their order."""
    if groups == BY_ROWS:
        return w.reshape(w.shape[0], -1)
    apart = w.reshape(groups, w.shape[0] // groups, w.shape[1], -1).swapaxes(1, 2)
    return apart.reshape(groups * w.shape[1], -1)


def _over(scale: Any, shape: Shape, groups: int) -> Any:
    """The scale of each weight's channel."""
    if groups == BY_ROWS:
        return scale.reshape(-1, *(1,) * (len(shape) - 1))
    outputs, rest = shape[1], (1,) * (len(shape) - 2)
    apart = scale.reshape(groups, 1, outputs, *rest).repeat(shape[0] // groups, axis=1)
    return apart.reshape(shape[0], outputs, *rest)


def _scales(w: Array, bits: str, groups: int) -> Array:
    kind, sizes = Bits(bits), abs(_by_channel(w, groups))
    if not kind.of_mean:
        return np.asarray(sizes.max(axis=1) / kind.highest)
    sums = np.add.accumulate(sizes, axis=1)[:, -1]  # in order, unlike NumPy's own sums
    return np.asarray(sums * (kind.of_mean / sizes.shape[1]))


def _scale_elements(w: Scalars, bits: str, groups: int) -> Scalars:
    """|w| is written as the larger of w and −w."""
    kind, rows = Bits(bits), _by_channel(w, groups)

    def scale(channel: int) -> Node:
        weights: list[Node] = list(rows[channel])
        graph = weights[0].graph
        if not kind.of_mean:
            signed = [value for w in weights for value in (w, -w)]
            return graph.make("largest", *signed) / kind.highest
        return sum_of(graph.make("largest", w, -w) for w in weights) * (kind.of_mean / len(weights))

    return array_of((len(rows),), scale)


def _level_elements(w: Scalars, s: Scalars, bits: str, groups: int) -> Scalars:
    over = np.broadcast_to(_over(s, w.shape, groups), w.shape)

    def element(*place: int) -> Node:
        weight: Node = w[place]
        return weight.graph.make("level", weight, over[place], attributes=(bits,))

    return array_of(w.shape, element)


def scales_of(w: Shape, groups: int = BY_ROWS) -> int:
    """The number of output channels, and so of scales, for weights of this shape."""
    return w[0] if groups == BY_ROWS else groups * w[1]


def _level_expansion(w: Node, s: Node, bits: str) -> Node:
    """The value written with `floor`, whose derivative is a different one."""
    kind, make = Bits(bits), w.graph.make
    odd = kind.step == 2
    number = 2 * make("floor", w / s / 2) + 1 if odd else make("floor", w / s + 0.5)
    if kind.of_mean:  # else no weight exceeds the highest level
        highest = kind.highest
        number = make("largest", -make("largest", -number, -highest), -highest)
    return make("choose", s, s * number, 0)


define("floor", np.floor, derivative=lambda d, y, x: (None,))  # rounds down
define(
    "level",  # s·q, where q is the permitted whole number nearest to w/s: straight-through
    _level,
    derivative=lambda d, y, w, s: (d, None),
    shape=lambda w, s, bits: same_shape(w, s),
    expansion=_level_expansion,
)
define(
    "scales",  # of the output channels of weights of few bits
    _scales,
    shape=lambda w, bits, groups: (scales_of(w, groups),),
    derivative=lambda d, y, w: (None,),
    elements=_scale_elements,
)
define(
    "levelled",  # each weight with the scale of its channel
    lambda w, s, bits, groups: _level(w, _over(s, w.shape, groups), bits),
    shape=lambda w, s, bits, groups: w,
    derivative=lambda d, y, w, s: (d, None),
    elements=_level_elements,
)


# Values of few bits ---------------------------------------------------------------


def _stepped(x: Array, limit: Array, lowest: float, highest: float) -> Array:
    step = np.asarray(limit) / highest
    with np.errstate(divide="ignore", invalid="ignore"):
        rounded = step * np.floor(np.clip(x / step, lowest, highest) + 0.5)
    return np.where(step <= 0, 0.0, rounded)


def _stepped_slopes(
    d: Node, y: Node, x: Node, limit: Node, ends: tuple[float, float]
) -> tuple[Node, Node]:
    """Inside the range, the rounding error is proportional to the range; beyond it, y is. A range
    that is 0 or negative passes no gradient on."""
    make, (lowest, highest) = x.graph.make, ends
    end = x - limit * lowest / highest if lowest else x
    by_x, share = (make("choose", end, make("choose", limit - x, inner, 0), 0) for inner in (1, x))
    return d * by_x, d * make("choose", limit, (y - share) / limit, 0)


def _stepped_expansion(x: Node, limit: Node, lowest: float, highest: float) -> Node:
    make, step = x.graph.make, limit / highest
    ratio = x / step
    above = make("choose", ratio - lowest, ratio, lowest)
    number = make("floor", make("choose", highest - above, above, highest) + 0.5)
    return make("choose", limit, step * number, 0)


define(
    "stepped",  # step·q with the whole number q nearest to x/step, within limits
    _stepped,
    derivative=lambda d, y, x, limit: _stepped_slopes(d, y, x, limit, y.attributes),
    expansion=_stepped_expansion,
)
