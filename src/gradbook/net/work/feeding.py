"""Which values one value feeds, and by how much each of them changes with it.

Layer by layer this is the chain rule on single values, whatever size the network has: the slope of
a value is the sum of the slopes of those it feeds, each times its local slope.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradbook.graph.chain import gradients
from gradbook.graph.names import Name
from gradbook.graph.node import Graph
from gradbook.graph.reference import evaluate
from gradbook.graph.tensors import divisors
from gradbook.graph.window import Shape
from gradbook.layers import (
    Activation,
    BatchNorm,
    Concat,
    Conv,
    Dense,
    Flatten,
    LayerNorm,
    Pool,
    Role,
    SampleNorm,
)
from gradbook.net.work.at_work import AtWork


@dataclass(frozen=True)
class Feed:
    """A value that another one feeds: whose, where, and ∂it/∂the other."""

    value: int  # its number: k for what layer k makes, counted from 1
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
    """From a value to the last that the error is made of, always over what it feeds most. Layers
    that only pass values on are gone through unsaid."""
    found: list[WayStep] = []
    while True:
        fed = sorted(_spoken(worked, value, place), key=lambda feed: -abs(feed.share))
        slope = float(worked.slopes[value][place])
        found.append(WayStep(value, place, slope, tuple(fed)))
        if not fed:
            return found
        value, place = fed[0].value, fed[0].place


def _spoken(worked: AtWork, value: int, place: Shape) -> Iterator[Feed]:
    """What a value feeds, as far as it changes the error by that."""
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
    """Where a layer takes a value that it is given, as the nth of them, and with which slope."""
    layer, shape = worked.net.layers[index], worked.net.shapes[index]
    match layer:
        case Conv():
            yield from _through_windows(worked, index, layer, place)
        case Dense():
            for unit, weight in enumerate(worked.own(index, Role.WEIGHT)[:, place[0]]):
                yield (unit,), float(weight)
        case Pool():
            yield from _through_pool(worked, index, layer, place)
        case BatchNorm():
            scale = worked.own(index, Role.SCALE)[place[0]]
            yield place, float(scale / worked.deviations(index)[place[0]])
        case SampleNorm():
            yield from _through_group(worked, index, layer, place)
        case Concat():
            before = layer.reads(index)[:nth]
            first = sum(worked.net.shapes[read][0] for read in before)
            yield (first + place[0], *place[1:]), 1.0
        case Flatten():
            yield (int(np.ravel_multi_index(place, shape)),), 1.0
        case Activation() if layer.is_softmax:
            yield from _through_softmax(worked, index, layer, place)
        case _ if layer.passes_on:
            yield place, 1.0
        case _:
            yield place, _own_slope(worked, index, nth, place)


def _through_windows(
    worked: AtWork, index: int, layer: Conv, place: Shape
) -> Iterator[tuple[Shape, float]]:
    weights = worked.own(index, Role.WEIGHT)
    channel, row, column = place
    planes, inside = weights.shape[:2]
    group, own = divmod(channel, inside)
    wide = planes // layer.groups
    shape = worked.net.shapes[index]
    for (i, j), (down, across) in layer.window(shape).over((row, column), shape[1:]):
        for plane in range(group * wide, (group + 1) * wide):
            yield (plane, down, across), float(weights[plane, own, i, j])


def _through_group(
    worked: AtWork, index: int, layer: SampleNorm, place: Shape
) -> Iterator[tuple[Shape, float]]:
    """Each value of its group changes: by its own, and by what it does to the mean and spread."""
    shape = worked.net.shapes[index]
    own, places = int(np.ravel_multi_index(place, shape)), layer.members(shape)
    ((group,), _) = np.nonzero(places == own)
    normal, scale = worked.normal(index).ravel(), worked.own(index, Role.SCALE)
    deviation, size = worked.deviations(index)[group], places.shape[1]
    for other in places[group]:
        there = tuple(map(int, np.unravel_index(other, shape)))
        factor = scale[other if isinstance(layer, LayerNorm) else there[0]] / deviation
        rest = float(other == own) - (1 + normal[own] * normal[other]) / size
        yield there, float(factor * rest)


def _through_pool(
    worked: AtWork, index: int, layer: Pool, place: Shape
) -> Iterator[tuple[Shape, float]]:
    shape = worked.net.shapes[index]
    x, window, area = worked.values[index], layer.window(shape), shape[1:]
    channel, *at = place
    counts = divisors(window, area, layer.counted(shape))
    for _, there in window.over(at, area):
        if layer.kind == "avg":
            yield (channel, *there), 1 / float(counts[there])
        else:
            seen = [source for _, source in window.inside(there, area)]
            largest = int(np.argmax([x[channel, *source] for source in seen]))
            yield (channel, *there), float(seen[largest] == tuple(at))


def _through_softmax(
    worked: AtWork, index: int, layer: Activation, place: Shape
) -> Iterator[tuple[Shape, float]]:
    """Every share changes with each value: where one grows, the others are left less."""
    made, own = worked.values[index + 1], place[0]
    shares = np.exp(made) if layer.kind == "log softmax" else made
    for unit, share in enumerate(shares):
        rest = float(unit == own) - float(shares[own])
        yield (unit,), rest if layer.kind == "log softmax" else float(share) * rest


def _own_slope(worked: AtWork, index: int, nth: int, place: Shape) -> float:
    """Of a layer that works on each place by itself, from its own ops."""
    layer, graph = worked.net.layers[index], Graph()
    reads = layer.reads(index)
    given = {
        graph.leaf(Name("x", (k,))): worked.values[read][place] for k, read in enumerate(reads)
    }
    wanted = list(given)[nth]
    slope = gradients(layer.at_a_place(list(given)), [wanted])[wanted]
    return float(evaluate([slope], given)[slope])
