"""What can't be imported is told with its place and with what to do instead."""

from __future__ import annotations

import warnings

import pytest

import gradbook as gb
from gradbook.errors import GradbookError


def test_modules_of_pytorch():
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class Module(nn.Module):
        def __init__(self, work):
            super().__init__()
            self.conv, self.dense, self.work = nn.Conv2d(1, 4, 3), nn.Linear(4, 3), work

        def forward(self, *given):
            return self.work(self, *given)

    image, row = torch.zeros(1, 1, 4, 4), torch.zeros(1, 4)
    turned = Module(lambda own, x: own.conv(x) / own.conv(x).exp())
    cases = [
        (turned, image, "exp 'exp': gradbook has no such layer"),
        (Module(lambda own, x: (own.dense(x), x)), row, "2 outputs, .*forward returns a single"),
        (
            Module(lambda own, x, y: own.dense(x) + y[:, :3]),
            (row, row),
            "2 inputs, .*forward takes",
        ),
        (nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)), torch.zeros(2, 4), "call module.eval"),
    ]
    for module, example, said in cases:
        module.train("eval" in said)
        with pytest.raises(GradbookError, match=said):
            gb.from_torch(module, example)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
def test_models_of_keras(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    keras = pytest.importorskip("keras")
    layers = keras.layers
    inputs = keras.Input((4,), name="given")
    dense = layers.Dense(3, name="sums")(inputs)
    constant = layers.Add(name="plus")([dense, keras.ops.ones((1, 3))])
    cases = [
        (keras.Model(inputs, [dense, dense], name="two"), "two: it has 2 outputs: .*keras.Model"),
        (
            keras.Model(inputs, constant, name="one"),
            "one: .*.plus.: it is called with a value that no",
        ),
        (
            keras.Model(inputs, layers.UnitNormalization(name="unit")(dense), name="far"),
            "far: .*unit",
        ),
        (3, "int: Keras can't save it .*: give a built model"),
    ]
    for model, said in cases:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", gb.Assumption)
            with pytest.raises(GradbookError, match=said) as caught:
                gb.from_keras(model)
        assert "model.keras" not in str(caught.value)
