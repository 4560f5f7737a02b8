from __future__ import annotations

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from gradbook.report.images import (
    LARGEST,
    LEVELS,
    NEGATIVE,
    POSITIVE,
    STRIP_GAP,
    card,
    cards,
    line,
    picture,
    signed_picture,
    strip,
)

RANDOM = np.random.default_rng(0)


def opened(address: str) -> Image.Image:
    kind, _, content = address.partition("base64,")
    assert kind == "data:image/png;"
    return Image.open(BytesIO(b64decode(content)))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_keeps_every_pixel(channels):
    pixels = RANDOM.integers(0, 256, (channels, 9, 7)).astype(np.uint8)
    found = np.asarray(opened(picture(pixels)))
    assert np.array_equal(found.reshape(9, 7, channels), pixels.transpose(1, 2, 0))


def test_a_large_picture_is_made_smaller():
    pixels = np.full((3, 400, 200), 77, np.uint8)
    found = opened(picture(pixels))
    assert max(found.size) <= LARGEST
    assert found.getpixel((3, 3)) == (77, 77, 77)


def test_a_large_layer_is_painted_by_the_means_of_its_blocks():
    values = np.zeros((300, 200))
    values[:4, :4] = 1
    found = opened(signed_picture(values, 1.0)).convert("RGBA")
    assert found.size == (50, 75)
    assert found.getpixel((0, 0))[3] == 255
    assert found.getpixel((1, 1))[3] == 0


def test_a_strip_has_paper_between_its_pictures():
    images = np.full((3, 1, 4, 5), 200, np.uint8)
    found = np.asarray(opened(strip(images, factor=2)))
    assert found.shape == (8, 2 * (3 * 5 + 2 * STRIP_GAP), 4)
    assert found[0, :, 3].tolist() == ([255] * 10 + [0] * 2 * STRIP_GAP) * 2 + [255] * 10


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
    found = np.asarray(opened(signed_picture(np.zeros((2, 2)), 0.0)).convert("RGBA"))
    assert not found[..., 3].any()


PIXELS = np.zeros((1, 4, 4), np.uint8)


def test_a_card_says_which_image_it_is_and_what():
    html = card(PIXELS, 41, "<six>", [line("is", "6"), line("wrong", "", "2 of 3")])
    assert 'alt="test image 42: &lt;six&gt;"' in html
    assert '<div><dt title="6">is <b>6</b></dt></div>' in html
    assert '<dt title="">wrong</dt><dd>2 of 3</dd>' in html


def test_no_cards_are_nothing():
    assert cards([]) == ""
    assert cards([card(PIXELS, 0, "a", [])]).startswith('<ol class="gallery">')
