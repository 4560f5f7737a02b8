"""Exported C on AVRs, whose `int` has 16 bits and whose constants stay in the flash."""

from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from gradbook.data.signals import Signals, Windows, read_signals
from gradbook.data.sources import load
from gradbook.lab.models.exporting import in_places
from gradbook.lab.signals import WindowsAsked, signal_problem, usual_signal_recipe
from gradbook.lab.training.train import train
from gradbook.net import parse
from gradbook.net.network import builtin
from gradbook.net.trained import Scaling, trained_net
from gradbook.targets.portable.c_file import c_file
from gradbook.targets.portable.sketches import (
    boards_for,
    signal_sketch,
    sketch,
)
from gradbook.targets.portable.whole_makers import quantise, quantise_windows
from tests.outside.devices.avr import LARGE, MEGA, UNO, heard
from tests.outside.devices.boards import Question, checksum, run
from tests.targets.portable.heard import heard_classes
from tests.targets.portable.test_hearing import of_sound
from tests.trained import model_of

pytestmark = pytest.mark.witness("avr-gcc", "simavr")
SMALL = """
input 1x28x28
avgpool 2
conv 3 5x5 stride 3
relu
flatten
dense 8
layernorm
tanh
dense 10
log softmax
"""
DEEP = """
input 1x28x28
conv 4 3x3 pad 1
maxpool 2
batchnorm
relu
depthwise 3x3 pad 1
conv 8 1x1
gelu
conv 8 3x3 pad 1
add back 1
groupnorm 4
conv 6 3x3 stride 2x1 pad 2x1 dilation 2 groups 2
avgpool 3 stride 2 pad 1 ceil
relu
flatten
dense 10
log softmax
"""


BENT = """
input 1x28x28
avgpool 2
conv 3 3x3 stride 2
hard swish
depthwise 3x3
leaky relu 0.1
flatten
dense 10
log softmax
"""
SEQUENCE = """
input 28x28
conv1d 4 3 stride 2
relu
gru 6 all
maxpool1d 2
lstm 5
dense 10
log softmax
"""


@pytest.fixture(scope="module")
def digits():
    return load("digits").test_for_reporting.pixels[:100]


@pytest.mark.parametrize(
    ("avr", "text", "count", "small"),
    [
        (UNO, SMALL, 20, False),
        (MEGA, DEEP, 8, False),
        (LARGE, DEEP, 16, False),
        (UNO, SEQUENCE, 10, False),
        (UNO, BENT, 10, False),
        (UNO, BENT, 10, True),
        (MEGA, DEEP, 4, True),
    ],
)
def test_an_avr_reads_images_as_this_machine_does(avr, text, count, small, digits):
    trained = model_of(text, images=(1, 28, 28)).trained()
    whole = quantise(trained, digits)
    images = digits[:count]
    made = c_file(trained, "net", whole, small=small)
    found = avr.ask(Question(made.text, images.reshape(count, -1), 10))
    np.testing.assert_array_equal(found.classes, whole.classify(images))
    scores = whole.scores(images).astype(np.int32)
    np.testing.assert_array_equal(found.checksums, [checksum(row) for row in scores])
    assert found.memory + images[0].size < avr.memory
    assert found.flash < avr.flash


def test_sums_of_the_largest_products_have_room(digits):
    model = model_of("input 1x28x28; conv 2 3x3 pad 1; maxpool 4; relu; flatten; dense 10; softmax")
    model.values["w_layer_0"][:] = 1
    trained = model.trained()
    whole = quantise(trained, digits)
    images = np.stack([np.full_like(digits[0], 255), digits[0]])
    found = MEGA.ask(Question(c_file(trained, "net", whole).text, images.reshape(2, -1), 10))
    scores = whole.scores(images).astype(np.int32)
    np.testing.assert_array_equal(found.checksums, [checksum(row) for row in scores])


def test_constants_take_none_of_its_memory(digits):
    trained = model_of("input 1x28x28; avgpool 2; flatten; dense 60; relu; dense 10; softmax")
    whole = quantise(trained.trained(), digits)
    made = c_file(trained.trained(), "net", whole)
    found = UNO.ask(Question(made.text, digits[:5].reshape(5, -1), 10))
    assert found.flash > made.constants > 12_000
    assert found.memory < 2048 - digits[0].size


