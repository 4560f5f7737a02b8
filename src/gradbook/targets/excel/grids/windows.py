"""Live formulas that show how one place of a layer, or one weight's gradient, is computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from xlsxwriter.utility import xl_rowcol_to_cell

from gradbook.graph.node import Array
from gradbook.graph.window import NOWHERE, Shape, Sides, Window
from gradbook.language import mark, tr
from gradbook.layers import Layer
from gradbook.net.names import number
from gradbook.palette import ACTIVATION, GRADIENT, INPUT, QUIET, SUM, WEIGHT, Colour
from gradbook.targets.excel.grids.blocks import LARGEST, LEFT, Grids, NodeBlock, Place
from gradbook.targets.excel.grids.layer_blocks import FEW, STATISTICS
from gradbook.targets.excel.grids.scene import GridScene, GridStage
from gradbook.targets.excel.live import LiveValue, call, when

# A place: its window, the products, their sum --------------------------------

SAME, DIFFERS = mark("the same"), mark("differs")
NEAR = 1e-9  # relative to the values compared: their sums are added in another order here
LINE_WORDS = 4  # columns for the words of a line
ONE_CELL = Window((1, 1))


@dataclass(frozen=True)
class AskedCell:
    """A cell for a number: its label, its place, the largest value allowed, and the first value."""

    word: str
    column: int
    most: int
    first: int = 1


@dataclass(frozen=True)
class WindowBlock:
    """Blocks that show part of a window, with the sign in front of them."""

    title: str
    sign: str
    grids: Grids
    contents: Mapping[Place, LiveValue]
    tint: Colour

    def cell(self, place: Place) -> LiveValue:
        return LiveValue.at(self.grids.cell(*place), self.contents[place].value)

    def channel(self, number: int) -> LiveValue:
        """All cells of a channel."""
        values = [it.value for (channel, *_), it in self.contents.items() if channel == number]
        return LiveValue.at(self.grids.whole(number), values)


@dataclass(frozen=True)
class WindowLine:
    """A labelled quantity beside the blocks."""

    words: str
    content: LiveValue
    tint: Colour


@dataclass(frozen=True)
class LookedAt:
    """A place of one layer to look at: three cells to type into, and all that depends on them.

    `maps` are the layer's values, `given` the values it reads.
    """

    scene: GridScene
    stage: GridStage

    # Places --------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The prefix of its cells' names: conv2."""
        place = number(self.scene.step.net, self.stage.index)
        return f"{self.stage.kind}{place or ''}"

    @property
    def layer(self) -> Layer:
        assert self.stage.layer
        return self.stage.layer

    @property
    def title(self) -> str:
        return tr("look at")

    @property
    def top(self) -> int:
        """The row of the cells to type into."""
        return self.stage.place_row

    @cached_property
    def asked(self) -> tuple[AskedCell, ...]:
        """The cells to type into."""
        words = ("map", "row", "column")
        return tuple(
            AskedCell(word, LEFT + 2 + 3 * k, most)
            for k, (word, most) in enumerate(zip(words, self.maps.shape, strict=True))
        )

    @cached_property
    def channel(self) -> str:
        return self._cell(0)

    @cached_property
    def row(self) -> str:
        return self._cell(1)

    @cached_property
    def column(self) -> str:
        return self._cell(2)

    def _cell(self, number: int) -> str:
        column = self.asked[number].column
        return str(xl_rowcol_to_cell(self.top, column, row_abs=True, col_abs=True))

    @property
    def maps(self) -> Grids:
        return self.stage.values.grids

    @cached_property
    def input_block(self) -> NodeBlock:
        return self.scene.stages[self.stage.reads[0]].values

    @cached_property
    def window(self) -> Window:
        return self.layer.window(self.input_block.grids.shape) or Window((1, 1))

    def _along(self, axis: int, cell: str) -> str:
        """The window's first row or column: counted from 1, below 1 in the padding."""
        stride, pad = self.window.stride[axis], self.window.pad[axis]
        start = cell if stride == 1 else f"({cell}-1)*{stride}+1"
        return f"{start}-{pad}" if pad else start

    @property
    def upper(self) -> str:
        return self._along(0, self.row)

    @property
    def leftmost(self) -> str:
        return self._along(1, self.column)

    # Highlighted cells -------------------------------------------------------------

    def lit(self) -> Iterator[tuple[str, str, bool]]:
        """Areas to highlight, the condition for each of their cells, and whether a cell is the
        typed one rather than one that belongs to it.
        """
        for channel in range(self.maps.shape[0]):
            here = within(self.maps, channel, self.row, self.column, ONE_CELL)
            yield self.maps.whole(channel), f"AND({self.channel}={channel + 1},{here})", True
        grids = self.input_block.grids
        for channel in range(grids.shape[0]):
            inside = within(grids, channel, self.upper, self.leftmost, self.window)
            yield grids.whole(channel), f"AND({self._is_read(channel)}{inside})", False
        if self.layer.sums:
            kernels, sources = self.read.grids, self.sources
            for channel in range(kernels.shape[0]):
                yield kernels.whole(channel), f"{self.channel}={channel // sources + 1}", False

    def _is_read(self, channel: int) -> str:
        """Whether the map to look at is computed from this input channel."""
        layer = self.layer
        if not layer.sums:
            return f"{self.channel}={channel + 1},"
        if layer.groups == 1:
            return ""
        return f"{self.group}={channel // self.sources},"

    @property
    def group(self) -> str:
        """The number, from 0, of the group of channels that the map belongs to."""
        return f"INT(({self.channel}-1)/{self.maps.shape[0] // self.layer.groups})"

    @property
    def read(self) -> NodeBlock:
        """The kernels as the sums read them."""
        parameters = self.stage.parameters
        return parameters.get(FEW, parameters["w"])

    @property
    def sources(self) -> int:
        """The number of channels that one map of a convolution reads."""
        return self.input_block.grids.shape[0] // self.layer.groups

    # Blocks and lines ----------------------------------------------------------------

    @cached_property
    def blocks(self) -> tuple[WindowBlock, ...]:
        match self.stage.kind:
            case "conv":
                window = self._seen(0)
                kernel = self._kernel(1)
                return window, kernel, self._products(window, kernel, self._grids(2, self.sources))
            case "pool":
                return (self._seen(0),)
        return ()

    @cached_property
    def lines(self) -> Sequence[WindowLine]:
        match self.stage.kind:
            case "conv":
                lines = self._sum_lines(self.blocks[-1])
            case "pool":
                lines = [self._kept_line(self.blocks[0])]
            case _:
                lines = self._normal_lines()
        there = self.maps.at(self.channel, self.row, self.column)
        worked = lines[-1].content.value  # at first, both are the same number
        return [*lines, WindowLine(tr("in the map"), LiveValue.at(there, worked), QUIET)]

    @property
    def lines_column(self) -> int:
        ends = (block.grids.left + block.grids.width for block in self.blocks)
        return max(ends, default=LEFT - 1) + 1

    def _grids(self, number: int, sources: int) -> Grids:
        high, wide = self.window.size
        shape = (sources, high, wide)
        return Grids(shape, self.top + 3, LEFT + number * (wide + 1), 1)

    def _seen(self, number: int) -> WindowBlock:
        """The values under the window, channel by channel."""
        source = self.input_block.grids
        grids = self._grids(number, self.sources if self.layer.sums else 1)
        numbers = self._shown_first(grids.shape[0])
        contents = {
            place: LiveValue.at(self._through(*place), "" if np.isnan(value) else value)
            for place, value in zip(grids.places(), numbers.flat, strict=True)
        }
        tint = INPUT if source is self.scene.stages[0].values.grids else ACTIVATION
        return WindowBlock(tr("what the window shows"), "", grids, contents, tint)

    def _shown_first(self, channels: int) -> Array:
        """The values under the window at its first place; NaN in the padding of a pool."""
        layer, values = self.layer, self.scene.numbers(self.input_block)
        area, counted = values.shape[1:], layer.counted_padding(values.shape)
        shown = np.full((channels, *self.window.size), 0.0 if layer.sums else np.nan)
        down, across = (
            [k for k, _ in self.window.inside_along(n, 0, area[n], (counted[n], counted[n + 2]))]
            for n in range(2)
        )
        shown[:, down[0] : down[-1] + 1, across[0] : across[-1] + 1] = 0
        for (i, j), (row, column) in self.window.inside((0, 0), area):
            shown[:, i, j] = values[:channels, row, column]
        return shown

    def _through(self, source: int, y: int, x: int) -> str:
        """One value under the window; in the padding, 0 or, for a pool, an empty text."""
        layer, source_grids = self.layer, self.input_block.grids
        channel: str | int = self.channel
        if layer.sums:
            channel = source
            if layer.groups > 1:
                channel = f"({self.group}*{self.sources}+{source + 1})"
        down, across = self.window.dilation
        row = f"{self.upper}+{y * down}" if y else self.upper
        column = f"{self.leftmost}+{x * across}" if x else self.leftmost
        looked_up = source_grids.at(channel, row, column)
        if not any(self.window.pad):
            return looked_up
        inside = is_within(row, column, source_grids.shape)
        return f"IF({inside},{looked_up},{self._beyond(row, column)})"

    def _beyond(self, row: str, column: str) -> str:
        """The content of the padding."""
        layer, shape = self.layer, self.input_block.grids.shape
        counted = self.window.pad if layer.sums else layer.counted_padding(shape)
        if counted == self.window.pad:
            return "0"
        return f'IF({is_within(row, column, shape, counted)},0,"")' if any(counted) else '""'

    def _kernel(self, number: int) -> WindowBlock:
        """The kernel of the map to look at."""
        block, sources = self.read, self.sources
        grids, numbers = self._grids(number, sources), self.scene.numbers(block)
        contents = {}
        for k, y, x in grids.places():
            kernel = self.channel if sources == 1 else f"(({self.channel}-1)*{sources}+{k + 1})"
            there = block.grids.at(kernel, str(y + 1), str(x + 1))
            contents[k, y, x] = LiveValue.at(there, numbers[k, y, x])
        return WindowBlock(tr("times the kernel"), "×", grids, contents, WEIGHT)

    def _products(self, window: WindowBlock, other: WindowBlock, grids: Grids) -> WindowBlock:
        contents = {place: window.cell(place) * other.cell(place) for place in grids.places()}
        return WindowBlock(tr("the products"), "=", grids, contents, SUM)

    def _sum_lines(self, products: WindowBlock) -> list[WindowLine]:
        channels = map(products.channel, range(products.grids.shape[0]))
        total = WindowLine(tr("sum of the products"), call("SUM", *channels), SUM)
        bias = self.stage.parameters.get("b")
        if bias is None:
            return [total]
        cell = bias.grids.at(self.channel if bias.grids.shape[0] > 1 else 0, "1", "1")
        shift = LiveValue.at(cell, float(self.scene.numbers(bias).flat[0]))
        shifted = self._beside(0, total.content) + self._beside(1, shift)
        lines = [total, WindowLine(tr("plus the bias"), shift, WEIGHT)]
        return [*lines, WindowLine(tr("sum with the bias"), shifted, SUM)]

    def _kept_line(self, window: WindowBlock) -> WindowLine:
        largest = self.layer.word == LARGEST
        words = tr("the largest") if largest else tr("the average")
        return WindowLine(words, call("MAX" if largest else "AVERAGE", window.channel(0)), SUM)

    def _normal_lines(self) -> list[WindowLine]:
        """From the input value, by its channel's mean and deviation, to the normalised output."""
        block = self.stage.parameters[STATISTICS]
        numbers = dict(zip(block.rows, self.scene.numbers(block)[0, :, 0], strict=True))
        x = self.input_block.grids.at(self.channel, self.row, self.column)
        read = LiveValue.at(x, self.scene.numbers(self.input_block).flat[0])
        mean, deviation, scale, shift = (
            LiveValue.at(block.grids.at(0, str(block.rows.index(stem) + 1), self.channel), number)
            for stem in "μsγβ"
            for number in [numbers[stem]]
        )
        cell = self._beside
        normal = (cell(0, read) - cell(1, mean)) / cell(2, deviation)
        scaled = cell(4, scale) * cell(3, normal) + cell(5, shift)
        return [
            WindowLine(tr("x, the input"), read, ACTIVATION),
            WindowLine(tr("μ of its channel"), mean, SUM),
            WindowLine("s = √(σ² + ε)", deviation, SUM),
            WindowLine("n = (x − μ) / s", normal, SUM),
            WindowLine("γ", scale, WEIGHT),
            WindowLine("β", shift, WEIGHT),
            WindowLine("γ · n + β", scaled, SUM),
        ]

    def _beside(self, number: int, content: LiveValue) -> LiveValue:
        """The cell of the line with that number."""
        cell = xl_rowcol_to_cell(self.top + 2 + number, self.lines_column + LINE_WORDS)
        return LiveValue.at(cell, content.value)

    def verdict(self) -> LiveValue:
        """Whether the computed value equals the table's: the last two lines are compared."""
        last = len(self.lines) - 1
        here, there = (self._beside(k, self.lines[k].content) for k in (last - 1, last))
        return when(call("ABS", here - there) <= self.near, tr(SAME), tr(DIFFERS))

    @property
    def near(self) -> LiveValue:
        """The largest difference allowed."""
        last = len(self.lines) - 1
        return NEAR * (1 + call("ABS", self._beside(last, self.lines[last].content)))


