"""What the page to play with shows: pictures in units, a pass step by step, data by rule."""

from __future__ import annotations

import re

import pytest

from gradbook.data.made_points import points
from gradbook.net import parse
from gradbook.net.build import training_step
from gradbook.net.step import losses
from gradbook.report.play_page import play_page
from tests.outside.pages.play.drawing import CAUGHT, number, weights

pytestmark = pytest.mark.witness("chromium")
CHOSEN = """((place, value) => {
  const field = document.querySelector(place)
  if (place === "#sets") return document.querySelector(`[name=sets][value=${value}]`).click()
  if (field.type === "checkbox") field.checked = value
  else field.value = value
  field.dispatchEvent(new Event("change", {bubbles: true}))
})"""
COLOURS = """(canvas => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height)
  const pen = copy.getContext("2d", {willReadFrequently: true})
  pen.drawImage(canvas, 0, 0)
  const {data} = pen.getImageData(0, 0, canvas.width, canvas.height)
  let [blue, orange] = [0, 0]
  for (let k = 0; k < data.length; k += 4) {
    if (data[k + 3] && data[k + 2] > data[k] + 60) blue++
    if (data[k + 3] && data[k] > data[k + 2] + 60) orange++
  }
  return [blue, orange]
})(document.querySelector(".pictures"))"""


def choose(page, place, value):
    said = "true" if value is True else repr(value)
    page.value(f"{CHOSEN}({place!r}, {said})")
    page.settle()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_unit_has_its_picture_in_blue_and_orange(scheme, shown):
    page = shown("play", 1440, prefers_color_scheme=scheme)
    blue, orange = page.value(COLOURS)
    assert min(blue, orange) > 2000


def test_a_unit_that_is_pointed_at_opens_in_place_and_the_plane_stays(shown):
    page = shown("play", 1440)
    before = page.value("document.querySelector('#surface').toDataURL()")
    boxes = "[...document.querySelectorAll('.net .unit')].map(e => e.getBoundingClientRect().x)"
    stood = page.value(boxes)
    x, y = page._middle(".net .unit:nth-last-child(6)")
    page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    page.settle()
    assert page.value("document.querySelector('.opened').checkVisibility()") is True
    assert page.value("document.querySelectorAll('.opened dt').length") == 3
    assert page.value(boxes) == stood
    assert page.value("document.querySelector('#surface').toDataURL().length") > 0.9 * len(before)


def test_a_pass_says_every_value_and_then_every_gradient(shown):
    page = shown("worked")
    said = []
    while not said or page.text("#wave-said") != said[-1]:
        said.append(page.text("#wave-said"))
        page.press("#wave-next")
    said = said[1:]
    assert said[0] == "h1 = w1·i1 + w2·i2 = 0.1500·0.0500 + 0.2000·0.1000 = 0.0275"
    assert said[2] == "a_h1 = σ(h1) = 0.5069"
    assert "∂E_total/∂w5 = ∂E_total/∂o1 · ∂o1/∂w5 = 0.0254 · 0.5069 = 0.0129" in said
    gradients = {line.split(" = ")[0]: number(line.split(" = ")[-1]) for line in said}
    for line in said:
        products = re.fullmatch(r"∂.* = ([^=∂]+ · [^=∂]+) = ([^=]+)", line)
        if products:
            terms = [term.split(" · ") for term in products[1].split(" + ")]
            total = sum(number(a.strip("()")) * number(b.strip("()")) for a, b in terms)
            assert total == pytest.approx(number(products[2]), abs=2e-4), line
    assert [f"∂E_total/∂w{k}" in gradients for k in range(1, 9)] == [True] * 8
    page.press("#wave-end")
    assert page.text("#wave-said") == ""
    assert page.value("document.querySelectorAll('.net :is(.coming, .back, .now)').length") == 0


def test_a_pass_plays_at_a_pace_and_pauses(shown):
    page = shown("worked")
    choose(page, "#wave-pace", "250")
    page.press("#wave-forward")
    page.until("document.querySelector('#wave-said').textContent.startsWith('o1')")
    page.press("#wave-play")
    stands = page.text("#wave-said")
    page.value("new Promise(done => setTimeout(done, 300))")
    assert page.text("#wave-said") == stands
    page.press("#wave-play")
    page.until("document.querySelector('#wave-said').textContent.includes('∂w2')")


@pytest.mark.parametrize(("motion", "moves"), [("no-preference", True), ("reduce", False)])
def test_dots_run_along_the_lines_unless_motion_is_reduced(motion, moves, shown):
    page = shown("worked", prefers_reduced_motion=motion)
    page.value("document.querySelector('#wave-next').click()")
    assert page.value("document.querySelectorAll('.dots circle').length") == 2 * moves
    assert page.text("#wave-said").startswith("h1 = ")


