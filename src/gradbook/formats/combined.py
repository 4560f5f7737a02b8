"""Combines values with each other and with constants, applies functions to them, and pads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isclose, prod
from typing import Any, Literal

import numpy as np

from gradbook.formats import attention
from gradbook.formats.arranging import ALONG, is_complete, likely_channels, order_of_a_sample
from gradbook.formats.attention import MASKED, OTHER_MASK, Scores
from gradbook.formats.foreign import Fixed, Missing, Value, fixed, numbers_of
from gradbook.formats.imported import STEEPER, NoLayer
from gradbook.formats.known_values import NO_SCORES, KnownValues, require_room
from gradbook.formats.layer_list import READ_BY_WINDOWS, by_channel, join_paddings
from gradbook.formats.layouts import DIFFERENT, Live, Padding, ours
from gradbook.graph.names import is_sequence
from gradbook.graph.node import Array
from gradbook.graph.window import Sides
from gradbook.layers.activations import SELU_ALPHA, SELU_SCALE, Activation, Numbered
from gradbook.layers.arranging import Pick
from gradbook.layers.norms import GroupNorm, LayerNorm
from gradbook.layers.sequences import Attention, PositionEmbedding

OTHER_ARITHMETIC = "only sums, differences and products, or quotients by constants, can be read"
Sign = Literal["+", "-", "*", "/"]


def divide(x: Any, y: Any) -> Any:
    """Divide like other programs: integers are rounded towards 0."""
    are_integers = np.asarray(x).dtype.kind in "iu" and np.asarray(y).dtype.kind in "iu"
    return np.trunc(np.divide(x, y)).astype(np.int64) if are_integers else np.divide(x, y)


ARITHMETIC: Mapping[Sign, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": divide,
}


class CombinedValues(KnownValues):
    """Adds layers for operations on values, and on values and constants."""

    def arithmetic(self, sign: Sign, left: Value, right: Value) -> Value:
        """Add or multiply two values, or a value and constants."""
        if isinstance(left, Fixed) and isinstance(right, Fixed):
            return self.compute(ARITHMETIC[sign], left, right)
        if isinstance(left, Fixed) and sign in "+*":
            left, right = right, left
        if isinstance(left, Scores):
            if not isinstance(right, Fixed):
                raise NoLayer(NO_SCORES)
            return self._combine_scores(left, sign, self.weight(right))
        if isinstance(right, Scores):
            raise NoLayer(OTHER_MASK if isinstance(left, Fixed) else NO_SCORES)
        if isinstance(left, Live) and isinstance(right, Live) and sign != "/":
            if sign == "-":
                right = self.activate(right, Numbered("scale", -1))
            return self._product(left, right) if sign == "*" else self._sum(left, right)
        if isinstance(left, Fixed) and isinstance(right, Live) and sign == "-":
            turned = self.activate(right, Numbered("scale", -1))
            return self._combine(turned, "+", self.weight(left))
        if not isinstance(left, Live) or not isinstance(right, Fixed):
            raise NoLayer(OTHER_ARITHMETIC)
        return self._combine(left, sign, self.weight(right))

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
        """Give two values the same size and order; one of them may be repeated for it."""
        same = first.laid is second.laid or np.array_equal(first.order, second.order)
        if first.size == second.size and same and is_complete(first):
            return first, second
        try:
            orders = np.broadcast_arrays(first.order, second.order)
        except ValueError:
            raise NoLayer(DIFFERENT) from None
        left, right = (
            replace(live, laid=order) if live.order.shape != order.shape else live
            for live, order in zip((first, second), orders, strict=True)
        )
        complete = [live for live in (left, right) if is_complete(live)]
        of_steps = [live for live in complete if live.order.ndim == 3 and live.channel_axis()]
        model = (*of_steps, *complete, None)[0] or self.settle(left, likely_channels(left))
        return self._as(model, left), self._as(model, right)

    def _as(self, model: Live, live: Live) -> Live:
        """Return a value with the size and the order of another."""
        if live.size == model.size and np.array_equal(live.order, model.order):
            return live
        order, model_order = order_of_a_sample(live), order_of_a_sample(model)
        if order is None or model_order is None:
            raise NoLayer(DIFFERENT)
        wanted = np.empty(prod(model.size), np.intp)
        wanted[model_order.ravel()] = order.ravel()
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
            layer = Numbered(kind, float(by))
            return self.lie(self.row.add(layer, live.number, self.op.place), live.laid)
        return self.lie(self.scale(live, scale, shift), live.laid)

    def _may_prepare(self, live: Live) -> bool:
        """Whether it may prepare the input: nothing but a flatten comes before it."""
        return self.row.prepares and all(layer.layer.passes_on for layer in self.row.layers)

    def _rescale(self, live: Live, sign: Sign, constant: Array) -> bool:
        """Merge constants into the normalisation before, if it has no scale or shift of its own."""
        name = {"*": "scale", "+": "shift"}.get(sign, "")
        before, missing = self.before(live), self.bare[live.number]
        if sign not in missing or name not in before.tensors or not self._is_alone(live.number):
            return False
        by_place = live.gather(constant).reshape(live.size[0], -1)
        layer, tensors = before.layer, dict(before.tensors)
        varied = bool((by_place != by_place[:, :1]).any())
        if varied and layer == GroupNorm(1, getattr(layer, "epsilon", 0)):
            layer = LayerNorm(layer.epsilon)
            tensors = {word: np.repeat(array, live.places) for word, array in tensors.items()}
        elif varied and not isinstance(layer, LayerNorm):
            return False
        numbers = by_place.ravel() if isinstance(layer, LayerNorm) else by_place[:, 0]
        scaled = sign == "*"
        for word, array in tensors.items():
            if scaled or word == name:
                tensors[word] = array * numbers if scaled else array + numbers
        self.row.layers[live.number - 1] = replace(before, layer=layer, tensors=tensors)
        self.bare[live.number] = missing.partition(sign)[2]
        return True

    def _positioned(self, live: Live, vectors: Array) -> Live:
        """Add vectors to the steps, together with those that the preceding layer adds."""
        before = self.before(live)
        is_last = live.number == len(self.row.layers) and self._is_alone(live.number)
        if before is not None and type(before.layer) is PositionEmbedding and is_last:
            bias = before.tensors["bias"] + vectors
            self.row.layers[live.number - 1] = replace(before, tensors={"bias": bias})
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
        by_place = live.gather(constant).reshape(size[0], -1)
        return None if (by_place == by_place[:, :1]).all() else by_place.ravel()

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
        before_all = all(layer.layer.passes_on for layer in layers)
        alone = self._is_alone(number, *(range(number) if before_all else ()))
        unread = all(number not in layer.reads for layer in layers[number:])
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

    def where(self, condition: Value, chosen: Value, otherwise: Value) -> Value:
        """Read a mask over scores, or a replacement of missing numbers."""
        values = (condition, chosen, otherwise)
        if numbers_of(values) is not None:
            return self.compute(lambda c, x, y: np.where(np.asarray(c).astype(bool), x, y), *values)
        if isinstance(condition, Fixed) and isinstance(chosen, Fixed):
            turned = fixed(~np.asarray(condition.array).astype(bool), condition)
            return self.where(turned, otherwise, chosen)
        is_mask = isinstance(condition, Fixed) and isinstance(otherwise, Fixed)
        if is_mask and isinstance(chosen, Scores):
            if (np.asarray(otherwise.array) > MASKED).any():
                raise NoLayer(OTHER_MASK)
            return chosen.seen(condition.array)
        if not isinstance(condition, Missing) or not isinstance(otherwise, Live):
            raise NoLayer("Where can be read only as a replacement of missing numbers")
        return self.fill_in(otherwise, self.weight(chosen))

    def fill_in(self, value: Value, filling: Array) -> Live:
        live = self.live(value)
        return self.lie(self.row.fill_in(live.number, filling), live.laid)

    # Functions of single values.

    def _add_bias(self, number: int, bias: Array) -> None:
        layer = self.row.layers[number - 1]
        if isinstance(layer.layer, Attention):
            out = layer.tensors[f"{layer.layer.parts[-1]}_weight"][..., 0, 0]
            biases = np.broadcast_to(bias.ravel(), len(out)).copy()
            tensors = attention.with_output(layer.layer, layer.tensors, out, biases)
            self.row.layers[number - 1] = replace(layer, tensors=tensors)
        else:
            self.row.add_bias(number, bias)

    def _of_channels(self, live: Live, constant: Array) -> Array:
        """Return one number per channel from constants that broadcast."""
        if live.is_as_ours or constant.size == 1:
            return by_channel(constant, live.size)
        by_place = live.gather(constant).reshape(live.size[0], -1)
        if (by_place != by_place[:, :1]).any():
            raise NoLayer("it adds different numbers to the places of a channel")
        return np.asarray(by_place[:, 0])

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

    def larger(self, left: Value, right: Value, sign: Literal["+", "-"] = "+") -> Value:
        """Return x + max(0, y − x), the larger of two values; or x − max(0, x − y), the smaller."""
        numbers = numbers_of((left, right))
        if numbers is not None:
            return self.compute(np.maximum if sign == "+" else np.minimum, left, right)
        if isinstance(left, Fixed):
            left, right = right, left
        if isinstance(right, Fixed) and right.array.size == 1:
            bound = float(right.array.item())
            ends = (bound, np.inf) if sign == "+" else (-np.inf, bound)
            return self.clip(left, *ends)
        pair = (right, left) if sign == "+" else (left, right)
        beyond = self.activate(self.arithmetic("-", *pair), Activation("relu"))
        return self.arithmetic(sign, left, beyond)

    def padded(self, value: Value, widths: Sequence[tuple[int, int]], filling: float) -> Live:
        """Pad the axes of a sample with a constant, by separate layers."""
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
        shape = [n + sum(pair) for n, pair in zip(live.shape, widths, strict=True)]
        laid_out = self.lie(number, ours(size, self.samples).reshape(shape))
        return self.each(Numbered("shift", filling), laid_out) if filling else laid_out

    def unpadded(self, live: Live) -> Live:
        """Turn padding that no window uses into a separate layer."""
        assert live.padding is not None
        top, left, below, right = live.padding.sides
        sides = [(top, below)] * (len(live.shape) == 4) + [(left, right)]
        if len(live.shape) == 3 and (top or below):
            raise NoLayer(READ_BY_WINDOWS)
        widths = [(0, 0)] * (len(live.shape) - len(sides)) + sides
        return self.padded(replace(live, padding=None), widths, live.padding.value)

    def surround(
        self, value: Value, widths: Sequence[tuple[int, int]], mode: str, filling: float
    ) -> Value:
        """Pad axes with a number, or with values from inside by NumPy's modes; negative widths cut
        off."""
        live = self.live(value)
        if any(min(pair) < 0 for pair in widths):
            sides = zip(widths, live.shape, strict=True)
            inner = [slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in sides]
            live = self.live(self.sliced(live, inner))
            widths = [(max(a, 0), max(b, 0)) for a, b in widths]
        if mode != "constant":
            pairs = zip(live.shape, widths, strict=True)
            require_room(prod(n + a + b for n, (a, b) in pairs))
            return self.move(live, lambda order: np.pad(order, widths, mode))  # type: ignore[call-overload]
        if not any(map(any, widths)):
            return live
        if len(live.size) != 3 or any(map(any, widths[:2])):
            return self.padded(live, widths, filling)
        (top, below), (left, right) = widths[2:] if len(widths) == 4 else ((0, 0), widths[2])
        return self.pad(live, (top, left, below, right), filling)

    def pad(self, value: Value, sides: Sides, filling: float = 0.0) -> Live:
        """Keep padding around rows and columns until a window uses it."""
        live = self.live(value)
        if len(live.size) != 3:
            raise NoLayer("only padding around rows and columns can be read")
        return replace(live, padding=join_paddings(live.padding, Padding(sides, filling)))

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
        laid_out = self.lie(number, order)
        if not bias.any():
            return laid_out
        return self.each(PositionEmbedding(), laid_out, {"bias": bias.ravel()})


def _has_bias(tensors: Mapping[str, Array]) -> bool:
    """Whether its last sums have a bias."""
    if "weight" in tensors:
        return "bias" in tensors
    return any(bool(array.any()) for name, array in tensors.items() if name == "output_bias")
