"""A trained network as a workbook that reads images: a grid to paint in, layers, answers.

A stage is a layer that sums, pools or adds, with the normalisation and the activation that come
right after it: one grid of cells for each of its channels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from gradbook.amounts import counted
from gradbook.errors import LimitError, TargetError
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Graph
from gradbook.graph.tensors import divisors
from gradbook.graph.window import Both, Shape, Window
from gradbook.language import mark, numeral, tr
from gradbook.layers import Layer, Role, leaf_name
from gradbook.layers.card import AnswerKind
from gradbook.net import Net
from gradbook.net.names import statistics_names
from gradbook.net.trained import scale_and_shift
from gradbook.palette import ACTIVATION, INPUT, QUIET, RATE, WEIGHT
from gradbook.targets.excel.grids.blocks import (
    BLUES,
    LARGEST,
    PAPERS,
    WHITES,
    Grids,
    coloured,
    planes,
)
from gradbook.targets.excel.language import Reference, Speller, quote, write
from gradbook.targets.excel.sheets.look import Look, content_of, new_workbook

MOST_CELLS, MOST_PRODUCTS = 120_000, 1_000_000  # some ten seconds to open
INSIDE, WEIGHTS = "Inside", "Weights"
TOP, LEFT, TITLE_ROWS = 3, 1, 3  # of the first grid; the rows above each with its words
GUARDED = ("sigmoid",)  # whose exponential is beyond what a cell holds, far below 0
WRAPPED = re.compile(r"(?:[^{]*[(,])?\{0\}(?:\)[^{]*)?")  # once, and alone in its parentheses
NO_WORDS = "layer {number}: a workbook that reads has no words for {layer}: leave it out"


@dataclass(frozen=True)
class WeightBlock:
    """A layer's parameter on the sheet of weights: a row for each channel that it makes."""

    name: str
    shape: Shape
    top: int

    @property
    def size(self) -> int:
        """Of each row."""
        return prod(self.shape[1:])

    def row(self, channel: int) -> int:
        return self.top + channel

    def cell(self, channel: int, place: int = 0) -> str:
        return f"{WEIGHTS}!{xl_rowcol_to_cell(self.row(channel), 1 + place, True, True)}"

    def row_of(self, channel: int) -> str:
        area = xl_range_abs(self.row(channel), 1, self.row(channel), self.size)
        return f"{WEIGHTS}!{area}"


@dataclass(frozen=True)
class ReaderStage:
    """Layers that have one grid of cells together."""

    layers: tuple[int, ...]
    words: str
    grids: Grids
    sources: tuple[Grids, ...]  # what the first of its layers reads


