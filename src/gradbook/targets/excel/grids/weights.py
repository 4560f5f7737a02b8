"""How the gradient of one weight of a kernel is made: all that it meets, times the slopes there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gradbook.net import Conv
from gradbook.palette import GRADIENT, INPUT, QUIET, SUM
from gradbook.targets.excel.grids.blocks import Grids
from gradbook.targets.excel.grids.scene import LEFT, NodeBlock
from gradbook.targets.excel.grids.windows import (
    NEAR,
    ONE_CELL,
    AskedCell,
    LookedAt,
    WindowBlock,
    WindowLine,
    reached,
    within,
)


@dataclass(frozen=True)
class WeightLookedAt(LookedAt):
    """One weight of a convolution: its map, its place in the kernel, and the channel it reads."""

    @property
    def name(self) -> str:
        return f"{super().name}_weight"

    @property
    def title(self) -> str:
        return "a weight"

    @property
    def top(self) -> int:
        assert self.stage.weight_row is not None
        return self.stage.weight_row

    @property
    def layer(self) -> Conv:
        assert isinstance(self.stage.layer, Conv)
        return self.stage.layer

    @cached_property
    def asked(self) -> tuple[AskedCell, ...]:
        sizes = {"map": (self.maps.shape[0], 1)}
        for word, size in zip(("row", "column"), self.layer.kernel, strict=True):
            sizes[word] = (size, (size + 1) // 2)  # the middle, which meets most
        if self.sources > 1:
            sizes["from"] = (self.sources, 1)
        return tuple(
            AskedCell(word, LEFT + 2 + 3 * k, *size) for k, (word, size) in enumerate(sizes.items())
        )

    @property
    def source(self) -> str:
        """Which of the channels that its map is made of."""
        return self._cell(3) if self.sources > 1 else "1"

    @property
    def kernels(self) -> NodeBlock:
        return self.stage.parameters["w"]

    @property
    def kernel(self) -> str:
        """Which of the blocks of kernels it lies in."""
        if self.sources == 1:
            return self.channel
        return f"(({self.channel}-1)*{self.sources}+{self.source})"

    def lit(self) -> Iterator[tuple[str, str, bool]]:
        """Its cell among the kernels and among their gradients."""
        found = self.stage.slope_of(self.kernels)
        for block in (self.kernels, *([found] if found else [])):
            for channel in range(block.grids.shape[0]):
                here = within(block.grids, channel, self.row, self.column, ONE_CELL)
                condition = f"AND({self.kernel}={channel + 1},{here})"
                yield block.grids.whole(channel), condition, True

    # Blocks and lines ------------------------------------------------------------

    @cached_property
    def slopes(self) -> NodeBlock:
        found = self.stage.slope_of(self.stage.values)
        assert found is not None
        return found

    @cached_property
    def blocks(self) -> tuple[WindowBlock, ...]:
        met, slopes = self._met(self._place(0)), self._slopes(self._place(1))
        products = replace(self._products(met, slopes, 2), tint=GRADIENT)
        return met, slopes, products

    def _place(self, number: int) -> Grids:
        _, high, wide = self.maps.shape
        return Grids((1, high, wide), self.top + 3, LEFT + number * (wide + 1), 1)

    def _grids(self, number: int, sources: int) -> Grids:
        return self._place(number)

    def _met(self, grids: Grids) -> WindowBlock:
        """What the weight is multiplied with, place by place of its map; 0 in the padding."""
        formulas = {(k, y, x): f"={self._meets(y, x)}" for k, y, x in grids.places()}
        values, numbers = self.scene.numbers(self.given)[0], np.zeros(grids.shape)
        first = [cell.first - 1 for cell in self.asked[1:3]]
        for k, y, x in grids.places():
            row, column = self.window.reads((y, x), first)
            if 0 <= row < values.shape[0] and 0 <= column < values.shape[1]:
                numbers[k, y, x] = values[row, column]
        return WindowBlock("what the weight meets", "", grids, formulas, numbers, INPUT)

    def _meets(self, *place: int) -> str:
        given, layer = self.given.grids, self.layer
        corner, gaps = self.window.corner(place), self.window.dilation
        row, column = (
            f"{own}{first:+}" if gap == 1 else f"({own}-1)*{gap}{first + 1:+}"
            for own, first, gap in zip((self.row, self.column), corner, gaps, strict=True)
        )
        made = layer.channels // layer.groups
        channel = (
            self.source
            if layer.groups == 1
            else f"(INT(({self.channel}-1)/{made})*{self.sources}+{self.source})"
        )
        looked_up = given.at(channel if given.shape[0] > 1 else 0, row, column)
        if not any(self.window.pad):
            return looked_up
        return f"IF({reached(row, column, given.shape)},{looked_up},0)"

    def _slopes(self, grids: Grids) -> WindowBlock:
        at = self.slopes.grids.at
        formulas = {
            (k, y, x): f"={at(self.channel, str(y + 1), str(x + 1))}" for k, y, x in grids.places()
        }
        title = f"times {self.slopes.names.format('')}"
        numbers = self.scene.numbers(self.slopes)[:1]
        return WindowBlock(title, "×", grids, formulas, numbers, GRADIENT)

    @property
    def lines(self) -> Sequence[WindowLine]:
        products = self.blocks[-1]
        total = float(products.numbers.sum())
        return [
            WindowLine("sum of the products", f"=SUM({products.grids.whole(0)})", total, SUM),
            WindowLine(*self._in_the_table(), total, QUIET),
        ]

    def _in_the_table(self) -> tuple[str, str]:
        """The weight's gradient; where there are several samples, what this one adds to it."""
        scene = self.scene
        if not scene.book.several:
            found = self.stage.slope_of(self.kernels)
            assert found is not None
            return "its gradient", f"={found.grids.at(self.kernel, self.row, self.column)}"
        high, wide = self.layer.kernel
        number = f"(({self.kernel}-1)*{high}+{self.row}-1)*{wide}+{self.column}"
        return "the sample's share of it", f"={scene.share(self.kernels, number)}"

    @property
    def near(self) -> str:
        return f"{NEAR}*SUMPRODUCT(ABS({self.blocks[-1].grids.whole(0)}))"
