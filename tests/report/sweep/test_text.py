from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from gradbook.amounts import shortest
from gradbook.net import builtin, parse
from gradbook.rates.criteria import Verdict
from gradbook.report.media import write
from gradbook.report.sweep import COLOURS, sweep_report
from gradbook.report.terminal import report_lines, report_text
from gradbook.report.words import plain

# The terminal.


def test_the_report_for_a_terminal(worked, golden):
    golden("sweep.txt", plain(list(report_lines(sweep_report(worked), 80))))


def test_the_report_where_nothing_but_ascii_can_be_drawn(worked, golden):
    text = plain(list(report_lines(sweep_report(worked), 100, ascii_only=True)))
    assert text.isascii()
    golden("sweep-ascii.txt", text)


@pytest.mark.parametrize("width", [50, 60, 80, 120])
def test_the_report_keeps_to_its_width(worked, wild, width):
    for found in (worked, wild):
        lines = report_text(sweep_report(found), width).splitlines()
        assert max(map(len, lines)) <= width


def test_every_verdict_has_its_colour():
    assert set(COLOURS) == set(Verdict)


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
    manual = Path(__file__).parents[3].joinpath("docs", "sweep.md").read_text("utf-8")
    read = json.loads(write(sweep_report(worked), "json"))
    fields = {*read, *read["rates"][0], *read["largest"]}
    assert [field for field in fields if f"`{field}`" not in manual] == []
    assert [verdict for verdict in Verdict if f"\n| {verdict} |" not in manual] == []
