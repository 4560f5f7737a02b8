"""Which weight some words mean: w1234 by its number, or 'conv2 3,1,0,2' by its layer and place."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from gradbook.errors import UsageError
from gradbook.graph.window import Shape
from gradbook.layers import KINDS, Layer, Parameter, Role, spell
from gradbook.net.network import Net
from gradbook.net.text.synonyms import ours

NUMBERED = re.compile(r"([wbγβ])([1-9][0-9]{0,11})")
PLACED = re.compile(
    r"([a-z]+(?:[12]d)?)\s*([1-9][0-9]{0,3}(?![0-9]))?\s*"
    r"([wbγβ])?\s*\[?([0-9]{1,6}(?:\s*,\s*[0-9]{1,6})*)\]?"
)
OWNERS = {kind.word: kind for kind in KINDS if kind.sums or kind.normalises}


def named_weight(net: Net, words: str) -> tuple[Parameter, Shape]:
    """The parameter that is meant, and the place in it."""
    said = words.strip().lower()
    numbered, placed = NUMBERED.fullmatch(said), PLACED.fullmatch(said)
    if numbered:
        found = _numbered(net, Role(numbered[1]), int(numbered[2]))
    elif placed and ours(placed[1]) in OWNERS:
        found = _placed(net, OWNERS[ours(placed[1])], placed)
    else:
        found = None
    if found is None:
        raise UsageError(f"no weight is called '{words}' (the weights are {_spans(net)})")
    if found[0].fixed:
        raise UsageError(f"'{words}' is fixed and has no gradient: choose one that is trained")
    return found


def weight_name(parameter: Parameter, place: Shape) -> str:
    """w1234."""
    return f"{parameter.role}{parameter.first + int(np.ravel_multi_index(place, parameter.shape))}"


def _numbered(net: Net, role: Role, number: int) -> tuple[Parameter, Shape] | None:
    for parameter in net.parameters:
        if parameter.role is role and 0 <= number - parameter.first < parameter.size:
            place = np.unravel_index(number - parameter.first, parameter.shape)
            return parameter, tuple(map(int, place))
    return None


def _placed(net: Net, kind: type[Layer], words: re.Match[str]) -> tuple[Parameter, Shape] | None:
    peers = [k for k, layer in enumerate(net.layers) if isinstance(layer, kind)]
    number, role = int(words[2] or 1), words[3] or ("w" if kind.sums else "γ")
    place = tuple(map(int, words[4].split(",")))
    if not words[2] and len(place) == 1 and kind.sums and role == "w":
        number = place[0]  # conv2 alone is a layer, for one number is no place of its weights
    if not 0 < number <= len(peers):
        return None
    for parameter in net.parameters:
        if parameter.layer == net.owners[peers[number - 1]] and parameter.role is Role(role):
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


def _spans(net: Net) -> str:
    """w1 … w90, b1 … b10, or by a layer's word and a place."""
    return ", ".join([*_by_role(net), "or by layer and place, such as 'conv2 3,1,0,2'"])


def _by_role(net: Net) -> Iterator[str]:
    for role in Role:
        owned = [p for p in net.parameters if p.role is role]
        if owned:
            yield f"{role}1 … {role}{owned[-1].first + owned[-1].size - 1}"
