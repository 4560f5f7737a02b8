from __future__ import annotations

import pytest

from gradbook.data.plane import KINDS, POINTS, points

by_kind = pytest.mark.parametrize("kind", KINDS)


@by_kind
def test_points_are_the_same_every_time_and_near_the_middle(kind):
    found = points(kind)
    assert found == points(kind)
    assert len(found) == POINTS
    assert all(abs(x) < 1.1 and abs(y) < 1.1 for x, y, _ in found)


@by_kind
def test_both_classes_are_there_in_like_numbers(kind):
    second = sum(which for *_, which in points(kind))
    assert POINTS / 3 < second < POINTS * 2 / 3


def test_the_classes_are_told_apart_by_their_rules():
    assert all((x * y < 0) == bool(which) for x, y, which in points("xor"))
    assert all((x * x + y * y < 0.3) == bool(which) for x, y, which in points("circle"))
    assert all((x + 0.5 * y > 0) == bool(which) for x, y, which in points("halves"))
