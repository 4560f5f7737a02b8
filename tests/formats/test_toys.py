"""Other programs' formats say a made-up normalisation and activation, or that they can't."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from gradbook.errors import TargetError
from gradbook.formats.keras.write import keras_bytes
from gradbook.formats.onnx.write import onnx_bytes
from gradbook.layers import KINDS, StatementForm
from gradbook.layers.card import Layer
from gradbook.layers.norms import EPSILON
from gradbook.net import parse
from tests.formats.keras import test_writer as keras_writer
from tests.formats.onnx import test_writer as onnx_writer
from tests.formats.torch.test_module import module_of
from tests.toys import PairNorm
from tests.trained import by_the_graph, drawn, trained_of

pytestmark = pytest.mark.usefixtures("toys")
NET = "input 1x6x6; conv 4 3x3; pairnorm; wavy; flatten; dense 4; pairnorm epsilon 0.1; dense 2"


def given() -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (5, 1, 6, 6)).astype(np.float32)


def expected() -> np.ndarray:
    return by_the_graph(parse(NET), drawn(parse(NET)), given())


@pytest.mark.witness("onnx", "onnxruntime")
def test_onnx_says_them():
    content = onnx_bytes(trained_of(parse(NET)))
    np.testing.assert_allclose(onnx_writer.said(content, given()), expected(), atol=1e-5)


@pytest.mark.witness("keras", "torch")
def test_keras_says_them():
    found = keras_writer.said(keras_bytes(trained_of(parse(NET))), keras_writer.last(given()))
    np.testing.assert_allclose(found, expected(), atol=1e-5)


@pytest.mark.witness("torch")
def test_pytorch_says_them():
    import torch

    found = module_of(trained_of(parse(NET)))(torch.tensor(given())).detach().numpy()
    np.testing.assert_allclose(found, expected(), atol=1e-5)


@dataclass(frozen=True)
class StripeNorm(PairNorm):
    """Over every other channel of a pair, which no other program has."""

    word: ClassVar[str] = "stripenorm"
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm("stripenorm", (EPSILON,), ("over every other value",)),
    )

    def members(self, shape):
        return super().members(shape)[:, ::-1]


@pytest.mark.witness("keras")
@pytest.mark.parametrize("write", [keras_bytes])
def test_a_normalisation_over_other_groups_is_refused_in_one_line(write, monkeypatch):
    monkeypatch.setattr("gradbook.layers.KINDS", [*KINDS, StripeNorm])
    net = parse("input 1x6x6; conv 4 3x3; stripenorm; flatten; dense 2")
    with pytest.raises(
        TargetError,
        match=r"stripenorm1 can't be written as .*: use another layer$",
    ):
        write(trained_of(net))


@dataclass(frozen=True)
class Unknown(Layer):
    """A layer that another package adds."""

    word: ClassVar[str] = "mystery"


@pytest.mark.witness("keras")
def test_keras_names_the_layer_that_it_has_no_word_for():
    trained = trained_of(parse("input 4; dense 4; tanh; dense 2"))
    first, bend, *others = trained.layers
    unknown = replace(trained, layers=(first, replace(bend, layer=Unknown()), *others))
    with pytest.raises(TargetError, match=r"^tanh1: gradbook can't write mystery for Keras: use"):
        keras_bytes(unknown)
