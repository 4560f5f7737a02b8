"""The signs in a picture that holds several: each cut out, in the order in which they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradbook.data.photo.ink import ink
from gradbook.data.photo.look import LINES, MARGIN, reduced
from gradbook.data.photo.strokes import Mask, PixelBox, near
from gradbook.data.photo.subject import NoSign, Subject, signs, spans

if TYPE_CHECKING:
    from PIL.Image import Image

SAME_LINE = 0.5  # of the lower one's height that two signs of a line have beside each other
FAINT_EDGES = 2  # pixels around a sign's strokes, as small as it is looked at


def each_sign(picture: Image) -> list[tuple[PixelBox, Image]]:
    """Where each sign is, and what is around it, with all others painted over."""
    small = reduced(picture)
    found = _found(np.asarray(small))
    if not found:
        raise NoSign("no digit found: nothing on it stands out that is large enough")
    scale = picture.width / small.width
    return [
        (sign.box.seen_from(0, 0, scale), _alone(picture, scale, sign, found))
        for sign in in_lines(found)
    ]


def in_lines(found: list[Subject]) -> list[Subject]:
    """Line by line from above, each from left to right."""
    lines: list[list[Subject]] = []
    for sign in sorted(found, key=lambda sign: sign.box.top + sign.box.bottom):
        line = next((line for line in lines if _is_beside(sign.box, line[-1].box)), None)
        if line is None:
            lines.append([sign])
        else:
            line.append(sign)
    return [sign for line in lines for sign in sorted(line, key=lambda sign: sign.box.left)]


def _is_beside(one: PixelBox, other: PixelBox) -> bool:
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return shared > SAME_LINE * min(one.height, other.height)


def _found(pixels: NDArray[np.uint8]) -> list[Subject]:
    """The signs in all of the ink, or in what is darker than the lines of the paper."""
    for shadowed in (False, True):
        every = ink(pixels, shadowed=shadowed)
        for seen in (every, every.above(LINES)) if every else ():
            made = signs(seen.strokes)
            if made and not any(map(spans, made)):
                return made
    return []


def _alone(picture: Image, scale: float, sign: Subject, found: list[Subject]) -> Image:
    """The picture around a sign; where others reach into that, it has the paper's colour."""
    from PIL import Image

    box = sign.box.wider(MARGIN).within(*sign.mask.shape)
    own = near(sign.mask, FAINT_EDGES)
    others = _others(sign, found) & ~own
    large = box.seen_from(0, 0, scale).within(picture.height, picture.width)
    part = picture.crop((large.left, large.top, large.right, large.bottom))
    painted = Image.fromarray(others[box.slices]).resize(part.size)
    bare = ~(others | own)[box.slices]
    seen = np.asarray(part.resize((box.width, box.height)))[bare]
    paper = tuple(int(level) for level in np.median(seen, axis=0)) if len(seen) else (255,) * 3
    part.paste(paper, mask=painted)
    return part


def _others(sign: Subject, found: list[Subject]) -> Mask:
    every = np.zeros(sign.mask.shape, bool)
    for other in found:
        every |= other.mask if other is not sign else False
    return near(every, FAINT_EDGES)
