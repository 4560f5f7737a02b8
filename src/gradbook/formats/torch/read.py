"""Reads programs exported by PyTorch: the arguments of each operator, and its effect."""

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
from gradbook.errors import DataError, not_installed
from gradbook.files import open_file
from gradbook.formats.combined import Sign
from gradbook.formats.foreign import Fixed, Operator, Settings, Table, Value, ValueName
from gradbook.formats.gates import PYTORCH, GateStack
from gradbook.formats.growing_net import GrowingNet
from gradbook.formats.imported import ImportedNet, NoLayer, NoReader
from gradbook.formats.known_values import NO_LAYER
from gradbook.formats.layer_list import MOST_PLACES, Moves, RowsAndColumns
from gradbook.formats.layouts import Live, to_depth, to_space
from gradbook.formats.recogniser import read_graph
from gradbook.formats.torch.content import FLOATS, read_content, with_plain_weights
from gradbook.graph.window import NOWHERE, SAME, Both
from gradbook.layers.activations import Activation, Numbered
from gradbook.layers.card import spell
from gradbook.layers.pools import Pool
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
        raise not_installed("reading a PyTorch module", "PyTorch", "torch") from error
    name, file = type(module).__name__, io.BytesIO()
    try:
        plain = with_plain_weights(module)
        program = torch.export.export(plain, example if isinstance(example, tuple) else (example,))
        torch.export.save(program, file)
    except Exception as error:  # many kinds, depending on the module
        first = str(error).strip().partition("\n")[0] or type(error).__name__
        raise DataError(f"{name}: PyTorch can't export it ({first})") from error
    return read_graph(read_content(file, name), OPERATORS, name)


# Arguments of operators.


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
NUMBER = FiniteNumber()
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
ONCE = Usually(NUMBER, 1.0)
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
def linear(net: GrowingNet, args: Settings, x: Value) -> Value:
    tensors = net.weights(weight=args["weight"], bias=args["bias"])
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
def conv(net: GrowingNet, args: Settings, x: Value) -> Value:
    padding = {"same": SAME, "valid": NOWHERE}.get(args["padding"], args["padding"] * 2)
    moves = Moves(args["stride"], padding, args["dilation"], args["groups"])
    return net.conv(x, args["weight"], args["bias"], moves)


@OPERATORS.add(
    "conv_transpose2d", **CONV, stride=ALONE, dilation=ALONE, padding=EACH, output_padding=EACH
)
def conv_back(net: GrowingNet, args: Settings, x: Value) -> Value:
    (rows, columns), (below, right) = args["padding"], args["output_padding"]
    pad = (rows, columns, rows - below, columns - right)
    moves = Moves(args["stride"], pad, args["dilation"], args["groups"])
    return net.conv_back(x, args["weight"], args["bias"], moves)


@OPERATORS.add(
    "upsample_nearest2d",
    output_size=Usually(ListOf(COUNT, 2, 2), None),
    scale_factors=Usually(ListOf(NUMBER, 2, 2), None),
    scales_h=Usually(NUMBER, None),
    scales_w=Usually(NUMBER, None),
)
def enlarge(net: GrowingNet, args: Settings, x: Value) -> Value:
    factors = args["scale_factors"]
    if args["output_size"] is not None:
        pairs = zip(args["output_size"], net.live(x).size[1:], strict=True)
        factors = [size / length for size, length in pairs]
        scales = (args["scales_h"], args["scales_w"])
        if any(scale not in (None, factor) for scale, factor in zip(scales, factors, strict=True)):
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
def pool(net: GrowingNet, args: Settings, x: Value) -> Value:
    if args["divisor_override"]:
        raise NoReader("an average pool with its own divisor can't be read")
    kind, size, pad = net.op.word[:3], args["kernel_size"], args["padding"] * 2
    zeros = kind == "avg" and args["count_include_pad"]
    moves = (args["stride"] or size, pad, args["dilation"], args["ceil_mode"])
    return net.pool(x, Pool(kind, size, *moves, zeros))


