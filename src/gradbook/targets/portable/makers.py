"""A trained network as makers of rows.

Maps are laid out by rows, columns and channels. A maker makes its map row by row from the rows of
others, as soon as those that it reads are there, so that only a few rows are ever kept. What comes
right after a sum, a largest of its neighbours, a scale or an activation, is done by the maker of
the sum.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import TargetError
from gradbook.graph.levels import Bits, Levels
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Graph
from gradbook.graph.window import NOWHERE, Shape, Sides, Window
from gradbook.layers import Layer
from gradbook.layers.spectra import waves
from gradbook.net.trained import (
    BothClasses,
    ByFeature,
    ByStep,
    ScaleShift,
    Shares,
    TrainedLayer,
    TrainedNet,
    fold_norms,
    spread_over_values,
)
from gradbook.targets.portable.hearing import FrameHearing
from gradbook.targets.portable.rules import PieceOfRule, Rule, Sight, SumsOfPiece, pieces_of

# Makers ---------------------------------------------------------------------------

ONE = Window((1, 1))
LEAST_TURN = 4  # samples of a turn, of which each quarter has one


class Work(StrEnum):
    """What a maker does with a window of the rows that it reads."""

    GIVEN = "given"  # normalises what the network is given
    STEPWISE = "stepwise"  # the same of a sequence, which is given step by step
    SUMS = "sums"  # weighs
    TOTAL = "total"  # adds up
    LARGEST = "largest"
    BOTH = "both"  # adds two maps
    PRODUCT = "product"  # multiplies two, of which the second may be a single place
    SCATTERED = "scattered"  # weighs each value over a window of a larger map
    REPEATED = "repeated"  # each value so many times
    SAME = "same"  # value by value
    FLAT = "flat"  # lays all out in one line, channel by channel
    BESIDE = "beside"  # puts the channels of two maps side by side
    NORMED = "normed"  # centres and scales each group of channels by the whole map
    ALONE = "alone"  # the same of the channels of each place
    PLACED = "placed"  # scales and shifts each place by numbers of its own
    RULED = "ruled"  # what a rule says, made of a layer's own ops
    LATEST = "latest"  # the first channels of the latest row
    WAVES = "waves"  # tells a frame apart into cosines and sines, by a table of one turn
    HEARD = "heard"  # says in whole numbers how loud bands are, of what the network is given


NORMING = (Work.NORMED, Work.ALONE)
WEIGHING = (Work.SUMS, Work.SCATTERED)
GIVING = (Work.GIVEN, Work.STEPWISE)
OF_TWO = {"add": Work.BOTH, "multiply": Work.PRODUCT}  # what makes a value of two, by its op


@dataclass(frozen=True, eq=False)
class RowMaker:
    """Makes the rows of one map: a window's work, the largest of `pool` × `pool` neighbours,
    times `scale` plus `shift` channel by channel, and an activation."""

    work: Work
    reads: tuple[int, ...]  # the numbers of the makers whose rows it reads
    shape: tuple[int, int, int]  # rows, columns, channels
    window: Window = ONE
    counted_sides: Sides = NOWHERE  # what an average counts of its window's padding
    pool: int = 1
    group_channels: int = 0  # channels of a group that is normalised
    epsilon: float = 0
    first_channels: int = 0  # of the first map, where two stand side by side
    weights: Array | None = None  # (channels, rows, columns, channels read), or (scale and shift,
    # rows, columns, channels) where each place has its own
    levels: Levels | None = None  # the whole numbers of weights of few bits, laid out as these
    bits: Bits = Bits.ALL
    rule: Rule | None = None
    fed: RowMaker | None = None  # sums that are part of a rule, in whole numbers
    hearing: FrameHearing | None = None
    skipped: int = 0  # rows that it leaves out of the map that it reads, at the beginning
    scale: Array | None = None
    shift: Array | None = None
    activation: Layer | None = None  # what works on each value alone

    @property
    def groups(self) -> int:
        """How many groups of channels are normalised, each by itself."""
        return self.shape[2] // self.group_channels if self.group_channels else 0

    @property
    def scaled(self) -> int:
        """How many channels have a scale and a shift of their own."""
        return 0 if self.fed else self.shape[2]

    @property
    def enlarges(self) -> bool:
        """Whether its window lies on its own map, which is larger than what it reads."""
        return self.work in (Work.SCATTERED, Work.REPEATED)

    @property
    def tall(self) -> int:
        """How many rows are needed to make one."""
        if self.enlarges:
            return (self.window.span[0] - 1) // self.window.stride[0] + 1
        return (self.pool - 1) * self.window.stride[0] + self.window.span[0]

    @property
    def looks_back(self) -> bool:
        """Whether it reads the row that it made before."""
        return self.rule is not None and bool(self.rule.before)

    def first_row(self, row: int) -> int:
        """The first of the rows that are needed to make this one; before 0 lies the edge."""
        if self.enlarges:
            return (row + self.window.pad[0]) // self.window.stride[0] - self.tall + 1
        return row * self.pool * self.window.stride[0] - self.window.pad[0] + self.skipped

    @property
    def is_irregular(self) -> bool:
        """Whether its window has uneven strides, padding or gaps, or a pool's padding."""
        window = self.window
        padded_pool = any(window.pad) and self.work in (Work.TOTAL, Work.LARGEST)
        if self.work in (Work.RULED, Work.WAVES):
            return False
        if self.enlarges:
            return self.work is Work.SCATTERED
        return not window.is_plain or len({*window.pad}) > 1 or padded_pool


