"""What the engine can say of an op: whether it owns a loop, goes with others, or is kept."""

from __future__ import annotations

HEAVY = {  # own their loops
    "conv",
    "conv_back",
    "conv_weights",
    "linear",
    "linear_back",
    "outer",
    "maxpool",
    "maxpool_back",
    "winners",
    "avgpool",
    "avgpool_back",
    "reshape",
    "sum",
    "log_sum_exp_all",
    "cross_entropy",
}
WEIGHTS = {"conv_weights", "outer"}  # what they give is summed over the batch at once
POINTWISE = {  # computed where they are read
    "add",
    "subtract",
    "multiply",
    "divide",
    "negate",
    "power",
    "exp",
    "log",
    "sqrt",
    "choose",
    "tanh",
    "softplus",
    "relu",
    "repeat",
    "spread",
    "unpooled",
}
ELSEWHERE = {"spread", "unpooled"}  # of these: read from another place than the own
COSTLY = {"exp", "log", "tanh", "softplus", "sqrt"}  # computed once and kept
