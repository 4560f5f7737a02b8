"""Forms put themselves together as people would write them, and count their digits."""

from __future__ import annotations

import pytest

from gradbook.graph.names import Name
from gradbook.targets.algebra.forms import (
    Factors,
    Minus,
    Numeral,
    Symbol,
    Terms,
    digits,
    multiply,
    numbers_in,
    shorten,
    sign_before,
    worked_out,
)

x, y = Symbol(Name("x")), Symbol(Name("y"))
u, v = Symbol(Name("u"), bold=True), Symbol(Name("v"), bold=True)


def test_signs_of_factors_are_gathered_in_front():
    assert multiply([-x, y]) == Minus(Factors((x, y)))
    assert multiply([-x, -y]) == Factors((x, y))


def test_products_of_products_are_flat():
    assert x * y * x == Factors((x, y, x))


def test_vectors_are_multiplied_element_by_element_with_numbers_in_front():
    assert multiply([u, v]) == Factors((u, v), "⊙")
    assert multiply([u, Numeral(2), v]) == Factors((Numeral(2), Factors((u, v), "⊙")))
    assert multiply([x, u]) == Factors((x, u))


def test_a_long_sum_is_shortened_in_its_middle():
    terms = [Numeral(k) for k in range(30)]
    kept = list(numbers_in(shorten(Terms(tuple(terms)))))
    assert kept == [0, 1, 2, 28, 29]


@pytest.mark.parametrize(
    ("value", "said"), [(0.4, "0.4"), (0.149683, "0.149683"), (1 / 3, "0.3333333"), (-0.0, "0")]
)
def test_a_number_has_its_digits_and_no_more(value, said):
    assert digits(value) == said


def test_a_result_is_equal_only_where_every_digit_is_shown():
    assert sign_before(Numeral(0.5)) == "="
    assert sign_before(Numeral(1 / 3)) == "≈"
    assert worked_out(Numeral(3), 3) == [("=", Numeral(3))]
