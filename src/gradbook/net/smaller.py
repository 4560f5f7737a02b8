"""Suggests smaller numbers for a network that is too large."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from math import floor, inf

from gradbook.errors import GradbookError, UsageError
from gradbook.graph.window import Shape
from gradbook.layers import Layer
from gradbook.layers.fields import WholeField
from gradbook.net.network import Net

Size = Callable[[Net], float]
Measured = tuple[int, float]  # a number, and the resulting size


def what_fits(net: Net, size: Size, most: float) -> str:
    """Single changes that reduce a network to `most`: a smaller number in the widest layer for
    which that is possible, and fewer steps of a sequence; if neither is enough,
    a smaller input.
    """
    layer = next(_smaller_layers(replace(net, start={}), size, most), "")
    bare = replace(net, samples=(), start={})
    steps = next(_smaller_inputs(bare, size, most), "") if not layer or net.laid_out else ""
    changes = [change for change in (layer, steps) if change]
    return f"{' or '.join(changes)} would fit" if changes else "use a smaller network"


def _smaller_layers(net: Net, size: Size, most: float) -> Iterator[str]:
    named = [
        (k, field.name)
        for k, layer in enumerate(net.layers)
        for field in layer.form().fields
        if isinstance(field, WholeField)  # how many of something the layer has
    ]
    for index, name in sorted(named, key=lambda pair: -getattr(net.layers[pair[0]], pair[1])):
        layer = net.layers[index]
        number = _largest(partial(_with, net, index, name), getattr(layer, name), size, most)
        if number:
            yield f"'{_counting(layer, name, number).text}' in place of '{layer.text}'"


def _counting(layer: Layer, name: str, number: int) -> Layer:
    return replace(layer, **{name: number})  # type: ignore[type-var]


def _with(net: Net, index: int, name: str, number: int) -> Net:
    """The network with another number in a layer that doesn't change the outputs."""
    layer = _counting(net.layers[index], name, number)
    changed = replace(net, layers=(*net.layers[:index], layer, *net.layers[index + 1 :]))
    if changed.shapes[-1] != net.shapes[-1]:
        raise UsageError("other outputs")
    return changed


def _smaller_inputs(net: Net, size: Size, most: float) -> Iterator[str]:
    """Fewer steps or inputs, or images of fewer rows and columns in the same proportion."""
    full, one_side = net.input, max(net.input[1:]) if len(net.input) == 3 else net.input[0]

    def shape(number: int) -> Shape:
        if len(full) < 3:
            return (number, *full[1:])
        channels, *sides = full
        return (channels, *(max(1, side * number // one_side) for side in sides))

    number = _largest(lambda few: replace(net, input=shape(few)), one_side, size, most)
    if number:
        rows = " x ".join(map(str, shape(number)[1:]))
        few = f"{number:,} of the {full[0]:,} {'steps' if net.laid_out else 'inputs'}"
        yield f"images of {rows}" if len(full) == 3 else few


def _largest(make: Callable[[int], Net], number: int, size: Size, most: float) -> int:
    """The largest number below this one for which the result fits, or 0.

    Sizes grow roughly in proportion to most numbers, so few networks must be measured.
    """
    low, high = 0, number  # one fits, the other doesn't
    lower, upper = (0, 0.0), (number, _size(make, number, size))
    while high - low > 1:
        tried = _on_a_line(lower, upper, most)
        tried = (low + high) // 2 if tried is None else min(max(tried, low + 1), high - 1)
        measured = _size(make, tried, size)
        low, high = (tried, high) if measured <= most else (low, tried)
        lower, upper = sorted([upper if lower == (0, 0.0) else lower, (tried, measured)])
    return low


def _on_a_line(lower: Measured, upper: Measured, most: float) -> int | None:
    """The point at which a line through two numbers and their sizes reaches `most`."""
    (first, small), (second, large) = lower, upper
    if not first or not small < large < inf:
        return None
    return first + floor((most - small) * (second - first) / (large - small))


def _size(make: Callable[[int], Net], number: int, size: Size) -> float:
    """The size for this number; infinite if there is no such network."""
    try:
        return size(make(number))
    except GradbookError:
        return inf
