"""Normalisations: values are centred by their mean and divided by their standard deviation.

Batch normalisation uses the samples of a batch in training, and running statistics afterwards. The
others use the values of one sample, in training and afterwards, and keep no statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import ShapeError, UsageError
from gradbook.graph.node import Node
from gradbook.graph.tensors import reshape, spread, spread_channels, sum_channels, sum_last
from gradbook.graph.window import Shape
from gradbook.language import mark, tr
from gradbook.layers.card import Layer, LayerSite, ParameterSpec, Role, spell
from gradbook.layers.fields import FlagField, NumberField, StatementForm, WholeField

USUAL_EPSILON = 1e-5
RUNNING_SHARE = 0.1  # of the latest batch in the running statistics, as in PyTorch
EPSILON_OF = "{word}'s epsilon is between 0 and 1, not {value!r}"
GROUPS_OF_ONE = "{word} needs groups of several values, but those of {shape} have one"
NO_PLACES = "placenorm takes channels x height x width, not {shape}: use 'layernorm' instead"
GROUPS_OF_CHANNELS = (
    "{channels} channels can't be split into {groups} equal groups: use a number that "
    "divides {channels}"
)
EPSILON = NumberField("epsilon", "E", "epsilon", "epsilon", USUAL_EPSILON)
Each = Callable[[Node], Node]


def require_epsilon(layer: Layer) -> None:
    if not 0 < layer.epsilon < 1:
        raise UsageError(EPSILON_OF.format(word=layer.word, value=layer.epsilon))


class Norm(Layer):
    """What all normalisations have: an epsilon, and a scale and a shift for each channel."""

    letter: ClassVar[str] = "y"
    normalises: ClassVar[bool] = True

    def check(self) -> None:
        require_epsilon(self)

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        return (ParameterSpec(Role.SCALE, shape[:1]), ParameterSpec(Role.SHIFT, shape[:1]))


@dataclass(frozen=True)
class BatchNorm(Norm):
    """Centres each channel by its mean over the samples, and scales it by its standard deviation.

    Args:
        epsilon: A small number added to the variance, so that nothing is divided by 0.

    >>> import gradbook as gb
    >>> print(gb.BatchNorm(0.001))
    batchnorm epsilon 0.001
    """

    epsilon: float = USUAL_EPSILON
    word: ClassVar[str] = "batchnorm"
    mixes_samples: ClassVar[bool] = True
    statistics: ClassVar[Mapping[str, str]] = {"mean": "μ", "variance": "σ²"}
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "batchnorm",
            (EPSILON,),
            ("each channel centred and scaled over the samples",),
            ("bn", "batchnorm1d", "batchnorm2d"),
        ),
    )

    def words(self, shape: Shape) -> str:
        return tr("each centred and scaled over the samples")

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        (x,), (scale, shift) = inputs, parameters
        tail = x.shape[1:]
        centred, variance = self._statistics(site, x)
        deviation = site.named(site.make("sqrt", variance + self.epsilon), "s")
        normal = site.named(centred / spread(deviation, tail), "n")
        return spread(scale, tail) * normal + spread(shift, tail)

    def _statistics(self, site: LayerSite, x: Node) -> tuple[Node, Node]:
        """Values minus their channel's mean, and its variance: of this batch, or running ones."""
        tail = x.shape[1:]
        mean_stem, variance_stem = self.statistics.values()
        if not site.training:
            mean = site.running(mean_stem, x.shape[:1], 0)
            variance = site.running(variance_stem, x.shape[:1], 1)
            return x - spread(mean, tail), variance
        mean = site.named(_channel_mean(site, x), mean_stem)
        centred = x - spread(mean, tail)
        variance = site.named(_channel_mean(site, centred**2), variance_stem)
        if site.outside:
            values = site.samples * prod(tail)
            _keep(site, site.running(mean_stem, x.shape[:1], 0), mean)
            unbiased = variance * (values / (values - 1))
            _keep(site, site.running(variance_stem, x.shape[:1], 1), unbiased)
        return centred, variance


