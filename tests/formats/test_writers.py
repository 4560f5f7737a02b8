"""What onnxruntime, Keras and PyTorch make of networks that were written for them."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
import pytest

from gradbook.data.sources import load
from gradbook.errors import TargetError
from gradbook.files import as_bytes
from gradbook.formats.keras.read import read_keras
from gradbook.formats.keras.write import keras_bytes
from gradbook.formats.numpy.program import numpy_files
from gradbook.formats.onnx.read import read_onnx
from gradbook.formats.onnx.write import onnx_bytes
from gradbook.formats.torch.write import module_source
from gradbook.graph.window import Window
from gradbook.layers import ACTIVATIONS, KINDS, ParameterSpec, Role, StatementForm
from gradbook.layers.card import Layer
from gradbook.layers.norms import EPSILON
from gradbook.net import parse
from gradbook.net.trained import TrainedNet, trained_net
from tests.cases import for_each
from tests.formats.keras import test_writer as keras_writer
from tests.formats.onnx import test_writer as onnx_writer
from tests.formats.torch.test_module import module_of
from tests.toys import Highway, PairNorm, UnitNorm
from tests.trained import (
    by_the_graph,
    drawn,
    model_of,
    sequences_model_of,
    table_model_of,
    trained_of,
    with_ranges,
)


def by_onnx(trained: TrainedNet, given: np.ndarray, prepares: bool = False) -> np.ndarray:
    grey = prepares and trained.reads_bytes and given.shape[1] == 1
    content = onnx_bytes(trained, with_preparation=prepares)
    return onnx_writer.said(content, given[:, 0] if grey else given)


def by_keras(trained: TrainedNet, given: np.ndarray, prepares: bool = False) -> np.ndarray:
    return keras_writer.said(keras_bytes(trained, prepares), keras_writer.last(given))


def by_torch(trained: TrainedNet, given: np.ndarray) -> np.ndarray:
    import torch

    if trained.net.tokens:  # whose numbers the file's `prepare` turns into rows
        given = np.eye(trained.net.input[1], dtype=np.float32)[given]
    return module_of(trained)(torch.tensor(given)).detach().numpy()


def by_numpy(trained: TrainedNet, given: np.ndarray) -> np.ndarray:
    with TemporaryDirectory() as folder:
        for ending, content in numpy_files(trained, "net").items():
            (Path(folder) / f"net{ending}").write_bytes(as_bytes(content))
        with np.errstate(all="ignore"):  # as its predict does
            return runpy.run_path(str(Path(folder) / "net.numpy.py"))["network"](given)


WITNESSES = {
    "numpy": (),
    "onnx": ("onnx", "onnxruntime"),
    "keras": ("keras", "torch"),
    "torch": ("torch",),
}


def by(writers: dict[str, Callable[..., np.ndarray]]) -> pytest.MarkDecorator:
    """Parametrised by each of these, with the witnesses that it needs."""
    cases = [
        pytest.param(write, id=name, marks=pytest.mark.witness(*WITNESSES[name]))
        for name, write in writers.items()
    ]
    return pytest.mark.parametrize("by", cases)


FILES = {"onnx": by_onnx, "keras": by_keras}  # which can prepare what comes in
ALL = {**FILES, "torch": by_torch, "numpy": by_numpy}
ENDINGS = {  # and the loss of each
    "dense 3; softmax": "cross-entropy",
    "dense 3; log softmax": "cross-entropy",
    "dense 3": "mean squared error",
    "dense 3; sigmoid": "binary cross-entropy",
    "dense 1; sigmoid": "binary cross-entropy",
}


@by(FILES)
@for_each("ending", ENDINGS)
@for_each("input", ["1x8x8", "3x8x8", "64", "24x8"])
def test_with_preparation_bytes_become_probabilities(by, input, ending):
    layers = {"24x8": "gru 4; ", "64": "dense 6; exact gelu; dense 5; relu6; silu; mish; "}.get(
        input, "conv 2 3x3; batchnorm; gelu; flatten; "
    )
    colours = (3 if input.startswith(("3", "24")) else 1, 8, 8)
    model = model_of(f"input {input}; {layers}{ending}; loss {ENDINGS[ending]}", images=colours)
    images = np.random.default_rng(0).integers(0, 256, (7, *model.picture), np.uint8)
    np.testing.assert_allclose(
        by(model.trained(), images, prepares=True), model.predict(images), atol=1e-6
    )


@by(FILES)
def test_digits_are_read_as_the_engine_reads_them(by):
    model = model_of(
        "input 1x28x28; conv 6 3x3 stride 2; conv 12 5x5 pad 1 groups 6; maxpool 2; batchnorm; "
        "relu; flatten; dropout 0.2; dense 10; softmax"
    )
    images = load("digits").test_for_reporting.pixels[:300]
    found = by(model.trained(), images, prepares=True)
    np.testing.assert_allclose(found, model.predict(images), atol=1e-5)
    np.testing.assert_array_equal(found.argmax(axis=1), model.classify(images))


@by(FILES)
@for_each("target", ["side", "area"])
def test_a_tables_own_numbers_become_classes_or_numbers(by, target):
    model, rows = table_model_of(target)
    found = by(model.trained(), rows.astype(np.float32), prepares=True)
    np.testing.assert_allclose(found, model.answers(rows), rtol=1e-5, atol=1e-5)


@by(FILES)
@for_each(
    "layers",
    [
        "conv1d 4 3; relu; positions; attention heads 2 causal; add back 1; rmsnorm; gru 3 all; "
        "lstm 3",
        "conv1d 1 3; mel 2 frame 4 step 2 rate 100 low 10 high 45; flatten",
        "conv1d 4 3; relu; avgpool1d all; flatten",
    ],
)
def test_a_tables_steps_by_features_become_classes(by, layers):
    model, rows = sequences_model_of(f"input 8x3; {layers}; dense 3; softmax")
    found = by(model.trained(), rows.astype(np.float32).reshape(-1, 8, 3), prepares=True)
    np.testing.assert_allclose(found, model.answers(rows), atol=1e-5)


@by(ALL)
@for_each("limit", [0.0, -1.0])
def test_a_range_that_shrank_too_far_leaves_nothing(by, limit):
    net = parse("input 1x3x3; conv 2 2x2; quantize 3 signed; flatten; dense 2")
    values = with_ranges(drawn(net), limit)
    given = np.ones((5, *net.input), np.float32)
    found = by(trained_net(net, values, trained_of(net).scaling), given)
    np.testing.assert_allclose(found, by_the_graph(net, values, given), atol=1e-6)


# Cards that no format knows --------------------------------------------------------


@dataclass(frozen=True)
class Softsign(Layer):
    """x over 1 + |x|, said with what every format has."""

    word: ClassVar[str] = "softsign"
    letter: ClassVar[str] = "sg"
    elementwise: ClassVar[bool] = True
    forms: ClassVar[tuple[StatementForm, ...]] = (StatementForm("softsign", (), ("x/(1+|x|)",)),)

    def at_a_place(self, given, parameters=()):
        (x,) = given
        return x / (1 + x.graph.make("choose", x, x, -x))


@dataclass(frozen=True)
class StripeNorm(PairNorm):
    """Over every other channel, which no other program has."""

    word: ClassVar[str] = "stripenorm"
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm("stripenorm", (EPSILON,), ("over every other value",)),
    )

    def members(self, shape):
        return super().members(shape)[:, ::-1]


@dataclass(frozen=True)
class Maxout(Layer):
    """At each place the larger of two sums of its channels."""

    word: ClassVar[str] = "maxout"
    letter: ClassVar[str] = "mx"
    forms: ClassVar[tuple[StatementForm, ...]] = (StatementForm("maxout", (), ("larger",)),)

    def parameters(self, shape):
        fans = (shape[0], shape[0])
        square = (*fans, 1, 1)
        return tuple(ParameterSpec(Role.WEIGHT, square, fans, part=part) for part in ("a", "b"))

    def ops(self, site, given, parameters):
        (x,) = given
        both = (site.make("conv", w, x, attributes=(Window((1, 1)), 1)) for w in parameters)
        return site.make("largest", *both)


CARDS = [Softsign, UnitNorm, StripeNorm, Highway, Maxout]
ALL_OF_THEM = (
    "input 1x6x6; conv 4 3x3; pairnorm; wavy; stripenorm; maxout; softsign; l2norm; flatten; "
    "dense 4; pairnorm epsilon 0.1; highway; l2norm; softsign; dense 2"
)


@by(ALL)
@pytest.mark.usefixtures("toys")
def test_cards_that_no_format_has_a_layer_for_are_said_by_their_ops(by, monkeypatch):
    monkeypatch.setattr("gradbook.layers.KINDS", [*KINDS, PairNorm, *CARDS])
    net = parse(ALL_OF_THEM)
    numbers = np.random.default_rng(1).uniform(-1, 1, (5, 1, 6, 6)).astype(np.float32)
    found = by(trained_of(net), numbers)
    np.testing.assert_allclose(found, by_the_graph(net, drawn(net), numbers), atol=1e-5)


@by(ALL)
@for_each(
    "layers",
    [
        "input 1x6x6; conv 3 3x2; layernorm; flatten; dense 4; tanh; dense 2",
        "input 4x3; lstm 4 all; conv1d 2 1; positions; attention; flatten; dense 2",
    ],
)
def test_weights_are_the_same_however_they_lie_in_memory(by, layers):
    """Those that another program transposed lie column by column."""
    net = parse(layers)
    values = {name: np.asarray(array, order="F") for name, array in drawn(net).items()}
    numbers = np.random.default_rng(1).uniform(-1, 1, (5, *net.input)).astype(np.float32)
    found = by(trained_net(net, values, trained_of(net).scaling), numbers)
    np.testing.assert_allclose(found, by_the_graph(net, values, numbers), atol=1e-5)


SEVERAL_TERMS = {  # what some languages write with operators, and what makes it flat
    "input 3; dense 3; tanh; add back 2": "",
    "input 3; dense 3; tanh; multiply back 2": "",
    "input 3; dense 3; pairnorm": "",
    "input 3; dense 3; highway": "",
    "input 3x4; conv1d 4 1; positions": "flatten; ",
    "input 3x4; conv1d 4 1; sinusoids": "flatten; ",
    "input tokens 3 of 3; embed 3; unembed 3": "flatten; ",
    "input 1x5x5; conv 3 2x2; avgpool 2 stride 1 pad 1x0x0x1": "flatten; ",
}
FURTHER = ("prelu", "quantize 4 signed", "pairnorm", "softsign", "add back 1", "multiply back 1")


@by(ALL)
@for_each("before", SEVERAL_TERMS)
@pytest.mark.usefixtures("toys")
def test_what_comes_after_several_terms_reads_all_of_them(by, before, monkeypatch):
    monkeypatch.setattr("gradbook.layers.KINDS", [*KINDS, PairNorm, *CARDS])
    plain = (kind for kind in ACTIVATIONS if "softmax" not in kind)
    for after in (*plain, *FURTHER):
        net = parse(f"{before}; {after}; {SEVERAL_TERMS[before]}dense 2")
        random = np.random.default_rng(1)
        given = random.uniform(-1, 1, (5, *net.input)).astype(np.float32)
        rows = given
        if net.tokens:  # files read their numbers
            given = random.integers(0, net.input[1], (5, net.input[0]))
            rows = np.eye(net.input[1])[given]
        expected = by_the_graph(net, drawn(net), rows)
        found = by(trained_of(net), given)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5, err_msg=after)


@pytest.mark.witness("onnx", "keras")
@for_each(("write", "read"), [(onnx_bytes, read_onnx), (keras_bytes, read_keras)])
@pytest.mark.usefixtures("toys")
def test_an_activation_that_is_written_in_steps_comes_back(write, read, tmp_path):
    net = parse("input 1x6x6; conv 4 3x3; wavy; flatten; dense 2")
    (tmp_path / "net").write_bytes(write(trained_of(net)))
    assert read(tmp_path / "net").net.layers == net.layers


@dataclass(frozen=True)
class Sorted(Layer):
    """What no format has words for."""

    word: ClassVar[str] = "sorted"
    letter: ClassVar[str] = "so"
    forms: ClassVar[tuple[StatementForm, ...]] = (StatementForm("sorted", (), ("in order",)),)

    def ops(self, site, given, parameters):
        return site.make("winners", given[0], attributes=(Window((1, 1)),))


@pytest.mark.witness("onnx", "keras")
@for_each("write", [onnx_bytes, keras_bytes, module_source])
def test_what_a_format_has_no_words_for_is_refused_in_one_line(write, monkeypatch):
    monkeypatch.setattr("gradbook.layers.KINDS", [*KINDS, Sorted])
    net = parse("input 1x6x6; sorted; flatten; dense 2")
    said = r"^sorted1: .* can't write sorted, which needs winners: .* another format$"
    with pytest.raises(TargetError, match=said):
        write(trained_of(net))
