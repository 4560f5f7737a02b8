"""Tables of what becomes of each level, said as pieces of parabolas where these say the same.

Activations of straight lines and squares are such pieces, whatever they are called; of others it is
found out. A piece goes from its first level to that of the next one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

POINT = 22  # bits after the point of what a parabola makes
CODE = 60  # bytes that reckon with pieces, beyond those that look up
MOST_SQUARE, MOST_NUMBER = 1 << 23, 1 << 31  # beyond what C keeps and reckons with
NUMBERS = 3  # of 32 bits, that a piece is kept as: the first also has its `square`
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Parabola:
    """From `first` on a level becomes ((square · level + slope) · level + height) / 2^22, rounded
    down."""

    first: int
    square: int
    slope: int
    height: int

    def of(self, levels: Whole) -> Whole:
        return (self.square * levels + self.slope) * levels + self.height >> POINT

    def has_room(self, levels: Whole) -> bool:
        """Whether 32 bits are enough for these levels."""
        product = (self.square * levels + self.slope) * levels
        sums = max(abs(product).max(), abs(product + self.height).max())
        most = max(sums, abs(self.slope), abs(self.height))
        return abs(self.square) < MOST_SQUARE and bool(most < MOST_NUMBER)

    @property
    def numbers(self) -> tuple[int, int, int]:
        """As they are kept in C."""
        return (self.first << 24) + (self.square & 0xFFFFFF), self.slope, self.height


@dataclass(frozen=True, eq=False)
class Bends:
    """Unlike tables, and the pieces that say the same."""

    each: tuple[tuple[Whole, tuple[Parabola, ...]], ...]

    @property
    def pieces(self) -> tuple[Parabola, ...]:
        """One table's after the other's."""
        return tuple(piece for _, pieces in self.each for piece in pieces)

    @property
    def are_pieces(self) -> bool:
        """Whether these are smaller."""
        table_bytes = sum(table.size for table, _ in self.each)
        return 4 * NUMBERS * len(self.pieces) + CODE < table_bytes

    def number(self, table: Whole) -> int:
        """Of a table among all, from 1 on."""
        return 1 + next(k for k, (own, _) in enumerate(self.each) if (own == table).all())

    def last_piece(self, table: Whole) -> int:
        """Of those that say a table: its number among all, from 1 on."""
        return sum(len(pieces) for _, pieces in self.each[: self.number(table)])


def parabolas(exact: NDArray[np.float64], table: Whole, lowest: int) -> tuple[Parabola, ...]:
    """Those that make the table of the levels from the lowest on, found by its numbers before they
    were rounded and cut off; each goes as far as it can."""
    pieces: list[Parabola] = []
    start = 0
    while start < len(table):
        end, beyond = start + 1, len(table) + 1
        piece = Parabola(start + lowest, 0, 0, int(table[start]) << POINT)
        while end + 1 < beyond:
            middle = (end + beyond) // 2
            longer = _fitted(exact, table, lowest, slice(start, middle))
            end, beyond = (middle, beyond) if longer else (end, middle)
            piece = longer or piece
        pieces.append(piece)
        start = end
    return tuple(pieces)


def _fitted(exact: NDArray[np.float64], table: Whole, lowest: int, part: slice) -> Parabola | None:
    """The parabola of least squares, one number after the other rounded, if it makes the same."""
    levels = np.arange(len(table), dtype=np.int64)[part] + lowest
    for numbers in (exact[part], np.clip(exact[part], table.min(), table.max())):
        parabola = _rounded(levels, numbers + 0.5)
        if parabola.has_room(levels) and (parabola.of(levels) == table[part]).all():
            return parabola
    return None


def _rounded(levels: Whole, numbers: NDArray[np.float64]) -> Parabola:
    coefficients, rest = [], numbers
    for power in (2, 1, 0):
        terms = np.vander(levels.astype(np.float64), power + 1)
        best = np.linalg.lstsq(terms, rest, rcond=None)[0][0]
        coefficients.append(round(best * 2**POINT))
        rest = rest - coefficients[-1] / 2**POINT * levels**power
    return Parabola(int(levels[0]), *coefficients)
