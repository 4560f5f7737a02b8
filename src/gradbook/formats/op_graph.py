"""Layers made of graphs of operators, whatever format these are in.

A format's own reader looks up each operator, checks its settings, and says here what it does: which
value it reads, with which weights, window and axes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Literal

import numpy as np

from gradbook.formats import attention
from gradbook.formats.attention import Fits, Heads, Projection
from gradbook.formats.gates import Recurring
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
from gradbook.formats.layouts import (
    ELSEWHERE,
    SAMPLES,
    ChannelAxis,
    Lie,
    Order,
    any_channel_axis,
    channel_axis,
    gather_places,
    in_rows,
    is_ours,
    ours,
)
from gradbook.graph.names import is_sequence
from gradbook.graph.node import Array
from gradbook.graph.window import NOWHERE, Shape, Sides
from gradbook.layers.activations import Activation, PRelu
from gradbook.layers.card import Layer, spell
from gradbook.layers.norms import BatchNorm
from gradbook.layers.pools import Pool
from gradbook.layers.sequences import (
    Attention,
    Embedding,
    PositionEmbedding,
    Recurrent,
)
from gradbook.layers.sums import Conv, Dense, TransposedConv, Upsample
from gradbook.layers.wiring import Flatten

MIXED = "it mixes values of several images"
NO_STEPS = "it reads a sequence that doesn't lie as steps x N x features"
ONE_STEP = "of single steps only the last after a recurrent layer can be taken out"
STATISTICS = ("mean", "variance")
Sign = Literal["+", "-", "*", "/"]


@dataclass(kw_only=True)
class GraphReader:
    """The layers so far, and where each of the graph's values lies among theirs."""

    refusals: Refusals
    row: LayerList
    samples: int = SAMPLES  # that come in, or as many as are followed where that is open
    numbers: dict[str, int] = field(default_factory=dict)  # of each of the graph's values
    orders: dict[str, Order] = field(default_factory=dict)  # of those that don't lie as ours do
    paddings: dict[str, Padding] = field(default_factory=dict)  # around some of them
    fits: dict[str, Fits] = field(default_factory=dict)  # scores of attention, and shares
    pieces: dict[str, tuple[str, ...]] = field(default_factory=dict)  # values in a row, each one

    def reader_count(self, value: str) -> int:
        """Return how many operators read a value, and one more if it comes out."""
        raise NotImplementedError

    # Where values lie.

    def put(self, value: str, lie: Lie) -> None:
        lie = self._at_last(lie)
        self.numbers[value] = lie.number
        self.orders.pop(value, None)
        size = self.row.sizes[lie.number]
        if lie.order is not None and lie.order.shape[1:] == size:
            lie = lie if not is_ours(lie.order, size, self.samples) else Lie(lie.number)
        if lie.order is not None:
            self.orders[value] = lie.order

    def _at_last(self, lie: Lie) -> Lie:
        """What lies there, or the last state alone where only that of something recurrent does."""
        size, order = self.row.sizes[lie.number], lie.order
        own = self.row.layers[lie.number - 1] if lie.number else None
        if order is None or own is None or not isinstance(own.layer, Recurrent) or len(size) < 3:
            return lie
        if order.size != self.samples * size[0] or (order % size[2] != size[2] - 1).any():
            return lie
        self.row.layers.append(replace(own, layer=replace(own.layer, all=False)))  # type: ignore[type-var]
        self.row.sizes.append(size[:1])
        return Lie(len(self.row.layers), order // size[2])

    def size(self, value: str) -> Shape:
        return self.row.sizes[self.numbers[value]]

    def order(self, value: str) -> Order:
        found = self.orders.get(value)
        return ours(self.size(value), self.samples) if found is None else found

    def shape(self, value: str) -> Shape:
        """As it is there, samples among it."""
        if value in self.fits:
            return self.fits[value].shape
        found = self.orders.get(value)
        return (self.samples, *self.size(value)) if found is None else found.shape

    def like(self, value: str, number: int) -> Lie:
        """What lies as a value of the same size does."""
        return Lie(number, self.orders.get(value))

    def axis(self, value: str, axis: int) -> int:
        """Return an axis counted from the first."""
        return axis % len(self.shape(value))

    def channel_axis(self, value: str, axis: int = -1) -> ChannelAxis | None:
        return channel_axis(self.order(value), self.size(value), axis)

    def is_channels_last(self, value: str) -> bool:
        """Whether its last axis has all channels, at places of their own."""
        return (
            value in self.orders
            and len(self.size(value)) > 1
            and self.channel_axis(value) is not None
        )

    def as_ours(self, value: str) -> int:
        """The number of a value that lies as ours do, whatever axes it has."""
        size = self.size(value)
        if value in self.orders and not is_ours(self.orders[value], size, self.samples):
            raise NoLayer(ELSEWHERE)
        return self.numbers[value]

    def require_fit(self, values: Sequence[str], windowed: bool) -> None:
        """Refuse padding before what is no window."""
        if not windowed and any(name in self.paddings for name in values):
            raise NoLayer(READ_BY_WINDOWS)

    def require_whole(self, values: Sequence[str], takes_one: bool) -> None:
        """Refuse several values in a row where not one of them is taken out."""
        if not takes_one and any(name in self.pieces for name in values):
            raise NoLayer("of the last states of several layers only one at a time can be read")

    def require_output(self, value: str) -> None:
        number, last = self.numbers.get(value), len(self.row.layers)
        size = self.row.sizes[last]
        order = self.orders.get(value)
        if number != last or value in self.fits:
            self.refusals.add(f"output '{value}'", "isn't the output of the last layer")
        elif order is not None and not is_ours(order, size, self.samples):
            found = any_channel_axis(order, size)
            by_step = (
                found is not None and is_sequence(size) and found.has_all(self.samples, size[2])
            )
            if not by_step:
                self.refusals.add(f"output '{value}'", "isn't the output of the last layer")

    def add(
        self, layer: Layer, value: str, place: str, tensors: Mapping[str, Array] | None = None
    ) -> int:
        return self.row.add(layer, self.numbers[value], place, tensors)

    def each(
        self, layer: Layer, value: str, place: str, tensors: Mapping[str, Array] | None = None
    ) -> Lie:
        """By a layer that makes of each value another, which lies where it did."""
        return self.like(value, self.add(layer, value, place, tensors))

    def embed(self, value: str, place: str, table: Array) -> Lie:
        """A row of a table for each token that comes in."""
        count, width = table.shape
        steps = self.row.sizes[0][-1]
        is_given = not (self.numbers[value] or self.row.layers)
        if not is_given or self.shape(value) != (self.samples, steps):
            raise NoLayer("only the tokens that come in can be looked up, each once")
        self.row.sizes[0] = (count, 1, steps)
        self.orders[value] = ours((count, steps), self.samples)[:, 0]
        weight = np.ascontiguousarray(table.T)[..., None, None]
        number = self.row.add(Embedding(width), 0, place, {"weight": weight})
        return Lie(number, ours((width, steps), self.samples).swapaxes(1, 2))

    # Laid out anew.

    def move(self, value: str, turned: Callable[[Order], Order]) -> Lie:
        """By what only lays values out: as it does with their numbers."""
        order = np.asarray(turned(self.order(value)))
        if not order.size:
            raise NoLayer("it leaves nothing")
        return Lie(self.numbers[value], order)

    def sample_axes(self, value: str) -> list[int]:
        """The axes along which samples follow one another."""
        if value not in self.orders:
            return [0]
        sample = self.orders[value] // prod(self.size(value))
        return [
            axis
            for axis, count in enumerate(sample.shape)
            if count % self.samples == 0 and (sample.take(0, axis) != sample.take(-1, axis)).any()
        ]

    def order_of(self, lie: Lie) -> Order:
        return ours(self.row.sizes[lie.number], self.samples) if lie.order is None else lie.order

    def sliced(self, value: str, cuts: Sequence[slice]) -> Lie:
        """Some of the places along its axes."""
        shape = self.shape(value)
        whole = [
            cut.indices(count) == (0, count, 1) for cut, count in zip(cuts, shape, strict=True)
        ]
        if whole.count(False) == 1 and not whole[-1] and self._ends_in_steps(value):
            start, stop, step = cuts[-1].indices(shape[-1])
            found = self.cut(value, start, stop) if step == 1 else None
            if found is not None:
                return found
        return self.move(value, lambda order: order[tuple(cuts)])

    def _ends_in_steps(self, value: str) -> bool:
        size = self.size(value)
        return (
            is_sequence(size) and len(size) == 3 and is_ours(self.order(value), size, self.samples)
        )

    def flatten(self, value: str, place: str) -> Lie:
        """All values of a sample in one line."""
        if value not in self.orders:
            return Lie(self.row.flat(self.numbers[value], place))
        return self.move(value, lambda order: order.reshape(self.samples, -1))

    def reshape(self, value: str, place: str, target: Shape) -> Lie:
        """To a shape of which the first axis is told as well, and one may be open (-1)."""
        if value not in self.orders:
            size = self.size(value)
            each = tuple(prod(size) if x == -1 else x for x in target[1:])
            if target[0] in (-1, self.samples) and each == (prod(size),):
                return self.flatten(value, place)
            is_picture = len(target) == 4 and len(size) < 3
            is_given = not self.row.layers and self.numbers[value] == 0
            if is_given and is_picture and min(each) > 0 and prod(each) == prod(size):
                self.row.sizes[0] = each
                return Lie(0)
        return self.move(value, lambda order: order.reshape(target))

    # Sums and normalisation.

    def dense(self, value: str, place: str, weight: Array, bias: Array | None = None) -> Lie:
        """Of all values of a sample, or of the channels at each place."""
        if bias is not None and prod(bias.shape[:-1]) > 1:
            raise NoLayer("what is added to its sums isn't the same for all images")
        lie = self._dense(value, place, weight)
        if bias is not None:
            self._bias(lie.number, bias)
        return lie

    def _bias(self, number: int, bias: Array) -> None:
        own = self.row.layers[number - 1]
        if isinstance(own.layer, Attention):
            out = own.tensors[f"{own.layer.parts[-1]}_weight"][..., 0, 0]
            each = np.broadcast_to(bias.ravel(), len(out)).copy()
            tensors = attention.with_output(own.layer, own.tensors, out, each)
            self.row.layers[number - 1] = replace(own, tensors=tensors)
        else:
            self.row.add_bias(number, bias)

    def _dense(self, value: str, place: str, weight: Array) -> Lie:
        order, size = self.order(value), self.size(value)
        if order.shape[-1] != weight.shape[1]:
            said = f"its weights are {spell(weight.shape)}, which doesn't match its input"
            raise NoLayer(MIXED if value in self.orders else said)
        lead = order.shape[:-1]
        found = self.channel_axis(value) if prod(size[1:]) > 1 else None
        if found is None and len(size) == 3 and order.shape[-1] == size[0]:
            chosen = np.argsort(order.reshape(-1, size[0])[0])
            found = channel_axis(order[..., chosen], size, -1)
            weight = weight if found is None else weight[:, chosen]
        if found is not None and found.has_all(self.samples, prod(size[1:])):
            number = self._at_each_place(value, place, weight)
            return Lie(number, found.order(len(weight), prod(size[1:])))
        if found is not None and found.place is not None:
            raise NoLayer(ONE_STEP)
        columns, number = in_rows(order, size, self.samples), self.numbers[value]
        if columns is None or len({*columns.tolist()}) != prod(size):
            raise NoLayer("its input isn't flat")
        number = self.row.flat(number, place)
        turned = np.empty_like(weight)
        turned[:, columns] = weight
        made = self.row.add(Dense(len(weight)), number, place, {"weight": turned})
        return Lie(made, ours((len(weight),), self.samples).reshape(*lead, len(weight)))

    def _at_each_place(self, value: str, place: str, weight: Array) -> int:
        number = self.numbers[value]
        own = self.row.layers[number - 1] if number else None
        if own is not None and attention.is_unweighed(own) and len(weight) == len(weight.T):
            tensors = attention.with_output(own.layer, own.tensors, weight, None)  # type: ignore[arg-type]
            self.row.layers.append(replace(own, tensors=tensors, place=place))
            self.row.sizes.append(self.row.sizes[number])
            return len(self.row.layers)
        layer = Conv(len(weight), (1, 1), row=is_sequence(self.size(value)))
        tensors = {"weight": np.ascontiguousarray(weight[:, :, None, None])}
        return self.row.add(layer, number, place, tensors)

    def conv(
        self, value: str, place: str, layer: Conv, *tensors: Array, fixed: bool = False
    ) -> Lie:
        number, size = self.as_ours(value), self.size(value)
        if is_sequence(size) and len(size) == 3 and layer.kernel[0] == 1 and value in self.orders:
            layer = replace(layer, row=True)
        own = self.row.layers[number - 1] if number else None
        weighs = own is not None and attention.is_unweighed(own)
        if weighs and layer.kernel == layer.stride == (1, 1) and layer.groups == 1:
            made = self._at_each_place(value, place, tensors[0][:, :, 0, 0])
            for bias in tensors[1:]:
                self._bias(made, bias)
            return self.windowed(value, made)
        layer = pad_conv(layer, self.paddings.get(value), size)
        made = self.row.convolve(layer, number, place, *tensors, fixed=fixed)
        return self.windowed(value, made)

    def conv_back(
        self, value: str, place: str, layer: TransposedConv, tensors: Mapping[str, Array]
    ) -> Lie:
        """A transposed convolution."""
        made = self.row.add(layer, self.as_ours(value), place, tensors)
        return self.windowed(value, made)

    def enlarge(self, value: str, place: str, factors: Sequence[float]) -> Lie:
        """Each value so many times, down and across."""
        if len(factors) != 2 or any(by % 1 or by < 1 for by in factors):
            raise NoLayer("only maps that are enlarged by whole numbers can be read")
        rows, columns = map(int, factors)
        return Lie(self.row.add(Upsample((rows, columns)), self.as_ours(value), place))

    def windowed(self, value: str, made: int) -> Lie:
        """What windows make, with as many axes as what they slide over."""
        size, rank = self.row.sizes[made], len(self.shape(value))
        if rank == 4:
            return Lie(made)
        return Lie(made, ours(size, self.samples).reshape(self.samples, size[0], size[2]))

    def batchnorm(
        self, value: str, place: str, epsilon: float, tensors: Mapping[str, Array]
    ) -> Lie:
        """With a scale of 1 and a shift of 0 where there are none."""
        size = self.size(value)
        if self.channel_axis(value, 1) is None:
            raise NoLayer(ELSEWHERE)
        usual = {"scale": np.ones(size[0]), "shift": np.zeros(size[0])}
        if any(name not in tensors for name in STATISTICS):
            raise NoLayer("it keeps no running mean and variance")
        return self.each(BatchNorm(epsilon), value, place, usual | dict(tensors))

    def prelu(self, value: str, place: str, slopes: Array) -> Lie:
        """With one slope for all, or one for each channel."""
        shared = slopes.size == 1
        own = self.of_channels(value, slopes)
        return self.each(PRelu(shared), value, place, {"slope": own[:1] if shared else own})

    def of_channels(self, value: str, constant: Array) -> Array:
        """A number for each channel, out of constants that are broadcast."""
        if value not in self.orders or constant.size == 1:
            return by_channel(constant, self.size(value))
        told = gather_places(self.orders[value], constant, self.size(value))
        told = told.reshape(len(told), -1)
        if (told != told[:, :1]).any():
            raise NoLayer("it adds different numbers to the places of a channel")
        return np.asarray(told[:, 0])

    def recur(
        self,
        value: str,
        place: str,
        layer: Recurring,
        tensors: Mapping[str, Array],
        steps_first: bool,
    ) -> tuple[Lie, Lie]:
        """Its states at all steps, as they came in, and a row of the last ones."""
        order, size = self.order(value), self.size(value)
        found = self.channel_axis(value)
        by_sample = order.swapaxes(0, 1) if steps_first else order
        is_row = order.ndim == 3 and len(size) == 3 and is_sequence(size)
        if found is None or not is_row or not is_ours(by_sample.swapaxes(1, 2), size, self.samples):
            raise NoLayer(NO_STEPS)
        number = self.add(replace(layer, all=True), value, place, tensors)
        every = found.order(layer.width, size[2])
        last = every[-1:] if steps_first else every[:, -1][None]
        return Lie(number, every), Lie(number, last)

    # Windows.

    def pool(self, value: str, place: str, layer: Pool) -> Lie:
        number, size = self.as_ours(value), self.size(value)
        before = self.row.layers[:number]
        rank = len(self.shape(value))
        layer = pad_pool(layer, self.paddings.get(value), size, before)
        layer = replace(layer, row=True) if rank == 3 else layer
        return self.windowed(value, self.row.add(layer, number, place))

    def pool_all(
        self, value: str, place: str, kind: str, axes: Sequence[int], keeps: bool = True
    ) -> Lie:
        size, order = self.size(value), self.order(value)
        over = sorted({self.axis(value, axis) for axis in axes})
        found = any_channel_axis(order, size) if len(size) == 3 else None
        every = found is not None and found.has_all(self.samples, prod(size[1:]))
        if found is None or not every or found.axis in over:
            raise NoLayer("it can be read only over rows and columns together")
        firsts = np.moveaxis(order, over, range(-len(over), 0)).reshape(
            *(n for axis, n in enumerate(order.shape) if axis not in over), -1
        )
        if (firsts // prod(size[1:]) != firsts[..., :1] // prod(size[1:])).any():
            raise NoLayer("it can be read only over rows and columns together")
        if firsts.shape[-1] != prod(size[1:]):
            raise NoLayer("it can be read only over rows and columns together")
        row = is_sequence(size) and value in self.orders
        number = self.add(Pool(kind, None, row=row), value, place)
        channels = firsts[..., 0] // prod(size[1:])
        if keeps:
            return Lie(number, np.expand_dims(channels, tuple(over)))
        return Lie(self.row.flat(number, place), channels)

    def pad(self, value: str, padded: str, sides: Sides, filling: float) -> Lie:
        """Padding is kept until a window takes it in."""
        padding = Padding(sides, filling)
        self.paddings[padded] = join_paddings(self.paddings.get(value), padding)
        return self.like(value, self.as_ours(value))

    def cut(self, value: str, start: int, stop: int) -> Lie | None:
        """Steps that a convolution makes beyond those that are wanted: it is padded less then."""
        number, size = self.numbers[value], self.size(value)
        own = self.row.layers[number - 1] if number else None
        if own is None or not isinstance(own.layer, Conv) or len(size) != 3:
            return None
        window = own.layer.window(self.row.sizes[own.reads[0]])
        top, left, below, right = window.pad
        before, after = start, size[2] - stop
        if window.stride[1] != 1 or before > left or after > right:
            return None
        layer = replace(own.layer, pad=(top, left - before, below, right - after))
        self.row.layers.append(replace(own, layer=layer))
        self.row.sizes.append((*size[:2], stop - start))
        return self.windowed(value, len(self.row.layers))

    # Activations.

    def softmax(self, value: str, place: str, kind: str, axis: int) -> Lie:
        if self.channel_axis(value, self.axis(value, axis)) is None:
            raise NoLayer("only a softmax over all classes in the second axis can be read")
        return self.each(Activation(kind), value, place)

    # Several values, and values with constants.

    def concat(self, values: Sequence[str], made: str, place: str, axis: int) -> Lie | None:
        if any(name not in self.numbers for name in values):
            raise NoLayer("it concatenates values with constants")
        each = [self.channel_axis(name, self.axis(values[0], axis)) for name in values]
        if any(one is None for one in each):
            alone = all(self.shape(name)[0] == 1 for name in values)
            if self.axis(values[0], axis) == 0 and alone:
                self.pieces[made] = tuple(values)
                return None
            raise NoLayer("only channels (axis 1) can be concatenated")
        number = self.row.side_by_side([self.numbers[name] for name in values], place)
        size = self.row.sizes[number]
        first = each[0]
        assert first is not None
        return Lie(number, first.order(size[0], prod(size[1:])))

    def sum(self, first: str, second: str, place: str) -> Lie:
        self._require_alike(first, second)
        return self.like(first, self.row.sum(self.numbers[first], self.numbers[second], place))

    def product(self, first: str, second: str, place: str) -> Lie:
        """Of two values that lie alike, or of one with a value for each channel of the other."""
        large, small = sorted((first, second), key=lambda name: -prod(self.size(name)))
        size, each = self.size(large), self.size(small)
        if size != each:
            order = self.order(large)
            beside = np.broadcast_to(self.order(small), order.shape)
            if prod(each) != size[0] or (order // prod(size[1:]) != beside).any():
                raise NoLayer("the two values lie differently")
        else:
            self._require_alike(first, second)
        number = self.row.product(self.numbers[first], self.numbers[second], place)
        return self.like(large, number)

    def _require_alike(self, *values: str) -> None:
        orders = [self.orders.get(name) for name in values]
        if all(order is None for order in orders):
            return
        one, other = (self.order(name) for name in values)
        if not np.array_equal(one, other):
            raise NoLayer("the two values lie differently")

    def combine(self, value: str, place: str, sign: Sign, constant: Array) -> Lie:
        """What constants do to each channel: value + constant, or another sign between them."""
        if value in self.fits:
            raise NoLayer(attention.OTHER_MASK)
        vectors = self._vectors(value, constant) if sign == "+" else None
        if vectors is not None:
            return self.each(PositionEmbedding(), value, place, {"bias": vectors})
        numbers = self.of_channels(value, constant)
        ones, zeros = np.ones_like(numbers), np.zeros_like(numbers)
        scale, shift = {
            "+": (ones, numbers),
            "-": (ones, -numbers),
            "*": (numbers, zeros),
            "/": (1 / np.where(numbers == 0, np.nan, numbers), zeros),
        }[sign]
        return self.like(value, self.scale(value, place, scale, shift))

    def combine_fits(self, made: str, value: str, sign: Sign, constant: Array) -> None:
        """What is done to scores: a factor, or a mask that is added."""
        own = self.fits[value]
        if sign in "*/" and constant.size == 1:
            by = float(constant.item())
            self.fits[made] = own.times(by if sign == "*" else 1 / by)
        elif sign == "+":
            self.fits[made] = own.plus(constant)
        else:
            raise NoLayer(attention.OTHER_MASK)

    def _vectors(self, value: str, constant: Array) -> Array | None:
        """What is added at each step of a sequence, feature by feature, if it differs by step."""
        size = self.size(value)
        if len(size) < 3 or not is_sequence(size) or constant.size == 1:
            return None
        if constant.size < prod(size) and value not in self.orders:
            return None
        told = gather_places(self.order(value), constant, size).reshape(size[0], -1)
        return None if (told == told[:, :1]).all() else told.ravel()

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
            if before.layer.sums and not _has_bias(before.tensors):
                self._bias(number, shift)
                return number
        return self.row.scale(number, scale, shift, place, alone)

    # Attention.

    def heads(self, value: str, turned: bool = False) -> Heads:
        """Of (…, steps, features of a head), or turned, with its steps last."""
        order = self.order(value)
        order = order.swapaxes(-1, -2) if turned else order
        return attention.heads_of(self.numbers[value], order, self.size(value), self.samples)

    def fit(self, made: str, queries: str, keys: str, turned: bool) -> None:
        self.fits[made] = attention.fit(self.heads(queries), self.heads(keys, turned))

    def attend(self, fits: Fits, values: str, place: str) -> Lie:
        """What is mixed of values by shares; the sums after it become its output."""
        own = self.heads(values)
        parts = (fits.queries, fits.keys, own)
        queries, keys, mixed = (self._projection(part.number) for part in parts)
        if len({queries.given, keys.given, mixed.given}) != 1:
            raise NoLayer("only attention of a sequence to itself can be read")
        given = queries.given
        sums = (queries, keys, mixed)
        layer, tensors = attention.attention_of(fits, own, sums, self.row.sizes[given][0])
        first = len(self.row.layers)
        number = self.row.add(layer, given, place, tensors)
        self.row.note(first, [name for one in sums for name in one.stored])
        return Lie(number, attention.mixed_order(own))

    def _projection(self, number: int) -> Projection:
        own = self.row.layers[number - 1] if number else None
        if own is not None and isinstance(own.layer, BatchNorm) and number in self.row.scales:
            before = self._projection(own.reads[0])
            scale, shift = self.row.scale_of(number)
            if (scale == scale[0]).all() and not shift.any():
                return replace(before, factor=before.factor * float(scale[0]))
            bias = shift if before.bias is None else before.bias * scale + shift
            return replace(before, weight=before.weight * scale[:, None], bias=bias)
        if own is None or not isinstance(own.layer, Conv) or own.layer.kernel != (1, 1):
            raise NoLayer(attention.NOT_OF_SUMS)
        if own.layer.groups > 1 or own.layer.stride != (1, 1) or own.layer.pad != NOWHERE:
            raise NoLayer(attention.NOT_OF_SUMS)
        weight = own.tensors["weight"][..., 0, 0]
        return Projection(own.reads[0], weight, own.tensors.get("bias"), own.stored)


def _has_bias(tensors: Mapping[str, Array]) -> bool:
    """Whether what it ends in has one."""
    if "weight" in tensors:
        return "bias" in tensors
    return any(bool(array.any()) for name, array in tensors.items() if name == "output_bias")
