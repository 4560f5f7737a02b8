"""What the terminal says of books."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import pytest

from gradbook.audit.classes.scoring import Rubric, score
from gradbook.audit.findings import (
    FROZEN,
    NO_NETWORK,
    RIGHT,
    STALE,
    TO_FILL_IN,
    UNFINISHED,
    UNREADABLE,
    WRONG,
    BookReport,
    Finding,
    LossCurves,
    SheetReport,
)
from gradbook.audit.origin import Origin
from gradbook.cells.formula.expression import Edit, EditKind
from gradbook.cells.formula.syntax import Reference
from gradbook.errors import FORMULA_SIGNS
from gradbook.report.audit import audit_lines, grades_csv
from gradbook.report.findings import (
    MOST_FINDINGS,
    few_ranges,
    learning,
    repetition,
    shown_sheets,
    spoilt,
    verdict_words,
)
from gradbook.report.styled_text import plain
from tests.cases import for_each
from tests.outside.witness import read_values, recalculate
from tests.report.test_audit_page import CLASS

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
        "    change     replace J33 by L33",
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


@for_each(
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
    assert "2 workbooks: 1 wrong, 1 no network" in shown


@for_each("width", [40, 80, 120])
def test_words_keep_to_the_width(width):
    wordy = replace(FINDING, why="because " * 30, formula="", expected="")
    report = BookReport("ada.xlsx", WRONG, (replace(SHEET, findings=(wordy,)),))
    assert all(len(line) <= width for line in said(report, width=width)[1:-1])


def test_a_very_long_formula_is_cut():
    long = replace(FINDING, formula="=" + "A1+" * 3000)
    shown = said(BookReport("ada.xlsx", WRONG, (replace(SHEET, findings=(long,)),)))
    assert max(map(len, shown)) < 250


@for_each(
    ("made", "corrected", "words"),
    [
        ((1.0, 0.5), (1.0, 0.6), "0.6 corrected: higher, yet it falls with every update"),
        ((1.0, 0.7, 0.5), (1.0, 0.5, 0.6), "0.6 corrected: higher, yet lower than at first"),
        ((1.0, 0.5), (1.0, 1.5), "1.5 corrected: higher than at first, for the rate is too high"),
        ((1.0, 0.7, 0.5), (1.0, math.nan, math.nan), "it is not a number from update 1 on"),
        ((1.0, math.nan), (1.0, 0.5), "not a number as made, 0.5 corrected"),
        ((1.0, 0.5), (1.0, 0.4), "0.5 as made, 0.4 corrected"),
    ],
)
def test_a_corrected_loss_that_is_no_better_is_not_passed_over(made, corrected, words):
    said = learning(LossCurves(made, corrected))
    assert words in said
    assert "nan corrected" not in said


def test_a_corrected_loss_is_another_one():
    assert learning(LossCurves((1, 0.5), (3, 2), is_other_loss=True)).endswith(
        "since the loss itself is corrected"
    )


def test_the_gradients_that_are_counted_are_placed():
    right = SheetReport("1", RIGHT, "A1", "B1", ("w1", "w2"), (2, 9))
    three = replace(right, sheet="3", weights=("w1", "w2", "w3"))

    def where(*sheets: SheetReport) -> str:
        return verdict_words(BookReport("a", RIGHT, sheets)).partition("checked")[2]

    assert where(right) == " (rows 2 to 9)"
    assert where(replace(right, rows=(2, 2))) == " (row 2)"
    assert where(replace(right, columns=("C", "F"))) == " (columns C to F)"
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


# Which findings are shown -----------------------------------------------------


EDIT = Edit(EditKind.REFERENCE, ((0,),), Reference("a_h1"), Reference("a_h2"))
ONE = Finding(
    "wrong reference", "∂E/∂w3", "w3", "Z3:Z9", "=J3", "=L3", "why", edits=(EDIT.description,)
)


def sheet(title: str, *findings: Finding) -> SheetReport:
    return SheetReport(title, WRONG, findings=tuple(replace(f, sheet=title) for f in findings))


def many(count: int) -> list[Finding]:
    return [replace(ONE, quantity=f"∂E/∂w{k}", weight=f"w{k}") for k in range(count)]


def test_of_a_sheet_five_findings_are_shown_and_the_others_counted():
    few, other = shown_sheets([sheet("A", *many(12)), sheet("B", ONE)], everything=False)
    assert (len(few.findings), few.left_out) == (MOST_FINDINGS, 12 - MOST_FINDINGS)
    assert other.left_out == 0


def test_all_tables_of_a_sheet_share_the_five():
    tables = shown_sheets([sheet("A", *many(4)), sheet("A", *many(12)[4:])], everything=False)
    assert [len(table.findings) for table in tables] == [4, 1]


def test_one_mistake_on_several_sheets_is_shown_once_with_its_other_places():
    sheets = [sheet(str(k), replace(ONE, cells=f"Z{k}:Z9")) for k in range(1, 7)]
    first, *others = shown_sheets(sheets, everything=False)
    assert [other.findings for other in others] == [[]] * 5
    (found,) = first.findings
    assert repetition(found) == "the same in 2!Z2:Z9, 3!Z3:Z9, 4!Z4:Z9 and 2 more places"


def test_what_is_asked_for_in_full_is_not_folded():
    sheets = [sheet(str(k), *many(9)) for k in range(3)]
    assert [len(s.findings) for s in shown_sheets(sheets, everything=True)] == [9, 9, 9]


@for_each("other", [{"quantity": "∂E/∂w4"}, {"kind": "swapped references"}])
def test_another_mistake_is_no_repetition(other):
    two = list(shown_sheets([sheet("A", ONE), sheet("B", replace(ONE, **other))], everything=False))
    assert [len(s.findings) for s in two] == [1, 1]


def test_a_mistake_of_weights_that_only_their_cells_tell_apart_is_one():
    alike = [
        replace(ONE, quantity=f"∂E/∂w[V{k}]", weight=f"w[V{k}]", cells=f"V{k}", formula=f"=2*T{k}")
        for k in (5, 6, 7)
    ]
    (found,) = shown_sheets([sheet("A", *alike)], everything=False)
    assert [repetition(f) for f in found.findings] == ["the same in V6, V7"]


def test_copies_of_a_wrong_formula_are_one_mistake_though_nothing_says_how_to_mend_it():
    plain = replace(ONE, edits=(), formula="=J3*$A$1", cells="Z3")
    alike = [plain, replace(plain, formula="=J4*$A$1", cells="Z4")]
    other = replace(plain, formula="=J9*$A$1", cells="Z5")
    (found,) = shown_sheets([sheet("A", *alike, other)], everything=False)
    assert [repetition(f) for f in found.findings] == ["the same in Z4", ""]


def test_the_same_mistake_on_each_step_s_sheet_is_one():
    plain = replace(ONE, edits=(), cells="D14")
    alike = [
        sheet(
            f"it{k}", replace(plain, sheet=f"it{k}", formula=f"=it{k - 1}!D14+rate*it{k - 1}!C32")
        )
        for k in (2, 3, 4)
    ]
    first, *others = shown_sheets(alike, everything=False)
    assert [repetition(found) for found in first.findings] == ["the same in it3!D14, it4!D14"]
    assert [other.findings for other in others] == [[], []]


def test_of_many_ranges_a_few_are_named():
    assert few_ranges("A1,B1:B9,C1") == "A1,B1:B9,C1"
    assert few_ranges("A1,B1:B9,C1,D1,E1") == "A1, B1:B9, C1 and 2 more ranges"


def test_root_causes_stand_first_and_old_values_last_and_together():
    stale = [replace(ONE, kind=STALE, quantity=f"h{k}", edits=()) for k in range(9)]
    root = replace(ONE, quantity="δ", spoils=("w1", "w2"))
    (found,) = shown_sheets([sheet("A", *stale, *many(2), root)], everything=False)
    assert [s.finding.quantity for s in found.findings] == ["δ", "∂E/∂w0", "∂E/∂w1", "h0"]
    assert repetition(found.findings[-1]).endswith("and 5 more places")


def test_a_finding_says_which_gradients_it_makes_wrong():
    assert spoilt(replace(ONE, spoils=("w3", "w4"))) == "makes ∂E/∂w4 wrong"
    assert spoilt(ONE) == ""
    assert spoilt(replace(ONE, spoils=tuple(f"v{k}" for k in range(10)))).endswith("2 more wrong")


# The table of grades ----------------------------------------------------------


def rows(reports, out_of=None):
    text = grades_csv(reports, [score(report, Rubric(out_of)) for report in reports])
    return list(csv.DictReader(text.removeprefix("\ufeff").splitlines()))


def test_a_row_for_each_book_in_its_order():
    found = rows(CLASS)
    assert [row["file"] for row in found] == [report.book for report in CLASS]
    assert [row["points"] for row in found] == ["1", "1", "1", "", ""]
    assert [row["right"] for row in found] == ["1", "1", "1", "", ""]
    assert [row["of"] for row in found] == ["2", "2", "1", "", ""]
    assert [row["verdict"] for row in found] == [report.verdict for report in CLASS]
    assert found[0]["first finding"].startswith("Z33:Z100 (∂E/∂w3): J33 is a_h1")
    assert found[3]["first finding"] == "it is encrypted"


def test_points_are_out_of_what_is_asked_for():
    assert [row["points"] for row in rows(CLASS, 20)] == ["10", "10", "20", "", ""]


@for_each("sign", FORMULA_SIGNS)
def test_no_name_is_a_formula(sign):
    evil = f"{sign}cmd|' /C calc'!A0"
    report = BookReport(evil, UNREADABLE, problem=evil, origin=Origin(student=evil))
    (row,) = rows([report])
    for column in ("file", "student", "first finding"):
        assert row[column].startswith(("'", "\\")), "what begins with a sign of a formula"


@pytest.mark.witness("libreoffice")
def test_a_spreadsheet_shows_names_as_words(tmp_path):
    evil = "=1+1"
    report = BookReport(evil, UNREADABLE, problem="none", origin=Origin(student="@SUM(1)"))
    path = tmp_path / "grades.csv"
    path.write_text(grades_csv([report], [score(report)]), encoding="utf-8")
    (cells,) = read_values(recalculate(path, tmp_path / "again")).values()
    assert [cells["A2"], cells["B2"]] == ["'=1+1", "'@SUM(1)"]
