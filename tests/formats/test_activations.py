"""An activation that no format knows is written as what it is made of, and read back by that."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.errors import TargetError
from gradbook.formats.keras.read import read_keras
from gradbook.formats.keras.write import keras_bytes
from gradbook.formats.onnx.read import read_onnx
from gradbook.formats.onnx.write import onnx_bytes
from gradbook.graph.node import OPS, Op
from gradbook.layers.activations import ACTIVATIONS, Activation, activation
from gradbook.lowering import OTHER_FORMAT, Vocabulary
from gradbook.net import Net
from tests.formats.keras import test_writer as keras_writer
from tests.formats.onnx import test_writer as onnx_writer
from tests.formats.torch.test_module import module_of
from tests.trained import by_the_graph, drawn, trained_of

TEXT = "input 1x6x6; conv 3 3x3; wavy; flatten; dense 3; wavy; dense 2; softmax"


def wavy(x):
    gate = x.graph.make("exp", -x.graph.make("relu", -x)) ** 2
    return (1 - x) * x.graph.make("tanh", 2 * x) / 4 + gate / 8 + 0.5


@pytest.fixture(autouse=True)
def known(monkeypatch):
    for registry in (OPS, ACTIVATIONS):
        monkeypatch.setitem(registry, "wavy", None)
        del registry["wavy"]
    activation(
        "wavy",
        "each, bent somehow",
        "a formula",
        lambda x: (1 - x) * np.tanh(2 * x) / 4 + np.exp(2 * np.minimum(x, 0)) / 8 + 0.5,
        expansion=wavy,
    )


def given() -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (5, 1, 6, 6)).astype(np.float32)


def expected(net: Net) -> np.ndarray:
    return by_the_graph(net, drawn(net), given())


@pytest.mark.witness("onnx", "onnxruntime")
def test_onnx_says_it(tmp_path):
    net = Net.parse(TEXT)
    content = onnx_bytes(trained_of(net))
    np.testing.assert_allclose(onnx_writer.said(content, given()), expected(net), atol=1e-5)
    (tmp_path / "net.onnx").write_bytes(content)
    assert read_onnx(tmp_path / "net.onnx").net.layers == net.layers


@pytest.mark.witness("keras", "torch")
def test_keras_says_it(tmp_path):
    net = Net.parse(TEXT)
    content = keras_bytes(trained_of(net))
    found = keras_writer.said(content, keras_writer.last(given()))
    np.testing.assert_allclose(found, expected(net), atol=1e-5)
    (tmp_path / "net.keras").write_bytes(content)
    assert read_keras(tmp_path / "net.keras").net.layers == net.layers


@pytest.mark.witness("torch")
def test_pytorch_says_it():
    import torch

    net = Net.parse(TEXT)
    found = module_of(trained_of(net))(torch.tensor(given())).detach().numpy()
    np.testing.assert_allclose(found, expected(net), atol=1e-5)


@pytest.mark.witness("onnx", "keras", "torch")
def test_what_cannot_be_said_is_told_in_one_line(monkeypatch):
    stepwise = Op("wavy", np.floor)  # which nothing is made of
    monkeypatch.setitem(OPS, "wavy", stepwise)
    with pytest.raises(TargetError, match="^wavy1: Keras has no words for wavy, .*take another"):
        Vocabulary("Keras", {"add"}, OTHER_FORMAT).steps(Activation("wavy"), "wavy1")
    for write in (onnx_bytes, keras_bytes):
        with pytest.raises(TargetError, match="^wavy1: "):
            write(trained_of(Net.parse(TEXT)))


def test_gelu_is_squares_where_a_language_has_no_powers():
    nodes = Vocabulary("any", {"add", "multiply", "tanh"}).steps(Activation("gelu"), "gelu1")
    assert {node.op.name for node in nodes} == {"leaf", "constant", "add", "multiply", "tanh"}
