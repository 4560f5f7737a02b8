"""What one place of a layer, and the gradient of one weight, are made of, in live formulas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from gradbook.targets.excel.grids.blocks import LARGEST, LEFT, Grids, NodeBlock
from gradbook.targets.excel.grids.scene import (
    FEW,
    STATISTICS,
    GridScene,
    GridStage,
)
from gradbook.targets.excel.language import quote

# A place: its window, the products, their sum --------------------------------

SAME, DIFFERS = mark("the same"), mark("differs")
NEAR = "1E-9"  # of the sizes compared: sums are added in another order here


@dataclass(frozen=True)
class AskedCell:
    """A cell for a number: the word before it, where it stands, the most it takes and has first."""

    word: str
    column: int
    most: int
    first: int = 1


@dataclass(frozen=True)
class WindowBlock:
    """Blocks that show part of a window, with the sign that stands before them."""

    title: str
    sign: str
    grids: Grids
    formulas: dict[tuple[int, int, int], str]
    numbers: Array
    tint: Colour


@dataclass(frozen=True)
class WindowLine:
    """A quantity beside the blocks."""

    words: str
    formula: str
    number: float
    tint: Colour


@dataclass(frozen=True)
class LookedAt:
    """The place of one layer that is looked at: three cells to type in, and what follows.

    `maps` are the layer's values, `given` those that it reads.
    """

    scene: GridScene
    stage: GridStage

    # Where ---------------------------------------------------------------------

    @property
    def name(self) -> str:
        """What the names of its cells begin with: conv2."""
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
        """The row of the cells to type in."""
        return self.stage.place_row

    @cached_property
    def asked(self) -> tuple[AskedCell, ...]:
        """The cells to type in."""
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
    def given(self) -> NodeBlock:
        return self.scene.stages[self.stage.reads[0]].values

    @cached_property
    def window(self) -> Window:
        return self.layer.window(self.given.grids.shape) or Window((1, 1))

    def _along(self, axis: int, cell: str) -> str:
        """The first row, or column, of the window: counted from 1, or from below in a padding."""
        stride, pad = self.window.stride[axis], self.window.pad[axis]
        start = cell if stride == 1 else f"({cell}-1)*{stride}+1"
        return f"{start}-{pad}" if pad else start

    @property
    def upper(self) -> str:
        return self._along(0, self.row)

    @property
    def leftmost(self) -> str:
        return self._along(1, self.column)

    # What lights up ----------------------------------------------------------------

    def lit(self) -> Iterator[tuple[str, str, bool]]:
        """Areas, the conditions on their cells under which these light up, and whether as what
        was typed rather than as what belongs to it.
        """
        for channel in range(self.maps.shape[0]):
            here = within(self.maps, channel, self.row, self.column, ONE_CELL)
            yield self.maps.whole(channel), f"AND({self.channel}={channel + 1},{here})", True
        given = self.given.grids
        for channel in range(given.shape[0]):
            inside = within(given, channel, self.upper, self.leftmost, self.window)
            yield given.whole(channel), f"AND({self._is_read(channel)}{inside})", False
        if self.layer.sums:
            kernels, sources = self.read.grids, self.sources
            for channel in range(kernels.shape[0]):
                yield kernels.whole(channel), f"{self.channel}={channel // sources + 1}", False

    def _is_read(self, channel: int) -> str:
        """Whether the map that is looked at is made of this channel of what is given."""
        layer = self.layer
        if not layer.sums:
            return f"{self.channel}={channel + 1},"
        if layer.groups == 1:
            return ""
        made = self.maps.shape[0] // layer.groups
        return f"INT(({self.channel}-1)/{made})={channel // self.sources},"

    @property
    def read(self) -> NodeBlock:
        """The kernels as sums read them."""
        own = self.stage.parameters
        return own.get(FEW, own["w"])

    @property
    def sources(self) -> int:
        """How many channels one map of a convolution is made of."""
        return self.given.grids.shape[0] // self.layer.groups

    # Blocks and lines ----------------------------------------------------------------

    @cached_property
    def blocks(self) -> tuple[WindowBlock, ...]:
        match self.stage.kind:
            case "conv":
                window = self._seen(0)
                kernel = self._kernel(1)
                return window, kernel, self._products(window, kernel, 2)
            case "pool":
                return (self._seen(0),)
        return ()

    @property
    def lines(self) -> Sequence[WindowLine]:
        match self.stage.kind:
            case "conv":
                return self._sum_lines(self.blocks[-1])
            case "pool":
                return self._kept_lines(self.blocks[0])
        return self._normal_lines()

    @property
    def lines_column(self) -> int:
        return max(
            (block.grids.left + block.grids.width + 1 for block in self.blocks), default=LEFT
        )

    def _grids(self, number: int, sources: int) -> Grids:
        high, wide = self.window.size
        shape = (sources, high, wide)
        return Grids(shape, self.top + 3, LEFT + number * (wide + 1), 1)

    def _seen(self, number: int) -> WindowBlock:
        """What the window shows, channel by channel."""
        given = self.given.grids
        grids = self._grids(number, self.sources if self.layer.sums else 1)
        formulas = {(k, y, x): f"={self._through(k, y, x)}" for k, y, x in grids.places()}
        return WindowBlock(
            tr("what the window shows"),
            "",
            grids,
            formulas,
            self._shown_first(grids.shape[0]),
            INPUT if given is self.scene.stages[0].values.grids else ACTIVATION,
        )

    def _shown_first(self, channels: int) -> Array:
        """What it shows at its first place; nothing, NaN, in the padding of a pool."""
        layer, values = self.layer, self.scene.numbers(self.given)
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
        """One value of the window; in the padding 0, or in that of a pool nothing."""
        layer, given = self.layer, self.given.grids
        channel: str | int = self.channel
        if layer.sums:
            channel = source
            if layer.groups > 1:
                group = f"INT(({self.channel}-1)/{self.maps.shape[0] // layer.groups})"
                channel = f"({group}*{self.sources}+{source + 1})"
        down, across = self.window.dilation
        row = f"{self.upper}+{y * down}" if y else self.upper
        column = f"{self.leftmost}+{x * across}" if x else self.leftmost
        looked_up = given.at(channel, row, column)
        if not any(self.window.pad):
            return looked_up
        inside = is_within(row, column, given.shape)
        return f"IF({inside},{looked_up},{self._beyond(row, column)})"

    def _beyond(self, row: str, column: str) -> str:
        """What stands in the padding."""
        layer, shape = self.layer, self.given.grids.shape
        counted = self.window.pad if layer.sums else layer.counted_padding(shape)
        if counted == self.window.pad:
            return "0"
        return f'IF({is_within(row, column, shape, counted)},0,"")' if any(counted) else '""'

    def _kernel(self, number: int) -> WindowBlock:
        """The kernel of the map that is looked at."""
        block, sources = self.read, self.sources
        grids = self._grids(number, sources)
        formulas = {}
        for k, y, x in grids.places():
            own = self.channel if sources == 1 else f"(({self.channel}-1)*{sources}+{k + 1})"
            formulas[k, y, x] = f"={block.grids.at(own, str(y + 1), str(x + 1))}"
        numbers = self.scene.numbers(block)[:sources]
        return WindowBlock(tr("times its kernel"), "×", grids, formulas, numbers, WEIGHT)

    def _products(self, window: WindowBlock, kernel: WindowBlock, number: int) -> WindowBlock:
        grids = self._grids(number, window.grids.shape[0])
        formulas = {
            place: f"={window.grids.cell(*place)}*{kernel.grids.cell(*place)}"
            for place in grids.places()
        }
        numbers = window.numbers * kernel.numbers
        return WindowBlock(tr("the products"), "=", grids, formulas, numbers, SUM)

    def _sum_lines(self, products: WindowBlock) -> list[WindowLine]:
        cells = ",".join(products.grids.whole(k) for k in range(products.grids.shape[0]))
        total = float(products.numbers.sum())
        lines = [WindowLine(tr("sum of the products"), f"=SUM({cells})", total, SUM)]
        bias = self.stage.parameters.get("b")
        if bias is None:
            return [*lines, self._found(total)]
        own = bias.grids.at(self.channel if bias.grids.shape[0] > 1 else 0, "1", "1")
        shift = float(self.scene.numbers(bias).flat[0])
        lines.append(WindowLine(tr("plus the bias"), f"={own}", shift, WEIGHT))
        both = f"={self._line_cell(0)}+{self._line_cell(1)}"
        lines.append(WindowLine(tr("together"), both, total + shift, SUM))
        return [*lines, self._found(total + shift)]

    def _kept_lines(self, window: WindowBlock) -> list[WindowLine]:
        largest = self.layer.word == LARGEST
        words = tr("the largest") if largest else tr("the average")
        word = "MAX" if largest else "AVERAGE"
        kept = float(np.nanmax(window.numbers) if largest else np.nanmean(window.numbers))
        line = WindowLine(words, f"={word}({window.grids.whole(0)})", kept, SUM)
        return [line, self._found(kept)]

    def _normal_lines(self) -> list[WindowLine]:
        """From the value that is given, by its channel's mean and deviation, to what is made."""
        block = self.stage.parameters[STATISTICS]
        scale, shift, mean, _, deviation = map(float, self.scene.numbers(block)[0, :, 0])
        said = {
            stem: f"={block.grids.at(0, str(k), self.channel)}"
            for k, stem in enumerate(block.rows, 1)
        }
        x = float(self.scene.numbers(self.given).flat[0])
        given = f"={self.given.grids.at(self.channel, self.row, self.column)}"
        cell, normal = self._line_cell, (x - mean) / deviation
        made = scale * normal + shift
        return [
            WindowLine(tr("x, what is given"), given, x, ACTIVATION),
            WindowLine(tr("μ of its channel"), said["μ"], mean, SUM),
            WindowLine("s = √(σ² + ε)", said["s"], deviation, SUM),
            WindowLine("n = (x − μ) / s", f"=({cell(0)}-{cell(1)})/{cell(2)}", normal, SUM),
            WindowLine("γ", said["γ"], scale, WEIGHT),
            WindowLine("β", said["β"], shift, WEIGHT),
            WindowLine("γ · n + β", f"={cell(4)}*{cell(3)}+{cell(5)}", made, SUM),
            self._found(made),
        ]

    def _found(self, worked: float) -> WindowLine:
        """What the map has there: at first what was worked out."""
        formula = f"={self.maps.at(self.channel, self.row, self.column)}"
        return WindowLine(tr("in the map"), formula, worked, QUIET)

    def _line_cell(self, number: int) -> str:
        """Where a line's number stands."""
        return str(xl_rowcol_to_cell(self.top + 2 + number, self.lines_column + LINE_WORDS))

    def verdict(self) -> str:
        """Whether what was worked out is what the tables have: of the last two lines."""
        here, there = (self._line_cell(len(self.lines) - k) for k in (2, 1))
        same, differs = quote(tr(SAME)), quote(tr(DIFFERS))
        return f"=IF(ABS({here}-{there})<={self.near},{same},{differs})"

    @property
    def near(self) -> str:
        """How far apart they may be."""
        return f"{NEAR}*(1+ABS({self._line_cell(len(self.lines) - 1)}))"


