"""Activations, a normalisation and a loss that portable C knows by their cards alone."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest

from gradbook.errors import TargetError
from gradbook.graph.node import OPS
from gradbook.lab.models.model import Model
from gradbook.layers import ACTIVATIONS, activation
from gradbook.layers.activations import USUAL_SLOPE
from gradbook.layers.fields import NumberField
from gradbook.targets.portable.c_file import c_file
from gradbook.targets.portable.whole_makers import quantise
from tests.targets.portable.compiled import called
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
        fields=(NumberField("slope", "SLOPE", usual=USUAL_SLOPE, label="the slope"),),
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
