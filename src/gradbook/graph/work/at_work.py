"""What a trained network makes of one input, and how its error changes with each value of it.

It is the network after training: batch normalisation takes the statistics that were kept, dropout
lets everything through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from gradbook.graph.build import Forward, inference
from gradbook.graph.chain import gradients
from gradbook.graph.names import value_name
from gradbook.graph.node import Array, Node
from gradbook.graph.reference import evaluate
from gradbook.net.layers import BatchNorm
from gradbook.net.network import Net
from gradbook.net.parameters import Parameter, Role

Kept = Mapping[str, Array]  # weights and running statistics, by the names of the graph's leaves


@dataclass(frozen=True, eq=False)
class AtWork:
    """One input's way through a network, forward and back."""

    net: Net
    kept: Kept
    inputs: Array
    targets: Array
    error: float
    values: tuple[Array, ...]  # value 0 is the input, value k what layer k makes
    slopes: tuple[Array, ...]  # ∂error/∂ each of those, up to the last that the error is made of
    gradients: Mapping[Parameter, Array]

    @property
    def last(self) -> int:
        """The number of the value that the error is made of: with cross-entropy that before the
        softmax or the sigmoid, which it takes in itself."""
        return len(self.net.layers) - self.net.objective.is_entropy

    @property
    def said(self) -> Array:
        """What it makes of the input; of logarithms of shares the shares."""
        outputs = self.values[-1].reshape(-1)
        return np.exp(outputs) if self.net.ending == "log softmax" else outputs

    @property
    def wanted(self) -> Array:
        """The targets, smoothed where the loss asks for it."""
        smoothing = self.net.smoothing
        return (1 - smoothing) * self.targets + smoothing / self.net.outputs

    def own(self, index: int, role: Role) -> Array:
        """The values of a layer's parameter."""
        owned = (p for p in self.net.parameters if p.layer == index and p.role is role)
        return self.kept[leaf_of(next(owned))]

    def deviations(self, index: int) -> Array:
        """What the normalisation at this index divides each channel by."""
        layer = self.net.layers[index]
        assert isinstance(layer, BatchNorm)
        return np.sqrt(self._statistic("σ²", index) + layer.epsilon)

    def normal(self, index: int) -> Array:
        """What that normalisation makes of its input before it scales and shifts it."""
        x = self.values[index]
        tail = (...,) + (None,) * (x.ndim - 1)
        centred = x - self._statistic("μ", index)[tail]
        return np.asarray(centred / self.deviations(index)[tail])

    def _statistic(self, letter: str, index: int) -> Array:
        peers = [k for k, layer in enumerate(self.net.layers) if isinstance(layer, BatchNorm)]
        number = f"{peers.index(index) + 1}" if len(peers) > 1 else ""
        return self.kept[f"r_{letter}{number}"]


def at_start(net: Net) -> Kept:
    """What a network that isn't trained yet has: its start weights, and no statistics."""
    forward = inference(net)
    weights = {leaf_of(parameter): values for parameter, values in forward.weights.values()}
    running = {str(change.leaf.name): change.start for change in forward.statistics}
    return {**weights, **running}


def leaf_of(parameter: Parameter) -> str:
    """What the leaf of a parameter is called."""
    return f"{parameter.role}_layer_{parameter.layer}"


def at_work(net: Net, kept: Kept, inputs: Array, targets: Array) -> AtWork:
    """The network on one input, which it is to make the targets of."""
    forward = inference(net)
    nodes = _by_name(forward)
    made = [forward.inputs, *(nodes[str(value_name(net, k))] for k in range(len(net.layers)))]
    weights = {parameter: node for node, (parameter, _) in forward.weights.items()}
    slopes = gradients(forward.loss, [*dict.fromkeys(made), *weights.values()])
    found = evaluate(
        [forward.loss, *made, *slopes.values()], _given(forward, kept, inputs, targets)
    )

    def of(nodes: Iterable[Node]) -> tuple[Array, ...]:
        both = zip(nodes, net.shapes, strict=True)
        return tuple(
            found[node][0].reshape(shape) if node.each else np.zeros(shape) for node, shape in both
        )

    return AtWork(
        net,
        kept,
        inputs,
        targets,
        float(found[forward.loss]),
        of(made),
        of(slopes[node] for node in made),
        {parameter: found[slopes[node]] for parameter, node in weights.items()},
    )


def error_with(worked: AtWork, changed: Kept) -> float:
    """The error of the same input where some of what is kept has other values."""
    forward = inference(worked.net)
    given = _given(forward, {**worked.kept, **changed}, worked.inputs, worked.targets)
    return float(evaluate([forward.loss], given)[forward.loss])


def _given(forward: Forward, kept: Kept, inputs: Array, targets: Array) -> dict[Node, Array]:
    nodes = _by_name(forward)
    given = {nodes[name]: np.asarray(array, np.float64) for name, array in kept.items()}
    one = {forward.count: np.asarray(1.0)} if forward.count else {}
    return {**given, **one, forward.inputs: inputs[None], forward.targets: targets[None]}


def _by_name(forward: Forward) -> dict[str, Node]:
    return {str(name): node for node, name in forward.graph.names.items()}
