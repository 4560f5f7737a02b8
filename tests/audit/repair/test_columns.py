"""Columns that several gradients come from are put right by an edit, or written anew."""

from __future__ import annotations

import random

from gradbook.cells.evaluate import fill_in
from tests.audit.material.layouts.optimisers import with_rule
from tests.audit.material.layouts.planted import changed
from tests.audit.material.layouts.sketch import Shape
from tests.audit.material.network import NETWORK, W1, W2, proposed, symptoms
from tests.audit.material.small import all_at, at, small
from tests.cases import for_each


def repairs(name, changed):
    """Of every hypothesis its first cell, its formula there and the weights that it explains."""
    found = proposed(name, symptoms({**NETWORK, **changed}))
    return {(h.home, h.formulas[0]): h.explains for h in found}


@for_each(
    ("name", "area", "formula", "right", "explains"),
    [
        ("backward cells", "G2:G8", "=E2+$L$2", "E2-$L$2", {W1, W2}),
        ("backward cells", "G2:G8", "=D2-$L$2", "E2-$L$2", {W1, W2}),
        ("constant formulas", "C2:C8", "=$L$1", "$L$1*A2", {W1}),
        ("changed columns", "E2:E8", "=B2*C2", "B2*D2", {W1, W2}),
        ("changed columns", "G2:G8", "=E2-$L$1", "E2-$L$2", {W1, W2}),
        ("lacking columns", "G2:G8", "=E2", "E2-$L$2", {W1, W2}),
        ("lacking columns", "F2:F8", "=(E2-$L$2)^2", "0.5*(E2-$L$2)^2", {W1, W2}),
    ],
)
def test_a_column_gets_its_formula_back(name, area, formula, right, explains):
    home = at(area.partition(":")[0])
    assert repairs(name, {area: formula})[home, right] == explains


def test_a_column_on_the_way_back_is_written_anew_as_a_slope():
    assert (at("G2"), "E2-$L$2") in repairs("cells unlike others", {"G2:G8": "=EXP(E2)*F2"})


def test_the_loss_is_to_blame_where_a_slope_would_no_longer_look_like_those_beside_it():
    assert repairs("backward cells", {"D2:D8": "=TANH(C2)"}) == {}


def test_a_bias_that_the_loss_leaves_out_is_where_its_gradient_says():
    bias = {"J1": "b", "J2": 0.1, "J3:J8": "=J2-$L$3*M2", "M1": "∂E/∂b", "M2:M8": "=G2"}
    assert (at("E2"), "B2*D2+J2") in repairs("missing links", bias)


def test_what_is_changed_is_not_added_to_nor_what_lacks_something_changed():
    assert repairs("lacking columns", {"E2:E8": "=B2*C2"}) == {}
    assert (at("G2"), "E2-$L$2") not in repairs("changed columns", {"G2:G8": "=E2"})


def test_only_what_depends_on_no_weight_is_a_constant_formula():
    assert repairs("constant formulas", {"E2:E8": "=B2*C2"}) == {}


def test_a_slip_in_a_claim_is_no_columns_fault():
    for name in ("constant formulas", "changed columns", "lacking columns", "backward cells"):
        assert repairs(name, {"H2:H8": "=G2*C2"}) == {}


SAMPLES = Shape(2, 0, 1, "sigmoid", "sigmoid", 3, False, True)  # w1 w2 b1, three samples


@for_each("layout", ["a block per step", "a form per step"])
@for_each("wrong", ["{w1}*{x1@1}+{w2}+{x2@1}+{b1}", "{w1}*{x1@1}+{w1}*{x2@1}+{b1}"])
def test_a_sum_that_departs_from_those_of_other_samples_is_to_blame(layout, wrong, path):
    sketch = with_rule(SAMPLES, random.Random(3), "descent")
    judged = changed(path, sketch, layout, "o1@1", wrong)
    assert judged.found, judged.words
    assert judged.repaired


def test_what_all_wrong_gradients_are_made_of_is_looked_at_though_there_are_many_columns(path):
    shape = Shape(
        1, 3, 2, "tanh", "sigmoid", 3, False, False
    )  # a column for each of 100 quantities
    sketch = with_rule(shape, random.Random(3), "descent")
    wrong = "({a_o1@2}-{t1@2})*(1-{a_o1@2})"
    judged = changed(path, sketch, "a step a row", "δo1@2", wrong)
    assert judged.found, judged.words


# A column that was pasted over with its values gets the formula back that it may -------


def pasted(column, off=0.0):
    """The table with a column's values over its formulas."""
    book, flow = small(NETWORK)
    fill_in(book, flow)
    cells = all_at(f"{column}2:{column}8")
    values = {f"{column}{k}": book.values[cell] + off for k, cell in enumerate(cells, 2)}
    return {**{area: said for area, said in NETWORK.items() if area[0] != column}, **values}


def formulas_pasted(table):
    return {
        (hypothesis.home, hypothesis.formulas[0]): hypothesis.reproduces
        for hypothesis in proposed("pasted columns", symptoms(table))
    }


@for_each(("column", "right"), [("C", "A2*$L$1"), ("D", "1/(1+EXP(-C2))")])
def test_the_formula_that_gives_the_values_is_among_those_proposed(column, right):
    assert formulas_pasted(pasted(column))[at(f"{column}2"), right]


def test_a_formula_that_gives_other_values_is_not_said_to_reproduce_them():
    some = formulas_pasted(pasted("D"))
    assert not some[at("D2"), "TANH(C2)"]
    assert not formulas_pasted(pasted("D", off=0.01))[at("D2"), "1/(1+EXP(-C2))"]


def test_a_number_that_stays_the_same_is_no_pasted_column():
    one = {**{area: said for area, said in NETWORK.items() if area[0] != "D"}, "D2:D8": 0.6}
    assert formulas_pasted(one) == {}
