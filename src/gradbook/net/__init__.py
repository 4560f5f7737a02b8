"""A network as it was asked for, its text form, and the graph that its layers become.

It knows no language but its own text, and no files.
"""

from gradbook.graph.window import Shape
from gradbook.net.builtin import BUILTIN, DIGITS, LESSONS, builtin
from gradbook.net.layers import Activation, BatchNorm, Conv, Dense, Dropout, Flatten, Layer, Pool
from gradbook.net.network import Net, parse
from gradbook.net.norms import GroupNorm, LayerNorm, PlaceNorm
from gradbook.net.parameters import Bias, Parameter, Role
from gradbook.net.task import Loss, Sample, Update
from gradbook.net.text import GRAMMAR, write
from gradbook.net.wiring import Again, Concat, GoBack, Residual

__all__ = [
    "BUILTIN",
    "DIGITS",
    "GRAMMAR",
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
    "Parameter",
    "PlaceNorm",
    "Pool",
    "Residual",
    "Role",
    "Sample",
    "Shape",
    "Update",
    "builtin",
    "parse",
    "write",
]
