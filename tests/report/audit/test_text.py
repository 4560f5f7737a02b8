"""What the terminal says of books."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from gradbook.audit.findings import (
    FROZEN,
    NO_NETWORK,
    RIGHT,
    TO_FILL_IN,
    UNFINISHED,
    UNREADABLE,
    WRONG,
    BookReport,
    Finding,
    LossCurves,
    SheetReport,
)
from gradbook.report.audit import audit_lines, learning, verdict_words
from gradbook.report.words import plain

FINDING = Finding(
    kind="wrong reference",
    quantity="∂E/∂w3",
    weight="w3",
    cells="Z33:Z100",
    formula="=J33*C33",
    expected="=L33*C33",
    why="J33 is a_h1; the chain to w3 goes through a_h2, so L33",
    relative_error=0.00025,
)
SHEET = SheetReport(
    "One",
    WRONG,
    "V33",
    "G31",
    ("w1", "w3"),
    (33, 100),
    (FINDING,),
    curve=LossCurves((1, 0.5), (1, 0.4)),
)
BLANK = SheetReport(
    "Two",
    UNFINISHED,
    weights=("w1",),
    findings=(Finding(TO_FILL_IN, "∂E/∂w1", "w1", "B2:B9,B12:B19", "", "", "still blank"),),
)


def said(*reports: BookReport, width: int = 100) -> list[str]:
    return plain(list(audit_lines(reports, width))).splitlines()


def test_a_book_is_a_line_and_then_its_findings():
    assert said(BookReport("ada.xlsx", WRONG, (SHEET,))) == [
        "ada.xlsx: wrong: 1 finding, 1 of 2 gradients right (rows 33 to 100)",
        "  Z33:Z100 (∂E/∂w3): J33 is a_h1; the chain to w3 goes through a_h2, so L33",
        "    off by 0.025 %",
        "    found      =J33*C33",
        "    should be  =L33*C33",
        "  loss after 1 update: 0.5 as made, 0.4 corrected",
    ]


def test_a_report_that_is_printed_is_the_same_without_colours():
    report = BookReport("ada.xlsx", WRONG, (SHEET,))
    assert str(report).splitlines() == said(report, width=80)


def test_what_is_to_be_filled_in_is_one_line_a_sheet():
    assert said(BookReport("ada.xlsx", UNFINISHED, (BLANK,))) == [
        "ada.xlsx: unfinished: 1 to fill in, 0 of 1 gradient right",
        "  still to be filled in: ∂E/∂w1 in B2:B9 and 1 more range",
    ]


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (BookReport("a", RIGHT, (SheetReport("1", RIGHT, "A1", "B1", ("w1",)),)), ", 1 gradient"),
        (BookReport("a", NO_NETWORK), ": no loss and no weight"),
        (BookReport("a", UNREADABLE, problem="it is\nencrypted"), ": it is\\nencrypted"),
        (BookReport("a", FROZEN, (SheetReport("1", FROZEN, notes=("only values",)),)), ": only va"),
    ],
    ids=["right", "no network", "unreadable", "frozen"],
)
def test_every_verdict_has_its_half_line(report, words):
    assert verdict_words(report).startswith(words)
    assert "\n" not in verdict_words(report)


def test_several_sheets_are_told_apart_and_counted():
    report = BookReport("ada.xlsx", WRONG, (SHEET, BLANK))
    shown = said(report, BookReport("bob.xlsx", NO_NETWORK))
    assert "  One" in shown
    assert "  Two" in shown
    assert "2 books: 1 wrong, 1 no network" in shown


@pytest.mark.parametrize("width", [40, 80, 120])
def test_words_keep_to_the_width(width):
    wordy = replace(FINDING, why="because " * 30, formula="", expected="")
    report = BookReport("ada.xlsx", WRONG, (replace(SHEET, findings=(wordy,)),))
    assert all(len(line) <= width for line in said(report, width=width)[1:-1])


def test_a_very_long_formula_is_cut():
    long = replace(FINDING, formula="=" + "A1+" * 3000)
    shown = said(BookReport("ada.xlsx", WRONG, (replace(SHEET, findings=(long,)),)))
    assert max(map(len, shown)) < 250


@pytest.mark.parametrize(
    ("made", "corrected", "words"),
    [
        ((1.0, 0.5), (1.0, 0.6), "0.6 corrected: higher, for a wrong step may lead further down"),
        ((1.0, 0.5), (1.0, 1.5), "1.5 corrected: higher than it was at first"),
        ((1.0, 0.7, 0.5), (1.0, math.nan, math.nan), "it is no number from update 1 on"),
        ((1.0, math.nan), (1.0, 0.5), "nan as made, 0.5 corrected"),
        ((1.0, 0.5), (1.0, 0.4), "0.5 as made, 0.4 corrected"),
    ],
)
def test_a_corrected_loss_that_is_no_better_is_not_passed_over(made, corrected, words):
    said = learning(LossCurves(made, corrected))
    assert words in said
    assert "nan corrected" not in said


def test_the_gradients_that_are_counted_are_placed():
    right = SheetReport("1", RIGHT, "A1", "B1", ("w1", "w2"), (2, 9))
    three = replace(right, sheet="3", weights=("w1", "w2", "w3"))

    def where(*sheets: SheetReport) -> str:
        return verdict_words(BookReport("a", RIGHT, sheets)).partition("checked")[2]

    assert where(right) == " (rows 2 to 9)"
    assert where(right, replace(right, sheet="2")) == " (2 on each of 2 sheets)"
    assert where(right, right) == " (2 on each of 2 tables)"
    assert where(right, three) == ""


def test_two_losses_are_told_apart_however_close():
    assert "0.50000001 as made, 0.50000002 c" in learning(
        LossCurves((1, 0.50000001), (1, 0.50000002))
    )


def test_findings_of_one_training_on_several_sheets_say_on_which():
    steps = [replace(FINDING, sheet=name, cells="B8") for name in ("One", "Step 2")]
    report = BookReport("ada.xlsx", WRONG, (replace(SHEET, findings=tuple(steps)),))
    heads = [line.split(" (")[0].strip() for line in said(report)]
    assert [head for head in heads if head.endswith("B8")] == ["One!B8", "Step 2!B8"]
