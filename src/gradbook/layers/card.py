"""What every layer is: what it reads, makes and owns, and where its ops are made."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import inf, prod
from typing import ClassVar

import numpy as np

from gradbook.arguments import one_of, settle
from gradbook.errors import ShapeError
from gradbook.graph.levels import BY_ROWS, Bits
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Attribute, Graph, Node
from gradbook.graph.tensors import reshape, spread
from gradbook.graph.window import NOWHERE, Shape, Sides, Window
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
    """How a layer's sums are shifted: EACH by its own bias, all by one SHARED bias, or by NONE.

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
    """The kinds of parameter, and the letter that names their elements: w1, b1, γ1, β1, α1,
    ρ1."""

    WEIGHT = "w"
    BIAS = "b"
    SCALE = "γ"
    SHIFT = "β"
    SLOPE = "α"
    RANGE = "ρ"

    @property
    def tensor(self) -> str:
        """What a layer's tensor of this kind is called in files: conv1.weight."""
        return self.name.lower()

    @property
    def plural(self) -> str:
        """The statement of the text form that gives their start values."""
        return f"{self.tensor}es" if self is Role.BIAS else f"{self.tensor}s"

    @property
    def typed(self) -> str:
        """Its letter as it can be typed: gamma for γ."""
        return unicodedata.name(self).rpartition(" ")[2].lower()

    @property
    def start(self) -> float:
        """What it is worth at the start, where nothing is said; weights are drawn."""
        return {Role.SCALE: 1.0, Role.SLOPE: 0.25, Role.RANGE: 3.0}.get(self, 0.0)


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter tensor that a layer owns; `fans` are its inputs and outputs per sum."""

    role: Role
    shape: Shape
    fans: tuple[int, int] = (1, 1)
    fixed: bool = False
    part: str = ""  # what it is there for, where a layer has several of a role: recurrent
    uses: int = field(default=1, compare=False)  # how often a sample meets each of its elements
    start: tuple[float, ...] = ()  # where it isn't the usual of its role

    @property
    def tensor(self) -> str:
        """What it is called in files: weight, recurrent_weight."""
        return f"{self.part}_{self.role.tensor}".lstrip("_")

    @property
    def is_constant(self) -> bool:
        """Whether a formula says what it is, so that it is no parameter."""
        return self.fixed and bool(self.start)


@dataclass(frozen=True, kw_only=True)
class Parameter(ParameterSpec):
    """The same in its network: whose it is, and how its elements are numbered."""

    layer: int
    first: int  # the number of its first element: w5 is the first of the output layer

    @property
    def leaf(self) -> Name:
        """What its leaf is called."""
        return leaf_name(self.role, self.layer, self.part)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def names(self) -> list[str]:
        return [f"{self.role}{self.first + k}" for k in range(self.size)]


def leaf_name(role: Role, layer: int, part: str = "") -> Name:
    """What the leaf of a layer's parameter is called: w_layer_3, w_recurrent_layer_3."""
    return Name(role, layer=layer, word=f"{part}_layer".lstrip("_"))


def bias_of(value: object) -> Bias:
    return Bias(one_of("bias", value, Bias))


# Where ops are made --------------------------------------------------------------


@dataclass(frozen=True)
class Mask:
    """What dropout multiplies with: 0 by chance, else `scale`. Its values come from outside."""

    leaf: Node
    rate: float
    layer: int  # the dropout's place among the network's layers, from 0
    kept: tuple[Node, ...]  # what it leaves of the values before it
    first: int = 0  # of a single value, which of those it is that are drawn for the layer

    @property
    def scale(self) -> float:
        """So that the mean stays as it is."""
        return 1 / (1 - self.rate)


@dataclass(frozen=True)
class Change:
    """What goes from step to step: the value at the start, and the next one."""

    leaf: Node
    start: Array
    next: Node


