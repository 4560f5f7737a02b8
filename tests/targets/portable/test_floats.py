"""Portable C in floats, compiled strictly and held against the graph's own evaluation."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings

from gradbook.builtin_networks import BUILTIN, LETTERS
from gradbook.errors import TargetError
from gradbook.lab.models.model import Model
from gradbook.net import Net
from gradbook.net.trained import Scaling, TrainedNet, trained_net
from gradbook.targets.portable.c_file import c_file
from tests.cases import for_each
from tests.families import networks
from tests.targets.portable.compiled import called, has_words_for, streamed
from tests.targets.portable.networks import OF_IMAGES
from tests.trained import (
    by_the_graph,
    drawn,
    holed_model_of,
    is_rounded_alike,
    model_of,
    sequences_model_of,
    table_model_of,
    with_ranges,
)

pytestmark = pytest.mark.witness("cc")


def images_for(model: Model, count: int = 4) -> np.ndarray:
    random = np.random.default_rng(1)
    return random.integers(0, 256, (count, *model.net.input), np.uint8)


def read_by_c(model: Model, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    trained = model.trained()
    return called(c_file(trained, "net", None).text, "net", images, len(model.classes))


@settings(max_examples=25)
@given(networks(dropout=True, depth=6).filter(has_words_for))
def test_any_network_says_in_c_what_it_says_here(net):
    means = [0.3] * (net.input[0] if len(net.input) == 3 else 1)
    classes = [str(k) for k in range(max(net.outputs, 2))]
    model = Model(net, drawn(net), means, [0.2] * len(means), classes)
    images = images_for(model)
    assume(is_rounded_alike(net, model.values, (images / 255 - 0.3) / 0.2))
    _, probabilities = read_by_c(model, images)
    np.testing.assert_allclose(probabilities, model.predict(images), atol=1e-5, rtol=1e-4)


OF_FLOATS = [
    "conv 3 3x3 pad 1; relu; conv 3 3x3; batchnorm; relu; again 3; flatten; dense 3; log softmax",
    "conv 4 3x3 stride 2; gelu; maxpool 2; flatten; batchnorm; dense 3; softmax",
    "conv 4 3x3; relu6; maxpool 2; flatten; dense 5; exact gelu; dense 5; hard swish; dense "
    "4; elu; dense 3; softmax",
    "conv 4 3x3; maxpool 3 stride 2; silu; avgpool all; flatten; dense 3; softmax",
    "conv 4 3x3 pad 1; groupnorm 2; relu; conv 4 3x3 pad 1; instancenorm epsilon 0.01; add "
    "back 3; groupnorm 1; maxpool 2; flatten; layernorm; dense 6; layernorm; tanh; dense 3; "
    "softmax",
    "flatten; dense 5; leaky relu 0.1; dense 1; sigmoid; loss binary cross-entropy",
    "conv 3 5x5; maxpool all; flatten; softmax",
    "conv 4 3x3; prelu; maxpool 2; flatten; dense 4; prelu shared; dense 3; softmax",
    "conv 4 3x3; relu; quantize 3; maxpool 2; conv 3 2x2; quantize 5 signed; flatten; dense "
    "3; tanh; quantize 4 signed; dense 3; softmax",
    "conv 2 3x3; upsample 2; convtranspose 2 4x4 stride 3x1 pad 1x0x3x2; maxpool 2; "
    "flatten; dense 3; softmax",
    "conv 4 3x3 pad 1; rmsnorm; relu; rmsnorm plain; flatten; dense 3; softmax",
]


@for_each("layers", [*OF_IMAGES, *OF_FLOATS])
@for_each("size", ["1x9x8", "3x9x8"])
def test_layers_that_are_done_together_say_the_same(size, layers):
    model = model_of(f"input {size}; {layers}")
    images = images_for(model, 9)
    classes, probabilities = read_by_c(model, images)
    np.testing.assert_allclose(probabilities, model.predict(images), atol=2e-6)
    np.testing.assert_array_equal(classes, probabilities.argmax(axis=1))


def test_an_image_that_is_read_flat_is_normalised_once_for_all_its_pixels():
    model = model_of("input 64; dense 4; relu; dense 3; softmax")
    text = c_file(model.trained(), "net", None).text
    assert "scales[8]" in text  # one of the image, four and three of the sums
    np.testing.assert_allclose(
        read_by_c(model, images_for(model))[1], model.predict(images_for(model)), atol=2e-6
    )


def test_what_has_a_name_in_a_recurrent_layer_has_it_in_c_and_nothing_else():
    model, _ = sequences_model_of("input 4x2; gru 2; dense 2; softmax")
    text = c_file(model.trained(), "net", None).text
    lines, *_ = re.findall(r"row_of_gru1.*?\n\}", text, re.DOTALL)
    names = re.findall(r"const total (\w+) =", lines)
    gates = {f"{kind}_{gate}" for kind in "ha" for gate in ("update", "reset", "new")}
    assert {name for name in names if not name.startswith("sum")} == {*gates, "a_state"}


@for_each("holed", [False, True], ids=["whole", "with holes"])
@for_each("target", ["side", "area"])
def test_a_tables_columns_are_read_as_they_stand_and_what_is_missing_is_put_in(target, holed):
    model, rows, filled = holed_model_of(target) if holed else (*table_model_of(target), None)
    text = c_file(model.trained(), "net", None).text
    assert ("as they are in the table; a missing one is NaN." in " ".join(text.split())) is holed
    if target == "area":
        assert "float net_predict(const float *numbers)" in text
        assert ("isnan(numbers[k]) ? READ(float, missing + k) : numbers[k]" in text) is holed
        return
    expected = model.answers(filled if holed else rows)
    _, found = called(text, "net", rows.astype(np.float32), expected.shape[1])
    np.testing.assert_allclose(found, expected, atol=1e-5)


@for_each("frame", [4, 8, 32])
def test_frames_are_told_apart_by_a_table_of_a_turn(frame):
    """Of as many numbers as a frame, in place of a cosine and a sine for each frequency."""
    layers = "conv1d 1 1; spectrogram frame {} step 3; avgpool1d all; flatten; dense 3; softmax"
    model = model_of(f"input 48x1; {layers.format(frame)}", images=(1, 8, 6))
    assert f"FRAME = {frame}" in c_file(model.trained(), "net", None).text
    np.testing.assert_allclose(
        read_by_c(model, images_for(model))[1], model.predict(images_for(model)), atol=1e-5
    )
    odd = model_of(f"input 48x1; {layers.format(frame + 1)}", images=(1, 8, 6))
    assert "FRAME =" not in c_file(odd.trained(), "net", None).text


WINDOWS = [
    "conv1d 1 3; mel 2 frame 4 step 2 rate 100 low 10 high 45; flatten; dense 3",
    "conv1d 5 3; relu; maxpool1d 2; conv1d 4 2 pad same; avgpool1d all; flatten; dense 3",
    "conv1d 3 1; batchnorm; tanh; concat back 3; flatten; dense 4; relu; dense 3",
    "maxpool1d 3 stride 1 pad 1; layernorm; conv1d 3 3 dilation 2; flatten; dense 3",
]
RECURRENT = [
    "rnn 4; dense 3",
    "rnn 4 no bias; relu; dense 3",
    "gru 5; dense 3",
    "gru 5 all shared bias; gru 4; tanh; dense 3",
    "gru 4 all reset_before; conv1d 3 2; relu; flatten; dense 3",
    "lstm 4; dense 3",
    "lstm 4 all; maxpool1d 2; lstm 3 all no bias; avgpool1d all; flatten; dense 3",
    "conv1d 4 3 stride 2; relu; gru 4 all; add back 1; flatten; dense 3",
]
LOOKING = [
    "attention heads 3; flatten; dense 3",
    "attention causal no bias; relu; flatten; dense 3",
    "conv1d 4 1; positions; rmsnorm plain; attention heads 2 causal; add back 3; "
    "rmsnorm; conv1d 8 1; relu; conv1d 4 1; add back 4; flatten; dense 3",
    "positions; rmsnorm epsilon 0.01; conv1d 4 3 pad 2x0; gelu; flatten; rmsnorm; dense 3",
]


@for_each("layers", [*WINDOWS, *RECURRENT, *LOOKING])
def test_layers_that_go_over_steps_are_said_by_their_ops(layers):
    model, rows = sequences_model_of(f"input 8x3; {layers}; softmax")
    text = c_file(model.trained(), "net", None).text
    assert "a row of 24 floats, as they are in the table, step by step." in " ".join(text.split())
    _, found = called(text, "net", rows.astype(np.float32), 3)
    np.testing.assert_allclose(found, model.answers(rows), atol=1e-5)
    images = model_of(f"input 24x3; {layers}; softmax", images=(3, 8, 3))
    np.testing.assert_allclose(
        read_by_c(images, images_for(images))[1], images.predict(images_for(images)), atol=1e-5
    )


def scaled(text: str, by: float = 1) -> TrainedNet:
    """All inputs alike."""
    net = Net.parse(text)
    same = np.ones(net.input[0])
    return trained_net(net, drawn(net), Scaling(by, 0 * same, same))


def test_code_does_not_grow_with_the_number_of_steps():
    short, long = (
        c_file(scaled(f"input {steps}x3; gru 4; dense 3"), "net", None) for steps in (4, 200)
    )
    assert len(long.text) < len(short.text) + 2000  # whose turn it is at each step
    assert long.memory == short.memory


@for_each(
    "text",
    [
        BUILTIN["echo"],
        BUILTIN["attention-by-hand"],
        LETTERS["microgpt"],
        "input 8x3; lstm 4 all; conv1d 3 1",
        "input 8x3; gru 4 all; conv1d 3 1; log softmax; loss cross-entropy",
    ],
)
def test_answers_at_every_step_are_the_networks_own(text):
    trained = scaled(text)
    net = trained.net
    rows = given = np.random.default_rng(1).normal(size=(5, *net.input)).astype(np.float32)
    if net.tokens:
        given = np.random.default_rng(1).integers(0, net.input[1], (5, net.input[0]), np.uint8)
        rows = np.eye(net.input[1])[given]
    _, found = called(c_file(trained, "net", None).text, "net", given, net.outputs)
    expected = by_the_graph(net, drawn(net), rows).reshape(5, -1)
    expected = np.exp(expected) if net.layers[-1].text == "log softmax" else expected
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)


@for_each(
    "layers",
    [
        "rnn 4; dense 2",
        "gru 5 all; tanh; lstm 3; layernorm; dense 2",
        "conv1d 4 3 pad 2x0; relu; gru 4 reset_before; dense 1",
        "gru 4 all; add back 1; conv1d 3 1; softmax; loss cross-entropy",
        "conv1d 4 1; positions; attention heads 2 causal; rmsnorm; conv1d 2 1",
    ],
)
def test_a_step_at_a_time_says_what_the_whole_sequence_says(layers):
    trained = scaled(f"input 6x4; {layers}")
    rows = np.random.default_rng(1).normal(size=(3, 6, 4)).astype(np.float32)
    made = c_file(trained, "net", None)
    width = trained.output[-1]
    _, expected = called(made.text, "net", rows, trained.net.outputs)
    found = np.array([streamed(made.text, row, width) for row in rows])
    at_every_step = len(trained.output) > 1
    found = found.reshape(3, -1) if at_every_step else found[:, -1]
    np.testing.assert_array_equal(found, expected)


def test_a_stream_goes_on_beyond_the_steps_it_was_trained_on():
    text = "input {}x2; conv1d 3 3 pad 2x0; relu; lstm 4 all; gru 4; dense 2"
    row = np.random.default_rng(1).normal(size=(500, 2)).astype(np.float32)
    images = streamed(c_file(scaled(text.format(5)), "net", None).text, row, 2)
    net = Net.parse(text.format(500))
    expected = by_the_graph(net, drawn(net), row[None])[0]
    np.testing.assert_allclose(images[-1], expected, atol=1e-5)


@for_each(
    "layers",
    [
        "gru 4 all; flatten; dense 2",
        "attention; conv1d 2 1",
        "conv1d 4 3 pad 1; gru 4; dense 2",
        "conv1d 4 2 stride 2; gru 4; dense 2",
        "groupnorm 2; gru 4; dense 2",
    ],
)
def test_what_waits_for_later_steps_has_no_function_for_one(layers):
    text = c_file(scaled(f"input 6x4; {layers}"), "net", None).text
    assert "net_step" not in text
    assert "net_predict" in text


def test_missing_values_of_a_step_are_put_in():
    model, rows = sequences_model_of("input 4x3; gru 4; dense 3; softmax")
    filling = np.arange(12.0)
    trained = replace(model.trained(), filling=filling)
    rows = rows.astype(np.float32)
    rows[:, [1, 5, 11]] = np.nan
    text = c_file(trained, "net", None).text
    _, found = called(text, "net", rows, 3)
    full = np.where(np.isnan(rows), filling, rows)
    np.testing.assert_allclose(found, model.answers(full), atol=1e-5)
    for row, expected in zip(rows, found, strict=True):
        np.testing.assert_array_equal(streamed(text, row.reshape(4, 3), 3)[-1], expected)


def test_a_softmax_in_the_middle_is_refused_with_its_words():
    model = model_of("input 1x2x2; flatten; dense 3; softmax; dense 2; softmax")
    with pytest.raises(TargetError, match="'softmax' isn't the last layer"):
        c_file(model.trained(), "net", None)


@for_each("limit", [0.0, -1.0])
def test_a_range_that_shrank_too_far_leaves_nothing(limit):
    model = model_of("input 1x5x5; conv 2 3x3; quantize 3; flatten; dense 3; softmax")
    model.values = with_ranges(model.values, limit)
    images = images_for(model)
    _, probabilities = read_by_c(model, images)
    np.testing.assert_allclose(probabilities, model.predict(images), atol=1e-6)
    assert not np.ptp(probabilities, axis=0).any()


def test_steps_that_are_as_many_as_features_are_not_features_in_c():
    model, _ = sequences_model_of("input 4x4; transpose; conv1d 3 2; flatten; dense 2")
    with pytest.raises(TargetError, match="'transpose' puts places in another order"):
        c_file(model.trained(), "net", None)


def test_shares_that_are_predicted_are_shares_in_c():
    net = Net.parse("input 4; dense 3; softmax; loss mean squared error")
    trained = trained_net(net, drawn(net), Scaling(1, np.zeros(4), np.ones(4)))
    rows = np.random.default_rng(1).uniform(-1, 1, (5, 4)).astype(np.float32)
    _, shares = called(c_file(trained, "net", None).text, "net", rows, 3)
    np.testing.assert_allclose(shares, by_the_graph(net, drawn(net), rows), atol=1e-6)
    logarithms = Net.parse("input 4; dense 3; log softmax; loss mean squared error")
    trained = trained_net(logarithms, drawn(logarithms), Scaling(1, np.zeros(4), np.ones(4)))
    with pytest.raises(TargetError, match="end it in 'softmax'"):
        c_file(trained, "net", None)


@for_each("ending", ["softmax", "log softmax"])
def test_the_share_of_a_single_output_is_refused(ending):
    trained = scaled(f"input 4; dense 1; {ending}")
    with pytest.raises(TargetError, match="of a single output never changes: write 'sigmoid'"):
        c_file(trained, "net", None)


@for_each("layers", ["conv 3 2x2; relu; flatten", "flatten", "maxpool 2; flatten"])
def test_each_place_of_rows_with_sides_may_be_scaled_in_its_own_way(layers):
    model, rows = sequences_model_of(f"input 2x5x4; {layers}; dense 3; softmax")
    text = c_file(model.trained(), "net", None).text
    _, found = called(text, "net", rows.astype(np.float32), 3)
    np.testing.assert_allclose(found, model.answers(rows), atol=1e-5)
