"""A gradient that is a sum over samples: each sample's share is looked at by itself."""

from __future__ import annotations

import pytest

from tests.audit.material.network import W1, proposed, symptoms, two_samples
from tests.audit.material.small import at


@pytest.mark.parametrize(
    ("share", "right"),
    [
        ("=({y}-{x})*{x}*2", ("(C2-B2)*A2*2", "(C3-B3)*A3*2")),
        ("=({y}-{t})*2", ("(C2-B2)*2*A2", "(C3-B3)*2*A3")),
        ("=EXP({y})", ("2*(C2-B2)*A2", "2*(C3-B3)*A3")),
    ],
    ids=["a wrong reference", "a factor left out", "another formula"],
)
def test_every_samples_share_is_put_right(share, right):
    (hypothesis,) = proposed("shares of samples", symptoms(*two_samples(share)))
    assert hypothesis.cells == (at("E2", 1), at("E3", 1))
    assert hypothesis.formulas == right
    assert hypothesis.explains == {W1}


def test_a_share_that_is_right_is_left_alone():
    (hypothesis,) = proposed(
        "shares of samples", symptoms(*two_samples(other="=({y}-{t})*{first}*2"))
    )
    assert (hypothesis.cells, hypothesis.formulas) == ((at("E3", 1),), ("(C3-B3)*A3*2",))


def test_right_shares_are_no_mistake():
    assert proposed("shares of samples", symptoms(*two_samples())) == []


def test_a_sum_of_shares_of_different_shapes_is_not_taken_apart():
    found = symptoms(*two_samples(other="=EXP({y})"))
    assert found.wrong
    assert proposed("shares of samples", found) == []
