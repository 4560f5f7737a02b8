"""ONNX models of others, written by PyTorch and by us, held against what PyTorch says of them."""

import warnings
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradbook.cli.main import main
from gradbook.errors import GradbookError
from gradbook.formats.onnx.read import read_onnx
from gradbook.formats.onnx.write import onnx_bytes
from gradbook.lab.models.importing import import_model
from gradbook.layers.card import Role
from gradbook.layers.pools import Pool
from gradbook.layers.wiring import Dropout
from gradbook.net import Net
from tests.cases import for_each
from tests.families import averages_with_gaps, networks
from tests.formats.architectures import ODD, made
from tests.formats.steps import slopes
from tests.trained import by_the_graph, drawn, model_of, sequences_model_of, trained_of

pytestmark = pytest.mark.witness("onnx", "torch")


def counts_as_others_do(net: Net) -> bool:
    """Whether no average is written as sums over how much counts at each place, it answers once
    and rounds nothing."""
    if len(net.shapes[-1]) > 1 or any(layer.has_few_values for layer in net.layers):
        return False
    pools = [layer for layer in net.layers if isinstance(layer, Pool)]
    return not averages_with_gaps(net) and not any(pool.ceil and pool.zeros for pool in pools)


@settings(max_examples=25)
@given(networks(dropout=True, depth=6, enlarged=False).filter(counts_as_others_do), st.booleans())
def test_what_we_wrote_comes_back(tmp_path_factory, net, fold):
    path = tmp_path_factory.getbasetemp() / "ours.onnx"
    path.write_bytes(onnx_bytes(trained_of(net), fold=fold))
    imported = read_onnx(path)
    inputs = np.random.default_rng(1).uniform(-1, 1, (4, *net.input)).astype(np.float32)
    expected = by_the_graph(net, drawn(net), inputs)
    outputs = by_the_graph(imported.net, dict(imported.values), inputs)
    np.testing.assert_allclose(
        outputs, expected, rtol=1e-5, atol=1e-5 * max(1, abs(expected).max())
    )


def test_values_of_few_bits_are_refused_in_a_line(tmp_path):
    net = Net.parse("input 1x6x6; conv 2 3x3; relu; quantize 4; flatten; dense 3")
    (tmp_path / "net.onnx").write_bytes(onnx_bytes(trained_of(net)))
    with pytest.raises(GradbookError, match="Floor 'quantize1.whole': gradbook has no such layer"):
        read_onnx(tmp_path / "net.onnx")


def test_without_folding_the_layers_are_the_same_but_for_dropout(tmp_path):
    net = Net.parse(
        "input 1x6x6; conv 3 3x3 pad 1 no bias; batchnorm; gelu; dropout 0.1; maxpool 2; "
        "depthwise 3x3; silu; mish; flatten; dense 5; relu6; dense 5; exact gelu; dense 4; "
        "hard swish; dense 4; elu; dense 3; log softmax"
    )
    (tmp_path / "net.onnx").write_bytes(onnx_bytes(trained_of(net), fold=False))
    imported = read_onnx(tmp_path / "net.onnx")
    assert imported.net.layers == tuple(x for x in net.layers if not isinstance(x, Dropout))


def test_more_than_100_layers_are_read(tmp_path):
    """Of residual blocks, as ResNets have them."""
    block = "conv 2 3x3 pad 1; relu; conv 2 3x3 pad 1; add back 3; relu; "
    net = Net.parse(f"input 1x6x6; conv 2 1x1; relu; {block * 40}flatten; dense 3")
    assert len(net.layers) == 204
    (tmp_path / "net.onnx").write_bytes(onnx_bytes(trained_of(net)))
    imported = read_onnx(tmp_path / "net.onnx")
    inputs = np.random.default_rng(1).uniform(-1, 1, (2, 1, 6, 6)).astype(np.float32)
    expected = by_the_graph(net, drawn(net), inputs)
    outputs = by_the_graph(imported.net, dict(imported.values), inputs)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4)


