"""The places of cells in blocks, with one block per channel, and their colours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, prod

from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from gradbook.graph.node import Scalars
from gradbook.graph.window import Shape
from gradbook.palette import Colour

LEFT = 2  # the column of the first values
MOST_ACROSS = 8  # grids side by side
WIDEST = 14  # columns that several blocks side by side take together
Place = tuple[int, int, int]  # channel, row, column
LARGEST = "maxpool"  # keeps the largest value of a window; other pools average


@dataclass(frozen=True)
class Grids:
    """A grid of cells for each channel, side by side; single values have no gaps between them."""

    shape: tuple[int, int, int]
    top: int
    left: int = 1
    most_across: int = MOST_ACROSS

    @cached_property
    def is_pictures(self) -> bool:
        return prod(self.shape[1:]) > 1

    @cached_property
    def across(self) -> int:
        """The number of channels side by side: all of them for single values in a row."""
        below = self.is_pictures or self.most_across == 1
        return min(self.shape[0], self.most_across) if below else self.shape[0]

    @property
    def width(self) -> int:
        return self.across * (self.shape[2] + self.is_pictures)

    @property
    def height(self) -> int:
        lines = ceil(self.shape[0] / self.across)
        return lines * (self.shape[1] + self.is_pictures) - self.is_pictures

    def place(self, channel: int, row: int, column: int) -> tuple[int, int]:
        line, number = divmod(channel, self.across)
        gap = int(self.is_pictures)
        upper, left = line * (self.shape[1] + gap), number * (self.shape[2] + gap)
        return self.top + upper + row, self.left + left + column

    def cell(self, channel: int, row: int, column: int) -> str:
        return str(xl_rowcol_to_cell(*self.place(channel, row, column)))

    def area(self, channel: int, rows: range, columns: range) -> str:
        """A range of a channel's rows and columns."""
        first = self.place(channel, rows[0], columns[0])
        last = self.place(channel, rows[-1], columns[-1])
        if first == last:
            return str(xl_rowcol_to_cell(*first))
        return f"{xl_rowcol_to_cell(*first)}:{xl_rowcol_to_cell(*last)}"

    def places(self) -> Iterator[tuple[int, int, int]]:
        channels, rows, columns = self.shape
        return ((c, y, x) for c in range(channels) for y in range(rows) for x in range(columns))

    # References from anywhere on the sheet ------------------------------------------

    def whole(self, channel: int) -> str:
        """All cells of one channel: $B$6:$E$9."""
        last = self.place(channel, self.shape[1] - 1, self.shape[2] - 1)
        return str(xl_range_abs(*self.place(channel, 0, 0), *last))

    def at(self, channel: str | int, row: str, column: str) -> str:
        """A formula for the place that other cells name, from 1; an int is a known channel."""
        if isinstance(channel, int) or self.shape[0] == 1:
            cells = self.whole(channel if isinstance(channel, int) else 0)
            return f"INDEX({cells},{row},{column})"
        bottom, right = self.top + self.height - 1, self.left + self.width - 1
        every = xl_range_abs(self.top, self.left, bottom, right)
        if not self.is_pictures:
            return f"INDEX({every},1,{channel})"
        high, wide = self.shape[1] + 1, self.shape[2] + 1
        if self.across == self.shape[0]:
            return f"INDEX({every},{row},({channel}-1)*{wide}+{column})"
        down = f"INT(({channel}-1)/{self.across})*{high}+{row}"
        return f"INDEX({every},{down},MOD({channel}-1,{self.across})*{wide}+{column})"


def planes(shape: Shape) -> tuple[int, int, int]:
    """Channels, rows and columns; each value of a flat shape is a channel of its own."""
    return (shape[0], shape[1], shape[2]) if len(shape) == 3 else (prod(shape), 1, 1)


# The values of a tensor -----------------------------------------------------------


@dataclass(frozen=True)
class NodeBlock:
    """Blocks of cells for the values of a tensor; a node that is None always has the value 0."""

    names: str  # of the values, with {0} in place of a prefix
    words: str
    tint: Colour
    grids: Grids
    nodes: Scalars  # (channels, rows, columns)
    labels: tuple[str, ...]  # of the channels
    rows: tuple[str, ...] = ()  # the names of rows that aren't places
    missing: frozenset[Place] = frozenset()  # empty cells, such as a masked step's
    key: str = ""  # of a picture layer's parameters: w, b, FEW, STATISTICS

    def at(self, top: int) -> NodeBlock:
        """The same block, beginning at this row."""
        return replace(self, grids=replace(self.grids, top=top))

    @property
    def title(self) -> str:
        return f"{self.names.format('')}: {self.words}"

    @property
    def is_of_sample(self) -> bool:
        return any(node is not None and node.each for node in self.nodes.flat)


def most_across(shape: tuple[int, int, int], together: int = 1) -> int:
    """The number of blocks side by side: if they fit, the `together` ones of a map share a row."""
    fitting = max(1, WIDEST // (shape[2] + 1))
    return fitting // together * together or fitting


# Colours ------------------------------------------------------------------------

RED, WHITE, BLUE = "#C0504D", "#FFFFFF", "#1F5FA8"
PALE_RED, PALE_BLUE = "#E9A29C", "#8AB6E6"  # light enough for numbers to be read

PAPERS: dict[str, object] = {"type": "2_color_scale", "min_color": "#000000", "max_color": WHITE}
WHITES: dict[str, object] = {"type": "2_color_scale", "min_color": WHITE, "max_color": BLUE}
WHITES |= {"min_type": "num", "min_value": 0}
BLUES: dict[str, object] = {"type": "3_color_scale", "mid_type": "num", "mid_value": 0}
BLUES |= {"min_color": RED, "mid_color": WHITE, "max_color": BLUE}


def coloured(sheet: Worksheet, grids: Grids, scale: dict[str, object]) -> None:
    bottom, right = grids.top + grids.height - 1, grids.left + grids.width - 1
    sheet.conditional_format(grids.top, grids.left, bottom, right, dict(scale))


def coloured_by_size(sheet: Worksheet, grids: Grids) -> None:
    """A scale on which 0 is white, and equal distances from 0 are equally strong.

    All channels share one scale, but each has its own rule: where rules for parts of a range
    overlap, LibreOffice (7.4) applies only one of them.
    """
    cells = ",".join(grids.whole(channel) for channel in range(grids.shape[0]))
    largest = f"MAX(1E-30,MAX({cells}),-MIN({cells}))"  # never 0: a scale needs two ends
    scale = {
        **BLUES,
        "min_color": PALE_RED,
        "max_color": PALE_BLUE,
        "min_type": "formula",
        "min_value": f"=-{largest}",
        "max_type": "formula",
        "max_value": f"={largest}",
    }
    for channel in range(grids.shape[0]):
        sheet.conditional_format(grids.whole(channel).replace("$", ""), scale)
