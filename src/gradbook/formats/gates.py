"""The tensors of recurrent layers as other programs store them, with the gates stacked.

Each program has its own gate order, and two biases where gradbook has one: one for the weights of
the step, one for the weights of the previous state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gradbook.graph.node import Array
from gradbook.layers.card import Layer
from gradbook.layers.sequences import Gru, Lstm, Recurrent, Rnn, of_state
from gradbook.net.trained import TrainedLayer


@dataclass(frozen=True, eq=False)
class GateStack:
    """(gates · width, features), (gates · width, width), and optionally a bias for each."""

    fed: Array
    back: Array
    bias: Array | None = None
    late: Array | None = None  # added to the sums of `back`


@dataclass(frozen=True)
class GateOrder:
    """The order in which a program stores the gates of each kind of layer."""

    gru: tuple[str, ...]
    lstm: tuple[str, ...]

    def of(self, layer: Recurrent) -> tuple[str, ...]:
        match layer:
            case Gru():
                return self.gru
            case Lstm():
                return self.lstm
        return layer.gates


ONNX = GateOrder(("update", "reset", "new"), ("in", "out", "forget", "new"))
PYTORCH = GateOrder(("reset", "update", "new"), ("in", "forget", "new", "out"))
KERAS = GateOrder(("update", "reset", "new"), ("in", "forget", "new", "out"))
Recurring = Rnn | Gru | Lstm
KINDS: Mapping[str, type[Recurring]] = {kind.word: kind for kind in (Rnn, Gru, Lstm)}


def is_known(layer: Layer) -> bool:
    """Whether it is one of these kinds, which other programs have too."""
    return type(layer) in KINDS.values()


def stack_gates(layer: TrainedLayer, gates: Sequence[str]) -> GateStack:
    """Stack a trained layer's gates; the late bias is 0 unless the state has its own bias."""
    tensors = layer.tensors
    fed = [tensors[_word(gate, "weight")] for gate in gates]
    back = [tensors[_word(of_state(gate), "weight")] for gate in gates]
    stack = GateStack(
        np.concatenate([array.reshape(len(array), -1) for array in fed]), np.concatenate(back)
    )
    if not any(name.endswith("bias") for name in tensors):
        return stack
    none = np.zeros(len(back[0]))
    bias, late = (
        np.concatenate([tensors.get(_word(part, "bias"), none) for part in parts])
        for parts in (gates, [of_state(gate) for gate in gates])
    )
    return GateStack(stack.fed, stack.back, bias, late)


def take_apart(layer: Recurrent, stack: GateStack, gates: Sequence[str]) -> dict[str, Array]:
    """Split a stack into tensors; the two biases of a gate become one if they are only added."""
    tensors: dict[str, Array] = {}
    split = [
        None if part is None else dict(zip(gates, np.split(part, len(gates)), strict=True))
        for part in (stack.fed, stack.back, stack.bias, stack.late)
    ]
    fed, back, bias, late = split
    assert fed is not None
    assert back is not None
    for gate in layer.gates:
        tensors[_word(gate, "weight")] = fed[gate][..., None, None]
        tensors[_word(of_state(gate), "weight")] = back[gate]
        biases = [part[gate] for part in (bias, late) if part is not None]
        if not biases:
            continue
        if isinstance(layer, Gru) and gate == "new" and not layer.reset_before:
            # another gate multiplies the state's sums, which have their own bias
            none = np.zeros(len(biases[0]))
            tensors[_word(gate, "bias")] = none if bias is None else bias[gate]
            tensors[_word(of_state(gate), "bias")] = none if late is None else late[gate]
        else:
            tensors[_word(gate, "bias")] = np.add.reduce(biases)
    return tensors


def _word(part: str, role: str) -> str:
    return f"{part}_{role}".lstrip("_")
