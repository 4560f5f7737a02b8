"""A network that grows as the operators of another program's graph are read.

Operators that only rearrange values need no layer. Any other becomes a layer or part of the
previous one: a bias, a scale, padding of a window. A format's own table maps each operator to one
of the methods here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isfinite, prod
from typing import Any, TypeVar

import numpy as np

from gradbook.errors import GradbookError
from gradbook.formats import attention
from gradbook.formats.arranging import is_complete
from gradbook.formats.attention import Projection, Scores
from gradbook.formats.combined import CombinedValues
from gradbook.formats.foreign import Fixed, Pieces, Value, fixed, numbers_of
from gradbook.formats.gates import GateOrder, GateStack, Recurring, take_apart
from gradbook.formats.imported import NoLayer
from gradbook.formats.known_values import NO_SCORES, ONE_PIECE, TOO_MANY, UNKNOWN
from gradbook.formats.layer_list import Moves, pad_conv, pad_pool
from gradbook.formats.layouts import ELSEWHERE, MOST_PLACED, Live, ours
from gradbook.graph.names import is_sequence
from gradbook.graph.node import Array
from gradbook.graph.window import NOWHERE, SAME, Shape
from gradbook.layers.activations import Activation, Numbered, PRelu
from gradbook.layers.card import spell
from gradbook.layers.norms import BatchNorm, GroupNorm, LayerNorm, PlaceNorm, RmsNorm
from gradbook.layers.pools import Pool
from gradbook.layers.sequences import Embedding, Gru
from gradbook.layers.sums import Conv, Dense, TransposedConv, Upsample

MIXED = "it mixes values of several images"
NO_STEPS = "it reads a sequence that isn't laid out as steps x N x features"
WHOLE_AREA = "it can be read only over all rows and columns together"
SOME = (
    "it normalises some of a sample's values: only normalisation over all of them, or over the "
    "channels of each pixel, can be read"
)
Windowed = TypeVar("Windowed", Conv, Pool)


class GrowingNet(CombinedValues):
    """Adds a layer for each operator, one after the other."""

    # Sums, windows and normalisation.

    def matmul(self, left: Value, right: Value) -> Value:
        """Multiply values by stored weights, queries by keys, or shares by values."""
        numbers = numbers_of((left, right))
        if numbers is not None:
            size = numbers[0].size * numbers[1].size  # an upper bound, also for the operations
            return self.constant((size,), lambda _: np.matmul(*numbers), left, right)
        if isinstance(left, Scores) and isinstance(right, Live):
            return self._attend(left, right)
        if isinstance(left, Scores) or isinstance(right, Scores):
            raise NoLayer(NO_SCORES)
        if isinstance(left, Live) and isinstance(right, Live):
            keys = attention.heads_of(right, turned=True)
            return attention.scores_of(attention.heads_of(left), keys)
        if isinstance(left, Fixed) and left.array.ndim == 2 and isinstance(right, Live):
            turned = self.move(right, lambda order: order.swapaxes(-1, -2))
            sums = self.dense(turned, self.weight(left))
            return self.move(sums, lambda order: order.swapaxes(-1, -2))
        if isinstance(left, Fixed) or right.array.ndim != 2:
            raise NoLayer("only a product with a table of weights can be read as a layer")
        return self.dense(left, self.weight(right).T)

    def dense(self, value: Value, weight: Array, bias: Array | None = None) -> Live:
        """Add a dense layer on all values of a sample, or on the channels at each place."""
        if bias is not None and prod(bias.shape[:-1]) > 1:
            raise NoLayer("its bias differs from image to image")
        result = self._dense(self.live(value), weight)
        if bias is not None:
            self._add_bias(result.number, bias)
        return result

    def _dense(self, live: Live, weight: Array) -> Live:
        order, size = live.order, live.size
        if order.shape[-1] != weight.shape[1]:
            mismatch = f"its weights are {spell(weight.shape)}, which doesn't match its input"
            raise NoLayer(mismatch if live.is_as_ours else MIXED)
        channel_axis = live.channel_axis() if live.places > 1 else None
        if channel_axis is None and len(size) == 3 and order.shape[-1] == size[0]:
            by_channel = np.argsort(order.reshape(-1, size[0])[0])
            channel_axis = replace(live, laid=order[..., by_channel]).channel_axis()
            weight = weight if channel_axis is None else weight[:, by_channel]
        if channel_axis is not None and channel_axis.has_all(self.samples, live.places):
            number = self._at_each_place(live, weight)
            return self.lie(number, channel_axis.order(len(weight), live.places))
        columns = live.in_rows()
        if columns is None or sorted(columns.tolist()) != [*range(prod(size))]:
            return self._dense(self.settle(live, -1), weight)
        number = self.row.flat(live.number, self.op.place)
        turned = np.empty_like(weight)
        turned[:, columns] = weight
        added = self.row.add(Dense(len(weight)), number, self.op.place, {"weight": turned})
        lead = order.shape[:-1]
        return self.lie(added, ours((len(weight),), self.samples).reshape(*lead, len(weight)))

    def _at_each_place(self, live: Live, weight: Array) -> int:
        before = self.before(live)
        if before is not None and attention.is_unweighed(before) and len(weight) == len(weight.T):
            tensors = attention.with_output(before.layer, before.tensors, weight, None)
            self.row.layers.append(replace(before, tensors=tensors, place=self.op.place))
            self.row.sizes.append(self.row.sizes[live.number])
            return len(self.row.layers)
        layer = Conv(len(weight), (1, 1), row=is_sequence(live.size))
        tensors = {"weight": np.ascontiguousarray(weight[:, :, None, None])}
        return self.row.add(layer, live.number, self.op.place, tensors)

    def conv(self, value: Value, weight: Value, bias: Value, moves: Moves) -> Live:
        """Convolve over rows and columns, or over steps if the weights have three dimensions."""
        tensor, live = self.weight(weight), self.as_ours(value)
        if live.padding and live.padding.value:
            live = self.unpadded(live)
        if tensor.ndim not in (3, 4):
            raise NoLayer(f"its windows have {tensor.ndim - 2} dimensions: only 2 can be read")
        over_steps = tensor.ndim == 3
        tensor = tensor[:, :, None] if over_steps else tensor
        size, kernel = live.size, (tensor.shape[2], tensor.shape[3])
        row = over_steps or (kernel[0] == 1 and is_sequence(size) and self.way.steps)
        layer = _with_sides(Conv(len(tensor), kernel, **vars(moves), row=row), live)
        before = self.before(live)
        weighs = before is not None and attention.is_unweighed(before)
        if weighs and layer.kernel == layer.stride == (1, 1) and layer.groups == 1:
            number = self._at_each_place(live, tensor[:, :, 0, 0])
        else:
            try:
                layer = pad_conv(layer, live.padding, size)
            except GradbookError:  # a window that could cover padding alone
                unpadded = self.unpadded(live) if live.padding else live
                if unpadded is live:
                    raise
                return self.conv(unpadded, weight, bias, moves)
            is_fixed = bias is None and isinstance(weight, Fixed) and not weight.is_trained
            number = self.row.convolve(layer, live.number, self.op.place, tensor, fixed=is_fixed)
        if bias is not None:
            self._add_bias(number, self.weight(bias, "bias"))
        return self.windowed(live, number)

    def conv_back(self, value: Value, weight: Value, bias: Value, moves: Moves) -> Live:
        """Add a transposed convolution; every place of its output must be covered by a window."""
        kernel, live = self.weight(weight), self.as_ours(value)
        if not isinstance(moves.pad, str) and min(moves.pad) < 0:
            raise NoLayer("it adds rows or columns that no window covers (output_padding)")
        size = (kernel.shape[2], kernel.shape[3])
        layer = TransposedConv(kernel.shape[1] * moves.groups, size, **vars(moves))
        tensors = {"weight": kernel} | ({} if bias is None else {"bias": self.weight(bias, "bias")})
        return self.windowed(live, self.row.add(layer, live.number, self.op.place, tensors))

    def enlarge(self, value: Value, factors: Sequence[float]) -> Live:
        """Repeat each value down and across."""
        if len(factors) != 2 or any(by % 1 or by < 1 for by in factors):
            raise NoLayer("only maps that are enlarged by whole numbers can be read")
        rows, columns = map(int, factors)
        live = self.as_ours(value)
        return self.lie(self.row.add(Upsample((rows, columns)), live.number, self.op.place))

    def pool(self, value: Value, pool: Pool) -> Live:
        live = self.as_ours(value)
        layer = _with_sides(pool, live)
        layer = replace(layer, zeros=layer.zeros and layer.pad != NOWHERE)
        try:
            layer = pad_pool(layer, live.padding, live.size, self.row.layers[: live.number])
        except NoLayer:
            if live.padding is None or not isfinite(live.padding.value):
                raise
            return self.pool(self.unpadded(live), pool)
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
        channel_axis = live.any_channel_axis() if len(size) == 3 else None
        has_all = channel_axis is not None and channel_axis.has_all(self.samples, live.places)
        if channel_axis is None or not has_all or channel_axis.axis in over:
            return self._pool_some(live, kind, over, keeps)
        lengths = [n for axis, n in enumerate(order.shape) if axis not in over]
        together = np.moveaxis(order, over, range(-len(over), 0)).reshape(*lengths, -1)
        channels = together // live.places
        if together.shape[-1] != live.places or (channels != channels[..., :1]).any():
            return self._pool_some(live, kind, over, keeps)
        row = is_sequence(size) and not live.is_as_ours
        number = self.row.add(Pool(kind, None, row=row), live.number, self.op.place)
        channels = channels[..., 0]
        if keeps:
            return self.lie(number, np.expand_dims(channels, tuple(over)))
        return self.lie(self.row.flat(number, self.op.place), channels)

    def _pool_some(self, live: Live, kind: str, over: Sequence[int], keeps: bool) -> Value:
        """Pool over other axes than the places of each channel, by a layer with windows."""
        remaining = [axis for axis in range(1, len(live.shape)) if axis not in over]
        if len(remaining) not in (1, 2) or 0 in over or len(remaining) + len(over) > 3:
            raise NoLayer(WHOLE_AREA)
        settled = self.settle(live, remaining[0], in_row=len(remaining) == 1)
        if len(settled.size) != 3:
            raise NoLayer(WHOLE_AREA)
        _, rows, columns = settled.size
        if len(remaining) == 1:
            window = (rows, columns)
        else:
            window = (rows, 1) if over[0] < remaining[1] else (1, columns)
        number = self.row.add(Pool(kind, window, row=rows == 1), settled.number, self.op.place)
        lengths = [live.shape[axis] for axis in remaining]
        order = ours(self.row.sizes[number], self.samples).reshape(self.samples, *lengths)
        return self.lie(number, np.expand_dims(order, tuple(over)) if keeps else order)

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
        stored = {"scale": scale, "shift": shift, "mean": mean, "variance": variance}
        for word, array in stored.items():
            if array is not None:
                numbers = self.weight(array, word, noted=word in ("scale", "shift"))
                tensors[word] = self._along(live, numbers, axis)
        return self.each(BatchNorm(epsilon), live, tensors)

    def _along(self, live: Live, array: Array, axis: int) -> Array:
        """Convert numbers along an axis to one per channel."""
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

        `by_channel` prefers groups of channels where these suffice; `laid_out` is the shape whose
        axes these are, if it isn't the value's own.
        """
        live = self.whole(self.live(value))
        size, anew = live.size, live.order if laid_out is None else live.order.reshape(laid_out)
        try:
            groups = self._groups(replace(live, laid=anew), axes)
        except NoLayer:
            if laid_out is not None or len(axes) != 1 or live.has_channels_at(axes[0]):
                raise
            settled = self.settle(live, axes[0])
            return self.normalise(settled, axes, epsilon, scale, shift, by_channel)
        if laid_out is None and len(size) > 1 and len(axes) == 1 and live.has_channels_at(axes[0]):
            groups = 0  # the channels of a place, even if there is only one
        affine = [
            default if array is None else live.gather(array).reshape(size[0], -1)
            for array, default in ((scale, np.ones((size[0], 1))), (shift, np.zeros((size[0], 1))))
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
    def _affine(arrays: Sequence[Array]) -> dict[str, Array]:
        return dict(zip(("scale", "shift"), arrays, strict=True))

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
        affine = []
        for numbers in (scale, shift):
            if numbers is not None and numbers.size not in (groups, count):
                raise NoLayer(
                    f"it scales {count} channels by {numbers.size} numbers: the counts must be "
                    "equal"
                )
            repeated = None if numbers is None else np.repeat(numbers, count // numbers.size)
            affine.append(None if repeated is None else repeated.reshape(along))
        laid_out = (*live.shape[:axis], groups, count // groups, *live.shape[axis + 1 :])
        axes = [k for k in range(1, len(laid_out)) if k != axis]
        return self.normalise(live, axes, epsilon, affine[0], affine[1], True, laid_out)

    def _groups(self, live: Live, axes: Sequence[int]) -> int:
        """Count the groups of channels that these axes cover; 0 if they cover each place alone."""
        order = live.order
        over = {axis % order.ndim for axis in axes}
        if 0 in over and order.shape[0] > 1:
            raise NoLayer(MIXED)
        lengths = [1 if axis in over else n for axis, n in enumerate(order.shape)]
        numbers = np.broadcast_to(np.arange(prod(lengths)).reshape(lengths), order.shape)
        group_of = np.full(self.samples * prod(live.size), -1)
        group_of[order.ravel()] = numbers.ravel()
        count = len(np.unique(group_of))
        groups, remainder = divmod(count, self.samples)
        channels = live.size[0]
        if (group_of < 0).any() or remainder:
            raise NoLayer(SOME)
        if channels % groups == 0:
            alike = group_of.reshape(count, -1)
            if (alike == alike[:, :1]).all():
                return groups
        by_place = group_of.reshape(self.samples, channels, -1)
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
        factors = np.ones(live.size[0]) if scale is None else scale
        return self.each(RmsNorm(epsilon), live, {"scale": factors})

    def prelu(self, value: Value, slopes: Array) -> Live:
        """Add a PReLU with one slope for all, or one per channel."""
        live, shared = self.live(value), slopes.size == 1
        of_channels = self._of_channels(live, slopes)
        return self.each(PRelu(shared), live, {"slope": of_channels[:1] if shared else of_channels})

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
            piece = value.parts[int(chosen.item())]
            return piece if chosen.ndim else self.move(piece, lambda x: x[0])
        return self.move(value, lambda x: np.asarray(x.take(chosen, axis)))

    def embed(self, value: Value, table: Array) -> Live:
        """Look up a row of a table for each token of the input."""
        live, (count, width) = self.live(value), table.shape
        steps = self.row.sizes[0][-1]
        if not self.is_input(live) or live.shape != (self.samples, steps) or not self.way.tokens:
            raise NoLayer("only the tokens that come in can be looked up, each once")
        self.row.sizes[0] = (count, 1, steps)
        for name, entry in self.values.items():
            if isinstance(entry, Live) and entry.number == 0:
                order = ours((count, steps), self.samples)[:, 0]
                self.values[name] = replace(entry, size=self.row.sizes[0], laid=order)
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
        backwards: bool = False,
    ) -> tuple[Live, Callable[[], Live]]:
        """Return all states, in the input's layout and order, and a function for the last ones."""

        def turned(x: Any) -> Any:
            return np.flip(x, 0 if steps_first else 1) if backwards else x

        live = self.live(self.move(value, turned) if backwards else value)
        live = self._as_steps(live, steps_first)
        size, channel_axis = live.size, live.channel_axis()
        if channel_axis is None:
            raise NoLayer(NO_STEPS)
        layer = kind(stack.state_weight.shape[-1], all=True)
        layer = replace(layer, reset_before=reset_before) if isinstance(layer, Gru) else layer
        tensors = take_apart(layer, stack, gates.of(layer))
        number = self.row.add(layer, live.number, self.op.place, tensors)
        order = channel_axis.order(layer.width, size[2])
        last = order[-1:] if steps_first else order[:, -1][None]
        states = self.lie(number, order)
        in_order = self.live(self.move(states, turned)) if backwards else states
        return in_order, lambda: self._at_last(self.lie(number, last))

    def stacked(self, states: Sequence[Live]) -> Value:
        """Stack the last states of several layers or directions; None without any."""
        return self.concat(states, 0) if len(states) > 1 else next(iter(states), None)

    def _as_steps(self, live: Live, steps_first: bool) -> Live:
        """Return a sequence as gradbook has it, laid out as it is."""
        if live.order.ndim != 3:
            raise NoLayer(NO_STEPS)
        by_sample = replace(live, laid=live.order.swapaxes(0, 1)) if steps_first else live
        turned = replace(by_sample, laid=by_sample.order.swapaxes(1, 2))
        if len(live.size) == 3 and is_sequence(live.size) and turned.is_in_line:
            return live
        settled = self.settle(by_sample, -1)
        if not is_sequence(settled.size):
            raise NoLayer(NO_STEPS)
        return replace(settled, laid=settled.order.swapaxes(0, 1)) if steps_first else settled

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
        terms, arrow, out = equation.replace(" ", "").partition("->")
        names = terms.split(",")
        if not arrow or len(names) != 2 or "." in terms:
            raise NoLayer("only an einsum of two values, such as 'bqd,bkd->bqk', can be read")
        (first, second), (value, other) = names, values
        if isinstance(value, Fixed) and not isinstance(other, Fixed):
            first, second, value, other = second, first, other, value
        summed = [letter for letter in first if letter in second and letter not in out]
        alike = [letter for letter in first if letter in second and letter in out]
        left = [letter for letter in first if letter not in second]
        right = [letter for letter in second if letter not in first]
        if len(summed) != 1 or {*left, *right, *alike} != {*out} or len(out) != len({*out}):
            raise NoLayer("only an einsum that sums over one letter of both values can be read")
        if isinstance(other, Fixed) and (alike or len(right) != 1):
            raise NoLayer("only an einsum with a table of weights can be read")
        value = self.letters(value, first, [*alike, *left, *summed])
        other = self.letters(other, second, [*alike, *summed, *right])
        return self.letters(self.matmul(value, other), [*alike, *left, *right], [*out])

    def letters(self, value: Value, have: Sequence[str], wanted: Sequence[str]) -> Value:
        """Transpose axes that are named by letters."""
        if [*have] == [*wanted]:
            return value
        return self.move(value, lambda order: order.transpose([have.index(x) for x in wanted]))

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
        heads = attention.heads_of(self.live(values))
        parts = (scores.queries, scores.keys, heads)
        queries, keys, mixed = (self._projection(part.number) for part in parts)
        if len({queries.source, keys.source, mixed.source}) != 1:
            raise NoLayer(attention.TO_ITSELF)
        source, size = queries.source, self.row.sizes[queries.source]
        features, row = size[0], (size[0], 1, prod(size[1:]))
        if size != row:
            source = self.arrange(self.lie(source), np.arange(prod(row)).reshape(row))
        layer, tensors = attention.attention_of(scores, heads, (queries, keys, mixed), features)
        number = self.row.add(layer, source, self.op.place, tensors)
        self.used.extend(name for part in (queries, keys, mixed) for name in part.stored)
        return self.lie(number, attention.mixed_order(heads))

    def _projection(self, number: int) -> Projection:
        layer = self.row.layers[number - 1] if number else None
        if layer is not None and isinstance(layer.layer, BatchNorm) and number in self.row.scales:
            before = self._projection(layer.reads[0])
            scale, shift = self.row.scale_of(number)
            if (scale == scale[0]).all() and not shift.any():
                return replace(before, factor=before.factor * float(scale[0]))
            bias = shift if before.bias is None else before.bias * scale + shift
            return replace(before, weight=before.weight * scale[:, None], bias=bias)
        if layer is not None and isinstance(layer.layer, Numbered) and layer.layer.kind == "scale":
            before = self._projection(layer.reads[0])
            return replace(before, factor=before.factor * layer.layer.slope)
        if layer is None or not isinstance(layer.layer, Conv) or layer.layer.kernel != (1, 1):
            raise NoLayer(attention.NOT_OF_SUMS)
        if layer.layer.groups > 1 or layer.layer.stride != (1, 1) or layer.layer.pad != NOWHERE:
            raise NoLayer(attention.NOT_OF_SUMS)
        weight = layer.tensors["weight"][..., 0, 0]
        return Projection(layer.reads[0], weight, layer.tensors.get("bias"), layer.stored)


def _with_sides(layer: Windowed, live: Live) -> Windowed:
    """Replace the padding 'same' by numbers if all sides are equal."""
    if layer.pad != SAME or live.padding:
        return layer
    sides = layer.window(live.size).pad
    return replace(layer, pad=sides) if len(set(sides)) == 1 else layer
