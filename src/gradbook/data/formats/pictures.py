"""Pictures in files, and folders of them: PNG, JPEG and others, of any size, upright, in RGB.

A folder contains a folder of pictures for each class. Folders for the parts (train, validation,
test) may contain these.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.amounts import counted
from gradbook.data.dataset import TRAINING, Dataset, Part, Size, assemble
from gradbook.data.formats.data_files import PARTS, by_part, require_room
from gradbook.errors import DataError, GradbookError, one_line
from gradbook.files import open_file

if TYPE_CHECKING:
    from PIL.Image import Image


FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "WEBP")
"""Of the other formats, some start programs (EPS) and some print messages about the file (TIFF)."""

JPEG, SCAN = b"\xff\xd8", b"\xff\xda"
ORIENTATION, ON_ITS_SIDE = 0x0112, (5, 6, 7, 8)  # in Exif
AT_HAND = 2**22  # pixels, about: larger pictures are averaged
AVERAGED = {  # modes that can be averaged, with the most pixels
    **dict.fromkeys(("L", "RGB"), limits.PIXELS),
    **dict.fromkeys(("LA", "RGBA"), limits.TRANSPARENT),  # Pillow makes a copy of these
}
Ground = tuple[int, int, int]
WHITE: Ground = (255, 255, 255)


def read(
    file: Path, behind: Callable[[Image], Ground] = lambda image: WHITE, enough: int | None = None
) -> Image:
    """The picture, with its transparent parts on white or on the result of `behind` (in RGBA).

    A picture with far more than `enough` pixels along each side, or very many in all, is scaled
    down.
    """
    with _opened(file) as image:
        from PIL import ImageOps

        if enough:
            image.draft(None, (enough, enough))
        smaller = _smaller(image, enough)  # before copies are made
        ImageOps.exif_transpose(smaller, in_place=True)
        return _coloured(smaller, behind)


@contextmanager
def _opened(file: Path) -> Iterator[Image]:
    """A picture whose header was read; all faults give an error in one line."""
    with open_file(file, limits.PICTURE) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # errors are reported below
        from PIL import Image, UnidentifiedImageError

        try:
            _require_few_scans(stream, file)
            image = Image.open(stream, formats=FORMATS)
            _require_few_pixels(image, file)
            yield image
        except DataError:
            raise
        except Image.DecompressionBombError as error:
            raise DataError(
                f"the picture is too large (at most {limits.PIXELS}): make it smaller",
                file=file,
            ) from error
        except UnidentifiedImageError as error:
            kinds = ", ".join(FORMATS)
            raise DataError(
                f"not a picture that can be read ({kinds}): save it as PNG", file=file
            ) from error
        except Exception as error:  # a hostile picture can fail in any way
            raise DataError(f"a damaged picture ({error}): use another copy", file=file) from error


def _require_few_scans(stream: BinaryIO, file: Path) -> None:
    """Limit the passes over a JPEG: each costs as much as all pixels, in however few bytes."""
    if stream.read(len(JPEG)) == JPEG:
        content = JPEG + stream.read()
        if content.count(SCAN) > limits.SCANS.most:
            raise DataError(
                f"more than {limits.SCANS} passes over a JPEG: save it again", file=file
            )
    stream.seek(0)


def _require_few_pixels(image: Image, file: Path) -> None:
    columns, rows = image.size
    few = AVERAGED.get(image.mode, limits.UNAVERAGED)
    if columns * rows > few.most or max(image.size) > limits.SIDE.most:
        raise DataError(
            f"a picture of {columns:,} x {rows:,} is too large: at most {few}, "
            f"{limits.SIDE.most:,} along a side, make it smaller",
            file=file,
        )


def _smaller(image: Image, enough: int | None) -> Image:
    if image.mode not in AVERAGED:
        return image
    columns, rows = image.size
    factor = max(min(image.size) // enough if enough else 1, isqrt(columns * rows // AT_HAND))
    return image.reduce(factor) if factor > 1 else image


def _coloured(image: Image, behind: Callable[[Image], Ground]) -> Image:
    import PIL.Image

    if image.mode.startswith(("I", "F")):
        return _of_many_greys(image).convert("RGB")
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        ground = PIL.Image.new("RGBA", image.size, behind(coloured))
        return PIL.Image.alpha_composite(ground, coloured).convert("RGB")
    return image.convert("RGB")


def _of_many_greys(image: Image) -> Image:
    """Reduce sixteen bits to eight; Pillow's own conversion would clip everything above 255."""
    import PIL.Image

    values = np.asarray(image)
    if values.dtype.kind == "f" or values.min() < 0 or values.max() > 65535:
        raise ValueError("its greys have more than 16 bits")
    return PIL.Image.fromarray((values // 257).astype(np.uint8))


# Folders ---------------------------------------------------------------------

FEW, ONE_IN = 3, 100  # pictures that may be broken: this many, or one in a hundred
LEAST_GOOD = 4  # with fewer, none may be broken
CLASSES = 2  # at least so many must be left
MOST_NAMED = 5
SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".webp"}


@dataclass
class PassedOver:
    """What is left out of a folder, with the reasons."""

    folder: Path
    broken: dict[Path, GradbookError] = field(default_factory=dict)
    empty: list[Path] = field(default_factory=list)

    def require_few(self, pictures: int, folders: int) -> None:
        """Refuse a folder if more than a small share of it is unusable."""
        if len(self.broken) > few_of(pictures):
            if len(self.broken) == 1:
                raise next(iter(self.broken.values()))
            raise DataError(
                f"{len(self.broken):,} of {pictures:,} pictures can't be read: "
                f"{self._broken()}; remove them or save them again",
                file=self.folder,
            )
        if len(self.empty) > min(few_of(folders, 1), max(folders - CLASSES, 0)):
            if len(self.empty) == 1:
                raise DataError("it is empty: remove it or add pictures", file=self.empty[0])
            raise DataError(
                f"{len(self.empty):,} of {folders:,} folders have no pictures: "
                f"{self._named(self.empty)}; remove them or add some",
                file=self.folder,
            )

    def remarks(self) -> Iterator[str]:
        count, empty = len(self.broken), len(self.empty)
        if count:
            verb = "can't be read and is" if count == 1 else "can't be read and are"
            yield one_line(f"{counted(count, 'picture')} {verb} passed over: {self._broken()}")
        if empty:
            verb = "has no pictures and is" if empty == 1 else "have no pictures and are"
            yield one_line(
                f"{counted(empty, 'folder')} {verb} passed over: {self._named(self.empty)}"
            )

    def _broken(self) -> str:
        first, why = next(iter(self.broken.items()))
        others = self._named(list(self.broken)[1:])
        reason = why.message.rpartition(": ")[0] or why.message  # without its remedy
        return f"{first.relative_to(self.folder)} ({reason})" + (f", {others}" if others else "")

    def _named(self, paths: Sequence[Path]) -> str:
        names = [str(path.relative_to(self.folder)) for path in paths[:MOST_NAMED]]
        return ", ".join([*names, "…"] if len(paths) > MOST_NAMED else names)


def few_of(count: int, share: int = LEAST_GOOD) -> int:
    """The number of files that may be unusable: a few, or one in a hundred, but not one in four."""
    return min(max(FEW, count // ONE_IN), count // share)


def read_folder(folder: Path, size: Size | None = None, keeps: int = 0) -> Dataset:
    """The data set of the folder's pictures, scaled to one size: the given one or the
    first picture's, if none is given or it has at most `keeps` pixels along a side.

    They are grey unless one of them has colour. A few unreadable pictures and a few empty folders
    are left out.
    """
    passed = PassedOver(folder)
    files = {part: _files(where, passed) for part, where in _parts(folder).items()}
    every_file = [file for of_part in files.values() for file in of_part]
    remarks = list[str]()
    if size is None or keeps:
        first = _size_of(*every_file, trained=not size)
        if size and max(first) > keeps:
            has, wanted = ("x".join(map(str, sides)) for sides in (first, size))
            remarks.append(
                f"pictures of {has} are scaled to {wanted}: make them at most {keeps} pixels "
                f"along a side to train on their own size, or name a network that takes {has}"
            )
        else:
            size = first
    require_room((len(every_file), 3, *size), str(folder))
    pixels, readable = {}, {}
    for part, of_part in files.items():
        pixels[part], readable[part] = _pixels(of_part, size, passed)
    folders = {file.parent for file in every_file}
    passed.require_few(len(every_file), len(folders) + len(passed.empty))
    if all(np.array_equal(rgb[:, :2], rgb[:, 1:]) for rgb in pixels.values()):
        pixels = {part: rgb[:, :1] for part, rgb in pixels.items()}
    parts = {part: _part(folder, pixels[part], readable[part]) for part in files}
    source = f"pictures in {folder}{_left_out(folder)}"
    remarks += passed.remarks()
    return assemble(folder.resolve().name, source, parts, remarks=remarks)


def _size_of(*files: Path, trained: bool) -> Size:
    """The size of the first picture that can be opened, to which the others are scaled."""
    for file in files[: few_of(len(files)) + 1]:
        with suppress(GradbookError), _opened(file) as image:
            columns, rows = image.size
            if image.getexif().get(ORIENTATION, 1) in ON_ITS_SIDE:
                columns, rows = rows, columns
            break
    else:
        with _opened(files[0]):
            raise AssertionError("it couldn't be opened before")
    if trained and columns * rows > limits.TRAINED_PIXELS.most:
        raise DataError(
            f"a picture of {columns:,} x {rows:,} is too large to train on: add --size", file=file
        )
    return rows, columns


def _parts(folder: Path) -> dict[str, Path]:
    """The folder with the classes of each part."""
    inside = {where.name: where for where in _folders(folder)}
    if inside and all(name.lower() in PARTS for name in inside):
        return {part: inside[name] for part, name in by_part(inside, str(folder)).items()}
    return {TRAINING: folder}


def _folders(where: Path) -> list[Path]:
    return sorted(f for f in where.iterdir() if f.is_dir() and not f.name.startswith("."))


def _files(folder: Path, passed: PassedOver) -> list[Path]:
    """The pictures of all classes; the folder of a picture is its class."""
    files = {
        where: sorted(file for file in where.iterdir() if file.suffix.lower() in SUFFIXES)
        for where in _folders(folder)
    }
    if not any(files.values()):
        raise DataError(
            "it contains no idx files, tables or folders of pictures: put the pictures into "
            "one folder per class",
            file=folder,
        )
    passed.empty += [where for where, pictures in files.items() if not pictures]
    return [file for pictures in files.values() for file in pictures]


def _left_out(folder: Path) -> str:
    """A remark on files other than pictures, so that an ignored TIFF is noticed."""
    beside = [
        file
        for classes in _parts(folder).values()
        for where in _folders(classes)
        for file in where.iterdir()
        if file.suffix.lower() not in SUFFIXES and not file.name.startswith(".")
    ]
    files = "files" if len(beside) > 1 else "file"
    return f"; {len(beside):,} {files} of another kind left out" if beside else ""


def _pixels(
    files: list[Path], size: Size, passed: PassedOver
) -> tuple[NDArray[np.uint8], list[Path]]:
    """The pixels of the readable files, and which files these are."""
    rows, columns = size
    pixels = np.empty((len(files), 3, rows, columns), np.uint8)
    kept: list[Path] = []
    for file in files:
        try:
            image = read(file)
        except GradbookError as error:
            passed.broken[file] = error
            continue
        if image.size != (columns, rows):
            image = image.resize((columns, rows), reducing_gap=3)
        pixels[len(kept)] = np.asarray(image).transpose(2, 0, 1)
        kept.append(file)
    return pixels[: len(kept)], kept


def _part(folder: Path, pixels: NDArray[np.uint8], files: list[Path]) -> Part:
    return Part(
        pixels=pixels,
        labels=np.array([file.parent.name for file in files]),
        images_file=str(folder),
        labels_file=str(folder),
        place=lambda i: str(files[i].relative_to(folder)),
    )
