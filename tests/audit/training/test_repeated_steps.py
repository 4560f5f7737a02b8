"""For how many steps what is known of one holds: as far as columns go on with one formula."""

from __future__ import annotations

import pytest

from gradbook.audit.formula.address import ROW, Address, pack
from gradbook.audit.training.training import RepeatedSteps, SheetTraining, find_trainings
from gradbook.audit.workbook.flow import Flow
from tests.audit.material.made import Cells, Table
from tests.audit.material.tables import book_of

ROWS = 8
WEIGHT, GRADIENT, INPUT = range(3)


def cell(row: int, column: int) -> Address:
    return pack(0, row, column)


def training(change: Cells | None = None, gradient: str = "=2*A{row}*C{row}") -> SheetTraining:
    """A weight that goes down column A by its gradient in B, with an input in C."""
    cells: Cells = {(0, WEIGHT): 0.5}
    for row in range(ROWS):
        if row:
            cells[row, WEIGHT] = f"=A{row}-0.1*B{row}"
        cells[row, GRADIENT] = gradient.format(row=row + 1)
        cells[row, INPUT] = 0.3
    book = book_of(Table({"Sheet1": {**cells, **(change or {})}}))
    (found,) = find_trainings(book, Flow(book))
    return found


def repeated(of: SheetTraining) -> RepeatedSteps:
    """How far the first update goes on, and the gradient that it subtracts."""
    found = RepeatedSteps(of, {cell(0, WEIGHT): ROW, cell(1, WEIGHT): ROW}, ROWS - 1, {})
    found.follow([cell(1, WEIGHT), cell(0, GRADIENT)])
    return found


@pytest.mark.parametrize("gradient", ["=2*A{row}*C{row}", "=2*A{row}*$C$1", "=2*A{row}"])
def test_equal_rows_repeat_to_the_end(gradient):
    assert repeated(training(gradient=gradient)).steps == ROWS - 1


@pytest.mark.parametrize(
    "content", ["=3*A5*C5", "=2*A5*C4", 0.25], ids=["formula", "reference", "value"]
)
def test_a_row_that_differs_ends_it(content):
    assert repeated(training({(4, GRADIENT): content})).steps == 4


def test_an_update_that_differs_ends_it():
    assert repeated(training({(3, WEIGHT): "=A3+0.1*B3"})).steps == 2


def test_cells_are_as_far_away_as_their_formulas_say():
    found = repeated(training(gradient="=2*A{row}*$C$1"))
    assert found.away[cell(0, GRADIENT)] == ROW
    assert found.away[cell(0, INPUT)] == 0
    assert list(found.cells(cell(0, GRADIENT))) == [cell(row, GRADIENT) for row in range(ROWS - 1)]
    assert set(found.cells(cell(0, INPUT))) == {cell(0, INPUT)}


def test_an_answer_that_changes_ends_it():
    found = repeated(training())
    found.while_same(lambda at: at < cell(3, GRADIENT), cell(0, GRADIENT))
    assert found.steps == 3


def test_cells_that_come_to_be_the_same_are_not_told_apart():
    """Its second step takes for a constant what the first one takes for its own input."""
    assert repeated(training(gradient="=2*A{row}*C{row}*$C$2")).steps == 1
