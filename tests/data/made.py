"""Small data sets that the tests make, in every form that is read, and what is said of bad ones."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest

from gradbook.data.dataset import Size
from gradbook.data.formats import idx
from gradbook.data.sources import load
from gradbook.errors import DataError

PACK = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}


def pixels(count: int, *shape: int, seed: int = 0) -> np.ndarray:
    """Random bytes; a given image has the same ones however many come after it."""
    return np.random.RandomState(seed).randint(0, 256, (count, *shape)).astype(np.uint8)


def labels(count: int, classes: int = 3) -> np.ndarray:
    return (np.arange(count) % classes).astype(np.uint8)


def idx_folder(folder: Path, train: int = 12, test: int = 4, packing: str = "") -> Path:
    """MNIST's four files with a few images of 5 by 4."""
    folder.mkdir(exist_ok=True)
    for part, count in (("train", train), ("t10k", test)):
        save(folder, f"{part}-images-idx3-ubyte{packing}", pixels(count, 5, 4))
        save(folder, f"{part}-labels-idx1-ubyte{packing}", labels(count))
    return folder


def save(folder: Path, name: str, array: np.ndarray) -> Path:
    file = folder / name
    file.write_bytes(PACK[file.suffix if file.suffix in PACK else ""](idx.write(array)))
    return file


def table(rows: np.ndarray, names: list[str], separator: str = ",") -> str:
    lines = [separator.join([name, *map(str, row)]) for name, row in zip(names, rows, strict=True)]
    return "\n".join(lines) + "\n"


def picture_folder(folder: Path, counts: dict[str, int], mode: str = "L", size=(6, 4)) -> Path:
    """PNG files, columns by rows `size`, in a folder for each class."""
    from PIL import Image

    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for i, grey in enumerate(pixels(count, size[1], size[0])):
            Image.fromarray(grey).convert(mode).save(folder / name / f"{i}.png")
    return folder


def said_of(file: Path, size: Size | None = None) -> str:
    """The one line with which a file is refused, without its name."""
    with pytest.raises(DataError) as caught:
        load(file, size)
    line = str(caught.value)
    assert line.isprintable()
    assert line.startswith(str(file)), line
    return line.removeprefix(str(file)).removeprefix(", ").removeprefix(": ")
