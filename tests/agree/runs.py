"""Runs as plain numbers, how far two of them are apart, and how far they may be.

Two programs that train the same network round differently, and training can make much of a
little. So a run is compared with another only as far as it is determined itself: it is done
again with its start weights changed by 1e-12, and where these two runs part, nothing can be said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gradbook.graph.node import Array, Node
from gradbook.graph.reference import Values
from gradbook.net.step import Step, run

NUDGE = 1e-12  # a thousand times the last bit
LOST = 1e-11  # a run that is this far from its nudged self goes its own way
ALLOWED = 100  # times what the nudge makes: so never more than 1e-9
LEAST = 1e-14  # a run that forgets its start forgets the nudge, and still rounds


@dataclass(frozen=True)
class Epoch:
    """What an epoch begins with, before its update."""

    loss: float
    weights: dict[str, float]


def reference_run(
    step: Step, epochs: int, rate: float | None = None, start: Mapping[Node, Array] | None = None
) -> list[Epoch]:
    """By the reference, from a scalar step or one on tensors."""
    return [
        Epoch(float(values[step.loss]), by_name(step, {w: w for w in step.weights}, values))
        for values in run(step, epochs, rate, start=start)
    ]


def by_name(step: Step, nodes: Mapping[Node, Node], values: Values) -> dict[str, float]:
    """What each weight's node is worth, by the weights' names: w1, w2, …, b1, …"""
    scalars = len(step.weights) > len(step.net.parameters)
    owners = [[str(w.name)] for w in step.weights] if scalars else _tensor_names(step)
    return {
        name: float(value)
        for weight, names in zip(step.weights, owners, strict=True)
        if weight in nodes
        for name, value in zip(names, np.ravel(values[nodes[weight]]), strict=True)
    }


def outputs(step: Step, values: Values) -> Array:
    """What comes out, a row a sample."""
    found = np.stack([values[node] for node in step.outputs], axis=-1)
    return found.reshape(step.samples, -1)


def _tensor_names(step: Step) -> list[list[str]]:
    return [parameter.names for parameter in step.net.parameters]


def distance(one: Epoch, other: Epoch) -> float:
    """The largest difference, of the largest weight (or 1, or the loss where that is more)."""
    return apart({"E": one.loss, **one.weights}, {"E": other.loss, **other.weights})


def nudged(step: Step, way: int = 1) -> dict[Node, Array]:
    """Start weights that differ by next to nothing, one way or the other; and not all by as much,
    as changes nothing where only the difference of two counts."""
    random = np.random.default_rng(0)

    def nudge(start: Array) -> Array:
        size = np.shape(start)
        return way * NUDGE * random.choice([-1, 1], size) * random.uniform(0.5, 1, size)

    return {
        weight: start + nudge(start) * (1 + np.abs(start))
        for weight, start in step.start.items()
        if weight in step.weights
    }


def slopes(step: Step, start: Mapping[Node, Array] | None = None) -> dict[str, float]:
    """Every gradient at the start, by its weight's name."""
    return by_name(step, step.gradients, next(run(step, 1, start=start)))


def apart(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """The largest difference, of the largest value or 1."""
    assert one.keys() == other.keys()
    largest = max(1, *map(abs, one.values()))
    return max(abs(one[name] - other[name]) for name in one) / largest


def on_a_corner(step: Step) -> bool:
    """Whether next to nothing decides on which side of a ReLU's corner a value lies."""
    here = slopes(step)
    there = (slopes(step, nudged(step, way)) for way in (1, -1))
    return any(apart(here, beyond) > 100 * NUDGE for beyond in there)


def doubts(step: Step, epochs: int, rate: float | None = None) -> list[float]:
    """How far a run is from itself when its start weights are nudged, one way or the other."""
    starts = (None, nudged(step), nudged(step, -1))
    runs = (reference_run(step, epochs, rate, start) for start in starts)
    return [
        float(np.max([distance(one, other) for other in others]))
        for one, *others in zip(*runs, strict=True)
    ]


def compared(ours: Sequence[Epoch], theirs: Iterable[Epoch], doubt: Sequence[float]) -> int:
    """Asserts that the runs agree wherever they are determined; how many epochs those are."""
    for epoch, (one, other, unsure) in enumerate(zip(ours, theirs, doubt, strict=True)):
        if not unsure <= LOST:  # or not a number
            return epoch
        assert distance(one, other) <= ALLOWED * max(unsure, LEAST), f"epoch {epoch}"
    return len(ours)
