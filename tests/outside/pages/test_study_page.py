"""The page of a study as Chromium shows it."""

from __future__ import annotations

import pytest

from gradbook.report.markup import report_page
from gradbook.report.study import study_report
from tests.outside.pages.framed import asked
from tests.outside.witness import console_messages, page_text
from tests.report.trials import trials

pytestmark = pytest.mark.witness("chromium")

TRIALS = trials()
IMPORTANCE = {"cycle": 0.7, "conv": 0.3, "relu": 0.0}
TESTS = [{"trial": 3, "mean": 0.991, "deviation": 0.001, "seeds": 2}]
PAGES = {
    "whole": report_page(study_report("widths", TRIALS, IMPORTANCE, TESTS, "gradbook study")),
    "alone": report_page(study_report("<b>one</b>", [t for t in TRIALS if t["value"]][:1], {}, [])),
    "none": report_page(study_report("none", [t for t in TRIALS if not t["value"]], {}, [])),
}


@pytest.fixture(params=PAGES)
def page(request, tmp_path):
    path = tmp_path / "study.html"
    path.write_text(PAGES[request.param], encoding="utf-8")
    return path


def test_a_page_has_nothing_to_complain_of(page):
    assert console_messages(page) == []


@pytest.mark.parametrize("width", [390, 1400])
def test_no_page_scrolls_sideways(width, page, tmp_path):
    look = "[innerWidth, document.documentElement.scrollWidth]"
    assert asked(page.read_text("utf-8"), width, look, tmp_path) == [width, width]


def test_a_link_leads_to_the_trial_it_tells_of(tmp_path):
    look = """[...document.querySelectorAll("a[href^='#trial']")].map(a =>
      document.getElementById(a.getAttribute("href").slice(1))?.tagName)"""
    found = asked(PAGES["whole"], 1400, look, tmp_path)
    assert set(found) == {"DETAILS"}


def test_what_it_says(tmp_path):
    path = tmp_path / "study.html"
    path.write_text(PAGES["whole"], encoding="utf-8")
    said = page_text(path)
    best = max((t for t in TRIALS if t["value"]), key=lambda t: t["value"])
    assert f"trial {best['number']}" in said
    assert "The test images were scored 1 time." in said
    assert "99.10 % ± 0.100 of the test images" in said
