"""What a network is to learn, and how: loss, samples, update rule, usual learning rates."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

from gradbook.arguments import number, numbers, one_of, settle
from gradbook.errors import UsageError

MOMENTUM_RANGE = "momentum lies from 0 to below 1, not {value!r}"
BETAS_RANGE = "adam's betas are two numbers from 0 to below 1, not {value}"
EPSILON_RANGE = "adam's epsilon lies between 0 and 1, not {value!r}"


class Loss(StrEnum):
    """How far outputs are from targets. Each is averaged over the samples."""

    HALF_SQUARED = "half squared error"  # ½(t−a)², summed over the outputs
    SQUARED = "mean squared error"  # (t−a)², averaged over the outputs
    ABSOLUTE = "mean absolute error"  # |t−a|, averaged over the outputs
    BINARY = "binary cross-entropy"  # −t·ln a − (1−t)·ln(1−a), averaged over the outputs
    CROSS = "cross-entropy"  # −Σ t·ln a, for classes

    @property
    def ending(self) -> str:
        """The activation whose probabilities it measures, by what that was given."""
        return {Loss.BINARY: "sigmoid", Loss.CROSS: "softmax"}.get(self, "")

    @property
    def op(self) -> str:
        """Of targets and outputs, or of what the ending activation was given."""
        return OPS_OF_LOSSES[self]

    @property
    def summed(self) -> bool:
        """Whether it adds up the outputs' errors; else it is their average."""
        return self is Loss.HALF_SQUARED

    @property
    def of_all(self) -> bool:
        """Whether its op takes all outputs at once."""
        return self is Loss.CROSS

    @property
    def is_entropy(self) -> bool:
        """Whether it measures probabilities by their logarithms."""
        return self in (Loss.BINARY, Loss.CROSS)


OPS_OF_LOSSES = {
    Loss.HALF_SQUARED: "half_square",
    Loss.SQUARED: "square",
    Loss.ABSOLUTE: "absolute_error",
    Loss.BINARY: "binary_cross_entropy",
    Loss.CROSS: "cross_entropy",
}
HALF_SURE = 0.5  # from here up an output that stands alone says class 1, below it class 0


class Task(StrEnum):
    """What a network is to say of its inputs."""

    SAMPLES = "the targets of its own samples"
    CLASSES = "classes"
    NUMBERS = "numbers"


def meant_loss(ending: str, task: Task) -> Loss:
    """The loss of a network that says none, by the activation that it ends in.

    A sigmoid is sure of a class where classes are learned. With samples of its own it is the
    textbooks' exercise, whose error is half the square.
    """
    if task is Task.NUMBERS:
        return Loss.SQUARED
    if ending.endswith("softmax"):
        return Loss.CROSS
    return Loss.BINARY if (ending, task) == ("sigmoid", Task.CLASSES) else Loss.HALF_SQUARED


@dataclass(frozen=True)
class Update:
    """How a gradient changes its weight; the numbers are the rule's own, the rate is the net's."""

    kind: str = "descent"  # descent | momentum | adam | adamw
    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    nesterov: bool = False  # momentum that looks one step ahead

    def __post_init__(self) -> None:
        one_of("update", self.kind, USUAL_RATES)
        settle(
            self,
            momentum=number("momentum", self.momentum),
            betas=numbers("adam's beta", self.betas),
            epsilon=number("adam's epsilon", self.epsilon),
            nesterov=bool(self.nesterov),
        )
        if not 0 <= self.momentum < 1:
            raise UsageError(MOMENTUM_RANGE.format(value=self.momentum))
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise UsageError(BETAS_RANGE.format(value=self.betas))
        if not 0 < self.epsilon < 1:
            raise UsageError(EPSILON_RANGE.format(value=self.epsilon))
        for setting in fields(self)[1:]:
            if setting.name not in OWN_SETTINGS[self.kind]:
                settle(self, **{setting.name: setting.default})


USUAL_RATES = {"descent": 1.0, "momentum": 0.1, "adam": 0.01, "adamw": 0.01}
OWN_SETTINGS = {
    "descent": (),
    "momentum": ("momentum", "nesterov"),
    "adam": ("betas", "epsilon"),
    "adamw": ("betas", "epsilon"),
}
ADAMW_DECAY = 0.01  # of the weights, where nothing is said
DESCENT = Update()


@dataclass(frozen=True)
class Sample:
    """One example: the inputs, laid out flat, and the outputs wanted for them."""

    inputs: tuple[float, ...]
    targets: tuple[float, ...]

    def __post_init__(self) -> None:
        settle(self, inputs=numbers("input", self.inputs), targets=numbers("target", self.targets))


GENTLE = (0.05, 0.1, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0, 2.0)  # the ones people show
VIOLENT = (10.0, 100.0, 1000.0, 10000.0)  # where a sigmoid leaps, or dies
DEFAULT_RATES = GENTLE + VIOLENT


def split(rates: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The gentle and the violent among these rates, for a chart of each."""
    gentle = tuple(rate for rate in rates if rate < VIOLENT[0])
    return gentle, tuple(rate for rate in rates if rate >= VIOLENT[0])
