"""Layers with values of their own, taken apart by their ops: weighted sums, and rules between them.

Weighted sums at each step are what any maker of sums makes. What lies between them is a rule: what
is made at one place of the row that is read, of those before it, and of what the rule itself made
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
    """Which rows a rule reads."""

    OWN = "own"
    EARLIER = "earlier"  # those up to its own
    ALL = "all"


@dataclass(frozen=True, eq=False)
class Rule:
    """What is `made` at a place, side by side, of values `given` by the row that is read.

    Each of those has the number of its first channel there. `before` is what was made at the step
    before; before the first step that is 0. `tensors` are the parameters.
    """

    name: str
    made: tuple[Node, ...]
    given: Mapping[Node, int]
    before: tuple[Node, ...]
    tensors: Mapping[Node, Array]
    steps: int  # of which each is a row; 0 where rows are rows of an image

    @property
    def channels(self) -> int:
        return sum(node.shape[0] for node in self.made)

    @cached_property
    def order(self) -> list[Node]:
        """What is computed at a place, in an order to compute in."""
        return ancestors(self.made, stop=(*self.given, *self.before, *self.tensors))

    @property
    def sight(self) -> Sight:
        causal = {bool(node.attributes[0]) for node in self.order if node.op.name == "shares"}
        if not causal:
            return Sight.OWN
        return Sight.EARLIER if causal == {True} else Sight.ALL

    @property
    def weights(self) -> Array | None:
        """All parameters in line."""
        if not self.tensors:
            return None
        return np.concatenate([x.ravel() for x in self.tensors.values()]).reshape(-1, 1)

    @property
    def begins(self) -> dict[Node, int]:
        """Where each of them begins."""
        ends = np.cumsum([0, *(x.size for x in self.tensors.values())]).tolist()
        return dict(zip(self.tensors, ends, strict=False))

    def evaluate(self, rows: Array) -> Array:
        """What it makes of a whole map, (images, rows, columns, channels)."""
        results = [self._at_all_steps(node) for node in self.made]
        every = self.values(rows, results)
        return self.as_rows([every[node] for node in results], rows)

    def values(self, rows: Array, results: Sequence[Node]) -> Values:
        """These values and what they are made of, for a whole map."""
        values = {**self.inputs(rows), **self.tensors}
        return evaluate_in_order(ancestors(results, stop=values), values, len(rows))

    def inputs(self, rows: NDArray[Any]) -> dict[Node, NDArray[Any]]:
        """What of a map is given to it, channels first."""
        maps = rows.transpose(0, 3, 2, 1) if self.steps else rows.transpose(0, 3, 1, 2)
        return {
            node: maps[:, first : first + node.shape[0]].reshape(-1, *node.shape)
            for node, first in self.given.items()
        }

    def as_rows(self, results: Sequence[NDArray[Any]], rows: NDArray[Any]) -> NDArray[Any]:
        """What it makes, side by side in a map like the one that it reads."""
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
    """Weighted sums of the channels of each place."""

    weights: Array
    shift: Array | None

    @property
    def channels(self) -> int:
        return len(self.weights)


def pieces_of(layer: TrainedLayer, stepwise: bool) -> list[ChannelSums | Rule]:
    """What makes a layer's map of the one that it reads, one after the other; where it is
    `stepwise`, its rows are steps."""
    graph = Graph()
    x = graph.leaf(Name("x"), layer.given, each=True)
    tensors = {
        graph.leaf(Name(spec.role, word=spec.part), layer.tensors[spec.tensor].shape): (
            layer.tensors[spec.tensor]
        )
        for spec in layer.layer.parameters(layer.given)
    }
    name = Name("y")
    site = LayerSite(graph, 0, None, name, Name("x"), layer.makes, 1, outside=True, training=False)
    steps = layer.given[-1] if stepwise and len(layer.given) > 1 else 0
    result = layer.layer.ops(site, [x], list(tensors))
    return list(_Partition(layer.name, x, tensors, steps).pieces(result))


@dataclass(frozen=True, eq=False)
class _WeightedSum:
    """Weighted sums in a graph: the node, what it weighs, and the leaves that it weighs with."""

    node: Node
    source: Node
    weights: Node
    bias: Node | None


@dataclass(frozen=True)
class _Partition:
    """Takes a layer's ops apart, from its result to what it reads."""

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
        made, before = self._carried(last)
        below = self._sums_below(made, before)
        given = dict[Node, int]() if below else {self.x: 0}
        if below:
            if {sums.source for sums in below} != {self.x}:
                raise TargetError(f"{self.layer} can't be written in C: use another layer")
            passes_on = self.x in ancestors(made, stop=(*(sums.node for sums in below), *before))
            yield self._side_by_side(below, passes_on)
            for read in [*(sums.node for sums in below), *[self.x] * passes_on]:
                given[read] = sum(node.shape[0] for node in given)
        needed = ancestors(made, stop=(*given, *before))
        if any(_adds_up_places(node) for node in needed if node.each and node not in given):
            raise TargetError(
                f"{self.layer} can't be written in C, which makes each place from its own channels "
                "and this layer adds up all places: put 'flatten' before it"
            )
        tensors = {node: array for node, array in self.tensors.items() if node in needed}
        yield Rule(self.layer, made, given, before, tensors, self.steps)

    def _carried(self, last: Node) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
        """What is made at the last step, its result first, and what of it was taken a step
        before."""
        before = tuple(self._before(last))
        made = tuple(_later(node) for node in before)
        if last not in made:
            return (last, *made), before
        pairs = sorted(zip(made, before, strict=True), key=lambda pair: pair[0] is not last)
        made, before = zip(*pairs, strict=True)
        return made, before

    def _side_by_side(self, every: Sequence[_WeightedSum], passes_on: bool = False) -> ChannelSums:
        """All of them, and what they read itself if something else reads it too."""
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
        """The node as weighted sums at each place, if it is that."""
        bias, sums = None, node
        if node.op.name == "copy":
            return self._as_sum(node.inputs[0])
        if node.op.name == "add" and node.inputs[1].op.name == "spread":
            sums, bias = node.inputs[0], node.inputs[1].inputs[0]
            if bias not in self.tensors:
                return None
        weighs = sums.inputs and sums.inputs[0] in self.tensors
        turned_round = sums.op.name.endswith("back")  # as in transposed convolutions
        if not weighs or turned_round or Window((1, 1)) not in sums.attributes:
            return None
        return _WeightedSum(node, sums.inputs[1], sums.inputs[0], bias)

    def _sums_below(self, made: Sequence[Node], before: Sequence[Node]) -> list[_WeightedSum]:
        """The sums that some values are made of, if no others lie between."""
        below: dict[Node, _WeightedSum] = {}
        waiting = list(made)
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
        """What the last step takes of the step before it."""
        step = _step_of(last)
        if step is None:
            return []
        ends = {node for node in ancestors([last]) if _step_of(node) not in (None, step)}
        return [node for node in ancestors([last], stop=ends) if node in ends]


def _adds_up_places(node: Node) -> bool:
    return node.op.name == "sum" and prod(node.inputs[0].shape[1:]) > 1


def number_of(node: Node) -> float | None:
    """What constants alone come to."""
    if node.is_constant():
        return node.number
    numbers = [number_of(source) for source in node.inputs] if node.op.elements is None else []
    if not numbers or None in numbers or node.shape:
        return None
    return float(node.op.value(*numbers, *node.attributes))


def source_of(node: Node) -> Node:
    """What a copy is of."""
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
