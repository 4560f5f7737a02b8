"""Learning on the page to play with: the tour, questions and their mistakes, words for symbols."""

from __future__ import annotations

import json
import re
import subprocess
from importlib.resources import files

import numpy as np
import pytest

from gradbook.net.build import training_step
from gradbook.report.play_page import STEMS
from tests.agree.runs import reference_run
from tests.outside.pages.play.drawing import NETS, weights
from tests.outside.witness import program

pytestmark = pytest.mark.witness("chromium")
LAST = "void (Math.random = () => 0.999)"  # so that the last of some questions is asked
TIP = "document.querySelector('#tip')"
RIGHT = {  # of the worked network, for the last question of each kind
    "sum": lambda v: (v["w"][1] @ v["a"])[1],
    "activation": lambda v: v["o"][1],
    "error": lambda v: (v["t"][1] - v["o"][1]) ** 2 / 2,
    "chain": lambda v: _first_slope(v, v["w"][1]),
    "update": lambda v: 0.15 - _first_slope(v, v["w"][1]),
}
KINDS = tuple(RIGHT)


def answered(page, number):
    page.write("#answer", repr(float(number)))
    page.press("#learn-check")
    return page.text(".learned")


def worked():
    """The worked network's values, by hand."""
    start = next(iter(reference_run(training_step(NETS["worked"]), 1))).weights
    w = np.array([start[f"w{k}"] for k in range(1, 9)]).reshape(2, 2, 2)
    i, t = np.array([0.05, 0.1]), np.array([0.5, 0.5])
    h = w[0] @ i
    a = 1 / (1 + np.exp(-h))
    o = 1 / (1 + np.exp(-(w[1] @ a)))
    delta = (o - t) * o * (1 - o)
    return {"w": w, "i": i, "t": t, "h": h, "a": a, "o": o, "delta": delta}


TITLE = "document.querySelector('#learn h2').firstChild.textContent"
DONE = "document.querySelector('.learned').textContent.startsWith('Done')"


def go_on(page):
    """To the next step, which isn't done yet."""
    page.until(DONE, 30)
    page.press("#learn-next")
    assert page.text(".learned") == ""


def focus(page, selector):
    page.value(f"document.querySelector('.net {selector}').focus()")
    page.settle()


def point(page, selector):
    x, y = page.value(
        f"""(way => {{
          const box = way.ownerSVGElement.getBoundingClientRect()
          const at = way.getPointAtLength(way.getTotalLength() / 2)
          return [box.x + at.x, box.y + at.y]
        }})(document.querySelector({selector!r}))"""
    )
    page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    page.settle()
    return x, y


def test_the_tour_has_five_steps_that_are_done_by_doing_and_brings_back_what_was_there(shown):
    page = shown("xor")
    page.press("#step")
    before = weights(page)
    page.press("#tour")
    assert page.value(TITLE) == "1/5 Watch it run"
    for _ in range(22):
        page.press("#step")
    go_on(page)
    assert page.text(".learned") == ""
    x, y = point(page, "[aria-label=w3] .line")
    assert page.value("document.querySelector('.card').checkVisibility()") is True
    go_on(page)
    for kind, down in (("mousePressed", 0), ("mouseMoved", -20), ("mouseReleased", -20)):
        held = {"button": "left", "buttons": 1, "clickCount": 1}
        page.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y + down, **held)
    go_on(page)
    assert page.value("document.querySelector('#look-numbers').checked") is True
    for weight in ("w1", "w8"):
        focus(page, f"[aria-label={weight}]")
    go_on(page)
    page.write("#rate-field", "5")
    page.until(DONE)
    page.key("Escape")
    assert page.value("document.querySelector('#learn').checkVisibility()") is False
    assert weights(page) == before
    assert page.text("#epoch") == "000,001"


