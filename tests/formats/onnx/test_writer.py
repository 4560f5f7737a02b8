"""ONNX models, run by onnxruntime, held against the graph's own evaluation; `onnx` checks each."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gradbook.errors import UsageError
from gradbook.formats.onnx import LEAST_OPSET
from gradbook.formats.onnx.write import onnx_bytes
from gradbook.net import Net
from gradbook.net.trained import TrainedNet
from tests.cases import for_each
from tests.families import networks
from tests.trained import (
    ROUNDED,
    by_the_graph,
    drawn,
    holed_model_of,
    is_rounded_alike,
    model_of,
    trained_of,
)

pytestmark = pytest.mark.witness("onnx", "onnxruntime")
TEXT = """
input 1x8x8
conv 4 3x3
maxpool 2
batchnorm
relu
flatten
dense 3
log softmax
"""


def said(content: bytes, given: np.ndarray) -> np.ndarray:
    """What onnxruntime makes of the inputs."""
    from onnxruntime import InferenceSession

    session = InferenceSession(content)
    (only,) = session.get_inputs()
    (found,) = session.run(None, {only.name: given})
    return found


def model_in(content: bytes):
    import onnx

    return onnx.load_from_string(content)


def operators(content: bytes) -> list[str]:
    return [node.op_type for node in model_in(content).graph.node]


def inputs(net: Net, count: int = 5) -> np.ndarray:
    random = np.random.default_rng(1)
    return random.uniform(-1, 1, (count, *net.input)).astype(np.float32)


def newest() -> int:
    from onnx.defs import onnx_opset_version
    from onnxruntime import InferenceSession

    for opset in range(onnx_opset_version(), LEAST_OPSET, -1):
        try:
            InferenceSession(onnx_bytes(small(), opset))
        except Exception:  # onnxruntime says in many ways that it can't yet
            continue
        return opset
    raise AssertionError


def small() -> TrainedNet:
    return trained_of(Net.parse("input 2; dense 2"))


@example(Net.parse("input 2; flatten; dense 1; flatten"), True, 13)
@given(networks(dropout=True), st.booleans(), st.sampled_from([LEAST_OPSET, 13, 17]))
@example(Net.parse(ROUNDED), True, LEAST_OPSET)
def test_onnxruntime_says_what_the_graph_says(net, fold, opset):
    assume(is_rounded_alike(net, drawn(net), inputs(net)))
    output = said(onnx_bytes(trained_of(net), opset, fold), inputs(net))
    expected = by_the_graph(net, drawn(net), inputs(net))
    assert output.shape == expected.shape
    np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-5 * max(1, abs(expected).max()))


def test_the_newest_operators_that_onnxruntime_knows_say_the_same():
    model = model_of(TEXT)
    first = said(onnx_bytes(model.trained(), 13), inputs(model.net))
    np.testing.assert_array_equal(
        said(onnx_bytes(model.trained(), newest()), inputs(model.net)), first
    )


@for_each("fold", [True, False])
@for_each("target", ["side", "area"])
def test_what_is_missing_is_put_in(target, fold):
    model, rows, filled = holed_model_of(target)
    content = onnx_bytes(model.trained(), with_preparation=True, fold=fold)
    expected = model.answers(filled)
    np.testing.assert_array_equal(model.answers(rows), expected)
    np.testing.assert_allclose(
        said(content, rows.astype(np.float32)), expected, rtol=1e-5, atol=1e-5
    )
    notes = {one.key: one.value for one in model_in(onnx_bytes(model.trained())).metadata_props}
    assert json.loads(notes["missing"]) == model.columns.filling.tolist()


def test_any_number_of_images_goes_in():
    content = onnx_bytes(model_of(TEXT).trained(), with_preparation=True)
    for count in (1, 2, 100):
        assert said(content, np.zeros((count, 8, 8), np.uint8)).shape == (count, 3)


def test_normalisation_is_folded_into_the_sums_unless_it_is_asked_to_stay():
    trained = model_of(TEXT.replace("maxpool 2\n", "")).trained()
    assert "BatchNormalization" not in operators(onnx_bytes(trained))
    assert "Mul" not in operators(onnx_bytes(trained))
    left = model_in(onnx_bytes(trained, fold=False)).graph
    (norm,) = (node for node in left.node if node.op_type == "BatchNormalization")
    assert "training_mode" not in [attribute.name for attribute in norm.attribute]


def test_layers_and_tensors_keep_their_names():
    graph = model_in(onnx_bytes(model_of(TEXT).trained(), fold=False)).graph
    names = ["conv1", "maxpool1", "batchnorm1", "relu1", "flatten1", "dense1", "output"]
    assert [node.name for node in graph.node] == names
    assert [tensor.name for tensor in graph.initializer][:2] == ["conv1.weight", "conv1.bias"]


def test_the_file_says_what_its_outputs_stand_for():
    content = onnx_bytes(model_of(TEXT).trained())
    told = {prop.key: json.loads(prop.value) for prop in model_in(content).metadata_props}
    assert told["classes"] == ["0", "1", "2"]
    assert told["preparation"] == {"most": 255, "mean": [0.2], "deviation": [0.3]}
    assert "batchnorm" in model_in(content).graph.doc_string


@for_each("opset", [1, LEAST_OPSET - 1, 1000])
def test_an_opset_of_the_past_or_the_future_is_refused(opset):
    with pytest.raises(UsageError, match=f"opset {opset}: this installation writes 11 to "):
        onnx_bytes(small(), opset)


@for_each("fold", [True, False])
def test_weights_that_are_applied_again_stand_there_once(fold):
    net = Net.parse(
        "input 1x9x9; conv 4 3x3 pad 1; batchnorm; relu; conv 4 3x3; batchnorm; relu; again 3; "
        "flatten; dense 3; log softmax"
    )
    model = model_in(onnx_bytes(trained_of(net), fold=fold))
    kernels = [node.input[1] for node in model.graph.node if node.op_type == "Conv"]
    assert kernels == ["conv1.weight"] + ["conv2.weight"] * 3
    stored = {one.name: one.dims for one in model.graph.initializer}
    assert len(stored) == len(model.graph.initializer)
    assert sum(name.startswith("conv") and name.endswith("weight") for name in stored) == 2
