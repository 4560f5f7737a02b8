"""What a trained network is made of and what becomes of an image in it, as arrays to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from gradbook.graph.window import Shape
from gradbook.lab.models.model import values_read
from gradbook.net import Net
from gradbook.net.layers import Conv, Dense, Pool
from gradbook.net.measure import measure
from gradbook.net.names import leaf_name
from gradbook.net.parameters import Role
from gradbook.net.text import layer_words
from gradbook.net.work.at_work import values_of

Array = NDArray[np.float64]
Values = Mapping[str, NDArray[np.floating]]  # by the names of the graph's leaves


@dataclass(frozen=True, eq=False)
class Stage:
    """What some layers made of an image."""

    layers: str  # in words
    field: Shape  # the pixels, down and across, that one value depends on
    values: Array  # (channels, rows, columns)


def first_filters(net: Net, values: Values, picture: Shape) -> Array | None:
    """The weights of the first layer that has some: (filters, channels, rows, columns).

    A dense layer's weights are laid out as the picture it looks at. None where something stands
    between the picture and them.
    """
    for index, layer in enumerate(net.layers):
        if isinstance(layer, Conv):
            return _weights(values, index)
        if isinstance(layer, Dense):
            return _weights(values, index).reshape(-1, *picture)
        if not layer.passes_on:
            return None
    return None


def _weights(values: Values, index: int) -> Array:
    return np.asarray(values[str(leaf_name(Role.WEIGHT, index))], np.float64)


def stages(net: Net, values: Values, image: Array) -> tuple[Stage, ...]:
    """An image's way through the network, as far as it stays a picture.

    `image` is what the network is given: (channels, rows, columns), normalised. There is a stage
    for the first convolution's own sums, and one for what each convolution, pool or dense layer
    is given. There is none where the network isn't given a picture.
    """
    if len(net.input) != 3:
        return ()
    kept = {name: np.asarray(values[name], np.float64) for name in values_read(net)}
    made = values_of(net, kept, image)
    measured = measure(net).layers
    stages = []
    for layers in _told(net):
        field = measured[layers[-1]].field
        assert field is not None  # the input is a picture
        words = ", ".join(layer_words(net.layers[index]) for index in layers)
        stages.append(Stage(words, field.size, made[layers[-1] + 1]))
    return tuple(stages)


def _told(net: Net) -> Iterator[list[int]]:
    """Layers whose work is shown together; of dropout and flatten there is nothing to see."""
    seen = [k for k, layer in enumerate(net.layers) if not layer.passes_on]
    together: list[int] = []
    for index, following in zip(seen, [*seen[1:], None], strict=True):
        shape = net.shapes[index + 1]
        if len(shape) != 3 or prod(shape[1:]) == 1:
            return
        together.append(index)
        opening = isinstance(net.layers[index], Conv) and index == seen[0]
        if opening or following is None or isinstance(net.layers[following], Conv | Pool | Dense):
            yield together
            together = []
