"""A convolution and its gradients as windows that slide over rows, and their sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradbook.graph.node import Node

Places = tuple[int, int, int]  # channels, height, width


def places(node: Node) -> Places:
    """Every value of a sample as channels of rows: flat values are channels of one place."""
    channels, height, width = (*node.shape, 1, 1, 1)[:3]
    return channels, height, width


def window_of(pool: Node) -> tuple[int, int]:
    """Rows and columns of a pool's window."""
    window = pool.attributes[0]
    assert isinstance(window, tuple)
    rows, columns = window
    return rows, columns


@dataclass(frozen=True)
class Slide:
    """One convolution as the kernels see it: from `source` to `result`."""

    source: Places
    result: Places
    window: tuple[int, int]
    stride: int = 1
    top: int = 0
    left: int = 0
    spread: int = 1
    groups: int = 1

    @property
    def frame(self) -> tuple[int, int]:
        """Height and width of what the window slides over."""
        ends = (
            (self.top, self.source[1], self.result[1], self.window[0]),
            (self.left, self.source[2], self.result[2], self.window[1]),
        )
        height, width = (
            max((out - 1) * self.stride + window, before + (size - 1) * self.spread + 1)
            for before, size, out, window in ends
        )
        return height, width

    @property
    def numbers(self) -> Sequence[int]:
        """Those of `struct sliding`."""
        moved = (self.stride, self.top, self.left, self.spread)
        return *self.result, *self.source, *self.window, *moved, *self.frame, self.groups

    @property
    def own_outputs(self) -> int:
        """Of a group."""
        return self.result[0] // self.groups

    @property
    def own_inputs(self) -> int:
        return self.source[0] // self.groups

    @property
    def area(self) -> int:
        return self.window[0] * self.window[1]

    @property
    def weights(self) -> int:
        return self.result[0] * self.own_inputs * self.area


def forward(node: Node) -> Slide:
    """Of a conv, or of the conv whose weights' gradient this is."""
    if node.op.name == "conv":
        x, y, window = node.inputs[1], node, node.inputs[0].shape[2:]
        stride, pad, groups = _numbers(node.attributes)
    else:
        (y, x), window = node.inputs, node.shape[2:]
        stride, pad, groups = _numbers(node.attributes[1:])
    rows, columns = window
    return Slide(places(x), places(y), (rows, columns), stride, pad, pad, groups=groups)


def backward(node: Node) -> Slide:
    """Each gradient goes to its window: the window, turned, slides over spread gradients."""
    stride, pad, groups = _numbers(node.attributes[1:])
    rows, columns = node.inputs[0].shape[2:]
    top, left = rows - 1 - pad, columns - 1 - pad
    source, result = places(node.inputs[1]), places(node)
    return Slide(source, result, (rows, columns), 1, top, left, stride, groups)


def flat(source: Node, result: Node) -> Slide:
    """A weighted sum of flat values: one place, and a window of one."""
    return Slide(places(source), places(result), (1, 1))


def _numbers(attributes: Sequence[object]) -> list[int]:
    return [value for value in attributes if isinstance(value, int)]
