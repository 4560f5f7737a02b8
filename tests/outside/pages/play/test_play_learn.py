"""Learning on the page to play with: the tour, questions and their mistakes, words for symbols."""

from __future__ import annotations

import json
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
KINDS = ("sum", "activation", "error", "chain", "update")


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


def test_the_tour_has_a_check_for_each_of_its_ten_steps_and_brings_back_what_was_there(shown):
    page = shown("xor")
    page.press("#step")
    before = weights(page)
    page.press("#tour")
    assert page.value(TITLE) == "1/10 Forward by hand"
    work_the_numbers(page, worked())
    choose_rates(page)
    compare_networks(page)
    page.press("#learn-close")
    assert weights(page) == before
    assert page.text("#epoch") == "2"


def work_the_numbers(page, known):
    assert answered(page, known["h"][0]).startswith("Done")
    go_on(page)
    answered(page, (known["t"][0] - known["o"][0]) ** 2 / 2)
    go_on(page)
    answered(page, known["delta"][1] * known["a"][1])
    go_on(page)
    for weight in ("w1", "w5", "w7"):
        focus(page, f"[aria-label={weight}]")
    go_on(page)
    assert answered(page, 0.55 - known["delta"][1] * known["a"][1]) == "Right."
    page.press("#step")
    go_on(page)


def test_on_a_phone_the_tour_does_not_cover_the_drawing(shown):
    page = shown("xor", 390)
    page.press("#tour")
    page.settle()
    for _ in range(2):
        box, drawing = page.value(
            """['#learn', '#drawing'].map(it => {
              const box = document.querySelector(it).getBoundingClientRect()
              return [box.top, box.bottom, box.left, box.right]
            })"""
        )
        assert box[1] > box[0]
        assert box[1] <= drawing[0]
        assert box[2] >= 0
        assert box[3] <= 390
        assert page.value("document.documentElement.scrollWidth") <= 390
        page.value("document.querySelector('#drawing').scrollIntoView()")


def choose_rates(page):
    for rate in ("0.01", "100"):
        assert page.text(".learned") == ""
        page.write("#rate-field", rate)
    go_on(page)
    page.press("#step")
    assert page.text(".learned") == ""
    page.press("#reset")
    page.write("#rate-field", "1000")
    page.press("#step")
    go_on(page)


def compare_networks(page):
    for _ in range(20):
        page.press("#step")
    focus(page, "[aria-label=w2]")
    assert page.text(".learned") == ""
    page.write("#value", "0.7")
    go_on(page)
    page.value("document.querySelector('#pace').value = '100000'")
    page.press("#run")
    page.until("Number(document.querySelector('#epoch').textContent.replace(',', '')) > 200")
    page.press("#run")
    assert page.text(".learned") == ""
    text = page.value("document.querySelector('#text').value")
    page.write("#text", text.replace("dense 1", "dense 3\ntanh\ndense 1"))
    page.press("#run")
    go_on(page)
    assert page.value(TITLE).startswith("10/10")
    focus(page, ".cell[aria-label^=c]")
    page.press("[title=w3]")
    assert page.text(".learned") == ""
    page.write("#value", "0.9")
    page.until(DONE)


def asked(page, kind):
    page.value(LAST)
    for _ in range(KINDS.index(kind) + 1):
        page.press("#questions")


@pytest.mark.parametrize("width", [1130, 1200, 1440, 2560])
def test_on_a_desk_the_tour_stands_beside_the_drawing(width, shown):
    page = shown("worked", width)
    page.press("#tour")
    box = "document.querySelector({!r}).getBoundingClientRect()"
    assert page.value(f"{box.format('#network')}.right <= {box.format('#learn')}.left")


def test_what_is_asked_for_is_covered_until_it_is_answered(shown):
    page = shown("worked")
    asked(page, "activation")
    seen = "getComputedStyle(document.querySelector('.net .asked .number')).visibility"
    assert page.value(seen) == "hidden"
    assert answered(page, worked()["o"][1]).startswith("Right.")
    assert page.value("document.querySelector('.asked')") is None


@pytest.mark.parametrize(
    ("kind", "right", "mistakes"),
    [
        (
            "sum",
            lambda v: (v["w"][1] @ v["a"])[1],
            {
                "without their weights": lambda v: v["a"].sum(),
                "the values they multiply": lambda v: v["w"][1][1].sum(),
                "One of the products": lambda v: v["w"][1][1][0] * v["a"][0],
            },
        ),
        (
            "activation",
            lambda v: v["o"][1],
            {
                "apply the activation": lambda v: (v["w"][1] @ v["a"])[1],
                "sign in the exponent": lambda v: 1 - v["o"][1],
                "slope of the activation": lambda v: v["o"][1] * (1 - v["o"][1]),
            },
        ),
        (
            "error",
            lambda v: (v["t"][1] - v["o"][1]) ** 2 / 2,
            {
                "the ½": lambda v: (v["t"][1] - v["o"][1]) ** 2,
                "must still be squared": lambda v: v["o"][1] - v["t"][1],
            },
        ),
        (
            "chain",
            lambda v: _first_slope(v, v["w"][1]),
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
            lambda v: 0.15 - _first_slope(v, v["w"][1]),
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
def test_a_usual_mistake_is_recognised_by_its_number(kind, right, mistakes, shown):
    page = shown("worked")
    asked(page, kind)
    known = worked()
    for reason, number in mistakes.items():
        assert reason in answered(page, number(known)), reason
    assert "not a common mistake" in answered(page, 12.5)
    page.write("#answer", "?")
    page.press("#learn-check")
    assert "Type a number" in page.text(".learned")
    assert answered(page, right(known)).startswith("Right.")


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
    return page.until(f"!{TIP}.hidden && {TIP}.textContent")


@pytest.mark.parametrize(
    ("name", "selector", "words"),
    [
        ("worked", ".net [aria-label^=a_h1]", "ah1: the activation of hidden unit 1"),
        ("worked", ".net [aria-label^=h2]", "h2: the weighted sum of hidden unit 2"),
        ("worked", ".net [aria-label=w5] + .hit, .net .label", "w1: the weight from i1 to h1"),
        ("worked", "#chain .factor mrow[data-line]", "E1: the error of output 1"),
        ("xor", ".net [aria-label=b4]", "b4: the bias of o1"),
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
    assert pointed(page, selector).startswith(words)
    page.key("Escape")
    assert page.value(f"{TIP}.hidden")


@pytest.mark.witness("node")
def test_every_letter_has_its_words():
    module = (files("gradbook") / "web" / "view" / "phrases.js").as_uri()
    said = f"import('{module}').then(it => console.log(JSON.stringify(it.PHRASES.letters)))"
    words = [program("node"), "-e", said]
    found = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    assert {*STEMS, "E_total", "E_sample"} == set(found)
    assert all(found.values())
