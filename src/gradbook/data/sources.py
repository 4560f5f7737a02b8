"""The data set for a word: a named one, or a file or folder in any supported format."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

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
    """A data set with a name."""

    images: int
    size: Size
    classes: int
    about: str
    load: Callable[[], Dataset]
    needs: str | None = None  # the package that provides it

    @property
    def is_here(self) -> bool:
        return self.needs is None or find_spec(self.needs) is not None


def _digits() -> Dataset:
    """60,000 digits for training and 10,000 for the test, 28 by 28, all checked."""
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
    """1,797 digits of 8 by 8; their greys from 0 to 16 are scaled to 0 to 255, as elsewhere."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DataError(
            f"{SKLEARN_DIGITS} comes with scikit-learn, which isn't installed: "
            "pip install 'gradbook[sklearn]'"
        ) from error
    digits = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)[:, None]
    source = "optical digits of E. Alpaydin and C. Kaynak, from scikit-learn"
    part = Part(pixels, digits.target, SKLEARN_DIGITS, SKLEARN_DIGITS, str)
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
    """The data set with this name, or in this file or folder.

    `size` is the size for pictures and the layout of a table's pixels; images with another size
    of their own are refused.
    """
    dataset = load_at_size(where, size)
    if size and dataset.shape[1:] != size:
        has, wanted = ("x".join(map(str, sides)) for sides in (dataset.shape[1:], size))
        raise DataError(f"its images are {has}, not {wanted}: leave out the size", file=where)
    return dataset


def load_at_size(where: str | os.PathLike[str], size: Size | None, keeps: int = 0) -> Dataset:
    """Like `load`, but images with another size of their own keep it, and so do pictures of at most
    `keeps` pixels along a side."""
    if str(where) in KNOWN:
        return KNOWN[str(where)].load()
    if not os.path.lexists(where):
        hint = did_you_mean(str(where), KNOWN) or f": the named data sets are {', '.join(KNOWN)}"
        raise DataError(f"no data set, file or folder is called '{where}'{hint}")
    path = Path(where)
    return _folder(path, size, keeps) if path.is_dir() else _file(path, size)


def _folder(path: Path, size: Size | None, keeps: int) -> Dataset:
    names = [file.name for file in path.iterdir() if file.is_file()]
    if any(map(idx.is_idx, names)):
        return idx.read_folder(path)
    if any(map(pixel_table.is_table, names)) and not any(f.is_dir() for f in path.iterdir()):
        return pixel_table.read(path, size)
    return pictures.read_folder(path, size, keeps)


def _file(path: Path, size: Size | None) -> Dataset:
    if path.suffix == ".npz":
        return npz.read(path)
    if pixel_table.is_table(path.name):
        return pixel_table.read(path, size)
    if idx.is_idx(path.name):
        raise DataError("images and labels are read together: give their folder", file=path)
    with open_file(path, limits.IMAGES):  # a file that can't be opened has its own error
        raise DataError(f"no data set has this ending: use {FORMATS}", file=path)
