"""The tensors of recurrent layers as other programs store them, with the gates stacked.

Each program has its own gate order, and two biases where gradbook has one: one for the weights of
the step, one for the weights of the previous state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradbook.graph.node import Array
from gradbook.layers.card import Layer
from gradbook.layers.sequences import Gru, Lstm, Recurrent, Rnn, of_state
from gradbook.net.trained import TrainedLayer


@dataclass(frozen=True, eq=False)
class GateStack:
    """Weights (gates · width, features) and (gates · width, width), and a bias for each or none."""

    input_weight: Array
    state_weight: Array
    bias: Array | None = None
    state_bias: Array | None = None  # of the sums of the previous state


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
    """Stack a trained layer's gates; the state's bias is 0 unless it has one of its own."""
    tensors = layer.tensors
    weights = [tensors[_word(gate, "weight")] for gate in gates]
    stack = GateStack(
        np.concatenate([weight.reshape(len(weight), -1) for weight in weights]),
        np.concatenate([tensors[_word(of_state(gate), "weight")] for gate in gates]),
    )
    if not any(name.endswith("bias") for name in tensors):
        return stack
    none = np.zeros(len(weights[0]))
    bias, state_bias = (
        np.concatenate([tensors.get(_word(part, "bias"), none) for part in parts])
        for parts in (gates, [of_state(gate) for gate in gates])
    )
    return replace(stack, bias=bias, state_bias=state_bias)


def take_apart(layer: Recurrent, stack: GateStack, gates: Sequence[str]) -> dict[str, Array]:
    """Split a stack into tensors; the two biases of a gate become one if they are only added."""

    def by_gate(array: Array) -> dict[str, Array]:
        return dict(zip(gates, np.split(array, len(gates)), strict=True))

    tensors: dict[str, Array] = {}
    input_weight, state_weight = by_gate(stack.input_weight), by_gate(stack.state_weight)
    bias, state_bias = (None if x is None else by_gate(x) for x in (stack.bias, stack.state_bias))
    for gate in layer.gates:
        tensors[_word(gate, "weight")] = input_weight[gate][..., None, None]
        tensors[_word(of_state(gate), "weight")] = state_weight[gate]
        biases = [part[gate] for part in (bias, state_bias) if part is not None]
        if not biases:
            continue
        if isinstance(layer, Gru) and gate == "new" and not layer.reset_before:
            # another gate multiplies the state's sums, which have their own bias
            none = np.zeros(len(biases[0]))
            tensors[_word(gate, "bias")] = none if bias is None else bias[gate]
            tensors[_word(of_state(gate), "bias")] = (
                none if state_bias is None else state_bias[gate]
            )
        else:
            tensors[_word(gate, "bias")] = np.add.reduce(biases)
    return tensors


def _word(part: str, role: str) -> str:
    return f"{part}_{role}".lstrip("_")
