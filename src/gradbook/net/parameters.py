"""The parameters of layers: their kinds and shapes, how biases are shared, how all are numbered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import prod

from gradbook.arguments import one_of
from gradbook.graph.window import Shape


class Bias(StrEnum):
    """How a layer's sums are shifted. A fixed bias keeps its start value."""

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
    """The kinds of parameter, and the letter that names their elements: w1, b1, γ1, β1."""

    WEIGHT = "w"
    BIAS = "b"
    SCALE = "γ"
    SHIFT = "β"


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter tensor that a layer owns; `fans` are its inputs and outputs per sum."""

    role: Role
    shape: Shape
    fans: tuple[int, int] = (1, 1)
    fixed: bool = False


def a_bias(bias: object) -> Bias:
    return Bias(one_of("bias", bias, Bias))


def bias_specs(bias: Bias, width: int) -> tuple[ParameterSpec, ...]:
    if bias is Bias.NONE:
        return ()
    return (ParameterSpec(Role.BIAS, (1,) if bias.shared else (width,), fixed=bias.fixed),)


@dataclass(frozen=True, kw_only=True)
class Parameter(ParameterSpec):
    """The same in its network: whose it is, and how its elements are numbered."""

    layer: int
    first: int  # the number of its first element: w5 is the first of the output layer

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def names(self) -> list[str]:
        return [f"{self.role}{self.first + k}" for k in range(self.size)]
