"""Layers with inner values, split by their ops into weighted sums and rules between them.

Weighted sums at each step are made by an ordinary maker of sums. Everything between them is a rule:
it computes the values at one place from the current row, from earlier ones, and from its own result
at the step before. No layer is known by its name here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import TargetError
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Graph, Node, ancestors
from gradbook.graph.reference import Values, evaluate_in_order
from gradbook.graph.sequences import stack
from gradbook.graph.window import Window
from gradbook.layers.card import LayerSite
from gradbook.net.trained import TrainedLayer


class Sight(StrEnum):
    """The rows that a rule reads."""

    OWN = "own"
    EARLIER = "earlier"  # up to its own
    ALL = "all"


@dataclass(frozen=True, eq=False)
class Rule:
    """Computes the `results` at a place from the values that it `reads` of the row.

    `reads` has the first channel of each value. `before` are the values of the step before, which
    are 0 before the first step. `tensors` are the parameters.
    """

    name: str
    results: tuple[Node, ...]
    reads: Mapping[Node, int]
    before: tuple[Node, ...]
    tensors: Mapping[Node, Array]
    steps: int  # each is a row; 0 if rows are an image's

    @property
    def channels(self) -> int:
        return sum(node.shape[0] for node in self.results)

    @cached_property
    def order(self) -> list[Node]:
        """The nodes at a place, in order of computation."""
        return ancestors(self.results, stop=(*self.reads, *self.before, *self.tensors))

    @property
    def sight(self) -> Sight:
        causal = {bool(node.attributes[0]) for node in self.order if node.op.name == "shares"}
        if not causal:
            return Sight.OWN
        return Sight.EARLIER if causal == {True} else Sight.ALL

    @property
    def weights(self) -> Array | None:
        """All parameters, flattened and concatenated."""
        if not self.tensors:
            return None
        return np.concatenate([x.ravel() for x in self.tensors.values()]).reshape(-1, 1)

    @property
    def begins(self) -> dict[Node, int]:
        """The index at which each of them begins."""
        ends = np.cumsum([0, *(x.size for x in self.tensors.values())]).tolist()
        return dict(zip(self.tensors, ends, strict=False))

    def evaluate(self, rows: Array) -> Array:
        """Compute the rule on a whole map, (images, rows, columns, channels)."""
        results = [self._at_all_steps(node) for node in self.results]
        every = self.values(rows, results)
        return self.as_rows([every[node] for node in results], rows)

    def values(self, rows: Array, results: Sequence[Node]) -> Values:
        """Compute these values, and those that they need, for a whole map."""
        values = {**self.inputs(rows), **self.tensors}
        return evaluate_in_order(ancestors(results, stop=values), values, len(rows))

    def inputs(self, rows: NDArray[Any]) -> dict[Node, NDArray[Any]]:
        """The values that a map gives to the rule, channels first."""
        maps = rows.transpose(0, 3, 2, 1) if self.steps else rows.transpose(0, 3, 1, 2)
        return {
            node: maps[:, first : first + node.shape[0]].reshape(-1, *node.shape)
            for node, first in self.reads.items()
        }

    def as_rows(self, results: Sequence[NDArray[Any]], rows: NDArray[Any]) -> NDArray[Any]:
        """Concatenate results in a map like the one that is read."""
        beside = np.concatenate(results, axis=1)
        if self.steps:
            return np.asarray(beside.transpose(0, 3, 2, 1))
        beside = beside.reshape(*beside.shape[:2], *rows.shape[1:3])
        return np.asarray(beside.transpose(0, 2, 3, 1))

    def _at_all_steps(self, node: Node) -> Node:
        if not self.before:
            return node
        name, graph = node.name, node.graph
        assert name
        return stack([graph.by_name[str(name.at_step(k + 1))] for k in range(self.steps)])


@dataclass(frozen=True, eq=False)
class ChannelSums:
    """Weighted sums of the channels at each place."""

    weights: Array
    shift: Array | None

    @property
    def channels(self) -> int:
        return len(self.weights)


def pieces_of(layer: TrainedLayer, stepwise: bool) -> list[ChannelSums | Rule]:
    """Split a layer into what makes its map, one after the other; if `stepwise`, rows are steps."""
    graph = Graph()
    x = graph.leaf(Name("x"), layer.input, each=True)
    tensors = {
        graph.leaf(Name(spec.role, word=spec.part), layer.tensors[spec.tensor].shape): (
            layer.tensors[spec.tensor]
        )
        for spec in layer.layer.parameters(layer.input)
    }
    name = Name("y")
    site = LayerSite(graph, 0, None, name, Name("x"), layer.output, 1, outside=True, training=False)
    steps = layer.input[-1] if stepwise and len(layer.input) > 1 else 0
    result = layer.layer.ops(site, [x], list(tensors))
    return list(_Partition(layer.name, x, tensors, steps).pieces(result))


@dataclass(frozen=True, eq=False)
class _WeightedSum:
    """Weighted sums in a graph: the node, its input, and the leaves that are its weights."""

    node: Node
    source: Node
    weights: Node
    bias: Node | None


@dataclass(frozen=True)
class _Partition:
    """Splits a layer's ops, from its result back to its input."""

    layer: str
    x: Node
    tensors: Mapping[Node, Array]
    steps: int

    def pieces(self, result: Node) -> Iterator[ChannelSums | Rule]:
        last = result.inputs[-1] if result.op.name == "stack" else result
        if sums := self._as_sum(last):
            yield from self.pieces(sums.source) if sums.source is not self.x else ()
            yield self._side_by_side([sums])
            return
        results, before = self._carried(last)
        below = self._sums_below(results, before)
        reads = dict[Node, int]() if below else {self.x: 0}
        if below:
            if {sums.source for sums in below} != {self.x}:
                raise TargetError(f"{self.layer} can't be written in C: use another layer")
            passes_on = self.x in ancestors(results, stop=(*(sums.node for sums in below), *before))
            yield self._side_by_side(below, passes_on)
            for read in [*(sums.node for sums in below), *[self.x] * passes_on]:
                reads[read] = sum(node.shape[0] for node in reads)
        needed = ancestors(results, stop=(*reads, *before))
        totals = [node for node in needed if node.op.name == "sum" and node.each]
        if any(node not in reads and prod(node.inputs[0].shape[1:]) > 1 for node in totals):
            raise TargetError(
                f"{self.layer} can't be written in C, which makes each place from its own channels "
                "and this layer adds up all places: put 'flatten' before it"
            )
        tensors = {node: array for node, array in self.tensors.items() if node in needed}
        yield Rule(self.layer, results, reads, before, tensors, self.steps)

    def _carried(self, last: Node) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
        """Return what the last step makes, its result first, and the matching values of the step
        before."""
        before = tuple(self._before(last))
        results = tuple(_later(node) for node in before)
        if last not in results:
            return (last, *results), before
        pairs = sorted(zip(results, before, strict=True), key=lambda pair: pair[0] is not last)
        results, before = zip(*pairs, strict=True)
        return results, before

    def _side_by_side(self, every: Sequence[_WeightedSum], passes_on: bool = False) -> ChannelSums:
        """Concatenate sums, and their input if something else reads it too."""
        channels = self.x.shape[0]
        passed = [np.eye(channels)[:, :, None, None]] * passes_on
        weights = np.concatenate([*(self.tensors[sums.weights] for sums in every), *passed])
        shifts = [
            np.zeros(sums.node.shape[0])
            if sums.bias is None
            else np.broadcast_to(self.tensors[sums.bias], sums.node.shape[:1])
            for sums in every
        ]
        shift = np.concatenate([*shifts, *[np.zeros(channels)] * passes_on])
        return ChannelSums(weights.transpose(0, 2, 3, 1), shift if shift.any() else None)

    def _as_sum(self, node: Node) -> _WeightedSum | None:
        """Return the node as weighted sums at each place, if that is what it is."""
        bias, sums = None, node
        if node.op.name == "copy":
            return self._as_sum(node.inputs[0])
        if node.op.name == "add" and node.inputs[1].op.name == "spread":
            sums, bias = node.inputs[0], node.inputs[1].inputs[0]
            if bias not in self.tensors:
                return None
        weighs = sums.inputs and sums.inputs[0] in self.tensors
        turned_round = sums.op.name.endswith("back")  # transposed convolutions
        if not weighs or turned_round or Window((1, 1)) not in sums.attributes:
            return None
        return _WeightedSum(node, sums.inputs[1], sums.inputs[0], bias)

    def _sums_below(self, results: Sequence[Node], before: Sequence[Node]) -> list[_WeightedSum]:
        """Find the sums from which some values are made, if there are no others between."""
        below: dict[Node, _WeightedSum] = {}
        waiting = list(results)
        while waiting:
            node = waiting.pop()
            if node in below or node in before:
                continue
            if sums := self._as_sum(node):
                below[node] = sums
            else:
                waiting += node.inputs
        return sorted(below.values(), key=lambda sums: sums.node.index)

    def _before(self, last: Node) -> list[Node]:
        """List what the last step reads from the step before it."""
        step = _step_of(last)
        if step is None:
            return []
        ends = {node for node in ancestors([last]) if _step_of(node) not in (None, step)}
        return [node for node in ancestors([last], stop=ends) if node in ends]


def number_of(node: Node) -> float | None:
    """Evaluate constants, if the node depends on nothing else."""
    if node.is_constant():
        return node.number
    numbers = [number_of(source) for source in node.inputs] if node.op.elements is None else []
    if not numbers or None in numbers or node.shape:
        return None
    return float(node.op.value(*numbers, *node.attributes))


def source_of(node: Node) -> Node:
    """Follow copies to the original."""
    return source_of(node.inputs[0]) if node.op.name == "copy" else node


def _step_of(node: Node) -> int | None:
    name = node.name
    while name and name.of:
        name = name.of
    return name.step if name else None


def _later(node: Node) -> Node:
    """The same value a step later."""
    step = _step_of(node)
    assert node.name
    assert step
    return node.graph.by_name[str(node.name.at_step(step + 1))]
