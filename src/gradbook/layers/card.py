"""What all layers have in common: what they read, compute and own, and the site of their ops."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import inf, prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gradbook.arguments import settle
from gradbook.errors import ShapeError
from gradbook.graph.levels import BY_ROWS, Bits
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Attribute, Graph, Node
from gradbook.graph.tensors import reshape, spread
from gradbook.graph.window import NOWHERE, Shape, Sides, Window
from gradbook.language import mark
from gradbook.layers.fields import StatementForm, plain

FLAT_ONLY = "{word} takes a flat input, not {shape}: put 'flatten' before it"
PER_STEP = "dense takes a flat input, not {shape}: put 'flatten' or write 'conv1d {width} 1'"
CHANNELS_ONLY = (
    "{word} takes channels x height x width, not {shape}: "
    "write the input as 'input 1x{area}', and flatten only after it"
)
WINDOW_BEFORE = "give it padding before the first step alone ('pad {before}x0')"


# Parameters ----------------------------------------------------------------------


class Bias(StrEnum):
    """The biases of a layer's sums: one for EACH, one SHARED by all, or NONE.

    FIXED and FIXED_SHARED biases keep their start values.

    >>> import gradbook as gb
    >>> print(gb.Dense(2, gb.Bias.NONE))
    dense 2 no bias
    """

    NONE = "no bias"
    EACH = "bias"
    SHARED = "shared bias"
    FIXED = "fixed bias"
    FIXED_SHARED = "fixed shared bias"

    @property
    def shared(self) -> bool:
        return self in (Bias.SHARED, Bias.FIXED_SHARED)

    @property
    def fixed(self) -> bool:
        return self in (Bias.FIXED, Bias.FIXED_SHARED)


class Role(StrEnum):
    """The kinds of parameter, and the letter in the names of their elements: w1, b1, γ1, β1, α1,
    ρ1."""

    WEIGHT = "w"
    BIAS = "b"
    SCALE = "γ"
    SHIFT = "β"
    SLOPE = "α"
    RANGE = "ρ"

    @property
    def tensor(self) -> str:
        """The name of a layer's tensor of this kind in files: conv1.weight."""
        return self.name.lower()

    @property
    def plural(self) -> str:
        """The statement of the text form for their start values."""
        return f"{self.tensor}es" if self is Role.BIAS else f"{self.tensor}s"

    @property
    def typed(self) -> str:
        """Its letter in a form that can be typed: gamma for γ."""
        return unicodedata.name(self).rpartition(" ")[2].lower()

    @property
    def card(self) -> RoleCard:
        return ROLE_CARDS[self]

    @property
    def start(self) -> float:
        """The default start value; weights start with random values instead."""
        return self.card.start


@dataclass(frozen=True)
class RoleCard:
    """What holds for a kind of parameter everywhere."""

    heading: str  # above the backward pass of one
    note: str  # in a workbook, on its column
    start: float = 0.0
    drawn: tuple[float, float] | None = None  # between which exercises draw its start values;
    # None: on both sides of 0
    is_positive: bool = False


ROLE_CARDS: Mapping[Role, RoleCard] = {
    Role.WEIGHT: RoleCard(
        mark("Weight {name}"),
        mark("A weight. Its start value is on the Network sheet, and each epoch updates it once."),
    ),
    Role.BIAS: RoleCard(
        mark("Bias {name}"),
        mark("A bias. Its start value is on the Network sheet."),
    ),
    Role.SCALE: RoleCard(
        mark("Scale {name}"),
        mark("A scale of a normalisation, trained like a weight."),
        start=1.0,
        drawn=(0.6, 1.4),
    ),
    Role.SHIFT: RoleCard(
        mark("Shift {name}"),
        mark("A shift of a normalisation, trained like a weight."),
    ),
    Role.SLOPE: RoleCard(
        mark("Slope {name}"),
        mark("A slope below zero, trained like a weight."),
        start=0.25,
        drawn=(0.1, 0.5),
    ),
    Role.RANGE: RoleCard(
        mark("Range {name}"),
        mark("A range of rounded values, trained like a weight."),
        start=3.0,
        drawn=(1.5, 3.5),
        is_positive=True,
    ),
}


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter tensor that a layer owns; `fans` are the inputs and outputs of its sums."""

    role: Role
    shape: Shape
    fans: tuple[int, int] = (1, 1)
    fixed: bool = False
    part: str = ""  # its purpose, if a layer has several of a role: recurrent
    uses: int = field(default=1, compare=False)  # how often a sample uses each of its elements
    start: tuple[float, ...] = ()  # if it isn't the default of its role

    @property
    def tensor(self) -> str:
        """Its name in files: weight, recurrent_weight."""
        return f"{self.part}_{self.role.tensor}".lstrip("_")

    @property
    def is_constant(self) -> bool:
        """Whether a formula determines its value, so that it isn't stored."""
        return self.fixed and bool(self.start)


