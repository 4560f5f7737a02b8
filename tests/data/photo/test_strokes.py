from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.data.photo.strokes import PixelBox, near, strokes


def mask(picture: str) -> np.ndarray:
    return np.array([[mark == "#" for mark in row] for row in picture.split()])


def flooded(wanted: np.ndarray) -> set[frozenset[tuple[int, int]]]:
    """The connected parts, found one pixel after the other."""
    left, parts = set(zip(*map(np.ndarray.tolist, np.nonzero(wanted)), strict=True)), set()
    while left:
        part, todo = set(), [left.pop()]
        while todo:
            row, column = todo.pop()
            part.add((row, column))
            around = {(row + y, column + x) for y in (-1, 0, 1) for x in (-1, 0, 1)} & left
            left -= around
            todo += around
        parts.add(frozenset(part))
    return parts


@given(st.integers(1, 12), st.integers(1, 14), st.floats(0.05, 0.95), st.integers(0, 10_000))
def test_pixels_that_touch_are_one_stroke_and_no_others(rows, columns, share, seed):
    wanted = np.random.RandomState(seed).rand(rows, columns) < share
    labels, found = strokes(wanted)
    parts = {
        frozenset(zip(*map(np.ndarray.tolist, np.nonzero(labels == stroke.label)), strict=True))
        for stroke in found
    }
    assert parts == flooded(wanted)
    assert ((labels > 0) == wanted).all()


def test_the_largest_comes_first_with_its_area_and_box():
    labels, found = strokes(mask("#...  ...#  ..##"))
    assert [(s.area, s.box) for s in found] == [
        (3, PixelBox(1, 2, 3, 4)),
        (1, PixelBox(0, 0, 1, 1)),
    ]
    assert labels[0, 0] == found[1].label


def test_an_empty_mask_has_no_strokes():
    labels, found = strokes(np.zeros((3, 4), bool))
    assert found == []
    assert not labels.any()


@pytest.mark.parametrize("reach", [1, 2, 5])
def test_near_is_a_square_around_each_pixel(reach):
    wanted = np.zeros((9, 11), bool)
    wanted[4, 0] = True
    y, x = np.mgrid[:9, :11]
    assert np.array_equal(near(wanted, reach), (abs(y - 4) <= reach) & (x <= reach))


def test_a_box_can_be_seen_from_elsewhere():
    box = PixelBox(10, 20, 30, 60)
    assert (box.height, box.width, box.side) == (20, 40, 40)
    assert box.seen_from(10, 20, 0.5) == PixelBox(0, 0, 10, 20)
    assert box.wider(0.5).within(40, 70) == PixelBox(0, 0, 40, 70)
    assert box.holds(PixelBox(10, 20, 11, 21))
    assert not box.meets(PixelBox(30, 20, 40, 60))
