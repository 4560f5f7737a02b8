"""The layers of a Keras model in the order that they are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.graph.node import Array
from gradbook.graph.window import Both, Shape, Sides


@dataclass(frozen=True, eq=False)
class KerasLayer:
    """One layer: its class, its settings, what it reads, the shape that it makes, its weights."""

    kind: str
    name: str
    settings: dict[str, Any]
    reads: tuple[KerasLayer, ...]
    shape: Shape  # channels last, without the images
    weights: tuple[NDArray[np.float32], ...] = ()
    called: int = 0  # how often the same layer was called before


@dataclass
class KerasRow:
    """Layers so far; the first is the input."""

    made: list[KerasLayer] = field(default_factory=list)

    def add(
        self,
        kind: str,
        name: str,
        settings: dict[str, Any],
        reads: Sequence[KerasLayer],
        shape: Shape,
        weights: Sequence[Array] = (),
    ) -> KerasLayer:
        narrow = tuple(np.ascontiguousarray(array, np.float32) for array in weights)
        called = sum(layer.name == name for layer in self.made)
        self.made.append(KerasLayer(kind, name, settings, tuple(reads), shape, narrow, called))
        return self.made[-1]

    def framed(self, name: str, x: KerasLayer, sides: Sides, value: float = 0.0) -> KerasLayer:
        """With so much around it of one value."""
        if not any(sides):
            return x
        top, left, below, right = sides
        rows, columns, channels = x.shape
        wider = (rows + top + below, columns + left + right, channels)
        even = top == left == below == right
        told = {"padding": top if even else [[top, below], [left, right]]}
        framed = self.add("ZeroPadding2D", f"{name}_pad", told, [x], wider)
        if not value:
            return framed
        frame = np.full((*wider[:2], 1), value)
        frame[top : top + rows, left : left + columns] = 0
        settings = {"scale": 1.0, "offset": frame.tolist()}
        return self.add("Rescaling", f"{name}_frame", settings, [framed], wider)

    def stepped(self, name: str, x: KerasLayer, stride: Both, shape: Shape) -> KerasLayer:
        """Only the places of such steps."""
        steps = {"pool_size": [1, 1], "strides": list(stride), "padding": "valid"}
        return self.add("MaxPooling2D", name, steps, [x], shape)


def channels_last(shape: Shape) -> Shape:
    return (*shape[1:], shape[0]) if len(shape) == 3 else shape
