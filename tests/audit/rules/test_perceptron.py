"""Trainings by the perceptron rule are found, wherever their weights stand, and no others."""

import pytest

from gradbook.audit.formula.address import ACROSS, DOWN
from gradbook.audit.rules.perceptron import find_perceptrons
from gradbook.audit.workbook.flow import Flow
from gradbook.audit.workbook.read import read_book
from tests.audit.material.lookalikes import book as exercise_book
from tests.audit.material.perceptrons.small import COLUMNS, ROWS, edited
from tests.audit.material.small import all_at, at, small

# weights below each other, in a block a sample
BLOCKS = {
    "A2:A3": 1.0,
    "A8": 1.0,
    "A9": -1.0,
    "A14": -1.0,
    "A15": 1.0,
    "C2": 0.1,
    "C3": 0.2,
    "B5": 1.0,
    "B11": -1.0,
    "B17": -1.0,
    "C5": "=SIGN(A2*C2+A3*C3)",
    "C11": "=SIGN(A8*C8+A9*C9)",
    "C17": "=SIGN(A14*C14+A15*C15)",
    "C8:C9": "=C2+0.5*(B$5-C$5)*A2",
    "C14:C15": "=C8+0.5*(B$11-C$11)*A8",
    "C20:C21": "=C14+0.5*(B$17-C$17)*A14",
}


@pytest.mark.parametrize(
    ("areas", "axis", "steps", "weights"),
    [(ROWS, DOWN, 8, 3), (COLUMNS, ACROSS, 6, 2), (BLOCKS, None, 3, 2)],
    ids=["a row a sample", "a column a sample", "a block a sample"],
)
def test_the_steps_are_one_for_each_sample(areas, axis, steps, weights):
    (found,) = find_perceptrons(*small(areas))
    assert found.axis is axis
    assert [len(step.updates) for step in found.steps] == [weights] * steps


def test_steps_follow_each_other():
    (found,) = find_perceptrons(*small(ROWS))
    assert [step.first for step in found.steps] == list(all_at("D3:D10"))


def test_each_sheet_has_its_own():
    found = find_perceptrons(*small(ROWS, COLUMNS))
    assert [one.sheet for one in found] == [0, 1]


def test_an_update_without_the_form_belongs_to_its_row():
    (found,) = find_perceptrons(*small(edited(ROWS, {"E5": "=E4+7*I4^2"})))
    assert [len(step.updates) for step in found.steps] == [3] * 8


def test_a_weight_that_is_in_no_sum_is_one_all_the_same():
    (found,) = find_perceptrons(*small(edited(ROWS, {"G2:G9": "=A2*D2+B2*D2+F2"})))
    assert at("E3") in {update.cell for update in found.updates}


def test_the_cells_are_the_weights_and_all_that_updates_are_made_of():
    (found,) = find_perceptrons(*small(ROWS))
    assert found.cells == set(all_at("D2:F10")) | set(all_at("G2:I9"))


def test_descent_is_none(tmp_path):
    book = read_book(exercise_book(tmp_path / "book.xlsx"))
    assert find_perceptrons(book, Flow(book)) == []


def test_a_relu_or_a_clipped_value_is_no_step():
    areas = edited(ROWS, {"H2:H9": "=IF(G2>0,G2,0)"})
    assert find_perceptrons(*small(areas)) == []