@dataclass(frozen=True)
class LayerSite:
    """Where a layer's ops are made: the names it gives, the samples, and what goes on from step
    to step. `masks` and `statistics` collect what the layers of one network ask for."""

    graph: Graph
    index: int  # of the layer
    number: int | None  # among the layers of its kind, where there are several
    name: Name  # of the values that it makes
    before: Name  # of the values before it
    output: Shape
    samples: Node | int
    outside: bool  # whether batches come from there
    training: bool
    masks: list[Mask] = field(default_factory=list)
    statistics: dict[Node, Change] = field(default_factory=dict)

    def make(self, op: str, *inputs: Node, attributes: tuple[Attribute, ...] = ()) -> Node:
        return self.graph.make(op, *inputs, attributes=attributes)

    def part(self, stem: str) -> Name:
        """The name of something inside the layer: μ, or μ2 in the second of its kind."""
        return Name(stem, layer=self.number)

    def named(self, node: Node, stem: str) -> Node:
        return self.graph.named(node, self.part(stem))

    def levelled(self, weights: Node, bits: Bits, groups: int = BY_ROWS) -> Node:
        """The weights as sums read them: ŵ, where they have few bits."""
        if not bits:
            return weights
        how = (bits, groups)
        scales = self.graph.named(
            self.make("scales", weights, attributes=how), Name("s", of=self.name)
        )
        return self.make("levelled", weights, scales, attributes=how)

    def running(self, stem: str, shape: Shape, start: float) -> Node:
        """A statistic's running mean, a leaf that keeps its value at work."""
        leaf = self.graph.leaf(Name("r", of=self.part(stem)), shape)
        self.statistics[leaf] = Change(leaf, np.full(shape, float(start)), leaf)
        return leaf

    def keep(self, running: Node, following: Node) -> None:
        """What a running mean is in the next step."""
        self.statistics[running] = replace(self.statistics[running], next=following)


# Layers --------------------------------------------------------------------------


class AnswerKind(StrEnum):
    """What values say where they are a network's answer."""

    NUMBERS = "numbers"
    CHANCES = "chances"  # each its own
    SHARES = "shares of 1"
    LOGARITHMS = "logarithms of shares of 1"

    @property
    def are_shares(self) -> bool:
        """Whether they are shares of 1, or the logarithms of such."""
        return self in (AnswerKind.SHARES, AnswerKind.LOGARITHMS)