def is_within(row: str, column: str, shape: Shape, sides: Sides = NOWHERE) -> str:
    """Whether a row and a column lie in an input of this shape, or so far beside it."""
    _, rows, columns = shape
    top, left, below, right = sides
    return (
        f"AND({row}>={1 - top},{row}<={rows + below},"
        f"{column}>={1 - left},{column}<={columns + right})"
    )


LINE_WORDS = 4  # columns that the words of a line take


ONE_CELL = Window((1, 1))


def within(grids: Grids, channel: int, row: str, column: str, window: Window) -> str:
    """Whether a cell of this channel is one that the window reads which begins there."""
    top, left = grids.place(channel, 0, 0)
    tests = []
    for axis, (word, before, first) in enumerate((("ROW()", top, row), ("COLUMN()", left, column))):
        own, long, gap = f"{word}-{before}", window.span[axis], window.dilation[axis]
        tests += [f"{own}={first}"] if long == 1 else [f"{own}>={first}", f"{own}<{first}+{long}"]
        tests += [f"MOD({own}-({first}),{gap})=0"] if gap > 1 and long > 1 else []
    return ",".join(tests)


# The gradient of one weight of a kernel --------------------------------------


@dataclass(frozen=True)
class WeightLookedAt(LookedAt):
    """One weight of a convolution: its map, its place in the kernel, and the channel it reads."""

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
        return WindowBlock(tr("what the weight meets"), "", grids, formulas, numbers, INPUT)

    def _meets(self, *place: int) -> str:
        given, layer = self.given.grids, self.layer
        corner, gaps = self.window.corner(place), self.window.dilation
        row, column = (
            f"{own}{first:+}" if gap == 1 else f"({own}-1)*{gap}{first + 1:+}"
            for own, first, gap in zip((self.row, self.column), corner, gaps, strict=True)
        )
        made = self.maps.shape[0] // layer.groups
        channel = (
            self.source
            if layer.groups == 1
            else f"(INT(({self.channel}-1)/{made})*{self.sources}+{self.source})"
        )
        looked_up = given.at(channel if given.shape[0] > 1 else 0, row, column)
        if not any(self.window.pad):
            return looked_up
        return f"IF({is_within(row, column, given.shape)},{looked_up},0)"

    def _slopes(self, grids: Grids) -> WindowBlock:
        at = self.slopes.grids.at
        formulas = {
            (k, y, x): f"={at(self.channel, str(y + 1), str(x + 1))}" for k, y, x in grids.places()
        }
        title = tr("times {gradient}", gradient=self.slopes.names.format(""))
        numbers = self.scene.numbers(self.slopes)[:1]
        return WindowBlock(title, "×", grids, formulas, numbers, GRADIENT)

    @property
    def lines(self) -> Sequence[WindowLine]:
        products = self.blocks[-1]
        total = float(products.numbers.sum())
        return [
            WindowLine(tr("sum of the products"), f"=SUM({products.grids.whole(0)})", total, SUM),
            WindowLine(*self._in_the_table(), total, QUIET),
        ]

    def _in_the_table(self) -> tuple[str, str]:
        """The weight's gradient; where there are several samples, what this one adds to it."""
        scene = self.scene
        if not scene.book.several:
            found = self.stage.slope_of(self.kernels)
            assert found is not None
            return tr("its gradient"), f"={found.grids.at(self.kernel, self.row, self.column)}"
        high, wide = self.window.size
        number = f"(({self.kernel}-1)*{high}+{self.row}-1)*{wide}+{self.column}"
        return tr("the sample's share of it"), f"={scene.share(self.kernels, number)}"

    @property
    def near(self) -> str:
        return f"{NEAR}*SUMPRODUCT(ABS({self.blocks[-1].grids.whole(0)}))"
