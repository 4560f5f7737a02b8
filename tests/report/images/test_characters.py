from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gradbook.report.images import Means, image_lines
from gradbook.report.words import Span, plain


def image(*rows: str) -> np.ndarray:
    """'.#' is a dark pixel and a bright one."""
    return np.array([[255 * (mark == "#") for mark in row] for row in rows], np.uint8)[None]


RING = image(".###.", ".#.#.", ".###.", ".....")


def drawn(images, names, width=80, means=Means.BLOCKS):
    return plain(image_lines(np.array(images), names, width, means))


def test_half_blocks_show_two_rows_a_line():
    assert drawn([RING], ["o"]) == " █▀█\n ▀▀▀\n  o\n"


def test_letters_show_the_ink_of_two_rows():
    assert drawn([RING], ["o"], means=Means.LETTERS) == " @=@\n ===\n  o\n"


def test_colours_are_the_pixels_themselves():
    colours = np.array([[[1, 4]], [[2, 5]], [[3, 6]]], np.uint8)  # red, green, blue; one row of 2
    line, *_ = image_lines(colours[None], ["x"], 80, Means.COLOURS)
    assert line == [
        Span("▀", "rgb(1,2,3) on rgb(1,2,3)"),
        Span("▀", "rgb(4,5,6) on rgb(4,5,6)"),
    ]


def test_pixels_of_one_colour_are_said_at_once():
    line, *_ = image_lines(RING[None], ["o"], 80, Means.COLOURS)
    assert [piece.text for piece in line] == ["▀", "▀", "▀", "▀", "▀"]
    line, *_ = image_lines(np.zeros((1, 1, 2, 5), np.uint8), ["o"], 80, Means.COLOURS)
    assert line == [Span("▀▀▀▀▀", "rgb(0,0,0) on rgb(0,0,0)")]


def test_as_many_stand_side_by_side_as_there_is_room_for():
    assert drawn([RING, RING, RING], list("abc"), width=12) == (
        " █▀█    █▀█\n ▀▀▀    ▀▀▀\n  a      b\n\n █▀█\n ▀▀▀\n  c\n"
    )


def test_a_large_image_is_made_smaller():
    lines = image_lines(np.zeros((1, 3, 300, 200), np.uint8), ["a"], 80, Means.LETTERS)
    assert len(lines[0][0].text) == 40
    assert len(lines) == 30 + 1


@given(
    arrays.arrays(
        "u1",
        st.tuples(
            st.integers(1, 3), st.sampled_from([1, 3]), st.integers(1, 50), st.integers(1, 50)
        ),
    ),
    st.integers(1, 100),
    st.sampled_from(Means),
)
def test_whatever_the_sizes_no_line_is_too_wide(pixels, width, means):
    lines = image_lines(pixels, ["a name that is long"] * len(pixels), width, means)
    assert max(sum(len(piece.text) for piece in line) for line in lines) <= width


@pytest.mark.parametrize("means", Means)
def test_an_image_of_one_grey_is_drawn(means):
    assert len(image_lines(np.full((1, 1, 4, 4), 7, np.uint8), ["a"], 80, means)) == 3
