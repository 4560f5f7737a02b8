"""Where an operator of PyTorch puts the axes of what it reads, and which may read channels last."""

from __future__ import annotations

import numpy as np

from gradbook.graph.node import Array
from gradbook.graph.window import Shape
from gradbook.models.imported import NoLayer
from gradbook.models.torch.bends import BENDS
from gradbook.models.torch.content import AtenCall

TURNS = ("permute", "transpose", "movedim")
DROPS = ("dropout", "feature_dropout", "alpha_dropout")
PASSING = ("alias", "clone", "contiguous", "detach", "to")
SUMS = ("add", "sub", "mul", "div")  # of two values, or of one and constants
READ_TURNED = ("layer_norm", "linear", *SUMS, *TURNS, *DROPS, *PASSING, *BENDS)
OF_WEIGHTS = (*TURNS, *PASSING, "view", "reshape", "_unsafe_view", "unsqueeze")


def laid_out(call: AtenCall, tensor: Array) -> Array:
    """A weight in the shape that a call gives it."""
    told = call.arguments
    match call.operator:
        case "view" | "reshape" | "_unsafe_view":
            return tensor.reshape(told["shape" if call.operator == "reshape" else "size"])
        case "unsqueeze":
            return np.expand_dims(tensor, told["dim"])
        case operator if operator in TURNS:
            axes = turned_axes(call, tensor.ndim)
            if not axes:
                raise NoLayer("it turns axes of a weight that aren't there")
            return tensor.transpose(axes)
    return tensor


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
