from __future__ import annotations

from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.report.charts import EVEN, LOG, TOWARDS, Chart, Curve, chart_lines
from gradbook.report.styled_text import plain
from tests.cases import for_each

shares = st.lists(st.floats(0, 1), min_size=1, max_size=8).map(np.array)
rates = st.lists(st.floats(0, 1e3), min_size=1, max_size=8).map(np.array)


def test_from_99_to_999_is_as_far_as_from_90_to_99():
    places = [TOWARDS.place(share) for share in (0, 0.9, 0.99, 0.999)]
    assert places == pytest.approx([0, 1, 2, 3])


@for_each("scale", [LOG, EVEN, TOWARDS])
def test_what_is_no_number_has_no_place(scale):
    assert isnan(scale.place(nan))


def test_all_of_it_lies_beyond_the_chart():
    assert TOWARDS.place(1.0) == inf
    chart = Chart("accuracy", (Curve("a", np.array([0.9, 0.99, 1.0]), "#000"),), scale=TOWARDS)
    assert chart.height(0.9) < chart.height(0.99) < 1 < chart.height(1.0)
    assert chart.label(chart.curves[0]) == "a ↑"


@given(shares)
def test_every_share_but_all_lies_between_the_ends(values):
    low, high = TOWARDS.ends(values, values[:1].tolist())
    assert low < high
    for value in values[values < 1 - 1e-7]:
        assert low <= TOWARDS.place(float(value)) <= high


@given(rates)
def test_even_steps_begin_at_nothing_and_have_room_above(values):
    low, high = EVEN.ends(values, values[:1].tolist())
    assert low == 0
    assert high > max(values) or high == 1


@for_each(
    ("values", "levels"),
    [
        ([0.981, 0.9952], ["98 %", "99 %", "99.5 %", "99.8 %"]),
        ([0.1, 0.4], ["0 %", "50 %"]),
        ([0.31, 0.99997], ["0 %", "90 %", "99 %", "99.9 %", "99.99 %"]),
        ([1.0, 1.0], ["90 %", "95 %", "98 %", "99 %", "99.5 %"]),
    ],
)
def test_an_axis_of_shares_names_round_ones(values, levels):
    chart = Chart("accuracy", (Curve("", np.array(values), "#000"),), scale=TOWARDS)
    assert [TOWARDS.tick(level)[0] for level in chart.levels] == levels


def test_an_axis_of_rates_names_even_steps():
    chart = Chart("rate", (Curve("", np.array([0.04, 0.2, 0.1, 0.0]), "#000"),), scale=EVEN)
    assert [EVEN.tick(level)[0] for level in chart.levels] == ["0", "0.05", "0.1", "0.15", "0.2"]
    still = Chart("rate", (Curve("", np.zeros(3), "#000"),), scale=EVEN)
    assert still.height(0.0) == 0


def test_a_terminal_draws_shares_too():
    chart = Chart("accuracy", (Curve("a", np.array([0.9, 0.99, 0.995]), "#000"),), scale=TOWARDS)
    drawn = plain(chart_lines(chart, 60, 10))
    assert "99.5 %" in drawn
