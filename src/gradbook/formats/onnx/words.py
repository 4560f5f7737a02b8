"""What the attributes of ONNX's nodes may say, and how its windows move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np

from gradbook import limits
from gradbook.formats.imported import NoLayer
from gradbook.formats.layer_list import MOST_PLACES, RowsAndColumns, resolve_same
from gradbook.graph.node import Array
from gradbook.graph.window import NOWHERE, Both, Shape, same_pad
from gradbook.lowering import OTHER_FORMAT, Vocabulary
from gradbook.schema import (
    AnyNumber,
    Choice,
    FiniteNumber,
    IfThere,
    ListOf,
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
OPERATORS = {  # of each value, by our ops
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "negate": "Neg",
    "exp": "Exp",
    "log": "Log",
    "sqrt": "Sqrt",
    "power": "Pow",
    "floor": "Floor",
    "choose": "Where",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "relu": "Relu",
    "softplus": "Softplus",
    "relu6": "Clip",
    "normal_share": "Erf",
}
SAYS = Vocabulary("ONNX", frozenset(OPERATORS), OTHER_FORMAT)
FLAG = Usually(WholeNumber(0, 1), 0)
AXIS = WholeNumber(-8, 7)
EPSILON = Usually(ShortNumber(0, 1), 1e-5)
SIDE = WholeNumber(0, MOST_PLACES)
EIGHT_SIDES = ListOf(SIDE, 8, 8)  # of images, channels, rows and columns
MOVES = {
    "strides": Usually(RowsAndColumns(), (1, 1)),
    "dilations": Usually(RowsAndColumns(), (1, 1)),
    "auto_pad": Usually(Choice("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"), "NOTSET"),
    "pads": Usually(ListOf(SIDE, 4, 4), [0, 0, 0, 0]),
}
POOL = Schema(**MOVES, kernel_shape=RowsAndColumns(), ceil_mode=FLAG, count_include_pad=FLAG)
SHARES = Schema(axis=IfThere(AXIS))

SETTINGS: Mapping[str, Schema] = {  # of those operators that have some
    "Gemm": Schema(
        alpha=Usually(FiniteNumber(), 1.0),
        beta=Usually(FiniteNumber(), 1.0),
        transA=FLAG,
        transB=FLAG,
    ),
    "Conv": Schema(**MOVES, group=Usually(WholeNumber(1, 2**20), 1)),
    "ConvTranspose": Schema(
        **MOVES,
        group=Usually(WholeNumber(1, 2**20), 1),
        output_padding=Usually(RowsAndColumns(0), (0, 0)),
    ),
    "Resize": Schema(
        mode=Usually(PlainText(), "nearest"),
        coordinate_transformation_mode=Usually(
            Choice("half_pixel", "asymmetric", "pytorch_half_pixel"), "half_pixel"
        ),
        nearest_mode=Usually(PlainText(), "round_prefer_floor"),
    ),
    "MaxPool": POOL,
    "AveragePool": POOL,
    "Pad": Schema(
        mode=Usually(Choice("constant"), "constant"),
        pads=Usually(EIGHT_SIDES, None),
        value=Usually(FiniteNumber(), 0.0),
    ),
    **dict.fromkeys(
        ("ReduceMean", "ReduceMax"),
        Schema(axes=Usually(ListOf(AXIS, 1, 4), None), keepdims=Usually(WholeNumber(0, 1), 1)),
    ),
    "BatchNormalization": Schema(epsilon=EPSILON, training_mode=FLAG),
    "GroupNormalization": Schema(epsilon=EPSILON, num_groups=WholeNumber(1, 2**20)),
    "InstanceNormalization": Schema(epsilon=EPSILON),
    "LayerNormalization": Schema(epsilon=EPSILON, axis=Usually(AXIS, -1)),
    "Flatten": Schema(axis=Usually(AXIS, 1)),
    "Gather": Schema(axis=Usually(AXIS, 0)),
    "Split": Schema(axis=Usually(AXIS, 0), split=Usually(ListOf(SIDE, 1), None)),
    "Softmax": SHARES,
    "LogSoftmax": SHARES,
    "LeakyRelu": Schema(alpha=Usually(ShortNumber(), 0.01)),
    "Concat": Schema(axis=AXIS),
    "Imputer": Schema(
        imputed_value_floats=ListOf(FiniteNumber(), 1),
        replaced_value_float=Usually(AnyNumber(), nan),
    ),
    "Scaler": Schema(offset=ListOf(FiniteNumber(), 1), scale=ListOf(FiniteNumber(), 1)),
    **dict.fromkeys(
        ("LinearClassifier", "LinearRegressor"),
        Schema(
            coefficients=ListOf(FiniteNumber(), 1),
            intercepts=Usually(ListOf(FiniteNumber()), []),
            post_transform=Usually(Choice("NONE", "LOGISTIC", "SOFTMAX"), "NONE"),
        ),
    ),
    "Transpose": Schema(perm=Usually(ListOf(AXIS, 1, 8), [])),
}
ANY = Schema()


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

    told = {}
    for one in node.attribute:
        value = helper.get_attribute_value(one)
        told[one.name] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if along:
        told |= {name: [1, *told[name]] for name in OF_WINDOWS if len(told.get(name, ())) == 1}
        if len(pads := told.get("pads", ())) == 2:
            told["pads"] = [0, pads[0], 0, pads[1]]
    return SETTINGS.get(node.op_type, ANY).read(told)


OF_WINDOWS = ("kernel_shape", "strides", "dilations")


# How an operator of ONNX moves its window.


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
