"""Slides in Chromium: keys show a step at a time, everything fits, paper has a page for each."""

from __future__ import annotations

import subprocess

import pytest

import gradbook as gb
from tests.outside.witness import console_messages, page_to_pdf, program

pytestmark = pytest.mark.witness("chromium")

KEYS = """(() => {
  const press = key => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }))
  const seen = () => ({
    slide: document.querySelector("output").textContent,
    now: document.querySelector(".now h1, .now h2").textContent,
    shown: [...document.querySelectorAll(".now .steps > *, .now mtable.aligned > mtr")]
      .filter(one => getComputedStyle(one).visibility === "visible").length,
    whole: [...document.querySelectorAll("section, header")]
      .filter(one => getComputedStyle(one).visibility === "visible").length,
    inert: document.querySelectorAll("[inert]").length,
  })
  const said = [seen()]
  for (const key of ["ArrowRight", " ", "PageDown", "ArrowLeft", "Home", "End"]) {
    press(key)
    said.push(seen())
  }
  return said
})()"""
FITS = """[...document.querySelectorAll("section")]
  .filter(one => !one.matches(".scrolling") && one.scrollHeight > one.clientHeight
    || [...one.querySelectorAll(".wide")].some(box => box.scrollWidth > box.clientWidth + 1))
  .map(one => [one.id, one.scrollHeight])"""


@pytest.fixture(scope="module", params=["worked", "xor"])
def page(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("slides") / f"{request.param}.html"
    path.write_text(gb.explain(gb.builtin(request.param)).slides("gradbook explain"), "utf-8")
    return path


def test_keys_show_one_step_after_the_other(chromium, page):
    chromium.show(page, 1440, 900)
    first, second, third, fourth, back, home, end = chromium.value(KEYS)
    count = int(first["slide"].split("/ ")[1])
    assert [one["slide"].split(" ")[0] for one in (first, second, end)] == ["1", "2", str(count)]
    assert first["now"].startswith("Backpropagation")
    assert second["now"] == "The network"
    assert third["shown"] > second["shown"] or third["slide"] != second["slide"]
    assert back == third != fourth
    assert home == first
    assert end["now"] == "The update"
    for one in (first, second, third, fourth, back, home, end):
        assert (one["whole"], one["inert"]) == (1, count - 1)


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (390, 844)])
def test_every_slide_fits_its_window(size, chromium, page):
    chromium.show(page, *size)
    assert chromium.value(FITS) == []
    assert chromium.value('document.querySelectorAll(".scrolling").length') <= 1
    assert chromium.value("document.documentElement.scrollWidth <= innerWidth")


def test_an_equation_s_number_leads_to_its_slide(chromium, page):
    chromium.show(page, 1440, 900)
    chromium.value('document.querySelector("#equation-3 a").click()')
    assert chromium.value('document.querySelector(".now h2").textContent') == "Forward"
    assert not chromium.value('document.querySelector("#equation-3").matches(".later")')


@pytest.mark.witness("pdftotext")
def test_paper_has_a_page_for_each_slide_with_all_its_steps(page, tmp_path):
    pdf = page_to_pdf(page, tmp_path / "slides.pdf")
    command = [program("pdftotext"), str(pdf), "-"]
    pages = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\f")
    html = page.read_text("utf-8")
    assert len(pages) - 1 == html.count("<section ") + 1
    assert [text.split("\n")[0] for text in pages[1:3]] == ["The network", "Forward"]
    last = html.count('id="equation-')
    assert f"({last})" in pages[-2]


def test_the_console_stays_silent(page):
    assert console_messages(page) == []
