"""Reads programs exported by PyTorch: the settings of each operator, and its effect."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from gradbook import limits
from gradbook.errors import DataError, TargetError
from gradbook.files import open_file
from gradbook.formats.combined import Sign
from gradbook.formats.foreign import Fixed, Operator, Table, Told, Value, ValueName
from gradbook.formats.gates import PYTORCH, GateStack
from gradbook.formats.growing_net import GrowingNet
from gradbook.formats.imported import ImportedNet, NoLayer, NoReader
from gradbook.formats.known_values import NO_LAYER
from gradbook.formats.layer_list import MOST_PLACES, RowsAndColumns
from gradbook.formats.layouts import Live, to_depth, to_space
from gradbook.formats.recogniser import read_graph
from gradbook.formats.torch.content import FLOATS, read_content
from gradbook.graph.window import NOWHERE, SAME, Both
from gradbook.layers.activations import Activation, Numbered
from gradbook.layers.card import spell
from gradbook.layers.sequences import Gru, Lstm, Rnn
from gradbook.schema import (
    AnyNumber,
    AnyOf,
    Anything,
    Choice,
    FiniteNumber,
    IfThere,
    Kind,
    ListOf,
    Maybe,
    OneOrMore,
    Only,
    PlainText,
    Schema,
    SchemaError,
    TrueOrFalse,
    Usually,
    WholeNumber,
)

TRAINING = "it is in training mode: call module.eval() before exporting"


def read_pt2(path: str | os.PathLike[str]) -> ImportedNet:
    """Read a .pt2 file; everything without a layer here is reported at once."""
    with open_file(Path(path), limits.FOREIGN) as stream:
        graph = read_content(stream, path)
    return read_graph(graph, OPERATORS, os.fspath(path))


def torch_net(module: Any, example: Any) -> ImportedNet:
    """Read a module through the file that PyTorch exports of it."""
    try:
        import torch
    except ImportError as error:
        raise TargetError(
            "reading a PyTorch module needs PyTorch, which isn't installed: pip install "
            "'gradbook[torch]'"
        ) from error
    name, file = type(module).__name__, io.BytesIO()
    try:
        program = torch.export.export(module, example if isinstance(example, tuple) else (example,))
        torch.export.save(program, file)
    except Exception as error:  # many kinds, depending on the module
        first = str(error).strip().partition("\n")[0] or type(error).__name__
        raise DataError(f"{name}: PyTorch can't export it ({first})") from error
    return read_graph(read_content(file, name), OPERATORS, name)


# Settings of operators.


class Tensor:
    """The name of another operator's value, or of a stored tensor."""

    def read(self, value: object) -> ValueName:
        if not isinstance(value, ValueName):
            raise SchemaError("a tensor, not something else")
        return value


@dataclass(frozen=True)
class Along:
    """A setting for the steps of a sequence, which are columns of a single row here."""

    row: int = 1
    least: int = 1

    def read(self, value: object) -> Both:
        (count,) = OneOrMore(WholeNumber(self.least, MOST_PLACES), 1).read(value)
        return self.row, count


OPERATORS = Table()
YES, NO = Usually(TrueOrFalse(), True), Usually(TrueOrFalse(), False)
AXIS, COUNT = WholeNumber(-8, 7), WholeNumber(1, 2**20)
PLACE = WholeNumber(-(2**63), 2**63)  # along an axis, from either end
EPSILON = Usually(FiniteNumber(0, 1), 1e-5)
ALONE, EACH = Usually(RowsAndColumns(), (1, 1)), Usually(RowsAndColumns(0), (0, 0))
BIAS = Usually(Tensor(), None)
AFFINE = {"weight": BIAS, "bias": BIAS, "eps": EPSILON}
UNUSED = IfThere(Anything())  # for training, or for the layout in memory
OF_TRAINING = dict.fromkeys(("momentum", "cudnn_enabled", "cudnn_enable"), UNUSED)
COPIED = dict.fromkeys(("memory_format", "layout", "device", "pin_memory", "non_blocking"), UNUSED)
SIZES = ListOf(Maybe(WholeNumber(-1)), 1, 8)
ONCE = Usually(FiniteNumber(), 1.0)
PAD_MODES = {  # NumPy's
    "constant": "constant",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}
