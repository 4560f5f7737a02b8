"""What cells are called: by the book's names, by the texts beside them, by where they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from gradbook.audit.backward.blocks import area
from gradbook.audit.formula.address import ACROSS, DOWN, Address, sheet_of
from gradbook.audit.formula.expression import references, renamed
from gradbook.audit.training.steps import is_loss_word
from gradbook.audit.workbook.book import Book
from gradbook.targets.excel.language.grammar import Expression, Reference

SHORT = 8  # characters of a quantity's name
GRADIENT_WORDS = re.compile(
    r"∂|δ|grad|delta|back|\bd[_ ]?\(?[a-z]{0,5}\d*\s*/\s*d|\bd_?[wbzaho][\d_]*\b|ableit|∇|slope"
)


class Naming:
    """How formulas and findings of a book call its cells."""

    def __init__(self, book: Book) -> None:
        self.book = book

    @cached_property
    def names(self) -> dict[Address, str]:
        """The cells with names of their own, as formulas spell them."""
        named = [name for name in self.book.names if "!" not in name]
        spelled = {
            reference.text.lower(): reference.text
            for pattern in (set(self.book.patterns.values()) if named else ())
            for reference in references(pattern.expression or Reference(""))
        }
        found: dict[Address, str] = {}
        for name in named:
            cell = self.book.reader.cell(name, 0)
            if cell is not None:
                found.setdefault(cell, spelled.get(name, name))
        return found

    # In formulas -----------------------------------------------------------------------

    def reference(self, cell: Address, home: Address) -> str:
        """A cell as a formula in another mentions it."""
        return self.names.get(cell) or self.book.called(cell, home)

    def said_of(
        self, there: Address, here: Address, instead: Mapping[Address, Address]
    ) -> Expression | None:
        """A cell's formula rewritten for another cell, with other references in place of some."""
        expression = self.book.typed(there).expression
        if expression is None:
            return None

        def follow(reference: Reference) -> str:
            at = self.book.reader.cell(reference.text, there)
            if at is not None and at in instead:
                return self.reference(instead[at], here)
            if at is None or sheet_of(there) == sheet_of(here):
                return reference.text
            return self.reference(at, here)

        return renamed(expression, follow)

    # In words --------------------------------------------------------------------------

    def quantity(self, cells: Sequence[Address]) -> str:
        """A short name for some cells: what stands beside them, else where they are."""
        first = cells[0]
        if len(cells) == 1 and first in self.names:
            return self.names[first]
        for axis in (DOWN, ACROSS):
            label = self.book.label(first, axis)
            if _is_short_name(label) and _stands_near(self.book, first, label):
                return f"{label} ({area(cells)})" if len(cells) > 1 else label
        return area(cells)

    def words(self, cell: Address) -> list[str]:
        """What stands above a cell and on its left, and its name."""
        labels = [self.book.label(cell, axis) for axis in (DOWN, ACROSS)]
        return [word.lower() for word in (*labels, self.names.get(cell, "")) if word]

    def mentions(self, cell: Address, weight: Address) -> bool:
        """Whether a text beside a cell mentions what a weight is called."""
        heading = " ".join(self.words(cell))
        return any(word in heading for word in self.words(weight))

    def calls_gradient(self, cell: Address) -> bool:
        """Whether a text beside a cell, or its name, speaks of a derivative."""
        return any(map(GRADIENT_WORDS.search, self.words(cell)))

    def calls_loss(self, cell: Address) -> bool:
        return any(map(is_loss_word, self.words(cell)))


def _is_short_name(label: str) -> bool:
    return len(label) <= SHORT and label.isascii() and any(map(str.isalpha, label))


def _stands_near(book: Book, cell: Address, label: str) -> bool:
    """Whether a text stands right above a cell, or right on the left of it."""
    near = [cell - DOWN.step, cell - ACROSS.step, cell - DOWN.step - ACROSS.step]
    near = [at for at in near if at >= 0 and sheet_of(at) == sheet_of(cell)]
    return any(str(book.values.get(at, "")).strip() == label for at in near)
