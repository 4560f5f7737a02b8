"""Portable C in whole numbers: to the last bit as reckoned here, and close to the floats."""

import re
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings

from gradbook.errors import GradbookError, TargetError
from gradbook.lab.models.model import Model
from gradbook.net import Net
from gradbook.targets.portable import parabolas, whole_makers
from gradbook.targets.portable.c_file import c_file
from gradbook.targets.portable.makers import row_makers
from gradbook.targets.portable.reckoning import maps_of
from gradbook.targets.portable.whole_makers import quantise
from tests.cases import for_each
from tests.families import networks
from tests.targets.portable.compiled import called, has_words_for, streamed
from tests.targets.portable.networks import OF_IMAGES
from tests.trained import drawn, model_of, table_model_of, with_ranges

pytestmark = pytest.mark.witness("cc")


def pictures(model: Model, count: int) -> np.ndarray:
    """Smooth ones, as digits are: neighbours are alike."""
    random = np.random.default_rng(2)
    channels, rows, columns = model.picture
    y, x = np.mgrid[:rows, :columns]
    waves = random.uniform(-1, 1, (3, count, channels, 1, 1))
    shades = np.sin(waves[0] * x + waves[1] * y + 3 * waves[2])
    images = np.asarray(127.5 * (1 + shades), np.uint8)
    return images.reshape(count, *model.net.input)


def both(model: Model, count: int = 30):
    """What C says of images, and what was reckoned here."""
    images = pictures(model, count)
    trained = model.trained()
    whole = quantise(trained, images)
    for small in (True, False):  # which are other ways to the same
        text = c_file(trained, "net", whole, small=small).text
        classes, scores = called(text, "net", images, model.net.outputs, np.int32)
        np.testing.assert_array_equal(scores, whole.scores(images))
        np.testing.assert_array_equal(classes, whole.classify(images))
    return images, scores / 2**whole.score_bits, classes


@settings(max_examples=25)
@given(networks(images=True, dropout=True, depth=6).filter(has_words_for))
def test_c_reckons_any_network_as_it_is_reckoned_here(net):
    classes = [str(k) for k in range(max(net.outputs, 2))]
    about = {"images": (1, *net.input)} if net.laid_out else {}
    channels = 1 if about else net.input[0]
    model = Model(net, drawn(net), [0.3] * channels, [0.2] * channels, classes, about)
    with suppress(TargetError):  # such as a last GELU, or one output after a tanh
        both(model, 5)


def test_an_image_that_becomes_a_sequence_on_its_way_is_refused_in_a_line():
    net = Net.parse("input 1x2x3; conv 2 1x1 stride 2 no bias; rnn 1 no bias; dense 1")
    model = Model(net, drawn(net), [0.3], [0.2], ["0", "1"], {})
    with pytest.raises(TargetError, match=r"^rnn1 can't be written in C: use another layer$"):
        both(model, 5)


@for_each("layers", OF_IMAGES)
@for_each("size", ["1x9x8", "3x9x8"])
def test_rounding_changes_outputs_by_little(size, layers):
    model = model_of(f"input {size}; {layers}")
    images, scores, _ = both(model)
    exact = maps_of(row_makers(model.trained()), images)[-1].reshape(len(images), -1)
    if model.net.ending == "sigmoid":
        scores = 1 / (1 + np.exp(-scores))
        np.testing.assert_allclose(shares(exact), model.predict(images), atol=1e-6)
    else:
        np.testing.assert_allclose(shares(np.exp(exact)), model.predict(images), atol=1e-6)
    assert (scores - exact).std() < 0.03 * exact.std()


@for_each(
    "layers",
    [
        "conv1d 4 3; relu; maxpool1d 2; conv1d 4 2 pad same; avgpool1d all; flatten",
        "conv1d 4 3 pad 2x0; gelu; maxpool1d 3 stride 1 pad 1x0; conv1d 3 2 dilation 3; flatten",
        "rnn 6",
        "gru 8",
        "gru 6 all no bias; gru 5 reset_before; relu",
        "conv1d 6 3; relu; gru 8 all; conv1d 4 1; relu; flatten",
        "gru 4 all shared bias; add back 1; flatten",
        "conv1d 4 3; relu; positions; attention heads 2 causal; add back 1; rmsnorm; gru 3",
        "conv1d 8 3; relu; positions; attention; flatten",
        "lstm 6",
        "lstm 6 all; maxpool1d 2; flatten",
    ],
)
def test_sequences_in_whole_numbers_change_by_little(layers):
    model = model_of(f"input 12x4; {layers}; dense 3; softmax", images=(1, 12, 4))
    images, scores, _ = both(model)
    exact = maps_of(row_makers(model.trained()), images)[-1].reshape(len(images), -1)
    np.testing.assert_allclose(shares(np.exp(exact)), model.predict(images), atol=1e-6)
    assert (scores - exact).std() < 0.03 * exact.std()


