"""Cells are called by the book's names, by what stands beside them, by where they are."""

from __future__ import annotations

import pytest

from gradbook.audit.backward.blocks import Naming
from gradbook.targets.excel.language.grammar import write
from tests.audit.material.made import Table, cells_of
from tests.audit.material.small import all_at, at, small_book
from tests.audit.material.tables import book_of

CELLS = {"A1": "w1", "B1": 0.5, "A3": "hidden layer", "B3": 1.0, "D1": "=Rate*B1"}


def named():
    cells = {place: content for name, content in CELLS.items() for place in cells_of(name)}
    return Naming(book_of(Table({"Sheet1": cells}, {"rate": "Sheet1!$C$9"})))


def test_a_name_a_word_or_a_place():
    naming = named()
    assert naming.quantity([at("C9")]) == "Rate"
    assert naming.quantity([at("B1")]) == "w1"
    assert naming.quantity([at("B3")]) == "B3"
    assert naming.quantity(all_at("B1:C2")) == "w1 (B1:C2)"


def test_a_formula_mentions_a_cell_by_its_name():
    naming = named()
    assert naming.reference(at("C9"), at("D1")) == "Rate"
    assert naming.reference(at("B1"), at("D1")) == "B1"


def test_a_formula_said_elsewhere_of_other_cells():
    naming = named()
    said = naming.rewrite(at("D1"), at("D5"), {at("B1"): at("B5")})
    assert said is not None
    assert write(said) == "Rate*B5"


@pytest.mark.parametrize(
    "word", ["dE/dw1", "delta h1", "∂E/∂w", "dW2", "gradient", "d_b1", "Grad W", "backprop"]
)
def test_words_that_speak_of_derivatives(word):
    assert Naming(small_book({"A1": word, "B1": "=C1"})).calls_gradient(at("B1"))


@pytest.mark.parametrize("word", ["w1", "hidden", "output", "data", "width", "bias"])
def test_words_that_do_not(word):
    assert not Naming(small_book({"A1": word, "B1": "=C1"})).calls_gradient(at("B1"))


def test_a_heading_may_mention_a_weight():
    naming = Naming(small_book({"A1": "w1", "B1": 0.5, "A5": "dE/dw1", "B5": "=B1"}))
    assert naming.mentions(at("B5"), at("B1"))
    assert not naming.mentions(at("B1"), at("B5"))
