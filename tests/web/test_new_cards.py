"""An activation and a loss that Python alone knows: the page's JavaScript reads, explains and
trains them by their cards."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from gradbook.errors import NetTextError
from gradbook.graph.node import OPS
from gradbook.layers import ACTIVATIONS, LOSSES, activation, loss
from gradbook.layers.fields import NumberField
from gradbook.net import parse
from gradbook.net.build import training_step
from gradbook.net.step import run
from gradbook.report.play_page import (
    building_table,
    builds,
    formula_table,
    play_page,
)
from gradbook.targets.page.criteria import criteria_table
from gradbook.targets.page.page_content import content
from tests.agree.runs import reference_run
from tests.outside.browser import browser
from tests.outside.pages.play.drawing import CAUGHT, choose, weights
from tests.targets.page.machine import asked, number

pytestmark = pytest.mark.witness("node")
EPOCHS = 20
SLOT = re.compile(r"⟦(\d+)⟧")
STEEP = "input 2; dense 3; steep bump{}; dense 2; steep bump; loss cubed error; rate 0.3; seed 4"
SAMPLES = "; sample 0.5 -1 -> 0 1; sample -2 0.3 -> 1 0.2"
TEXTS = {
    "as usual": STEEP.format("") + SAMPLES,
    "with a slope": STEEP.format(" 0.7") + SAMPLES,
    "with a slope below 0": STEEP.format(" -0.25") + SAMPLES,
    "with a slope of 1": STEEP.format(" 1") + SAMPLES,
    "of one sample": STEEP.format(" 2") + "; sample 0.5 -1 -> 0 1",
    "of one output": "input 1; dense 1; steep bump 3; dense 1; loss cubed error; update adam",
    "of maps": "input 1x3x3; conv 2 2x2; steep bump 0.5; flatten; dense 1; loss cubed error",
}


def distance(t, a):
    return t.graph.make("relu", t - a) + t.graph.make("relu", a - t)


@pytest.fixture(autouse=True)
def new_cards(monkeypatch):
    """They are known within a test alone."""
    for known, name in ((OPS, "steep_bump"), (OPS, "cubed_error")):
        monkeypatch.setitem(known, name, None)
        del known[name]
    for known, name in ((ACTIVATIONS, "steep bump"), (LOSSES, "cubed error")):
        monkeypatch.setitem(known, name, None)
        del known[name]
    activation(
        "steep bump",
        "a bump of each, as steep as {slope:g} says",
        "1 / (1 + SLOPE·x²)",
        lambda x, slope: 1 / (1 + slope * x**2),
        fields=(NumberField("slope", "SLOPE", usual=0.01, label="the slope"),),
        derivative=lambda d, y, x: (-d * 2 * x * y.attributes[0] * y**2,),
        expansion=lambda x, slope: 1 / (1 + slope * x**2),
    )
    loss(
        "cubed error",
        "|t − a|³",
        "cubed_error",
        lambda t, a: np.abs(t - a) ** 3,
        derivative=lambda d, y, t, a: (
            d * 3 * (t - a) * distance(t, a),
            d * 3 * (a - t) * distance(t, a),
        ),
        expansion=lambda t, a: (t - a) ** 2 * distance(t, a),
    )


def building():
    return json.loads(json.dumps(building_table()))


def built(net):
    return {**asked("build", text=str(net), building=building()), "criteria": criteria_table()}


def written(net):
    """The page's tables as Python writes them."""
    known = content(net)
    return json.loads(json.dumps({**known.table(), **formula_table(known)}))


