"""The ops on whole tensors, and the expansion of each into ops on single values.

`spread` repeats each value along new last axes, `sum` sums over the last ones, `concat` joins
channels, and `pick` takes channels, rows or columns by their numbers. `sum_channels` sums the
channels at each place, and `spread_channels` repeats one value per place in every channel. The
weights W of a weighted sum are (outputs, inputs).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from itertools import product
from operator import add
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gradbook.graph.node import Array, Node, Scalars, define
from gradbook.graph.window import NOWHERE, Shape, Sides, Window

# fills the table of ops


__all__ = [
    "array_of",
    "concat",
    "pick",
    "reshape",
    "softmax",
    "spread",
    "spread_channels",
    "sum_channels",
    "sum_last",
]


def sum_of(terms: Iterable[Node]) -> Node:
    """x1 + x2 + …, added from the left."""
    return reduce(add, terms)


def array_of(shape: Shape, element: Any) -> Scalars:
    """The tensor of scalars whose value at each place is element(*place)."""
    array = np.empty(shape, dtype=object)
    for place in product(*map(range, shape)):
        array[place] = element(*place)
    return array


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
        x.shape[: x.ndim - axes], lambda *place: sum_of(x[place].flat)
    ),
)


define(
    "spread_channels",
    lambda x, channels: np.broadcast_to(x, (*x.shape[:-3], channels, *x.shape[-2:])),
    shape=lambda x, channels: (channels, *x[1:]),
    derivative=lambda d, y, x: (sum_channels(d),),
    elements=lambda x, channels: array_of(
        (channels, *x.shape[1:]), lambda channel, *place: x[(0, *place)]
    ),
)
define(
    "sum_channels",
    lambda x: x.sum(axis=-3, keepdims=True),
    shape=lambda x: (1, *x[1:]),
    derivative=lambda d, y, x: (spread_channels(d, x.shape[0]),),
    elements=lambda x: array_of(
        (1, *x.shape[1:]), lambda _, row, column: sum_of(x[:, row, column])
    ),
)
define(
    "part",  # `count` channels, beginning with `first`
    lambda x, first, count, axes: x[
        (..., slice(first, first + count), *[slice(None)] * (axes - 1))
    ],
    shape=lambda x, first, count, axes: (count, *x[1:]),
    elements=lambda x, first, count, axes: x[first : first + count],
)


def _concat_derivative(d: Node, y: Node, *xs: Node) -> Iterator[Node]:
    """Each input gets the gradients of its own channels."""
    first = 0
    for x in xs:
        yield d.graph.make("part", d, attributes=(first, x.shape[0], len(x.shape)))
        first += x.shape[0]


define(
    "concat",
    lambda *xs: np.concatenate(xs[:-1], axis=-xs[-1]),
    shape=lambda *xs: (sum(x[0] for x in xs[:-1]), *xs[0][1:]),
    derivative=lambda d, y, *xs: tuple(_concat_derivative(d, y, *xs)),
    elements=lambda *xs: np.concatenate(xs[:-1]),
)


def _picked(x: Any, axis: int, places: Sequence[int], axes: int) -> Any:
    """Those at these places along an axis, from 0; a place of −1 is left 0."""
    along = axis - axes
    taken = np.take(np.asarray(x), [max(place, 0) for place in places], along)
    empty = np.array(places) < 0
    return np.where(empty.reshape(-1, *(1,) * (-along - 1)), 0.0, taken) if empty.any() else taken


def _pick_shape(x: Shape, axis: int, places: Sequence[int], axes: int) -> Shape:
    return (*x[:axis], len(places), *x[axis + 1 :])


def _pick_derivative(d: Node, y: Node, x: Node) -> tuple[Node]:
    """Each value gets the gradients of all places that took it."""
    axis, places, _ = y.attributes
    assert isinstance(axis, int)
    assert isinstance(places, tuple)
    takers: list[list[int]] = [[] for _ in range(x.shape[axis])]
    for k, place in enumerate(places):
        if place >= 0:
            takers[place].append(k)
    most = max(map(len, takers))
    turns = ([row[turn] if turn < len(row) else -1 for row in takers] for turn in range(most))
    return (sum_of(pick(d, axis, turn) for turn in turns),)


def _pick_elements(x: Scalars, axis: int, places: Sequence[int], axes: int) -> Scalars:
    zero = x.item(0).graph.constant(0)

    def element(*at: int) -> Any:
        place = places[at[axis]]
        return zero if place < 0 else x[(*at[:axis], place, *at[axis + 1 :])]

    return array_of(_pick_shape(x.shape, axis, places, axes), element)


define(
    "pick",
    _picked,
    shape=_pick_shape,
    derivative=_pick_derivative,
    elements=_pick_elements,
)


def pick(x: Node, axis: int, places: Sequence[int]) -> Node:
    """The channels (axis 0), rows or columns at these places, from 0; −1 is filled with 0."""
    return x.graph.make("pick", x, attributes=(axis, tuple(places), len(x.shape)))


def concat(xs: Sequence[Node]) -> Node:
    """Joined channels; the attribute is the number of axes of a sample."""
    return xs[0].graph.make("concat", *xs, attributes=(len(xs[0].shape),))


def reshape(x: Node, shape: Shape) -> Node:
    if x.shape == shape:
        return x
    return x.graph.make("reshape", x, attributes=(shape, len(x.shape)))


def spread(x: Node, tail: Shape) -> Node:
    return x.graph.make("spread", x, attributes=(tail,)) if tail else x


def sum_last(x: Node, axes: int) -> Node:
    return x.graph.make("sum", x, attributes=(axes,)) if axes else x


def spread_channels(x: Node, channels: int) -> Node:
    return x.graph.make("spread_channels", x, attributes=(channels,))


def sum_channels(x: Node) -> Node:
    return x.graph.make("sum_channels", x)


define(
    "linear",
    lambda w, x: np.einsum("oi,...i->...o", w, x),
    shape=lambda w, x: w[:1],
    derivative=lambda d, y, w, x: (d.graph.make("outer", d, x), d.graph.make("linear_back", w, d)),
    elements=lambda w, x: array_of(w.shape[:1], lambda o: sum_of(w[o] * x)),
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


def _log_sum_exp(x: Array) -> Any:
    most = x.max(axis=-1, keepdims=True)
    if not np.isfinite(most).all():  # asking takes a network less time than `where`
        most = np.where(np.isfinite(most), most, 0)
    return np.log(np.exp(x - most).sum(axis=-1)) + most[..., 0]


define(
    "log_sum_exp_all",
    _log_sum_exp,
    shape=lambda x: x[:-1],
    derivative=lambda d, y, x: (spread(d, x.shape[-1:]) * _shares(x, y),),
    elements=lambda x: array_of(
        x.shape[:-1], lambda *at: x.item(0).graph.make("log_sum_exp", *x[at])
    ),
)


def softmax(o: Node) -> Node:
    """The softmax over all values of a sample, or of a row."""
    return _shares(o, o.graph.make("log_sum_exp_all", o))


def _shares(x: Node, total: Node) -> Node:
    return x.graph.make("exp", x - spread(total, x.shape[-1:]))


# Windows -----------------------------------------------------------------------
#
# In a convolution, x is (channels, height, width), and the weights are (outputs, channels of one
# group, rows, columns); each group of outputs reads its own group of channels. A convolution pads
# with zeros, a pool ignores its padding; values that no window reaches are left out.


def view_windows(x: Array, window: Window, fill: float = 0.0) -> Array:
    """Views of x of shape (…, channels, out height, out width, rows, columns)."""
    sides = [window.edges(0), window.edges(1)]
    padded = np.pad(x, [(0, 0)] * (x.ndim - 2) + sides, constant_values=fill)
    every = sliding_window_view(padded, window.span, (-2, -1))
    (down, across), (tall, wide) = window.stride, window.dilation
    return every[..., ::down, ::across, ::tall, ::wide]


def _added_back(parts: Callable[[int, int], Any], shape: tuple[int, ...], window: Window) -> Array:
    """The reverse: at each place, the sum of `parts(i, j)` (…, out height, out width) over row i
    and column j of the windows that reach it; sums in the padding are dropped."""
    *before, height, width = shape
    (top, below), (left, right) = window.edges(0), window.edges(1)
    x = np.zeros((*before, top + height + below, left + width + right))
    (down, across), (tall, wide) = window.stride, window.dilation
    out_height, out_width = window.places((height, width))
    for i, j in product(range(window.size[0]), range(window.size[1])):
        first, begin = i * tall, j * wide
        into = x[
            ...,
            first : first + down * out_height : down,
            begin : begin + across * out_width : across,
        ]
        into += parts(i, j)
    return x[..., top : top + height, left : left + width]


def _grouped(x: Array, axis: int, groups: int) -> Array:
    """Split an axis in two: groups, and members of a group. `axis` counts from the end."""
    shape = x.shape
    return x.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[x.ndim + axis + 1 :])


def _merged(x: Array, axis: int) -> Array:
    """The reverse: this axis and the next one merged."""
    end = x.ndim + axis
    return x.reshape(*x.shape[:end], x.shape[end] * x.shape[end + 1], *x.shape[end + 2 :])


def _conv(w: Array, x: Array, window: Window, groups: int) -> Any:
    windows = _grouped(view_windows(x, window), -5, groups)
    return _merged(np.einsum("gocij,...gchwij->...gohw", _grouped(w, -4, groups), windows), -4)


def _conv_weights(d: Array, x: Array, window: Window, groups: int) -> Any:
    windows = _grouped(view_windows(x, window), -5, groups)
    return _merged(np.einsum("...gohw,...gchwij->...gocij", _grouped(d, -3, groups), windows), -5)


def _conv_back(w: Array, d: Array, area: Shape, window: Window, groups: int) -> Array:
    """Each output's gradient, distributed to the inputs of its window."""
    shape = (*d.shape[:-3], w.shape[1] * groups, *area)
    w, d = _grouped(w, -4, groups), _grouped(d, -3, groups)

    def part(i: int, j: int) -> Array:
        return _merged(np.einsum("goc,...gohw->...gchw", w[..., i, j], d), -4)

    return _added_back(part, shape, window)


