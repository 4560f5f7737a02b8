"""What a processor offers to C: how wide its vectors are, and how many sums its registers hold.

A block of a × b sums needs a·b multiply-adds and a + b loads per round. A processor does up to two
of each in a cycle, and a sum can be added to again only after four. The registers hold the sums,
the round's b values of the columns, and one of the rows at a time: blocks that need more are slower
(measured).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

IN_FLIGHT = 8  # sums that keep a processor busy: two begin in a cycle, and each takes four
MOST_BLOCK, ROWS = 10, 4  # ROWS of gradients are summed at once where values are flat
LEVELS = {
    "avx512": (16, 30),  # of 32: blocks that use all of them are up to 5 % slower
    "avx2": (8, 16),
    "neon": (4, 32),
    "plain": (4, 15),  # of 16: one holds a product until it is added
    "simd128": (4, 15),  # of a browser, on whichever processor
}  # lanes, registers


@dataclass(frozen=True)
class Machine:
    """A processor: `lanes` images side by side, `registers` vectors of that many numbers."""

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
    return max(a * b, IN_FLIGHT, a + b) + 0.05 * (a + b)


def registers_needed(a: int, b: int) -> int:
    """How many registers a block of a × b sums takes."""
    return a * b + b + 1


def best_block(
    rows: int, columns: int | Mapping[int, int], registers: int, per_row: int = 1
) -> tuple[int, int]:
    """Choose the cheapest block for rows × columns sums; each row stands for `per_row` of them.

    `columns` may also map several numbers of columns to how often each occurs.
    """
    times = {columns: 1} if isinstance(columns, int) else columns
    candidates = [
        (a, b)
        for a in range(1, min(rows, MOST_BLOCK) + 1)
        for b in range(1, min(max(times), MOST_BLOCK) + 1)
        if a == b == 1 or registers_needed(a * per_row, b) <= registers
    ]

    def total(block: tuple[int, int]) -> float:
        return sum(
            often * count * other_count * _cost(size * per_row, other_size)
            for size, count in _rounds(rows, block[0])
            for number, often in times.items()
            for other_size, other_count in _rounds(number, block[1])
        )

    return min(candidates, key=total)