@dataclass(frozen=True)
class ReaderPlan:
    """A network's stages and where its parameters stand."""

    net: Net

    @cached_property
    def given(self) -> Grids:
        return Grids(planes(self.net.input), TOP, LEFT)

    @cached_property
    def stages(self) -> tuple[ReaderStage, ...]:
        made = {0: self.given}  # the grids of each value that has some
        found: list[ReaderStage] = []
        top = TOP + self.given.height + TITLE_ROWS
        for layers in self._together():
            first, last = layers[0], layers[-1]
            sources = tuple(self._of(made, k) for k in self.net.layers[first].reads(first))
            grids = Grids(planes(self.net.shapes[last + 1]), top, LEFT)
            words = ", ".join(self.net.layers[k].text for k in layers)
            found.append(ReaderStage(tuple(layers), words, grids, sources))
            made[last + 1] = grids
            top += grids.height + TITLE_ROWS
        return tuple(found)

    def is_positive(self, stage: ReaderStage) -> bool:
        """Whether nothing below 0 comes out of it."""
        return self.net.layers[stage.layers[-1]].lowest >= 0

    @property
    def outputs(self) -> Grids:
        """What the probabilities are made of."""
        return self.stages[-1].grids

    def _of(self, made: dict[int, Grids], value: int) -> Grids:
        while value not in made:  # what dropout and flatten pass on
            value -= 1
        return made[value]

    def _together(self) -> Iterator[list[int]]:
        """The layers of each stage, without what passes values on, and without the softmax."""
        layers = self.net.layers
        read = {k for n in range(len(layers)) for k in layers[n].reads(n) if k != n}  # by skips
        group: list[int] = []
        for index, layer in enumerate(layers):
            lays_out = layer.passes_on and self.net.shapes[index] != self.net.shapes[index + 1]
            if group and (index in read or lays_out):
                yield group
                group = []
            if layer.passes_on:
                continue
            if layer.is_softmax:
                if index != len(layers) - 1:
                    raise TargetError(
                        f"layer {index + 1}: in a workbook that reads, softmax can only come last"
                    )
                continue
            if group and not _follows(layer):
                yield group
                group = []
            group.append(index)
        yield group

    # Parameters ------------------------------------------------------------------

    @cached_property
    def blocks(self) -> dict[str, WeightBlock]:
        """Where each parameter stands, one below the other; running statistics among them."""
        found: dict[str, WeightBlock] = {}
        top = TOP
        for name, shape in self._parameters():
            found[name] = WeightBlock(name, shape, top)
            top += shape[0] + 2
        return found

    def _parameters(self) -> Iterator[tuple[str, Shape]]:
        for parameter in self.net.parameters:
            yield str(parameter.leaf), parameter.shape
        for index, layer in enumerate(self.net.layers):
            if layer.statistics:
                for name in statistics_names(self.net, index):
                    yield name, self.net.shapes[index][:1]

    def _leaf(self, role: Role, index: int) -> str:
        """What the parameter is called that a layer takes."""
        return str(leaf_name(role, self.net.owners[index]))

    # Formulas --------------------------------------------------------------------

    def formula(self, stage: ReaderStage, channel: int, row: int, column: int) -> str:
        """What one cell says."""
        first, *after = stage.layers
        layer = self.net.layers[first]
        own, place = stage.sources[0], (channel, row, column)
        slides = layer.window(self.net.shapes[first]) is not None
        if spread := layer.spreads(self.net.shapes[first]):
            said = self._spread(first, spread, own, stage.grids.shape, place)
        elif layer.sums and slides:
            said = self._convolved(first, stage.grids.shape[0], own, channel, row, column)
        elif layer.sums:
            said = self._weighed(first, own, channel)
        elif slides:
            said = _pooled(layer, own, channel, (row, column))
        elif layer.elementwise and len(stage.sources) > 1:
            cells = [_cell_for(it, place, stage.grids) for it in stage.sources]
            said = _spelled(layer, cells, [])
        elif layer.begins_branch or len(stage.sources) > 1:
            said = _side_by_side(stage.sources, place, stage.grids)
        else:
            said = self._passed(first, _side_by_side([own], place, stage.grids), channel)
        for index in after:
            said = self._passed(index, said, channel)
        return f"={said}"

    def _convolved(
        self, index: int, channels: int, own: Grids, channel: int, row: int, column: int
    ) -> str:
        """Window by window: what lies in the padding is left out."""
        layer = self.net.layers[index]
        window = layer.window(own.shape)
        assert window
        height, width = window.size
        inputs = own.shape[0] // layer.groups
        start = channel // (channels // layer.groups) * inputs
        rows = window.inside_along(0, row, own.shape[1])
        columns = window.inside_along(1, column, own.shape[2])
        together = [columns] if window.dilation[1] == 1 else [[one] for one in columns]
        block = self.blocks[self._leaf(Role.WEIGHT, index)]
        terms = []
        for source in range(inputs):
            for i, y in rows:  # a kernel's row stands in a row, as a window's does
                for side_by_side in together:
                    (j, x), count = side_by_side[0], len(side_by_side)
                    cells = own.area(start + source, range(y, y + 1), range(x, x + count))
                    first = (source * height + i) * width + j
                    terms.append(_product(cells, block, channel, first, count))
        return "+".join(terms) + self._shift(index, channel)

    def _spread(
        self, index: int, window: Window, own: Grids, made: Shape, place: Sequence[int]
    ) -> str:
        """The sum of what reaches it, each times its weight where there are such."""
        layer, (channel, *at) = self.net.layers[index], place
        block = self.blocks.get(self._leaf(Role.WEIGHT, index))
        reaching = list(window.over(at, made[1:]))
        if block is None:
            return "+".join(own.cell(channel, *source) for _, source in reaching)
        inputs, outputs = (shape[0] // layer.groups for shape in (own.shape, made))
        group, plane = divmod(channel, outputs)
        height, width = window.size
        terms = [
            f"{own.cell(source, y, x)}*{block.cell(source, (plane * height + i) * width + j)}"
            for source in range(group * inputs, (group + 1) * inputs)
            for (i, j), (y, x) in reaching
        ]
        return ("+".join(terms) or "0") + self._shift(index, channel)

    def _weighed(self, index: int, own: Grids, channel: int) -> str:
        block = self.blocks[self._leaf(Role.WEIGHT, index)]
        channels, rows, columns = own.shape
        if rows * columns == 1:
            return _product(own.in_a_row(), block, channel, 0, channels) + self._shift(
                index, channel
            )
        terms = [
            _product(
                own.area(source, range(y, y + 1), range(columns)),
                block,
                channel,
                (source * rows + y) * columns,
                columns,
            )
            for source in range(channels)
            for y in range(rows)
        ]
        return "+".join(terms) + self._shift(index, channel)

    def _shift(self, index: int, channel: int) -> str:
        block = self.blocks.get(self._leaf(Role.BIAS, index))
        return f"+{block.cell(channel if block.shape[0] > 1 else 0)}" if block else ""

    def _passed(self, index: int, said: str, channel: int) -> str:
        """What a normalisation or an activation makes of it."""
        layer = self.net.layers[index]
        if layer.statistics:
            return f"({said})*{self.scale(index, channel)}+{self.shift(index, channel)}"
        if layer.elementwise:
            blocks = [self.blocks[self._leaf(p.role, index)] for p in self.net.taken(index)]
            own = [block.cell(channel if block.shape[0] > 1 else 0) for block in blocks]
            return _spelled(layer, [said], own)
        raise TargetError(NO_WORDS.format(number=index + 1, layer=layer.text))

    def scale(self, index: int, channel: int) -> str:
        """γ/√(σ²+ε), written beside the statistics."""
        return self._variance(index).cell(channel, 1)

    def shift(self, index: int, channel: int) -> str:
        """β − μ·γ/√(σ²+ε)."""
        return self._variance(index).cell(channel, 2)

    def _variance(self, index: int) -> WeightBlock:
        return self.blocks[statistics_names(self.net, index)[1]]

    def norms(self) -> Iterator[tuple[Layer, tuple[str, str, str, str]]]:
        """Each normalisation with the names of its γ, β, μ and σ²."""
        for index, layer in enumerate(self.net.layers):
            if layer.statistics:
                scale, shift = (self._leaf(role, index) for role in (Role.SCALE, Role.SHIFT))
                yield layer, (scale, shift, *statistics_names(self.net, index))

    def norm_formulas(self) -> Iterator[tuple[int, int, str]]:
        """Row, column and formula of what each normalisation multiplies with, and what it adds."""
        for layer, names in self.norms():
            scale, shift, mean, variance = (self.blocks[name] for name in names)
            for c in range(variance.shape[0]):
                root = f"SQRT({variance.cell(c)}+{layer.epsilon!r})"
                yield variance.row(c), 2, f"={scale.cell(c)}/{root}"
                plus = f"={shift.cell(c)}-{mean.cell(c)}*{variance.cell(c, 1)}"
                yield variance.row(c), 3, plus

    def norm_values(self, values: Mapping[str, NDArray[Any]]) -> Iterator[float]:
        """What these formulas come to."""
        for layer, names in self.norms():
            scale, shift, mean, variance = (np.asarray(values[x], np.float64) for x in names)
            found = scale_and_shift(scale, shift, mean, variance, layer.epsilon)
            yield from np.stack(found, axis=1).ravel().tolist()


def _side_by_side(sources: Sequence[Grids], place: tuple[int, int, int], made: Grids) -> str:
    """The cell that stands in a place of grids that these make one after the other.

    Flat values may lie in pictures still: their order is the same.
    """
    number = int(np.ravel_multi_index(place, made.shape))
    for source in sources:
        if number < prod(source.shape):
            return source.cell(*map(int, np.unravel_index(number, source.shape)))
        number -= prod(source.shape)
    raise AssertionError(f"{place} is beyond what stands side by side")


def _cell_for(source: Grids, place: tuple[int, int, int], made: Grids) -> str:
    """The cell of its own place, or its channel's where each has one alone."""
    if prod(source.shape) < prod(made.shape):
        return source.cell(*map(int, np.unravel_index(place[0], source.shape)))
    return _side_by_side([source], place, made)


def _spelled(layer: Layer, cells: Sequence[str], own: Sequence[str]) -> str:
    """What the language of cells says of a layer that works on each place alone, with cells of
    its own parameters."""
    return _template(layer, len(cells), len(own)).format(*cells, *own)


@cache
def _template(layer: Layer, inputs: int, parameters: int) -> str:
    """The same with {0}, {1} … in the place of the cells."""
    graph = Graph()
    leaves = [graph.leaf(Name("x", (k,))) for k in range(inputs + parameters)]
    references = {leaf: Reference(f"{{{k}}}") for k, leaf in enumerate(leaves)}
    speller = Speller(references.get, references.__getitem__, GUARDED)
    return write(speller.mention(layer.at_a_place(leaves[:inputs], leaves[inputs:])))


def _pooled(layer: Layer, own: Grids, channel: int, place: Both) -> str:
    """The largest or the average of the cells under a window; there are none in its padding."""
    window, area = layer.window(own.shape), own.shape[1:]
    assert window
    seen = [at for _, at in window.inside(place, area)]
    if window.dilation == (1, 1):
        (top, left), (bottom, right) = seen[0], seen[-1]
        cells = own.area(channel, range(top, bottom + 1), range(left, right + 1))
    else:
        cells = ",".join(own.cell(channel, *at) for at in seen)
    if layer.word == LARGEST:
        return f"MAX({cells})"
    divisor = divisors(window, area, layer.counted_padding(own.shape))[place]
    return f"AVERAGE({cells})" if divisor == len(seen) else f"SUM({cells})/{divisor:g}"


def _follows(layer: Layer) -> bool:
    """Whether a layer is said around the formula before it, which it mentions once."""
    if not (layer.ending and layer.elementwise):
        return bool(layer.statistics)
    return WRAPPED.fullmatch(_template(layer, 1, 0)) is not None


def _product(cells: str, block: WeightBlock, channel: int, first: int, count: int) -> str:
    if count == 1:
        return f"{cells.partition(':')[0]}*{block.cell(channel, first)}"
    row = block.row(channel)
    weights = f"{WEIGHTS}!{xl_range_abs(row, 1 + first, row, first + count)}"
    return f"SUMPRODUCT({cells},{weights})"


def require_room(plan: ReaderPlan, products: int) -> None:
    """Refuse a network whose workbook would take minutes to open."""
    cells = sum(prod(stage.grids.shape) for stage in plan.stages)
    if cells > MOST_CELLS or products > MOST_PRODUCTS:
        raise LimitError(
            f"{counted(plan.net.count(), 'parameter')} need {cells:,} formulas with "
            f"{products:,} products in all, but a workbook that reads stays quick only up to "
            f"{MOST_CELLS:,} with {MOST_PRODUCTS:,}: train a smaller network, such as the "
            "recipe tiny"
        )


# The sheets ------------------------------------------------------------------

READ, IMAGES = "Read", "Images"
GRID_ROW, GRID_COLUMN = 6, 1  # of the grid to paint in
SMALL, MAP, SIDE = 2.7, 2.2, 18  # widths of columns, and a height in points
OWN = mark("my own")
PICK_NAME, ANSWER_NAME = "picked", "answer"


@dataclass(frozen=True)
class ReaderBook:
    """All that the workbook shows: the images by their names, and what is made of the first."""

    plan: ReaderPlan
    values: Mapping[str, NDArray[Any]]  # the trained ones
    mean: float
    deviation: float
    brightest: float
    classes: tuple[str, ...]
    images: NDArray[np.uint8]  # to pick from: (images, rows, columns)
    names: tuple[str, ...]
    painted: NDArray[np.uint8]
    made: Mapping[int, Array]  # of the first image, by the number of its stage
    probabilities: Array


def reader_content(book: ReaderBook) -> bytes:
    """The content of the workbook's file."""
    workbook = new_workbook()
    look = Look(workbook)
    title = tr("{network} reads", network=book.plan.net.name or tr("a network"))
    workbook.set_properties({"title": title, "comments": str(book.plan.net)})
    _Read(look.sheet(READ, title, tr(_REMARK), left=GRID_COLUMN), look, book).write()
    _write_inside(look, book)
    _write_weights(look, book)
    _write_images(look, book)
    return content_of(workbook)


_REMARK = mark(
    "Choose an image, or choose 'my own' and paint in the framed grid: numbers from 0 "
    "(black) to 255 (white). Every layer is a grid of formulas on the sheet Inside."
)


@dataclass(frozen=True)
class _Read:
    sheet: Worksheet
    look: Look
    book: ReaderBook

    @property
    def rows(self) -> int:
        return int(self.book.painted.shape[0])

    @property
    def columns(self) -> int:
        return int(self.book.painted.shape[1])

    @property
    def seen_column(self) -> int:
        return GRID_COLUMN + self.columns + 2

    @property
    def answers_column(self) -> int:
        return self.seen_column + self.columns + 2

    def write(self) -> None:
        self.sheet.set_column(0, self.answers_column - 1, SMALL)
        self.sheet.set_column(self.answers_column, self.answers_column + 8, 11)
        self.sheet.fit_to_pages(1, 1)
        self.pick()
        self.grids()
        self.answers()
        self.chart()

    def pick(self) -> None:
        row, column = GRID_ROW - 3, GRID_COLUMN
        self.sheet.merge_range(row, column, row, column + 3, "", self.look.name(RATE))
        self.sheet.write_string(row, column, tr("image"), self.look.name(RATE))
        first = self.book.names[0]
        self.sheet.merge_range(row, column + 4, row, column + 13, first, self.look.given(RATE))
        cell = xl_rowcol_to_cell(row, column + 4, row_abs=True, col_abs=True)
        self.look.workbook.define_name(PICK_NAME, f"={READ}!{cell}")
        names = f"={IMAGES}!$A$2:$A${len(self.book.names) + 2}"
        rule = {"validate": "list", "source": names, "error_title": tr("No such image")}
        rule["error_message"] = tr("Choose one from the list.")
        self.sheet.data_validation(row, column + 4, row, column + 4, rule)

    def grids(self) -> None:
        """What can be painted, and beside it what the network is given to see."""
        titles = ((GRID_COLUMN, tr("paint here")), (self.seen_column, tr("what the network sees")))
        for column, words in titles:
            self.look.underlined(self.sheet, GRID_ROW - 1, column, self.columns, words)
        paint = self.look.style(num_format="0", font_size=6, align="center", border=4)
        seen = self.look.style(num_format="0", font_size=6, align="center")
        painted = quote(tr(OWN))
        for y in range(self.rows):
            self.sheet.set_row(GRID_ROW + y, SIDE)
            for x in range(self.columns):
                row = GRID_ROW + y
                value = int(self.book.painted[y, x])
                self.sheet.write_number(row, GRID_COLUMN + x, value, paint)
                own = xl_rowcol_to_cell(row, GRID_COLUMN + x)
                place = xl_rowcol_to_cell(2, 1 + y * self.columns + x, row_abs=True, col_abs=True)
                last = xl_rowcol_to_cell(
                    1 + len(self.book.names), 1 + y * self.columns + x, True, True
                )
                number = f"MATCH({PICK_NAME},{IMAGES}!$A$3:$A${len(self.book.names) + 2},0)"
                picked = f"INDEX({IMAGES}!{place}:{last},{number})"
                formula = f"=IF({PICK_NAME}={painted},{own},{picked})"
                found = int(self.book.images[0, y, x])
                self.sheet.write_formula(row, self.seen_column + x, formula, seen, found)
        whole = {"validate": "decimal", "criteria": "between", "minimum": 0, "maximum": 255}
        bottom, right = GRID_ROW + self.rows - 1, GRID_COLUMN + self.columns - 1
        self.sheet.data_validation(GRID_ROW, GRID_COLUMN, bottom, right, whole)
        for column in (GRID_COLUMN, self.seen_column):
            self.sheet.conditional_format(
                GRID_ROW, column, bottom, column + self.columns - 1, GREYS
            )

    def answers(self) -> None:
        """How sure the network is of each class, and which it takes the image for."""
        column, top, look = self.answers_column, GRID_ROW, self.look
        classes, outputs = self.book.classes, self.book.plan.outputs
        for place, words in enumerate((tr("class"), tr("probability"))):
            self.sheet.write_string(top - 1, column + place, words, look.heading(QUIET))
        share = look.value(ACTIVATION, "0.0000 %")
        cells = f"{INSIDE}!{_absolute(outputs)}"
        kind = self.book.plan.net.answer_kind
        for k, name in enumerate(classes):
            own = f"{INSIDE}!{outputs.cell(k, 0, 0)}"
            if kind is AnswerKind.CHANCES:
                formula = f"={own}/SUM({cells})"
            else:
                formula = f"=EXP({own}-MAX({cells}))/SUMPRODUCT(EXP({cells}-MAX({cells})))"
            self.sheet.write_string(top + k, column, name, look.style(align="center"))
            value = float(self.book.probabilities[k])
            self.sheet.write_formula(top + k, column + 1, formula, share, value)
        names = xl_range_abs(top, column, top + len(classes) - 1, column)
        found = xl_range_abs(top, column + 1, top + len(classes) - 1, column + 1)
        best = int(np.argmax(self.book.probabilities))
        large = look.style(bold=True, font_size=20, align="center", bg_color=ACTIVATION.fill)
        self.sheet.merge_range(top - 3, column, top - 3, column + 1, "", large)
        self.sheet.set_row(top - 3, 28)
        answer = f"=INDEX({names},MATCH(MAX({found}),{found},0))"
        self.sheet.write_formula(top - 3, column, answer, large, classes[best])
        cell = xl_rowcol_to_cell(top - 3, column, row_abs=True, col_abs=True)
        look.workbook.define_name(ANSWER_NAME, f"={READ}!{cell}")

    def chart(self) -> None:
        column, top, count = self.answers_column, GRID_ROW, len(self.book.classes)
        chart = self.look.workbook.add_chart({"type": "bar"})
        chart.add_series(
            {
                "categories": [READ, top, column, top + count - 1, column],
                "values": [READ, top, column + 1, top + count - 1, column + 1],
                "fill": {"color": ACTIVATION.ink},
                "gap": 40,
            }
        )
        chart.set_title({"name": tr("How sure it is"), "name_font": {"size": 12}})
        chart.set_legend({"none": True})
        chart.set_x_axis({"min": 0, "max": 1, "num_format": "0 %"})
        chart.set_y_axis({"reverse": True})
        chart.set_size({"width": 420, "height": 320})
        self.sheet.insert_chart(top + count + 1, column, chart, {"object_position": 2})


GREYS = {
    "type": "2_color_scale",
    "min_type": "num",
    "max_type": "num",
    "min_value": 0,
    "max_value": 255,
    "min_color": "#000000",
    "max_color": "#FFFFFF",
}


def _absolute(outputs: Grids) -> str:
    row, count = outputs.top, outputs.shape[0]
    return str(xl_range_abs(row, LEFT, row, LEFT + count - 1))


def _write_inside(look: Look, book: ReaderBook) -> None:
    """What the network is given, and the maps that each stage makes of it."""
    remark = tr("From top to bottom, one grid per channel. Blue is above 0, red below.")
    sheet = look.sheet(INSIDE, tr("The way through the layers"), remark, left=LEFT)
    plan = book.plan
    widest = max(grids.width for grids in (plan.given, *(s.grids for s in plan.stages)))
    sheet.set_column(0, LEFT + widest, MAP)
    sheet.set_zoom(50)
    style = look.style(num_format="0.00", font_size=5, align="center")
    title = tr(
        "given: (brightness / {brightest} − {mean}) / {deviation}",
        brightest=numeral(f"{book.brightest:g}"),
        mean=numeral(f"{book.mean:.6g}"),
        deviation=numeral(f"{book.deviation:.6g}"),
    )
    sheet.write_string(plan.given.top - 1, LEFT, title, look.section)
    seen = GRID_COLUMN + book.painted.shape[1] + 2
    first = (book.images[0] / book.brightest - book.mean) / book.deviation
    for c, y, x in plan.given.places():
        cell = f"{READ}!{xl_rowcol_to_cell(GRID_ROW + y, seen + x)}"
        formula = f"=({cell}/{book.brightest!r}-{book.mean!r})/{book.deviation!r}"
        sheet.write_formula(*plan.given.place(c, y, x), formula, style, float(first[y, x]))
    coloured(sheet, plan.given, PAPERS)
    for number, stage in enumerate(plan.stages):
        words = f"{number + 1}. {stage.words}"
        sheet.write_string(stage.grids.top - 1, LEFT, words, look.section)
        values = book.made[number]
        for c, y, x in stage.grids.places():
            formula = plan.formula(stage, c, y, x)
            sheet.write_formula(*stage.grids.place(c, y, x), formula, style, float(values[c, y, x]))
        coloured(sheet, stage.grids, WHITES if plan.is_positive(stage) else BLUES)


def _write_weights(look: Look, book: ReaderBook) -> None:
    remark = tr(
        "The trained parameters: one row per channel of a layer; a kernel's rows follow one "
        "another."
    )
    sheet = look.sheet(WEIGHTS, tr("What it has learned"), remark)
    sheet.set_column(0, 0, 16)
    sheet.set_column(1, 64, 9)
    style = look.value(WEIGHT, "0.0000")
    for name, block in book.plan.blocks.items():
        values = np.asarray(book.values[name], np.float64).reshape(block.shape[0], -1)
        sheet.write_string(block.top - 1, 0, name, look.name(WEIGHT))
        for channel, own in enumerate(values.tolist()):
            sheet.write_number(block.row(channel), 0, channel + 1, look.count)
            for place, value in enumerate(own):
                sheet.write_number(block.row(channel), 1 + place, value, style)
        bottom = block.top + block.shape[0] - 1
        sheet.conditional_format(block.top, 1, bottom, block.size, dict(BLUES))
    known = book.plan.norm_values(book.values)
    for (row, column, formula), value in zip(book.plan.norm_formulas(), known, strict=True):
        sheet.write_formula(row, column, formula, look.value(QUIET, "0.0000", italic=True), value)


def _write_images(look: Look, book: ReaderBook) -> None:
    """The images to pick from, one a row."""
    sheet = look.workbook.add_worksheet(IMAGES)
    sheet.write_string(0, 0, tr("image"), look.heading(QUIET))
    sheet.write_string(0, 1, tr("brightness, row by row"), look.heading(INPUT))
    sheet.write_string(1, 0, tr(OWN))
    for number, (name, image) in enumerate(zip(book.names, book.images, strict=True), 2):
        sheet.write_string(number, 0, name)
        for place, value in enumerate(image.ravel().tolist(), 1):
            sheet.write_number(number, place, value)
    sheet.hide()
