"""Whatever a digit is drawn on, the network sees it as one of MNIST's."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from gradbook.data.dataset import Framing
from gradbook.data.formats import pictures
from gradbook.data.photo import as_seen, ground_behind, ink, stroke_width
from gradbook.data.signs import NoSign
from gradbook.data.sources import load
from tests.cases import for_each
from tests.data.photos import PLAIN, Kinds, photo

DIGITS = Framing(20, by_mass=True)
SHAPE = (1, 28, 28)


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    """Of the digits' training images: (images, 28, 28)."""
    return load("digits").training.pixels[:60, 0]


def seen(image: Image.Image) -> np.ndarray:
    return as_seen(image.convert("RGB"), SHAPE, DIGITS)[0]


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """1 if they are alike but for brightness; one may lie a pixel beside the other."""
    shifts = [(down, across) for down in (-1, 0, 1) for across in (-1, 0, 1)]
    shifted = [np.roll(one, shift, axis=(0, 1)).ravel() for shift in shifts]
    return max(float(np.corrcoef(image, other.ravel())[0, 1]) for image in shifted)


@for_each("inverted", [False, True])
def test_an_image_like_the_digits_comes_through_nearly_unchanged(digits, inverted):
    for digit in digits[:20]:
        drawn = Image.fromarray(255 - digit if inverted else digit)
        assert abs(seen(drawn).astype(int) - digit).max() <= 26


def test_every_image_is_framed_as_the_digits_are(digits):
    for number, digit in enumerate(digits[:20]):
        image = seen(photo(digit, number)).astype(float)
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
        places = np.arange(28) + 0.5
        middle = [image.sum(1) @ places / image.sum(), image.sum(0) @ places / image.sum()]
        assert all(14 <= place <= 15 for place in middle)
        assert image.max() == 255


@for_each(
    ("kinds", "least"),
    [
        (PLAIN, 0.85),
        (Kinds(True, False, False, False, False), 0.85),
        (Kinds(False, True, False, False, False), 0.85),
        (Kinds(False, False, False, True, False), 0.85),
        (Kinds(False, False, False, False, True), 0.85),
    ],
    ids=["drawn", "lit", "noisy", "on a table", "ruled"],
)
def test_a_photo_looks_like_the_digit_it_is_of(kinds, least, digits):
    for number, digit in enumerate(digits[:20]):
        assert likeness(seen(photo(digit, number, kinds)), digit) > least


@for_each("ink", [0, 255])
def test_ink_on_nothing_is_seen_whether_dark_or_light(ink, digits, tmp_path):
    alpha = Image.fromarray(digits[0]).resize((112, 112))
    drawn = Image.merge("LA", [Image.new("L", alpha.size, ink), alpha])
    drawn.save(tmp_path / "a.png")
    assert likeness(seen(pictures.read(tmp_path / "a.png", ground_behind)), digits[0]) > 0.95


def test_the_corners_of_a_cut_out_photo_are_paper(digits, tmp_path):
    drawn = Image.fromarray(255 - digits[2]).resize((200, 200)).convert("RGBA")
    corner = Image.new("L", drawn.size, 255)
    corner.paste(0, (0, 0, 60, 30))
    drawn.putalpha(corner)
    drawn.save(tmp_path / "a.png")
    assert likeness(seen(pictures.read(tmp_path / "a.png", ground_behind)), digits[2]) > 0.95


@for_each("suffix", [".jpg", ".png"])
def test_a_picture_that_is_far_too_large_is_made_smaller(suffix, digits, tmp_path):
    Image.fromarray(255 - digits[3]).resize((4000, 4000)).save(tmp_path / f"a{suffix}")
    found = pictures.read(tmp_path / f"a{suffix}", ground_behind, 1000)
    assert found.size == (1000, 1000)
    assert likeness(seen(found), digits[3]) > 0.95


@for_each("width", [1, 3])
def test_a_thin_pen_on_a_large_sheet_is_made_a_usual_one(width):

    sheet = Image.new("L", (900, 900), 255)
    ImageDraw.Draw(sheet).line((300, 200, 600, 200, 400, 700), fill=0, width=width)
    assert 1.3 < stroke_width(seen(sheet) / 255) < 2.6


