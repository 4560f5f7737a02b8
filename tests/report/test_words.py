"""Lines fold at words and keep their colours."""

from __future__ import annotations

import csv

from hypothesis import given
from hypothesis import strategies as st

from gradbook.report.media import comma_separated, markdown_table
from gradbook.report.styled_text import (
    Span,
    TableColumn,
    TextTable,
    fit,
    fold,
    keep_together,
    plain,
)
from gradbook.report.terminal import table_lines
from tests.cases import for_each

HEAD = [Span("Z33:Z100: ", "yellow"), Span("the chain to w3 goes through a_h2")]
WORDS = st.lists(st.text("abc-/", min_size=1, max_size=12), min_size=1, max_size=20)


def test_a_folded_line_keeps_its_colours_and_its_edges():
    assert list(fold(HEAD, 24, 2, 4)) == [
        [Span("  "), Span("Z33:Z100: ", "yellow"), Span("the chain to")],
        [Span("    "), Span("w3 goes through a_h2")],
    ]


def test_a_colour_may_go_on_in_the_next_line():
    inked = [Span("one two three four", "cyan"), Span(" five")]
    lines = list(fold(inked, 20))
    assert [piece for line in lines for piece in line] == [
        Span("one two three four", "cyan"),
        Span("five"),
    ]


@given(words=WORDS, width=st.integers(20, 60))
def test_no_word_is_lost_or_cut(words, width):
    lines = plain(list(fold(" ".join(words), width))).splitlines()
    assert " ".join(lines).split() == words
    assert all(len(line) <= width or " " not in line for line in lines)


def test_what_is_stuck_together_stays_in_one_line():
    assert plain(list(fold(f"after all these long {keep_together('4.2 s')}", 24))) == (
        "after all these long\n4.2 s\n"
    )


def test_nothing_is_no_line():
    assert list(fold("", 40)) == []


# Tables -----------------------------------------------------------------------


SMALL = TextTable(
    (
        TableColumn("layer", "layer", words=True),
        TableColumn("bytes", "bytes", spare=1),
        TableColumn("numbers", "numbers", spare=2),
    ),
    (("a|b", 12, None), ("dense", 1234567, 3)),
    ("total", 1234579, 3),
)


def table_text(table):
    return plain(list(table_lines(table, 1000)))


def test_words_stand_left_and_numbers_right_with_marked_thousands():
    assert table_text(SMALL) == (
        "layer      bytes  numbers\n"
        "─────────────────────────\n"
        "a|b           12\n"
        "dense  1,234,567        3\n"
        "─────────────────────────\n"
        "total  1,234,579        3\n"
    )


def test_a_table_without_a_total_ends_with_its_rows():
    assert table_text(TextTable(SMALL.columns, SMALL.rows)).endswith("dense  1,234,567        3\n")


@for_each(
    ("width", "left_out"),
    [(25, ()), (24, ("numbers",)), (16, ("numbers",)), (15, ("bytes", "numbers")), (1, None)],
)
def test_columns_that_can_be_spared_go_where_the_width_is_short(width, left_out):
    table, gone = fit(SMALL, width)
    assert gone == (("bytes", "numbers") if left_out is None else left_out)
    if left_out is not None:
        assert max(map(len, table_text(table).splitlines())) <= width


def test_markdown_escapes_bars_and_bolds_the_total():
    assert markdown_table(SMALL) == (
        "| layer | bytes | numbers |\n"
        "| :-- | --: | --: |\n"
        "| a\\|b | 12 |  |\n"
        "| dense | 1,234,567 | 3 |\n"
        "| **total** | **1,234,579** | **3** |\n"
    )


def test_csv_has_plain_numbers_and_no_total():
    rows = list(csv.reader(comma_separated(SMALL).splitlines()))
    assert rows == [["layer", "bytes", "numbers"], ["a|b", "12", ""], ["dense", "1234567", "3"]]


GROUPED = TextTable(
    (
        TableColumn("epoch", "epoch", width=5),
        TableColumn("loss", "a", width=8, group="training"),
        TableColumn("right", "b", width=8, group="training"),
        TableColumn("right", "c", group="validation"),
    )
)


def test_what_columns_have_in_common_stands_over_them():
    groups, titles, rule = plain(list(GROUPED.heading("-"))).splitlines()
    assert groups == "       ---- training ----  validation"
    assert titles == "epoch      loss     right       right"
    assert rule == "-" * GROUPED.width == "-" * 37


def test_notes_stand_beside_the_rows_or_beneath_them():
    notes = ([Span("good", "green"), Span(": it learns")], [Span("")])
    table = TextTable(SMALL.columns, SMALL.rows, notes=notes, note_title="why")
    beside = plain(list(table.lines_with_notes(80))).splitlines()
    assert beside[:2] == [
        "layer      bytes  numbers  why",
        "a|b           12           good: it learns",
    ]
    beneath = plain(list(table.lines_with_notes(40))).splitlines()
    assert beneath[:3] == ["layer      bytes  numbers", "a|b           12", "    good: it learns"]
    assert len(beneath) == 4


def test_a_column_may_have_an_ink_and_a_row_another():
    table = TextTable((TableColumn("name", words=True, ink="cyan"), TableColumn("n")), (("a", 1),))
    assert table.line(("a", "1")) == [Span("a   ", "cyan"), Span("  1")]
    assert {piece.colour for piece in table.line(("a", "1"), "bold") if piece.text.strip()} == {
        "bold"
    }
