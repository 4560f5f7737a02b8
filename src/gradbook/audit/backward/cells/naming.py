"""What cells are called: by the book's names, by the texts beside them, by where they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from gradbook.audit.backward.cells.blocks import area
from gradbook.audit.formula.address import ACROSS, DOWN, Address, sheet_of, written
from gradbook.audit.formula.expression import references
from gradbook.audit.workbook.book import Book
from gradbook.targets.excel.language.grammar import Reference

SHORT = 8  # characters of a quantity's name
GRADIENT_WORDS = re.compile(
    r"∂|δ|grad|delta|back|\bd[_ ]?\(?[a-z]{0,5}\d*\s*/\s*d|\bd_?[wbzah]\d*|ableit|∇|slope",
    re.IGNORECASE,
)


class Naming:
    """How formulas and findings of a book call its cells."""

    def __init__(self, book: Book) -> None:
        self.book = book

    @cached_property
    def names(self) -> dict[Address, str]:
        """The cells with names of their own, as formulas spell them."""
        if not self.book.names:
            return {}
        spelled = {
            reference.text.lower(): reference.text
            for pattern in set(self.book.patterns.values())
            for reference in references(pattern.expression or Reference(""))
        }
        found: dict[Address, str] = {}
        for name in self.book.names:
            word = spelled.get(name)
            cell = self.book.reader.cell(word, 0) if word else None
            if word and cell is not None:
                found.setdefault(cell, word)
        return found

    def reference(self, cell: Address, home: Address) -> str:
        """A cell as a formula in another mentions it."""
        return self.names.get(cell) or self.book.called(cell, home)

    def kept(self, reference: Reference, cell: Address) -> str:
        """A cell as another formula mentions it, to stay the same cell."""
        return reference.text if cell in self.names else written(cell)

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

    def heading(self, cell: Address) -> str:
        """All that stands above a cell and on its left."""
        return f"{self.book.label(cell, DOWN)} {self.book.label(cell, ACROSS)}".lower()

    def fits(self, heading: str, weight: Address) -> bool:
        """Whether a heading mentions what a weight is called."""
        labels = (self.book.label(weight, axis).lower() for axis in (DOWN, ACROSS))
        return any(label and label in heading for label in labels)

    def calls_gradient(self, cell: Address) -> bool:
        """Whether a text beside a cell, or its name, speaks of a derivative."""
        words = [self.book.label(cell, DOWN), self.book.label(cell, ACROSS)]
        words.append(self.names.get(cell, ""))
        return any(GRADIENT_WORDS.search(word) for word in words)


def _is_short_name(label: str) -> bool:
    return len(label) <= SHORT and label.isascii() and any(map(str.isalpha, label))


def _stands_near(book: Book, cell: Address, label: str) -> bool:
    """Whether a text stands right above a cell, or right on the left of it."""
    near = [cell - DOWN.step, cell - ACROSS.step, cell - DOWN.step - ACROSS.step]
    near = [at for at in near if at >= 0 and sheet_of(at) == sheet_of(cell)]
    return any(str(book.values.get(at, "")).strip() == label for at in near)
