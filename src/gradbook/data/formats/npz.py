"""NumPy archives of images: x_train, y_train, x_test, y_test and names like them.

Nothing in an archive is run: an array of Python objects, which would be, is refused
unread, and an array's size is known before any of it is unpacked.
"""

from __future__ import annotations

import zlib
from lzma import LZMAError
from math import isqrt, prod
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from gradbook.data.dataset import Dataset, Part, assemble
from gradbook.data.formats.files import by_part, holds_images, holds_labels, require_room
from gradbook.errors import DataError
from gradbook.files import opened

DAMAGED = (BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, zlib.error, LZMAError)
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
SIDES = "they are (images, rows, columns), with 1 or 3 channels at the end or in second place"


def read(file: Path) -> Dataset:
    """The data set that the archive's arrays make."""
    with opened(file) as stream:
        try:
            with ZipFile(stream) as archive:
                parts = _parts(archive, file)
        except DAMAGED as error:
            said = str(error) or type(error).__name__
            raise DataError(f"damaged ({said}): get the file anew", file=file) from error
    return assemble(file.stem, f"arrays in {file}", parts)


def _parts(archive: ZipFile, file: Path) -> dict[str, Part]:
    names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    images = by_part(filter(holds_images, names), str(file))
    labels = by_part(filter(holds_labels, names), str(file))
    if not images or images.keys() != labels.keys():
        raise DataError(
            f"it has the arrays {', '.join(names) or 'none'}: wanted are images and labels, "
            "as x_train and y_train, and x_test and y_test where there is a test part",
            file=file,
        )
    return {part: _part(archive, file, images[part], labels[part]) for part in images}


def _part(archive: ZipFile, file: Path, images: str, labels: str) -> Part:
    images_file, labels_file = f"{file}, {images}", f"{file}, {labels}"
    return Part(
        pixels=_pixels(_array(archive, images, images_file), images_file),
        labels=_labels(_array(archive, labels, labels_file), labels_file),
        images_file=images_file,
        labels_file=labels_file,
        place=lambda i: f"entry {i}",
    )


def _array(archive: ZipFile, name: str, file: str) -> NDArray[Any]:
    with archive.open(f"{name}.npy") as stream:
        shape, in_columns, kind = _header(stream, file)
        if kind.hasobject:
            raise DataError(
                "it holds Python objects, which could run anything: store plain numbers", file=file
            )
        require_room((*shape, kind.itemsize), file)
        size = prod(shape) * kind.itemsize
        content = stream.read(size + 1)
    if len(content) != size or not size:
        raise DataError(
            f"{len(content):,} bytes where its header promises {size:,}: get the file anew",
            file=file,
        )
    return np.frombuffer(content, kind).reshape(shape, order="F" if in_columns else "C")


def _header(stream: IO[bytes], file: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        shape, in_columns, kind = HEADERS[npy.read_magic(stream)](stream)
    except DAMAGED:
        raise
    except Exception as error:  # a hostile header finds ever new ways to fail
        raise DataError("byte 0: no array has such a header", file=file) from error
    if min(shape, default=1) < 0:
        raise DataError(f"byte 0: no array has the sides {shape}", file=file)
    return shape, in_columns, kind


def _pixels(found: NDArray[Any], file: str) -> NDArray[np.uint8]:
    if found.dtype.kind not in "buif":
        raise DataError(f"pixels are numbers, these are {found.dtype}", file=file)
    low, high = found.min(), found.max()
    if not (low >= 0 and high <= 255):  # so that nan isn't either
        raise DataError(f"pixels go from 0 to 255, these from {low} to {high}", file=file)
    pixels = found.astype(np.uint8)
    if not np.array_equal(pixels, found):
        raise DataError("pixels are whole numbers from 0 to 255: store them as uint8", file=file)
    return _channels_second(pixels, file)


def _channels_second(pixels: NDArray[np.uint8], file: str) -> NDArray[np.uint8]:
    match pixels.shape:
        case (images, size) if isqrt(size) ** 2 == size:
            return pixels.reshape(images, 1, isqrt(size), isqrt(size))
        case (_, _, _):
            return pixels[:, None]
        case (_, _, _, 1 | 3):
            return pixels.transpose(0, 3, 1, 2)
        case (_, 1 | 3, _, _):
            return pixels
    raise DataError(f"no images have the sides {pixels.shape}: {SIDES}", file=file)


def _labels(found: NDArray[Any], file: str) -> NDArray[Any]:
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1 or found.dtype.kind not in "buifSU":
        raise DataError(
            f"labels are one row of numbers or words, these are {found.dtype} of {found.shape}",
            file=file,
        )
    if found.dtype.kind in "bf":
        if not (np.isfinite(found).all() and np.array_equal(np.rint(found), found)):
            raise DataError("labels are whole numbers or words, not fractions", file=file)
        return found.astype(np.int64)
    return found.astype(str) if found.dtype.kind == "S" else found
