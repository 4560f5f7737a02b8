"""Which data set a word means: one that comes by name, or a file or folder of any format read."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from math import cos, log, pi, sin, sqrt
from pathlib import Path
from random import Random
from types import MappingProxyType

import numpy as np

from gradbook import limits
from gradbook.data import digits
from gradbook.data.dataset import TEST, TRAINING, Dataset, Part, Size, assemble
from gradbook.data.formats import idx, npz, pictures, pixel_table
from gradbook.errors import DataError, did_you_mean
from gradbook.files import open_file

FORMATS = (
    "a folder of idx files, a folder of pictures with a folder for each class, "
    "a table (.csv), or an archive of arrays (.npz)"
)


@dataclass(frozen=True)
class NamedDataset:
    """A data set that goes by its name."""

    images: int
    size: Size
    classes: int
    about: str
    load: Callable[[], Dataset]
    needs: str | None = None  # a package that brings it

    @property
    def is_here(self) -> bool:
        return self.needs is None or find_spec(self.needs) is not None


def _digits() -> Dataset:
    """60,000 digits to train on and 10,000 to report on, 28 by 28, all checked."""
    files = digits.contents()

    def part(name: str) -> Part:
        images, labels = f"{name}-images-idx3-ubyte", f"{name}-labels-idx1-ubyte"
        return Part(
            pixels=idx.parse(files[images], images)[:, None],
            labels=idx.parse(files[labels], labels),
            images_file=images,
            labels_file=labels,
            place=str,
        )

    source = "MNIST, by Yann LeCun, Corinna Cortes and Christopher J.C. Burges; see NOTICE"
    return assemble("digits", source, {TRAINING: part("train"), TEST: part("t10k")})


def _sklearn_digits() -> Dataset:
    """1,797 digits of 8 by 8; their greys from 0 to 16 are spread to 0 to 255, as others have."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DataError(
            f"{SKLEARN_DIGITS} comes with scikit-learn, which isn't installed: "
            "pip install 'gradbook[sklearn]'"
        ) from error
    found = load_digits()
    pixels = np.rint(found.images * (255 / 16)).astype(np.uint8)[:, None]
    source = "optical digits of E. Alpaydin and C. Kaynak, from scikit-learn"
    part = Part(pixels, found.target, SKLEARN_DIGITS, SKLEARN_DIGITS, str)
    return assemble(SKLEARN_DIGITS, source, {TRAINING: part})


SKLEARN_DIGITS = "digits8"
KNOWN = {
    "digits": NamedDataset(
        70_000, (28, 28), 10, "handwritten digits (MNIST), part of gradbook", _digits
    ),
    SKLEARN_DIGITS: NamedDataset(
        1_797, (8, 8), 10, "smaller digits, part of scikit-learn", _sklearn_digits, "sklearn"
    ),
}


def load(where: str | os.PathLike[str], size: Size | None = None) -> Dataset:
    """The data set of that name, or in that file or folder.

    `size` is what pictures are brought to, and how a table's pixels are laid out; images that
    have another size of their own are refused.
    """
    found = load_at_size(where, size)
    if size and found.shape[1:] != size:
        has, wanted = ("x".join(map(str, sides)) for sides in (found.shape[1:], size))
        raise DataError(f"its images are {has}, not {wanted}: leave out the size", file=where)
    return found


def load_at_size(where: str | os.PathLike[str], size: Size | None) -> Dataset:
    """The same, but images that have another size of their own keep it."""
    if str(where) in KNOWN:
        return KNOWN[str(where)].load()
    if not os.path.lexists(where):
        hint = did_you_mean(str(where), KNOWN) or f": the named data sets are {', '.join(KNOWN)}"
        raise DataError(f"no data set, file or folder is called '{where}'{hint}")
    path = Path(where)
    return _folder(path, size) if path.is_dir() else _file(path, size)


def _folder(path: Path, size: Size | None) -> Dataset:
    names = [file.name for file in path.iterdir() if file.is_file()]
    if any(map(idx.is_idx, names)):
        return idx.read_folder(path)
    if any(map(pixel_table.is_table, names)) and not any(f.is_dir() for f in path.iterdir()):
        return pixel_table.read(path, size)
    return pictures.read_folder(path, size)


def _file(path: Path, size: Size | None) -> Dataset:
    if path.suffix == ".npz":
        return npz.read(path)
    if pixel_table.is_table(path.name):
        return pixel_table.read(path, size)
    if idx.is_idx(path.name):
        raise DataError("images and labels are read together: give their folder", file=path)
    with open_file(path, limits.IMAGES):  # a file that can't even be opened says so itself
        raise DataError(f"no data set has this ending: use {FORMATS}", file=path)


# Points on a plane in two classes, made by rule -------------------------------

Point = tuple[float, float, int]  # x, y, and its class, 0 or 1

POINTS_OF_A_SET = 120
SPREAD = 0.05  # how far a point of a spiral may lie off it
TURNS = 1.25  # of a spiral's arm
INNER, OUTER = 0.45, (0.65, 1.0)  # radii of the disc, and of the ring around it
MIDDLE, WIDTH = 0.45, 0.18  # of the two clouds, and how wide they are


def _xor(random: Random) -> Point:
    """Class 1 where one coordinate alone is positive."""
    x, y = (random.choice((-1, 1)) * random.uniform(0.08, 1) for _ in range(2))
    return x, y, int((x > 0) != (y > 0))


def _circle(random: Random) -> Point:
    """A disc of class 1 within a ring of class 0."""
    inside = random.random() < 0.5
    radius = INNER * sqrt(random.random()) if inside else random.uniform(*OUTER)
    angle = random.uniform(0, 2 * pi)
    return radius * cos(angle), radius * sin(angle), int(inside)


def _gaussians(random: Random) -> Point:
    """Two clouds, the thicker the nearer to their middles."""
    which = random.randrange(2)
    radius = WIDTH * sqrt(-2 * log(1 - random.random()))
    angle = random.uniform(0, 2 * pi)
    middle = (2 * which - 1) * MIDDLE
    return middle + radius * cos(angle), middle + radius * sin(angle), which


def _spiral(random: Random) -> Point:
    """Two arms that wind around each other."""
    arm = random.randrange(2)
    way = random.uniform(0.08, 1)
    angle = 2 * pi * TURNS * way + arm * pi
    x, y = way * cos(angle), way * sin(angle)
    return x + random.uniform(-SPREAD, SPREAD), y + random.uniform(-SPREAD, SPREAD), arm


def _halves(random: Random) -> Point:
    """Two halves with a slanted line between them, which a single unit can learn."""
    while True:
        x, y = random.uniform(-1, 1), random.uniform(-1, 1)
        if abs(x + 0.5 * y) > SPREAD:
            return x, y, int(x + 0.5 * y > 0)


POINT_SETS: MappingProxyType[str, Callable[[Random], Point]] = MappingProxyType(
    {"halves": _halves, "xor": _xor, "circle": _circle, "gaussians": _gaussians, "spiral": _spiral}
)


def points(kind: str, count: int = POINTS_OF_A_SET) -> list[Point]:
    """So many points of a kind, the same every time, with three decimals."""
    random = Random(kind)
    made = (POINT_SETS[kind](random) for _ in range(count))
    return [(round(x, 3), round(y, 3), which) for x, y, which in made]
