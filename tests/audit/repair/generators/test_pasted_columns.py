"""A column that was pasted over with its values gets the formula back that it may have had."""

from __future__ import annotations

import pytest

from gradbook.audit.workbook.evaluate import fill_in
from tests.audit.material.network import NETWORK, proposed, symptoms
from tests.audit.material.small import all_at, at, small


def pasted(column, off=0.0):
    """The table with a column's values over its formulas."""
    book, flow = small(NETWORK)
    fill_in(book, flow)
    cells = all_at(f"{column}2:{column}8")
    values = {f"{column}{k}": book.values[cell] + off for k, cell in enumerate(cells, 2)}
    return {**{area: said for area, said in NETWORK.items() if area[0] != column}, **values}


def repairs(table):
    return {
        (hypothesis.home, hypothesis.formulas[0]): hypothesis.reproduces
        for hypothesis in proposed("pasted columns", symptoms(table))
    }


@pytest.mark.parametrize(("column", "right"), [("C", "A2*$L$1"), ("D", "1/(1+EXP(-C2))")])
def test_the_formula_that_gives_the_values_is_among_those_proposed(column, right):
    assert repairs(pasted(column))[at(f"{column}2"), right]


def test_a_formula_that_gives_other_values_is_not_said_to_reproduce_them():
    some = repairs(pasted("D"))
    assert not some[at("D2"), "TANH(C2)"]
    assert not repairs(pasted("D", off=0.01))[at("D2"), "1/(1+EXP(-C2))"]


def test_a_number_that_stays_the_same_is_no_pasted_column():
    one = {**{area: said for area, said in NETWORK.items() if area[0] != "D"}, "D2:D8": 0.6}
    assert repairs(one) == {}
