"""Arrays and a record about them in one file, written completely or not at all: safetensors.

The record is JSON in the file's metadata, under a single name (several would have no fixed
order), with a checksum of the arrays, which distinguishes damage from a file of other programs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from math import prod
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.errors import DataError, GradbookError
from gradbook.files import open_file, write_whole
from gradbook.schema import Choice, ListOf, Schema, SchemaError, WholeNumber

NAME = "gradbook"
HEAD = 8  # bytes with the length of the header
CHUNK = 2**20
KINDS = {  # kinds of number, with their names in safetensors
    **{f"F{bits}": np.dtype(f"<f{bits // 8}") for bits in (16, 32, 64)},
    **{f"I{bits}": np.dtype(f"<i{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"U{bits}": np.dtype(f"<u{bits // 8}") for bits in (8, 16, 32, 64)},
    "BOOL": np.dtype(bool),
}
PLACE = WholeNumber(0, limits.MODEL.most)
TENSOR = Schema(
    dtype=Choice(*KINDS),
    shape=ListOf(PLACE, most=limits.SIDES.most),
    data_offsets=ListOf(PLACE, least=2, most=2),
)


Arrays = Mapping[str, NDArray[Any]]
Shapes = Mapping[str, tuple[int, ...]]
Record = Mapping[str, Any]
Made = TypeVar("Made")
Fitted = Callable[[Shapes, Record], Callable[[Arrays], Made]]  # makes the content from the numbers


def write(path: str | os.PathLike[str], arrays: Arrays, record: Record) -> None:
    from safetensors.numpy import save

    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    about = {**record, "sum": _sum(arrays)}
    write_whole(path, save(arrays, {NAME: json.dumps(about, ensure_ascii=False)}))


def read(path: str | os.PathLike[str], kind: str) -> tuple[Arrays, Record]:
    """The content of the file, if it is intact and of this kind."""
    return read_checked(path, kind, lambda shapes, record: lambda arrays: (arrays, record))


def read_as(path: str | os.PathLike[str], kind: str, version: int, fitted: Fitted[Made]) -> Made:
    """The content of a file of this kind, with only finite numbers.

    Its shapes and its record must fit together before any number is read. Tensors of a later
    version may mean something else.
    """

    def make(shapes: Shapes, record: Record) -> Callable[[Arrays], Made]:
        try:
            if record.get("version") != version:
                why = (
                    f"its version is {record.get('version')}, but gradbook reads version {version}"
                )
                raise ValueError(why)
            return fitted(shapes, record)
        except (GradbookError, ValueError) as error:
            raise _unusable(path, str(error)) from error

    return read_checked(path, kind, make, finite=True)


def read_checked(
    path: str | os.PathLike[str], kind: str, fitted: Fitted[Made], *, finite: bool = False
) -> Made:
    """Use nothing in a file before all of it was checked."""
    with open_file(path, limits.MODEL) as file:
        about = _header(file)
        if about is None or not about.fits(os.fstat(file.fileno()).st_size):
            raise _damaged(path, "incomplete, or not a safetensors file")
        if about.record is None or about.record.get("kind") != kind:
            raise DataError(f"not a {kind} of gradbook's: use another file", file=os.fspath(path))
        make = fitted({name: place.shape for name, place in about.places.items()}, about.record)
        checksum, is_finite = about.look_through(file)
        if about.record.get("sum") != checksum:
            raise _damaged(path, "its numbers don't match their checksum")
        if finite and not is_finite:
            raise _unusable(path, "some of its values are infinite or not numbers")
        return make({name: place.read(file) for name, place in about.places.items()})


def kind_of(path: str | os.PathLike[str]) -> str:
    """The kind that a file's header names, if it can be read; otherwise ''."""
    with open_file(path, limits.MODEL) as file:
        about = _header(file)
    return str(about.record.get("kind", "")) if about and about.record else ""


def _sum(arrays: Arrays) -> str:
    checksum = sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name]).reshape(arrays[name].shape)
        checksum.update(_title(name, array.dtype, array.shape))
        checksum.update(array.reshape(-1).view(np.uint8).data)
    return checksum.hexdigest()


def _title(name: str, kind: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    return f"{name} {kind} {shape};".encode()


# The header.


@dataclass(frozen=True)
class _Place:
    """The place of a tensor in the file."""

    kind: np.dtype[Any]
    shape: tuple[int, ...]
    start: int
    end: int

    def read(self, file: BinaryIO) -> NDArray[Any]:
        file.seek(self.start)
        return np.fromfile(file, self.kind, prod(self.shape)).reshape(self.shape)


@dataclass(frozen=True)
class _Header:
    """The header of a file of tensors, which is checked against its size before it is used."""

    places: Mapping[str, _Place]
    record: dict[str, Any] | None
    start: int  # of the numbers

    def fits(self, size: int) -> bool:
        """Whether the tensors follow each other and fill the file."""
        at = self.start
        for place in sorted(self.places.values(), key=lambda place: (place.start, place.end)):
            if place.start != at:
                return False
            at = place.end
        return at == size

    def look_through(self, file: BinaryIO) -> tuple[str, bool]:
        """The checksum of names, shapes and numbers, and whether all are finite; keeps nothing."""
        checksum, is_finite = sha256(), True
        for name in sorted(self.places):
            place = self.places[name]
            checksum.update(_title(name, place.kind, place.shape))
            file.seek(place.start)
            for first in range(place.start, place.end, CHUNK):
                content = file.read(min(CHUNK, place.end - first))
                checksum.update(content)
                is_finite = is_finite and bool(
                    np.isfinite(np.frombuffer(content, place.kind)).all()
                )
        return checksum.hexdigest(), is_finite


def _header(file: BinaryIO) -> _Header | None:
    """The header; None if it isn't valid."""
    length = int.from_bytes(file.read(HEAD), "little")
    if length > limits.SETTINGS.most:
        return None
    start = HEAD + length
    try:
        header = json.loads(file.read(length))
        about = header.pop("__metadata__", {})
        places = {name: _place(start, one) for name, one in header.items()}
        _ = [name.encode() for name in places]  # surrogates aren't valid names
        return _Header(places, _record(about), start)
    except (SchemaError, ValueError, TypeError, AttributeError, RecursionError):
        return None


def _place(start: int, entry: object) -> _Place:
    one = TENSOR.read(entry)
    kind, shape, (first, last) = KINDS[one["dtype"]], tuple(one["shape"]), one["data_offsets"]
    if last - first != prod(shape) * kind.itemsize:
        raise ValueError
    return _Place(kind, shape, start + first, start + last)


def _record(about: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record of the content; None if it isn't one of gradbook's."""
    try:
        record = json.loads(about[NAME])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _unusable(path: str | os.PathLike[str], why: str) -> DataError:
    return DataError(
        f"this version of gradbook can't use this model ({why}): train it again",
        file=os.fspath(path),
    )


def _damaged(path: str | os.PathLike[str], why: str) -> DataError:
    return DataError(f"damaged ({why}): use another copy", file=os.fspath(path))
