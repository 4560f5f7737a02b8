"""A trained network as a workbook that reads images: a grid to paint in, layers, answers.

A stage is a layer that sums, pools or adds, together with the normalisation and activation that
directly follow it. Each of its channels is one grid of cells.
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

from gradbook.amounts import counted
from gradbook.cells.formula.syntax import Reference, quote, write
from gradbook.errors import LimitError, TargetError
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Graph
from gradbook.graph.tensors import divisors
from gradbook.graph.window import Both, Shape
from gradbook.language import mark, numeral, tr
from gradbook.layers import Layer, Role, leaf_name
from gradbook.layers.card import AnswerKind
from gradbook.net import Net
from gradbook.net.names import statistics_names
from gradbook.palette import ACTIVATION, INPUT, QUIET, RATE, WEIGHT
from gradbook.targets.excel.grids.blocks import (
    BLUES,
    LARGEST,
    PAPERS,
    WHITES,
    Grids,
    Place,
    coloured,
    planes,
)
from gradbook.targets.excel.live import LiveValue, call
from gradbook.targets.excel.sheets.look import Look, Page, content_of, new_workbook
from gradbook.targets.excel.spellings import Speller

MOST_CELLS, MOST_PRODUCTS = 120_000, 1_000_000  # about ten seconds to open
INSIDE, WEIGHTS = "Inside", "Weights"
TOP, LEFT, TITLE_ROWS = 3, 1, 3  # of the first grid; the rows above each grid for its title
GUARDED = ("sigmoid",)  # far below 0, its exponential overflows in a cell
WRAPPED = re.compile(r"(?:[^{]*[(,])?\{0\}(?:\)[^{]*)?")  # once, alone in its parentheses
NO_WORDS = "layer {number}: a workbook that reads images has no formula for {layer}: leave it out"


@dataclass(frozen=True)
class WeightBlock:
    """A layer's parameter on the sheet of weights: one row per output channel."""

    name: str
    shape: Shape
    top: int

    @property
    def size(self) -> int:
        """The number of values in each row."""
        return prod(self.shape[1:])

    def row(self, channel: int) -> int:
        return self.top + channel

    def cell(self, channel: int, place: int = 0) -> str:
        return f"{WEIGHTS}!{xl_rowcol_to_cell(self.row(channel), 1 + place, True, True)}"

    def run(self, channel: int, first: int, count: int) -> str:
        """The range of `count` neighbouring cells in a row."""
        area = xl_range_abs(self.row(channel), 1 + first, self.row(channel), first + count)
        return f"{WEIGHTS}!{area}"


@dataclass(frozen=True)
class ReaderStage:
    """The layers that share one grid of cells."""

    layers: tuple[int, ...]
    words: str
    grids: Grids
    sources: tuple[Grids, ...]  # the input of its first layer


