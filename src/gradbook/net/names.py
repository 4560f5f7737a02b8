"""Names of values and weights: h1, w5, and which weight 'conv2 3,1,0,2' is."""

from __future__ import annotations

import re

import numpy as np

from gradbook.errors import UsageError
from gradbook.graph.names import Name
from gradbook.graph.window import Shape
from gradbook.layers import KINDS, Layer, Parameter, Role, spell
from gradbook.net.network import Net
from gradbook.net.text import ours

# Values ----------------------------------------------------------------------------


def shown_names(net: Net) -> tuple[Name, ...]:
    """The names if every value is written out: a dropout's result then has a name of its own."""
    names = list(layer_names(net))
    for index, layer in enumerate(net.layers):
        if layer.draws:
            names[index + 1] = kept_name(net, index)
        elif layer.passes_on:
            names[index + 1] = names[index]
    return tuple(names)


def layer_names(net: Net) -> tuple[Name, ...]:
    """The names of the input's and then each layer's values."""
    return (Name("i"), *(value_name(net, index) for index in range(len(net.layers))))


def value_name(net: Net, index: int) -> Name:
    """The name of a layer's values: h, o, c, p, y, z, numbered if there are several."""
    layer = net.layers[index]
    if layer.passes_on:
        return name_before(net, index)
    if layer.names_after:
        return Name(layer.letter, of=name_before(net, index))
    if layer.last_letter and index == _last(net, layer):
        return Name(layer.last_letter)
    return layer.name(Name(layer.letter, layer=number(net, index)), net.shapes[index])


def name_before(net: Net, index: int) -> Name:
    """The name of the values that a layer reads."""
    return value_name(net, index - 1) if index else Name("i")


def number(net: Net, index: int) -> int | None:
    """A layer's number among those of its kind, if there are several."""
    peers = _peers(net, net.layers[index])
    return peers.index(index) + 1 if len(peers) > 1 and index in peers else None


def kept_name(net: Net, index: int) -> Name:
    """The name of a dropout's result, in steps on single values."""
    return Name("u", layer=number(net, index))


def statistics_names(net: Net, index: int) -> tuple[str, str]:
    """The names of the running mean and variance of the batch normalisation at this place."""
    place, stems = number(net, index), net.layers[index].statistics.values()
    mean, variance = (str(Name("r", of=Name(stem, layer=place))) for stem in stems)
    return mean, variance


def _peers(net: Net, layer: Layer) -> list[int]:
    """The places of all layers of its kind (or with its letter, if it has one), without a last one
    with another letter."""
    letter, last = layer.letter, _last(net, layer)
    return [
        k
        for k, other in enumerate(net.layers)
        if (other.letter == letter if letter else type(other) is type(layer)) and k != last
    ]


def _last(net: Net, layer: Layer) -> int | None:
    """The place of the last layer with its letter, if that has another last letter: the output."""
    alike = (k for k in reversed(range(len(net.layers))) if net.layers[k].letter == layer.letter)
    return next((k for k in alike if layer.letter and net.layers[k].last_letter), None)


# Weights ---------------------------------------------------------------------------

LETTERS = "".join(Role)
NUMBERED = re.compile(rf"([{LETTERS}])([1-9][0-9]{{0,11}})")
PLACED = re.compile(
    r"([a-z]+(?:[12]d)?)\s*(?:([1-9][0-9]{0,3}(?![0-9]))\s*)?"
    rf"(?:([{LETTERS}])\s*)?\[?([0-9]{{1,6}}(?:\s*,\s*[0-9]{{1,6}})*)\]?"
)
OWNERS = {kind.word: kind for kind in KINDS if kind.parameters is not Layer.parameters}


def named_weight(net: Net, words: str) -> tuple[Parameter, Shape]:
    """The parameter that the words name, and the place in it."""
    typed = words.strip().lower()
    numbered, placed = NUMBERED.fullmatch(typed), PLACED.fullmatch(typed)
    if numbered:
        weight = _numbered(net, Role(numbered[1]), int(numbered[2]))
    elif placed and ours(placed[1]) in OWNERS:
        weight = _placed(net, OWNERS[ours(placed[1])], placed)
    else:
        weight = None
    if weight is None:
        ends = {p.role: p.first + p.size - 1 for p in net.parameters}
        names = [f"{role}1 … {role}{ends[role]}" for role in Role if role in ends]
        raise UsageError(
            f"no weight is called '{words}' (the weights are {', '.join(names)}, or by layer and "
            "place, such as 'conv2 3,1,0,2')"
        )
    if weight[0].fixed:
        raise UsageError(f"'{words}' is fixed and has no gradient: choose a trained one")
    return weight


def weight_name(parameter: Parameter, place: Shape) -> str:
    """A weight's name, such as w1234."""
    return f"{parameter.role}{parameter.first + int(np.ravel_multi_index(place, parameter.shape))}"


def _numbered(net: Net, role: Role, number: int) -> tuple[Parameter, Shape] | None:
    for parameter in net.parameters:
        if parameter.role is role and 0 <= number - parameter.first < parameter.size:
            place = np.unravel_index(number - parameter.first, parameter.shape)
            return parameter, tuple(map(int, place))
    return None


def _placed(net: Net, kind: type[Layer], words: re.Match[str]) -> tuple[Parameter, Shape] | None:
    peers = [k for k, layer in enumerate(net.layers) if isinstance(layer, kind)]
    number, role = int(words[2] or 1), words[3]
    place = tuple(map(int, words[4].split(",")))
    if not words[2] and len(place) == 1 and kind.sums and role in (None, "w"):
        number = place[0]  # conv2 alone is a layer: one number isn't a place of its weights
    if not 0 < number <= len(peers):
        return None
    for parameter in net.taken(peers[number - 1]):
        if parameter.role == (role or parameter.role):
            fits = len(place) == len(parameter.shape)
            if not fits or any(k >= n for k, n in zip(place, parameter.shape, strict=True)):
                layer, shape = f"{words[1]}{number}", spell(parameter.shape).replace("x", " x ")
                last = ",".join(str(n - 1) for n in parameter.shape)
                missing = f", and none at {words[4]}" if fits else ""
                raise UsageError(
                    f"{layer} has {shape} weights{missing}: name one by its place, "
                    f"counted from 0; the last is '{layer} {last}'"
                )
            return parameter, place
    return None
