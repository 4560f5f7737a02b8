"""The chain rule through an exercise's named values, also with a way or a slope left out.

What a formula without the way through E2, or without a_h1·(1 − a_h1), would come to is computed so,
to be recognised.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from gradbook.audit.budget import spend
from gradbook.audit.exercise.step_numbers import StepNumbers
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node, named_inputs, needed
from gradbook.targets.excel.language.grammar import write
from gradbook.targets.excel.language.spelling import NAMES

MOST_WAYS = 6  # of which some may be left out
Edge = tuple[Node, Node]  # a value, and one that it is made of


@dataclass(frozen=True)
class Omission:
    """What may be left out on the way back."""

    ways: tuple[Node, ...] = ()  # the way through each
    slopes: tuple[Node, ...] = ()  # the slope of each activation
    edges: frozenset[Edge] = frozenset()
    flat: frozenset[Node] = frozenset()

    def __str__(self) -> str:
        return ", ".join(str(node.name) for node in self.ways or self.slopes)


class WaysBack:
    """From the loss back to a value, in one epoch."""

    def __init__(self, numbers: StepNumbers, epoch: int) -> None:
        self.numbers, self.step, self.epoch = numbers, numbers.step, epoch
        self.forward = numbers.solution.forward
        self.partials: dict[Edge, Array] = {}
        self.sources: dict[Node, list[Node]] = {}
        for made in self.forward:
            self.sources[made] = list(dict.fromkeys(named_inputs(made)))
            found = gradients(made, self.sources[made], set(self.sources[made]))
            for source in self.sources[made]:
                self.partials[made, source] = self._now(found[source])
        self._known: dict[Omission, tuple[dict[Node, Array], dict[Node, Array]]] = {}

    def _now(self, node: Node) -> Array:
        array = self.numbers.array(node)
        turn = self.epoch % self.numbers.turns
        return array[:, turn] if node.each else array[turn]

    def value(self, wanted: Node, sample: int, left_out: Omission = Omission()) -> Array | None:
        """The derivative that a value is named as, with something left out; None of any other."""
        name = wanted.name
        if name is None or name.of is None or name.stem not in ("∂", "g"):
            return None
        of = next((node for node in self._all if node.name == name.of), None)
        if of is None:
            return None
        same = Omission(edges=left_out.edges, flat=left_out.flat)
        if same not in self._known:
            spend(self.numbers.step.samples, len(self.partials))
            self._known[same] = self._back(same)
        slopes, shares = self._known[same]
        if name.stem == "g":
            share = shares.get(of)
            return share[sample] if share is not None and share.ndim > 1 else None
        found = slopes.get(of)
        return found[sample] if found is not None and of.each else found

    @cached_property
    def _all(self) -> list[Node]:
        return [*self.forward, *self.step.weights]

    def _back(self, left_out: Omission) -> tuple[dict[Node, Array], dict[Node, Array]]:
        """∂loss/∂x of each named x, and one sample's shares of it."""
        slopes: dict[Node, Array] = {self.step.loss: np.asarray(1.0)}
        shares: defaultdict[Node, list[Array]] = defaultdict(list)
        with np.errstate(all="ignore"):
            for made in reversed(self.forward):
                if made not in slopes:
                    continue
                for source in self.sources[made]:
                    if (made, source) in left_out.edges:
                        continue
                    flat = made in left_out.flat
                    partial = np.asarray(1.0) if flat else self.partials[made, source]
                    share = slopes[made] * partial
                    shares[source].append(share)
                    whole = made.each and not source.each and share.ndim > 1
                    share = share.sum(axis=0) if whole else share
                    slopes[source] = slopes.get(source, np.asarray(0.0)) + share
        return slopes, {node: np.asarray(sum(found)) for node, found in shares.items()}

    # What may be left out ---------------------------------------------------------

    def omissions(self, wanted: Node) -> Iterator[Omission]:
        """The likeliest first: the way through an output's error, an activation's slope, the way
        through a value of the next layer."""
        errors = [node for node in self.forward if node.name and node.name.stem == "E"]
        ends = [node for node in errors if node.name and node.name.index]
        yield from self._ways(ends)
        yield from self._slopes(wanted)
        for node in self._on_the_way(wanted):
            users = [made for made in self.forward if node in self.sources[made]]
            for some in _some_of(users):
                edges = frozenset((made, node) for made in some)
                yield Omission(ways=some, edges=edges)

    def _ways(self, ends: list[Node]) -> Iterator[Omission]:
        for some in _some_of(ends):
            edges = {
                (made, end) for end in some for made in self.forward if end in self.sources[made]
            }
            yield Omission(ways=some, edges=frozenset(edges))

    def _slopes(self, wanted: Node) -> Iterator[Omission]:
        own = [node for node in self._on_the_way(wanted) if self._is_slope(node)]
        layers: defaultdict[object, list[Node]] = defaultdict(list)
        for node in own:
            layers[
                (node.name.of.stem, node.name.of.layer) if node.name and node.name.of else None
            ] += [node]
        for same in layers.values():
            if len(same) > 1:
                yield Omission(slopes=tuple(same), flat=frozenset(same))
        for node in own:
            yield Omission(slopes=(node,), flat=frozenset([node]))
        if len(own) > 1:
            yield Omission(slopes=tuple(own), flat=frozenset(own))

    def _is_slope(self, node: Node) -> bool:
        return node in self.numbers.solution.activations and len(self.sources[node]) == 1

    def _on_the_way(self, wanted: Node) -> list[Node]:
        """The named values between what a derivative is taken of and the loss."""
        found = [n for n in self._all if wanted.name and n.name == wanted.name.of]
        for made in self.forward:
            if not set(found).isdisjoint(self.sources[made]):
                found.append(made)
        return [node for node in found if node in self.forward]

    # In words -----------------------------------------------------------------------

    def slope_in_names(self, activation: Node) -> str:
        """a_h1*(1-a_h1)"""
        (source,) = self.sources[activation]
        slope = gradients(activation, [source], {source})[source]
        return write(NAMES.mention(slope))

    def share_through(self, wanted: Node, ways: Collection[Node]) -> Node | None:
        """What of a gradient comes by some ways alone, as a value; None where samples are added."""
        name = wanted.name
        of = next((node for node in self._all if name and node.name == name.of), None)
        if of is None or of.each or self.step.samples > 1 or not name or name.stem != "∂":
            return None
        shares = []
        for way in ways:
            onto = gradients(self.step.loss, [way], {way})[way]
            from_there = gradients(way, [of])[of]
            is_whole = onto.is_constant(1)
            shares.append(from_there if is_whole else onto * from_there)
        total = shares[0]
        for share in shares[1:]:
            total = total + share
        return total if len(needed([total])) > 1 else None


def _some_of(nodes: list[Node]) -> Iterator[tuple[Node, ...]]:
    """Some of the nodes, not all; few first."""
    if len(nodes) <= MOST_WAYS:
        for count in range(1, len(nodes)):
            yield from combinations(nodes, count)
