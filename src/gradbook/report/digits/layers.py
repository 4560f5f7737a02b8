"""What each layer makes, as a page's table: its shape, what it reads, by which weights."""

from __future__ import annotations

from math import prod
from typing import Any

from gradbook.graph.names import leaf_name, statistics_names, value_name
from gradbook.net import Activation, Conv, Dense, Net, Pool
from gradbook.net.layers import BatchNorm, Layer
from gradbook.net.parameters import Role, Shape
from gradbook.net.text import layer_words
from gradbook.palette import colour_of
from gradbook.targets.drawing.place import spelled

IMAGE = -1  # the number of what the first layer reads


def layer_table(net: Net) -> list[dict[str, Any]]:
    """A row for each layer that makes values of its own, in order."""
    number_of = {0: IMAGE}  # value of the network → row of the table
    rows: list[dict[str, Any]] = []
    first = 0
    for index, layer in enumerate(net.layers):
        if layer.passes_on:
            number_of[index + 1] = number_of[index]
            continue
        shape = _as_maps(net.shapes[index + 1])
        number_of[index + 1] = len(rows)
        rows.append(
            {
                **_name(net, index),
                "words": layer_words(layer),
                "shape": shape,
                "first": first,
                "reads": [number_of[value] for value in layer.reads(index)],
                **_computed(net, index),
            }
        )
        first += prod(shape)
    return rows


def _as_maps(shape: Shape) -> tuple[int, int, int]:
    channels, rows, columns = (*shape, 1, 1)[:3]
    return channels, rows, columns


def _name(net: Net, index: int) -> dict[str, str]:
    name = value_name(net, index)
    letter, below = spelled(name)
    kind = colour_of(name.stem, owned=name.of is not None).key
    return {"name": str(name), "letter": letter, "below": below, "colour": kind}


def _computed(net: Net, index: int) -> dict[str, Any]:
    """By which rule, and with what."""
    layer = net.layers[index]
    own = {p.role: str(leaf_name(p.role, index)) for p in net.parameters if p.layer == index}
    window = layer.window(net.shapes[index]) if len(net.shapes[index]) == 3 else None
    return {
        "kind": _kind(layer),
        "weights": own.get(Role.WEIGHT, ""),
        "biases": own.get(Role.BIAS, ""),
        "groups": layer.groups if isinstance(layer, Conv) else 1,
        "window": window
        and {
            "size": window.size,
            "stride": window.stride,
            "pad": window.pad[:2],
            "dilation": window.dilation,
        },
        "statistics": _statistics(net, index, layer, own),
        "epsilon": layer.epsilon if isinstance(layer, BatchNorm) else 0,
    }


def _kind(layer: Layer) -> str:
    match layer:
        case Conv():
            return "conv"
        case Dense():
            return "dense"
        case Pool():
            return f"{layer.kind}pool"
        case BatchNorm():
            return "batchnorm"
        case Activation():
            return "activation"
    return "other"


def _statistics(net: Net, index: int, layer: Layer, own: dict[Role, str]) -> list[str]:
    """Mean, variance, scale and shift of a batch normalisation, by their arrays' names."""
    if not isinstance(layer, BatchNorm):
        return []
    return [*map(str, statistics_names(net, index)), own[Role.SCALE], own[Role.SHIFT]]
