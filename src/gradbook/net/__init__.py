"""What was asked: layers, shapes, loss, samples and start weights, and their text form.

It knows nothing of graphs and derivatives.
"""

from gradbook.net.builtin import BUILTIN, DIGITS, LESSONS, builtin
from gradbook.net.layers import Activation, BatchNorm, Conv, Dense, Dropout, Flatten, Layer, Pool
from gradbook.net.network import Net, parse
from gradbook.net.norms import GroupNorm, LayerNorm, PlaceNorm
from gradbook.net.parameters import Bias, Parameter, Role, Shape
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
