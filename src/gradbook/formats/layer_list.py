"""Gradbook's layers while they are built one by one, whatever the format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, prod, sqrt

import numpy as np

from gradbook.errors import ShapeError
from gradbook.formats.imported import AS_THEY_STAND, BRIGHTNESS, ImportedLayer, NoLayer, Preparation
from gradbook.formats.layouts import Padding
from gradbook.graph.node import Array
from gradbook.graph.tensors import divisors
from gradbook.graph.window import Both, Pad, Shape, Sides
from gradbook.layers.activations import Activation
from gradbook.layers.card import Layer, spell
from gradbook.layers.norms import BatchNorm
from gradbook.layers.pools import Pool
from gradbook.layers.sums import Conv
from gradbook.layers.wiring import Concat, Flatten, Product, Residual
from gradbook.schema import OneOrMore, WholeNumber

# Windows as formats describe them: sizes, padding, and frames around the value before.

LOW = -1e20  # added to zeros of padding that must never be the largest
MOST_PLACES = 2**16  # largest number of rows or columns of a window, step or padding
READ_BY_WINDOWS = "padding can be read only before a convolution or a pool"


@dataclass(frozen=True)
class RowsAndColumns:
    """A setting for rows and columns: one whole number for both, or one for each."""

    least: int = 1

    def read(self, value: object) -> Both:
        sizes = OneOrMore(WholeNumber(self.least, MOST_PLACES), 2).read(value)
        return sizes[0], sizes[-1]


@dataclass(frozen=True)
class Moves:
    """How a convolution's windows lie on a map, and its groups of channels."""

    stride: Both
    pad: Pad
    dilation: Both
    groups: int = 1


def average_by(conv: Conv, weight: Array, shape: Shape) -> Pool | None:
    """Return the average pool that a convolution with fixed weights equals, if there is one."""
    alone = conv.groups == conv.channels == shape[0]
    if not alone or not np.allclose(weight, 1 / weight[0].size, rtol=1e-6, atol=0):
        return None
    zeros = any(conv.window(shape).pad)
    return Pool("avg", conv.kernel, conv.stride, conv.pad, conv.dilation, zeros=zeros)


def pad_conv(conv: Conv, padding: Padding | None, shape: Shape) -> Conv:
    """Return the convolution with the padding of its input, of this shape, added to its own."""
    if padding is None:
        return conv
    if padding.value:
        raise NoLayer(
            f"its input is padded with {padding.value:g}: only padding with zeros can be read"
        )
    window_pad = conv.window((shape[0], *_padded_area(padding, shape))).pad
    return replace(conv, pad=_sum(padding.sides, window_pad))


def pad_pool(
    pool: Pool, padding: Padding | None, shape: Shape, before: Sequence[ImportedLayer]
) -> Pool:
    """Do the same for a pool; `before` are the layers so far, the last of which makes its input."""
    if padding is not None:
        pool = _taking_in(pool, padding, shape, before)
    if pool.size == shape[1:] and not any(pool.window(shape).pad):
        return Pool(pool.kind, None)
    return pool if pool.stride != pool.size else replace(pool, stride=None)


def _taking_in(pool: Pool, padding: Padding, shape: Shape, before: Sequence[ImportedLayer]) -> Pool:
    padded = (shape[0], *_padded_area(padding, shape))
    if any(pool.window(padded).pad) and not pool.ceil:
        raise NoLayer("it is padded twice")
    last = before[-1].layer if before else None
    positive = last is not None and last.lowest >= 0
    if pool.kind == "max" and padding.value != -inf and not (positive and padding.value == 0):
        raise NoLayer(
            "the padding may be larger than its values: pad the pool itself, or after ReLU"
        )
    if pool.kind == "avg" and padding.value:
        raise NoLayer(
            f"its input is padded with {padding.value:g}: only padding with zeros can be read"
        )
    with_padding = replace(pool, pad=padding.sides, zeros=pool.kind == "avg")
    if with_padding.output(shape) != pool.output(padded):
        raise NoLayer("its last window begins outside its input")
    return with_padding


def require_counted(places: Sequence[int], pool: Pool, shape: Shape) -> None:
    """Refuse a pool whose last window ends where gradbook's can't."""
    if tuple(places) != pool.output(shape)[1:]:
        raise NoLayer(
            f"its last window begins outside its input: it makes {spell(tuple(places))}, "
            f"but only {spell(pool.output(shape)[1:])} can be read"
        )


