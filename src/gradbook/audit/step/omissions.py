"""What a claimed derivative omits from the chain rule: a path through a cell, or a slope on it.

A derivative is a sum over the paths from the loss back to a value, and each path is a product of
local slopes. So an omission can be proved by an identity at random points: the claim equals the
same sum without the paths through some cell, or the same products with 1 in place of some slope.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations, product
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradbook.audit.formulas.points import Numbers, agree
from gradbook.cells.budget import spend
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node, ancestors

MOST_PLACES = 600  # values on the paths: more isn't an exercise
MOST_ALTERNATIVES = 400
MOST_LINKS = 5  # users of one value of which any may be left out
MOST_NUMBERS = 2**22  # kept at once while alternatives are computed
NEARLY = 1e-6  # tolerance of the first comparison

Place = TypeVar("Place", bound=Hashable)  # a value on a path: a node, or a cell


@dataclass(frozen=True)
class ChainOmission(Generic[Place]):
    """What a derivative omits at some places, which belong to one unit in several samples."""

    places: tuple[Place, ...]
    is_way: bool  # omits all paths through the places; else each one's slope
    sources: tuple[Place, ...] = ()  # if any, only the paths from these to the places

    @property
    def first(self) -> Place:
        return self.places[0]


Omissions = tuple[ChainOmission[Place], ...]


@dataclass(frozen=True, eq=False)
class Chain(Generic[Place]):
    """The values between a loss and its inputs, each with its slopes with respect to the next."""

    order: Sequence[Place]  # from the loss back
    partials: Mapping[Place, Mapping[Place, Array]]
    seeds: Mapping[Place, Array]  # the slopes of the loss with respect to its own inputs
    units: Mapping[Place, Hashable]  # the column of the unit that a place belongs to

    # Possible omissions -------------------------------------------------------------

    @cached_property
    def ways(self) -> list[ChainOmission[Place]]:
        """Places that not all paths go through, nearest to the loss first."""
        inner = (place for place in self.order if self.partials.get(place) and place in self.units)
        return self._gathered((place for place in inner if self.depths[place] > 0), True)

    @cached_property
    def slopes(self) -> list[ChainOmission[Place]]:
        """Places that are a non-linear function of only one other."""
        return self._gathered(filter(self._is_nonlinear, self.order), False)

    def _is_nonlinear(self, place: Place) -> bool:
        slopes = list(self.partials.get(place, {}).values())
        if len(slopes) != 1:
            return False
        finite = slopes[0][np.isfinite(slopes[0])]
        return finite.size > 1 and float(np.ptp(finite)) > 0

    def _gathered(self, places: Iterable[Place], is_way: bool) -> list[ChainOmission[Place]]:
        found: defaultdict[Hashable, list[Place]] = defaultdict(list)
        for place in places:
            found[self.units.get(place, place)].append(place)
        return [ChainOmission(tuple(some), is_way) for some in found.values()]

    @cached_property
    def depths(self) -> Mapping[Place, int]:
        """The length of the longest path from the loss to each value."""
        found: dict[Place, int] = dict.fromkeys(self.order, 0)
        for place in self.order:
            for source in self.partials.get(place, {}):
                found[source] = max(found.get(source, 0), found[place] + 1)
        return found

    @cached_property
    def links(self) -> list[ChainOmission[Place]]:
        """Some users of a value, of which other paths lead through the others: an encoder's weights
        that a decoder uses again, a sum that skips a layer."""
        values: dict[Hashable, dict[Hashable, list[tuple[Place, Place]]]] = {}
        for user in self.order:
            for source in self.partials.get(user, {}):
                users = values.setdefault(self.units.get(source, source), {})
                users.setdefault(self.units.get(user, user), []).append((user, source))
        found: list[ChainOmission[Place]] = []
        for users in values.values():
            counts = range(1, len(users) if len(users) <= MOST_LINKS else 2)
            for some in chain.from_iterable(combinations(users.values(), n) for n in counts):
                places, sources = zip(*chain.from_iterable(some), strict=True)
                found.append(ChainOmission(places, is_way=True, sources=sources))
        return found[:MOST_ALTERNATIVES]

    @cached_property
    def _without_links(self) -> dict[Place, Array]:
        spend(len(self.links) * self._points, len(self.order))
        return self.derivatives([(link,) for link in self.links]) if self.links else {}

    def _layers(self, some: Sequence[ChainOmission[Place]]) -> list[Omissions[Place]]:
        found: defaultdict[int, list[ChainOmission[Place]]] = defaultdict(list)
        for omission in some:
            found[self.depths[omission.first]].append(omission)
        return [tuple(layer) for layer in found.values()]

    @cached_property
    def alternatives(self) -> list[Omissions[Place]]:
        """Omissions that may occur together, the simplest first."""
        return list(dict.fromkeys(self._alternatives()))[:MOST_ALTERNATIVES]

    def _alternatives(self) -> Iterator[Omissions[Place]]:
        slopes, ways = ([(one,) for one in some] for some in (self.slopes, self.ways))
        layers = [layer for layer in self._layers(self.slopes) if len(layer) > 1]
        several = [layer for layer in self._layers(self.ways) if len(layer) > 2]
        alone = [
            tuple(other for other in layer if other is not kept)
            for layer in several
            for kept in layer
        ]
        yield from (*ways, *slopes, *layers, *alone)
        both = (
            combinations(layers, 2),
            product((*slopes, *layers), (*ways, *alone)),
            combinations(slopes, 2),
            combinations(ways, 2),
        )
        yield from ((*some, *others) for some, others in chain.from_iterable(both))

    # The derivatives with omissions ---------------------------------------------------

    def derivatives(self, some: Sequence[Omissions[Place]]) -> dict[Place, Array]:
        """∂loss/∂ every value with each set of omissions: (alternatives, points)."""
        none, steep = self._left_out(some, True), self._left_out(some, False)
        cut = self._cut(some)
        found: dict[Place, Array] = {}
        with np.errstate(all="ignore"):
            for place in self.order:
                if place in self.seeds:
                    start = np.broadcast_to(self.seeds[place], (len(some), self._points))
                    found[place] = found[place] + start if place in found else start
                if place not in found:
                    continue
                if place in none:
                    found[place] = np.where(none[place][:, None], 0.0, found[place])
                for source, slope in self.partials.get(place, {}).items():
                    share = found[place] * slope
                    if place in steep:
                        share = np.where(steep[place][:, None], found[place], share)
                    if (place, source) in cut:
                        share = np.where(cut[place, source][:, None], 0.0, share)
                    found[source] = found[source] + share if source in found else share
        return found

    def _left_out(self, some: Sequence[Omissions[Place]], is_way: bool) -> dict[Place, Array]:
        found: dict[Place, Array] = {}
        for k, omissions in enumerate(some):
            for one in omissions:
                for place in one.places if one.is_way is is_way and not one.sources else ():
                    found.setdefault(place, np.zeros(len(some), dtype=bool))[k] = True
        return found

    def _cut(
        self, some: Sequence[Omissions[Place]]
    ) -> dict[tuple[Place, Place], NDArray[np.bool_]]:
        found: dict[tuple[Place, Place], NDArray[np.bool_]] = {}
        for k, omissions in enumerate(some):
            for one in omissions:
                for link in zip(one.places, one.sources, strict=bool(one.sources)):
                    found.setdefault(link, np.zeros(len(some), dtype=bool))[k] = True
        return found

    @cached_property
    def _points(self) -> int:
        return max(np.size(slope) for some in self.partials.values() for slope in some.values())

    @cached_property
    def _worked(self) -> dict[Place, Array]:
        """The derivatives with respect to every value, first without omissions, then with each
        set."""
        every: list[Omissions[Place]] = [(), *self.alternatives]
        at_once = max(MOST_NUMBERS // (self._points * len(self.order)), 1)
        some = every[:at_once]
        spend(len(some) * self._points, len(self.order))
        return self.derivatives(some)

    def true(self, of: Place) -> Array | None:
        """∂loss/∂ a value; None if the loss doesn't depend on it."""
        found = self._worked.get(of)
        return None if found is None else found[0]

    def left_out(
        self, of: Place, claimed: Array, by_way_of: Collection[Place] | None = None
    ) -> Omissions[Place]:
        """What a claim to be ∂loss/∂ a value omits, or a claim to be its part through some users;
        empty if omissions alone don't explain the claim."""
        worked = self._worked.get(of) if by_way_of is None else self._through(of, by_way_of)
        if worked is None or not np.any(claimed):
            return ()
        spend(len(worked))
        for k in _near_where_largest(worked, claimed):
            if agree(worked[k], claimed):
                return self.alternatives[int(k) - 1] if k else ()
        if by_way_of is not None or of not in self._without_links:
            return ()
        without = self._without_links[of]
        for k in _near_where_largest(without, claimed):
            if of in self.links[int(k)].sources and agree(without[k], claimed):
                return (self.links[int(k)],)
        return ()

    def _through(self, of: Place, users: Collection[Place]) -> Array:
        """The part of ∂loss/∂ a value that comes through some users, for each alternative."""
        shares = [
            self._worked[user] * self.partials[user][of]
            for user in users
            if user in self._worked and of in self.partials.get(user, {})
        ]
        return np.sum(shares, axis=0) if shares else np.zeros((1, self._points))


