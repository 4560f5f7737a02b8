"""Reads ONNX: the attributes of each operator, and its effect."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import isnan, nan, prod, sqrt
from pathlib import Path
from typing import Any

import numpy as np

from gradbook.formats.combined import Sign
from gradbook.formats.foreign import (
    Fixed,
    ForeignGraph,
    Missing,
    Operator,
    Settings,
    Table,
    Value,
    fixed,
)
from gradbook.formats.gates import KINDS as RECURRENT_KINDS
from gradbook.formats.gates import ONNX, GateStack
from gradbook.formats.growing_net import GrowingNet
from gradbook.formats.imported import ImportedNet, NoLayer, NoReader
from gradbook.formats.known_values import NO_LAYER
from gradbook.formats.layer_list import MOST_PLACES, Moves, places_up, require_counted
from gradbook.formats.layouts import Live, to_depth, to_space
from gradbook.formats.onnx.content import FLOATS, content_of, read_content
from gradbook.formats.own_files import read_own
from gradbook.formats.recogniser import read_graph
from gradbook.graph.node import Array
from gradbook.graph.ops import normal_share
from gradbook.graph.window import NOWHERE, SAME, Both, same_pad
from gradbook.layers.activations import Activation, Numbered
from gradbook.layers.card import spell
from gradbook.layers.pools import Pool
from gradbook.net.trained import TrainedNet
from gradbook.schema import (
    AnyNumber,
    AnyOf,
    Anything,
    Choice,
    FiniteNumber,
    IfThere,
    Kind,
    ListOf,
    Only,
    PlainText,
    Schema,
    SchemaError,
    Usually,
    WholeNumber,
)

TRAINING = "it is in training mode: export the network for inference"


def read_onnx(path: str | os.PathLike[str]) -> ImportedNet:
    """Read an .onnx file; everything without a layer here is reported at once."""
    graph = read_content(Path(path))
    return read_own(graph, partial(_written, graph.version)) or read_graph(
        graph, OPERATORS, os.fspath(path)
    )


def _written(opset: int, trained: TrainedNet, with_preparation: bool) -> ForeignGraph:
    from gradbook.formats.onnx.write import onnx_model

    return content_of(onnx_model(trained, opset, True, with_preparation, noted=False))


# Attributes of operators.


class ShortNumber(FiniteNumber):
    """A finite number with no more digits than ONNX's 32 bits have."""

    def read(self, value: object) -> float:
        return float(str(np.float32(super().read(value))))


def usual(value: object) -> IfThere:
    """Allow a setting only with its default."""
    return IfThere(Only(value))


OPERATORS = Table()
FLAG = Usually(WholeNumber(0, 1), 0)
ONCE = Usually(FiniteNumber(), 1.0)
AXIS = WholeNumber(-8, 7)
EPSILON = Usually(ShortNumber(0, 1), 1e-5)
SIDE = WholeNumber(0, MOST_PLACES)
SIDES = WholeNumber(-MOST_PLACES, MOST_PLACES)  # of padding; below 0, of what is cut off
COUNT = WholeNumber(1, 2**20)
GROUPS = Usually(COUNT, 1)
STEPS = Usually(ListOf(WholeNumber(1, MOST_PLACES), 1, 2), None)  # down and across
MOVES: Mapping[str, Kind] = {
    "kernel_shape": STEPS,
    "strides": STEPS,
    "dilations": STEPS,
    "auto_pad": Usually(Choice("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"), "NOTSET"),
    "pads": Usually(ListOf(SIDE, 2, 4), None),
}
POOL: Mapping[str, Kind] = {
    **MOVES,
    "kernel_shape": ListOf(WholeNumber(1, MOST_PLACES), 1, 2),
    "ceil_mode": FLAG,
    "count_include_pad": FLAG,
}
UNUSED = IfThere(Anything())  # for training, or for an output that isn't read
RECURRENT: Mapping[str, Kind] = {
    "direction": Usually(Choice("forward", "reverse", "bidirectional"), "forward"),
    "hidden_size": IfThere(WholeNumber(1)),
    "layout": usual(0),
}
GATES = ["Sigmoid", "Tanh"]
LINEAR: Mapping[str, Kind] = {
    "coefficients": ListOf(FiniteNumber(), 1),
    "intercepts": Usually(ListOf(FiniteNumber()), []),
    "post_transform": Usually(Choice("NONE", "LOGISTIC", "SOFTMAX"), "NONE"),
}
REDUCED = Schema(
    axes=Usually(ListOf(AXIS, 1, 4), None),
    keepdims=Usually(WholeNumber(0, 1), 1),
    noop_with_empty_axes=usual(0),
)

