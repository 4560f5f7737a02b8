"""The plain evaluation of a graph in float64, op by op: slow, obvious, and the truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat

import numpy as np

from gradbook.graph.node import Array, Node, needed
from gradbook.graph.step import Step

Values = dict[Node, Array]


def evaluate(outputs: Sequence[Node], given: Mapping[Node, Array]) -> Values:
    """The value of each output and of everything it is made of, from the leaves' values."""
    order = needed(outputs)
    return _run(order, given, _samples(order, given))


def _samples(order: Sequence[Node], given: Mapping[Node, Array]) -> int:
    return next((len(given[node]) for node in order if node.each and node in given), 1)


def _run(order: Sequence[Node], given: Mapping[Node, Array], samples: int) -> Values:
    values: Values = {}
    with np.errstate(all="ignore"):  # a diverging network overflows, and says so by its values
        for node in order:
            if node in given:
                values[node] = given[node]
                continue
            value = node.op.value(*(values[source] for source in node.inputs), *node.attributes)
            if node.each and np.ndim(value) == len(node.shape):
                value = np.broadcast_to(value, (samples, *node.shape))
            values[node] = value
    return values


def run(
    step: Step,
    epochs: int,
    rate: float | None = None,
    watch: Sequence[Node] = (),
    start: Mapping[Node, Array] | None = None,
) -> Iterator[Values]:
    """Train: the values of each epoch, before its update, one epoch after the other.

    `watch` asks for values that the step itself doesn't need.
    """
    return follow(step, repeat(step.data, epochs), rate, watch, start)


def follow(
    step: Step,
    batches: Iterable[Mapping[Node, Array]],
    rate: float | None = None,
    watch: Sequence[Node] = (),
    start: Mapping[Node, Array] | None = None,
) -> Iterator[Values]:
    """Train on one batch after the other: each gives the inputs, the targets and the masks."""
    state: Values = {**step.start, **(start or {})}
    usual = {step.rate: np.asarray(step.net.learning_rate if rate is None else rate)}
    results = [step.loss, *step.outputs, *step.next.values()]
    order = needed([*step.inputs, *step.targets, *results, *watch])
    for batch in batches:
        given = {**usual, **batch, **state}
        samples = _samples(order, given)
        if step.count:
            given[step.count] = np.asarray(float(samples))
        values = _run(order, given, samples)
        yield values
        state = {leaf: values[following] for leaf, following in step.next.items()}


def losses(step: Step, epochs: int, rate: float | None = None) -> Array:
    """The loss of each epoch."""
    return np.array([values[step.loss] for values in run(step, epochs, rate)])
