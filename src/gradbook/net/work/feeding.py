"""Which values one value feeds, and by how much each of them changes with it.

Layer by layer this is the chain rule on single values, whatever size the network has: the slope of
a value is the sum of the slopes of those it feeds, each times its local slope, which follows from
the layer's own ops.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from gradbook.graph.chain import gradients
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Graph, Node, ancestors
from gradbook.graph.reference import evaluate
from gradbook.graph.window import Shape
from gradbook.layers import LayerSite
from gradbook.net.names import statistics_names
from gradbook.net.work.at_work import AtWork


@dataclass(frozen=True)
class Feed:
    """A value that another one feeds: whose, where, and ∂it/∂the other."""

    value: int  # its number: k for the output of layer k, counted from 1
    place: Shape
    slope: float
    arriving: float  # ∂error/∂it

    @property
    def share(self) -> float:
        """What it adds to ∂error/∂ the value that feeds it."""
        return self.slope * self.arriving


@dataclass(frozen=True)
class WayStep:
    """A value on the way to the error, and what it feeds, the largest share of its slope first."""

    value: int
    place: Shape
    slope: float  # ∂error/∂it
    fed: tuple[Feed, ...]


def way_to_error(worked: AtWork, value: int, place: Shape) -> list[WayStep]:
    """From a value to the last one that the error is computed from, each time to the value that it
    feeds most; layers that only pass values on are left out."""
    steps: list[WayStep] = []
    while True:
        fed = sorted(_spoken(worked, value, place), key=lambda feed: -abs(feed.share))
        slope = float(worked.slopes[value][place])
        steps.append(WayStep(value, place, slope, tuple(fed)))
        if not fed:
            return steps
        value, place = fed[0].value, fed[0].place


def _spoken(worked: AtWork, value: int, place: Shape) -> Iterator[Feed]:
    """The values that a value feeds, and through which it changes the error."""
    for feed in feeds(worked, value, place) if value < worked.last else ():
        if worked.net.layers[feed.value - 1].passes_on and feed.value < worked.last:
            yield from _spoken(worked, feed.value, feed.place)
        elif feed.share:
            yield feed


def feeds(worked: AtWork, value: int, place: Shape) -> list[Feed]:
    """All values of the next layers that one value feeds."""
    net = worked.net
    return [
        Feed(index + 1, there, slope, float(worked.slopes[index + 1][there]))
        for index, layer in enumerate(net.layers)
        for nth, read in enumerate(layer.reads(index))
        if read == value
        for there, slope in _through(worked, index, nth, place)
    ]


def _through(worked: AtWork, index: int, nth: int, place: Shape) -> Iterator[tuple[Shape, float]]:
    """The places where a layer uses a value of its nth input, each with the slope."""
    slopes = _Local(worked, index, nth).slopes(place)
    for there in zip(*map(np.ndarray.tolist, np.nonzero(slopes)), strict=True):
        yield there, float(slopes[there])


class _Local:
    """One layer's ops by themselves, on its inputs in the network."""

    def __init__(self, worked: AtWork, index: int, nth: int) -> None:
        net = worked.net
        self.layer, self.shape = net.layers[index], net.shapes[index]
        self.graph = graph = Graph()
        reads = [worked.values[read] for read in self.layer.reads(index)]
        weights = {p: worked.parameter(index, p.role) for p in net.taken(index)}
        leaves = [graph.leaf(Name("x", (k,)), array.shape) for k, array in enumerate(reads)]
        owned = [graph.leaf(Name(p.role), array.shape) for p, array in weights.items()]
        site = LayerSite(
            graph, index, None, Name("y"), Name("o"), net.shapes[index + 1], 1, False, False
        )
        self.output, self.input = self.layer.ops(site, leaves, owned), leaves[nth]
        self.values = dict(zip([*leaves, *owned], [*reads, *weights.values()], strict=True))
        if site.statistics:
            names = statistics_names(net, index)
            self.values |= {
                leaf: worked.kept[name] for leaf, name in zip(site.statistics, names, strict=True)
            }
        self.towards = graph.leaf(Name("v"), self.output.shape)  # how much each value counts

    def slopes(self, place: Shape) -> Array:
        """How each value of the layer's output changes with the input at this place."""
        alone = np.zeros(self.input.shape)
        alone[place] = 1
        back = gradients(self.towards * self.output, [self.input])[self.input]
        if self.input not in ancestors([back]):  # the same wherever it stands
            none = np.zeros(self.input.shape)
            return self._worked(self.output, {self.input: alone}) - self._worked(
                self.output, {self.input: none}
            )
        window = self.layer.window(self.shape)
        if window is None:  # what goes back changes with what is asked for as the values do
            chosen = self.graph.leaf(Name("u"), self.input.shape)
            slope = gradients(back * chosen, [self.towards])[self.towards]
            return self._worked(slope, {chosen: alone, self.towards: np.zeros(self.towards.shape)})
        slopes = np.zeros(self.output.shape)
        for _, there in window.over(place[1:], self.shape[1:]):
            towards = np.zeros(self.output.shape)
            towards[place[0], *there] = 1
            slopes[place[0], *there] = self._worked(back, {self.towards: towards})[place]
        return slopes

    def _worked(self, node: Node, values: Mapping[Node, Array]) -> Array:
        return np.asarray(evaluate([node], {**self.values, **values})[node])
