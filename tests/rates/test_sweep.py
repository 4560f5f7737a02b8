from __future__ import annotations

import re
import warnings
from dataclasses import replace
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.errors import LimitError, UsageError
from gradbook.net import builtin
from gradbook.net.description import DEFAULT_RATES
from gradbook.rates.criteria import Verdict
from gradbook.rates.sweep import PATIENCE, Limit, largest, rate_at, sweep, usable_rate
from tests.cases import for_each
from tests.families import networks
from tests.rates.made import WORKED, line


def test_the_default_rates_are_swept_over_70_epochs(worked):
    assert (worked.rates, worked.epochs) == (DEFAULT_RATES, 70)
    assert all(len(outcome.losses) == 70 for outcome in worked.outcomes)


@for_each("rate", [100, 200, 500])
def test_some_violent_rates_leap_up_first_and_then_come_down(rate):
    (outcome,) = sweep(WORKED, [rate]).outcomes
    assert outcome.losses.max() > 5 * outcome.losses[0]
    assert outcome.end < 1e-5
    assert outcome.verdict is Verdict.RECOVERS
    assert outcome.trains


def test_the_worked_example_gets_these_verdicts(worked):
    found = [outcome.verdict for outcome in worked.outcomes]
    slow, good = [Verdict.TOO_SLOW] * 5, [Verdict.GOOD] * 5
    assert found == [*slow, *good, Verdict.RECOVERS, Verdict.SATURATED, Verdict.SATURATED]


def test_the_largest_rate_of_the_worked_example_lies_between_700_and_800(worked):
    limit = worked.limit
    assert 700 < limit.reliable < min(limit.failing) < limit.rate < limit.beyond < 800
    trains = {rate: sweep(WORKED, [rate])[rate].trains for rate in (limit.rate, limit.beyond)}
    assert trains == {limit.rate: True, limit.beyond: False}


@for_each("x", [0.1, 1, 30])
@for_each("rates", [DEFAULT_RATES, [1e-9], [1e9], [0.3, 0.7]])
def test_the_largest_rate_of_a_parabola_is_two_over_its_curvature(x, rates):
    limit = sweep(line(x=x), rates).limit
    assert limit.rate < 2 / x**2 <= limit.beyond * (1 + 1e-9)
    assert limit.rate == limit.reliable == pytest.approx(2 / x**2, rel=0.006)


@for_each("momentum", [0.5, 0.9])
def test_momentum_moves_that_border_as_the_heavy_ball_does(momentum):
    net = line(update=f"momentum {momentum}")
    limit = sweep(net, [0.1, 10.0], 400).limit
    assert limit.rate == pytest.approx(2 * (1 + momentum), rel=0.01)


@pytest.mark.parametrize(
    ("rates", "epochs", "said"),
    [
        ([], 70, "no rates: give at least one"),
        ([float("nan")], 70, "a rate is a number, not nan"),
        ([float("inf")], 70, "not inf"),
        ([0.1, 0.2, 0.1], 70, "the rate 0.1 is given twice"),
        (range(1, 1002), 70, "1,001 rates: the most is 1,000"),
        ([0.1], 1, "the number of epochs is a whole number from 2 up, not 1"),
        ([0.1], 2.5, "whole number from 2 up, not 2.5"),
        (["fast"], 70, "rate 1 is a number such as 0.15, not 'fast'"),
        (0.1, 70, "rate: expected a list, not 0.1"),
    ],
)
def test_rates_that_are_none_are_refused(rates, epochs, said):
    with pytest.raises(UsageError, match=said):
        sweep(WORKED, rates, epochs)


def test_more_losses_than_fit_are_refused_before_they_are_made():
    with pytest.raises(LimitError, match="too many losses to keep"):
        sweep(WORKED, [0.1], 10**9)


def test_rates_are_shown_from_small_to_large_however_they_were_asked_for():
    assert sweep(WORKED, [2, 0.1, 1], 5).rates == (0.1, 1, 2)


def test_progress_is_told_after_every_trial():
    heard = []
    swept = sweep(WORKED, [0.1, 1], 5, tick=heard.append)
    assert heard == list(range(1, swept.limit.tried + 2))  # 1 is among those of the search


RATES = st.floats(0, 1e308) | st.floats(0.001, 100)


