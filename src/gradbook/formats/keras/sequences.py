"""How layers that read sequences are written in Keras, whose sequences are steps x features."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradbook.formats.gates import KERAS, is_known, stack_gates
from gradbook.formats.keras.graph import KerasLink
from gradbook.graph.node import Array
from gradbook.graph.window import NOWHERE, SAME
from gradbook.layers import Attention, Gru, Lstm, PositionEmbedding, Rnn
from gradbook.layers.pools import Pool
from gradbook.layers.sequences import Recurrent, Unembedding
from gradbook.layers.sums import Conv
from gradbook.net.trained import TrainedLayer

KINDS = {Rnn: "SimpleRNN", Gru: "GRU", Lstm: "LSTM"}
PARTS = ("query_dense", "key_dense", "value_dense", "output_dense")


def words_over_steps(trained: TrainedLayer) -> KerasLink | None:
    """Return the Keras layer, if there is one that reads steps x features."""
    match trained.layer:
        case Recurrent() as layer if is_known(layer):
            return _recurrent(trained, layer)
        case Attention() as layer:
            return _attention(trained, layer)
        case Unembedding(width):  # Keras doesn't tie weights, so they are copied
            weights = [trained.tensors["weight"][..., 0, 0]]
            return KerasLink("", "Dense", {"units": width, "use_bias": False}, weights=weights)
        case PositionEmbedding():
            added = trained.tensors["bias"].reshape(trained.input)[:, 0].T
            return KerasLink("", "Rescaling", {"scale": 1.0, "offset": added.tolist()})
        case Conv(row=True) as conv:
            return _conv(trained, conv)
        case Pool(row=True) as pool:
            return _pool(trained, pool)
    return None


def _recurrent(trained: TrainedLayer, layer: Recurrent) -> KerasLink:
    stack = stack_gates(trained, KERAS.of(layer))
    settings: dict[str, Any] = {
        "units": layer.width,
        "activation": "tanh",
        "use_bias": stack.bias is not None,
        "return_sequences": layer.all,
    }
    if not isinstance(layer, Rnn):
        settings["recurrent_activation"] = "sigmoid"
    weights = [stack.input_weight.T, stack.state_weight.T]
    if isinstance(layer, Gru):
        settings["reset_after"] = not layer.reset_before
    if stack.bias is not None and stack.state_bias is not None:
        apart = isinstance(layer, Gru) and not layer.reset_before
        weights.append(np.stack([stack.bias, stack.state_bias]) if apart else stack.bias)
    return KerasLink("", KINDS[type(layer)], settings, inner={"cell": weights})


def _attention(trained: TrainedLayer, layer: Attention) -> KerasLink:
    features, heads = trained.input[0], layer.heads
    apart = (heads, features // heads)
    inner: dict[str, list[Array]] = {}
    for part, place in zip(layer.parts, PARTS, strict=True):
        weight = trained.tensors[f"{part}_weight"][..., 0, 0].T  # from features to features
        last = part == layer.parts[-1]
        inner[place] = [weight.reshape(*apart, features) if last else weight.reshape(-1, *apart)]
        if f"{part}_bias" in trained.tensors:
            bias = trained.tensors[f"{part}_bias"]
            inner[place].append(bias if last else bias.reshape(apart))
    settings = {
        "num_heads": heads,
        "key_dim": apart[1],
        "use_bias": "query_bias" in trained.tensors,
    }
    calls = {"use_causal_mask": True} if layer.causal else {}
    return KerasLink("", "MultiHeadAttention", settings, inner=inner, calls=calls)


def _conv(layer: TrainedLayer, conv: Conv) -> KerasLink | None:
    """Write a Conv1D if it has the padding, stride and groups; others have two dimensions."""
    window = conv.window(layer.input)
    padded = conv.pad == SAME or window.pad == NOWHERE
    apart = window.stride != (1, 1) and window.dilation != (1, 1)
    if not padded or apart or conv.groups > 1 or layer.input[1] > 1:
        return None
    settings = {
        "filters": conv.channels,
        "kernel_size": [conv.kernel[1]],
        "strides": [window.stride[1]],
        "padding": "same" if conv.pad == SAME else "valid",
        "dilation_rate": [window.dilation[1]],
        "use_bias": "bias" in layer.tensors,
        **({} if conv.learns else {"trainable": False}),
    }
    kernel = layer.tensors["weight"][:, :, 0].transpose(2, 1, 0)
    weights = [kernel, *([layer.tensors["bias"]] if "bias" in layer.tensors else [])]
    return KerasLink("", "Conv1D", settings, weights=weights)


def _pool(layer: TrainedLayer, pool: Pool) -> KerasLink | None:
    window = pool.window(layer.input)
    plain = window.pad == NOWHERE and window.dilation == (1, 1)
    if pool.size is None or not plain or layer.input[1] > 1:
        return None
    word = {"max": "MaxPooling1D", "avg": "AveragePooling1D"}[pool.kind]
    size, stride = window.size[1], window.stride[1]
    return KerasLink("", word, {"pool_size": [size], "strides": [stride], "padding": "valid"})
