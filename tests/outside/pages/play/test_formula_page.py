"""Formulas on their page: dragged, typed, gone through and trained, as Python has it each time."""

from __future__ import annotations

import re

import pytest

import gradbook as gb
from gradbook.cli.main import main
from gradbook.net.formulas import parse_formulas
from gradbook.net.lower import formula_step
from gradbook.net.step import run
from tests.cases import for_each

pytestmark = pytest.mark.witness("chromium")

MICROGRAD = "L = (a*b + c)*f; a = 2; b = -3; c = 10; f = -2; minimize L"
NEURON = "h = w*x + b; a = tanh(h); E = (a - t)^2 / 2; w = 0.5; b = 0.1; x = 2; t = 1; sample x t"
WAVE = "y = A*sin(u*x); S = (y - t)^2; A = 1; u = 1.2; x = 1, 2, 3; t = 1, 0, -1; rate 0.05"
MANY = (
    "p = abs(a - b)/(1 + c^2) + max(a, b, c); q = ln(2 + cos(p)) - sqrt(1 + exp(c)); "
    "r = gelu(q) + softplus(a*c)^0.5; L = r*p - sigmoid(-b); a = 0.7; b = -1.3; c = 0.4; minimize L"
)
TYPED = "f(u) = |u| tan(u); y = f(2x) + sinh²(x) - ½asin(x)e^(-x) + erf x; x = 0.4; minimize y"
SHOWN = """Object.fromEntries([...document.querySelectorAll(".net .unit")].map(unit => [
  unit.getAttribute("aria-label").split(" ")[0],
  ["number", "slope"].map(kind => unit.querySelector("." + kind).textContent)]))"""


@pytest.fixture
def shown(chromium, tmp_path):
    """`shown(text)`: the page of these formulas; it must not have complained in the end."""

    def show(text, width=1280, **features):
        assert main(["play", text, "-o", str(tmp_path / "page.html")]) == 0
        chromium.show(tmp_path / "page.html", width, **features)
        return chromium

    chromium.said.clear()
    yield show
    assert chromium.said == []


def number(text):
    return float(text.removeprefix("∂ ").replace("−", "-"))


def values(page):
    """Each value of the graph, and its slope."""
    return {name: tuple(map(number, both)) for name, both in page.value(SHOWN).items()}


def expected(text, epoch=0, sample=0):
    """The same from Python: values, and the slopes of the sample's own result."""
    step = formula_step(parse_formulas(text), every_operation=True)
    slopes = [node for node in step.adjoints if node.name]
    *_, found = run(step, epoch + 1, watch=[step.adjoints[node] for node in slopes])

    def of_sample(node):
        value = found[node]
        return float(value[sample] if value.ndim else value)

    return {
        str(node.name): (of_sample(node), of_sample(step.adjoints[node]) * 1.0) for node in slopes
    }


def assert_as_python(page, text, epoch=0):
    told = values(page)
    for name, (value, slope) in expected(text, epoch).items():
        assert told[name] == (
            pytest.approx(value, abs=6e-5, rel=6e-4),
            pytest.approx(slope, abs=6e-5, rel=6e-4),
        ), name


def drag(page, name, across, down=0):
    """A value of the graph, by mouse."""
    x, y = page._middle(f'.net [aria-label="{name}"]')
    for kind, dx, dy in (
        ("mouseMoved", 0, 0),
        ("mousePressed", 0, 0),
        ("mouseMoved", across, down),
        ("mouseReleased", across, down),
    ):
        page.ask(
            "Input.dispatchMouseEvent", type=kind, x=x + dx, y=y + dy, button="left", clickCount=1
        )
    page.settle()


@for_each("text", [MICROGRAD, NEURON, MANY, TYPED], ids=lambda text: text[:9])
def test_every_value_and_slope_is_python_s(shown, text):
    page = shown(text)
    assert_as_python(page, text)


