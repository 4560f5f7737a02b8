"""Numbers to try an exercise's formulas with: every value of every epoch, by the network itself.

Each epoch has weights of its own, drawn at random, so that a value of another epoch is another
number. The last point of all is the exercise's own: its start weights, inputs and targets.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from gradbook.audit.budget import spend
from gradbook.audit.judge.numbers import POINTS
from gradbook.graph.node import Array, Node, needed

if TYPE_CHECKING:
    from gradbook.targets.excel.plan.book import Solution

MOST_EPOCHS = 251  # different ones: what is so far away is hardly mistaken for the same
ALL = POINTS + 1  # points


class StepNumbers:
    """Values as arrays: sample by sample where there is one of each, epochs, points."""

    def __init__(self, solution: Solution, epochs: int) -> None:
        self.solution, self.step = solution, solution.step
        step = self.step
        self.turns = min(epochs, MOST_EPOCHS)
        self.leaves = {step.rate: self._shared(step.rate, step.net.learning_rate)}
        for leaf in step.inputs:
            self.leaves[leaf] = self._drawn_samples(leaf)
        self.leaves.update(self._targets())
        weights = set(step.weights)
        for leaf, start in step.start.items():
            drawn = _draw(leaf).normal(0, 1.1, (self.turns, ALL))
            drawn = drawn if leaf in weights else np.abs(drawn) + 0.2
            drawn[:, -1] = start
            self.leaves[leaf] = drawn
        self.values: dict[Node, Array] = {}

    # One value ------------------------------------------------------------------

    def of(self, node: Node, epoch: int, sample: int = 0) -> Array:
        """A value's numbers in one epoch, for one sample."""
        array, turn = self.array(node), epoch % self.turns
        found: Array = array[sample, turn] if node.each else array[turn]
        return found

    def target(self, node: Node, epoch: int, sample: int = 0) -> Array:
        """The same of a value that a table holds: a weight is what the epoch before has made."""
        following = self.step.next.get(node)
        if following is None or epoch == 0:
            return self.of(node, epoch, sample)
        return self.of(following, epoch - 1, sample)

    def array(self, node: Node) -> Array:
        """All of a value's numbers."""
        with np.errstate(all="ignore"):
            for part in needed([node], self.values):
                if part not in self.values:
                    self.values[part] = self._value(part)
        return self.values[node]

    def _value(self, node: Node) -> Array:
        samples = (self.step.samples,) if node.each else ()
        shape = (*samples, self.turns, ALL)
        spend(int(np.prod(shape)))
        if node.op.name == "leaf":
            value = self.leaves.get(node)
            value = _draw(node).uniform(0.15, 0.95, shape) if value is None else value
        else:
            inputs = (self.values[source] for source in node.inputs)
            value = np.asarray(node.op.value(*inputs, *node.attributes), dtype=float)
        return np.broadcast_to(value, shape)

    # Leaves ---------------------------------------------------------------------

    def _shared(self, leaf: Node, own: float) -> Array:
        """The same in every epoch."""
        drawn = _draw(leaf).uniform(0.15, 0.95, ALL)
        drawn[-1] = own
        return np.broadcast_to(drawn, (self.turns, ALL))

    def _drawn_samples(self, leaf: Node) -> Array:
        samples = self.step.samples
        drawn = _draw(leaf).uniform(0.15, 0.95, (samples, 1, ALL))
        return self._with_own(leaf, drawn)

    def _with_own(self, leaf: Node, drawn: Array) -> Array:
        """Samples, 1, points; the last point is the exercise's own."""
        drawn[..., -1] = np.reshape(self.step.data[leaf], (-1, 1))
        return drawn if leaf.each else drawn[0]

    def _targets(self) -> dict[Node, Array]:
        """Of the kind that the exercise has: one of several classes, yes or no, shares, numbers."""
        step = self.step
        own = np.stack([np.reshape(step.data[leaf], -1) for leaf in step.targets], axis=-1)
        draw = np.random.default_rng(len(step.targets))
        drawn = draw.uniform(0.15, 0.95, (ALL, step.samples, len(step.targets)))
        in_all = bool(np.allclose(own.sum(axis=-1), 1)) and len(step.targets) > 1
        if np.isin(own, (0, 1)).all():
            picked = drawn == drawn.max(axis=-1, keepdims=True) if in_all else drawn > 0.5
            drawn = picked.astype(float)
        elif in_all:
            drawn = drawn / drawn.sum(axis=-1, keepdims=True)
        return {
            leaf: self._with_own(leaf, np.moveaxis(drawn[..., k], 0, -1)[:, None, :].copy())
            for k, leaf in enumerate(step.targets)
        }


def _draw(leaf: Node) -> np.random.Generator:
    """Always the same for a value of that name."""
    return np.random.default_rng(zlib.crc32(str(leaf.name).encode()))
