"""A picture that somebody took of a digit, made into an image as a network was trained on.

The ink is found (`ink.py`), then the one sign among its strokes (`subject.py`). That is cut out,
scaled to the longest side that the data set's images have, and brought to the middle.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradbook.data.framing import Framing
from gradbook.data.ink import Grey, Ink, ink
from gradbook.data.pen import stroke_width, usual_pen
from gradbook.data.picture import WHITE, Ground
from gradbook.data.strokes import Box, Mask, near
from gradbook.data.subject import (
    LEAST_SIDE,
    NoSign,
    Subject,
    holds_something,
    is_table,
    subject,
    within_a_table,
)

if TYPE_CHECKING:
    from PIL.Image import Image

BLACK: Ground = (0, 0, 0)
LOOKED_AT = 480  # pixels along the longer side: enough to find a digit by
NEARER = 0.4  # of the picture: a smaller digit is looked at again, nearer
MARGIN = 0.6  # of its side, on each side of it
INSIDE = 0.03  # of a paper's side: so far inside its edges it is looked at again
SOFT = 0.1  # of a sign: so much of it may lie further from its edges than its strokes are wide
BLOT = 0.4  # of its side: no digit's strokes are as wide
EXTENT = 0.06  # of full strength: so far reaches a digit's box, as MNIST's do
FINE = 6  # times the final size: where strokes are made wider or thinner


def as_seen(
    picture: Image, shape: tuple[int, int, int], framing: Framing | None
) -> NDArray[np.uint8]:
    """The picture as a network sees it that was trained on images of that shape, framed so.

    Without a framing the picture is only stretched. A `NoSign` says what there is instead of one.
    """
    channels, rows, columns = shape
    if framing is None:
        mode = "L" if channels == 1 else "RGB"
        pixels = np.asarray(picture.convert(mode).resize((columns, rows), reducing_gap=3))
        return np.ascontiguousarray(pixels.reshape(rows, columns, channels).transpose(2, 0, 1))
    ink_alone = _looked_at(picture, looks=3)
    return _placed(_scaled(ink_alone, framing.side), (rows, columns), framing)[None]


def behind(picture: Image) -> Ground:
    """What a transparent picture lies on: more of its paper, or else what its ink is seen on."""
    small = np.asarray(picture.reduce(max(1, max(picture.size) // LOOKED_AT)))
    opaque = small[..., 3] > 127
    if not opaque.any():
        return WHITE
    red, green, blue = (round(float(value)) for value in np.median(small[opaque][:, :3], axis=0))
    if opaque.mean() > 0.5:
        return red, green, blue
    return BLACK if red + green + blue > 3 * 127 else WHITE


def _looked_at(picture: Image, looks: int, where: Box | None = None) -> Grey:
    """The digit's ink alone, in its box; `where` says which part of the picture it is in."""
    small = _reduced(picture)
    scale = picture.width / small.width
    found, sign = _found(np.asarray(small), where and where.seen_from(0, 0, 1 / scale))
    inner = within_a_table(found.strokes)
    if inner and looks > 1 and not isinstance(sign, Subject):
        return _cut(picture, inner.seen_from(0, 0, scale), looks)
    if isinstance(sign, NoSign):
        raise sign
    is_small = sign.box.side < NEARER * max(small.size)
    if _is_blot(found.amount, sign):
        if looks == 1 or is_small or not holds_something(sign):
            raise NoSign("no digit found: what stands out is a blot")
        return _cut(picture, sign.box.wider(-INSIDE).seen_from(0, 0, scale), looks)
    if looks > 1 and is_small:
        box = sign.box.seen_from(0, 0, scale)
        return _cut(picture, box.wider(MARGIN), looks, box)
    amount = np.where(_own(sign) & (found.amount > found.faintest), found.amount, 0)
    return amount[_extent(amount > 0).slices]


def _found(pixels: NDArray[np.uint8], where: Box | None) -> tuple[Ink, Subject | NoSign]:
    """The ink and the sign in it; shadows are looked for where there is none without."""
    seen: list[tuple[Ink, Subject | NoSign]] = []
    for shadowed in (False, True):
        found = ink(pixels, shadowed=shadowed)
        if found is None:
            continue
        sign = _sign(found, where)
        if isinstance(sign, Subject):
            return found, sign
        seen.append((found, sign))
    if not seen:
        raise NoSign("blank: nothing is drawn on it")
    return seen[0]


def _sign(found: Ink, where: Box | None) -> Subject | NoSign:
    """The one sign, or why there is none."""
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
    return sign


def _cut(picture: Image, box: Box, looks: int, where: Box | None = None) -> Grey:
    """What is in the box, looked at again."""
    box = box.within(picture.height, picture.width)
    if min(box.height, box.width) < LEAST_SIDE:
        raise NoSign("no digit found: what stands out is too small to be read")
    part = picture.crop((box.left, box.top, box.right, box.bottom))
    return _looked_at(part, looks - 1, where and where.seen_from(box.top, box.left, 1))


def _reduced(picture: Image) -> Image:
    from PIL.Image import Resampling

    factor = max(picture.size) / LOOKED_AT
    if factor <= 1:
        return picture
    size = (ceil(picture.width / factor), ceil(picture.height / factor))
    return picture.resize(size, Resampling.BOX, reducing_gap=2)


def _is_blot(amount: Grey, sign: Subject) -> bool:
    return stroke_width(np.where(sign.mask, amount, 0)) > BLOT * sign.box.side


def _own(sign: Subject) -> Mask:
    """The sign's pixels and those around that may be its edge."""
    reach = max(2, round(0.06 * sign.box.side))
    return near(sign.mask, reach)


def _extent(mask: Mask) -> Box:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _scaled(amount: Grey, side: int) -> Grey:
    """The longest side made so long; strokes too thin to be seen then, or too thick, made usual."""
    if max(amount.shape) == side:
        return amount
    amount = amount[_extent(amount > EXTENT).slices]
    amount = _resized(amount, FINE * side) if max(amount.shape) > FINE * side else amount
    drawn = usual_pen(amount, side)
    small = _resized(drawn[_extent(drawn > EXTENT).slices], side)
    return np.asarray(small / small.max())


def _resized(amount: Grey, side: int) -> Grey:
    """Each pixel the average of those that it is made of."""
    from PIL import Image

    rows, columns = (max(1, round(n * side / max(amount.shape))) for n in amount.shape)
    how = Image.Resampling.BOX if side < max(amount.shape) else Image.Resampling.BICUBIC
    made: Grey = np.clip(np.asarray(Image.fromarray(amount).resize((columns, rows), how)), 0, 1)
    return made


def _placed(amount: Grey, size: tuple[int, int], framing: Framing) -> NDArray[np.uint8]:
    """In the middle of an empty image; its centre of mass lies in the pixel just behind that."""
    image = np.zeros(size, np.float32)
    places = []
    for axis in (0, 1):
        if framing.by_mass:
            sums = amount.sum(1 - axis)
            middle = float(sums @ (np.arange(len(sums)) + 0.5) / sums.sum())
            start = ceil(size[axis] // 2 - middle)
        else:
            start = (size[axis] - amount.shape[axis]) // 2
        places.append(min(max(start, 0), size[axis] - amount.shape[axis]))
    top, left = places
    image[top : top + amount.shape[0], left : left + amount.shape[1]] = amount
    return np.rint(image * 255).astype(np.uint8)
