"""Slides in Chromium: keys show a step at a time, everything fits, paper has a page for each."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import gradbook as gb
from tests.outside.browser import Pipe, browser
from tests.outside.witness import console_messages, page_to_pdf, program

pytestmark = pytest.mark.witness("chromium")

KEYS = """(() => {
  const press = key => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }))
  const seen = () => ({
    slide: document.querySelector("output").textContent,
    now: document.querySelector(".now h1, .now h2").textContent,
    shown: [...document.querySelectorAll(".now .steps > *, .now mtable.aligned > mtr")]
      .filter(one => getComputedStyle(one).display !== "none").length,
    text: document.querySelector(".now").innerText,
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
    assert third["text"] != second["text"]
    assert back == third != fourth
    assert home == first
    assert end["now"] == "The update"
    for one in (first, second, third, fourth, back, home, end):
        assert (one["whole"], one["inert"]) == (1, count - 1)


STEPS = """(() => {
  const found = []
  for (let end = 0; end < 400; end++) {
    const one = document.querySelector(".now")
    const sizes = [...one.querySelectorAll(".steps math")]
      .filter(it => it.checkVisibility() && !it.closest("table"))
      .map(it => parseFloat(getComputedStyle(it).fontSize))
    const fits = one.scrollHeight <= one.clientHeight && one.scrollWidth <= one.clientWidth
    found.push([one.id, fits, Math.min(99, ...sizes)])
    if (document.querySelector(".slide-keys button:last-child").disabled) return found
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }))
  }
})()"""


def test_formulas_can_be_read_from_the_last_row(chromium, page):
    assert_readable(chromium, page)


def assert_readable(chromium, page):
    chromium.show(page, 1280, 720)
    steps = chromium.value(STEPS)
    assert [step for step in steps if not step[1]] == []
    small = [step for step in steps if step[2] < 28]
    assert len(small) <= 0.1 * len(steps), small


FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{folder}/fonts</dir><cachedir>{folder}/cache</cachedir></fontconfig>"""


@pytest.mark.parametrize("names", [["DejaVuSans"], ["DejaVuSerif", "DejaVuMathTeXGyre"]])
def test_formulas_keep_their_size_with_other_fonts(names, page, tmp_path):
    if not shutil.which("fc-list"):
        pytest.skip("fontconfig chooses the fonts of this test")
    listed = subprocess.check_output(["fc-list", "--format", "%{file}\n"], text=True)
    fonts = [Path(line) for line in listed.splitlines() if Path(line).stem in names]
    if len(fonts) < len(names):
        pytest.skip(f"{' or '.join(names)} is missing")
    (tmp_path / "fonts").mkdir()
    for font in fonts:
        shutil.copy(font, tmp_path / "fonts")
    chosen = tmp_path / "fonts.conf"
    chosen.write_text(FONTS.format(folder=tmp_path), "utf-8")
    pipe = Pipe(FONTCONFIG_FILE=str(chosen))
    with browser(pipe) as window:
        assert_readable(window, page)
    pipe.close()


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (390, 844)])
def test_every_slide_fits_its_window(size, chromium, page):
    chromium.show(page, *size)
    steps = chromium.value(STEPS)
    assert sum(not fits for _, fits, _ in steps) <= 0.02 * len(steps)  # a table, on a phone
    assert chromium.value("document.documentElement.scrollWidth <= innerWidth")


def test_an_equation_s_number_leads_to_its_slide(chromium, page):
    chromium.show(page, 1440, 900)
    chromium.value('document.querySelector("#equation-3 a").click()')
    assert chromium.value('document.querySelector(".now h2").textContent') == "Forward"
    assert not chromium.value('document.querySelector("#equation-3").matches(".later")')


@pytest.mark.witness("pdftotext")
def test_paper_has_each_slide_with_all_its_steps(page, tmp_path):
    pdf = page_to_pdf(page, tmp_path / "slides.pdf")
    command = [program("pdftotext"), str(pdf), "-"]
    pages = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\f")
    html = page.read_text("utf-8")
    slides = html.count("<section ") + 1
    assert slides <= len(pages) - 1 <= slides + 2  # large tables go on, on the next page
    assert [text.split("\n")[0] for text in pages[1:3]] == ["The network", "Forward"]
    last = html.count('id="equation-')
    assert f"({last})" in pages[-2]


def test_the_console_stays_silent(page):
    assert console_messages(page) == []
