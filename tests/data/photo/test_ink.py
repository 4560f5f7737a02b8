from __future__ import annotations

import numpy as np
import pytest

from gradbook.data.photo.ink import ink

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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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
