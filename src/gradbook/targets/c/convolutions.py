"""How the windows of convolutions move: sizes, and when Winograd's tiles pay.

A gradient of a convolution is a convolution too. Winograd's tiles have 4 and 3 results a side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gradbook.graph.node import Node, ancestors
from gradbook.graph.window import Window

# Windows that slide over rows -----------------------------------------------------

Places = tuple[int, int, int]  # channels, height, width


def places(node: Node) -> Places:
    """Every value of a sample as channels of rows: flat values are channels of one place."""
    channels, height, width = (*node.shape, 1, 1, 1)[:3]
    return channels, height, width


def window_of(node: Node) -> Window:
    """The window of a convolution or a pool, or of a gradient of theirs."""
    return next(value for value in node.attributes if isinstance(value, Window))


@dataclass(frozen=True)
class Roaming:
    """A window with any stride, padding and dilation, as in `struct roaming`.

    It goes over `source` and makes `result`. In a gradient the source's rows and columns lie
    `apart` places from each other, with nothing between them.
    """

    window: Window
    source: Places
    result: Places
    apart: tuple[int, int] = (1, 1)

    @property
    def numbers(self) -> Sequence[int]:
        """The members of `struct roaming`."""
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
    def padded_size(self) -> tuple[int, int]:
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
        """The members of `struct sliding`."""
        moved = (self.stride, self.top, self.left, self.spread)
        return *self.result, *self.source, *self.window, *moved, *self.padded_size, self.groups

    @property
    def own_outputs(self) -> int:
        """The outputs of each group."""
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
    """The slide of a convolution, or of the one whose weights' gradient this is.

    A window with gaps or jumps becomes a window of one over gathered rows.
    """
    y, x = (node, node.inputs[1]) if node.op.name == "conv" else node.inputs
    window, groups = window_of(node), groups_of(node)
    roaming = forward_roaming(node)
    if roaming is not None:
        return _gathered(roaming, groups)
    top, left = window.pad[:2]
    return Slide(places(x), places(y), window.size, window.stride[0], top, left, groups=groups)


def backward(node: Node) -> Slide:
    """The slide of the gradient of the input: the window, flipped, over gradients spread apart."""
    roaming, groups = backward_roaming(node), groups_of(node)
    if roaming is not None:
        return _gathered(roaming, groups)
    window = window_of(node)
    top, left = _flipped_padding(window)
    source, result = places(node.inputs[1]), places(node)
    return Slide(source, result, window.size, 1, top, left, window.stride[0], groups)


def forward_roaming(node: Node) -> Roaming | None:
    """The window of a convolution, or of a gradient of weights, if it isn't plain."""
    window = window_of(node)
    y, x = (node, node.inputs[1]) if node.op.name == "conv" else node.inputs
    return None if window.is_plain else Roaming(window, places(x), places(y))


def backward_roaming(node: Node) -> Roaming | None:
    """The same for the gradient of the input: the window, flipped, goes over gradients."""
    window = window_of(node)
    if window.is_plain:
        return None
    flipped = Window(window.size, (1, 1), (*_flipped_padding(window), 0, 0), window.dilation)
    return Roaming(flipped, places(node.inputs[1]), places(node), window.stride)


def _flipped_padding(window: Window) -> tuple[int, int]:
    rows, columns = window.span
    return rows - 1 - window.pad[0], columns - 1 - window.pad[1]


def _gathered(roaming: Roaming, groups: int) -> Slide:
    """The slide of a window of one over gathered values, a channel for each original place."""
    channels = roaming.source[0] * roaming.window.area
    return Slide((channels, *roaming.result[1:]), roaming.result, (1, 1), groups=groups)


def groups_of(conv: Node) -> int:
    """The groups of a convolution, or of a gradient of one."""
    return next(value for value in conv.attributes if isinstance(value, int))


# Winograd's tiles -----------------------------------------------------------------

