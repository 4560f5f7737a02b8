"""The value of a formula is put together from the values of its pieces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradbook.audit.edits.formula_edits import (
    EDITS,
    Substitute,
    Substitutes,
    constants,
    edits_that_give,
    pairs,
)
from gradbook.audit.formulas.sampled_formulas import EvaluatedFormula, combine
from gradbook.cells.formula.expression import EditKind
from gradbook.cells.formula.syntax import Call, Reference, read, write
from tests.cases import for_each

GIVEN = np.array([0.5, 2.0])


def value(text):
    part = read(text)
    return combine(part, [GIVEN.copy() for _ in range(len(part.arguments))])


@for_each("text", ["TANH()", "TANH(A1,A2)", "EXP(A1,A2)", "MAX()", "POWER(A1)"])
def test_functions_of_other_numbers_of_arguments_are_not_known(text):
    assert value(text) is None


@for_each(
    ("text", "worth"),
    [
        ("TANH(A1)", np.tanh(GIVEN)),
        ("POWER(A1,A2)", GIVEN**GIVEN),
        ("MAX(A1,A2,A3)", GIVEN),
        ("AVERAGE(A1,A2)", GIVEN),
    ],
)
def test_functions_are_computed_of_their_arguments(text, worth):
    np.testing.assert_array_equal(value(text), worth)


def test_what_other_numbers_make_of_a_function_that_is_not_computed_is_no_number():
    formula = EvaluatedFormula(read("1+MEDIAN(2,3)"), lambda part: np.array(2.5))
    others = np.array([[1.0], [2.0]])
    np.testing.assert_array_equal(formula.with_({(1, 0): others}), np.full((2, 1), np.nan))
    np.testing.assert_array_equal(formula.with_({(0,): others}), others + 2.5)


# Small edits of a formula --------------------------------------------------------------


POINTS = np.random.default_rng(0).uniform(0.2, 0.9, (4, 8))
CELLS = {name: Substitute(Reference(name), POINTS[k]) for k, name in enumerate("ABCD")}


def evaluated(text: str) -> EvaluatedFormula:
    return EvaluatedFormula(read(text), lambda part: CELLS[part.text].values)


def known() -> Substitutes:
    every = [*CELLS.values(), *constants((8,))]
    return Substitutes(every, every, lambda: every, lambda: every)


@for_each(
    ("name", "wrong", "right", "kind"),
    [
        ("references", "A*B-C", "A*D-C", EditKind.REFERENCE),
        ("operators", "A*B+C", "A*B-C", EditKind.OPERATOR),
        ("operators", "(A-B)*C", "(B-A)*C", EditKind.ORDER),
        ("operators", "A*B*C", "A*B+C", EditKind.OPERATOR),
        ("operators", "IF(A<0.5,B,C)", "IF(A>0.5,B,C)", EditKind.OPERATOR),
        ("operators", "IF(A>0.5,B,C)*D", "IF(A>0.5,C,B)*D", EditKind.ORDER),
        ("operators", "D*A+B+C+D", "D*A+B*C+D", EditKind.OPERATOR),
        ("operators", "A*B", "-A*B", EditKind.SIGN),
        ("exchanges", "A*B-C*D", "A*C-B*D", EditKind.EXCHANGE),
        ("parentheses", "A-B*C", "(A-B)*C", EditKind.PARENTHESES),
        ("omissions", "A*B*(1-B)*C", "A*B*C", EditKind.OMISSION),
        ("numbers", "2*A-B", "0.5*A-B", EditKind.NUMBER),
        ("functions", "C*EXP(-A)*(1-EXP(-A))", "C*A*(1-A)", EditKind.FUNCTION),
        ("functions", "LN(A)", "A", EditKind.FUNCTION),
        ("missing factors", "A*B", "A*B*C", EditKind.FACTOR),
        ("missing terms", "A*B", "A*B+C", EditKind.TERM),
    ],
)
def test_each_kind_of_edit_finds_its_mistake(name, wrong, right, kind):
    formula, wanted = evaluated(wrong), evaluated(right).whole
    (generator,) = (one for one in EDITS if one.name == name)
    found = list(edits_that_give(generator.propose(formula, known()), wanted))
    repaired = [evaluated(write(edit.apply_to(formula.expression))).whole for edit in found]
    assert kind in {edit.kind for edit in found}
    assert all(np.allclose(values, wanted) for values in repaired)


def test_two_wrong_references_are_found_together():
    wanted = evaluated("A*(1-D)").whole
    found = pairs(evaluated("B*(1-C)"), list(CELLS.values()), wanted)
    said = {tuple(write(edit.new) for edit in two) for two in found}
    assert ("A", "D") in said


def test_a_value_that_is_no_number_matches_nothing():
    formula = evaluated("A*B")
    assert list(edits_that_give(EDITS[0].propose(formula, known()), np.full(8, np.nan))) == []


def test_kinds_of_edits_have_names_of_their_own():
    assert len({generator.name for generator in EDITS}) == len(EDITS)


def test_all_sums_become_their_activations_together():
    formula = evaluated("A*C+B*D")
    known_ones = replace(known(), activations={"A": "C", "B": "D"})
    (generator,) = (one for one in EDITS if one.name == "activations")
    (edit,) = edits_that_give(generator.propose(formula, known_ones), evaluated("C*C+D*D").whole)
    assert write(edit.apply_to(formula.expression)) == "C*C+D*D"
    assert not list(generator.propose(formula, replace(known(), activations={"A": "C"})))


def test_a_range_may_be_another_or_end_elsewhere():
    values = {"A1:A3": 6.0, "C1:C3": 60.0, "A1:A4": 10.0}

    def value_of(part):
        if not isinstance(part, Call):
            return np.full(8, np.nan)
        (given,) = part.arguments
        return np.full(8, values.get(given.text, 0.0))

    formula = EvaluatedFormula(read("2*SUM(A1:A3)"), value_of)
    (generator,) = (one for one in EDITS if one.name == "ranges")
    for wanted, said in ((120.0, "2*SUM(C1:C3)"), (20.0, "2*SUM(A1:A4)")):
        found = edits_that_give(generator.propose(formula, known()), np.full(8, wanted))
        assert [write(edit.apply_to(formula.expression)) for edit in found] == [said]
