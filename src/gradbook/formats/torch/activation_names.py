"""PyTorch's names of the activations."""

ACTIVATIONS = {  # by gradbook's names
    "sigmoid": "torch.sigmoid({0})",
    "tanh": "torch.tanh({0})",
    "relu": "F.relu({0})",
    "leaky relu": "F.leaky_relu({0}, {slope!r})",
    "softplus": "F.softplus({0})",
    "relu6": "F.relu6({0})",
    "elu": "F.elu({0})",
    "selu": "F.selu({0})",
    "abs": "{0}.abs()",
    "gelu": 'F.gelu({0}, approximate="tanh")',
    "exact gelu": "F.gelu({0})",
    "silu": "F.silu({0})",
    "mish": "F.mish({0})",
    "hardsigmoid": "F.hardsigmoid({0})",
    "hard swish": "F.hardswish({0})",
    "identity": "{0}",
    "softmax": "F.softmax({0}, dim=1)",
    "log softmax": "F.log_softmax({0}, dim=1)",
}
