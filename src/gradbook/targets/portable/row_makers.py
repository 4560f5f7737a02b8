"""A trained network as makers of rows: what one image passes through, from its first row on.

Maps are laid out by rows, columns and channels. A maker makes its map row by row from the rows
of others, as soon as those that it reads are there, so that only a few rows are ever kept. What
comes right after a sum, a largest of its neighbours, a scale or an activation, is done by the
maker of the sum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from gradbook.errors import TargetError
from gradbook.graph.node import Array
from gradbook.graph.window import NOWHERE, Shape, Sides, Window
from gradbook.layers import (
    Activation,
    Concat,
    Conv,
    Dense,
    Flatten,
    LayerNorm,
    PlaceNorm,
    Pool,
    Residual,
    SampleNorm,
)
from gradbook.net.trained import BothClasses, ScaleShift, Shares, TrainedLayer, TrainedNet, folded

ONE = Window((1, 1))
RISING = (  # they keep which value is largest
    *("relu", "leaky relu", "relu6", "elu", "sigmoid", "tanh", "softplus"),
)


class Work(StrEnum):
    """What a maker does with a window of the rows that it reads."""

    GIVEN = "given"  # normalises what the network is given
    SUMS = "sums"  # weighs
    TOTAL = "total"  # adds up
    LARGEST = "largest"
    BOTH = "both"  # adds two maps
    SAME = "same"  # value by value
    FLAT = "flat"  # lays all out in one line, channel by channel
    BESIDE = "beside"  # puts the channels of two maps side by side
    NORMED = "normed"  # centres and scales each group of channels by the whole map
    ALONE = "alone"  # the same of the channels of each place
    PLACED = "placed"  # scales and shifts each place by numbers of its own


NORMING = (Work.NORMED, Work.ALONE)


@dataclass(frozen=True, eq=False)
class RowMaker:
    """Makes the rows of one map: a window's work, the largest of `pooled` × `pooled` neighbours,
    times `scale` plus `shift` channel by channel, and an activation."""

    work: Work
    reads: tuple[int, ...]  # the numbers of the makers whose rows it reads
    shape: tuple[int, int, int]  # rows, columns, channels
    window: Window = ONE
    counted: Sides = NOWHERE  # what an average counts of its window's padding
    pooled: int = 1
    each: int = 0  # channels of a group that is normalised
    epsilon: float = 0
    first_channels: int = 0  # of the first map, where two stand side by side
    weights: Array | None = None  # (channels, rows, columns, channels read), or (scale and shift,
    # rows, columns, channels) where each place has its own
    scale: Array | None = None
    shift: Array | None = None
    activation: Activation | None = None

    @property
    def groups(self) -> int:
        """Of channels that are each normalised by themselves."""
        return self.shape[2] // self.each if self.each else 0

    @property
    def tall(self) -> int:
        """How many rows one of its own takes."""
        return (self.pooled - 1) * self.window.stride[0] + self.window.span[0]

    def first_row(self, row: int) -> int:
        """The first of the rows that one of its own takes; before 0 lies the edge."""
        return row * self.pooled * self.window.stride[0] - self.window.pad[0]

    @property
    def goes_apart(self) -> bool:
        """Whether its window goes in any way but evenly over neighbours, within even edges."""
        window = self.window
        padded_pool = any(window.pad) and self.work in (Work.TOTAL, Work.LARGEST)
        return not window.is_plain or len({*window.pad}) > 1 or padded_pool


def row_makers(trained: TrainedNet) -> list[RowMaker]:
    """The makers in their order: the first normalises what is given, the last makes the outputs.

    A softmax at the end is left out: it doesn't change which output is largest.
    """
    trained = folded(trained)
    making = _Making(trained, [_given(trained)], [0])
    for place in range(len(trained.layers)):
        making.add(place)
    return making.makers


def _given(trained: TrainedNet) -> RowMaker:
    """An image that the network takes flat is taken as a picture by the sums that read it all."""
    readers = [trained.layers[place].layer for place in trained.readers(0)]
    flat = len(trained.input) == 1 and all(isinstance(layer, Dense) for layer in readers)
    shape = planes(trained.picture if flat and trained.picture else trained.input)
    factors = (
        np.broadcast_to(x, trained.input[:1])
        for x in (trained.scaling.scale, trained.scaling.shift)
    )
    scale, shift = (x[:: len(x) // shape[2]] for x in factors)
    return RowMaker(Work.GIVEN, (), shape, scale=scale, shift=shift)


def planes(shape: Shape) -> tuple[int, int, int]:
    """Rows, columns and channels of a layer's values."""
    match shape:
        case (channels, rows, columns):
            return rows, columns, channels
        case (channels, columns):
            return 1, columns, channels
        case _:
            return 1, 1, shape[0]


