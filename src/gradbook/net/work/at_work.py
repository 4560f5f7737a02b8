"""What a trained network computes from one input, and how its error changes with each value.

It is the network after training: batch normalisation takes the statistics that were kept, dropout
lets everything through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from gradbook.graph.chain import gradients
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Graph, Node
from gradbook.graph.reference import evaluate
from gradbook.graph.window import Shape
from gradbook.layers import Layer, Parameter, Role, leaf_name
from gradbook.layers.card import AnswerKind
from gradbook.net.build import Forward, inference
from gradbook.net.names import layer_names, statistics_names
from gradbook.net.network import Net

Kept = Mapping[str, Array]  # weights and running statistics, by the names of the graph's leaves


@dataclass(frozen=True, eq=False)
class AtWork:
    """One input's way through a network, forward and back."""

    net: Net
    kept: Kept
    inputs: Array
    targets: Array
    error: float
    values: tuple[Array, ...]  # value 0 is the input, value k the output of layer k
    slopes: tuple[Array, ...]  # ∂error/∂ each of those, up to the error's input
    gradients: Mapping[Parameter, Array]

    @property
    def last(self) -> int:
        return last_value(self.net)

    @property
    def answers(self) -> Array:
        """Its outputs; shares instead of their logarithms."""
        outputs = self.values[-1].reshape(-1)
        return np.exp(outputs) if self.net.answer_kind is AnswerKind.LOGARITHMS else outputs

    @property
    def wanted(self) -> Array:
        """The targets, smoothed where the loss asks for it."""
        smoothing = self.net.smoothing
        return (1 - smoothing) * self.targets + smoothing / self.net.outputs

    def parameter(self, index: int, role: Role) -> Array:
        """The values of a layer's parameter."""
        return self.kept[str(leaf_name(role, self.net.owners[index]))]

    def deviations(self, index: int) -> Array:
        """What the normalisation at this index divides each channel, or each group, by."""
        layer = self.net.layers[index]
        x = self.values[index]
        members = layer.members(x.shape)
        if members is not None:
            spread = x.ravel()[members].var(axis=1)
            return np.asarray(np.sqrt(spread + layer.epsilon))
        _, variance = statistics_names(self.net, index)
        return np.sqrt(self.kept[variance] + layer.epsilon)

    def normal(self, index: int) -> Array:
        """That normalisation's result before it is scaled and shifted."""
        x, layer = self.values[index], self.net.layers[index]
        places = layer.members(x.shape)
        if places is not None:
            groups, normal = x.ravel()[places], np.empty(x.size)
            off = groups - groups.mean(axis=1, keepdims=True)
            normal[places] = off / self.deviations(index)[:, None]
            return normal.reshape(x.shape)
        tail = (...,) + (None,) * (x.ndim - 1)
        mean, _ = statistics_names(self.net, index)
        centred = x - self.kept[mean][tail]
        return np.asarray(centred / self.deviations(index)[tail])


def last_value(net: Net) -> int:
    """The number of the value that the error is computed from: with cross-entropy the one before
    the softmax or the sigmoid, which the loss includes."""
    return len(net.layers) - net.objective.is_entropy


def at_start(net: Net) -> Kept:
    """The weights of a network that isn't trained yet; it has no statistics."""
    forward = inference(net)
    weights = {leaf_of(parameter): values for parameter, values in forward.weights.values()}
    running = {str(change.leaf.name): change.start for change in forward.statistics}
    return {**weights, **running}


def leaf_of(parameter: Parameter) -> str:
    """The name of a parameter's leaf."""
    return str(parameter.leaf)


def at_work(net: Net, kept: Kept, inputs: Array, targets: Array) -> AtWork:
    """The network on one input with these targets."""
    forward = inference(net)
    nodes = _layer_nodes(forward, net)
    weights = {parameter: node for node, (parameter, _) in forward.weights.items()}
    slopes = gradients(forward.loss, [*dict.fromkeys(nodes), *weights.values()])
    leaf_values = _leaf_values(forward, kept, inputs, targets)
    values = evaluate([forward.loss, *nodes, *slopes.values()], leaf_values)

    return AtWork(
        net,
        kept,
        inputs,
        targets,
        float(values[forward.loss]),
        _shaped(net, nodes, values),
        _shaped(net, [slopes[node] for node in nodes], values),
        {parameter: values[slopes[node]] for parameter, node in weights.items()},
    )


def values_of(net: Net, kept: Kept, inputs: Array) -> tuple[Array, ...]:
    """All values for one input: value 0 is the input, value k the output of layer k."""
    forward = inference(net)
    nodes = _layer_nodes(forward, net)
    return _shaped(net, nodes, evaluate(nodes, _leaf_values(forward, kept, inputs)))


def _layer_nodes(forward: Forward, net: Net) -> list[Node]:
    """The input, then the output of each layer."""
    nodes = forward.graph.by_name
    return [nodes[str(name)] for name in layer_names(net)]


def _shaped(net: Net, nodes: Iterable[Node], values: Mapping[Node, Array]) -> tuple[Array, ...]:
    """The sample's arrays in the shapes of the values; a node that depends on no input is 0."""
    pairs = zip(nodes, net.shapes, strict=True)
    return tuple(
        values[node][0].reshape(shape) if node.each else np.zeros(shape) for node, shape in pairs
    )


