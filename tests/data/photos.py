"""Photos of handwritten digits, made out of images of 28 by 28: what a phone or a scanner brings.

Each is drawn from a seed: paper and ink of any colour, dark on light or light on dark, a pen of
another width, light from one side, a shadow, noise, ruled lines, a table around the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SUFFIXES = (".jpg", ".png", ".webp", ".bmp", ".gif")
TURNED = {3: 180, 6: 90, 8: 270}  # EXIF's number → how far the stored picture is turned


@dataclass(frozen=True)
class Kinds:
    """What may happen to a photo; each on its own shows what the path makes of it."""

    lit: bool = True
    noisy: bool = True
    pens: bool = True
    surroundings: bool = True
    ruled: bool = True


ALL = Kinds()
PLAIN = Kinds(lit=False, noisy=False, pens=False, surroundings=False, ruled=False)


def photo(digit: np.ndarray, seed: int, kinds: Kinds = ALL) -> Image.Image:
    """The digit (28 by 28, light on dark) as somebody's photo of it."""
    random = np.random.RandomState(seed)
    height = int(random.uniform(70, 320))
    columns, rows = (int(height * random.uniform(1.3, 2.8)) for _ in range(2))
    ink = _written(digit, height, random, kinds)
    page = _page(ink, rows, columns, random)
    paper, pen = _colours(random)
    colours = paper + (pen - paper) * page[..., None]
    if kinds.ruled and random.rand() < 0.15:
        colours = _ruled(colours, page, paper, pen, random)
    picture = _picture(colours)
    if kinds.surroundings:
        picture = _surrounded(picture, paper, random)
    if kinds.lit:
        picture = _lit(picture, random)
    if kinds.noisy:
        picture = _noisy(picture, random)
    return picture


def _written(digit, height, random, kinds) -> np.ndarray:
    """The digit, large, from 0 to 1, its edges sharp."""
    rows, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
    box = Image.fromarray(np.pad(digit, 2)).crop(
        (columns[0] - 1, rows[0] - 1, columns[-1] + 6, rows[-1] + 6)
    )
    scale = height / box.height
    large = box.resize((max(8, round(box.width * scale)), height), Image.Resampling.BICUBIC)
    if kinds.pens:
        wider = random.rand() < 0.6
        reach = round(scale * random.uniform(0, 0.5 if wider else 0.15))  # on each side
        kind = ImageFilter.MaxFilter if wider else ImageFilter.MinFilter
        large = large.filter(kind(2 * reach + 1))
    values = np.asarray(large, float) / 255
    return np.clip((values - 0.5) * random.uniform(1, 3) + 0.5, 0, 1)


def _page(ink, rows, columns, random) -> np.ndarray:
    """The ink somewhere on an empty page, seldom near its edge."""
    rows, columns = max(rows, ink.shape[0] + 12), max(columns, ink.shape[1] + 12)
    page = np.zeros((rows, columns))
    top = int((rows - ink.shape[0]) * random.uniform(0.1, 0.9))
    left = int((columns - ink.shape[1]) * random.uniform(0.1, 0.9))
    page[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return page


def _colours(random) -> tuple[np.ndarray, np.ndarray]:
    """Two colours that can be told apart; the paper is the dark one in one photo of three."""
    while True:
        light, dark = 1 - random.rand(3) * 0.45, random.rand(3) * 0.6
        if (light - dark).mean() > 0.35:
            return (dark, light) if random.rand() < 1 / 3 else (light, dark)


def _ruled(colours, page, paper, pen, random) -> np.ndarray:
    step = int(page.shape[0] / random.uniform(4, 9))
    lines = np.zeros_like(page)
    for first in range(step // 2, page.shape[0], step):
        lines[first : first + max(1, page.shape[0] // 250)] = 1
    if random.rand() < 0.5:
        for first in range(step // 2, page.shape[1], step):
            lines[:, first : first + max(1, page.shape[0] // 250)] = 1
    share = random.uniform(0.1, 0.25) * lines * (1 - page)
    return colours + (pen - paper) * share[..., None]


def _picture(colours) -> Image.Image:
    return Image.fromarray(np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8))


def _surrounded(picture, paper, random) -> Image.Image:
    """A table that the paper lies on, a printed box around the digit, or nothing."""
    kind = random.choice(["nothing", "table", "box"], p=[0.7, 0.15, 0.15])
    width, height = picture.size
    if kind == "table":
        other = tuple(int(255 * value) for value in (1 - paper) * random.uniform(0.3, 1))
        wide = [int(random.uniform(0.02, 0.12) * width) * (random.rand() < 0.7) for _ in range(4)]
        table = Image.new("RGB", (width + wide[0] + wide[1], height + wide[2] + wide[3]), other)
        table.paste(picture, (wide[0], wide[2]))
        return table
    if kind == "box":
        grey = tuple(int(255 * value) for value in paper * 0.4 + (1 - paper) * 0.6)
        ImageDraw.Draw(picture).rectangle((3, 3, width - 4, height - 4), outline=grey, width=2)
    return picture


def _lit(picture, random) -> Image.Image:
    """Light from one side, a darker rim, the soft shadow of a hand."""
    colours = np.asarray(picture, float) / 255
    y, x = np.mgrid[-1 : 1 : colours.shape[0] * 1j, -1 : 1 : colours.shape[1] * 1j]
    angle = random.uniform(0, 2 * np.pi)
    light = 1 - random.uniform(0, 0.3) * (1 + x * np.cos(angle) + y * np.sin(angle)) / 2
    light -= random.uniform(0, 0.12) * (x**2 + y**2) / 2
    if random.rand() < 0.3:
        away = (x - random.uniform(-1, 1)) * np.cos(angle) + (y - random.uniform(-1, 1)) * np.sin(
            angle
        )
        light *= 1 - random.uniform(0.1, 0.35) / (1 + np.exp(-away * random.uniform(4, 12)))
    return _picture(colours * light[..., None])


def _noisy(picture, random) -> Image.Image:
    if random.rand() < 0.5:
        picture = picture.filter(ImageFilter.GaussianBlur(random.uniform(0, picture.height / 200)))
    colours = np.asarray(picture, float) / 255
    return _picture(colours + random.normal(0, random.uniform(0, 0.05), colours.shape))


def save(picture: Image.Image, folder: Path, number: int) -> Path:
    """In one of the formats, in turn; a JPEG may lie on its side, as phones store it."""
    file = folder / f"{number:05d}{SUFFIXES[number % len(SUFFIXES)]}"
    if file.suffix == ".jpg" and number % 2:
        turn = (3, 6, 8)[number % 3]
        exif = Image.Exif()
        exif[0x0112] = turn
        picture.rotate(TURNED[turn], expand=True).save(file, quality=85, exif=exif)
    else:
        picture.save(file)
    return file