@dataclass(frozen=True, kw_only=True)
class Parameter(ParameterSpec):
    """A parameter in its network, with its layer and the numbers of its elements."""

    layer: int
    first: int  # the number of its first element: w5 is the first of the output layer

    @property
    def leaf(self) -> Name:
        """The name of its leaf."""
        return leaf_name(self.role, self.layer, self.part)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def names(self) -> list[str]:
        return [f"{self.role}{self.first + k}" for k in range(self.size)]


def leaf_name(role: Role, layer: int, part: str = "") -> Name:
    """The name of the leaf of a layer's parameter: w_layer_3, w_recurrent_layer_3."""
    return Name(role, layer=layer, word=f"{part}_layer".lstrip("_"))


# The site of ops -----------------------------------------------------------------


@dataclass(frozen=True)
class Mask:
    """The random factors of dropout: 0 or `scale`. Their values come from outside."""

    leaf: Node
    rate: float
    layer: int  # the dropout's place among the network's layers, from 0
    kept: tuple[Node, ...]  # the values before it after the multiplication
    first: int = 0  # of a single value: its number among the layer's factors

    @property
    def scale(self) -> float:
        """The factor that keeps the mean the same."""
        return 1 / (1 - self.rate)


@dataclass(frozen=True)
class Change:
    """A value that changes from step to step: at the start, and in the next step."""

    leaf: Node
    start: Array
    next: Node


@dataclass(frozen=True)
class LayerSite:
    """The surroundings in which a layer's ops are made: names, samples, and values that continue
    from step to step. `masks` and `statistics` collect those that the layers of a network need."""

    graph: Graph
    index: int  # of the layer
    number: int | None  # among the layers of its kind, if there are several
    name: Name  # of its output
    before: Name  # of its input
    output: Shape
    samples: Node | int
    outside: bool  # whether batches come from outside
    training: bool
    masks: list[Mask] = field(default_factory=list)
    statistics: dict[Node, Change] = field(default_factory=dict)

    def make(self, op: str, *inputs: Node, attributes: tuple[Attribute, ...] = ()) -> Node:
        return self.graph.make(op, *inputs, attributes=attributes)

    def part(self, stem: str) -> Name:
        """The name of a value inside the layer: μ, or μ2 in the second layer of its kind."""
        return Name(stem, layer=self.number)

    def named(self, node: Node, stem: str) -> Node:
        return self.graph.named(node, self.part(stem))

    def levelled(self, weights: Node, bits: Bits, groups: int = BY_ROWS) -> Node:
        """The weights as sums read them: rounded to ŵ if they have few bits."""
        if not bits:
            return weights
        how = (bits, groups)
        scales = self.graph.named(
            self.make("scales", weights, attributes=how), Name("s", of=self.name)
        )
        return self.make("levelled", weights, scales, attributes=how)

    def running(self, stem: str, shape: Shape, start: float) -> Node:
        """A statistic's running mean, as a leaf whose value is kept after training."""
        leaf = self.graph.leaf(Name("r", of=self.part(stem)), shape)
        self.statistics[leaf] = Change(leaf, np.full(shape, float(start)), leaf)
        return leaf

    def keep(self, running: Node, following: Node) -> None:
        """Set a running mean's value in the next step."""
        self.statistics[running] = replace(self.statistics[running], next=following)


# Layers --------------------------------------------------------------------------


class AnswerKind(StrEnum):
    """The meaning of values that are a network's answer."""

    NUMBERS = "numbers"
    CHANCES = "chances"  # independent of each other
    SHARES = "shares of 1"
    LOGARITHMS = "logarithms of shares of 1"

    @property
    def are_shares(self) -> bool:
        """Whether they are shares of 1, or the logarithms of shares."""
        return self in (AnswerKind.SHARES, AnswerKind.LOGARITHMS)


