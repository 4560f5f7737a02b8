"""Which whole numbers stand for a sensor's values, and networks that are given them."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.errors import TargetError
from gradbook.net.trained import Scaling, TrainedNet, trained_net
from gradbook.targets.portable.c_file import c_file
from gradbook.targets.portable.makers import row_makers
from gradbook.targets.portable.reckoning import maps_of
from gradbook.targets.portable.sensor_numbers import INT16, INT32, SensorNumbers, sensor_numbers
from gradbook.targets.portable.whole_makers import quantise_windows
from tests.cases import for_each
from tests.targets.portable.compiled import called, streamed
from tests.trained import model_of

RANDOM = np.random.default_rng(3)


def windows(kind: str) -> np.ndarray:
    """40 windows of 12 steps x 2 channels."""
    waves = np.sin(RANDOM.uniform(0, 6, (40, 1, 2)) + np.arange(12)[:, None] * [0.3, 1.1])
    match kind:
        case "thousandths":
            found = np.round(waves * [1.0, 4.0] + [0.5, -9.0], 3)
        case "whole":
            found = np.rint(waves * [3.0, 9000.0] + [4.0, 12_000.0])
        case "any":
            found = waves * [0.01, 700.0] + [0.3, 5.0]
        case "offset":  # a temperature in kelvins, beside what is around 0
            found = waves * [1.0, 3.0] + [0.0, 293.0]
        case _:  # a pressure, of which 16 bits hold too little
            found = waves * [1.0, 3.0] + [0.0, 101_325.0]
    return found.reshape(40, -1)


@for_each(
    ("kind", "times", "type_in_c"),
    [
        ("thousandths", (1000.0, 1000.0), INT16),
        ("whole", (1000.0, 1.0), INT16),
        ("any", (10_000.0, 10.0), INT16),
        ("offset", (1_000_000.0, 100_000.0), INT32),
    ],
)
def test_values_are_whole_numbers_if_they_can_be(kind, times, type_in_c):
    found = sensor_numbers(windows(kind), 2)
    assert (found.times, found.kind) == (times, type_in_c)


def test_what_lies_far_from_0_for_its_spread_is_refused():
    with pytest.raises(TargetError, match="mean is more than 300 times its deviation"):
        sensor_numbers(windows("pressure"), 2)


def test_samples_of_sound_are_what_they_were():
    samples = RANDOM.integers(-32_768, 32_768, (5, 100))
    found = sensor_numbers(samples / 32_768, 1)
    assert found == SensorNumbers((32_768.0,))
    np.testing.assert_array_equal(found.of(samples / 32_768), np.maximum(samples, -32_767))


def test_what_is_beyond_16_bits_is_cut_off():
    assert SensorNumbers((1000.0,)).of(np.array([[40.0, -40.0]])).tolist() == [[32_767, -32_767]]


def test_how_a_value_becomes_a_number_is_said():
    numbers = SensorNumbers((1000.0, 1000.0, 1.0))
    assert numbers.describe(("ax", "ay", "light")) == "1000 times ax, ay; light"


def trained(text: str, rows: np.ndarray) -> TrainedNet:
    model = model_of(text)
    apart = rows.reshape(-1, 2)
    mean, deviation = (np.tile(x, 12) for x in (apart.mean(axis=0), apart.std(axis=0)))
    names = tuple("abc")[: max(model.net.outputs, 2)]
    return trained_net(model.net, model.values, Scaling(1, mean, deviation), classes=names)


@pytest.mark.witness("cc")
@for_each("kind", ["thousandths", "whole", "any", "offset"])
@for_each(
    "layers",
    [
        "conv1d 4 3; batchnorm; relu; maxpool1d 2; conv1d 5 2; relu; avgpool1d all; flatten; "
        "dense 3; softmax",
        "gru 5; dense 3; softmax",
        "conv1d 4 3 pad 2x0; relu; lstm 4; dense 1; sigmoid",
        "conv1d 4 3 pad 1; groupnorm 2; gelu; flatten; dense 3; softmax",
    ],
)
def test_c_reckons_windows_as_they_are_reckoned_here_and_changes_them_by_little(kind, layers):
    rows = windows(kind)
    net = trained(f"input 12x2; {layers}", rows)
    whole = quantise_windows(net, rows, 2)
    assert whole.sensor
    text = c_file(net, "net", whole, channels=("a", "b")).text
    given = whole.sensor.of(rows)
    classes, scores = called(text, "net", given, net.net.outputs, np.int32)
    np.testing.assert_array_equal(scores, whole.scores(given))
    np.testing.assert_array_equal(classes, whole.classify(given))
    exact = maps_of(row_makers(net), rows)[-1].reshape(len(rows), -1)
    told = scores / 2**whole.score_bits
    off = (1 / (1 + np.exp(-told)) if net.net.ending == "sigmoid" else told) - exact
    assert off.std() < 0.04 * exact.std()
    if "lstm" in layers:
        last = [streamed(text, one.reshape(12, 2), 1, np.int32)[-1] for one in given[:3]]
        np.testing.assert_array_equal(last, scores[:3])
    assert "float" not in text.split("*/", 1)[1].replace("READ_float", "")


@pytest.mark.witness("cc")
def test_a_window_that_is_read_flat_can_be_given_whole_numbers():
    rows = windows("thousandths")
    net = trained("input 24; dense 6; relu; dense 3; softmax", rows)
    whole = quantise_windows(net, rows, 2)
    assert whole.sensor
    given = whole.sensor.of(rows)
    scores = called(c_file(net, "net", whole).text, "net", given, 3, np.int32)[1]
    np.testing.assert_array_equal(scores, whole.scores(given))
