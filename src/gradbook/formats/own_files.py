"""Reads gradbook's own files from the network text in their metadata, if it writes the same graph.

The network of that text is written twice: first with distinct numbers as its parameters, which
shows where each one is in the file; then with the file's own numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from math import prod
from typing import Any

import numpy as np

from gradbook.errors import GradbookError
from gradbook.formats.foreign import ForeignGraph
from gradbook.formats.imported import (
    REASONS,
    ImportedLayer,
    ImportedNet,
    StoredLayer,
    find_repeats,
    in_a_row,
    preparation_of,
    start_of,
    with_bias_and_distance,
)
from gradbook.formats.layouts import SAMPLES
from gradbook.graph.node import Array
from gradbook.graph.window import Shape
from gradbook.layers import forms
from gradbook.net import Net
from gradbook.net.names import statistics_names
from gradbook.net.trained import ByFeature, ByStep, Scaling, TrainedNet, trained_net

MOST_TEXT = 2**16  # in characters
FIRST, MOST = 2**20, 2**24  # the numbers that stand for parameters; float32 distinguishes them
Written = Callable[[TrainedNet, bool], ForeignGraph]  # network, with preparation


def noted_network(trained: TrainedNet, with_preparation: bool) -> dict[str, Any]:
    """Return the metadata that describe the network of these layers, if a text can."""
    try:
        text = str(_net_of(trained))
    except GradbookError:
        return {}
    network = {"text": text, "scaling": trained.scaling.noted, "spread": list(trained.spread)}
    return {"network": network | {"prepares": with_preparation, "picture": trained.picture}}


def _net_of(trained: TrainedNet) -> Net:
    layers = list[ImportedLayer]()
    first = int(isinstance(trained.layers[0].layer, ByFeature))
    written = {kind for kind, _ in forms().values()}
    for layer in trained.layers[first:]:
        if isinstance(layer.layer, ByStep):
            continue
        if type(layer.layer) not in written:
            raise GradbookError(f"{layer.name} has no text form")
        reads, stored = tuple(value - first for value in layer.reads), (layer.again or layer.name,)
        layers.append(ImportedLayer(layer.layer, reads, dict(layer.tensors), layer.name, stored))
    layers = in_a_row(layers)
    described = tuple(with_bias_and_distance(layer, number) for number, layer in enumerate(layers))
    stored_layers = [
        StoredLayer(layer, imported.weights, imported.stored if imported.weights else ())
        for layer, imported in zip(described, layers, strict=True)
    ]
    again = find_repeats(stored_layers)
    net = trained.net
    return Net(input=net.input, layers=described, loss=net.loss, again=again, tokens=net.tokens)


def read_own(graph: ForeignGraph, written: Written) -> ImportedNet | None:
    """Return the network of the text in the metadata; None if it doesn't write the same graph."""
    note = graph.notes.network
    try:
        return _read(graph, note, written) if note else None
    except (GradbookError, RecursionError, *REASONS):
        return None


def _read(graph: ForeignGraph, note: Mapping[str, Any], written: Written) -> ImportedNet | None:
    text, (deviation, mean) = note["text"], map(float, note["spread"])
    notes = replace(graph.notes, spread=(deviation, mean))
    if len(text) > MOST_TEXT:
        return None
    net = replace(Net.parse(text), samples=(), start={})
    structure, numbers = _taken_apart(graph)
    shapes = {name: shape for name, shape in _shapes(net).items() if name not in _constants(net)}
    count = sum(map(prod, shapes.values()))
    if count > min(MOST - FIRST, sum(array.size for array in numbers)):
        return None
    prepared = preparation_of(note["scaling"])
    if prepared is None:
        return None
    scaling = Scaling(prepared.most, np.array(prepared.mean), np.array(prepared.deviation))
    picture = None
    if note["picture"]:
        planes, rows, columns = map(int, note["picture"])
        picture = planes, rows, columns
        if prod(picture) != prod(net.input):
            return None

    def content(learned: Array) -> tuple[object, list[Array]]:
        values = _constants(net) | _apart(learned, shapes)
        network = replace(
            trained_net(net, values, scaling, picture, notes.classes, notes.spread),
            columns=dict(notes.columns),
            targets=notes.targets,
            labels=notes.labels,
            filling=np.array(notes.filling) if notes.filling else None,
        )
        return _taken_apart(written(network, note["prepares"] is True))

    rewritten, places = content(FIRST + np.arange(count, dtype=np.float64))
    if rewritten != structure:
        return None
    learned = np.full(count, np.nan)
    for expected, array in zip(numbers, places, strict=True):
        if array.dtype.kind == "f":
            is_number = (array >= FIRST) & (array < FIRST + count) & (array % 1 == 0)
            learned[array[is_number].astype(np.int64) - FIRST] = expected[is_number]
    if not np.isfinite(learned).all():
        return None
    _, again = content(learned)
    if not all(map(np.array_equal, numbers, again)):
        return None
    values = _constants(net) | _apart(learned, shapes)
    folded = graph.remark and not any(layer.statistics for layer in net.layers)
    remarks = (graph.remark,) if folded else ()
    trained = replace(net, start=start_of(net, values))
    return ImportedNet(trained, values, prepared, notes, remarks, net.shapes[-1], picture=picture)


def _shapes(net: Net) -> dict[str, Shape]:
    """The shapes of everything that was trained, by the names of the graph's leaves."""
    shapes = {str(parameter.leaf): parameter.shape for parameter in net.parameters}
    for index, layer in enumerate(net.layers):
        if layer.statistics:
            shapes |= dict.fromkeys(statistics_names(net, index), net.shapes[index][:1])
    return shapes


def _constants(net: Net) -> dict[str, Array]:
    """The constants of formulas."""
    constants = (p for p in net.parameters if p.is_constant)
    return {str(p.leaf): np.array(p.start).reshape(p.shape) for p in constants}


def _apart(numbers: Array, shapes: Mapping[str, Shape]) -> dict[str, Array]:
    ends = np.cumsum([prod(shape) for shape in shapes.values()])[:-1]
    pieces = np.split(numbers, ends)
    return {n: x.reshape(shape) for (n, shape), x in zip(shapes.items(), pieces, strict=True)}


def _taken_apart(graph: ForeignGraph) -> tuple[object, list[Array]]:
    """Separate a graph into its structure, without the arrays' numbers, and its arrays."""
    arrays = list[Array]()

    def frame(value: object) -> object:
        if isinstance(value, np.ndarray):
            arrays.append(value)
            return value.dtype.str, value.shape
        if isinstance(value, Mapping):
            return [(name, frame(value[name])) for name in sorted(value)]
        if isinstance(value, list | tuple):
            return [frame(part) for part in value]
        if is_dataclass(value):
            return [frame(getattr(value, part.name)) for part in fields(value)]
        return type(value), value

    flags = graph.batch, graph.is_bytes, graph.is_whole, graph.has_complement, graph.version
    ways = [way.size for way in graph.ways(SAMPLES)]
    parts = [graph.ops, graph.constants, graph.input, graph.output, *flags, ways]
    return frame(parts), arrays
