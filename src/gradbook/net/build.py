"""Builds a network's forward part and its training step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from gradbook.errors import ShapeError
from gradbook.graph.chain import gradients, name_gradients
from gradbook.graph.names import RATE, TOTAL_ERROR, Name
from gradbook.graph.node import Array, Graph, Node
from gradbook.graph.sequences import by_feature, by_step
from gradbook.graph.window import Shape
from gradbook.layers import Parameter
from gradbook.layers.card import Change, LayerSite, Mask
from gradbook.layers.losses import SampleError
from gradbook.layers.updates import WeightStep
from gradbook.net.formulas import Formulas
from gradbook.net.names import name_before, number, value_name
from gradbook.net.network import Net
from gradbook.net.step import Step

Weights = Mapping[Node, tuple[Parameter, Array]]
Frozen = frozenset[int]  # the places of layers that don't learn
NOT_FROZEN: Frozen = frozenset()


@dataclass(frozen=True)
class Forward:
    """What a network computes: its leaves with their values, its outputs and its loss."""

    graph: Graph
    inputs: Node
    targets: Node
    outputs: Node
    error: Node  # one for each sample
    loss: Node  # the mean of the errors
    data: Mapping[Node, Array]  # empty if batches come from outside
    weights: Weights
    count: Node | None = None  # N, the number of samples, if batches come from outside
    masks: tuple[Mask, ...] = ()
    statistics: tuple[Change, ...] = ()  # running means and variances of batch normalisation


def training_step(
    net: Net, batch: int | None = None, weighted: bool = False, frozen: Frozen = NOT_FROZEN
) -> Step:
    """The training step on whole tensors, for the network's own samples or for given batches.

    Batches contain at most `batch` samples. The leaves `inputs`, `targets`, `masks` and `count`
    then get their values at each step, and batch normalisation's running statistics are
    passed from step to step beside the weights. If the samples are `weighted`, their
    targets are `weighed_targets`. The layers at the `frozen` places keep their weights and their
    running statistics, and normalise by these.
    """
    require_variance(net, batch)
    forward = build(net, batch, weighted=weighted, frozen=frozen)
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
        batch=batch,
        count=forward.count,
        masks=forward.masks,
        statistics=tuple(change.leaf for change in carried),
    )


def require_variance(net: Net, batch: int | None) -> None:
    """Refuse a batch with only one value for a normalisation, since one value has no variance."""
    for index, layer in enumerate(net.layers):
        alone = batch == prod(net.shapes[index][1:]) == 1
        if layer.mixes_samples and alone:
            raise ShapeError(f"layer {index + 1}: {layer.word} needs batches of at least 2 samples")


def inference(net: Net) -> Forward:
    """The network for predictions: running statistics, no dropout, any number of samples."""
    return build(net, batch=1, training=False)


def complete(
    net: Net | Formulas,
    graph: Graph,
    *,
    inputs: Mapping[Node, Array | None],
    targets: Mapping[Node, Array | None],
    outputs: tuple[Node, ...],
    loss: Node,
    weights: Weights,
    learns: bool = True,
) -> Step:
    """Complete the step: add the gradients of the loss and the update of every weight."""
    trained = [node for node, (parameter, _) in weights.items() if learns and not parameter.fixed]
    adjoints = gradients(loss, trained)
    slopes = name_gradients(adjoints, trained, loss)
    rate = graph.leaf(RATE)
    start = {node: values for node, (_, values) in weights.items()}
    following: dict[Node, Node] = {node: node for node in weights}
    for node in trained:
        decay = net.decay_of(weights[node][0].role)
        changed = WeightStep(net.update.settings, node, start[node], slopes[node], rate, decay)
        for change in net.update.card.changes(changed):
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
        layers={node: parameter.layer for node, (parameter, _) in weights.items()},
    )


def build(
    net: Net,
    batch: int | None = None,
    training: bool = True,
    weighted: bool = False,
    frozen: Frozen = NOT_FROZEN,
) -> Forward:
    """Build the forward part: layer by layer, then the loss."""
    graph = Graph()
    several = batch is not None or len(net.examples()) > 1
    count = graph.leaf(Name("N")) if batch else None
    inputs = graph.leaf(Name("i"), net.input, each=several)
    wanted = graph.leaf(Name("t"), _wanted(net, weighted), each=several)
    weights = {
        graph.leaf(p.leaf, p.shape): (replace(p, fixed=p.fixed or p.layer in frozen), values)
        for p, values in _start_arrays(net).items()
    }
    assert len(weights) == len(net.parameters), "two parameters have the same name"
    masks: list[Mask] = []
    statistics: dict[Node, Change] = {}
    before = by_feature(inputs) if net.laid_out else inputs
    values = [before]
    for index, layer in enumerate(net.layers):
        sources = [values[k] for k in layer.reads(index)]
        site = LayerSite(
            graph,
            index,
            number(net, index),
            value_name(net, index),
            name_before(net, index),
            net.shapes[index + 1],
            count or len(net.examples()),
            batch is not None,
            training and net.owners[index] not in frozen,
            masks,
            statistics,
        )
        value = layer.ops(site, sources, _taken(net, index, weights))
        before = sources[0]
        values.append(value if layer.passes_on else graph.named(value, site.name))
    outputs = values[-1]
    if len(outputs.shape) > 1:
        outputs = by_step(outputs)
        before = by_step(before) if net.objective.ending else before
    measure = SampleError(
        net.objective, net.outputs, net.smoothing, weighted, batch is not None or is_masked(net)
    )
    error = measure.of(outputs, before, wanted)
    loss = error
    if error.each:
        loss = graph.make("total", error) / (count or len(net.examples()))
    data: dict[Node, Array] = {}
    for leaf, part in () if batch else ((inputs, "inputs"), (wanted, "targets")):
        rows = np.array([getattr(sample, part) for sample in net.examples()], dtype=np.float64)
        data[leaf] = rows.reshape(-1, *leaf.shape) if leaf.each else rows.reshape(leaf.shape)
    return Forward(
        graph,
        inputs,
        wanted,
        outputs,
        error,
        graph.named(loss, TOTAL_ERROR),
        data,
        weights,
        count,
        tuple(masks),
        tuple(statistics.values()),
    )


def _wanted(net: Net, weighted: bool) -> Shape:
    """The shape of a sample's targets, with its weight if it has one."""
    if not weighted:
        return net.wanted
    if len(net.wanted) > 1:
        raise ShapeError("the network answers at every step, so its samples can't have weights")
    return (net.outputs + 1,)


def is_masked(net: Net) -> bool:
    """Whether some steps of its samples have no target."""
    if len(net.shapes[-1]) == 1:
        return False
    rows = np.array([sample.targets for sample in net.examples()])
    return not rows.reshape(len(rows), *net.wanted).any(axis=-1).all()


def _taken(net: Net, index: int, weights: Weights) -> list[Node]:
    """A layer's parameters. Each further use reads them under another name, so that their
    gradients are added up use by use."""
    owner = net.owners[index]
    leaves = [node for node, (p, _) in weights.items() if p.layer == owner]
    if owner == index:
        return leaves
    return [node.graph.make("copy", node, attributes=(f"use {index}",)) for node in leaves]


def _start_arrays(net: Net) -> dict[Parameter, Array]:
    values = {role: np.array(numbers) for role, numbers in net.start_values().items()}
    return {
        p: values[p.role][p.first - 1 : p.first - 1 + p.size].reshape(p.shape)
        for p in net.parameters
    }
