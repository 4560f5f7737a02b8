from __future__ import annotations

from math import nan

import pytest

from gradbook.report.amounts import counted, percent, sureness


@pytest.mark.parametrize(
    ("share", "of", "words"),
    [
        (0.9952, 10_000, "99.52 %"),
        (1.0, 10_000, "100.00 %"),
        (0.975, 360, "97.5 %"),
        (0.3, 10, "30 %"),
        (0.5, 1, "50 %"),
        (0.99123, 60_000, "99.123 %"),
    ],
)
def test_a_share_has_as_many_decimals_as_one_of_so_many_is_worth(share, of, words):
    assert percent(share, of) == words


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (1.0, "100.0 %"),
        (0.99999, "> 99.9 %"),
        (0.5, "50.0 %"),
        (0.0001, "< 0.1 %"),
        (0.0, "0.0 %"),
        (nan, "–"),
    ],
)
def test_nearly_all_is_not_all_and_nearly_nothing_is_not_nothing(probability, words):
    assert sureness(probability) == words


def test_one_is_one():
    assert [counted(k, "class", "classes") for k in (0, 1, 1200)] == [
        "0 classes",
        "1 class",
        "1,200 classes",
    ]