@dataclass(frozen=True)
class ReaderPlan:
    """A network's stages and the places of its parameters."""

    net: Net

    @cached_property
    def input_grids(self) -> Grids:
        return Grids(planes(self.net.input), TOP, LEFT)

    @cached_property
    def stages(self) -> tuple[ReaderStage, ...]:
        grids_of = {0: self.input_grids}  # of each value that has grids
        stages: list[ReaderStage] = []
        top = TOP + self.input_grids.height + TITLE_ROWS
        for layers in self._together():
            first, last = layers[0], layers[-1]
            sources = tuple(self._of(grids_of, k) for k in self.net.layers[first].reads(first))
            grids = Grids(planes(self.net.shapes[last + 1]), top, LEFT)
            words = ", ".join(self.net.layers[k].text for k in layers)
            stages.append(ReaderStage(tuple(layers), words, grids, sources))
            grids_of[last + 1] = grids
            top += grids.height + TITLE_ROWS
        return tuple(stages)

    @property
    def outputs(self) -> Grids:
        """The grids from which the probabilities are computed."""
        return self.stages[-1].grids

    def _of(self, grids_of: dict[int, Grids], value: int) -> Grids:
        while value not in grids_of:  # dropout and flatten pass their input on
            value -= 1
        return grids_of[value]

    def _together(self) -> Iterator[list[int]]:
        """The layers of each stage; layers that pass values on, and the softmax, belong to none."""
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
                        f"layer {index + 1}: in a workbook that reads images, "
                        "softmax can only be the last layer"
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
        """The place of each parameter, one below the other, running statistics included."""
        blocks: dict[str, WeightBlock] = {}
        top = TOP
        for name, shape in self._parameters():
            blocks[name] = WeightBlock(name, shape, top)
            top += shape[0] + 2
        return blocks

    def _parameters(self) -> Iterator[tuple[str, Shape]]:
        for parameter in self.net.parameters:
            yield str(parameter.leaf), parameter.shape
        for index, layer in enumerate(self.net.layers):
            if layer.statistics:
                for name in statistics_names(self.net, index):
                    yield name, self.net.shapes[index][:1]

    def _leaf(self, role: Role, index: int) -> str:
        """The name of a layer's parameter."""
        return str(leaf_name(role, self.net.owners[index]))

    # Formulas --------------------------------------------------------------------

    def formula(self, stage: ReaderStage, channel: int, row: int, column: int) -> str:
        """The formula of one cell."""
        index, *after = stage.layers
        layer, shape = self.net.layers[index], self.net.shapes[index]
        source, place = stage.sources[0], (channel, row, column)
        spread, window = layer.spreads(shape), layer.window(shape)
        if (layer.sums or spread) and self._leaf(Role.WEIGHT, index) in self.blocks:
            text = self._weighted(index, source, place)
        elif spread:
            reaching = spread.over(place[1:], stage.grids.shape[1:])
            text = "+".join(source.cell(channel, *at) for _, at in reaching)
        elif window is not None:
            text = _pooled(layer, source, channel, (row, column))
        elif layer.moves_places:
            text = _moved(layer, planes(shape), source, place, stage.grids)
        elif layer.elementwise and len(stage.sources) > 1:
            text = _spelled(layer, [_cell_for(it, place, stage.grids) for it in stage.sources], [])
        elif layer.begins_branch or len(stage.sources) > 1:
            text = _side_by_side(stage.sources, place, stage.grids)
        else:
            text = self._passed(index, _side_by_side([source], place, stage.grids), channel)
        for later in after:
            text = self._passed(later, text, channel)
        return f"={text}"

    def _weighted(self, index: int, source: Grids, place: Place) -> str:
        """A weighted sum; neighbouring cells whose weights are also neighbours form one term."""
        block, bias = (self.blocks.get(self._leaf(it, index)) for it in (Role.WEIGHT, Role.BIAS))
        assert block
        runs: list[tuple[Place, int, int, int]] = []  # cell, weight's row and place, length
        end: tuple[object, ...] = ()
        for cell, channel, weight in self._products(index, source, place):
            row, column = source.place(*cell)
            if end == (row, column, channel, weight):
                runs[-1] = (*runs[-1][:3], runs[-1][3] + 1)
            else:
                runs.append((cell, channel, weight, 1))
            end = row, column + 1, channel, weight + 1
        terms = [_term(source, block, *run) for run in runs] or ["0"]
        if bias:
            terms.append(bias.cell(place[0] if bias.shape[0] > 1 else 0))
        return "+".join(terms)

    def _products(
        self, index: int, source: Grids, place: Place
    ) -> Iterator[tuple[Place, int, int]]:
        """The cells in a place's sum, each with its weight's row and position in that row; cells in
        the padding are left out."""
        layer, shape, maps = self.net.layers[index], source.shape, self.net.shapes[index + 1]
        spread = layer.spreads(self.net.shapes[index])
        window = spread or layer.window(self.net.shapes[index])
        if window is None:
            yield from ((cell, place[0], k) for k, cell in enumerate(source.places()))
            return
        inputs, outputs = shape[0] // layer.groups, maps[0] // layer.groups
        group, output = divmod(place[0], outputs)
        taps = list(
            spread.over(place[1:], maps[1:]) if spread else window.inside(place[1:], shape[1:])
        )
        for number in range(inputs):
            channel = group * inputs + number
            row, kernel = (channel, output) if spread else (place[0], number)
            for (i, j), (y, x) in taps:
                weight = (kernel * window.size[0] + i) * window.size[1] + j
                yield (channel, y, x), row, weight

    def _passed(self, index: int, text: str, channel: int) -> str:
        """A formula's text with a normalisation or an activation applied to it."""
        layer = self.net.layers[index]
        if layer.statistics:  # times γ/√(σ²+ε), plus β − μ·γ/√(σ²+ε), written beside the statistics
            scale = self.blocks[statistics_names(self.net, index)[1]]
            return f"({text})*{scale.cell(channel, 1)}+{scale.cell(channel, 2)}"
        if layer.elementwise:
            blocks = [self.blocks[self._leaf(p.role, index)] for p in self.net.taken(index)]
            cells = [block.cell(channel if block.shape[0] > 1 else 0) for block in blocks]
            return _spelled(layer, [text], cells)
        raise TargetError(NO_WORDS.format(number=index + 1, layer=layer.text))

    def scales(
        self, values: Mapping[str, NDArray[Any]]
    ) -> Iterator[tuple[int, LiveValue, LiveValue]]:
        """The factor and the summand of each channel of a normalisation, with the row in which
        they are written."""
        for index, layer in enumerate(self.net.layers):
            if not layer.statistics:
                continue
            learned = (self._leaf(role, index) for role in (Role.SCALE, Role.SHIFT))
            names = (*learned, *statistics_names(self.net, index))
            variances = self.blocks[names[-1]]
            for channel in range(variances.shape[0]):
                scale, shift, mean, variance = (
                    LiveValue.at(self.blocks[it].cell(channel), float(values[it][channel]))
                    for it in names
                )
                factor = scale / call("SQRT", variance + layer.epsilon)
                beside = LiveValue.at(variances.cell(channel, 1), factor.value)
                yield variances.row(channel), factor, shift - mean * beside


