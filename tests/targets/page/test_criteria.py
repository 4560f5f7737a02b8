from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.net import builtin
from gradbook.net.description import DEFAULT_RATES
from gradbook.rates import criteria
from gradbook.rates.criteria import Condition
from gradbook.rates.sweep import largest, limit_table, sweep
from gradbook.targets.page.criteria import criteria_table
from gradbook.targets.page.page_content import content
from tests.cases import for_each
from tests.targets.page.machine import asked, number
from tests.targets.page.networks import shown_networks

pytestmark = pytest.mark.witness("node")


def judged(net, rate, epochs):
    return asked("judge", table=content(net).table(), rate=rate, epochs=epochs)


@for_each("rate", DEFAULT_RATES)
@for_each("name", ["worked", "mazur", "xor"])
def test_the_verdict_on_a_page_is_the_sweeps(name, rate):
    net = builtin(name)
    (alone,) = sweep(net, [rate], 70).outcomes
    said = judged(net, rate, 70)
    assert (said["verdict"], said["trains"]) == (str(alone.verdict), alone.trains)


@given(
    shown_networks(depth=3, updates=["descent"], dropout=False).filter(lambda net: net.samples),
    st.sampled_from([-0.5, 0.0, 0.05, 0.5, 2.0, 20.0, 1000.0]),
    st.integers(2, 40),
)
def test_the_verdict_on_any_network_is_the_sweeps(net, rate, epochs):
    (alone,) = sweep(net, [rate], epochs).outcomes
    said = judged(net, rate, epochs)
    if all(number(one) == other for one, other in zip(said["losses"], alone.losses, strict=True)):
        assert (said["verdict"], said["trains"]) == (str(alone.verdict), alone.trains)


@for_each("name", ["worked", "mazur", "xor"])
def test_a_page_says_of_a_network_up_to_which_rate_it_trains_as_a_sweep_does(name):
    net = builtin(name)
    said = asked("limit", table=content(net).table(), epochs=70)["words"]
    assert said == sweep(net, [0.5], 70).finding


@given(st.lists(st.tuples(st.floats(-7, 7), st.floats(0.0001, 2)), max_size=4))
def test_a_page_searches_the_same_rates_as_a_sweep(pieces):
    intervals = [(10**low, 10 ** (low + length)) for low, length in pieces]
    limit = largest(lambda rate: any(low <= rate < high for low, high in intervals))
    said = asked("borders", table=limit_table(), epochs=70, intervals=intervals)
    assert said == {**asdict(limit), "failing": list(limit.failing), "words": limit.words(70)}


def test_the_table_has_every_condition_and_every_verdict():
    table = criteria_table()
    conditions = {it.name for it in vars(criteria).values() if isinstance(it, Condition)}
    assert table["conditions"].keys() == conditions
    assert table["meanings"].keys() == set(criteria.Verdict)
    assert [verdict for _, verdict in table["decisions"]] == [v for _, v in criteria.DECISIONS]
