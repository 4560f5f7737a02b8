"""Summaries: the same numbers as text, Markdown, CSV, JSON, a page and a sheet."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given

from gradbook.net import BUILTIN, builtin, parse
from gradbook.net.measure import measure
from gradbook.report.media import write
from gradbook.report.other_workbooks import write_book
from gradbook.report.summary import summary, summary_table
from gradbook.report.terminal import report_text
from tests.cases import for_each
from tests.families import networks
from tests.outside.witness import read_formulas, read_values

ODD = parse("name a <b> & c; input 2x5x7; conv 4 3x1 groups 2 shared bias; flatten; dense 1")


def test_the_table_at_80_columns(golden):
    golden("reference-80.txt", report_text(summary(measure(builtin("reference"), 128)), 80))


def test_the_table_at_120_columns(golden):
    golden("flat-120.txt", report_text(summary(measure(builtin("flat"))), 120))


def test_the_table_as_markdown(golden):
    golden("strokes.md", write(summary(measure(builtin("strokes"))), "markdown"))


@for_each("name", BUILTIN)
@for_each("width", [80, 120])
def test_a_terminal_s_width_is_kept(name, width):
    told = report_text(summary(measure(builtin(name), 128)), width)
    assert max(map(len, told.splitlines())) <= width


def test_a_wide_terminal_shows_every_column():
    assert "not shown" not in report_text(summary(measure(builtin("blocks"))), 120)
    narrow = report_text(summary(measure(builtin("blocks"))), 80)
    assert "hidden because the terminal is too narrow: bytes" in narrow


def test_columns_that_say_nothing_are_left_out():
    titles = [column.title for column in summary_table(measure(builtin("worked"))).columns]
    assert titles == ["layer", "output", "parameters", "bytes", "MACs", "training", "memory"]


def test_a_field_that_is_not_square_tells_both_sides():
    shown = summary_table(measure(ODD))
    field = [column.key for column in shown.columns].index("field")
    assert [row[field] for row in shown.rows] == [None, "3x1", "3x1", "5x7"]


def test_fixed_parameters_are_told():
    said = report_text(summary(measure(builtin("mazur"))), 80)
    assert "10 parameters, 2 of them fixed: 40 B as float32" in said


@given(networks(dropout=True))
def test_csv_and_json_say_what_was_measured(net):
    measured = measure(net, 7)
    told = json.loads(write(summary(measured), "json"))
    rows = list(csv.DictReader(write(summary(measured), "csv").splitlines()))
    assert len(told["layers"]) == len(rows) - 1 == len(net.layers)
    for layer, record, row in zip(measured.layers, told["layers"], rows[1:], strict=True):
        assert record["output"] == list(layer.output)
        for key in ("parameters", "macs", "training_macs"):
            assert record[key] == getattr(layer, key) == int(row[key] or 0)
        assert record["memory"] == measured.memory(layer) == int(row["memory"])
    totals = told["totals"]
    assert totals["memory"] == sum(int(row["memory"]) for row in rows)
    assert (told["version"], told["batch"], totals["parameters"]) == (1, 7, net.count())


def test_the_page_holds_the_table_and_what_its_columns_mean():
    measured = measure(builtin("reference"), 128)
    html = write(summary(measured), "html")
    assert html.count("<tr") == 1 + 1 + len(measured.layers) + 1
    for column in summary_table(measured).columns:
        assert f"<dt>{column.title}</dt>" in html
        assert column.meaning.partition("'")[0] in html
    assert "2,252,914" in html
    assert html == write(summary(measured), "html")


def test_whatever_stands_in_a_name_is_text_on_the_page():
    html = write(summary(measure(ODD)), "html")
    assert "a &lt;b&gt; &amp; c" in html
    assert "<b>" not in html
    HTMLParser().feed(html)


def test_bars_are_as_long_as_their_share():
    html = write(summary(measure(builtin("strokes"))), "html")
    widths = [float(w) for w in re.findall(r'class="bar weights".*?width="([^"]*)"', html)]
    assert widths == [100, 33.3]  # of 18 and 6 parameters


@pytest.mark.filterwarnings("ignore:.*extension is not supported")  # openpyxl, of the bars
def test_the_sheet_holds_numbers_and_sums_that_are_formulas(tmp_path):
    measured = measure(builtin("reference"), 128)
    write_book(measured, tmp_path / "a.xlsx")
    written, kept = (read(tmp_path / "a.xlsx")["Layers"] for read in (read_formulas, read_values))
    assert written["I3"] == "MACs"
    first, last = 4, 4 + len(measured.layers)  # the input's row comes first
    found = [written.get(f"I{row}") for row in range(first, last + 1)]
    assert found == [None, *(layer.macs or None for layer in measured.layers)]
    assert written[f"I{last + 1}"] == f"=SUM(I{first}:I{last})"
    assert kept[f"I{last + 1}"] == measured.macs


@pytest.mark.filterwarnings("ignore:.*extension is not supported")
def test_a_name_that_looks_like_a_formula_is_text(tmp_path):
    write_book(measure(parse("name =1+1; input 2; dense 1")), tmp_path / "a.xlsx")
    cells = read_formulas(tmp_path / "a.xlsx")["Layers"]
    assert cells["A1"] == "=1+1: 2 in, 1 out"
    assert read_values(tmp_path / "a.xlsx")["Layers"]["A1"] == cells["A1"]
