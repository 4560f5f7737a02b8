"""Cells that say the same side by side are one block; the rest stands by itself."""

from __future__ import annotations

from gradbook.audit.backward.blocks import MatrixBlock, area, blocks, mentioned_matrices
from tests.audit.material.small import all_at, at, small_book


def test_equal_formulas_in_a_rectangle_are_one_block():
    book = small_book({"A1": 1.0, "B2:C4": "=A1*2", "D2": "=A1+1"})
    assert [b.text for b in blocks(book, book.patterns)] == ["B2:C4", "D2"]


def test_a_cell_that_departs_divides_a_block():
    book = small_book({"B2:C4": "=A1*2", "C3": "=A1"})
    assert {b.text for b in blocks(book, book.patterns)} == {"B2:C2", "B3:B4", "C3", "C4"}


def test_an_area_is_called_by_its_corners_or_cell_by_cell():
    assert area(all_at("B2:C4")) == "B2:C4"
    assert area([at("B2"), at("C3")]) == "B2,C3"
    assert area([at("B2")]) == "B2"


def test_the_likes_of_a_block_begin_elsewhere_or_lie_across():
    block = MatrixBlock(tuple(sorted(all_at("B2:C4"))))
    same, across = block.likes(at("F10"))
    assert area(same) == "F10:G12"
    assert area(across) == "F10:H11"


def test_ranges_are_known_by_their_sizes():
    book = small_book({"A9": "=SUM(A1:B3)", "A10": "=SUM(D1:E3)", "A11": "=SUM(A1:A3)"})
    found = mentioned_matrices(book)
    assert found[0, 3, 2] == [at("A1"), at("D1")]
    assert found[0, 3, 1] == [at("A1")]