def _channel_mean(site: LayerSite, x: Node) -> Node:
    """The mean over the samples and all places of a channel."""
    total = sum_last(x, len(x.shape) - 1)
    if total.each:
        total = site.make("total", total)
    return total / (site.samples * prod(x.shape[1:]))


def _keep(site: LayerSite, running: Node, latest: Node) -> None:
    """Update the running mean with this batch's value."""
    site.keep(running, (1 - RUNNING_SHARE) * running + RUNNING_SHARE * latest)


class SampleNorm(Norm):
    """Centres and scales the values of a sample by the mean and deviation of groups of them."""

    epsilon: float = USUAL_EPSILON

    def members(self, shape: Shape) -> NDArray[np.intp]:
        return np.arange(prod(shape)).reshape(self.groups_in(shape), -1)

    def channel_groups(self, shape: Shape) -> int:
        """The number of groups, if each has whole channels; else 0."""
        groups = self.groups_in(shape)
        in_line = np.arange(prod(shape)).reshape(groups, -1)
        in_channels = shape[0] % groups == 0 and np.array_equal(self.members(shape), in_line)
        return groups if in_channels else 0

    def is_by_place(self, shape: Shape) -> bool:
        """Whether each group has the channels of one place."""
        places = np.arange(prod(shape)).reshape(shape[0], -1).T
        return np.array_equal(self.members(shape), places)

    def instead_of_later(self, shape: Shape, *others: Shape) -> str:
        return "" if self.is_by_place(shape) else "use 'placenorm'"

    def output(self, shape: Shape, *others: Shape) -> Shape:
        if prod(shape) == self.groups_in(shape):
            raise ShapeError(GROUPS_OF_ONE.format(word=self.word, shape=spell(shape)))
        return shape

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        """Normalise groups of a sample's values, then scale and shift by channel or by value."""
        (x,), (scale, shift) = inputs, parameters
        apart, mean_of, over = self.in_groups(x)
        mean = site.named(mean_of(apart), "μ")
        centred = apart - over(mean)
        variance = site.named(mean_of(centred**2), "σ²")
        deviation = site.named(site.make("sqrt", variance + self.epsilon), "s")
        normal = site.named(reshape(centred / over(deviation), x.shape), "n")
        return self.rescaled(normal, scale, shift)

    def rescaled(self, normal: Node, scale: Node, shift: Node) -> Node:
        tail = normal.shape[1:]
        return spread(scale, tail) * normal + spread(shift, tail)

    def in_groups(self, x: Node) -> tuple[Node, Each, Each]:
        """The values in groups, with functions for each group's mean and for spreading it again."""
        channels, *area = x.shape
        groups = self.groups_in(x.shape)
        if 1 < groups < channels:
            rows = channels // groups * prod(area[:-1])
            x = reshape(x, (groups, rows, *area[-1:]))
        tail = x.shape[1:] if groups > 1 else x.shape
        return (
            x,
            lambda values: sum_last(values, len(tail)) / prod(tail),
            lambda each: spread(each, tail),
        )


@dataclass(frozen=True)
class GroupNorm(SampleNorm):
    """Normalises each group of channels."""

    groups: int = field()  # always written, unlike those of other layers
    epsilon: float = USUAL_EPSILON
    word: ClassVar[str] = "groupnorm"
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "groupnorm",
            (WholeField("groups", "G", "number of groups"), EPSILON),
            ("the same over G groups of channels, for each sample separately",),
            ("gn",),
        ),
        StatementForm(
            "instancenorm",
            (EPSILON,),
            ("groupnorm with as many groups as channels",),
            ("instancenorm2d",),
            per_channel=("groups",),
        ),
    )

    def output(self, shape: Shape, *others: Shape) -> Shape:
        if shape[0] % self.groups:
            raise ShapeError(GROUPS_OF_CHANNELS.format(channels=shape[0], groups=self.groups))
        return super().output(shape)

    def words(self, shape: Shape) -> str:
        if self.groups == 1:
            return tr("each centred and scaled over all of them")
        each = shape[0] // self.groups
        if each == 1:
            return tr("each centred and scaled over its channel")
        return tr("each centred and scaled over its group of {channels} channels", channels=each)


