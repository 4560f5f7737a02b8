"""Random changes to images in each epoch: mirrored, rotated, shifted, scaled, bent, cut.

This is the definition of a warp, computed slowly in float64; `engine/native.py` does the same
fast, and where nothing can be compiled, this is used for training.

A place in an image is (x, y): pixels to the right of its centre, and pixels below it. A warp
moves the content of a place to another one, in this order:

    flip      −x, y                          mirrored, left and right
    crop      x · columns/N, y · rows/N      the middle N by N fill the image
    scale     x · f, y · f
    shear     x − y · tan φ, y               the part above the centre leans to the right
    rotate    anticlockwise by θ
    shift     x + along, y + down

So a pixel of the new image shows a place of the old one, which is found by going back, and
`elastic` moves that place once more: grid points SPACING apart are moved at random, and the
places between them follow smoothly (a uniform cubic B-spline, which never goes further than its
points). A place between four pixels has a value between theirs (bilinear); outside the image
there is only background. At last `cutout` fills a square with background. All channels are warped
alike.

The random numbers depend only on (seed, epoch, number of the image), and each kind of warp uses
different ones, so that leaving one out doesn't change the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from math import cos, isfinite, radians, sin, tan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.arguments import number, settle, whole
from gradbook.chance import Purpose, Words, key, uniform
from gradbook.data.dataset import Images, edge_brightness
from gradbook.errors import ShapeError, UsageError, did_you_mean
from gradbook.net.text import Statement, digits, pointing, statements
from gradbook.statements import TWICE

Floats = NDArray[np.float64]

ROOM = 3  # cubic: this many more points than gaps


@dataclass(frozen=True)
class Crop:
    """The central `size` by `size` pixels are enlarged to the whole image."""

    size: int
    chance: float = 1.0  # the probability

    def __post_init__(self) -> None:
        settle(
            self,
            size=whole("crop's size", self.size, 1),
            chance=_between("crop's chance", self.chance, 0, 1),
        )


@dataclass(frozen=True)
class Flip:
    """Left and right are exchanged."""

    chance: float = 0.5  # the probability

    def __post_init__(self) -> None:
        settle(self, chance=_between("flip's chance", self.chance, 0, 1))


@dataclass(frozen=True)
class Cutout:
    """A square of `size` by `size` pixels, anywhere in the new image, is filled with background
    (DeVries & Taylor, 2017)."""

    size: int
    chance: float = 1.0  # the probability

    def __post_init__(self) -> None:
        settle(
            self,
            size=whole("cutout's size", self.size, 1),
            chance=_between("cutout's chance", self.chance, 0, 1),
        )

    def inside(self, place: tuple[int, int]) -> tuple[slice, slice]:
        """The rows and columns of a square with its middle at this pixel, up to the edges."""
        first = [at - self.size // 2 for at in place]
        down, across = (slice(max(at, 0), max(at + self.size, 0)) for at in first)
        return down, across


@dataclass(frozen=True)
class Elastic:
    """Points `spacing` pixels apart are each moved by up to `most`, along and down."""

    spacing: int
    most: float

    def __post_init__(self) -> None:
        spacing = whole("elastic's spacing", self.spacing, 2)
        most = _between("elastic's reach", self.most, 0, spacing)
        settle(self, spacing=spacing, most=most)

    def points(self, length: int) -> int:
        """The number of points for this many pixels."""
        return (length - 1) // self.spacing + 1 + ROOM


@dataclass(frozen=True)
class Warp:
    """Random changes to an image, with angles in degrees and lengths in pixels; by default none."""

    rotate: float = 0.0  # at most, either way
    shift: float = 0.0  # at most, either way, along and down
    scale: tuple[float, float] = (1.0, 1.0)  # the smallest and the largest factor
    shear: float = 0.0  # at most, either way
    crop: Crop | None = None
    elastic: Elastic | None = None
    background: int | None = None  # a byte; None: the brightness of the images' edges, or 0
    flip: Flip | None = None
    cutout: Cutout | None = None

    def __post_init__(self) -> None:
        low, high = (_between("a scale", factor, 0.01, 100) for factor in self.scale)
        if low > high:
            raise UsageError(f"put the smallest scale first: {high:g} {low:g}")
        background = self.background
        if background is not None:
            background = whole("background", background, 0)
            _between("background", background, 0, 255)
        settle(
            self,
            rotate=_between("rotate's angle", self.rotate, 0, 180),
            shift=_between("shift", self.shift, 0, 10_000),
            scale=(low, high),
            shear=_between("shear's angle", self.shear, 0, 80),
            background=background,
        )

    @property
    def changes_images(self) -> bool:
        return self != Warp(background=self.background)

    def on_ground_of(self, images: Images) -> Warp:
        """The warp with the images' own background, if none is given."""
        if self.background is not None or not self.changes_images:
            return self
        return replace(self, background=edge_brightness(images) or None)

    def for_side(self, side: int, meant_for: int) -> Warp:
        """The warp for images with another side, in pixels, than it was meant for: lengths change
        with the side. With fewer pixels interpolation blurs more, so small images are also rotated,
        sheared and scaled less in proportion.
        """
        share = side / meant_for
        less = min(share, 1.0)
        crop, elastic, cutout = self.crop, self.elastic, self.cutout
        if cutout:
            cutout = replace(cutout, size=max(round(cutout.size * share), 1))
        if crop:
            crop = replace(crop, size=max(round(crop.size * share), 1))
        if elastic:
            spacing = max(round(elastic.spacing * share), 2)
            elastic = Elastic(spacing, _rounded(min(elastic.most * share, spacing)))
        low, high = (_rounded(1 + (factor - 1) * less) for factor in self.scale)
        return replace(
            self,
            rotate=_rounded(self.rotate * less),
            shift=_rounded(self.shift * share),
            scale=(low, high),
            shear=_rounded(self.shear * less),
            crop=crop,
            elastic=elastic,
            cutout=cutout,
        )

    def require_fit(self, rows: int, columns: int) -> None:
        for word, part in (("crop", self.crop), ("cutout", self.cutout)):
            if part and part.size > min(rows, columns):
                raise ShapeError(
                    f"{word} {part.size} of an image with {rows} rows and {columns} columns: "
                    f"write at most {min(rows, columns)}"
                )


