"""How a stranger's files are one input of bytes, which can be changed anywhere and still be read.

A package is a bundle of its parts, unpacked, so that a change comes through to the reader and isn't
told by a sum. Where a format has sums of its own they are put right, as whoever means harm would.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np

from gradbook.lab.models import stored

Parts = dict[str, bytes]
MARK = re.compile(rb"(?:\A|\n)=== ([\w./\[\]-]{1,60})\n")
PNG, LENGTH = b"\x89PNG\r\n\x1a\n", 4  # bytes of a number in a PNG


def bundle(parts: Mapping[str, bytes]) -> bytes:
    return b"\n".join(b"=== %s\n%s" % (name.encode(), content) for name, content in parts.items())


def parts_of(data: bytes) -> Parts:
    """What lies under each name; what comes before the first is nothing."""
    _, *found = MARK.split(data)
    return {name.decode(): content for name, content in zip(found[::2], found[1::2], strict=True)}


def bundle_of_archive(content: bytes) -> bytes:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return bundle({name: archive.read(name) for name in archive.namelist()})


def text_of(data: bytes) -> str:
    """Bytes that are no UTF-8 become halves of characters."""
    return data.decode("utf-8", "surrogateescape")


# Tensors with a record.


def tensors(arrays: Mapping[str, np.ndarray], record: bytes) -> bytes:
    """A file of arrays that says this of itself."""
    at, told = 0, {"__metadata__": {stored.NAME: text_of(record)}}
    names = {kind: name for name, kind in stored.KINDS.items()}
    for name, array in arrays.items():
        place = [at, at := at + array.nbytes]
        told[name] = {
            "dtype": names[array.dtype],
            "shape": list(array.shape),
            "data_offsets": place,
        }
    return _headed(told) + b"".join(array.tobytes() for array in arrays.values())


def with_right_sum(content: bytes) -> bytes:
    """The same file, whose record has the sum of what is in it."""
    file = BytesIO(content)
    found = stored._header(file)
    if found is None or not found.record or not found.fits(len(content)):
        return content
    record = json.loads(content[stored.HEAD : found.start])
    right, _ = found.look_through(file)
    record["__metadata__"][stored.NAME] = json.dumps({**found.record, "sum": right})
    return _headed(record) + content[found.start :]


def _headed(told: Mapping[str, Any]) -> bytes:
    header = json.dumps(told).encode()
    return len(header).to_bytes(stored.HEAD, "little") + header


# Pictures.


def with_right_sums(content: bytes) -> bytes:
    """A PNG each of whose chunks has the sum of what is in it; anything else as it is."""
    if not content.startswith(PNG):
        return content
    made, at = bytearray(PNG), len(PNG)
    while at < len(content):
        length = int.from_bytes(content[at : at + LENGTH], "big")
        end = at + 2 * LENGTH + length
        made += content[at:end]
        if end + LENGTH <= len(content):
            made += zlib.crc32(content[at + LENGTH : end]).to_bytes(LENGTH, "big")
        at = end + LENGTH
    return bytes(made)
