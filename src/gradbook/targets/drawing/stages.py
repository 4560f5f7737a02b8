"""From a network to the stages of its drawing: columns of units, stacks of planes, the loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from math import prod

import numpy as np

from gradbook.graph.names import TOTAL_ERROR, Name
from gradbook.graph.window import Shape
from gradbook.language import tr
from gradbook.layers import Layer
from gradbook.layers.wiring import mask_name
from gradbook.net import Net, Parameter
from gradbook.net.names import number, shown_names

MOST_UNITS = 8  # a longer column shows its first units and the last
FIRST_UNITS = 3


class Link(Enum):
    """How a stage is connected with the one before it."""

    NONE = "none"
    ALL = "all"  # every unit with every unit
    EACH = "each"  # every unit with the one at its place
    WINDOW = "window"  # a window of the planes with one place
    LAID_OUT = "laid out"  # planes become a column
    BRANCH = "branch"  # not at all: it reads an earlier stage


@dataclass(frozen=True)
class Marked:
    """A name, and its value if that is shown."""

    name: Name
    value: float | None = None


@dataclass(frozen=True)
class Neuron:
    """One unit: its sum, its activation, and the bias or target above it."""

    place: int
    names: tuple[Name, ...]
    value: float | None = None
    above: Marked | None = None


@dataclass(frozen=True)
class UnitColumn:
    """Units below each other; None stands for those that are left out."""

    cells: tuple[Neuron | None, ...]
    count: int
    words: tuple[str, ...]
    link: Link
    weight: Callable[[int, int], Marked] | None = None  # of the line to a place from one before
    weights: str = ""  # all of them: w1 … w8
    skips: tuple[int, ...] = ()  # earlier stages that it also reads
    first: int = 0  # its first unit that the stage before is connected with
    joined: tuple[tuple[int, int], ...] = ()  # concatenated stages, each with its first unit
    layers: tuple[int, ...] = ()  # the network's layers that it shows

    @property
    def names(self) -> tuple[Name, ...]:
        return next(cell.names for cell in self.cells if cell)


@dataclass(frozen=True)
class Planes:
    """One plane per channel, all with the same rows and columns."""

    names: tuple[Name, ...]
    shape: Shape
    words: tuple[str, ...]
    link: Link
    window: tuple[int, int] = (1, 1)  # of the planes before, for one place
    weights: str = ""
    skips: tuple[int, ...] = ()
    layers: tuple[int, ...] = ()
    unrolled: int | None = None  # the layer, if it iterates over the steps of a sequence


Stage = UnitColumn | Planes


def stages(net: Net, numbers: bool) -> list[Stage]:
    """The stages from the inputs to E_total, in order."""
    reader = _StageReader(net, numbers)
    names = shown_names(net)
    drawn = [reader.input(names[0])]
    homes = [0]  # the stage of each value
    for index, layer in enumerate(net.layers):
        if _joins(layer, drawn[-1]):
            shown = (*drawn[-1].layers, index)
            drawn[-1] = replace(_joined(drawn[-1], names[index + 1], layer), layers=shown)
        else:
            if layer.has_inner_steps:
                drawn.append(reader.steps(index, layer, names[index + 1]))
                if len(net.shapes[index + 1]) > 1:
                    homes.append(len(drawn) - 1)
                    continue
            stage = reader.stage(index, layer, names[index + 1])
            skips = tuple(homes[value] for value in layer.reads(index) if value != index)
            if isinstance(stage, UnitColumn) and _puts_side_by_side(layer, index):
                joined, first = [], 0  # what is concatenated there, and the unit where each begins
                for value in layer.reads(index):
                    joined.append((homes[value], first))
                    first += net.shapes[value][0]
                stage = replace(stage, joined=tuple(joined))
            layers = () if layer.has_inner_steps else (index,)  # else they are at its planes
            drawn.append(replace(stage, skips=skips, layers=layers))
        homes.append(len(drawn) - 1)
    return drawn + reader.loss()


def drawn_places(count: int) -> tuple[int | None, ...]:
    """The places of a column that are drawn; None in place of the others."""
    if count <= MOST_UNITS:
        return tuple(range(count))
    return (*range(FIRST_UNITS), None, count - 1)


def _link(layer: Layer, shape: Shape) -> Link:
    """How the planes, or units without weights of their own, are connected with those before."""
    if layer.begins_branch:
        return Link.BRANCH
    if len(shape) > 1:
        return Link.WINDOW
    return Link.LAID_OUT if _lays_out(layer) or layer.has_inner_steps else Link.EACH


def _puts_side_by_side(layer: Layer, index: int) -> bool:
    return len(layer.reads(index)) > 1 and not layer.elementwise


def _lays_out(layer: Layer) -> bool:
    """Whether it flattens planes into a column."""
    return layer.passes_on and not layer.elementwise


def _joins(layer: Layer, before: Stage) -> bool:
    """Whether the layer is drawn as the second half of the stage before it."""
    if _lays_out(layer):
        return isinstance(before, UnitColumn)
    fresh = len(before.names) == 1 and before.link not in (Link.NONE, Link.LAID_OUT)
    return layer.names_after and fresh


def _joined(stage: Stage, name: Name, layer: Layer) -> Stage:
    if _lays_out(layer):
        return stage
    words = (*stage.words, layer.text)
    if isinstance(stage, Planes):
        return replace(stage, names=(*stage.names, name), words=words)
    cells = tuple(
        cell and replace(cell, names=(*cell.names, name.at(cell.place + 1))) for cell in stage.cells
    )
    return replace(stage, cells=cells, words=words)


class _StageReader:
    """Builds the stages of one network, with its numbers or without."""

    def __init__(self, net: Net, numbers: bool) -> None:
        self.net = net
        self.start = net.start_values() if numbers else None
        self.sample = net.examples()[0] if numbers and len(net.examples()) == 1 else None

    def input(self, name: Name) -> Stage:
        shape = self.net.shapes[0]
        if len(shape) > 1:
            return Planes((name,), _as_planes(shape), (tr("input"),), Link.NONE)
        cells = tuple(
            None if k is None else Neuron(k, (name.at(k + 1),), self._of_sample("inputs", k))
            for k in drawn_places(shape[0])
        )
        return UnitColumn(cells, shape[0], (tr("input"),), Link.NONE)

    def steps(self, index: int, layer: Layer, name: Name) -> Stage:
        """The states that a recurrent layer computes at all steps."""
        return Planes(
            (name.at_step(None),),
            (self.net.shapes[index + 1][0], 1, self.net.shapes[index][2]),
            (*([self.net.role_of(index)] if layer.sums else []), layer.text),
            Link.WINDOW,
            weights=self._weights(index),
            layers=(index,),
            unrolled=index,
        )

    def stage(self, index: int, layer: Layer, name: Name) -> Stage:
        before, shape = self.net.shapes[index : index + 2]
        if layer.has_inner_steps:
            return self._column(index, layer, name, (tr("at the last step"),))
        words = (*([self.net.role_of(index)] if layer.sums else []), layer.text)
        if len(shape) > 1:
            window = layer.window(before)
            span = window.span if window else (1, 1)
            return Planes(
                (name,), _as_planes(shape), words, _link(layer, shape), span, self._weights(index)
            )
        if layer.sums:
            return self._dense(name, shape[0], words, *self.net.taken(index))
        return self._column(index, layer, name, words)

    def _column(self, index: int, layer: Layer, name: Name, words: tuple[str, ...]) -> UnitColumn:
        """Units that have no weights of their own."""
        shape, first = self.net.shapes[index + 1], 0
        cells = _cells(name, self._laid_out(index + 1))
        if layer.draws:
            mask = mask_name(number(self.net, index))
            cells = tuple(
                cell and replace(cell, above=Marked(mask.at(cell.place + 1))) for cell in cells
            )
        if _puts_side_by_side(layer, index):
            reads = layer.reads(index)
            first = sum(self.net.shapes[read][0] for read in reads[: reads.index(index)])
        return UnitColumn(cells, shape[0], words, _link(layer, shape), first=first)

    def _weights(self, index: int) -> str:
        """The names of a layer's parameters: w1 … w8, b1."""
        return ", ".join(map(_range_words, self.net.taken(index)))

    def _laid_out(self, value: int) -> Shape:
        """The shape in which a value was computed and named, before layers that pass it on."""
        while value and self.net.layers[value - 1].passes_on:
            if self.net.layers[value - 1].draws:
                break
            value -= 1
        return self.net.shapes[value]

    def _dense(
        self, name: Name, width: int, words: tuple[str, ...], weights: Parameter, *biases: Parameter
    ) -> UnitColumn:
        inputs = weights.shape[1]

        def weight(place: int, before: int) -> Marked:
            return self._mark(weights, place * inputs + before)

        def bias(place: int) -> Marked | None:
            return self._mark(biases[0], place if biases[0].size > 1 else 0) if biases else None

        cells = tuple(
            cell and replace(cell, above=bias(cell.place)) for cell in _cells(name, (width,))
        )
        return UnitColumn(cells, width, words, Link.ALL, weight, _range_words(weights))

    def loss(self) -> list[Stage]:
        """Each output's error, if there are such, then the total."""
        net, count, samples = self.net, self.net.outputs, len(self.net.examples())
        mean = (tr("mean over {count} samples", count=samples),) if samples > 1 else ()
        if net.objective.of_all:
            total = Neuron(0, (TOTAL_ERROR,), above=Marked(Name("t")))
            link = Link.ALL if len(net.wanted) == 1 else Link.LAID_OUT
            return [UnitColumn((total,), 1, (tr(str(net.objective)), *mean), link)]

        targets = list(Name("t").elements(net.wanted).values())

        def target(place: int) -> Marked:
            return Marked(targets[place], self._of_sample("targets", place))

        cells = _cells(Name("E"), net.wanted)
        errors = tuple(cell and replace(cell, above=target(cell.place)) for cell in cells)
        within = tr("sum") if net.objective.summed else tr("mean")
        words = mean or ((within,) if count > 1 else ())
        return [
            UnitColumn(
                errors,
                count,
                (tr(str(net.objective)),),
                Link.EACH if len(net.wanted) == 1 else Link.LAID_OUT,
            ),
            UnitColumn((Neuron(0, (TOTAL_ERROR,)),), 1, words, Link.ALL),
        ]

    def _of_sample(self, part: str, place: int) -> float | None:
        return getattr(self.sample, part)[place] if self.sample else None

    def _mark(self, parameter: Parameter, element: int) -> Marked:
        number = parameter.first + element
        value = self.start[parameter.role][number - 1] if self.start else None
        return Marked(Name(str(parameter.role), (number,)), value)


def _as_planes(shape: Shape) -> Shape:
    return (1, *shape) if len(shape) == 2 else shape


def _cells(name: Name, shape: Shape) -> tuple[Neuron | None, ...]:
    """The units of a column; values from planes keep the names of their places."""
    return tuple(
        None
        if k is None
        else Neuron(k, (name.element(tuple(map(int, np.unravel_index(k, shape))), shape),))
        for k in drawn_places(prod(shape))
    )


def _range_words(parameter: Parameter) -> str:
    first, last = parameter.first, parameter.first + parameter.size - 1
    role = parameter.role
    return f"{role}{first}" if first == last else f"{role}{first} … {role}{last}"
