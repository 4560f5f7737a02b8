"""Drawings as a browser shows them: its own boxes of words, units and lines lie apart."""

from __future__ import annotations

import json

import pytest

from gradbook.net import builtin, parse
from gradbook.report.play_page import play_page
from gradbook.targets.drawing import draw, svg
from tests.outside.browser import Browser
from tests.targets.drawing.overlaps import overlaps, small_network

pytestmark = pytest.mark.witness("chromium")

NETS = {
    "worked": builtin("worked"),
    "mazur": builtin("mazur"),
    "xor": builtin("xor"),
    "three layers": parse("input 2; dense 3; tanh; dense 3; tanh; dense 2; sigmoid"),
    "8-8": parse("input 8; dense 8; sigmoid; dense 8"),
    "skip": parse("input 2; dense 2; tanh; dense 2; add back 2; dense 1; loss mean squared error"),
    "many": parse(
        "input 3; dense 12; batchnorm; relu; dense 2; sample 1 2 3 -> 0 1; sample 3 2 1 -> 1 0"
    ),
}
PHONE, DESK = 390, 1280
FAR = 1000  # a rate at which numbers become long
LONG_STEPS = 5
GLYPHS = 0.2  # of a line's height, above and below its figures and letters

BOXES = """(() => {
  const found = { labels: {}, units: {}, lines: {}, shown: {} }
  const sheet = document.querySelector("svg.net, svg.gb-net")
  sheet.querySelectorAll("text").forEach((text, k) => {
    const { x, y, width, height } = text.getBBox()
    const [top, bottom] = [y + GLYPHS * height, y + (1 - GLYPHS) * height]
    if (width) found.labels[`${k} ${text.textContent}`] = [x, top, x + width, bottom]
  })
  sheet.querySelectorAll(".unit:not(.corner) .shape, path[class^=fill-]").forEach((unit, k) => {
    const { x, y, width, height } = unit.getBBox()
    if (width > 4) found.units[`unit ${k}`] = [x, y, x + width, y + height]
  })
  sheet.querySelectorAll(".line, path[fill=none]").forEach((line, k) => {
    const pieces = line.getAttribute("d").split("M").slice(1)
    pieces.forEach((piece, j) => {
      const points = piece.split("L").map(point => point.trim().split(" ").map(Number))
      if (!/[HVQ]/.test(piece)) found.lines[`line ${k} ${j}`] = points
    })
  })
  const { width, height } = sheet.viewBox.baseVal
  return JSON.stringify({ ...found, edges: [width, height] })
})()""".replace("GLYPHS", str(GLYPHS))


def found(page: Browser) -> list[str]:
    seen = json.loads(page.value(BOXES))
    width, height = seen["edges"]
    cut = [
        f"{name} is cut off"
        for name, (left, top, right, bottom) in seen["labels"].items()
        if left < 0 or top < 0 or right > width or bottom > height
    ]
    assert seen["labels"]
    assert seen["units"]
    assert seen["lines"]
    return [*overlaps(seen["labels"], seen["units"], seen["lines"]), *cut]


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("name", NETS)
def test_nothing_lies_on_anything_else_in_the_page_to_play_with(name, width, chromium, tmp_path):
    (tmp_path / "play.html").write_text(play_page(NETS[name]), encoding="utf-8")
    chromium.show(tmp_path / "play.html", width)
    assert found(chromium) == []
    chromium.write("#rate-field", str(FAR))
    for _ in range(LONG_STEPS):
        chromium.value("document.querySelector('#step').click()")
    chromium.value("new Promise(done => setTimeout(done, 200))")
    assert found(chromium) == []


@pytest.mark.parametrize("seed", range(8))
def test_nothing_lies_on_anything_else_in_a_page_of_any_network(seed, chromium, tmp_path):
    (tmp_path / "play.html").write_text(play_page(small_network(seed)), encoding="utf-8")
    chromium.show(tmp_path / "play.html", DESK)
    assert found(chromium) == []


@pytest.mark.parametrize("numbers", [False, True])
def test_nothing_lies_on_anything_else_in_a_drawing(numbers, chromium, tmp_path):
    nets = {**NETS, **{f"small network {seed}": small_network(seed) for seed in range(20)}}
    for name, net in nets.items():
        drawing = svg(draw(net, numbers))
        (tmp_path / "net.html").write_text(f"<!doctype html><meta charset=utf-8>{drawing}", "utf-8")
        chromium.show(tmp_path / "net.html", DESK)
        assert (name, found(chromium)) == (name, [])


@pytest.mark.parametrize(("name", "scrolls"), [("worked", False), ("xor", False), ("8-8", True)])
def test_a_drawing_that_is_wider_than_a_phone_says_that_it_scrolls(
    name, scrolls, chromium, tmp_path
):
    (tmp_path / "play.html").write_text(play_page(NETS[name]), encoding="utf-8")
    chromium.show(tmp_path / "play.html", PHONE)
    box = "document.querySelector('#drawing')"
    assert chromium.value(f"{box}.scrollWidth > {box}.clientWidth + 1") is scrolls
    assert chromium.value("!!document.querySelector('#drawing-scrolls').offsetHeight") is scrolls
    assert chromium.value(f"{box}.scrollLeft") == 0