AXES = Schema(axes=Usually(ListOf(AXIS, 0, 8), None))
CASTS = Schema(to=WholeNumber(), saturate=UNUSED, round_mode=UNUSED)
BOOL = 9  # by ONNX's numbers of types
NUMBER = FiniteNumber()
SIGNS: Mapping[str, Sign] = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}
ACTIVATIONS = {
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Mish": "mish",
    "HardSwish": "hard swish",
}


# Sums.


@OPERATORS.add("Gemm", inputs=3, alpha=ONCE, beta=ONCE, transA=FLAG, transB=FLAG)
def gemm(net: GrowingNet, attrs: Settings, x: Value, weight: Value, bias: Value = None) -> Value:
    if attrs["transA"] or isinstance(x, Fixed):
        raise NoLayer("only its weights can be transposed")
    scaled = net.weight(weight) * attrs["alpha"]
    shift = None if bias is None else net.weight(bias, "bias") * attrs["beta"]
    return net.dense(x, scaled if attrs["transB"] else scaled.T, shift)


@OPERATORS.add("Conv", inputs=3, windowed=True, **MOVES, group=GROUPS)
def conv(net: GrowingNet, attrs: Settings, x: Value, weight: Value, bias: Value = None) -> Value:
    live, kernel = net.live(x), net.shape_of(weight)[2:]
    return net.conv(live, weight, bias, _moves(attrs, kernel, live))


@OPERATORS.add(
    "ConvTranspose",
    inputs=3,
    **MOVES,
    group=GROUPS,
    output_padding=Usually(ListOf(SIDE, 2, 2), (0, 0)),
)
def conv_back(
    net: GrowingNet, attrs: Settings, x: Value, weight: Value, bias: Value = None
) -> Value:
    live, kernel = net.live(x), net.shape_of(weight)[2:]
    if len(kernel) != 2 or attrs["auto_pad"] not in ("NOTSET", "VALID"):
        raise NoLayer(
            "only transposed convolutions over rows and columns with explicit pads can be read"
        )
    moves, (rows, columns) = _moves(attrs, kernel, live), attrs["output_padding"]
    assert not isinstance(moves.pad, str)
    top, left, below, right = moves.pad
    moves = replace(moves, pad=(top, left, below - rows, right - columns))
    return net.conv_back(live, weight, bias, moves)


def _moves(attrs: Settings, kernel: Sequence[int], live: Live) -> Moves:
    """Read how windows of this size lie on a map; steps are columns of one row here."""
    along = len(kernel) == 1

    def pair(name: str, usual: Sequence[int]) -> Both:
        numbers = attrs[name] or usual
        if len(numbers) != len(kernel):
            raise _not_so_long(name, len(kernel), numbers)
        return _size(numbers)

    size = _size(kernel)
    if pair("kernel_shape", kernel) != size:
        has, stated = spell(size), spell(pair("kernel_shape", kernel))
        raise NoLayer(f"its weights are for windows of {has}, but its kernel_shape is {stated}")
    stride, dilation = (pair(name, (1, 1)[: len(kernel)]) for name in ("strides", "dilations"))
    sides = attrs["pads"] or (0, 0, 0, 0)[: 2 * len(kernel)]
    if len(sides) != 2 * len(kernel):
        raise _not_so_long("pads", 2 * len(kernel), sides)
    pad: Any = (0, sides[0], 0, sides[1]) if along else tuple(sides)
    match attrs["auto_pad"]:
        case "SAME_UPPER":
            pad = SAME
        case "SAME_LOWER":  # the larger share of uneven padding comes first
            top, left, below, right = same_pad(size, stride, dilation, live.size[1:])
            pad = (below, right, top, left)
        case "VALID":
            pad = NOWHERE
    return Moves(stride, pad, dilation, attrs.get("group", 1))


def _size(kernel: Sequence[int]) -> Both:
    return (1, kernel[0]) if len(kernel) == 1 else (kernel[0], kernel[1])


def _not_so_long(name: str, count: int, numbers: Sequence[int]) -> SchemaError:
    return SchemaError(f"its {name} is a list of {count}, not a list of {len(numbers)}")


