"""The words that say what a cell is: its label, and whether it is a header that counts."""

from __future__ import annotations

import re

from gradbook.cells.book import Book
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import ACROSS, DOWN, Address, Axis, column_of

LONGEST_LABEL = 60  # characters
MOST_BEFORE = 100  # cells between a heading and its cell
FEWEST_COUNTED = 3  # numbers that follow each other in a header


Known = dict[tuple[int, Address], tuple[str, Address]]  # what stands before a run, by its cells


def label(book: Book, cell: Address, known: Known | None = None) -> str:
    """The words beside a cell or, in a table, those of its row and of its column; '' if none.

    A heading counts if no blank cell is between; a block of numbers may have one at its corner.
    For many cells of a table, `known` keeps what was found.
    """
    known = {} if known is None else known
    beside = _words(book, cell - 1) if column_of(cell) else ""
    if beside:
        return beside
    left, _ = _before(book, cell, ACROSS, known)
    above, _ = _before(book, cell, DOWN, known)
    if left and above and left != above:
        return f"{left}, {above}"[:LONGEST_LABEL]
    if left or above:
        return left or above
    _, first = _before(book, cell, ACROSS, known)
    corner, _ = _before(book, first, DOWN, known)
    return corner or _tidy(book.label(cell, ACROSS)) or _tidy(book.label(cell, DOWN))


def _before(book: Book, cell: Address, axis: Axis, known: Known) -> tuple[str, Address]:
    """The text before a run of cells without blanks that ends here, and the run's first cell."""
    run: list[Address] = []
    label = "", cell
    for _ in range(min(axis.along(cell), MOST_BEFORE)):
        if (axis.step, cell) in known:
            label = known[axis.step, cell]
            break
        run.append(cell)
        before = cell - axis.step
        words = _words(book, before)
        label = words, cell
        if words or book.is_blank(before) or book.is_text(before):
            break
        cell = before
        label = "", cell
    known.update(dict.fromkeys(((axis.step, at) for at in run), label))
    return label


def _words(book: Book, cell: Address) -> str:
    """A text that may be a label."""
    value = book.values.get(cell) if book.is_text(cell) else None
    return _tidy(value) if isinstance(value, str) and len(value) <= LONGEST_LABEL else ""


def _tidy(words: str) -> str:
    """A label without the signs that lead to the value beside it."""
    return " ".join(words.split()).rstrip(" :=")


def label_or_name(book: Book, cell: Address) -> str:
    return label(book, cell) or book.name_of(cell)


# Headers ----------------------------------------------------------------------

COUNTED = """
year years yr month months quarter quarters week weeks day days period periods t n no step stage #
jahr jahre monat monate quartal quartale woche wochen tag tage periode perioden nr schritt stufe
an ans année années mois trimestre trimestres semaine semaines jour jours période périodes n° étape
年 年份 月 月份 季 季度 周 天 日 期 期数 期间 步
"""
COUNTING_WORDS = frozenset(COUNTED.split())


def counted(book: Book, flow: Flow, cell: Address) -> tuple[float, float] | None:
    """The first and last number of the header that a cell belongs to, such as Year 1, 2, 3, 4, 5:
    whole numbers that follow each other and are called years, months or steps. None for any other
    cell."""
    for axis in (ACROSS, DOWN):
        first = last = cell
        while axis.along(first) and _follows(book, flow, first - axis.step, first):
            first -= axis.step
        while _follows(book, flow, last, last + axis.step):
            last += axis.step
        if (last - first) // axis.step + 1 >= FEWEST_COUNTED:
            words = re.findall(r"[^\W\d_]+|#|n°", label(book, first).casefold())
            if not COUNTING_WORDS.isdisjoint(words):
                return float(book.values[first] or 0), float(book.values[last] or 0)
    return None


def _follows(book: Book, flow: Flow, cell: Address, following: Address) -> bool:
    """Whether a cell contains the next number, typed or computed from the previous one alone."""
    here, there = book.values.get(cell), book.values.get(following)
    if type(here) is not float or type(there) is not float or there - here != 1:
        return False
    return following not in book.patterns or set(flow.sources(following)) == {cell}
