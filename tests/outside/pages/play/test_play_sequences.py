"""Networks that read sequences, on the page to play with: unrolled in time, and trained."""

from __future__ import annotations

import pytest

from gradbook.net import parse
from gradbook.net.build import training_step
from gradbook.net.step import losses
from tests.outside.pages.play.drawing import (
    CAUGHT,
    NETS,
    choose,
    learned,
    named,
    number,
    weights,
)

pytestmark = pytest.mark.witness("chromium")
PLANES = """[...document.querySelectorAll('.net .title')].map(it => it.textContent)"""
PLACES = """(names => names.map(name => {
  const found = [...document.querySelectorAll('.net .cell')].find(
    it => it.getAttribute('aria-label').split(' ')[0] === name)
  const {x, y} = found.getBoundingClientRect()
  return [Math.round(x), Math.round(y)]
}))"""


def test_an_rnn_is_unrolled_with_a_row_for_each_unit_and_a_column_for_each_step(shown):
    page = shown("echo", 1440)
    assert page.value(PLANES) == ["h", "a_h", "w", "w recurrent", "b"]
    first, later, below = page.value(f"{PLACES}(['h1(1)', 'h1(2)', 'h2(1)'])")
    assert (first[0] < later[0], first[1] == later[1]) == (True, True)
    assert (first[0] == below[0], first[1] < below[1]) == (True, True)


def test_an_rnn_trains_as_the_reference_does(shown):
    page = shown("echo", 1440)
    for wanted in learned(str(NETS["echo"]), 5):
        assert weights(page) == pytest.approx(wanted, rel=1e-12, abs=1e-14)
        page.press("#step")
    assert page.said == []


def test_a_recurrent_weight_that_is_pointed_at_has_a_term_for_each_step(shown):
    page = shown("echo", 1440)
    page.value(f"{named('w4')}.focus()")
    page.settle()
    text = "".join(page.text("#chain").split())
    assert [f"∂h1({step})∂w4" in text for step in range(1, 5)] == [False, True, True, True]


def test_attention_has_its_shares_as_a_matrix_with_numbers(shown):
    page = shown("look back", 1440)
    assert "a_share" in page.value(PLANES)
    shares = """[...document.querySelectorAll('.net .cell')].filter(
      it => it.getAttribute('aria-label').startsWith('a_share')).map(
      it => [it.getAttribute('aria-label').split(' ')[0], it.querySelector('text').textContent])"""
    found = dict(page.value(shares))
    rows = [[k for k in range(1, 4) if f"a_share_{row}_{k}" in found] for row in range(1, 4)]
    assert rows == [[1], [1, 2], [1, 2, 3]]
    assert float(found["a_share_3_1"]) + float(found["a_share_3_2"]) + float(
        found["a_share_3_3"]
    ) == pytest.approx(1, abs=0.02)


ARCS = """[...document.querySelectorAll('.net .arc')].map(
  it => [Number(it.getAttribute('stroke-width')), it.classList.contains('own')])"""
ON_ARCS = (
    """[...document.querySelectorAll('.net .over')].map(it => it.textContent).filter(Boolean)"""
)
SHARES = """[...document.querySelectorAll('.net .cell')].filter(
  it => it.getAttribute('aria-label').startsWith('a_share')).map(
  it => [it.getAttribute('aria-label').split(' ')[0], it.querySelector('text').textContent])"""


def test_each_share_is_an_arc_as_thick_as_it_is_large_with_the_numbers_of_one_step(shown):
    page = shown("look back", 1440)
    shares = dict(page.value(SHARES))
    thick, own = zip(*page.value(ARCS), strict=True)
    wanted = [0.5 + 8 * number(share) for share in shares.values()]
    assert len(thick) == 6
    assert thick == pytest.approx(wanted, abs=0.1)
    assert own == (False, False, False, True, True, True)  # those of the last step
    assert page.value(ON_ARCS) == list(shares.values())[3:]
    page.value(f"{named('a_share_2_1')}.focus()")
    page.settle()
    assert [it for _, it in page.value(ARCS)] == [False, True, True, False, False, False]
    assert page.value(ON_ARCS) == list(shares.values())[1:3]


def test_an_arc_that_is_pressed_shows_its_share(shown):
    page = shown("look back", 1440)
    page.value("""document.querySelectorAll('.net .arc')[1].dispatchEvent(
      new PointerEvent('pointerdown', {bubbles: true}))""")
    page.settle()
    assert "a_share_2_1" in page.value(
        "document.querySelector('.net .cell.chosen').getAttribute('aria-label')"
    )


def test_a_score_is_taken_apart_into_a_query_times_a_key_over_the_root(shown):
    page = shown("look back", 1440)
    page.value(f"{named('h_score_3_1')}.focus()")
    page.settle()
    text = "".join(page.text("#chain").split())
    root = "2"  # its sign is drawn and no text
    assert f"hscore3,1=hquery1(3)·hkey1(1)+hquery2(3)·hkey2(1){root}=" in text
    assert "∂ashare3,1∂hscore3,1" in text  # and on the way back each share of its row
    assert "∂ashare3,3∂hscore3,1" in text