@OPERATORS.add(
    "Resize",
    inputs=4,
    mode=Usually(PlainText(), "nearest"),
    coordinate_transformation_mode=Usually(
        Choice("half_pixel", "asymmetric", "pytorch_half_pixel"), "half_pixel"
    ),
    nearest_mode=Usually(PlainText(), "round_prefer_floor"),
    antialias=usual(0),
    exclude_outside=usual(0),
    keep_aspect_ratio_policy=usual("stretch"),
    **dict.fromkeys(("cubic_coeff_a", "extrapolation_value"), UNUSED),
)
def resize(net: GrowingNet, attrs: Settings, x: Value, *targets: Value) -> Value:
    """Enlarge by a factor, or to a size, by repeating each value."""
    _, scales, to = (*targets, None, None, None)[:3]  # after the region of interest
    is_asymmetric = attrs["coordinate_transformation_mode"] == "asymmetric"
    modes = ("floor",) if is_asymmetric else ("round_prefer_floor", "round_prefer_ceil")
    if attrs["mode"] != "nearest" or attrs["nearest_mode"] not in modes:
        raise NoLayer("only maps whose values are repeated (nearest) can be read")
    if to is None:
        factors = net.weight(scales, "scales").ravel().tolist()
    else:
        sizes = net.weight(to, "sizes").ravel().tolist()
        factors = [a / b for a, b in zip(sizes, net.live(x).shape, strict=True)]
    if factors[:2] != [1, 1]:
        raise NoLayer("only rows and columns can be enlarged")
    return net.enlarge(x, factors[2:])


@OPERATORS.add("LinearRegressor", inputs=1, **LINEAR, targets=IfThere(WholeNumber(1)))
def linear(net: GrowingNet, attrs: Settings, x: Value) -> Value:
    """Read linear sums: for classes, or as the predicted numbers."""
    live, ends = net.live(x), attrs["post_transform"]
    weight = np.array(attrs["coefficients"]).reshape(-1, prod(live.size))
    bias = np.array(attrs["intercepts"] or [0.0] * len(weight))
    if bias.shape != weight.shape[:1] or (ends == "SOFTMAX" and len(weight) < 2):
        raise NoLayer("its coefficients and intercepts don't fit each other")
    if attrs.get("targets", len(weight)) != len(weight):
        raise NoLayer(f"its targets are {attrs['targets']}, but it has sums for {len(weight)}")
    if len(weight) == 1 and net.op.word == "LinearClassifier" and ends != "LOGISTIC":
        raise NoLayer("its output isn't a probability: export it with probabilities")
    result = net.dense(live, weight, bias)
    kind = {"LOGISTIC": "sigmoid", "SOFTMAX": "softmax"}.get(ends)
    return result if kind is None else net.each(Activation(kind), result)


@OPERATORS.add(
    "LinearClassifier",
    inputs=1,
    **LINEAR,
    **dict.fromkeys(("classlabels_ints", "classlabels_strings", "multi_class"), UNUSED),
)
def classify(net: GrowingNet, attrs: Settings, x: Value) -> tuple[None, Value]:
    return None, linear(net, attrs, x)


@OPERATORS.add("Scaler", inputs=1, offset=ListOf(NUMBER, 1), scale=ListOf(NUMBER, 1))
def scale(net: GrowingNet, attrs: Settings, x: Value) -> Value:
    live = net.live(x)
    offset, by = (np.array(attrs[name]) for name in ("offset", "scale"))
    if {len(live.size), *map(len, (offset, by))} - {1, live.size[0]}:
        raise NoLayer(
            f"it scales {spell(live.size)} values by {len(by)} numbers: the counts must be equal"
        )
    by, offset = (np.broadcast_to(numbers, live.size) for numbers in (by, offset))
    return net.lie(net.scale(live, by, -offset * by), live.laid)


# Windows and normalisation.


@OPERATORS.add("MaxPool", inputs=1, windowed=True, **POOL, storage_order=UNUSED)
@OPERATORS.add("AveragePool", inputs=1, windowed=True, **POOL)
def pool(net: GrowingNet, attrs: Settings, x: Value) -> Value:
    live, kernel = net.live(x), attrs["kernel_shape"]
    if len(net.op.makes) > 1:
        raise NoReader("only the largest values can be read, not their places")
    moves = _moves(attrs, kernel, live)
    if len(live.shape) != len(kernel) + 2:
        raise NoLayer(f"its windows have {len(kernel)} dimensions, its input {len(live.shape) - 2}")
    kind = "max" if net.op.word == "MaxPool" else "avg"
    ceil, zeros = bool(attrs["ceil_mode"]), kind == "avg" and bool(attrs["count_include_pad"])
    layer = Pool(kind, _size(kernel), moves.stride, moves.pad, moves.dilation, ceil, zeros)
    if ceil:
        require_counted(places_up(layer, live.size), layer, live.size)
    return net.pool(live, layer)


