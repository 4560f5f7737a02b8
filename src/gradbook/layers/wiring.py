"""Layers that join earlier values, begin a branch, flatten values, or drop them at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

from gradbook.errors import ShapeError, TargetError, UsageError
from gradbook.graph.names import Name
from gradbook.graph.node import Node
from gradbook.graph.tensors import concat, reshape, spread
from gradbook.graph.window import Shape
from gradbook.language import mark, tr, tr_count
from gradbook.layers.card import Layer, LayerSite, Mask, spell
from gradbook.layers.fields import FlagField, NumberField, StatementForm, WholeField, WholesField

ADDED_SHAPES = "add back {back} adds {earlier} to {shape}: both must have the same shape"
MULTIPLIED_SHAPES = (
    "multiply back {back} multiplies {shape} by {earlier}: both must have the same shape, or one "
    "of them a single value for each channel"
)
JOINED_SHAPES = (
    "concat back joins {earlier} to {shape}: all but the number of channels must be the same"
)
JOINED_NONE = "concat back needs one number of layers or more, each at least 1"
TOO_FAR_BACK = "{words} goes back over {layers}, but {there} before it"
DROPOUT_RATE = "dropout's rate is at least 0 and below 1, not {value!r}"
NUMBER_OF_LAYERS = WholeField("back", "N", mark("number of layers"))


@dataclass(frozen=True)
class Dropout(Layer):
    """In training, sets random values, or whole channels, to 0, and scales up the others.

    Args:
        rate: The share that is set to 0.
        channels: Whether whole channels are set to 0.

    >>> import gradbook as gb
    >>> print(gb.Dropout(0.1, channels=True))
    dropout 0.1 channels
    """

    rate: float
    channels: bool = False
    word: ClassVar[str] = "dropout"
    passes_on: ClassVar[bool] = True
    elementwise: ClassVar[bool] = True
    idle: ClassVar[bool] = True
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "dropout",
            (NumberField("rate", "RATE", "rate"), FlagField("channels")),
            ("while training, sets random values, or whole channels, to 0",),
        ),
    )

    def check(self) -> None:
        if not 0 <= self.rate < 1:
            raise UsageError(DROPOUT_RATE.format(value=self.rate))

    @property
    def draws(self) -> bool:  # type: ignore[override]
        return self.rate > 0

    @property
    def without_chance(self) -> Dropout:
        return replace(self, rate=0.0)

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        (x,) = inputs
        if not (self.rate and site.training):
            return x
        if not site.outside:
            raise TargetError(
                f"{self.text} draws new random numbers at every step, which a sheet or "
                "derivation can't: take it out or write 'dropout 0'"
            )
        shape = x.shape[:1] if self.channels else x.shape
        leaf = site.graph.leaf(mask_name(site.number), shape, each=True)
        left = x * spread(leaf, x.shape[len(shape) :])
        site.masks.append(Mask(leaf, self.rate, site.index, (left,)))
        return left


def mask_name(number: int | None) -> Name:
    """The name of the factors of the dropout with this number."""
    return Name("d", layer=number)


@dataclass(frozen=True)
class Flatten(Layer):
    """Puts all values in one row, channel by channel, row by row.

    >>> import gradbook as gb
    >>> gb.Net((1, 4, 4), [gb.Conv(2, (3, 3)), gb.Flatten(), gb.Dense(1)]).shapes[2]
    (8,)
    """

    word: ClassVar[str] = "flatten"
    passes_on: ClassVar[bool] = True
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm("flatten", (), ("puts all values in one row, for dense",)),
    )

    def output(self, shape: Shape, *others: Shape) -> Shape:
        return (prod(shape),)

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        return reshape(inputs[0], site.output)


@dataclass(frozen=True)
class Residual(Layer):
    """Adds the input of the last `back` layers to their output: a skip connection."""

    back: int
    word: ClassVar[str] = "add"
    letter: ClassVar[str] = "z"
    elementwise: ClassVar[bool] = True
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "add back",
            (NUMBER_OF_LAYERS,),
            (
                "a skip connection: adds the input of the last N layers to their output;",
                "the shapes must be the same, and each line counts as a layer",
            ),
        ),
    )

    def reads(self, index: int) -> tuple[int, ...]:
        _require_layers(self.text, self.back, index)
        return (index, index - self.back)

    def output(self, shape: Shape, *others: Shape) -> Shape:
        (earlier,) = others
        if shape != earlier:
            shapes = {"earlier": spell(earlier), "shape": spell(shape)}
            raise ShapeError(ADDED_SHAPES.format(back=self.back, **shapes))
        return shape

    def words(self, shape: Shape) -> str:
        return tr("each plus {values}", values=_what_went_into(self.back))

    def at_a_place(self, inputs: Sequence[Node], parameters: Sequence[Node] = ()) -> Node:
        return inputs[0] + inputs[1]


@dataclass(frozen=True)
class Product(Layer):
    """Multiplies the output of the last `back` layers by their input: a gate. If one of the two has
    a single value for each channel, that applies to the whole channel.
    """

    back: int
    word: ClassVar[str] = "multiply"
    letter: ClassVar[str] = "m"
    elementwise: ClassVar[bool] = True
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "multiply back",
            (NUMBER_OF_LAYERS,),
            (
                "multiplies by the input of the last N layers; a single value per",
                "channel applies to the whole channel, as squeeze-and-excite",
            ),
        ),
    )

    def reads(self, index: int) -> tuple[int, ...]:
        _require_layers(self.text, self.back, index)
        return (index, index - self.back)

    def output(self, shape: Shape, *others: Shape) -> Shape:
        (earlier,) = others
        larger = max(shape, earlier, key=lambda shape: (prod(shape), len(shape)))
        smaller = earlier if larger is shape else shape
        per_channel = len(larger) == 3 and larger[:1] == smaller[:1] == (prod(smaller),)
        if shape != earlier and not per_channel:
            shapes = {"earlier": spell(earlier), "shape": spell(shape)}
            raise ShapeError(MULTIPLIED_SHAPES.format(back=self.back, **shapes))
        return larger

    def instead_of_later(self, shape: Shape, *others: Shape) -> str:
        return "" if (shape,) == others else "leave it out"

    def words(self, shape: Shape) -> str:
        return tr("each times {values}", values=_what_went_into(self.back))

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        """The product, with a channel's single value spread over all its places."""
        shape = site.output
        return self.at_a_place(
            [x if x.shape == shape else spread(reshape(x, shape[:1]), shape[1:]) for x in inputs]
        )

    def at_a_place(self, inputs: Sequence[Node], parameters: Sequence[Node] = ()) -> Node:
        return inputs[0] * inputs[1]


