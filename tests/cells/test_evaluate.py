"""Cells recalculated are worth what their formulas say."""

from __future__ import annotations

from math import isclose, isnan

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
    found = Evaluation(book, flow)
    assert [found.value(at(f"B{k}")) for k in range(1, 5)] == values


def test_a_copy_whose_references_leave_the_sheet_has_no_value():
    book, _ = small({"A1:A2": 1.0, "C1": "=A1+1"})
    book.patterns[at("A2")] = book.patterns[at("C1")]
    found = Evaluation(book, Flow(book))
    assert found.value(at("C1")) == 2
    assert isnan(found.value(at("A2")))
