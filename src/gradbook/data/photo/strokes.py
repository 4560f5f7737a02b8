"""The connected parts of a mask, and what can be said of each: where it lies, how large it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]  # (rows, columns)


@dataclass(frozen=True)
class PixelBox:
    """From its first row and column to those behind its last."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def side(self) -> int:
        """The longer one."""
        return max(self.height, self.width)

    def around(self, other: PixelBox) -> PixelBox:
        """The smallest that holds both."""
        return PixelBox(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )

    def holds(self, other: PixelBox) -> bool:
        return self.around(other) == self

    def meets(self, other: PixelBox) -> bool:
        """Whether any place lies in both."""
        return max(self.top, other.top) < min(self.bottom, other.bottom) and max(
            self.left, other.left
        ) < min(self.right, other.right)

    def wider(self, share: float) -> PixelBox:
        """With that share of its longer side around it, or less by it."""
        by = round(share * self.side)
        return PixelBox(self.top - by, self.left - by, self.bottom + by, self.right + by)

    def inner(self, share: float) -> PixelBox:
        """Without that share of its height above and below, and of its width on each side."""
        down, across = round(share * self.height), round(share * self.width)
        return PixelBox(
            self.top + down, self.left + across, self.bottom - down, self.right - across
        )

    def within(self, rows: int, columns: int) -> PixelBox:
        """As much of it as lies in a picture of that size."""
        return PixelBox(
            max(self.top, 0), max(self.left, 0), min(self.bottom, rows), min(self.right, columns)
        )

    def seen_from(self, top: float, left: float, scale: float) -> PixelBox:
        """The same place where that one counts as 0 and 0, and each pixel as so many."""
        rows = (round((side - top) * scale) for side in (self.top, self.bottom))
        columns = (round((side - left) * scale) for side in (self.left, self.right))
        (first, last), (start, end) = rows, columns
        return PixelBox(first, start, last, end)

    @property
    def sides(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom."""
        return self.left, self.top, self.right, self.bottom

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)


@dataclass(frozen=True)
class Stroke:
    """One connected part."""

    label: int
    area: int  # pixels
    box: PixelBox


def strokes(mask: Mask) -> tuple[NDArray[np.int32], list[Stroke]]:
    """Each pixel's part, from 1 (0 is no part), and the parts, the largest first.

    Pixels that touch at a corner are connected.
    """
    rows, starts, ends = _runs(mask)
    labels_of_runs = _joined(len(rows), *_touching(rows, starts, ends))
    count = int(labels_of_runs.max(initial=-1)) + 1
    labels = np.zeros(mask.shape, np.int32)
    labels[mask] = np.repeat(labels_of_runs + 1, ends - starts)
    return labels, _measured(count, labels_of_runs, rows, starts, ends)


def near(mask: Mask, reach: int) -> Mask:
    """The mask and all that is at most so many pixels from it, along and down."""
    wide = 2 * reach + 1
    for axis in (0, 1):
        around = [(reach + 1, reach) if side == axis else (0, 0) for side in (0, 1)]
        counts = np.cumsum(np.pad(mask, around), axis, dtype=np.int32)
        places = np.arange(mask.shape[axis])
        mask = np.take(counts, places + wide, axis) > np.take(counts, places, axis)
    return mask


def _runs(mask: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Row, first column and the column behind the last, of each run of pixels in a row."""
    padded = np.pad(mask, ((0, 0), (1, 1))).astype(np.int8)
    change = np.diff(padded, axis=1)
    rows, starts = np.nonzero(change == 1)
    _, ends = np.nonzero(change == -1)
    return rows, starts, ends


def _touching(
    rows: NDArray[np.intp], starts: NDArray[np.intp], ends: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of runs, the second in the row below the first, that touch."""
    if not len(rows):
        return rows, rows
    wide = int(ends.max()) + 2
    # Of the row below: the first run that doesn't end before this one, the first that lies behind.
    first = np.searchsorted(rows * wide + ends, (rows + 1) * wide + starts)
    behind = np.searchsorted(rows * wide + starts, (rows + 1) * wide + ends, side="right")
    counts = np.maximum(behind - first, 0)
    above = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
    return above, np.repeat(first, counts) + within


def _joined(count: int, ones: NDArray[np.intp], others: NDArray[np.intp]) -> NDArray[np.intp]:
    """The number of each run's part: runs joined by pairs have the same."""
    parent = list(range(count))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = run = parent[parent[run]]
        return run

    for one, other in zip(ones.tolist(), others.tolist(), strict=True):
        a, b = root(one), root(other)
        parent[max(a, b)] = min(a, b)
    roots = np.array([root(run) for run in range(count)], np.intp)
    return np.unique(roots, return_inverse=True)[1]


def _measured(
    count: int,
    labels: NDArray[np.intp],
    rows: NDArray[np.intp],
    starts: NDArray[np.intp],
    ends: NDArray[np.intp],
) -> list[Stroke]:
    areas = np.bincount(labels, ends - starts, minlength=count).astype(int)
    edges = []
    for extreme, values, start in (
        (np.minimum, rows, np.iinfo(np.intp).max),
        (np.minimum, starts, np.iinfo(np.intp).max),
        (np.maximum, rows + 1, 0),
        (np.maximum, ends, 0),
    ):
        edge = np.full(count, start, np.intp)
        extreme.at(edge, labels, values)
        edges.append(edge.tolist())
    found = [
        Stroke(label, int(area), PixelBox(*sides))
        for label, (area, *sides) in enumerate(zip(areas, *edges, strict=True), 1)
    ]
    return sorted(found, key=lambda stroke: -stroke.area)
