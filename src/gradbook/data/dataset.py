"""Data sets of images: bytes with the class of each, their framing and their split.

Images may be framed like MNIST's: each scaled to one longest side and centred. The split is the
same on every machine and in every version. It must not depend on a library's generator, which may
change, so each image's place in its class follows from mixing the bits of its index.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.amounts import counted
from gradbook.errors import DataError

# Images -----------------------------------------------------------------------

Size = tuple[int, int]  # rows, columns
BRIGHTEST = 255  # of a pixel's bytes
FAR = 8.0  # times the largest number in training: beyond, it is another scale
BEYOND = 1.5  # as far as a picture of numbers from 0 to 1 may go, where it was sharpened or scaled
BELOW = 0.25  # of the largest number in training, as far as one may go below 0 likewise
WIDE = FAR * BEYOND  # a range at least as wide can't be confused with 0 to 1
MOST_LOOKED_AT = 2_000  # images, to find what all of them have in common


@dataclass(frozen=True, eq=False)
class Images:
    """Images and the class of each. Both arrays are read-only."""

    pixels: NDArray[np.uint8]  # (images, channels, rows, columns), one after the other
    labels: NDArray[np.int32]  # (images,); each counts from 0 into the data set's classes

    def __post_init__(self) -> None:
        pixels = np.ascontiguousarray(self.pixels).view()
        labels = np.ascontiguousarray(self.labels).view()
        assert pixels.dtype == np.uint8, pixels.dtype
        assert labels.dtype == np.int32, labels.dtype
        assert pixels.ndim == 4, pixels.shape
        assert labels.shape == pixels.shape[:1], (labels.shape, pixels.shape)
        pixels.flags.writeable = labels.flags.writeable = False
        object.__setattr__(self, "pixels", pixels)
        object.__setattr__(self, "labels", labels)

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, chosen: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Images:
        return Images(self.pixels[chosen], self.labels[chosen])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of each image."""
        _, channels, rows, columns = self.pixels.shape
        return channels, rows, columns

    def counts(self, classes: int) -> list[int]:
        """The number of images of each class."""
        return [int(count) for count in np.bincount(self.labels, minlength=classes)]


@dataclass(frozen=True)
class Statistics:
    """The range of the pixels as bytes; mean and deviation with the pixels from 0 to 1."""

    low: int
    high: int
    mean: tuple[float, ...]  # per channel
    deviation: tuple[float, ...]


def statistics(images: Images) -> Statistics:
    """Exact, because bytes can be counted."""
    frequencies = [_frequencies(images.pixels[:, channel]) for channel in range(images.shape[0])]
    present = np.flatnonzero(np.sum(frequencies, axis=0))
    brightness = np.arange(BRIGHTEST + 1) / BRIGHTEST
    means, deviations = list[float](), list[float]()
    for counts in frequencies:
        mean = float(counts @ brightness / counts.sum())
        means.append(mean)
        deviations.append(float(counts @ (brightness - mean) ** 2 / counts.sum()) ** 0.5)
    return Statistics(
        low=int(present[0]),
        high=int(present[-1]),
        mean=tuple(means),
        deviation=tuple(deviations),
    )


