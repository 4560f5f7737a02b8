"""Blocks of a network that reads sequences: matrices with a row for each unit, a column a step.

A layer's own values, such as queries and scores, stand in the order in which they are computed,
each below the weights that it is made with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod

import numpy as np

from gradbook.graph.names import Name, is_sequence
from gradbook.graph.node import Node, Scalars, ancestors
from gradbook.graph.window import Shape
from gradbook.language import mark, tr
from gradbook.layers import Layer, Parameter
from gradbook.layers.sequences import ONE_STEP, of_state
from gradbook.net.inner import LayerAlone
from gradbook.net.names import layer_names
from gradbook.net.step import Step
from gradbook.palette import WEIGHT, colour_of
from gradbook.targets.excel.grids.blocks import LEFT, Grids, NodeBlock, most_across, planes

IN_BETWEEN = mark("values in between")


def slides(layer: Layer, shape: Shape) -> bool:
    """Whether it has a window that goes over more than one place at a time."""
    window = layer.window(shape)
    return bool(window) and not (is_sequence(shape) and window == ONE_STEP)


def step_blocks(step: Step, index: int, as_maps: bool = False) -> list[NodeBlock]:
    """What a layer is made of and makes, what it passes on last; -1 is the input.

    That is laid out `as_maps`, a grid for each unit, for layers that slide over it.
    """
    net, name = step.net, layer_names(step.net)[index + 1]
    if index < 0:
        return [_matrix(step, name, net.shapes[0], tr("what the network receives"), as_maps)]
    layer = net.layers[index]
    inner = list(_inner(step, index)) if layer.has_inner_values else []
    words = layer.words(net.shapes[layer.reads(index)[0]])
    last = _matrix(step, name, net.shapes[index + 1], words, as_maps)
    whole = _holding(last, [block for _, block in inner])
    if whole and not as_maps:
        last = replace(whole, words=whole.words or words)
    found, waiting = list[NodeBlock](), list(net.taken(index))
    for word, block in inner:
        parts = {word, of_state(word)} if layer.sums else set()
        found += [_parameter(step, it, index) for it in waiting if it.part in parts]
        waiting = [it for it in waiting if it.part not in parts]
        found += [replace(block, words=block.words or tr(IN_BETWEEN))] if block is not whole else []
    return [*found, *(_parameter(step, it, index) for it in waiting), last]


def _holding(made: NodeBlock, inner: list[NodeBlock]) -> NodeBlock | None:
    """The block that holds what a layer makes: of a last state, the states at all steps."""
    own = set(made.nodes.flat)
    return next((block for block in inner if own <= set(block.nodes.flat)), None)


def _matrix(step: Step, name: Name, shape: Shape, words: str, as_maps: bool) -> NodeBlock:
    called = step.graph.by_name
    nodes = np.array([called[str(own)] for own in name.elements(shape).values()])
    across = shape[2] if is_sequence(shape) else 1
    if as_maps:
        return _block(name, words, nodes.reshape(planes(shape)), heads=True)
    return _block(name, words, nodes.reshape(1, -1, across))


def _block(name: Name, words: str, nodes: Scalars, heads: bool = False) -> NodeBlock:
    """Each row has a name; or each of the `heads`, in which a row is a step like a column."""
    channels, units, _ = shape = nodes.shape
    rows = tuple(str(name.at(k + 1) if units > 1 else name) for k in range(units))
    labels = tuple(str(name.at(k + 1)) for k in range(channels)) if channels > 1 else ("",)
    grids = Grids((channels, units, shape[2]), 0, LEFT, most_across((channels, units, shape[2])))
    return NodeBlock(
        f"{{0}}{name}",
        words,
        colour_of(name.stem),
        grids,
        nodes,
        labels,
        () if heads else rows,
        frozenset(place for place in grids.places() if nodes[place] is None),
    )


def _inner(step: Step, index: int) -> Iterator[tuple[str, NodeBlock]]:
    """Its values on the way, with their word; those of one kind at all steps are one block."""
    net, called = step.net, step.graph.by_name
    layer = net.layers[index]
    (read,) = layer.reads(index)
    steps = net.shapes[read][2]
    met = set(ancestors([step.loss]))  # a causal layer has scores that lead nowhere
    kinds: dict[Name, list[Node]] = {}
    for node in LayerAlone.of(net, index).values:
        assert node.name is not None
        kinds.setdefault(node.name.at_step(None), []).append(node)
    for name, nodes in kinds.items():
        shape = nodes[0].shape
        heads = len(shape) == 3 and not is_sequence(shape)
        if len(shape) == 1:
            found = np.full((1, *shape, steps), None)
            for node in nodes:
                found[0, :, _step(node) - 1] = _scalars(called, node)
        else:
            found = _scalars(called, nodes[0]).reshape(shape if heads else (1, shape[0], -1))
        for place in np.ndindex(found.shape):
            found[place] = found[place] if found[place] in met else None
        if any(it is not None for it in found.flat):
            said = layer.inner_words.get(_kind_of(name))
            words = tr(said).partition(". ")[0] if said else ""
            yield name.word, _block(name, words, found, heads)


def _kind_of(name: Name) -> str:
    """h_query, a_h, s_."""
    return f"{name.stem}_{name.word or (name.of.stem if name.of else '')}"


def _step(node: Node) -> int:
    name = node.name
    while name is not None and name.step is None:
        name = name.of
    assert name is not None
    assert name.step is not None
    return name.step


def _scalars(called: dict[str, Node], node: Node) -> Scalars:
    """A tensor's single values by their names; None where there is none, as of later steps."""
    assert node.name is not None
    return np.array([called.get(str(own)) for own in node.name.elements(node.shape).values()])


def _parameter(step: Step, parameter: Parameter, index: int) -> NodeBlock:
    """Weights with a row for what each makes and a column for what it weighs; others in a column,
    or step by step."""
    nodes = np.array([step.graph.by_name[name] for name in parameter.names])
    made, whole = step.net.shapes[index + 1], prod(parameter.shape)
    if len(parameter.shape) > 1:
        shape = (1, parameter.shape[0], whole // parameter.shape[0])
    elif is_sequence(made) and whole == prod(made):
        shape = (1, made[0], made[2])
    else:
        shape = (1, whole, 1)
    ends = dict.fromkeys((parameter.names[0], parameter.names[-1]))
    said = " … ".join(f"{{0}}{name}" for name in ends)
    many = f"{parameter.role.tensor}{'es' if parameter.role.tensor.endswith('s') else 's'}"
    words = f"{parameter.part.replace('_', ' ')} {many}".strip()
    grids = Grids(shape, 0, LEFT)
    return NodeBlock(said, words, WEIGHT, grids, nodes.reshape(shape), ("",))
