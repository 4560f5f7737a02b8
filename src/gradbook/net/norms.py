"""Normalisation within a sample: the same in training and at work, with nothing kept of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from gradbook.arguments import number, settle, whole
from gradbook.errors import ShapeError, UsageError
from gradbook.graph.window import Shape
from gradbook.net.layers import EPSILON_OF, Layer, spell
from gradbook.net.parameters import ParameterSpec, Role

USUAL_EPSILON = 1e-5
GROUPS_OF_ONE = "{word} takes groups of several values, and those of {shape} have one"
NO_PLACES = "placenorm takes channels x height x width, not {shape}: put 'layernorm' there"
GROUPS_OF_CHANNELS = (
    "{channels} channels don't fall into {groups} equal groups: "
    "take a number that divides {channels}"
)


class SampleNorm(Layer):
    """Centres and scales the values of a sample by the mean and spread over groups of them."""

    epsilon: float = USUAL_EPSILON
    letter: ClassVar[str] = "y"
    normalises: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settle(self, epsilon=number(f"{self.word}'s epsilon", self.epsilon))
        if not 0 < self.epsilon < 1:
            raise UsageError(EPSILON_OF.format(word=self.word, value=self.epsilon))

    def groups_in(self, shape: Shape) -> int:
        """How many there are, each with a mean and a spread."""
        raise NotImplementedError

    def output(self, shape: Shape, *others: Shape) -> Shape:
        if prod(shape) == self.groups_in(shape):
            raise ShapeError(GROUPS_OF_ONE.format(word=self.word, shape=spell(shape)))
        return shape

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        """A scale and a shift for each channel."""
        return (ParameterSpec(Role.SCALE, shape[:1]), ParameterSpec(Role.SHIFT, shape[:1]))


@dataclass(frozen=True)
class GroupNorm(SampleNorm):
    """Of each group of channels."""

    groups: int
    epsilon: float = USUAL_EPSILON
    word: ClassVar[str] = "groupnorm"

    def __post_init__(self) -> None:
        settle(self, groups=whole("groupnorm's number of groups", self.groups, 1))
        super().__post_init__()

    def output(self, shape: Shape, *others: Shape) -> Shape:
        if shape[0] % self.groups:
            raise ShapeError(GROUPS_OF_CHANNELS.format(channels=shape[0], groups=self.groups))
        return super().output(shape)

    def groups_in(self, shape: Shape) -> int:
        return self.groups

    def words(self, shape: Shape) -> str:
        if self.groups == 1:
            return "each centred and scaled over all of them"
        each = shape[0] // self.groups
        which = f"its group of {each} channels" if each > 1 else "its channel"
        return f"each centred and scaled over {which}"


@dataclass(frozen=True)
class LayerNorm(SampleNorm):
    """Of all values together, with a scale and a shift for each value."""

    epsilon: float = USUAL_EPSILON
    word: ClassVar[str] = "layernorm"

    def groups_in(self, shape: Shape) -> int:
        return 1

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        each = (prod(shape),)  # channel by channel, row by row
        return (ParameterSpec(Role.SCALE, each), ParameterSpec(Role.SHIFT, each))

    def words(self, shape: Shape) -> str:
        return "each centred and scaled over all of them, and each by its own scale"


@dataclass(frozen=True)
class PlaceNorm(SampleNorm):
    """Of the channels of each place."""

    epsilon: float = USUAL_EPSILON
    word: ClassVar[str] = "placenorm"

    def output(self, shape: Shape, *others: Shape) -> Shape:
        if len(shape) != 3:
            raise ShapeError(NO_PLACES.format(shape=spell(shape)))
        return super().output(shape)

    def groups_in(self, shape: Shape) -> int:
        return prod(shape[1:])

    def words(self, shape: Shape) -> str:
        return "each centred and scaled over the channels of its place"