class Layer:
    """The properties of all layers; by default, a layer reads the values before it and keeps
    their shape. Value 0 is the network's input, value k the output of layer k.

    A card is a frozen dataclass derived from this class; `forms` are its statements in texts.
    """

    forms: ClassVar[tuple[StatementForm, ...]] = ()
    word: ClassVar[str] = ""  # the name of layers of this kind: conv1, relu2
    letter: ClassVar[str] = ""  # the letter of its values
    last_letter: ClassVar[str] = ""  # the letter in the last such layer: o1
    passes_on: ClassVar[bool] = False  # whether its values and names are those before it
    names_after: ClassVar[bool] = False  # whether its values' names contain those before: a_h1
    sums: ClassVar[bool] = False  # whether each value is a weighted sum with its own weights
    reads_all: ClassVar[bool] = False  # whether each of its values depends on all before it
    normalises: ClassVar[bool] = False
    puts_beside: ClassVar[bool] = False  # whether it concatenates the channels of its inputs
    moves_places: ClassVar[bool] = False  # whether it only puts values in other places
    mixes_samples: ClassVar[bool] = False  # whether a batch's samples affect each other in it
    elementwise: ClassVar[bool] = False  # whether each value depends only on those at its place
    statistics: ClassVar[Mapping[str, str]] = {}  # kept of batches: mean → μ, variance → σ²
    ending: ClassVar[str] = ""  # the activation, if it is one
    lowest: ClassVar[float] = -inf  # a lower bound of its values, for any input
    rising: ClassVar[bool] = False  # whether the largest of its values stays the largest
    answer_kind: ClassVar[AnswerKind] = AnswerKind.NUMBERS
    is_softmax: ClassVar[bool] = False
    draws: ClassVar[bool] = False  # whether it sets random values to 0 in training
    idle: ClassVar[bool] = False  # whether it does nothing in a trained network
    has_inner_values: ClassVar[bool] = False  # whether it names inner values
    inner_words: ClassVar[Mapping[str, str]] = {}  # descriptions of these: h_query, a_share
    reads_sequences: ClassVar[bool] = False  # whether it reads steps x features, in a row
    ties: ClassVar[str] = ""  # the word of the earlier card whose parameters it shares
    begins_branch: ClassVar[bool] = False  # whether it only continues from an earlier value
    remark: ClassVar[str] = ""  # explains its name in the matrix form, and its backward pass
    is_fourier: ClassVar[bool] = False  # whether it is a Fourier transform of frames
    learns: ClassVar[bool] = True  # whether its parameters change in training
    causal: bool = False  # whether no step of a sequence may depend on later ones
    bias: Bias = Bias.NONE
    bits: Bits = Bits.ALL  # of the weights of its sums
    groups: int = 1
    epsilon: float = 0
    zeros: bool = False  # whether its averages count the padding

    def members(self, shape: Shape) -> NDArray[np.intp] | None:
        """The values that it normalises together, by their numbers in the flat sample: (groups,
        values); None if it has no groups in a sample."""
        return None

    def taken_place(self, place: Shape) -> Shape | None:
        """The place of the value that it puts at a place, where -1 is a zero; None if all values
        keep their order."""
        return None

    def __post_init__(self) -> None:
        """Give the fields their one canonical form, so that equal layers compare equal."""
        form = self.form()
        for part in plain(form.fields):
            settle(self, **{part.name: part.settle(form.words, getattr(self, part.name))})
        self.check()

    def check(self) -> None:
        """Refuse fields that contradict each other."""

    @property
    def has_inner_steps(self) -> bool:
        """Whether it computes inner values at the steps of a sequence."""
        return self.reads_sequences and self.has_inner_values

    def form(self) -> StatementForm:
        """The layer's statement, without counting channels if the text form can write it."""
        fitting = (form for form in self.forms if not form.per_channel and form.fits(self))
        return next(fitting, StatementForm(self.word))

    @property
    def fields(self) -> dict[str, Any]:
        """The values of its fields, including defaults."""
        return dict(vars(self))

    @property
    def text(self) -> str:
        """The layer in the text form: conv 2 3x3 no bias."""
        return self.form().write(self)

    def __str__(self) -> str:
        return self.text

    @property
    def without_chance(self) -> Layer:
        """The layer as it is where nothing is random."""
        return self

    def ending_in(self, outputs: int) -> Layer:
        """The layer as one that ends a network with so many outputs."""
        return self

    def fitted(self, shape: Shape) -> Layer:
        """The layer with a window that is no larger than an input of this shape."""
        return self

    @property
    def in_other_words(self) -> Layer:
        """The same layer as another card, if it is a special case of that one."""
        return self

    def reads(self, index: int) -> tuple[int, ...]:
        """The numbers of the values that a layer at this index reads, in its own order."""
        return (index,)

    def output(self, shape: Shape, *others: Shape) -> Shape:
        """The shape of its output, given the shapes of its inputs."""
        return shape

    def name(self, plain: Name, shape: Shape) -> Name:
        """The name of its values, given its letter and number and the shape of its input."""
        return plain

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        return ()

    def window(self, shape: Shape) -> Window | None:
        """The window that slides over an input of this shape."""
        return None

    def spreads(self, shape: Shape) -> Window | None:
        """The window of its output over which each value of its input is spread."""
        return None

    def instead_of_later(self, shape: Shape, *others: Shape) -> str:
        """The remedy if a step of its output depends on later steps of a sequence; else ''."""
        window, spread_over = self.window(shape), self.spreads(shape)
        if window and window.span[1] - 1 > window.pad[1]:
            return WINDOW_BEFORE.format(before=window.span[1] - 1)
        return "leave out its padding" if spread_over and spread_over.pad[1] else ""

    @property
    def averages(self) -> bool:
        """Whether each of its values is the mean of a window, rather than the largest value."""
        return False

    def groups_in(self, shape: Shape) -> int:
        """The number of groups of values that it sums or normalises, each for itself."""
        return self.groups

    def channel_groups(self, shape: Shape) -> int:
        """The number of groups it normalises, if each has whole channels; else 0."""
        return 0

    def is_by_place(self, shape: Shape) -> bool:
        """Whether it normalises the channels of each place."""
        return False

    def counted_padding(self, shape: Shape) -> Sides:
        """The part of its window's padding that an average counts as zeros."""
        return NOWHERE

    @property
    def level_groups(self) -> int:
        """The relation of its rounded weights to its output channels, as for `levels`."""
        return BY_ROWS

    def with_numbers(self, tensors: Mapping[str, Array]) -> Layer | None:
        """The layer without parameters, if these tensors can be written as its fields."""
        return None if tensors else self

    @property
    def levels(self) -> tuple[int, int]:
        """The lowest and the highest whole number whose multiples of a step its values are; 0 and 0
        if its values aren't rounded."""
        return (0, 0)

    @property
    def has_few_values(self) -> bool:
        """Whether its values are steps of a range."""
        return any(self.levels)

    @property
    def level_step(self) -> float:
        """The distance between these values, for a layer without parameters."""
        return 0.0

    def takes_in(self, before: Layer) -> bool:
        """Whether its output stays the same without the layer before it."""
        return False

    def allows_scale(self, scale: Array) -> bool:
        """Whether scaling and shifting its input's channels scales and shifts its output's."""
        return False

    def words(self, shape: Shape) -> str:
        """A description of its values, which continues one of the values that it reads."""
        return " ".join(self.form().help)

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        """The node of its output, given the nodes of the values that it reads."""
        shape = inputs[0].shape
        return self.at_a_place(inputs, [spread_over(parameter, shape) for parameter in parameters])

    def at_a_place(self, inputs: Sequence[Node], parameters: Sequence[Node] = ()) -> Node:
        """The op at one place of an elementwise layer, given the element of each parameter that
        belongs to that place."""
        raise NotImplementedError


def spell(shape: Shape) -> str:
    """A shape as the text form writes it: 1x28x28."""
    return "x".join(map(str, shape))


def require_channels(word: str, shape: Shape) -> None:
    if len(shape) != 3:
        area = spell(shape) if len(shape) == 2 else "28x28"
        raise ShapeError(CHANNELS_ONLY.format(word=word, shape=spell(shape), area=area))


def add_bias(sums: Node, biases: Sequence[Node]) -> Node:
    """Add a bias for each channel, or one for all."""
    for bias in biases:
        sums += spread_over(bias, sums.shape)
    return sums


def spread_over(parameter: Node, shape: Shape) -> Node:
    """An element per channel, or one for all, spread over every place."""
    is_per_channel = parameter.shape == shape[:1]
    return spread(parameter, shape[1:]) if is_per_channel else spread(reshape(parameter, ()), shape)
