"""What a card tells is enough: an activation, a normalisation and a loss that are made up here."""

from __future__ import annotations

import json

import pytest

import gradbook as gb
from gradbook.engine.native import NativeEngine
from gradbook.errors import NetTextError
from gradbook.net import parse
from gradbook.net.build import training_step
from gradbook.net.lower import scalar_step
from gradbook.net.measure import measure
from gradbook.net.step import run
from gradbook.net.text import write
from gradbook.report.workbook import write_workbook
from gradbook.targets.drawing import draw
from gradbook.targets.plain import as_json
from tests.agree.runs import apart, slopes
from tests.agree.test_steps import SLIGHT, slopes_by_trying
from tests.cases import for_each
from tests.engine.against import QUICK, a_batch, distance, held, reference
from tests.engine.against import run as one_step
from tests.trained import trained_of

SMALL = """input 2; dense 4; pairnorm epsilon 0.1; wavy; dense 2; wavy; loss toy error; seed 4
sample 0.5 -1 -> 0 1; sample -2 0.3 -> 1 0.2"""

pytestmark = pytest.mark.usefixtures("toys")


def test_gradients_are_what_the_loss_does():
    step = training_step(parse(SMALL))
    values = next(run(step, 1))
    assert apart(slopes(step), slopes(scalar_step(parse(SMALL)))) <= 1e-12
    for weight, slope in step.gradients.items():
        tried = slopes_by_trying(step, weight, SLIGHT)
        assert values[slope] == pytest.approx(tried, rel=1e-8, abs=1e-9)


def test_they_are_written_as_they_are_read():
    net = parse(SMALL)
    assert parse(write(net)) == net
    assert parse("input 2; dense 4; pairnorm epsilon 0.01; wavy").layers[1].epsilon == 0.01
    with pytest.raises(NetTextError, match="pairnorm's epsilon is between 0 and 1"):
        parse("input 2; dense 4; pairnorm epsilon 2; wavy")


def test_they_are_explained_summed_up_and_drawn():
    net = parse(SMALL)
    explained = gb.explain(net)
    text = " ".join(str(explained).split())
    for words in ("each, bent somehow", "over its pair γ1", "toy error"):
        assert words in text
    assert "tanh(2·y1)" in text
    assert [layer.macs for layer in measure(net).layers] == [12, 0, 0, 10, 0]
    assert "wavy" in draw(net).words


def test_they_have_a_workbook(tmp_path):
    book = write_workbook(parse(SMALL), tmp_path / "toys.xlsx", rates=())
    assert gb.check(book.path).verdict == "right"


def test_they_are_written_as_json():
    said = json.loads(as_json(trained_of(parse(SMALL))))
    assert "pairnorm" in json.dumps(said)


@pytest.mark.witness("cc")
@for_each("ending", ["softmax; loss cross-entropy", "wavy; loss toy error"])
def test_they_train_in_c(ending):
    net = parse(f"input 1x6x6; conv 4 3x3; pairnorm; wavy; flatten; dense 2; {ending}")
    engine, batch = NativeEngine(net, 8, 2, "float64", extra=QUICK), a_batch(net, 7)
    step = engine.step_graph
    truth = reference(step, {**held(engine), **batch.leaves(step)})
    assert one_step(engine, batch) == pytest.approx(float(truth[step.loss]), rel=1e-12)
    for weight, slope in step.gradients.items():
        assert distance(engine.gradients()[str(weight.name)], truth[slope]) < 1e-12
