"""What the arguments of PyTorch's operators may be, and which activation one is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gradbook.formats.imported import STEEPER, NoReader
from gradbook.formats.layer_list import MOST_PLACES, RowsAndColumns, resolve_same
from gradbook.formats.torch.content import AtenCall, AtenValue
from gradbook.graph.window import Both, Pad, Shape
from gradbook.layers.activations import Activation
from gradbook.schema import (
    AnyNumber,
    AnyOf,
    Anything,
    Choice,
    FiniteNumber,
    IfThere,
    ListOf,
    Maybe,
    OneOrMore,
    Only,
    Schema,
    SchemaError,
    TrueOrFalse,
    Usually,
    WholeNumber,
)


@dataclass(frozen=True)
class TorchWord:
    """How a call is written, and the operator that an exported program has for it."""

    call: str
    operator: str


ACTIVATIONS = {  # by our words
    "sigmoid": TorchWord("torch.sigmoid({})", "sigmoid"),
    "tanh": TorchWord("torch.tanh({})", "tanh"),
    "relu": TorchWord("F.relu({})", "relu"),
    "leaky relu": TorchWord("F.leaky_relu({}, {slope!r})", "leaky_relu"),
    "softplus": TorchWord("F.softplus({})", "softplus"),
    "relu6": TorchWord("F.relu6({})", "relu6"),
    "elu": TorchWord("F.elu({})", "elu"),
    "gelu": TorchWord('F.gelu({}, approximate="tanh")', "gelu"),
    "exact gelu": TorchWord("F.gelu({})", "gelu"),
    "silu": TorchWord("F.silu({})", "silu"),
    "mish": TorchWord("F.mish({})", "mish"),
    "hardsigmoid": TorchWord("F.hardsigmoid({})", "hardsigmoid"),
    "hard swish": TorchWord("F.hardswish({})", "hardswish"),
    "identity": TorchWord("{}", "alias"),
    "softmax": TorchWord("F.softmax({}, dim=1)", "softmax"),
    "log softmax": TorchWord("F.log_softmax({}, dim=1)", "log_softmax"),
}
KINDS = {word.operator: kind for kind, word in ACTIVATIONS.items()}
LIMITS = {"hardtanh": ("min_val", "max_val"), "clamp": ("min", "max")}
OF_EACH_VALUE = (  # operators that are an activation by themselves
    *LIMITS,
    *(op for op, kind in KINDS.items() if kind != "identity" and not Activation(kind).is_softmax),
)


def activation_of(call: AtenCall) -> Activation:
    """Which activation an operator is, by its name and its numbers."""
    word, told = call.operator, call.arguments
    match word:
        case "hardtanh" | "clamp":
            if tuple(told[name] for name in LIMITS[word]) != (0, 6):
                raise NoReader("values can be clamped only between 0 and 6, as ReLU6 does")
            return Activation("relu6")
        case "elu" if (told["alpha"], told["scale"], told["input_scale"]) != (1, 1, 1):
            raise NoReader(STEEPER)
        case "gelu":
            return Activation("gelu" if told["approximate"] == "tanh" else "exact gelu")
        case "leaky_relu":
            return Activation("leaky relu", told["negative_slope"])
        case "softplus" if told["beta"] != 1 or told["threshold"] < 20:
            raise NoReader("only a softplus with a beta of 1 and a threshold of 20 can be read")
    return Activation(KINDS[word])


# What the arguments of PyTorch's operators may be.


class Tensor:
    """What another operator made, or a stored tensor, by its name."""

    def read(self, value: object) -> AtenValue:
        if not isinstance(value, AtenValue):
            raise SchemaError("a tensor, not something else")
        return value


@dataclass(frozen=True)
class Along:
    """What is told of the steps of a sequence, which are columns of a single row here."""

    row: int = 1
    least: int = 1

    def read(self, value: object) -> Both:
        (found,) = OneOrMore(WholeNumber(self.least, MOST_PLACES), 1).read(value)
        return self.row, found


YES, NO = Usually(TrueOrFalse(), True), Usually(TrueOrFalse(), False)
AXIS, COUNT = WholeNumber(-8, 7), WholeNumber(1, 2**20)
PLACE = WholeNumber(-(2**63), 2**63)  # along an axis, from either end; past the last is to the end
EPSILON = Usually(FiniteNumber(0, 1), 1e-5)
ALONE, EACH = Usually(RowsAndColumns(), (1, 1)), Usually(RowsAndColumns(0), (0, 0))
AFFINE = {"weight": Usually(Tensor(), None), "bias": Usually(Tensor(), None), "eps": EPSILON}
UNUSED = IfThere(Anything())  # of training, or of how values lie in memory
OF_TRAINING = dict.fromkeys(("momentum", "cudnn_enabled", "cudnn_enable"), UNUSED)
COPIED = dict.fromkeys(("memory_format", "layout", "device", "pin_memory", "non_blocking"), UNUSED)
NORM = Schema(
    **AFFINE,
    num_groups=IfThere(COUNT),
    normalized_shape=IfThere(ListOf(COUNT, 1, 4)),
    use_input_stats=YES,
    **OF_TRAINING,
    **dict.fromkeys(("running_mean", "running_var"), UNUSED),
)
ROW_POOL = Schema(
    kernel_size=Along(),
    stride=Usually(AnyOf(Along(), ListOf(WholeNumber(), most=0)), None),
    padding=Usually(Along(0, 0), (0, 0)),
    dilation=Usually(Along(), (1, 1)),
    ceil_mode=NO,
    count_include_pad=YES,
    divisor_override=Usually(WholeNumber(), None),
)
POOL = Schema(
    kernel_size=RowsAndColumns(),
    stride=Usually(AnyOf(RowsAndColumns(), ListOf(WholeNumber(), most=0)), None),
    padding=EACH,
    dilation=ALONE,
    ceil_mode=NO,
    count_include_pad=YES,
    divisor_override=Usually(WholeNumber(), None),
)
PADDED = Schema(
    pad=ListOf(WholeNumber(0, MOST_PLACES), 1, 8),
    mode=Usually(Choice("constant"), "constant"),
    value=Usually(FiniteNumber(), 0.0),
)
SIZES = ListOf(Maybe(WholeNumber(-1)), 1, 8)
ONCE = Usually(FiniteNumber(), 1.0)
COMBINED = Schema(other=AnyOf(Tensor(), FiniteNumber()), alpha=ONCE)

ARGUMENTS: Mapping[str, Schema] = {  # beside the value that is read; others are refused
    "linear": Schema(weight=Tensor(), bias=Usually(Tensor(), None)),
    "conv2d": Schema(
        weight=Tensor(),
        bias=Usually(Tensor(), None),
        stride=ALONE,
        dilation=ALONE,
        padding=Usually(AnyOf(Choice("same", "valid"), RowsAndColumns(0)), "valid"),
        groups=Usually(COUNT, 1),
    ),
    "conv_transpose2d": Schema(
        weight=Tensor(),
        bias=Usually(Tensor(), None),
        stride=ALONE,
        dilation=ALONE,
        padding=EACH,
        output_padding=EACH,
        groups=Usually(COUNT, 1),
    ),
    "upsample_nearest2d": Schema(
        output_size=Usually(ListOf(COUNT, 2, 2), None),
        scale_factors=Usually(ListOf(FiniteNumber(), 2, 2), None),
        scales_h=Usually(FiniteNumber(), None),
        scales_w=Usually(FiniteNumber(), None),
    ),
    "embedding": Schema(
        weight=Tensor(),
        indices=Tensor(),
        **dict.fromkeys(("padding_idx", "scale_grad_by_freq", "sparse"), UNUSED),
    ),
    "masked_fill": Schema(mask=Tensor(), value=AnyNumber()),
    "batch_norm": Schema(
        **AFFINE,
        running_mean=Usually(Tensor(), None),
        running_var=Usually(Tensor(), None),
        training=NO,
        **OF_TRAINING,
    ),
    "conv1d": Schema(
        weight=Tensor(),
        bias=Usually(Tensor(), None),
        stride=Usually(Along(), (1, 1)),
        dilation=Usually(Along(), (1, 1)),
        padding=Usually(AnyOf(Choice("same", "valid"), Along(0, 0)), "valid"),
        groups=Usually(COUNT, 1),
    ),
    **dict.fromkeys(("group_norm", "instance_norm", "layer_norm"), NORM),
    "rms_norm": Schema(
        **(AFFINE | {"eps": Usually(FiniteNumber(0, 1), None)}),
        normalized_shape=ListOf(COUNT, 1, 4),
    ),
    **dict.fromkeys(("max_pool2d", "avg_pool2d"), POOL),
    **dict.fromkeys(("max_pool1d", "avg_pool1d"), ROW_POOL),
    **dict.fromkeys(("pad", "constant_pad_nd"), PADDED),
    **dict.fromkeys(
        ("adaptive_avg_pool2d", "adaptive_max_pool2d"), Schema(output_size=RowsAndColumns())
    ),
    **dict.fromkeys(("adaptive_avg_pool1d", "adaptive_max_pool1d"), Schema(output_size=Along())),
    **dict.fromkeys(
        ("mean", "amax", "max"),
        Schema(dim=Usually(OneOrMore(AXIS, 4), []), keepdim=NO, dtype=UNUSED),
    ),
    **dict.fromkeys(
        ("cat", "concat", "concatenate"), Schema(tensors=ListOf(Tensor(), 1), dim=Usually(AXIS, 0))
    ),
    **dict.fromkeys(("view", "_unsafe_view"), Schema(size=SIZES)),
    "expand": Schema(size=SIZES, implicit=UNUSED),
    "unflatten": Schema(dim=AXIS, sizes=SIZES),
    "squeeze": Schema(dim=Usually(OneOrMore(AXIS, 8), None)),
    "select": Schema(dim=AXIS, index=PLACE),
    "slice": Schema(
        dim=Usually(AXIS, 0),
        start=Usually(Maybe(PLACE), None),
        end=Usually(Maybe(PLACE), None),
        step=Usually(WholeNumber(1), 1),
    ),
    "split": Schema(split_size=WholeNumber(1), dim=Usually(AXIS, 0)),
    "split_with_sizes": Schema(split_sizes=ListOf(WholeNumber(1), 1), dim=Usually(AXIS, 0)),
    "chunk": Schema(chunks=COUNT, dim=Usually(AXIS, 0)),
    "unbind": Schema(dim=Usually(AXIS, 0)),
    **dict.fromkeys(
        ("rnn_tanh", "gru", "lstm"),
        Schema(
            hx=AnyOf(Tensor(), ListOf(Tensor(), 1)),
            params=ListOf(Tensor(), 1),
            has_biases=YES,
            num_layers=COUNT,
            train=NO,
            bidirectional=NO,
            batch_first=NO,
            dropout=UNUSED,
        ),
    ),
    "matmul": Schema(other=Tensor()),
    **dict.fromkeys(("bmm", "mm"), Schema(mat2=Tensor())),
    "scaled_dot_product_attention": Schema(
        query=Tensor(),
        key=Tensor(),
        value=Tensor(),
        attn_mask=Usually(Tensor(), None),
        is_causal=NO,
        scale=Usually(FiniteNumber(), None),
        dropout_p=IfThere(Only(0)),
        enable_gqa=IfThere(Only(False)),
    ),
    "flatten": Schema(start_dim=Usually(AXIS, 0), end_dim=Usually(AXIS, -1)),
    "reshape": Schema(shape=SIZES),
    **dict.fromkeys(
        ("dropout", "feature_dropout", "alpha_dropout"), Schema(p=UNUSED, train=NO, training=NO)
    ),
    "unsqueeze": Schema(dim=AXIS),
    "permute": Schema(dims=ListOf(AXIS, 1, 8)),
    "transpose": Schema(dim0=AXIS, dim1=AXIS),
    "movedim": Schema(source=OneOrMore(AXIS, 4), destination=OneOrMore(AXIS, 4)),
    "hardtanh": Schema(min_val=Usually(FiniteNumber(), -1.0), max_val=Usually(FiniteNumber(), 1.0)),
    "clamp": Schema(min=Usually(FiniteNumber(), None), max=Usually(FiniteNumber(), None)),
    "elu": Schema(alpha=ONCE, scale=ONCE, input_scale=ONCE),
    "gelu": Schema(approximate=Usually(Choice("none", "tanh"), "none")),
    "leaky_relu": Schema(negative_slope=Usually(FiniteNumber(), 0.01)),
    "softplus": Schema(beta=ONCE, threshold=Usually(FiniteNumber(), 20.0)),
    "prelu": Schema(weight=Tensor()),
    **dict.fromkeys(("softmax", "log_softmax"), Schema(dim=AXIS, dtype=UNUSED)),
    **dict.fromkeys(("add", "sub", "mul"), COMBINED),
    "div": Schema(**COMBINED.kinds, rounding_mode=IfThere(Only(None))),
    **dict.fromkeys(
        ("to", "_to_copy"), Schema(dtype=Usually(WholeNumber(), None), copy=UNUSED, **COPIED)
    ),
    **dict.fromkeys(("clone", "contiguous"), Schema(**COPIED)),
    **dict.fromkeys(("alias", "detach", "lift_fresh_copy", "mT"), Schema()),
    **{
        word.operator: Schema()
        for kind, word in ACTIVATIONS.items()
        if kind in ("sigmoid", "tanh", "relu", "relu6", "silu", "mish", "hardsigmoid", "hard swish")
    },
}


def check_arguments(call: AtenCall) -> AtenCall:
    """The same call, if its arguments are what they have to be."""
    told = dict(call.arguments)
    if call.operator in ARGUMENTS:
        read = {name: told.pop(name) for name in ("self", "input") if name in told}
        told = ARGUMENTS[call.operator].read_whole(told) | read
    return replace(call, arguments=told)


def padding_of(told: Any, size: Both, dilation: Both, shape: Shape) -> Pad:
    """As numbers, or as PyTorch's words for none and for as much as the window takes away."""
    if told == "same":
        return resolve_same(size, (1, 1), dilation, shape[1:])
    rows, columns = (0, 0) if told == "valid" else told
    return rows, columns, rows, columns
