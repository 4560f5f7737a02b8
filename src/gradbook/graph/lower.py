"""Scalarising: a small network's tensors taken apart into single values with names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod

import numpy as np

from gradbook.errors import LimitError
from gradbook.graph.build import Forward, build, complete
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Graph, Node, Scalars, needed
from gradbook.graph.step import Step
from gradbook.net.layers import Layer
from gradbook.net.network import Net
from gradbook.net.parameters import Parameter, Role, Shape

MOST_SCALARS = 20_000  # beyond this neither a sheet nor a reader could hold them


def scalar_step(net: Net) -> Step:
    """The training step in single values: i1, w1, h1, a_h1, o1, a_o1, E1, E_total, ∂E/∂w1."""
    _check_size(net)
    forward = build(net)
    graph, parts = _take_apart(forward)
    return complete(
        net,
        graph,
        inputs=_columns(parts[forward.inputs], forward.data[forward.inputs]),
        targets=_columns(parts[forward.targets], forward.data[forward.targets]),
        outputs=tuple(parts[forward.outputs].flat),
        loss=parts[forward.loss].item(),
        weights={
            scalar: (parameter, np.asarray(value))
            for node, (parameter, values) in forward.weights.items()
            for scalar, value in zip(parts[node].flat, values.flat, strict=True)
        },
    )


def _check_size(net: Net) -> None:
    scalars = prod(net.input) + net.outputs + net.count()
    for index, layer in enumerate(net.layers):
        before, after = net.shapes[index : index + 2]
        scalars += prod(after) * _terms(layer, before)
    if scalars > MOST_SCALARS:
        raise LimitError(
            f"{scalars:,} single values and products: too many to be written out one by one "
            f"(the most is {MOST_SCALARS:,}); take a smaller network"
        )


def _terms(layer: Layer, shape: Shape) -> int:
    """How many values one value of a layer is put together from."""
    weights = [spec for spec in layer.parameters(shape) if spec.role is Role.WEIGHT]
    return weights[0].fans[0] if weights else prod(layer.window(shape) or (1,))


def _columns(scalars: Scalars, data: Array) -> dict[Node, Array]:
    """Each input's own values, over the samples where there are several."""
    values = data.reshape(*data.shape[: data.ndim - scalars.ndim], scalars.size)
    return {scalar: values[..., k] for k, scalar in enumerate(scalars.flat)}


def _take_apart(forward: Forward) -> tuple[Graph, dict[Node, Scalars]]:
    """The same computation on single values, and what became of each tensor."""
    graph = Graph()
    numbers = {node: parameter for node, (parameter, _) in forward.weights.items()}
    parts: dict[Node, Scalars] = {}
    leaves = [forward.inputs, forward.targets, *numbers]
    for node in needed([*leaves, forward.outputs, forward.loss]):
        if node.op.name == "leaf":
            parts[node] = _leaves(graph, node, numbers.get(node))
        else:
            parts[node] = _named(graph, node, _elements(graph, node, parts))
    return graph, parts


def _elements(graph: Graph, node: Node, parts: dict[Node, Scalars]) -> Scalars:
    """What the op makes of its inputs' elements."""
    inputs = [parts[source] for source in node.inputs]
    if node.op.elements is not None:
        return node.op.elements(*inputs, *node.attributes)
    made = np.empty(node.shape, dtype=object)
    for place in product(*map(range, node.shape)):
        scalars = [x[place] if x.ndim else x.item() for x in inputs]
        attributes = node.attributes
        if node.op.name == "copy":  # a copy is told from others by its name
            attributes = (str(_element_names(node)[place]),)
        made[place] = (
            graph.constant(node.number)
            if node.is_constant()
            else graph.make(node.op.name, *scalars, attributes=attributes)
        )
    return made


def _leaves(graph: Graph, node: Node, parameter: Parameter | None) -> Scalars:
    names = _element_names(node) if parameter is None else _numbered(parameter)
    made = np.empty(node.shape, dtype=object)
    for place in product(*map(range, node.shape)):
        made[place] = graph.leaf(names[place], each=node.each)
    return made


def _named(graph: Graph, node: Node, scalars: Scalars) -> Scalars:
    if node.name is None:
        return scalars
    made = np.empty(node.shape, dtype=object)
    for place, name in _element_names(node).items():
        made[place] = graph.named(scalars[place], name)
    return made


def _element_names(node: Node) -> dict[tuple[int, ...], Name]:
    assert node.name is not None
    return node.name.elements(node.shape)


def _numbered(parameter: Parameter) -> dict[tuple[int, ...], Name]:
    places: Iterator[tuple[int, ...]] = product(*map(range, parameter.shape))
    return {
        place: Name(str(parameter.role), (parameter.first + k,)) for k, place in enumerate(places)
    }
