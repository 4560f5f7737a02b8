"""What a network is to learn: samples, the loss where none is said, the usual rates."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gradbook.arguments import numbers, settle
from gradbook.layers import Loss


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
