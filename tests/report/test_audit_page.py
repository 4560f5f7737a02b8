"""The page about one or many books: what it says, and that nobody's words can change it."""

from __future__ import annotations

import re

import pytest

from gradbook.audit.findings import (
    NO_NETWORK,
    RIGHT,
    UNREADABLE,
    WRONG,
    BookReport,
    Finding,
    LossCurves,
    SheetReport,
)
from gradbook.report.audit import audit_lines
from gradbook.report.audit_page import audit_page
from gradbook.report.styled_text import plain
from tests.cases import for_each
from tests.outside.witness import console_messages, page_text
from tests.tags import Tags

EVIL = "<script>alert('x')</script>\"'&\x1b[31m\u202e" + "n" * 2000
FINDING = Finding(
    kind="wrong reference",
    quantity="∂E/∂w3",
    weight="w3",
    cells="Z33:Z100",
    formula="=(R33-A33)*J33*C33",
    expected="=(R33-A33)*L33*C33",
    why="J33 is a_h1; the chain to w3 goes through a_h2, so L33",
    relative_error=0.00025,
    fixes={"Z33": "=(R33-A33)*L33*C33"},
)
SHEET = SheetReport(
    "Sheet1",
    WRONG,
    loss="V33",
    rate="G31",
    weights=("w1", "w3"),
    rows=(33, 100),
    findings=(FINDING,),
    curve=LossCurves((0.5, 0.3, 0.2), (0.5, 0.25, 0.1)),
)
WRONG_BOOK = BookReport("class/ada.xlsx", WRONG, (SHEET,), fingerprint="1")
CLASS = [
    WRONG_BOOK,
    BookReport("class/bob.xlsx", WRONG, (SHEET,), fingerprint="1"),
    BookReport("class/eve.xlsx", RIGHT, (SheetReport("Sheet1", RIGHT, "V3", "G1", ("w1",)),)),
    BookReport("class/tom.xlsx", UNREADABLE, problem="it is encrypted"),
    BookReport("class/zoe.xlsx", NO_NETWORK),
]


def hostile():
    finding = Finding(
        "wrong reference", EVIL, EVIL, EVIL, EVIL, EVIL + "1", EVIL, 1.0, EVIL, {EVIL: EVIL}
    )
    sheet = SheetReport(EVIL, WRONG, EVIL, EVIL, (EVIL,), (1, 2), (finding,), (EVIL,), SHEET.curve)
    return [BookReport(f"../../{k}{EVIL}", WRONG, (sheet,), EVIL, "1") for k in range(2)]


def test_a_finding_is_told_with_the_change_marked():
    html = audit_page([WRONG_BOOK])
    assert "Z33:Z100" in html
    assert "off by 0.025 %" in html
    for cell in ("J33", "L33"):
        formula = f"<code>=(R33-A33)*</code><code><mark>{cell}</mark></code><code>*C33</code>"
        assert formula in html


def test_the_loss_is_drawn_as_made_and_as_corrected():
    html = audit_page([WRONG_BOOK])
    assert html.count('class="curve ') == 2
    assert "after 2 updates: 0.2 <b" in html


def test_a_class_is_told_who_is_right_and_what_is_shared():
    html = audit_page(CLASS)
    assert "5 workbooks: 1 right, 2 wrong, 1 no network, 1 unreadable" in html
    assert "2 of 5 workbooks" in html
    assert "Identical files" in html
    assert "it is encrypted" in html
    for link in re.findall(r'href="#([^"]+)"', html):
        assert f'id="{link}"' in html


def test_of_very_many_books_the_worst_are_in_the_table(monkeypatch):
    monkeypatch.setattr("gradbook.report.audit_page.MOST_BOOKS", 4)
    monkeypatch.setattr("gradbook.report.audit_page.MOST_ROWS", 2)
    html = audit_page(CLASS)
    assert "5 workbooks: 1 right, 2 wrong, 1 no network, 1 unreadable" in html
    table = html.partition('<table class="books">')[2].partition("</table>")[0]
    assert table.count("<tr") == 1 + 2
    assert "it is encrypted" in html
    assert "-o FILE.csv writes one row per workbook" in html
    assert 'href="#book' not in html


def test_a_class_of_strangers_shares_nothing():
    html = audit_page([WRONG_BOOK, *CLASS[2:]])
    assert "Shared mistakes" not in html
    assert "Identical files" not in html


def test_hostile_words_stay_words_on_the_page():
    html = audit_page(hostile())
    page = Tags()
    page.feed(html)
    assert html.count("<script") == 1  # the page's own
    assert not any(name.startswith(("on", "style")) for name in page.attributes)
    assert "\x1b" not in html
    assert "\u202e" not in html


def test_hostile_words_cannot_reach_the_terminal():
    said = plain(list(audit_lines(hostile(), 80)))
    assert "\x1b" not in said
    assert "\u202e" not in said


@pytest.mark.witness("chromium")
@for_each("reports", [CLASS, hostile()], ids=["class", "hostile"])
def test_a_browser_has_nothing_to_complain_of(reports, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(audit_page(reports), encoding="utf-8")
    assert console_messages(path) == []
    assert "Shared mistakes" in page_text(path)
