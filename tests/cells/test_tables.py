"""References by the names of tables and columns mean cells, as Excel says that they do."""

from __future__ import annotations

from xlsxwriter import Workbook

from gradbook.audit.check_book import check
from gradbook.cells.declared_tables import SheetTable, without_tables
from gradbook.cells.read import read_book
from tests.audit.material.small import at
from tests.cases import for_each

TABLE = SheetTable(0, "'My work'", 1, 1, 9, 1, 1, ("w1", "∂e/∂w1", "a [b]"))  # B2:D10


@for_each(
    ("formula", "plain"),
    [
        ("t[[#This Row],[w1]]*2", "B4*2"),
        ("t[[#This Row],[w1]:[a '[b']]]", "B4:D4"),
        ("SUM(T[w1])-t[∂E/∂w1]", "SUM($B$3:$B$9)-$C$3:$C$9"),
        ("t[[#Headers],[w1]]&t[[#Totals],[w1]]", "$B$2&$B$10"),
        ("ROWS(t[#All])+ROWS(t[])", "ROWS($B$2:$D$10)+ROWS($B$3:$D$9)"),
        ('"t[w1]"&t[#This Row]', '"t[w1]"&B4:D4'),
        ("t[[#Headers],[#Data],[w1]]", "$B$2:$B$9"),
        ("t[@w1]*2", "B4*2"),  # as Excel shows it, and other programs save it
        ("t[@[w1]:[a '[b']]]+t[@]", "B4:D4+B4:D4"),
        ("t[w2]", "t[w2]"),  # no such column
        ("other[w1]", "other[w1]"),
        ("t[[#This Row],[w1]", "t[[#This Row],[w1]"),
    ],
)
def test_a_name_means_cells(formula, plain):
    assert without_tables(formula, at("F4"), {"t": TABLE}) == plain


def test_a_formula_in_a_table_needs_not_name_it():
    assert without_tables("[@w1]+1", at("C5"), {"t": TABLE}) == "B5+1"
    assert without_tables("[@w1]+1", at("F5"), {"t": TABLE}) == "[@w1]+1"  # beside it


def test_another_sheet_is_named_and_another_row_is_none():
    tables = {"t": SheetTable(1, "'My work'", 1, 1, 9, 1, 0, ("w1",))}
    assert without_tables("SUM(t[w1])", at("F4"), tables) == "SUM('My work'!$B$3:$B$10)"
    assert without_tables("t[[#This Row],[w1]]", at("F40"), tables) == "t[[#This Row],[w1]]"


@for_each("sign", "-+")
def test_a_training_by_a_table_is_judged(tmp_path, sign):
    path = tmp_path / "book.xlsx"
    headers = ["w", "E", "dw"]
    with Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write_row("F1", ["η", 0.1])
        sheet.add_table("A3:C12", {"name": "t", "columns": [{"header": h} for h in headers]})
        for row in range(3, 12):
            before = f"A{row}-$G$1*C{row}"
            sheet.write(row, 0, 3.0) if row == 3 else sheet.write_formula(row, 0, before)
            sheet.write_formula(row, 1, "=(t[[#This Row],[w]]-1)^2")
            sheet.write_formula(row, 2, f"=2*(t[[#This Row],[w]]{sign}1)")
    assert read_book(path).content(at("B5")) == "=(t[[#This Row],[w]]-1)^2"
    report = check(path)
    assert report.verdict == ("right" if sign == "-" else "wrong")
    assert [f.cells for f in report.findings] == (["C4:C12"] if sign == "+" else [])
