"""What all readers need: the bytes of a file within limits, and the meaning of its name.

gzip and xz are unpacked on the way; damage gives an error in one line.
"""

from __future__ import annotations

import gzip
import io
import lzma
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from os import PathLike
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.archives import Overlarge, is_bomb
from gradbook.data.dataset import TEST, TRAINING, VALIDATION
from gradbook.errors import DataError
from gradbook.files import open_file
from gradbook.limits import ReadLimit

CHUNK, PIECE = 2**16, 2**20

GZIP, XZ = b"\x1f\x8b", b"\xfd7zXZ\0"
DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError)


@contextmanager
def open_unpacked(
    path: str | PathLike[str], limit: ReadLimit = limits.IMAGES
) -> Iterator[BinaryIO]:
    """The content of a file that is plain, gzip or xz, recognised by its first bytes.

    The limit applies to the file and to its unpacked content.
    """
    with open_file(path, limit) as file:
        try:
            packed = _packed(file)
            yield (
                file if packed is None else io.BufferedReader(_Bounded(packed, file, limit), CHUNK)
            )
        except Overlarge as error:
            raise DataError(error.message, file=path) from error
        except DAMAGED as error:
            reason = str(error) or type(error).__name__
            place = f" at or before byte {file.tell():,}" if file.seekable() else ""
            raise DataError(
                f"damaged{place} ({reason}): download or copy the file again", file=path
            ) from error


def _packed(file: io.BufferedReader) -> io.RawIOBase | io.BufferedIOBase | None:
    """A reader that unpacks the file; None if it is plain."""
    start = file.peek(len(XZ))
    if start.startswith(GZIP):
        return gzip.GzipFile(fileobj=file)
    if start.startswith(XZ):
        return _Xz(file)
    return None


class _Bounded(io.RawIOBase):
    """The content of a packed file, up to the limit."""

    def __init__(
        self, stream: io.RawIOBase | io.BufferedIOBase, file: BinaryIO, limit: ReadLimit
    ) -> None:
        self._stream, self._file, self._limit = stream, file, limit
        self._done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        count = self._stream.readinto(target) or 0
        self._done += count
        if self._done > self._limit.most or is_bomb(self._done, self._file.tell()):
            raise Overlarge(f"it unpacks to more than the limit of {self._limit}")
        return count


class _Xz(io.RawIOBase):
    """The content of an xz file. The standard reader lets a file demand any amount of memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=limits.XZ_MEMORY.most)

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        content = b""
        while not content and not self._decoder.eof:
            content = self._decoder.decompress(self._packed(), len(target))
        if self._decoder.unused_data.strip(b"\0"):
            raise lzma.LZMAError("there is more data after its end")
        target[: len(content)] = content
        return len(content)

    def _packed(self) -> bytes:
        if not self._decoder.needs_input:
            return b""
        packed = self._file.read(CHUNK)
        if not packed:
            raise EOFError("it is incomplete")
        return packed


def as_far_as_there_is(stream: BinaryIO, size: int) -> bytearray:
    """At most so many bytes; memory is used only for those that exist."""
    content = bytearray()
    while piece := stream.read(min(PIECE, size - len(content))):
        content += piece
    return content


def require_room(shape: Sequence[int], file: str, at: str = "") -> None:
    """Refuse an array with too many bytes, before any of them is read."""
    size = prod(shape)
    if size > limits.IMAGES.most:
        sides = " x ".join(f"{side:,}" for side in shape)
        raise DataError(
            f"{at}{sides} bytes of pixels are too many: at most {limits.IMAGES} are read", file=file
        )


def array_of(
    content: bytearray | memoryview,
    kind: np.dtype[Any],
    shape: tuple[int, ...],
    start: int,
    file: str,
) -> NDArray[Any]:
    """The array that a header promises of the bytes from `start` on, without a copy; read-only."""
    end = start + prod(shape) * kind.itemsize
    if start + len(content) < end:
        raise DataError(
            f"ends at byte {start + len(content):,} of the {end:,} that its header "
            "promises: it is incomplete, download or copy it again",
            file=file,
        )
    if start + len(content) > end:
        raise DataError(
            f"continues after byte {end:,}, where it should end by its header: download "
            "or copy it again",
            file=file,
        )
    array = np.frombuffer(content, kind, count=prod(shape)).reshape(shape)
    array.flags.writeable = False
    return array


# Names -----------------------------------------------------------------------

PARTS = {
    "train": TRAINING,
    "training": TRAINING,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
    "testing": TEST,
    "t10k": TEST,
}
IMAGES = {"images", "image", "x", "data", "pixels"}
LABELS = {"labels", "label", "y", "target", "targets"}


def words(name: str) -> list[str]:
    """The words in a name: 'Train-images.idx3-ubyte' has train, images, idx3 and ubyte."""
    return [word for word in re.split("[^a-z0-9]+", name.lower()) if word]


def part(name: str) -> str | None:
    """The part of a data set that the name mentions."""
    return next((PARTS[word] for word in words(name) if word in PARTS), None)


def holds_images(name: str) -> bool:
    return not IMAGES.isdisjoint(words(name))


def holds_labels(name: str) -> bool:
    return not LABELS.isdisjoint(words(name))


def by_part(names: Iterable[str], where: str) -> dict[str, str]:
    """The name for each part. A name that mentions no part stands for training."""
    names_by_part: dict[str, str] = {}
    for name in names:
        other = names_by_part.setdefault(part(name) or TRAINING, name)
        if other != name:
            raise DataError(
                f"{other} and {name} could both be the {part(name) or TRAINING} part: keep one",
                file=where,
            )
    return names_by_part
