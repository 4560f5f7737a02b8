"""Every gradient of a step at once, with other values in the place of some.

Every weight gets an axis of its own, with a small imaginary part in that weight; what of it arrives
in the loss is the slope, exact to the last digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gradbook.audit.budget import spend
from gradbook.audit.formula.address import Address
from gradbook.audit.judge.numbers import CLOSE, ENOUGH, FAINT, Numbers
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.training.claims import Claim
from gradbook.graph.node import Array, Node, needed

TINY = 1e-40
NOTHING = 1e-12
POINTS = 8
MOST_AT_ONCE = 2**20  # numbers that are kept while alternatives are compared


class Slopes:
    """A step with some of its weights nudged, each by itself, and what is claimed of those."""

    def __init__(
        self, tested: StepUnderTest, weights: Sequence[int], claims: Mapping[int, Claim]
    ) -> None:
        self.tested = tested
        self.weights = weights
        self.axis = {tested.step.weights[j]: k for k, j in enumerate(weights)}
        self.numbers = Numbers(self._leaf, tested.graph.leaf_cells, dtype=None)
        self.values = self.numbers.values
        self._known: dict[frozenset[Node], list[Node]] = {}
        self.outputs = [tested.loss, *(tested.claimed(claims[j]) for j in weights)]
        self.order = needed(self.outputs)
        for node in self.outputs:
            self.numbers.of(node)
        self.before = self.right({})[0]

    def _leaf(self, cell: Address) -> Array:
        values = np.array(self.tested.random.leaf(cell)[:POINTS], dtype=complex)
        values = np.repeat(values[None], len(self.weights), axis=0)
        if cell in self.axis:
            values[self.axis[cell]] += 1j * TINY
        return values

    def _after(self, given: frozenset[Node]) -> list[Node]:
        """The nodes that are computed from some, in order."""
        if given not in self._known:
            seen = set(given)
            for node in self.order:
                if node not in seen and not seen.isdisjoint(node.inputs):
                    seen.add(node)
            self._known[given] = [n for n in self.order if n in seen and n not in given]
        return self._known[given]

    def right(self, given: Mapping[Node, Array]) -> Array:
        """Which gradients are right with other values at some nodes: (alternatives, weights)."""
        after = self._after(frozenset(given))
        spend(max((value.size for value in given.values()), default=0), len(after))
        count = max((len(value) for value in given.values() if value.ndim > 2), default=1)
        at_once = max(MOST_AT_ONCE // (POINTS * len(self.weights) * max(len(after), 1)), 1)
        if count <= at_once:
            return self._right(given, after)
        found = []
        for k in range(0, count, at_once):
            some = {
                n: v[k : k + at_once] if v.ndim > 2 and len(v) > 1 else v for n, v in given.items()
            }
            right = self._right(some, after)
            found.append(np.broadcast_to(right, (min(at_once, count - k), right.shape[-1])))
        return np.concatenate(found)

    def _right(self, given: Mapping[Node, Array], after: Sequence[Node]) -> Array:
        values: dict[Node, Array] = dict(given)
        with np.errstate(all="ignore"):
            for node in after:
                inputs = [values.get(s, self.values[s]) for s in node.inputs]
                values[node] = np.asarray(node.op.value(*inputs, *node.attributes))
        loss, *claimed = (values.get(node, self.values[node]) for node in self.outputs)
        found = []
        for k, claim in enumerate(claimed):
            with np.errstate(all="ignore"):
                slope = _at(loss, k).imag / TINY
            found.append(_equal(slope, _at(claim, k).real))
        return np.stack(np.broadcast_arrays(*found), axis=-1)


def _at(values: Array, k: int) -> Array:
    """The k-th weight's share; the last two axes are weights and points."""
    if values.ndim < 2:
        return values[None] if values.ndim == 1 else values.reshape(1, 1)
    found: Array = values[..., k, :] if values.shape[-2] > 1 else values[..., 0, :]
    return found if found.ndim > 1 else found[None]


def _equal(a: Array, b: Array) -> Array:
    a, b = np.broadcast_arrays(a, b)
    sure = np.isfinite(a) & np.isfinite(b)
    a, b = np.where(sure, a, 0), np.where(sure, b, 0)
    size = np.maximum(np.abs(a), np.abs(b))
    usual = np.max(size, axis=-1, keepdims=True, initial=0)
    with np.errstate(all="ignore"):
        good = np.abs(a - b) <= 10 * CLOSE * np.maximum(size, FAINT * usual)
    something = usual[..., 0] > NOTHING  # two sides that vanish prove nothing
    enough = np.sum(sure, axis=-1) >= ENOUGH
    found: Array = np.all(good | np.logical_not(sure), axis=-1) & something & enough
    return found
