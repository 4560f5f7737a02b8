"""Digits as a hand would draw them: the thinned lines of an image, one stroke after the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

Point = tuple[int, int]  # row, column
INK = 110  # of 255
SHORTEST = 2  # points of a stroke


def strokes(image: np.ndarray) -> list[np.ndarray]:
    """Polylines (x, y) from 0 to 1, over an image (rows, columns) of bytes."""
    thin = thinned(image > INK)
    places = {(int(r), int(c)) for r, c in np.argwhere(thin)}
    found = list(_walks(places))
    rows, columns = image.shape
    return [np.array([((c + 0.5) / columns, (r + 0.5) / rows) for r, c in walk]) for walk in found]


def thinned(mask: np.ndarray) -> np.ndarray:
    """Zhang and Suen, "A fast parallel algorithm for thinning digital patterns" (1984)."""
    mask = np.pad(mask, 1)
    while True:
        before = mask.copy()
        for first in (True, False):
            mask &= ~_removable(mask, first)
        if (mask == before).all():
            return mask[1:-1, 1:-1]


def _removable(mask: np.ndarray, first: bool) -> np.ndarray:
    ways = [(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)]
    near = [np.roll(mask, (-r, -c), (0, 1)) for r, c in ways]
    count = sum(one.astype(int) for one in near)
    turns = sum((~near[k] & near[(k + 1) % 8]).astype(int) for k in range(8))
    north, east, south, west = near[0], near[2], near[4], near[6]
    if first:
        sides = ~(north & east & south) & ~(east & south & west)
    else:
        sides = ~(north & east & west) & ~(north & south & west)
    return mask & (count >= 2) & (count <= 6) & (turns == 1) & sides


def _walks(places: set[Point]) -> Iterator[list[Point]]:
    """From ends first, then from wherever lines are left; each line is drawn once."""
    left = {frozenset((p, q)) for p in places for q in _around(p) if q in places}
    if not left:
        yield from ([p, p] for p in places)
    while left:
        degree: dict[Point, int] = {}
        for edge in left:
            for p in edge:
                degree[p] = degree.get(p, 0) + 1
        at = min(degree, key=lambda p: (degree[p] != 1, degree[p] % 2 == 0, p))
        walk = [at]
        while ways := [q for q in _around(at) if frozenset((at, q)) in left]:
            at = ways[0]
            left.discard(frozenset((walk[-1], at)))
            walk.append(at)
        if len(walk) >= SHORTEST:
            yield walk


def _around(place: Point) -> list[Point]:
    r, c = place
    sides = [(r - 1, c), (r, c + 1), (r + 1, c), (r, c - 1)]
    return [*sides, (r - 1, c + 1), (r + 1, c + 1), (r + 1, c - 1), (r - 1, c - 1)]
