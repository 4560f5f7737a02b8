"""Keras's names of the activations."""

ACTIVATIONS = {  # Keras's names by gradbook's; the first one is written
    **{kind: (kind,) for kind in ("relu", "relu6", "elu", "sigmoid", "tanh", "softplus")},
    "selu": ("selu",),
    "softmax": ("softmax",),
    "log softmax": ("log_softmax",),
    "exact gelu": ("gelu",),
    "silu": ("silu", "swish"),
    "mish": ("mish",),
    "hardsigmoid": ("hard_sigmoid",),
    "hard swish": ("hard_silu", "hard_swish"),
    "identity": ("linear",),
}
ACTIVATION_KINDS = {word: kind for kind, words in ACTIVATIONS.items() for word in words}
