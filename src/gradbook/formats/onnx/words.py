"""What the attributes of ONNX's nodes may say, and how its windows move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np

from gradbook import limits
from gradbook.formats.imported import NoLayer
from gradbook.formats.layer_list import MOST_PLACES, resolve_same
from gradbook.graph.node import Array
from gradbook.graph.window import NOWHERE, Both, Shape, same_pad
from gradbook.layers.card import spell
from gradbook.schema import (
    AnyNumber,
    Anything,
    Choice,
    FiniteNumber,
    IfThere,
    Kind,
    ListOf,
    Only,
    PlainText,
    Schema,
    Usually,
    WholeNumber,
)

if TYPE_CHECKING:
    from onnx import NodeProto


# What the attributes of ONNX's nodes may say.


class ShortNumber(FiniteNumber):
    """A finite number with no more digits than the 32 bits in which ONNX keeps it."""

    def read(self, value: object) -> float:
        return float(str(np.float32(super().read(value))))


@dataclass(frozen=True)
class OfBoth:
    """A whole number for rows and one for columns."""

    least: int = 1

    def read(self, value: object) -> Both:
        rows, columns = ListOf(WholeNumber(self.least, MOST_PLACES), 2, 2).read(value)
        return rows, columns


MOST_SIZE = 2**31  # 2**63 − 1 stands for the end of something, which no layer here has


@dataclass(frozen=True)
class OnnxWord:
    """An operator, the attributes that it must have, and those that are fields of our layer."""

    operator: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


ACTIVATIONS = {  # by our words; others are written and read by what they are made of
    "sigmoid": OnnxWord("Sigmoid"),
    "tanh": OnnxWord("Tanh"),
    "relu": OnnxWord("Relu"),
    "leaky relu": OnnxWord("LeakyRelu", fields={"alpha": "slope"}),
    "elu": OnnxWord("Elu"),
    "softplus": OnnxWord("Softplus"),
    "softmax": OnnxWord("Softmax", {"axis": 1}),
    "log softmax": OnnxWord("LogSoftmax", {"axis": 1}),
}
KINDS = {word.operator: kind for kind, word in ACTIVATIONS.items()}
FLAG = Usually(WholeNumber(0, 1), 0)
AXIS = WholeNumber(-8, 7)
EPSILON = Usually(ShortNumber(0, 1), 1e-5)
SIDE = WholeNumber(0, MOST_PLACES)
EIGHT_SIDES = ListOf(SIDE, 8, 8)  # of images, channels, rows and columns
MOVES = {
    "strides": Usually(OfBoth(), (1, 1)),
    "dilations": Usually(OfBoth(), (1, 1)),
    "auto_pad": Usually(Choice("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"), "NOTSET"),
    "pads": Usually(ListOf(SIDE, 4, 4), [0, 0, 0, 0]),
}
SHAPE = IfThere(OfBoth())  # of a window, which its weights say as well
UNUSED = IfThere(Anything())  # of training, or of an output that isn't read


def usual(value: object) -> IfThere:
    """What may be there, if it says what is understood without it."""
    return IfThere(Only(value))


class OnnxOperator(Schema):
    """What an operator is told: so many inputs, if not any number, and attributes. What stands
    in neither is refused, so that nothing that changes its values is passed over."""

    def __init__(self, inputs: int | None, **kinds: Kind) -> None:
        super().__init__(**kinds)
        self.inputs = inputs


POOL: Mapping[str, Kind] = {
    "kernel_shape": OfBoth(),
    **MOVES,
    "ceil_mode": FLAG,
    "count_include_pad": FLAG,
}
REDUCED = OnnxOperator(
    2,
    axes=Usually(ListOf(AXIS, 1, 4), None),
    keepdims=Usually(WholeNumber(0, 1), 1),
    noop_with_empty_axes=usual(0),
)
RECURRENT: Mapping[str, Kind] = {
    "direction": usual("forward"),
    "hidden_size": IfThere(WholeNumber(1)),
    "layout": usual(0),
}
GATES = ["Sigmoid", "Tanh"]
LINEAR: Mapping[str, Kind] = {
    "coefficients": ListOf(FiniteNumber(), 1),
    "intercepts": Usually(ListOf(FiniteNumber()), []),
    "post_transform": Usually(Choice("NONE", "LOGISTIC", "SOFTMAX"), "NONE"),
}
AXES_TOLD = OnnxOperator(2, axes=Usually(ListOf(AXIS, 0, 8), None))

SETTINGS: Mapping[str, OnnxOperator] = {
    "Gemm": OnnxOperator(
        3,
        alpha=Usually(FiniteNumber(), 1.0),
        beta=Usually(FiniteNumber(), 1.0),
        transA=FLAG,
        transB=FLAG,
    ),
    "Conv": OnnxOperator(3, **MOVES, kernel_shape=SHAPE, group=Usually(WholeNumber(1, 2**20), 1)),
    "ConvTranspose": OnnxOperator(
        3,
        **MOVES,
        kernel_shape=SHAPE,
        group=Usually(WholeNumber(1, 2**20), 1),
        output_padding=Usually(OfBoth(0), (0, 0)),
    ),
    "Resize": OnnxOperator(
        4,
        mode=Usually(PlainText(), "nearest"),
        coordinate_transformation_mode=Usually(
            Choice("half_pixel", "asymmetric", "pytorch_half_pixel"), "half_pixel"
        ),
        nearest_mode=Usually(PlainText(), "round_prefer_floor"),
        antialias=usual(0),
        exclude_outside=usual(0),
        keep_aspect_ratio_policy=usual("stretch"),
        **dict.fromkeys(("cubic_coeff_a", "extrapolation_value"), UNUSED),  # of other modes
    ),
    "MaxPool": OnnxOperator(1, **POOL, storage_order=UNUSED),
    "AveragePool": OnnxOperator(1, **POOL),
    "Pad": OnnxOperator(
        3,
        mode=Usually(Choice("constant"), "constant"),
        pads=Usually(EIGHT_SIDES, None),
        value=Usually(FiniteNumber(), 0.0),
    ),
    **dict.fromkeys(("ReduceMean", "ReduceMax"), REDUCED),
    "BatchNormalization": OnnxOperator(
        5, epsilon=EPSILON, training_mode=FLAG, momentum=UNUSED, spatial=usual(1)
    ),
    "GroupNormalization": OnnxOperator(
        3, epsilon=EPSILON, num_groups=WholeNumber(1, 2**20), stash_type=usual(1)
    ),
    "InstanceNormalization": OnnxOperator(3, epsilon=EPSILON),
    "LayerNormalization": OnnxOperator(
        3, epsilon=EPSILON, axis=Usually(AXIS, -1), stash_type=usual(1)
    ),
    "Flatten": OnnxOperator(1, axis=Usually(AXIS, 1)),
    "Reshape": OnnxOperator(2, allowzero=IfThere(Anything())),
    "Gather": OnnxOperator(2, axis=Usually(AXIS, 0)),
    "Slice": OnnxOperator(5),
    "Split": OnnxOperator(
        2,
        axis=Usually(AXIS, 0),
        split=Usually(ListOf(SIDE, 1), None),
        num_outputs=IfThere(WholeNumber(1)),
    ),
    **dict.fromkeys(("Squeeze", "Unsqueeze"), AXES_TOLD),
    "Transpose": OnnxOperator(1, perm=Usually(ListOf(AXIS, 1, 8), [])),
    "Concat": OnnxOperator(None, axis=AXIS),
    "RNN": OnnxOperator(6, **RECURRENT, activations=usual(["Tanh"])),
    "GRU": OnnxOperator(6, **RECURRENT, activations=usual(GATES), linear_before_reset=FLAG),
    "LSTM": OnnxOperator(
        8, **RECURRENT, activations=usual([*GATES, "Tanh"]), input_forget=usual(0)
    ),
    **dict.fromkeys(("Softmax", "LogSoftmax"), OnnxOperator(1, axis=IfThere(AXIS))),
    "LeakyRelu": OnnxOperator(1, alpha=Usually(ShortNumber(), 0.01)),
    **dict.fromkeys(("Relu", "Sigmoid", "Tanh", "Softplus"), OnnxOperator(1)),
    **dict.fromkeys(("PRelu", "MatMul", "Add", "Sub", "Mul", "Div"), OnnxOperator(2)),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool", "Identity", "IsNaN"), OnnxOperator(1)),
    "Where": OnnxOperator(3),
    "Dropout": OnnxOperator(3, ratio=UNUSED, seed=UNUSED),
    "Cast": OnnxOperator(1, to=WholeNumber(), saturate=UNUSED, round_mode=UNUSED),
    "Imputer": OnnxOperator(
        1,
        imputed_value_floats=ListOf(FiniteNumber(), 1),
        replaced_value_float=Usually(AnyNumber(), nan),
        replaced_value_int64=UNUSED,
    ),
    "Scaler": OnnxOperator(1, offset=ListOf(FiniteNumber(), 1), scale=ListOf(FiniteNumber(), 1)),
    "LinearClassifier": OnnxOperator(
        1,
        **LINEAR,
        **dict.fromkeys(("classlabels_ints", "classlabels_strings", "multi_class"), UNUSED),
    ),
    "LinearRegressor": OnnxOperator(1, **LINEAR, targets=IfThere(WholeNumber(1))),
}


def whole_numbers(constant: Array) -> tuple[int, ...]:
    """The sizes, sides or axes that stand in a constant."""
    numbers = constant.ravel()
    if len(numbers) > limits.SIDES.most or (abs(numbers) > MOST_SIZE).any() or (numbers % 1).any():
        raise NoLayer("its sizes must be a few whole numbers")
    return tuple(map(int, numbers))


def only(constant: Array) -> float:
    if constant.size != 1:
        raise NoLayer(f"it pads with {constant.size} values: only one can be read")
    return float(constant.item())


def settings(node: NodeProto, along: bool = False) -> dict[str, Any]:
    """A node's attributes by their names, if they are what they have to be; `along` says that its
    windows slide over steps alone, which are columns of a single row here."""
    from onnx import helper

    told = {one.name: _plain(helper.get_attribute_value(one)) for one in node.attribute}
    if along:
        told |= {name: [1, *told[name]] for name in OF_WINDOWS if name in told}
        if "pads" in told:
            before, after = ListOf(SIDE, 2, 2).read(told["pads"])
            told["pads"] = [0, before, 0, after]
    operator = SETTINGS[node.op_type]
    if operator.inputs is not None and any(node.input[operator.inputs :]):
        raise NoLayer(f"its input {operator.inputs + 1} can't be read: leave it out")
    return operator.read_whole(told)


def _plain(value: Any) -> Any:
    """Text in place of bytes, and lists of the same."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


OF_WINDOWS = ("kernel_shape", "strides", "dilations")


# How an operator of ONNX moves its window.


def require_kernel(told: Mapping[str, Any], kernel: Both) -> None:
    """A window has the size of its weights."""
    if told.get("kernel_shape", kernel) != kernel:
        has, said = (spell(size) for size in (kernel, told["kernel_shape"]))
        raise NoLayer(f"its weights are of windows of {has}, but its kernel_shape is {said}")


def moves_of(told: Mapping[str, Any], size: Both, shape: Shape) -> dict[str, Any]:
    """What a window is told, as our layers take it."""
    stride, dilation = told["strides"], told["dilations"]
    moves: dict[str, Any] = {"size": size, "stride": stride, "dilation": dilation}
    auto, area = told["auto_pad"], shape[1:]
    if auto == "SAME_UPPER":
        return moves | {"pad": resolve_same(size, stride, dilation, area)}
    if auto == "SAME_LOWER":  # what is too much for both ends stands before
        top, left, below, right = same_pad(size, stride, dilation, area)
        return moves | {"pad": (below, right, top, left)}
    return moves | {"pad": tuple(told["pads"]) if auto == "NOTSET" else NOWHERE}
