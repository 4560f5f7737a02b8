"""A network whose first layers are fixed learns the same when samples go through them once."""

from __future__ import annotations

import numpy as np

from gradbook.engine.engines import PlainEngine
from gradbook.net import parse
from gradbook.net.network import fixed_beginning
from tests.cases import for_each

HEARS = "mel 4 frame 16 step 8 rate 1000 low 50 high 450"
ONES = "1 " * 396  # one for each weight, fixed ones too
ENDS = "dropout 0.2; flatten; dense 2; log softmax; update momentum 0.9"


@for_each("middle", ["", "conv1d 3 3; batchnorm; relu;", "gru 3 all;"])
def test_behind_a_fixed_beginning_the_rest_learns_what_the_whole_does(middle):
    net = parse(f"input 80x1; {HEARS}; {middle} {ENDS}")
    first, rest = fixed_beginning(net)
    assert [first.layers, rest.layers[1:]] == [net.layers[:1], net.layers[1:]]
    samples = np.random.default_rng(0).normal(size=(6, 80))
    labels = np.array([0, 1, 0, 1, 1, 0], np.int32)
    whole, ahead, behind = (PlainEngine(part, 6) for part in (net, first, rest))
    by_step = ahead.predict(samples).reshape(-1, *first.wanted)
    given = by_step.transpose(0, 2, 1).reshape(-1, *rest.input)
    for engine, inputs in ((whole, samples), (behind, given)):
        engine.epoch(inputs, labels, 0.1, seed=3)
        engine.epoch(inputs, labels, 0.1, seed=3, epoch=1)
    learned = {**ahead.state(), **behind.state()}
    assert learned.keys() == whole.state().keys()
    for name, values in whole.state().items():
        np.testing.assert_allclose(learned[name], values, rtol=0, atol=1e-13)
    np.testing.assert_allclose(behind.predict(given), whole.predict(samples), rtol=0, atol=1e-12)


@for_each(
    "text",
    [
        "input 80x1; flatten; dense 2; softmax",  # nothing is fixed
        f"input 80x1; conv1d 1 1; {HEARS}; flatten; dense 2",  # it learns before
        "input 8x1; dropout 0.5; mel 1 frame 8 step 8; flatten; dense 2",  # each epoch differs
        "input 9x1; spectrogram frame 2 step 1; go back 1; conv1d 2 2; add back 2; flatten",
        f"input 80x1; {HEARS}; flatten; dense 1; weights {ONES}",
    ],
)
def test_a_network_without_a_fixed_beginning_stays_whole(text):
    assert fixed_beginning(parse(text)) is None
