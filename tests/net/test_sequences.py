"""Layers that read sequences: shapes, names, texts, counts, and what is refused.

That their values and gradients are right is held by the families of networks, beside PyTorch.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import openpyxl
import pytest

from gradbook.audit.check_book import check
from gradbook.errors import GradbookError, NetTextError
from gradbook.net import Conv, Pool, Sample, parse
from gradbook.net.build import training_step
from gradbook.net.lower import scalar_step
from gradbook.net.measure import measure
from gradbook.net.step import run
from gradbook.report.workbook import write_workbook
from tests.cases import for_each

ECHO = "input 4x2; rnn 3; dense 1; sample 1 2 3 4 5 6 7 8 -> 1"


@for_each(
    ("layers", "shape"),
    [
        ("rnn 3", (3,)),
        ("gru 3 all", (3, 1, 4)),
        ("lstm 3 all", (3, 1, 4)),
        ("attention heads 2 causal", (2, 1, 4)),
        ("conv1d 5 3", (5, 1, 2)),
        ("conv1d 5 3 pad 2x0", (5, 1, 4)),
        ("conv1d 5 2 stride 2", (5, 1, 2)),
        ("conv1d 5 2 dilation 3", (5, 1, 1)),
        ("conv1d 4 2 pad same groups 2", (4, 1, 4)),
        ("maxpool1d 2", (2, 1, 2)),
        ("avgpool1d all", (2, 1, 1)),
        ("positions; rmsnorm", (2, 1, 4)),
        ("sinusoids", (2, 1, 4)),
        ("embed 3", (3, 1, 4)),
        ("tanh; dropout 0.1; rnn 2", (2,)),
    ],
)
def test_the_shape_follows_from_steps_and_features(layers, shape):
    net = parse(f"input 4x2; {layers}; flatten; dense 1")
    assert net.shapes[0] == (2, 1, 4)
    assert net.shapes[-3] == shape
    assert parse(str(net)) == net
    assert all(said in str(net) for said in layers.split("; "))


def test_a_sequence_comes_step_by_step():
    """The first step has the first two numbers of the sample."""
    step = scalar_step(parse(ECHO))
    given = {str(leaf.name): float(values) for leaf, values in step.data.items()}
    assert given == {
        "i1(1)": 1,
        "i2(1)": 2,
        "i1(2)": 3,
        "i2(2)": 4,
        "i1(3)": 5,
        "i2(3)": 6,
        "i1(4)": 7,
        "i2(4)": 8,
        "t1": 1,
    }


def test_sinusoids_are_those_of_the_paper_and_stay():
    """PE(pos, 2i) = sin(pos / 10000^(2i/d)) and PE(pos, 2i + 1) = cos of the same."""
    net = parse("input 5x4; sinusoids; flatten; dense 1; loss half squared error; rate 0.5")
    first, last = run(training_step(net), 2)
    (leaf,) = (node for node in training_step(net).weights if node.shape == (20,))
    place, pair = np.arange(5)[:, None], np.arange(2)[None]
    angles = place / 10000 ** (2 * pair / 4)
    expected = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(5, 4)
    for values in (first, last):
        found = {str(node.name): x for node, x in values.items() if node.name}[str(leaf.name)]
        assert pytest.approx(expected, abs=1e-15) == found.reshape(4, 5).T
    assert measure(net).trained == net.count() == 20 + 1


def test_a_picture_of_the_same_sizes_is_laid_out_row_by_row_as_before():
    assert parse("input 4x2; flatten; dense 1").shapes[:2] == ((4, 2), (8,))


def test_values_are_called_by_unit_and_step():
    names = scalar_step(parse("input 2x1; rnn 2; dense 1")).graph.by_name
    assert {"h1(1)", "h2(2)", "a_h1(1)", "a_h2(2)", "o1"} <= names.keys()
    names = scalar_step(parse("input 2x1; lstm 1 all; gru 1; dense 1")).graph.by_name
    assert {"h_forget_1_1(2)", "a_cell_1_1(2)", "a_reset_2_1(1)", "a_state_2_1(2)"} <= names.keys()
    names = scalar_step(parse("input 2x1; attention causal; flatten; dense 1")).graph.by_name
    assert {"h_query_1(1)", "h_score_2_1", "a_share_2_2"} <= names.keys()


def test_no_step_sees_those_after_it():
    """What a causal layer makes of the first two steps is the same whatever follows."""
    net = parse("input 4x2; attention heads 2 causal; conv1d 1 1")
    first, other = ((*(0.3, -0.2, 0.5, 0.1), *rest) for rest in ((1, 2, 3, 4), (9, 8, 7, 6)))
    outputs = []
    for inputs in (first, other):
        step = training_step(net.with_samples([Sample(inputs, (0,) * 4)]))
        outputs.append(next(run(step, 1))[step.outputs[0]].ravel())
    assert outputs[0][:2] == pytest.approx(outputs[1][:2], abs=1e-15)
    assert abs(outputs[0][2:] - outputs[1][2:]).min() > 1e-3


ALONE = "input 4x2; conv1d 2 1; {}; conv1d 1 1"
LATER = {
    "layernorm": "placenorm",
    "groupnorm 1": "placenorm",
    "instancenorm": "placenorm",
    "attention": "make it 'causal'",
    "conv1d 2 3 pad same": "pad 2x0",
    "conv1d 2 3 pad 1": "pad 2x0",
    "conv1d 2 2 pad 0x1": "pad 1x0",
    "maxpool1d 3 stride 1 pad 1": "pad 2x0",
    "avgpool1d 3 stride 1 pad 1": "pad 2x0",
    "convtranspose 2 1x3 pad 0x1": "padding",
    "avgpool1d all; multiply back 1": "leave it out",
    "rnn 2; multiply back 1": "leave it out",
}
EARLIER = ("placenorm", "rmsnorm", "batchnorm", "rnn 2 all", "conv1d 2 3 pad 2x0", "positions")
EARLIER += ("sinusoids", "attention causal", "tanh", "softmax", "quantize 4 signed")
EARLIER += ("convtranspose 2 1x3 pad 0x0x0x2", "conv1d 2 2 pad 2x0 dilation 2")


def reach(lines: str) -> float:
    """How far the answer at the first step moves when only the last step's features do."""
    net = parse(ALONE.format(lines))
    weights = net.start_values()
    random = np.random.default_rng(3)
    start = {role: tuple(random.uniform(0.5, 1, len(values))) for role, values in weights.items()}
    answers = []
    for last in ((0.4, 0.7), (0.9, 0.8)):
        sample = Sample((0.3, -0.2, 0.5, 0.1, -0.4, 0.6, *last), (0,) * 4)
        step = training_step(replace(net, samples=(sample,), start=start))
        answers.append(next(run(step, 1))[step.outputs[0]].ravel())
    return float(abs(answers[0][:3] - answers[1][:3]).max())


