from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradbook.lab.recipes import RECIPES
from gradbook.lab.recipes import recipe_text as text
from gradbook.lab.recipes.recipe_text import Measured, measurement
from gradbook.report.media import write
from gradbook.report.terminal import report_text
from gradbook.report.training_text import recipes_report

QUICK = {
    "seeds": 10,
    "mean": 0.99431,
    "deviation": 0.00052,
    "lowest": 0.9935,
    "seconds": 21.0,
    "threads": 2,
    "machine": "two cores",
}


@pytest.fixture
def quick_measured(monkeypatch):
    monkeypatch.setattr(text, "all_measurements", lambda: {"quick": QUICK})


def test_every_recipe_has_its_row():
    rows = report_text(recipes_report(2), 120).splitlines()
    assert [row.split()[0] for row in rows[1 : len(RECIPES) + 1]] == list(RECIPES)


def test_what_was_measured_is_told_with_its_machine(quick_measured):
    page = report_text(recipes_report(2), 120)
    assert "21.0 s     99.43 ± 0.05 %  " in page
    assert page.endswith(
        "\nMeasured over 10 seeds or more on two cores; times are converted to 2 cores.\n"
    )


def test_every_machine_that_measured_is_told_once(monkeypatch):
    found = {"quick": QUICK, "best": {**QUICK, "machine": "four"}, "tiny": QUICK}
    monkeypatch.setattr(text, "all_measurements", lambda: found)
    assert "more on two cores and four; times" in report_text(recipes_report(2), 120)


def test_more_cores_take_less_time(quick_measured):
    assert "42.0 s" in report_text(recipes_report(1), 120)
    assert measurement("quick").seconds_with(4) == 10.5


def test_what_was_not_measured_is_not_told(quick_measured):
    assert report_text(recipes_report(2), 120).count("see the docs") == len(RECIPES) - 1


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_lines_fit(width, quick_measured):
    assert max(map(len, report_text(recipes_report(2), width).splitlines())) <= width


def test_a_program_gets_numbers(quick_measured):
    quick, best, *_ = json.loads(write(recipes_report(4), "json"))["recipes"]
    assert (quick["name"], quick["seconds_here"], quick["measured"]) == ("quick", 10.5, QUICK)
    assert (best["name"], best["seconds_here"], best["measured"]) == ("best", None, None)


def test_what_is_kept_of_each_recipe_can_be_read():
    assert all(isinstance(measurement(name), Measured | None) for name in RECIPES)


def test_the_document_of_results_says_what_was_measured():
    told = (Path(__file__).parents[3] / "docs" / "explanation" / "results.md").read_text("utf-8")
    for name in RECIPES:
        reached = measurement(name)
        if reached:
            figures = f"{100 * reached.mean:.3f} % ± {100 * reached.deviation:.3f}"
            lowest = f"{100 * reached.lowest:.2f} %"
            assert any(
                line.startswith(f"| `{name}` |") and figures in line and lowest in line
                for line in told.splitlines()
            ), name
        else:
            assert f"| `{name}` |" in told
