"""Cells recalculated are worth what their formulas say."""

from __future__ import annotations

from math import isclose, isnan

import xlsxwriter

from gradbook.cells.evaluate import Evaluation
from gradbook.cells.flow import Flow
from gradbook.cells.read import read_book
from gradbook.net import builtin
from gradbook.report.workbook import write_workbook
from tests.audit.material.lookalikes import book, letter
from tests.audit.material.small import at, small
from tests.cases import for_each


@for_each("name", ["worked", "mazur"])
def test_every_cell_is_worth_what_our_own_workbook_says(name, tmp_path):
    path = write_workbook(builtin(name), tmp_path / "book.xlsx", epochs=5).path
    read = read_book(path)
    numbers = Evaluation(read, Flow(read))
    checked = 0
    for cell in read.patterns:
        said = read.values.get(cell)
        found = numbers.value(cell)
        if isinstance(said, float) and not isnan(found):
            assert isclose(found, said, rel_tol=1e-9, abs_tol=1e-300), read.name_of(cell)
            checked += 1
    assert checked > 200


def test_a_circle_and_an_unknown_function_have_no_value(tmp_path):
    path = book(tmp_path / "book.xlsx", {"E1": "=FOURIER({t1})", "h1": "={a_h1}*2"})
    read = read_book(path)
    numbers = Evaluation(read, Flow(read))
    for name in ("E1", "E_total", "h1", "a_h1"):
        cell = next(c for c in read.patterns if read.name_of(c).endswith(f"!{letter(name)}6"))
        assert isnan(numbers.value(cell))


@for_each(
    ("formula", "values"),
    [
        ("=SUM(A$1:A1)", [1, 3, 6, 10]),
        ("=SUM(A1:A$4)", [10, 9, 7, 4]),
        ("=A1*$A$1+A1", [2, 4, 6, 8]),
        ("=A1/A$2", [0.5, 1, 1.5, 2]),
        ("=A1*A$1", [1, 2, 3, 4]),
    ],
)
def test_a_formula_is_computed_anew_where_its_copies_meet_other_cells(formula, values):
    numbers = {f"A{k}": float(k) for k in range(1, 5)}
    book, flow = small({**numbers, "B1:B4": formula})
    evaluation = Evaluation(book, flow)
    assert [evaluation.value(at(f"B{k}")) for k in range(1, 5)] == values


def test_a_copy_whose_references_leave_the_sheet_has_no_value():
    book, _ = small({"A1:A2": 1.0, "C1": "=A1+1"})
    book.patterns[at("A2")] = book.patterns[at("C1")]
    evaluation = Evaluation(book, Flow(book))
    assert evaluation.value(at("C1")) == 2
    assert isnan(evaluation.value(at("A2")))


def test_cells_are_nudged_to_other_numbers():
    book, flow = small(
        {"A1": 2.0, "A2": 3.0, "B1": "=A1*A2", "B2": "=B1+A2", "C1": "=FOURIER(A1)+B2"}
    )
    book.values[at("C1")] = 50.0
    assert Evaluation(book, flow, numbers={at("A1"): 4.0}).value(at("B2")) == 15
    assert Evaluation(book, flow, numbers={at("B1"): 10.0}).value(at("B2")) == 13
    assert isnan(Evaluation(book, flow, numbers={at("A2"): 4.0}).value(at("C1")))


def test_with_numbers_an_unknown_function_keeps_the_value_that_is_shown():
    book, flow = small({"A1": 2.0, "A2": 3.0, "B1": "=FOURIER(A1)", "B2": "=B1+A2"})
    book.values[at("B1")] = 50.0
    assert Evaluation(book, flow, numbers={at("A2"): 4.0}).value(at("B2")) == 54
    assert isnan(Evaluation(book, flow).value(at("B2")))


def test_a_chain_of_100_000_formulas_has_a_value():
    count = 100_000
    book, flow = small({"A1": 1.0, f"A2:A{count}": "=A1*0.99999+1"})
    assert Evaluation(book, flow).value(at(f"A{count}")) > 50_000


def test_an_error_takes_the_other_branch_but_an_unknown_function_does_not():
    table = {"A1": 0.0, "B1": "=1/A1", "C1": "=IFERROR(B1,7)", "B2": "=FOURIER(A1)"}
    book, flow = small({**table, "C2": "=IFERROR(B2,7)", "C3": "=IFERROR(FOURIER(1),7)"})
    evaluation = Evaluation(book, flow)
    assert evaluation.value(at("C1")) == 7
    assert isnan(evaluation.value(at("C2")))
    assert isnan(evaluation.value(at("C3")))


def test_each_cell_of_an_array_formula_shows_its_own_element(tmp_path):
    path = tmp_path / "arrays.xlsx"
    with xlsxwriter.Workbook(path) as written:
        sheet = written.add_worksheet("S")
        kinds = ["car", "bus", "car"], ["new", "old", "old"]
        for row, (what, age, number) in enumerate(zip(*kinds, (2, 3, 5), strict=True)):
            sheet.write_row(row, 0, [what, age, number, number**2])
        sheet.write("H1", 2)
        sheet.write_array_formula("E1:E3", "{=C1:C3*SUMIFS(D1:D3,A1:A3,A1:A3,B1:B3,B1:B3)}")
        sheet.write_array_formula("F1:F3", "{=INDEX(C1:D3,,H1)}")
        sheet.write_array_formula("G1:G3", "{=CHOOSE(H1,C1:C3,D1:D3)+ROW(C1:C3)}")
        sheet.write_array_formula("E5:G5", "{=TRANSPOSE(C1:C3)*INDEX(C1:D3,H1,1)}")
        sheet.write_array_formula("E6:F6", "{=INDEX(C1:D3,2,H2)}")  # H2 is blank: the whole row
    read = read_book(path)
    cells = Evaluation(read, Flow(read))

    def numbers(*names):
        return [cells.value(read.reader.cell(f"S!{name}", 0)) for name in names]

    assert numbers("E1", "E2", "E3") == [8, 27, 125]
    assert numbers("F1", "F2", "F3") == [4, 9, 25]
    assert numbers("G1", "G2", "G3") == [5, 11, 28]
    assert numbers("E5", "F5", "G5") == [6, 9, 15]
    assert numbers("E6", "F6") == [3, 9]
