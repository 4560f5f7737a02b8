"""What the sheet Grids shows: each layer's parameters and maps, their gradients beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import ceil

import numpy as np

from gradbook.graph.names import Name
from gradbook.graph.node import Array, Node
from gradbook.graph.window import Shape
from gradbook.language import mark, tr
from gradbook.layers import Layer, Parameter, Role
from gradbook.net.names import number, value_name
from gradbook.net.step import Step, run
from gradbook.palette import GRADIENT, WEIGHT, colour_of
from gradbook.targets.excel.grids.blocks import LEFT, Grids, NodeBlock, most_across, planes
from gradbook.targets.excel.grids.steps import slides, step_blocks
from gradbook.targets.excel.language import Reference, Speller, write
from gradbook.targets.excel.plan.book import WorkbookPlan, is_in_steps, last_grid_layer

EPOCH_NAME, SAMPLE_NAME = "grids_epoch", "grids_sample"
FIRST_ROW = 5  # of the first stage
ABOVE = 3  # rows above the values of blocks: a title, and the numbers of columns
SLOPE_OF = "{0}∂E/∂"  # before each name
WEIGHT_LINES = 3  # beside a weight that is looked at
LINES = {"conv": 5, "pool": 3, "batchnorm": 9}  # beside a place that is looked at, and the verdict
LETTERS = 7  # of a title that a column has room for
FEW = "ŵ"  # what is read of weights of few bits
STATISTICS = "γβμσs"  # one below the other, a column for each channel


@dataclass(frozen=True)
class GridStage:
    """The input or a layer from top to bottom: parameters, a place to look at, what it makes."""

    index: int  # of the layer; -1 is the input
    layer: Layer | None
    kind: str  # conv, pool or batchnorm, of which one place can be looked at; else nothing
    words: str
    row: int  # of its title
    parameters: Mapping[str, NodeBlock]  # the w and b of a convolution; STATISTICS
    inner: tuple[NodeBlock, ...]  # of a layer in steps: its parameters and the values it names
    place_row: int  # of the place to look at
    values: NodeBlock
    slopes: tuple[NodeBlock, ...]
    reads: tuple[int, ...]  # the numbers of the stages whose values it is given
    weight_row: int | None  # of a weight whose gradient is looked at, below the values
    end: int

    @property
    def pieces(self) -> tuple[tuple[int, int], ...]:
        """From which row to which it should stay together on a page; it is cut between them."""
        starts = [block.grids.top - ABOVE + 1 for block in (*self.inner, self.values)]
        return (
            tuple(pairwise([self.row, *starts[1:], self.end]))
            if self.inner
            else ((self.row, self.end),)
        )

    @property
    def blocks(self) -> tuple[NodeBlock, ...]:
        return (*self.parameters.values(), *self.inner, self.values, *self.slopes)

    def slope_of(self, block: NodeBlock) -> NodeBlock | None:
        """The gradients of some of its values or parameters."""
        names = block.names.format(SLOPE_OF)
        return next((slope for slope in self.slopes if slope.names == names), None)


@dataclass(frozen=True)
class GridScene:
    """Where everything on the sheet stands, and what the formulas say that look it up."""

    book: WorkbookPlan

    @property
    def step(self) -> Step:
        return self.book.step

    @cached_property
    def stages(self) -> tuple[GridStage, ...]:
        net, found, row = self.step.net, list[GridStage](), FIRST_ROW
        places = {0: 0}  # the stage at which each value stands
        for index in range(-1, last_grid_layer(net) + 1):
            layer = net.layers[index] if index >= 0 else None
            if layer is not None and layer.passes_on and self._is_shown(index):
                places[index + 1] = places[index]
                continue
            reads = tuple(places[k] for k in layer.reads(index)) if layer else ()
            places[index + 1] = len(found)
            found.append(self._stage(index, layer, row, reads))
            row = found[-1].end + 2
        return tuple(found)

    def _is_shown(self, index: int) -> bool:
        """Whether what a layer passes on stands there already: in its shape, or in steps."""
        before, after = self.step.net.shapes[index : index + 2]
        return before == after or is_in_steps(self.step.net)

    def _stage(
        self, index: int, layer: Layer | None, row: int, reads: tuple[int, ...]
    ) -> GridStage:
        if index in self._in_steps:
            return self._stage_in_steps(index, layer, row, reads)
        net, words, kind = self.step.net, tr("input"), ""
        top, parameters, slopes = row + ABOVE, dict[str, NodeBlock](), list[NodeBlock]()
        name, shape = Name("i"), net.shapes[index + 1]
        if layer is not None:
            words, name = f"{index + 1}. {layer.text}", value_name(net, index)
            kind = _kind(layer, net.shapes[index])
        for key, block in self._parameters(index, top):
            parameters[key] = block
            top = block.grids.top + block.grids.height + ABOVE
            slopes += self._slopes(block)
        place_row = top - ABOVE + (1 if parameters else 2)
        if kind:
            top = place_row + self._place_height(index, kind) + ABOVE
        if layer is not None and layer.passes_on:
            values = self._values(name, net.shapes[index], top, flat=True)
        else:
            values = self._values(name, shape, top)
        end, weight_row = top + values.grids.height, None
        own = [*self._slopes(values)] if layer else []
        if own and "w" in parameters and slopes and self._can_take_apart(index, parameters["w"]):
            weight_row = end + 1
            end = weight_row + 2 + max(values.grids.shape[1] + 1, WEIGHT_LINES)
        found = tuple(slopes + own)
        return GridStage(
            index,
            layer,
            kind,
            words,
            row,
            parameters,
            (),
            place_row,
            values,
            found,
            reads,
            weight_row,
            end,
        )

    def _stage_in_steps(
        self, index: int, layer: Layer | None, row: int, reads: tuple[int, ...]
    ) -> GridStage:
        """Its blocks below each other, each with its gradients on the right."""
        words = f"{index + 1}. {layer.text}" if layer else tr("input")
        top, blocks, slopes = row + ABOVE, list[NodeBlock](), list[NodeBlock]()
        for block in self._in_steps[index]:
            blocks.append(replace(block, grids=replace(block.grids, top=top)))
            slopes += self._slopes(blocks[-1]) if layer else ()
            top += block.grids.height + ABOVE
        *inner, values = blocks
        end, own = top - ABOVE, tuple(slopes)
        return GridStage(
            index, layer, "", words, row, {}, tuple(inner), row, values, own, reads, None, end
        )

    @cached_property
    def _in_steps(self) -> dict[int, list[NodeBlock]]:
        """The stages of a sequence that are matrices, by layers: all that no window goes over."""
        net = self.step.net
        if not is_in_steps(net):
            return {}
        last, slid = last_grid_layer(net), set[int]()  # the values that windows go over
        for index in reversed(range(last + 1)):
            layer = net.layers[index]
            if _kind(layer, net.shapes[index]) or (layer.passes_on and index + 1 in slid):
                slid.update(layer.reads(index))
        return {
            index: step_blocks(self.step, index, as_maps=index + 1 in slid)
            for index in range(-1, last + 1)
            if index < 0
            or not (net.layers[index].passes_on or _kind(net.layers[index], net.shapes[index]))
        }

    def _place_height(self, index: int, kind: str) -> int:
        """Of the cells to type in, and below them the window and the lines beside it."""
        layer, shape = self.step.net.layers[index], self.step.net.shapes[index]
        window = layer.window(shape)
        high = window.size[0] if window else 0
        sources = shape[0] // layer.groups if layer.sums else 1
        return 2 + max(sources * (high + 1), LINES[kind])

    # Blocks --------------------------------------------------------------------

    def _values(self, name: Name, shape: Shape, top: int, flat: bool = False) -> NodeBlock:
        """The values that a tensor's names are those of; `flat`: each by itself, in a row."""
        nodes = np.array([self._called[str(x)] for x in name.elements(shape).values()])
        made = (nodes.size, 1, 1) if flat else planes(shape)
        nodes = nodes.reshape(made)
        grids = self._grids(made, top)
        own = [str(name.at(k + 1)) for k in range(made[0])] if made[0] > 1 else [str(name)]
        labels = [str(node.name) for node in nodes.flat] if flat else own
        words = tr(_MEANINGS.get(name.stem, WHAT_COMES_OUT))
        return NodeBlock(f"{{0}}{name}", words, colour_of(name.stem), grids, nodes, tuple(labels))

    def _parameters(self, index: int, top: int) -> Iterator[tuple[str, NodeBlock]]:
        """One below the other; where each begins depends on the height of those before it."""
        net = self.step.net
        if index < 0:
            return
        layer = net.layers[index]
        if layer.statistics:
            yield STATISTICS, self._statistics(index, top)
        if not (layer.sums and layer.window(net.shapes[index])):
            return
        for parameter in net.taken(index):
            block = self._parameter(parameter, index, top)
            top = block.grids.top + block.grids.height + ABOVE
            yield str(parameter.role), block
            if layer.bits and parameter.role is Role.WEIGHT:
                read = self._read(block)
                top = read.grids.top + read.grids.height + ABOVE
                yield FEW, read

    def _read(self, weights: NodeBlock) -> NodeBlock:
        """What sums read of weights of few bits, below these."""
        grids = weights.grids
        nodes = np.array(
            [self._called[f"{FEW}{node.name.numbers[-1]}"] for node in weights.nodes.flat]
        )
        return replace(
            weights,
            names=weights.names.replace(str(Role.WEIGHT), FEW),
            words=tr("as the sums read them: a scale times whole numbers"),
            grids=replace(grids, top=grids.top + grids.height + ABOVE),
            nodes=nodes.reshape(grids.shape),
        )

    def _statistics(self, index: int, top: int) -> NodeBlock:
        """What a normalisation has learned, and what it finds in the samples, by channels."""
        net = self.step.net
        shape, place = net.shapes[index][:1], number(net, index)
        learned = [p.names for p in net.taken(index)]
        found = [Name(stem, layer=place).elements(shape).values() for stem in ("μ", "σ²", "s")]
        names = [[str(name) for name in row] for row in (*learned, *found)]
        nodes = np.array([[[self._called[name] for name in row] for row in names]])
        grids = Grids(nodes.shape, top, LEFT)
        stems = ("γ", "β", "μ", "σ²", "s")
        said, words = ", ".join(f"{{0}}{stem}" for stem in stems), tr("a column for each channel")
        return NodeBlock(said, words, WEIGHT, grids, nodes, ("",), stems)

    def _parameter(self, parameter: Parameter, index: int, top: int) -> NodeBlock:
        """A convolution's kernels, or its biases."""
        nodes = np.array([self._called[name] for name in parameter.names])
        ends = dict.fromkeys((parameter.names[0], parameter.names[-1]))
        said = " … ".join(f"{{0}}{name}" for name in ends)
        if parameter.role is not Role.WEIGHT:
            grids, words = self._grids((nodes.size, 1, 1), top), tr("added to each place of a map")
            own = nodes.reshape(grids.shape)
            return NodeBlock(said, words, WEIGHT, grids, own, tuple(parameter.names))
        made, sources, high, wide = parameter.shape
        maps = value_name(self.step.net, index)
        names = [str(maps.at(k + 1) if made > 1 else maps) for k in range(made)]
        labels = [
            f"{name}←{k + 1}" if sources > 1 else name for name in names for k in range(sources)
        ]
        grids = self._grids((made * sources, high, wide), top, together=sources)
        words = tr("the kernels, one for each map")
        if sources > 1:
            words = tr("the kernels, one for each map and what it reads")
        return NodeBlock(said, words, WEIGHT, grids, nodes.reshape(grids.shape), tuple(labels))

    def _slopes(self, block: NodeBlock) -> Iterator[NodeBlock]:
        """The gradients of what is trained, or of what lies on the way to it."""
        adjoints = {**self.step.adjoints, **self.step.gradients}
        nodes = np.array([adjoints.get(node) if node else None for node in block.nodes.flat])
        nodes = nodes.reshape(block.grids.shape)
        if not any(node is not None for node in nodes.flat):
            return
        words = tr("how the error changes with each")
        if self.book.several and not block.is_of_sample:
            words = tr("how the error changes with each, all samples together")
        grids = replace(block.grids, left=self.right)
        names = block.names.format(SLOPE_OF)
        yield replace(block, names=names, words=words, tint=GRADIENT, grids=grids, nodes=nodes)

    def _grids(self, shape: tuple[int, int, int], top: int, together: int = 1) -> Grids:
        return Grids(shape, top, LEFT, most_across(shape, together))

    @cached_property
    def right(self) -> int:
        """The column of the first gradients."""
        net = self.step.net
        places = range(last_grid_layer(net) + 2)
        shapes = [(planes(net.shapes[k]), 1) for k in places if k - 1 not in self._in_steps]
        blocks = [block for own in self._in_steps.values() for block in own]
        for parameter in net.parameters:
            if len(parameter.shape) == 4 and parameter.layer not in self._in_steps:
                made, sources, high, wide = parameter.shape
                shapes.append(((made * sources, high, wide), sources))
        widths = [Grids(shape, 0, 0, most_across(shape, n)).width for shape, n in shapes]
        return LEFT + max([*widths, *map(_columns, blocks)]) + 2

    @cached_property
    def _called(self) -> dict[str, Node]:
        return self.step.graph.by_name

    # What the cells say ----------------------------------------------------------

    @cached_property
    def cells(self) -> dict[Node, str]:
        """Where each value stands on the sheet, first of all."""
        found: dict[Node, str] = {}
        for block in (block for stage in self.stages for block in stage.blocks):
            for place in block.grids.places():
                node = block.nodes[place]
                if node is not None:
                    found.setdefault(node, block.grids.cell(*place))
        return found

    def formula(self, node: Node | None, cell: str) -> str:
        """What looks a value up in the epoch, and for the sample, that are asked for.

        A gradient without a column of its own is written out in terms of the cells around it.
        """
        if node is None:
            return "=0"
        home = self.cells[node]
        return f"={home}" if home != cell else f"={self._looked_up(node) or self._said(node)}"

    def _said(self, node: Node) -> str:
        return write(Speller(self._refer, self._block, self.book.guarded).formula(node))

    def _refer(self, node: Node) -> Reference | None:
        said = self.cells.get(node) or self._looked_up(node)
        return Reference(said) if said else None

    def _block(self, node: Node) -> Reference:
        """A value of all samples of the epoch."""
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
        """What one sample adds to the gradients of some weights, as far as it has columns."""
        named = (self._called.get(f"g_{node.name}") for node in block.nodes.flat)
        columns = self.book.training.of_sample.columns
        return [node for node in named if node is not None and node in columns]

    def _can_take_apart(self, index: int, block: NodeBlock) -> bool:
        """Whether gradients come from this layer alone, and what each sample adds to them stands
        side by side, so that one formula finds any of it."""
        if self.step.net.owners.count(self.step.net.owners[index]) > 1:
            return False
        if not self.book.several:
            return True
        columns = [self.book.training.of_sample.columns[node] for node in self._shares(block)]
        return len(columns) == block.nodes.size and columns == [*range(columns[0], columns[-1] + 1)]

    def share(self, block: NodeBlock, number: str) -> str:
        """What the sample adds to the gradient of the weight of that number, from 1."""
        run, shares = self.book.training, self._shares(block)
        first, last = run.of_sample.cell(shares[0]), run.of_sample.column(shares[-1])
        bottom = run.of_sample.row(self.book.epochs)
        row = f"({EPOCH_NAME}-1)*{self.step.samples}+{SAMPLE_NAME}"
        return f"INDEX({first}:${last}${bottom},{row},{number})"

    # What they show at first: the first sample in the first epoch ------------------------

    @cached_property
    def _first(self) -> Mapping[Node, Array]:
        return next(run(self.step, 1, self.book.rate, watch=list(self.cells)))

    def numbers(self, block: NodeBlock) -> Array:
        found = [self._number(node) for node in block.nodes.flat]
        return np.array(found).reshape(block.grids.shape)

    def _number(self, node: Node | None) -> float:
        return float(np.ravel(self._first[node])[0]) if node is not None else 0.0


def _columns(block: NodeBlock) -> int:
    """How many it takes, with room for its title."""
    return max(block.grids.width, ceil(len(block.title) / LETTERS) - 1)


def _kind(layer: Layer, shape: Shape) -> str:
    if slides(layer, shape):
        return "conv" if layer.sums else "pool"
    return "batchnorm" if layer.statistics else ""


WHAT_COMES_OUT = mark("what comes out")
_MEANINGS = {
    "i": mark("what the network receives"),
    "c": mark("the weighted sum of each window"),
    "p": mark("the value kept from each window"),
    "a": mark("what is passed on"),
    "y": mark("normalised, scaled and shifted"),
    "z": mark("both added"),
    "f": mark("the earlier values that a branch continues from"),
}
