"""The blocks of a layer from top to bottom: its parameters, its inner values, its output.

For pictures, a block has one grid per channel. Sequences are laid out as matrices, with one row
per unit and one column per step; a layer's inner values, such as queries and scores, follow in the
order in which they are computed, each below the weights that it is computed with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from gradbook.graph.names import Name, is_sequence
from gradbook.graph.node import Scalars
from gradbook.graph.window import Shape
from gradbook.language import mark, tr
from gradbook.layers import Layer, Parameter, Role
from gradbook.layers.sequences import ONE_STEP, of_state
from gradbook.net.inner import InnerPlanes, inner_planes, parameter_plane
from gradbook.net.names import layer_names, number, value_name
from gradbook.net.step import Step
from gradbook.palette import WEIGHT, Colour, colour_of
from gradbook.targets.excel.grids.blocks import LEFT, Grids, NodeBlock, most_across, planes

FEW = "ŵ"  # the rounded value of a weight of few bits
STATISTICS = "γβμσs"  # rows below each other, with one column per channel
IN_BETWEEN, WHAT_COMES_OUT = mark("values in between"), mark("the output")
MEANINGS = {
    "i": mark("what the network receives"),
    "c": mark("the weighted sum of each window"),
    "p": mark("the pooled value of each window"),
    "a": mark("the layer's output"),
    "y": mark("normalised, scaled and shifted"),
    "z": mark("the sum of both"),
    "f": mark("the earlier values that a branch continues from"),
}


def slides(layer: Layer, shape: Shape) -> bool:
    """Whether the layer's window slides over more than one place of the input."""
    window = layer.window(shape)
    return bool(window) and not (is_sequence(shape) and window == ONE_STEP)


# Pictures ------------------------------------------------------------------------


def picture_blocks(step: Step, index: int) -> list[NodeBlock]:
    """A layer's parameters, and last its output; -1 is the input."""
    net = step.net
    if index < 0:
        return [_maps(step, Name("i"), net.input)]
    layer, blocks = net.layers[index], list[NodeBlock]()
    if layer.statistics:
        blocks.append(_statistics(step, index))
    if layer.sums and layer.window(net.shapes[index]):
        for parameter in net.taken(index):
            is_weight = parameter.role is Role.WEIGHT
            blocks.append((_kernels if is_weight else _shifts)(step, parameter, index))
            if layer.bits and is_weight:
                blocks.append(_levels(step, blocks[-1]))
    name = value_name(net, index)
    if layer.passes_on:  # each value is a block of one cell, in a row
        nodes = _nodes(step, name.elements(net.shapes[index]).values())
        words, labels = tr(MEANINGS.get(name.stem, WHAT_COMES_OUT)), [str(it.name) for it in nodes]
        cells = nodes.reshape(-1, 1, 1)
        return [*blocks, _block(f"{{0}}{name}", words, colour_of(name.stem), cells, labels)]
    return [*blocks, _maps(step, name, net.shapes[index + 1])]


def _maps(step: Step, name: Name, shape: Shape, words: str = "") -> NodeBlock:
    """A grid for each channel of a tensor's values."""
    nodes = _nodes(step, name.elements(shape).values()).reshape(planes(shape))
    labels = [str(name.at(k + 1)) for k in range(len(nodes))] if len(nodes) > 1 else [str(name)]
    words = words or tr(MEANINGS.get(name.stem, WHAT_COMES_OUT))
    return _block(f"{{0}}{name}", words, colour_of(name.stem), nodes, labels)


def _kernels(step: Step, parameter: Parameter, index: int) -> NodeBlock:
    outputs, sources, high, wide = parameter.shape
    name = value_name(step.net, index)
    maps = [str(name.at(k + 1)) if outputs > 1 else str(name) for k in range(outputs)]
    words, labels = tr("the kernels, one for each map"), maps
    if sources > 1:
        words = tr("the kernels, one for each map and input channel")
        labels = [f"{it}←{k + 1}" for it in maps for k in range(sources)]
    nodes = _nodes(step, parameter.names).reshape(outputs * sources, high, wide)
    return _block(_span(parameter), words, WEIGHT, nodes, labels, sources, str(Role.WEIGHT))


def _levels(step: Step, kernels: NodeBlock) -> NodeBlock:
    """Weights of few bits as sums read them."""
    names = [f"{FEW}{node.name.numbers[-1]}" for node in kernels.nodes.flat]
    return replace(
        kernels,
        names=kernels.names.replace(str(Role.WEIGHT), FEW),
        words=tr("as the sums read them: a scale times whole numbers"),
        nodes=_nodes(step, names).reshape(kernels.grids.shape),
        key=FEW,
    )


def _shifts(step: Step, parameter: Parameter, _: int) -> NodeBlock:
    nodes, words = _nodes(step, parameter.names), tr("added to each place of a map")
    nodes, key = nodes.reshape(-1, 1, 1), str(parameter.role)
    return _block(_span(parameter), words, WEIGHT, nodes, parameter.names, key=key)


