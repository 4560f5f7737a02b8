"""Trainings by the perceptron rule are held to it, in its own words, with the root cause first."""

from __future__ import annotations

import pytest

from tests.audit.material.perceptrons.small import COLUMNS, ROWS, checked, edited

pytestmark = pytest.mark.filterwarnings("ignore:Unknown sheet name")

MISTAKES = {
    "the input of another weight": (
        ROWS,
        {"E3:E10": "=E2+$K$2*I2*A2"},
        ("E3:E10", "wrong reference", "=E2+$K$2*I2*B2", ("w2",)),
    ),
    "subtracted": (
        ROWS,
        {"F3:F10": "=F2-$K$2*I2"},
        ("F3:F10", "wrong operator", "=F2+$K$2*I2", ("b",)),
    ),
    "the error turned round": (
        ROWS,
        {"I2:I9": "=H2-C2"},
        ("I2:I9", "wrong order", "=C2-H2", ("w1", "w2", "b")),
    ),
    "a rate that drifts": (
        ROWS,
        {"D3:D10": "=D2+K2*I2*A2"},
        ("D4:D10", "drifting rate", "=D3+$K$2*I3*A3", ("w1",)),
    ),
    "a step that falls": (
        ROWS,
        {"H2:H9": "=(G2<0)*1"},
        ("H2:H9", "wrong operator", "=(G2>0)*1", ("w1", "w2", "b")),
    ),
    "an output that is typed": (
        ROWS,
        {"H5": 1.0},
        ("H5", "pasted value", "=(G5>0)*1", ("w1", "w2", "b")),
    ),
    "a weight that is typed": (
        ROWS,
        {"E6": 0.5},
        ("E6", "pasted value", "=E5+$K$2*I5*B5", ("w2",)),
    ),
    "a weight of two steps before": (
        ROWS,
        {"D7": "=D5+$K$2*I6*A6"},
        ("D7", "another row", "=D6+$K$2*I6*A6", ("w1",)),
    ),
    "a weight twice in the sum": (
        ROWS,
        {"G2:G9": "=A2*D2+B2*D2+F2"},
        ("G2:G9", "wrong reference", "=A2*D2+B2*E2+F2", ("w1", "w2")),
    ),
    "the last row, which leaves no weights": (
        edited(ROWS, {"D10": None, "E10": None, "F10": None}),
        {"I2:I9": "=H2-C2"},
        ("I2:I9", "wrong order", "=C2-H2", ("w1", "w2", "b")),
    ),
    "across, the input of another weight": (
        COLUMNS,
        {"C6:H6": "=IF(B4=B3,B6,B6+0.25*(B3-B4)*B1)"},
        ("C6:H6", "wrong reference", "=IF(B4=B3,B6,B6+0.25*(B3-B4)*B2)", ("w2",)),
    ),
    "across, another typed rate": (
        COLUMNS,
        {"E5": "=IF(D4=D3,D5,D5+0.5*(D3-D4)*D1)"},
        ("E5", "departing row", "=IF(D4=D3,D5,D5+0.25*(D3-D4)*D1)", ("w1",)),
    ),
}


@pytest.mark.parametrize("areas", [ROWS, COLUMNS], ids=["down", "across"])
def test_a_right_training_is_named_and_right(tmp_path, areas):
    report = checked(tmp_path / "book.xlsx", areas)
    (sheet,) = report.sheets
    assert (report.verdict, sheet.rule, sheet.findings) == ("right", "perceptron", ())
    assert "by the perceptron rule" in str(report)


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_found_where_it_is_made_and_its_repair_makes_the_book_right(tmp_path, case):
    areas, cells, (where, kind, expected, weights) = MISTAKES[case]
    spoilt = edited(areas, cells)
    (finding,) = checked(tmp_path / "book.xlsx", spoilt).findings
    assert (finding.cells, finding.kind, finding.expected) == (where, kind, expected)
    assert (finding.spoils or (finding.weight,)) == weights
    again = checked(tmp_path / "again.xlsx", edited(spoilt, finding.fixes))
    assert (again.verdict, again.findings) == ("right", ())


def test_two_mistakes_are_two_findings(tmp_path):
    cells = {"E3:E10": "=E2+$K$2*I2*A2", "F3:F10": "=F2-$K$2*I2"}
    findings = checked(tmp_path / "book.xlsx", edited(ROWS, cells)).findings
    assert {f.cells for f in findings} == {"E3:E10", "F3:F10"}


def test_each_sheet_is_judged(tmp_path):
    wrong = edited(ROWS, {"F3:F10": "=F2-$K$2*I2"})
    report = checked(tmp_path / "book.xlsx", ROWS, COLUMNS, wrong)
    assert [sheet.verdict for sheet in report.sheets] == ["right", "right", "wrong"]


def test_what_nobody_can_put_right_is_said_to_be_wrong(tmp_path):
    cells = {"D3:D10": "=D2+SIN(I2)*A2^3"}
    (finding,) = checked(tmp_path / "book.xlsx", edited(ROWS, cells)).findings
    assert (finding.cells, finding.kind, finding.expected) == ("D3:D10", "wrong formula", "")
    assert "the perceptron rule moves w1 by η·(t − y)" in finding.why
