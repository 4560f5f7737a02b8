"""How other programs lay out our values: which of ours stands at each place of theirs.

Ours are numbered sample by sample, each in the order of our own shape. So whatever a program does
that only lays values out anew is done to their numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from gradbook.formats.imported import NoLayer
from gradbook.graph.node import Array
from gradbook.graph.window import Shape

Order = NDArray[np.intp]
SAMPLES = 3  # of which places are followed, where a file leaves their number open
MOST_PLACED = 2**24
FEATURES_FIRST = (
    "its input is {features} features x {steps} steps there, and {steps}x{features} here: the "
    "steps come first"
)
ELSEWHERE = "the values that it reads lie differently than our layer reads them"


@dataclass(frozen=True, eq=False)
class Lie:
    """The number of a value of ours, and where each of its values stands; nothing: as ours do."""

    number: int
    order: Order | None = None


def ours(size: Shape, samples: int) -> Order:
    """Where values stand that lie as ours do."""
    count = samples * prod(size)
    if count > MOST_PLACED:
        raise NoLayer(f"it lays out {count:,} values: at most {MOST_PLACED:,} can be followed")
    return np.arange(count).reshape(samples, *size)


def is_ours(order: Order, size: Shape, samples: int) -> bool:
    """Whether the places follow one another as ours do, whatever axes they have."""
    flat = order.ravel()
    return flat.size == samples * prod(size) and bool((np.diff(flat) == 1).all())


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


def channel_axis(order: Order, size: Shape, axis: int) -> ChannelAxis | None:
    """How the channels of a value of this size lie along an axis, if they do."""
    if not -order.ndim <= axis < order.ndim or order.shape[axis] != size[0]:
        return None
    axis %= order.ndim
    places = prod(size[1:])
    first = np.asarray(order.take(0, axis))
    found = ChannelAxis(axis, first // (size[0] * places), first % (size[0] * places))
    fits = (found.places < places).all() and np.array_equal(found.order(size[0], places), order)
    return found if fits else None


def any_channel_axis(order: Order, size: Shape) -> ChannelAxis | None:
    """The same along whichever axis it is."""
    each = (channel_axis(order, size, axis) for axis in reversed(range(order.ndim)))
    return next((one for one in each if one is not None), None)


def in_rows(order: Order, size: Shape, samples: int) -> Order | None:
    """Which value of its sample stands where in each row, if each sample is a row of its own."""
    each = prod(size)
    rows = order.reshape(-1, order.shape[-1]) if order.ndim else order.reshape(1, 1)
    within = rows - np.arange(len(rows))[:, None] * each
    if len(rows) != samples or (within != within[0]).any() or (within[0] < 0).any():
        return None
    return within[0] if (within[0] < each).all() else None


def gather_places(order: Order, numbers: Array, size: Shape) -> Array:
    """What is told of each place, as ours lie: the same for all samples."""
    told = np.broadcast_to(numbers, order.shape)
    found = np.full(prod(size), np.nan)
    within = order.ravel() % prod(size)
    found[within] = told.ravel()
    if np.isnan(found).any() or not np.array_equal(found[within], told.ravel()):
        raise NoLayer("its constants differ from sample to sample, or aren't there for all values")
    return found.reshape(size)


@dataclass(frozen=True, eq=False)
class WayIn:
    """How what comes in may be taken: its size as ours, and how it lies there."""

    size: Shape
    order: Order | None = None
    steps: bool = False  # as a sequence of ours, which comes step by step
    tokens: bool = False  # each step by the number of one of so many
    remark: str = ""


def ways_in(shape: Shape, samples: int, whole: bool = False) -> list[WayIn]:
    """An image with channels first or last; two axes may be a sequence too, with steps or with
    features first. Whole numbers in a row are tokens."""
    if len(shape) == 1 and whole and shape[0] > 1:
        return [WayIn((1, 1, *shape), ours(shape, samples), steps=True, tokens=True)]
    if len(shape) == 3:
        rows, columns, channels = shape
        last = ours((channels, rows, columns), samples).transpose(0, 2, 3, 1)
        return [WayIn(shape), WayIn((channels, rows, columns), last)]
    if len(shape) == 2:
        first, second = shape
        found = [WayIn((1, *shape), ours(shape, samples))]
        if second > 1 or first > 1:
            by_step = ours((second, first), samples).transpose(0, 2, 1)
            found.append(WayIn((second, 1, first), by_step, steps=True))
            remark = FEATURES_FIRST.format(steps=second, features=first) if first > 1 else ""
            as_it_lies = ours(shape, samples)
            found.append(WayIn((first, 1, second), as_it_lies, steps=True, remark=remark))
        return found
    return [WayIn(shape)]