def _statistics(step: Step, index: int) -> NodeBlock:
    """A normalisation's learned parameters and the samples' statistics, by channel."""
    net = step.net
    stems = ("γ", "β", "μ", "σ²", "s")
    shape, place = net.shapes[index][:1], number(net, index)
    learned = [_nodes(step, parameter.names) for parameter in net.taken(index)]
    measured = (Name(stem, layer=place).elements(shape).values() for stem in stems[2:])
    nodes = np.array([[*learned, *(_nodes(step, names) for names in measured)]])
    names, words = ", ".join(f"{{0}}{stem}" for stem in stems), tr("one column per channel")
    grids = Grids(nodes.shape, 0, LEFT)
    return NodeBlock(names, words, WEIGHT, grids, nodes, ("",), stems, key=STATISTICS)


# Sequences -----------------------------------------------------------------------


def step_blocks(step: Step, index: int, as_maps: bool = False) -> list[NodeBlock]:
    """A layer's parameters and inner values, and last its output; -1 is the input.

    With `as_maps`, the output is one grid per unit, for layers that slide over it.
    """
    net, name = step.net, layer_names(step.net)[index + 1]
    if index < 0:
        return [_result_block(step, name, net.shapes[0], tr("what the network receives"), as_maps)]
    layer = net.layers[index]
    inner = inner_planes(step, index, [step.loss]) if layer.has_inner_values else []
    words = layer.words(net.shapes[layer.reads(index)[0]])
    last = _result_block(step, name, net.shapes[index + 1], words, as_maps)
    # for a layer that returns its last state: the states at all steps
    holding = (it for it in inner if set(last.nodes.flat) <= set(it.nodes.flat))
    whole = next(holding, None)
    if whole and not as_maps:
        last = _plane_block(layer, whole, words)
    blocks, waiting = list[NodeBlock](), list(net.taken(index))
    for it in inner:
        parts = {it.name.word, of_state(it.name.word)} if layer.sums else set()
        blocks += [
            _weights(step, parameter, index) for parameter in waiting if parameter.part in parts
        ]
        waiting = [parameter for parameter in waiting if parameter.part not in parts]
        blocks += [_plane_block(layer, it, tr(IN_BETWEEN))] if it is not whole else []
    return [*blocks, *(_weights(step, parameter, index) for parameter in waiting), last]


def _result_block(step: Step, name: Name, shape: Shape, words: str, as_maps: bool) -> NodeBlock:
    if as_maps:
        return _maps(step, name, shape, words)
    across = shape[2] if is_sequence(shape) else 1
    nodes = _nodes(step, name.elements(shape).values()).reshape(1, -1, across)
    return _matrix(name, words, nodes)


def _plane_block(layer: Layer, inner: InnerPlanes, otherwise: str) -> NodeBlock:
    """A layer's inner values, titled with the layer's own description of them."""
    name = inner.name
    words = layer.inner_words.get(f"{name.stem}_{name.word or (name.of.stem if name.of else '')}")
    title = tr(words).partition(". ")[0] if words else otherwise
    return _matrix(name, title, inner.nodes, inner.is_by_heads)


def _matrix(name: Name, words: str, nodes: Scalars, is_by_heads: bool = False) -> NodeBlock:
    """A block with named rows; or one per attention head, where rows are steps, as columns are."""
    heads, units, _ = nodes.shape
    labels = [str(name.at(k + 1)) for k in range(heads)] if heads > 1 else [""]
    rows = tuple(str(name.at(k + 1) if units > 1 else name) for k in range(units))
    block = _block(f"{{0}}{name}", words, colour_of(name.stem), nodes, labels)
    missing = frozenset(place for place in block.grids.places() if nodes[place] is None)
    return replace(block, rows=() if is_by_heads else rows, missing=missing)


def _weights(step: Step, parameter: Parameter, index: int) -> NodeBlock:
    nodes = parameter_plane(step, parameter, step.net.shapes[index + 1])[None]
    many = f"{parameter.role.tensor}{'es' if parameter.role.tensor.endswith('s') else 's'}"
    words = f"{parameter.part.replace('_', ' ')} {many}".strip()
    grids = Grids(nodes.shape, 0, LEFT)
    return NodeBlock(_span(parameter), words, WEIGHT, grids, nodes, ("",))


# Shared by pictures and sequences ------------------------------------------------


def _nodes(step: Step, names: Iterable[Name | str]) -> Scalars:
    return np.array([step.graph.by_name[str(name)] for name in names])


def _span(parameter: Parameter) -> str:
    """w1 … w9, with room for a prefix before each."""
    ends = dict.fromkeys((parameter.names[0], parameter.names[-1]))
    return " … ".join(f"{{0}}{name}" for name in ends)


def _block(
    names: str,
    words: str,
    tint: Colour,
    nodes: Scalars,
    labels: Sequence[str],
    together: int = 1,
    key: str = "",
) -> NodeBlock:
    grids = Grids(nodes.shape, 0, LEFT, most_across(nodes.shape, together))
    return NodeBlock(names, words, tint, grids, nodes, tuple(labels), key=key)
