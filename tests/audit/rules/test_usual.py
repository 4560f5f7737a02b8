"""What most updates share is the rule of a sheet; those that depart are told apart by how."""

import pytest

from gradbook.audit.rules.perceptron import Trouble, Usual, UsualCell, find_perceptrons, most_common
from tests.audit.material.perceptrons.small import COLUMNS, ROWS, edited
from tests.audit.material.small import at, small


def usual(areas):
    (found,) = find_perceptrons(*small(areas))
    return Usual(found)


TROUBLES = {
    "no form": ({"D5": "=D4+I4*A4^2"}, Trouble.NO_FORM),
    "the other way": ({"D5": "=D4-$K$2*I4*A4"}, Trouble.OPPOSITE),
    "another rate": ({"D5": "=D4+0.7*I4*A4"}, Trouble.FACTOR),
    "another rate's cell": ({"D5": "=D4+$L$2*I4*A4", "L2": 0.1}, Trouble.RATE),
    "another row's target": ({"I4": "=C3-H4"}, Trouble.TARGET),
    "other levels": ({"H4": "=(G4>0)*3"}, Trouble.LEVELS),
    "a threshold": ({"H4": "=(G4>$L$2)*1", "L2": 0.1}, Trouble.THRESHOLD),
    "two steps back": ({"D5": "=D3+$K$2*I4*A4"}, Trouble.NO_FORM),
    "typed before": ({"D4": 0.3}, Trouble.PASTED),
}


def test_a_right_sheet_has_none():
    found = usual(ROWS)
    assert [found.troubles(step) for step in found.steps] == [{}] * 8


@pytest.mark.parametrize("case", TROUBLES)
def test_an_update_departs_in_its_own_way(case):
    cells, trouble = TROUBLES[case]
    found = usual(edited(ROWS, cells))
    step = next(step for step in found.steps if step.first in (at("D5"), at("E5")))
    troubles = {update.cell: what for update, what in found.troubles(step).items()}
    assert troubles[at("D5")] in (trouble, Trouble.NOT_CARRIED)
    assert trouble in troubles.values() or Trouble.NOT_CARRIED in troubles.values()


def test_the_rate_is_one_cell_or_none_or_one_a_row():
    assert usual(ROWS).rate == UsualCell(fixed=at("K2"))
    assert usual(COLUMNS).rate == UsualCell(is_none=True)
    moving = edited(ROWS, {"K2:K9": 0.1, "D3:D10": "=D2+K2*I2*A2"})
    moving = edited(moving, {"E3:E10": "=E2+K2*I2*B2", "F3:F10": "=F2+K2*I2"})
    assert usual(moving).rate.away is not None


def test_a_formula_tried_in_the_place_of_another_heals():
    found = usual(edited(ROWS, {"E5": "=E4+$K$2*I4*A4"}))
    step = next(step for step in found.steps if step.first == at("D5"))
    right = found.book.reader.read_typed("E4+$K$2*I4*B4", at("E5"))
    assert [update.cell for update in found.troubles(step)] == [at("E5")]
    assert found.troubles(step, {at("E5"): right}) == {}


def test_what_too_few_agree_on_is_nothing():
    assert most_common("aaab") == "a"
    assert most_common("aabb") is None
    assert most_common("") is None
