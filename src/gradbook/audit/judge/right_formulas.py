"""Right formulas, written like those of other cells; and whether two formulas say the same."""

from __future__ import annotations

from collections.abc import Mapping

from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import Pattern, anchor, rename_cells_in
from gradbook.audit.step.under_test import StepUnderTest
from gradbook.audit.workbook.book import Book


def with_another_cell(book: Book, home: Address, wrong: Address, right: str) -> Pattern:
    """A cell's formula with another name in the place of one cell's."""
    text = rename_cells_in(
        book.patterns[home].text_at(home),
        lambda word: right if book.reader.cell(word, home) == wrong else word,
    )
    return book.reader.read_typed(text, home)


def renamed(
    book: Book, cell: Address, home: Address, instead: Mapping[Address, Address]
) -> Pattern | None:
    """A cell's formula, to stand in another, with other cells in the places of some; None where it
    doesn't mention each of those by itself."""
    mentioned = set[Address]()
    is_beside = sheet_of(cell) == sheet_of(home)

    def follow(reference: str) -> str:
        at = book.reader.cell(reference, cell)
        if at is None:
            return reference
        mentioned.add(at)
        if at not in instead:
            named = book.name_of(at, home)
            return reference if is_beside else anchor(named) if "$" in reference else named
        same = instead[at] == at and is_beside
        return reference if same else book.name_of(instead[at], home)

    text = rename_cells_in(book.patterns[cell].text_at(cell), follow)
    return book.reader.read_typed(text, home) if instead.keys() <= mentioned else None


def says_the_same(tested: StepUnderTest, cell: Address, formula: Pattern) -> bool:
    """Whether a cell's formula says the same as another would there, in other words."""
    book = tested.training.book
    own, like = book.patterns[cell], book.reader.read_typed(formula.text_at(cell), cell)
    if own.expression is None or like.expression is None:
        return False
    try:
        a = tested.graph.expression(own.expression, cell, own)
        b = tested.graph.expression(like.expression, cell, like)
    except NotUnderstood:
        return False
    return tested.same(a, b)
