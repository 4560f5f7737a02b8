"""Signals heard in whole numbers: as C reckons it to the last bit, and as floats nearly."""

import re

import numpy as np
import pytest

from gradbook.net.trained import Scaling, TrainedNet, trained_net
from gradbook.targets.portable.c_file import c_file
from gradbook.targets.portable.hearing import LOG_BITS, logarithm
from gradbook.targets.portable.makers import Work, row_makers
from gradbook.targets.portable.reckoning import maps_of
from gradbook.targets.portable.whole_makers import WholeNumbers, quantise_windows
from tests.cases import for_each
from tests.targets.portable.compiled import called
from tests.trained import model_of

STEPS = 1500
AFTER = "conv1d 4 3; relu; avgpool1d all; flatten; dense 3; softmax"


def sounds(count: int, loud: float, middle: float = 0.0) -> np.ndarray:
    """Tones in noise, louder and less loud, as whole numbers."""
    random = np.random.default_rng(4)
    turns = random.uniform(0.02, 2.5, (count, 1)) * np.arange(STEPS)
    strength = np.geomspace(0.01, 1, count)[:, None]
    tones = np.sin(turns) + random.normal(0, 0.01, (count, STEPS))
    return np.rint(np.clip(loud * strength * tones + middle, -32_767, 32_767))


def heard(layers: str, rows: np.ndarray) -> tuple[TrainedNet, WholeNumbers]:
    steps = rows.shape[1]
    model = model_of(f"input {steps}x1; {layers}; {AFTER}")
    scaling = Scaling(1, np.full(steps, rows.mean()), np.full(steps, rows.std()))
    trained = trained_net(model.net, model.values, scaling, classes=tuple("abc"))
    return trained, quantise_windows(trained, rows, 1)


def of_sound(steps: int, layer: str) -> tuple[TrainedNet, WholeNumbers, np.ndarray]:
    """A network that hears windows of sound, in whole numbers, and 20 windows for it."""
    rows = sounds(20, 9000.0, 50.0)[:, :steps]
    trained, whole = heard(layer, rows)
    assert whole.sensor
    return trained, whole, whole.sensor.of(rows)


LAYERS = {
    "mel": "mel 16 frame 256 step 160",
    "few samples": "mel 2 frame 32 step 20 low 400",
    "the longest frame": "mel 20 frame 1024 step 100",
    "four samples": "spectrogram frame 4 step 50",
    "spectrogram": "spectrogram frame 64 step 32",
}


@pytest.mark.witness("cc")
@for_each(
    ("loud", "middle"), [(30_000.0, 0.0), (600.0, 20_000.0), (3000.0, -400.5), (32_767.0, -9000.0)]
)
@for_each("layers", LAYERS.values(), ids=LAYERS)
def test_c_hears_what_is_reckoned_here_and_floats_nearly(layers, loud, middle):
    rows = sounds(24, loud, middle)
    trained, whole = heard(layers, rows)
    first = whole.makers[0]
    assert first.maker.work is Work.HEARD
    given = whole.sensor.of(rows)
    text = c_file(trained, "net", whole).text
    classes, scores = called(text, "net", given, 3, np.int32)
    np.testing.assert_array_equal(scores, whole.scores(given))
    np.testing.assert_array_equal(classes, whole.classify(given))
    exact = maps_of(row_makers(trained), rows)[3]
    hearing = first.maker.hearing
    told = first.maker.scale * hearing.sums(given.astype(np.int64) * whole.sensor.finer)
    off = told + first.maker.shift - exact  # a level is about 0.07
    assert off.std() < 0.025
    assert abs(off).max() < 0.2
    assert exact.max() > 4


@pytest.mark.witness("cc")
@for_each("layers", LAYERS.values(), ids=LAYERS)
def test_the_loudest_of_all_signals_have_room(layers):
    """What would overflow in C doesn't here, so both would differ."""
    steps = np.arange(STEPS)
    rows = np.stack([np.ones(STEPS), (-1.0) ** steps, *np.sign(np.sin(np.outer([1, 2], steps)))])
    rows = np.concatenate([rows, -rows]) * 32_767
    trained, whole = heard(layers, rows)
    given = whole.sensor.of(rows)
    for small in (False, True):
        text = c_file(trained, "net", whole, small=small).text
        scores = called(text, "net", given, 3, np.int32)[1]
        np.testing.assert_array_equal(scores, whole.scores(given))


def test_logarithms_are_those_to_the_base_of_2():
    numbers = np.unique(np.geomspace(1, 2.0**61, 2000).astype(np.int64))
    found = logarithm(numbers) / 2.0**LOG_BITS + 15
    np.testing.assert_allclose(found, np.log2(numbers.astype(float)), atol=1.5e-3)
    assert logarithm(np.array([1, 1 << 15])).tolist() == [-15 << LOG_BITS, 0]


def test_what_comes_first_alone_is_heard_of_16_bits():
    rows = sounds(20, 3000.0)
    for layers in ("conv1d 1 1; mel 8 frame 64 step 64 low 200", "mel 8 frame 200 step 100"):
        _, whole = heard(layers, rows)
        assert Work.HEARD not in {own.maker.work for own in whole.makers}


@pytest.mark.witness("cc")
def test_a_network_after_it_may_go_by_steps():
    rows = sounds(30, 9000.0)
    model = model_of(f"input {STEPS}x1; mel 8 frame 128 step 64; gru 5; dense 3; softmax")
    scaling = Scaling(1, np.zeros(STEPS), np.full(STEPS, rows.std()))
    trained = trained_net(model.net, model.values, scaling, classes=tuple("abc"))
    whole = quantise_windows(trained, rows, 1)
    assert whole.makers[0].maker.work is Work.HEARD
    given = whole.sensor.of(rows)
    scores = called(c_file(trained, "net", whole).text, "net", given, 3, np.int32)[1]
    np.testing.assert_array_equal(scores, whole.scores(given))


def test_no_floats_are_in_it():
    trained, whole = heard(LAYERS["mel"], sounds(20, 3000.0))
    code = re.sub(r"/\*.*?\*/", "", c_file(trained, "net", whole).text, flags=re.DOTALL)
    assert not re.search(r"float|double|\d\.\d|math\.h", code)