def test_what_is_held_out_has_a_loss_of_its_own(shown):
    page = shown("play")
    choose(page, "#data-test", "0.5")
    choose(page, "#sets", "spiral")
    page.press("#step")
    page.press("#step")
    saved = parse(page.value(CAUGHT))
    mine = {sample.inputs for sample in saved.samples}
    rest = [(x, y, which) for x, y, which in points("spiral") if (x, y) not in mine]
    assert (len(saved.samples), len(rest)) == (50, 50)
    held = parse(
        str(saved.with_samples(()))
        + "".join(f"sample {x} {y} -> {which}\n" for x, y, which in rest)
    )
    assert page.text("#test-loss") == f"{losses(training_step(held), 1)[0]:.4f}"
    assert page.text("#loss") == f"{losses(training_step(saved), 1)[0]:.4f}"


def test_more_inputs_are_made_of_the_point_and_follow_it(shown):
    page = shown("play")
    choose(page, '#features input[value="x²"]', True)
    choose(page, '#features input[value="xy"]', True)
    saved = parse(page.value(CAUGHT))
    assert saved.input == (4,)
    for x, y, square, both in (sample.inputs for sample in saved.samples):
        assert (square, both) == pytest.approx((x * x, x * y), abs=1e-12)
    assert page.text("#other-features .remark") == "i1 = x, i2 = y, i3 = x², i4 = xy"
    page.write('[aria-label="i1 of sample 1"]', "0.5")
    saved = parse(page.value(CAUGHT))
    assert saved.samples[0].inputs[2] == 0.25
    assert page.text("#loss") == f"{losses(training_step(saved), 1)[0]:.4f}"


def test_values_take_a_loss_and_an_output_that_can_learn_them_and_classes_theirs(shown):
    page = shown("play")
    page.press("[name=task][value=values]")
    saved = parse(page.value(CAUGHT))
    assert [layer.text for layer in saved.layers] == ["dense 8", "tanh", "dense 1"]
    assert str(saved.loss) == "mean squared error"
    assert min(sample.targets[0] for sample in saved.samples) < -0.5
    page.press("[name=task][value=classes]")
    page.click("[name=sets][value=circle]")
    saved = parse(page.value(CAUGHT))
    assert [layer.text for layer in saved.layers] == ["dense 8", "tanh", "dense 1", "sigmoid"]
    assert {sample.targets[0] for sample in saved.samples} == {0, 1}
    assert page.text("#said") == ""


def test_where_there_is_much_room_the_drawing_is_larger_and_its_pictures_with_it(shown):
    usual, wide = [], []
    for sizes, width in ((usual, 1440), (wide, 2560)):
        page = shown("play", width)
        page.settle()
        for selector in (".stage svg", ".pictures"):
            box = f"document.querySelector({selector!r}).getBoundingClientRect()"
            sizes.append(page.value(f"Math.round({box}.width)"))
    assert usual[0] == usual[1]
    assert wide[0] == wide[1]
    assert 1.2 < wide[0] / usual[0] < 2.4


LABELLED = """[...document.querySelectorAll('.net .label[visibility=visible]')].map(e => [
  e.querySelector('.name').textContent,
  Number(e.querySelector('.number').textContent.replace('−', '-'))])"""
LIT = "[...document.querySelectorAll('.net .edge.lit[aria-label]')].map(e => e.ariaLabel)"


def test_where_not_all_numbers_have_room_those_of_the_lit_path_are_shown(shown):
    page = shown("play", 1440)
    page.press("#look-numbers")
    seen = []
    for weight in ("w3", "w14", "w20"):
        page.value(f"document.querySelector('.net [aria-label={weight}]').focus()")
        page.settle()
        labels = page.value(LABELLED)
        names = [name for name, _ in labels]
        assert weight in names
        assert set(page.value(LIT)) <= set(names)
        known = weights(page)
        assert dict(labels) == pytest.approx({name: known[name] for name in names}, abs=5.1e-5)
        assert page.text("#about-drawing").startswith(f"{weight}: ")
        page.value("document.activeElement.blur()")
        page.settle()
        assert page.text("#about-drawing").startswith(f"{len(names)} of 24 weights")
        seen.append(sorted(names))
    assert seen[0] != seen[1]


def test_a_slope_that_no_nudge_confirms_is_said_to_be_at_a_corner(chromium, tmp_path):
    text = "input 1; dense 1 no bias; relu; loss half squared error; weights {}; sample 2 -> 1"
    said = {}
    for weight in (0, 0.3, -0.2):
        (tmp_path / "corner.html").write_text(play_page(parse(text.format(weight))), "utf-8")
        chromium.show(tmp_path / "corner.html", 1280, 800)
        chromium.press("#look-pictures")
        said[weight] = chromium.value("document.querySelector('.nudge').innerText")
    assert "a corner" in said[0]
    assert "slope 0.000 below, −2.000 above" in said[0]  # of ½(1 − relu(2w))²
    assert all("the same" in said[weight] for weight in (0.3, -0.2))
