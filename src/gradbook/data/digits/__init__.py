"""The handwritten digits that come with the package: MNIST's four files, each in xz, as bytes.

Unpacked they are kept for the next time, where the system lets them be. Threads may begin to get
them before anybody needs the bytes: it is most of loading and leaves Python alone, so `begin` is
worth calling ahead of the imports that come before the `contents` are asked for.
`scripts/pack_digits.py` packed the files; packed or kept, every loading holds them against their
sums. Knows nothing of arrays and data sets.
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
"""SHA-256 of the files as their makers gave them out."""

_begun: dict[Path, dict[str, Future[bytes]]] = {}  # folder → what is got of its files


def begin() -> None:
    """Get in the background what `contents` will be asked for."""
    if FOLDER not in _begun:
        _begun[FOLDER] = _files(FOLDER)


def contents() -> dict[str, bytes]:
    """The four files, byte for byte as their makers gave them out."""
    files = _begun.pop(FOLDER, None) or _files(FOLDER)
    return {name: content.result() for name, content in files.items()}


def _files(folder: Path) -> dict[str, Future[bytes]]:
    return {name: _in_the_background(_file, folder, name) for name in SUMS}


def _file(folder: Path, name: str) -> bytes:
    """As it was kept, or else unpacked, and kept while whoever asked for it goes on."""
    content = _kept(name)
    if content is None:
        content = _whole(folder, name)
        _in_the_background(_keep, name, content)
    return content


def _in_the_background(work: Callable[..., Result], *about: object) -> Future[Result]:
    """In a thread that a process needn't wait for when it ends."""
    result: Future[Result] = Future()

    def run() -> None:
        try:
            result.set_result(work(*about))
        except BaseException as error:  # for whoever asks
            result.set_exception(error)

    Thread(target=run, daemon=True).start()
    return result


# Packed ----------------------------------------------------------------------


def _whole(folder: Path, name: str) -> bytes:
    """A large one lies in pieces."""
    pieces = [_in_the_background(_unpacked, file) for file in sorted(folder.glob(f"{name}*.xz"))]
    content = b"".join(piece.result() for piece in pieces)
    if not _is_whole(name, content):
        raise DataError("it doesn't hold gradbook's digits: reinstall gradbook", file=name)
    return content


def _unpacked(file: Path) -> bytes:
    """All in one go, which hardly ever asks for the interpreter."""
    try:
        return lzma.decompress(file.read_bytes())
    except (lzma.LZMAError, OSError) as error:
        raise DataError(f"damaged ({error}): reinstall gradbook", file=file) from error


def _is_whole(name: str, content: bytes) -> bool:
    return sha256(content).hexdigest() == SUMS[name]


# Kept ------------------------------------------------------------------------


def _kept(name: str) -> bytes | None:
    with suppress(OSError, GradbookError):
        content = read_bytes(kept_in(KIND) / name, limits.IMAGES)
        if _is_whole(name, content):
            return content
    return None


def _keep(name: str, content: bytes) -> None:
    """Whole or not at all; where it can't be, it is unpacked again the next time."""
    with suppress(OSError, GradbookError):
        folder = kept_in(KIND)
        with temporary_folder(folder) as own:
            (own / name).write_bytes(content)
            os.replace(own / name, folder / name)
