"""Python's side of the page in a notebook; the page's own stands with the browsers."""

import sys

import pytest

import gradbook as gb
from gradbook.errors import DataError, GradbookError
from gradbook.net import Sample
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from gradbook.targets.page.page_address import MOST_BYTES, PageState, pack, unpack
from tests.cases import for_each

ODD = (0.1 + 0.2, -0.0, 0.0, 5e-324, 1.7976931348623157e308, float("inf"), -float("inf"))
STATE = PageState(
    "input 2 # η\ndense 1\n",
    rate=0.1,
    epoch=71,
    start=ODD,
    values=ODD[::-1],
    samples=(Sample((0.1, -0.0), (1.0,)), Sample((1 / 3, 2.0), (0.0,))),
    tests=(Sample((0.5, 1.0), (1.0,)),),
    batch=3,
    sample=1,
    chosen="w1",
    look="numbers",
    fields={"sets": "circle"},
)


def exact(state):
    return repr(state)  # in which −0 isn't 0


def test_a_state_comes_back_from_its_letters_bit_for_bit():
    assert exact(unpack(pack(STATE))) == exact(STATE)


@for_each("letters", ["", "AAAA", "%", "é", "<script>", "A" * 400_000, pack(STATE)[:-9]])
def test_letters_of_something_else_are_refused(letters):
    with pytest.raises(DataError, match="isn't the state of a page"):
        unpack(letters)


def test_letters_that_would_unpack_to_very_much_are_refused():
    long = PageState("x" * (MOST_BYTES + 1), 1, 1, (), (), STATE.samples)
    with pytest.raises(DataError, match="isn't the state"):
        unpack(pack(long))


def test_epochs_are_those_of_the_reference_to_and_fro():
    net = gb.builtin("xor")
    step = scalar_step(net)
    epochs = list(run(step, 12, 0.3))
    page = gb.play(net)
    page.rate = 0.3
    for epoch in (10, 12, 1, 3):
        page.epoch = epoch
        values = {str(node.name): float(epochs[epoch - 1][node]) for node in step.weights}
        assert page.weights == pytest.approx(values, rel=1e-12)
        assert page.loss == pytest.approx(float(epochs[epoch - 1][step.loss]), rel=1e-12)


def test_weights_that_are_set_are_what_training_starts_from():
    page = gb.play(gb.builtin("worked"))
    page.weights = {"w1": 0.75}
    assert page.weights["w2"] == 0.2
    page.epoch = 4
    page.epoch = 1
    assert page.weights["w1"] == 0.75
    assert page.net.start_values()["w"][0] == 0.75


def test_a_text_keeps_the_samples_that_fit():
    net = gb.builtin("xor")
    page = gb.play(net)
    page.epoch = 9
    page.text = "input 2\ndense 5\ntanh\ndense 1\nsigmoid\nrate 2"
    assert (page.epoch, page.rate, len(page.weights)) == (1, 2, 21)
    assert page.net.samples == net.samples
    page.text = "input 3\ndense 1\nsample 1 2 3 -> 1"
    assert page.net.samples == (Sample((1.0, 2.0, 3.0), (1.0,)),)


def test_whoever_observes_hears_of_what_the_page_did():
    page, other = gb.play(gb.builtin("worked")), gb.play(gb.builtin("worked"))
    other.rate, other.epoch = 0.2, 6
    heard = {}
    page.observe(lambda change: heard.update({change.name: change.new}), ["rate", "epoch"])
    page.state = other.state
    assert heard == {"rate": 0.2, "epoch": 6}
    assert page.weights == other.weights


@for_each(
    ("name", "value", "said"),
    [
        ("text", "dense 2", "begin with a line such as 'input 2'"),
        ("text", "input 2; dense 2; data a.csv", "can't open a file"),
        ("text", "input 9; dense 40; dense 2", "another page"),
        ("rate", float("nan"), "finite"),
        ("batch", -1, "at least 1 sample"),
        ("epoch", 0, "count from 1"),
        ("epoch", 10**8, "20,000 epochs away"),
        ("weights", {"w9": 1.0}, "no weight 'w9'"),
        ("weights", {"w1": "1"}, "finite number, not '1'"),
        ("weights", {"w1": float("inf")}, "finite number, not inf"),
        ("state", "AAAA", "isn.t the state of a page"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(name, value, said):
    page = gb.play(gb.builtin("worked"))
    before = (page.text, page.rate, page.batch, page.epoch, page.weights, page.net)
    with pytest.raises(GradbookError, match=said):
        setattr(page, name, value)
    assert (page.text, page.rate, page.batch, page.epoch, page.weights, page.net) == before


def test_without_what_shows_widgets_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradbook.report.notebook_page", None)
    with pytest.raises(GradbookError, match=r"pip install 'gradbook\[notebook\]'"):
        gb.play(gb.builtin("worked"))
