"""The content of the sheet Grids: each layer's parameters and maps, with gradients beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import ceil

import numpy as np

from gradbook.cells.formula.syntax import Reference, write
from gradbook.graph.node import Array, Node
from gradbook.language import tr
from gradbook.layers import Layer, Role
from gradbook.net import Net
from gradbook.net.step import Step, run
from gradbook.palette import GRADIENT
from gradbook.targets.excel.grids.blocks import LEFT, NodeBlock
from gradbook.targets.excel.grids.layer_blocks import picture_blocks, slides, step_blocks
from gradbook.targets.excel.plan.workbook_plan import WorkbookPlan, is_in_steps, last_grid_layer
from gradbook.targets.excel.spellings import Speller

EPOCH_NAME, SAMPLE_NAME = "grids_epoch", "grids_sample"
FIRST_ROW = 5  # of the first stage
ABOVE = 3  # rows above a block's values: its title and the column numbers
SLOPE_OF = "{0}∂E/∂"  # before each name
WEIGHT_LINES = 3  # beside a weight to look at
LINES = {"conv": 5, "pool": 3}  # beside a place to look at, with the verdict
NORMAL_LINES = 9  # of a normalisation
LETTERS = 7  # of a title, for each column


@dataclass(frozen=True)
class GridStage:
    """The input or a layer from top to bottom: parameters, a place to look at, its output."""

    index: int  # of the layer; -1 is the input
    layer: Layer | None
    kind: str  # conv, pool or a normalisation, of which one place can be looked at; else empty
    words: str
    row: int  # of its title
    parts: tuple[NodeBlock, ...]  # its parameters, and for a sequence its named values
    place_row: int  # of the place to look at
    values: NodeBlock
    slopes: tuple[NodeBlock, ...]
    reads: tuple[int, ...]  # the numbers of the stages that it reads
    weight_row: int | None  # of a weight to look at, below the values
    end: int

    @property
    def parameters(self) -> Mapping[str, NodeBlock]:
        """For layers of pictures: the w and b of a convolution, and STATISTICS."""
        return {block.key: block for block in self.parts if block.key}

    @property
    def pieces(self) -> tuple[tuple[int, int], ...]:
        """Ranges of rows that should stay together on a page; breaks come between them."""
        is_in_steps = len(self.parameters) < len(self.parts)
        starts = [block.grids.top - ABOVE + 1 for block in (*self.parts, self.values)]
        return tuple(pairwise([self.row, *(starts[1:] if is_in_steps else ()), self.end]))

    @property
    def blocks(self) -> tuple[NodeBlock, ...]:
        return (*self.parts, self.values, *self.slopes)

    def slope_of(self, block: NodeBlock) -> NodeBlock | None:
        """The gradients of a block's values or parameters."""
        names = block.names.format(SLOPE_OF)
        return next((slope for slope in self.slopes if slope.names == names), None)