def exported(torch, name, path):
    """The module, written by PyTorch, and some inputs for it."""
    module, shape = made(torch, name)
    inputs = torch.rand(5, *shape) * 2 - 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, inputs, path, input_names=["x"], dynamic_axes={"x": {0: "N"}}, dynamo=False
        )
    return module, inputs


@for_each("name", ODD)
def test_pytorchs_networks_say_what_they_said_there(torch, tmp_path, name):
    module, inputs = exported(torch, name, tmp_path / "net.onnx")
    imported = read_onnx(tmp_path / "net.onnx")
    outputs = by_the_graph(imported.net, dict(imported.values), inputs.numpy())
    with torch.no_grad():
        expected = module(inputs).numpy()
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-5)


@for_each("name", ["LeNet-5", "wide pools", "dilated"])
def test_gradients_of_a_step_are_pytorchs(torch, tmp_path, name):
    module, inputs = exported(torch, name, tmp_path / "net.onnx")
    labels = torch.tensor([0, 3, 2, 9, 3])
    torch.nn.functional.cross_entropy(module(inputs), labels).backward()
    net = read_onnx(tmp_path / "net.onnx").net
    ours = slopes(net, inputs.numpy(), labels.numpy())
    order = sorted(net.parameters, key=lambda p: (p.layer, p.role is Role.BIAS))
    for parameter, theirs in zip(order, module.parameters(), strict=True):
        own = ours[str(parameter.leaf)]
        np.testing.assert_allclose(own, theirs.grad, rtol=1e-4, atol=1e-6)


def written(tmp_path, nodes, shape, *tensors):
    """A model of nodes that read x and make y."""
    from onnx import TensorProto, helper, numpy_helper, save

    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *shape])
    said = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", None])
    constants = [numpy_helper.from_array(array, name) for name, array in tensors]
    graph = helper.make_graph(nodes, "net", [given], [said], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    save(model, tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


@for_each("steps", ["gated", "centred"])
def test_padding_before_something_else_than_a_window_is_a_layer(tmp_path, steps):
    from onnx import helper

    nodes = [helper.make_node("Pad", ["x", "sides"], ["padded"])]
    if steps == "gated":  # a SiLU in two nodes
        nodes.append(helper.make_node("Sigmoid", ["padded"], ["gate"]))
        nodes.append(helper.make_node("Mul", ["padded", "gate"], ["made"]))
    else:
        names = (["padded", "one", "zero"], ["made"])
        nodes.append(helper.make_node("InstanceNormalization", *names))
    nodes.append(helper.make_node("Conv", ["made", "w"], ["c"]))
    nodes.append(helper.make_node("Flatten", ["c"], ["y"]))
    path = written(
        tmp_path,
        nodes,
        (1, 4, 4),
        ("sides", np.array([0, 0, 1, 2, 0, 0, 1, 0])),
        ("one", np.ones(1, np.float32)),
        ("zero", np.zeros(1, np.float32)),
        ("w", np.random.default_rng(1).normal(size=(2, 1, 3, 3)).astype(np.float32)),
    )
    imported = read_onnx(path)
    inputs = np.random.default_rng(2).normal(size=(3, 1, 4, 4)).astype(np.float32)
    outputs = by_the_graph(imported.net, dict(imported.values), inputs.astype(float))
    np.testing.assert_allclose(outputs, by_onnxruntime(path, inputs), atol=1e-5)


def test_a_bias_stays_apart_from_sums_that_are_read_without_it(tmp_path):
    from onnx import helper

    random = np.random.default_rng(1)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["sums"]),
        helper.make_node("Identity", ["sums"], ["same"]),
        helper.make_node("Add", ["same", "b"], ["shifted"]),
        helper.make_node("Tanh", ["shifted"], ["bent"]),
        helper.make_node("Add", ["bent", "sums"], ["y"]),
    ]
    tensors = [("w", random.normal(size=(3, 4))), ("b", random.normal(size=4))]
    path = written(tmp_path, nodes, (3,), *((n, t.astype(np.float32)) for n, t in tensors))
    inputs = random.normal(size=(5, 3)).astype(np.float32)
    imported = read_onnx(path)
    outputs = by_the_graph(imported.net, dict(imported.values), inputs)
    np.testing.assert_allclose(outputs, by_onnxruntime(path, inputs), rtol=1e-5, atol=1e-6)


