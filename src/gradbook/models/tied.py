"""Layers of a file that have the same weights: which of them are layers applied again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gradbook.graph.node import Array
from gradbook.net.fit import MOST_LAYERS
from gradbook.net.layers import Layer
from gradbook.net.wiring import Again

APART = (
    "{places} have the same weights in the file, and each its own from here on: only layers that "
    "follow one another are applied again"
)


@dataclass(frozen=True)
class StoredLayer:
    """A layer of ours, its weights, and what the file calls them."""

    layer: Layer
    weights: Mapping[str, Array]  # without statistics, which are those of each use
    stored: tuple[str, ...]

    def is_again(self, other: StoredLayer) -> bool:
        unweighted = not self.weights and not other.weights
        return self.layer == other.layer and (unweighted or self.shares_with(other))

    def shares_with(self, other: StoredLayer) -> bool:
        """By the file's names; by the values too, for other constants may have gone into them."""
        if not self.stored or (self.stored, *self.weights) != (other.stored, *other.weights):
            return False
        return all(np.array_equal(a, other.weights[n]) for n, a in self.weights.items())


def applied_again(layers: Sequence[StoredLayer]) -> tuple[Again, ...]:
    """The blocks of layers that stand in a row several times with the same weights."""
    if len(layers) > MOST_LAYERS:  # which are refused
        return ()
    return tuple(_blocks(layers, 0, len(layers)))


def _blocks(layers: Sequence[StoredLayer], first: int, end: int) -> Iterator[Again]:
    """The one that takes in most weights, and those before and after it."""
    found = list(_candidates(layers, first, end))
    if found:
        best = max(found, key=lambda one: _worth(layers, one))
        yield from _blocks(layers, first, best.first)
        yield best
        yield from _blocks(layers, best.end, end)


def _candidates(layers: Sequence[StoredLayer], first: int, end: int) -> Iterator[Again]:
    for start in range(first, end):
        for length in range(1, (end - start) // 2 + 1):
            if any(one.stored for one in layers[start : start + length]):
                times = 1 + _repeats(layers, start, length, end)
                if times > 1:
                    yield Again(start, length, times)


def _repeats(layers: Sequence[StoredLayer], start: int, length: int, end: int) -> int:
    """How often the block stands there again."""
    alike = 0
    while start + length + alike < end and layers[start + alike].is_again(
        layers[start + length + alike]
    ):
        alike += 1
    return alike // length


def _worth(layers: Sequence[StoredLayer], one: Again) -> tuple[int, bool, int]:
    """Most weights that are shared; then one that begins with weights; then the shortest block."""
    shared = sum(bool(layers[index].stored) for index, _ in one.uses())
    return shared, bool(layers[one.first].stored), -one.layers


def kept_apart(layers: Sequence[StoredLayer], places: Sequence[str], owners: Sequence[int]) -> str:
    """What is to be said of layers with the same weights that aren't applied again; or nothing."""
    own = [index for index, owner in enumerate(owners) if index == owner]
    apart = [
        places[index]
        for index in own
        if any(index != k and layers[index].shares_with(layers[k]) for k in own)
    ]
    return APART.format(places=", ".join(apart)) if apart else ""
