"""Turns a photo into an image like those that a network was trained on.

It finds the ink, and among the strokes the one sign (`signs.py`). That is cut out,
scaled to the longest side of the data set's images, and centred. Paper is what most of a picture
consists of, and it changes slowly from place to place; whatever differs from it in one direction
of colour is ink: pen on paper, chalk, light on a screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.dataset import Framing
from gradbook.data.formats.pictures import WHITE, Ground
from gradbook.data.signs import (
    LEAST_SIDE,
    NoSign,
    PixelBox,
    Subject,
    is_card,
    is_grid,
    is_table,
    near,
    spans,
    subject,
    within_a_table,
)

if TYPE_CHECKING:
    from PIL.Image import Image


# The ink ----------------------------------------------------------------------

Grey = NDArray[Any]  # (rows, columns) in float32
Colours = NDArray[Any]  # (rows, columns, 3) in float32, from 0 to 1

SOME = 20_000  # pixels that represent all
CELLS = 24  # along the longer side: the resolution of the paper's lighting
EVEN_SHARE = 0.4  # of all pixels: a colour with this share is paper without a shadow
ALIKE = 2.5 / 255  # smaller differences are the same colour
STRONG = 90  # per cent of the visible pixels are fainter than the ink's full strength
EDGE = 0.35  # of full strength: below half, at which thin strokes would break
FAINTEST = 0.02  # of full strength, for paper without noise
SHARP = 0.02  # of full strength from pixel to pixel
QUIET, QUIETEST = 0.3, 0.385  # this share of noise is below this many deviations
LEAST_CONTRAST = 0.07  # black on white has 1
NOISES = 5  # deviations of the paper's own noise; ink must exceed this


@dataclass(frozen=True, eq=False)
class Ink:
    """The amount of ink at each place, from 0, the bare paper, to 1."""

    amount: Grey
    faintest: float  # the least amount that is distinguishable from paper

    @property
    def strokes(self) -> NDArray[np.bool_]:
        """The places with ink, without faint edges."""
        return np.asarray(self.amount > EDGE)

    def above(self, amount: float) -> Ink:
        """Only the ink above this amount, rescaled to full strength."""
        return Ink(np.clip((self.amount - amount) / (1 - amount), 0, 1), self.faintest)

    def by_an_edge(self, reach: int) -> NDArray[np.bool_]:
        """The ink this close to a sharp edge; the soft edge of a shadow doesn't count."""
        smooth = _blurred(_blurred(self.amount[..., None]))[..., 0]
        down, along = np.diff(smooth, axis=0)[:, :-1], np.diff(smooth, axis=1)[:-1]
        sharp = np.hypot(down, along) > max(SHARP, self.faintest / 4)
        return near(np.pad(sharp, ((0, 1), (0, 1))), reach)


def ink(picture: NDArray[np.uint8], *, shadowed: bool = False) -> Ink | None:
    """The ink in a picture (rows, columns, 3); None if it is all paper.

    If it is `shadowed`, everything far from a sharp edge is paper, however dark.
    """
    colours = picture.astype(np.float32) / 255
    paper = _even_paper(colours)
    if paper is not None:
        return _ink_strengths(_difference(colours, paper))
    paper = _surface(colours)
    for _ in range(4 if shadowed else 2):  # the paper is estimated better once most of the ink is
        marks = _ink_strengths(_difference(colours, paper))
        if marks is None:
            return None
        covered = near(marks.strokes, _reach(colours))
        if shadowed:
            covered &= marks.by_an_edge(5 * _reach(colours))
        paper = _followed(colours, covered, paper)
    return _ink_strengths(_difference(colours, paper))


def stroke_width(amount: Grey) -> float:
    """The width of the strokes: twice their area over the length of their outline."""
    padded = np.pad(amount, 1)
    down, along = np.diff(padded, axis=0)[:, :-1], np.diff(padded, axis=1)[:-1]
    return float(2 * amount.sum() / np.hypot(down, along).sum())


def _even_paper(colours: Colours) -> Colours | None:
    """The one colour of a large part of the picture, as in drawings and on screens."""
    step = max(1, round((colours.shape[0] * colours.shape[1] / SOME) ** 0.5))
    few = colours[::step, ::step].reshape(-1, 3)
    bytes_ = np.rint(few * 255).astype(np.int32)
    each, counts = np.unique(bytes_ @ (65536, 256, 1), return_counts=True)
    most = int(each[counts.argmax()])
    colour = np.array([most >> 16, most >> 8 & 255, most & 255], np.float32) / 255
    alike = abs(few - colour).max(1) < ALIKE
    if alike.mean() < EVEN_SHARE:
        return None
    return np.asarray(few[alike].mean(0) if counts.max() < len(few) / 2 else colour)