@for_each("word", ["ReduceMean", "ReduceMax"])
def test_rows_and_columns_are_reduced(word, tmp_path):
    from onnx import helper

    nodes = [
        helper.make_node(word, ["x"], ["each"], axes=[3, -2], keepdims=0),
        helper.make_node("MatMul", ["each", "w"], ["y"]),
    ]
    random = np.random.default_rng(1)
    weights = random.normal(size=(3, 2)).astype(np.float32)
    path = written(tmp_path, nodes, (3, 4, 5), ("w", weights))
    inputs = random.normal(size=(6, 3, 4, 5)).astype(np.float32)
    imported = read_onnx(path)
    outputs = by_the_graph(imported.net, dict(imported.values), inputs)
    np.testing.assert_allclose(outputs, by_onnxruntime(path, inputs), rtol=1e-5, atol=1e-6)


def test_all_that_has_no_layer_is_told_at_once(tmp_path):
    from onnx import helper

    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="first", pads=[0, 0, 3, 0]),
        helper.make_node("Sin", ["c"], ["u"], name="second"),
        helper.make_node("Erf", ["u"], ["e"], name="erf"),
        helper.make_node("MaxPool", ["e"], ["p", "i"], name="third", kernel_shape=[2, 3]),
        helper.make_node("Flatten", ["p"], ["y"]),
    ]
    path = written(tmp_path, nodes, (1, 9, 9), ("w", np.ones((2, 1, 3, 3), np.float32)))
    with pytest.raises(GradbookError) as caught:
        read_onnx(path)
    text = str(caught.value)
    assert "Conv 'first': with pad 0x0x3x0 a window 3x3 may cover only padding" in text
    assert "Sin 'second': gradbook has no such layer" in text
    assert "Erf 'erf': gradbook has no activation that computes this" in text
    assert "MaxPool 'third': only the largest values can be read" in text


def by_onnxruntime(path, inputs):
    from onnxruntime import InferenceSession

    return InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": inputs})[0]


MOVES = [
    {"auto_pad": "SAME_UPPER", "strides": [2, 3]},
    {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
    {"auto_pad": "VALID", "strides": [1, 2]},
    {"pads": [1, 0, 2, 1], "strides": [2, 1]},
    {"pads": [0, 1, 0, 1], "strides": [2, 2], "ceil_mode": 1},
    {"ceil_mode": 1, "strides": [3, 2]},
]
GAPS = {"dilations": [2, 1]}  # which onnxruntime's pools don't have together with auto_pad
OPERATORS = [
    *(("Conv", moves) for moves in MOVES[:4]),
    *(("Conv", moves | GAPS) for moves in MOVES[2:4]),
    *((word, moves) for word in ("MaxPool", "AveragePool") for moves in MOVES),
    *(("MaxPool", moves | GAPS) for moves in MOVES[3:]),
    *(("AveragePool", moves | {"count_include_pad": 1}) for moves in MOVES),
]


@for_each(("word", "told"), OPERATORS, ids=str)
def test_windows_go_as_in_onnxruntime(tmp_path, word, told):
    from onnx import helper

    weights = [("w", np.random.default_rng(0).normal(size=(2, 2, 3, 2)).astype(np.float32))]
    if word == "Conv":
        window = helper.make_node(word, ["x", "w"], ["c"], **told)
    else:
        weights = []
        window = helper.make_node(word, ["x"], ["c"], kernel_shape=[3, 2], **told)
    inputs = np.random.default_rng(1).normal(size=(3, 2, 9, 8)).astype(np.float32)
    flat = [window, helper.make_node("Flatten", ["c"], ["y"])]
    flat = written(tmp_path, flat, (2, 9, 8), *weights)
    ones = np.ones(by_onnxruntime(flat, inputs).shape[1], np.float32)
    nodes = [
        window,
        helper.make_node("Flatten", ["c"], ["f"]),
        helper.make_node("BatchNormalization", ["f", *"oooo"], ["y"]),  # something to train
    ]
    path = written(tmp_path, nodes, (2, 9, 8), *weights, ("o", ones))
    expected = by_onnxruntime(path, inputs)
    imported = read_onnx(path)
    outputs = by_the_graph(imported.net, dict(imported.values), inputs)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-5)


