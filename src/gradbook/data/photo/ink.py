"""Finds the ink in a picture: pen on paper, chalk on a board, light on a screen, evenly lit or not.

The paper is what most of a picture looks like, and it changes slowly from place to place.
Whatever is unlike it, all in one direction of colour, is ink.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.photo.strokes import near

Grey = NDArray[Any]  # (rows, columns) in float32
Colours = NDArray[Any]  # (rows, columns, 3) in float32, from 0 to 1

SOME = 20_000  # pixels speak for all
CELLS = 24  # along the longer side: how finely the paper's lighting is followed
EVEN_SHARE = 0.4  # of all pixels: so many of one colour are paper without a shadow
ALIKE = 2.5 / 255  # what differs less is the same colour
STRONG = 90  # per cent of what stands out is fainter than the ink's full strength
EDGE = 0.35  # of full strength: below the half, where thin places of a stroke would break
FAINTEST = 0.02  # of full strength, where the paper is without noise
SHARP = 0.02  # of full strength from pixel to pixel
QUIET, QUIETEST = 0.3, 0.385  # that share of noise is less than so many deviations
LEAST_CONTRAST = 0.07  # black on white has 1
NOISES = 5  # deviations of the paper's own noise; what is less doesn't stand out


@dataclass(frozen=True, eq=False)
class Ink:
    """How much ink there is at each place, from 0, the bare paper, to 1."""

    amount: Grey
    faintest: float  # below it nothing can be told from the paper

    @property
    def strokes(self) -> NDArray[np.bool_]:
        """Where there is ink, faint edges left out."""
        return np.asarray(self.amount > EDGE)

    def above(self, amount: float) -> Ink:
        """Only what is more than that, its strength spread out again."""
        return Ink(np.clip((self.amount - amount) / (1 - amount), 0, 1), self.faintest)

    def by_an_edge(self, reach: int) -> NDArray[np.bool_]:
        """What lies so near an edge of ink; the edge of a shadow is soft and is none."""
        smooth = _blurred(_blurred(self.amount[..., None]))[..., 0]
        down, along = np.diff(smooth, axis=0)[:, :-1], np.diff(smooth, axis=1)[:-1]
        sharp = np.hypot(down, along) > max(SHARP, self.faintest / 4)
        return near(np.pad(sharp, ((0, 1), (0, 1))), reach)


def ink(picture: NDArray[np.uint8], *, shadowed: bool = False) -> Ink | None:
    """The ink in a picture (rows, columns, 3); none where it is all paper.

    If it is `shadowed`, what is far from any sharp edge is paper too, however dark.
    """
    colours = picture.astype(np.float32) / 255
    paper = _even_paper(colours)
    if paper is not None:
        return _told_apart(_difference(colours, paper))
    paper = _surface(colours)
    for _ in range(4 if shadowed else 2):  # the paper is better known once most of the ink is
        found = _told_apart(_difference(colours, paper))
        if found is None:
            return None
        covered = near(found.strokes, _reach(colours))
        if shadowed:
            covered &= found.by_an_edge(5 * _reach(colours))
        paper = _followed(colours, covered, paper)
    return _told_apart(_difference(colours, paper))


def stroke_width(amount: Grey) -> float:
    """How wide strokes are: twice their area over the length of their outline."""
    padded = np.pad(amount, 1)
    down, along = np.diff(padded, axis=0)[:, :-1], np.diff(padded, axis=1)[:-1]
    return float(2 * amount.sum() / np.hypot(down, along).sum())


def _even_paper(colours: Colours) -> Colours | None:
    """The one colour that so much of the picture has, as drawings and screens do."""
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
    """How unlike the paper each pixel is, along the one direction of colour that says most."""
    apart = (colours - paper).reshape(-1, 3)
    some = apart[:: max(1, len(apart) // SOME)]
    sizes = (some**2).sum(1)
    far = some[sizes >= np.quantile(sizes, 0.9)]
    direction = np.linalg.eigh(far.T @ far)[1][:, -1]
    along = far @ direction
    amount: Grey = (apart @ direction).reshape(colours.shape[:2])
    return amount if (along * along * along).sum() >= 0 else -amount


def _told_apart(amount: Grey) -> Ink | None:
    """The difference in units of the ink's own strength, where there is any ink."""
    some = amount.ravel()[:: max(1, amount.size // SOME)]
    noise = float(np.quantile(abs(some), QUIET)) / QUIETEST
    least = max(NOISES * noise, LEAST_CONTRAST)
    outstanding = amount[amount > least]
    if not outstanding.size:
        return None
    full = float(np.percentile(outstanding, STRONG))
    return Ink(np.clip(amount / full, 0, 1), min(max(FAINTEST, 3 * noise / full), EDGE))


def _surface(colours: Colours) -> Colours:
    """Paper whose light changes as a quadratic does, held to most of the picture, not to all."""
    small = _resized(colours, *_cells(colours))
    values = small.reshape(-1, 3)
    terms = _quadratic(*small.shape[:2])
    even = np.broadcast_to(np.median(values, axis=0), values.shape)
    for count in (1, 3, 3, 3, 6, 6, 6, 6):  # first an even light, then a slope, then a bend
        distances = np.linalg.norm(values - even, axis=1)
        usual = max(float(np.median(distances)), ALIKE)
        weights = (1 + (distances / usual) ** 2) ** -2.0
        used = terms[:, :count]
        weighted = used * weights[:, None]
        even = used @ np.linalg.lstsq(weighted.T @ used, weighted.T @ values, rcond=None)[0]
    return _resized(np.asarray(even, np.float32).reshape(small.shape), *colours.shape[:2])


def _quadratic(rows: int, columns: int) -> NDArray[np.float64]:
    """1, y, x, y², xy, x² at the middle of each place; y and x go from −1 to 1."""
    y, x = (2 * (np.arange(n) + 0.5) / n - 1 for n in (rows, columns))
    y, x = (side.ravel() for side in np.meshgrid(y, x, indexing="ij"))
    return np.stack([np.ones_like(x), y, x, y * y, x * y, x * x], axis=1)


def _followed(colours: Colours, covered: NDArray[np.bool_], before: Colours) -> Colours:
    """Paper as the bare places around show it; where there are none, as it was taken for."""
    bare = (~covered).astype(np.float32)[..., None]
    seen = _resized(np.concatenate([(colours - before) * bare, bare], axis=2), *_cells(colours))
    blurred = _blurred(seen)
    correction = blurred[..., :3] / (blurred[..., 3:] + 0.02)
    return before + _resized(correction, *colours.shape[:2])


def _reach(colours: Colours) -> int:
    """How far from a stroke its edges and their blur may be seen."""
    rows, columns = colours.shape[:2]
    return int(max(1, round(max(rows, columns) / 150)))


def _cells(colours: Colours) -> tuple[int, int]:
    rows, columns = map(int, colours.shape[:2])
    cell = max(rows, columns) / CELLS
    return max(1, min(rows, round(rows / cell))), max(1, min(columns, round(columns / cell)))


def _blurred(cells: Colours) -> Colours:
    """Each cell with those around it, 1 4 6 4 1 along and down."""
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
