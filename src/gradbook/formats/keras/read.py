"""Reads .keras files: the settings of each kind of layer, and its effect with channels last."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial, reduce, wraps
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from gradbook.formats.attention import TO_ITSELF
from gradbook.formats.foreign import Fixed, ForeignGraph, Operator, Settings, Table, Value
from gradbook.formats.gates import KERAS, KINDS, GateStack
from gradbook.formats.growing_net import GrowingNet
from gradbook.formats.imported import ImportedNet, NoLayer, NoReader
from gradbook.formats.keras.activation_names import ACTIVATION_KINDS
from gradbook.formats.keras.content import content_of, read_content, way_in
from gradbook.formats.known_values import NO_LAYER
from gradbook.formats.layer_list import (
    MOST_PLACES,
    READ_BY_WINDOWS,
    Moves,
    RowsAndColumns,
    leave_out_zeros,
    lower_padding,
)
from gradbook.formats.layouts import Live
from gradbook.formats.own_files import read_own
from gradbook.formats.recogniser import read_graph
from gradbook.graph.node import Array
from gradbook.graph.window import NOWHERE, SAME, Pad
from gradbook.layers.activations import Activation, Numbered
from gradbook.layers.card import spell
from gradbook.layers.pools import Pool
from gradbook.layers.sequences import Attention, PositionEmbedding
from gradbook.layers.sums import TransposedConv
from gradbook.layers.wiring import Dropout
from gradbook.net.trained import TrainedNet
from gradbook.schema import (
    AnyOf,
    AnyRecord,
    Anything,
    Choice,
    FiniteNumber,
    Kind,
    ListOf,
    OneOrMore,
    PlainText,
    Schema,
    SchemaError,
    TrueOrFalse,
    Usually,
    WholeNumber,
)


def read_keras(path: str | os.PathLike[str], called: str = "") -> ImportedNet:
    """Read a .keras file, reporting all that has no layer here under the name `called` or the
    path."""
    name = called or os.fspath(path)
    graph = read_content(Path(path), name)
    return read_own(graph, _written) or read_graph(graph, OPERATORS, name)


def _written(trained: TrainedNet, with_preparation: bool) -> ForeignGraph:
    from gradbook.formats.keras.write import keras_bytes

    return content_of(BytesIO(keras_bytes(trained, with_preparation, noted=False)), "")


# Settings of layers.


class WrittenNumbers:
    """A number, a table of numbers, or an array that Keras wrote as text."""

    def read(self, value: object) -> Array:
        if isinstance(value, dict):
            value = WRITTEN.read(value)["config"]["value"]
        try:
            numbers = np.asarray(value)
        except ValueError:  # lists of different lengths
            raise SchemaError("a table of numbers with rows of equal length") from None
        if numbers.dtype.kind not in "iuf" or not np.isfinite(numbers).all():
            raise SchemaError("a number or a table of numbers")
        return numbers.astype(np.float64)


WRITTEN = Schema(config=AnyRecord())
OPERATORS = Table()
YES, NO = Usually(TrueOrFalse(), True), Usually(TrueOrFalse(), False)
AXIS = WholeNumber(-4, 4)
AXES = Usually(OneOrMore(AXIS, 4), [-1])
EPSILON = Usually(FiniteNumber(0, 1), 1e-3)
NONE = np.zeros(())
COUNT = WholeNumber(1, 2**20)
MOST_SPELLED = 2**10  # tokens, each as so many 0s and 1s
GROUPS = Usually(COUNT, 1)
PADDING = Usually(Choice("valid", "same"), "valid")
ACTIVATED: Mapping[str, Kind] = {"activation": Usually(Anything(), None), "use_bias": YES}
MOVES: Mapping[str, Kind] = {
    "strides": Usually(RowsAndColumns(), (1, 1)),
    "dilation_rate": Usually(RowsAndColumns(), (1, 1)),
    "padding": PADDING,
    **ACTIVATED,
}
ALONG = OneOrMore(WholeNumber(1, MOST_PLACES), 1)  # along a single axis
ONE_SIDE = WholeNumber(0, MOST_PLACES)
BOTH_SIDES = AnyOf(ONE_SIDE, ListOf(ONE_SIDE, 2, 2))
SIDES = AnyOf(ONE_SIDE, ListOf(BOTH_SIDES, 2, 2))
AFFINE: Mapping[str, Kind] = {"axis": AXES, "epsilon": EPSILON, "scale": YES, "center": YES}


def _tensors(weights: Sequence[Fixed], count: int) -> Sequence[Fixed]:
    if len(weights) != count:
        raise NoLayer(f"it has {len(weights)} tensors: {count} are expected")
    return weights


def _kernel_and_bias(config: Settings, weights: Sequence[Fixed]) -> tuple[Fixed, Fixed | None]:
    tensors = _tensors(weights, 1 + config["use_bias"])
    return tensors[0], tensors[1] if config["use_bias"] else None


def _channels_first(net: GrowingNet, x: Value) -> Live:
    """Move channels first; for steps x features, features first."""
    return net.live(net.move(x, lambda order: np.moveaxis(order, -1, 1)))


def _channels_last(net: GrowingNet, x: Value) -> Value:
    return net.move(x, lambda order: np.moveaxis(order, 1, -1))


def _is_last(x: Live, axes: Sequence[int]) -> bool:
    return [axis % len(x.shape) for axis in axes] == [len(x.shape) - 1]


def _transposed(net: GrowingNet, kernel: Fixed, *axes: int) -> Value:
    return net.move(kernel, lambda array: np.ascontiguousarray(array.transpose(axes)))


def _pair(sides: Any) -> Any:
    return (sides, sides) if isinstance(sides, int) else sides


def activated(take: Callable[..., Value]) -> Callable[..., Value]:
    """Apply the layer's own activation to its result."""

    @wraps(take)
    def take_and_activate(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
        result, word = take(net, config, x, *weights), config.get("activation")
        return result if word in (None, "linear") else net.activate(result, _activation(word))

    return take_and_activate


STRIDES = Usually(ALONG, None)
SLOPE = Usually(WrittenNumbers(), NONE)
NOTHING_AT_WORK = (
    *("ActivityRegularization", "AlphaDropout", "GaussianDropout", "GaussianNoise"),
    *("RandomBrightness", "RandomContrast", "RandomFlip", "RandomRotation", "RandomTranslation"),
    "RandomZoom",
)
RECURRENT = {"SimpleRNN": KINDS["rnn"], "GRU": KINDS["gru"], "LSTM": KINDS["lstm"]}

OF_A_STEP = ("Dense", "Activation", "Dropout", "LayerNormalization", "ReLU", "LeakyReLU", "ELU")

# Sums.


@OPERATORS.add("Dense", **ACTIVATED)
@activated
def dense(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
    kernel, bias = _kernel_and_bias(config, weights)
    weight = net.weight(kernel)
    if weight.ndim != 2:
        raise NoLayer(f"its weights are {spell(weight.shape)}, which doesn't match its input")
    return net.dense(x, weight.T, None if bias is None else net.weight(bias, "bias"))


@OPERATORS.add("Conv2D", windowed=True, **MOVES, groups=GROUPS)
@activated
def conv(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
    kernel, bias = _kernel_and_bias(config, weights)
    weight = _transposed(net, kernel, 3, 2, 0, 1)
    return _convolve(net, config, x, weight, bias, config["groups"])


@OPERATORS.add("DepthwiseConv2D", windowed=True, **MOVES, trainable=YES)
@activated
def depthwise(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
    kernel, bias = _kernel_and_bias(config, weights)
    return _depthwise(net, config, x, kernel, bias)


def _depthwise(
    net: GrowingNet, config: Settings, x: Value, kernel: Fixed, bias: Fixed | None = None
) -> Value:
    rows, columns, groups, multiplier = kernel.array.shape
    weights = kernel.array.transpose(2, 3, 0, 1).reshape(groups * multiplier, 1, rows, columns)
    weight = Fixed(weights, kernel.names, is_trained=config["trainable"])
    return _convolve(net, config, x, weight, bias, groups)


@OPERATORS.add("SeparableConv2D", windowed=True, **MOVES, trainable=YES)
@activated
def separable(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
    """Read a depthwise convolution without a bias, followed by a 1 x 1 convolution."""
    kernel, mix, *bias = _tensors(weights, 2 + config["use_bias"])
    by_channel = _depthwise(net, config, x, kernel)
    alone = {"strides": (1, 1), "dilation_rate": (1, 1), "padding": "valid", "groups": 1}
    return conv(net, {**alone, "use_bias": bool(bias)}, by_channel, mix, *bias)


PADS: Mapping[str, Pad] = {"same": SAME, "valid": NOWHERE}


def _convolve(
    net: GrowingNet, config: Settings, x: Value, weight: Fixed, bias: Fixed | None, groups: int
) -> Value:
    moves = Moves(config["strides"], PADS[config["padding"]], config["dilation_rate"], groups)
    result = net.conv(_channels_first(net, x), weight, bias, moves)
    return _channels_last(net, result)


@OPERATORS.add(
    "Conv1D",
    **ACTIVATED,
    strides=Usually(ALONG, [1]),
    dilation_rate=Usually(ALONG, [1]),
    padding=Usually(Choice("valid", "same", "causal"), "valid"),
    groups=GROUPS,
)
@activated
def conv_along(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
    """Convolve over steps, which are the columns of a single row here."""
    kernel, bias = _kernel_and_bias(config, weights)
    weight = _transposed(net, kernel, 2, 1, 0)
    (gap,), (step,) = config["dilation_rate"], config["strides"]
    before = (weight.array.shape[2] - 1) * gap
    pad = (0, before, 0, 0) if config["padding"] == "causal" else PADS[config["padding"]]
    moves = Moves((1, step), pad, (1, gap), config["groups"])
    result = net.conv(_channels_first(net, x), weight, bias, moves)
    return _channels_last(net, result)


@OPERATORS.add(
    "SeparableConv1D",
    **ACTIVATED,
    strides=Usually(ALONG, [1]),
    dilation_rate=Usually(ALONG, [1]),
    padding=Usually(Choice("valid", "same", "causal"), "valid"),
)
@activated
def separable_along(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
    """Read windows of each feature by itself, followed by sums of the features at each step."""
    kernel, mix, *bias = _tensors(weights, 2 + config["use_bias"])
    size, features, multiplier = kernel.array.shape
    apart = Fixed(kernel.array.reshape(size, 1, features * multiplier), kernel.names)
    plain = {**config, "use_bias": False, "groups": features, "activation": None}
    by_channel = conv_along(net, plain, x, apart)
    alone = {"strides": [1], "dilation_rate": [1], "padding": "valid", "groups": 1}
    return conv_along(net, {**alone, "use_bias": bool(bias)}, by_channel, mix, *bias)


@OPERATORS.add("Conv2DTranspose", **MOVES, output_padding=Usually(RowsAndColumns(0), None))
@activated
def conv_back(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
    """Read a transposed convolution; Keras fixes its output size by the stride."""
    kernel, bias = _kernel_and_bias(config, weights)
    weight = _transposed(net, kernel, 3, 2, 0, 1)
    stride, gaps = config["strides"], config["dilation_rate"]
    spans = (1 + (n - 1) * gap for n, gap in zip(weight.array.shape[2:], gaps, strict=True))
    short = any(span < step for span, step in zip(spans, stride, strict=True))
    if config["output_padding"] is not None or (short and config["padding"] == "valid"):
        raise NoLayer("it adds rows or columns that no window covers")
    moves, live = Moves(stride, PADS[config["padding"]], gaps), _channels_first(net, x)
    return _channels_last(net, net.conv_back(live, weight, bias, moves))


@OPERATORS.add("Cropping2D", cropping=SIDES)
def crop(net: GrowingNet, config: Settings, x: Value) -> Value:
    """Crop a transposed convolution by increasing its padding."""
    live, row, cut = net.live(x), net.row, _sides(config["cropping"])
    before = net.before(live)
    alone = net.readers.count(net.op.reads[0]) == 1
    if before is None or not isinstance(before.layer, TransposedConv) or not alone:
        rows = slice(cut[0], live.shape[1] - cut[2])
        columns = slice(cut[1], live.shape[2] - cut[3])
        return net.move(live, lambda order: order[:, rows, columns])
    size = row.sizes[before.reads[0]]
    pads = zip(before.layer.spreads(size).pad, cut, strict=True)
    top, left, below, right = (pad + side for pad, side in pads)
    layer = replace(before.layer, pad=(top, left, below, right))
    row.layers.append(replace(before, layer=layer))
    row.sizes.append(layer.output(size))
    return _channels_last(net, net.lie(len(row.layers)))


def _sides(amounts: Any) -> tuple[int, int, int, int]:
    (top, below), (left, right) = map(_pair, _pair(amounts))
    return top, left, below, right


# Windows and normalisation.


@OPERATORS.add(
    "MaxPooling2D",
    "AveragePooling2D",
    windowed=True,
    pool_size=RowsAndColumns(),
    strides=Usually(RowsAndColumns(), None),
    padding=PADDING,
)
@OPERATORS.add(
    "MaxPooling1D", "AveragePooling1D", pool_size=ALONG, strides=STRIDES, padding=PADDING
)
def pool(net: GrowingNet, config: Settings, x: Value) -> Value:
    live, kind = _channels_first(net, x), "max" if net.op.word.startswith("Max") else "avg"
    size, stride = config["pool_size"], config["strides"] or config["pool_size"]
    if len(live.shape) == 3:
        size, stride = (1, *size), (1, *stride)
    return _channels_last(net, net.pool(live, Pool(kind, size, stride, PADS[config["padding"]])))


@OPERATORS.add(
    *(f"Global{kind}Pooling{axes}D" for kind in ("Max", "Average") for axes in (1, 2)), keepdims=NO
)
def pool_all(net: GrowingNet, config: Settings, x: Value) -> Value:
    live = net.live(x)
    axes = range(1, len(live.shape) - 1)
    return net.pool_all(live, "max" if "Max" in net.op.word else "avg", axes, config["keepdims"])


@OPERATORS.add("BatchNormalization", **AFFINE, renorm=NO)
def batchnorm(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
    live = net.live(x)
    if config["renorm"] or not _is_last(live, config["axis"]):
        raise NoLayer(
            "only normalisation channel by channel (axis -1) and without renorm can be read"
        )
    *affine, mean, variance = _tensors(weights, config["scale"] + config["center"] + 2)
    scale, shift = affine[0] if config["scale"] else None, affine[-1] if config["center"] else None
    return net.batchnorm(live, config["epsilon"], scale, shift, mean, variance, axis=-1)


@OPERATORS.add("LayerNormalization", **AFFINE, rms_scaling=NO)
def layer_norm(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
    live, axes = net.live(x), config["axis"]
    if config["rms_scaling"]:
        raise NoLayer("normalisation without the mean (rms_scaling) can't be read")
    over = {axis % len(live.shape) for axis in axes}
    along = [n if axis in over else 1 for axis, n in enumerate(live.shape)]
    scale, shift = _affine(net, config, weights)
    scale = None if scale is None else scale.reshape(along)
    shift = None if shift is None else shift.reshape(along)
    return net.normalise(live, sorted(over), config["epsilon"], scale, shift)


def _affine(
    net: GrowingNet, config: Settings, weights: Sequence[Fixed]
) -> tuple[Array | None, Array | None]:
    tensors = [net.weight(value) for value in _tensors(weights, config["scale"] + config["center"])]
    return tensors[0] if config["scale"] else None, tensors[-1] if config["center"] else None


@OPERATORS.add("GroupNormalization", **AFFINE, groups=Usually(WholeNumber(-1, 2**20), 32))
def group_norm(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
    live = net.live(x)
    if not _is_last(live, config["axis"]):
        raise NoLayer("only groups of channels in the last axis (axis -1) can be read")
    groups = live.shape[-1] if config["groups"] == -1 else config["groups"]
    return net.group_norm(live, groups, config["epsilon"], *_affine(net, config, weights), axis=-1)


@OPERATORS.add("RMSNormalization", axis=AXES, epsilon=Usually(FiniteNumber(0, 1), 1e-06))
def rms_norm(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
    live, (scale,) = net.live(x), _tensors(weights, 1)
    if not _is_last(live, config["axis"]):
        raise NoLayer("only features (axis -1) can be divided by their root mean square")
    return net.divide_by_size(live, [-1], config["epsilon"], net.weight(scale))


@OPERATORS.add(
    "Rescaling",
    elementwise=True,
    windowed=True,
    scale=Usually(WrittenNumbers(), np.ones(())),
    offset=Usually(WrittenNumbers(), NONE),
)
def rescale(net: GrowingNet, config: Settings, x: Value) -> Value:
    """Scale all values, each channel, each step, or a frame around a map."""
    scale, offset = config["scale"], config["offset"]
    if isinstance(x, Fixed):
        return net.compute(lambda numbers: scale * numbers + offset, x)
    live = net.live(x)
    if max(scale.ndim, offset.ndim) == len(live.shape) - 1 == 3:
        return _rescaled_by_place(net, live, scale, offset)
    if live.padding:
        raise NoLayer(READ_BY_WINDOWS)
    if offset.ndim == 2 and (scale == 1).all() and offset.shape == live.shape[1:]:
        return net.each(PositionEmbedding(), live, {"bias": live.gather(offset).ravel()})
    return net.rescale(live, scale, offset)


def _rescaled_by_place(net: GrowingNet, live: Live, scale: Array, offset: Array) -> Value:
    """Turn a frame of low numbers, or a correction of an average, into settings of the pool."""
    row = net.row
    if live.padding is not None and (scale == 1).all():
        return replace(live, padding=lower_padding(live.padding, offset[..., 0], live.size))
    if live.number != len(row.layers) or not row.layers or offset.any():
        raise NoLayer("it scales the pixels of a channel differently")
    last = row.layers[-1]
    layer = leave_out_zeros(last.layer, scale[..., 0], row.sizes[last.reads[0]])
    row.layers[-1] = replace(last, layer=layer)
    return live


@OPERATORS.add(
    "Normalization",
    axis=AXES,
    invert=NO,
    mean=Usually(WrittenNumbers(), None),
    variance=Usually(WrittenNumbers(), None),
)
def standardise(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
    if config["invert"] or config["axis"] not in ([-1], [3], [1]):
        raise NoLayer("only normalisation channel by channel (axis -1) can be read")
    statistics = [config["mean"], config["variance"]]
    if config["mean"] is None:
        statistics = [net.weight(tensor) for tensor in weights[:2]]
    if len(statistics) != 2 or statistics[1] is None:
        raise NoLayer("it has no mean and no variance yet: adapt it to data first")
    mean, variance = (array.reshape(-1) for array in statistics)
    deviation = np.maximum(np.sqrt(variance), 1e-7)  # as Keras does
    return net.rescale(x, 1 / deviation, -mean / deviation)


# Sequences.


@OPERATORS.add("Embedding", mask_zero=NO)
def embed(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
    (table,) = _tensors(weights, 1)
    if config["mask_zero"]:
        raise NoLayer("only the tokens that come in can be looked up, each once and unmasked")
    return net.embed(x, net.weight(table))


@OPERATORS.add("OneHot", num_classes=WholeNumber(1, MOST_SPELLED), axis=WholeNumber(-1, -1))
def spell_out(net: GrowingNet, config: Settings, x: Value) -> Value:
    return net.embed(x, np.eye(config["num_classes"]))


UNREAD = {  # settings that gradbook's layers lack, and the message for each
    "return_state": "it returns its state beside its output (return_state)",
    "stateful": "it keeps its state from call to call (stateful)",
}


@OPERATORS.add(
    *RECURRENT,
    activation=Usually(Choice("tanh"), "tanh"),
    recurrent_activation=Usually(Choice("sigmoid"), "sigmoid"),
    use_bias=YES,
    return_sequences=NO,
    reset_after=YES,
    go_backwards=NO,
    return_state=NO,
    stateful=NO,
)
def recur(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
    return _recur(net, net.op.word, config, x, weights)


def _recur(
    net: GrowingNet, word: str, config: Settings, x: Value, weights: Sequence[Fixed]
) -> Value:
    """Read a recurrent layer; one that goes backwards gives its states from the last step on."""
    for name, why in UNREAD.items():
        if config[name]:
            raise NoLayer(f"{why}, which can't be read")
    back = config["go_backwards"]
    tensors = [net.weight(tensor) for tensor in _tensors(weights, 2 + config["use_bias"])]
    input_weight, state_weight, *biases = tensors
    bias = biases[0] if biases else None
    input_bias, state_bias = bias if bias is not None and bias.ndim == 2 else (bias, None)
    stack = GateStack(input_weight.T, state_weight.T, input_bias, state_bias)
    kind, before = RECURRENT[word], not config["reset_after"]
    states, last = net.recur(x, kind, stack, KERAS, reset_before=before, backwards=back)
    if not config["return_sequences"]:
        return net.move(last(), lambda order: order[0])
    return net.move(states, lambda order: np.flip(order, 1)) if back else states


INSIDE = Schema(class_name=PlainText(100), config=AnyRecord())


@OPERATORS.add(
    "Bidirectional",
    layer=INSIDE,
    backward_layer=Usually(INSIDE, None),
    merge_mode=Usually(Choice("concat", "sum", "mul", "ave"), "concat"),
)
def bidirectional(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
    """Read a layer from the first step to the last, and one from the last to the first."""
    layers = [config["layer"], config["backward_layer"] or config["layer"]]
    if any(layer["class_name"] not in RECURRENT for layer in layers):
        raise NoReader(f"only {', '.join(RECURRENT)} can be read in both directions")
    half, outputs = len(weights) // 2, []
    halves = (weights[:half], weights[half:])
    for layer, tensors, back in zip(layers, halves, (False, True), strict=True):
        word = layer["class_name"]
        settings = {**OPERATORS[word].settings.read(layer["config"]), "go_backwards": back}
        states = _recur(net, word, settings, x, tensors)
        if back and settings["return_sequences"]:
            states = net.move(states, lambda order: np.flip(order, 1))
        outputs.append(states)
    match config["merge_mode"]:
        case "concat":
            return net.concat(outputs, -1)
        case "mul":
            return net.arithmetic("*", *outputs)
        case mode:
            total = net.arithmetic("+", *outputs)
            return total if mode == "sum" else net.activate(total, Numbered("scale", 0.5))


@OPERATORS.add("TimeDistributed", layer=INSIDE)
def at_each_step(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
    """Apply a layer that reads the features of a step alone."""
    word, settings = config["layer"]["class_name"], config["layer"]["config"]
    if word not in OF_A_STEP or len(net.shape_of(x)) != 3:
        raise NoReader(f"at each step only {', '.join(OF_A_STEP)} can be read")
    operator = OPERATORS[word]
    result: Value = operator.take(net, operator.settings.read(settings), x, *weights)
    return result


@OPERATORS.add(
    "MultiHeadAttention",
    num_heads=COUNT,
    key_dim=COUNT,
    value_dim=Usually(COUNT, None),
    use_bias=YES,
    use_causal_mask=Usually(Anything(), False),
)
def attend(net: GrowingNet, config: Settings, *inputs: Value) -> Value:
    values = [value for value in inputs if not isinstance(value, Fixed)]
    live, weights = net.live(values[0]), inputs[len(values) :]
    features, heads, width = live.size[0], config["num_heads"], config["key_dim"]
    if len({value.number for value in map(net.live, values)}) > 1:
        raise NoLayer(TO_ITSELF)
    if len(live.size) != 3 or live.size[1] != 1 or not _channels_first(net, live).is_in_line:
        raise NoLayer(f"its input is {spell(live.size)}: only steps x features can be read")
    if heads * width != features or config["value_dim"] not in (None, width):
        raise NoLayer(f"its {heads} heads of {width} must share the {features} features")
    layer = Attention(heads, bool(config["use_causal_mask"]))
    count = 1 + config["use_bias"]
    numbers = [net.weight(value) for value in _tensors(weights, 4 * count)]
    tensors = {}
    for number, part in enumerate(layer.parts):
        weight, *bias = numbers[number * count : (number + 1) * count]
        tensors[f"{part}_weight"] = weight.reshape(features, features).T[..., None, None]
        tensors |= {f"{part}_bias": array.reshape(-1) for array in bias}
    return net.each(layer, live, tensors)


# Layers that only rearrange values.


@OPERATORS.add("Flatten")
def flatten(net: GrowingNet, config: Settings, x: Value) -> Value:
    """Flatten in gradbook's order, and remember Keras's."""
    live = net.live(x)
    order = live.order.reshape(net.samples, -1)
    return net.lie(net.row.flat(live.number, net.op.place), order)


@OPERATORS.add("Reshape", target_shape=ListOf(WholeNumber(-1), 1, 4))
def reshape(net: GrowingNet, config: Settings, x: Value) -> Value:
    live, target = net.live(x), tuple(config["target_shape"])
    size = prod(live.size)
    if target in ((-1,), (size,)):
        return flatten(net, config, live)
    plain = len(target) in (2, 3) and min(target) > 0 and prod(target) == size
    if plain and net.is_input(live) and (len(live.size) == 1 or live.size[0] == 1):
        way = way_in(target, net.samples, net.way.steps)
        net.row.sizes[0] = way.size
        return net.lie(0, way.laid)
    return net.reshape(live, (net.samples, *target))


@OPERATORS.add("Permute", dims=ListOf(WholeNumber(1, 4), 1, 4))
def permute(net: GrowingNet, config: Settings, x: Value) -> Value:
    return net.move(x, lambda order: order.transpose(0, *config["dims"]))


@OPERATORS.add("Concatenate", axis=Usually(AXIS, -1))
def concat(net: GrowingNet, config: Settings, *values: Value) -> Value:
    return net.concat(values, config["axis"])


@OPERATORS.add(
    "UpSampling2D", size=RowsAndColumns(), interpolation=Usually(Choice("nearest"), "nearest")
)
def enlarge(net: GrowingNet, config: Settings, x: Value) -> Value:
    return _channels_last(net, net.enlarge(_channels_first(net, x), config["size"]))


@OPERATORS.add("ZeroPadding1D", padding=BOTH_SIDES)
def pad_steps(net: GrowingNet, config: Settings, x: Value) -> Value:
    before, after = _pair(config["padding"])
    return net.padded(x, [(0, 0), (before, after), (0, 0)], 0.0)


@OPERATORS.add("Cropping1D", cropping=BOTH_SIDES)
def crop_steps(net: GrowingNet, config: Settings, x: Value) -> Value:
    before, after = _pair(config["cropping"])
    return net.move(x, lambda order: order[:, before : order.shape[1] - after])


OPERATORS.add("UpSampling1D", size=COUNT)(lambda net, config, x: net.repeat(x, config["size"], 1))
OPERATORS.add("RepeatVector", n=COUNT)(
    lambda net, config, x: net.repeat(net.move(x, lambda order: order[:, None]), config["n"], 1)
)


@OPERATORS.add(*NOTHING_AT_WORK)
def leave_out(net: GrowingNet, config: Settings, x: Value) -> Value:
    net.left_out.append(net.op.name)
    return x


# Elementwise layers, and operations on several values.


def _activation(name: Any) -> Activation:
    if name == "leaky_relu":
        return Activation("leaky relu", 0.2)  # Keras's default slope
    if not isinstance(name, str) or name not in ACTIVATION_KINDS or name == "linear":
        word = name if isinstance(name, str) else "a custom function"
        raise NoReader(f"gradbook has no activation {word:.60}")
    return Activation(ACTIVATION_KINDS[name])


@OPERATORS.add("Activation", elementwise=True, activation=Anything())
def activation(net: GrowingNet, config: Settings, x: Value) -> Value:
    word = config.get("activation", net.op.word.lower())
    if word == "linear":
        return x
    if word == "exponential" and isinstance(x, Fixed):
        return net.compute(np.exp, x)
    return net.activate(x, _activation(word))


@OPERATORS.add("Softmax", axis=AXES)
def softmax(net: GrowingNet, config: Settings, x: Value) -> Value:
    if config["axis"] != [-1]:
        raise NoLayer("only a softmax over all classes in the last axis can be read")
    return net.activate(x, Activation("softmax"))


@OPERATORS.add("ELU", elementwise=True, alpha=Usually(FiniteNumber(), 1.0))
def elu(net: GrowingNet, config: Settings, x: Value) -> Value:
    return net.elu(x, config["alpha"])


@OPERATORS.add(
    "ReLU",
    max_value=Usually(FiniteNumber(), None),
    negative_slope=SLOPE,
    threshold=Usually(FiniteNumber(), 0.0),
)
@OPERATORS.add("LeakyReLU", negative_slope=Usually(WrittenNumbers(), np.full((), 0.3)))
def relu(net: GrowingNet, config: Settings, x: Value) -> Value:
    slopes, most = config["negative_slope"], config.get("max_value")
    if slopes.size != 1:
        raise NoReader(f"it has {slopes.size} slopes below 0: only one can be read")
    slope = slopes.item()
    if config.get("threshold"):
        raise NoReader("a ReLU with a threshold can't be read")
    if most is not None and slope == 0:
        return net.clip(x, 0, most)
    if most is not None:
        x = net.clip(x, -np.inf, most)
    return net.activate(x, Activation("leaky relu", slope) if slope else Activation("relu"))


@OPERATORS.add("PReLU")
def prelu(net: GrowingNet, config: Settings, x: Value, *weights: Fixed) -> Value:
    live, (slopes,) = net.live(x), _tensors(weights, 1)
    weight = net.weight(slopes)
    if weight.size not in (1, live.size[0]):
        raise NoLayer(
            "only one slope for each channel or one for all can be read: set shared_axes=[1, 2]"
        )
    return net.prelu(live, weight)


def combined(join: Callable[[GrowingNet, Value, Value], Value], mean: bool = False) -> Operator:
    """A layer that joins two values or more, one after the other."""

    def take(net: GrowingNet, config: Settings, *values: Value) -> Value:
        result = reduce(partial(join, net), values)
        return net.activate(result, Numbered("scale", 1 / len(values))) if mean else result

    return Operator(take, elementwise=True)


def computed(function: Callable[[Any], Any]) -> Operator:
    return Operator(lambda net, config, x: net.compute(function, x, why=NO_LAYER), elementwise=True)


def hides_steps(net: GrowingNet, config: Settings, x: Value) -> Value:
    raise NoReader(
        "it hides steps, so that the states after them stay as they are: only sequences whose "
        "steps all count can be read, so leave it out and give sequences of one length"
    )


@OPERATORS.add("Dropout", "SpatialDropout1D", "SpatialDropout2D", rate=FiniteNumber(0, 1))
def drop(net: GrowingNet, config: Settings, x: Value) -> Value:
    return net.each(Dropout(config["rate"], net.op.word.startswith("Spatial")), x)


OPERATORS.add("ZeroPadding2D", windowed=True, padding=SIDES)(
    lambda net, config, x: net.pad(x, _sides(config["padding"]))
)
OPERATORS.add("Identity")(lambda net, config, x: x)
OPERATORS |= {
    "Add": combined(lambda net, x, y: net.arithmetic("+", x, y)),
    "Average": combined(lambda net, x, y: net.arithmetic("+", x, y), mean=True),
    "Subtract": combined(lambda net, x, y: net.arithmetic("-", x, y)),
    "Multiply": combined(lambda net, x, y: net.arithmetic("*", x, y)),
    "Maximum": combined(lambda net, x, y: net.larger(x, y)),
    "Minimum": combined(lambda net, x, y: net.larger(x, y, "-")),
    "Masking": Operator(hides_steps),
    "Log": computed(np.log),
    "Floor": computed(np.floor),
}
