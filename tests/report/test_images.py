"""Pictures on pages, in characters and on a contact sheet."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from gradbook.report.images import (
    LARGEST,
    LEVELS,
    MARGIN,
    NEGATIVE,
    POSITIVE,
    SHEET_GAP,
    STRIP_GAP,
    TITLE,
    WIDEST_SHEET,
    Means,
    contact_sheet,
    image_lines,
    picture,
    signed_picture,
    strip,
)
from gradbook.report.styled_text import Span, plain
from tests.cases import for_each
from tests.data.made import pixels

RANDOM = np.random.default_rng(0)


def opened(address: str) -> Image.Image:
    kind, _, content = address.partition("base64,")
    assert kind == "data:image/png;"
    return Image.open(BytesIO(b64decode(content)))


@for_each("channels", [1, 3])
def test_a_picture_keeps_every_pixel(channels):
    pixels = RANDOM.integers(0, 256, (channels, 9, 7)).astype(np.uint8)
    array = np.asarray(opened(picture(pixels)))
    assert np.array_equal(array.reshape(9, 7, channels), pixels.transpose(1, 2, 0))


def test_a_large_picture_is_made_smaller():
    pixels = np.full((3, 400, 200), 77, np.uint8)
    page = opened(picture(pixels))
    assert max(page.size) <= LARGEST
    assert page.getpixel((3, 3)) == (77, 77, 77)


def test_a_large_layer_is_painted_by_the_means_of_its_blocks():
    values = np.zeros((300, 200))
    values[:4, :4] = 1
    found = opened(signed_picture(values, 1.0)).convert("RGBA")
    assert found.size == (50, 75)
    assert found.getpixel((0, 0))[3] == 255
    assert found.getpixel((1, 1))[3] == 0


def test_a_strip_has_paper_between_its_pictures():
    images = np.full((3, 1, 4, 5), 200, np.uint8)
    array = np.asarray(opened(strip(images, factor=2)))
    assert array.shape == (8, 2 * (3 * 5 + 2 * STRIP_GAP), 4)
    assert array[0, :, 3].tolist() == ([255] * 10 + [0] * 2 * STRIP_GAP) * 2 + [255] * 10


def test_zero_is_the_paper_and_the_sign_is_the_colour():
    values = np.array([[0.0, 2.0, -2.0, 1.0, np.nan, 9.0]])
    found = np.asarray(opened(signed_picture(values, 2.0)).convert("RGBA"))[0]
    assert found[:, 3].tolist() == [0, 255, 255, 128, 0, 255]
    assert tuple(found[1, :3]) == POSITIVE
    assert tuple(found[2, :3]) == NEGATIVE


def test_a_value_is_painted_as_strong_as_it_is():
    values = np.linspace(-1, 1, 81)[None]
    strength = np.asarray(opened(signed_picture(values, 1.0)).convert("RGBA"))[0, :, 3] / 255
    assert strength == pytest.approx(np.abs(values[0]), abs=0.51 / LEVELS)


def test_nothing_at_all_is_paper():
    array = np.asarray(opened(signed_picture(np.zeros((2, 2)), 0.0)).convert("RGBA"))
    assert not array[..., 3].any()


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


@for_each("means", Means)
def test_an_image_of_one_grey_is_drawn(means):
    assert len(image_lines(np.full((1, 1, 4, 4), 7, np.uint8), ["a"], 80, means)) == 3


def sheet(images, across=10, names=None, title="a title"):
    names = names or [str(i) for i in range(len(images))]
    return Image.open(BytesIO(contact_sheet(images, names, title, across)))


def test_small_images_are_enlarged_by_a_whole_number():
    images = pixels(3, 1, 28, 28)
    array = np.asarray(sheet(images))
    top = MARGIN + TITLE
    for i, image in enumerate(images):
        left = MARGIN + i * (84 + SHEET_GAP)
        assert np.array_equal(array[top : top + 84 : 3, left : left + 84 : 3, 0], image[0])
        assert np.array_equal(array[top + 2 : top + 84 : 3, left + 2 : left + 84 : 3, 1], image[0])


def test_colours_are_kept():
    images = np.broadcast_to(np.array([10, 20, 30], np.uint8)[:, None, None], (1, 3, 8, 8))
    found = sheet(images)
    assert found.getpixel((MARGIN + 20, MARGIN + TITLE + 20)) == (10, 20, 30)


def test_there_is_a_caption_below_each_image_and_a_title_above():
    array = np.asarray(sheet(pixels(1, 1, 28, 28), names=["W"]))
    below = array[MARGIN + TITLE + 84 + 2 : MARGIN + TITLE + 84 + 22, MARGIN : MARGIN + 84]
    assert below.min() < 150
    assert array[: MARGIN + TITLE - 2].min() < 100


@for_each("size", [1, 8, 28, 100, 224, 500])
@for_each("across", [1, 10, 1000])
def test_a_sheet_stays_narrow(size, across):
    assert sheet(pixels(12, 1, size, size), across).width <= WIDEST_SHEET


def test_a_long_name_is_cut_to_its_room():
    plain = np.asarray(sheet(pixels(2, 1, 28, 28), names=["i", "i"]))
    long = np.asarray(sheet(pixels(2, 1, 28, 28), names=["i" * 300, "i"]))
    right = MARGIN + 84 + SHEET_GAP
    assert plain.shape == long.shape
    assert np.array_equal(plain[:, right:], long[:, right:])


@for_each("shape", [(1, 1), (1, 300), (300, 1)])
def test_images_of_odd_shapes_are_put_on_a_sheet(shape):
    assert sheet(pixels(5, 1, *shape)).width <= WIDEST_SHEET