def _near_where_largest(worked: Array, claimed: Array) -> NDArray[np.intp]:
    """The derivatives that nearly equal a claim where it is largest, or aren't finite there: no
    others can agree with it."""
    size = np.where(np.isfinite(claimed), np.abs(claimed), -1.0)
    largest = int(np.argmax(size))
    with np.errstate(all="ignore"):
        off = np.abs(worked[:, largest] - claimed[largest])
    return np.flatnonzero(~(off > NEARLY * size[largest]))


# A chain of nodes ---------------------------------------------------------------------------


def chain_of_nodes(
    loss: Node, ends: Collection[Node], units: Mapping[Node, Hashable], numbers: Numbers
) -> Chain[Node] | None:
    """The chain from a loss to some ends through the nodes of cells, which are given with their
    units; None if there are too many."""
    order = ancestors([loss])
    varying = set(ends)
    for node in order:
        if any(source in varying for source in node.inputs):
            varying.add(node)
    held = {node for node in units if node in varying}
    inside = [inner_sum(node, held, varying) for node in held]
    places = held.union(ends, (node for node in inside if node is not None), [loss])
    if len(places) > MOST_PLACES or loss not in varying:
        return None
    partials: dict[Node, dict[Node, Array]] = {}
    inner = [node for node in order if node in places]
    for node in inner:
        sources = [s for s in ancestors([node], places) if s in places and s is not node]
        if node not in ends and sources:
            slopes = gradients(node, sources, places)
            partials[node] = {s: np.atleast_1d(numbers.of(slopes[s])) for s in reversed(sources)}
    return Chain(inner[::-1], partials, {loss: np.ones(1)}, units)


def inner_sum(node: Node, held: Collection[Node], varying: Collection[Node]) -> Node | None:
    """The sum inside a cell's formula through which everything that varies in it passes."""
    inner = node
    while True:
        sources = {source for source in inner.inputs if source in varying}
        if len(sources) != 1:
            return inner if sources and inner is not node else None
        (inner,) = sources
        if inner in held:
            return None