def _difference(colours: Colours, paper: Colours) -> Grey:
    """How much each pixel differs from the paper, along the most different direction of colour."""
    apart = (colours - paper).reshape(-1, 3)
    some = apart[:: max(1, len(apart) // SOME)]
    sizes = (some**2).sum(1)
    far = some[sizes >= np.quantile(sizes, 0.9)]
    direction = np.linalg.eigh(far.T @ far)[1][:, -1]
    along = far @ direction
    amount: Grey = (apart @ direction).reshape(colours.shape[:2])
    return amount if (along * along * along).sum() >= 0 else -amount


def _ink_strengths(amount: Grey) -> Ink | None:
    """The difference in units of the ink's own strength, if there is any ink."""
    some = amount.ravel()[:: max(1, amount.size // SOME)]
    noise = float(np.quantile(abs(some), QUIET)) / QUIETEST
    least = max(NOISES * noise, LEAST_CONTRAST)
    outstanding = amount[amount > least]
    if not outstanding.size:
        return None
    full = float(np.percentile(outstanding, STRONG))
    return Ink(np.clip(amount / full, 0, 1), min(max(FAINTEST, 3 * noise / full), EDGE))


def _surface(colours: Colours) -> Colours:
    """Paper under light that varies quadratically, fitted to most of the picture."""
    small = _resized(colours, *_cells(colours))
    values = small.reshape(-1, 3)
    terms = _quadratic(*small.shape[:2])
    even = np.broadcast_to(np.median(values, axis=0), values.shape)
    for count in (1, 3, 3, 3, 6, 6, 6, 6):  # first even light, then a slope, then a curve
        distances = np.linalg.norm(values - even, axis=1)
        usual = max(float(np.median(distances)), ALIKE)
        weights = (1 + (distances / usual) ** 2) ** -2.0
        used = terms[:, :count]
        weighted = used * weights[:, None]
        even = used @ np.linalg.lstsq(weighted.T @ used, weighted.T @ values, rcond=None)[0]
    return _resized(np.asarray(even, np.float32).reshape(small.shape), *colours.shape[:2])


def _quadratic(rows: int, columns: int) -> NDArray[np.float64]:
    """1, y, x, y², xy, x² at the centre of each place; y and x go from −1 to 1."""
    y, x = (2 * (np.arange(n) + 0.5) / n - 1 for n in (rows, columns))
    y, x = (side.ravel() for side in np.meshgrid(y, x, indexing="ij"))
    return np.stack([np.ones_like(x), y, x, y * y, x * y, x * x], axis=1)


def _followed(colours: Colours, covered: NDArray[np.bool_], before: Colours) -> Colours:
    """Paper interpolated from the bare places around; without any, the previous estimate."""
    bare = (~covered).astype(np.float32)[..., None]
    seen = _resized(np.concatenate([(colours - before) * bare, bare], axis=2), *_cells(colours))
    blurred = _blurred(seen)
    correction = blurred[..., :3] / (blurred[..., 3:] + 0.02)
    return before + _resized(correction, *colours.shape[:2])


def _reach(colours: Colours) -> int:
    """How far from a stroke its edges and their blur can be seen."""
    rows, columns = colours.shape[:2]
    return int(max(1, round(max(rows, columns) / 150)))


def _cells(colours: Colours) -> tuple[int, int]:
    rows, columns = map(int, colours.shape[:2])
    cell = max(rows, columns) / CELLS
    return max(1, min(rows, round(rows / cell))), max(1, min(columns, round(columns / cell)))


def _blurred(cells: Colours) -> Colours:
    """Each cell averaged with its neighbours, 1 4 6 4 1 along and down."""
    for _ in range(2):
        wide = np.pad(cells, ((1, 1), (1, 1), (0, 0)))
        rows = wide[:-2] + 2 * wide[1:-1] + wide[2:]
        cells = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 16
    return cells


def _resized(values: Colours, rows: int, columns: int) -> Colours:
    from PIL import Image

    how = Image.Resampling.BOX if rows < len(values) else Image.Resampling.BICUBIC
    planes = [
        np.asarray(Image.fromarray(plane).resize((columns, rows), how))
        for plane in np.moveaxis(values, 2, 0)
    ]
    return np.stack(planes, axis=2)


# A single digit; a small one, or one on a card, is examined again, enlarged ---

LOOKS = 4  # at most
LOOKED_AT = 480  # pixels along the longer side: enough to find a digit
NEARER = 0.4  # of the picture: a smaller digit is examined again, enlarged
MARGIN = 0.6  # of its side, on each side of it
INSIDE = 0.03  # of a card's side: the margin that is cut off
BLOT = 0.4  # of its side: no digit has such wide strokes
SOFT = 0.1  # of a sign: this share may be further from its edges than the strokes are wide
LINES = 0.6  # of the ink's strength: the lines of squared paper are hardly darker
LINES_MORE = 1.2  # times the faint lines around a digit: fainter marks may be such lines
SOME_EDGES, RIM = 0.001, 6  # of all pixels; pixels along the picture's sides
EDGES = 0.06  # of a digit's side: the reach of the strokes' faint edges


def digit(picture: Image) -> Grey:
    """The digit's ink, from 0 to 1, without anything else, cut to its edges."""
    return _looked_at(picture, LOOKS)


def shrink(picture: Image) -> Image:
    """The picture, made as small as possible for finding a digit."""
    from PIL.Image import Resampling

    factor = max(picture.size) / LOOKED_AT
    if factor <= 1:
        return picture
    size = (ceil(picture.width / factor), ceil(picture.height / factor))
    return picture.resize(size, Resampling.BOX, reducing_gap=2)


def _looked_at(picture: Image, looks: int, where: PixelBox | None = None) -> Grey:
    """The digit's ink; `where` is the part of the picture that contains it."""
    small = shrink(picture)
    scale = picture.width / small.width
    marks, sign = _find_sign(np.asarray(small), where and where.seen_from(0, 0, 1 / scale))
    nearer = _nearer(marks, sign, max(small.size))
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
    if stroke_width(np.where(sign.mask, marks.amount, 0)) > BLOT * sign.box.side:
        raise NoSign("no digit found: the only mark is a blot")
    reach = max(2, round(EDGES * sign.box.side))
    digit = near(sign.mask, reach)
    around = marks.amount[near(sign.mask, 3 * reach) & ~digit]
    lines = float(np.quantile(around, 0.95)) if around.size else 0.0
    faintest = max(marks.faintest, min(LINES_MORE * lines, EDGE))
    amount = np.where(digit & (marks.amount > faintest), marks.amount, 0)
    return amount[extent(amount > 0).slices]


def extent(mask: NDArray[np.bool_]) -> PixelBox:
    """The box around the mask, which isn't empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return PixelBox(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _nearer(ink: Ink, sign: Subject | NoSign, side: int) -> PixelBox | None:
    """What to examine again: the paper without a table, a card alone, or a small digit enlarged."""
    if isinstance(sign, NoSign):
        return within_a_table(ink.strokes)
    if is_card(sign):
        return sign.box.wider(-INSIDE)
    return sign.box.wider(MARGIN) if sign.box.side < NEARER * side else None


def _cut(picture: Image, box: PixelBox, looks: int, where: PixelBox | None) -> Grey:
    """The content of the box, examined again."""
    box = box.within(picture.height, picture.width)
    if min(box.height, box.width) < LEAST_SIDE:
        raise NoSign("no digit found: the only mark is too small to be read")
    part = picture.crop((box.left, box.top, box.right, box.bottom))
    return _looked_at(part, looks - 1, where and where.seen_from(box.top, box.left, 1))


def _find_sign(pixels: NDArray[np.uint8], where: PixelBox | None) -> tuple[Ink, Subject | NoSign]:
    """The ink and the sign in it; shadows are considered if there is no sign without them."""
    seen: list[tuple[Ink, Subject | NoSign]] = []
    for shadowed in (False, True):
        all_ink = ink(pixels, shadowed=shadowed)
        if all_ink is None:
            continue
        marks, sign = _sign(all_ink, where)
        if isinstance(sign, Subject):
            return marks, sign
        seen.append((marks, sign))
    if not seen and _has_edges(pixels):
        raise NoSign("nothing in it stands out from the background: crop it to one digit")
    if not seen:
        raise NoSign("blank: nothing is drawn on it")
    return seen[0]


def _has_edges(pixels: NDArray[np.uint8]) -> bool:
    """Whether it has a content without ink: several pictures side by side, or a pattern."""
    grey = pixels.astype(np.float32).mean(2) / 255
    edges = Ink(grey, FAINTEST).by_an_edge(0)[RIM:-RIM, RIM:-RIM]  # without those of the picture
    return bool(edges.any() and edges.mean() > SOME_EDGES)


def _sign(ink: Ink, where: PixelBox | None) -> tuple[Ink, Subject | NoSign]:
    """The one sign, or the reason for none; in all of the ink, or in what is darker than lines."""
    sign = _judged(ink, where)
    if isinstance(sign, Subject) and not spans(sign):
        return ink, sign
    darker = ink.above(LINES)
    without_lines = _judged(darker, where)
    if isinstance(without_lines, Subject) and not spans(without_lines):
        return darker, without_lines
    return ink, sign


def _judged(ink: Ink, where: PixelBox | None) -> Subject | NoSign:
    """The one sign that the strokes form, if it can be handwriting."""
    try:
        sign = subject(ink.strokes, where)
    except NoSign as error:
        return error
    amount = np.where(sign.mask, ink.amount, 0)
    edges = ink.by_an_edge(ceil(stroke_width(amount)) + 1)
    if np.mean(edges[sign.mask]) < 1 - SOFT:
        return NoSign("no digit found: the only mark has soft edges, like a shadow")
    if is_table(sign.mask):
        return NoSign("no digit found: the only mark runs along the picture's edge")
    if is_grid(sign):
        return NoSign("no digit found: the only mark is a grid of lines")
    return sign


# The network's input ----------------------------------------------------------

BLACK: Ground = (0, 0, 0)
EXTENT = 0.06  # of full strength: the edge of a digit's box, as in MNIST
FINE = 6  # times the final size, at which strokes are widened or thinned


def as_seen(
    picture: Image, shape: tuple[int, int, int], framing: Framing | None
) -> NDArray[np.uint8]:
    """The picture as the input of a network that was trained on images of this shape and framing.

    Without a framing the picture is only scaled. A `NoSign` says what it shows instead.
    """
    channels, rows, columns = shape
    if framing is None:
        mode = "L" if channels == 1 else "RGB"
        pixels = np.asarray(picture.convert(mode).resize((columns, rows), reducing_gap=3))
        return np.ascontiguousarray(pixels.reshape(rows, columns, channels).transpose(2, 0, 1))
    return _placed(_scaled(digit(picture), framing.side), (rows, columns), framing)[None]


def ground_behind(picture: Image) -> Ground:
    """The background for a transparent picture: its own paper, or a contrast to its ink."""
    small = np.asarray(picture.reduce(max(1, max(picture.size) // LOOKED_AT)))
    opaque = small[..., 3] > 127
    if not opaque.any():
        return WHITE
    red, green, blue = (round(float(value)) for value in np.median(small[opaque][:, :3], axis=0))
    if opaque.mean() > 0.5:
        return red, green, blue
    return BLACK if red + green + blue > 3 * 127 else WHITE


def _scaled(amount: Grey, side: int) -> Grey:
    """The picture scaled to this longest side; strokes that become too thin or thick are mended."""
    if max(amount.shape) == side:
        return amount
    amount = amount[extent(amount > EXTENT).slices]
    amount = _averaged(amount, FINE * side) if max(amount.shape) > FINE * side else amount
    drawn = usual_pen(amount, side)
    small = _averaged(drawn[extent(drawn > EXTENT).slices], side)
    return np.asarray(small / small.max())


def _averaged(amount: Grey, side: int) -> Grey:
    """Each pixel the mean of the pixels that it covers."""
    from PIL import Image

    rows, columns = (max(1, round(n * side / max(amount.shape))) for n in amount.shape)
    how = Image.Resampling.BOX if side < max(amount.shape) else Image.Resampling.BICUBIC
    averaged: Grey = np.clip(np.asarray(Image.fromarray(amount).resize((columns, rows), how)), 0, 1)
    return averaged


def _placed(amount: Grey, size: tuple[int, int], framing: Framing) -> NDArray[np.uint8]:
    """Centred in an empty image; the centre of mass is in the pixel after the middle."""
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


THIN, USUAL, THICK = 1.35, 1.7, 4.4  # a stroke in pixels; of MNIST's, 1 %, 8 % and 99 % are thinner


def usual_pen(amount: Grey, side: int) -> Grey:
    """Strokes that would be too thin or thick in the small image, adjusted."""
    scale = side / max(amount.shape)
    width = stroke_width(amount) * scale
    wanted = USUAL if width < THIN else THICK if width > THICK else width
    steps = round((wanted - width) / scale / 2)
    return _grown(amount, steps)


def _grown(amount: Grey, steps: int) -> Grey:
    """Strokes widened by this many pixels on each side, or thinned."""
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
