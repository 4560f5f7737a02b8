"""A network as it was asked for, its text form, and the graph that its layers become.

It knows no language but its own text, and no files.
"""

from gradbook.builtin_networks import BUILTIN, DIGITS, LESSONS
from gradbook.graph.window import Shape
from gradbook.layers import (
    Activation,
    Attention,
    BatchNorm,
    Bias,
    Concat,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GoBack,
    GroupNorm,
    Gru,
    Layer,
    LayerNorm,
    Loss,
    Lstm,
    Parameter,
    PlaceNorm,
    Pool,
    PositionEmbedding,
    PRelu,
    Residual,
    RmsNorm,
    Rnn,
    Role,
    Update,
)
from gradbook.net.description import Again, Sample
from gradbook.net.network import Net, builtin, parse
from gradbook.net.text import grammar, write

__all__ = [
    "BUILTIN",
    "DIGITS",
    "LESSONS",
    "Activation",
    "Again",
    "Attention",
    "BatchNorm",
    "Bias",
    "Concat",
    "Conv",
    "Dense",
    "Dropout",
    "Flatten",
    "GoBack",
    "GroupNorm",
    "Gru",
    "Layer",
    "LayerNorm",
    "Loss",
    "Lstm",
    "Net",
    "PRelu",
    "Parameter",
    "PlaceNorm",
    "Pool",
    "PositionEmbedding",
    "Residual",
    "RmsNorm",
    "Rnn",
    "Role",
    "Sample",
    "Shape",
    "Update",
    "builtin",
    "grammar",
    "parse",
    "write",
]
