from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from gradbook.report.images import MARGIN, SHEET_GAP, TITLE, WIDEST_SHEET, contact_sheet
from tests.data.made import pixels


def sheet(images, across=10, names=None, title="a title"):
    names = names or [str(i) for i in range(len(images))]
    return Image.open(BytesIO(contact_sheet(images, names, title, across)))


def test_small_images_are_enlarged_by_a_whole_number():
    images = pixels(3, 1, 28, 28)
    found = np.asarray(sheet(images))
    top = MARGIN + TITLE
    for i, image in enumerate(images):
        left = MARGIN + i * (84 + SHEET_GAP)
        assert np.array_equal(found[top : top + 84 : 3, left : left + 84 : 3, 0], image[0])
        assert np.array_equal(found[top + 2 : top + 84 : 3, left + 2 : left + 84 : 3, 1], image[0])


def test_colours_are_kept():
    images = np.broadcast_to(np.array([10, 20, 30], np.uint8)[:, None, None], (1, 3, 8, 8))
    found = sheet(images)
    assert found.getpixel((MARGIN + 20, MARGIN + TITLE + 20)) == (10, 20, 30)


def test_there_is_a_caption_below_each_image_and_a_title_above():
    found = np.asarray(sheet(pixels(1, 1, 28, 28), names=["W"]))
    below = found[MARGIN + TITLE + 84 + 2 : MARGIN + TITLE + 84 + 22, MARGIN : MARGIN + 84]
    assert below.min() < 150
    assert found[: MARGIN + TITLE - 2].min() < 100


@pytest.mark.parametrize("size", [1, 8, 28, 100, 224, 500])
@pytest.mark.parametrize("across", [1, 10, 1000])
def test_a_sheet_stays_narrow(size, across):
    assert sheet(pixels(12, 1, size, size), across).width <= WIDEST_SHEET


def test_a_long_name_is_cut_to_its_room():
    plain = np.asarray(sheet(pixels(2, 1, 28, 28), names=["i", "i"]))
    long = np.asarray(sheet(pixels(2, 1, 28, 28), names=["i" * 300, "i"]))
    right = MARGIN + 84 + SHEET_GAP
    assert plain.shape == long.shape
    assert np.array_equal(plain[:, right:], long[:, right:])


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1)])
def test_images_of_odd_shapes_are_put_on_a_sheet(shape):
    assert sheet(pixels(5, 1, *shape)).width <= WIDEST_SHEET
