"""A network that grows as the operators of another program's graph are read.

Operators that only rearrange values need no layer. Any other becomes a layer or part of the
previous one: a bias, a scale, padding of a window. A format's own table maps each operator to one
of the methods here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any, Literal

import numpy as np

from gradbook.formats import attention
from gradbook.formats.attention import MASKED, OTHER_MASK, Projection, Scores
from gradbook.formats.foreign import Fixed, Missing, Pieces, Value, fixed, numbers_of
from gradbook.formats.gates import GateOrder, GateStack, Recurring, take_apart
from gradbook.formats.imported import NoLayer
from gradbook.formats.known_values import NO_SCORES, ONE_PIECE, TOO_MANY, UNKNOWN, KnownValues
from gradbook.formats.layer_list import by_channel, join_paddings, pad_conv, pad_pool, resolve_same
from gradbook.formats.layouts import DIFFERENT, ELSEWHERE, MOST_PLACED, Live, Padding, ours
from gradbook.graph.names import is_sequence
from gradbook.graph.node import Array
from gradbook.graph.window import NOWHERE, SAME, Both, Pad, Shape, Sides
from gradbook.layers.activations import Activation, PRelu
from gradbook.layers.card import spell
from gradbook.layers.norms import BatchNorm, GroupNorm, LayerNorm, PlaceNorm, RmsNorm
from gradbook.layers.pools import Pool
from gradbook.layers.sequences import Attention, Embedding, Gru, PositionEmbedding
from gradbook.layers.sums import Conv, Dense, TransposedConv, Upsample
from gradbook.layers.wiring import Flatten

MIXED = "it mixes values of several images"
NO_STEPS = "it reads a sequence that isn't laid out as steps x N x features"
ONE_STEP = "the only single step that can be selected is a recurrent layer's last"
OTHER_ARITHMETIC = "only sums and products, of two values or with constants, can be read"
WHOLE_AREA = "it can be read only over all rows and columns together"
SOME = (
    "it normalises some of a sample's values: only normalisation over all of them, or over the "
    "channels of each pixel, can be read"
)
Sign = Literal["+", "-", "*", "/"]


def divide(x: Any, y: Any) -> Any:
    """Divide like other programs: integers are rounded towards 0."""
    whole = np.asarray(x).dtype.kind in "iu" and np.asarray(y).dtype.kind in "iu"
    return np.trunc(np.divide(x, y)).astype(np.int64) if whole else np.divide(x, y)


ARITHMETIC: Mapping[Sign, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": divide,
}


class GrowingNet(KnownValues):
    """Adds a layer for each operator, one after the other."""

    # Sums, windows and normalisation.

    def matmul(self, value: Value, other: Value) -> Value:
        """Multiply values by stored weights, queries by keys, or shares by values."""
        numbers = numbers_of((value, other))
        if numbers is not None:
            made = numbers[0].size * numbers[1].size  # an upper bound, also for the operations
            return self.constant((made,), lambda _: np.matmul(*numbers), value, other)
        if isinstance(value, Scores) and isinstance(other, Live):
            return self._attend(value, other)
        if isinstance(value, Scores) or isinstance(other, Scores):
            raise NoLayer(NO_SCORES)
        if isinstance(value, Live) and isinstance(other, Live):
            keys = attention.heads_of(other, turned=True)
            return attention.scores_of(attention.heads_of(value), keys)
        if isinstance(value, Fixed) or other.array.ndim != 2:
            raise NoLayer("only a product with a table of weights can be read as a layer")
        return self.dense(value, self.weight(other).T)

    def dense(self, value: Value, weight: Array, bias: Array | None = None) -> Live:
        """Add a dense layer on all values of a sample, or on the channels at each place."""
        if bias is not None and prod(bias.shape[:-1]) > 1:
            raise NoLayer("its bias differs from image to image")
        made = self._dense(self.live(value), weight)
        if bias is not None:
            self._add_bias(made.number, bias)
        return made

    def _dense(self, live: Live, weight: Array) -> Live:
        order, size = live.order, live.size
        if order.shape[-1] != weight.shape[1]:
            said = f"its weights are {spell(weight.shape)}, which doesn't match its input"
            raise NoLayer(said if live.is_as_ours else MIXED)
        known = live.channel_axis() if live.places > 1 else None
        if known is None and len(size) == 3 and order.shape[-1] == size[0]:
            chosen = np.argsort(order.reshape(-1, size[0])[0])
            known = replace(live, laid=order[..., chosen]).channel_axis()
            weight = weight if known is None else weight[:, chosen]
        if known is not None and known.has_all(self.samples, live.places):
            number = self._at_each_place(live, weight)
            return self.lie(number, known.order(len(weight), live.places))
        if known is not None and known.place is not None:
            raise NoLayer(ONE_STEP)
        columns = live.in_rows()
        if columns is None or len({*columns.tolist()}) != prod(size):
            raise NoLayer("its input isn't a complete flattened value: flatten all of it first")
        number = self.row.flat(live.number, self.op.place)
        turned = np.empty_like(weight)
        turned[:, columns] = weight
        made = self.row.add(Dense(len(weight)), number, self.op.place, {"weight": turned})
        lead = order.shape[:-1]
        return self.lie(made, ours((len(weight),), self.samples).reshape(*lead, len(weight)))

    def _at_each_place(self, live: Live, weight: Array) -> int:
        own = self.before(live)
        if own is not None and attention.is_unweighed(own) and len(weight) == len(weight.T):
            tensors = attention.with_output(own.layer, own.tensors, weight, None)
            self.row.layers.append(replace(own, tensors=tensors, place=self.op.place))
            self.row.sizes.append(self.row.sizes[live.number])
            return len(self.row.layers)
        layer = Conv(len(weight), (1, 1), row=is_sequence(live.size))
        tensors = {"weight": np.ascontiguousarray(weight[:, :, None, None])}
        return self.row.add(layer, live.number, self.op.place, tensors)

    def _add_bias(self, number: int, bias: Array) -> None:
        own = self.row.layers[number - 1]
        if isinstance(own.layer, Attention):
            out = own.tensors[f"{own.layer.parts[-1]}_weight"][..., 0, 0]
            each = np.broadcast_to(bias.ravel(), len(out)).copy()
            tensors = attention.with_output(own.layer, own.tensors, out, each)
            self.row.layers[number - 1] = replace(own, tensors=tensors)
        else:
            self.row.add_bias(number, bias)

    def conv(
        self,
        value: Value,
        weight: Value,
        bias: Value = None,
        stride: Both = (1, 1),
        pad: Pad = NOWHERE,
        dilation: Both = (1, 1),
        groups: int = 1,
    ) -> Live:
        """Convolve over rows and columns, or over steps if the weights have three dimensions."""
        own, live = self.weight(weight), self.as_ours(value)
        if own.ndim not in (3, 4):
            raise NoLayer(f"its windows have {own.ndim - 2} dimensions: only 2 can be read")
        along = own.ndim == 3
        own = own[:, :, None] if along else own
        size, kernel = live.size, (own.shape[2], own.shape[3])
        row = along or (kernel[0] == 1 and is_sequence(size) and self.way.steps)
        pad = self._as_told(pad, live, kernel, stride, dilation)
        layer = Conv(len(own), kernel, stride, pad, groups=groups, dilation=dilation, row=row)
        before = self.before(live)
        weighs = before is not None and attention.is_unweighed(before)
        if weighs and layer.kernel == layer.stride == (1, 1) and layer.groups == 1:
            number = self._at_each_place(live, own[:, :, 0, 0])
        else:
            layer = pad_conv(layer, live.padding, size)
            stays = bias is None and isinstance(weight, Fixed) and not weight.is_trained
            number = self.row.convolve(layer, live.number, self.op.place, own, fixed=stays)
        if bias is not None:
            self._add_bias(number, self.weight(bias, "bias"))
        return self.windowed(live, number)

    @staticmethod
    def _as_told(pad: Pad, live: Live, size: Both, stride: Both, dilation: Both) -> Pad:
        """Convert 'same' to numbers if all sides are equal."""
        if pad != SAME or live.padding:
            return pad
        return resolve_same(size, stride, dilation, live.size[1:])

    def conv_back(
        self,
        value: Value,
        weight: Value,
        bias: Value = None,
        stride: Both = (1, 1),
        pad: Pad = NOWHERE,
        dilation: Both = (1, 1),
        groups: int = 1,
    ) -> Live:
        """Add a transposed convolution; every place of its output must be covered by a window."""
        own, live = self.weight(weight), self.as_ours(value)
        if not isinstance(pad, str) and min(pad) < 0:
            raise NoLayer("it adds rows or columns that no window covers (output_padding)")
        size = (own.shape[2], own.shape[3])
        layer = TransposedConv(
            own.shape[1] * groups, size, stride, pad, groups=groups, dilation=dilation
        )
        tensors = {"weight": own} | ({} if bias is None else {"bias": self.weight(bias, "bias")})
        return self.windowed(live, self.row.add(layer, live.number, self.op.place, tensors))

    def enlarge(self, value: Value, factors: Sequence[float]) -> Live:
        """Repeat each value down and across."""
        if len(factors) != 2 or any(by % 1 or by < 1 for by in factors):
            raise NoLayer("only maps that are enlarged by whole numbers can be read")
        rows, columns = map(int, factors)
        live = self.as_ours(value)
        return self.lie(self.row.add(Upsample((rows, columns)), live.number, self.op.place))

    def pool(
        self,
        value: Value,
        kind: str,
        size: Both,
        stride: Both,
        pad: Pad = NOWHERE,
        dilation: Both = (1, 1),
        ceil: bool = False,
        counts_zeros: bool = False,
    ) -> Live:
        live = self.as_ours(value)
        pad = self._as_told(pad, live, size, stride, dilation)
        zeros = kind == "avg" and counts_zeros and pad != NOWHERE
        layer = Pool(kind, size, stride, pad, dilation, ceil=ceil, zeros=zeros)
        layer = pad_pool(layer, live.padding, live.size, self.row.layers[: live.number])
        layer = replace(layer, row=True) if len(live.shape) == 3 else layer
        return self.windowed(live, self.row.add(layer, live.number, self.op.place))

    def pool_all(self, value: Value, kind: str, axes: Sequence[int], keeps: bool = True) -> Value:
        """Pool over all places of a channel: the largest value or the mean."""
        if isinstance(value, Fixed):
            reduce = np.mean if kind == "avg" else np.max
            return fixed(reduce(value.array, tuple(axes), keepdims=keeps), value)
        live = self.live(value)
        size, order = live.size, live.order
        over = sorted({axis % order.ndim for axis in axes})
        known = live.any_channel_axis() if len(size) == 3 else None
        whole = known is not None and known.has_all(self.samples, live.places)
        if known is None or not whole or known.axis in over:
            raise NoLayer(WHOLE_AREA)
        kept = [n for axis, n in enumerate(order.shape) if axis not in over]
        together = np.moveaxis(order, over, range(-len(over), 0)).reshape(*kept, -1)
        channels = together // live.places
        if together.shape[-1] != live.places or (channels != channels[..., :1]).any():
            raise NoLayer(WHOLE_AREA)
        row = is_sequence(size) and not live.is_as_ours
        number = self.row.add(Pool(kind, None, row=row), live.number, self.op.place)
        channels = channels[..., 0]
        if keeps:
            return self.lie(number, np.expand_dims(channels, tuple(over)))
        return self.lie(self.row.flat(number, self.op.place), channels)

    def pad(self, value: Value, sides: Sides, filling: float = 0.0) -> Live:
        """Keep padding until a window uses it."""
        live = self.live(value)
        if len(live.size) != 3:
            raise NoLayer("only padding around rows and columns can be read")
        return replace(live, padding=join_paddings(live.padding, Padding(sides, filling)))

    def batchnorm(
        self,
        value: Value,
        epsilon: float,
        scale: Value,
        shift: Value,
        mean: Value,
        variance: Value,
        axis: int = 1,
    ) -> Live:
        """Add a batchnorm, with a scale of 1 and a shift of 0 if there are none."""
        live = self.live(value)
        if mean is None or variance is None:
            raise NoLayer("it keeps no running mean and variance")
        tensors = {"scale": np.ones(live.size[0]), "shift": np.zeros(live.size[0])}
        given = {"scale": scale, "shift": shift, "mean": mean, "variance": variance}
        for word, own in given.items():
            if own is not None:
                numbers = self.weight(own, word, noted=word in ("scale", "shift"))
                tensors[word] = self._along(live, numbers, axis)
        return self.each(BatchNorm(epsilon), live, tensors)

    def _along(self, live: Live, array: Array, axis: int) -> Array:
        """Convert one number per place of an axis to one per channel."""
        if live.has_channels_at(axis):
            return array
        columns = live.in_rows() if axis % len(live.shape) == len(live.shape) - 1 else None
        if columns is None or len(live.size) > 1 or array.shape != columns.shape:
            raise NoLayer(ELSEWHERE)
        turned = np.empty_like(array)
        turned[columns] = array
        return turned

    def normalise(
        self,
        value: Value,
        axes: Sequence[int],
        epsilon: float,
        scale: Array | None = None,
        shift: Array | None = None,
        by_channel: bool = False,
        laid_out: Shape | None = None,
    ) -> Live:
        """Normalise a sample's values over these axes; scale and shift are broadcast.

        `by_channel` prefers groups of channels where these suffice; the axes are those of
        `laid_out`, a shape, if it is given.
        """
        live = self.live(value)
        size, anew = live.size, live.order if laid_out is None else live.order.reshape(laid_out)
        groups = self._groups(replace(live, laid=anew), axes)
        if laid_out is None and len(size) > 1 and len(axes) == 1 and live.has_channels_at(axes[0]):
            groups = 0  # the channels of a place, even if there is only one
        affine = [
            usual if told is None else live.gather(told).reshape(size[0], -1)
            for told, usual in ((scale, np.ones((size[0], 1))), (shift, np.zeros((size[0], 1))))
        ]
        varied = any((array != array[:, :1]).any() for array in affine)
        if varied and groups != 1:
            of = "" if groups == 0 else "it normalises groups but "
            raise NoLayer(f"{of or 'it '}scales each pixel by a number of its own")
        layer: PlaceNorm | GroupNorm | LayerNorm
        if groups == 0:
            layer = PlaceNorm(epsilon)
        elif groups > 1 or (by_channel and not varied and len(size) > 1):
            layer = GroupNorm(groups, epsilon)
        else:
            layer = LayerNorm(epsilon)
            affine = [np.broadcast_to(array, (size[0], live.places)) for array in affine]
            return self.each(layer, live, self._affine([array.ravel() for array in affine]))
        return self.each(layer, live, self._affine([array[:, 0] for array in affine]))

    @staticmethod
    def _affine(both: Sequence[Array]) -> dict[str, Array]:
        return dict(zip(("scale", "shift"), both, strict=True))

    def group_norm(
        self,
        value: Value,
        groups: int,
        epsilon: float,
        scale: Array | None,
        shift: Array | None,
        axis: int = 1,
    ) -> Live:
        """Normalise groups of channels; scale and shift have a number per channel or per group."""
        live = self.live(value)
        axis %= len(live.shape)
        count = live.shape[axis]
        if count % groups:
            raise NoLayer(f"{count} channels can't be divided into {groups} equal groups")
        along = [count if k == axis else 1 for k in range(len(live.shape))]
        both = []
        for numbers in (scale, shift):
            if numbers is not None and numbers.size not in (groups, count):
                raise NoLayer(
                    f"it scales {count} channels by {numbers.size} numbers: the counts must be "
                    "equal"
                )
            own = None if numbers is None else np.repeat(numbers, count // numbers.size)
            both.append(None if own is None else own.reshape(along))
        laid_out = (*live.shape[:axis], groups, count // groups, *live.shape[axis + 1 :])
        axes = [k for k in range(1, len(laid_out)) if k != axis]
        return self.normalise(live, axes, epsilon, both[0], both[1], True, laid_out)

    def _groups(self, live: Live, axes: Sequence[int]) -> int:
        """Count the groups of channels that these axes cover; 0 for a place's channels."""
        order = live.order
        over = {axis % order.ndim for axis in axes}
        if 0 in over and order.shape[0] > 1:
            raise NoLayer(MIXED)
        kept = [1 if axis in over else n for axis, n in enumerate(order.shape)]
        numbers = np.broadcast_to(np.arange(prod(kept)).reshape(kept), order.shape)
        told = np.full(self.samples * prod(live.size), -1)
        told[order.ravel()] = numbers.ravel()
        count = len(np.unique(told))
        groups, rest = divmod(count, self.samples)
        channels = live.size[0]
        if (told < 0).any() or rest:
            raise NoLayer(SOME)
        if channels % groups == 0:
            alike = told.reshape(count, -1)
            if (alike == alike[:, :1]).all():
                return groups
        by_place = told.reshape(self.samples, channels, -1)
        if groups == live.places and (by_place == by_place[:, :1]).all():
            return 0
        raise NoLayer(SOME)

    def divide_by_size(
        self, value: Value, axes: Sequence[int], epsilon: float, scale: Array | None = None
    ) -> Live:
        """Divide by the root mean square of each step's features."""
        live = self.live(value)
        if len(live.size) < 2 or self._groups(live, axes):
            raise NoLayer("only the features of each step can be divided by their root mean square")
        own = np.ones(live.size[0]) if scale is None else scale
        return self.each(RmsNorm(epsilon), live, {"scale": own})

    def prelu(self, value: Value, slopes: Array) -> Live:
        """Add a PReLU with one slope for all, or one per channel."""
        live, shared = self.live(value), slopes.size == 1
        own = self._of_channels(live, slopes)
        return self.each(PRelu(shared), live, {"slope": own[:1] if shared else own})

    def _of_channels(self, live: Live, constant: Array) -> Array:
        """Return one number per channel from constants that broadcast."""
        if live.is_as_ours or constant.size == 1:
            return by_channel(constant, live.size)
        told = live.gather(constant).reshape(live.size[0], -1)
        if (told != told[:, :1]).any():
            raise NoLayer("it adds different numbers to the places of a channel")
        return np.asarray(told[:, 0])

    # Sequences.

    def take(self, value: Value, places: Value, axis: int) -> Value:
        """Select one or several places along an axis, or look up rows of a table."""
        if isinstance(value, Fixed) and isinstance(places, Live):
            if axis:
                raise NoLayer("only rows of a table can be looked up")
            return self.embed(places, self.weight(value))
        if not isinstance(places, Fixed):
            raise NoLayer(UNKNOWN)
        chosen = np.asarray(places.array).astype(int)
        if isinstance(value, Fixed | Live):
            shape = self.shape_of(value)
            if chosen.size * prod(shape) // max(shape[axis], 1) > MOST_PLACED:
                raise NoLayer(TOO_MANY)
        if isinstance(value, Pieces):
            if axis or chosen.size != 1:
                raise NoLayer(ONE_PIECE)
            piece = value.each[int(chosen.item())]
            return piece if chosen.ndim else self.move(piece, lambda x: x[0])
        return self.move(value, lambda x: np.asarray(x.take(chosen, axis)))

    def embed(self, value: Value, table: Array) -> Live:
        """Look up a row of a table for each token of the input."""
        live, (count, width) = self.live(value), table.shape
        steps = self.row.sizes[0][-1]
        if not self.is_given(live) or live.shape != (self.samples, steps) or not self.way.tokens:
            raise NoLayer("only the tokens that come in can be looked up, each once")
        self.row.sizes[0] = (count, 1, steps)
        for name, other in self.values.items():
            if isinstance(other, Live) and other.number == 0:
                order = ours((count, steps), self.samples)[:, 0]
                self.values[name] = replace(other, size=self.row.sizes[0], laid=order)
        weight = np.ascontiguousarray(table.T)[..., None, None]
        number = self.row.add(Embedding(width), 0, self.op.place, {"weight": weight})
        return self.lie(number, ours((width, steps), self.samples).swapaxes(1, 2))

    def recur(
        self,
        value: Value,
        kind: type[Recurring],
        stack: GateStack,
        gates: GateOrder,
        steps_first: bool = False,
        reset_before: bool = False,
    ) -> tuple[Live, Callable[[], Live]]:
        """Return all states, in the input's layout, and a function for the last ones."""
        live = self.live(value)
        order, size, known = live.order, live.size, live.channel_axis()
        by_sample = order.swapaxes(0, 1) if steps_first else order
        is_row = order.ndim == 3 and len(size) == 3 and is_sequence(size)
        if known is None or not is_row:
            raise NoLayer(NO_STEPS)
        if not replace(live, laid=by_sample.swapaxes(1, 2)).is_in_line:
            raise NoLayer(NO_STEPS)
        layer = kind(stack.back.shape[-1], all=True)
        layer = replace(layer, reset_before=reset_before) if isinstance(layer, Gru) else layer
        tensors = take_apart(layer, stack, gates.of(layer))
        number = self.row.add(layer, live.number, self.op.place, tensors)
        every = known.order(layer.width, size[2])
        last = every[-1:] if steps_first else every[:, -1][None]
        return self.lie(number, every), lambda: self._at_last(self.lie(number, last))

    def softmax(self, value: Value, axis: int, kind: str = "softmax") -> Value:
        if isinstance(value, Scores):
            if kind != "softmax":
                raise NoLayer(NO_SCORES)
            return value.softmax(axis)
        live = self.live(value)
        columns = live.in_rows() if axis % len(live.shape) == len(live.shape) - 1 else None
        if not live.has_channels_at(axis) and (columns is None or len(live.size) > 1):
            raise NoLayer("only a softmax over all classes in the second axis can be read")
        return self.each(Activation(kind), live)

    def attend(
        self, parts: Sequence[Value], scale: float, mask: Value, is_causal: bool = False
    ) -> Live:
        """Read all of attention: queries, keys and values as (…, steps, features of a head)."""
        queries, keys, values = parts
        scores = attention.scores_of(*(attention.heads_of(self.live(x)) for x in (queries, keys)))
        scores = scores.times(scale)
        if is_causal:
            scores = scores.seen(np.tril(np.ones(scores.shape[-2:], bool)))
        if isinstance(mask, Fixed) and mask.array.dtype == bool:
            scores = scores.seen(mask.array)
        elif mask is not None:
            scores = scores.plus(self.weight(mask, "attn_mask"))
        return self._attend(scores.softmax(-1), values)

    def _attend(self, scores: Scores, values: Value) -> Live:
        """Mix values by shares; the sums that follow become the output of the attention."""
        own = attention.heads_of(self.live(values))
        parts = (scores.queries, scores.keys, own)
        queries, keys, mixed = (self._projection(part.number) for part in parts)
        if len({queries.given, keys.given, mixed.given}) != 1:
            raise NoLayer(attention.TO_ITSELF)
        given = queries.given
        features = self.row.sizes[given][0]
        layer, tensors = attention.attention_of(scores, own, (queries, keys, mixed), features)
        number = self.row.add(layer, given, self.op.place, tensors)
        self.used.extend(name for part in (queries, keys, mixed) for name in part.stored)
        return self.lie(number, attention.mixed_order(own))

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

    # Operations on values, and on values and constants.

    def arithmetic(self, sign: Sign, value: Value, other: Value) -> Value:
        """Add or multiply two values, or a value and constants."""
        if isinstance(value, Fixed) and isinstance(other, Fixed):
            return self.compute(ARITHMETIC[sign], value, other)
        if isinstance(value, Fixed) and sign in "+*":
            value, other = other, value
        if isinstance(value, Scores):
            if not isinstance(other, Fixed):
                raise NoLayer(NO_SCORES)
            return self._combine_scores(value, sign, self.weight(other))
        if isinstance(other, Scores):
            raise NoLayer(OTHER_MASK if isinstance(value, Fixed) else NO_SCORES)
        if isinstance(value, Live) and isinstance(other, Live) and sign in "+*":
            return self._sum(value, other) if sign == "+" else self._product(value, other)
        if not isinstance(value, Live) or not isinstance(other, Fixed):
            raise NoLayer(OTHER_ARITHMETIC)
        return self._combine(value, sign, self.weight(other))

    def rescale(self, value: Value, scale: Array, shift: Array) -> Live:
        """Scale and shift each channel."""
        live = self.live(value)
        by, plus = (self._of_channels(live, numbers) for numbers in (scale, shift))
        return self.lie(self.scale(live, by, plus), live.laid)

    def _sum(self, first: Live, second: Live) -> Live:
        self._require_alike(first, second)
        number = self.row.sum(first.number, second.number, self.op.place)
        return self.lie(number, first.laid)

    def _product(self, first: Live, second: Live) -> Live:
        """Multiply two values of the same layout, or maps by one value per channel."""
        large, small = sorted((first, second), key=lambda live: -prod(live.size))
        if large.size != small.size:
            beside = np.broadcast_to(small.order, large.shape)
            fits = prod(small.size) == large.size[0]
            if not fits or (large.order // large.places != beside).any():
                raise NoLayer(DIFFERENT)
        else:
            self._require_alike(first, second)
        number = self.row.product(first.number, second.number, self.op.place)
        return self.lie(number, large.laid)

    @staticmethod
    def _require_alike(first: Live, second: Live) -> None:
        same = first.laid is second.laid or np.array_equal(first.order, second.order)
        if first.size == second.size and not same:
            raise NoLayer(DIFFERENT)

    def _combine(self, live: Live, sign: Sign, constant: Array) -> Live:
        """Combine each channel with a constant: value + constant, or another operation."""
        vectors = self._vectors(live, constant) if sign == "+" else None
        if vectors is not None:
            return self.each(PositionEmbedding(), live, {"bias": vectors})
        if live.number in self.bare and self._rescale(live, sign, constant):
            return live
        numbers = self._of_channels(live, constant)
        ones, zeros = np.ones_like(numbers), np.zeros_like(numbers)
        scale, shift = {
            "+": (ones, numbers),
            "-": (ones, -numbers),
            "*": (numbers, zeros),
            "/": (1 / np.where(numbers == 0, np.nan, numbers), zeros),
        }[sign]
        return self.lie(self.scale(live, scale, shift), live.laid)

    def _rescale(self, live: Live, sign: Sign, constant: Array) -> bool:
        """Merge constants into the normalisation before, if it has no such scale or shift yet."""
        name = {"*": "scale", "+": "shift"}.get(sign, "")
        own, open_ones = self.before(live), self.bare[live.number]
        if sign not in open_ones or name not in own.tensors or not self._is_alone(live.number):
            return False
        each = live.gather(constant).reshape(live.size[0], -1)
        layer, tensors = own.layer, dict(own.tensors)
        varied = bool((each != each[:, :1]).any())
        if varied and layer == GroupNorm(1, getattr(layer, "epsilon", 0)):
            layer = LayerNorm(layer.epsilon)
            tensors = {word: np.repeat(array, live.places) for word, array in tensors.items()}
        elif varied and not isinstance(layer, LayerNorm):
            return False
        numbers = each.ravel() if isinstance(layer, LayerNorm) else each[:, 0]
        scaled = sign == "*"
        for word, array in tensors.items():
            if scaled or word == name:
                tensors[word] = array * numbers if scaled else array + numbers
        self.row.layers[live.number - 1] = replace(own, layer=layer, tensors=tensors)
        self.bare[live.number] = open_ones.partition(sign)[2]
        return True

    def _vectors(self, live: Live, constant: Array) -> Array | None:
        """Return constants that are added to each step and feature, if they differ by step."""
        size = live.size
        if len(size) < 3 or not is_sequence(size) or constant.size == 1:
            return None
        if constant.size < prod(size) and live.is_as_ours:
            return None
        told = live.gather(constant).reshape(size[0], -1)
        return None if (told == told[:, :1]).all() else told.ravel()

    def _is_alone(self, *numbers: int) -> bool:
        """Whether only the next operator reads these values."""
        return all(
            self.readers.count(name) == 1
            for name, value in self.values.items()
            if isinstance(value, Live) and value.number in numbers
        )

    def scale(self, live: Live, scale: Array, shift: Array) -> int:
        """Scale and shift each channel; a shift becomes the bias of sums that have none yet."""
        number, layers = live.number, self.row.layers
        before_all = all(isinstance(own.layer, Flatten) for own in layers)
        alone = self._is_alone(number, *(range(number) if before_all else ()))
        unread = all(number not in own.reads for own in layers[number:])
        if alone and unread and number and (scale == 1).all():
            before = layers[number - 1]
            if before.layer.sums and not _has_bias(before.tensors):
                self._add_bias(number, shift)
                return number
        return self.row.scale(number, scale, shift, self.op.place, alone)

    def _combine_scores(self, scores: Scores, sign: Sign, constant: Array) -> Scores:
        """Apply a factor to scores, or add a mask."""
        if sign in "*/" and constant.size == 1:
            by = float(constant.item())
            return scores.times(by if sign == "*" else 1 / by)
        if sign == "+":
            return scores.plus(constant)
        raise NoLayer(OTHER_MASK)

    def where(self, condition: Value, chosen: Value, other: Value) -> Value:
        """Read a mask over scores, or a replacement of missing numbers."""
        values = (condition, chosen, other)
        if numbers_of(values) is not None:
            return self.compute(lambda c, x, y: np.where(np.asarray(c).astype(bool), x, y), *values)
        if isinstance(condition, Fixed) and isinstance(chosen, Fixed):
            turned = fixed(~np.asarray(condition.array).astype(bool), condition)
            return self.where(turned, other, chosen)
        if isinstance(condition, Fixed) and isinstance(other, Fixed) and isinstance(chosen, Scores):
            if (np.asarray(other.array) > MASKED).any():
                raise NoLayer(OTHER_MASK)
            return chosen.seen(condition.array)
        if not isinstance(condition, Missing) or not isinstance(other, Live):
            raise NoLayer("Where can be read only as a replacement of missing numbers")
        return self.fill_in(other, self.weight(chosen))

    def fill_in(self, value: Value, filling: Array) -> Live:
        live = self.live(value)
        return self.lie(self.row.fill_in(live.number, filling), live.laid)


def _has_bias(tensors: Mapping[str, Array]) -> bool:
    """Whether its last sums have a bias."""
    if "weight" in tensors:
        return "bias" in tensors
    return any(bool(array.any()) for name, array in tensors.items() if name == "output_bias")