def test_floats_are_read_by_an_avr(digits):
    model = model_of(SMALL)
    text = c_file(model.trained(), "net", None).text
    images = digits[:20]
    found = LARGE.ask(Question(text, images.reshape(20, -1), 10, kind="float"))
    ranked = np.sort(model.predict(images), axis=1)
    sure = ranked[:, -1] - ranked[:, -2] > 1e-4
    np.testing.assert_array_equal(found.classes[sure], model.classify(images)[sure])
    assert sure.sum() > 15


SERIAL = """\
#include <stddef.h>
struct {
    void begin(long) {}
    void setTimeout(long) {}
    size_t readBytes(char *, size_t count) { return count; }
    void println(int) {}
} Serial;
#include "net.ino"
int main() { setup(); for (;;) loop(); }
"""


@pytest.mark.parametrize(
    ("text", "said", "avr"),
    [(SMALL, "an Uno or a Nano is large enough", UNO), (DEEP, "a Mega 2560 is large enough", MEGA)],
)
@pytest.mark.parametrize("whole", [True, False])
def test_a_sketch_is_made_for_the_board_that_is_named(text, said, avr, whole, digits, tmp_path):
    trained = model_of(text).trained()
    made = c_file(trained, "net", quantise(trained, digits) if whole else None)
    if whole:
        assert boards_for(trained, made).startswith(said)
    (tmp_path / "net.h").write_text(made.text)
    (tmp_path / "net.ino").write_text(sketch(trained, "net", whole))
    (tmp_path / "main.cpp").write_text(SERIAL)
    compiled = ["avr-g++", f"-mmcu={LARGE.name}", "-std=gnu++11", "-Os", "-Wall", "-Wextra"]
    run([*compiled, "-Werror", "main.cpp", "-lm", "-o", "net.elf"], tmp_path)
    sizes = run(["avr-size", "net.elf"], tmp_path).splitlines()[1].split()
    code, data, zeroed = map(int, sizes[:3])
    if whole:
        assert code + data + 2000 < avr.flash  # with room for Arduino's own code
        assert data + zeroed + 250 < avr.memory


HEARING = """\
unsigned long micros() { return 0; }
struct {
    void begin(long) {}
    int available() { return 1; }
    float parseFloat() { return 1; }
    void println(const char *) {}
} Serial;
#include "net.ino"
int main() { setup(); for (;;) loop(); }
"""


def untrained_gestures():
    """The built-in network of windows: what it takes doesn't depend on its weights."""
    model = model_of(str(builtin("gestures")))
    names = ("circle", "shake", "still", "swing", "tap")
    scaling = Scaling(1, np.zeros(384), np.ones(384))
    trained = trained_net(model.net, model.values, scaling, classes=names)
    return trained, Windows(128, 32, ("ax", "ay", "az"), 50.0)


def test_a_sketch_that_hears_signals_is_made_for_the_board_that_is_named(tmp_path):
    trained, windows = untrained_gestures()
    made = c_file(trained, "net", None)
    assert boards_for(trained, made).startswith("a Mega 2560 is large enough")
    (tmp_path / "net.h").write_text(made.text)
    (tmp_path / "net.ino").write_text(signal_sketch(trained, windows, "net", "net"))
    (tmp_path / "main.cpp").write_text(HEARING)
    compiled = ["avr-g++", f"-mmcu={MEGA.name}", "-std=gnu++11", "-Os", "-Wall", "-Wextra"]
    run([*compiled, "-Werror", "main.cpp", "-lm", "-o", "net.elf"], tmp_path)
    sizes = run(["avr-size", "net.elf"], tmp_path).splitlines()[1].split()
    code, data, zeroed = map(int, sizes[:3])
    assert code + data + 2000 < MEGA.flash
    assert data + zeroed + 250 < MEGA.memory


