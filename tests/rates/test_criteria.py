from __future__ import annotations

from math import log

import numpy as np
import pytest

from gradbook.net import parse
from gradbook.rates.criteria import (
    Condition,
    Either,
    Every,
    Measure,
    Verdict,
    Waves,
    holds,
    least_loss,
    movement,
)
from gradbook.rates.sweep import sweep
from tests.cases import for_each
from tests.rates.made import WORKED

A, B = Measure("a"), Measure("b")
NUMBERS = {A: 2.0, B: 5.0}


@for_each(
    ("condition", "expected"),
    [
        (A < 2, False),
        (A <= 2, True),
        (B > A, True),
        (B >= 2.5 * A, True),
        (B > 2.5 * A, False),
        ((A < B) & (B < A), False),
        ((A < B) | (B < A), True),
        (~(A < B), False),
        (Condition("a is less", A < B), True),
    ],
)
def test_a_condition_is_answered_from_numbers(condition, expected):
    assert holds(condition, NUMBERS.__getitem__) is expected


def test_nothing_is_measured_that_the_answer_does_not_take():
    asked = []

    def number(measure):
        asked.append(measure)
        return NUMBERS[measure]

    assert not holds((A > 3) & (B > 3), number)
    assert holds((A < 3) | (B > 3), number)
    assert asked == [A, A]


def test_conditions_of_one_kind_are_joined_flat():
    assert isinstance((A < 1) & (A < 2) & (A < 3), Every)
    assert len(((A < 1) & (A < 2) & (A < 3)).parts) == 3
    assert len(((A < 1) | (A < 2) | (A < 3)).parts) == 3
    assert isinstance((A < 1) | (A < 2), Either)


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


@for_each(
    ("values", "count"),
    [([3, 2, 1], 0), ([1, 1.05, 1, 1.05], 0), ([1, 2, 1, 2], 2), ([1, 2, 3, 4], 1)],
)
def test_a_rise_is_a_tenth_or_more_above_the_last_low(values, count):
    assert Waves.of(np.array(values, float)).count == count


def test_movement_is_that_of_the_last_quarter_alone():
    assert movement(np.array([9.0, 5, 5, 5, 5, 5, 4, 4])) == 0
    assert movement(np.array([9.0, 5, 5, 5, 5, 5, 4, 3])) == 0.25
    assert movement(np.zeros(8)) == 0
