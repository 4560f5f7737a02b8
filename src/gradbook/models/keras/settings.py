"""What the settings of Keras's layers say, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradbook.graph.node import Array
from gradbook.models.imported import NoLayer
from gradbook.net.layers import Activation

ACTIVATIONS = {
    **{word: word for word in ("relu", "sigmoid", "tanh", "softplus", "silu", "softmax")},
    "swish": "silu",
    "log_softmax": "log softmax",
}


def activation(told: Any) -> Activation:
    if told == "leaky_relu":
        return Activation("leaky relu", 0.2)  # Keras's own slope
    if not isinstance(told, str) or told not in ACTIVATIONS:
        word = told if isinstance(told, str) else "a function of its own"
        hint = " (write GELU in its tanh form)" if word == "gelu" else ""
        raise NoLayer(f"its activation is {word:.60}, which isn't one here{hint}")
    return Activation(ACTIVATIONS[told])


def relu(told: Mapping[str, Any]) -> Activation:
    if told.get("max_value") is not None or told.get("threshold"):
        raise NoLayer("ReLU has no largest value and no threshold here")
    slope = numbers(told.get("negative_slope", 0)).item()
    return Activation("leaky relu", slope) if slope else Activation("relu")


def numbers(told: Any) -> Array:
    """Numbers as settings say them: one, a list, or an array that Keras wrote as text."""
    if isinstance(told, dict):
        told = told["config"]["value"]
    return np.asarray(told, np.float64).reshape(-1)
