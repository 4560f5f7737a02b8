"""Arrays and a record about them in one file, whole or not at all: safetensors, never a pickle.

The record is JSON in the file's metadata, all under one name (several would come in no fixed
order), with a sum of the arrays' bytes, so that damage is told from a stranger's file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import DataError, GradbookError, LimitError
from gradbook.files import opened, write_whole

NAME = "gradbook"
MOST_BYTES = 2**31
HEAD = 8  # bytes that say how long the header is
LONGEST_HEADER = 2**26


Arrays = Mapping[str, NDArray[Any]]
Record = Mapping[str, Any]
Made = TypeVar("Made")


def write(path: str | os.PathLike[str], arrays: Arrays, record: Record) -> None:
    from safetensors.numpy import save

    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    about = {**record, "sum": _sum(arrays)}
    write_whole(path, save(arrays, {NAME: json.dumps(about, ensure_ascii=False)}))


def read(path: str | os.PathLike[str], kind: str) -> tuple[Arrays, Record]:
    """What the file holds, if it is whole and says that it is of this kind."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    with opened(path) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise LimitError(f"{os.fspath(path)} is larger than {MOST_BYTES:,} bytes: give another")
    try:
        arrays = load(content)
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise _damaged(path, "cut short, or no safetensors file at all") from error
    record = _record(content)
    if record is None or record.get("kind") != kind:
        raise DataError(f"no {kind} of gradbook's: give another file", file=os.fspath(path))
    if record.get("sum") != _sum(arrays):
        raise _damaged(path, "its numbers don't fit their sum")
    return arrays, record


def read_as(
    path: str | os.PathLike[str], kind: str, version: int, make: Callable[[Arrays, Record], Made]
) -> Made:
    """What is made of a file of this kind; a later version's tensors may mean something else."""
    arrays, record = read(path, kind)
    try:
        if record.get("version") != version:
            raise ValueError(f"its version is {record.get('version')}, and {version} is read here")
        return make(arrays, record)
    except (GradbookError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"no model that this version of gradbook can use ({error}): train it anew",
            file=os.fspath(path),
        ) from error


def require_finite(arrays: Iterable[NDArray[Any]]) -> None:
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("some of its values are infinite or no numbers at all")


def kind_of(path: str | os.PathLike[str]) -> str:
    """What a file says it is, as far as its header can be read; '' where it says nothing."""
    with opened(path) as file:
        head = file.read(HEAD)
        content = head + file.read(min(int.from_bytes(head, "little"), LONGEST_HEADER))
    record = _record(content)
    return str(record.get("kind", "")) if record else ""


def _record(content: bytes) -> dict[str, Any] | None:
    """What the file says about itself; None where that isn't ours."""
    length = int.from_bytes(content[:HEAD], "little")
    try:
        header = json.loads(content[HEAD : HEAD + min(length, LONGEST_HEADER)])
        record = json.loads(header["__metadata__"][NAME])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _sum(arrays: Arrays) -> str:
    found = sha256()
    for name in sorted(arrays):
        array = arrays[name]
        found.update(f"{name} {array.dtype} {array.shape};".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def _damaged(path: str | os.PathLike[str], why: str) -> DataError:
    return DataError(f"damaged ({why}): take another copy", file=os.fspath(path))
