"""ONNX's names of the activations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class OnnxWord:
    """An operator, the attributes that it must have, and those that are fields of the layer."""

    operator: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


ACTIVATIONS = {  # by gradbook's names; other activations are written and read as simpler operators
    "sigmoid": OnnxWord("Sigmoid"),
    "tanh": OnnxWord("Tanh"),
    "relu": OnnxWord("Relu"),
    "leaky relu": OnnxWord("LeakyRelu", fields={"alpha": "slope"}),
    "elu": OnnxWord("Elu"),
    "softplus": OnnxWord("Softplus"),
    "softmax": OnnxWord("Softmax", {"axis": 1}),
    "log softmax": OnnxWord("LogSoftmax", {"axis": 1}),
}
