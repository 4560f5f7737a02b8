"""The idx format, and folders of such files, the form of MNIST and its many relatives.

An array consists of two zero bytes, a type, the number of sides, the sides, and the numbers. Files
are plain, gzip or xz, and recognised by the words in their names, such as
train-images-idx3-ubyte.gz or emnist-digits-test-labels.idx1-ubyte. A file classes.txt beside them
may name the classes, one per line.
"""

from __future__ import annotations

from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.data.dataset import Dataset, Part, assemble
from gradbook.data.formats.data_files import (
    array_of,
    as_far_as_there_is,
    by_part,
    holds_images,
    holds_labels,
    open_unpacked,
    require_room,
    words,
)
from gradbook.errors import DataError
from gradbook.files import read_text

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read(stream: BinaryIO, file: str) -> NDArray[Any]:
    """The array in the stream, which is read-only. `file` is for error messages."""
    kind, shape = _header(stream, file)
    size = prod(shape) * kind.itemsize
    content = as_far_as_there_is(stream, size + 1)  # one too many
    return array_of(content, kind, shape, 4 + 4 * len(shape), file)


def parse(content: bytes, file: str = "idx") -> NDArray[Any]:
    """The array of these bytes, without a copy."""
    kind, shape = _header(BytesIO(content), file)
    start = 4 + 4 * len(shape)
    return array_of(memoryview(content)[start:], kind, shape, start, file)


def _header(stream: BinaryIO, file: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        start = magic.hex(" ") or "nothing"
        raise DataError(f"byte 0: this isn't an idx file, it begins with {start}", file=file)
    if magic[2] not in TYPES:
        raise DataError(f"byte 2: idx has no type {magic[2]:#04x}", file=file)
    if not 0 < magic[3] <= limits.SIDES.most:
        raise DataError(f"byte 3: an array of {magic[3]} dimensions can't be read", file=file)
    sides = stream.read(4 * magic[3])
    if len(sides) < 4 * magic[3]:
        raise DataError(f"ends at byte {4 + len(sides)}, within its header", file=file)
    shape = tuple(int(side) for side in np.frombuffer(sides, ">u4"))
    kind = np.dtype(TYPES[magic[2]])
    require_room((*shape, kind.itemsize), file, "byte 4: ")
    return kind, shape


def write(array: NDArray[Any]) -> bytes:
    """The array's bytes in the idx format."""
    wanted = array.dtype.newbyteorder(">").str.replace("|", ">")
    code = next((code for code, name in TYPES.items() if name == wanted), None)
    if code is None or not 0 < array.ndim <= limits.SIDES.most:
        raise DataError(f"idx can't store {array.ndim} dimensions of {array.dtype}")
    sides = np.array(array.shape, ">u4")
    return bytes([0, 0, code, array.ndim]) + sides.tobytes() + array.astype(wanted).tobytes()


# Folders ---------------------------------------------------------------------

PACKINGS = {".gz", ".xz"}
NAMES = "classes.txt"


def is_idx(name: str) -> bool:
    """Whether a file of this name contains images or labels in the idx format."""
    if name.startswith("."):
        return False
    parts = words(name)
    speaks_of_idx = any(word.startswith("idx") or word.endswith("byte") for word in parts)
    return speaks_of_idx and (holds_images(name) or holds_labels(name))


def read_folder(folder: Path) -> Dataset:
    """The data set of the folder's idx files."""
    names = _unpacked_names(folder)
    images = by_part(filter(holds_images, names), str(folder))
    labels = by_part(filter(holds_labels, names), str(folder))
    for part in images.keys() ^ labels.keys():
        there, missing = ("images", "labels") if part in images else ("labels", "images")
        raise DataError(f"{part} {there} but no {part} {missing}", file=folder)
    parts = {part: _part(names[images[part]], names[labels[part]]) for part in images}
    return assemble(folder.resolve().name, f"idx files in {folder}", parts, _classes(folder))


def _unpacked_names(folder: Path) -> dict[str, Path]:
    """The name without .gz or .xz, and the file to read: the plain one if there is one."""
    files: dict[str, Path] = {}
    for file in sorted(folder.iterdir(), key=lambda file: (file.suffix in PACKINGS, file.name)):
        if is_idx(file.name):
            files.setdefault(file.name.removesuffix(".gz").removesuffix(".xz"), file)
    return files


def _part(images: Path, labels: Path) -> Part:
    numbers = _labels(_array_in(labels), str(labels))
    return Part(
        pixels=_pixels(_array_in(images), str(images)),
        labels=numbers,
        images_file=str(images),
        labels_file=str(labels),
        place=lambda i: f"byte {8 + i * numbers.itemsize}",
    )


def _array_in(file: Path) -> NDArray[Any]:
    with open_unpacked(file) as stream:
        return read(stream, str(file))


def _pixels(array: NDArray[Any], file: str) -> NDArray[np.uint8]:
    if array.dtype != np.uint8:
        raise DataError(f"byte 2: pixels must be bytes, but these are {array.dtype}", file=file)
    if array.ndim == 3:
        array = array[:, None]
    if array.ndim != 4:
        raise DataError(
            "byte 3: images must have 3 dimensions (images, rows, columns) or 4 (images, "
            f"channels, rows, columns), but these have {array.ndim}",
            file=file,
        )
    return array


def _labels(array: NDArray[Any], file: str) -> NDArray[Any]:
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise DataError(
            f"byte 2: labels must be one row of whole numbers, but these are {array.ndim} "
            f"dimensions of {array.dtype}",
            file=file,
        )
    return array


def _classes(folder: Path) -> list[str] | None:
    file = folder / NAMES
    if not file.exists():
        return None
    names = [line.strip() for line in read_text(file).splitlines() if line.strip()]
    if not names or len(set(names)) < len(names):
        raise DataError("name each class once, one per line", file=file)
    return names