@dataclass
class _Making:
    """Goes through the layers; `made` has the number of the maker of each value."""

    trained: TrainedNet
    makers: list[RowMaker]
    made: list[int]

    def add(self, place: int) -> None:
        own = self.trained.layers[place]
        reads = tuple(self.made[value] for value in own.reads)
        match own.layer:
            case Flatten():
                self.made.append(self._flatten(place, reads))
                return
            case Dense() | Conv():
                self.makers.append(self._sums(own, reads))
            case Pool():
                self._pool(place, reads)
            case ScaleShift():
                self._scale(place, reads)
            case Activation(is_softmax=True) | Shares() | BothClasses():
                self._require_last(place)
            case Activation():
                self._activate(place, reads)
            case Residual():
                self.makers.append(RowMaker(Work.BOTH, reads, planes(own.makes)))
            case SampleNorm():
                self._normalise(own, own.layer, reads)
            case Concat():
                self._beside(reads)
            case _:
                raise TargetError(f"C has no words here for {own.name}: take another layer")
        self.made.append(len(self.makers) - 1)

    def _taken_in(self, place: int, reads: tuple[int, ...]) -> RowMaker | None:
        """The maker of what is read, if nobody else reads that as it is."""
        (value,) = self.trained.layers[place].reads
        number, last = reads[0], self.makers[reads[0]]
        shared = len(self.trained.readers(value)) > 1 or number != len(self.makers) - 1
        return None if shared or last.work in (Work.GIVEN, Work.FLAT) else last

    def _require_last(self, place: int) -> None:
        """What turns outputs into probabilities is left to whoever reads them."""
        if place + 1 < len(self.trained.layers):
            words = self.trained.layers[place].layer.text
            raise TargetError(
                f"'{words}' stands in the middle: C is written for networks that end with it"
            )

    def _flatten(self, place: int, reads: tuple[int, ...]) -> int:
        """The maker of the line: that of the map itself where dense layers alone read it, which
        take it as it lies, through a window of its size."""
        rows, columns, _ = self.makers[reads[0]].shape
        readers = [self.trained.layers[k].layer for k in self.trained.readers(place + 1)]
        if rows * columns == 1 or all(isinstance(layer, Dense) for layer in readers):
            return reads[0]
        shape = planes(self.trained.layers[place].makes)
        self.makers.append(RowMaker(Work.FLAT, reads, shape, window=Window((rows, columns))))
        return len(self.makers) - 1

    def _normalise(self, own: TrainedLayer, layer: SampleNorm, reads: tuple[int, ...]) -> None:
        """Each row is made of the whole map, which is read from its first row on every time; or
        place by place of its own."""
        rows, columns, channels = shape = self.makers[reads[0]].shape
        scale, shift = own.tensors["scale"], own.tensors["shift"]
        if isinstance(layer, PlaceNorm):
            maker = RowMaker(Work.ALONE, reads, shape, epsilon=layer.epsilon)
            self.makers.append(replace(maker, scale=scale, shift=shift))
            return
        window = Window((rows, columns), stride=(0, 0))
        each, epsilon = channels // layer.groups_in(own.given), layer.epsilon
        maker = RowMaker(Work.NORMED, reads, shape, window, each=each, epsilon=epsilon)
        if rows * columns > 1 and isinstance(layer, LayerNorm):
            by_place = np.stack([scale, shift]).reshape(2, channels, rows, columns)
            weights = by_place.transpose(0, 2, 3, 1)
            self.makers.append(maker)
            reads = (len(self.makers) - 1,)
            self.makers.append(RowMaker(Work.PLACED, reads, shape, weights=weights))
        else:
            self.makers.append(replace(maker, scale=scale, shift=shift))

    def _beside(self, reads: tuple[int, ...]) -> None:
        """Two maps at a time."""
        first, *others = reads
        for other in others:
            *area, channels = self.makers[first].shape
            shape = (area[0], area[1], channels + self.makers[other].shape[2])
            self.makers.append(
                RowMaker(Work.BESIDE, (first, other), shape, first_channels=channels)
            )
            first = len(self.makers) - 1

    def _sums(self, own: TrainedLayer, reads: tuple[int, ...]) -> RowMaker:
        rows, columns, channels = self.makers[reads[0]].shape
        weights, layer = own.tensors["weight"], own.layer
        maker = RowMaker(Work.SUMS, reads, planes(own.makes), shift=own.tensors.get("bias"))
        if isinstance(layer, Conv):
            maker = replace(maker, window=layer.window(own.given))
        else:
            weights = weights.reshape(-1, channels, rows, columns)
            maker = replace(maker, window=Window((rows, columns)))
        return replace(maker, weights=weights.transpose(0, 2, 3, 1))

    def _pool(self, place: int, reads: tuple[int, ...]) -> None:
        own = self.trained.layers[place]
        assert isinstance(own.layer, Pool)
        window, shape = own.layer.window(own.given), planes(own.makes)
        last = self._taken_in(place, reads)
        together = window == Window((window.size[0],) * 2, (window.size[0],) * 2)
        if own.layer.kind == "max" and together and last and _keeps_largest(last):
            self.makers[-1] = replace(last, shape=shape, pooled=window.size[0])
            return
        maker = RowMaker(Work.LARGEST, reads, shape, window, own.layer.counted(own.given))
        if own.layer.kind == "avg":
            share = np.full(shape[2], 1 / window.area)
            maker = replace(maker, work=Work.TOTAL, scale=share)
        self.makers.append(maker)

    def _scale(self, place: int, reads: tuple[int, ...]) -> None:
        tensors = self.trained.layers[place].tensors
        scale, shift = tensors["scale"], tensors["shift"]
        last = self._taken_in(place, reads)
        if last is None or last.activation is not None:
            shape = self.makers[reads[0]].shape
            self.makers.append(RowMaker(Work.SAME, reads, shape, scale=scale, shift=shift))
            return
        before = 1 if last.scale is None else last.scale
        added = 0 if last.shift is None else last.shift
        self.makers[-1] = replace(last, scale=before * scale, shift=added * scale + shift)

    def _activate(self, place: int, reads: tuple[int, ...]) -> None:
        layer = self.trained.layers[place].layer
        assert isinstance(layer, Activation)
        last = self._taken_in(place, reads)
        if last is None or last.activation is not None:
            shape = self.makers[reads[0]].shape
            self.makers.append(RowMaker(Work.SAME, reads, shape, activation=layer))
        else:
            self.makers[-1] = replace(last, activation=layer)


def _keeps_largest(maker: RowMaker) -> bool:
    """Whether the largest of its results comes of the largest of its sums."""
    bent = maker.activation
    rising = bent is None or (bent.kind in RISING and bent.slope >= 0)
    plain = maker.pooled == 1 and not maker.goes_apart
    return maker.work is Work.SUMS and plain and maker.scale is None and rising