def _rounded(value: float) -> float:
    """The number, rounded as people write it."""
    return round(value, 3)


def _between(what: str, value: object, low: float, high: float) -> float:
    amount = number(what, value)
    if not (isfinite(amount) and low <= amount <= high):
        raise UsageError(f"{what} must be between {low:g} and {high:g}, not {amount:g}")
    return amount


# Random numbers.


class Draw(IntEnum):
    """Which number of an image's key decides what."""

    ANGLE = 0
    ALONG = 1
    DOWN = 2
    SCALE = 3
    SHEAR = 4
    CROP = 5
    FLIP = 6
    CUTOUT = 7  # whether, and where
    ELASTIC = 8  # and above: the shift of each point along, row by row, then down


@dataclass(frozen=True, eq=False)
class Drawn:
    """The random values of one image. Angles in radians."""

    angle: float
    along: float
    down: float
    scale: float
    shear: float
    cropped: bool
    points: Floats  # (2, points down, points across); empty without elastic
    flipped: bool = False
    cut: tuple[int, int] | None = None  # the row and the column of the square's middle


def draw_warp(warp: Warp, image_key: Words, rows: int, columns: int) -> Drawn:
    elastic = warp.elastic
    grid = (2, elastic.points(rows), elastic.points(columns)) if elastic else (2, 0, 0)
    u = uniform(image_key, Draw.ELASTIC + int(np.prod(grid)))
    low, high = warp.scale
    middle, cutout, chosen = None, warp.cutout, float(u[Draw.CUTOUT])
    if cutout is not None and chosen < cutout.chance:  # then it is equally likely anywhere
        middle = divmod(int(chosen / cutout.chance * (rows * columns)), columns)
    return Drawn(
        angle=radians(warp.rotate) * either_way(u[Draw.ANGLE]),
        along=warp.shift * either_way(u[Draw.ALONG]),
        down=warp.shift * either_way(u[Draw.DOWN]),
        scale=low + (high - low) * float(u[Draw.SCALE]),
        shear=radians(warp.shear) * either_way(u[Draw.SHEAR]),
        cropped=warp.crop is not None and float(u[Draw.CROP]) < warp.crop.chance,
        points=(elastic.most if elastic else 0) * (2 * u[Draw.ELASTIC :] - 1).reshape(grid),
        flipped=warp.flip is not None and float(u[Draw.FLIP]) < warp.flip.chance,
        cut=middle,
    )