@dataclass(frozen=True)
class GridScene:
    """The place of everything on the sheet, and the formulas that look its values up."""

    book: WorkbookPlan

    @property
    def step(self) -> Step:
        return self.book.step

    @cached_property
    def stages(self) -> tuple[GridStage, ...]:
        net, stages, row = self.step.net, list[GridStage](), FIRST_ROW
        places = {0: 0}  # the stage of each value
        for index in range(-1, last_grid_layer(net) + 1):
            layer = net.layers[index] if index >= 0 else None
            if layer is not None and layer.passes_on and self._is_shown(index):
                places[index + 1] = places[index]
                continue
            reads = tuple(places[k] for k in layer.reads(index)) if layer else ()
            places[index + 1] = len(stages)
            stages.append(self._stage(index, layer, row, reads))
            row = stages[-1].end + 2
        return tuple(stages)

    def _is_shown(self, index: int) -> bool:
        """Whether a layer's unchanged input is already on the sheet: same shape, or in steps."""
        before, after = self.step.net.shapes[index : index + 2]
        return before == after or is_in_steps(self.step.net)

    def _stage(
        self, index: int, layer: Layer | None, row: int, reads: tuple[int, ...]
    ) -> GridStage:
        """A stage's blocks below each other, each with its gradients on the right."""
        words = f"{index + 1}. {layer.text}" if layer else tr("input")
        top, parts = row + ABOVE, list[NodeBlock]()
        *before, values = self._blocks[index]
        for block in before:
            parts.append(block.at(top))
            top += block.grids.height + ABOVE
        place_row = top - ABOVE + (1 if parts else 2)
        is_picture = layer is not None and index not in self._in_steps
        kind = _kind_at(self.step.net, index) if is_picture else ""
        if kind:
            top = place_row + self._place_height(index, kind) + ABOVE
        values = values.at(top)
        slopes = [self._slopes(it) if layer else None for it in (*parts, values)]
        end, weight_row = top + values.grids.height, None
        kernels = next((block for block in parts if block.key == Role.WEIGHT), None)
        trained = any(slopes[:-1]) and slopes[-1]
        if kernels and trained and self._can_take_apart(index, kernels):
            weight_row = end + 1
            end = weight_row + 2 + max(values.grids.shape[1] + 1, WEIGHT_LINES)
        return GridStage(
            index,
            layer,
            kind,
            words,
            row,
            tuple(parts),
            place_row,
            values,
            tuple(filter(None, slopes)),
            reads,
            weight_row,
            end,
        )

    @cached_property
    def _blocks(self) -> dict[int, list[NodeBlock]]:
        """The blocks of the input and of each layer, its output last."""
        step, slid = self.step, self._slid
        return {
            index: step_blocks(step, index, as_maps=index + 1 in slid)
            if index in self._in_steps
            else picture_blocks(step, index)
            for index in range(-1, last_grid_layer(step.net) + 1)
        }

    @cached_property
    def _in_steps(self) -> frozenset[int]:
        """The layers of a sequence that are laid out as matrices: no window slides over them."""
        net = self.step.net
        if not is_in_steps(net):
            return frozenset()
        layers = range(last_grid_layer(net) + 1)
        kept = (k for k in layers if net.layers[k].passes_on or _kind_at(net, k))
        return frozenset({-1, *layers}).difference(kept)

    @cached_property
    def _slid(self) -> set[int]:
        """The values of a sequence that windows slide over."""
        net, slid = self.step.net, set[int]()
        for index in reversed(range(last_grid_layer(net) + 1)):
            layer = net.layers[index]
            if _kind_at(net, index) or (layer.passes_on and index + 1 in slid):
                slid.update(layer.reads(index))
        return slid

    def _place_height(self, index: int, kind: str) -> int:
        """The rows for the cells to type into, and below them for the window and its lines."""
        layer, shape = self.step.net.layers[index], self.step.net.shapes[index]
        window = layer.window(shape)
        high = window.size[0] if window else 0
        sources = shape[0] // layer.groups if layer.sums else 1
        return 2 + max(sources * (high + 1), LINES.get(kind, NORMAL_LINES))

    def _slopes(self, block: NodeBlock) -> NodeBlock | None:
        """The gradients of a block, if it is trained or lies on the path to trained weights."""
        adjoints = {**self.step.adjoints, **self.step.gradients}
        nodes = np.array([adjoints.get(node) if node else None for node in block.nodes.flat])
        if not any(nodes):
            return None
        words = tr("how the error changes with each")
        if self.book.several and not block.is_of_sample:
            words = tr("how the error changes with each, all samples together")
        return replace(
            block,
            names=block.names.format(SLOPE_OF),
            words=words,
            tint=GRADIENT,
            grids=replace(block.grids, left=self.right),
            nodes=nodes.reshape(block.grids.shape),
        )

    @cached_property
    def right(self) -> int:
        """The column of the first gradients."""
        most = 0
        for index, blocks in self._blocks.items():
            for block in blocks:
                title = ceil(len(block.title) / LETTERS) - 1 if index in self._in_steps else 0
                most = max(most, block.grids.width, title)
        return LEFT + most + 2

    # The formulas of the cells ---------------------------------------------------

    @cached_property
    def cells(self) -> dict[Node, str]:
        """The cell that holds each value on the sheet; its first one if there are several."""
        cells: dict[Node, str] = {}
        for block in (block for stage in self.stages for block in stage.blocks):
            for place in block.grids.places():
                node = block.nodes[place]
                if node is not None:
                    cells.setdefault(node, block.grids.cell(*place))
        return cells

    def formula(self, node: Node | None, cell: str) -> str:
        """A formula that looks a value up for the chosen epoch and sample.

        A gradient without a column of its own is computed from the cells around it.
        """
        if node is None:
            return "=0"
        home = self.cells[node]
        return f"={home}" if home != cell else f"={self._looked_up(node) or self._spelled(node)}"

    def _spelled(self, node: Node) -> str:
        return write(Speller(self._refer, self._block, self.book.guarded).formula(node))

    def _refer(self, node: Node) -> Reference | None:
        cell = self.cells.get(node) or self._looked_up(node)
        return Reference(cell) if cell else None

    def _block(self, node: Node) -> Reference:
        """The cells of a value for all samples of the epoch."""
        first, last = (
            self.book.training.in_epoch(node, self.book.epochs, EPOCH_NAME, k)
            for k in (0, self.step.samples - 1)
        )
        return Reference(f"{first}:{last}")

    def _looked_up(self, node: Node) -> str:
        run = self.book.training
        if node not in run.table(node).columns:
            return ""
        return run.in_epoch(node, self.book.epochs, EPOCH_NAME, SAMPLE_NAME)

    def _shares(self, block: NodeBlock) -> list[Node]:
        """One sample's contributions to some weights' gradients, as far as they have columns."""
        by_name = self.step.graph.by_name
        named = (by_name.get(f"g_{node.name}") for node in block.nodes.flat)
        columns = self.book.training.of_sample.columns
        return [node for node in named if node is not None and node in columns]

    def _can_take_apart(self, index: int, block: NodeBlock) -> bool:
        """Whether the gradients come from this layer alone, and each sample's contributions are
        in neighbouring columns, so that one formula finds any of them."""
        if self.step.net.owners.count(self.step.net.owners[index]) > 1:
            return False
        if not self.book.several:
            return True
        columns = [self.book.training.of_sample.columns[node] for node in self._shares(block)]
        return len(columns) == block.nodes.size and columns == [*range(columns[0], columns[-1] + 1)]

    def share(self, block: NodeBlock, number: str) -> str:
        """The sample's contribution to the gradient of the weight with that number, from 1."""
        run, shares = self.book.training, self._shares(block)
        first, last = run.of_sample.cell(shares[0]), run.of_sample.column(shares[-1])
        bottom = run.of_sample.row(self.book.epochs)
        row = f"({EPOCH_NAME}-1)*{self.step.samples}+{SAMPLE_NAME}"
        return f"INDEX({first}:${last}${bottom},{row},{number})"

    # The values shown at first: the first sample in the first epoch ----------------------

    @cached_property
    def _first(self) -> Mapping[Node, Array]:
        return next(run(self.step, 1, self.book.rate, watch=list(self.cells)))

    def numbers(self, block: NodeBlock) -> Array:
        numbers = [np.ravel(self._first[it])[0] if it else 0.0 for it in block.nodes.flat]
        return np.array(numbers, np.float64).reshape(block.grids.shape)


def _kind_at(net: Net, index: int) -> str:
    layer = net.layers[index]
    if slides(layer, net.shapes[index]):
        return "conv" if layer.sums else "pool"
    return layer.word if layer.statistics else ""
