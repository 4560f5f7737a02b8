"""Splits a small network's tensors into single values with names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count as count_from
from itertools import product
from math import prod

import numpy as np

from gradbook.errors import LimitError
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Graph, Node, Scalars, ancestors
from gradbook.graph.tensors import array_of
from gradbook.graph.window import Shape
from gradbook.layers import Layer, Parameter, Role
from gradbook.layers.card import Mask
from gradbook.net.build import Forward, build, complete
from gradbook.net.formula_reader import FormulaReader
from gradbook.net.formulas import Formulas
from gradbook.net.names import kept_name
from gradbook.net.network import Net
from gradbook.net.smaller import what_fits
from gradbook.net.step import Step

Names = Mapping[Shape, Name]  # by the places in the tensor

MOST_SCALARS = 20_000  # neither a sheet nor a reader can handle more


def scalar_step(net: Net | Formulas, batch: int | None = None, *, learns: bool = True) -> Step:
    """The training step in single values: i1, w1, h1, a_h1, o1, a_o1, E1, E_total, ∂E/∂w1.

    With a `batch` the samples come from outside, at most this many, and N is their number.
    Unless it `learns` it ends at E_total: weights don't change and have no gradients.
    """
    if isinstance(net, Formulas):
        return formula_step(net)
    _check_size(net)
    forward = build(net, batch)
    for mask in forward.masks:
        for left in mask.kept:
            forward.graph.named(left, kept_name(net, mask.layer))
    graph, parts = _take_apart(forward)
    step = complete(
        net,
        graph,
        inputs=_columns(parts[forward.inputs], forward.data.get(forward.inputs)),
        targets=_columns(parts[forward.targets], forward.data.get(forward.targets)),
        outputs=tuple(parts[forward.outputs].flat),
        loss=parts[forward.loss].item(),
        weights={
            scalar: (parameter, np.asarray(value))
            for node, (parameter, values) in forward.weights.items()
            for scalar, value in zip(parts[node].flat, values.flat, strict=True)
        },
        learns=learns,
    )
    count = parts[forward.count].item() if forward.count else None
    return replace(step, batch=batch, count=count, masks=_single_masks(forward.masks, parts))


def formula_step(
    formulas: Formulas, batch: int | None = None, *, every_operation: bool = False
) -> Step:
    """The training step of formulas, value by value.

    With a `batch` N is the number of samples, as in `scalar_step`. If `every_operation` has a
    name, v1 and so on, each formula is a single operation on named values.
    """
    reader = FormulaReader(formulas)
    error = reader.result()
    if every_operation:
        names = (Name("v", (k,)) for k in count_from(1))
        free = (name for name in names if not reader.graph.has(name))
        for node in ancestors([error]):
            if node.inputs and not node.name:
                reader.graph.named(node, next(free))
    loss, name, count = error, error.name, None
    if error.each and name:
        count = reader.graph.leaf(Name("N")) if batch else None
        mean = reader.graph.make("total", error) / (count or reader.samples)
        loss = reader.graph.named(mean, replace(name, word="total"))
    weights = {
        reader.leaf(name): (
            Parameter(
                role=Role.WEIGHT, shape=(), layer=0, first=k, fixed=name not in formulas.learned
            ),
            np.asarray(values[0]),
        )
        for k, (name, values) in enumerate(formulas.numbers.items(), 1)
        if name not in formulas.data
    }
    step = complete(
        formulas,
        reader.graph,
        inputs={reader.leaf(name): reader.column(name) for name in formulas.data},
        targets={},
        outputs=(error,),
        loss=loss,
        weights=weights,
    )
    return replace(step, batch=batch if count else None, count=count)


def _single_masks(masks: Sequence[Mask], parts: Mapping[Node, Scalars]) -> tuple[Mask, ...]:
    """One mask for each random value."""
    singles = []
    for mask in masks:
        leaves, (kept,) = parts[mask.leaf], mask.kept
        for first, place in enumerate(product(*map(range, leaves.shape))):
            left = tuple(np.ravel(parts[kept][place]))
            singles.append(replace(mask, leaf=leaves[place], kept=left, first=first))
    return tuple(singles)


def scalars_of(net: Net) -> int:
    """About how many single values and products the network has."""
    scalars = prod(net.input) + net.outputs + sum(p.size for p in net.parameters)
    for index, layer in enumerate(net.layers):
        before, after = net.shapes[index : index + 2]
        scalars += _terms(layer, before, after)
    return scalars


def _check_size(net: Net) -> None:
    scalars = scalars_of(net)
    if scalars > MOST_SCALARS:
        raise LimitError(
            f"{scalars:,} single values and products are too many to write out one by "
            f"one (the most is {MOST_SCALARS:,}): {what_fits(net, scalars_of, MOST_SCALARS)}"
        )


def _terms(layer: Layer, before: Shape, after: Shape) -> int:
    """The number of values and products that make up a layer's values."""
    weights = [spec for spec in layer.parameters(before) if spec.role is Role.WEIGHT]
    if weights:
        return sum(prod(spec.shape) * spec.uses for spec in weights)
    window = layer.window(before)
    return prod(after) * (window.area if window else 1)


