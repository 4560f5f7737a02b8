"""A convolution and its gradients as windows that slide over rows, and their sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradbook.graph.node import Node
from gradbook.graph.window import Window

Places = tuple[int, int, int]  # channels, height, width


def places(node: Node) -> Places:
    """Every value of a sample as channels of rows: flat values are channels of one place."""
    channels, height, width = (*node.shape, 1, 1, 1)[:3]
    return channels, height, width


def window_of(node: Node) -> Window:
    """Of a convolution or a pool, or of a gradient of theirs."""
    return next(value for value in node.attributes if isinstance(value, Window))


@dataclass(frozen=True)
class Roaming:
    """A window as `struct roaming` has it: over `source` to `result`.

    Of the source's rows and columns, as far apart as it goes over them, only each `apart`-th is
    there.
    """

    window: Window
    source: Places
    result: Places
    apart: tuple[int, int] = (1, 1)

    @property
    def numbers(self) -> Sequence[int]:
        """Those of `struct roaming`."""
        window = self.window
        sizes = (*window.size, *self.source[1:], *self.result[1:])
        return *sizes, *window.stride, *window.pad[:2], *window.dilation


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
    """Of a conv, or of the conv whose weights' gradient this is; where its window roams, over what
    is gathered."""
    y, x = (node, node.inputs[1]) if node.op.name == "conv" else node.inputs
    window, groups = window_of(node), groups_of(node)
    roaming = forward_roaming(node)
    if roaming is not None:
        return _gathered(roaming, groups)
    top, left = window.pad[:2]
    return Slide(places(x), places(y), window.size, window.stride[0], top, left, groups=groups)


def backward(node: Node) -> Slide:
    """Each gradient goes to its window: the window, turned, slides over spread gradients."""
    roaming, groups = backward_roaming(node), groups_of(node)
    if roaming is not None:
        return _gathered(roaming, groups)
    window = window_of(node)
    top, left = _turned_pad(window)
    source, result = places(node.inputs[1]), places(node)
    return Slide(source, result, window.size, 1, top, left, window.stride[0], groups)


def forward_roaming(node: Node) -> Roaming | None:
    """Where the window of a conv, or of a gradient of weights, moves in no plain way."""
    window = window_of(node)
    y, x = (node, node.inputs[1]) if node.op.name == "conv" else node.inputs
    return None if window.is_plain else Roaming(window, places(x), places(y))


def backward_roaming(node: Node) -> Roaming | None:
    """The same of the gradient of its input: the window, turned, goes over gradients."""
    window = window_of(node)
    if window.is_plain:
        return None
    turned = Window(window.size, (1, 1), (*_turned_pad(window), 0, 0), window.dilation)
    return Roaming(turned, places(node.inputs[1]), places(node), window.stride)


def _turned_pad(window: Window) -> tuple[int, int]:
    rows, columns = window.span
    return rows - 1 - window.pad[0], columns - 1 - window.pad[1]


def _gathered(roaming: Roaming, groups: int) -> Slide:
    """Over channels of what lies under each row and column of the window."""
    channels = roaming.source[0] * roaming.window.area
    return Slide((channels, *roaming.result[1:]), roaming.result, (1, 1), groups=groups)


def flat(source: Node, result: Node) -> Slide:
    """A weighted sum of flat values: one place, and a window of one."""
    return Slide(places(source), places(result), (1, 1))


def groups_of(conv: Node) -> int:
    """Of a convolution, or of a gradient of one."""
    return next(value for value in conv.attributes if isinstance(value, int))