def test_a_digit_cropped_to_its_edges_is_read_whole(digits):
    for digit in digits[:20]:
        rows, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
        tight = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        large = Image.fromarray(255 - tight).resize((tight.shape[1] * 9, tight.shape[0] * 9))
        if tight.mean() < 105:  # in the others there is more ink than paper
            assert likeness(seen(large), digit) > 0.9


def sheet(digit: np.ndarray, side: int = 300) -> np.ndarray:
    """The digit in blue in the middle of a white sheet, from 0 to 1."""
    drawn = Image.fromarray(digit).resize((side * 3 // 5, side * 3 // 5), Image.Resampling.BICUBIC)
    page = np.pad(np.asarray(drawn, float) / 255, side // 5)
    return 1 - page[..., None] * (0.9, 0.9, 0.6)


def painted(colours: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8))


@for_each(("strength", "least"), [(0.15, 0.8), (0.3, 0.8), (0.5, 0.65)])
@for_each("squared", [False, True])
def test_lines_on_paper_are_no_ink(squared, strength, least, digits):
    for digit in digits[:6]:
        page = sheet(digit)
        for first in range(7, len(page), 25):
            page[first : first + 2] -= strength
            page[:, first : first + 2] -= strength * squared
        assert likeness(seen(painted(np.maximum(page, 0.1))), digit) > least


@for_each("angle", [0, 12, -25])
@for_each("side", [120, 220])
def test_a_card_on_a_wooden_table_is_looked_at_alone(side, angle, digits):
    y, x = np.mgrid[:300, :400]
    grain = 0.35 + 0.08 * np.sin(x / 9 + 3 * np.sin(y / 80))
    for digit in digits[:6]:
        table = painted(grain[..., None] * (1.2, 0.8, 0.5))
        card = painted(sheet(digit)).resize((side, side)).convert("RGBA")
        turned = card.rotate(angle, expand=True, resample=Image.Resampling.BICUBIC)
        table.paste(turned, (200 - turned.width // 2, 150 - turned.height // 2), turned)
        alone = painted(sheet(digit)).rotate(angle, expand=True, fillcolor="white")
        assert likeness(seen(table), seen(alone)) > 0.9


def test_a_digit_with_holes_is_no_card_and_no_grid(digits):
    for digit in digits[:60]:
        rows = np.repeat(np.repeat(255 - digit, 12, axis=0), 12, axis=1)
        assert seen(Image.fromarray(rows)).any()


def blank(*colour: int) -> Image.Image:
    return Image.new("RGB", (300, 200), colour)


def dotted() -> Image.Image:
    page = np.full((200, 200), 255, np.uint8)
    for row in range(10, 16):
        page[row:190:20, 10:190:20] = 0
    page[10:190:20, 11:190:20] = 0
    return Image.fromarray(page)


def blot() -> Image.Image:
    y, x = np.mgrid[:200, :200]
    return Image.fromarray(np.where((y - 90) ** 2 + (x - 100) ** 2 < 3000, 0, 255).astype(np.uint8))


@for_each(
    ("image", "line"),
    [
        (blank(255, 255, 255), "blank: nothing is drawn on it"),
        (blank(12, 60, 30), "blank: nothing is drawn on it"),
        (Image.new("RGB", (1, 1)), "blank: nothing is drawn on it"),
        (blot(), "no digit found: the only mark is a blot"),
        (dotted(), "too many strokes for one digit: crop it to one"),
        (Image.linear_gradient("L"), "blank: nothing is drawn on it"),
    ],
    ids=["white", "green", "one pixel", "blot", "dots", "a gradient"],
)
def test_a_picture_without_a_digit_is_said_to_have_none(image, line):
    with pytest.raises(NoSign, match=f"^{line}$"):
        seen(image)


def test_two_digits_are_not_read_as_one(digits):
    both = np.concatenate([digits[0], digits[1]], axis=1)
    with pytest.raises(NoSign, match="2 separate signs"):
        seen(Image.fromarray(255 - both).resize((560, 280)))


def test_without_a_framing_a_picture_is_only_stretched():
    image = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).convert("RGB")
    assert np.array_equal(as_seen(image, (1, 8, 8), None)[0], np.asarray(image)[..., 0])
    assert as_seen(image, (3, 5, 4), None).shape == (3, 5, 4)


def test_a_framing_by_boxes_puts_the_box_in_the_middle(digits):
    image = as_seen(photo(digits[0], 0, PLAIN), (1, 32, 32), Framing(24, by_mass=False))[0]
    rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 24
    assert abs(rows[0] + rows[-1] - 31) <= 1
    assert abs(columns[0] + columns[-1] - 31) <= 1


@for_each(
    ("left", "right"),  # pen and paper of each
    [
        (((117, 119, 152), (247, 198, 145)), ((89, 103, 211), (23, 219, 49))),
        (((21, 219, 31), (182, 223, 37)), ((236, 28, 33), (44, 40, 104))),
        (((171, 63, 238), (75, 232, 106)), ((118, 92, 162), (239, 9, 165))),
    ],
)
def test_pictures_side_by_side_are_not_called_blank(left, right):
    """Noisy sheets of different colours, with a stroke on each: there is no one paper."""
    pens = np.zeros((120, 120, 1), bool)
    pens[30:90, 55:65] = True
    both = np.concatenate([np.where(pens, *left), np.where(pens, *right)], axis=1)
    noise = np.random.default_rng(1).normal(0, 6, both.shape)
    with pytest.raises(NoSign, match="nothing in it stands out from the background"):
        seen(Image.fromarray(np.clip(both + noise, 0, 255).astype(np.uint8)))


ROWS, COLUMNS = 120, 160


def bar(amount: float = 1.0) -> np.ndarray:
    """How much ink: an upright bar in the middle."""
    page = np.zeros((ROWS, COLUMNS))
    page[30:90, 70:85] = amount
    return page


def picture(page, paper=(0.9, 0.9, 0.85), pen=(0.1, 0.1, 0.3), light=1.0, noise=0.0):
    colours = np.array(paper) + (np.array(pen) - np.array(paper)) * page[..., None]
    colours = colours * np.broadcast_to(light, page.shape)[..., None]
    colours = colours + np.random.RandomState(0).normal(0, noise, colours.shape)
    return np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8)


def slope(low: float) -> np.ndarray:
    return np.linspace(low, 1, COLUMNS) * np.ones((ROWS, 1))


def shadow(depth: float) -> np.ndarray:
    return 1 - depth / (1 + np.exp((np.arange(COLUMNS) - 60) / 6)) * np.ones((ROWS, 1))


@for_each(
    "seen",
    [
        picture(bar()),
        picture(bar(), (0, 0, 0), (1, 1, 1)),
        picture(bar(), (1, 1, 1), (1, 1, 0)),
        picture(bar(), (0.7, 0.2, 0.2), (0.2, 0.55, 0.2)),
        picture(bar(), light=slope(0.5)),
        picture(bar(), light=shadow(0.35), noise=0.02),
        picture(bar(), (0.1, 0.2, 0.1), (0.9, 0.9, 0.8), light=slope(0.6), noise=0.03),
    ],
    ids=["pen", "chalk", "yellow", "equal-brightness", "slope", "shadow", "board"],
)
def test_ink_is_found_by_any_light_in_any_colour(seen):
    found = ink(seen)
    assert (found.strokes == (bar() > 0)).mean() > 0.995


def test_ink_on_even_paper_keeps_its_greys_to_the_bit():
    page = np.zeros((28, 28), np.uint8)
    page[8:20, 10:14] = np.random.RandomState(0).randint(1, 256, (12, 4))
    page[8, 10:13] = 255
    found = ink(np.repeat(page[..., None], 3, axis=2))
    assert np.allclose(found.amount * 255, page, atol=14)  # the strongest tenth is full strength
    assert not found.amount[page == 0].any()


@for_each(
    "seen",
    [
        picture(np.zeros((ROWS, COLUMNS))),
        picture(np.zeros((ROWS, COLUMNS)), light=slope(0.6)),
        picture(np.zeros((ROWS, COLUMNS)), noise=0.03),
        picture(bar(0.02)),
        np.zeros((1, 1, 3), np.uint8),
        np.full((1, 90, 3), 7, np.uint8),
    ],
    ids=["paper", "slope", "noise", "a shade", "a pixel", "a line"],
)
def test_paper_alone_has_no_ink(seen):
    assert ink(seen) is None


def test_noise_raises_what_can_be_told_from_paper():
    assert ink(picture(bar(), noise=0.03)).faintest > 2 * ink(picture(bar())).faintest
