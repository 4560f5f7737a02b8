"""Tables in which every gradient was pasted, and tables that are nothing but pasted numbers."""

from __future__ import annotations

import pytest
from xlsxwriter import Workbook

from gradbook.audit.check import check
from gradbook.audit.formula.address import column_of, row_of, sheet_of
from gradbook.audit.training.no_training import with_pasted_gradients
from gradbook.audit.training.training import find_trainings
from gradbook.audit.workbook.evaluate import fill_in
from gradbook.audit.workbook.flow import Flow
from gradbook.audit.workbook.read import read_book
from gradbook.report.audit import audit_text
from tests.audit.material.lookalikes import HEADINGS, ROWS, TOP, book, cells, letter
from tests.audit.material.small import small

GRADIENTS = [name for name in HEADINGS if name.startswith("∂")]


@pytest.fixture
def values(tmp_path):
    """What a right book computes, by its cells."""
    right = read_book(book(tmp_path / "right.xlsx"))
    fill_in(right, Flow(right))
    return {(row_of(cell), column_of(cell)): value for cell, value in right.values.items()}


def pasted(values, *names):
    """The values of these columns, as `book` wants them."""
    return {
        (name, k): values[TOP + 1 + k, HEADINGS.index(name) + 1]
        for name in names
        for k in range(ROWS)
    }


def test_a_table_whose_gradients_are_all_numbers_is_frozen_and_told_the_formulas(tmp_path, values):
    report = check(book(tmp_path / "book.xlsx", special=pasted(values, *GRADIENTS)))
    assert report.verdict == "frozen"
    assert [(f.quantity, f.cells) for f in report.findings] == [(n, cells(n)) for n in GRADIENTS]
    fixes = {cell for f in report.findings for cell in f.fixes}
    assert f"{letter('∂E/∂w1')}{TOP + 2}" in fixes


def test_a_live_sheet_beside_it_does_not_hide_it(tmp_path, values):
    path = book(tmp_path / "book.xlsx")
    wide = book(tmp_path / "pasted.xlsx", special=pasted(values, *GRADIENTS), dressed=live(path))
    report = check(wide)
    assert report.verdict == "frozen"
    assert {f.sheet for f in report.findings} == {"Sheet1"}
    assert {s.sheet: s.verdict for s in report.sheets} == {"Live": "right", "Sheet1": "frozen"}


def live(path):
    """Another sheet as it stands in a book."""

    def dress(workbook: Workbook) -> None:
        made, sheet = read_book(path), workbook.add_worksheet("Live")
        for cell in {**made.values, **made.patterns}:
            if sheet_of(cell) == 0:
                content = made.formula(cell) or made.values[cell]
                sheet.write(row_of(cell), column_of(cell), content)

    return dress


def test_a_sheet_of_numbers_beside_a_live_one_is_told_as_frozen(tmp_path, values):
    def dress(workbook: Workbook) -> None:
        sheet = workbook.add_worksheet("Old")
        for place, value in values.items():
            sheet.write(*place, value)

    report = check(book(tmp_path / "book.xlsx", dressed=dress))
    assert [(s.sheet, s.verdict) for s in report.sheets] == [("Sheet1", "right"), ("Old", "frozen")]
    assert "replaced by their values" in audit_text(report)


def test_one_pasted_column_is_a_mistake_and_no_frozen_table(tmp_path, values):
    report = check(book(tmp_path / "book.xlsx", special=pasted(values, "∂E/∂w3")))
    assert report.verdict == "wrong"


@pytest.mark.parametrize(
    "table",
    [
        {"A1": "balance", "B1": "paid", "A2": 9.0, "A3:A8": "=A2-B2", "D2:D8": "=A2*2"},
        {"A1": "w1", "B1": "∂E/∂w1", "A2": 9.0, "A3:A8": "=A2-B2"},
    ],
    ids=["other words", "nothing uses it"],
)
def test_running_totals_are_no_weights(table):
    numbers = {f"B{row}": row / 7 for row in range(2, 9)}
    twice = {f"{chr(ord(cell[0]) + 8)}{cell[1:]}": x for cell, x in {**table, **numbers}.items()}
    made, flow = small({**table, **numbers, **{c: x for c, x in twice.items() if ":" not in c}})
    assert with_pasted_gradients(made, flow, find_trainings(made, flow)) == []
