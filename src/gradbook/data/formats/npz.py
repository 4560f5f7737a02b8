"""NumPy archives of images: x_train, y_train, x_test, y_test and names like them.

Nothing in an archive is run: an array of Python objects, which would be run, is refused unread,
and an array's size is known before any of it is unpacked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isqrt, prod
from pathlib import Path
from typing import Any, BinaryIO, Literal, NoReturn

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from gradbook import limits
from gradbook.archives import Archive, ArchiveError
from gradbook.data.dataset import Dataset, Part, assemble
from gradbook.data.formats.files import by_part, holds_images, holds_labels, require_room
from gradbook.errors import DataError
from gradbook.files import open_file

HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
SIDES = "images must be (images, rows, columns), with 1 or 3 channels last or second"
AT_ONCE = 2**20  # numbers that are checked together
MOST_EXACT = 2**53  # the largest whole number that float64 stores exactly
SURROGATES, LAST_CHARACTER, LAST_OF_ASCII = (0xD800, 0xDFFF), 0x10FFFF, 0x7F
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
    for part in images:  # before any of them is unpacked
        _require_pair(*(_Array.of(archive, name, file) for name in (images[part], labels[part])))
    return {
        part: Part(
            pixels=_pixels(_Array.of(archive, images[part], file)),
            labels=_labels(_Array.of(archive, labels[part], file)),
            images_file=f"{file}, {images[part]}",
            labels_file=f"{file}, {labels[part]}",
            place="entry {}".format,
        )
        for part in images
    }


# Arrays ----------------------------------------------------------------------


@dataclass(frozen=True)
class _Array:
    """An array in an archive: the information in its header, and its place."""

    archive: Archive
    name: str
    file: str  # for error messages
    shape: tuple[int, ...]
    in_columns: bool
    kind: np.dtype[Any]

    @staticmethod
    def of(archive: Archive, name: str, path: Path) -> _Array:
        file = f"{path}, {name}"
        with archive.stream(f"{name}.npy", limits.IMAGES) as stream:
            return _Array(archive, name, file, *_header(stream, file))

    @property
    def size(self) -> int:
        """The number of bytes of its numbers."""
        return prod(self.shape) * self.kind.itemsize

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The content after the header, which must be as long as the header promises."""
        with self.archive.stream(f"{self.name}.npy", limits.IMAGES) as stream:
            _header(stream, self.file)
            start = stream.tell()
            yield stream
            more = len(stream.read(1))
        if stream.tell() - start != self.size or more:
            self.fail(
                f"{stream.tell() - start:,} bytes, but its header promises {self.size:,}: "
                "download or copy the file again"
            )

    def fail(self, why: str) -> NoReturn:
        raise DataError(why, file=self.file)


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


def _require_pair(images: _Array, labels: _Array) -> None:
    """Refuse arrays that can't be images and their labels, by their headers alone."""
    if images.kind.kind not in "buif":
        images.fail(f"pixels must be numbers, but these are {images.kind}")
    _channels_second(np.broadcast_to(np.uint8(0), images.shape), images)  # takes no memory
    if labels.kind.kind not in "buifSU" or labels.shape[1:] not in ((), (1,)) or not labels.shape:
        labels.fail(
            f"labels must be one row of numbers or words, but these are {labels.kind} of "
            f"{labels.shape}"
        )
    if labels.kind.kind in "SU" and labels.kind.itemsize > limits.LABEL.most * CHARACTER:
        labels.fail(f"labels have at most {limits.LABEL}")
    if labels.shape[0] != images.shape[0]:
        count = f"{labels.shape[0]:,} labels, but {images.shape[0]:,} images"
        labels.fail(f"{count} in {images.name}: these arrays don't belong together")


def _pixels(array: _Array) -> NDArray[np.uint8]:
    """The pixels as bytes; they are checked piece by piece, so that only the bytes take memory."""
    pixels = np.empty(prod(array.shape), np.uint8)
    with array.opened() as stream:
        for first in range(0, pixels.size, AT_ONCE):
            piece = pixels[first : first + AT_ONCE]
            content = stream.read(piece.size * array.kind.itemsize)
            if len(content) == piece.size * array.kind.itemsize:  # otherwise an error follows below
                piece[:] = _bytes(np.frombuffer(content, array.kind), array)
    order: Literal["F", "C"] = "F" if array.in_columns else "C"
    return _channels_second(pixels.reshape(array.shape, order=order), array)


def _bytes(numbers: NDArray[Any], array: _Array) -> NDArray[np.uint8]:
    low, high = numbers.min(), numbers.max()
    if not (low >= 0 and high <= 255):  # this refuses nan, too
        array.fail(f"pixels must be between 0 and 255, but these are between {low} and {high}")
    pixels = numbers.astype(np.uint8)
    if not np.array_equal(pixels, numbers):
        array.fail("pixels must be whole numbers from 0 to 255: store them as uint8")
    return pixels


def _channels_second(pixels: NDArray[np.uint8], array: _Array) -> NDArray[np.uint8]:
    match pixels.shape:
        case (images, size) if isqrt(size) ** 2 == size:
            return pixels.reshape(images, 1, isqrt(size), isqrt(size))
        case (_, _, _):
            return pixels[:, None]
        case (_, _, _, 1 | 3):
            return pixels.transpose(0, 3, 1, 2)
        case (_, 1 | 3, _, _):
            return pixels
    array.fail(f"images can't have the shape {pixels.shape}: {SIDES}")


def _labels(array: _Array) -> NDArray[Any]:
    with array.opened() as stream:
        content = stream.read(array.size)
    labels = np.frombuffer(content, array.kind)
    if array.kind.kind in "bf":
        whole = np.isfinite(labels).all() and np.array_equal(np.rint(labels), labels)
        if not whole or (abs(labels.astype(np.float64)) > MOST_EXACT).any():
            array.fail("labels must be whole numbers or words, but these are fractions")
        return labels.astype(np.int64)
    if array.kind.kind in "SU" and not _are_words(labels):
        array.fail("some labels aren't text: bytes must be ASCII, numbers must be characters")
    return labels.astype(str) if array.kind.kind == "S" else labels


def _are_words(labels: NDArray[Any]) -> bool:
    """Whether its bytes are ASCII, or its characters valid in Unicode."""
    if labels.dtype.kind == "S":
        return bool((labels.view(np.uint8) <= LAST_OF_ASCII).all())
    codes = labels.astype(labels.dtype.newbyteorder("=")).view(np.uint32)
    halves = (codes >= SURROGATES[0]) & (codes <= SURROGATES[1])
    return bool((codes <= LAST_CHARACTER).all() and not halves.any())
