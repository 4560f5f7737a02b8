from __future__ import annotations

from math import inf, nan

from gradbook.amounts import (
    counted,
    duration,
    loss,
    percent,
    rough_percent,
    short,
    shortest,
    size,
    sureness,
)
from tests.cases import for_each


@for_each(
    ("share", "of", "words"),
    [
        (0.9952, 10_000, "99.52 %"),
        (1.0, 10_000, "100.00 %"),
        (0.975, 360, "97.5 %"),
        (0.3, 10, "30 %"),
        (0.5, 1, "50 %"),
        (0.99123, 60_000, "99.123 %"),
    ],
)
def test_a_share_has_as_many_decimals_as_one_of_so_many_is_worth(share, of, words):
    assert percent(share, of) == words


@for_each(
    ("probability", "words"),
    [
        (1.0, "100.0 %"),
        (0.99999, ">99.9 %"),
        (0.9994, "99.9 %"),
        (0.5, "50.0 %"),
        (0.0001, "<0.1 %"),
        (0.0, "0.0 %"),
        (nan, "–"),
    ],
)
def test_nearly_all_is_not_all_and_nearly_nothing_is_not_nothing(probability, words):
    assert sureness(probability) == words


def test_one_is_one():
    assert [counted(k, "class", "classes") for k in (0, 1, 1200)] == [
        "0 classes",
        "1 class",
        "1,200 classes",
    ]


@for_each(
    ("seconds", "spelled"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1:00"),
        (61.2, "1:01"),
        (7_384, "2:03:04"),
        (inf, "?"),
    ],
)
def test_time_is_told_as_people_tell_it(seconds, spelled):
    assert duration(seconds) == spelled


@for_each(
    ("share", "words"),
    [(0.00025, "0.025 %"), (0.5, "50 %"), (9.9, "990 %"), (31.7, "32.7 times its size")],
)
def test_an_error_of_a_number_has_two_digits_or_is_told_in_times(share, words):
    assert rough_percent(share) == words


@for_each(
    ("count", "told"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (64_200, "64.2 kB"),
        (401_408, "401 kB"),
        (999_500, "1.00 MB"),
        (45_000_000, "45.0 MB"),
        (7_000_000_000_000, "7.00 TB"),
    ],
)
def test_bytes_are_told_to_three_digits(count, told):
    assert size(count) == told


@for_each(
    ("value", "spelled"),
    [(0.00004, "0.0000"), (999.5, "999.5000"), (12_345.6, "1.2e+04"), (nan, "NaN"), (inf, "∞")],
)
def test_a_loss_has_four_decimals_and_at_most_eight_characters(value, spelled):
    assert loss(value) == spelled
    assert len(spelled) <= 8


def test_what_was_not_measured_is_nothing():
    assert loss(None) == percent(None) == ""


@for_each(
    ("value", "three", "all_of_them"),
    [(0.05, "0.05", "0.05"), (10_000.0, "10000", "10000"), (1.602e-6, "1.6e-06", "1.602e-06")],
)
def test_a_number_is_told_in_three_digits_or_in_as_few_as_are_it(value, three, all_of_them):
    assert (short(value), shortest(value)) == (three, all_of_them)
