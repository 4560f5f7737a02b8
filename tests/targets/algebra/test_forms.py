"""Forms put themselves together as people would write them, and count their digits."""

from __future__ import annotations

from gradbook.graph.names import Name
from gradbook.targets.algebra.forms import (
    Factors,
    Minus,
    Numeral,
    Symbol,
    Terms,
    multiply,
    numbers_in,
    shorten,
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


def test_a_number_alone_is_its_own_result():
    assert worked_out(Numeral(3), 3) == [("=", Numeral(3))]
