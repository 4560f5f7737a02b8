"""Formulas that refer to more cells than can be followed: what they give is unknown.

A few sums over sums, each from the top of its column, refer to more cells than any book has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.pattern import Pattern, RangeReference
from gradbook.audit.workbook.book import Book

MOST_LINKS = 1_500_000  # from formulas to cells
ENOUGH = 300_000  # where there are more: sums that grow are looked at again and again
WIDEST = 20_000  # cells of a range
TOO_WIDE = "it refers to too many cells"


def leave_out_widest(book: Book) -> list[Address]:
    """Make those formulas unknown that refer to most cells, as many as must be; gives their cells.

    Formulas of one pattern stay together, for a column with gaps would look like a mistake.
    """
    homes: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for cell, pattern in book.patterns.items():
        homes[pattern].append(cell)
    widths = {pattern: _links(pattern, cells) for pattern, cells in homes.items()}
    left_out: list[Address] = []
    links = 0
    most = MOST_LINKS if sum(map(sum, widths.values())) <= MOST_LINKS else ENOUGH
    for pattern in sorted(widths, key=lambda pattern: max(widths[pattern])):
        links += sum(widths[pattern])
        if links > most or max(widths[pattern]) > WIDEST:
            unknown = replace(pattern, expression=None, places=(), problem=TOO_WIDE)
            book.patterns.update(dict.fromkeys(homes[pattern], unknown))
            left_out += homes[pattern]
    return left_out


def _links(pattern: Pattern, homes: Sequence[Address]) -> list[int]:
    """To how many cells a formula refers from each place where it stands."""
    ranges = [place for place in pattern.places if isinstance(place, RangeReference)]
    single = len(pattern.places) - len(ranges)
    if not ranges:
        return [single] * len(homes)
    if not any(_grows(place) for place in ranges):
        return [single + sum(place.size(homes[0]) for place in ranges)] * len(homes)
    return [single + sum(place.size(home) for place in ranges) for home in homes]


def _grows(area: RangeReference) -> bool:
    """Whether one end stays where the other moves."""
    first, last = area.first, area.last
    return first.row_fixed != last.row_fixed or first.column_fixed != last.column_fixed