@pytest.mark.parametrize("width", [390, 800, 1280, 2560])
def test_the_tour_does_not_cover_the_drawing(width, shown):
    page = shown("xor", width)
    page.press("#tour")
    page.settle()
    box, drawing = page.value(
        """['#learn', '#drawing'].map(it => {
          const box = document.querySelector(it).getBoundingClientRect()
          return [box.left, box.top, box.right, box.bottom]
        })"""
    )
    assert box[2] <= drawing[0] + 1 or box[1] >= drawing[3] - 1
    assert page.value("document.documentElement.scrollWidth") <= width


def asked(page, kind):
    page.value(LAST)
    for _ in range(KINDS.index(kind) + 1):
        page.press("#questions")


SEEN = """[...document.querySelectorAll('body *')].filter(it => !it.closest('#learn') &&
  !it.matches('script, style') && it.checkVisibility({ visibilityProperty: true }))
  .flatMap(it => [...it.childNodes].filter(own => own.nodeType === 3).map(own => own.data))
  .join(' ')"""


def written(value):
    """A number's digits, as the page would print it with three to six decimals."""
    return {f"{abs(value):.{digits}f}" for digits in (3, 4, 5, 6)}


def given_away(page, value):
    """Its digits, as far as they are seen outside the question."""
    return sorted(set(re.findall(r"\d+\.\d{3,}", page.value(SEEN))) & written(value))


@pytest.mark.parametrize("look", ["numbers", "pictures"])
def test_what_is_asked_for_is_covered_everywhere_until_it_is_answered(look, shown):
    page = shown("worked")
    page.press(f"#look-{look}")
    page.value(LAST)
    for right in RIGHT.values():
        page.press("#questions")
        answer = right(worked())
        for place in (".net .unit:last-child", ".net .edge", "#line .parts"):
            if page.value(f"document.querySelector({place!r})?.checkVisibility() ?? false"):
                page.point_at(place)
                assert given_away(page, answer) == [], place
        for tab in ("chain-rule", "samples-table"):
            page.press("#open-more")
            page.press(f"[aria-controls={tab}]")
            assert given_away(page, answer) == [], tab
    assert answered(page, answer).startswith("Right.")
    page.settle()
    assert look == "pictures" or given_away(page, answer) != []


@pytest.mark.parametrize(
    ("kind", "mistakes"),
    [
        (
            "sum",
            {
                "without their weights": lambda v: v["a"].sum(),
                "the values they multiply": lambda v: v["w"][1][1].sum(),
                "One of the products": lambda v: v["w"][1][1][0] * v["a"][0],
            },
        ),
        (
            "activation",
            {
                "apply the activation": lambda v: (v["w"][1] @ v["a"])[1],
                "sign in the exponent": lambda v: 1 - v["o"][1],
                "slope of the activation": lambda v: v["o"][1] * (1 - v["o"][1]),
            },
        ),
        (
            "error",
            {
                "the ½": lambda v: (v["t"][1] - v["o"][1]) ** 2,
                "must still be squared": lambda v: v["o"][1] - v["t"][1],
            },
        ),
        (
            "chain",
            {
                "not t − a": lambda v: -_first_slope(v, v["w"][1]),
                "left one out": lambda v: v["delta"][0] * v["w"][1][0, 0] * _last_two(v),
                "slope of the activation": lambda v: (v["delta"] @ v["w"][1][:, 0]) * v["i"][0],
                "the last factor": lambda v: _first_slope(v, v["w"][1]) / v["i"][0],
                "itself": lambda v: (v["delta"] @ v["w"][1][:, 0]) * v["a"][0] * v["i"][0],
                "Off by 2": lambda v: 2 * _first_slope(v, v["w"][1]),
            },
        ),
        (
            "update",
            {
                "minus, not plus": lambda v: 0.15 + _first_slope(v, v["w"][1]),
                "only the change": lambda v: -_first_slope(v, v["w"][1]),
                "before the step": lambda v: 0.15,
                "already updated": lambda v: 0.15 - _first_slope(v, _after(v)),
            },
        ),
    ],
    ids=KINDS,
)
def test_a_usual_mistake_is_recognised_by_its_number(kind, mistakes, shown):
    page = shown("worked")
    asked(page, kind)
    known = worked()
    for reason, number in mistakes.items():
        assert reason in answered(page, number(known)), reason
    assert "not a common mistake" in answered(page, 12.5)
    page.write("#answer", "?")
    page.press("#learn-check")
    assert "Type a number" in page.text(".learned")
    assert answered(page, RIGHT[kind](known)).startswith("Right.")


