"""Sweeps: as text, as charts, for programs, as a page."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from gradbook.amounts import shortest
from gradbook.net import builtin, parse
from gradbook.rates.criteria import MEANINGS, Verdict
from gradbook.rates.sweep import sweep
from gradbook.report.media import write
from gradbook.report.styled_text import plain
from gradbook.report.sweep import COLOURS, sweep_charts, sweep_report, sweep_svg
from gradbook.report.terminal import report_lines, report_text
from tests.cases import for_each
from tests.outside.witness import console_messages, dom, page_text

RATES = (0.05, 0.5, 2, 100, 1000, 10000)  # 10 ends in nothing but rounding


@pytest.fixture(scope="module")
def worked():
    return sweep(builtin("worked"), RATES)


@pytest.fixture(scope="module")
def wild():
    """Losses that end as infinity and as no number at all."""
    net = parse("input 1; dense 1; dense 1; loss half squared error; name a</script><b>; seed 3")
    return sweep(net, [0.1, 10, 1e100, 1e300], 12)


# The terminal.


def test_the_report_for_a_terminal(worked, golden):
    golden("sweep.txt", plain(list(report_lines(sweep_report(worked), 80))))


def test_the_report_where_nothing_but_ascii_can_be_drawn(worked, golden):
    text = plain(list(report_lines(sweep_report(worked), 100, ascii_only=True)))
    assert text.isascii()
    golden("sweep-ascii.txt", text)


@for_each("width", [50, 60, 80, 120])
def test_the_report_keeps_to_its_width(worked, wild, width):
    for found in (worked, wild):
        lines = report_text(sweep_report(found), width).splitlines()
        assert max(map(len, lines)) <= width


def test_colours_are_of_verdicts():
    assert set(COLOURS) <= set(Verdict)  # others have the usual one


# Other programs.


def test_the_json_holds_every_loss_to_the_last_bit(worked):
    read = json.loads(write(sweep_report(worked), "json"))
    assert (read["format"], read["version"], read["epochs"]) == ("gradbook sweep", 1, 70)
    assert parse(read["network"]) == builtin("worked")
    for outcome, row in zip(worked.outcomes, read["rates"], strict=True):
        assert row["losses"] == outcome.losses.tolist()
        assert (row["rate"], row["verdict"]) == (outcome.rate, str(outcome.verdict))
        assert (row["reason"], row["trains"]) == (outcome.reason, outcome.trains)
        assert (row["end"], row["lowest"]) == (outcome.end, outcome.lowest)
    assert read["largest"]["rate"] == worked.limit.rate
    assert read["largest"]["words"] == worked.limit.words(70)


def test_the_json_is_strict_where_losses_are_no_numbers(wild):
    read = json.loads(write(sweep_report(wild), "json"), parse_constant=pytest.fail)
    assert read["rates"][-1]["losses"][-1] is None
    assert read["rates"][-1]["end"] is None


def test_the_csv_has_a_row_for_each_epoch_and_a_column_for_each_rate(worked, wild):
    heading, *rows = csv.reader(write(sweep_report(worked), "csv").splitlines())
    assert heading == ["epoch", *(f"rate {shortest(rate)}" for rate in worked.rates)]
    assert [int(row[0]) for row in rows] == list(range(1, 71))
    assert [float(row[2]) for row in rows] == worked[0.5].losses.tolist()
    assert write(sweep_report(wild), "csv").splitlines()[-1].endswith(",")


# The manual.


def test_the_manual_names_every_field_and_every_verdict(worked):
    manual = (
        Path(__file__).parents[2].joinpath("docs", "guides", "learning-rate.md").read_text("utf-8")
    )
    read = json.loads(write(sweep_report(worked), "json"))
    fields = {*read, *read["rates"][0], *read["largest"]}
    assert [field for field in fields if f"`{field}`" not in manual] == []
    assert [verdict for verdict in Verdict if f"\n| {verdict} |" not in manual] == []


def test_gentle_and_violent_rates_have_a_chart_each(worked):
    gentle, violent = sweep_charts(worked)
    assert [curve.label for curve in gentle.curves] == ["0.05", "0.5", "2"]
    assert [curve.label for curve in violent.curves] == ["100", "1000", "10000"]
    assert len({curve.colour for chart in (gentle, violent) for curve in chart.curves}) == 6


def test_one_kind_of_rate_needs_but_one_chart():
    swept = sweep(builtin("worked"), [0.1, 1], 5)
    assert [chart.title for chart in sweep_charts(swept)] == ["Loss at low rates"]


def test_the_picture_is_headed_by_the_network(worked):
    assert "What the learning rate does: worked, 70 epochs</text>" in sweep_svg(worked)


def test_the_picture_says_what_was_found_to_who_cannot_see_it(worked):
    assert f'aria-label="{worked.finding} Loss at' in sweep_svg(worked)


def test_the_page_says_everything_without_its_script(worked):
    page = write(sweep_report(worked, "gradbook sweep worked -o a.html"), "html")
    for outcome in worked.outcomes:
        assert outcome.reason.replace("<", "&lt;") in page
    for verdict, meaning in MEANINGS.items():
        assert f">{verdict}</span></dt><dd>{meaning.replace(chr(39), '&#x27;')}" in page
    assert worked.limit.words(70) in page
    assert "<code>gradbook sweep worked -o a.html</code>" in page


def test_the_page_asks_nobody_for_anything(worked):
    page = re.sub(r'xmlns="[^"]*"', "", write(sweep_report(worked), "html"))
    assert not re.search(r"https?://|src=|@import|url\(", page)


def test_words_from_outside_do_no_harm(wild):
    page = write(sweep_report(wild), "html")
    assert "<b>" not in re.sub("<b>[^<]*</b></button>", "", page)
    assert page.count("</script>") == 2


@pytest.fixture(scope="module")
def page_file(worked, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "worked.html"
    file.write_text(write(sweep_report(worked), "html"), encoding="utf-8")
    return file


def acted_on(file, script):
    """The page's DOM after this script; the page allows none but its own, so it is told to."""
    page = re.sub(r"<meta http-equiv=.Content-Security-Policy.[^>]*>", "", file.read_text("utf-8"))
    acted = file.with_name("acted.html")
    acted.write_text(page.replace("</body>", f"<script>{script}</script></body>"), "utf-8")
    return dom(acted)


