"""Where an operator of PyTorch puts the axes of what it reads, and which may have channels last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradbook.models.torch.bends import BENDS
from gradbook.models.torch.content import AtenCall
from gradbook.net.parameters import Shape

LAST, FIRST = (0, 2, 3, 1), (0, 3, 1, 2)  # channels, of what has them first and last
TURNS = ("permute", "transpose", "movedim")
DROPS = ("dropout", "feature_dropout", "alpha_dropout")
PASSING = ("alias", "clone", "contiguous", "detach", "to")
CHANNELS_LAST = ("layer_norm", "linear", *TURNS, *DROPS, *PASSING, *BENDS)  # may read them so


def turned_axes(call: AtenCall, dimensions: int) -> Shape:
    """Where each axis of the result comes from."""
    told, axes = call.arguments, tuple(range(dimensions))
    match call.operator:
        case "permute":
            found: Sequence[int] = [axis % dimensions for axis in told["dims"]]
        case "transpose":
            found = np.swapaxes(_axes_as_shape(axes), told["dim0"], told["dim1"]).shape
        case _:
            found = np.moveaxis(_axes_as_shape(axes), told["source"], told["destination"]).shape
    return tuple(found)


def _axes_as_shape(axes: Shape) -> np.ndarray:
    """An array without content, of which each axis is as long as its number."""
    return np.empty(axes)
