from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from gradbook.cli.terminal.arguments import number, one_of, positive, positives, whole_number


@pytest.mark.parametrize("word", ["10000", "10,000", "10_000"])
def test_a_whole_number_may_have_its_thousands_marked(word):
    assert whole_number()(word) == 10_000


@pytest.mark.parametrize(
    "word", ["", "-", "1.5", "ten", "1e3", "²", "7,0", "70,", "+7", "9" * 5000]
)
def test_what_is_no_whole_number_is_refused(word):
    with pytest.raises(ArgumentTypeError, match="isn't a whole number"):
        whole_number()(word)


@pytest.mark.parametrize("word", ["-1", "1001"])
def test_a_whole_number_outside_its_range_is_told_the_range(word):
    with pytest.raises(ArgumentTypeError, match="at least 0 and at most 1,000"):
        whole_number(0, 1000)(word)


@pytest.mark.parametrize(("word", "value"), [("0.5", 0.5), ("-1e-3", -0.001), ("7", 7.0)])
def test_a_number_is_read(word, value):
    assert number(word) == value


@pytest.mark.parametrize("word", ["", "x", "nan", "inf", "-inf", "1e999"])
def test_what_is_no_finite_number_is_refused(word):
    with pytest.raises(ArgumentTypeError, match="isn't a number"):
        number(word)


@pytest.mark.parametrize("word", ["0", "-1"])
def test_a_rate_must_be_above_zero(word):
    with pytest.raises(ArgumentTypeError, match="must be above 0"):
        positive(word)


def test_rates_are_parted_by_commas():
    assert positives("0.05, 0.5,10") == (0.05, 0.5, 10.0)


def test_a_list_with_a_hole_is_refused():
    with pytest.raises(ArgumentTypeError, match="'' isn't a number"):
        positives("0.5,,1")


def test_a_choice_is_made_or_proposed():
    read = one_of("html", "latex", "markdown")
    assert read("html") == "html"
    with pytest.raises(ArgumentTypeError, match="unknown 'htm': did you mean 'html'"):
        read("htm")
    with pytest.raises(ArgumentTypeError, match="unknown 'x': it is one of html, latex, markdown"):
        read("x")
