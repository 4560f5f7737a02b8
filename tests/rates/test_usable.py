from __future__ import annotations

from dataclasses import replace

import pytest

from gradbook.net import builtin
from gradbook.rates.criteria import Verdict
from gradbook.rates.sweep import sweep
from gradbook.rates.usable import usable_rate
from tests.rates.made import line


def test_a_rate_that_is_said_is_kept():
    assert usable_rate(replace(line(x=30), rate=7.0), 20) == 7.0


@pytest.mark.parametrize("name", ["worked", "mazur", "xor"])
def test_the_usual_rate_is_kept_where_it_descends(name):
    net = builtin(name)
    assert usable_rate(net, 70) == net.learning_rate


@pytest.mark.parametrize(("x", "expected"), [(3, 0.1), (10, 0.01), (30, 0.001)])
def test_of_a_parabola_it_goes_no_further_than_the_inverse_of_its_curvature(x, expected):
    net = line(x=x)
    assert usable_rate(net, 70) == expected
    assert sweep(net, [expected])[expected].verdict is Verdict.GOOD


def test_where_nothing_descends_the_usual_rate_stays():
    net = line(start=1)  # at its optimum
    assert usable_rate(net, 5) == net.learning_rate
