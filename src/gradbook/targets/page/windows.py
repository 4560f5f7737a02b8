"""The sum at each place of a convolution's maps: a window, the kernel, their products.

    {"value": 90, "bias": null, "channels": [[[[3, 17, 60], …], …], …]}

For each input channel, the rows of a window contain the lines of a value, of its weight and of
their product; null stands for padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from gradbook.graph.node import Node, Scalars
from gradbook.net.names import shown_names
from gradbook.net.step import Step


@dataclass(frozen=True)
class ConvWindow:
    """One place of a map, and what it reads of each input channel."""

    value: Node
    bias: Node | None
    channels: (
        Scalars  # (channels, rows, columns) of a value, its weight, and their product; or None
    )

    @property
    def products(self) -> list[Node]:
        return [read[2] for read in self.channels.flat if read]

    def table(self, places: Mapping[Node, int]) -> dict[str, object]:
        return {
            "value": places[self.value],
            "bias": places[self.bias] if self.bias else None,
            "channels": [
                [[read and [places[node] for node in read] for read in row] for row in rows]
                for rows in self.channels
            ],
        }


def conv_windows(step: Step) -> tuple[ConvWindow, ...]:
    """One for each place of every convolution, from the inputs to the outputs."""
    layers = enumerate(zip(step.net.layers, step.net.shapes, strict=False))
    convs = [k for k, (layer, shape) in layers if layer.sums and layer.window(shape)]
    return tuple(window for index in convs for window in _windows(step, index))


def _windows(step: Step, index: int) -> Iterator[ConvWindow]:
    """The windows of a layer; a weight's number gives the place of its product."""
    kernel, *_ = step.net.taken(index)
    name, shape = shown_names(step.net)[index + 1], step.net.shapes[index + 1]
    for element in name.elements(shape).values():
        value = step.graph.by_name[str(element)]
        channels, bias = np.full(kernel.shape[1:], None), None
        for term in _terms(value):
            if term.op.name == "multiply":
                weight, x = term.inputs
                assert weight.name
                number = weight.name.numbers[-1] - kernel.first
                _, *place = np.unravel_index(number, kernel.shape)
                channels[tuple(place)] = x, weight, term
            else:
                bias = term
        yield ConvWindow(value, bias, channels)


def _terms(total: Node) -> Iterator[Node]:
    while total.op.name == "add":
        total, last = total.inputs
        yield last
    yield total