def _columns(scalars: Scalars, data: Array | None) -> dict[Node, Array | None]:
    """The values of each input, over the samples if there are several; None if unknown."""
    if data is None:
        return dict.fromkeys(scalars.flat)
    values = data.reshape(*data.shape[: data.ndim - scalars.ndim], scalars.size)
    return {scalar: values[..., k] for k, scalar in enumerate(scalars.flat)}


def _take_apart(forward: Forward) -> tuple[Graph, dict[Node, Scalars]]:
    """The same computation on single values, and the single values of each tensor."""
    graph = Graph()
    numbers = {node: parameter for node, (parameter, _) in forward.weights.items()}
    parts: dict[Node, Scalars] = {}
    leaves = [forward.inputs, forward.targets, *numbers]
    again: set[Node] = set()  # parameters of further uses, and nodes that depend only on these
    for node in ancestors([*leaves, forward.outputs, forward.loss]):
        if node.op.name == "copy" and node.name is None:  # a further use of a parameter
            parts[node] = parts[node.inputs[0]]
            again.add(node)
            continue
        if node.inputs and again.issuperset(node.inputs):  # named at the first use
            parts[node] = _elements(graph, node, parts)
            again.add(node)
            continue
        names = _numbered(numbers[node]) if node in numbers else _element_names(node)
        if node.op.name == "levelled":
            (leaf,) = (ancestor for ancestor in ancestors([node]) if ancestor in numbers)
            names = _numbered(numbers[leaf], "ŵ")
        if node.op.name == "leaf":
            parts[node] = _leaves(graph, node, names)
        else:
            parts[node] = _elements(graph, node, parts).copy()
            for place, name in names.items():
                parts[node][place] = graph.named(parts[node][place], name)
    return graph, parts


def _leaves(graph: Graph, node: Node, names: Names) -> Scalars:
    return array_of(node.shape, lambda *at: graph.leaf(names[at], each=node.each))


def _elements(graph: Graph, node: Node, parts: Mapping[Node, Scalars]) -> Scalars:
    """The op applied to the elements of its inputs."""
    inputs = [parts[source] for source in node.inputs]
    if node.op.elements is not None:
        return node.op.elements(*inputs, *node.attributes)

    def element(*place: int) -> Node:
        if node.is_constant():
            return graph.constant(node.number)
        scalars = [x[place] if x.ndim else x.item() for x in inputs]
        attributes = node.attributes
        if node.op.name == "copy":  # the name distinguishes copies
            attributes = (str(_element_names(node)[place]),)
        return graph.make(node.op.name, *scalars, attributes=attributes)

    return array_of(node.shape, element)


def _element_names(node: Node) -> Names:
    return node.name.elements(node.shape) if node.name else {}


def _numbered(parameter: Parameter, letter: str = "") -> Names:
    """The names of a parameter's elements, numbered through all parameters of its role."""
    places = product(*map(range, parameter.shape))
    numbers = enumerate(places, parameter.first)
    return {place: Name(letter or str(parameter.role), (number,)) for number, place in numbers}
