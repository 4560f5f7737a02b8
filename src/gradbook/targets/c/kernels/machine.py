"""What a processor offers to C: how wide its vectors are, and how many sums it holds at once.

A block of a × b sums needs a·b multiply-adds and a + b loads a round. A processor does about one
of each in a cycle, and a sum can be added to again only after four. A compiler holds the sums and
all of a round's values in registers: blocks that need more are a quarter slower (measured).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

LATENCY = 4
MOST_BLOCK = 10
LEVELS = {
    "avx512": (16, 32),
    "avx2": (8, 16),
    "neon": (4, 32),
    "plain": (4, 16),
    "simd128": (4, 16),  # of a browser, on whichever processor
}  # lanes, registers
SPARE = 2  # registers that compilers want besides; with fewer, sums go to memory and back


@dataclass(frozen=True)
class Machine:
    """`lanes` images side by side; `registers` vectors of that many numbers."""

    lanes: int = 16
    registers: int = 32
    double: bool = False

    @property
    def vector_bytes(self) -> int:
        return self.lanes * (8 if self.double else 4)

    @property
    def real(self) -> str:
        return "double" if self.double else "float"


def machine(level: str, double: bool = False) -> Machine:
    lanes, registers = LEVELS[level]
    return Machine(lanes, registers // 2 if double else registers, double)


def _rounds(total: int, size: int) -> Iterator[tuple[int, int]]:
    """The sizes of the blocks that make up the total, and how many there are of each."""
    if total >= size:
        yield size, total // size
    if total % size:
        yield total % size, 1


def _cost(a: int, b: int) -> float:
    return max(a * b, LATENCY, a + b) + 0.05 * (a + b)


def best_block(
    rows: int, columns: int | Mapping[int, int], registers: int, per_column: int = 1
) -> tuple[int, int]:
    """The block for rows × columns sums; each column stands for `per_column` of them. Or for
    several numbers of columns, each so many times.
    """
    times = {columns: 1} if isinstance(columns, int) else columns
    candidates = [
        (a, b)
        for a in range(1, min(rows, MOST_BLOCK) + 1)
        for b in range(1, min(max(times), MOST_BLOCK) + 1)
        if a == b == 1 or a * b * per_column + a + b * per_column + SPARE <= registers
    ]

    def total(block: tuple[int, int]) -> float:
        return sum(
            often * count * other_count * _cost(size, other * per_column)
            for size, count in _rounds(rows, block[0])
            for number, often in times.items()
            for other, other_count in _rounds(number, block[1])
        )

    return min(candidates, key=total)