def _frequencies(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each byte occurs. Counting takes eight bytes per pixel, so it is done in pieces."""
    pieces = np.array_split(pixels, 1 + pixels.size // 2**20)
    counts = np.zeros(BRIGHTEST + 1, np.int64)
    for piece in pieces:
        counts += np.bincount(piece.ravel(), minlength=len(counts))
    return counts


def edge_brightness(images: Images) -> int:
    """The brightness around the content of the images: the median of the bytes at their edges."""
    step = max(1, len(images) // MOST_LOOKED_AT)
    pixels = images.pixels[::step]
    sides = (pixels[:, :, 0], pixels[:, :, -1], pixels[:, :, :, 0], pixels[:, :, :, -1])
    return int(np.median(np.concatenate([side.ravel() for side in sides])))


def in_turns(images: Images, count: int) -> NDArray[np.intp]:
    """The places of the first image of each class, then of the second of each, and so on."""
    by_class = np.argsort(images.labels, kind="stable")
    labels = images.labels[by_class]
    place = np.empty(len(images), np.int64)  # in its class
    place[by_class] = np.arange(len(images)) - np.searchsorted(labels, labels)
    return np.lexsort((images.labels, place))[:count]


def count_shared(some: Images, others: Images) -> int:
    """How many of `some` are also among the others, pixel for pixel."""
    known = {image.tobytes() for image in others.pixels}
    return sum(image.tobytes() in known for image in some.pixels)


def digest(images: Images) -> str:
    """SHA-256 of the pixels, byte by byte, followed by the labels as four bytes each."""
    content = sha256(images.pixels.data)
    content.update(images.labels.astype("<i4").data)
    return content.hexdigest()


# Framing ---------------------------------------------------------------------

SHARE = 0.98  # of the images must be framed alike; in MNIST only one in seven thousand isn't
FAINT = 12  # of 255; darker pixels are background
WRITTEN = re.compile("([1-9][0-9]{0,3}) centred by (mass|box)")


@dataclass(frozen=True)
class Framing:
    """Light shapes on black: the longest side in pixels, and how they are centred."""

    side: int
    by_mass: bool

    def __str__(self) -> str:
        return f"{self.side} centred by {'mass' if self.by_mass else 'box'}"

    @staticmethod
    def parse(text: str) -> Framing:
        """`20 centred by mass`, as `str` writes it."""
        match = WRITTEN.fullmatch(text)
        if not match:
            raise DataError(
                f"framing {text!r} can't be read: write for example '20 centred by mass'"
            )
        return Framing(int(match[1]), match[2] == "mass")


def framing(images: Images) -> Framing | None:
    """The framing that all of these share; None if they have none in common."""
    channels, rows, columns = images.shape
    if channels != 1 or not len(images):
        return None
    step = max(1, len(images) // MOST_LOOKED_AT)
    pixels = images.pixels[::step, 0].astype(np.float32)
    light = pixels > FAINT
    top, bottom = _ends(np.any(light, axis=2))
    left, right = _ends(np.any(light, axis=1))
    sides = np.maximum(bottom - top, right - left)
    side = int(np.median(sides))
    if not 0 < side < min(rows, columns) or np.mean(abs(sides - side) <= 1) < SHARE:
        return None
    middles = np.stack([(top + bottom) / 2 - rows / 2, (left + right) / 2 - columns / 2])
    masses = np.stack([_mass(pixels.sum(2)) - rows / 2, _mass(pixels.sum(1)) - columns / 2])
    for off, by_mass in ((masses, True), (middles, False)):
        if np.mean(abs(off).max(0) <= 1) >= SHARE:
            return Framing(side, by_mass)
    return None


def _ends(is_light: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each row the first light place and the one after the last; 0 and 0 if there is none."""
    last = is_light.shape[1] - is_light[:, ::-1].argmax(1)
    return is_light.argmax(1), np.where(is_light.any(1), last, 0)


def _mass(sums: NDArray[np.float32]) -> NDArray[np.float32]:
    """The centre of mass; the first pixel extends from 0 to 1."""
    places = np.arange(sums.shape[1], dtype=np.float32) + 0.5
    return np.asarray(sums @ places / np.maximum(sums.sum(1), 1))


# Data sets --------------------------------------------------------------------

TRAINING, VALIDATION, TEST = "training", "validation", "test"
NUMBER = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with the names of their classes.

    Choose with `training` and `validation`, or with `split(fold)` for every fold in turn.
    `training_and_validation` is for the last training, when nothing is left to choose, and
    `test_for_reporting` for the number that is reported afterwards.
    """

    name: str
    classes: tuple[str, ...]
    training_and_validation: Images  # in the order of their source
    folds: NDArray[np.uint8]  # the fold of each image; fold 0 is the validation split
    test_for_reporting: Images
    source: str  # where it came from, in words
    remarks: tuple[str, ...] = ()  # on what was left out, one line each
    everything: bool = False  # whether the test images are also the training images
    brightest: int = BRIGHTEST  # what their source calls so: 255, or 1

    @cached_property
    def training(self) -> Images:
        return self.training_and_validation[self.folds != 0]

    @cached_property
    def validation(self) -> Images:
        return self.training_and_validation[self.folds == 0]

    def split(self, fold: int) -> tuple[Images, Images]:
        """The training images and the images held back, if this fold is held back."""
        held_back = self.folds == fold
        return self.training_and_validation[~held_back], self.training_and_validation[held_back]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of each image."""
        return self.training_and_validation.shape

    def with_everything(self) -> Dataset:
        """All images as training images, also the test's: reports then say nothing about others."""
        if self.everything:
            return self
        parts = (self.training_and_validation, self.test_for_reporting)
        images = Images(
            np.concatenate([part.pixels for part in parts]),
            np.concatenate([part.labels for part in parts]),
        )
        return replace(
            self,
            training_and_validation=images,
            folds=deal_folds(images.labels),
            test_for_reporting=images,
            everything=True,
        )


@dataclass(frozen=True, eq=False)
class Part:
    """Images from a reader, and their labels as they are in a file."""

    pixels: NDArray[np.uint8]  # (images, channels, rows, columns)
    labels: NDArray[Any]  # (images,): whole numbers or texts
    images_file: str
    labels_file: str
    place: Callable[[int], str]  # the place of image i's label in its file


def assemble(
    name: str,
    source: str,
    parts: Mapping[str, Part],
    classes: Sequence[str] | None = None,
    remarks: Sequence[str] = (),
) -> Dataset:
    """The data set of these parts, which must fit together.

    The classes are the labels that occur in training, or if `classes` names them, the labels
    are their numbers. Without validation images, one training image in six is held back for
    validation. Without test images, one image in six is held out for the test first.
    """
    if TRAINING not in parts:
        raise DataError(f"{' and '.join(parts)} images but no training images", file=name)
    parts = {part: parts[part] for part in (TRAINING, VALIDATION, TEST) if part in parts}
    for part in parts.values():
        _require_fit(part, parts[TRAINING])
    labels = _labels_of(parts) if classes is None else [str(i) for i in range(len(classes))]
    images = {name: _images(part, labels) for name, part in parts.items()}
    if TEST not in images:
        held_out = deal_folds(images[TRAINING].labels) == 0
        images[TEST], images[TRAINING] = images[TRAINING][held_out], images[TRAINING][~held_out]
        source += "; one image in six is held out for the test"
    together, folds = _with_folds(images[TRAINING], images.get(VALIDATION))
    origin = (source, tuple(remarks))
    return Dataset(name, tuple(classes or labels), together, folds, images[TEST], *origin)


def _require_fit(part: Part, training: Part) -> None:
    images, labels = len(part.pixels), len(part.labels)
    if images != labels:
        raise DataError(
            f"{labels:,} labels, but {images:,} images in {part.images_file}: "
            "these two files don't belong together",
            file=part.labels_file,
        )
    if not part.pixels.size:
        raise DataError("it contains no images", file=part.images_file)
    if part.pixels.shape[1:] != training.pixels.shape[1:]:
        raise DataError(
            f"its images are {_sides(part)} (channels, rows, columns), but those in "
            f"{training.images_file} are {_sides(training)}",
            file=part.images_file,
        )


def _sides(part: Part) -> str:
    return "x".join(map(str, part.pixels.shape[1:]))


def _labels_of(parts: Mapping[str, Part]) -> list[str]:
    """The labels that occur in training, as numbers if they are, in order."""
    labels = {
        _spelt(label)
        for part in (TRAINING, VALIDATION)
        if part in parts
        for label in np.unique(parts[part].labels)
    }
    if len(labels) > limits.CLASSES.most:
        raise DataError(
            f"{len(labels):,} different labels are too many: at most {limits.CLASSES} classes",
            file=parts[TRAINING].labels_file,
        )
    numbers = all(NUMBER.fullmatch(label) for label in labels)
    return sorted(labels, key=int if numbers else str)


def _spelt(label: object) -> str:
    text = str(label)
    return str(int(text)) if NUMBER.fullmatch(text) else text


def _images(part: Part, known: list[str]) -> Images:
    numbers = {label: number for number, label in enumerate(known)}
    occurring, which = np.unique(part.labels, return_inverse=True)
    number = np.array([numbers.get(_spelt(label), -1) for label in occurring], np.int32)
    labels = number[which]
    if labels.min() < 0:
        first = int(np.argmin(labels))
        raise DataError(
            f"{part.place(first)}: label '{part.labels[first]}' isn't one of the {len(known)} "
            f"classes of the training images ({known[0]} to {known[-1]})",
            file=part.labels_file,
        )
    return Images(part.pixels, labels)


def _with_folds(training: Images, validation: Images | None) -> tuple[Images, NDArray[np.uint8]]:
    """The images of both, and their folds: fold 0 contains the given validation images."""
    if validation is None:
        return training, deal_folds(training.labels)
    together = Images(
        np.concatenate([training.pixels, validation.pixels]),
        np.concatenate([training.labels, validation.labels]),
    )
    others = 1 + deal_folds(training.labels, FOLDS - 1)
    return together, np.concatenate([others, np.zeros(len(validation), np.uint8)])


# Balance ---------------------------------------------------------------------

WITHOUT_BALANCE = 4  # times as many samples in the largest class as in the smallest


def balance_remark(classes: Sequence[str], counts: Sequence[int], what: str) -> list[str]:
    """A remark that some classes have far fewer images, or rows, than others."""
    least, most = min(counts), max(counts)
    if most < WITHOUT_BALANCE * max(least, 1):
        return []
    few, many = (classes[counts.index(count)] for count in (least, most))
    return [
        f"'{few}' has {counted(least, what)}, '{many}' {most:,}: 'class weights balanced' "
        "gives each class the same weight"
    ]


# The split -------------------------------------------------------------------

ROUNDING = 1e-9  # of a share times a count
FOLDS = 6  # of 60,000 digits: 10,000 in each, as many as there are test images


def deal_folds(labels: NDArray[np.integer], folds: int = FOLDS) -> NDArray[np.uint8]:
    """The fold of every image. All folds have equally many images, and of each class, up to one.

    Fold 0 is filled last, so that a few images are never all held back.
    """
    mixed_within_classes = np.lexsort((scrambled_numbers(len(labels)), labels))
    fold = np.empty(len(labels), np.uint8)
    fold[mixed_within_classes] = folds - 1 - np.arange(len(labels)) % folds
    return fold


def deal_share(labels: NDArray[np.integer], share: float) -> NDArray[np.intp]:
    """The places of so large a share of the samples, with each class in equal shares, in order."""
    mixed_within_classes = np.lexsort((scrambled_numbers(len(labels)), labels))
    steps = np.floor(np.arange(len(labels) + 1) * share + ROUNDING)
    return np.sort(mixed_within_classes[np.diff(steps) > 0])


def training_parts(
    first: NDArray[np.integer],
    deal: Callable[[NDArray[np.intp]], NDArray[np.integer]],
    fold: int | None,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The training samples, and those to hold back as this `fold`. Those that `first` has in fold 0
    are held out for the test; all others are dealt to folds of their own."""
    others = np.flatnonzero(first != 0)
    if fold is None:
        return others, others[:0]
    held_back = deal(others) == fold
    return others[~held_back], others[held_back]


def scrambled_numbers(count: int) -> NDArray[np.uint64]:
    """That many different numbers in random order, by the mixing of SplitMix64."""
    x = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
