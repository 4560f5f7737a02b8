"""Reads what ONNX does with sequences: how their axes are laid out, and its recurrent operators.

Each value of a sequence has its axes by name: N the samples, S the steps, F the features, and 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradbook.formats.gates import ONNX, GateStack, take_apart
from gradbook.formats.imported import NoLayer
from gradbook.graph.node import Array
from gradbook.layers import Gru, Lstm, Rnn

if TYPE_CHECKING:
    from onnx import NodeProto

Axes = tuple[str, ...]
RECURRENT: Mapping[str, type[Rnn | Gru | Lstm]] = {"RNN": Rnn, "GRU": Gru, "LSTM": Lstm}
AS_GIVEN, AS_WINDOWS_READ = ("N", "S", "F"), ("N", "F", "1", "S")
ELSEWHERE = "it reads a sequence whose axes lie as {}: only N x features x 1 x steps can be read"
SIZES = "it reshapes a sequence so that its steps and features mix"


def reshaped(axes: Axes, sizes: Sequence[int], known: Mapping[str, int]) -> Axes:
    """The axes after a Reshape to these sizes, which may only put in or leave out a 1."""
    left, found = [axis for axis in axes if axis != "1"], list[str]()
    for size in sizes:
        if size == 1 and (not left or known.get(left[0]) != 1):
            found.append("1")
            continue
        if not left or (size not in (0, -1) and size != known.get(left[0])):
            raise NoLayer(SIZES)
        found.append(left.pop(0))
    if left:
        raise NoLayer(SIZES)
    return tuple(found)


def squeezed(axes: Axes, places: Sequence[int]) -> Axes:
    gone = {place % len(axes) for place in places} or {
        k for k, axis in enumerate(axes) if axis == "1"
    }
    if any(axes[place] != "1" for place in gone):
        raise NoLayer("only axes of size 1 can be squeezed")
    return tuple(axis for place, axis in enumerate(axes) if place not in gone)


def unsqueezed(axes: Axes, places: Sequence[int]) -> Axes:
    whole = len(axes) + len(places)
    ones = {place % whole for place in places}
    left = iter(axes)
    return tuple("1" if place in ones else next(left) for place in range(whole))


def read_recurrent(
    node: NodeProto, told: Mapping[str, Any], tensors: Sequence[Array | None]
) -> tuple[Rnn | Gru | Lstm, dict[str, Array]]:
    """The layer that gives its states at all steps, and its tensors."""
    fed, back, both = tensors
    if told.get("direction", "forward") != "forward":
        raise NoLayer("only recurrence from the first step to the last can be read")
    if told.get("layout", 0) or told.get("clip") is not None or _is_bent(node.op_type, told):
        raise NoLayer("only its usual activations and layout can be read")
    if fed is None or back is None:
        raise NoLayer("its weights are missing")
    layer = RECURRENT[node.op_type](back.shape[-1], all=True)
    if isinstance(layer, Gru):
        layer = Gru(layer.width, True, not told.get("linear_before_reset", 0))
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
