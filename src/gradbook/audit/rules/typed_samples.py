"""Sums of a perceptron in which a sample's numbers are typed, though its updates take the cells.

Such a sum computes the same with the cells instead, and then each step is the same program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gradbook.audit.rules.rule_form import RuleUpdate
from gradbook.cells.book import Book
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.expression import paths, put
from gradbook.cells.formula.pattern import CellReference, Pattern
from gradbook.cells.formula.syntax import Expression, Infix, Number, Prefix, Reference, write


def with_samples_as_cells(book: Book, flow: Flow, updates: Sequence[RuleUpdate]) -> Book:
    """The book in which sums of weights take the cells of their samples; itself if all do."""
    inputs = {update.base: list(_inputs(book, flow, update)) for update in updates}
    instead: dict[Address, Pattern] = {}
    for cell in sorted({user for weight in inputs for user in flow.users.get(weight, ())}):
        said = book.patterns[cell].expression
        if said is None or not any(_typed_product(part) for _, part in paths(said)):
            continue
        right = _with_cells(book, cell, inputs)
        if right is not None:
            instead[cell] = right
    return replace(book, patterns={**book.patterns, **instead}) if instead else book


def _inputs(book: Book, flow: Flow, update: RuleUpdate) -> Iterator[Address]:
    """The typed cells that an update takes, or its change in another cell, and that move with it:
    a rate is the same for all."""
    cells = [update.cell]
    for cell in cells:
        pattern = book.patterns.get(cell)
        for place in pattern.places if pattern else ():
            at = place.at(cell) if isinstance(place, CellReference) and place.moves else None
            if at is None or at == update.base:
                continue
            if flow.plain(at) not in book.patterns:
                yield at
            elif cell == update.cell:
                cells.append(at)


def _with_cells(
    book: Book, cell: Address, inputs: Mapping[Address, Sequence[Address]]
) -> Pattern | None:
    said = book.read_typed(cell).expression
    if said is None:
        return None
    right, done = said, False
    for path, part in paths(said):
        product = _typed_product(part)
        if product is None:
            continue
        number, word = product
        weight = book.reader.cell(word.text, cell)
        known = inputs.get(weight, ()) if weight is not None else ()
        same = next((at for at in known if book.values.get(at) == number), None)
        if same is not None:
            new = Infix("*", Reference(book.name_of(same, cell)), word)
            right, done = put(right, path, new), True
    return book.reader.pattern(write(right), cell) if done else None


def _typed_product(part: Expression) -> tuple[float, Reference] | None:
    """The number and the cell of a part such as −0.5·D2."""
    match part:
        case Infix("*", Number(number), Reference() as word):
            return number, word
        case Infix("*", Reference() as word, Number(number)):
            return number, word
        case Infix("*", Prefix("-", Number(number)), Reference() as word):
            return -number, word
        case Infix("*", Reference() as word, Prefix("-", Number(number))):
            return -number, word
        case Prefix("-", Infix("*", Number(number), Reference() as word)):
            return -number, word
    return None