OVER = Schema(dim=Usually(OneOrMore(AXIS, 4), []), keepdim=NO, dtype=UNUSED)
FOR_CONSTANTS = Schema(  # for operators on constants, which are never layers
    **dict.fromkeys(("start", "end", "step", "n", "fill_value", "diagonal", "size"), UNUSED),
    **dict.fromkeys(("other", "condition", "dtype"), UNUSED),
    **COPIED,
)

RECURRENT = {"rnn_tanh": Rnn, "gru": Gru, "lstm": Lstm}
NORM = Schema(
    **AFFINE,
    num_groups=IfThere(COUNT),
    use_input_stats=YES,
    **OF_TRAINING,
    **dict.fromkeys(("running_mean", "running_var"), UNUSED),
)
CONV: Mapping[str, Kind] = {
    "weight": Tensor(),
    "bias": BIAS,
    "groups": Usually(COUNT, 1),
}
POOL: Mapping[str, Kind] = {
    "ceil_mode": NO,
    "count_include_pad": YES,
    "divisor_override": Usually(WholeNumber(), None),
}
NO_STRIDE = ListOf(WholeNumber(), most=0)
SOFTMAX = Schema(dim=AXIS, dtype=UNUSED)


# Sums.


@OPERATORS.add("linear", weight=Tensor(), bias=BIAS)
def linear(net: GrowingNet, told: Told, x: Value) -> Value:
    tensors = net.weights(weight=told["weight"], bias=told["bias"])
    return net.dense(x, **tensors)


@OPERATORS.add(
    "conv2d",
    windowed=True,
    **CONV,
    stride=ALONE,
    dilation=ALONE,
    padding=Usually(AnyOf(Choice("same", "valid"), RowsAndColumns(0)), "valid"),
)
@OPERATORS.add(
    "conv1d",
    windowed=True,
    **CONV,
    stride=Usually(Along(), (1, 1)),
    dilation=Usually(Along(), (1, 1)),
    padding=Usually(AnyOf(Choice("same", "valid"), Along(0, 0)), "valid"),
)
def conv(net: GrowingNet, told: Told, x: Value) -> Value:
    padding = {"same": SAME, "valid": NOWHERE}.get(told["padding"], told["padding"] * 2)
    moves = (told["stride"], padding, told["dilation"], told["groups"])
    return net.conv(x, told["weight"], told["bias"], *moves)


@OPERATORS.add(
    "conv_transpose2d", **CONV, stride=ALONE, dilation=ALONE, padding=EACH, output_padding=EACH
)
def conv_back(net: GrowingNet, told: Told, x: Value) -> Value:
    (rows, columns), (below, right) = told["padding"], told["output_padding"]
    pad = (rows, columns, rows - below, columns - right)
    moves = (told["stride"], pad, told["dilation"], told["groups"])
    return net.conv_back(x, told["weight"], told["bias"], *moves)


@OPERATORS.add(
    "upsample_nearest2d",
    output_size=Usually(ListOf(COUNT, 2, 2), None),
    scale_factors=Usually(ListOf(FiniteNumber(), 2, 2), None),
    scales_h=Usually(FiniteNumber(), None),
    scales_w=Usually(FiniteNumber(), None),
)
def enlarge(net: GrowingNet, told: Told, x: Value) -> Value:
    factors = told["scale_factors"]
    if told["output_size"] is not None:
        pairs = zip(told["output_size"], net.live(x).size[1:], strict=True)
        factors = [size / given for size, given in pairs]
        known = (told["scales_h"], told["scales_w"])
        if any(
            factor not in (None, by_size) for factor, by_size in zip(known, factors, strict=True)
        ):
            raise NoLayer("its scale factors don't match its output size")
    return net.enlarge(x, factors or [])


# Windows and normalisation.


@OPERATORS.add(
    "max_pool2d",
    "avg_pool2d",
    windowed=True,
    kernel_size=RowsAndColumns(),
    stride=Usually(AnyOf(RowsAndColumns(), NO_STRIDE), None),
    padding=EACH,
    dilation=ALONE,
    **POOL,
)
@OPERATORS.add(
    "max_pool1d",
    "avg_pool1d",
    windowed=True,
    kernel_size=Along(),
    stride=Usually(AnyOf(Along(), NO_STRIDE), None),
    padding=Usually(Along(0, 0), (0, 0)),
    dilation=Usually(Along(), (1, 1)),
    **POOL,
)
def pool(net: GrowingNet, told: Told, x: Value) -> Value:
    if told["divisor_override"]:
        raise NoReader("an average pool with its own divisor can't be read")
    stride, pad = told["stride"] or told["kernel_size"], told["padding"] * 2
    moves = (stride, pad, told["dilation"], told["ceil_mode"], told["count_include_pad"])
    return net.pool(x, net.op.word[:3], told["kernel_size"], *moves)


