"""Finds the strokes that form the sign in a picture, without dirt or frames."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import DataError

# Strokes: the connected parts of a mask ---------------------------------------

Mask = NDArray[np.bool_]  # (rows, columns)


@dataclass(frozen=True)
class PixelBox:
    """From its first row and column to those after its last."""

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
        """The longer side."""
        return max(self.height, self.width)

    def around(self, box: PixelBox) -> PixelBox:
        """The smallest box that contains both."""
        return PixelBox(
            min(self.top, box.top),
            min(self.left, box.left),
            max(self.bottom, box.bottom),
            max(self.right, box.right),
        )

    def holds(self, box: PixelBox) -> bool:
        return self.around(box) == self

    def meets(self, box: PixelBox) -> bool:
        """Whether the two overlap."""
        return max(self.top, box.top) < min(self.bottom, box.bottom) and max(
            self.left, box.left
        ) < min(self.right, box.right)

    def wider(self, share: float) -> PixelBox:
        """The box with a margin of this share of its longer side, or smaller by it."""
        by = round(share * self.side)
        return PixelBox(self.top - by, self.left - by, self.bottom + by, self.right + by)

    def inner(self, share: float) -> PixelBox:
        """The box without this share of its height and width on each side."""
        down, across = round(share * self.height), round(share * self.width)
        return PixelBox(
            self.top + down, self.left + across, self.bottom - down, self.right - across
        )

    def within(self, rows: int, columns: int) -> PixelBox:
        """The part of the box within a picture of this size."""
        return PixelBox(
            max(self.top, 0), max(self.left, 0), min(self.bottom, rows), min(self.right, columns)
        )

    def seen_from(self, top: float, left: float, scale: float) -> PixelBox:
        """The same box with this origin, and with each pixel `scale` units long."""
        rows = (round((side - top) * scale) for side in (self.top, self.bottom))
        columns = (round((side - left) * scale) for side in (self.left, self.right))
        (first, last), (start, end) = rows, columns
        return PixelBox(first, start, last, end)

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
    """Each pixel's stroke, from 1 (0 is none), and the strokes, largest first.

    Pixels that touch at a corner are connected.
    """
    rows, starts, ends = _runs(mask)
    labels_of_runs = _joined(len(rows), *_touching(rows, starts, ends))
    count = int(labels_of_runs.max(initial=-1)) + 1
    labels = np.zeros(mask.shape, np.int32)
    labels[mask] = np.repeat(labels_of_runs + 1, ends - starts)
    return labels, _measured(count, labels_of_runs, rows, starts, ends)


def near(mask: Mask, reach: int) -> Mask:
    """The mask and everything at most this many pixels from it, along and down."""
    wide = 2 * reach + 1
    for axis in (0, 1):
        around = [(reach + 1, reach) if side == axis else (0, 0) for side in (0, 1)]
        counts = np.cumsum(np.pad(mask, around), axis, dtype=np.int32)
        places = np.arange(mask.shape[axis])
        mask = np.take(counts, places + wide, axis) > np.take(counts, places, axis)
    return mask


def _runs(mask: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Row, first column and the column after the last, of each run of pixels in a row."""
    padded = np.pad(mask, ((0, 0), (1, 1))).astype(np.int8)
    change = np.diff(padded, axis=1)
    rows, starts = np.nonzero(change == 1)
    _, ends = np.nonzero(change == -1)
    return rows, starts, ends


