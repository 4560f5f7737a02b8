"""Numbers drawn by counting are SplitMix64's, and the same however they are asked for."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.chance import (
    Purpose,
    dropped_below,
    keep_mask,
    key,
    numbers,
    pieces,
    places_in_order,
    uniform,
)
from tests.cases import for_each

WORD = st.integers(0, 2**64 - 1)
ALL = 2**64 - 1


def plain_mix(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & ALL
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & ALL
    return z ^ (z >> 31)


def plain_key(words: list[int]) -> int:
    made = 0
    for word in words:
        made = plain_mix(made + word + 0x9E3779B97F4A7C15 & ALL)
    return made


def test_the_numbers_are_the_published_ones_of_splitmix64():
    assert numbers(1234567, 5).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_known_keys_pieces_and_fractions():
    """What any other language must draw too."""
    dropout = key(3, Purpose.DROPOUT, 2, [0, 59_999], 10)
    assert dropout.tolist() == [15556387909561680107, 1335655378882996013]
    assert pieces(dropout[0], 6).tolist() == [19148, 9481, 51911, 21633, 54400, 19736]
    assert uniform(dropout[1], 2).tolist() == [0.5101168499924112, 0.2159732106884099]


@given(st.lists(WORD, max_size=5), st.integers(1, 9))
def test_keys_and_numbers_are_what_plain_whole_numbers_give(words, count):
    start = plain_key(words)
    assert int(key(*words)) == start
    expected = [plain_mix(start + (k + 1) * 0x9E3779B97F4A7C15 & ALL) for k in range(count)]
    assert numbers(key(*words), count).tolist() == expected
    parts = [(number >> shift) & 0xFFFF for number in expected for shift in (0, 16, 32, 48)]
    assert pieces(key(*words), 4 * count - 1).tolist() == parts[:-1]
    assert uniform(key(*words), count).tolist() == [(n >> 11) / 2**53 for n in expected]


@given(st.lists(WORD, min_size=1, max_size=4), WORD)
def test_a_key_goes_on_where_it_was_left(words, last):
    assert key(last, start=key(*words)) == key(*words, last)


def test_many_images_at_once_draw_what_each_draws_alone():
    together = numbers(key(5, Purpose.WARP, 1, np.arange(7)), 11)
    alone = [numbers(key(5, Purpose.WARP, 1, image), 11) for image in range(7)]
    assert np.array_equal(together, alone)


@for_each("rate", [0.0, 0.01, 0.05, 0.5, 0.999])
def test_dropout_drops_its_share(rate):
    left = keep_mask(key(1, np.arange(100)), 1000, rate)
    spread = (rate * (1 - rate) / left.size) ** 0.5
    assert abs((1 - left.mean()) - rate) <= 4 * spread + 2**-17


def test_a_rate_that_rounds_to_all_keeps_one_in_65536():
    assert dropped_below(0.999999) == 65535


def test_neighbours_have_nothing_in_common():
    """Each bit of numbers whose words differ by one is as often equal as not."""
    drawn = numbers(key(np.arange(30)[:, None], Purpose.DROPOUT, 0, np.arange(30)), 8)
    for axis in range(drawn.ndim):
        changed = drawn ^ np.roll(drawn, 1, axis)
        bits = np.unpackbits(changed.view(np.uint8))
        assert abs(bits.mean() - 0.5) < 4 * 0.5 / bits.size**0.5


@given(st.lists(st.one_of(WORD, st.integers(0, 9), st.integers(ALL - 9, ALL)), max_size=40))
def test_places_in_order_are_those_of_a_stable_sort(words):
    keys = np.array(words, np.uint64)
    assert places_in_order(keys).tolist() == np.argsort(keys, kind="stable").tolist()


@pytest.mark.witness("cc")
def test_c_draws_the_same(tmp_path):
    """As the docstring spells it, word for word."""
    source = tmp_path / "chance.c"
    source.write_text(
        """
        #include <inttypes.h>
        #include <stdio.h>
        static uint64_t mix(uint64_t z) {
            z ^= z >> 30; z *= 0xBF58476D1CE4E5B9;
            z ^= z >> 27; z *= 0x94D049BB133111EB; z ^= z >> 31;
            return z;
        }
        int main(void) {
            uint64_t words[] = {3, 1, 2, 59999, 10}, key = 0;
            for (int k = 0; k < 5; k++) key = mix(key + words[k] + 0x9E3779B97F4A7C15);
            for (uint64_t k = 0; k < 4; k++)
                printf("%" PRIu64 "\\n", mix(key + (k + 1) * 0x9E3779B97F4A7C15));
        }
        """
    )
    subprocess.run(["cc", "-o", tmp_path / "chance", source], check=True)
    output = subprocess.run(
        [tmp_path / "chance"], check=True, capture_output=True, text=True
    ).stdout
    assert [int(line) for line in output.split()] == numbers(key(3, 1, 2, 59_999, 10), 4).tolist()
