"""Layers made of graphs of operators, whatever format these are in.

A format's own reader looks up each operator, checks its settings, and says here what it does: which
value it reads, with which weights, window and axes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Literal

import numpy as np

from gradbook.formats.imported import NoLayer, Refusals
from gradbook.formats.layer_list import (
    READ_BY_WINDOWS,
    LayerList,
    Padding,
    by_channel,
    join_paddings,
    pad_conv,
    pad_pool,
)
from gradbook.graph.node import Array
from gradbook.graph.window import Shape, Sides
from gradbook.layers.activations import Activation, PRelu
from gradbook.layers.card import Layer, spell
from gradbook.layers.norms import BatchNorm
from gradbook.layers.pools import Pool
from gradbook.layers.sums import Conv, Dense
from gradbook.layers.wiring import Flatten

TO_CHANNELS_LAST, TO_CHANNELS_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)  # where each axis is taken from
CHANNELS_FIRST_ONLY = (
    "channels must come first, except in normalisation and dense layers between two transpositions"
)
REASONS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)  # hostile settings
STATISTICS = ("mean", "variance")
Sign = Literal["+", "-", "*", "/"]


@dataclass(kw_only=True)
class GraphReader:
    """The layers so far, and where each of the graph's values lies among theirs."""

    refusals: Refusals
    row: LayerList
    numbers: dict[str, int] = field(default_factory=dict)  # of each of the graph's values
    paddings: dict[str, Padding] = field(default_factory=dict)  # around some of them
    channels_last: set[str] = field(default_factory=set)  # those with channels last

    def reader_count(self, value: str) -> int:
        """Return how many operators read a value, and one more if it comes out."""
        raise NotImplementedError

    def size(self, value: str) -> Shape:
        return self.row.sizes[self.numbers[value]]

    def axis(self, value: str, axis: int) -> int:
        """Return an axis counted from the first, which is that of the images."""
        return axis % (len(self.size(value)) + 1)

    def require_fit(self, values: Sequence[str], windowed: bool, by_place: bool) -> None:
        """Refuse padding before what is no window, and channels last where places meet."""
        if not windowed and any(name in self.paddings for name in values):
            raise NoLayer(READ_BY_WINDOWS)
        if not by_place and any(name in self.channels_last for name in values):
            raise NoLayer(CHANNELS_FIRST_ONLY)

    def require_output(self, value: str) -> None:
        if self.numbers.get(value) != len(self.row.layers) or value in self.channels_last:
            self.refusals.add(f"output '{value}'", "isn't the output of the last layer")

    def add(
        self, layer: Layer, value: str, place: str, tensors: Mapping[str, Array] | None = None
    ) -> int:
        return self.row.add(layer, self.numbers[value], place, tensors)

    # Sums and normalisation.

    def dense(self, value: str, place: str, weight: Array, bias: Array | None = None) -> int:
        layer: Layer = Dense(len(weight))
        if value in self.channels_last:  # of each place
            layer, weight = Conv(len(weight), (1, 1)), weight[:, :, None, None]
        elif len(self.size(value)) != 1:
            raise NoLayer("its input isn't flat")
        number = self.add(layer, value, place, {"weight": np.ascontiguousarray(weight)})
        return number if bias is None else self.row.add_bias(number, bias)

    def conv(
        self, value: str, place: str, layer: Conv, *tensors: Array, fixed: bool = False
    ) -> int:
        layer = pad_conv(layer, self.paddings.get(value), self.size(value))
        return self.row.convolve(layer, self.numbers[value], place, *tensors, fixed=fixed)

    def batchnorm(
        self, value: str, place: str, epsilon: float, tensors: Mapping[str, Array]
    ) -> int:
        """With a scale of 1 and a shift of 0 where there are none."""
        channels = self.size(value)[0]
        usual = {"scale": np.ones(channels), "shift": np.zeros(channels)}
        if any(name not in tensors for name in STATISTICS):
            raise NoLayer("it keeps no running mean and variance")
        return self.add(BatchNorm(epsilon), value, place, usual | dict(tensors))

    def prelu(self, value: str, place: str, slopes: Array) -> int:
        """With one slope for all, or one for each channel."""
        shared = slopes.size == 1
        own = by_channel(slopes, self.size(value), value in self.channels_last)
        tensors = {"slope": own[:1] if shared else own}
        return self.add(PRelu(shared), value, place, tensors)

    # Windows.

    def pool(self, value: str, place: str, layer: Pool) -> int:
        number = self.numbers[value]
        before = self.row.layers[:number]
        layer = pad_pool(layer, self.paddings.get(value), self.size(value), before)
        return self.row.add(layer, number, place)

    def pool_all(
        self, value: str, place: str, kind: str, axes: Sequence[int], keeps: bool = True
    ) -> int:
        if len(self.size(value)) != 3 or sorted(self.axis(value, axis) for axis in axes) != [2, 3]:
            raise NoLayer("it can be read only over rows and columns together")
        number = self.add(Pool(kind, None), value, place)
        return number if keeps else self.row.flat(number, place)

    def pad(self, value: str, padded: str, sides: Sides, filling: float) -> int:
        """Padding is kept until a window takes it in."""
        padding = Padding(sides, filling)
        self.paddings[padded] = join_paddings(self.paddings.get(value), padding)
        return self.numbers[value]

    # Shapes.

    def flatten(self, value: str, place: str) -> int:
        return self.row.flat(self.numbers[value], place)

    def reshape(self, value: str, place: str, target: Shape) -> int:
        size = self.size(value)
        if target == size:
            return self.numbers[value]
        if target == (prod(size),):
            return self.flatten(value, place)
        if self.row.layers or prod(target) != prod(size) or min(target) < 1:
            raise NoLayer(
                f"it reshapes {spell(size)} to {spell(target)}: only flattening can be read"
            )
        self.row.sizes[0] = target
        return self.numbers[value]

    def squeeze(self, value: str, place: str) -> int:
        if prod(self.size(value)[1:]) != 1:
            raise NoLayer("only rows and columns of size 1 can be squeezed")
        return self.flatten(value, place)

    def transpose(self, value: str, transposed: str, axes: Shape) -> int:
        """To channels last, which few layers read, and back."""
        is_last = value in self.channels_last
        wanted = TO_CHANNELS_FIRST if is_last else TO_CHANNELS_LAST
        if axes != wanted or len(self.size(value)) != 3:
            raise NoLayer(CHANNELS_FIRST_ONLY)
        if not is_last:
            self.channels_last.add(transposed)
        return self.numbers[value]

    def softmax(self, value: str, place: str, kind: str, axis: int) -> int:
        if self.axis(value, axis) != 1:
            raise NoLayer("only a softmax over all classes in the second axis can be read")
        return self.add(Activation(kind), value, place)

    # Several values, and values with constants.

    def concat(self, values: Sequence[str], place: str, axis: int) -> int:
        if any(name not in self.numbers for name in values):
            raise NoLayer("it concatenates values with constants")
        if self.axis(values[0], axis) != 1:
            raise NoLayer("only channels (axis 1) can be concatenated")
        return self.row.side_by_side([self.numbers[name] for name in values], place)

    def sum(self, first: str, second: str, place: str) -> int:
        if (first in self.channels_last) != (second in self.channels_last):
            raise NoLayer(CHANNELS_FIRST_ONLY)
        return self.row.sum(self.numbers[first], self.numbers[second], place)

    def combine(self, value: str, place: str, sign: Sign, constant: Array) -> int:
        """What constants do to each channel: value + constant, or another sign between them."""
        numbers = by_channel(constant, self.size(value), value in self.channels_last)
        ones, zeros = np.ones_like(numbers), np.zeros_like(numbers)
        scale, shift = {
            "+": (ones, numbers),
            "-": (ones, -numbers),
            "*": (numbers, zeros),
            "/": (1 / np.where(numbers == 0, np.nan, numbers), zeros),
        }[sign]
        return self.scale(value, place, scale, shift)

    def scale(self, value: str, place: str, scale: Array, shift: Array) -> int:
        """Each channel times a number plus another; a bias of sums that have none yet."""
        number, layers = self.numbers[value], self.row.layers
        before_all = all(isinstance(own.layer, Flatten) for own in layers)
        alone = all(
            self.reader_count(name) == 1
            for name, own in self.numbers.items()
            if own == number or (before_all and own < number)
        )
        unread = all(number not in own.reads for own in layers[number:])
        if alone and unread and number and (scale == 1).all():
            before = layers[number - 1]
            if before.layer.sums and "bias" not in before.tensors:
                return self.row.add_bias(number, shift)
        return self.row.scale(number, scale, shift, place, alone)
