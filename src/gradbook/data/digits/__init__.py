"""The handwritten digits that gradbook includes: MNIST's four files, each in xz, as bytes.

Once unpacked they are cached, if the system allows it. Threads can start before anybody needs the
bytes: this is the largest part of loading and doesn't block Python, so call `begin` before slow
imports that precede the use of `contents`.
`scripts/pack_digits.py` packed the files; packed or cached, they are compared with their checksums
at every loading. It knows nothing about arrays and data sets.
"""

from __future__ import annotations

import lzma
import os
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import TypeVar

from gradbook import limits
from gradbook.errors import DataError, GradbookError
from gradbook.files import read_bytes
from gradbook.folders import kept_in, temporary_folder

KIND = "digits"
Result = TypeVar("Result")
FOLDER = Path(__file__).parent
SUMS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""SHA-256 of the files as published."""

_begun: dict[Path, dict[str, Future[bytes]]] = {}  # folder → the files being loaded


def begin() -> None:
    """Start loading in the background what `contents` returns."""
    if FOLDER not in _begun:
        _begun[FOLDER] = _files(FOLDER)


def contents() -> dict[str, bytes]:
    """The four files, byte for byte as published."""
    files = _begun.pop(FOLDER, None) or _files(FOLDER)
    return {name: content.result() for name, content in files.items()}


def _files(folder: Path) -> dict[str, Future[bytes]]:
    return {name: _in_the_background(_file, folder, name) for name in SUMS}


def _file(folder: Path, name: str) -> bytes:
    """A cached file, or one that is unpacked now and cached while the caller continues."""
    content = _kept(name)
    if content is None:
        content = _joined_file(folder, name)
        _in_the_background(_keep, name, content)
    return content


def _in_the_background(work: Callable[..., Result], *about: object) -> Future[Result]:
    """Run in a thread that doesn't keep a process from ending."""
    result: Future[Result] = Future()

    def run() -> None:
        try:
            result.set_result(work(*about))
        except BaseException as error:  # for the caller
            result.set_exception(error)

    Thread(target=run, daemon=True).start()
    return result


# Packed ----------------------------------------------------------------------


def _joined_file(folder: Path, name: str) -> bytes:
    """A whole file; a large one is stored in pieces."""
    pieces = [_in_the_background(_unpacked, file) for file in sorted(folder.glob(f"{name}*.xz"))]
    content = b"".join(piece.result() for piece in pieces)
    if not _is_whole(name, content):
        raise DataError("it doesn't contain gradbook's digits: reinstall gradbook", file=name)
    return content


def _unpacked(file: Path) -> bytes:
    """Unpack in one call, which rarely needs the interpreter."""
    try:
        return lzma.decompress(file.read_bytes())
    except (lzma.LZMAError, OSError) as error:
        raise DataError(f"damaged ({error}): reinstall gradbook", file=file) from error


def _is_whole(name: str, content: bytes) -> bool:
    return sha256(content).hexdigest() == SUMS[name]


# Cache -----------------------------------------------------------------------


def _kept(name: str) -> bytes | None:
    with suppress(OSError, GradbookError):
        content = read_bytes(kept_in(KIND) / name, limits.IMAGES)
        if _is_whole(name, content):
            return content
    return None


def _keep(name: str, content: bytes) -> None:
    """Write completely or not at all; if that fails, it is unpacked again the next time."""
    with suppress(OSError, GradbookError):
        folder = kept_in(KIND)
        with temporary_folder(folder) as temporary:
            (temporary / name).write_bytes(content)
            os.replace(temporary / name, folder / name)
