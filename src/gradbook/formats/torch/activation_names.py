"""PyTorch's names of the activations."""

ACTIVATIONS = {  # by gradbook's names
    "sigmoid": "torch.sigmoid({})",
    "tanh": "torch.tanh({})",
    "relu": "F.relu({})",
    "leaky relu": "F.leaky_relu({}, {slope!r})",
    "softplus": "F.softplus({})",
    "relu6": "F.relu6({})",
    "elu": "F.elu({})",
    "selu": "F.selu({})",
    "abs": "{}.abs()",
    "gelu": 'F.gelu({}, approximate="tanh")',
    "exact gelu": "F.gelu({})",
    "silu": "F.silu({})",
    "mish": "F.mish({})",
    "hardsigmoid": "F.hardsigmoid({})",
    "hard swish": "F.hardswish({})",
    "identity": "{}",
    "softmax": "F.softmax({}, dim=1)",
    "log softmax": "F.log_softmax({}, dim=1)",
}
