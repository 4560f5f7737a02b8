"""The names of a workbook's cells, and the matrices that its formulas mention."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from itertools import chain

from gradbook.audit.backward.cell_blocks import area
from gradbook.audit.heading_words import DERIVATIVE, calls
from gradbook.audit.training.training_steps import is_loss_word
from gradbook.cells.book import Book
from gradbook.cells.formula.address import (
    ACROSS,
    DOWN,
    Address,
    pack,
    sheet_of,
)
from gradbook.cells.formula.expression import references, rename_cells
from gradbook.cells.formula.pattern import RangeReference
from gradbook.cells.formula.syntax import Expression, Reference


def mentioned_matrices(book: Book) -> dict[tuple[int, int, int], list[Address]]:
    """Return the first cells of the ranges that formulas mention, by sheet, height and width; those
    of array formulas, as they are typed, come first."""
    found: defaultdict[tuple[int, int, int], dict[Address, None]] = defaultdict(dict)
    typed = {text: cell for cell, text in sorted(book.arrays.items(), reverse=True)}
    arrays = ((book.reader.read_typed(text, home), home) for text, home in typed.items())
    formulas = ((pattern, cell) for cell, pattern in book.patterns.items())
    for pattern, home in chain(arrays, formulas):
        for place in pattern.places:
            corners = place.corners(home) if isinstance(place, RangeReference) else None
            if corners is not None:
                sheet, top, left, bottom, right = corners
                found[sheet, bottom - top + 1, right - left + 1][pack(sheet, top, left)] = None
    return {size: list(firsts) for size, firsts in found.items()}


# Names of cells -----------------------------------------------------------------------

SHORT = 8  # characters of a quantity's name
GRADIENT_WORDS = re.compile(
    r"∂|δ|delta|back|\bd[_ ]?\(?[a-z]{0,5}\d*\s*/\s*d|\bd_?[wbzaho][\d_]*\b|∇|slope"
)


class Naming:
    """The names that formulas and findings of a workbook use for its cells."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.words = cache(self._words)

    @cached_property
    def names(self) -> dict[Address, str]:
        """The cells that have names, as formulas spell them."""
        named = [name for name in self.book.names if "!" not in name]
        spelled = {
            reference.text.lower(): reference.text
            for pattern in (set(self.book.patterns.values()) if named else ())
            for reference in references(pattern.expression or Reference(""))
        }
        cells = ((self.book.reader.cell(name, 0), name) for name in reversed(named))
        return {cell: spelled.get(name, name) for cell, name in cells if cell is not None}

    def reference(self, cell: Address, home: Address) -> str:
        """Return a cell as a formula in another cell refers to it."""
        return self.names.get(cell) or self.book.name_of(cell, home)

    def rewrite(
        self, there: Address, here: Address, instead: Mapping[Address, Address]
    ) -> Expression | None:
        """A cell's formula adapted to another cell, with some cells replaced by others."""
        expression = self.book.read_typed(there).expression

        def follow(reference: Reference) -> str:
            at = self.book.reader.cell(reference.text, there)
            new = None if at is None else instead.get(at)
            return reference.text if new is None else self.reference(new, here)

        return None if expression is None else rename_cells(expression, follow)

    def quantity(self, cells: Sequence[Address]) -> str:
        """A short name for some cells: a label beside them, or else their address."""
        first = cells[0]
        if len(cells) == 1 and first in self.names:
            return self.names[first]
        for axis in (DOWN, ACROSS):
            label = self.book.label(first, axis)
            if _names_it(self.book, first, label):
                return f"{label} ({area(cells)})" if len(cells) > 1 else label
        return area(cells)

    def _words(self, cell: Address) -> list[str]:
        """The labels above a cell and to its left, and its name."""
        labels = [self.book.label(cell, axis) for axis in (DOWN, ACROSS)]
        return [word.lower() for word in (*labels, self.names.get(cell, "")) if word]

    def mentions(self, cell: Address, weight: Address) -> bool:
        """Whether a label beside a cell mentions a weight by name."""
        heading = " ".join(self.words(cell))
        return any(word in heading for word in self.words(weight))

    def calls_gradient(self, cell: Address) -> bool:
        """Whether a label beside a cell, or its name, refers to a derivative."""
        words = self.words(cell)
        return any(GRADIENT_WORDS.search(word) or calls(DERIVATIVE, word) for word in words)

    def calls_loss(self, cell: Address) -> bool:
        return any(map(is_loss_word, self.words(cell)))


def _names_it(book: Book, cell: Address, label: str) -> bool:
    """Whether a label is short and directly above a cell or to its left."""
    near = [cell - DOWN.step, cell - ACROSS.step, cell - DOWN.step - ACROSS.step]
    beside = (at for at in near if at >= 0 and sheet_of(at) == sheet_of(cell))
    is_short = len(label) <= SHORT and label.isascii() and any(map(str.isalpha, label))
    return is_short and any(str(book.values.get(at, "")).strip() == label for at in beside)
