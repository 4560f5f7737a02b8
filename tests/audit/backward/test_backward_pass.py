"""What comes back from an error is known by its numbers: whose derivative it is, and how often."""

from __future__ import annotations

import pytest

from gradbook.audit.backward.backward_pass import DerivativeClaim
from tests.audit.material.small import all_at, at
from tests.audit.material.worked_once.list import listed_pass

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
    assert set(back.backward) == set(all_at("E1:E9"))
    assert at("B15") in back.scope.forward


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


@pytest.mark.parametrize(("sign", "wrong"), [("-", set()), ("+", {at("H4"), at("H5")})])
def test_an_update_subtracts_so_many_times_the_gradient(sign, wrong):
    back = listed_pass(G1=0.3, H4=f"=B7{sign}$G$1*E4", H5=f"=B8{sign}$G$1*E5")
    assert back.updates == {at("H4"): at("B7"), at("H5"): at("B8")}
    assert back.common[True] == (1.0, at("G1"))
    assert back.wrong == wrong


def test_what_is_excused_is_right():
    back = listed_pass(E2="=E1*B7")
    assert back.accepting([at("E2")]).wrong == {at("E6"), at("E7")}
