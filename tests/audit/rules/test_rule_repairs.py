"""The likeliest repair heals most and harms nothing; what is usual comes before any edit."""

from gradbook.audit.rules.perceptron import Usual, find_perceptrons
from gradbook.audit.rules.perceptron_findings import RepairSearch
from tests.audit.material.perceptrons.small import ROWS, edited
from tests.audit.material.small import at, small


def search(cells, first="D5"):
    (found,) = find_perceptrons(*small(edited(ROWS, cells)))
    step = next(step for step in found.steps if step.first == at(first))
    return RepairSearch(Usual(found), step, {})


def best(cells, first="D5"):
    searched = search(cells, first)
    return searched.best(list(searched.before))


def test_one_row_gets_what_the_rest_of_its_line_has():
    repair = best({"I4": "=C4*H4"})
    assert (repair.cell, repair.right.text, repair.edit) == (at("I4"), "C4-H4", None)
    assert len(repair.updates) == 3


def test_a_whole_line_gets_the_smallest_edit():
    repair = best({"E3:E10": "=E2+$K$2*I2*A2"})
    assert (repair.cell, repair.right.text) == (at("E5"), "E4+$K$2*I4*B4")


def test_the_cell_that_several_updates_are_made_of_is_to_blame():
    repair = best({"I2:I9": "=H2-C2"})
    assert (repair.cell, len(repair.updates)) == (at("I4"), 3)


def test_a_change_that_nobody_uses_any_more_is_among_what_is_tried():
    changes = {"L2:L9": "=$K$2*I2*A2", "M2:M9": "=$K$2*I2*B2", "N2:N9": "=$K$2*I2"}
    weights = {"D3:D10": "=D2+L2", "E3:E10": "=E2+L2", "F3:F10": "=F2+N2"}
    repair = best({**changes, **weights})
    assert (repair.cell, repair.right.text) == (at("E5"), "E4+M4")


def test_a_typed_weight_goes_on_from_what_the_step_before_left():
    searched = search({"E5": 0.5}, "D6")
    (update,) = searched.before
    assert searched.formula_of_typed_weight(update).text == "E4+$K$2*I4*B4"


def test_nothing_is_found_where_nothing_small_helps():
    assert best({"D3:D10": "=D2+SIN(I2)*A2^3"}) is None
