"""How each layer becomes ops, and the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from gradbook.errors import TargetError
from gradbook.graph.names import SAMPLE_ERROR, TOTAL_ERROR, Name
from gradbook.graph.node import Array, Graph, Node
from gradbook.graph.tensors import concat, reshape, spread, spread_channels, sum_channels, sum_last
from gradbook.net.layers import Activation, BatchNorm, Conv, Dense, Dropout, Flatten, Layer, Pool
from gradbook.net.names import mask_name, name_before, number, value_name
from gradbook.net.network import Net
from gradbook.net.norms import LayerNorm, PlaceNorm, SampleNorm
from gradbook.net.step import Mask
from gradbook.net.task import HALF_SURE, Loss
from gradbook.net.text import layer_words
from gradbook.net.update import Change
from gradbook.net.wiring import Concat, GoBack, Residual

Each = Callable[[Node], Node]
RUNNING_SHARE = 0.1  # of the latest batch in the running statistics, as in PyTorch


@dataclass
class Builder:
    """Makes the nodes of one layer after the other, and at the end the loss."""

    net: Net
    graph: Graph
    samples: Node | int
    outside: bool = False  # whether batches come from there
    training: bool = True
    weighted: bool = False  # whether targets say how much each sample counts, see `weighed_targets`
    before_last: Node | None = None  # what the last layer was given
    masks: list[Mask] = field(default_factory=list)
    statistics: dict[Node, Change] = field(default_factory=dict)

    def layer(self, index: int, given: Sequence[Node], parameters: Sequence[Node]) -> Node:
        """What a layer makes of the values it reads, with its own parameters."""
        layer = self.net.layers[index]
        x = self.before_last = given[0]
        make = self.graph.make
        match layer:
            case Dense():
                value = _shifted(make("linear", parameters[0], x), parameters[1:])
            case Conv(groups=groups):
                sums = make("conv", parameters[0], x, attributes=(layer.window(x.shape), groups))
                value = _shifted(sums, parameters[1:])
            case Pool("max"):
                value = make("maxpool", x, attributes=(layer.window(x.shape),))
            case Pool():
                told = (layer.window(x.shape), layer.counted(x.shape))
                value = make("avgpool", x, attributes=told)
            case BatchNorm():
                value = self._batchnorm(layer, index, x, *parameters)
            case SampleNorm():
                value = self._samplenorm(layer, index, x, *parameters)
            case Dropout():
                value = self._dropout(layer, index, x)
            case Flatten():
                value = reshape(x, self.net.shapes[index + 1])
            case Concat():
                value = concat(given)
            case GoBack():  # under a name of its own
                value = make("copy", x, attributes=(str(value_name(self.net, index)),))
            case Activation() if layer.is_softmax:
                value = self._softmax(layer, index, x)
            case _:
                value = element_by_element(layer, given)
        return value if layer.passes_on else self.graph.named(value, value_name(self.net, index))

    def _batchnorm(self, layer: BatchNorm, index: int, x: Node, scale: Node, shift: Node) -> Node:
        tail, place = x.shape[1:], number(self.net, index)
        centred, variance = self._statistics(x, Name("μ", layer=place), Name("σ²", layer=place))
        deviation = self.graph.make("sqrt", variance + layer.epsilon)
        deviation = self.graph.named(deviation, Name("s", layer=place))
        normal = self.graph.named(centred / spread(deviation, tail), Name("n", layer=place))
        return spread(scale, tail) * normal + spread(shift, tail)

    def _samplenorm(self, layer: SampleNorm, index: int, x: Node, scale: Node, shift: Node) -> Node:
        """Group by group of a sample's values; then by channels, or by values of their own."""
        place, (apart, mean_of, over) = number(self.net, index), _in_groups(x, layer)
        mean = self.graph.named(mean_of(apart), Name("μ", layer=place))
        centred = apart - over(mean)
        variance = self.graph.named(mean_of(centred**2), Name("σ²", layer=place))
        deviation = self.graph.make("sqrt", variance + layer.epsilon)
        deviation = self.graph.named(deviation, Name("s", layer=place))
        normal = reshape(centred / over(deviation), x.shape)
        normal = self.graph.named(normal, Name("n", layer=place))
        if isinstance(layer, LayerNorm):
            return reshape(scale * reshape(normal, scale.shape) + shift, x.shape)
        return spread(scale, x.shape[1:]) * normal + spread(shift, x.shape[1:])

    def _statistics(self, x: Node, mean_name: Name, variance_name: Name) -> tuple[Node, Node]:
        """Values less their channel's mean, and its variance: of this batch, or running ones."""
        tail = x.shape[1:]
        if not self.training:
            mean, variance = self._running(mean_name, x, 0), self._running(variance_name, x, 1)
            return x - spread(mean, tail), variance
        mean = self.graph.named(self._channel_mean(x), mean_name)
        centred = x - spread(mean, tail)
        variance = self.graph.named(self._channel_mean(centred**2), variance_name)
        if self.outside:
            values = self.samples * prod(tail)
            self._keep(self._running(mean_name, x, 0), mean)
            self._keep(self._running(variance_name, x, 1), variance * (values / (values - 1)))
        return centred, variance

    def _channel_mean(self, x: Node) -> Node:
        """Over the samples and all places of a channel."""
        total = sum_last(x, len(x.shape) - 1)
        if total.each:
            total = self.graph.make("total", total)
        return total / (self.samples * prod(x.shape[1:]))

    def _running(self, name: Name, x: Node, start: float) -> Node:
        """The running mean of one of a channel's statistics, a leaf."""
        leaf = self.graph.leaf(Name("r", of=name), x.shape[:1])
        self.statistics[leaf] = Change(leaf, np.full(leaf.shape, float(start)), leaf)
        return leaf

    def _keep(self, running: Node, latest: Node) -> None:
        """The running mean goes on by what this batch says."""
        following = (1 - RUNNING_SHARE) * running + RUNNING_SHARE * latest
        self.statistics[running] = replace(self.statistics[running], next=following)

    def _dropout(self, layer: Dropout, index: int, x: Node) -> Node:
        if not (layer.rate and self.training):
            return x
        if not self.outside:
            raise TargetError(
                f"{layer_words(layer)} draws anew at every step, which no sheet and no derivation "
                "can: take it out or write 'dropout 0'"
            )
        shape = x.shape[:1] if layer.channels else x.shape
        leaf = self.graph.leaf(mask_name(self.net, index), shape, each=True)
        left = x * spread(leaf, x.shape[len(shape) :])
        self.masks.append(Mask(leaf, layer.rate, index, (left,)))
        return left

    def _softmax(self, layer: Activation, index: int, x: Node) -> Node:
        """By way of ln Σ e^o, which softmax measures every value from."""
        x = self.before_last = reshape(x, self.net.shapes[index + 1])
        total = self.graph.make("log_sum_exp_all", x)
        total = self.graph.named(total, Name("L", of=name_before(self.net, index)))
        logs = x - spread(total, x.shape)
        return self.graph.make("exp", logs) if layer.kind == "softmax" else logs

    def loss(self, error: Node) -> Node:
        """The mean over the samples of what the outputs are off."""
        if error.each:
            error = self.graph.make("total", error) / self.samples
        return self.graph.named(error, TOTAL_ERROR)

    def error(self, value: Node, targets: Node) -> Node:
        """Of one sample, over its outputs, as often as it counts."""
        if self.weighted:
            weight, targets = weight_in(targets, self.net.outputs)
            return weight * self._error_once(value, targets)
        return self._error_once(value, targets)

    def _error_once(self, value: Node, targets: Node) -> Node:
        make, kind, outputs = self.graph.make, self.net.objective, self.net.outputs
        before = self.before_last
        if kind is Loss.CROSS:
            if self.net.smoothing:
                share = self.graph.constant(self.net.smoothing)
                targets = (1 - share) * targets + share / outputs
            error = make(kind.op, targets, before or value)
            return self.graph.named(error, SAMPLE_ERROR) if error.each else error
        errors = make(kind.op, targets, (before or value) if kind.ending else value)
        errors = self.graph.named(errors, Name("E"))
        if outputs == 1:
            return reshape(errors, ())
        total = sum_last(errors, 1)
        error = total if kind.summed else total / outputs
        return self.graph.named(error, SAMPLE_ERROR) if error.each else error


