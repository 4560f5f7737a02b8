"""A made-up activation, normalisation and loss, which nothing but their cards tells of.

A test that takes the fixture `toys` finds them in the registries, and texts may name them: `wavy`,
`pairnorm`, `loss toy error`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from gradbook.graph.node import OPS, Node
from gradbook.graph.window import Shape
from gradbook.layers import ACTIVATIONS, KINDS, LOSSES, SampleNorm, StatementForm, activation, loss
from gradbook.layers.norms import EPSILON, USUAL_EPSILON


def _wavy(x: Node) -> Node:
    gate = x.graph.make("exp", -x.graph.make("relu", -x)) ** 2
    return (1 - x) * x.graph.make("tanh", 2 * x) / 4 + gate / 8 + 0.5


def _wavy_slope(d: Node, y: Node, x: Node) -> tuple[Node]:
    make = x.graph.make
    t = make("tanh", 2 * x)
    gate = make("choose", x, 0, make("exp", 2 * x) / 4)
    return (d * ((1 - x) * (1 - t**2) / 2 - t / 4 + gate),)


@dataclass(frozen=True)
class PairNorm(SampleNorm):
    """Over each pair of channels."""

    epsilon: float = USUAL_EPSILON
    word: ClassVar[str] = "pairnorm"
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm("pairnorm", (EPSILON,), ("over each pair of channels",)),
    )

    def groups_in(self, shape: Shape) -> int:
        return shape[0] // 2

    def words(self, shape: Shape) -> str:
        return "each centred and scaled over its pair of channels"


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    registries: list[tuple[dict[str, Any], str]] = [
        (OPS, "wavy"),
        (OPS, "toy_error"),
        (ACTIVATIONS, "wavy"),
        (LOSSES, "toy error"),
    ]
    for registry, name in registries:
        monkeypatch.setitem(registry, name, None)
        del registry[name]
    activation(
        "wavy",
        "each, bent somehow",
        "(1 − x)·tanh(2·x)/4 + min(1, e^2x)/8 + ½",
        lambda x: (1 - x) * np.tanh(2 * x) / 4 + np.exp(2 * np.minimum(x, 0)) / 8 + 0.5,
        derivative=_wavy_slope,
        expansion=_wavy,
    )
    loss(
        "toy error",
        "¼(t − a)² + (t − a)",
        "toy_error",
        lambda t, a: (t - a) ** 2 / 4 + (t - a),
        derivative=lambda d, y, t, a: (d * ((t - a) / 2 + 1), d * ((a - t) / 2 - 1)),
        expansion=lambda t, a: (t - a) ** 2 / 4 + (t - a),
    )
    KINDS.append(PairNorm)
    yield
    KINDS.remove(PairNorm)
