"""Shapes in which the number of images is left open, as PyTorch writes them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from gradbook.errors import DataError
from gradbook.formats.onnx.read import read_onnx
from tests.cases import for_each
from tests.formats.onnx.test_reader import written
from tests.trained import by_the_graph

pytestmark = pytest.mark.witness("onnx", "torch")

WAYS = {  # of laying an image out in one line
    "view(x.size(0), -1)": lambda x: x.view(x.size(0), -1),
    "reshape of the product": lambda x: x.reshape(x.shape[0], x.shape[1] * x.shape[2] * x.shape[3]),
    "view(-1, 300)": lambda x: x.view(-1, 300),
    "flatten(1)": lambda x: x.flatten(1),
}


@for_each("way", WAYS)
def test_a_free_batch_is_laid_out_as_pytorch_does(torch, tmp_path, way):
    nn = torch.nn

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.dense = nn.Conv2d(1, 3, 3), nn.Linear(300, 4)

        def forward(self, x):
            return self.dense(WAYS[way](torch.relu(self.conv(x))))

    module, images = Network().float().eval(), torch.rand(5, 1, 12, 12).float()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            images[:2],
            tmp_path / "net.onnx",
            input_names=["x"],
            dynamic_axes={"x": {0: "N"}},
            dynamo=False,
        )
    imported = read_onnx(tmp_path / "net.onnx")
    with torch.no_grad():
        expected = module(images).numpy()
    outputs = by_the_graph(imported.net, dict(imported.values), images.numpy())
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


def laid_out(tmp_path, *steps):
    """Values of 2 by 3 by 3, laid out as some nodes reckon, and summed."""
    from onnx import helper

    nodes = [
        helper.make_node("Relu", ["x"], ["bent"]),
        *(helper.make_node(word, given, [made], **told) for word, given, made, told in steps),
        helper.make_node("Reshape", ["bent", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["y"]),
    ]
    tensors = {
        "w": np.ones((18, 2), np.float32),
        "first": np.array([0], np.int64),
        "two": np.array([2], np.int64),
        "last": np.array([2**62], np.int64),
        "open": np.array([-1], np.int64),
    }
    return written(tmp_path, nodes, (2, 3, 3), *tensors.items())


SHAPE = ("Shape", ["bent"], "sizes", {})


@for_each(
    "steps",
    [
        [
            ("Shape", ["bent"], "batch", {"start": 0, "end": 1}),
            ("Concat", ["batch", "open"], "shape", {"axis": 0}),
        ],
        [
            SHAPE,
            ("Gather", ["sizes", "first"], "batch", {"axis": 0}),
            ("Cast", ["batch"], "cast", {"to": 7}),
            ("Concat", ["cast", "open"], "shape", {"axis": 0}),
        ],
        [
            SHAPE,
            ("Slice", ["sizes", "open", "last"], "columns", {}),
            ("Mul", ["columns", "columns"], "square", {}),
            ("Mul", ["square", "two"], "all", {}),
            ("Concat", ["open", "all"], "shape", {"axis": 0}),
        ],
    ],
)
def test_sizes_are_worked_out_for_any_number_of_images(tmp_path, steps):
    imported = read_onnx(laid_out(tmp_path, *steps))
    images = np.random.default_rng(0).normal(size=(4, 2, 3, 3))
    outputs = by_the_graph(imported.net, dict(imported.values), images)
    total = np.maximum(images, 0).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(outputs, np.stack([total, total], axis=1), rtol=1e-6)


def test_values_of_several_images_are_not_laid_out_together(tmp_path):
    steps = [
        SHAPE,
        ("Gather", ["sizes", "first"], "batch", {"axis": 0}),
        ("Mul", ["batch", "two"], "twice", {}),
        ("Concat", ["twice", "open"], "shape", {"axis": 0}),
    ]
    with pytest.raises(DataError, match="it mixes values of several images"):
        read_onnx(laid_out(tmp_path, *steps))


def test_what_depends_on_the_number_of_images_is_no_constant(tmp_path):
    steps = [
        SHAPE,
        ("Gather", ["sizes", "first"], "batch", {"axis": 0}),
        ("Concat", ["open", "batch"], "shape", {"axis": 0}),
    ]
    with pytest.raises(DataError, match="it mixes values of several images"):
        read_onnx(laid_out(tmp_path, *steps))


def test_what_is_weighed_by_the_number_of_images_is_told_with_its_place(tmp_path):
    from onnx import helper

    nodes = [
        helper.make_node("Shape", ["x"], ["sizes"]),
        helper.make_node("Gather", ["sizes", "first"], ["batch"]),
        helper.make_node("Cast", ["batch"], ["count"], to=1),
        helper.make_node("MatMul", ["x", "w"], ["sums"]),
        helper.make_node("Mul", ["sums", "count"], ["y"], name="weighed"),
    ]
    tensors = {"first": np.array(0, np.int64), "w": np.ones((4, 2), np.float32)}
    with pytest.raises(DataError, match="Mul 'weighed': it depends on the number of images"):
        read_onnx(written(tmp_path, nodes, (4,), *tensors.items()))