def _conv_shape(w: Shape, x: Shape, window: Window, groups: int) -> Shape:
    return (w[0], *window.places(x[1:]))


def _conv_elements(w: Scalars, x: Scalars, window: Window, groups: int) -> Scalars:
    """Each output's sum over its window; places in the padding are left out."""

    def terms(o: int, *place: int) -> Iterator[Node]:
        first = o * groups // w.shape[0] * w.shape[1]
        for c in range(w.shape[1]):
            for tap, source in window.inside(place, x.shape[1:]):
                yield w[o, c, *tap] * x[first + c, *source]

    shape = _conv_shape(w.shape, x.shape, window, groups)
    return array_of(shape, lambda *at: sum_of(terms(*at)))


def _conv_back_derivative(d: Node, y: Node, w: Node, x: Node) -> tuple[Node, Node]:
    """The gradients of a transposed convolution, as which this op also serves."""
    _, *others = y.attributes
    return (
        d.graph.make("conv_weights", x, d, attributes=tuple(others)),
        d.graph.make("conv", w, d, attributes=tuple(others)),
    )


def _conv_back_elements(
    w: Scalars, d: Scalars, area: Shape, window: Window, groups: int
) -> Scalars:
    """Each value's sum over the windows that reach it; with gaps, none reaches some values."""
    made_by_group = w.shape[0] // groups
    zero: Node = w.item(0).graph.constant(0)

    def terms(channel: int, *place: int) -> Iterator[Node]:
        group, channel_in_group = divmod(channel, w.shape[1])
        for o in range(group * made_by_group, (group + 1) * made_by_group):
            for tap, source in window.over(place, area):
                yield w[o, channel_in_group, *tap] * d[o, *source]

    shape = (w.shape[1] * groups, *area)
    return array_of(shape, lambda *at: sum_of(summands) if (summands := [*terms(*at)]) else zero)