def spoken(table):
    """Formulas and partials with the names of the values that they mention."""
    names = {int(line): name["said"] for line, name in table["names"].items()}

    def named(template):
        return SLOT.sub(lambda slot: names[int(slot[1])], template)

    formulas = {names[int(line)]: named(said) for line, said in table["formulas"].items()}
    partials = {f"{names[a]}/{names[b]}": named(said) for a, b, said in table["partials"]}
    return formulas, partials


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_they_are_explained_as_python_explains_them(text):
    net = parse(text)
    here, there = built(net), written(net)
    assert spoken(here) == spoken(there)
    assert any("steep bump" in word for column in here["columns"] for word in column["words"])


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_they_train_to_the_same_weights(text):
    net = parse(text)
    here, there = (
        asked("train", table=table, epochs=EPOCHS, rate=0.1) for table in (built(net), written(net))
    )
    wanted = [number(it["loss"]) for it in there]
    assert [number(it["loss"]) for it in here] == pytest.approx(wanted, rel=1e-12)
    if net.samples:
        step = training_step(net)
        wanted = [float(values[step.loss]) for values in run(step, EPOCHS)]
        own = asked("train", table=built(net), epochs=EPOCHS, rate=net.learning_rate)
        assert [number(it["loss"]) for it in own] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    "line", ["steep", "steep hill", "steep bump high", "steep bump 1 2", "loss thrid", "loss mse 1"]
)
def test_what_is_wrongly_said_of_them_is_told_the_same(line):
    text = f"input 2; dense 1\n{line}"
    with pytest.raises(NetTextError) as caught:
        parse(text)
    error = caught.value
    said = asked("read", text=text, grammar=building()["grammar"])
    assert said == {"line": error.line, "column": error.column, "message": error.message}


@pytest.mark.witness("chromium")
def test_they_are_in_the_menus_of_a_page_and_chosen_there(tmp_path):
    net = parse("input 2; dense 3; tanh; dense 1; rate 0.3; seed 4; sample 0.5 -1 -> 0.25")
    (tmp_path / "page.html").write_text(play_page(net), encoding="utf-8")
    with browser() as page:
        page.show(tmp_path / "page.html")
        choose(page, "kind 1", "steep")
        choose(page, "loss", "cubed error")
        wanted = parse(page.value(CAUGHT))
        assert wanted.layers[1].text == "steep bump"
        assert str(wanted.loss) == "cubed error"
        for epoch in reference_run(training_step(wanted), 5):
            assert weights(page) == pytest.approx(epoch.weights, rel=1e-12)
            page.press("#step")
        assert page.said == []


SIX = {
    "flat": "input 2; dense 3; bent identity; highway; l2norm; dense 2; "
    "ramp -0.7 0.4; loss root error; rate 0.3; seed 4; "
    "sample 0.5 -1 -> 0 1; sample -2 0.3 -> 1 0.2",
    "two of a kind": "input 2; highway; highway; dense 1; loss root error; seed 2; "
    "sample 0.5 -1 -> 0.25",
    "steps": "input 3x2; mgu 2; ramp; dense 1; loss root error; seed 4; "
    "sample 0.5 -1 0.2 0.3 1 -1 -> 0.5",
    "all steps": "input 3x2; mgu 2 all no bias; mgu 1; dense 1; loss root error; seed 4; "
    "sample 0.5 -1 0.2 0.3 1 -1 -> 0.5",
    "inner values": "input 2; dense 4; pairnorm; wavy; dense 1; loss toy error; seed 4; "
    "sample 0.5 -1 -> 0.5",
}


@pytest.mark.parametrize("name", SIX)
def test_layers_are_typed_explained_and_trained_by_their_cards(toys, six_cards, name):
    net = parse(SIX[name])
    assert builds(net)
    here, there = built(net), written(net)
    assert spoken(here) == spoken(there)
    step = training_step(net)
    wanted = [float(values[step.loss]) for values in run(step, EPOCHS)]
    own = asked("train", table=here, epochs=EPOCHS, rate=net.learning_rate)
    assert [number(it["loss"]) for it in own] == pytest.approx(wanted, rel=1e-12)


def test_what_is_not_traced_is_refused_in_a_line(six_cards):
    for text, word in (
        ("input 8; dense 7; highway", "highway"),  # too wide
        ("input 1x3x3; conv 2 2x2; l2norm; flatten; dense 1", "l2norm"),  # a map
    ):
        assert not builds(parse(text))
        said = asked("read", text=text, grammar=building()["grammar"])
        assert said["message"].startswith(f"a page can't build '{word}' by itself")


def test_a_layer_that_the_page_does_not_build_is_refused_in_a_line(toys):
    text = "input 2; dense 4; pairnorm epsilon 0.1"
    assert not builds(parse(text))  # so its page has the tables that Python writes
    said = asked("read", text=text, grammar=building()["grammar"])
    assert said["message"].startswith("a page can't build 'pairnorm' by itself: write the text")
