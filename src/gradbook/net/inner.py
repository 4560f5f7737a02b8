"""One layer alone, on its own graph: its result and the values inside it.

In a step on single values these form planes: one row per unit and one column per step, or in
attention one row for each step that looks and one column for each step that it sees.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from gradbook.graph.names import Name, is_sequence
from gradbook.graph.node import Graph, Node, Scalars, ancestors
from gradbook.graph.window import Shape
from gradbook.layers.card import LayerSite, Parameter
from gradbook.net.names import layer_names, number
from gradbook.net.network import Net
from gradbook.net.step import Step


@dataclass(frozen=True)
class LayerAlone:
    """The layer's ops for one sample: leaves for its input and its parameters, and its result."""

    inputs: tuple[Node, ...]
    parameters: tuple[Node, ...]
    output: Node

    @classmethod
    def of(cls, net: Net, index: int) -> LayerAlone:
        """The layer at this place; an input that it reads twice gets two leaves."""
        layer, names, graph = net.layers[index], layer_names(net), Graph()
        reads = layer.reads(index)
        read_names = [names[read] for read in reads]
        leaves = [
            graph.leaf(Name("x", (k,)) if name in read_names[:k] else name, net.shapes[read])
            for k, (read, name) in enumerate(zip(reads, read_names, strict=True))
        ]
        parameters = [graph.leaf(parameter.leaf, parameter.shape) for parameter in net.taken(index)]
        site = LayerSite(
            graph,
            index,
            number(net, index),
            names[index + 1],
            read_names[0],
            net.shapes[index + 1],
            samples=1,
            outside=False,
            training=True,
        )
        result = graph.named(layer.ops(site, leaves, parameters), site.name)
        return cls(tuple(leaves), tuple(parameters), result)

    @property
    def values(self) -> Sequence[Node]:
        """The named values inside it, in order of computation, without the stack of all steps."""
        named = (node for node in ancestors([self.output]) if node.name and node.inputs)
        return [node for node in named if node.op.name != "stack"]


@dataclass(frozen=True)
class InnerPlanes:
    """All values of one kind, under the name that they share without unit and step."""

    name: Name
    nodes: Scalars  # (heads, rows, columns); None for a value that `ends` don't need
    is_by_heads: bool  # whether rows are steps, as columns are


def inner_planes(step: Step, index: int, ends: Collection[Node]) -> list[InnerPlanes]:
    """The values inside a layer that `ends` depend on, kind by kind, in the order in which
    the last value of each kind is computed."""
    net, by_name = step.net, step.graph.by_name
    before = net.shapes[net.layers[index].reads(index)[0]]
    steps = before[2] if is_sequence(before) else 1
    read = set(ancestors(ends))  # a causal layer also has unused scores
    kinds: dict[Name, list[Node]] = {}
    for node in LayerAlone.of(net, index).values:
        assert node.name is not None
        kinds.setdefault(node.name.at_step(None), []).append(node)
    planes = []
    for name, tensors in sorted(kinds.items(), key=lambda kind: kind[1][-1].index):
        shape = tensors[0].shape
        is_by_heads = len(shape) == 3 and not is_sequence(shape)
        if len(shape) == 1:  # one tensor per step
            nodes = np.full((1, *shape, steps), None)
            for tensor in tensors:
                column = (innermost(tensor.name).step or 1) - 1
                nodes[0, :, column] = _scalars(by_name, tensor)
        else:
            nodes = _scalars(by_name, tensors[0]).reshape(
                shape if is_by_heads else (1, shape[0], -1)
            )
        for place in np.ndindex(nodes.shape):
            nodes[place] = nodes[place] if nodes[place] in read else None
        if any(nodes.flat):
            planes.append(InnerPlanes(name, nodes, is_by_heads))
    return planes


def parameter_plane(step: Step, parameter: Parameter, shape: Shape) -> Scalars:
    """One row per unit, and one column per input or per step."""
    nodes = np.array([step.graph.by_name[name] for name in parameter.names])
    rows = shape[0] if parameter.shape == (prod(shape),) else parameter.shape[0]
    return nodes.reshape(rows, -1)


def innermost(name: Name | None) -> Name:
    """The name of the sum inside a_h_gate: h_gate."""
    assert name is not None
    return innermost(name.of) if name.of else name


def _scalars(by_name: Mapping[str, Node], tensor: Node) -> Scalars:
    """A tensor's single values; None for those that don't exist, as for later steps."""
    assert tensor.name is not None
    return np.array([*map(by_name.get, map(str, tensor.name.elements(tensor.shape).values()))])
