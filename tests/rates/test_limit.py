from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.net import builtin
from gradbook.rates.limit import PATIENCE, Limit, largest, rate_at
from gradbook.rates.sweep import sweep

NEIGHBOURS = rate_at(1)  # their ratio


@given(st.floats(1e-6, 1e6))
def test_a_border_is_found_wherever_it_lies(border):
    limit = largest(lambda rate: rate < border)
    assert limit.reliable == limit.rate < border <= limit.beyond
    assert limit.beyond / limit.rate <= NEIGHBOURS + 0.002
    assert limit.failing == ()
    assert limit.tried <= 70


def test_an_island_beyond_the_border_is_found_where_it_is_not_far():
    limit = largest(lambda rate: rate < 1.1 or 1.5 < rate < 1.8)
    assert limit.rate == pytest.approx(1.8, rel=NEIGHBOURS - 1)
    assert limit.reliable == pytest.approx(1.1, rel=NEIGHBOURS - 1)
    assert 1.1 <= min(limit.failing) <= max(limit.failing) <= 1.5


def test_a_hole_below_the_border_is_found_where_it_is_not_far():
    limit = largest(lambda rate: rate < 1.1 or (1.3 < rate < 50 and not 30 < rate < 35))
    assert limit.reliable == pytest.approx(30, rel=NEIGHBOURS - 1)
    assert limit.rate == pytest.approx(50, rel=NEIGHBOURS - 1)


def test_where_everything_trains_the_search_ends():
    limit = largest(lambda rate: True)
    assert limit.rate == pytest.approx(1e12)
    assert limit.beyond is None


def test_where_nothing_trains_the_search_ends():
    limit = largest(lambda rate: False)
    assert limit.rate is None
    assert limit.tried == 13


def test_a_ragged_border_does_not_keep_the_search_for_ever():
    ragged = largest(lambda rate: rate < 1 or hash(rate) % 3 == 0)
    assert ragged.tried <= PATIENCE + 50


@pytest.mark.parametrize("rates", [[0.5, 1, 1000], [0.1, 700], [757], [766, 752.3], [1e-3, 1e5]])
def test_the_finding_is_the_same_whichever_rates_are_asked_for(rates):
    net = builtin("worked")
    assert sweep(net, rates, 70).limit == sweep(net, epochs=70).limit


def test_rates_asked_for_that_go_otherwise_are_named():
    found = sweep(builtin("worked"), [70_000, 1, 723.3])
    low, high = sorted((found[723.3].trains, found[70_000].trains))
    assert (low, high) == (False, True)
    assert found.finding.endswith("Of the rates asked for, 70000 trains too and 723.3 does not.")


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (Limit(None, None), "No rate was tried"),
        (
            Limit(None, 1e-12, (), 9),
            "None of the 9 rates tried trains for 70 epochs, down to 1e-12.",
        ),
        (Limit(1e9, None, (), 9, 1e9), r"Every rate tried trains for 70 epochs, up to 1e\+09\."),
        (Limit(183.7, 184.5, (), 9, 183.7), "about 180 train for 70 epochs; none of those tried"),
        (Limit(762.1, 765.6, (740.0,), 9, 731.1), "up to about 730 train .* ragged.* about 760.$"),
        (Limit(767.0, 768.0, (740.0,), 9, 739.9), "up to about 730 train .* ragged.* about 770.$"),
        (Limit(719.0, 720.0, (718.0,), 9, 717.0), "up to about 710 train .* ragged.* about 720.$"),
        (Limit(711.0, 713.0, (710.5,), 9, 710.1), "up to about 710 train .* ragged: close to it"),
        (Limit(1.0, 1.1, (0.5,), 9, None), "Some rates up to about 1 train .* and others fail"),
    ],
)
def test_the_finding_is_said_in_words(limit, words):
    assert re.search(words, limit.words(70))
