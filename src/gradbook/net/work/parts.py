"""What a weight's gradient is the sum of: a product for each place where the weight is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradbook.graph.window import Shape
from gradbook.layers import Layer, Parameter, Role
from gradbook.net.work.at_work import AtWork


@dataclass(frozen=True)
class GradientPart:
    """One product: how the error changes with a value, times how that changes with the weight."""

    layer: int  # one that takes the weight
    place: Shape  # of the value that this layer makes
    slope: float  # ∂error/∂ that value
    factor: float  # ∂ that value/∂ the weight
    source: Shape | None = None  # whose value the factor is, of those that the layer is given

    @property
    def product(self) -> float:
        return self.slope * self.factor


def parts(worked: AtWork, parameter: Parameter, place: Shape) -> list[GradientPart]:
    """All products that the gradient of the weight at this place adds up; edges give none."""
    return [
        GradientPart(index, there, float(worked.slopes[index + 1][there]), factor, source)
        for index in worked.net.uses(parameter)
        for there, factor, source in _uses(worked, index, parameter, place)
    ]


def _uses(
    worked: AtWork, index: int, parameter: Parameter, place: Shape
) -> Iterator[tuple[Shape, float, Shape | None]]:
    """Where a layer uses the weight, and by which number it is multiplied there."""
    layer, x, made = worked.net.layers[index], worked.values[index], worked.values[index + 1]
    match parameter.role:
        case Role.WEIGHT if layer.window(x.shape):
            yield from _through_windows(layer, x, made.shape, place)
        case Role.WEIGHT:
            yield place[:1], float(x[place[1]]), place[1:]
        case Role.SCALE:
            normal = worked.normal(index)
            places = _places_of(parameter, made.shape, place)
            yield from ((p, float(normal[p]), None) for p in places)
        case _:
            yield from ((p, 1.0, None) for p in _places_of(parameter, made.shape, place))


def _places_of(parameter: Parameter, shape: Shape, place: Shape) -> Iterator[Shape]:
    """All places that one element serves: all there are, a channel's, or one alone."""
    if parameter.size == 1:
        return iter(np.ndindex(shape))
    if parameter.size == shape[0]:
        return ((*place, *rest) for rest in np.ndindex(shape[1:]))
    return iter([tuple(map(int, np.unravel_index(place[0], shape)))])


def _through_windows(
    layer: Layer, x: np.ndarray, made: Shape, place: Shape
) -> Iterator[tuple[Shape, float, Shape]]:
    plane, own, *tap = place
    group = plane // (made[0] // layer.groups)
    channel = group * (x.shape[0] // layer.groups) + own
    window, area = layer.window(x.shape), x.shape[1:]
    assert window
    for there in np.ndindex(made[1:]):
        row, column = window.reads(there, tap)
        if 0 <= row < area[0] and 0 <= column < area[1]:
            source = channel, row, column
            yield (plane, *there), float(x[source]), source
