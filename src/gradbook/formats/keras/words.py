"""What the settings of Keras's layers may say, and in our words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradbook.formats.imported import NoReader
from gradbook.formats.layer_list import MOST_PLACES, RowsAndColumns
from gradbook.graph.node import Array
from gradbook.layers.activations import Activation
from gradbook.schema import (
    AnyOf,
    AnyRecord,
    Choice,
    FiniteNumber,
    ListOf,
    OneOrMore,
    Schema,
    SchemaError,
    TrueOrFalse,
    Usually,
    WholeNumber,
)

ACTIVATIONS = {  # Keras's words for our activations, the one that is written first
    **{kind: (kind,) for kind in ("relu", "relu6", "elu", "sigmoid", "tanh", "softplus")},
    "softmax": ("softmax",),
    "log softmax": ("log_softmax",),
    "exact gelu": ("gelu",),
    "silu": ("silu", "swish"),
    "mish": ("mish",),
    "hardsigmoid": ("hard_sigmoid",),
    "hard swish": ("hard_silu", "hard_swish"),
    "identity": ("linear",),
}
KINDS = {word: kind for kind, words in ACTIVATIONS.items() for word in words}
# Of our ops those for which Keras has no layer but says them itself.
OPERATIONS = {"log": "Log", "floor": "Floor"}


class WrittenNumbers:
    """A number, a table of them, or an array that Keras wrote as text."""

    def read(self, value: object) -> Array:
        if isinstance(value, dict):
            value = WRITTEN.read(value)["config"]["value"]
        try:
            found = np.asarray(value)
        except ValueError:  # lists of different lengths
            raise SchemaError("a table of numbers with rows of equal length") from None
        if found.dtype.kind not in "iuf" or not np.isfinite(found).all():
            raise SchemaError("a number or a table of numbers")
        return found.astype(np.float64)


WRITTEN = Schema(config=AnyRecord())
YES, NO = Usually(TrueOrFalse(), True), Usually(TrueOrFalse(), False)
AXIS = WholeNumber(-4, 4)
AXES, LAST = OneOrMore(AXIS, 4), [-1]
EPSILON = Usually(FiniteNumber(0, 1), 1e-3)
NONE = np.zeros(())
COUNT = WholeNumber(1, 2**20)

PADDING = Usually(Choice("valid", "same"), "valid")
MOVES = {
    "strides": Usually(RowsAndColumns(), (1, 1)),
    "dilation_rate": Usually(RowsAndColumns(), (1, 1)),
    "padding": PADDING,
    "use_bias": YES,
}
POOL = Schema(pool_size=RowsAndColumns(), strides=Usually(RowsAndColumns(), None), padding=PADDING)
ALONE = OneOrMore(WholeNumber(1, MOST_PLACES), 1)  # of a single axis
ROW_POOL = Schema(pool_size=ALONE, strides=Usually(ALONE, None), padding=PADDING)
RECURRENT = Schema(
    activation=Usually(Choice("tanh"), "tanh"),
    recurrent_activation=Usually(Choice("sigmoid"), "sigmoid"),
    use_bias=YES,
    return_sequences=NO,
    reset_after=YES,
    go_backwards=NO,
    return_state=NO,
    stateful=NO,
)
ONE_SIDE = WholeNumber(0, MOST_PLACES)
BOTH_SIDES = AnyOf(ONE_SIDE, ListOf(ONE_SIDE, 2, 2))
AFFINE = {"axis": Usually(AXES, LAST), "epsilon": EPSILON, "scale": YES, "center": YES}

SETTINGS: Mapping[str, Schema] = {  # of those layers that have some
    "Dense": Schema(use_bias=YES),
    "Conv2D": Schema(**MOVES, groups=Usually(COUNT, 1)),
    **dict.fromkeys(("DepthwiseConv2D", "SeparableConv2D"), Schema(**MOVES)),
    "BatchNormalization": Schema(**AFFINE, renorm=NO),
    "GroupNormalization": Schema(**AFFINE, groups=Usually(WholeNumber(-1, 2**20), 32)),
    "LayerNormalization": Schema(**AFFINE, rms_scaling=NO),
    "Rescaling": Schema(
        scale=Usually(WrittenNumbers(), np.ones(())), offset=Usually(WrittenNumbers(), NONE)
    ),
    "Normalization": Schema(
        axis=Usually(AXES, LAST),
        invert=NO,
        mean=Usually(WrittenNumbers(), None),
        variance=Usually(WrittenNumbers(), None),
    ),
    **dict.fromkeys(("MaxPooling2D", "AveragePooling2D"), POOL),
    **dict.fromkeys(("GlobalMaxPooling2D", "GlobalAveragePooling2D"), Schema(keepdims=NO)),
    **dict.fromkeys(("MaxPooling1D", "AveragePooling1D"), ROW_POOL),
    **dict.fromkeys(("GlobalMaxPooling1D", "GlobalAveragePooling1D"), Schema(keepdims=NO)),
    **dict.fromkeys(("SimpleRNN", "GRU", "LSTM"), RECURRENT),
    "Conv1D": Schema(
        strides=Usually(ALONE, [1]),
        dilation_rate=Usually(ALONE, [1]),
        padding=Usually(Choice("valid", "same", "causal"), "valid"),
        use_bias=YES,
        groups=Usually(COUNT, 1),
    ),
    "MultiHeadAttention": Schema(
        num_heads=COUNT, key_dim=COUNT, value_dim=Usually(COUNT, None), use_bias=YES
    ),
    "UpSampling2D": Schema(
        size=RowsAndColumns(), interpolation=Usually(Choice("nearest"), "nearest")
    ),
    "Conv2DTranspose": Schema(**MOVES, output_padding=Usually(RowsAndColumns(0), None)),
    "Cropping2D": Schema(cropping=AnyOf(ONE_SIDE, ListOf(BOTH_SIDES, 2, 2))),
    "Embedding": Schema(mask_zero=NO),
    "ZeroPadding2D": Schema(padding=AnyOf(ONE_SIDE, ListOf(BOTH_SIDES, 2, 2))),
    "Permute": Schema(dims=ListOf(WholeNumber(1, 4), 1, 4)),
    "RMSNormalization": Schema(axis=Usually(AXES, LAST), epsilon=Usually(FiniteNumber(0, 1), 1e-6)),
    "Reshape": Schema(target_shape=ListOf(WholeNumber(-1), 1, 4)),
    **dict.fromkeys(
        ("Dropout", "SpatialDropout1D", "SpatialDropout2D"), Schema(rate=FiniteNumber(0, 1))
    ),
    "ReLU": Schema(
        max_value=Usually(FiniteNumber(), None),
        negative_slope=Usually(WrittenNumbers(), NONE),
        threshold=Usually(FiniteNumber(), 0.0),
    ),
    "ELU": Schema(alpha=Usually(FiniteNumber(), 1.0)),
    "LeakyReLU": Schema(negative_slope=Usually(WrittenNumbers(), np.full((), 0.3))),
    "PReLU": Schema(shared_axes=Usually(AXES, None)),
    "Softmax": Schema(axis=Usually(AXES, LAST)),
    "Concatenate": Schema(axis=Usually(AXIS, -1)),
}
ANY = Schema()


def activation(told: Any) -> Activation:
    if told == "leaky_relu":
        return Activation("leaky relu", 0.2)  # Keras's own slope
    if not isinstance(told, str) or told not in KINDS or told == "linear":
        word = told if isinstance(told, str) else "a custom function"
        raise NoReader(f"gradbook has no activation {word:.60}")
    return Activation(KINDS[told])


def relu(told: Mapping[str, Any]) -> Activation:
    slopes: Array = told["negative_slope"]
    if slopes.size != 1:
        raise NoReader(f"it has {slopes.size} slopes below 0: only one can be read")
    most = told.get("max_value")
    if told.get("threshold") or (most is not None and (most != 6 or slopes.item())):
        raise NoReader(
            "a ReLU with a threshold, or with a largest value other than 6, can't be read"
        )
    if most is not None:
        return Activation("relu6")
    return Activation("leaky relu", slopes.item()) if slopes.item() else Activation("relu")