def test_a_tensor_in_another_file_is_read_from_beside_it_alone(tmp_path):
    import onnx
    from onnx import helper

    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    nodes = [helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)]
    path = written(tmp_path, nodes, (3,), ("w", weight))
    model = onnx.load(path)
    (tensor,) = model.graph.initializer
    onnx.external_data_helper.set_external_data(tensor, "weights.bin")
    (tmp_path / "weights.bin").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    path.write_bytes(model.SerializeToString())
    np.testing.assert_array_equal(read_onnx(path).values["w_layer_0"], weight)
    for elsewhere in ("../weights.bin", str(tmp_path / "weights.bin"), ".."):
        tensor.external_data[0].value = elsewhere
        path.write_bytes(model.SerializeToString())
        with pytest.raises(GradbookError, match="only files in the same folder"):
            read_onnx(path)


def test_a_setting_that_cannot_be_is_told_with_what_it_may_be(tmp_path):
    from onnx import helper

    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="first", strides=[2**20, 1]),
        helper.make_node("MaxPool", ["c"], ["p"], name="second", kernel_shape=[2, 2], pads=[1, 1]),
        helper.make_node("LeakyRelu", ["p"], ["y"], name="third", alpha=float("inf")),
    ]
    path = written(tmp_path, nodes, (1, 9, 9), ("w", np.ones((2, 1, 3, 3), np.float32)))
    with pytest.raises(GradbookError) as caught:
        read_onnx(path)
    first, second, third = str(caught.value).split("; ")
    assert first.endswith(
        "Conv 'first': its strides, entry 1 is a whole number from 1 to 65,536, not 1048576"
    )
    assert second == "MaxPool 'second': its pads is a list of 4, not a list of 2"
    assert third == "LeakyRelu 'third': its alpha is a number, not inf"


ODD = (0, -1, 2**62, -1.5, float("nan"), [0], [-1, 2], [1, 2, 3], [2**40] * 4, [0.5], "x", b"\xff")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_nodes_say_and_are_given_is_told_in_one_line(tmp_path_factory, data):
    from onnx import helper, load_from_string, numpy_helper

    net = Net.parse(
        "input 2x8x8; conv 4 3x3 pad 1; batchnorm; leaky relu 0.1; avgpool 2; groupnorm 2; "
        "placenorm; maxpool 2; flatten; dense 4; layernorm; dense 3; log softmax"
    )
    model = load_from_string(onnx_bytes(trained_of(net), fold=False))
    node = data.draw(st.sampled_from(model.graph.node))
    for attribute in list(node.attribute):
        if data.draw(st.booleans()):
            node.attribute.remove(attribute)
            node.attribute.append(
                helper.make_attribute(attribute.name, data.draw(st.sampled_from(ODD)))
            )
    constants = [x for x in model.graph.initializer if x.name in node.input]
    for constant in constants:
        if data.draw(st.booleans()):
            numbers = np.array(data.draw(st.sampled_from([o for o in ODD if isinstance(o, list)])))
            kind = np.int64 if constant.data_type == 7 else np.float32
            constant.CopyFrom(numpy_helper.from_array(numbers.astype(kind), constant.name))
    path = tmp_path_factory.getbasetemp() / "odd.onnx"
    path.write_bytes(model.SerializeToString())
    with suppress(GradbookError):
        read_onnx(path)


