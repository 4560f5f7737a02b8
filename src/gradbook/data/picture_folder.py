"""A folder of pictures, one folder for each class: PNG, JPEG and the like, of any size.

Above the classes there may be folders for the parts: train, validation, test.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradbook.data import picture
from gradbook.data.dataset import TRAINING, Dataset, Part, assemble
from gradbook.data.images import Size
from gradbook.data.packed import require_room
from gradbook.data.parts import PARTS, by_part
from gradbook.errors import DataError

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".webp"}


def read(folder: Path, size: Size | None = None) -> Dataset:
    """The data set of the folder's pictures, all stretched to one size: the first's if not said.

    They are grey unless one of them has colour.
    """
    files = {part: _files(where) for part, where in _parts(folder).items()}
    size = size or _size(next(iter(files.values()))[0])
    require_room((sum(map(len, files.values())), 3, *size), str(folder))
    pixels = {part: _pixels(found, size) for part, found in files.items()}
    if all(map(_are_grey, pixels.values())):
        pixels = {part: found[:, :1] for part, found in pixels.items()}
    parts = {part: _part(folder, pixels[part], found) for part, found in files.items()}
    source = f"pictures in {folder}{_left_out(folder)}"
    return assemble(folder.resolve().name, source, parts)


def _parts(folder: Path) -> dict[str, Path]:
    """Part → the folder that has its classes."""
    inside = {where.name: where for where in _folders(folder)}
    if inside and all(name.lower() in PARTS for name in inside):
        return {part: inside[name] for part, name in by_part(inside, str(folder)).items()}
    return {TRAINING: folder}


def _folders(where: Path) -> list[Path]:
    return sorted(f for f in where.iterdir() if f.is_dir() and not f.name.startswith("."))


def _files(folder: Path) -> list[Path]:
    """The pictures of all classes; the folder that one lies in is its class."""
    found = {
        where: sorted(file for file in where.iterdir() if file.suffix.lower() in SUFFIXES)
        for where in _folders(folder)
    }
    if not any(found.values()):
        raise DataError(
            "no idx files, no tables and no folders of pictures in it: "
            "pictures lie in a folder for each class",
            file=str(folder),
        )
    for where, pictures in found.items():
        if not pictures:
            raise DataError("no pictures in it: take it away or fill it", file=str(where))
    return [file for pictures in found.values() for file in pictures]


def _left_out(folder: Path) -> str:
    """The files beside the pictures: a TIFF that nobody looks at should be missed."""
    beside = [
        file
        for classes in _parts(folder).values()
        for where in _folders(classes)
        for file in where.iterdir()
        if file.suffix.lower() not in SUFFIXES and not file.name.startswith(".")
    ]
    files = "files" if len(beside) > 1 else "file"
    return f"; {len(beside):,} {files} of another kind left out" if beside else ""


def _size(file: Path) -> Size:
    columns, rows = picture.read(file).size
    return rows, columns


def _pixels(files: list[Path], size: Size) -> NDArray[np.uint8]:
    rows, columns = size
    pixels = np.empty((len(files), 3, rows, columns), np.uint8)
    for file, target in zip(files, pixels, strict=True):
        image = picture.read(file)
        if image.size != (columns, rows):
            image = image.resize((columns, rows), reducing_gap=3)
        target[:] = np.asarray(image).transpose(2, 0, 1)
    return pixels


def _are_grey(pixels: NDArray[np.uint8]) -> bool:
    return np.array_equal(pixels[:, 0], pixels[:, 1]) and np.array_equal(pixels[:, 1], pixels[:, 2])


def _part(folder: Path, pixels: NDArray[np.uint8], files: list[Path]) -> Part:
    return Part(
        pixels=pixels,
        labels=np.array([file.parent.name for file in files]),
        images_file=str(folder),
        labels_file=str(folder),
        place=lambda i: str(files[i].relative_to(folder)),
    )
