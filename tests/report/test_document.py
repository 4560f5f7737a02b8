"""A made-up subject: from its blocks alone follow text, page, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import json
from math import inf, nan

import numpy as np

from gradbook.report.charts import Chart, Curve
from gradbook.report.document import (
    Chapter,
    Charts,
    Facts,
    Figure,
    Fold,
    Items,
    Listing,
    Meanings,
    PageOnly,
    Passage,
    Report,
    Subheading,
    made_with,
)
from gradbook.report.markup import report_cell
from gradbook.report.media import ENDINGS, write
from gradbook.report.styled_text import Span, TableColumn, TextTable, plain
from gradbook.report.terminal import report_lines, report_text
from tests.cases import for_each

TABLE = TextTable(
    (
        TableColumn("tree", "tree", words=True),
        TableColumn("height", "height"),
        TableColumn("age", "age", spare=1),
    ),
    (("oak <b>", 31, nan), ("elm", 1200, 7)),
)
CHART = Chart("Growth", (Curve("oak", np.array([1.0, 2.0, 3.0]), "#5088F2"),))
TREES = Report(
    "Trees",
    [
        Chapter(
            "trees",
            "Tree by tree",
            [Figure([TABLE]), Passage((Span("the oak", tag="b"), Span(" leads")))],
        ),
        Chapter("growth", "How they grew", [Charts([CHART], "Growth")]),
        Chapter(
            "more",
            "More",
            [
                Meanings([("age", "in years")]),
                Facts([("trees", "2"), ("rows of them", "1")]),
                Subheading("Rows"),
                Items(["the first", "the last"]),
                Listing("plant oak\nplant elm"),
                Fold("Every leaf", [Passage("leaf")]),
                PageOnly(lambda: "<svg/>"),
            ],
        ),
    ],
    lead=[Passage("Two trees.", "lead")],
    foot=made_with("gradbook trees"),
)


def test_every_medium_tells_every_number():
    for medium in set(ENDINGS.values()):
        said = write(TREES, medium)
        assert "31" in said
        assert "1,200" in said or "1200" in said


def test_in_a_terminal_chapters_follow_each_other():
    assert report_text(TREES, 60).partition("How they grew")[0] == (
        "Trees\n"
        "Two trees.\n"
        "\n"
        "Tree by tree\n"
        "tree     height  age\n"
        "────────────────────\n"
        "oak <b>      31  nan\n"
        "elm       1,200    7\n"
        "\n"
        "the oak leads\n"
        "\n"
    )


@for_each("width", [40, 80])
def test_its_width_is_kept_and_its_characters_are_ascii_where_they_must_be(width):
    said = plain(list(report_lines(TREES, width, ascii_only=True)))
    assert max(map(len, said.splitlines())) <= width
    assert said.isascii()
    for words in ("age: in years", "rows of them  1", "the last", "plant elm"):
        assert words in said


def test_the_page_has_styles_and_scripts_for_what_is_on_it():
    html = write(TREES, "html")
    for shown in (
        "oak &lt;b&gt;",
        "<b>the oak</b>",
        "<summary>Every leaf",
        "<svg/>",
        'id="growth"',
    ):
        assert shown in html
    assert "Made with <code>gradbook trees</code>" in html
    assert "<script>" in html
    assert "<script>" not in write(Report("Trees", TREES.chapters[:1]), "html")


def test_a_notebook_needs_no_style():
    cell = report_cell(Report("", cell=TREES.chapters[0].blocks))
    assert "class=" not in cell
    assert "oak &lt;b&gt;" in cell


def test_programs_get_the_rows_by_their_keys_and_nothing_where_there_is_no_number():
    assert json.loads(write(TREES, "json"))["rows"] == [
        {"tree": "oak <b>", "height": 31, "age": None},
        {"tree": "elm", "height": 1200, "age": 7},
    ]
    assert list(csv.reader(write(TREES, "csv").splitlines()))[1] == ["oak <b>", "31", ""]
    record = json.loads(write(Report("", record={"a": (1.0, inf)}), "json"))
    assert record == {"a": [1.0, None]}


def test_of_very_long_words_the_first_lines_are_shown():
    long = Passage("word " * 60, indent=2, hang=4, most=2)
    lines = report_text(Report("", brief=[long]), 40).splitlines()
    assert len(lines) == 2
    assert lines[1].endswith(" ...")
