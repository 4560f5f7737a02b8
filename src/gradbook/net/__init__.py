"""A network as it was asked for, its text form, and the graph that its layers become.

It knows no language but its own text, and no files.
"""

from gradbook.builtin_networks import BUILTIN, DIGITS, LESSONS
from gradbook.graph.window import Shape
from gradbook.layers import (
    Activation,
    BatchNorm,
    Bias,
    Concat,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GoBack,
    GroupNorm,
    Layer,
    LayerNorm,
    Loss,
    Parameter,
    PlaceNorm,
    Pool,
    PRelu,
    Residual,
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
    "BatchNorm",
    "Bias",
    "Concat",
    "Conv",
    "Dense",
    "Dropout",
    "Flatten",
    "GoBack",
    "GroupNorm",
    "Layer",
    "LayerNorm",
    "Loss",
    "Net",
    "PRelu",
    "Parameter",
    "PlaceNorm",
    "Pool",
    "Residual",
    "Role",
    "Sample",
    "Shape",
    "Update",
    "builtin",
    "grammar",
    "parse",
    "write",
]
