"""From a network to its training step: the one place where layers become ops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from gradbook.errors import TargetError
from gradbook.graph.chain import gradients
from gradbook.graph.name import RATE, SAMPLE_ERROR, TOTAL_ERROR, Name
from gradbook.graph.node import Graph, Node
from gradbook.graph.op import Array
from gradbook.graph.schedule import name_gradients
from gradbook.graph.step import Mask, Step
from gradbook.graph.tensors import reshape, spread, sum_last
from gradbook.graph.update import Change, changes
from gradbook.net.layers import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Pool,
)
from gradbook.net.network import Net, Parameter
from gradbook.net.task import Loss
from gradbook.net.text import layer_words

Weights = Mapping[Node, tuple[Parameter, Array]]


@dataclass(frozen=True)
class Forward:
    """What a network computes: its leaves with their values, its outputs and its loss."""

    graph: Graph
    inputs: Node
    targets: Node
    outputs: Node
    loss: Node
    data: Mapping[Node, Array]  # empty where batches come from outside
    weights: Weights
    count: Node | None = None  # N, how many samples there are, where it comes from outside
    masks: tuple[Mask, ...] = ()
    statistics: tuple[Change, ...] = ()  # batch normalisation's running means and variances


def training_step(net: Net, batch: int | None = None) -> Step:
    """The step on whole tensors, for the network's own samples or for batches from outside.

    Batches hold at most `batch` samples. The leaves `inputs`, `targets`, `masks` and `count` are
    then given their values at each step, and batch normalisation's running statistics are
    carried from step to step beside the weights.
    """
    forward = build(net, batch)
    step = complete(
        net,
        forward.graph,
        inputs={forward.inputs: forward.data.get(forward.inputs)},
        targets={forward.targets: forward.data.get(forward.targets)},
        outputs=(forward.outputs,),
        loss=forward.loss,
        weights=forward.weights,
    )
    carried = forward.statistics
    return replace(
        step,
        start={**step.start, **{change.leaf: change.start for change in carried}},
        next={**step.next, **{change.leaf: change.next for change in carried}},
        samples=batch or step.samples,
        count=forward.count,
        masks=forward.masks,
    )


def inference(net: Net) -> Forward:
    """The trained network at work: running statistics, no dropout, any number of samples."""
    return build(net, batch=1, training=False)


def complete(
    net: Net,
    graph: Graph,
    *,
    inputs: Mapping[Node, Array | None],
    targets: Mapping[Node, Array | None],
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
        decay = net.decay_of(weights[node][0].role)
        for change in changes(net.update, node, start[node], slopes[node], rate, decay):
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
        data={leaf: v for leaf, v in {**inputs, **targets}.items() if v is not None},
        start=start,
        next=following,
        weights=tuple(weights),
        gradients=slopes,
        adjoints=adjoints,
        samples=len(net.examples()),
    )


def build(net: Net, batch: int | None = None, training: bool = True) -> Forward:
    """The forward part: layer by layer, then the loss."""
    graph = Graph()
    several = batch is not None or len(net.examples()) > 1
    count = graph.leaf(Name("N")) if batch else None
    inputs = graph.leaf(Name("i"), net.input, each=several)
    targets = graph.leaf(Name("t"), (net.outputs,), each=several)
    weights = {
        graph.leaf(Name(p.role, layer=p.layer, word="layer"), p.shape): (p, values)
        for p, values in _start_arrays(net).items()
    }
    builder = _Builder(net, graph, count or len(net.examples()), batch, training)
    value = inputs
    for index, layer in enumerate(net.layers):
        own = [node for node, (p, _) in weights.items() if p.layer == index]
        value = builder.layer(layer, index, value, own)
    loss = builder.loss(value, targets)
    data = {inputs: _data(net, inputs, "inputs"), targets: _data(net, targets, "targets")}
    return Forward(
        graph,
        inputs,
        targets,
        value,
        loss,
        {} if batch else data,
        weights,
        count,
        tuple(builder.masks),
        tuple(builder.statistics),
    )


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


RUNNING_SHARE = 0.1  # of the latest batch in the running statistics, as in PyTorch
STEMS = {"Conv": "c", "Pool": "p", "BatchNorm": "y"}


@dataclass
class _Builder:
    net: Net
    graph: Graph
    samples: Node | int
    batch: int | None = None  # the most samples, where they come from outside
    training: bool = True
    before_activation: Node | None = None  # what the last activation was given
    masks: list[Mask] = field(default_factory=list)
    statistics: list[Change] = field(default_factory=list)

    def layer(self, layer: Layer, index: int, x: Node, parameters: Sequence[Node]) -> Node:
        match layer:
            case Dense():
                value = self.graph.make("linear", parameters[0], x)
                return self._named(_shifted(value, parameters[1:]), index)
            case Conv():
                steps = (layer.stride, layer.pad, layer.groups)
                value = self.graph.make("conv", parameters[0], x, attributes=steps)
                return self._named(_shifted(value, parameters[1:]), index)
            case Pool():
                attributes = (layer.window(x.shape), layer.step)
                value = self.graph.make(f"{layer.kind}pool", x, attributes=attributes)
                return self._named(value, index)
            case BatchNorm():
                return self._batchnorm(layer, index, x, *parameters)
            case Dropout():
                return self._dropout(layer, index, x)
            case Flatten():
                return reshape(x, self.net.shapes[index + 1])
            case Activation():
                return self._activation(layer, index, x)

    def _named(self, node: Node, index: int) -> Node:
        return self.graph.named(node, self.value_name(index))

    def value_name(self, index: int) -> Name:
        """The name of a layer's values: h, o, c, p, y, numbered where there are several."""
        layer = self.net.layers[index]
        if isinstance(layer, Flatten | Dropout):
            return self._name_before(index)
        if isinstance(layer, Activation):
            return Name("a", of=self._name_before(index))
        peers = self._peers(layer)
        if isinstance(layer, Dense):
            if index == peers[-1]:
                return Name("o")
            peers = peers[:-1]
        stem = STEMS.get(type(layer).__name__, "h")
        return Name(stem, layer=peers.index(index) + 1 if len(peers) > 1 else None)

    def _peers(self, layer: Layer) -> list[int]:
        """The places of all layers of its kind."""
        return [k for k, other in enumerate(self.net.layers) if type(other) is type(layer)]

    def _number(self, index: int) -> int | None:
        """A layer's number among those of its kind, where there are several."""
        peers = self._peers(self.net.layers[index])
        return peers.index(index) + 1 if len(peers) > 1 else None

    def _name_before(self, index: int) -> Name:
        """The name of the values that a layer is given."""
        return self.value_name(index - 1) if index else Name("i")

    def _batchnorm(self, layer: BatchNorm, index: int, x: Node, scale: Node, shift: Node) -> Node:
        tail = x.shape[1:]
        number = self._number(index)

        def over_channel(value: Node) -> Node:
            return spread(value, tail)

        mean_name, variance_name = Name("μ", layer=number), Name("σ²", layer=number)
        if self.training:
            mean = self.graph.named(self._channel_mean(x), mean_name)
            centred = x - over_channel(mean)
            variance = self.graph.named(self._channel_mean(centred**2), variance_name)
            self._keep_statistics(x, mean, variance)
        else:
            mean, variance = self._running(mean_name, x, 0), self._running(variance_name, x, 1)
            centred = x - over_channel(mean)
        deviation = self.graph.make("sqrt", variance + layer.epsilon)
        deviation = self.graph.named(deviation, Name("s", layer=number))
        normal = self.graph.named(centred / over_channel(deviation), Name("n", layer=number))
        return self._named(over_channel(scale) * normal + over_channel(shift), index)

    def _channel_mean(self, x: Node) -> Node:
        """Over the samples and all places of a channel."""
        total = sum_last(x, len(x.shape) - 1)
        if total.each:
            total = self.graph.make("total", total)
        return total / (self.samples * prod(x.shape[1:]))

    def _running(self, name: Name, x: Node, start: float) -> Node:
        """The running mean of one of a channel's statistics, a leaf."""
        leaf = self.graph.leaf(Name("r", of=name), x.shape[:1])
        self.statistics.append(Change(leaf, np.full(leaf.shape, float(start)), leaf))
        return leaf

    def _keep_statistics(self, x: Node, mean: Node, variance: Node) -> None:
        """The running statistics go on by what this batch says; of the variance, unbiased."""
        if self.batch is None or not (mean.name and variance.name):
            return
        values = self.samples * prod(x.shape[1:])
        unbiased = variance * (values / (values - 1))
        for latest, name, start in ((mean, mean.name, 0), (unbiased, variance.name, 1)):
            leaf = self._running(name, x, start)
            following = (1 - RUNNING_SHARE) * leaf + RUNNING_SHARE * latest
            self.statistics[-1] = replace(self.statistics[-1], next=following)

    def _dropout(self, layer: Dropout, index: int, x: Node) -> Node:
        if not (layer.rate and self.training):
            return x
        if self.batch is None:
            raise TargetError(
                f"{layer_words(layer)} draws anew at every step, which no sheet and no derivation "
                "can: take it out or write 'dropout 0'"
            )
        shape = x.shape[:1] if layer.channels else x.shape
        leaf = self.graph.leaf(Name("d", layer=self._number(index)), shape, each=True)
        self.masks.append(Mask(leaf, layer.rate, index))
        return x * spread(leaf, x.shape[len(shape) :])

    def _activation(self, layer: Activation, index: int, x: Node) -> Node:
        x = reshape(x, self.net.shapes[index + 1])
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
            if self.net.smoothing:
                share = self.graph.constant(self.net.smoothing)
                targets = (1 - share) * targets + share / outputs
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
