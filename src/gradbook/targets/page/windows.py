"""What each place of a convolution's maps is the sum of: a window, the kernel, their products.

    {"value": 90, "bias": null, "channels": [[[[3, 17, 60], …], …], …]}

For each input channel the rows of a window hold the lines of a value, of its weight and of their
product; null stands for padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from gradbook.graph.node import Node
from gradbook.net import Conv, Parameter, Shape
from gradbook.net.names import shown_names
from gradbook.net.step import Step

Read = tuple[Node, Node, Node]  # a value, its weight, their product


@dataclass(frozen=True)
class ConvWindow:
    """One place of a map, and what it reads of each input channel."""

    value: Node
    bias: Node | None
    channels: tuple[tuple[tuple[Read | None, ...], ...], ...]

    @property
    def products(self) -> list[Node]:
        return [read[2] for rows in self.channels for row in rows for read in row if read]

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
    convs = [k for k, layer in enumerate(step.net.layers) if isinstance(layer, Conv)]
    return tuple(window for index in convs for window in _Slide(step, index).windows())


class _Slide:
    """One convolution: its kernel slid over the maps before it."""

    def __init__(self, step: Step, index: int) -> None:
        self.step, self.nodes = step, step.graph.by_name
        layer = step.net.layers[index]
        assert isinstance(layer, Conv)
        self.layer, self.window = layer, layer.window(step.net.shapes[index])
        self.before, self.shape = step.net.shapes[index : index + 2]
        self.source, self.goal = shown_names(step.net)[index : index + 2]
        self.kernel, *self.biases = step.net.taken(index)

    def windows(self) -> Iterator[ConvWindow]:
        for place in product(*map(range, self.shape)):
            yield ConvWindow(
                self.nodes[str(self.goal.element(place, self.shape))],
                self._bias(place[0]),
                tuple(self._channel(place, c) for c in range(self.kernel.shape[1])),
            )

    def _bias(self, channel: int) -> Node | None:
        if not self.biases:
            return None
        return self._own(self.biases[0], channel if self.biases[0].size > 1 else 0)

    def _own(self, parameter: Parameter, element: int) -> Node:
        return self.nodes[parameter.names[element]]

    def _channel(self, place: Shape, channel: int) -> tuple[tuple[Read | None, ...], ...]:
        """What each weight of the kernel is multiplied with; nothing where that is padding."""
        _, _, rows, columns = self.kernel.shape
        inside = dict(self.window.inside(place[1:], self.before[1:]))
        return tuple(
            tuple(self._read(place[0], channel, (i, j), inside.get((i, j))) for j in range(columns))
            for i in range(rows)
        )

    def _read(
        self, out: int, channel: int, tap: tuple[int, int], source: tuple[int, int] | None
    ) -> Read | None:
        if source is None:
            return None
        _, own, rows, columns = self.kernel.shape
        first = out * self.layer.groups // self.layer.channels * own
        value = self.nodes[str(self.source.element((first + channel, *source), self.before))]
        element = ((out * own + channel) * rows + tap[0]) * columns + tap[1]
        weight = self._own(self.kernel, element)
        if self.layer.bits:  # of few bits, what is read of it
            weight = self.nodes[f"ŵ{self.kernel.first + element}"]
        return value, weight, self.step.graph.make("multiply", weight, value)
