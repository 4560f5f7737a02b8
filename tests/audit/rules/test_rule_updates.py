"""Which cells go on from a weight, whichever way a condition goes."""

import pytest

from gradbook.audit.formula.pattern import CellReference
from gradbook.audit.rules.rule_form import bases, mentions_outside_conditions, rule_updates
from tests.audit.material.perceptrons.small import COLUMNS, ROWS
from tests.audit.material.small import all_at, at, small, small_book


@pytest.mark.parametrize(
    ("formula", "kept"),
    [
        ("=A1+B1*C1", ["A1"]),
        ("=A1-B1", ["A1"]),
        ("=A1+B1", ["A1", "B1"]),
        ("=SUM(A1,B1)", ["A1", "B1"]),
        ("=IF(B1=C1,A1,A1+B1*C1)", ["A1"]),
        ("=IF(B1=C1,A1,B1)", []),
        ("=A1", []),
        ("=A1*B1", []),
    ],
)
def test_a_formula_goes_on_from_what_it_keeps_either_way(formula, kept):
    pattern = small_book({"E5": formula}).patterns[at("E5")]
    assert [place.at(at("E5")) for place in bases(pattern)] == [at(name) for name in kept]


@pytest.mark.parametrize(
    ("formula", "mentioned"),
    [
        ("=IF(A1>0,B1,0.1*C1)", "B1 C1"),
        ("=E4+eta*(D1-SIGN(A1))*B1", "E4 D1 B1"),
        ("=(A1>=B1)*C1", "C1"),
        ("=IF(A1,1,0)", ""),
    ],
)
def test_what_is_followed_stands_in_no_condition(formula, mentioned):
    pattern = small_book({"E5": formula}).patterns[at("E5")]
    found = {
        place.at(at("E5"))
        for place in mentions_outside_conditions(pattern)
        if isinstance(place, CellReference)
    }
    assert found == {at(name) for name in mentioned.split()}


@pytest.mark.parametrize(("areas", "weights"), [(ROWS, "D3:F10"), (COLUMNS, "C5:H6")])
def test_the_updates_are_those_cells_whose_change_depends_on_them(areas, weights):
    book, flow = small(areas)
    updates = rule_updates(book, flow)
    assert {update.cell for update in updates} == set(all_at(weights))


def test_a_sum_of_errors_is_no_weight():
    book, flow = small({**ROWS, "L2": 0.0, "L3:L10": "=L2+ABS(I2)"})
    assert not {update.cell for update in rule_updates(book, flow)} & set(all_at("L3:L10"))


def test_what_no_step_leads_to_is_no_update_by_the_rule():
    descent = {"A1": 1.0, "A2:A5": "=A1-0.1*A1"}
    book, flow = small({**descent, "C1:C5": '=IF(A1>0.5,"large","small")'})
    assert not rule_updates(book, flow)
