"""Tables of a page: which cells are headings, which stand left, what is escaped."""

from __future__ import annotations

import re

import pytest

from gradbook.report.document import Report
from gradbook.report.markup import markup, report_cell
from gradbook.report.page import bar, table
from gradbook.report.words import TableColumn, TextTable

SHOWN = TextTable(
    (TableColumn("<a>", words=True), TableColumn("n")), (("x & y", 1200),), ("all", 1)
)


def test_rows_may_begin_with_their_heading_and_words_stand_left():
    assert table(("a", "b"), [("x", "1")], words=(0,), headed=True).splitlines() == [
        "<table>",
        '<thead><tr><th scope="col" class="words">a</th><th scope="col">b</th></tr></thead>',
        "<tbody>",
        '<tr><th scope="row" class="words">x</th><td>1</td></tr>',
        "</tbody>",
        "</table>",
    ]


def test_tables_and_rows_may_be_of_a_kind():
    html = table((), [("1",), ("2",)], kind="runs", row_kinds=("", "best"))
    assert html.count("class=") == 2
    assert '<tr class="best"><td>2</td></tr>' in html
    assert "<thead>" not in html


def test_words_are_escaped_numbers_spelled_and_a_total_stands_below():
    html = markup([SHOWN])
    assert "&lt;a&gt;" in html
    assert '<td class="words">x &amp; y</td><td>1,200</td>' in html
    assert '<tfoot><tr><td class="words">all</td><td>1</td></tr></tfoot>' in html


def test_a_notebook_knows_no_classes():
    assert "class=" not in report_cell(Report("", cell=[SHOWN]))


@pytest.mark.parametrize(
    ("share", "right", "drawn"),
    [(0.25, False, (None, 25)), (0.25, True, (75, 25)), (0, False, (None, 0))],
)
def test_a_bar_is_as_long_as_its_share(share, right, drawn):
    html = bar(share, "good", at_the_right=right)
    found = re.search(r'<rect(?: x="([^"]*)")? width="([^"]*)"', html).groups()
    assert tuple(part and float(part) for part in found) == drawn
