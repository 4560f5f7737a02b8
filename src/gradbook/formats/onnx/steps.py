"""Reads ONNX's recurrent operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradbook.formats.gates import KINDS, ONNX, GateStack, Recurring, take_apart
from gradbook.formats.imported import NoLayer
from gradbook.graph.node import Array

if TYPE_CHECKING:
    from onnx import NodeProto

RECURRENT = {word.upper(): kind for word, kind in KINDS.items()}


def read_recurrent(
    node: NodeProto, told: Mapping[str, Any], tensors: Sequence[Array | None]
) -> tuple[Recurring, dict[str, Array]]:
    """The layer that gives its states at all steps, and its tensors."""
    fed, back, both = tensors
    if told.get("direction", "forward") != "forward":
        raise NoLayer("only recurrence from the first step to the last can be read")
    if told.get("layout", 0) or told.get("clip") is not None or _is_bent(node.op_type, told):
        raise NoLayer("only its usual activations and layout can be read")
    if fed is None or back is None:
        raise NoLayer("its weights are missing")
    layer = RECURRENT[node.op_type](back.shape[-1], all=True)
    if "reset_before" in vars(layer):
        own = {**vars(layer), "reset_before": not told.get("linear_before_reset", 0)}
        layer = type(layer)(**own)
    gates = ONNX.of(layer)
    bias, late = (None, None) if both is None else np.split(both[0], 2)
    return layer, take_apart(layer, GateStack(fed[0], back[0], bias, late), gates)


USUAL = {
    "RNN": [b"Tanh"],
    "GRU": [b"Sigmoid", b"Tanh"],
    "LSTM": [b"Sigmoid", b"Tanh", b"Tanh"],
}


def _is_bent(word: str, told: Mapping[str, Any]) -> bool:
    """Whether it has activations of its own: states are by tanh, gates by sigmoid."""
    return bool(told.get("activations", USUAL[word]) != USUAL[word])
