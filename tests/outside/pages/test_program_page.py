"""The page of a checked program, as Chromium shows it: it fits, is still, and answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradbook.report.program_page import program_page
from tests.outside.pages.framed import beyond_the_sheet, paper_and_ink
from tests.report.checked_programs import (
    AXIS,
    EVERY_VERDICT,
    SLOPE,
    WRONG,
    WRONG_MODEL,
    XOR,
    in_a_notebook,
    span_of,
)

pytestmark = pytest.mark.witness("chromium")

SIZES = [(1920, 1080), (1440, 900), (1280, 800), (1024, 768), (390, 844), (320, 640)]
DESK_AND_PHONE = [(1280, 800), (390, 844)]
BOXES = """[...document.querySelectorAll("header, header > *, #program, #found, .ln, .f, table")]
  .filter(it => it.id !== "tag").map(it => Object.values(it.getBoundingClientRect().toJSON()))"""
CUT = """[...document.querySelectorAll("#found *, header > *")]
  .filter(it => it.scrollWidth > it.clientWidth + 1 && getComputedStyle(it).overflowX !== "auto"
    && it.clientWidth && !it.closest("svg, .unseen, .losses"))
  .map(it => it.outerHTML.slice(0, 80))"""
SEEN = """(selector => { const box = document.querySelector(selector).getBoundingClientRect()
  return box.height > 0 && box.top >= 0 && box.bottom <= innerHeight })"""
BOX = "(it => document.querySelector(it).getBoundingClientRect().toJSON())"
PLACES = ["X.T @ dz1", "a1.T @ dz2", "(a2 - y) / m", "np.tanh(z1)"]
MANY = (SLOPE, AXIS, *(replace(AXIS, span=span_of(part)) for part in PLACES))
REPORTS = EVERY_VERDICT | {
    "notebook": in_a_notebook(),
    "many": replace(WRONG, models=(replace(WRONG_MODEL, findings=MANY), WRONG_MODEL)),
}


@pytest.fixture
def opened(chromium, tmp_path):
    """`opened(report)`: its page; it must not have complained in the end."""

    def show(report, width=1280, height=800, **features):
        page = tmp_path / "page.html"
        page.write_text(program_page(report, "gradbook check xor.py -o page.html"), "utf-8")
        chromium.show(page, width, height, **features)
        return chromium

    chromium.said.clear()
    yield show
    assert chromium.said == []


@pytest.mark.parametrize("name", REPORTS)
def test_nothing_is_cut_or_wider_than_the_screen(name, opened):
    for width, height in SIZES if name == "many" else DESK_AND_PHONE:
        page = opened(REPORTS[name], width, height)
        assert page.value("document.documentElement.scrollWidth") == width, width
        assert page.value(CUT) == [], width


@pytest.mark.witness("axe")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["many", "no loss", "fault", "notebook"])
def test_nobody_is_kept_from_reading_it(name, scheme, opened):
    page = opened(REPORTS[name], prefers_color_scheme=scheme)
    assert page.objections() == []


def test_on_a_desk_the_drawn_page_needs_no_scrolling(opened):
    page = opened(WRONG)
    assert page.value("found.scrollHeight - found.clientHeight") <= 0
    assert page.value("document.documentElement.scrollHeight") == 800
    assert page.value("source.scrollHeight - source.clientHeight") <= 0
    assert page.value("document.querySelector('#program').getBoundingClientRect().width") == 668


def test_on_a_narrow_screen_the_findings_are_below_the_source(opened):
    for width in (1024, 390):
        page = opened(WRONG, width, 768)
        source, found = (page.value(f"{BOX}('#{name}')") for name in ("program", "found"))
        assert found["top"] >= source["bottom"]


def test_pointing_at_a_line_shows_its_value_and_moves_nothing(opened):
    page = opened(WRONG)
    before = page.value(BOXES)
    page.point_at("#line-12 code")
    assert page.value("tag.hidden") is False
    assert page.value("tag.innerText").split() == [
        *("z1", "4", "×", "3", "value", "0,", "−1.25,", "0.5,", "2,", "…"),
        *("gradient", "0.01,", "0,", "0,", "−0.2,", "…"),
    ]
    assert page.value(BOXES) == before
    page.point_at("#line-13 code")
    assert page.value("tag.hidden") is True
    assert page.value(BOXES) == before


def test_a_line_that_is_cut_is_shown_whole(opened):
    page = opened(WRONG, 390, 844)
    page.point_at("#line-14 code")
    assert page.text("#tag") == "a2 = 1 / (1 + np.exp(-(a1 @ W2 + b2)))"


def test_arrow_keys_go_from_line_to_line(opened):
    page = opened(WRONG)
    page.value("source.focus()")
    for _ in range(12):
        page.key("ArrowDown")
    assert page.value("document.querySelector('.ln.at').id") == "line-12"
    assert page.value("tag.hidden") is False
    page.key("Escape")
    assert page.value("tag.hidden") is True


def test_a_number_leads_to_its_finding_and_back_to_its_line(opened):
    page = opened(REPORTS["many"], 1280, 640)
    page.click("#line-22 .note")
    place = page.value("document.querySelector('#line-22 .note').hash")
    assert page.value("document.querySelector('.lit').id") == place[1:]
    assert page.value(f"document.querySelector('{place}').open") is True
    assert page.value(f"{SEEN}('{place}')")
    page.click(f"{place} a")
    assert page.value("document.querySelector('.lit').id") == "line-22"
    assert page.value(f"{SEEN}('#line-22')")


def test_the_first_mistake_of_a_long_program_is_in_sight(opened):
    above = "\n".join(f"value_{k} = {k}" for k in range(300)) + "\n"
    span = span_of("dz1.sum()", above + XOR)
    source = replace(WRONG.sources[0], text=above + XOR)
    model = replace(WRONG_MODEL, findings=(replace(AXIS, span=span),), loss=None, values=())
    report = replace(WRONG, models=(model,), sources=(source,))
    for width, height in SIZES:
        page = opened(report, width, height)
        line = page.value(f"{BOX}('#line-{span.line}')")
        source = page.value(f"{BOX}('#source')")
        assert source["top"] <= line["top"] < line["bottom"] <= source["bottom"], width


def test_the_corrected_program_is_copied_and_the_button_says_so_for_a_while(opened):
    page = opened(WRONG)
    copied = "navigator.clipboard.writeText = async text => { window.copied = text }"
    page.value(f"({copied}, 1)")
    before = page.value(f"{BOX}('#copy')")
    page.click("#copy")
    assert page.text("#copy") == "copied ✓"
    assert page.value(f"{BOX}('#copy')") == before
    right = XOR.replace("dz1.sum()", "dz1.sum(axis=0)")
    assert page.value("window.copied") == right.replace("a1 * (1 - a1)", "(1 - a1**2)")
    page.until("document.querySelector('#copy').textContent === 'copy the corrected program'", 5)


def test_what_checks_another_is_told_and_put_away_again(opened):
    page = opened(WRONG)
    before = page.value(BOXES)
    page.click("#another summary")
    assert "gradbook check other.py -o report.html" in page.value("another.innerText")
    assert "is run" in page.value("another.innerText")
    page.click("#help summary")
    assert page.value("[another.open, help.open]") == [False, True]
    assert "Made with gradbook check xor.py" in page.value("help.innerText")
    page.key("Escape")
    assert page.value("help.open") is False
    assert page.value(BOXES) == before


@pytest.mark.parametrize("name", ["wrong", "notebook", "many"])
def test_print_cuts_nothing_off(name, opened, tmp_path):
    opened(REPORTS[name])
    assert beyond_the_sheet(opened(REPORTS[name]), tmp_path / "page.html") == []


@pytest.mark.parametrize(("scheme", "low", "high"), [("light", 235, 255), ("dark", 0, 45)])
def test_the_paper_is_light_or_dark_as_the_reader_asks(scheme, low, high, opened, tmp_path):
    page = opened(WRONG, prefers_color_scheme=scheme)
    paper, ink = paper_and_ink(page.picture(tmp_path / "page.png"))
    assert low <= paper <= high
    assert ink > 0.004
