"""How other programs lay out values: which of gradbook's values is at each of their places.

Values are numbered sample by sample, each sample in gradbook's order. An operator that only
rearranges values is applied to these numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from gradbook.formats.imported import NoLayer
from gradbook.graph.node import Array
from gradbook.graph.window import Shape, Sides

Order = NDArray[np.intp]
SAMPLES = 3  # how many are followed if a file leaves the number of samples open
MOST_PLACED = 2**24
ELSEWHERE = (
    "it reads values in another order than gradbook's layer, such as a slice or a transpose of "
    "its input: give it the whole input, unchanged"
)
DIFFERENT = (
    "it combines values in different orders, such as two slices of one value's channels: compute "
    "each by a separate layer"
)


@dataclass(frozen=True)
class Padding:
    """One constant around a map, which the window that reads it uses as its padding."""

    sides: Sides
    value: float = 0.0


@lru_cache(maxsize=4)
def ours(size: Shape, samples: int) -> Order:
    """The order of values that are laid out as gradbook's are."""
    count = samples * prod(size)
    if count > MOST_PLACED:
        raise NoLayer(f"it rearranges {count:,} values: at most {MOST_PLACED:,} can be followed")
    order = np.arange(count).reshape(samples, *size)
    order.flags.writeable = False
    return order


