"""Made-up cards, which nothing but themselves tells of.

A test that takes the fixture `toys` finds them in the registries, and texts may name them: `wavy`,
`pairnorm`, `loss toy error`. With the fixture `six_cards` those are what contributors added: two
activations, a loss, a normalisation, a layer with parameters of its own and a recurrent one, each
said in texts by its name: `bent identity`, `ramp 2`, `loss root error`, `l2norm`, `highway`,
`mgu 3`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from gradbook.graph.node import OPS, Node
from gradbook.graph.ops import sigmoid_of
from gradbook.graph.sequences import at_step
from gradbook.graph.tensors import spread, sum_last
from gradbook.graph.window import Shape
from gradbook.layers import (
    ACTIVATIONS,
    KINDS,
    LOSSES,
    ParameterSpec,
    Role,
    SampleNorm,
    StatementForm,
    activation,
    loss,
)
from gradbook.layers.card import Bias, Layer, LayerSite
from gradbook.layers.fields import NumberField
from gradbook.layers.norms import EPSILON, USUAL_EPSILON
from gradbook.layers.sequences import ALL, WIDTH, Recurrent, Steps
from gradbook.layers.sums import BIAS


def _wavy(x: Node) -> Node:
    make = x.graph.make
    gate = make("exp", -make("relu", -x)) ** 2
    wave = make("sin", x) * make("cos", x) * make("atan", x)
    return (1 - x) * make("tanh", 2 * x) / 4 + gate / 8 + wave / 8 + 0.5


def _wavy_slope(d: Node, y: Node, x: Node) -> tuple[Node]:
    make = x.graph.make
    t = make("tanh", 2 * x)
    gate = make("choose", x, 0, make("exp", 2 * x) / 4)
    sine, cosine = make("sin", x), make("cos", x)
    wave = (cosine**2 - sine**2) * make("atan", x) + sine * cosine / (1 + x**2)
    return (d * ((1 - x) * (1 - t**2) / 2 - t / 4 + gate + wave / 8),)


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


def _root(x: Node) -> Node:
    return x.graph.make("sqrt", x**2 + 1)


def _ramp(x: Node, slope: float, height: float) -> Node:
    make, steep = x.graph.make, slope * x
    return make("relu", steep + height) - make("relu", steep - height) - height


def _ramp_slope(d: Node, y: Node, x: Node) -> tuple[Node]:
    make, (slope, height) = x.graph.make, y.attributes
    steep = slope * x  # of which y is rounded where it is cut off
    inside = make("choose", steep + height, 1, 0)
    return (d * slope * make("choose", height - steep, inside, 0),)


@dataclass(frozen=True)
class UnitNorm(Layer):
    """All values of a sample over the root of the sum of their squares."""

    word: ClassVar[str] = "l2norm"
    letter: ClassVar[str] = "u"
    forms: ClassVar[tuple[StatementForm, ...]] = (StatementForm("l2norm", (), ("over size",)),)

    def ops(self, site: LayerSite, given: Sequence[Node], parameters: Sequence[Node]) -> Node:
        (x,) = given
        size = site.make("sqrt", sum_last(x**2, len(x.shape)) + 1e-6)
        return x / spread(size, x.shape)


@dataclass(frozen=True)
class Highway(Layer):
    """Of each value a share that a gate takes of new ones, and what is left of itself."""

    word: ClassVar[str] = "highway"
    letter: ClassVar[str] = "hw"
    sums: ClassVar[bool] = True
    reads_all: ClassVar[bool] = True
    forms: ClassVar[tuple[StatementForm, ...]] = (StatementForm("highway", (), ("gated",)),)

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        square, fans = (*shape, *shape), (*shape, *shape)
        return tuple(
            spec
            for part in ("new", "gate")
            for spec in (
                ParameterSpec(Role.WEIGHT, square, fans, part=part),
                ParameterSpec(Role.BIAS, shape, part=part),
            )
        )

    def ops(self, site: LayerSite, given: Sequence[Node], parameters: Sequence[Node]) -> Node:
        (x,), (new, bias, gate, shift) = given, parameters
        made = site.make("tanh", site.make("linear", new, x) + bias)
        share = site.make("sigmoid", site.make("linear", gate, x) + shift)
        return share * made + (1 - share) * x


@dataclass(frozen=True)
class MinimalGate(Recurrent):
    """A gate says how much of the state before is forgotten, and how much of it the new one sees
    (Zhou et al., 2016)."""

    width: int
    all: bool = False
    bias: Bias = Bias.EACH
    word: ClassVar[str] = "mgu"
    gates: ClassVar[tuple[str, ...]] = ("forget", "new")
    inner_words: ClassVar[Mapping[str, str]] = {
        "h_forget": "the weighted sum of the gate",
        "a_forget": "the gate: how much of the state before is forgotten",
        "h_new": "the weighted sum of what is new",
        "a_new": "what is new",
        **Recurrent.inner_words,
    }
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm("mgu", (WIDTH, ALL, BIAS), ("the same with one gate",)),
    )

    def states(self, steps: Steps) -> list[Node]:
        states: list[Node] = []
        for step in range(steps.count):
            before = states[-1] if states else None
            gate = steps.name(sigmoid_of(steps.sum("forget", before, step)), "a", "forget", step)
            total = at_step(steps.fed["new"], step)
            if before is not None:
                total += steps.fed_back("new", gate * before, step)
            total = steps.name(total, "h", "new", step)
            new = steps.name(steps.site.make("tanh", total), "a", "new", step)
            state = gate * new if before is None else (1 - gate) * before + gate * new
            states.append(steps.name(state, "a", "state", step))
        return states


def _forget(monkeypatch: pytest.MonkeyPatch, *entries: tuple[dict[str, Any], str]) -> None:
    """Take these out of registries now, and again after the test."""
    for registry, name in entries:
        monkeypatch.setitem(registry, name, None)
        del registry[name]


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    names = (OPS, "wavy"), (OPS, "toy_error"), (ACTIVATIONS, "wavy"), (LOSSES, "toy error")
    _forget(monkeypatch, *names)
    activation(
        "wavy",
        "each, bent somehow",
        "(1 − x)·tanh(2·x)/4 + min(1, e^2x)/8 + sin(x)·cos(x)·atan(x)/8 + ½",
        lambda x: (
            (1 - x) * np.tanh(2 * x) / 4
            + np.exp(2 * np.minimum(x, 0)) / 8
            + np.sin(x) * np.cos(x) * np.arctan(x) / 8
            + 0.5
        ),
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


@pytest.fixture
def six_cards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from gradbook.net.names import OWNERS
    from gradbook.report.play_page import LETTERS

    bends = [(known, name) for name in ("bent identity", "ramp") for known in (OPS, ACTIVATIONS)]
    _forget(
        monkeypatch,
        *((known, name.replace(" ", "_") if known is OPS else name) for known, name in bends),
        *((OPS, "root_error"), (LOSSES, "root error")),
    )
    activation(
        "bent identity",
        "each, and half of what its root is beyond 1",
        "x + (√(x² + 1) − 1)/2",
        lambda x: x + (np.sqrt(x**2 + 1) - 1) / 2,
        rises_from=-np.inf,
        derivative=lambda d, y, x: (d * (1 + x / (2 * _root(x))),),
        expansion=lambda x: x + (_root(x) - 1) / 2,
    )
    activation(
        "ramp",
        "each times {slope}, and from −{height} to {height}",
        "SLOPE·x, from −HEIGHT to HEIGHT",
        lambda x, slope, height: np.clip(slope * x, -height, height),
        fields=(
            NumberField("slope", "SLOPE", usual=0.01, label="the slope", always=True),
            NumberField("height", "HEIGHT", usual=1, label="the height"),
        ),
        derivative=_ramp_slope,
        expansion=_ramp,
    )
    loss(
        "root error",
        "√((t − a)² + 1) − 1",
        "root_error",
        lambda t, a: np.sqrt((t - a) ** 2 + 1) - 1,
        derivative=lambda d, y, t, a: (d * (t - a) / (y + 1), d * (a - t) / (y + 1)),
        expansion=lambda t, a: _root(t - a) - 1,
    )
    added: list[type[Layer]] = [UnitNorm, Highway, MinimalGate]
    KINDS.extend(added)
    for kind in added[1:]:
        monkeypatch.setitem(OWNERS, kind.word, kind)
    for kind in added:
        monkeypatch.setitem(LETTERS, kind.letter, None)
    yield
    for kind in added:
        KINDS.remove(kind)
