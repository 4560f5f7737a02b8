"""What is found in the rows that were looked at is told of all that repeat them, and marked and
corrected there; what wasn't looked at is told."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from math import exp
from pathlib import Path

import pytest
from openpyxl import load_workbook

from gradbook.audit.check_book import check
from gradbook.audit.copies.annotate import annotate
from gradbook.audit.copies.correct import correct
from gradbook.audit.findings import BookReport, record_of
from gradbook.cells import sheet_rows as limits
from gradbook.report.audit_page import audit_page
from tests.audit.material.long_tables import LATER, STEP, table
from tests.cases import for_each
from tests.outside.witness import read_values, recalculate

ROWS = 400
WRONG = "=({y}-{t})*{y}*(1-{y})*{h}"  # for a
Checked = Callable[..., BookReport]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "book.xlsx"


@pytest.fixture
def checked(path, monkeypatch) -> Checked:
    monkeypatch.setattr(limits, "KEPT_ANYWAY", 200)

    def check_table(spoilt: dict[int, dict[str, str]] | None = None) -> BookReport:
        return check(table(path, ROWS, spoilt))

    return check_table


@pytest.fixture
def all_wrong(checked) -> BookReport:
    return checked({row: {"g2": WRONG} for row in range(2, ROWS + 2)})


def test_a_right_table_is_right_to_its_end(checked):
    report = checked()
    (sheet,) = report.sheets
    assert (report.verdict, sheet.rows) == ("right", (2, ROWS + 1))
    assert report.notes == ()


def test_rows_that_repeat_others_are_said_to_be_examined_where_something_is_wrong(all_wrong):
    (note,) = all_wrong.notes
    assert note.startswith("examined together with the rows above that they repeat: Sheet1 rows ")
    assert note.endswith(f" to {ROWS + 1}")


def test_a_mistake_is_told_of_every_row(all_wrong):
    (finding,) = all_wrong.findings
    assert (finding.cells, finding.weight) == (f"K2:K{ROWS + 1}", "w2")
    assert len(finding.fixes) == ROWS
    assert finding.fixes["K333"] == "=(H333-B333)*H333*(1-H333)*F333"


def test_the_marked_copy_marks_every_row(all_wrong, path):
    sheet = load_workbook(BytesIO(annotate(path, all_wrong))).active
    fills = {sheet[f"K{row}"].fill.fgColor.rgb for row in range(2, ROWS + 2)}
    assert len(fills) == 1
    assert fills != {sheet["J333"].fill.fgColor.rgb}
    assert "F333" in sheet["K333"].comment.text


def test_the_weights_after_the_last_update_are_judged_with_the_others(checked):
    blank = dict.fromkeys(STEP.keys() - LATER.keys(), "")
    assert checked({ROWS + 1: blank}).verdict == "right"
    other = {"w2": "={w2'}-0.5*{g1'}"}
    late = dict.fromkeys(range(3, ROWS + 1), LATER | other) | {ROWS + 1: blank | LATER | other}
    (finding,) = checked(late).findings
    assert finding.cells == f"D3:D{ROWS + 1}"
    assert finding.fixes[f"D{ROWS + 1}"] == f"=D{ROWS}-0.5*K{ROWS}"


@pytest.mark.witness("libreoffice")
def test_the_corrected_copy_is_right_in_every_row(all_wrong, path, tmp_path):
    copy = tmp_path / "fixed.xlsx"
    copy.write_bytes(correct(path, all_wrong).content)
    assert check(copy).verdict == "right"
    sheet = read_values(recalculate(copy, tmp_path / "again"))["Sheet1"]
    w1, w2 = 0.15, 0.4
    for row in range(2, ROWS + 2):
        a = 1 / (1 + exp(-w1 * 0.5))
        y = 1 / (1 + exp(-w2 * a))
        g1 = (y - 0.01) * y * (1 - y) * w2 * a * (1 - a) * 0.5
        g2 = (y - 0.01) * y * (1 - y) * a
        assert sheet[f"K{row}"] == pytest.approx(g2, rel=1e-9)
        w1, w2 = w1 - 0.5 * g1, w2 - 0.5 * g2


@for_each(
    ("column", "formula", "right"),
    [
        ("K", WRONG, "=(H333-B333)*H333*(1-H333)*F333"),
        ("H", "=1/(1+EXP(-{h}))", "=1/(1+EXP(-G333))"),
        ("C", "={w1'}+0.5*{g1'}", "=C332-0.5*J332"),
    ],
)
def test_a_mistake_in_one_late_row_is_found_in_that_row(checked, path, column, formula, right):
    name = list(STEP)[ord(column) - ord("A")]
    report = checked({333: {name: formula}})
    (finding,) = report.findings
    assert (report.verdict, finding.cells, finding.expected) == ("wrong", f"{column}333", right)
    assert finding.fixes == {f"{column}333": right}
    assert f"{column}333" in finding.why
    path.write_bytes(correct(path, report).content)
    assert check(path).verdict == "right"


def test_a_late_row_that_only_looks_otherwise_is_right(checked):
    assert checked({333: {"g2": "=(1-{y})*({y}-{t})*{a}*{y}"}}).verdict == "right"


def test_mistakes_in_several_late_rows_are_told_apart(checked):
    report = checked({300: {"g2": WRONG}, 320: {"g1": "={h}*{x}"}})
    assert {finding.cells for finding in report.findings} == {"K300", "J320"}


def test_what_was_not_looked_at_makes_no_book_right(checked, monkeypatch):
    monkeypatch.setattr(limits, "MOST_KEPT", 700)
    report = checked({row: {"g2": f"{STEP['g2']}+0*{row}"} for row in range(3, ROWS)})
    assert not report.findings
    assert report.verdict == "unfinished"
    assert report.notes[-1].startswith("not examined further: Sheet1 from row ")


def test_the_notes_are_in_the_report_the_page_and_the_json(checked, monkeypatch):
    monkeypatch.setattr(limits, "MOST_KEPT", 700)
    report = checked({row: {"g2": f"{STEP['g2']}+0*{row}"} for row in range(3, ROWS)})
    *_, note = report.notes
    assert record_of(report)["notes"] == list(report.notes)
    assert note in audit_page([report])
    assert note.split()[-1] in str(report)
