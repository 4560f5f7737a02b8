"""Formulas that refer to more cells than can be followed: their values are unknown.

A few sums over sums, each from the top of its column, refer to more cells than any book has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.pattern import Pattern, RangeReference
from gradbook.audit.workbook.book import Book
from gradbook.targets.excel.language.grammar import TOO_DEEP

MOST_LINKS = 1_500_000  # from formulas to cells of ranges
ENOUGH = 300_000  # kept where there are more: growing sums are walked again and again
WIDEST = 20_000  # cells of a range
TOO_WIDE, TOO_LONG = "it refers to too many cells", "it is too long"


def leave_out_widest(book: Book) -> None:
    """Mark the formulas that refer to most cells as unknown, as many as necessary, and note those
    that were too large to be read.

    Formulas of one pattern stay together, for a column with gaps would look like a mistake.
    """
    homes: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for cell, pattern in book.patterns.items():
        homes[pattern].append(cell)
    widths = {pattern: _links(pattern, cells) for pattern, cells in homes.items()}
    for pattern in filter(_is_too_large, homes):
        book.too_wide += homes[pattern]
    links = 0
    most = MOST_LINKS if sum(map(sum, widths.values())) <= MOST_LINKS else ENOUGH
    for pattern in sorted(widths, key=lambda pattern: max(widths[pattern])):
        links += sum(widths[pattern])
        if links > most or max(widths[pattern]) > WIDEST:
            unknown = replace(pattern, form=None, places=(), problem=TOO_WIDE)
            book.patterns.update(dict.fromkeys(homes[pattern], unknown))
            book.too_wide += homes[pattern]


def _is_too_large(pattern: Pattern) -> bool:
    """Whether a formula was too much to read."""
    return pattern.problem == TOO_LONG or pattern.problem.endswith(TOO_DEEP)


def _links(pattern: Pattern, homes: Sequence[Address]) -> list[int]:
    """To how many cells of ranges a formula refers from each place where it stands."""
    ranges = [place for place in pattern.places if isinstance(place, RangeReference)]
    if not any(place.grows for place in ranges):
        return [sum(place.size(homes[0]) for place in ranges)] * len(homes)
    return [sum(place.size(home) for place in ranges) for home in homes]
