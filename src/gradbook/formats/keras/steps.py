"""Reads Keras's layers over steps x features, each as a layer of ours with its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradbook.formats.gates import KERAS, GateStack, take_apart
from gradbook.formats.imported import NoLayer
from gradbook.formats.keras.content import KerasEntry
from gradbook.formats.keras.sequences import KINDS, PARTS
from gradbook.graph.node import Array
from gradbook.graph.window import NOWHERE, SAME, Shape
from gradbook.layers import Attention, Gru, Lstm, Rnn
from gradbook.layers.card import Layer, spell
from gradbook.layers.pools import Pool
from gradbook.layers.sums import Conv

RECURRENT = {word: kind for kind, word in KINDS.items()}
POOLS = {"MaxPooling1D": "max", "AveragePooling1D": "avg"}
OVER_STEPS = (*RECURRENT, "Conv1D", "MultiHeadAttention", *POOLS)
ALL_STEPS = ("GlobalMaxPooling1D", "GlobalAveragePooling1D")
UNREAD = {  # settings that none of ours has, and what is then said
    "go_backwards": "it reads backwards (go_backwards)",
    "return_state": "it gives its state beside its output (return_state)",
    "stateful": "it keeps its state from call to call (stateful)",
}
Read = tuple[Layer, Mapping[str, Array]]


def read_over_steps(entry: KerasEntry, size: Shape) -> Read:
    """What it is, where it reads values of this size: features, a row, steps."""
    if len(size) != 3 or size[1] != 1:
        raise NoLayer(f"its input is {spell(size)}: only steps x features can be read")
    if entry.kind in RECURRENT:
        return _recurrent(entry)
    if entry.kind == "Conv1D":
        return _conv(entry)
    if entry.kind == "MultiHeadAttention":
        return _attention(entry, size)
    told = entry.settings
    (window,), stride = told["pool_size"], told["strides"]
    pad = SAME if told["padding"] == "same" else NOWHERE
    step = (1, (stride or [window])[0])
    return Pool(POOLS[entry.kind], (1, window), step, pad, row=True), {}


def _recurrent(entry: KerasEntry) -> Read:
    told = entry.settings
    for name, why in UNREAD.items():
        if told[name]:
            raise NoLayer(f"{why}, which can't be read")
    fed, back, *biases = _inner(entry, "cell", 2 + told["use_bias"])
    layer: Rnn | Gru | Lstm = RECURRENT[entry.kind](len(back), told["return_sequences"])
    if isinstance(layer, Gru):
        layer = Gru(layer.width, layer.all, not told["reset_after"])
    late = None
    if biases and biases[0].ndim == 2:
        bias, late = biases[0]
        biases = [bias]
    stack = GateStack(fed.T, back.T, biases[0] if biases else None, late)
    return layer, take_apart(layer, stack, KERAS.of(layer))


def _conv(entry: KerasEntry) -> Read:
    told = entry.settings
    kernel, *bias = entry.weights
    pad: Any = {"same": SAME, "valid": NOWHERE, "causal": None}[told["padding"]]
    (gap,), (step,) = told["dilation_rate"], told["strides"]
    if pad is None:
        pad = (0, (len(kernel) - 1) * gap, 0, 0)
    layer = Conv(
        kernel.shape[2],
        (1, len(kernel)),
        (1, step),
        pad,
        groups=told["groups"],
        dilation=(1, gap),
        row=True,
    )
    tensors = {"weight": np.ascontiguousarray(kernel.transpose(2, 1, 0)[:, :, None])}
    return layer, tensors | dict(zip(("bias",), bias, strict=bool(bias)))


def _attention(entry: KerasEntry, size: Shape) -> Read:
    told, features = entry.settings, size[0]
    if len({*entry.reads}) > 1:
        raise NoLayer("only attention of a sequence to itself can be read")
    if told["num_heads"] * told["key_dim"] != features or told["value_dim"] not in (
        None,
        told["key_dim"],
    ):
        raise NoLayer(
            f"its {told['num_heads']} heads of {told['key_dim']} must share the {features} features"
        )
    layer = Attention(told["num_heads"], bool(entry.called_with.get("use_causal_mask")))
    tensors = {}
    for part, place in zip(layer.parts, PARTS, strict=True):
        weight, *bias = _inner(entry, place, 1 + told["use_bias"])
        tensors[f"{part}_weight"] = weight.reshape(features, features).T[..., None, None]
        tensors |= {f"{part}_bias": one.reshape(-1) for one in bias}
    return layer, tensors


def _inner(entry: KerasEntry, place: str, count: int) -> tuple[Array, ...]:
    found = entry.inner.get(place, ())
    if len(found) != count:
        raise NoLayer(f"it has {len(found)} tensors in its {place}: {count} are expected")
    return found
