"""One training step: (weights, samples, rate) → (new weights, loss), with every value between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from gradbook.chance import Purpose, keep_mask, key
from gradbook.graph.node import Array, Graph, Node, ancestors
from gradbook.graph.reference import Values, evaluate_in_order, samples_in
from gradbook.layers.card import Mask
from gradbook.net.formulas import Formulas
from gradbook.net.network import Net


@dataclass(frozen=True)
class Step:
    """A step for any target: its leaves, the values computed from them, and the update."""

    source: Net | Formulas
    graph: Graph
    inputs: tuple[Node, ...]
    targets: tuple[Node, ...]
    outputs: tuple[Node, ...]
    loss: Node
    rate: Node
    data: Mapping[Node, Array]  # inputs and targets, with samples first if there are several;
    # empty if batches come from outside
    start: Mapping[Node, Array]  # weights and everything else that is passed from step to step
    next: Mapping[Node, Node]  # the next value of each of these
    weights: tuple[Node, ...]  # the parameters, also fixed ones, in the order of their names
    gradients: Mapping[Node, Node]  # ∂loss/∂w of each weight that is trained
    adjoints: Mapping[Node, Node]  # ∂loss/∂v of every value between a weight and the loss
    layers: Mapping[Node, int]  # the place of the layer that owns each weight, from 0
    batch: int | None = None  # the most samples, if they come from outside
    count: Node | None = None  # N, their number in this case
    masks: tuple[Mask, ...] = ()
    statistics: tuple[Node, ...] = ()  # running statistics of batch normalisation

    @property
    def net(self) -> Net:
        """The network that the step trains, if it has layers."""
        assert isinstance(self.source, Net), "formulas have no layers"
        return self.source

    @property
    def trained(self) -> list[Node]:
        """The weights that have a gradient, in the order of their names."""
        return [weight for weight in self.weights if weight in self.gradients]

    @property
    def samples(self) -> int:
        """The number of samples in a step; for batches from outside, the largest number."""
        inside = (len(values) for leaf, values in self.data.items() if leaf.each)
        return self.batch or next(inside, 1)


def drawn(masks: Sequence[Mask], seed: int, epoch: int, images: ArrayLike) -> dict[Node, Array]:
    """Each mask's values for these images, which are identified by their numbers in the data set.

    The key is (seed, dropout, epoch, image, layer); a channel or an element uses the number at
    its place, counted channel by channel and row by row.
    """
    values: dict[Node, Array] = {}
    for mask in masks:
        keys = key(mask.layer, start=key(seed, Purpose.DROPOUT, epoch, images))
        left = keep_mask(keys, mask.first + prod(mask.leaf.shape), mask.rate)[..., mask.first :]
        shape = (*keys.shape, *mask.leaf.shape)
        values[mask.leaf] = np.where(left, mask.scale, 0.0).reshape(shape)
    return values


def run(
    step: Step,
    epochs: int,
    rate: float | Array | None = None,
    watch: Sequence[Node] = (),
    start: Mapping[Node, Array] | None = None,
) -> Iterator[Values]:
    """Train, and yield the values of each epoch before its update.

    `watch` adds values that the step itself doesn't need. A step in single values can be trained
    at several rates side by side, which are the last axis of its values.
    """
    return follow(step, repeat(step.data, epochs), rate, watch, start)


def follow(
    step: Step,
    batches: Iterable[Mapping[Node, Array]],
    rate: float | Array | None = None,
    watch: Sequence[Node] = (),
    start: Mapping[Node, Array] | None = None,
) -> Iterator[Values]:
    """Train on one batch after another: each consists of inputs, targets and masks."""
    state: Values = {**step.start, **(start or {})}
    rates = np.asarray(step.source.learning_rate if rate is None else rate)
    results = [step.loss, *step.outputs, *step.next.values()]
    order = ancestors([*step.inputs, *step.targets, *results, *watch])
    for batch in batches:
        data = {
            leaf: np.asarray(values)[..., np.newaxis] if rates.ndim else values
            for leaf, values in batch.items()
        }
        leaf_values = {step.rate: rates, **data, **state}
        samples = samples_in(order, leaf_values)
        if step.count:
            leaf_values[step.count] = np.asarray(float(samples))
        values = evaluate_in_order(order, leaf_values, samples, rates.shape)
        yield values
        state = {leaf: values[following] for leaf, following in step.next.items()}


def losses(step: Step, epochs: int, rate: float | None = None) -> Array:
    """The loss of each epoch."""
    return np.array([values[step.loss] for values in run(step, epochs, rate)])
