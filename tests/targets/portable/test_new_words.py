"""Activations, a normalisation and a loss that portable C knows by their cards alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
import pytest

from gradbook.errors import TargetError
from gradbook.graph.node import OPS
from gradbook.graph.tensors import spread_channels, sum_channels
from gradbook.graph.window import Window
from gradbook.lab.models.model import Model
from gradbook.layers import ACTIVATIONS, KINDS, ParameterSpec, Role, StatementForm, activation
from gradbook.layers.card import Layer
from gradbook.layers.fields import NumberField
from gradbook.targets.portable.c_file import c_file
from gradbook.targets.portable.makers import row_makers
from gradbook.targets.portable.reckoning import maps_of
from gradbook.targets.portable.whole_makers import quantise
from tests.targets.portable.compiled import called
from tests.targets.portable.test_whole_numbers import both, pictures
from tests.toys import PairNorm
from tests.trained import model_of

pytestmark = [pytest.mark.witness("cc"), pytest.mark.usefixtures("toys")]
LAYERS = (
    "conv 4 3x3 pad 1; pairnorm; swell 0.5; maxpool 2; conv 4 3x3; wavy; avgpool 2; flatten; "
    "dense 3; sigmoid"
)


@pytest.fixture(autouse=True)
def known(monkeypatch):
    for registry, name in product((ACTIVATIONS, OPS), ("swell", "steps")):
        monkeypatch.setitem(registry, name, None)
        del registry[name]
    activation(
        "swell",
        "each, bent by {slope:g} of its square",
        "x + SLOPE·x² / √(1 + x²) · e^−ln(2)",
        lambda x, slope: x + slope * x**2 / np.sqrt(1 + x**2) * np.exp(-np.log(2)),
        fields=(NumberField("slope", "SLOPE", usual=0.01, label="the slope"),),
        derivative=lambda d, y, x: (d,),
        expansion=lambda x, slope: (
            x
            + slope
            * x**2
            / x.graph.make("sqrt", 1 + x**2)
            * x.graph.make("exp", -x.graph.make("log", x.graph.constant(2)))
        ),
    )
    activation("steps", "each, rounded down", "⌊x⌋", np.floor, derivative=lambda d, y, x: (d,))


def a_model(layers: str = LAYERS) -> Model:
    return model_of(f"input 1x9x8; {layers}; loss toy error")


def images(model: Model, count: int = 20) -> np.ndarray:
    random = np.random.default_rng(3)
    return random.integers(0, 256, (count, *model.net.input), np.uint8)


def test_floats_say_it_step_by_step():
    model = a_model()
    text = c_file(model.trained(), "net", None).text
    assert re.search(r"case \d: \{\n +const float t1 = x \* x;", text)
    _, found = called(text, "net", images(model), 3)
    np.testing.assert_allclose(found, model.predict(images(model)), atol=2e-6)


def test_whole_numbers_look_it_up():
    model = a_model()
    whole = quantise(model.trained(), images(model))
    text = c_file(model.trained(), "net", whole).text
    _, scores = called(text, "net", images(model), 3, np.int32)
    np.testing.assert_array_equal(scores, whole.scores(images(model)))
    assert "static const int8_t bends[512]" in text


def test_what_nothing_says_is_refused_in_one_line():
    model = a_model("flatten; dense 3; steps; dense 2; softmax")
    with pytest.raises(TargetError, match=r"^steps1: C can't write steps, .*: use another"):
        c_file(model.trained(), "net", None)
    quantise(model.trained(), images(model))  # which looks it up


def test_a_last_one_that_may_fall_has_no_whole_numbers():
    model = a_model("flatten; dense 3; swell")
    with pytest.raises(
        TargetError, match="^'swell' as the last layer .*: end the network in a softmax$"
    ):
        quantise(model.trained(), images(model))


def test_a_normalisation_over_other_groups_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(PairNorm, "members", lambda self, shape: np.eye(2)[:, ::-1])
    model = a_model("conv 4 3x3; pairnorm; flatten; dense 3; softmax")
    with pytest.raises(
        TargetError, match=r"^pairnorm1 can.t be written in C, .*: use another layer$"
    ):
        c_file(model.trained(), "net", None)


# Layers of their own ops ------------------------------------------------------------


@dataclass(frozen=True)
class Gated(Layer):
    """Each value times how much a sum of its place lets through, and half of itself."""

    word: ClassVar[str] = "gated"
    letter: ClassVar[str] = "g"
    forms: ClassVar[tuple[StatementForm, ...]] = (StatementForm("gated", (), ("gated",)),)

    def parameters(self, shape):
        return (ParameterSpec(Role.WEIGHT, (*shape[:1], *shape[:1], 1, 1), (shape[0], shape[0])),)

    def ops(self, site, inputs, parameters):
        (x,) = inputs
        sums = site.make("conv", parameters[0], x, attributes=(Window((1, 1)), 1))
        return site.make("sigmoid", sums) * x + x * 0.5


@dataclass(frozen=True)
class Mixed(Layer):
    """Ops of every kind: each value over the size of its place, looked up, chosen, shared out."""

    word: ClassVar[str] = "mixed"
    letter: ClassVar[str] = "m"
    forms: ClassVar[tuple[StatementForm, ...]] = (StatementForm("mixed", (), ("mixed",)),)

    def ops(self, site, inputs, parameters):
        (x,), make = inputs, site.make
        y = x / spread_channels(make("sqrt", sum_channels(x**2) + 1e-4), x.shape[0])
        looked_up = make("softplus", y * 3) + make("normal_share", y) - make("log", 2 + y)
        chosen = make("choose", y, y**3, -y) + make("largest", y, 0.2 * y, x.graph.constant(0.1))
        powers = make("exp", looked_up + chosen)
        return powers / spread_channels(sum_channels(powers), x.shape[0])


@dataclass(frozen=True)
class Ranked(Layer):
    """What no whole number says."""

    word: ClassVar[str] = "ranked"
    letter: ClassVar[str] = "r"
    forms: ClassVar[tuple[StatementForm, ...]] = (StatementForm("ranked", (), ("in order",)),)

    def ops(self, site, inputs, parameters):
        return site.make("winners", inputs[0], attributes=(Window((1, 1)),))


@pytest.fixture
def own_ops():
    KINDS.extend([Gated, Mixed, Ranked])
    yield
    del KINDS[-3:]


@pytest.mark.usefixtures("own_ops")
@pytest.mark.parametrize(
    "text",
    [
        "input 1x9x8; conv 4 3x3; gated; mixed; conv 5 3x3; relu; gated; flatten; dense 3; softmax",
        "input 12x4; conv1d 4 3; gated; mixed; gru 4; dense 3; softmax",
    ],
)
def test_layers_of_their_own_ops_are_said_in_floats_and_in_whole_numbers(text):
    model = model_of(text, images=(1, 12, 4))
    given = pictures(model, 40)
    _, found = called(c_file(model.trained(), "net", None).text, "net", given, 3)
    np.testing.assert_allclose(found, model.predict(given), atol=2e-6)
    images, scores, classes = both(model, 40)
    exact = maps_of(row_makers(model.trained()), images)[-1].reshape(len(images), -1)
    assert (scores - exact).std() < 0.05 * exact.std()
    assert (classes == model.classify(images)).mean() >= 0.95


@pytest.mark.usefixtures("six_cards", "own_ops")
def test_an_op_without_words_and_sums_over_places_are_refused_in_one_line():
    model = model_of("input 1x5x4; conv 2 3x3; ranked; flatten; dense 3; softmax")
    said = "^ranked1 can't be written with --int8, which has no words for winners: leave out --int8"
    with pytest.raises(TargetError, match=said):
        quantise(model.trained(), images(model))
    model = model_of("input 1x5x4; conv 2 3x3; l2norm; flatten; dense 3; softmax")
    with pytest.raises(TargetError, match="^l2norm1 can't be written in C, .*: put 'flatten'"):
        c_file(model.trained(), "net", None)
