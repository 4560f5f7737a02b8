"""Tables of each level's result, written as pieces of parabolas if these give the same numbers.

Activations of straight lines and squares are such pieces; for others it is tried. A piece extends
from its first level to the first level of the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

POINT = 22  # fractional bits of a parabola's result
CODE = 60  # bytes of code for pieces, beyond that for tables
MOST_SQUARE, MOST_NUMBER = 1 << 23, 1 << 31  # the largest numbers that C stores and computes with
NUMBERS = 3  # 32-bit numbers per piece; the first also contains its `square`
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Parabola:
    """From `first` on, a level's result is ((square · level + slope) · level + height) / 2^22,
    rounded down."""

    first: int
    square: int
    slope: int
    height: int

    def of(self, levels: Whole) -> Whole:
        return (self.square * levels + self.slope) * levels + self.height >> POINT

    def has_room(self, levels: Whole) -> bool:
        """Whether 32 bits suffice for these levels."""
        product = (self.square * levels + self.slope) * levels
        sums = max(abs(product).max(), abs(product + self.height).max())
        most = max(sums, abs(self.slope), abs(self.height))
        return abs(self.square) < MOST_SQUARE and bool(most < MOST_NUMBER)

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Its numbers as C stores them."""
        return (self.first << 24) + (self.square & 0xFFFFFF), self.slope, self.height


@dataclass(frozen=True, eq=False)
class Bends:
    """Different tables, and the pieces that give the same numbers."""

    each: tuple[tuple[Whole, tuple[Parabola, ...]], ...]

    @property
    def pieces(self) -> tuple[Parabola, ...]:
        """All tables' pieces, one table after the other."""
        return tuple(piece for _, pieces in self.each for piece in pieces)

    @property
    def are_pieces(self) -> bool:
        """Whether the pieces are smaller."""
        table_bytes = sum(table.size for table, _ in self.each)
        return 4 * NUMBERS * len(self.pieces) + CODE < table_bytes

    def number(self, table: Whole) -> int:
        """Return the table's number among all, from 1."""
        return 1 + next(k for k, (known, _) in enumerate(self.each) if (known == table).all())

    def last_piece(self, table: Whole) -> int:
        """Return the number of a table's last piece among all, from 1."""
        return sum(len(pieces) for _, pieces in self.each[: self.number(table)])


def parabolas(exact: NDArray[np.float64], table: Whole, lowest: int) -> tuple[Parabola, ...]:
    """Find parabolas that give the table, whose first level is `lowest`, from its numbers before
    rounding and clipping; each is as long as possible."""
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
    """Fit a parabola by least squares, rounding its numbers one by one, if it gives the table."""
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