def test_a_state_of_16_bits_moves_by_less_than_a_byte_shows():
    model = model_of("input 60x1; gru 1; dense 2; softmax", images=(1, 60, 1))
    for name, value in model.values.items():
        model.values[name] = np.zeros_like(value)
    model.values["b_update_layer_0"] += 5  # so that 0.7 % of the new one is taken
    model.values["b_new_layer_0"] += 0.5
    model.values["w_layer_1"] += 1
    images, scores, _ = both(model, 3)
    exact = maps_of(row_makers(model.trained()), images)[-1].reshape(len(images), -1)
    assert exact.min() > 0.1
    np.testing.assert_allclose(scores, exact, rtol=0.02)


@for_each(
    "layers",
    [
        "gru 5; dense 3; softmax",
        "lstm 4; dense 1; sigmoid",
        "attention causal; rmsnorm; rnn 2; dense 2; softmax",
    ],
)
def test_a_step_at_a_time_says_in_whole_numbers_what_all_say(layers):
    model = model_of(f"input 12x4; {layers}", images=(1, 12, 4))
    images = pictures(model, 9)
    whole = quantise(model.trained(), images)
    text = c_file(model.trained(), "net", whole).text
    for image, expected in zip(images, whole.scores(images), strict=True):
        found = streamed(text, image, model.net.outputs, np.int32)
        np.testing.assert_array_equal(found[-1], expected)


def shares(values: np.ndarray) -> np.ndarray:
    return values / values.sum(axis=1, keepdims=True)


def test_one_output_tells_two_classes_apart():
    model = model_of("input 1x6x6; conv 3 3x3; relu; flatten; dense 1; sigmoid")
    images, scores, classes = both(model)
    np.testing.assert_array_equal(classes, scores[:, 0] >= 0)
    sure = abs(model.predict(images)[:, 1] - 0.5) > 0.1
    np.testing.assert_array_equal(classes[sure], model.classify(images)[sure])


def test_nothing_but_whole_numbers_is_in_it():
    model = model_of("input 1x6x6; conv 3 3x3; tanh; flatten; dense 3; softmax")
    text = c_file(model.trained(), "net", quantise(model.trained(), pictures(model, 9))).text
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    assert not re.search(r"float|double|\d\.\d|math\.h", code)


@for_each(
    ("refused", "said"),
    [
        (lambda: table_model_of("area")[0], "networks that classify images"),
        (lambda: model_of("input 1x2x2; flatten; dense 1; tanh"), "end the network in a sigmoid"),
        (lambda: model_of("input 1x2x2; flatten; dense 2; gelu"), "'gelu' as the last layer"),
    ],
)
def test_what_has_no_whole_numbers_is_refused(refused, said):
    model = refused()
    with pytest.raises(GradbookError, match=said):
        quantise(model.trained(), np.zeros((2, 1, 2, 2), np.uint8))


def test_normalised_values_and_their_scales_may_be_next_to_nothing():
    model = model_of("input 1x6x6; conv 4 3x3; groupnorm 2; flatten; dense 3; softmax")
    model.values["w_layer_0"] *= 1e-3  # so that epsilon is most of a variance
    model.values["γ_layer_1"][1] = 1e-9
    images, scores, _ = both(model)
    exact = maps_of(row_makers(model.trained()), images)[-1].reshape(len(images), -1)
    assert (scores - exact).std() < 0.03 * exact.std()


@for_each(
    ("layers", "looked_up"),
    [
        ("conv 4 3x3 pad 1; batchnorm; hard swish; flatten; dense 3; softmax", ["sums"]),
        ("conv 4 3x3; relu; avgpool 2; tanh; flatten; dense 3; softmax", ["total"]),
        ("conv 4 3x3 pad 1; silu; add back 1; flatten; dense 3; softmax", ["same"]),
    ],
)
def test_a_level_is_looked_up_as_it_is_found_unless_others_read_it(layers, looked_up, monkeypatch):
    model = model_of(f"input 1x9x8; {layers}")
    images, _, _ = both(model)
    whole = quantise(model.trained(), images)
    assert [own.maker.work for own in whole.makers if own.table is not None] == looked_up
    monkeypatch.setattr(whole_makers, "_looking_up_at_once", list)
    apart = quantise(model.trained(), images)
    assert "same" in [own.maker.work for own in apart.makers]
    np.testing.assert_array_equal(whole.scores(images), apart.scores(images))


def test_tables_and_parabolas_say_the_same(monkeypatch):
    model = model_of(
        "input 1x9x8; conv 4 3x3; hard swish; conv 3 3x3; gelu; flatten; dense 3; softmax"
    )
    images, by_parabolas, _ = both(model)
    trained = model.trained()
    assert "pieces[" in c_file(trained, "net", quantise(trained, images)).text
    monkeypatch.setattr(parabolas.Bends, "are_pieces", False)
    assert "pieces[" not in c_file(trained, "net", quantise(trained, images)).text
    _, by_tables, _ = both(model)
    np.testing.assert_array_equal(by_parabolas, by_tables)


