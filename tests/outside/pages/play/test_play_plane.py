"""The plane: what is wanted and still wrong, what is pointed at, and points that a hand moves."""

from __future__ import annotations

from math import cos, exp, sin

import numpy as np
import pytest

from gradbook.builtin_networks import SCENES
from gradbook.net import parse
from gradbook.net.build import training_step
from gradbook.net.step import run
from gradbook.report.play_page import play_page
from tests.outside.pages.play.drawing import CAUGHT

pytestmark = pytest.mark.witness("chromium")
SPOT = """((x, y) => {
  const box = document.querySelector("#surface").getBoundingClientRect()
  return [box.x + box.width * x, box.y + box.height * (1 - y)]
})"""


@pytest.fixture
def page(chromium, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(play_page(parse(SCENES["quadrants"]), points_of="quadrants"), encoding="utf-8")
    chromium.said.clear()
    chromium.show(file, 1280, 800)
    yield chromium
    assert chromium.said == []


def samples(page):
    return parse(page.value(CAUGHT)).samples


def outputs(page):
    """Of every sample, by the reference."""
    net = parse(page.value(CAUGHT))
    step = training_step(net)
    return np.ravel(next(run(step, 1, watch=list(step.outputs)))[step.outputs[0]])


def spot(page, sample):
    """Where a sample is on the screen."""
    x, y = sample.inputs
    low, high = ends(page)
    return page.value(f"{SPOT}({(x - low) / (high - low)}, {(y - low) / (high - low)})")


def ends(page):
    """The ends of the plane, from what is said at two places of it."""
    said = []
    for share in (0.1, 0.9):
        point(page, *page.value(f"{SPOT}({share}, 0.5)"))
        said.append(coordinates(page)[0])
    step = (said[1] - said[0]) / 0.8
    return said[0] - 0.1 * step, said[1] + 0.1 * step


def coordinates(page):
    words = page.text("#hairs span").replace("−", "-").split()
    return float(words[1]), float(words[3])


def point(page, x, y, kind="mouseMoved", **more):
    page.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)
    page.settle()


def drag(page, start, end):
    pressed = {"button": "left", "clickCount": 1}
    point(page, *start)
    point(page, *start, "mousePressed", **pressed)
    for share in (0.3, 0.7, 1):
        x, y = (a + share * (b - a) for a, b in zip(start, end, strict=True))
        point(page, x, y, buttons=1)
    point(page, *end, "mouseReleased", **pressed)


def test_what_is_still_wrong_is_counted(page):
    assert page.text("#aim-words") == "The network learns to tell orange from blue."
    for steps in (0, 12, 60):
        for _ in range(steps):
            page.press("#step")
        targets = np.array([sample.targets[0] for sample in samples(page)])
        wrong = int(((outputs(page) >= 0.5) != (targets >= 0.5)).sum())
        assert page.text("#wrong span") == f"{wrong} of 100 still wrong"


def test_pointing_says_the_place_the_output_and_the_target_of_a_point(page):
    for k in (0, 30, 99):
        sample = samples(page)[k]
        point(page, *spot(page, sample))
        x, y = coordinates(page)
        near = np.hypot(*(np.array([s.inputs for s in samples(page)]) - [x, y]).T).argmin()
        output, target = outputs(page)[near], samples(page)[near].targets[0]
        words = page.text("#hairs b"), page.text("#hairs small")
        assert words[0] == f"output {output:.2f} {'orange' if output >= 0.5 else 'blue'}"
        assert words[1] == f"target {target:g}, wrong by {abs(output - target):.2f}"


def test_a_click_changes_nothing_before_a_tool_is_chosen(page):
    before = samples(page)
    page.click_at(*page.value(f"{SPOT}(0.5, 0.5)"))
    assert samples(page) == before


def test_points_are_added_moved_and_erased_and_each_is_undone(page):
    before = samples(page)
    page.press("#class-0")
    middle = page.value(f"{SPOT}(0.5, 0.5)")
    page.click_at(*middle)
    assert [sample.targets for sample in samples(page)[100:]] == [(0.0,)]
    page.press("#tool-move")
    drag(page, middle, page.value(f"{SPOT}(0.5, 0.25)"))
    low, high = ends(page)
    assert samples(page)[100].inputs == pytest.approx((0, low + (high - low) / 4), abs=0.02)
    page.press("#undo-point")
    assert samples(page)[100].inputs == pytest.approx((0, 0), abs=0.02)
    page.press("#tool-erase")
    page.click_at(*middle)
    assert samples(page) == before
    for count in (101, 100):
        page.press("#undo-point")
        assert len(samples(page)) == count


def test_keys_choose_a_tool_and_move_the_hairs(page):
    for key, tool in {"1": "class-1", "2": "class-0", "e": "tool-erase", "m": "tool-move"}.items():
        page.type(key)
        assert page.value(f"document.querySelector('#{tool}').checked")
    page.value("document.querySelector('#surface').focus()")
    point(page, *page.value(f"{SPOT}(0.5, 0.5)"))
    page.key("ArrowRight")
    first = coordinates(page)
    epoch = page.text("#epoch")
    for _ in range(5):
        page.key("ArrowRight")
    assert coordinates(page) == pytest.approx((first[0] + 0.1, first[1]), abs=0.011)
    assert page.text("#epoch") == epoch


FORMULAS = {
    "y > sin 3x": lambda x, y: y > sin(3 * x),
    "x² + y^2 < 1/4": lambda x, y: x * x + y * y < 0.25,
    "|x| + 2|y| <= .9": lambda x, y: abs(x) + 2 * abs(y) <= 0.9,
    "xy > -0.1 cos(4x)": lambda x, y: x * y > -0.1 * cos(4 * x),
    "-x^2 < y − ½": lambda x, y: -(x**2) < y - 0.5,
    "2 e^-x y > (1 - x)(1 + x)": lambda x, y: 2 * exp(-x) * y > (1 - x) * (1 + x),
}


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_says_where_points_are_orange(formula, page):
    page.click("#plane-formula")
    page.write("#plane-formula", formula)
    page.key("Enter")
    found = samples(page)
    assert len({sample.inputs for sample in found}) == 100
    assert all(abs(value) <= 1 for sample in found for value in sample.inputs)
    holds = [FORMULAS[formula](*sample.inputs) for sample in found]
    assert [sample.targets == (1.0,) for sample in found] == holds


@pytest.mark.parametrize(
    "formula", ["y > 1/2x", "y > e^2x", "sin 3x", "y > z", "x < y < 1", "y > 5", "y > ("]
)
def test_a_formula_that_divides_nothing_is_refused_and_changes_nothing(formula, page):
    before = samples(page)
    page.click("#plane-formula")
    page.write("#plane-formula", formula)
    page.key("Enter")
    assert f"'{formula}'" in page.text("#said")
    assert page.value("document.querySelector('#said').checkVisibility()") is True
    assert samples(page) == before
