"""The network as text on the page to play with: typed, and built as it is typed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings

from gradbook.net import parse
from gradbook.net.build import training_step
from gradbook.net.network import DROPPED
from gradbook.report.play_page import builds, play_page
from tests.agree.runs import reference_run
from tests.families import networks
from tests.outside.browser import REVEALING
from tests.outside.pages.play.drawing import CAUGHT, NETS, learned, named, number, weights

pytestmark = pytest.mark.witness("chromium")


TYPED = """(text => {
  const box = document.querySelector("#text")
  box.focus()
  box.value = text
  box.dispatchEvent(new Event("input", {bubbles: true}))
})"""


def typed(page, text):
    page.value(f"{REVEALING}('#text')")
    page.value(f"{TYPED}({json.dumps(text)})")
    page.settle()


def as_text(net):
    """Without start values and samples."""
    return str(replace(net, start={}, samples=()))


def test_another_activation_is_built_as_it_is_typed_and_the_weights_stay(shown):
    page = shown("worked")
    page.press("#step")
    before = weights(page)
    typed(page, as_text(NETS["worked"]).replace("sigmoid\ndense", "tanh\ndense"))
    assert weights(page) == before
    assert page.text("#epoch") == "000,000"
    numbers = " ".join(str(before[f"w{k}"]) for k in range(1, 9))
    text = str(replace(NETS["worked"], start={})).replace("sigmoid\ndense", "tanh\ndense")
    wanted = parse(f"{text}weights {numbers}")
    for epoch in reference_run(training_step(wanted), 20):
        assert weights(page) == pytest.approx(epoch.weights, rel=1e-12)
        page.press("#step")


BOX = "document.querySelector('#text').value"


def test_the_rate_in_the_text_follows_the_slider_and_the_slider_the_text(shown):
    page = shown("worked")
    assert "rate 1\n" in page.value(BOX) + "\n"
    page.write("#rate-field", "2.5")
    assert "rate 2.5\n" in page.value(BOX) + "\n"
    assert page.text("#text-said") == "no mistakes: 8 weights, η = 2.5"
    typed(page, page.value(BOX).replace("sigmoid", "tanh"))
    assert page.value("document.querySelector('#rate-field').value") == "2.50"
    typed(page, page.value(BOX).replace("rate 2.5", "lr 0.3  # lower"))
    assert page.value("document.querySelector('#rate-field').value") == "0.30"
    page.write("#rate-field", "40")
    assert "\nlr 40  # lower" in page.value(BOX)
    page.click("#text-as-written")
    assert page.value("document.querySelector('#rate-field').value") == "1.00"


def test_a_text_without_a_rate_gets_one_when_another_is_chosen(shown):
    page = shown("worked")
    typed(page, "input 2; dense 2; sigmoid; loss half squared error")
    assert "rate" not in page.value(BOX)
    page.write("#rate-field", "7")
    assert page.value(BOX).endswith("\nrate 7\n")
    typed(page, page.value(BOX).replace("dense 2", "dense 2 no bias"))
    assert "no mistakes: 4 weights, η = 7" in page.text("#text-said")


def test_other_inputs_say_which_samples_they_replaced(shown):
    page = shown("worked")
    assert page.text("#made-up") == ""
    typed(page, as_text(NETS["worked"]).replace("input 2", "input 3"))
    text = page.text("#text-said")
    assert "The previous sample did not fit 3 inputs and 2 targets" in text
    assert "1 made-up sample replaces it" in text
    net = parse(as_text(NETS["worked"]).replace("input 2", "input 3"))
    assert page.text("#made-up") == net.made_up(DROPPED)
    typed(page, page.value(BOX) + "\nsample 1 2 3 -> 0 1")
    assert page.text("#made-up") == ""


def test_new_weights_are_those_that_the_command_draws(shown):
    page = shown("worked")
    text = "input 2\ndense 3\ntanh\ndense 2\nsoftmax\nseed 7\nupdate adam"
    typed(page, text)
    drawn = reference_run(training_step(parse(text)), 1)[0].weights
    assert weights(page) == pytest.approx(drawn, rel=1e-12)


def test_a_mistake_is_marked_at_its_place_and_the_last_network_goes_on(shown):
    page = shown("worked")
    before = weights(page)
    typed(page, "input 2\ndense 2\nsigmod\ndense 2")
    said = "line 3, column 1: unknown layer 'sigmod': did you mean 'sigmoid'?"
    assert page.text("#text-said") == said
    assert page.text("#line-numbers .wrong") == "3"
    assert page.value("document.querySelector('#text').getAttribute('aria-invalid')") == "true"
    assert weights(page) == before
    page.click("#text-said .place")
    chosen = (
        "(e => e.value.slice(e.selectionStart, e.selectionEnd))(document.querySelector('#text'))"
    )
    assert page.value(chosen) == "sigmod"
    page.ask("Input.insertText", text="sigmoid")
    page.settle()
    assert page.value("document.querySelector('#line-numbers .wrong')") is None
    assert page.text("#text-said") == "no mistakes: 12 weights and biases, η = 1"


def test_what_was_typed_is_undone_with_the_weights_that_were_there(shown):
    page = shown("xor")
    page.press("#step")
    before, text = weights(page), page.value("document.querySelector('#text').value")
    typed(page, "input 2\ndense 5\ntanh\ndense 1\nsigmoid")
    assert len(weights(page)) == 21
    page.press("#undo")
    assert page.value("document.querySelector('#text').value") == text
    assert weights(page) == pytest.approx(before)
    assert page.value("document.querySelector('#undo').disabled") is True


def test_only_networks_that_say_something_of_a_plane_have_one(shown):
    page = shown("xor")
    hidden = "document.querySelector('#plane').hidden"
    assert page.value(hidden) is False
    typed(page, "input 3\ndense 2\ntanh\ndense 2")
    assert page.value(hidden) is True
    typed(page, "input 2\ndense 2\ntanh\ndense 2\nsoftmax")
    assert page.value(hidden) is False
    assert page.value("document.querySelectorAll('#samples tbody tr').length") == 40


def test_points_keep_their_classes_when_the_outputs_say_them_otherwise(shown):
    page = shown("xor")
    typed(page, "input 2\ndense 2\ntanh\ndense 1\ntanh")
    targets = "[...document.querySelectorAll('[aria-label^=\"t1 of\"]')].map(e => e.value)"
    wanted = [2 * sample.targets[0] - 1 for sample in NETS["xor"].samples]
    assert [number(text) for text in page.value(targets)] == wanted


def test_samples_and_weights_can_be_typed_too(shown):
    page = shown("worked")
    net = parse(
        "input 1; dense 1; loss half squared error; rate 0.1; weights 2; "
        "sample 3 -> 1; sample 1 -> 0"
    )
    typed(page, str(net))
    for epoch in reference_run(training_step(net), 5):
        assert weights(page) == pytest.approx(epoch.weights, rel=1e-12)
        page.press("#step")


def test_a_network_that_was_typed_is_saved_as_it_is(shown):
    page = shown("worked")
    typed(page, "input 2\ndense 3; tanh # a remark\ndense 2\nupdate momentum 0.5")
    saved = parse(page.value(CAUGHT))
    assert [layer.text for layer in saved.layers] == ["dense 3", "tanh", "dense 2"]
    assert saved.update.momentum == 0.5
    assert saved.samples == NETS["worked"].samples


def test_the_text_is_no_trap_for_keys(shown):
    page = shown("worked")
    page.value("document.querySelector('#text').focus()")
    page.key("Tab")
    assert page.value("document.activeElement.id") != "text"


MAPS = """input 1x4x4
conv 2 3x3 pad 1
batchnorm
relu
concat back 1
maxpool 2
flatten
dropout 0.2
dense 2
softmax
seed 5
rate 0.2"""


def test_maps_are_built_as_they_are_typed_and_train_alike(shown):
    page = shown("worked")
    assert page.value("document.querySelector('#paints').checkVisibility()") is False
    typed(page, MAPS)
    assert page.text("#text-said").startswith("no mistakes: 5")
    assert page.value("document.querySelector('#paints').checkVisibility()") is True
    assert page.value("document.querySelector('#masks').checkVisibility()") is True
    for k, wanted in enumerate(learned(MAPS, 4)):
        assert weights(page) == pytest.approx({w: wanted[w] for w in weights(page)}, rel=1e-9)
        page.press("#step")
        assert page.text("#epoch") == f"{k + 1:07,}"
    page.value(f"{named('c1_2_2')}.focus()")
    page.settle()
    read = "[...document.querySelectorAll('.cell.read')].map(e => e.getAttribute('aria-label'))"
    assert page.value(read) == [f"i{row}_{column}" for row in (1, 2, 3) for column in (1, 2, 3)]
    assert page.value("document.querySelectorAll('#chain .grid').length") == 3


def test_what_is_too_large_for_a_drawing_is_refused_at_its_place(shown):
    page = shown("worked")
    typed(page, "input 1x20x20; conv 2 5x5; maxpool all; flatten; dense 1")
    said = "13,772 single values and products: a page builds at most 4,000"
    assert page.text("#text-said").endswith(said)


@settings(max_examples=15)
@given(
    (
        networks(images=False, dropout=True) | networks(images=True, depth=3, width=2, dropout=True)
    ).filter(builds)
)
def test_any_network_can_be_typed(chromium, pages, net):
    chromium.said.clear()
    chromium.show(pages / "worked.html")
    typed(chromium, str(net))
    assert chromium.text("#text-said").startswith("no mistakes: ")
    chromium.press("#step")
    assert chromium.text("#epoch") == "000,001"
    assert chromium.value("document.documentElement.scrollWidth") == 1200
    assert chromium.said == []


def test_of_dropout_the_page_says_what_a_workbook_needs(shown):
    page = shown("worked")
    said = "document.querySelector('#drawn-masks').checkVisibility()"
    assert page.value(said) is False
    typed(page, "input 2; dense 2; dropout 0.5; dense 1")
    assert page.value(said) is True


def test_a_page_whose_network_cannot_be_changed_says_why(chromium, tmp_path, monkeypatch):
    monkeypatch.setattr("gradbook.report.play_page.builds", lambda net: False)
    (tmp_path / "large.html").write_text(play_page(NETS["xor"]), encoding="utf-8")
    chromium.show(tmp_path / "large.html", 1200)
    chromium.settle()
    assert chromium.value("document.querySelector('#text')") is None
    words = chromium.text("#more")
    assert "too large to be changed here: neither layers nor inputs" in words
    assert not chromium.value("document.querySelector('#features').checkVisibility()")