@dataclass(frozen=True)
class LayerNorm(SampleNorm):
    """Normalises all values together, with a scale and a shift for each value."""

    epsilon: float = USUAL_EPSILON
    word: ClassVar[str] = "layernorm"
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "layernorm",
            (EPSILON,),
            ("over all values of a sample, with a scale for each of them",),
            ("ln",),
        ),
    )

    def groups_in(self, shape: Shape) -> int:
        return 1

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        each = (prod(shape),)  # channel by channel, row by row
        return (ParameterSpec(Role.SCALE, each), ParameterSpec(Role.SHIFT, each))

    def words(self, shape: Shape) -> str:
        return tr("each centred and scaled over all of them, with its own scale and shift")

    def rescaled(self, normal: Node, scale: Node, shift: Node) -> Node:
        return reshape(scale * reshape(normal, scale.shape) + shift, normal.shape)


@dataclass(frozen=True)
class PlaceNorm(SampleNorm):
    """Normalises the channels of each place."""

    epsilon: float = USUAL_EPSILON
    word: ClassVar[str] = "placenorm"
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm("placenorm", (EPSILON,), ("over the channels, for each place separately",)),
    )

    def output(self, shape: Shape, *others: Shape) -> Shape:
        if len(shape) != 3:
            raise ShapeError(NO_PLACES.format(shape=spell(shape)))
        return super().output(shape)

    def groups_in(self, shape: Shape) -> int:
        return prod(shape[1:])

    def words(self, shape: Shape) -> str:
        return tr("each centred and scaled over the channels of its place")

    def members(self, shape: Shape) -> NDArray[np.intp]:
        return np.arange(prod(shape)).reshape(shape[0], -1).T

    def in_groups(self, x: Node) -> tuple[Node, Each, Each]:
        channels = x.shape[0]
        return (
            x,
            lambda values: sum_channels(values) / channels,
            lambda each: spread_channels(each, channels),
        )


@dataclass(frozen=True)
class RmsNorm(Layer):
    """The channels of each place, divided by their root mean square."""

    epsilon: float = USUAL_EPSILON
    plain: bool = False  # whether it has no scale for each channel
    word: ClassVar[str] = "rmsnorm"
    letter: ClassVar[str] = "y"
    has_inner_values: ClassVar[bool] = True
    inner_words: ClassVar[Mapping[str, str]] = {
        "s_": mark("their root mean square"),
        "n_": mark("each divided by it"),
    }
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "rmsnorm",
            (EPSILON, FlagField("plain")),
            (
                "the channels of each place, or features of each step, divided by",
                "their root mean square; 'plain' without a scale",
            ),
        ),
    )

    def check(self) -> None:
        require_epsilon(self)

    def output(self, shape: Shape, *others: Shape) -> Shape:
        if shape[0] == 1:
            raise ShapeError(GROUPS_OF_ONE.format(word=self.word, shape=spell(shape)))
        return shape

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        return () if self.plain else (ParameterSpec(Role.SCALE, shape[:1]),)

    def words(self, shape: Shape) -> str:
        return tr("each divided by the root mean square of the channels of its place")

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        (x,) = inputs
        if len(x.shape) == 2:  # as a map of one column
            map_of = self.ops(site, [reshape(x, (*x.shape, 1))], parameters)
            return reshape(map_of, x.shape)
        channels, *area = x.shape
        squares = sum_channels(x**2) if area else sum_last(x**2, 1)
        size = site.named(site.make("sqrt", squares / channels + self.epsilon), "s")
        over = spread_channels(size, channels) if area else spread(size, x.shape)
        if self.plain:
            return x / over
        normal = site.named(x / over, "n")
        return spread(parameters[0], tuple(area)) * normal