@OPERATORS.add("GlobalAveragePool", "GlobalMaxPool", inputs=1)
def pool_all(net: GrowingNet, attrs: Settings, x: Value) -> Value:
    kind = "max" if "Max" in net.op.word else "avg"
    return net.pool_all(x, kind, range(2, len(net.live(x).shape)))


@OPERATORS.add("ReduceMean", reduces=True, inputs=2, **REDUCED.kinds)
@OPERATORS.add("ReduceMax", inputs=2, **REDUCED.kinds)
def reduce(net: GrowingNet, attrs: Settings, x: Value, over: Value = None) -> Value:
    kind = "max" if "Max" in net.op.word else "avg"
    axes = attrs["axes"] or net.whole_numbers(over)
    return net.pool_all(x, kind, axes, bool(attrs["keepdims"]))


@OPERATORS.add("ReduceProd", inputs=2, **REDUCED.kinds)
def product_of_all(net: GrowingNet, attrs: Settings, x: Value, over: Value = None) -> Value:
    axes = attrs["axes"] or (None if over is None else net.whole_numbers(over))
    axes = axes if axes is None else tuple(axes)
    keeps = bool(attrs["keepdims"])
    return net.compute(lambda numbers: np.prod(numbers, axes, keepdims=keeps), x)


@OPERATORS.add(
    "Pad",
    windowed=True,
    inputs=4,
    mode=Usually(Choice("constant", "reflect", "edge", "wrap"), "constant"),
    pads=Usually(ListOf(WholeNumber(-MOST_PLACES, MOST_PLACES), 2, 8), None),
    value=Usually(NUMBER, 0.0),
)
def pad(
    net: GrowingNet,
    attrs: Settings,
    x: Value,
    sides: Value = None,
    fill: Value = None,
    axes: Value = None,
) -> Value:
    pads, value, live = attrs["pads"], attrs["value"], net.live(x)
    if pads is None:
        pads = [SIDES.read(side) for side in net.whole_numbers(sides)]
        numbers = np.zeros(1) if fill is None else net.weight(fill, "value")
        if numbers.size != 1:
            raise NoLayer(f"it pads with {numbers.size} values: only one can be read")
        value = float(numbers.item())
    over = range(len(live.shape)) if axes is None else net.whole_numbers(axes)
    widths = [(0, 0)] * len(live.shape)
    for axis, before, after in zip(over, pads[: len(over)], pads[len(over) :], strict=True):
        widths[axis] = (before, after)
    return net.surround(live, widths, attrs["mode"], value)


@OPERATORS.add(
    "BatchNormalization",
    inputs=5,
    epsilon=EPSILON,
    training_mode=FLAG,
    momentum=UNUSED,
    spatial=usual(1),
)
def batchnorm(net: GrowingNet, attrs: Settings, x: Value, *tensors: Value) -> Value:
    if attrs["training_mode"]:
        raise NoReader(TRAINING)
    scale, shift, mean, variance = tensors
    return net.batchnorm(x, attrs["epsilon"], scale, shift, mean, variance)


@OPERATORS.add(
    "GroupNormalization", inputs=3, epsilon=EPSILON, num_groups=COUNT, stash_type=usual(1)
)
@OPERATORS.add("InstanceNormalization", inputs=3, epsilon=EPSILON)
def group_norm(net: GrowingNet, attrs: Settings, x: Value, scale: Value, shift: Value) -> Value:
    live = net.live(x)
    scales_later = not live.is_as_ours  # groups become channels, which are scaled afterwards
    factors, plus = (net.weight(value, noted=not scales_later) for value in (scale, shift))
    groups = attrs.get("num_groups", live.shape[1])
    result = net.group_norm(live, groups, attrs["epsilon"], factors, plus)
    if scales_later:
        net.bare[result.number] = "*+"
    return result


@OPERATORS.add(
    "LayerNormalization", inputs=3, epsilon=EPSILON, axis=Usually(AXIS, -1), stash_type=usual(1)
)
def layer_norm(
    net: GrowingNet, attrs: Settings, x: Value, scale: Value, shift: Value = None
) -> Value:
    live = net.live(x)
    tensors = net.weights(scale=scale, shift=shift)
    axes = range(attrs["axis"] % len(live.shape), len(live.shape))
    factors, plus = tensors["scale"], tensors.get("shift")
    return net.normalise(live, axes, attrs["epsilon"], factors, plus, by_channel=True)


# Sequences.


def usual_gates(*words: str) -> IfThere:
    """Allow the usual functions of gates, in one direction or in both."""
    return IfThere(AnyOf(Only([*words]), Only([*words, *words])))