POINT = """
const plot = document.querySelectorAll(".gb-chart")[WHICH], box = plot.getBoundingClientRect();
const at = {clientX: box.left + ACROSS * box.width, clientY: box.top + DOWN * box.height};
plot.dispatchEvent(new PointerEvent("pointermove", at));
"""


@pytest.mark.witness("chromium")
def test_the_page_runs_without_a_complaint(page_file):
    assert console_messages(page_file) == []
    assert "works for 70 epochs at rates up to about 730" in page_text(page_file)


@pytest.mark.witness("chromium")
def test_pointing_at_a_curve_tells_rate_epoch_and_loss(page_file, worked):
    script = POINT.replace("WHICH", "0").replace("ACROSS", "0.999").replace("DOWN", "0.86")
    shown = acted_on(page_file, script)
    tip = re.search(r'<div class="tip" role="status"[^>]*>(.*?)</div>', shown)[1]
    said = re.sub("<[^>]*>", " ", tip).split()
    assert said == ["rate", "2", "epoch", "70", "loss", "1.6018e-06"]
    assert len(re.findall(r'class="curve c2 lit"', shown)) == 1
    assert shown.count('<line class="hair shown"') == 2


@pytest.mark.witness("chromium")
def test_nothing_is_told_before_anything_is_pointed_at(page_file):
    assert dom(page_file).count('role="status" hidden=""') == 1


@pytest.mark.witness("chromium")
def test_a_click_on_its_name_puts_a_curve_away_and_brings_it_back(page_file):
    click = "document.querySelectorAll('.readings button')[1].click();"
    once, twice = acted_on(page_file, click), acted_on(page_file, click * 2)
    assert len(re.findall(r'class="curve c1 off"', once)) == 1
    assert once.count('aria-pressed="false"') == 1
    assert not re.findall(r'class="curve c\d off', twice)
    assert 'aria-pressed="false"' not in twice


@pytest.mark.witness("chromium")
def test_curves_can_be_walked_along_by_key(page_file):
    script = """const plot = document.querySelector(".charts");
    plot.focus();
    for (const key of ["Home", "ArrowRight", "ArrowRight", "ArrowDown"])
      plot.dispatchEvent(new KeyboardEvent("keydown", {key}));"""
    shown = acted_on(page_file, script)
    assert re.search(r"rate 0\.5<small>epoch 3</small>", shown)
    assert shown.count('<p class="at">epoch 3</p>') == 2


@pytest.mark.witness("chromium")
def test_losses_that_are_no_numbers_can_be_pointed_past(wild, tmp_path):
    file = tmp_path / "wild.html"
    file.write_text(write(sweep_report(wild), "html"), encoding="utf-8")
    script = POINT.replace("WHICH", "1").replace("ACROSS", "0.9").replace("DOWN", "0.5")
    assert not re.search(r'="[^"]*NaN', acted_on(file, script))  # no place is
    assert console_messages(file) == []