def row_makers(trained: TrainedNet, by_tables: bool = False) -> list[RowMaker]:
    """The makers in their order: the first normalises what is given, the last makes the outputs.
    Fourier transforms are sums like others, or `by_tables` where their frames can be halved.

    A softmax at the end is left out: it doesn't change which output is largest.
    """
    trained = fold_norms(trained)
    making = _Making(trained, [_given(trained)], [0], by_tables)
    for place, own in enumerate(trained.layers):
        if not isinstance(own.layer, ByStep):  # steps lie one after the other anyway
            making.add(place)
    return making.makers


def _given(trained: TrainedNet) -> RowMaker:
    """The maker of what is given: of a picture, if the first sums read all of a flat image."""
    if trained.net.laid_out:
        shape = planes(trained.net.shapes[0], is_stepwise(trained))
        scale, shift = _of_features(trained) or (None, None)
        return RowMaker(Work.STEPWISE, (), shape, scale=scale, shift=shift)
    readers = [trained.layers[place].layer for place in trained.readers(0)]
    flat = len(trained.input) == 1 and all(map(_takes_all, readers))
    shape = planes(
        trained.picture if flat and trained.picture else trained.input, is_stepwise(trained)
    )
    factors = (
        np.broadcast_to(x, trained.input[:1])
        for x in (trained.scaling.scale, trained.scaling.shift)
    )
    scale, shift = (x[:: len(x) // shape[2]] for x in factors)
    return RowMaker(Work.GIVEN, (), shape, scale=scale, shift=shift)


def _of_features(trained: TrainedNet) -> tuple[Array, Array] | None:
    """The scale and the shift of each feature of a sequence, if they are alike at every step."""
    scaling, given = trained.scaling, trained.input
    numbers = [spread_over_values(x, given) for x in (scaling.scale, scaling.shift)]
    every = [np.broadcast_to(x.reshape(len(x), -1), given) for x in numbers]
    if any((x != x[0]).any() for x in every):
        return None
    scale, shift = (x[0] for x in every)
    return scale, shift


def is_stepwise(trained: TrainedNet) -> bool:
    """Whether each step of a sequence is a row, so that only those steps are kept that are still
    read: where all maps are sequences or single places."""
    net = trained.net
    reads_steps = net.laid_out or any(layer.reads_sequences for layer in net.layers)
    return reads_steps and all(len(shape) == 1 or shape[1] == 1 for shape in net.shapes)


def planes(shape: Shape, stepwise: bool) -> tuple[int, int, int]:
    """Rows, columns and channels of a layer's values; the steps of a sequence may be its rows."""
    match shape:
        case (channels, rows, columns):
            return (columns, rows, channels) if stepwise else (rows, columns, channels)
        case (channels, columns):
            return 1, columns, channels
        case _:
            return 1, 1, shape[0]


@dataclass
class _Making:
    """Goes through the layers; `maker_of` has the number of the maker of each value."""

    trained: TrainedNet
    makers: list[RowMaker]
    maker_of: list[int]
    by_tables: bool
    stepwise: bool = field(init=False)

    def __post_init__(self) -> None:
        self.stepwise = is_stepwise(self.trained)

    def planes(self, shape: Shape) -> tuple[int, int, int]:
        return planes(shape, self.stepwise)

    def add(self, place: int) -> None:
        own = self.trained.layers[place]
        reads = tuple(self.maker_of[value] for value in own.reads)
        alone = own.layer.with_numbers(own.tensors)
        match own.layer:
            case Layer(passes_on=True):  # laid out flat: nothing else that does is left
                self.maker_of.append(self._flatten(place, reads))
                return
            case ByFeature():
                self._by_feature(own, reads)
            case Layer(sums=True, has_inner_values=False) if _reads_windows_or_all(own):
                self.makers.append(self._sums(own, reads))
            case Layer(sums=False) if _reads_windows_or_all(own):
                self._pool(place, reads)
            case ScaleShift():
                self._scale(place, reads)
            case Layer(is_softmax=True) | Shares() | BothClasses():
                self._require_last(place)
            case Layer() if own.layer.spreads(own.given) is not None:
                self._enlarge(own, reads)
            case Layer(normalises=True):
                self._normalise(own, reads)
            case Layer(puts_beside=True):
                self._beside(reads)
            case Layer(elementwise=True) if len(reads) == 1 and alone is not None:
                self._activate(place, reads, alone)
            case Layer(elementwise=True) if len(reads) == 2 and _of_two(own.layer) in OF_TWO:
                self._of_two(own, reads)
            case _:
                self._by_its_ops(own, reads)
        self.maker_of.append(len(self.makers) - 1)

    def _by_feature(self, own: TrainedLayer, reads: tuple[int, ...]) -> None:
        """Sequences lie there as they are given; if steps have scales of their own, these come
        now."""
        scaling, shape = self.trained.scaling, self.makers[reads[0]].shape
        if _of_features(self.trained):
            return
        numbers = [spread_over_values(x, own.given) for x in (scaling.scale, scaling.shift)]
        places = [np.broadcast_to(x.reshape(len(x), -1), own.given) for x in numbers]
        weights = np.stack(places).reshape(2, *shape)
        self.makers.append(RowMaker(Work.PLACED, reads, shape, weights=weights))

    def _taken_in(self, place: int, reads: tuple[int, ...]) -> RowMaker | None:
        """The maker of what is read, if nobody else reads it and it can do more in one go."""
        (value,) = self.trained.layers[place].reads
        number, last = reads[0], self.makers[reads[0]]
        shared = len(self.trained.readers(value)) > 1 or number != len(self.makers) - 1
        return None if shared or last.looks_back or last.work in (*GIVING, Work.FLAT) else last

    def _require_last(self, place: int) -> None:
        """Refuse what turns outputs into probabilities but at the end, where it is left out."""
        after = self.trained.layers[place + 1 :]
        if not all(isinstance(own.layer, ByStep) for own in after):
            words = self.trained.layers[place].layer.text
            raise TargetError(
                f"'{words}' isn't the last layer: it can be written in C only at the end of a "
                "network"
            )

    def _flatten(self, place: int, reads: tuple[int, ...]) -> int:
        """The maker that lays a map out in one line.

        Where dense layers alone read it, that is the maker of the map itself: they take it as it
        lies, through a window of its size.
        """
        rows, columns, _ = self.makers[reads[0]].shape
        readers = [self.trained.layers[k].layer for k in self.trained.readers(place + 1)]
        if rows * columns == 1 or all(map(_takes_all, readers)):
            return reads[0]
        shape = self.planes(self.trained.layers[place].makes)
        self.makers.append(RowMaker(Work.FLAT, reads, shape, window=Window((rows, columns))))
        return len(self.makers) - 1

    def _normalise(self, own: TrainedLayer, reads: tuple[int, ...]) -> None:
        """Add the maker of a normalisation: over the whole map, which each row reads from the first
        row on, or over the channels of each place."""
        rows, columns, channels = shape = self.makers[reads[0]].shape
        scale, shift = own.tensors["scale"], own.tensors["shift"]
        maker = replace(_normaliser(own, shape), reads=reads, epsilon=own.layer.epsilon)
        if scale.size > channels:
            by_place = np.stack([scale, shift]).reshape(2, channels, rows, columns)
            weights = by_place.transpose(0, 2, 3, 1)
            self.makers.append(maker)
            reads = (len(self.makers) - 1,)
            self.makers.append(RowMaker(Work.PLACED, reads, shape, weights=weights))
        else:
            self.makers.append(replace(maker, scale=scale, shift=shift))

    def _beside(self, reads: tuple[int, ...]) -> None:
        """Put maps side by side, two at a time."""
        first, *others = reads
        for other in others:
            *area, channels = self.makers[first].shape
            shape = (area[0], area[1], channels + self.makers[other].shape[2])
            self.makers.append(
                RowMaker(Work.BESIDE, (first, other), shape, first_channels=channels)
            )
            first = len(self.makers) - 1

    def _sums(self, own: TrainedLayer, reads: tuple[int, ...]) -> RowMaker:
        if own.layer.is_fourier and self.by_tables and self.stepwise and _is_halved(own):
            return self._waves(own, reads)
        rows, columns, channels = self.makers[reads[0]].shape
        weights, window = own.tensors["weight"], own.layer.window(own.given)
        if window is None:  # it reads all that there is
            shape, turned = (-1, channels, rows, columns), False
            window = Window((rows, columns))
        else:
            shape, turned = weights.shape, self.stepwise
            window = _turned(window) if turned else window

        def laid(numbers: NDArray[Any]) -> NDArray[Any]:
            apart = numbers.reshape(shape)
            return (apart.swapaxes(2, 3) if turned else apart).transpose(0, 2, 3, 1)

        return RowMaker(
            Work.SUMS,
            reads,
            self.planes(own.makes),
            window,
            weights=laid(weights),
            levels=None if own.levels is None else laid(own.levels),
            bits=own.layer.bits,
            shift=own.tensors.get("bias"),
        )

    def _waves(self, own: TrainedLayer, reads: tuple[int, ...]) -> RowMaker:
        window = own.layer.window(own.given)
        assert window is not None
        frame = window.size[1]
        turn = np.cos(2 * np.pi * np.arange(frame) / frame).reshape(frame, 1, 1, 1)
        shape = self.planes(own.makes)
        return RowMaker(Work.WAVES, reads, shape, _turned(window), weights=turn)

    def _enlarge(self, own: TrainedLayer, reads: tuple[int, ...]) -> None:
        """What makes a larger map: of weights, or of each value several times."""
        window = own.layer.spreads(own.given)
        assert window is not None
        shape, weights = self.planes(own.makes), own.tensors.get("weight")
        if weights is not None:
            weights = _by_what_is_made(weights, shape[2])
            weights = weights.swapaxes(1, 2) if self.stepwise else weights
        window = _turned(window) if self.stepwise else window
        work = Work.REPEATED if weights is None else Work.SCATTERED
        maker = RowMaker(work, reads, shape, window, weights=weights)
        self.makers.append(replace(maker, shift=own.tensors.get("bias")))

    def _of_two(self, own: TrainedLayer, reads: tuple[int, ...]) -> None:
        """With the larger map first: of the other there may be a single place."""
        shape = self.planes(own.makes)
        larger_first = sorted(reads, key=lambda read: self.makers[read].shape != shape)
        self.makers.append(RowMaker(OF_TWO[_of_two(own.layer)], tuple(larger_first), shape))

    def _by_its_ops(self, own: TrainedLayer, reads: tuple[int, ...]) -> None:
        """What the ops of a layer with values of its own make, piece by piece."""
        if len(reads) > 1:
            raise TargetError(f"{own.name} can't be written in C: use another layer")
        (read,) = reads
        columns = self.makers[read].shape[1]
        pieces, rows = pieces_of(own, self.stepwise), self.makers[read].shape[0]
        for piece in pieces:
            shape = (rows, columns, piece.channels)
            match piece:
                case SumsOfPiece(weights, shift):
                    maker = RowMaker(Work.SUMS, (read,), shape, weights=weights, shift=shift)
                case PieceOfRule(rule):
                    between_steps = rule.before or rule.sight is not Sight.OWN
                    if between_steps and not self.stepwise:
                        raise TargetError(f"{own.name} can't be written in C: use another layer")
                    window = {
                        Sight.OWN: ONE,
                        Sight.ALL: Window((rows, 1), stride=(0, 0)),
                        Sight.EARLIER: Window((rows, 1), pad=(rows - 1, 0, 0, 0)),
                    }[rule.sight]
                    maker = RowMaker(
                        Work.RULED, (read,), shape, window, weights=rule.weights, rule=rule
                    )
            self.makers.append(maker)
            read = len(self.makers) - 1
        shape = self.planes(own.makes)
        if shape != self.makers[read].shape:
            skipped = rows - shape[0]
            self.makers.append(RowMaker(Work.LATEST, (read,), shape, skipped=skipped))

    def _pool(self, place: int, reads: tuple[int, ...]) -> None:
        own = self.trained.layers[place]
        window, shape = own.layer.window(own.given), self.planes(own.makes)
        assert window is not None
        counted = own.layer.counted_padding(own.given)
        if self.stepwise:
            window, counted = _turned(window), _turned_sides(counted)
        last = self._taken_in(place, reads)
        together = window == Window((window.size[0],) * 2, (window.size[0],) * 2)
        if not own.layer.averages and together and last and _keeps_largest(last):
            self.makers[-1] = replace(last, shape=shape, pool=window.size[0])
            return
        maker = RowMaker(Work.LARGEST, reads, shape, window, counted)
        if own.layer.averages:
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

    def _activate(self, place: int, reads: tuple[int, ...], layer: Layer) -> None:
        last = self._taken_in(place, reads)
        if last is not None and last.activation is not None and layer.takes_in(last.activation):
            self.makers[-1] = replace(last, activation=layer)
        elif last is None or last.activation is not None:
            shape = self.makers[reads[0]].shape
            self.makers.append(RowMaker(Work.SAME, reads, shape, activation=layer))
        else:
            self.makers[-1] = replace(last, activation=layer)


def _reads_windows_or_all(own: TrainedLayer) -> bool:
    return own.layer.reads_all or own.layer.window(own.given) is not None


def _is_halved(own: TrainedLayer) -> bool:
    """Whether its frames can be halved again and again, down to single samples, and its weights
    are those that its card says."""
    weights = own.tensors["weight"]
    frame = weights.shape[-1]
    halved = frame >= LEAST_TURN and frame & (frame - 1) == 0
    return halved and np.allclose(weights.ravel(), waves(frame), atol=1e-6)


def _normaliser(own: TrainedLayer, shape: tuple[int, int, int]) -> RowMaker:
    """What centres and scales groups of channels over the whole map, or the channels of a place."""
    rows, columns, channels = shape
    groups = own.layer.channel_groups(own.given)
    if groups:
        window = Window((rows, columns), stride=(0, 0))
        return RowMaker(Work.NORMED, (), shape, window, group_channels=channels // groups)
    if own.layer.is_by_place(own.given):
        return RowMaker(Work.ALONE, (), shape)
    raise TargetError(
        f"{own.name} can't be written in C, which normalises groups of channels or the channels "
        "of each pixel: use another layer"
    )


def _turned(window: Window) -> Window:
    """The window along rows, of one along columns."""
    size, stride, dilation = (
        (across, down) for down, across in (window.size, window.stride, window.dilation)
    )
    return Window(size, stride, _turned_sides(window.pad), dilation)


def _turned_sides(sides: Sides) -> Sides:
    above, before, below, after = sides
    return before, above, after, below


def _takes_all(layer: Layer) -> bool:
    """Whether a layer weighs all that it is given, so that any order of that will do."""
    return layer.sums and layer.reads_all


def _of_two(layer: Layer) -> str:
    """The op that a layer makes of the two values that it reads, if it is one alone."""
    graph = Graph()
    given = [graph.leaf(Name("x", (number,))) for number in range(2)]
    made = layer.at_a_place(given)
    return made.op.name if made.inputs == tuple(given) else ""


def _by_what_is_made(weights: Array, channels: int) -> Array:
    """Weights that spread values, laid out as those of sums: by the channel that they make, rows
    and columns of the window, and the channels that this reads."""
    given, made = weights.shape[:2]
    groups = channels // made
    apart = weights.reshape(groups, given // groups, *weights.shape[1:])
    return apart.transpose(0, 2, 3, 4, 1).reshape(channels, *weights.shape[2:], -1)


def _keeps_largest(maker: RowMaker) -> bool:
    """Whether the largest of its results comes of the largest of its sums."""
    rising = maker.activation is None or maker.activation.rising
    plain = maker.pool == 1 and not maker.is_irregular
    return maker.work is Work.SUMS and plain and maker.scale is None and rising
