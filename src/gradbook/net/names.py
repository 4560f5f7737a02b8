"""What the values of a network's layers are called."""

from __future__ import annotations

from gradbook.graph.names import Name
from gradbook.layers import Layer, Role
from gradbook.net.network import Net


def leaf_name(role: Role, layer: int) -> Name:
    """What the leaf of a layer's parameter is called: w_layer_3."""
    return Name(role, layer=layer, word="layer")


def shown_names(net: Net) -> tuple[Name, ...]:
    """The same where every value is written out: what dropout leaves has a name of its own."""
    names = list(layer_names(net))
    for index, layer in enumerate(net.layers):
        if layer.draws:
            names[index + 1] = kept_name(net, index)
        elif layer.passes_on:
            names[index + 1] = names[index]
    return tuple(names)


def layer_names(net: Net) -> tuple[Name, ...]:
    """What the input's and then each layer's values are called."""
    return (Name("i"), *(value_name(net, index) for index in range(len(net.layers))))


def value_name(net: Net, index: int) -> Name:
    """The name of a layer's values: h, o, c, p, y, z, numbered where there are several."""
    layer = net.layers[index]
    if layer.passes_on:
        return name_before(net, index)
    if layer.names_after:
        return Name(layer.letter, of=name_before(net, index))
    peers = _peers(net, layer)
    if layer.last_letter:
        if index == peers[-1]:
            return Name(layer.last_letter)
        peers = peers[:-1]
    return Name(layer.letter, layer=_place(index, peers))


def name_before(net: Net, index: int) -> Name:
    """The name of the values that a layer is given."""
    return value_name(net, index - 1) if index else Name("i")


def number(net: Net, index: int) -> int | None:
    """A layer's number among those of its kind, where there are several."""
    return _place(index, _peers(net, net.layers[index]))


def kept_name(net: Net, index: int) -> Name:
    """What it leaves of the values before it, in steps on single values."""
    return Name("u", layer=number(net, index))


def statistics_names(net: Net, index: int) -> tuple[str, str]:
    """What the running mean and variance of the batch normalisation there are called."""
    place, stems = number(net, index), net.layers[index].statistics.values()
    mean, variance = (str(Name("r", of=Name(stem, layer=place))) for stem in stems)
    return mean, variance


def _peers(net: Net, layer: Layer) -> list[int]:
    """The places of all layers of its kind, which share a letter where they have one."""
    letter = layer.letter
    return [
        k
        for k, other in enumerate(net.layers)
        if (other.letter == letter if letter else type(other) is type(layer))
    ]


def _place(index: int, peers: list[int]) -> int | None:
    return peers.index(index) + 1 if len(peers) > 1 else None
