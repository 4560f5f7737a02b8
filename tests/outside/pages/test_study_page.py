"""The page of a study as Chromium shows it."""

from __future__ import annotations

import pytest

from gradbook.report.markup import report_page
from gradbook.report.study import study_report
from tests.outside.pages.framed import asked
from tests.outside.witness import page_text
from tests.report.trials import trials

pytestmark = pytest.mark.witness("chromium")

TRIALS = trials()
IMPORTANCE = {"cycle": 0.7, "conv": 0.3, "relu": 0.0}
PAGE = report_page(study_report("widths", TRIALS, IMPORTANCE, "gradbook study"))


def test_a_link_leads_to_the_trial_it_tells_of(tmp_path):
    look = """[...document.querySelectorAll("a[href^='#trial']")].map(a =>
      document.getElementById(a.getAttribute("href").slice(1))?.tagName)"""
    found = asked(PAGE, 1400, look, tmp_path)
    assert set(found) == {"DETAILS"}


def test_what_it_says(tmp_path):
    path = tmp_path / "study.html"
    path.write_text(PAGE, encoding="utf-8")
    said = page_text(path)
    best = max((t for t in TRIALS if t["value"]), key=lambda t: t["value"])
    assert f"trial {best['number']}" in said
    assert "no test image was used" in said
