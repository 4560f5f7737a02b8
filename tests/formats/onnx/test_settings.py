"""Whatever an ONNX operator is told: it is read, or refused, and never passed over.

Each operator stands in a small model with one attribute or optional input after the other; what
comes in says what onnxruntime says, and what onnxruntime refuses is refused.
"""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.errors import GradbookError
from gradbook.formats.onnx.read import OPERATORS, read_onnx
from tests.cases import for_each
from tests.trained import by_the_graph

pytestmark = pytest.mark.witness("onnx", "onnxruntime")
ML = "ai.onnx.ml"
MAPS, STEPS, ROW = (2, 6, 6), (5, 1, 3), (6,)  # of images, of steps x samples x features, of flat


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def ints(*numbers):
    return np.array(numbers, np.int64)


def weights(gates, width=4, features=3, back=None):
    return {
        "W": drawn(1, gates * width, features) / 2,
        "R": drawn(1, gates * width, back or width, seed=1) / 2,
        "B": drawn(1, 2 * gates * width, seed=2) / 2,
    }


def recurrent(word, gates, **told):
    usual = {"hidden_size": 4} | told
    return (STEPS, word, ["x", "W", "R", "B"], usual, weights(gates))


CONV = {"w": drawn(4, 2, 3, 3), "b": drawn(4, seed=1)}
OF_CHANNELS = {name: drawn(2, seed=k) for k, name in enumerate(("s", "b", "m"))} | {
    "v": drawn(2, seed=5) ** 2 + 1
}
LINEAR = {"coefficients": drawn(18).tolist(), "intercepts": [0.1, 0.2, 0.3]}
SIZES = {"scales": np.array([1, 1, 2, 2], np.float32), "none": np.zeros(0, np.float32)}
# What comes in, the operator, its inputs, its attributes, and its constants.
USUAL = {
    "Conv": (MAPS, "Conv", ["x", "w", "b"], {}, CONV),
    "Conv of steps": ((2, 6), "Conv", ["x", "w"], {}, {"w": drawn(4, 2, 3)}),
    "ConvTranspose": (MAPS, "ConvTranspose", ["x", "w"], {}, {"w": drawn(2, 3, 3, 3)}),
    "Gemm": (ROW, "Gemm", ["x", "w", "b"], {}, {"w": drawn(6, 3), "b": drawn(3)}),
    "MaxPool": (MAPS, "MaxPool", ["x"], {"kernel_shape": [2, 2]}, {}),
    "AveragePool": (MAPS, "AveragePool", ["x"], {"kernel_shape": [2, 2]}, {}),
    "Pad": (MAPS, "Pad", ["x", "p"], {}, {"p": ints(0, 0, 1, 1, 0, 0, 1, 1)}),
    "ReduceMean": (MAPS, "ReduceMean", ["x", "a"], {}, {"a": ints(2, 3)}),
    "ReduceMax": (MAPS, "ReduceMax", ["x", "a"], {}, {"a": ints(2, 3)}),
    "Resize": (MAPS, "Resize", ["x", "none", "scales"], {"mode": "nearest"}, SIZES),
    "BatchNormalization": (MAPS, "BatchNormalization", list("xsbmv"), {}, OF_CHANNELS),
    "InstanceNormalization": (MAPS, "InstanceNormalization", list("xsb"), {}, OF_CHANNELS),
    "GroupNormalization": (
        MAPS,
        "GroupNormalization",
        list("xsb"),
        {"num_groups": 2},
        OF_CHANNELS,
    ),
    "LayerNormalization": (ROW, "LayerNormalization", ["x", "s"], {}, {"s": drawn(6)}),
    "Flatten": (MAPS, "Flatten", ["x"], {}, {}),
    "Reshape": (MAPS, "Reshape", ["x", "to"], {}, {"to": ints(0, -1)}),
    "Gather": (ROW, "Gather", ["x", "i"], {"axis": 1}, {"i": ints(4, 0, 2, 5, 3, 1)}),
    "Slice": (
        ROW,
        "Slice",
        list("xseat"),
        {},
        {"s": ints(0), "e": ints(6), "a": ints(1), "t": ints(1)},
    ),
    "Squeeze": ((3, 1, 1), "Squeeze", ["x", "a"], {}, {"a": ints(2, 3)}),
    "Concat": (ROW, "Concat", ["x", "x"], {"axis": 1}, {}),
    "RNN": recurrent("RNN", 1),
    "GRU": recurrent("GRU", 3),
    "GRU, weighed before": recurrent("GRU", 3, linear_before_reset=1),
    "LSTM": recurrent("LSTM", 4),
    "Softmax": (ROW, "Softmax", ["x"], {"axis": 1}, {}),
    "Softmax of maps": (MAPS, "Softmax", ["x"], {"axis": 1}, {}),
    "LogSoftmax": (ROW, "LogSoftmax", ["x"], {"axis": 1}, {}),
    "LeakyRelu": (ROW, "LeakyRelu", ["x"], {}, {}),
    "Elu": (ROW, "Elu", ["x"], {}, {}),
    "Selu": (ROW, "Selu", ["x"], {}, {}),
    "HardSigmoid": (ROW, "HardSigmoid", ["x"], {"alpha": 1 / 6}, {}),
    "Gelu": (ROW, "Gelu", ["x"], {}, {}),
    "Clip": (
        ROW,
        "Clip",
        ["x", "least", "most"],
        {},
        {"least": np.float32(0), "most": np.float32(6)},
    ),
    "PRelu": (MAPS, "PRelu", ["x", "w"], {}, {"w": drawn(2, 1, 1)}),
    "MatMul": (ROW, "MatMul", ["x", "w"], {}, {"w": drawn(6, 3)}),
    "Add": (ROW, "Add", ["x", "w"], {}, {"w": drawn(6)}),
    "Dropout": (ROW, "Dropout", ["x", "half"], {}, {"half": np.float32(0.5)}),
    "Cast": (ROW, "Cast", ["x"], {"to": 1}, {}),
    "Identity": (ROW, "Identity", ["x"], {}, {}),
    "Scaler": (ROW, "Scaler", ["x"], {"offset": [1.0] * 6, "scale": [2.0] * 6}, {}),
    "LinearRegressor": (ROW, "LinearRegressor", ["x"], {**LINEAR, "targets": 3}, {}),
}
NEVER_READ = ("Selu", "Softmax of maps")
RECURRENT = [
    {"direction": "reverse"},
    {"direction": "bidirectional"},
    {"clip": 0.1},
    {"hidden_size": 3},
    {"hidden_size": 5},
    {"layout": 1},
    {"activations": ["Relu"]},
    {"activations": ["Sigmoid", "Relu"]},
    {"activations": ["Sigmoid", "Tanh", "Relu"]},
    {"activation_alpha": [0.3]},
    {"linear_before_reset": 0},
    {"linear_before_reset": 1},
    {"input_forget": 1},
    {3: None},
    {4: np.array([3], np.int32)},
    {4: np.array([5], np.int32)},
    {4: np.array([0], np.int32)},
    {5: drawn(1, 1, 4)},
    {5: np.zeros((1, 1, 4), np.float32)},
    {6: drawn(1, 1, 4)},
    {7: drawn(1, 12)},
    {7: np.zeros((1, 12), np.float32)},
    {1: drawn(1, 4, 3)},
    {1: drawn(1, 16, 2)},
    {2: drawn(1, 16, 2)},
    {2: drawn(1, 16, 3)},
    {3: drawn(1, 16)},
    {3: drawn(1, 8)},
]
# One change: attributes, or inputs by their place.
CHANGES = {
    "Conv": [
        {"kernel_shape": [3, 3]},
        {"kernel_shape": [2, 2]},
        {"kernel_shape": [3]},
        {"strides": [2, 2]},
        {"strides": [2]},
        {"pads": [1, 1, 1, 1]},
        {"pads": [1, 1]},
        {"auto_pad": "VALID"},
        {"auto_pad": "SAME_LOWER"},
        {"group": 2},
        {"dilations": [2, 1]},
    ],
    "Conv of steps": [
        {"kernel_shape": [3]},
        {"kernel_shape": [2]},
        {"kernel_shape": [1, 3]},
        {"strides": [2]},
        {"strides": [1, 2]},
        {"pads": [1, 1]},
        {"pads": [0, 1, 0, 1]},
        {"dilations": [2]},
    ],
    "ConvTranspose": [
        {"kernel_shape": [3, 3]},
        {"kernel_shape": [2, 2]},
        {"output_shape": [10, 10]},
        {"output_padding": [1, 1]},
        {"output_padding": [1, 1], "strides": [2, 2]},
        {"auto_pad": "SAME_UPPER"},
        {"group": 2},
        {"pads": [1, 0, 1, 0]},
    ],
    "Gemm": [
        {"alpha": 0.5},
        {"beta": 0.5},
        {"transA": 1},
        {"transB": 1},
        {2: drawn(1, 3)},
        {2: drawn(1)},
        {2: drawn(3, 1)},
        {2: np.float32(2)},
        {2: drawn(1, 2)},
    ],
    "MaxPool": [
        {"storage_order": 1},
        {"ceil_mode": 1, "strides": [3, 3]},
        {"dilations": [2, 2]},
        {"strides": [2]},
        {"pads": [1, 1]},
        {"pads": [1, 0, 1, 0]},
        {"auto_pad": "SAME_UPPER"},
    ],
    "AveragePool": [
        {"count_include_pad": 1, "pads": [1, 1, 1, 1]},
        {"pads": [1, 1, 1, 1]},
        {"pads": [1, 1]},
        {"dilations": [2, 2]},
        {"ceil_mode": 1, "strides": [3, 3]},
    ],
    "Pad": [
        {"mode": "reflect"},
        {"mode": "wrap"},
        {2: np.float32(3)},
        {3: ints(0, 1, 2, 3)},
        {1: ints(1, 1, 1, 1), 3: ints(2, 3)},
    ],
    "ReduceMean": [
        {"keepdims": 0},
        {"noop_with_empty_axes": 1},
        {1: None, "noop_with_empty_axes": 1},
        {1: None},
        {1: ints(1)},
        {1: ints(-1, -2)},
    ],
    "ReduceMax": [{"keepdims": 0}, {1: ints(0)}, {1: ints(3)}],
    "Resize": [
        {"mode": "linear"},
        {"nearest_mode": "floor"},
        {"nearest_mode": "ceil"},
        {"nearest_mode": "round_prefer_ceil"},
        {"exclude_outside": 1},
        {"antialias": 1},
        {"coordinate_transformation_mode": "asymmetric"},
        {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
        {"coordinate_transformation_mode": "align_corners"},
        {"coordinate_transformation_mode": "half_pixel_symmetric"},
        {"cubic_coeff_a": -0.5},
        {"extrapolation_value": 7.0},
        {"axes": [2, 3]},
        {"axes": [2, 3], 2: np.array([2, 2], np.float32)},
        {2: np.array([1, 2, 2, 2], np.float32)},
        {2: np.array([2, 1, 2, 2], np.float32)},
        {2: None, 3: ints(1, 2, 12, 12), "keep_aspect_ratio_policy": "not_larger"},
        {2: None, 3: ints(1, 2, 12, 12)},
        {2: None, 3: ints(1, 4, 12, 12)},
        {2: np.array([1, 1, 1.5, 1.5], np.float32)},
        {2: np.array([1, 1, 0.5, 0.5], np.float32)},
    ],
    "BatchNormalization": [
        {"epsilon": 0.1},
        {"momentum": 0.1},
        {"training_mode": 1},
        {1: drawn(1)},
        {1: drawn(3)},
    ],
    "InstanceNormalization": [{"epsilon": 0.1}, {1: drawn(1)}, {1: drawn(4)}],
    "GroupNormalization": [{"epsilon": 0.1}, {"num_groups": 1}, {"stash_type": 11}],
    "LayerNormalization": [
        {"epsilon": 0.1},
        {"axis": 0},
        {"axis": -2},
        {"stash_type": 10},
        {2: drawn(6, seed=3)},
        {1: drawn(1)},
        {1: drawn(5)},
    ],
    "Flatten": [{"axis": 0}, {"axis": 2}, {"axis": -3}],
    "Reshape": [
        {"allowzero": 1},
        {"allowzero": 1, 1: ints(3, 72)},
        {1: ints(3, 72)},
        {1: ints(-1, 72)},
        {1: ints(1, -1)},
        {1: ints(0, 0, 36)},
    ],
    "Gather": [{"axis": 0}, {"axis": -1}, {1: ints(-1)}, {1: ints(7)}],
    "Slice": [
        {4: None},
        {4: ints(-1), 1: ints(5), 2: ints(-9)},
        {1: ints(1)},
        {3: ints(0)},
        {2: ints(2**62)},
    ],
    "Squeeze": [{1: None}, {1: ints(1)}, {1: ints(-1)}],
    "Concat": [{"axis": 0}, {"axis": -1}],
    **dict.fromkeys(("RNN", "GRU", "GRU, weighed before", "LSTM"), RECURRENT),
    "Softmax": [{"axis": 0}, {"axis": -1}],
    "Softmax of maps": [{"axis": 0}, {"axis": 2}, {"axis": -1}],
    "LogSoftmax": [{"axis": 0}, {"axis": -1}],
    "LeakyRelu": [{"alpha": 0.3}],
    "Elu": [{"alpha": 0.5}, {"alpha": 1.0}],
    "Selu": [{"alpha": 1.0, "gamma": 1.0}, {"gamma": 1.0}],
    "HardSigmoid": [{"alpha": 0.2}, {"alpha": 1 / 6, "beta": 0.4}],
    "Gelu": [{"approximate": "tanh"}],
    "Clip": [{2: None}, {1: None}, {2: np.float32(5)}, {1: np.float32(-1)}],
    "PRelu": [{1: drawn(1)}, {1: drawn(6)}, {1: drawn(2, 6, 6)}],
    "MatMul": [{1: drawn(6)}, {1: drawn(1, 6, 3)}, {1: drawn(5, 3)}],
    "Add": [{1: drawn(1)}, {1: drawn(1, 6)}, {1: drawn(3, 6)}, {1: drawn(3, 1)}, {1: drawn(5)}],
    "Dropout": [
        {2: np.array(True)},
        {2: np.array(False)},
        {"seed": 3},
        {1: np.float32(0), 2: np.array(True)},
    ],
    "Cast": [{"to": kind} for kind in (6, 7, 9, 11, 3)],
    "Scaler": [{"offset": [1.0]}, {"scale": [2.0] * 3}],
    "LinearRegressor": [
        {"targets": 1},
        {"targets": 2},
        {"post_transform": "LOGISTIC"},
        {"post_transform": "PROBIT"},
    ],
}


def model_of(shape, word, inputs, told, constants, opset, width=0):
    """The operator between two layers with weights; without a width the last is left out."""
    from onnx import TensorProto, helper, numpy_helper

    domain = ML if word in ("Scaler", "LinearRegressor") else ""
    given = [3, *shape] if word not in ("RNN", "GRU", "LSTM") else list(shape)
    nodes = []
    if word in ("RNN", "GRU", "LSTM"):
        given = [1, shape[0], shape[2]]
        nodes.append(helper.make_node("Transpose", ["x"], ["turned"], perm=[1, 0, 2]))
        inputs = ["turned", *inputs[1:]]
    else:
        first = "Conv" if len(shape) > 1 else "MatMul"
        size = (*shape[:1] * 2, *(1,) * (len(shape) - 1))
        nodes.append(helper.make_node(first, ["x", "w0"], ["summed"]))
        inputs = ["summed" if name == "x" else name for name in inputs]
        constants = constants | {"w0": drawn(*size, seed=8)}
    recurs = inputs[0] == "turned"
    made = "states" if recurs else "made"
    outputs = ["", made] if recurs else [made]
    nodes.append(helper.make_node(word, inputs, outputs, domain=domain, name="node", **told))
    if word == "Cast":
        nodes.append(helper.make_node("Cast", [made], [made := "back"], to=1))
    if word == "Pad":  # which is read before windows
        nodes.append(helper.make_node("Conv", [made, "w1"], [made := "after"]))
        constants = constants | {"w1": drawn(2, 2, 2, 2, seed=6)}
    if made == "states":
        nodes.append(helper.make_node("Squeeze", ["states", "first"], [made := "last"]))
        constants = constants | {"first": ints(0)}
    nodes.append(helper.make_node("Flatten", [made], ["flat" if width else "y"]))
    if width:
        nodes.append(helper.make_node("MatMul", ["flat", "end"], ["y"]))
        constants = constants | {"end": drawn(width, 3, seed=9)}
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, given)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None])],
        [numpy_helper.from_array(np.asarray(one), name) for name, one in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(ML, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8), given


def changed(name, change):
    shape, word, inputs, told, constants = USUAL[name]
    inputs, told, constants = list(inputs), dict(told), dict(constants)
    for what, value in change.items():
        if isinstance(what, str):
            told[what] = value
            continue
        inputs += [""] * (what + 1 - len(inputs))
        inputs[what] = "" if value is None else f"changed{what}"
        if value is not None:
            constants[f"changed{what}"] = value
    while not inputs[-1]:
        inputs.pop()
    return shape, word, inputs, told, constants


def said_by_onnxruntime(model, inputs):
    """Nothing where it refuses."""
    from onnxruntime import InferenceSession, SessionOptions

    quiet = SessionOptions()
    quiet.log_severity_level = 4
    try:
        session = InferenceSession(model.SerializeToString(), quiet)
        return session.run(None, {"x": inputs})[0]
    except Exception:  # of many kinds, none of which it names in Python
        return None


def said_here(path, inputs):
    try:
        imported = read_onnx(path)
    except GradbookError:
        return None
    if inputs.shape[1:] == imported.net.input[::-1] and inputs.ndim == 3:  # of features x steps
        inputs = inputs.swapaxes(1, 2)
    given = inputs.reshape(len(inputs), *imported.net.input)
    return by_the_graph(imported.net, dict(imported.values), given)


def by_both(tmp_path, name, change, opset):
    """What onnxruntime says, and what the network says that is read: nothing where it's refused."""
    asked = changed(name, change)
    model, shape = model_of(*asked, opset)
    inputs = drawn(*shape, seed=7)
    made = said_by_onnxruntime(model, inputs)
    model, _ = model_of(*asked, opset, width=7 if made is None else made.shape[1])
    expected = said_by_onnxruntime(model, inputs)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return expected, said_here(path, inputs)


@for_each("name", USUAL)
def test_it_is_read_as_onnxruntime_reads_it_or_refused(tmp_path, name):
    opset = 18 if name not in ("GroupNormalization", "Gelu") else 21
    usual, said = by_both(tmp_path, name, {}, opset)
    if name not in NEVER_READ:
        np.testing.assert_allclose(said, usual, rtol=1e-4, atol=1e-5)
    for change in CHANGES.get(name, ()):
        expected, said = by_both(tmp_path, name, change, opset)
        if said is not None:
            assert expected is not None, f"{change}: onnxruntime refuses it"
            np.testing.assert_allclose(said, expected, rtol=1e-4, atol=1e-5, err_msg=str(change))


@for_each("told", [{"axis": 1}, {"axis": 2}, {"axis": 3}, {}])
@for_each("shape", [MAPS, ROW, (2, 6, 1)])
def test_shares_over_all_later_axes_are_those_of_old_operators(tmp_path, monkeypatch, told, shape):
    """Before opset 13."""
    monkeypatch.setitem(USUAL, "old", (shape, "Softmax", ["x"], told, {}))
    expected, said = by_both(tmp_path, "old", {}, 11)
    if said is not None:
        np.testing.assert_allclose(said, expected, rtol=1e-4, atol=1e-5)


@for_each("word", sorted(OPERATORS))
def test_an_attribute_of_any_version_is_listed_or_refused(word):
    from onnx import defs

    operator = OPERATORS[word]
    schemas = [one for one in defs.get_all_schemas_with_history() if one.name == word]
    attributes = {name for schema in schemas for name in schema.attributes}
    for name in attributes - operator.settings.kinds.keys():
        with pytest.raises(GradbookError, match=f"its {name} can't be read"):
            operator.settings.read_whole({name: 1})
    if schemas:  # which an older package hasn't of the newest operators
        assert (operator.inputs or 0) <= max(len(schema.inputs) for schema in schemas)