class Layer:
    """What every layer answers; most read the values before them and keep their shape.

    Value 0 is the network's input, value k what layer k makes. A card is a frozen dataclass of
    this class; `forms` are the statements of the text form that it is written with.
    """

    forms: ClassVar[tuple[StatementForm, ...]] = ()
    word: ClassVar[str] = ""  # what a layer of this kind is called: conv1, relu2
    letter: ClassVar[str] = ""  # that its values are called by
    last_letter: ClassVar[str] = ""  # and those of the last such layer: o1
    passes_on: ClassVar[bool] = False  # whether its values are those before it, names and all
    names_after: ClassVar[bool] = False  # whether its values are named after those before: a_h1
    sums: ClassVar[bool] = False  # whether each value adds up inputs times weights of its own
    reads_all: ClassVar[bool] = False  # whether each of its values depends on all before it
    normalises: ClassVar[bool] = False
    puts_beside: ClassVar[bool] = False  # whether the channels of all that it reads stand in a row
    mixes_samples: ClassVar[bool] = False  # whether a batch's samples meet in it
    elementwise: ClassVar[bool] = False  # whether each value is made of those at its own place
    statistics: ClassVar[Mapping[str, str]] = {}  # kept of batches: mean → μ, variance → σ²
    ending: ClassVar[str] = ""  # the activation that it is, where it is one
    lowest: ClassVar[float] = -inf  # no value that it makes is below this, whatever it reads
    rising: ClassVar[bool] = False  # whether it keeps which of its values is largest
    answer_kind: ClassVar[AnswerKind] = AnswerKind.NUMBERS
    is_softmax: ClassVar[bool] = False
    draws: ClassVar[bool] = False  # whether it sets values to 0 by chance while training
    idle: ClassVar[bool] = False  # whether a network at work can do without it
    has_inner_values: ClassVar[bool] = False  # whether it names some between
    inner_words: ClassVar[Mapping[str, str]] = {}  # what those are: h_query, a_share
    reads_sequences: ClassVar[bool] = False  # whether it takes steps x features, laid out in a row
    ties: ClassVar[str] = ""  # the word of the card before it whose parameters it takes
    begins_branch: ClassVar[bool] = False  # whether it makes nothing, and an earlier value goes on
    remark: ClassVar[str] = ""  # on what the matrix form calls it and its way back by
    is_fourier: ClassVar[bool] = False  # whether it is a Fourier transform of frames
    learns: ClassVar[bool] = True  # whether what it owns changes in training
    causal: bool = False  # whether no step of a sequence is to see those after it
    bias: Bias = Bias.NONE
    bits: Bits = Bits.ALL  # of the weights of its sums
    groups: int = 1
    epsilon: float = 0

    def __post_init__(self) -> None:
        """Give the fields their one canonical form, so that equal layers compare equal."""
        form = self.form()
        for part in plain(form.fields):
            settle(self, **{part.name: part.settle(form.words, getattr(self, part.name))})
        self.check()

    def check(self) -> None:
        """Refuse fields that don't go together."""

    @property
    def has_inner_steps(self) -> bool:
        """Whether it computes more at the steps of a sequence than what it makes."""
        return self.reads_sequences and self.has_inner_values

    def form(self) -> StatementForm:
        """The statement that says it without counting channels, where a text can say it."""
        fitting = (form for form in self.forms if not form.per_channel and form.fits(self))
        return next(fitting, StatementForm(self.word))

    @property
    def text(self) -> str:
        """The layer as the text form says it: conv 2 3x3 no bias."""
        return self.form().write(self)

    def __str__(self) -> str:
        return self.text

    @property
    def in_other_words(self) -> Layer:
        """The same in the words of another card, where it is one of that one's."""
        return self

    def reads(self, index: int) -> tuple[int, ...]:
        """The numbers of the values that a layer at this index is given, in its own order."""
        return (index,)

    def output(self, shape: Shape, *others: Shape) -> Shape:
        """The shape it makes of those of the values it reads."""
        return shape

    def name(self, plain: Name, shape: Shape) -> Name:
        """What its values are called, from its letter and number and the shape that it reads."""
        return plain

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        return ()

    def window(self, shape: Shape) -> Window | None:
        """The window that slides over an input of this shape."""
        return None

    def spreads(self, shape: Shape) -> Window | None:
        """The window of the map that it makes over which each value of its input is spread."""
        return None

    def instead_of_later(self, shape: Shape, *others: Shape) -> str:
        """What keeps it from making a step of a sequence of later ones, where it does so."""
        window, spread_over = self.window(shape), self.spreads(shape)
        if window and window.span[1] - 1 > window.pad[1]:
            return WINDOW_BEFORE.format(before=window.span[1] - 1)
        return "leave out its padding" if spread_over and spread_over.pad[1] else ""

    @property
    def averages(self) -> bool:
        """Whether each of its values is the mean of a window's, and not the largest."""
        return False

    def channel_groups(self, shape: Shape) -> int:
        """How many groups it normalises, if each has some channels and all places of these."""
        return 0

    def is_by_place(self, shape: Shape) -> bool:
        """Whether it normalises the channels of each place."""
        return False

    def counted_padding(self, shape: Shape) -> Sides:
        """How much of its window's padding an average counts as zeros."""
        return NOWHERE

    @property
    def level_groups(self) -> int:
        """How its weights of few bits stand to its output channels, as `levels` asks."""
        return BY_ROWS

    def with_numbers(self, tensors: Mapping[str, Array]) -> Layer | None:
        """The same without parameters, where these tensors are numbers that it can be said with."""
        return None if tensors else self

    @property
    def levels(self) -> tuple[int, int]:
        """The lowest and the highest whole number of those that its values are a step times; of
        values that are any numbers 0 and 0."""
        return (0, 0)

    @property
    def has_few_values(self) -> bool:
        """Whether its values are steps of a range."""
        return any(self.levels)

    @property
    def level_step(self) -> float:
        """How far one of these is from the next, where it has no parameters."""
        return 0.0

    def takes_in(self, before: Layer) -> bool:
        """Whether it makes of all values what it makes of those that come out of this one."""
        return False

    def allows_scale(self, scale: Array) -> bool:
        """Whether its channels scaled and shifted are what it makes of scaled and shifted ones."""
        return False

    def words(self, shape: Shape) -> str:
        """What its values are, after a sentence about those that it reads."""
        raise NotImplementedError

    def ops(self, site: LayerSite, given: Sequence[Node], parameters: Sequence[Node]) -> Node:
        """The node of what it makes of the values that it reads."""
        shape = given[0].shape
        return self.at_a_place(given, [spread_over(own, shape) for own in parameters])

    def at_a_place(self, given: Sequence[Node], parameters: Sequence[Node] = ()) -> Node:
        """The same for a layer whose values are each made of those at their own place, with the
        element of each of its parameters that serves that place."""
        raise NotImplementedError


def spell(shape: Shape) -> str:
    """A shape as the text form writes it: 1x28x28."""
    return "x".join(map(str, shape))


def require_channels(word: str, shape: Shape) -> None:
    if len(shape) != 3:
        area = spell(shape) if len(shape) == 2 else "28x28"
        raise ShapeError(CHANNELS_ONLY.format(word=word, shape=spell(shape), area=area))


def add_bias(sums: Node, biases: Sequence[Node]) -> Node:
    """Plus a bias for each channel, or one for all."""
    for bias in biases:
        sums += spread_over(bias, sums.shape)
    return sums


def spread_over(parameter: Node, shape: Shape) -> Node:
    """An element for each channel, or one for all, at every place that it serves."""
    own = parameter.shape == shape[:1]
    return spread(parameter, shape[1:]) if own else spread(reshape(parameter, ()), shape)
