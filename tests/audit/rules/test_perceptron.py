"""Trainings by the perceptron rule are found, wherever their weights stand, and no others."""

from __future__ import annotations

from gradbook.audit.rules.perceptron import find_perceptrons, most_common
from gradbook.audit.rules.perceptron_updates import bases, rule_updates
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import ACROSS, DOWN
from gradbook.cells.read import read_book
from tests.audit.material.lookalikes import book as exercise_book
from tests.audit.material.perceptrons.small import COLUMNS, ROWS, edited
from tests.audit.material.small import all_at, at, small, small_book
from tests.cases import for_each

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


@for_each(
    ("areas", "axis", "steps", "weights"),
    [(ROWS, DOWN, 8, 3), (COLUMNS, ACROSS, 6, 2), (BLOCKS, None, 3, 2)],
    ids=["a row a sample", "a column a sample", "a block a sample"],
)
def test_the_steps_are_one_for_each_sample(areas, axis, steps, weights):
    (found,) = find_perceptrons(*small(areas))
    assert found.axis is axis
    assert [len(step) for step in found.steps] == [weights] * steps


def test_steps_follow_each_other():
    (found,) = find_perceptrons(*small(ROWS))
    assert [step[0].cell for step in found.steps] == list(all_at("D3:D10"))


def test_each_sheet_has_its_own():
    found = find_perceptrons(*small(ROWS, COLUMNS))
    assert [one.sheet for one in found] == [0, 1]


def test_an_update_without_the_form_belongs_to_its_row():
    (found,) = find_perceptrons(*small(edited(ROWS, {"E5": "=E4+7*I4^2"})))
    assert [len(step) for step in found.steps] == [3] * 8


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


# What most updates share is the rule of a sheet ----------------------------------------


def usual(areas):
    (found,) = find_perceptrons(*small(areas))
    return found


TROUBLES = {
    "no form": {"D5": "=D4+I4*A4^2"},
    "the other way": {"D5": "=D4-$K$2*I4*A4"},
    "another rate": {"D5": "=D4+0.7*I4*A4"},
    "another rate's cell": {"D5": "=D4+$L$2*I4*A4", "L2": 0.1},
    "another row's target": {"I4": "=C3-H4"},
    "other levels": {"H4": "=(G4>0)*3"},
    "a threshold": {"H4": "=(G4>$L$2)*1", "L2": 0.1},
    "two steps back": {"D5": "=D3+$K$2*I4*A4"},
}


def wrong(found):
    """The updates of each step that aren't what the rule says."""
    return [{update.cell for update in found.wrong(step)} for step in found.steps]


def test_a_right_sheet_has_none():
    assert wrong(usual(ROWS)) == [set()] * 8


@for_each("case", TROUBLES)
def test_an_update_departs_in_its_own_way(case):
    assert at("D5") in wrong(usual(edited(ROWS, TROUBLES[case])))[2]


@for_each(
    ("name", "before"),
    [("D4", "D3"), ("D3", "D2"), ("E10", "E9")],
    ids=["between", "first", "last"],
)
def test_a_weight_that_is_typed_is_known_and_no_fault_of_the_update_after(name, before):
    found = usual(edited(ROWS, {name: 0.3}))
    typed = [update for update in found.updates if update.cell == at(name)]
    assert [update.base for update in typed] == [at(before)]
    assert set().union(*wrong(found)) == {at(name)}


def test_the_rate_is_one_cell_or_none_or_one_a_row():
    assert usual(ROWS).rate == at("K2")
    assert (usual(COLUMNS).rate, usual(COLUMNS).rates) == (None, frozenset())
    moving = edited(ROWS, {"K2:K9": 0.1, "D3:D10": "=D2+K2*I2*A2"})
    moving = edited(moving, {"E3:E10": "=E2+K2*I2*B2", "F3:F10": "=F2+K2*I2"})
    assert (usual(moving).rate, usual(moving).rates) == (None, None)
    assert wrong(usual(moving)) == [set()] * 8


def test_a_formula_tried_in_the_place_of_another_heals():
    found = usual(edited(ROWS, {"E5": "=E4+$K$2*I4*A4"}))
    step = next(step for step in found.steps if step[0].cell == at("D5"))
    right = found.book.reader.read_typed("E4+$K$2*I4*B4", at("E5"))
    assert [update.cell for update in found.wrong(step)] == [at("E5")]
    assert found.wrong(step, {at("E5"): right}) == set()


def test_what_too_few_agree_on_is_nothing():
    assert most_common("aaab") == "a"
    assert most_common("aabb") is None
    assert most_common("") is None


# Which cells go on from a weight -------------------------------------------------------


@for_each(
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


@for_each(("areas", "weights"), [(ROWS, "D3:F10"), (COLUMNS, "C5:H6")])
def test_the_updates_are_those_cells_whose_change_depends_on_them(areas, weights):
    book, flow = small(areas)
    updates = rule_updates(book, flow)
    assert {update.cell for update in updates} == set(all_at(weights))


def test_a_sum_of_errors_is_no_weight():
    book, flow = small({**ROWS, "L2": 0.0, "L3:L10": "=L2+ABS(I2)"})
    assert not {update.cell for update in rule_updates(book, flow)} & set(all_at("L3:L10"))


@for_each(
    "sums",
    [
        {"L2:M2": "=D2", "L3:M9": "=L2+D3"},
        {"L2:N9": "=$K$2*$I2*A2", "D3:E10": "=D2+L2", "O2:P2": "=D2", "O3:P9": "=O2+D3"}
        | {"C2:C9": "=IF(A2+B2>1.5,1,0)", "N2:N9": "=$K$2*I2", "F3:F10": "=F2+N2"},
    ],
)
def test_a_running_sum_of_a_weight_is_none(sums):
    """The averaged perceptron adds up its weights, beginning with the first."""
    book, flow = small(edited(ROWS, sums))
    assert {u.cell for u in rule_updates(book, flow)} == {*all_at("D3:F10")}


def test_what_no_step_leads_to_is_no_update_by_the_rule():
    descent = {"A1": 1.0, "A2:A5": "=A1-0.1*A1"}
    book, flow = small({**descent, "C1:C5": '=IF(A1>0.5,"large","small")'})
    assert not rule_updates(book, flow)
