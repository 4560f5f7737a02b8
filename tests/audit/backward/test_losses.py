"""The loss is a cell that falls as outputs come nearer to targets; else what is usual."""

from __future__ import annotations

from gradbook.audit.backward.backward_pass import again, losses
from tests.audit.material.small import at
from tests.audit.material.worked_once.list import listed_cells


def of(**other):
    return [(loss.cells, loss.assumption) for loss in losses(listed_cells(**other))]


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
    assert again(cells, held).cells == held.cells
    assert again(cells, assumed).assumption == assumed.assumption
