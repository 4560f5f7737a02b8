from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.rates.limit import FINE, PATIENCE, Limit, largest


@given(st.floats(1e-6, 1e6), st.lists(st.floats(1e-3, 1e3), max_size=5))
def test_a_border_is_found_wherever_the_search_begins(border, rates):
    limit = largest(lambda rate: rate < border, rates or [1.0])
    assert limit.rate < border <= limit.beyond
    assert limit.beyond / limit.rate <= FINE
    assert limit.failing == ()
    assert limit.tried <= PATIENCE + 40


def test_an_island_beyond_the_border_is_found_where_it_is_not_far():
    limit = largest(lambda rate: rate < 1 or 1.5 < rate < 1.8, [0.1, 10.0])
    assert limit.rate == pytest.approx(1.8, rel=FINE - 1)
    assert 1 <= min(limit.failing) <= max(limit.failing) <= 1.5


def test_a_rate_asked_for_that_trains_is_never_above_the_largest():
    assert largest(lambda rate: rate in (1.0, 500.0), [1.0, 10.0, 500.0, 1000.0]).rate == 500


def test_where_everything_trains_the_search_ends():
    limit = largest(lambda rate: True, [1.0])
    assert limit.rate == pytest.approx(1e12)
    assert limit.beyond is None


def test_where_nothing_trains_the_search_ends():
    limit = largest(lambda rate: False, [1.0])
    assert limit.rate is None
    assert limit.tried == 13


def test_a_ragged_border_does_not_keep_the_search_for_ever():
    ragged = largest(lambda rate: rate < 1 or hash(rate) % 3 == 0, [0.1, 1e9])
    assert ragged.tried <= PATIENCE + 100


@pytest.mark.parametrize("rates", [[], [0.0]])
def test_without_a_rate_above_0_the_search_begins_at_one(rates):
    assert largest(lambda rate: rate < 0.5, rates).rate == pytest.approx(0.5, rel=0.001)


@pytest.mark.parametrize("rates", [[1e308], [5e-324]])
def test_the_ends_of_what_a_number_can_be_are_no_trap(rates):
    assert largest(lambda rate: True, rates).rate >= rates[0]
    assert largest(lambda rate: False, rates).rate is None


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (Limit(None, None), "No rate was tried"),
        (Limit(None, 1.0, (), 9), "None of the 9 rates tried trains for 70 epochs."),
        (Limit(1e9, None, (), 9), "Every rate tried trains for 70 epochs, up to 1e\\+09."),
        (Limit(2.0, 2.001, (), 9), "The largest rate found .* is 2; 2.001 no longer does.$"),
        (Limit(1331.2, 1331.3, (), 9), "is 1331.2; 1331.3 no longer does"),
        (Limit(9.0, 9.1, (3.5,), 9), "jagged: from 3.5 on some rates train and some don't."),
    ],
)
def test_the_finding_is_said_in_words(limit, words):
    assert re.search(words, limit.words(70))
