"""Words of other libraries that mean one thing here: read as ours, and written as ours."""

from __future__ import annotations

LAYER_WORDS = {
    "fc": "dense",
    "linear": "dense",
    "conv2d": "conv",
    "bn": "batchnorm",
    "batchnorm1d": "batchnorm",
    "batchnorm2d": "batchnorm",
    "maxpool2d": "maxpool",
    "avgpool2d": "avgpool",
    "gn": "groupnorm",
    "ln": "layernorm",
    "instancenorm2d": "instancenorm",
    "cat": "concat",
    "concatenate": "concat",
    "swish": "silu",
    "optimizer": "update",
    "lr": "rate",
}
UPDATE_WORDS = {"sgd": "descent"}
LOSS_WORDS = {
    "mse": "mean squared error",
    "mae": "mean absolute error",
    "bce": "binary cross-entropy",
    "ce": "cross-entropy",
    "crossentropy": "cross-entropy",
    "cross entropy": "cross-entropy",
}


def ours(word: str) -> str:
    """What a statement begins with here; capitals, as in Conv2d, don't matter in other words."""
    return LAYER_WORDS.get(word.lower(), word)
