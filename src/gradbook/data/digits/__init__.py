"""The handwritten digits that come with the package: MNIST's four files, each in xz, as bytes.

Threads may begin to unpack before anybody needs the bytes: unpacking is most of loading and leaves
Python alone, so `begin` is worth calling ahead of the imports that come before the `contents` are
asked for. `scripts/pack_digits.py` packed the files, and every loading holds them against their
sums. Knows nothing of arrays and data sets.
"""

from __future__ import annotations

import lzma
from concurrent.futures import Future
from hashlib import sha256
from pathlib import Path
from threading import Thread

from gradbook.errors import DataError

FOLDER = Path(__file__).parent
SUMS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""SHA-256 of the files as their makers gave them out."""

_begun: dict[Path, dict[str, Future[bytes]]] = {}  # folder → what is unpacked of its pieces


def begin() -> None:
    """Unpack in the background what `contents` will be asked for."""
    if FOLDER not in _begun:
        _begun[FOLDER] = _pieces(FOLDER)


def contents() -> dict[str, bytes]:
    """The four files, byte for byte as their makers gave them out. A large one lies in pieces."""
    pieces = _begun.pop(FOLDER, None) or _pieces(FOLDER)
    files = {}
    for name, checksum in SUMS.items():
        own = (content.result() for piece, content in pieces.items() if piece.startswith(name))
        files[name] = b"".join(own)
        if sha256(files[name]).hexdigest() != checksum:
            raise DataError("not the digits that belong there: install gradbook anew", file=name)
    return files


def _pieces(folder: Path) -> dict[str, Future[bytes]]:
    return {file.name: _in_the_background(file) for file in sorted(folder.glob("*.xz"))}


def _in_the_background(file: Path) -> Future[bytes]:
    """In a thread that a process needn't wait for when it ends."""
    content: Future[bytes] = Future()

    def work() -> None:
        try:
            content.set_result(_unpacked(file))
        except BaseException as error:  # for whoever asks
            content.set_exception(error)

    Thread(target=work, daemon=True).start()
    return content


def _unpacked(file: Path) -> bytes:
    """All in one go, which hardly ever asks for the interpreter."""
    try:
        return lzma.decompress(file.read_bytes())
    except (lzma.LZMAError, OSError) as error:
        raise DataError(f"damaged ({error}): install gradbook anew", file=file) from error
