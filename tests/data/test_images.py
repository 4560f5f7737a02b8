from __future__ import annotations

import numpy as np
import pytest

from gradbook.data.images import Framing, Images, framing
from gradbook.data.sources import load
from gradbook.errors import DataError


def images(pixels: np.ndarray) -> Images:
    return Images(pixels[:, None], np.zeros(len(pixels), np.int32))


def boxes(count: int, side: int, at: int = 4) -> np.ndarray:
    """Light boxes of random height, all of one width, on black images of 28 by 28."""
    random = np.random.RandomState(0)
    pixels = np.zeros((count, 28, 28), np.uint8)
    for image in pixels:
        height = random.randint(2, side // 2) * 2
        top = at + (side - height) // 2
        image[top : top + height, at : at + side] = 255
    return pixels


def test_the_digits_are_20_pixels_long_and_centred_by_mass():
    assert framing(load("digits").training) == Framing(20, by_mass=True)


def test_images_may_be_centred_by_their_boxes():
    pixels = boxes(60, 22, at=3)
    pixels[:, 3:25, 3:6] = 255  # heavier on the left, so not by their mass
    assert framing(images(pixels)) == Framing(22, by_mass=False)


def test_images_that_lie_anywhere_have_no_framing():
    pixels = boxes(60, 16)
    pixels[:30] = np.roll(pixels[:30], 6, axis=2)
    assert framing(images(pixels)) is None


@pytest.mark.parametrize(
    "pixels",
    [
        np.random.RandomState(0).randint(0, 256, (60, 28, 28)).astype(np.uint8),
        np.zeros((60, 28, 28), np.uint8),
        np.zeros((0, 28, 28), np.uint8),
        np.full((60, 28, 28), 255, np.uint8),
    ],
    ids=["noise", "black", "none", "white"],
)
def test_what_fills_its_image_or_is_empty_has_no_framing(pixels):
    assert framing(images(pixels)) is None


def test_a_set_whose_images_reach_the_rim_has_no_framing():
    assert framing(load("digits8").training) is None


@pytest.mark.parametrize("found", [Framing(20, True), Framing(5, False)])
def test_it_is_written_and_read_alike(found):
    assert Framing.parse(str(found)) == found


@pytest.mark.parametrize("text", ["", "20", "20 centred by eye", "99999 centred by mass", "0 c"])
def test_a_text_that_says_no_framing_is_refused(text):
    with pytest.raises(DataError, match="framing is written '20 centred by mass'"):
        Framing.parse(text)
