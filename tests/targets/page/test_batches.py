from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.engine.engines import PlainEngine
from gradbook.lab.problem import order_samples
from gradbook.net import Sample, parse
from gradbook.targets.page.page_content import content
from tests.agree.runs import by_name
from tests.cases import for_each
from tests.targets.page.machine import asked, number
from tests.targets.page.test_lines import trained

pytestmark = pytest.mark.witness("node")
EPOCHS = 6
NETS = [
    "input 2; dense 3; tanh; dense 1; sigmoid; loss binary cross-entropy; rate 0.7; seed 11",
    "input 2; dense 4; relu; dense 2; softmax; loss cross-entropy; update adam; rate 0.05; seed 3",
    "input 2; dense 4; dropout 0.3; tanh; dense 2; update momentum 0.9 nesterov; seed 999999999",
    "input 2; dense 3; batchnorm; tanh; dense 1; loss mean squared error; rate 0.2",
]


def samples(net, count):
    random = np.random.default_rng(count)
    wanted = random.integers(net.outputs, size=count)
    targets = np.eye(2)[random.integers(2, size=count)] if net.outputs == 2 else wanted[:, None]
    return [
        Sample(tuple(map(float, inputs)), tuple(map(float, target)))
        for inputs, target in zip(random.normal(size=(count, 2)).round(3), targets, strict=True)
    ]


@given(st.integers(0, 999_999_999), st.integers(0, 100_000), st.integers(1, 60))
def test_an_epoch_goes_through_its_samples_as_the_engines_do(seed, epoch, count):
    said = asked("shuffled", seed=seed, epoch=epoch, count=count)
    assert said == order_samples(seed, epoch, np.arange(count)).tolist()


@for_each(
    ("text", "batch"),
    [
        (text, batch)
        for text in NETS
        for batch in (1, 3, 5, 11, 12, 40)
        if not ("batchnorm" in text and batch in (1, 11))  # one sample alone has no variance
    ],
)
def test_batches_train_as_the_command_trains(text, batch):
    """Held against the command's own training, with the engine that needs no compiler."""
    net = parse(text)
    net = net.with_samples(samples(net, 12))
    engine = PlainEngine(net, min(batch, 12))
    inputs, targets = (
        np.array([getattr(it, part) for it in net.samples]) for part in ("inputs", "targets")
    )
    page = trained(content(net), EPOCHS + 1, batch=batch)
    for number_of, epoch in enumerate(page[1:]):
        order = order_samples(net.seed, number_of, np.arange(len(inputs)))
        engine.epoch(inputs, targets, order=order, seed=net.seed, epoch=number_of)
        weights = {weight: weight for weight in engine.step_graph.weights}
        now = {weight: engine.arrays[str(weight.name)] for weight in weights}
        wanted = by_name(engine.step_graph, weights, now)
        assert epoch.weights == pytest.approx(wanted, rel=1e-12, abs=1e-13)


def test_a_rate_is_judged_by_the_batches_that_it_trains_with():
    net = parse(NETS[0])
    table = content(net.with_samples(samples(net, 12))).table()
    by_all, by_one = (
        [
            number(it)
            for it in asked("judge", table=table, rate=0.7, epochs=9, batch=batch)["losses"]
        ]
        for batch in (0, 1)
    )
    assert by_one == [
        number(it["loss"]) for it in asked("train", table=table, rate=0.7, epochs=9, batch=1)
    ]
    assert by_one[0] == by_all[0]
    assert by_one[1:] != by_all[1:]
