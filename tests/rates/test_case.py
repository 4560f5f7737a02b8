from __future__ import annotations

from math import log

import numpy as np
import pytest

from gradbook.net import parse
from gradbook.rates.case import Waves, least_loss, movement
from gradbook.rates.criteria import Verdict
from gradbook.rates.sweep import sweep
from tests.rates.made import WORKED


def test_the_least_loss_is_0_or_the_entropy_of_soft_targets():
    assert least_loss(WORKED) == 0
    soft = "input 1; dense 1; sigmoid; loss binary cross-entropy; sample 1 -> 0.5"
    assert least_loss(parse(soft)) == pytest.approx(log(2))
    assert least_loss(parse(soft.replace("0.5", "1"))) == 0


def test_soft_targets_leave_their_entropy_and_that_is_no_fault():
    net = parse("input 1; dense 1; sigmoid; loss binary cross-entropy; sample 1 -> 0.5")
    found = sweep(net, [2.0])[2.0]
    assert found.end == pytest.approx(log(2))
    assert found.verdict is Verdict.GOOD


@pytest.mark.parametrize(
    ("values", "count"),
    [([3, 2, 1], 0), ([1, 1.05, 1, 1.05], 0), ([1, 2, 1, 2], 2), ([1, 2, 3, 4], 1)],
)
def test_a_rise_is_a_tenth_or_more_above_the_last_low(values, count):
    assert Waves.of(np.array(values, float)).count == count


def test_movement_is_that_of_the_last_quarter_alone():
    assert movement(np.array([9.0, 5, 5, 5, 5, 5, 4, 4])) == 0
    assert movement(np.array([9.0, 5, 5, 5, 5, 5, 4, 3])) == 0.25
    assert movement(np.zeros(8)) == 0
