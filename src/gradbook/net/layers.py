"""The layers a network can be asked for: what each does to a shape and which parameters it owns."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, prod

from gradbook.errors import ShapeError, UsageError, did_you_mean
from gradbook.net.parameters import Bias, Role, Shape, Want, a_bias, bias_wants
from gradbook.net.plain import number, settle, sizes, whole

MOST_VALUES = 10_000_000  # in one layer: beyond this a typing slip is likelier than a wish


@dataclass(frozen=True)
class Dense:
    """`width` weighted sums of all inputs."""

    width: int
    bias: Bias = Bias.EACH

    def __post_init__(self) -> None:
        settle(self, width=whole("dense's width", self.width, 1), bias=a_bias(self.bias))

    def output(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ShapeError(
                f"dense takes a flat input, not {spell(shape)}: put 'flatten' before it"
            )
        return (self.width,)

    def wants(self, shape: Shape) -> tuple[Want, ...]:
        weight = Want(Role.WEIGHT, (self.width, shape[0]), (shape[0], self.width))
        return (weight, *bias_wants(self.bias, self.width))


@dataclass(frozen=True)
class Conv:
    """`channels` small windows slid over all input channels."""

    channels: int
    kernel: tuple[int, int]  # height and width; one number stands for both
    stride: int = 1
    pad: int = 0
    bias: Bias = Bias.EACH
    groups: int = 1  # each group of output channels reads its own group of input channels

    def __post_init__(self) -> None:
        settle(
            self,
            channels=whole("conv's number of channels", self.channels, 1),
            kernel=_kernel(self.kernel),
            stride=whole("conv's stride", self.stride, 1),
            pad=whole("conv's pad", self.pad, 0),
            bias=a_bias(self.bias),
            groups=whole("conv's number of groups", self.groups, 1),
        )
        if self.channels % self.groups:
            raise UsageError(
                f"{self.channels} channels don't fall into {self.groups} equal groups: "
                f"take a multiple of {self.groups}"
            )
        if self.pad >= min(self.kernel):
            raise UsageError(
                f"with pad {self.pad} a window {spell(self.kernel)} may read nothing but padding: "
                f"take at most pad {min(self.kernel) - 1}"
            )

    def output(self, shape: Shape) -> Shape:
        _channels("conv", shape)
        if shape[0] % self.groups:
            raise ShapeError(
                f"{shape[0]} input channels don't fall into {self.groups} equal groups: "
                f"take a number that divides {shape[0]} and {self.channels}"
            )
        return (self.channels, *_windows("conv", shape, self.kernel, self.stride, self.pad))

    def wants(self, shape: Shape) -> tuple[Want, ...]:
        area = prod(self.kernel)
        fans = (shape[0] // self.groups * area, self.channels // self.groups * area)
        weight = Want(Role.WEIGHT, (self.channels, shape[0] // self.groups, *self.kernel), fans)
        return (weight, *bias_wants(self.bias, self.channels))


@dataclass(frozen=True)
class Pool:
    """The largest or the average value of each window."""

    kind: str  # max | avg
    size: int | None  # none: one window over everything
    stride: int | None = None  # none: windows side by side

    def __post_init__(self) -> None:
        if self.kind not in ("max", "avg"):
            raise UsageError(f"pooling is 'max' or 'avg', not {self.kind!r}")
        if self.size is not None:
            settle(self, size=whole(f"{self.kind}pool's size", self.size, 1))
        if self.stride is not None:
            settle(self, stride=whole(f"{self.kind}pool's stride", self.stride, 1))
        if self.size is None and self.stride is not None:
            raise UsageError("a window over everything has nowhere to go: leave out its stride")

    @property
    def step(self) -> int:
        return (self.size or 1) if self.stride is None else self.stride

    def window(self, shape: Shape) -> tuple[int, int]:
        """Height and width of the window on an input of this shape."""
        return (shape[1], shape[2]) if self.size is None else (self.size, self.size)

    def output(self, shape: Shape) -> Shape:
        word = f"{self.kind}pool"
        _channels(word, shape)
        return (shape[0], *_windows(word, shape, self.window(shape), self.step, 0))

    def wants(self, shape: Shape) -> tuple[Want, ...]:
        return ()


@dataclass(frozen=True)
class BatchNorm:
    """Centres and scales each channel by its mean and spread over the samples."""

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        settle(self, epsilon=number("batchnorm's epsilon", self.epsilon))
        if not 0 < self.epsilon < 1:
            raise UsageError(f"batchnorm's epsilon lies between 0 and 1, not {self.epsilon}")

    def output(self, shape: Shape) -> Shape:
        return shape

    def wants(self, shape: Shape) -> tuple[Want, ...]:
        return (Want(Role.SCALE, shape[:1]), Want(Role.SHIFT, shape[:1]))


@dataclass(frozen=True)
class Dropout:
    """While training, sets values to 0 by chance, or whole channels, and scales up the others."""

    rate: float
    channels: bool = False

    def __post_init__(self) -> None:
        settle(self, rate=number("dropout's rate", self.rate), channels=bool(self.channels))
        if not 0 <= self.rate < 1:
            raise UsageError(f"dropout's rate lies from 0 to below 1, not {self.rate}")

    def output(self, shape: Shape) -> Shape:
        return shape

    def wants(self, shape: Shape) -> tuple[Want, ...]:
        return ()


@dataclass(frozen=True)
class Flatten:
    """Lays all values out in one line, channel by channel, row by row."""

    def output(self, shape: Shape) -> Shape:
        return (prod(shape),)

    def wants(self, shape: Shape) -> tuple[Want, ...]:
        return ()


ACTIVATIONS = (
    "sigmoid",
    "tanh",
    "relu",
    "leaky relu",
    "softplus",
    "identity",
    "softmax",
    "log softmax",
)
USUAL_SLOPE = 0.01


@dataclass(frozen=True)
class Activation:
    """A function of each value alone, but for softmax, which weighs all of them."""

    kind: str
    slope: float = USUAL_SLOPE  # of leaky relu, left of zero; no other has one

    def __post_init__(self) -> None:
        if self.kind not in ACTIVATIONS:
            close = did_you_mean(str(self.kind), ACTIVATIONS)
            hint = close or f": one of {', '.join(ACTIVATIONS)}"
            raise UsageError(f"unknown activation {self.kind!r}{hint}")
        slope = number("the slope", self.slope) if self.kind == "leaky relu" else USUAL_SLOPE
        settle(self, slope=slope)
        if not isfinite(slope):
            raise UsageError(f"the slope of leaky relu is a finite number, not {slope}")

    def output(self, shape: Shape) -> Shape:
        if not self.kind.endswith("softmax"):
            return shape
        if max(shape[1:], default=1) > 1:
            raise ShapeError(
                f"{self.kind} takes a flat input, not {spell(shape)}: put 'flatten' before it"
            )
        return shape[:1]

    def wants(self, shape: Shape) -> tuple[Want, ...]:
        return ()


Layer = Dense | Conv | Pool | BatchNorm | Dropout | Flatten | Activation


def spell(shape: Shape) -> str:
    """A shape as the text form writes it: 1x28x28."""
    return "x".join(map(str, shape))


def _kernel(given: object) -> tuple[int, int]:
    found = sizes("conv's window", given)
    if len(found) not in (1, 2):
        raise UsageError(f"conv's window has two sizes such as 3x3, not {given!r}")
    return found[0], found[-1]


def _channels(word: str, shape: Shape) -> None:
    if len(shape) != 3:
        raise ShapeError(
            f"{word} takes channels x height x width, not {spell(shape)}: write the input as "
            f"'input 1x{spell(shape) if len(shape) == 2 else '28x28'}', and flatten only after it"
        )


def _windows(
    word: str, shape: Shape, kernel: tuple[int, int], stride: int, pad: int
) -> tuple[int, int]:
    height, width = (
        (size + 2 * pad - window) // stride + 1
        for size, window in zip(shape[1:], kernel, strict=True)
    )
    if height < 1 or width < 1:
        raise ShapeError(
            f"{word}'s window {spell(kernel)} is larger than its input {spell(shape)}"
            f"{f' with pad {pad}' if pad else ''}: make it smaller"
        )
    return height, width
