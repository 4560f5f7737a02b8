"""Pictures that hold several signs: each is found, in the order in which people read."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from gradbook.data.photo.several import each_sign
from gradbook.data.photo.subject import NoSign
from gradbook.data.sources import load
from tests.data.photos import several

PLACES = [(20, 30), (90, 22), (170, 35), (25, 150), (100, 160)]  # two lines, left to right


def sheet(places, size=(260, 240)) -> Image.Image:
    """A white sheet with an upright stroke below each place."""
    picture = Image.new("RGB", size, "white")
    for x, y in places:
        ImageDraw.Draw(picture).line((x, y, x + 12, y + 70), fill="black", width=8)
    return picture


def test_signs_come_line_by_line_from_left_to_right():
    found = [box for box, _ in each_sign(sheet(PLACES[::-1]))]
    corners = np.array([(box.left, box.top) for box in found])
    assert corners == pytest.approx(np.array(PLACES), abs=8)  # a line of 8 pixels begins before it


def test_what_is_cut_out_holds_one_sign_alone():
    crowded = sheet([(20, 30), (48, 30), (76, 30)])
    for _, part in each_sign(crowded):
        dark = (np.asarray(part.convert("L")) < 128).any(0)
        assert np.diff(dark.astype(int), prepend=0).clip(0).sum() == 1  # one run of columns


def test_dirt_and_frames_are_no_signs():
    picture = sheet(PLACES[:3], size=(260, 130))
    ImageDraw.Draw(picture).rectangle((2, 2, 257, 127), outline="grey", width=2)
    ImageDraw.Draw(picture).ellipse((140, 110, 143, 113), fill="black")
    assert len(each_sign(picture)) == 3


@pytest.mark.parametrize("colour", ["white", "black", "navy"])
def test_an_empty_sheet_has_none(colour):
    with pytest.raises(NoSign):
        each_sign(Image.new("RGB", (200, 100), colour))


@pytest.mark.parametrize("seed", range(12))
def test_all_digits_of_a_photo_are_found(seed):
    chosen = np.random.RandomState(seed).randint(60_000, size=2 + seed % 6)
    digits = load("digits").training_and_validation.pixels[chosen, 0]
    assert len(each_sign(several(digits, seed, lines=1 + seed % 2))) == len(digits)
