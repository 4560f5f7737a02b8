"""The idx format: two zero bytes, a type, the number of sides, the sides, then the numbers."""

from __future__ import annotations

from io import BytesIO
from math import prod
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gradbook.data.packed import require_room
from gradbook.errors import DataError

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_SIDES = 32  # what every version of numpy can hold


def read(stream: BinaryIO, file: str) -> NDArray[Any]:
    """The array that the stream holds; it can't be written to. `file` is for complaints."""
    kind, shape = _header(stream, file)
    return _array(stream.read(prod(shape) * kind.itemsize + 1), kind, shape, file)  # one too many


def parse(content: bytes, file: str = "idx") -> NDArray[Any]:
    """The array that these bytes are, and remain."""
    kind, shape = _header(BytesIO(content), file)
    return _array(memoryview(content)[4 + 4 * len(shape) :], kind, shape, file)


def _array(
    content: bytes | memoryview, kind: np.dtype[Any], shape: tuple[int, ...], file: str
) -> NDArray[Any]:
    start = 4 + 4 * len(shape)
    size = prod(shape) * kind.itemsize
    if len(content) < size:
        raise DataError(
            f"ends at byte {start + len(content):,} of the {start + size:,} that its header "
            "promises: it is cut short, get it anew",
            file=file,
        )
    if len(content) > size:
        raise DataError(
            f"goes on after byte {start + size:,}, where its header says it ends: get it anew",
            file=file,
        )
    return np.frombuffer(content, kind, count=prod(shape)).reshape(shape)


def _header(stream: BinaryIO, file: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise DataError(f"byte 0: no idx file, it begins with {_shown(magic)}", file=file)
    if magic[2] not in TYPES:
        raise DataError(f"byte 2: idx knows no type {magic[2]:#04x}", file=file)
    if not 0 < magic[3] <= MOST_SIDES:
        raise DataError(f"byte 3: an array of {magic[3]} sides can't be read", file=file)
    sides = stream.read(4 * magic[3])
    if len(sides) < 4 * magic[3]:
        raise DataError(f"ends at byte {4 + len(sides)}, within its header", file=file)
    shape = tuple(int(side) for side in np.frombuffer(sides, ">u4"))
    kind = np.dtype(TYPES[magic[2]])
    require_room((*shape, kind.itemsize), file, "byte 4: ")
    return kind, shape


def _shown(start: bytes) -> str:
    return start.hex(" ") if start else "nothing"


def write(array: NDArray[Any]) -> bytes:
    """The array's bytes in the idx format."""
    wanted = array.dtype.newbyteorder(">").str.replace("|", ">")
    code = next((code for code, name in TYPES.items() if name == wanted), None)
    if code is None or not 0 < array.ndim <= MOST_SIDES:
        raise DataError(f"idx has no way to write {array.ndim} sides of {array.dtype}")
    sides = np.array(array.shape, ">u4")
    return bytes([0, 0, code, array.ndim]) + sides.tobytes() + array.astype(wanted).tobytes()
