"""Keras models held against the graph's own evaluation, by Keras with PyTorch beneath."""

from __future__ import annotations

import io
import json
import os
import sys
import warnings
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import assume, example, given

from gradbook.errors import TargetError
from gradbook.formats.keras.write import KerasLayers, keras_bytes
from gradbook.lab.models.answers import probabilities
from gradbook.net import Net
from tests.cases import for_each
from tests.families import networks
from tests.trained import (
    ROUNDED,
    by_the_graph,
    drawn,
    is_rounded_alike,
    model_of,
    trained_of,
)

keras_reads = pytest.mark.witness("keras", "torch")


def said(content: bytes, given: np.ndarray) -> np.ndarray:
    """What Keras makes of the inputs."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        os.environ.update(KERAS_BACKEND="torch", KERAS_HOME=folder)
        warnings.filterwarnings("ignore", "You are using a softmax over axis")  # of one class
        import keras

        file = Path(folder, "net.keras")
        file.write_bytes(content)
        found = keras.models.load_model(file)(given, training=False)
    return np.asarray(found.detach())


def last(given: np.ndarray) -> np.ndarray:
    return np.moveaxis(given, 1, -1) if given.ndim == 4 else given


def made(text: str) -> list[str]:
    content = KerasLayers(trained_of(Net.parse(text)))
    content.write()
    return [layer.kind for layer in content.row.layers]


@keras_reads
@given(networks(dropout=True))
@example(Net.parse(ROUNDED))
@example(Net.parse("input 2x1x2; avgpool 3 pad same; flatten; dense 1"))
def test_keras_says_what_the_graph_says(net):
    given = np.random.default_rng(1).uniform(-1, 1, (5, *net.input)).astype(np.float32)
    assume(is_rounded_alike(net, drawn(net), given))
    output = said(keras_bytes(trained_of(net)), last(given))
    expected = by_the_graph(net, drawn(net), given)
    assert output.shape == expected.shape
    np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-5 * max(1, abs(expected).max()))


@keras_reads
@for_each(
    "text",
    [  # of two axes that nothing reads as a sequence, the first are channels
        "8x2; scale 0.5; concat back 1; rmsnorm; flatten; dense 2",
        "4x3; groupnorm 2; batchnorm; prelu; layernorm; flatten; dense 2",
        "2x1x1; tanh; flatten; dense 2",
    ],
)
def test_axes_are_channels_wherever_nothing_says_that_they_are_steps(text):
    model = model_of(f"input {text}", images=(2, 1, 1))
    trained = model.trained()
    inputs = np.random.default_rng(1).integers(0, 256, (5, *trained.input)).astype(np.float32)
    across = (-1, *(1,) * (inputs.ndim - 2))
    scale, shift = (own.reshape(across) for own in (trained.scaling.scale, trained.scaling.shift))
    expected = by_the_graph(model.net, dict(model.values), inputs * scale + shift)
    bare = said(keras_bytes(trained), last((inputs * scale + shift).astype(np.float32)))
    np.testing.assert_allclose(bare, expected, atol=1e-5)
    prepared = said(keras_bytes(trained, with_preparation=True), last(inputs))
    np.testing.assert_allclose(prepared, probabilities(model.net, expected), atol=1e-5)


def test_sequences_are_read_by_keras_own_layers():
    said = made("input 8x2; conv1d 4 3; relu; maxpool1d 2; gru 4 all; attention; lstm 3; dense 2")
    assert said[1:] == [
        *("Conv1D", "Activation", "MaxPooling1D", "GRU", "MultiHeadAttention", "LSTM", "Dense")
    ]


@for_each(
    ("layers", "kinds"),
    [
        ("flatten; relu; dropout 0.1; dense 2", ["Flatten", "Activation", "Dropout", "Dense"]),
        ("flatten; batchnorm; dense 2", ["Permute", "Flatten", "BatchNormalization", "Dense"]),
        (
            "flatten; tanh; add back 1; dense 2",
            ["Permute", "Flatten", "Activation", "Add", "Dense"],
        ),
        ("maxpool all; flatten; dense 2", ["GlobalMaxPooling2D", "Flatten", "Dense"]),
    ],
)
def test_weights_of_a_dense_layer_are_turned_or_else_its_inputs(layers, kinds):
    assert made(f"input 2x3x3; {layers}")[1:] == kinds


@for_each(
    ("conv", "kinds"),
    [
        ("input 2x5x5; conv 4 3x3 groups 2", ["DepthwiseConv2D"]),
        ("input 4x5x5; conv 4 3x3 groups 2", ["Conv2D"]),
        ("input 2x5x5; conv 4 3x3 pad 1", ["ZeroPadding2D", "Conv2D"]),
    ],
)
def test_each_groups_windows_are_a_depthwise_layer(conv, kinds):
    assert made(f"{conv}; flatten; dense 2")[1:] == [*kinds, "Flatten", "Dense"]


@for_each(
    ("pool", "kinds"),
    [
        ("avgpool 2 stride 1 dilation 2", ["DepthwiseConv2D"]),
        ("avgpool 2 dilation 2 pad 1", ["ZeroPadding2D", "DepthwiseConv2D", "Rescaling"]),
        ("maxpool 1x2 stride 1 dilation 2", ["Cropping2D", "Cropping2D", "Maximum"]),
        ("maxpool 2x1 dilation 2", ["Cropping2D", "Cropping2D", "Maximum"]),
    ],
)
def test_pools_with_gaps_are_said_with_other_layers(pool, kinds):
    stepped = [] if "stride" in pool else ["MaxPooling2D"]
    found = made(f"input 2x5x5; {pool}; flatten; dense 2")
    assert found == ["InputLayer", *kinds, *stepped, "Flatten", "Dense"]


@pytest.mark.witness("keras")
def test_the_same_network_is_the_same_file_with_layers_under_their_names():
    trained = model_of("name my net; input 1x4x4; conv 2 3x3; relu; flatten; dense 2").trained()
    content = keras_bytes(trained)
    assert content == keras_bytes(trained)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        config = json.loads(archive.read("config.json"))["config"]
    assert config["name"] == "my_net"
    assert [layer["name"] for layer in config["layers"]] == [
        "input",
        "conv1",
        "relu1",
        "flatten1",
        "dense1",
    ]


def test_without_the_package_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(TargetError, match=r"pip install 'gradbook\[keras\]'"):
        keras_bytes(trained_of(Net.parse("input 2; dense 2")))


@keras_reads
def test_a_layer_that_is_applied_again_is_called_again(tmp_path, monkeypatch):
    net = Net.parse(
        "input 1x9x9; conv 4 3x3; relu; conv 4 3x3 pad 1; batchnorm; relu; again 3; flatten; "
        "dense 3; tanh; dense 3; groupnorm 1; again 2; log softmax"
    )
    content = keras_bytes(trained_of(net))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        layers = json.loads(archive.read("config.json"))["config"]["layers"]
    calls = {one["name"]: len(one["inbound_nodes"]) for one in layers}
    assert (calls["conv1"], calls["conv2"], calls["dense2"]) == (1, 3, 2)
    assert "conv3" not in calls
    inputs = np.random.default_rng(1).uniform(-1, 1, (5, *net.input)).astype(np.float32)
    expected = by_the_graph(net, drawn(net), inputs)
    np.testing.assert_allclose(said(content, last(inputs)), expected, atol=1e-5)


@keras_reads
def test_slopes_that_keras_has_no_layer_for_are_operations():
    net = Net.parse("input 3; leaky relu -0.3; dense 2")
    inputs = np.random.default_rng(1).uniform(-1, 1, (5, 3)).astype(np.float32)
    expected = by_the_graph(net, drawn(net), inputs)
    np.testing.assert_allclose(said(keras_bytes(trained_of(net)), inputs), expected, atol=1e-5)


@keras_reads
def test_an_embedding_of_what_are_no_tokens_is_sums():
    net = Net.parse("input 4x2; embed 3; gru 2")
    inputs = np.random.default_rng(1).uniform(-1, 1, (5, 4, 2)).astype(np.float32)
    expected = by_the_graph(net, drawn(net), inputs)
    np.testing.assert_allclose(said(keras_bytes(trained_of(net)), inputs), expected, atol=1e-5)
