"""Activations that other programs wrote in several steps, known by the numbers that these make.

GELU and SiLU are written in as many ways as there are writers, with products and constants in any
order; the numbers are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradbook.graph.node import OPS, Array
from gradbook.layers.activations import ACTIVATIONS, Activation

PLACES = np.linspace(-8, 8, 401)
CLOSE = 1e-5  # a fiftieth of what the two forms of GELU differ by
MOST_STEPS = 24


@dataclass(frozen=True, eq=False)
class ForeignStep:
    """A part of another program's graph: the names of what it reads and of what it makes."""

    source: Any  # as that program has it
    reads: tuple[str, ...]  # without constants
    made: str


@dataclass(frozen=True, eq=False)
class ActivationSteps:
    """An activation, and the steps that it is written with."""

    layer: Activation
    steps: tuple[ForeignStep, ...]


def activation_from(
    steps: Sequence[ForeignStep],
    value: str,
    outputs: Container[str],
    work_out: Callable[[ForeignStep, Mapping[str, Array]], Array | None],
) -> ActivationSteps | None:
    """The activation that begins at a value, if some steps after it come to one.

    `work_out` says what a step makes of a value's numbers, if it works on each alone. Of several
    activations it is the longest: x·σ(x) begins with a sigmoid, and is none.
    """
    longest: ActivationSteps | None = None
    numbers: dict[str, Array] = {value: PLACES}
    inside: list[ForeignStep] = []
    for step in steps:
        if not step.reads or not numbers.keys() >= {*step.reads} or len(inside) == MOST_STEPS:
            continue
        made = work_out(step, numbers)
        if made is None or made.shape != PLACES.shape:
            continue
        numbers[step.made] = made
        inside.append(step)
        layer = _activation_of(made)
        if layer is not None and _is_closed(steps, inside, outputs):
            longest = ActivationSteps(layer, tuple(inside))
    return longest


def _activation_of(made: Array) -> Activation | None:
    for layer in map(Activation, ACTIVATIONS):
        if layer.is_softmax or layer.idle:
            continue
        ours = OPS[layer.word].value(PLACES, *layer.settings)
        if np.allclose(made, ours, rtol=CLOSE, atol=CLOSE):
            return layer
    return None


def _is_closed(
    steps: Sequence[ForeignStep], inside: Sequence[ForeignStep], outputs: Container[str]
) -> bool:
    """Whether only what the last one makes is read elsewhere."""
    hidden = {step.made for step in inside[:-1]}
    outside = [step for step in steps if step not in inside]
    return not any(name in outputs for name in hidden) and not any(
        hidden & {*step.reads} for step in outside
    )
