"""How many sums a kernel keeps in registers at once: the sizes of its blocks.

A block of a × b sums needs a·b multiply-adds and a + b loads a round. A processor does about one
of each in a cycle, and a sum can be added to again only after four.
"""

from __future__ import annotations

from collections.abc import Iterator

LATENCY = 4
MOST_BLOCK = 10


def _rounds(total: int, size: int) -> Iterator[tuple[int, int]]:
    """The sizes of the blocks that make up the total, and how many there are of each."""
    if total >= size:
        yield size, total // size
    if total % size:
        yield total % size, 1


def _cost(a: int, b: int) -> float:
    return max(a * b, LATENCY, a + b) + 0.05 * (a + b)


def best(rows: int, columns: int, registers: int, per_column: int = 1) -> tuple[int, int]:
    """The block for rows × columns sums; each column stands for `per_column` of them."""
    candidates = [
        (a, b)
        for a in range(1, min(rows, MOST_BLOCK) + 1)
        for b in range(1, min(columns, MOST_BLOCK) + 1)
        if (a == b == 1) or a * b * per_column + min(a, b * per_column) + 2 <= registers
    ]

    def total(block: tuple[int, int]) -> float:
        return sum(
            count * other_count * _cost(size, other * per_column)
            for size, count in _rounds(rows, block[0])
            for other, other_count in _rounds(columns, block[1])
        )

    return min(candidates, key=total)
