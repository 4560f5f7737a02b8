"""The layers a network can be asked for: what each reads, makes and owns, and its words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite, prod
from typing import ClassVar

from gradbook.arguments import number, one_of, settle, whole
from gradbook.errors import ShapeError, UsageError
from gradbook.graph.window import (
    NOWHERE,
    SAME,
    Both,
    Pad,
    Shape,
    Sides,
    Window,
    a_pad,
    both,
    overhang,
    pad_words,
    places_in,
    same_pad,
    short,
)
from gradbook.net.parameters import Bias, ParameterSpec, Role, a_bias, bias_specs

# What is said of layers that can't be; a page says the same of a text that is written there.
FLAT_ONLY = "{word} takes a flat input, not {shape}: put 'flatten' before it"
CHANNELS_ONLY = (
    "{word} takes channels x height x width, not {shape}: "
    "write the input as 'input 1x{area}', and flatten only after it"
)
OUT_OF_GROUPS = (
    "{channels} channels don't fall into {groups} equal groups: take a multiple of {groups}"
)
INTO_GROUPS = (
    "{given} input channels don't fall into {groups} equal groups: "
    "take a number that divides {given} and {channels}"
)
SAME_AND_CEIL = "'pad same' leaves nothing over: leave out 'ceil'"
EPSILON_OF = "{word}'s epsilon lies between 0 and 1, not {value!r}"
DROPOUT_RATE = "dropout's rate lies from 0 to below 1, not {value!r}"


class Layer:
    """What every layer answers; most read the values before them and keep their shape.

    Value 0 is the network's input, value k what layer k makes.
    """

    word: ClassVar[str] = ""  # what a layer of this kind is called
    letter: ClassVar[str] = ""  # that its values are called by
    passes_on: ClassVar[bool] = False  # whether its values are those before it, names and all
    names_after: ClassVar[bool] = False  # whether its values are named after those before: a_h1
    sums: ClassVar[bool] = False  # whether it adds up inputs times weights
    normalises: ClassVar[bool] = False
    mixes_samples: ClassVar[bool] = False  # whether a batch's samples meet in it
    elementwise: ClassVar[bool] = False  # whether each value is made of those at its own place
    ending: ClassVar[str] = ""  # the activation that it is, where it is one
    is_softmax: ClassVar[bool] = False
    draws: ClassVar[bool] = False  # whether it sets values to 0 by chance while training
    bias: Bias = Bias.NONE
    groups: int = 1
    epsilon: float = 0

    def reads(self, index: int) -> tuple[int, ...]:
        """The numbers of the values that a layer at this index is given, in its own order."""
        return (index,)

    def output(self, shape: Shape, *others: Shape) -> Shape:
        """The shape it makes of those of the values it reads."""
        return shape

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        return ()

    def window(self, shape: Shape) -> Window | None:
        """The window that slides over an input of this shape."""
        return None

    def counted(self, shape: Shape) -> Sides:
        """How much of its window's padding an average counts as zeros."""
        return NOWHERE

    def words(self, shape: Shape) -> str:
        """What its values are, after a sentence about those that it reads."""
        raise NotImplementedError


@dataclass(frozen=True)
class Dense(Layer):
    """`width` weighted sums of all inputs."""

    width: int
    bias: Bias = Bias.EACH
    word: ClassVar[str] = "dense"
    letter: ClassVar[str] = "h"
    sums: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settle(self, width=whole("dense's width", self.width, 1), bias=a_bias(self.bias))

    def output(self, shape: Shape, *others: Shape) -> Shape:
        if len(shape) != 1:
            raise ShapeError(FLAT_ONLY.format(word="dense", shape=spell(shape)))
        return (self.width,)

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        weight = ParameterSpec(Role.WEIGHT, (self.width, shape[0]), (shape[0], self.width))
        return (weight, *bias_specs(self.bias, self.width))

    def words(self, shape: Shape) -> str:
        return (
            f"{self.width} weighted sums of those" if self.width > 1 else "a weighted sum of those"
        )


