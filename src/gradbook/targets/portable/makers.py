"""A trained network as makers of rows.

Maps are laid out by rows, columns and channels. A maker makes its map row by row from the rows of
others, as soon as these exist, so that only a few rows are kept at a time. A maximum of
neighbouring sums, a scale or an activation right after a sum is computed by the sum's maker.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import TargetError
from gradbook.graph.levels import Bits, Levels
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Graph
from gradbook.graph.window import NOWHERE, Shape, Sides, Window
from gradbook.layers import Layer, Pick
from gradbook.layers.card import spell
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
from gradbook.targets.portable.rules import ChannelSums, Rule, Sight, pieces_of

# Makers ---------------------------------------------------------------------------

ONE = Window((1, 1))
LEAST_TURN = 4  # samples in the shortest turn with one in each quarter


class Work(StrEnum):
    """What a maker computes from a window of the rows that it reads."""

    GIVEN = "given"  # normalises the input
    STEPWISE = "stepwise"  # the same for a sequence, which is given step by step
    SUMS = "sums"  # weighted sums
    TOTAL = "total"  # plain sums
    LARGEST = "largest"
    BOTH = "both"  # adds two maps
    PRODUCT = "product"  # multiplies two maps, the second of which may have a single place
    SCATTERED = "scattered"  # adds each value, weighted, to a window of a larger map
    REPEATED = "repeated"  # repeats each value
    SAME = "same"  # value by value
    FLAT = "flat"  # flattens a map, channel by channel
    BESIDE = "beside"  # concatenates the channels of two maps
    NORMED = "normed"  # centres and scales each group of channels over the whole map
    ALONE = "alone"  # the same for the channels of each place
    PLACED = "placed"  # scales and shifts each place by its own numbers
    RULED = "ruled"  # applies a rule, made of a layer's own ops
    LATEST = "latest"  # the first channels of the latest row
    WAVES = "waves"  # transforms a frame into cosines and sines, with a table of one turn
    HEARD = "heard"  # computes bands' loudness from the input, in integers


OTHER_PLACES = (
    "{name} can't be written in C, which makes rows one after the other: '{what}' puts places in "
    "another order"
)
TWO_AXES = (
    "'input {shape}' can't be written in C if no layer reads its steps: write it as "
    "'input {size}', or as an image 'input 1x{shape}'"
)
NORMING = (Work.NORMED, Work.ALONE)
WEIGHING = (Work.SUMS, Work.SCATTERED)
GIVING = (Work.GIVEN, Work.STEPWISE)
OF_TWO = {"add": Work.BOTH, "multiply": Work.PRODUCT}  # works with two inputs, by their op


@dataclass(frozen=True, eq=False)
class RowMaker:
    """Makes the rows of one map: it applies a window, takes the largest of `pool` × `pool`
    neighbours, scales and shifts each channel, and applies an activation."""

    work: Work
    reads: tuple[int, ...]  # the numbers of the makers whose rows it reads
    shape: tuple[int, int, int]  # rows, columns, channels
    window: Window = ONE
    counted_sides: Sides = NOWHERE  # the part of a window's padding that an average counts
    pool: int = 1
    group_channels: int = 0  # channels of a normalised group
    epsilon: float = 0
    first_channels: int = 0  # channels of the first of two concatenated maps
    weights: Array | None = None  # (channels, rows, columns, inputs), or (scale and shift,
    # rows, columns, channels) if each place has its own
    levels: Levels | None = None  # the integers of weights of few bits, in the same order
    bits: Bits = Bits.ALL
    rule: Rule | None = None
    fed: RowMaker | None = None  # sums that are part of a rule, with --int8
    hearing: FrameHearing | None = None
    skipped: int = 0  # rows at the beginning of its input that it leaves out
    scale: Array | None = None
    shift: Array | None = None
    activation: Layer | None = None  # elementwise

    @property
    def groups(self) -> int:
        """The number of normalised groups of channels."""
        return self.shape[2] // self.group_channels if self.group_channels else 0

    @property
    def scaled(self) -> int:
        """The number of channels with their own scale and shift."""
        return 0 if self.fed else self.shape[2]

    @property
    def enlarges(self) -> bool:
        """Whether its window is on its own map, which is larger than its input."""
        return self.work in (Work.SCATTERED, Work.REPEATED)

    @property
    def tall(self) -> int:
        """The number of rows from which one row is made."""
        if self.enlarges:
            return (self.window.span[0] - 1) // self.window.stride[0] + 1
        return (self.pool - 1) * self.window.stride[0] + self.window.span[0]

    @property
    def looks_back(self) -> bool:
        """Whether it reads its own previous row."""
        return self.rule is not None and bool(self.rule.before)

    def first_row(self, row: int) -> int:
        """The first row from which this one is made; negative rows are the edge."""
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
    """List the makers in order: the first normalises the input, the last makes the outputs. Fourier
    transforms are sums, or `by_tables` if their frames can be halved.

    A softmax at the end is left out: it doesn't change which output is largest.
    """
    trained = fold_norms(trained)
    making = _Making(trained, by_tables)
    for place, layer in enumerate(trained.layers):
        if not isinstance(layer.layer, ByStep):  # steps follow one another anyway
            making.add(place)
    return making.makers


class _Making:
    """Converts the layers; `maker_of` lists the number of each value's maker.

    If all maps are sequences or single places, each step of a sequence is a row, so that only steps
    that are still needed are kept.
    """

    def __init__(self, trained: TrainedNet, by_tables: bool) -> None:
        net = trained.net
        reads_steps = net.laid_out or any(layer.reads_sequences for layer in net.layers)
        steps_alone = all(len(shape) == 1 or shape[1] == 1 for shape in net.shapes)
        self.trained, self.by_tables = trained, by_tables
        self.stepwise = reads_steps and steps_alone
        self.makers: list[RowMaker] = []
        self.maker_of = [self._make_input()]

    def planes(self, shape: Shape) -> tuple[int, int, int]:
        """The rows, columns and channels of a layer's values."""
        match shape:
            case (channels, rows, columns):
                return (columns, rows, channels) if self.stepwise else (rows, columns, channels)
            case (channels, columns):
                return 1, columns, channels
            case _:
                return 1, 1, shape[0]

    def _make(
        self,
        work: Work,
        reads: tuple[int, ...],
        shape: tuple[int, int, int],
        window: Window = ONE,
        **fields: Any,
    ) -> int:
        """Add a maker and return its number."""
        self.makers.append(RowMaker(work, reads, shape, window, **fields))
        return len(self.makers) - 1

    def _make_input(self) -> int:
        """Add the maker of the input: a picture's, if the first sums read all of a flat image."""
        trained, inputs = self.trained, self.trained.input
        if trained.net.laid_out:
            scale, shift = self._of_steps()
            alike = not self._differs_by_step()
            factors = {"scale": scale[0], "shift": shift[0]} if alike else {}
            return self._make(Work.STEPWISE, (), self.planes(trained.net.shapes[0]), **factors)
        if len(inputs) == 2 and trained.scaling.scale.size > inputs[0]:
            raise TargetError(TWO_AXES.format(shape=spell(inputs), size=prod(inputs)))
        readers = [trained.layers[place] for place in trained.readers(0)]
        flat = len(inputs) == 1 and all(map(_takes_all, readers))
        shape = self.planes(trained.picture if flat and trained.picture else inputs)
        scalings = (trained.scaling.scale, trained.scaling.shift)
        if len(inputs) == 3 and scalings[0].size == prod(inputs) > inputs[0]:  # one for each place
            placed = np.stack([x.reshape(inputs).transpose(1, 2, 0) for x in scalings])
            number = self._make(Work.GIVEN, (), self.planes(inputs))
            weights = placed.reshape(2, *self.planes(inputs))
            return self._make(Work.PLACED, (number,), self.planes(inputs), weights=weights)
        scale, shift = (np.broadcast_to(x, inputs[:1]) for x in scalings)
        each = len(scale) // shape[2]
        return self._make(Work.GIVEN, (), shape, scale=scale[::each], shift=shift[::each])

    def _of_steps(self) -> list[Array]:
        """The scales and shifts of each feature of a sequence at every step."""
        scaling, shape = self.trained.scaling, self.trained.input
        numbers = [spread_over_values(x, shape) for x in (scaling.scale, scaling.shift)]
        return [np.broadcast_to(x.reshape(len(x), -1), shape) for x in numbers]

    def _differs_by_step(self) -> bool:
        return any((x != x[0]).any() for x in self._of_steps())

    def add(self, place: int) -> None:
        layer = self.trained.layers[place]
        reads = tuple(self.maker_of[value] for value in layer.reads)
        elementwise = layer.layer.with_numbers(layer.tensors)
        reads_places = layer.layer.reads_all or layer.layer.window(layer.input) is not None
        match layer.layer:
            case Layer(passes_on=True) | Layer(moves_places=True):
                self.maker_of.append(self._moved(place, reads[0]))
                return
            case ByFeature():
                self._by_feature(reads)
            case Layer() if layer.is_plain_sum and reads_places:
                self._sums(layer, reads)
            case Layer(sums=False) if reads_places:
                self._pool(place, reads)
            case ScaleShift():
                self._scale(place, reads)
            case Layer(is_softmax=True) | Shares() | BothClasses():
                self._require_last(place)
            case Layer() if layer.layer.spreads(layer.input) is not None:
                self._enlarge(layer, reads)
            case Layer(normalises=True):
                self._normalise(layer, reads)
            case Layer(puts_beside=True):
                self._beside(reads)
            case Layer(elementwise=True) if len(reads) == 1 and elementwise is not None:
                self._activate(place, reads, elementwise)
            case Layer(elementwise=True) if len(reads) == 2 and _of_two(layer.layer) in OF_TWO:
                shape = self.planes(layer.output)  # the smaller map may have a single place
                larger_first = sorted(reads, key=lambda read: self.makers[read].shape != shape)
                self._make(OF_TWO[_of_two(layer.layer)], tuple(larger_first), shape)
            case _:
                self._by_its_ops(layer, reads)
        self.maker_of.append(len(self.makers) - 1)

    def _by_feature(self, reads: tuple[int, ...]) -> None:
        """The layout stays as it is; scales that differ by step are applied here."""
        if self._differs_by_step():
            shape = self.makers[reads[0]].shape
            weights = np.stack(self._of_steps()).reshape(2, *shape)
            self._make(Work.PLACED, reads, shape, weights=weights)

    def _taken_in(self, place: int, reads: tuple[int, ...]) -> RowMaker | None:
        """Return the maker of its input, if nothing else reads it and it can also do this work."""
        (value,) = self.trained.layers[place].reads
        number, last = reads[0], self.makers[reads[0]]
        shared = len(self.trained.readers(value)) > 1 or number != len(self.makers) - 1
        return None if shared or last.looks_back or last.work in (*GIVING, Work.FLAT) else last

    def _require_last(self, place: int) -> None:
        """Refuse a layer that makes probabilities unless it is the last, where it is left out."""
        part, after = self.trained.layers[place], self.trained.layers[place + 1 :]
        if part.layer.is_softmax and part.input[0] == 1:
            raise TargetError(
                f"'{part.layer.text}' of a single output never changes: write 'sigmoid' instead"
            )
        if not all(isinstance(later.layer, ByStep) for later in after):
            raise TargetError(
                f"'{part.layer.text}' isn't the last layer: it can be written in C only at the end "
                "of a network"
            )

    def _moved(self, place: int, read: int) -> int:
        """Return the number of the maker of a map whose values are in other places."""
        trained = self.trained.layers[place]
        match trained.layer:
            case Pick() as layer:
                return self._picked(layer, trained.name, read)
            case Layer(passes_on=True):
                return self._flatten(place, (read,))
            case Layer() as layer if layer.taken_place((0, 0, 0)) is None:  # the order stays
                if self.planes(trained.output) == self.makers[read].shape:
                    return read
        raise TargetError(OTHER_PLACES.format(name=trained.name, what=trained.layer.form().words))

    def _flatten(self, place: int, reads: tuple[int, ...]) -> int:
        """Return the number of the maker of the flattened map.

        If only dense layers read it, that is the map's own maker: they read it in its layout,
        through a window of its size.
        """
        rows, columns, _ = self.makers[reads[0]].shape
        readers = [self.trained.layers[k] for k in self.trained.readers(place + 1)]
        if rows * columns == 1 or all(map(_takes_all, readers)):
            return reads[0]
        shape = self.planes(self.trained.layers[place].output)
        return self._make(Work.FLAT, reads, shape, Window((rows, columns)))

    def _normalise(self, layer: TrainedLayer, reads: tuple[int, ...]) -> None:
        """Centre and scale groups of channels over the whole map, all of which each row reads, or
        the channels of each place."""
        rows, columns, channels = shape = self.makers[reads[0]].shape
        scale, shift = layer.tensors["scale"], layer.tensors["shift"]
        fields: dict[str, Any] = {"epsilon": layer.layer.epsilon}
        by_place, groups = scale.size > channels, layer.layer.channel_groups(layer.input)
        if not by_place:
            fields |= {"scale": scale, "shift": shift}
        if groups:
            window = Window((rows, columns), stride=(0, 0))
            fields["group_channels"] = channels // groups
            number = self._make(Work.NORMED, reads, shape, window, **fields)
        elif layer.layer.is_by_place(layer.input):
            number = self._make(Work.ALONE, reads, shape, **fields)
        else:
            raise TargetError(
                f"{layer.name} can't be written in C, which normalises groups of channels or the "
                "channels of each pixel: use another layer"
            )
        if by_place:
            factors = np.stack([scale, shift]).reshape(2, channels, rows, columns)
            self._make(Work.PLACED, (number,), shape, weights=factors.transpose(0, 2, 3, 1))

    def _picked(self, pick: Pick, name: str, read: int) -> int:
        """Take some channels, rows or columns, by sums whose weights are 0 and 1."""
        source_shape = self.makers[read].shape
        sources = [place - 1 for place in pick.places]
        if pick.along == "channels":
            chosen = (np.array(sources)[:, None] == np.arange(source_shape[2])).astype(float)
            shape = (*source_shape[:2], len(sources))
            return self._make(Work.SUMS, (read,), shape, weights=chosen[:, None, None, :])
        axis = int((pick.along == "rows") == self.stepwise)  # of rows and columns
        inner = [place for place in sources if place >= 0]
        before = next(k for k, place in enumerate(sources) if place >= 0)
        after = len(sources) - before - len(inner)
        if sources != [-1] * before + [*range(inner[0], inner[0] + len(inner))] + [-1] * after:
            raise TargetError(OTHER_PLACES.format(name=name, what=pick.text))
        read = self._run(read, axis, source_shape[axis] - len(inner) + 1, inner[0], (0, 0))
        return self._run(read, axis, 1, 0, (before, after))

    def _run(self, read: int, axis: int, size: int, first: int, pad: tuple[int, int]) -> int:
        """Take the place `first` of each window along an axis, in each channel by itself."""
        if size == 1 and pad == (0, 0):
            return read
        shape = [*self.makers[read].shape]
        shape[axis] += sum(pad) - size + 1
        along = (size, 1) if axis == 0 else (1, size)
        sides = (pad[0], 0, pad[1], 0) if axis == 0 else (0, pad[0], 0, pad[1])
        weights = np.zeros((shape[2], *along, 1))
        weights[:, first if axis == 0 else 0, 0 if axis == 0 else first] = 1
        rows, columns, channels = shape
        window = Window(along, pad=sides)
        return self._make(Work.SUMS, (read,), (rows, columns, channels), window, weights=weights)

    def _beside(self, reads: tuple[int, ...]) -> None:
        """Concatenate maps, two at a time."""
        first, *rest = reads
        for second in rest:
            rows, columns, channels = self.makers[first].shape
            shape = (rows, columns, channels + self.makers[second].shape[2])
            first = self._make(Work.BESIDE, (first, second), shape, first_channels=channels)

    def _sums(self, layer: TrainedLayer, reads: tuple[int, ...]) -> None:
        rows, columns, channels = self.makers[reads[0]].shape
        weights, window = layer.tensors["weight"], layer.layer.window(layer.input)
        if layer.layer.is_fourier and self.by_tables and self.stepwise:
            frame = weights.shape[-1]
            halved = frame >= LEAST_TURN and frame & (frame - 1) == 0  # as far as single samples
            if halved and window and np.allclose(weights.ravel(), waves(frame), atol=1e-6):
                turn = np.cos(2 * np.pi * np.arange(frame) / frame).reshape(frame, 1, 1, 1)
                shape = self.planes(layer.output)
                self._make(Work.WAVES, reads, shape, _turned(window), weights=turn)
                return
        if window is None:  # it reads everything
            laid_out, turned = (-1, channels, rows, columns), False
            window = Window((rows, columns))
        else:
            laid_out, turned = weights.shape, self.stepwise
            window = _turned(window) if turned else window

        def laid(numbers: NDArray[Any]) -> NDArray[Any]:
            apart = numbers.reshape(laid_out)
            return (apart.swapaxes(2, 3) if turned else apart).transpose(0, 2, 3, 1)

        self._make(
            Work.SUMS,
            reads,
            self.planes(layer.output),
            window,
            weights=laid(weights),
            levels=None if layer.levels is None else laid(layer.levels),
            bits=layer.layer.bits,
            shift=layer.tensors.get("bias"),
        )

    def _enlarge(self, layer: TrainedLayer, reads: tuple[int, ...]) -> None:
        """Make a larger map: with weights, or by repeating each value."""
        window = layer.layer.spreads(layer.input)
        assert window is not None
        shape, weights = self.planes(layer.output), layer.tensors.get("weight")
        if weights is not None:  # in the order of sums' weights, by output channel
            inputs, outputs = weights.shape[:2]
            groups = shape[2] // outputs
            apart = weights.reshape(groups, inputs // groups, *weights.shape[1:])
            weights = apart.transpose(0, 2, 3, 4, 1).reshape(shape[2], *weights.shape[2:], -1)
            weights = weights.swapaxes(1, 2) if self.stepwise else weights
        window = _turned(window) if self.stepwise else window
        work = Work.REPEATED if weights is None else Work.SCATTERED
        self._make(work, reads, shape, window, weights=weights, shift=layer.tensors.get("bias"))

    def _by_its_ops(self, layer: TrainedLayer, reads: tuple[int, ...]) -> None:
        """Add makers for the ops of a layer with inner values."""
        refusal = TargetError(f"{layer.name} can't be written in C: use another layer")
        if len(reads) > 1:
            raise refusal
        (read,) = reads
        rows, columns, _ = self.makers[read].shape
        windows = {
            Sight.OWN: ONE,
            Sight.ALL: Window((rows, 1), stride=(0, 0)),
            Sight.EARLIER: Window((rows, 1), pad=(rows - 1, 0, 0, 0)),
        }
        for piece in pieces_of(layer, self.stepwise):
            shape = (rows, columns, piece.channels)
            match piece:
                case ChannelSums(weights, shift):
                    read = self._make(Work.SUMS, (read,), shape, weights=weights, shift=shift)
                case Rule():
                    if (piece.before or piece.sight is not Sight.OWN) and not self.stepwise:
                        raise refusal
                    fields = {"weights": piece.weights, "rule": piece}
                    read = self._make(Work.RULED, (read,), shape, windows[piece.sight], **fields)
        shape = self.planes(layer.output)
        if shape != self.makers[read].shape:
            self._make(Work.LATEST, (read,), shape, skipped=rows - shape[0])

    def _pool(self, place: int, reads: tuple[int, ...]) -> None:
        layer = self.trained.layers[place]
        window, shape = layer.layer.window(layer.input), self.planes(layer.output)
        assert window is not None
        counted = layer.layer.counted_padding(layer.input)
        if self.stepwise:
            window, counted = _turned(window), _turned_sides(counted)
        last, size = self._taken_in(place, reads), window.size[0]
        # the largest sum gives the largest result if what follows is monotonic
        if not layer.layer.averages and window == Window((size,) * 2, (size,) * 2) and last:
            rising = last.activation is None or last.activation.rising
            plain = last.pool == 1 and not last.is_irregular and last.scale is None
            if last.work is Work.SUMS and plain and rising:
                self.makers[-1] = replace(last, shape=shape, pool=size)
                return
        fields: dict[str, Any] = {"counted_sides": counted}
        if layer.layer.averages:
            fields["scale"] = np.full(shape[2], 1 / window.area)
        work = Work.TOTAL if layer.layer.averages else Work.LARGEST
        self._make(work, reads, shape, window, **fields)

    def _scale(self, place: int, reads: tuple[int, ...]) -> None:
        tensors = self.trained.layers[place].tensors
        scale, shift = tensors["scale"], tensors["shift"]
        last = self._taken_in(place, reads)
        if last is None or last.activation is not None:
            self._make(Work.SAME, reads, self.makers[reads[0]].shape, scale=scale, shift=shift)
            return
        before = 1 if last.scale is None else last.scale
        added = 0 if last.shift is None else last.shift
        self.makers[-1] = replace(last, scale=before * scale, shift=added * scale + shift)

    def _activate(self, place: int, reads: tuple[int, ...], layer: Layer) -> None:
        last = self._taken_in(place, reads)
        if last is None or not (last.activation is None or layer.takes_in(last.activation)):
            self._make(Work.SAME, reads, self.makers[reads[0]].shape, activation=layer)
        else:
            self.makers[-1] = replace(last, activation=layer)


def _turned(window: Window) -> Window:
    """Turn a window over columns into one over rows."""
    size, stride, dilation = (
        (across, down) for down, across in (window.size, window.stride, window.dilation)
    )
    return Window(size, stride, _turned_sides(window.pad), dilation)


def _turned_sides(sides: Sides) -> Sides:
    above, before, below, after = sides
    return before, above, after, below


def _takes_all(layer: TrainedLayer) -> bool:
    """Whether a layer weights its whole input, so that the input's order is arbitrary."""
    return layer.is_plain_sum and layer.layer.reads_all


def _of_two(layer: Layer) -> str:
    """The op by which a layer combines the two values that it reads, if it is a single one."""
    graph = Graph()
    leaves = [graph.leaf(Name("x", (number,))) for number in range(2)]
    value = layer.at_a_place(leaves)
    return value.op.name if value.inputs == tuple(leaves) else ""
