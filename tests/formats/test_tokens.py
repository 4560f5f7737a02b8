"""Other programs give networks of tokens the tokens' numbers, as `predict` takes them."""

from __future__ import annotations

import os
import runpy
from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np
import pytest

from gradbook.data.tables import Column
from gradbook.formats.keras.read import read_keras
from gradbook.formats.keras.write import keras_bytes
from gradbook.formats.onnx.read import read_onnx
from gradbook.formats.onnx.write import onnx_bytes
from gradbook.lab.models.model import Model
from gradbook.lab.models.table_columns import TableColumns
from gradbook.net import Net
from tests.cases import for_each
from tests.targets.portable.compiled import called, streamed
from tests.trained import drawn

STEPS, TOKENS = 8, 5
NETWORKS = (  # after `input tokens 8 of 5`
    "embed 4; gru 3; dense 2; softmax",
    "embed 4; positions; attention heads 2 causal; add back 1; rmsnorm; lstm 3; dense 3",
    "gru 4; dense 1; sigmoid",
    "rnn 5 all; add back 1; flatten; dense 2; log softmax",
    "conv1d 3 3 pad 2x0; relu; maxpool1d 2; flatten; dense 2; softmax",
    "embed 4; abs; add back 1; flatten; dense 2; softmax",
)
TIED = "embed 4; tanh; unembed 5; gru 3; dense 2; softmax"  # C has no words for it


def model_of(layers: str, scaled: bool = False) -> Model:
    """A model of tokens; `scaled` as one is that was trained on rows of 0s and 1s."""
    net = Net.parse(f"input tokens {STEPS} of {TOKENS}; {layers}")
    size = prod(net.input)
    words = tuple("abc"[: max(net.outputs, 2)])
    columns = tuple(Column(f"x{number}") for number in range(1, size + 1))
    random = np.random.default_rng(2)
    mean = np.tile(random.uniform(0, 0.5, TOKENS), STEPS) if scaled else np.zeros(size)
    deviation = np.tile(random.uniform(0.3, 2, TOKENS), STEPS) if scaled else np.ones(size)
    table = TableColumns(columns, Column("kind", words), by_place=True)
    return Model(net, drawn(net), mean, deviation, words, columns=table)


ROWS = np.random.default_rng(0).integers(0, TOKENS, (12, STEPS))


def by_numpy(model: Model, folder: Path, rows: np.ndarray) -> np.ndarray:
    model.export(folder / "net.numpy.py")
    return np.asarray(runpy.run_path(str(folder / "net.numpy.py"))["predict"](rows))


def by_torch(model: Model, folder: Path, rows: np.ndarray) -> np.ndarray:
    model.export(folder / "net.py")
    program = runpy.run_path(str(folder / "net.py"))
    return np.asarray(program["probabilities"](program["load"](), rows))


def by_onnx(model: Model, folder: Path, rows: np.ndarray) -> np.ndarray:
    import onnxruntime

    content = onnx_bytes(model.trained(), with_preparation=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(content, options)
    (given,) = session.get_inputs()
    assert (given.name, given.type, given.shape) == ("tokens", "tensor(int64)", ["N", STEPS])
    return np.asarray(session.run(None, {given.name: rows})[0])


def by_keras(model: Model, folder: Path, rows: np.ndarray) -> np.ndarray:
    os.environ.update(KERAS_BACKEND="torch", KERAS_HOME=str(folder))
    import keras

    model.export(folder / "net.keras", with_preparation=True)
    network = keras.models.load_model(folder / "net.keras")
    assert (network.input.dtype, network.input.shape) == ("int32", (None, STEPS))
    return np.asarray(network(rows, training=False).detach())


def by_c(model: Model, folder: Path, rows: np.ndarray) -> np.ndarray:
    model.export(folder / "net.c")
    text = (folder / "net.c").read_text("utf-8")
    assert f"Input: a row of {STEPS} tokens, from 0 to {TOKENS - 1}." in text
    return called(text, "net", rows.astype(np.uint8), len(model.classes))[1]


WITNESSES: dict[Callable[..., np.ndarray], tuple[str, ...]] = {
    by_numpy: (),
    by_torch: ("torch",),
    by_onnx: ("onnx", "onnxruntime"),
    by_keras: ("keras", "torch"),
    by_c: (),
}
EVERY = [
    pytest.param(by, id=by.__name__.removeprefix("by_"), marks=pytest.mark.witness(*needs))
    for by, needs in WITNESSES.items()
]


@pytest.mark.parametrize("by", EVERY)
@for_each("layers", [*NETWORKS, TIED])
def test_they_answer_the_numbers_of_tokens_as_the_model_does(by, layers, tmp_path):
    if by is by_c and layers == TIED:
        return
    for scaled in (False, True):
        model = model_of(layers, scaled)
        np.testing.assert_allclose(by(model, tmp_path, ROWS), model.predict(ROWS), atol=1e-5)


@pytest.mark.parametrize("by", EVERY[:2])
@for_each(
    ("rows", "said"),
    [
        (np.eye(TOKENS)[ROWS], r"the tokens are \(12, 8, 5\), not \(rows, 8\)"),
        (np.eye(TOKENS)[ROWS].reshape(12, -1), r"the tokens are \(12, 40\), not \(rows, 8\)"),
        (ROWS + 1, "tokens are whole numbers from 0 to 4"),
        (ROWS - 1, "tokens are whole numbers from 0 to 4"),
        (ROWS / 2, "tokens are whole numbers from 0 to 4"),
    ],
)
def test_what_are_no_tokens_is_refused(by, rows, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        by(model_of(NETWORKS[0]), tmp_path, rows)


@pytest.mark.witness("onnx", "onnxruntime")
@for_each("layers", NETWORKS[::2])
def test_onnxruntime_refuses_other_tokens(layers, tmp_path):
    with pytest.raises(Exception, match="indices element out of data bounds"):
        by_onnx(model_of(layers), tmp_path, ROWS + 1)


@pytest.mark.witness("onnx", "keras")
@for_each(("write", "read"), [(onnx_bytes, read_onnx), (keras_bytes, read_keras)])
@for_each("prepares", [False, True])
def test_their_files_come_back(prepares, write, read, tmp_path):
    for layers in (*NETWORKS, TIED):
        trained = model_of(layers).trained()
        (tmp_path / "net").write_bytes(write(trained, with_preparation=prepares))
        net = read(tmp_path / "net").net
        assert net.tokens
        assert net.input == trained.net.input
        assert net.layers[: len(trained.net.layers)] == trained.net.layers  # perhaps a softmax more


def test_a_step_in_c_takes_the_number_of_a_token(tmp_path):
    model = model_of(NETWORKS[0])
    model.export(tmp_path / "net.c")
    text = (tmp_path / "net.c").read_text("utf-8")
    images = streamed(text, ROWS[0].astype(np.uint8)[:, None], 2)
    np.testing.assert_allclose(images[-1], model.predict(ROWS[:1])[0], atol=1e-5)
