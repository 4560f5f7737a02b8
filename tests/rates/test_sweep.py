from __future__ import annotations

import warnings
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.errors import LimitError, UsageError
from gradbook.net.task import DEFAULT_RATES
from gradbook.rates.criteria import Verdict
from gradbook.rates.sweep import sweep
from tests.families import networks
from tests.rates.made import WORKED, line


def test_the_default_rates_are_swept_over_70_epochs(worked):
    assert (worked.rates, worked.epochs) == (DEFAULT_RATES, 70)
    assert all(len(outcome.losses) == 70 for outcome in worked.outcomes)


@pytest.mark.parametrize("rate", [100, 200, 500])
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


@pytest.mark.parametrize("x", [0.1, 1, 30])
@pytest.mark.parametrize("rates", [DEFAULT_RATES, [1e-9], [1e9], [0.3, 0.7]])
def test_the_largest_rate_of_a_parabola_is_two_over_its_curvature(x, rates):
    limit = sweep(line(x=x), rates).limit
    assert limit.rate < 2 / x**2 <= limit.beyond * (1 + 1e-9)
    assert limit.rate == limit.reliable == pytest.approx(2 / x**2, rel=0.006)


@pytest.mark.parametrize("momentum", [0.5, 0.9])
def test_momentum_moves_that_border_as_the_heavy_ball_does(momentum):
    net = line(update=f"momentum {momentum}")
    limit = sweep(net, [0.1, 10.0], 400).limit
    assert limit.rate == pytest.approx(2 * (1 + momentum), rel=0.01)


@pytest.mark.parametrize(
    ("rates", "epochs", "said"),
    [
        ([], 70, "no rates: give one"),
        ([float("nan")], 70, "a rate is a number, not nan"),
        ([float("inf")], 70, "not inf"),
        ([0.1, 0.2, 0.1], 70, "the rate 0.1 twice"),
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
    found = sweep(WORKED, [0.1, 1], 5, tick=heard.append)
    assert heard == list(range(1, found.limit.tried + 2))  # 1 is among those of the search


RATES = st.floats(0, 1e308) | st.floats(0.001, 100)


@given(networks(depth=2), st.lists(RATES, min_size=1, max_size=3, unique=True), st.integers(2, 9))
def test_any_network_at_any_rate_gets_a_verdict_and_a_reason(net, rates, epochs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = sweep(net, rates, epochs)
    for outcome in found.outcomes:
        assert outcome.verdict in Verdict
        assert outcome.reason.isprintable()
        assert "nan" not in outcome.reason.removeprefix("no longer")
        if outcome.trains:
            assert isfinite(outcome.end)
            assert outcome.end < outcome.losses[0]
    assert found.limit.words(epochs).endswith(".")
