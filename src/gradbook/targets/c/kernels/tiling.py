"""Winograd's tiles of 4 and 3 results a side: where they pay, and which bands go together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from gradbook.graph.node import Node
from gradbook.targets.c.kernels.slides import Slide, forward, places

POINTS = 6  # as in winograd_points.c
ONLY_4 = 1  # of them, that tiles of 3 do without
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
        """For each pair of channels."""
        return _points(self.tall, self.low) * _points(self.broad, self.narrow)

    @property
    def shares(self) -> Counter[int]:
        """How many tiles have a point → at how many points that is so."""
        found: Counter[int] = Counter()
        for rows, times in ((self.tall + self.low, POINTS - ONLY_4), (self.tall, ONLY_4)):
            for columns, again in ((self.across, POINTS - ONLY_4), (self.broad, ONLY_4)):
                found[rows * columns] += times * again
        return found

    def groups(self, channels: int) -> list[Tiling]:
        """Bands that go together: all of them, or as many tall and as many low ones at once as
        there is room for, and none left over.
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
    """None where Winograd's way isn't one, or is no cheaper: by products and carrying."""
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
    found = Tiling(*cut(slide.result[1]), *cut(slide.result[2]))
    direct = 9 * slide.result[1] * slide.result[2] * channels[0] * channels[1]
    cost = found.products * (channels[0] * channels[1] + 6 * sum(channels))
    return found if cost < direct else None


def go_together(weights: Node, back: Node) -> bool:
    """Whether one loop makes both gradients of a convolution."""
    return (
        (weights.op.name, back.op.name) == ("conv_weights", "conv_back")
        and weights.inputs[0] is back.inputs[1]
        and places(weights.inputs[1]) == places(back)
        and weights.attributes == back.attributes[1:]
        and weights.shape == back.inputs[0].shape
        and tiling(forward(weights)) is not None
    )