def _term(source: Grids, block: WeightBlock, cell: Place, row: int, first: int, count: int) -> str:
    """A cell times its weight, or the sum of several such products."""
    if count == 1:
        return f"{source.cell(*cell)}*{block.cell(row, first)}"
    top, left = source.place(*cell)
    cells = f"{xl_rowcol_to_cell(top, left)}:{xl_rowcol_to_cell(top, left + count - 1)}"
    return f"SUMPRODUCT({cells},{block.run(row, first, count)})"


def _side_by_side(sources: Sequence[Grids], place: tuple[int, int, int], stage: Grids) -> str:
    """The cell at a place of the stage, where the sources' values are concatenated.

    A flat value may still be laid out as pictures: the order is the same.
    """
    number = int(np.ravel_multi_index(place, stage.shape))
    for source in sources:
        if number < prod(source.shape):
            return source.cell(*map(int, np.unravel_index(number, source.shape)))
        number -= prod(source.shape)
    raise AssertionError(f"{place} is outside the concatenated grids")


def _moved(layer: Layer, shape: Place, source: Grids, place: Place, stage: Grids) -> str:
    """The cell that a layer puts at a place, or 0."""
    source_place = layer.taken_place(place)
    if source_place is None:
        return _side_by_side([source], place, stage)
    if min(source_place) < 0:
        return "0"
    number = int(np.ravel_multi_index(source_place, shape))
    return source.cell(*map(int, np.unravel_index(number, source.shape)))


def _cell_for(source: Grids, place: tuple[int, int, int], stage: Grids) -> str:
    """The cell at its place, or its channel's cell if each channel has only one."""
    if prod(source.shape) < prod(stage.shape):
        return source.cell(*map(int, np.unravel_index(place[0], source.shape)))
    return _side_by_side([source], place, stage)


def _spelled(layer: Layer, cells: Sequence[str], parameters: Sequence[str]) -> str:
    """The formula of an elementwise layer, with these cells as inputs and parameters."""
    return _template(layer, len(cells), len(parameters)).format(*cells, *parameters)


@cache
def _template(layer: Layer, inputs: int, parameters: int) -> str:
    """The same formula with {0}, {1} … in place of the cells."""
    graph = Graph()
    leaves = [graph.leaf(Name("x", (k,))) for k in range(inputs + parameters)]
    references = {leaf: Reference(f"{{{k}}}") for k, leaf in enumerate(leaves)}
    speller = Speller(references.get, references.__getitem__, GUARDED)
    return write(speller.mention(layer.at_a_place(leaves[:inputs], leaves[inputs:])))


def _pooled(layer: Layer, source: Grids, channel: int, place: Both) -> str:
    """The largest or the average of the cells under a window, its padding excluded."""
    window, area = layer.window(source.shape), source.shape[1:]
    assert window
    seen = [at for _, at in window.inside(place, area)]
    if window.dilation == (1, 1):
        (top, left), (bottom, right) = seen[0], seen[-1]
        cells = source.area(channel, range(top, bottom + 1), range(left, right + 1))
    else:
        cells = ",".join(source.cell(channel, *at) for at in seen)
    if layer.word == LARGEST:
        return f"MAX({cells})"
    divisor = divisors(window, area, layer.counted_padding(source.shape))[place]
    return f"AVERAGE({cells})" if divisor == len(seen) else f"SUM({cells})/{divisor:g}"


