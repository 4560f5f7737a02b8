"""Cells that say the same side by side are one block; the rest stands by itself."""

from __future__ import annotations

from gradbook.audit.backward.cell_blocks import area, blocks, likes
from gradbook.audit.backward.matrix_names import Naming, mentioned_matrices
from gradbook.cells.formula.syntax import write
from tests.audit.material.made import Table, cells_of
from tests.audit.material.small import all_at, at, small_book
from tests.audit.material.tables import book_of
from tests.cases import for_each


def test_equal_formulas_in_a_rectangle_are_one_block():
    book = small_book({"A1": 1.0, "B2:C4": "=A1*2", "D2": "=A1+1"})
    assert [area(b) for b in blocks(book, book.patterns)] == ["B2:C4", "D2"]


def test_a_cell_that_departs_divides_a_block():
    book = small_book({"B2:C4": "=A1*2", "C3": "=A1"})
    assert {area(b) for b in blocks(book, book.patterns)} == {"B2:C2", "B3:B4", "C3", "C4"}


def test_an_area_is_called_by_its_corners_or_cell_by_cell():
    assert area(all_at("B2:C4")) == "B2:C4"
    assert area([at("B2"), at("C3")]) == "B2,C3"
    assert area([at("B2")]) == "B2"


def test_the_likes_of_a_block_begin_elsewhere_or_lie_across():
    same, across = likes(tuple(sorted(all_at("B2:C4"))), at("F10"))
    assert area(same) == "F10:G12"
    assert area(across) == "F10:H11"


def test_ranges_are_known_by_their_sizes():
    book = small_book({"A9": "=SUM(A1:B3)", "A10": "=SUM(D1:E3)", "A11": "=SUM(A1:A3)"})
    found = mentioned_matrices(book)
    assert found[0, 3, 2] == [at("A1"), at("D1")]
    assert found[0, 3, 1] == [at("A1")]


# Cells are called by the book's names, by what stands beside them, by where they are ---


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


@for_each("word", ["dE/dw1", "delta h1", "∂E/∂w", "dW2", "gradient", "d_b1", "Grad W", "backprop"])
def test_words_that_speak_of_derivatives(word):
    assert Naming(small_book({"A1": word, "B1": "=C1"})).calls_gradient(at("B1"))


@for_each("word", ["w1", "hidden", "output", "data", "width", "bias"])
def test_words_that_do_not(word):
    assert not Naming(small_book({"A1": word, "B1": "=C1"})).calls_gradient(at("B1"))


def test_a_heading_may_mention_a_weight():
    naming = Naming(small_book({"A1": "w1", "B1": 0.5, "A5": "dE/dw1", "B5": "=B1"}))
    assert naming.mentions(at("B5"), at("B1"))
    assert not naming.mentions(at("B1"), at("B5"))
