from __future__ import annotations

import numpy as np

from gradbook.report.images.cards import card, cards, line

PIXELS = np.zeros((1, 4, 4), np.uint8)


def test_a_card_says_which_image_it_is_and_what():
    html = card(PIXELS, 41, "<six>", [line("is", "6"), line("wrong", "", "2 of 3")])
    assert 'alt="test image 42: &lt;six&gt;"' in html
    assert '<div><dt title="6">is <b>6</b></dt></div>' in html
    assert '<dt title="">wrong</dt><dd>2 of 3</dd>' in html


def test_no_cards_are_nothing():
    assert cards([]) == ""
    assert cards([card(PIXELS, 0, "a", [])]).startswith('<ol class="gallery">')
