"""What the values of a network's layers are called."""

from __future__ import annotations

from gradbook.graph.name import Name
from gradbook.net.layers import Activation, Dense, Dropout, Flatten, Layer
from gradbook.net.network import Net

STEMS = {"Conv": "c", "Pool": "p", "BatchNorm": "y"}


def layer_names(net: Net) -> tuple[Name, ...]:
    """What the input's and then each layer's values are called."""
    return (Name("i"), *(value_name(net, index) for index in range(len(net.layers))))


def value_name(net: Net, index: int) -> Name:
    """The name of a layer's values: h, o, c, p, y, numbered where there are several."""
    layer = net.layers[index]
    if isinstance(layer, Flatten | Dropout):
        return name_before(net, index)
    if isinstance(layer, Activation):
        return Name("a", of=name_before(net, index))
    peers = _peers(net, layer)
    if isinstance(layer, Dense):
        if index == peers[-1]:
            return Name("o")
        peers = peers[:-1]
    stem = STEMS.get(type(layer).__name__, "h")
    return Name(stem, layer=_place(index, peers))


def name_before(net: Net, index: int) -> Name:
    """The name of the values that a layer is given."""
    return value_name(net, index - 1) if index else Name("i")


def number(net: Net, index: int) -> int | None:
    """A layer's number among those of its kind, where there are several."""
    return _place(index, _peers(net, net.layers[index]))


def _peers(net: Net, layer: Layer) -> list[int]:
    """The places of all layers of its kind."""
    return [k for k, other in enumerate(net.layers) if type(other) is type(layer)]


def _place(index: int, peers: list[int]) -> int | None:
    return peers.index(index) + 1 if len(peers) > 1 else None