def test_micrograd_s_numbers_stand_in_the_graph(shown):
    page = shown(MICROGRAD)
    assert values(page)["v1"] == (-6, -2)
    assert {name: slope for name, (_, slope) in values(page).items() if name in "abcfL"} == (
        {"a": 6, "b": -4, "c": -2, "f": 4, "L": 1}
    )


def test_a_dragged_number_changes_everything_at_once(shown):
    page = shown(MICROGRAD)
    drag(page, "a", 50)
    assert_as_python(page, MICROGRAD.replace("a = 2", "a = 2.5"))
    drag(page, "c", 0, 30)  # a tenth per pixel, since it begins at 10
    assert_as_python(page, MICROGRAD.replace("a = 2", "a = 2.5").replace("c = 10", "c = 7"))
    page.press("#undo")
    page.press("#undo")
    assert_as_python(page, MICROGRAD)


def test_keys_and_the_field_change_a_number_too(shown):
    page = shown(NEURON)
    page.click('.net [aria-label="x"]')
    page.key("ArrowUp")
    assert_as_python(page, NEURON.replace("x = 2", "x = 2.01"))
    page.write("#value", "-1.5")
    assert_as_python(page, NEURON.replace("x = 2", "x = -1.5"))


def test_steps_are_those_of_the_workbook(shown):
    page = shown(f"{NEURON}; rate 0.5")
    for epoch in (1, 2, 3):
        page.click("#step")
        assert_as_python(page, f"{NEURON}; rate 0.5", epoch)
    text = page.text("#lines")
    assert gb.explain(text)  # what it says can be read again
    assert parse_formulas(text).numbers["w"][0] == pytest.approx(
        expected(f"{NEURON}; rate 0.5", 3)["w"][0], rel=1e-14
    )


def test_a_pass_goes_forward_and_backward_by_buttons_and_by_keys(shown):
    page = shown(MICROGRAD)
    page.click("#wave-forward")
    page.click("#wave-next")
    page.click("#wave-before")
    assert page.text("#wave-said") == "v1 = a·b = 2.0000·(−3.0000) = −6.0000"
    page.key("ArrowRight")
    page.key("ArrowRight")
    assert page.text("#wave-said") == "L = v2·f = 4.0000·(−2.0000) = −8.0000"
    page.key("ArrowRight")
    page.key("ArrowRight")
    assert page.text("#wave-said") == "∂L/∂v2 = f = (−2.0000) = −2.0000"
    page.key("Escape")
    assert page.text("#wave-said") == ""


def test_whole_formulas_hide_the_operations_and_keep_the_numbers(shown):
    page = shown(NEURON)
    drag(page, "w", 30)
    page.click("#view-0")
    told = values(page)
    assert set(told) == set("whabxtE")
    split = expected(NEURON.replace("w = 0.5", "w = 0.8"))
    assert {name: told[name][0] for name in "haE"} == pytest.approx(
        {name: split[name][0] for name in "haE"}, abs=6e-5
    )


def test_samples_are_shown_one_by_one_and_their_mean_is_learned(shown):
    page = shown(WAVE)
    drag(page, "t", 20)
    changed = WAVE.replace("t = 1,", "t = 1.2,")
    assert values(page)["S_total"][0] == pytest.approx(loss(changed), abs=6e-5)
    page.click("#step")
    assert values(page)["S_total"][0] == pytest.approx(loss(changed, 1), abs=6e-5)


def loss(text, epoch=0):
    step = formula_step(parse_formulas(text))
    *_, found = run(step, epoch + 1)
    return float(found[step.loss])


@for_each("scheme", ["light", "dark"])
@for_each("width", [390, 1280])
def test_anybody_can_use_it(shown, scheme, width):
    page = shown(WAVE, width, prefers_color_scheme=scheme)
    assert page.value("document.documentElement.scrollWidth") == width
    assert page.objections() == []


