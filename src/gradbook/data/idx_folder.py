"""A folder of idx files, as MNIST and its many relatives come: plain, gzip or xz.

They are told by the words in their names, train-images-idx3-ubyte.gz say, or
emnist-digits-test-labels.idx1-ubyte. A file classes.txt beside them may name the
classes, one a line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data import idx
from gradbook.data.dataset import Dataset, Part, assemble
from gradbook.data.packed import unpacked
from gradbook.data.parts import by_part, holds_images, holds_labels, words
from gradbook.errors import DataError
from gradbook.files import read_text

PACKINGS = {".gz", ".xz"}
NAMES = "classes.txt"


def is_idx(name: str) -> bool:
    """Whether a file of that name is one of images or labels in the idx format."""
    if name.startswith("."):
        return False
    said = words(name)
    speaks_of_idx = any(word.startswith("idx") or word.endswith("byte") for word in said)
    return speaks_of_idx and (holds_images(name) or holds_labels(name))


def read(folder: Path) -> Dataset:
    """The data set that the folder's idx files make."""
    names = _unpacked_names(folder)
    images = by_part(filter(holds_images, names), str(folder))
    labels = by_part(filter(holds_labels, names), str(folder))
    for part in images.keys() ^ labels.keys():
        there, missing = ("images", "labels") if part in images else ("labels", "images")
        raise DataError(f"{part} {there} but no {part} {missing}", file=str(folder))
    parts = {part: _part(names[images[part]], names[labels[part]]) for part in images}
    return assemble(folder.resolve().name, f"idx files in {folder}", parts, _classes(folder))


def _unpacked_names(folder: Path) -> dict[str, Path]:
    """Name without .gz or .xz → the file to read, which is the plain one where there is one."""
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir(), key=lambda file: (file.suffix in PACKINGS, file.name)):
        if is_idx(file.name):
            found.setdefault(file.name.removesuffix(".gz").removesuffix(".xz"), file)
    return found


def _part(images: Path, labels: Path) -> Part:
    found = _labels(_array(labels), str(labels))
    return Part(
        pixels=_pixels(_array(images), str(images)),
        labels=found,
        images_file=str(images),
        labels_file=str(labels),
        place=lambda i: f"byte {8 + i * found.itemsize}",
    )


def _array(file: Path) -> NDArray[Any]:
    with unpacked(file) as stream:
        return idx.read(stream, str(file))


def _pixels(found: NDArray[Any], file: str) -> NDArray[np.uint8]:
    if found.dtype != np.uint8:
        raise DataError(f"byte 2: pixels are bytes, these are {found.dtype}", file=file)
    if found.ndim == 3:
        found = found[:, None]
    if found.ndim != 4:
        raise DataError(
            f"byte 3: images have 3 sides (images, rows, columns) or 4 (images, channels, "
            f"rows, columns), these have {found.ndim}",
            file=file,
        )
    return found


def _labels(found: NDArray[Any], file: str) -> NDArray[Any]:
    if found.dtype.kind not in "iu" or found.ndim != 1:
        raise DataError(
            f"byte 2: labels are one row of whole numbers, these are {found.ndim} sides "
            f"of {found.dtype}",
            file=file,
        )
    return found


def _classes(folder: Path) -> list[str] | None:
    file = folder / NAMES
    if not file.exists():
        return None
    names = [line.strip() for line in read_text(file).splitlines() if line.strip()]
    if not names or len(set(names)) < len(names):
        raise DataError("name each class once, one a line", file=str(file))
    return names