@dataclass(frozen=True)
class Concat(Layer):
    """The channels of several values joined: the input of the last `back` layers for each number,
    where 0 is their output, which comes first unless it is named.
    """

    back: tuple[int, ...]
    word: ClassVar[str] = "concat"
    remark: ClassVar[str] = mark(
        "concat joins the channels of values, in this order; part(δ, a, b) are the channels a to b "
        "of δ."
    )
    puts_beside: ClassVar[bool] = True
    letter: ClassVar[str] = "j"
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "concat back",
            (WholesField("back", "N …", mark("number of layers")),),
            (
                "joins the channels so far and those of the input of",
                "the last N layers, for each N in turn; a 0 in the list",
                "puts the channels so far there rather than first",
            ),
            ("cat", "concatenate"),
        ),
    )

    def check(self) -> None:
        back = self.back if 0 in self.back else (0, *self.back)
        object.__setattr__(self, "back", back)
        if len(self.back) < 2:
            raise UsageError(JOINED_NONE)

    def reads(self, index: int) -> tuple[int, ...]:
        _require_layers(f"concat back {max(self.back)}", max(self.back), index)
        return tuple(index - number for number in self.back)

    def output(self, shape: Shape, *others: Shape) -> Shape:
        for earlier in others:
            if len(earlier) != len(shape) or earlier[1:] != shape[1:]:
                raise ShapeError(JOINED_SHAPES.format(earlier=spell(earlier), shape=spell(shape)))
        return (sum(channels for channels, *_ in (shape, *others)), *shape[1:])

    def words(self, shape: Shape) -> str:
        first, *others = (_what_went_into(back) if back else tr("those") for back in self.back)
        for other in others:
            first = tr("{values}, then {others}", values=first, others=other)
        return tr("joined: {values}", values=first)

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        return concat(inputs)


@dataclass(frozen=True)
class GoBack(Layer):
    """Begins a branch, which continues from the input of the last `back` layers."""

    back: int
    letter: ClassVar[str] = "f"
    elementwise: ClassVar[bool] = True
    begins_branch: ClassVar[bool] = True
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "go back",
            (NUMBER_OF_LAYERS,),
            (
                "begins a branch: the next layer reads the input of the last",
                "N layers; 'add back' or 'concat back' joins it to the others",
            ),
        ),
    )

    def reads(self, index: int) -> tuple[int, ...]:
        _require_layers(self.text, self.back, index)
        return (index - self.back,)

    def words(self, shape: Shape) -> str:
        return tr("a branch from {values}", values=_what_went_into(self.back))

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        """A copy, with a name of its own."""
        return site.make("copy", inputs[0], attributes=(str(site.name),))

    def at_a_place(self, inputs: Sequence[Node], parameters: Sequence[Node] = ()) -> Node:
        return inputs[0]


def _require_layers(words: str, back: int, index: int) -> None:
    """Refuse to go back over more layers than there are."""
    if back > index:
        there = ("none is", "only 1 is")[index] if index < 2 else f"only {index} are"
        layers = f"{back} layer{'s' * (back > 1)}"
        raise ShapeError(TOO_FAR_BACK.format(words=words, layers=layers, there=there))


def _what_went_into(back: int) -> str:
    return tr_count("the input of the last layer", "the input of the last {count} layers", back)
