"""An activation that others can express is one op and one word: every target then knows it."""

from __future__ import annotations

import numpy as np
import pytest

import gradbook as gb
from gradbook.engine.native import NativeEngine
from gradbook.graph.node import OPS
from gradbook.layers import ACTIVATIONS, activation
from gradbook.net import parse
from gradbook.net.build import training_step
from gradbook.net.lower import scalar_step
from gradbook.net.measure import measure
from gradbook.net.step import run
from gradbook.report.workbook import write_workbook
from gradbook.targets.drawing import draw
from tests.agree.runs import apart, slopes
from tests.agree.test_steps import SLIGHT, slopes_by_trying
from tests.engine.against import QUICK, a_batch, distance, held, reference
from tests.engine.against import run as one_step


def softplus(x):
    return x.graph.make("softplus", x)


def tanh(x):
    return x.graph.make("tanh", x)


def mish_derivative(d, y, x):
    t = tanh(softplus(x))
    return (d * (t + x * (1 - t**2) * x.graph.make("sigmoid", x)),)


SMALL = """input 2; dense 3; mish; dense 2; mish; loss half squared error; seed 4
sample 0.5 -1 -> 0 1; sample -2 0.3 -> 1 0.2"""


@pytest.fixture(autouse=True)
def mish(monkeypatch):
    for known in (OPS, ACTIVATIONS):
        monkeypatch.setitem(known, "mish", None)
        del known["mish"]
    activation(
        "mish",
        "each, times tanh of its softplus (Mish)",
        "x·tanh(ln(1 + e^x))",
        lambda x: x * np.tanh(np.logaddexp(0, x)),
        derivative=mish_derivative,
        expansion=lambda x: x * tanh(softplus(x)),
    )


def test_its_gradients_are_what_the_loss_does():
    step = training_step(parse(SMALL))
    values = next(run(step, 1))
    assert apart(slopes(step), slopes(scalar_step(parse(SMALL)))) <= 1e-12
    for weight, slope in step.gradients.items():
        tried = slopes_by_trying(step, weight, SLIGHT)
        assert values[slope] == pytest.approx(tried, rel=1e-9, abs=1e-10)


def test_it_is_explained_summed_up_and_drawn():
    net = parse(SMALL)
    said = str(gb.explain(net))
    assert "h1·tanh(ln(1 + exp(h1)))" in said
    assert "each, times tanh of its softplus (Mish)" in " ".join(said.split())
    assert [layer.macs for layer in measure(net).layers] == [9, 0, 8, 0]
    assert "mish" in draw(net).words


def test_it_has_a_workbook(tmp_path):
    book = write_workbook(parse(SMALL), tmp_path / "mish.xlsx", rates=())
    assert book.path.stat().st_size > 10_000
    assert gb.check(book.path).verdict == "right"


@pytest.mark.witness("cc")
def test_it_trains_in_c():
    net = parse("input 1x6x6; conv 3 3x3; mish; flatten; dense 2; softmax; loss cross-entropy")
    engine, batch = NativeEngine(net, 8, 2, "float64", extra=QUICK), a_batch(net, 7)
    step = engine.step_graph
    truth = reference(step, {**held(engine), **batch.leaves(step)})
    assert one_step(engine, batch) == pytest.approx(float(truth[step.loss]), rel=1e-12)
    for weight, slope in step.gradients.items():
        assert distance(engine.gradients()[str(weight.name)], truth[slope]) < 1e-12