def test_steps_are_numbered_and_states_go_on_from_one_to_the_next(shown):
    page = shown("echo", 1440)
    steps = page.value("[...document.querySelectorAll('.net .step')].map(it => it.textContent)")
    assert steps == [*"1234", *"1→2→3→4"]


TYPE = """((label, said) => {
  const field = document.querySelector(`[aria-label="${label}"]`)
  field.value = said
  field.dispatchEvent(new Event("input", {bubbles: true}))
  return [field.getAttribute("aria-invalid"), field.title]
})"""
INPUTS = "[...document.querySelectorAll('.net .cell')].filter(it => /^i/.test("
INPUTS += "it.getAttribute('aria-label'))).map(it => Number(it.querySelector('text').textContent))"


def test_tokens_are_typed_by_their_numbers(shown):
    page = shown("tokens", 1440)
    assert page.value(f"{TYPE}('tokens of sample 1', '1 3 2')") == ["false", ""]
    page.settle()
    wanted = [[0, 0, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]]  # a column for each step
    assert page.value(INPUTS) == [number for row in wanted for number in row]
    assert page.value(f"{TYPE}('targets of sample 1', '3 -1 0')") == ["false", ""]
    assert page.value(f"{TYPE}('tokens of sample 1', '1 3 4')") == ["true", "3 numbers from 0 to 3"]
    assert page.value(f"{TYPE}('targets of sample 1', '-1 -1 -1')")[0] == "true"
    assert page.value(f"{TYPE}('tokens of sample 1', '1 3')")[0] == "true"
    page.press("#reset")  # what was wrong and left is as it was again
    marks = "[...document.querySelectorAll('#samples input')].map(it => it.ariaInvalid)"
    assert "true" not in page.value(marks)
    page.settle()
    value = page.value(CAUGHT)
    assert "input tokens 3 of 4\n" in value
    assert "sample 1 3 2 -> 3 -1 0\nsample 2 2 0 -> 2 0 0\n" in value
    (loss,) = losses(training_step(parse(value)), 1)
    assert number(page.text("#loss")) == pytest.approx(loss, abs=1e-4)


def test_a_step_of_tokens_takes_the_one_that_is_raised(shown):
    page = shown("tokens", 1440)
    page.press("#samples tbody .look")  # the first sample
    page.settle()
    assert page.value(INPUTS)[::3] == [1, 0, 0, 0]
    for key in ("ArrowUp", "ArrowDown"):  # of the one that it is nothing can be taken
        page.value(
            f"{named('i2(1)')}.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}'}}))"
        )
        page.settle()
        assert page.value(INPUTS)[::3] == [0, 1, 0, 0]


def test_the_network_of_tokens_trains_as_the_reference_does(shown):
    page = shown("tokens", 1440)
    for wanted in learned(str(NETS["tokens"]), 3):
        assert weights(page) == pytest.approx(wanted, rel=1e-12, abs=1e-14)
        page.press("#step")


def test_a_layer_of_tokens_is_added_by_a_click(shown):
    page = shown("tokens", 1440)
    choose(page, "add", "sinusoids")
    assert "sinusoids\n" in page.value("document.querySelector('#text').value")
    assert page.text("#text-said").startswith("no mistakes")


AIM = "[...document.querySelectorAll('#aim option')].map(it => it.textContent)"
TURN = """(value => {
  const menu = document.querySelector("#aim")
  menu.value = value
  menu.dispatchEvent(new Event("change", {bubbles: true}))
})"""


def test_one_step_is_gone_back_from_as_if_no_other_had_a_target(shown):
    page = shown("tokens", 1440)
    assert page.value(AIM) == ["all steps", "step 1", "step 2"]  # the third has no target in one
    full = str(NETS["tokens"])
    alone = full.replace("3 1 -1", "-1 1 -1").replace("2 0 0", "-1 0 -1")
    before, after = learned(alone, 1)
    page.value(f"{TURN}('1')")
    for name in ("w1", "w12", "b2", "w20"):
        page.value(f"{named(name)}.focus()")
        page.settle()
        assert "An update by this step alone would change" in page.text("#chain .next")
        made = number(page.text("#chain .next output"))
        assert made == pytest.approx(after[name], rel=1e-6)
        assert after[name] != before[name]
    (loss,) = losses(training_step(parse(alone)), 1)
    assert number(page.text("#loss")) == pytest.approx(loss, abs=1e-4)
    for wanted in learned(full, 2):  # all steps are learned from nevertheless
        assert weights(page) == pytest.approx(wanted, rel=1e-12, abs=1e-14)
        page.press("#step")
    page.value(f"{TYPE}('targets of sample 2', '2 -1 0')")
    page.settle()
    assert page.value(AIM) == ["all steps", "step 1"]
    assert page.value("document.querySelector('#aim').value") == ""


def test_only_errors_at_several_steps_can_be_gone_back_from_one_by_one(shown):
    page = shown("echo", 1440)
    assert page.value("document.querySelector('#aim').closest('label').hidden")
