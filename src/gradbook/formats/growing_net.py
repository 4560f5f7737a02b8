"""A network that grows as the operators of another program's graph are read.

Operators that only rearrange values need no layer. Any other becomes a layer or part of the
previous one: a bias, a scale, padding of a window. A format's own table maps each operator to one
of the methods here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isclose, isfinite, prod
from typing import Any, Literal

import numpy as np

from gradbook.formats import attention
from gradbook.formats.arranging import ALONG, is_complete, likely_channels, order_of_a_sample
from gradbook.formats.attention import MASKED, OTHER_MASK, Projection, Scores
from gradbook.formats.foreign import Fixed, Missing, Pieces, Value, fixed, numbers_of
from gradbook.formats.gates import GateOrder, GateStack, Recurring, take_apart
from gradbook.formats.imported import STEEPER, NoLayer
from gradbook.formats.known_values import NO_SCORES, ONE_PIECE, TOO_MANY, UNKNOWN, KnownValues
from gradbook.formats.layer_list import (
    READ_BY_WINDOWS,
    by_channel,
    join_paddings,
    pad_conv,
    pad_pool,
    resolve_same,
)
from gradbook.formats.layouts import DIFFERENT, ELSEWHERE, MOST_PLACED, Live, Padding, ours
from gradbook.graph.names import is_sequence
from gradbook.graph.node import Array
from gradbook.graph.window import NOWHERE, SAME, Both, Pad, Shape, Sides
from gradbook.layers.activations import SELU_ALPHA, SELU_SCALE, Activation, Numbered, PRelu
from gradbook.layers.arranging import Pick
from gradbook.layers.card import spell
from gradbook.layers.norms import BatchNorm, GroupNorm, LayerNorm, PlaceNorm, RmsNorm
from gradbook.layers.pools import Pool
from gradbook.layers.sequences import Attention, Embedding, Gru, PositionEmbedding
from gradbook.layers.sums import Conv, Dense, TransposedConv, Upsample
from gradbook.layers.wiring import Flatten

MIXED = "it mixes values of several images"
NO_STEPS = "it reads a sequence that isn't laid out as steps x N x features"
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
        if isinstance(value, Fixed) and value.array.ndim == 2 and isinstance(other, Live):
            turned = self.move(other, lambda order: order.swapaxes(-1, -2))
            made = self.dense(turned, self.weight(value))
            return self.move(made, lambda order: order.swapaxes(-1, -2))
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
        columns = live.in_rows()
        if columns is None or len({*columns.tolist()}) != prod(size):
            return self._dense(self.settle(live, -1), weight)
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
        if live.padding and live.padding.value:
            live = self.unpadded(live)
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
        asked = pad
        pad = self._as_told(pad, live, size, stride, dilation)
        zeros = kind == "avg" and counts_zeros and pad != NOWHERE
        layer = Pool(kind, size, stride, pad, dilation, ceil=ceil, zeros=zeros)
        try:
            layer = pad_pool(layer, live.padding, live.size, self.row.layers[: live.number])
        except NoLayer:
            if live.padding is None or not isfinite(live.padding.value):
                raise
            apart = self.unpadded(live)
            return self.pool(apart, kind, size, stride, asked, dilation, ceil, counts_zeros)
        layer = replace(layer, row=True) if len(live.shape) == 3 else layer
        return self.windowed(live, self.row.add(layer, live.number, self.op.place))

    def pool_all(self, value: Value, kind: str, axes: Sequence[int], keeps: bool = True) -> Value:
        """Pool over all places of a channel: the largest value or the mean."""
        if isinstance(value, Fixed):
            reduce = np.mean if kind == "avg" else np.max
            return fixed(reduce(value.array, tuple(axes), keepdims=keeps), value)
        live = self.whole(self.live(value))
        size, order = live.size, live.order
        over = sorted({axis % order.ndim for axis in axes})
        known = live.any_channel_axis() if len(size) == 3 else None
        whole = known is not None and known.has_all(self.samples, live.places)
        if known is None or not whole or known.axis in over:
            others = [axis for axis in range(1, order.ndim) if axis not in over]
            if len(others) != 1 or prod(order.shape[1:]) == order.shape[others[0]]:
                raise NoLayer(WHOLE_AREA)
            return self.pool_all(self.settle(live, others[0]), kind, axes, keeps)
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
        if not is_complete(live):
            live = self.settle(live, axis)
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
        live = self.whole(self.live(value))
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
        live = self.whole(self.live(value))
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
        live = self._as_steps(live, steps_first)
        size, known = live.size, live.channel_axis()
        if known is None:
            raise NoLayer(NO_STEPS)
        layer = kind(stack.back.shape[-1], all=True)
        layer = replace(layer, reset_before=reset_before) if isinstance(layer, Gru) else layer
        tensors = take_apart(layer, stack, gates.of(layer))
        number = self.row.add(layer, live.number, self.op.place, tensors)
        every = known.order(layer.width, size[2])
        last = every[-1:] if steps_first else every[:, -1][None]
        return self.lie(number, every), lambda: self._at_last(self.lie(number, last))

    def _as_steps(self, live: Live, steps_first: bool) -> Live:
        """Return a sequence as gradbook has it, laid out as it is."""
        if live.order.ndim != 3:
            raise NoLayer(NO_STEPS)
        by_sample = replace(live, laid=live.order.swapaxes(0, 1)) if steps_first else live
        turned = replace(by_sample, laid=by_sample.order.swapaxes(1, 2))
        if len(live.size) == 3 and is_sequence(live.size) and turned.is_in_line:
            return live
        made = self.settle(by_sample, -1)
        if not is_sequence(made.size):
            raise NoLayer(NO_STEPS)
        return replace(made, laid=made.order.swapaxes(0, 1)) if steps_first else made

    def recur_back(
        self, value: Value, *how: Any, steps_first: bool = False, **more: Any
    ) -> tuple[Live, Callable[[], Live]]:
        """Do the same from the last step to the first, with the states in the input's order."""

        def turned(x: Any) -> Any:
            return np.flip(x, 0 if steps_first else 1)

        every, last = self.recur(self.move(value, turned), *how, steps_first=steps_first, **more)
        return self.live(self.move(every, turned)), last

    def clip(self, value: Value, least: float, most: float) -> Value:
        """Keep values between two numbers, one of which may be infinite."""
        if (least, most) == (0, 6):
            return self.activate(value, Activation("relu6"))
        if least == 0 and most == np.inf:
            return self.activate(value, Activation("relu"))
        if least > -np.inf:
            value = self.activate(value, Numbered("atleast", least))
        return value if most == np.inf else self.activate(value, Numbered("atmost", most))

    def elu(self, value: Value, alpha: float, slope: float = 1.0, gain: float = 1.0) -> Value:
        """Apply gain·x above 0, and gain·α·(e^(slope·x) − 1) below."""
        if (alpha, slope, gain) == (1, 1, 1):
            return self.activate(value, Activation("elu"))
        if np.allclose((alpha, slope, gain), (SELU_ALPHA, 1, SELU_SCALE)):
            return self.activate(value, Activation("selu"))
        if gain == 1 and isclose(slope * alpha, 1, rel_tol=1e-6):  # CELU, as PyTorch writes it
            return self.celu(value, alpha)
        if slope != 1:
            raise NoLayer(STEEPER)
        above = self.activate(value, Activation("relu"))
        below = self.activate(self.clip(value, -np.inf, 0), Activation("elu"))
        below = self.activate(below, Numbered("scale", alpha * gain))
        if gain != 1:
            above = self.activate(above, Numbered("scale", gain))
        return self.arithmetic("+", above, below)

    def celu(self, value: Value, alpha: float) -> Value:
        """Apply α·ELU(x / α)."""
        if alpha == 1:
            return self.activate(value, Activation("elu"))
        if alpha <= 0:
            raise NoLayer("only a CELU with an alpha above 0 can be read")
        bent = self.activate(value, Numbered("scale", 1 / alpha))
        return self.activate(self.activate(bent, Activation("elu")), Numbered("scale", alpha))

    def gated(self, value: Value, axis: int) -> Value:
        """Multiply the first half along an axis by the sigmoid of the second."""
        count = self.shape_of(value)[axis]
        if count % 2:
            raise NoLayer(f"its {count} values can't be divided into two halves")
        first, second = self.split(value, axis, (count // 2, count // 2))
        return self.arithmetic("*", first, self.activate(second, Activation("sigmoid")))

    def larger(self, value: Value, other: Value, sign: Literal["+", "-"] = "+") -> Value:
        """Return x + max(0, y − x), the larger of two values; or x − max(0, x − y), the smaller."""
        numbers = numbers_of((value, other))
        if numbers is not None:
            return self.compute(np.maximum if sign == "+" else np.minimum, value, other)
        if isinstance(value, Fixed):
            value, other = other, value
        if isinstance(other, Fixed) and other.array.size == 1:
            bound = float(other.array.item())
            ends = (bound, np.inf) if sign == "+" else (-np.inf, bound)
            return self.clip(value, *ends)
        pair = (other, value) if sign == "+" else (value, other)
        beyond = self.activate(self.arithmetic("-", *pair), Activation("relu"))
        return self.arithmetic(sign, value, beyond)

    def sum_over(self, value: Value, axes: Sequence[int], keeps: bool) -> Value:
        """Add up: the mean, times the number of values."""
        if isinstance(value, Fixed):
            return fixed(value.array.sum(tuple(axes), keepdims=keeps), value)
        shape = self.shape_of(value)
        over = axes or range(len(shape))
        count = prod(shape[axis] for axis in over)
        mean = self.pool_all(value, "avg", [*over], keeps)
        return self.activate(mean, Numbered("scale", count))

    def einsum(self, equation: str, values: Sequence[Value]) -> Value:
        """Read a product of two values, summed over the one letter that only they have."""
        told, arrow, made = equation.replace(" ", "").partition("->")
        names = told.split(",")
        if not arrow or len(names) != 2 or "." in told:
            raise NoLayer("only an einsum of two values, such as 'bqd,bkd->bqk', can be read")
        (first, second), (value, other) = names, values
        if isinstance(value, Fixed) and not isinstance(other, Fixed):
            first, second, value, other = second, first, other, value
        summed = [letter for letter in first if letter in second and letter not in made]
        alike = [letter for letter in first if letter in second and letter in made]
        left = [letter for letter in first if letter not in second]
        right = [letter for letter in second if letter not in first]
        if len(summed) != 1 or {*left, *right, *alike} != {*made} or len(made) != len({*made}):
            raise NoLayer("only an einsum that sums over one letter of both values can be read")
        if isinstance(other, Fixed) and (alike or len(right) != 1):
            raise NoLayer("only an einsum with a table of weights can be read")
        value = self.letters(value, first, [*alike, *left, *summed])
        other = self.letters(other, second, [*alike, *summed, *right])
        return self.letters(self.matmul(value, other), [*alike, *left, *right], [*made])

    def letters(self, value: Value, have: Sequence[str], wanted: Sequence[str]) -> Value:
        """Transpose axes that are named by letters."""
        if [*have] == [*wanted]:
            return value
        return self.move(value, lambda order: order.transpose([have.index(x) for x in wanted]))

    def padded(self, value: Value, widths: Sequence[tuple[int, int]], filling: float) -> Live:
        """Pad any axes but that of samples with a constant, by layers of their own."""
        live = self.live(value)
        if len(widths) != len(live.shape) or any(widths[0]) or not np.isfinite(filling):
            raise NoLayer("only padding of a sample's own axes with a number can be read")
        if filling:
            live = self.each(Numbered("shift", -filling), live)
        live = self.settle(live, 1)
        sides = [*widths[1:2], *((0, 0),) * (len(widths) == 3), *widths[2:]]
        number = live.number
        for along, (before, after) in zip(ALONG, sides, strict=False):
            if before or after:
                count = self.row.sizes[number][ALONG.index(along)]
                places = (*(0,) * before, *range(1, count + 1), *(0,) * after)
                number = self.row.add(Pick(places, along), number, self.op.place)
        size = self.row.sizes[number]
        shape = [n + sum(both) for n, both in zip(live.shape, widths, strict=True)]
        made = self.lie(number, ours(size, self.samples).reshape(shape))
        return self.each(Numbered("shift", filling), made) if filling else made

    def unpadded(self, live: Live) -> Live:
        """Turn padding that no window uses into a layer of its own."""
        assert live.padding is not None
        top, left, below, right = live.padding.sides
        own = [(top, below)] * (len(live.shape) == 4) + [(left, right)]
        if len(live.shape) == 3 and (top or below):
            raise NoLayer(READ_BY_WINDOWS)
        widths = [(0, 0)] * (len(live.shape) - len(own)) + own
        return self.padded(replace(live, padding=None), widths, live.padding.value)

    def framed(self, value: Value, widths: Sequence[tuple[int, int]], mode: str) -> Value:
        """Pad with values from inside: reflected, those at the edge, or from the other side."""
        return self.move(value, lambda order: np.pad(order, widths, mode))  # type: ignore[call-overload]

    def _beside_constants(self, values: Sequence[Value], axis: int) -> Value:
        """Concatenate with constants, such as a class token: zeros are put there, and the constants
        are added to them."""
        live = next(value for value in values if isinstance(value, Live))
        rank, samples = len(live.shape), self.samples
        alone = [value for value in values if isinstance(value, Live)]
        if len(alone) != 1 or rank != 3:
            raise NoLayer("only one sequence can be concatenated with constants")
        settled = self.settle(live, -1)
        if axis != 1 or len(settled.size) != 3:
            raise NoLayer("only steps (axis 1) can be concatenated with constants")
        places: list[int] = []
        vectors = []
        for value in values:
            if isinstance(value, Live):
                vectors.append(np.zeros(live.shape[1:]))
                places += range(1, live.shape[1] + 1)
                continue
            array = self.weight(value)
            if array.ndim != 3 or (array != array[:1]).any() or len(array) not in (1, samples):
                raise NoLayer("its constants differ from sample to sample")
            vectors.append(array[0])
            places += [0] * array.shape[1]
        bias = np.concatenate(vectors).T  # by feature
        number = self.row.add(Pick(tuple(places), "steps"), settled.number, self.op.place)
        size = self.row.sizes[number]
        order = ours(size, samples).reshape(samples, size[0], size[2]).swapaxes(1, 2)
        made = self.lie(number, order)
        if not bias.any():
            return made
        return self.each(PositionEmbedding(), made, {"bias": bias.ravel()})

    def softmax(self, value: Value, axis: int, kind: str = "softmax") -> Value:
        if isinstance(value, Scores):
            if kind != "softmax":
                raise NoLayer(NO_SCORES)
            return value.softmax(axis)
        live = self.whole(self.live(value))
        columns = live.in_rows() if axis % len(live.shape) == len(live.shape) - 1 else None
        is_map = live.places > 1 and not is_sequence(live.size)
        has_channels = live.has_channels_at(axis) and not is_map
        if not has_channels and (columns is None or len(live.size) > 1):
            live = self.settle(live, axis, in_row=True)
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
        given, size = queries.given, self.row.sizes[queries.given]
        features, row = size[0], (size[0], 1, prod(size[1:]))
        if size != row:
            given = self.arrange(self.lie(given), np.arange(prod(row)).reshape(row))
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
        if own is not None and isinstance(own.layer, Numbered) and own.layer.kind == "scale":
            before = self._projection(own.reads[0])
            return replace(before, factor=before.factor * own.layer.slope)
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
        if isinstance(value, Live) and isinstance(other, Live) and sign != "/":
            if sign == "-":
                other = self.activate(other, Numbered("scale", -1))
            return self._product(value, other) if sign == "*" else self._sum(value, other)
        if isinstance(value, Fixed) and isinstance(other, Live) and sign == "-":
            turned = self.activate(other, Numbered("scale", -1))
            return self._combine(turned, "+", self.weight(value))
        if not isinstance(value, Live) or not isinstance(other, Fixed):
            raise NoLayer(OTHER_ARITHMETIC)
        return self._combine(value, sign, self.weight(other))

    def rescale(self, value: Value, scale: Array, shift: Array) -> Live:
        """Scale and shift each channel."""
        live = self.live(value)
        by, plus = (self._of_channels(live, numbers) for numbers in (scale, shift))
        return self.lie(self.scale(live, by, plus), live.laid)

    def _sum(self, first: Live, second: Live) -> Live:
        first, second = self._alike(first, second)
        number = self.row.sum(first.number, second.number, self.op.place)
        return self.lie(number, first.laid)

    def _product(self, first: Live, second: Live) -> Live:
        """Multiply two values of the same layout, or maps by one value per channel."""
        large, small = sorted((first, second), key=lambda live: -prod(live.size))
        if large.size != small.size:
            beside = np.broadcast_to(small.order, large.shape)
            fits = prod(small.size) == large.size[0] and is_complete(large)
            if not fits or (large.order // large.places != beside).any():
                first, second = self._alike(first, second)
                large = first
        else:
            first, second = self._alike(first, second)
            large = first
        number = self.row.product(first.number, second.number, self.op.place)
        return self.lie(number, large.laid)

    def _alike(self, first: Live, second: Live) -> tuple[Live, Live]:
        """Return two values with the same size and order, of which one may be repeated."""
        same = first.laid is second.laid or np.array_equal(first.order, second.order)
        if first.size == second.size and same and is_complete(first):
            return first, second
        try:
            both = np.broadcast_arrays(first.order, second.order)
        except ValueError:
            raise NoLayer(DIFFERENT) from None
        one, other = (
            replace(live, laid=order) if live.order.shape != order.shape else live
            for live, order in zip((first, second), both, strict=True)
        )
        kept = [live for live in (one, other) if is_complete(live)]
        of_steps = [live for live in kept if live.order.ndim == 3 and live.channel_axis()]
        model = (*of_steps, *kept, None)[0] or self.settle(one, likely_channels(one))
        return self._as(model, one), self._as(model, other)

    def _as(self, model: Live, live: Live) -> Live:
        """Return a value with the size and the order of another."""
        if live.size == model.size and np.array_equal(live.order, model.order):
            return live
        own, its = order_of_a_sample(live), order_of_a_sample(model)
        if own is None or its is None:
            raise NoLayer(DIFFERENT)
        wanted = np.empty(prod(model.size), np.intp)
        wanted[its.ravel()] = own.ravel()
        return self.lie(self.arrange(live, wanted.reshape(model.size)), model.laid)

    def _combine(self, live: Live, sign: Sign, constant: Array) -> Live:
        """Combine each channel with a constant: value + constant, or another operation."""
        constant = -constant if sign == "-" else constant
        sign = "+" if sign == "-" else sign
        live = self._with_steps(live, constant) if sign == "+" else live
        vectors = self._vectors(live, constant) if sign == "+" else None
        if vectors is not None:
            return self._positioned(live, vectors)
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
        if constant.size == 1 and not self._may_prepare(live):
            kind, by = ("shift", shift[0]) if sign == "+" else ("scale", scale[0])
            if not np.isfinite(by):
                raise NoLayer("it divides by 0")
            return self.each(Numbered(kind, float(by)), live)
        return self.lie(self.scale(live, scale, shift), live.laid)

    def _may_prepare(self, live: Live) -> bool:
        """Whether nothing but a flatten is before it, so that it prepares the input."""
        return self.row.prepares and all(isinstance(own.layer, Flatten) for own in self.row.layers)

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

    def _positioned(self, live: Live, vectors: Array) -> Live:
        """Add vectors to the steps, or to those that the layer before adds."""
        own = self.before(live)
        last = live.number == len(self.row.layers) and self._is_alone(live.number)
        if own is not None and type(own.layer) is PositionEmbedding and last:
            bias = own.tensors["bias"] + vectors
            self.row.layers[live.number - 1] = replace(own, tensors={"bias": bias})
            return live
        return self.each(PositionEmbedding(), live, {"bias": vectors})

    def _with_steps(self, live: Live, constant: Array) -> Live:
        """Return a sequence instead of a map, if each of its places gets vectors of its own."""
        if len(live.shape) != 3 or len(live.size) != 3 or live.size[1] == 1 or constant.ndim < 2:
            return live
        try:
            varies = live.gather(constant).reshape(live.size[0], -1)
        except ValueError:
            return live
        return self.settle(live, -1) if (varies != varies[:, :1]).any() else live

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
