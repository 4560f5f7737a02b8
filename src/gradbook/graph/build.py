"""From a network to its training step: the one place where layers become ops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gradbook.graph.chain import gradients
from gradbook.graph.name import RATE, SAMPLE_ERROR, TOTAL_ERROR, Name
from gradbook.graph.node import Graph, Node
from gradbook.graph.op import Array
from gradbook.graph.schedule import name_gradients
from gradbook.graph.step import Step
from gradbook.graph.tensors import reshape, spread, sum_last
from gradbook.graph.update import changes
from gradbook.net.layers import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    Layer,
    Pool,
)
from gradbook.net.network import Net, Parameter
from gradbook.net.task import Loss

Weights = Mapping[Node, tuple[Parameter, Array]]


@dataclass(frozen=True)
class Forward:
    """What a network computes: its leaves with their values, its outputs and its loss."""

    graph: Graph
    inputs: Node
    targets: Node
    outputs: Node
    loss: Node
    data: Mapping[Node, Array]
    weights: Weights


def training_step(net: Net) -> Step:
    """The step on whole tensors."""
    forward = build(net)
    return complete(
        net,
        forward.graph,
        inputs={forward.inputs: forward.data[forward.inputs]},
        targets={forward.targets: forward.data[forward.targets]},
        outputs=(forward.outputs,),
        loss=forward.loss,
        weights=forward.weights,
    )


def complete(
    net: Net,
    graph: Graph,
    *,
    inputs: Mapping[Node, Array],
    targets: Mapping[Node, Array],
    outputs: tuple[Node, ...],
    loss: Node,
    weights: Weights,
) -> Step:
    """Close the step: the chain rule from the loss, and the update of every weight."""
    trained = [node for node, (parameter, _) in weights.items() if not parameter.want.fixed]
    adjoints = gradients(loss, trained)
    slopes = name_gradients(adjoints, trained)
    rate = graph.leaf(RATE)
    start = {node: values for node, (_, values) in weights.items()}
    following: dict[Node, Node] = {node: node for node in weights}
    for node in trained:
        for change in changes(net.update, node, start[node], slopes[node], rate):
            start[change.leaf] = change.start
            following[change.leaf] = change.next
    return Step(
        net,
        graph,
        inputs=tuple(inputs),
        targets=tuple(targets),
        outputs=outputs,
        loss=loss,
        rate=rate,
        data={**inputs, **targets},
        start=start,
        next=following,
        weights=tuple(weights),
        gradients=slopes,
        adjoints=adjoints,
    )


def build(net: Net) -> Forward:
    """The forward part: layer by layer, then the loss."""
    graph = Graph()
    several = len(net.examples()) > 1
    inputs = graph.leaf(Name("i"), net.input, each=several)
    targets = graph.leaf(Name("t"), (net.outputs,), each=several)
    weights = {
        graph.leaf(Name(p.role, layer=p.layer, word="layer"), p.shape): (p, values)
        for p, values in _start_arrays(net).items()
    }
    builder = _Builder(net, graph, len(net.examples()))
    value = inputs
    for index, layer in enumerate(net.layers):
        own = [node for node, (p, _) in weights.items() if p.layer == index]
        value = builder.layer(layer, index, value, own)
    loss = builder.loss(value, targets)
    data = {inputs: _data(net, inputs, "inputs"), targets: _data(net, targets, "targets")}
    return Forward(graph, inputs, targets, value, loss, data, weights)


def layer_names(net: Net) -> tuple[Name, ...]:
    """What the input's and then each layer's values are called."""
    builder = _Builder(net, Graph(), len(net.examples()))
    return (Name("i"), *(builder.value_name(index) for index in range(len(net.layers))))


def _data(net: Net, leaf: Node, part: str) -> Array:
    rows = np.array([getattr(sample, part) for sample in net.examples()], dtype=np.float64)
    return rows.reshape(-1, *leaf.shape) if leaf.each else rows.reshape(leaf.shape)


def _start_arrays(net: Net) -> dict[Parameter, Array]:
    values = {role: np.array(given) for role, given in net.start_values().items()}
    return {
        p: values[p.role][p.first - 1 : p.first - 1 + p.size].reshape(p.shape)
        for p in net.parameters
    }


STEMS = {"Conv": "c", "Pool": "p", "BatchNorm": "y"}


@dataclass
class _Builder:
    net: Net
    graph: Graph
    samples: int
    before_activation: Node | None = None  # what the last activation was given

    def layer(self, layer: Layer, index: int, x: Node, parameters: Sequence[Node]) -> Node:
        match layer:
            case Dense():
                value = self.graph.make("linear", parameters[0], x)
                return self._named(_shifted(value, parameters[1:]), index)
            case Conv():
                steps = (layer.stride, layer.pad)
                value = self.graph.make("conv", parameters[0], x, attributes=steps)
                return self._named(_shifted(value, parameters[1:]), index)
            case Pool():
                steps = (layer.size, layer.step)
                return self._named(self.graph.make(f"{layer.kind}pool", x, attributes=steps), index)
            case BatchNorm():
                return self._batchnorm(layer, index, x, *parameters)
            case Flatten():
                return reshape(x, self.net.shapes[index + 1])
            case Activation():
                return self._activation(layer, index, x)

    def _named(self, node: Node, index: int) -> Node:
        return self.graph.named(node, self.value_name(index))

    def value_name(self, index: int) -> Name:
        """The name of a layer's values: h, o, c, p, y, numbered where there are several."""
        layer = self.net.layers[index]
        if isinstance(layer, Flatten):
            return self._name_before(index)
        if isinstance(layer, Activation):
            return Name("a", of=self._name_before(index))
        peers = [k for k, other in enumerate(self.net.layers) if type(other) is type(layer)]
        if isinstance(layer, Dense):
            if index == peers[-1]:
                return Name("o")
            peers = peers[:-1]
        stem = STEMS.get(type(layer).__name__, "h")
        return Name(stem, layer=peers.index(index) + 1 if len(peers) > 1 else None)

    def _name_before(self, index: int) -> Name:
        """The name of the values that a layer is given."""
        return self.value_name(index - 1) if index else Name("i")

    def _batchnorm(self, layer: BatchNorm, index: int, x: Node, scale: Node, shift: Node) -> Node:
        tail = x.shape[1:]
        number = self.value_name(index).layer

        def over_channel(value: Node) -> Node:
            return spread(value, tail)

        mean = self.graph.named(self._channel_mean(x), Name("μ", layer=number))
        centred = x - over_channel(mean)
        variance = self.graph.named(self._channel_mean(centred**2), Name("σ²", layer=number))
        deviation = self.graph.make("sqrt", variance + layer.epsilon)
        deviation = self.graph.named(deviation, Name("s", layer=number))
        normal = self.graph.named(centred / over_channel(deviation), Name("n", layer=number))
        return self._named(over_channel(scale) * normal + over_channel(shift), index)

    def _channel_mean(self, x: Node) -> Node:
        """Over the samples and all places of a channel."""
        places = np.prod(x.shape[1:], dtype=int)
        total = sum_last(x, len(x.shape) - 1)
        if total.each:
            total = self.graph.make("total", total)
        return total / int(places * self.samples)

    def _activation(self, layer: Activation, index: int, x: Node) -> Node:
        self.before_activation = x
        return self.graph.named(self._activated(layer, index, x), self.value_name(index))

    def _activated(self, layer: Activation, index: int, x: Node) -> Node:
        make = self.graph.make
        match layer.kind:
            case "softmax" | "log softmax":
                total = self._log_total(x, index)
                logs = x - spread(total, x.shape)
                return make("exp", logs) if layer.kind == "softmax" else logs
            case "identity":
                return make("copy", x, attributes=(str(self.value_name(index)),))
            case "leaky relu":
                return make("leaky_relu", x, attributes=(layer.slope,))
            case _:
                return make(layer.kind, x)

    def _log_total(self, x: Node, index: int) -> Node:
        """ln Σ e^o, which softmax measures every value from."""
        total = self.graph.make("log_sum_exp_all", x)
        return self.graph.named(total, Name("L", of=self._name_before(index)))

    def loss(self, value: Node, targets: Node) -> Node:
        """The mean over the samples of what the outputs are off."""
        error = self._error(value, targets)
        if error.each:
            error = self.graph.make("total", error) / self.samples
        return self.graph.named(error, TOTAL_ERROR)

    def _error(self, value: Node, targets: Node) -> Node:
        """Of one sample, over its outputs."""
        make, kind, outputs = self.graph.make, self.net.loss, self.net.outputs
        before = self.before_activation
        if kind is Loss.CROSS:
            error = make("cross_entropy", targets, before or value)
            return self.graph.named(error, SAMPLE_ERROR) if error.each else error
        if kind is Loss.BINARY:
            errors = make("binary_cross_entropy", targets, before or value)
        else:
            op = "half_square" if kind is Loss.HALF_SQUARED else "square"
            errors = make(op, targets, value)
        errors = self.graph.named(errors, Name("E"))
        if outputs == 1:
            return reshape(errors, ())
        total = sum_last(errors, 1)
        error = total if kind is Loss.HALF_SQUARED else total / outputs
        return self.graph.named(error, SAMPLE_ERROR) if error.each else error


def _shifted(sums: Node, biases: Sequence[Node]) -> Node:
    """Plus a bias for each channel, or one for all."""
    for bias in biases:
        own = bias.shape == sums.shape[:1]
        sums += spread(bias, sums.shape[1:]) if own else spread(reshape(bias, ()), sums.shape)
    return sums
