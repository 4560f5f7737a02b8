"""Which activation an operator of PyTorch is, by its name and its numbers."""

from __future__ import annotations

from gradbook.models.imported import STEEPER, NoLayer
from gradbook.models.torch.content import AtenCall
from gradbook.net.layers import Activation

PLAIN = {
    **{word: word for word in ("relu", "relu6", "sigmoid", "tanh", "silu")},
    "hardswish": "hard swish",
}
LIMITS = {"hardtanh": ("min_val", "max_val"), "clamp": ("min", "max")}
BENDS = (*PLAIN, *LIMITS, "elu", "gelu", "leaky_relu", "softplus")


def bend_of(call: AtenCall) -> Activation:
    word, told = call.operator, call.arguments
    if word in PLAIN:
        return Activation(PLAIN[word])
    if word in LIMITS:
        least, most = (told[name] for name in LIMITS[word])
        if (least, most) != (0, 6):
            raise NoLayer("values are held between 0 and 6, as ReLU6 does, or not at all")
        return Activation("relu6")
    if word == "elu":
        if (told["alpha"], told["scale"], told["input_scale"]) != (1, 1, 1):
            raise NoLayer(STEEPER)
        return Activation("elu")
    if word == "gelu":
        return Activation("gelu" if told["approximate"] == "tanh" else "exact gelu")
    if word == "leaky_relu":
        return Activation("leaky relu", told["negative_slope"])
    if told["beta"] != 1 or told["threshold"] < 20:
        raise NoLayer("softplus has a beta of 1 and a threshold of 20 here")
    return Activation("softplus")