def test_numbers_never_move_the_page(shown):
    page = shown(MICROGRAD)
    places = """JSON.stringify([...document.querySelectorAll("section, header, .net .unit")].map(
      part => ["left", "top", "width", "height"].map(k => part.getBoundingClientRect()[k])))"""
    page.click('.net [aria-label="a"]')
    before = page.value(places)
    for across in (40, 300, -700):
        drag(page, "a", across)
        assert page.value(places) == before


# The curve against one number -----------------------------------------------------------

PROFIT = "S = p*exp(-p/2) - c; p = 1.5; c = 0.2; minimize S"
ON_CURVE = """(svg => {
  const points = svg.querySelector(".loss-along").getAttribute("d").split(/[ML]/).slice(1)
    .map(pair => pair.split(" ").map(Number))
  const ends = svg.querySelector(".tangent").getAttribute("d").split(/[ML]/).slice(1)
    .map(pair => pair.split(" ").map(Number))
  const now = svg.querySelector(".at")
  const middle = Number(now.getAttribute("cx")), height = Number(now.getAttribute("cy"))
  const k = points.findIndex(([x]) => x > middle)
  const beside = (points[k][1] - points[k - 1][1]) / (points[k][0] - points[k - 1][0])
  const tangent = (ends[1][1] - ends[0][1]) / (ends[1][0] - ends[0][0])
  const on = points[k - 1][1] + beside * (middle - points[k - 1][0])
  const meets = ends[0][1] + tangent * (middle - ends[0][0])
  return [beside, tangent, on - height, meets - height]
})(document.querySelector("#along svg"))"""


def drag_along(page, share):
    """The curve's number to a share of the width, by mouse in several moves."""
    left, width = page.value(
        "(box => [box.x, box.width])(document.querySelector('#along svg').getBoundingClientRect())"
    )
    x, y = page._middle("#along svg")
    to = left + share * width
    moves = [("mousePressed", x), *(("mouseMoved", x + (to - x) * k / 4) for k in range(1, 5))]
    for kind, at in (("mouseMoved", x), *moves, ("mouseReleased", to)):
        page.ask("Input.dispatchMouseEvent", type=kind, x=at, y=y, button="left", clickCount=1)
    page.settle()


def test_the_tangent_of_the_curve_is_the_derivative_wherever_it_is_dragged(shown):
    page = shown(PROFIT)
    page.press("[aria-controls='against']")
    page.settle()
    for share in (0.3, 0.8, 0.5):
        drag_along(page, share)
        beside, tangent, on, meets = page.value(ON_CURVE)
        assert tangent == pytest.approx(beside, abs=0.03)
        assert (on, meets) == (pytest.approx(0, abs=0.6), pytest.approx(0, abs=0.6))
        told = values(page)["p"][0]
        assert_as_python(page, PROFIT.replace("p = 1.5", f"p = {told}"))
    words = page.text("#along-said")
    assert "the derivative" in words
    assert words.startswith("S is ")


def test_keys_move_the_number_along_its_curve_and_undo_takes_it_back(shown):
    page = shown(PROFIT)
    page.press("[aria-controls='against']")
    page.value("document.querySelector('#along svg').focus()")
    page.key("ArrowRight")
    page.settle()
    assert values(page)["p"][0] > 1.5
    page.press("#undo")
    assert values(page)["p"][0] == 1.5


def test_a_loss_that_leaves_the_numbers_stops_and_names_a_rate_that_goes_well(shown):
    page = shown("E = (a*b + c)^2; a = 2; b = -3; c = 10; rate 1")
    page.value("document.querySelector('#pace').value = '100000'")
    page.press("#run")
    page.until("document.querySelector('#run').getAttribute('aria-pressed') === 'false'", 20)
    text = page.text("#said")
    epochs, rate, better = re.findall(r"\d+(?:\.\d+)?(?:e−\d+)?", text)
    assert int(epochs) == int(page.text("#epoch").replace(",", ""))
    assert float(rate) == 1
    page.press("#reset")
    assert page.text("#said") == ""
    page.write("#rate-field", better)
    first = number(page.text("#loss"))
    for _ in range(10):
        page.press("#step")
    assert number(page.text("#loss")) < first
