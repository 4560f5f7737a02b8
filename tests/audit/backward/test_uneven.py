"""One output's error that isn't measured as the others' is, where nobody added them."""

from __future__ import annotations

import pytest

from gradbook.audit.backward.backward_pass import even_out, losses
from gradbook.audit.backward.outputs import cells_of_sheet
from tests.audit.material.small import at, small

CELLS = {
    "A1:A3": 0.5,
    "B1:B3": "=A1*$A$5",
    "A5": 2.0,
    "C1:C3": 0.1,
    "D1:D3": "=0.5*(B1-C1)^2",
}


def found(**other):
    cells = cells_of_sheet(*small({**CELLS, **other}), 0)
    assert cells is not None
    loss, uneven = even_out(cells, next(losses(cells)))
    return loss, [(error.cell, error.text) for error in uneven]


def test_even_errors_are_left_alone():
    loss, uneven = found()
    assert (set(loss.cells), uneven) == ({at("D1"), at("D2"), at("D3")}, [])


def test_one_without_its_half_is_said_as_the_others():
    loss, uneven = found(D2="=(B2-C2)^2")
    assert uneven == [(at("D2"), "0.5*(B2-C2)^2")]
    assert loss.seeds[at("D2")] == pytest.approx(0.5 * loss.seeds[at("D1")])


def test_a_loss_in_one_cell_has_nothing_to_compare():
    assert found(E1="=SUM(D1:D3)")[1] == []