@OPERATORS.add("adaptive_avg_pool2d", "adaptive_max_pool2d", output_size=RowsAndColumns())
@OPERATORS.add("adaptive_avg_pool1d", "adaptive_max_pool1d", output_size=Along())
def pool_to(net: GrowingNet, told: Told, x: Value) -> Value:
    live, target, kind = net.live(x), told["output_size"], net.op.word.split("_")[1]
    area = live.size[1:]
    if target == (1, 1):
        return net.pool_all(live, kind, range(2, len(live.shape)))
    if any(n % t for n, t in zip(area, target, strict=True)):
        raise NoLayer(f"{spell(area)} can't be divided into {spell(target)} equal windows")
    rows, columns = (n // t for n, t in zip(area, target, strict=True))
    return net.pool(live, kind, (rows, columns), (rows, columns))


OPERATORS.add("sum", **OVER.kinds)(
    lambda net, told, x: net.sum_over(x, told["dim"], told["keepdim"])
)
OPERATORS.add("maximum", other=Tensor())(lambda net, told, x: net.larger(x, told["other"]))
OPERATORS.add("minimum", other=Tensor())(lambda net, told, x: net.larger(x, told["other"], "-"))
OPERATORS.add("einsum", equation=PlainText(100), tensors=ListOf(Tensor(), 2, 2), path=UNUSED)(
    lambda net, told: net.einsum(told["equation"], told["tensors"])
)


@OPERATORS.add("stack", tensors=ListOf(Tensor(), 1), dim=Usually(AXIS, 0))
def stack(net: GrowingNet, told: Told) -> Value:
    apart = (net.move(x, lambda order: np.expand_dims(order, told["dim"])) for x in told["tensors"])
    return net.concat([*apart], told["dim"])


@OPERATORS.add("mean", reduces=True, **OVER.kinds)
@OPERATORS.add("amax", "max", **OVER.kinds)
def reduce(net: GrowingNet, told: Told, x: Value) -> Value:
    if any(net.readers.count(name) for name in net.op.makes[1:]):
        raise NoReader("only the largest values can be read, not their places")
    return net.pool_all(x, "avg" if net.op.word == "mean" else "max", told["dim"], told["keepdim"])


@OPERATORS.add(
    "pad",
    "constant_pad_nd",
    windowed=True,
    pad=ListOf(WholeNumber(-MOST_PLACES, MOST_PLACES), 1, 8),
    mode=Usually(Choice(*PAD_MODES), "constant"),
    value=Usually(FiniteNumber(), 0.0),
)
def pad(net: GrowingNet, told: Told, x: Value) -> Value:
    widths = _widths(told["pad"], len(net.shape_of(x)))
    return net.surround(x, widths, PAD_MODES[told["mode"]], told["value"])


def _widths(pads: Sequence[int], axes: int) -> list[tuple[int, int]]:
    """Return the padding of each axis; PyTorch begins with the last one."""
    both = [*zip(pads[::2], pads[1::2], strict=True)][::-1]
    return [(0, 0)] * (axes - len(both)) + both


def padded(mode: str) -> Operator:
    def take(net: GrowingNet, told: Told, x: Value) -> Value:
        return net.surround(x, _widths(told["padding"], len(net.shape_of(x))), mode, 0)

    return Operator(take, Schema(padding=ListOf(WholeNumber(0, MOST_PLACES), 2, 4)))


@OPERATORS.add(
    "batch_norm", **AFFINE, running_mean=BIAS, running_var=BIAS, training=NO, **OF_TRAINING
)
def batchnorm(net: GrowingNet, told: Told, x: Value) -> Value:
    if told["training"]:
        raise NoReader(TRAINING)
    names = ("weight", "bias", "running_mean", "running_var")
    return net.batchnorm(x, told["eps"], *(told[name] for name in names))


@OPERATORS.add("group_norm", "instance_norm", **NORM.kinds)
def group_norm(net: GrowingNet, told: Told, x: Value) -> Value:
    """Normalise groups of channels, or each channel."""
    if not told["use_input_stats"]:
        raise NoLayer("it uses the running mean and variance of training")
    live, tensors = net.live(x), net.weights(scale=told["weight"], shift=told["bias"])
    groups = told.get("num_groups", live.shape[1])
    scale, shift = (tensors.get(name) for name in ("scale", "shift"))
    return net.group_norm(live, groups, told["eps"], scale, shift)


@OPERATORS.add("layer_norm", **AFFINE, **OF_TRAINING, normalized_shape=ListOf(COUNT, 1, 4))
@OPERATORS.add(
    "rms_norm",
    **AFFINE | {"eps": Usually(FiniteNumber(0, 1), None)},
    normalized_shape=ListOf(COUNT, 1, 4),
)
def layer_norm(net: GrowingNet, told: Told, x: Value) -> Value:
    live, over = net.live(x), tuple(told["normalized_shape"])
    if live.shape[len(live.shape) - len(over) :] != over:
        raise NoLayer(f"it normalises over {spell(over)} of {spell(live.shape[1:])}")
    tensors = net.weights(scale=told["weight"], shift=told["bias"])
    axes = range(-len(over), 0)
    if net.op.word == "rms_norm":
        usual = float(np.finfo(np.float32).eps)
        epsilon = usual if told["eps"] is None else told["eps"]
        return net.divide_by_size(live, axes, epsilon, tensors.get("scale"))
    scale, shift = (tensors.get(name) for name in ("scale", "shift"))
    return net.normalise(live, axes, told["eps"], scale, shift)


# Sequences.


@OPERATORS.add(
    *RECURRENT,
    hx=AnyOf(Tensor(), ListOf(Tensor(), 1)),
    params=ListOf(Tensor(), 1),
    has_biases=YES,
    num_layers=COUNT,
    train=NO,
    bidirectional=NO,
    batch_first=NO,
    dropout=UNUSED,
)
def recur(net: GrowingNet, told: Told, x: Value) -> tuple[Value, ...]:
    """Read the layers one by one; their last states are stacked."""
    if told["train"]:
        raise NoReader(TRAINING)
    begin = told["hx"] if isinstance(told["hx"], list) else [told["hx"]]
    if any(not isinstance(state, Fixed) or state.array.any() for state in begin):
        raise NoLayer("only states that begin at 0 can be read")
    kind, each = RECURRENT[net.op.word], 2 + 2 * told["has_biases"]
    params = [net.weight(parameter) for parameter in told["params"]]
    ways = 1 + told["bidirectional"]
    if len(params) != each * told["num_layers"] * ways:
        raise NoLayer("its weights aren't all stored")
    states, *cells = net.op.makes[1:]
    if any(net.readers.count(name) for name in cells):
        raise NoLayer("only its states can be read, not its cells")
    ends = []
    for _ in range(told["num_layers"]):
        made = []
        for backwards in (False, True)[:ways]:
            stack = GateStack(*params[:each])
            del params[:each]
            first = not told["batch_first"]
            every, last = net.recur(x, kind, stack, PYTORCH, first, backwards=backwards)
            ends += [last()] if net.readers.count(states) else []
            made.append(every)
        x = net.concat(made, -1)
    return x, (net.concat(ends, 0) if len(ends) > 1 else ends[0]) if ends else None


@OPERATORS.add(
    "scaled_dot_product_attention",
    query=Tensor(),
    key=Tensor(),
    value=Tensor(),
    attn_mask=BIAS,
    is_causal=NO,
    scale=Usually(FiniteNumber(), None),
    dropout_p=IfThere(Only(0)),
    enable_gqa=IfThere(Only(False)),
)
def attend(net: GrowingNet, told: Told) -> Value:
    parts = [net.live(told[name]) for name in ("query", "key", "value")]
    scale = told["scale"] or 1 / sqrt(parts[0].shape[-1])
    return net.attend(parts, scale, told["attn_mask"], told["is_causal"])


# Operators that only rearrange values.


@OPERATORS.add("view", "_unsafe_view", size=SIZES)
@OPERATORS.add("reshape", shape=SIZES)
def reshape(net: GrowingNet, told: Told, x: Value) -> Value:
    return net.reshape(x, _settled(net, told.get("size") or told["shape"]))


def _settled(net: GrowingNet, sizes: Sequence[int | None]) -> list[int]:
    """Replace an open size by the number of samples."""
    net.asks_for_sizes |= None in sizes
    return [net.samples if size is None else size for size in sizes]


@OPERATORS.add("flatten", start_dim=Usually(AXIS, 0), end_dim=Usually(AXIS, -1))
def flatten(net: GrowingNet, told: Told, x: Value) -> Value:
    shape = net.shape_of(x)
    first, last = (told[name] % len(shape) for name in ("start_dim", "end_dim"))
    return net.reshape(x, (*shape[:first], -1, *shape[last + 1 :]))


@OPERATORS.add("unflatten", dim=AXIS, sizes=SIZES)
def unflatten(net: GrowingNet, told: Told, x: Value) -> Value:
    shape = net.shape_of(x)
    axis = told["dim"] % len(shape)
    return net.reshape(x, (*shape[:axis], *_settled(net, told["sizes"]), *shape[axis + 1 :]))


@OPERATORS.add("squeeze", dim=Usually(OneOrMore(AXIS, 8), None))
def squeeze(net: GrowingNet, told: Told, x: Value) -> Value:
    def squeezed(order: Any) -> Any:
        asked = range(order.ndim) if told["dim"] is None else told["dim"]
        return order.squeeze(tuple(axis for axis in asked if order.shape[axis] == 1))

    return net.move(x, squeezed)


@OPERATORS.add("expand", size=SIZES, implicit=UNUSED)
def expand(net: GrowingNet, told: Told, x: Value) -> Value:
    sizes, shape = _settled(net, told["size"]), net.shape_of(x)
    shape = (1,) * (len(sizes) - len(shape)) + shape
    return net.expand(x, tuple(n if s == -1 else s for s, n in zip(sizes, shape, strict=True)))


OPERATORS.add("repeat", repeats=ListOf(WholeNumber(1, MOST_PLACES), 1, 8))(
    lambda net, told, x: net.tile(x, told["repeats"])
)
OPERATORS.add(
    "repeat_interleave", repeats=WholeNumber(1, MOST_PLACES), dim=AXIS, output_size=UNUSED
)(lambda net, told, x: net.repeat(x, told["repeats"], told["dim"]))


@OPERATORS.add(
    "slice",
    dim=Usually(AXIS, 0),
    start=Usually(Maybe(PLACE), None),
    end=Usually(Maybe(PLACE), None),
    step=Usually(WholeNumber(1), 1),
)
def cut(net: GrowingNet, told: Told, x: Value) -> Value:
    cuts = [slice(None)] * len(net.shape_of(x))
    cuts[told["dim"]] = slice(told["start"], told["end"], told["step"])
    return net.sliced(x, cuts)


@OPERATORS.add("split", split_size=WholeNumber(1), dim=Usually(AXIS, 0))
@OPERATORS.add("split_with_sizes", split_sizes=ListOf(WholeNumber(1), 1), dim=Usually(AXIS, 0))
@OPERATORS.add("chunk", chunks=COUNT, dim=Usually(AXIS, 0))
@OPERATORS.add("unbind", dim=Usually(AXIS, 0))
def split(net: GrowingNet, told: Told, x: Value) -> tuple[Value, ...]:
    axis = told["dim"]
    count = net.shape_of(x)[axis]
    match net.op.word:
        case "unbind":
            parts = net.split(x, axis, [1] * count)
            return tuple(net.move(part, lambda order: order.take(0, axis)) for part in parts)
        case "chunk":
            each = -(-count // told["chunks"])
        case _ if "split_sizes" in told:
            return net.split(x, axis, told["split_sizes"])
        case _:
            each = told["split_size"]
    ends = [*range(0, count, each), count]
    return net.split(x, axis, [last - first for first, last in pairwise(ends)])


@OPERATORS.add("to", "_to_copy", dtype=Usually(WholeNumber(), None), copy=UNUSED, **COPIED)
@OPERATORS.add("clone", "contiguous", **COPIED)
@OPERATORS.add("alias", "detach", "lift_fresh_copy")
def pass_on(net: GrowingNet, told: Told, x: Value) -> Value:
    is_given = net.graph.is_whole and isinstance(x, Live) and net.is_given(x)
    if told.get("dtype") not in (None, *FLOATS) and not is_given and not isinstance(x, Fixed):
        raise NoLayer("it converts numbers to integers: only floats can be read")
    return x


@OPERATORS.add("dropout", "feature_dropout", "alpha_dropout", p=UNUSED, train=NO, training=NO)
def dropout(net: GrowingNet, told: Told, x: Value) -> Value:
    if told["train"] or told["training"]:
        raise NoReader(TRAINING)
    return x


def moved(turned: Callable[[Any, Told], Any], **settings: Any) -> Operator:
    def take(net: GrowingNet, told: Told, x: Value) -> Value:
        return net.move(x, lambda order: turned(order, told))

    return Operator(take, Schema(**settings))


# Elementwise operators, and operators on several values.


def activated(kind: str, **settings: Any) -> Operator:
    layer = Activation(kind)
    return Operator(lambda net, told, x: net.activate(x, layer), Schema(**settings), each=True)


@OPERATORS.add(
    "hardtanh",
    each=True,
    min_val=Usually(FiniteNumber(), -1.0),
    max_val=Usually(FiniteNumber(), 1.0),
)
@OPERATORS.add(
    "clamp", "clip", each=True, min=Usually(FiniteNumber(), None), max=Usually(FiniteNumber(), None)
)
def clamp(net: GrowingNet, told: Told, x: Value) -> Value:
    least, most = told.values()
    return net.clip(x, -np.inf if least is None else least, np.inf if most is None else most)


OPERATORS.add("clamp_min", each=True, min=FiniteNumber())(
    lambda net, told, x: net.clip(x, told["min"], np.inf)
)
OPERATORS.add("clamp_max", each=True, max=FiniteNumber())(
    lambda net, told, x: net.clip(x, -np.inf, told["max"])
)
OPERATORS.add("celu", alpha=ONCE)(lambda net, told, x: net.celu(x, told["alpha"]))
OPERATORS.add("glu", dim=Usually(AXIS, -1))(lambda net, told, x: net.gated(x, told["dim"]))


@OPERATORS.add("log_sigmoid")
def log_sigmoid(net: GrowingNet, told: Told, x: Value) -> Value:
    """Read −softplus(−x)."""
    turned = net.activate(x, Numbered("scale", -1))
    return net.activate(net.activate(turned, Activation("softplus")), Numbered("scale", -1))


@OPERATORS.add("neg", each=True)
def negated(net: GrowingNet, told: Told, x: Value) -> Value:
    return net.activate(x, Numbered("scale", -1))


@OPERATORS.add("square", each=True)
def squared(net: GrowingNet, told: Told, x: Value) -> Value:
    return net.arithmetic("*", x, x)


@OPERATORS.add("rsub", each=True, other=AnyOf(Tensor(), FiniteNumber()), alpha=ONCE)
def subtracted_from(net: GrowingNet, told: Told, x: Value) -> Value:
    other = told["other"]
    other = Fixed(np.array(other)) if isinstance(other, float) else other
    if told["alpha"] != 1:
        x = net.arithmetic("*", x, Fixed(np.array(told["alpha"])))
    return net.arithmetic("-", other, x)


@OPERATORS.add("elu", each=True, alpha=ONCE, scale=ONCE, input_scale=ONCE)
def elu(net: GrowingNet, told: Told, x: Value) -> Value:
    return net.elu(x, told["alpha"], told["input_scale"], told["scale"])


@OPERATORS.add("gelu", each=True, approximate=Usually(Choice("none", "tanh"), "none"))
def gelu(net: GrowingNet, told: Told, x: Value) -> Value:
    kind = "gelu" if told["approximate"] == "tanh" else "exact gelu"
    return net.activate(x, Activation(kind))


@OPERATORS.add("leaky_relu", negative_slope=Usually(FiniteNumber(), 0.01))
def leaky_relu(net: GrowingNet, told: Told, x: Value) -> Value:
    return net.activate(x, Activation("leaky relu", told["negative_slope"]))


@OPERATORS.add("softplus", each=True, beta=ONCE, threshold=Usually(FiniteNumber(), 20.0))
def softplus(net: GrowingNet, told: Told, x: Value) -> Value:
    if told["beta"] != 1 or told["threshold"] < 20:
        raise NoReader("only a softplus with a beta of 1 and a threshold of 20 can be read")
    return net.activate(x, Activation("softplus"))


@OPERATORS.add("prelu", weight=Tensor())
def prelu(net: GrowingNet, told: Told, x: Value) -> Value:
    along = (-1, *(1,) * (len(net.live(x).shape) - 2))
    return net.prelu(x, net.weight(told["weight"]).reshape(along))


def arithmetic(sign: Sign, **settings: Any) -> Operator:
    def take(net: GrowingNet, told: Told, x: Value) -> Value:
        other = told["other"]
        other = other if not isinstance(other, float) else Fixed(np.array(other))
        if told["alpha"] != 1:
            other = net.arithmetic("*", other, Fixed(np.array(told["alpha"])))
        return net.arithmetic(sign, x, other)

    schema = Schema(other=AnyOf(Tensor(), FiniteNumber()), alpha=ONCE, **settings)
    return Operator(take, schema, each=True)


@OPERATORS.add("masked_fill", mask=Tensor(), value=AnyNumber())
def masked(net: GrowingNet, told: Told, x: Value) -> Value:
    return net.where(told["mask"], Fixed(np.array(told["value"])), x)


@OPERATORS.add("index_select", dim=AXIS, index=Tensor())
def select(net: GrowingNet, told: Told, x: Value) -> Value:
    return net.take(x, told["index"], told["dim"])


def multiplied(name: str) -> Operator:
    return Operator(lambda net, told, x: net.matmul(x, told[name]), Schema(**{name: Tensor()}))


# Operators on constants alone, such as masks and positions.


def filled_like(number: float | None = None) -> Operator:
    """As many equal numbers as another value has, or as are asked for."""

    def take(net: GrowingNet, told: Told, x: Value) -> Value:
        value = float(told["fill_value"]) if number is None else number
        shape = net.shape_of(x) if told.get("size") is None else _settled(net, told["size"])
        net.asks_for_sizes |= net.graph.batch is None
        return net.constant(tuple(shape), lambda size: np.full(size, value))

    return Operator(take, FOR_CONSTANTS, asks=True)


def filled(number: float | None = None) -> Operator:
    def take(net: GrowingNet, told: Told, *given: Value) -> Value:
        value = float(told["fill_value"]) if number is None else number
        return net.constant(tuple(_settled(net, told["size"])), lambda shape: np.full(shape, value))

    return Operator(take, FOR_CONSTANTS)


@OPERATORS.add("arange", **FOR_CONSTANTS.kinds)
def counted(net: GrowingNet, told: Told) -> Value:
    start, step = (told.get(name) for name in ("start", "step"))
    ends = (start or 0, net.samples if told["end"] is None else told["end"], step or 1)
    count = abs(float(ends[1]) - float(ends[0])) / abs(float(ends[2]))
    return net.constant((int(min(count, 2**60)),), lambda _: np.arange(*ends))


@OPERATORS.add("eye", **FOR_CONSTANTS.kinds)
def unit(net: GrowingNet, told: Told) -> Value:
    size = int(told["n"])
    return net.constant((size, size), lambda shape: np.eye(size))


def triangle(part: Callable[..., Any]) -> Operator:
    def take(net: GrowingNet, told: Told, x: Value) -> Value:
        diagonal = told.get("diagonal") or 0
        return net.compute(lambda whole: part(whole, diagonal), x, why=NO_LAYER)

    return Operator(take, FOR_CONSTANTS)


def compared(function: Callable[..., Any]) -> Operator:
    def take(net: GrowingNet, told: Told, x: Value) -> Value:
        other = told.get("other")
        if other is None:
            return net.compute(function, x, why=NO_LAYER)
        other = other if isinstance(other, Live | Fixed) else Fixed(np.array(other))
        return net.compute(function, x, other, why=NO_LAYER)

    return Operator(take, FOR_CONSTANTS)


def negate(x: Any) -> Any:
    return ~np.asarray(x).astype(bool)


@OPERATORS.add(
    "embedding",
    weight=Tensor(),
    indices=Tensor(),
    **dict.fromkeys(("padding_idx", "scale_grad_by_freq", "sparse"), UNUSED),
)
def look_up(net: GrowingNet, told: Told) -> Value:
    return net.take(told["weight"], told["indices"], 0)


SIGNS: Mapping[str, Sign] = {"add": "+", "sub": "-", "mul": "*"}
PLAIN = {  # by gradbook's names
    "abs": "abs",
    "selu": "selu",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "relu6": "relu6",
    "silu": "silu",
    "mish": "mish",
    "hardsigmoid": "hardsigmoid",
    "hardswish": "hard swish",
}
COMPARES: Mapping[str, Callable[..., Any]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "logical_not": negate,
    "bitwise_not": negate,
}
OPERATORS.add("softmax", **SOFTMAX.kinds)(lambda net, told, x: net.softmax(x, told["dim"]))
OPERATORS.add("_softmax", dim=AXIS, half_to_float=UNUSED)(
    lambda net, told, x: net.softmax(x, told["dim"])
)
OPERATORS.add("log_softmax", **SOFTMAX.kinds)(
    lambda net, told, x: net.softmax(x, told["dim"], "log softmax")
)
OPERATORS.add("select", picks=True, dim=AXIS, index=PLACE)(
    lambda net, told, x: net.take(x, Fixed(np.array(told["index"])), told["dim"])
)
OPERATORS.add("cat", "concat", "concatenate", tensors=ListOf(Tensor(), 1), dim=Usually(AXIS, 0))(
    lambda net, told: net.concat(told["tensors"], told["dim"])
)
OPERATORS.add("where", **FOR_CONSTANTS.kinds)(
    lambda net, told, x: net.where(told["condition"], x, told["other"])
)
OPERATORS |= {
    **{word: activated(kind) for word, kind in PLAIN.items()},
    **{word: arithmetic(sign) for word, sign in SIGNS.items()},
    **{word: compared(function) for word, function in COMPARES.items()},
    "matmul": multiplied("other"),
    **dict.fromkeys(("bmm", "mm"), multiplied("mat2")),
    "unsqueeze": moved(lambda x, told: np.expand_dims(x, told["dim"]), dim=AXIS),
    "permute": moved(lambda x, told: x.transpose(told["dims"]), dims=ListOf(AXIS, 1, 8)),
    "transpose": moved(
        lambda x, told: x.swapaxes(told["dim0"], told["dim1"]), dim0=AXIS, dim1=AXIS
    ),
    "mT": moved(lambda x, told: x.swapaxes(-1, -2)),
    "movedim": moved(
        lambda x, told: np.moveaxis(x, told["source"], told["destination"]),
        source=OneOrMore(AXIS, 4),
        destination=OneOrMore(AXIS, 4),
    ),
    "div": arithmetic("/", rounding_mode=IfThere(Only(None))),
    **dict.fromkeys(("zeros_like", "new_zeros"), filled_like(0.0)),
    **dict.fromkeys(("ones_like", "new_ones"), filled_like(1.0)),
    **dict.fromkeys(("full_like", "new_full"), filled_like()),
    "flip": moved(lambda x, told: np.flip(x, told["dims"]), dims=ListOf(AXIS, 1, 8)),
    "roll": moved(
        lambda x, told: np.roll(x, told["shifts"], told["dims"]),
        shifts=OneOrMore(PLACE, 8),
        dims=OneOrMore(AXIS, 8),
    ),
    "narrow": moved(
        lambda x, told: np.take(
            x, range(told["start"], told["start"] + told["length"]), told["dim"]
        ),
        dim=AXIS,
        start=WholeNumber(0, MOST_PLACES),
        length=WholeNumber(1, MOST_PLACES),
    ),
    "channel_shuffle": moved(
        lambda x, told: (
            x.reshape(len(x), told["groups"], -1, *x.shape[2:]).swapaxes(1, 2).reshape(x.shape)
        ),
        groups=COUNT,
    ),
    "pixel_shuffle": moved(
        lambda x, told: to_space(x, told["upscale_factor"]), upscale_factor=COUNT
    ),
    "pixel_unshuffle": moved(
        lambda x, told: to_depth(x, told["downscale_factor"]), downscale_factor=COUNT
    ),
    **{f"reflection_pad{axes}d": padded("reflect") for axes in (1, 2)},
    **{f"replication_pad{axes}d": padded("edge") for axes in (1, 2)},
    "ones": filled(1.0),
    "zeros": filled(0.0),
    "full": filled(),
    "tril": triangle(np.tril),
    "triu": triangle(np.triu),
}
