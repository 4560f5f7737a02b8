"""Values and gradients by name: those of the graph in single values, for one sample and several."""

from __future__ import annotations

import numpy as np
import pytest

import gradbook as gb
from gradbook.errors import ShapeError, UsageError
from gradbook.graph.reference import evaluate
from gradbook.net import LESSONS, Net, builtin
from gradbook.net.build import training_step
from gradbook.net.lower import scalar_step
from tests.cases import for_each

DROPPED = "input 2; dense 3; dropout 0.5; dense 1; sample 1 2 -> 3"
NETS = [*map(builtin, LESSONS), Net.parse("input 2; dense 2 shared bias; prelu; dense 1 no bias")]


@for_each("net", NETS, ids=lambda net: net.name or "plain")
def test_they_are_those_of_the_single_values(net):
    step = scalar_step(net)
    known = {str(name): node for node, name in step.graph.names.items()}
    given = {**step.start, **step.data, step.rate: np.asarray(net.learning_rate)}
    values, slopes = net.forward(), net.gradients()
    assert {str(node.name) for node in (*step.inputs, *step.outputs, step.loss)} <= values.keys()
    assert slopes.keys() == {str(weight.name) for weight in step.trained}
    found = values | {f"∂E/∂{name}": slope for name, slope in slopes.items()}
    alike = [name for name in found if name in known]
    assert len(alike) >= len(slopes) + len(net.shapes)
    right = evaluate([known[name] for name in alike], given)
    for name in alike:
        assert found[name] == pytest.approx(right[known[name]], rel=1e-12, abs=1e-15), name


def test_a_row_of_samples_gives_arrays_and_a_sample_numbers():
    net = builtin("xor")
    one, row = net.forward([0, 1]), net.forward([[0, 1]])
    assert one["h1"].shape == ()
    assert row["h1"].shape == (1,)
    assert net.forward([[0, 1], [1, 1], [0, 0]])["h1"].shape == (3,)
    assert row["h1"][0] == one["h1"]


def test_errors_are_told_where_targets_are_given():
    net = builtin("worked")
    assert not {"t1", "E1", "E_total"} & net.forward([1, 0]).keys()
    assert {"t1", "E1", "E_total"} <= net.forward([1, 0], [0, 1]).keys()


def test_several_samples_share_an_error():
    net = builtin("worked")
    inputs, targets = np.array([[0, 1], [1, 0]]), np.array([[1, 0], [0.5, 0.5]])
    alone = [net.gradients(*pair)["w1"] for pair in zip(inputs, targets, strict=True)]
    assert net.gradients(inputs, targets)["w1"] == pytest.approx(np.mean(alone), rel=1e-12)


def test_dropout_lets_everything_through():
    plain = DROPPED.replace("dropout 0.5; ", "")
    assert Net.parse(DROPPED).gradients() == Net.parse(plain).gradients()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (([1, 2, 3],), "inputs: 3 numbers, but each sample has 2 numbers: give 2 numbers for one"),
        (([1, 2], [1, 2, 3]), "targets: 3 numbers, but each sample has 2 numbers"),
        (([[1, 2], [3]],), "inputs must be rows of numbers, all of the same length"),
        (("ab",), "inputs must be rows of numbers"),
        ((None, [1, 2]), "these targets have no inputs"),
        (([[1, 2]], [[1, 2], [1, 2]]), "1 row of inputs, but 2 of targets"),
    ],
)
def test_what_does_not_fit_is_said(given, said):
    with pytest.raises(gb.GradbookError, match=said):
        builtin("worked").forward(*given)


def test_a_gradient_needs_targets():
    with pytest.raises(gb.GradbookError, match="give the targets too"):
        builtin("worked").gradients([1, 2])


def test_layers_may_be_records_and_lines_of_the_text_form():
    net = gb.Net(2, [gb.Dense(3), "tanh", "dense 3; tanh", "again 2", gb.Dense(1)])
    assert str(net) == "input 2\ndense 3\ntanh\ndense 3\ntanh\nagain 2\ndense 1\n"
    assert Net.parse(str(net)) == net


@for_each(
    ("layers", "said"),
    [
        (["dens 3"], "layer 1, line 1, column 1: unknown layer 'dens': did you mean 'dense'?"),
        (["dense 3", 4], "layer 2 must be a layer, such as Dense(2), not 4"),
        (["dense 2", "rate 3"], "layer 2, line 1, column 1: 'rate' isn't a layer"),
        (["flatten", gb.Conv(2, (3, 3))], "layer 2: conv takes channels x height x width"),
    ],
)
def test_a_layer_that_cannot_be_meant_is_placed(layers, said):
    with pytest.raises(gb.GradbookError) as raised:
        gb.Net(2, layers)
    assert str(raised.value).startswith(said)


@for_each("network", ["worked", "input 2; dense 1; sample 1 2 -> 3"])
def test_a_network_may_be_named_or_typed(network):
    assert "w1" in str(gb.explain(network, "w1"))
    assert "verdict and why" in str(gb.sweep(network, [0.1], epochs=5))


@for_each("what", [3, "wroked"])
def test_what_is_no_network_is_said(what):
    with pytest.raises(gb.GradbookError, match="a network must be a gb.Net|did you mean 'worked'"):
        gb.sweep(what)


def test_a_workbook_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(gb.GradbookError, match="doesn.t exist"):
        gb.check(tmp_path / "none.xlsx")


CLASSES = "input 3; dense 4; tanh; dense 3; softmax"


@pytest.mark.witness("torch")
def test_gradients_by_layer_are_those_of_pytorch_with_classes_by_their_numbers():
    import torch

    net = Net.parse(f"{CLASSES}; loss cross-entropy")
    random = np.random.default_rng(0)
    x, y = random.normal(size=(7, 3)), random.integers(0, 3, 7)
    start = training_step(net, 7).start
    leaves = {str(leaf.name): torch.tensor(np.asarray(values)) for leaf, values in start.items()}
    for tensor in leaves.values():
        tensor.requires_grad_()
    hidden = torch.tanh(torch.tensor(x) @ leaves["w_layer_0"].T + leaves["b_layer_0"])
    sums = hidden @ leaves["w_layer_2"].T + leaves["b_layer_2"]
    torch.nn.functional.cross_entropy(sums, torch.tensor(y)).backward()
    found = net.gradients(x, y)
    for name, leaf in (("dense1.weight", "w_layer_0"), ("dense2.bias", "b_layer_2")):
        np.testing.assert_allclose(found[name], leaves[leaf].grad, atol=1e-12)
    assert list(found)[:2] == ["w1", "w2"]
    assert net.forward(x, y)["E_total"] == net.forward(x, np.eye(3)[y])["E_total"]
    assert net.gradients(x[0], y[0])["w1"] == net.gradients(x[0], np.eye(3)[y[0]])["w1"]


def test_many_gradients_are_listed_by_layer_and_found_by_both_names():
    net = Net.parse("input 40; dense 30; tanh; dense 2; softmax; loss cross-entropy")
    found = net.gradients(np.ones((2, 40)), [0, 1])
    assert list(found) == ["dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias"]
    assert found["w41"] == found["dense1.weight"][1, 0]
    with pytest.raises(UsageError, match=r"no weights 'dense3.weight': did you mean"):
        found["dense3.weight"]
    with pytest.raises(ShapeError, match="classes are numbered from 0 to 1"):
        net.gradients(np.ones((2, 40)), [0, 2])
