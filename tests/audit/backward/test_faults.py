"""The first that is wrong is put right before what comes after it is looked at."""

from __future__ import annotations

import pytest

from gradbook.audit.backward.judgement import faults, unexplained_cells
from tests.audit.material.small import at
from tests.audit.material.worked_once.list import listed_pass


def blocks_of(**other):
    return [fault.wrong.block.text for fault in faults(listed_pass(**other))]


def test_nothing_is_wrong_with_a_right_pass():
    assert blocks_of() == []


def test_the_root_and_not_what_it_spoils():
    assert blocks_of(E3="=E1*B8*B12") == ["E3"]


@pytest.mark.parametrize(("cell", "text"), [("E6", "=E2*B2"), ("E9", "=E3"), ("E5", "=E1*B10")])
def test_a_gradient_that_is_wrong_by_itself(cell, text):
    assert blocks_of(**{cell: text}) == [cell]


def test_a_root_and_a_gradient_of_its_own():
    assert blocks_of(E3="=E1*B8", E7="=E2*B1") == ["E3", "E7"]


def test_a_gradient_of_a_weight_that_has_one_is_that_of_the_weight_that_has_none():
    (fault,) = faults(listed_pass(E4="=E1*B12"))
    assert fault.wrong.of == (at("B7"),)
    assert fault.is_slip


def test_of_two_sums_it_is_that_which_nobody_else_claims():
    (fault,) = faults(listed_pass(E3="=E1*B7*B12*(1-B12)"))
    assert fault.wrong.of == (at("B10"),)


def test_from_a_root_only_where_there_is_one():
    assert list(faults(listed_pass(E6="=E2*B2"), from_root=True)) == []
    assert len(list(faults(listed_pass(E2="=E1*B7"), from_root=True))) == 1


def test_what_nobody_understands_is_called_a_derivative_only_by_its_heading():
    back = listed_pass(D10="gradient?", E10="=SIN(E1)*E2^2+0.1*B3", D11="note", E11="=E1^3")
    assert set(unexplained_cells(back)) >= {at("E10")}
