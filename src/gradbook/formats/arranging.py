"""Finds the layers that put a value's elements in another order, shape or number.

Any order of one sample's elements can be made: channels, rows, columns or steps picked, a sequence
transposed, another shape; where these don't suffice, elements are picked one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from gradbook.formats.layouts import Live, Order
from gradbook.graph.window import Shape
from gradbook.layers import Flatten, Layer, Pick, Reshape, Transpose
from gradbook.layers.fields import MOST_PICKED

ALONG = ("channels", "rows", "columns")
View = tuple[tuple[Layer, ...], Order]  # layers, and the source of each element that they make


def order_of_a_sample(live: Live) -> Order | None:
    """Return the elements of one sample in the file's order, if it is the same in all samples."""
    order, per_sample = live.order, prod(live.size)
    if not order.ndim or order.shape[0] != live.samples:
        return None
    first = order[0]
    numbers = np.arange(live.samples).reshape(-1, *(1,) * first.ndim)
    alike = np.array_equal(order, first + numbers * per_sample)
    return first if alike and first.min() >= 0 and first.max() < per_sample else None


def sample_axis(live: Live) -> int:
    """Return the axis along which samples follow one another; the first if none does."""
    samples, per_sample = live.order, prod(live.size)
    for axis, count in enumerate(live.shape):
        along = np.arange(count).reshape(-1, *(1,) * (len(live.shape) - axis - 1))
        if count == live.samples and (samples // per_sample == along).all():
            return axis
    return 0


def is_complete(live: Live) -> bool:
    """Whether each element of the value occurs exactly once."""
    return live.laid is None or np.array_equal(
        np.sort(live.order, axis=None), np.arange(live.samples * prod(live.size))
    )


def likely_channels(live: Live) -> int:
    """Return the axis along which only the channel changes; without one, the usual axis."""
    channels, places = live.order // live.places, live.order % live.places
    for axis in reversed(range(1, live.order.ndim)):
        along = np.diff(channels, axis=axis)
        if along.size and along.all() and not np.diff(places, axis=axis).any():
            return axis
    return 1 if len(live.shape) == 4 else len(live.shape) - 1


def moves(size: Shape, wanted: Order) -> tuple[Layer, ...] | None:
    """Return layers that turn a value of this size into one with elements from these places."""
    for layers, have in _views(size):
        picked = _picks(have, wanted)
        if picked is not None:
            return (*layers, *picked)
    return _one_by_one(size, wanted)


def _views(size: Shape) -> Iterator[View]:
    """Yield the value as it is, as a sequence, as a flat value, and each of these transposed."""
    have = np.arange(prod(size)).reshape(size)
    yield (), have
    row = (size[0], 1, prod(size[1:]))
    in_row: tuple[Layer, ...] = () if size == row else (Reshape(row),)
    if len(size) == 3 and row[2] > 1:
        if in_row:
            yield in_row, have.reshape(row)
        yield (*in_row, Transpose()), have.reshape(row).swapaxes(0, 2)
    if len(size) > 1:
        yield (Flatten(),), have.ravel()


def _picks(have: Order, wanted: Order) -> tuple[Layer, ...] | None:
    """Return layers that pick along the axes, and give the result its shape."""
    if wanted.ndim == 1 and have.ndim == 3 and have.shape[1] == 1 < have.shape[2]:
        step = np.flatnonzero(have[0, 0] == wanted[0])  # the features of a single step
        if len(wanted) == len(have) and len(step) and (have[:, 0, step[0]] == wanted).all():
            return (Pick((int(step[0]) + 1,), "steps"),)
    for shape in dict.fromkeys((wanted.shape, *_shapes(have, wanted))):
        layers = _along_axes(have, wanted.reshape(shape)) if len(shape) == have.ndim else None
        if layers is not None:
            return (*layers, *_into(shape, wanted.shape))
    return None


def _shapes(have: Order, wanted: Order) -> Iterator[Shape]:
    """Yield shapes with as many axes as the value has, of which some keep their lengths."""
    if have.ndim != 3:
        yield (wanted.size,)
        return
    (channels, rows, columns), size = have.shape, wanted.size
    for sides in ((rows, columns), (channels, columns), (channels, rows)):
        if size % prod(sides) == 0:
            length = size // prod(sides)
            if sides == (rows, columns):
                yield (length, rows, columns)
            between = (sides[0], length, sides[1])
            yield between if sides == (channels, columns) else (*sides, length)
    yield (size // columns, 1, columns) if size % columns == 0 else (size, 1, 1)


def _along_axes(have: Order, wanted: Order) -> list[Layer] | None:
    """Return a pick for each axis whose elements change."""
    place_of = np.empty(have.size, np.intp)
    place_of[have.ravel()] = np.arange(have.size)
    sources = np.unravel_index(place_of[wanted], have.shape)
    layers: list[Layer] = []
    for axis, source in enumerate(sources):
        along = np.moveaxis(source, axis, 0).reshape(wanted.shape[axis], -1)
        if (along != along[:, :1]).any():
            return None
        places = along[:, 0]
        if len(places) > MOST_PICKED:
            return None
        if not np.array_equal(places, np.arange(have.shape[axis])):
            layers.append(Pick(tuple((places + 1).tolist()), ALONG[axis]))
    return layers


def _into(shape: Shape, wanted: Shape) -> tuple[Layer, ...]:
    if shape == wanted:
        return ()
    return (Flatten(),) if len(wanted) == 1 else (Reshape(wanted),)


def _one_by_one(size: Shape, wanted: Order) -> tuple[Layer, ...] | None:
    if wanted.size > MOST_PICKED:
        return None
    flat: tuple[Layer, ...] = (Flatten(),) if len(size) > 1 else ()
    places = tuple((wanted.ravel() + 1).tolist())
    return (*flat, Pick(places), *_into((wanted.size,), wanted.shape))
