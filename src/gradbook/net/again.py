"""Which layers are applied several times, and whether all that layers make leads to the outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gradbook.arguments import settle, whole
from gradbook.errors import UsageError
from gradbook.graph.window import Shape
from gradbook.layers import Layer, spell

NOTHING_BEFORE = "no conv or dense stands before it: say how many layers, as in 'again 3 back 2'"
TOO_FAR = "again goes back over {back}, but {there} before it"
APPLIED_ALREADY = "layer {layer} is one that 'again' applies already: once is enough"
BEYOND = "'again' applies layers up to {last}, but there are {count}"
UNLIKE = "'again' applies layer {first} here, so it must be the same"
OTHER_WEIGHTS = (
    "it is layer {first} again, which was given {before}, and is given {given} here: the same "
    "weights don't fit both, so what is applied again must make what it takes"
)


@dataclass(frozen=True)
class Again:
    """The `layers` layers from the one at `first` on, `times` times in all.

    A network's layers hold every use, one after the other; the weights are those of the first.
    """

    first: int  # counted from 0
    layers: int
    times: int

    def __post_init__(self) -> None:
        settle(
            self,
            first=whole("again's first layer", self.first, 0),
            layers=whole("again's number of layers", self.layers, 1),
            times=whole("again's number of times", self.times, 1),
        )

    @property
    def end(self) -> int:
        """The place after the last use."""
        return self.first + self.layers * self.times

    def uses(self) -> Iterator[tuple[int, int]]:
        """Each layer applied again, and the one whose weights it takes."""
        for index in range(self.first + self.layers, self.end):
            yield index, self.first + (index - self.first) % self.layers


def usual_layers(layers: Sequence[Layer]) -> int:
    """How many of the last layers are meant where nobody says: from the last conv or dense on."""
    summing = (k for k, layer in enumerate(reversed(layers), 1) if layer.sums)
    return next(summing, 0)


def owners(count: int, again: Iterable[Again]) -> tuple[int, ...]:
    """For each of so many layers the one whose weights it takes: itself, or its first use."""
    found = list(range(count))
    for one in again:
        for index, owner in one.uses():
            found[index] = owner
    return tuple(found)


def in_order(again: Iterable[Again]) -> tuple[Again, ...]:
    """Without those that are applied once."""
    return tuple(sorted((one for one in again if one.times > 1), key=lambda one: one.first))


def misfit(layers: Sequence[Layer], again: Sequence[Again]) -> tuple[int, str] | None:
    """The first layer that can't be what an `again` says of it, and why."""
    last = 0
    for one in again:
        if one.first < last:
            return one.first, APPLIED_ALREADY.format(layer=one.first + 1)
        if one.end > len(layers):
            return len(layers) - 1, BEYOND.format(last=one.end, count=len(layers))
        for index, owner in one.uses():
            if layers[index] != layers[owner]:
                return index, UNLIKE.format(first=owner + 1)
        last = one.end
    return None


def unfit_weights(
    layers: Sequence[Layer], shapes: Sequence[Shape], owned: Sequence[int]
) -> tuple[int, str] | None:
    """The first layer whose weights are others than those of its first use, and why."""
    for index, owner in enumerate(owned):
        layer, given, before = layers[index], shapes[index], shapes[owner]
        if layer.parameters(given) != layer.parameters(before):
            said = OTHER_WEIGHTS.format(first=owner + 1, before=spell(before), given=spell(given))
            return index, said
    return None


def back_over(index: int, layers: int, again: Sequence[Again]) -> None:
    """Refuse to apply layers again that aren't there, or that are applied several times."""
    if layers > index:
        there = f"only {index} stand{'s' * (index == 1)}" if index else "none stands"
        said = f"{layers} layer{'s' * (layers != 1)}"
        raise UsageError(TOO_FAR.format(back=said, there=there))
    for one in again:
        if one.end > index - layers:
            raise UsageError(APPLIED_ALREADY.format(layer=max(one.first, index - layers) + 1))


def unread(layers: Sequence[Layer]) -> int | None:
    """The last layer of which nothing that leads to the outputs reads what it makes."""
    leads = {len(layers)}  # numbers of values
    for index in reversed(range(len(layers))):
        if index + 1 in leads:
            leads.update(layers[index].reads(index))
    return max((k for k in range(len(layers)) if k + 1 not in leads), default=None)