def weighed_targets(targets: Array, weights: Array) -> Array:
    """Targets (samples, outputs) that say how much each sample counts as well.

    Those of classes, a 1 among 0s, are multiplied by it. A single 0 or 1 becomes −weight or
    1 + weight, which lie on the same side of ½.
    """
    if targets.shape[1] > 1:
        return np.asarray(targets * weights[:, None])
    return np.asarray(np.where(targets >= HALF_SURE, 1 + weights[:, None], -weights[:, None]))


def weight_in(targets: Node, outputs: int) -> tuple[Node, Node]:
    """How much a sample counts, and its plain targets, out of weighed ones."""
    make = targets.graph.make
    if outputs > 1:
        weight = sum_last(targets, 1)
        return weight, targets / spread(weight, targets.shape)
    for_one, for_zero = make("relu", targets - 1), make("relu", -targets)
    weight = for_one + for_zero
    return reshape(weight, ()), for_one / weight


def element_by_element(layer: Layer, given: Sequence[Node]) -> Node:
    """What a layer makes that works on each place by itself, of the values it reads."""
    match layer:
        case Residual():
            return given[0] + given[1]
        case Activation("identity") | GoBack():
            return given[0]
        case Activation(kind, slope):
            attributes = (slope,) if kind == "leaky relu" else ()
            return given[0].graph.make(layer.word, *given, attributes=attributes)
        case _:
            raise AssertionError(f"{layer} has no ops")


def _in_groups(x: Node, layer: SampleNorm) -> tuple[Node, Each, Each]:
    """Values apart in groups; what takes the mean of each; what gives its values one again."""
    channels, *area = x.shape
    if isinstance(layer, PlaceNorm):
        return (
            x,
            lambda values: sum_channels(values) / channels,
            lambda one: spread_channels(one, channels),
        )
    groups = layer.groups_in(x.shape)
    if 1 < groups < channels:
        rows = channels // groups * prod(area[:-1])
        x = reshape(x, (groups, rows, *area[-1:]))
    tail = x.shape[1:] if groups > 1 else x.shape
    return (
        x,
        lambda values: sum_last(values, len(tail)) / prod(tail),
        lambda one: spread(one, tail),
    )


def _shifted(sums: Node, biases: Sequence[Node]) -> Node:
    """Plus a bias for each channel, or one for all."""
    for bias in biases:
        own = bias.shape == sums.shape[:1]
        sums += spread(bias, sums.shape[1:]) if own else spread(reshape(bias, ()), sums.shape)
    return sums
