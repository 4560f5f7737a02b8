"""An engine held against the reference: one step on a random batch, tensor by tensor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gradbook.engine.base import Engine
from gradbook.graph.node import Node, ancestors
from gradbook.graph.reference import evaluate
from gradbook.net import Loss
from gradbook.net.step import drawn
from tests.engine.against import UNIT, sizes_summed

KEY = {"seed": 5, "epoch": 2}
CLOSE = 1e-11  # how far a step may be from the reference
LEAST_SPREAD = 1e-3  # variance in units of the squared mean
SMALL = 1e-3  # tensors smaller than this are compared as if they were of this size


def distance(found: np.ndarray, expected: np.ndarray, rounding: float = 0.0) -> float:
    """Relative, of whole tensors; a gradient that all but cancels, as that of a weight whose size
    batch normalisation takes off again, can't be closer than the `rounding` of its terms."""
    gap = float(np.linalg.norm(np.ravel(found) - np.ravel(expected)))
    return gap / max(float(np.linalg.norm(np.ravel(expected))), SMALL, rounding / CLOSE)


@dataclass(frozen=True)
class Batch:
    images: np.ndarray
    labels: np.ndarray  # classes for cross-entropy, else the targets

    def targets(self, outputs: int) -> np.ndarray:
        return np.eye(outputs)[self.labels] if self.labels.ndim == 1 else self.labels


def batch_for(engine: Engine, size: int, draw: int = 3) -> Batch:
    net, random = engine.net, np.random.default_rng(draw)
    images = random.normal(size=(size, *net.input))
    if net.loss is Loss.CROSS:
        return Batch(images, random.integers(0, net.outputs, size))
    return Batch(images, random.random((size, net.outputs)))


def expected(engine: Engine, batch: Batch) -> Mapping[str, np.ndarray]:
    """What the reference makes of the engine's state: the loss, gradients and next values."""
    step = engine.step_graph
    values = _values(engine, batch)
    return {
        "loss": values[step.loss],
        **{str(d.name): values[d] for d in step.gradients.values()},
        **{str(leaf.name): values[node] for leaf, node in step.next.items()},
    }


def roundings(engine: Engine, batch: Batch) -> Mapping[str, float]:
    """How far each gradient, and the next value of what it is of, may be off by rounding alone:
    one unit of Σ|terms| for each addition, of which there are three over the batch: the gradient's
    own, and two of the statistics behind it."""
    each = 3 * len(batch.images) * UNIT["float64"]
    values, found = _values(engine, batch), {}
    for leaf, slope in engine.step_graph.gradients.items():
        terms = float(np.linalg.norm(np.ravel(sizes_summed(slope, values))))
        found |= {str(slope.name): each * terms, str(leaf.name): each * terms}
    return found


def _values(engine: Engine, batch: Batch) -> Mapping[Node, np.ndarray]:
    step = engine.step_graph
    carried = engine.state()
    given = {
        step.inputs[0]: batch.images,
        step.targets[0]: batch.targets(engine.net.outputs),
        step.rate: np.asarray(engine.net.learning_rate),
        step.count: np.asarray(float(len(batch.images))),
        **drawn(step.masks, KEY["seed"], KEY["epoch"], np.arange(len(batch.images))),
        **{leaf: np.asarray(carried[str(leaf.name)], float) for leaf in step.start},
    }
    results = [step.loss, *step.next.values(), *step.gradients.values()]
    return evaluate(ancestors(results), given)


def varies(engine: Engine, size: int, draw: int = 3) -> bool:
    """Whether what batch normalisations see varies enough that dividing by its deviation doesn't
    make its rounding large. Running statistics are nine parts of 0 and 1 to one of the batch's."""
    wanted = expected(engine, batch_for(engine, size, draw))
    names = [name.removeprefix("r_μ") for name in wanted if name.startswith("r_μ")]
    means = np.concatenate([10 * np.ravel(wanted[f"r_μ{name}"]) for name in names] or [np.zeros(0)])
    spreads = [10 * np.ravel(wanted[f"r_σ²{name}"]) - 9 for name in names]
    return bool(np.all(np.concatenate(spreads or [np.zeros(0)]) >= LEAST_SPREAD * means**2))


def disagreement(engine: Engine, size: int, draw: int = 3) -> dict[str, float]:
    """How far one step of the engine is from the reference, by name, the furthest first."""
    batch = batch_for(engine, size, draw)
    wanted, rounding = expected(engine, batch), roundings(engine, batch)
    loss = engine.step(batch.images, batch.labels, **KEY)
    found = {"loss": np.asarray(loss), **engine.arrays}
    gaps = {
        name: distance(found[name], value, rounding.get(name, 0.0))
        for name, value in wanted.items()
    }
    return dict(sorted(gaps.items(), key=lambda item: -item[1]))
