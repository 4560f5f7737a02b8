"""The usual network that tells classes apart by a row of numbers."""

from __future__ import annotations

from collections.abc import Iterable

from gradbook.net.layers import Activation, Dense
from gradbook.net.network import Net
from gradbook.net.task import Loss


def usual(inputs: int, hidden: Iterable[int], classes: int) -> Net:
    """Hidden layers of these widths with ReLU, then softmax; trained with Adam."""
    layers = [layer for width in hidden for layer in (Dense(width), Activation("relu"))]
    ending = (Dense(classes), Activation("log softmax"))
    return Net((inputs,), (*layers, *ending), Loss.CROSS, "adam")  # type: ignore[arg-type]