def _touching(
    rows: NDArray[np.intp], starts: NDArray[np.intp], ends: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of touching runs, the second in the row below the first."""
    if not len(rows):
        return rows, rows
    wide = int(ends.max()) + 2
    # In the row below: the first run that doesn't end before this one, the first after it.
    first = np.searchsorted(rows * wide + ends, (rows + 1) * wide + starts)
    behind = np.searchsorted(rows * wide + starts, (rows + 1) * wide + ends, side="right")
    counts = np.maximum(behind - first, 0)
    above = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
    return above, np.repeat(first, counts) + within


def _joined(count: int, firsts: NDArray[np.intp], seconds: NDArray[np.intp]) -> NDArray[np.intp]:
    """The number of each run's part: runs that pairs connect have the same number."""
    parent = list(range(count))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = run = parent[parent[run]]
        return run

    for first, second in zip(firsts.tolist(), seconds.tolist(), strict=True):
        a, b = root(first), root(second)
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
    strokes = [
        Stroke(label, int(area), PixelBox(*sides))
        for label, (area, *sides) in enumerate(zip(areas, *edges, strict=True), 1)
    ]
    return sorted(strokes, key=lambda stroke: -stroke.area)


# The sign ---------------------------------------------------------------------

SPECK = 0.02  # of the largest stroke's area: smaller ones are dirt
RIM = 0.04  # of the picture is its rim
ALONG = 0.25  # of a side of the picture: a stroke this long on it is a table or a border
FRAMED = 0.2  # of the picture's shorter side: a smaller part isn't the content of a frame
ENCLOSED = 0.15  # of a frame's side, likewise
FILLED = 0.8  # of a side of the picture, to the last pixel
MOST_INK = 0.6  # of a picture; an upright 1 may fill a picture that is cropped to it
ENCLOSED_AREA = 0.05  # of a frame's own area
COVERED = 0.7  # of a side: a frame may have gaps
MOST_HOLES = 4  # of a digit
RECTANGULAR = 0.88  # of the rectangle around it: true for a sheet at an angle, but not for a 0
CLOSE = 0.3  # of the sign's side: strokes this near belong together …
APART = 0.07  # … unless there is this much between two that are both large
LARGE = 0.5  # of the sign's side
MOST_STROKES = 12
LOOKED_AT = 50  # the largest strokes; mere noise has thousands
LEAST_SIDE = 6  # pixels


class NoSign(DataError):
    """A picture contains nothing to read; the message says what it shows instead."""


@dataclass(frozen=True, eq=False)
class Subject:
    """The sign's own pixels, and the box around them."""

    mask: Mask
    box: PixelBox


def subject(mask: Mask, where: PixelBox | None = None) -> Subject:
    """The one sign that these strokes form; if `where` is known, of those that overlap it."""
    labels, every = strokes(mask)
    if where is not None:
        known = set(np.unique(labels[where.slices]).tolist())
        every = [stroke for stroke in every if stroke.label in known]
    inner = _without_frames(labels, every[:LOOKED_AT])
    if not inner or inner[0].box.side < LEAST_SIDE:
        raise NoSign("no digit found: nothing large enough stands out")
    large = [stroke for stroke in inner if stroke.area >= SPECK * inner[0].area]
    if len(large) > MOST_STROKES:
        raise NoSign("too many strokes for one digit: crop it to one")
    parts, box = _gathered(large)
    inside = _inside(mask.shape)
    others = [
        stroke
        for stroke in large
        if stroke not in parts and stroke.box.side > LARGE * box.side and inside.holds(stroke.box)
    ]
    if others:
        raise NoSign(f"{1 + len(others)} separate signs: crop it to one")
    return Subject(_of(labels, parts), box)


def _of(labels: NDArray[np.int32], parts: Collection[Stroke]) -> Mask:
    """The pixels of these strokes."""
    chosen = np.zeros(int(labels.max()) + 1, bool)
    chosen[[stroke.label for stroke in parts]] = True
    return np.asarray(chosen[labels])


def spans(sign: Subject) -> bool:
    """Whether it goes from one side of the picture to the other, like ruled lines."""
    rows, columns = sign.mask.shape
    return bool(sign.box.width == columns or sign.box.height == rows)


def is_grid(sign: Subject) -> bool:
    """Whether it has more holes than a digit, like the lines of squared paper."""
    least = SPECK / 10 * sign.box.height * sign.box.width
    return sum(hole.area > least for hole in _holes(sign)) > MOST_HOLES


def is_card(sign: Subject) -> bool:
    """Whether it is a filled rectangle, at any angle, with something on it."""
    holes = _holes(sign)
    if not any(hole.box.side >= ENCLOSED * sign.box.side for hole in holes):
        return False
    area = int(sign.mask.sum())
    full_area = area + sum(hole.area for hole in holes)
    return area > full_area / 2 and full_area > RECTANGULAR * _area_of_rectangle(sign.mask)


def _holes(sign: Subject) -> list[Stroke]:
    rows, columns = sign.mask.shape
    inside = PixelBox(1, 1, rows - 1, columns - 1)
    return [hole for hole in strokes(~sign.mask)[1] if inside.holds(hole.box)]


def _area_of_rectangle(mask: Mask) -> float:
    """The area of the smallest rectangle around the mask, at any angle."""
    rows = np.flatnonzero(mask.any(1))
    left, right = mask[rows].argmax(1), mask.shape[1] - mask[rows, ::-1].argmax(1)
    x, y = (
        np.concatenate([left, right, left, right]),
        np.concatenate([rows, rows, rows + 1, rows + 1]),
    )
    angles = np.radians(np.arange(0, 90, 3))[:, None]
    along, across = x * np.cos(angles) + y * np.sin(angles), y * np.cos(angles) - x * np.sin(angles)
    return float((np.ptp(along, axis=1) * np.ptp(across, axis=1)).min())


def is_table(mask: Mask) -> bool:
    """Whether it fills a side of the picture, unlike any pen stroke, but not the whole picture."""
    ends = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    return any(end.mean() > FILLED for end in ends) and bool(mask.mean() < MOST_INK)


def within_a_table(mask: Mask) -> PixelBox | None:
    """The part of the picture without what fills its sides; None if that is small."""
    rows = [np.flatnonzero(side < ALONG) for side in (mask.mean(1), mask.mean(0))]
    if not is_table(mask) or not all(map(len, rows)):
        return None
    down, across = rows
    left = PixelBox(int(down[0]), int(across[0]), int(down[-1]) + 1, int(across[-1]) + 1)
    return left.wider(-RIM / 2) if 2 * left.side > max(mask.shape) else None


def _without_frames(labels: NDArray[np.int32], parts: list[Stroke]) -> list[Stroke]:
    """The strokes without those around the others: the table under a paper, a printed box."""
    least = FRAMED * min(labels.shape)
    along = [s for s in parts if _is_along_a_side(labels, s)]
    if any(s.box.side >= least for s in parts if s not in along):
        parts = [s for s in parts if s not in along]
    for frame in [s for s in parts if _is_frame(labels, s, parts)]:
        parts = [s for s in parts if s is not frame and frame.box.holds(s.box)]
    return parts


def _is_along_a_side(labels: NDArray[np.int32], stroke: Stroke) -> bool:
    """Whether it covers a good part of a side of the picture, or only its rim."""
    inside = _inside(labels.shape)
    if inside.holds(stroke.box):
        return False
    if not inside.meets(stroke.box):
        return True
    ink = labels == stroke.label
    top, left = inside.top, inside.left
    ends = (ink[:top].any(0), ink[-top:].any(0), ink[:, :left].any(1), ink[:, -left:].any(1))
    return max(float(end.mean()) for end in ends) >= ALONG


def _inside(shape: tuple[int, ...]) -> PixelBox:
    """The picture without its rim."""
    down, across = (ceil(RIM * side) for side in shape)
    return PixelBox(down, across, shape[0] - down, shape[1] - across)


def _is_frame(labels: NDArray[np.int32], stroke: Stroke, parts: list[Stroke]) -> bool:
    """Whether it encloses another stroke on at least three sides; a filled card isn't a frame."""
    if stroke.area > stroke.box.height * stroke.box.width / 2:
        return False
    held = [part for part in parts if part is not stroke and _is_held(part, stroke)]
    ink = labels == stroke.label
    around = [stroke.box.inner(0.2), *(part.box for part in held)]
    return bool(held) and all(sorted(_sides_covered(ink, box))[1] > COVERED for box in around)


def _is_held(stroke: Stroke, frame: Stroke) -> bool:
    return (
        frame.box.holds(stroke.box)
        and stroke.box.side >= ENCLOSED * frame.box.side
        and stroke.area >= ENCLOSED_AREA * frame.area
    )


def _sides_covered(frame: Mask, box: PixelBox) -> list[float]:
    """How much of each side of the box has the frame between itself and the picture's edge."""
    rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
    return [
        float(frame[: box.top, columns].any(0).mean()),
        float(frame[box.bottom :, columns].any(0).mean()),
        float(frame[rows, : box.left].any(1).mean()),
        float(frame[rows, box.right :].any(1).mean()),
    ]


def _gathered(parts: list[Stroke]) -> tuple[list[Stroke], PixelBox]:
    """The largest stroke and all that belong to it, and the box around them."""
    group, left = parts[:1], parts[1:]
    box = group[0].box
    while near := [stroke for stroke in left if _belongs(stroke.box, box)]:
        group += near
        left = [stroke for stroke in left if stroke not in near]
        for stroke in near:
            box = box.around(stroke.box)
    return group, box


def _belongs(box: PixelBox, sign: PixelBox) -> bool:
    """Whether they are near, and not two signs beside or below each other."""
    beside = max(box.left - sign.right, sign.left - box.right)
    below = max(box.top - sign.bottom, sign.top - box.bottom)
    tall = min(box.height, sign.height) > LARGE * max(box.height, sign.height)
    large = min(box.side, sign.side) > LARGE * max(box.side, sign.side)
    side = max(box.side, sign.side)
    if (tall and beside > APART * side) or (large and below > 2 * APART * side):
        return False
    return max(beside, below) <= CLOSE * side
