"""Runs side by side."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest

from gradbook.lab.runs import find_misread, open_runs
from gradbook.report.compare import compare_report
from gradbook.report.media import write
from gradbook.report.styled_text import plain
from gradbook.report.terminal import report_lines
from tests.cases import for_each
from tests.report.html import cells, words
from tests.runs import finished, pictures, several

DATA = pictures(each=12)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    finished(folder / "plain", DATA, epochs=3)
    finished(folder / "adam", DATA, changes="update adam; batch 16", seed=4)
    several(folder / "seeds", DATA)
    return open_runs([folder / name for name in ("plain", "adam", "seeds")])


@pytest.fixture(scope="module")
def who(runs):
    return find_misread(runs, DATA)


def test_the_terminal_shows_all_of_it(runs, who):
    said = plain(list(report_lines(compare_report(runs, who), 100)))
    for run in runs:
        assert f"\n{run.name} " in said
        assert f"{100 * run.test.mean:.2f} %" in said
    assert "  batch\n    plain, seeds: 128\n    adam: 16\n" in said
    assert f"  by all: {len(who.by_all)}\n" in said
    assert f"  only by adam: {len(who.only_by(1))}\n" in said
    assert "Validation accuracy" in said


@for_each("width", [50, 80, 120])
def test_the_terminals_width_is_kept(runs, who, width):
    said = plain(list(report_lines(compare_report(runs, who), width)))
    assert max(map(len, said.splitlines())) <= width


def test_where_nothing_but_ascii_can_be_drawn_it_is_ascii(runs, who):
    ascii_only = [run for run in runs if run.name != "seeds"]  # ± heads a column of theirs
    lines = report_lines(compare_report(ascii_only), 80, ascii_only=True)
    assert plain(list(lines)).isascii()


def test_one_run_alone_is_told_too(runs):
    said = plain(list(report_lines(compare_report(runs[:1], None), 80)))
    assert "misread" not in said
    assert "Their recipes are identical." not in said


def test_the_csv_has_a_row_of_plain_numbers_for_each_run(runs):
    rows = list(csv.DictReader(StringIO(write(compare_report(runs), "csv"))))
    assert [row["run"] for row in rows] == ["plain", "adam", "seeds"]
    for row, run in zip(rows, runs, strict=True):
        assert float(row["test_accuracy"]) == run.test.mean
        assert int(row["parameters"]) == run.parameters
    assert rows[0]["test_deviation"] == rows[0]["test_lowest"] == ""
    assert float(rows[2]["test_lowest"]) == min(runs[2].test.values)


def test_the_json_holds_everything(runs, who):
    read = json.loads(write(compare_report(runs, who), "json"))
    assert read["version"] == 1
    assert [len(run["history"]) for run in read["runs"]] == [3, 5, 5]
    assert read["runs"][2]["test_accuracies"] == list(runs[2].test.values)
    assert read["differences"]["batch"] == ["128", "16", "128"]
    assert read["misread"]["by_all"] == who.by_all.tolist()
    assert read["misread"]["only_by"]["adam"] == who.only_by(1).tolist()


def test_without_images_nobody_misreads_any(runs):
    assert json.loads(write(compare_report(runs, None), "json"))["misread"] is None


def test_without_images_the_page_has_none(runs):
    assert "Misread images" not in write(compare_report(runs), "html")


def test_the_page_has_a_card_for_each_image_that_only_one_misreads(runs, who):
    html = write(compare_report(runs, who, "gradbook compare plain adam seeds"), "html")
    for k, run in enumerate(runs):
        count = len(who.only_by(k))
        part = html.partition(f"<h3>Only by {run.name}: ")[2].partition("<h3>")[0]
        assert words(part).startswith(f"{count} test image")
        assert part.count("<li>") == count
    assert "Made with gradbook compare plain adam seeds" in words(html)


def test_the_page_shows_the_differences_beside_each_other(runs):
    html = write(compare_report(runs), "html")
    table = html.partition('id="recipes"')[2].partition("</table>")[0]
    head, *rows = cells(table)
    assert head == ["", "plain", "adam", "seeds"]
    assert ["batch", "128", "16", "128"] in rows
    assert ["epochs", "3", "5", "10"] not in rows