def test_there_may_be_more_pieces_than_a_byte_tells_apart():
    model = model_of(f"input 1x4x4; {60 * 'conv 2 1x1; tanh; '}flatten; dense 3; softmax")
    images, _, _ = both(model, 5)
    whole = quantise(model.trained(), images)
    assert len(whole_makers.bends_of(whole.makers).pieces) > 255


@for_each(
    ("layers", "kept"),
    [
        ("conv 4 3x3; relu; avgpool all; flatten", 4 + 1 + 3),  # bytes are levels already
        ("conv 4 3x3; relu; avgpool all; batchnorm; flatten", 4 + 4 + 3),
    ],
)
def test_channels_that_are_scaled_alike_have_one_scale(layers, kept):
    model = model_of(f"input 1x9x8; {layers}; dense 3; softmax")
    images, _, _ = both(model)
    text = c_file(model.trained(), "net", quantise(model.trained(), images)).text
    assert f" factors[{kept}] " in text


FEW = [
    "conv 5 3x3 pad 1; maxpool 2; relu; conv 6 1x1 {0}; relu; flatten; dense 3 {0}",
    "conv 4 3x3; batchnorm; relu; depthwise 3x3 {0}; conv 6 3x3 groups 2 {0}; flatten; dense 3",
    "flatten; dense 9 {0}; relu; dense 3 {0}",
]
STORED = {"bits 8": 8, "bits 4": 4, "bits 2": 2, "ternary": 2}


@for_each("bits", STORED)
@for_each("layers", FEW)
def test_weights_of_few_bits_are_packed_and_stay_as_they_were_trained(layers, bits):
    model = model_of(f"input 1x9x8; {layers.format(bits)}; softmax")
    images, scores, _ = both(model)
    trained = model.trained()
    exact = maps_of(row_makers(trained), images)[-1].reshape(len(images), -1)
    assert (scores - exact).std() < 0.1 * exact.std()
    makers = quantise(trained, images).makers
    few = [own.levels for own in trained.layers if own.levels is not None]
    kept = [own.weights for own in makers if own.maker.levels is not None]
    assert len(few) == len(kept)
    for levels, weights in zip(few, kept, strict=True):
        np.testing.assert_array_equal(np.sort(weights.ravel()), np.sort(levels.ravel()))
    sizes = [
        own.weights.size * (8 if own.maker.levels is None else STORED[bits])
        for own in makers
        if own.weights is not None
    ]
    text = c_file(trained, "net", quantise(trained, images)).text
    assert f" weights[{sum(-(-size // 8) for size in sizes)}] " in text


@for_each(
    "layers",
    [
        "conv 4 3x3 bits 4; relu; quantize {0}; maxpool 2; conv 3 2x2; quantize {0} signed; "
        "flatten; dense 3; softmax",
        "conv 4 3x3; batchnorm; relu; depthwise 3x3 pad 1; quantize {0}; conv 6 3x3 groups 2; "
        "flatten; dense 3; tanh; quantize {0} signed; dense 3; softmax",
    ],
)
@for_each("depth", [2, 4, 8])
def test_rounded_values_are_the_levels_of_their_maps(layers, depth):
    model = model_of(f"input 1x9x8; {layers.format(depth)}")
    images, scores, _ = both(model)
    trained = model.trained()
    exact = maps_of(row_makers(trained), images)[-1].reshape(len(images), -1)
    assert abs(scores - exact).mean() < 0.1 * exact.std()
    makers = quantise(trained, images).makers
    rounded = [own for own in makers if own.maker.activation and own.maker.activation.level_step]
    assert len(rounded) == 2
    for own in rounded:
        lowest, highest = own.maker.activation.levels
        assert own.table is None
        assert own.levels.step == own.maker.activation.level_step
        assert (own.low - own.levels.zero, own.high - own.levels.zero) == (lowest, highest)


def test_rounded_values_that_are_added_are_looked_up_in_levels_of_the_sum():
    model = model_of(
        "input 1x9x8; conv 2 3x3 pad 1; quantize 3; conv 2 3x3 pad 1; quantize 3; add back 2; "
        "avgpool 2; flatten; dense 3; softmax"
    )
    images, scores, _ = both(model)
    trained = model.trained()
    exact = maps_of(row_makers(trained), images)[-1].reshape(len(images), -1)
    assert abs(scores - exact).mean() < 0.1 * exact.std()
    tables = [own.table for own in quantise(trained, images).makers if own.table is not None]
    assert [len({*table.tolist()}) for table in tables] == [8, 8]


@for_each("layers", ["relu; quantize 4", "quantize 4 signed", "tanh; quantize 8"])
@for_each("limit", [0.0, -1.0])
def test_a_range_that_shrank_too_far_leaves_nothing(layers, limit):
    model = model_of(f"input 1x9x8; conv 3 3x3; {layers}; flatten; dense 3; softmax")
    model.values = with_ranges(model.values, limit)
    images, scores, _ = both(model)
    exact = maps_of(row_makers(model.trained()), images)[-1].reshape(len(images), -1)
    np.testing.assert_allclose(scores, exact, atol=0.01)
    assert not np.ptp(scores, axis=0).any()
