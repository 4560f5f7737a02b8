"""What a cell is called: by the words above it, before it, or beside it in a form."""

from __future__ import annotations

from gradbook.cells.formula.address import ACROSS, DOWN, OVER
from tests.audit.material.small import at, small
from tests.cases import for_each

TABLE = {"A1": "step", "B1": "w1", "C1": "loss", "A2": "first", "B2": 0.5, "C2": 0.25, "B3": "=B2"}
FORM = {"A1": "η", "B2": 0.5, "A4": "w1", "B4": 0.3, "C4": "w2", "D4": 0.4, "A5": "h1", "B5": "=B4"}
VECTOR = {"B1": "x1", "C1": "x2", "A3": "w", "B3": 0.3, "C3": 0.4}


@for_each(
    ("cells", "cell", "axis", "words"),
    [
        (TABLE, "B2", DOWN, "w1"),
        (TABLE, "B3", DOWN, "w1"),
        (TABLE, "B2", ACROSS, "first"),
        (FORM, "B4", DOWN, "w1"),
        (FORM, "B5", DOWN, "h1"),
        (FORM, "D4", DOWN, "w2"),
        (FORM, "B5", OVER, "h1"),
        (VECTOR, "B3", DOWN, "x1"),  # these words are not of that number alone
    ],
)
def test_a_cell_is_called_by_the_words_that_are_of_it(cells, cell, axis, words):
    book, _ = small(cells)
    assert book.label(at(cell), axis) == words