@dataclass(frozen=True)
class Conv(Layer):
    """`channels` small windows slid over all input channels.

    Of kernel, stride and dilation one number stands for rows and columns; of the pad one for all
    sides or two for rows and columns.
    """

    channels: int
    kernel: Both
    stride: Both = (1, 1)
    pad: Pad = NOWHERE
    bias: Bias = Bias.EACH
    groups: int = 1  # each group of output channels reads its own group of input channels
    dilation: Both = (1, 1)
    word: ClassVar[str] = "conv"
    letter: ClassVar[str] = "c"
    sums: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settle(
            self,
            channels=whole("conv's number of channels", self.channels, 1),
            kernel=both("conv's window", self.kernel),
            stride=both("conv's stride", self.stride),
            dilation=both("conv's dilation", self.dilation),
            bias=a_bias(self.bias),
            groups=whole("conv's number of groups", self.groups, 1),
        )
        if self.channels % self.groups:
            raise UsageError(OUT_OF_GROUPS.format(channels=self.channels, groups=self.groups))
        settle(self, pad=a_pad("conv's", self.pad, self.kernel, self.dilation))

    def output(self, shape: Shape, *others: Shape) -> Shape:
        _channels("conv", shape)
        if shape[0] % self.groups:
            said = {"given": shape[0], "groups": self.groups, "channels": self.channels}
            raise ShapeError(INTO_GROUPS.format(**said))
        return (self.channels, *places_in("conv", self.window(shape), shape))

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        area = prod(self.kernel)
        fans = (shape[0] // self.groups * area, self.channels // self.groups * area)
        weights = (self.channels, shape[0] // self.groups, *self.kernel)
        return (
            ParameterSpec(Role.WEIGHT, weights, fans),
            *bias_specs(self.bias, self.channels),
        )

    def window(self, shape: Shape) -> Window:
        return _window(self.kernel, self.stride, self.pad, self.dilation, shape[1:])

    def words(self, shape: Shape) -> str:
        height, width = self.kernel
        planes = f" in {shape[0] // self.groups} planes" if shape[0] > self.groups else ""
        groups = f", {self.groups} groups of planes apart" if self.groups > 1 else ""
        moved = _moved(self.window(shape))
        return f"weighted sums of {height} × {width} windows{planes}{groups}{moved}"


@dataclass(frozen=True)
class Pool(Layer):
    """The largest or the average value of each window; what lies in the padding isn't one."""

    kind: str  # max | avg
    size: Both | None  # none: one window over everything
    stride: Both | None = None  # none: windows side by side
    pad: Pad = NOWHERE
    dilation: Both = (1, 1)
    ceil: bool = False  # whether a last window may end beyond what it reads
    zeros: bool = False  # whether an average counts what lies in the padding, as zeros
    letter: ClassVar[str] = "p"

    def __post_init__(self) -> None:
        if self.kind not in ("max", "avg"):
            raise UsageError(f"pooling is 'max' or 'avg', not {self.kind!r}")
        word = f"{self.kind}pool's"
        settle(self, dilation=both(f"{word} dilation", self.dilation))
        settle(self, ceil=bool(self.ceil), zeros=bool(self.zeros))
        if self.zeros and self.kind == "max":
            raise UsageError("the padding of a maxpool is below every value: leave out its zeros")
        if self.size is None:
            moves = (self.stride, self.pad or NOWHERE, self.dilation) != (None, NOWHERE, (1, 1))
            if moves or self.ceil or self.zeros:
                raise UsageError("a window over everything has nowhere to go: leave out its stride")
            settle(self, pad=NOWHERE)
            return
        settle(self, size=both(f"{word} size", self.size))
        if self.stride is not None:
            settle(self, stride=both(f"{word} stride", self.stride))
        settle(self, pad=a_pad(word, self.pad, self.size, self.dilation))
        if self.pad == SAME and self.ceil:
            raise UsageError(SAME_AND_CEIL)

    @property
    def word(self) -> str:  # type: ignore[override]
        return f"{self.kind}pool"

    def output(self, shape: Shape, *others: Shape) -> Shape:
        _channels(self.word, shape)
        return (shape[0], *places_in(self.word, self.window(shape), shape))

    def window(self, shape: Shape) -> Window:
        """What a last window has beyond the input, where that may be, is padding too."""
        if self.size is None:
            return Window((shape[1], shape[2]))
        stride = self.stride or self.size
        found = _window(self.size, stride, self.pad, self.dilation, shape[1:])
        return replace(found, pad=overhang(found, shape[1:])) if self.ceil else found

    def counted(self, shape: Shape) -> Sides:
        """How much of the padding an average counts as zeros."""
        return replace(self, ceil=False).window(shape).pad if self.zeros else NOWHERE

    def words(self, shape: Shape) -> str:
        word = "largest value" if self.kind == "max" else "average"
        window = self.window(shape)
        height, width = window.size
        aside = replace(window, stride=(1, 1))  # how far it moves is seen by what it makes
        zeros = " of zeros" if self.zeros and any(self.counted(shape)) else ""
        return f"the {word} of each {height} × {width} window{_moved(aside)}{zeros}"


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Centres and scales each channel by its mean and spread over the samples."""

    epsilon: float = 1e-5
    word: ClassVar[str] = "batchnorm"
    letter: ClassVar[str] = "y"
    normalises: ClassVar[bool] = True
    mixes_samples: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settle(self, epsilon=number("batchnorm's epsilon", self.epsilon))
        if not 0 < self.epsilon < 1:
            raise UsageError(EPSILON_OF.format(word="batchnorm", value=self.epsilon))

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        return (ParameterSpec(Role.SCALE, shape[:1]), ParameterSpec(Role.SHIFT, shape[:1]))

    def words(self, shape: Shape) -> str:
        return "each centred and scaled over the samples"


@dataclass(frozen=True)
class Dropout(Layer):
    """While training, sets values to 0 by chance, or whole channels, and scales up the others."""

    rate: float
    channels: bool = False
    word: ClassVar[str] = "dropout"
    passes_on: ClassVar[bool] = True
    elementwise: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settle(self, rate=number("dropout's rate", self.rate), channels=bool(self.channels))
        if not 0 <= self.rate < 1:
            raise UsageError(DROPOUT_RATE.format(value=self.rate))

    @property
    def draws(self) -> bool:  # type: ignore[override]
        """Whether it ever sets anything to 0."""
        return self.rate > 0


@dataclass(frozen=True)
class Flatten(Layer):
    """Lays all values out in one line, channel by channel, row by row."""

    word: ClassVar[str] = "flatten"
    passes_on: ClassVar[bool] = True

    def output(self, shape: Shape, *others: Shape) -> Shape:
        return (prod(shape),)


ACTIVATIONS = {  # the word in the text form, and what it makes of the values before it
    "sigmoid": "the sigmoid σ of each",
    "tanh": "the hyperbolic tangent of each",
    "relu": "each if it is positive, else 0 (ReLU)",
    "leaky relu": "each, times {slope:g} if it is negative (leaky ReLU)",
    "relu6": "each between 0 and 6, else the nearer of the two (ReLU6)",
    "elu": "each if it is positive, else e to its power less 1 (ELU)",
    "softplus": "each, bent smoothly to stay positive (softplus)",
    "gelu": "each, times a smooth step from 0 to 1 (GELU, in the tanh form)",
    "exact gelu": "each, times the share of a normal distribution below it (GELU)",
    "silu": "each, times its own sigmoid (SiLU)",
    "hard swish": "each, times a straight rise from 0 at −3 to 1 at 3 (hard swish)",
    "identity": "the same again (identity)",
    "softmax": "their shares of 1 (softmax)",
    "log softmax": "the logarithms of their shares of 1 (log softmax)",
}
USUAL_SLOPE = 0.01


@dataclass(frozen=True)
class Activation(Layer):
    """A function of each value alone, but for softmax, which weighs all of them."""

    kind: str
    slope: float = USUAL_SLOPE  # of leaky relu, left of zero; no other has one
    letter: ClassVar[str] = "a"
    names_after: ClassVar[bool] = True

    def __post_init__(self) -> None:
        one_of("activation", self.kind, ACTIVATIONS)
        slope = number("the slope", self.slope) if self.kind == "leaky relu" else USUAL_SLOPE
        settle(self, slope=slope)
        if not isfinite(slope):
            raise UsageError(f"the slope of leaky relu is a finite number, not {slope}")

    @property
    def word(self) -> str:  # type: ignore[override]
        """Its kind as one word, which its op is called by: leaky_relu."""
        return self.kind.replace(" ", "_")

    @property
    def ending(self) -> str:  # type: ignore[override]
        return self.kind

    @property
    def is_softmax(self) -> bool:  # type: ignore[override]
        return self.kind.endswith("softmax")

    @property
    def elementwise(self) -> bool:  # type: ignore[override]
        return not self.is_softmax

    def output(self, shape: Shape, *others: Shape) -> Shape:
        if not self.is_softmax:
            return shape
        if max(shape[1:], default=1) > 1:
            raise ShapeError(FLAT_ONLY.format(word=self.kind, shape=spell(shape)))
        return shape[:1]

    def words(self, shape: Shape) -> str:
        return ACTIVATIONS[self.kind].format(slope=self.slope)


def spell(shape: Shape) -> str:
    """A shape as the text form writes it: 1x28x28."""
    return "x".join(map(str, shape))


def _channels(word: str, shape: Shape) -> None:
    if len(shape) != 3:
        area = spell(shape) if len(shape) == 2 else "28x28"
        raise ShapeError(CHANNELS_ONLY.format(word=word, shape=spell(shape), area=area))


def _window(size: Both, stride: Both, pad: Pad, dilation: Both, area: Shape) -> Window:
    """In numbers, for rows and columns of an input."""
    sides = same_pad(size, stride, dilation, area) if pad == SAME else pad
    return Window(size, stride, sides, dilation)


def _moved(window: Window) -> str:
    """How a window goes, as far as it isn't as usual."""
    apart, every = (short(pair).replace("x", " × ") for pair in (window.dilation, window.stride))
    gaps = f", {apart} apart" if window.dilation != (1, 1) else ""
    stride = f", every {every}" if window.stride != (1, 1) else ""
    edge = f", edge of {pad_words(window.pad)}" if any(window.pad) else ""
    return f"{gaps}{stride}{edge}"
