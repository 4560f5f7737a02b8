"""The values of a graph's names while it is read, and the operators that only rearrange values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from gradbook import limits
from gradbook.formats.arranging import (
    is_complete,
    likely_channels,
    moves,
    order_of_a_sample,
    sample_axis,
)
from gradbook.formats.attention import Scores
from gradbook.formats.foreign import (
    Fixed,
    ForeignGraph,
    ForeignOp,
    Pieces,
    Table,
    Value,
    fixed,
    numbers_of,
)
from gradbook.formats.imported import NoLayer, NoReader, Refusals
from gradbook.formats.layer_list import LayerList
from gradbook.formats.layouts import ELSEWHERE, MOST_PLACED, Live, Order, WayIn, ours
from gradbook.formats.regions import Readers
from gradbook.graph.names import is_sequence
from gradbook.graph.node import OPS, Array
from gradbook.graph.window import Shape
from gradbook.layers.activations import Activation
from gradbook.layers.card import Layer, spell
from gradbook.layers.sequences import Recurrent
from gradbook.layers.sums import Conv

NO_SCORES = "it computes something from attention scores that can't be read"
NO_ACTIVATION = "gradbook has no activation that computes this: use another"
NO_LAYER = "gradbook has no such layer"
ONE_PIECE = "the last states of several layers can be read only one at a time"
UNKNOWN = "its input isn't known"
OTHER_AXES = "it rearranges axes that its input doesn't have"
MOST_MADE = 2**22  # numbers that an operator may make of constants
TOO_MANY = f"at most {MOST_MADE:,} numbers can be computed"


def require_room(count: int) -> None:
    """Refuse to make more values than can be followed."""
    if count > MOST_PLACED:
        raise NoLayer(f"it makes {count:,} values: at most {MOST_PLACED:,} can be followed")


@dataclass(kw_only=True)
class KnownValues:
    """The layers so far, and the values computed by them or from the file's constants."""

    graph: ForeignGraph
    table: Table
    way: WayIn
    samples: int
    refusals: Refusals
    row: LayerList
    values: dict[str, Value] = field(default_factory=dict)
    readers: Readers
    op: ForeignOp = field(init=False)  # the operator that is being read
    used: list[str] = field(default_factory=list)  # the file's names of the weights that it reads
    asks_for_sizes: bool = False  # true if the number of samples may change the result
    left: int = limits.VALUES.most  # how many more numbers may be computed
    counted: set[int] = field(default_factory=set)  # arrays that count already
    bare: dict[int, str] = field(default_factory=dict)  # normalisations without scale or shift
    left_out: list[str] = field(default_factory=list)  # operators that do nothing in inference
    arranged: dict[object, int] = field(default_factory=dict)  # values in another order

    def put(self, name: str, value: Value) -> None:
        """Set a name's value; computed numbers count towards the limit, rearranged ones don't."""
        if isinstance(value, Fixed):
            base = value.array if value.array.base is None else value.array.base
            self.left -= 0 if id(base) in self.counted else value.array.size
            self.counted.add(id(base))
            if self.left < 0:
                raise NoLayer(f"it makes more than {limits.VALUES}, the most that can be read")
        self.values[name] = value

    def lie(self, number: int, order: Order | None = None) -> Live:
        """Return the value with this number; without an order, it has gradbook's."""
        return Live(number, self.row.sizes[number], order, self.samples)

    def live(self, value: Value) -> Live:
        if isinstance(value, Scores):
            raise NoLayer(NO_SCORES)
        if not isinstance(value, Live):
            raise NoLayer(UNKNOWN)
        return value

    def weight(self, value: Value, what: str = "weight", noted: bool = True) -> Array:
        """Return a stored tensor; layers with the same stored names share their weights."""
        if not isinstance(value, Fixed):
            raise NoLayer(f"its {what} is computed: only stored tensors can be weights")
        self.used.extend(value.names if noted else ())
        return np.asarray(value.array, np.float64)

    def weights(self, **values: Value) -> dict[str, Array]:
        """Return the tensors that aren't None, by gradbook's names."""
        return {
            name: self.weight(value, name) for name, value in values.items() if value is not None
        }

    def whole_numbers(self, value: Value) -> tuple[int, ...]:
        """Read sizes, sides or axes from a constant."""
        if not isinstance(value, Fixed):
            raise NoLayer(UNKNOWN)
        numbers = value.array.ravel()
        many = len(numbers) > limits.SIDES.most
        if many or (numbers % 1).any():
            raise NoLayer("its sizes must be a few whole numbers")
        return tuple(map(int, numbers))

    def as_ours(self, value: Value) -> Live:
        """Return a value whose elements are in gradbook's order, whatever its axes."""
        live = self.live(value)
        size = live.shape[1:]
        wanted = (size[0], 1, size[1]) if len(size) == 2 else size
        if live.is_in_line and (len(wanted) != 3 or wanted == live.size):
            return live
        return self.settle(live, 1)

    def settle(self, live: Live, channels: int, in_row: bool = False) -> Live:
        """Add the layers that put a value's elements in the order of the file, with the channels
        along this axis; two other axes are rows and columns unless they are put `in_row`, a single
        one is of steps."""
        at = sample_axis(live)
        if at:
            by_sample = replace(live, laid=np.moveaxis(live.order, at, 0))
            axis = channels % len(live.shape)
            settled = self.settle(by_sample, axis + (axis < at), in_row)
            return replace(settled, laid=np.moveaxis(settled.order, 0, at))
        sample_order = order_of_a_sample(live)
        axis = channels % len(live.shape) - 1
        if sample_order is None or axis < 0:
            raise NoLayer(ELSEWHERE)
        turned = np.moveaxis(sample_order, axis, 0)
        count, *area = turned.shape
        is_row = in_row or len(area) < 2
        rows, columns = (1, prod(area)) if is_row else (area[0], prod(area[1:]))
        size = (count, rows, columns) if area else (count,)
        number = self.arrange(live, turned.reshape(size))
        order = ours(size, self.samples).reshape(self.samples, count, *area)
        return self.lie(number, np.moveaxis(order, 1, axis + 1))

    def arrange(self, live: Live, wanted: Order) -> int:
        """Add the layers that make a value whose elements come from these places of another."""
        if live.padding or (self.way.tokens and not live.number):
            raise NoLayer(ELSEWHERE)
        key = (live.number, wanted.shape, wanted.tobytes())
        if key not in self.arranged:
            layers = moves(live.size, wanted)
            if layers is None:
                raise NoLayer(ELSEWHERE)
            number = live.number
            for layer in layers:
                number = self.row.add(layer, number, self.op.place)
            self.arranged[key] = number
        return self.arranged[key]

    def whole(self, live: Live) -> Live:
        """Return a value that has each element exactly once."""
        return live if is_complete(live) else self.settle(live, likely_channels(live))

    def before(self, live: Live) -> Any:
        """Return the layer that makes it, if there is one."""
        return self.row.layers[live.number - 1] if live.number else None

    def each(self, layer: Layer, value: Value, tensors: Mapping[str, Array] | None = None) -> Live:
        """Add an elementwise layer, whose result keeps the layout of the value."""
        live = self.whole(self.live(value))
        number = self.row.add(layer, live.number, self.op.place, tensors)
        return self.lie(number, live.laid)

    def is_input(self, live: Live) -> bool:
        """Whether it is the input, before any layer."""
        return not live.number and not self.row.layers

    def sizes_of(self, value: Value) -> Fixed:
        """Return its shape; the number of samples is one of those that are tried."""
        self.asks_for_sizes |= self.graph.batch is None and not isinstance(value, Fixed)
        shape = value.array.shape if isinstance(value, Fixed) else value.shape
        return Fixed(np.array(shape, np.int64))

    def activate(self, value: Value, layer: Activation) -> Value:
        if isinstance(value, Fixed) and not layer.is_softmax:
            return fixed(OPS[layer.word].value(value.array, *layer.settings.values()), value)
        return self.each(layer, value)

    def compute(
        self, function: Callable[..., Any], *values: Value, why: str = NO_ACTIVATION
    ) -> Fixed:
        """Compute an elementwise function of constants; alone it isn't a layer."""
        numbers = numbers_of(values)
        if numbers is None:
            if any(isinstance(value, Scores) for value in values):
                raise NoLayer(NO_SCORES)
            raise NoReader(why)
        shape = np.broadcast_shapes(*(array.shape for array in numbers))
        largest = max(array.size for array in numbers)
        return self.constant(shape, lambda _: function(*numbers), *values, most=largest)

    @staticmethod
    def constant(
        shape: Shape, make: Callable[[Shape], Any], *of: Value, most: int = MOST_MADE
    ) -> Fixed:
        """Make numbers of a shape, unless there are too many."""
        if min(shape, default=0) < 0 or prod(shape) > max(most, MOST_MADE):
            raise NoLayer(f"it makes an array of {spell(shape)}: {TOO_MANY}")
        return fixed(make(shape), *of)

    # Operators that only rearrange values.

    def repeat(self, value: Value, times: int, axis: int) -> Value:
        """Repeat each value along an axis."""
        require_room(prod(self.shape_of(value)) * times)
        return self.move(value, lambda x: np.repeat(x, times, axis))

    def tile(self, value: Value, times: Sequence[int]) -> Value:
        """Repeat a value as a whole, so many times along each axis."""
        require_room(prod(self.shape_of(value)) * prod(times))
        return self.move(value, lambda x: np.tile(x, times))

    def expand(self, value: Value, target: Shape) -> Value:
        """Repeat along axes of size 1."""
        require_room(prod(target))
        return self.move(value, lambda x: np.broadcast_to(x, target))

    def move(self, value: Value, turned: Callable[[Any], Any]) -> Value:
        """Rearrange a value by applying the function to the numbers of its elements."""
        try:
            if isinstance(value, Fixed):
                array = turned(value.array)
                if array.size > max(MOST_MADE, value.array.size):
                    raise NoLayer(TOO_MANY)
                return fixed(array, value)
            live = self.live(value)
            order = np.asarray(turned(live.order))
        except (ValueError, IndexError) as error:
            raise NoLayer(OTHER_AXES) from error
        if not order.size:
            raise NoLayer("its result is empty")
        return self._at_last(replace(live, laid=order))

    def _at_last(self, live: Live) -> Live:
        """Return the value, or the last state of a recurrent layer if it is all that is left."""
        before, size, order = self.before(live), live.size, live.order
        if before is None or not isinstance(before.layer, Recurrent) or len(size) < 3:
            return live
        if order.size != self.samples * size[0] or (order % size[2] != size[2] - 1).any():
            return live
        self.row.layers.append(replace(before, layer=replace(before.layer, all=False)))  # type: ignore[type-var]
        self.row.sizes.append(size[:1])
        return self.lie(len(self.row.layers), order // size[2])

    def sliced(self, value: Value, cuts: Sequence[slice]) -> Value:
        """Keep some of the places along each axis."""
        if isinstance(value, Live):
            uncut = [
                cut.indices(count) == (0, count, 1)
                for cut, count in zip(cuts, value.shape, strict=True)
            ]
            if uncut.count(False) == 1 and not uncut[-1] and self._ends_in_steps(value):
                start, stop, step = cuts[-1].indices(value.shape[-1])
                short = self._cut(value, start, stop) if step == 1 else None
                if short is not None:
                    return short
        return self.move(value, lambda x: x[tuple(cuts)])

    def _ends_in_steps(self, live: Live) -> bool:
        return is_sequence(live.size) and len(live.size) == 3 and live.is_in_line

    def _cut(self, live: Live, start: int, stop: int) -> Live | None:
        """Drop surplus steps of a convolution by reducing its padding."""
        conv, size = self.before(live), live.size
        if conv is None or not isinstance(conv.layer, Conv):
            return None
        window = conv.layer.window(self.row.sizes[conv.reads[0]])
        top, left, below, right = window.pad
        before, after = start, size[2] - stop
        if window.stride[1] != 1 or before > left or after > right:
            return None
        layer = replace(conv.layer, pad=(top, left - before, below, right - after))
        self.row.layers.append(replace(conv, layer=layer))
        self.row.sizes.append((*size[:2], stop - start))
        return self.windowed(live, len(self.row.layers))

    def split(self, value: Value, axis: int, sizes: Sequence[int]) -> tuple[Value, ...]:
        """Split along an axis into parts of these sizes."""
        ends = np.cumsum([0, *sizes]).tolist()

        def part(first: int, last: int) -> Callable[[Any], Any]:
            return lambda x: np.take(x, range(first, last), axis)

        if ends[-1] != self.shape_of(value)[axis]:
            raise NoLayer("its parts don't add up to the length that it splits")
        return tuple(self.move(value, part(*bounds)) for bounds in pairwise(ends))

    def shape_of(self, value: Value) -> Shape:
        if not isinstance(value, Fixed | Live | Scores):
            raise NoLayer(UNKNOWN)
        return value.array.shape if isinstance(value, Fixed) else value.shape

    def flatten(self, value: Value, axis: int = 1) -> Value:
        """Flatten each sample."""
        shape = self.shape_of(value)
        return self.reshape(value, (prod(shape[:axis]), -1))

    def reshape(self, value: Value, target: Sequence[int]) -> Value:
        """Reshape; one size may be open (-1)."""
        target = tuple(target)
        if isinstance(value, Scores):
            stated = prod(n for n in target if n != -1) or 1
            return value.laid_out(
                tuple(prod(value.shape) // stated if n == -1 else n for n in target)
            )
        if isinstance(value, Live) and value.is_as_ours:
            size = value.size
            sizes = tuple(prod(size) if x == -1 else x for x in target[1:])
            if target[:1] in ((-1,), (self.samples,)) and sizes == (prod(size),):
                return self.lie(self.row.flat(value.number, self.op.place))
            is_picture = len(target) == 4 and len(size) < 3
            if is_picture and self.is_input(value) and min(sizes) > 0 and prod(sizes) == prod(size):
                self.row.sizes[0] = sizes
                return self.lie(0)
        return self.move(value, lambda x: x.reshape(target))

    def concat(self, values: Sequence[Value], axis: int) -> Value:
        """Concatenate values in the given order."""
        numbers = numbers_of(values)
        if numbers is not None:
            total = sum(array.size for array in numbers)
            return self.constant((total,), lambda _: np.concatenate(numbers, axis), *values)
        axis %= len(next(value.shape for value in values if isinstance(value, Live)))
        if any(isinstance(value, Fixed) for value in values):
            return self._beside_constants(values, axis)
        several = [self.live(value) for value in values]
        if axis == 0:
            if all(live.shape[0] == 1 for live in several):
                return Pieces(tuple(several))
            raise NoLayer("only channels (axis 1) can be concatenated")
        several = self._with_channels_at(several, axis)
        number = self.row.side_by_side([live.number for live in several], self.op.place)
        if len(several) == 1 or (axis == 1 and all(live.is_as_ours for live in several)):
            return self.lie(number, None if len(several) > 1 else several[0].laid)
        per_sample, orders, first = prod(self.row.sizes[number]), [], 0
        for live in several:
            of_a_sample = prod(live.size)
            orders.append(live.order // of_a_sample * per_sample + first + live.order % of_a_sample)
            first += of_a_sample
        return self.lie(number, np.concatenate(orders, axis))

    def _with_channels_at(self, several: Sequence[Live], axis: int) -> list[Live]:
        """Return values that have all their channels along an axis, at the same places."""
        axes = [live.channel_axis(axis) for live in several]
        first = axes[0]
        if first is not None and all(
            along is not None
            and np.array_equal(along.places, first.places)
            and np.array_equal(along.samples, first.samples)
            and (is_complete(live) and live.size[1:] == several[0].size[1:])
            for along, live in zip(axes, several, strict=True)
        ):
            return list(several)
        return [self.settle(live, axis) for live in several]

    def _beside_constants(self, values: Sequence[Value], axis: int) -> Value:
        raise NotImplementedError

    def windowed(self, live: Live, number: int) -> Live:
        """Return a window's result, with as many axes as its input."""
        size = self.row.sizes[number]
        if len(live.shape) == 4:
            return self.lie(number)
        over_steps = ours(size, self.samples).reshape(self.samples, size[0], size[2])
        return self.lie(number, over_steps)