@OPERATORS.add("adaptive_avg_pool2d", "adaptive_max_pool2d", output_size=RowsAndColumns())
@OPERATORS.add("adaptive_avg_pool1d", "adaptive_max_pool1d", output_size=Along())
def pool_to(net: GrowingNet, args: Settings, x: Value) -> Value:
    live, target, kind = net.live(x), args["output_size"], net.op.word.split("_")[1]
    area = live.size[1:]
    if target == (1, 1):
        return net.pool_all(live, kind, range(2, len(live.shape)))
    if any(n % t for n, t in zip(area, target, strict=True)):
        raise NoLayer(f"{spell(area)} can't be divided into {spell(target)} equal windows")
    rows, columns = (n // t for n, t in zip(area, target, strict=True))
    return net.pool(live, Pool(kind, (rows, columns), (rows, columns)))


OPERATORS.add("sum", **OVER.kinds)(
    lambda net, args, x: net.sum_over(x, args["dim"], args["keepdim"])
)
OPERATORS.add("maximum", other=Tensor())(lambda net, args, x: net.larger(x, args["other"]))
OPERATORS.add("minimum", other=Tensor())(lambda net, args, x: net.larger(x, args["other"], "-"))
OPERATORS.add("einsum", equation=PlainText(100), tensors=ListOf(Tensor(), 2, 2), path=UNUSED)(
    lambda net, args: net.einsum(args["equation"], args["tensors"])
)


@OPERATORS.add("stack", tensors=ListOf(Tensor(), 1), dim=Usually(AXIS, 0))
def stack(net: GrowingNet, args: Settings) -> Value:
    apart = (net.move(x, lambda order: np.expand_dims(order, args["dim"])) for x in args["tensors"])
    return net.concat([*apart], args["dim"])


@OPERATORS.add("mean", reduces=True, **OVER.kinds)
@OPERATORS.add("amax", "max", **OVER.kinds)
def reduce(net: GrowingNet, args: Settings, x: Value) -> Value:
    if any(net.readers.count(name) for name in net.op.makes[1:]):
        raise NoReader("only the largest values can be read, not their places")
    return net.pool_all(x, "avg" if net.op.word == "mean" else "max", args["dim"], args["keepdim"])


@OPERATORS.add(
    "pad",
    "constant_pad_nd",
    windowed=True,
    pad=ListOf(WholeNumber(-MOST_PLACES, MOST_PLACES), 1, 8),
    mode=Usually(Choice(*PAD_MODES), "constant"),
    value=Usually(NUMBER, 0.0),
)
def pad(net: GrowingNet, args: Settings, x: Value) -> Value:
    widths = _widths(args["pad"], len(net.shape_of(x)))
    return net.surround(x, widths, PAD_MODES[args["mode"]], args["value"])


def _widths(pads: Sequence[int], axes: int) -> list[tuple[int, int]]:
    """Return the padding of each axis; PyTorch begins with the last one."""
    pairs = [*zip(pads[::2], pads[1::2], strict=True)][::-1]
    return [(0, 0)] * (axes - len(pairs)) + pairs


def padded(mode: str) -> Operator:
    def take(net: GrowingNet, args: Settings, x: Value) -> Value:
        return net.surround(x, _widths(args["padding"], len(net.shape_of(x))), mode, 0)

    return Operator(take, Schema(padding=ListOf(WholeNumber(0, MOST_PLACES), 2, 4)))


@OPERATORS.add(
    "batch_norm", **AFFINE, running_mean=BIAS, running_var=BIAS, training=NO, **OF_TRAINING
)
def batchnorm(net: GrowingNet, args: Settings, x: Value) -> Value:
    if args["training"]:
        raise NoReader(TRAINING)
    names = ("weight", "bias", "running_mean", "running_var")
    return net.batchnorm(x, args["eps"], *(args[name] for name in names))


@OPERATORS.add("group_norm", "instance_norm", **NORM.kinds)
def group_norm(net: GrowingNet, args: Settings, x: Value) -> Value:
    """Normalise groups of channels, or each channel."""
    if not args["use_input_stats"]:
        raise NoLayer("it uses the running mean and variance of training")
    live, tensors = net.live(x), net.weights(scale=args["weight"], shift=args["bias"])
    groups = args.get("num_groups", live.shape[1])
    scale, shift = (tensors.get(name) for name in ("scale", "shift"))
    return net.group_norm(live, groups, args["eps"], scale, shift)


@OPERATORS.add("layer_norm", **AFFINE, **OF_TRAINING, normalized_shape=ListOf(COUNT, 1, 4))
@OPERATORS.add(
    "rms_norm",
    **AFFINE | {"eps": Usually(FiniteNumber(0, 1), None)},
    normalized_shape=ListOf(COUNT, 1, 4),
)
def layer_norm(net: GrowingNet, args: Settings, x: Value) -> Value:
    live, over = net.live(x), tuple(args["normalized_shape"])
    if live.shape[len(live.shape) - len(over) :] != over:
        raise NoLayer(f"it normalises over {spell(over)} of {spell(live.shape[1:])}")
    tensors = net.weights(scale=args["weight"], shift=args["bias"])
    axes = range(-len(over), 0)
    if net.op.word == "rms_norm":
        usual = float(np.finfo(np.float32).eps)
        epsilon = usual if args["eps"] is None else args["eps"]
        return net.divide_by_size(live, axes, epsilon, tensors.get("scale"))
    scale, shift = (tensors.get(name) for name in ("scale", "shift"))
    return net.normalise(live, axes, args["eps"], scale, shift)


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
def recur(net: GrowingNet, args: Settings, x: Value) -> tuple[Value, ...]:
    """Read the layers one by one; their last states are stacked."""
    if args["train"]:
        raise NoReader(TRAINING)
    begin = args["hx"] if isinstance(args["hx"], list) else [args["hx"]]
    if any(not isinstance(state, Fixed) or state.array.any() for state in begin):
        raise NoLayer("only states that begin at 0 can be read")
    kind, per_direction = RECURRENT[net.op.word], 2 + 2 * args["has_biases"]
    params = [net.weight(parameter) for parameter in args["params"]]
    directions = 1 + args["bidirectional"]
    if len(params) != per_direction * args["num_layers"] * directions:
        raise NoLayer("its weights aren't all stored")
    state_name, *cell_names = net.op.makes[1:]
    if any(net.readers.count(name) for name in cell_names):
        raise NoLayer("only its states can be read, not its cells")
    last_states = []
    for _ in range(args["num_layers"]):
        outputs = []
        for backwards in (False, True)[:directions]:
            stack = GateStack(*params[:per_direction])
            del params[:per_direction]
            first = not args["batch_first"]
            states, last = net.recur(x, kind, stack, PYTORCH, first, backwards=backwards)
            last_states += [last()] if net.readers.count(state_name) else []
            outputs.append(states)
        x = net.concat(outputs, -1)
    return x, net.stacked(last_states)


@OPERATORS.add(
    "scaled_dot_product_attention",
    query=Tensor(),
    key=Tensor(),
    value=Tensor(),
    attn_mask=BIAS,
    is_causal=NO,
    scale=Usually(NUMBER, None),
    dropout_p=IfThere(Only(0)),
    enable_gqa=IfThere(Only(False)),
)
def attend(net: GrowingNet, args: Settings) -> Value:
    parts = [net.live(args[name]) for name in ("query", "key", "value")]
    scale = args["scale"] or 1 / sqrt(parts[0].shape[-1])
    return net.attend(parts, scale, args["attn_mask"], args["is_causal"])


# Operators that only rearrange values.


@OPERATORS.add("view", "_unsafe_view", size=SIZES)
@OPERATORS.add("reshape", shape=SIZES)
def reshape(net: GrowingNet, args: Settings, x: Value) -> Value:
    return net.reshape(x, _settled(net, args.get("size") or args["shape"]))


def _settled(net: GrowingNet, sizes: Sequence[int | None]) -> list[int]:
    """Replace an open size by the number of samples."""
    net.asks_for_sizes |= None in sizes
    return [net.samples if size is None else size for size in sizes]


@OPERATORS.add("flatten", start_dim=Usually(AXIS, 0), end_dim=Usually(AXIS, -1))
def flatten(net: GrowingNet, args: Settings, x: Value) -> Value:
    shape = net.shape_of(x)
    first, last = (args[name] % len(shape) for name in ("start_dim", "end_dim"))
    return net.reshape(x, (*shape[:first], -1, *shape[last + 1 :]))


@OPERATORS.add("unflatten", dim=AXIS, sizes=SIZES)
def unflatten(net: GrowingNet, args: Settings, x: Value) -> Value:
    shape = net.shape_of(x)
    axis = args["dim"] % len(shape)
    return net.reshape(x, (*shape[:axis], *_settled(net, args["sizes"]), *shape[axis + 1 :]))


@OPERATORS.add("squeeze", dim=Usually(OneOrMore(AXIS, 8), None))
def squeeze(net: GrowingNet, args: Settings, x: Value) -> Value:
    def squeezed(order: Any) -> Any:
        axes = range(order.ndim) if args["dim"] is None else args["dim"]
        return order.squeeze(tuple(axis for axis in axes if order.shape[axis] == 1))

    return net.move(x, squeezed)


@OPERATORS.add("expand", size=SIZES, implicit=UNUSED)
def expand(net: GrowingNet, args: Settings, x: Value) -> Value:
    sizes, shape = _settled(net, args["size"]), net.shape_of(x)
    shape = (1,) * (len(sizes) - len(shape)) + shape
    return net.expand(x, tuple(n if s == -1 else s for s, n in zip(sizes, shape, strict=True)))


OPERATORS.add("repeat", repeats=ListOf(WholeNumber(1, MOST_PLACES), 1, 8))(
    lambda net, args, x: net.tile(x, args["repeats"])
)
OPERATORS.add(
    "repeat_interleave", repeats=WholeNumber(1, MOST_PLACES), dim=AXIS, output_size=UNUSED
)(lambda net, args, x: net.repeat(x, args["repeats"], args["dim"]))


@OPERATORS.add(
    "slice",
    dim=Usually(AXIS, 0),
    start=Usually(Maybe(PLACE), None),
    end=Usually(Maybe(PLACE), None),
    step=Usually(WholeNumber(1), 1),
)
def cut(net: GrowingNet, args: Settings, x: Value) -> Value:
    cuts = [slice(None)] * len(net.shape_of(x))
    cuts[args["dim"]] = slice(args["start"], args["end"], args["step"])
    return net.sliced(x, cuts)


@OPERATORS.add("split", split_size=WholeNumber(1), dim=Usually(AXIS, 0))
@OPERATORS.add("split_with_sizes", split_sizes=ListOf(WholeNumber(1), 1), dim=Usually(AXIS, 0))
@OPERATORS.add("chunk", chunks=COUNT, dim=Usually(AXIS, 0))
@OPERATORS.add("unbind", dim=Usually(AXIS, 0))
def split(net: GrowingNet, args: Settings, x: Value) -> tuple[Value, ...]:
    axis = args["dim"]
    count = net.shape_of(x)[axis]
    match net.op.word:
        case "unbind":
            parts = net.split(x, axis, [1] * count)
            return tuple(net.move(part, lambda order: order.take(0, axis)) for part in parts)
        case "chunk":
            size = -(-count // args["chunks"])
        case _ if "split_sizes" in args:
            return net.split(x, axis, args["split_sizes"])
        case _:
            size = args["split_size"]
    ends = [*range(0, count, size), count]
    return net.split(x, axis, [last - first for first, last in pairwise(ends)])


@OPERATORS.add("to", "_to_copy", dtype=Usually(WholeNumber(), None), copy=UNUSED, **COPIED)
@OPERATORS.add("clone", "contiguous", **COPIED)
@OPERATORS.add("alias", "detach", "lift_fresh_copy")
def pass_on(net: GrowingNet, args: Settings, x: Value) -> Value:
    is_input = net.graph.is_whole and isinstance(x, Live) and net.is_input(x)
    if args.get("dtype") not in (None, *FLOATS) and not is_input and not isinstance(x, Fixed):
        raise NoLayer("it converts numbers to integers: only floats can be read")
    return x


@OPERATORS.add("dropout", "feature_dropout", "alpha_dropout", p=UNUSED, train=NO, training=NO)
def dropout(net: GrowingNet, args: Settings, x: Value) -> Value:
    if args["train"] or args["training"]:
        raise NoReader(TRAINING)
    return x


def moved(turned: Callable[[Any, Settings], Any], **settings: Any) -> Operator:
    def take(net: GrowingNet, args: Settings, x: Value) -> Value:
        return net.move(x, lambda order: turned(order, args))

    return Operator(take, Schema(**settings))


# Elementwise operators, and operators on several values.


def activated(kind: str, **settings: Any) -> Operator:
    layer = Activation(kind)
    return Operator(
        lambda net, args, x: net.activate(x, layer), Schema(**settings), elementwise=True
    )


@OPERATORS.add(
    "hardtanh", elementwise=True, min_val=Usually(NUMBER, -1.0), max_val=Usually(NUMBER, 1.0)
)
@OPERATORS.add(
    "clamp", "clip", elementwise=True, min=Usually(NUMBER, None), max=Usually(NUMBER, None)
)
def clamp(net: GrowingNet, args: Settings, x: Value) -> Value:
    least, most = args.values()
    return net.clip(x, -np.inf if least is None else least, np.inf if most is None else most)


OPERATORS.add("clamp_min", elementwise=True, min=NUMBER)(
    lambda net, args, x: net.clip(x, args["min"], np.inf)
)
OPERATORS.add("clamp_max", elementwise=True, max=NUMBER)(
    lambda net, args, x: net.clip(x, -np.inf, args["max"])
)
OPERATORS.add("celu", alpha=ONCE)(lambda net, args, x: net.celu(x, args["alpha"]))
OPERATORS.add("glu", dim=Usually(AXIS, -1))(lambda net, args, x: net.gated(x, args["dim"]))


@OPERATORS.add("log_sigmoid")
def log_sigmoid(net: GrowingNet, args: Settings, x: Value) -> Value:
    """Read −softplus(−x)."""
    turned = net.activate(x, Numbered("scale", -1))
    return net.activate(net.activate(turned, Activation("softplus")), Numbered("scale", -1))


@OPERATORS.add("neg", elementwise=True)
def negated(net: GrowingNet, args: Settings, x: Value) -> Value:
    return net.activate(x, Numbered("scale", -1))


@OPERATORS.add("square", elementwise=True)
def squared(net: GrowingNet, args: Settings, x: Value) -> Value:
    return net.arithmetic("*", x, x)


@OPERATORS.add("rsub", elementwise=True, other=AnyOf(Tensor(), NUMBER), alpha=ONCE)
def subtracted_from(net: GrowingNet, args: Settings, x: Value) -> Value:
    return net.arithmetic("-", _as_value(args["other"]), _times(net, x, args["alpha"]))


def _as_value(argument: Any) -> Value:
    return Fixed(np.array(argument)) if isinstance(argument, float) else argument


def _times(net: GrowingNet, value: Value, factor: float) -> Value:
    return value if factor == 1 else net.arithmetic("*", value, Fixed(np.array(factor)))


@OPERATORS.add("elu", elementwise=True, alpha=ONCE, scale=ONCE, input_scale=ONCE)
def elu(net: GrowingNet, args: Settings, x: Value) -> Value:
    return net.elu(x, args["alpha"], args["input_scale"], args["scale"])


@OPERATORS.add("gelu", elementwise=True, approximate=Usually(Choice("none", "tanh"), "none"))
def gelu(net: GrowingNet, args: Settings, x: Value) -> Value:
    kind = "gelu" if args["approximate"] == "tanh" else "exact gelu"
    return net.activate(x, Activation(kind))


@OPERATORS.add("leaky_relu", negative_slope=Usually(NUMBER, 0.01))
def leaky_relu(net: GrowingNet, args: Settings, x: Value) -> Value:
    return net.activate(x, Activation("leaky relu", args["negative_slope"]))


@OPERATORS.add("softplus", elementwise=True, beta=ONCE, threshold=Usually(NUMBER, 20.0))
def softplus(net: GrowingNet, args: Settings, x: Value) -> Value:
    if args["beta"] != 1 or args["threshold"] < 20:
        raise NoReader("only a softplus with a beta of 1 and a threshold of 20 can be read")
    return net.activate(x, Activation("softplus"))


@OPERATORS.add("prelu", weight=Tensor())
def prelu(net: GrowingNet, args: Settings, x: Value) -> Value:
    along_channels = (-1, *(1,) * (len(net.live(x).shape) - 2))
    return net.prelu(x, net.weight(args["weight"]).reshape(along_channels))


def arithmetic(sign: Sign, **settings: Any) -> Operator:
    def take(net: GrowingNet, args: Settings, x: Value) -> Value:
        other = _times(net, _as_value(args["other"]), args["alpha"])
        return net.arithmetic(sign, x, other)

    schema = Schema(other=AnyOf(Tensor(), NUMBER), alpha=ONCE, **settings)
    return Operator(take, schema, elementwise=True)


@OPERATORS.add("masked_fill", mask=Tensor(), value=AnyNumber())
def masked(net: GrowingNet, args: Settings, x: Value) -> Value:
    return net.where(args["mask"], Fixed(np.array(args["value"])), x)


@OPERATORS.add("index_select", dim=AXIS, index=Tensor())
def select(net: GrowingNet, args: Settings, x: Value) -> Value:
    return net.take(x, args["index"], args["dim"])


def multiplied(name: str) -> Operator:
    return Operator(lambda net, args, x: net.matmul(x, args[name]), Schema(**{name: Tensor()}))


# Operators on constants alone, such as masks and positions.


def filled_like(number: float | None = None) -> Operator:
    """Fill the shape of another value, or the size in the arguments, with one number."""

    def take(net: GrowingNet, args: Settings, x: Value) -> Value:
        value = float(args["fill_value"]) if number is None else number
        shape = net.shape_of(x) if args.get("size") is None else _settled(net, args["size"])
        net.asks_for_sizes |= net.graph.batch is None
        return net.constant(tuple(shape), lambda size: np.full(size, value))

    return Operator(take, FOR_CONSTANTS, asks=True)


def filled(number: float | None = None) -> Operator:
    def take(net: GrowingNet, args: Settings, *inputs: Value) -> Value:
        value = float(args["fill_value"]) if number is None else number
        return net.constant(tuple(_settled(net, args["size"])), lambda shape: np.full(shape, value))

    return Operator(take, FOR_CONSTANTS)


@OPERATORS.add("arange", **FOR_CONSTANTS.kinds)
def counted(net: GrowingNet, args: Settings) -> Value:
    start, step = (args.get(name) for name in ("start", "step"))
    ends = (start or 0, net.samples if args["end"] is None else args["end"], step or 1)
    count = abs(float(ends[1]) - float(ends[0])) / abs(float(ends[2]))
    return net.constant((int(min(count, 2**60)),), lambda _: np.arange(*ends))


@OPERATORS.add("eye", **FOR_CONSTANTS.kinds)
def unit(net: GrowingNet, args: Settings) -> Value:
    size = int(args["n"])
    return net.constant((size, size), lambda shape: np.eye(size))


def triangle(part: Callable[..., Any]) -> Operator:
    def take(net: GrowingNet, args: Settings, x: Value) -> Value:
        diagonal = args.get("diagonal") or 0
        return net.compute(lambda array: part(array, diagonal), x, why=NO_LAYER)

    return Operator(take, FOR_CONSTANTS)


def compared(function: Callable[..., Any]) -> Operator:
    def take(net: GrowingNet, args: Settings, x: Value) -> Value:
        other = args.get("other")
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
def look_up(net: GrowingNet, args: Settings) -> Value:
    return net.take(args["weight"], args["indices"], 0)


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
OPERATORS.add("softmax", **SOFTMAX.kinds)(lambda net, args, x: net.softmax(x, args["dim"]))
OPERATORS.add("_softmax", dim=AXIS, half_to_float=UNUSED)(
    lambda net, args, x: net.softmax(x, args["dim"])
)
OPERATORS.add("log_softmax", **SOFTMAX.kinds)(
    lambda net, args, x: net.softmax(x, args["dim"], "log softmax")
)
OPERATORS.add("select", picks=True, dim=AXIS, index=PLACE)(
    lambda net, args, x: net.take(x, Fixed(np.array(args["index"])), args["dim"])
)
OPERATORS.add("cat", "concat", "concatenate", tensors=ListOf(Tensor(), 1), dim=Usually(AXIS, 0))(
    lambda net, args: net.concat(args["tensors"], args["dim"])
)
OPERATORS.add("where", **FOR_CONSTANTS.kinds)(
    lambda net, args, x: net.where(args["condition"], x, args["other"])
)
OPERATORS |= {
    **{word: activated(kind) for word, kind in PLAIN.items()},
    **{word: arithmetic(sign) for word, sign in SIGNS.items()},
    **{word: compared(function) for word, function in COMPARES.items()},
    "matmul": multiplied("other"),
    **dict.fromkeys(("bmm", "mm"), multiplied("mat2")),
    "unsqueeze": moved(lambda x, args: np.expand_dims(x, args["dim"]), dim=AXIS),
    "permute": moved(lambda x, args: x.transpose(args["dims"]), dims=ListOf(AXIS, 1, 8)),
    "transpose": moved(
        lambda x, args: x.swapaxes(args["dim0"], args["dim1"]), dim0=AXIS, dim1=AXIS
    ),
    "mT": moved(lambda x, args: x.swapaxes(-1, -2)),
    "movedim": moved(
        lambda x, args: np.moveaxis(x, args["source"], args["destination"]),
        source=OneOrMore(AXIS, 4),
        destination=OneOrMore(AXIS, 4),
    ),
    "div": arithmetic("/", rounding_mode=IfThere(Only(None))),
    **dict.fromkeys(("zeros_like", "new_zeros"), filled_like(0.0)),
    **dict.fromkeys(("ones_like", "new_ones"), filled_like(1.0)),
    **dict.fromkeys(("full_like", "new_full"), filled_like()),
    "flip": moved(lambda x, args: np.flip(x, args["dims"]), dims=ListOf(AXIS, 1, 8)),
    "roll": moved(
        lambda x, args: np.roll(x, args["shifts"], args["dims"]),
        shifts=OneOrMore(PLACE, 8),
        dims=OneOrMore(AXIS, 8),
    ),
    "narrow": moved(
        lambda x, args: np.take(
            x, range(args["start"], args["start"] + args["length"]), args["dim"]
        ),
        dim=AXIS,
        start=WholeNumber(0, MOST_PLACES),
        length=WholeNumber(1, MOST_PLACES),
    ),
    "channel_shuffle": moved(
        lambda x, args: (
            x.reshape(len(x), args["groups"], -1, *x.shape[2:]).swapaxes(1, 2).reshape(x.shape)
        ),
        groups=COUNT,
    ),
    "pixel_shuffle": moved(
        lambda x, args: to_space(x, args["upscale_factor"]), upscale_factor=COUNT
    ),
    "pixel_unshuffle": moved(
        lambda x, args: to_depth(x, args["downscale_factor"]), downscale_factor=COUNT
    ),
    **{f"reflection_pad{axes}d": padded("reflect") for axes in (1, 2)},
    **{f"replication_pad{axes}d": padded("edge") for axes in (1, 2)},
    "ones": filled(1.0),
    "zeros": filled(0.0),
    "full": filled(),
    "tril": triangle(np.tril),
    "triu": triangle(np.triu),
}
