"""The loss is a cell that falls as outputs come nearer to targets; else what is usual."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradbook.audit.backward.backward_pass import DerivativeClaim, even_out, losses
from gradbook.audit.backward.cells_at_points import Cells
from tests.audit.material.small import all_at, at
from tests.audit.material.worked_once.list import cells_of, listed_cells, listed_pass
from tests.cases import for_each


def of(**other):
    return [(loss.held_in, loss.assumption) for loss in losses(listed_cells(**other))]


def test_a_cell_that_holds_it_comes_first():
    assert of()[0] == ((at("B15"),), "")


def test_a_difference_alone_is_no_loss():
    assert all(at("E1") not in cells for cells, _ in of())


def test_without_a_cell_it_is_assumed():
    assert of(A15="", B15="") == [((), "½·Σ(o−t)²")]


def test_outputs_that_may_be_probabilities_may_have_cross_entropy():
    sigmoid = "=1/(1+EXP(-(B11*B7+B12*B8)))"
    assert [said for _, said in of(A15="", B15="", B13=sigmoid)] == ["½·Σ(o−t)²", "cross-entropy"]


def test_an_entropy_is_a_loss_too():
    sigmoid = "=1/(1+EXP(-(B11*B7+B12*B8)))"
    entropy = "=-B14*LN(B13)-(1-B14)*LN(1-B13)"
    assert of(B13=sigmoid, B15=entropy)[0] == ((at("B15"),), "")


def test_a_gain_is_no_loss():
    assert of(B15="=-0.5*(B13-B14)^2")[0][0] == ()


def test_the_same_loss_for_other_numbers():
    cells = listed_cells()
    held, assumed = list(losses(cells))[:2]
    other = Cells.at_random(cells.book, cells.flow, cells.pairs, weights=[at("B3")])
    error = pytest.approx(other.number(at("B13")) - 1)
    assert replace(held, cells=other).slopes[at("B13")] == error
    assert replace(assumed, cells=other).slopes[at("B13")] == error


# What comes back from an error is known by its numbers ---------------------------------


WEIGHTS = {"E4": "B7", "E5": "B8", "E6": "B3", "E7": "B4", "E8": "B5", "E9": "B6"}


def test_each_gradient_claims_its_weight():
    back = listed_pass()
    assert not back.wrong
    for cell, weight in WEIGHTS.items():
        assert back.claims(at(cell)) == [DerivativeClaim(at(weight), 1.0)]
    assert back.claimed_weights == {at(w): [at(c)] for c, w in WEIGHTS.items()}


def test_deltas_claim_sums():
    back = listed_pass()
    assert [back.claims(at(c))[0].of for c in ("E1", "E2", "E3")] == [
        at("B13"),
        at("B9"),
        at("B10"),
    ]


def test_what_comes_back_is_told_from_what_goes_forward():
    back = listed_pass()
    assert set(back.loss.backward) == set(all_at("E1:E9"))
    assert at("B15") in back.loss.forward


def test_a_wrong_delta_makes_wrong_what_is_made_of_it():
    assert listed_pass(E2="=E1*B8*B11").wrong == {at("E2"), at("E6"), at("E7")}


def test_put_right_nothing_is_wrong():
    back = listed_pass(E2="=E1*B7")
    assert not back.with_values({at("E2"): back.right_value(at("E2"), at("B9"))}).wrong


def test_a_factor_that_all_share_is_common_and_one_that_one_has_is_wrong():
    twice = listed_pass(E1="=2*(B13-B14)")
    assert twice.common[False] == (2.0, None)
    assert not twice.wrong
    assert listed_pass(E5="=2*E1*B12").wrong == {at("E5")}


@for_each(("sign", "wrong"), [("-", set()), ("+", {at("H4"), at("H5")})])
def test_an_update_subtracts_so_many_times_the_gradient(sign, wrong):
    back = listed_pass(G1=0.3, H4=f"=B7{sign}$G$1*E4", H5=f"=B8{sign}$G$1*E5")
    assert back.loss.updates == {at("H4"): at("B7"), at("H5"): at("B8")}
    assert back.common[True] == (1.0, at("G1"))
    assert back.wrong == wrong


def test_what_is_excused_is_right():
    back = listed_pass(E2="=E1*B7")
    assert back.accept({at("E2"): []}).wrong == {at("E6"), at("E7")}


# One output's error that isn't measured as the others' is, where nobody added them -----


CELLS = {
    "A1:A3": 0.5,
    "B1:B3": "=A1*$A$5",
    "A5": 2.0,
    "C1:C3": 0.1,
    "D1:D3": "=0.5*(B1-C1)^2",
}


def found(**other):
    loss = even_out(next(losses(cells_of({**CELLS, **other}))))
    return loss, [(error.cell, error.right.text) for error in loss.uneven]


def test_even_errors_are_left_alone():
    loss, uneven = found()
    assert (set(loss.held_in), uneven) == ({at("D1"), at("D2"), at("D3")}, [])


def test_one_without_its_half_is_said_as_the_others():
    loss, uneven = found(D2="=(B2-C2)^2")
    assert uneven == [(at("D2"), "0.5*(B2-C2)^2")]
    assert loss.seeds[at("D2")] == pytest.approx(0.5 * loss.seeds[at("D1")])


def test_a_loss_in_one_cell_has_nothing_to_compare():
    assert found(E1="=SUM(D1:D3)")[1] == []
