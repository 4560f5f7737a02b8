"""The cells of a step become nodes; what no weight leads to is a leaf."""

from __future__ import annotations

import pytest

from gradbook.audit.formula.meaning import LeadsBack, NotUnderstood
from gradbook.audit.training.steps import StepGraph
from tests.audit.material.small import at
from tests.audit.training.test_steps import SQUARE
from tests.audit.training.test_training import VELOCITY, the_training


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
