"""A row that isn't like most is given the formulas of most, where those put it right."""

from __future__ import annotations

from gradbook.audit.repair.symptoms import EarlierRows
from gradbook.audit.search.hypotheses import Cause
from tests.audit.material.network import NETWORK, W1, W2, groups_of, proposed, symptoms_of
from tests.audit.material.small import at
from tests.cases import for_each


def of_the_row(changed):
    """What is proposed for the one step that isn't like the others."""
    usual, other = groups_of({**NETWORK, **changed})
    known = symptoms_of(usual).earlier
    return proposed("outlier rows", symptoms_of(other, known, usual.alike))


@for_each(
    ("cell", "formula", "right", "explains"),
    [
        ("H5", "=G5*C5", "G5*D5", {W2}),
        ("H5", "=G4*D5", "G5*D5", {W2}),
        ("G5", "=$L$2-E5", "E5-$L$2", {W1, W2}),
        ("H5", 0.25, "G5*D5", {W2}),
        ("D5", "=1/(1-EXP(-C5))", "1/(1+EXP(-C5))", set()),
        ("F5", "=0.5*(E5-$L$2)^2+1", "0.5*(E5-$L$2)^2", set()),
        ("E5", "=E4-$L$3*I4", "B5*D5", {W1, W2}),
    ],
)
def test_a_cell_that_departs_says_again_what_its_column_says(cell, formula, right, explains):
    (hypothesis,) = of_the_row({cell: formula})
    assert hypothesis.cause is Cause.ROW
    assert (hypothesis.cells, hypothesis.formulas) == ((at(cell),), (right,))
    assert hypothesis.explains == explains


def test_of_two_cells_that_depart_only_the_wrong_one_is_named():
    (hypothesis,) = of_the_row({"H5": "=G5*C5", "F5": "=($L$2-E5)^2/2"})
    assert hypothesis.cells == (at("H5"),)


def test_a_row_in_other_words_is_left_alone():
    assert of_the_row({"H5": "=D5*G5"}) == []
    assert of_the_row({"F5": "=(E5-$L$2)^2/2"}) == []


def test_a_loss_that_counts_another_cell_in_one_row_may_be_meant_so():
    assert of_the_row({"F5": "=0.5*(E5-$L$2)^2+$L$1"}) == []


def test_what_is_wrong_in_most_rows_is_no_rows_fault():
    assert of_the_row({"H2:H8": "=G2*C2", "G5": "=-$L$2+E5"}) == []


def test_a_sheet_that_departs_says_again_what_the_others_say_of_their_own_cells():
    step = {"B2": 0.7, "C2": "=A2*B2", "F2": "=(C2-0.3)^2/2", "G2": "=(C2-0.3)*B2"}
    sheets = [{**step, "A2": f"=Sheet{k}!A2-0.1*Sheet{k}!G2"} for k in range(6)]
    sheets[0]["A2"] = 0.5
    sheets[3]["G2"] = "=(C2-0.3)*A2"
    usual, other = groups_of(*sheets)
    known = symptoms_of(usual).earlier
    (hypothesis,) = proposed("outlier rows", symptoms_of(other, known, usual.alike))
    assert (hypothesis.cells, hypothesis.formulas) == ((at("G2", 3),), ("(C2-0.3)*B2",))


# What put a column or a claim right in most rows is tried again in a row of another ----


SUM = {"E2:E8": "=B2*C2"}
CLAIM = {"H2:H8": "=G2*C2"}
APART = {"F5": "=($L$2-E5)^2/2"}  # a row that says the same in other words


def in_the_other_row(changed, known):
    """What generators say of the fourth row, once `known` has told what most rows taught."""
    usual, other = groups_of({**NETWORK, **changed})
    earlier = EarlierRows()
    known(symptoms_of(usual), earlier)
    return symptoms_of(other, earlier)


def column(usual, earlier):
    hypothesis = max(proposed("changed columns", usual), key=lambda one: len(one.explains))
    earlier.columns.append((usual.under_test.step, hypothesis))


def claim(usual, earlier):
    (hypothesis,) = proposed("one edit", usual)
    earlier.claims[usual.formula(W2).pattern.key] = hypothesis


def test_a_column_is_put_right_as_in_other_rows():
    (hypothesis,) = proposed("known columns", in_the_other_row({**SUM, **APART}, column))
    assert (hypothesis.cells, hypothesis.formulas) == ((at("E5"),), ("B5*D5",))


def test_a_claim_is_put_right_as_in_other_rows():
    (hypothesis,) = proposed("known claims", in_the_other_row({**CLAIM, **APART}, claim))
    assert (hypothesis.cells, hypothesis.formulas) == ((at("H5"),), ("G5*D5",))


@for_each(
    ("name", "changed", "known"),
    [
        ("known columns", {**SUM, "E5": "=B5*D5"}, column),
        ("known columns", {**SUM, "E5": "=A5*D5"}, column),
        ("known claims", {**CLAIM, "H5": "=F5*D5"}, claim),
        ("known claims", {**CLAIM, "E5": "=B5*D5*A5"}, claim),
    ],
    ids=["a right cell", "another formula", "another claim", "where it doesn't help"],
)
def test_where_the_row_says_something_else_nothing_is_proposed(name, changed, known):
    assert proposed(name, in_the_other_row(changed, known)) == []


@for_each("name", ["known columns", "known claims"])
def test_where_nothing_is_known_nothing_is_proposed(name):
    found = in_the_other_row({**SUM, **CLAIM, **APART}, lambda usual, earlier: None)
    assert found.wrong
    assert proposed(name, found) == []
