"""Looks for the one digit in a picture; where it is small, or on a card, looks nearer."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradbook.data.photo.ink import EDGE, FAINTEST, Grey, Ink, ink, stroke_width
from gradbook.data.photo.strokes import PixelBox, near
from gradbook.data.photo.subject import (
    LEAST_SIDE,
    NoSign,
    Subject,
    is_card,
    is_grid,
    is_table,
    spans,
    subject,
    within_a_table,
)

if TYPE_CHECKING:
    from PIL.Image import Image

LOOKS = 4  # at most
LOOKED_AT = 480  # pixels along the longer side: enough to find a digit by
NEARER = 0.4  # of the picture: a smaller digit is looked at again, nearer
MARGIN = 0.6  # of its side, on each side of it
INSIDE = 0.03  # of a card's side: so far inside its edges it is looked at again
BLOT = 0.4  # of its side: no digit's strokes are as wide
SOFT = 0.1  # of a sign: so much of it may lie further from its edges than its strokes are wide
LINES = 0.6  # of the ink's strength: the lines of squared paper are hardly darker
LINES_MORE = 1.2  # times the faint lines around a digit: what is less may be one of them
SOME_EDGES, RIM = 0.001, 6  # of all pixels; pixels along the picture's sides
EDGES = 0.06  # of a digit's side: so far around its strokes lie their faint edges


def digit(picture: Image) -> Grey:
    """Its ink, from 0 to 1, all else taken away, cut to its edges."""
    return _looked_at(picture, LOOKS)


def reduced(picture: Image) -> Image:
    """As small as it may be for a digit to be found."""
    from PIL.Image import Resampling

    factor = max(picture.size) / LOOKED_AT
    if factor <= 1:
        return picture
    size = (ceil(picture.width / factor), ceil(picture.height / factor))
    return picture.resize(size, Resampling.BOX, reducing_gap=2)


def _looked_at(picture: Image, looks: int, where: PixelBox | None = None) -> Grey:
    """The digit's ink; `where` says which part of the picture it is in."""
    small = reduced(picture)
    scale = picture.width / small.width
    found, sign = _found(np.asarray(small), where and where.seen_from(0, 0, 1 / scale))
    nearer = _nearer(found, sign, max(small.size))
    if nearer and looks > 1:
        known = sign.box if isinstance(sign, Subject) and nearer.holds(sign.box) else None
        return _cut(
            picture,
            nearer.seen_from(0, 0, scale),
            looks,
            known and known.seen_from(0, 0, scale),
        )
    if isinstance(sign, NoSign):
        raise sign
    if stroke_width(np.where(sign.mask, found.amount, 0)) > BLOT * sign.box.side:
        raise NoSign("no digit found: what stands out is a blot")
    reach = max(2, round(EDGES * sign.box.side))
    own = near(sign.mask, reach)
    around = found.amount[near(sign.mask, 3 * reach) & ~own]
    lines = float(np.quantile(around, 0.95)) if around.size else 0.0
    faintest = max(found.faintest, min(LINES_MORE * lines, EDGE))
    amount = np.where(own & (found.amount > faintest), found.amount, 0)
    return amount[extent(amount > 0).slices]


def extent(mask: NDArray[np.bool_]) -> PixelBox:
    """The box around all that is in the mask, which isn't empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return PixelBox(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _nearer(found: Ink, sign: Subject | NoSign, side: int) -> PixelBox | None:
    """What to look at again: a paper without its table, a card alone, a small digit from near."""
    if isinstance(sign, NoSign):
        return within_a_table(found.strokes)
    if is_card(sign):
        return sign.box.wider(-INSIDE)
    return sign.box.wider(MARGIN) if sign.box.side < NEARER * side else None


def _cut(picture: Image, box: PixelBox, looks: int, where: PixelBox | None) -> Grey:
    """What is in the box, looked at again."""
    box = box.within(picture.height, picture.width)
    if min(box.height, box.width) < LEAST_SIDE:
        raise NoSign("no digit found: what stands out is too small to be read")
    part = picture.crop((box.left, box.top, box.right, box.bottom))
    return _looked_at(part, looks - 1, where and where.seen_from(box.top, box.left, 1))


def _found(pixels: NDArray[np.uint8], where: PixelBox | None) -> tuple[Ink, Subject | NoSign]:
    """The ink and the sign in it; shadows are looked for where there is none without."""
    seen: list[tuple[Ink, Subject | NoSign]] = []
    for shadowed in (False, True):
        every = ink(pixels, shadowed=shadowed)
        if every is None:
            continue
        found, sign = _sign(every, where)
        if isinstance(sign, Subject):
            return found, sign
        seen.append((found, sign))
    if not seen and _has_edges(pixels):
        raise NoSign("nothing in it can be told from what it lies on: crop it to one digit")
    if not seen:
        raise NoSign("blank: nothing is drawn on it")
    return seen[0]


def _has_edges(pixels: NDArray[np.uint8]) -> bool:
    """Whether there is something on it, though no ink: several pictures side by side, a pattern."""
    grey = pixels.astype(np.float32).mean(2) / 255
    edges = Ink(grey, FAINTEST).by_an_edge(0)[RIM:-RIM, RIM:-RIM]  # the picture's own is none
    return bool(edges.any() and edges.mean() > SOME_EDGES)


def _sign(found: Ink, where: PixelBox | None) -> tuple[Ink, Subject | NoSign]:
    """The one sign, or why there is none; in all of the ink, or in what is darker than lines."""
    sign = _judged(found, where)
    if isinstance(sign, Subject) and not spans(sign):
        return found, sign
    darker = found.above(LINES)
    without_lines = _judged(darker, where)
    if isinstance(without_lines, Subject) and not spans(without_lines):
        return darker, without_lines
    return found, sign


def _judged(found: Ink, where: PixelBox | None) -> Subject | NoSign:
    """The one sign that the strokes make, if it can be one that somebody wrote."""
    try:
        sign = subject(found.strokes, where)
    except NoSign as error:
        return error
    amount = np.where(sign.mask, found.amount, 0)
    edges = found.by_an_edge(ceil(stroke_width(amount)) + 1)
    if np.mean(edges[sign.mask]) < 1 - SOFT:
        return NoSign("no digit found: what stands out has no edges, as shadows have none")
    if is_table(sign.mask):
        return NoSign("no digit found: what stands out goes along the picture's edge")
    if is_grid(sign):
        return NoSign("no digit found: what stands out is a grid of lines")
    return sign
