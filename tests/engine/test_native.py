"""The native engine in double precision, its epochs, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from threading import Thread
from weakref import ref

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

from gradbook.engine.base import EpochRun
from gradbook.engine.engines import PlainEngine
from gradbook.engine.native import NativeEngine
from gradbook.errors import ShapeError, UsageError
from gradbook.lab.models.answers import likeliest_classes
from gradbook.net import Net, builtin, parse
from tests.cases import for_each
from tests.engine.against import STEP, a_batch, disagreement, distance, run, varies
from tests.families import networks

pytestmark = pytest.mark.witness("cc")

PRECISIONS = ("float32", "float64")
QUICKLY = ("-O1",)  # compiles in a third of the time
MIXED = """\
input 2x9x8
conv 6 3x3 pad 1 no bias
batchnorm
relu
dropout 0.1 channels
conv 8 3x3
dropout 0.2
relu
maxpool 2
batchnorm
conv 8 2x3 stride 2 pad 1 groups 2
leaky relu 0.1
avgpool all
flatten
dense 5
tanh
dense 3
log softmax
loss cross-entropy smoothing 0.1
"""
UPDATES = {
    "descent": "update descent; rate 0.1; decay 0.01",
    "momentum": "update momentum 0.9; rate 0.05; decay 0.0005 weights shifts",
    "Nesterov": "update momentum 0.9 nesterov; rate 0.05",
    "Adam": "update adam; rate 0.01; decay 0.01",
    "AdamW": "update adamw; rate 0.01; decay 0.1 weights biases",
}


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(networks(updates=["descent", "momentum"]))
def test_any_networks_step_is_the_references(net: Net):
    engine = NativeEngine(net, 21, 2, "float64", extra=QUICKLY)
    batch = a_batch(net, 19, 3)
    assume(varies(engine, batch))
    gaps = disagreement(engine, batch)
    assert max(gaps.values()) < STEP, gaps


@for_each("words", UPDATES.values(), ids=UPDATES)
def test_three_steps_follow_the_reference_with_any_update(words):
    engine = NativeEngine(parse(MIXED + words), 40, 2, "float64", extra=QUICKLY)
    for draw, size in enumerate((40, 1, 33)):
        gaps = disagreement(engine, a_batch(engine.net, size, draw))
        assert max(gaps.values()) < STEP, gaps


@for_each("words", UPDATES.values(), ids=UPDATES)
def test_single_precision_goes_the_same_way_with_any_update(words):
    """Without corners, on either side of which numbers of the two could fall."""
    net = parse(f"input 5; dense 6 no bias; batchnorm; tanh; dense 3; log softmax\n{words}")
    single, double = (NativeEngine(net, 16, 2, kind, extra=QUICKLY) for kind in PRECISIONS)
    for draw in range(5):
        losses = [run(engine, a_batch(net, 16, draw)) for engine in (single, double)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    for name, values in double.state().items():
        assert distance(single.arrays[name], values) < 1e-4, name


def test_training_goes_on_from_what_was_carried_bit_for_bit():
    net = parse(MIXED + UPDATES["AdamW"])
    whole = NativeEngine(net, 32, extra=QUICKLY)
    batches = [a_batch(net, 32, draw) for draw in range(4)]
    for batch in batches:
        run(whole, batch)
    first, second = (NativeEngine(net, 32, 2, extra=QUICKLY) for _ in range(2))
    for batch in batches[:2]:
        run(first, batch)
    second.restore(first.state())
    for batch in batches[2:]:
        run(second, batch)
    assert all(np.array_equal(whole.arrays[name], second.arrays[name]) for name in whole.state())


def test_an_epoch_is_its_steps_one_after_the_other():
    net = parse(MIXED + UPDATES["momentum"])
    whole, single = (NativeEngine(net, 16, 2, extra=QUICKLY) for _ in range(2))
    batch = a_batch(net, 40)
    order = np.random.default_rng(0).permutation(40)
    losses = whole.epoch(batch.inputs, batch.targets, [0.1, 0.2, 0.3], order=order).losses
    for number, rate in enumerate((0.1, 0.2, 0.3)):
        part = order[16 * number : 16 * (number + 1)]
        assert losses[number] == pytest.approx(
            single.epoch(batch.inputs, batch.targets, rate, order=part).losses[0], abs=0
        )
    assert all(np.array_equal(whole.arrays[name], single.arrays[name]) for name in whole.state())


def test_an_engine_that_nobody_has_any_more_is_gone_and_its_views_last():
    engine = NativeEngine(parse(MIXED + UPDATES["descent"]), 16, extra=QUICKLY)
    view, gone, memory = engine.arrays["w_layer_0"], ref(engine), ref(engine._memory)
    before = view.copy()
    del engine
    assert gone() is None
    assert np.array_equal(view, before)
    del view
    assert memory() is None


def test_a_job_that_is_done_points_at_nothing_that_a_later_one_could_read():
    engine = NativeEngine(parse(MIXED + UPDATES["descent"]), 16, extra=QUICKLY)
    batch, epoch = a_batch(engine.net, 16), EpochRun()
    engine.epoch(batch.inputs, np.arange(16) % 3, 0.0, run=epoch)
    assert not any(getattr(epoch.job, name) for name in ("numbers", "labels", "order", "losses"))
    again = engine.epoch(batch.inputs, batch.targets, 0.0, run=epoch)  # of labels nothing is left
    assert again.losses == engine.epoch(batch.inputs, batch.targets, 0.0).losses


@for_each("kind", [NativeEngine, PlainEngine])
def test_right_answers_are_those_it_would_have_predicted(kind):
    net = parse("input 2x4x4; conv 4 3x3; relu; avgpool all; flatten; log softmax")
    engine, random = kind(net, 40), np.random.default_rng(2)
    images, labels = random.normal(size=(90, 2, 4, 4)), random.integers(0, 4, 90)
    said = engine.predict(images).argmax(axis=1)
    hits = [int(np.sum((said == labels)[start : start + 40])) for start in (0, 40, 80)]
    assert engine.epoch(images, labels, 0.0).right.tolist() == hits
    engine.arrays["w_layer_0"][...] = np.nan
    assert engine.epoch(images, labels, 0.0).right.tolist() == [0, 0, 0]


def test_answers_are_counted_before_anything_takes_their_place():
    """A gradient of three channels fits where the four outputs were."""
    net = parse("input 2x4x4; conv 3 4x4; batchnorm; relu; flatten; dense 4; log softmax")
    random = np.random.default_rng(3)
    images, labels = random.normal(size=(40, 2, 4, 4)), random.integers(0, 4, 40)
    counts = [
        kind(net, 40).epoch(images, labels, 0.0).right.tolist()
        for kind in (NativeEngine, PlainEngine)
    ]
    assert counts[0] == counts[1]


@for_each("kind", [NativeEngine, PlainEngine])
def test_a_single_answer_is_right_on_its_targets_side_of_a_half(kind):
    engine = kind(parse("input 1; dense 1; sigmoid; loss binary cross-entropy"), 4)
    engine.restore({"w_layer_0": [[1.0]], "b_layer_0": [0.0]})
    images, targets = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([[0.0], [1], [1], [0]])
    assert engine.epoch(images, targets, 0.0).right.tolist() == [2]


@for_each("kind", [NativeEngine, PlainEngine])
def test_a_single_answer_of_a_half_says_class_1_as_predictions_have_it(kind):
    net = parse("input 1; dense 1; loss half squared error; sample 1 -> 1; sample 0 -> 0")
    engine = kind(net, 4)
    engine.restore({"w_layer_0": [[1.0]], "b_layer_0": [0.0]})
    said = engine.predict(np.array([[0.5], [0.5], [0.4], [0.6]]))
    assert likeliest_classes(net, said).tolist() == [1, 1, 0, 1]
    targets = np.array([[1.0], [1], [0], [0]])
    assert engine.epoch(said, targets, 0.0).right.tolist() == [3]


def test_bytes_come_in_normalised():
    engine = NativeEngine(parse(MIXED), 16, precision="float64", extra=QUICKLY)
    pixels = np.random.default_rng(0).integers(0, 256, (9, 2, 9, 8), dtype=np.uint8)
    plain = engine.predict((pixels / 255 - 0.5) / 0.25)
    engine.normalise(0.5, 0.25, 255)
    assert distance(engine.predict(pixels), plain) < 1e-12


def test_it_says_how_far_it_is_and_stops_when_told():
    engine = NativeEngine(builtin("flat"), 16, extra=QUICKLY)
    images, labels = np.zeros((4000, 1, 28, 28), np.uint8), np.zeros(4000, int)
    epoch, done = EpochRun(), []
    worker = Thread(target=lambda: done.append(engine.epoch(images, labels, run=epoch)))
    worker.start()
    while epoch.job.done < 3:
        pass
    epoch.stop()
    worker.join()
    losses = done[0].losses
    assert 3 <= len(losses) == epoch.job.done < 250
    assert np.isfinite(losses).all()
    assert np.array_equal(epoch.so_far.losses, losses)


def test_what_does_not_fit_is_refused_in_one_line():
    engine = NativeEngine(parse(MIXED), 16, extra=QUICKLY)
    images, labels = np.zeros((4, 2, 9, 8)), np.zeros(4, int)
    with pytest.raises(ShapeError, match="images"):
        engine.step(images[:, :1], labels)
    with pytest.raises(ShapeError, match="classes are numbered from 0 to 2"):
        engine.step(images, labels + 3)
    with pytest.raises(ShapeError, match="beyond the 4"):
        engine.epoch(images, labels, order=[0, 4])
    with pytest.raises(ShapeError, match="a batch has 1 to 16"):
        engine.step(np.zeros((17, 2, 9, 8)), np.zeros(17, int))
    with pytest.raises(UsageError, match="threads"):
        NativeEngine(parse(MIXED), 16, 0)


LARGE = """
import numpy as np
from gradbook.data.warp import parse_warp as warp
from gradbook.engine.native import NativeEngine
from gradbook.lab.models.answers import likeliest_classes
from gradbook.net import parse

net = parse('''
input 3x224x224; dropout 0.1; conv 8 3x3 stride 2; relu; maxpool 4; conv 8 3x3 stride 2; relu
flatten; dense 90; relu; dense 3; log softmax''')
engine = NativeEngine(net, 16, 2, extra=("-O1",))
images = np.random.default_rng(0).integers(0, 256, (20, 3, 224, 224), dtype=np.uint8)
engine.normalise(0.5, 0.25, 255)
epoch = engine.epoch(images, np.zeros(20, int), 0.01, warp=warp("rotate 10; elastic 28 4"))
assert np.isfinite(epoch.losses).all() and engine.predict(images).shape == (20, 3)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="there the limit holds for threads too")
def test_large_images_need_no_large_stack():
    limited = ["sh", "-c", 'ulimit -s 256; exec "$@"', "sh", sys.executable, "-c", LARGE]
    done = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