def is_within(row: str, column: str, shape: Shape, sides: Sides = NOWHERE) -> str:
    """Whether a row and a column lie in an input of this shape, or in its padding."""
    _, rows, columns = shape
    top, left, below, right = sides
    return (
        f"AND({row}>={1 - top},{row}<={rows + below},"
        f"{column}>={1 - left},{column}<={columns + right})"
    )


def within(grids: Grids, channel: int, row: str, column: str, window: Window) -> str:
    """Whether a cell of this channel is read by a window that begins at this row and column."""
    top, left = grids.place(channel, 0, 0)
    tests = []
    for axis, (word, before, first) in enumerate((("ROW()", top, row), ("COLUMN()", left, column))):
        place, long, gap = f"{word}-{before}", window.span[axis], window.dilation[axis]
        tests += (
            [f"{place}={first}"] if long == 1 else [f"{place}>={first}", f"{place}<{first}+{long}"]
        )
        tests += [f"MOD({place}-({first}),{gap})=0"] if gap > 1 and long > 1 else []
    return ",".join(tests)


# The gradient of one weight of a kernel --------------------------------------


@dataclass(frozen=True)
class WeightLookedAt(LookedAt):
    """One weight of a convolution: its map, its place in the kernel, and its input channel."""

    @property
    def name(self) -> str:
        return f"{super().name}_weight"

    @property
    def title(self) -> str:
        return tr("a weight")

    @property
    def top(self) -> int:
        assert self.stage.weight_row is not None
        return self.stage.weight_row

    @cached_property
    def asked(self) -> tuple[AskedCell, ...]:
        sizes = {"map": (self.maps.shape[0], 1)}
        for word, size in zip(("row", "column"), self.window.size, strict=True):
            sizes[word] = (size, (size + 1) // 2)  # the middle, which meets most values
        if self.sources > 1:
            sizes["from"] = (self.sources, 1)
        return tuple(
            AskedCell(word, LEFT + 2 + 3 * k, *size) for k, (word, size) in enumerate(sizes.items())
        )

    @property
    def source(self) -> str:
        """The number of the weight's input channel among those of its map."""
        return self._cell(3) if self.sources > 1 else "1"

    @property
    def kernels(self) -> NodeBlock:
        return self.stage.parameters["w"]

    @property
    def kernel(self) -> str:
        """The number of its block among the kernels."""
        if self.sources == 1:
            return self.channel
        return f"(({self.channel}-1)*{self.sources}+{self.source})"

    def lit(self) -> Iterator[tuple[str, str, bool]]:
        """The weight's cell among the kernels, and its gradient's cell."""
        slopes = self.stage.slope_of(self.kernels)
        for block in (self.kernels, *([slopes] if slopes else [])):
            for channel in range(block.grids.shape[0]):
                here = within(block.grids, channel, self.row, self.column, ONE_CELL)
                condition = f"AND({self.kernel}={channel + 1},{here})"
                yield block.grids.whole(channel), condition, True

    # Blocks and lines ------------------------------------------------------------

    @cached_property
    def slopes(self) -> NodeBlock:
        slopes = self.stage.slope_of(self.stage.values)
        assert slopes is not None
        return slopes

    @cached_property
    def blocks(self) -> tuple[WindowBlock, ...]:
        met, slopes = self._met(self._place(0)), self._slopes(self._place(1))
        products = replace(self._products(met, slopes, self._place(2)), tint=GRADIENT)
        return met, slopes, products

    def _place(self, number: int) -> Grids:
        _, high, wide = self.maps.shape
        return Grids((1, high, wide), self.top + 3, LEFT + number * (wide + 1), 1)

    def _met(self, grids: Grids) -> WindowBlock:
        """What the weight is multiplied with at each place of its map; 0 in the padding."""
        values, contents = self.scene.numbers(self.input_block)[0], {}
        first = [cell.first - 1 for cell in self.asked[1:3]]
        for k, y, x in grids.places():
            row, column = self.window.reads((y, x), first)
            inside = 0 <= row < values.shape[0] and 0 <= column < values.shape[1]
            number = values[row, column] if inside else 0.0
            contents[k, y, x] = LiveValue.at(self._meets(y, x), number)
        return WindowBlock(tr("what the weight is multiplied with"), "", grids, contents, INPUT)

    def _meets(self, *place: int) -> str:
        source, layer = self.input_block.grids, self.layer
        corner, gaps = self.window.corner(place), self.window.dilation
        row, column = (
            f"{cell}{first:+}" if gap == 1 else f"({cell}-1)*{gap}{first + 1:+}"
            for cell, first, gap in zip((self.row, self.column), corner, gaps, strict=True)
        )
        channel = self.source
        if layer.groups > 1:
            channel = f"({self.group}*{self.sources}+{channel})"
        looked_up = source.at(channel if source.shape[0] > 1 else 0, row, column)
        if not any(self.window.pad):
            return looked_up
        return f"IF({is_within(row, column, source.shape)},{looked_up},0)"

    def _slopes(self, grids: Grids) -> WindowBlock:
        at, numbers = self.slopes.grids.at, self.scene.numbers(self.slopes)
        contents = {
            (k, y, x): LiveValue.at(at(self.channel, str(y + 1), str(x + 1)), numbers[k, y, x])
            for k, y, x in grids.places()
        }
        title = tr("times {gradient}", gradient=self.slopes.names.format(""))
        return WindowBlock(title, "×", grids, contents, GRADIENT)

    @cached_property
    def lines(self) -> Sequence[WindowLine]:
        """The sum, and the weight's gradient; with several samples, the share of the sample
        that is looked at."""
        total = call("SUM", self.blocks[-1].channel(0))
        words, there = tr("its gradient"), ""
        if not self.scene.book.several:
            slopes = self.stage.slope_of(self.kernels)
            assert slopes is not None
            there = slopes.grids.at(self.kernel, self.row, self.column)
        else:
            high, wide = self.window.size
            number = f"(({self.kernel}-1)*{high}+{self.row}-1)*{wide}+{self.column}"
            words = tr("the sample's share of the gradient")
            there = self.scene.share(self.kernels, number)
        return [
            WindowLine(tr("sum of the products"), total, SUM),
            WindowLine(words, LiveValue.at(there, total.value), QUIET),
        ]

    @property
    def near(self) -> LiveValue:
        return NEAR * call("SUMPRODUCT", call("ABS", self.blocks[-1].channel(0)))
