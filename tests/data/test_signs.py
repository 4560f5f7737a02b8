from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from gradbook.data.signs import NoSign, PixelBox, near, strokes, subject
from tests.cases import for_each


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


@for_each("reach", [1, 2, 5])
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


SIZE = 200


def page(*shapes) -> np.ndarray:
    """A page with lines of ink: each ('line' | 'box' | 'fill', coordinates x, y, x, y …)."""
    image = Image.new("1", (SIZE, SIZE))
    draw = ImageDraw.Draw(image)
    for kind, *places in shapes:
        match kind:
            case "line":
                draw.line(places, fill=1, width=8)
            case "box":
                draw.rectangle(places, outline=1, width=3)
            case "fill":
                draw.rectangle(places, fill=1)
    return np.array(image)


ONE = ("line", 100, 60, 100, 140)
DIGIT = page(ONE)


def test_one_stroke_is_the_sign():
    found = subject(DIGIT)
    assert np.array_equal(found.mask, DIGIT)
    assert found.box.height >= 80


@for_each(
    "others",
    [
        [("fill", 20, 20, 22, 22)],
        [("fill", 0, 0, SIZE, 14)],
        [("fill", 0, 0, 20, SIZE), ("fill", 0, 180, SIZE, SIZE)],
        [("box", 2, 2, 197, 197)],
        [("box", 40, 40, 160, 160)],
        [("box", 30, 30, 170, 170), ("box", 40, 40, 160, 160)],
        [("line", 40, 40, 40, 160, 160, 160, 160, 40)],
        [("fill", 0, 80, 3, 110)],
    ],
    ids=["dirt", "rim", "table", "border", "box", "boxes", "open box", "rim's shadow"],
)
def test_what_lies_around_is_no_part_of_it(others):
    assert np.array_equal(subject(page(ONE, *others)).mask, DIGIT)


@for_each(
    "strokes",
    [
        [("line", 60, 70, 60, 140, 110, 140), ("line", 66, 52, 115, 55)],
        [("line", 60, 60, 60, 105, 84, 105), ("line", 94, 60, 94, 150)],
        [("line", 60, 40, 120, 40), ("line", 112, 52, 90, 150)],
    ],
    ids=["the roof of a 5", "the halves of a 4", "a broken 7"],
)
def test_strokes_of_one_digit_belong_together(strokes):
    assert np.array_equal(subject(page(*strokes)).mask, page(*strokes))


@for_each(
    ("shapes", "line"),
    [
        (
            [ONE, ("line", 140, 60, 140, 140)],
            "2 separate signs: crop it to one",
        ),
        ([ONE, ("line", 50, 60, 50, 140), ("line", 150, 60, 150, 140)], "3 separate signs"),
        ([("line", 60, 20, 90, 80), ("line", 60, 110, 90, 170)], "2 separate signs"),
        (
            [("fill", x, y, x + 6, y + 6) for x in range(20, 180, 30) for y in range(20, 180, 30)],
            "too many strokes for one digit: crop it to one",
        ),
        ([], "no digit found: nothing large enough stands out"),
        ([("fill", 90, 90, 92, 92)], "no digit found: nothing large enough stands out"),
    ],
    ids=["two", "three", "below", "many", "none", "a dot"],
)
def test_what_is_not_one_digit_is_said(shapes, line):
    with pytest.raises(NoSign, match=f"^{line}"):
        subject(page(*shapes))


def test_of_several_signs_the_one_that_is_meant_can_be_said():
    two = page(ONE, ("line", 150, 60, 150, 140))
    assert np.array_equal(subject(two, PixelBox(50, 90, 150, 110)).mask, DIGIT)


def test_a_digit_that_fills_its_picture_is_no_border():
    tight = DIGIT[59:142, 96:105]
    assert subject(tight).mask.sum() == DIGIT.sum()