def places_up(pool: Pool, shape: Shape) -> list[int]:
    """Count the places as ONNX does if a last window may end beyond the input."""
    window = replace(pool, ceil=False).window(shape)
    free = (
        length + sum(window.edges(axis)) - window.span[axis]
        for axis, length in enumerate(shape[1:])
    )
    return [-(-room // step) + 1 for room, step in zip(free, window.stride, strict=True)]


def lower_padding(padding: Padding, frame: Array, shape: Shape) -> Padding:
    """Return the padding with −∞: a frame of very low numbers was added to its zeros."""
    top, left, below, right = padding.sides
    rows, columns = _padded_area(padding, shape)
    outside = np.ones((rows, columns), bool)
    outside[top : rows - below, left : columns - right] = False
    if frame.shape != outside.shape or frame[~outside].any() or (frame[outside] > LOW).any():
        raise NoLayer("it adds different numbers to the pixels of a channel")
    return replace(padding, value=-inf)


def leave_out_zeros(layer: Layer, scale: Array, shape: Shape) -> Layer:
    """Return the average pool that leaves out padding, since the scale corrects for its zeros."""
    window = layer.window(shape)
    if window is None or not layer.zeros:
        raise NoLayer("it scales the pixels of a channel differently")
    wanted = window.area / divisors(window, shape[1:])
    if wanted.shape != scale.shape or not np.allclose(scale, wanted, rtol=1e-6):
        raise NoLayer("it scales the pixels of a channel differently")
    return replace(layer, zeros=False)  # type: ignore[type-var]


def join_paddings(padding: Padding | None, further: Padding) -> Padding:
    if padding is None:
        return further
    if padding.value != further.value:
        raise NoLayer("it is padded twice, with different values")
    return replace(further, sides=_sum(padding.sides, further.sides))


def _padded_area(padding: Padding, shape: Shape) -> Both:
    top, left, below, right = padding.sides
    return shape[1] + top + below, shape[2] + left + right


def _sum(sides: Sides, other: Sides) -> Sides:
    top, left, below, right = (a + b for a, b in zip(sides, other, strict=True))
    return top, left, below, right


# Layers one by one.

BYTES = "its input is assumed to be bytes from 0 to 255, since it scales them down"
LEAST_SCALE = 1 / 32  # an input scale below it is for bytes: 1/255, or 1/(255·0.3)


def by_channel(constant: Array, size: Shape) -> Array:
    """Return one number per channel from constants that broadcast."""
    if constant.size == 1:
        return np.full(size[0], constant.item())
    wanted = (size[0], *(1,) * (len(size) - 1))
    if constant.shape not in (wanted, (1, *wanted)):
        raise NoLayer(
            f"constants of {spell(constant.shape)} don't match the channels: one for each "
            "channel is expected"
        )
    return constant.reshape(-1)


@dataclass
class LayerList:
    """The layers so far and the size of each value; values are named by their numbers."""

    sizes: list[Shape]
    layers: list[ImportedLayer] = field(default_factory=list)
    scaling: tuple[Array, Array] | None = None  # the input's factor and offset
    prepares: bool = True  # whether a scale before the first layer prepares images
    filling: Array | None = None  # what replaces missing input numbers
    scales: set[int] = field(default_factory=set)  # values made by a scale

    def add(
        self, layer: Layer, value: int, place: str, tensors: Mapping[str, Array] | None = None
    ) -> int:
        """Add a layer that reads a value; return the number of its result."""
        size = layer.output(self.sizes[value])
        self.layers.append(ImportedLayer(layer, (value,), tensors or {}, place))
        self.sizes.append(size)
        return len(self.layers)

    def convolve(
        self, layer: Conv, value: int, place: str, *tensors: Array, fixed: bool = False
    ) -> int:
        """Add a convolution with its weights, fixed or not, and its bias if it has one."""
        if fixed and len(tensors) == 1:
            average = average_by(layer, tensors[0], self.sizes[value])
            if average is not None:
                return self.add(average, value, place)
        return self.add(layer, value, place, dict(zip(("weight", "bias"), tensors, strict=False)))

    def note(self, before: Sequence[ImportedLayer], stored: Sequence[str]) -> None:
        """Record the file's names of the weights of layers that are new or were changed."""
        for index, layer in enumerate(self.layers):
            changed = index >= len(before) or layer is not before[index]
            if changed and layer.tensors and stored:
                names = tuple(dict.fromkeys((*layer.stored, *stored)))
                self.layers[index] = replace(layer, stored=names)

    def flat(self, value: int, place: str) -> int:
        return value if len(self.sizes[value]) == 1 else self.add(Flatten(), value, place)

    def sum(self, first: int, second: int, place: str) -> int:
        if self.sizes[first] != self.sizes[second]:
            raise NoLayer("only two values of the same shape can be added")
        if first == second:
            return self.scale(first, np.array([2.0]), np.array([0.0]), place, alone=False)
        reads = (max(first, second), min(first, second))
        self.layers.append(ImportedLayer(Residual(1), reads, {}, place))
        self.sizes.append(self.sizes[first])
        return len(self.layers)

    def product(self, first: int, second: int, place: str) -> int:
        """Multiply two values of one shape, or maps by one value per channel."""
        if first == second:
            second = self.add(Activation("identity"), first, place)
        reads = (max(first, second), min(first, second))
        size = Product(1).output(*(self.sizes[value] for value in reads))
        self.layers.append(ImportedLayer(Product(1), reads, {}, place))
        self.sizes.append(size)
        return len(self.layers)

    def side_by_side(self, values: Sequence[int], place: str) -> int:
        """Concatenate the channels of several values; a single value stays as it is."""
        if len(values) == 1:
            return values[0]
        try:
            size = Concat((1,)).output(*(self.sizes[number] for number in values))
        except ShapeError:
            sizes = " and ".join(spell(self.sizes[number]) for number in values)
            raise NoLayer(f"it concatenates {sizes}: the sizes must be equal") from None
        self.layers.append(ImportedLayer(Concat((1,)), tuple(values), {}, place))
        self.sizes.append(size)
        return len(self.layers)

    def scale(self, value: int, scale: Array, shift: Array, place: str, alone: bool) -> int:
        """Scale and shift each channel; before the first layer, this prepares images.

        `alone` means that nothing else reads the value that is scaled.
        """
        channels = self.sizes[value][0]
        if not {scale.size, shift.size} <= {1, channels}:
            raise NoLayer(
                f"it scales {channels} channels by {max(scale.size, shift.size)} numbers: the "
                "counts must be equal"
            )
        scale, shift = np.broadcast_to(scale, channels), np.broadcast_to(shift, channels)
        if alone and self.prepares and self._prepares(value, scale, shift):
            return value
        if alone and value == len(self.layers) and value in self.scales:
            return self._scaled_again(scale, shift)
        layer, ones = BatchNorm(), np.ones(channels)
        tensors = {"scale": scale * sqrt(1 + layer.epsilon), "shift": shift.copy()}
        number = self.add(layer, value, place, tensors | {"mean": 0 * ones, "variance": ones})
        self.scales.add(number)
        return number

    def fill_in(self, value: int, filling: Array) -> int:
        """Replace missing numbers by one number for each column of a row, before all else."""
        if value or self.layers or self.scaling is not None or len(self.sizes[0]) != 1:
            raise NoLayer(
                "missing numbers can be replaced only in the columns of a table, before any "
                "other layer"
            )
        self.filling = np.broadcast_to(filling.ravel(), self.sizes[0])
        if not np.isfinite(self.filling).all():
            raise NoLayer("the value that replaces missing numbers is infinite or not a number")
        return value

    def scale_of(self, number: int) -> tuple[Array, Array]:
        """Return the factor and the shift of the scale that made a value."""
        layer = self.layers[number - 1]
        by = layer.tensors["scale"] / sqrt(1 + BatchNorm().epsilon)
        return by, layer.tensors["shift"]

    def _scaled_again(self, scale: Array, shift: Array) -> int:
        """Merge another scale and shift into the last layer, itself a scale."""
        last = self.layers[-1]
        before, plus = last.tensors["scale"], last.tensors["shift"]
        affine = {"scale": before * scale, "shift": plus * scale + shift}
        self.layers[-1] = replace(last, tensors={**last.tensors, **affine})
        return len(self.layers)

    def add_bias(self, value: int, bias: Array) -> int:
        """Add a bias to the layer of sums that makes this value."""
        layer = self.layers[value - 1]
        weight = layer.tensors["weight"]
        biases = np.broadcast_to(bias.ravel(), weight.shape[:1]).copy()
        self.layers[value - 1] = replace(layer, tensors={"weight": weight, "bias": biases})
        return value

    def _prepares(self, value: int, scale: Array, shift: Array) -> bool:
        """Record a scale of the images themselves, equal for all values of a channel."""
        if value != len(self.layers) or not all(x.layer.passes_on for x in self.layers):
            return False
        first = self.sizes[0]
        channels = 1 if len(first) == 2 else first[0]
        if len(first) == 1 or (len(first) == 3 and value == 0):
            maps = np.stack([scale, shift])[:, :, None]
        else:
            maps = np.stack([scale, shift]).reshape(2, channels, prod(first) // channels)
        if (maps != maps[:, :, :1]).any() or not np.isfinite(maps).all() or (scale <= 0).any():
            return False
        by, plus = maps[:, :, 0]
        before = self.scaling or (np.ones(channels), np.zeros(channels))
        self.scaling = (before[0] * by, before[1] * by + plus)
        return True

    @property
    def takes_bytes(self) -> bool:
        """Whether the input is scaled down so far that it must be bytes."""
        if self.scaling is None or len(self.sizes[0]) == 1:
            return False
        return bool(abs(self.scaling[0]).max() < LEAST_SCALE)

    def preparation(self, is_bytes: bool) -> Preparation | None:
        """Return the preparation of brightness from 0 to 1, or of plain numbers in a row."""
        if self.scaling is None and not is_bytes:
            return None
        first = self.sizes[0]
        channels = first[0] if len(first) in (1, 3) else 1
        by, shift = self.scaling or (np.ones(channels), np.zeros(channels))
        scale = by * (BRIGHTNESS if is_bytes else 1)
        means = 0 - shift / scale  # never −0
        most = AS_THEY_STAND if len(first) == 1 and not is_bytes else BRIGHTNESS
        return Preparation(tuple(means.tolist()), tuple((1 / scale).tolist()), most)
