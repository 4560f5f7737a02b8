"""NumPy archives of images: x_train, y_train, x_test, y_test and names like them.

Nothing in an archive is run: an array of Python objects, which would be run, is refused unread,
and an array's size is known before any of it is unpacked.
"""

from __future__ import annotations

from math import isqrt, prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from gradbook import limits
from gradbook.archives import Archive, ArchiveError
from gradbook.data.dataset import Dataset, Part, assemble
from gradbook.data.formats.data_files import (
    array_of,
    as_far_as_there_is,
    by_part,
    holds_images,
    holds_labels,
    require_room,
)
from gradbook.errors import DataError
from gradbook.files import open_file

HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
SIDES = "images must be (images, rows, columns), with 1 or 3 channels last or second"
MOST_EXACT = 2**53  # the largest whole number that float64 stores exactly
CHARACTER = 4  # bytes


def read(file: Path) -> Dataset:
    """The data set of the archive's arrays."""
    with open_file(file, limits.IMAGES) as stream:
        try:
            parts = _parts(Archive(stream, limits.IMAGES), file)
        except ArchiveError as error:
            raise DataError(
                f"{error.message}: download or copy the file again", file=file
            ) from error
    return assemble(file.stem, f"arrays in {file}", parts)


def _parts(archive: Archive, file: Path) -> dict[str, Part]:
    names = [name.removesuffix(".npy") for name in archive.names if name.endswith(".npy")]
    images = by_part(filter(holds_images, names), str(file))
    labels = by_part(filter(holds_labels, names), str(file))
    if not images or images.keys() != labels.keys():
        raise DataError(
            f"its arrays are {', '.join(names) or 'none'}: store images and labels as x_train "
            "and y_train, and as x_test and y_test if there is a test part",
            file=file,
        )
    return {part: _part(archive, images[part], labels[part], file) for part in images}


def _part(archive: Archive, images: str, labels: str, file: Path) -> Part:
    images_file, labels_file = f"{file}, {images}", f"{file}, {labels}"
    pixels = _pixels(_array(archive, images, images_file), images_file)
    classes = _labels(_array(archive, labels, labels_file), labels_file)
    if len(classes) != len(pixels):
        raise DataError(
            f"{len(classes):,} labels, but {len(pixels):,} images in {images}: these arrays don't "
            "belong together",
            file=labels_file,
        )
    return Part(pixels, classes, images_file, labels_file, place="entry {}".format)


def _array(archive: Archive, name: str, file: str) -> NDArray[Any]:
    """An array of the archive. `file` is for error messages."""
    with archive.stream(f"{name}.npy", limits.IMAGES) as stream:
        shape, in_columns, kind = _header(stream, file)
        start = stream.tell()
        content = as_far_as_there_is(stream, prod(shape) * kind.itemsize + 1)  # one too many
    sides = shape[::-1] if in_columns else shape
    array = array_of(content, kind, sides, start, file)
    return array.T if in_columns else array


def _header(stream: BinaryIO, file: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        shape, in_columns, kind = HEADERS[npy.read_magic(stream)](stream)
    except ArchiveError:
        raise
    except Exception as error:  # a hostile header can fail in any way
        raise DataError("byte 0: this isn't the header of an array", file=file) from error
    if kind.hasobject:
        raise DataError(
            "it contains Python objects, which could run anything: store plain numbers", file=file
        )
    if len(shape) > limits.SIDES.most or any(type(side) is not int or side < 0 for side in shape):
        raise DataError(f"byte 0: an array can't have the shape {shape}", file=file)
    if not prod(shape) * kind.itemsize:
        raise DataError(f"an array of the shape {shape} of {kind} is empty", file=file)
    require_room((*shape, kind.itemsize), file)
    return shape, in_columns, kind


def _pixels(array: NDArray[Any], file: str) -> NDArray[np.uint8]:
    """The pixels as bytes: (images, channels, rows, columns)."""
    if array.dtype.kind not in "buif":
        raise DataError(f"pixels must be numbers, but these are {array.dtype}", file=file)
    match array.shape:
        case (images, size) if isqrt(size) ** 2 == size:
            array = array.reshape(images, 1, isqrt(size), isqrt(size))
        case (_, _, _):
            array = array[:, None]
        case (_, _, _, 1 | 3):
            array = array.transpose(0, 3, 1, 2)
        case (_, 1 | 3, _, _):
            pass
        case shape:
            raise DataError(f"images can't have the shape {shape}: {SIDES}", file=file)
    if array.dtype == np.uint8:
        return array
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 255):  # this refuses nan, too
        raise DataError(
            f"pixels must be between 0 and 255, but these are between {low} and {high}", file=file
        )
    pixels = array.astype(np.uint8)
    if not np.array_equal(pixels, array):
        raise DataError(
            "pixels must be whole numbers from 0 to 255: store them as uint8", file=file
        )
    return pixels


def _labels(labels: NDArray[Any], file: str) -> NDArray[Any]:
    """Whole numbers or words, one for each image."""
    kind = labels.dtype.kind
    if kind not in "buifSU" or labels.shape[1:] not in ((), (1,)) or not labels.shape:
        raise DataError(
            f"labels must be one row of numbers or words, but these are {labels.dtype} of "
            f"{labels.shape}",
            file=file,
        )
    labels = labels.reshape(-1)
    if kind in "bf":
        are_whole = np.isfinite(labels).all() and np.array_equal(np.rint(labels), labels)
        if not are_whole or (abs(labels.astype(np.float64)) > MOST_EXACT).any():
            raise DataError(
                "labels must be whole numbers or words, but these are fractions", file=file
            )
        return labels.astype(np.int64)
    return _words(labels, file) if kind in "SU" else labels


def _words(labels: NDArray[Any], file: str) -> NDArray[np.str_]:
    if labels.dtype.itemsize > limits.LABEL.most * CHARACTER:
        raise DataError(f"labels have at most {limits.LABEL}", file=file)
    try:
        words = labels.astype(str)  # this refuses bytes beyond ASCII
        words.astype(words.dtype.newbyteorder("<")).tobytes().decode("utf-32-le")
    except UnicodeDecodeError as error:
        raise DataError(
            "some labels aren't text: bytes must be ASCII, numbers must be characters", file=file
        ) from error
    return words