@OPERATORS.add("RNN", inputs=6, **RECURRENT, activations=usual_gates("Tanh"))
@OPERATORS.add(
    "GRU", inputs=6, **RECURRENT, activations=usual_gates(*GATES), linear_before_reset=FLAG
)
@OPERATORS.add(
    "LSTM", inputs=8, **RECURRENT, activations=usual_gates(*GATES, "Tanh"), input_forget=usual(0)
)
def recur(
    net: GrowingNet,
    attrs: Settings,
    x: Value,
    input_weights: Value,
    state_weights: Value,
    biases: Value = None,
    lengths: Value = None,
    *initial: Value,
) -> tuple[Value, ...]:
    """Return the states at all steps, and the last one if it is read."""
    live = net.live(x)
    begin_at_0 = all(s is None or (isinstance(s, Fixed) and not s.array.any()) for s in initial)
    if not begin_at_0:
        raise NoLayer("only states that begin at 0, and gates that don't read cells, can be read")
    if lengths is not None and (net.weight(lengths, "sequence_lens") != live.shape[0]).any():
        raise NoLayer("only sequences of the same length can be read")
    tensors = net.weights(weight=input_weights, recurrent_weight=state_weights, bias=biases)
    weight, recurrent, bias = tensors["weight"], tensors["recurrent_weight"], tensors.get("bias")
    kind = RECURRENT_KINDS[net.op.word.lower()]
    rows = len(ONNX.of(kind(1))) * recurrent.shape[-1]
    directions = {"forward": (False,), "reverse": (True,)}.get(attrs["direction"], (False, True))
    _require_shapes(tensors, rows, live.shape[-1], len(directions), attrs.get("hidden_size"))
    names = [*net.op.makes, "", ""]
    if net.readers.count(names[2]):
        raise NoLayer("only its states can be read, not its cells")
    outputs, last_states = [], []
    for number, backwards in enumerate(directions):
        halves = () if bias is None else np.split(bias[number], 2)
        stack = GateStack(weight[number], recurrent[number], *halves)
        before = not attrs.get("linear_before_reset", 1)
        states, last = net.recur(live, kind, stack, ONNX, True, before, backwards)
        outputs.append(states)
        last_states += [last()] if net.readers.count(names[1]) else []

    def by_direction(order: Any) -> Any:
        return order.reshape(*order.shape[:2], len(directions), -1).swapaxes(1, 2)

    all_states = net.move(net.concat(outputs, -1), by_direction)
    return all_states, net.stacked(last_states)


def _require_shapes(
    tensors: Mapping[str, Array], rows: int, features: int, directions: int, hidden: int | None
) -> None:
    width = tensors["recurrent_weight"].shape[-1]
    need = ((directions, rows, features), (directions, rows, width), (directions, 2 * rows))
    shapes = [tensor.shape for tensor in tensors.values()]
    if shapes != [*need[: len(shapes)]] or hidden not in (None, width):
        has, fit = (", ".join(map(spell, group)) for group in (shapes, need))
        raise NoLayer(
            f"its weights are {has}, but {features} features and {width} states of hidden_size "
            f"need {fit}"
        )


@OPERATORS.add("Softmax", "LogSoftmax", inputs=1, axis=IfThere(AXIS))
def softmax(net: GrowingNet, attrs: Settings, x: Value) -> Value:
    """Read a softmax; before opset 13 it is over all axes from one on."""
    axis, shape = attrs.get("axis"), net.shape_of(x)
    if net.graph.version < 13:
        axis = (1 if axis is None else axis) % len(shape)
        if prod(shape[axis + 1 :]) > 1:
            raise NoLayer("its softmax is over several axes: only one can be read")
    kind = "softmax" if net.op.word == "Softmax" else "log softmax"
    return net.softmax(x, -1 if axis is None else axis, kind)


# Operators that only rearrange values.


@OPERATORS.add("Transpose", inputs=1, perm=Usually(ListOf(AXIS, 1, 8), []))
def transpose(net: GrowingNet, attrs: Settings, x: Value) -> Value:
    axes = attrs["perm"] or [*range(len(net.shape_of(x)))][::-1]
    return net.move(x, lambda order: order.transpose(axes))


@OPERATORS.add("Unsqueeze", inputs=2, **AXES.kinds)
def unsqueeze(net: GrowingNet, attrs: Settings, x: Value, at: Value = None) -> Value:
    axes = tuple(attrs["axes"] or ()) if at is None else net.whole_numbers(at)
    return net.move(x, lambda order: np.expand_dims(order, axes))