def either_way(u: float) -> float:
    """From −1 to 1."""
    return 2 * float(u) - 1


# Warping.


def warp_image(
    pixels: NDArray[np.uint8], warp: Warp, *, seed: int, epoch: int, image: int
) -> Floats:
    """The image with this number, (channels, rows, columns), as in training, from 0 to 255."""
    _, rows, columns = pixels.shape
    warp.require_fit(rows, columns)
    chance = draw_warp(warp, key(seed, Purpose.WARP, epoch, image), rows, columns)
    x, y = places(warp, chance, rows, columns)
    image_warped = look_up(pixels, x, y, warp.background or 0)
    if warp.cutout and chance.cut:
        image_warped[:, *warp.cutout.inside(chance.cut)] = warp.background or 0
    return image_warped


def warp_images(
    pixels: NDArray[np.uint8], warp: Warp, order: Iterable[int], *, seed: int, epoch: int
) -> Floats:
    """The images (images, channels, rows, columns) with these numbers."""
    return np.stack(
        [warp_image(pixels[image], warp, seed=seed, epoch=epoch, image=image) for image in order]
    )


def samples(images: Images, warp: Warp, order: NDArray[np.intp], *, seed: int) -> Images:
    """The images as in the first epoch, to look at."""
    grounded = warp.on_ground_of(images)
    pixels = warp_images(images.pixels, grounded, order.tolist(), seed=seed, epoch=0)
    return Images(pixels.round().astype(np.uint8), images.labels[order])


def places(warp: Warp, chance: Drawn, rows: int, columns: int) -> tuple[Floats, Floats]:
    """The place that each pixel of the new image shows: x and y, each (rows, columns)."""
    x, y = np.meshgrid(from_the_middle(columns), from_the_middle(rows))
    back = np.linalg.inv(matrix(warp, chance, rows, columns))
    shifted = np.stack([x - chance.along, y - chance.down])
    x, y = np.einsum("ij,jrc->irc", back, shifted)
    if warp.elastic:
        across, down = influence(columns, warp.elastic), influence(rows, warp.elastic)
        x, y = np.stack([x, y]) + down @ chance.points @ across.T
    return x, y


def from_the_middle(length: int) -> Floats:
    return np.arange(length, dtype=np.float64) - (length - 1) / 2


def matrix(warp: Warp, chance: Drawn, rows: int, columns: int) -> Floats:
    """The matrix from (x, y) of the old image to (x, y) of the new one, before the shift."""
    c, s = cos(chance.angle), sin(chance.angle)
    rotate = np.array([[c, s], [-s, c]])
    shear = np.array([[1, -tan(chance.shear)], [0, 1]])
    crop = np.array(crop_factors(warp, rows, columns) if chance.cropped else (1, 1))
    mirror = np.array([-1 if chance.flipped else 1, 1])
    return np.asarray(rotate @ shear @ np.diag(chance.scale * crop * mirror))


def crop_factors(warp: Warp, rows: int, columns: int) -> tuple[float, float]:
    """The factors by which the centre is enlarged."""
    return (columns / warp.crop.size, rows / warp.crop.size) if warp.crop else (1.0, 1.0)


