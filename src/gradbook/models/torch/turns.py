"""Where an operator of PyTorch puts the axes of what it reads, and which may read channels last."""

from __future__ import annotations

import numpy as np

from gradbook.models.torch.bends import BENDS
from gradbook.models.torch.content import AtenCall
from gradbook.net.parameters import Shape

TURNS = ("permute", "transpose", "movedim")
DROPS = ("dropout", "feature_dropout", "alpha_dropout")
PASSING = ("alias", "clone", "contiguous", "detach", "to")
READ_TURNED = ("layer_norm", "linear", *TURNS, *DROPS, *PASSING, *BENDS)


def turned_axes(call: AtenCall, dimensions: int) -> Shape:
    """Where each axis of the result comes from; nothing where some of those told aren't there."""
    told, empty = call.arguments, np.empty(range(dimensions))  # each axis as long as its number
    try:
        match call.operator:
            case "permute":
                return tuple(axis % dimensions for axis in told["dims"])
            case "transpose":
                return np.swapaxes(empty, told["dim0"], told["dim1"]).shape
            case _:
                return np.moveaxis(empty, told["source"], told["destination"]).shape
    except ValueError:
        return ()