@OPERATORS.add("Squeeze", inputs=2, **AXES.kinds)
def squeeze(net: GrowingNet, attrs: Settings, x: Value, at: Value = None) -> Value:
    axes = tuple(attrs["axes"] or ()) if at is None else net.whole_numbers(at)
    ones = (k for k, n in enumerate(net.shape_of(x)) if n == 1)
    axes = axes or tuple(k for k in ones if k or isinstance(x, Fixed))
    return net.move(x, lambda order: order.squeeze(axes))


@OPERATORS.add("Flatten", inputs=1, axis=Usually(AXIS, 1))
def flatten(net: GrowingNet, attrs: Settings, x: Value) -> Value:
    return net.flatten(x, attrs["axis"])


@OPERATORS.add("Reshape", inputs=2, allowzero=IfThere(Anything()))
def reshape(net: GrowingNet, attrs: Settings, x: Value, to: Value) -> Value:
    sizes, shape = net.whole_numbers(to), net.shape_of(x)
    if 0 in sizes and attrs.get("allowzero"):
        raise NoLayer("it makes an array without values")
    target = (shape[k] if n == 0 and k < len(shape) else n for k, n in enumerate(sizes))
    return net.reshape(x, tuple(target))


@OPERATORS.add("Slice", inputs=5)
def cut(net: GrowingNet, attrs: Settings, x: Value, *numbers: Value) -> Value:
    lists = (None if value is None else net.whole_numbers(value) for value in numbers)
    starts, ends, axes, steps = (*lists, None, None)[:4]
    cuts = [slice(None)] * len(net.shape_of(x))
    over = range(len(starts or ())) if axes is None else axes
    by = (1,) * len(starts or ()) if steps is None else steps
    for axis, start, end, step in zip(over, starts or (), ends or (), by, strict=True):
        cuts[axis] = slice(start, end, step)
    return net.sliced(x, cuts)


