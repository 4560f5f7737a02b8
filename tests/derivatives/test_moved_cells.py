"""The graph in which a workbook's numbers are moved has the book's values and derivatives."""

from __future__ import annotations

import pytest
import xlsxwriter

import gradbook as gb
from gradbook.cells.slopes import NoDerivative
from gradbook.derivatives.exploration import exploration_of
from gradbook.derivatives.moved_cells import MovedCells
from gradbook.graph.chain import gradients
from gradbook.graph.reference import evaluate


def book_of(path, *formulas, **numbers):
    """A sheet with numbers in column A, and formulas in column C."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Sheet")
        for cell, number in numbers.items():
            sheet.write(cell, number)
        for row, formula in enumerate(formulas):
            sheet.write_formula(row, 2, formula)
    return gb.read_book(path).derivatives(f"C{len(formulas)}")


def result_at(derivatives, **numbers):
    """The result, and its gradient by each number, where some are moved."""
    moved = MovedCells(derivatives.slopes)
    find = derivatives.slopes.book.reader.cell
    values = {cell: moved.value(cell) for cell in moved.inputs}
    home = derivatives.slopes.result
    values |= {find(name, home): float(value) for name, value in numbers.items()}
    leaves = [moved.nodes[cell] for cell in moved.inputs]
    result = moved.nodes[home]
    slopes = gradients(result, leaves)
    given = {moved.nodes[cell]: value for cell, value in values.items()}
    found = evaluate([result, *slopes.values()], given)
    return float(found[result]), {cell: float(found[slopes[moved.nodes[cell]]]) for cell in values}


def test_values_and_gradients_are_the_workbooks(tmp_path):
    derivatives = book_of(
        tmp_path / "deal.xlsx",
        "=(LN(A1/A2)+(A3+A4^2/2)*A5)/(A4*SQRT(A5))",
        "=C1-A4*SQRT(A5)",
        "=A1*NORMSDIST(C1)-A2*EXP(-A3*A5)*NORMSDIST(C2)-IF(A1>90,1,-A1)",
        A1=95,
        A2=100,
        A3=0.04,
        A4=0.3,
        A5=0.5,
    )
    value, slopes = result_at(derivatives)
    assert value == pytest.approx(derivatives.result.value or value, rel=1e-12)
    assert sorted(slopes.values()) == pytest.approx(sorted(derivatives.values()), rel=1e-12)


def test_a_number_that_only_decides_can_be_moved_and_has_its_cases(tmp_path):
    numbers = {"A1": 2, "A2": 10, "A3": 20, "A4": 40}
    derivatives = book_of(tmp_path / "choice.xlsx", "=CHOOSE(A1,A2,A3,A4)+1", **numbers)
    assert [result_at(derivatives, A1=k)[0] for k in (1, 2, 2.9, 3)] == [11, 21, 21, 41]


def test_a_table_is_looked_up_where_its_keys_are_as_they_move(tmp_path):
    table = {"A1": 0, "A2": 100, "A3": 250, "A5": 120}
    derivatives = book_of(
        tmp_path / "steps.xlsx", "=LOOKUP(A5*1,A1:A3)", "=C1+INDEX(A1:A3,MATCH(A5,A1:A3))", **table
    )
    for moved, expected in ((99, 0), (100, 200), (249.99, 200), (250, 500), (1e6, 500)):
        assert result_at(derivatives, A5=moved)[0] == expected
    assert result_at(derivatives, A2=130)[0] == 0  # 120 is below it then


def test_an_error_has_its_other_value(tmp_path):
    derivatives = book_of(tmp_path / "safe.xlsx", "=IFERROR(A1/A2,-1)", A1=6, A2=3)
    assert result_at(derivatives) == (2, {0: pytest.approx(1 / 3), 2**14: pytest.approx(-2 / 3)})


def test_what_a_page_cannot_follow_is_refused_with_its_cell(tmp_path):
    derivatives = book_of(
        tmp_path / "two.xlsx", "=A1*A2", "=INDEX(A1:B3,C1,A3)", A1=2, A2=1, A3=1, B2=7
    )
    with pytest.raises(NoDerivative, match=r"C2 can't be shown on a page: a position"):
        exploration_of(derivatives)