def influence(length: int, elastic: Elastic) -> Floats:
    """(length, points): the weight of each point for each pixel of a row or a column.

    Only the four points around a pixel at share t of the gap have weights.
    """
    counts = np.zeros((length, elastic.points(length)))
    for pixel in range(length):
        gap, t = pixel // elastic.spacing, pixel % elastic.spacing / elastic.spacing
        counts[pixel, gap : gap + 4] = (
            (1 - t) ** 3 / 6,
            (3 * t**3 - 6 * t**2 + 4) / 6,
            (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
            t**3 / 6,
        )
    return counts


def look_up(pixels: NDArray[np.uint8], x: Floats, y: Floats, background: int) -> Floats:
    """The image's values at these places, (channels, *places)."""
    _, rows, columns = pixels.shape
    framed = np.pad(pixels, ((0, 0), (1, 2), (1, 2)), constant_values=background).astype(float)
    x = np.clip(x + (columns + 1) / 2, 0, columns + 1)
    y = np.clip(y + (rows + 1) / 2, 0, rows + 1)
    left, above = x.astype(int), y.astype(int)
    u, v = x - left, y - above
    upper = (1 - u) * framed[:, above, left] + u * framed[:, above, left + 1]
    lower = (1 - u) * framed[:, above + 1, left] + u * framed[:, above + 1, left + 1]
    return np.asarray((1 - v) * upper + v * lower)


# The text form ----------------------------------------------------------------

WARP_GRAMMAR = """\
A warp is a line with random changes to training images, separated by semicolons:

  rotate DEGREES         rotated by up to this angle, in both directions
  shift PIXELS           moved along and down by up to this many pixels, in both directions
  scale LOW HIGH         scaled by a factor between the two
  shear DEGREES          sheared by up to this angle, in both directions
  crop N [chance P]      the central N by N pixels enlarged to the whole image:
                         always, or with that probability
  flip [chance P]        mirrored, left and right: every second image, or with that
                         probability
  cutout N [chance P]    a square of N by N pixels, anywhere, filled with the background:
                         always, or with that probability
  elastic SPACING MOST   bent: points SPACING pixels apart are each moved along and down by
                         up to MOST pixels, and the places between follow smoothly; nothing
                         folds over while MOST is at most a quarter of SPACING
  background BYTE        the brightness outside the image; the default is that of
                         the images' edges
  none                   no change

Each may be given once, in any order; flip and crop always come before scale, shear, rotate
and shift, and cutout comes last.
Digits of 28 by 28 stay readable with

  rotate 12; shift 2; scale 0.85 1.15; shear 10; elastic 7 3
"""

NONE = "none"


def parse_warp(text: str, source: str | None = "warp") -> Warp:
    """The warp that a text describes."""
    return parse_warp_lines(statements(text, source))


def parse_warp_lines(lines: Iterable[Statement]) -> Warp:
    """The warp that these statements describe."""
    warp, words = Warp(), set[str]()
    for line in lines:
        word = line.take()
        known = [*READERS, NONE]
        if word not in known:
            hint = did_you_mean(word, known) or f": it is one of {', '.join(known)}"
            line.fail(f"unknown {word!r}{hint}", at=0)
        if word in words:
            line.fail(TWICE.format(word=word), at=0)
        if words and NONE in (word, *words):
            line.fail(f"{NONE!r} must be alone: remove it, or the others", at=0)
        words.add(word)
        if word != NONE:
            with pointing(line, at=0):
                warp = replace(warp, **{word: READERS[word](line)})
        line.end()
    if not words:
        raise UsageError(f"the warp is empty: write for example 'rotate 15; shift 2', or '{NONE}'")
    return warp


def _crop(line: Statement) -> Crop:
    return Crop(line.whole("crop's size"), _chance(line, "crop's chance", 1.0))


def _flip(line: Statement) -> Flip:
    return Flip(_chance(line, "flip's chance", 0.5))


def _cutout(line: Statement) -> Cutout:
    return Cutout(line.whole("cutout's size"), _chance(line, "cutout's chance", 1.0))


def _chance(line: Statement, what: str, usual: float) -> float:
    return line.value(what) if line.option("chance") else usual


READERS: dict[str, Callable[[Statement], Any]] = {
    "rotate": lambda line: line.value("the angle"),
    "shift": lambda line: line.value("the distance"),
    "scale": lambda line: (line.value("the smallest scale"), line.value("the largest scale")),
    "shear": lambda line: line.value("the angle"),
    "crop": _crop,
    "flip": _flip,
    "cutout": _cutout,
    "elastic": lambda line: Elastic(line.whole("elastic's spacing"), line.value("elastic's reach")),
    "background": lambda line: line.whole("the background"),
}


def write_warp(warp: Warp) -> str:
    """The text that parses to this warp."""
    usual = Warp()
    parts = [
        f"{name} {_words(getattr(warp, name))}".rstrip()
        for name in READERS
        if getattr(warp, name) != getattr(usual, name)
    ]
    return "; ".join(parts) or NONE


def _words(value: Any) -> str:
    match value:
        case Crop(size, chance) | Cutout(size, chance):
            return f"{size}" + ("" if chance == 1 else f" chance {digits(chance)}")
        case Flip(chance):
            return "" if chance == Flip.chance else f"chance {digits(chance)}"
        case Elastic(spacing, most):
            return f"{spacing} {digits(most)}"
        case low, high:
            return f"{digits(low)} {digits(high)}"
    return digits(value)
