from __future__ import annotations

from gradbook.net import builtin
from gradbook.rates.sweep import sweep
from gradbook.report.sweep import sweep_charts, sweep_svg


def test_gentle_and_violent_rates_have_a_chart_each(worked):
    gentle, violent = sweep_charts(worked)
    assert [curve.label for curve in gentle.curves] == ["0.05", "0.5", "2"]
    assert [curve.label for curve in violent.curves] == ["100", "1000", "10000"]
    assert len({curve.colour for chart in (gentle, violent) for curve in chart.curves}) == 6


def test_one_kind_of_rate_needs_but_one_chart():
    found = sweep(builtin("worked"), [0.1, 1], 5)
    assert [chart.title for chart in sweep_charts(found)] == ["Loss at the gentle rates"]


def test_the_picture_is_headed_by_the_network(worked):
    assert "What the learning rate does: worked, 70 epochs</text>" in sweep_svg(worked)


def test_the_picture_says_what_was_found_to_who_cannot_see_it(worked):
    assert f'aria-label="{worked.finding} Loss at' in sweep_svg(worked)