@dataclass(frozen=True, eq=False)
class Live:
    """A value's number, its size and the order of its elements; None for gradbook's order."""

    number: int
    size: Shape
    laid: Order | None
    samples: int
    padding: Padding | None = None

    @property
    def order(self) -> Order:
        return ours(self.size, self.samples) if self.laid is None else self.laid

    @property
    def shape(self) -> Shape:
        """The shape in the file, including samples."""
        return (self.samples, *self.size) if self.laid is None else self.laid.shape

    @property
    def places(self) -> int:
        """The number of places of each channel."""
        return prod(self.size[1:])

    @cached_property
    def is_in_line(self) -> bool:
        """Whether the elements follow one another as gradbook's do, whatever the axes."""
        if self.laid is None:
            return True
        flat = self.laid.ravel()
        is_complete = flat.size == self.samples * prod(self.size)
        return is_complete and bool((np.diff(flat) == 1).all())

    @cached_property
    def is_as_ours(self) -> bool:
        return self.shape[1:] == self.size and self.is_in_line

    def has_channels_at(self, axis: int) -> bool:
        """Whether all its channels are along one axis."""
        if self.laid is None and axis % len(self.shape) == 1:
            return True
        return self.channel_axis(axis) is not None

    def channel_axis(self, axis: int = -1) -> ChannelAxis | None:
        """Describe how its channels are arranged along an axis, if they are."""
        order, size = self.order, self.size
        if not -order.ndim <= axis < order.ndim or order.shape[axis] != size[0]:
            return None
        axis %= order.ndim
        first = np.asarray(order.take(0, axis))
        per_sample = size[0] * self.places
        channels = ChannelAxis(axis, first // per_sample, first % per_sample)
        is_first = (channels.places < self.places).all()
        fits = is_first and np.array_equal(channels.order(size[0], self.places), order)
        return channels if fits else None

    def any_channel_axis(self) -> ChannelAxis | None:
        """Describe the first axis, from the last, that has all its channels."""
        axes = (self.channel_axis(number) for number in reversed(range(self.order.ndim)))
        return next((axis for axis in axes if axis is not None), None)

    def in_rows(self) -> Order | None:
        """Return the element at each place of a row, if each sample is one row."""
        per_sample, order = prod(self.size), self.order
        rows = order.reshape(-1, order.shape[-1]) if order.ndim else order.reshape(1, 1)
        within = rows - np.arange(len(rows))[:, None] * per_sample
        if len(rows) != self.samples or (within != within[0]).any() or (within[0] < 0).any():
            return None
        return within[0] if (within[0] < per_sample).all() else None

    def gather(self, numbers: Array) -> Array:
        """Rearrange numbers given for each place into gradbook's order; samples must agree."""
        spread = np.broadcast_to(numbers, self.order.shape)
        gathered = np.full(prod(self.size), np.nan)
        within = self.order.ravel() % prod(self.size)
        gathered[within] = spread.ravel()
        if np.isnan(gathered).any() or not np.array_equal(gathered[within], spread.ravel()):
            raise NoLayer("its constants differ from sample to sample, or some are missing")
        return gathered.reshape(self.size)


@dataclass(frozen=True, eq=False)
class ChannelAxis:
    """An axis that has all channels: the sample and place of each element of the other axes."""

    axis: int
    samples: Order
    places: Order

    def order(self, channels: int, places: int) -> Order:
        """The order of values with this many channels and places."""
        first = np.expand_dims(self.samples * channels * places + self.places, self.axis)
        along = [1] * first.ndim
        along[self.axis] = channels
        return np.asarray(first + (np.arange(channels) * places).reshape(along))

    def has_all(self, samples: int, places: int) -> bool:
        """Whether each place of each sample occurs exactly once."""
        present = np.sort(self.samples.ravel() * places + self.places.ravel())
        return np.array_equal(present, np.arange(samples * places))

    @property
    def place(self) -> int | None:
        """The one place whose channels it has, or None if there are several."""
        first = int(self.places.flat[0])
        return first if (self.places == first).all() else None


def to_space(order: Order, by: int, place_first: bool = False) -> Order:
    """Turn channels into places of a larger map; they are numbered by channel or by place first."""
    count, channels, rows, columns = order.shape
    out_channels = channels // by**2
    shape = (by, by, out_channels) if place_first else (out_channels, by, by)
    axes = (0, 3, 4, 1, 5, 2) if place_first else (0, 1, 4, 2, 5, 3)
    apart = order.reshape(count, *shape, rows, columns).transpose(axes)
    return apart.reshape(count, out_channels, rows * by, columns * by)


def to_depth(order: Order, by: int, place_first: bool = False) -> Order:
    """Turn places of a map into channels."""
    count, channels, rows, columns = order.shape
    apart = order.reshape(count, channels, rows // by, by, columns // by, by)
    axes = (0, 3, 5, 1, 2, 4) if place_first else (0, 1, 3, 5, 2, 4)
    return apart.transpose(axes).reshape(count, -1, rows // by, columns // by)


@dataclass(frozen=True, eq=False)
class WayIn:
    """A possible layout of the input: its size in gradbook, and the order of its elements."""

    size: Shape
    laid: Order | None = None
    steps: bool = False  # as a sequence, step by step
    tokens: bool = False  # each step is a token's number
    features_first: bool = False  # in the file; gradbook has the steps first


def ways_in(shape: Shape, samples: int, is_whole: bool = False) -> list[WayIn]:
    """An image has its channels first or last; two axes may also be a sequence, with steps or
    features first. Whole numbers in a row are tokens."""
    if len(shape) == 1 and is_whole and shape[0] > 1:
        return [WayIn((1, 1, *shape), ours(shape, samples), steps=True, tokens=True)]
    if len(shape) == 3:
        return [WayIn(shape), channels_last(shape, samples)]
    if len(shape) == 2:
        first, second = shape
        as_it_lies = ours(shape, samples)
        ways = [WayIn((1, *shape), as_it_lies)]
        if second > 1 or first > 1:
            ways.append(steps_first(shape, samples))
            features = first > 1
            ways.append(WayIn((first, 1, second), as_it_lies, True, features_first=features))
        return ways
    return [WayIn(shape)]


def channels_last(shape: Shape, samples: int) -> WayIn:
    """An image of rows x columns x channels."""
    rows, columns, channels = shape
    size = (channels, rows, columns)
    return WayIn(size, ours(size, samples).transpose(0, 2, 3, 1))


def steps_first(shape: Shape, samples: int) -> WayIn:
    """A sequence of steps x features."""
    steps, features = shape
    order = ours((features, steps), samples).transpose(0, 2, 1)
    return WayIn((features, 1, steps), order, steps=True)