@for_each("layer", LATER)
@for_each("order", ["attention causal; {}", "{}; attention causal"])
def test_what_brings_later_steps_into_a_causal_network_is_refused_with_what_to_do(layer, order):
    """And it does: without the causal layer, its first answers hang on the last step."""
    assert reach(layer) > 1e-6
    with pytest.raises(NetTextError, match="attention causal") as refusal:
        parse(ALONE.format(order.format(layer)))
    assert LATER[layer] in str(refusal.value)
    parse(f"input 4x2; conv1d 2 1; {order.format(layer)}; flatten; dense 1")  # answers once


@for_each("layer", EARLIER)
def test_what_reads_no_later_steps_stands_beside_causal_attention(layer):
    causal = f"{layer}; attention causal; {layer}"
    parse(ALONE.format(causal))
    if layer != "batchnorm":  # which shares its mean with all steps in training, not at work
        assert reach(causal) == 0


def test_a_step_without_a_target_does_not_count():
    """Its own values change nothing, and the mean is over the others."""
    text = "input 2x1; conv1d 2 1; softmax; loss cross-entropy; sample {} 0.5 -> {}"
    alone = training_step(parse(text.format(0.3, "0 0 1 0")))
    other = training_step(parse(text.format(0.9, "0 0 1 0")))
    both = training_step(parse(text.format(0.3, "0 1 1 0")))
    losses = [float(next(run(step, 1))[step.loss]) for step in (alone, other, both)]
    assert losses[0] == losses[1] != losses[2]


def test_each_use_of_a_weight_is_counted():
    """4 steps of 2 features to 3 units, 3 times from state to state, and the output."""
    rnn, dense = measure(parse(ECHO)).layers
    assert rnn.parameters == 3 * 2 + 3 * 3 + 3
    assert rnn.macs == 4 * 3 * 2 + 3 * 3 * 3 + 4 * 3
    assert dense.macs == 3 + 1


@pytest.mark.witness("torch")
def test_the_gru_of_2014_is_another_than_that_of_today():
    import torch

    from tests.outside.torch_sequences import reset_before

    text = "input 3x2; gru 2{}; dense 1; sample 1 0 0.5 -1 0.2 0.3 -> 1; seed 5"
    now, then = parse(text.format("")), parse(text.format(" reset_before"))
    assert now.count() == then.count() + 2  # the bias of what the state adds
    step = training_step(then)
    values = next(run(step, 1))
    own = {str(leaf.name): torch.tensor(step.start[leaf]) for leaf in step.weights}
    gates = ("reset", "update", "new")
    fed = torch.cat([own[f"w_{gate}_layer_0"].flatten(1) for gate in gates])
    back = torch.cat([own[f"w_{gate}_recurrent_layer_0"] for gate in gates])
    bias = torch.cat([own[f"b_{gate}_layer_0"] for gate in gates])
    x = torch.tensor(values[step.inputs[0]]).T[None]
    state = reset_before(x, fed, back, bias)[0, -1]
    (made,) = [node for node in step.graph.nodes if str(node.name) == "a_state(3)"]
    assert np.asarray(values[made]) == pytest.approx(state.numpy(), abs=1e-14)


def test_a_window_over_steps_has_one_row():
    assert Conv(2, 3, row=True).kernel == (1, 3)
    assert Pool("max", 2, pad=1, row=True).pad == (0, 1, 0, 1)
    with pytest.raises(GradbookError, match="one row, not 3x2"):
        Conv(2, (3, 2), row=True)


def test_two_parameters_never_become_one():
    net = parse("input 3x2; lstm 2; dense 1")
    assert len({str(it.leaf) for it in net.parameters}) == len(net.parameters) == 14


def test_a_workbook_of_one_sequence_has_names_that_excel_takes(tmp_path):
    write_workbook(parse(ECHO), tmp_path / "book.xlsx", epochs=3)  # a warning is an error here
    names = openpyxl.load_workbook(tmp_path / "book.xlsx").defined_names
    assert {"i2_step_4_given", "i1_step_1_given", "w1_start"} <= set(names)
    assert check(tmp_path / "book.xlsx").verdict == "right"