def _last_two(v):
    return v["a"][0] * (1 - v["a"][0]) * v["i"][0]


def _after(v):
    """The weights of the last layer as the step makes them."""
    return v["w"][1] - np.outer(v["delta"], v["a"])


def _first_slope(v, last):
    """∂E/∂w1, with these weights of the last layer in its chain."""
    return (v["delta"] @ last[:, 0]) * _last_two(v)


def test_questions_go_by_the_page_as_it_is(shown):
    page = shown("worked")
    page.value("document.querySelector('.net [aria-label=i1]').focus()")
    page.settle()
    page.write("#value", "2")
    asked(page, "sum")
    page.value("Math.random = () => 0")
    for _ in KINDS:
        page.press("#questions")
    assert "h1" in page.text("#learn")
    assert answered(page, 0.15 * 2 + 0.2 * 0.1).startswith("Right.")


def pointed(page, selector):
    """The words that come where the pointer rests."""
    x, y = page._middle(selector)
    page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
    page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    if page.value("document.querySelector('.of-numbers') !== null") and "#chain" not in selector:
        page.settle()
        return page.text("#about-drawing")
    return page.until(f"!{TIP}.hidden && {TIP}.textContent")


@pytest.mark.parametrize(
    ("name", "selector", "words"),
    [
        ("worked", ".net [aria-label^=a_h1]", "ah1: the activation of hidden unit 1"),
        ("worked", ".net [aria-label^=h2]", "h2: the weighted sum of hidden unit 2"),
        ("worked", ".net [aria-label=w5] + .hit, .net .label", "w1: the weight from i1 to h1"),
        ("worked", "#chain .factor mrow[data-line]", "E1: the error of output 1"),
        ("echo", ".net [aria-label=b4]", "b4: the bias of o1"),
        (
            "strokes",
            ".net [aria-label^=c1_1_2]",
            "c1,1,2: the convolution’s sum at row 1, column 2",
        ),
        ("strokes", ".net [aria-label=i2_3]", "i2,3: input row 2, column 3"),
    ],
)
def test_a_symbol_says_what_it_means(name, selector, words, shown):
    page = shown(name)
    page.press("#look-numbers")
    if "#chain" in selector:
        page.press('[aria-controls="chain-rule"]')
    assert pointed(page, selector).startswith(words)
    page.key("Escape")
    assert page.value(f"{TIP}.hidden")


@pytest.mark.witness("node")
def test_every_letter_has_its_words():
    module = (files("gradbook") / "web" / "view" / "phrases.js").as_uri()
    said = f"import('{module}').then(it => console.log(JSON.stringify(it.PHRASES.letters)))"
    words = [program("node"), "-e", said]
    record = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    assert {*STEMS, "E_total", "E_sample"} == set(record)
    assert all(record.values())


def test_the_tour_of_one_sample_begins_on_a_plane_with_points_and_ends_as_before(shown):
    page = shown("worked", 1280)
    loss = page.text("#loss")
    page.click("#help summary")
    page.click("#tour")
    assert page.value(TITLE) == "1/5 Watch it run"
    page.until("document.querySelector('#wrong').textContent.includes(' of 100 ')")
    assert page.value("document.querySelector('#surface').checkVisibility()") is True
    assert page.until("document.querySelector('#badge').textContent") == "good"
    page.key("Escape")
    page.until(f"document.querySelector('#loss').textContent === '{loss}'")
    assert page.value("document.querySelector('#look-numbers').checked") is True
    assert page.value("document.querySelector('#point-sets').elements.sets.value") == ""