def test_a_file_of_ours_brings_its_classes_and_its_preparation(tmp_path):
    model = model_of("input 3x6x6; conv 3 3x3 pad 1; relu; flatten; dense 3; softmax")
    images = np.random.default_rng(0).integers(0, 256, (5, 3, 6, 6), np.uint8)
    for prepared in (False, True):
        model.export(tmp_path / "net.onnx", with_preparation=prepared)
        back = import_model(tmp_path / "net.onnx")
        np.testing.assert_allclose(back.predict(images), model.predict(images), atol=1e-6)
        assert back.classes == model.classes or prepared


AGAIN = (
    "input 1x9x9; conv 4 3x3; relu; conv 4 3x3 pad 1; batchnorm; dropout 0.1; relu; again 3; "
    "flatten; dense 3; tanh; dense 3; groupnorm 1; again 2; dense 3; layernorm; again 2; softmax"
)


def test_weights_that_are_applied_again_come_back_as_one(tmp_path):
    net = Net.parse(AGAIN)
    (tmp_path / "net.onnx").write_bytes(onnx_bytes(trained_of(net), fold=False))
    imported = read_onnx(tmp_path / "net.onnx")
    assert [(one.layers, one.times) for one in imported.net.again] == [(3, 3), (2, 2), (2, 2)]
    assert imported.net.count() == net.count()
    assert not imported.remarks


def test_where_normalisation_was_folded_they_are_kept_apart_and_that_is_said(tmp_path):
    net = Net.parse(AGAIN)
    (tmp_path / "net.onnx").write_bytes(onnx_bytes(trained_of(net), fold=True))
    imported = read_onnx(tmp_path / "net.onnx")
    assert [(one.layers, one.times) for one in imported.net.again] == [(2, 2), (2, 2)]
    assert imported.remarks[-1].startswith("Conv 'conv2', Conv 'conv3', Conv 'conv4' have the same")


def test_a_module_that_pytorch_wrote_several_times_is_a_layer_applied_again(torch, tmp_path):
    exported(torch, "applied again", tmp_path / "net.onnx")
    found = read_onnx(tmp_path / "net.onnx").net
    assert [one.times for one in found.again] == [3, 2]


@for_each(
    "layers",
    [
        "gru 4 all; conv1d 3 2; relu; lstm 3",
        "rnn 3",
        "gru 3 all reset_before; avgpool1d all; flatten",
        "conv1d 4 3 pad same; batchnorm; relu; maxpool1d 2; flatten",
        "conv1d 4 1; positions; rmsnorm; attention heads 2 causal; add back 2; gru 3",
        "conv1d 1 3; logrelu; flatten",
    ],
)
def test_a_table_of_sequences_comes_back(tmp_path, layers):
    model, rows = sequences_model_of(f"input 8x3; {layers}; dense 3; softmax")
    model.export(tmp_path / "net.onnx")
    back = import_model(tmp_path / "net.onnx")
    np.testing.assert_allclose(back.answers(rows), model.answers(rows), atol=1e-6)


def test_what_answers_at_every_step_is_imported_as_a_text(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    net = Net.parse("input 8x3; gru 4 all; conv1d 2 1; softmax")
    (tmp_path / "net.onnx").write_bytes(onnx_bytes(trained_of(net)))
    assert main(["import", "net.onnx", "-o", "net.txt"]) == 0
    assert Net.parse((tmp_path / "net.txt").read_text("utf-8")).layers == net.layers
    assert main(["import", "net.onnx", "-o", "net.safetensors"]) == 2
    assert "it answers at every step (2x1x8), which no model does" in capsys.readouterr().err