def _follows(layer: Layer) -> bool:
    """Whether a layer can wrap the formula before it, which its own formula mentions once."""
    if not (layer.ending and layer.elementwise):
        return bool(layer.statistics)
    return WRAPPED.fullmatch(_template(layer, 1, 0)) is not None


def require_room(plan: ReaderPlan, products: int) -> None:
    """Refuse a network whose workbook would take minutes to open."""
    cells = sum(prod(stage.grids.shape) for stage in plan.stages)
    if cells > MOST_CELLS or products > MOST_PRODUCTS:
        raise LimitError(
            f"{counted(plan.net.count(), 'parameter')} need {cells:,} formulas with "
            f"{products:,} products in all, but a workbook that reads images is quick only up to "
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
    """All that the workbook shows: the images by name, and the results for the first of them."""

    plan: ReaderPlan
    values: Mapping[str, NDArray[Any]]  # the trained ones
    mean: float
    deviation: float
    brightest: float
    classes: tuple[str, ...]
    images: NDArray[np.uint8]  # to pick from: (images, rows, columns)
    names: tuple[str, ...]
    painted: NDArray[np.uint8]
    maps: Mapping[int, Array]  # of the first image, by stage number
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
class _Read(Page):
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
        row, column, first = GRID_ROW - 3, GRID_COLUMN, self.book.names[0]
        self.sheet.merge_range(row, column, row, column + 3, tr("image"), self.look.name(RATE))
        self.sheet.merge_range(row, column + 4, row, column + 13, first, self.look.changeable(RATE))
        self.named(PICK_NAME, row, column + 4)
        names = f"={IMAGES}!$A$2:$A${len(self.book.names) + 2}"
        rule = {"validate": "list", "source": names, "error_title": tr("No such image")}
        rule["error_message"] = tr("Choose one from the list.")
        self.sheet.data_validation(row, column + 4, row, column + 4, rule)

    def grids(self) -> None:
        """The grid to paint in, and beside it the image that the network receives."""
        titles = ((GRID_COLUMN, tr("paint here")), (self.seen_column, tr("what the network sees")))
        for column, words in titles:
            self.look.underlined(self.sheet, GRID_ROW - 1, column, self.columns, words)
        small = {"num_format": "0", "font_size": 6, "align": "center"}
        paint, seen = self.look.style(**small, border=4), self.look.style(**small)
        last = 1 + len(self.book.names)
        number = f"MATCH({PICK_NAME},{IMAGES}!$A$3:$A${last + 1},0)"
        for y in range(self.rows):
            row = GRID_ROW + y
            self.sheet.set_row(row, SIDE)
            for x in range(self.columns):
                self.sheet.write_number(row, GRID_COLUMN + x, self.book.painted[y, x], paint)
                painted = xl_rowcol_to_cell(row, GRID_COLUMN + x)
                place = 1 + y * self.columns + x
                picked = f"INDEX({IMAGES}!{xl_range_abs(2, place, last, place)},{number})"
                shown = f"IF({PICK_NAME}={quote(tr(OWN))},{painted},{picked})"
                content = LiveValue.at(shown, self.book.images[0, y, x])
                self.live(row, self.seen_column + x, content, seen)
        whole = {"validate": "decimal", "criteria": "between", "minimum": 0, "maximum": 255}
        bottom, right = GRID_ROW + self.rows - 1, GRID_COLUMN + self.columns - 1
        self.sheet.data_validation(GRID_ROW, GRID_COLUMN, bottom, right, whole)
        for column in (GRID_COLUMN, self.seen_column):
            self.sheet.conditional_format(
                GRID_ROW, column, bottom, column + self.columns - 1, GREYS
            )

    def answers(self) -> None:
        """The probability of each class, and the most probable class."""
        column, top, look = self.answers_column, GRID_ROW, self.look
        classes, outputs = self.book.classes, self.book.plan.outputs
        self.headings(top - 1, column, [(mark("class"), QUIET), (mark("probability"), QUIET)])
        share = look.value(ACTIVATION, "0.0000 %")
        end = LEFT + outputs.shape[0] - 1
        cells = f"{INSIDE}!{xl_range_abs(outputs.top, LEFT, outputs.top, end)}"
        kind = self.book.plan.net.answer_kind
        for k, name in enumerate(classes):
            output = f"{INSIDE}!{outputs.cell(k, 0, 0)}"
            formula = f"EXP({output}-MAX({cells}))/SUMPRODUCT(EXP({cells}-MAX({cells})))"
            if kind is AnswerKind.CHANCES:
                formula = f"{output}/SUM({cells})"
            self.sheet.write_string(top + k, column, name, look.style(align="center"))
            content = LiveValue.at(formula, self.book.probabilities[k])
            self.live(top + k, column + 1, content, share)
        names, shares = (
            xl_range_abs(top, place, top + len(classes) - 1, place)
            for place in (column, column + 1)
        )
        best = int(np.argmax(self.book.probabilities))
        large = look.style(bold=True, font_size=20, align="center", bg_color=ACTIVATION.fill)
        self.sheet.merge_range(top - 3, column, top - 3, column + 1, "", large)
        self.sheet.set_row(top - 3, 28)
        answer = f"INDEX({names},MATCH(MAX({shares}),{shares},0))"
        self.live(top - 3, column, LiveValue.at(answer, classes[best]), large)
        self.named(ANSWER_NAME, top - 3, column)

    def chart(self) -> None:
        column, top, count = self.answers_column, GRID_ROW, len(self.book.classes)
        names, shares = ([READ, top, it, top + count - 1, it] for it in (column, column + 1))
        chart = self.look.workbook.add_chart({"type": "bar"})
        bars = {"fill": {"color": ACTIVATION.ink}, "gap": 40}
        chart.add_series({"categories": names, "values": shares, **bars})
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


def _write_inside(look: Look, book: ReaderBook) -> None:
    """The network's input, and the maps that each stage computes from it."""
    remark = tr("From top to bottom, one grid per channel. Blue is above 0, red below.")
    sheet = look.sheet(INSIDE, tr("The path through the layers"), remark, left=LEFT)
    plan = book.plan
    widest = max(grids.width for grids in (plan.input_grids, *(s.grids for s in plan.stages)))
    sheet.set_column(0, LEFT + widest, MAP)
    sheet.set_zoom(50)
    style = look.style(num_format="0.00", font_size=5, align="center")
    title = tr(
        "given: (brightness / {brightest} − {mean}) / {deviation}",
        brightest=numeral(f"{book.brightest:g}"),
        mean=numeral(f"{book.mean:.6g}"),
        deviation=numeral(f"{book.deviation:.6g}"),
    )
    sheet.write_string(plan.input_grids.top - 1, LEFT, title, look.section)
    seen = GRID_COLUMN + book.painted.shape[1] + 2
    first = (book.images[0] / book.brightest - book.mean) / book.deviation
    for c, y, x in plan.input_grids.places():
        cell = f"{READ}!{xl_rowcol_to_cell(GRID_ROW + y, seen + x)}"
        formula = f"=({cell}/{book.brightest!r}-{book.mean!r})/{book.deviation!r}"
        sheet.write_formula(*plan.input_grids.place(c, y, x), formula, style, float(first[y, x]))
    coloured(sheet, plan.input_grids, PAPERS)
    for number, stage in enumerate(plan.stages):
        words = f"{number + 1}. {stage.words}"
        sheet.write_string(stage.grids.top - 1, LEFT, words, look.section)
        for place in stage.grids.places():
            formula, value = plan.formula(stage, *place), float(book.maps[number][place])
            sheet.write_formula(*stage.grids.place(*place), formula, style, value)
        is_positive = plan.net.layers[stage.layers[-1]].lowest >= 0
        coloured(sheet, stage.grids, WHITES if is_positive else BLUES)


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
        for channel, row in enumerate(values.tolist()):
            sheet.write_number(block.row(channel), 0, channel + 1, look.count)
            for place, value in enumerate(row):
                sheet.write_number(block.row(channel), 1 + place, value, style)
        bottom = block.top + block.shape[0] - 1
        sheet.conditional_format(block.top, 1, bottom, block.size, dict(BLUES))
    page, style = Page(sheet, look), look.value(QUIET, "0.0000", italic=True)
    for line, *contents in book.plan.scales(book.values):
        for column, content in enumerate(contents, 2):
            page.live(line, column, content, style)


def _write_images(look: Look, book: ReaderBook) -> None:
    """The images to choose from, one per row."""
    sheet = look.workbook.add_worksheet(IMAGES)
    sheet.write_string(0, 0, tr("image"), look.heading(QUIET))
    sheet.write_string(0, 1, tr("brightness, row by row"), look.heading(INPUT))
    sheet.write_string(1, 0, tr(OWN))
    for number, (name, image) in enumerate(zip(book.names, book.images, strict=True), 2):
        sheet.write_string(number, 0, name)
        for place, value in enumerate(image.ravel().tolist(), 1):
            sheet.write_number(number, place, value)
    sheet.hide()