@given(networks(depth=2), st.lists(RATES, min_size=1, max_size=3, unique=True), st.integers(2, 9))
def test_any_network_at_any_rate_gets_a_verdict_and_a_reason(net, rates, epochs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        swept = sweep(net, rates, epochs)
    for outcome in swept.outcomes:
        assert outcome.verdict in Verdict
        assert outcome.reason.isprintable()
        assert "nan" not in outcome.reason.removeprefix("no longer")
        if outcome.trains:
            assert isfinite(outcome.end)
            assert outcome.end < outcome.losses[0]
    assert swept.limit.words(epochs).endswith(".")


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


def test_beyond_the_largest_rate_that_trains_is_its_neighbour():
    limit = largest(lambda rate: rate <= rate_at(0) or rate in (rate_at(3), rate_at(4)))
    assert (limit.rate, limit.beyond) == (rate_at(4), rate_at(5))


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


@for_each("rates", [[0.5, 1, 1000], [0.1, 700], [757], [766, 752.3], [1e-3, 1e5]])
def test_the_finding_is_the_same_whichever_rates_are_asked_for(rates):
    net = builtin("worked")
    assert sweep(net, rates, 70).limit == sweep(net, epochs=70).limit


def test_rates_asked_for_that_go_otherwise_are_named():
    swept = sweep(builtin("worked"), [70_000, 1, 723.3])
    low, high = sorted((swept[723.3].trains, swept[70_000].trains))
    assert (low, high) == (False, True)
    assert swept.finding.endswith("Of the rates asked for, 70000 trains too and 723.3 does not.")


@for_each(
    ("limit", "words"),
    [
        (Limit(None, None), "No rate could be found too large"),
        (
            Limit(None, 1e-12, (), 9),
            "works for 70 epochs at none of the 9 rates tried, down to 1e-12.",
        ),
        (Limit(1e9, None, (), 9, 1e9), r"for 70 epochs at every rate tried, up to 1e\+09\."),
        (
            Limit(183.7, 184.5, (), 9, 183.7),
            "up to about 180, and at none of the higher ones tried",
        ),
        (
            Limit(762.1, 765.6, (740.0,), 9, 731.1),
            "up to about 730. .* still work and others fail, up to about 760.$",
        ),
        (
            Limit(767.0, 768.0, (740.0,), 9, 739.9),
            "up to about 730. .* still work and others fail, up to about 770.$",
        ),
        (
            Limit(719.0, 720.0, (718.0,), 9, 717.0),
            "up to about 710. .* still work and others fail, up to about 720.$",
        ),
        (
            Limit(711.0, 713.0, (710.5,), 9, 710.1),
            "up to about 710. The limit isn't sharp: close to it",
        ),
        (Limit(1.0, 1.1, (0.5,), 9, None), "at some rates up to about 1 and fails at others"),
    ],
)
def test_the_finding_is_said_in_words(limit, words):
    assert re.search(words, limit.words(70))


def test_a_rate_that_is_said_is_kept():
    assert usable_rate(replace(line(x=30), rate=7.0), 20) == 7.0


@for_each("name", ["worked", "mazur", "xor"])
def test_the_usual_rate_is_kept_where_it_descends(name):
    net = builtin(name)
    assert usable_rate(net, 70) == net.learning_rate


@for_each(("x", "expected"), [(3, 0.1), (10, 0.01), (30, 0.001)])
def test_of_a_parabola_it_goes_no_further_than_the_inverse_of_its_curvature(x, expected):
    net = line(x=x)
    assert usable_rate(net, 70) == expected
    assert sweep(net, [expected])[expected].verdict is Verdict.GOOD


def test_where_nothing_descends_the_usual_rate_stays():
    net = line(start=1)  # at its optimum
    assert usable_rate(net, 5) == net.learning_rate


def test_formulas_are_judged_by_the_least_that_their_result_can_be():
    swept = sweep("E = (w*x - t)^2 + 3; w = 1; x = 2; t = 1; sample x t", [0.01, 0.1, 0.3])
    verdicts = {rate: swept[rate].verdict for rate in swept.rates}
    assert verdicts[0.3] is Verdict.DIVERGES  # above 2 over the curvature of 8
    assert verdicts[0.1] is Verdict.GOOD
    assert swept[0.1].lowest == pytest.approx(3)
    assert swept.limit.rate == pytest.approx(0.25, rel=0.01)


def test_a_result_that_can_fall_for_ever_has_no_verdict():
    with pytest.raises(UsageError, match="how far L can fall isn't known"):
        sweep("L = (a*b + c)*f; a = 2; b = -3; c = 10; f = -2")
