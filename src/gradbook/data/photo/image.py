"""A picture that somebody took of a digit, made into an image as a network was trained on.

The ink is found (`ink.py`), then the one sign among its strokes (`subject.py`). That is cut out,
scaled to the longest side that the data set's images have, and brought to the middle.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradbook.data.formats.pictures import WHITE, Ground
from gradbook.data.images import Framing
from gradbook.data.photo.ink import Grey, stroke_width
from gradbook.data.photo.look import LOOKED_AT, digit, extent

if TYPE_CHECKING:
    from PIL.Image import Image


BLACK: Ground = (0, 0, 0)
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
    return _placed(_scaled(digit(picture), framing.side), (rows, columns), framing)[None]


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


def _scaled(amount: Grey, side: int) -> Grey:
    """The longest side made so long; strokes too thin to be seen then, or too thick, made usual."""
    if max(amount.shape) == side:
        return amount
    amount = amount[extent(amount > EXTENT).slices]
    amount = _resized(amount, FINE * side) if max(amount.shape) > FINE * side else amount
    drawn = usual_pen(amount, side)
    small = _resized(drawn[extent(drawn > EXTENT).slices], side)
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


THIN, USUAL, THICK = 1.35, 1.7, 4.4  # a stroke in pixels; of MNIST 1 %, 8 % and 99 % are thinner


def usual_pen(amount: Grey, side: int) -> Grey:
    """A pen that would be too thin or too thick in the small image, exchanged for another."""
    scale = side / max(amount.shape)
    width = stroke_width(amount) * scale
    wanted = USUAL if width < THIN else THICK if width > THICK else width
    steps = round((wanted - width) / scale / 2)
    return _grown(amount, steps)


def _grown(amount: Grey, steps: int) -> Grey:
    """Strokes wider by so many pixels on each side, or thinner."""
    padded = np.pad(amount, max(steps, 0))
    for number in range(abs(steps)):
        near = [padded, *_neighbours(padded, corners=number % 2 == 1)]
        padded = np.max(near, axis=0) if steps > 0 else np.min(near, axis=0)
    return padded


def _neighbours(values: Grey, corners: bool) -> list[Grey]:
    around = np.pad(values, 1)
    rows, columns = values.shape
    return [
        around[1 + y : 1 + y + rows, 1 + x : 1 + x + columns]
        for y in (-1, 0, 1)
        for x in (-1, 0, 1)
        if (y or x) and (corners or not (y and x))
    ]
