"""How an operator of ONNX moves its window, and how many places it counts then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gradbook.graph.window import NOWHERE, Both, Shape, same_pad
from gradbook.models.windows import settled_same
from gradbook.net.layers import Pool


def moves_of(told: Mapping[str, Any], size: Both, shape: Shape) -> dict[str, Any]:
    """What a window is told, as our layers take it."""
    stride, dilation = told["strides"], told["dilations"]
    moves: dict[str, Any] = {"size": size, "stride": stride, "dilation": dilation}
    auto, area = told["auto_pad"], shape[1:]
    if auto == "SAME_UPPER":
        return moves | {"pad": settled_same(size, stride, dilation, area)}
    if auto == "SAME_LOWER":  # what is too much for both ends stands before
        top, left, below, right = same_pad(size, stride, dilation, area)
        return moves | {"pad": (below, right, top, left)}
    return moves | {"pad": tuple(told["pads"]) if auto == "NOTSET" else NOWHERE}


def places_up(pool: Pool, shape: Shape) -> list[int]:
    """The places that ONNX counts where a last window may end beyond what is read."""
    window = replace(pool, ceil=False).window(shape)
    free = (
        length + sum(window.edges(axis)) - window.span[axis]
        for axis, length in enumerate(shape[1:])
    )
    return [-(-room // step) + 1 for room, step in zip(free, window.stride, strict=True)]