@OPERATORS.add(
    "Split",
    inputs=2,
    axis=Usually(AXIS, 0),
    split=Usually(ListOf(SIDE, 1), None),
    num_outputs=IfThere(WholeNumber(1)),
)
def split(net: GrowingNet, attrs: Settings, x: Value, at: Value = None) -> tuple[Value, ...]:
    axis, parts = attrs["axis"], len(net.op.makes)
    if attrs.get("num_outputs", parts) != parts:
        raise NoLayer(f"its num_outputs is {attrs['num_outputs']}, but it makes {parts}")
    sizes = attrs["split"] if at is None else net.whole_numbers(at)
    if sizes is None:
        count = net.shape_of(x)[axis]
        size = -(-count // parts)
        sizes = [min(size, count - k * size) for k in range(parts)]
    return net.split(x, axis, sizes)


@OPERATORS.add("Cast", inputs=1, **CASTS.kinds)
def cast(net: GrowingNet, attrs: Settings, x: Value) -> Value:
    """Cast between float types; integers only for the input and for constants."""
    is_float = attrs["to"] in FLOATS
    if isinstance(x, Fixed):
        kind = np.float64 if is_float else bool if attrs["to"] == BOOL else np.int64
        return fixed(x.array.astype(kind), x)
    is_input = isinstance(x, Live) and net.is_input(x)
    if not is_float and not (is_input and (net.graph.is_whole or net.graph.is_bytes)):
        raise NoLayer("it converts numbers to integers: only floats can be read")
    return x


@OPERATORS.add("Dropout", inputs=3, ratio=UNUSED, seed=UNUSED)
def dropout(
    net: GrowingNet, attrs: Settings, x: Value, ratio: Value = None, on: Value = None
) -> Value:
    if on is not None and net.weight(on, "training_mode").any():
        raise NoReader(TRAINING)
    return x


@OPERATORS.add(
    "Shape",
    asks=True,
    inputs=1,
    start=Usually(WholeNumber(-8, 8), None),
    end=Usually(WholeNumber(-8, 2**31), None),
)
def shape(net: GrowingNet, attrs: Settings, x: Value) -> Value:
    sizes = net.sizes_of(x)
    return fixed(sizes.array[attrs["start"] : attrs["end"]])


@OPERATORS.add("ConstantOfShape", inputs=1, value=Usually(Anything(), None))
def filled(net: GrowingNet, attrs: Settings, sizes: Value) -> Value:
    value = attrs["value"]
    number = np.float32(0) if value is None else np.asarray(value).ravel()[0]
    return net.constant(net.whole_numbers(sizes), lambda shape: np.full(shape, number))


@OPERATORS.add("Expand", inputs=2)
def expand(net: GrowingNet, attrs: Settings, x: Value, sizes: Value) -> Value:
    target = np.broadcast_shapes(net.shape_of(x), net.whole_numbers(sizes))
    if not isinstance(x, Fixed):
        return net.expand(x, target)
    return net.constant(target, lambda shape: np.broadcast_to(x.array, shape), x)


OPERATORS.add("Tile", inputs=2)(
    lambda net, attrs, x, times: net.tile(x, [max(n, 0) for n in net.whole_numbers(times)])
)


@OPERATORS.add("Range", inputs=3)
def counted(net: GrowingNet, attrs: Settings, *ends: Value) -> Value:
    if not all(isinstance(end, Fixed) for end in ends):
        raise NoReader(NO_LAYER)
    start, stop, step = (end.array.item() for end in ends)
    count = abs((stop - start) / step) if step else 2.0**60
    return net.constant((int(min(count, 2**60)),), lambda _: np.arange(start, stop, step))


@OPERATORS.add("Trilu", inputs=2, upper=Usually(WholeNumber(0, 1), 1))
def triangle(net: GrowingNet, attrs: Settings, x: Value, at: Value = None) -> Value:
    (diagonal,) = (0,) if at is None else net.whole_numbers(at)
    part = np.triu if attrs["upper"] else np.tril
    return net.compute(lambda numbers: part(numbers, diagonal), x, why=NO_LAYER)


# Missing numbers in a table.


@OPERATORS.add("IsNaN", asks=True, inputs=1)
def is_missing(net: GrowingNet, attrs: Settings, x: Value) -> Value:
    return net.compute(np.isnan, x) if isinstance(x, Fixed) else Missing(net.live(x))


@OPERATORS.add(
    "Imputer",
    inputs=1,
    imputed_value_floats=ListOf(NUMBER, 1),
    replaced_value_float=Usually(AnyNumber(), nan),
    replaced_value_int64=UNUSED,
)
def impute(net: GrowingNet, attrs: Settings, x: Value) -> Value:
    if not isnan(attrs["replaced_value_float"]):
        raise NoLayer("only missing numbers (NaN) can be replaced")
    return net.fill_in(x, np.array(attrs["imputed_value_floats"]))


# Elementwise operators.


def _elu(x: Any, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@OPERATORS.add("Elu", elementwise=True, alpha=Usually(NUMBER, 1.0))
def elu(net: GrowingNet, attrs: Settings, x: Value) -> Value:
    if not isinstance(x, Fixed):
        return net.elu(x, attrs["alpha"])
    return net.compute(partial(_elu, **attrs), x)


@OPERATORS.add("Celu", inputs=1, alpha=Usually(ShortNumber(), 1.0))
def celu(net: GrowingNet, attrs: Settings, x: Value) -> Value:
    return net.celu(x, attrs["alpha"])


@OPERATORS.add("LeakyRelu", inputs=1, alpha=Usually(ShortNumber(), 0.01))
def leaky_relu(net: GrowingNet, attrs: Settings, x: Value) -> Value:
    return net.activate(x, Activation("leaky relu", attrs["alpha"]))


@OPERATORS.add("Gelu", elementwise=True, approximate=Usually(Choice("none", "tanh"), "none"))
def gelu(net: GrowingNet, attrs: Settings, x: Value) -> Value:
    kind = "gelu" if attrs["approximate"] == "tanh" else "exact gelu"
    return net.activate(x, Activation(kind))


@OPERATORS.add("PRelu", inputs=2)
def prelu(net: GrowingNet, attrs: Settings, x: Value, slopes: Value) -> Value:
    return net.prelu(x, net.weight(slopes))


@OPERATORS.add("Clip", elementwise=True, min=Usually(NUMBER, -np.inf), max=Usually(NUMBER, np.inf))
def clip(
    net: GrowingNet, attrs: Settings, x: Value, least: Value = None, most: Value = None
) -> Value:
    def clipped(numbers: Any, *bounds: Any) -> Any:
        low, high = (np.squeeze(attrs[name]) for name in ("min", "max"))
        tensors = iter(bounds)
        low = low if least is None else next(tensors)
        high = high if most is None else next(tensors)
        return np.minimum(np.maximum(numbers, low), high)

    bounds = [value for value in (least, most) if value is not None]
    if not isinstance(x, Fixed):
        if any(not isinstance(end, Fixed) or end.array.size != 1 for end in bounds):
            raise NoLayer("only values that are clipped at two numbers can be read")
        low = attrs["min"] if least is None else least.array.item()
        high = attrs["max"] if most is None else most.array.item()
        return net.clip(x, *(float(str(np.float32(end))) for end in (low, high)))
    return net.compute(clipped, x, *bounds)


@OPERATORS.add("Neg", inputs=1, elementwise=True)
def negated(net: GrowingNet, attrs: Settings, x: Value) -> Value:
    return net.activate(x, Numbered("scale", -1))


@OPERATORS.add("Max", "Min", elementwise=True)
def larger(net: GrowingNet, attrs: Settings, first: Value, *others: Value) -> Value:
    for value in others:
        first = net.larger(first, value, "+" if net.op.word == "Max" else "-")
    return first


@OPERATORS.add("ReduceSum", inputs=2, **REDUCED.kinds)
def sum_over(net: GrowingNet, attrs: Settings, x: Value, over: Value = None) -> Value:
    axes = attrs["axes"] or (() if over is None else net.whole_numbers(over))
    return net.sum_over(x, axes, bool(attrs["keepdims"]))


@OPERATORS.add("Einsum", equation=PlainText())
def einsum(net: GrowingNet, attrs: Settings, *values: Value) -> Value:
    return net.einsum(attrs["equation"], values)


OPERATORS.add("DepthToSpace", inputs=1, blocksize=COUNT, mode=Usually(Choice("DCR", "CRD"), "DCR"))(
    lambda net, attrs, x: net.move(
        x, lambda order: to_space(order, attrs["blocksize"], attrs["mode"] == "DCR")
    )
)
OPERATORS.add("SpaceToDepth", inputs=1, blocksize=COUNT)(
    lambda net, attrs, x: net.move(x, lambda order: to_depth(order, attrs["blocksize"], True))
)


def arithmetic(sign: Sign) -> Operator:
    return Operator(
        lambda net, attrs, x, other: net.arithmetic(sign, x, other), inputs=2, elementwise=True
    )


def activated(kind: str) -> Operator:
    layer = Activation(kind)
    return Operator(lambda net, attrs, x: net.activate(x, layer), inputs=1, elementwise=True)


def computed(function: Callable[..., Any], **settings: Kind) -> Operator:
    """An elementwise operator, which is a layer only as part of a region."""

    def take(net: GrowingNet, attrs: Settings, *inputs: Value) -> Value:
        return net.compute(partial(function, **attrs), *inputs)

    return Operator(take, Schema(**settings), elementwise=True)


OPERATORS |= {
    **{word: arithmetic(sign) for word, sign in SIGNS.items()},
    **{word: activated(kind) for word, kind in ACTIVATIONS.items()},
    "Abs": computed(np.abs),
    "Erf": computed(lambda x: 2 * normal_share(np.asarray(x) * sqrt(2)) - 1),
    "Exp": computed(np.exp),
    "Log": computed(np.log),
    "Sqrt": computed(np.sqrt),
    "Reciprocal": computed(lambda x: 1 / x),
    "Pow": computed(np.power),
    "Mod": computed(lambda x, y, fmod=0: np.mod(x, y), fmod=usual(0)),
    "Greater": computed(np.greater),
    "GreaterOrEqual": computed(np.greater_equal),
    "Less": computed(np.less),
    "LessOrEqual": computed(np.less_equal),
    "Equal": computed(np.equal),
    "And": computed(np.logical_and),
    "Or": computed(np.logical_or),
    "Not": computed(np.logical_not),
    "Softsign": computed(lambda x: x / (1 + abs(x))),
    "HardSigmoid": computed(
        lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1),
        alpha=Usually(NUMBER, 0.2),
        beta=Usually(NUMBER, 0.5),
    ),
    "Selu": computed(
        lambda x, alpha, gamma: gamma * _elu(x, alpha),
        alpha=Usually(NUMBER, 1.67326319217681884765625),
        gamma=Usually(NUMBER, 1.05070102214813232421875),
    ),
    "Swish": computed(lambda x, alpha: x / (1 + np.exp(-alpha * x)), alpha=Usually(NUMBER, 1.0)),
}
OPERATORS.add("MatMul", inputs=2)(lambda net, attrs, x, other: net.matmul(x, other))
OPERATORS.add("Gather", picks=True, inputs=2, axis=Usually(AXIS, 0))(
    lambda net, attrs, x, places: net.take(x, places, attrs["axis"])
)
OPERATORS.add("Concat", axis=AXIS)(lambda net, attrs, *values: net.concat(values, attrs["axis"]))
OPERATORS.add("Identity", inputs=1)(lambda net, attrs, x: x)
OPERATORS.add("Floor", inputs=1)(lambda net, attrs, x: net.compute(np.floor, x, why=NO_LAYER))
OPERATORS.add("Where", elementwise=True, inputs=3)(lambda net, attrs, *values: net.where(*values))
