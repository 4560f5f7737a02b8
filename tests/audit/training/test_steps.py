"""The cells of a step become nodes; what no weight leads to is a leaf."""

from __future__ import annotations

import pytest

from gradbook.audit.step.step_graph import StepGraph
from gradbook.audit.training.training_steps import (
    StepLoss,
    called_a_loss,
    candidates,
    group_steps,
    inside_of,
    is_cut,
    steps_of,
)
from gradbook.cells.formula.formula_values import LeadsBack, NotUnderstood
from tests.audit.material.small import all_at, at
from tests.audit.training.test_training import ONE, VELOCITY, the_training


def graph(changed=None, instead=()):
    training = the_training({**SQUARE, **(changed or {})})
    formulas = {at(cell): training.book.reader.read_typed(text, at(cell)) for cell, text in instead}
    return StepGraph(training, formulas)


def test_a_step_begins_at_its_weight_and_at_what_no_weight_leads_to():
    made = graph()
    made.node(at("C4"))
    assert set(made.leaf_cells.values()) == {at("A4"), at("G1")}
    assert made.leaves[at("A4")] in made.leaf_cells


def test_a_formula_that_is_no_part_of_the_step_is_a_leaf_too():
    made = graph({"G1": "=H1*2", "H1": 1.5})
    made.node(at("C4"))
    assert set(made.leaf_cells.values()) == {at("A4"), at("G1")}


def test_equal_formulas_are_one_node():
    made = graph({"D4": "=$G$1*A4^2"})
    assert made.node(at("D4")) is made.node(at("C4"))


def test_another_formula_can_be_tried_in_a_cell():
    plain, tried = graph(), graph(instead=[("B4", "3*A4")])
    assert str(plain.node(at("B4")).op.name) != "copy"
    assert tried.node(at("B4")).op.name == "copy"
    assert tried.node(at("B4")).inputs[0] is not plain.node(at("B4"))


def test_what_a_tried_formula_makes_depend_on_a_weight_is_worked():
    made = graph({"H4": "=I4+1", "I4": 2.0}, instead=[("I4", "A4")])
    made.node(at("H4"))
    assert at("A4") in made.leaves
    assert at("I4") not in made.leaves


def test_a_velocity_of_the_step_before_is_a_leaf():
    made = StepGraph(the_training(VELOCITY), {})
    made.node(at("C4"))
    assert set(made.leaf_cells.values()) == {at("C3"), at("A4")}


def test_a_cell_that_leads_back_to_itself_is_named():
    made = graph({"D4": "=A4+F4", "F4": "=D4"})
    with pytest.raises(LeadsBack, match=r"Sheet1!\w4"):
        made.node(at("D4"))


def test_a_text_where_a_number_belongs_is_not_understood_and_its_cell_is_named():
    made = graph({"D4": "=A4*H4", "H4": "much"})
    with pytest.raises(NotUnderstood, match=r"Sheet1!D4 has the text 'much'"):
        made.node(at("D4"))


def test_an_unknown_function_is_named_with_its_cell():
    made = graph({"D4": "=FROBNICATE(A4)"})
    with pytest.raises(NotUnderstood, match=r"Sheet1!D4"):
        made.node(at("D4"))


# The cell that is most likely the loss is asked first ----------------------------------


TABLE = {
    **ONE,
    "F1": "out",
    "F2:F8": "=A2*$K$1",
    "G1": "E1",
    "G2:G8": "=(F2-$K$2)^2",
    "H1": "penalty",
    "H2:H8": "=0.01*A2^2",
    "I1": "E_total",
    "I2:I8": "=G2+H2",
    "B2:B8": "=2*(F2-$K$2)*$K$1+0.02*A2",
    "K1": 0.7,
    "K2": 0.4,
}


def test_the_total_comes_before_its_parts_and_no_gradient_is_among_them():
    found = candidates(the_training(TABLE))
    assert found[0] == at("I2")
    assert set(found) == set(map(at, ("F2", "G2", "H2", "I2")))


def test_cells_are_called_losses_by_their_headings():
    training = the_training({**TABLE, "F1": "output", "H1": "J2"})
    assert [called_a_loss(training, at(f"{word}3")) for word in "FGHI"] == [
        False,
        True,
        True,
        True,
    ]


def test_what_is_inside_a_cell_ends_at_the_weights():
    training = the_training(TABLE)
    assert inside_of(training, at("F4")) == {at("F4"), at("A4"), at("K1")}
    assert inside_of(training, at("A4")) == {at("A4")}


def test_a_blank_on_the_way_cuts_a_cell_off():
    assert not is_cut(the_training(TABLE), at("I2"))
    assert is_cut(the_training({**TABLE, "G2:G8": "=(F2-Z2)^2"}), at("I2"))


def test_a_cell_that_repeats_the_loss_names_it():
    training = the_training({**TABLE, "I1": "", "M1": "loss", "M2:M8": "=I2"})
    assert candidates(training)[0] == at("I2")
    assert not {*all_at("M2:M8")} & set(candidates(training))


# Steps that say the same of other cells are gathered, and the others stand apart -------


SQUARE = {**ONE, "B2:B8": "=2*A2*$G$1", "C1": "E", "C2:C8": "=$G$1*A2^2", "G1": 3.0}


def steps(changed, loss="C2:C8"):
    training = the_training({**SQUARE, **changed})
    return training, steps_of(training, [StepLoss((cell,)) for cell in all_at(loss)])


def test_a_step_is_its_weights_its_loss_and_its_claims():
    _, found = steps({})
    assert [step.number for step in found] == list(range(7))
    assert found[2].weights == (at("A4"),)
    assert found[2].loss == StepLoss((at("C4"),))
    assert found[2].claims[0][0].owner == at("B4")


def test_the_last_row_claims_what_the_row_before_it_claims():
    _, found = steps({})
    assert found[-1].claims[0][0].owner == at("B8")
    _, without = steps({"B8": "=EXP(2)"})
    assert without[-1].claims[0][0].owner == at("B8")
    _, blank = steps({"B8": ""})
    assert blank[-1].claims == ((),)


def test_of_a_weight_whose_column_has_ended_nothing_is_claimed():
    second = {"D2": 2.0, "D3:D5": "=D2-$E$1*F2", "F2:F8": "=2*D2*$G$1", "C2:C8": "=A2^2+D2^2"}
    _, found = steps(second)
    assert [len(step.claims[1]) for step in found] == [1, 1, 1, 1, 0, 0, 0]
    assert [step.weights[1] is None for step in found] == [False] * 4 + [True] * 3


def test_equal_rows_are_one_group_whose_cells_share_an_order():
    training, found = steps({})
    (group,) = group_steps(training, found)
    assert [step.number for step in group] == list(range(7))
    first, last = group[0].cells, group[-1].cells
    assert first.index(at("C2")) == last.index(at("C8"))
    assert first.index(at("G1")) == last.index(at("G1"))


def test_a_row_with_another_gradient_is_a_group_of_its_own():
    training, found = steps({"B5": "=3*A5*$G$1"})
    groups = sorted(group_steps(training, found), key=len)
    assert [[step.number for step in group] for group in groups] == [[3], [0, 1, 2, 4, 5, 6]]


def test_a_row_with_a_pasted_loss_is_a_group_of_its_own():
    training, found = steps({"C5": 0.75})
    assert sorted(map(len, group_steps(training, found))) == [1, 6]


def test_a_step_without_a_loss_is_none():
    training = the_training(SQUARE)
    assert [
        s.number for s in steps_of(training, [StepLoss((at("C2"),)), None, StepLoss((at("C4"),))])
    ] == [0, 2]