POINTS = 6  # as in winograd_points.c
ONLY_4 = 1  # of them, which tiles of 3 don't need
ROOM = 16_000  # vectors at the points that may lie in the cache at once: 1 MB


def cut(length: int) -> tuple[int, int]:
    """Tiles of 4 and of 3 that cover so many places with the fewest points."""
    cuts = ((-(-(length - 3 * threes) // 4), threes) for threes in range(4))
    return min(
        ((max(fours, 0), threes) for fours, threes in cuts),
        key=lambda tiles: (_points(*tiles), tiles[1]),
    )


def _points(fours: int, threes: int) -> int:
    return POINTS * fours + (POINTS - ONLY_4) * threes


@dataclass(frozen=True)
class Tiling:
    """Bands of 4 rows and of 3, and in each of them tiles of 4 columns and of 3."""

    tall: int
    low: int
    broad: int
    narrow: int

    @property
    def across(self) -> int:
        return self.broad + self.narrow

    @property
    def width(self) -> int:
        return 4 * self.broad + 3 * self.narrow

    @property
    def tiles(self) -> int:
        return (self.tall + self.low) * self.across

    @property
    def products(self) -> int:
        """How many products there are for each pair of channels."""
        return _points(self.tall, self.low) * _points(self.broad, self.narrow)

    @property
    def shares(self) -> Counter[int]:
        """Numbers of tiles, with the number of points that so many tiles have."""
        counts: Counter[int] = Counter()
        for rows, times in ((self.tall + self.low, POINTS - ONLY_4), (self.tall, ONLY_4)):
            for columns, again in ((self.across, POINTS - ONLY_4), (self.broad, ONLY_4)):
                counts[rows * columns] += times * again
        return counts

    def groups(self, channels: int) -> list[Tiling]:
        """Bands that are processed together: all of them, or as many tall or low ones as there is
        room for, without a remainder.
        """
        if self.products * channels <= ROOM:
            return [self]
        tall = [replace(self, tall=n, low=0) for n in _divisors(self.tall)]
        low = [replace(self, tall=0, low=n) for n in _divisors(self.low)]
        return [
            max((g for g in kind if g.products * channels <= ROOM), key=_bands, default=kind[0])
            for kind in (tall, low)
            if kind
        ]


def _divisors(bands: int) -> list[int]:
    return [n for n in range(1, bands + 1) if bands % n == 0]


def _bands(tiles: Tiling) -> int:
    return tiles.tall + tiles.low


def shares(groups: list[Tiling]) -> Counter[int]:
    return sum((g.shares for g in groups), Counter())


def tiling(slide: Slide) -> Tiling | None:
    """Winograd's tiles for a convolution; None if they don't fit, or cost no less."""
    channels = (slide.source[0], slide.result[0])
    plain = (
        slide.window == (3, 3)
        and slide.stride == slide.spread == slide.groups == 1
        and slide.top == slide.left <= 2
        and min(channels) >= 4
        and min(slide.result[1:]) >= 3
        and all(
            out == size + 2 * slide.top - 2  # as much padding after it as before it
            for out, size in zip(slide.result[1:], slide.source[1:], strict=True)
        )
    )
    if not plain:
        return None
    tiles = Tiling(*cut(slide.result[1]), *cut(slide.result[2]))
    direct = 9 * slide.result[1] * slide.result[2] * channels[0] * channels[1]
    cost = tiles.products * (channels[0] * channels[1] + 6 * sum(channels))
    return tiles if cost < direct else None


def go_together(weights: Node, back: Node) -> bool:
    """Whether one loop makes both gradients of a convolution. A transposed one has the same two
    ops, but its output comes first, and its weights' gradient reads that.
    """
    return (
        (weights.op.name, back.op.name) == ("conv_weights", "conv_back")
        and weights.inputs[0] is back.inputs[1]
        and places(weights.inputs[1]) == places(back)
        and weights.attributes == back.attributes[1:]
        and weights.shape == back.inputs[0].shape
        and tiling(forward(weights)) is not None
        and back not in ancestors([weights])
    )
