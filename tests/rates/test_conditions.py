from __future__ import annotations

import pytest

from gradbook.rates.conditions import Condition, Either, Every, Measure, holds

A, B = Measure("a"), Measure("b")
NUMBERS = {A: 2.0, B: 5.0}


@pytest.mark.parametrize(
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
