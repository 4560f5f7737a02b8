"""The chain rule from one input to the result: the formulas on the way, and the paths between them.

A model may have more paths than atoms exist, so only those that contribute most are followed; the
rest is known without them, since the whole sum is the derivative.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import nlargest
from math import isfinite, prod

from gradbook.cells.formula.address import Address
from gradbook.cells.formula.syntax import Expression
from gradbook.cells.slopes import Slopes
from gradbook.errors import UsageError

MOST_PATHS = 6  # that are written out


@dataclass(frozen=True)
class LocalSlope:
    """How a formula changes with one of the cells that it mentions: ∂user/∂source."""

    source: Address
    user: Address
    partial: Expression
    slope: float


@dataclass(frozen=True)
class ChainPath:
    """Links from the input to the result, one after the other."""

    links: tuple[LocalSlope, ...]

    @property
    def product(self) -> float:
        return prod(link.slope for link in self.links)


@dataclass(frozen=True)
class InputChain:
    """Everything between one cell and the result that depends on it."""

    slopes: Slopes
    source: Address
    cells: tuple[Address, ...]  # the source first, each after all that it depends on
    links: Mapping[Address, Sequence[LocalSlope]]  # by the cell that changes
    slope: float  # of the result by the source

    @cached_property
    def count(self) -> int:
        """The number of different paths."""
        counts = {self.slopes.result: 1}
        for cell in reversed(self.cells):
            if cell != self.slopes.result:
                counts[cell] = sum(counts[link.user] for link in self.links[cell])
        return counts[self.source]

    @cached_property
    def paths(self) -> tuple[ChainPath, ...]:
        """The paths that contribute most, or all of them if there are few."""
        best = {self.slopes.result: [_Share(1.0)]}
        for cell in reversed(self.cells):
            if cell != self.slopes.result:
                further = (
                    _Share(link.slope * share.size, link, share)
                    for link in self.links[cell]
                    for share in best[link.user]
                )
                best[cell] = nlargest(MOST_PATHS, further, key=_contribution)
        return tuple(ChainPath(tuple(share.links())) for share in best[self.source])

    @property
    def rest(self) -> float:
        """What all other paths contribute together."""
        return self.slope - sum(path.product for path in self.paths)


@dataclass(frozen=True)
class _Share:
    """The product of the links from one cell to the result along one path; paths share their ends,
    since they may be thousands of links long."""

    size: float
    link: LocalSlope | None = None
    rest: _Share | None = None

    def links(self) -> Iterator[LocalSlope]:
        share: _Share | None = self
        while share and share.link:
            yield share.link
            share = share.rest


def _contribution(share: _Share) -> float:
    return abs(share.size) if isfinite(share.size) else 0.0


def chain_between(slopes: Slopes, source: Address, slope: float) -> InputChain:
    """The chain from a cell to the result, whose slope by it is known; a UsageError if the result
    doesn't depend on it."""
    result = slopes.result
    links = defaultdict[Address, list[LocalSlope]](list)
    reached, waiting = {source}, [source]
    while waiting:
        cell = waiting.pop()
        for term in slopes.terms.get(cell, ()):
            links[cell].append(LocalSlope(cell, term.user, term.partial, slopes.local(term)))
            if term.user not in reached:
                reached.add(term.user)
                waiting.append(term.user)
    name = slopes.book.name_of
    if result not in reached:
        raise UsageError(
            f"{name(result)} doesn't depend on {name(source)}: name one of its inputs, "
            "as explain without --only lists them"
        )
    if source == result:
        raise UsageError(f"{name(source)} is the result itself: name one of its inputs")
    on_way = [source, *(cell for cell in slopes.order if cell in reached and cell != source)]
    return InputChain(slopes, source, tuple(on_way), links, slope)
