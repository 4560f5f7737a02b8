"""How many sums a kernel keeps in registers at once: the sizes of its blocks.

A block of a × b sums needs a·b multiply-adds and a + b loads a round. A processor does about one
of each in a cycle, and a sum can be added to again only after four. A compiler holds the sums and
all of a round's values in registers: blocks that need more are a quarter slower (measured).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

LATENCY = 4
MOST_BLOCK = 10
SPARE = 2  # registers that compilers want besides; with fewer, sums go to memory and back


def _rounds(total: int, size: int) -> Iterator[tuple[int, int]]:
    """The sizes of the blocks that make up the total, and how many there are of each."""
    if total >= size:
        yield size, total // size
    if total % size:
        yield total % size, 1


def _cost(a: int, b: int) -> float:
    return max(a * b, LATENCY, a + b) + 0.05 * (a + b)


def best(
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
