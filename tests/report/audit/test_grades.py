"""The table of grades: what a spreadsheet makes of it, whatever people call their files."""

from __future__ import annotations

import csv

import pytest

from gradbook.audit.classes.marks import score
from gradbook.audit.findings import UNREADABLE, BookReport
from gradbook.audit.workbook.book import Origin
from gradbook.errors import FORMULA_SIGNS
from gradbook.report.audit import grades_csv
from tests.outside.witness import read_values, recalculate
from tests.report.audit.test_page import CLASS


def rows(reports, out_of=None):
    text = grades_csv(reports, [score(report, out_of) for report in reports])
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


@pytest.mark.parametrize("sign", FORMULA_SIGNS)
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
