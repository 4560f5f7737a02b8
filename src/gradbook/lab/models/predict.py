"""Reads pictures and idx files with a model: a record for each image, also for unreadable ones."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradbook.data.dataset import Framing
from gradbook.data.formats import idx, pictures
from gradbook.data.formats.data_files import holds_images, open_unpacked
from gradbook.data.formats.pictures import SUFFIXES
from gradbook.data.photo import as_seen, ground_behind
from gradbook.data.signs import NoSign
from gradbook.errors import DataError, GradbookError
from gradbook.lab.models.answers import rank_classes

if TYPE_CHECKING:
    from gradbook.lab.models.model import Model

AT_ONCE = 256  # images
ENOUGH_PIXELS = 2_000  # pixels along a side: in a larger picture a digit is still found
IDX_OF_BYTES = b"\0\0\x08"
Image = NDArray[np.uint8]  # (channels, rows, columns)


@dataclass(frozen=True, eq=False)
class Reading:
    """One image and its answer, or the reason why it has none."""

    file: str
    number: int | None = None  # within an idx file, from 0
    image: Image | None = None  # the network's input
    probabilities: tuple[float, ...] = ()  # of each class
    numbers: tuple[float, ...] = ()  # predicted by a model without classes
    alone: bool = False  # one output distinguishes two classes
    problem: str = ""
    unreadable: bool = False  # the problem is the file, not its content

    @property
    def ranking(self) -> list[int]:
        """The numbers of the classes, the likeliest first."""
        ranked: list[int] = rank_classes(np.array([self.probabilities]), self.alone)[0].tolist()
        return ranked


@dataclass(frozen=True)
class View:
    """The form of a model's images."""

    shape: tuple[int, int, int]  # channels, rows, columns
    framing: Framing | None

    @staticmethod
    def of(model: Model) -> View:
        framing = model.about.get("framing")
        return View(model.picture, Framing.parse(str(framing)) if framing else None)


def readings(model: Model, paths: Iterable[str | os.PathLike[str]]) -> Iterator[Reading]:
    """A reading for each picture, each image of an idx file and each picture in a folder."""
    view = View.of(model)
    seen = (one for path in paths for one in _seen(Path(path), view))
    while group := list(islice(seen, AT_ONCE)):
        images = [one.image for one in group if one.image is not None]
        answers = iter(model.answers(np.stack(images)) if images else ())
        for one in group:
            answer = () if one.image is None else tuple(map(float, next(answers)))
            if model.classes:
                yield replace(one, probabilities=answer, alone=model.net.outputs == 1)
            else:
                yield replace(one, numbers=answer)


def _seen(path: Path, view: View) -> Iterator[Reading]:
    """Each image as the network receives it, or the problem with it."""
    try:
        if path.is_dir():
            for file in _files(path):
                yield from _seen(file, view)
        elif path.is_fifo():  # it may block forever, and can be read only once
            raise DataError("a pipe, not a file: save its output to a file first")
        elif _is_idx(path):
            yield from _of_idx(path, view)
        else:
            yield from _of_picture(path, view)
    except GradbookError as error:
        yield Reading(str(path), problem=error.message, unreadable=True)


def _files(folder: Path) -> list[Path]:
    """The pictures and idx files in a folder and its subfolders."""
    files: list[Path] = []
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in names if not name.startswith(".")):
            images = idx.is_idx(name) and holds_images(name)
            if images or Path(name).suffix.lower() in SUFFIXES:
                files.append(Path(where, name))
    if not files:
        kinds = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
        raise DataError(f"it contains no pictures ({kinds}) and no idx files of images")
    return files


def _is_idx(path: Path) -> bool:
    if idx.is_idx(path.name):
        return True
    with open_unpacked(path) as stream:
        return stream.read(len(IDX_OF_BYTES)) == IDX_OF_BYTES


def _of_idx(path: Path, view: View) -> Iterator[Reading]:
    with open_unpacked(path) as stream:
        images = idx.read(stream, str(path))
    size = "x".join(map(str, view.shape[1:]))
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise DataError("these aren't images of bytes: give the file with the images")
    if images[:1].size != np.prod(view.shape):
        has = "x".join(map(str, images.shape[1:]))
        raise DataError(f"its images are {has}, but the model reads {size}")
    for number, image in enumerate(images.reshape(-1, *view.shape)):
        yield Reading(str(path), number, image)


def _of_picture(path: Path, view: View) -> Iterator[Reading]:
    picture = pictures.read(path, ground_behind, ENOUGH_PIXELS)
    try:
        yield Reading(str(path), image=as_seen(picture, view.shape, view.framing))
    except NoSign as error:
        yield Reading(str(path), problem=error.message)
