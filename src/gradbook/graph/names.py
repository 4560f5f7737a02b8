"""Names of values, as structure, and what the values of a network's layers are called."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from gradbook.net.layers import Activation, Dense, Dropout, Layer
from gradbook.net.network import Net
from gradbook.net.parameters import Role, Shape


@dataclass(frozen=True)
class Name:
    """A letter with a layer's number and an element's place: h1, a_h1, w5, c2_1_3, E_total.

    `of` nests: a_h1 is Name("a", of=h1), and ∂E_total/∂w5 is Name("∂", of=w5).
    """

    stem: str
    index: tuple[int, ...] = ()
    layer: int | None = None  # only where several layers share the stem
    word: str = ""  # a subscript in words: E_total
    of: Name | None = None

    def __str__(self) -> str:
        if self.stem == "∂" and self.of:
            return f"∂E/∂{self.of}"
        parts = [str(self.of) if self.of else "", self.word, *self._numbers()]
        subscript = "_".join(part for part in parts if part)
        return self.stem + ("_" if self.of or self.word else "") + subscript

    def _numbers(self) -> list[str]:
        layer = [] if self.layer is None else [str(self.layer)]
        return layer + [str(k) for k in self.index]

    def at(self, *index: int) -> Name:
        """The name of one element: of a_h it is a_h1, of ∂E/∂h it is ∂E/∂h1."""
        return replace(self, of=self.of.at(*index)) if self.of else replace(self, index=index)

    def element(self, place: Shape, shape: Shape) -> Name:
        """The name of one place. Names count from 1; a single channel goes without saying."""
        skip = 1 if len(shape) == 3 and shape[0] == 1 else 0
        return self.at(*(k + 1 for k in place[skip:])) if shape else self

    def elements(self, shape: Shape) -> dict[Shape, Name]:
        return {place: self.element(place, shape) for place in product(*map(range, shape))}


SAMPLE_ERROR = Name("E", word="sample")
TOTAL_ERROR = Name("E", word="total")
RATE = Name("η")


def gradient_name(of: Name | None) -> Name:
    """∂E/∂w1: how the error changes with a value."""
    return Name("∂", of=of)


def leaf_name(role: Role, layer: int) -> Name:
    """What the leaf of a layer's parameter is called: w_layer_3."""
    return Name(role, layer=layer, word="layer")


def shown_names(net: Net) -> tuple[Name, ...]:
    """The same where every value is written out: what dropout leaves has a name of its own."""
    names = list(layer_names(net))
    for index, layer in enumerate(net.layers):
        if isinstance(layer, Dropout) and layer.draws:
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
    if isinstance(layer, Activation):
        return Name(layer.letter, of=name_before(net, index))
    peers = _peers(net, layer)
    if isinstance(layer, Dense):
        if index == peers[-1]:
            return Name("o")
        peers = peers[:-1]
    return Name(layer.letter, layer=_place(index, peers))


def name_before(net: Net, index: int) -> Name:
    """The name of the values that a layer is given."""
    return value_name(net, index - 1) if index else Name("i")


def number(net: Net, index: int) -> int | None:
    """A layer's number among those of its kind, where there are several."""
    return _place(index, _peers(net, net.layers[index]))


def mask_name(net: Net, index: int) -> Name:
    """What a dropout's layer multiplies with."""
    return Name("d", layer=number(net, index))


def kept_name(net: Net, index: int) -> Name:
    """What it leaves of the values before it, in steps on single values."""
    return Name("u", layer=number(net, index))


def statistics_names(net: Net, index: int) -> tuple[str, str]:
    """What the running mean and variance of the batch normalisation there are called."""
    place = number(net, index)
    mean, variance = (str(Name("r", of=Name(stem, layer=place))) for stem in ("μ", "σ²"))
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