def moves(folder: Path) -> Signals:
    """Three classes in thousandths, from a table."""
    random, lines = np.random.default_rng(1), ["recording,a,b,label"]
    for k in range(4):
        for label, pace in (("fast", 1.2), ("slow", 0.4), ("still", 0.0)):
            turn = np.arange(80) * pace + random.uniform(0, 6)
            values = np.stack([9 + np.sin(turn), -1.5 + 0.5 * np.cos(turn)], axis=1)
            values[:, 0] += random.normal(0, 0.2, 80)
            lines += [f"{label} {k},{a:.3f},{b:.3f},{label}" for a, b in values.tolist()]
    (folder / "moves.csv").write_text("\n".join(lines))
    return read_signals(folder / "moves.csv")


def heard_in_whole_numbers(model, rows: np.ndarray) -> list[str]:
    """What a sketch prints, as it is reckoned here."""
    whole = fitted(model)
    assert whole.sensor
    scores = whole.scores(whole.sensor.of(model.windows.cut(rows)))
    return [model.classes[k] for k, _ in groupby(heard_classes(scores, whole.score_bits))]


def fitted(model):
    fitting = in_places(model.recorded_windows().fitting)
    return quantise_windows(model.trained(), fitting, len(model.windows.channels))


NETWORKS = {
    "windows": "",
    "gru": "input 16x2; gru 4; dense 3; log softmax; update adam; rate 0.03",
}


@pytest.mark.parametrize("net", NETWORKS.values(), ids=NETWORKS)
def test_a_sketch_prints_of_a_recording_what_is_reckoned_here(net, tmp_path):
    source = moves(tmp_path)
    signals = signal_problem(source, WindowsAsked(16, 4))
    recipe = usual_signal_recipe(signals, "m", parse(net) if net else None, held_back=None)
    model = train(replace(recipe, epochs=60), data=signals).model
    model.export(tmp_path / "hear.ino", int8=True)
    order = np.random.default_rng(2).permutation(len(source.recordings))
    rows = np.concatenate([source.recordings[k].values for k in order])
    expected = heard_in_whole_numbers(model, rows)
    played = heard(UNO, tmp_path, "hear.ino", rows)
    assert len(expected) >= 5
    assert played.said == expected
    assert played.memory < 1024
    scores = fitted(model)
    some = scores.sensor.of(model.recorded_windows().scored[:10])
    answers = UNO.ask(Question(c_file(model.trained(), "net", scores).text, some, 3))
    sums = [checksum(row) for row in scores.scores(some).astype(np.int32)]
    np.testing.assert_array_equal(answers.checksums, sums)


def test_gestures_fit_an_uno(tmp_path):
    trained, windows = untrained_gestures()
    rows = np.round(np.random.default_rng(1).normal(size=(400, 3)), 3)
    whole = quantise_windows(trained, windows.cut(rows), 3)
    made = c_file(trained, "net", whole, channels=windows.channels)
    assert boards_for(trained, made).startswith("an Uno or a Nano is large enough")
    (tmp_path / "net.h").write_text(made.text)
    (tmp_path / "net.ino").write_text(signal_sketch(trained, windows, "net", "net", whole))
    played = heard(UNO, tmp_path, "net.ino", rows[:160])
    assert played.memory + 250 < UNO.memory
    assert played.flash + 2000 < UNO.flash


@pytest.mark.parametrize(
    ("avr", "steps", "layer"),
    [(UNO, 500, "mel 3 frame 64 step 48 low 300"), (MEGA, 1200, "mel 12 frame 256 step 160")],
)
def test_an_avr_hears_samples_of_sound_as_this_machine_does(avr, steps, layer):
    trained, whole, given = of_sound(steps, layer)
    made = c_file(trained, "net", whole)
    found = avr.ask(Question(made.text, given, 3))
    scores = whole.scores(given).astype(np.int32)
    np.testing.assert_array_equal(found.checksums, [checksum(row) for row in scores])
    assert found.memory + given[0].nbytes < avr.memory


def test_what_no_board_known_takes_is_said():
    trained = model_of("input 1x28x28; conv 60 3x3; flatten; dense 10; softmax").trained()
    made = c_file(trained, "net", None)
    assert boards_for(trained, made).startswith("too large for every board")