def error_with(worked: AtWork, changed: Kept) -> float:
    """The error of the same input with some weights or statistics changed."""
    forward = inference(worked.net)
    kept = {**worked.kept, **changed}
    leaf_values = _leaf_values(forward, kept, worked.inputs, worked.targets)
    return float(evaluate([forward.loss], leaf_values)[forward.loss])


def _leaf_values(
    forward: Forward, kept: Kept, inputs: Array, targets: Array | None = None
) -> dict[Node, Array]:
    nodes = forward.graph.by_name
    kept_values = {nodes[name]: np.asarray(array, np.float64) for name, array in kept.items()}
    count = {forward.count: np.asarray(1.0)} if forward.count else {}
    wanted = {} if targets is None else {forward.targets: targets[None]}
    return {**kept_values, **count, **wanted, forward.inputs: inputs[None]}


# What a weight's gradient is the sum of ---------------------------------------------


@dataclass(frozen=True)
class GradientPart:
    """One product: how the error changes with a value, times how that changes with the weight."""

    layer: int  # one that takes the weight
    place: Shape  # of the value that this layer makes
    slope: float  # ∂error/∂ that value
    factor: float  # ∂ that value/∂ the weight
    source: Shape | None = None  # whose value the factor is, of those that the layer is given

    @property
    def product(self) -> float:
        return self.slope * self.factor


def parts(worked: AtWork, parameter: Parameter, place: Shape) -> list[GradientPart]:
    """The products whose sum is the gradient of the weight at this place; edges add none."""
    return [
        GradientPart(index, there, float(worked.slopes[index + 1][there]), factor, source)
        for index in worked.net.uses(parameter)
        for there, factor, source in _uses(worked, index, parameter, place)
    ]


def _uses(
    worked: AtWork, index: int, parameter: Parameter, place: Shape
) -> Iterator[tuple[Shape, float, Shape | None]]:
    """Where a layer uses the weight, and by which number it is multiplied there."""
    layer, x, result = worked.net.layers[index], worked.values[index], worked.values[index + 1]
    match parameter.role:
        case Role.WEIGHT if layer.window(x.shape):
            yield from _through_windows(layer, x, result.shape, place)
        case Role.WEIGHT if layer.spreads(x.shape):
            yield from _spread_over_windows(layer, x, result.shape, place)
        case Role.WEIGHT:
            yield place[:1], float(x[place[1]]), place[1:]
        case Role.SCALE:
            normal = worked.normal(index)
            places = _places_of(parameter, result.shape, place)
            yield from ((p, float(normal[p]), None) for p in places)
        case Role.SLOPE:
            places = _places_of(parameter, result.shape, place)
            yield from ((p, float(x[p]), p) for p in places if x[p] < 0)
        case Role.BIAS | Role.SHIFT:
            yield from ((p, 1.0, None) for p in _places_of(parameter, result.shape, place))
        case _:  # of a layer that works on each place alone
            slopes = _slopes_by(layer, x, worked.parameter(index, parameter.role))
            places = _places_of(parameter, result.shape, place)
            yield from ((p, float(slopes[p]), None) for p in places if slopes[p])


def _slopes_by(layer: Layer, x: Array, weights: Array) -> Array:
    """How each value of an elementwise layer changes with its one parameter."""
    graph = Graph()
    value, parameter = graph.leaf(Name("x")), graph.leaf(Name("p"))
    slope = gradients(layer.at_a_place([value], [parameter]), [parameter])[parameter]
    return np.broadcast_to(
        evaluate([slope], {value: x, parameter: weights.reshape(())})[slope], x.shape
    )


def _places_of(parameter: Parameter, shape: Shape, place: Shape) -> Iterator[Shape]:
    """The places that use one element of a parameter: all, a channel's, or a single one."""
    if parameter.size == 1:
        return iter(np.ndindex(shape))
    if parameter.size == shape[0]:
        return ((*place, *rest) for rest in np.ndindex(shape[1:]))
    return iter([tuple(map(int, np.unravel_index(place[0], shape)))])


def _through_windows(
    layer: Layer, x: np.ndarray, shape: Shape, place: Shape
) -> Iterator[tuple[Shape, float, Shape]]:
    plane, channel_in_group, *tap = place
    group = plane // (shape[0] // layer.groups)
    channel = group * (x.shape[0] // layer.groups) + channel_in_group
    window, area = layer.window(x.shape), x.shape[1:]
    assert window
    for there in np.ndindex(shape[1:]):
        row, column = window.reads(there, tap)
        if 0 <= row < area[0] and 0 <= column < area[1]:
            source = channel, row, column
            yield (plane, *there), float(x[source]), source


def _spread_over_windows(
    layer: Layer, x: np.ndarray, shape: Shape, place: Shape
) -> Iterator[tuple[Shape, float, Shape]]:
    """The same for a transposed convolution, whose windows lie on its output."""
    channel, plane_in_group, *tap = place
    plane = channel // (x.shape[0] // layer.groups) * (shape[0] // layer.groups) + plane_in_group
    window, area = layer.spreads(x.shape), shape[1:]
    assert window
    for at in np.ndindex(x.shape[1:]):
        row, column = window.reads(at, tap)
        if 0 <= row < area[0] and 0 <= column < area[1]:
            yield (plane, row, column), float(x[channel, *at]), (channel, *at)
