"""How layers hang together: those that read earlier values, and those that are applied again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from gradbook.arguments import listed, settle, whole
from gradbook.errors import ShapeError, UsageError
from gradbook.graph.window import Shape
from gradbook.net.layers import Conv, Dense, Layer, spell

# What is said of earlier values that can't be read.
ADDED_SHAPES = "add back {back} adds {earlier} to {shape}: both must have the same shape"
JOINED_SHAPES = (
    "concat back puts {earlier} beside {shape}: all but the number of channels must be the same"
)
JOINED_NONE = "concat back takes a number from 1 up, or several"
TOO_FAR_BACK = "{words} goes back over {layers}, but {there} before it"
# What is said of layers that can't be applied again.
NOTHING_BEFORE = "no conv or dense stands before it: say how many layers, as in 'again 3 back 2'"
TOO_FAR = "again goes back over {back}, but {there} before it"
APPLIED_ALREADY = "layer {layer} is one that 'again' applies already: once is enough"
BEYOND = "'again' applies layers up to {last}, but there are {count}"
UNLIKE = "'again' applies layer {first} here, so it must be the same"
OTHER_WEIGHTS = (
    "it is layer {first} again, which was given {before}, and is given {given} here: the same "
    "weights don't fit both, so what is applied again must make what it takes"
)


# Earlier values --------------------------------------------------------------


@dataclass(frozen=True)
class Residual(Layer):
    """Adds what went into the last `back` layers to what came out of them: a skip connection."""

    back: int
    word: ClassVar[str] = "add"
    letter: ClassVar[str] = "z"
    elementwise: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settle(self, back=whole("add back's number of layers", self.back, 1))

    def reads(self, index: int) -> tuple[int, ...]:
        _require_layers(f"add back {self.back}", self.back, index)
        return (index, index - self.back)

    def output(self, shape: Shape, *others: Shape) -> Shape:
        (earlier,) = others
        if shape != earlier:
            said = {"earlier": spell(earlier), "shape": spell(shape)}
            raise ShapeError(ADDED_SHAPES.format(back=self.back, **said))
        return shape

    def words(self, shape: Shape) -> str:
        return f"each plus {_what_went_into(self.back)}"


@dataclass(frozen=True)
class Concat(Layer):
    """The channels of several values side by side: what went into the last so many layers, where
    0 is what came out of them; it stands first where it isn't named.
    """

    back: tuple[int, ...]
    word: ClassVar[str] = "concat"
    letter: ClassVar[str] = "j"

    def __post_init__(self) -> None:
        given = listed("concat back's numbers of layers", self.back)
        back = tuple(whole("concat back's number of layers", number, 0) for number in given)
        settle(self, back=back if 0 in back else (0, *back))
        if len(self.back) < 2:
            raise UsageError(JOINED_NONE)

    def reads(self, index: int) -> tuple[int, ...]:
        _require_layers(f"concat back {max(self.back)}", max(self.back), index)
        return tuple(index - number for number in self.back)

    def output(self, shape: Shape, *others: Shape) -> Shape:
        for other in others:
            if len(other) != len(shape) or other[1:] != shape[1:]:
                said = {"earlier": spell(other), "shape": spell(shape)}
                raise ShapeError(JOINED_SHAPES.format(**said))
        return (sum(channels for channels, *_ in (shape, *others)), *shape[1:])

    def words(self, shape: Shape) -> str:
        said = (_what_went_into(number) if number else "those" for number in self.back)
        return f"side by side: {', then '.join(said)}"


@dataclass(frozen=True)
class GoBack(Layer):
    """Begins a branch: goes on from what went into the last `back` layers."""

    back: int
    letter: ClassVar[str] = "f"
    elementwise: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settle(self, back=whole("go back's number of layers", self.back, 1))

    def reads(self, index: int) -> tuple[int, ...]:
        _require_layers(f"go back {self.back}", self.back, index)
        return (index - self.back,)

    def words(self, shape: Shape) -> str:
        return f"a branch: {_what_went_into(self.back)}, once more"


def unread(layers: Sequence[Layer]) -> int | None:
    """The last layer of which nothing that leads to the outputs reads what it makes."""
    leads = {len(layers)}  # numbers of values
    for index in reversed(range(len(layers))):
        if index + 1 in leads:
            leads.update(layers[index].reads(index))
    return max((k for k in range(len(layers)) if k + 1 not in leads), default=None)


def _require_layers(words: str, back: int, index: int) -> None:
    """Refuse to go back further than a network goes."""
    if back > index:
        there = ("none stands", "only 1 stands")[index] if index < 2 else f"only {index} stand"
        layers = f"{back} layer{'s' * (back > 1)}"
        raise ShapeError(TOO_FAR_BACK.format(words=words, layers=layers, there=there))


def _what_went_into(back: int) -> str:
    return f"what went into {'the last layer' if back == 1 else f'the last {back} layers'}"


# The same layers again -------------------------------------------------------


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
    summing = (k for k, layer in enumerate(reversed(layers), 1) if isinstance(layer, Conv | Dense))
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
