"""How other programs lay out our values: which of ours stands at each place of theirs.

Ours are numbered sample by sample, each in the order of our own shape. So whatever a program does
that only lays values out anew is done to their numbers.
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
SAMPLES = 3  # of which places are followed, where a file leaves their number open
MOST_PLACED = 2**24
ELSEWHERE = (
    "it reads values in another order than its layer here, such as a slice or a transpose of what "
    "is before it: give it that value as it is"
)
DIFFERENT = (
    "it combines values in different orders, such as two slices of one value's channels: make each "
    "by a layer of its own"
)


@dataclass(frozen=True)
class Padding:
    """One value all around a map, which the window that reads it takes in as its padding."""

    sides: Sides
    value: float = 0.0


@lru_cache(maxsize=4)
def ours(size: Shape, samples: int) -> Order:
    """Where values stand that lie as ours do."""
    count = samples * prod(size)
    if count > MOST_PLACED:
        raise NoLayer(f"it lays out {count:,} values: at most {MOST_PLACED:,} can be followed")
    order = np.arange(count).reshape(samples, *size)
    order.flags.writeable = False
    return order


@dataclass(frozen=True, eq=False)
class Live:
    """The number of a value of ours, its size, and where each of its values stands; as ours do if
    nothing is said."""

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
        """As it is there, samples among it."""
        return (self.samples, *self.size) if self.laid is None else self.laid.shape

    @property
    def places(self) -> int:
        """Of each channel."""
        return prod(self.size[1:])

    @cached_property
    def is_in_line(self) -> bool:
        """Whether the places follow one another as ours do, whatever axes they have."""
        if self.laid is None:
            return True
        flat = self.laid.ravel()
        whole = flat.size == self.samples * prod(self.size)
        return whole and bool((np.diff(flat) == 1).all())

    @cached_property
    def is_as_ours(self) -> bool:
        return self.shape[1:] == self.size and self.is_in_line

    def has_channels_at(self, axis: int) -> bool:
        """Whether all its channels lie along an axis."""
        if self.laid is None and axis % len(self.shape) == 1:
            return True
        return self.channel_axis(axis) is not None

    def channel_axis(self, axis: int = -1) -> ChannelAxis | None:
        """How its channels lie along an axis, if they do."""
        order, size = self.order, self.size
        if not -order.ndim <= axis < order.ndim or order.shape[axis] != size[0]:
            return None
        axis %= order.ndim
        first = np.asarray(order.take(0, axis))
        each = size[0] * self.places
        known = ChannelAxis(axis, first // each, first % each)
        is_first = (known.places < self.places).all()
        fits = is_first and np.array_equal(known.order(size[0], self.places), order)
        return known if fits else None

    def any_channel_axis(self) -> ChannelAxis | None:
        """The same along whichever axis it is."""
        each = (self.channel_axis(axis) for axis in reversed(range(self.order.ndim)))
        return next((known for known in each if known is not None), None)

    def in_rows(self) -> Order | None:
        """Which value of a sample stands where in its row, if each sample is a row of its own."""
        each, order = prod(self.size), self.order
        rows = order.reshape(-1, order.shape[-1]) if order.ndim else order.reshape(1, 1)
        within = rows - np.arange(len(rows))[:, None] * each
        if len(rows) != self.samples or (within != within[0]).any() or (within[0] < 0).any():
            return None
        return within[0] if (within[0] < each).all() else None

    def gather(self, numbers: Array) -> Array:
        """What is told of each place, as ours lie: the same for all samples."""
        told = np.broadcast_to(numbers, self.order.shape)
        gathered = np.full(prod(self.size), np.nan)
        within = self.order.ravel() % prod(self.size)
        gathered[within] = told.ravel()
        if np.isnan(gathered).any() or not np.array_equal(gathered[within], told.ravel()):
            raise NoLayer(
                "its constants differ from sample to sample, or aren't there for all values"
            )
        return gathered.reshape(self.size)


@dataclass(frozen=True, eq=False)
class ChannelAxis:
    """Of values of which an axis has all channels: which sample and place each of the others is."""

    axis: int
    samples: Order
    places: Order

    def order(self, channels: int, places: int) -> Order:
        """Where values of so many channels stand there."""
        first = np.expand_dims(self.samples * channels * places + self.places, self.axis)
        along = [1] * first.ndim
        along[self.axis] = channels
        return np.asarray(first + (np.arange(channels) * places).reshape(along))

    def has_all(self, samples: int, places: int) -> bool:
        """Whether each place of each sample stands there once."""
        every = np.sort(self.samples.ravel() * places + self.places.ravel())
        return np.array_equal(every, np.arange(samples * places))

    @property
    def place(self) -> int | None:
        """The one place of which it has the channels, if it has those of one alone."""
        first = int(self.places.flat[0])
        return first if (self.places == first).all() else None


@dataclass(frozen=True, eq=False)
class WayIn:
    """How what comes in may be taken: its size as ours, and how it lies there."""

    size: Shape
    laid: Order | None = None
    steps: bool = False  # as a sequence of ours, which comes step by step
    tokens: bool = False  # each step by the number of one of so many
    features_first: bool = False  # there, where ours has the steps first


def ways_in(shape: Shape, samples: int, is_whole: bool = False) -> list[WayIn]:
    """An image with channels first or last; two axes may be a sequence too, with steps or with
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