define(
    "conv",
    _conv,
    shape=_conv_shape,
    derivative=lambda d, y, w, x: (
        d.graph.make("conv_weights", d, x, attributes=y.attributes),
        d.graph.make("conv_back", w, d, attributes=(x.shape[1:], *y.attributes)),
    ),
    elements=_conv_elements,
)
define(
    "conv_back",
    _conv_back,
    shape=lambda w, d, area, window, groups: (w[1] * groups, *area),
    derivative=_conv_back_derivative,
    elements=_conv_back_elements,
)
define(
    "conv_weights",
    _conv_weights,
    shape=lambda d, x, window, groups: (d[0], x[0] // groups, *window.size),
)


def _pool_shape(x: Shape, window: Window, *others: object) -> Shape:
    return (x[0], *window.places(x[1:]))


def _maxpool(x: Array, window: Window) -> Array:
    return np.asarray(view_windows(x, window, -np.inf).max(axis=(-2, -1)))


def _maxpool_back(d: Array, x: Array, window: Window) -> Array:
    windows = view_windows(x, window, -np.inf)
    first = windows.reshape(*windows.shape[:-2], -1).argmax(axis=-1)

    def part(i: int, j: int) -> Any:
        return d * (first == i * window.size[1] + j)

    return _added_back(part, x.shape, window)


def _winners(x: Array, window: Window) -> Array:
    """1 at the first largest value of each window, 0 elsewhere."""
    return _maxpool_back(np.ones((*x.shape[:-2], *window.places(x.shape[-2:]))), x, window)


def _unpooled(d: Array, window: Window) -> Array:
    """Each value repeated at all places of its window."""
    return d.repeat(window.size[0], axis=-2).repeat(window.size[1], axis=-1)


def divisors(window: Window, area: Shape, counted: Sides = NOWHERE) -> Array:
    """The divisor of each window's sum: the number of values it reads, and of places of its padding
    that are counted."""
    along = [
        [
            len(window.inside_along(axis, place, length, (counted[axis], counted[axis + 2])))
            for place in range(places)
        ]
        for axis, (length, places) in enumerate(zip(area, window.places(area), strict=True))
    ]
    return np.outer(np.array(along[0], float), np.array(along[1], float))


def _avgpool(x: Array, window: Window, counted: Sides) -> Any:
    return view_windows(x, window).sum(axis=(-2, -1)) / divisors(window, x.shape[-2:], counted)


def _avgpool_back(d: Array, window: Window, counted: Sides, area: Shape) -> Array:
    share = d / divisors(window, area, counted)
    return _added_back(lambda i, j: share, (*d.shape[:-2], *area), window)


def _in_window(x: Scalars, place: Shape, window: Window) -> list[Node]:
    channel, *at = place
    return [x[channel, *source] for _, source in window.inside(at, x.shape[1:])]


def _largest(x: Scalars, window: Window) -> Scalars:
    def element(*place: int) -> Any:
        return x.item(0).graph.make("largest", *_in_window(x, place, window))

    return array_of(_pool_shape(x.shape, window), element)


def _average(x: Scalars, window: Window, counted: Sides) -> Scalars:
    counts = divisors(window, x.shape[1:], counted)

    def element(channel: int, *place: int) -> Node:
        return sum_of(_in_window(x, (channel, *place), window)) / float(counts[place])

    return array_of(_pool_shape(x.shape, window), element)


define(
    "maxpool",
    _maxpool,
    shape=_pool_shape,
    derivative=lambda d, y, x: (d.graph.make("maxpool_back", d, x, attributes=y.attributes),),
    elements=_largest,
)
define("maxpool_back", _maxpool_back, shape=lambda d, x, window: x)
define("winners", _winners, shape=lambda x, window: x)
define(
    "unpooled",
    _unpooled,
    shape=lambda x, window: (x[0], x[1] * window.size[0], x[2] * window.size[1]),
    derivative=lambda d, y, x: (d.graph.make("window_sums", d, attributes=y.attributes),),
    elements=lambda x, window: x.repeat(window.size[0], 1).repeat(window.size[1], 2),
)
define(
    "window_sums",  # of adjacent windows
    lambda x, window: view_windows(x, window).sum(axis=(-2, -1)),
    shape=_pool_shape,
    derivative=lambda d, y, x: (d.graph.make("unpooled", d, attributes=y.attributes),),
    expansion=lambda x, window: (
        x.graph.make("avgpool", x, attributes=(window, NOWHERE)) * window.area
    ),
    elements=lambda x, window: array_of(
        _pool_shape(x.shape, window),
        lambda channel, *place: sum_of(
            x[channel, *source] for _, source in window.inside(place, x.shape[1:])
        ),
    ),
)
define(
    "avgpool",
    _avgpool,
    shape=_pool_shape,
    derivative=lambda d, y, x: (
        d.graph.make("avgpool_back", d, attributes=(*y.attributes, x.shape[1:])),
    ),
    elements=_average,
)
define(
    "avgpool_back",
    _avgpool_back,
    shape=lambda d, window, counted, area: (d[0], *area),
)
