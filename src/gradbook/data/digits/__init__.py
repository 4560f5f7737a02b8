"""The handwritten digits that come with the package: MNIST, its files unchanged inside xz.

`scripts/pack_digits.py` packed them, and every loading holds them against their sums.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from gradbook.data import idx
from gradbook.data.dataset import TEST, TRAINING, Dataset, Part, assemble
from gradbook.data.packed import unpacked
from gradbook.errors import DataError

FOLDER = Path(__file__).parent
SUMS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""SHA-256 of the files as their makers gave them out."""

LARGEST = 47_040_016  # bytes of the training images
SOURCE = "MNIST, by Yann LeCun, Corinna Cortes and Christopher J.C. Burges; see NOTICE"


def load() -> Dataset:
    """60,000 digits to train on and 10,000 to report on, 28 by 28, all checked."""
    files = contents()
    return assemble("digits", SOURCE, {TRAINING: _part(files, "train"), TEST: _part(files, "t10k")})


def _part(files: dict[str, bytes], name: str) -> Part:
    images, labels = f"{name}-images-idx3-ubyte", f"{name}-labels-idx1-ubyte"
    return Part(
        pixels=idx.parse(files[images], images)[:, None],
        labels=idx.parse(files[labels], labels),
        images_file=images,
        labels_file=labels,
        place=str,
    )


def contents() -> dict[str, bytes]:
    """The four files, byte for byte as their makers gave them out. A large one lies in pieces."""
    pieces = sorted(FOLDER.glob("*.xz"))
    with ThreadPoolExecutor() as pool:  # unpacking is most of loading, and leaves Python alone
        unpacked_pieces = list(pool.map(_content, pieces))
    return {
        name: _checked(
            name,
            b"".join(
                content
                for piece, content in zip(pieces, unpacked_pieces, strict=True)
                if piece.name.startswith(name)
            ),
        )
        for name in SUMS
    }


def _content(file: Path) -> bytes:
    with unpacked(file) as stream:
        return stream.read(LARGEST)


def _checked(name: str, content: bytes) -> bytes:
    if sha256(content).hexdigest() != SUMS[name]:
        raise DataError("not the digits that belong there: install gradbook anew", file=name)
    return content
