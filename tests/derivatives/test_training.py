"""The sheet Training repeats a workbook's formulas in rows, one an epoch."""

from __future__ import annotations

from xml.dom.minidom import parseString

import pytest
from openpyxl import load_workbook

from gradbook.derivatives.sheets import write_derivatives
from gradbook.errors import LimitError
from tests.audit.material.copies import parts
from tests.derivatives.models import MODELS, slopes_in, written
from tests.derivatives.test_sheets import LISTED


def trained(path, result, weights, **options):
    slopes = slopes_in(path, result)
    learn = [slopes.book.reader.cell(weight, 0) for weight in weights]
    copy = path.with_name("trains.xlsx")
    write_derivatives(path, slopes, copy, learn=learn, **options)
    return copy


def test_formulas_say_in_a_row_what_the_workbook_says(tmp_path):
    path = written(tmp_path / "book.xlsx", MODELS["softmax"][0])
    copy = trained(path, "Softmax!L7", ["Softmax!A2", "Softmax!A3"], epochs=3, rate=0.1)
    sheet = load_workbook(copy)["Training"]
    named = {sheet.cell(7, k).value: sheet.cell(9, k).value for k in range(1, sheet.max_column)}
    assert named["weights A2"].startswith("=B8-$B$3*")
    assert named["z1 H2"] == "=MAX(0,Softmax!$E$2*B9+Softmax!$F$2*C9+Softmax!$A$5)"
    assert named["mean"].startswith("=AVERAGE(")
    assert sheet.max_row == 10
    assert {part.size["columns"] > 1 for part in sheet.merged_cells.ranges} == {True}


def test_a_value_at_a_computed_row_and_column_is_the_workbooks(tmp_path):
    def fill(workbook):
        sheet = workbook.add_worksheet("S")
        for row in (0, 1):
            sheet.write_row(row, 0, [10 * row + 1, 10 * row + 2, 10 * row + 3])
        sheet.write("E1", "=IF(A1>0,2.5,1)")  # INDEX takes the whole part
        sheet.write("F1", "=IF(B1>0,2,1)")
        sheet.write("G1", "=INDEX(A1:C2,E1,F1)^2")

    path = written(tmp_path / "book.xlsx", fill)
    copy = trained(path, "S!G1", ["S!A1", "S!B1"], epochs=1)
    row = [cell.value for cell in load_workbook(copy, data_only=True)["Training"][8]]
    assert row == [1, 1, 2, 2.5, 2, 12**2, 0, 0]


def test_only_sheets_and_their_chart_are_added(tmp_path):
    path = written(tmp_path / "book.xlsx", MODELS["matrices"][0])
    before, after = parts(path), parts(trained(path, "Net!G5", ["Net!A5", "Net!B10"]))
    assert {name for name, data in before.items() if after.get(name) != data} <= set(LISTED)
    for name in ("xl/charts/gradbook1.xml", "xl/drawings/gradbook1.xml"):
        parseString(after[name])


def test_what_no_row_can_say_is_refused_with_its_cell(tmp_path):
    def fill(workbook):
        sheet = workbook.add_worksheet("S")
        sheet.write_column("A1", [3, 1, 2])
        sheet.write("B1", "=LARGE(A1:A3,2)^2")

    path = written(tmp_path / "book.xlsx", fill)
    with pytest.raises(LimitError, match="^S!B1: its formula can't be written in one row"):
        trained(path, "S!B1", ["S!A1", "S!A2", "S!A3"])
    assert not (tmp_path / "trains.xlsx").exists()
